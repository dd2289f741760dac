//! Conversion of policies from one format into another, exact or not at all.
//!
//! What is written is loaded again and compared with what was read, rule by rule: only where both
//! decide alike over all facts and names is it handed out. So it is the model that is converted, not
//! the text, and a format that says more or less than the other is a [`Refusal`] that names where.

mod normal;
mod write;

use std::fmt;

use crate::limits::Limits;
use crate::policy::document::{self, Error};
use crate::policy::{Format, InvalidSet, Policy, PolicyFile, PolicySet};
use crate::time::UnixTime;
use normal::Set;

/// The formats there are to convert into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// sigstore policy-controller's.
    ClusterImagePolicy,
    /// Kubewarden's.
    VerificationConfig,
    /// containers/image's.
    ContainersPolicy,
}

impl Target {
    /// The model's name of it.
    pub fn format(self) -> Format {
        match self {
            Self::ClusterImagePolicy => Format::ClusterImagePolicy,
            Self::VerificationConfig => Format::VerificationConfig,
            Self::ContainersPolicy => Format::ContainersPolicy,
        }
    }
}

/// Writes the policies in another format, if that is exact. `now` is the time at which certificates
/// that a policy pins must hold.
pub fn convert(
    policies: &[Policy],
    target: Target,
    limits: &Limits,
    now: UnixTime,
) -> Result<String, Refusal> {
    let set = Set::of(policies);
    let text = write::write(policies, &set, target)?;
    let file = PolicyFile { name: "converted", bytes: text.as_bytes() };
    let loaded = document::parse(&[file], limits, now)
        .map_err(|cause| Refusal::at(policies, Why::Loads(Box::new(cause))))?;
    if let Err(cause) = PolicySet::new(loaded.clone()) {
        return Err(Refusal::at(policies, Why::Set(cause)));
    }
    match set.difference(&Set::of(&loaded)) {
        None => Ok(text),
        Some((place, why)) => {
            let policy = place.and_then(|place| policies.get(place));
            Err(Refusal::of(policy.or(policies.first()), why))
        }
    }
}

/// Why there is no exact equivalent.
#[derive(Debug)]
pub struct Refusal {
    /// The policy it fails at, and where that was read.
    pub policy: Option<(String, String)>,
    /// Why.
    pub why: Why,
}

impl Refusal {
    fn of(policy: Option<&Policy>, why: Why) -> Self {
        let policy = policy.map(|policy| (policy.id.clone(), policy.origin.to_string()));
        Self { policy, why }
    }

    fn at(policies: &[Policy], why: Why) -> Self {
        Self::of(policies.first(), why)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.policy {
            Some((id, origin)) => {
                write!(f, "policy `{}` ({origin}) has no exact equivalent", id.escape_debug())
            }
            None => f.write_str("there is no policy to convert"),
        }
    }
}

impl std::error::Error for Refusal {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.why)
    }
}

/// Where two formats part.
#[derive(Debug, thiserror::Error)]
pub enum Why {
    /// The images.
    #[error("{construct}: the target cannot say which images it covers so")]
    Images {
        /// How the policy says it.
        construct: String,
    },
    /// The mode.
    #[error("its mode is warn, and the target always enforces")]
    Warns,
    /// A part of the rule.
    #[error("`{part}`: {what}")]
    Part {
        /// What the policy calls it.
        part: String,
        /// What the target has no word for, or another meaning.
        what: &'static str,
    },
    /// How parts are combined.
    #[error("{construct}: the target cannot combine its parts so")]
    Shape {
        /// How the policy combines them.
        construct: String,
    },
    /// Something beside rule and images.
    #[error("{what}")]
    Beside {
        /// What.
        what: &'static str,
    },
    /// What was written makes no set of policies.
    #[error(transparent)]
    Set(#[from] InvalidSet),
    /// What was written does not load.
    #[error("what would be written is not accepted")]
    Loads(#[source] Box<Error>),
}

#[cfg(test)]
mod tests;
