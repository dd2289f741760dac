//! `sealift policy explain`.

use anyhow::Result;
use clap::Args;
use sealift::engine::{self, Options, Selector, Work};
use sealift::limits::Limits;
use sealift::policy::Demand;
use sealift::report::{Scope, text};

use super::super::args::ArchiveArgs;
use super::super::exit::Exit;
use super::super::progress::{Bar, Wanted};
use super::super::signer::{DemandArgs, Demands};
use super::super::verify::{inventory_of_files, jobs, open_files};
use super::super::{clock, output};

/// Explains why an image is admitted or denied: every policy, every part of it, every piece of
/// evidence and what it lacks.
///
/// The judgement is that of `verify` with --image, and so is the exit status. Policies that do not
/// apply are told with what they cover instead.
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// The image: a digest, a full reference, or a tag of the archive
    #[arg(long, value_name = "REF", env = "SEALIFT_IMAGE", hide_env_values = true)]
    pub image: String,

    #[command(flatten)]
    pub held: ArchiveArgs,

    #[command(flatten)]
    pub demands: DemandArgs,
}

pub(crate) fn run(args: &ExplainArgs) -> Result<Exit> {
    let limits = Limits::default();
    let now = clock::now(args.demands.trust.verification_time)?;
    let demands = Demands::of_archive(&args.demands, &limits, now)?;
    let files = &args.held.archive;
    let archive = open_files(files, &limits)?;
    let inventory = inventory_of_files(&archive, files, &limits)?;
    let options = Options {
        selection: vec![Selector::new(&args.image)],
        jobs: jobs(None),
        ledger: Demand::Waived,
        basis: demands.basis(Scope::Whole),
    };
    let work = Work {
        archive: &archive,
        inventory: &inventory,
        verifiers: &demands.verifiers(&limits),
        policies: &demands.policies,
        limits: &limits,
    };
    let report = engine::verify(&work, &options, &Bar::new(Wanted::Yes))?.report;
    output::answer(&text::explain(&report, &demands.policies))?;
    Ok(if report.denied() == 0 { Exit::Admitted } else { Exit::Denied })
}
