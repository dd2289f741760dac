//! What is told: the *report* of a judgement, one model and its renderings.
//!
//! [`Report`] is plain data, made by `engine::verify`; [`text`] is for people, [`json`] for
//! programs. Nothing in it depends on the form of the archive, on the number of threads or on the
//! order in which work was done, so that the same input gives the same bytes.

pub mod json;
mod model;
pub mod text;

pub use model::{
    Approval, Basis, Blobs, Child, Evidence, Finding, Ground, Image, Kind, Outcome, Passed,
    PolicyEntry, Presence, Proof, Rejected, Report, Scope, StrayEvidence, Trust, TrustedRoot,
    VERSION, Warning,
};
