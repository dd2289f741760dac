//! Reading a `policy.json`: what it becomes, and what is refused, with its place.

use std::error::Error as _;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::oci::Reference;
use crate::policy::requirement::Witness;
use crate::policy::specimen::{by_key, key, key_pem};
use crate::policy::{
    Authority, Demand, IdentityMatcher, Kind, Mismatch, Names, Reads, Requirement, Rule,
    SignedIdentity, Signer, TextMatcher,
};
use crate::verify::{
    CertificateAuthority, Claim, Facts, Form, Identity, Signer as FoundSigner,
    SubjectAlternativeName, TrustId,
};

/// `/key` is key 1, `/other` key 2, `/binary` no text; nothing else is there.
fn files(path: &str) -> io::Result<Vec<u8>> {
    match path {
        "/key" => Ok(key_pem(1).into_bytes()),
        "/other" => Ok(key_pem(2).into_bytes()),
        "/binary" => Ok(vec![0xff]),
        _ => Err(io::Error::new(io::ErrorKind::NotFound, "no such file")),
    }
}

fn parsed(json: &str) -> Result<Vec<Policy>, Error> {
    let file = PolicyFile { name: "policy.json", bytes: json.as_bytes() };
    parse(file, &Limits::default(), &files)
}

/// Place and reason of a refusal.
fn refusal(json: &str) -> (String, String) {
    let error = parsed(json).unwrap_err();
    (error.to_string(), error.source().unwrap().to_string())
}

/// A policy whose default is this one requirement, on line 2.
fn of(requirement: &str) -> String {
    format!("{{\"default\": [\n{requirement}]}}")
}

fn requirements(policy: &Policy) -> Vec<&Requirement> {
    policy.rule.requirements()
}

#[test]
fn each_list_is_a_policy_with_its_line() {
    let json = r#"{"default": [{"type": "reject"}],
 "transports": {
  "docker": {
   "a.example/x": [{"type": "sigstoreSigned", "keyPath": "/key",
                    "signedIdentity": {"type": "matchRepository"}}],
   "": [{"type": "insecureAcceptAnything"}, {"type": "reject"}],
   "busybox": [{"type": "reject"}]},
  "oci": {"/x": [{"type": "insecureAcceptAnything"}]}}}"#;
    let policies = parsed(json).unwrap();
    let told: Vec<_> = policies
        .iter()
        .map(|policy| (policy.id.as_str(), policy.origin.to_string(), policy.remarks.len()))
        .collect();
    let line = |line: usize| format!("policy.json:{line}");
    assert_eq!(
        told,
        [
            ("policy.json default", line(1), 1),
            ("policy.json docker:a.example/x", line(4), 0),
            ("policy.json docker:", line(6), 0),
            ("policy.json docker:busybox", line(7), 1),
        ]
    );
    assert_eq!(
        policies[0].remarks,
        ["the scopes of `oci` decide nothing: images are judged by their names, as those of \
          `docker`"]
    );
    assert_eq!(
        policies[3].remarks,
        ["no image has this scope: names are looked up in full, such as \
         `docker.io/library/busybox`, and domains as `*.example.com`"]
    );
    let [requirement] = requirements(&policies[1])[..] else { panic!("one requirement") };
    let trust = TrustId::of_policy("policy.json keys");
    assert_eq!(requirement.name, "sigstoreSigned 1");
    assert_eq!(requirement.trust, trust);
    assert_eq!((requirement.reads, requirement.log), (Reads::Legacy, Demand::Waived));
    assert_eq!(requirement.kind, Kind::Signature);
    assert_eq!(requirement.reference, SignedIdentity::SameRepository);
    assert!(matches!(&requirement.signer, Signer::Keys(keys) if *keys == [key(1)]));
    let Rule::All(rules) = &policies[2].rule else { panic!("all must hold") };
    assert!(matches!(&rules[..], [Rule::Accept(_), Rule::Reject(..)]));
    let trusts: Vec<_> = policies.iter().flat_map(|policy| &policy.trusts).collect();
    assert_eq!(trusts.len(), 1, "lists with keys alone share one trust");
    assert_eq!((&trusts[0].id, trusts[0].root.is_none()), (&trust, true));
}

