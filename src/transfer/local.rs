//! An archive as a source: its inventory answers what a registry would be asked.

use std::collections::BTreeMap;
use std::io;

use super::plan::IMAGE_NAME;
use super::{Answer, ChunkSink, Fault, Fetched, Source, evidence_tag};
use crate::archive::{Archive, Blob, BlobError};
use crate::digest::Digest;
use crate::inventory::ledger::LookupKind;
use crate::inventory::{Evidence, FoundBy, Inventory, Name, Piece};
use crate::oci::{Descriptor, Reference};

/// One repository of an archive, or what it holds without a repository.
pub struct ArchiveSource<'a> {
    archive: &'a Archive,
    inventory: &'a Inventory,
    /// `registry/path`.
    repository: Option<String>,
    /// Every manifest by its digest.
    manifests: BTreeMap<Digest, &'a Descriptor>,
    /// Evidence by what it speaks of.
    evidence: BTreeMap<Digest, Vec<&'a Evidence>>,
    /// The same, of what the archive calls another repository's.
    elsewhere: BTreeMap<Digest, Vec<&'a Evidence>>,
    /// Bytes of the largest manifest.
    limit: u64,
}

impl<'a> ArchiveSource<'a> {
    /// The part of an archive that belongs to `repository`.
    pub fn new(
        archive: &'a Archive,
        inventory: &'a Inventory,
        repository: Option<String>,
        limit: u64,
    ) -> Self {
        let mut source = Self {
            archive,
            inventory,
            repository,
            manifests: BTreeMap::new(),
            evidence: BTreeMap::new(),
            elsewhere: BTreeMap::new(),
            limit,
        };
        for subject in &inventory.subjects {
            source.manifests.insert(subject.descriptor.digest, &subject.descriptor);
            source.take(subject.descriptor.digest, &subject.evidence);
        }
        source
    }

    fn take(&mut self, subject: Digest, evidence: &'a [Evidence]) {
        for evidence in evidence {
            let manifest = &evidence.manifest;
            self.manifests.entry(manifest.digest).or_insert(manifest);
            for blob in &evidence.blobs {
                if blob.media_type.is_manifest() || blob.media_type.is_index() {
                    self.manifests.entry(blob.digest).or_insert(blob);
                }
            }
            let own = belongs_to(self.archive, evidence, self.repository.as_deref());
            let place = if own { &mut self.evidence } else { &mut self.elsewhere };
            place.entry(subject).or_default().push(evidence);
            self.take(manifest.digest, &evidence.referrers);
        }
    }

    fn tagged(&self, subject: &Digest, kind: LookupKind) -> Result<Answer, Fault> {
        let Some(tag) = evidence_tag(subject, kind) else { return Ok(Answer::NotSupported) };
        let own = self.of(subject).filter(|it| tag_kind(it) == Some(kind)).collect::<Vec<_>>();
        // What admits the image in an archive goes where the image goes, by whatever name it came.
        let elsewhere = self.elsewhere.get(subject).into_iter().flatten().copied();
        let elsewhere = elsewhere.filter(|it| own.is_empty() && tag_kind(it) == Some(kind));
        let mut found = own.iter().copied().chain(elsewhere);
        let Some(evidence) = found.next() else { return Ok(Answer::NotFound) };
        if found.any(|other| other.manifest.digest != evidence.manifest.digest) {
            return Err(Fault::new(format!("the archive has two manifests for the tag {tag}")));
        }
        match &evidence.content {
            Ok(blob) => {
                let descriptor = evidence.manifest.clone();
                let manifest = Box::new(Fetched { descriptor, bytes: blob.bytes().to_vec() });
                Ok(Answer::Tagged { tag, manifest })
            }
            Err(fault) => Err(Fault::new(fault.to_string())),
        }
    }

    fn of(&self, subject: &Digest) -> impl Iterator<Item = &'a Evidence> {
        self.evidence.get(subject).into_iter().flatten().copied()
    }
}

/// What an archive offers to an export: every image it lists, by each of its names, or by its
/// digest alone. With `tag`, only what is called so: a tag or a full reference.
pub fn offered(inventory: &Inventory, tag: Option<&str>) -> Vec<(Option<Name>, Digest)> {
    let roots = inventory.subjects.iter().filter(|subject| subject.is_root);
    let mut offered = Vec::new();
    for root in roots {
        let digest = root.descriptor.digest;
        let names = root.names.iter().filter(|name| tag.is_none_or(|tag| is_called(name, tag)));
        let before = offered.len();
        offered.extend(names.map(|name| (Some(name.clone()), digest)));
        if tag.is_none() && offered.len() == before {
            offered.push((None, digest));
        }
    }
    offered
}

