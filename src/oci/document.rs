//! The documents a descriptor can name: *manifest*, *index* and *configuration*.
//!
//! The same bytes must never be readable as two kinds of document (CVE-2021-41190): the media type
//! in the document, where it stands, is the descriptor's, and a document that has both `manifests`
//! and `layers` or `config` is refused.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::descriptor::null_is_empty;
use crate::digest::Digest;
use crate::json;
use crate::limits::Limits;
use crate::oci::{Descriptor, MediaType};

/// An index or a manifest, told apart by the media type of the descriptor that led to it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "documents are read one at a time and mostly manifests"
)]
pub enum Document {
    /// An image index or Docker manifest list.
    Index(Index),
    /// An image manifest.
    Manifest(Manifest),
}

impl Document {
    /// Reads `bytes` as what `media_type` says they are.
    pub fn parse(bytes: &[u8], media_type: &MediaType, limits: &Limits) -> Result<Self, Error> {
        if media_type.is_index() {
            return Index::parse(bytes, media_type, limits).map(Self::Index);
        }
        if media_type.is_manifest() {
            return Manifest::parse(bytes, media_type, limits).map(Self::Manifest);
        }
        if media_type.is_docker_schema_1() {
            return Err(Error::DockerSchema1);
        }
        Err(Error::UnknownMediaType { found: media_type.clone() })
    }

    /// What the document refers to, its `subject` apart: the children of an index; the
    /// configuration and the layers of a manifest.
    pub fn descriptors(&self) -> impl Iterator<Item = &Descriptor> {
        let (config, list) = match self {
            Self::Index(index) => (None, &index.manifests),
            Self::Manifest(manifest) => (Some(&manifest.config), &manifest.layers),
        };
        config.into_iter().chain(list)
    }

    /// What the document is evidence or a part of.
    pub fn subject(&self) -> Option<&Descriptor> {
        match self {
            Self::Index(index) => index.subject.as_ref(),
            Self::Manifest(manifest) => manifest.subject.as_ref(),
        }
    }
}

/// An image index: children by platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// The children.
    pub manifests: Vec<Descriptor>,
    /// The type of an artifact made as an index.
    pub artifact_type: Option<String>,
    /// What it refers to.
    pub subject: Option<Descriptor>,
    /// Statements of its writer.
    pub annotations: BTreeMap<String, String>,
}

impl Index {
    /// Reads an index; `media_type` is the descriptor's.
    pub fn parse(bytes: &[u8], media_type: &MediaType, limits: &Limits) -> Result<Self, Error> {
        let raw = Raw::parse(bytes, media_type, limits)?;
        if raw.layers.is_some() || raw.config.is_some() {
            return Err(Error::Hybrid);
        }
        let manifests = raw.manifests.ok_or(Error::Missing { field: "manifests" })?;
        Ok(Self {
            manifests,
            artifact_type: raw.artifact_type,
            subject: raw.subject,
            annotations: raw.annotations,
        })
    }
}

/// An image manifest: a configuration and layers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The configuration.
    pub config: Descriptor,
    /// The layers, lowest first.
    pub layers: Vec<Descriptor>,
    /// The type of an artifact that is no image.
    pub artifact_type: Option<String>,
    /// What it refers to.
    pub subject: Option<Descriptor>,
    /// Statements of its writer.
    pub annotations: BTreeMap<String, String>,
}

impl Manifest {
    /// Reads a manifest; `media_type` is the descriptor's.
    pub fn parse(bytes: &[u8], media_type: &MediaType, limits: &Limits) -> Result<Self, Error> {
        let raw = Raw::parse(bytes, media_type, limits)?;
        if raw.manifests.is_some() {
            return Err(Error::Hybrid);
        }
        Ok(Self {
            config: raw.config.ok_or(Error::Missing { field: "config" })?,
            layers: raw.layers.ok_or(Error::Missing { field: "layers" })?,
            artifact_type: raw.artifact_type,
            subject: raw.subject,
            annotations: raw.annotations,
        })
    }

    /// What kind of artifact it is: `artifactType`, else the configuration's media type.
    pub fn kind(&self) -> &str {
        self.artifact_type.as_deref().unwrap_or(self.config.media_type.as_str())
    }
}

