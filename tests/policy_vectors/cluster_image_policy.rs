//! `ClusterImagePolicy` as policy-controller decides.

use std::collections::BTreeMap;

use sealift::limits::Limits;
use sealift::policy::{Glob, IdentityMatcher, TextMatcher};
use sealift::verify::{Identity, SubjectAlternativeName};
use serde::Deserialize;

use crate::{Tally, cases};

#[derive(Deserialize)]
struct GlobCase {
    glob: String,
    image: String,
    #[serde(rename = "match")]
    matches: bool,
    error: Option<String>,
    regex: Option<String>,
}

#[test]
fn cluster_image_policy_globs() {
    let limits = Limits::default();
    let file = "cip-globs.json";
    let Some(cases) = cases::<GlobCase>(file) else { return };
    let mut tally = Tally::of(file);
    for case in &cases {
        let glob = Glob::parse(&case.glob, &limits);
        assert_eq!(
            glob.as_ref().ok().map(Glob::expression),
            case.regex.as_deref(),
            "expression of {:?}",
            case.glob
        );
        let answer = glob.map_or(Err(()), |glob| glob.matches(&case.image).map_err(|_| ()));
        let is_error = answer.is_err();
        let matches = answer.unwrap_or(false);
        let agrees = (is_error, matches) == (case.error.is_some(), case.matches);
        tally.note(&format!("{} {}", case.glob, case.image), agrees, said(matches));
    }
    tally.settle();
}

fn said(matches: bool) -> &'static str {
    if matches { "match" } else { "no match" }
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
    let file = "cip-identities.json";
    let Some(cases) = cases::<IdentityCase>(file) else { return };
    let mut tally = Tally::of(file);
    for case in &cases {
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
        tally.note(&case.why, answer == case.matches, said(answer));
    }
    tally.settle();
}
