//! `sealift inspect`: what an archive holds and what its evidence claims. Nothing is verified.

mod claims;
mod tree;

use anyhow::Result;
use sealift::limits::Limits;

use super::args::{Format, InspectArgs};
use super::exit::Exit;
use super::{output, verify};

pub(crate) fn run(args: &InspectArgs) -> Result<Exit> {
    let limits = Limits::default();
    let archive = verify::open_files(&args.archive, &limits)?;
    let inventory = verify::inventory_of_files(&archive, &args.archive, &limits)?;
    let tree = tree::Tree::of(&archive, &inventory, &limits);
    output::answer(&match args.format.format {
        Format::Text => tree.text(),
        Format::Json => tree.json(),
    })?;
    Ok(Exit::Admitted)
}
