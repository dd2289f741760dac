//! The *binding* step: that a log entry is of this signature, this signer and this content.

use super::evidence::Signed;
use super::{Artifact, Code, Rejection};
use crate::digest::{Algorithm, Digest};
use crate::tlog::entry::{Body, Logged, Verifier};

/// The bytes by which an entry names the signer.
#[derive(Clone, Copy)]
pub(super) enum SignerBytes<'a> {
    /// The certificate in DER.
    Certificate(&'a [u8]),
    /// The key as `SubjectPublicKeyInfo`.
    Key(&'a [u8]),
}

/// Compares an entry with the evidence: signer, content and signature, all three, always.
pub(super) fn check(
    body: &Body,
    signed: &Signed,
    signer: SignerBytes<'_>,
    artifact: &Artifact<'_>,
) -> Result<(), Rejection> {
    let same_signer = match (&body.verifier, signer) {
        (Verifier::Certificate(logged), SignerBytes::Certificate(ours)) => logged == ours,
        (Verifier::Key(logged), SignerBytes::Key(ours)) => logged == ours,
        _ => false,
    };
    if !same_signer {
        return Err(not_bound("was made by another key or certificate than the signature"));
    }
    match (&body.content, signed) {
        (Logged::Message { hash, signature }, Signed::Payload { bytes, .. }) => {
            check_message(*hash, signature, &Digest::sha256(bytes), signed)
        }
        (Logged::Message { hash, signature }, Signed::Artifact { .. }) => {
            check_message(*hash, signature, &sha256_of(artifact)?, signed)
        }
        (
            Logged::Envelope { envelope_hash, payload_hash, signature, payload_type },
            Signed::Envelope { envelope, stored },
        ) => {
            check_that(
                payload_hash
                    .is_none_or(|hash| Digest::sha256(&envelope.payload) == Digest::Sha256(hash)),
                "payload",
            )?;
            check_that(
                signature.as_ref().is_none_or(|logged| *logged == envelope.signature),
                "signature",
            )?;
            check_that(
                payload_type.as_ref().is_none_or(|logged| *logged == envelope.payload_type),
                "payload type",
            )?;
            // The uploader's spelling of the envelope is known only where it is stored as it was uploaded.
            let whole = envelope_hash.zip(stored.as_ref());
            check_that(
                whole.is_none_or(|(hash, stored)| *stored == Digest::Sha256(hash)),
                "envelope",
            )?;
            if signature.is_none() && whole.is_none() {
                return Err(not_bound("cannot be compared with the signature"));
            }
            Ok(())
        }
        _ => {
            let (kind, version) = body.kind.name();
            let detail = format!("an entry of kind {kind} {version} cannot be of such a signature");
            Err(Rejection::new(Code::EntryKindUnsupported, detail))
        }
    }
}

fn check_message(
    hash: [u8; 32],
    signature: &[u8],
    message: &Digest,
    signed: &Signed,
) -> Result<(), Rejection> {
    check_that(*message == Digest::Sha256(hash), "payload")?;
    check_that(signature == signed.signature(), "signature")
}

fn check_that(same: bool, what: &str) -> Result<(), Rejection> {
    if same { Ok(()) } else { Err(not_bound(&format!("is of another {what}"))) }
}

fn not_bound(how: &str) -> Rejection {
    Rejection::new(Code::EntryNotBound, format!("the log entry {how}"))
}

/// Entries know artifacts by SHA-256 only.
fn sha256_of(artifact: &Artifact<'_>) -> Result<Digest, Rejection> {
    match (artifact.digest.algorithm(), artifact.bytes) {
        (Algorithm::Sha256, _) => Ok(artifact.digest),
        (Algorithm::Sha512, Some(bytes)) => Ok(Digest::sha256(bytes)),
        (Algorithm::Sha512, None) => {
            Err(not_bound("is by SHA-256, and only the SHA-512 of the artifact is known"))
        }
    }
}
