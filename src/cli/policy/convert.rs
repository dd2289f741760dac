//! `sealift policy convert`.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};
use sealift::limits::Limits;
use sealift::policy::convert::{self, Target};

use super::super::exit::Exit;
use super::super::mirrors::TufMirrorArgs;
use super::super::signer::PolicyArgs;
use super::super::{clock, output};

/// Writes policies in another format, exactly or not at all.
///
/// What is printed decides like what was read, over all evidence and all names: it is loaded again
/// and compared before it is shown. Where the formats part, the construct is named and nothing is
/// printed. That is often so: policy-controller looks at every name of a certificate and Kubewarden
/// at the first, and a policy.json compares the name inside the signature as no other format does.
///
/// Exit status: 0 converted, 2 there is no exact equivalent, or a file cannot be read.
#[derive(Debug, Args)]
pub(crate) struct ConvertArgs {
    /// The policy file
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// The format to write
    #[arg(long, value_name = "FORMAT", value_enum)]
    pub to: Format,

    #[command(flatten)]
    pub mirrors: TufMirrorArgs,
}

/// The formats there are to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// policy-controller's `ClusterImagePolicy`.
    ClusterImagePolicy,
    /// Kubewarden's verification config.
    VerificationConfig,
    /// The policy.json of containers/image.
    #[value(name = "policy.json")]
    PolicyJson,
}

pub(crate) fn run(args: &ConvertArgs) -> Result<Exit> {
    let limits = Limits::default();
    let now = clock::now(None)?;
    let files = PolicyArgs { files: vec![args.file.clone()], mirrors: args.mirrors.clone() };
    let policies = files.read(&limits, now)?;
    let target = match args.to {
        Format::ClusterImagePolicy => Target::ClusterImagePolicy,
        Format::VerificationConfig => Target::VerificationConfig,
        Format::PolicyJson => Target::ContainersPolicy,
    };
    let is_one_already = target == Target::ContainersPolicy
        && policies.iter().all(|policy| policy.format == target.format());
    if is_one_already {
        // No other text says the same of the paths and scopes in it.
        for (_, bytes) in files.read_files(&limits)? {
            output::answer(&String::from_utf8_lossy(&bytes))?;
        }
    } else {
        output::answer(&convert::convert(&policies, target, &limits, now)?)?;
    }
    Ok(Exit::Admitted)
}
