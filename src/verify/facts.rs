//! *Facts*: what is known of a piece of evidence once every step of verification held.
//!
//! Facts are plain data, so that policy rules are pure functions over them and data vectors can
//! drive rules without a signature. That they were proven is said by [`Verified`](super::Verified),
//! which has one origin.

use std::collections::BTreeMap;

use crate::digest::Digest;
use crate::time::UnixTime;
use crate::x509::Identity;

/// What a verified piece of evidence proves of its subject.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// The trust that it verified against; facts under one trust say nothing under another.
    pub trust: TrustId,
    /// The kind of document it is.
    pub form: Form,
    /// The SHA-256 of the signature and, where there is one, the certificate in PEM after it:
    /// what policy-controller calls the signature by.
    pub id: Digest,
    /// The SHA-256 of the layer that it is, where it is an envelope in a layer of its own.
    pub layer: Option<Digest>,
    /// Whether it is a signature or an attestation; never both.
    pub claim: Claim,
    /// Who signed.
    pub signer: Signer,
    /// Entries of known transparency logs that were bound to this evidence, by distinct log.
    pub log_entries: Vec<LogEntry>,
    /// Times that a known log or timestamp authority vouches for, earliest first.
    pub times: Vec<TrustedTime>,
    /// Names of the known certificate transparency logs whose timestamps in the certificate verified.
    pub sct_logs: Vec<String>,
    /// The parts of the trust that all of this rests on, each once.
    pub anchors: Vec<Anchor>,
    /// What was present but counted for nothing: an entry of an unknown log, an ignored chain.
    pub notes: Vec<String>,
}

/// Which of the trusts a policy may name: the one that was given, or one of a policy's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrustId(String);

impl TrustId {
    /// The trust of a policy that brings its own, by a name that no other has.
    pub fn of_policy(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// Whether it is the trust that was given for everything.
    pub fn is_given(&self) -> bool {
        self.0.is_empty()
    }

    /// Its name; empty for the trust that was given.
    pub fn name(&self) -> &str {
        &self.0
    }
}

/// What kind of document a piece of evidence is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A layer with cosign's annotations.
    Legacy,
    /// A Sigstore bundle.
    Bundle,
}

impl Form {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Legacy => "legacy",
            Self::Bundle => "bundle",
        }
    }
}

/// What the signer says of the subject.
#[derive(Clone, Debug, PartialEq)]
pub enum Claim {
    /// The signer vouches for the subject as a whole.
    Signature {
        /// `critical.identity.docker-reference` of a simple-signing payload.
        docker_reference: Option<String>,
        /// Signed annotations: the payload's `optional` object, or those of the statement's subject.
        annotations: BTreeMap<String, serde_json::Value>,
    },
    /// The signer makes a statement of a type about the subject.
    Attestation {
        /// The statement's `predicateType`.
        predicate_type: String,
        /// The whole in-toto statement, as it was signed.
        statement: Vec<u8>,
    },
}

/// Who made the signature.
#[derive(Clone, Debug, PartialEq)]
pub enum Signer {
    /// The holder of a key that the policy names.
    Key {
        /// SHA-256 of the key's `SubjectPublicKeyInfo`.
        id: Digest,
    },
    /// The holder of a certificate.
    Certificate {
        /// Whose certificate led to a trusted root.
        authority: CertificateAuthority,
        /// Whom it names.
        identity: Identity,
    },
}

/// Where a certificate's path ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateAuthority {
    /// A certificate authority of the trusted root, by its URI.
    TrustedRoot(String),
    /// The roots of `--ca-roots`.
    PrivatePki,
}

/// A part of the trust that evidence rests on. Names do not tell them apart: a root has one authority
/// or log several times, with a key for each of its times.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Anchor {
    /// As what it was trusted.
    pub role: Role,
    /// Its URL, by the trusted root; empty for a key and for a private authority.
    pub name: String,
    /// The SHA-256 of its key, or of the certificate that signed: an authority's issuer of leaves,
    /// a timestamp authority's signer.
    pub id: Digest,
}

/// As what a part of the trust was trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// A certificate authority of the trusted root.
    CertificateAuthority,
    /// A certificate authority of `--ca-roots`.
    PrivateAuthority,
    /// A certificate transparency log.
    CtLog,
    /// A transparency log.
    Log,
    /// A timestamp authority.
    TimestampAuthority,
    /// A key that a policy names.
    Key,
}

impl Role {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::CertificateAuthority => "certificate-authority",
            Self::PrivateAuthority => "private-authority",
            Self::CtLog => "ct-log",
            Self::Log => "log",
            Self::TimestampAuthority => "timestamp-authority",
            Self::Key => "key",
        }
    }
}

/// An entry of a known transparency log, bound to the evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// The log's `baseUrl`, else its id.
    pub log: String,
    /// The entry's global index, as the log or the bundle gives it.
    pub index: u64,
    /// When the log says it took the entry; only where a signed promise (SET) covers it.
    pub integrated: Option<UnixTime>,
    /// Whether the log's signed promise verified.
    pub promise: bool,
    /// Whether an inclusion proof to a signed checkpoint verified.
    pub inclusion: bool,
}

/// A time that a known authority vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedTime {
    /// The time.
    pub at: UnixTime,
    /// Who says so.
    pub source: TimeSource,
}

/// Who vouches for a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimeSource {
    /// A transparency log, by its name.
    Log(String),
    /// A timestamp authority, by its URI.
    TimestampAuthority(String),
    /// This machine's clock: only for certificates of a private PKI where no log is demanded.
    Clock,
}
