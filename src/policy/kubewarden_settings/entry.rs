//! An *entry* of the settings: the images it is about, and one of five kinds of demand. The kinds
//! are tried in this order and the first that can be read is it, whatever else stands there.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::policy::verification_config::{self, Annotations, Subject};
use crate::policy::{Comparison, Demand, Kind, Reads, Requirement, Signer, UrlPrefix};

/// An entry, by kind.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Signature {
    /// Every key has signed.
    PubKeys(PubKeys),
    /// Every identity has signed.
    Keyless(Keyless),
    /// A workflow of a GitHub repository has signed.
    GithubActions(GithubActions),
    /// Somebody below every URL has signed.
    KeylessPrefix(KeylessPrefix),
    /// The holder of every certificate has signed.
    Certificate(Certificates),
}

/// Keys.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PubKeys {
    image: String,
    #[serde(rename = "pubKeys")]
    pems: Vec<String>,
    annotations: Option<Annotations>,
}

/// Identities.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Keyless {
    image: String,
    #[serde(rename = "keyless")]
    identities: Vec<KeylessInfo>,
    annotations: Option<Annotations>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct KeylessInfo {
    issuer: String,
    subject: String,
}

/// A repository of GitHub.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct GithubActions {
    image: String,
    #[serde(rename = "githubActions")]
    repository: GithubRepositoryInfo,
    annotations: Option<Annotations>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct GithubRepositoryInfo {
    owner: String,
    repo: Option<String>,
}

/// URLs below which subjects must lie.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct KeylessPrefix {
    image: String,
    #[serde(rename = "keylessPrefix")]
    prefixes: Vec<KeylessPrefixInfo>,
    annotations: Option<Annotations>,
}

/// The README of the policy writes `urlPrefix`, the policy reads `url_prefix`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct KeylessPrefixInfo {
    issuer: String,
    #[serde(alias = "urlPrefix")]
    url_prefix: String,
}

/// Certificates.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Certificates {
    image: String,
    #[serde(rename = "certificates")]
    pub(super) pems: Vec<String>,
    #[serde(rename = "certificateChain")]
    pub(super) chain: Option<Vec<String>>,
    require_rekor_bundle: bool,
    annotations: Option<Annotations>,
}

