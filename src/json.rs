//! Strict JSON: what two readers could take for two different documents is refused.
//!
//! A key that stands twice in one object, bytes after the document, a byte-order mark, a lone
//! surrogate and nesting past a bound are errors here, before any field is read; so is an array in the
//! place of an object. Reading is by `serde_json`; this module only adds what it does not do.

mod objects;

use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeOwned, DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};

use objects::Objects;

/// Reads one document as a `T`, refusing duplicate keys and more than `depth` levels of nesting.
pub fn parse<T: DeserializeOwned>(bytes: &[u8], depth: usize) -> Result<T, Error> {
    check(bytes, depth)?;
    read(bytes)
}

/// Reads what [`check`] passed, or a part of it, as a `T`.
pub fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    T::deserialize(Objects(&mut deserializer))
        .and_then(|read| deserializer.end().map(|()| read))
        .map_err(|cause| Error { cause })
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

    /// Fields that stand in an array, in their order, are read by nobody else.
    #[test]
    fn an_array_is_no_object() {
        #[derive(Debug, PartialEq, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Pair<'a> {
            one: u8,
            other: Option<Box<Pair<'a>>>,
            text: Option<&'a str>,
        }
        #[derive(Debug, PartialEq, Deserialize)]
        enum Either {
            List(Vec<[u8; 2]>),
            Fields { one: u8 },
        }
        #[derive(Debug, Deserialize)]
        struct All<'a> {
            #[serde(borrow)]
            pairs: Vec<Pair<'a>>,
            map: std::collections::BTreeMap<u8, Either>,
            raw: Box<serde_json::value::RawValue>,
        }
        let pair = |one, other, text| Pair { one, other, text };
        let text = r#"{"pairs":[{"one":1,"text":"a","other":{"one":2}}],
            "map":{"3":{"List":[[4,5]]},"6":{"Fields":{"one":7}}},"raw": [ 1.50, {}] }"#;
        let found: All<'_> = read(text.as_bytes()).unwrap();
        assert_eq!(found.pairs, [pair(1, Some(Box::new(pair(2, None, None))), Some("a"))]);
        assert_eq!(
            found.map.into_iter().collect::<Vec<_>>(),
            [(3, Either::List(vec![[4, 5]])), (6, Either::Fields { one: 7 })]
        );
        assert_eq!(found.raw.get(), "[ 1.50, {}]");
        for (object, array) in [
            (r#"{"one":1,"text":"a","other":{"one":2}}"#, r#"[1,null,"a"]"#),
            (r#"{"one":2}"#, "[2]"),
            (r#"{"one":7}"#, "[7]"),
            (text, "[[],{},null]"),
        ] {
            assert!(text.contains(object), "{object}");
            let why = read::<All<'_>>(text.replace(object, array).as_bytes()).unwrap_err();
            let why = why.to_string();
            assert!(why.starts_with("invalid type: sequence, expected "), "{object}: {why}");
        }
        assert_eq!(
            read::<All<'_>>(b"[[],{},null]").unwrap_err().to_string(),
            "invalid type: sequence, expected an object at line 1 column 0"
        );
        assert_eq!(
            read::<u8>(b"1 2").unwrap_err().to_string(),
            "trailing characters at line 1 column 3"
        );
    }
}
