//! The *trusted root*: which authorities and logs to believe, and since when and until when
//! (protobuf-specs `sigstore_trustroot.proto`).
//!
//! Nothing in it is fetched; the file is the whole of the trust. A key that we cannot use is
//! reported and left out; a window or an id that contradicts itself stops the load (decision 13).

use serde::Deserialize;

use super::managed_key::{ManagedKeyError, RawKey, RawWindow};
use super::protojson::Bytes;
use crate::crypto::{KeyError, KeyKind};
use crate::digest::{Digest, hex};
use crate::json;
use crate::limits::Limits;
use crate::time::Window;
use crate::timestamp::TimestampAuthority;
use crate::tlog::Log;
use crate::x509::{Certificate, CertificateAuthority, MalformedCertificate};

/// Authorities and logs, each with its window.
#[derive(Clone, Debug)]
pub struct TrustRoot {
    pub(super) digest: Digest,
    pub(super) authorities: Vec<CertificateAuthority>,
    pub(super) logs: Vec<Log>,
    pub(super) ct_logs: Vec<Log>,
    pub(super) timestamp_authorities: Vec<TimestampAuthority>,
    pub(super) unusable: Vec<Unusable>,
}

impl TrustRoot {
    /// Reads a `trusted_root.json`.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, TrustRootError> {
        let raw: RawRoot = json::parse(bytes, limits.json_depth)?;
        if !MEDIA_TYPES.contains(&raw.media_type.as_str()) {
            return Err(TrustRootError::MediaType { found: raw.media_type });
        }
        let mut unusable = Vec::new();
        let transparency_logs = logs("tlogs", raw.tlogs, &mut unusable)?;
        let ct_logs = logs(CT_LOGS, raw.ctlogs, &mut unusable)?;
        let mut authorities = Vec::new();
        for (at, authority) in raw.certificate_authorities.into_iter().flatten().enumerate() {
            let place = Place { list: "certificateAuthorities", at };
            let Some((uri, window, chain)) = authority.chain(place, limits, &mut unusable)? else {
                continue;
            };
            authorities.push(
                CertificateAuthority::new(uri, window, chain)
                    .ok_or(TrustRootError::EmptyChain { place })?,
            );
        }
        let mut timestamp_authorities = Vec::new();
        for (at, authority) in raw.timestamp_authorities.into_iter().flatten().enumerate() {
            let place = Place { list: "timestampAuthorities", at };
            let Some((uri, window, chain)) = authority.chain(place, limits, &mut unusable)? else {
                continue;
            };
            let authority = TimestampAuthority::new(uri, window, chain);
            timestamp_authorities.push(authority.ok_or(TrustRootError::EmptyChain { place })?);
        }
        let digest = Digest::sha256(bytes);
        Ok(Self {
            digest,
            authorities,
            logs: transparency_logs,
            ct_logs,
            timestamp_authorities,
            unusable,
        })
    }

    /// Authorities and transparency logs that no file of the format names, told from others by
    /// `digest`.
    pub fn new(digest: Digest, authorities: Vec<CertificateAuthority>, logs: Vec<Log>) -> Self {
        Self {
            digest,
            authorities,
            logs,
            ct_logs: Vec::new(),
            timestamp_authorities: Vec::new(),
            unusable: Vec::new(),
        }
    }

    /// From the parts of others: each kind of authority and log from the root that is named for it,
    /// and none where none is.
    pub fn of_parts(parts: &Parts<'_>) -> Self {
        let sources = [parts.authorities, parts.ct_logs, parts.logs, parts.timestamp_authorities];
        let named =
            sources.map(|root| root.map_or_else(String::new, |root| root.digest.to_string()));
        Self {
            digest: Digest::sha256(named.join("\n").as_bytes()),
            authorities: parts.authorities.map(|root| root.authorities.clone()).unwrap_or_default(),
            logs: parts.logs.map(|root| root.logs.clone()).unwrap_or_default(),
            ct_logs: parts.ct_logs.map(|root| root.ct_logs.clone()).unwrap_or_default(),
            timestamp_authorities: parts
                .timestamp_authorities
                .map(|root| root.timestamp_authorities.clone())
                .unwrap_or_default(),
            unusable: Vec::new(),
        }
    }

    /// The SHA-256 of the file, or what tells the parts from others where there is no file.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Certificate authorities.
    pub fn authorities(&self) -> &[CertificateAuthority] {
        &self.authorities
    }

    /// The transparency log with this id.
    pub fn log(&self, id: &[u8; 32]) -> Option<&Log> {
        self.logs.iter().find(|log| log.id == *id)
    }

    /// Transparency logs.
    pub fn logs(&self) -> &[Log] {
        &self.logs
    }

    /// The certificate transparency log with this id.
    pub fn ct_log(&self, id: &[u8; 32]) -> Option<&Log> {
        self.ct_logs.iter().find(|log| log.id == *id)
    }

    /// Certificate transparency logs.
    pub fn ct_logs(&self) -> &[Log] {
        &self.ct_logs
    }

    /// Timestamp authorities.
    pub fn timestamp_authorities(&self) -> &[TimestampAuthority] {
        &self.timestamp_authorities
    }

    /// What stands in the file and cannot be used.
    pub fn unusable(&self) -> &[Unusable] {
        &self.unusable
    }
}

