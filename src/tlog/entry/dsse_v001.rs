//! `dsse` 0.0.1: a DSSE envelope with its signatures.

use serde::Deserialize;

use super::{Body, BodyError, HexHash, Kind, Logged, base64, spec, verifier};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Spec {
    envelope_hash: HexHash,
    payload_hash: HexHash,
    signatures: Vec<Signature>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Signature {
    signature: String,
    verifier: String,
}

pub(super) fn parse(text: &str) -> Result<Body, BodyError> {
    let Spec { envelope_hash, payload_hash, signatures } = spec(text)?;
    let [signature] = signatures.as_slice() else {
        return Err(BodyError::Malformed { field: "signatures" });
    };
    Ok(Body {
        kind: Kind::DsseV001,
        content: Logged::Envelope {
            envelope_hash: Some(envelope_hash.sha256("envelopeHash")?),
            payload_hash: Some(payload_hash.sha256("payloadHash")?),
            signature: Some(base64(&signature.signature, "signatures.signature")?),
            payload_type: None,
        },
        verifier: verifier(&signature.verifier)?,
        key_details: None,
    })
}
