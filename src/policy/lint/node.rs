//! A document as a tree whose values know their lines, whatever format it is of.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

/// A value and the line of its document that it begins in, from 1.
#[derive(Debug)]
pub(in crate::policy) struct Node {
    line: u64,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Object(Vec<(String, Node)>),
    Array(Vec<Node>),
    Text(String),
    Bool(bool),
    Number(u64),
    Other,
}

impl Node {
    pub(in crate::policy) fn line(&self) -> u64 {
        self.line
    }

    /// The value of a field; `null` is one that is not there.
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        let found = self.fields().iter().find(|(field, _)| field == name)?;
        (!matches!(found.1.content, Content::Other)).then_some(&found.1)
    }

    /// The value below a path of fields.
    pub(super) fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |node, name| node.get(name))
    }

    pub(super) fn fields(&self) -> &[(String, Self)] {
        match &self.content {
            Content::Object(fields) => fields,
            _ => &[],
        }
    }

    pub(super) fn elements(&self) -> &[Self] {
        match &self.content {
            Content::Array(elements) => elements,
            _ => &[],
        }
    }

    pub(super) fn is_array(&self) -> bool {
        matches!(self.content, Content::Array(_))
    }

    pub(super) fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn truth(&self) -> Option<bool> {
        match self.content {
            Content::Bool(truth) => Some(truth),
            _ => None,
        }
    }

    pub(super) fn number(&self) -> Option<u64> {
        match self.content {
            Content::Number(number) => Some(number),
            _ => None,
        }
    }

    /// The first text in it, in order, that is one of those looked for.
    pub(in crate::policy) fn find(&self, is_one: &dyn Fn(&str) -> bool) -> Option<&Self> {
        match &self.content {
            Content::Text(text) => is_one(text).then_some(self),
            Content::Object(fields) => fields.iter().find_map(|(_, node)| node.find(is_one)),
            Content::Array(elements) => elements.iter().find_map(|node| node.find(is_one)),
            Content::Bool(_) | Content::Number(_) | Content::Other => None,
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned: Spanned<Content> = Spanned::deserialize(deserializer)?;
        Ok(Self { line: spanned.referenced.line().max(1), content: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OfContent)
    }
}

struct OfContent;

impl<'de> Visitor<'de> for OfContent {
    type Value = Content;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Content, E> {
        Ok(Content::Bool(truth))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Content, E> {
        Ok(Content::Number(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Content, E> {
        Ok(u64::try_from(number).map_or(Content::Other, Content::Number))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Content, E> {
        Ok(Content::Other)
    }

    fn visit_str<E>(self, text: &str) -> Result<Content, E> {
        Ok(Content::Text(text.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Content, E> {
        Ok(Content::Other)
    }

    fn visit_none<E>(self) -> Result<Content, E> {
        Ok(Content::Other)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Content, D::Error> {
        Content::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Content, A::Error> {
        let mut found = Vec::new();
        while let Some(element) = elements.next_element()? {
            found.push(element);
        }
        Ok(Content::Array(found))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Content, A::Error> {
        let mut found = Vec::new();
        while let Some(field) = fields.next_entry()? {
            found.push(field);
        }
        Ok(Content::Object(found))
    }
}
