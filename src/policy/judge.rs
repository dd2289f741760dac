//! The verdict on an image: the one place that admits.

use std::collections::BTreeSet;

use crate::digest::Digest;
use crate::oci::Reference;
use crate::policy::cluster_image_policy::{self, ConfigFile};
use crate::policy::model::Spelled;
use crate::policy::requirement::{Trace, Witness};
use crate::policy::{
    Approval, Format, Ground, Mismatch, Mode, ObjectFacts, ObjectSelector, Origin, Policy,
    PolicySet, Reads, Shortfall, Why, containers_policy, kubewarden_settings, verification_config,
};
use crate::verify::{Facts, Form, Verified};

/// What is known of one image when it is judged.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// The image.
    pub subject: Digest,
    /// Every full name it would be admitted under.
    pub names: &'a [Reference],
    /// How its one name is written where it is asked for, if that is known; else as it is in full.
    pub written: Option<&'a str>,
    /// Evidence that verified, of the image or of the index [`through`](Self::through) which it is judged.
    pub evidence: &'a [&'a Verified],
    /// How many further pieces did not verify against any trust.
    pub unproven: usize,
    /// The index that lists the image and whose evidence is put forward for it.
    pub through: Option<Digest>,
    /// What became of the image's bytes.
    pub parts: &'a Parts,
    /// The configurations of the image; filled where a policy asks for them and all are at hand.
    pub configs: Option<&'a [ConfigFile]>,
    /// The Kubernetes object that asks for the image.
    pub object: Option<&'a AskingObject<'a>>,
}

/// A Kubernetes object that asks for an image.
#[derive(Clone, Copy, Debug)]
pub struct AskingObject<'a> {
    /// What selectors look at.
    pub facts: ObjectFacts<'a>,
    /// The object as a whole.
    pub document: &'a serde_json::Value,
    /// The field that names the image, such as `spec.containers[0].image`.
    pub field: &'a str,
}

/// What became of the blobs an image consists of, its own manifest included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// Blobs that are not what was promised.
    pub faults: Vec<Fault>,
    /// Blobs that may lawfully be absent, and are.
    pub absent: Vec<Absent>,
    /// Layers that the target of a mirror says it holds; nobody hashed them.
    pub held: Vec<Digest>,
    /// Manifests below an index that are present and proven.
    pub children: Vec<Digest>,
}

/// A blob that is not what was promised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The name of the blob.
    pub digest: Digest,
    /// What it is to the image.
    pub part: Part,
    /// The stable code of what is wrong with it.
    pub code: &'static str,
    /// What was promised and what was found.
    pub detail: String,
}

/// A blob that the archive leaves out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Absent {
    /// The name of the blob.
    pub digest: Digest,
    /// What it is to the image.
    pub part: Part,
}

/// What a blob is to an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The image's own manifest or index.
    Manifest,
    /// A manifest below an index.
    Child,
    /// A configuration.
    Config,
    /// A layer.
    Layer,
    /// What speaks of the image.
    Evidence,
    /// The ledger of the archive.
    Ledger,
}

impl Part {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Manifest => "manifest",
            Self::Child => "child",
            Self::Config => "config",
            Self::Layer => "layer",
            Self::Evidence => "evidence",
            Self::Ledger => "ledger",
        }
    }
}

/// The outcome for an image.
#[derive(Clone, Debug)]
#[must_use]
pub enum Verdict {
    /// Every policy that covers it holds.
    Admit(Admitted),
    /// It is not admitted.
    Deny(Denial),
}

/// The proof that an image was admitted: its bytes are the ones promised and every policy that
/// covers any of its names holds. [`PolicySet::judge`] is the only origin.
///
/// ```compile_fail,E0451
/// use sealift::{digest::Digest, policy::Admitted};
///
/// let forged = Admitted {
///     subject: Digest::sha256(b""),
///     names: Vec::new(),
///     through: None,
///     passed: Vec::new(),
///     warnings: Vec::new(),
///     absent: Vec::new(),
///     held: Vec::new(),
///     children: Vec::new(),
/// };
/// ```
#[derive(Clone, Debug)]
pub struct Admitted {
    subject: Digest,
    names: Vec<Reference>,
    through: Option<Digest>,
    passed: Vec<Passed>,
    warnings: Vec<PolicyFailure>,
    absent: Vec<Absent>,
    held: Vec<Digest>,
    children: Vec<Digest>,
}

