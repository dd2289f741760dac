//! The list of a *delta*: what the archive leaves to a base that the far side holds.
//!
//! It travels in the archive as the ledger does, so that what is absent on purpose is told from what
//! was lost. It proves nothing: what it lists must still be there, in a base or at the target, when
//! the archive is judged. Format and meaning: `docs/delta.md`.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::inventory::{BlobFault, Version};
use crate::json;
use crate::limits::Limits;

/// What an archive leaves to its base.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Delta {
    /// 1.
    pub version: Version,
    /// What it was made against, in the order that it was given.
    pub bases: Vec<Base>,
    /// The blobs, by digest.
    pub omitted: Vec<Listed>,
}

/// What a delta was made against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Base {
    /// What it is.
    pub kind: BaseKind,
    /// The digest of its list of contents.
    pub contents: Digest,
}

impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            BaseKind::Archive => "archive",
            BaseKind::Receipt => "receipt",
        };
        write!(f, "the {kind} with the contents {}", self.contents)
    }
}

/// What a base is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BaseKind {
    /// An archive.
    Archive,
    /// What a mirror said a registry holds.
    Receipt,
}

/// A blob by its name and size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Listed {
    /// Its name.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
}

impl Delta {
    /// Reads the list of a delta.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, Fault> {
        let delta: Self = json::parse(bytes, limits.json_depth).map_err(Fault::Json)?;
        if delta.omitted.len() > limits.descriptors {
            return Err(Fault::TooLong { limit: limits.descriptors });
        }
        check_order(delta.omitted.iter().map(|listed| &listed.digest))?;
        Ok(delta)
    }

    /// The one spelling: compact JSON and a line feed.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec(self).expect("a delta has only texts as keys");
        bytes.push(b'\n');
        bytes
    }

    /// What it lists, by digest.
    pub fn blobs(&self) -> BTreeMap<Digest, u64> {
        self.omitted.iter().map(|listed| (listed.digest, listed.size)).collect()
    }
}

/// Each once, in order: two lists of one content have one spelling.
pub fn check_order<'d>(digests: impl Iterator<Item = &'d Digest>) -> Result<(), Fault> {
    let mut last: Option<&Digest> = None;
    for digest in digests {
        if last.is_some_and(|last| last >= digest) {
            return Err(Fault::Order { digest: *digest });
        }
        last = Some(digest);
    }
    Ok(())
}

/// The digest of a list of contents: SHA-256 over a line `digest SP size LF` for each blob, in the
/// order of their digests.
pub fn contents(blobs: &BTreeMap<Digest, u64>) -> Digest {
    let lines = blobs.iter().fold(String::new(), |mut lines, (digest, size)| {
        // A string takes whatever is written into it.
        let _ = writeln!(lines, "{digest} {size}");
        lines
    });
    Digest::sha256(lines.as_bytes())
}

/// Why a list cannot be read.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum Fault {
    /// The artifact that carries it cannot be read.
    #[error(transparent)]
    Blob(BlobFault),
    /// It is no document of its form.
    #[error(transparent)]
    Json(json::Error),
    /// A digest stands twice, or not in order.
    #[error("{digest} stands twice in its list, or not in order")]
    Order {
        /// Which.
        digest: Digest,
    },
    /// The archive has two of them.
    #[error("the archive has two of them")]
    Twice,
    /// It lists more than an archive has.
    #[error("it lists more than {limit} blobs")]
    TooLong {
        /// The cap.
        limit: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling() {
        let (first, second) = (Digest::sha256(b"1"), Digest::sha256(b"2"));
        let (first, second) = (first.min(second), first.max(second));
        let delta = Delta {
            version: Version,
            bases: vec![Base { kind: BaseKind::Receipt, contents: second }],
            omitted: vec![Listed { digest: first, size: 1 }, Listed { digest: second, size: 2 }],
        };
        let text = format!(
            r#"{{"version":1,"bases":[{{"kind":"receipt","contents":"{second}"}}],"omitted":[{{"digest":"{first}","size":1}},{{"digest":"{second}","size":2}}]}}"#
        );
        assert_eq!(String::from_utf8(delta.to_bytes()).unwrap(), text.clone() + "\n");
        let limits = Limits::default();
        assert_eq!(Delta::parse(text.as_bytes(), &limits), Ok(delta));
        let told = |text: &str, limits: &Limits| {
            Delta::parse(text.as_bytes(), limits).unwrap_err().to_string()
        };
        let few = Limits { descriptors: 1, ..limits };
        assert_eq!(told(&text, &few), "it lists more than 1 blobs");
        let doubled =
            text.replace(&format!(r#""digest":"{second}""#), &format!(r#""digest":"{first}""#));
        assert_eq!(
            told(&doubled, &limits),
            format!("{first} stands twice in its list, or not in order")
        );
        let turned = text
            .replace(&format!(r#""digest":"{first}""#), r#""digest":"X""#)
            .replace(&format!(r#""digest":"{second}""#), &format!(r#""digest":"{first}""#))
            .replace(r#""digest":"X""#, &format!(r#""digest":"{second}""#));
        assert_eq!(
            told(&turned, &limits),
            format!("{first} stands twice in its list, or not in order")
        );
        assert_eq!(
            told(&text.replace(r#""version":1"#, r#""version":2"#), &limits),
            "version 2 is not 1 at line 1 column 12"
        );
    }

    #[test]
    fn contents_are_lines() {
        let blobs = BTreeMap::from([(Digest::sha256(b""), 0), (Digest::sha256(b"a"), 1)]);
        let lines = blobs.iter().map(|(digest, size)| format!("{digest} {size}\n"));
        let lines = lines.collect::<Vec<_>>().concat();
        assert_eq!(contents(&blobs), Digest::sha256(lines.as_bytes()));
    }
}
