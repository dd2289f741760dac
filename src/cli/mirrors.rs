//! Mirrors: folders that hold what a TUF repository serves, for policies that name one by its URL.

use std::io;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use clap::Args;
use sealift::tuf;

use super::input;

/// Where the repositories are that policies name.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "What is accepted, by policy")]
pub(crate) struct TufMirrorArgs {
    /// A folder that holds what the TUF repository at a URL serves (repeatable)
    ///
    /// For a `TrustRoot` with `spec.remote`, by the URL of its `mirror`. The folder is as it is
    /// served: `timestamp.json`, `1.root.json` and the others, and `targets`. Its metadata must hold
    /// when it is judged: a mirror is carried anew before its timestamp expires.
    #[arg(
        long = "tuf-mirror",
        value_name = "URL=FOLDER",
        env = "SEALIFT_TUF_MIRROR",
        hide_env_values = true
    )]
    pub mirrors: Vec<Mirror>,
}

impl TufMirrorArgs {
    /// The repository that is served at `url`.
    pub(crate) fn at(&self, url: &str) -> Option<Arc<dyn tuf::Files>> {
        let is_same = |mirror: &&Mirror| mirror.url == url.trim_end_matches('/');
        let mirror = self.mirrors.iter().find(is_same)?;
        Some(Arc::new(Folder(mirror.folder.clone())))
    }
}

/// A folder for a URL.
#[derive(Clone, Debug)]
pub(crate) struct Mirror {
    /// Without a slash at its end.
    url: String,
    folder: PathBuf,
}

impl Mirror {
    pub(crate) fn new(url: &str, folder: PathBuf) -> Self {
        Self { url: url.trim_end_matches('/').to_owned(), folder }
    }
}

impl FromStr for Mirror {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // A URL may have `=` in its query, a folder hardly in its name.
        match text.rsplit_once('=') {
            Some((url, folder)) if !url.is_empty() && !folder.is_empty() => {
                Ok(Self::new(url, folder.into()))
            }
            _ => Err("write the URL, `=` and the folder"),
        }
    }
}

struct Folder(PathBuf);

impl tuf::Files for Folder {
    fn read(&self, path: &str, limit: u64) -> io::Result<Option<Vec<u8>>> {
        match input::read_named(self.0.join(path), limit) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(cause),
        }
    }
}
