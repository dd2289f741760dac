use std::error::Error as _;

use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::digest::Digest;
use crate::oci::Reference;
use crate::policy::requirement::Witness;
use crate::policy::specimen::{by_identity, by_key, key_pem, log_entry};
use crate::policy::{Case, Demand, Images, Mode, ObjectSelector, Parts, Requirement, Rule, Signer};
use crate::policy::{PolicyFile, document};
use crate::time::UnixTime;
use crate::verify::{Claim, Facts, RootPart};

/// A document with one policy in flow style: images stand in line 6, authorities in line 7.
fn document(images: &str, authorities: &str) -> String {
    format!(
        "apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\n\
         metadata:\n  name: release\nspec:\n  images: {images}\n  authorities: {authorities}\n"
    )
}

fn keyed(extra: &str) -> String {
    let data = key_pem(1).replace('\n', "\\n");
    document("[{glob: 'ghcr.io/team/*'}]", &format!("[{{key: {{data: \"{data}\"{extra}}}}}]"))
}

fn keyless(identity: &str, extra: &str) -> String {
    document("[{glob: '**'}]", &format!("[{{keyless: {{identities: [{identity}]{extra}}}}}]"))
}

fn read(text: &str) -> Result<Vec<Policy>, Error> {
    document::parse(
        &[file(text.as_bytes())],
        &Limits::default(),
        UnixTime::from_seconds(1_800_000_000).unwrap(),
    )
}

fn file(bytes: &[u8]) -> PolicyFile<'_> {
    PolicyFile { name: "policy.yaml", bytes }
}

/// The error with its cause, as a user reads it.
fn refusal(text: &str) -> String {
    match read(text) {
        Ok(policies) => panic!("read as {policies:?}"),
        Err(error) => {
            let mut told = error.to_string();
            let mut cause = error.source();
            while let Some(next) = cause {
                told = format!("{told}: {next}");
                cause = next.source();
            }
            told
        }
    }
}

fn requirements(policy: &Policy) -> Vec<&Requirement> {
    let Rule::Any(rules) = &policy.rule else { panic!("authorities are alternatives") };
    rules
        .iter()
        .map(|rule| match rule {
            Rule::Evidence(requirement) => requirement.as_ref(),
            other => panic!("{other:?} asks for no evidence"),
        })
        .collect()
}

#[test]
fn a_key_needs_no_log_unless_ctlog_says_so() {
    let policies = read(&keyed("")).unwrap();
    let [policy] = policies.as_slice() else { panic!("one policy") };
    assert_eq!((policy.id.as_str(), policy.mode), ("release", Mode::Enforce));
    assert!(matches!(&policy.images, Images::Globs(globs) if globs[0].text() == "ghcr.io/team/*"));
    let requirement = requirements(policy)[0];
    assert_eq!(requirement.name, "authority-0");
    assert_eq!(requirement.check(&by_key(1), None), Ok(()));
    assert!(requirement.check(&by_key(2), None).is_err());

    let data = key_pem(1).replace('\n', "\\n");
    for ctlog in ["{}", "{url: https://rekor.sigstore.dev}"] {
        let authority = format!("[{{name: k, key: {{data: \"{data}\"}}, ctlog: {ctlog}}}]");
        let policies = read(&document("[{glob: '**'}]", &authority)).unwrap();
        let requirement = requirements(&policies[0])[0];
        assert_eq!((requirement.name.as_str(), requirement.log), ("k", Demand::Demanded));
        assert!(requirement.check(&by_key(1), None).is_err());
        let logged = Facts { log_entries: vec![log_entry()], ..by_key(1) };
        assert_eq!(requirement.check(&logged, None), Ok(()));
    }
}

