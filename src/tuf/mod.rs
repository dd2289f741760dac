//! *The Update Framework* (TUF): a repository of files, the targets, whose signed metadata says which
//! of them are meant, by whom and until when. A policy may bring its trusted root as one.
//!
//! The workflow of a client (specification 1.0, 5.3 to 5.7) is `sigstore-tuf`'s: chain of roots,
//! thresholds, versions, expiry, lengths and hashes, delegations. This module hands it files that are
//! at hand, a time and caps; nothing is fetched and nothing is kept, so a version can fall behind none
//! but those of the repository itself and of the root that is trusted to begin with.

mod packed;

pub use packed::{PackedError, unpack};

use std::collections::BTreeMap;
use std::future::{Future, ready};
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use serde_json::Value;
use sigstore_tuf::transport::FetchFuture;
use sigstore_tuf::{Updater, UpdaterConfig};

use crate::crypto;
use crate::json;
use crate::limits::Limits;
use crate::time::UnixTime;

/// The files of a repository.
pub trait Files: Send + Sync {
    /// The file at `path`, whose parts have `/` between them and stay inside; `None` where there is
    /// none. One of more than `limit` bytes is an error.
    fn read(&self, path: &str, limit: u64) -> io::Result<Option<Vec<u8>>>;
}

impl Files for BTreeMap<String, Vec<u8>> {
    fn read(&self, path: &str, limit: u64) -> io::Result<Option<Vec<u8>>> {
        let Some(bytes) = self.get(path) else { return Ok(None) };
        if u64::try_from(bytes.len()).map_or(true, |size| size > limit) {
            return Err(io::Error::other(format!("it has more than {limit} bytes")));
        }
        Ok(Some(bytes.clone()))
    }
}

/// A repository whose metadata is proven.
pub struct Repository {
    updater: Updater,
    now: jiff::Timestamp,
}

impl Repository {
    /// Proves the metadata in `files` from the root that is trusted to begin with. `targets` is the
    /// folder of the targets; `now` is the time at which nothing may have expired.
    pub fn verify(
        files: Arc<dyn Files>,
        targets: &str,
        root: &[u8],
        now: UnixTime,
        limits: &Limits,
    ) -> Result<Self, Error> {
        crypto::provide();
        let now = just_after(now);
        let file = |cause| Error::File { name: "root".to_owned(), cause };
        json::check(root, limits.json_depth).map_err(|cause| file(cause.into()))?;
        let served = Served { files, targets: targets.to_owned(), depth: limits.json_depth };
        let updater = Updater::new(served, root)?;
        let mut updater = updater.with_config(config(limits));
        at_once(updater.refresh(now))?;
        Ok(Self { updater, now })
    }

    /// The target of this name; `None` where no metadata lists it.
    pub fn target(&mut self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let Some(found) = at_once(self.updater.get_target_info(name, self.now))? else {
            return Ok(None);
        };
        Ok(Some(at_once(self.updater.download_target(&found, name))?))
    }

    /// The names of the targets that the repository itself lists, each with what its owner says of it
    /// (`custom`).
    pub fn listed(&self) -> Vec<(String, Option<Value>)> {
        let targets = self.updater.trusted().targets_role("targets");
        let listed = targets.into_iter().flat_map(|role| &role.targets);
        listed.map(|(name, target)| (name.clone(), target.custom.clone())).collect()
    }
}

impl std::fmt::Debug for Repository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Repository").field("now", &self.now).finish_non_exhaustive()
    }
}

/// The library takes what expires this very moment as valid, the specification (5.3.10) does not.
fn just_after(now: UnixTime) -> jiff::Timestamp {
    let nanos = i32::try_from(now.nanos()).expect("nanos are below a thousand million");
    let now =
        jiff::Timestamp::new(now.seconds(), nanos).expect("the constructor checked the range");
    now.saturating_add(jiff::SignedDuration::from_nanos(1)).unwrap_or(now)
}

