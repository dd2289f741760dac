//! The *registry name* of an image: `Name()` of go-containerregistry's `name.ParseReference`, what
//! policy-controller matches its globs against.
//!
//! It is a weak reading: what no registry would serve has a name too (`ghcr.io//a`, `https://a`). It
//! says what a policy is asked about, never where an image is; that is a [`Reference`](super::Reference).

use std::ops::RangeInclusive;

/// Completes a text: Docker Hub by its old name, `library/`, `latest`, and the digest instead of a tag.
pub fn registry_name(text: &str) -> Result<String, InvalidName> {
    let parts: Vec<_> = text.split('@').collect();
    match parts.as_slice() {
        [name] => {
            let (base, tag) = split_tag(name)?;
            Ok(format!("{}:{}", repository(base)?, tag.unwrap_or("latest")))
        }
        [name, digest] if is_digest(digest) => {
            let (base, _) = split_tag(name)?;
            Ok(format!("{}@{digest}", repository(base)?))
        }
        _ => Err(InvalidName::Digest),
    }
}

/// Splits at the last colon, unless it is a registry's port. An empty tag is none.
fn split_tag(text: &str) -> Result<(&str, Option<&str>), InvalidName> {
    let is_tag = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    match text.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')) {
        None => Ok((text, None)),
        Some((base, "")) => Ok((base, None)),
        Some((base, tag)) if consists_of(tag, 1..=127, is_tag) => Ok((base, Some(tag))),
        Some(_) => Err(InvalidName::Tag),
    }
}

fn repository(text: &str) -> Result<String, InvalidName> {
    let (registry, path) = match text.split_once('/') {
        Some((first, rest)) if first == "localhost" || first.contains(['.', ':']) => (first, rest),
        _ => ("", text),
    };
    if !is_authority(registry) {
        return Err(InvalidName::Registry);
    }
    let registry = match registry {
        "" | "docker.io" => "index.docker.io",
        other => other,
    };
    let is_official = registry == "index.docker.io" && !path.contains('/') && !path.is_empty();
    let path = if is_official { format!("library/{path}") } else { path.to_owned() };
    let is_path = |c: char| {
        c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-' | '.' | '/')
    };
    if consists_of(&path, 1..=255, is_path) {
        Ok(format!("{registry}/{path}"))
    } else {
        Err(InvalidName::Repository)
    }
}

/// The 71 characters of a SHA-256 digest, of which the place of the colon is not asked.
fn is_digest(text: &str) -> bool {
    consists_of(text, 71..=71, |c| matches!(c, 's' | 'h' | ':' | '0'..='9' | 'a'..='f'))
}

fn consists_of(text: &str, length: RangeInclusive<usize>, allowed: impl Fn(char) -> bool) -> bool {
    length.contains(&text.chars().count()) && text.chars().all(allowed)
}

/// What Go's `url.Parse` takes for a host and an optional port (RFC 3986, 3.2) and leaves as it is.
fn is_authority(text: &str) -> bool {
    let port = match text.strip_prefix('[') {
        Some(rest) => rest.rsplit_once(']').map(|(_, port)| port),
        None => Some(text.rfind(':').and_then(|colon| text.get(colon..)).unwrap_or_default()),
    };
    let is_port = |port: &str| {
        let digits = port.strip_prefix(':').unwrap_or(port);
        (port.is_empty() || port.starts_with(':')) && digits.chars().all(|c| c.is_ascii_digit())
    };
    text.chars().all(is_authority_character) && port.is_some_and(is_port)
}

fn is_authority_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || !c.is_ascii() || "-_.~!$&'()*+,;=:[]<>\"".contains(c)
}

/// Why a text names no image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// The registry is no authority of a URL.
    #[error("the registry is no host name with an optional port")]
    Registry,
    /// The repository holds other characters, or too many.
    #[error("the repository is not up to 255 lower-case letters, digits, `_`, `-`, `.` or `/`")]
    Repository,
    /// The tag holds other characters, or too many.
    #[error("the tag is not up to 127 letters, digits, `_`, `-` or `.`")]
    Tag,
    /// What follows `@` is no SHA-256 digest.
    #[error("what follows `@` is no SHA-256 digest")]
    Digest,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Beyond the vectors of `tests/policy_vectors`.
    #[test]
    fn what_a_policy_is_asked_about() {
        let digest = format!("sha256:{}", "0".repeat(64));
        let cases = [
            ("nginx:".to_owned(), Ok("index.docker.io/library/nginx:latest".to_owned())),
            ("a.io:80/b:c".into(), Ok("a.io:80/b:c".into())),
            (format!("a.io:80/b:c@{digest}"), Ok(format!("a.io:80/b@{digest}"))),
            (format!("a.io/b@{digest}@{digest}"), Err(InvalidName::Digest)),
            (format!("a.io/b@{}", digest.replace("sha", "md")), Err(InvalidName::Digest)),
            (format!("a.io/b:~@{digest}"), Err(InvalidName::Tag)),
            (format!("a:{}", "t".repeat(128)), Err(InvalidName::Tag)),
            (String::new(), Err(InvalidName::Repository)),
            ("a.io/".into(), Err(InvalidName::Repository)),
            ("a.io:x/b".into(), Err(InvalidName::Registry)),
            ("a.io?/b".into(), Err(InvalidName::Registry)),
            ("[::1/b".into(), Err(InvalidName::Registry)),
            ("u:p%41.io/b".into(), Err(InvalidName::Registry)),
        ];
        for (text, name) in cases {
            assert_eq!(registry_name(&text), name, "{text}");
        }
    }
}
