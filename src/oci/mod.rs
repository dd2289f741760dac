//! The nouns of the OCI image spec, version 1.1: what a layout or a registry holds.
//!
//! Every document is read once, strictly, from bytes whose digest is known; the bytes stay what is
//! carried. Unknown fields are allowed, as the spec asks; contradictory ones are not.

mod descriptor;
mod document;
mod layout;
mod media_type;
mod reference;
mod registry_name;

pub use descriptor::{Descriptor, Platform};
pub use document::{Config, Document, Error, Index, Manifest, Rootfs};
pub use layout::ImageLayout;
pub use media_type::MediaType;
pub use reference::{InvalidReference, Named, Reference};
pub use registry_name::{InvalidName, registry_name};
