//! A *partial*: the file that an archive or a volume is written into until it is whole.
//!
//! It stands beside its target as `.NAME.partial`, so that what a killed run leaves behind is found
//! again: the next run replaces it, or goes on from it where it is asked to. One name means that two
//! runs could meet in it. The file is locked as long as it is written, and is given its name only
//! while it is still the one that was opened.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::archive::Error;

/// What becomes of what a broken run left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Leftover {
    /// It is replaced, and a run that fails leaves nothing.
    #[default]
    Replaced,
    /// What fits is kept, and a run that fails leaves what it has.
    Resumed,
}

/// A file that is written and has not its name yet.
pub(super) struct Partial {
    pub(super) file: File,
    path: PathBuf,
    target: PathBuf,
    leftover: Leftover,
    /// Whether the file has its name.
    is_named: bool,
}

impl Partial {
    /// Begins an empty file that will appear as `target`.
    pub(super) fn create(target: &Path, leftover: Leftover) -> Result<Self, Error> {
        check_replaceable(target).map_err(|cause| writing(target, cause))?;
        Self::clear(target)?;
        let path = path_of(target);
        let mut options = OpenOptions::new();
        // Never a file that stands there already: it could be a link to another.
        let file = options.read(true).write(true).create_new(true).open(&path);
        let file = file.map_err(|cause| writing(target, cause))?;
        lock(&file, &path)?;
        Ok(Self { file, path, target: target.to_owned(), leftover, is_named: false })
    }

    /// Takes over what a run before left; `None` where there is nothing.
    pub(super) fn reopen(target: &Path) -> Result<Option<Self>, Error> {
        let path = path_of(target);
        let failed = |cause| writing(target, cause);
        match fs::symlink_metadata(&path) {
            Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(failed(cause)),
            // A link leads to a file of somebody else, by whatever name.
            Ok(metadata) if !metadata.is_file() || metadata.nlink() > 1 => {
                let what = format!("`{}` is in the way", path.display().to_string().escape_debug());
                return Err(failed(io::Error::other(what)));
            }
            Ok(_) => {}
        }
        let file = OpenOptions::new().read(true).write(true).open(&path).map_err(failed)?;
        lock(&file, &path)?;
        let (target, leftover) = (target.to_owned(), Leftover::Resumed);
        let partial = Self { file, path, target, leftover, is_named: false };
        // Whoever held the lock may have given the file its name, or put another in its place.
        if !is_at(&partial.file, &partial.path).map_err(failed)? {
            return Err(busy(&partial.path));
        }
        Ok(Some(partial))
    }

    /// Removes what a run before left; whether there was anything.
    pub(super) fn clear(target: &Path) -> Result<bool, Error> {
        let left = Self::reopen(target)?;
        let is_there = left.is_some();
        if let Some(left) = left {
            left.remove();
        }
        Ok(is_there)
    }

    /// Where it will appear.
    pub(super) fn target(&self) -> &Path {
        &self.target
    }

    /// Removes the file.
    pub(super) fn remove(mut self) {
        self.leftover = Leftover::Replaced;
    }

    /// Gives the file its name.
    pub(super) fn persist(mut self) -> io::Result<()> {
        if !is_at(&self.file, &self.path)? {
            return Err(io::Error::other("another run has taken its place"));
        }
        fs::rename(&self.path, &self.target)?;
        self.is_named = true;
        Ok(())
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        let stays = self.is_named || self.leftover == Leftover::Resumed;
        if !stays && is_at(&self.file, &self.path).unwrap_or(false) {
            // A file that cannot be removed is replaced by the next run.
            let _ = fs::remove_file(&self.path);
        }
        // Closing the file is not enough: a process forked a moment ago, or a thread that takes it to
        // the disk, may have it open still. Without locks there is nothing to give back.
        let _ = self.file.unlock();
    }
}

/// `.NAME.partial`, hidden so that no pattern such as `NAME.*` takes it for a volume.
fn path_of(target: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(target.file_name().unwrap_or(OsStr::new("archive")));
    name.push(".partial");
    directory_of(target).join(name)
}

/// Where a file lies.
pub(super) fn directory_of(target: &Path) -> &Path {
    match target.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// Refuses a device or a pipe: whoever names one does not mean that it shall be gone. A directory
/// refuses for itself.
fn check_replaceable(target: &Path) -> io::Result<()> {
    match fs::metadata(target) {
        Ok(metadata) if !metadata.is_file() && !metadata.is_dir() => {
            Err(io::Error::other("it is there and no file"))
        }
        _ => Ok(()),
    }
}

/// Whether `path` is this very file.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let known = file.metadata()?;
    match fs::symlink_metadata(path) {
        Ok(found) => Ok((found.dev(), found.ino()) == (known.dev(), known.ino())),
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(false),
        Err(cause) => Err(cause),
    }
}

fn lock(file: &File, path: &Path) -> Result<(), Error> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(busy(path)),
        // Some file systems have no locks; on those `is_at` has to do.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
    }
}

fn busy(path: &Path) -> Error {
    Error::Busy { path: path.display().to_string() }
}

/// The archive cannot be written.
pub(super) fn writing(path: &Path, cause: io::Error) -> Error {
    let doing = format!("write `{}`", path.display().to_string().escape_debug());
    Error::Io { doing, cause: cause.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_ends_with_its_partial() {
        let scratch = tempfile::tempdir().unwrap();
        let target = scratch.path().join("x.tar");
        let path = path_of(&target);
        let busy = Some(busy(&path));
        let partial = Partial::create(&target, Leftover::Resumed).unwrap();
        assert_eq!(Partial::reopen(&target).err(), busy);
        // As a process has it open that was forked and has not begun its program.
        let forked = partial.file.try_clone().unwrap();
        drop(partial);
        assert_eq!(Partial::reopen(&target).err(), None);
        let partial = Partial::create(&target, Leftover::Replaced).unwrap();
        assert!(!is_at(&forked, &path).unwrap());
        let forked = partial.file.try_clone().unwrap();
        partial.persist().unwrap();
        let named = File::open(&target).unwrap();
        assert!(is_at(&forked, &target).unwrap());
        assert_eq!(lock(&named, &target), Ok(()));
    }
}
