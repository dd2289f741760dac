//! How a command ends.

use std::process::ExitCode;

/// The exit status. No other value has a meaning; they are reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// 0: everything that was judged is admitted, or there was nothing to judge; nothing differs.
    Admitted,
    /// 1: something is denied, differs, or is not found by a consumer.
    Denied,
    /// 2: nothing could be decided: wrong usage, unreadable input, no image.
    Undecided,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Admitted => Self::SUCCESS,
            Exit::Denied => Self::from(1),
            Exit::Undecided => Self::from(2),
        }
    }
}
