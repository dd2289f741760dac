//! Strict JSON: what two readers could take for two different documents is refused.
//!
//! A key that stands twice in one object, bytes after the document, a byte-order mark, a lone
//! surrogate and nesting past a bound are errors here, before any field is read. Reading is by
//! `serde_json`; this module only adds the walk that it does not do.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeOwned, DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};

/// Reads one document as a `T`, refusing duplicate keys and more than `depth` levels of nesting.
pub fn parse<T: DeserializeOwned>(bytes: &[u8], depth: usize) -> Result<T, Error> {
    check(bytes, depth)?;
    serde_json::from_slice(bytes).map_err(|cause| Error { cause })
}

/// Walks one document and refuses what [`parse`] refuses, reading nothing out of it.
pub fn check(bytes: &[u8], depth: usize) -> Result<(), Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    Strict { depth }
        .deserialize(&mut deserializer)
        .and_then(|()| deserializer.end())
        .map_err(|cause| Error { cause })
}

/// Why bytes are no document we read; says line and column.
#[derive(Debug, thiserror::Error)]
#[error("{cause}")]
pub struct Error {
    cause: serde_json::Error,
}

/// Two are equal when they say the same of the same place.
impl PartialEq for Error {
    fn eq(&self, other: &Self) -> bool {
        self.cause.to_string() == other.cause.to_string()
    }
}

const TOO_DEEP: &str = "nested too deeply";

impl Error {
    /// Whether the document is nested deeper than the caller allows, rather than malformed.
    pub fn is_too_deep(&self) -> bool {
        self.cause.to_string().starts_with(TOO_DEEP)
    }

    /// The line it stands in, from 1.
    pub fn line(&self) -> usize {
        self.cause.line()
    }
}

/// A walk with `depth` levels left.
#[derive(Clone, Copy)]
struct Strict {
    depth: usize,
}

impl Strict {
    fn below<E: serde::de::Error>(self) -> Result<Self, E> {
        let depth = self.depth.checked_sub(1).ok_or_else(|| E::custom(TOO_DEEP))?;
        Ok(Self { depth })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let below = self.below()?;
        while items.next_element_seed(below)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let below = self.below()?;
        let mut seen = HashSet::new();
        while let Some(key) = entries.next_key::<String>()? {
            entries.next_value_seed(below)?;
            if let Some(twice) = seen.replace(key) {
                return Err(A::Error::custom(format_args!(
                    "the key `{}` stands twice",
                    twice.escape_debug()
                )));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        check(text.as_bytes(), 3).unwrap_err().to_string()
    }

    #[test]
    fn depth_is_counted_in_containers() {
        check(b"[[[1]]]", 3).unwrap();
        assert_eq!(refusal("[[[[1]]]]"), "nested too deeply at line 1 column 4");
        assert_eq!(refusal(&"[".repeat(100_000)), "nested too deeply at line 1 column 4");
    }

    /// HOSTILE.md cases 38 and 39.
    #[test]
    fn ambiguous_documents_are_refused() {
        assert_eq!(refusal(r#"{"a":1,"a":1}"#), "the key `a` stands twice at line 1 column 13");
        assert_eq!(
            refusal(r#"{"a":1,"\u0061":1}"#),
            "the key `a` stands twice at line 1 column 18"
        );
        assert_eq!(
            refusal(r#"[{"x":{"a":1,"a":2}}]"#),
            "the key `a` stands twice at line 1 column 19"
        );
        assert_eq!(refusal("\u{feff}{}"), "expected value at line 1 column 1");
        assert_eq!(refusal("{} {}"), "trailing characters at line 1 column 4");
        assert_eq!(refusal("[1,]"), "trailing comma at line 1 column 4");
        assert_eq!(refusal("[NaN]"), "expected value at line 1 column 2");
        assert_eq!(refusal("[1] // x"), "trailing characters at line 1 column 5");
        assert_eq!(refusal(r#"["\ud800"]"#), "unexpected end of hex escape at line 1 column 9");
        assert!(check(b"[\"\xff\"]", 3).is_err());
        assert!(check(b"\xff\xfe{\x00}\x00", 3).is_err());
    }
}
