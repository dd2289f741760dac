use std::error::Error as _;

use super::*;
use crate::policy::specimen::{by_identity, by_key, key_pem, log_entry};
use crate::policy::{Demand, Images, Mode, Requirement, Rule, Signer};
use crate::policy::{PolicyFile, document};
use crate::time::UnixTime;
use crate::verify::Facts;

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

/// HOSTILE.md cases 106 and 111: each field that is not decided by is refused by its name.
#[test]
fn unsupported_fields_are_refused_by_name() {
    let spec = |field: &str| keyed("").replace("spec:", &format!("spec:\n  {field}"));
    let authority = |field: &str| keyed("").replace("[{key:", &format!("[{{{field}, key:"));
    let of_keyless = |field: &str| keyless("{issuer: i, subject: s}", &format!(", {field}"));
    let no_key = |key: &str| document("[{glob: '**'}]", &format!("[{{key: {{{key}}}}}]"));
    let cases = [
        (spec("match: [{resource: pods}]"), 6, "spec.match"),
        (spec("policy: {type: cue, data: ''}"), 6, "spec.policy"),
        (
            authority("attestations: [{name: a, predicateType: vuln}]"),
            7,
            "spec.authorities[0].attestations",
        ),
        (authority("source: [{oci: ghcr.io/x}]"), 7, "spec.authorities[0].source"),
        (authority("signatureFormat: bundle"), 7, "spec.authorities[0].signatureFormat"),
        (
            authority("rfc3161timestamp: {trustRootRef: t}"),
            7,
            "spec.authorities[0].rfc3161timestamp",
        ),
        (authority("ctlog: {url: https://rekor.corp}"), 7, "spec.authorities[0].ctlog.url"),
        (authority("ctlog: {trustRootRef: t}"), 7, "spec.authorities[0].ctlog.trustRootRef"),
        (no_key("kms: 'awskms:///x'"), 7, "spec.authorities[0].key.kms"),
        (no_key("secretRef: {name: s}"), 7, "spec.authorities[0].key.secretRef"),
        (keyed(", hashAlgorithm: sha512"), 7, "spec.authorities[0].key.hashAlgorithm"),
        (of_keyless("ca-cert: {data: x}"), 7, "spec.authorities[0].keyless.ca-cert"),
        (of_keyless("trustRootRef: t"), 7, "spec.authorities[0].keyless.trustRootRef"),
    ];
    for (text, line, field) in cases {
        let told = refusal(&text);
        let wanted = format!(
            "policy file `policy.yaml`, line {line} (document 1): `{field}` is not supported: "
        );
        assert!(told.starts_with(&wanted), "{field}: {told}");
    }
}

/// VERIFICATION decision 5 and HOSTILE.md cases 107, 109, 111.
#[test]
fn what_could_never_refuse_or_says_nothing_is_refused() {
    let at = |line: usize| format!("policy file `policy.yaml`, line {line} (document 1): ");
    let good = "{issuer: i, subject: s}";
    let cases = [
        (document("[{glob: '**'}]", "[]"), 1, "`spec.authorities` is missing or empty"),
        (document("[]", "[{static: {action: pass}}]"), 1, "`spec.images` is missing or empty"),
        (
            document("[{glob: ''}]", "[{static: {action: pass}}]"),
            6,
            "`spec.images[0].glob` is missing or empty",
        ),
        (
            document("[{glob: 'a b'}]", "[{static: {action: pass}}]"),
            6,
            "`spec.images[0].glob` is no glob: invalid glob `a b`: only letters, digits and - _ : / . @ * can stand in it",
        ),
        (
            document("[{glob: '**'}]", "[{}]"),
            7,
            "exactly one of `key`, `keyless` and `static` must stand in `spec.authorities[0]`",
        ),
        (
            document("[{glob: '**'}]", "[{static: {action: pass}, ctlog: {}}]"),
            7,
            "exactly one of `static` and `ctlog` must stand in `spec.authorities[0]`",
        ),
        (keyless("", ""), 7, "`spec.authorities[0].keyless.identities` is missing or empty"),
        (
            keyless("{issuer: i}", ""),
            7,
            "exactly one of `subject` and `subjectRegExp` must stand in `spec.authorities[0].keyless.identities[0]`",
        ),
        (
            keyless("{issuer: i, issuerRegExp: i, subject: s}", ""),
            7,
            "exactly one of `issuer` and `issuerRegExp` must stand in `spec.authorities[0].keyless.identities[0]`",
        ),
        (
            document("[{glob: '**'}]", "[{key: {}}]"),
            1,
            "`spec.authorities[0].key.data` is missing or empty",
        ),
        (
            document("[{glob: '**'}]", "[{static: {action: maybe}}]"),
            7,
            "`spec.authorities[0].static.action` is `maybe`, not pass or fail",
        ),
        (
            keyless(good, "").replace("spec:", "spec:\n  mode: Warn"),
            6,
            "`spec.mode` is `Warn`, not enforce or warn",
        ),
        (
            keyless(good, "").replace("  name: release", "  labels: {}"),
            1,
            "`metadata.name` is missing or empty",
        ),
        (
            keyless(good, "").replace("ClusterImagePolicy", "TrustRoot"),
            2,
            "the document is a `TrustRoot`, not a ClusterImagePolicy",
        ),
        (
            keyless(good, "").replace("v1beta1", "v1"),
            1,
            "apiVersion is `policy.sigstore.dev/v1`; sealift reads policy.sigstore.dev/v1alpha1 and v1beta1",
        ),
    ];
    for (text, line, why) in cases {
        assert_eq!(refusal(&text), at(line) + why);
    }
}

#[test]
fn keys_and_expressions_are_read_when_the_policy_is() {
    let two = key_pem(1) + &key_pem(2);
    for data in ["no key", two.as_str()] {
        let data = data.replace('\n', "\\n");
        let told =
            refusal(&document("[{glob: '**'}]", &format!("[{{key: {{data: \"{data}\"}}}}]")));
        let wanted = "policy file `policy.yaml`, line 7 (document 1): \
                      `spec.authorities[0].key.data` holds no key that sealift verifies with: ";
        assert!(told.starts_with(wanted), "{told}");
    }
    for expression in ["****", "(?=x)", "a{1000000}"] {
        let identity = format!("{{issuer: i, subjectRegExp: '{expression}'}}");
        let told = refusal(&keyless(&identity, ""));
        let wanted = "policy file `policy.yaml`, line 7 (document 1): \
                      `spec.authorities[0].keyless.identities[0].subjectRegExp` is no regular \
                      expression: ";
        assert!(told.starts_with(wanted), "{told}");
    }
}

/// HOSTILE.md case 106.
#[test]
fn misspelt_fields_are_refused_with_their_line() {
    for (misspelt, line) in [
        (keyless("{issuer: i, subjectRegexp: s}", ""), 7),
        (keyless("{issuer: i, subject: s}", "").replace("  images", "  image: x\n  images"), 6),
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
