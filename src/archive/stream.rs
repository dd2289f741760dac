//! A *stream*: a tar whose bytes pass once, front to back.
//!
//! Every blob is hashed as it passes, by the algorithm of its name, and [`Store::check`] answers
//! from that. All metadata is JSON, so the bytes of small blobs that begin like JSON are kept, and
//! those of layers are not. A compressed file is read the same way; since it can be decoded again,
//! blobs that were not kept are read by a second pass that goes on from where it stands.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;
use std::sync::{Arc, Mutex, PoisonError};

use crate::archive::blob::{check_embedded_data, check_size};
use crate::archive::compression::{Packing, Unpacked};
use crate::archive::tar::{self, Blobs, Content, Input, Members, with_buffer};
use crate::archive::{BlobError, Error, Store};
use crate::digest::{Digest, Hasher};
use crate::limits::Limits;
use crate::oci::Descriptor;

/// A tar that has passed.
pub(super) struct StreamStore {
    blobs: BTreeMap<Digest, Passed>,
    again: Option<Again>,
}

/// What is left of a blob that has passed.
struct Passed {
    offset: u64,
    size: u64,
    first: Option<u8>,
    /// The digest of the bytes, where it is not the name.
    other: Option<Box<Digest>>,
    kept: Option<Box<[u8]>>,
}

impl StreamStore {
    /// Reads a tar to its end; no byte of it can be had again.
    pub(super) fn once(mut stream: impl Read, limits: &Limits) -> Result<(Self, Members), Error> {
        let mut head = Vec::with_capacity(Packing::HEAD);
        let wanted = u64::try_from(Packing::HEAD).unwrap_or(u64::MAX);
        stream
            .by_ref()
            .take(wanted)
            .read_to_end(&mut head)
            .map_err(|cause| tar::reading(cause.into()))?;
        let packing = Packing::of(&head)?;
        let input = Unpacked::new(packing, head.chain(stream), limits)?;
        let (blobs, members) = pass(input, limits, Overflow::Refuse)?;
        Ok((Self { blobs, again: None }, members))
    }

    /// Reads a compressed tar to its end; what is not kept is decoded again when it is asked for.
    pub(super) fn of_file(
        file: File,
        packing: Packing,
        limits: &Limits,
    ) -> Result<(Self, Members), Error> {
        let again =
            Again { file: Arc::new(file), packing, limits: *limits, cursor: Mutex::new(None) };
        let (blobs, members) = pass(again.begin()?.input, limits, Overflow::Forget)?;
        Ok((Self { blobs, again: Some(again) }, members))
    }

    fn passed(&self, digest: &Digest) -> Result<&Passed, BlobError> {
        self.blobs.get(digest).ok_or(BlobError::Missing { digest: *digest })
    }
}

impl Store for StreamStore {
    fn size(&self, digest: &Digest) -> Option<u64> {
        self.blobs.get(digest).map(|passed| passed.size)
    }

    fn blobs(&self) -> Vec<(Digest, u64)> {
        self.blobs.iter().map(|(digest, passed)| (*digest, passed.size)).collect()
    }

    fn first_byte(&self, digest: &Digest) -> Option<u8> {
        self.blobs.get(digest)?.first
    }

    fn read(
        &self,
        digest: &Digest,
        sink: &mut dyn FnMut(&[u8]) -> Result<(), BlobError>,
    ) -> Result<(), BlobError> {
        let passed = self.passed(digest)?;
        match (&passed.kept, &self.again) {
            (Some(bytes), _) => sink(bytes),
            (None, Some(again)) => again.read(passed, digest, sink),
            (None, None) => Err(BlobError::ReadOnce { digest: *digest }),
        }
    }

    fn check(&self, descriptor: &Descriptor) -> Result<(), BlobError> {
        check_size(self, descriptor)?;
        check_embedded_data(descriptor)?;
        match &self.passed(&descriptor.digest)?.other {
            None => Ok(()),
            Some(found) => {
                Err(BlobError::WrongDigest { promised: descriptor.digest, found: **found })
            }
        }
    }
}

/// What to do with metadata past [`Limits::stream_metadata_bytes`].
#[derive(Clone, Copy, PartialEq, Eq)]
enum Overflow {
    /// It could not be had again.
    Refuse,
    /// It can be decoded again.
    Forget,
}

fn pass(
    input: impl Input,
    limits: &Limits,
    overflow: Overflow,
) -> Result<(BTreeMap<Digest, Passed>, Members), Error> {
    let mut passing =
        Passing { blobs: BTreeMap::new(), left: limits.stream_metadata_bytes, overflow, limits };
    let members = tar::walk(input, limits, &mut passing)?;
    Ok((passing.blobs, members))
}

