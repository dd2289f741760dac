//! The *places* of blobs in a tar of one file: their sizes are known, so each can be filled before or
//! while the others are.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::archive::output::Syncing;
use crate::archive::partial::Leftover;
use crate::archive::tar::with_buffer;
use crate::archive::write::{header, padding};
use crate::archive::{BlobError, Error};
use crate::digest::{Digest, Hasher};

/// Where blobs go, each called by its number in their list, from 0.
pub struct Places<'a> {
    file: &'a File,
    leftover: Leftover,
    syncing: Mutex<Syncing>,
    all: Vec<Place>,
    /// Behind the last.
    end: u64,
    /// How many are filled.
    filled: AtomicUsize,
    /// Says that the archive could not be written.
    failed: Box<dyn Fn(io::Error) -> Error + Sync + 'a>,
}

/// Where one blob goes.
struct Place {
    digest: Digest,
    size: u64,
    /// Of its header.
    begins: u64,
    /// Of its content.
    content: u64,
    /// Whether it is filled or being filled, which is done once.
    is_taken: AtomicBool,
}

impl<'a> Places<'a> {
    /// From byte `begins` of a file, one behind the other.
    pub(super) fn new(
        file: &'a File,
        begins: u64,
        leftover: Leftover,
        blobs: &[(Digest, u64)],
        failed: impl Fn(io::Error) -> Error + Sync + 'a,
    ) -> Self {
        let mut end = begins;
        let all = blobs.iter().map(|(digest, size)| {
            let header = u64::try_from(header(digest, *size).len()).unwrap_or(u64::MAX);
            let (begins, content) = (end, end.saturating_add(header));
            end = content.saturating_add(size.next_multiple_of(512));
            let is_taken = AtomicBool::new(false);
            Place { digest: *digest, size: *size, begins, content, is_taken }
        });
        let all = all.collect();
        let syncing = Mutex::new(Syncing::default());
        Self {
            file,
            leftover,
            syncing,
            all,
            end,
            filled: AtomicUsize::new(0),
            failed: Box::new(failed),
        }
    }

    fn take(&self, number: usize) -> Result<&Place, Error> {
        let place = self.all.get(number).filter(|it| !it.is_taken.swap(true, Ordering::Relaxed));
        place.ok_or_else(|| (self.failed)(io::Error::other("a blob is written that is not due")))
    }

    /// Keeps what a broken run left in a place, where this is to be resumed and it is the blob, by every
    /// byte; `passed` hears of the bytes that are hashed.
    pub fn keep(&self, number: usize, passed: &mut dyn FnMut(u64)) -> Result<bool, Error> {
        let place = self.take(number)?;
        let is_kept = self.leftover == Leftover::Resumed && self.is_filled(place, passed)?;
        self.filled.fetch_add(usize::from(is_kept), Ordering::Relaxed);
        place.is_taken.store(is_kept, Ordering::Relaxed);
        Ok(is_kept)
    }

    /// Whether a place holds its blob.
    fn is_filled(&self, place: &Place, passed: &mut dyn FnMut(u64)) -> Result<bool, Error> {
        let &Place { digest, size, begins, content, .. } = place;
        let stands = |expected: &[u8], position| -> Result<bool, Error> {
            let mut found = vec![0; expected.len()];
            let read = read_up_to(self.file, &mut found, position).map_err(&self.failed)?;
            Ok(read == expected.len() && found == expected)
        };
        if !stands(&header(&digest, size), begins)?
            || !stands(padding(size), content.saturating_add(size))?
        {
            return Ok(false);
        }
        let mut hasher = Hasher::new(digest.algorithm());
        let end = content.saturating_add(size);
        let mut position = content;
        with_buffer(|buffer| {
            while position < end {
                let left = usize::try_from(end.saturating_sub(position)).unwrap_or(usize::MAX);
                let wanted = left.min(buffer.len());
                let part = buffer.get_mut(..wanted).unwrap_or_default();
                self.file.read_exact_at(part, position)?;
                hasher.update(part);
                let read = u64::try_from(wanted).unwrap_or(u64::MAX);
                position = position.saturating_add(read);
                passed(read);
            }
            Ok(())
        })
        .map_err(&self.failed)?;
        Ok(hasher.finish() == digest)
    }

    /// Begins to fill a place, which is done once.
    pub fn fill(&self, number: usize) -> Result<Filling<'_>, Error> {
        let place = self.take(number)?;
        let hasher = Hasher::new(place.digest.algorithm());
        Ok(Filling { places: self, place, hasher, written: 0 })
    }

    /// The byte behind the last place; waits for what is on its way to the disk.
    pub(super) fn finish(self) -> Result<u64, Error> {
        let mut syncing = self.syncing.into_inner().unwrap_or_else(PoisonError::into_inner);
        syncing.wait().map_err(&self.failed)?;
        if self.filled.into_inner() < self.all.len() {
            return Err((self.failed)(io::Error::other("a blob is not written")));
        }
        Ok(self.end)
    }
}

/// Reads until `buffer` is full or the file is at its end.
fn read_up_to(file: &File, buffer: &mut [u8], position: u64) -> io::Result<usize> {
    let mut filled = 0_usize;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        let position = position.saturating_add(u64::try_from(filled).unwrap_or(u64::MAX));
        match file.read_at(rest, position)? {
            0 => break,
            read => filled = filled.saturating_add(read),
        }
    }
    Ok(filled)
}

/// A place that is being filled. Its header is written last: without it nobody takes what stands there
/// for a blob.
pub struct Filling<'a> {
    places: &'a Places<'a>,
    place: &'a Place,
    hasher: Hasher,
    written: u64,
}

impl Filling<'_> {
    /// Writes the next bytes of the blob, never behind its place.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let &Place { digest, size: promised, content, .. } = self.place;
        let passed = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let found = self.written.saturating_add(passed);
        if found > promised {
            let cause = BlobError::WrongSize { digest, promised, found };
            return Err(Error::BadBlob { cause });
        }
        self.write_at(bytes, content.saturating_add(self.written))?;
        self.hasher.update(bytes);
        self.written = found;
        Ok(())
    }

    /// Ends it: a blob that is not what was promised is an error, and has no header.
    pub fn end(self) -> Result<(), Error> {
        let &Place { digest, size: promised, begins, content, .. } = self.place;
        let bad = |cause| Err(Error::BadBlob { cause });
        if self.written != promised {
            return bad(BlobError::WrongSize { digest, promised, found: self.written });
        }
        let found = self.hasher.clone().finish();
        if found != digest {
            return bad(BlobError::WrongDigest { promised: digest, found });
        }
        self.write_at(padding(promised), content.saturating_add(promised))?;
        self.write_at(&header(&digest, promised), begins)?;
        self.places.filled.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn write_at(&self, bytes: &[u8], position: u64) -> Result<(), Error> {
        let Places { file, syncing, failed, .. } = self.places;
        file.write_all_at(bytes, position).map_err(failed)?;
        let mut syncing = syncing.lock().unwrap_or_else(PoisonError::into_inner);
        syncing.wrote(file, bytes.len()).map_err(failed)
    }
}
