//! The *ledger*: what an export asked for and what it found, or did not find.
//!
//! A signature that is absent from an archive may never have existed, or may have been taken out on
//! the way. The ledger tells the two apart: for every image, every child of an index and every
//! piece of evidence it says which places were looked at and which manifests stood there. Format
//! and meaning: `docs/ledger.md`.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::inventory::Version;
use crate::json;
use crate::limits::Limits;
use crate::oci::MediaType;
use crate::time::UnixTime;

/// What an export looked up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ledger {
    /// 1.
    pub version: Version,
    /// When, where the exporter was told (`SOURCE_DATE_EPOCH`): without it the same input gives the
    /// same bytes on any day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<UnixTime>,
    /// By repository, then digest.
    pub subjects: Vec<Entry>,
}

/// One manifest, in one repository, for which evidence was looked up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Entry {
    /// Where: `registry/path`, or `archive <digest of its index.json>`.
    pub repository: String,
    /// Of what.
    pub digest: Digest,
    /// Its media type.
    pub media_type: MediaType,
    /// Of an index, the children that the export left out for their platform, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<Digest>,
    /// Each place that was looked at, in the order of [`LookupKind`].
    pub lookups: Vec<Lookup>,
}

/// One place that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Lookup {
    /// Which convention the place belongs to.
    pub kind: LookupKind,
    /// What came of it.
    pub outcome: Outcome,
    /// The manifests that stood there and are carried, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub found: Vec<Digest>,
    /// Why it was let pass that something could not be had, by the word of whoever exported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exception: Option<String>,
}

/// The places where evidence is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LookupKind {
    /// cosign's tag `sha256-<hex>.sig`.
    SigTag,
    /// cosign's tag `sha256-<hex>.att`.
    AttTag,
    /// cosign's tag `sha256-<hex>.sbom`.
    SbomTag,
    /// The referrers API of the distribution spec.
    ReferrersApi,
    /// The tag `sha256-<hex>` that stands in for the API.
    FallbackTag,
}

impl LookupKind {
    /// Every place, in the order in which they are looked at.
    pub const ALL: [Self; 5] =
        [Self::SigTag, Self::AttTag, Self::SbomTag, Self::ReferrersApi, Self::FallbackTag];

    /// Its name in ledgers and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::SigTag => "sig-tag",
            Self::AttTag => "att-tag",
            Self::SbomTag => "sbom-tag",
            Self::ReferrersApi => "referrers-api",
            Self::FallbackTag => "fallback-tag",
        }
    }
}

/// What came of a lookup. An error that nobody excused is none of these: it ends the export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Something stood there.
    Found,
    /// Nothing stood there, and the registry said so.
    NotFound,
    /// The registry does not know this place at all.
    NotSupported,
    /// The registry did not say, or does not hold what it lists, and an exception let it pass.
    Failed,
}

impl Ledger {
    /// Reads a ledger.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, json::Error> {
        json::parse(bytes, limits.json_depth)
    }

    /// The one spelling of a ledger: compact JSON and a line feed.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec(self).expect("a ledger has only texts as keys");
        bytes.push(b'\n');
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling() {
        let digest = Digest::sha256(b"");
        let ledger = Ledger {
            version: Version,
            time: None,
            subjects: vec![Entry {
                repository: "r.example/app".into(),
                digest,
                media_type: MediaType::from(MediaType::OCI_MANIFEST),
                left_out: Vec::new(),
                lookups: vec![
                    Lookup {
                        kind: LookupKind::SigTag,
                        outcome: Outcome::Found,
                        found: vec![digest],
                        exception: None,
                    },
                    Lookup {
                        kind: LookupKind::ReferrersApi,
                        outcome: Outcome::NotSupported,
                        found: Vec::new(),
                        exception: None,
                    },
                ],
            }],
        };
        let text = format!(
            r#"{{"version":1,"subjects":[{{"repository":"r.example/app","digest":"{digest}","mediaType":"application/vnd.oci.image.manifest.v1+json","lookups":[{{"kind":"sig-tag","outcome":"found","found":["{digest}"]}},{{"kind":"referrers-api","outcome":"not-supported"}}]}}]}}"#
        );
        assert_eq!(String::from_utf8(ledger.to_bytes()).unwrap(), text.clone() + "\n");
        assert_eq!(Ledger::parse(text.as_bytes(), &Limits::default()).unwrap(), ledger);
        let other = text.replace(r#""version":1"#, r#""version":2"#);
        assert_eq!(
            Ledger::parse(other.as_bytes(), &Limits::default()).unwrap_err().to_string(),
            "version 2 is not 1 at line 1 column 12"
        );
    }
}
