//! Evidence in version 1: also what `inspect` and `verify-bundle` print of a proof.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::digest::Digest;
use crate::report::{Evidence, Finding, Kind, Proof};
use crate::time::UnixTime;
use crate::verify::{
    CertificateAuthority, LogEntry, Signer, SubjectAlternativeName, TimeSource, TrustedTime,
};

/// One piece of evidence.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EvidenceV1<'a> {
    subject: Digest,
    manifest: Digest,
    found_by: &'a str,
    finding: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    carried: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<ProofV1<'a>>,
}

impl<'a> From<&'a Evidence> for EvidenceV1<'a> {
    fn from(evidence: &'a Evidence) -> Self {
        let bare = Self {
            subject: evidence.subject,
            manifest: evidence.manifest,
            found_by: &evidence.found_by,
            finding: "carried",
            code: None,
            detail: None,
            carried: None,
            proof: None,
        };
        match &evidence.finding {
            Finding::Verified(proof) => {
                Self { finding: "verified", proof: Some(proof.as_ref().into()), ..bare }
            }
            Finding::Rejected(rejected) => Self {
                finding: "rejected",
                code: Some(rejected.code),
                detail: Some(&rejected.detail),
                ..bare
            },
            Finding::Carried(what) => Self { carried: Some(what), ..bare },
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProofV1<'a> {
    kind: KindV1<'a>,
    signer: SignerV1<'a>,
    log_entries: Vec<LogEntryV1<'a>>,
    times: Vec<TimeV1<'a>>,
    sct_logs: &'a [String],
    notes: &'a [String],
}

impl<'a> From<&'a Proof> for ProofV1<'a> {
    fn from(proof: &'a Proof) -> Self {
        Self {
            kind: (&proof.kind).into(),
            signer: (&proof.signer).into(),
            log_entries: proof.log_entries.iter().map(LogEntryV1::from).collect(),
            times: proof.times.iter().map(TimeV1::from).collect(),
            sct_logs: &proof.sct_logs,
            notes: &proof.notes,
        }
    }
}

#[derive(Serialize)]
#[serde(tag = "is", rename_all = "kebab-case", rename_all_fields = "camelCase")]
enum KindV1<'a> {
    Signature {
        docker_reference: Option<&'a str>,
        annotations: &'a BTreeMap<String, serde_json::Value>,
    },
    Attestation {
        predicate_type: &'a str,
        statement: Digest,
    },
}

impl<'a> From<&'a Kind> for KindV1<'a> {
    fn from(kind: &'a Kind) -> Self {
        match kind {
            Kind::Signature { docker_reference, annotations } => {
                Self::Signature { docker_reference: docker_reference.as_deref(), annotations }
            }
            Kind::Attestation { predicate_type, statement } => {
                Self::Attestation { predicate_type, statement: *statement }
            }
        }
    }
}

#[derive(Serialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
enum SignerV1<'a> {
    Key {
        id: Digest,
    },
    Certificate {
        authority: &'a str,
        issuer: &'a str,
        names: Vec<NameV1<'a>>,
        extensions: &'a BTreeMap<u32, String>,
    },
}

impl<'a> From<&'a Signer> for SignerV1<'a> {
    fn from(signer: &'a Signer) -> Self {
        match signer {
            Signer::Key { id } => Self::Key { id: *id },
            Signer::Certificate { authority, identity } => Self::Certificate {
                authority: match authority {
                    CertificateAuthority::TrustedRoot(uri) => uri,
                    CertificateAuthority::PrivatePki => "private-pki",
                },
                issuer: &identity.issuer,
                names: identity.names.iter().map(NameV1::from).collect(),
                extensions: &identity.extensions,
            },
        }
    }
}

#[derive(Serialize)]
struct NameV1<'a> {
    kind: &'static str,
    text: &'a str,
}

impl<'a> From<&'a SubjectAlternativeName> for NameV1<'a> {
    fn from(name: &'a SubjectAlternativeName) -> Self {
        let kind = match name {
            SubjectAlternativeName::Email(_) => "email",
            SubjectAlternativeName::Uri(_) => "uri",
            SubjectAlternativeName::Dns(_) => "dns",
            SubjectAlternativeName::Other(_) => "other",
        };
        Self { kind, text: name.text() }
    }
}

#[derive(Serialize)]
struct LogEntryV1<'a> {
    log: &'a str,
    index: u64,
    integrated: Option<UnixTime>,
    promise: bool,
    inclusion: bool,
}

impl<'a> From<&'a LogEntry> for LogEntryV1<'a> {
    fn from(entry: &'a LogEntry) -> Self {
        let LogEntry { log, index, integrated, promise, inclusion } = entry;
        Self {
            log,
            index: *index,
            integrated: *integrated,
            promise: *promise,
            inclusion: *inclusion,
        }
    }
}

#[derive(Serialize)]
struct TimeV1<'a> {
    at: UnixTime,
    source: &'static str,
    name: Option<&'a str>,
}

impl<'a> From<&'a TrustedTime> for TimeV1<'a> {
    fn from(time: &'a TrustedTime) -> Self {
        let (source, name) = match &time.source {
            TimeSource::Log(name) => ("log", Some(name.as_str())),
            TimeSource::TimestampAuthority(name) => ("timestamp-authority", Some(name.as_str())),
            TimeSource::Clock => ("clock", None),
        };
        Self { at: time.at, source, name }
    }
}
