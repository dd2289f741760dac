//! A *token* of CUE: what the text consists of before it means anything.

use super::error::Flaw;
use crate::policy::engine::number::Number;

/// Where a token stands, both from 1, the column in characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) line: usize,
    pub(super) column: usize,
}

#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) position: Position,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum TokenKind {
    /// A name or keyword; `#` and `_` may lead it.
    Name(String),
    String(String),
    Number(Number),
    /// An operator or a bracket.
    Mark(&'static str),
    /// A comma, or the end of a line that one may be left out at.
    Comma,
    End,
}

/// Longest first, so that `<=` is not read as `<`.
const MARKS: &[&str] = &[
    "...", "&&", "||", "==", "!=", "<=", ">=", "=~", "!~", "{", "}", "[", "]", "(", ")", ":", "?",
    "!", "&", "|", "*", "+", "-", "/", "<", ">", ".", "=", "@",
];

/// Reads a text as tokens; the last is [`TokenKind::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Flaw> {
    let mut lexer = Lexer { rest: text, position: Position { line: 1, column: 1 } };
    let mut tokens: Vec<Token> = Vec::new();
    loop {
        let ended_line = lexer.skip_space();
        let position = lexer.position;
        let may_end = tokens.last().is_some_and(|token| token.kind.may_end_a_line());
        if may_end && (ended_line || lexer.rest.is_empty()) {
            tokens.push(Token { kind: TokenKind::Comma, position });
        }
        let kind = lexer.next()?;
        let is_last = kind == TokenKind::End;
        tokens.push(Token { kind, position });
        if is_last {
            return Ok(tokens);
        }
    }
}

impl TokenKind {
    /// Whether the end of the line behind it is a comma.
    fn may_end_a_line(&self) -> bool {
        match self {
            Self::Name(_) | Self::String(_) | Self::Number(_) => true,
            Self::Mark(mark) => matches!(*mark, ")" | "]" | "}" | "?" | "!" | "..."),
            Self::Comma | Self::End => false,
        }
    }
}

struct Lexer<'a> {
    rest: &'a str,
    position: Position,
}

impl<'a> Lexer<'a> {
    /// Skips white space and comments; whether a line ended.
    fn skip_space(&mut self) -> bool {
        let mut ended_line = false;
        loop {
            if self.rest.starts_with("//") {
                let length = self.rest.find('\n').unwrap_or(self.rest.len());
                self.take(length);
            }
            match self.rest.chars().next() {
                Some('\n') => ended_line = true,
                Some(' ' | '\t' | '\r') => {}
                _ => return ended_line,
            }
            self.take(1);
        }
    }

    fn next(&mut self) -> Result<TokenKind, Flaw> {
        let Some(first) = self.rest.chars().next() else { return Ok(TokenKind::End) };
        let position = self.position;
        if let Some(found) = self.string()? {
            return Ok(found);
        }
        if self.rest.starts_with("_|_") {
            return Err(Flaw::subset(position, "bottom, `_|_`"));
        }
        if first.is_ascii_digit() || (first == '.' && self.is_digit_at(1)) {
            return self.number();
        }
        if first.is_alphabetic() || matches!(first, '_' | '#' | '$') {
            let inside = |c: char| c.is_alphanumeric() || matches!(c, '_' | '#' | '$');
            let end = self.rest.find(|c| !inside(c)).unwrap_or(self.rest.len());
            return Ok(TokenKind::Name(self.take(end).to_owned()));
        }
        if first == ',' {
            self.take(1);
            return Ok(TokenKind::Comma);
        }
        if let Some(mark) = MARKS.iter().find(|mark| self.rest.starts_with(**mark)) {
            self.take(mark.len());
            return Ok(TokenKind::Mark(mark));
        }
        Err(Flaw::syntax(
            position,
            format!("the character `{}` means nothing here", first.escape_debug()),
        ))
    }

    fn is_digit_at(&self, at: usize) -> bool {
        self.rest.as_bytes().get(at).is_some_and(u8::is_ascii_digit)
    }

