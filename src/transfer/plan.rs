//! A *plan*: every blob an archive will hold, once, with its size, in the order it will stand there.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::discover::{Discovery, Node, Role, Tagged, discover, fault};
use super::inclusion::{Proofs, proofs};
use super::{Error, Moved, Request, Search, Source, Unproven, WantedPlatform, Watch};
use crate::digest::Digest;
use crate::inventory::Name;
use crate::inventory::Version;
use crate::inventory::delta::{self, Delta, Listed};
use crate::inventory::ledger::{Entry, Ledger};
use crate::limits::Limits;
use crate::oci::{Descriptor, MediaType, Platform, Reference};
use crate::time::UnixTime;

/// How an export goes about.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Requests and blobs on their way at a time.
    pub concurrency: usize,
    /// The caps.
    pub limits: Limits,
    /// The time the ledger tells, where it tells one.
    pub time: Option<UnixTime>,
}

/// What an export will write.
pub struct Plan<'a> {
    pub(super) index: Vec<u8>,
    pub(super) items: Vec<Item<'a>>,
    entries: Vec<Descriptor>,
    left: Vec<Listed>,
    images: Vec<Image>,
    ledger: Ledger,
    moved: Vec<Moved>,
    fetched_proofs: usize,
    unproven: Vec<Unproven>,
}

/// An image that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Its names in the archive.
    pub names: Vec<Name>,
    /// The repository or archive it comes from.
    pub repository: String,
    /// Its digest.
    pub digest: Digest,
    /// What an index lists below it, children of children included.
    pub children: Vec<(Digest, Option<Platform>)>,
    /// The children that are not carried, for their platform is not wanted.
    pub left_out: BTreeSet<Digest>,
    /// Platforms that were wanted and that no child has.
    pub lacking: Vec<WantedPlatform>,
    /// Layers that may lawfully be absent and that the source does not hold.
    pub absent: Vec<Digest>,
    /// Bytes of the image: its manifests, configurations and layers, each once.
    pub bytes: u64,
}

/// A blob of the archive.
pub(super) struct Item<'a> {
    group: Group,
    pub(super) digest: Digest,
    pub(super) size: u64,
    pub(super) held: Held<'a>,
}

/// Where the bytes of a blob are until it is written.
pub enum Held<'a> {
    /// Here.
    Bytes(Vec<u8>),
    /// At the source, as a manifest.
    Manifest(&'a dyn Source),
    /// At the source, as a blob.
    Blob(&'a dyn Source, Box<Descriptor>),
}

/// The order of an archive: a reader of a stream reaches a verdict before the first layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    Manifest,
    Config,
    Evidence,
    Layer,
}

