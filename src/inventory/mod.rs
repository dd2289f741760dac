//! What an archive holds: *subjects* and the *evidence* that speaks of them, found by every
//! convention, believed by nobody yet.
//!
//! Evidence is tied to a subject in five ways: a tag `sha256-<hex>.sig|.att|.sbom` as `ref.name`,
//! with or without a repository before it; cosign's `kind` annotation; a manifest whose `subject`
//! is the image, listed in the index or not; the referrers fallback tag `sha256-<hex>`. All of them
//! are followed, for every subject, child or not.

pub mod ledger;

use std::collections::BTreeMap;

use crate::archive::{Archive, Blob, BlobError};
use crate::digest::Digest;
use crate::limits::Limits;
use crate::oci::{Descriptor, Document, Platform, Reference};

/// Everything an archive holds, in the order of its index.
pub struct Inventory {
    /// Images, indexes, their children, and artifacts that are no evidence.
    pub subjects: Vec<Subject>,
    /// Evidence of something the archive does not hold: the subject's digest, where it is known, and the evidence.
    pub orphans: Vec<Orphan>,
    /// Blob files nobody refers to, and their sizes.
    pub unreferenced: Vec<(Digest, u64)>,
    /// The ledger of the export, where the archive carries one: the proven bytes.
    pub ledger: Option<Blob>,
}

impl Inventory {
    /// Reads every manifest of the archive and sorts it out. Layers and configurations are not
    /// read; the engine hashes them.
    pub fn of(archive: &Archive, limits: &Limits) -> Result<Self, Error> {
        let _ = (archive, limits);
        todo!()
    }
}

/// An index, an image or another artifact that evidence can speak of.
pub struct Subject {
    /// The descriptor that led here first.
    pub descriptor: Descriptor,
    /// Its bytes and what they say, or why they cannot be read. A subject whose own bytes are
    /// wrong is never admitted.
    pub content: Result<Content, BlobFault>,
    /// Names `index.json` gives it: full references where it has them, else tags. Empty for children.
    pub names: Vec<Name>,
    /// Whether `index.json` lists it.
    pub is_root: bool,
    /// Indexes of the archive that list it.
    pub parents: Vec<Digest>,
    /// The platform its first parent gives it.
    pub platform: Option<Platform>,
    /// What claims to prove something of it, in a fixed order.
    pub evidence: Vec<Evidence>,
}

/// The proven bytes of a subject and their reading.
pub struct Content {
    /// The bytes.
    pub blob: Blob,
    /// Their reading.
    pub document: Document,
}

/// Why a manifest could not be had.
#[derive(Debug)]
pub enum BlobFault {
    /// Its bytes are absent or are not what was promised.
    Blob(BlobError),
    /// Its bytes are no document we read.
    Document(crate::oci::Error),
}

/// A name of a root.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name {
    /// A full reference, from `io.containerd.image.name` or a `ref.name` that holds one.
    Reference(Reference),
    /// A bare tag.
    Tag(String),
}

/// One manifest that claims to prove something of a subject, with what it holds.
pub struct Evidence {
    /// The manifest that carries it.
    pub manifest: Descriptor,
    /// How it was tied to the subject.
    pub found_by: FoundBy,
    /// Its pieces; each is judged on its own (VERIFICATION P4).
    pub pieces: Vec<Piece>,
    /// Blobs the manifest refers to (config and layers), for hashing and for mirroring.
    pub blobs: Vec<Descriptor>,
    /// The proven manifest bytes, or why there are none.
    pub content: Result<Blob, BlobFault>,
}

/// How evidence was tied to its subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FoundBy {
    /// A tag such as `sha256-<hex>.sig`.
    Tag(String),
    /// cosign's `kind` annotation (`dev.cosignproject.cosign/sigs`), beside the only image of a layout.
    CosignKind,
    /// Its `subject`.
    Subject,
    /// The fallback tag's index lists it.
    FallbackTag,
}

/// One claim: a signature, an attestation, a bundle, or something carried but not judged.
pub enum Piece {
    /// A layer of a `.sig` manifest.
    Signature(LegacySignature),
    /// A layer of an `.att` manifest.
    Attestation(LegacyAttestation),
    /// A Sigstore bundle, as a referrer's layer.
    Bundle(Blob),
    /// Carried as it is and proof of nothing here: an SBOM, a Notation signature. The media or artifact type.
    Carried(String),
    /// A layer that cannot be read; says why.
    Unreadable(Descriptor, BlobError),
}

/// cosign's legacy signature: a payload and annotations.
#[derive(Clone, Debug)]
pub struct LegacySignature {
    /// The simple-signing payload, the exact bytes that were signed.
    pub payload: Blob,
    /// The annotations of the layer.
    pub annotations: BTreeMap<String, String>,
}

/// cosign's legacy attestation: a DSSE envelope and annotations.
#[derive(Clone, Debug)]
pub struct LegacyAttestation {
    /// The envelope, the exact bytes of the layer.
    pub envelope: Blob,
    /// The annotations of the layer.
    pub annotations: BTreeMap<String, String>,
}

/// Evidence whose subject the archive does not hold.
pub struct Orphan {
    /// The subject it names.
    pub subject: Option<Digest>,
    /// The evidence.
    pub evidence: Evidence,
}

/// Why an archive cannot be sorted out.
#[derive(Debug, thiserror::Error)]
pub enum Error {}
