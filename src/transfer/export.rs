//! Writing: a plan becomes an archive, each blob once, at its place, hashed as it passes.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::plan::{Held, Item};
use super::prefetch::{Writer, pipe};
use super::{Error, Fault, Plan, Watch};
use crate::archive::{ArchiveWriter, Kept};

/// Writes the plan. Up to `concurrency` blobs are read ahead, each by at most half a MiB; one
/// writer puts them in order. The writer proves every blob, so a source that lies ends the export
/// and the archive never appears. What the writer kept of a broken run is not read again.
pub fn into_archive(
    plan: &Plan<'_>,
    mut writer: ArchiveWriter,
    concurrency: usize,
    watch: &dyn Watch,
) -> Result<Written, Error> {
    let (blobs, bytes) = plan.size();
    watch.begins(blobs, bytes);
    let blobs: Vec<_> = plan.items.iter().map(|item| (item.digest, item.size)).collect();
    let kept =
        writer.begin(&plan.index, &blobs, &mut |bytes| watch.passed(bytes)).map_err(broken)?;
    let fault = Mutex::new(None);
    let written = thread::scope(|scope| {
        let mut ahead: VecDeque<(&Item<'_>, Box<dyn Read>)> = VecDeque::new();
        let mut items = plan.items.iter().skip(kept.blobs);
        loop {
            while ahead.len() < concurrency.max(1) {
                let Some(item) = items.next() else { break };
                let bytes: Box<dyn Read> = if let Held::Bytes(bytes) = &item.held {
                    Box::new(bytes.as_slice())
                } else {
                    let (writer, reader) = pipe();
                    scope.spawn(|| fill(item, writer, &fault));
                    Box::new(reader)
                };
                ahead.push_back((item, bytes));
            }
            let Some((item, bytes)) = ahead.pop_front() else { return Ok(()) };
            let mut bytes = Watched { bytes, watch };
            writer.blob(&item.digest, item.size, &mut bytes).map_err(broken)?;
        }
    });
    // What the source said says more than that the archive could not be written.
    let fault = fault.into_inner().unwrap_or_else(PoisonError::into_inner);
    written.map_err(|error| fault.unwrap_or(error))?;
    let replaced = writer.has_replaced();
    let files = writer.finish().map_err(broken)?;
    Ok(Written { kept, replaced, files })
}

/// What an export wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// What was there already.
    pub kept: Kept,
    /// Whether what was there was of another archive.
    pub replaced: bool,
    /// In how many files it lies.
    pub files: usize,
}

fn broken(cause: crate::archive::Error) -> Error {
    Error::Archive { cause }
}

/// Reads one blob from its source, ahead of the writer. Why a source failed is left in `fault`.
fn fill(item: &Item<'_>, writer: Writer, fault: &Mutex<Option<Error>>) {
    let digest = item.digest;
    let (source, read) = match &item.held {
        Held::Bytes(bytes) => {
            let written = writer.write(bytes);
            return writer.finish(written);
        }
        Held::Manifest(source) => {
            let fetched = source.by_digest(&digest).and_then(|fetched| {
                fetched.ok_or_else(|| Fault::new(format!("{digest} is not there any more")))
            });
            (source, fetched.and_then(|it| writer.write(&it.bytes).map_err(Fault::new)))
        }
        Held::Blob(source, descriptor) => {
            (source, source.read_blob(descriptor, &mut |chunk| writer.write(chunk)))
        }
    };
    match read {
        Ok(()) => writer.finish(Ok(())),
        Err(_) if writer.is_abandoned() => {}
        Err(cause) => {
            let doing = format!("read {digest} of {}", source.name());
            let mut fault = fault.lock().unwrap_or_else(PoisonError::into_inner);
            fault.get_or_insert(Error::Fault { doing, cause });
            drop(fault);
            writer.finish(Err(io::ErrorKind::UnexpectedEof.into()));
        }
    }
}

/// Tells what passes.
struct Watched<'a> {
    bytes: Box<dyn Read + 'a>,
    watch: &'a dyn Watch,
}

impl Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.bytes.read(buffer)?;
        self.watch.passed(u64::try_from(count).unwrap_or(u64::MAX));
        Ok(count)
    }
}