/// What an entry asks for.
pub(super) enum Demands<'a> {
    /// Each of these, called by the name of the kind.
    Signatures(&'static str, Vec<verification_config::Signature>),
    /// Nothing that could be met, by the name of the kind, and what is said of it.
    Nothing(&'static str, &'static str),
    /// Each of these certificates.
    Certificates(&'a Certificates),
}

/// The keys of the kinds, in the order in which they are tried.
const KINDS: [&str; 5] = ["pubKeys", "keyless", "githubActions", "keylessPrefix", "certificates"];

impl Signature {
    /// The name of its kind, as its key is spelled.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::PubKeys(_) => "pubKeys",
            Self::Keyless(_) => "keyless",
            Self::GithubActions(_) => "githubActions",
            Self::KeylessPrefix(_) => "keylessPrefix",
            Self::Certificate(_) => "certificates",
        }
    }

    /// The pattern of the images it is about.
    pub fn image(&self) -> &str {
        match self {
            Self::PubKeys(PubKeys { image, .. })
            | Self::Keyless(Keyless { image, .. })
            | Self::GithubActions(GithubActions { image, .. })
            | Self::KeylessPrefix(KeylessPrefix { image, .. })
            | Self::Certificate(Certificates { image, .. }) => image,
        }
    }

    pub(super) fn demands(&self) -> Demands<'_> {
        let annotations = self.annotations();
        let signatures: Vec<_> = match self {
            Self::PubKeys(PubKeys { pems, .. }) => {
                let signature = |key: &String| verification_config::Signature::PubKey {
                    owner: None,
                    key: key.clone(),
                    annotations: annotations.cloned(),
                };
                pems.iter().map(signature).collect()
            }
            Self::Keyless(Keyless { identities, .. }) => {
                let signature =
                    |info: &KeylessInfo| verification_config::Signature::GenericIssuer {
                        issuer: info.issuer.clone(),
                        subject: Subject::Equal(info.subject.clone()),
                        annotations: annotations.cloned(),
                    };
                identities.iter().map(signature).collect()
            }
            Self::GithubActions(GithubActions { repository, .. }) => {
                if repository.owner.is_empty() {
                    return Demands::Nothing(self.kind(), "Must provide owner info");
                }
                vec![verification_config::Signature::GithubAction {
                    owner: repository.owner.clone(),
                    repo: repository.repo.clone(),
                    annotations: annotations.cloned(),
                }]
            }
            Self::KeylessPrefix(KeylessPrefix { prefixes, .. }) => {
                let signature = |info: &KeylessPrefixInfo| {
                    Some(verification_config::Signature::GenericIssuer {
                        issuer: info.issuer.clone(),
                        subject: Subject::UrlPrefix(UrlPrefix::parse(&info.url_prefix).ok()?),
                        annotations: annotations.cloned(),
                    })
                };
                // That each is a URL is seen to where the settings are validated.
                match prefixes.iter().map(signature).collect() {
                    Some(signatures) => signatures,
                    None => return Demands::Nothing(self.kind(), "Cannot build url prefix"),
                }
            }
            Self::Certificate(certificates) => return Demands::Certificates(certificates),
        };
        if signatures.is_empty() {
            return Demands::Nothing(self.kind(), "Must provide keyless info");
        }
        Demands::Signatures(self.kind(), signatures)
    }

    fn annotations(&self) -> Option<&Annotations> {
        match self {
            Self::PubKeys(PubKeys { annotations, .. })
            | Self::Keyless(Keyless { annotations, .. })
            | Self::GithubActions(GithubActions { annotations, .. })
            | Self::KeylessPrefix(KeylessPrefix { annotations, .. })
            | Self::Certificate(Certificates { annotations, .. }) => annotations.as_ref(),
        }
    }

    /// What the policy says of an entry that it reads and does not accept.
    ///
    /// Off-spec: a `url_prefix` that is no URL is one too; it ends the policy server's work.
    pub(super) fn fault(&self) -> Option<String> {
        let mut faults = Vec::new();
        let kind = match self {
            Self::PubKeys(_) => "Pub key",
            Self::Keyless(_) | Self::KeylessPrefix(_) => "Keyless",
            Self::GithubActions(_) => "GitHub action",
            Self::Certificate(certificates) => {
                let fault = certificates.fault()?;
                return Some(format!(
                    "Certificate signature for image {}: {fault:?}",
                    certificates.image
                ));
            }
        };
        if self.image().is_empty() {
            faults.push(too_short("image", &json!("")));
        }
        match self {
            Self::PubKeys(PubKeys { pems, .. }) => {
                let value = json!(pems);
                if pems.is_empty() {
                    faults.push(too_short("pub_keys", &value));
                } else if !pems.iter().all(|key| is_pem(key)) {
                    let value = BTreeMap::from([("value", value)]);
                    faults.push(format!(
                        "pub_keys: Validation error: non-PEM data found [{value:?}]"
                    ));
                }
            }
            Self::KeylessPrefix(KeylessPrefix { prefixes, .. }) => {
                if prefixes.is_empty() {
                    faults.push(too_short("keyless_prefix", &json!([])));
                }
                let refused = |info: &KeylessPrefixInfo| UrlPrefix::parse(&info.url_prefix).err();
                faults.extend(
                    prefixes
                        .iter()
                        .filter_map(refused)
                        .map(|why| format!("keyless_prefix: Validation error: {why}")),
                );
            }
            Self::Keyless(_) | Self::GithubActions(_) | Self::Certificate(_) => {}
        }
        let told = faults.join("\n");
        (!faults.is_empty())
            .then(|| format!("{kind} signature for image {}: {told:?}", self.image()))
    }

    /// What in the entry, `written` so, deserves a look.
    pub(super) fn remarks(&self, written: &Value) -> Vec<String> {
        let mut remarks = Vec::new();
        let others = KINDS.into_iter().filter(|kind| *kind != self.kind());
        let others: Vec<_> = others.filter(|kind| written.get(kind).is_some()).collect();
        if !others.is_empty() {
            let others = others.join("`, `");
            remarks.push(format!("only `{}` is read, `{others}` says nothing", self.kind()));
        }
        let prefixes = written.get("keylessPrefix").and_then(Value::as_array);
        if prefixes.into_iter().flatten().any(|prefix| prefix.get("urlPrefix").is_some()) {
            remarks.push("`urlPrefix` is read as `url_prefix`; Kubewarden refuses it".to_owned());
        }
        if !self.image().contains(['*', '?']) {
            remarks.push(format!(
                "`{}` has no wildcard: it matches an image only where it is written exactly so",
                self.image().escape_debug()
            ));
        }
        match self.demands() {
            Demands::Signatures(kind, signatures) => {
                let unmeetable = signatures.iter().enumerate().filter_map(|(number, signature)| {
                    Some(format!("`{kind}[{number}]`: {}", signature.is_unmeetable()?))
                });
                remarks.extend(unmeetable);
            }
            Demands::Nothing(kind, message) => {
                remarks.push(format!("`{kind}` refuses every image: {message}"));
            }
            Demands::Certificates(entry) if entry.chain.is_none() => remarks.push(
                "without `certificateChain` the certificate is its own warrant; Kubewarden accepts \
                 such settings only of a certificate that Mozilla's roots vouch for"
                    .to_owned(),
            ),
            Demands::Certificates(_) => {}
        }
        remarks
    }

    /// Where the entry is judged more strictly than by the policy.
    pub(super) fn deviations(&self) -> Vec<String> {
        match self {
            Self::Certificate(Certificates { annotations: Some(annotations), .. })
                if !annotations.is_empty() =>
            {
                vec![
                    "the annotations must be those of the certificate's own signature; Kubewarden \
                     takes them from any"
                        .to_owned(),
                ]
            }
            _ => Vec::new(),
        }
    }
}