#[test]
fn keys_of_rekor_are_logs_of_a_trust_of_their_own() {
    let list = r#"{"type": "sigstoreSigned", "keyPaths": ["/key", "/other"],
        "rekorPublicKeyPaths": ["/other", "/other"]}"#;
    let policies = parsed(&of(list)).unwrap();
    let [requirement] = requirements(&policies[0])[..] else { panic!("one requirement") };
    assert!(matches!(&requirement.signer, Signer::Keys(keys) if *keys == [key(1), key(2)]));
    assert_eq!(requirement.log, Demand::Demanded);
    assert_eq!(requirement.reference, SignedIdentity::SameOrDigest);
    let [trust] = &policies[0].trusts[..] else { panic!("one trust") };
    assert_eq!(trust.id, requirement.trust);
    let root = trust.root.as_ref().unwrap();
    let logs: Vec<_> = root.logs().iter().map(|log| (&log.key, log.id_fits())).collect();
    assert_eq!(logs, [(&key(2), true)]);
    assert!(root.authorities().is_empty() && trust.pki.is_none());
}

fn assert_refused(cases: &[(&str, usize, &str)]) {
    for (requirement, line, why) in cases {
        let place = format!("policy file `policy.json`, line {line}");
        assert_eq!(refusal(&of(requirement)), (place, (*why).to_owned()), "{requirement}");
    }
}

