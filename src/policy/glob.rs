//! A *glob*: the image pattern of a `ClusterImagePolicy`, `*` within a path component, `**` across.
//!
//! The translation into a regular expression is that of policy-controller's `pkg/apis/glob`, step
//! by step; it is no shell glob.

use regex::{Regex, RegexBuilder};

use crate::digest::Digest;
use crate::limits::Limits;
use crate::oci::{InvalidReference, Reference};

/// A pattern for the full names of images.
#[derive(Clone, Debug)]
pub struct Glob {
    text: String,
    /// What every name that matches begins with: most names are told apart by it.
    prefix: String,
    expression: Regex,
}

impl Glob {
    /// Reads a glob.
    pub fn parse(text: &str, limits: &Limits) -> Result<Self, InvalidGlob> {
        // 1. Two whole globs are short for Docker Hub.
        let expanded = match text {
            "*" => "index.docker.io/library/*",
            "*/*" => "index.docker.io/*/*",
            other => other,
        };
        // 2. Only the characters of references, and stars.
        if expanded.is_empty() || !expanded.chars().all(is_glob_character) {
            return Err(InvalidGlob::Character { glob: text.to_owned() });
        }
        // 3. Left to right, `**` before `*`. No other character of step 2 means anything to a regex.
        let pattern = expanded
            .replace('.', r"\.")
            .split("**")
            .map(|part| part.replace('*', "[^/]*"))
            .collect::<Vec<_>>()
            .join(".*");
        let expression = RegexBuilder::new(&format!("^{pattern}$"))
            .size_limit(limits.regex_bytes)
            .build()
            .map_err(|_| InvalidGlob::TooLarge { limit: limits.regex_bytes })?;
        let prefix = expanded.split('*').next().unwrap_or_default().to_owned();
        Ok(Self { text: text.to_owned(), prefix, expression })
    }

    /// The glob as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The regular expression it stands for.
    pub fn expression(&self) -> &str {
        self.expression.as_str()
    }

    /// Whether it is nothing but `**`: the one glob that covers an image without a name.
    pub fn covers_everything(&self) -> bool {
        self.text.len() > 1 && self.text.bytes().all(|byte| byte == b'*')
    }

    /// Whether it matches an image as policy-controller is given it: by the expanded name and, where
    /// the text is written otherwise, by the text itself.
    pub fn matches(&self, image: &str) -> Result<bool, InvalidReference> {
        let name = registry_name(&image.parse()?);
        Ok(self.is_match(&name) || self.is_match(image))
    }

    /// Whether it matches an image of an archive, by any way to write its full name: with the tag,
    /// as policy-tester is given it, or with the digest, as the admission webhook sees it.
    pub fn covers(&self, reference: &Reference, digest: &Digest) -> bool {
        self.covers_any(&full_names(reference, digest))
    }

    /// The same of names that were put together once for many globs.
    pub(super) fn covers_any(&self, names: &[String]) -> bool {
        names.iter().any(|name| self.is_match(name))
    }

    fn is_match(&self, name: &str) -> bool {
        name.starts_with(&self.prefix) && self.expression.is_match(name)
    }
}

/// Every way to write the full name of an image, each once.
pub(super) fn full_names(reference: &Reference, digest: &Digest) -> Vec<String> {
    let by_digest = reference.with_digest(*digest);
    let mut names: Vec<String> = [reference, &by_digest]
        .into_iter()
        .flat_map(|reference| [registry_name(reference), reference.to_string()])
        .collect();
    names.dedup();
    names
}

/// The `Name()` of go-containerregistry: Docker Hub by its old name, the digest instead of the tag.
fn registry_name(reference: &Reference) -> String {
    let registry = match reference.registry() {
        "docker.io" => "index.docker.io",
        other => other,
    };
    let repository = reference.repository();
    match (reference.digest(), reference.tag()) {
        (Some(digest), _) => format!("{registry}/{repository}@{digest}"),
        (None, tag) => format!("{registry}/{repository}:{}", tag.unwrap_or("latest")),
    }
}

/// `[a-zA-Z0-9-_:/*.@]`.
fn is_glob_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':' | '/' | '*' | '.' | '@')
}

/// Why a text is no glob.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidGlob {
    /// It is empty or holds a character that no reference has.
    #[error("invalid glob `{}`: only letters, digits and - _ : / . @ * can stand in it", .glob.escape_debug())]
    Character {
        /// The text.
        glob: String,
    },
    /// Its expression is larger than [`Limits`] allows.
    #[error("the glob compiles to more than {limit} bytes")]
    TooLarge {
        /// The cap.
        limit: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glob(text: &str) -> Glob {
        Glob::parse(text, &Limits::default()).unwrap()
    }

    #[test]
    fn stars_are_read_left_to_right() {
        let cases = [
            ("*", r"^index\.docker\.io/library/[^/]*$"),
            ("*/*", r"^index\.docker\.io/[^/]*/[^/]*$"),
            ("*/*/*", "^[^/]*/[^/]*/[^/]*$"),
            ("ghcr.io/***", r"^ghcr\.io/.*[^/]*$"),
        ];
        for (text, expression) in cases {
            assert_eq!(glob(text).expression(), expression, "{text}");
        }
    }

    #[test]
    fn an_image_is_matched_by_tag_and_by_digest() {
        let reference: Reference = "ghcr.io/team/app:v1".parse().unwrap();
        let digest = Digest::sha256(b"");
        for text in ["ghcr.io/team/app:v1", "ghcr.io/team/app@*", "ghcr.io/team/*", "**"] {
            assert!(glob(text).covers(&reference, &digest), "{text}");
        }
        for text in ["ghcr.io/team/app", "ghcr.io/*", "ghcr.io/team/app:v2", "*"] {
            assert!(!glob(text).covers(&reference, &digest), "{text}");
        }
        let hub: Reference = "nginx".parse().unwrap();
        for text in ["index.docker.io/library/nginx:*", "docker.io/library/nginx:*", "*"] {
            assert!(glob(text).covers(&hub, &digest), "{text}");
        }
    }

    #[test]
    fn only_stars_cover_everything() {
        assert!(glob("**").covers_everything());
        for text in ["*", "**/**", "*/*", "**a"] {
            assert!(!glob(text).covers_everything(), "{text}");
        }
    }

    /// HOSTILE.md case 109.
    #[test]
    fn what_is_no_glob() {
        for text in ["", "a b", "a+b", "a~b", "[", "\u{e4}", "a\nb"] {
            let refused = Glob::parse(text, &Limits::default()).unwrap_err();
            assert_eq!(refused, InvalidGlob::Character { glob: text.to_owned() });
        }
        let long = "*".repeat(200_001);
        let limit = Limits::default().regex_bytes;
        assert_eq!(
            Glob::parse(&long, &Limits::default()).unwrap_err(),
            InvalidGlob::TooLarge { limit }
        );
    }
}
