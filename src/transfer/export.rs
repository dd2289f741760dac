//! Writing: a plan becomes an archive, each blob once, at its place, hashed as it passes.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::thread;

use super::plan::{Held, Item};
use super::prefetch::{Writer, pipe};
use super::{Error, Plan, Watch};
use crate::archive::ArchiveWriter;

/// Writes the plan. Up to `concurrency` blobs are read ahead, each by at most half a MiB; one
/// writer puts them in order. The writer proves every blob, so a source that lies ends the export
/// and the archive never appears.
pub fn into_archive(
    plan: &Plan<'_>,
    mut writer: ArchiveWriter,
    concurrency: usize,
    watch: &dyn Watch,
) -> Result<(), Error> {
    let (blobs, bytes) = plan.size();
    watch.begins(blobs, bytes);
    writer.index(&plan.index).map_err(broken)?;
    thread::scope(|scope| {
        let mut ahead: VecDeque<(&Item<'_>, Box<dyn Read>)> = VecDeque::new();
        let mut items = plan.items.iter();
        loop {
            while ahead.len() < concurrency.max(1) {
                let Some(item) = items.next() else { break };
                let bytes: Box<dyn Read> = if let Held::Bytes(bytes) = &item.held {
                    Box::new(bytes.as_slice())
                } else {
                    let (writer, reader) = pipe();
                    scope.spawn(|| fill(item, writer));
                    Box::new(reader)
                };
                ahead.push_back((item, bytes));
            }
            let Some((item, bytes)) = ahead.pop_front() else { return Ok(()) };
            let mut bytes = Watched { bytes, watch };
            writer.blob(&item.digest, item.size, &mut bytes).map_err(broken)?;
        }
    })?;
    writer.finish().map_err(broken)
}

fn broken(cause: crate::archive::Error) -> Error {
    Error::Archive { cause }
}

/// Reads one blob from its source, ahead of the writer.
fn fill(item: &Item<'_>, writer: Writer) {
    let result = match &item.held {
        Held::Bytes(bytes) => writer.write(bytes),
        Held::Manifest(source) => match source.by_digest(&item.digest) {
            Ok(Some(fetched)) => writer.write(&fetched.bytes),
            Ok(None) => Err(io::ErrorKind::NotFound.into()),
            Err(fault) => Err(io::Error::other(fault)),
        },
        Held::Blob(source, descriptor) => {
            source.read_blob(descriptor, &mut |chunk| writer.write(chunk)).map_err(io::Error::other)
        }
    };
    writer.finish(result);
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
