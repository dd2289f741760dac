use std::collections::BTreeMap;
use std::error::Error as _;

use serde_json::json;

use super::*;
use crate::digest::Digest;
use crate::oci::Reference;
use crate::policy::specimen::{attestation, by_identity, by_key, key_pem};
use crate::policy::{Case, Parts, PolicySet};
use crate::verify::{Claim, Facts, Form, Identity, Signer, SubjectAlternativeName};

const GITHUB: &str = "https://token.actions.githubusercontent.com";

fn now() -> UnixTime {
    UnixTime::from_seconds(1_800_000_000).unwrap()
}

fn read(text: &str) -> Vec<Policy> {
    let file = PolicyFile { name: "p.yaml", bytes: text.as_bytes() };
    document::parse(&[file], &Limits::default(), now()).unwrap()
}

fn quoted(number: usize) -> String {
    format!("\"{}\"", key_pem(number).replace('\n', "\\n"))
}

/// Evidence of every kind that a policy here could tell apart.
fn facts() -> Vec<Facts> {
    let keyless = by_identity("https://github.com/team/app/w.yml@refs/heads/main", GITHUB);
    let mail = SubjectAlternativeName::Email("s@i.example".to_owned());
    let host = SubjectAlternativeName::Dns("host.example".to_owned());
    let named = |names: Vec<SubjectAlternativeName>, issuer: &str| {
        let mut facts = by_identity("", issuer);
        if let Signer::Certificate { identity, .. } = &mut facts.signer {
            let extensions = BTreeMap::from([(5, "team/app".to_owned())]);
            *identity = Identity { names, issuer: issuer.to_owned(), extensions };
        }
        facts
    };
    let uri = |text: &str| SubjectAlternativeName::Uri(text.to_owned());
    let annotated = |value: serde_json::Value| Facts {
        claim: Claim::Signature {
            docker_reference: Some("r.example/a".to_owned()),
            annotations: BTreeMap::from([("stable".to_owned(), value)]),
        },
        ..by_key(1)
    };
    let mut all = vec![
        by_key(1),
        by_key(2),
        by_key(3),
        keyless,
        named(vec![mail.clone()], "https://i.example"),
        named(vec![uri("https://s.example/x"), mail.clone()], "https://i.example"),
        named(vec![host, mail], "https://i.example"),
        named(vec![uri("https://github.com/team/app/w.yml@refs/heads/main")], GITHUB),
        named(vec![uri("https://github.com/other/app/w.yml@refs/heads/main")], GITHUB),
        annotated(json!("true")),
        annotated(json!(true)),
    ];
    let changed: Vec<_> = all
        .iter()
        .flat_map(|facts| {
            [
                Facts { form: Form::Bundle, ..facts.clone() },
                Facts { log_entries: Vec::new(), ..facts.clone() },
                Facts { sct_logs: Vec::new(), ..facts.clone() },
                Facts { claim: attestation("https://p.example"), ..facts.clone() },
            ]
        })
        .collect();
    all.extend(changed);
    all
}

/// What is decided of every image over every piece of evidence and every two pieces together.
fn decisions(policies: &[Policy]) -> Vec<bool> {
    let set = PolicySet::new(policies.to_vec()).unwrap();
    let digest = Digest::sha256(b"image");
    let of = |text: &str| text.parse::<Reference>().unwrap();
    let names = [
        vec![],
        vec![of("r.example/a:1")],
        vec![of("r.example/b:1")],
        vec![of("nginx")],
        vec![of("r.example/a").with_digest(digest)],
        vec![of("r.example/a:1").with_digest(digest)],
        vec![of("r.example/a:1"), of("r.example/b:1")],
    ];
    let facts = facts();
    let mut sets: Vec<Vec<&Facts>> = vec![vec![]];
    sets.extend(facts.iter().map(|one| vec![one]));
    // Two together, of those that nothing was taken from.
    let whole = facts.get(..11).unwrap();
    for (at, one) in whole.iter().enumerate() {
        sets.extend(whole.iter().skip(at + 1).map(|other| vec![one, other]));
    }
    let mut decisions = Vec::new();
    for names in &names {
        for facts in &sets {
            let case = Case {
                subject: digest,
                names,
                written: None,
                evidence: &[],
                unproven: 0,
                through: None,
                parts: &Parts::default(),
                configs: None,
                object: None,
            };
            decisions.push(set.admits(&case, facts));
        }
    }
    decisions
}

fn verification_config(signatures: &str) -> String {
    format!("apiVersion: v1\nallOf: [{signatures}]\n")
}

