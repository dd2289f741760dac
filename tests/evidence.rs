//! Every form of evidence that is accepted, and for each what is wrong in one way alone: the
//! archives of `testdata/accepted` and `testdata/negative`, which `VirtualSigstore` minted, judged
//! by the command line. Each table names the signer that is asked for and, for what is wrong, the
//! one code it must be refused with.
#![expect(clippy::unwrap_used, reason = "a test stops where its table is not as it must be")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use sealift::verify::Code;
use serde_json::Value;

#[test]
fn every_accepted_form_is_admitted() {
    let table = table("accepted");
    for case in table["cases"].as_array().unwrap() {
        let output = verify(case, table["now"].as_str().unwrap());
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let verdicts: Vec<_> = report["images"]
            .as_array()
            .unwrap()
            .iter()
            .map(|image| image["verdict"].as_str().unwrap())
            .collect();
        assert_eq!((output.status.code(), verdicts), (Some(0), vec!["admitted"]), "{case}");
    }
}

#[test]
fn every_wrong_one_is_refused_for_what_is_wrong() {
    let table = table("negative");
    for case in table["cases"].as_array().unwrap() {
        let expected = case["expected_code"].as_str().unwrap();
        let output = verify(case, table["now"].as_str().unwrap());
        if expected == "key-weak" && case["signer"]["key"].is_string() {
            // A key that is asked for is no evidence: it is refused before anything is judged.
            let told = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(2), "{case}");
            assert!(told.starts_with("error: key `") && told.contains(" cannot"), "{case}: {told}");
            continue;
        }
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(1), "{case}");
        assert_eq!(codes(&report), BTreeSet::from([expected.to_owned()]), "{case}");
    }
}

/// A code without a case is a check nobody has seen fail.
#[test]
fn every_code_has_a_case_and_a_section() {
    let table = table("negative");
    let cases: BTreeSet<_> = table["cases"]
        .as_array()
        .unwrap()
        .iter()
        .map(|case| case["expected_code"].as_str().unwrap())
        .collect();
    let page = fs::read_to_string(root().join("docs/rejections.md")).unwrap();
    let sections: BTreeSet<_> = page.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    for code in Code::ALL {
        assert!(cases.contains(code.name()), "no case is refused as {code}");
        assert!(sections.contains(code.name()), "docs/rejections.md has no section {code}");
    }
}

/// The codes of rejected evidence, of unmet authorities and of faults, without the frame that says
/// that a policy was not met.
fn codes(report: &Value) -> BTreeSet<String> {
    let own = report["code"].as_str().filter(|code| *code != "policy-not-met").map(str::to_owned);
    let below: Vec<&Value> = match report {
        Value::Array(items) => items.iter().collect(),
        Value::Object(fields) => fields.values().collect(),
        _ => Vec::new(),
    };
    below.into_iter().flat_map(codes).chain(own).collect()
}

fn verify(case: &Value, now: &str) -> Output {
    let testdata = root().join("testdata");
    let mut command = Command::new(env!("CARGO_BIN_EXE_sealift"));
    command.arg("verify").arg(testdata.join(case["file"].as_str().unwrap()));
    command.args(["--evidence-only", "--format", "json", "--verification-time", now]);
    command.arg("--trusted-root").arg(testdata.join(case["trusted_root"].as_str().unwrap()));
    let signer = &case["signer"];
    if let Some(key) = signer["key"].as_str() {
        command.arg("--key").arg(testdata.join(key));
    }
    if let Some(identity) = signer["certificate_identity"].as_str() {
        command.args(["--certificate-identity", identity]);
    }
    if let Some(issuer) = signer["certificate_oidc_issuer"].as_str() {
        command.args(["--certificate-oidc-issuer", issuer]);
    }
    if signer["log"] == "none" {
        command.arg("--insecure-ignore-tlog");
    }
    if signer["sct"] == "none" {
        command.arg("--insecure-ignore-sct");
    }
    if let Some(predicate_type) = case["predicate_type"].as_str() {
        command.args(["--type", predicate_type]);
    }
    command.output().unwrap()
}

fn table(folder: &str) -> Value {
    serde_json::from_slice(
        &fs::read(root().join("testdata").join(folder).join("cases.json")).unwrap(),
    )
    .unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}
