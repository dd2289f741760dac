//! Writes the one form of archive that sealift makes: a plain tar, in one file or in volumes, the same
//! bytes for the same input.

use std::collections::BTreeSet;
use std::io::{self, BufWriter, Read, Write as _};
use std::path::{Path, PathBuf};

use crate::archive::error::Member;
use crate::archive::output::Output;
use crate::archive::partial::{Leftover, writing};
use crate::archive::places::Places;
use crate::archive::tar::with_buffer;
use crate::archive::{BlobError, Error, VolumeSize};
use crate::digest::{Digest, Hasher};
use crate::limits::Limits;

/// What `oci-layout` holds.
const LAYOUT: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;

/// The end marker.
static END: [u8; 1024] = [0; 1024];

/// Into what an archive is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// The size of the volumes, where it is to have any.
    pub volume: Option<VolumeSize>,
    /// What becomes of what a broken run left.
    pub leftover: Leftover,
}

/// What was kept of a broken run, every byte of it proven again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// How many blobs.
    pub blobs: usize,
    /// Their bytes.
    pub bytes: u64,
}

/// Writes members into a partial beside the target, which appears whole or not at all.
///
/// No times, no owners, one mode: what is written depends on the blobs and their order alone.
/// Dropped before [`finish`](Self::finish), or after an error, it leaves nothing behind, unless it is
/// to be resumed.
pub struct ArchiveWriter {
    output: BufWriter<Output>,
    path: PathBuf,
    /// Whether `index.json` is written.
    indexed: bool,
    written: BTreeSet<Digest>,
    /// Whether what a broken run left was of another archive.
    replaced: bool,
    /// Whether a member is broken; then the archive never appears.
    broken: bool,
}

impl ArchiveWriter {
    /// Begins an archive in one file, which will appear as `path`.
    pub fn create(path: &Path) -> Result<Self, Error> {
        Self::create_as(path, Shape::default())
    }

    /// Begins an archive in one file or in volumes, which will appear as `path.001` and so on.
    pub fn create_as(path: &Path, shape: Shape) -> Result<Self, Error> {
        let output = Output::create(path, shape.volume, shape.leftover)?;
        Ok(Self {
            output: BufWriter::with_capacity(128 << 10, output),
            path: path.to_owned(),
            indexed: false,
            written: BTreeSet::new(),
            replaced: false,
            broken: false,
        })
    }

    /// Writes the first two members of an archive of which everything is known, and keeps what a
    /// broken run left where this is to be resumed: as many of `blobs` as stand there in this order.
    /// Nothing there is trusted; `passed` hears of the bytes that are proven again.
    pub fn begin(
        &mut self,
        index_json: &[u8],
        blobs: &[(Digest, u64)],
        passed: &mut dyn FnMut(u64),
    ) -> Result<Kept, Error> {
        self.output.get_ref().announce(length(index_json, blobs), &Limits::default())?;
        let kept = self.keep(index_json, blobs, passed).map_err(|cause| self.failed(cause))?;
        if !self.indexed {
            self.index(index_json)?;
        }
        Ok(kept)
    }

    /// Writes `oci-layout` and `index.json`, the first two members.
    pub fn index(&mut self, index_json: &[u8]) -> Result<(), Error> {
        if self.indexed {
            return Err(twice("index.json"));
        }
        let written = self.output.write_all(&front(index_json));
        written.map_err(|cause| self.failed(cause))?;
        self.indexed = true;
        Ok(())
    }

    /// Whether a broken run left an archive of another `index.json`, of which nothing was kept.
    pub fn has_replaced(&self) -> bool {
        self.replaced
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
        if !self.written.insert(*digest) {
            return Err(twice(&name(digest)));
        }
        let mut proving = Proving {
            bytes,
            left: size,
            hasher: Hasher::new(digest.algorithm()),
            ends: Ends::Unread,
        };
        let written = self
            .output
            .write_all(&header(digest, size))
            .and_then(|()| io::copy(&mut proving, &mut self.output))
            .and_then(|_| self.output.write_all(padding(size)))
            .map_err(|cause| self.failed(cause));
        let checked = proving.check(digest, size);
        self.broken |= checked.is_err();
        // Bytes that are wrong say more than that a member could not be written.
        checked.map_err(|cause| Error::BadBlob { cause })?;
        written
    }

