//! The gathering: roots, then what is below them, then what speaks of them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::archive::{Archive, Blob, BlobError};
use crate::digest::Digest;
use crate::inventory::budget::Budget;
use crate::inventory::cosign_layout::Kind;
use crate::inventory::delta::{Delta, Fault};
use crate::inventory::tags::{EvidenceTag, TagKind, names, raw_names};
use crate::inventory::{
    BlobFault, Content, Error, Evidence, FoundBy, Inventory, Name, Note, Orphan, Subject, referrers,
};
use crate::limits::Limits;
use crate::oci::{self, Descriptor, Document, MediaType};

/// Everything an archive holds, as it is found.
pub(super) struct Gathering<'a> {
    pub(super) budget: Budget<'a>,
    subjects: Vec<Subject>,
    /// What `index.json` lists.
    listed: HashSet<Digest>,
    /// Where in `subjects` a digest stands.
    places: HashMap<Digest, usize>,
    claims: Claims,
    /// Evidence by kind alone, until the images it may speak of are known.
    by_kind: Vec<Descriptor>,
    images_by_kind: BTreeSet<Digest>,
    images_by_name: HashMap<String, BTreeSet<Digest>>,
    names: BTreeMap<Name, Digest>,
    ledger: Option<(Descriptor, Blob)>,
    delta: Option<Delta>,
    /// Documents that were read, and what they refer to.
    pub(super) documents: HashSet<Digest>,
    pub(super) referred: HashSet<Digest>,
    notes: Vec<Note>,
}

impl<'a> Gathering<'a> {
    pub(super) fn new(archive: &'a Archive, limits: &'a Limits) -> Self {
        Self {
            budget: Budget::new(archive.store(), limits),
            subjects: Vec::new(),
            listed: HashSet::new(),
            places: HashMap::new(),
            claims: Claims::default(),
            by_kind: Vec::new(),
            images_by_kind: BTreeSet::new(),
            images_by_name: HashMap::new(),
            names: BTreeMap::new(),
            ledger: None,
            delta: None,
            documents: HashSet::new(),
            referred: HashSet::new(),
            notes: Vec::new(),
        }
    }

    /// Takes every entry of `index.json`, in order.
    pub(super) fn roots(&mut self, archive: &Archive) -> Result<(), Error> {
        let entries = &archive.index().manifests;
        self.budget.count(entries)?;
        let mut seen = HashSet::new();
        for entry in entries {
            if !seen.insert(entry) {
                self.notes.push(Note::ListedTwice { digest: entry.digest });
                continue;
            }
            self.listed.insert(entry.digest);
            self.root(entry)?;
        }
        Ok(())
    }

    fn root(&mut self, entry: &Descriptor) -> Result<(), Error> {
        if let Some(tag) = EvidenceTag::of(entry) {
            match tag.kind {
                TagKind::Evidence => {
                    let found_by = FoundBy::Tag(tag.tag);
                    return self.claim(tag.subject, entry, found_by);
                }
                TagKind::Fallback if entry.media_type.is_index() => {
                    return self.fallback_index(tag.subject, entry);
                }
                TagKind::Fallback => {}
            }
        }
        match Kind::of(entry) {
            Some(Kind::Evidence(Some(subject))) => {
                return self.claim(subject, entry, FoundBy::CosignKind);
            }
            Some(Kind::Evidence(None)) => {
                self.by_kind.push(entry.clone());
                return Ok(());
            }
            Some(Kind::Image) => {
                self.images_by_kind.insert(entry.digest);
            }
            None => {}
        }
        let content = self.read(entry)?;
        let document = content.as_ref().ok().map(|(_, document)| document);
        if !document.is_some_and(is_runnable) && is_delta(entry, document) {
            return self.take_delta(entry, content.map(|(_, document)| document));
        }
        match &content {
            Ok((_, document)) if is_runnable(document) => {}
            Ok((_, document)) if is_ledger(entry, Some(document)) => {
                return self.take_ledger(entry, document);
            }
            Err(_) if is_ledger(entry, None) => {
                let fault = content.expect_err("matched as an error");
                return Err(Error::Ledger { digest: entry.digest, fault });
            }
            // A referrer whose bytes are broken makes no claim; the index says what it spoke of.
            // Only what has no name and no bytes a runtime could take is let off being an image.
            Err(BlobFault::Blob(_)) if raw_names(entry).next().is_none() => {
                if let Some(subject) = referrer_subject(entry) {
                    let (manifest, found_by) = (entry.clone(), FoundBy::Subject);
                    self.claims.add(subject, Claim { manifest, found_by, promised: None });
                    return Ok(());
                }
            }
            // Its claim is taken; nothing else makes it an image.
            Ok((_, document)) if document.subject().is_some() => return Ok(()),
            _ => {}
        }
        self.named_root(entry, content)
    }