fn cip(images: &str, authorities: &str) -> String {
    format!(
        "apiVersion: policy.sigstore.dev/v1alpha1\nkind: ClusterImagePolicy\n\
         metadata: {{name: p}}\nspec: {{images: {images}, authorities: {authorities}}}\n"
    )
}

fn settings(entries: &str) -> String {
    format!("signatures: [{entries}]\n")
}

/// Policies of every format that a conversion could be tried of.
fn policies() -> Vec<String> {
    let (one, two) = (quoted(1), quoted(2));
    let key = |key: &str| format!("{{kind: pubKey, key: {key}}}");
    let mail = "{kind: genericIssuer, issuer: 'https://i.example', subject: {equal: s@i.example}}";
    let below = format!(
        "{{kind: genericIssuer, issuer: '{GITHUB}', subject: {{urlPrefix: 'https://github.com/team'}}}}"
    );
    let github = "{kind: githubAction, owner: team}";
    let annotated = format!("{{kind: pubKey, key: {one}, annotations: {{stable: 'true'}}}}");
    let entry = |image: &str, kind: &str| settings(&format!("{{image: '{image}', {kind}}}"));
    let whom = "keyless: [{issuer: 'https://i.example', subject: s@i.example}]";
    let identity = "{keyless: {identities: [{issuer: 'https://i.example', subject: s@i.example}]}}";
    let data = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, key_pem(1));
    vec![
        verification_config(&key(&one)),
        verification_config(&format!("{}, {}", key(&one), key(&two))),
        verification_config(mail),
        verification_config(&format!("{mail}, {below}")),
        verification_config(github),
        verification_config(&annotated),
        format!(
            "apiVersion: v1\nallOf: [{github}]\nanyOf: {{minimumMatches: 1, signatures: [{}, {mail}]}}\n",
            key(&one)
        ),
        format!(
            "apiVersion: v1\nanyOf: {{minimumMatches: 2, signatures: [{}, {}, {mail}]}}\n",
            key(&one),
            key(&two)
        ),
        entry("*", &format!("pubKeys: [{one}, {two}]")),
        entry("*", whom),
        entry("*", &format!("{whom}, annotations: {{stable: 'true'}}")),
        entry("*", &format!("keylessPrefix: [{{issuer: '{GITHUB}', url_prefix: 'https://github.com/team'}}]")),
        entry("*", "githubActions: {owner: team, repo: app}"),
        settings(&format!("{{image: '*', {whom}}}, {{image: '**', pubKeys: [{one}]}}")),
        settings(&format!("{{image: '*', {whom}}}, {{image: 'r.example/*', pubKeys: [{one}]}}")),
        entry("r.example/*", whom),
        entry("*", "keyless: []"),
        cip("[{glob: '**'}]", "[{static: {action: fail}}]"),
        cip("[{glob: 'r.example/a*'}]", "[{static: {action: fail}}]"),
        cip("[{glob: '**'}]", "[{static: {action: pass}}]"),
        cip("[{glob: '**'}]", &format!("[{{key: {{data: {one}}}}}]")),
        cip("[{glob: 'r.example/**'}]", &format!("[{{key: {{data: {one}}}, ctlog: {{url: 'https://rekor.sigstore.dev'}}}}]")),
        cip("[{glob: '**'}]", &format!("[{identity}]")),
        cip("[{glob: 'r.example/a*'}, {glob: 'r.example/b*'}]", &format!("[{identity}, {{key: {{data: {two}}}}}]")),
        cip("[{glob: '**'}]", "[{keyless: {insecureIgnoreSCT: true, identities: [{issuerRegExp: 'i.example', subjectRegExp: '^s@'}]}}]"),
        "{\"default\": [{\"type\": \"reject\"}]}".to_owned(),
        "{\"default\": [{\"type\": \"insecureAcceptAnything\"}]}".to_owned(),
        format!("{{\"default\": [{{\"type\": \"sigstoreSigned\", \"keyData\": \"{data}\", \"signedIdentity\": {{\"type\": \"matchRepository\"}}}}]}}"),
        "{\"default\": [{\"type\": \"reject\"}], \"transports\": {\"docker\": {\"r.example\": [{\"type\": \"insecureAcceptAnything\"}]}}}".to_owned(),
    ]
}

const TARGETS: [Target; 3] =
    [Target::ClusterImagePolicy, Target::VerificationConfig, Target::ContainersPolicy];

