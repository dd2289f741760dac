//! A *blob*: bytes that match a descriptor.

use crate::archive::Store;
use crate::oci::Descriptor;

/// Bytes that match a [`Descriptor`]: size first, then digest. [`Blob::read`] is the only origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob {
    descriptor: Descriptor,
    bytes: Vec<u8>,
}

impl Blob {
    /// Reads at most `limit` bytes and proves them.
    pub fn read(store: &dyn Store, descriptor: &Descriptor, limit: u64) -> Result<Self, BlobError> {
        let _ = (store, descriptor, limit);
        todo!()
    }

    /// The proven bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What they were promised to be.
    pub fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }
}

/// Why a blob file is not what a descriptor promises.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlobError {}
