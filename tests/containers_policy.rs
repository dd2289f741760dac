//! A `policy.json` and signatures that are minted for it: each kind of signer is accepted, and for
//! each what differs from it in one way alone is not, whether the policy or the signature differs.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops where its table is not as it must be"
)]

mod support;

use std::io;

use sealift::digest::Digest;
use sealift::limits::Limits;
use sealift::policy::{
    Case, Parts, PolicyFile, PolicySet, Reason, Verdict, Why, containers_policy,
};
use sealift::verify::{Artifact, Testimony, Verifier};
use serde_json::{Value, json};

use support::ca::{Identity, San};
use support::evidence::{LegacySignature, Signer, simple_signing};
use support::key::Key;
use support::{Log, VirtualSigstore, base64, time};

const MANIFEST: &[u8] = b"{}";
const REPOSITORY: &str = "registry.example/team/app";
const SIGNED: &str = "2026-03-01T12:00:00Z";
const NOW: &str = "2026-06-01T00:00:00Z";
const ISSUER: &str = "https://accounts.example";

/// `admitted`, else the code of what stood in the way: of the signature's rejection, or of what it
/// lacks.
fn judged(requirement: &Value, signature: &LegacySignature, now: &str) -> &'static str {
    let policy = json!({"default": [requirement]}).to_string();
    let file = PolicyFile { name: "policy.json", bytes: policy.as_bytes() };
    let none = |_: &str| Err(io::Error::from(io::ErrorKind::NotFound));
    let policies = containers_policy::parse(file, &Limits::default(), &none).unwrap();
    let policies = PolicySet::new(policies).unwrap();
    let [trust] = &policies.own_trusts().collect::<Vec<_>>()[..] else { panic!("one trust") };
    let verifier = Verifier::new(trust.clone(), time(now), Limits::default());
    let artifact = Artifact { digest: Digest::sha256(MANIFEST).into(), bytes: Some(MANIFEST) };
    let layer = signature.layer();
    let testimony = Testimony::Signature { payload: &layer.bytes, annotations: &layer.annotations };
    let verified = match verifier.verify(&artifact, testimony) {
        Ok(verified) => verified,
        Err(rejection) => return rejection.code().name(),
    };
    let verdict = policies.judge(&Case {
        subject: Digest::sha256(MANIFEST),
        names: &[format!("{REPOSITORY}:1").parse().unwrap()],
        written: None,
        evidence: &[&verified],
        unproven: 0,
        through: None,
        parts: &Parts::default(),
        configs: None,
        object: None,
    });
    let Verdict::Deny(denial) = verdict else { return "admitted" };
    let [Reason::Policy(failure)] = &denial.reasons[..] else { panic!("{denial:?}") };
    let [shortfall] = &failure.shortfalls[..] else { panic!("{failure:?}") };
    let Why::Evidence(mismatches) = &shortfall.why else { panic!("{shortfall:?}") };
    let [(_, mismatch)] = &mismatches[..] else { panic!("{mismatches:?}") };
    mismatch.code()
}

/// The requirement, one of its fields replaced.
fn but(requirement: &Value, pointer: &str, value: Value) -> Value {
    let mut changed = requirement.clone();
    *changed.pointer_mut(pointer).unwrap() = value;
    changed
}

fn without(requirement: &Value, within: &str, field: &str) -> Value {
    let mut changed = requirement.clone();
    changed.pointer_mut(within).unwrap().as_object_mut().unwrap().remove(field).unwrap();
    changed
}

fn data(pem: &str) -> Value {
    json!(base64(pem.as_bytes()))
}

/// A requirement by this signer, with the identity that cosign's signatures can meet.
fn requirement(fields: Value) -> Value {
    let mut requirement =
        json!({"type": "sigstoreSigned", "signedIdentity": {"type": "matchRepository"}});
    let Value::Object(fields) = fields else { panic!("fields are an object") };
    requirement.as_object_mut().unwrap().extend(fields);
    requirement
}

