//! The one model that every policy format is lowered to.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use crate::crypto::PublicKey;
use crate::digest::Digest;
use crate::limits::Limits;
use crate::oci::Reference;
use crate::policy::cluster_image_policy::{Asked, ResultPolicy};
use crate::policy::containers_policy::{Scope, ScopeTable};
use crate::policy::engine::Engine;
use crate::policy::glob::full_names;
use crate::policy::{Glob, IdentityMatcher, ObjectSelector, SignedIdentity, Wildcard};
use crate::sigstore::TrustRoot;
use crate::sigstore::trust_root::Parts;
use crate::time::Window;
use crate::verify::{RootPart, Trust, TrustId};

/// The policies an archive is judged by: at least one, each with a name of its own.
#[derive(Clone, Debug)]
pub struct PolicySet {
    policies: Vec<Policy>,
}

impl PolicySet {
    /// Puts policies together.
    pub fn new(policies: Vec<Policy>) -> Result<Self, InvalidSet> {
        if policies.is_empty() {
            return Err(InvalidSet::Empty);
        }
        let mut seen = BTreeMap::new();
        for policy in &policies {
            if let Some(first) = seen.insert(policy.id.clone(), &policy.origin) {
                return Err(InvalidSet::SameName {
                    id: policy.id.clone(),
                    first: first.to_string(),
                    second: policy.origin.to_string(),
                });
            }
        }
        Ok(Self { policies })
    }

    /// The policies, in the order they were given.
    pub fn policies(&self) -> &[Policy] {
        &self.policies
    }

    /// The policies of each format by themselves, as their own systems judge: next to each other.
    pub fn by_format(&self) -> Vec<(Format, Self)> {
        let mut systems: BTreeMap<Format, Vec<Policy>> = BTreeMap::new();
        for policy in &self.policies {
            systems.entry(policy.format).or_default().push(policy.clone());
        }
        systems.into_iter().map(|(format, policies)| (format, Self { policies })).collect()
    }

    /// The same policies, each of which demands a verified inclusion proof of all evidence.
    #[must_use]
    pub fn demanding_inclusion(mut self) -> Self {
        self.policies.iter_mut().for_each(|policy| policy.rule.demand_inclusion());
        self
    }

    /// Every trust that a policy brings, beside the one that is `given` for all, with the keys that
    /// are judged by it and what it borrows of the given root. One that pins a certificate is told the
    /// time by the logs that are given.
    pub fn own_trusts(&self, given: &Trust) -> Vec<Trust> {
        let trusts = self.policies.iter().flat_map(|policy| &policy.trusts);
        let own = |trust: &Trust| {
            let root = match trust.pinned {
                Some(_) => trust.root.clone().or_else(|| given.root.clone()),
                None if trust.borrowed.is_empty() => trust.root.clone(),
                None => Some(joined(trust, given)),
            };
            let borrowed = Vec::new();
            Trust { root, borrowed, keys: self.keys(&trust.id), ..trust.clone() }
        };
        trusts.map(own).collect()
    }

    /// Whether this part of what a trust is made of is the given root's.
    fn is_given(&self, id: &TrustId, part: RootPart) -> bool {
        let mut trusts = self.policies.iter().flat_map(|policy| &policy.trusts);
        let takes = |trust: &Trust| {
            let is_pinned = trust.pinned.is_some() && trust.root.is_none();
            trust.id == *id && (is_pinned || trust.borrowed.contains(&part))
        };
        id.is_given() || trusts.any(takes)
    }

    /// Every key that a policy names and judges by the trust `id`, each once: what the verifier is
    /// to try.
    pub fn keys(&self, id: &TrustId) -> Vec<PublicKey> {
        let mut seen = BTreeSet::new();
        self.requirements()
            .filter(|requirement| requirement.trust == *id)
            .filter_map(|requirement| match &requirement.signer {
                Signer::Keys(keys) => Some(keys),
                Signer::Certificate { .. } => None,
            })
            .flatten()
            .filter(|key| seen.insert(key.id()))
            .cloned()
            .collect()
    }

