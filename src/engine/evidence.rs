//! Every piece of evidence, verified once.

use std::collections::BTreeSet;

use super::blobs::{Blobs, State, Wrong};
use super::{Pool, Progress};
use crate::archive::{Blob, BlobError};
use crate::digest::Digest;
use crate::inventory::{Evidence, FoundBy, Inventory, LegacySignature, Piece};
use crate::report::{self, Finding, Proof, Rejected, Scope};
use crate::verify::{
    Anchor, Artifact, Inclusion, LegacyLayer, Rejection, Testimony, Verified, Verifier,
};

/// One piece to verify, and of what.
#[derive(Clone, Copy)]
pub(super) struct Task<'a> {
    place: usize,
    subject: Digest,
    artifact: Artifact<'a>,
    evidence: &'a Evidence,
    piece: Option<&'a Piece>,
    /// The evidence that this stands beside, where it speaks of evidence.
    above: Option<&'a Evidence>,
    /// Where the tasks of what stands beside this begin and end.
    beside: (usize, usize),
}

/// The pieces of the subjects at `concerned`, in the order of the inventory. Evidence without a
/// piece stands there once, so that what is wrong with its bytes is told.
pub(super) fn tasks<'a>(inventory: &'a Inventory, concerned: &BTreeSet<usize>) -> Vec<Task<'a>> {
    let mut tasks = Vec::new();
    for &place in concerned {
        let Some(subject) = inventory.subjects.get(place) else { continue };
        let bytes = subject.content.as_ref().ok().map(|content| content.blob.bytes());
        for evidence in &subject.evidence {
            let of = Of { place, subject: subject.descriptor.digest, bytes, above: None };
            add(of, evidence, &mut tasks);
        }
    }
    tasks
}

/// What evidence speaks of.
#[derive(Clone, Copy)]
struct Of<'a> {
    place: usize,
    subject: Digest,
    bytes: Option<&'a [u8]>,
    above: Option<&'a Evidence>,
}

fn add<'a>(of: Of<'a>, evidence: &'a Evidence, tasks: &mut Vec<Task<'a>>) {
    let Of { place, subject, bytes, above } = of;
    let artifact = Artifact { digest: subject.into(), bytes };
    let task = |piece| Task { place, subject, artifact, evidence, piece, above, beside: (0, 0) };
    let first = tasks.len();
    if evidence.pieces.is_empty() {
        tasks.push(task(None));
    }
    tasks.extend(evidence.pieces.iter().map(Some).map(task));
    let after = tasks.len();
    // Evidence of evidence, such as the signature of an SBOM. The inventory bounds its depth.
    let bytes = evidence.content.as_ref().ok().map(Blob::bytes);
    for referrer in &evidence.referrers {
        let of = Of { place, subject: evidence.manifest.digest, bytes, above: Some(evidence) };
        add(of, referrer, tasks);
    }
    let beside = (after, tasks.len());
    for task in tasks.get_mut(first..after).into_iter().flatten() {
        task.beside = beside;
    }
}

/// What was found of every piece, in the order of the tasks.
pub(super) struct Findings {
    pieces: Vec<Judged>,
}

/// What was found of a piece.
pub(super) struct Judged {
    place: usize,
    subject: Digest,
    manifest: Digest,
    found_by: String,
    /// What the first trust says.
    result: Result<Verified, Unproven>,
    /// Proofs against further trusts.
    further: Vec<Verified>,
}

enum Unproven {
    Rejected(Rejected),
    Carried(String),
}

impl Findings {
    /// Verifies every piece.
    pub(super) fn verify(
        tasks: &[Task<'_>],
        blobs: &Blobs,
        scope: Scope,
        verifiers: &[Verifier],
        pool: &Pool,
        progress: &dyn Progress,
    ) -> Self {
        let mut pieces: Vec<Judged> = Vec::new();
        for (trust, verifier) in verifiers.iter().enumerate() {
            // Inclusions first: they are joined to the signatures they stand beside.
            let inclusions = pool.map(tasks, |task| task.inclusion(blobs, scope, verifier));
            let numbered: Vec<_> = tasks.iter().enumerate().collect();
            let results = pool.map(&numbered, |(at, task)| {
                let result = match inclusions.get(*at).and_then(Option::as_ref) {
                    Some(inclusion) => Some(Err(told(inclusion))),
                    None => task.verify(blobs, scope, verifier, &inclusions),
                };
                if trust == 0 {
                    progress.verified();
                }
                result
            });
            let found =
                tasks.iter().zip(results).filter_map(|(task, result)| Some((task, result?)));
            if trust == 0 {
                pieces.extend(found.map(|(task, result)| task.found(result)));
            } else {
                // Whether a task has a result at all does not depend on the trust.
                for (piece, (_, result)) in pieces.iter_mut().zip(found) {
                    piece.further.extend(result.ok());
                }
            }
        }
        Self { pieces }
    }

    /// The parts of the trust that what verified rests on.
    pub(super) fn anchors(&self) -> Vec<Anchor> {
        let verified = self.pieces.iter().flat_map(Judged::verified);
        let anchors: BTreeSet<_> = verified.flat_map(|piece| &piece.facts().anchors).collect();
        anchors.into_iter().cloned().collect()
    }

    /// What was found of the evidence of the subject at `place`. Pieces stand in the order of places.
    pub(super) fn of(&self, place: usize) -> &[Judged] {
        let from = self.pieces.partition_point(|judged| judged.place < place);
        let to = self.pieces.partition_point(|judged| judged.place <= place);
        self.pieces.get(from..to).unwrap_or_default()
    }
}

impl Task<'_> {
    /// The inclusion that a bundle beside legacy signatures proves; `None` where it is none.
    fn inclusion(
        &self,
        blobs: &Blobs,
        scope: Scope,
        verifier: &Verifier,
    ) -> Option<Result<Inclusion, Rejection>> {
        let (Some(Piece::Bundle(bundle)), Some(above)) = (self.piece, self.above) else {
            return None;
        };
        // What is wrong with the bytes is told where every piece is verified.
        if !faults(self.evidence, blobs, scope).is_empty() {
            return None;
        }
        let layers = above.pieces.iter().filter_map(|piece| match piece {
            Piece::Signature(LegacySignature { payload, annotations }) => {
                Some(LegacyLayer { payload: payload.bytes(), annotations })
            }
            _ => None,
        });
        verifier.verify_inclusion(layers, bundle.bytes())
    }

