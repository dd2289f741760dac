//! The version of the documents that an archive brings of its own: ledger, delta, receipt.

use serde::{Deserialize, Serialize};

/// Version 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Version;

impl TryFrom<u8> for Version {
    type Error = UnknownVersion;

    fn try_from(number: u8) -> Result<Self, UnknownVersion> {
        if number == 1 { Ok(Self) } else { Err(UnknownVersion { found: number }) }
    }
}

impl From<Version> for u8 {
    fn from(_: Version) -> Self {
        1
    }
}

/// A version other than 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("version {found} is not 1")]
pub struct UnknownVersion {
    /// What stands there.
    pub found: u8,
}
