//! A *log* that we trust: its key, when the key was in use, and its names.

use crate::crypto::{KeyKind, PublicKey};
use crate::digest::Digest;
use crate::time::Window;

/// A transparency log or certificate transparency log of a trusted root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// Its `baseUrl`; its name in reports.
    pub base_url: String,
    /// Its id, by which entries and promises name it.
    pub id: [u8; 32],
    /// Its key.
    pub key: PublicKey,
    /// When the key was in use.
    pub window: Window,
}

impl Log {
    /// The host of its `baseUrl`, which is the origin of a Rekor v2 log; `None` where there is none.
    pub fn host(&self) -> Option<&str> {
        let rest = self.base_url.split_once("://").map_or(self.base_url.as_str(), |(_, rest)| rest);
        rest.split('/').next().filter(|host| !host.is_empty())
    }

    /// The first four bytes by which a note signed as `name` with this key names the key:
    /// for Ed25519 as [C2SP signed-note](https://c2sp.org/signed-note) has it, for ECDSA and RSA
    /// those of the SHA-256 of the key.
    pub fn note_hint(&self, name: &str) -> [u8; 4] {
        let id = note_key_id(&self.key, name);
        let [a, b, c, d, ..] = id;
        [a, b, c, d]
    }

    /// Whether `id` is an id that a log with this key and host can have: the SHA-256 of the key
    /// (Rekor v1, certificate transparency) or the C2SP key id in full (Rekor v2).
    pub fn id_fits(&self) -> bool {
        Digest::sha256(self.key.spki()).bytes() == self.id
            || self.host().is_some_and(|host| note_key_id(&self.key, host) == self.id)
    }
}

/// `SHA-256(name || 0x0A || 0x01 || key)` for Ed25519.
fn note_key_id(key: &PublicKey, name: &str) -> [u8; 32] {
    let digest = match key.kind() {
        KeyKind::Ed25519 => Digest::sha256(&[name.as_bytes(), b"\n\x01", key.bits()].concat()),
        _ => Digest::sha256(key.spki()),
    };
    digest.bytes().try_into().expect("a SHA-256 has 32 bytes")
}
