//! The *times* step: when the signature was made, by the word of those we trust.
//!
//! A log's time counts only under its signed promise (`log`); an authority's only under its
//! signature. All of them count at once: whatever a time is compared with must hold at every one,
//! so that one dishonest authority cannot date a signature back.

use super::log::Logged;
use super::{Anchor, Code, Rejection, Role, TimeSource, TrustedTime};
use crate::digest::Digest;
use crate::sigstore::TrustRoot;
use crate::time::UnixTime;
use crate::timestamp::Token;

/// What the authorities and logs say together.
pub(super) struct Times {
    pub(super) trusted: Vec<TrustedTime>,
    pub(super) notes: Vec<String>,
    pub(super) anchors: Vec<Anchor>,
}

/// Proves every timestamp of a known authority over `stamped`, and joins the logs' times.
pub(super) fn verify(
    timestamps: &[Vec<u8>],
    stamped: &[u8],
    logged: &Logged,
    root: Option<&TrustRoot>,
    now: UnixTime,
) -> Result<Times, Rejection> {
    let trusted = logged.times.clone();
    let mut times = Times { trusted, notes: Vec::new(), anchors: Vec::new() };
    for timestamp in timestamps {
        let token = Token::parse(timestamp).map_err(|why| invalid(&why.to_string()))?;
        let authorities = root.into_iter().flat_map(TrustRoot::timestamp_authorities);
        let mut refusal = None;
        let proven =
            authorities.filter(|authority| token.names(authority)).find_map(
                |authority| match token.verify(stamped, authority) {
                    Ok(at) => Some((at, authority)),
                    Err(why) => {
                        refusal = Some(invalid(&format!("{why} ({})", authority.uri())));
                        None
                    }
                },
            );
        match (proven, refusal) {
            (Some((at, authority)), _) => {
                if at > now {
                    let detail = format!("the timestamp says {at}, this machine's clock says {now}");
                    return Err(Rejection::new(Code::TimeInFuture, detail));
                }
                let source = TimeSource::TimestampAuthority(authority.uri().to_owned());
                times.trusted.push(TrustedTime { at, source });
                times.anchors.push(Anchor {
                    role: Role::TimestampAuthority,
                    name: authority.uri().to_owned(),
                    id: Digest::sha256(authority.signer().der()),
                });
            }
            (None, Some(refusal)) => return Err(refusal),
            (None, None) => times.notes.push(
                "a timestamp of an authority that the trusted root does not name counted for nothing".to_owned(),
            ),
        }
    }
    times.trusted.sort_by_key(|time| time.at);
    check_unpromised(logged, &times)?;
    Ok(times)
}

/// An entry without a promise gives no time; the authorities' times must lie where its log's key
/// was in use.
fn check_unpromised(logged: &Logged, times: &Times) -> Result<(), Rejection> {
    for (log, window) in &logged.unpromised {
        if let Some(time) = times.trusted.iter().find(|time| !window.contains(time.at)) {
            let detail =
                format!("the key of the log {log} was in use {window}, not at {}", time.at);
            return Err(Rejection::new(Code::LogKeyWindow, detail));
        }
    }
    Ok(())
}

/// That nobody says when `what` was used, which has to be used in its time.
pub(super) fn none(logged: &Logged, what: &str) -> Rejection {
    match logged.unknown.first() {
        Some(id) => Rejection::new(
            Code::UnknownLog,
            format!("the only log entry is of log {id}, which the trusted root does not name"),
        ),
        None => Rejection::new(
            Code::NoTrustedTime,
            format!("no log and no timestamp authority says when the {what} was used"),
        ),
    }
}

fn invalid(why: &str) -> Rejection {
    Rejection::new(Code::TimestampInvalid, why)
}
