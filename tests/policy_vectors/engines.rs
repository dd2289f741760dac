//! Policies in CUE and Rego as cosign and policy-controller decide.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sealift::limits::Limits;
use sealift::policy::engine::{Document, Engine, Outcome};
use sealift::policy::predicate_type;
use serde::Deserialize;

use crate::{cases, file};

#[derive(Deserialize)]
struct EngineCase {
    name: String,
    engine: String,
    policy: String,
    input: String,
    compliant: bool,
    warning: bool,
    #[serde(default)]
    error_contains: String,
    #[serde(default)]
    warning_contains: String,
    controller_accepts: Option<bool>,
}

/// What a case of an engine is decided as otherwise than its vector says, if so.
fn disagreement(case: &EngineCase) -> Option<String> {
    let limits = Limits::default();
    let engine = match case.engine.as_str() {
        "cue" => Engine::cue(&case.policy, &limits),
        "rego" => Engine::rego(&case.policy, &limits),
        other => return Some(format!("no engine `{other}`")),
    };
    let engine = match engine {
        Ok(engine) => engine,
        Err(cause) => return Some(cause.to_string()),
    };
    let outcome = engine.evaluate(&Document::parse(case.input.as_bytes(), &limits).unwrap());
    let agrees = match &outcome {
        Outcome::Compliant => case.compliant && !case.warning,
        Outcome::Warning(text) => {
            case.compliant && case.warning && text.contains(&case.warning_contains)
        }
        Outcome::Refused(text) => !case.compliant && text.contains(&case.error_contains),
    };
    // The controller takes a warning for a failure.
    let accepts = outcome == Outcome::Compliant;
    let agrees = agrees && case.controller_accepts.is_none_or(|wanted| wanted == accepts);
    (!agrees).then(|| format!("{outcome:?}"))
}

#[test]
fn policy_engines() {
    let Some(cases) = cases::<EngineCase>("policy-engines.json") else { return };
    let failed: Vec<_> =
        cases.iter().filter_map(|case| Some((case.name.as_str(), disagreement(case)?))).collect();
    println!("policy-engines: {} passed, {} failed", cases.len() - failed.len(), failed.len());
    assert_eq!(failed, []);
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    payload: String,
}

impl Envelope {
    fn statement(&self) -> Vec<u8> {
        BASE64_STANDARD.decode(&self.payload).unwrap()
    }
}

/// What a policy on the statement in an envelope says.
fn decided(policy: &str, envelope: &str) -> Outcome {
    let limits = Limits::default();
    let envelope: Envelope = serde_json::from_str(envelope).unwrap();
    let document = Document::parse(&envelope.statement(), &limits).unwrap();
    Engine::cue(policy, &limits).unwrap().evaluate(&document)
}

#[derive(Deserialize)]
struct PayloadVectors {
    predicate_type_map: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PayloadCase {
    predicate_type: String,
    payload: String,
    ok: bool,
}

#[test]
fn attestation_payloads() {
    let Some(cases) = cases::<PayloadCase>("attestation-payload.json") else { return };
    let vectors: PayloadVectors = file("attestation-payload.json").unwrap();
    assert_eq!(vectors.predicate_type_map.len(), 10);
    for (name, wanted) in &vectors.predicate_type_map {
        assert_eq!(predicate_type(name), wanted);
    }
    let mut failed = Vec::new();
    for case in &cases {
        let policy = format!("predicateType: {:?}", predicate_type(&case.predicate_type));
        let outcome = decided(&policy, &case.payload);
        if (outcome == Outcome::Compliant) != case.ok {
            failed.push(outcome);
        }
    }
    println!("attestation-payload: {} passed, {} failed", cases.len() - failed.len(), failed.len());
    assert_eq!(failed, []);
}

#[derive(Deserialize)]
struct VulnVector {
    envelope: String,
}

/// A statement of the field: what holds of it holds here, and each change of it does not.
#[test]
fn attestation_of_distroless() {
    let Some(vector) = file::<VulnVector>("attestation-distroless-vuln.json") else { return };
    let holds = [
        r#"predicate: scanner: uri: "https://github.com/aquasecurity/trivy""#,
        r#"predicate: metadata: scanStartedOn: >"2022-07-29T00:00:00Z" & <"2022-07-30T00:00:00Z""#,
        r#"subject: [{name: "ghcr.io/distroless/static", digest: sha256: =~"^a1e82f6a"}]"#,
        r#"predicate: invocation: {parameters: null, "builder.id": "Create Release"}"#,
        "import \"list\"\npredicate: scanner: result: runs: [{results: list.MaxItems(0)}]",
    ];
    let refused = [
        r#"predicate: scanner: uri: "https://github.com/aquasecurity/grype""#,
        r#"predicate: metadata: scanStartedOn: >"2022-07-30T00:00:00Z""#,
        r#"subject: [{name: "ghcr.io/distroless/static", digest: sha256: =~"^b"}]"#,
        r#"predicate: invocation: {parameters: {}, "builder.id": "Create Release"}"#,
        "import \"list\"\npredicate: scanner: result: runs: [{results: list.MinItems(1)}]",
    ];
    let failed: Vec<_> = holds
        .iter()
        .map(|policy| (policy, true))
        .chain(refused.iter().map(|policy| (policy, false)))
        .filter(|(policy, holds)| {
            (decided(policy, &vector.envelope) == Outcome::Compliant) != *holds
        })
        .collect();
    println!("attestation-distroless-vuln: {} passed, {} failed", 10 - failed.len(), failed.len());
    assert_eq!(failed, []);
}

/// Every policy of the `ClusterImagePolicy` documents compiles; those that were refused are so for
/// another reason.
#[test]
fn policies_of_the_field_compile() {
    #[derive(Deserialize)]
    struct Case {
        yaml: String,
    }
    let Some(cases) = cases::<Case>("cip-documents.json") else { return };
    let limits = Limits::default();
    let mut compiled = 0;
    for case in &cases {
        for (language, text) in policy_texts(&case.yaml) {
            let engine = match language {
                "cue" => Engine::cue(&text, &limits),
                _ => Engine::rego(&text, &limits),
            };
            assert_eq!(engine.err(), None, "{text}");
            compiled += 1;
        }
    }
    println!("cip-documents: {compiled} policies compiled");
    assert_eq!(compiled, 31);
}

/// The block texts behind `data: |` that follow a `type: cue` or `type: rego`.
fn policy_texts(yaml: &str) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    let mut language = None;
    let mut lines = yaml.lines().peekable();
    while let Some(line) = lines.next() {
        let word = line.trim().trim_start_matches("- ").replace('"', "");
        match word.as_str() {
            "type: cue" => language = Some("cue"),
            "type: rego" => language = Some("rego"),
            "data: |" => {
                let indent = line.len() - line.trim_start().len();
                let mut text = String::new();
                while let Some(line) = lines.next_if(|line| {
                    line.trim().is_empty() || line.len() - line.trim_start().len() > indent
                }) {
                    text.push_str(line.get(indent + 2..).unwrap_or_default());
                    text.push('\n');
                }
                if let Some(language) = language.take() {
                    found.push((language, text));
                }
            }
            _ => {}
        }
    }
    found
}