    /// An image, an index or an artifact that stands for itself.
    fn named_root(
        &mut self,
        entry: &Descriptor,
        content: Result<(Blob, Document), BlobFault>,
    ) -> Result<(), Error> {
        let place = self.subject(entry, None, content, 1)?;
        let names = names(entry);
        for name in names.unreadable {
            self.notes.push(Note::UnreadableName { digest: entry.digest, name });
        }
        for name in names.known {
            let Some(first) = self.names.get(&name).copied() else {
                self.names.insert(name.clone(), entry.digest);
                if let Some(subject) = self.subjects.get_mut(place) {
                    subject.names.push(name);
                }
                continue;
            };
            if first != entry.digest {
                let (name, second) = (Box::new(name), entry.digest);
                return Err(Error::AmbiguousRef { name, first, second });
            }
        }
        if let Some(subject) = self.subjects.get_mut(place) {
            subject.is_root = true;
        }
        for name in raw_names(entry) {
            let images = self.images_by_name.entry(name.to_owned()).or_default();
            images.insert(entry.digest);
        }
        Ok(())
    }

    /// Reads a document, takes the claim its `subject` makes, and counts what it refers to once.
    pub(super) fn read(
        &mut self,
        descriptor: &Descriptor,
    ) -> Result<Result<(Blob, Document), BlobFault>, Error> {
        let content = self.budget.read_document(descriptor)?;
        self.referred.insert(descriptor.digest);
        let Ok((_, document)) = &content else { return Ok(content) };
        if self.documents.insert(descriptor.digest) {
            self.budget.count(document.descriptors())?;
            self.referred.extend(document.descriptors().map(|blob| blob.digest));
        }
        if let Some(subject) = document.subject() {
            self.claims.add(
                subject.digest,
                Claim {
                    manifest: descriptor.clone(),
                    found_by: FoundBy::Subject,
                    promised: Some(subject.size),
                },
            );
        }
        Ok(content)
    }

    /// Takes `manifest` as evidence of `subject`. What a runtime could run is judged as well, or a
    /// tag would be all it takes to bring an image past the policy.
    pub(super) fn claim(
        &mut self,
        subject: Digest,
        manifest: &Descriptor,
        found_by: FoundBy,
    ) -> Result<(), Error> {
        let claim = Claim { manifest: manifest.clone(), found_by, promised: None };
        if self.documents.contains(&manifest.digest) {
            self.claims.add(subject, claim);
            return Ok(());
        }
        let content = self.read(manifest)?;
        self.claims.add(subject, claim);
        if content.as_ref().is_ok_and(|(_, document)| is_runnable(document)) {
            self.subject(manifest, None, content, 1)?;
        }
        Ok(())
    }

    /// An index of referrers, which a registry without their API keeps under a tag.
    fn fallback_index(&mut self, subject: Digest, entry: &Descriptor) -> Result<(), Error> {
        let content = self.read(entry)?;
        let Ok((_, Document::Index(index))) = content else {
            let (manifest, found_by) = (entry.clone(), FoundBy::FallbackTag);
            self.claims.add(subject, Claim { manifest, found_by, promised: None });
            return Ok(());
        };
        index
            .manifests
            .iter()
            .try_for_each(|referrer| self.claim(subject, referrer, FoundBy::FallbackTag))
    }

