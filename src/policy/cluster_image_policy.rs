//! *`ClusterImagePolicy`*: the policy of sigstore's policy-controller, `policy.sigstore.dev/v1alpha1`
//! and `v1beta1`, as files with one or several documents.
//!
//! Read are `images`, `mode` and authorities by `key.data`, `keyless.identities` and `static`. A
//! field of the format that is not is refused by name: a policy of which a part is passed over in
//! silence admits what its author refuses (CVE-2025-29778). `keyless.url` is read and decides nothing,
//! as in policy-controller: authorities are those of the trusted root. `ctlog` demands an entry of a
//! log of the trusted root, and may name no other log than the public one, which is its default.

mod document;
mod error;
mod lower;

pub use error::{Error, Problem};

use document::Header;
use error::Place;

use crate::digest::Digest;
use crate::limits::Limits;
use crate::policy::Policy;
use crate::yaml;

/// Reads the policies of a file; `name` is how the user calls it.
pub fn parse(bytes: &[u8], name: &str, limits: &Limits) -> Result<Vec<Policy>, Error> {
    let whole = |problem| {
        let problem = Box::new(problem);
        Error { file: name.to_owned(), document: None, line: None, problem }
    };
    if u64::try_from(bytes.len()).map_or(true, |size| size > limits.policy_bytes) {
        return Err(whole(Problem::TooLarge { limit: limits.policy_bytes }));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| whole(Problem::NotText))?;
    let documents = yaml::documents(text);
    if documents.is_empty() {
        return Err(whole(Problem::Empty));
    }
    let digest = Digest::sha256(bytes);
    documents
        .iter()
        .map(|document| {
            let place = Place { file: name, digest, document };
            check_header(&place)?;
            lower::policy(&place, limits)
        })
        .collect()
}

/// Says plainly what a file is that is no policy of this format, before its fields are looked at.
fn check_header(place: &Place<'_>) -> Result<(), Error> {
    let header: Header = place.read()?;
    let kind = header.kind.as_ref().map(|kind| kind.value.as_str());
    if kind != Some("ClusterImagePolicy") {
        let found = kind.map(str::to_owned);
        return Err(place.error(header.kind.as_ref(), Problem::OtherKind { found }));
    }
    let version = header.api_version.as_ref().map(|version| version.value.as_str());
    match version {
        Some("policy.sigstore.dev/v1alpha1" | "policy.sigstore.dev/v1beta1") => Ok(()),
        found => {
            let found = found.map(str::to_owned);
            Err(place.error(header.api_version.as_ref(), Problem::OtherVersion { found }))
        }
    }
}

#[cfg(test)]
mod tests;
