//! A Sigstore *bundle*: a signature with everything needed to verify it offline
//! ([bundle format](https://docs.sigstore.dev/about/bundle/), protobuf-specs `sigstore_bundle.proto`).
//!
//! What each version demands is enforced here, so that rewriting the media type, which nobody
//! signs, gains nothing: a v0.1 bundle must have promises, a later one inclusion proofs with
//! checkpoints.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::dsse::{Envelope, MalformedEnvelope, RawEnvelope};
use super::protojson::{Bytes, Int64};
use crate::crypto::Hash;
use crate::json;
use crate::limits::Limits;
use crate::tlog::{Entry, InclusionProof};

/// A bundle, believed by nobody yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// The format's version.
    pub version: Version,
    /// By what the signer is known.
    pub material: Material,
    /// Entries of transparency logs.
    pub entries: Vec<Entry>,
    /// RFC 3161 timestamp responses in DER.
    pub timestamps: Vec<Vec<u8>>,
    /// The signature and what it is over.
    pub content: Content,
}

/// A version of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// v0.1
    V0_1,
    /// v0.2
    V0_2,
    /// v0.3
    V0_3,
}

/// By what the signer is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Material {
    /// A certificate in DER. Where a chain came with it, the chain is not kept: it is never trusted.
    Certificate {
        /// The signer's certificate.
        der: Vec<u8>,
        /// Whether further certificates stood there and were ignored.
        has_chain: bool,
    },
    /// A key that the verifier has; the hint says which.
    PublicKey {
        /// The hint.
        hint: Option<String>,
    },
}

/// The signature and what it is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A signature over an artifact.
    Message {
        /// The artifact's hash, as a hint; compared, never trusted.
        digest: Option<(Hash, Vec<u8>)>,
        /// The signature.
        signature: Vec<u8>,
    },
    /// A DSSE envelope.
    Envelope(Envelope),
}

impl Bundle {
    /// Reads a bundle.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, MalformedBundle> {
        let raw: RawBundle = json::parse(bytes, limits.json_depth)?;
        let version = version(&raw.media_type)?;
        let material = raw.verification_material.material(version, limits)?;
        let entries = raw.verification_material.entries(version, limits)?;
        let timestamps = raw.verification_material.timestamps(limits)?;
        let content = match (raw.message_signature, raw.dsse_envelope) {
            (Some(message), None) => message.content()?,
            (None, Some(envelope)) => Content::Envelope(envelope.checked()?),
            _ => return Err(MalformedBundle::Content),
        };
        Ok(Self { version, material, entries, timestamps, content })
    }
}

