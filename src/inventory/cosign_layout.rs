//! The *kind* annotation: how `cosign save` and hauler tell images and evidence apart.
//!
//! ```text
//! kind = ( "dev.cosignproject.cosign/" / "dev.hauler/" ) word [ "/" hex ]
//! ```
//!
//! `image` and `imageIndex` are images; `sigs`, `atts` and `sboms` are evidence of the only image
//! of a layout, of the image of the same name, or of the child whose hex follows.

use crate::digest::Digest;
use crate::oci::Descriptor;

/// What `kind` says of a descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An image or an index.
    Image,
    /// Evidence, of the child with this digest where one is named.
    Evidence(Option<Digest>),
}

impl Kind {
    /// The kind of a descriptor, where it has one that is known.
    pub(super) fn of(descriptor: &Descriptor) -> Option<Self> {
        let kind = descriptor.annotation("kind")?;
        let word = ["dev.cosignproject.cosign/", "dev.hauler/"]
            .into_iter()
            .find_map(|prefix| kind.strip_prefix(prefix))?;
        let (word, hex) =
            word.split_once('/').map_or((word, None), |(word, hex)| (word, Some(hex)));
        match word {
            "image" | "imageIndex" => Some(Self::Image),
            "sigs" | "atts" | "sboms" => {
                Some(Self::Evidence(hex.and_then(|hex| format!("sha256:{hex}").parse().ok())))
            }
            _ => None,
        }
    }
}
