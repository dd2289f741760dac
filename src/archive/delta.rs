//! A *delta*: an archive that leaves blobs to its base, for the far side holds them already.
//!
//! What it leaves to the base is listed in it, and nothing else is ever taken from a base: whatever an
//! archive lacks beyond its list, it lacks. Bytes of a base are proven as the archive's own are. What a
//! registry says it holds is no bytes, and stays told as that.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;

use crate::archive::{Archive, BlobError, Store};
use crate::digest::Digest;
use crate::oci::Descriptor;

/// What a delta leaves to its base, and where that may be.
#[derive(Default)]
pub struct Omitted {
    /// The blobs and their sizes, as the delta lists them.
    pub blobs: BTreeMap<Digest, u64>,
    /// What it was made against, as it says, for people.
    pub named: Vec<String>,
    /// Archives that were given as its base.
    pub bases: Vec<Archive>,
}

/// What became of the blobs that a delta leaves to its base.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Omission {
    /// How many there are.
    pub blobs: usize,
    /// Their bytes.
    pub bytes: u64,
    /// What it was made against, as it says, for people.
    pub named: Vec<String>,
    /// How many lie in a base that was given.
    pub in_base: usize,
    /// How many the target says it holds.
    pub at_target: usize,
    /// Those that are nowhere.
    pub missing: Vec<Digest>,
}

impl fmt::Display for Omission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { blobs, bytes, named, in_base, at_target, missing } = self;
        let (s, missing) = (if *blobs == 1 { "" } else { "s" }, missing.len());
        write!(f, "the archive is a delta that leaves {blobs} blob{s} to its base, {bytes} bytes")?;
        if *in_base > 0 {
            write!(f, "; {in_base} {} read from the base that was given", is(*in_base))?;
        }
        if *at_target > 0 {
            let is = is(*at_target);
            write!(f, "; {at_target} {is} held by the target, by its own word, and not hashed")?;
        }
        if missing > 0 {
            let (is, named) = (is(missing), named.join(" and "));
            write!(
                f,
                "; {missing} {is} nowhere: give by `--base` what it was made against, {named}"
            )?;
        }
        Ok(())
    }
}

fn is(count: usize) -> &'static str {
    if count == 1 { "is" } else { "are" }
}

/// The blobs of a delta and those of its bases.
pub(super) struct DeltaStore {
    pub(super) own: Box<dyn Store>,
    pub(super) omitted: Omitted,
}

impl DeltaStore {
    /// The store that holds a blob: the delta's own, else a base that has it in the size listed.
    fn holder(&self, digest: &Digest) -> Option<&dyn Store> {
        if self.own.size(digest).is_some() {
            return Some(self.own.as_ref());
        }
        let size = self.omitted.blobs.get(digest)?;
        let mut bases = self.omitted.bases.iter().map(Archive::store);
        bases.find(|base| base.size(digest) == Some(*size))
    }

    pub(super) fn omission(&self) -> Omission {
        let named = self.omitted.named.clone();
        let mut omission = Omission { named, ..Omission::default() };
        for (digest, size) in &self.omitted.blobs {
            omission.blobs = omission.blobs.saturating_add(1);
            omission.bytes = omission.bytes.saturating_add(*size);
            if self.holder(digest).is_some() {
                omission.in_base = omission.in_base.saturating_add(1);
            } else {
                omission.missing.push(*digest);
            }
        }
        omission
    }
}

impl Store for DeltaStore {
    fn size(&self, digest: &Digest) -> Option<u64> {
        self.holder(digest)?.size(digest)
    }

    /// The delta's own: what else a base holds is none of its business.
    fn blobs(&self) -> Vec<(Digest, u64)> {
        self.own.blobs()
    }

    fn read(
        &self,
        digest: &Digest,
        sink: &mut dyn FnMut(&[u8]) -> Result<(), BlobError>,
    ) -> Result<(), BlobError> {
        match self.holder(digest) {
            Some(store) => store.read(digest, sink),
            None => Err(self.missing(digest)),
        }
    }

    fn open(&self, digest: &Digest) -> Option<Box<dyn Read + '_>> {
        self.holder(digest)?.open(digest)
    }

    fn first_byte(&self, digest: &Digest) -> Option<u8> {
        self.holder(digest)?.first_byte(digest)
    }

    fn wrong_digest(&self, promised: Digest, found: Digest) -> BlobError {
        match self.holder(&promised) {
            Some(store) => store.wrong_digest(promised, found),
            None => BlobError::WrongDigest { promised, found },
        }
    }

    fn check(&self, descriptor: &Descriptor) -> Result<(), BlobError> {
        match self.holder(&descriptor.digest) {
            Some(store) => store.check(descriptor),
            None => Err(self.missing(&descriptor.digest)),
        }
    }

    fn missing(&self, digest: &Digest) -> BlobError {
        let digest = *digest;
        if self.omitted.blobs.contains_key(&digest) {
            BlobError::Omitted { digest }
        } else {
            self.own.missing(&digest)
        }
    }
}
