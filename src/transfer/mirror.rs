//! Pushing: what was admitted goes into a registry, and nothing else.
//!
//! Order is what makes a mirror safe to watch and to interrupt: blobs, then manifests (children
//! before parents, by digest), then evidence, and the tags of images last. Whoever pulls by tag
//! finds the old image or the new one with all its evidence.

use std::collections::{BTreeMap, BTreeSet};

use super::discover::fault;
use super::local::{belongs_to, tag_kind};
use super::proving::Content;
use super::workers::in_parallel;
use super::{
    Clearance, Error, Listing, Mapping, Settings, Sink, Standing as At, Stored, Watch, evidence_tag,
};
use crate::archive::{Archive, Blob};
use crate::digest::Digest;
use crate::inventory::{Evidence, Inventory, Name, Subject};
use crate::limits::Limits;
use crate::oci::{Descriptor, Document, Manifest, Reference};
use crate::policy::Admitted;

/// An image that was pushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Landed {
    /// Its name in the archive.
    pub source: Reference,
    /// Its name at the target.
    pub name: Reference,
    /// The image.
    pub digest: Digest,
    /// Its evidence, and that of what lies below it.
    pub evidence: Vec<LandedEvidence>,
    /// Tags of evidence under which something else stood, which nobody finds there any more.
    pub replaced: Vec<Replaced>,
    /// Evidence that was not pushed.
    pub left_behind: Vec<LeftBehind>,
    /// Every blob and manifest that its repository holds for it now, with its size.
    pub contents: BTreeMap<Digest, u64>,
}

/// A tag of evidence that named something else before.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Replaced {
    /// The tag.
    pub tag: String,
    /// The manifest that it named.
    pub digest: Digest,
}

/// Evidence that was not pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeftBehind {
    /// Its manifest.
    pub digest: Digest,
    /// Why.
    pub why: Flaw,
}

/// Why evidence of an admitted image is not pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Its own bytes are broken.
    Broken,
    /// It is an image itself, and no policy admits it: a `subject` field or a tag must not be a way
    /// into the registry.
    ImageNotAdmitted,
    /// It is of another repository, and evidence of this one has the same tag.
    TagTaken,
}

/// Evidence that was pushed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LandedEvidence {
    /// Its manifest.
    pub digest: Digest,
    /// What it speaks of.
    pub subject: Digest,
    /// Where consumers find it.
    pub place: Place,
}

/// Where consumers find evidence.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Under a tag.
    Tag(String),
    /// In the list of referrers.
    Referrers(Listing),
}

/// Pushes every admitted image. All of it is laid out and checked against itself first; nothing is
/// pushed where two images claim one name or an image has none.
pub fn into_registry(
    admitted: &[Admitted],
    archive: &Archive,
    inventory: &Inventory,
    mapping: &Mapping,
    sink: &dyn Sink,
    settings: &Settings,
    watch: &dyn Watch,
) -> Result<Vec<Landed>, Error> {
    let Settings { concurrency, ref limits, .. } = *settings;
    let cleared = admitted.iter().map(|admitted| *admitted.subject()).collect();
    let mut loads = Layout { archive, inventory, mapping, limits, cleared }.loads(admitted)?;
    let push = Push { archive, sink, concurrency, watch };
    let standings = in_parallel(&loads, concurrency, |load| push.standing(load))?;
    for (load, standing) in loads.iter_mut().zip(standings) {
        load.standing = standing;
    }
    push.blobs(&loads)?;
    in_parallel(&loads, concurrency, |load| push.manifests(load))?;
    let landed = in_parallel(&loads, concurrency, |load| push.evidence(load))?;
    in_parallel(&loads, concurrency, |load| push.tag(load))?;
    Ok(landed)
}

