//! *Verified*: the proof that every step of verification held.

use super::Facts;

/// Facts that every step of verification proved. [`Verifier::verify`](super::Verifier::verify) is
/// the only origin:
///
/// ```compile_fail
/// # fn forge(facts: sealift::verify::Facts) -> sealift::verify::Verified {
/// sealift::verify::Verified { facts }
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use = "evidence that verified is what admits an image"]
pub struct Verified {
    facts: Facts,
}

impl Verified {
    pub(super) fn new(facts: Facts) -> Self {
        Self { facts }
    }

    /// The facts.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }
}
