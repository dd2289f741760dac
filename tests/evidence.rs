//! Every form of evidence that is accepted, and for each what is wrong in one way alone: the
//! archives of `testdata/accepted` and `testdata/negative`, which `VirtualSigstore` minted, judged
//! by the command line. Each table names the signer that is asked for and, for what is wrong, the
//! one code it must be refused with.
#![expect(clippy::unwrap_used, reason = "a test stops where its table is not as it must be")]

use std::collections::{BTreeMap, BTreeSet};
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

#[test]
fn what_is_asked_for_is_asked_of_every_form() {
    let table = table("negative");
    for case in table["unmet"].as_array().unwrap() {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sealift"));
        command.current_dir(root().join("testdata"));
        command.arg("verify").arg(case["file"].as_str().unwrap());
        command.args(["--evidence-only", "--format", "json"]);
        command.args(["--verification-time", table["now"].as_str().unwrap()]);
        let arguments = case["arguments"].as_array().unwrap();
        command.args(arguments.iter().map(|text| text.as_str().unwrap()));
        let output = command.output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{case}: {told}");
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let expected = case["expected_code"].as_str().unwrap().to_owned();
        assert_eq!(codes(&report["images"]), BTreeSet::from([expected]), "{case}");
    }
}

/// A code without a case is a check nobody has seen fail.
#[test]
fn every_code_has_a_case_and_a_section() {
    let cases = cases_by_code();
    let sections = sections();
    for code in Code::ALL {
        assert!(cases.contains(code.name()), "no case is refused as {code}");
        assert!(sections.contains(code.name()), "docs/rejections.md has no section {code}");
    }
}

/// The codes that are no rejection's stand in the source, one function for each enum and some beside
/// what they are of. Archives that cannot be read are minted in memory, so their codes have a test
/// that names them, or the variant that has them, instead of a case.
#[test]
fn every_other_code_has_a_section_and_a_test() {
    // The variants of each code.
    let mut codes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in [
        "src/archive/blob.rs",
        "src/archive/error.rs",
        "src/inventory/mod.rs",
        "src/policy/judge.rs",
        "src/policy/requirement.rs",
    ] {
        let text = read(file);
        let (_, rest) = text.split_once("pub fn code(&self) -> &'static str {").unwrap();
        let (body, _) = rest.split_once("\n    }\n").unwrap();
        let mut variants = Vec::new();
        for line in body.lines() {
            let named =
                |rest: &str| rest.split(|c: char| !c.is_alphanumeric()).next().map(str::to_owned);
            variants.extend(line.split("Self::").skip(1).filter_map(named));
            if let Some(code) = line.split('"').nth(1) {
                codes.entry(code.to_owned()).or_default().append(&mut variants);
            }
        }
    }
    for file in ["src/engine/blobs.rs", "src/engine/parts.rs", "src/engine/record.rs"] {
        let text = read(file);
        for before in ["code: \"", "fault(\"", "of_ledger(\""] {
            let after = text.split(before).skip(1).filter_map(|rest| rest.split('"').next());
            for code in after {
                codes.entry(code.to_owned()).or_default();
            }
        }
    }
    let rejections = Code::ALL.iter().map(|code| code.name().to_owned());
    let all: BTreeSet<String> = codes.keys().cloned().chain(rejections).collect();
    assert_eq!(sections(), all, "sections of docs/rejections.md (left), codes (right)");

    // What is asked for and was not planned is refused, and nothing is asked for that was not.
    assert!(codes.remove("not-hashed").is_some());
    let (cases, tests) = (cases_by_code(), tests());
    let is_seen = |code: &String, variants: &[String]| {
        let names = variants.iter().map(|variant| format!("::{variant}"));
        let mut names = names.chain([format!("\"{code}\"")]);
        cases.contains(code) || names.any(|name| tests.contains(&name))
    };
    codes.retain(|code, variants| !is_seen(code, variants));
    assert_eq!(codes, BTreeMap::new(), "codes without a case and without a test");
}

/// The codes of both tables.
fn cases_by_code() -> BTreeSet<String> {
    let table = table("negative");
    let list = |name| table.get(name).unwrap().as_array().unwrap().clone();
    let cases = [list("cases"), list("unmet")];
    cases.concat().iter().map(|case| case["expected_code"].as_str().unwrap().to_owned()).collect()
}

fn sections() -> BTreeSet<String> {
    let page = read("docs/rejections.md");
    page.lines().filter_map(|line| line.strip_prefix("## ")).map(str::to_owned).collect()
}

/// The text of every test: the programs, and the modules below `#[cfg(test)]`.
fn tests() -> String {
    let mut texts = String::new();
    let mut folders = vec![root().join("tests"), root().join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let is_test = path.starts_with(root().join("tests")) || path.ends_with("tests.rs");
                let text = if is_test {
                    &text
                } else {
                    text.split_once("#[cfg(test)]").map_or("", |(_, tests)| tests)
                };
                texts.push_str(text);
            }
        }
    }
    texts
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

fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}
