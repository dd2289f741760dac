//! A *wildcard* of Kubewarden: `*` is any run of characters, `?` is exactly one, nothing else is
//! special and there is no escape (POLICY A.3). It is compared with the name of an image as it is
//! written; nothing is expanded first.

/// A pattern over names as they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wildcard(String);

impl Wildcard {
    /// Every text is a pattern.
    pub fn new(pattern: &str) -> Self {
        Self(pattern.to_owned())
    }

    /// The pattern's text.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// Whether the whole of `text` is what the pattern says. Takes at most as many steps as the
    /// pattern is long for each character of the text.
    pub fn matches(&self, text: &str) -> bool {
        let (mut pattern, mut text) = (self.0.chars(), text.chars());
        // What follows the last star, and what of the text that star has not taken.
        let mut star = None;
        loop {
            let (mut next, mut left) = (pattern.clone(), text.clone());
            let Some(c) = left.next() else { break };
            match next.next() {
                Some('*') => star = Some((next.clone(), text.clone())),
                Some(wanted) if wanted == '?' || wanted == c => text = left,
                _ => {
                    let Some((after, untaken)) = &mut star else { return false };
                    untaken.next();
                    (next, text) = (after.clone(), untaken.clone());
                }
            }
            pattern = next;
        }
        pattern.all(|c| c == '*')
    }

    /// Whether no text could escape it.
    pub fn matches_everything(&self) -> bool {
        !self.0.is_empty() && self.0.chars().all(|c| c == '*')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks() {
        let cases = [
            ("*", "", true),
            ("*", "a/b:c@d", true),
            ("", "", true),
            ("", "a", false),
            ("?", "", false),
            ("?", "\u{e4}", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("*a*a*a*a*b", &"a".repeat(2000), false),
            ("quay.io/c3os", "quay.io/c3os/c3os:opensuse-latest", false),
            ("quay.io/c3os/*", "quay.io/c3os/c3os:opensuse-latest", true),
        ];
        for (pattern, text, wanted) in cases {
            assert_eq!(Wildcard::new(pattern).matches(text), wanted, "{pattern} {text}");
        }
    }

    #[test]
    fn only_stars_match_everything() {
        let everything = |pattern| Wildcard::new(pattern).matches_everything();
        assert_eq!(["*", "**", "", "?*", "*a"].map(everything), [true, true, false, false, false]);
    }
}
