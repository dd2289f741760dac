//! The *claim* step: what was signed, and that it is about this subject. A signature and an
//! attestation are told apart here and never taken for one another.

use super::evidence::Signed;
use super::{Artifact, Claim, Code, Rejection};
use crate::limits::Limits;
use crate::sigstore::statement::COSIGN_SIGNATURE;
use crate::sigstore::{Envelope, SimpleSigning, Statement, dsse};

/// Reads the signed content, once its signature is proven.
pub(super) fn read(
    signed: Signed,
    artifact: &Artifact<'_>,
    limits: &Limits,
) -> Result<Claim, Rejection> {
    match signed {
        Signed::Payload { bytes, .. } => payload(&bytes, artifact, limits),
        Signed::Envelope { envelope, .. } => statement(envelope, artifact, limits),
        Signed::Artifact { .. } => Ok(Claim::Signature {
            docker_reference: None,
            annotations: std::collections::BTreeMap::new(),
        }),
    }
}

fn payload(bytes: &[u8], artifact: &Artifact<'_>, limits: &Limits) -> Result<Claim, Rejection> {
    let payload = SimpleSigning::parse(bytes, limits)?;
    if artifact.digest != payload.digest.into() {
        let detail = format!("the payload names {}, not {}", payload.digest, artifact.digest);
        return Err(Rejection::new(Code::PayloadNamesOtherImage, detail));
    }
    Ok(Claim::Signature {
        docker_reference: payload.docker_reference,
        annotations: payload.optional,
    })
}

fn statement(
    envelope: Envelope,
    artifact: &Artifact<'_>,
    limits: &Limits,
) -> Result<Claim, Rejection> {
    if envelope.payload_type != dsse::IN_TOTO {
        let detail = format!(
            "the payload type is `{}`, not `{}`",
            envelope.payload_type.escape_debug(),
            dsse::IN_TOTO
        );
        return Err(Rejection::new(Code::WrongPayloadType, detail));
    }
    let statement = Statement::parse(&envelope.payload, limits)?;
    let Some(subject) = statement.about(&artifact.digest) else {
        let named = statement.subjects.iter().flat_map(|subject| &subject.digests).next();
        let named = named.map_or_else(
            || "nothing known by sha256, sha384 or sha512".to_owned(),
            ToString::to_string,
        );
        let detail = format!("the statement is about {named}, not {}", artifact.digest);
        return Err(Rejection::new(Code::StatementNamesOtherImage, detail));
    };
    if statement.predicate_type == COSIGN_SIGNATURE {
        let annotations = subject.annotations.clone();
        return Ok(Claim::Signature { docker_reference: None, annotations });
    }
    Ok(Claim::Attestation { predicate_type: statement.predicate_type, statement: envelope.payload })
}
