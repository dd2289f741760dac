//! A *packed* repository: its files in a tar in gzip, as policy-controller serializes a mirror
//! (`pkg/tuf/repo.go`), in a folder `repository` or in none.
//!
//! What is in it decides nothing before its metadata is proven; here it is only bounded, and no file
//! may stand twice.

use std::collections::BTreeMap;
use std::io::{self, Read};

use flate2::read::MultiGzDecoder;
use tar::EntryType;

use crate::limits::Limits;

/// The folder that all files may stand in.
const FOLDER: &str = "repository";

/// Unpacks a repository, in memory.
pub fn unpack(packed: &[u8], limits: &Limits) -> Result<BTreeMap<String, Vec<u8>>, PackedError> {
    let limit = limits.tuf_repository_bytes;
    let mut tar = Vec::new();
    MultiGzDecoder::new(packed).take(limit.saturating_add(1)).read_to_end(&mut tar)?;
    if u64::try_from(tar.len()).map_or(true, |size| size > limit) {
        return Err(PackedError::TooLarge { limit });
    }
    let mut files = BTreeMap::new();
    for entry in tar::Archive::new(tar.as_slice()).entries()? {
        let mut entry = entry?;
        let name = name(&entry.path_bytes())?;
        match entry.header().entry_type() {
            EntryType::Directory => continue,
            EntryType::Regular => {}
            _ => return Err(PackedError::NoFile { name }),
        }
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes)?;
        if u64::try_from(bytes.len()).ok() != Some(entry.size()) {
            return Err(PackedError::Short { name });
        }
        if files.insert(name.clone(), bytes).is_some() {
            return Err(PackedError::Twice { name });
        }
    }
    Ok(files)
}

/// The name of a member below [`FOLDER`], in one spelling.
fn name(path: &[u8]) -> Result<String, PackedError> {
    let path = String::from_utf8_lossy(path);
    let parts: Vec<_> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    if parts.contains(&"..") {
        return Err(PackedError::Outside { name: path.into_owned() });
    }
    Ok(match parts.as_slice() {
        [FOLDER, rest @ ..] if !rest.is_empty() => rest.join("/"),
        parts => parts.join("/"),
    })
}

/// Why bytes are no packed repository.
#[derive(Debug, thiserror::Error)]
pub enum PackedError {
    /// They are no tar in gzip.
    #[error("it is no tar in gzip")]
    Format(#[from] io::Error),
    /// They unpack to too much.
    #[error("it unpacks to more than {limit} bytes")]
    TooLarge {
        /// The cap.
        limit: u64,
    },
    /// A member is neither a file nor a folder.
    #[error("`{}` is neither a file nor a folder", .name.escape_debug())]
    NoFile {
        /// Its name.
        name: String,
    },
    /// A member ends before its size.
    #[error("`{}` is cut short", .name.escape_debug())]
    Short {
        /// Its name.
        name: String,
    },
    /// Two members have one name.
    #[error("`{}` stands in it twice", .name.escape_debug())]
    Twice {
        /// The name.
        name: String,
    },
    /// A name leads out.
    #[error("`{}` leads out of the repository", .name.escape_debug())]
    Outside {
        /// The name.
        name: String,
    },
}
