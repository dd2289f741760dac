//! A *document*: the JSON that a policy decides over, in its own order and with exact numbers.

use std::str::Chars;

use super::number::Number;
use crate::json;
use crate::limits::Limits;

/// One JSON document.
#[derive(Clone, Debug)]
pub struct Document {
    pub(super) root: Json,
}

/// A JSON value. Members keep their order, for messages quote them.
#[derive(Clone, Debug)]
pub(super) enum Json {
    Null,
    Bool(bool),
    Number(Number),
    String(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Document {
    /// Reads a document as it was signed: strictly, and no digit of a number is lost.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, InvalidDocument> {
        let large = u64::try_from(bytes.len()).map_or(true, |size| size > limits.envelope_bytes);
        if large {
            return Err(InvalidDocument::TooLarge { limit: limits.envelope_bytes });
        }
        json::check(bytes, limits.predicate_depth)
            .map_err(|cause| InvalidDocument::Syntax { cause })?;
        let text = std::str::from_utf8(bytes).map_err(|_| InvalidDocument::Encoding)?;
        Ok(Self { root: Reader { rest: text.chars() }.value()? })
    }

    /// The document that `value` is. A float of it has been a double already.
    pub fn of(value: &serde_json::Value) -> Result<Self, InvalidDocument> {
        Json::of(value).map(|root| Self { root })
    }
}

impl Json {
    fn of(value: &serde_json::Value) -> Result<Self, InvalidDocument> {
        use serde_json::Value;
        Ok(match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(value) => Self::number(&value.to_string())?,
            Value::String(text) => Self::String(text.clone()),
            Value::Array(items) => {
                Self::Array(items.iter().map(Self::of).collect::<Result<_, _>>()?)
            }
            Value::Object(members) => Self::Object(
                members
                    .iter()
                    .map(|(name, value)| Ok((name.clone(), Self::of(value)?)))
                    .collect::<Result<_, InvalidDocument>>()?,
            ),
        })
    }

    fn number(text: &str) -> Result<Self, InvalidDocument> {
        Number::parse(text)
            .map(Self::Number)
            .ok_or_else(|| InvalidDocument::Number { text: text.to_owned() })
    }
}

/// Why bytes are no document that a policy can decide over.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum InvalidDocument {
    /// It is no strict JSON, or nested too deeply.
    #[error("the document is no strict JSON")]
    Syntax {
        /// What is wrong and where.
        #[source]
        cause: json::Error,
    },
    /// It is too large.
    #[error("the document has more than {limit} bytes")]
    TooLarge {
        /// The most that is read.
        limit: u64,
    },
    /// It is not UTF-8.
    #[error("the document is not UTF-8")]
    Encoding,
    /// A number cannot be kept exactly.
    #[error("the number `{text}` cannot be read exactly")]
    Number {
        /// The number.
        text: String,
    },
}

/// Reads what [`json::check`] found to be one well-formed document of bounded depth.
struct Reader<'a> {
    rest: Chars<'a>,
}

