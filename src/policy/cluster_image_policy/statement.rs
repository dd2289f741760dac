//! A *statement* as cosign shows it to a policy (`pkg/policy/attestation.go`): read into Go's structs
//! and written again, so that fields nobody knows are gone and those that are missing have their zero
//! value. A policy refuses by such a value where the field's absence would pass.
//!
//! Which structs these are is told by the name the policy writes: of cosign's short names four have a
//! predicate of their own; for all others it is whatever stands there. Names of fields must be spelled
//! as they are written again: Go takes any case, and a field it would take is missing here.

use std::collections::BTreeMap;

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::json;
use crate::time::UnixTime;

/// Writes a statement as a policy of the predicate type `written` is shown it, or says why cosign
/// would not.
pub(in crate::policy) fn shown(written: &str, statement: &[u8]) -> Result<Vec<u8>, String> {
    match written {
        "slsaprovenance" => again::<Provenance>(statement, "ProvenanceStatementSLSA02)"),
        "link" => again::<Link>(statement, "LinkStatement"),
        "vuln" => again::<Vulnerabilities>(statement, "CosignVulnStatement"),
        _ => again::<Any>(statement, "Statement"),
    }
}

fn again<P: DeserializeOwned + Default + Serialize>(
    statement: &[u8],
    name: &str,
) -> Result<Vec<u8>, String> {
    // Fields stand in objects alone, as in Go.
    let read: Statement<P> =
        json::read(statement).map_err(|cause| format!("unmarshaling {name}: {cause}"))?;
    serde_json::to_vec(&read).map_err(|cause| format!("marshaling {name}: {cause}"))
}

/// A value, or its zero value where it is `null`, as in Go.
fn or_zero<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// Any value, number by number as it is written; `null` where there is none.
type Any = Option<Box<RawValue>>;

/// A map, `null` where there is none.
type Map = Option<BTreeMap<String, Box<RawValue>>>;