    /// `None` where there is no piece and nothing is wrong.
    fn verify(
        &self,
        blobs: &Blobs,
        scope: Scope,
        verifier: &Verifier,
        inclusions: &[Option<Result<Inclusion, Rejection>>],
    ) -> Option<Result<Verified, Unproven>> {
        if let Some(fault) = faults(self.evidence, blobs, scope).into_iter().next() {
            return Some(Err(rejected(fault.code, fault.detail)));
        }
        let (claim, carried) = match self.piece? {
            Piece::Signature(signature) => {
                let (payload, annotations) = (signature.payload.bytes(), &signature.annotations);
                (Some(Testimony::Signature { payload, annotations }), None)
            }
            Piece::Attestation(attestation) => {
                let annotations = &attestation.annotations;
                let envelope = attestation.envelope.bytes();
                (Some(Testimony::Attestation { envelope, annotations }), None)
            }
            Piece::Bundle(bundle) => (Some(Testimony::Bundle(bundle.bytes())), None),
            Piece::Carried(what) => (None, Some(Unproven::Carried(what.clone()))),
            Piece::Unreadable(_, error) => {
                let Wrong { code, detail } = error.into();
                (None, Some(rejected(code, detail)))
            }
        };
        let (from, to) = self.beside;
        let beside = inclusions.get(from..to).unwrap_or_default().iter().flatten().flatten();
        let beside: Vec<_> = beside.collect();
        let verify = |claim| {
            verifier.verify_included(&self.artifact, claim, &beside).map_err(Unproven::from)
        };
        let judged = claim.map(verify);
        judged.or(carried.map(Err))
    }

    fn found(&self, result: Result<Verified, Unproven>) -> Judged {
        Judged {
            place: self.place,
            subject: self.subject,
            manifest: self.evidence.manifest.digest,
            found_by: match &self.evidence.found_by {
                FoundBy::Tag(tag) => format!("tag {tag}"),
                FoundBy::CosignKind => "cosign's kind annotation".to_owned(),
                FoundBy::Subject => "its subject".to_owned(),
                FoundBy::FallbackTag => "fallback tag".to_owned(),
            },
            result,
            further: Vec::new(),
        }
    }
}

impl Judged {
    /// What it speaks of.
    pub(super) fn subject(&self) -> Digest {
        self.subject
    }

    /// The proofs, one for each trust against which it verified.
    pub(super) fn verified(&self) -> impl Iterator<Item = &Verified> {
        self.result.as_ref().ok().into_iter().chain(&self.further)
    }

    /// How it is told.
    pub(super) fn told(&self) -> report::Evidence {
        report::Evidence {
            subject: self.subject,
            manifest: self.manifest,
            found_by: self.found_by.clone(),
            finding: self.finding(),
        }
    }
}

impl Judged {
    /// The first proof, else what the first trust says.
    fn finding(&self) -> Finding {
        let proven =
            |verified: &Verified| Finding::Verified(Box::new(Proof::from(verified.facts())));
        match (&self.result, self.further.first()) {
            (Ok(verified), _) | (Err(_), Some(verified)) => proven(verified),
            (Err(Unproven::Rejected(rejected)), None) => Finding::Rejected(rejected.clone()),
            (Err(Unproven::Carried(what)), None) => Finding::Carried(what.clone()),
        }
    }
}

impl From<Rejection> for Unproven {
    fn from(rejection: Rejection) -> Self {
        rejected(rejection.code().name(), rejection.detail().to_owned())
    }
}

/// An inclusion is told with the signature it was joined to.
fn told(inclusion: &Result<Inclusion, Rejection>) -> Unproven {
    match inclusion {
        Ok(_) => Unproven::Carried("inclusion proof of the signature it speaks of".to_owned()),
        Err(rejection) => rejection.clone().into(),
    }
}

fn rejected(code: &'static str, detail: String) -> Unproven {
    Unproven::Rejected(Rejected { code, detail })
}

/// What is wrong with the bytes of the evidence as a whole. A layer that is a piece of its own is
/// that piece's fault and no other's (VERIFICATION P4).
pub(super) fn faults(evidence: &Evidence, blobs: &Blobs, scope: Scope) -> Vec<Wrong> {
    if let Err(fault) = &evidence.content {
        return vec![fault.into()];
    }
    let unreadable: BTreeSet<Digest> = evidence
        .pieces
        .iter()
        .filter_map(|piece| match piece {
            Piece::Unreadable(descriptor, _) => Some(descriptor.digest),
            _ => None,
        })
        .collect();
    let shared = evidence.blobs.iter().filter(|blob| !unreadable.contains(&blob.digest));
    shared
        .filter_map(|descriptor| match blobs.state(descriptor) {
            State::Proven => None,
            // Of evidence everything is read, whoever holds it.
            State::Held => Some(Wrong::not_hashed(descriptor)),
            State::Absent if scope == Scope::EvidenceOnly => None,
            State::Absent => Some((&BlobError::Missing { digest: descriptor.digest }).into()),
            State::Wrong(found) => Some(found),
        })
        .collect()
}
