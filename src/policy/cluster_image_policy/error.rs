//! What is wrong with a `ClusterImagePolicy` or with what it names.

use serde::de::DeserializeOwned;

use crate::crypto::KeyError;
use crate::policy::document::{self, Error, Place};
use crate::policy::engine::InvalidEngine;
use crate::policy::{InvalidExpression, InvalidGlob, InvalidSelector};
use crate::sigstore::sigstore_keys::InvalidKeys;
use crate::sigstore::trust_root::TrustRootError;
use crate::tuf::{self, PackedError};

/// Reads the document; an unknown field is told in policy-controller's words.
pub(super) fn read<T: DeserializeOwned>(place: &Place<'_>) -> Result<T, Error> {
    place.read().map_err(|mut error| {
        if let document::Problem::Yaml { message } = error.problem.as_ref() {
            let field = message.strip_prefix("unknown field `");
            if let Some((field, _)) = field.and_then(|rest| rest.split_once('`')) {
                let text = format!("unable to unmarshal: json: unknown field \"{field}\"");
                *error.problem = Problem::Invalid { text }.into();
            }
        }
        error
    })
}

/// An error in a line of the document, from 1.
pub(super) fn at_line(place: &Place<'_>, line: u64, problem: Problem) -> Error {
    place.error_in(place.document.line_of(line), problem)
}

/// What is wrong with a policy.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
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
    #[error("`{field}` cannot be used")]
    SigstoreKeys {
        /// Where they stand.
        field: &'static str,
        /// Why not.
        #[source]
        cause: InvalidKeys,
    },
    /// The trusted root that stands in a `TrustRoot` is none.
    #[error("`{field}` cannot be used")]
    TrustedRoot {
        /// Where it stands.
        field: &'static str,
        /// Why not.
        #[source]
        cause: TrustRootError,
    },
    /// A field of bytes is no base64.
    #[error("`{field}` is no base64")]
    NotBase64 {
        /// Its path.
        field: String,
    },
    /// The repository of a `TrustRoot` cannot be unpacked.
    #[error("`spec.repository.mirrorFS` cannot be unpacked")]
    Packed(#[source] PackedError),
    /// The repository of a `TrustRoot` is not to be believed.
    #[error("the TUF repository of `{field}` is refused")]
    Repository {
        /// Where the document names it.
        field: &'static str,
        /// Why.
        #[source]
        cause: tuf::Error,
    },
    /// The repository of a `TrustRoot` holds no trusted root.
    #[error("the TUF repository of `{field}` lists no target `{}`", .target.escape_debug())]
    NoTarget {
        /// Where the document names the repository.
        field: &'static str,
        /// The target.
        target: String,
    },
    /// The trusted root that a repository holds is none.
    #[error("the target `{}` of `{field}` cannot be used", .target.escape_debug())]
    Target {
        /// Where the document names the repository.
        field: &'static str,
        /// The target.
        target: String,
        /// Why not.
        #[source]
        cause: TrustRootError,
    },
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
