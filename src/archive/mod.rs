//! Where bytes lie: an *archive* is an OCI image layout as a directory, a tar (plain, gzip, zstd)
//! or a stream. Nothing is ever extracted.
//!
//! [`Archive::open`] finds the form and reads what a layout must hold; a [`Store`] gives bytes by
//! digest, still unproven; [`Blob::read`] turns them into a [`Blob`], which is proof that they are
//! what a descriptor promised. [`ArchiveWriter`] writes the one form sealift makes.

mod blob;
mod path;
mod write;

pub use blob::{Blob, BlobError};
pub use path::{BadPath, MemberPath};
pub use write::ArchiveWriter;

use std::path::Path;

use crate::digest::Digest;
use crate::limits::Limits;
use crate::oci::{Descriptor, Index};

/// Gives the bytes of blobs by the name of the file they lie in; whether they are those bytes is
/// for [`Blob`] to say.
pub trait Store: Send + Sync {
    /// Size of the blob file named `digest`; `None` where the archive has no such file.
    fn size(&self, digest: &Digest) -> Option<u64>;

    /// Every blob file and its size, in the order of their digests.
    fn blobs(&self) -> Vec<(Digest, u64)>;

    /// Passes the bytes of a blob file to `sink` in chunks, until it is at its end or `sink` fails.
    fn read(
        &self,
        digest: &Digest,
        sink: &mut dyn FnMut(&[u8]) -> Result<(), BlobError>,
    ) -> Result<(), BlobError>;

    /// Proves that the blob file holds what `descriptor` promises (size, then digest) and keeps
    /// nothing of it. A store that is read once has hashed it on the way and answers from that.
    fn check(&self, descriptor: &Descriptor) -> Result<(), BlobError>;
}

/// An opened archive: its layout is sound, none of its blobs is proven.
pub struct Archive {
    store: Box<dyn Store>,
    index: Index,
    index_digest: Digest,
    ignored: Vec<String>,
}

impl Archive {
    /// Opens a layout directory, `.tar`, `.tar.gz` or `.tar.zst`, told apart by content.
    pub fn open(path: &Path, limits: &Limits) -> Result<Self, Error> {
        todo!("{path:?} {limits:?}")
    }

    /// Reads a tar (plain, gzip or zstd) that can be read only once, such as standard input.
    /// Blobs are hashed as they pass; metadata is kept in memory, layers are not.
    pub fn from_stream(stream: impl std::io::Read, limits: &Limits) -> Result<Self, Error> {
        let _ = (stream, limits);
        todo!()
    }

    /// Its blobs.
    pub fn store(&self) -> &dyn Store {
        self.store.as_ref()
    }

    /// What `index.json` lists.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// The digest of the bytes of `index.json`: the identity of what the archive holds, whatever its form.
    pub fn index_digest(&self) -> &Digest {
        &self.index_digest
    }

    /// Members beside the layout that other tools write (`manifest.json`, `repositories`) and that
    /// nothing is decided by.
    pub fn ignored(&self) -> &[String] {
        &self.ignored
    }
}

/// Why something is no archive that sealift reads.
#[derive(Debug, thiserror::Error)]
pub enum Error {}
