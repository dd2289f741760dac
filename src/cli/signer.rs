//! Whom to trust and what to accept: the arguments that `verify`, `verify-bundle` and `mirror`
//! share, and what they amount to.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use clap::builder::BoolishValueParser;
use sealift::crypto::PublicKey;
use sealift::digest::Digest;
use sealift::limits::Limits;
use sealift::policy::document::Beside;
use sealift::policy::{
    Demand, IdentityMatcher, Kind, Policy, PolicyFile, PolicySet, Requirement, SignerFlags,
    SignerKind, TextMatcher, document, predicate_type,
};
use sealift::report::{self, Basis, PolicyEntry, Scope};
use sealift::sigstore::trust_root::Unusable;
use sealift::sigstore::{ManagedKey, TrustRoot};
use sealift::time::{UnixTime, Window};
use sealift::verify::{Trust, TrustId, Verifier};
use sealift::x509::PrivatePki;

use super::kwctl::KwctlArgs;
use super::mirrors::TufMirrorArgs;
use super::{args, input};

/// Whom to trust, and what to accept: what every command that judges an archive asks for.
#[derive(Debug, Default, Args)]
pub(crate) struct DemandArgs {
    #[command(flatten)]
    pub trust: TrustArgs,

    #[command(flatten)]
    pub policy: PolicyArgs,

    #[command(flatten)]
    pub signer: SignerArgs,

    #[command(flatten)]
    pub kwctl: KwctlArgs,
}

/// Whom to trust, whatever the policy.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Trust")]
pub(crate) struct TrustArgs {
    /// The Sigstore trusted root: authorities, logs and their keys (`trusted_root.json`)
    ///
    /// Needed for certificates and wherever an entry of a transparency log is demanded. It is the
    /// whole of the trust: nothing is fetched, nothing is built in. Its digest is in the report.
    #[arg(long, value_name = "FILE", env = "SEALIFT_TRUSTED_ROOT", hide_env_values = true)]
    pub trusted_root: Option<PathBuf>,

    /// The digest that the trusted root's file must have: `sha256:` and hex digits
    ///
    /// Pins the trust to what was agreed upon elsewhere; with another file nothing is judged.
    /// `sealift trust show` prints the digest of a file.
    #[arg(
        long,
        value_name = "DIGEST",
        env = "SEALIFT_TRUSTED_ROOT_DIGEST",
        hide_env_values = true,
        requires = "trusted_root"
    )]
    pub trusted_root_digest: Option<Digest>,

    /// Demand a verified inclusion proof in a known transparency log, of all evidence
    ///
    /// A signed promise of inclusion alone does not suffice. A legacy signature has room for the
    /// promise only: its proof travels as a Sigstore bundle over the same payload, attached to the
    /// manifest of the signature. What a policy admits by its own word needs no evidence.
    #[arg(long, env = "SEALIFT_REQUIRE_INCLUSION_PROOF", hide_env_values = true, value_parser = BoolishValueParser::new())]
    pub require_inclusion_proof: bool,

    /// Judge as of this time (RFC 3339) instead of this machine's clock
    ///
    /// For reports that can be made again. It never replaces the time of a signature, which logs and
    /// timestamp authorities vouch for; those times must not lie after it.
    #[arg(long, value_name = "TIME", env = "SEALIFT_VERIFICATION_TIME", hide_env_values = true, value_parser = args::time)]
    pub verification_time: Option<UnixTime>,
}

/// Policies from files.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "What is accepted, by policy")]
pub(crate) struct PolicyArgs {
    /// A policy file (repeatable): one or several documents, each of a format that its content tells
    ///
    /// `ClusterImagePolicy` of policy.sigstore.dev; settings of Kubewarden's verify-image-signatures,
    /// alone or in a policy of policies.kubewarden.io; Kubewarden's verification config;
    /// `policy.json` of containers/image, which may name files of keys, relative to the working
    /// directory. All policies that cover any name of an image must hold; within one, any authority
    /// is enough.
    ///
    /// A field that sealift does not decide by is refused by name, never passed over.
    #[arg(long = "policy", value_name = "FILE", env = "SEALIFT_POLICY", hide_env_values = true)]
    pub files: Vec<PathBuf>,

