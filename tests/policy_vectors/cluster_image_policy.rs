//! `ClusterImagePolicy` as policy-controller decides.

use std::collections::BTreeMap;

use sealift::limits::Limits;
use sealift::policy::{Glob, IdentityMatcher, TextMatcher};
use sealift::verify::{Identity, SubjectAlternativeName};
use serde::Deserialize;

use crate::cases;

#[derive(Deserialize)]
struct GlobCase {
    glob: String,
    image: String,
    #[serde(rename = "match")]
    matches: bool,
    error: Option<String>,
    regex: Option<String>,
}

/// Cases decided otherwise: glob, image, what is answered here, why.
const GLOB_EXCEPTIONS: [(&str, &str, bool, &str); 1] = [(
    "ghcr.io/foo/**/baz:*",
    "ghcr.io/foo//baz",
    false,
    "an empty path component is no repository of the distribution spec and is refused",
)];

#[test]
fn cluster_image_policy_globs() {
    let limits = Limits::default();
    let mut exceptions: BTreeMap<_, _> = GLOB_EXCEPTIONS
        .iter()
        .map(|(glob, image, answer, why)| ((*glob, *image), (*answer, *why)))
        .collect();
    let Some(cases) = cases::<GlobCase>("cip-globs.json") else { return };
    for case in &cases {
        let glob = Glob::parse(&case.glob, &limits);
        assert_eq!(
            glob.as_ref().ok().map(Glob::expression),
            case.regex.as_deref(),
            "expression of {:?}",
            case.glob
        );
        let answer = glob.map_or(Err(()), |glob| glob.matches(&case.image).map_err(|_| ()));
        if let Some((wanted, why)) = exceptions.remove(&(case.glob.as_str(), case.image.as_str())) {
            assert_ne!(wanted, case.matches, "stale exception: {why}");
            assert_eq!(answer.unwrap_or(false), wanted, "{why}");
            continue;
        }
        assert_eq!(answer.is_err(), case.error.is_some(), "{:?} {:?}", case.glob, case.image);
        assert_eq!(answer.unwrap_or(false), case.matches, "{:?} {:?}", case.glob, case.image);
    }
    assert!(exceptions.is_empty(), "stale exceptions: {exceptions:?}");
    println!("{} globs decided as policy-controller does", cases.len());
}

#[derive(Deserialize)]
struct IdentityCase {
    identities: Vec<IdentityText>,
    issuer: String,
    sans: Vec<String>,
    #[serde(rename = "match")]
    matches: bool,
    why: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct IdentityText {
    issuer: Option<String>,
    #[serde(rename = "issuerRegExp")]
    issuer_expression: Option<String>,
    subject: Option<String>,
    #[serde(rename = "subjectRegExp")]
    subject_expression: Option<String>,
}

fn text(exact: Option<&String>, expression: Option<&String>) -> TextMatcher {
    match (exact, expression) {
        (_, Some(text)) => TextMatcher::expression(text, &Limits::default()).unwrap(),
        (Some(text), None) => TextMatcher::Exact(text.clone()),
        (None, None) => TextMatcher::Any,
    }
}

#[test]
fn cluster_image_policy_identities() {
    let Some(cases) = cases::<IdentityCase>("cip-identities.json") else { return };
    let mut without_identities = 0;
    for case in &cases {
        // A policy without identities is refused where it is read, so that it never matches.
        if case.identities.is_empty() {
            without_identities += 1;
            continue;
        }
        let found = Identity {
            names: case.sans.iter().cloned().map(SubjectAlternativeName::Uri).collect(),
            issuer: case.issuer.clone(),
            extensions: BTreeMap::new(),
        };
        let answer = case.identities.iter().any(|identity| {
            let issuer = text(identity.issuer.as_ref(), identity.issuer_expression.as_ref());
            let subject = text(identity.subject.as_ref(), identity.subject_expression.as_ref());
            IdentityMatcher::new(subject, Some(issuer)).matches(&found)
        });
        assert_eq!(answer, case.matches, "{}", case.why);
    }
    assert_eq!(without_identities, 1, "the exception for policies without identities is stale");
    println!("{} identities decided as cosign does", cases.len() - without_identities);
}
