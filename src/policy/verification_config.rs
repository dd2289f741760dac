//! Kubewarden's *verification config*: which signatures an artifact needs, `apiVersion: v1`, as
//! `kwctl` and the policy server read it (POLICY B).
//!
//! ```text
//! config    = { apiVersion: v1, allOf: [signature] | ~, anyOf: { minimumMatches: 0..255, signatures: [signature] } | ~ }
//! signature = { kind: pubKey, key, owner?, annotations? }
//!           | { kind: genericIssuer, issuer, subject: { equal } | { urlPrefix }, annotations? }
//!           | { kind: githubAction, owner, repo?, annotations? }
//! ```
//!
//! [`VerificationConfig::parse`] reads what Kubewarden reads, in its words. A policy is made of less:
//! what could never refuse, or could refuse nothing else, is an error with its line (decision 5), and
//! so is a field of the whole that nobody knows.

mod carrier;
mod spelling;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_saphyr::Spanned;

use crate::crypto::PublicKey;
use crate::policy::document::{Error, NOWHERE, Place};
use crate::policy::requirement::Witness;
use crate::policy::{
    Approval, Authority, Comparison, Demand, Format, GithubRepository, IdentityMatcher, Images,
    Kind, Names, Origin, Policy, Reads, Requirement, Rule, Shortfall, Signer, TextMatcher,
    UrlPrefix,
};
use crate::verify::Facts;
use crate::yaml;

pub(super) use carrier::{Carried, PolicyServer, is_carrier};
pub(super) use spelling::of_signature as spelled;

/// The issuer of certificates for GitHub's workflows.
pub(super) const GITHUB_ACTIONS: &str = "https://token.actions.githubusercontent.com";

/// A verification config as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct VerificationConfig {
    /// Every one of these must be met.
    pub all_of: Option<Vec<Signature>>,
    /// So many of these must be met.
    pub any_of: Option<AnyOf>,
}

/// Alternatives, of which so many must be met.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AnyOf {
    /// How many.
    #[serde(default = "one")]
    pub minimum_matches: u8,
    /// Of these.
    pub signatures: Vec<Signature>,
}

fn one() -> u8 {
    1
}

/// A signature that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", deny_unknown_fields)]
pub enum Signature {
    /// By the holder of a key.
    PubKey {
        /// Whose it is; decides nothing.
        owner: Option<String>,
        /// The key, in PEM.
        key: String,
        /// What must stand in the signed payload.
        annotations: Option<Annotations>,
    },
    /// By the holder of a keyless certificate.
    GenericIssuer {
        /// The OIDC issuer.
        issuer: String,
        /// Whom the certificate names.
        subject: Subject,
        /// What must stand in the signed payload.
        annotations: Option<Annotations>,
    },
    /// By a workflow of a GitHub repository.
    GithubAction {
        /// The owner of the repository.
        owner: String,
        /// Its name below the owner.
        repo: Option<String>,
        /// What must stand in the signed payload.
        annotations: Option<Annotations>,
    },
}

/// Annotations that a signed payload must have.
pub type Annotations = BTreeMap<String, String>;

/// Whom a certificate must name.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Subject {
    /// Exactly this.
    Equal(String),
    /// Something below this URL.
    UrlPrefix(UrlPrefix),
}

/// The document below its `apiVersion`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "struct VerificationConfigV1")]
struct Body {
    all_of: Option<Vec<Signature>>,
    any_of: Option<AnyOf>,
}

impl VerificationConfig {
    /// Reads a config as Kubewarden does, with what it says of one that it refuses.
    pub fn parse(text: &str) -> Result<Self, String> {
        let documents = yaml::documents(text);
        let value = match documents.as_slice() {
            [] => Value::Null,
            [document] => document.read().map_err(|refusal| refusal.message)?,
            _ => return Err("there are several documents".to_owned()),
        };
        Self::of(value)
    }

    /// A config that asks for every one of these.
    pub fn all_of(signatures: Vec<Signature>) -> Self {
        Self { all_of: Some(signatures), any_of: None }
    }