/// The library's caps, and ours where they are lower: 32 roots and 32 delegations are its own.
fn config(limits: &Limits) -> UpdaterConfig {
    let mut config = UpdaterConfig::default();
    for cap in [
        &mut config.root_max_length,
        &mut config.timestamp_max_length,
        &mut config.snapshot_max_length,
        &mut config.targets_max_length,
        &mut config.target_max_length,
    ] {
        *cap = limits.metadata_bytes.min(*cap);
    }
    config
}

/// What a future says that waits for nothing.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(said) => Some(said),
        Poll::Pending => None,
    }
    .expect("the files that it waits for are at hand")
}

/// Files as the library asks for them.
struct Served {
    files: Arc<dyn Files>,
    targets: String,
    depth: usize,
}

impl Served {
    /// A file, strictly: what is missing is an error that names it.
    fn file(&self, path: &str, limit: u64) -> Result<Vec<u8>, Error> {
        self.read(path, limit)?.ok_or_else(|| Error::Missing { name: path.to_owned() })
    }

    fn read(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, Error> {
        if !stays_inside(path) {
            return Err(Error::Outside { name: path.to_owned() });
        }
        let file = |cause: io::Error| Error::File { name: path.to_owned(), cause: cause.into() };
        self.files.read(path, limit).map_err(file)
    }

    fn metadata(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, Error> {
        let bytes = match self.read(name, limit)? {
            Some(bytes) => bytes,
            // The chain of roots ends where the next is missing.
            None if name.ends_with(".root.json") => return Ok(None),
            None => return Err(Error::Missing { name: name.to_owned() }),
        };
        let file = |cause: json::Error| Error::File { name: name.to_owned(), cause: cause.into() };
        json::check(&bytes, self.depth).map_err(file)?;
        Ok(Some(bytes))
    }
}

impl sigstore_tuf::Repository for Served {
    fn fetch_metadata<'a>(&'a self, name: &'a str, limit: u64) -> FetchFuture<'a> {
        Box::pin(ready(self.metadata(name, limit).map_err(Error::carried)))
    }

    fn fetch_target<'a>(&'a self, path: &'a str, limit: u64) -> FetchFuture<'a> {
        let path = format!("{}/{path}", self.targets);
        Box::pin(ready(self.file(&path, limit).map(Some).map_err(Error::carried)))
    }
}

fn stays_inside(path: &str) -> bool {
    let is_plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(['\\', '\0']);
    path.split('/').all(is_plain)
}

/// Why a repository, or what it holds, is not to be believed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It lacks a file that it should hold.
    #[error("the repository holds no `{}`", .name.escape_debug())]
    Missing {
        /// The file.
        name: String,
    },
    /// A name leads out of it.
    #[error("`{}` is no name of a file inside the repository", .name.escape_debug())]
    Outside {
        /// The name.
        name: String,
    },
    /// A file cannot be read, or not in one way only.
    #[error("`{}` cannot be read", .name.escape_debug())]
    File {
        /// The file.
        name: String,
        /// Why not.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Its metadata does not hold.
    #[error("its metadata does not hold")]
    Metadata {
        /// Why not.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Error {
    /// The way through the library.
    fn carried(self) -> sigstore_tuf::Error {
        sigstore_tuf::Error::transport_with_source("a file of the repository", self)
    }
}

/// What the library carried for us comes out as it went in.
impl From<sigstore_tuf::Error> for Error {
    fn from(error: sigstore_tuf::Error) -> Self {
        match error {
            sigstore_tuf::Error::Transport { source: Some(source), message } => {
                match source.downcast::<Self>() {
                    Ok(own) => *own,
                    Err(source) => {
                        let cause = sigstore_tuf::Error::transport_with_source(message, source);
                        Self::Metadata { cause: cause.into() }
                    }
                }
            }
            other => Self::Metadata { cause: other.into() },
        }
    }
}
