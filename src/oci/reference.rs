//! A *reference*: `[host[:port]/]path[:tag][@digest]`, where an image is to be found
//! ([distribution spec](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests),
//! short names as `docker pull` expands them).
//!
//! A [`Named`] is one as it was written, for the readers to whom a tag left out is not `latest`. How
//! go-containerregistry reads the same text is [`super::registry_name`].

use std::fmt;
use std::str::FromStr;

use crate::digest::Digest;

/// A reference with every part that short names leave out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

impl Reference {
    /// The registry's host and port, `docker.io` for short names.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The path below the registry.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// `registry/repository`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }

    /// The tag; `latest` where neither tag nor digest was written.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest. Where one stands it decides, whatever the tag says.
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// The same repository by another tag.
    pub fn with_tag(&self, tag: &str) -> Result<Self, InvalidReference> {
        check_tag(tag)?;
        Ok(Self { tag: Some(tag.to_owned()), digest: None, ..self.clone() })
    }

    /// The same repository by digest alone.
    #[must_use]
    pub fn with_digest(&self, digest: Digest) -> Self {
        Self { tag: None, digest: Some(digest), ..self.clone() }
    }

    /// The same tag and digest in another repository.
    pub fn at(&self, registry: &str, repository: &str) -> Result<Self, InvalidReference> {
        check_registry(registry)?;
        check_repository(repository)?;
        let (registry, repository) = (registry.to_owned(), repository.to_owned());
        Ok(Self { registry, repository, ..self.clone() })
    }
}

impl From<Named> for Reference {
    fn from(named: Named) -> Self {
        let tag = named.tag.or_else(|| named.digest.is_none().then(|| "latest".to_owned()));
        let Named { registry, repository, digest, .. } = named;
        Self { registry, repository, tag, digest }
    }
}

impl FromStr for Reference {
    type Err = InvalidReference;

    fn from_str(text: &str) -> Result<Self, InvalidReference> {
        text.parse::<Named>().map(Self::from)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        self.tag.iter().try_for_each(|tag| write!(f, ":{tag}"))?;
        self.digest.iter().try_for_each(|digest| write!(f, "@{digest}"))
    }
}

/// A reference whose registry and path are complete and whose tag is as it was written: what
/// `ParseNormalizedNamed` of `distribution/reference` makes of a text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Named {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

impl Named {
    /// The registry's host and port, `docker.io` for short names.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The path below the registry.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag that was written.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest that was written.
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// Whether neither tag nor digest was written.
    pub fn is_name_only(&self) -> bool {
        self.tag.is_none() && self.digest.is_none()
    }

    /// The same with a tag.
    pub fn with_tag(&self, tag: &str) -> Result<Self, InvalidReference> {
        check_tag(tag)?;
        Ok(Self { tag: Some(tag.to_owned()), ..self.clone() })
    }

    /// The form people write: without Docker Hub's name and `library/`.
    pub fn familiar(&self) -> String {
        let name = if self.registry == "docker.io" {
            match self.repository.strip_prefix("library/") {
                Some(official) if !official.contains('/') => official.to_owned(),
                _ => self.repository.clone(),
            }
        } else {
            format!("{}/{}", self.registry, self.repository)
        };
        format!("{name}{}", Identifiers(self))
    }
}

impl FromStr for Named {
    type Err = InvalidReference;

    fn from_str(text: &str) -> Result<Self, InvalidReference> {
        if text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(InvalidReference::Identifier);
        }
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => {
                (rest, Some(digest.parse().map_err(|cause| InvalidReference::Digest { cause })?))
            }
            None => (text, None),
        };
        let (registry, rest) = match rest.split_once('/') {
            Some((host, rest)) if is_host(host) => (host, rest),
            _ => ("docker.io", rest),
        };
        let registry = if registry == "index.docker.io" { "docker.io" } else { registry };
        let (path, tag) = match rest.split_once(':') {
            Some((path, tag)) => (path, Some(tag)),
            None => (rest, None),
        };
        let repository = if registry == "docker.io" && !path.contains('/') {
            format!("library/{path}")
        } else {
            path.to_owned()
        };
        check_registry(registry)?;
        check_repository(&repository)?;
        tag.map(check_tag).transpose()?;
        Ok(Self { registry: registry.to_owned(), repository, tag: tag.map(str::to_owned), digest })
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}{}", self.registry, self.repository, Identifiers(self))
    }
}

/// `[:tag][@digest]`.
struct Identifiers<'a>(&'a Named);

impl fmt::Display for Identifiers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.tag.iter().try_for_each(|tag| write!(f, ":{tag}"))?;
        self.0.digest.iter().try_for_each(|digest| write!(f, "@{digest}"))
    }
}

/// A first component is a host when it could not be a Docker Hub user.
fn is_host(component: &str) -> bool {
    component.contains(['.', ':'])
        || component == "localhost"
        || component.chars().any(|c| c.is_ascii_uppercase())
}

