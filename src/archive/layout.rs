//! A *layout directory*: the members of an archive as files.
//!
//! Links, pipes and devices are refused, and so is every file that a layout does not have. What was
//! listed is what is read: a file that is opened later must be the one that was seen, by device,
//! inode and size. Directories are no tars: what stands here can change while it is read, and
//! digests, not this module, are what proves it.

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use crate::archive::blob::check_by_reading;
use crate::archive::error::{EntryType, Member};
use crate::archive::tar::{Members, Span, read_span};
use crate::archive::{BlobError, Error, MemberPath, Store};
use crate::digest::Digest;
use crate::limits::Limits;
use crate::oci::Descriptor;

/// A layout directory, listed once.
pub(super) struct LayoutStore {
    root: PathBuf,
    blobs: BTreeMap<Digest, Seen>,
}

/// A file as it was when the directory was listed.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Seen {
    device: u64,
    inode: u64,
    size: u64,
}

impl Seen {
    fn of(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino(), size: metadata.len() }
    }
}

impl LayoutStore {
    /// Lists the directory `root` and what is below it.
    pub(super) fn list(root: &Path, limits: &Limits) -> Result<(Self, Members), Error> {
        let mut store = Self { root: root.to_owned(), blobs: BTreeMap::new() };
        let mut members = Members::default();
        let mut directories = vec![String::new()];
        let mut count = 0_usize;
        while let Some(directory) = directories.pop() {
            for entry in
                fs::read_dir(root.join(&directory)).map_err(|cause| reading(&directory, cause))?
            {
                count = count.saturating_add(1);
                if count > limits.tar_members {
                    let limit = u64::try_from(limits.tar_members).unwrap_or(u64::MAX);
                    return Err(Error::Limit { what: "members", limit });
                }
                let entry = entry.map_err(|cause| reading(&directory, cause))?;
                let name = [directory.as_bytes(), entry.file_name().as_bytes()].concat();
                let metadata = fs::symlink_metadata(entry.path())
                    .map_err(|cause| reading(&name.escape_ascii().to_string(), cause))?;
                if name == b"ingest" && is_empty_directory(&entry.path()) {
                    continue;
                }
                let path = parse(&name, &metadata)?;
                match path {
                    MemberPath::Directory(path) => directories.push(format!("{path}/")),
                    MemberPath::Blob(digest) => {
                        store.blobs.insert(digest, Seen::of(&metadata));
                    }
                    MemberPath::Layout => {
                        let what = "bytes of `oci-layout`";
                        members.layout = Some(store.all("oci-layout", &metadata, what, limits)?);
                    }
                    MemberPath::Index => {
                        let what = "bytes of `index.json`";
                        members.index = Some(store.all("index.json", &metadata, what, limits)?);
                    }
                    MemberPath::Foreign(name) => members.foreign.push(name),
                }
            }
        }
        // A directory lists its files in no order.
        members.foreign.sort();
        Ok((store, members))
    }

    fn open_blob(&self, digest: &Digest, seen: Seen) -> io::Result<File> {
        self.open_file(&format!("blobs/{}/{}", digest.algorithm(), digest.hex()), seen)
    }

    /// Opens a file of the layout, which must be the one that was seen.
    fn open_file(&self, name: &str, seen: Seen) -> io::Result<File> {
        let path = self.root.join(name);
        let check = |metadata: &Metadata| {
            if metadata.is_file() && Seen::of(metadata) == seen {
                return Ok(());
            }
            Err(io::Error::new(io::ErrorKind::InvalidData, "the file changed while it was read"))
        };
        // Opening a pipe would wait for its writer, and a link would lead elsewhere.
        check(&fs::symlink_metadata(&path)?)?;
        let file = File::open(&path)?;
        check(&file.metadata()?)?;
        Ok(file)
    }

    fn all(
        &self,
        name: &str,
        metadata: &Metadata,
        what: &'static str,
        limits: &Limits,
    ) -> Result<Vec<u8>, Error> {
        let limit = limits.metadata_bytes;
        if metadata.len() > limit {
            return Err(Error::Limit { what, limit });
        }
        let mut bytes = Vec::new();
        self.open_file(name, Seen::of(metadata))
            .and_then(|file| file.take(limit).read_to_end(&mut bytes))
            .map_err(|cause| reading(name, cause))?;
        Ok(bytes)
    }
}

impl Store for LayoutStore {
    fn size(&self, digest: &Digest) -> Option<u64> {
        self.blobs.get(digest).map(|seen| seen.size)
    }

    fn blobs(&self) -> Vec<(Digest, u64)> {
        self.blobs.iter().map(|(digest, seen)| (*digest, seen.size)).collect()
    }

    fn read(
        &self,
        digest: &Digest,
        sink: &mut dyn FnMut(&[u8]) -> Result<(), BlobError>,
    ) -> Result<(), BlobError> {
        let seen = *self.blobs.get(digest).ok_or(BlobError::Missing { digest: *digest })?;
        let file = self
            .open_blob(digest, seen)
            .map_err(|cause| BlobError::Io { digest: *digest, cause: cause.into() })?;
        read_span(&file, Span { offset: 0, size: seen.size }, digest, sink)
    }

    fn open(&self, digest: &Digest) -> Option<Box<dyn Read + '_>> {
        let seen = *self.blobs.get(digest)?;
        // Why a file cannot be opened is told where it is read.
        let file = self.open_blob(digest, seen).ok()?;
        Some(Box::new(file.take(seen.size)))
    }

    fn check(&self, descriptor: &Descriptor) -> Result<(), BlobError> {
        check_by_reading(self, descriptor)
    }
}

/// Whether it is what oras leaves of the folder that it writes blobs in.
fn is_empty_directory(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|it| it.is_dir())
        && fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none())
}

/// The path of an entry, whose type must be the path's.
fn parse(name: &[u8], metadata: &Metadata) -> Result<MemberPath, Error> {
    let member = || Member::file(name);
    let kind = metadata.file_type();
    let found = if kind.is_symlink() {
        Some(EntryType::SymbolicLink)
    } else if kind.is_fifo() {
        Some(EntryType::Pipe)
    } else if kind.is_socket() {
        Some(EntryType::Socket)
    } else if kind.is_block_device() {
        Some(EntryType::BlockDevice)
    } else if kind.is_char_device() {
        Some(EntryType::CharacterDevice)
    } else {
        None
    };
    if let Some(found) = found {
        return Err(Error::BadEntryType { member: member(), found });
    }
    let path =
        MemberPath::parse(name).map_err(|cause| Error::BadPath { member: member(), cause })?;
    match (path.is_directory(), kind.is_dir()) {
        (false, true) => Err(Error::BadEntryType { member: member(), found: EntryType::Directory }),
        (true, false) => Err(Error::BadEntryType { member: member(), found: EntryType::File }),
        _ => Ok(path),
    }
}

fn reading(name: &str, cause: io::Error) -> Error {
    let name = if name.is_empty() { "." } else { name };
    Error::Io {
        doing: format!("read `{}` of the layout", name.escape_debug()),
        cause: cause.into(),
    }
}