/// What is printed loads again and decides as what was read; that it is refused is told otherwise.
#[test]
fn a_conversion_decides_alike_over_all_facts_and_names() {
    let mut converted = Vec::new();
    for (number, text) in policies().iter().enumerate() {
        let policies = read(text);
        for target in TARGETS {
            let Ok(printed) = convert(&policies, target, &Limits::default(), now()) else {
                continue;
            };
            let again = read(&printed);
            assert!(again.iter().all(|policy| policy.format == target.format()), "{printed}");
            assert_eq!(decisions(&policies), decisions(&again), "{text} is no\n{printed}");
            converted.push((number, target.format().name()));
        }
    }
    let config = |number| (number, "verification-config");
    let cip = |number| (number, "cluster-image-policy");
    let json = |number| (number, "containers-policy");
    let mut wanted: Vec<_> = (0..=13).map(config).collect();
    wanted.extend([cip(16), json(16), cip(17), json(17), cip(18), json(18)]);
    wanted.extend((19..=24).map(cip));
    wanted.extend([cip(25), json(25)]);
    assert_eq!(converted, wanted);
}

/// The comparison alone, of every two policies.
#[test]
fn what_is_called_alike_decides_alike() {
    let all: Vec<_> = policies().iter().map(|text| read(text)).collect();
    let decisions: Vec<_> = all.iter().map(|policies| decisions(policies)).collect();
    let mut alike = Vec::new();
    for (at, one) in all.iter().enumerate() {
        for (other_at, other) in all.iter().enumerate().skip(at + 1) {
            if Set::of(one).difference(&Set::of(other)).is_none() {
                assert_eq!(decisions[at], decisions[other_at], "{at} and {other_at}");
                alike.push((at, other_at));
            }
        }
    }
    // Keys of settings and of a config, an identity of both, and what denies everything.
    let denials = [(16, 17), (16, 18), (16, 25), (17, 18), (17, 25), (18, 25)];
    assert_eq!(alike, [[(1, 8), (2, 9)].as_slice(), &denials].concat());
}

#[test]
fn a_refusal_names_the_construct_and_where() {
    let (one, whom) = (quoted(1), "keyless: [{issuer: i, subject: s}]");
    let identity = "issuer: 'https://i.example', subject: s@i.example";
    let keyless = cip(
        "[{glob: '**'}]",
        &format!("[{{name: team, keyless: {{identities: [{{{identity}}}]}}}}]"),
    );
    let cases = [
        (
            keyless.clone(),
            Target::VerificationConfig,
            "`team`: one of the two formats counts Sigstore bundles and the other does not",
        ),
        (
            cip("[{glob: 'r.example/*'}]", &format!("[{{key: {{data: {one}}}}}]")),
            Target::VerificationConfig,
            "the globs `r.example/*`: the target cannot say which images it covers so",
        ),
        (
            verification_config("{kind: githubAction, owner: team}"),
            Target::ClusterImagePolicy,
            "`allOf[0]`: its identities have no equal in a ClusterImagePolicy",
        ),
        (
            verification_config(&format!("{{kind: pubKey, key: {one}}}")),
            Target::ClusterImagePolicy,
            "`allOf[0]`: one of the two formats counts Sigstore bundles and the other does not",
        ),
        (
            keyless,
            Target::ContainersPolicy,
            "a policy.json judges no name that has both tag and digest and always compares the name \
             inside the signature; no other format does",
        ),
        (
            settings(&format!("{{image: 'r.example/*', {whom}}}")),
            Target::VerificationConfig,
            "the pattern `r.example/*`, which is compared with the name as it is written: the \
             target cannot say which images it covers so",
        ),
        (
            cip("[{glob: '**'}]", "[{static: {action: pass}}]"),
            Target::VerificationConfig,
            "it admits by its own word: the target cannot combine its parts so",
        ),
        (
            "{\"default\": [{\"type\": \"insecureAcceptAnything\"}]}".to_owned(),
            Target::ClusterImagePolicy,
            "a scope, which no name with both tag and digest has: the target cannot say which \
             images it covers so",
        ),
        (
            cip("[{glob: '**'}]", "[{static: {action: fail}}]"),
            Target::VerificationConfig,
            "a verification config cannot refuse everything by its own word",
        ),
    ];
    for (text, target, why) in cases {
        let policies = read(&text);
        let refusal = convert(&policies, target, &Limits::default(), now()).unwrap_err();
        assert_eq!(refusal.source().unwrap().to_string(), why);
        let id = &policies[0].id;
        let wanted = format!("policy `{id}` (p.yaml:1) has no exact equivalent");
        assert_eq!(refusal.to_string(), wanted);
    }
}
