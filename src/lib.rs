//! sealift.
pub mod digest;
pub mod json;
pub mod limits;
pub mod time;
