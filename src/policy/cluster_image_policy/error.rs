//! What is wrong with a `ClusterImagePolicy`.

use crate::crypto::KeyError;
use crate::policy::{InvalidExpression, InvalidGlob};

/// What is wrong with a policy.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
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