    /// Takes a subject and what is below it; `depth` counts indexes. Returns its place.
    fn subject(
        &mut self,
        descriptor: &Descriptor,
        parent: Option<Digest>,
        content: Result<(Blob, Document), BlobFault>,
        depth: usize,
    ) -> Result<usize, Error> {
        if let Some(place) = self.places.get(&descriptor.digest) {
            let place = *place;
            if let Some(subject) = self.subjects.get_mut(place) {
                subject.met_again(descriptor, parent);
            }
            return Ok(place);
        }
        let content = match content {
            Ok((blob, document)) => {
                self.budget.hold_document(&blob)?;
                Ok(Content { blob, document })
            }
            Err(fault) => Err(fault),
        };
        let children = match &content {
            Ok(Content { document: Document::Index(index), .. }) => index.manifests.clone(),
            _ => Vec::new(),
        };
        let place = self.subjects.len();
        self.places.insert(descriptor.digest, place);
        self.subjects.push(Subject {
            descriptor: descriptor.clone(),
            content,
            names: Vec::new(),
            is_root: false,
            parents: parent.into_iter().collect(),
            platform: parent.and(descriptor.platform.clone()),
            evidence: Vec::new(),
        });
        let limit = self.budget.limits.index_depth;
        if descriptor.media_type.is_index() && depth > limit {
            let limit = u64::try_from(limit).unwrap_or(u64::MAX);
            return Err(Error::Limit { what: "indexes inside each other", limit });
        }
        for child in &children {
            let content = self.read(child)?;
            self.subject(child, Some(descriptor.digest), content, depth.saturating_add(1))?;
        }
        Ok(place)
    }

    /// What the archive leaves out, for it is a delta. Of two such lists one must be wrong.
    fn take_delta(
        &mut self,
        entry: &Descriptor,
        document: Result<Document, BlobFault>,
    ) -> Result<(), Error> {
        let digest = entry.digest;
        let broken = |fault| Error::Delta { digest, fault: Box::new(fault) };
        let document = document.map_err(|fault| broken(Fault::Blob(fault)))?;
        let layer = match &document {
            Document::Manifest(manifest) => {
                manifest.layers.iter().find(|layer| layer.media_type == MediaType::DELTA)
            }
            Document::Index(_) => None,
        };
        let missing = || BlobFault::Document(oci::Error::Missing { field: "layers" });
        let layer = layer.ok_or_else(|| broken(Fault::Blob(missing())))?;
        let blob = self.budget.read(layer, self.budget.limits.envelope_bytes)?;
        let blob = blob.map_err(|cause| broken(Fault::Blob(BlobFault::Blob(cause))))?;
        self.budget.hold_piece(layer.size)?;
        let delta = Delta::parse(blob.bytes(), self.budget.limits).map_err(broken)?;
        if self.delta.replace(delta).is_some() {
            return Err(broken(Fault::Twice));
        }
        Ok(())
    }

    /// The ledger is the layer of its type.
    fn take_ledger(&mut self, entry: &Descriptor, document: &Document) -> Result<(), Error> {
        if let Some((first, _)) = &self.ledger {
            return Err(Error::TwoLedgers { first: first.digest, second: entry.digest });
        }
        let layer = match document {
            Document::Manifest(manifest) => manifest
                .layers
                .iter()
                .chain([&manifest.config])
                .find(|layer| layer.media_type == MediaType::LEDGER),
            Document::Index(_) => None,
        };
        let digest = entry.digest;
        let missing = || BlobFault::Document(oci::Error::Missing { field: "layers" });
        let layer = layer.ok_or_else(|| Error::Ledger { digest, fault: missing() })?;
        let cap = self.budget.limits.envelope_bytes;
        let blob = self.budget.read(layer, cap)?;
        let blob = blob.map_err(|cause| Error::Ledger { digest, fault: BlobFault::Blob(cause) })?;
        self.budget.hold_piece(layer.size)?;
        self.ledger = Some((entry.clone(), blob));
        Ok(())
    }

    /// Decides of what the evidence speaks that only its `kind` tells; returns what speaks of
    /// nothing that can be told.
    pub(super) fn settle_kinds(&mut self) -> Result<Vec<Descriptor>, Error> {
        let mut orphans = Vec::new();
        for entry in std::mem::take(&mut self.by_kind) {
            if let Some(subject) = self.subject_by_kind(&entry) {
                self.claim(subject, &entry, FoundBy::CosignKind)?;
                continue;
            }
            let content = self.read(&entry)?;
            if content.as_ref().is_ok_and(|(_, document)| is_runnable(document)) {
                self.subject(&entry, None, content, 1)?;
            } else if content.is_ok_and(|(_, document)| document.subject().is_some()) {
                continue;
            }
            orphans.push(entry);
        }
        Ok(orphans)
    }

    /// The only image of the same name, else the only image.
    fn subject_by_kind(&self, entry: &Descriptor) -> Option<Digest> {
        let named = raw_names(entry).find_map(|name| only(self.images_by_name.get(name)?));
        named.or_else(|| only(&self.images_by_kind)).or_else(|| {
            let mut roots = self.subjects.iter().filter(|subject| subject.is_root);
            let root = roots.next().filter(|_| roots.next().is_none())?;
            Some(root.descriptor.digest)
        })
    }