fn payload() -> Vec<u8> {
    simple_signing(REPOSITORY, &Digest::sha256(MANIFEST))
}

#[test]
fn by_key_with_and_without_a_log() {
    let mut world = VirtualSigstore::new("policy.json");
    let (key, other) = (Key::p256("key"), Key::p256("other key"));
    let signer = Signer::key(key.clone());
    let rekor = data(&world.rekor.key.public_pem());
    let bare = world.at(SIGNED).sign(&signer, &payload(), Log::None);
    let logged = world.at(SIGNED).sign(&signer, &payload(), Log::Promise);
    let elsewhere = world.at(SIGNED).sign(
        &signer,
        &simple_signing(REPOSITORY, &Digest::sha256(b"other")),
        Log::None,
    );
    let lent = LegacySignature { entry: elsewhere_entry(&mut world, &signer), ..logged.clone() };
    let by_key = requirement(json!({"keyData": data(&key.public_pem())}));
    let both = [data(&other.public_pem()), data(&key.public_pem())];
    let by_one_of = requirement(json!({"keyDatas": both}));
    let with_log = requirement(json!({
        "keyData": data(&key.public_pem()),
        "rekorPublicKeyData": rekor,
    }));
    let other_log = but(&with_log, "/rekorPublicKeyData", data(&other.public_pem()));
    let other_name = "/signedIdentity/type";
    let cases = [
        (&by_key, &bare, "admitted"),
        (&by_key, &logged, "admitted"),
        (&by_one_of, &bare, "admitted"),
        (&with_log, &logged, "admitted"),
        (&by_key, &elsewhere, "payload-names-other-image"),
        (&but(&by_key, "/keyData", data(&other.public_pem())), &bare, "signature-invalid"),
        (&but(&by_key, other_name, json!("matchExact")), &bare, "signed-identity-mismatch"),
        (&with_log, &bare, "no-log-entry"),
        (&other_log, &logged, "no-log-entry"),
        (&with_log, &lent, "entry-not-bound"),
        // Without a log in the policy its entry says nothing, be it that of another signature.
        (&by_key, &lent, "admitted"),
    ];
    for (at, (requirement, signature, wanted)) in cases.into_iter().enumerate() {
        assert_eq!(judged(requirement, signature, NOW), wanted, "case {at}");
    }
}

/// The log's entry for another payload by the same signer.
fn elsewhere_entry(world: &mut VirtualSigstore, signer: &Signer) -> Option<support::rekor::Entry> {
    world.at(SIGNED).sign(signer, b"another payload", Log::Promise).entry
}

#[test]
fn by_an_email_address_that_fulcio_certified() {
    let mut world = VirtualSigstore::new("policy.json");
    let identity = Identity::email("dev@team.example", ISSUER);
    let uri = Identity::workflow("team/app", "release.yml", "refs/tags/v1");
    let (ca, rekor) = (world.fulcio.chain_pem(), world.rekor.key.public_pem());
    let mut at = world.at(SIGNED);
    let signer = at.certify(&identity);
    let logged = at.sign(&signer, &payload(), Log::Promise);
    let bare = at.sign(&signer, &payload(), Log::None);
    let by_uri = at.certify(&uri);
    let by_uri = at.sign(&by_uri, &payload(), Log::Promise);
    let late = world.at("2026-03-01T13:00:00Z").sign(&signer, &payload(), Log::Promise);
    let wanted = requirement(json!({
        "fulcio": {"caData": data(&ca), "oidcIssuer": ISSUER, "subjectEmail": "dev@team.example"},
        "rekorPublicKeyData": data(&rekor),
    }));
    let other_ca = data(&world.private.chain_pem());
    let other_key = data(&Key::p256("other key").public_pem());
    let workflow = but(&wanted, "/fulcio/subjectEmail", json!(uri.subject()));
    let cases = [
        (&wanted, &logged, NOW, "admitted"),
        (&wanted, &logged, "2029-01-01T00:00:00Z", "admitted"),
        (&wanted, &bare, NOW, "no-trusted-time"),
        (&wanted, &late, NOW, "certificate-outside-validity"),
        (&wanted, &by_uri, NOW, "identity-mismatch"),
        // Only e-mail addresses are looked at.
        (&workflow, &by_uri, NOW, "identity-mismatch"),
        (
            &but(&wanted, "/fulcio/subjectEmail", json!("d@team.example")),
            &logged,
            NOW,
            "identity-mismatch",
        ),
        (
            &but(&wanted, "/fulcio/oidcIssuer", json!("https://accounts.exampl")),
            &logged,
            NOW,
            "identity-mismatch",
        ),
        (&but(&wanted, "/fulcio/caData", other_ca), &logged, NOW, "certificate-untrusted"),
        (&but(&wanted, "/rekorPublicKeyData", other_key), &logged, NOW, "unknown-log"),
    ];
    for (at, (requirement, signature, now, wanted)) in cases.into_iter().enumerate() {
        assert_eq!(judged(requirement, signature, now), wanted, "case {at}");
    }
}

