//! The judgement of each image, and how it is told.

use std::collections::BTreeSet;

use super::evidence::{Findings, Judged};
use super::parts::{Bytes, Walk};
use super::record::Comparison;
use super::selection::Map;
use crate::inventory::{Inventory, Subject};
use crate::oci::Reference;
use crate::policy::{
    self, Admitted, AskingObject, Case, Images, Mode, Parts, PolicyFailure, PolicySet, Reason,
    Shortfall, Verdict, Why,
};
use crate::report::{Approval, Ground, Image, Outcome, Passed, Warning};
use crate::verify::Verified;

/// Everything a judgement rests on.
pub(super) struct Judgement<'a> {
    pub inventory: &'a Inventory,
    pub map: &'a Map<'a>,
    pub bytes: Bytes<'a>,
    pub findings: &'a Findings,
    pub policies: &'a PolicySet,
    /// The archive beside its ledger, where that must hold.
    pub comparison: Option<&'a Comparison<'a>>,
}

/// How an image is asked for.
pub(super) struct Asked<'a> {
    pub names: &'a [Reference],
    pub written: Option<&'a str>,
    pub object: Option<&'a AskingObject<'a>>,
}

impl Judgement<'_> {
    /// Judges the subject at `place`: by its own evidence or, where that does not suffice, by the
    /// evidence of an index that lists it (VERIFICATION decision 15).
    pub(super) fn judge(&self, place: usize) -> (Image, Option<Admitted>) {
        let subject = self.subject(place);
        let walk = Walk { map: self.map, bytes: self.bytes };
        let mut parts = walk.parts(subject);
        if let Some(comparison) = self.comparison {
            parts.faults.extend(comparison.faults(&subject.descriptor.digest, &parts.children));
        }
        let names = self.names(place);
        let heard = self.best(place, &Asked { names: &names, written: None, object: None }, &parts);
        let mut evidence: Vec<&Judged> = heard.evidence;
        evidence.extend(
            parts
                .children
                .iter()
                .filter_map(|child| self.map.subject(child))
                .flat_map(|(child, _)| self.findings.of(child)),
        );
        let image = Image {
            digest: subject.descriptor.digest,
            media_type: subject.descriptor.media_type.as_str().to_owned(),
            names: subject.names.iter().map(ToString::to_string).collect(),
            outcome: told(&heard.verdict, &heard.places),
            children: walk.children(subject),
            evidence: evidence.into_iter().map(Judged::told).collect(),
        };
        match heard.verdict {
            Verdict::Admit(admitted) => (image, Some(admitted)),
            Verdict::Deny(_) => (image, None),
        }
    }

    /// The verdict on the subject at `place` as an object asks for it.
    pub(super) fn verdict(&self, place: usize, asked: &Asked<'_>) -> Verdict {
        let walk = Walk { map: self.map, bytes: self.bytes };
        self.best(place, asked, &walk.parts(self.subject(place))).verdict
    }

    /// By the subject's own evidence or, where that does not suffice, by that of an index above it.
    fn best(&self, place: usize, asked: &Asked<'_>, parts: &Parts) -> Heard<'_> {
        let own = self.hear(place, None, asked, parts);
        if own.admits() {
            return own;
        }
        let above = self.map.above(place).into_iter();
        let mut through = above.map(|index| self.hear(place, Some(index), asked, parts));
        through.find(Heard::admits).unwrap_or(own)
    }

    /// One judgement: on the subject's own evidence first, then on that of the index at `through`.
    fn hear(
        &self,
        place: usize,
        through: Option<usize>,
        asked: &Asked<'_>,
        parts: &Parts,
    ) -> Heard<'_> {
        let mut evidence: Vec<&Judged> = self.findings.of(place).iter().collect();
        if let Some(index) = through {
            evidence.extend(self.findings.of(index));
        }
        // Heard is what speaks of the image itself or, instead, of the index above it: the evidence
        // of one does not make good what the other's lacks, and evidence of evidence is not heard.
        let speaks_of = self.subject(through.unwrap_or(place)).descriptor.digest;
        let speaks = evidence.iter().enumerate().filter(|(_, found)| found.subject() == speaks_of);
        let unproven =
            speaks.clone().filter(|(_, found)| found.verified().next().is_none()).count();
        let (places, verified): (Vec<usize>, Vec<&Verified>) = speaks
            .flat_map(|(at, found)| found.verified().map(move |verified| (at, verified)))
            .unzip();
        let walk = Walk { map: self.map, bytes: self.bytes };
        let asks_for_configs = self.policies.asked().configs;
        let configs = asks_for_configs.then(|| walk.configs(self.subject(place))).flatten();
        let verdict = self.policies.judge(&Case {
            subject: self.subject(place).descriptor.digest,
            names: asked.names,
            written: asked.written,
            evidence: &verified,
            unproven,
            through: through.map(|index| self.subject(index).descriptor.digest),
            parts,
            configs: configs.as_deref(),
            object: asked.object,
        });
        Heard { verdict, evidence, places }
    }

    /// The full names an image is judged under: its own, or those of the indexes above it.
    fn names(&self, place: usize) -> Vec<Reference> {
        let own: Vec<_> = self.subject(place).references().cloned().collect();
        if !self.subject(place).names.is_empty() {
            return own;
        }
        let above = self.map.above(place).into_iter();
        let names: BTreeSet<_> =
            above.flat_map(|index| self.subject(index).references()).cloned().collect();
        names.into_iter().collect()
    }

    fn subject(&self, place: usize) -> &Subject {
        self.inventory.subjects.get(place).expect("places come from this inventory")
    }
}

