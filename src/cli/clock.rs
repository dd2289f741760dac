//! The clock: the only place that asks what time it is.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use sealift::time::UnixTime;

/// The time to judge at: the one given, else this machine's.
pub(crate) fn now(given: Option<UnixTime>) -> Result<UnixTime> {
    given.map_or_else(clock, Ok)
}

/// The time that a made thing tells, where it tells one: `SOURCE_DATE_EPOCH`
/// (<https://reproducible-builds.org/specs/source-date-epoch/>).
#[expect(clippy::disallowed_methods, reason = "the environment is read in cli only")]
pub(crate) fn source_date() -> Result<Option<UnixTime>> {
    let Ok(text) = std::env::var("SOURCE_DATE_EPOCH") else { return Ok(None) };
    let unreadable = || format!("SOURCE_DATE_EPOCH is no number of seconds: `{text}`");
    let seconds = text.parse().with_context(unreadable)?;
    UnixTime::from_seconds(seconds).with_context(unreadable).map(Some)
}

#[expect(clippy::disallowed_methods, reason = "the clock is read here and nowhere else")]
fn clock() -> Result<UnixTime> {
    let unreadable = "this machine's clock cannot be used; give `--verification-time`";
    let since = SystemTime::now().duration_since(UNIX_EPOCH).context(unreadable)?;
    let seconds = i64::try_from(since.as_secs()).context(unreadable)?;
    UnixTime::from_parts(seconds, since.subsec_nanos()).context(unreadable)
}