#[test]
fn by_a_certificate_of_ones_own_authority() {
    let mut world = VirtualSigstore::new("policy.json");
    let ca = world.private.chain_pem();
    let (intermediate, root) = ca.split_at(ca.rfind("-----BEGIN").unwrap());
    let key = Key::p256("key");
    let signed_by = |world: &VirtualSigstore, names: Vec<San>| {
        let mut template =
            support::ca::Template::private("Team", "dev@team.example", &key, time(SIGNED));
        template.names = names;
        let certificate = Some(world.private.issue(&template));
        Signer { key: key.clone(), certificate, chain: world.private.chain() }
    };
    let email = || San::Email("dev@team.example".to_owned());
    let host = |name: &str| San::Dns(name.to_owned());
    let mut sign = |names| {
        let signer = signed_by(&world, names);
        world.at(SIGNED).sign(&signer, &payload(), Log::None)
    };
    let both = sign(vec![email(), host("build.team.example")]);
    let wild = sign(vec![email(), host("*.TEAM.example")]);
    let (only_email, only_host) = (sign(vec![email()]), sign(vec![host("build.team.example")]));
    let deeper = sign(vec![email(), host("a.build.team.example")]);
    let wanted = requirement(json!({"pki": {
        "caRootsData": data(root),
        "caIntermediatesData": data(intermediate),
        "subjectEmail": "dev@team.example",
        "subjectHostname": "build.team.example",
    }}));
    let by_email = without(&wanted, "/pki", "subjectHostname");
    let by_host = without(&wanted, "/pki", "subjectEmail");
    let other_ca = but(&wanted, "/pki/caRootsData", data(&world.fulcio.chain_pem()));
    let no_issuer = without(&wanted, "/pki", "caIntermediatesData");
    let cases = [
        (&wanted, &both, NOW, "admitted"),
        (&wanted, &wild, NOW, "admitted"),
        (&by_email, &only_email, NOW, "admitted"),
        (&by_host, &only_host, NOW, "admitted"),
        (&wanted, &only_email, NOW, "identity-mismatch"),
        (&wanted, &only_host, NOW, "identity-mismatch"),
        (&wanted, &deeper, NOW, "identity-mismatch"),
        (&by_email, &only_host, NOW, "identity-mismatch"),
        (&by_host, &only_email, NOW, "identity-mismatch"),
        (&other_ca, &both, NOW, "certificate-untrusted"),
        // The issuer stands beside the signature too, where nobody reads it.
        (&no_issuer, &both, NOW, "certificate-untrusted"),
        // The present decides, not the time of the signature.
        (&wanted, &both, "2027-06-01T00:00:00Z", "certificate-outside-validity"),
    ];
    for (at, (requirement, signature, now, wanted)) in cases.into_iter().enumerate() {
        assert_eq!(judged(requirement, signature, now), wanted, "case {at}");
    }
}
