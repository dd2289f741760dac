//! Policy *documents*: what is in the files that `--policy` names. A file holds one or several, and
//! each says by its content which format it is of; a document of no format, or of one that sealift
//! does not decide by, is refused by name.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use serde_saphyr::Spanned;

use crate::digest::Digest;
use crate::limits::Limits;
use crate::policy::kubewarden_settings::is_policy_list;
use crate::policy::verification_config::{Carried, PolicyServer, is_carrier};
use crate::policy::{
    InvalidTest, Origin, Policy, cluster_image_policy, containers_policy, kubewarden_settings,
    verification_config,
};
use crate::time::UnixTime;
use crate::{tuf, yaml};

/// A file of policies.
#[derive(Clone, Copy, Debug)]
pub struct PolicyFile<'a> {
    /// Its name as the user gave it.
    pub name: &'a str,
    /// Its bytes.
    pub bytes: &'a [u8],
}

/// Reads the policies of all files, in their order. What one document names, such as a key, may
/// stand in another of them. `now` is the time at which certificates that a policy pins, and the
/// metadata of a repository that it brings, must hold. A document that names a file by its path, or
/// a repository by its URL, is refused.
pub fn parse(
    files: &[PolicyFile<'_>],
    limits: &Limits,
    now: UnixTime,
) -> Result<Vec<Policy>, Error> {
    parse_with(files, limits, now, Beside::NOTHING)
}

/// What documents may name that is no document.
#[derive(Clone, Copy)]
pub struct Beside<'a> {
    /// The bytes of the file at a path.
    pub file: &'a dyn Fn(&str) -> io::Result<Vec<u8>>,
    /// The TUF repository that is served at a URL; `None` where it is not given.
    pub mirror: &'a dyn Fn(&str) -> Option<Arc<dyn tuf::Files>>,
}

impl Beside<'_> {
    /// Nothing stands there.
    pub const NOTHING: Self =
        Self { file: &|_| Err(io::Error::other("no files are read here")), mirror: &|_| None };
}

