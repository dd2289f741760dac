//! Lines of at most 80 columns, of nothing but printable ASCII.

/// The widest a line may be.
const WIDTH: usize = 80;

/// The deepest that a quoted text may indent its lines.
const DEEPEST: usize = 20;

/// Text that grows by lines. Whatever is not printable ASCII is escaped here, in one place, so that
/// no text from input can move a cursor, forge a line or turn its direction (HOSTILE.md case 57).
#[derive(Debug, Default)]
pub struct Lines {
    text: String,
}

impl Lines {
    /// A paragraph, each line behind `indent`.
    pub fn line(&mut self, indent: &str, content: &str) {
        self.hanging(indent, "", content);
    }

    /// A paragraph that begins with `lead`; its further lines stand below the content.
    pub fn hanging(&mut self, indent: &str, lead: &str, content: &str) {
        let hang = format!("{indent}{}", " ".repeat(lead.len()));
        let room = WIDTH.saturating_sub(hang.len()).max(20);
        let mut prefix = format!("{indent}{lead}");
        for line in wrap(&printable(content), room) {
            self.text.push_str(format!("{prefix}{line}").trim_end());
            self.text.push('\n');
            prefix.clone_from(&hang);
        }
    }

    /// A text of several lines below `lead`, which stands once; each keeps what it is indented by.
    pub fn quoted(&mut self, indent: &str, lead: &str, text: &str) {
        self.line(indent, lead);
        for line in text.lines() {
            let content = line.trim_start_matches(' ');
            let depth = line.len().saturating_sub(content.len()).min(DEEPEST);
            self.line(&format!("{indent}  {}", " ".repeat(depth)), content);
        }
    }

    /// One line of any width, for what is copied out of a terminal, such as paths in an error.
    pub fn unbroken(&mut self, lead: &str, content: &str) {
        self.text.push_str(lead);
        self.text.push_str(&printable(content));
        self.text.push('\n');
    }

    /// An empty line.
    pub fn blank(&mut self) {
        self.text.push('\n');
    }

    /// The lines.
    pub fn finish(self) -> String {
        self.text
    }
}

/// The text with everything but printable ASCII as `\u{..}`.
fn printable(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        if c == ' ' || c.is_ascii_graphic() {
            plain.push(c);
        } else {
            plain.extend(c.escape_unicode());
        }
    }
    plain
}

/// Breaks at blanks; a word wider than the room begins a line of its own and is cut to fit.
fn wrap(text: &str, room: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
        let needed = line.len().saturating_add(word.len()).saturating_add(1);
        if !line.is_empty() && needed <= room {
            line.push(' ');
        } else if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        let mut rest = word;
        while let Some((head, tail)) =
            rest.split_at_checked(room).filter(|(_, tail)| !tail.is_empty())
        {
            lines.push(head.to_owned());
            rest = tail;
        }
        line.push_str(rest);
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_wrapped_and_hang() {
        let mut lines = Lines::default();
        lines.hanging("  ", "why ", &format!("{} {}", "word ".repeat(20).trim(), "x".repeat(100)));
        let text = lines.finish();
        assert!(text.lines().all(|line| line.len() <= WIDTH), "{text}");
        assert!(text.starts_with("  why word"));
        assert!(text.lines().skip(1).all(|line| line.starts_with("      ")), "{text}");
    }

    #[test]
    fn a_quoted_text_is_led_once_and_keeps_its_shape() {
        let mut lines = Lines::default();
        let word = "word ".repeat(16);
        lines.quoted("  ", "said", &format!("a: {word}\n\n  b: c\n{}d", " ".repeat(1000)));
        let wanted = "  said\n    a: word word word word word word word word word word word word \
                      word word\n    word word\n\n      b: c\n                        d\n";
        assert_eq!(lines.finish(), wanted);
    }

    /// HOSTILE.md case 57.
    #[test]
    fn nothing_from_input_reaches_the_terminal_unescaped() {
        let mut lines = Lines::default();
        lines.line("", "a\nb\x1b[31m\u{9b}31m\u{202e}\u{e9}\r\t\0");
        assert_eq!(
            lines.finish(),
            "a\\u{a}b\\u{1b}[31m\\u{9b}31m\\u{202e}\\u{e9}\\u{d}\\u{9}\\u{0}\n"
        );
    }
}
