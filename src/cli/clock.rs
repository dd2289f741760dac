//! The clock: the only place that asks what time it is.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use sealift::time::UnixTime;

/// The time to judge at: the one given, else this machine's.
pub(crate) fn now(given: Option<UnixTime>) -> Result<UnixTime> {
    given.map_or_else(clock, Ok)
}

#[expect(clippy::disallowed_methods, reason = "the clock is read here and nowhere else")]
fn clock() -> Result<UnixTime> {
    let unreadable = "this machine's clock cannot be used; give `--verification-time`";
    let since = SystemTime::now().duration_since(UNIX_EPOCH).context(unreadable)?;
    let seconds = i64::try_from(since.as_secs()).context(unreadable)?;
    UnixTime::from_parts(seconds, since.subsec_nanos()).context(unreadable)
}
