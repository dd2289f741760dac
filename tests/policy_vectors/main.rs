//! Decisions of the original policy systems, as data: every case is decided the same here, or stands
//! in `exceptions.json` with what is decided and why. A module per format. Looked for where
//! `SEALIFT_POLICY_VECTORS` points, else in `../shared/vectors/policy`; where neither is there, the
//! tests say so and do nothing.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops at the first file it cannot read, and says what it did"
)]

mod cluster_image_policy;
mod cluster_image_policy_documents;
mod containers;
mod engines;
mod image_references;
mod kubernetes_objects;
mod kubewarden;
mod object_selector;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

#[derive(Deserialize)]
struct Vectors<T> {
    count: usize,
    cases: Vec<T>,
}

/// The files that are run; the folder holds no other.
const FILES: [&str; 18] = [
    "attestation-distroless-vuln.json",
    "attestation-payload.json",
    "cip-documents.json",
    "cip-globs.json",
    "cip-identities.json",
    "cip-match.json",
    "cip-validation-table.json",
    "containers-policy-parse.json",
    "containers-scopes.json",
    "containers-signed-identity.json",
    "containers-sigstore-signed.json",
    "image-references.json",
    "kubernetes-images.json",
    "kubewarden-image-pattern.json",
    "kubewarden-rewrite.json",
    "kubewarden-settings.json",
    "kubewarden-verification-config.json",
    "policy-engines.json",
];

#[test]
fn every_file_is_run() {
    let Ok(entries) = std::fs::read_dir(folder()) else { return };
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name != "README.md").collect();
    names.sort();
    for name in names.iter().filter(|name| !FILES.contains(&name.as_str())) {
        println!("{name}: not run, of no schema that is known");
    }
    // Somebody else's folder may hold fewer.
    if std::env::var_os("SEALIFT_POLICY_VECTORS").is_none() {
        assert_eq!(names, FILES);
    }
}

/// A case that is decided otherwise here.
#[derive(Debug, Deserialize)]
struct Exception {
    file: String,
    case: String,
    /// What is decided.
    here: String,
    reason: String,
}

/// How the cases of a file come out.
struct Tally {
    file: &'static str,
    exceptions: Vec<Exception>,
    passed: usize,
    excepted: usize,
    failed: Vec<String>,
}

impl Tally {
    fn of(file: &'static str) -> Self {
        let exceptions: Vec<Exception> =
            serde_json::from_str(include_str!("exceptions.json")).unwrap();
        assert!(exceptions.iter().all(|exception| FILES.contains(&exception.file.as_str())));
        let exceptions = exceptions.into_iter().filter(|exception| exception.file == file);
        let exceptions = exceptions.collect();
        Self { file, exceptions, passed: 0, excepted: 0, failed: Vec::new() }
    }

    /// Counts a case, that agrees with the original or is decided as `here` says.
    fn note(&mut self, case: &str, agrees: bool, here: &str) {
        let at = self.exceptions.iter().position(|exception| exception.case == case);
        match at.map(|at| self.exceptions.swap_remove(at)) {
            Some(exception) if agrees => self.failed.push(format!("stale: {exception:?}")),
            Some(exception) if exception.here != here => {
                let Exception { here: wanted, reason, .. } = exception;
                self.failed.push(format!("{case}: {here}, not {wanted}: {reason}"));
            }
            Some(_) => self.excepted += 1,
            None if agrees => self.passed += 1,
            None => self.failed.push(format!("{case}: {here}")),
        }
    }

    fn settle(self) {
        let Self { file, exceptions, passed, excepted, failed } = self;
        let known = match excepted {
            0 => String::new(),
            number => format!(", {number} decided as exceptions.json says"),
        };
        println!("{file}: {passed} passed, {} failed{known}", failed.len());
        assert!(failed.is_empty(), "{}", failed.join("\n"));
        assert!(exceptions.is_empty(), "stale exceptions: {exceptions:?}");
    }
}

/// The cases of a file, or `None` where there are no vectors.
fn cases<T: DeserializeOwned>(name: &str) -> Option<Vec<T>> {
    let vectors: Vectors<T> = file(name)?;
    assert_eq!(vectors.count, vectors.cases.len());
    Some(vectors.cases)
}

/// A further list of a file.
fn list<T: DeserializeOwned>(name: &str, field: &str) -> Option<Vec<T>> {
    let mut vectors: BTreeMap<String, Value> = file(name)?;
    Some(serde_json::from_value(vectors.remove(field).unwrap()).unwrap())
}

/// A whole file, or `None` where there are no vectors.
fn file<T: DeserializeOwned>(name: &str) -> Option<T> {
    assert!(FILES.contains(&name));
    let path = folder().join(name);
    if !path.exists() {
        println!("skipped: no policy vectors at {}", path.display());
        return None;
    }
    Some(serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap())
}

fn folder() -> PathBuf {
    std::env::var_os("SEALIFT_POLICY_VECTORS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/vectors/policy"),
        PathBuf::from,
    )
}
