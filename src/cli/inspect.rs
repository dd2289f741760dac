//! `sealift inspect`.

use anyhow::Result;

use super::args::InspectArgs;
use super::exit::Exit;

pub(crate) fn run(args: &InspectArgs) -> Result<Exit> {
    let _ = args;
    anyhow::bail!("not yet")
}
