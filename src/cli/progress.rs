//! How far the work is, on a terminal only.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};
use sealift::digest::Digest;
use sealift::engine::Progress;
use sealift::transfer::Watch;

/// A bar on standard error that goes away when the work is done.
pub(crate) struct Bar {
    bar: ProgressBar,
}

impl Bar {
    /// A bar, invisible where `wanted` is [`Wanted::No`] or standard error is no terminal.
    pub(crate) fn new(wanted: Wanted) -> Self {
        let bar = match wanted {
            Wanted::Yes if std::io::stderr().is_terminal() => ProgressBar::no_length(),
            Wanted::Yes | Wanted::No => ProgressBar::hidden(),
        };
        // The message takes what is left of the line, so that the bar never wraps.
        let style = "{bar:12} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left {wide_msg}";
        bar.set_style(ProgressStyle::with_template(style).expect("the template is a constant"));
        Self { bar }
    }
}

impl Progress for Bar {
    fn begin(&self, bytes: u64, pieces: usize) {
        self.bar.set_length(bytes);
        self.bar.set_message(format!("(then {pieces} signatures)"));
    }

    fn hashed(&self, bytes: u64) {
        self.bar.inc(bytes);
    }
}

impl Watch for Bar {
    fn looked_up(&self, digest: &Digest) {
        self.bar.set_message(format!("(looked up the evidence of {digest})"));
        self.bar.tick();
    }

    fn begins(&self, blobs: usize, bytes: u64) {
        self.bar.reset();
        self.bar.set_length(bytes);
        self.bar.set_message(format!("({blobs} blobs)"));
    }

    fn passed(&self, bytes: u64) {
        self.bar.inc(bytes);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Whether a bar is wanted: `--no-progress`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Yes,
    No,
}
