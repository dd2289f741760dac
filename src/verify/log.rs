//! The *log* step: what known transparency logs say of the signature, and that they say it of this
//! signature.
//!
//! The binding is checked for every entry of a known log, before anything of the entry is used and
//! whatever the policy asks: an entry of another signature would lend its time (CVE-2022-23649,
//! CVE-2026-22703).

use super::binding::{self, SignedBy};
use super::evidence::Signed;
use super::{
    Anchor, Artifact, Code, Inclusion, LogEntry, Rejection, Role, TimeSource, TrustedTime,
};
use crate::digest::hex;
use crate::limits::Limits;
use crate::sigstore::TrustRoot;
use crate::time::{UnixTime, Window};
use crate::tlog::checkpoint::Generation;
use crate::tlog::entry::Body;
use crate::tlog::{Entry, Log, checkpoint, merkle, promise};

/// What the logs proved.
#[derive(Default)]
pub(super) struct Logged {
    pub(super) entries: Vec<LogEntry>,
    pub(super) times: Vec<TrustedTime>,
    /// Times that entries claim without a promise: they prove nothing but must not contradict.
    pub(super) claimed: Vec<UnixTime>,
    /// Known logs whose entry has no promise, and when their keys were in use. A Rekor v2 log is
    /// read long after its key stopped signing, so there only the start counts.
    pub(super) unpromised: Vec<(String, Window)>,
    pub(super) unknown: Vec<String>,
    pub(super) anchors: Vec<Anchor>,
}

pub(super) struct LogStep<'a> {
    pub(super) root: Option<&'a TrustRoot>,
    pub(super) now: UnixTime,
    pub(super) limits: &'a Limits,
    pub(super) signed: &'a Signed,
    pub(super) inclusions: &'a [Inclusion],
    pub(super) signer: SignedBy<'a>,
    pub(super) artifact: &'a Artifact<'a>,
}

impl LogStep<'_> {
    pub(super) fn verify(&self, entries: &[Entry]) -> Result<Logged, Rejection> {
        let mut logged = Logged::default();
        for entry in entries {
            match self.root.and_then(|root| root.log(&entry.log_id)) {
                Some(log) => self.known(entry, log, &mut logged)?,
                None => logged.unknown.push(hex(&entry.log_id)),
            }
        }
        Ok(logged)
    }

    /// An entry of a known log: every proof it carries must hold (decision 3).
    fn known(&self, entry: &Entry, log: &Log, logged: &mut Logged) -> Result<(), Rejection> {
        let body = Body::parse(&entry.body, self.limits)?;
        check_kind(entry, &body)?;
        binding::check(&body, self.signed, self.signer, self.artifact)?;
        let time = entry.integrated_time.map(whole_seconds).transpose()?;
        let integrated = self.promised(entry, time, log)?;
        self.included(entry, &body, log)?;
        if entry.promise.is_none() && entry.proof.is_none() {
            return Err(Rejection::new(
                Code::MalformedLogEntry,
                "the log entry has neither promise nor proof",
            ));
        }
        match (integrated, time) {
            (Some(at), _) => {
                logged
                    .times
                    .push(TrustedTime { at, source: TimeSource::Log(log.base_url.clone()) });
            }
            (None, claimed) => {
                logged.claimed.extend(claimed);
                let window = match body.kind.generation() {
                    Generation::RekorV1 => log.window,
                    Generation::RekorV2 => log.window.without_end(),
                };
                logged.unpromised.push((log.base_url.clone(), window));
            }
        }
        let (name, id) = (log.base_url.clone(), log.key.id());
        logged.anchors.push(Anchor { role: Role::Log, name, id });
        logged.entries.push(LogEntry {
            log: log.base_url.clone(),
            index: entry.log_index,
            integrated,
            promise: entry.promise.is_some(),
            inclusion: entry.proof.is_some() || self.inclusions.iter().any(|one| one.is_of(entry)),
        });
        Ok(())
    }

    /// The promise, which alone makes the integrated time a trusted one.
    fn promised(
        &self,
        entry: &Entry,
        time: Option<UnixTime>,
        log: &Log,
    ) -> Result<Option<UnixTime>, Rejection> {
        let Some(set) = &entry.promise else { return Ok(None) };
        let Some(at) = time else {
            return Err(Rejection::new(
                Code::MalformedLogEntry,
                "the signed entry timestamp has no integrated time",
            ));
        };
        if promise::verify(entry, at.seconds(), set, log).is_err() {
            let detail =
                format!("the signed entry timestamp is no signature of the log {}", log.base_url);
            return Err(Rejection::new(Code::SetInvalid, detail));
        }
        if !log.window.contains(at) {
            let detail = format!(
                "the key of the log {} was in use {}, not at {at}",
                log.base_url, log.window
            );
            return Err(Rejection::new(Code::LogKeyWindow, detail));
        }
        if at > self.now {
            let detail = format!("the log says {at}, this machine's clock says {}", self.now);
            return Err(Rejection::new(Code::TimeInFuture, detail));
        }
        Ok(Some(at))
    }

    /// The inclusion proof, and the checkpoint that vouches for its root.
    fn included(&self, entry: &Entry, body: &Body, log: &Log) -> Result<(), Rejection> {
        let Some(proof) = &entry.proof else { return Ok(()) };
        // A Rekor v2 log is one tree and promises nothing, so nothing else vouches for the index
        // beside the entry. Rekor v1 counts it over all of its trees.
        if body.kind.generation() == Generation::RekorV2 && entry.log_index != proof.log_index {
            let detail = format!(
                "the log entry says it is number {}, its inclusion proof {}",
                entry.log_index, proof.log_index
            );
            return Err(Rejection::new(Code::MalformedLogEntry, detail));
        }
        let leaf = merkle::leaf_hash(&entry.body);
        merkle::verify_inclusion(
            leaf,
            proof.log_index,
            proof.tree_size,
            &proof.hashes,
            &proof.root_hash,
        )?;
        Ok(checkpoint::verify(proof, log, body.kind.generation(), self.limits)?)
    }
}

/// Kind and version beside the body must be those in the body.
fn check_kind(entry: &Entry, body: &Body) -> Result<(), Rejection> {
    let (kind, version) = body.kind.name();
    match &entry.kind_version {
        Some((found, at)) if found != kind || at != version => {
            let detail = format!(
                "the log entry calls itself {} {}, its body is {kind} {version}",
                found.escape_debug(),
                at.escape_debug()
            );
            Err(Rejection::new(Code::MalformedLogEntry, detail))
        }
        _ => Ok(()),
    }
}

fn whole_seconds(seconds: i64) -> Result<UnixTime, Rejection> {
    UnixTime::from_seconds(seconds).ok_or_else(|| {
        Rejection::new(Code::MalformedLogEntry, "the integrated time is out of range")
    })
}
