//! *Simple signing*: the payload of cosign's legacy signatures
//! ([containers/image](https://github.com/containers/image/blob/v5.36.0/docs/containers-signature.5.md),
//! [cosign](https://github.com/sigstore/cosign/blob/v2.6.0/specs/SIGNATURE_SPEC.md#simple-signing)).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::digest::Digest;
use crate::json;
use crate::limits::Limits;

/// A payload: which image was signed, and what the signer noted.
#[derive(Clone, Debug, PartialEq)]
pub struct SimpleSigning {
    /// The signed image.
    pub digest: Digest,
    /// The name it had when it was signed.
    pub docker_reference: Option<String>,
    /// The signer's notes.
    pub optional: BTreeMap<String, Value>,
}

impl SimpleSigning {
    /// Reads a payload.
    pub fn parse(payload: &[u8], limits: &Limits) -> Result<Self, MalformedPayload> {
        let raw: Raw = json::parse(payload, limits.json_depth)?;
        if !matches!(raw.critical.kind.as_str(), COSIGN | ATOMIC) {
            return Err(MalformedPayload::Type { found: raw.critical.kind });
        }
        Ok(Self {
            digest: raw.critical.image.digest,
            docker_reference: raw.critical.identity.docker_reference,
            optional: raw.optional.unwrap_or_default(),
        })
    }
}

const COSIGN: &str = "cosign container image signature";
/// What skopeo and podman write, by the same format.
const ATOMIC: &str = "atomic container signature";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    critical: Critical,
    optional: Option<BTreeMap<String, Value>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Critical {
    identity: Identity,
    image: Image,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Identity {
    #[serde(rename = "docker-reference")]
    docker_reference: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Image {
    #[serde(rename = "docker-manifest-digest")]
    digest: Digest,
}

/// Why bytes are no payload.
#[derive(Debug, thiserror::Error)]
pub enum MalformedPayload {
    /// They are no strict JSON of a payload.
    #[error("no simple-signing payload: {0}")]
    Json(#[from] json::Error),
    /// `critical.type` names something else than an image signature.
    #[error("critical.type is `{found}`, not an image signature", found = found.escape_debug())]
    Type {
        /// What stands there.
        found: String,
    },
}
