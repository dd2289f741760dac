//! The *result* of the authorities, and the policy over it: `spec.policy`
//! (policy-controller `pkg/webhook/validator_result.go`).

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::value::RawValue;

use crate::digest::hex;
use crate::limits::Limits;
use crate::policy::engine::{Document, Engine, Outcome};
use crate::policy::requirement::Witness;
use crate::policy::{Case, Ground, Requirement, Rule};
use crate::verify::{Facts, Signer, SubjectAlternativeName};

/// A policy over what the authorities found.
#[derive(Clone, Debug)]
pub struct ResultPolicy {
    pub(super) language: &'static str,
    pub(super) engine: Engine,
    /// The names of the authorities, in the order of the policy's alternatives.
    pub(super) authorities: Vec<String>,
    pub(super) asked: Asked,
    pub(super) limits: Limits,
}

/// What else of the case a policy asks to see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "the format has four switches")]
pub struct Asked {
    /// The configurations of the image (`fetchConfigFile`).
    pub configs: bool,
    /// The object's `spec`.
    pub spec: bool,
    /// The object's `metadata`.
    pub metadata: bool,
    /// The object's kind and version.
    pub type_meta: bool,
}

/// A configuration of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFile {
    /// `os/architecture`, with the variant and the version of the system where there are any.
    pub platform: String,
    /// The document.
    pub bytes: Vec<u8>,
}

/// The document that the policy decides over. What is empty is left out, as Go's `omitempty` does.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Input<'a> {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    authority_matches: BTreeMap<&'a str, Match<'a>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    config: BTreeMap<&'a str, &'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    spec: Option<&'a serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    typemeta: Option<BTreeMap<&'a str, &'a serde_json::Value>>,
}

#[derive(Default, Serialize)]
struct Match<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    signatures: Vec<Signature<'a>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    attestations: BTreeMap<&'a str, Vec<Signature<'a>>>,
    #[serde(rename = "static", skip_serializing_if = "std::ops::Not::not")]
    by_decree: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Signature<'a> {
    id: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    subject: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    issuer: &'a str,
    #[serde(flatten)]
    workflow: BTreeMap<&'static str, &'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    predicate_type: Option<&'a str>,
    /// Of the layer. Of a bundle policy-controller has the digest of an envelope that it writes anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
}

/// The extensions of a certificate that say which workflow of GitHub signed.
const WORKFLOW: [(u32, &str); 5] = [
    (2, "githubWorkflowTrigger"),
    (3, "githubWorkflowSha"),
    (4, "githubWorkflowName"),
    (5, "githubWorkflowRepo"),
    (6, "githubWorkflowRef"),
];

impl ResultPolicy {
    /// What else of the case it asks to see.
    pub fn asked(&self) -> Asked {
        self.asked
    }

    /// Whether what the authorities found is what the policy demands; else why not.
    pub(in crate::policy) fn decide(
        &self,
        rule: &Rule,
        case: &Case<'_>,
        evidence: &[&Facts],
    ) -> Result<(), String> {
        let matches = self.matches(rule, evidence);
        let document =
            self.input(case, matches).map_err(|why| format!("{why}; {FAILED_CLOSED}"))?;
        let told = match self.engine.evaluate(&document) {
            Outcome::Compliant => return Ok(()),
            Outcome::Warning(message) | Outcome::Refused(message) => message,
        };
        Err(told_by(self.language, "ClusterImagePolicy", &told))
    }

