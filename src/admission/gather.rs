//! From documents to objects: lists and admission requests are opened, each object asked for what it
//! is and what it would run.

use std::collections::BTreeMap;

use super::document::Document;
use super::error::{Error, Problem};
use super::node::{Node, Value, pointer_step};
use super::object::{Image, Images, Object};
use super::review::{self, Request};
use super::{plan, pod_spec};

/// The objects of every document, and the admission request if the file is one.
pub(super) fn objects(
    documents: &[Document],
    name: &str,
) -> Result<(Vec<Object>, Option<Request>), Error> {
    let mut objects = Vec::new();
    let mut request = None;
    for document in documents {
        let mut gathering = Gathering { name, document, request: None, objects: &mut objects };
        if review::is_review(&document.root) {
            if documents.len() > 1 {
                return Err(gathering.error((&document.root, Problem::ReviewNotAlone)));
            }
            request = Some(gathering.open_review()?);
        } else {
            gathering.open(&document.root, String::new(), None)?;
        }
    }
    Ok((objects, request))
}

/// What `apiVersion` and `kind` say together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TypeMeta {
    pub group: String,
    pub version: String,
    pub kind: String,
}

impl TypeMeta {
    fn of(api_version: &str, kind: &str) -> Self {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        Self { group: group.to_owned(), version: version.to_owned(), kind: kind.to_owned() }
    }

    fn api_version(&self) -> String {
        match self.group.as_str() {
            "" => self.version.clone(),
            group => format!("{group}/{}", self.version),
        }
    }
}

struct Gathering<'a> {
    name: &'a str,
    document: &'a Document,
    request: Option<Request>,
    objects: &'a mut Vec<Object>,
}

impl<'a> Gathering<'a> {
    fn error(&self, (node, problem): (&Node, Problem)) -> Error {
        Error {
            file: self.name.to_owned(),
            document: Some(self.document.number),
            line: Some(self.document.line_of(node)),
            problem: Box::new(problem),
        }
    }

    fn open_review(mut self) -> Result<Request, Error> {
        let (request, carried) =
            review::request(&self.document.root).map_err(|wrong| self.error(wrong))?;
        self.request = Some(request.clone());
        if let Some((pointer, object)) = carried {
            let kind = self.carried_kind(object, &pointer, &request)?;
            self.object(object, pointer, kind)?;
        }
        Ok(request)
    }

    /// The kind the request is for; an object that says otherwise of itself would be read as two.
    fn carried_kind(&self, object: &Node, at: &str, request: &Request) -> Result<TypeMeta, Error> {
        let [group, version, kind] =
            [&request.group, &request.version, &request.kind].map(Clone::clone);
        let wanted = TypeMeta { group, version, kind };
        for (key, wanted) in [("apiVersion", wanted.api_version()), ("kind", wanted.kind.clone())] {
            let path = format!("{at}/{key}");
            match self.text(object, key, at)? {
                Some(found) if found != wanted => {
                    let found = found.to_owned();
                    return Err(self.error((object, Problem::OtherKind { path, found, wanted })));
                }
                _ => {}
            }
        }
        Ok(wanted)
    }

    /// Gathers an object, or the items of a list. Items of a typed list are without a kind where an
    /// API server wrote them; theirs is `given` by the list.
    fn open(
        &mut self,
        node: &'a Node,
        pointer: String,
        given: Option<TypeMeta>,
    ) -> Result<(), Error> {
        if !matches!(node.value, Value::Map(_)) {
            return Err(self.error((node, Problem::NotAnObject { path: pointer })));
        }
        if review::is_review(node) {
            return Err(self.error((node, Problem::ReviewNotAlone)));
        }
        let api_version = self.text(node, "apiVersion", &pointer)?;
        let own = self.text(node, "kind", &pointer)?;
        let kind = match (api_version, own, given) {
            (Some(api_version), Some(kind), _) => TypeMeta::of(api_version, kind),
            (None, None, Some(given)) => given,
            (api_version, ..) => {
                let key = if api_version.is_some() { "kind" } else { "apiVersion" };
                return Err(
                    self.error((node, Problem::Missing { path: format!("{pointer}/{key}") }))
                );
            }
        };
        match (kind.kind.strip_suffix("List"), node.get("items").map(|items| &items.value)) {
            (Some(of), Some(Value::List(items))) => self.open_items(items, &pointer, of, &kind),
            (Some(""), Some(_)) => {
                let path = format!("{pointer}/items");
                Err(self.error((node, Problem::Wrong { path, wanted: "list" })))
            }
            (Some(""), None) => Ok(()),
            _ => self.object(node, pointer, kind),
        }
    }

