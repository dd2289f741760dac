//! A *location*: where an image to export is, as users write it.
//!
//! ```text
//! location = [ "docker://" ] reference
//!          / ( "oci:" / "oci-archive:" / "docker-archive:" ) path [ ":" name ]
//! ```
//!
//! As in skopeo, a path holds no colon.

use std::path::PathBuf;
use std::str::FromStr;

use crate::oci::{InvalidReference, Reference};

/// Where an image to export is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// In a registry.
    Registry(Reference),
    /// On disk.
    Archive {
        /// What wrote it.
        form: Form,
        /// The file or directory.
        path: PathBuf,
        /// The tag or full name of the one image that is meant; without it, all that is listed.
        name: Option<String>,
    },
}

impl Location {
    /// The file or directory, where it is on disk.
    pub fn path(&self) -> Option<&PathBuf> {
        match self {
            Self::Registry(_) => None,
            Self::Archive { path, .. } => Some(path),
        }
    }

    /// The one image of an archive that is meant, where one is.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Registry(_) => None,
            Self::Archive { name, .. } => name.as_deref(),
        }
    }
}

/// What an archive was written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// An OCI image layout: a directory or a tar.
    Layout,
    /// What `docker save` writes.
    DockerSave,
}

impl FromStr for Location {
    type Err = InvalidLocation;

    fn from_str(text: &str) -> Result<Self, InvalidLocation> {
        if let Some(name) = OTHERS.iter().find(|name| text.starts_with(**name)) {
            return Err(InvalidLocation::Transport { name });
        }
        let archives = [
            ("oci:", Form::Layout),
            ("oci-archive:", Form::Layout),
            ("docker-archive:", Form::DockerSave),
        ];
        let archive = archives
            .iter()
            .find_map(|(transport, form)| Some((text.strip_prefix(transport)?, *form)));
        let Some((place, form)) = archive else {
            let reference = text.strip_prefix("docker://").unwrap_or(text);
            return Ok(Self::Registry(reference.parse()?));
        };
        let (path, name) = match place.split_once(':') {
            Some((path, name)) => (path, Some(name.to_owned())),
            None => (place, None),
        };
        if path.is_empty() {
            return Err(InvalidLocation::NoPath);
        }
        Ok(Self::Archive { form, path: path.into(), name })
    }
}

/// Transports of other tools.
const OTHERS: [&str; 5] = ["dir:", "docker-daemon:", "containers-storage:", "file://", "sif:"];

/// Why a text is no location.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLocation {
    /// It is no reference.
    #[error(transparent)]
    Reference(#[from] InvalidReference),
    /// It names a place that sealift does not read.
    #[error(
        "sealift does not read `{name}`; copy it with `skopeo copy --all --preserve-digests` to `oci:DIR`"
    )]
    Transport {
        /// The prefix that was written.
        name: &'static str,
    },
    /// Nothing follows the transport.
    #[error("no path follows the transport")]
    NoPath,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transports() {
        let registry = |text: &str| Ok(Location::Registry(text.parse().unwrap()));
        let archive = |form, path: &str, name: Option<&str>| {
            Ok(Location::Archive { form, path: path.into(), name: name.map(str::to_owned) })
        };
        let other = |name| Err(InvalidLocation::Transport { name });
        let cases = [
            ("busybox", registry("docker.io/library/busybox:latest")),
            ("docker://r.example/a:1", registry("r.example/a:1")),
            ("r.example:5000/oci:1", registry("r.example:5000/oci:1")),
            ("oci:layout", archive(Form::Layout, "layout", None)),
            ("oci:/a/b:v1", archive(Form::Layout, "/a/b", Some("v1"))),
            (
                "oci-archive:a.tar:r.example/a:1",
                archive(Form::Layout, "a.tar", Some("r.example/a:1")),
            ),
            ("docker-archive:a.tar", archive(Form::DockerSave, "a.tar", None)),
            ("docker-archive:a.tar:a:1", archive(Form::DockerSave, "a.tar", Some("a:1"))),
            ("oci:", Err(InvalidLocation::NoPath)),
            ("docker-archive::v1", Err(InvalidLocation::NoPath)),
            ("dir:/tmp/x", other("dir:")),
            ("docker-daemon:busybox:1", other("docker-daemon:")),
            ("containers-storage:busybox", other("containers-storage:")),
            ("file://a/b", other("file://")),
            ("docker://", Err(InvalidReference::Repository.into())),
            ("OCI:x/y", Err(InvalidReference::Registry.into())),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse::<Location>(), expected, "{text}");
        }
    }
}
