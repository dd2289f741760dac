//! What is wrong with a policy file, and where.

use serde::de::DeserializeOwned;
use serde_saphyr::Spanned;

use super::document::line;
use crate::crypto::KeyError;
use crate::digest::Digest;
use crate::policy::engine::InvalidEngine;
use crate::policy::{InvalidExpression, InvalidGlob, InvalidSelector, Origin};
use crate::sigstore::sigstore_keys::InvalidKeys;
use crate::yaml;

/// Where a policy stands while it is read.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub file: &'a str,
    pub digest: Digest,
    pub document: &'a yaml::Document<'a>,
}

impl Place<'_> {
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, Error> {
        self.document
            .read()
            .map_err(|refusal| self.error_at(refusal.line, Problem::of_yaml(refusal.message)))
    }

    /// An error at `value`, or at the document where the value is what is missing.
    pub(super) fn error<T>(&self, value: Option<&Spanned<T>>, problem: Problem) -> Error {
        self.error_at(self.line(value), problem)
    }

    /// An error in a line of the document.
    pub(super) fn error_in(&self, line: u64, problem: Problem) -> Error {
        self.error_at(self.document.line_of(line), problem)
    }

    /// The line of the file that `value` stands in; without a value, that of the document.
    pub(super) fn line<T>(&self, value: Option<&Spanned<T>>) -> usize {
        value.map_or(self.document.line, |value| self.document.line_of(line(value)))
    }

    fn error_at(&self, line: usize, problem: Problem) -> Error {
        Error {
            file: self.file.to_owned(),
            document: Some(self.document.number),
            line: Some(line),
            problem: Box::new(problem),
        }
    }

    pub(super) fn origin(&self) -> Origin {
        Origin::File {
            name: self.file.to_owned(),
            digest: self.digest,
            document: self.document.number,
            line: self.document.line,
        }
    }
}

/// What is wrong with a policy file, and where.
#[derive(Debug)]
pub struct Error {
    /// The file, as the user calls it.
    pub file: String,
    /// The number of the document, from 1.
    pub document: Option<usize>,
    /// The line of the file, from 1.
    pub line: Option<usize>,
    /// What.
    pub problem: Box<Problem>,
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "policy file `{}`", self.file.escape_debug())?;
        self.line.iter().try_for_each(|line| write!(f, ", line {line}"))?;
        self.document.iter().try_for_each(|number| write!(f, " (document {number})"))
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(self.problem.as_ref())
    }
}

/// What is wrong with a policy.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The file is larger than [`Limits`](crate::limits::Limits) allows.
    #[error("the file has more than {limit} bytes")]
    TooLarge {
        /// The cap.
        limit: u64,
    },
    /// The file is no UTF-8.
    #[error("the file is no UTF-8 text")]
    NotText,
    /// The file holds no document.
    #[error("the file holds no policy")]
    Empty,
    /// The document is no YAML that can be read one way only, or has an unknown field.
    #[error("{message}")]
    Yaml {
        /// The parser's words.
        message: String,
    },
    /// The document is something else.
    #[error(
        "the document is {}, not a ClusterImagePolicy nor what one may name",
        .found.as_ref().map_or("of no kind".to_owned(), |kind| format!("a `{}`", kind.escape_debug()))
    )]
    OtherKind {
        /// Its `kind`.
        found: Option<String>,
    },
    /// The version of the format is another.
    #[error(
        "apiVersion is {}; sealift reads policy.sigstore.dev/v1alpha1 and v1beta1",
        .found.as_ref().map_or("missing".to_owned(), |found| format!("`{}`", found.escape_debug()))
    )]
    OtherVersion {
        /// Its `apiVersion`.
        found: Option<String>,
    },
    /// A field that must stand is absent or empty.
    #[error("`{field}` is missing or empty")]
    Missing {
        /// Its path.
        field: String,
    },
    /// policy-controller's own validation refuses it, in its words.
    #[error("policy-controller refuses it: {}", printable(.text))]
    Invalid {
        /// The words.
        text: String,
    },
    /// The format knows the field, sealift cannot decide by it.
    #[error("`{field}` is not supported: {remedy}")]
    Unsupported {
        /// Its path.
        field: String,
        /// What to do.
        remedy: &'static str,
    },
    /// What the policy names must be given along with it.
    #[error(
        "`{field}` names the {kind} `{}`, which none of the policy files holds; {remedy}",
        .name.escape_debug()
    )]
    NotGiven {
        /// The path of the field.
        field: String,
        /// The kind of document.
        kind: &'static str,
        /// Its name.
        name: String,
        /// What to do.
        remedy: &'static str,
    },
    /// Two documents have one name; a cluster would keep only the later.
    #[error("the {kind} `{}` stands here for the second time", .name.escape_debug())]
    Twice {
        /// The kind of document.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// A secret or config map does not hold what is asked of it.
    #[error("the {kind} `{}` {why}", .name.escape_debug())]
    Content {
        /// The kind of document.
        kind: &'static str,
        /// Its name.
        name: String,
        /// What is wrong.
        why: String,
    },
    /// A key is none.
    #[error("`{field}` holds no key that sealift verifies with")]
    Key {
        /// Its path.
        field: String,
        /// Why not.
        #[source]
        cause: KeyError,
    },
    /// Something follows a key, which policy-controller passes over in silence.
    #[error(
        "`{field}` holds more than one block of PEM, and policy-controller reads the first alone; \
         write each key as an authority of its own"
    )]
    SeveralKeys {
        /// Its path.
        field: String,
    },
    /// A glob is none.
    #[error("`{field}` is no glob")]
    Glob {
        /// Its path.
        field: String,
        /// Why not.
        #[source]
        cause: InvalidGlob,
    },
    /// A regular expression is none.
    #[error("`{field}` is no regular expression")]
    Expression {
        /// Its path.
        field: String,
        /// Why not.
        #[source]
        cause: InvalidExpression,
    },
    /// A label selector is none.
    #[error("`{field}` is no label selector")]
    Selector {
        /// Its path.
        field: String,
        /// Why not.
        #[source]
        cause: InvalidSelector,
    },
    /// A policy in a policy language is none that can be evaluated.
    #[error("`{field}` is no policy that sealift evaluates")]
    Engine {
        /// Its path.
        field: String,
        /// Why not.
        #[source]
        cause: InvalidEngine,
    },
    /// The keys of a `TrustRoot` cannot be used.
    #[error("`spec.sigstoreKeys` cannot be used")]
    SigstoreKeys(#[source] InvalidKeys),
}

impl Problem {
    /// An unknown field in policy-controller's words, everything else in the parser's.
    fn of_yaml(message: String) -> Self {
        let field = message.strip_prefix("unknown field `").and_then(|rest| rest.split_once('`'));
        match field {
            Some((field, _)) => Self::Invalid {
                text: format!("unable to unmarshal: json: unknown field \"{field}\""),
            },
            None => Self::Yaml { message },
        }
    }
}

/// The words with their line breaks, every other control character escaped.
fn printable(text: &str) -> String {
    let lines: Vec<String> = text
        .lines()
        .map(|line| {
            let escape =
                |c: char| if c.is_control() { c.escape_debug().to_string() } else { c.to_string() };
            line.chars().map(escape).collect()
        })
        .collect();
    lines.join("\n")
}
