//! *Referrers that no index lists*: `cosign save` writes bundles as blobs alone, found only by the
//! `subject` they carry.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::archive::Blob;
use crate::digest::Digest;
use crate::inventory::gather::Gathering;
use crate::json;
use crate::oci::{Descriptor, MediaType};

/// Every small JSON blob that nothing refers to and that has a `subject`, with its subject.
pub(super) fn unlisted(gathering: &Gathering<'_>) -> Vec<(Descriptor, Digest)> {
    let store = gathering.budget.store;
    let limit = gathering.budget.limits.metadata_bytes;
    let blobs = store.blobs().into_iter();
    blobs
        .filter(|(digest, size)| *size <= limit && !gathering.referred.contains(digest))
        .filter(|(digest, _)| store.first_byte(digest) == Some(b'{'))
        .filter_map(|(digest, size)| {
            let unknown = descriptor(MediaType::from(""), digest, size);
            // A blob that is not what its name says is no referrer; hashing everything finds it.
            let blob = Blob::read(store, &unknown, limit).ok()?;
            let seen: Seen = json::read(blob.bytes()).ok()?;
            Some((descriptor(seen.media_type(), digest, size), seen.subject?.digest))
        })
        .collect()
}

/// As much of a document as tells a referrer; it is read strictly once it is known to be one.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Seen {
    media_type: Option<MediaType>,
    subject: Option<Of>,
    manifests: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Of {
    digest: Digest,
}

impl Seen {
    fn media_type(&self) -> MediaType {
        match (&self.media_type, &self.manifests) {
            (Some(media_type), _) => media_type.clone(),
            (None, Some(_)) => MediaType::from(MediaType::OCI_INDEX),
            (None, None) => MediaType::from(MediaType::OCI_MANIFEST),
        }
    }
}

fn descriptor(media_type: MediaType, digest: Digest, size: u64) -> Descriptor {
    Descriptor {
        media_type,
        digest,
        size,
        annotations: std::collections::BTreeMap::new(),
        platform: None,
        artifact_type: None,
        data: None,
    }
}
