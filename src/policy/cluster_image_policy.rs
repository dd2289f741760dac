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

pub use error::Problem;

use document::Header;

use crate::limits::Limits;
use crate::policy::Policy;
use crate::policy::document::{Error, Place};

/// Reads the documents at `places`, in whatever files they stand, as policies.
pub(super) fn read(places: &[Place<'_>], limits: &Limits) -> Result<Vec<Policy>, Error> {
    let policy = |place: &Place<'_>| {
        check_header(place)?;
        lower::policy(place, limits)
    };
    places.iter().map(policy).collect()
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
