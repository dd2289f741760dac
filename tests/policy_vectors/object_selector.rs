//! `spec.match` of a `ClusterImagePolicy` as policy-controller decides.

use std::collections::BTreeMap;

use sealift::policy::{LabelSelector, ObjectFacts, ObjectSelector};
use serde::Deserialize;

use crate::cases;

#[derive(Deserialize)]
struct Case {
    #[serde(rename = "match")]
    entries: Vec<Entry>,
    object: Object,
    considered: bool,
    why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    resource: String,
    group: String,
    version: String,
    selector: Option<Selector>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Selector {
    match_labels: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Object {
    kind: String,
    api_version: String,
    labels: BTreeMap<String, String>,
}

fn selector(entry: &Entry) -> ObjectSelector {
    let labels = entry.selector.as_ref().map(|selector| {
        selector.match_labels.iter().fold(LabelSelector::default(), |labels, (key, value)| {
            labels.with_label(key, value).unwrap()
        })
    });
    ObjectSelector::new(&entry.group, &entry.version, &entry.resource, labels)
}

#[test]
fn cluster_image_policy_match() {
    let Some(cases) = cases::<Case>("cip-match.json") else { return };
    for case in &cases {
        let entries: Vec<_> = case.entries.iter().map(selector).collect();
        let version = case.object.api_version.as_str();
        let (group, version) = version.split_once('/').unwrap_or(("", version));
        let object =
            ObjectFacts { kind: &case.object.kind, group, version, labels: &case.object.labels };
        assert_eq!(
            ObjectSelector::any_considers(&entries, &object),
            case.considered,
            "{}",
            case.why
        );
    }
    println!("cip-match.json: {} passed, 0 failed", cases.len());
}