    fn open_items(
        &mut self,
        items: &'a [Node],
        pointer: &str,
        of: &str,
        list: &TypeMeta,
    ) -> Result<(), Error> {
        let given = (!of.is_empty()).then(|| TypeMeta { kind: of.to_owned(), ..list.clone() });
        items.iter().enumerate().try_for_each(|(index, item)| {
            self.open(item, format!("{pointer}/items/{index}"), given.clone())
        })
    }

    fn object(&mut self, node: &'a Node, pointer: String, kind: TypeMeta) -> Result<(), Error> {
        let images = self.images(node, &pointer, &kind)?;
        let metadata_path = format!("{pointer}/metadata");
        let metadata = node.get("metadata");
        if let Some(metadata) = metadata.filter(|node| !matches!(node.value, Value::Map(_))) {
            return Err(
                self.error((metadata, Problem::Wrong { path: metadata_path, wanted: "map" }))
            );
        }
        let text = |key| match metadata {
            Some(metadata) => Ok(self.text(metadata, key, &metadata_path)?.map(str::to_owned)),
            None => Ok(None),
        };
        let asked = self.request.as_ref();
        let namespace = text("namespace")?.or_else(|| asked?.namespace.clone());
        let name = text("name")?.or_else(|| asked?.name.clone());
        let labels = self.labels(metadata.and_then(|node| node.get("labels")), &metadata_path)?;
        let TypeMeta { group, version, kind } = kind;
        let (document, line) = (self.document.number, self.document.line_of(node));
        self.objects.push(Object {
            document,
            line,
            pointer,
            kind,
            group,
            version,
            namespace,
            name,
            labels,
            images,
        });
        Ok(())
    }

    fn images(&self, node: &'a Node, pointer: &str, kind: &TypeMeta) -> Result<Images, Error> {
        let prefixed =
            |(node, problem): (&Node, Problem)| self.error((node, problem.below(pointer)));
        if kind.kind == "Plan" && kind.group == plan::GROUP {
            let named = plan::images(node).map_err(prefixed)?;
            let named = named
                .into_iter()
                .map(|(pointer, node, pulled)| {
                    self.image(super::Field::Plan, pointer, node, Some(pulled))
                })
                .collect();
            return Ok(Images::Known { named, besides: plan::besides(node) });
        }
        let Some(found) = pod_spec::images(node, &kind.kind, &kind.group) else {
            return Ok(Images::UnknownKind);
        };
        let named = found
            .map_err(prefixed)?
            .into_iter()
            .map(|(field, pointer, node)| self.image(field, pointer, node, None))
            .collect();
        Ok(Images::Known { named, besides: Vec::new() })
    }

    fn image(
        &self,
        field: super::Field,
        pointer: String,
        node: &Node,
        pulled: Option<String>,
    ) -> Image {
        let written = node.text().unwrap_or_default().to_owned();
        let pulled = pulled.unwrap_or_else(|| written.clone());
        let start = |at: usize| self.document.start.saturating_add(at);
        Image {
            field,
            pointer,
            written,
            pulled,
            token: start(node.span.start)..start(node.span.end),
        }
    }

    fn labels(
        &self,
        labels: Option<&Node>,
        metadata: &str,
    ) -> Result<BTreeMap<String, String>, Error> {
        let path = format!("{metadata}/labels");
        let entries = match labels.map(|node| (node, &node.value)) {
            None => return Ok(BTreeMap::new()),
            Some((_, Value::Map(entries))) => entries,
            Some((node, _)) => {
                return Err(self.error((node, Problem::Wrong { path, wanted: "map" })));
            }
        };
        let label = |(key, node): &(String, Node)| {
            let wrong = || {
                let path = format!("{path}{}", pointer_step(key));
                self.error((node, Problem::Wrong { path, wanted: "text" }))
            };
            let text = node.text().ok_or_else(wrong)?;
            Ok((key.clone(), text.to_owned()))
        };
        entries.iter().map(label).collect()
    }

    fn text<'n>(&self, node: &'n Node, key: &str, at: &str) -> Result<Option<&'n str>, Error> {
        match node.get(key).map(|node| (node, node.text())) {
            None | Some((_, Some(""))) => Ok(None),
            Some((_, Some(text))) => Ok(Some(text)),
            Some((node, None)) => {
                let path = format!("{at}/{key}");
                Err(self.error((node, Problem::Wrong { path, wanted: "text" })))
            }
        }
    }
}
