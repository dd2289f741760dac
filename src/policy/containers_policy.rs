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

pub use error::{Error, Problem};
pub use scope::{Scope, ScopeTable, scopes_of};

pub(super) use message::message;

use std::collections::BTreeMap;
use std::io;

use document::Document;
use error::Fault;
use lower::Lowering;

use crate::digest::Digest;
use crate::limits::Limits;
use crate::policy::Policy;

/// Reads the policies of a file, one for each list of requirements; `name` is how the user calls
/// the file. `files` reads the files that it names: a relative path is relative to where the program
/// runs, not to the policy.
pub fn parse(
    bytes: &[u8],
    name: &str,
    limits: &Limits,
    files: &dyn Fn(&str) -> io::Result<Vec<u8>>,
) -> Result<Vec<Policy>, Error> {
    read(bytes, name, limits, files).map_err(|Fault { line, problem }| Error {
        file: name.to_owned(),
        line,
        problem: Box::new(problem),
    })
}

fn read(
    bytes: &[u8],
    name: &str,
    limits: &Limits,
    files: &dyn Fn(&str) -> io::Result<Vec<u8>>,
) -> Result<Vec<Policy>, Fault> {
    if u64::try_from(bytes.len()).map_or(true, |size| size > limits.policy_bytes) {
        let problem = Problem::TooLarge { limit: limits.policy_bytes };
        return Err(Fault { line: None, problem });
    }
    let value = located::read(bytes, limits.json_depth)
        .map_err(|cause| Fault { line: Some(cause.line()), problem: Problem::Json(cause) })?;
    let document = Document::read(&value)?;
    let digest = Digest::sha256(bytes);
    Lowering { file: name, digest, limits, files, trusts: BTreeMap::new() }.policies(&document)
}

#[cfg(test)]
mod tests;
