//! The command line: the only reader of arguments, environment, clock and terminal.
//!
//! [`run`] parses, hands over to one file per command and turns what comes back into an exit
//! status. Standard output carries the answer, standard error the talk.

mod admit;
mod args;
mod base;
mod clock;
mod diff;
#[cfg(feature = "net")]
mod emit;
mod exit;
mod export;
mod input;
mod inspect;
mod kwctl;
#[cfg(feature = "net")]
mod mirror;
mod mirrors;
mod output;
mod policy;
mod progress;
#[cfg(feature = "net")]
mod prove;
#[cfg(feature = "net")]
mod registry;
mod signer;
mod trust;
mod verify;
mod verify_bundle;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};
use exit::Exit;

/// Runs the command that the arguments name.
pub(crate) fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(usage) => return output::usage(&usage),
    };
    let result = match cli.command {
        Command::Admit(args) => admit::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::VerifyBundle(args) => verify_bundle::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Policy(command) => policy::run(&command),
        Command::Trust(command) => trust::run(&command),
        Command::Export(args) => export::run(&args),
        Command::Diff(args) => diff::run(&args),
        #[cfg(feature = "net")]
        Command::Mirror(args) => mirror::run(&args),
    };
    result
        .unwrap_or_else(|error| {
            output::error(&error);
            Exit::Undecided
        })
        .into()
}