/// Where each part of a trusted root comes from.
#[derive(Clone, Copy, Debug, Default)]
pub struct Parts<'a> {
    /// Certificate authorities.
    pub authorities: Option<&'a TrustRoot>,
    /// Certificate transparency logs.
    pub ct_logs: Option<&'a TrustRoot>,
    /// Transparency logs.
    pub logs: Option<&'a TrustRoot>,
    /// Timestamp authorities.
    pub timestamp_authorities: Option<&'a TrustRoot>,
}

/// Something in a trusted root that we cannot use, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable {
    /// Where it stands.
    pub place: Place,
    /// Its URL, as the file gives it.
    pub url: String,
    /// Why it cannot be used.
    pub reason: String,
}

/// An element of one of the root's lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The list.
    pub list: &'static str,
    /// The element's number, from 0.
    pub at: usize,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}[{}]", self.list, self.at)
    }
}

const CT_LOGS: &str = "ctlogs";

const MEDIA_TYPES: [&str; 2] = [
    "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    "application/vnd.dev.sigstore.trustedroot.v0.2+json",
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawRoot {
    media_type: String,
    tlogs: Option<Vec<RawLog>>,
    certificate_authorities: Option<Vec<RawAuthority>>,
    ctlogs: Option<Vec<RawLog>>,
    timestamp_authorities: Option<Vec<RawAuthority>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawLog {
    #[serde(default)]
    base_url: String,
    // The hash of the tree; every log in the field has SHA-256, and proofs are computed with it.
    hash_algorithm: Option<String>,
    public_key: RawKey,
    log_id: Option<RawLogId>,
    checkpoint_key_id: Option<RawLogId>,
    #[serde(rename = "operator")]
    _operator: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawLogId {
    key_id: Bytes,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawAuthority {
    #[serde(rename = "subject")]
    _subject: Option<RawSubject>,
    #[serde(default)]
    uri: Option<String>,
    cert_chain: Option<RawChain>,
    valid_for: Option<RawWindow>,
    #[serde(rename = "operator")]
    _operator: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawSubject {
    #[serde(rename = "organization")]
    _organization: Option<String>,
    #[serde(rename = "commonName")]
    _common_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawChain {
    certificates: Vec<RawCertificate>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawCertificate {
    raw_bytes: Bytes,
}

fn window(raw: Option<&RawWindow>, place: Place) -> Result<Window, TrustRootError> {
    let window = raw.map(RawWindow::window).ok_or(TrustRootError::NoStart { place })?;
    window.map_err(|why| match why {
        ManagedKeyError::EndBeforeStart => TrustRootError::EndBeforeStart { place },
        _ => TrustRootError::NoStart { place },
    })
}

fn logs(
    list: &'static str,
    raw: Option<Vec<RawLog>>,
    unusable: &mut Vec<Unusable>,
) -> Result<Vec<Log>, TrustRootError> {
    let mut logs: Vec<Log> = Vec::new();
    for (at, raw) in raw.into_iter().flatten().enumerate() {
        let place = Place { list, at };
        let url = raw.base_url.clone();
        match raw.checked(place)? {
            Ok(log) if logs.iter().any(|known| known.id == log.id) => {
                return Err(TrustRootError::LogTwice { place, id: hex(&log.id) });
            }
            Ok(log) => logs.push(log),
            Err(reason) => unusable.push(Unusable { place, url, reason }),
        }
    }
    Ok(logs)
}

impl RawLog {
    /// A log, or why it cannot be used; an error where the file contradicts itself.
    fn checked(self, place: Place) -> Result<Result<Log, String>, TrustRootError> {
        let window = window(self.public_key.valid_for.as_ref(), place)?;
        if self.hash_algorithm.is_some_and(|algorithm| algorithm != "SHA2_256") {
            return Ok(Err("its tree is not hashed by SHA2_256".to_owned()));
        }
        let key = match self.public_key.key() {
            Ok(key) => key,
            Err(ManagedKeyError::Key(KeyError::Malformed))
                if is_pkix(self.public_key.key_details.as_deref()) =>
            {
                return Err(TrustRootError::Key { place, cause: KeyError::Malformed });
            }
            Err(ManagedKeyError::KeyDetails { details, found }) => {
                return Err(TrustRootError::KeyDetails { place, details, found });
            }
            Err(reason) => return Ok(Err(reason.to_string())),
        };
        // RFC 6962 section 2.1.4 has RSASSA-PKCS1-v1_5 alone, and its timestamps have no name for more.
        if place.list == CT_LOGS && matches!(key.kind(), KeyKind::RsaPss { .. }) {
            return Ok(
                Err("a certificate transparency log does not sign by RSASSA-PSS".to_owned()),
            );
        }
        let id = self.log_id.or(self.checkpoint_key_id).map(|id| id.key_id);
        let id = match id {
            Some(id) => id.array().ok_or(TrustRootError::LogId { place })?,
            None => Digest::sha256(key.spki()).bytes().try_into().expect("a SHA-256 has 32 bytes"),
        };
        let log = Log { base_url: self.base_url, id, key, window };
        if log.id_fits() { Ok(Ok(log)) } else { Err(TrustRootError::LogId { place }) }
    }
}

fn is_pkix(details: Option<&str>) -> bool {
    details.is_none_or(|details| details.starts_with("PKIX_"))
}

impl RawAuthority {
    /// URI, window and chain; `None`, and a word of why, where a certificate cannot be used.
    fn chain(
        self,
        place: Place,
        limits: &Limits,
        unusable: &mut Vec<Unusable>,
    ) -> Result<Option<(String, Window, Vec<Certificate>)>, TrustRootError> {
        let window = window(self.valid_for.as_ref(), place)?;
        let url = self.uri.unwrap_or_default();
        let raw = self.cert_chain.map(|chain| chain.certificates).unwrap_or_default();
        if raw.is_empty() {
            return Err(TrustRootError::EmptyChain { place });
        }
        if raw.len() > limits.chain_certificates {
            return Err(TrustRootError::LongChain { place, limit: limits.chain_certificates });
        }
        let chain: Result<Vec<_>, _> =
            raw.iter().map(|one| Certificate::from_der(&one.raw_bytes.0, limits)).collect();
        match chain {
            // Turned round, another certificate than the root would be the anchor.
            Ok(chain)
                if !chain
                    .iter()
                    .zip(chain.iter().skip(1))
                    .all(|(one, above)| one.names_issuer(above)) =>
            {
                Err(TrustRootError::ChainOrder { place })
            }
            Ok(chain) => Ok(Some((url, window, chain))),
            Err(MalformedCertificate::Key(reason)) => {
                unusable.push(Unusable { place, url, reason: reason.to_string() });
                Ok(None)
            }
            Err(cause) => Err(TrustRootError::Certificate { place, cause }),
        }
    }
}

/// Why a file is no trusted root that we load.
#[derive(Debug, thiserror::Error)]
pub enum TrustRootError {
    /// It is no strict JSON of a trusted root.
    #[error("no trusted root: {0}")]
    Json(#[from] json::Error),
    /// Its `mediaType` is another.
    #[error("the mediaType is `{found}`, not a trusted root's", found = found.escape_debug())]
    MediaType {
        /// What stands there.
        found: String,
    },
    /// A window has no start.
    #[error("{place}: validFor has no start")]
    NoStart {
        /// Where.
        place: Place,
    },
    /// A window ends before it starts.
    #[error("{place}: validFor ends before it starts")]
    EndBeforeStart {
        /// Where.
        place: Place,
    },
    /// Two logs have the same id.
    #[error("{place}: the log id {id} stands twice")]
    LogTwice {
        /// Where the second stands.
        place: Place,
        /// The id in hex.
        id: String,
    },
    /// A log's id is not one its key can have.
    #[error("{place}: the log id contradicts the key")]
    LogId {
        /// Where.
        place: Place,
    },
    /// A key is malformed.
    #[error("{place}: {cause}")]
    Key {
        /// Where.
        place: Place,
        /// Why.
        #[source]
        cause: KeyError,
    },
    /// `keyDetails` contradicts the key.
    #[error("{place}: keyDetails says `{details}`, the key is {found}", details = details.escape_debug())]
    KeyDetails {
        /// Where.
        place: Place,
        /// What stands there.
        details: String,
        /// What the key is.
        found: KeyKind,
    },
    /// An authority has no certificate.
    #[error("{place}: the certificate chain is empty")]
    EmptyChain {
        /// Where.
        place: Place,
    },
    /// A certificate of a chain is not of the one that follows.
    #[error("{place}: the certificate chain is out of order: each must be issued by the next")]
    ChainOrder {
        /// Where.
        place: Place,
    },
    /// An authority has more certificates than [`Limits`] allows.
    #[error("{place}: the certificate chain has more than {limit} certificates")]
    LongChain {
        /// Where.
        place: Place,
        /// The cap.
        limit: usize,
    },
    /// A certificate is malformed.
    #[error("{place}: {cause}")]
    Certificate {
        /// Where.
        place: Place,
        /// Why.
        #[source]
        cause: MalformedCertificate,
    },
}
