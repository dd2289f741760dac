//! Transparency logs: what they promise, what they prove, and what their entries say.
//!
//! A log speaks in three ways of an entry: a *promise* ([`promise`], the signed entry timestamp of
//! Rekor v1) to include it, an *inclusion proof* ([`merkle`]) up to a tree's root, and a
//! *checkpoint* ([`checkpoint`], a signed [`note`]) that vouches for the root. What the entry says
//! is in its [`body`](entry).

pub mod checkpoint;
pub mod entry;
mod log;
pub mod merkle;
pub mod note;
pub mod promise;

pub use entry::{Entry, InclusionProof};
pub use log::Log;
