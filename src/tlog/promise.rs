//! A *promise*: Rekor v1's signed entry timestamp (SET), a signature over an entry and the time the
//! log took it. It is the only proof of that time.

use serde::Serialize;

use super::{Entry, Log};
use crate::crypto::InvalidSignature;
use crate::digest::hex;

/// Proves that `log` signed the entry with its integrated time.
pub fn verify(
    entry: &Entry,
    integrated_time: i64,
    promise: &[u8],
    log: &Log,
) -> Result<(), InvalidSignature> {
    let signed = Signed {
        body: &entry.body_base64,
        integrated_time,
        log_id: hex(&entry.log_id),
        log_index: entry.log_index,
    };
    let canonical = serde_json::to_vec(&signed).expect("four plain fields are JSON");
    log.verify(&canonical, promise)
}

/// The signed object. RFC 8785 sorts its keys as they stand here; every value has one spelling.
#[derive(Serialize)]
struct Signed<'a> {
    body: &'a str,
    #[serde(rename = "integratedTime")]
    integrated_time: i64,
    #[serde(rename = "logID")]
    log_id: String,
    #[serde(rename = "logIndex")]
    log_index: u64,
}
