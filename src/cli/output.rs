//! Standard output is the answer, standard error the talk.

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use anyhow::{Context, Result};
#[cfg(feature = "net")]
use sealift::net;
use sealift::report::text::Lines;
use sealift::{archive, engine, transfer};

use super::signer::Usage;

/// Writes the answer. A reader that has gone away has heard enough.
pub(crate) fn answer(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("standard output cannot be written"),
    }
}

/// Says why nothing could be decided, and what may help.
pub(crate) fn error(error: &anyhow::Error) {
    let causes: Vec<_> = error.chain().map(ToString::to_string).collect();
    let mut lines = Lines::default();
    lines.unbroken("error: ", &causes.join(": "));
    if let Some(hint) = hint(error) {
        lines.unbroken("hint: ", &hint);
    }
    // Nobody is left to tell where this cannot be written.
    let _ = io::stderr().write_all(lines.finish().as_bytes());
}

/// Says that something is tried again, and why.
#[cfg(feature = "net")]
pub(crate) fn waiting(pause: std::time::Duration, why: &net::Error) {
    let causes: Vec<_> = anyhow::Chain::new(why).map(ToString::to_string).collect();
    let text = format!("{}: trying again in {} s", causes.join(": "), pause.as_secs());
    let mut lines = Lines::default();
    // In the place of a progress bar, which draws itself anew below.
    let place = if io::IsTerminal::is_terminal(&io::stderr()) { "\r\u{1b}[2K" } else { "" };
    lines.unbroken("warning: ", &text);
    let text = format!("{place}{}", lines.finish());
    // Nobody is left to tell where this cannot be written.
    let _ = io::stderr().write_all(text.as_bytes());
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

fn transfer_hint(error: &transfer::Error) -> Option<String> {
    let hint = match error {
        transfer::Error::Nameless { .. } => {
            "give it a name: `sealift export oci-archive:FILE --name registry/repository:tag`"
        }
        transfer::Error::TwoImages { .. } => {
            "name the images one by one, with `--image` and a prefix of its own for each"
        }
        transfer::Error::NoChild { .. } => {
            "copy the index with all its platforms, or name one platform's manifest by its digest"
        }
        #[cfg(feature = "net")]
        transfer::Error::Fault { cause, .. } => {
            return cause.error().downcast_ref::<net::Error>().and_then(net_hint);
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
            "it, or a proxy before it, takes no upload of this size: that is for its settings"
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
