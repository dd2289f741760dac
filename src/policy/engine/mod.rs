//! A policy *engine*: a policy written in a policy language, deciding over one JSON document.
//!
//! An attestation policy decides over the whole in-toto statement, a policy on the result of a
//! `ClusterImagePolicy` over the signatures that passed. Either is a pure function: no clock, no
//! network, no environment. Start reading at [`Engine`]; `docs/engines.md` is the table of what the
//! two languages may say here.
//!
//! Whatever is not understood is refused where the policy is read, before any image is looked at.

mod cue;
mod document;
mod number;
mod rego;

pub use document::{Document, InvalidDocument};

use crate::limits::Limits;

/// A policy in a policy language, compiled.
#[derive(Clone, Debug)]
pub struct Engine {
    language: Language,
}

#[derive(Clone, Debug)]
enum Language {
    Cue(Box<cue::Policy>),
    Rego(Box<rego::Policy>),
}

impl Engine {
    /// Compiles a policy in the subset of CUE that `docs/engines.md` lists.
    pub fn cue(text: &str, limits: &Limits) -> Result<Self, InvalidEngine> {
        check_size(text, limits)?;
        let policy = cue::Policy::compile(text, limits)?;
        Ok(Self { language: Language::Cue(Box::new(policy)) })
    }

    /// Compiles a policy in Rego v0: a module `package sigstore` with a rule `isCompliant`.
    pub fn rego(text: &str, limits: &Limits) -> Result<Self, InvalidEngine> {
        check_size(text, limits)?;
        let policy = rego::Policy::compile(text, limits)?;
        Ok(Self { language: Language::Rego(Box::new(policy)) })
    }

    /// Decides over a document. What cannot be decided within the limits is refused.
    pub fn evaluate(&self, document: &Document) -> Outcome {
        match &self.language {
            Language::Cue(policy) => policy.evaluate(document),
            Language::Rego(policy) => policy.evaluate(document),
        }
    }
}

/// What a policy says of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Outcome {
    /// The document is what the policy demands.
    Compliant,
    /// It is, and the policy warns. policy-controller takes a warning for a failure.
    Warning(String),
    /// It is not, or the policy could not decide; in the words of cosign.
    Refused(String),
}

/// Why a text is no policy that sealift can evaluate, and where it says so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEngine {
    /// The text is larger than a policy may be.
    #[error("the policy has {found} bytes, more than {limit}")]
    TooLarge {
        /// The most that is read.
        limit: u64,
        /// What it has.
        found: usize,
    },
    /// The text is no CUE, or names what is not there.
    #[error("line {line}, column {column}: {what}")]
    Cue {
        /// From 1.
        line: usize,
        /// In characters, from 1.
        column: usize,
        /// What is wrong.
        what: String,
    },
    /// The text is CUE, but not of the subset that is evaluated here.
    #[error("line {line}, column {column}: CUE subset: {construct}")]
    CueSubset {
        /// From 1.
        line: usize,
        /// In characters, from 1.
        column: usize,
        /// What it uses and, where there is one, the way to say it.
        construct: String,
    },
    /// The policy refers to itself, or grows past what is evaluated, whatever the document.
    #[error("the CUE policy cannot be evaluated: {what}")]
    CueEndless {
        /// Where and why.
        what: String,
    },
    /// The module calls what no policy may ask here.
    #[error("line {line}: the Rego module calls `{function}`, {why}")]
    RegoCall {
        /// From 1.
        line: usize,
        /// The function.
        function: String,
        /// Why it is refused.
        why: &'static str,
    },
    /// The module is no Rego, or not the one that is asked for.
    #[error("the Rego module cannot be used: {what}")]
    Rego {
        /// What is wrong.
        what: String,
    },
}

fn check_size(text: &str, limits: &Limits) -> Result<(), InvalidEngine> {
    let found = text.len();
    let limit = limits.policy_bytes;
    match u64::try_from(found) {
        Ok(size) if size <= limit => Ok(()),
        _ => Err(InvalidEngine::TooLarge { limit, found }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_is_shared_between_threads() {
        fn shared<T: Send + Sync + Clone + 'static>() {}
        shared::<Engine>();
    }
}
