//! A *blob*: bytes that match a descriptor.
//!
//! Size is compared first, so nothing is read that cannot match; then a cap, before memory is
//! taken; then the digest of every byte. The bytes a descriptor may embed (`data`) decide nothing,
//! but they must be the same (HOSTILE case 48).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::archive::{Damage, IoError, Store};
use crate::digest::{Digest, Hasher};
use crate::oci::Descriptor;

/// Bytes that match a [`Descriptor`]: size first, then digest. [`Blob::read`] is the only origin.
///
/// ```compile_fail,E0451
/// use sealift::archive::Blob;
/// use sealift::oci::Descriptor;
///
/// fn forge(descriptor: Descriptor) -> Blob {
///     Blob { descriptor, bytes: Vec::new() }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob {
    descriptor: Descriptor,
    bytes: Vec<u8>,
}

impl Blob {
    /// Reads at most `limit` bytes and proves them.
    pub fn read(store: &dyn Store, descriptor: &Descriptor, limit: u64) -> Result<Self, BlobError> {
        let digest = descriptor.digest;
        check_size(store, descriptor)?;
        let too_large = BlobError::TooLarge { digest, size: descriptor.size, limit };
        if descriptor.size > limit {
            return Err(too_large);
        }
        let size = usize::try_from(descriptor.size).map_err(|_| too_large)?;
        check_embedded_data(descriptor)?;
        let mut bytes = Vec::with_capacity(size);
        store.read(&digest, &mut |chunk| {
            bytes.extend_from_slice(chunk);
            if bytes.len() > size { Err(grew(descriptor, bytes.len())) } else { Ok(()) }
        })?;
        if bytes.len() != size {
            return Err(grew(descriptor, bytes.len()));
        }
        let found = Digest::of(digest.algorithm(), &bytes);
        if found != digest {
            return Err(store.wrong_digest(digest, found));
        }
        Ok(Self { descriptor: descriptor.clone(), bytes })
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

/// Hashes a blob file from a store whose bytes can be read, keeping nothing.
pub(super) fn check_by_reading(
    store: &dyn Store,
    descriptor: &Descriptor,
) -> Result<(), BlobError> {
    check_size(store, descriptor)?;
    check_embedded_data(descriptor)?;
    let mut hasher = Hasher::new(descriptor.digest.algorithm());
    store.read(&descriptor.digest, &mut |chunk| {
        hasher.update(chunk);
        Ok(())
    })?;
    let found = hasher.finish();
    if found == descriptor.digest {
        Ok(())
    } else {
        Err(store.wrong_digest(descriptor.digest, found))
    }
}

/// Compares the size of the blob file, without reading it.
pub(super) fn check_size(store: &dyn Store, descriptor: &Descriptor) -> Result<(), BlobError> {
    let digest = descriptor.digest;
    let found = store.size(&digest).ok_or_else(|| store.missing(&digest))?;
    if found == descriptor.size {
        Ok(())
    } else {
        Err(BlobError::WrongSize { digest, promised: descriptor.size, found })
    }
}

/// The `data` of a descriptor is what the digest names, or the descriptor contradicts itself.
pub(super) fn check_embedded_data(descriptor: &Descriptor) -> Result<(), BlobError> {
    let Some(data) = &descriptor.data else { return Ok(()) };
    let digest = descriptor.digest;
    let is_the_blob = STANDARD.decode(data).is_ok_and(|bytes| {
        u64::try_from(bytes.len()).is_ok_and(|size| size == descriptor.size)
            && Digest::of(digest.algorithm(), &bytes) == digest
    });
    if is_the_blob { Ok(()) } else { Err(BlobError::EmbeddedDataDiffers { digest }) }
}

/// A file that has another size than when the archive was opened.
fn grew(descriptor: &Descriptor, found: usize) -> BlobError {
    BlobError::WrongSize {
        digest: descriptor.digest,
        promised: descriptor.size,
        found: u64::try_from(found).unwrap_or(u64::MAX),
    }
}

/// Why a blob file is not what a descriptor promises.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlobError {
    /// The archive has no such file.
    #[error("the archive has no blob {digest}")]
    Missing {
        /// Its name.
        digest: Digest,
    },
    /// The archive is a delta that leaves the blob to its base, and no base has it.
    #[error("the archive leaves blob {digest} to its base, and no base that was given holds it")]
    Omitted {
        /// Its name.
        digest: Digest,
    },
    /// The file has another size than the descriptor says.
    #[error("blob {digest} has {found} bytes, its descriptor says {promised}")]
    WrongSize {
        /// Its name.
        digest: Digest,
        /// The descriptor's size.
        promised: u64,
        /// The file's.
        found: u64,
    },
    /// The file holds other bytes than its name says.
    #[error("blob {promised} holds other bytes, of the digest {found}")]
    WrongDigest {
        /// Its name.
        promised: Digest,
        /// The digest of its bytes.
        found: Digest,
    },
    /// The file holds other bytes than its name says, for the volume that it lies in does.
    #[error("blob {digest} holds other bytes: {damage}")]
    DamagedVolume {
        /// Its name.
        digest: Digest,
        /// What happened to the volume.
        damage: Box<Damage>,
    },
    /// The file is larger than what of its kind is read into memory.
    #[error("blob {digest} has {size} bytes; of its kind at most {limit} are read")]
    TooLarge {
        /// Its name.
        digest: Digest,
        /// Its size.
        size: u64,
        /// The cap.
        limit: u64,
    },
    /// The bytes embedded in the descriptor are not those it names.
    #[error("the descriptor of blob {digest} embeds other bytes than it names")]
    EmbeddedDataDiffers {
        /// Its name.
        digest: Digest,
    },
    /// The archive came as a stream and the bytes have passed.
    #[error("blob {digest} has passed: a stream can be read only once")]
    ReadOnce {
        /// Its name.
        digest: Digest,
    },
    /// The operating system refused, or the file changed while it was read.
    #[error("blob {digest} cannot be read")]
    Io {
        /// Its name.
        digest: Digest,
        /// What it said.
        #[source]
        cause: IoError,
    },
}

impl BlobError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "missing-blob",
            Self::Omitted { .. } => "omitted-blob",
            Self::WrongSize { .. } => "size-mismatch",
            Self::WrongDigest { .. } | Self::DamagedVolume { .. } => "digest-mismatch",
            Self::TooLarge { .. } => "limit-exceeded",
            Self::EmbeddedDataDiffers { .. } => "embedded-data-mismatch",
            Self::ReadOnce { .. } => "read-once",
            Self::Io { .. } => "io",
        }
    }
}
