//! `sealift policy`: what is said of policies before anything is decided by them, word for word.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test runs the binary and stops where that fails"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use sealift::policy::lint::Lint;

const SERVER: &str = "registry.sealift.example/demo/server:2.1.0";
const CONSOLE: &str = "registry.sealift.example/demo/console:3.0.0";
const AS_OF: &str = "2027-01-01T00:00:00Z";

fn demo() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/demo")
}

/// Runs `sealift policy` where the demo's files are.
fn policy(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sealift"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("SEALIFT_")) {
        command.env_remove(name);
    }
    command.current_dir(demo()).arg("policy").args(arguments).output().unwrap()
}

fn told(output: &Output) -> (Option<i32>, &str, &str) {
    let text = |bytes| std::str::from_utf8(bytes).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// A file of this text, by its path.
fn file(name: &str, text: &str) -> (tempfile::TempDir, String) {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join(name);
    fs::write(&path, text).unwrap();
    (home, path.into_os_string().into_string().unwrap())
}

#[test]
fn lint_finds_nothing_in_the_demo() {
    let arguments = ["lint", "policy.yaml", "--archive", "upgrade.tar", "--verification-time"];
    let output =
        policy(&[&arguments[..], &[AS_OF, "--trusted-root", "trusted_root.json"]].concat());
    assert_eq!(told(&output), (Some(0), "0 findings in 1 file\n", ""));
}

const PUBLISHED: &str = "\
signatures:
- image: quay.io/c3os
  keyless:
  - issuer: https://token.actions.githubusercontent.com
    subject: https://github.com/c3os-io/*
";

/// The table of the page is the table of the code, row by row.
#[test]
fn every_lint_stands_in_the_page() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/policy-commands.md");
    let page = fs::read_to_string(page).unwrap();
    let (_, table) =
        page.split_once("| code | why it matters | what to write instead |\n").unwrap();
    let rows = table.lines().skip(1).take_while(|line| line.starts_with('|'));
    let found: Vec<_> = rows.map(str::to_owned).collect();
    let row = |lint: &Lint| format!("| `{}` | {} | {} |", lint.code(), lint.why(), lint.remedy());
    assert_eq!(found, Lint::ALL.iter().map(row).collect::<Vec<_>>());
}

#[test]
fn lint_says_what_why_and_what_next() {
    let (_home, path) = file("p.yaml", PUBLISHED);
    let output = policy(&["lint", &path]);
    let (code, text, stderr) = told(&output);
    assert_eq!((code, stderr), (Some(1), ""));
    let wanted = "\
2 findings in 1 file

P:2: `image` is `quay.io/c3os` [image-without-wildcard]
  why it matches only an image written exactly so, without tag and digest; any
      other is accepted unverified by Kubewarden
  next write `/*` or `:*` behind it

P:5: `subject` is `https://github.com/c3os-io/*` [literal-star]
  why the text is compared as it is: only a certificate with a star in it has it
  next write the whole text, or use the field for expressions or prefixes where
       the format has one
";
    // A path longer than the line is broken; of a short one nothing is.
    let at = |text: &str| text.replace(['\n', ' '], "");
    assert_eq!(at(text), at(&wanted.replace("P:", &format!("{path}:"))));
    assert!(text.lines().all(|line| line.len() <= 80), "{text}");

    let output = policy(&["lint", &path, "--format", "json"]);
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let wanted = serde_json::json!({
        "formatVersion": 1,
        "findings": [
            {
                "code": "image-without-wildcard",
                "file": path,
                "line": 2,
                "what": "`image` is `quay.io/c3os`",
                "why": "it matches only an image written exactly so, without tag and digest; any \
                        other is accepted unverified by Kubewarden",
                "remedy": "write `/*` or `:*` behind it",
            },
            {
                "code": "literal-star",
                "file": path,
                "line": 5,
                "what": "`subject` is `https://github.com/c3os-io/*`",
                "why": "the text is compared as it is: only a certificate with a star in it has it",
                "remedy": "write the whole text, or use the field for expressions or prefixes \
                           where the format has one",
            },
        ],
    });
    assert_eq!((output.status.code(), found), (Some(1), wanted));
}