#[test]
fn keyless_needs_a_log_and_an_sct() {
    let identity = "{issuerRegExp: 'issuer\\.example$', subject: https://s.example/a}";
    for (extra, sct) in [
        ("", Demand::Demanded),
        (", insecureIgnoreSCT: true, url: https://fulcio.corp", Demand::Waived),
    ] {
        let policies = read(&keyless(identity, extra)).unwrap();
        let requirement = requirements(&policies[0])[0];
        assert_eq!(requirement.log, Demand::Demanded);
        assert!(
            matches!(requirement.signer, Signer::Certificate { sct: found, .. } if found == sct)
        );
        assert_eq!(
            requirement.check(&by_identity("https://s.example/a", "https://issuer.example"), None),
            Ok(())
        );
        assert!(
            requirement
                .check(&by_identity("https://s.example/ab", "https://issuer.example"), None)
                .is_err()
        );
    }
}

#[test]
fn modes_decrees_and_several_documents() {
    let text = format!(
        "# two policies\n---\n{}\n---\n{}",
        document("[{glob: '**'}]", "[{static: {action: fail, message: not here}}]")
            .replace("spec:", "spec:\n  mode: warn")
            .replace("v1beta1", "v1alpha1"),
        document("[{glob: '*'}, {glob: '*/*'}]", "[{static: {action: pass}}]")
            .replace("release", "second"),
    );
    let policies = read(&text).unwrap();
    let places: Vec<_> = policies.iter().map(|policy| policy.origin.to_string()).collect();
    assert_eq!(places, ["policy.yaml:2", "policy.yaml:12"]);
    assert_eq!(policies[0].mode, Mode::Warn);
    assert!(matches!(&policies[0].rule, Rule::Any(rules)
            if matches!(&rules[0], Rule::Reject(name, message) if name == "authority-0" && message == "not here")));
    assert!(matches!(&policies[1].rule, Rule::Any(rules) if matches!(&rules[0], Rule::Accept(_))));
}

/// A statement of `state` with the key 1 or 2.
fn attested(number: usize, predicate_type: &str, state: &str) -> Facts {
    let statement = format!(
        r#"{{"_type":"https://in-toto.io/Statement/v0.1","predicateType":"{predicate_type}","subject":[],"predicate":{{"state":"{state}"}}}}"#
    );
    let claim = Claim::Attestation {
        predicate_type: predicate_type.to_owned(),
        statement: statement.into_bytes(),
    };
    Facts { claim, ..by_key(number) }
}

fn data(number: usize) -> String {
    key_pem(number).replace('\n', "\\n")
}

/// The verdict over facts: an own word for each way it can come out.
fn decide(policy: &Policy, facts: &[Facts]) -> Result<(), String> {
    let (parts, evidence) = (Parts::default(), facts.iter().collect::<Vec<_>>());
    let name: Reference = "ghcr.io/team/app:v1".parse().unwrap();
    let case = Case {
        subject: Digest::sha256(b"image"),
        names: std::slice::from_ref(&name),
        written: None,
        evidence: &[],
        unproven: 0,
        through: None,
        parts: &parts,
        configs: None,
        object: None,
    };
    let witness = Witness { evidence: &evidence, name: Some(&name) };
    if !policy.rule.evaluate(witness).holds {
        return Err(message(policy, &case, Some(&name), &evidence, None));
    }
    match &policy.result {
        None => Ok(()),
        Some(result) => result.decide(&policy.rule, &case, &evidence),
    }
}

const VULN: &str = "https://cosign.sigstore.dev/attestation/vuln/v1";