/// One image on its way into one repository.
struct Load<'a> {
    clearance: Clearance<'a>,
    /// Its name in the archive.
    source: Reference,
    /// Its name at the target.
    name: Reference,
    /// Manifests, children before parents; the image itself is the last.
    manifests: Vec<&'a Blob>,
    /// What the manifests refer to, and the blobs of the evidence.
    blobs: Vec<Descriptor>,
    /// Manifests that evidence refers to, where it is an index.
    parts: Vec<Blob>,
    tagged: Vec<(String, Digest, &'a Blob)>,
    referrers: Vec<(Digest, &'a Blob)>,
    left_behind: Vec<LeftBehind>,
    /// Indexes that are pushed without this child, the first of those they lack.
    sparse: BTreeMap<Digest, Digest>,
    standing: Standing,
}

/// What the target has of an image before anything is pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    /// It lacks something, or nobody asked.
    Lacking,
    /// It has every manifest, and said of layers that it holds them.
    Stored,
    /// And the tag.
    Tagged,
}

impl Load<'_> {
    fn contents(&self) -> BTreeMap<Digest, u64> {
        let tagged = self.tagged.iter().map(|(.., blob)| *blob);
        let referrers = self.referrers.iter().map(|(_, blob)| *blob);
        let manifests = self.manifests.iter().copied().chain(&self.parts);
        let manifests = manifests.chain(tagged).chain(referrers).map(Blob::descriptor);
        manifests.chain(&self.blobs).map(|it| (it.digest, it.size)).collect()
    }
}

struct Layout<'a> {
    archive: &'a Archive,
    inventory: &'a Inventory,
    mapping: &'a Mapping,
    limits: &'a Limits,
    /// Every image that was admitted.
    cleared: BTreeSet<Digest>,
}

impl<'a> Layout<'a> {
    fn loads(&self, admitted: &'a [Admitted]) -> Result<Vec<Load<'a>>, Error> {
        self.mapping.check_used(self.inventory.references())?;
        self.mapping.check_apart(admitted.iter().flat_map(Admitted::names))?;
        let mut loads = Vec::new();
        let mut names = BTreeMap::new();
        for admitted in admitted {
            let Some(subject) = self.inventory.subject(admitted.subject()) else { continue };
            let own = |name: &&Reference| subject.names.contains(&Name::Reference((*name).clone()));
            let sources: BTreeSet<_> = admitted.names().iter().filter(own).collect();
            if sources.is_empty() && self.is_evidence(subject) {
                continue;
            }
            if sources.is_empty() {
                return Err(Error::Nameless { digest: *admitted.subject() });
            }
            for source in sources {
                let load = self.load(admitted, subject, source)?;
                let tags =
                    load.name.tag().map(str::to_owned).map(|tag| (tag, subject.descriptor.digest));
                let evidence = load
                    .tagged
                    .iter()
                    .map(|(tag, _, blob)| (tag.clone(), blob.descriptor().digest));
                for (tag, digest) in tags.into_iter().chain(evidence) {
                    let name = format!("{}:{tag}", load.name.name());
                    if let Some(first) = names.insert(name.clone(), digest)
                        && first != digest
                    {
                        return Err(Error::TwoImages { name, first, second: digest });
                    }
                }
                loads.push(load);
            }
        }
        Ok(loads)
    }

    /// Whether an image travels as evidence of another and needs no name of its own.
    fn is_evidence(&self, image: &Subject) -> bool {
        let of_some = self.inventory.subjects.iter().flat_map(|subject| &subject.evidence);
        of_some.into_iter().any(|evidence| evidence.manifest.digest == image.descriptor.digest)
    }

    fn load(
        &self,
        admitted: &'a Admitted,
        subject: &'a Subject,
        source: &Reference,
    ) -> Result<Load<'a>, Error> {
        let mut load = Load {
            clearance: Clearance::of(admitted),
            source: source.clone(),
            name: self.mapping.place(source)?,
            manifests: Vec::new(),
            blobs: Vec::new(),
            parts: Vec::new(),
            tagged: Vec::new(),
            referrers: Vec::new(),
            left_behind: Vec::new(),
            sparse: BTreeMap::new(),
            standing: Standing::Lacking,
        };
        let mut seen = BTreeSet::new();
        self.image(admitted, subject, source, &mut load, &mut seen)?;
        Ok(load)
    }