    #[command(flatten)]
    pub mirrors: TufMirrorArgs,
}

/// One signer for every image, in cosign's words.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "What is accepted, by signer")]
pub(crate) struct SignerArgs {
    /// A public key that must have signed (repeatable: any one of them)
    ///
    /// In PEM, or as Sigstore's `PublicKey` message in JSON (`rawBytes`, `keyDetails`, `validFor`):
    /// a key with `validFor` must have signed inside it, by a log's or timestamp authority's word.
    ///
    /// An entry of a transparency log is demanded too, as cosign does, unless
    /// --insecure-ignore-tlog is given.
    #[arg(long = "key", value_name = "FILE", env = "SEALIFT_KEY", hide_env_values = true)]
    pub keys: Vec<PathBuf>,

    /// The identity that must have signed: an e-mail address or a URI of the certificate
    #[arg(
        long,
        value_name = "IDENTITY",
        env = "SEALIFT_CERTIFICATE_IDENTITY",
        hide_env_values = true
    )]
    pub certificate_identity: Option<String>,

    /// The same as a regular expression; it is not anchored: write ^ and $ where you mean them
    #[arg(
        long,
        value_name = "REGEXP",
        env = "SEALIFT_CERTIFICATE_IDENTITY_REGEXP",
        hide_env_values = true
    )]
    pub certificate_identity_regexp: Option<String>,

    /// The OIDC issuer that vouched for the identity; the empty text is a certificate without one
    #[arg(
        long,
        value_name = "URL",
        env = "SEALIFT_CERTIFICATE_OIDC_ISSUER",
        hide_env_values = true
    )]
    pub certificate_oidc_issuer: Option<String>,

    /// The same as a regular expression; it is not anchored
    #[arg(
        long,
        value_name = "REGEXP",
        env = "SEALIFT_CERTIFICATE_OIDC_ISSUER_REGEXP",
        hide_env_values = true
    )]
    pub certificate_oidc_issuer_regexp: Option<String>,

    /// Root certificates (PEM) of a private authority, instead of the trusted root's
    ///
    /// Such certificates may name no issuer, so none is asked for.
    #[arg(long, value_name = "FILE", env = "SEALIFT_CA_ROOTS", hide_env_values = true)]
    pub ca_roots: Option<PathBuf>,

    /// Intermediate certificates (PEM) of the private authority
    #[arg(long, value_name = "FILE", env = "SEALIFT_CA_INTERMEDIATES", hide_env_values = true)]
    pub ca_intermediates: Option<PathBuf>,

    /// Demand no entry of a transparency log
    ///
    /// With a key: nobody can see what was signed with it. With a certificate: a trusted time must
    /// come from elsewhere.
    #[arg(long, env = "SEALIFT_INSECURE_IGNORE_TLOG", hide_env_values = true, value_parser = BoolishValueParser::new())]
    pub insecure_ignore_tlog: bool,

    /// Demand no certificate transparency log's word (SCT) for the certificate
    #[arg(long, env = "SEALIFT_INSECURE_IGNORE_SCT", hide_env_values = true, value_parser = BoolishValueParser::new())]
    pub insecure_ignore_sct: bool,

    /// Demand an attestation of this predicate type instead of a signature
    ///
    /// A URI, or one of cosign's short names: custom, slsaprovenance, slsaprovenance02,
    /// slsaprovenance1, spdx, spdxjson, cyclonedx, link, vuln, openvex.
    #[arg(
        long = "type",
        value_name = "PREDICATE_TYPE",
        env = "SEALIFT_TYPE",
        hide_env_values = true
    )]
    pub predicate_type: Option<String>,

    /// Demand this annotation in the signed payload (repeatable)
    ///
    /// Beside kwctl's flags it is --verification-annotation.
    #[arg(
        long = "annotation",
        short = 'a',
        value_name = "KEY=VALUE",
        env = "SEALIFT_ANNOTATION",
        hide_env_values = true
    )]
    pub annotations: Vec<String>,
}

/// The flag that cosign and kwctl both have a short form `-a` for.
const ANNOTATION: &str = "--annotation";

/// When keys were in use, by their ids.
type KeyWindows = BTreeMap<Digest, Window>;

