//! What `verify` does: every blob hashed, every piece of evidence verified once, every image judged.
//!
//! Work is done in whatever order is fastest and its results are
//! put back into the order of the input, so that the report is the same for any number of jobs.

mod admission;
mod blobs;
mod evidence;
mod judgement;
mod parts;
mod pool;
mod record;
mod selection;

use std::num::NonZeroUsize;

pub use admission::{Decision, Refusal, admit};
pub use selection::Selector;

use blobs::Blobs;
use evidence::Findings;
use judgement::Judgement;
use parts::Bytes;
use pool::Pool;
use record::{Comparison, Record};

use crate::admission::OtherDigest;
use crate::archive::{Archive, BlobError};
use crate::digest::Digest;
use crate::inventory::{BlobFault, Inventory, Subject};
use crate::limits::Limits;
use crate::policy::{Admitted, Demand, PolicySet};
use crate::report::text::count;
use crate::report::{self, Basis, Image, Report, Scope, Warning};
use crate::time::UnixTime;
use crate::verify::Verifier;

/// What is judged, and by what.
#[derive(Clone, Copy)]
pub struct Work<'a> {
    /// The archive.
    pub archive: &'a Archive,
    /// What it holds.
    pub inventory: &'a Inventory,
    /// Decide what is authentic: by the trust that is given for everything first, then by each that
    /// a policy brings.
    pub verifiers: &'a [Verifier],
    /// Decide what is acceptable.
    pub policies: &'a PolicySet,
    /// Caps on what is read.
    pub limits: &'a Limits,
}

/// How it is judged.
#[derive(Clone, Debug)]
pub struct Options {
    /// The images to judge; empty for every root of the archive.
    pub selection: Vec<Selector>,
    /// How many threads work.
    pub jobs: NonZeroUsize,
    /// Whether the archive must hold all that its ledger says.
    pub ledger: Demand,
    /// What the report says it was judged by; the scope in it decides which bytes must be there.
    pub basis: Basis,
}

impl Options {
    /// All images, whole, on one thread; the report names no trust and no policy.
    pub fn at(judged_at: UnixTime) -> Self {
        let basis = Basis {
            judged_at,
            scope: Scope::Whole,
            trust: report::Trust::default(),
            policies: Vec::new(),
        };
        Self { selection: Vec::new(), jobs: NonZeroUsize::MIN, ledger: Demand::Waived, basis }
    }
}

/// The report, and the proofs for what it admits.
#[derive(Debug)]
pub struct Outcome {
    /// What is told.
    pub report: Report,
    /// The images that were admitted, in the report's order.
    pub admitted: Vec<Admitted>,
}

/// Hears how far the work is. It is told from many threads and decides nothing.
pub trait Progress: Sync {
    /// The work ahead: bytes to hash and pieces of evidence to verify.
    fn begin(&self, bytes: u64, pieces: usize) {
        let _ = (bytes, pieces);
    }

    /// A blob of that many bytes was hashed.
    fn hashed(&self, bytes: u64) {
        let _ = bytes;
    }

    /// A piece of evidence was verified or rejected.
    fn verified(&self) {}
}

/// Nobody listens.
impl Progress for () {}

/// The images that [`verify`] judges by themselves.
pub fn chosen<'a>(
    inventory: &'a Inventory,
    selection: &[Selector],
) -> Result<Vec<&'a Subject>, Error> {
    let chosen = selection::choose(inventory, selection)?;
    Ok(chosen.into_iter().filter_map(|place| inventory.subjects.get(place)).collect())
}