    fn of(value: Value) -> Result<Self, String> {
        let is_versioned = match &value {
            // Nothing is asked for, and nothing is missed.
            Value::Null => return Ok(Self::default()),
            Value::Array(_) => return Err(UNSUPPORTED.to_owned()),
            Value::Object(fields) => match fields.get("apiVersion") {
                None | Some(Value::Null) => false,
                Some(Value::String(version)) if version == "v1" => true,
                Some(_) => return Err(UNSUPPORTED.to_owned()),
            },
            _ => false,
        };
        let body: Body = serde_json::from_value(value)
            .map_err(|why| format!("Not a valid configuration file: {why}"))?;
        if is_versioned && body.all_of.is_none() && body.any_of.is_none() {
            return Err("config is missing signatures in both allOf and anyOff list".to_owned());
        }
        Ok(Self { all_of: body.all_of, any_of: body.any_of })
    }

    /// Whether facts about an artifact are what the config asks for, else what Kubewarden says.
    pub fn judge(&self, evidence: &[&Facts]) -> Result<(), String> {
        let (all_of, any_of) = (&self.all_of, &self.any_of);
        if all_of.is_none() && any_of.is_none() {
            return Err("Image verification failed: no signatures to verify".to_owned());
        }
        let rule = self.rule();
        let trace = rule.evaluate(Witness { evidence, name: None });
        if trace.holds { Ok(()) } else { Err(failure(&rule, &trace.approvals, &trace.shortfalls)) }
    }

    /// What an artifact needs, whatever it is called.
    pub fn rule(&self) -> Rule {
        let mut parts = Vec::new();
        if let Some(signatures) = &self.all_of {
            parts.push(Rule::All(evidence("allOf", signatures)));
        }
        if let Some(AnyOf { minimum_matches, signatures }) = &self.any_of {
            let wanted = usize::from(*minimum_matches);
            parts.push(Rule::AtLeast(wanted, evidence("anyOf", signatures)));
        }
        Rule::All(parts)
    }
}

const UNSUPPORTED: &str = "Not a supported configuration version: Unsupported";

fn evidence(list: &str, signatures: &[Signature]) -> Vec<Rule> {
    let requirement = |(index, signature): (usize, &Signature)| {
        signature.requirement(&format!("{list}[{index}]"))
    };
    let requirements = signatures.iter().enumerate().map(requirement);
    requirements.map(|requirement| Rule::Evidence(Box::new(requirement))).collect()
}

impl Signature {
    /// What a piece of evidence must prove to be this signature. A key that is none is one that
    /// nobody holds.
    ///
    /// Off-spec: the certificate needs the word of a certificate transparency log, which Kubewarden
    /// does not ask for.
    pub(super) fn requirement(&self, name: &str) -> Requirement {
        let (signer, log, annotations) = match self {
            Self::PubKey { key, annotations, .. } => {
                let keys = PublicKey::from_pem(key).into_iter().collect();
                (Signer::Keys(keys), Demand::Waived, annotations)
            }
            Self::GenericIssuer { issuer, subject, annotations } => {
                let subject = match subject {
                    Subject::Equal(text) => TextMatcher::Exact(text.clone()),
                    Subject::UrlPrefix(prefix) => TextMatcher::Prefix(prefix.as_str().to_owned()),
                };
                (keyless(issuer, subject, None), Demand::Demanded, annotations)
            }
            Self::GithubAction { owner, repo, annotations } => {
                let repository = GithubRepository { owner: owner.clone(), name: repo.clone() };
                let signer = keyless(GITHUB_ACTIONS, TextMatcher::Any, Some(repository));
                (signer, Demand::Demanded, annotations)
            }
        };
        Requirement {
            reads: Reads::Legacy,
            log,
            annotations: annotations.clone().unwrap_or_default(),
            comparison: Comparison::Scalars,
            spelled: Some(spelled(self)),
            ..Requirement::new(name, Kind::Signature, signer)
        }
    }

    /// What in it nothing can ever meet.
    pub(super) fn is_unmeetable(&self) -> Option<&'static str> {
        match self {
            Self::PubKey { key, .. } if PublicKey::from_pem(key).is_err() => {
                Some("its `key` is none that sealift verifies with, so nothing meets it")
            }
            Self::GithubAction { owner, .. } if owner.is_empty() => {
                Some("its `owner` is empty, so nothing meets it")
            }
            _ => None,
        }
    }
}

fn keyless(issuer: &str, subject: TextMatcher, repository: Option<GithubRepository>) -> Signer {
    let issuer = TextMatcher::Exact(issuer.to_owned());
    Signer::Certificate {
        authority: Authority::TrustedRoot,
        identities: vec![IdentityMatcher {
            issuer,
            subject,
            among: Names::FirstEmailOrUri,
            repository,
        }],
        sct: Demand::Demanded,
    }
}

