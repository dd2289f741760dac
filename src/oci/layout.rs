//! The file `oci-layout`, which says that a directory or a tar is an *image layout*
//! ([image spec, image layout](https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md#oci-layout-file)).

use serde::Deserialize;

use crate::json;
use crate::limits::Limits;
use crate::oci::Error;

/// What `oci-layout` holds.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ImageLayout {
    /// The version of the layout, of which there is one: `1.0.0`.
    #[serde(rename = "imageLayoutVersion")]
    pub version: String,
}

impl ImageLayout {
    /// Reads the file.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, Error> {
        Ok(json::parse(bytes, limits.json_depth)?)
    }
}
