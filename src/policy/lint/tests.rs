use std::collections::BTreeSet;
use std::error::Error as _;

use super::*;
use crate::digest::Digest;
use crate::policy::PolicySet;
use crate::policy::specimen::{by_identity, by_key, key_pem};
use crate::verify;

fn now() -> UnixTime {
    UnixTime::from_seconds(1_800_000_000).unwrap()
}

/// The line and kind of each finding.
fn found(text: &str) -> Vec<(usize, &'static str)> {
    let file = PolicyFile { name: "p", bytes: text.as_bytes() };
    let found = lint(&[file], &Limits::default(), now(), Beside::NOTHING).unwrap();
    found.iter().map(|finding| (finding.line, finding.lint.code())).collect()
}

/// A PEM key on one line of YAML.
fn quoted(number: usize) -> String {
    format!("\"{}\"", key_pem(number).replace('\n', "\\n"))
}

/// Images in line 5, authorities in line 6, mode in line 7.
fn cip(images: &str, authorities: &str) -> String {
    format!(
        "apiVersion: policy.sigstore.dev/v1alpha1\nkind: ClusterImagePolicy\n\
         metadata: {{name: p}}\nspec:\n  images: {images}\n  authorities: {authorities}\n  \
         mode: enforce\n"
    )
}

fn identity(fields: &str) -> String {
    cip("[{glob: '**'}]", &format!("[{{keyless: {{identities: [{{{fields}}}]}}}}]"))
}

/// An entry in line 2.
fn settings(entry: &str) -> String {
    format!("signatures:\n- {{{entry}}}\n")
}

const WHOM: &str = "keyless: [{issuer: 'https://i.example', subject: s@i.example}]";

/// What triggers a finding, its line, and the same put right.
struct Case(Lint, usize, String, String);

fn cases() -> Vec<Case> {
    let formats =
        [cluster_image_policy(), kubewarden_settings(), verification_config(), containers_policy()];
    formats.into_iter().flatten().collect()
}

fn cluster_image_policy() -> Vec<Case> {
    let subject = "issuer: 'https://i.example'";
    let ok = identity(&format!("{subject}, subject: s@i.example"));
    let key = quoted(1);
    let two = format!("{}{}", key.trim_end_matches('"'), quoted(2).trim_start_matches('"'));
    let by_key = |key: &str| cip("[{glob: '**'}]", &format!("[{{key: {{data: {key}}}}}]"));
    let glob = |glob: &str| ok.replace("'**'", &format!("'{glob}'"));
    let log = |log: &str| {
        cip("[{glob: '**'}]", &format!("[{{key: {{data: {key}}}, ctlog: {log}}}]"))
            .replace("v1alpha1", "v1beta1")
    };
    let static_ =
        |action: &str| cip("[{glob: '**'}]", &format!("[{{static: {{action: {action}}}}}]"));
    vec![
        Case(Lint::NOT_ACCEPTED, 6, ok.replace("identities", "identites"), ok.clone()),
        Case(
            Lint::UNANCHORED_EXPRESSION,
            6,
            identity(&format!("{subject}, subjectRegExp: 'github\\.com/team/'")),
            identity(&format!("{subject}, subjectRegExp: '^https://github\\.com/team/[^/]+$'")),
        ),
        Case(
            Lint::UNANCHORED_EXPRESSION,
            6,
            identity("issuerRegExp: '^https://i\\.example', subject: s"),
            identity("issuerRegExp: '^https://i\\.example$', subject: s"),
        ),
        Case(
            Lint::MATCHES_ANYONE,
            6,
            identity(&format!("{subject}, subjectRegExp: '.*'")),
            identity(&format!("{subject}, subjectRegExp: '^s.*$'")),
        ),
        Case(
            Lint::LITERAL_STAR,
            6,
            identity(&format!("{subject}, subject: 'https://github.com/team/*'")),
            identity(&format!("{subject}, subject: 'https://github.com/team/app'")),
        ),
        Case(Lint::GLOB_BY_TAG, 5, glob("r.example/a:v1"), glob("r.example/a@*")),
        Case(Lint::GLOB_BY_TAG, 5, glob("r.example/a:*"), glob("r.example/a*")),
        Case(Lint::GLOB_BY_TAG, 5, glob("r.example/**/a"), glob("r.example/**")),
        Case(
            Lint::GLOB_OF_DOCKER_IO,
            5,
            glob("docker.io/team/**"),
            glob("index.docker.io/team/**"),
        ),
        Case(Lint::FURTHER_KEYS, 6, by_key(&two), by_key(&key)),
        Case(
            Lint::CA_CERT,
            6,
            cip(
                "[{glob: '**'}]",
                &format!(
                    "[{{keyless: {{ca-cert: {{data: {key}}}, identities: [{{issuer: i, subject: s}}]}}}}]"
                ),
            ),
            cip("[{glob: '**'}]", "[{keyless: {identities: [{issuer: i, subject: s}]}}]"),
        ),
        Case(Lint::LOST_LOG, 6, log("{}"), log("{url: 'https://rekor.sigstore.dev'}")),
        Case(Lint::LOST_LOG, 6, log("{}"), log("{}").replace("v1beta1", "v1alpha1")),
        Case(Lint::ACCEPTS_UNSIGNED, 6, static_("pass"), static_("fail")),
        Case(Lint::ONLY_WARNS, 1, ok.replace("mode: enforce", "mode: warn"), ok.clone()),
    ]
}

