//! A *member path*: the name of an archive member that stays inside.

use crate::digest::Digest;

/// The members a layout may have, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MemberPath {
    /// `oci-layout`.
    Layout,
    /// `index.json`.
    Index,
    /// `blobs/<algorithm>/<hex>`.
    Blob(Digest),
    /// A directory of the layout.
    Directory(String),
    /// `manifest.json` or `repositories`, which other tools add and nobody decides by.
    Foreign(String),
}

/// Why a name is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPath {}
