//! What reading an archive may still cost.

use crate::archive::{Blob, Store};
use crate::inventory::{BlobFault, Error};
use crate::limits::Limits;
use crate::oci::{Descriptor, Document};

/// A store and what may still be taken from it.
pub(super) struct Budget<'a> {
    pub(super) store: &'a dyn Store,
    pub(super) limits: &'a Limits,
    descriptors: usize,
    bytes: u64,
}

impl<'a> Budget<'a> {
    pub(super) fn new(store: &'a dyn Store, limits: &'a Limits) -> Self {
        Self { store, limits, descriptors: limits.descriptors, bytes: limits.inventory_bytes }
    }

    /// Reads and proves an index or a manifest.
    pub(super) fn read_document(
        &self,
        descriptor: &Descriptor,
    ) -> Result<(Blob, Document), BlobFault> {
        let blob = Blob::read(self.store, descriptor, self.limits.metadata_bytes)
            .map_err(BlobFault::Blob)?;
        let document = Document::parse(blob.bytes(), &descriptor.media_type, self.limits)
            .map_err(BlobFault::Document)?;
        Ok((blob, document))
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

    /// Counts bytes that stay in memory.
    pub(super) fn hold(&mut self, blob: &Blob) -> Result<(), Error> {
        let limit = self.limits.inventory_bytes;
        self.bytes = self
            .bytes
            .checked_sub(blob.descriptor().size)
            .ok_or(Error::Limit { what: "bytes of manifests and evidence", limit })?;
        Ok(())
    }
}
