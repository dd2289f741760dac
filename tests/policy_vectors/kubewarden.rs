//! Kubewarden's `verify-image-signatures` and verification config, as both decide.

use std::collections::BTreeMap;

use sealift::crypto::PublicKey;
use sealift::digest::Digest;
use sealift::limits::Limits;
use sealift::policy::Wildcard;
use sealift::policy::kubewarden_settings::Settings;
use sealift::policy::verification_config::{Signature, VerificationConfig};
use sealift::time::UnixTime;
use sealift::verify::{
    Artifact, CertificateAuthority, Claim, Facts, Form, Identity, LogEntry, Signer,
    SubjectAlternativeName, Testimony, Trust, TrustId, Verifier,
};
use serde::Deserialize;
use serde_json::Value;

use crate::{Tally, cases};

#[derive(Deserialize)]
struct PatternCase {
    pattern: String,
    image: String,
    #[serde(rename = "match")]
    matches: bool,
}

#[test]
fn image_patterns() {
    let file = "kubewarden-image-pattern.json";
    let Some(cases) = cases::<PatternCase>(file) else { return };
    let mut tally = Tally::of(file);
    for case in &cases {
        let matches = Wildcard::new(&case.pattern).matches(&case.image);
        let name = format!("{} {}", case.pattern, case.image);
        tally.note(&name, matches == case.matches, &matches.to_string());
    }
    tally.settle();
}

#[derive(Deserialize)]
struct SettingsCase {
    name: String,
    settings: Value,
    expect: SettingsExpected,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SettingsExpected {
    decoded: bool,
    valid: Option<bool>,
    kinds: Option<Vec<String>>,
    modify_images_with_digest: Option<bool>,
    message: Option<String>,
}

fn settings_found(settings: &Value) -> SettingsExpected {
    let (decoded, message) = match Settings::decode(settings) {
        Ok(settings) => (Some(settings), None),
        Err(message) => (None, Some(message)),
    };
    let told = decoded.as_ref().map(Settings::validate);
    let kind = |kind: &str| if kind == "certificates" { "certificate" } else { kind }.to_owned();
    let kinds =
        |settings: &Settings| settings.signatures.iter().map(|entry| kind(entry.kind())).collect();
    let is_valid = told.as_ref().map(Result::is_ok);
    SettingsExpected {
        decoded: decoded.is_some(),
        valid: is_valid,
        kinds: decoded.as_ref().map(kinds),
        modify_images_with_digest: decoded
            .filter(|_| is_valid == Some(true))
            .map(|settings| settings.modify_images_with_digest),
        message: message.or(told.and_then(Result::err)),
    }
}

/// The original writes the members of a list of parameters in any order.
fn in_order(message: &str) -> String {
    let Some((head, rest)) = message.split_once("[{") else { return message.to_owned() };
    let (parameters, tail) = rest.split_once("}]").unwrap();
    let mut parameters: Vec<_> = match parameters.find(", \\\"value\\\"") {
        Some(at) => {
            let (one, two) = parameters.split_at(at);
            vec![one.to_owned(), two.trim_start_matches(", ").to_owned()]
        }
        None => match parameters.rsplit_once(", \\\"min\\\"") {
            Some((value, min)) => vec![value.to_owned(), format!("\\\"min\\\"{min}")],
            None => vec![parameters.to_owned()],
        },
    };
    parameters.sort();
    format!("{head}[{{{}}}]{}", parameters.join(", "), in_order(tail))
}

#[test]
fn settings() {
    let file = "kubewarden-settings.json";
    let Some(cases) = cases::<SettingsCase>(file) else { return };
    let mut tally = Tally::of(file);
    for case in &cases {
        let mut found = settings_found(&case.settings);
        let mut expected = SettingsExpected {
            message: case.expect.message.as_deref().map(in_order),
            kinds: case.expect.kinds.clone(),
            ..case.expect
        };
        found.message = found.message.as_deref().map(in_order);
        expected.message = expected.message.take();
        let told = format!("{found:?}\n  wanted {expected:?}");
        tally.note(&case.name, found == expected, &told);
    }
    tally.settle();
}

#[derive(Deserialize)]
struct ConfigCase {
    name: String,
    yaml: String,
    layers: Option<Vec<Layer>>,
    expect: ConfigExpected,
}

#[derive(Debug, PartialEq, Default, Deserialize)]
struct ConfigExpected {
    accepted: bool,
    parsed: Option<String>,
    verified: Option<bool>,
    message: Option<String>,
}

#[derive(Deserialize)]
struct Layer {
    certificate: Option<LayerCertificate>,
    annotations: Option<BTreeMap<String, Value>>,
    payload: Option<String>,
    signature: Option<String>,
}

#[derive(Deserialize)]
struct LayerCertificate {
    issuer: String,
    uri: Option<String>,
    email: Option<String>,
    github_workflow_repository: Option<String>,
}

impl Layer {
    /// What the layer proves: by its real signature, or as the vector says.
    fn facts(&self, keys: &[PublicKey]) -> Option<Facts> {
        let (Some(payload), Some(signature)) = (&self.payload, &self.signature) else {
            return Some(self.said());
        };
        let annotations =
            BTreeMap::from([("dev.cosignproject.cosign/signature".to_owned(), signature.clone())]);
        let digest: Digest =
            "sha256:f3cfc9d0dbf931d3db4685ec659b7ac68e2a578219da4aae65427886e649b06b"
                .parse()
                .unwrap();
        let trust = Trust { keys: keys.to_vec(), ..Trust::default() };
        let now = UnixTime::from_seconds(1_800_000_000).unwrap();
        let testimony =
            Testimony::Signature { payload: payload.as_bytes(), annotations: &annotations };
        let artifact = Artifact { digest: digest.into(), bytes: None };
        let verified = Verifier::new(trust, now, Limits::default()).verify(&artifact, testimony);
        verified.ok().map(|verified| verified.facts().clone())
    }