impl<'a> Plan<'a> {
    /// Asks the sources for everything the requests lead to.
    pub fn make(
        requests: &[Request<'a>],
        settings: &Settings,
        watch: &dyn Watch,
    ) -> Result<Self, Error> {
        Self::search(requests, &Search::default(), settings, watch)
    }

    /// The same, with evidence looked for elsewhere too, and lookups that may fail.
    pub fn search(
        requests: &[Request<'a>],
        search: &Search<'a>,
        settings: &Settings,
        watch: &dyn Watch,
    ) -> Result<Self, Error> {
        let Discovery { mut nodes, roots, moved } = discover(requests, search, settings, watch)?;
        let Proofs { fetched, unproven } = proofs(&nodes, search.proofs.as_ref(), settings)?;
        let mut shelf = Shelf::default();
        let mut absent = BTreeMap::new();
        for node in &mut nodes {
            absent.insert(node.descriptor.digest, shelf.put(node)?);
        }
        let ledger = ledger(&nodes, settings.time);
        let mut entries = image_entries(requests, &roots, &nodes)?;
        entries.extend(evidence_entries(&nodes)?);
        for (signature, bundle) in &fetched {
            entries.push(shelf.put_proof(signature, bundle.clone())?);
        }
        entries.push(shelf.put_artifact(MediaType::LEDGER, ledger.to_bytes())?);
        let images = images(requests, &roots, &nodes, &absent);
        let index = index_json(&entries);
        let items = shelf.in_order();
        let (left, fetched_proofs) = (Vec::new(), fetched.len());
        Ok(Self { index, items, entries, left, images, ledger, moved, fetched_proofs, unproven })
    }

    /// Leaves to `bases` the layers that they hold by digest and size; where there are any, the
    /// archive says so. All else travels, so that a verdict needs nothing but bytes of layers.
    pub fn leave(
        mut self,
        bases: Vec<delta::Base>,
        held: &BTreeMap<Digest, u64>,
    ) -> Result<Self, Error> {
        let is_left = |item: &Item<'_>| {
            item.group == Group::Layer && held.get(&item.digest) == Some(&item.size)
        };
        let (left, items): (Vec<_>, Vec<_>) = self.items.into_iter().partition(is_left);
        self.items = items;
        self.left =
            left.iter().map(|item| Listed { digest: item.digest, size: item.size }).collect();
        self.left.sort();
        if left.is_empty() {
            return Ok(self);
        }
        let delta = Delta { version: Version, bases, omitted: self.left.clone() };
        let items = self.items.into_iter().map(|item| (item.digest, item)).collect();
        let mut shelf = Shelf { items };
        self.entries.push(shelf.put_artifact(MediaType::DELTA, delta.to_bytes())?);
        self.index = index_json(&self.entries);
        self.items = shelf.in_order();
        Ok(self)
    }

    /// What is left to the base.
    pub fn left(&self) -> &[Listed] {
        &self.left
    }

    /// The bytes of `index.json`.
    pub fn index_json(&self) -> &[u8] {
        &self.index
    }

    /// The images, by name.
    pub fn images(&self) -> &[Image] {
        &self.images
    }

    /// What was looked up.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Tags that stand for another image than the one they were locked to, which is exported.
    pub fn moved(&self) -> &[Moved] {
        &self.moved
    }

    /// How many inclusion proofs of legacy signatures were asked for and are carried.
    pub fn fetched_proofs(&self) -> usize {
        self.fetched_proofs
    }

    /// Legacy signatures without an inclusion proof.
    pub fn unproven(&self) -> &[Unproven] {
        &self.unproven
    }

    /// Blobs and their bytes.
    pub fn size(&self) -> (usize, u64) {
        let bytes = self.items.iter().fold(0_u64, |sum, item| sum.saturating_add(item.size));
        (self.items.len(), bytes)
    }
}

/// The blobs collected so far.
#[derive(Default)]
struct Shelf<'a> {
    items: BTreeMap<Digest, Item<'a>>,
}

impl<'a> Shelf<'a> {
    /// Puts a manifest and what it refers to; returns the layers that are lawfully absent.
    fn put(&mut self, node: &mut Node<'a>) -> Result<Vec<Digest>, Error> {
        let [manifest, config, layer] = match node.role {
            Role::Image | Role::Child => [Group::Manifest, Group::Config, Group::Layer],
            Role::Evidence => [Group::Evidence; 3],
        };
        let Descriptor { digest, size, .. } = node.descriptor;
        let held = node.bytes.take().map_or(Held::Manifest(node.source), Held::Bytes);
        self.add(Item { group: manifest, digest, size, held })?;
        let mut absent = Vec::new();
        let configs = node.config.iter().map(|descriptor| (config, descriptor));
        for (group, descriptor) in configs.chain(node.layers.iter().map(|layer_| (layer, layer_))) {
            if is_absent(node.source, descriptor)? {
                absent.push(descriptor.digest);
                continue;
            }
            let Descriptor { digest, size, .. } = *descriptor;
            let held = Held::Blob(node.source, Box::new(descriptor.clone()));
            self.add(Item { group, digest, size, held })?;
        }
        Ok(absent)
    }