    /// An image: what lies below it first, then itself, then what speaks of it.
    fn image(
        &self,
        admitted: &'a Admitted,
        subject: &'a Subject,
        source: &Reference,
        load: &mut Load<'a>,
        seen: &mut BTreeSet<Digest>,
    ) -> Result<(), Error> {
        let digest = subject.descriptor.digest;
        if !seen.insert(digest) {
            return Ok(());
        }
        let Ok(content) = &subject.content else { return Err(Error::Incomplete { digest }) };
        match &content.document {
            Document::Index(index) => {
                for child in &index.manifests {
                    // What the verdict did not find below the index is not there to push.
                    if let Some(child) = self
                        .inventory
                        .subject(&child.digest)
                        .filter(|_| admitted.children().contains(&child.digest))
                    {
                        self.image(admitted, child, source, load, seen)?;
                    } else {
                        load.sparse.entry(digest).or_insert(child.digest);
                    }
                }
            }
            Document::Manifest(manifest) => {
                for blob in std::iter::once(&manifest.config).chain(&manifest.layers) {
                    let is_absent = admitted.absent().iter().any(|it| it.digest == blob.digest);
                    if is_absent && !blob.media_type.is_non_distributable() {
                        return Err(Error::Incomplete { digest });
                    }
                    if !is_absent {
                        load.blobs.push(blob.clone());
                    }
                }
            }
        }
        load.manifests.push(&content.blob);
        self.evidence(digest, &subject.evidence, source, load, seen);
        Ok(())
    }

    /// Everything that speaks of a manifest, and what speaks of that.
    fn evidence(
        &self,
        of: Digest,
        evidence: &'a [Evidence],
        source: &Reference,
        load: &mut Load<'a>,
        seen: &mut BTreeSet<Digest>,
    ) {
        let repository = source.name();
        let is_own = |it: &&Evidence| belongs_to(self.archive, it, Some(&repository));
        let (own, others): (Vec<_>, Vec<_>) = evidence.iter().partition(is_own);
        let others_begin = own.len();
        for (place, evidence) in own.into_iter().chain(others).enumerate() {
            let digest = evidence.manifest.digest;
            if !seen.insert(digest) {
                continue;
            }
            let tag = tag_kind(evidence).and_then(|kind| evidence_tag(&of, kind));
            let is_taken = load.tagged.iter().any(|(taken, ..)| Some(taken) == tag.as_ref());
            if place >= others_begin && is_taken {
                let goes_with = |name: &Reference| {
                    belongs_to(self.archive, evidence, Some(name.name().as_str()))
                };
                if !load.clearance.admitted().names().iter().any(goes_with) {
                    load.left_behind.push(LeftBehind { digest, why: Flaw::TagTaken });
                }
                continue;
            }
            if self.inventory.subject(&digest).is_some() && !self.cleared.contains(&digest) {
                load.left_behind.push(LeftBehind { digest, why: Flaw::ImageNotAdmitted });
                continue;
            }
            let Some(Whole { blob, parts, blobs }) = self.whole(evidence) else {
                load.left_behind.push(LeftBehind { digest, why: Flaw::Broken });
                continue;
            };
            load.parts.extend(parts);
            load.blobs.extend(blobs);
            match tag {
                Some(tag) => load.tagged.push((tag, of, blob)),
                None => load.referrers.push((of, blob)),
            }
            let listed_apart = self.inventory.subject(&digest).map(|it| it.evidence.as_slice());
            self.evidence(digest, &evidence.referrers, source, load, seen);
            self.evidence(digest, listed_apart.unwrap_or_default(), source, load, seen);
        }
    }

    /// Proves every byte of a piece of evidence.
    fn whole(&self, evidence: &'a Evidence) -> Option<Whole<'a>> {
        let store = self.archive.store();
        let blob = evidence.content.as_ref().ok()?;
        let mut whole = Whole { blob, parts: Vec::new(), blobs: Vec::new() };
        for part in &evidence.blobs {
            if !is_document(part) {
                whole.blobs.push(part.clone());
                continue;
            }
            let part = Blob::read(store, part, self.limits.metadata_bytes).ok()?;
            let media_type = &part.descriptor().media_type;
            // Evidence is an index of manifests at most; nobody has seen it nested deeper.
            let manifest = Manifest::parse(part.bytes(), media_type, self.limits).ok()?;
            whole.blobs.push(manifest.config);
            whole.blobs.extend(manifest.layers);
            whole.parts.push(part);
        }
        whole.blobs.iter().all(|blob| store.check(blob).is_ok()).then_some(whole)
    }
}

/// A piece of evidence whose every byte is proven.
struct Whole<'a> {
    blob: &'a Blob,
    /// Manifests it refers to.
    parts: Vec<Blob>,
    blobs: Vec<Descriptor>,
}

