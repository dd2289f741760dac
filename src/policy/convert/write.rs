//! Policies as text of another format: as near as can be. Whether it is exact is not judged here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::normal::{Coverage, Judge, Normal, Set};
use super::{Refusal, Target, Why};
use crate::crypto::PublicKey;
use crate::policy::{
    Demand, IdentityMatcher, Kind, Mode, Policy, Requirement, Signer, TextMatcher,
};

/// The policies in the form of the target. What is written as JSON is YAML too.
pub(super) fn write(policies: &[Policy], set: &Set<'_>, target: Target) -> Result<String, Refusal> {
    let judges = match set {
        Set::DeniesAll => return denial(policies, target),
        Set::Judges(judges) => judges,
    };
    let refused = |place: usize, why| Refusal::of(policies.get(place), why);
    let (Some(first), one) = (judges.first(), judges.len() == 1) else {
        return Err(Refusal::of(None, Why::Beside { what: "nothing was given" }));
    };
    match target {
        Target::ClusterImagePolicy => {
            let mut documents = Vec::new();
            for judge in judges {
                let policy = policies.get(judge.place);
                let name = policy.map_or_else(|| "policy".to_owned(), |policy| name_of(&policy.id));
                documents.extend(
                    cluster_image_policies(judge, &name)
                        .map_err(|why| refused(judge.place, why))?,
                );
            }
            Ok(documents.iter().map(document).collect::<Vec<_>>().join("---\n"))
        }
        Target::VerificationConfig if one => verification_config(first)
            .map_err(|why| refused(first.place, why))
            .map(|value| document(&value)),
        Target::VerificationConfig => {
            let (place, construct) = judges
                .iter()
                .find(|judge| judge.images != Coverage::Everything)
                .map_or((first.place, first.images.construct()), |judge| {
                    (judge.place, judge.images.construct())
                });
            Err(refused(place, Why::Images { construct }))
        }
        Target::ContainersPolicy => Err(refused(first.place, Why::Beside { what: OF_NAMES })),
    }
}

/// Of a `policy.json` only a denial of everything has an equal elsewhere.
const OF_NAMES: &str = "a policy.json judges no name that has both tag and digest and always \
                        compares the name inside the signature; no other format does";

fn denial(policies: &[Policy], target: Target) -> Result<String, Refusal> {
    match target {
        Target::ClusterImagePolicy => {
            let name = policies.first().map_or_else(String::new, |policy| name_of(&policy.id));
            let value = cluster_image_policy(
                &name,
                &Coverage::Everything,
                Mode::Enforce,
                &[json!({"name": "refused", "static": {"action": "fail"}})],
            );
            value.map(|value| document(&value)).map_err(|why| Refusal::at(policies, why))
        }
        Target::VerificationConfig => {
            let what = "a verification config cannot refuse everything by its own word";
            Err(Refusal::at(policies, Why::Beside { what }))
        }
        Target::ContainersPolicy => Ok(document(&json!({"default": [{"type": "reject"}]}))),
    }
}

fn document(value: &Value) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("a JSON value can be written");
    text.push('\n');
    text
}

/// A name as Kubernetes has them: lower case, digits, dots and dashes.
fn name_of(id: &str) -> String {
    let name: String = id
        .to_ascii_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' })
        .collect();
    let name = name.trim_matches(['-', '.']);
    if name.is_empty() { "policy".to_owned() } else { name.to_owned() }
}

/// A document for each of what must hold together: within one, any authority is enough.
fn cluster_image_policies(judge: &Judge<'_>, name: &str) -> Result<Vec<Value>, Why> {
    let alternatives = |rule: &Normal<'_>| match rule {
        Normal::AtLeast(1, members) => members.iter().map(authority).collect::<Result<Vec<_>, _>>(),
        other => Ok(vec![authority(other)?]),
    };
    let groups = match &judge.rule {
        Normal::AtLeast(wanted, members) if *wanted == members.len() => {
            members.iter().map(alternatives).collect::<Result<Vec<_>, _>>()?
        }
        other => vec![alternatives(other)?],
    };
    let several = groups.len() > 1;
    let named = |number: usize| {
        if several { format!("{name}-{}", number.saturating_add(1)) } else { name.to_owned() }
    };
    let groups = groups.into_iter().enumerate();
    groups
        .map(|(number, authorities)| {
            cluster_image_policy(&named(number), &judge.images, judge.mode, &authorities)
        })
        .collect()
}

fn cluster_image_policy(
    name: &str,
    images: &Coverage,
    mode: Mode,
    authorities: &[Value],
) -> Result<Value, Why> {
    let globs = match images {
        Coverage::Everything => vec!["**".to_owned()],
        Coverage::Globs(globs) => globs.clone(),
        Coverage::Written(_) | Coverage::Scope(_) => {
            return Err(Why::Images { construct: images.construct() });
        }
    };
    let globs: Vec<_> = globs.into_iter().map(|glob| json!({"glob": glob})).collect();
    let mut spec = json!({"images": globs, "authorities": authorities});
    if let (Mode::Warn, Some(spec)) = (mode, spec.as_object_mut()) {
        spec.insert("mode".to_owned(), json!("warn"));
    }
    Ok(json!({
        "apiVersion": "policy.sigstore.dev/v1alpha1",
        "kind": "ClusterImagePolicy",
        "metadata": {"name": name},
        "spec": spec,
    }))
}