#[test]
fn attestations_alone_meet_an_authority_that_wants_them() {
    let wanted = format!(
        "[{{name: a, key: {{data: \"{}\"}}, attestations: [{{name: scan, predicateType: \
         '{VULN}', policy: {{type: cue, data: 'predicate: state: \"clean\"'}}}}]}}]",
        data(1)
    );
    let policies = read(&document("[{glob: '**'}]", &wanted)).unwrap();
    let policy = &policies[0];
    let image = "ghcr.io/team/app:v1";
    assert_eq!(decide(policy, &[attested(1, VULN, "clean")]), Ok(()));
    let both = [attested(1, VULN, "dirty"), attested(1, VULN, "clean")];
    assert_eq!(decide(policy, &both), Ok(()));
    let told = decide(policy, &[attested(1, VULN, "dirty")]).unwrap_err();
    assert!(told.starts_with("failed evaluating cue policy for scan: "), "{told}");
    let cases = [
        (
            vec![by_key(1)],
            format!(
                "attestation key validation failed for authority a for {image}: no matching \
                 attestations: an attestation is demanded, this is a signature"
            ),
        ),
        (
            vec![attested(1, "https://spdx.dev/Document", "clean")],
            format!(
                "no matching attestations with type {VULN}, checked the following \
                 predicateTypes: \"https://spdx.dev/Document\""
            ),
        ),
        (
            Vec::new(),
            format!(
                "attestation key validation failed for authority a for {image}: no matching \
                 attestations"
            ),
        ),
    ];
    for (facts, why) in cases {
        assert_eq!(decide(policy, &facts), Err(why));
    }
    let other = decide(policy, &[attested(2, VULN, "clean")]).unwrap_err();
    assert!(other.starts_with("attestation key validation failed for authority a"), "{other}");
}

/// cosign reads the predicate of a short name into a struct: what is missing is empty there, and what
/// has another type is no attestation of it.
#[test]
fn a_short_name_shows_what_is_missing() {
    let wanted = |name: &str, policy: &str| {
        let authority = format!(
            "[{{name: a, key: {{data: \"{}\"}}, attestations: [{{name: scan, predicateType: \
             '{name}'{policy}}}]}}]",
            data(1)
        );
        read(&document("[{glob: '**'}]", &authority)).unwrap()
    };
    let scanned = ", policy: {type: cue, data: 'predicate: scanner: uri: \"trivy\"'}";
    let state = ", policy: {type: cue, data: 'predicate: state: \"clean\"'}";
    let found = [attested(1, VULN, "clean")];
    assert_eq!(decide(&wanted(VULN, scanned)[0], &found), Ok(()), "not known is not refused");
    let told = decide(&wanted("vuln", scanned)[0], &found).unwrap_err();
    assert!(told.starts_with("failed evaluating cue policy for scan: "), "{told}");
    assert_eq!(decide(&wanted(VULN, state)[0], &[attested(1, VULN, "clean")]), Ok(()));
    // A field that the struct does not have is not shown, and neither refuses.
    assert_eq!(decide(&wanted("vuln", state)[0], &[attested(1, VULN, "dirty")]), Ok(()));
    let statement = format!(
        r#"{{"_type":"","predicateType":"{VULN}","subject":[],"predicate":{{"scanner":"trivy"}}}}"#
    );
    let claim =
        Claim::Attestation { predicate_type: VULN.to_owned(), statement: statement.into_bytes() };
    let odd = [Facts { claim, ..by_key(1) }];
    assert_eq!(decide(&wanted(VULN, "")[0], &odd), Ok(()));
    assert_eq!(
        decide(&wanted("vuln", "")[0], &odd),
        Err("unmarshaling CosignVulnStatement: invalid type: string \"trivy\", expected an \
             object at line 1 column 121"
            .to_owned())
    );
}

