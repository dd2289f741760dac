//! Findings in settings of `verify-image-signatures` and in verification configs (POLICY A and B).

use super::{Lint, Node, Notes};
use crate::crypto::PublicKey;

/// The keys of the kinds of an entry, in the order in which Kubewarden tries them.
const KINDS: [&str; 5] = ["pubKeys", "keyless", "githubActions", "keylessPrefix", "certificates"];

pub(super) fn look_at_settings(notes: &mut Notes<'_>, root: &Node) {
    for (carrier, settings) in carried(root) {
        rewriting(notes, carrier, settings);
        for entry in settings.get("signatures").map(Node::elements).unwrap_or_default() {
            self::entry(notes, entry);
        }
    }
}

/// Settings and what carries them: the document itself, an object's `spec` or a member of it, or an
/// element of the policy server's list.
fn carried(root: &Node) -> Vec<(&Node, &Node)> {
    if root.get("signatures").is_some() {
        return vec![(root, root)];
    }
    let carriers: Vec<&Node> = match root.get("spec") {
        Some(spec) => vec![spec],
        None => root.fields().iter().map(|(_, node)| node).collect(),
    };
    let mut found = Vec::new();
    for carrier in carriers {
        found.extend(carrier.get("settings").map(|settings| (carrier, settings)));
        let members = carrier.get("policies").map(Node::fields).unwrap_or_default();
        let members = members.iter().filter_map(|(_, member)| member.get("settings"));
        found.extend(members.map(|settings| (carrier, settings)));
    }
    found
}

fn rewriting(notes: &mut Notes<'_>, carrier: &Node, settings: &Node) {
    let rewrites = settings.get("modifyImagesWithDigest").and_then(Node::truth) != Some(false);
    if !rewrites || settings.get("signatures").is_none() {
        return;
    }
    if carrier.get("policies").is_some() {
        let what = "in a group nothing may be changed, and the settings rewrite images".to_owned();
        return notes.add(settings, Lint::MAY_NOT_REWRITE, what);
    }
    let mutating = carrier.get("mutating").or(carrier.get("allowedToMutate"));
    if let Some(mutating) = mutating.filter(|mutating| mutating.truth() == Some(false)) {
        let what = "the policy may not change objects and its settings rewrite images".to_owned();
        notes.add(mutating, Lint::MAY_NOT_REWRITE, what);
    }
}

fn entry(notes: &mut Notes<'_>, entry: &Node) {
    if let Some((node, image)) = entry.get("image").and_then(|node| Some((node, node.text()?))) {
        let last = image.rsplit('/').next().unwrap_or_default();
        if !image.is_empty() && !last.contains(['*', '?', ':', '@']) && !image.contains(['*', '?'])
        {
            let what = format!("`image` is `{}`", image.escape_debug());
            notes.add(node, Lint::IMAGE_WITHOUT_WILDCARD, what);
        }
    }
    let kinds: Vec<_> = KINDS.into_iter().filter(|kind| entry.get(kind).is_some()).collect();
    if let [_, _, ..] = kinds.as_slice() {
        let what = format!("the entry has `{}`", kinds.join("`, `"));
        notes.add(entry, Lint::SEVERAL_KINDS, what);
    }
    for key in entry.get("pubKeys").map(Node::elements).unwrap_or_default() {
        self::key(notes, Some(key), "pubKeys");
    }
    if let Some(keyless) = entry.get("keyless").filter(|keyless| keyless.is_array()) {
        if keyless.elements().is_empty() {
            notes.add(keyless, Lint::EMPTY_DEMAND, "`keyless` is empty".to_owned());
        }
        for identity in keyless.elements() {
            notes.literal(identity.get("issuer"), "issuer");
            notes.literal(identity.get("subject"), "subject");
        }
    }
    owner(notes, entry.at(&["githubActions", "owner"]));
    for below in entry.get("keylessPrefix").map(Node::elements).unwrap_or_default() {
        notes.literal(below.get("issuer"), "issuer");
        if let Some(spelt) = below.get("urlPrefix") {
            let what = "`keylessPrefix` has `urlPrefix`".to_owned();
            notes.add(spelt, Lint::URL_PREFIX_SPELLING, what);
        }
        prefix(notes, below.get("url_prefix").or(below.get("urlPrefix")), "url_prefix");
    }
}

pub(super) fn look_at_config(notes: &mut Notes<'_>, root: &Node) {
    let (all_of, any_of) = (root.get("allOf"), root.get("anyOf"));
    if let Some(all_of) = all_of
        && all_of.elements().is_empty()
        && any_of.is_none()
    {
        notes.add(all_of, Lint::NOTHING_DEMANDED, "`allOf` is empty".to_owned());
    }
    let signatures = any_of.and_then(|any_of| any_of.get("signatures"));
    if let Some(any_of) = any_of {
        let listed = signatures.map(Node::elements).unwrap_or_default().len();
        let wanted = any_of.get("minimumMatches");
        let number = wanted.and_then(Node::number).unwrap_or(1);
        let at = wanted.unwrap_or(any_of);
        if number == 0 {
            notes.add(at, Lint::NOTHING_DEMANDED, "`minimumMatches` is 0".to_owned());
        } else if u64::try_from(listed).is_ok_and(|listed| number > listed) {
            let what = format!("`minimumMatches` is {number}, of {listed} signatures");
            notes.add(at, Lint::TOO_MANY_MATCHES, what);
        }
    }
    let lists = all_of.into_iter().chain(signatures).flat_map(Node::elements);
    for signature in lists {
        key(notes, signature.get("key"), "key");
        notes.literal(signature.get("issuer"), "issuer");
        notes.literal(signature.at(&["subject", "equal"]), "subject.equal");
        prefix(notes, signature.at(&["subject", "urlPrefix"]), "subject.urlPrefix");
        owner(notes, signature.get("owner").filter(|_| is_github(signature)));
    }
}

fn is_github(signature: &Node) -> bool {
    signature.get("kind").and_then(Node::text) == Some("githubAction")
}

fn owner(notes: &mut Notes<'_>, owner: Option<&Node>) {
    if let Some(node) = owner
        && node.text() == Some("")
    {
        notes.add(node, Lint::EMPTY_DEMAND, "`owner` is empty".to_owned());
    }
    notes.literal(owner, "owner");
}

fn key(notes: &mut Notes<'_>, key: Option<&Node>, field: &str) {
    let Some((node, text)) = key.and_then(|node| Some((node, node.text()?))) else { return };
    notes.one_block(Some(node), field);
    if PublicKey::from_pem(text).is_err() {
        notes.add(node, Lint::UNUSABLE_KEY, format!("`{field}` holds no key that can be used"));
    }
}

/// A prefix gets a slash behind its path; behind a file, a ref, a query or a fragment nothing goes
/// on.
fn prefix(notes: &mut Notes<'_>, prefix: Option<&Node>, field: &str) {
    let Some((node, text)) = prefix.and_then(|node| Some((node, node.text()?))) else { return };
    let last = text.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let is_file = [".yml", ".yaml"].iter().any(|ending| last.ends_with(ending));
    let is_ref = text.contains("@refs/");
    if text.contains(['?', '#', '*']) || is_file || is_ref {
        let what = format!("`{field}` is `{}`", text.escape_debug());
        notes.add(node, Lint::DEAD_PREFIX, what);
    }
}
