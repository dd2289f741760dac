//! Which images are judged, and how subjects hang together.

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use super::Error;
use crate::digest::Digest;
use crate::inventory::{Inventory, Name, Subject};
use crate::oci::Reference;
use crate::report::Image;

/// The name of an image to judge: a digest, a full reference, or a bare tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    text: String,
}

impl Selector {
    /// A selector by its text.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into() }
    }

    /// Whether an image that was judged is one it selects.
    pub fn selects(&self, image: &Image) -> bool {
        let name = |text: &String| match text.parse() {
            // A reference is told in full, with its registry.
            Ok(reference) if text.contains('/') => Name::Reference(reference),
            _ => Name::Tag(text.clone()),
        };
        self.is_of(&image.digest, image.names.iter().map(name))
    }

    fn matches(&self, subject: &Subject) -> bool {
        self.is_of(&subject.descriptor.digest, subject.names.iter().cloned())
    }

    fn is_of(&self, digest: &Digest, mut names: impl Iterator<Item = Name>) -> bool {
        if let Ok(wanted) = self.text.parse::<Digest>() {
            return *digest == wanted;
        }
        let reference = self.text.parse::<Reference>().ok();
        names.any(|name| match name {
            Name::Tag(tag) => tag == self.text,
            Name::Reference(name) => {
                reference.as_ref().is_some_and(|wanted| is_meant(wanted, &name, digest))
            }
        })
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Where the reference holds a digest, the digest decides and a tag beside it must be the name's.
fn is_meant(wanted: &Reference, name: &Reference, digest: &Digest) -> bool {
    let Some(promised) = wanted.digest() else {
        return wanted == name;
    };
    promised == digest
        && wanted.name() == name.name()
        && wanted.tag().is_none_or(|tag| name.tag() == Some(tag))
}

/// The places of the subjects to judge, in the order of the inventory.
pub(super) fn choose(inventory: &Inventory, selection: &[Selector]) -> Result<Vec<usize>, Error> {
    let roots = || {
        let roots = inventory.subjects.iter().enumerate();
        roots.filter(|(_, subject)| subject.is_root).map(|(place, _)| place)
    };
    if roots().next().is_none() {
        return Err(match inventory.orphans.len() {
            0 => Error::NoImage,
            orphans => Error::OnlyEvidence { orphans },
        });
    }
    if selection.is_empty() {
        return Ok(roots().collect());
    }
    let mut chosen = BTreeSet::new();
    for selector in selection {
        let matching = inventory.subjects.iter().enumerate();
        let before = matching.filter(|(_, subject)| selector.matches(subject));
        let found: Vec<_> = before.map(|(place, _)| place).collect();
        if found.is_empty() {
            return Err(Error::NotFound {
                selector: selector.to_string(),
                names: names(inventory),
            });
        }
        chosen.extend(found);
    }
    Ok(chosen.into_iter().collect())
}

/// The subjects that a reference means.
pub(super) fn meant(inventory: &Inventory, wanted: &Reference) -> Vec<usize> {
    let is_called = |subject: &Subject| {
        subject.names.iter().any(|name| match name {
            Name::Tag(_) => false,
            Name::Reference(name) => is_meant(wanted, name, &subject.descriptor.digest),
        })
    };
    let subjects = inventory.subjects.iter().enumerate();
    subjects.filter(|(_, subject)| is_called(subject)).map(|(place, _)| place).collect()
}

/// What the images of the archive are called.
pub(super) fn names(inventory: &Inventory) -> Vec<String> {
    let roots = inventory.subjects.iter().filter(|subject| subject.is_root);
    roots
        .map(|subject| match subject.names.first() {
            Some(name) => name.to_string(),
            None => subject.descriptor.digest.to_string(),
        })
        .collect()
}

/// Where each subject stands in the inventory.
pub(super) struct Map<'a> {
    inventory: &'a Inventory,
    places: HashMap<Digest, usize>,
}

impl<'a> Map<'a> {
    pub(super) fn of(inventory: &'a Inventory) -> Self {
        let subjects = inventory.subjects.iter().enumerate();
        let places = subjects.map(|(place, subject)| (subject.descriptor.digest, place)).collect();
        Self { inventory, places }
    }

    /// The subject of that digest, and its place.
    pub(super) fn subject(&self, digest: &Digest) -> Option<(usize, &'a Subject)> {
        let place = *self.places.get(digest)?;
        Some((place, self.inventory.subjects.get(place)?))
    }

    /// The subjects whose bytes and evidence matter: all, or what is chosen, above it and below it.
    pub(super) fn concerned(&self, chosen: &[usize], selection: &[Selector]) -> BTreeSet<usize> {
        if selection.is_empty() {
            return (0..self.inventory.subjects.len()).collect();
        }
        self.around(chosen)
    }

    /// The digest of the subject at a place.
    pub(super) fn digest(&self, place: usize) -> Option<Digest> {
        self.inventory.subjects.get(place).map(|subject| subject.descriptor.digest)
    }

    /// What is chosen, above it and below it.
    pub(super) fn around(&self, chosen: &[usize]) -> BTreeSet<usize> {
        let mut concerned = BTreeSet::new();
        for &place in chosen {
            self.add_below(place, &mut concerned);
            concerned.extend(self.above(place));
        }
        concerned
    }

    fn add_below(&self, place: usize, found: &mut BTreeSet<usize>) {
        let Some(subject) = self.inventory.subjects.get(place) else { return };
        if !found.insert(place) {
            return;
        }
        for child in super::parts::children(subject) {
            if let Some((place, _)) = self.subject(&child.digest) {
                self.add_below(place, found);
            }
        }
    }

    /// The indexes above a subject, the nearest first, each once.
    pub(super) fn above(&self, place: usize) -> Vec<usize> {
        let mut found = Vec::new();
        let mut waiting = vec![place];
        while let Some(next) = waiting.pop() {
            let parents = self.inventory.subjects.get(next).map_or(&[][..], |s| &s.parents);
            for (place, _) in parents.iter().filter_map(|digest| self.subject(digest)) {
                if !found.contains(&place) {
                    found.push(place);
                    waiting.push(place);
                }
            }
        }
        found
    }
}