    /// In the order of the archive.
    fn in_order(self) -> Vec<Item<'a>> {
        let mut items: Vec<_> = self.items.into_values().collect();
        items.sort_by_key(|item| (item.group, item.digest));
        items
    }

    /// Puts a document of the archive as an artifact: with the empty configuration and a manifest.
    fn put_artifact(&mut self, kind: &str, document: Vec<u8>) -> Result<Descriptor, Error> {
        let document = self.put_bytes(kind, document)?;
        let config = self.put_bytes(MediaType::OCI_EMPTY, b"{}".to_vec())?;
        let manifest = ArtifactManifest {
            schema_version: 2,
            media_type: MediaType::OCI_MANIFEST,
            artifact_type: kind,
            config: &config,
            layers: [&document],
        };
        let bytes = serde_json::to_vec(&manifest).expect("a manifest has only texts as keys");
        let mut descriptor = self.put_bytes(MediaType::OCI_MANIFEST, bytes)?;
        descriptor.artifact_type = Some(kind.to_owned());
        Ok(descriptor)
    }

    /// Puts a bundle that proves a signature's entry, as a referrer of the signature's manifest.
    fn put_proof(&mut self, signature: &Descriptor, bundle: Vec<u8>) -> Result<Descriptor, Error> {
        let bundle = self.put_bytes(MediaType::SIGSTORE_BUNDLE_V0_3, bundle)?;
        let config = self.put_bytes(MediaType::OCI_EMPTY, b"{}".to_vec())?;
        let subject = bare(signature.media_type.clone(), signature.digest, signature.size);
        let manifest = ProofManifest {
            schema_version: 2,
            media_type: MediaType::OCI_MANIFEST,
            artifact_type: MediaType::SIGSTORE_BUNDLE_V0_3,
            config: &config,
            layers: [&bundle],
            annotations: BTreeMap::from([("dev.sigstore.bundle.content", "message-signature")]),
            subject: &subject,
        };
        let bytes = serde_json::to_vec(&manifest).expect("a manifest has only texts as keys");
        let mut descriptor = self.put_bytes(MediaType::OCI_MANIFEST, bytes)?;
        descriptor.artifact_type = Some(MediaType::SIGSTORE_BUNDLE_V0_3.to_owned());
        let subject = signature.digest.to_string();
        descriptor.annotations.insert(REFERRER_SUBJECT.to_owned(), subject);
        Ok(descriptor)
    }

    fn put_bytes(&mut self, media_type: &str, bytes: Vec<u8>) -> Result<Descriptor, Error> {
        let digest = Digest::sha256(&bytes);
        let size = u64::try_from(bytes.len()).expect("a vector is no longer than u64 counts");
        self.add(Item { group: Group::Evidence, digest, size, held: Held::Bytes(bytes) })?;
        Ok(bare(media_type.into(), digest, size))
    }

    /// Each blob once, in the first group it belongs to.
    fn add(&mut self, item: Item<'a>) -> Result<(), Error> {
        let Some(known) = self.items.get_mut(&item.digest) else {
            self.items.insert(item.digest, item);
            return Ok(());
        };
        if known.size != item.size {
            let (first, second) = (known.size, item.size);
            return Err(Error::TwoSizes { digest: item.digest, first, second });
        }
        known.group = known.group.min(item.group);
        if matches!(item.held, Held::Bytes(_)) {
            known.held = item.held;
        }
        Ok(())
    }
}