fn authority(rule: &Normal<'_>) -> Result<Value, Why> {
    let requirement = match rule {
        Normal::Accept => return Ok(json!({"static": {"action": "pass"}})),
        Normal::Reject => return Ok(json!({"static": {"action": "fail"}})),
        Normal::AtLeast(..) => return Err(Why::Shape { construct: rule.construct() }),
        Normal::Evidence(requirement) => requirement,
    };
    let mut authority = Map::new();
    authority.insert("name".to_owned(), json!(requirement.name));
    let part = |what| Why::Part { part: requirement.name.escape_debug().to_string(), what };
    match &requirement.signer {
        Signer::Keys(keys) => {
            let [key] = keys.as_slice() else {
                return Err(part("an authority has exactly one key"));
            };
            authority.insert("key".to_owned(), json!({"data": pem(key)}));
            if requirement.log == Demand::Demanded {
                let log = json!({"url": "https://rekor.sigstore.dev"});
                authority.insert("ctlog".to_owned(), log);
            }
        }
        Signer::Certificate { identities, sct, .. } => {
            let identities: Vec<_> = identities
                .iter()
                .map(identity)
                .collect::<Option<_>>()
                .ok_or_else(|| part("its identities have no equal in a ClusterImagePolicy"))?;
            let mut keyless = Map::new();
            keyless.insert("url".to_owned(), json!("https://fulcio.sigstore.dev"));
            keyless.insert("identities".to_owned(), json!(identities));
            if *sct == Demand::Waived {
                keyless.insert("insecureIgnoreSCT".to_owned(), json!(true));
            }
            authority.insert("keyless".to_owned(), Value::Object(keyless));
        }
    }
    if let Kind::Attestation { predicate_type } = &requirement.kind {
        let wanted = json!([{"name": "attestation", "predicateType": predicate_type}]);
        authority.insert("attestations".to_owned(), wanted);
    }
    Ok(Value::Object(authority))
}

fn identity(identity: &IdentityMatcher) -> Option<Value> {
    let mut fields = Map::new();
    for (name, text) in [("issuer", &identity.issuer), ("subject", &identity.subject)] {
        let (field, text) = match text {
            TextMatcher::Exact(text) => (name.to_owned(), text.clone()),
            TextMatcher::Expression(text) => (format!("{name}RegExp"), text.as_str().to_owned()),
            TextMatcher::Prefix(_) | TextMatcher::Any => return None,
        };
        fields.insert(field, json!(text));
    }
    Some(Value::Object(fields))
}

/// What all must hold, and at most one list of which some must.
fn verification_config(judge: &Judge<'_>) -> Result<Value, Why> {
    if judge.images != Coverage::Everything {
        return Err(Why::Images { construct: judge.images.construct() });
    }
    let mut all_of = Vec::new();
    let mut any_of = None;
    let members = match &judge.rule {
        Normal::AtLeast(wanted, members) if *wanted == members.len() => members.as_slice(),
        one => std::slice::from_ref(one),
    };
    for member in members {
        match member {
            Normal::Evidence(requirement) => all_of.push(signature(requirement)?),
            Normal::AtLeast(wanted, members) if any_of.is_none() => {
                let signatures = members.iter().map(|member| match member {
                    Normal::Evidence(requirement) => signature(requirement),
                    other => Err(Why::Shape { construct: other.construct() }),
                });
                let signatures: Vec<_> = signatures.collect::<Result<_, _>>()?;
                any_of = Some(json!({"minimumMatches": wanted, "signatures": signatures}));
            }
            other => return Err(Why::Shape { construct: other.construct() }),
        }
    }
    let mut config = Map::new();
    config.insert("apiVersion".to_owned(), json!("v1"));
    if !all_of.is_empty() {
        config.insert("allOf".to_owned(), json!(all_of));
    }
    config.extend(any_of.map(|any_of| ("anyOf".to_owned(), any_of)));
    Ok(Value::Object(config))
}

fn signature(requirement: &Requirement) -> Result<Value, Why> {
    let part = |what| Why::Part { part: requirement.name.escape_debug().to_string(), what };
    let mut signature = match &requirement.signer {
        Signer::Keys(keys) => {
            let [key] = keys.as_slice() else {
                return Err(part("a signature of a verification config has exactly one key"));
            };
            json!({"kind": "pubKey", "key": pem(key)})
        }
        Signer::Certificate { identities, .. } => {
            let [identity] = identities.as_slice() else {
                return Err(part("any one of several identities will do for it"));
            };
            of_identity(identity).ok_or_else(|| {
                part("its issuer and subject have no equal in a verification config")
            })?
        }
    };
    if let (false, Some(fields)) = (requirement.annotations.is_empty(), signature.as_object_mut()) {
        fields.insert("annotations".to_owned(), json!(requirement.annotations));
    }
    Ok(signature)
}

fn of_identity(identity: &IdentityMatcher) -> Option<Value> {
    let IdentityMatcher { issuer, subject, repository, .. } = identity;
    if let Some(repository) = repository {
        let mut action = json!({"kind": "githubAction", "owner": repository.owner});
        if let (Some(name), Some(fields)) = (&repository.name, action.as_object_mut()) {
            fields.insert("repo".to_owned(), json!(name));
        }
        return Some(action);
    }
    let TextMatcher::Exact(issuer) = issuer else { return None };
    let subject = match subject {
        TextMatcher::Exact(text) => json!({"equal": text}),
        TextMatcher::Prefix(prefix) => json!({"urlPrefix": prefix}),
        TextMatcher::Expression(_) | TextMatcher::Any => return None,
    };
    Some(json!({"kind": "genericIssuer", "issuer": issuer, "subject": subject}))
}

fn pem(key: &PublicKey) -> String {
    let body = STANDARD.encode(key.spki());
    let lines: Vec<_> = body.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
}
