//! Trusted roots: what is wrong with one is told with its place, and such a root does not load; what
//! of a sound one cannot be used is told and left out.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops where its root is not as it must be"
)]

mod support;

use sealift::limits::Limits;
use sealift::sigstore::TrustRoot;
use serde_json::{Value, json};

use support::bench::{Bench, KeyKind, NOW};
use support::{base64, compact};

/// The root of the bench, changed.
fn root(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut root = Bench::new().sigstore.trusted_root();
    change(&mut root);
    compact(&root)
}

fn load(root: &[u8]) -> Result<TrustRoot, String> {
    TrustRoot::parse(root, &Limits::default()).map_err(|error| error.to_string())
}

/// HOSTILE.md case 104.
#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn what_contradicts_itself_does_not_load() {
    type Change = fn(&mut Value);
    let cases: &[(Change, &str)] = &[
        (
            |root| root["mediaType"] = json!("application/vnd.dev.sigstore.bundle.v0.3+json"),
            "the mediaType is `application/vnd.dev.sigstore.bundle.v0.3+json`, not a trusted root's",
        ),
        (
            |root| root["tlogs"][0]["publicKey"]["validFor"] = json!({}),
            "tlogs[0]: validFor has no start",
        ),
        (
            |root| drop(root["ctlogs"][0]["publicKey"].as_object_mut().unwrap().remove("validFor")),
            "ctlogs[0]: validFor has no start",
        ),
        (
            |root| root["certificateAuthorities"][0]["validFor"] = json!({}),
            "certificateAuthorities[0]: validFor has no start",
        ),
        (
            |root| root["timestampAuthorities"][0]["validFor"] = json!({ "end": NOW }),
            "timestampAuthorities[0]: validFor has no start",
        ),
        (
            |root| {
                root["tlogs"][0]["publicKey"]["validFor"] =
                    json!({ "start": NOW, "end": "2025-01-01T00:00:00Z" });
            },
            "tlogs[0]: validFor ends before it starts",
        ),
        (
            |root| {
                let twice = root["tlogs"][0].clone();
                root["tlogs"] = json!([twice, twice]);
            },
            "tlogs[1]: the log id ID stands twice",
        ),
        (
            |root| {
                let twice = root["ctlogs"][0].clone();
                root["ctlogs"] = json!([twice, twice]);
            },
            "ctlogs[1]: the log id ID stands twice",
        ),
        (
            |root| root["tlogs"][0]["logId"]["keyId"] = json!(base64(&[7; 32])),
            "tlogs[0]: the log id contradicts the key",
        ),
        (
            |root| root["tlogs"][0]["logId"]["keyId"] = json!(base64(&[7; 31])),
            "tlogs[0]: the log id contradicts the key",
        ),
        (
            |root| root["tlogs"][0]["publicKey"]["keyDetails"] = json!("PKIX_ED25519"),
            "tlogs[0]: keyDetails says `PKIX_ED25519`, the key is ECDSA P-256",
        ),
        (
            |root| root["tlogs"][0]["publicKey"]["rawBytes"] = json!(base64(b"no key")),
            "tlogs[0]: the key is no well-formed SubjectPublicKeyInfo",
        ),
        (
            |root| {
                let key = &mut root["tlogs"][0]["publicKey"];
                key["rawBytes"] = json!(base64(b"no key"));
                key.as_object_mut().unwrap().remove("keyDetails");
            },
            "tlogs[0]: the key is no well-formed SubjectPublicKeyInfo",
        ),
        (
            |root| root["certificateAuthorities"][0]["certChain"]["certificates"] = json!([]),
            "certificateAuthorities[0]: the certificate chain is empty",
        ),
        (
            |root| root["timestampAuthorities"][0]["certChain"] = Value::Null,
            "timestampAuthorities[0]: the certificate chain is empty",
        ),
        // A root alone: any certificate below it would tell the time.
        (
            |root| {
                let chain = &mut root["timestampAuthorities"][0]["certChain"]["certificates"];
                chain.as_array_mut().unwrap().remove(0);
            },
            "timestampAuthorities[0]: the certificate chain is empty",
        ),
        (
            |root| {
                let chain = &mut root["certificateAuthorities"][0]["certChain"];
                chain["certificates"][0]["rawBytes"] = json!(base64(b"no certificate"));
            },
            "certificateAuthorities[0]: the bytes are no X.509 certificate in DER",
        ),
        (
            |root| turn_round(&mut root["certificateAuthorities"][0]),
            "certificateAuthorities[0]: the certificate chain is out of order: each must be issued by the next",
        ),
        (
            |root| turn_round(&mut root["timestampAuthorities"][0]),
            "timestampAuthorities[0]: the certificate chain is out of order: each must be issued by the next",
        ),
        (|root| root["tlogs"][0]["unknown"] = json!(1), "no trusted root: unknown field `unknown`"),
    ];
    let sound = load(&root(|_| {})).unwrap();
    let id = |list: &str| {
        let log = if list == "tlogs" { &sound.logs()[0] } else { &sound.ct_logs()[0] };
        sealift::digest::hex(&log.id)
    };
    for (change, expected) in cases {
        let list = expected.split('[').next().unwrap_or_default();
        let found = load(&root(change)).map(|root| root.logs().len());
        let found = found.map_err(|told| told.split(", expected").next().unwrap().to_owned());
        assert_eq!(found, Err(expected.replace("ID", &id(list))));
    }
}

