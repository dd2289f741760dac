//! Why Kubernetes objects cannot be read or judged.

use crate::json;
use crate::oci::InvalidReference;

/// What is wrong with a file of objects, and where.
#[derive(Debug, PartialEq)]
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

impl Error {
    pub(super) fn whole(file: &str, problem: Problem) -> Self {
        Self { file: file.to_owned(), document: None, line: None, problem: Box::new(problem) }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "file `{}`", self.file.escape_debug())?;
        self.line.iter().try_for_each(|line| write!(f, ", line {line}"))?;
        self.document.iter().try_for_each(|number| write!(f, " (document {number})"))
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(self.problem.as_ref())
    }
}

/// What is wrong with a file of objects. Paths are JSON pointers from the document's root.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum Problem {
    /// It is larger than [`Limits`](crate::limits::Limits) allow.
    #[error("larger than {limit} bytes, too large for a file of Kubernetes objects")]
    TooLarge {
        /// The cap.
        limit: u64,
    },
    /// It is no UTF-8.
    #[error("no UTF-8 text; Kubernetes objects are YAML or JSON in UTF-8")]
    NotText,
    /// It has no document with content.
    #[error("empty; there is no object to judge")]
    Empty,
    /// It is no YAML that can be read one way only.
    #[error("{message}")]
    Yaml {
        /// The reader's words.
        message: String,
    },
    /// It begins as JSON and is none that can be read one way only.
    #[error("no JSON that can be read one way only")]
    Json {
        /// Why not.
        #[source]
        cause: json::Error,
    },
    /// It says one thing to a JSON reader and another to a YAML reader.
    #[error("a JSON reader and a YAML reader do not find the same in it")]
    TwoReadings,
    /// It is no map.
    #[error("`{path}` is no Kubernetes object, which is a map with `apiVersion` and `kind`")]
    NotAnObject {
        /// Where.
        path: String,
    },
    /// A field is absent or empty.
    #[error("`{path}` is missing or empty")]
    Missing {
        /// Where it should stand.
        path: String,
    },
    /// A field is something else than it must be.
    #[error("`{path}` is no {wanted}; a text that looks like something else needs quotes")]
    Wrong {
        /// Where.
        path: String,
        /// What it must be.
        wanted: &'static str,
    },
    /// A container has no image.
    #[error("`{path}` is missing or empty, so it cannot be known which image would run")]
    NoImage {
        /// Where it should stand.
        path: String,
    },
    /// An object says of itself something else than the request says of it.
    #[error("`{path}` is `{}`, the request is for `{}`", .found.escape_debug(), .wanted.escape_debug())]
    OtherKind {
        /// Where.
        path: String,
        /// What the object says.
        found: String,
        /// What the request says.
        wanted: String,
    },
    /// An admission review stands beside other documents.
    #[error("an admission review stands alone in its file, and is no item of a list")]
    ReviewNotAlone,
    /// The admission review is of a version that sealift does not know.
    #[error("`apiVersion` is `{}`; reviews are read of admission.k8s.io/v1 and v1beta1", .found.escape_debug())]
    ReviewVersion {
        /// What was found.
        found: String,
    },
    /// The image of a plan cannot be completed.
    #[error("`{path}` is `{}`, which cannot be completed with the version of the plan", .image.escape_debug())]
    PlanImage {
        /// Where.
        path: String,
        /// The image as it is written.
        image: String,
        /// Why not.
        #[source]
        cause: InvalidReference,
    },
    /// The image of a plan has no tag, and the plan no version.
    #[error(
        "`{path}` is `{}` without a tag, and the plan has no `spec.version` to complete it with; \
         what its channel names cannot be asked offline: set one of the two",
        .image.escape_debug()
    )]
    PlanVersion {
        /// Where.
        path: String,
        /// The image as it is written.
        image: String,
    },
}

impl Problem {
    /// The same with its path, counted from an object, counted from the document.
    pub(super) fn below(mut self, pointer: &str) -> Self {
        match &mut self {
            Self::NotAnObject { path }
            | Self::Missing { path }
            | Self::Wrong { path, .. }
            | Self::NoImage { path }
            | Self::OtherKind { path, .. }
            | Self::PlanImage { path, .. }
            | Self::PlanVersion { path, .. } => path.insert_str(0, pointer),
            Self::TooLarge { .. }
            | Self::NotText
            | Self::Empty
            | Self::Yaml { .. }
            | Self::Json { .. }
            | Self::TwoReadings
            | Self::ReviewNotAlone
            | Self::ReviewVersion { .. } => {}
        }
        self
    }
}
