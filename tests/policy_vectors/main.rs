//! Decisions of the original policy systems, as data: every case is decided the same here, or stands
//! in an exceptions list with its reason. A module per format. Looked for where
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
    let folder = std::env::var_os("SEALIFT_POLICY_VECTORS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/vectors/policy"),
        PathBuf::from,
    );
    let path = folder.join(name);
    if !path.exists() {
        println!("skipped: no policy vectors at {}", path.display());
        return None;
    }
    Some(serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap())
}