/// The same where documents may name what stands beside them.
pub fn parse_with(
    files: &[PolicyFile<'_>],
    limits: &Limits,
    now: UnixTime,
    beside: Beside<'_>,
) -> Result<Vec<Policy>, Error> {
    parse_without(files, &LeftOut::new(), limits, now, beside)
}

/// The same, with every refusal and not only the first: what is refused is left out, and the rest
/// read again.
pub(super) fn parse_all(
    files: &[PolicyFile<'_>],
    limits: &Limits,
    now: UnixTime,
    beside: Beside<'_>,
) -> Result<Vec<Policy>, Vec<Error>> {
    let (mut left_out, mut refusals) = (LeftOut::new(), Vec::<Error>::new());
    for _ in 0..MAX_REFUSALS {
        match parse_without(files, &left_out, limits, now, beside) {
            Ok(policies) if refusals.is_empty() => return Ok(policies),
            Ok(_) => break,
            Err(refusal) => {
                // What is missed may be what was left out.
                let follows =
                    refusal.problem.is_absence() && names_could_mean(files, &left_out, limits);
                left_out.insert((refusal.file.clone(), refusal.document));
                if !follows {
                    refusals.push(refusal);
                }
            }
        }
    }
    Err(refusals)
}

/// Whether a document is left out that others may name.
fn names_could_mean(files: &[PolicyFile<'_>], left_out: &LeftOut, limits: &Limits) -> bool {
    let is_companion = |place: &Place<'_>| {
        let header: Option<Map<String, Value>> = place.read().ok();
        let kind = header.as_ref().and_then(|header| header.get("kind")?.as_str());
        kind.is_some_and(|kind| ["Secret", "ConfigMap", "TrustRoot"].contains(&kind))
    };
    files.iter().any(|file| {
        let places = file.documents(limits).unwrap_or_default();
        let mut gone = places.iter().filter(|place| {
            left_out.contains(&(file.name.to_owned(), Some(place.document.number)))
        });
        gone.any(is_companion)
    })
}

/// The most refusals that are told at once: everything is read once for each.
const MAX_REFUSALS: usize = 20;

/// Documents that are not read, by file and number; without a number the whole file.
type LeftOut = BTreeSet<(String, Option<usize>)>;

fn parse_without(
    files: &[PolicyFile<'_>],
    left_out: &LeftOut,
    limits: &Limits,
    now: UnixTime,
    beside: Beside<'_>,
) -> Result<Vec<Policy>, Error> {
    let is_left_out = |file: &str, number| left_out.contains(&(file.to_owned(), number));
    let mut policies = Vec::new();
    // Documents that may name each other are read together.
    let mut cluster_image_policies = Vec::new();
    let mut policy_servers = Vec::new();
    let mut carried_configs = Vec::new();
    for file in files.iter().filter(|file| !is_left_out(file.name, None)) {
        let places = file.documents(limits)?;
        if containers_policy::is_meant(file.bytes) {
            policies.extend(containers_policy::parse(*file, limits, beside.file)?);
            continue;
        }
        for place in places {
            if is_left_out(file.name, Some(place.document.number)) {
                continue;
            }
            match Content::of(&place.read()?) {
                Ok(Content::ClusterImagePolicy) => cluster_image_policies.push(place),
                Ok(Content::KubewardenSettings) => {
                    policies.extend(kubewarden_settings::read(&place, limits, now)?);
                }
                Ok(Content::VerificationConfig) => {
                    policies.push(verification_config::read(&place)?);
                }
                Ok(Content::CarriedConfig) => {
                    let carried = Carried::read(&place)?;
                    let policy = carried.policy(&place)?;
                    carried_configs.push((carried.name, policy));
                }
                Ok(Content::PolicyServer) => policy_servers.push(PolicyServer::read(place)?),
                // It is no JSON, and is told so.
                Ok(Content::ContainersPolicy) => {
                    policies.extend(containers_policy::parse(*file, limits, beside.file)?);
                }
                Err(problem) => return Err(place.error(NOWHERE, problem)),
            }
        }
    }
    for server in &policy_servers {
        server.find(carried_configs.iter_mut().map(|(name, policy)| (name.as_str(), policy)))?;
    }
    policies.extend(carried_configs.into_iter().map(|(_, policy)| policy));
    policies.extend(cluster_image_policy::read(&cluster_image_policies, limits, now, beside)?);
    policies.sort_by_key(|policy| order(policy, files));
    policy_servers.iter().try_for_each(|server| server.remark(policies.first_mut()))?;
    Ok(policies)
}

/// Where a policy stands: the number of its file and that of its document.
fn order(policy: &Policy, files: &[PolicyFile<'_>]) -> (Option<usize>, usize) {
    match &policy.origin {
        Origin::Flags => (None, 0),
        Origin::File { name, document, .. } => {
            (files.iter().position(|file| file.name == name), *document)
        }
    }
}

impl<'a> PolicyFile<'a> {
    pub(super) fn documents(&self, limits: &Limits) -> Result<Vec<Place<'a>>, Error> {
        let whole = |problem| Error {
            file: self.name.to_owned(),
            document: None,
            line: None,
            problem: Box::new(problem),
        };
        if u64::try_from(self.bytes.len()).map_or(true, |size| size > limits.policy_bytes) {
            return Err(whole(Problem::TooLarge { limit: limits.policy_bytes }));
        }
        let text = std::str::from_utf8(self.bytes).map_err(|_| whole(Problem::NotText))?;
        if text.trim_start().starts_with("-----BEGIN ") {
            return Err(whole(Problem::Pem));
        }
        let documents = yaml::documents(text);
        if documents.is_empty() {
            return Err(whole(Problem::Empty));
        }
        let digest = Digest::sha256(self.bytes);
        let place = |document| Place { file: self.name, digest, document };
        Ok(documents.into_iter().flat_map(yaml::Document::opened).map(place).collect())
    }
}

/// What a document is, by what stands in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// A `ClusterImagePolicy`, or what one may name.
    ClusterImagePolicy,
    /// Settings of Kubewarden's `verify-image-signatures`, or what carries them.
    KubewardenSettings,
    /// Kubewarden's verification config.
    VerificationConfig,
    /// A `ConfigMap` with such a config in it.
    CarriedConfig,
    /// A `PolicyServer`, which names one.
    PolicyServer,
    /// A `policy.json` of containers/image.
    ContainersPolicy,
}

/// Kinds of Kubernetes objects that belong to a `ClusterImagePolicy`.
const CLUSTER_IMAGE_POLICY: [&str; 4] = ["ClusterImagePolicy", "TrustRoot", "Secret", "ConfigMap"];

/// Kinds of Kubernetes objects that carry settings of Kubewarden policies.
const KUBEWARDEN: [&str; 4] = [
    "AdmissionPolicy",
    "AdmissionPolicyGroup",
    "ClusterAdmissionPolicy",
    "ClusterAdmissionPolicyGroup",
];

impl Content {
    pub(super) fn of(document: &Value) -> Result<Self, Problem> {
        let Value::Object(fields) = document else {
            return Err(Problem::Unrecognised);
        };
        match fields.get("kind").and_then(Value::as_str) {
            Some("ConfigMap") if is_carrier(document) => Ok(Self::CarriedConfig),
            Some("PolicyServer") => Ok(Self::PolicyServer),
            Some("List") => Err(Problem::List),
            Some(kind) if CLUSTER_IMAGE_POLICY.contains(&kind) => Ok(Self::ClusterImagePolicy),
            Some(kind) if KUBEWARDEN.contains(&kind) => Ok(Self::KubewardenSettings),
            Some(kind) => Err(Problem::OtherKind { found: kind.to_owned() }),
            None => Self::of_no_kind(fields),
        }
    }

    fn of_no_kind(fields: &Map<String, Value>) -> Result<Self, Problem> {
        let has = |field| fields.contains_key(field);
        if has("allOf") || has("anyOf") {
            return Ok(Self::VerificationConfig);
        }
        if has("signatures") || is_policy_list(fields) {
            return Ok(Self::KubewardenSettings);
        }
        if has("default") {
            return Ok(Self::ContainersPolicy);
        }
        if has("trustPolicies") {
            return Err(Problem::Unsupported {
                what: "a trust policy of Notary Project's notation",
                remedy: "it reads no signatures of notation; demand Sigstore's by a policy of another \
                         format",
            });
        }
        Err(Problem::Unrecognised)
    }
}

/// Where a policy stands while it is read.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub file: &'a str,
    pub digest: Digest,
    pub document: yaml::Document<'a>,
}

/// Where no value has a line: the document's own is told.
pub(super) const NOWHERE: Option<&Spanned<()>> = None;

impl Place<'_> {
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, Error> {
        self.document.read().map_err(|refusal| {
            self.error_in(refusal.line, Problem::Yaml { message: refusal.message })
        })
    }

    /// An error at `value`, or at the document where the value is what is missing.
    pub(super) fn error<T>(
        &self,
        value: Option<&Spanned<T>>,
        problem: impl Into<Problem>,
    ) -> Error {
        let line = value.map_or(self.document.line, |value| self.line_of(value));
        self.error_in(line, problem)
    }

    /// An error in a line of the file.
    pub(super) fn error_in(&self, line: usize, problem: impl Into<Problem>) -> Error {
        Error {
            file: self.file.to_owned(),
            document: Some(self.document.number),
            line: Some(line),
            problem: Box::new(problem.into()),
        }
    }

    /// The line of the file that a value begins in.
    pub(super) fn line_of<T>(&self, value: &Spanned<T>) -> usize {
        self.document.line_of(value.referenced.line().max(1))
    }

    pub(super) fn origin(&self) -> Origin {
        Origin::File {
            name: self.file.to_owned(),
            digest: self.digest,
            document: self.document.number,
            line: self.document.line,
        }
    }
}