/// The fields of both documents; which may stand together is decided by the two parsers above.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    schema_version: Option<u64>,
    media_type: Option<MediaType>,
    artifact_type: Option<String>,
    config: Option<Descriptor>,
    #[serde(default, deserialize_with = "present")]
    layers: Option<Vec<Descriptor>>,
    #[serde(default, deserialize_with = "present")]
    manifests: Option<Vec<Descriptor>>,
    subject: Option<Descriptor>,
    #[serde(default, deserialize_with = "null_is_empty")]
    annotations: BTreeMap<String, String>,
}

impl Raw {
    fn parse(bytes: &[u8], media_type: &MediaType, limits: &Limits) -> Result<Self, Error> {
        let raw: Self = json::parse(bytes, limits.json_depth)?;
        if raw.schema_version != Some(2) {
            return Err(Error::SchemaVersion { found: raw.schema_version });
        }
        if let Some(found) = raw.media_type.as_ref().filter(|found| *found != media_type) {
            return Err(Error::OtherMediaType {
                promised: media_type.clone(),
                found: found.clone(),
            });
        }
        check_annotations(&raw.annotations, limits)?;
        let lists = raw.layers.iter().chain(&raw.manifests).flatten();
        for descriptor in lists.chain(&raw.config).chain(&raw.subject) {
            check_annotations(&descriptor.annotations, limits)?;
        }
        Ok(raw)
    }
}

/// A key that stands there counts, even with the value `null`, which Go writes for an empty list.
fn present<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<Descriptor>>, D::Error> {
    Option::deserialize(deserializer).map(|list| Some(list.unwrap_or_default()))
}

fn check_annotations(annotations: &BTreeMap<String, String>, limits: &Limits) -> Result<(), Error> {
    if annotations.len() > limits.annotations {
        return Err(Error::Limit { what: "annotations", limit: limits.annotations });
    }
    if annotations.iter().any(|(key, value)| key.len().max(value.len()) > limits.annotation_bytes) {
        return Err(Error::Limit {
            what: "bytes of an annotation",
            limit: limits.annotation_bytes,
        });
    }
    Ok(())
}

/// The part of an image configuration that binds layers to their content.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Config {
    /// The root file system; artifacts that borrow the media type have none.
    pub rootfs: Option<Rootfs>,
}

impl Config {
    /// Reads an image configuration.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, Error> {
        Ok(json::parse(bytes, limits.json_depth)?)
    }
}

/// The layers of a configuration by the digests of their uncompressed content.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Rootfs {
    /// Always `layers`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Digests of the uncompressed layers, lowest first.
    #[serde(deserialize_with = "null_is_empty")]
    pub diff_ids: Vec<Digest>,
}

/// Why bytes are not the document that was promised.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// The bytes are no strict JSON, or a field has another shape.
    #[error("no valid document: {0}")]
    Json(#[from] json::Error),
    /// `schemaVersion` is not 2.
    #[error("schemaVersion is {found:?}, not 2")]
    SchemaVersion {
        /// What stands there.
        found: Option<u64>,
    },
    /// The document calls itself something else than its descriptor does.
    #[error("the descriptor says `{promised}`, the document says `{found}`")]
    OtherMediaType {
        /// The descriptor's.
        promised: MediaType,
        /// The document's.
        found: MediaType,
    },
    /// The document could be read as an index and as a manifest.
    #[error("the document has the fields of an index and of a manifest")]
    Hybrid,
    /// A field that must stand is absent.
    #[error("the field `{field}` is missing")]
    Missing {
        /// Its name.
        field: &'static str,
    },
    /// A Docker manifest of schema 1, which names its layers by no digest of its own.
    #[error("a Docker manifest of schema 1; push the image again with a client of this decade")]
    DockerSchema1,
    /// The media type is neither an index's nor a manifest's.
    #[error("`{found}` is neither an index nor a manifest that sealift reads")]
    UnknownMediaType {
        /// The descriptor's.
        found: MediaType,
    },
    /// More of something than [`Limits`] allows.
    #[error("more than {limit} {what}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// The cap.
        limit: usize,
    },
}

impl Error {
    /// Whether the document has more of something than [`Limits`] allows, its depth included.
    pub fn exceeds_a_limit(&self) -> bool {
        match self {
            Self::Limit { .. } => true,
            Self::Json(cause) => cause.is_too_deep(),
            _ => false,
        }
    }
}