impl Admitted {
    /// The image.
    pub fn subject(&self) -> &Digest {
        &self.subject
    }

    /// The full names it was admitted under; it may be given no other.
    pub fn names(&self) -> &[Reference] {
        &self.names
    }

    /// The verified index through which it was admitted, where it has no sufficient evidence itself.
    pub fn through(&self) -> Option<&Digest> {
        self.through.as_ref()
    }

    /// The policies that hold, and why.
    pub fn passed(&self) -> &[Passed] {
        &self.passed
    }

    /// Policies of mode warn that do not hold.
    pub fn warnings(&self) -> &[PolicyFailure] {
        &self.warnings
    }

    /// Blobs the archive leaves out: an image with absent layers can be vouched for, not pushed whole.
    pub fn absent(&self) -> &[Absent] {
        &self.absent
    }

    /// Layers that the target of a mirror says it holds: they were not hashed, and are not pushed.
    pub fn held(&self) -> &[Digest] {
        &self.held
    }

    /// Manifests below an admitted index that are present and proven; they are admitted with it.
    pub fn children(&self) -> &[Digest] {
        &self.children
    }
}

/// Why an image is not admitted.
#[derive(Clone, Debug, PartialEq)]
pub struct Denial {
    /// The image.
    pub subject: Digest,
    /// At least one.
    pub reasons: Vec<Reason>,
    /// Policies that hold nevertheless.
    pub passed: Vec<Passed>,
    /// Policies of mode warn that do not hold.
    pub warnings: Vec<PolicyFailure>,
}

/// One reason for a denial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A blob is not what was promised.
    Blob(Fault),
    /// No policy covers the image under this name.
    Uncovered {
        /// The name; `None` where the image has no full name.
        name: Option<Reference>,
    },
    /// A name of the image holds the digest of another.
    OtherDigest {
        /// The name.
        name: Reference,
    },
    /// A policy of mode enforce does not hold.
    Policy(PolicyFailure),
}

impl Reason {
    /// Its stable name in reports.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Blob(fault) => fault.code,
            Self::Uncovered { .. } => "uncovered",
            Self::OtherDigest { .. } => "name-of-other-digest",
            Self::Policy(_) => "policy-not-met",
        }
    }
}

/// A policy that holds, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed {
    /// The policy.
    pub policy: String,
    /// Where it was read.
    pub origin: Origin,
    /// What met it.
    pub approvals: Vec<Approval>,
    /// Parts of it that were not met and need not be.
    pub shortfalls: Vec<Shortfall>,
    /// Where the policy's own system would have answered otherwise.
    pub deviations: Vec<String>,
}

/// A policy that does not hold, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyFailure {
    /// The policy.
    pub policy: String,
    /// Where it was read.
    pub origin: Origin,
    /// What fell short.
    pub shortfalls: Vec<Shortfall>,
    /// Parts of it that were met nevertheless.
    pub approvals: Vec<Approval>,
    /// What the policy's own system says of it, word for word, where that is known.
    pub message: Option<String>,
    /// Where the policy's own system would have answered otherwise.
    pub deviations: Vec<String>,
}

impl PolicyFailure {
    /// Whether nothing but the policy's own word refuses.
    pub fn is_by_decree(&self) -> bool {
        self.shortfalls.iter().all(|shortfall| matches!(shortfall.why, Why::Decree(_)))
    }

    /// Whether what passed is refused by a policy over it.
    pub fn is_by_result(&self) -> bool {
        self.shortfalls.iter().any(|shortfall| matches!(shortfall.why, Why::Result(_)))
    }

    /// Whether an attestation of the right signer states something else than is demanded.
    pub fn is_by_statement(&self) -> bool {
        self.lacks().any(|lack| matches!(lack, Mismatch::NotCompliant { .. }))
    }

    /// Whether the right signer's evidence lacks the word of a log or of a timestamp authority.
    pub fn is_by_witness(&self) -> bool {
        use Mismatch::{NoInclusionProof, NoLogEntry, NoSct, NoTimestamp};
        self.lacks().any(|lack| matches!(lack, NoInclusionProof | NoLogEntry | NoSct | NoTimestamp))
    }

