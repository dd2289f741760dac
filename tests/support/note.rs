//! A *signed note*: a text and lines that sign it, as logs write their checkpoints.

use super::base64;
use super::key::{Key, sha256};
use super::merkle::Hash;

/// The text of a checkpoint: who, how many entries, which root.
pub fn checkpoint(origin: &str, size: usize, root: &Hash) -> String {
    format!("{origin}\n{size}\n{}\n", base64(root))
}

/// The text, an empty line and signature lines.
pub fn signed(text: &str, lines: &[String]) -> String {
    format!("{text}\n{}", lines.concat())
}

/// One signature line over `text` under `name`, the key named by the start of `key_id`.
pub fn line(text: &str, name: &str, key_id: &[u8; 32], key: &Key) -> String {
    let content = [&key_id[..4], &key.sign(text.as_bytes())].concat();
    format!("\u{2014} {name} {}\n", base64(&content))
}

/// The key id that the C2SP signed-note specification gives an Ed25519 or ECDSA key, and
/// protobuf-specs an RSA key.
pub fn key_id(name: &str, key: &Key) -> [u8; 32] {
    match key {
        Key::Ed25519(_) => sha256(&[name.as_bytes(), b"\n", &[1], &key.public_bytes()].concat()),
        Key::Rsa(_) | Key::RsaPss(..) => {
            sha256(&[name.as_bytes(), b"\n\xffPKIX-RSA-PKCS#1v1.5", &key.spki()].concat())
        }
        Key::P256(_) | Key::P384(_) | Key::P521(_) => key.id(),
    }
}
