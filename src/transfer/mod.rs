//! What `export` and `mirror` do: bytes move from a [`Source`] to an archive, or from an archive to
//! a [`Sink`], and are the same bytes on both sides.
//!
//! An export asks first and writes afterwards. [`Plan::make`] resolves every image, walks its
//! children, and looks up the evidence of each in every convention; an answer that is neither
//! "here" nor "not here" ends it. Then every size is known, so [`into_archive`] writes each blob
//! once, at its final place, with nothing staged.
//!
//! A mirror pushes what was admitted and nothing else: a [`Sink`] asks for a [`Clearance`], and the
//! only way to one is a [`policy::Admitted`](crate::policy::Admitted).

mod base;
mod clearance;
mod cluster;
mod compare;
mod consumers;
mod discover;
mod error;
mod exceptions;
mod export;
mod inclusion;
mod list;
mod local;
mod location;
mod lock;
mod mapping;
mod mirror;
mod plan;
mod platforms;
mod prefetch;
mod proving;
mod receipt;
mod workers;

use std::io;

pub use base::at_target;
pub use clearance::Clearance;
pub use cluster::{Access, ClusterConfig, ClusterFile, Omission};
pub use compare::{
    Attached, AttachedBy, BlobDifference, BlobDifferenceKind, Compared, Comparison,
    EvidenceDifference, ImageDifference, Located, Pair, Reading, Side, compare,
};
pub use consumers::{Consumer, Lost, ReadBack, View, read_back};
pub use discover::{Moved, Request, Search};
pub use error::{Error, Fault};
pub use exceptions::{Exception, Exceptions, ExceptionsError};
pub use export::{Written, into_archive};
pub use inclusion::{LogSource, ProofSearch, Unproven};
pub use list::{
    LeftOver, List, ListEntry, ListError, TagExpression, Tagged, Tags, TagsOf, Versions,
};
pub use local::{ArchiveSource, offered, repository_of};
pub use location::{Form, InvalidLocation, Location};
pub use lock::{Lock, LockError};
pub use mapping::{InvalidMapping, Mapping, Namespace, Rule};
pub use mirror::{Flaw, Landed, LandedEvidence, LeftBehind, Place, Replaced, into_registry};
pub use plan::{Held, Image, Plan, Settings};
pub use platforms::{InvalidPlatform, Platforms, WantedPlatform};
pub use proving::Content;
pub use receipt::{Held as ReceiptEntry, Receipt};

use crate::archive::Blob;
use crate::digest::{Algorithm, Digest};
pub use crate::inventory::ledger::LookupKind;
use crate::oci::Descriptor;

/// Where images come from: one repository of a registry, or an archive.
///
/// Every method fails closed: "there is none" is an answer of its own, and whatever is neither the
/// thing nor that answer is a [`Fault`].
pub trait Source: Sync {
    /// The name in ledgers and messages, such as `registry.example/team/app`.
    fn name(&self) -> String;

    /// `registry/path`, where what it gives belongs to a repository.
    fn repository(&self) -> Option<String>;

    /// The manifest under a tag.
    fn by_tag(&self, tag: &str) -> Result<Option<Fetched>, Fault>;

    /// The manifest with this digest, proven to have it.
    fn by_digest(&self, digest: &Digest) -> Result<Option<Fetched>, Fault>;

    /// Looks for evidence of `subject` in the place that `kind` names.
    fn look_up(&self, subject: &Digest, kind: LookupKind) -> Result<Answer, Fault>;

    /// Whether the blob is there.
    fn has_blob(&self, descriptor: &Descriptor) -> Result<bool, Fault>;

