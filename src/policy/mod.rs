//! Is it acceptable? A *policy* says whose evidence an image needs; rules are pure functions over
//! the facts that verification proved.
//!
//! Whatever form a policy has, it is lowered to the one model in [`PolicySet`]: the flags of the
//! command line ([`SignerFlags`]), [`cluster_image_policy`], [`kubewarden_settings`],
//! [`verification_config`] and [`containers_policy`] are front ends, [`document`] tells them apart,
//! and a further format is a further front end. [`PolicySet::judge`] is the one place that admits;
//! start reading there.
//!
//! Three rules hold for every format. An image that no policy covers is not admitted. Every policy
//! that covers any name of an image must hold, so that a second tag smuggles nothing past it. A
//! policy that could never refuse is an error where it is read.

#![forbid(clippy::disallowed_types, clippy::disallowed_methods)]

pub mod cluster_image_policy;
pub mod containers_policy;
pub mod convert;
pub mod document;
pub mod engine;
mod expectation;
mod flags;
mod glob;
mod identity;
mod judge;
pub mod kubewarden_settings;
pub mod lint;
mod model;
mod object_selector;
mod predicate_type;
mod requirement;
mod signed_identity;
#[cfg(test)]
mod specimen;
mod url_prefix;
pub mod verification_config;
mod wildcard;

pub use document::PolicyFile;
pub use expectation::{End, Expectation, InvalidTest, PolicyTest};
pub use flags::{SignerFlags, SignerKind};
pub use glob::{Glob, InvalidGlob};
pub use identity::{GithubRepository, IdentityMatcher, InvalidExpression, Names, TextMatcher};
pub use judge::{
    Absent, Admitted, AskingObject, Case, Denial, Fault, Part, Parts, Passed, PolicyFailure,
    Reason, Verdict,
};
pub use model::{
    Admission, Attested, Authority, Comparison, Demand, Format, Images, InvalidSet, Kind, Mode,
    Origin, Policy, PolicySet, Reads, Requirement, Rule, Signer,
};
pub use object_selector::{InvalidSelector, LabelSelector, ObjectFacts, ObjectSelector};
pub use predicate_type::predicate_type;
pub use requirement::{Approval, Ground, Mismatch, Shortfall, Why};
pub use signed_identity::{InvalidPrefix, Remapping, SignedIdentity};
pub use url_prefix::{InvalidUrl, UrlPrefix};
pub use wildcard::Wildcard;