#[test]
fn a_policy_over_the_result_sees_what_passed() {
    let authorities = format!("[{{name: k, key: {{data: \"{}\"}}}}]", data(1));
    let with = |rego: &str| {
        let policy =
            format!("spec:\n  policy: {{type: rego, data: \"package sigstore\\n{rego}\"}}");
        document("[{glob: '**'}]", &authorities).replace("spec:", &policy)
    };
    let id = "6f9e3a8e";
    let passes = with("isCompliant { count(input.authorityMatches.k.signatures) == 1 }");
    let fails = with(&format!(
        "isCompliant {{ input.authorityMatches.k.signatures[_].id == \\\"{id}\\\" }}"
    ));
    let policies = read(&passes).unwrap();
    assert_eq!(decide(&policies[0], &[by_key(1)]), Ok(()));
    assert_eq!(decide(&policies[0], &[by_key(1), by_key(1)]), Ok(()), "one signature, twice");
    let another = Facts { id: Digest::sha256(b"another signature"), ..by_key(1) };
    assert!(decide(&policies[0], &[by_key(1), another]).is_err());
    assert!(decide(&policies[0], &[by_key(2)]).is_err_and(|told| {
        told.starts_with(
            "signature key validation failed for authority k for ghcr.io/team/app:v1: ",
        )
    }));
    let policies = read(&fails).unwrap();
    let told = decide(&policies[0], &[by_key(1)]).unwrap_err();
    assert!(
        told.starts_with("failed evaluating rego policy for type ClusterImagePolicy: "),
        "{told}"
    );
    let objects =
        with("isCompliant { true }").replace("{type: rego", "{includeSpec: true, type: rego");
    assert_eq!(
        decide(&read(&objects).unwrap()[0], &[by_key(1)]),
        Err("the policy asks for the object that runs the image, and none is at hand; it cannot \
             decide and refuses"
            .to_owned())
    );
    let configs =
        with("isCompliant { true }").replace("{type: rego", "{fetchConfigFile: true, type: rego");
    assert_eq!(
        decide(&read(&configs).unwrap()[0], &[by_key(1)]),
        Err("the policy asks for the image's configuration, which is not at hand; it cannot decide \
             and refuses"
            .to_owned())
    );
}

#[test]
fn secrets_and_config_maps_are_given_along() {
    let wanted = document("[{glob: '**'}]", "[{key: {secretRef: {name: release-key}}}]");
    let secret = |fields: &str| {
        format!(
            "---\napiVersion: v1\nkind: Secret\nmetadata: {{name: release-key, namespace: \
             cosign-system}}\n{fields}\n"
        )
    };
    let written = format!("stringData: {{cosign.pub: \"{}\"}}", data(1));
    let encoded = format!("data: {{cosign.pub: {}}}", STANDARD.encode(key_pem(1)));
    for fields in [written.as_str(), encoded.as_str()] {
        let policies = read(&format!("{wanted}{}", secret(fields))).unwrap();
        assert_eq!(decide(&policies[0], &[by_key(1)]), Ok(()));
        assert!(decide(&policies[0], &[by_key(2)]).is_err());
    }
    let place = "policy file `policy.yaml`, line 7 (document 1): ";
    let cases = [
        (
            wanted.clone(),
            format!(
                "{place}`spec.authorities[0].key.secretRef` names the Secret `release-key`, which \
                 none of the policy files holds; give its document behind `---` in the same file, \
                 or with another `--policy`"
            ),
        ),
        (
            format!("{wanted}{}", secret("data: {}")),
            format!("{place}the Secret `release-key` contains no data"),
        ),
        (
            format!("{wanted}{}", secret("stringData: {a: one, b: two}")),
            format!(
                "{place}the Secret `release-key` contains multiple data entries, only one is \
                 supported"
            ),
        ),
        (
            format!("{wanted}{}", secret(&written).replace("cosign-system", "default")),
            "policy file `policy.yaml`, line 11 (document 2): the Secret `release-key` is in the \
             namespace `default`; policy-controller reads secrets of cosign-system alone"
                .to_owned(),
        ),
        (
            format!("{wanted}{0}{0}", secret(&written)),
            "policy file `policy.yaml`, line 15 (document 3): the Secret `release-key` stands here \
             for the second time"
                .to_owned(),
        ),
    ];
    for (text, why) in cases {
        assert_eq!(refusal(&text), why);
    }

    let policy = "policy: {type: rego, configMapRef: {name: rules, key: rego}}";
    let wanted = document("[{glob: '**'}]", "[{static: {action: pass}}]")
        .replace("spec:", &format!("spec:\n  {policy}"));
    let rules = |rule: &str| {
        format!(
            "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: rules, namespace: \
             cosign-system}}\ndata: {{rego: \"package sigstore\\nisCompliant {{ {rule} }}\"}}\n"
        )
    };
    assert_eq!(decide(&read(&format!("{wanted}{}", rules("true"))).unwrap()[0], &[]), Ok(()));
    let refuses = read(&format!("{wanted}{}", rules("false"))).unwrap();
    assert!(decide(&refuses[0], &[]).is_err());
    assert_eq!(
        refusal(&wanted),
        "policy file `policy.yaml`, line 6 (document 1): `spec.policy.configMapRef` names the \
         ConfigMap `rules`, which none of the policy files holds; give its document behind `---` in \
         the same file, or with another `--policy`"
    );
}

