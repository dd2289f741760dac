//! Blobs that are *held* where a mirror goes: the target says so, by its own word. Nothing of them is
//! pushed, so nothing of them is read here either.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use crate::archive::{BlobError, Store};
use crate::digest::Digest;
use crate::oci::Descriptor;

/// What the target said of a blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Its size.
    pub size: u64,
    /// A repository that has it.
    pub repository: String,
}

/// What the target said of all that it was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// The blobs it holds.
    pub held: BTreeMap<Digest, Held>,
    /// Blobs, and the repositories that lack them.
    pub lacking: BTreeSet<(Digest, String)>,
}

/// A store, and what need not be read from it.
pub(super) struct HeldStore {
    pub(super) own: Box<dyn Store>,
    pub(super) answers: Answers,
}

impl Store for HeldStore {
    fn size(&self, digest: &Digest) -> Option<u64> {
        self.own.size(digest)
    }

    fn blobs(&self) -> Vec<(Digest, u64)> {
        self.own.blobs()
    }

    fn read(
        &self,
        digest: &Digest,
        sink: &mut dyn FnMut(&[u8]) -> Result<(), BlobError>,
    ) -> Result<(), BlobError> {
        self.own.read(digest, sink)
    }

    fn open(&self, digest: &Digest) -> Option<Box<dyn Read + '_>> {
        self.own.open(digest)
    }

    fn first_byte(&self, digest: &Digest) -> Option<u8> {
        self.own.first_byte(digest)
    }

    fn wrong_digest(&self, promised: Digest, found: Digest) -> BlobError {
        self.own.wrong_digest(promised, found)
    }

    fn missing(&self, digest: &Digest) -> BlobError {
        self.own.missing(digest)
    }

    fn at_target(&self, descriptor: &Descriptor) -> Option<&str> {
        let held = self.answers.held.get(&descriptor.digest)?;
        (held.size == descriptor.size).then_some(held.repository.as_str())
    }

    fn lacks(&self, repository: &str, digest: &Digest) -> bool {
        self.answers.lacking.contains(&(*digest, repository.to_owned()))
    }

    fn check(&self, descriptor: &Descriptor) -> Result<(), BlobError> {
        self.own.check(descriptor)
    }
}
