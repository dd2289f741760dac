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
struct Data {
    hash: HexHash,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Signature {
    content: String,
    public_key: PublicKey,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PublicKey {
    content: String,
}

pub(super) fn parse(text: &str) -> Result<Body, BodyError> {
    let Spec { data, signature } = spec(text)?;
    Ok(Body {
        kind: Kind::HashedRekordV001,
        content: Logged::Message {
            hash: data.hash.sha256("data.hash")?,
            signature: base64(&signature.content, "signature.content")?,
        },
        verifier: verifier(&signature.public_key.content)?,
    })
}