    /// The first requirement that only a trusted root can meet, for the error that asks for one.
    pub fn needs_trusted_root(&self) -> Option<&'static str> {
        self.requirements().find_map(|requirement| {
            let is_certified = matches!(
                requirement.signer,
                Signer::Certificate { authority: Authority::TrustedRoot, .. }
            );
            let demands = |demand: Demand| demand == Demand::Demanded;
            let needs = [
                (is_certified, RootPart::Authorities, "certificates are judged by its authorities"),
                (demands(requirement.inclusion), RootPart::Logs, "an inclusion proof is demanded"),
                (
                    demands(requirement.log),
                    RootPart::Logs,
                    "an entry of a transparency log is demanded",
                ),
                (
                    demands(requirement.timestamp),
                    RootPart::TimestampAuthorities,
                    "a timestamp of a known authority is demanded",
                ),
            ];
            let mut needs = needs.into_iter();
            needs.find_map(|(needs, part, why)| {
                (needs && self.is_given(&requirement.trust, part)).then_some(why)
            })
        })
    }

    /// What policies ask to see of a case beside its evidence.
    pub fn asked(&self) -> Asked {
        let asked = self.policies.iter().filter_map(|policy| policy.result.as_ref());
        asked.map(ResultPolicy::asked).fold(Asked::default(), |all, one| Asked {
            configs: all.configs || one.configs,
            spec: all.spec || one.spec,
            metadata: all.metadata || one.metadata,
            type_meta: all.type_meta || one.type_meta,
        })
    }

    fn requirements(&self) -> impl Iterator<Item = &Requirement> {
        self.policies.iter().flat_map(|policy| policy.rule.requirements())
    }
}

/// A trusted root of a policy's own parts and those of the given root that it borrows.
fn joined(trust: &Trust, given: &Trust) -> TrustRoot {
    let part = |part| {
        let root = if trust.borrowed.contains(&part) { &given.root } else { &trust.root };
        root.as_ref()
    };
    let authorities = part(RootPart::Authorities);
    TrustRoot::of_parts(&Parts {
        authorities,
        ct_logs: authorities,
        logs: part(RootPart::Logs),
        timestamp_authorities: part(RootPart::TimestampAuthorities),
    })
}

/// One policy: which images it covers and what they need.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Its name, distinct in a [`PolicySet`].
    pub id: String,
    /// The form it is written in.
    pub format: Format,
    /// Where it was read.
    pub origin: Origin,
    /// The images it covers.
    pub images: Images,
    /// The Kubernetes objects it is considered for: any of these, and every one where none is listed.
    /// An image that is judged without an object is covered all the same.
    pub objects: Vec<ObjectSelector>,
    /// What its failure does.
    pub mode: Mode,
    /// What an image needs.
    pub rule: Rule,
    /// What must hold of that by which the rule was met.
    pub result: Option<ResultPolicy>,
    /// The trusts that its requirements name, beside the one that is given for all. Policies of one
    /// file may share those that the first of them holds.
    pub trusts: Vec<Trust>,
    /// Where it is judged more strictly than the system it comes from would.
    pub deviations: Vec<String>,
    /// What in its text deserves a look, each with its line.
    pub remarks: Vec<String>,
    /// What its own system does with a Kubernetes object, beside judging its images.
    pub admission: Option<Admission>,
}

/// What a policy's own system does with a Kubernetes object when it judges its images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admission {
    /// The object that holds the policy, by the name its system calls it; policies of one object
    /// are answered together.
    pub object: String,
    /// Whether verified images are rewritten to their digests.
    pub rewrite: bool,
    /// Whether the object may be changed, where that is said.
    pub mutating: Option<bool>,
    /// Whether it is only logged what the policy says.
    pub monitor: bool,
    /// What is said instead of the policy's own words.
    pub message: Option<String>,
    /// The group that the policy is a member of; in a group nothing may be changed.
    pub group: Option<String>,
    /// Whether the policy calls a pod that it refuses a pod, and no other object.
    pub names_pods: bool,
}

impl Policy {
    /// A policy that enforces its rule by the trust that is given for all.
    pub fn new(id: &str, format: Format, origin: Origin, images: Images, rule: Rule) -> Self {
        Self {
            id: id.to_owned(),
            format,
            origin,
            images,
            objects: Vec::new(),
            mode: Mode::Enforce,
            rule,
            result: None,
            trusts: Vec::new(),
            deviations: Vec::new(),
            remarks: Vec::new(),
            admission: None,
        }
    }
}

/// The form a policy is written in: the system whose decisions it repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// The command line's flags.
    Flags,
    /// sigstore policy-controller's `ClusterImagePolicy`.
    ClusterImagePolicy,
    /// Settings of Kubewarden's `verify-image-signatures`.
    KubewardenSettings,
    /// Kubewarden's verification config, kwctl's flags for it included.
    VerificationConfig,
    /// containers/image's `policy.json`.
    ContainersPolicy,
}

