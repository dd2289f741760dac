//! Findings in a `ClusterImagePolicy` (POLICY C).

use super::expression::{is_anchored, matches_anything};
use super::{Lint, Node, Notes};

pub(super) fn look(notes: &mut Notes<'_>, root: &Node) {
    if root.get("kind").and_then(Node::text) != Some("ClusterImagePolicy") {
        return;
    }
    let of_v1beta1 =
        root.get("apiVersion").and_then(Node::text) == Some("policy.sigstore.dev/v1beta1");
    let Some(spec) = root.get("spec") else { return };
    for image in spec.get("images").map(Node::elements).unwrap_or_default() {
        glob(notes, image);
    }
    for authority in spec.get("authorities").map(Node::elements).unwrap_or_default() {
        notes.one_block(authority.at(&["key", "data"]), "key.data");
        if let Some(action) = authority.at(&["static", "action"])
            && action.text() == Some("pass")
        {
            notes.add(action, Lint::ACCEPTS_UNSIGNED, "the authority is `static: pass`".to_owned());
        }
        if let Some(log) = authority.get("ctlog")
            && of_v1beta1
            && log.get("url").and_then(Node::text).is_none_or(str::is_empty)
        {
            notes.add(log, Lint::LOST_LOG, "`ctlog` has no `url`".to_owned());
        }
        if let Some(certificate) = authority.at(&["keyless", "ca-cert"]) {
            notes.add(certificate, Lint::CA_CERT, "`keyless.ca-cert` is given".to_owned());
        }
        let identities = authority.at(&["keyless", "identities"]);
        for identity in identities.map(Node::elements).unwrap_or_default() {
            notes.literal(identity.get("issuer"), "issuer");
            notes.literal(identity.get("subject"), "subject");
            for field in ["issuerRegExp", "subjectRegExp"] {
                expression(notes, identity.get(field), field);
            }
        }
    }
}

fn expression(notes: &mut Notes<'_>, node: Option<&Node>, field: &str) {
    let Some((node, text)) = node.and_then(|node| Some((node, node.text()?))) else { return };
    let what = format!("`{field}` is `{}`", text.escape_debug());
    if matches_anything(text) {
        notes.add(node, Lint::MATCHES_ANYONE, what);
    } else if !text.is_empty() && !is_anchored(text) {
        notes.add(node, Lint::UNANCHORED_EXPRESSION, what);
    }
}

fn glob(notes: &mut Notes<'_>, image: &Node) {
    let Some((node, text)) = image.get("glob").and_then(|node| Some((node, node.text()?))) else {
        return;
    };
    let what = format!("the glob is `{}`", text.escape_debug());
    if text.starts_with("docker.io/") {
        notes.add(node, Lint::GLOB_OF_DOCKER_IO, what);
    } else if !matches_a_digest(text) {
        notes.add(node, Lint::GLOB_BY_TAG, what);
    }
}

/// Whether what follows the repository's path can be a digest. A star reaches over `@` and `:`.
fn matches_a_digest(glob: &str) -> bool {
    let last = glob.rsplit('/').next().unwrap_or_default();
    match (last.split_once('@'), last.split_once(':')) {
        (Some(_), _) => true,
        // A star before the tag would have to reach over `@sha256`, and the tag be the hex digits.
        (None, Some((name, tag))) => name.contains('*') && tag.contains('*'),
        (None, None) => last.contains('*'),
    }
}
