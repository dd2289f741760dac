//! `--emit`: the directory of files that point clusters at a mirror, whole or not there.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use sealift::transfer::ClusterConfig;
use tempfile::TempDir;

/// A directory that does not have its name yet.
pub(crate) struct Emission {
    path: PathBuf,
    unnamed: TempDir,
}

impl Emission {
    /// Finds out whether the directory can be written, before anything is pushed.
    pub(crate) fn prepare(path: &Path) -> Result<Self> {
        let shown = path.display();
        if path.symlink_metadata().is_ok() {
            bail!("`{shown}` is there already, and what is emitted replaces nothing");
        }
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let unnamed = tempfile::Builder::new()
            .prefix(".sealift-emit-")
            .tempdir_in(parent.unwrap_or(Path::new(".")))
            .with_context(|| format!("`{shown}` cannot be written"))?;
        Ok(Self { path: path.to_owned(), unnamed })
    }

    /// Writes the files and gives the directory its name.
    pub(crate) fn write(self, config: &ClusterConfig) -> Result<()> {
        let inside = self.unnamed.path().join("emitted");
        let written = (|| {
            fs::create_dir(&inside)?;
            for file in &config.files {
                let path = inside.join(&file.path);
                fs::create_dir_all(path.parent().unwrap_or(&inside))?;
                fs::write(path, &file.text)?;
            }
            // Atomic, and refused where something with content has the name by now.
            fs::rename(&inside, &self.path)
        })();
        written.map_err(|error| match error.kind() {
            ErrorKind::DirectoryNotEmpty | ErrorKind::AlreadyExists => {
                anyhow::anyhow!("`{}` appeared meanwhile", self.path.display())
            }
            _ => anyhow::Error::new(error)
                .context(format!("`{}` cannot be written", self.path.display())),
        })
    }
}
