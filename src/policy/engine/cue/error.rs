//! A *flaw* of a policy's text, and a *failure* of a document before it.

use super::token::Position;
use crate::policy::engine::InvalidEngine;

/// What is wrong with the text of a policy, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Flaw {
    position: Position,
    what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    Syntax(String),
    Subset(String),
}

impl Flaw {
    /// It is no CUE.
    pub(super) fn syntax(position: Position, what: String) -> Self {
        Self { position, what: What::Syntax(what) }
    }

    /// It is CUE that is not evaluated here.
    pub(super) fn subset(position: Position, construct: impl Into<String>) -> Self {
        Self { position, what: What::Subset(construct.into()) }
    }
}

impl From<Flaw> for InvalidEngine {
    fn from(flaw: Flaw) -> Self {
        let Position { line, column } = flaw.position;
        match flaw.what {
            What::Syntax(what) => Self::Cue { line, column, what },
            What::Subset(construct) => Self::CueSubset { line, column, construct },
        }
    }
}

/// One thing of a document that the policy does not allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) path: String,
    pub(super) what: String,
}

/// The text of all failures, as CUE prints a list of errors: the first, and how many follow.
pub(super) fn summary(failures: &[Failure]) -> Option<String> {
    let (first, more) = failures.split_first()?;
    let first = match first.path.as_str() {
        "" => first.what.clone(),
        path => format!("{path}: {}", first.what),
    };
    Some(match more.len() {
        0 => first,
        more => format!("{first} (and {more} more errors)"),
    })
}

/// Why evaluation ended without an answer: it would not end, or not within the limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Endless(pub(super) String);
