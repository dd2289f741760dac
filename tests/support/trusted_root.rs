//! The *trusted root*: the document that tells a verifier whom to believe, and when.

use sealift::time::UnixTime;
use serde_json::{Value, json};

use super::base64;
use super::ca::CertificateAuthority;
use super::ct_log::CtLog;
use super::key::Key;
use super::rekor::Rekor;
use super::rekor_v2::RekorV2;
use super::tsa::TimestampAuthority;

/// The media type of the document.
pub const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.trustedroot+json;version=0.1";

/// The span in which a key is believed; without an end it still is.
#[derive(Clone, Copy)]
pub struct ValidFor {
    pub start: UnixTime,
    pub end: Option<UnixTime>,
}

impl ValidFor {
    fn json(self) -> Value {
        match self.end {
            Some(end) => json!({ "start": self.start, "end": end }),
            None => json!({ "start": self.start }),
        }
    }
}

/// A trusted root that names nobody.
pub fn empty() -> Value {
    json!({
        "mediaType": MEDIA_TYPE,
        "tlogs": [],
        "certificateAuthorities": [],
        "ctlogs": [],
        "timestampAuthorities": [],
    })
}

/// A Rekor v1 log.
pub fn rekor(log: &Rekor, valid_for: ValidFor) -> Value {
    log_instance(&format!("https://{}", log.host), &log.key, &log.key.id(), valid_for)
}

/// A Rekor v2 log, named by the id of its checkpoints' key.
pub fn rekor_v2(log: &RekorV2, valid_for: ValidFor) -> Value {
    log_instance(&format!("https://{}", log.host), &log.key, &log.id(), valid_for)
}

/// A certificate transparency log.
pub fn ct_log(log: &CtLog, valid_for: ValidFor) -> Value {
    log_instance(&log.url, &log.key, &log.key.id(), valid_for)
}

/// A certificate authority with its whole chain.
pub fn certificate_authority(authority: &CertificateAuthority, valid_for: ValidFor) -> Value {
    json!({
        "subject": { "organization": authority.organization, "commonName": "virtual-root" },
        "uri": format!("https://fulcio.{}", authority.organization),
        "certChain": {
            "certificates": [
                { "rawBytes": base64(&authority.intermediate) },
                { "rawBytes": base64(&authority.root) },
            ],
        },
        "validFor": valid_for.json(),
    })
}

/// A timestamp authority with its whole chain.
pub fn timestamp_authority(
    organization: &str,
    authority: &TimestampAuthority,
    valid_for: ValidFor,
) -> Value {
    json!({
        "subject": { "organization": organization, "commonName": "virtual-tsa-root" },
        "uri": format!("https://timestamp.{organization}/api/v1/timestamp"),
        "certChain": {
            "certificates": [
                { "rawBytes": base64(&authority.leaf) },
                { "rawBytes": base64(&authority.root) },
            ],
        },
        "validFor": valid_for.json(),
    })
}

fn log_instance(url: &str, key: &Key, id: &[u8; 32], valid_for: ValidFor) -> Value {
    json!({
        "baseUrl": url,
        "hashAlgorithm": "SHA2_256",
        "publicKey": {
            "rawBytes": base64(&key.spki()),
            "keyDetails": key.details(),
            "validFor": valid_for.json(),
        },
        "logId": { "keyId": base64(id) },
    })
}
