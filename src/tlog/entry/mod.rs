//! An *entry* of a log: what a bundle or an annotation carries of it, and what its body says.
//!
//! A body binds a signature, a key and a hash. Every kind and version has a file; all of them come
//! out as one [`Body`], which verification compares field by field with the evidence.

mod dsse_v001;
mod hashedrekord_v001;
mod hashedrekord_v002;
mod intoto_v001;
mod intoto_v002;
mod rekord_v001;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::checkpoint::Generation;
use crate::crypto::{Hash, HashValue, PublicKey, one_pem_block};
use crate::digest::fixed_hex;
use crate::json;
use crate::limits::Limits;

/// An entry as evidence carries it, believed by nobody yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its index over all trees of the log.
    pub log_index: u64,
    /// The log it says it is of.
    pub log_id: [u8; 32],
    /// Kind and version, where they stand beside the body.
    pub kind_version: Option<(String, String)>,
    /// When the log says it took the entry, in seconds; worth nothing without a promise over it.
    pub integrated_time: Option<i64>,
    /// The signed entry timestamp.
    pub promise: Option<Vec<u8>>,
    /// The inclusion proof.
    pub proof: Option<InclusionProof>,
    /// The body's bytes.
    pub body: Vec<u8>,
    /// The body in base64, as the promise covers it.
    pub body_base64: String,
}

/// An inclusion proof and the checkpoint it leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InclusionProof {
    /// The index in the tree, which differs from the entry's in a sharded log.
    pub log_index: u64,
    /// The size of the tree.
    pub tree_size: u64,
    /// The root of the tree.
    pub root_hash: [u8; 32],
    /// The hashes from the leaf to the root.
    pub hashes: Vec<[u8; 32]>,
    /// The signed checkpoint.
    pub checkpoint: String,
}

/// What a body says, whatever its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// Kind and version, such as `hashedrekord/0.0.1`.
    pub kind: Kind,
    /// What was logged.
    pub content: Logged,
    /// Who signed.
    pub verifier: Verifier,
    /// The algorithm of the signer's key by its name in protobuf-specs, where the body holds it.
    pub key_details: Option<String>,
}

/// A kind and version of body that we read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `hashedrekord` 0.0.1.
    HashedRekordV001,
    /// `hashedrekord` 0.0.2.
    HashedRekordV002,
    /// `dsse` 0.0.1.
    DsseV001,
    /// `intoto` 0.0.1.
    IntotoV001,
    /// `intoto` 0.0.2.
    IntotoV002,
    /// `rekord` 0.0.1.
    RekordV001,
}

impl Kind {
    /// Its name and version.
    pub fn name(self) -> (&'static str, &'static str) {
        match self {
            Self::HashedRekordV001 => ("hashedrekord", "0.0.1"),
            Self::HashedRekordV002 => ("hashedrekord", "0.0.2"),
            Self::DsseV001 => ("dsse", "0.0.1"),
            Self::IntotoV001 => ("intoto", "0.0.1"),
            Self::IntotoV002 => ("intoto", "0.0.2"),
            Self::RekordV001 => ("rekord", "0.0.1"),
        }
    }

    /// The generation of log that takes such entries.
    pub fn generation(self) -> Generation {
        match self {
            Self::HashedRekordV002 => Generation::RekorV2,
            _ => Generation::RekorV1,
        }
    }
}

/// What was logged; hashes are SHA-256 where nothing else is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Logged {
    /// A signature over bytes known by their hash.
    Message {
        /// The hash function.
        hash: Hash,
        /// The hash of the signed bytes.
        value: Vec<u8>,
        /// The signature.
        signature: Vec<u8>,
    },
    /// A DSSE envelope.
    Envelope {
        /// The hash of the envelope as it was uploaded, where the body is bound to those bytes.
        envelope_hash: Option<[u8; 32]>,
        /// The hash of the payload; old entries of cosign have none.
        payload_hash: Option<[u8; 32]>,
        /// The signature of the envelope, where the body holds it.
        signature: Option<Vec<u8>>,
        /// The payload type, where the body holds it.
        payload_type: Option<String>,
    },
}

