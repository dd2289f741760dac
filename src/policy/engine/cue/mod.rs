//! A subset of *CUE*: the language that most attestation policies are written in.
//!
//! There is no other implementation of CUE than its own, in Go. What policies in the field say is
//! little of it, and that little is evaluated here: the text is read ([`parser`]), names are
//! resolved ([`names`]), and the policy is unified with the document ([`unify`]). Everything else of
//! the language is refused by name, with line and column.

mod builtin;
mod error;
mod evaluate;
mod names;
mod parser;
mod syntax;
#[cfg(test)]
mod tests;
mod token;
mod unify;
mod value;
mod vertex;

use std::sync::Arc;

use error::{Endless, summary};
use syntax::Struct;

use super::document::Document;
use super::{InvalidEngine, Outcome};
use crate::limits::Limits;

/// A CUE policy, compiled.
#[derive(Clone, Debug)]
pub(super) struct Policy {
    root: Arc<Struct>,
    limits: Limits,
}

impl Policy {
    pub(super) fn compile(text: &str, limits: &Limits) -> Result<Self, InvalidEngine> {
        let mut file = parser::parse(text, limits)?;
        names::resolve(&mut file, limits)?;
        // Without a document: that finds what never ends. What conflicts may not, once a guard or a
        // length knows the document, so failures are none yet.
        unify::unify(&file.root, None, limits)
            .map_err(|Endless(what)| InvalidEngine::CueEndless { what })?;
        Ok(Self { root: Arc::new(file.root), limits: *limits })
    }

    pub(super) fn evaluate(&self, document: &Document) -> Outcome {
        let why = match unify::unify(&self.root, Some(&document.root), &self.limits) {
            Ok(failures) => summary(&failures),
            Err(Endless(what)) => Some(what),
        };
        why.map_or(Outcome::Compliant, |why| {
            Outcome::Refused(format!("failed to evaluate the policy with error: {why}"))
        })
    }
}
