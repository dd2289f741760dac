//! *Statements*: what an attestation says of its subjects
//! ([in-toto Statement](https://github.com/in-toto/attestation/blob/v1.1.0/spec/v1/statement.md)).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::crypto::HashValue;
use crate::json;
use crate::limits::Limits;

/// The predicate type by which cosign 3 marks a signature of an image, which is no attestation.
pub const COSIGN_SIGNATURE: &str = "https://sigstore.dev/cosign/sign/v1";

/// A statement, read as far as verification decides by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// What kind of thing is stated.
    pub predicate_type: String,
    /// What it is about.
    pub subjects: Vec<Subject>,
}

/// One thing a statement is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Its digests, those of algorithms that we know.
    pub digests: Vec<HashValue>,
    /// The signer's notes on it; cosign 3 carries the annotations of a signature here.
    pub annotations: BTreeMap<String, Value>,
}

impl Statement {
    /// Reads a statement of version 0.1 or 1.
    pub fn parse(payload: &[u8], limits: &Limits) -> Result<Self, MalformedStatement> {
        let raw: Raw = json::parse(payload, limits.predicate_depth)?;
        if !matches!(
            raw.kind.as_str(),
            "https://in-toto.io/Statement/v0.1" | "https://in-toto.io/Statement/v1"
        ) {
            return Err(MalformedStatement::Version { found: raw.kind });
        }
        let subjects = raw.subject.unwrap_or_default();
        if subjects.is_empty() {
            return Err(MalformedStatement::NoSubject);
        }
        if subjects.len() > limits.statement_subjects {
            return Err(MalformedStatement::Limit {
                what: "subjects",
                limit: limits.statement_subjects,
            });
        }
        if subjects.iter().any(|subject| {
            subject.digest.as_ref().is_some_and(|digests| digests.len() > limits.subject_digests)
        }) {
            return Err(MalformedStatement::Limit {
                what: "digests of a subject",
                limit: limits.subject_digests,
            });
        }
        let subjects = subjects.into_iter().map(RawSubject::known).collect();
        Ok(Self { predicate_type: raw.predicate_type, subjects })
    }

    /// The first subject with this digest.
    pub fn about(&self, digest: &HashValue) -> Option<&Subject> {
        self.subjects.iter().find(|subject| subject.digests.contains(digest))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    #[serde(rename = "_type")]
    kind: String,
    predicate_type: String,
    subject: Option<Vec<RawSubject>>,
    #[serde(default, rename = "predicate")]
    _predicate: IgnoredAny,
}

#[derive(Deserialize)]
struct RawSubject {
    digest: Option<BTreeMap<String, String>>,
    annotations: Option<BTreeMap<String, Value>>,
}

impl RawSubject {
    /// Digests of other algorithms, such as `gitCommit`, name nothing that sealift carries.
    fn known(self) -> Subject {
        let spelled =
            self.digest.into_iter().flatten().map(|(name, value)| format!("{name}:{value}"));
        let digests = spelled.filter_map(|text| text.parse().ok()).collect();
        Subject { digests, annotations: self.annotations.unwrap_or_default() }
    }
}

/// Why a payload is no statement.
#[derive(Debug, thiserror::Error)]
pub enum MalformedStatement {
    /// It is no strict JSON of a statement.
    #[error("the payload is no in-toto statement: {0}")]
    Json(#[from] json::Error),
    /// Its `_type` is none we read.
    #[error("the statement's _type is `{found}`", found = found.escape_debug())]
    Version {
        /// What stands there.
        found: String,
    },
    /// It is about nothing.
    #[error("the statement has no subject")]
    NoSubject,
    /// More of something than [`Limits`] allows.
    #[error("the statement has more than {limit} {what}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// The cap.
        limit: usize,
    },
}