fn is_document(descriptor: &Descriptor) -> bool {
    descriptor.media_type.is_manifest() || descriptor.media_type.is_index()
}

struct Push<'a> {
    archive: &'a Archive,
    sink: &'a dyn Sink,
    concurrency: usize,
    watch: &'a dyn Watch,
}

impl Push<'_> {
    /// Whether the image was mirrored before: of layers the target said that it holds them, now it
    /// says so of every manifest. Then neither is asked for nor put again.
    fn standing(&self, load: &Load<'_>) -> Result<Standing, Error> {
        let Some((image, children)) = load.manifests.split_last() else {
            return Ok(Standing::Lacking);
        };
        if !load.blobs.iter().any(|blob| self.is_held(load, blob)) {
            return Ok(Standing::Lacking);
        }
        for child in children {
            if !self.has(load, None, child.descriptor())? {
                return Ok(Standing::Lacking);
            }
        }
        // What stands under the tag is stored.
        let image = image.descriptor();
        if let Some(tag) = load.name.tag()
            && self.has(load, Some(tag), image)?
        {
            return Ok(Standing::Tagged);
        }
        let is_stored = self.has(load, None, image)?;
        Ok(if is_stored { Standing::Stored } else { Standing::Lacking })
    }

    /// Whether the repository said that it holds the blob.
    fn is_held(&self, load: &Load<'_>, blob: &Descriptor) -> bool {
        self.archive.store().at_target(blob) == Some(load.name.repository())
    }

    /// Whether this very manifest stands under a tag, or under its digest. A registry that does not say
    /// which it has gets it once more.
    fn has(
        &self,
        load: &Load<'_>,
        tag: Option<&str>,
        manifest: &Descriptor,
    ) -> Result<bool, Error> {
        Ok(self.at(load, tag, manifest)? == At::Manifest(manifest.digest))
    }

    fn at(&self, load: &Load<'_>, tag: Option<&str>, manifest: &Descriptor) -> Result<At, Error> {
        let repository = load.name.repository();
        let at = tag.map_or_else(|| manifest.digest.to_string(), str::to_owned);
        let doing = || format!("ask for {} in {repository}", manifest.digest);
        self.sink.standing(repository, &at).map_err(fault(doing))
    }

    /// Every blob into every repository that needs it: sent once, then taken over from there.
    fn blobs(&self, loads: &[Load<'_>]) -> Result<(), Error> {
        let mut wanted: BTreeMap<Digest, Wanted<'_>> = BTreeMap::new();
        for load in loads {
            let is_lacking = load.standing == Standing::Lacking;
            let further = |blob: &&Descriptor| is_lacking || !self.is_held(load, blob);
            for blob in load.blobs.iter().filter(further) {
                let entry = wanted
                    .entry(blob.digest)
                    .or_insert_with(|| Wanted { descriptor: blob, repositories: BTreeMap::new() });
                entry.repositories.insert(load.name.repository(), load.clearance);
            }
        }
        let wanted: Vec<_> = wanted.into_values().collect();
        let bytes = wanted.iter().fold(0_u64, |sum, it| sum.saturating_add(it.descriptor.size));
        self.watch.begins(wanted.len(), bytes);
        in_parallel(&wanted, self.concurrency, |wanted| self.blob(wanted))?;
        Ok(())
    }

    fn blob(&self, wanted: &Wanted<'_>) -> Result<(), Error> {
        let descriptor = wanted.descriptor;
        let content = Content::new(self.archive.store(), descriptor, self.watch);
        let mut first = self.archive.store().at_target(descriptor);
        for (repository, clearance) in &wanted.repositories {
            let doing = || format!("push {} to {repository}", descriptor.digest);
            // What it lacked before it is sent, whoever brought it since.
            let lacks = self.archive.store().lacks(repository, &descriptor.digest);
            if !lacks && self.sink.holds(repository, descriptor).map_err(fault(doing))? {
                first.get_or_insert(*repository);
                continue;
            }
            let upload = self
                .sink
                .begin_blob(repository, descriptor, first, clearance)
                .map_err(fault(doing))?;
            if let Some(upload) = upload {
                upload.send(&content).map_err(fault(doing))?;
            }
            first.get_or_insert(*repository);
        }
        content.tell_rest();
        Ok(())
    }

    fn manifests(&self, load: &Load<'_>) -> Result<(), Error> {
        if load.standing >= Standing::Stored {
            return Ok(());
        }
        for blob in &load.manifests {
            let index = blob.descriptor().digest;
            match (self.put(load, None, blob), load.sparse.get(&index)) {
                (Err(Error::Fault { cause, .. }), Some(child)) if cause.is_absent_content() => {
                    let (name, child) = (load.name.name(), *child);
                    return Err(Error::SparseIndex { name, index, child, cause });
                }
                (stored, _) => drop(stored?),
            }
        }
        Ok(())
    }

    fn evidence(&self, load: &Load<'_>) -> Result<Landed, Error> {
        let (mut landed, mut replaced) = (Vec::new(), Vec::new());
        for part in &load.parts {
            self.put(load, None, part)?;
        }
        for (tag, subject, blob) in &load.tagged {
            let descriptor = blob.descriptor();
            let digest = descriptor.digest;
            let found = self.at(load, Some(tag), descriptor)?;
            if load.standing < Standing::Stored || found != At::Manifest(digest) {
                self.put(load, Some(tag), blob)?;
            }
            if let At::Manifest(digest) = found
                && digest != descriptor.digest
            {
                replaced.push(Replaced { tag: tag.clone(), digest });
            }
            landed.push(LandedEvidence {
                digest,
                subject: *subject,
                place: Place::Tag(tag.clone()),
            });
        }
        let mut unlisted: BTreeMap<Digest, Vec<&Blob>> = BTreeMap::new();
        for (subject, blob) in &load.referrers {
            match self.put(load, None, blob)? {
                Stored::Listed => landed.push(listed(*subject, blob, Listing::Api)),
                Stored::Plain => unlisted.entry(*subject).or_default().push(blob),
            }
        }
        let repository = load.name.repository();
        for (subject, blobs) in unlisted {
            let listing =
                self.sink.list_referrers(repository, &subject, &blobs, &load.clearance).map_err(
                    fault(|| format!("list the referrers of {}@{subject}", load.name.name())),
                )?;
            landed.extend(blobs.iter().map(|blob| listed(subject, blob, listing)));
        }
        landed.sort();
        let digest = *load.clearance.admitted().subject();
        let left_behind = load.left_behind.clone();
        let (source, name) = (load.source.clone(), load.name.clone());
        let contents = load.contents();
        Ok(Landed { source, name, digest, evidence: landed, replaced, left_behind, contents })
    }

    fn tag(&self, load: &Load<'_>) -> Result<(), Error> {
        let Some((tag, blob)) = load.name.tag().zip(load.manifests.last()) else { return Ok(()) };
        if load.standing == Standing::Tagged {
            return Ok(());
        }
        self.put(load, Some(tag), blob).map(drop)
    }

    fn put(&self, load: &Load<'_>, tag: Option<&str>, blob: &Blob) -> Result<Stored, Error> {
        let repository = load.name.repository();
        let digest = blob.descriptor().digest;
        self.sink.put_manifest(repository, tag, blob, &load.clearance).map_err(fault(|| {
            let at = tag.map_or_else(|| format!("@{digest}"), |tag| format!(":{tag}"));
            format!("push {}{at}", load.name.name())
        }))
    }
}

fn listed(subject: Digest, blob: &Blob, listing: Listing) -> LandedEvidence {
    let digest = blob.descriptor().digest;
    LandedEvidence { digest, subject, place: Place::Referrers(listing) }
}

/// A blob and the repositories that need it.
struct Wanted<'a> {
    descriptor: &'a Descriptor,
    repositories: BTreeMap<&'a str, Clearance<'a>>,
}
