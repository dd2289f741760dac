//! Writes the one form of archive that sealift makes: a plain tar, the same bytes for the same input.

use std::io::Read;
use std::path::Path;

use crate::archive::Error;
use crate::digest::Digest;

/// Writes members into a temporary file beside the target, which appears whole or not at all.
pub struct ArchiveWriter {}

impl ArchiveWriter {
    /// Begins an archive that will appear as `path`.
    pub fn create(path: &Path) -> Result<Self, Error> {
        let _ = path;
        todo!()
    }

    /// Writes `oci-layout` and `index.json`, the first two members.
    pub fn index(&mut self, index_json: &[u8]) -> Result<(), Error> {
        let _ = index_json;
        todo!()
    }

    /// Writes one blob from `bytes`, hashing them on the way: a blob that is not `size` bytes of
    /// `digest` is an error and the archive never appears.
    pub fn blob(&mut self, digest: &Digest, size: u64, bytes: &mut dyn Read) -> Result<(), Error> {
        let _ = (digest, size, bytes);
        todo!()
    }

    /// Ends the archive, syncs it to disk and gives it its name.
    pub fn finish(self) -> Result<(), Error> {
        todo!()
    }
}
