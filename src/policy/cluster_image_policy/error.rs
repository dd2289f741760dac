//! What is wrong with a policy file, and where.

use serde::de::DeserializeOwned;
use serde_saphyr::Spanned;

use crate::crypto::KeyError;
use crate::digest::Digest;
use crate::policy::{InvalidExpression, InvalidGlob, Origin};
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
        self.document.read().map_err(|refusal| Error {
            file: self.file.to_owned(),
            document: Some(self.document.number),
            line: Some(refusal.line),
            problem: Box::new(Problem::Yaml { message: refusal.message }),
        })
    }

    /// An error at `value`, or at the document where the value is what is missing.
    pub(super) fn error<T>(&self, value: Option<&Spanned<T>>, problem: Problem) -> Error {
        let line = value.map_or(self.document.line, |value| {
            self.document.line_of(value.referenced.line().max(1))
        });
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
        "the document is {}, not a ClusterImagePolicy",
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
    /// Not exactly one of several fields stands there.
    #[error("exactly one of {fields} must stand in `{within}`")]
    NotExactlyOne {
        /// The path they belong below.
        within: String,
        /// Their names.
        fields: &'static str,
    },
    /// A field has a value the format does not know.
    #[error("`{field}` is `{}`, not {expected}", .found.escape_debug())]
    Value {
        /// Its path.
        field: String,
        /// The value.
        found: String,
        /// The values there are.
        expected: &'static str,
    },
    /// The format knows the field, this version of sealift does not decide by it.
    #[error("`{field}` is not supported: {remedy}")]
    Unsupported {
        /// Its path.
        field: String,
        /// What to do.
        remedy: &'static str,
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
}