fn check_registry(host: &str) -> Result<(), InvalidReference> {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !name.ends_with(']') || host.starts_with('[') => (name, Some(port)),
        _ => (host, None),
    };
    let bracketed = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    let name_is_good = match bracketed {
        Some(address) => {
            !address.is_empty() && address.chars().all(|c| c.is_ascii_hexdigit() || c == ':')
        }
        None => name.split('.').all(|label| {
            !label.is_empty()
                && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        }),
    };
    let port_is_good = port.is_none_or(|port| port.parse::<u16>().is_ok());
    if name_is_good && port_is_good && host.len() <= 255 {
        Ok(())
    } else {
        Err(InvalidReference::Registry)
    }
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*` between slashes.
fn check_repository(path: &str) -> Result<(), InvalidReference> {
    let good = path.len() <= 255 && path.split('/').all(is_path_component);
    if good { Ok(()) } else { Err(InvalidReference::Repository) }
}

fn is_path_component(component: &str) -> bool {
    let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let separators = component.split(alphanumeric).filter(|run| !run.is_empty());
    component.starts_with(alphanumeric)
        && component.ends_with(alphanumeric)
        && separators
            .into_iter()
            .all(|run| matches!(run, "." | "_" | "__") || run.chars().all(|c| c == '-'))
}

/// `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`.
fn check_tag(tag: &str) -> Result<(), InvalidReference> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let good = tag.len() <= 128
        && tag.starts_with(word)
        && tag.chars().all(|c| word(c) || matches!(c, '.' | '-'));
    if good { Ok(()) } else { Err(InvalidReference::Tag) }
}

/// Why a text is no reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidReference {
    /// It is 64 hexadecimal digits, which container runtimes read as the identifier of an image.
    #[error("64 hexadecimal digits are the identifier of an image, not its name")]
    Identifier,
    /// The registry is no host name with an optional port.
    #[error("the registry is no host name with an optional port")]
    Registry,
    /// The repository is no lower-case path.
    #[error("the repository is no lower-case path such as team/app")]
    Repository,
    /// The tag holds other characters than letters, digits, `.`, `_` and `-`, or too many.
    #[error("the tag is not up to 128 letters, digits, `.`, `_` or `-`")]
    Tag,
    /// What follows `@` is no digest.
    #[error("what follows `@` is no digest")]
    Digest {
        /// Why not.
        #[source]
        cause: crate::digest::Invalid,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_are_expanded() {
        let digest = Digest::sha256(b"");
        let cases = [
            ("busybox".to_owned(), "docker.io/library/busybox:latest".to_owned()),
            ("user/app:v1".to_owned(), "docker.io/user/app:v1".to_owned()),
            ("index.docker.io/busybox".to_owned(), "docker.io/library/busybox:latest".to_owned()),
            ("localhost/app".to_owned(), "localhost/app:latest".to_owned()),
            ("127.0.0.1:5000/a/b:1".to_owned(), "127.0.0.1:5000/a/b:1".to_owned()),
            ("[::1]:5000/a:1".to_owned(), "[::1]:5000/a:1".to_owned()),
            (format!("ghcr.io/x/y@{digest}"), format!("ghcr.io/x/y@{digest}")),
            (format!("ghcr.io/x/y:t@{digest}"), format!("ghcr.io/x/y:t@{digest}")),
        ];
        for (text, expanded) in cases {
            assert_eq!(text.parse::<Reference>().unwrap().to_string(), expanded, "{text}");
        }
    }

    #[test]
    fn a_name_keeps_what_was_left_out() {
        let digest = Digest::sha256(b"");
        let cases = [
            ("busybox".to_owned(), "docker.io/library/busybox".to_owned(), "busybox".to_owned()),
            ("docker.io/user/app:v1".into(), "docker.io/user/app:v1".into(), "user/app:v1".into()),
            ("library/a/b".into(), "docker.io/library/a/b".into(), "library/a/b".into()),
            ("ghcr.io/library/a".into(), "ghcr.io/library/a".into(), "ghcr.io/library/a".into()),
            (
                format!("index.docker.io/nginx:1@{digest}"),
                format!("docker.io/library/nginx:1@{digest}"),
                format!("nginx:1@{digest}"),
            ),
        ];
        for (text, full, familiar) in cases {
            let named: Named = text.parse().unwrap();
            assert_eq!((named.to_string(), named.familiar()), (full, familiar), "{text}");
        }
        let named: Named = "rancher/k3s-upgrade".parse().unwrap();
        assert!(named.is_name_only());
        let tagged = named.with_tag("v1.2.3-k3s1").unwrap();
        assert_eq!(tagged.familiar(), "rancher/k3s-upgrade:v1.2.3-k3s1");
        assert!(!tagged.is_name_only());
        assert_eq!(named.with_tag("v1+k3s1"), Err(InvalidReference::Tag));
    }

    #[test]
    fn what_is_no_reference() {
        use InvalidReference::{Identifier, Registry, Repository, Tag};
        let hex = "0123456789abcdef".repeat(4);
        let cases = [
            (hex.as_str(), Identifier),
            ("", Repository),
            ("ghcr.io/", Repository),
            ("ghcr.io/Up/case", Repository),
            ("ghcr.io/a//b", Repository),
            ("ghcr.io/../b", Repository),
            ("ghcr.io/a:", Tag),
            ("ghcr.io/a:-x", Tag),
            ("ghcr.io/a:b:c", Tag),
            ("ghcr.io:port/a", Registry),
            ("-x.io/a", Registry),
            (
                "user@evil.io/a",
                InvalidReference::Digest { cause: crate::digest::Invalid::NoAlgorithm },
            ),
            ("ghcr.io/a b", Repository),
        ];
        for (text, why) in cases {
            assert_eq!(text.parse::<Reference>(), Err(why), "{text}");
        }
    }
}
