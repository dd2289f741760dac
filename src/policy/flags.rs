//! The command line's signer flags as a policy: cosign's words, one signer, every image.

use std::collections::BTreeMap;

use crate::crypto::PublicKey;
use crate::policy::{
    Authority, Demand, Format, IdentityMatcher, Images, Kind, Names, Origin, Policy, Requirement,
    Rule, Signer, TextMatcher,
};

/// Who must have signed, as flags say it.
#[derive(Clone, Debug)]
pub struct SignerFlags {
    /// Who.
    pub signer: SignerKind,
    /// `--type`, or that none was given.
    pub kind: Kind,
    /// Waived by `--insecure-ignore-tlog`.
    pub log: Demand,
    /// `--annotation`.
    pub annotations: BTreeMap<String, String>,
}

/// The three kinds of signer that flags can name.
#[derive(Clone, Debug)]
pub enum SignerKind {
    /// `--key`: any one of these.
    Keys(Vec<PublicKey>),
    /// `--certificate-identity` and `--certificate-oidc-issuer`, of the trusted root's authorities.
    Keyless {
        /// Whom the certificate names.
        identity: IdentityMatcher,
        /// Waived by `--insecure-ignore-sct`.
        sct: Demand,
    },
    /// The same of the authorities of `--ca-roots`.
    PrivatePki {
        /// Whom the certificate names.
        identity: IdentityMatcher,
        /// Waived by `--insecure-ignore-sct`.
        sct: Demand,
    },
}

impl SignerFlags {
    /// What the flags demand of a piece of evidence.
    pub fn into_requirement(self) -> Requirement {
        Requirement {
            log: self.log,
            annotations: self.annotations,
            ..Requirement::new("signer", self.kind, self.signer.into_signer())
        }
    }
}

impl From<Requirement> for Policy {
    /// The policy the flags amount to. It covers every image, named or not.
    fn from(requirement: Requirement) -> Self {
        let rule = Rule::Evidence(Box::new(requirement));
        Self::new("command line", Format::Flags, Origin::Flags, Images::Any, rule)
    }
}

impl SignerKind {
    fn into_signer(self) -> Signer {
        let (authority, identity, sct) = match self {
            Self::Keys(keys) => return Signer::Keys(keys),
            Self::Keyless { identity, sct } => (Authority::TrustedRoot, identity, sct),
            Self::PrivatePki { identity, sct } => (Authority::PrivatePki, identity, sct),
        };
        Signer::Certificate { authority, identities: vec![identity], sct }
    }
}

impl IdentityMatcher {
    /// Who is named by `subject` and `issuer`; without an issuer any will do, which only a private
    /// authority's certificates may ask for.
    pub fn new(subject: TextMatcher, issuer: Option<TextMatcher>) -> Self {
        let issuer = issuer.unwrap_or(TextMatcher::Any);
        Self { issuer, subject, among: Names::Any, repository: None }
    }
}