/// What the arguments amount to.
pub(crate) struct Demands {
    /// What decides.
    pub policies: PolicySet,
    /// What signatures are verified against: the trust that is given for everything, then those
    /// that policies bring.
    pub trusts: Vec<Trust>,
    /// What the report says of the trust.
    told: report::Trust,
    /// When it is judged.
    now: UnixTime,
}

impl Demands {
    /// Reads policies from files, or makes one of the signer or of kwctl's flags; exactly one of them.
    pub(crate) fn of_archive(args: &DemandArgs, limits: &Limits, now: UnixTime) -> Result<Self> {
        let DemandArgs { trust, policy, signer, kwctl } = args;
        let given = (policy.first_given(), signer.first_given(), kwctl.first_given());
        let (policies, windows) = match given {
            (None, None, None) => return Err(Usage::NothingDemanded.into()),
            (None, Some(_), None) => {
                let (requirement, windows) = signer.requirement(Kind::Signature, limits)?;
                (vec![requirement.into()], windows)
            }
            // `-a` belongs to the words of the signer that is named.
            (None, None | Some(ANNOTATION), Some(_)) => {
                (vec![kwctl.policy(&signer.annotations, limits, now)?], KeyWindows::new())
            }
            (Some(_), None, None) => (policy.read(limits, now)?, KeyWindows::new()),
            (Some(one), Some(other), _)
            | (Some(one), None, Some(other))
            | (None, Some(one), Some(other)) => return Err(Usage::Several { one, other }.into()),
        };
        Self::of(policies, windows, signer, trust, limits, now)
    }

    /// What a bundle of either kind must prove by the signer's flags, and what against.
    pub(crate) fn of_bundle(
        signer: &SignerArgs,
        trust: &TrustArgs,
        limits: &Limits,
        now: UnixTime,
    ) -> Result<(Requirement, Self)> {
        if signer.first_given().is_none() {
            return Err(Usage::NoSigner.into());
        }
        let (mut requirement, windows) = signer.requirement(Kind::Either, limits)?;
        requirement.inclusion = trust.inclusion();
        let policies = vec![requirement.clone().into()];
        let demands = Self::of(policies, windows, signer, trust, limits, now)?;
        Ok((requirement, demands))
    }

    fn of(
        policies: Vec<Policy>,
        key_windows: KeyWindows,
        signer: &SignerArgs,
        trust: &TrustArgs,
        limits: &Limits,
        now: UnixTime,
    ) -> Result<Self> {
        let mut policies = PolicySet::new(policies)?;
        if trust.inclusion() == Demand::Demanded {
            if signer.insecure_ignore_tlog {
                return Err(Usage::InclusionWithoutLog.into());
            }
            policies = policies.demanding_inclusion();
        }
        let root = trust.read(limits)?;
        if let (None, Some(why)) = (&root, policies.needs_trusted_root()) {
            return Err(Usage::NoTrustedRoot { why }.into());
        }
        let (pki, private_pki) = signer.private_pki(limits)?;
        let keys = policies.keys(&TrustId::default());
        let told = report::Trust {
            trusted_root: root.as_ref().zip(trust.trusted_root.as_ref()).map(|(root, path)| {
                report::TrustedRoot { name: path.display().to_string(), digest: *root.digest() }
            }),
            keys: keys.iter().map(PublicKey::id).collect(),
            private_pki,
            unusable: root.iter().flat_map(TrustRoot::unusable).map(unusable).collect(),
        };
        let given = Trust { root, keys, key_windows, pki, ..Trust::default() };
        let own = policies.own_trusts(&given);
        let trusts = std::iter::once(given).chain(own).collect();
        Ok(Self { policies, trusts, told, now })
    }

    /// A verifier for each trust.
    pub(crate) fn verifiers(&self, limits: &Limits) -> Vec<Verifier> {
        self.trusts.iter().map(|trust| Verifier::new(trust.clone(), self.now, *limits)).collect()
    }

