//! Whether facts meet a requirement, and if not, why.

use std::fmt;

use serde_json::Value;

use crate::digest::Digest;
use crate::oci::Reference;
use crate::policy::cluster_image_policy::{shown, told_by};
use crate::policy::engine::{Document, Outcome};
use crate::policy::{
    Authority, Comparison, Demand, Kind, Reads, Requirement, Rule, SignedIdentity, Signer,
};
use crate::time::UnixTime;
use crate::verify::{
    CertificateAuthority, Claim, Facts, Form, Identity, Signer as FoundSigner, TimeSource,
    TrustedTime,
};

/// What a rule is judged over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Witness<'a> {
    /// What verified, of the image or of the index it is judged through.
    pub evidence: &'a [&'a Facts],
    /// The name the policy covers the image by; none where the image has none.
    pub name: Option<&'a Reference>,
}

/// How a rule came out, part by part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Trace {
    /// Whether the rule as a whole holds.
    pub holds: bool,
    /// The parts that were met.
    pub approvals: Vec<Approval>,
    /// The parts that were not.
    pub shortfalls: Vec<Shortfall>,
}

impl Rule {
    /// Whether the evidence is what the rule needs, and how each of its parts came out.
    pub(super) fn evaluate(&self, witness: Witness<'_>) -> Trace {
        let mut trace = Trace::default();
        trace.holds = trace.hear(self, witness);
        trace
    }
}

impl Trace {
    /// Hears every part of the rule in its order, also where it is settled how the rule comes out.
    fn hear(&mut self, rule: &Rule, witness: Witness<'_>) -> bool {
        match rule {
            Rule::All(rules) => self.count(rules, witness) == rules.len(),
            Rule::Any(rules) => self.count(rules, witness) >= 1,
            Rule::AtLeast(wanted, rules) => self.count(rules, witness) >= *wanted,
            Rule::Evidence(requirement) => self.note(requirement.evaluate(witness)),
            Rule::Accept(name) => {
                self.note(Ok(Approval { authority: name.clone(), ground: Ground::Decree }))
            }
            Rule::Reject(name, message) => {
                let why = Why::Decree(message.clone());
                self.note(Err(Shortfall { authority: name.clone(), why }))
            }
        }
    }

    /// How many of the rules hold.
    fn count(&mut self, rules: &[Rule], witness: Witness<'_>) -> usize {
        let mut met = 0_usize;
        for rule in rules {
            met = met.saturating_add(usize::from(self.hear(rule, witness)));
        }
        met
    }

    fn note(&mut self, part: Result<Approval, Shortfall>) -> bool {
        let holds = part.is_ok();
        match part {
            Ok(approval) => self.approvals.push(approval),
            Err(shortfall) => self.shortfalls.push(shortfall),
        }
        holds
    }
}

impl Requirement {
    /// The pieces of evidence that meet it, else what each lacks. What verified against another
    /// trust is not among them.
    pub(super) fn evaluate(&self, witness: Witness<'_>) -> Result<Approval, Shortfall> {
        let mut pieces = Vec::new();
        let mut mismatches = Vec::new();
        let heard = witness.evidence.iter().enumerate();
        for (piece, facts) in heard.filter(|(_, facts)| facts.trust == self.trust) {
            match self.check(facts, witness.name) {
                Ok(()) => pieces.push((facts.form, piece)),
                Err(mismatch) => mismatches.push((piece, mismatch)),
            }
        }
        let authority = self.name.clone();
        if pieces.is_empty() {
            return Err(Shortfall { authority, why: Why::Evidence(mismatches) });
        }
        // What the policy's own system would have read comes first.
        pieces.sort_by_key(|(form, _)| *form == Form::Bundle);
        let pieces = pieces.into_iter().map(|(_, piece)| piece).collect();
        Ok(Approval { authority, ground: Ground::Evidence { pieces } })
    }