/// Hashes blobs as they pass.
struct Passing<'l> {
    blobs: BTreeMap<Digest, Passed>,
    /// Bytes that may still be kept.
    left: u64,
    overflow: Overflow,
    limits: &'l Limits,
}

impl Passing<'_> {
    /// Whether a blob is kept that has `size` bytes and begins with `first`.
    fn keeps(&mut self, size: u64, first: Option<u8>) -> Result<bool, Error> {
        let largest = self.limits.metadata_bytes.max(self.limits.envelope_bytes);
        if size > largest || !matches!(first, Some(b'{' | b'[')) {
            return Ok(size == 0);
        }
        match (self.left.checked_sub(size), self.overflow) {
            (Some(left), _) => {
                self.left = left;
                Ok(true)
            }
            (None, Overflow::Forget) => Ok(false),
            (None, Overflow::Refuse) => Err(Error::Limit {
                what: "bytes of metadata for a stream; give the archive as a file",
                limit: self.limits.stream_metadata_bytes,
            }),
        }
    }
}

impl Blobs for Passing<'_> {
    fn offset(&self, digest: &Digest) -> Option<u64> {
        self.blobs.get(digest).map(|passed| passed.offset)
    }

    fn take<I: Input>(
        &mut self,
        digest: Digest,
        content: &mut Content<'_, I>,
    ) -> Result<(), Error> {
        let (offset, size) = (content.offset(), content.size());
        with_buffer(|buffer| {
            let mut hasher = Hasher::new(digest.algorithm());
            let mut chunk = content.read(buffer)?;
            let first = chunk.first().copied();
            let mut kept = self.keeps(size, first)?.then(Vec::new);
            while !chunk.is_empty() {
                hasher.update(chunk);
                if let Some(bytes) = &mut kept {
                    bytes.extend_from_slice(chunk);
                }
                chunk = content.read(buffer)?;
            }
            let found = hasher.finish();
            let other = (found != digest).then(|| Box::new(found));
            let kept = kept.map(Vec::into_boxed_slice);
            self.blobs.insert(digest, Passed { offset, size, first, other, kept });
            Ok(())
        })
    }
}

/// Decodes a file again, forward from where the last read ended, else from its start.
struct Again {
    file: Arc<File>,
    packing: Packing,
    limits: Limits,
    cursor: Mutex<Option<Cursor>>,
}

struct Cursor {
    input: Unpacked<Positioned>,
    position: u64,
}

impl Again {
    fn begin(&self) -> Result<Cursor, Error> {
        let file = Positioned { file: Arc::clone(&self.file), position: 0 };
        let input = Unpacked::new(self.packing, file, &self.limits)?;
        Ok(Cursor { input, position: 0 })
    }

    fn read(
        &self,
        passed: &Passed,
        digest: &Digest,
        sink: &mut dyn FnMut(&[u8]) -> Result<(), BlobError>,
    ) -> Result<(), BlobError> {
        let failed = |cause| broken(digest, cause);
        // A reader that panicked leaves no cursor behind, for it is taken out while it is used.
        let mut place = self.cursor.lock().unwrap_or_else(PoisonError::into_inner);
        let mut cursor = match place.take() {
            Some(cursor) if cursor.position <= passed.offset => cursor,
            _ => self.begin().map_err(failed)?,
        };
        let gap = passed.offset.saturating_sub(cursor.position);
        if cursor.input.skip(gap).map_err(failed)? != gap {
            return Err(shorter(digest));
        }
        cursor.position = passed.offset;
        let mut left = passed.size;
        with_buffer(|buffer| {
            while left > 0 {
                let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
                let part = buffer.get_mut(..wanted).unwrap_or_default();
                if cursor.input.read(part).map_err(failed)? < wanted {
                    return Err(shorter(digest));
                }
                left = left.saturating_sub(tar::length(part));
                sink(part)?;
            }
            Ok(())
        })?;
        cursor.position = cursor.position.saturating_add(passed.size);
        *place = Some(cursor);
        Ok(())
    }
}

fn broken(digest: &Digest, cause: Error) -> BlobError {
    let cause = match cause {
        Error::Io { cause, .. } => cause,
        other => io::Error::other(other).into(),
    };
    BlobError::Io { digest: *digest, cause }
}

fn shorter(digest: &Digest) -> BlobError {
    let cause =
        io::Error::new(io::ErrorKind::UnexpectedEof, "the file became shorter while it was read");
    BlobError::Io { digest: *digest, cause: cause.into() }
}

/// One open file, read from a position of its own.
struct Positioned {
    file: Arc<File>,
    position: u64,
}

impl Read for Positioned {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.position)?;
        self.position = self.position.saturating_add(u64::try_from(read).unwrap_or(0));
        Ok(read)
    }
}
