//! Whether facts meet a requirement, and if not, why.

use std::fmt;

use crate::digest::Digest;
use crate::policy::{Authority, Demand, Kind, Requirement, Rule, Signer};
use crate::verify::{CertificateAuthority, Claim, Facts, Identity, Signer as FoundSigner};

impl Rule {
    /// Whether `evidence` is what the rule needs: who approved, or all that fell short.
    pub(super) fn evaluate(&self, evidence: &[&Facts]) -> Result<Vec<Approval>, Vec<Shortfall>> {
        match self {
            Self::All(rules) => {
                let (met, unmet) = Self::evaluate_each(rules, evidence);
                if unmet.is_empty() { Ok(met) } else { Err(unmet) }
            }
            Self::Any(rules) => {
                let (met, unmet) = Self::evaluate_each(rules, evidence);
                if met.is_empty() { Err(unmet) } else { Ok(met) }
            }
            Self::Evidence(requirement) => requirement
                .evaluate(evidence)
                .map(|approval| vec![approval])
                .map_err(|shortfall| vec![shortfall]),
            Self::Accept(name) => {
                Ok(vec![Approval { authority: name.clone(), ground: Ground::Decree }])
            }
            Self::Reject(name, message) => {
                let why = Why::Decree(message.clone());
                Err(vec![Shortfall { authority: name.clone(), why }])
            }
        }
    }

    fn evaluate_each(rules: &[Rule], evidence: &[&Facts]) -> (Vec<Approval>, Vec<Shortfall>) {
        let mut met = Vec::new();
        let mut unmet = Vec::new();
        for rule in rules {
            match rule.evaluate(evidence) {
                Ok(approvals) => met.extend(approvals),
                Err(shortfalls) => unmet.extend(shortfalls),
            }
        }
        (met, unmet)
    }
}

impl Requirement {
    /// The first piece of evidence that meets it, else what each lacks.
    fn evaluate(&self, evidence: &[&Facts]) -> Result<Approval, Shortfall> {
        let mut mismatches = Vec::new();
        for (piece, facts) in evidence.iter().enumerate() {
            match self.check(facts) {
                Ok(()) => {
                    let ground = Ground::Evidence { piece };
                    return Ok(Approval { authority: self.name.clone(), ground });
                }
                Err(mismatch) => mismatches.push((piece, mismatch)),
            }
        }
        Err(Shortfall { authority: self.name.clone(), why: Why::Evidence(mismatches) })
    }

    /// Whether one piece of evidence meets the whole requirement by itself.
    pub fn check(&self, facts: &Facts) -> Result<(), Mismatch> {
        self.check_kind(&facts.claim)?;
        self.signer.check(facts)?;
        if self.log == Demand::Demanded && facts.log_entries.is_empty() {
            return Err(Mismatch::NoLogEntry);
        }
        let included = || facts.log_entries.iter().any(|entry| entry.inclusion);
        if self.inclusion == Demand::Demanded && !included() {
            return Err(Mismatch::NoInclusionProof);
        }
        self.check_annotations(&facts.claim)
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

    /// Equality of strings, as cosign compares; a number or a list is never equal.
    fn check_annotations(&self, claim: &Claim) -> Result<(), Mismatch> {
        for (key, wanted) in &self.annotations {
            let found = match claim {
                Claim::Signature { annotations, .. } => annotations.get(key),
                Claim::Attestation { .. } => None,
            };
            if found.and_then(serde_json::Value::as_str) != Some(wanted) {
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
    /// A piece of verified evidence, by its place in the [`Case`](super::Case).
    Evidence {
        /// The place.
        piece: usize,
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
}

/// What a piece of verified evidence lacks for a requirement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
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
