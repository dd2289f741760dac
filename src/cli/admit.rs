//! `sealift admit`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Write as _};
use std::path::Path;

use anyhow::{Context, Result, bail};
use sealift::admission::{Objects, Outcome, Response};
use sealift::engine::{self, Decision, Refusal, Work};
use sealift::limits::Limits;
use sealift::report::text::Lines;

use super::args::AdmitArgs;
use super::exit::Exit;
use super::signer::Demands;
use super::{clock, input, output, verify};

pub(crate) fn run(args: &AdmitArgs) -> Result<Exit> {
    let (files, stdin) = (&args.held.archive, Path::new("-"));
    if args.filename == stdin && files.iter().any(|path| path == stdin) {
        bail!("`--filename` and `--archive` cannot both be standard input");
    }
    let limits = Limits::default();
    let now = clock::now(args.demands.trust.verification_time)?;
    let demands = Demands::of_archive(&args.demands, &limits, now)?;
    let bytes = read(&args.filename, limits.object_bytes)?;
    let objects = Objects::parse(&bytes, &args.filename.to_string_lossy(), &limits)?;
    let archive = verify::open_files(files, &limits)?;
    let inventory = verify::inventory_of_files(&archive, files, &limits)?;
    let work = Work {
        archive: &archive,
        inventory: &inventory,
        verifiers: &demands.verifiers(&limits),
        policies: &demands.policies,
        limits: &limits,
    };
    let decision = engine::admit(&work, &objects, verify::jobs(args.jobs))?;
    talk(&decision);
    let exit = if decision.refusals.is_empty() { Exit::Admitted } else { Exit::Denied };
    if let Some(request) = objects.request() {
        output::answer(&format!("{}\n", response(decision).to_json(request)))?;
    } else if exit == Exit::Admitted {
        output::answer(&objects.pinned(&decision.pins)?)?;
    }
    Ok(exit)
}

fn read(path: &Path, limit: u64) -> Result<Vec<u8>> {
    if path != Path::new("-") {
        return input::read(path, "file", limit);
    }
    let mut bytes = Vec::new();
    io::stdin()
        .lock()
        .take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .context("standard input cannot be read")?;
    Ok(bytes)
}

fn response(decision: Decision) -> Response {
    let outcome = if decision.refusals.is_empty() {
        Outcome::Allowed { pins: decision.pins }
    } else {
        let mut texts: Vec<_> =
            decision.refusals.iter().map(|refusal| refusal.text.as_str()).collect();
        texts.dedup();
        let message = texts.join("\n");
        let causes = decision.refusals.into_iter().filter_map(|refusal| refusal.cause).collect();
        Outcome::Denied { message, causes, code: 403 }
    };
    Response { outcome, warnings: decision.warnings, audit_annotations: BTreeMap::new() }
}

fn talk(decision: &Decision) {
    let mut lines = Lines::default();
    for warning in &decision.warnings {
        let mut told = warning.lines();
        lines.unbroken("warning: ", told.next().unwrap_or_default());
        told.for_each(|line| lines.unbroken("  ", line));
    }
    for Refusal { object, code, webhook, text, cause } in &decision.refusals {
        lines.unbroken("denied: ", &format!("{object} ({code})"));
        let by = |name| format!("admission webhook \"{name}\" denied the request: ");
        let told = webhook.map(by).unwrap_or_default() + text;
        for line in told.lines().chain(cause.iter().flat_map(|cause| cause.lines())) {
            lines.unbroken("  ", line);
        }
    }
    let codes: BTreeSet<_> = decision.refusals.iter().map(|refusal| refusal.code).collect();
    codes.into_iter().filter_map(hint).for_each(|hint| lines.unbroken("hint: ", hint));
    // Nobody is left to tell where this cannot be written.
    let _ = io::stderr().write_all(lines.finish().as_bytes());
}

/// What may help where this is why.
fn hint(code: &str) -> Option<&'static str> {
    match code {
        "policy-not-met" => {
            Some("`sealift policy explain --image IMAGE` tells what each policy lacks")
        }
        "uncovered" => Some("give a policy whose images match the name"),
        "not-in-archive" => Some("export it into the archive, or write a name that it holds"),
        "would-mutate-but-may-not" => Some(
            "set `modifyImagesWithDigest: false`, or `mutating: true`, which a group cannot have",
        ),
        _ => None,
    }
}
