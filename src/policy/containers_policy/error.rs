//! What is wrong with a `policy.json`.

use std::io;

use crate::crypto::{KeyError, KeyKind};
use crate::json;
use crate::oci::InvalidReference;
use crate::policy::{InvalidExpression, InvalidPrefix};
use crate::x509::MalformedCertificate;

/// A problem and the line it stands in.
#[derive(Debug)]
pub(super) struct Fault {
    pub line: Option<usize>,
    pub problem: Problem,
}

/// What is wrong with a `policy.json`. A field is named by its path from the document's root.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The file is no strict JSON.
    #[error("a policy.json is strict JSON without comments: {0}")]
    Json(#[from] json::Error),
    /// A value is of another kind than the field's.
    #[error("`{field}` is not {expected}")]
    Kind {
        /// Its path.
        field: String,
        /// What it must be.
        expected: &'static str,
    },
    /// The format knows no such field here.
    #[error("`{field}` is no field of a policy.json")]
    Unknown {
        /// Its path.
        field: String,
    },
    /// A field that must stand is absent.
    #[error("`{field}` is missing")]
    Missing {
        /// Its path.
        field: String,
    },
    /// A list or a text is empty.
    #[error("`{field}` is empty")]
    Empty {
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
    /// Fields that exclude each other stand there.
    #[error("at most one of {fields} may stand in `{within}`")]
    SeveralOf {
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
    /// The format knows the requirement, sealift does not decide by it.
    #[error("`{field}` is `{kind}`, which is not supported: {remedy}")]
    Unsupported {
        /// Its path.
        field: String,
        /// The requirement's type.
        kind: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// What must be base64 of a file is none.
    #[error("`{field}` is no base64 of a file in PEM")]
    Base64 {
        /// Its path.
        field: String,
    },
    /// A file that a field names cannot be read.
    #[error("`{field}` names the file `{}`, which cannot be read", .path.escape_debug())]
    File {
        /// Its path in the document.
        field: String,
        /// The file.
        path: String,
        /// Why not.
        #[source]
        cause: io::Error,
    },
    /// A file that a field names is no text.
    #[error("`{field}` is no PEM: not even UTF-8 text")]
    NotText {
        /// Its path.
        field: String,
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
    /// A key of Rekor is of another kind than Rekor signs with.
    #[error("`{field}` holds a key of kind {found}; entries of Rekor are signed by ECDSA")]
    LogKey {
        /// Its path.
        field: String,
        /// The kind.
        found: KeyKind,
    },
    /// Certificates are none.
    #[error("`{field}` holds no certificates that sealift verifies with")]
    Certificates {
        /// Its path.
        field: String,
        /// Why not.
        #[source]
        cause: MalformedCertificate,
    },
    /// The name of an image is none.
    #[error("`{field}` is `{}`, which is no name of an image", .found.escape_debug())]
    Reference {
        /// Its path.
        field: String,
        /// What stands there.
        found: String,
        /// Why not.
        #[source]
        cause: InvalidReference,
    },
    /// The name of an image has neither tag nor digest, so that no signature could match it.
    #[error("`{field}` is `{}`, which has neither tag nor digest", .found.escape_debug())]
    NameOnly {
        /// Its path.
        field: String,
        /// What stands there.
        found: String,
    },
    /// A prefix of names is none.
    #[error("`{field}` cannot be used")]
    Prefix {
        /// The path of the object it stands in.
        field: String,
        /// Why not.
        #[source]
        cause: InvalidPrefix,
    },
    /// A host name is none that a certificate could hold as one.
    #[error("`{field}` is `{}`, which is no host name", .found.escape_debug())]
    Host {
        /// Its path.
        field: String,
        /// What stands there.
        found: String,
    },
    /// A host name is too long to compare with.
    #[error("`{field}` cannot be used")]
    LongHost {
        /// Its path.
        field: String,
        /// Why not.
        #[source]
        cause: InvalidExpression,
    },
}
