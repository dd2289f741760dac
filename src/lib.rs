//! sealift.
pub mod archive;
pub mod crypto;
pub mod digest;
pub mod inventory;
pub mod json;
pub mod limits;
#[cfg(feature = "net")]
pub mod net;
pub mod oci;
pub mod policy;
pub mod time;
pub mod transfer;
pub mod verify;