impl Certificates {
    pub(super) fn requirement(&self, name: &str, signer: Signer) -> Requirement {
        let log = if self.require_rekor_bundle { Demand::Demanded } else { Demand::Waived };
        Requirement {
            reads: Reads::Legacy,
            log,
            annotations: self.annotations.clone().unwrap_or_default(),
            comparison: Comparison::Scalars,
            ..Requirement::new(name, Kind::Signature, signer)
        }
    }

    fn fault(&self) -> Option<&'static str> {
        if self.image.is_empty() {
            return Some("no image provided");
        }
        if self.pems.is_empty() {
            return Some("no certificate provided");
        }
        let mut chain = self.chain.iter().flatten();
        chain.any(|pem| !is_pem(pem)).then_some("non-PEM data found")
    }
}

fn too_short(field: &str, value: &Value) -> String {
    let parameters = BTreeMap::from([("min", json!(1)), ("value", value.clone())]);
    format!("{field}: Validation error: length [{parameters:?}]")
}

/// Whether there is a block of PEM, of whatever type, in a text.
fn is_pem(text: &str) -> bool {
    let block = || {
        let (_, rest) = text.split_once("-----BEGIN ")?;
        let (label, rest) = rest.split_once("-----")?;
        let (body, _) = rest.split_once(&format!("-----END {label}-----"))?;
        let body: String = body.split_whitespace().collect();
        STANDARD.decode(body).ok()
    };
    block().is_some_and(|der| !der.is_empty())
}
