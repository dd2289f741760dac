//! A *pin*: an image with the digest it was judged by, in the place of the image as it was written.
//!
//! Files are not printed anew: a pin replaces the bytes of one scalar, so that order, quoting and
//! comments stay. What comes out is read again and must be the objects that went in, but for the pins.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::digest::Digest;

use super::document;
use super::object::{Image, Object};
use super::{Error, Objects};

/// The image of an object, pinned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The number of the document, from 1.
    pub document: usize,
    /// Where the object stands in the document, a JSON pointer.
    pub object: String,
    /// Where the image stands in the object, a JSON pointer.
    pub pointer: String,
    /// What is to stand there.
    pub text: String,
    token: Range<usize>,
}

impl Pin {
    /// Pins an image to the digest its reference resolved to, tag kept and nothing normalised; `None`
    /// where the text has that digest already.
    pub fn new(
        object: &Object,
        image: &Image,
        digest: &Digest,
    ) -> Result<Option<Self>, OtherDigest> {
        let wanted = digest.to_string();
        if image.written.contains(&wanted) {
            return Ok(None);
        }
        if image.pulled.contains('@') {
            return Err(OtherDigest { image: image.pulled.clone(), digest: *digest });
        }
        Ok(Some(Self {
            document: object.document,
            object: object.pointer.clone(),
            pointer: image.pointer.clone(),
            text: format!("{}@{wanted}", image.pulled),
            token: image.token.clone(),
        }))
    }
}

/// An image is to be pinned to another digest than it names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` names another digest than {digest}", .image.escape_debug())]
pub struct OtherDigest {
    /// The image.
    pub image: String,
    /// The digest it was to be pinned to.
    pub digest: Digest,
}

impl Objects {
    /// The file with pins in place, YAML as YAML and JSON as JSON.
    pub fn pinned(&self, pins: &[Pin]) -> Result<String, Unwritable> {
        let mut edits: BTreeMap<(usize, usize), &Pin> = BTreeMap::new();
        for pin in pins {
            let place = (pin.token.start, pin.token.end);
            if edits.insert(place, pin).is_some_and(|other| other.text != pin.text) {
                return Err(Unwritable::Shared { path: pin.path() });
            }
        }
        let mut pinned = String::with_capacity(self.text.len());
        let mut done = 0;
        for ((start, end), pin) in edits {
            let before = self.text.get(done..start);
            let token = self.text.get(start..end);
            let (Some(before), Some(token)) = (before, token) else {
                return Err(Unwritable::Shared { path: pin.path() });
            };
            pinned.push_str(before);
            pinned.push_str(&spelled(&pin.text, token));
            done = end;
        }
        pinned.push_str(self.text.get(done..).unwrap_or_default());
        self.check(&pinned, pins)?;
        Ok(pinned)
    }

    /// Reads the outcome again: the objects are the same, but for the pins.
    fn check(&self, pinned: &str, pins: &[Pin]) -> Result<(), Unwritable> {
        let found = document::read(pinned, &self.name, &self.limits)
            .map_err(|cause| Unwritable::Unreadable { cause })?;
        let mut wanted = self.documents.clone();
        for pin in pins {
            let place = format!("{}{}", pin.object, pin.pointer);
            let document = wanted.iter_mut().find(|document| document.number == pin.document);
            if let Some(node) = document.and_then(|document| document.root.find_mut(&place)) {
                node.value = super::node::Value::Text(pin.text.clone());
            }
        }
        let is_wanted = wanted.len() == found.len()
            && wanted.iter().zip(&found).all(|(wanted, found)| wanted.root == found.root);
        match pins.first() {
            Some(pin) if !is_wanted => Err(Unwritable::Shared { path: pin.path() }),
            _ => Ok(()),
        }
    }
}

impl Pin {
    fn path(&self) -> String {
        format!("{}{}", self.object, self.pointer)
    }
}

/// A text in the manner of the scalar it replaces: plain, in single quotes, or in double quotes as
/// JSON has them.
fn spelled(text: &str, token: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || ".-_/:@".contains(c);
    match token.chars().next() {
        Some('\'') if !text.contains('\'') => format!("'{text}'"),
        Some(first) if first.is_ascii_alphanumeric() && text.chars().all(is_plain) => {
            let blank = token.len().saturating_sub(token.trim_end().len());
            let end = token.get(token.len().saturating_sub(blank)..).unwrap_or_default();
            format!("{text}{end}")
        }
        _ => serde_json::to_string(text).expect("a text"),
    }
}

/// Why pins cannot be put in place.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum Unwritable {
    /// The text of an image also says something else: it has an anchor.
    #[error(
        "`{path}` cannot be written in place, for the text of an image here is that of another \
         value too; write each out instead of using an alias"
    )]
    Shared {
        /// Where.
        path: String,
    },
    /// The outcome could not be read.
    #[error("the file with its images pinned cannot be read again")]
    Unreadable {
        /// Why not.
        #[source]
        cause: Error,
    },
}
