//! *`ClusterImagePolicy`*: the policy of sigstore's policy-controller, `policy.sigstore.dev/v1alpha1`
//! and `v1beta1`, with the documents it may name: `TrustRoot`, `Secret` and `ConfigMap`.
//!
//! In this order: the documents are read, each field of them; validated as policy-controller does, in
//! its words; and lowered to the model. A field that cannot be decided by is refused by name: a policy
//! of which a part is passed over in silence admits what its author refuses (CVE-2025-29778).
//! `keyless.url` and `ctlog.url` change no key, as in policy-controller: where no `TrustRoot` is named,
//! authorities and logs are those of the trusted root.

mod companions;
mod document;
mod error;
mod field_error;
mod go;
mod lower;
mod message;
mod result;
mod statement;
mod trust_root;
mod validate;

pub use error::Problem;
pub use result::{Asked, ConfigFile, ResultPolicy};
pub use validate::Setting;

pub(super) use message::message;
pub(super) use result::told_by;
pub(super) use statement::shown;

use companions::Companions;
use document::{Header, Object, Spec, line, present, text};
use error::{at_line, read as read_document};
use serde_saphyr::Spanned;
use trust_root::Surroundings;

use crate::digest::Digest;
use crate::limits::Limits;
use crate::policy::Policy;
use crate::policy::document::{Beside, Error, NOWHERE, Place};
use crate::time::UnixTime;
use crate::yaml;

/// The namespace of policy-controller, whose secrets alone it reads.
const SYSTEM_NAMESPACE: &str = "cosign-system";

/// A version of the format. Their fields are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    V1alpha1,
    V1beta1,
}

/// Reads the documents at `places`, in whatever files they stand. What one names may be another, or
/// stand `beside` them.
pub(super) fn read(
    places: &[Place<'_>],
    limits: &Limits,
    now: UnixTime,
    beside: Beside<'_>,
) -> Result<Vec<Policy>, Error> {
    let around = Surroundings { limits, now, beside };
    let mut companions = Companions::default();
    let mut policies = Vec::new();
    for place in places {
        let header: Header = read_document(place)?;
        if !companions.read(place, &header, &around)? {
            policies.push((place, version(place, &header)?, header));
        }
    }
    policies
        .into_iter()
        .map(|(place, version, header)| policy(place, version, &header, &companions, limits))
        .collect()
}

fn policy(
    place: &Place<'_>,
    version: Version,
    header: &Header,
    companions: &Companions,
    limits: &Limits,
) -> Result<Policy, Error> {
    let spec = spec(place)?;
    let name = header.metadata.as_ref().and_then(|metadata| present(&metadata.name));
    let Some(name) = name else {
        let field = "metadata.name".to_owned();
        return Err(place.error(header.kind.as_ref(), Problem::Missing { field }));
    };
    let findings = validate::validate(&spec.value, line(&spec), Setting::TESTER, limits);
    if let Some(text) = findings.errors.text() {
        let line = findings.errors.line().unwrap_or(1);
        return Err(at_line(place, line, Problem::Invalid { text }));
    }
    lower::policy(place, &name.value, version, &spec.value, companions, limits)
}

/// What policy-controller says of one document, in its words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Validation {
    /// Why it is refused.
    pub error: Option<String>,
    /// What it is accepted in spite of.
    pub warning: Option<String>,
}

/// Validates one `ClusterImagePolicy` as policy-controller does, and asks nothing else of it.
pub fn validate(text: &str, setting: Setting<'_>, limits: &Limits) -> Result<Validation, Error> {
    let digest = Digest::sha256(text.as_bytes());
    let documents = yaml::documents(text);
    let [document] = documents.as_slice() else {
        let problem = Box::new(crate::policy::document::Problem::Empty);
        return Err(Error { file: String::new(), document: None, line: None, problem });
    };
    let place = Place { file: "", digest, document: *document };
    version(&place, &read_document(&place)?)?;
    let spec = spec(&place)?;
    let findings = validate::validate(&spec.value, line(&spec), setting, limits);
    Ok(Validation { error: findings.errors.text(), warning: findings.warnings.text() })
}

fn spec(place: &Place<'_>) -> Result<Spanned<Spec>, Error> {
    let object: Object<Spanned<Spec>> = read_document(place)?;
    let missing = || place.error(NOWHERE, Problem::Missing { field: "spec".to_owned() });
    object.spec.ok_or_else(missing)
}

/// Says plainly what a document is that is no policy of this format, before its fields are looked at.
fn version(place: &Place<'_>, header: &Header) -> Result<Version, Error> {
    let found = |text: &document::Text| text.as_ref().map(|text| text.value.clone());
    if text(&header.kind) != "ClusterImagePolicy" {
        let problem = Problem::OtherKind { found: found(&header.kind) };
        return Err(place.error(header.kind.as_ref(), problem));
    }
    match text(&header.api_version) {
        "policy.sigstore.dev/v1alpha1" => Ok(Version::V1alpha1),
        "policy.sigstore.dev/v1beta1" => Ok(Version::V1beta1),
        _ => {
            let problem = Problem::OtherVersion { found: found(&header.api_version) };
            Err(place.error(header.api_version.as_ref(), problem))
        }
    }
}

#[cfg(test)]
mod tests;
