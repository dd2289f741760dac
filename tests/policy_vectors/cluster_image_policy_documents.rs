//! `ClusterImagePolicy` documents, as policy-controller takes and refuses them, in its words.

use sealift::limits::Limits;
use sealift::policy::cluster_image_policy::{Setting, Validation, validate};
use sealift::policy::{Policy, PolicyFile, document};
use sealift::time::UnixTime;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Tally, cases};

#[derive(Deserialize)]
struct DocumentCase {
    name: String,
    yaml: String,
    accepted: bool,
    error: Option<String>,
    warning: Option<String>,
    defaulted_v1alpha1_spec: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SpecCase {
    name: String,
    api_version: String,
    spec: Value,
    error: String,
    warning: String,
}

/// The list that the admission webhook keeps.
const WEBHOOK: [&str; 8] = [
    "replicasets",
    "deployments",
    "pods",
    "cronjobs",
    "jobs",
    "statefulsets",
    "daemonsets",
    "supported",
];

/// What is said of a document, whichever step says it.
fn said(text: &str, setting: Setting<'_>) -> Validation {
    validate(text, setting, &Limits::default()).unwrap_or_else(|error| {
        let told = error.problem.to_string();
        let error = told.strip_prefix("policy-controller refuses it: ").unwrap_or(&told);
        Validation { error: Some(error.to_owned()), warning: None }
    })
}

#[test]
fn documents() {
    let file = "cip-documents.json";
    let Some(cases) = cases::<DocumentCase>(file) else { return };
    let mut tally = Tally::of(file);
    for case in &cases {
        let wanted = Validation { error: case.error.clone(), warning: case.warning.clone() };
        assert_eq!(case.accepted, wanted.error.is_none(), "{}", case.name);
        let found = said(&case.yaml, Setting::TESTER);
        let here = match &found {
            Validation { error: Some(error), warning: None } => error.clone(),
            found => format!("{found:?}"),
        };
        tally.note(&case.name, found == wanted, &here);
    }
    tally.settle();
}

/// What a document decides, or why it cannot be used here, told without its place.
fn meaning(text: &str) -> Result<String, String> {
    let file = PolicyFile { name: "policy.yaml", bytes: text.as_bytes() };
    let now = UnixTime::from_seconds(1_800_000_000).unwrap();
    match document::parse(&[file], &Limits::default(), now) {
        Err(error) => Err(error.problem.to_string()),
        Ok(policies) => {
            let [policy] = policies.as_slice() else { panic!("one policy") };
            let Policy { images, mode, rule, trusts, objects, result, .. } = policy;
            Ok(format!("{images:?} {mode:?} {rule:?} {trusts:?} {objects:?} {result:?}"))
        }
    }
}

/// A cluster decides by what it stores of a document: defaults filled in, in v1alpha1.
#[test]
fn documents_mean_what_is_stored_of_them() {
    let Some(cases) = cases::<DocumentCase>("cip-documents.json") else { return };
    let (mut passed, mut used, mut failed) = (0, 0, Vec::new());
    for case in &cases {
        let Some(spec) = &case.defaulted_v1alpha1_spec else { continue };
        let name = case.yaml.lines().find_map(|line| line.trim().strip_prefix("name: "));
        let stored = json!({
            "apiVersion": "policy.sigstore.dev/v1alpha1",
            "kind": "ClusterImagePolicy",
            "metadata": { "name": name.unwrap_or("case").trim_matches('"') },
            "spec": spec,
        });
        let (written, stored) = (meaning(&case.yaml), meaning(&stored.to_string()));
        used += usize::from(written.is_ok());
        if written == stored {
            passed += 1;
        } else {
            failed.push(format!("{}:\n{written:?}\nnot\n{stored:?}", case.name));
        }
    }
    println!(
        "cip-documents.json, as stored: {passed} passed, {} failed, {used} can be decided by here",
        failed.len()
    );
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn validation_table() {
    let file = "cip-validation-table.json";
    let Some(cases) = cases::<SpecCase>(file) else { return };
    let mut tally = Tally::of(file);
    for case in &cases {
        let document = serde_json::json!({
            "apiVersion": case.api_version,
            "kind": "ClusterImagePolicy",
            "metadata": {"name": "case"},
            "spec": case.spec,
        });
        let setting = Setting {
            defaulted: false,
            fail_on_empty_authorities: !case.name.contains("TestEmptyAuthorities"),
            resources: &WEBHOOK,
        };
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let wanted = Validation { error: some(&case.error), warning: some(&case.warning) };
        let found = said(&document.to_string(), setting);
        tally.note(&case.name, found == wanted, &format!("{found:?}"));
    }
    tally.settle();
}
