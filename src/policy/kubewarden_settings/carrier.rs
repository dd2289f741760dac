//! What *carries* settings: nothing, an `AdmissionPolicy` or `ClusterAdmissionPolicy`, a group of
//! policies, or the policy server's own list of policies.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};
use serde_saphyr::Spanned;

use super::Problem;
use crate::policy::document::{Error, Place};

/// Settings, where they stand, and what is said beside them.
#[derive(Debug)]
pub(super) struct Carried {
    pub id: String,
    pub settings: Value,
    /// The line of the document that carries them.
    pub line: usize,
    /// The lines of the entries.
    pub lines: Vec<usize>,
    pub mutating: Option<bool>,
    pub monitor: bool,
    pub message: Option<String>,
    pub group: Option<String>,
    pub names_pods: bool,
    pub remarks: Vec<String>,
}

/// Whether a document with these fields and no `kind` is the policy server's list of policies.
pub(in crate::policy) fn is_policy_list(fields: &Map<String, Value>) -> bool {
    let is_policy = |value: &Value| {
        value.get("module").or(value.get("url")).is_some_and(Value::is_string)
            || value.get("policies").is_some_and(Value::is_object)
    };
    !fields.is_empty() && fields.values().all(is_policy)
}

/// Finds the settings in a document.
pub(super) fn read(place: &Place<'_>) -> Result<Vec<Carried>, Error> {
    let document: Value = place.read()?;
    if document.get("kind").is_some() {
        return object(&document, place);
    }
    if document.get("signatures").is_some() {
        let lines: SettingsLines = place.read().unwrap_or_default();
        let said = Said::default();
        return Ok(vec![said.carry(document, lines.of(place), name_of(place), place)]);
    }
    list(&document, place)
}

/// Settings without a name are called by their file.
fn name_of(place: &Place<'_>) -> String {
    match place.document.number {
        1 => place.file.to_owned(),
        number => format!("{} document {number}", place.file),
    }
}

fn object(document: &Value, place: &Place<'_>) -> Result<Vec<Carried>, Error> {
    let version = document.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
    if !["policies.kubewarden.io/v1", "policies.kubewarden.io/v1alpha2"].contains(&version) {
        return Problem::OtherVersion { found: version.to_owned() }.at(place);
    }
    let named = |field| document.pointer(field).and_then(Value::as_str);
    let Some(name) = named("/metadata/name").filter(|name| !name.is_empty()) else {
        return Problem::Field { field: "metadata.name", expected: "a name" }.at(place);
    };
    let id = match named("/metadata/namespace") {
        Some(namespace) => format!("{namespace}/{name}"),
        None => name.to_owned(),
    };
    let lines: ObjectLines = place.read().unwrap_or_default();
    let spec = document.get("spec").unwrap_or(&Value::Null);
    policy_or_group(spec, ["mutating", "mode"], lines.spec.unwrap_or_default(), &id, place)
}

/// `<id>: {module, settings}`, as policy-server reads it.
fn list(document: &Value, place: &Place<'_>) -> Result<Vec<Carried>, Error> {
    let mut lines: BTreeMap<String, PolicyLines> = place.read().unwrap_or_default();
    let mut carried = Vec::new();
    let mut others = Vec::new();
    for (id, policy) in document.as_object().into_iter().flatten() {
        let lines = lines.remove(id).unwrap_or_default();
        if policy.get("policies").is_none() && !is_ours(policy) {
            others.push(id.clone());
            continue;
        }
        let names = ["allowedToMutate", "policyMode"];
        carried.extend(policy_or_group(policy, names, lines, id, place)?);
    }
    let Some(first) = carried.first_mut() else {
        return Problem::OtherModule.at(place);
    };
    first.remarks.extend(others.iter().map(|id| not_read(id)));
    Ok(carried)
}