    /// What the report says it is founded on.
    pub(crate) fn basis(&self, scope: Scope) -> Basis {
        let entry = |policy: &Policy| PolicyEntry {
            id: policy.id.clone(),
            format: policy.format,
            origin: policy.origin.clone(),
            mode: policy.mode,
            remarks: policy.remarks.clone(),
        };
        Basis {
            judged_at: self.now,
            scope,
            trust: self.told.clone(),
            policies: self.policies.policies().iter().map(entry).collect(),
        }
    }
}

impl TrustArgs {
    fn inclusion(&self) -> Demand {
        if self.require_inclusion_proof { Demand::Demanded } else { Demand::Waived }
    }

    fn read(&self, limits: &Limits) -> Result<Option<TrustRoot>> {
        let Some(path) = &self.trusted_root else {
            return Ok(None);
        };
        read_root(path, self.trusted_root_digest, limits).map(Some)
    }
}

/// Reads the trusted root at `path`, which must have the digest `pinned`.
pub(crate) fn read_root(path: &Path, pinned: Option<Digest>, limits: &Limits) -> Result<TrustRoot> {
    let bytes = input::read(path, "trusted root", limits.metadata_bytes)?;
    if let Some(pinned) = pinned {
        let found = Digest::of(pinned.algorithm(), &bytes);
        if found != pinned {
            bail!(
                "trusted root `{}` is not the one pinned: {pinned} was asked for, the file has {found}",
                path.display()
            );
        }
    }
    TrustRoot::parse(&bytes, limits)
        .with_context(|| format!("trusted root `{}` cannot be used", path.display()))
}

impl PolicyArgs {
    fn first_given(&self) -> Option<&'static str> {
        (!self.files.is_empty()).then_some("--policy")
    }

    pub(crate) fn read(&self, limits: &Limits, now: UnixTime) -> Result<Vec<Policy>> {
        let read = self.read_files(limits)?;
        let files: Vec<_> = read.iter().map(|(name, bytes)| PolicyFile { name, bytes }).collect();
        let named = |path: &str| input::read_named(path, limits.metadata_bytes);
        let beside = Beside { file: &named, mirror: &|url| self.mirrors.at(url) };
        Ok(document::parse_with(&files, limits, now, beside)?)
    }

    /// The names and bytes of the files.
    pub(crate) fn read_files(&self, limits: &Limits) -> Result<Vec<(String, Vec<u8>)>> {
        let read = |path: &PathBuf| {
            let bytes = input::read(path, "policy file", limits.policy_bytes)?;
            Ok((path.display().to_string(), bytes))
        };
        self.files.iter().map(read).collect()
    }
}