fn kubewarden_settings() -> Vec<Case> {
    let key = quoted(1);
    let two = format!("{}{}", key.trim_end_matches('"'), quoted(2).trim_start_matches('"'));
    let of = |pattern: &str| settings(&format!("image: '{pattern}', {WHOM}"));
    let prefix = |field: &str, url: &str| {
        settings(&format!(
            "image: '*', keylessPrefix: [{{issuer: 'https://i.example', {field}: '{url}'}}]"
        ))
    };
    let carrier = |mutating: bool| {
        format!(
            "apiVersion: policies.kubewarden.io/v1\nkind: ClusterAdmissionPolicy\n\
             metadata: {{name: p}}\nspec:\n  module: ghcr.io/kubewarden/policies/verify-image-signatures:v0.3.0\n  \
             mutating: {mutating}\n  settings: {{signatures: [{{image: '*', {WHOM}}}]}}\n"
        )
    };
    vec![
        Case(
            Lint::LITERAL_STAR,
            2,
            settings("image: '*', keyless: [{issuer: 'https://i', subject: '*@i'}]"),
            settings("image: '*', keyless: [{issuer: 'https://i', subject: 's@i'}]"),
        ),
        Case(
            Lint::FURTHER_KEYS,
            2,
            settings(&format!("image: '*', pubKeys: [{two}]")),
            settings(&format!("image: '*', pubKeys: [{key}, {}]", quoted(2))),
        ),
        Case(Lint::IMAGE_WITHOUT_WILDCARD, 2, of("quay.io/c3os"), of("quay.io/c3os/*")),
        Case(Lint::IMAGE_WITHOUT_WILDCARD, 2, of("nginx"), of("nginx:1")),
        Case(
            Lint::URL_PREFIX_SPELLING,
            2,
            prefix("urlPrefix", "https://github.com/team/"),
            prefix("url_prefix", "https://github.com/team/"),
        ),
        Case(
            Lint::DEAD_PREFIX,
            2,
            prefix("url_prefix", "https://github.com/team/?a=b"),
            prefix("url_prefix", "https://github.com/team/"),
        ),
        Case(
            Lint::EMPTY_DEMAND,
            2,
            settings("image: '*', keyless: []"),
            settings(&format!("image: '*', {WHOM}")),
        ),
        Case(
            Lint::EMPTY_DEMAND,
            2,
            settings("image: '*', githubActions: {owner: ''}"),
            settings("image: '*', githubActions: {owner: team}"),
        ),
        Case(
            Lint::SEVERAL_KINDS,
            2,
            settings(&format!("image: '*', {WHOM}, githubActions: {{owner: team}}")),
            settings(&format!("image: '*', {WHOM}")),
        ),
        Case(Lint::MAY_NOT_REWRITE, 6, carrier(false), carrier(true)),
    ]
}

