//! sealift.
pub mod archive;
pub mod crypto;
pub mod digest;
pub mod engine;
pub mod inventory;
pub mod json;
pub mod limits;
pub mod oci;
pub mod policy;
pub mod report;
pub mod sigstore;
pub mod time;
pub mod timestamp;
pub mod tlog;
pub mod verify;
pub mod x509;
