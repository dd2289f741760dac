//! A *list*: the images to export, as some other tool's users write them down.
//!
//! | form | told by |
//! | --- | --- |
//! | one location on a line, with `#` comments; `source=destination` as in oc-mirror's `mapping.txt` | no line is a YAML key |
//! | hauler's manifest | `apiVersion: content.hauler.cattle.io/v1` |
//! | imgpkg's lock | `kind: ImagesLock` |
//! | oc-mirror's configuration | `kind: ImageSetConfiguration` |
//! | what `skopeo sync` reads | YAML without a `kind` |
//!
//! [`List::parse`] is the one way in and looks at the content alone. Which images [`List::tags`] means
//! the registry has to say. What a list asks for that no
//! export does is never passed over: it stands in [`List::left_over`], or is an error where it decides
//! which images are meant.

mod document;
mod tags;
mod versions;

use std::fmt;

pub use tags::{TagExpression, Tagged, Tags, TagsOf};
pub use versions::Versions;

use super::{InvalidLocation, InvalidPlatform, Location, WantedPlatform};
use crate::limits::Limits;
use crate::oci::InvalidReference;
use crate::yaml;

/// The images to export.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List {
    /// The images, in the order they are written.
    pub entries: Vec<ListEntry>,
    /// Repositories of which images are meant that are not named.
    pub tags: Vec<TagsOf>,
    /// What the list asks for beside.
    pub left_over: Vec<LeftOver>,
    /// Where images shall go, which is a mirror's matter: how many say it.
    pub destinations: usize,
}

/// An image of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListEntry {
    /// The line it stands in, from 1.
    pub line: usize,
    /// Where it is.
    pub location: Location,
    /// The one platform that is asked for.
    pub platform: Option<WantedPlatform>,
}

/// What a list asks for and no export does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOver {
    /// The line of its document, from 1.
    pub line: usize,
    /// What it is, in the list's own words.
    pub what: String,
}

impl fmt::Display for LeftOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl List {
    /// Reads a list of any form.
    pub fn parse(text: &str, limits: &Limits) -> Result<Self, ListError> {
        // Editors on Windows begin a file with a mark that is no part of it.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let list = if is_yaml(text) { document::read(text, limits)? } else { lines(text)? };
        if list.entries.len().saturating_add(list.tags.len()) > limits.descriptors {
            return Err(ListError::Limit { limit: limits.descriptors });
        }
        Ok(list)
    }
}

/// Whether the first line that says something is a key of YAML, the beginning of a document, or JSON.
/// No location holds a colon at its end or before a space.
fn is_yaml(text: &str) -> bool {
    lines_of(text).next().is_some_and(|(_, line)| {
        line == "---" || line.ends_with(':') || line.contains(": ") || line.starts_with('{')
    })
}

/// The lines that say something, without comments and the blanks around them, by number.
fn lines_of(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1_usize..)
        .zip(text.lines())
        .map(|(number, line)| (number, line.split_once('#').map_or(line, |(line, _)| line).trim()))
        .filter(|(_, line)| !line.is_empty())
}

/// `location [ "=" destination ]` on each line.
fn lines(text: &str) -> Result<List, ListError> {
    let mut list = List::default();
    for (line, text) in lines_of(text) {
        let (source, destination) = match text.split_once('=') {
            Some((source, destination)) => (source.trim(), Some(destination.trim())),
            None => (text, None),
        };
        if destination == Some("") {
            return Err(ListError::NoDestination { line, text: text.to_owned() });
        }
        let location = location(line, source)?;
        list.destinations = list.destinations.saturating_add(usize::from(destination.is_some()));
        list.entries.push(ListEntry { line, location, platform: None });
    }
    Ok(list)
}

fn location(line: usize, text: &str) -> Result<Location, ListError> {
    let wrong = |cause| ListError::Location { line, text: text.to_owned(), cause };
    text.parse().map_err(wrong)
}

/// Why a list cannot be read.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ListError {
    /// A line or value is no location.
    #[error("line {line}: `{}`", text.escape_debug())]
    Location {
        /// Where.
        line: usize,
        /// What stands there.
        text: String,
        /// Why not.
        #[source]
        cause: InvalidLocation,
    },
    /// A mapping leads nowhere.
    #[error("line {line}: `{}` names no destination after `=`", text.escape_debug())]
    NoDestination {
        /// Where.
        line: usize,
        /// What stands there.
        text: String,
    },
    /// The YAML is not what its kind is.
    #[error("line {line}: {message}")]
    Yaml {
        /// Where.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// A document of another kind or version.
    #[error(
        "line {line}: `{}` of `{}` is no list of images that sealift reads",
        kind.escape_debug(),
        api_version.escape_debug()
    )]
    Kind {
        /// Where the document begins.
        line: usize,
        /// Its `kind`.
        kind: String,
        /// Its `apiVersion`.
        api_version: String,
    },
    /// An image of a lock without a digest.
    #[error("line {line}: `{}` has no digest, and an ImagesLock names images by digest alone", image.escape_debug())]
    Unpinned {
        /// Where.
        line: usize,
        /// The image.
        image: String,
    },
    /// A repository that is none.
    #[error("line {line}: `{}`", text.escape_debug())]
    Repository {
        /// Where.
        line: usize,
        /// What stands there.
        text: String,
        /// Why not.
        #[source]
        cause: InvalidReference,
    },
    /// An expression that is none.
    #[error("line {line}: `{}` cannot be used as a regular expression", text.escape_debug())]
    Expression {
        /// Where.
        line: usize,
        /// What stands there.
        text: String,
        /// Why not.
        #[source]
        cause: Box<regex::Error>,
    },
    /// Constraints that are none.
    #[error("line {line}: `{}` is no constraint of versions, such as `>=1.2, <2`", text.escape_debug())]
    Versions {
        /// Where.
        line: usize,
        /// What stands there.
        text: String,
    },
    /// Where short names come from is said beside them.
    #[error(
        "line {line}: the annotation `hauler.dev/registry` (`{}`) moves images without a registry there; \
         write their full names",
        registry.escape_debug()
    )]
    OtherRegistry {
        /// Where the document begins.
        line: usize,
        /// The registry.
        registry: String,
    },
    /// An image of this machine's container engine.
    #[error(
        "line {line}: `{}` is `local`: an engine keeps no manifest that anybody signed; \
         push it, and name it where it is",
        image.escape_debug()
    )]
    Local {
        /// Where.
        line: usize,
        /// The image.
        image: String,
    },
    /// A platform that is none.
    #[error("line {line}: `{}`", text.escape_debug())]
    Platform {
        /// Where.
        line: usize,
        /// What stands there.
        text: String,
        /// Why not.
        #[source]
        cause: InvalidPlatform,
    },
    /// More images than [`Limits`] allows.
    #[error("more than {limit} images in one list")]
    Limit {
        /// The cap.
        limit: usize,
    },
}

impl From<yaml::Refusal> for ListError {
    fn from(yaml::Refusal { line, message }: yaml::Refusal) -> Self {
        Self::Yaml { line, message }
    }
}

#[cfg(test)]
mod tests;
