//! *Platforms*: which children of an index are carried.
//!
//! What is left out changes no byte of the index, so its signature stays good, and the ledger says
//! what was left out.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::digest::Digest;
use crate::oci::{Descriptor, Platform};

/// Which children of an index are carried.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Platforms {
    /// All.
    #[default]
    All,
    /// Those that any of these means.
    Only(BTreeSet<WantedPlatform>),
}

impl Platforms {
    /// Those that any of the given means; all where none is given.
    pub fn of(wanted: impl IntoIterator<Item = WantedPlatform>) -> Self {
        let wanted: BTreeSet<_> = wanted.into_iter().collect();
        if wanted.is_empty() { Self::All } else { Self::Only(wanted) }
    }

    /// Those that either carries.
    #[must_use]
    pub(super) fn or(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Only(one), Self::Only(other)) => Self::Only(one.union(other).cloned().collect()),
            _ => Self::All,
        }
    }

    /// Whether these carry whatever the others do.
    pub(super) fn cover(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::All, _) => true,
            (Self::Only(_), Self::All) => false,
            (Self::Only(own), Self::Only(other)) => other.is_subset(own),
        }
    }

    /// The children of an index that are left out.
    ///
    /// What has no platform is carried: an index inside an index, which is asked in its turn. An
    /// attestation that buildkit put beside an image goes where its image goes.
    pub(super) fn leave_out(&self, children: &[Descriptor]) -> BTreeSet<Digest> {
        let Self::Only(wanted) = self else { return BTreeSet::new() };
        let is_wanted = |child: &&Descriptor| match &child.platform {
            Some(platform) if is_known(platform) => wanted.iter().any(|it| it.means(platform)),
            _ => true,
        };
        // A manifest that is listed under two platforms is carried for either.
        let carried: BTreeSet<_> =
            children.iter().filter(is_wanted).map(|child| child.digest).collect();
        let other = children.iter().map(|child| child.digest).filter(|it| !carried.contains(it));
        let mut left_out: BTreeSet<_> = other.collect();
        let attested = children.iter().filter_map(|child| Some((child.digest, attested(child)?)));
        let orphaned = attested.filter(|(_, of)| left_out.contains(of)).map(|(child, _)| child);
        let orphaned: Vec<_> = orphaned.collect();
        left_out.extend(orphaned);
        left_out
    }

    /// The wanted platforms that no child has.
    pub(super) fn lacking(&self, children: &[Descriptor]) -> Vec<WantedPlatform> {
        let Self::Only(wanted) = self else { return Vec::new() };
        let offered: Vec<_> = offered(children).collect();
        let is_lacking = |it: &&WantedPlatform| !offered.iter().any(|platform| it.means(platform));
        wanted.iter().filter(is_lacking).cloned().collect()
    }
}

/// `os/architecture[/variant]`, each separated by a comma.
impl fmt::Display for Platforms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Only(wanted) = self else { return f.write_str("all") };
        let wanted: Vec<_> = wanted.iter().map(ToString::to_string).collect();
        f.write_str(&wanted.join(", "))
    }
}

/// The platforms an index has images for.
pub(super) fn offered(children: &[Descriptor]) -> impl Iterator<Item = &Platform> {
    children.iter().filter_map(|child| child.platform.as_ref()).filter(|it| is_known(it))
}

/// buildkit's attestations are listed as `unknown/unknown`.
fn is_known(platform: &Platform) -> bool {
    !(platform.os == "unknown" && platform.architecture == "unknown")
}

/// The image that buildkit says an attestation in the same index is about.
fn attested(child: &Descriptor) -> Option<Digest> {
    let is_attestation =
        child.annotation("vnd.docker.reference.type") == Some("attestation-manifest");
    child.annotation("vnd.docker.reference.digest").filter(|_| is_attestation)?.parse().ok()
}

/// A platform as a user asks for it: `os/architecture[/variant]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WantedPlatform {
    os: String,
    architecture: String,
    variant: Option<String>,
}

impl WantedPlatform {
    /// Without a variant it means all of them. `arm64` is `arm64/v8`, as runtimes have it.
    fn means(&self, platform: &Platform) -> bool {
        let same = self.os == platform.os && self.architecture == platform.architecture;
        let baseline = if self.architecture == "arm64" { "v8" } else { "" };
        let variant = platform.variant.as_deref().unwrap_or(baseline);
        same && self.variant.as_deref().is_none_or(|wanted| wanted == variant)
    }
}

impl FromStr for WantedPlatform {
    type Err = InvalidPlatform;

    fn from_str(text: &str) -> Result<Self, InvalidPlatform> {
        let word = |text: &str| {
            let is_good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '.';
            (!text.is_empty() && text.chars().all(is_good)).then(|| text.to_owned())
        };
        let mut words = text.split('/').map(word);
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some(Some(os)), Some(Some(architecture)), variant, None) if variant != Some(None) => {
                Ok(Self { os, architecture, variant: variant.flatten() })
            }
            _ => Err(InvalidPlatform),
        }
    }
}

