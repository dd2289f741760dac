//! Writing: a plan becomes an archive, each blob once, at its place, hashed as it passes.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::discover::fault;
use super::plan::{Held, Item};
use super::prefetch::{Writer, pipe};
use super::workers::in_parallel;
use super::{ChunkSink, Error, Fault, Plan, Watch};
use crate::archive::{ArchiveWriter, Kept};
use crate::digest::Digest;

/// Writes the plan, `concurrency` blobs at a time. The archive proves every blob, so a source that lies
/// ends the export and the archive never appears. What was kept of a broken run is not read again.
pub fn into_archive(
    plan: &Plan<'_>,
    mut writer: ArchiveWriter,
    concurrency: usize,
    watch: &dyn Watch,
) -> Result<Written, Error> {
    let (blobs, bytes) = plan.size();
    watch.begins(blobs, bytes);
    let blobs: Vec<_> = plan.items.iter().map(|item| (item.digest, item.size)).collect();
    let mut hashed = |bytes| watch.passed(bytes);
    let kept = if writer.has_places() {
        writer.begin(&plan.index, &[], &mut hashed)?;
        side_by_side(&plan.items, &blobs, &mut writer, concurrency, watch)?
    } else {
        let kept = writer.begin(&plan.index, &blobs, &mut hashed)?;
        let rest = plan.items.get(kept.blobs..).unwrap_or_default();
        in_order(rest, &mut writer, concurrency, watch)?;
        kept
    };
    let replaced = writer.has_replaced();
    let files = writer.finish()?;
    Ok(Written { kept, replaced, files })
}

/// Fills the places of an archive in one file: every thread reads a blob and writes it, unless it
/// stands there already.
fn side_by_side(
    items: &[Item<'_>],
    blobs: &[(Digest, u64)],
    writer: &mut ArchiveWriter,
    concurrency: usize,
    watch: &dyn Watch,
) -> Result<Kept, Error> {
    let kept = Mutex::new(Kept::default());
    writer.fill(blobs, |places| {
        let items: Vec<_> = items.iter().enumerate().collect();
        in_parallel(&items, concurrency, |&(number, item)| {
            let mut told = 0_u64;
            let mut hashed = |bytes| {
                told = told.saturating_add(bytes);
                watch.passed(bytes);
            };
            if places.keep(number, &mut hashed)? {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept.blobs = kept.blobs.saturating_add(1);
                kept.bytes = kept.bytes.saturating_add(item.size);
                return Ok(());
            }
            let mut filling = places.fill(number)?;
            let mut refused = None;
            let read = read(item, &mut |chunk| {
                // What stood there and was not it was told already.
                let passed = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
                watch.passed(passed.saturating_sub(told));
                told = told.saturating_sub(passed);
                filling.write(chunk).map_err(|error| {
                    refused = Some(error);
                    io::ErrorKind::Other.into()
                })
            });
            match refused {
                Some(error) => Err(error.into()),
                None => read.and_then(|()| Ok(filling.end()?)),
            }
        })?;
        Ok::<_, Error>(())
    })?;
    Ok(kept.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// Writes one blob behind the other, as volumes need it, and reads others ahead, each by at most half
/// a MiB.
fn in_order(
    items: &[Item<'_>],
    writer: &mut ArchiveWriter,
    concurrency: usize,
    watch: &dyn Watch,
) -> Result<(), Error> {
    let fault = Mutex::new(None);
    let written = thread::scope(|scope| {
        let mut ahead: VecDeque<(&Item<'_>, Box<dyn Read>)> = VecDeque::new();
        let mut items = items.iter();
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
            writer.blob(&item.digest, item.size, &mut bytes)?;
        }
    });
    // What the source said says more than that the archive could not be written.
    let fault = fault.into_inner().unwrap_or_else(PoisonError::into_inner);
    written.map_err(|error| fault.unwrap_or(error))
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

/// Reads one blob ahead of the writer. Why a source failed is left in `fault`.
fn fill(item: &Item<'_>, writer: Writer, fault: &Mutex<Option<Error>>) {
    match read(item, &mut |chunk| writer.write(chunk)) {
        Ok(()) => writer.finish(Ok(())),
        Err(_) if writer.is_abandoned() => {}
        Err(error) => {
            let mut fault = fault.lock().unwrap_or_else(PoisonError::into_inner);
            fault.get_or_insert(error);
            drop(fault);
            writer.finish(Err(io::ErrorKind::UnexpectedEof.into()));
        }
    }
}

/// Reads one blob from its source.
fn read(item: &Item<'_>, sink: &mut ChunkSink<'_>) -> Result<(), Error> {
    let digest = item.digest;
    let (source, read) = match &item.held {
        Held::Bytes(bytes) => {
            let written = sink(bytes).map_err(Fault::new);
            return written.map_err(fault(|| format!("write {digest}")));
        }
        Held::Manifest(source) => {
            let fetched = source.by_digest(&digest).and_then(|fetched| {
                fetched.ok_or_else(|| Fault::new(format!("{digest} is not there any more")))
            });
            (source, fetched.and_then(|it| sink(&it.bytes).map_err(Fault::new)))
        }
        Held::Blob(source, descriptor) => (source, source.read_blob(descriptor, sink)),
    };
    read.map_err(fault(|| format!("read {digest} of {}", source.name())))
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
