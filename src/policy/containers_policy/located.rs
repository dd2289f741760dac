//! JSON with the line of each value, which `serde_json` does not give.

use std::str::from_utf8;

use crate::json;

/// A value and the line it begins in, from 1.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Value {
    pub line: usize,
    pub content: Content,
}

/// What a value is. Numbers and words are no part of the format.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Content {
    Object(Vec<(String, Value)>),
    Array(Vec<Value>),
    Text(String),
    Other,
}

/// Reads one strict document; what is not is refused by [`json::check`] before this looks at it.
pub(super) fn read(bytes: &[u8], depth: usize) -> Result<Value, json::Error> {
    json::check(bytes, depth)?;
    let text = from_utf8(bytes).expect("strict JSON is UTF-8");
    let mut reader = Reader { rest: text, line: 1 };
    Ok(reader.value().expect("what was checked is one value"))
}

/// Reads text that is known to be JSON of bounded depth.
struct Reader<'a> {
    rest: &'a str,
    line: usize,
}

impl Reader<'_> {
    fn value(&mut self) -> Option<Value> {
        let first = self.next()?;
        let line = self.line;
        let content = match first {
            '{' => self.object()?,
            '[' => self.array()?,
            '"' => Content::Text(self.text()?),
            _ => {
                let end = self.rest.find([',', ']', '}', ' ', '\t', '\r', '\n']);
                self.skip(end.unwrap_or(self.rest.len()))?;
                Content::Other
            }
        };
        Some(Value { line, content })
    }

    fn object(&mut self) -> Option<Content> {
        let mut fields = Vec::new();
        self.skip(1)?;
        while self.next()? != '}' {
            let key = self.text()?;
            self.next().filter(|&c| c == ':')?;
            self.skip(1)?;
            fields.push((key, self.value()?));
            self.comma()?;
        }
        self.skip(1)?;
        Some(Content::Object(fields))
    }

    fn array(&mut self) -> Option<Content> {
        let mut items = Vec::new();
        self.skip(1)?;
        while self.next()? != ']' {
            items.push(self.value()?);
            self.comma()?;
        }
        self.skip(1)?;
        Some(Content::Array(items))
    }

    fn text(&mut self) -> Option<String> {
        let mut escaped = false;
        let end = self.rest.char_indices().skip(1).find_map(|(at, c)| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends.then_some(at)
        })?;
        let quoted = self.skip(end.checked_add(1)?)?;
        serde_json::from_str(quoted).ok()
    }

    fn comma(&mut self) -> Option<()> {
        if self.next()? == ',' {
            self.skip(1)?;
        }
        Some(())
    }

    /// The next character that is no white space, which stays.
    fn next(&mut self) -> Option<char> {
        let space = self.rest.find(|c: char| !matches!(c, ' ' | '\t' | '\r' | '\n'))?;
        let lines = self.skip(space)?.matches('\n').count();
        self.line = self.line.checked_add(lines)?;
        self.rest.chars().next()
    }

    fn skip(&mut self, length: usize) -> Option<&str> {
        let (skipped, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(line: usize, text: &str) -> Value {
        Value { line, content: Content::Text(text.to_owned()) }
    }

    #[test]
    fn values_know_their_lines() {
        let json = "\n{ \"a\\\"\\\\\" :\r\n\t\"\\u00e4}\",\n\"b\":[ ],\"c\":[-1e5,\n null,true],\n\"d\":{}}\n";
        let other = |line| Value { line, content: Content::Other };
        let fields = vec![
            ("a\"\\".to_owned(), text(3, "\u{e4}}")),
            ("b".to_owned(), Value { line: 4, content: Content::Array(vec![]) }),
            (
                "c".to_owned(),
                Value { line: 4, content: Content::Array(vec![other(4), other(5), other(5)]) },
            ),
            ("d".to_owned(), Value { line: 6, content: Content::Object(vec![]) }),
        ];
        let whole = Value { line: 2, content: Content::Object(fields) };
        assert_eq!(read(json.as_bytes(), 3).unwrap(), whole);
        assert_eq!(read(b" 1 ", 1).unwrap(), other(1));
        assert_eq!(read(b"\"x\"", 1).unwrap(), text(1, "x"));
    }

    #[test]
    fn what_is_ambiguous_is_refused_before() {
        let refusal = |json: &[u8]| read(json, 2).unwrap_err().to_string();
        assert_eq!(refusal(b"{\"a\":1,\n\"a\":1}"), "the key `a` stands twice at line 2 column 6");
        assert_eq!(refusal(b"{} // x"), "trailing characters at line 1 column 4");
        assert_eq!(refusal(b"{ /* x */ }"), "key must be a string at line 1 column 3");
        assert_eq!(refusal(b"[[[]]]"), "nested too deeply at line 1 column 4");
    }
}