impl Reader<'_> {
    fn value(&mut self) -> Result<Json, InvalidDocument> {
        match self.peek() {
            Some('{') => self.object(),
            Some('[') => self.array(),
            Some('"') => Ok(Json::String(self.string())),
            _ => match self.word() {
                "null" => Ok(Json::Null),
                "true" => Ok(Json::Bool(true)),
                "false" => Ok(Json::Bool(false)),
                number => Json::number(number),
            },
        }
    }

    fn object(&mut self) -> Result<Json, InvalidDocument> {
        let mut members = Vec::new();
        while self.has_another('}') {
            let name = self.string();
            self.peek();
            self.rest.next();
            members.push((name, self.value()?));
        }
        Ok(Json::Object(members))
    }

    fn array(&mut self) -> Result<Json, InvalidDocument> {
        let mut items = Vec::new();
        while self.has_another(']') {
            items.push(self.value()?);
        }
        Ok(Json::Array(items))
    }

    /// Steps over the opening bracket or a comma, and over the closing bracket if that is next.
    fn has_another(&mut self, closing: char) -> bool {
        let mut stepped = false;
        loop {
            match self.peek() {
                Some(c) if c == closing => {
                    self.rest.next();
                    return false;
                }
                Some('{' | '[' | ',') if !stepped => {
                    self.rest.next();
                    stepped = true;
                }
                other => return other.is_some(),
            }
        }
    }

    fn string(&mut self) -> String {
        self.peek();
        let start = self.rest.as_str();
        self.rest.next();
        while let Some(c) = self.rest.next() {
            match c {
                '\\' => drop(self.rest.next()),
                '"' => break,
                _ => {}
            }
        }
        let length = start.len().saturating_sub(self.rest.as_str().len());
        let quoted = start.get(..length).unwrap_or_default();
        serde_json::from_str(quoted).expect("the document was found to be JSON")
    }

    fn word(&mut self) -> &str {
        let start = self.rest.as_str();
        let end = start
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.')))
            .unwrap_or(start.len());
        let (word, rest) = start.split_at(end);
        self.rest = rest.chars();
        word
    }

    /// The next character that is no white space.
    fn peek(&mut self) -> Option<char> {
        self.rest = self.rest.as_str().trim_start_matches([' ', '\t', '\n', '\r']).chars();
        self.rest.clone().next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Document, String> {
        Document::parse(text.as_bytes(), &Limits::default()).map_err(|cause| cause.to_string())
    }

    /// The document as JSON without white space, numbers as written.
    fn written(json: &Json) -> String {
        match json {
            Json::Null => "null".to_owned(),
            Json::Bool(value) => value.to_string(),
            Json::Number(number) => number.to_string(),
            Json::String(text) => serde_json::to_string(text).unwrap(),
            Json::Array(items) => {
                format!("[{}]", items.iter().map(written).collect::<Vec<_>>().join(","))
            }
            Json::Object(members) => {
                let members = members.iter().map(|(name, value)| {
                    format!("{}:{}", Json::String(name.clone()).text(), written(value))
                });
                format!("{{{}}}", members.collect::<Vec<_>>().join(","))
            }
        }
    }

    impl Json {
        fn text(&self) -> String {
            written(self)
        }
    }

    #[test]
    fn documents_keep_order_and_digits() {
        let texts = [
            r#"{"b":1,"a":[],"c":{},"d":[[1],[2,{"x":null}]]}"#,
            "9007199254740993",
            "340282366920938463463374607431768211456000",
            "[1.10,-0.0,1e3,1E-7]",
            r#"{"":"","\"\\":"a\nb"}"#,
            "[true,false,null]",
        ];
        for text in texts {
            assert_eq!(read(text).unwrap().root.text(), text);
            let spaced = text.replace(',', " ,\n\t").replace('[', " [ ").replace(']', " ] ");
            assert_eq!(read(&spaced).unwrap().root.text(), text);
        }
        assert_eq!(read(r#""\u00e9\ud83d\ude00\/""#).unwrap().root.text(), "\"é😀/\"");
    }

    #[test]
    fn what_two_readers_could_read_differently_is_refused() {
        for text in [r#"{"a":1,"a":2}"#, "[1,]", "{}{}", "01", "nul", "", &"[".repeat(200)] {
            assert_eq!(read(text).unwrap_err(), "the document is no strict JSON", "{text}");
        }
        let limits = Limits { envelope_bytes: 3, ..Limits::default() };
        assert_eq!(
            Document::parse(b"1234", &limits).unwrap_err(),
            InvalidDocument::TooLarge { limit: 3 }
        );
    }

    #[test]
    fn a_value_is_the_document_it_was_read_from() {
        let text = r#"{"a":[1,-2.5,"x",null,true],"b":18446744073709551615}"#;
        let value: serde_json::Value = serde_json::from_str(text).unwrap();
        assert_eq!(Document::of(&value).unwrap().root.text(), text);
    }
}