fn verification_config() -> Vec<Case> {
    let key = quoted(1);
    let config = |body: &str| format!("apiVersion: v1\n{body}\n");
    let signature = format!("{{kind: pubKey, key: {key}}}");
    let generic = |subject: &str| {
        config(&format!(
            "allOf: [{{kind: genericIssuer, issuer: 'https://i', subject: {subject}}}]"
        ))
    };
    let github =
        |owner: &str| config(&format!("allOf: [{{kind: githubAction, owner: '{owner}'}}]"));
    let any_of = |number: u8| {
        config(&format!("anyOf:\n  minimumMatches: {number}\n  signatures: [{signature}]"))
    };
    vec![
        Case(Lint::LITERAL_STAR, 2, generic("{equal: '*@i'}"), generic("{equal: s@i}")),
        Case(
            Lint::UNUSABLE_KEY,
            2,
            config("allOf: [{kind: pubKey, key: none}]"),
            config(&format!("allOf: [{signature}]")),
        ),
        Case(
            Lint::DEAD_PREFIX,
            2,
            generic(
                "{urlPrefix: 'https://github.com/t/a/.github/workflows/a.yml@refs/heads/main'}",
            ),
            generic("{urlPrefix: 'https://github.com/t/a/.github/workflows'}"),
        ),
        Case(
            Lint::DEAD_PREFIX,
            2,
            generic("{urlPrefix: 'https://github.com/t/a/.github/workflows/a.yml'}"),
            generic("{urlPrefix: 'https://github.com/t/a/'}"),
        ),
        Case(Lint::EMPTY_DEMAND, 2, github(""), github("team")),
        Case(
            Lint::NOTHING_DEMANDED,
            2,
            config("allOf: []"),
            config(&format!("allOf: [{signature}]")),
        ),
        Case(Lint::NOTHING_DEMANDED, 3, any_of(0), any_of(1)),
        Case(Lint::TOO_MANY_MATCHES, 3, any_of(2), any_of(1)),
    ]
}

fn containers_policy() -> Vec<Case> {
    let data = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, key_pem(1));
    let json = |requirement: &str, scopes: &str| {
        format!(
            "{{\"default\": [{{\"type\": \"reject\"}}],\n\"transports\": {{\"docker\": {{\n{scopes}: [{requirement}]}}}}}}\n"
        )
    };
    let signed = |identity: &str| {
        format!("{{\"type\": \"sigstoreSigned\", \"keyData\": \"{data}\"{identity}}}")
    };
    let repository = ", \"signedIdentity\": {\"type\": \"matchRepository\"}";
    vec![
        Case(
            Lint::ACCEPTS_UNSIGNED,
            3,
            json("{\"type\": \"insecureAcceptAnything\"}", "\"h.example\""),
            json("{\"type\": \"reject\"}", "\"h.example\""),
        ),
        Case(
            Lint::DEAD_SCOPE,
            3,
            json(&signed(repository), "\"busybox\""),
            json(&signed(repository), "\"docker.io/library/busybox\""),
        ),
        Case(
            Lint::IDENTITY_BY_TAG,
            3,
            json(&signed(""), "\"h.example\""),
            json(&signed(repository), "\"h.example\""),
        ),
        Case(
            Lint::IDENTITY_BY_TAG,
            3,
            json(&signed(", \"signedIdentity\": {\"type\": \"matchExact\"}"), "\"h.example\""),
            json(&signed(repository), "\"h.example\""),
        ),
    ]
}

