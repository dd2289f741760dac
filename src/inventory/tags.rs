//! *Evidence tags*: names such as `sha256-<hex>.sig`, by which a registry without referrers finds
//! evidence, and the other names a descriptor of `index.json` can have.

use crate::digest::Digest;
use crate::inventory::Name;
use crate::oci::Descriptor;

/// A tag that speaks of another digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct EvidenceTag {
    /// The digest it speaks of.
    pub(super) subject: Digest,
    /// Whether the tag names evidence itself, or an index of referrers.
    pub(super) kind: TagKind,
    /// The tag, without a repository.
    pub(super) tag: String,
}

/// What an evidence tag names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TagKind {
    /// `.sig`, `.att`, `.sbom`: a manifest whose layers are evidence.
    Evidence,
    /// No suffix: the referrers fallback tag, an index of referrers.
    Fallback,
}

impl EvidenceTag {
    /// The evidence tag of a descriptor, with or without a repository before it.
    pub(super) fn of(descriptor: &Descriptor) -> Option<Self> {
        raw_names(descriptor).find_map(Self::parse)
    }

    /// `[ repository ":" ] algorithm "-" hex [ ".sig" / ".att" / ".sbom" ]`.
    fn parse(name: &str) -> Option<Self> {
        let tag = name.rsplit([':', '/']).next()?;
        let (digest, kind) = match tag.split_once('.') {
            Some((digest, "sig" | "att" | "sbom")) => (digest, TagKind::Evidence),
            Some(_) => return None,
            None => (tag, TagKind::Fallback),
        };
        let (algorithm, hex) = digest.split_once('-')?;
        let subject = format!("{algorithm}:{hex}").parse().ok()?;
        Some(Self { subject, kind, tag: tag.to_owned() })
    }
}

/// Whether a tag is one of evidence, cosign's or the referrers fallback, and names no image.
pub fn is_evidence_tag(tag: &str) -> bool {
    EvidenceTag::parse(tag).is_some_and(|parsed| parsed.tag == tag)
}

/// The texts an index names a descriptor by: `org.opencontainers.image.ref.name`, then
/// `io.containerd.image.name`.
pub(super) fn raw_names(descriptor: &Descriptor) -> impl Iterator<Item = &str> {
    descriptor.ref_name().into_iter().chain(descriptor.annotation("io.containerd.image.name"))
}

/// The names of a root: the full reference of `io.containerd.image.name`, and `ref.name` where it
/// adds one.
pub(super) fn names(descriptor: &Descriptor) -> Names {
    let mut names = Names::default();
    if let Some(text) = descriptor.annotation("io.containerd.image.name") {
        names.add_reference(text);
    }
    let Some(text) = descriptor.ref_name() else { return names };
    match text.contains([':', '/', '@']) {
        // Beside a full name, hauler and containerd write the same one without its registry.
        true if names.known.is_empty() || has_registry(text) => names.add_reference(text),
        true => {}
        false if is_tag(text) => {
            let repeated = names.known.iter().any(|name| match name {
                Name::Reference(reference) => reference.tag() == Some(text),
                Name::Tag(_) => false,
            });
            if !repeated {
                names.known.push(Name::Tag(text.to_owned()));
            }
        }
        false => names.unreadable.push(text.to_owned()),
    }
    names
}

/// What an index calls a root.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Names {
    /// What is a name.
    pub(super) known: Vec<Name>,
    /// What stands in the place of a name and is none.
    pub(super) unreadable: Vec<String>,
}

impl Names {
    fn add_reference(&mut self, text: &str) {
        match text.parse().map(Name::Reference) {
            Ok(name) if self.known.contains(&name) => {}
            Ok(name) => self.known.push(name),
            Err(_) => self.unreadable.push(text.to_owned()),
        }
    }
}

fn has_registry(text: &str) -> bool {
    text.split_once('/').is_some_and(|(host, _)| host == "localhost" || host.contains(['.', ':']))
}

/// `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`, the distribution spec's.
fn is_tag(text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.len() <= 128
        && text.starts_with(word)
        && text.chars().all(|c| word(c) || matches!(c, '.' | '-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_tags() {
        let subject = Digest::sha256(b"");
        let hex = subject.hex();
        let long = Digest::of(crate::digest::Algorithm::Sha512, b"");
        let is =
            |subject, kind, tag: &str| Some(EvidenceTag { subject, kind, tag: tag.to_owned() });
        let sig = format!("sha256-{hex}.sig");
        let bare = format!("sha256-{hex}");
        let long_sig = format!("sha512-{}.sig", long.hex());
        let cases = [
            (sig.clone(), is(subject, TagKind::Evidence, &sig)),
            (format!("ghcr.io/x/y:{sig}"), is(subject, TagKind::Evidence, &sig)),
            (format!("localhost:5000/y:{sig}"), is(subject, TagKind::Evidence, &sig)),
            (bare.clone(), is(subject, TagKind::Fallback, &bare)),
            (format!("ghcr.io/x/y:{bare}"), is(subject, TagKind::Fallback, &bare)),
            (long_sig.clone(), is(long, TagKind::Evidence, &long_sig)),
            (format!("sha256-{hex}.sig.bak"), None),
            (format!("sha256-{hex}.SIG"), None),
            (format!("sha256-{hex}."), None),
            (format!("sha256-{}.sig", hex.to_uppercase()), None),
            (format!("sha256-{}.sig", &hex[1..]), None),
            (format!("sha256:{hex}.sig"), None),
            (format!("x@sha256:{hex}"), None),
            (format!("sha512-{hex}.sig"), None),
            ("v1".to_owned(), None),
            (String::new(), None),
        ];
        for (name, expected) in cases {
            let is_tag = !name.contains([':', '/']);
            assert_eq!(is_evidence_tag(&name), is_tag && expected.is_some(), "{name}");
            assert_eq!(EvidenceTag::parse(&name), expected, "{name}");
        }
    }
}
