//! The report as data. Texts from input stand here as they were; the renderings escape them.

use std::collections::BTreeMap;

use crate::digest::Digest;
use crate::policy::{Absent, Format, Mode, Origin, PolicyFailure, Reason, Shortfall};
use crate::time::UnixTime;
use crate::verify::{Anchor, Claim, Facts, LogEntry, Signer, TrustedTime};

/// The version of sealift that judged.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What was judged, by what, and how it ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// What it was judged by.
    pub basis: Basis,
    /// The digest of `index.json`: what the archive holds, in whatever form it is carried.
    pub archive: Digest,
    /// What was hashed.
    pub blobs: Blobs,
    /// The parts of the trust that verified evidence rests on, each once, in a fixed order.
    pub used: Vec<Anchor>,
    /// The images judged, in the order of the archive's index.
    pub images: Vec<Image>,
    /// What deserves a look and denies nothing.
    pub warnings: Vec<Warning>,
}

impl Report {
    /// How many images were admitted.
    pub fn admitted(&self) -> usize {
        self.images.iter().filter(|image| image.outcome.is_admitted()).count()
    }

    /// How many images were denied.
    pub fn denied(&self) -> usize {
        self.images.len().saturating_sub(self.admitted())
    }
}

/// Everything that decided beside the archive.
#[derive(Clone, Debug, PartialEq)]
pub struct Basis {
    /// The time it was judged at.
    pub judged_at: UnixTime,
    /// Which bytes had to be there.
    pub scope: Scope,
    /// Whom was trusted.
    pub trust: Trust,
    /// The policies, in the order they were given.
    pub policies: Vec<PolicyEntry>,
}

/// Which bytes of an image had to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All.
    Whole,
    /// Manifests and evidence; absent layers, configurations and children are listed.
    EvidenceOnly,
}

/// Whom was trusted, by digests of what was given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    /// The trusted root's file.
    pub trusted_root: Option<TrustedRoot>,
    /// Keys, by the SHA-256 of their `SubjectPublicKeyInfo`.
    pub keys: Vec<Digest>,
    /// The files of `--ca-roots` and `--ca-intermediates`.
    pub private_pki: Vec<Digest>,
    /// What of the trusted root sealift cannot use: where it stands and why.
    pub unusable: Vec<String>,
}

/// The file of a trusted root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedRoot {
    /// Its name as it was given.
    pub name: String,
    /// The digest of its bytes.
    pub digest: Digest,
}

/// A policy and what it covered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyEntry {
    /// Its name.
    pub id: String,
    /// The form it is written in.
    pub format: Format,
    /// Where it was read.
    pub origin: Origin,
    /// What its failure does.
    pub mode: Mode,
    /// What in its text deserves a look.
    pub remarks: Vec<String>,
}

/// How many blobs were hashed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Blobs {
    /// Their number.
    pub count: usize,
    /// Their bytes.
    pub bytes: u64,
}

/// An image that was judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    /// Its digest.
    pub digest: Digest,
    /// What its descriptor says it is.
    pub media_type: String,
    /// Its names, full references and bare tags.
    pub names: Vec<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// Manifests an index lists, in its order.
    pub children: Vec<Child>,
    /// Evidence that speaks of it, of its children, and of the index it is judged through.
    pub evidence: Vec<Evidence>,
}

/// How the judgement of an image ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It was admitted.
    Admitted {
        /// The index it was admitted through, where its own evidence did not suffice.
        through: Option<Digest>,
        /// The policies that hold.
        passed: Vec<Passed>,
        /// Policies of mode warn that do not hold.
        warnings: Vec<PolicyFailure>,
        /// Blobs the archive leaves out.
        absent: Vec<Absent>,
        /// Layers that the target of a mirror says it holds; they were not hashed.
        held: Vec<Digest>,
    },
    /// It was denied.
    Denied {
        /// Why; at least one reason.
        reasons: Vec<Reason>,
        /// The policies that hold nevertheless.
        passed: Vec<Passed>,
        /// Policies of mode warn that do not hold.
        warnings: Vec<PolicyFailure>,
    },
}

impl Outcome {
    /// Whether it was admitted.
    pub fn is_admitted(&self) -> bool {
        matches!(self, Self::Admitted { .. })
    }

    /// The policies that hold.
    pub fn passed(&self) -> &[Passed] {
        match self {
            Self::Admitted { passed, .. } | Self::Denied { passed, .. } => passed,
        }
    }

    /// The policies of mode warn that do not.
    pub fn warnings(&self) -> &[PolicyFailure] {
        match self {
            Self::Admitted { warnings, .. } | Self::Denied { warnings, .. } => warnings,
        }
    }
}

/// A policy that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed {
    /// Its name.
    pub policy: String,
    /// What met it.
    pub approvals: Vec<Approval>,
    /// Parts of it that were not met and need not be.
    pub shortfalls: Vec<Shortfall>,
    /// Where the policy's own system would have answered otherwise.
    pub deviations: Vec<String>,
}

