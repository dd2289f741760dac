//! The *binding* step: that a log entry is of this signature, this signer and this content.

use super::evidence::Signed;
use super::{Artifact, Code, Rejection};
use crate::crypto::{Hash, PublicKey};
use crate::digest::Digest;
use crate::sigstore::Envelope;
use crate::tlog::entry::{Body, Kind, Logged, Verifier};

/// Who signed, as an entry names them.
#[derive(Clone, Copy)]
pub(super) struct SignedBy<'a> {
    /// The certificate in DER, where there is one.
    pub(super) certificate: Option<&'a [u8]>,
    /// The key.
    pub(super) key: &'a PublicKey,
}

/// Compares an entry with the evidence: signer, content and signature, all three, always.
pub(super) fn check(
    body: &Body,
    signed: &Signed,
    signer: SignedBy<'_>,
    artifact: &Artifact<'_>,
) -> Result<(), Rejection> {
    check_signer(body, signer)?;
    match (&body.content, signed) {
        (Logged::Message { hash, value, signature }, _) if takes_message(body.kind, signed) => {
            let ours = match signed {
                Signed::Payload { bytes, .. } => hash.of(bytes),
                Signed::Envelope { envelope, .. } => hash.of(&envelope.signed_bytes()),
                Signed::Artifact { .. } => artifact_hash(artifact, *hash)?,
            };
            check_that(ours == *value, "payload")?;
            check_that(signature == signed.signature(), "signature")
        }
        (Logged::Envelope { .. }, Signed::Envelope { envelope, stored }) => {
            check_envelope(&body.content, envelope, stored.as_ref())
        }
        _ => {
            let (kind, version) = body.kind.name();
            let detail = format!("an entry of kind {kind} {version} cannot be of such a signature");
            Err(Rejection::new(Code::EntryKindUnsupported, detail))
        }
    }
}

/// Rekor v1 has kinds of its own for envelopes; Rekor v2 logs every signature alike.
fn takes_message(kind: Kind, signed: &Signed) -> bool {
    kind == Kind::HashedRekordV002 || !matches!(signed, Signed::Envelope { .. })
}

fn check_signer(body: &Body, signer: SignedBy<'_>) -> Result<(), Rejection> {
    let same = match (&body.verifier, signer.certificate) {
        (Verifier::Certificate(logged), Some(ours)) => logged == ours,
        (Verifier::Key(logged), None) => logged == signer.key.spki(),
        _ => false,
    };
    if !same {
        return Err(not_bound("was made by another key or certificate than the signature"));
    }
    let details = body.key_details.as_deref();
    if details.is_some_and(|details| !signer.key.kind().details().contains(&details)) {
        return Err(not_bound("names another algorithm than the signer's key is used by"));
    }
    Ok(())
}

/// What of an envelope the entry holds must be the envelope's; the signature itself or the whole
/// envelope as it was uploaded must be among it.
fn check_envelope(
    content: &Logged,
    envelope: &Envelope,
    stored: Option<&Digest>,
) -> Result<(), Rejection> {
    let Logged::Envelope { envelope_hash, payload_hash, signature, payload_type } = content else {
        return Ok(());
    };
    let payload = Digest::sha256(&envelope.payload);
    check_that(payload_hash.is_none_or(|hash| payload == Digest::Sha256(hash)), "payload")?;
    check_that(signature.as_ref().is_none_or(|logged| *logged == envelope.signature), "signature")?;
    check_that(
        payload_type.as_ref().is_none_or(|logged| *logged == envelope.payload_type),
        "payload type",
    )?;
    // The uploader's spelling of the envelope is known only where it is stored as it was uploaded.
    let whole = envelope_hash.zip(stored);
    check_that(whole.is_none_or(|(hash, stored)| *stored == Digest::Sha256(hash)), "envelope")?;
    if signature.is_none() && whole.is_none() {
        return Err(not_bound("cannot be compared with the signature"));
    }
    Ok(())
}

/// The artifact's hash by the entry's function, from its bytes or from the digest at hand.
fn artifact_hash(artifact: &Artifact<'_>, hash: Hash) -> Result<Vec<u8>, Rejection> {
    match artifact.bytes {
        Some(bytes) => Ok(hash.of(bytes)),
        None if artifact.digest.hash() == hash => Ok(artifact.digest.bytes().to_vec()),
        None => {
            Err(not_bound("names the artifact by another hash function than the digest at hand"))
        }
    }
}

fn check_that(same: bool, what: &str) -> Result<(), Rejection> {
    if same { Ok(()) } else { Err(not_bound(&format!("is of another {what}"))) }
}

fn not_bound(how: &str) -> Rejection {
    Rejection::new(Code::EntryNotBound, format!("the log entry {how}"))
}
