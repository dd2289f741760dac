//! `hashedrekord` 0.0.2: the one kind of Rekor v2, for messages and for envelopes alike, whose
//! logged hash is then that of the pre-authentication encoding.

use serde::Deserialize;

use super::{Body, BodyError, Kind, Logged, Verifier, base64, spec};
use crate::crypto::Hash;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spec {
    #[serde(rename = "hashedRekordV002")]
    record: Record,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    data: Data,
    signature: Signature,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Data {
    algorithm: String,
    digest: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Signature {
    content: String,
    verifier: RawVerifier,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawVerifier {
    key_details: String,
    x509_certificate: Option<RawBytes>,
    public_key: Option<RawBytes>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawBytes {
    raw_bytes: String,
}

pub(super) fn parse(text: &str) -> Result<Body, BodyError> {
    let Spec { record: Record { data, signature } } = spec(text)?;
    let hash = match data.algorithm.as_str() {
        "SHA2_256" => Hash::Sha256,
        "SHA2_384" => Hash::Sha384,
        "SHA2_512" => Hash::Sha512,
        _ => return Err(BodyError::Malformed { field: "data.algorithm" }),
    };
    let raw = |bytes: &RawBytes| base64(&bytes.raw_bytes, "signature.verifier");
    let verifier = match (&signature.verifier.x509_certificate, &signature.verifier.public_key) {
        (Some(certificate), None) => Verifier::Certificate(raw(certificate)?),
        (None, Some(key)) => Verifier::Key(raw(key)?),
        _ => return Err(BodyError::Malformed { field: "signature.verifier" }),
    };
    Ok(Body {
        kind: Kind::HashedRekordV002,
        content: Logged::Message {
            hash,
            value: base64(&data.digest, "data.digest")?,
            signature: base64(&signature.content, "signature.content")?,
        },
        verifier,
        key_details: Some(signature.verifier.key_details),
    })
}