    /// Passes the bytes of a blob to `sink` as they come, until it is at its end or `sink` fails:
    /// whoever keeps them proves them.
    fn read_blob(&self, descriptor: &Descriptor, sink: &mut ChunkSink<'_>) -> Result<(), Fault>;
}

/// Takes the next bytes of a blob; fails where it wants no more.
pub type ChunkSink<'a> = dyn FnMut(&[u8]) -> io::Result<()> + 'a;

/// A manifest and the descriptor of exactly these bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// What they are.
    pub descriptor: Descriptor,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// What stands in a place where evidence is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The source does not know such places.
    NotSupported,
    /// Nothing.
    NotFound,
    /// A manifest under a tag.
    Tagged {
        /// The tag.
        tag: String,
        /// The manifest.
        manifest: Box<Fetched>,
    },
    /// Manifests that refer to the subject.
    Listed(Vec<Descriptor>),
}

/// Where images go: the repositories of a registry. Each method that writes asks for a [`Clearance`].
pub trait Sink: Sync {
    /// Prepares for a blob; `None` where the repository takes it over from `mount_from`, which holds
    /// it.
    fn begin_blob<'a>(
        &'a self,
        repository: &str,
        blob: &Descriptor,
        mount_from: Option<&str>,
        clearance: &Clearance<'_>,
    ) -> Result<Option<Box<dyn Upload + 'a>>, Fault>;

    /// Whether a repository says that it holds a blob.
    fn holds(&self, repository: &str, blob: &Descriptor) -> Result<bool, Fault>;

    /// What a repository says that stands under a tag, or under a digest.
    fn standing(&self, repository: &str, at: &str) -> Result<Standing, Fault>;

    /// Puts a manifest under a tag, or under its digest.
    fn put_manifest(
        &self,
        repository: &str,
        tag: Option<&str>,
        manifest: &Blob,
        clearance: &Clearance<'_>,
    ) -> Result<Stored, Fault>;

    /// Sees to it that whoever asks for referrers of `subject` is told of these manifests, which
    /// were put before.
    fn list_referrers(
        &self,
        repository: &str,
        subject: &Digest,
        referrers: &[&Blob],
        clearance: &Clearance<'_>,
    ) -> Result<Listing, Fault>;
}

/// A blob that a registry waits for.
pub trait Upload {
    /// Sends it. Where the content fails before its end, nothing is stored.
    fn send(self: Box<Self>, content: &Content<'_>) -> Result<(), Fault>;
}

/// What stands under a tag, or under a digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing.
    Nothing,
    /// A manifest of which the registry does not say the digest.
    Unnamed,
    /// This manifest.
    Manifest(Digest),
}

/// What a registry said to a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// Nothing more than that it is stored.
    Plain,
    /// That it lists it as a referrer (`OCI-Subject`).
    Listed,
}

/// How consumers learn of referrers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Listing {
    /// By the referrers API.
    Api,
    /// By the fallback tag, for the registry has no such API.
    FallbackTag,
}

/// Hears how a transfer goes on. Called from several threads.
pub trait Watch: Sync {
    /// Evidence of one more manifest was looked up.
    fn looked_up(&self, _digest: &Digest) {}
    /// So many blobs of so many bytes in total will pass.
    fn begins(&self, _blobs: usize, _bytes: u64) {}
    /// So many bytes have passed since the last call.
    fn passed(&self, _bytes: u64) {}
}

/// Hears nothing.
pub struct Unwatched;

impl Watch for Unwatched {}

/// The tag of a convention for evidence of `subject`; `None` where the convention has no tag, or
/// the tag would be longer than a tag may be.
pub fn evidence_tag(subject: &Digest, kind: LookupKind) -> Option<String> {
    let suffix = match kind {
        LookupKind::SigTag => ".sig",
        LookupKind::AttTag => ".att",
        LookupKind::SbomTag => ".sbom",
        LookupKind::FallbackTag => return Some(fallback_tag(subject)),
        LookupKind::ReferrersApi => return None,
    };
    let tag = format!("{}-{}{suffix}", subject.algorithm(), subject.hex());
    (subject.algorithm() == Algorithm::Sha256).then_some(tag)
}

/// The tag that stands in for the referrers API; the spec cuts the value at 64 characters.
pub fn fallback_tag(subject: &Digest) -> String {
    let hex: String = subject.hex().chars().take(64).collect();
    format!("{}-{hex}", subject.algorithm())
}
