//! A *URL prefix* of Kubewarden: a URL in its one WHATWG spelling whose path ends in a slash, so
//! that `https://github.com/team` is no prefix of `https://github.com/team-of-others/app`.

use serde::Deserialize;
use url::Url;

/// A URL below which a subject must lie. The subject is compared as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct UrlPrefix(Url);

impl UrlPrefix {
    /// Reads a URL.
    pub fn parse(text: &str) -> Result<Self, InvalidUrl> {
        let invalid = |cause| InvalidUrl { text: text.to_owned(), cause };
        let mut url = Url::parse(text).map_err(invalid)?;
        if !url.path().ends_with('/') {
            let path = format!("{}/", url.path());
            url.set_path(&path);
        }
        Ok(Self(url))
    }

    /// Its one spelling.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl TryFrom<String> for UrlPrefix {
    type Error = InvalidUrl;

    fn try_from(text: String) -> Result<Self, InvalidUrl> {
        Self::parse(&text)
    }
}

/// A text is no URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{cause}: {text:?}")]
pub struct InvalidUrl {
    text: String,
    cause: url::ParseError,
}

/// Whether a text is the URL of something in a repository of GitHub.
pub(super) fn is_in_github_repository(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        let segments = url.path_segments().map(Iterator::count);
        url.host_str() == Some("github.com") && segments.is_some_and(|count| count >= 2)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// HOSTILE.md case 110.
    #[test]
    fn a_prefix_ends_in_a_slash_and_has_one_spelling() {
        let cases = [
            ("https://github.com/team", "https://github.com/team/"),
            ("https://github.com/team/", "https://github.com/team/"),
            ("HTTPS://GitHub.com:443/Team", "https://github.com/Team/"),
            ("https://github.com/a/../team/.", "https://github.com/team/"),
            ("https://github.com//team", "https://github.com//team/"),
            ("https://github.com/team?x=1", "https://github.com/team/?x=1"),
            ("https://user:word@github.com/team", "https://user:word@github.com/team/"),
            ("https://github.com:8443", "https://github.com:8443/"),
            ("https://github.com/te%61m", "https://github.com/te%61m/"),
        ];
        for (text, wanted) in cases {
            assert_eq!(
                UrlPrefix::parse(text).map(|url| url.as_str().to_owned()),
                Ok(wanted.into())
            );
        }
        let told = |text: &str| UrlPrefix::parse(text).map_err(|why| why.to_string());
        assert_eq!(told("team"), Err("relative URL without a base: \"team\"".to_owned()));
        assert_eq!(told("https://"), Err("empty host: \"https://\"".to_owned()));
    }

    #[test]
    fn a_repository_of_github_has_an_owner_and_a_name() {
        let cases = [
            ("https://github.com/team/app/.github/workflows/a.yml@refs/heads/main", true),
            ("https://github.com/team/app", true),
            ("https://github.com/team", false),
            ("https://github.com.evil.example/team/app", false),
            ("https://github.com@evil.example/team/app", false),
            ("a@github.com", false),
            ("github.com/team/app", false),
        ];
        for (text, wanted) in cases {
            assert_eq!(is_in_github_repository(text), wanted, "{text}");
        }
    }
}