impl Format {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Flags => "flags",
            Self::ClusterImagePolicy => "cluster-image-policy",
            Self::KubewardenSettings => "kubewarden-settings",
            Self::VerificationConfig => "verification-config",
            Self::ContainersPolicy => "containers-policy",
        }
    }
}

/// Where a policy was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The command line's flags.
    Flags,
    /// A document of a file.
    File {
        /// The file's name as the user gave it.
        name: String,
        /// Its digest.
        digest: Digest,
        /// The document's number, from 1.
        document: usize,
        /// The line the document begins at, from 1.
        line: usize,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flags => f.write_str("the command line"),
            Self::File { name, line, .. } => write!(f, "{}:{line}", name.escape_debug()),
        }
    }
}

/// Which images a policy covers.
#[derive(Clone, Debug)]
pub enum Images {
    /// Every image.
    Any,
    /// Images whose full name one of the globs matches.
    Globs(Vec<Glob>),
    /// Images whose name, as it is written, the pattern matches.
    Written(Wildcard),
    /// Images whose most specific scope in the table is this one.
    Scope {
        /// Every scope of the file.
        table: Arc<ScopeTable>,
        /// The policy's own.
        scope: Scope,
    },
}

impl Images {
    /// Whether the image `digest`, called `name` and written as `written`, is covered.
    pub fn cover(&self, name: &Reference, written: &str, digest: &Digest) -> bool {
        self.cover_spelled(&Spelled::new(name, Some(written), digest))
    }

    /// The same of a name that was spelled once for many policies.
    pub(super) fn cover_spelled(&self, spelled: &Spelled<'_>) -> bool {
        match self {
            Self::Any => true,
            Self::Globs(globs) => globs.iter().any(|glob| glob.covers_any(&spelled.full)),
            Self::Written(pattern) => pattern.matches(&spelled.written),
            Self::Scope { table, scope } => table.scope_of(spelled.name).as_ref() == Some(scope),
        }
    }

    /// Whether an image without a full name is covered: only by what covers everything.
    pub fn cover_nameless(&self) -> bool {
        match self {
            Self::Any => true,
            Self::Globs(globs) => globs.iter().any(Glob::covers_everything),
            Self::Written(pattern) => pattern.matches_everything(),
            Self::Scope { scope, .. } => *scope == Scope::Default,
        }
    }
}

/// A name of an image in every spelling that policies look at.
#[derive(Clone, Debug)]
pub(super) struct Spelled<'a> {
    /// The name.
    pub name: &'a Reference,
    /// As it is written where it is asked for.
    written: String,
    /// In full, by tag and by digest.
    full: Vec<String>,
}

impl<'a> Spelled<'a> {
    /// Spells the name of the image `digest`; in full where it is not known how it is written.
    pub(super) fn new(name: &'a Reference, written: Option<&str>, digest: &Digest) -> Self {
        let written = written.map_or_else(|| name.to_string(), str::to_owned);
        Self { name, written, full: full_names(name, digest) }
    }
}

/// What the failure of a policy does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It denies the image.
    Enforce,
    /// It is told as a warning and denies nothing.
    Warn,
}

/// What an image needs.
#[derive(Clone, Debug)]
pub enum Rule {
    /// Every one of these.
    All(Vec<Rule>),
    /// Any one of these.
    Any(Vec<Rule>),
    /// At least so many of these; one piece of evidence may meet several.
    AtLeast(usize, Vec<Rule>),
    /// A piece of evidence that meets this.
    Evidence(Box<Requirement>),
    /// Nothing: the policy admits by decree. Its name.
    Accept(String),
    /// What nothing has: the policy refuses by decree. Its name and message.
    Reject(String, String),
}

impl Rule {
    fn demand_inclusion(&mut self) {
        match self {
            Self::All(rules) | Self::Any(rules) | Self::AtLeast(_, rules) => {
                rules.iter_mut().for_each(Self::demand_inclusion);
            }
            Self::Evidence(requirement) => requirement.inclusion = Demand::Demanded,
            Self::Accept(_) | Self::Reject(..) => {}
        }
    }

    /// Every requirement in it, in order.
    pub(super) fn requirements(&self) -> Vec<&Requirement> {
        let mut found = Vec::new();
        self.collect(&mut found);
        found
    }

    /// Whether it can come out differently for another name of the image.
    pub(super) fn asks_for_names(&self) -> bool {
        let asks = |requirement: &&Requirement| requirement.reference != SignedIdentity::Any;
        self.requirements().iter().any(asks)
    }

