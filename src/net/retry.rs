//! *Retries*: what is tried again, how often, and how long after.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::fmt::rfc2822::DateTimeParser;

use super::Error;
use super::error::Repeat;

/// The first pause where a registry names none; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause where a registry names none.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The longest pause a registry may ask for (`Retry-After`). One that asks for more is not asked
/// again: to come back earlier would be rude, and to wait would look like a hang.
const LONGEST_ASKED: Duration = Duration::from_mins(5);

/// How often what failed is tried again, and who waits in between.
#[derive(Clone)]
pub struct Retries {
    /// Attempts after the first.
    pub count: u32,
    /// Waits so long; hears why.
    #[expect(clippy::type_complexity, reason = "it is one closure")]
    pub wait: Arc<dyn Fn(Duration, &Error) + Send + Sync>,
}

/// None.
impl Default for Retries {
    fn default() -> Self {
        Self { count: 0, wait: Arc::new(|_, _| {}) }
    }
}

impl fmt::Debug for Retries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retries").field("count", &self.count).finish_non_exhaustive()
    }
}

impl Retries {
    /// Runs `work` until it succeeds, fails for good, or has failed too often.
    pub(super) fn run<T>(&self, mut work: impl FnMut() -> Result<T, Error>) -> Result<T, Error> {
        let mut attempts = self.attempts();
        loop {
            match work() {
                Ok(done) => return Ok(done),
                Err(error) => attempts.after(error)?,
            }
        }
    }

    /// Counts the attempts of one operation.
    pub(super) fn attempts(&self) -> Attempts {
        Attempts { retries: self.clone(), failed: 0 }
    }
}

/// The attempts of one operation.
pub(super) struct Attempts {
    retries: Retries,
    failed: u32,
}

impl Attempts {
    /// Waits as long as `error` asks for; gives it back where nothing more is to be tried.
    pub(super) fn after(&mut self, error: Error) -> Result<(), Error> {
        let pause = match error.repeat() {
            Repeat::Never => return Err(error),
            Repeat::After(asked) if asked > LONGEST_ASKED => return Err(error),
            Repeat::After(asked) => asked,
            Repeat::Later => {
                FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(self.failed)).min(LONGEST_PAUSE)
            }
        };
        if self.failed >= self.retries.count {
            return Err(error);
        }
        self.failed = self.failed.saturating_add(1);
        (self.retries.wait)(pause, &error);
        Ok(())
    }

    /// Forgets what failed before: a link that breaks now and then is no dead one.
    pub(super) fn progressed(&mut self) {
        self.failed = 0;
    }
}

/// The pause `Retry-After` asks for: seconds, or a date, which is compared with the registry's own
/// `Date`, so that no clock of ours is asked.
pub(super) fn asked_pause(retry_after: &str, date: Option<&str>) -> Option<Duration> {
    if let Ok(seconds) = retry_after.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let time = |text: &str| DateTimeParser::new().parse_timestamp(text.trim()).ok();
    let pause = time(retry_after)?.duration_since(time(date?)?);
    Some(Duration::try_from(pause).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    fn status(status: u16, pause: Option<Duration>) -> Error {
        Error::Status { method: "GET", url: String::new(), status, detail: String::new(), pause }
    }

    /// The pauses until `error` is given back, of at most `count` retries.
    fn pauses(count: u32, status_code: u16, asked: Option<u64>) -> Vec<u64> {
        let waited = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&waited);
        let wait = move |pause: Duration, _: &Error| told.lock().unwrap().push(pause.as_secs());
        let retries = Retries { count, wait: Arc::new(wait) };
        let asked = asked.map(Duration::from_secs);
        let outcome = retries.run(|| Err::<(), _>(status(status_code, asked)));
        assert_eq!(
            outcome.unwrap_err().to_string(),
            format!("GET  was answered with {status_code}")
        );
        let waited = waited.lock().unwrap();
        waited.clone()
    }

    #[test]
    fn pauses_grow_to_a_cap_and_end() {
        assert_eq!(pauses(8, 503, None), [1, 2, 4, 8, 16, 30, 30, 30]);
        assert_eq!(pauses(0, 503, None), [0; 0]);
        assert_eq!(pauses(40, 500, None).len(), 40);
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        for code in [408, 429, 500, 502, 503, 504] {
            assert_eq!(pauses(1, code, None), [1], "{code}");
        }
        for code in [400, 401, 403, 404, 405, 410, 413, 416, 501, 505] {
            assert_eq!(pauses(1, code, None), [0; 0], "{code}");
        }
    }

    #[test]
    fn the_registry_names_the_pause_up_to_a_cap() {
        assert_eq!(pauses(2, 429, Some(7)), [7, 7]);
        assert_eq!(pauses(1, 429, Some(0)), [0]);
        assert_eq!(pauses(1, 429, Some(300)), [300]);
        assert_eq!(pauses(1, 429, Some(301)), [0; 0]);
    }

    #[test]
    fn pauses_are_seconds_or_dates() {
        let date = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        for (text, date, expected) in [
            ("120", None, Some(120)),
            (" 3 ", date, Some(3)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", date, Some(60)),
            ("Sun, 06 Nov 1994 08:49:07 GMT", date, Some(0)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", None, None),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some("yesterday"), None),
            ("soon", date, None),
            ("-1", date, None),
            ("1.5", date, None),
        ] {
            let expected = expected.map(Duration::from_secs);
            assert_eq!(asked_pause(text, date), expected, "{text} {date:?}");
        }
    }

    #[test]
    fn progress_begins_the_count_anew() {
        let retries = Retries { count: 1, ..Retries::default() };
        let mut attempts = retries.attempts();
        attempts.after(status(503, None)).unwrap();
        attempts.progressed();
        attempts.after(status(503, None)).unwrap();
        let error = attempts.after(status(503, None)).unwrap_err();
        assert_eq!(error.to_string(), "GET  was answered with 503");
    }
}