impl SignerArgs {
    /// The first signer flag that was given, by its name.
    fn first_given(&self) -> Option<&'static str> {
        let given = [
            ("--key", !self.keys.is_empty()),
            ("--certificate-identity", self.certificate_identity.is_some()),
            ("--certificate-identity-regexp", self.certificate_identity_regexp.is_some()),
            ("--certificate-oidc-issuer", self.certificate_oidc_issuer.is_some()),
            ("--certificate-oidc-issuer-regexp", self.certificate_oidc_issuer_regexp.is_some()),
            ("--ca-roots", self.ca_roots.is_some()),
            ("--ca-intermediates", self.ca_intermediates.is_some()),
            ("--insecure-ignore-tlog", self.insecure_ignore_tlog),
            ("--insecure-ignore-sct", self.insecure_ignore_sct),
            ("--type", self.predicate_type.is_some()),
            (ANNOTATION, !self.annotations.is_empty()),
        ];
        given.into_iter().find_map(|(flag, is_given)| is_given.then_some(flag))
    }

    /// What evidence must prove, and when the keys it may be by were in use.
    fn requirement(&self, otherwise: Kind, limits: &Limits) -> Result<(Requirement, KeyWindows)> {
        let kind = match &self.predicate_type {
            Some(name) if name.is_empty() => return Err(Usage::Empty { flag: "--type" }.into()),
            Some(name) => Kind::Attestation { predicate_type: predicate_type(name).to_owned() },
            None => otherwise,
        };
        if matches!(kind, Kind::Attestation { .. }) && !self.annotations.is_empty() {
            return Err(Usage::AnnotationOfAttestation.into());
        }
        let log = if self.insecure_ignore_tlog { Demand::Waived } else { Demand::Demanded };
        let annotations = self.annotations()?;
        let (signer, windows) = self.signer(limits)?;
        let flags = SignerFlags { signer, kind, log, annotations };
        Ok((flags.into_requirement(), windows))
    }

    fn signer(&self, limits: &Limits) -> Result<(SignerKind, KeyWindows)> {
        if self.ca_intermediates.is_some() && self.ca_roots.is_none() {
            return Err(Usage::IntermediatesAlone.into());
        }
        let subject = matcher(
            ["--certificate-identity", "--certificate-identity-regexp"],
            self.certificate_identity.as_deref(),
            self.certificate_identity_regexp.as_deref(),
            limits,
        )?;
        let issuer = matcher(
            ["--certificate-oidc-issuer", "--certificate-oidc-issuer-regexp"],
            self.certificate_oidc_issuer.as_deref(),
            self.certificate_oidc_issuer_regexp.as_deref(),
            limits,
        )?;
        let sct = if self.insecure_ignore_sct { Demand::Waived } else { Demand::Demanded };
        match (self.keys.is_empty(), subject, issuer, &self.ca_roots) {
            (false, None, None, None) => {
                let (keys, windows) = self.read_keys(limits)?;
                Ok((SignerKind::Keys(keys), windows))
            }
            (false, ..) => Err(Usage::KeyAndIdentity.into()),
            (true, None, ..) => Err(Usage::NoSigner.into()),
            (true, Some(subject), issuer, Some(_)) => {
                let identity = IdentityMatcher::new(subject, issuer);
                Ok((SignerKind::PrivatePki { identity, sct }, KeyWindows::new()))
            }
            (true, Some(_), None, None) => Err(Usage::NoIssuer.into()),
            (true, Some(subject), issuer, None) => {
                let identity = IdentityMatcher::new(subject, issuer);
                Ok((SignerKind::Keyless { identity, sct }, KeyWindows::new()))
            }
        }
    }

    /// The keys, and the windows of those that have one. A key has one use and one window, wherever
    /// it is named: by the other it would verify what it should not.
    fn read_keys(&self, limits: &Limits) -> Result<(Vec<PublicKey>, KeyWindows)> {
        let read = |path: &PathBuf| {
            let text = input::read_text(path, "key", limits.metadata_bytes)?;
            ManagedKey::parse(&text, limits)
                .with_context(|| format!("key `{}` cannot be used", path.display()))
        };
        let keys = self.keys.iter().map(read).collect::<Result<Vec<_>>>()?;
        let mut known: BTreeMap<Digest, &ManagedKey> = BTreeMap::new();
        for key in &keys {
            let id = key.key.id();
            if known.insert(id, key).is_some_and(|first| first != key) {
                return Err(Usage::KeyTwice { id }.into());
            }
        }
        let windows =
            keys.iter().filter_map(|key| Some((key.key.id(), key.window?))).collect::<KeyWindows>();
        Ok((keys.into_iter().map(|key| key.key).collect(), windows))
    }

    fn annotations(&self) -> Result<BTreeMap<String, String>> {
        let mut annotations = BTreeMap::new();
        for text in &self.annotations {
            let pair = text.split_once('=').filter(|(key, _)| !key.is_empty());
            let Some((key, value)) = pair else {
                return Err(Usage::NoAnnotation { text: text.clone() }.into());
            };
            if annotations.insert(key.to_owned(), value.to_owned()).is_some() {
                return Err(Usage::AnnotationTwice { key: key.to_owned() }.into());
            }
        }
        Ok(annotations)
    }

    /// The private authority and the digests of its files.
    fn private_pki(&self, limits: &Limits) -> Result<(Option<PrivatePki>, Vec<Digest>)> {
        let Some(roots) = &self.ca_roots else {
            return Ok((None, Vec::new()));
        };
        let read = |path: &PathBuf| input::read_text(path, "certificates", limits.metadata_bytes);
        let shown = roots.display();
        let roots = read(roots)?;
        let intermediates = self.ca_intermediates.as_ref().map(read).transpose()?;
        let pki =
            PrivatePki::from_pem(&roots, intermediates.as_deref(), limits).with_context(|| {
                let further = self.ca_intermediates.as_ref().map(|path| path.display());
                let further = further.map(|it| format!(" and `{it}`")).unwrap_or_default();
                format!("the private authority's certificates (`{shown}`{further}) cannot be used")
            })?;
        let texts = [Some(&roots), intermediates.as_ref()];
        let digests = texts.into_iter().flatten().map(|text| Digest::sha256(text.as_bytes()));
        Ok((Some(pki), digests.collect()))
    }
}