    fn collect<'a>(&'a self, found: &mut Vec<&'a Requirement>) {
        match self {
            Self::All(rules) | Self::Any(rules) | Self::AtLeast(_, rules) => {
                for rule in rules {
                    rule.collect(found);
                }
            }
            Self::Evidence(requirement) => found.push(requirement),
            Self::Accept(_) | Self::Reject(..) => {}
        }
    }
}

/// What one piece of evidence must prove, all of it by itself.
#[derive(Clone, Debug)]
pub struct Requirement {
    /// What the policy calls it.
    pub name: String,
    /// The trust its evidence must have verified against.
    pub trust: TrustId,
    /// Which kinds of document count.
    pub reads: Reads,
    /// Signature or attestation.
    pub kind: Kind,
    /// Who must have signed.
    pub signer: Signer,
    /// Whom the same certificate must name besides.
    pub also: Option<IdentityMatcher>,
    /// Whether a known transparency log must hold it.
    pub log: Demand,
    /// Whether a known transparency log must be proven to include it.
    pub inclusion: Demand,
    /// Whether a known timestamp authority must vouch for a time of it.
    pub timestamp: Demand,
    /// When the entry of the log, if it has one, must have been taken.
    pub window: Option<Window>,
    /// Annotations that must stand in the signed payload.
    pub annotations: BTreeMap<String, String>,
    /// How annotations are compared.
    pub comparison: Comparison,
    /// What the payload's own name of the image must be.
    pub reference: SignedIdentity,
    /// How the policy's own system spells it where it says that it is not met.
    pub spelled: Option<String>,
    /// What an attestation must state, where that is said.
    pub attested: Option<Box<Attested>>,
}

/// An attestation as a `ClusterImagePolicy` wants it.
#[derive(Clone, Debug)]
pub struct Attested {
    /// The name of the authority that wants it.
    pub authority: String,
    /// Its own name.
    pub name: String,
    /// The predicate type as the policy writes it.
    pub predicate_type: String,
    /// The language of its policy.
    pub language: &'static str,
    /// The policy over its whole statement.
    pub engine: Option<Engine>,
    /// What the statement may be at most.
    pub limits: Limits,
}

impl Requirement {
    /// Demands the signer and nothing else.
    pub fn new(name: &str, kind: Kind, signer: Signer) -> Self {
        Self {
            name: name.to_owned(),
            trust: TrustId::default(),
            reads: Reads::Both,
            kind,
            signer,
            also: None,
            log: Demand::Waived,
            inclusion: Demand::Waived,
            timestamp: Demand::Waived,
            window: None,
            annotations: BTreeMap::new(),
            comparison: Comparison::Text,
            reference: SignedIdentity::Any,
            spelled: None,
            attested: None,
        }
    }
}

/// Which kinds of document count for a requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// Every kind.
    Both,
    /// cosign's layers alone: the policy's own system reads no bundles.
    Legacy,
    /// Bundles alone: the policy asks for them.
    Bundles,
    /// Every kind, though the policy's own system reads no bundles here: told as a deviation.
    LegacyByOrigin,
}

/// How the value of a signed annotation is compared with the text demanded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// Only a text can be equal, as with cosign.
    Text,
    /// A number or a truth value is equal to how it is written, as with Kubewarden.
    Scalars,
}

/// What kind of evidence is demanded. One is never taken for the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A signature of the image as a whole.
    Signature,
    /// An attestation of this predicate type.
    Attestation {
        /// The statement's `predicateType`.
        predicate_type: String,
    },
    /// Either: for a bundle that the user names, whose kind is the user's choice.
    Either,
}

/// Who must have signed.
#[derive(Clone, Debug)]
pub enum Signer {
    /// The holder of any one of these keys.
    Keys(Vec<PublicKey>),
    /// The holder of a certificate.
    Certificate {
        /// Who issued it.
        authority: Authority,
        /// Whom it names: any one of these.
        identities: Vec<IdentityMatcher>,
        /// Whether a known certificate transparency log must vouch for it.
        sct: Demand,
    },
}

/// Where a certificate's path must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authority {
    /// At an authority of the trusted root.
    TrustedRoot,
    /// At the roots of `--ca-roots`.
    PrivatePki,
}

/// Whether something must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// It must.
    Demanded,
    /// It need not.
    Waived,
}

/// Why policies make no set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSet {
    /// There is none: nothing would be refused.
    #[error("there is no policy in what was given")]
    Empty,
    /// Two policies have one name; a cluster would keep only the later.
    #[error("two policies are called `{}`: {first} and {second}", .id.escape_debug())]
    SameName {
        /// The name.
        id: String,
        /// Where the first stands.
        first: String,
        /// Where the second stands.
        second: String,
    },
}