    fn lacks(&self) -> impl Iterator<Item = &Mismatch> {
        let pieces = self.shortfalls.iter().flat_map(|shortfall| match &shortfall.why {
            Why::Evidence(pieces) => pieces.as_slice(),
            Why::Decree(_) | Why::Result(_) => &[],
        });
        pieces.map(|(_, lack)| lack)
    }
}

impl PolicySet {
    /// Judges one image.
    pub fn judge(&self, case: &Case<'_>) -> Verdict {
        let facts: Vec<_> = case.evidence.iter().map(|verified| verified.facts()).collect();
        let opinion = self.opinion(case, &facts);
        let Opinion { reasons, passed, warnings } = opinion;
        if !reasons.is_empty() {
            return Verdict::Deny(Denial { subject: case.subject, reasons, passed, warnings });
        }
        Verdict::Admit(Admitted {
            subject: case.subject,
            names: case.names.to_vec(),
            through: case.through,
            passed,
            warnings,
            absent: case.parts.absent.clone(),
            held: case.parts.held.clone(),
            children: case.parts.children.clone(),
        })
    }

    /// Everything that speaks for and against the image, as a pure function over facts.
    fn opinion(&self, case: &Case<'_>, facts: &[&Facts]) -> Opinion {
        let mut opinion = Opinion::default();
        opinion.reasons.extend(case.parts.faults.iter().cloned().map(Reason::Blob));
        for name in case.names {
            if name.digest().is_some_and(|digest| *digest != case.subject) {
                opinion.reasons.push(Reason::OtherDigest { name: name.clone() });
            }
        }
        let spelled = case.spelled();
        let covered: Vec<Vec<Option<&Reference>>> =
            self.policies().iter().map(|policy| policy.covered(case, &spelled)).collect();
        opinion.reasons.extend(uncovered(case, &covered));
        for (policy, names) in self.policies().iter().zip(&covered) {
            opinion.hear(policy, names, facts, case);
        }
        opinion
    }
}

/// The names that no policy covers.
fn uncovered(case: &Case<'_>, covered: &[Vec<Option<&Reference>>]) -> Vec<Reason> {
    let covered: BTreeSet<Option<&Reference>> = covered.iter().flatten().copied().collect();
    let nameless = case.names.is_empty().then_some(None);
    let names = case.names.iter().map(Some).chain(nameless);
    names
        .filter(|name| !covered.contains(name))
        .map(|name| Reason::Uncovered { name: name.cloned() })
        .collect()
}

impl<'a> Case<'a> {
    /// The names of the image, spelled once for every policy.
    fn spelled(&self) -> Vec<Spelled<'a>> {
        let spell = |name| Spelled::new(name, self.written, &self.subject);
        self.names.iter().map(spell).collect()
    }
}

impl Policy {
    /// Whether the policy is considered for the object that asks, if one does.
    fn considers(&self, case: &Case<'_>) -> bool {
        case.object.is_none_or(|object| ObjectSelector::any_considers(&self.objects, &object.facts))
    }