impl fmt::Display for WantedPlatform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant.iter().try_for_each(|variant| write!(f, "/{variant}"))
    }
}

/// A text that is no platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a platform is `os/architecture` or `os/architecture/variant`, such as `linux/arm64`")]
pub struct InvalidPlatform;

#[cfg(test)]
mod tests {
    use super::*;

    fn child(number: u8, platform: Option<&str>, attests: Option<u8>) -> Descriptor {
        let digest = |number: u8| Digest::sha256(&[number]);
        let mut value = serde_json::json!({
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": digest(number),
            "size": 1,
        });
        if let Some(platform) = platform {
            let words: Vec<_> = platform.split('/').collect();
            value["platform"] = serde_json::json!({ "os": words[0], "architecture": words[1] });
            if let Some(variant) = words.get(2) {
                value["platform"]["variant"] = serde_json::json!(variant);
            }
        }
        if let Some(attested) = attests {
            value["annotations"] = serde_json::json!({
                "vnd.docker.reference.type": "attestation-manifest",
                "vnd.docker.reference.digest": digest(attested),
            });
        }
        serde_json::from_value(value).unwrap()
    }

    fn platforms(wanted: &[&str]) -> Platforms {
        Platforms::of(wanted.iter().map(|text| text.parse().unwrap()))
    }

    #[test]
    fn what_is_left_out() {
        let children = [
            child(0, Some("linux/amd64"), None),
            child(1, Some("linux/arm64/v8"), None),
            child(2, Some("linux/arm/v6"), None),
            child(3, Some("linux/arm/v7"), None),
            child(4, Some("windows/amd64"), None),
            child(5, Some("unknown/unknown"), Some(0)),
            child(6, Some("unknown/unknown"), Some(3)),
            child(7, Some("unknown/unknown"), None),
            child(8, None, None),
        ];
        let cases: [(&[&str], &[usize], &[&str]); 8] = [
            (&[], &[], &[]),
            (&["linux/amd64"], &[1, 2, 3, 4, 6], &[]),
            (&["linux/arm64"], &[0, 2, 3, 4, 5, 6], &[]),
            (&["linux/arm64/v8"], &[0, 2, 3, 4, 5, 6], &[]),
            (&["linux/arm"], &[0, 1, 4, 5], &[]),
            (&["linux/arm/v7", "linux/amd64"], &[1, 2, 4], &[]),
            (&["linux/amd64/v3", "windows/amd64"], &[0, 1, 2, 3, 5, 6], &["linux/amd64/v3"]),
            (&["linux/arm64/v9"], &[0, 1, 2, 3, 4, 5, 6], &["linux/arm64/v9"]),
        ];
        for (wanted, left_out, lacking) in cases {
            let platforms = platforms(wanted);
            let expected: BTreeSet<_> = left_out.iter().map(|&at| children[at].digest).collect();
            assert_eq!(platforms.leave_out(&children), expected, "{wanted:?}");
            let found: Vec<_> =
                platforms.lacking(&children).iter().map(ToString::to_string).collect();
            assert_eq!(found, lacking, "{wanted:?}");
        }
    }

    #[test]
    fn arm64_is_its_first_variant() {
        let children = [child(0, Some("linux/arm64"), None)];
        assert!(platforms(&["linux/arm64/v8"]).lacking(&children).is_empty());
        assert_eq!(platforms(&["linux/arm64/v9"]).lacking(&children).len(), 1);
    }

    #[test]
    fn either_and_both() {
        let (one, two) = (platforms(&["linux/amd64"]), platforms(&["linux/arm64"]));
        let both = platforms(&["linux/amd64", "linux/arm64"]);
        assert_eq!(one.or(&two), both);
        assert_eq!(one.or(&Platforms::All), Platforms::All);
        assert_eq!(both.to_string(), "linux/amd64, linux/arm64");
        let covers = [
            (&both, &one, true),
            (&one, &both, false),
            (&Platforms::All, &both, true),
            (&both, &Platforms::All, false),
            (&one, &one, true),
        ];
        for (own, other, expected) in covers {
            assert_eq!(own.cover(other), expected, "{own} over {other}");
        }
    }

    #[test]
    fn what_is_no_platform() {
        for text in [
            "",
            "linux",
            "linux/",
            "/amd64",
            "linux/amd64/",
            "linux/amd64/v1/x",
            "Linux/amd64",
            "linux/amd 64",
        ] {
            assert_eq!(text.parse::<WantedPlatform>(), Err(InvalidPlatform), "{text}");
        }
        assert_eq!("linux/arm/v7".parse::<WantedPlatform>().unwrap().to_string(), "linux/arm/v7");
    }
}