#[test]
fn what_is_no_requirement_is_told_with_its_place() {
    assert_refused(&[
        (r#"{"type": "reject", "x": 1}"#, 2, "`default[0].x` is no field of a policy.json"),
        ("{}", 2, "`default[0].type` is missing"),
        ("7", 2, "`default[0]` is not an object"),
        (
            r#"{"type": "rejects"}"#,
            2,
            "`default[0].type` is `rejects`, not insecureAcceptAnything, reject, signedBy, \
             signedBaseLayer or sigstoreSigned",
        ),
        (
            "{\"type\": \"reject\",\n\"type\": \"reject\"}",
            3,
            "a policy.json is strict JSON without comments: the key `type` stands twice at line 3 \
             column 17",
        ),
        (
            "{\"type\": \"reject\"} // why",
            2,
            "a policy.json is strict JSON without comments: expected `,` or `]` at line 2 column 20",
        ),
        (
            r#"{"type": "signedBy", "keyType": "GPGKeys", "keyPath": "/gpg"}"#,
            2,
            "`default[0]` is `signedBy`, which is not supported: sealift reads no signatures of \
             GnuPG; demand a `sigstoreSigned` or `reject`",
        ),
        (
            r#"{"type": "signedBy", "keyType": "PGP", "keyPath": "/gpg"}"#,
            2,
            "`default[0].keyType` is `PGP`, not GPGKeys, signedByGPGKeys, X509Certificates or \
             signedByX509CAs",
        ),
        (
            r#"{"type": "signedBaseLayer", "baseLayerIdentity": {"type": "matchExact"}}"#,
            2,
            "`default[0]` is `signedBaseLayer`, which is not supported: nothing decides by it; \
             demand a `sigstoreSigned` or `reject`",
        ),
    ]);
}

#[test]
fn what_is_no_signer_is_told_with_its_place() {
    let ed25519 = STANDARD.encode(
        "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n\
         -----END PUBLIC KEY-----\n",
    );
    let ed25519_log = format!(
        r#"{{"type": "sigstoreSigned", "keyPath": "/key", "rekorPublicKeyData": "{ed25519}"}}"#
    );
    assert_refused(&[
        (
            "{\"type\": \"sigstoreSigned\", \"keyPaths\": [\"/key\",\n\"/gone\"]}",
            3,
            "`default[0].keyPaths[1]` names the file `/gone`, which cannot be read",
        ),
        (
            r#"{"type": "sigstoreSigned", "keyPath": "/binary"}"#,
            2,
            "`default[0].keyPath` is no PEM: not even UTF-8 text",
        ),
        (
            r#"{"type": "sigstoreSigned", "keyData": "YWJj"}"#,
            2,
            "`default[0].keyData` holds no key that sealift verifies with",
        ),
        (
            r#"{"type": "sigstoreSigned", "keyData": "YWJ"}"#,
            2,
            "`default[0].keyData` is no base64 of a file in PEM",
        ),
        (
            r#"{"type": "sigstoreSigned", "keyPath": "/key", "rekorPublicKeyPath": null}"#,
            2,
            "`default[0].rekorPublicKeyPath` is not a text",
        ),
        (r#"{"type": "sigstoreSigned", "keyPath": ""}"#, 2, "`default[0].keyPath` is empty"),
        (
            &ed25519_log,
            2,
            "`default[0].rekorPublicKeyData` holds a key of kind Ed25519; entries of Rekor are \
             signed by ECDSA",
        ),
        (
            r#"{"type": "sigstoreSigned", "keyPath": "/key", "rekorPublicKeyPath": "/key", "rekorPublicKeyData": ""}"#,
            2,
            "at most one of `rekorPublicKeyPath`, `rekorPublicKeyPaths`, `rekorPublicKeyData` and \
             `rekorPublicKeyDatas` may stand in `default[0]`",
        ),
        (
            r#"{"type": "sigstoreSigned"}"#,
            2,
            "exactly one of `keyPath`, `keyPaths`, `keyData`, `keyDatas`, `fulcio` and `pki` must \
             stand in `default[0]`",
        ),
        (
            r#"{"type": "sigstoreSigned", "fulcio": {"caData": "YQ==", "oidcIssuer": "i", "subjectEmail": "e"}}"#,
            2,
            "exactly one of `rekorPublicKeyPath`, `rekorPublicKeyPaths`, `rekorPublicKeyData` and \
             `rekorPublicKeyDatas` must stand in `default[0]`",
        ),
        (
            r#"{"type": "sigstoreSigned", "pki": {"caRootsPath": "/key", "subjectEmail": "e"}}"#,
            2,
            "`default[0].pki.caRootsPath` holds no certificates that sealift verifies with",
        ),
        (
            r#"{"type": "sigstoreSigned", "keyPath": "/key", "signedIdentity": {"type": "exactReference", "dockerReference": "busybox"}}"#,
            2,
            "`default[0].signedIdentity.dockerReference` is `busybox`, which has neither tag nor \
             digest",
        ),
        (
            r#"{"type": "sigstoreSigned", "keyPath": "/key", "signedIdentity": {"type": "exactRepository", "dockerRepository": "A"}}"#,
            2,
            "`default[0].signedIdentity.dockerRepository` is `A`, which is no name of an image",
        ),
        (
            r#"{"type": "sigstoreSigned", "keyPath": "/key", "signedIdentity": {"type": "remapIdentity", "prefix": "a/x:1", "signedPrefix": "b"}}"#,
            2,
            "`default[0].signedIdentity` cannot be used",
        ),
    ]);
}

#[test]
fn the_document_itself_is_strict() {
    let cases = [
        ("[]", "`the document` is not an object"),
        ("{}", "`default` is missing"),
        (r#"{"default": []}"#, "`default` is empty"),
        (r#"{"default": null}"#, "`default` is not a list"),
        (r#"{"defaults": []}"#, "`defaults` is no field of a policy.json"),
        (
            r#"{"default": [{"type": "reject"}], "transports": {"docker": {"a.b/c": []}}}"#,
            "`transports.docker[\"a.b/c\"]` is empty",
        ),
        (
            r#"{"default": [{"type": "reject"}], "transports": null}"#,
            "`transports` is not an object",
        ),
        (
            r#"{"default": [{"type": "reject"}], "transports": {"dir": {"": [{}]}}}"#,
            "`transports.dir[\"\"][0].type` is missing",
        ),
    ];
    for (json, why) in cases {
        let place = "policy file `policy.json`, line 1".to_owned();
        assert_eq!(refusal(json), (place, why.to_owned()), "{json}");
    }
    let large = " ".repeat(1 << 20) + "{}";
    let why = "the file has more than 1048576 bytes".to_owned();
    assert_eq!(refusal(&large), ("policy file `policy.json`".to_owned(), why));
}

/// What the policy whose list the name is judged by says; `None` where it holds or says nothing.
fn said(json: &str, name: Option<&str>, facts: &[&Facts], unproven: usize) -> Option<String> {
    let name: Option<Reference> = name.map(|name| name.parse().unwrap());
    let covers = |policy: &&Policy| match &name {
        Some(name) => policy.images.cover(name, "", &Digest::sha256(b"image")),
        None => policy.images.cover_nameless(),
    };
    let policies = parsed(json).unwrap();
    let policy = policies.iter().find(covers)?;
    let trace = policy.rule.evaluate(Witness { evidence: facts, name: name.as_ref() });
    message(name.as_ref(), &trace.shortfalls, facts, unproven)
}

#[test]
fn the_original_words_are_said_where_they_are_known() {
    type Case<'a> = (Option<&'a str>, &'a [&'a Facts], usize, Option<String>);
    let json = r#"{"default": [{"type": "reject"}], "transports": {"docker": {"a.example":
        [{"type": "sigstoreSigned", "keyPath": "/key"}]}}}"#;
    let signed_as = |id: &[u8], reference: &str| Facts {
        trust: TrustId::of_policy("policy.json keys"),
        id: Digest::sha256(id),
        claim: Claim::Signature {
            docker_reference: Some(reference.to_owned()),
            annotations: BTreeMap::new(),
        },
        ..by_key(1)
    };
    let (one, two) = (signed_as(b"1", "a.example/app"), signed_as(b"2", "b.example/app:1"));
    let good = signed_as(b"3", "a.example/app:1");
    let other_key = Facts { signer: by_key(2).signer, ..one.clone() };
    let elsewhere = Facts { trust: TrustId::default(), ..one.clone() };
    let bundle = Facts { form: Form::Bundle, ..good.clone() };
    let app = Some("a.example/app:1");
    let rejected = "is rejected by policy.";
    let not_accepted = |name: &str| format!("Signature for identity \"{name}\" is not accepted");
    let none = "A signature was required, but no signature exists".to_owned();
    let both = format!(
        "None of the signatures were accepted, reasons: {}; {}",
        not_accepted("a.example/app"),
        not_accepted("b.example/app:1")
    );
    let cases: [Case<'_>; 12] = [
        (
            Some("busybox"),
            &[],
            0,
            Some(format!("Running image docker://busybox:latest {rejected}")),
        ),
        (Some("u/x:1"), &[&good], 0, Some(format!("Running image docker://u/x:1 {rejected}"))),
        (
            Some("b.example/x:1"),
            &[],
            1,
            Some(format!("Running image docker://b.example/x:1 {rejected}")),
        ),
        (None, &[], 0, None),
        (app, &[&good], 0, None),
        (app, &[&two, &good], 0, None),
        (app, &[], 0, Some(none.clone())),
        (app, &[&bundle], 0, Some(none)),
        (app, &[&one], 0, Some(not_accepted("a.example/app"))),
        (app, &[&one, &two], 0, Some(both)),
        // One that did not verify is told in words of libraries that are not ours.
        (app, &[&one], 1, None),
        (app, &[&other_key, &elsewhere], 0, None),
    ];
    for (at, (name, facts, unproven, wanted)) in cases.into_iter().enumerate() {
        assert_eq!(said(json, name, facts, unproven), wanted, "case {at}");
    }
}

