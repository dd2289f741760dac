//! What Go's libraries refuse in the texts of a policy, and how they say it.

use std::error::Error as _;

use crate::policy::InvalidExpression;

/// A text as `%q` writes it.
pub(super) fn quoted(text: &str) -> String {
    format!("{text:?}")
}

/// Whether `filepath.Match` takes the pattern: brackets are closed ranges, and nothing ends in `\`.
pub(super) fn is_file_pattern(pattern: &str) -> bool {
    let mut rest = pattern.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '\\' if rest.next().is_none() => return false,
            '[' if !is_class(&mut rest) => return false,
            _ => {}
        }
    }
    true
}

/// Reads a class after its bracket: `[^]` one or more ranges, and a closing bracket.
fn is_class(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> bool {
    rest.next_if_eq(&'^');
    let mut is_empty = true;
    while is_empty || rest.next_if_eq(&']').is_none() {
        is_empty = false;
        if !is_end_of_range(rest) || (rest.next_if_eq(&'-').is_some() && !is_end_of_range(rest)) {
            return false;
        }
    }
    true
}

fn is_end_of_range(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> bool {
    let is_character = match rest.next() {
        None | Some('-' | ']') => false,
        Some('\\') => rest.next().is_some(),
        Some(_) => true,
    };
    is_character && rest.peek().is_some()
}

/// How Go's `regexp` refuses an expression; in our own words where it would say something else.
pub(super) fn expression_error(text: &str, why: &InvalidExpression) -> String {
    let why = why.source().map(ToString::to_string).unwrap_or_default();
    if why.contains("repetition operator missing expression") {
        // The expression stands in the second line of what is told, a mark below what is wrong.
        let mark = why.lines().nth(2).and_then(|mark| mark.find('^'));
        let operator = mark.and_then(|mark| why.lines().nth(1)?.get(mark..)?.chars().next());
        return format!("missing argument to repetition operator: `{}`", operator.unwrap_or('*'));
    }
    if why.contains("unclosed group") {
        return format!("missing closing ): `{text}`");
    }
    if why.contains("unopened group") {
        return format!("unexpected ): `{text}`");
    }
    let around = ["(?=", "(?!", "(?<"].into_iter().find(|group| text.contains(group));
    if let Some(group) = around.filter(|_| why.contains("look-around")) {
        return format!("invalid or unsupported Perl syntax: `{group}`");
    }
    why.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

/// Whether `url.ParseRequestURI` takes the text: an absolute URI, or an absolute path.
pub(super) fn is_uri(text: &str) -> bool {
    let is_scheme = |scheme: &str| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    };
    let is_clean = !text.chars().any(|c| c.is_ascii_control() || c == ' ');
    let is_absolute = text.starts_with('/')
        || text.split_once(':').is_some_and(|(scheme, rest)| is_scheme(scheme) && !rest.is_empty());
    is_clean && is_absolute
}

/// Whether a URL has a host and the scheme `https`.
pub(super) fn is_https(url: &str) -> bool {
    let host = url.strip_prefix("https://").and_then(|rest| rest.split(['/', '?', '#']).next());
    host.is_some_and(|host| !host.is_empty())
}

const REPOSITORY: &str = "abcdefghijklmnopqrstuvwxyz0123456789_-./";

/// What go-containerregistry's strict reading refuses in a registry or a repository.
pub(super) fn repository_error(text: &str) -> Option<String> {
    match text.split_once('/') {
        Some((registry, repository)) if registry.contains(['.', ':']) => {
            if !(2..=255).contains(&repository.len()) {
                return Some(format!(
                    "repository must be between 2 and 255 characters in length: {repository}"
                ));
            }
            if repository.chars().any(|c| !REPOSITORY.contains(c)) {
                return Some(format!(
                    "repository can only contain the characters `{REPOSITORY}`: {repository}"
                ));
            }
            registry_error(registry)
        }
        _ => registry_error(text),
    }
}

fn registry_error(text: &str) -> Option<String> {
    let (host, port) = text.rsplit_once(':').unwrap_or((text, ""));
    let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~' | '%');
    let is_authority = host.chars().all(is_host) && port.chars().all(|c| c.is_ascii_digit());
    (!is_authority).then(|| format!("registries must be valid RFC 3986 URI authorities: {text}"))
}

const AWS: &str = "awskms://";
const AWS_FORM: &str =
    "kms key should be in the format awskms://[ENDPOINT]/[ID/ALIAS/ARN] (endpoint optional)";

/// What is wrong with the name of a key in a key management service.
pub(super) fn kms_error(text: &str) -> Option<String> {
    let providers = [AWS, "azurekms://", "hashivault://", "gcpkms://"];
    if !providers.iter().any(|provider| text.starts_with(provider)) {
        return Some(format!(
            "malformed KMS format, should be prefixed by any of the supported providers: [{}]",
            providers.join(" ")
        ));
    }
    text.strip_prefix(AWS).and_then(aws_error)
}

/// An endpoint, which may be empty, and a key by its ARN or that of an alias.
fn aws_error(text: &str) -> Option<String> {
    let Some((endpoint, key)) = text.split_once('/') else {
        return Some(
            "malformed AWS KMS format 'awskms://$ENDPOINT/$KEYID', should be conformant with KMS \
             standard documented here: \
             https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id"
                .to_owned(),
        );
    };
    if !is_aws_key(key) || endpoint.starts_with("arn") || endpoint.starts_with("alias") {
        return Some(AWS_FORM.to_owned());
    }
    let wrong = match endpoint.matches(':').count() {
        _ if endpoint.is_empty() => None,
        0 => Some("missing port in address"),
        1 => None,
        _ => Some("too many colons in address"),
    };
    if let Some(wrong) = wrong {
        return Some(format!("malformed endpoint: address {endpoint}: {wrong}"));
    }
    let first = key.split('/').next().unwrap_or_default();
    let is_arn = first.starts_with("arn:");
    (!is_arn).then(|| "failed to parse either key or alias arn: arn: invalid prefix".to_owned())
}

fn is_aws_key(text: &str) -> bool {
    let resource = match text.strip_prefix("arn:") {
        None => text,
        Some(arn) => {
            let parts: Vec<&str> = arn.splitn(5, ':').collect();
            let [partition, "kms", region, account, resource] = parts.as_slice() else {
                return false;
            };
            let is_region = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            let fits = matches!(*partition, "aws" | "aws-us-gov" | "aws-cn")
                && !region.is_empty()
                && region.chars().all(is_region)
                && account.len() == 12
                && account.chars().all(|c| c.is_ascii_digit());
            match resource.strip_prefix("key/") {
                _ if !fits => return false,
                Some(key) => return is_key_id(key),
                None => return resource.starts_with("alias/"),
            }
        }
    };
    resource.starts_with("alias/") || is_key_id(resource)
}

/// A UUID, with or without dashes; that of a multi-region key begins with `mrk-`.
fn is_key_id(text: &str) -> bool {
    let text = text.strip_prefix("mrk-").unwrap_or(text);
    let digits: String = text.chars().filter(|c| *c != '-').collect();
    digits.len() == 32 && digits.chars().all(|c| c.is_ascii_hexdigit())
}