    /// Ties every claim to what it speaks of.
    pub(super) fn finish(mut self, by_kind: Vec<Descriptor>) -> Result<Inventory, Error> {
        let digests: Vec<_> = self.subjects.iter().map(|s| s.descriptor.clone()).collect();
        for (place, descriptor) in digests.iter().enumerate() {
            let evidence = self.evidence(descriptor, 1)?;
            if let Some(subject) = self.subjects.get_mut(place) {
                subject.evidence = evidence;
                // Listed is listed, whatever the entry calls itself.
                subject.is_root = self.listed.contains(&descriptor.digest);
                let mut seen = HashSet::new();
                subject.parents.retain(|parent| seen.insert(*parent));
            }
        }
        let mut orphans = Vec::new();
        for entry in by_kind {
            let evidence = self.one(entry, FoundBy::CosignKind, 1)?;
            orphans.push(Orphan { subject: None, evidence });
        }
        // Those first of which no other orphan is evidence; what remains speaks of itself in a circle.
        for only_tops in [true, false] {
            for digest in self.claims.subjects(only_tops) {
                for claim in self.claims.take(&digest) {
                    let evidence = self.one(claim.manifest, claim.found_by, 1)?;
                    orphans.push(Orphan { subject: Some(digest), evidence });
                }
            }
        }
        let store = self.budget.store;
        let mut unreferenced = store.blobs();
        unreferenced.retain(|(digest, _)| !self.referred.contains(digest));
        Ok(Inventory {
            subjects: self.subjects,
            orphans,
            unreferenced,
            ledger: self.ledger.map(|(_, blob)| blob),
            delta: self.delta,
            notes: self.notes,
        })
    }

    /// The evidence of one manifest or index; each claim is taken once, so circles end.
    fn evidence(&mut self, of: &Descriptor, depth: usize) -> Result<Vec<Evidence>, Error> {
        let claims = self.claims.take(&of.digest);
        claims
            .into_iter()
            .map(|claim| {
                let mut evidence = self.one(claim.manifest, claim.found_by, depth)?;
                if let Some(promised) = claim.promised.filter(|promised| *promised != of.size) {
                    let (digest, found) = (of.digest, of.size);
                    let cause = BlobError::WrongSize { digest, promised, found };
                    evidence.content = Err(BlobFault::Blob(cause));
                    evidence.pieces.clear();
                }
                Ok(evidence)
            })
            .collect()
    }

    fn one(
        &mut self,
        manifest: Descriptor,
        found_by: FoundBy,
        depth: usize,
    ) -> Result<Evidence, Error> {
        let mut evidence = Evidence::read(manifest, found_by, &mut self.budget)?;
        if self.places.contains_key(&evidence.manifest.digest)
            || !self.claims.has(&evidence.manifest.digest)
        {
            return Ok(evidence);
        }
        let limit = self.budget.limits.index_depth;
        if depth >= limit {
            let limit = u64::try_from(limit).unwrap_or(u64::MAX);
            return Err(Error::Limit { what: "levels of evidence of evidence", limit });
        }
        let manifest = evidence.manifest.clone();
        evidence.referrers = self.evidence(&manifest, depth.saturating_add(1))?;
        Ok(evidence)
    }

    /// Finds referrers that no index lists.
    pub(super) fn unlisted(&mut self) -> Result<(), Error> {
        for (descriptor, subject) in referrers::unlisted(self) {
            self.claim(subject, &descriptor, FoundBy::Subject)?;
        }
        Ok(())
    }
}

/// The only one.
fn only(digests: &BTreeSet<Digest>) -> Option<Digest> {
    digests.first().filter(|_| digests.len() == 1).copied()
}

/// Whether a runtime could run it: an index, or an image by its configuration that has layers other
/// than the known kinds of evidence.
fn is_runnable(document: &Document) -> bool {
    const EVIDENCE: [&str; 9] = [
        MediaType::SIMPLE_SIGNING,
        MediaType::DSSE_ENVELOPE,
        "application/vnd.in-toto+json",
        "application/vnd.cyclonedx",
        "application/vnd.cyclonedx+json",
        "application/vnd.cyclonedx+xml",
        "application/vnd.syft+json",
        "application/spdx+json",
        "text/spdx",
    ];
    match document {
        Document::Index(_) => true,
        Document::Manifest(manifest) => {
            manifest.config.media_type.is_image_config()
                && manifest.layers.iter().any(|layer| {
                    !layer.media_type.is_sigstore_bundle()
                        && !EVIDENCE.contains(&layer.media_type.as_str())
                        && !layer.media_type.as_str().starts_with("text/spdx+")
                })
        }
    }
}

