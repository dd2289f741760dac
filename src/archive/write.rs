//! Writes the one form of archive that sealift makes: a plain tar, the same bytes for the same input.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::{File, Permissions};
use std::io::{self, BufWriter, Read};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::archive::error::Member;
use crate::archive::{BlobError, Error};
use crate::digest::{Digest, Hasher};

/// What `oci-layout` holds.
const LAYOUT: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;

/// Writes members into a temporary file beside the target, which appears whole or not at all.
///
/// No times, no owners, one mode: what is written depends on the blobs and their order alone.
/// Dropped before [`finish`](Self::finish), or after an error, it leaves nothing behind.
pub struct ArchiveWriter {
    tar: tar::Builder<BufWriter<NamedTempFile>>,
    path: PathBuf,
    directory: PathBuf,
    /// Whether `index.json` is written.
    indexed: bool,
    written: BTreeSet<Digest>,
    /// Whether a member is broken; then the archive never appears.
    broken: bool,
}

impl ArchiveWriter {
    /// Begins an archive that will appear as `path`.
    pub fn create(path: &Path) -> Result<Self, Error> {
        let directory = match path.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        let mut prefix = OsString::from(".");
        prefix.push(path.file_name().unwrap_or(OsStr::new("archive")));
        prefix.push(".");
        // The rights of an ordinary file, less what the user masks.
        let file = tempfile::Builder::new()
            .prefix(&prefix)
            .suffix(".partial")
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(directory)
            .map_err(|cause| writing(path, cause))?;
        Ok(Self {
            tar: tar::Builder::new(BufWriter::with_capacity(128 << 10, file)),
            path: path.to_owned(),
            directory: directory.to_owned(),
            indexed: false,
            written: BTreeSet::new(),
            broken: false,
        })
    }

    /// Writes `oci-layout` and `index.json`, the first two members.
    pub fn index(&mut self, index_json: &[u8]) -> Result<(), Error> {
        if self.indexed {
            return Err(twice("index.json"));
        }
        self.member("oci-layout", LAYOUT.len().try_into().unwrap_or(u64::MAX), &mut &*LAYOUT)?;
        let size = u64::try_from(index_json.len()).unwrap_or(u64::MAX);
        self.member("index.json", size, &mut &*index_json)?;
        self.indexed = true;
        Ok(())
    }

    /// Whether the blob is written.
    pub fn contains(&self, digest: &Digest) -> bool {
        self.written.contains(digest)
    }

    /// Writes one blob from `bytes`, hashing them on the way: a blob that is not `size` bytes of
    /// `digest` is an error and the archive never appears.
    pub fn blob(&mut self, digest: &Digest, size: u64, bytes: &mut dyn Read) -> Result<(), Error> {
        if !self.indexed {
            return Err(Error::NoIndex);
        }
        let name = format!("blobs/{}/{}", digest.algorithm(), digest.hex());
        if !self.written.insert(*digest) {
            return Err(twice(&name));
        }
        let mut proving = Proving {
            bytes,
            left: size,
            hasher: Hasher::new(digest.algorithm()),
            ends: Ends::AtSize,
        };
        let outcome = self.member(&name, size, &mut proving);
        let checked = proving.check(digest, size);
        self.broken |= outcome.is_err() || checked.is_err();
        // Bytes that are wrong say more than that a member could not be written.
        checked.map_err(|cause| Error::BadBlob { cause })?;
        outcome
    }

    /// Ends the archive, syncs it to disk and gives it its name.
    pub fn finish(self) -> Result<(), Error> {
        if !self.indexed {
            return Err(Error::NoIndex);
        }
        let failed = |cause| writing(&self.path, cause);
        if self.broken {
            return Err(failed(io::Error::other("a blob could not be written")));
        }
        let buffered = self.tar.into_inner().map_err(failed)?;
        let file = buffered.into_inner().map_err(|cause| failed(cause.into_error()))?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(&self.path).map_err(|cause| failed(cause.error))?;
        // The name, too, must outlive a power cut.
        File::open(&self.directory).and_then(|directory| directory.sync_all()).map_err(failed)
    }

    fn member(&mut self, name: &str, size: u64, bytes: &mut dyn Read) -> Result<(), Error> {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_size(size);
        header.set_mode(0o644);
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        self.tar.append_data(&mut header, name, bytes).map_err(|cause| {
            self.broken = true;
            writing(&self.path, cause)
        })
    }
}

/// Passes on at most as many bytes as were promised, and hashes them.
struct Proving<'a> {
    bytes: &'a mut dyn Read,
    left: u64,
    hasher: Hasher,
    ends: Ends,
}

/// How the bytes ended.
enum Ends {
    /// Where they should, as far as is known.
    AtSize,
    /// Later.
    Later,
    /// By an error of the reader, which the tar reports.
    Broken,
}

impl Proving<'_> {
    fn check(self, digest: &Digest, size: u64) -> Result<(), BlobError> {
        let wrong_size = |found| BlobError::WrongSize { digest: *digest, promised: size, found };
        match self.ends {
            Ends::Broken => return Ok(()),
            Ends::Later => return Err(wrong_size(size.saturating_add(1))),
            Ends::AtSize if self.left > 0 => {
                return Err(wrong_size(size.saturating_sub(self.left)));
            }
            Ends::AtSize => {}
        }
        let found = self.hasher.finish();
        if found == *digest {
            Ok(())
        } else {
            Err(BlobError::WrongDigest { promised: *digest, found })
        }
    }
}

impl Read for Proving<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut beyond = [0];
        if self.left == 0 {
            let more = self.bytes.read(&mut beyond).inspect_err(|_| self.ends = Ends::Broken)?;
            if more > 0 {
                self.ends = Ends::Later;
            }
            return Ok(0);
        }
        let wanted = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let part = buffer.get_mut(..wanted).unwrap_or_default();
        let read = match self.bytes.read(part) {
            Ok(read) => read,
            Err(cause) => {
                if cause.kind() != io::ErrorKind::Interrupted {
                    self.ends = Ends::Broken;
                }
                return Err(cause);
            }
        };
        self.hasher.update(part.get(..read).unwrap_or_default());
        self.left = self.left.saturating_sub(u64::try_from(read).unwrap_or(u64::MAX));
        Ok(read)
    }
}

fn writing(path: &Path, cause: io::Error) -> Error {
    let doing = format!("write `{}`", path.display().to_string().escape_debug());
    Error::Io { doing, cause: cause.into() }
}

fn twice(name: &str) -> Error {
    Error::DuplicatePath { member: Member::file(name.as_bytes()), first: 0 }
}
