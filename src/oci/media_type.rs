//! A *media type*: what a descriptor says its bytes are.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A media type by its exact text; the ones sealift decides by are the constants.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MediaType(String);

impl MediaType {
    /// An OCI image index.
    pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
    /// An OCI image manifest.
    pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
    /// An OCI image configuration.
    pub const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
    /// The empty descriptor `{}` of artifacts without a configuration.
    pub const OCI_EMPTY: &str = "application/vnd.oci.empty.v1+json";
    /// A Docker manifest list, the index of schema 2.
    pub const DOCKER_MANIFEST_LIST: &str =
        "application/vnd.docker.distribution.manifest.list.v2+json";
    /// A Docker manifest of schema 2.
    pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
    /// A Docker image configuration.
    pub const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
    /// Begins the media type of a Docker manifest of schema 1, signed or not.
    pub const DOCKER_SCHEMA_1_PREFIX: &str = "application/vnd.docker.distribution.manifest.v1+";
    /// cosign's simple-signing payload, a layer of a `.sig` manifest.
    pub const SIMPLE_SIGNING: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
    /// A DSSE envelope, a layer of an `.att` manifest.
    pub const DSSE_ENVELOPE: &str = "application/vnd.dsse.envelope.v1+json";
    /// Begins the media type of every Sigstore bundle.
    pub const SIGSTORE_BUNDLE_PREFIX: &str = "application/vnd.dev.sigstore.bundle";
    /// A Sigstore bundle of version 0.3, the last.
    pub const SIGSTORE_BUNDLE_V0_3: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
    /// The ledger of an export.
    pub const LEDGER: &str = "application/vnd.sealift.ledger.v1+json";

    /// The list of what a delta leaves to its base.
    pub const DELTA: &str = "application/vnd.sealift.delta.v1+json";

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it names an index or a manifest list.
    pub fn is_index(&self) -> bool {
        matches!(self.as_str(), Self::OCI_INDEX | Self::DOCKER_MANIFEST_LIST)
    }

    /// Whether it names an image manifest.
    pub fn is_manifest(&self) -> bool {
        matches!(self.as_str(), Self::OCI_MANIFEST | Self::DOCKER_MANIFEST)
    }

    /// Whether it names an image configuration with a `rootfs`.
    pub fn is_image_config(&self) -> bool {
        matches!(self.as_str(), Self::OCI_CONFIG | Self::DOCKER_CONFIG)
    }

    /// Whether the bytes may lawfully be absent from an archive: non-distributable and foreign layers.
    pub fn is_non_distributable(&self) -> bool {
        self.as_str().starts_with("application/vnd.oci.image.layer.nondistributable.")
            || self.as_str().starts_with("application/vnd.docker.image.rootfs.foreign.")
    }

    /// Whether it names a Docker manifest of schema 1.
    pub fn is_docker_schema_1(&self) -> bool {
        self.as_str().starts_with(Self::DOCKER_SCHEMA_1_PREFIX)
    }

    /// Whether it names a Sigstore bundle of any version.
    pub fn is_sigstore_bundle(&self) -> bool {
        self.as_str().starts_with(Self::SIGSTORE_BUNDLE_PREFIX)
    }
}

impl From<&str> for MediaType {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl PartialEq<str> for MediaType {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for MediaType {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_debug())
    }
}

impl fmt::Debug for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
