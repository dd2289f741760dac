//! What is to run? Kubernetes objects, read for the images they name and written back with those
//! images pinned to digests.
//!
//! Whatever can be asked of an object without asking a cluster is in [`Object`]; whether its images are
//! acceptable is not decided here. Objects of kinds in which no images are known are kept and say so.
//! Start reading at [`Objects::parse`].
//!
//! Nothing is guessed: a container without an image, an image that is no text and a plan whose tag a
//! server would choose are errors that name the place.

#![forbid(clippy::disallowed_types, clippy::disallowed_methods)]

mod document;
mod error;
mod gather;
mod node;
mod object;
mod pin;
mod plan;
mod pod_spec;
mod review;

pub use error::{Error, Problem};
pub use object::{Besides, Field, Image, Images, Object, System};
pub use pin::{OtherDigest, Pin, Unwritable};
pub use review::{Operation, Outcome, Request, Response, ReviewVersion};

use crate::limits::Limits;

use document::Document;

/// The objects of a file, in its order.
#[derive(Clone, Debug)]
pub struct Objects {
    name: String,
    limits: Limits,
    text: String,
    documents: Vec<Document>,
    all: Vec<Object>,
    request: Option<Request>,
}

impl Objects {
    /// Reads YAML with one or several documents, or JSON: objects, lists of objects, one admission
    /// review or one bare admission request. `name` is how the user calls the file.
    pub fn parse(bytes: &[u8], name: &str, limits: &Limits) -> Result<Self, Error> {
        if u64::try_from(bytes.len()).map_or(true, |size| size > limits.object_bytes) {
            return Err(Error::whole(name, Problem::TooLarge { limit: limits.object_bytes }));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| Error::whole(name, Problem::NotText))?;
        let documents = document::read(text, name, limits)?;
        let (all, request) = gather::objects(&documents, name)?;
        let (name, text) = (name.to_owned(), text.to_owned());
        Ok(Self { name, limits: *limits, text, documents, all, request })
    }

    /// How the user calls the file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Every object, those of unknown kinds included.
    pub fn objects(&self) -> &[Object] {
        &self.all
    }

    /// An object as a whole, as JSON.
    pub fn document(&self, object: &Object) -> serde_json::Value {
        let document = self.documents.iter().find(|document| document.number == object.document);
        let node = document.and_then(|document| document.root.find(&object.pointer));
        node.map_or(serde_json::Value::Null, node::Node::to_json)
    }

    /// The admission request that carried the object, if the file is one.
    pub fn request(&self) -> Option<&Request> {
        self.request.as_ref()
    }
}

#[cfg(test)]
mod tests;
