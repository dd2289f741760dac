//! A *document*: one Kubernetes object of a file, as YAML or JSON.
//!
//! Both are read by the YAML reader, which knows where each value stands. A file that begins with `{`
//! or `[` is JSON, is held to the strictness of [`json`], and must say the same to the JSON reader.
//! Plain scalars are what they are to Kubernetes, a YAML 1.1 reader: `yes`, `no`, `on` and `off` are
//! truth values, `y` and `n` are texts. Keys are texts.

use crate::json;
use crate::limits::Limits;
use crate::yaml::{self, Bounds, Unquoted};

use super::error::{Error, Problem};
use super::node::{Node, Value};

/// A document and its place in the file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Document {
    /// Its number, from 1; documents without content are not counted.
    pub number: usize,
    /// The line of the file its text begins at, from 1.
    pub line: usize,
    /// The byte of the file its text begins at.
    pub start: usize,
    pub root: Node,
}

impl Document {
    /// The line of the file a node stands in.
    pub(super) fn line_of(&self, node: &Node) -> usize {
        let inner = usize::try_from(node.line).unwrap_or(usize::MAX);
        self.line.saturating_add(inner).saturating_sub(1)
    }
}

/// Reads every document of a file; `name` is how the user calls it.
pub(super) fn read(text: &str, name: &str, limits: &Limits) -> Result<Vec<Document>, Error> {
    let is_json = text.trim_start().starts_with(['{', '[']);
    let json = is_json.then(|| read_json(text, name, limits)).transpose()?;
    let documents = yaml::documents(text)
        .iter()
        .map(|document| read_yaml(text, document, name, limits))
        .collect::<Result<Vec<_>, _>>()?;
    match (json, documents.as_slice()) {
        (_, []) => Err(Error::whole(name, Problem::Empty)),
        (Some(json), [document]) if document.root.agrees_with(&json) => Ok(documents),
        (Some(_), _) => Err(Error::whole(name, Problem::TwoReadings)),
        (None, _) => Ok(documents),
    }
}

fn read_json(text: &str, name: &str, limits: &Limits) -> Result<serde_json::Value, Error> {
    json::parse(text.as_bytes(), limits.object_depth).map_err(|cause| Error {
        file: name.to_owned(),
        line: Some(cause.line()),
        document: None,
        problem: Box::new(Problem::Json { cause }),
    })
}

fn read_yaml(
    text: &str,
    document: &yaml::Document<'_>,
    name: &str,
    limits: &Limits,
) -> Result<Document, Error> {
    let bounds =
        Bounds { depth: limits.object_depth, nodes: limits.object_nodes, unquoted: Unquoted::Text };
    let mut root: Node = document.read_within(bounds).map_err(|refusal| Error {
        file: name.to_owned(),
        line: Some(refusal.line),
        document: Some(document.number),
        problem: Box::new(Problem::Yaml { message: refusal.message }),
    })?;
    settle(&mut root, text.get(document.start..).unwrap_or_default());
    Ok(Document { number: document.number, line: document.line, start: document.start, root })
}

/// Makes `y` and `n` the texts that they are to Kubernetes.
fn settle(node: &mut Node, text: &str) {
    match &mut node.value {
        Value::Bool(_) => {
            let written = text.get(node.span.clone()).unwrap_or_default();
            if written.len() == 1 {
                node.value = Value::Text(written.to_owned());
            }
        }
        Value::List(items) => items.iter_mut().for_each(|item| settle(item, text)),
        Value::Map(entries) => entries.iter_mut().for_each(|(_, item)| settle(item, text)),
        Value::Null | Value::Number(_) | Value::Text(_) => {}
    }
}