fn version(media_type: &str) -> Result<Version, MalformedBundle> {
    match media_type {
        "application/vnd.dev.sigstore.bundle+json;version=0.1" => Ok(Version::V0_1),
        "application/vnd.dev.sigstore.bundle+json;version=0.2" => Ok(Version::V0_2),
        "application/vnd.dev.sigstore.bundle+json;version=0.3"
        | "application/vnd.dev.sigstore.bundle.v0.3+json" => Ok(Version::V0_3),
        _ => Err(MalformedBundle::Version { found: media_type.to_owned() }),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawBundle {
    #[serde(alias = "media_type")]
    media_type: String,
    #[serde(alias = "verification_material")]
    verification_material: RawMaterial,
    #[serde(alias = "message_signature")]
    message_signature: Option<RawMessageSignature>,
    #[serde(alias = "dsse_envelope")]
    dsse_envelope: Option<RawEnvelope>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawMaterial {
    certificate: Option<RawCertificate>,
    #[serde(alias = "x509_certificate_chain")]
    x509_certificate_chain: Option<RawChain>,
    #[serde(alias = "public_key")]
    public_key: Option<RawPublicKey>,
    #[serde(alias = "tlog_entries")]
    tlog_entries: Option<Vec<RawEntry>>,
    #[serde(alias = "timestamp_verification_data")]
    timestamp_verification_data: Option<RawTimestamps>,
}

impl RawMaterial {
    fn material(&self, version: Version, limits: &Limits) -> Result<Material, MalformedBundle> {
        match (&self.certificate, &self.x509_certificate_chain, &self.public_key) {
            (Some(certificate), None, None) => {
                Ok(Material::Certificate { der: certificate.raw_bytes.0.clone(), has_chain: false })
            }
            (None, Some(chain), None) if version < Version::V0_3 => {
                if chain.certificates.len() > limits.chain_certificates {
                    return Err(MalformedBundle::Limit {
                        what: "certificates",
                        limit: limits.chain_certificates,
                    });
                }
                let (leaf, above) =
                    chain.certificates.split_first().ok_or(MalformedBundle::Material)?;
                Ok(Material::Certificate {
                    der: leaf.raw_bytes.0.clone(),
                    has_chain: !above.is_empty(),
                })
            }
            (None, None, Some(key)) => {
                Ok(Material::PublicKey { hint: key.hint.clone().filter(|hint| !hint.is_empty()) })
            }
            _ => Err(MalformedBundle::Material),
        }
    }

    fn entries(&self, version: Version, limits: &Limits) -> Result<Vec<Entry>, MalformedBundle> {
        let raw = self.tlog_entries.as_deref().unwrap_or_default();
        if raw.len() > limits.tlog_entries {
            return Err(MalformedBundle::Limit { what: "log entries", limit: limits.tlog_entries });
        }
        let entries = raw
            .iter()
            .map(|entry| entry.checked(version, limits))
            .collect::<Result<Vec<_>, _>>()?;
        let same = |a: &Entry, b: &Entry| a.log_id == b.log_id && a.log_index == b.log_index;
        let twice = entries
            .iter()
            .enumerate()
            .any(|(i, a)| entries.iter().skip(i.saturating_add(1)).any(|b| same(a, b)));
        if twice { Err(MalformedBundle::EntryTwice) } else { Ok(entries) }
    }

    fn timestamps(&self, limits: &Limits) -> Result<Vec<Vec<u8>>, MalformedBundle> {
        let raw = self
            .timestamp_verification_data
            .as_ref()
            .and_then(|data| data.rfc3161_timestamps.as_ref());
        if raw.is_some_and(|timestamps| timestamps.len() > limits.timestamps) {
            return Err(MalformedBundle::Limit { what: "timestamps", limit: limits.timestamps });
        }
        let timestamps: Vec<_> = raw
            .into_iter()
            .flatten()
            .map(|timestamp| timestamp.signed_timestamp.0.clone())
            .collect();
        let distinct: BTreeSet<_> = timestamps.iter().collect();
        if distinct.len() < timestamps.len() {
            return Err(MalformedBundle::TimestampTwice);
        }
        Ok(timestamps)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawCertificate {
    #[serde(alias = "raw_bytes")]
    raw_bytes: Bytes,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawChain {
    certificates: Vec<RawCertificate>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPublicKey {
    hint: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawTimestamps {
    #[serde(alias = "rfc3161_timestamps")]
    rfc3161_timestamps: Option<Vec<RawTimestamp>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawTimestamp {
    #[serde(alias = "signed_timestamp")]
    signed_timestamp: Bytes,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawEntry {
    #[serde(default, alias = "log_index")]
    log_index: Int64,
    #[serde(alias = "log_id")]
    log_id: RawLogId,
    #[serde(alias = "kind_version")]
    kind_version: Option<RawKindVersion>,
    #[serde(alias = "integrated_time")]
    integrated_time: Option<Int64>,
    #[serde(alias = "inclusion_promise")]
    inclusion_promise: Option<RawPromise>,
    #[serde(alias = "inclusion_proof")]
    inclusion_proof: Option<RawProof>,
    #[serde(alias = "canonicalized_body")]
    canonicalized_body: Bytes,
}

impl RawEntry {
    fn checked(&self, version: Version, limits: &Limits) -> Result<Entry, MalformedBundle> {
        use base64::Engine;
        let malformed = |field| MalformedBundle::Entry { field };
        let kind = self.kind_version.as_ref().ok_or(malformed("kindVersion"))?;
        let integrated_time = self.integrated_time.map(|time| time.0).filter(|time| *time != 0);
        if integrated_time.is_some_and(|time| time < 0) {
            return Err(malformed("integratedTime"));
        }
        let promise =
            self.inclusion_promise.as_ref().map(|promise| promise.signed_entry_timestamp.0.clone());
        let proof = self.inclusion_proof.as_ref().map(|proof| proof.checked(limits)).transpose()?;
        if version == Version::V0_1 && promise.is_none() {
            return Err(MalformedBundle::NoPromise);
        }
        if version > Version::V0_1 && proof.is_none() {
            return Err(MalformedBundle::NoProof);
        }
        Ok(Entry {
            log_index: self.log_index.unsigned().ok_or(malformed("logIndex"))?,
            log_id: self.log_id.key_id.array().ok_or(malformed("logId"))?,
            kind_version: Some((kind.kind.clone(), kind.version.clone())),
            integrated_time,
            promise,
            proof,
            body: self.canonicalized_body.0.clone(),
            body_base64: base64::engine::general_purpose::STANDARD
                .encode(&self.canonicalized_body.0),
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawLogId {
    #[serde(alias = "key_id")]
    key_id: Bytes,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawKindVersion {
    kind: String,
    version: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawPromise {
    #[serde(alias = "signed_entry_timestamp")]
    signed_entry_timestamp: Bytes,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawProof {
    // Proto3 leaves out a zero.
    #[serde(default, alias = "log_index")]
    log_index: Int64,
    #[serde(alias = "root_hash")]
    root_hash: Bytes,
    #[serde(alias = "tree_size")]
    tree_size: Int64,
    hashes: Option<Vec<Bytes>>,
    checkpoint: Option<RawCheckpoint>,
}

impl RawProof {
    fn checked(&self, limits: &Limits) -> Result<InclusionProof, MalformedBundle> {
        let malformed = |field| MalformedBundle::Entry { field };
        let hashes = self.hashes.as_deref().unwrap_or_default();
        if hashes.len() > limits.proof_hashes {
            return Err(MalformedBundle::Limit {
                what: "hashes of an inclusion proof",
                limit: limits.proof_hashes,
            });
        }
        let checkpoint = self.checkpoint.as_ref().map(|checkpoint| checkpoint.envelope.clone());
        Ok(InclusionProof {
            log_index: self.log_index.unsigned().ok_or(malformed("inclusionProof.logIndex"))?,
            tree_size: self.tree_size.unsigned().ok_or(malformed("inclusionProof.treeSize"))?,
            root_hash: self.root_hash.array().ok_or(malformed("inclusionProof.rootHash"))?,
            hashes: hashes
                .iter()
                .map(Bytes::array)
                .collect::<Option<_>>()
                .ok_or(malformed("inclusionProof.hashes"))?,
            // Without a checkpoint the root is nobody's word (decision 2).
            checkpoint: checkpoint
                .filter(|text| !text.is_empty())
                .ok_or(MalformedBundle::NoCheckpoint)?,
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCheckpoint {
    envelope: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawMessageSignature {
    #[serde(alias = "message_digest")]
    message_digest: Option<RawHash>,
    signature: Bytes,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHash {
    algorithm: String,
    digest: Bytes,
}

impl RawMessageSignature {
    fn content(self) -> Result<Content, MalformedBundle> {
        let digest = self.message_digest.map(|hint| {
            let hash = match hint.algorithm.as_str() {
                "SHA2_256" => Hash::Sha256,
                "SHA2_384" => Hash::Sha384,
                "SHA2_512" => Hash::Sha512,
                _ => return Err(MalformedBundle::DigestAlgorithm { found: hint.algorithm }),
            };
            Ok((hash, hint.digest.0))
        });
        Ok(Content::Message { digest: digest.transpose()?, signature: self.signature.0 })
    }
}

/// Why bytes are no bundle.
#[derive(Debug, thiserror::Error)]
pub enum MalformedBundle {
    /// They are no strict JSON of a bundle.
    #[error("no Sigstore bundle: {0}")]
    Json(#[from] json::Error),
    /// The media type is of no version that we read.
    #[error("the bundle's mediaType is `{found}`; versions 0.1 to 0.3 are read", found = found.escape_debug())]
    Version {
        /// What stands there.
        found: String,
    },
    /// There is not exactly one certificate, chain or key, of those the version allows.
    #[error("the bundle does not name one signer in the way of its version")]
    Material,
    /// There is not exactly one message signature or envelope.
    #[error("the bundle has neither or both of messageSignature and dsseEnvelope")]
    Content,
    /// The envelope is malformed.
    #[error("{0}")]
    Envelope(#[from] MalformedEnvelope),
    /// A field of a log entry has another shape.
    #[error("a log entry of the bundle has no well-formed `{field}`")]
    Entry {
        /// The field.
        field: &'static str,
    },
    /// Two entries have the same log and index.
    #[error("the bundle has the same log entry twice")]
    EntryTwice,
    /// Two timestamps are the same.
    #[error("the bundle has the same timestamp twice")]
    TimestampTwice,
    /// A v0.1 entry has no promise.
    #[error("a bundle of version 0.1 must have a signed entry timestamp with each log entry")]
    NoPromise,
    /// An entry of a later version has no inclusion proof.
    #[error("a bundle of version 0.2 or later must have an inclusion proof with each log entry")]
    NoProof,
    /// An inclusion proof has no checkpoint.
    #[error("an inclusion proof of the bundle has no checkpoint")]
    NoCheckpoint,
    /// The hash algorithm of the message digest is none we know.
    #[error("the message digest is by `{found}`", found = found.escape_debug())]
    DigestAlgorithm {
        /// What stands there.
        found: String,
    },
    /// More of something than [`Limits`] allows.
    #[error("the bundle has more than {limit} {what}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// The cap.
        limit: usize,
    },
}