#[test]
fn lint_holds_policies_against_an_archive() {
    let text = fs::read_to_string(demo().join("policy.yaml")).unwrap();
    let text = text
        .replace("demo/agent*", "demo/agents*")
        .replace("maintainer@sealift.example", "nobody@sealift.example");
    let (_home, path) = file("p.yaml", &text);
    let root = ["--archive", "upgrade.tar", "--trusted-root", "trusted_root.json"];
    let arguments = [&["lint", &path, "--verification-time", AS_OF], &root[..]].concat();
    let output = policy(&[&arguments[..], &["--format", "json"]].concat());
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let what: Vec<_> = found["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| {
            (finding["line"].as_u64().unwrap(), finding["what"].as_str().unwrap().to_owned())
        })
        .collect();
    let wanted = [
        (
            23,
            "policy `demo-agent`: no image is called as `registry.sealift.example/demo/agents*` \
             says",
        ),
        (
            46,
            "policy `demo-console`, part `maintainer`: nobody signed as `nobody@sealift.example`, \
             issuer `https://accounts.sealift.example`",
        ),
    ];
    assert_eq!(what, wanted.map(|(line, what)| (line, what.to_owned())));
    // The trust that verification needs is needed here.
    let output = policy(&["lint", "policy.yaml", "--archive", "upgrade.tar"]);
    let wanted = "error: a trusted root is needed: certificates are judged by its authorities\n";
    let (code, stdout, stderr) = told(&output);
    assert_eq!((code, stdout, stderr.starts_with(wanted)), (Some(2), "", true), "{stderr}");
}

#[test]
fn lint_cannot_read_what_is_no_policy() {
    let (_home, path) = file("p.yaml", "kind: Pod\n");
    let wanted = format!(
        "error: policy file `{path}`, line 1 (document 1): the document is a `Pod`, which is no \
         policy that sealift reads\n"
    );
    assert_eq!(told(&policy(&["lint", &path])), (Some(2), "", wanted.as_str()));
}

fn explain(image: &str, policies: &str) -> Output {
    let fixed = ["--archive", "upgrade.tar", "--trusted-root", "trusted_root.json"];
    let given = ["explain", "--image", image, "--policy", policies, "--verification-time", AS_OF];
    policy(&[&given[..], &fixed[..]].concat())
}

#[test]
fn explain_tells_policy_part_and_evidence() {
    let wanted = "\
ADMITTED registry.sealift.example/demo/server:2.1.0
  sha256:ed6e687854d08e3a00bb9cfa3d7c70529bdc70414b14bed40eead7b146e23b1d

policy `demo-server` holds
  at policy.yaml:1, cluster-image-policy
  covers registry.sealift.example/demo/server:2.1.0
  `release-workflow`: met
    evidence sha256:f3656825355b
      signature
      signed by https://github.com/sealift-demo/upgrade/.github/workflows/releas
                e.yml@refs/tags/v2.1.0
      issuer https://token.actions.githubusercontent.com
      log https://rekor.virtual.sealift.example entry 4163442,
          2026-03-01T12:00:00Z, promised
      note the certificates that came with the signature are no trust root and
           were ignored

policy `demo-agent` does not apply
  at policy.yaml:16, cluster-image-policy
  its images are registry.sealift.example/demo/agent*

policy `demo-console` does not apply
  at policy.yaml:32, cluster-image-policy
  its images are registry.sealift.example/demo/console*

judged by sealift 0.1.0 as of 2027-01-01T00:00:00Z
";
    assert_eq!(told(&explain(SERVER, "policy.yaml")), (Some(0), wanted, ""));
}

