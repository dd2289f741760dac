//! Standard output is the answer, standard error the talk.

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, bail};
#[cfg(feature = "net")]
use sealift::net;
use sealift::report::text::Lines;
use sealift::{archive, engine, transfer};
use tempfile::NamedTempFile;

use super::signer::Usage;

/// Writes the answer. A reader that has gone away has heard enough.
pub(crate) fn answer(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("standard output cannot be written"),
    }
}

/// A file beside the answer, which appears whole or not at all.
pub(crate) struct Beside {
    path: PathBuf,
    file: NamedTempFile,
}

impl Beside {
    /// Finds out whether it can be written, before anything is done.
    pub(crate) fn prepare(path: &Path) -> Result<Self> {
        let cannot = || format!("`{}` cannot be written", path.display());
        if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
            return Err(anyhow!("it is there and no file").context(cannot()));
        }
        let file = tempfile::Builder::new()
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(directory_of(path))
            .map_err(|cause| io::Error::from(cause.kind()))
            .with_context(cannot)?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Writes it and gives it its name.
    pub(crate) fn write(mut self, bytes: &[u8]) -> Result<()> {
        let written = self
            .file
            .write_all(bytes)
            .and_then(|()| self.file.as_file().sync_all())
            .and_then(|()| self.file.persist(&self.path).map_err(|error| error.error));
        written.map(drop).with_context(|| format!("`{}` cannot be written", self.path.display()))
    }
}

fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|it| *it != Path::new("")).unwrap_or(Path::new("."))
}

/// Refuses to write over what is read, or two things into one file; each is named by its option.
pub(crate) fn check_apart(outputs: &[(&str, &Path)], inputs: &[(&str, &Path)]) -> Result<()> {
    let place = |path: &Path| {
        fs::canonicalize(path).ok().or_else(|| {
            let directory = fs::canonicalize(directory_of(path)).ok()?;
            Some(directory.join(path.file_name()?))
        })
    };
    for (number, (option, path)) in outputs.iter().enumerate() {
        let others = outputs.get(number.saturating_add(1)..).unwrap_or_default();
        let same = others.iter().chain(inputs).find(|(_, other)| {
            place(path).zip(place(other)).is_some_and(|(path, other)| path == other)
        });
        if let Some((other, _)) = same {
            bail!("`{}` is given as `{option}` and as `{other}`", path.display());
        }
    }
    Ok(())
}

/// Says what deserves a look and stops nothing.
pub(crate) fn warning(text: &str) {
    let mut lines = Lines::default();
    lines.unbroken("warning: ", text);
    // Nobody is left to tell where this cannot be written.
    let _ = io::stderr().write_all(lines.finish().as_bytes());
}

/// Says why nothing could be decided, and what may help.
pub(crate) fn error(error: &anyhow::Error) {
    let mut lines = Lines::default();
    let told = words(error);
    let mut told = told.lines();
    lines.unbroken("error: ", told.next().unwrap_or_default());
    told.for_each(|line| lines.unbroken("  ", line));
    if let Some(hint) = hint(error) {
        lines.unbroken("hint: ", &hint);
    }
    // Nobody is left to tell where this cannot be written.
    let _ = io::stderr().write_all(lines.finish().as_bytes());
}

/// The words of an error and of its causes; those that an error ends in already are not said twice.
fn words(error: &anyhow::Error) -> String {
    let mut told = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !told.ends_with(&cause) {
            let between = if told.is_empty() { "" } else { ": " };
            told = format!("{told}{between}{cause}");
        }
    }
    told
}

/// Says that something is tried again, and why.
#[cfg(feature = "net")]
pub(crate) fn waiting(pause: std::time::Duration, why: &net::Error) {
    let causes: Vec<_> = anyhow::Chain::new(why).map(ToString::to_string).collect();
    let text = format!("{}: trying again in {} s", causes.join(": "), pause.as_secs());
    // In the place of a progress bar, which draws itself anew below.
    if io::IsTerminal::is_terminal(&io::stderr()) {
        let _ = io::stderr().write_all(b"\r\x1b[2K");
    }
    warn(std::iter::once(text));
}

/// Says what somebody should know, though it decides nothing.
#[cfg(feature = "net")]
pub(crate) fn warn(texts: impl Iterator<Item = String>) {
    let mut lines = Lines::default();
    texts.for_each(|text| lines.unbroken("warning: ", &text));
    // Nobody is left to tell where this cannot be written.
    let _ = io::stderr().write_all(lines.finish().as_bytes());
}

