//! `hashedrekord` 0.0.1: a signature over bytes known by their hash.

use serde::Deserialize;

use super::{Body, BodyError, HexHash, Kind, Logged, base64, spec, verifier};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spec {
    data: Data,
    signature: Signature,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Data {
    pub(super) hash: HexHash,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Signature {
    content: String,
    public_key: PublicKey,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PublicKey {
    pub(super) content: String,
}

pub(super) fn parse(text: &str) -> Result<Body, BodyError> {
    let Spec { data, signature } = spec(text)?;
    let value = data.hash.value("data.hash")?;
    Ok(Body {
        kind: Kind::HashedRekordV001,
        content: Logged::Message {
            hash: value.hash(),
            value: value.bytes().to_vec(),
            signature: base64(&signature.content, "signature.content")?,
        },
        verifier: verifier(&signature.public_key.content)?,
        key_details: None,
    })
}