/// Whether a blob that may be absent is.
fn is_absent(source: &dyn Source, descriptor: &Descriptor) -> Result<bool, Error> {
    if !descriptor.media_type.is_non_distributable() {
        return Ok(false);
    }
    let present = source
        .has_blob(descriptor)
        .map_err(fault(|| format!("ask {} for {}", source.name(), descriptor.digest)))?;
    Ok(!present)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ArtifactManifest<'a> {
    schema_version: u8,
    media_type: &'a str,
    artifact_type: &'a str,
    config: &'a Descriptor,
    layers: [&'a Descriptor; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProofManifest<'a> {
    schema_version: u8,
    media_type: &'a str,
    artifact_type: &'a str,
    config: &'a Descriptor,
    layers: [&'a Descriptor; 1],
    annotations: BTreeMap<&'a str, &'a str>,
    subject: &'a Descriptor,
}

fn ledger(nodes: &[Node<'_>], time: Option<UnixTime>) -> Ledger {
    let carried: BTreeSet<_> = nodes.iter().map(|node| node.descriptor.digest).collect();
    let mut subjects = Vec::new();
    for node in nodes {
        // What another image brings along is not left out of the archive.
        let left_out: Vec<_> = node.left_out.difference(&carried).copied().collect();
        for (repository, lookups) in &node.lookups {
            subjects.push(Entry {
                repository: repository.clone(),
                digest: node.descriptor.digest,
                media_type: node.descriptor.media_type.clone(),
                left_out: left_out.clone(),
                lookups: lookups.clone(),
            });
        }
    }
    subjects.sort();
    // Evidence of images of two repositories, found in one place.
    subjects.dedup();
    Ledger { version: Version, time, subjects }
}

/// The tag of an image, by the image spec.
pub(super) const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// Its full name, as containerd reads it.
pub(super) const IMAGE_NAME: &str = "io.containerd.image.name";
/// What a referrer refers to, as containerd#12311 proposes: a hint for readers of the index alone.
const REFERRER_SUBJECT: &str = "org.opencontainers.image.referrer.subject";

/// Each image under each of its names, sorted.
fn image_entries(
    requests: &[Request<'_>],
    roots: &[Descriptor],
    nodes: &[Node<'_>],
) -> Result<Vec<Descriptor>, Error> {
    let kinds: BTreeMap<_, _> = nodes.iter().map(|node| (node.descriptor.digest, node)).collect();
    let mut named: BTreeMap<(String, String), (Descriptor, String)> = BTreeMap::new();
    for (request, root) in requests.iter().zip(roots) {
        let mut entry = bare(root.media_type.clone(), root.digest, root.size);
        if let Some(node) = kinds.get(&root.digest) {
            let is_image = node.config.as_ref().is_some_and(|it| it.media_type.is_image_config());
            entry.artifact_type = node.kind.clone().filter(|_| !is_image);
        }
        match &request.name {
            Some(Name::Reference(reference)) => annotate(&mut entry, reference),
            Some(Name::Tag(tag)) => {
                entry.annotations.insert(REF_NAME.to_owned(), tag.clone());
            }
            None => {}
        }
        let full = entry.annotation(IMAGE_NAME).unwrap_or_default().to_owned();
        let short = entry.ref_name().map_or_else(|| root.digest.to_string(), str::to_owned);
        let name = if full.is_empty() { short.clone() } else { full.clone() };
        put_once(&mut named, (full, short), name, entry, request.source.name())?;
    }
    Ok(named.into_values().map(|(entry, _)| entry).collect())
}

/// Puts an entry, found `at` a source, where nothing else has its name.
fn put_once<K: Ord>(
    entries: &mut BTreeMap<K, (Descriptor, String)>,
    key: K,
    name: String,
    entry: Descriptor,
    at: String,
) -> Result<(), Error> {
    let (second, second_at) = (entry.digest, at.clone());
    match entries.insert(key, (entry, at)) {
        Some((first, first_at)) if first.digest != second => {
            Err(Error::TwoOfOneName { name, first: first.digest, first_at, second, second_at })
        }
        _ => Ok(()),
    }
}

/// Gives an entry a name: the tag, and the whole reference.
fn annotate(entry: &mut Descriptor, reference: &Reference) {
    if let Some(tag) = reference.tag() {
        entry.annotations.insert(REF_NAME.to_owned(), tag.to_owned());
    }
    entry.annotations.insert(IMAGE_NAME.to_owned(), reference.to_string());
}

/// Tagged evidence by name, then referrers by digest.
fn evidence_entries(nodes: &[Node<'_>]) -> Result<Vec<Descriptor>, Error> {
    let kinds: BTreeMap<_, _> =
        nodes.iter().map(|node| (node.descriptor.digest, node.kind.clone())).collect();
    let mut tagged = BTreeMap::new();
    let mut referrers = BTreeMap::new();
    for node in nodes {
        for Tagged { tag, manifest, at } in &node.tagged {
            let mut entry = bare(manifest.media_type.clone(), manifest.digest, manifest.size);
            entry.annotations.insert(REF_NAME.to_owned(), tag.clone());
            // An archive that knows no repository has tags only. What was found elsewhere belongs
            // beside its image all the same: there consumers look.
            let repository = node.home.clone();
            if let Some(repository) = &repository {
                entry.annotations.insert(IMAGE_NAME.to_owned(), format!("{repository}:{tag}"));
            }
            let name = format!("{}:{tag}", repository.unwrap_or_else(|| node.source.name()));
            put_once(&mut tagged, name.clone(), name, entry, at.clone())?;
        }
        for referrer in &node.referrers {
            let mut entry = bare(referrer.media_type.clone(), referrer.digest, referrer.size);
            // As its own manifest says; a registry's list may say anything.
            entry.artifact_type = kinds.get(&referrer.digest).cloned().flatten();
            entry
                .annotations
                .insert(REFERRER_SUBJECT.to_owned(), node.descriptor.digest.to_string());
            referrers.insert(referrer.digest, entry);
        }
    }
    let tagged = tagged.into_values().map(|(entry, _)| entry);
    Ok(tagged.chain(referrers.into_values()).collect())
}

fn images(
    requests: &[Request<'_>],
    roots: &[Descriptor],
    nodes: &[Node<'_>],
    absent: &BTreeMap<Digest, Vec<Digest>>,
) -> Vec<Image> {
    let by_digest: BTreeMap<_, _> =
        nodes.iter().map(|node| (node.descriptor.digest, node)).collect();
    let mut images: BTreeMap<(String, Digest), Image> = BTreeMap::new();
    for (request, root) in requests.iter().zip(roots) {
        let repository = request.source.name();
        let image = images.entry((repository.clone(), root.digest)).or_insert_with(|| {
            let children = descendants(root.digest, &by_digest);
            let own: BTreeSet<_> = std::iter::once(root.digest)
                .chain(children.iter().map(|(digest, _)| *digest))
                .collect();
            let nodes: Vec<_> = own.iter().filter_map(|digest| by_digest.get(digest)).collect();
            let absent: BTreeSet<_> =
                own.iter().filter_map(|digest| absent.get(digest)).flatten().copied().collect();
            let left_out = nodes.iter().flat_map(|node| &node.left_out);
            Image {
                names: Vec::new(),
                repository,
                digest: root.digest,
                left_out: left_out
                    .filter(|child| !by_digest.contains_key(*child))
                    .copied()
                    .collect(),
                lacking: by_digest
                    .get(&root.digest)
                    .map(|it| it.lacking.clone())
                    .unwrap_or_default(),
                bytes: bytes(&nodes, &absent),
                children,
                absent: absent.into_iter().collect(),
            }
        });
        image.names.extend(request.name.clone());
        image.names.sort();
        image.names.dedup();
    }
    images.into_values().collect()
}

/// The bytes of manifests and of what they refer to, each blob once.
fn bytes(nodes: &[&&Node<'_>], absent: &BTreeSet<Digest>) -> u64 {
    let blobs: BTreeMap<_, _> = nodes
        .iter()
        .flat_map(|node| std::iter::once(&node.descriptor).chain(&node.config).chain(&node.layers))
        .filter(|blob| !absent.contains(&blob.digest))
        .map(|blob| (blob.digest, blob.size))
        .collect();
    blobs.values().fold(0, |sum, size| sum.saturating_add(*size))
}

/// What lies below an index, in its own order.
fn descendants(
    root: Digest,
    nodes: &BTreeMap<Digest, &Node<'_>>,
) -> Vec<(Digest, Option<Platform>)> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::from([root]);
    let mut left = vec![root];
    while let Some(digest) = left.pop() {
        let children = nodes.get(&digest).map(|node| node.children.as_slice()).unwrap_or_default();
        for child in children {
            if seen.insert(child.digest) {
                found.push((child.digest, child.platform.clone()));
                left.push(child.digest);
            }
        }
    }
    found
}

fn index_json(entries: &[Descriptor]) -> Vec<u8> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct IndexJson<'a> {
        schema_version: u8,
        media_type: &'a str,
        manifests: &'a [Descriptor],
    }
    let index =
        IndexJson { schema_version: 2, media_type: MediaType::OCI_INDEX, manifests: entries };
    serde_json::to_vec(&index).expect("an index has only texts as keys")
}

/// A descriptor that says only what the bytes are.
fn bare(media_type: MediaType, digest: Digest, size: u64) -> Descriptor {
    Descriptor {
        media_type,
        digest,
        size,
        annotations: BTreeMap::new(),
        platform: None,
        artifact_type: None,
        data: None,
    }
}