    /// What passed, by authority.
    fn matches<'a>(
        &'a self,
        rule: &'a Rule,
        evidence: &'a [&'a Facts],
    ) -> BTreeMap<&'a str, Match<'a>> {
        let Rule::Any(rules) = rule else { return BTreeMap::new() };
        let witness = Witness { evidence, name: None };
        let named = self.authorities.iter().map(String::as_str).zip(rules);
        let passed = named.filter(|(_, rule)| rule.evaluate(witness).holds);
        passed.map(|(name, rule)| (name, found(rule, witness))).collect()
    }

    fn input(
        &self,
        case: &Case<'_>,
        authority_matches: BTreeMap<&str, Match<'_>>,
    ) -> Result<Document, String> {
        let mut config = BTreeMap::new();
        if self.asked.configs {
            let files = case
                .configs
                .ok_or("the policy asks for the image's configuration, which is not at hand")?;
            for file in files {
                let read = serde_json::from_slice::<&RawValue>(&file.bytes);
                let read = read.map_err(|_| "a configuration of the image is no JSON")?;
                config.insert(file.platform.as_str(), read);
            }
        }
        let asks_for_object = self.asked.spec || self.asked.metadata || self.asked.type_meta;
        let object = match (asks_for_object, case.object) {
            (false, _) => None,
            (true, Some(object)) => Some(object.document),
            (true, None) => {
                return Err(
                    "the policy asks for the object that runs the image, and none is at hand"
                        .to_owned(),
                );
            }
        };
        let field = |name: &str| object.and_then(|object| object.get(name));
        let type_meta = || {
            let fields = ["kind", "apiVersion"].into_iter();
            fields.filter_map(|name| Some((name, field(name)?))).collect()
        };
        let input = Input {
            authority_matches,
            config,
            spec: self.asked.spec.then(|| field("spec")).flatten(),
            metadata: self.asked.metadata.then(|| field("metadata")).flatten(),
            typemeta: self.asked.type_meta.then(type_meta),
        };
        let bytes = serde_json::to_vec(&input).map_err(|why| why.to_string())?;
        Document::parse(&bytes, &self.limits).map_err(|why| why.to_string())
    }
}

const FAILED_CLOSED: &str = "it cannot decide and refuses";

/// cosign's words around those of an engine.
pub(in crate::policy) fn told_by(language: &str, name: &str, message: &str) -> String {
    match language {
        "rego" => format!("failed evaluating rego policy for type {name}: {message}"),
        language => format!("failed evaluating {language} policy for {name}: {message}"),
    }
}

/// What met one authority.
fn found<'a>(rule: &'a Rule, witness: Witness<'a>) -> Match<'a> {
    match rule {
        Rule::Accept(_) => Match { by_decree: true, ..Match::default() },
        Rule::Evidence(requirement) => {
            Match { signatures: signatures(requirement, witness, None), ..Match::default() }
        }
        Rule::All(rules) => {
            let wanted = rules.iter().filter_map(|rule| match rule {
                Rule::Evidence(requirement) => Some((requirement, requirement.attested.as_ref()?)),
                _ => None,
            });
            let attestations = wanted.map(|(requirement, attested)| {
                let kind = Some(attested.predicate_type.as_str());
                (attested.name.as_str(), signatures(requirement, witness, kind))
            });
            Match { attestations: attestations.collect(), ..Match::default() }
        }
        _ => Match::default(),
    }
}

fn signatures<'a>(
    requirement: &Requirement,
    witness: Witness<'a>,
    predicate_type: Option<&'a str>,
) -> Vec<Signature<'a>> {
    let Ok(approval) = requirement.evaluate(witness) else { return Vec::new() };
    let Ground::Evidence { pieces } = approval.ground else { return Vec::new() };
    // One signature in two places is one: a policy may count them.
    let mut seen = BTreeSet::new();
    let facts = pieces.into_iter().filter_map(|piece| witness.evidence.get(piece));
    facts
        .filter(|facts| seen.insert(facts.id))
        .map(|facts| Signature::of(facts, predicate_type))
        .collect()
}

impl<'a> Signature<'a> {
    fn of(facts: &'a Facts, predicate_type: Option<&'a str>) -> Self {
        let id = hex(facts.id.bytes());
        let layer = facts.layer.filter(|_| predicate_type.is_some());
        let digest = layer.map(|layer| layer.to_string());
        let Signer::Certificate { identity, .. } = &facts.signer else {
            let workflow = BTreeMap::new();
            return Self { id, subject: "", issuer: "", workflow, predicate_type, digest };
        };
        let workflow = WORKFLOW
            .into_iter()
            .filter_map(|(number, name)| Some((name, identity.extensions.get(&number)?.as_str())));
        Self {
            id,
            subject: identity.names.first().map_or("", SubjectAlternativeName::text),
            issuer: &identity.issuer,
            workflow: workflow.collect(),
            predicate_type,
            digest,
        }
    }
}
