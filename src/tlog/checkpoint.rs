//! A *checkpoint*: a log's signed word on its size and root
//! ([C2SP tlog-checkpoint](https://c2sp.org/tlog-checkpoint)).
//!
//! ```text
//! checkpoint = origin "\n" size "\n" base64(root) "\n" *(extension "\n")
//! ```

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::note::{MalformedNote, Note, NoteSignature};
use super::{InclusionProof, Log};
use crate::limits::Limits;

/// The generation of a log, which decides the form of its origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generation {
    /// Rekor v1: the origin is `<name> - <tree id>`.
    RekorV1,
    /// Rekor v2: the origin is the host of the log's `baseUrl`.
    RekorV2,
}

/// Proves that `log` signed the checkpoint of `proof` and that it vouches for the proof's size and root.
pub fn verify(
    proof: &InclusionProof,
    log: &Log,
    generation: Generation,
    limits: &Limits,
) -> Result<(), CheckpointError> {
    let note = Note::parse(&proof.checkpoint, limits)?;
    let checkpoint = Checkpoint::parse(note.text).ok_or(CheckpointError::Malformed)?;
    let name = checkpoint.signer(log, generation)?;
    let hint = log.note_hint(name, generation);
    let signed =
        |line: &NoteSignature<'_>| log.verify(note.text.as_bytes(), &line.signature).is_ok();
    // A log may sign more than once, with other keys or as a witness; one line of this key must verify.
    let mut lines =
        note.signatures.iter().filter(|line| line.name == name && line.hint == hint).peekable();
    if lines.peek().is_none() {
        return Err(CheckpointError::NotSignedByLog);
    }
    if !lines.any(signed) {
        return Err(CheckpointError::BadSignature);
    }
    if checkpoint.size != proof.tree_size || checkpoint.root != proof.root_hash {
        return Err(CheckpointError::OtherTree);
    }
    Ok(())
}

struct Checkpoint<'a> {
    origin: &'a str,
    size: u64,
    root: [u8; 32],
}

impl<'a> Checkpoint<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut lines = text.split('\n');
        let origin = lines.next().filter(|origin| !origin.is_empty())?;
        let size = decimal(lines.next()?)?;
        let root = STANDARD.decode(lines.next()?).ok()?.try_into().ok()?;
        // The text ends in a line end, so at least one, empty, piece follows.
        lines.next()?;
        Some(Self { origin, size, root })
    }

    /// The name by which the log must have signed.
    fn signer(&self, log: &Log, generation: Generation) -> Result<&'a str, CheckpointError> {
        match generation {
            Generation::RekorV1 => self
                .origin
                .split_once(" - ")
                .filter(|(name, tree)| !name.is_empty() && decimal(tree).is_some())
                .map(|(name, _)| name)
                .ok_or(CheckpointError::OtherOrigin),
            Generation::RekorV2 => Some(self.origin)
                .filter(|origin| log.host() == Some(origin))
                .ok_or(CheckpointError::OtherOrigin),
        }
    }
}

/// A number in decimal, in its one spelling.
fn decimal(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

/// Why a checkpoint vouches for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// It is no note.
    #[error("the checkpoint is no signed note: {0}")]
    Note(#[from] MalformedNote),
    /// Its text is not origin, size and root.
    #[error("the checkpoint is not origin, size and root")]
    Malformed,
    /// Its origin is not the log's.
    #[error("the checkpoint has the origin of another log")]
    OtherOrigin,
    /// No signature line names the log's key.
    #[error("no signature on the checkpoint is by the log's key")]
    NotSignedByLog,
    /// The log's signature does not verify.
    #[error("the log's signature on the checkpoint does not verify")]
    BadSignature,
    /// It vouches for another tree than the inclusion proof's.
    #[error("the checkpoint is of another tree than the inclusion proof")]
    OtherTree,
}