/// Who signed, by the body's word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verifier {
    /// The certificate, in DER.
    Certificate(Vec<u8>),
    /// The key, as `SubjectPublicKeyInfo`.
    Key(Vec<u8>),
}

impl Body {
    /// Reads a body: strict JSON, a kind and version that we read, every field that binds it.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, BodyError> {
        json::check(bytes, limits.json_depth)?;
        let header: Header<'_> =
            json::read(bytes).map_err(|_| BodyError::Malformed { field: "kind" })?;
        match (header.kind.as_str(), header.api_version.as_str()) {
            ("hashedrekord", "0.0.1") => hashedrekord_v001::parse(header.spec.get()),
            ("hashedrekord", "0.0.2") => hashedrekord_v002::parse(header.spec.get()),
            ("dsse", "0.0.1") => dsse_v001::parse(header.spec.get()),
            ("intoto", "0.0.1") => intoto_v001::parse(header.spec.get()),
            ("intoto", "0.0.2") => intoto_v002::parse(header.spec.get()),
            ("rekord", "0.0.1") => rekord_v001::parse(header.spec.get()),
            _ => Err(BodyError::Unsupported { kind: header.kind, version: header.api_version }),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Header<'a> {
    kind: String,
    api_version: String,
    #[serde(borrow)]
    spec: &'a RawValue,
}

/// `{algorithm, value}`, the value in lower-case hex.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HexHash {
    algorithm: String,
    value: String,
}

impl HexHash {
    /// By any function that signatures are made over.
    fn value(&self, field: &'static str) -> Result<HashValue, BodyError> {
        let spelled = format!("{}:{}", self.algorithm, self.value);
        spelled.parse().map_err(|_| BodyError::Malformed { field })
    }

    /// By SHA-256 and no other function.
    fn sha256(&self, field: &'static str) -> Result<[u8; 32], BodyError> {
        let hash = fixed_hex(&self.value).ok().filter(|_| self.algorithm == "sha256");
        hash.ok_or(BodyError::Malformed { field })
    }
}

fn spec<'a, T: Deserialize<'a>>(spec: &'a str) -> Result<T, BodyError> {
    json::read(spec.as_bytes()).map_err(|_| BodyError::Malformed { field: "spec" })
}

fn base64(text: &str, field: &'static str) -> Result<Vec<u8>, BodyError> {
    STANDARD.decode(text).map_err(|_| BodyError::Malformed { field })
}

/// A verifier is the PEM of a certificate or of a public key, in base64. A certificate is read
/// where it stands as evidence; here only its bytes count.
fn verifier(encoded: &str) -> Result<Verifier, BodyError> {
    let malformed = || BodyError::Malformed { field: "publicKey" };
    let pem = String::from_utf8(base64(encoded, "publicKey")?).map_err(|_| malformed())?;
    if pem.trim_start().starts_with("-----BEGIN CERTIFICATE-----") {
        return one_pem_block(&pem, "CERTIFICATE")
            .map(Verifier::Certificate)
            .map_err(|_| malformed());
    }
    PublicKey::from_pem(&pem).map(|key| Verifier::Key(key.spki().to_vec())).map_err(|_| malformed())
}

/// Why a body says nothing.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// It is no strict JSON.
    #[error("the entry's body is no valid document: {0}")]
    Json(#[from] json::Error),
    /// A kind or version that we do not read.
    #[error("entries of kind `{kind}` version `{version}` are not supported", kind = kind.escape_debug(), version = version.escape_debug())]
    Unsupported {
        /// The kind.
        kind: String,
        /// The version.
        version: String,
    },
    /// A field is absent or has another shape.
    #[error("the entry's body has no well-formed `{field}`")]
    Malformed {
        /// The field.
        field: &'static str,
    },
}
