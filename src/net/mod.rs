//! Registries over HTTP: feature `net`, the only module that opens a connection.
//!
//! A client of the [distribution spec 1.1](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md)
//! that fails closed: a `404` is "there is none", everything else that is not success is an error,
//! so a registry that stumbles is never taken for one that holds no signature. Every manifest is
//! hashed before it is parsed; blobs are handed on unproven and proven by whoever keeps them.
//!
//! Start reading at [`Registry`]; below it are [`auth`](Keychain), which turns challenges into
//! credentials, and [`transport`](Transport), which follows redirects without carrying credentials
//! to another host.

mod auth;
mod challenge;
mod error;
mod registry;
mod rekor;
mod sink;
mod source;
mod transport;

pub use auth::{AuthFile, Keychain};
pub use error::Error;
pub use registry::{Referrers, Registry, Repository};
pub use rekor::Rekor;
pub use transport::{Scheme, Transport, TransportOptions};