/// HOSTILE.md case 111: what cannot be decided offline stops the run and is named.
#[test]
fn what_cannot_be_decided_is_refused_by_name() {
    let authority = |field: &str| keyed("").replace("[{key:", &format!("[{{{field}, key:"));
    let no_key = |key: &str| document("[{glob: '**'}]", &format!("[{{key: {{{key}}}}}]"));
    let cases = [
        (
            keyed("").replace(
                "spec:",
                "spec:\n  policy: {type: cue, remote: {url: 'https://x.example/p', sha256sum: 'a'}}",
            ),
            6,
            "`spec.policy.remote` names the URL `https://x.example/p`, ",
        ),
        (
            no_key("kms: 'hashivault://k'"),
            7,
            "`spec.authorities[0].key.kms` names the KMS key `hashivault://k`, ",
        ),
        (
            authority("ctlog: {trustRootRef: t}"),
            7,
            "`spec.authorities[0].ctlog.trustRootRef` names the TrustRoot `t`, ",
        ),
        (
            authority("rfc3161timestamp: {trustRootRef: t}"),
            7,
            "`spec.authorities[0].rfc3161timestamp.trustRootRef` names the TrustRoot `t`, ",
        ),
        (
            keyless("{issuer: i, subject: s}", ", trustRootRef: t"),
            7,
            "`spec.authorities[0].keyless.trustRootRef` names the TrustRoot `t`, ",
        ),
        (
            keyed(", hashAlgorithm: sha224"),
            7,
            "`spec.authorities[0].key.hashAlgorithm` is not supported: SHA-224 ",
        ),
    ];
    for (text, line, why) in cases {
        let told = refusal(&text);
        let wanted = format!("policy file `policy.yaml`, line {line} (document 1): {why}");
        assert!(told.starts_with(&wanted), "{told}");
    }
}

#[test]
fn trust_roots_that_cannot_be_used() {
    let root = |spec: &str| {
        format!(
            "apiVersion: policy.sigstore.dev/v1alpha1\nkind: TrustRoot\nmetadata: {{name: t}}\n\
             spec:\n  {spec}\n"
        )
    };
    let place = |line: usize| format!("policy file `policy.yaml`, line {line} (document 1): ");
    let refused = "policy-controller refuses it: ";
    let cases = [
        (
            "remote: {mirror: 'https://tuf.example', root: e30=}",
            5,
            format!(
                "{refused}invalid value: missing signatures in root.json: spec.remote.root\n\
                 no signatures"
            ),
        ),
        (
            "repository: {root: e30, mirrorFS: e30=, targets: targets}",
            5,
            "`spec.repository.root` is no base64".to_owned(),
        ),
        (
            "repository: {root: W10=, mirrorFS: e30=, targets: targets}",
            5,
            format!(
                "{refused}invalid value: failed to unmarshal: spec.repository.root\n\
                 invalid type: sequence, expected a map at line 1 column 0"
            ),
        ),
        (
            "repository: {root: e30=, remote: ''}",
            5,
            format!("{refused}unable to unmarshal: json: unknown field \"remote\""),
        ),
        (
            "{}",
            5,
            format!(
                "{refused}expected exactly one, got neither: spec.remote, spec.repository, \
                 spec.sigstoreKeys, spec.trustedRootJSON"
            ),
        ),
        (
            "{sigstoreKeys: {}, trustedRootJSON: '{}'}",
            5,
            format!(
                "{refused}expected exactly one, got both: spec.remote, spec.repository, \
                 spec.sigstoreKeys, spec.trustedRootJSON"
            ),
        ),
        (
            "trustedRootJSON: ''",
            5,
            format!(
                "{refused}expected exactly one, got neither: spec.remote, spec.repository, \
                 spec.sigstoreKeys, spec.trustedRootJSON"
            ),
        ),
        (
            "trustedRootJSON: e30=",
            5,
            "`spec.trustedRootJSON` cannot be used: no trusted root: expected value at line 1 column \
             1: expected value at line 1 column 1"
                .to_owned(),
        ),
        (
            "trustedRootJSON: '{\"mediaType\": \"application/json\"}'",
            5,
            "`spec.trustedRootJSON` cannot be used: the mediaType is `application/json`, not a trusted \
             root's".to_owned(),
        ),
        (
            "sigstoreKeys: {certificateAuthorities: [{uri: here}], tLogs: [{baseURL: there}]}",
            5,
            format!(
                "{refused}missing field(s): spec.sigstoreKeys.certificateAuthority[0].certchain, \
                 spec.sigstoreKeys.certificateAuthority[0].subject.commonName, \
                 spec.sigstoreKeys.certificateAuthority[0].subject.organization, \
                 spec.sigstoreKeys.tLogs[0].hashAlgorithm, spec.sigstoreKeys.tLogs[0].publicKey"
            ),
        ),
    ];
    for (spec, line, why) in cases {
        assert_eq!(refusal(&root(spec)), place(line) + &why);
    }
}

