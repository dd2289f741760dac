//! Public keys and signatures: the only module that names a crypto crate (hashing apart, which is
//! [`digest`](crate::digest)'s).
//!
//! A key decides its algorithm, never the data (VERIFICATION 2a.3). Both backends accept the same
//! keys and the same signatures; `aws-lc` is used where both are compiled in.

use crate::digest::Digest;

/// A public key of an accepted kind, in its one DER spelling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    spki: Vec<u8>,
}

impl PublicKey {
    /// Reads one `PUBLIC KEY` block of PEM, strictly: nothing but white space around it.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let _ = pem;
        todo!()
    }

    /// The `SubjectPublicKeyInfo` in DER.
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// The SHA-256 of the [`spki`](Self::spki): the log id of Rekor v1, the hint of cosign's bundles.
    pub fn id(&self) -> Digest {
        Digest::sha256(&self.spki)
    }
}

/// Why bytes are no key we verify with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {}