/// What an entry of the index is said to refer to, as containerd#12311 proposes and exports write.
fn referrer_subject(entry: &Descriptor) -> Option<Digest> {
    entry.annotation("org.opencontainers.image.referrer.subject")?.parse().ok()
}

fn is_ledger(entry: &Descriptor, document: Option<&Document>) -> bool {
    is_of_kind(entry, document, MediaType::LEDGER)
}

fn is_delta(entry: &Descriptor, document: Option<&Document>) -> bool {
    is_of_kind(entry, document, MediaType::DELTA)
}

fn is_of_kind(entry: &Descriptor, document: Option<&Document>, kind: &str) -> bool {
    let found = match document {
        Some(Document::Manifest(manifest)) => Some(manifest.kind()),
        Some(Document::Index(index)) => index.artifact_type.as_deref(),
        None => None,
    };
    found.or(entry.artifact_type.as_deref()) == Some(kind)
}

impl Subject {
    /// Takes another descriptor of the same digest, which must promise the same.
    fn met_again(&mut self, descriptor: &Descriptor, parent: Option<Digest>) {
        if let Some(parent) = parent {
            self.parents.push(parent);
            if self.platform.is_none() {
                self.platform.clone_from(&descriptor.platform);
            }
        }
        let digest = descriptor.digest;
        if self.content.is_err() {
            return;
        }
        if descriptor.size != self.descriptor.size {
            let (promised, found) = (descriptor.size, self.descriptor.size);
            self.content = Err(BlobFault::Blob(BlobError::WrongSize { digest, promised, found }));
        } else if descriptor.media_type != self.descriptor.media_type {
            self.content = Err(BlobFault::Document(oci::Error::OtherMediaType {
                promised: descriptor.media_type.clone(),
                found: self.descriptor.media_type.clone(),
            }));
        }
    }
}

/// What was said to be evidence of what, in the order it was found.
#[derive(Default)]
struct Claims {
    by_subject: BTreeMap<Digest, Vec<Claim>>,
    seen: HashSet<(Digest, Digest)>,
}

struct Claim {
    manifest: Descriptor,
    found_by: FoundBy,
    /// The size the manifest gives its subject.
    promised: Option<u64>,
}

impl Claims {
    /// Adds a claim; of two about the same the stronger convention is kept.
    fn add(&mut self, subject: Digest, claim: Claim) {
        let claims = self.by_subject.entry(subject).or_default();
        if self.seen.insert((subject, claim.manifest.digest)) {
            claims.push(claim);
            return;
        }
        let known = claims.iter_mut().find(|known| known.manifest.digest == claim.manifest.digest);
        if let Some(known) = known {
            known.promised = known.promised.or(claim.promised);
            if claim.found_by.rank() < known.found_by.rank() {
                known.found_by = claim.found_by;
                known.manifest = claim.manifest;
            }
        }
    }

    fn has(&self, subject: &Digest) -> bool {
        self.by_subject.contains_key(subject)
    }

    /// Takes what was said of `subject`: tags, kinds, subjects, fallback, each as found.
    fn take(&mut self, subject: &Digest) -> Vec<Claim> {
        let mut claims = self.by_subject.remove(subject).unwrap_or_default();
        claims.sort_by_key(|claim| claim.found_by.rank());
        claims
    }

    /// What is spoken of and not yet taken; only that which is evidence of nothing, if asked.
    fn subjects(&self, only_tops: bool) -> Vec<Digest> {
        let evidence: HashSet<_> = self
            .by_subject
            .values()
            .flatten()
            .map(|claim| claim.manifest.digest)
            .filter(|_| only_tops)
            .collect();
        self.by_subject.keys().filter(|subject| !evidence.contains(subject)).copied().collect()
    }
}

impl FoundBy {
    fn rank(&self) -> u8 {
        match self {
            Self::Tag(_) => 0,
            Self::CosignKind => 1,
            Self::Subject => 2,
            Self::FallbackTag => 3,
        }
    }
}