    /// Where the rest of the blobs go, to be filled in any order and side by side: `fill` is given
    /// their places and must fill them all. Volumes have no places: they are hashed front to back.
    pub fn fill<E: From<Error>>(
        &mut self,
        blobs: &[(Digest, u64)],
        fill: impl FnOnce(&Places<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        if !self.indexed {
            return Err(Error::NoIndex.into());
        }
        for (digest, _) in blobs {
            if !self.written.insert(*digest) {
                return Err(twice(&name(digest)).into());
            }
        }
        // Unless all goes well.
        self.broken = true;
        let failed = |cause| writing(&self.path, cause);
        self.output.flush().map_err(failed)?;
        let output = self.output.get_mut();
        let (file, begins, leftover) = output.rest().map_err(failed)?;
        let places = Places::new(file, begins, leftover, blobs, failed);
        fill(&places)?;
        let end = places.finish()?;
        output.go_on(end).map_err(failed)?;
        self.broken = false;
        Ok(())
    }

    /// Whether blobs have places.
    pub fn has_places(&self) -> bool {
        self.output.get_ref().is_one_file()
    }

    /// Ends the archive, syncs it to disk and gives it its name; in how many files it lies.
    pub fn finish(self) -> Result<usize, Error> {
        if !self.indexed {
            return Err(Error::NoIndex);
        }
        let failed = |cause| writing(&self.path, cause);
        if self.broken {
            return Err(failed(io::Error::other("a blob could not be written")));
        }
        let mut output = self.output;
        output.write_all(&END).map_err(failed)?;
        let output = output.into_inner().map_err(|cause| failed(cause.into_error()))?;
        output.finish().map_err(failed)
    }

    /// Goes through what was left as long as it is what would be written.
    fn keep(
        &mut self,
        index_json: &[u8],
        blobs: &[(Digest, u64)],
        passed: &mut dyn FnMut(u64),
    ) -> io::Result<Kept> {
        let mut kept = Kept::default();
        let output = self.output.get_mut();
        let mut mark = output.mark();
        let begins = replays(output, &front(index_json))?;
        self.replaced = begins == Replayed::Otherwise;
        if begins == Replayed::AsExpected {
            mark = output.mark();
            self.indexed = true;
            for (digest, size) in blobs {
                if !replays_blob(output, digest, *size, passed)? {
                    break;
                }
                mark = output.mark();
                self.written.insert(*digest);
                kept.blobs = kept.blobs.saturating_add(1);
                kept.bytes = kept.bytes.saturating_add(*size);
            }
        }
        output.rewind(mark)?;
        Ok(kept)
    }

    fn failed(&mut self, cause: io::Error) -> Error {
        self.broken = true;
        writing(&self.path, cause)
    }
}

/// How what was left goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Replayed {
    AsExpected,
    Otherwise,
    /// As expected, to its end.
    CutOff,
}

/// Whether what was left goes on with `expected`.
fn replays(output: &mut Output, expected: &[u8]) -> io::Result<Replayed> {
    let mut expected = expected;
    with_buffer(|buffer| {
        while !expected.is_empty() {
            let wanted = expected.len().min(buffer.len());
            let read = output.replay(buffer.get_mut(..wanted).unwrap_or_default())?;
            let found = buffer.get(..read).unwrap_or_default();
            match expected.strip_prefix(found) {
                Some(rest) if read > 0 => expected = rest,
                Some(_) => return Ok(Replayed::CutOff),
                None => return Ok(Replayed::Otherwise),
            }
        }
        Ok(Replayed::AsExpected)
    })
}