    fn said(&self) -> Facts {
        let signer = match &self.certificate {
            None => Signer::Key { id: Digest::sha256(b"a key that nobody names") },
            Some(certificate) => Signer::Certificate {
                authority: CertificateAuthority::TrustedRoot("https://fulcio.example".to_owned()),
                identity: certificate.identity(),
            },
        };
        Facts {
            trust: TrustId::default(),
            form: Form::Legacy,
            id: Digest::sha256(b"signature"),
            layer: None,
            claim: Claim::Signature {
                docker_reference: None,
                annotations: self.annotations.clone().unwrap_or_default(),
            },
            signer,
            log_entries: vec![LogEntry {
                log: "https://rekor.example".to_owned(),
                index: 1,
                integrated: None,
                promise: true,
                inclusion: false,
            }],
            times: Vec::new(),
            sct_logs: vec!["https://ctfe.example".to_owned()],
            anchors: Vec::new(),
            notes: Vec::new(),
        }
    }
}

impl LayerCertificate {
    fn identity(&self) -> Identity {
        let uri = self.uri.clone().map(SubjectAlternativeName::Uri);
        let email = self.email.clone().map(SubjectAlternativeName::Email);
        let repository = self.github_workflow_repository.clone();
        Identity {
            names: uri.into_iter().chain(email).collect(),
            issuer: self.issuer.clone(),
            extensions: repository.map(|repository| (5, repository)).into_iter().collect(),
        }
    }
}

fn config_found(case: &ConfigCase) -> ConfigExpected {
    let config = match VerificationConfig::parse(&case.yaml) {
        Ok(config) => config,
        Err(message) => {
            return ConfigExpected { message: Some(message), ..ConfigExpected::default() };
        }
    };
    let any_of = config.any_of.iter().flat_map(|any_of| &any_of.signatures);
    let signatures = config.all_of.iter().flatten().chain(any_of);
    let keys: Vec<_> = signatures
        .filter_map(|signature| match signature {
            Signature::PubKey { key, .. } => PublicKey::from_pem(key).ok(),
            _ => None,
        })
        .collect();
    let judged = case.layers.as_ref().map(|layers| {
        let facts: Vec<_> = layers.iter().filter_map(|layer| layer.facts(&keys)).collect();
        config.judge(&facts.iter().collect::<Vec<_>>())
    });
    ConfigExpected {
        accepted: true,
        parsed: Some(config.spelled()),
        verified: judged.as_ref().map(Result::is_ok),
        message: judged.and_then(Result::err),
    }
}

#[test]
fn verification_configs() {
    let file = "kubewarden-verification-config.json";
    let Some(cases) = cases::<ConfigCase>(file) else { return };
    let mut tally = Tally::of(file);
    for case in &cases {
        let found = config_found(case);
        let told = || format!("{found:?}\n  wanted {:?}", case.expect);
        // An exception is one of words.
        assert_eq!(found.accepted, case.expect.accepted, "{}: {}", case.name, told());
        assert_eq!(found.verified, case.expect.verified, "{}: {}", case.name, told());
        let here = found.message.clone().unwrap_or_else(told);
        tally.note(&case.name, found == case.expect, &here);
    }
    tally.settle();
}
