//! The *base* of a delta: what the far side holds already, asked of the target of a mirror.

use std::collections::{BTreeMap, BTreeSet};

use super::discover::fault;
use super::workers::in_parallel;
use super::{Error, Mapping, Receipt, Settings, Sink};
use crate::digest::Digest;
use crate::inventory::{Inventory, Name};
use crate::oci::Descriptor;

/// Asks the target which of the blobs that a delta leaves to its base it holds, and in which
/// repository: first where the image goes, then where receipts say, then where other images go. That
/// a registry says so is no proof of the bytes; it is what every registry's client relies on.
pub fn at_target(
    omitted: &BTreeMap<Digest, u64>,
    inventory: &Inventory,
    mapping: &Mapping,
    receipts: &[Receipt],
    sink: &dyn Sink,
    settings: &Settings,
) -> Result<BTreeMap<Digest, String>, Error> {
    let mut wanted: BTreeMap<Digest, Wanted<'_>> = BTreeMap::new();
    let mut all = BTreeSet::new();
    for subject in inventory.subjects.iter().filter(|subject| subject.is_root) {
        for name in &subject.names {
            let Name::Reference(name) = name else { continue };
            let repository = mapping.place(name)?.repository().to_owned();
            for blob in inventory.reachable(subject) {
                if omitted.get(&blob.digest) == Some(&blob.size) {
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
        let told = receipts.iter().flat_map(|receipt| &receipt.blobs);
        let told = told.filter(|held| held.digest == blob.digest);
        let told: BTreeSet<_> = told.flat_map(|held| &held.repositories).collect();
        let mut asked = BTreeSet::new();
        for repository in own.iter().chain(told).chain(&all) {
            let doing = || format!("ask for {} in {repository}", blob.digest);
            if asked.insert(repository) && sink.holds(repository, blob).map_err(fault(doing))? {
                return Ok(Some((blob.digest, repository.clone())));
            }
        }
        Ok(None)
    };
    let found = in_parallel(&wanted, settings.concurrency, ask)?;
    Ok(found.into_iter().flatten().collect())
}

/// A blob and the repositories its images go to.
struct Wanted<'a> {
    blob: &'a Descriptor,
    own: BTreeSet<String>,
}
