//! A *managed key*: the key of a signer who keeps it, in a file: the key alone, or the message by which
//! Sigstore also says how and when it is used (protobuf-specs `sigstore_common.proto`, `PublicKey`).
//!
//! ```text
//! { "rawBytes": SubjectPublicKeyInfo, "keyDetails": PublicKeyDetails, "validFor": { "start", "end" } }
//! ```

use serde::Deserialize;

use super::protojson::Bytes;
use crate::crypto::{KeyError, KeyKind, PublicKey};
use crate::json;
use crate::limits::Limits;
use crate::time::{UnixTime, Window};

/// A key, and when it may have signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManagedKey {
    /// The key.
    pub key: PublicKey,
    /// When it was in use; at any time where nothing is said.
    pub window: Option<Window>,
}

impl ManagedKey {
    /// Reads a `PUBLIC KEY` block of PEM, or a `PublicKey` message in JSON.
    pub fn parse(text: &str, limits: &Limits) -> Result<Self, ManagedKeyError> {
        if !text.trim_start().starts_with('{') {
            return Ok(Self { key: PublicKey::from_pem(text)?, window: None });
        }
        let raw: RawKey = json::parse(text.as_bytes(), limits.json_depth)?;
        let window = raw.valid_for.as_ref().map(RawWindow::window).transpose()?;
        Ok(Self { key: raw.key()?, window })
    }
}

/// The message.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RawKey {
    raw_bytes: Bytes,
    pub(super) key_details: Option<String>,
    pub(super) valid_for: Option<RawWindow>,
}

impl RawKey {
    /// The key, used as its details say. They may not contradict it. By a name that we do not know we
    /// verify nothing: Ed25519ph signs otherwise than Ed25519, and RSASSA-PSS alone leaves the hash open.
    pub(super) fn key(&self) -> Result<PublicKey, ManagedKeyError> {
        let key = PublicKey::from_spki(&self.raw_bytes.0)?;
        let unspecified = |it: &&String| *it == "PUBLIC_KEY_DETAILS_UNSPECIFIED";
        let Some(details) = self.key_details.as_ref().filter(|it| !unspecified(it)) else {
            return Ok(key);
        };
        if !KeyKind::knows(details) {
            return Err(ManagedKeyError::Unsupported { details: details.clone() });
        }
        if key.kind().contradicts(details) {
            let (details, found) = (details.clone(), key.kind());
            return Err(ManagedKeyError::KeyDetails { details, found });
        }
        Ok(key.used_as(details))
    }
}

/// A `TimeRange`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RawWindow {
    start: Option<UnixTime>,
    end: Option<UnixTime>,
}

impl RawWindow {
    pub(super) fn window(&self) -> Result<Window, ManagedKeyError> {
        let start = self.start.ok_or(ManagedKeyError::NoStart)?;
        Window::new(start, self.end).ok_or(ManagedKeyError::EndBeforeStart)
    }
}

/// Why a text is no key that we verify with.
#[derive(Debug, thiserror::Error)]
pub enum ManagedKeyError {
    /// It is no strict JSON of a `PublicKey`.
    #[error("no PublicKey message: {0}")]
    Json(#[from] json::Error),
    /// The key is not usable.
    #[error("{0}")]
    Key(#[from] KeyError),
    /// `keyDetails` contradicts the key.
    #[error("keyDetails says `{details}`, the key is {found}", details = details.escape_debug())]
    KeyDetails {
        /// What stands there.
        details: String,
        /// What the key is.
        found: KeyKind,
    },
    /// `keyDetails` names no algorithm that we verify by.
    #[error("signatures by `{details}` are not supported", details = details.escape_debug())]
    Unsupported {
        /// What stands there.
        details: String,
    },
    /// The window has no start.
    #[error("validFor has no start")]
    NoStart,
    /// The window ends before it starts.
    #[error("validFor ends before it starts")]
    EndBeforeStart,
}
