//! An *identity* as a policy demands it: who may have signed, by issuer and subject.

use regex::{Regex, RegexBuilder};

use crate::limits::Limits;
use crate::policy::url_prefix::is_in_github_repository;
use crate::verify::{Identity, SubjectAlternativeName};

/// Whom a certificate must name: issuer and subject of the same entry.
#[derive(Clone, Debug)]
pub struct IdentityMatcher {
    /// The OIDC issuer; an absent one is the empty string.
    pub issuer: TextMatcher,
    /// The subject alternative name.
    pub subject: TextMatcher,
    /// Which of the names may be the one.
    pub among: Names,
    /// The GitHub repository whose workflow signed.
    pub repository: Option<GithubRepository>,
}

/// Which of a certificate's subject alternative names a policy looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Names {
    /// Any of them, as cosign does.
    #[default]
    Any,
    /// The first e-mail address or URI, as Kubewarden does.
    FirstEmailOrUri,
    /// Any e-mail address, as containers/image does.
    Emails,
    /// Any host name.
    Hosts,
}

/// A repository of GitHub by its owner and, where it matters which, its name. It is compared with
/// what the certificate says of the workflow's repository (extension 1.3.6.1.4.1.57264.1.5), not
/// with the subject, which names the repository of a reusable workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GithubRepository {
    /// The user or organisation.
    pub owner: String,
    /// The repository below it.
    pub name: Option<String>,
}

impl IdentityMatcher {
    /// Whether `identity` is the one demanded.
    pub fn matches(&self, identity: &Identity) -> bool {
        self.issuer.matches(&identity.issuer)
            && self.among.of(identity).any(|name| self.subject.matches(name.text()))
            && self.repository.as_ref().is_none_or(|wanted| wanted.is_of(identity))
    }
}

impl Names {
    fn of(self, identity: &Identity) -> impl Iterator<Item = &SubjectAlternativeName> {
        let looked_at = move |name: &&SubjectAlternativeName| match (self, name) {
            (Self::Any, _) => true,
            (Self::FirstEmailOrUri, name) => {
                matches!(name, SubjectAlternativeName::Email(_) | SubjectAlternativeName::Uri(_))
            }
            (Self::Emails, name) => matches!(name, SubjectAlternativeName::Email(_)),
            (Self::Hosts, name) => matches!(name, SubjectAlternativeName::Dns(_)),
        };
        let count = if self == Self::FirstEmailOrUri { 1 } else { usize::MAX };
        identity.names.iter().filter(looked_at).take(count)
    }
}

/// The number of the extension that holds the workflow's repository.
const WORKFLOW_REPOSITORY: u32 = 5;

impl GithubRepository {
    fn is_of(&self, identity: &Identity) -> bool {
        // Only a workflow has such a subject, even where it is not the one of this repository.
        let mut names = Names::FirstEmailOrUri.of(identity);
        let is_workflow = matches!(names.next(), Some(SubjectAlternativeName::Uri(name))
            if is_in_github_repository(name));
        if !is_workflow {
            return false;
        }
        let found = identity.extensions.get(&WORKFLOW_REPOSITORY);
        let Some((owner, name)) = found.and_then(|text| text.split_once('/')) else {
            return false;
        };
        owner == self.owner && self.name.as_ref().is_none_or(|wanted| wanted == name)
    }
}

/// What a text must be.
#[derive(Clone, Debug)]
pub enum TextMatcher {
    /// Anything. Only for the issuer of a private authority, whose certificates name none.
    Any,
    /// Exactly this.
    Exact(String),
    /// Something that begins so.
    Prefix(String),
    /// Something that holds a match of this expression; it is not anchored, as Go's
    /// `regexp.MatchString` is not.
    ///
    /// Off-spec: classes such as `\d` and `\w` are Unicode's here and ASCII's in Go. On ASCII text
    /// they agree, so a text outside ASCII matches no expression.
    Expression(Regex),
}

impl TextMatcher {
    /// Compiles an expression, of at most the size that `limits` allow.
    pub fn expression(text: &str, limits: &Limits) -> Result<Self, InvalidExpression> {
        RegexBuilder::new(text)
            .size_limit(limits.regex_bytes)
            .build()
            .map(Self::Expression)
            .map_err(|cause| InvalidExpression { cause: Box::new(cause) })
    }

    /// Whether `text` is what is demanded.
    pub fn matches(&self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(wanted) => wanted == text,
            Self::Prefix(wanted) => text.starts_with(wanted),
            Self::Expression(expression) => text.is_ascii() && expression.is_match(text),
        }
    }

    /// How it reads in a report.
    pub fn describe(&self) -> String {
        match self {
            Self::Any => "anything".to_owned(),
            Self::Exact(text) => text.clone(),
            Self::Prefix(text) => format!("{text}*"),
            Self::Expression(expression) => format!("/{expression}/"),
        }
    }
}

/// A text is no regular expression that sealift can use.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the regular expression cannot be used")]
pub struct InvalidExpression {
    #[source]
    cause: Box<regex::Error>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expression(text: &str) -> TextMatcher {
        TextMatcher::expression(text, &Limits::default()).unwrap()
    }

    #[test]
    fn issuer_and_subject_hold_together() {
        let matcher = IdentityMatcher {
            among: Names::Any,
            repository: None,
            issuer: TextMatcher::Exact("https://issuer.example".into()),
            subject: TextMatcher::Exact("a@example.com".into()),
        };
        let identity = |issuer: &str, names: &[&str]| Identity {
            issuer: issuer.to_owned(),
            names: names.iter().map(|&n| SubjectAlternativeName::Email(n.to_owned())).collect(),
            ..Identity::default()
        };
        assert!(matcher.matches(&identity("https://issuer.example", &["b@c.d", "a@example.com"])));
        assert!(!matcher.matches(&identity("https://issuer.example/", &["a@example.com"])));
        assert!(!matcher.matches(&identity("https://issuer.example", &["A@example.com"])));
        assert!(!matcher.matches(&identity("https://issuer.example", &[])));
        assert!(!matcher.matches(&identity("", &["a@example.com"])));
    }

    /// HOSTILE.md case 108.
    #[test]
    fn expressions_are_unanchored_linear_and_bounded() {
        assert!(expression("github.com/team").matches("https://github.com/team/app"));
        assert!(!expression("^github.com/team").matches("https://github.com/team/app"));
        assert!(!expression("(a+)+$").matches(&format!("{}b", "a".repeat(1 << 20))));
        assert!(!expression(r"^\w+$").matches("stra\u{df}e"));
        for text in ["a{1000000}", "(?=x)", r"(a)\1", "****", "("] {
            assert!(TextMatcher::expression(text, &Limits::default()).is_err(), "{text}");
        }
    }
}
