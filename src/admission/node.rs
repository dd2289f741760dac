//! A *node*: one value of a document, and the bytes of the file that say it.

use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Span, Spanned};

/// A value and its place. Two are equal when they say the same, wherever they stand.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub value: Value,
    /// The bytes of the document that hold the scalar, quotes included; of an alias, those of what it
    /// stands for. Of lists and maps only the beginning means anything.
    pub span: Range<usize>,
    /// The line of the document, from 1.
    pub line: u64,
}

/// What a node says. Keys keep their order and stand once each.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

impl Node {
    /// The value of a key, unless it is null: to Kubernetes that is no value.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        let Value::Map(entries) = &self.value else { return None };
        let (_, node) = entries.iter().find(|(name, _)| name == key)?;
        (node.value != Value::Null).then_some(node)
    }

    /// The value below several keys.
    pub(super) fn descend(&self, keys: &[&str]) -> Option<&Self> {
        keys.iter().try_fold(self, |node, key| node.get(key))
    }

    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The node a JSON pointer names.
    pub(super) fn find_mut(&mut self, pointer: &str) -> Option<&mut Self> {
        pointer.split('/').skip(1).try_fold(self, |node, step| match &mut node.value {
            Value::List(items) => items.get_mut(step.parse::<usize>().ok()?),
            Value::Map(entries) => {
                let key = step.replace("~1", "/").replace("~0", "~");
                entries.iter_mut().find(|(name, _)| *name == key).map(|(_, node)| node)
            }
            _ => None,
        })
    }

    /// The node a JSON pointer names.
    pub(super) fn find(&self, pointer: &str) -> Option<&Self> {
        pointer.split('/').skip(1).try_fold(self, |node, step| match &node.value {
            Value::List(items) => items.get(step.parse::<usize>().ok()?),
            Value::Map(entries) => {
                let key = step.replace("~1", "/").replace("~0", "~");
                entries.iter().find(|(name, _)| *name == key).map(|(_, node)| node)
            }
            _ => None,
        })
    }

    /// The same as JSON. The reader has bounded its depth.
    pub(super) fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match &self.value {
            Value::Null => Json::Null,
            Value::Bool(value) => Json::Bool(*value),
            Value::Number(number) => serde_json::from_str(number)
                .map_or_else(|_| Json::String(number.clone()), Json::Number),
            Value::Text(text) => Json::String(text.clone()),
            Value::List(items) => Json::Array(items.iter().map(Self::to_json).collect()),
            Value::Map(entries) => {
                let entry = |(key, node): &(String, Self)| (key.clone(), node.to_json());
                Json::Object(entries.iter().map(entry).collect())
            }
        }
    }

    /// Whether a JSON reader found the same in the same bytes. Numbers are not compared: nothing here
    /// reads one.
    pub(super) fn agrees_with(&self, json: &serde_json::Value) -> bool {
        use serde_json::Value as Json;
        match (&self.value, json) {
            (Value::Null, Json::Null) | (Value::Number(_), Json::Number(_)) => true,
            (Value::Bool(ours), Json::Bool(theirs)) => ours == theirs,
            (Value::Text(ours), Json::String(theirs)) => ours == theirs,
            (Value::List(ours), Json::Array(theirs)) => {
                ours.len() == theirs.len()
                    && ours.iter().zip(theirs).all(|(ours, theirs)| ours.agrees_with(theirs))
            }
            (Value::Map(ours), Json::Object(theirs)) => {
                ours.len() == theirs.len()
                    && ours.iter().all(|(key, ours)| {
                        theirs.get(key).is_some_and(|theirs| ours.agrees_with(theirs))
                    })
            }
            _ => false,
        }
    }
}

impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Spanned { value, defined, .. } = Spanned::<Value>::deserialize(deserializer)?;
        let span = bytes_of(defined.span())
            .ok_or_else(|| D::Error::custom("the parser does not say where a value stands"))?;
        Ok(Self { value, span, line: defined.line() })
    }
}

fn bytes_of(span: Span) -> Option<Range<usize>> {
    let start = usize::try_from(span.byte_offset()?).ok()?;
    let length = usize::try_from(span.byte_len()?).ok()?;
    Some(start..start.checked_add(length)?)
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Number(value.to_string()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Value::Map(map))
    }
}

/// A step of a JSON pointer (RFC 6901, 3).
pub(super) fn pointer_step(key: &str) -> String {
    format!("/{}", key.replace('~', "~0").replace('/', "~1"))
}
