//! Points in time and the windows they lie in. There is no clock here: whoever needs `now` is given it.

use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;
use jiff::civil::{DateTime, date};
use jiff::fmt::temporal::Pieces;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const EPOCH: DateTime = date(1970, 1, 1).at(0, 0, 0, 0);

/// A point in time: seconds and nanoseconds since 1970-01-01T00:00:00Z.
///
/// Full precision is kept, for a signed timestamp may carry fractions and windows are compared
/// with them (VERIFICATION 2g).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime {
    seconds: i64,
    nanos: u32,
}

impl UnixTime {
    /// Whole seconds since the epoch; `None` outside the years -9999 to 9999.
    pub fn from_seconds(seconds: i64) -> Option<Self> {
        Self::from_parts(seconds, 0)
    }

    /// Seconds and nanoseconds since the epoch; `None` outside the years -9999 to 9999 or for a
    /// whole second of nanoseconds.
    pub fn from_parts(seconds: i64, nanos: u32) -> Option<Self> {
        let time = Self { seconds, nanos };
        (nanos < 1_000_000_000 && time.civil().is_some()).then_some(time)
    }

    /// The time on a calendar in UTC. A `jiff::Timestamp` ends a day before the year 9999 does, which
    /// certificates without an end name to its last second (RFC 5280, section 4.1.2.5).
    fn civil(self) -> Option<DateTime> {
        let since = SignedDuration::new(self.seconds, i32::try_from(self.nanos).ok()?);
        EPOCH.checked_add(since).ok()
    }

    /// The whole second at or before this time.
    pub fn seconds(self) -> i64 {
        self.seconds
    }

    /// The nanoseconds past [`seconds`](Self::seconds).
    pub fn nanos(self) -> u32 {
        self.nanos
    }
}

/// RFC 3339 in UTC, with a fraction only where there is one.
impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.civil().expect("the constructor checked the range");
        write!(f, "{time}Z")
    }
}

/// RFC 3339, any offset.
impl FromStr for UnixTime {
    type Err = NotATime;

    fn from_str(text: &str) -> Result<Self, NotATime> {
        let read = || {
            let pieces = Pieces::parse(text).ok()?;
            let civil = pieces.date().to_datetime(pieces.time()?);
            let offset = i64::from(pieces.to_numeric_offset()?.seconds());
            let since = civil.duration_since(EPOCH);
            let (seconds, nanos) = (since.as_secs(), since.subsec_nanos());
            // Before the epoch jiff counts the fraction backwards.
            let (seconds, nanos) = if nanos < 0 {
                (seconds.checked_sub(1)?, nanos.checked_add(1_000_000_000)?)
            } else {
                (seconds, nanos)
            };
            Self::from_parts(seconds.checked_sub(offset)?, u32::try_from(nanos).ok()?)
        };
        read().ok_or(NotATime)
    }
}

impl Serialize for UnixTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for UnixTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The text is no RFC 3339 time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a time is written like 2026-03-01T12:00:00Z (RFC 3339)")]
pub struct NotATime;

/// A span of validity, both ends inclusive; without an end it is still open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    start: UnixTime,
    end: Option<UnixTime>,
}

impl Window {
    /// From `start` to `end`; `None` where the end lies before the start.
    pub fn new(start: UnixTime, end: Option<UnixTime>) -> Option<Self> {
        end.is_none_or(|end| start <= end).then_some(Self { start, end })
    }

    /// The first valid time.
    pub fn start(&self) -> UnixTime {
        self.start
    }

    /// The last valid time.
    pub fn end(&self) -> Option<UnixTime> {
        self.end
    }

    /// The same window, left open.
    #[must_use]
    pub fn without_end(self) -> Self {
        Self { end: None, ..self }
    }

    /// Whether `time` lies inside, ends included.
    pub fn contains(&self, time: UnixTime) -> bool {
        self.start <= time && self.end.is_none_or(|end| time <= end)
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.end {
            Some(end) => write!(f, "{} to {end}", self.start),
            None => write!(f, "since {}", self.start),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> UnixTime {
        text.parse().unwrap()
    }

    #[test]
    fn both_ends_are_inside() {
        let window =
            Window::new(at("2026-01-01T00:00:00Z"), Some(at("2026-01-02T00:00:00Z"))).unwrap();
        assert!(window.contains(at("2026-01-01T00:00:00Z")));
        assert!(window.contains(at("2026-01-02T00:00:00Z")));
        assert!(!window.contains(at("2025-12-31T23:59:59.999999999Z")));
        assert!(!window.contains(at("2026-01-02T00:00:00.000000001Z")));
        assert_eq!(Window::new(window.start(), Some(at("2025-12-31T00:00:00Z"))), None);
    }

    #[test]
    fn text_and_back() {
        for text in
            ["2026-06-04T12:43:29.186617431Z", "1969-12-31T23:59:59.5Z", "2022-12-31T23:59:59.999Z"]
        {
            assert_eq!(at(text).to_string(), text);
        }
        // The last second of all, by which a certificate says that it has no end.
        for text in
            ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59.999999999Z", "-009999-01-01T00:00:00Z"]
        {
            assert_eq!(at(text).to_string(), text);
        }
        assert_eq!(at("9999-12-31T23:59:59Z").seconds(), 253_402_300_799);
        assert_eq!(UnixTime::from_seconds(253_402_300_800), None);
        for text in [
            "9999-12-31T23:59:59-01:00",
            "2026-01-01",
            "2026-01-01T00:00:00",
            "10000-01-01T00:00:00Z",
        ] {
            assert_eq!(text.parse::<UnixTime>(), Err(NotATime), "{text}");
        }
        assert_eq!(at("2026-01-01T01:00:00+01:00"), at("2026-01-01T00:00:00Z"));
        assert_eq!("yesterday".parse::<UnixTime>(), Err(NotATime));
        assert_eq!(UnixTime::from_seconds(i64::MAX), None);
        assert_eq!(UnixTime::from_parts(0, 1_000_000_000), None);
    }
}
