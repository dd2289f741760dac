//! Where the bytes of a tar go: into one file, or into the volumes of a set, each begun when the one
//! before it is full.
//!
//! What a broken run left is gone through first, byte by byte as if it were written again
//! ([`Output::replay`]), so that whoever knows what should stand there can say how far it does.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write};
use std::os::unix::fs::FileExt as _;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};

use crate::archive::Error;
use crate::archive::partial::{Leftover, Partial, directory_of};
use crate::archive::volumes::{self, HEADER, Part, VolumeSize};
use crate::digest::{Algorithm, Hasher};
use crate::limits::Limits;

/// The files that an archive is written into.
pub(super) struct Output {
    target: PathBuf,
    volume: Option<VolumeSize>,
    leftover: Leftover,
    pieces: Vec<Piece>,
    /// Whether what was left may still lie behind the bytes gone through.
    is_replaying: bool,
}

/// The archive, or one volume of it.
struct Piece {
    partial: Partial,
    /// Bytes of the tar in it.
    length: u64,
    /// Their digest so far, where a header will tell it.
    hasher: Option<Hasher>,
    syncing: Syncing,
}

/// Takes what is written to the disk while more is written, so that little is left to wait for.
#[derive(Default)]
pub(super) struct Syncing {
    /// Bytes written since it began last.
    unsynced: u64,
    begun: Option<JoinHandle<io::Result<()>>>,
}

impl Syncing {
    /// Bytes after which it begins again.
    const BYTES: u64 = 128 << 20;

    /// Counts what was written. What the disk refuses is told once, so it is told here.
    pub(super) fn wrote(&mut self, file: &File, bytes: usize) -> io::Result<()> {
        self.unsynced = self.unsynced.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        if self.unsynced < Self::BYTES || self.begun.as_ref().is_some_and(|it| !it.is_finished()) {
            return Ok(());
        }
        self.wait()?;
        self.unsynced = 0;
        let file = file.try_clone()?;
        self.begun = Some(thread::spawn(move || file.sync_data()));
        Ok(())
    }

    pub(super) fn wait(&mut self) -> io::Result<()> {
        let Some(begun) = self.begun.take() else { return Ok(()) };
        begun.join().unwrap_or_else(|panic| resume_unwind(panic))
    }
}

/// A place in what is written, to come back to.
pub(super) struct Mark {
    pieces: usize,
    length: u64,
    hasher: Option<Hasher>,
}

impl Output {
    /// Begins, so that a place that cannot be written is known at once.
    pub(super) fn create(
        target: &Path,
        volume: Option<VolumeSize>,
        leftover: Leftover,
    ) -> Result<Self, Error> {
        let mut output = Self {
            target: target.to_owned(),
            volume,
            leftover,
            pieces: Vec::new(),
            is_replaying: leftover == Leftover::Resumed,
        };
        // What was written in the other form fits nowhere.
        if volume.is_some() || leftover == Leftover::Replaced {
            Partial::clear(target)?;
        }
        if volume.is_none() || leftover == Leftover::Replaced {
            clear_volumes(target, 1)?;
        }
        let first = output.next_target();
        let left = if output.is_replaying { Partial::reopen(&first)? } else { None };
        let partial = left.map_or_else(|| Partial::create(&first, leftover), Ok)?;
        output.push(partial).map_err(|cause| super::partial::writing(target, cause))?;
        Ok(output)
    }

    /// Where the archive, or its next volume, will appear.
    fn next_target(&self) -> PathBuf {
        match self.volume {
            None => self.target.clone(),
            Some(_) => volume_target(&self.target, self.pieces.len().saturating_add(1)),
        }
    }

    fn push(&mut self, mut partial: Partial) -> io::Result<()> {
        let begins = self.begins();
        let header = volumes::blank();
        if self.volume.is_some() && !self.is_replaying {
            partial.file.write_all(&header)?;
        }
        partial.file.seek(SeekFrom::Start(begins))?;
        let hasher = self.volume.map(|_| Hasher::new(Algorithm::Sha256));
        self.pieces.push(Piece { partial, length: 0, hasher, syncing: Syncing::default() });
        Ok(())
    }