/// VERIFICATION decision 5 and HOSTILE.md cases 107, 109, 111: in policy-controller's own words.
#[test]
fn what_policy_controller_refuses() {
    let at = |line: usize, text: &str| {
        format!(
            "policy file `policy.yaml`, line {line} (document 1): policy-controller refuses it: \
             {text}"
        )
    };
    let cases = [
        (document("[{glob: '**'}]", "[]"), at(6, "missing field(s): spec.authorities")),
        (document("[]", "[{static: {action: pass}}]"), at(6, "missing field(s): spec.images")),
        (
            keyless("{issuer: i, subjectRegexp: s}", ""),
            at(7, "unable to unmarshal: json: unknown field \"subjectRegexp\""),
        ),
        (
            keyless("{issuer: i, subject: s}", "").replace("spec:", "spec:\n  mode: Warn"),
            at(6, "invalid value: Warn: spec.mode\nunsupported mode"),
        ),
        (
            keyless("{issuer: i, subject: s}", "").replace("  name: release", "  labels: {}"),
            "policy file `policy.yaml`, line 2 (document 1): `metadata.name` is missing or empty"
                .to_owned(),
        ),
        (
            keyless("{issuer: i, subject: s}", "").replace("v1beta1", "v1"),
            "policy file `policy.yaml`, line 1 (document 1): apiVersion is \
             `policy.sigstore.dev/v1`; sealift reads policy.sigstore.dev/v1alpha1 and v1beta1"
                .to_owned(),
        ),
    ];
    for (text, why) in cases {
        assert_eq!(refusal(&text), why);
    }
}

/// Trust that is not named is borrowed of the root that is given.
#[test]
fn trust_is_borrowed_where_none_is_named() {
    let authority = |field: &str| keyed("").replace("[{key:", &format!("[{{{field}, key:"));
    let hashed = |field: &str| authority(field).replace("\"}}]", "\", hashAlgorithm: sha512}}]");
    let log = "ctlog: {url: 'https://rekor.sigstore.dev'}";
    let cases = [
        (hashed("name: a"), vec![]),
        (hashed(log), vec![RootPart::Logs]),
        (
            hashed("rfc3161timestamp: {}").replace("v1beta1", "v1alpha1"),
            vec![RootPart::TimestampAuthorities],
        ),
        (hashed("rfc3161timestamp: {}"), vec![]),
    ];
    let policies = read(&authority("rfc3161timestamp: {}")).unwrap();
    assert_eq!(
        policies[0].remarks,
        [
            "line 7: `spec.authorities[0].rfc3161timestamp` names no TrustRoot and demands nothing: a \
             cluster does not store it of a v1beta1 document"
        ]
    );
    for (text, borrowed) in cases {
        let policies = read(&text).unwrap();
        let found: Vec<_> = policies[0].trusts.iter().map(|trust| trust.borrowed.clone()).collect();
        assert_eq!(found, [borrowed], "{text}");
    }
}

