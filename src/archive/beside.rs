//! Hashing *beside* the writing: on a thread of its own, so that neither waits for the other.

use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use crate::digest::{Algorithm, Digest, Hasher};

/// Bytes of a buffer: they stay in the second-level cache on their way.
const BUFFER: usize = 128 << 10;

/// Buffers on their way: one is filled, one is hashed, one waits.
const BUFFERS: usize = 3;

/// The buffers of one blob, which go round between whoever fills them and the thread that hashes.
pub(super) struct Beside {
    full: SyncSender<Vec<u8>>,
    empty: Receiver<Vec<u8>>,
    begun: usize,
}

impl Beside {
    /// A buffer to fill; waits until one has been hashed where all are on their way.
    pub(super) fn buffer(&mut self) -> Vec<u8> {
        if self.begun < BUFFERS {
            self.begun = self.begun.saturating_add(1);
            return vec![0; BUFFER];
        }
        let mut buffer = self.empty.recv().unwrap_or_default();
        buffer.resize(BUFFER, 0);
        buffer
    }

    /// Hands over what was filled.
    pub(super) fn hash(&self, filled: Vec<u8>) {
        // The thread ends when this is dropped, not before.
        let _ = self.full.send(filled);
    }
}

/// The digest of everything that `work` hands over, and what it returns.
pub(super) fn hashed<T>(algorithm: Algorithm, work: impl FnOnce(&mut Beside) -> T) -> (T, Digest) {
    let (full, filled) = sync_channel::<Vec<u8>>(BUFFERS);
    let (back, empty) = sync_channel(BUFFERS);
    thread::scope(|scope| {
        let digest = scope.spawn(move || {
            let mut hasher = Hasher::new(algorithm);
            for buffer in filled {
                hasher.update(&buffer);
                // Whoever fills them may have enough.
                let _ = back.send(buffer);
            }
            hasher.finish()
        });
        let result = work(&mut Beside { full, empty, begun: 0 });
        (result, digest.join().unwrap_or_else(|panic| resume_unwind(panic)))
    })
}