fn turn_round(authority: &mut Value) {
    authority["certChain"]["certificates"].as_array_mut().unwrap().reverse();
}

/// What The Update Framework signs about a trusted root is none.
#[test]
fn an_envelope_of_targets_is_no_trusted_root() {
    let envelope = br#"{"signatures":[],"signed":{"_type":"targets","targets":{}}}"#;
    let told = load(envelope).unwrap_err();
    assert!(told.starts_with("no trusted root: unknown field `signatures`"), "{told}");
}

#[test]
fn what_cannot_be_used_is_told_and_left_out() {
    type Change<'a> = Box<dyn Fn(&mut Value) + 'a>;
    let weak = Bench::new().key(KeyKind::Rsa1024).spki();
    let key = |bytes: Vec<u8>, details: &'static str| -> Change<'static> {
        Box::new(move |log| {
            log["publicKey"]["rawBytes"] = json!(base64(&bytes));
            log["publicKey"]["keyDetails"] = json!(details);
        })
    };
    let hash: Change<'_> = Box::new(|log| log["hashAlgorithm"] = json!("SHA2_512"));
    let cases = [
        (hash, "its tree is not hashed by SHA2_256"),
        (key(weak, "PKIX_RSA_PKCS1V15_2048_SHA256"), "the RSA key has 1024 bits, not 2048 to 4096"),
        (
            key(b"of tomorrow".to_vec(), "LMS_SHA256"),
            "the key is no well-formed SubjectPublicKeyInfo",
        ),
    ];
    for (change, reason) in cases {
        for list in ["tlogs", "ctlogs"] {
            let mut url = String::new();
            let bytes = root(|root| {
                change(&mut root[list][0]);
                root[list][0]["baseUrl"].as_str().unwrap().clone_into(&mut url);
            });
            let whole = load(&root(|_| {})).unwrap();
            let less = load(&bytes).unwrap();
            let [unusable] = less.unusable() else { panic!("{list}: {reason}") };
            assert_eq!((unusable.place.list, unusable.place.at), (list, 0));
            assert_eq!((unusable.url.as_str(), unusable.reason.as_str()), (url.as_str(), reason));
            let left = |root: &TrustRoot| root.logs().len() + root.ct_logs().len();
            assert_eq!(left(&less) + 1, left(&whole));
        }
    }
}

/// By a name that we do not know, the key of a log may sign otherwise than we would verify.
#[test]
fn a_key_of_an_unknown_name_is_not_used() {
    let whole = load(&root(|_| {})).unwrap();
    let log = |details: &str| {
        load(&root(|root| root["tlogs"][0]["publicKey"]["keyDetails"] = json!(details))).unwrap()
    };
    for details in ["OF_TOMORROW", "ML_DSA_65", "LMS_SHA256"] {
        let less = log(details);
        let [unusable] = less.unusable() else { panic!("{details}") };
        assert_eq!(unusable.reason, format!("signatures by `{details}` are not supported"));
        assert_eq!(less.logs().len() + 1, whole.logs().len());
    }
    let unsaid = log("PUBLIC_KEY_DETAILS_UNSPECIFIED");
    assert_eq!((unsaid.unusable().len(), unsaid.logs().len()), (0, whole.logs().len()));
}
