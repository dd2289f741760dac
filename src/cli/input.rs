//! Files that the user names, read whole and only up to a cap.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use anyhow::{Context, Result, bail};

/// The bytes of `path`, which is called `what` where it cannot be read.
pub(crate) fn read(path: &Path, what: &str, limit: u64) -> Result<Vec<u8>> {
    let cannot = || format!("{what} `{}` cannot be read", path.display());
    let mut bytes = Vec::new();
    let file = File::open(path).with_context(cannot)?;
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).with_context(cannot)?;
    if u64::try_from(bytes.len())? > limit {
        bail!("{what} `{}` has more than {limit} bytes", path.display());
    }
    Ok(bytes)
}

/// The bytes of a file that another file names; whoever asks says which it is.
pub(crate) fn read_named(path: impl AsRef<Path>, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).map_or(true, |size| size > limit) {
        return Err(io::Error::other(format!("it has more than {limit} bytes")));
    }
    Ok(bytes)
}

/// The text of `path`.
pub(crate) fn read_text(path: &Path, what: &str, limit: u64) -> Result<String> {
    String::from_utf8(read(path, what, limit)?)
        .with_context(|| format!("{what} `{}` is no UTF-8 text", path.display()))
}
