//! Images that a list names by whatever tags their repository has.

use std::fmt;

use regex::{Regex, RegexBuilder};

use super::Versions;
use crate::inventory::is_evidence_tag;
use crate::limits::Limits;
use crate::oci::{InvalidReference, Named, Reference};

/// Tags of one repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagsOf {
    /// The line it stands in, from 1.
    pub line: usize,
    /// The repository, without a tag or digest.
    pub repository: Named,
    /// Which of its tags.
    pub which: Tags,
}

/// Some of the tags that a repository has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tags {
    /// Each that names an image.
    All,
    /// Those of them that hold a match.
    Matching(TagExpression),
    /// Those of them that are versions which meet constraints.
    Versions(Versions),
}

/// A regular expression for tags; it is not anchored, as Go's `regexp.MatchString` is not.
///
/// Tags are ASCII, on which the classes of Go and of this crate agree.
#[derive(Clone, Debug)]
pub struct TagExpression(Regex);

impl TagExpression {
    pub(super) fn parse(text: &str, limits: &Limits) -> Result<Self, Box<regex::Error>> {
        let built = RegexBuilder::new(text).size_limit(limits.regex_bytes).build();
        built.map(Self).map_err(Box::new)
    }
}

impl PartialEq for TagExpression {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Eq for TagExpression {}

impl fmt::Display for TagsOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.repository.familiar();
        match &self.which {
            Tags::All => write!(f, "the tags of {name}"),
            Tags::Versions(versions) => {
                write!(f, "the tags of {name} that are `{}`", versions.text().escape_debug())
            }
            Tags::Matching(TagExpression(expression)) => {
                write!(f, "the tags of {name} that match `{}`", expression.as_str().escape_debug())
            }
        }
    }
}

/// What a list means by the tags of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tagged {
    /// The images, by tag.
    pub images: Vec<Reference>,
    /// Tags of evidence: they are no images, and go with what they speak of.
    pub evidence: usize,
}

impl TagsOf {
    /// The images among `tags`, which are all that the repository has.
    pub fn among(&self, mut tags: Vec<String>) -> Result<Tagged, InvalidReference> {
        tags.sort_unstable();
        tags.dedup();
        tags.retain(|tag| match &self.which {
            Tags::All => true,
            Tags::Matching(TagExpression(expression)) => expression.is_match(tag),
            Tags::Versions(versions) => versions.include(tag),
        });
        let all = tags.len();
        tags.retain(|tag| !is_evidence_tag(tag));
        let evidence = all.saturating_sub(tags.len());
        let image = |tag: &String| self.repository.with_tag(tag)?.to_string().parse();
        let images = tags.iter().map(image).collect::<Result<_, _>>()?;
        Ok(Tagged { images, evidence })
    }
}