#[test]
fn every_kind_is_found_with_its_line_and_not_where_it_is_put_right() {
    for Case(lint, line, wrong, right) in cases() {
        let of_kind = |text: &str| -> Vec<_> {
            found(text).into_iter().filter(|(_, code)| *code == lint.code()).collect()
        };
        assert_eq!(of_kind(&wrong), [(line, lint.code())], "{wrong}");
        assert_eq!(found(&right), [], "{right}");
    }
    let tried: BTreeSet<_> = cases().iter().map(|Case(lint, ..)| lint.code()).collect();
    let of_archives = [Lint::COVERS_NO_IMAGE, Lint::DEAD_IDENTITY, Lint::DEAD_KEY].map(Lint::code);
    let all: BTreeSet<_> = Lint::ALL.iter().map(|lint| lint.code()).collect();
    assert_eq!(all.len(), Lint::ALL.len());
    assert_eq!(tried.into_iter().chain(of_archives).collect::<BTreeSet<_>>(), all);
}

#[test]
fn what_cannot_be_read_is_an_error() {
    let cases: [(&[u8], &str); 3] = [
        (b"", "the file holds no policy"),
        (b"a: [", r"unclosed bracket \'[\'"),
        (b"kind: Pod\n", "the document is a `Pod`, which is no policy that sealift reads"),
    ];
    for (bytes, why) in cases {
        let file = PolicyFile { name: "p", bytes };
        let error = lint(&[file], &Limits::default(), now(), Beside::NOTHING).unwrap_err();
        assert_eq!(error.source().unwrap().to_string(), why);
    }
}

#[test]
fn a_refusal_is_told_with_its_causes() {
    let text = identity("issuer: i, subjectRegExp: '^(a$'");
    let file = PolicyFile { name: "p", bytes: text.as_bytes() };
    let found = lint(&[file], &Limits::default(), now(), Beside::NOTHING).unwrap();
    let refusal = found.iter().find(|finding| finding.lint == Lint::NOT_ACCEPTED).unwrap();
    assert_eq!((refusal.file.as_str(), refusal.line), ("p", 6));
    assert!(refusal.what.contains("subjectRegExp"), "{}", refusal.what);
}

/// The findings of a policy, held against images called so and signed so.
fn idle(text: &str, images: &[Seen]) -> Vec<(usize, &'static str, String)> {
    let file = PolicyFile { name: "p", bytes: text.as_bytes() };
    let policies = document::parse(&[file], &Limits::default(), now()).unwrap();
    let policies = PolicySet::new(policies).unwrap();
    let found = unused(&policies, &[file], images, &Limits::default()).unwrap();
    found.into_iter().map(|finding| (finding.line, finding.lint.code(), finding.what)).collect()
}

fn seen(name: &str, signers: &[verify::Signer]) -> Seen {
    Seen {
        digest: Digest::sha256(b"image"),
        names: vec![name.parse().unwrap()],
        signers: signers.to_vec(),
    }
}

#[test]
fn what_an_archive_makes_no_use_of() {
    let text = format!(
        "apiVersion: policy.sigstore.dev/v1alpha1\nkind: ClusterImagePolicy\nmetadata: {{name: p}}\n\
         spec:\n  images:\n  - glob: r.example/a*\n  - glob: r.example/b*\n  authorities:\n  - key:\n      \
         data: {}\n  - keyless:\n      identities:\n      - issuer: https://i.example\n        \
         subject: https://s.example/a\n      - issuer: https://i.example\n        subject: https://s.example/b\n",
        quoted(2)
    );
    let ours = by_identity("https://s.example/a", "https://i.example").signer;
    let image = seen("r.example/a:1", &[ours.clone(), by_key(1).signer]);
    let key = crate::policy::specimen::key(2).id();
    assert_eq!(
        idle(&text, &[image]),
        [
            (
                7,
                "covers-no-image",
                "policy `p`: no image is called as `r.example/b*` says".to_owned()
            ),
            (
                10,
                "dead-key",
                format!("policy `p`, part `authority-0`: nobody signed with the key {key}")
            ),
            (
                16,
                "dead-identity",
                "policy `p`, part `authority-1`: nobody signed as `https://s.example/b`, issuer \
                 `https://i.example`"
                    .to_owned()
            ),
        ]
    );
    // All of it is made use of.
    let other = by_identity("https://s.example/b", "https://i.example").signer;
    let signers = [ours, other, by_key(2).signer];
    let images = [seen("r.example/a:1", &signers), seen("r.example/b:1", &[])];
    assert_eq!(idle(&text, &images), []);
}