    /// Whether one piece of evidence, which verified against the requirement's trust, meets the
    /// whole requirement by itself. `name` is what the image is called.
    pub fn check(&self, facts: &Facts, name: Option<&Reference>) -> Result<(), Mismatch> {
        self.check_kind(&facts.claim)?;
        if self.reads == Reads::Legacy && facts.form == Form::Bundle {
            return Err(Mismatch::NotRead);
        }
        if self.reads == Reads::Bundles && facts.form != Form::Bundle {
            return Err(Mismatch::NotABundle);
        }
        self.signer.check(facts)?;
        self.check_also(facts)?;
        if self.log == Demand::Demanded && facts.log_entries.is_empty() {
            return Err(Mismatch::NoLogEntry);
        }
        let included = || facts.log_entries.iter().any(|entry| entry.inclusion);
        if self.inclusion == Demand::Demanded && !included() {
            return Err(Mismatch::NoInclusionProof);
        }
        self.check_times(facts)?;
        self.reference.check(&facts.claim, name)?;
        self.check_annotations(&facts.claim)?;
        self.check_statement(&facts.claim)
    }

    /// What the statement says, last: only what is proven is shown to a policy's own language.
    fn check_statement(&self, claim: &Claim) -> Result<(), Mismatch> {
        let (Some(attested), Claim::Attestation { statement, .. }) = (&self.attested, claim) else {
            return Ok(());
        };
        let refused = |message| Err(Mismatch::NotCompliant { message });
        let statement = match shown(&attested.predicate_type, statement) {
            Ok(statement) => statement,
            Err(message) => return refused(message),
        };
        let Some(engine) = &attested.engine else { return Ok(()) };
        let told = match Document::parse(&statement, &attested.limits) {
            Err(why) => why.to_string(),
            Ok(document) => match engine.evaluate(&document) {
                Outcome::Compliant => return Ok(()),
                Outcome::Warning(message) | Outcome::Refused(message) => message,
            },
        };
        refused(told_by(attested.language, &attested.name, &told))
    }

    fn check_also(&self, facts: &Facts) -> Result<(), Mismatch> {
        let Some(also) = &self.also else { return Ok(()) };
        match &facts.signer {
            FoundSigner::Key { .. } => Err(Mismatch::NotByCertificate),
            FoundSigner::Certificate { identity, .. } if also.matches(identity) => Ok(()),
            FoundSigner::Certificate { identity, .. } => {
                Err(Mismatch::OtherIdentity { found: Box::new(identity.clone()) })
            }
        }
    }

    fn check_kind(&self, claim: &Claim) -> Result<(), Mismatch> {
        match (&self.kind, claim) {
            (Kind::Either, _) | (Kind::Signature, Claim::Signature { .. }) => Ok(()),
            (Kind::Signature, Claim::Attestation { predicate_type, .. }) => {
                Err(Mismatch::NotASignature { predicate_type: predicate_type.clone() })
            }
            (Kind::Attestation { .. }, Claim::Signature { .. }) => Err(Mismatch::NotAnAttestation),
            (
                Kind::Attestation { predicate_type },
                Claim::Attestation { predicate_type: found, .. },
            ) => {
                if predicate_type == found {
                    return Ok(());
                }
                Err(Mismatch::PredicateType {
                    wanted: predicate_type.clone(),
                    found: found.clone(),
                })
            }
        }
    }

    fn check_times(&self, facts: &Facts) -> Result<(), Mismatch> {
        let stamped = |time: &TrustedTime| matches!(time.source, TimeSource::TimestampAuthority(_));
        if self.timestamp == Demand::Demanded && !facts.times.iter().any(stamped) {
            return Err(Mismatch::NoTimestamp);
        }
        let Some(window) = self.window else { return Ok(()) };
        match facts.times.iter().find(|time| !window.contains(time.at)) {
            Some(time) => Err(Mismatch::OutsideWindow { at: time.at }),
            None => Ok(()),
        }
    }

    /// A list or an object is never equal to a text.
    fn check_annotations(&self, claim: &Claim) -> Result<(), Mismatch> {
        for (key, wanted) in &self.annotations {
            let found = match claim {
                Claim::Signature { annotations, .. } => annotations.get(key),
                Claim::Attestation { .. } => None,
            };
            if !found.is_some_and(|found| self.comparison.is_equal(found, wanted)) {
                return Err(Mismatch::Annotation {
                    key: key.clone(),
                    wanted: wanted.clone(),
                    found: found.map(ToString::to_string),
                });
            }
        }
        Ok(())
    }
}

impl Comparison {
    fn is_equal(self, found: &Value, wanted: &str) -> bool {
        match (self, found) {
            (_, Value::String(found)) => found == wanted,
            (Self::Scalars, Value::Number(found)) => found.to_string() == wanted,
            (Self::Scalars, Value::Bool(found)) => found.to_string() == wanted,
            _ => false,
        }
    }
}

