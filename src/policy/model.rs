//! The one model that every policy format is lowered to.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::crypto::PublicKey;
use crate::digest::Digest;
use crate::oci::Reference;
use crate::policy::{Glob, IdentityMatcher};

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

    /// The same policies, each of which demands a verified inclusion proof of all evidence.
    #[must_use]
    pub fn demanding_inclusion(mut self) -> Self {
        self.policies.iter_mut().for_each(|policy| policy.rule.demand_inclusion());
        self
    }

    /// Every key that a policy names, each once: what the verifier is to try.
    pub fn keys(&self) -> Vec<PublicKey> {
        let mut seen = BTreeSet::new();
        self.requirements()
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
        self.requirements().find_map(|requirement| match (&requirement.signer, requirement.log) {
            (Signer::Certificate { authority: Authority::TrustedRoot, .. }, _) => {
                Some("certificates are judged by its authorities")
            }
            _ if requirement.inclusion == Demand::Demanded => {
                Some("an inclusion proof is demanded")
            }
            (_, Demand::Demanded) => Some("an entry of a transparency log is demanded"),
            _ => None,
        })
    }

    fn requirements(&self) -> impl Iterator<Item = &Requirement> {
        let mut found = Vec::new();
        for policy in &self.policies {
            policy.rule.collect(&mut found);
        }
        found.into_iter()
    }
}

/// One policy: which images it covers and what they need.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Its name, distinct in a [`PolicySet`].
    pub id: String,
    /// Where it was read.
    pub origin: Origin,
    /// The images it covers.
    pub images: Images,
    /// What its failure does.
    pub mode: Mode,
    /// What an image needs.
    pub rule: Rule,
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
}

impl Images {
    /// Whether the image `digest`, called `name`, is covered.
    pub fn cover(&self, name: &Reference, digest: &Digest) -> bool {
        match self {
            Self::Any => true,
            Self::Globs(globs) => globs.iter().any(|glob| glob.covers(name, digest)),
        }
    }

    /// Whether an image without a full name is covered: only by what covers everything.
    pub fn cover_nameless(&self) -> bool {
        match self {
            Self::Any => true,
            Self::Globs(globs) => globs.iter().any(Glob::covers_everything),
        }
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
            Self::All(rules) | Self::Any(rules) => {
                rules.iter_mut().for_each(Self::demand_inclusion);
            }
            Self::Evidence(requirement) => requirement.inclusion = Demand::Demanded,
            Self::Accept(_) | Self::Reject(..) => {}
        }
    }

    fn collect<'a>(&'a self, found: &mut Vec<&'a Requirement>) {
        match self {
            Self::All(rules) | Self::Any(rules) => {
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
    /// Signature or attestation.
    pub kind: Kind,
    /// Who must have signed.
    pub signer: Signer,
    /// Whether a known transparency log must hold it.
    pub log: Demand,
    /// Whether a known transparency log must be proven to include it.
    pub inclusion: Demand,
    /// Annotations that must stand in the signed payload.
    pub annotations: BTreeMap<String, String>,
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
