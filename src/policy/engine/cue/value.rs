//! A *value*: the scalars of CUE and the kinds they are of.

use std::cmp::Ordering;
use std::fmt;

use super::syntax::{Comparison, label_text};
use crate::policy::engine::document::Json;
use crate::policy::engine::number::Number;

/// A value without parts.
#[derive(Clone, Debug)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Number(Number),
    String(String),
}

/// A set of kinds: what a value may still be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kinds(u8);

impl Kinds {
    pub(super) const NULL: Self = Self(1);
    pub(super) const BOOL: Self = Self(2);
    pub(super) const INT: Self = Self(4);
    pub(super) const FLOAT: Self = Self(8);
    pub(super) const NUMBER: Self = Self(12);
    pub(super) const STRING: Self = Self(16);
    pub(super) const BYTES: Self = Self(32);
    pub(super) const STRUCT: Self = Self(64);
    pub(super) const LIST: Self = Self(128);
    pub(super) const ANY: Self = Self(255);
    pub(super) const NOT_NULL: Self = Self(254);

    /// What is of both; `None` where nothing is.
    pub(super) fn and(self, other: Self) -> Option<Self> {
        let both = self.0 & other.0;
        (both != 0).then_some(Self(both))
    }
}

impl fmt::Display for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMES: [(Kinds, &str); 9] = [
            (Kinds::NULL, "null"),
            (Kinds::BOOL, "bool"),
            (Kinds::NUMBER, "number"),
            (Kinds::INT, "int"),
            (Kinds::FLOAT, "float"),
            (Kinds::STRING, "string"),
            (Kinds::BYTES, "bytes"),
            (Kinds::STRUCT, "struct"),
            (Kinds::LIST, "list"),
        ];
        if *self == Self::ANY {
            return f.write_str("_");
        }
        let mut names = Vec::new();
        let mut left = self.0;
        for (kind, name) in NAMES {
            if left & kind.0 == kind.0 {
                names.push(name);
                left &= !kind.0;
            }
        }
        match names.as_slice() {
            [one] => f.write_str(one),
            several => write!(f, "({})", several.join("|")),
        }
    }
}

impl Scalar {
    pub(super) fn kind(&self) -> Kinds {
        match self {
            Self::Null => Kinds::NULL,
            Self::Bool(_) => Kinds::BOOL,
            Self::Number(number) if number.is_integer() => Kinds::INT,
            Self::Number(_) => Kinds::FLOAT,
            Self::String(_) => Kinds::STRING,
        }
    }

    /// Whether they are the same value of the same kind: `1` and `1.0` are not.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.kind() == other.kind() && self.order(other) == Some(Ordering::Equal)
    }

    /// How they stand to each other: numbers by value, strings by bytes. `None` where they are not
    /// ordered or differ.
    pub(super) fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Null, Self::Null) => Some(Ordering::Equal),
            (Self::Bool(one), Self::Bool(other)) => (one == other).then_some(Ordering::Equal),
            (Self::Number(one), Self::Number(other)) => Some(one.cmp(other)),
            (Self::String(one), Self::String(other)) => Some(one.cmp(other)),
            _ => None,
        }
    }

    /// Whether `self OPERATOR other` holds; `None` where the operator does not compare the two.
    /// Regular expressions are matched elsewhere.
    pub(super) fn holds(&self, operator: Comparison, other: &Self) -> Option<bool> {
        let same_family = matches!(
            (self, other),
            (Self::Number(_), Self::Number(_)) | (Self::String(_), Self::String(_))
        );
        let order = self.order(other);
        match operator {
            Comparison::Equal => Some(order == Some(Ordering::Equal)),
            Comparison::NotEqual => Some(order != Some(Ordering::Equal)),
            Comparison::Matches | Comparison::MatchesNot => None,
            _ if !same_family => None,
            Comparison::Less => order.map(Ordering::is_lt),
            Comparison::LessOrEqual => order.map(Ordering::is_le),
            Comparison::Greater => order.map(Ordering::is_gt),
            Comparison::GreaterOrEqual => order.map(Ordering::is_ge),
        }
    }

    /// The scalar that a JSON value is, unless it has parts.
    pub(super) fn of(json: &Json) -> Option<Self> {
        match json {
            Json::Null => Some(Self::Null),
            Json::Bool(value) => Some(Self::Bool(*value)),
            Json::Number(number) => Some(Self::Number(number.clone())),
            Json::String(text) => Some(Self::String(text.clone())),
            Json::Array(_) | Json::Object(_) => None,
        }
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::String(text) => f.write_str(&quoted(text)),
        }
    }
}

/// The most characters of one value that a message quotes: a string of a document may have megabytes.
const QUOTED: usize = 300;

/// A string in quotes, what a terminal would act on escaped, and cut where it is long.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for (at, c) in text.chars().enumerate() {
        if at == QUOTED {
            quoted.push('…');
            break;
        }
        match c {
            '"' => quoted.push_str("\\\""),
            '\'' => quoted.push('\''),
            c => quoted.extend(c.escape_debug()),
        }
    }
    quoted.push('"');
    quoted
}

/// A JSON value as CUE prints it, `{a:1,b:[...]}`, cut where it is long.
pub(super) fn printed(json: &Json) -> String {
    let mut text = String::new();
    print(json, &mut text);
    match text.char_indices().nth(QUOTED.saturating_mul(2)) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text,
    }
}

fn print(json: &Json, text: &mut String) {
    match json {
        Json::Array(items) => {
            text.push('[');
            for (at, item) in items.iter().enumerate() {
                if text.len() > QUOTED.saturating_mul(8) {
                    break;
                }
                text.push_str(if at > 0 { "," } else { "" });
                print(item, text);
            }
            text.push(']');
        }
        Json::Object(members) => {
            text.push('{');
            for (at, (name, member)) in members.iter().enumerate() {
                if text.len() > QUOTED.saturating_mul(8) {
                    break;
                }
                text.push_str(if at > 0 { "," } else { "" });
                text.push_str(&label_text(name));
                text.push(':');
                print(member, text);
            }
            text.push('}');
        }
        scalar => text.extend(Scalar::of(scalar).map(|scalar| scalar.to_string())),
    }
}

/// A JSON value in full, the same text for the same value: members sorted.
pub(super) fn canonical(json: &Json) -> String {
    match json {
        Json::Array(items) => {
            format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(","))
        }
        Json::Object(members) => {
            let mut members: Vec<String> = members
                .iter()
                .map(|(name, member)| format!("{name:?}:{}", canonical(member)))
                .collect();
            members.sort();
            format!("{{{}}}", members.join(","))
        }
        Json::String(text) => format!("{text:?}"),
        Json::Null => "null".to_owned(),
        Json::Bool(value) => value.to_string(),
        Json::Number(number) => number.to_string(),
    }
}