/// A part that is not met beside one that is, and what a policy of mode warn does.
const TWO_PARTS: &str = "\
apiVersion: policy.sigstore.dev/v1alpha1
kind: ClusterImagePolicy
metadata: {name: mixed}
spec:
  images: [{glob: '**'}]
  authorities:
  - name: nobody
    keyless:
      identities: [{issuer: https://accounts.sealift.example, subject: nobody@sealift.example}]
  - name: refusal
    static: {action: fail, message: not this one}
";

#[test]
fn explain_tells_what_evidence_lacks() {
    let (home, _) = file("mixed.yaml", TWO_PARTS);
    let path = home.path().join("mixed.yaml");
    let output = explain(CONSOLE, path.to_str().unwrap());
    let (code, text, stderr) = told(&output);
    assert_eq!((code, stderr), (Some(1), ""), "{text}");
    let (_, parts) = text.split_once("demo/console:3.0.0\n  any one").unwrap();
    let (parts, _) = parts.split_once("\n  in its own words").unwrap();
    let wanted = " of these: not met
    `nobody`: not met
      evidence sha256:3a6d55ede013
        but signed by `maintainer@sealift.example`, issuer
            `https://accounts.sealift.example` [identity-mismatch]
      evidence sha256:05e3f6fe8eae
        but a signature is demanded, this is an attestation of
            `https://spdx.dev/Document` [not-a-signature]
    `refusal`: not met
      it refuses by its own word: not this one";
    assert_eq!(parts, wanted);
}

fn test_of(cases: &str) -> String {
    let home = demo();
    let home = home.to_str().unwrap();
    format!(
        "apiVersion: sealift/v1\nkind: PolicyTest\narchive: {home}/upgrade.tar\n\
         policies: [{home}/policy.yaml]\ntrustedRoot: {home}/trusted_root.json\n\
         verificationTime: {AS_OF}\ncases:\n{cases}"
    )
}

#[test]
fn test_compares_verdicts_with_expectations() {
    let (_home, path) = file(
        "t.yaml",
        &test_of(&format!("- {{image: '{SERVER}', expect: admitted, by: demo-server}}\n")),
    );
    assert_eq!(told(&policy(&["test", &path])), (Some(0), "1 passed, 0 failed\n", ""));

    let cases = format!(
        "- {{image: '{SERVER}', expect: admitted}}\n- {{image: '{SERVER}', expect: uncovered}}\n\
         - {{image: '{CONSOLE}', expect: admitted, by: demo-server}}\n"
    );
    let (home, _) = file("t.yaml", &test_of(&cases));
    let output = policy(&["test", home.path().join("t.yaml").to_str().unwrap()]);
    let (code, text, stderr) = told(&output);
    assert_eq!((code, stderr), (Some(1), ""));
    let at = |line: usize, image: &str| {
        format!("{}:{line}: {image}\n", home.path().join("t.yaml").display())
    };
    let wanted = format!(
        "1 passed, 2 failed\n{}  expected uncovered\n  found admitted by policy `demo-server`\n\
         {}  expected admitted by policy `demo-server`\n  found admitted by policy `demo-console`\n",
        at(9, SERVER),
        at(10, CONSOLE),
    );
    let whole = |text: &str| text.replace(['\n', ' '], "");
    assert_eq!(whole(text), whole(&wanted));
}

/// Paths are relative to the file, and a reason is any code of the report.
#[test]
fn test_knows_reasons_and_what_nothing_covers() {
    let home = tempfile::tempdir().unwrap();
    for name in ["upgrade.tar", "trusted_root.json", "policy.yaml"] {
        fs::copy(demo().join(name), home.path().join(name)).unwrap();
    }
    let text = fs::read_to_string(demo().join("policy.yaml")).unwrap();
    let text = text
        .replace("demo/agent*", "demo/agents*")
        .replace("maintainer@sealift.example", "nobody@sealift.example");
    fs::write(home.path().join("policy.yaml"), text).unwrap();
    let test = format!(
        "apiVersion: sealift/v1\nkind: PolicyTest\narchive: upgrade.tar\npolicies: [policy.yaml]\n\
         trustedRoot: trusted_root.json\nverificationTime: {AS_OF}\ncases:\n\
         - {{image: 'registry.sealift.example/demo/agent:1.4.2', expect: uncovered}}\n\
         - {{image: '{CONSOLE}', expect: denied, by: demo-console, reason: identity-mismatch}}\n\
         - {{image: '{CONSOLE}', expect: denied, reason: policy-not-met}}\n"
    );
    let path = home.path().join("t.yaml");
    fs::write(&path, &test).unwrap();
    let output = policy(&["test", path.to_str().unwrap()]);
    assert_eq!(told(&output), (Some(0), "3 passed, 0 failed\n", ""));

    let absent = test.replace(CONSOLE, "registry.sealift.example/demo/other:1");
    fs::write(&path, absent).unwrap();
    let output = policy(&["test", path.to_str().unwrap()]);
    let (code, stdout, stderr) = told(&output);
    let wanted = "error: no image of the archive is `registry.sealift.example/demo/other:1`\n";
    assert_eq!((code, stdout, stderr.starts_with(wanted)), (Some(2), "", true), "{stderr}");
}

#[test]
fn convert_is_exact_or_refuses() {
    let (_home, path) = file(
        "p.yaml",
        "signatures:\n- image: '*'\n  githubActions: {owner: team}\n  annotations: {a: b}\n",
    );
    let wanted = r#"{
  "allOf": [
    {
      "annotations": {
        "a": "b"
      },
      "kind": "githubAction",
      "owner": "team"
    }
  ],
  "apiVersion": "v1"
}
"#;
    let output = policy(&["convert", &path, "--to", "verification-config"]);
    assert_eq!(told(&output), (Some(0), wanted, ""));

    // A policy.json is one already.
    let text = r#"{"default": [{"type": "sigstoreSigned", "keyPath": "cosign.pub"}]}"#;
    let (_home, path) = file("policy.json", text);
    assert_eq!(told(&policy(&["convert", &path, "--to", "policy.json"])), (Some(0), text, ""));

    let output = policy(&["convert", "policy.yaml", "--to", "verification-config"]);
    let wanted = "error: policy `demo-server` (policy.yaml:1) has no exact equivalent: the globs \
                  `registry.sealift.example/demo/server*`: the target cannot say which images it \
                  covers so\n";
    assert_eq!(told(&output), (Some(2), "", wanted));
}