/// What clap has to say: help for standard output, usage errors for standard error.
pub(crate) fn usage(usage: &clap::Error) -> ExitCode {
    // Nobody is left to tell where this cannot be written.
    let _ = usage.print();
    ExitCode::from(u8::try_from(usage.exit_code()).unwrap_or(2))
}

fn hint(error: &anyhow::Error) -> Option<String> {
    error.chain().find_map(|cause| {
        let of_archive = || cause.downcast_ref::<archive::Error>()?.hint().map(str::to_owned);
        let of_usage = || cause.downcast_ref::<Usage>()?.hint().map(str::to_owned);
        let of_engine = || cause.downcast_ref::<engine::Error>().and_then(engine_hint);
        let of_transfer = || cause.downcast_ref::<transfer::Error>().and_then(transfer_hint);
        of_archive().or_else(of_usage).or_else(of_engine).or_else(of_transfer)
    })
}

#[cfg(feature = "net")]
const LOST_LOOKUP: &str = "come back when the registry answers; what may be lost is named, with the \
                           reason, in a file for `--evidence-exceptions`";

fn transfer_hint(error: &transfer::Error) -> Option<String> {
    let hint = match error {
        transfer::Error::Nameless { .. } => {
            "give it a name: `sealift export oci-archive:FILE --name registry/repository:tag`"
        }
        transfer::Error::TwoRepositories { .. } => {
            "give one of them a place of its own: `--map registry.example/path=HOST/PATH`"
        }
        transfer::Error::Unmapped { .. } => {
            "say where everything else goes by `--to`, or name what is to go by `--image`"
        }
        transfer::Error::TwoOfOneName { .. } => {
            "carry one of them: leave one of the two places out (`--referrers-src` and \
             `COSIGN_REPOSITORY` name places for evidence), or remove the tag that is outdated there"
        }
        transfer::Error::TwoImages { .. } => {
            "name the images one by one, with `--image` and a prefix of its own for each"
        }
        transfer::Error::SparseIndex { .. } => {
            "export all platforms, or the one platform's manifest by its digest; a registry of yours \
             can be told to take such indexes (distribution 3: `validation`, `manifests`, `indexes`, \
             `platforms: none`)"
        }
        transfer::Error::NoChild { .. } => {
            "name the platforms that are there with `--platform`: the index stays as it was signed"
        }
        transfer::Error::NotLocked { .. } => {
            "leave the lock out and write a new one, or take the image from an older archive"
        }
        #[cfg(feature = "net")]
        transfer::Error::Fault { doing, cause } => {
            let of_net = cause.error().downcast_ref::<net::Error>().and_then(net_hint);
            let is_lookup = doing.starts_with("look up evidence");
            return of_net.or_else(|| is_lookup.then(|| LOST_LOOKUP.to_owned()));
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

#[cfg(feature = "net")]
fn net_hint(error: &net::Error) -> Option<String> {
    let hint = match error {
        net::Error::Unauthorized { .. } => {
            "log in with docker or podman, or give the file of credentials by `--authfile`"
        }
        net::Error::Status { status: 429, .. } => {
            "it limits requests: log in, lower `--concurrency`, or come back later"
        }
        net::Error::Status { status: 413, .. } => {
            "it, or a proxy before it, takes no request of this size: send blobs in chunks with \
             `--upload-chunk-size 32MiB`, or change its settings"
        }
        net::Error::NoRoots => "give the registry's certificate authority by `--ca-file`",
        net::Error::NoAnswer { url, .. } if url.starts_with("https://") => {
            "a registry without TLS needs `--plain-http`, one with its own authority `--ca-file`"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

fn engine_hint(error: &engine::Error) -> Option<String> {
    match error {
        engine::Error::NotFound { names, .. } => {
            const SHOWN: usize = 10;
            let shown = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
            let more = if names.len() > SHOWN { " and others" } else { "" };
            Some(format!("the archive holds {shown}{more}"))
        }
        engine::Error::OnlyEvidence { .. } => {
            Some("export the images together with their evidence".to_owned())
        }
        engine::Error::Unreadable(_) => Some(
            "the disk, or whoever wrote to the archive meanwhile, is at fault: copy it anew"
                .to_owned(),
        ),
        engine::Error::NoImage | engine::Error::Pin(_) | engine::Error::Threads(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_told_once() {
        let told = |first: &'static str, second: &'static str| {
            words(&anyhow::Error::msg("it is so").context(second).context(first))
        };
        assert_eq!(told("one", "two"), "one: two: it is so");
        assert_eq!(told("one", "two: it is so"), "one: two: it is so");
        assert_eq!(told("one: it is so", "it is so"), "one: it is so");
        assert_eq!(told("it is so", "one"), "it is so: one: it is so");
    }
}