fn is_called(name: &Name, tag: &str) -> bool {
    match name {
        Name::Reference(reference) => reference.tag() == Some(tag) || reference.to_string() == tag,
        Name::Tag(own) => own == tag,
    }
}

/// Whether evidence belongs into a repository. One archive may hold one image from two
/// repositories, signed differently, and the tag of its signature is the same in both: then the
/// full names of its entries tell them apart.
pub(super) fn belongs_to(archive: &Archive, evidence: &Evidence, repository: Option<&str>) -> bool {
    let Some(repository) = repository else { return true };
    let digest = evidence.manifest.digest;
    let entries = archive.index().manifests.iter().filter(|entry| entry.digest == digest);
    let mut names = entries
        .filter_map(|entry| entry.annotation(IMAGE_NAME)?.parse::<Reference>().ok())
        .peekable();
    names.peek().is_none() || names.any(|name| name.name() == repository)
}

/// Which of cosign's tags evidence lies under; none where consumers ask for referrers.
pub(super) fn tag_kind(evidence: &Evidence) -> Option<LookupKind> {
    match &evidence.found_by {
        FoundBy::Tag(tag) => match tag.rsplit_once('.') {
            Some((_, "sig")) => Some(LookupKind::SigTag),
            Some((_, "att")) => Some(LookupKind::AttTag),
            _ => Some(LookupKind::SbomTag),
        },
        FoundBy::CosignKind => {
            let is_attestation = |piece: &Piece| matches!(piece, Piece::Attestation(_));
            let is_signature = |piece: &Piece| matches!(piece, Piece::Signature(_));
            if evidence.pieces.iter().any(is_attestation) {
                Some(LookupKind::AttTag)
            } else if evidence.pieces.iter().any(is_signature) {
                Some(LookupKind::SigTag)
            } else {
                Some(LookupKind::SbomTag)
            }
        }
        FoundBy::Subject | FoundBy::FallbackTag => None,
    }
}

impl Source for ArchiveSource<'_> {
    fn name(&self) -> String {
        let archive = format!("archive {}", self.archive.index_digest());
        match &self.repository {
            Some(repository) => format!("{repository} in {archive}"),
            None => archive,
        }
    }

    fn repository(&self) -> Option<String> {
        self.repository.clone()
    }

    fn by_tag(&self, tag: &str) -> Result<Option<Fetched>, Fault> {
        match offered(self.inventory, Some(tag)).first() {
            Some((_, digest)) => self.by_digest(digest),
            None => Ok(None),
        }
    }

    fn by_digest(&self, digest: &Digest) -> Result<Option<Fetched>, Fault> {
        let Some(descriptor) = self.manifests.get(digest) else { return Ok(None) };
        match Blob::read(self.archive.store(), descriptor, self.limit) {
            Ok(blob) => {
                let descriptor = (*descriptor).clone();
                Ok(Some(Fetched { descriptor, bytes: blob.bytes().to_vec() }))
            }
            Err(BlobError::Missing { .. }) => Ok(None),
            Err(error) => Err(Fault::new(error)),
        }
    }

    fn look_up(&self, subject: &Digest, kind: LookupKind) -> Result<Answer, Fault> {
        let found_by = match kind {
            LookupKind::ReferrersApi => FoundBy::Subject,
            LookupKind::FallbackTag => FoundBy::FallbackTag,
            _ => return self.tagged(subject, kind),
        };
        let found = self.of(subject).filter(|evidence| evidence.found_by == found_by);
        Ok(Answer::Listed(found.map(|evidence| evidence.manifest.clone()).collect()))
    }

    fn has_blob(&self, descriptor: &Descriptor) -> Result<bool, Fault> {
        Ok(self.archive.store().size(&descriptor.digest).is_some())
    }

    fn read_blob(&self, descriptor: &Descriptor, sink: &mut ChunkSink<'_>) -> Result<(), Fault> {
        let digest = descriptor.digest;
        self.archive
            .store()
            .read(&digest, &mut |chunk| {
                sink(chunk)
                    .map_err(|cause: io::Error| BlobError::Io { digest, cause: cause.into() })
            })
            .map_err(Fault::new)
    }
}

/// The repository a name belongs to.
pub fn repository_of(name: Option<&Name>) -> Option<String> {
    match name {
        Some(Name::Reference(reference)) => Some(reference.name()),
        Some(Name::Tag(_)) | None => None,
    }
}
