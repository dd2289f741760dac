//! A *receipt*: what a mirror left in a registry, for the next export to leave out.
//!
//! It is the word of whoever ran the mirror, not signed and no bytes: an export believes it, and the
//! far side finds out whether it was right, for there every blob that a delta leaves out must be found
//! again. Format and meaning: `docs/delta.md`.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Landed;
use crate::digest::Digest;
use crate::inventory::Version;
use crate::inventory::delta::{self, Fault};
use crate::json;
use crate::limits::Limits;

/// What a registry holds after a mirror.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Receipt {
    /// 1.
    pub version: Version,
    /// The registry.
    pub registry: String,
    /// The digest of the `index.json` that was mirrored.
    pub archive: Digest,
    /// Blobs and manifests, by digest.
    pub blobs: Vec<Held>,
}

/// What a registry holds, and in which of its repositories.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Held {
    /// Its name.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// The repositories, by name.
    pub repositories: BTreeSet<String>,
}

impl Receipt {
    /// For everything that landed.
    pub fn of(registry: &str, archive: &Digest, landed: &[Landed]) -> Self {
        let mut blobs: BTreeMap<Digest, Held> = BTreeMap::new();
        for landed in landed {
            for (digest, size) in &landed.contents {
                let repositories = BTreeSet::new();
                let held = Held { digest: *digest, size: *size, repositories };
                let held = blobs.entry(*digest).or_insert(held);
                held.repositories.insert(landed.name.repository().to_owned());
            }
        }
        let (registry, blobs) = (registry.to_owned(), blobs.into_values().collect());
        Self { version: Version, registry, archive: *archive, blobs }
    }

    /// Reads a receipt.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, Fault> {
        let receipt: Self = json::parse(bytes, limits.json_depth).map_err(Fault::Json)?;
        if receipt.blobs.len() > limits.descriptors {
            return Err(Fault::TooLong { limit: limits.descriptors });
        }
        delta::check_order(receipt.blobs.iter().map(|held| &held.digest))?;
        Ok(receipt)
    }

    /// The one spelling: JSON for people, too, and a line feed.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).expect("a receipt has only texts as keys");
        bytes.push(b'\n');
        bytes
    }

    /// What it lists, by digest.
    pub fn contents(&self) -> BTreeMap<Digest, u64> {
        self.blobs.iter().map(|held| (held.digest, held.size)).collect()
    }
}
