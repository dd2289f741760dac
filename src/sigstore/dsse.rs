//! *DSSE*: an envelope around a typed payload
//! ([DSSE v1](https://github.com/secure-systems-lab/dsse/blob/v1.0.2/envelope.md)).

use serde::Deserialize;

use super::protojson::Bytes;
use crate::json;
use crate::limits::Limits;

/// The payload type of in-toto statements, the only one sealift reads.
pub const IN_TOTO: &str = "application/vnd.in-toto+json";

/// An envelope with exactly one signature (TOB-SIGSTORE-9: with several, two checks can look at
/// different ones).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// What the payload is.
    pub payload_type: String,
    /// The payload, the bytes that were signed.
    pub payload: Vec<u8>,
    /// The signature over [`signed_bytes`](Self::signed_bytes).
    pub signature: Vec<u8>,
}

impl Envelope {
    /// Reads an envelope that stands by itself, as in a legacy attestation.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, MalformedEnvelope> {
        json::parse::<RawEnvelope>(bytes, limits.json_depth)?.checked()
    }

    /// The pre-authentication encoding: what the signature is over.
    pub fn signed_bytes(&self) -> Vec<u8> {
        let head = format!(
            "DSSEv1 {} {} {} ",
            self.payload_type.len(),
            self.payload_type,
            self.payload.len()
        );
        [head.as_bytes(), &self.payload].concat()
    }
}

/// The envelope's JSON, alone or in a bundle.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RawEnvelope {
    #[serde(alias = "payload_type")]
    payload_type: String,
    payload: Bytes,
    signatures: Vec<RawSignature>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSignature {
    sig: Bytes,
    // A hint by the signer's word alone; nothing is decided by it.
    #[serde(rename = "keyid")]
    _key_id: Option<String>,
    // cosign and slsa-github-generator write the certificate here too; the evidence's own counts.
    #[serde(rename = "cert")]
    _certificate: Option<String>,
}

impl RawEnvelope {
    pub(super) fn checked(self) -> Result<Envelope, MalformedEnvelope> {
        let found = self.signatures.len();
        match <[RawSignature; 1]>::try_from(self.signatures) {
            Ok([signature]) => Ok(Envelope {
                payload_type: self.payload_type,
                payload: self.payload.0,
                signature: signature.sig.0,
            }),
            Err(_) => Err(MalformedEnvelope::SignatureCount { found }),
        }
    }
}

/// Why bytes are no envelope.
#[derive(Debug, thiserror::Error)]
pub enum MalformedEnvelope {
    /// They are no strict JSON of an envelope.
    #[error("no DSSE envelope: {0}")]
    Json(#[from] json::Error),
    /// There is not exactly one signature.
    #[error("the envelope has {found} signatures, not one")]
    SignatureCount {
        /// How many.
        found: usize,
    },
}
