//! What reading an archive may still cost.

use crate::archive::{Blob, BlobError, Store};
use crate::inventory::{BlobFault, Error};
use crate::limits::Limits;
use crate::oci::{Descriptor, Document};

/// A store and what may still be taken from it.
pub(super) struct Budget<'a> {
    pub(super) store: &'a dyn Store,
    pub(super) limits: &'a Limits,
    descriptors: usize,
    pieces: usize,
    bytes: u64,
    work: u64,
}

impl<'a> Budget<'a> {
    /// How often what may be held may be read: twice is needed, to find evidence and to keep it.
    const READINGS: u64 = 4;

    pub(super) fn new(store: &'a dyn Store, limits: &'a Limits) -> Self {
        let work = limits.inventory_bytes.saturating_mul(Self::READINGS);
        let (descriptors, pieces) = (limits.descriptors, limits.evidence_pieces);
        Self { store, limits, descriptors, pieces, bytes: limits.inventory_bytes, work }
    }

    /// Reads and proves an index or a manifest; the inner error is what is wrong with it.
    pub(super) fn read_document(
        &mut self,
        descriptor: &Descriptor,
    ) -> Result<Result<(Blob, Document), BlobFault>, Error> {
        let blob = match self.read(descriptor, self.limits.metadata_bytes)? {
            Ok(blob) => blob,
            Err(cause) => return Ok(Err(BlobFault::Blob(cause))),
        };
        Ok(match Document::parse(blob.bytes(), &descriptor.media_type, self.limits) {
            Ok(document) => Ok((blob, document)),
            Err(cause) => Err(BlobFault::Document(cause)),
        })
    }

    /// Reads and proves a blob; the inner error is what is wrong with it. Every reading counts: one
    /// manifest under ten thousand tags would else be ten thousand.
    pub(super) fn read(
        &mut self,
        descriptor: &Descriptor,
        cap: u64,
    ) -> Result<Result<Blob, BlobError>, Error> {
        let will_be_read =
            descriptor.size <= cap && self.store.size(&descriptor.digest) == Some(descriptor.size);
        if will_be_read {
            let limit = self.limits.inventory_bytes.saturating_mul(Self::READINGS);
            let what = "bytes of manifests and evidence to read";
            let left = self.work.checked_sub(descriptor.size);
            self.work = left.ok_or(Error::Limit { what, limit })?;
        }
        Ok(Blob::read(self.store, descriptor, cap))
    }

    /// Counts descriptors that are met, and their annotations.
    pub(super) fn count<'d>(
        &mut self,
        descriptors: impl IntoIterator<Item = &'d Descriptor>,
    ) -> Result<(), Error> {
        for descriptor in descriptors {
            let weight = descriptor.annotations.len().saturating_add(1);
            let limit = u64::try_from(self.limits.descriptors).unwrap_or(u64::MAX);
            let what = "descriptors and annotations";
            let left = self.descriptors.checked_sub(weight);
            self.descriptors = left.ok_or(Error::Limit { what, limit })?;
        }
        Ok(())
    }

    /// Counts pieces of evidence that will be judged, before any is read.
    pub(super) fn count_pieces(&mut self, pieces: usize) -> Result<(), Error> {
        let limit = u64::try_from(self.limits.evidence_pieces).unwrap_or(u64::MAX);
        let what = "signatures and attestations";
        self.pieces = self.pieces.checked_sub(pieces).ok_or(Error::Limit { what, limit })?;
        Ok(())
    }

    /// Counts a document that stays in memory: its bytes, and its reading, which is as large.
    pub(super) fn hold_document(&mut self, blob: &Blob) -> Result<(), Error> {
        self.hold(blob.descriptor().size.saturating_mul(2))
    }

    /// Counts a piece of evidence that stays in memory, with what it takes beside its bytes.
    pub(super) fn hold_piece(&mut self, bytes: u64) -> Result<(), Error> {
        /// A descriptor, its texts, and a few annotations.
        const BESIDE: u64 = 512;
        self.hold(bytes.saturating_add(BESIDE))
    }

    fn hold(&mut self, bytes: u64) -> Result<(), Error> {
        let limit = self.limits.inventory_bytes;
        let what = "bytes of manifests and evidence";
        self.bytes = self.bytes.checked_sub(bytes).ok_or(Error::Limit { what, limit })?;
        Ok(())
    }
}