/// In a group nothing may be rewritten, whatever it says.
#[test]
fn a_member_of_a_group_may_not_rewrite() {
    let group = |more: &str| {
        format!(
            "apiVersion: policies.kubewarden.io/v1\nkind: AdmissionPolicyGroup\n\
             metadata: {{name: p}}\nspec:\n  expression: a()\n  policies:\n    a:\n      \
             module: verify-image-signatures:v1.0.0\n      \
             settings: {{signatures: [{{image: '*', {WHOM}}}]{more}}}\n"
        )
    };
    assert_eq!(found(&group("")), [(9, "may-not-rewrite")]);
    assert_eq!(found(&group(", modifyImagesWithDigest: false")), []);
}

/// Every refusal is told, but not of what names a document that is itself refused.
#[test]
fn one_refusal_hides_no_other() {
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {key: '%'}\n";
    let by_secret = cip("[{glob: '**'}]", "[{key: {secretRef: {name: s}}}]");
    let misspelt = identity("isuer: a, subject: b");
    let files = [("1", secret), ("2", &by_secret), ("3", &misspelt), ("4", "signatures: []\n")];
    let files = files.map(|(name, text)| PolicyFile { name, bytes: text.as_bytes() });
    let found = lint(&files, &Limits::default(), now(), Beside::NOTHING).unwrap();
    let told: Vec<_> =
        found.iter().map(|finding| (&*finding.file, finding.what.as_str())).collect();
    let wanted = [
        ("1", "the Secret `s` has in `data.key` no base64"),
        ("3", "policy-controller refuses it: unable to unmarshal: json: unknown field \"isuer\""),
        ("4", "Signatures must not be empty"),
    ];
    assert_eq!(told, wanted);
    assert!(found.iter().all(|finding| finding.lint == Lint::NOT_ACCEPTED));
    // What names a document that nobody gave is at fault itself.
    let without = lint(&files[1..], &Limits::default(), now(), Beside::NOTHING).unwrap();
    let told: Vec<_> = without.iter().map(|finding| (&*finding.file, finding.line)).collect();
    assert_eq!(told, [("2", 6), ("3", 6), ("4", 1)]);
}

/// What is carried in a text, or stands in a list, has its line of the file.
#[test]
fn what_an_archive_makes_no_use_of_is_found_within() {
    let carried = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  \
                   verification-config: |\n    apiVersion: v1\n    allOf:\n    \
                   - kind: genericIssuer\n      issuer: https://i.example\n      \
                   subject: {equal: nobody}\n";
    let policy = |name: &str, glob: &str| {
        let policy = cip(&format!("\n    - glob: {glob}"), "[{static: {action: fail}}]");
        let policy = policy.replace("name: p", &format!("name: {name}"));
        format!("- {}\n", policy.trim_end().replace('\n', "\n  "))
    };
    let list =
        format!("kind: List\nitems:\n{}{}", policy("a", "'**'"), policy("b", "r.example/b*"));
    let image = [seen("r.example/a:1", &[by_key(1).signer])];
    let wanted =
        "policy `c`, part `allOf[0]`: nobody signed as `nobody`, issuer `https://i.example`";
    assert_eq!(idle(carried, &image), [(10, "dead-identity", wanted.to_owned())]);
    let wanted = "policy `b`: no image is called as `r.example/b*` says";
    assert_eq!(idle(&list, &image), [(16, "covers-no-image", wanted.to_owned())]);
}

/// A config in a `ConfigMap` is looked at as one that stands alone, line for line of the file.
#[test]
fn a_carried_config_is_looked_at() {
    let text = "kind: ConfigMap\ndata:\n  verification-config: |\n    allOf:\n    - kind: genericIssuer\n      issuer: https://i.example\n      subject: {equal: 's*'}\n";
    assert_eq!(found(text), [(7, "literal-star")]);
}