#[test]
fn what_is_judged_more_strictly_is_told() {
    let authority = |field: &str| keyed("").replace("[{key:", &format!("[{{{field}, key:"));
    let matching = keyed("").replace("spec:", "spec:\n  match: [{resource: pods, version: v1}]");
    let policies = read(&matching).unwrap();
    assert_eq!(policies[0].objects, [ObjectSelector::new("", "v1", "pods", None)]);
    assert_eq!(
        policies[0].deviations,
        [
            "`spec.match` selects Kubernetes objects: where an image is judged without one, the policy \
          covers it all the same"
        ]
    );
    let policies = read(&authority("ctlog: {}")).unwrap();
    assert_eq!(
        policies[0].deviations,
        [
            "authority 0: policy-controller looks at no log where `ctlog` names none; here an entry of \
          a log is demanded"
        ]
    );
    let policies = read(&authority("source: [{oci: ghcr.io/other}]")).unwrap();
    assert_eq!(
        policies[0].remarks,
        [
            "line 7: `spec.authorities[0].source`: evidence is read from where the archive carries it"
        ]
    );
    let policies = read(&authority("signatureFormat: bundle")).unwrap();
    assert_eq!(
        decide(&policies[0], &[by_key(1)]),
        Err("signature keyless validation failed for authority authority-0 for \
             ghcr.io/team/app:v1: when using the new bundle format, the authority must be keyless"
            .to_owned())
    );
}

#[test]
fn keys_and_expressions_are_read_when_the_policy_is() {
    let two = key_pem(1) + &key_pem(2);
    for (data, why) in [
        (
            "no key",
            "policy-controller refuses it: invalid value: no key: spec.authorities[0].key.data",
        ),
        (
            two.as_str(),
            "`spec.authorities[0].key.data` holds more than one block of PEM, and policy-controller reads the first alone; write each key as an authority of its own",
        ),
    ] {
        let data = data.replace('\n', "\\n");
        let told =
            refusal(&document("[{glob: '**'}]", &format!("[{{key: {{data: \"{data}\"}}}}]")));
        assert_eq!(told, format!("policy file `policy.yaml`, line 7 (document 1): {why}"));
    }
    let cases = [
        ("****", "missing argument to repetition operator: `*`"),
        ("(?=x)", "invalid or unsupported Perl syntax: `(?=`"),
        ("(x", "missing closing ): `(x`"),
        ("x)", "unexpected ): `x)`"),
    ];
    for (expression, why) in cases {
        let identity = format!("{{issuer: i, subjectRegExp: '{expression}'}}");
        let wanted = format!(
            "policy file `policy.yaml`, line 7 (document 1): policy-controller refuses it: invalid \
             value: {expression}: spec.authorities[0].keyless.identities[0].subjectRegExp\nregex is \
             invalid: error parsing regexp: {why}"
        );
        assert_eq!(refusal(&keyless(&identity, "")), wanted);
    }
}

/// HOSTILE.md case 106.
#[test]
fn misspelt_fields_are_refused_with_their_line() {
    for (misspelt, line) in [
        (
            keyless("{issuer: i, subject: s}", "")
                .replace("  images", "  mode: warn\n  mode: warn\n  images"),
            7,
        ),
        (keyless("{issuer: i, subject: 1}", ""), 7),
    ] {
        let error = read(&misspelt).unwrap_err();
        assert!(matches!(*error.problem, document::Problem::Yaml { .. }), "{error:?}");
        assert_eq!(error.line, Some(line), "{error:?}");
    }
}