    fn number(&mut self) -> Result<TokenKind, Flaw> {
        let position = self.position;
        let mut end = 0_usize;
        let mut before = ' ';
        for c in self.rest.chars() {
            let sign = matches!(c, '+' | '-') && matches!(before, 'e' | 'E');
            if !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.') || sign) {
                break;
            }
            before = c;
            end = end.saturating_add(c.len_utf8());
        }
        let text = self.take(end);
        let plain = text.replace('_', "");
        let leads_with_zero = plain.len() > 1
            && plain.starts_with('0')
            && plain.as_bytes().get(1).is_some_and(u8::is_ascii_alphanumeric)
            && !plain.starts_with("0e")
            && !plain.starts_with("0E");
        match Number::parse(&plain) {
            Some(number) if !leads_with_zero => Ok(TokenKind::Number(number)),
            _ => Err(Flaw::subset(
                position,
                format!("the number `{text}`; numbers are decimal, with exponents up to 100000"),
            )),
        }
    }

    /// Reads a string if one begins here: `"x"`, `"""` over several lines, either between `#`.
    fn string(&mut self) -> Result<Option<TokenKind>, Flaw> {
        let position = self.position;
        let hashes = self.rest.len().saturating_sub(self.rest.trim_start_matches('#').len());
        let body = self.rest.get(hashes..).unwrap_or_default();
        if body.starts_with('\'') {
            return Err(Flaw::subset(position, "bytes, `'...'`"));
        }
        if !body.starts_with('"') {
            return Ok(None);
        }
        let guard = "#".repeat(hashes);
        let several_lines = body.starts_with("\"\"\"");
        let quote = if several_lines { "\"\"\"" } else { "\"" };
        self.take(hashes.saturating_add(quote.len()));
        let closing = format!("{quote}{guard}");
        let escape = format!("\\{guard}");
        let raw = self.raw_until(&closing, &escape, several_lines, position)?;
        let raw = if several_lines { dedent(&raw, position)? } else { raw };
        unescape(&raw, &escape, position).map(|text| Some(TokenKind::String(text)))
    }

    fn raw_until(
        &mut self,
        closing: &str,
        escape: &str,
        several_lines: bool,
        position: Position,
    ) -> Result<String, Flaw> {
        let mut raw = String::new();
        loop {
            if self.rest.starts_with(closing) {
                self.take(closing.len());
                return Ok(raw);
            }
            if self.rest.starts_with(escape) {
                raw.push_str(self.take(escape.len()));
            }
            match self.rest.chars().next() {
                Some('\n') if !several_lines => break,
                Some(c) => raw.push_str(self.take(c.len_utf8())),
                None => break,
            }
        }
        Err(Flaw::syntax(position, "the string does not end".to_owned()))
    }

    /// Takes `length` bytes, which end at a character.
    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, ""));
        self.rest = rest;
        for c in taken.chars() {
            if c == '\n' {
                self.position = Position { line: self.position.line.saturating_add(1), column: 1 };
            } else {
                self.position.column = self.position.column.saturating_add(1);
            }
        }
        taken
    }
}

/// The lines of a string over several lines, without the indent that its closing quotes have.
fn dedent(raw: &str, position: Position) -> Result<String, Flaw> {
    let flaw = |what: &str| Flaw::syntax(position, what.to_owned());
    let raw = raw.replace("\r\n", "\n");
    let Some(raw) = raw.strip_prefix('\n') else {
        return Err(flaw("a string over several lines begins behind a line end"));
    };
    let (lines, indent) = raw.rsplit_once('\n').unwrap_or(("", raw));
    if !indent.chars().all(|c| matches!(c, ' ' | '\t')) {
        return Err(flaw("the closing quotes stand on a line of their own"));
    }
    let mut kept = Vec::new();
    for line in lines.split('\n') {
        match line.strip_prefix(indent) {
            Some(line) => kept.push(line),
            None if line.is_empty() => kept.push(""),
            None => return Err(flaw("a line is indented less than its closing quotes")),
        }
    }
    Ok(kept.join("\n"))
}

fn unescape(raw: &str, escape: &str, position: Position) -> Result<String, Flaw> {
    let mut text = String::new();
    let mut rest = raw;
    while let Some((before, behind)) = rest.split_once(escape) {
        text.push_str(before);
        let mut characters = behind.chars();
        let unknown = |c: Option<char>| {
            let c = c.map(|c| c.escape_debug().to_string()).unwrap_or_default();
            Flaw::syntax(position, format!("the escape `{escape}{c}` in a string"))
        };
        match characters.next() {
            Some('a') => text.push('\u{7}'),
            Some('b') => text.push('\u{8}'),
            Some('f') => text.push('\u{c}'),
            Some('n') => text.push('\n'),
            Some('r') => text.push('\r'),
            Some('t') => text.push('\t'),
            Some('v') => text.push('\u{b}'),
            Some(c @ ('/' | '\\' | '"')) => text.push(c),
            Some('(') => return Err(Flaw::subset(position, r"interpolation, `\(...)`")),
            Some(c @ ('u' | 'U')) => {
                let length = if c == 'u' { 4 } else { 8 };
                let digits = characters.as_str().get(..length);
                let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
                text.push(code.and_then(char::from_u32).ok_or_else(|| unknown(Some(c)))?);
                characters = characters.as_str().get(length..).unwrap_or_default().chars();
            }
            other => return Err(unknown(other)),
        }
        rest = characters.as_str();
    }
    text.push_str(rest);
    Ok(text)
}
