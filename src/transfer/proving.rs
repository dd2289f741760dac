//! A reader that proves what passes through it.

use std::cell::Cell;
use std::io::{self, Read};
use std::thread;

use super::Watch;
use super::prefetch::pipe;
use crate::archive::{BlobError, Store};
use crate::digest::{Digest, Hasher};
use crate::oci::Descriptor;

/// A blob of an archive, which can be read again where it did not arrive, and is proven each time.
pub struct Content<'a> {
    store: &'a dyn Store,
    descriptor: &'a Descriptor,
    watch: &'a dyn Watch,
    /// Bytes that were told to `watch`.
    told: Cell<u64>,
}

impl<'a> Content<'a> {
    pub(super) fn new(
        store: &'a dyn Store,
        descriptor: &'a Descriptor,
        watch: &'a dyn Watch,
    ) -> Self {
        Self { store, descriptor, watch, told: Cell::new(0) }
    }

    /// Hands `receive` the blob from its beginning, as a stream that fails before its end where the
    /// bytes are not the promised ones: whoever receives it never has a whole wrong blob.
    pub fn read<R>(&self, receive: impl FnOnce(&mut dyn Read) -> R) -> R {
        let (store, digest) = (self.store, self.descriptor.digest);
        if let Some(bytes) = store.open(&digest) {
            let bytes = Proving::new(bytes, self.descriptor);
            return receive(&mut Told { bytes, content: self, passed: 0 });
        }
        let (writer, reader) = pipe();
        thread::scope(|scope| {
            scope.spawn(move || {
                let result = store.read(&digest, &mut |chunk| {
                    writer
                        .write(chunk)
                        .map_err(|cause| BlobError::Io { digest, cause: cause.into() })
                });
                writer.finish(result.map_err(io::Error::other));
            });
            // The reader goes when this closure ends, so the thread ends whether all was read or not.
            let bytes = Proving::new(reader, self.descriptor);
            receive(&mut Told { bytes, content: self, passed: 0 })
        })
    }

    /// Tells what did not have to pass.
    pub(super) fn tell_rest(&self) {
        self.tell(self.descriptor.size);
    }

    /// Tells up to `passed` bytes, each once, however often they were read.
    fn tell(&self, passed: u64) {
        let news = passed.saturating_sub(self.told.get());
        if news > 0 {
            self.told.set(passed);
            self.watch.passed(news);
        }
    }
}

struct Told<'a, R> {
    bytes: R,
    content: &'a Content<'a>,
    passed: u64,
}

impl<R: Read> Read for Told<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.bytes.read(buffer)?;
        self.passed = self.passed.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        self.content.tell(self.passed);
        Ok(count)
    }
}

/// Passes bytes on and holds the last of them back until all are proven.
struct Proving<R> {
    bytes: R,
    promised: Digest,
    left: u64,
    hasher: Hasher,
}

impl<R: Read> Proving<R> {
    fn new(bytes: R, descriptor: &Descriptor) -> Self {
        let hasher = Hasher::new(descriptor.digest.algorithm());
        Self { bytes, promised: descriptor.digest, left: descriptor.size, hasher }
    }

    fn wrong(&self, what: &str) -> io::Error {
        let text = format!("blob {} holds {what}", self.promised);
        io::Error::new(io::ErrorKind::InvalidData, text)
    }
}

impl<R: Read> Read for Proving<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() || self.left == 0 {
            return Ok(0);
        }
        let count = self.bytes.read(buffer)?;
        if count == 0 {
            return Err(self.wrong("fewer bytes than promised"));
        }
        self.hasher.update(buffer.get(..count).unwrap_or_default());
        let passed = u64::try_from(count).unwrap_or(u64::MAX);
        self.left =
            self.left.checked_sub(passed).ok_or_else(|| self.wrong("more bytes than promised"))?;
        if self.left == 0 && self.hasher.clone().finish() != self.promised {
            return Err(self.wrong("other bytes than promised"));
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::MediaType;

    fn read(bytes: &[u8], promised: &[u8]) -> Result<Vec<u8>, (String, Vec<u8>)> {
        let descriptor: Descriptor = serde_json::from_value(serde_json::json!({
            "mediaType": MediaType::OCI_CONFIG,
            "digest": Digest::sha256(promised),
            "size": promised.len(),
        }))
        .unwrap();
        let mut passed = Vec::new();
        let mut proving = Proving::new(bytes, &descriptor);
        let mut buffer = [0; 2];
        loop {
            match proving.read(&mut buffer) {
                Ok(0) => return Ok(passed),
                Ok(count) => passed.extend_from_slice(&buffer[..count]),
                Err(error) => return Err((error.to_string(), passed)),
            }
        }
    }

    #[test]
    fn the_last_bytes_wait_for_the_proof() {
        let name = Digest::sha256(b"abcde");
        assert_eq!(read(b"abcde", b"abcde"), Ok(b"abcde".to_vec()));
        assert_eq!(
            read(b"abXde", b"abcde"),
            Err((format!("blob {name} holds other bytes than promised"), b"abXd".to_vec()))
        );
        assert_eq!(
            read(b"abcd", b"abcde"),
            Err((format!("blob {name} holds fewer bytes than promised"), b"abcd".to_vec()))
        );
        assert_eq!(
            read(b"abcdef", b"abcde"),
            Err((format!("blob {name} holds more bytes than promised"), b"abcd".to_vec()))
        );
    }
}
