//! `sealift policy test`.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use sealift::engine::{self, Options, Selector, Work};
use sealift::limits::Limits;
use sealift::policy::{Demand, End, Expectation, PolicyFile, PolicyTest, Reason, Shortfall, Why};
use sealift::report::text::Lines;
use sealift::report::{Finding, Image, Outcome, Scope};

use super::super::exit::Exit;
use super::super::mirrors::{Mirror, TufMirrorArgs};
use super::super::progress::{Bar, Wanted};
use super::super::signer::{DemandArgs, Demands, PolicyArgs, TrustArgs};
use super::super::verify::{inventory_of_files, jobs, open_files};
use super::super::{clock, input, output};

/// Judges the images of an archive and compares each verdict with the one that is expected.
///
/// For continuous integration: a change of a policy is tried before anything is decided by it.
#[derive(Debug, Args)]
#[command(after_long_help = FORM)]
pub(crate) struct TestArgs {
    /// What is expected
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

const FORM: &str = "\
The file says what is expected; paths in it are relative to it:

  apiVersion: sealift/v1
  kind: PolicyTest
  archive: upgrade.tar  # or [upgrade.tar.001, upgrade.tar.002]
  policies: [policy.yaml]
  trustedRoot: trusted_root.json
  tufMirrors: {https://tuf.example: mirror}
  verificationTime: 2027-01-01T00:00:00Z
  cases:
  - {image: \"registry.example/app:v1\", expect: admitted, by: release}
  - {image: \"registry.example/app:v0\", expect: denied, reason: identity-mismatch}
  - {image: \"registry.example/tool:v1\", expect: uncovered}

Exit status: 0 all cases passed, 1 one failed, 2 nothing could be decided.";

pub(crate) fn run(args: &TestArgs) -> Result<Exit> {
    let limits = Limits::default();
    let bytes = input::read(&args.file, "policy test", limits.policy_bytes)?;
    let name = args.file.display().to_string();
    let test = PolicyTest::parse(PolicyFile { name: &name, bytes: &bytes }, &limits)?;
    let images = judge(&test, args.file.parent().unwrap_or(Path::new("")), &limits)?;
    let failures: Vec<_> = test.cases.iter().filter_map(|case| failure(case, &images)).collect();
    let passed = test.cases.len().saturating_sub(failures.len());
    let mut lines = Lines::default();
    lines.line("", &format!("{passed} passed, {} failed", failures.len()));
    for (case, found) in &failures {
        let expected = expected(case);
        lines.line("", &format!("{name}:{}: {}", case.line, case.image));
        lines.hanging("  ", "expected ", &expected);
        lines.hanging("  ", "found ", found);
    }
    output::answer(&lines.finish())?;
    Ok(if failures.is_empty() { Exit::Admitted } else { Exit::Denied })
}

/// Judges the images of all cases, each once.
fn judge(test: &PolicyTest, home: &Path, limits: &Limits) -> Result<Vec<Image>> {
    let now = clock::now(test.verification_time)?;
    let files = test.policies.iter().map(|path| home.join(path)).collect();
    let mirror = |(url, folder): (&String, &String)| Mirror::new(url, home.join(folder));
    let mirrors = test.tuf_mirrors.iter().map(mirror).collect();
    let trusted_root = test.trusted_root.as_ref().map(|path| home.join(path));
    let args = DemandArgs {
        trust: TrustArgs { trusted_root, ..TrustArgs::default() },
        policy: PolicyArgs { files, mirrors: TufMirrorArgs { mirrors } },
        ..DemandArgs::default()
    };
    let demands = Demands::of_archive(&args, limits, now)?;
    let files: Vec<_> = test.archive.iter().map(|path| home.join(path)).collect();
    let archive = open_files(&files, limits)?;
    let inventory = inventory_of_files(&archive, &files, limits)?;
    let options = Options {
        selection: test.cases.iter().map(|case| Selector::new(&case.image)).collect(),
        jobs: jobs(None),
        ledger: Demand::Waived,
        basis: demands.basis(Scope::Whole),
    };
    let work = Work {
        archive: &archive,
        inventory: &inventory,
        verifiers: &demands.verifiers(limits),
        policies: &demands.policies,
        limits,
    };
    Ok(engine::verify(&work, &options, &Bar::new(Wanted::No))?.report.images)
}

/// What was found where it is not what is expected, of any image that the case is about.
fn failure<'a>(case: &'a Expectation, images: &[Image]) -> Option<(&'a Expectation, String)> {
    let selector = Selector::new(&case.image);
    let mut meant = images.iter().filter(|image| selector.selects(image));
    let wrong = meant.find(|image| !Found::of(image).meets(case))?;
    Some((case, Found::of(wrong).to_string()))
}

fn expected(case: &Expectation) -> String {
    let by = case.by.iter().map(|by| format!(" by policy `{by}`"));
    let reason = case.reason.iter().map(|reason| format!(" [{reason}]"));
    std::iter::once(case.end.name().to_owned()).chain(by).chain(reason).collect()
}

/// How the judgement of an image ended, as a case says it.
struct Found {
    end: End,
    /// The policies that hold, or those that do not.
    by: Vec<String>,
    /// Every code among the reasons.
    codes: Vec<String>,
}

impl Found {
    fn of(image: &Image) -> Self {
        let Outcome::Denied { reasons, .. } = &image.outcome else {
            let by = image.outcome.passed().iter().map(|passed| passed.policy.clone());
            return Self { end: End::Admitted, by: by.collect(), codes: Vec::new() };
        };
        let mut found = Self { end: End::Denied, by: Vec::new(), codes: Vec::new() };
        if reasons.iter().any(|reason| matches!(reason, Reason::Uncovered { .. })) {
            found.end = End::Uncovered;
        }
        for reason in reasons {
            found.add(reason.code());
            if let Reason::Policy(failure) = reason {
                found.by.push(failure.policy.clone());
                for shortfall in &failure.shortfalls {
                    found.add_lacks(shortfall);
                }
            }
        }
        for piece in &image.evidence {
            if let Finding::Rejected(rejected) = &piece.finding {
                found.add(rejected.code);
            }
        }
        found
    }

    fn add_lacks(&mut self, shortfall: &Shortfall) {
        if let Why::Evidence(pieces) = &shortfall.why {
            for (_, lacks) in pieces {
                self.add(lacks.code());
            }
        }
    }

    fn add(&mut self, code: &str) {
        if !self.codes.iter().any(|known| known == code) {
            self.codes.push(code.to_owned());
        }
    }

    fn meets(&self, case: &Expectation) -> bool {
        self.end == case.end
            && case.by.as_ref().is_none_or(|by| self.by.contains(by))
            && case.reason.as_ref().is_none_or(|reason| self.codes.contains(reason))
    }
}

impl std::fmt::Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.end.name())?;
        if !self.by.is_empty() {
            write!(f, " by policy `{}`", self.by.join("`, `"))?;
        }
        if !self.codes.is_empty() {
            write!(f, " [{}]", self.codes.join(", "))?;
        }
        Ok(())
    }
}