impl From<VerificationConfig> for Policy {
    /// The policy that a config of the command line's flags amounts to.
    fn from(config: VerificationConfig) -> Self {
        let format = Format::VerificationConfig;
        Self::new("command line", format, Origin::Flags, Images::Any, config.rule())
    }
}

/// Reads the document at `place` as a policy.
pub(super) fn read(place: &Place<'_>) -> Result<Policy, Error> {
    let value: Value = place.read()?;
    let lines: Lines = place.read().unwrap_or_default();
    let config = VerificationConfig::of(value.clone()).map_err(|message| {
        place.error_in(lines.of_fault(&value, place), Problem::Refused { message })
    })?;
    check_fields(&value, place)?;
    check_decides(&config, &lines, place)?;
    let format = Format::VerificationConfig;
    let id = match place.document.number {
        1 => place.file.to_owned(),
        number => format!("{} document {number}", place.file),
    };
    let remarks = lines.remarks(&config, place);
    Ok(Policy { remarks, ..Policy::new(&id, format, place.origin(), Images::Any, config.rule()) })
}

/// A misspelt list would be one that asks for nothing.
fn check_fields(value: &Value, place: &Place<'_>) -> Result<(), Error> {
    let known = ["apiVersion", "allOf", "anyOf"];
    let fields = value.as_object().into_iter().flatten().map(|(name, _)| name);
    match fields.into_iter().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(place.error(NOWHERE, Problem::UnknownField { name: name.clone() })),
        None => Ok(()),
    }
}

/// Decision 5: what could refuse nothing, or nothing but refuse, decides nothing.
fn check_decides(
    config: &VerificationConfig,
    lines: &Lines,
    place: &Place<'_>,
) -> Result<(), Error> {
    let VerificationConfig { all_of, any_of } = config;
    match (all_of.as_deref(), any_of) {
        (None, None) => return Err(place.error(NOWHERE, Problem::NothingDemanded)),
        (Some([]), None) => {
            return Err(place.error(lines.all_of.as_ref(), Problem::EmptyAllOf));
        }
        _ => {}
    }
    let Some(any_of) = any_of else { return Ok(()) };
    let wanted = usize::from(any_of.minimum_matches);
    let there = any_of.signatures.len();
    if wanted == 0 {
        return Err(place.error(lines.any_of.as_ref(), Problem::NoMatches));
    }
    if wanted > there {
        let problem = Problem::TooManyMatches { wanted, there };
        return Err(place.error(lines.any_of.as_ref(), problem));
    }
    Ok(())
}

/// Where the parts of a config stand.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Lines {
    all_of: Option<Spanned<Vec<Spanned<IgnoredAny>>>>,
    any_of: Option<Spanned<AnyOfLines>>,
}

#[derive(Deserialize)]
struct AnyOfLines {
    #[serde(default)]
    signatures: Vec<Spanned<IgnoredAny>>,
}

impl Lines {
    /// The line of the first signature that is none, else that of the document.
    fn of_fault(&self, value: &Value, place: &Place<'_>) -> usize {
        let list = |path: &str| value.pointer(path).and_then(Value::as_array);
        let all_of = self.all_of.iter().flat_map(|list| &list.value);
        let any_of = self.any_of.iter().flat_map(|any_of| &any_of.value.signatures);
        let values = list("/allOf").into_iter().chain(list("/anyOf/signatures")).flatten();
        let mut parts = values.zip(all_of.chain(any_of));
        let wrong = parts.find(|(value, _)| Signature::deserialize(*value).is_err());
        match (wrong, &self.any_of) {
            (Some((_, line)), _) => place.line_of(line),
            (None, Some(any_of))
                if value.get("anyOf").is_some_and(|any_of| AnyOf::deserialize(any_of).is_err()) =>
            {
                place.line_of(any_of)
            }
            (None, _) => place.document.line,
        }
    }

    fn remarks(&self, config: &VerificationConfig, place: &Place<'_>) -> Vec<String> {
        let all_of = config.all_of.iter().flatten();
        let all_of = all_of.zip(self.all_of.iter().flat_map(|list| &list.value));
        let any_of = config.any_of.iter().flat_map(|any_of| &any_of.signatures);
        let lines = self.any_of.iter().flat_map(|any_of| &any_of.value.signatures);
        let remark = |(list, (index, (signature, line))): (&str, (usize, (&Signature, &_)))| {
            let why = signature.is_unmeetable()?;
            Some(format!("line {}: `{list}[{index}]`: {why}", place.line_of::<IgnoredAny>(line)))
        };
        let all_of = all_of.enumerate().map(|part| ("allOf", part));
        let any_of = any_of.zip(lines).enumerate().map(|part| ("anyOf", part));
        all_of.chain(any_of).filter_map(remark).collect()
    }
}

