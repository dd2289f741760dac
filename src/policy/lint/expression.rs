//! Whether a regular expression holds a text from its begin to its end.
//!
//! It is told by the look of the expression and errs to one side: an expression that is called
//! anchored is; one that is anchored in a roundabout way is called unanchored.

/// Whether every way to match begins at the text's begin and ends at its end.
pub(super) fn is_anchored(expression: &str) -> bool {
    let Some(expression) = without_flags(expression) else { return false };
    alternatives(expression).into_iter().all(|alternative| {
        let begins = alternative.starts_with('^') || alternative.starts_with(r"\A");
        let ends = ends_unescaped(alternative, '$') || alternative.ends_with(r"\z");
        begins && ends
    })
}

/// Whether the expression matches every text, or every one but the empty.
pub(super) fn matches_anything(expression: &str) -> bool {
    let inner = without_flags(expression).unwrap_or(expression);
    let inner = inner.strip_prefix('^').unwrap_or(inner);
    let inner = inner.strip_suffix('$').unwrap_or(inner);
    [".*", ".+", "(.*)", "(.+)", ".*.*"].contains(&inner)
}

/// The expression behind `(?i)` and the like; `None` where a flag changes what `^` and `$` are.
fn without_flags(expression: &str) -> Option<&str> {
    let Some(rest) = expression.strip_prefix("(?") else { return Some(expression) };
    let Some((flags, rest)) = rest.split_once(')') else { return Some(expression) };
    if !flags.chars().all(|c| c.is_ascii_alphabetic()) {
        return Some(expression);
    }
    (!flags.contains('m')).then_some(rest)
}

/// The expression cut at every `|` that stands in no group and no class. Where a class holds a
/// bracket, Go and Rust disagree on its end, and nothing is called anchored.
fn alternatives(expression: &str) -> Vec<&str> {
    if !expression.contains('|') {
        return vec![expression];
    }
    let mut found = Vec::new();
    let (mut depth, mut in_class, mut escaped, mut start) = (0_usize, false, false, 0_usize);
    for (at, c) in expression.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' if in_class => return vec![""],
            '[' => {
                let rest = expression.get(at.saturating_add(1)..).unwrap_or_default();
                if rest.trim_start_matches('^').starts_with(']') {
                    return vec![""];
                }
                in_class = true;
            }
            ']' => in_class = false,
            _ if in_class => {}
            '(' => depth = depth.saturating_add(1),
            ')' => depth = depth.saturating_sub(1),
            '|' if depth == 0 => {
                found.extend(expression.get(start..at));
                start = at.saturating_add(1);
            }
            _ => {}
        }
    }
    found.extend(expression.get(start..));
    found
}

fn ends_unescaped(text: &str, end: char) -> bool {
    let Some(before) = text.strip_suffix(end) else { return false };
    let backslashes = before.len().saturating_sub(before.trim_end_matches('\\').len());
    backslashes.is_multiple_of(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anchors() {
        let cases = [
            ("^a$", true),
            (r"\Aa\z", true),
            ("^(a|b)$", true),
            ("^a$|^b$", true),
            ("(?i)^a$", true),
            (r"^a\\$", true),
            ("^[|]$", true),
            ("^[[:word:]]+$", true),
            ("^[](]a|b$", false),
            ("^[[]a|b$", false),
            ("a", false),
            ("^a", false),
            ("a$", false),
            ("^a|b$", false),
            (r"^a\$", false),
            (r"^a\\\$", false),
            ("(?m)^a$", false),
            ("", false),
        ];
        for (expression, wanted) in cases {
            assert_eq!(is_anchored(expression), wanted, "{expression}");
        }
    }

    #[test]
    fn anything() {
        let cases = [(".*", true), ("^.*$", true), (".+", true), ("^$", false), ("a.*", false)];
        for (expression, wanted) in cases {
            assert_eq!(matches_anything(expression), wanted, "{expression}");
        }
    }
}
