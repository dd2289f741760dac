//! A *lock*: the digest that each tag had when it was exported, so that the next export is of the same
//! images whatever the tags say by then. Format: `docs/transfer.md`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::json;
use crate::limits::Limits;
use crate::oci::{InvalidReference, Reference};

/// Digests by the tags they stood under.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    images: BTreeMap<Reference, Digest>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u64,
    images: BTreeMap<String, Digest>,
}

const VERSION: u64 = 1;

impl Lock {
    /// Reads a lock.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, LockError> {
        let file = json::parse(bytes, limits.json_depth).map_err(LockError::Json)?;
        let File { version, images } = file;
        if version != VERSION {
            return Err(LockError::Version { found: version });
        }
        let mut lock = Self::default();
        for (text, digest) in images {
            let reference = text
                .parse::<Reference>()
                .map_err(|cause| LockError::Name { text: text.clone(), cause })?;
            if reference.tag().is_none() || reference.digest().is_some() {
                return Err(LockError::NoTag { text });
            }
            // Two spellings of one name could have two digests.
            if reference.to_string() != text {
                return Err(LockError::Spelling { text, full: reference.to_string() });
            }
            lock.images.insert(reference, digest);
        }
        Ok(lock)
    }

    /// Pins a tag to the digest it stands for.
    pub fn pin(&mut self, reference: &Reference, digest: Digest) {
        if reference.tag().is_some() && reference.digest().is_none() {
            self.images.insert(reference.clone(), digest);
        }
    }

    /// The digest that a tag is pinned to.
    pub fn digest(&self, reference: &Reference) -> Option<&Digest> {
        self.images.get(reference)
    }

    /// The one spelling of a lock: an image on each line, sorted.
    pub fn to_bytes(&self) -> Vec<u8> {
        let images = self.images.iter().map(|(name, digest)| (name.to_string(), *digest)).collect();
        let file = File { version: VERSION, images };
        let mut bytes = serde_json::to_vec_pretty(&file).expect("a lock has only texts as keys");
        bytes.push(b'\n');
        bytes
    }
}

/// Why bytes are no lock.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum LockError {
    /// They are no strict JSON of a lock.
    #[error("no lock: {0}")]
    Json(json::Error),
    /// It is of another version.
    #[error("its version is {found}, not {VERSION}")]
    Version {
        /// What stands there.
        found: u64,
    },
    /// A name is no reference.
    #[error("`{}` is no image", text.escape_debug())]
    Name {
        /// What stands there.
        text: String,
        /// Why not.
        #[source]
        cause: InvalidReference,
    },
    /// A name has no tag, or has a digest that says more than the tag.
    #[error("`{}` is no tag", text.escape_debug())]
    NoTag {
        /// What stands there.
        text: String,
    },
    /// A name is not written in full.
    #[error("`{}` is not written in full: `{full}`", text.escape_debug())]
    Spelling {
        /// What stands there.
        text: String,
        /// The full name.
        full: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling() {
        let digest = Digest::sha256(b"");
        let mut lock = Lock::default();
        for name in ["r.example/b:1", "busybox", "r.example/a@DIGEST", "r.example/a:1@DIGEST"] {
            let name = name.replace("DIGEST", &digest.to_string());
            lock.pin(&name.parse().unwrap(), digest);
        }
        let text = format!(
            "{{\n  \"version\": 1,\n  \"images\": {{\n    \"docker.io/library/busybox:latest\": \"{digest}\",\n    \"r.example/b:1\": \"{digest}\"\n  }}\n}}\n"
        );
        assert_eq!(String::from_utf8(lock.to_bytes()).unwrap(), text);
        assert_eq!(Lock::parse(text.as_bytes(), &Limits::default()), Ok(lock.clone()));
        assert_eq!(lock.digest(&"busybox".parse().unwrap()), Some(&digest));
        assert_eq!(lock.digest(&"busybox:1".parse().unwrap()), None);
    }

    #[test]
    fn what_is_no_lock() {
        let digest = Digest::sha256(b"");
        let with = |name: &str| format!(r#"{{"version":1,"images":{{"{name}":"{digest}"}}}}"#);
        let cases = [
            (
                with("busybox"),
                "`busybox` is not written in full: `docker.io/library/busybox:latest`".to_owned(),
            ),
            (with("r.example/a b"), "`r.example/a b` is no image".to_owned()),
            (with(&format!("r.example/a@{digest}")), format!("`r.example/a@{digest}` is no tag")),
            (
                with(&format!("r.example/a:1@{digest}")),
                format!("`r.example/a:1@{digest}` is no tag"),
            ),
            (with("r.example/a:1").replace(":1,", ":2,"), "its version is 2, not 1".to_owned()),
            (
                format!(
                    r#"{{"version":1,"images":{{"r.example/a:1":"{digest}","r.example/a:1":"{digest}"}}}}"#
                ),
                "no lock: the key `r.example/a:1` stands twice at line 1 column 203".to_owned(),
            ),
        ];
        for (text, expected) in cases {
            let error = Lock::parse(text.as_bytes(), &Limits::default()).unwrap_err();
            assert_eq!(error.to_string(), expected, "{text}");
        }
    }
}