    /// The names of the image that the policy covers; `None` for an image without a name.
    fn covered<'a>(&self, case: &Case<'a>, spelled: &[Spelled<'a>]) -> Vec<Option<&'a Reference>> {
        if !self.considers(case) {
            return Vec::new();
        }
        let nameless = case.names.is_empty() && self.images.cover_nameless();
        let covered = spelled.iter().filter(|spelled| self.images.cover_spelled(spelled));
        covered.map(|spelled| Some(spelled.name)).chain(nameless.then_some(None)).collect()
    }

    /// Judges the image by each of the names: the first that the rule does not hold for, else the
    /// last. Most rules ask for no name and come out alike for all.
    fn trace<'a>(
        &self,
        names: &[Option<&'a Reference>],
        evidence: &[&Facts],
    ) -> Option<(Option<&'a Reference>, Trace)> {
        let mut last = None;
        for &name in names {
            let trace = self.rule.evaluate(Witness { evidence, name });
            if !trace.holds || !self.rule.asks_for_names() {
                return Some((name, trace));
            }
            last = Some((name, trace));
        }
        last
    }

    /// What its own system says of a failure, where that is known.
    fn message(
        &self,
        name: Option<&Reference>,
        approvals: &[Approval],
        shortfalls: &[Shortfall],
        facts: &[&Facts],
        case: &Case<'_>,
    ) -> Option<String> {
        let signed = !facts.is_empty() || case.unproven > 0;
        let written = || {
            let in_full = || name.map_or_else(|| case.subject.to_string(), ToString::to_string);
            case.written.map_or_else(in_full, str::to_owned)
        };
        match self.format {
            Format::KubewardenSettings => Some(kubewarden_settings::failure(
                &self.rule,
                &written(),
                approvals,
                shortfalls,
                signed,
            )),
            Format::VerificationConfig if !signed => {
                Some(verification_config::no_signatures(&written()))
            }
            Format::VerificationConfig => {
                Some(verification_config::failure(&self.rule, approvals, shortfalls))
            }
            Format::Flags | Format::ClusterImagePolicy | Format::ContainersPolicy => None,
        }
    }

    /// The policy's own departures, and that of what it was met by.
    fn deviations_of(&self, approvals: &[Approval], facts: &[&Facts]) -> Vec<String> {
        let mut deviations = self.deviations.clone();
        let by_bundle = |approval: &Approval| match &approval.ground {
            Ground::Evidence { pieces } => {
                let first = pieces.first().and_then(|&piece| facts.get(piece));
                first.is_some_and(|facts| facts.form == Form::Bundle)
            }
            Ground::Decree => false,
        };
        if approvals.is_empty() || !approvals.iter().all(by_bundle) {
            return deviations;
        }
        let reads_legacy: BTreeSet<&str> = self
            .rule
            .requirements()
            .into_iter()
            .filter(|requirement| requirement.reads == Reads::LegacyByOrigin)
            .map(|requirement| requirement.name.as_str())
            .collect();
        if approvals.iter().all(|approval| reads_legacy.contains(approval.authority.as_str())) {
            deviations.push(BUNDLE_READ.to_owned());
        }
        deviations
    }
}

/// What is told where the evidence is of a form that the policy's own system does not read here.
const BUNDLE_READ: &str = "the policy's own system would not have read the Sigstore bundle that met \
                           it, and would have refused";

#[derive(Debug, Default)]
struct Opinion {
    reasons: Vec<Reason>,
    passed: Vec<Passed>,
    warnings: Vec<PolicyFailure>,
}

impl Opinion {
    /// Judges by one policy, which covers the image under these names.
    fn hear(
        &mut self,
        policy: &Policy,
        names: &[Option<&Reference>],
        facts: &[&Facts],
        case: &Case<'_>,
    ) {
        let Some((name, trace)) = policy.trace(names, facts) else { return };
        let Trace { mut holds, approvals, mut shortfalls } = trace;
        let decision = policy.result.as_ref().filter(|_| holds);
        let refusal = decision.and_then(|result| result.decide(&policy.rule, case, facts).err());
        if let Some(refusal) = &refusal {
            holds = false;
            let why = Why::Result(refusal.clone());
            shortfalls.push(Shortfall { authority: "spec.policy".to_owned(), why });
        }
        let deviations = policy.deviations_of(&approvals, facts);
        let (id, origin) = (policy.id.clone(), policy.origin.clone());
        if holds {
            self.passed.push(Passed { policy: id, origin, approvals, shortfalls, deviations });
            return;
        }
        let message = match policy.format {
            Format::ClusterImagePolicy => {
                let name = names.first().copied().flatten();
                Some(cluster_image_policy::message(policy, case, name, facts, refusal.as_deref()))
            }
            Format::ContainersPolicy => {
                containers_policy::message(name, &shortfalls, facts, case.unproven)
            }
            _ => policy.message(name, &approvals, &shortfalls, facts, case),
        };
        let failure =
            PolicyFailure { policy: id, origin, shortfalls, approvals, message, deviations };
        match policy.mode {
            Mode::Enforce => self.reasons.push(Reason::Policy(failure)),
            Mode::Warn => self.warnings.push(failure),
        }
    }
}

#[cfg(test)]
mod tests;
