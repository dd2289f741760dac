//! *`policy.json`*: the policy of containers/image, which podman, skopeo, buildah and CRI-O read
//! (containers-policy.json(5)).
//!
//! Read are `insecureAcceptAnything`, `reject` and `sigstoreSigned` in all its forms; `signedBy` and
//! `signedBaseLayer` are read and refused by name. An image is judged by its name, as one of the
//! `docker` transport, and by the most specific [`Scope`] alone. All requirements of its list must
//! hold, each by some signature of the older kind, in a layer of a `.sig` manifest: no other is read
//! by containers/image.
//!
//! The files that a policy names are read by whoever calls [`parse`].

mod document;
mod error;
mod located;
mod lower;
mod message;
mod scope;

pub use error::Problem;
pub use scope::{Scope, ScopeTable, scopes_of};

pub(super) use message::message;
pub(super) use scope::can_be_hit;

use std::collections::BTreeMap;
use std::io;

use serde_json::{Map, Value};

use document::Document;
use error::Fault;
use lower::Lowering;

use crate::digest::Digest;
use crate::limits::Limits;
use crate::policy::document::{Error, Problem as FileProblem};
use crate::policy::{Policy, PolicyFile};

/// Reads the policies of a file, one for each list of requirements. `files` reads the files that it
/// names: a relative path is relative to where the program runs, not to the policy.
pub fn parse(
    file: PolicyFile<'_>,
    limits: &Limits,
    files: &dyn Fn(&str) -> io::Result<Vec<u8>>,
) -> Result<Vec<Policy>, Error> {
    let error = |line, problem| Error {
        file: file.name.to_owned(),
        document: None,
        line,
        problem: Box::new(problem),
    };
    if u64::try_from(file.bytes.len()).map_or(true, |size| size > limits.policy_bytes) {
        return Err(error(None, FileProblem::TooLarge { limit: limits.policy_bytes }));
    }
    read(file, limits, files).map_err(|Fault { line, problem }| error(line, problem.into()))
}

fn read(
    file: PolicyFile<'_>,
    limits: &Limits,
    files: &dyn Fn(&str) -> io::Result<Vec<u8>>,
) -> Result<Vec<Policy>, Fault> {
    let value = located::read(file.bytes, limits.json_depth)
        .map_err(|cause| Fault { line: Some(cause.line()), problem: Problem::Json(cause) })?;
    let document = Document::read(&value)?;
    let (file, digest) = (file.name, Digest::sha256(file.bytes));
    Lowering { file, digest, limits, files, trusts: BTreeMap::new() }.policies(&document)
}

/// Whether a file is JSON that says it is a `policy.json`; [`parse`] says whether it is one.
pub(super) fn is_meant(bytes: &[u8]) -> bool {
    let fields: Result<Map<String, Value>, _> = serde_json::from_slice(bytes);
    fields.is_ok_and(|fields| fields.contains_key("default") && !fields.contains_key("kind"))
}

#[cfg(test)]
mod tests;