/// What Kubewarden says of an artifact that a rule of [`VerificationConfig::rule`] refuses: of the
/// parts in `allOf` first, of those in `anyOf` only where all the others were met.
pub fn failure(rule: &Rule, approvals: &[Approval], shortfalls: &[Shortfall]) -> String {
    let requirements = rule.requirements();
    let is_alternative = |name: &str| name.starts_with("anyOf[");
    let unmet = |alternatives: bool| -> String {
        let names = shortfalls.iter().map(|shortfall| shortfall.authority.as_str());
        let names = names.filter(|name| is_alternative(name) == alternatives);
        let spelled = names.filter_map(|name| {
            let requirement = requirements.iter().find(|requirement| requirement.name == name)?;
            requirement.spelled.as_deref()
        });
        spelled.collect()
    };
    let missing = unmet(false);
    if !missing.is_empty() {
        return format!("Image verification failed: missing signatures\n{UNMET}{missing}");
    }
    let met = approvals.iter().filter(|approval| is_alternative(&approval.authority)).count();
    too_few(minimum(rule).unwrap_or_default(), met, &unmet(true))
}

const UNMET: &str = "The following constraints were not satisfied:\n";

fn too_few(wanted: usize, met: usize, unmet: &str) -> String {
    format!(
        "Image verification failed: minimum number of signatures not reached: needed {wanted}, \
         got {met}\n{UNMET}{unmet}"
    )
}

/// What Kubewarden says where an image has no signature at all.
pub fn no_signatures(image: &str) -> String {
    format!("no signatures found for image: {image} ")
}

fn minimum(rule: &Rule) -> Option<usize> {
    match rule {
        Rule::AtLeast(wanted, _) => Some(*wanted),
        Rule::All(rules) => rules.iter().find_map(|rule| match rule {
            Rule::AtLeast(wanted, _) => Some(*wanted),
            _ => None,
        }),
        _ => None,
    }
}

/// What is wrong with a verification config.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Kubewarden refuses it too.
    #[error("{}", .message.escape_debug())]
    Refused {
        /// Kubewarden's words.
        message: String,
    },
    /// A `ConfigMap` does not carry just one.
    #[error("`verification-config` holds {found} documents; one is read")]
    NotOneDocument {
        /// How many.
        found: usize,
    },
    /// A field that nobody knows.
    #[error("`{}` is no field of a verification config; there are `apiVersion`, `allOf` and `anyOf`", .name.escape_debug())]
    UnknownField {
        /// Its name.
        name: String,
    },
    /// The policy server is of a version that is not read.
    #[error("apiVersion is `{}`; sealift reads policies.kubewarden.io/v1 and v1alpha2", .found.escape_debug())]
    OtherVersion {
        /// Its `apiVersion`.
        found: String,
    },
    /// A policy server that verifies nothing.
    #[error("the PolicyServer has no `spec.verificationConfig`: there is nothing to decide by")]
    NoConfig,
    /// The config of a policy server was not given.
    #[error(
        "`spec.verificationConfig` is `{}`: give that ConfigMap too, with the key \
         `verification-config`",
        .name.escape_debug()
    )]
    ConfigNotGiven {
        /// The name of the `ConfigMap`.
        name: String,
    },
    /// Neither list asks for anything.
    #[error("neither `allOf` nor `anyOf` asks for a signature: nothing could be admitted")]
    NothingDemanded,
    /// An empty list, which everything meets.
    #[error("`allOf` is empty and there is no `anyOf`: nothing could be refused")]
    EmptyAllOf,
    /// No match is asked for, which everything meets.
    #[error("`anyOf.minimumMatches` is 0: nothing could be refused")]
    NoMatches,
    /// More matches are asked for than there are signatures, which nothing meets.
    #[error("`anyOf.minimumMatches` is {wanted} of {there} signatures: nothing could be admitted")]
    TooManyMatches {
        /// Asked for.
        wanted: usize,
        /// Listed.
        there: usize,
    },
}

#[cfg(test)]
mod tests;