#[test]
fn a_certificate_must_name_both_where_both_are_demanded() {
    let json = of(r#"{"type": "sigstoreSigned", "keyPath": "/key"}"#);
    let policies = parsed(&json).unwrap();
    let [requirement] = requirements(&policies[0])[..] else { panic!("one requirement") };
    let matcher = |among, text: &str| IdentityMatcher {
        among,
        ..IdentityMatcher::new(TextMatcher::Exact(text.to_owned()), None)
    };
    let signer = Signer::Certificate {
        authority: Authority::PrivatePki,
        identities: vec![matcher(Names::Emails, "a@b.example")],
        sct: Demand::Waived,
    };
    let requirement = Requirement {
        also: Some(matcher(Names::Hosts, "b.example")),
        reference: SignedIdentity::Any,
        signer,
        ..requirement.clone()
    };
    let email = SubjectAlternativeName::Email("a@b.example".to_owned());
    let host = SubjectAlternativeName::Dns("b.example".to_owned());
    let of = |names: &[&SubjectAlternativeName]| {
        let names = names.iter().map(|&name| name.clone()).collect();
        let identity = Identity { names, ..Identity::default() };
        let authority = CertificateAuthority::PrivatePki;
        let other = Mismatch::OtherIdentity { found: Box::new(identity.clone()) };
        let facts = Facts { signer: FoundSigner::Certificate { authority, identity }, ..by_key(1) };
        (requirement.check(&facts, None), Err::<(), _>(other))
    };
    assert_eq!(of(&[&email, &host]).0, Ok(()));
    for names in [&[&email][..], &[&host], &[]] {
        let (found, wanted) = of(names);
        assert_eq!(found, wanted, "{names:?}");
    }
}
