//! Findings in a `policy.json` (POLICY D).

use super::{Lint, Node, Notes};
use crate::policy::containers_policy::can_be_hit;

pub(super) fn look(notes: &mut Notes<'_>, root: &Node) {
    list(notes, root.get("default"), "default");
    let scopes = root.at(&["transports", "docker"]).map(Node::fields).unwrap_or_default();
    for (scope, requirements) in scopes {
        if !can_be_hit(scope) {
            let what = format!("the scope is `{}`", scope.escape_debug());
            notes.add(requirements, Lint::DEAD_SCOPE, what);
        }
        list(notes, Some(requirements), &format!("docker:{scope}"));
    }
}

fn list(notes: &mut Notes<'_>, list: Option<&Node>, place: &str) {
    let requirements = list.map(Node::elements).unwrap_or_default();
    let kind = |node: &Node| node.get("type").and_then(Node::text).map(str::to_owned);
    if let Some(list) = list
        && !requirements.is_empty()
        && requirements
            .iter()
            .all(|requirement| kind(requirement).as_deref() == Some("insecureAcceptAnything"))
    {
        let what = format!("`{}` is `insecureAcceptAnything`", place.escape_debug());
        notes.add(list, Lint::ACCEPTS_UNSIGNED, what);
    }
    let signed = requirements
        .iter()
        .filter(|requirement| kind(requirement).as_deref() == Some("sigstoreSigned"));
    for requirement in signed {
        identity(notes, requirement);
        notes.literal(requirement.at(&["fulcio", "oidcIssuer"]), "oidcIssuer");
        for signer in ["fulcio", "pki"] {
            notes.literal(requirement.at(&[signer, "subjectEmail"]), "subjectEmail");
        }
        notes.literal(requirement.at(&["pki", "subjectHostname"]), "subjectHostname");
    }
}

/// Of the comparisons, only those of repositories are met by a reference without tag and digest.
fn identity(notes: &mut Notes<'_>, requirement: &Node) {
    let identity = requirement.get("signedIdentity");
    let kind = identity.and_then(|identity| identity.get("type")).and_then(Node::text);
    match (identity, kind) {
        (None, _) => {
            let what = "no `signedIdentity` is given, which is `matchRepoDigestOrExact`".to_owned();
            notes.add(requirement, Lint::IDENTITY_BY_TAG, what);
        }
        (
            Some(identity),
            Some(
                kind @ ("matchExact"
                | "matchRepoDigestOrExact"
                | "exactReference"
                | "remapIdentity"),
            ),
        ) => {
            notes.add(identity, Lint::IDENTITY_BY_TAG, format!("`signedIdentity` is `{kind}`"));
        }
        _ => {}
    }
}
