//! *Verified*: the proof that every step of verification held.

use crate::verify::Facts;

/// Facts that every step of verification proved. [`Verifier::verify`](super::Verifier::verify) is
/// the only origin.
#[derive(Clone, Debug, PartialEq)]
pub struct Verified {
    facts: Facts,
}

impl Verified {
    /// The facts.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }
}
