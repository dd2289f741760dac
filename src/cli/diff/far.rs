//! The registry's side: the places where a mirror would have put what the archive holds.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Result, bail};
use sealift::inventory::Name;
use sealift::limits::Limits;
use sealift::net::Repository;
use sealift::oci::Reference;
use sealift::transfer::{
    Comparison, Located, Mapping, Namespace, Reading, compare as compared, offered,
};

use super::{Images, Opened, pairs};
use crate::cli::args::DiffArgs;

/// Compares the archive, as the first side, with the registry.
pub(super) fn compare(archive: &[&Path], to: &Namespace, args: &DiffArgs) -> Result<Comparison> {
    let limits = Limits::default();
    let opened = Opened::of(archive, &limits)?;
    let mapping = Mapping::new(Some(to.clone()), args.maps.clone(), args.max_nested_paths)?;
    let names = names(&opened)?;
    mapping.check_used(names.iter())?;
    let mut registries = args.registry.registries(&limits)?;
    let registry = registries.add(mapping.registry())?;
    let mut places = Vec::new();
    let mut repositories = BTreeMap::new();
    for name in names {
        let place = mapping.place(&name)?;
        let repository = place.repository().to_owned();
        repositories.entry(repository.clone()).or_insert_with(|| registry.repository(&repository));
        places.push((name, place));
    }
    let mut far = Images::new();
    for (name, place) in &places {
        let Some(source) = repositories.get(place.repository()) else { continue };
        if let Some(digest) = resolved(source, place)? {
            far.insert(name.to_string(), Located { source, digest, reading: Reading::Presence });
        }
    }
    let sources = opened.sources(&limits);
    let near = opened.images(&sources);
    Ok(compared(&pairs(&near, &far), &args.settings(&limits))?)
}

/// The full name of every image.
fn names(opened: &Opened) -> Result<Vec<Reference>> {
    let mut names = Vec::new();
    for (name, digest) in offered(&opened.inventory, None) {
        match name {
            Some(Name::Reference(reference)) => names.push(reference),
            Some(Name::Tag(_)) | None => bail!(
                "{digest} has no full name (registry/repository:tag), so it has no place in a registry"
            ),
        }
    }
    Ok(names)
}

fn resolved(source: &Repository<'_>, place: &Reference) -> Result<Option<sealift::digest::Digest>> {
    let found = match (place.digest(), place.tag()) {
        (Some(digest), _) => source.by_digest(digest)?,
        (None, Some(tag)) => source.by_tag(tag)?,
        (None, None) => None,
    };
    Ok(found.map(|found| found.descriptor.digest))
}
