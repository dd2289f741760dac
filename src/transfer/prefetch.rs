//! Reading ahead: a thread fills a bounded channel, a [`Read`] empties it.

use std::cell::Cell;
use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Chunks on their way at most, for one reader: with sources' chunks of 128 KiB, half a MiB.
const CHUNKS: usize = 4;

/// The two ends of a bounded channel of bytes.
pub(super) fn pipe() -> (Writer, Reader) {
    let (sender, receiver) = sync_channel(CHUNKS);
    (
        Writer { sender, is_abandoned: Cell::new(false) },
        Reader { receiver, chunk: Vec::new(), read: 0, is_over: false },
    )
}

/// The end that is filled. A pipe dropped without [`finish`](Self::finish) reads as broken off.
pub(super) struct Writer {
    sender: SyncSender<io::Result<Option<Vec<u8>>>>,
    is_abandoned: Cell<bool>,
}

impl Writer {
    /// Passes a chunk on; fails where nobody reads any more.
    pub(super) fn write(&self, chunk: &[u8]) -> io::Result<()> {
        self.sender.send(Ok(Some(chunk.to_vec()))).map_err(|_| {
            self.is_abandoned.set(true);
            io::ErrorKind::BrokenPipe.into()
        })
    }

    /// Whether a write failed because nobody reads any more.
    pub(super) fn is_abandoned(&self) -> bool {
        self.is_abandoned.get()
    }

    /// Says how it ended.
    pub(super) fn finish(self, result: io::Result<()>) {
        // Nobody left to tell: the reader has its own reason to have gone.
        let _ = self.sender.send(result.map(|()| None));
    }
}

/// The end that is read.
pub(super) struct Reader {
    receiver: Receiver<io::Result<Option<Vec<u8>>>>,
    chunk: Vec<u8>,
    read: usize,
    is_over: bool,
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.read >= self.chunk.len() && !self.is_over {
            match self.receiver.recv() {
                Ok(Ok(Some(chunk))) => (self.chunk, self.read) = (chunk, 0),
                Ok(Ok(None)) => self.is_over = true,
                Ok(Err(cause)) => {
                    self.is_over = true;
                    return Err(cause);
                }
                Err(_) => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
        let count = self.chunk.get(self.read..).unwrap_or_default().read(buffer)?;
        self.read = self.read.saturating_add(count);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn bytes_come_out_as_they_went_in() {
        let bytes: Vec<u8> = (0..1_000_003_u32).map(|n| n.to_le_bytes()[0]).collect();
        let (writer, mut reader) = pipe();
        thread::scope(|scope| {
            scope.spawn(|| {
                for chunk in bytes.chunks(1000) {
                    writer.write(chunk).unwrap();
                }
                writer.finish(Ok(()));
            });
            let mut read = Vec::new();
            reader.read_to_end(&mut read).unwrap();
            assert_eq!(read, bytes);
        });
    }

    #[test]
    fn a_pipe_that_is_dropped_has_broken_off() {
        let (writer, mut reader) = pipe();
        writer.write(&[1]).unwrap();
        drop(writer);
        let mut read = Vec::new();
        let error = reader.read_to_end(&mut read).unwrap_err();
        assert_eq!((error.kind(), read), (io::ErrorKind::UnexpectedEof, vec![1]));
    }
}
