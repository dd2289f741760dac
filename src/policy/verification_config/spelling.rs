//! How Kubewarden *spells* what it asks for where it says that it is not met: YAML, each field in
//! its line, a value that is absent as `null`.

use std::fmt::Write;

use super::{Annotations, AnyOf, Signature, Subject, VerificationConfig};

impl VerificationConfig {
    /// The whole config.
    pub fn spelled(&self) -> String {
        let mut text = String::new();
        match &self.all_of {
            None => text.push_str("allOf: null\n"),
            Some(signatures) => push_list(&mut text, "allOf:", signatures, ""),
        }
        match &self.any_of {
            None => text.push_str("anyOf: null\n"),
            Some(AnyOf { minimum_matches, signatures }) => {
                line(&mut text, "", &format!("anyOf:\n  minimumMatches: {minimum_matches}"));
                push_list(&mut text, "  signatures:", signatures, "  ");
            }
        }
        text
    }
}

fn push_list(text: &mut String, head: &str, signatures: &[Signature], indent: &str) {
    if signatures.is_empty() {
        line(text, head, " []");
        return;
    }
    line(text, head, "");
    for signature in signatures {
        let mut mark = "- ";
        for field in of_signature(signature).lines() {
            line(text, indent, &format!("{mark}{field}"));
            mark = "  ";
        }
    }
}

/// One signature.
pub(in crate::policy) fn of_signature(signature: &Signature) -> String {
    let mut text = String::new();
    let annotations = match signature {
        Signature::PubKey { owner, key, annotations } => {
            text.push_str("kind: pubKey\n");
            line(&mut text, "owner: ", &optional(owner.as_deref()));
            line(&mut text, "key: ", &scalar(key, "  "));
            annotations
        }
        Signature::GenericIssuer { issuer, subject, annotations } => {
            text.push_str("kind: genericIssuer\n");
            line(&mut text, "issuer: ", &scalar(issuer, "  "));
            let subject = match subject {
                Subject::Equal(name) => format!("!equal {}", scalar(name, "  ")),
                Subject::UrlPrefix(prefix) => {
                    format!("!urlPrefix {}", scalar(prefix.as_str(), "  "))
                }
            };
            line(&mut text, "subject: ", &subject);
            annotations
        }
        Signature::GithubAction { owner, repo, annotations } => {
            text.push_str("kind: githubAction\n");
            line(&mut text, "owner: ", &scalar(owner, "  "));
            line(&mut text, "repo: ", &optional(repo.as_deref()));
            annotations
        }
    };
    push_annotations(&mut text, annotations.as_ref());
    text
}

fn push_annotations(text: &mut String, annotations: Option<&Annotations>) {
    match annotations {
        None => text.push_str("annotations: null\n"),
        Some(annotations) if annotations.is_empty() => text.push_str("annotations: {}\n"),
        Some(annotations) => {
            text.push_str("annotations:\n");
            for (key, value) in annotations {
                line(text, "  ", &format!("{}: {}", scalar(key, "    "), scalar(value, "    ")));
            }
        }
    }
}

fn line(text: &mut String, head: &str, rest: &str) {
    writeln!(text, "{head}{rest}").expect("a text can be written to");
}

fn optional(text: Option<&str>) -> String {
    text.map_or_else(|| "null".to_owned(), |text| scalar(text, "  "))
}

/// A text as a YAML scalar: plain where it can be taken for nothing else, a block where it has
/// lines, else in quotes.
fn scalar(text: &str, indent: &str) -> String {
    if text.chars().any(|c| c.is_control() && c != '\n') {
        return format!("\"{}\"", text.escape_default());
    }
    if text.contains('\n') {
        return block(text, indent);
    }
    if is_plain(text) { text.to_owned() } else { format!("'{}'", text.replace('\'', "''")) }
}

fn block(text: &str, indent: &str) -> String {
    let mark = match (text.ends_with("\n\n"), text.ends_with('\n')) {
        (true, _) => "|+",
        (false, true) => "|",
        (false, false) => "|-",
    };
    let lines = text.lines().map(|line| match line {
        "" => "\n".to_owned(),
        line => format!("\n{indent}{line}"),
    });
    format!("{mark}{}", lines.collect::<String>())
}

/// Whether a text without lines means itself where it stands bare.
fn is_plain(text: &str) -> bool {
    const WORDS: [&str; 11] =
        ["", "~", "null", "true", "false", ".nan", ".inf", "y", "n", "yes", "no"];
    let begins_freely = |c: char| !c.is_whitespace() && !"-?:,[]{}#&*!|>'\"%@`".contains(c);
    let is_word = WORDS.iter().any(|word| text.eq_ignore_ascii_case(word));
    let is_number = text.parse::<f64>().is_ok() || text.starts_with("0x") || text.starts_with("0o");
    text.starts_with(begins_freely)
        && !is_word
        && !is_number
        && !text.ends_with([':', ' '])
        && !text.contains(": ")
        && !text.contains(" #")
}