/// What is wrong with a policy file, and where.
#[derive(Debug)]
pub struct Error {
    /// The file, as the user calls it.
    pub file: String,
    /// The number of the document, from 1.
    pub document: Option<usize>,
    /// The line of the file, from 1.
    pub line: Option<usize>,
    /// What.
    pub problem: Box<Problem>,
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "policy file `{}`", self.file.escape_debug())?;
        self.line.iter().try_for_each(|line| write!(f, ", line {line}"))?;
        self.document.iter().try_for_each(|number| write!(f, " (document {number})"))
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(self.problem.as_ref())
    }
}

/// What is wrong with a policy file.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The file is larger than [`Limits`] allows.
    #[error("the file has more than {limit} bytes")]
    TooLarge {
        /// The cap.
        limit: u64,
    },
    /// The file is no UTF-8.
    #[error("the file is no UTF-8 text; a policy is YAML or JSON")]
    NotText,
    /// The file holds a key or a certificate.
    #[error("the file is PEM; a key goes with `--key`, a policy is YAML or JSON")]
    Pem,
    /// The file holds no document.
    #[error("the file holds no policy")]
    Empty,
    /// The document is no YAML that can be read one way only, or has an unknown field.
    #[error("{message}")]
    Yaml {
        /// The parser's words.
        message: String,
    },
    /// The document is a Kubernetes object of another kind.
    #[error("the document is a `{}`, which is no policy that sealift reads", .found.escape_debug())]
    OtherKind {
        /// Its `kind`.
        found: String,
    },
    /// The document is a list that is not opened.
    #[error(
        "the document is a `List` of nothing or of lists, or too long to be opened; write each object \
         as a document of its own, `---` between them"
    )]
    List,
    /// The document is nothing known.
    #[error("the document is of no policy format that sealift knows")]
    Unrecognised,
    /// The document is of a format that sealift knows and does not decide by.
    #[error("the document is {what}, by which sealift does not decide: {remedy}")]
    Unsupported {
        /// What it is.
        what: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// A policy test is wrong.
    #[error(transparent)]
    Test(#[from] InvalidTest),
    /// A `ClusterImagePolicy`, or what belongs to one, is wrong.
    #[error(transparent)]
    ClusterImagePolicy(#[from] cluster_image_policy::Problem),
    /// Settings of a Kubewarden policy, or what carries them, are wrong.
    #[error(transparent)]
    KubewardenSettings(#[from] kubewarden_settings::Problem),
    /// A verification config is wrong.
    #[error(transparent)]
    VerificationConfig(#[from] verification_config::Problem),
    /// A `policy.json` is wrong.
    #[error(transparent)]
    ContainersPolicy(#[from] containers_policy::Problem),
}

impl Problem {
    /// Whether something is named that was not given.
    fn is_absence(&self) -> bool {
        matches!(
            self,
            Self::ClusterImagePolicy(cluster_image_policy::Problem::NotGiven {
                kind: "Secret" | "ConfigMap" | "TrustRoot",
                ..
            }) | Self::VerificationConfig(verification_config::Problem::ConfigNotGiven { .. })
        )
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    const ALL: &str = "\
apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: all}
spec:
  images: [{glob: \"**\"}]
  authorities: [{static: {action: fail}}]
";

    fn parsed(texts: &[&[u8]]) -> Result<Vec<Policy>, Error> {
        let names: Vec<_> = (1..=texts.len()).map(|number| format!("{number}.yaml")).collect();
        let files: Vec<_> =
            names.iter().zip(texts).map(|(name, bytes)| PolicyFile { name, bytes }).collect();
        parse(&files, &Limits::default(), UnixTime::from_seconds(1_800_000_000).unwrap())
    }

    #[test]
    fn policies_stand_in_the_order_of_files_and_documents() {
        let named = |name: &str| ALL.replace("name: all", &format!("name: {name}"));
        let first = format!("# head\n---\n{}---\n{}", named("a"), named("b"));
        let policies = parsed(&[first.as_bytes(), named("c").as_bytes()]).unwrap();
        let places: Vec<_> =
            policies.iter().map(|policy| format!("{} {}", policy.id, policy.origin)).collect();
        assert_eq!(places, ["a 1.yaml:2", "b 1.yaml:9", "c 2.yaml:1"]);
    }

    /// HOSTILE.md cases 105 and 106, as files.
    #[test]
    fn what_is_no_policy_is_refused_by_name() {
        let large = " ".repeat(1 << 20) + "#";
        let document = "policy file `1.yaml`, line 1 (document 1)";
        let file = "policy file `1.yaml`";
        let unrecognised = "the document is of no policy format that sealift knows";
        let cases: [(&[u8], &str, &str); 11] = [
            (b"# nothing\n", file, "the file holds no policy"),
            (large.as_bytes(), file, "the file has more than 1048576 bytes"),
            (b"\xff\xfea\x00", file, "the file is no UTF-8 text; a policy is YAML or JSON"),
            (
                b"-----BEGIN PUBLIC KEY-----\n",
                file,
                "the file is PEM; a key goes with `--key`, a policy is YAML or JSON",
            ),
            (b"hello\n", document, unrecognised),
            (b"[]", document, unrecognised),
            (b"{}", document, unrecognised),
            (b"apiVersion: v1\n", document, unrecognised),
            (
                b"kind: Pod\n",
                document,
                "the document is a `Pod`, which is no policy that sealift reads",
            ),
            (
                b"version: '1.0'\ntrustPolicies: []\n",
                document,
                "the document is a trust policy of Notary Project's notation, by which sealift \
                 does not decide: it reads no signatures of notation; demand Sigstore's by a policy \
                 of another format",
            ),
            (
                b"a: x\na: y\n",
                "policy file `1.yaml`, line 2 (document 1)",
                "duplicate mapping key: a",
            ),
        ];
        for (bytes, place, why) in cases {
            let error = parsed(&[bytes]).unwrap_err();
            let cause = error.source().unwrap().to_string();
            assert_eq!((error.to_string().as_str(), cause.as_str()), (place, why));
        }
    }

    /// What `kubectl get` writes of several objects, by their places in the file.
    #[test]
    fn the_items_of_a_list_are_policies() {
        let item = |name: &str| {
            let policy = ALL.replace("name: all", &format!("name: {name}"));
            format!("- {}\n", policy.trim_end().replace('\n', "\n  "))
        };
        let list = |items: &str| format!("apiVersion: v1\nitems:\n{items}kind: List\n");
        let text = list(&format!("{}{}", item("a"), item("b")));
        let policies = parsed(&[text.as_bytes()]).unwrap();
        let places: Vec<_> =
            policies.iter().map(|policy| format!("{} {}", policy.id, policy.origin)).collect();
        assert_eq!(places, ["a 1.yaml:3", "b 1.yaml:9"]);
        let wrong = text.replacen("action: fail", "action: pas", 2).replacen("pas", "fail", 1);
        let error = parsed(&[wrong.as_bytes()]).unwrap_err();
        assert_eq!(error.to_string(), "policy file `1.yaml`, line 14 (document 1)");
        let refused = "the document is a `List` of nothing or of lists, or too long to be opened; \
                       write each object as a document of its own, `---` between them";
        for items in [" []\n", "- {kind: List, items: [{}]}\n"] {
            let error = parsed(&[list(items).as_bytes()]).unwrap_err();
            assert_eq!(error.source().unwrap().to_string(), refused);
        }
    }

    /// One bad document decides the whole: nothing is judged by the rest.
    #[test]
    fn a_bad_document_beside_a_good_one_is_told_with_its_place() {
        let error = parsed(&[ALL.as_bytes(), format!("{ALL}---\nkind: Pod\n").as_bytes()]);
        assert_eq!(error.unwrap_err().to_string(), "policy file `2.yaml`, line 7 (document 2)");
    }
}
