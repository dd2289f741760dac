//! A *log* that we trust: its key, when the key was in use, and its names.

use super::checkpoint::Generation;
use crate::crypto::{Hash, InvalidSignature, KeyKind, Message, PublicKey};
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
    /// The host of its `baseUrl` without user and port, which is the origin of a Rekor v2 log; `None`
    /// where there is none.
    pub fn host(&self) -> Option<&str> {
        let rest = self.base_url.split_once("://").map_or(self.base_url.as_str(), |(_, rest)| rest);
        let authority = rest.split(['/', '?', '#']).next()?;
        let address = authority.rsplit_once('@').map_or(authority, |(_, address)| address);
        let is_port = |port: &str| port.bytes().all(|digit| digit.is_ascii_digit());
        let host = address.rsplit_once(':').filter(|(_, port)| is_port(port));
        let host = host.map_or(address, |(host, _)| host);
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        Some(bare.unwrap_or(host)).filter(|host| !host.is_empty())
    }

    /// The first four bytes by which a note signed as `name` with this key names the key: for Rekor v1
    /// those of the SHA-256 of the key, for Rekor v2 those of its key id.
    pub fn note_hint(&self, name: &str, generation: Generation) -> [u8; 4] {
        let [a, b, c, d, ..] = match generation {
            Generation::RekorV1 => key_hash(&self.key),
            Generation::RekorV2 => note_key_id(&self.key, name),
        };
        [a, b, c, d]
    }

    /// Whether `id` is an id that a log with this key and host can have: the SHA-256 of the key
    /// (Rekor v1, certificate transparency) or the key id in full (Rekor v2).
    pub fn id_fits(&self) -> bool {
        key_hash(&self.key) == self.id
            || self.host().is_some_and(|host| note_key_id(&self.key, host) == self.id)
    }

    /// Proves that the log signed `message`. Where its key is on a larger curve, the hash is that
    /// curve's or SHA-256, by which Rekor signs with a key that lies in a file.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        let by = |hash| self.key.verify(Message::Bytes(message), signature, hash);
        match self.key.kind() {
            KeyKind::P384 | KeyKind::P521 => {
                by(self.key.default_hash()).or_else(|_| by(Hash::Sha256))
            }
            _ => by(Hash::Sha256),
        }
    }
}

/// The key id of [C2SP signed-note](https://c2sp.org/signed-note#signature-types):
/// `SHA-256(name || 0x0A || 0x01 || key)` for Ed25519, the SHA-256 of the key for ECDSA; and of
/// protobuf-specs' `TransparencyLogInstance` for RSA, to which C2SP gives no number.
fn note_key_id(key: &PublicKey, name: &str) -> [u8; 32] {
    let named = |parts: &[&[u8]]| sha256(&[name.as_bytes(), b"\n", &parts.concat()].concat());
    match key.kind() {
        KeyKind::Ed25519 => named(&[&[1], key.bits()]),
        KeyKind::Rsa { .. } | KeyKind::RsaPss { .. } => {
            named(&[&[0xff], b"PKIX-RSA-PKCS#1v1.5", key.spki()])
        }
        KeyKind::P256 | KeyKind::P384 | KeyKind::P521 => key_hash(key),
    }
}

fn key_hash(key: &PublicKey) -> [u8; 32] {
    sha256(key.spki())
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    Digest::sha256(bytes).bytes().try_into().expect("a SHA-256 has 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "-----BEGIN PUBLIC KEY-----\n\
        MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE4M25NDTMbDCpLsh9zJtoZOeD5l38\n\
        fUpzTdK3JWjJGf1Gb75J0xooxS+n/gdN3ch6dUU9ZyRy75JQPvMBl/uEdA==\n\
        -----END PUBLIC KEY-----\n";

    #[test]
    fn a_host_is_without_user_and_port() {
        let key = PublicKey::from_pem(KEY).unwrap();
        let window = Window::new("2026-01-01T00:00:00Z".parse().unwrap(), None).unwrap();
        for (url, host) in [
            ("https://log.example", Some("log.example")),
            ("https://log.example/", Some("log.example")),
            ("https://log.example/path:1", Some("log.example")),
            ("https://log.example?a@b", Some("log.example")),
            ("https://log.example#a@b", Some("log.example")),
            ("https://log.example:3003/path", Some("log.example")),
            ("https://log.example:", Some("log.example")),
            ("https://user:word@log.example:3003", Some("log.example")),
            ("https://a@b@log.example", Some("log.example")),
            ("https://192.0.2.1:3003", Some("192.0.2.1")),
            ("https://[2001:db8::1]:3003/", Some("2001:db8::1")),
            ("https://[2001:db8::1]", Some("2001:db8::1")),
            ("https://log.example:port", Some("log.example:port")),
            ("log.example", Some("log.example")),
            ("log.example:3003/path", Some("log.example")),
            ("https://", None),
            ("https://:3003", None),
            ("https:///path", None),
            ("", None),
        ] {
            let log = Log { base_url: url.to_owned(), id: [0; 32], key: key.clone(), window };
            assert_eq!(log.host(), host, "{url}");
        }
    }
}
