//! `intoto` 0.0.1: the entry cosign makes for an `.att`, an envelope known by its hash.

use serde::Deserialize;

use super::{Body, BodyError, HexHash, Kind, Logged, spec, verifier};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Spec {
    content: Content,
    public_key: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Content {
    hash: HexHash,
    payload_hash: Option<HexHash>,
}

pub(super) fn parse(text: &str) -> Result<Body, BodyError> {
    let Spec { content, public_key } = spec(text)?;
    let payload_hash =
        content.payload_hash.map(|hash| hash.sha256("content.payloadHash")).transpose()?;
    Ok(Body {
        kind: Kind::IntotoV001,
        content: Logged::Envelope {
            envelope_hash: Some(content.hash.sha256("content.hash")?),
            payload_hash,
            signature: None,
            payload_type: None,
        },
        verifier: verifier(&public_key)?,
        key_details: None,
    })
}
