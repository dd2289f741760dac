//! A *policy test*: what is expected of the images of an archive, in a file, so that a change of a
//! policy is tried before it decides.
//!
//! ```yaml
//! apiVersion: sealift/v1
//! kind: PolicyTest
//! archive: upgrade.tar                # as are all paths, relative to this file
//!                                     # or the volumes of a set: [upgrade.tar.001, upgrade.tar.002]
//! policies: [policy.yaml]
//! trustedRoot: trusted_root.json      # where a policy needs one
//! tufMirrors: {https://tuf.example: mirror}   # where a TrustRoot names one
//! verificationTime: 2027-01-01T00:00:00Z   # else the clock
//! cases:
//! - image: registry.example/app:v1    # a reference, a digest, or a tag of the archive
//!   expect: admitted                  # or denied, or uncovered
//!   by: release                       # a policy that admits it, or denies it
//! - image: registry.example/old:v0
//!   expect: denied
//!   reason: identity-mismatch         # a code of the report
//! ```

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_saphyr::Spanned;

use crate::limits::Limits;
use crate::policy::PolicyFile;
use crate::policy::document::{Error, NOWHERE};
use crate::time::UnixTime;

/// What is expected of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyTest {
    /// The archive's file, or the volumes of it, by their paths as they are written.
    pub archive: Vec<String>,
    /// The policies' files.
    pub policies: Vec<String>,
    /// The trusted root's file.
    pub trusted_root: Option<String>,
    /// The folders that hold what TUF repositories serve, by their URLs.
    pub tuf_mirrors: BTreeMap<String, String>,
    /// The time to judge at.
    pub verification_time: Option<UnixTime>,
    /// At least one.
    pub cases: Vec<Expectation>,
}

/// What is expected of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// The line it stands in.
    pub line: usize,
    /// The image.
    pub image: String,
    /// How it ends.
    pub end: End,
    /// The policy it is admitted or denied by.
    pub by: Option<String>,
    /// A code that the report has among the reasons.
    pub reason: Option<String>,
}

/// How a judgement ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum End {
    /// The image is admitted.
    Admitted,
    /// It is denied, though policies cover it.
    Denied,
    /// It is denied because no policy covers it by one of its names.
    Uncovered,
}

impl End {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Admitted => "admitted",
            Self::Denied => "denied",
            Self::Uncovered => "uncovered",
        }
    }
}

impl PolicyTest {
    /// Reads a file that holds one test and nothing else.
    pub fn parse(file: PolicyFile<'_>, limits: &Limits) -> Result<Self, Error> {
        let places = file.documents(limits)?;
        let [place] = places.as_slice() else {
            let second = places.get(1).expect("a file without documents is an error");
            return Err(second.error(NOWHERE, InvalidTest::Second));
        };
        let header: Header = place.read()?;
        let is_test = header.api_version.as_deref() == Some("sealift/v1")
            && header.kind.as_deref() == Some("PolicyTest");
        if !is_test {
            return Err(place.error(NOWHERE, InvalidTest::Header));
        }
        let written: Written = place.read()?;
        if written.archive.value.0.is_empty() {
            return Err(place.error(Some(&written.archive), InvalidTest::NoArchive));
        }
        if written.policies.value.is_empty() {
            return Err(place.error(Some(&written.policies), InvalidTest::NoPolicy));
        }
        if written.cases.value.is_empty() {
            return Err(place.error(Some(&written.cases), InvalidTest::NoCase));
        }
        let verification_time = match &written.verification_time {
            None => None,
            Some(text) => Some(text.value.parse().map_err(|_| {
                place.error(Some(text), InvalidTest::Time { found: text.value.clone() })
            })?),
        };
        let mut cases = Vec::new();
        for case in &written.cases.value {
            let Case { image, expect, by, reason } = &case.value;
            if *expect == End::Admitted && reason.is_some() {
                return Err(place.error(Some(case), InvalidTest::ReasonToAdmit));
            }
            if *expect == End::Uncovered && (by.is_some() || reason.is_some()) {
                return Err(place.error(Some(case), InvalidTest::UncoveredBy));
            }
            cases.push(Expectation {
                line: place.line_of(case),
                image: image.clone(),
                end: *expect,
                by: by.clone(),
                reason: reason.clone(),
            });
        }
        Ok(Self {
            archive: written.archive.value.0,
            policies: written.policies.value,
            trusted_root: written.trusted_root,
            tuf_mirrors: written.tuf_mirrors.unwrap_or_default(),
            verification_time,
            cases,
        })
    }
}

#[derive(Deserialize)]
struct Header {
    #[serde(rename = "apiVersion")]
    api_version: Option<String>,
    kind: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Written {
    #[serde(rename = "apiVersion")]
    _api_version: String,
    #[serde(rename = "kind")]
    _kind: String,
    archive: Spanned<Files>,
    policies: Spanned<Vec<String>>,
    trusted_root: Option<String>,
    tuf_mirrors: Option<BTreeMap<String, String>>,
    verification_time: Option<Spanned<String>>,
    cases: Spanned<Vec<Spanned<Case>>>,
}

/// One file, or several.
struct Files(Vec<String>);

impl<'de> Deserialize<'de> for Files {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FilesVisitor)
    }
}

struct FilesVisitor;

impl<'de> Visitor<'de> for FilesVisitor {
    type Value = Files;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a file, or a list of the volumes of a set")
    }

    fn visit_str<E: de::Error>(self, file: &str) -> Result<Files, E> {
        Ok(Files(vec![file.to_owned()]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut files: A) -> Result<Files, A::Error> {
        let mut read = Vec::new();
        while let Some(file) = files.next_element()? {
            read.push(file);
        }
        Ok(Files(read))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    image: String,
    expect: End,
    by: Option<String>,
    reason: Option<String>,
}

/// What is wrong with a policy test.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTest {
    /// It is something else.
    #[error(
        "the document is no policy test: it begins with `apiVersion: sealift/v1` and `kind: PolicyTest`"
    )]
    Header,
    /// A second document follows.
    #[error("a file holds one policy test; this is a second document")]
    Second,
    /// It names no archive.
    #[error("`archive` is empty")]
    NoArchive,
    /// It names no policy.
    #[error("`policies` is empty")]
    NoPolicy,
    /// It expects nothing.
    #[error("`cases` is empty: the test could not fail")]
    NoCase,
    /// A time is none.
    #[error("`verificationTime` is `{}`, no RFC 3339 time", .found.escape_debug())]
    Time {
        /// What is written.
        found: String,
    },
    /// A reason stands where none is given.
    #[error("an admitted image has no `reason`; write `by` for the policy that admits it")]
    ReasonToAdmit,
    /// What no policy covers is denied by none.
    #[error("what no policy covers has neither `by` nor `reason`")]
    UncoveredBy,
}

#[cfg(test)]
mod tests;
