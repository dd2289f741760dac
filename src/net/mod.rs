//! Registries over HTTP: feature `net`, the only module that opens a connection.
//!
//! A client of the [distribution spec 1.1](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md)
//! that fails closed: a `404` is "there is none", everything else that is not success is an error,
//! so a registry that stumbles is never taken for one that holds no signature. Every manifest is
//! hashed before it is parsed; blobs are handed on unproven and proven by whoever keeps them.
//!
//! What may pass is tried again ([`Retries`]): every request but one that streams a blob is the
//! same when it is sent twice. A blob that breaks off goes on where it stopped, in both directions,
//! and is proven as a whole all the same.
//!
//! Start reading at [`Registry`]; below it are [`auth`](Keychain), which turns challenges into
//! credentials, and [`transport`](Transport), which follows redirects without carrying credentials
//! to another host.

mod auth;
mod challenge;
mod download;
mod error;
mod proxy;
mod registry;
mod rekor;
mod retry;
mod sink;
mod source;
mod transport;
mod upload;

pub use auth::{AuthFile, Keychain};
pub use error::{Error, Host};
pub use proxy::Proxies;
pub use registry::{Referrers, Registry, Repository};
pub use rekor::Rekor;
pub use retry::Retries;
pub use transport::{
    ClientCertificate, HostOptions, Scheme, Transport, TransportOptions, Verification,
};
pub use upload::{ChunkSize, InvalidChunkSize};