    /// Where in each file the tar begins.
    fn begins(&self) -> u64 {
        if self.volume.is_some() { HEADER } else { 0 }
    }

    /// Bytes that the last file still takes.
    fn room(&self) -> u64 {
        let capacity = self.volume.map_or(u64::MAX, VolumeSize::payload);
        self.pieces.last().map_or(0, |piece| capacity.saturating_sub(piece.length))
    }

    /// Refuses what could not be read again, before anything of it is written.
    pub(super) fn announce(&self, length: u64, limits: &Limits) -> Result<(), Error> {
        let Some(volume) = self.volume else { return Ok(()) };
        let count = length.div_ceil(volume.payload());
        let limit = u64::try_from(limits.volumes).unwrap_or(u64::MAX);
        if count > limit {
            return Err(Error::TooManyVolumes { count, limit });
        }
        for number in 1..=limits.volumes {
            let target = volume_target(&self.target, number);
            let is_further = u64::try_from(number).is_ok_and(|number| number > count);
            if is_further && fs::symlink_metadata(&target).is_ok() {
                return Err(Error::StrayVolume { path: target.display().to_string(), count });
            }
        }
        Ok(())
    }

    /// Reads on in what was left, as if its bytes were written again; none at its end.
    pub(super) fn replay(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.is_replaying {
            return Ok(0);
        }
        if self.room() == 0 {
            let Some(next) = Partial::reopen(&self.next_target()).map_err(io::Error::other)? else {
                return Ok(0);
            };
            self.push(next)?;
        }
        let wanted = usize::try_from(self.room()).unwrap_or(usize::MAX).min(buffer.len());
        let Some(piece) = self.pieces.last_mut() else { return Ok(0) };
        let read = piece.partial.file.read(buffer.get_mut(..wanted).unwrap_or_default())?;
        piece.advance(buffer.get(..read).unwrap_or_default());
        Ok(read)
    }

    /// Whether there are no volumes.
    pub(super) fn is_one_file(&self) -> bool {
        self.volume.is_none()
    }

    /// The one file, where in it writing goes on, and what becomes of what lies behind that.
    pub(super) fn rest(&self) -> io::Result<(&File, u64, Leftover)> {
        let leftover = if self.is_replaying { Leftover::Resumed } else { Leftover::Replaced };
        match self.pieces.as_slice() {
            [piece] if self.is_one_file() => Ok((&piece.partial.file, piece.length, leftover)),
            _ => Err(io::Error::other("volumes are written front to back")),
        }
    }

    /// Goes on behind what was written into the rest.
    pub(super) fn go_on(&mut self, end: u64) -> io::Result<()> {
        if let Some(piece) = self.pieces.last_mut() {
            piece.length = end;
        }
        self.cut()
    }

    /// This place.
    pub(super) fn mark(&self) -> Mark {
        let last = self.pieces.last();
        Mark {
            pieces: self.pieces.len(),
            length: last.map_or(0, |piece| piece.length),
            hasher: last.and_then(|piece| piece.hasher.clone()),
        }
    }

    /// Forgets everything behind a place.
    pub(super) fn rewind(&mut self, mark: Mark) -> io::Result<()> {
        while self.pieces.len() > mark.pieces.max(1) {
            self.pieces.pop().into_iter().for_each(|piece| piece.partial.remove());
        }
        if let Some(piece) = self.pieces.last_mut() {
            (piece.length, piece.hasher) = (mark.length, mark.hasher);
        }
        // What lies behind in the one file may be whole blobs at their places.
        if self.is_one_file() { Ok(()) } else { self.cut() }
    }

