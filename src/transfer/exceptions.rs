//! *Exceptions*: lookups of evidence that may fail, each with a reason. Format: `docs/transfer.md`.
//!
//! A lookup that fails ends an export, for a registry that stumbles must not read as one without
//! signatures. Where one is known to fail for good, a person says so here, and the ledger repeats it.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Deserialize;
use serde_saphyr::Spanned;

use super::LookupKind;
use crate::digest::Digest;
use crate::oci::{InvalidReference, Named};
use crate::yaml::{self, Bounds, Unquoted};

/// A file of a thousand exceptions has 8 000 nodes.
const BOUNDS: Bounds = Bounds { depth: 8, nodes: 50_000, unquoted: Unquoted::Refused };

/// Lookups that may fail.
#[derive(Debug, Default)]
pub struct Exceptions {
    list: Vec<Exception>,
}

/// A lookup that may fail.
#[derive(Debug)]
pub struct Exception {
    /// The line it stands in, from 1.
    line: usize,
    /// `registry/path`.
    repository: String,
    /// The manifest; without one, every manifest of the repository.
    digest: Option<Digest>,
    kind: LookupKind,
    reason: String,
    is_used: AtomicBool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    exceptions: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    image: Spanned<String>,
    lookup: LookupKind,
    reason: String,
}

impl Exceptions {
    /// Reads a file of exceptions.
    pub fn parse(text: &str) -> Result<Self, ExceptionsError> {
        let mut list: Vec<Exception> = Vec::new();
        for document in yaml::documents(text) {
            let File { exceptions } = document.read_within(BOUNDS)?;
            for Entry { image, lookup: kind, reason } in exceptions {
                let line = document.line_of(image.referenced.line().max(1));
                let text = image.value;
                if reason.trim().is_empty() {
                    return Err(ExceptionsError::NoReason { line });
                }
                let named: Named = text.parse().map_err(|cause| ExceptionsError::Image {
                    line,
                    text: text.clone(),
                    cause,
                })?;
                if named.tag().is_some() {
                    return Err(ExceptionsError::Tagged { line, text });
                }
                let repository = format!("{}/{}", named.registry(), named.repository());
                let digest = named.digest().copied();
                let is_used = AtomicBool::new(false);
                list.push(Exception { line, repository, digest, kind, reason, is_used });
            }
        }
        Ok(Self { list })
    }

    /// Why a lookup may fail, where it may.
    pub(super) fn excuse(
        &self,
        repository: &str,
        subject: &Digest,
        kind: LookupKind,
    ) -> Option<&str> {
        let exception = self.list.iter().find(|exception| {
            exception.kind == kind
                && exception.repository == repository
                && exception.digest.is_none_or(|digest| digest == *subject)
        })?;
        exception.is_used.store(true, Ordering::Relaxed);
        Some(&exception.reason)
    }

    /// Those that excused nothing.
    pub fn unused(&self) -> impl Iterator<Item = &Exception> {
        self.list.iter().filter(|exception| !exception.is_used.load(Ordering::Relaxed))
    }
}

/// `line 3: sig-tag of registry/path@digest`.
impl fmt::Display for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {} of {}", self.line, self.kind.name(), self.repository)?;
        self.digest.iter().try_for_each(|digest| write!(f, "@{digest}"))
    }
}

/// Why a text is no file of exceptions.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExceptionsError {
    /// The YAML is not one of exceptions.
    #[error("line {line}: {message}")]
    Yaml {
        /// Where.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// An image is none.
    #[error("line {line}: `{}`", text.escape_debug())]
    Image {
        /// Where.
        line: usize,
        /// What stands there.
        text: String,
        /// Why not.
        #[source]
        cause: InvalidReference,
    },
    /// A tag, of which nobody knows what it will mean.
    #[error(
        "line {line}: `{}` names a tag, and lookups are of digests: write registry/path@digest, \
         or registry/path for all of a repository",
        text.escape_debug()
    )]
    Tagged {
        /// Where.
        line: usize,
        /// What stands there.
        text: String,
    },
    /// Nobody says why.
    #[error("line {line}: the reason is empty")]
    NoReason {
        /// Where.
        line: usize,
    },
}

impl From<yaml::Refusal> for ExceptionsError {
    fn from(yaml::Refusal { line, message }: yaml::Refusal) -> Self {
        Self::Yaml { line, message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_excused() {
        let digest = Digest::sha256(b"one");
        let other = Digest::sha256(b"other");
        let text = format!(
            "exceptions:\n- image: r.example/a@{digest}\n  lookup: sig-tag\n  reason: gone\n- image: r.example/b\n  lookup: referrers-api\n  reason: broken\n"
        );
        let exceptions = Exceptions::parse(&text).unwrap();
        let unused = || exceptions.unused().map(ToString::to_string).collect::<Vec<_>>();
        let (first, second) = (
            format!("line 2: sig-tag of r.example/a@{digest}"),
            "line 5: referrers-api of r.example/b",
        );
        assert_eq!(unused(), [first, second.to_owned()]);
        let cases = [
            ("r.example/a", other, LookupKind::SigTag, None),
            ("r.example/a", digest, LookupKind::AttTag, None),
            ("r.example/b", digest, LookupKind::SigTag, None),
            ("r.example/a/b", digest, LookupKind::SigTag, None),
            ("r.example/a", digest, LookupKind::SigTag, Some("gone")),
        ];
        for (repository, subject, kind, reason) in cases {
            assert_eq!(exceptions.excuse(repository, &subject, kind), reason);
        }
        assert_eq!(unused(), [second]);
        assert_eq!(
            exceptions.excuse("r.example/b", &other, LookupKind::ReferrersApi),
            Some("broken")
        );
        assert_eq!(unused(), Vec::<String>::new());
    }

    #[test]
    fn what_is_no_exception() {
        let entry = |image: &str, lookup: &str, reason: &str| {
            format!("exceptions:\n- image: {image}\n  lookup: {lookup}\n  reason: {reason}\n")
        };
        let cases = [
            (entry("r.example/a", "sig-tag", "' '"), "line 2: the reason is empty"),
            (
                entry("r.example/a:1", "sig-tag", "x"),
                "line 2: `r.example/a:1` names a tag, and lookups are of digests: write \
                 registry/path@digest, or registry/path for all of a repository",
            ),
            (entry("r.example/A", "sig-tag", "x"), "line 2: `r.example/A`"),
        ];
        for (text, expected) in cases {
            assert_eq!(Exceptions::parse(&text).unwrap_err().to_string(), expected);
        }
        for (text, line) in [
            (entry("r.example/a", "all", "x"), 3),
            (entry("r.example/a", "sig-tag", "x") + "  more: y\n", 5),
            ("exceptions: []\nversion: 1\n".to_owned(), 2),
        ] {
            match Exceptions::parse(&text) {
                Err(ExceptionsError::Yaml { line: found, .. }) => assert_eq!(found, line, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }
}
