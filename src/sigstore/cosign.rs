//! cosign's *annotations*: the evidence beside a legacy signature or attestation
//! ([cosign signature spec](https://github.com/sigstore/cosign/blob/v2.6.0/specs/SIGNATURE_SPEC.md#storage)).

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::digest::fixed_hex;
use crate::json;
use crate::limits::Limits;
use crate::tlog::Entry;

const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
const CERTIFICATE: &str = "dev.sigstore.cosign/certificate";
const CHAIN: &str = "dev.sigstore.cosign/chain";
const BUNDLE: &str = "dev.sigstore.cosign/bundle";
const TIMESTAMP: &str = "dev.sigstore.cosign/rfc3161timestamp";

/// The annotations of one layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotations {
    /// The signature; empty for attestations, whose envelope holds it.
    pub signature: Vec<u8>,
    /// The signer's certificate in PEM.
    pub certificate: Option<String>,
    /// Whether a chain stands there; it is never trusted and never read.
    pub has_chain: bool,
    /// The log's entry with its promise.
    pub entry: Option<Entry>,
    /// An RFC 3161 timestamp response in DER.
    pub timestamp: Option<Vec<u8>>,
}

impl Annotations {
    /// Reads the annotations of a layer; an annotation of the empty string counts as absent.
    pub fn parse(
        annotations: &BTreeMap<String, String>,
        limits: &Limits,
    ) -> Result<Self, MalformedAnnotation> {
        let get = |name| {
            annotations.get(name).map(String::as_str).filter(|value: &&str| !value.is_empty())
        };
        let signature = encoded_signature(annotations);
        let signature = STANDARD.decode(signature).map_err(|_| MalformedAnnotation::Signature)?;
        let entry = get(BUNDLE).map(|json| entry(json, limits)).transpose()?;
        let timestamp = get(TIMESTAMP).map(|json| timestamp(json, limits)).transpose()?;
        let certificate = get(CERTIFICATE).map(str::to_owned);
        Ok(Self { signature, certificate, has_chain: get(CHAIN).is_some(), entry, timestamp })
    }
}

/// Whether the annotations of a layer hold this signature, given in base64.
pub fn is_signed_by(annotations: &BTreeMap<String, String>, signature: &str) -> bool {
    encoded_signature(annotations) == signature
}

/// Whoever signs with openssl attaches its line ends too, and Go's decoder skips them; the bytes
/// have one spelling all the same, and they are what is verified.
fn encoded_signature(annotations: &BTreeMap<String, String>) -> String {
    annotations.get(SIGNATURE).map(|text| text.replace(['\r', '\n'], "")).unwrap_or_default()
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct RawBundle {
    signed_entry_timestamp: String,
    payload: RawPayload,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawPayload {
    body: String,
    integrated_time: i64,
    log_index: u64,
    #[serde(rename = "logID")]
    log_id: String,
}

fn entry(json: &str, limits: &Limits) -> Result<Entry, MalformedAnnotation> {
    let malformed = |field| MalformedAnnotation::Bundle { field };
    let RawBundle { signed_entry_timestamp, payload } =
        json::parse(json.as_bytes(), limits.json_depth)?;
    if payload.integrated_time < 0 {
        return Err(malformed("integratedTime"));
    }
    Ok(Entry {
        log_index: payload.log_index,
        log_id: fixed_hex(&payload.log_id).map_err(|_| malformed("logID"))?,
        kind_version: None,
        integrated_time: Some(payload.integrated_time),
        promise: Some(
            STANDARD
                .decode(signed_entry_timestamp)
                .map_err(|_| malformed("SignedEntryTimestamp"))?,
        ),
        proof: None,
        body: STANDARD.decode(&payload.body).map_err(|_| malformed("body"))?,
        body_base64: payload.body,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTimestamp {
    #[serde(rename = "SignedRFC3161Timestamp")]
    signed_timestamp: String,
}

fn timestamp(json: &str, limits: &Limits) -> Result<Vec<u8>, MalformedAnnotation> {
    let RawTimestamp { signed_timestamp } = json::parse(json.as_bytes(), limits.json_depth)?;
    STANDARD.decode(signed_timestamp).map_err(|_| MalformedAnnotation::Timestamp)
}

/// Why annotations say nothing.
#[derive(Debug, thiserror::Error)]
pub enum MalformedAnnotation {
    /// The signature is no base64.
    #[error("the signature annotation is no base64 in the standard alphabet with padding")]
    Signature,
    /// The bundle or timestamp annotation is no strict JSON of its form.
    #[error("an annotation is malformed: {0}")]
    Json(#[from] json::Error),
    /// A field of the bundle annotation has another shape.
    #[error("the bundle annotation has no well-formed `{field}`")]
    Bundle {
        /// The field.
        field: &'static str,
    },
    /// The timestamp is no base64.
    #[error("the rfc3161timestamp annotation holds no base64")]
    Timestamp,
}
