//! A *document* opened to the last spelling: JSON inside base64 inside JSON, base64 inside base64,
//! certificates inside PEM. Every part can be changed and the whole written again; what is not
//! touched comes out byte for byte.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// A part of a document. Objects keep their order and may hold a key twice.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Tree {
    Object(Vec<(String, Tree)>),
    List(Vec<Tree>),
    Text(Text),
    /// A number, a truth value or null.
    Plain(Value),
}

/// A text, its spellings from the outermost inwards.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Text {
    pub(crate) spellings: Vec<Spelling>,
    pub(crate) content: Content,
}

/// How bytes are spelled.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Spelling {
    Base64,
    Pem(String),
}

/// What remains when every spelling is undone.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Content {
    Bytes(Vec<u8>),
    Document(Box<Tree>),
}

/// A step from a part to one of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Field(String),
    Item(usize),
    Inside,
}

impl Tree {
    /// Reads JSON.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    /// Writes JSON without white space; `None` where a part that has to be text is none.
    pub(crate) fn json(&self) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        self.write(&mut out)?;
        Some(out)
    }

    fn write(&self, out: &mut Vec<u8>) -> Option<()> {
        match self {
            Self::Object(fields) => {
                out.push(b'{');
                for (at, (name, value)) in fields.iter().enumerate() {
                    out.extend(if at > 0 { "," } else { "" }.bytes());
                    serde_json::to_writer(&mut *out, name).ok()?;
                    out.push(b':');
                    value.write(out)?;
                }
                out.push(b'}');
            }
            Self::List(items) => {
                out.push(b'[');
                for (at, item) in items.iter().enumerate() {
                    out.extend(if at > 0 { "," } else { "" }.bytes());
                    item.write(out)?;
                }
                out.push(b']');
            }
            Self::Text(text) => {
                let spelled = String::from_utf8(text.spelled()?).ok()?;
                serde_json::to_writer(out, &spelled).ok()?;
            }
            Self::Plain(value) => serde_json::to_writer(out, value).ok()?,
        }
        Some(())
    }

    /// The part at `path`.
    pub(crate) fn at(&self, path: &[Step]) -> Option<&Self> {
        let Some((step, below)) = path.split_first() else { return Some(self) };
        let part = match (self, step) {
            (Self::Object(fields), Step::Field(name)) => {
                &fields.iter().find(|(key, _)| key == name)?.1
            }
            (Self::List(items), Step::Item(at)) => items.get(*at)?,
            (Self::Text(Text { content: Content::Document(inner), .. }), Step::Inside) => inner,
            _ => return None,
        };
        part.at(below)
    }

    /// The same, to be changed.
    pub(crate) fn at_mut(&mut self, path: &[Step]) -> Option<&mut Self> {
        let Some((step, below)) = path.split_first() else { return Some(self) };
        let part = match (self, step) {
            (Self::Object(fields), Step::Field(name)) => {
                &mut fields.iter_mut().find(|(key, _)| key == name)?.1
            }
            (Self::List(items), Step::Item(at)) => items.get_mut(*at)?,
            (Self::Text(Text { content: Content::Document(inner), .. }), Step::Inside) => inner,
            _ => return None,
        };
        part.at_mut(below)
    }

    /// Every part, from the whole inwards.
    pub(crate) fn paths(&self) -> Vec<Vec<Step>> {
        let mut paths = Vec::new();
        self.walk(&mut Vec::new(), &mut paths);
        paths
    }

    fn walk(&self, here: &mut Vec<Step>, paths: &mut Vec<Vec<Step>>) {
        paths.push(here.clone());
        let parts: Vec<(Step, &Self)> = match self {
            Self::Object(fields) => {
                fields.iter().map(|(name, part)| (Step::Field(name.clone()), part)).collect()
            }
            Self::List(items) => {
                // Of a long list the ends and the middle stand for all.
                let (last, middle) = (items.len().saturating_sub(1), items.len() / 2);
                let chosen = |at: &usize| items.len() < 4 || [0, middle, last].contains(at);
                let items = items.iter().enumerate().filter(|(at, _)| chosen(at));
                items.map(|(at, part)| (Step::Item(at), part)).collect()
            }
            Self::Text(Text { content: Content::Document(inner), .. }) => {
                vec![(Step::Inside, inner)]
            }
            Self::Text(_) | Self::Plain(_) => Vec::new(),
        };
        for (step, part) in parts {
            here.push(step);
            part.walk(here, paths);
            here.pop();
        }
    }
}

impl Text {
    /// Undoes every spelling that can be done again to the same text.
    pub(crate) fn open(text: &str) -> Self {
        Self::of_bytes(text.as_bytes())
    }

    fn of_bytes(bytes: &[u8]) -> Self {
        let document = Tree::parse(bytes).filter(|tree| {
            matches!(tree, Tree::Object(_)) && tree.json().as_deref() == Some(bytes)
        });
        if let Some(document) = document {
            return Self { spellings: Vec::new(), content: Content::Document(Box::new(document)) };
        }
        let undone = std::str::from_utf8(bytes).ok().and_then(Spelling::undo);
        match undone {
            Some((spelling, inner)) => {
                let mut text = Self::of_bytes(&inner);
                text.spellings.insert(0, spelling);
                text
            }
            None => Self::plain(bytes.to_vec()),
        }
    }

    /// Bytes as they stand.
    pub(crate) fn plain(bytes: Vec<u8>) -> Self {
        Self { spellings: Vec::new(), content: Content::Bytes(bytes) }
    }

    /// The bytes in all their spellings.
    pub(crate) fn spelled(&self) -> Option<Vec<u8>> {
        let mut bytes = match &self.content {
            Content::Bytes(bytes) => bytes.clone(),
            Content::Document(inner) => inner.json()?,
        };
        for spelling in self.spellings.iter().rev() {
            bytes = spelling.apply(&bytes).into_bytes();
        }
        Some(bytes)
    }
}

impl Spelling {
    fn apply(&self, bytes: &[u8]) -> String {
        match self {
            Self::Base64 => STANDARD.encode(bytes),
            Self::Pem(label) => {
                let base64 = STANDARD.encode(bytes);
                let lines: Vec<_> =
                    base64.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
                format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
            }
        }
    }

    fn undo(text: &str) -> Option<(Self, Vec<u8>)> {
        let (spelling, base64) = match text.strip_prefix("-----BEGIN ") {
            Some(rest) => {
                let (label, rest) = rest.split_once("-----\n")?;
                let (base64, _) = rest.split_once("\n-----END ")?;
                (Self::Pem(label.to_owned()), base64.replace('\n', ""))
            }
            // Shorter ones are words that happen to be base64.
            None => (Self::Base64, Some(text).filter(|text| text.len() >= 16)?.to_owned()),
        };
        let bytes = STANDARD.decode(base64).ok()?;
        (spelling.apply(&bytes) == text).then_some((spelling, bytes))
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Plain(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Plain(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Plain(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
        Ok(Tree::Plain(value.into()))
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Plain(Value::Null))
    }

    fn visit_str<E>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Text(Text::open(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tree, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Tree::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Tree, A::Error> {
        let mut object = Vec::new();
        while let Some(field) = fields.next_entry()? {
            object.push(field);
        }
        Ok(Tree::Object(object))
    }
}