/// A part of a policy that was met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// What the policy calls the part.
    pub authority: String,
    /// What met it.
    pub ground: Ground,
}

/// What an approval rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    /// The evidence at this place of [`Image::evidence`].
    Evidence(usize),
    /// The policy's own word; nothing was verified.
    Decree,
}

/// A manifest that an index lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Child {
    /// Its digest.
    pub digest: Digest,
    /// Its platform, as the index gives it.
    pub platform: Option<String>,
    /// Whether the archive holds it.
    pub presence: Presence,
}

/// Whether the archive holds a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It does, and its bytes are the ones the index promises.
    Proven,
    /// It does not.
    Absent,
    /// Its bytes, or those of a part of it, are others.
    Wrong,
}

/// One piece of evidence and what was found of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// What it speaks of.
    pub subject: Digest,
    /// The manifest that carries it.
    pub manifest: Digest,
    /// How it was tied to the subject.
    pub found_by: String,
    /// What was found.
    pub finding: Finding,
}

/// What was found of a piece of evidence.
#[derive(Clone, Debug, PartialEq)]
pub enum Finding {
    /// Every step of verification held.
    Verified(Box<Proof>),
    /// A step did not; it proves nothing.
    Rejected(Rejected),
    /// It is carried and not judged; what it is.
    Carried(String),
}

/// Why a piece of evidence proves nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// The stable code.
    pub code: &'static str,
    /// What was expected and what was found.
    pub detail: String,
}

/// What a verified piece of evidence proves, without the statement's bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Proof {
    /// Signature or attestation.
    pub kind: Kind,
    /// Who signed.
    pub signer: Signer,
    /// The log entries bound to it.
    pub log_entries: Vec<LogEntry>,
    /// Times a known authority vouches for.
    pub times: Vec<TrustedTime>,
    /// Certificate transparency logs that vouch for the certificate.
    pub sct_logs: Vec<String>,
    /// What was there and counted for nothing.
    pub notes: Vec<String>,
}

impl From<&Facts> for Proof {
    fn from(facts: &Facts) -> Self {
        let kind = match &facts.claim {
            Claim::Signature { docker_reference, annotations } => Kind::Signature {
                docker_reference: docker_reference.clone(),
                annotations: annotations.clone(),
            },
            Claim::Attestation { predicate_type, statement } => Kind::Attestation {
                predicate_type: predicate_type.clone(),
                statement: Digest::sha256(statement),
            },
        };
        Self {
            kind,
            signer: facts.signer.clone(),
            log_entries: facts.log_entries.clone(),
            times: facts.times.clone(),
            sct_logs: facts.sct_logs.clone(),
            notes: facts.notes.clone(),
        }
    }
}

/// What a piece of evidence says.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// The signer vouches for the image.
    Signature {
        /// The reference that was signed.
        docker_reference: Option<String>,
        /// Signed annotations.
        annotations: BTreeMap<String, serde_json::Value>,
    },
    /// The signer states something of the image.
    Attestation {
        /// What.
        predicate_type: String,
        /// The digest of the in-toto statement.
        statement: Digest,
    },
}

/// What deserves a look and denies nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// A policy covered no image: its author may have meant one.
    UnusedPolicy {
        /// Its name.
        policy: String,
    },
    /// An image was admitted by a policy's own word.
    Decree {
        /// The image.
        image: Digest,
        /// The policy.
        policy: String,
    },
    /// An image was admitted and only policies of mode warn cover it.
    OnlyWarned {
        /// The image.
        image: Digest,
    },
    /// Evidence of something the archive does not hold.
    Stray(StrayEvidence),
    /// The export was let pass without looking up everything.
    Excused {
        /// Of what.
        subject: Digest,
        /// Where, and why.
        note: String,
    },
    /// A blob file that nothing refers to.
    Unreferenced {
        /// Its name.
        digest: Digest,
        /// Its size.
        size: u64,
    },
    /// Something odd in the archive that decides nothing.
    Oddity {
        /// What.
        note: String,
    },
    /// A member that other tools write and nothing is decided by.
    ForeignMember {
        /// Its name.
        name: String,
    },
}

impl Warning {
    /// Its stable name.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnusedPolicy { .. } => "policy-covers-nothing",
            Self::Decree { .. } => "admitted-by-decree",
            Self::OnlyWarned { .. } => "only-warned",
            Self::Stray(_) => "orphan-evidence",
            Self::Oddity { .. } => "oddity",
            Self::Excused { .. } => "lookup-excused",
            Self::Unreferenced { .. } => "unreferenced-blob",
            Self::ForeignMember { .. } => "foreign-member",
        }
    }
}

/// Evidence of something the archive does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StrayEvidence {
    /// What it speaks of, where that is known.
    pub subject: Option<Digest>,
    /// The manifest that carries it.
    pub manifest: Digest,
    /// What is wrong with its bytes beside.
    pub faults: Vec<String>,
}