fn unusable(part: &Unusable) -> String {
    format!("{} (`{}`): {}", part.place, part.url, part.reason)
}

/// What a pair of flags demands of a text. An issuer may be the empty text, an identity may not.
fn matcher(
    [flag, regexp_flag]: [&'static str; 2],
    exact: Option<&str>,
    expression: Option<&str>,
    limits: &Limits,
) -> Result<Option<TextMatcher>> {
    match (exact, expression) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err(Usage::ExactAndRegexp { flag }.into()),
        (Some(""), None) if flag == "--certificate-identity" => Err(Usage::Empty { flag }.into()),
        (Some(text), None) => Ok(Some(TextMatcher::Exact(text.to_owned()))),
        (None, Some("")) => Err(Usage::Empty { flag: regexp_flag }.into()),
        (None, Some(text)) => {
            let matcher = TextMatcher::expression(text, limits);
            matcher.map(Some).with_context(|| format!("`{regexp_flag}` cannot be used"))
        }
    }
}

/// Arguments that contradict each other or leave too much open.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Usage {
    #[error("nothing says what is acceptable")]
    NothingDemanded,
    #[error("`{one}` and `{other}` exclude each other")]
    Several { one: &'static str, other: &'static str },
    #[error("no signer is named")]
    NoSigner,
    #[error("`--key` excludes identities and certificate authorities")]
    KeyAndIdentity,
    #[error("an identity needs an issuer")]
    NoIssuer,
    #[error("`{flag}` and `{flag}-regexp` exclude each other")]
    ExactAndRegexp { flag: &'static str },
    #[error("`{flag}` is empty")]
    Empty { flag: &'static str },
    #[error("`--ca-intermediates` needs `--ca-roots`")]
    IntermediatesAlone,
    #[error("`--key` names the key {id} twice, and says two things of it")]
    KeyTwice { id: Digest },
    #[error("`--annotation` is no KEY=VALUE: `{text}`")]
    NoAnnotation { text: String },
    #[error("`--annotation` demands two values of `{key}`")]
    AnnotationTwice { key: String },
    #[error("`--annotation` asks for a signature, `--type` for an attestation")]
    AnnotationOfAttestation,
    #[error("`--require-inclusion-proof` and `--insecure-ignore-tlog` exclude each other")]
    InclusionWithoutLog,
    #[error("a trusted root is needed: {why}")]
    NoTrustedRoot { why: &'static str },
}

impl Usage {
    /// What to do.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NothingDemanded => Some(
                "give `--policy FILE`, or a signer: `--key FILE`, or `--certificate-identity` with \
                 `--certificate-oidc-issuer`",
            ),
            Self::NoSigner => Some(
                "give `--key FILE`, or `--certificate-identity` with `--certificate-oidc-issuer`",
            ),
            Self::Several { .. } => {
                Some("write the signer into the policy, or judge by the signer alone")
            }
            Self::NoIssuer => Some(
                "anybody can have any name of some issuer: give `--certificate-oidc-issuer`; only \
                 with `--ca-roots` none is needed",
            ),
            Self::KeyTwice { .. } => {
                Some("give the key once: in PEM, or with its validFor and keyDetails")
            }
            Self::NoTrustedRoot { .. } => Some(
                "give `--trusted-root FILE`, in a policy test `trustedRoot`; for a key without a log, \
                 `--insecure-ignore-tlog` waives the entry",
            ),
            Self::KeyAndIdentity
            | Self::ExactAndRegexp { .. }
            | Self::Empty { .. }
            | Self::IntermediatesAlone
            | Self::InclusionWithoutLog
            | Self::NoAnnotation { .. }
            | Self::AnnotationTwice { .. }
            | Self::AnnotationOfAttestation => None,
        }
    }
}

#[cfg(test)]
mod tests;
