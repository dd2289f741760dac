//! The *signature* step: the signer's key over the exact bytes that were signed.

use super::evidence::Signed;
use super::{Artifact, Code, Rejection};
use crate::crypto::{Hash, InvalidSignature, KeyKind, Message, PublicKey};

/// Proves the signature by `key`. With ECDSA the hash is the curve's or SHA-256, which cosign uses
/// with every curve; a policy may say which it is.
pub(super) fn verify(
    signed: &Signed,
    key: &PublicKey,
    artifact: &Artifact<'_>,
) -> Result<(), Rejection> {
    let encoded;
    let message = match signed {
        Signed::Payload { bytes, .. } => Message::Bytes(bytes),
        Signed::Envelope { envelope, .. } => {
            encoded = envelope.signed_bytes();
            Message::Bytes(&encoded)
        }
        Signed::Artifact { hint, .. } => {
            check_hint(hint.as_ref(), artifact)?;
            artifact.message()
        }
    };
    let mut found = InvalidSignature::DoesNotVerify;
    for hash in hashes(key, signed) {
        match key.verify(message, signed.signature(), hash) {
            Ok(()) => return Ok(()),
            Err(InvalidSignature::OtherHash) => {}
            Err(why) => found = why,
        }
    }
    Err(found.into())
}

/// Every hash that the signature may be over, the likely one first: cosign's own forms are SHA-256.
fn hashes(key: &PublicKey, signed: &Signed) -> impl Iterator<Item = Hash> {
    let own = key.default_hash();
    let is_cosigns =
        matches!(signed, Signed::Payload { .. } | Signed::Envelope { stored: Some(_), .. });
    let (first, second) = match (key.kind(), is_cosigns) {
        (KeyKind::P384 | KeyKind::P521, true) => (Hash::Sha256, Some(own)),
        (KeyKind::P384 | KeyKind::P521, false) => (own, Some(Hash::Sha256)),
        _ => (own, None),
    };
    let (first, second) = key.fixed_hash().map_or((first, second), |fixed| (fixed, None));
    std::iter::once(first).chain(second)
}

/// The bundle's digest of the artifact is a hint: it must agree and is never used instead.
fn check_hint(hint: Option<&(Hash, Vec<u8>)>, artifact: &Artifact<'_>) -> Result<(), Rejection> {
    let Some((hash, value)) = hint else { return Ok(()) };
    let agrees = match artifact.bytes {
        Some(bytes) => hash.of(bytes) == *value,
        None if artifact.digest.hash() == *hash => artifact.digest.bytes() == value,
        // By another function than the digest at hand: nothing to compare, the signature decides.
        None => true,
    };
    if agrees {
        return Ok(());
    }
    let detail = format!("the bundle's message digest is not that of {}", artifact.digest);
    Err(Rejection::new(Code::DigestHintMismatch, detail))
}