impl SignedIdentity {
    fn check(&self, claim: &Claim, name: Option<&Reference>) -> Result<(), Mismatch> {
        let found = match claim {
            Claim::Signature { docker_reference, .. } => docker_reference.as_deref(),
            Claim::Attestation { .. } => None,
        };
        if self.accepts(found, name) {
            return Ok(());
        }
        Err(Mismatch::SignedIdentity { found: found.map(str::to_owned) })
    }
}

impl Signer {
    fn check(&self, facts: &Facts) -> Result<(), Mismatch> {
        match (self, &facts.signer) {
            (Self::Keys(keys), FoundSigner::Key { id }) => {
                if keys.iter().any(|key| key.id() == *id) {
                    return Ok(());
                }
                Err(Mismatch::OtherKey { found: *id })
            }
            (Self::Keys(_), FoundSigner::Certificate { .. }) => Err(Mismatch::NotByKey),
            (Self::Certificate { .. }, FoundSigner::Key { .. }) => Err(Mismatch::NotByCertificate),
            (
                Self::Certificate { authority, identities, sct },
                FoundSigner::Certificate { authority: found, identity },
            ) => {
                if !authority.is(found) {
                    return Err(Mismatch::OtherAuthority);
                }
                if !identities.iter().any(|wanted| wanted.matches(identity)) {
                    return Err(Mismatch::OtherIdentity { found: Box::new(identity.clone()) });
                }
                if *sct == Demand::Demanded && facts.sct_logs.is_empty() {
                    return Err(Mismatch::NoSct);
                }
                Ok(())
            }
        }
    }
}

impl Authority {
    fn is(self, found: &CertificateAuthority) -> bool {
        match found {
            CertificateAuthority::TrustedRoot(_) => self == Self::TrustedRoot,
            CertificateAuthority::PrivatePki => self == Self::PrivatePki,
        }
    }
}

/// A part of a policy that was met, and by what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// What the policy calls the part.
    pub authority: String,
    /// What met it.
    pub ground: Ground,
}

/// What an approval rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ground {
    /// Pieces of verified evidence, each of them enough, by their places in the [`Case`](super::Case).
    Evidence {
        /// The places, at least one.
        pieces: Vec<usize>,
    },
    /// Nothing but the policy's own word (`static: {action: pass}`).
    Decree,
}

/// A part of a policy that was not met, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shortfall {
    /// What the policy calls the part.
    pub authority: String,
    /// Why.
    pub why: Why,
}

/// Why a part of a policy was not met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// What each piece of verified evidence lacks, by its place; empty where nothing verified.
    Evidence(Vec<(usize, Mismatch)>),
    /// The policy refuses by decree, with this message.
    Decree(String),
    /// The policy over the result refuses what met the rest, with this message.
    Result(String),
}

/// What a piece of verified evidence lacks for a requirement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// It is a bundle, and the policy's own system reads none.
    NotRead,
    /// It is no bundle, and the policy asks for one.
    NotABundle,
    /// It does not state what the policy demands.
    NotCompliant {
        /// In the words of cosign.
        message: String,
    },
    /// No known timestamp authority vouches for a time of it.
    NoTimestamp,
    /// The payload names the image otherwise, or not at all.
    SignedIdentity {
        /// How.
        found: Option<String>,
    },
    /// It was made at a time that the policy does not allow.
    OutsideWindow {
        /// A verified time of it.
        at: UnixTime,
    },
    /// A signature is demanded and this attests something.
    NotASignature {
        /// What it attests.
        predicate_type: String,
    },
    /// An attestation is demanded and this is a signature.
    NotAnAttestation,
    /// It attests something else.
    PredicateType {
        /// Demanded.
        wanted: String,
        /// Attested.
        found: String,
    },
    /// A key is demanded and this was signed with a certificate.
    NotByKey,
    /// A certificate is demanded and this was signed with a bare key.
    NotByCertificate,
    /// It was signed with a key that another policy names.
    OtherKey {
        /// The key.
        found: Digest,
    },
    /// The certificate is of the other kind of authority.
    OtherAuthority,
    /// The certificate names somebody else.
    OtherIdentity {
        /// Whom.
        found: Box<Identity>,
    },
    /// No known transparency log holds it.
    NoLogEntry,
    /// No known transparency log is proven to include it.
    NoInclusionProof,
    /// No known certificate transparency log vouches for the certificate.
    NoSct,
    /// An annotation is absent or has another value.
    Annotation {
        /// Its key.
        key: String,
        /// Demanded.
        wanted: String,
        /// Signed, as JSON.
        found: Option<String>,
    },
}

