//! `rekord` 0.0.1: what cosign logged in 2021, a signature in one of several formats, of which
//! `x509` (a certificate or a plain key) is Sigstore's.

use serde::Deserialize;

use super::hashedrekord_v001::{Data, PublicKey};
use super::{Body, BodyError, Kind, Logged, base64, spec, verifier};
use crate::crypto::Hash;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spec {
    data: Data,
    signature: Signature,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Signature {
    content: String,
    format: String,
    public_key: PublicKey,
}

pub(super) fn parse(text: &str) -> Result<Body, BodyError> {
    let Spec { data, signature } = spec(text)?;
    if signature.format != "x509" {
        // Formats of the log, though not Sigstore's.
        return Err(match signature.format.as_str() {
            format @ ("pgp" | "minisign" | "ssh") => BodyError::Unsupported {
                kind: format!("rekord ({format})"),
                version: "0.0.1".to_owned(),
            },
            _ => BodyError::Malformed { field: "signature.format" },
        });
    }
    Ok(Body {
        kind: Kind::RekordV001,
        content: Logged::Message {
            hash: Hash::Sha256,
            value: data.hash.sha256("data.hash")?.to_vec(),
            signature: base64(&signature.content, "signature.content")?,
        },
        verifier: verifier(&signature.public_key.content)?,
        key_details: None,
    })
}
