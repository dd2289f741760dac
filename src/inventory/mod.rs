//! What an archive holds: *subjects* and the *evidence* that speaks of them, found by every
//! convention, believed by nobody yet.
//!
//! Evidence is tied to a subject in five ways: a tag `sha256-<hex>.sig|.att|.sbom` as `ref.name`,
//! with or without a repository before it; cosign's `kind` annotation; a manifest whose `subject`
//! is the image, listed in the index or not; the referrers fallback tag `sha256-<hex>`. All of them
//! are followed, for every subject, child or not; evidence can have evidence of its own.
//!
//! Three rules keep an archive from hiding something:
//!
//! - What a runtime could run is a subject, whatever else it calls itself. An image that is listed
//!   under a signature's tag, or that names a `subject`, is evidence *and* must be judged.
//! - Evidence that cannot be read is kept, with the reason; so are children that are absent.
//! - One name for two things, and two promises about one digest, are never resolved by choosing.

pub mod delta;
pub mod ledger;

mod budget;
mod cosign_layout;
mod evidence;
mod gather;
mod referrers;
mod tags;
mod version;

pub use tags::is_evidence_tag;
pub use version::{UnknownVersion, Version};

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

use crate::archive::{Archive, Blob, BlobError};
use crate::digest::Digest;
use crate::inventory::delta::Delta;
use crate::inventory::gather::Gathering;
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
    /// What it leaves to a base, where the archive is a delta.
    pub delta: Option<Delta>,
    /// What is odd in the archive and decides nothing.
    pub notes: Vec<Note>,
}

impl Inventory {
    /// Reads every manifest of the archive and sorts it out. Layers and configurations are not
    /// read; the engine hashes them.
    pub fn of(archive: &Archive, limits: &Limits) -> Result<Self, Error> {
        let mut gathering = Gathering::new(archive, limits);
        gathering.roots(archive)?;
        let by_kind_alone = gathering.settle_kinds()?;
        gathering.unlisted()?;
        gathering.finish(by_kind_alone)
    }

    /// The subject with this digest.
    pub fn subject(&self, digest: &Digest) -> Option<&Subject> {
        self.subjects.iter().find(|subject| subject.descriptor.digest == *digest)
    }

    /// Every full name.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        self.subjects.iter().flat_map(Subject::references)
    }

    /// Every descriptor that `subject` needs, itself included, each once and contents before what
    /// refers to them: the order in which a registry takes them.
    pub fn reachable<'a>(&'a self, subject: &'a Subject) -> Vec<&'a Descriptor> {
        let known: HashMap<_, _> =
            self.subjects.iter().map(|subject| (subject.descriptor.digest, subject)).collect();
        let mut seen = HashSet::new();
        let mut reached = Vec::new();
        // Depth is bounded: an inventory has no deeper indexes than its limits allowed.
        reach(subject, &known, &mut seen, &mut reached);
        reached
    }
}

fn reach<'a>(
    subject: &'a Subject,
    known: &HashMap<Digest, &'a Subject>,
    seen: &mut HashSet<Digest>,
    reached: &mut Vec<&'a Descriptor>,
) {
    if !seen.insert(subject.descriptor.digest) {
        return;
    }
    for blob in subject.blobs() {
        match known.get(&blob.digest) {
            Some(child) => reach(child, known, seen, reached),
            None if seen.insert(blob.digest) => reached.push(blob),
            None => {}
        }
    }
    reached.push(&subject.descriptor);
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
    /// Whether `index.json` lists it. A subject that is neither listed nor has parents is an image
    /// found as a referrer only; it must be judged as a root is.
    pub is_root: bool,
    /// Indexes of the archive that list it.
    pub parents: Vec<Digest>,
    /// The platform its first parent gives it.
    pub platform: Option<Platform>,
    /// What claims to prove something of it, in a fixed order.
    pub evidence: Vec<Evidence>,
}

impl Subject {
    /// Its full names.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        self.names.iter().filter_map(|name| match name {
            Name::Reference(reference) => Some(reference),
            Name::Tag(_) => None,
        })
    }

    /// What its document refers to: the children of an index; the configuration and the layers of
    /// a manifest. Nothing where the document cannot be read.
    pub fn blobs(&self) -> Vec<&Descriptor> {
        let document = self.content.as_ref().map(|content| &content.document);
        document.map(|document| document.descriptors().collect()).unwrap_or_default()
    }
}

/// The proven bytes of a subject and their reading.
pub struct Content {
    /// The bytes.
    pub blob: Blob,
    /// Their reading.
    pub document: Document,
}

/// Why a manifest could not be had.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum BlobFault {
    /// Its bytes are absent or are not what was promised.
    #[error(transparent)]
    Blob(BlobError),
    /// Its bytes are no document we read.
    #[error(transparent)]
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

/// The text of the name.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reference(reference) => reference.fmt(f),
            Self::Tag(tag) => tag.fmt(f),
        }
    }
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
    /// What speaks of the manifest in turn, such as the signature of an SBOM. Where the manifest is
    /// a subject too, because a runtime could run it, its evidence stands there.
    pub referrers: Vec<Evidence>,
}

/// How evidence was tied to its subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FoundBy {
    /// A tag such as `sha256-<hex>.sig`.
    Tag(String),
    /// The `kind` annotation of cosign (`dev.cosignproject.cosign/sigs`) or hauler, beside the only
    /// image of a layout, the image of the same name, or for the child whose hex it ends with.
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

/// Something odd that decides nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// `index.json` has the same entry more than once.
    ListedTwice {
        /// What it lists.
        digest: Digest,
    },
    /// `index.json` gives a name that is neither a reference nor a tag; the root goes without it.
    UnreadableName {
        /// What it names.
        digest: Digest,
        /// What stands there.
        name: String,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ListedTwice { digest } => write!(f, "`index.json` lists {digest} twice"),
            Self::UnreadableName { digest, name } => {
                write!(f, "`{}`, the name of {digest}, is no name", name.escape_debug())
            }
        }
    }
}

/// Why an archive cannot be sorted out.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// One name stands for two things.
    #[error("`{name}` names both {first} and {second}")]
    AmbiguousRef {
        /// The name.
        name: Box<Name>,
        /// The digest listed first.
        first: Digest,
        /// The digest listed later.
        second: Digest,
    },
    /// More of something than [`Limits`] allows.
    #[error("the archive has more than {limit} {what}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// The cap.
        limit: u64,
    },
    /// The archive lists a ledger that cannot be read.
    #[error("the ledger {digest} cannot be read")]
    Ledger {
        /// Its manifest.
        digest: Digest,
        /// Why.
        #[source]
        fault: BlobFault,
    },
    /// The archive says that it is a delta, and what it leaves out cannot be read.
    #[error("the list of what this delta leaves out, {digest}, cannot be read")]
    Delta {
        /// Its manifest.
        digest: Digest,
        /// Why.
        #[source]
        fault: Box<delta::Fault>,
    },
    /// The archive lists two ledgers, of which one must be wrong.
    #[error("the archive has two ledgers, {first} and {second}")]
    TwoLedgers {
        /// The manifest listed first.
        first: Digest,
        /// The manifest listed later.
        second: Digest,
    },
}

impl Error {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::AmbiguousRef { .. } => "ambiguous-ref",
            Self::Limit { .. } => "limit-exceeded",
            Self::Ledger { .. } => "bad-ledger",
            Self::Delta { .. } => "bad-delta",
            Self::TwoLedgers { .. } => "two-ledgers",
        }
    }
}