    /// Removes what was left behind the last byte, so that writing goes on there.
    fn cut(&mut self) -> io::Result<()> {
        self.is_replaying = false;
        let begins = self.begins();
        if let Some(piece) = self.pieces.last_mut() {
            let end = begins.saturating_add(piece.length);
            piece.partial.file.set_len(end)?;
            piece.partial.file.seek(SeekFrom::Start(end))?;
        }
        if self.volume.is_some() {
            let next = self.pieces.len().saturating_add(1);
            clear_volumes(&self.target, next).map_err(io::Error::other)?;
        }
        Ok(())
    }

    /// Syncs everything to disk and gives it its names: of a set the first volume last, so that a
    /// set that lacks volumes lacks the first. Returns how many files there are.
    pub(super) fn finish(mut self) -> io::Result<usize> {
        if self.is_replaying {
            self.cut()?;
        }
        if self.volume.is_some() {
            self.write_headers()?;
        }
        for Piece { partial, syncing, .. } in &mut self.pieces {
            syncing.wait()?;
            partial.file.sync_all()?;
            // Known before the first of several is renamed.
            if fs::symlink_metadata(partial.target()).is_ok_and(|found| found.is_dir()) {
                return Err(io::ErrorKind::IsADirectory.into());
            }
        }
        let mut named = Vec::new();
        while let Some(Piece { partial, .. }) = self.pieces.pop() {
            let target = partial.target().to_owned();
            if let Err(cause) = partial.persist() {
                for target in named {
                    // What has its name already is no archive without the rest.
                    let _ = fs::remove_file(target);
                }
                return Err(cause);
            }
            named.push(target);
        }
        // The names, too, must outlive a power cut.
        File::open(directory_of(&self.target)).and_then(|directory| directory.sync_all())?;
        Ok(named.len())
    }

    /// Writes the header of every volume, for none can be known before the last is full.
    fn write_headers(&mut self) -> io::Result<()> {
        let count = u32::try_from(self.pieces.len()).map_err(io::Error::other)?;
        let mut parts = Vec::new();
        let mut offset = 0_u64;
        for (number, piece) in (1..=count).zip(&self.pieces) {
            let Piece { length, hasher: Some(hasher), .. } = piece else { continue };
            let payload = hasher.clone().finish();
            parts.push(Part { number, count, length: *length, offset, payload });
            offset = offset.saturating_add(*length);
        }
        let set = volumes::name(&parts);
        for (part, piece) in parts.iter().zip(&self.pieces) {
            piece.partial.file.write_all_at(&part.header(&set), 0)?;
        }
        Ok(())
    }
}

impl Write for Output {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        if self.is_replaying {
            self.cut()?;
        }
        if self.room() == 0 {
            if self.pieces.len() >= Limits::default().volumes {
                return Err(io::Error::other("it takes more volumes than a set has"));
            }
            let next = Partial::create(&self.next_target(), self.leftover);
            self.push(next.map_err(io::Error::other)?)?;
        }
        let wanted = usize::try_from(self.room()).unwrap_or(usize::MAX).min(buffer.len());
        let Some(piece) = self.pieces.last_mut() else { return Ok(0) };
        let written = piece.partial.file.write(buffer.get(..wanted).unwrap_or_default())?;
        piece.syncing.wrote(&piece.partial.file, written)?;
        piece.advance(buffer.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Piece {
    fn advance(&mut self, bytes: &[u8]) {
        self.length = self.length.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if let Some(hasher) = &mut self.hasher {
            hasher.update(bytes);
        }
    }
}

/// `NAME.001`.
fn volume_target(target: &Path, number: usize) -> PathBuf {
    let mut name = OsString::from(target);
    name.push(format!(".{number:03}"));
    name.into()
}

/// Removes the partials of volumes from `number` on; they were begun one after another.
fn clear_volumes(target: &Path, mut number: usize) -> Result<(), Error> {
    while Partial::clear(&volume_target(target, number))? {
        number = number.saturating_add(1);
    }
    Ok(())
}
