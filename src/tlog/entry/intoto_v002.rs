//! `intoto` 0.0.2: an envelope inside the entry, its signature in base64 twice.

use serde::Deserialize;

use super::{Body, BodyError, HexHash, Kind, Logged, base64, spec, verifier};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spec {
    content: Content,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Content {
    envelope: Envelope,
    hash: HexHash,
    payload_hash: HexHash,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Envelope {
    payload_type: String,
    // Not compared: `payloadHash` binds it.
    #[serde(rename = "payload")]
    _payload: Option<String>,
    signatures: Vec<Signature>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Signature {
    #[serde(rename = "keyid")]
    _key_id: Option<String>,
    public_key: String,
    sig: String,
}

pub(super) fn parse(text: &str) -> Result<Body, BodyError> {
    let Spec { content } = spec(text)?;
    let [signature] = content.envelope.signatures.as_slice() else {
        return Err(BodyError::Malformed { field: "signatures" });
    };
    let once = base64(&signature.sig, "signatures.sig")?;
    let once =
        String::from_utf8(once).map_err(|_| BodyError::Malformed { field: "signatures.sig" })?;
    // The hash is over the envelope in the uploader's own spelling, which nobody carries.
    content.hash.sha256("content.hash")?;
    Ok(Body {
        kind: Kind::IntotoV002,
        content: Logged::Envelope {
            envelope_hash: None,
            payload_hash: Some(content.payload_hash.sha256("content.payloadHash")?),
            signature: Some(base64(&once, "signatures.sig")?),
            payload_type: Some(content.envelope.payload_type),
        },
        verifier: verifier(&signature.public_key)?,
        key_details: None,
    })
}