#[derive(Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default, bound(deserialize = "P: DeserializeOwned + Default"))]
struct Statement<P> {
    #[serde(rename = "_type", deserialize_with = "or_zero")]
    kind: String,
    #[serde(deserialize_with = "or_zero")]
    predicate_type: String,
    subject: Option<Vec<Subject>>,
    #[serde(deserialize_with = "or_zero")]
    predicate: P,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
struct Subject {
    #[serde(deserialize_with = "or_zero")]
    name: String,
    digest: Option<BTreeMap<String, String>>,
}

/// `CosignVulnPredicate`.
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
struct Vulnerabilities {
    #[serde(deserialize_with = "or_zero")]
    invocation: Scan,
    #[serde(deserialize_with = "or_zero")]
    scanner: Scanner,
    #[serde(deserialize_with = "or_zero")]
    metadata: ScanTimes,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
struct Scan {
    parameters: Any,
    #[serde(deserialize_with = "or_zero")]
    uri: String,
    #[serde(deserialize_with = "or_zero")]
    event_id: String,
    #[serde(rename = "builder.id", deserialize_with = "or_zero")]
    builder: String,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
struct Scanner {
    #[serde(deserialize_with = "or_zero")]
    uri: String,
    #[serde(deserialize_with = "or_zero")]
    version: String,
    #[serde(deserialize_with = "or_zero")]
    db: Database,
    result: Any,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
struct Database {
    #[serde(deserialize_with = "or_zero")]
    uri: String,
    #[serde(deserialize_with = "or_zero")]
    version: String,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
struct ScanTimes {
    #[serde(deserialize_with = "or_zero")]
    scan_started_on: Time,
    #[serde(deserialize_with = "or_zero")]
    scan_finished_on: Time,
}

/// `in_toto.Link`.
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
struct Link {
    #[serde(rename = "_type", deserialize_with = "or_zero")]
    kind: String,
    #[serde(deserialize_with = "or_zero")]
    name: String,
    materials: Map,
    products: Map,
    byproducts: Map,
    command: Option<Vec<String>>,
    environment: Map,
}

/// `slsa_provenance/v0.2.ProvenancePredicate`.
#[derive(Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
struct Provenance {
    #[serde(deserialize_with = "or_zero")]
    builder: Builder,
    #[serde(deserialize_with = "or_zero")]
    build_type: String,
    #[serde(deserialize_with = "or_zero")]
    invocation: Invocation,
    #[serde(skip_serializing_if = "Option::is_none")]
    build_config: Any,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Metadata>,
    #[serde(deserialize_with = "or_zero", skip_serializing_if = "Vec::is_empty")]
    materials: Vec<Material>,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
struct Builder {
    #[serde(deserialize_with = "or_zero")]
    id: String,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
struct Invocation {
    #[serde(deserialize_with = "or_zero")]
    config_source: ConfigSource,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Any,
    #[serde(skip_serializing_if = "Option::is_none")]
    environment: Any,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
struct ConfigSource {
    #[serde(deserialize_with = "or_zero", skip_serializing_if = "String::is_empty")]
    uri: String,
    #[serde(deserialize_with = "or_zero", skip_serializing_if = "BTreeMap::is_empty")]
    digest: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_zero", skip_serializing_if = "String::is_empty")]
    entry_point: String,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
struct Metadata {
    // The specification writes `buildInvocationId`.
    #[serde(
        rename = "buildInvocationID",
        alias = "buildInvocationId",
        deserialize_with = "or_zero",
        skip_serializing_if = "String::is_empty"
    )]
    build_invocation: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    build_started_on: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    build_finished_on: Option<Time>,
    #[serde(deserialize_with = "or_zero")]
    completeness: Completeness,
    #[serde(deserialize_with = "or_zero")]
    reproducible: bool,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
struct Completeness {
    #[serde(deserialize_with = "or_zero")]
    parameters: bool,
    #[serde(deserialize_with = "or_zero")]
    environment: bool,
    #[serde(deserialize_with = "or_zero")]
    materials: bool,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
struct Material {
    #[serde(deserialize_with = "or_zero", skip_serializing_if = "String::is_empty")]
    uri: String,
    #[serde(deserialize_with = "or_zero", skip_serializing_if = "BTreeMap::is_empty")]
    digest: BTreeMap<String, String>,
}

/// Go's `time.Time`: RFC 3339, written again without zeros at the end of a fraction and with `Z` for
/// no offset.
#[derive(Serialize)]
struct Time(String);

impl Default for Time {
    fn default() -> Self {
        Self("0001-01-01T00:00:00Z".to_owned())
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        spelled(&text).map(Self).ok_or_else(|| D::Error::custom("a time is written as in RFC 3339"))
    }
}

fn spelled(text: &str) -> Option<String> {
    text.parse::<UnixTime>().ok()?;
    // `2022-07-29T02:28:48`, a fraction, an offset.
    let (seconds, rest) = text.split_at_checked(19)?;
    let is_shaped = seconds
        .bytes()
        .zip("dddd-dd-ddTdd:dd:dd".bytes())
        .all(|(found, shape)| if shape == b'd' { found.is_ascii_digit() } else { found == shape });
    let at = rest.find(['Z', '+', '-'])?;
    let (fraction, offset) = rest.split_at_checked(at)?;
    let offset = match offset {
        "Z" | "+00:00" | "-00:00" => "Z",
        other => other,
    };
    let is_offset = offset == "Z" || offset.len() == 6;
    let digits = fraction.strip_prefix('.').unwrap_or_default();
    let is_fraction = fraction.is_empty()
        || (!digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit()));
    let digits = digits.trim_end_matches('0');
    let point = if digits.is_empty() { "" } else { "." };
    (is_shaped && is_fraction && is_offset).then(|| format!("{seconds}{point}{digits}{offset}"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn shown_as(written: &str, statement: &Value) -> Result<Value, String> {
        let shown = shown(written, statement.to_string().as_bytes())?;
        Ok(serde_json::from_slice(&shown).unwrap())
    }

    fn statement(predicate: &Value) -> Value {
        json!({
            "_type": "https://in-toto.io/Statement/v0.1",
            "predicateType": "t",
            "subject": [{ "name": "n", "digest": { "sha256": "00" } }],
            "predicate": predicate,
        })
    }

    /// Field by field what Go writes for structs that it read from what little stands here.
    #[test]
    fn what_is_missing_has_its_zero_value() {
        let time = "0001-01-01T00:00:00Z";
        let vulnerabilities = json!({
            "invocation": { "parameters": null, "uri": "", "event_id": "", "builder.id": "" },
            "scanner": { "uri": "", "version": "", "db": { "uri": "", "version": "" }, "result": null },
            "metadata": { "scanStartedOn": time, "scanFinishedOn": time },
        });
        let provenance = json!({
            "builder": { "id": "" },
            "buildType": "",
            "invocation": { "configSource": {} },
        });
        let link = json!({
            "_type": "", "name": "", "materials": null, "products": null, "byproducts": null,
            "command": null, "environment": null,
        });
        for (written, zero) in
            [("vuln", vulnerabilities), ("slsaprovenance", provenance), ("link", link)]
        {
            for empty in [json!({}), Value::Null, json!({ "unknown": 1 })] {
                let found = shown_as(written, &statement(&empty));
                assert_eq!(found, Ok(statement(&zero)), "{written}: {empty}");
            }
        }
        let found = shown_as("slsaprovenance", &statement(&json!({ "metadata": {} })));
        let wanted = statement(&json!({
            "builder": { "id": "" },
            "buildType": "",
            "invocation": { "configSource": {} },
            "metadata": {
                "completeness": { "parameters": false, "environment": false, "materials": false },
                "reproducible": false,
            },
        }));
        assert_eq!(found, Ok(wanted));
        let header =
            json!({ "_type": "", "predicateType": "", "subject": null, "predicate": null });
        for written in ["custom", "spdx", "cyclonedx", "slsaprovenance1", "https://example"] {
            assert_eq!(shown_as(written, &json!({ "more": 1 })), Ok(header.clone()), "{written}");
        }
    }

    #[test]
    fn what_stands_there_is_shown() {
        let vulnerabilities = json!({
            "invocation": { "parameters": [], "uri": "u", "event_id": "e", "builder.id": "b" },
            "scanner": {
                "uri": "u", "version": "1", "db": { "uri": "d", "version": "2" }, "result": { "a": 1 },
            },
            "metadata": {
                "scanStartedOn": "2022-07-29T02:28:48.5+02:00",
                "scanFinishedOn": "2022-07-29T02:29:00Z",
            },
        });
        let provenance = json!({
            "builder": { "id": "i" },
            "buildType": "t",
            "invocation": {
                "configSource": { "uri": "u", "digest": { "sha1": "00" }, "entryPoint": "e" },
                "parameters": {},
                "environment": {},
            },
            "buildConfig": 1,
            "metadata": {
                "buildInvocationID": "7",
                "buildStartedOn": "2022-07-29T02:29:00Z",
                "buildFinishedOn": "2022-07-29T02:30:00Z",
                "completeness": { "parameters": true, "environment": true, "materials": true },
                "reproducible": true,
            },
            "materials": [{ "uri": "u", "digest": { "sha1": "00" } }, {}],
        });
        let link = json!({
            "_type": "link", "name": "n", "materials": { "a": { "sha256": "00" } }, "products": {},
            "byproducts": { "return-value": 0 }, "command": ["make"], "environment": {},
        });
        for (written, predicate) in
            [("vuln", vulnerabilities), ("slsaprovenance", provenance), ("link", link)]
        {
            let whole = statement(&predicate);
            assert_eq!(shown_as(written, &whole), Ok(whole.clone()), "{written}");
        }
        let spelled = json!({ "metadata": { "buildInvocationId": "7" } });
        let found = shown_as("slsaprovenance", &statement(&spelled)).unwrap();
        assert_eq!(found.pointer("/predicate/metadata/buildInvocationID"), Some(&json!("7")));
        // A number keeps its digits.
        let exact = br#"{"predicate":{"n":100000000000000000000.10}}"#;
        let found = String::from_utf8(shown("custom", exact).unwrap()).unwrap();
        assert_eq!(
            found,
            r#"{"_type":"","predicateType":"","subject":null,"predicate":{"n":100000000000000000000.10}}"#
        );
    }

    #[test]
    fn what_has_another_type_is_refused() {
        let cases = [
            ("vuln", json!({ "scanner": { "uri": 1 } }), "CosignVulnStatement"),
            ("vuln", json!({ "metadata": { "scanStartedOn": "today" } }), "CosignVulnStatement"),
            ("slsaprovenance", json!({ "builder": [] }), "ProvenanceStatementSLSA02)"),
            ("slsaprovenance", json!({ "materials": [1] }), "ProvenanceStatementSLSA02)"),
            ("link", json!({ "command": "make" }), "LinkStatement"),
            ("link", json!([]), "LinkStatement"),
        ];
        for (written, predicate, name) in cases {
            let told = shown_as(written, &statement(&predicate)).unwrap_err();
            assert!(told.starts_with(&format!("unmarshaling {name}: ")), "{told}");
        }
    }

    #[test]
    fn times_are_spelled_as_go_spells_them() {
        let cases = [
            ("2022-07-29T02:28:48Z", Some("2022-07-29T02:28:48Z")),
            ("2022-07-29T02:28:48.120Z", Some("2022-07-29T02:28:48.12Z")),
            ("2022-07-29T02:28:48.000Z", Some("2022-07-29T02:28:48Z")),
            ("2022-07-29T02:28:48+00:00", Some("2022-07-29T02:28:48Z")),
            ("2022-07-29T02:28:48-05:30", Some("2022-07-29T02:28:48-05:30")),
            ("2022-07-29t02:28:48Z", None),
            ("2022-07-29 02:28:48Z", None),
            ("2022-07-29T02:28:48z", None),
            ("2022-07-29T02:28:48", None),
            ("2022-07-29T02:28:48.Z", None),
            ("2022-07-29T02:28:48,5Z", None),
            ("2022-07-29T02:28:48+05", None),
            ("2022-13-29T02:28:48Z", None),
            ("2022-07-29", None),
        ];
        for (text, wanted) in cases {
            assert_eq!(spelled(text).as_deref(), wanted, "{text}");
        }
    }
}