/// Whether what was left goes on with this blob, by its bytes.
fn replays_blob(
    output: &mut Output,
    digest: &Digest,
    size: u64,
    passed: &mut dyn FnMut(u64),
) -> io::Result<bool> {
    if replays(output, &header(digest, size))? != Replayed::AsExpected {
        return Ok(false);
    }
    let mut hasher = Hasher::new(digest.algorithm());
    let mut left = size;
    let is_whole = with_buffer(|buffer| {
        while left > 0 {
            let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
            let read = output.replay(buffer.get_mut(..wanted).unwrap_or_default())?;
            if read == 0 {
                return Ok::<_, io::Error>(false);
            }
            hasher.update(buffer.get(..read).unwrap_or_default());
            let read = u64::try_from(read).unwrap_or(u64::MAX);
            left = left.saturating_sub(read);
            passed(read);
        }
        Ok(true)
    })?;
    let is_it = is_whole && hasher.finish() == *digest;
    Ok(is_it && replays(output, padding(size))? == Replayed::AsExpected)
}

fn name(digest: &Digest) -> String {
    format!("blobs/{}/{}", digest.algorithm(), digest.hex())
}

/// The first two members.
fn front(index_json: &[u8]) -> Vec<u8> {
    [("oci-layout", LAYOUT), ("index.json", index_json)]
        .into_iter()
        .flat_map(|(name, bytes)| {
            let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            [&named(name, size), bytes, padding(size)].concat()
        })
        .collect()
}

/// What stands before the content of a blob.
pub(super) fn header(digest: &Digest, size: u64) -> Vec<u8> {
    named(&name(digest), size)
}

/// What stands before the content of a member: its header, and before that an extension where the
/// name is too long for it.
fn named(name: &str, size: u64) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Regular);
    header.set_size(size);
    header.set_mode(0o644);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    let mut builder = tar::Builder::new(Vec::new());
    builder
        .append_data(&mut header, name, io::empty())
        .expect("the names of a layout fit into headers, and memory takes all that is written");
    builder.get_ref().clone()
}

/// What stands behind it.
pub(super) fn padding(size: u64) -> &'static [u8] {
    let used = size % 512;
    let missing = if used == 0 { 0 } else { 512_u64.saturating_sub(used) };
    usize::try_from(missing).ok().and_then(|missing| END.get(..missing)).unwrap_or_default()
}

/// Bytes of the whole tar.
fn length(index_json: &[u8], blobs: &[(Digest, u64)]) -> u64 {
    let count = |bytes: &[u8]| u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let blobs = blobs.iter().map(|(digest, size)| {
        count(&header(digest, *size)).saturating_add(size.next_multiple_of(512))
    });
    blobs.fold(count(&front(index_json)).saturating_add(count(&END)), u64::saturating_add)
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
    /// Nobody read so far: they could not be written.
    Unread,
    /// Where they should.
    AtSize,
    /// Sooner.
    Sooner,
    /// Later.
    Later,
    /// By an error of the reader, which the tar reports.
    Broken,
}

impl Proving<'_> {
    fn check(self, digest: &Digest, size: u64) -> Result<(), BlobError> {
        let wrong_size = |found| BlobError::WrongSize { digest: *digest, promised: size, found };
        match self.ends {
            Ends::Unread | Ends::Broken => return Ok(()),
            Ends::Later => return Err(wrong_size(size.saturating_add(1))),
            Ends::Sooner => return Err(wrong_size(size.saturating_sub(self.left))),
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
            self.ends = if more > 0 { Ends::Later } else { Ends::AtSize };
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
        if read == 0 && wanted > 0 {
            self.ends = Ends::Sooner;
        }
        self.hasher.update(part.get(..read).unwrap_or_default());
        self.left = self.left.saturating_sub(u64::try_from(read).unwrap_or(u64::MAX));
        Ok(read)
    }
}

fn twice(name: &str) -> Error {
    Error::DuplicatePath { member: Member::file(name.as_bytes()), first: 0 }
}
