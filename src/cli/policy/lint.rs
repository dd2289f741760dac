//! `sealift policy lint`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use sealift::engine::{self, Options, Work};
use sealift::limits::Limits;
use sealift::oci::Reference;
use sealift::policy::document::Beside;
use sealift::policy::lint::{self, Finding, Lint, Seen};
use sealift::policy::{Demand, PolicyFile};
use sealift::report::text::Lines;
use sealift::report::{self, Scope, json};
use sealift::time::UnixTime;
use serde::Serialize;

use super::super::args::{Format, FormatArgs};
use super::super::exit::Exit;
use super::super::mirrors::TufMirrorArgs;
use super::super::progress::{Bar, Wanted};
use super::super::signer::{DemandArgs, Demands, PolicyArgs, TrustArgs};
use super::super::verify::{inventory_of_files, jobs, open_files};
use super::super::{clock, input, output};

/// Tells what in policies deserves a second look: what never matches, admits more or refuses more
/// than it seems to.
///
/// Each finding has its line, a stable code, why it matters and what to write instead. With
/// --archive the policies are held against its images too: patterns that cover none, keys and
/// identities nobody signed with.
///
/// Exit status: 0 nothing found, 1 something found, 2 a file cannot be read.
#[derive(Debug, Args)]
pub(crate) struct LintArgs {
    /// Policy files, of every format that --policy takes
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,

    /// Compare the policies with the images of this archive and with who signed them (volumes one
    /// by one)
    #[arg(long, value_name = "ARCHIVE", env = "SEALIFT_ARCHIVE", hide_env_values = true)]
    pub archive: Vec<PathBuf>,

    #[command(flatten)]
    pub mirrors: TufMirrorArgs,

    #[command(flatten)]
    pub trust: TrustArgs,

    #[command(flatten)]
    pub format: FormatArgs,
}

pub(crate) fn run(args: &LintArgs) -> Result<Exit> {
    let limits = Limits::default();
    let now = clock::now(args.trust.verification_time)?;
    let policy = PolicyArgs { files: args.files.clone(), mirrors: args.mirrors.clone() };
    let read = policy.read_files(&limits)?;
    let files: Vec<_> = read.iter().map(|(name, bytes)| PolicyFile { name, bytes }).collect();
    let named = |path: &str| input::read_named(path, limits.metadata_bytes);
    let beside = Beside { file: &named, mirror: &|url| args.mirrors.at(url) };
    let mut found = lint::lint(&files, &limits, now, beside)?;
    let loads = found.iter().all(|finding| finding.lint != Lint::NOT_ACCEPTED);
    if loads && !args.archive.is_empty() {
        found.extend(of_archive(args, policy, &files, &limits, now)?);
    }
    output::answer(&match args.format.format {
        Format::Text => text(&found, files.len()),
        Format::Json => json::to_string(&Told::from(found.as_slice())),
    })?;
    Ok(if found.is_empty() { Exit::Admitted } else { Exit::Denied })
}

/// What the archive makes no use of.
fn of_archive(
    args: &LintArgs,
    policy: PolicyArgs,
    files: &[PolicyFile<'_>],
    limits: &Limits,
    now: UnixTime,
) -> Result<Vec<Finding>> {
    let demands = DemandArgs { trust: args.trust.clone(), policy, ..DemandArgs::default() };
    let demands = Demands::of_archive(&demands, limits, now)?;
    let archive = open_files(&args.archive, limits)?;
    let inventory = inventory_of_files(&archive, &args.archive, limits)?;
    let options = Options {
        selection: Vec::new(),
        jobs: jobs(None),
        ledger: Demand::Waived,
        basis: demands.basis(Scope::EvidenceOnly),
    };
    let work = Work {
        archive: &archive,
        inventory: &inventory,
        verifiers: &demands.verifiers(limits),
        policies: &demands.policies,
        limits,
    };
    let report = engine::verify(&work, &options, &Bar::new(Wanted::No))?.report;
    let images: Vec<_> = report.images.iter().map(seen).collect();
    Ok(lint::unused(&demands.policies, files, &images, limits)?)
}

fn seen(image: &report::Image) -> Seen {
    let full = image.names.iter().filter(|name| name.contains('/'));
    let signers = image.evidence.iter().filter_map(|piece| match &piece.finding {
        report::Finding::Verified(proof) => Some(proof.signer.clone()),
        report::Finding::Rejected(_) | report::Finding::Carried(_) => None,
    });
    Seen {
        digest: image.digest,
        names: full.filter_map(|name| name.parse::<Reference>().ok()).collect(),
        signers: signers.collect(),
    }
}

fn text(found: &[Finding], files: usize) -> String {
    let mut lines = Lines::default();
    let counted = |number: usize, noun: &str| match number {
        1 => format!("1 {noun}"),
        number => format!("{number} {noun}s"),
    };
    let whole = format!("{} in {}", counted(found.len(), "finding"), counted(files, "file"));
    lines.line("", &whole);
    for Finding { file, line, lint, what } in found {
        lines.blank();
        lines.line("", &format!("{file}:{line}: {what} [{}]", lint.code()));
        lines.hanging("  ", "why ", lint.why());
        lines.hanging("  ", "next ", lint.remedy());
    }
    lines.finish()
}

/// The findings as JSON, version 1 of the format of `policy lint`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Told<'a> {
    format_version: u32,
    findings: Vec<ToldFinding<'a>>,
}

#[derive(Debug, Serialize)]
struct ToldFinding<'a> {
    code: &'static str,
    file: &'a str,
    line: usize,
    what: &'a str,
    why: &'static str,
    remedy: &'static str,
}

impl<'a> From<&'a [Finding]> for Told<'a> {
    fn from(found: &'a [Finding]) -> Self {
        let told = |Finding { file, line, lint, what }: &'a Finding| ToldFinding {
            code: lint.code(),
            file,
            line: *line,
            what,
            why: lint.why(),
            remedy: lint.remedy(),
        };
        Self { format_version: 1, findings: found.iter().map(told).collect() }
    }
}