/// Judges an archive.
pub fn verify(
    work: &Work<'_>,
    options: &Options,
    progress: &dyn Progress,
) -> Result<Outcome, Error> {
    let Work { archive, inventory, verifiers, policies, limits } = *work;
    check_readable(inventory)?;
    let map = selection::Map::of(inventory);
    let chosen = selection::choose(inventory, &options.selection)?;
    let pool = Pool::new(options.jobs)?;
    let scope = options.basis.scope;

    let concerned = map.concerned(&chosen, &options.selection);
    let plan = blobs::Plan::of(inventory, &concerned, options.selection.is_empty());
    let tasks = evidence::tasks(inventory, &concerned);
    progress.begin(plan.bytes(archive.store()), tasks.len());
    let blobs = Blobs::check(&plan, archive.store(), &pool, progress)?;
    let findings = Findings::verify(&tasks, &blobs, scope, verifiers, &pool, progress);

    let record = Record::of(inventory, limits);
    let bytes = Bytes { store: archive.store(), blobs: &blobs, limits, scope, record: &record };
    let comparison = (options.ledger == Demand::Demanded)
        .then(|| Comparison::new(&record, inventory, &blobs, options.selection.is_empty()));
    let judgement = Judgement {
        inventory,
        map: &map,
        bytes,
        findings: &findings,
        policies,
        comparison: comparison.as_ref(),
    };
    let (images, admitted): (Vec<_>, Vec<_>) =
        chosen.iter().map(|&subject| judgement.judge(subject)).unzip();
    let mut warnings = judgement::warnings(policies, &images);
    warnings
        .extend(archive.omission().map(|omission| Warning::Oddity { note: omission.to_string() }));
    let is_told = |subject: &Digest| options.selection.is_empty() || is_of(&images, subject);
    let excused = record.excused().filter(|(subject, _)| is_told(subject));
    warnings.extend(excused.map(|(subject, note)| Warning::Excused { subject, note }));
    if let Record::Broken(why) = &record {
        let note = format!("the ledger cannot be read and says nothing: {why}");
        warnings.push(Warning::Oddity { note });
    }
    warnings.extend(strays(inventory, &blobs, options));
    warnings
        .extend(archive.ignored().iter().map(|name| Warning::ForeignMember { name: name.clone() }));
    let report = Report {
        basis: options.basis.clone(),
        archive: *archive.index_digest(),
        blobs: blobs.counted(),
        used: findings.anchors(),
        images,
        warnings,
    };
    Ok(Outcome { report, admitted: admitted.into_iter().flatten().collect() })
}

/// Whether a manifest is one of the images, a child or evidence of one.
fn is_of(images: &[Image], digest: &Digest) -> bool {
    images.iter().any(|image| {
        image.digest == *digest
            || image.children.iter().any(|child| child.digest == *digest)
            || image.evidence.iter().any(|evidence| evidence.manifest == *digest)
    })
}

/// A manifest that could not be read says nothing of what it is.
fn check_readable(inventory: &Inventory) -> Result<(), BlobError> {
    let faults = inventory.subjects.iter().filter_map(|subject| subject.content.as_ref().err());
    for fault in faults {
        if let BlobFault::Blob(error @ BlobError::Io { .. }) = fault {
            return Err(error.clone());
        }
    }
    Ok(())
}

/// What the archive holds beside images and their evidence; told only of a whole archive.
fn strays(inventory: &Inventory, blobs: &Blobs, options: &Options) -> Vec<Warning> {
    if !options.selection.is_empty() {
        return Vec::new();
    }
    let notes = inventory.notes.iter().map(|note| Warning::Oddity { note: note.to_string() });
    let orphans = inventory.orphans.iter().map(|orphan| {
        let faults = evidence::faults(&orphan.evidence, blobs, Scope::Whole);
        let faults = faults.into_iter().map(|fault| fault.detail).collect();
        Warning::Stray(report::StrayEvidence {
            subject: orphan.subject,
            manifest: orphan.evidence.manifest.digest,
            faults,
        })
    });
    let unreferenced = inventory
        .unreferenced
        .iter()
        .map(|(digest, size)| Warning::Unreferenced { digest: *digest, size: *size });
    notes.chain(orphans).chain(unreferenced).collect()
}

/// Why nothing could be decided.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The archive lists no image.
    #[error("the archive holds no image")]
    NoImage,
    /// The archive lists evidence and not what it speaks of.
    #[error(
        "the archive holds {} and none of the images it speaks of",
        count(*.orphans, "piece of evidence")
    )]
    OnlyEvidence {
        /// How many pieces.
        orphans: usize,
    },
    /// A selection matches nothing.
    #[error("no image of the archive is `{}`", .selector.escape_debug())]
    NotFound {
        /// The selection.
        selector: String,
        /// What the images are called.
        names: Vec<String>,
    },
    /// A blob file could not be read.
    #[error("the archive cannot be read: {0}")]
    Unreadable(#[from] BlobError),
    /// An image cannot be pinned to what it was found as.
    #[error("an image cannot be pinned")]
    Pin(#[from] OtherDigest),
    /// Threads could not be started.
    #[error("threads could not be started")]
    Threads(#[from] rayon::ThreadPoolBuildError),
}
