//! What the target of a mirror holds already: asked before anything is hashed, for what it holds is
//! not pushed.

use std::collections::{BTreeMap, BTreeSet};

use super::discover::fault;
use super::workers::in_parallel;
use super::{Error, Mapping, Receipt, Settings, Sink};
use crate::archive::{Answers, Held};
use crate::digest::Digest;
use crate::inventory::{Inventory, Subject};
use crate::oci::{Descriptor, Document};

/// Asks the target which layers of `subjects` it holds, and in which repository: where the image goes,
/// and for what a delta omits and no base has (`lacking`) then where receipts say and where other
/// images go. That a registry says so is no proof of the bytes; it is what every registry's client
/// relies on when it pushes.
pub fn at_target(
    subjects: &[&Subject],
    lacking: &BTreeMap<Digest, u64>,
    inventory: &Inventory,
    mapping: &Mapping,
    receipts: &[Receipt],
    sink: &dyn Sink,
    settings: &Settings,
) -> Result<Answers, Error> {
    mapping.check_used(inventory.references())?;
    mapping.check_apart(subjects.iter().flat_map(|subject| subject.references()))?;
    let layers = layers(inventory);
    let mut wanted: BTreeMap<Digest, Wanted<'_>> = BTreeMap::new();
    let mut all = BTreeSet::new();
    for subject in subjects {
        for name in subject.references() {
            let repository = mapping.place(name)?.repository().to_owned();
            for blob in inventory.reachable(subject) {
                if layers.contains(&blob.digest) {
                    let entry = wanted.entry(blob.digest);
                    let entry = entry.or_insert_with(|| Wanted { blob, own: BTreeSet::new() });
                    entry.own.insert(repository.clone());
                }
            }
            all.insert(repository);
        }
    }
    let wanted: Vec<_> = wanted.into_values().collect();
    let ask = |Wanted { blob, own }: &Wanted<'_>| {
        let is_lacking = lacking.get(&blob.digest) == Some(&blob.size);
        let told = receipts.iter().flat_map(|receipt| &receipt.blobs);
        let told = told.filter(|held| held.digest == blob.digest);
        let told: BTreeSet<_> = told.flat_map(|held| &held.repositories).collect();
        let further = told.into_iter().chain(&all).filter(|_| is_lacking);
        let mut lacking = BTreeSet::new();
        for repository in own.iter().chain(further) {
            let doing = || format!("ask for {} in {repository}", blob.digest);
            if lacking.contains(&(blob.digest, repository.clone())) {
                continue;
            }
            if sink.holds(repository, blob).map_err(fault(doing))? {
                let held = Held { size: blob.size, repository: repository.clone() };
                return Ok((Some((blob.digest, held)), lacking));
            }
            lacking.insert((blob.digest, repository.clone()));
        }
        Ok::<_, Error>((None, lacking))
    };
    let found = in_parallel(&wanted, settings.concurrency, ask)?;
    let mut answers = Answers::default();
    for (held, lacking) in found {
        answers.held.extend(held);
        answers.lacking.extend(lacking);
    }
    Ok(answers)
}

/// Every blob that is a layer.
fn layers(inventory: &Inventory) -> BTreeSet<Digest> {
    let contents = inventory.subjects.iter().filter_map(|subject| subject.content.as_ref().ok());
    let manifests = contents.filter_map(|content| match &content.document {
        Document::Manifest(manifest) => Some(manifest),
        Document::Index(_) => None,
    });
    manifests.flat_map(|manifest| &manifest.layers).map(|layer| layer.digest).collect()
}

/// A layer and the repositories its images go to.
struct Wanted<'a> {
    blob: &'a Descriptor,
    own: BTreeSet<String>,
}