/// A verdict, the evidence it looked at, and where its pieces stand in that.
struct Heard<'a> {
    verdict: Verdict,
    evidence: Vec<&'a Judged>,
    places: Vec<usize>,
}

impl Heard<'_> {
    fn admits(&self) -> bool {
        matches!(self.verdict, Verdict::Admit(_))
    }
}

/// The outcome as it is told: pieces by their place in the image's evidence.
fn told(verdict: &Verdict, places: &[usize]) -> Outcome {
    match verdict {
        Verdict::Admit(admitted) => Outcome::Admitted {
            through: admitted.through().copied(),
            passed: admitted.passed().iter().map(|passed| told_passed(passed, places)).collect(),
            warnings: admitted.warnings().iter().map(|failed| placed(failed, places)).collect(),
            absent: admitted.absent().to_vec(),
            held: admitted.held().to_vec(),
        },
        Verdict::Deny(denial) => Outcome::Denied {
            reasons: denial.reasons.iter().map(|reason| told_reason(reason, places)).collect(),
            passed: denial.passed.iter().map(|passed| told_passed(passed, places)).collect(),
            warnings: denial.warnings.iter().map(|failed| placed(failed, places)).collect(),
        },
    }
}

fn told_reason(reason: &Reason, places: &[usize]) -> Reason {
    match reason {
        Reason::Policy(failure) => Reason::Policy(placed(failure, places)),
        other => other.clone(),
    }
}

fn told_passed(passed: &policy::Passed, places: &[usize]) -> Passed {
    let approvals = passed.approvals.iter().map(|approval| Approval {
        authority: approval.authority.clone(),
        ground: match &approval.ground {
            policy::Ground::Evidence { pieces } => {
                let first = pieces.first().expect("an approval rests on a piece");
                Ground::Evidence(place_of(*first, places))
            }
            policy::Ground::Decree => Ground::Decree,
        },
    });
    Passed {
        policy: passed.policy.clone(),
        approvals: approvals.collect(),
        shortfalls: passed.shortfalls.iter().map(|part| placed_part(part, places)).collect(),
        deviations: passed.deviations.clone(),
    }
}

fn placed(failure: &PolicyFailure, places: &[usize]) -> PolicyFailure {
    let mut failure = failure.clone();
    failure.shortfalls = failure.shortfalls.iter().map(|part| placed_part(part, places)).collect();
    for approval in &mut failure.approvals {
        if let policy::Ground::Evidence { pieces } = &mut approval.ground {
            for piece in pieces {
                *piece = place_of(*piece, places);
            }
        }
    }
    failure
}

fn placed_part(shortfall: &Shortfall, places: &[usize]) -> Shortfall {
    let mut shortfall = shortfall.clone();
    if let Why::Evidence(mismatches) = &mut shortfall.why {
        for (piece, _) in mismatches {
            *piece = place_of(*piece, places);
        }
    }
    shortfall
}

fn place_of(piece: usize, places: &[usize]) -> usize {
    *places.get(piece).expect("a verdict names pieces of its case")
}

/// What the policies themselves give cause to tell.
pub(super) fn warnings(policies: &PolicySet, images: &[Image]) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for policy in policies.policies() {
        // A file of scopes says what holds wherever an image comes from; each image has one of them.
        if matches!(policy.images, Images::Scope { .. }) {
            continue;
        }
        if !images.iter().any(|image| is_covered(image, &policy.id)) {
            warnings.push(Warning::UnusedPolicy { policy: policy.id.clone() });
        }
    }
    let enforced: BTreeSet<&str> = policies
        .policies()
        .iter()
        .filter(|policy| policy.mode == Mode::Enforce)
        .map(|policy| policy.id.as_str())
        .collect();
    for image in images.iter().filter(|image| image.outcome.is_admitted()) {
        let passed = image.outcome.passed();
        for passed in passed {
            if passed.approvals.iter().any(|approval| approval.ground == Ground::Decree) {
                let policy = passed.policy.clone();
                warnings.push(Warning::Decree { image: image.digest, policy });
            }
        }
        if !passed.iter().any(|passed| enforced.contains(passed.policy.as_str())) {
            warnings.push(Warning::OnlyWarned { image: image.digest });
        }
    }
    warnings
}

fn is_covered(image: &Image, policy: &str) -> bool {
    let passed = image.outcome.passed().iter().map(|passed| &passed.policy);
    let warned = image.outcome.warnings().iter().map(|failure| &failure.policy);
    let reasons = match &image.outcome {
        Outcome::Denied { reasons, .. } => reasons.as_slice(),
        Outcome::Admitted { .. } => &[],
    };
    let failed = reasons.iter().filter_map(|reason| match reason {
        Reason::Policy(failure) => Some(&failure.policy),
        _ => None,
    });
    passed.chain(warned).chain(failed).any(|id| id == policy)
}
