//! `sealift verify`.

use std::io;
use std::num::NonZeroUsize;
use std::path::Path;
use std::thread;

use anyhow::{Context, Result};
use sealift::archive::Archive;
use sealift::engine::{self, Options, Selector, Work};
use sealift::inventory::Inventory;
use sealift::limits::Limits;
use sealift::report::{Scope, json, text};

use super::args::{Format, VerifyArgs};
use super::base::Bases;
use super::exit::Exit;
use super::progress::{Bar, Wanted};
use super::signer::Demands;
use super::{clock, output};

pub(crate) fn run(args: &VerifyArgs) -> Result<Exit> {
    let limits = Limits::default();
    let now = clock::now(args.demands.trust.verification_time)?;
    let demands = Demands::of_archive(&args.demands, &limits, now)?;
    let scope = if args.evidence_only { Scope::EvidenceOnly } else { Scope::Whole };
    let options = Options {
        selection: args.images.iter().map(Selector::new).collect(),
        jobs: jobs(args.jobs),
        ledger: args.ledger.demand(),
        basis: demands.basis(scope),
    };
    let archive = open_files(&args.archive, &limits)?;
    let inventory = inventory_of_files(&archive, &args.archive, &limits)?;
    let bases = Bases::open(&args.base, &limits)?;
    bases.check_bytes()?;
    let archive = bases.under(archive, &inventory)?;
    let outcome = engine::verify(
        &Work {
            archive: &archive,
            inventory: &inventory,
            verifiers: &demands.verifiers(&limits),
            policies: &demands.policies,
            limits: &limits,
        },
        &options,
        &Bar::new(if args.no_progress { Wanted::No } else { Wanted::Yes }),
    )?;
    output::answer(&match args.format.format {
        Format::Text => text::render(&outcome.report),
        Format::Json => json::v1::render(&outcome.report),
    })?;
    Ok(if outcome.report.denied() == 0 { Exit::Admitted } else { Exit::Denied })
}

/// Opens what the user names: all volumes of a set, or one file; `-` is standard input.
pub(crate) fn open_files<P: AsRef<Path>>(paths: &[P], limits: &Limits) -> Result<Archive> {
    let cannot = || format!("{} cannot be read", called(paths));
    match paths {
        [path] if path.as_ref() == Path::new("-") => {
            Archive::from_stream(io::stdin().lock(), limits).with_context(cannot)
        }
        paths => Archive::open_files(paths, limits).with_context(cannot),
    }
}

/// Sorts out what the archive in these files holds.
pub(crate) fn inventory_of_files<P: AsRef<Path>>(
    archive: &Archive,
    paths: &[P],
    limits: &Limits,
) -> Result<Inventory> {
    Inventory::of(archive, limits)
        .with_context(|| format!("{} cannot be sorted out", called(paths)))
}

/// An archive, for people.
fn called<P: AsRef<Path>>(paths: &[P]) -> String {
    match paths {
        [path] => format!("archive `{}`", path.as_ref().display()),
        paths => format!("the archive of {} files", paths.len()),
    }
}

/// The number of threads: the one given, else one per processor.
pub(crate) fn jobs(given: Option<NonZeroUsize>) -> NonZeroUsize {
    given.or_else(|| thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN)
}
