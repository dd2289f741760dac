//! The *key* step: that a key with a window made the signature inside it.

use super::log::Logged;
use super::{Code, Rejection, TrustedTime, times};
use crate::time::Window;

/// Compares every trusted time with the window, and every time that an entry claims without a
/// promise. Without a trusted time nobody can say that a signature is no later than its key
/// (CVE-2026-54787): a key whose time is limited needs one as a certificate does.
pub(super) fn check_window(
    window: Option<&Window>,
    logged: &Logged,
    trusted: &[TrustedTime],
) -> Result<(), Rejection> {
    let Some(window) = window else { return Ok(()) };
    if trusted.is_empty() {
        return Err(times::none(logged, "key"));
    }
    let claimed = logged.claimed.iter().copied();
    let mut all = trusted.iter().map(|time| time.at).chain(claimed);
    match all.find(|at| !window.contains(*at)) {
        None => Ok(()),
        Some(at) => {
            let detail = format!("the signer's key was in use {window}, not at {at}");
            Err(Rejection::new(Code::KeyWindow, detail))
        }
    }
}