impl Mismatch {
    /// Its stable name in reports.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotRead => "not-read",
            Self::NotABundle => "not-a-bundle",
            Self::NotCompliant { .. } => "not-compliant",
            Self::NoTimestamp => "no-timestamp",
            Self::SignedIdentity { .. } => "signed-identity-mismatch",
            Self::OutsideWindow { .. } => "outside-window",
            Self::NotASignature { .. } => "not-a-signature",
            Self::NotAnAttestation => "not-an-attestation",
            Self::PredicateType { .. } => "other-predicate-type",
            Self::NotByKey => "not-by-key",
            Self::NotByCertificate => "not-by-certificate",
            Self::OtherKey { .. } => "other-key",
            Self::OtherAuthority => "other-authority",
            Self::OtherIdentity { .. } => "identity-mismatch",
            Self::NoLogEntry => "no-log-entry",
            Self::NoInclusionProof => "no-inclusion-proof",
            Self::NoSct => "no-sct",
            Self::Annotation { .. } => "annotation-mismatch",
        }
    }
}

/// One lower-case sentence; text from input is escaped.
impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRead => {
                f.write_str("a Sigstore bundle, which the policy's own system does not read")
            }
            Self::NotABundle => f.write_str("no Sigstore bundle, which the policy asks for"),
            Self::NotCompliant { message } => {
                write!(f, "it does not state what is demanded: {}", message.escape_debug())
            }
            Self::NoTimestamp => f.write_str("no timestamp of a known authority"),
            Self::SignedIdentity { found: Some(found) } => {
                write!(f, "the signature is for `{}`", found.escape_debug())
            }
            Self::SignedIdentity { found: None } => f.write_str("the signature names no image"),
            Self::OutsideWindow { at } => {
                write!(f, "signed at {at}, outside the certificate's window")
            }
            Self::NotASignature { predicate_type } => write!(
                f,
                "a signature is demanded, this is an attestation of `{}`",
                predicate_type.escape_debug()
            ),
            Self::NotAnAttestation => {
                f.write_str("an attestation is demanded, this is a signature")
            }
            Self::PredicateType { wanted, found } => write!(
                f,
                "an attestation of `{}` is demanded, this is of `{}`",
                wanted.escape_debug(),
                found.escape_debug()
            ),
            Self::NotByKey => f.write_str("a key is demanded, this was signed with a certificate"),
            Self::NotByCertificate => {
                f.write_str("a certificate is demanded, this was signed with a key")
            }
            Self::OtherKey { found } => write!(f, "signed with another key, {found}"),
            Self::OtherAuthority => f.write_str("the certificate is of another kind of authority"),
            Self::OtherIdentity { found } => write!(f, "signed by {}", Named(found)),
            Self::NoLogEntry => f.write_str("no entry of a known transparency log"),
            Self::NoInclusionProof => {
                f.write_str("no verified inclusion proof of a known transparency log")
            }
            Self::NoSct => f.write_str("no known log vouches for the certificate (SCT)"),
            Self::Annotation { key, wanted, found: None } => write!(
                f,
                "the annotation `{}` is not signed, `{}` is demanded",
                key.escape_debug(),
                wanted.escape_debug()
            ),
            Self::Annotation { key, wanted, found: Some(found) } => write!(
                f,
                "the annotation `{}` is {}, `{}` is demanded",
                key.escape_debug(),
                found.escape_debug(),
                wanted.escape_debug()
            ),
        }
    }
}

/// An identity in words.
struct Named<'a>(&'a Identity);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> =
            self.0.names.iter().map(|name| format!("`{}`", name.text().escape_debug())).collect();
        if names.is_empty() {
            f.write_str("nobody named")?;
        } else {
            f.write_str(&names.join(", "))?;
        }
        match self.0.issuer.as_str() {
            "" => f.write_str(", no issuer"),
            issuer => write!(f, ", issuer `{}`", issuer.escape_debug()),
        }
    }
}
