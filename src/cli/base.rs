//! What is given by `--base`: archives that hold what a delta leaves out, and receipts that say so.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use sealift::archive::{Archive, Omitted};
#[cfg(feature = "net")]
use sealift::digest::Digest;
use sealift::inventory::Inventory;
#[cfg(feature = "net")]
use sealift::inventory::delta::Delta;
use sealift::inventory::delta::{Base, BaseKind, contents};
use sealift::limits::Limits;
use sealift::transfer::{Plan, Receipt};

use super::input;

/// Bases, told apart by their content.
#[derive(Default)]
pub(crate) struct Bases {
    /// Those that have bytes.
    pub archives: Vec<Archive>,
    /// Those that say what a registry holds.
    pub receipts: Vec<Receipt>,
    /// The first receipt's file.
    receipt: Option<PathBuf>,
}

impl Bases {
    /// Opens all of them. The volumes of a set are one base.
    pub(crate) fn open(paths: &[PathBuf], limits: &Limits) -> Result<Self> {
        let (receipts, archives): (Vec<_>, Vec<_>) =
            paths.iter().partition(|path| is_document(path));
        let read = |path: &&PathBuf| {
            let bytes = input::read(path, "receipt", limits.envelope_bytes)?;
            Receipt::parse(&bytes, limits)
                .with_context(|| format!("receipt `{}` cannot be read", path.display()))
        };
        Ok(Self {
            archives: Archive::open_each(&archives, limits).context("a base cannot be read")?,
            receipts: receipts.iter().map(read).collect::<Result<_>>()?,
            receipt: receipts.first().map(|path| (*path).clone()),
        })
    }

    /// Leaves to them what they hold.
    pub(crate) fn leave<'a>(&self, plan: Plan<'a>) -> Result<Plan<'a>> {
        let mut bases = Vec::new();
        let mut held = BTreeMap::new();
        let archives = self.archives.iter().map(|archive| {
            (BaseKind::Archive, archive.store().blobs().into_iter().collect::<BTreeMap<_, _>>())
        });
        let receipts = self.receipts.iter().map(|receipt| (BaseKind::Receipt, receipt.contents()));
        for (kind, blobs) in archives.chain(receipts) {
            bases.push(Base { kind, contents: contents(&blobs) });
            held.extend(blobs);
        }
        Ok(plan.leave(bases, &held)?)
    }

    /// Refuses receipts, where bytes are to be hashed.
    pub(crate) fn check_bytes(&self) -> Result<()> {
        let Some(path) = &self.receipt else { return Ok(()) };
        bail!(
            "`{}` is a receipt: it says what a registry holds and has no bytes to verify; \
             give the base archive, or let `mirror` ask the registry",
            path.display()
        )
    }

    /// Refuses receipts of another registry than the one that is asked.
    #[cfg(feature = "net")]
    pub(crate) fn check_registry(&self, registry: &str) -> Result<()> {
        let mut others = self.receipts.iter().map(|receipt| &receipt.registry);
        match others.find(|other| *other != registry) {
            None => Ok(()),
            Some(other) => bail!(
                "a receipt says what {} holds, and this mirror goes to {registry}",
                other.escape_debug()
            ),
        }
    }

    /// What a delta leaves out and no base holds.
    #[cfg(feature = "net")]
    pub(crate) fn lacking(&self, delta: &Delta) -> BTreeMap<Digest, u64> {
        let mut blobs = delta.blobs();
        blobs.retain(|digest, size| {
            !self.archives.iter().any(|base| base.store().size(digest) == Some(*size))
        });
        blobs
    }

    /// Lays them under an archive, which must be a delta where any are given.
    pub(crate) fn under(self, archive: Archive, inventory: &Inventory) -> Result<Archive> {
        let Some(delta) = &inventory.delta else {
            if self.archives.is_empty() && self.receipts.is_empty() {
                return Ok(archive);
            }
            bail!("`--base` is for deltas, and this archive leaves nothing to a base");
        };
        let named = delta.bases.iter().map(ToString::to_string).collect();
        let (blobs, bases) = (delta.blobs(), self.archives);
        Ok(archive.with_omitted(Omitted { blobs, named, bases }))
    }
}

/// Whether a file begins as JSON does. What cannot be read is told where it is opened.
pub(crate) fn is_document(path: &Path) -> bool {
    let mut first = [0];
    path.is_file()
        && File::open(path).and_then(|mut file| file.read_exact(&mut first)).is_ok()
        && first == *b"{"
}