fn policy_or_group(
    spec: &Value,
    names: [&'static str; 2],
    lines: PolicyLines,
    id: &str,
    place: &Place<'_>,
) -> Result<Vec<Carried>, Error> {
    let said = Said::of(spec, names, place)?;
    if let Some(members) = spec.get("policies").and_then(Value::as_object) {
        return group(members, &said, lines, spec, id, place);
    }
    if !is_ours(spec) {
        return Problem::OtherModule.at(place);
    }
    let settings = spec.get("settings").cloned().unwrap_or(Value::Null);
    let lines = lines.settings.unwrap_or_default().of(place);
    let names_pods = names_pods(spec);
    Ok(vec![Carried { names_pods, ..said.carry(settings, lines, id.to_owned(), place) }])
}

/// A group holds where its expression does. Only one that asks for all of its members is read, and
/// of them those that are about signatures.
fn group(
    members: &Map<String, Value>,
    said: &Said,
    lines: PolicyLines,
    spec: &Value,
    id: &str,
    place: &Place<'_>,
) -> Result<Vec<Carried>, Error> {
    let expression = spec.get("expression").and_then(Value::as_str).unwrap_or_default();
    let mut asked: Vec<_> = expression.split("&&").map(str::trim).collect();
    asked.sort_unstable();
    let mut all: Vec<_> = members.keys().map(|name| format!("{name}()")).collect();
    all.sort_unstable();
    if asked != all {
        return Problem::Expression { found: expression.to_owned() }.at(place);
    }
    let mut lines = lines.policies;
    let mut carried = Vec::new();
    let mut remarks = Vec::new();
    for (name, member) in members {
        if !is_ours(member) {
            remarks.push(not_read(name));
            continue;
        }
        let settings = member.get("settings").cloned().unwrap_or(Value::Null);
        let lines = lines.remove(name).and_then(|member| member.settings).unwrap_or_default();
        let one = said.carry(settings, lines.of(place), format!("{id}/{name}"), place);
        let (group, mutating) = (Some(id.to_owned()), Some(false));
        carried.push(Carried { group, mutating, names_pods: names_pods(member), ..one });
    }
    let Some(first) = carried.first_mut() else {
        return Problem::OtherModule.at(place);
    };
    first.remarks = remarks;
    Ok(carried)
}

fn not_read(id: &str) -> String {
    format!(
        "the policy `{}` beside it is another one, by which nothing is decided",
        id.escape_debug()
    )
}

fn is_ours(policy: &Value) -> bool {
    module(policy).is_some_and(|module| module.contains("verify-image-signatures"))
}

fn module(policy: &Value) -> Option<&str> {
    policy.get("module").or(policy.get("url")).and_then(Value::as_str)
}

/// Before version 0.3.0 the policy's answer called a pod so; a version is known by the module's tag.
fn names_pods(policy: &Value) -> bool {
    let tag = module(policy).and_then(|module| module.rsplit_once(":v"));
    let mut numbers = tag.into_iter().flat_map(|(_, version)| version.split('.'));
    numbers.next() == Some("0") && matches!(numbers.next(), Some("0" | "1" | "2"))
}

/// What a carrier says beside settings.
#[derive(Clone, Debug, Default)]
struct Said {
    mutating: Option<bool>,
    monitor: bool,
    message: Option<String>,
}

impl Said {
    fn of(
        spec: &Value,
        [mutating, mode]: [&'static str; 2],
        place: &Place<'_>,
    ) -> Result<Self, Error> {
        let mutating = match spec.get(mutating) {
            None | Some(Value::Null) => None,
            Some(Value::Bool(mutating)) => Some(*mutating),
            Some(_) => {
                let expected = "true or false";
                return Problem::Field { field: mutating, expected }.at(place);
            }
        };
        let monitor = match spec.get(mode).map(Value::as_str) {
            None | Some(Some("protect")) => false,
            Some(Some("monitor")) => true,
            Some(_) => {
                let expected = "protect or monitor";
                return Problem::Field { field: mode, expected }.at(place);
            }
        };
        let message = spec.get("message").and_then(Value::as_str).map(str::to_owned);
        Ok(Self { mutating, monitor, message })
    }

    fn carry(&self, settings: Value, lines: Vec<usize>, id: String, place: &Place<'_>) -> Carried {
        Carried {
            id,
            settings,
            line: place.document.line,
            lines,
            mutating: self.mutating,
            monitor: self.monitor,
            message: self.message.clone(),
            group: None,
            names_pods: false,
            remarks: Vec::new(),
        }
    }
}

/// Where the parts of an object stand.
#[derive(Default, Deserialize)]
struct ObjectLines {
    spec: Option<PolicyLines>,
}

#[derive(Default, Deserialize)]
struct PolicyLines {
    settings: Option<SettingsLines>,
    #[serde(default)]
    policies: BTreeMap<String, MemberLines>,
}

#[derive(Default, Deserialize)]
struct MemberLines {
    settings: Option<SettingsLines>,
}

#[derive(Default, Deserialize)]
struct SettingsLines {
    #[serde(default)]
    signatures: Vec<Spanned<IgnoredAny>>,
}

impl SettingsLines {
    fn of(&self, place: &Place<'_>) -> Vec<usize> {
        self.signatures.iter().map(|entry| place.line_of(entry)).collect()
    }
}
