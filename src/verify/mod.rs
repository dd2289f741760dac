//! Is it authentic? One piece of evidence, one subject, every step, in the order of the spec.
//!
//! Start at [`Verifier::verify`]: it reads like `docs/verification.md`, each step being a file of
//! its own. Nothing here knows an archive, a network, a clock or a policy. What comes out is
//! [`Facts`] in a [`Verified`], or a [`Rejection`] with a stable code; which signer is acceptable is
//! for `policy` to say.
#![forbid(clippy::disallowed_types, clippy::disallowed_methods)]

mod binding;
mod certificate;
mod claim;
mod evidence;
mod facts;
mod inclusion;
mod key;
mod log;
mod rejection;
mod signature;
mod times;
mod verified;

pub use crate::x509::{Identity, SubjectAlternativeName};
pub use evidence::Testimony;
pub use facts::{
    Anchor, CertificateAuthority, Claim, Facts, Form, LogEntry, Role, Signer, TimeSource, TrustId,
    TrustedTime,
};
pub use inclusion::{Inclusion, LegacyLayer};
pub use rejection::{Code, Rejection};
pub use verified::Verified;

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::crypto::{HashValue, Message, PublicKey};
use crate::digest::Digest;
use crate::limits::Limits;
use crate::sigstore::TrustRoot;
use crate::sigstore::bundle::Material;
use crate::time::{UnixTime, Window};
use crate::tlog::Entry;
use crate::x509::{Certificate, PinnedCertificate, PrivatePki};
use binding::SignedBy;
use certificate::CertificateStep;
use evidence::Evidence;
use log::{LogStep, Logged};
use times::Times;

/// What signatures are verified against. Nothing that comes with the evidence is added to it.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// Which of several trusts this is.
    pub id: TrustId,
    /// Authorities and logs.
    pub root: Option<TrustRoot>,
    /// Which of them are those of the root that is given for everything, where a policy brings only
    /// the others.
    pub borrowed: Vec<RootPart>,
    /// Keys that policies name.
    pub keys: Vec<PublicKey>,
    /// When keys were in use, by their ids. A key without a window may have signed at any time.
    pub key_windows: BTreeMap<Digest, Window>,
    /// A PKI of one's own.
    pub pki: Option<PrivatePki>,
    /// The one certificate whose holder must have signed: with it, no authority, no key and no PKI
    /// counts, only the logs and timestamp authorities of the root.
    pub pinned: Option<PinnedCertificate>,
}

/// A part of a trusted root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RootPart {
    /// Certificate authorities and the logs of certificates.
    Authorities,
    /// Transparency logs.
    Logs,
    /// Timestamp authorities.
    TimestampAuthorities,
}

/// What evidence must be about: an image's manifest, or a file.
#[derive(Clone, Copy, Debug)]
pub struct Artifact<'a> {
    /// Its hash value, computed over its bytes by whoever has them.
    pub digest: HashValue,
    /// Its bytes, where they are at hand; only Ed25519 signatures over the artifact itself need them.
    pub bytes: Option<&'a [u8]>,
}

impl Artifact<'_> {
    fn message(&self) -> Message<'_> {
        match self.bytes {
            Some(bytes) => Message::Bytes(bytes),
            None => Message::Hashed(self.digest.hash(), self.digest.bytes()),
        }
    }
}

/// Verifies evidence against fixed trust at a fixed clock.
#[derive(Clone, Debug)]
pub struct Verifier {
    trust: Trust,
    now: UnixTime,
    limits: Limits,
}

impl Verifier {
    /// `now` is only ever compared with times that logs and authorities vouch for: none of them may
    /// lie after it (decision 10, 12).
    pub fn new(trust: Trust, now: UnixTime, limits: Limits) -> Self {
        Self { trust, now, limits }
    }

    /// What signatures are verified against.
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    /// The clock.
    pub fn now(&self) -> UnixTime {
        self.now
    }

    /// Proves one piece of evidence of `subject` by every step, or says at which it failed.
    pub fn verify(
        &self,
        subject: &Artifact<'_>,
        testimony: Testimony<'_>,
    ) -> Result<Verified, Rejection> {
        self.verify_included(subject, testimony, &[])
    }

    /// The same where inclusions were proven beside the evidence: they count for entries that it
    /// has itself, and for nothing else.
    pub fn verify_included(
        &self,
        subject: &Artifact<'_>,
        testimony: Testimony<'_>,
        inclusions: &[&Inclusion],
    ) -> Result<Verified, Rejection> {
        // 1. Read every part strictly.
        let mut evidence = Evidence::read(testimony, &self.limits)?;
        let joined = |entry: &Entry| inclusions.iter().find(|inclusion| inclusion.is_of(entry));
        evidence.inclusions = evidence
            .entries
            .iter()
            .filter_map(joined)
            .map(|&inclusion| inclusion.clone())
            .collect();
        let facts = match (&evidence.signer, &self.trust.pinned) {
            (_, Some(pinned)) => self.by_pinned(pinned.certificate(), subject, evidence),
            (Material::Certificate { der, .. }, None) => {
                let leaf = Certificate::from_der(der, &self.limits)?;
                self.by_certificate(&leaf, subject, evidence)
            }
            (Material::PublicKey { hint }, None) => {
                // 5. The signature, first: it tells which of the given keys is the signer's.
                let key = self.signing_key(&evidence, hint.as_deref(), subject)?;
                self.by_key(key, subject, evidence)
            }
        };
        facts.map(Verified::new)
    }

    fn by_certificate(
        &self,
        leaf: &Certificate,
        subject: &Artifact<'_>,
        evidence: Evidence,
    ) -> Result<Facts, Rejection> {
        // 2. Log entries: bound to this signature, promised, included.
        let logged = self.logged(
            &evidence,
            SignedBy { certificate: Some(leaf.der()), key: leaf.key() },
            subject,
        )?;
        // 3. Trusted times.
        let mut times = self.times(&evidence, &logged)?;
        // 4. The certificate, at every trusted time.
        let (root, pki) = (self.trust.root.as_ref(), self.trust.pki.as_ref());
        let certified = CertificateStep { root, pki, now: self.now, leaf }
            .verify(&logged, &mut times.trusted)?;
        // 5. The signature.
        signature::verify(&evidence.signed, leaf.key(), subject)?;
        // 6. The claim.
        let notes = [evidence.notes, certified.notes, times.notes, unknown_logs(&logged)].concat();
        let id = signature_id(evidence.signed.signature(), Some(leaf));
        let (form, layer) = (evidence.form, evidence.signed.layer());
        let claim = claim::read(evidence.signed, subject, &self.limits)?;
        let (signer, sct_logs) = (certified.signer, certified.sct_logs);
        let anchors = each_once([logged.anchors, times.anchors, certified.anchors].concat());
        Ok(Facts {
            trust: self.trust.id.clone(),
            form,
            id,
            layer,
            claim,
            signer,
            log_entries: logged.entries,
            times: times.trusted,
            sct_logs,
            anchors,
            notes,
        })
    }

    /// By the key of a certificate that the trust pins, whether or not the certificate stands beside
    /// the signature. That the certificate is valid at the clock was proven when it was pinned; it
    /// must be at every time that a log or an authority tells, too.
    fn by_pinned(
        &self,
        pinned: &Certificate,
        subject: &Artifact<'_>,
        evidence: Evidence,
    ) -> Result<Facts, Rejection> {
        let certificate = match &evidence.signer {
            Material::Certificate { der, .. } if *der == pinned.der() => Some(pinned.der()),
            Material::Certificate { .. } => {
                let detail = "it is signed with another certificate than the one that is pinned";
                return Err(Rejection::new(Code::CertificateUntrusted, detail));
            }
            Material::PublicKey { .. } => None,
        };
        signature::verify(&evidence.signed, pinned.key(), subject)?;
        let logged =
            self.logged(&evidence, SignedBy { certificate, key: pinned.key() }, subject)?;
        if let Some(id) = logged.unknown.first() {
            let detail =
                format!("a log entry is of log {id}, which the trusted root does not name");
            return Err(Rejection::new(Code::UnknownLog, detail));
        }
        let told = self.times(&evidence, &logged)?.trusted;
        let mut times = told.iter().map(|time| time.at).chain(logged.claimed.iter().copied());
        if let Some(at) = times.find(|at| !pinned.window().contains(*at)) {
            let detail =
                format!("the pinned certificate is valid {}, not at {at}", pinned.window());
            return Err(Rejection::new(Code::CertificateOutsideValidity, detail));
        }
        self.by_holder(pinned.key(), certificate.map(|_| pinned), logged, subject, evidence)
    }

    /// Every step but the signature, which found `key`.
    fn by_key(
        &self,
        key: &PublicKey,
        subject: &Artifact<'_>,
        evidence: Evidence,
    ) -> Result<Facts, Rejection> {
        let logged = self.logged(&evidence, SignedBy { certificate: None, key }, subject)?;
        self.by_holder(key, None, logged, subject, evidence)
    }

    /// The steps after the log, by whoever holds the key, of which a pinned certificate may be.
    fn by_holder(
        &self,
        key: &PublicKey,
        certificate: Option<&Certificate>,
        logged: Logged,
        subject: &Artifact<'_>,
        evidence: Evidence,
    ) -> Result<Facts, Rejection> {
        let times = self.times(&evidence, &logged)?;
        key::check_window(self.trust.key_windows.get(&key.id()), &logged, &times.trusted)?;
        let notes = [evidence.notes, times.notes, unknown_logs(&logged)].concat();
        let id = signature_id(evidence.signed.signature(), certificate);
        let (form, layer) = (evidence.form, evidence.signed.layer());
        let claim = claim::read(evidence.signed, subject, &self.limits)?;
        let signer = Signer::Key { id: key.id() };
        let own = Anchor { role: Role::Key, name: String::new(), id: key.id() };
        let anchors = each_once([logged.anchors, times.anchors, vec![own]].concat());
        let (log_entries, times) = (logged.entries, times.trusted);
        Ok(Facts {
            trust: self.trust.id.clone(),
            form,
            id,
            layer,
            claim,
            signer,
            log_entries,
            times,
            sct_logs: Vec::new(),
            anchors,
            notes,
        })
    }

    fn logged(
        &self,
        evidence: &Evidence,
        signer: SignedBy<'_>,
        artifact: &Artifact<'_>,
    ) -> Result<Logged, Rejection> {
        let (root, now, limits) = (self.trust.root.as_ref(), self.now, &self.limits);
        let (signed, inclusions) = (&evidence.signed, &evidence.inclusions);
        LogStep { root, now, limits, signed, inclusions, signer, artifact }
            .verify(&evidence.entries)
    }

    fn times(&self, evidence: &Evidence, logged: &Logged) -> Result<Times, Rejection> {
        times::verify(
            &evidence.timestamps,
            &evidence.stamped,
            logged,
            self.trust.root.as_ref(),
            self.now,
        )
    }

    /// The given key by which the signature verifies. A hint narrows the choice and decides nothing.
    fn signing_key(
        &self,
        evidence: &Evidence,
        hint: Option<&str>,
        subject: &Artifact<'_>,
    ) -> Result<&PublicKey, Rejection> {
        if self.trust.keys.is_empty() {
            return Err(Rejection::new(
                Code::KeyNotGiven,
                "it is signed by a key, and no key was given",
            ));
        }
        let mut refusal = None;
        for key in self.trust.keys.iter().filter(|key| hint.is_none_or(|hint| hint_fits(hint, key)))
        {
            match signature::verify(&evidence.signed, key, subject) {
                Ok(()) => return Ok(key),
                Err(why) => refusal = Some(why),
            }
        }
        Err(refusal.unwrap_or_else(|| {
            let detail = format!(
                "the bundle is signed by the key `{}`",
                hint.unwrap_or_default().escape_debug()
            );
            Rejection::new(Code::KeyHintMismatch, detail)
        }))
    }
}

/// A hint that is a SHA-256 in base64 names the key with that id; any other text names none in particular.
fn hint_fits(hint: &str, key: &PublicKey) -> bool {
    match STANDARD.decode(hint) {
        Ok(id) if id.len() == 32 => key.id().bytes() == id,
        _ => true,
    }
}

fn signature_id(signature: &[u8], certificate: Option<&Certificate>) -> Digest {
    let pem = certificate.map(Certificate::to_pem).unwrap_or_default();
    Digest::sha256(&[signature, pem.as_bytes()].concat())
}

fn each_once(mut anchors: Vec<Anchor>) -> Vec<Anchor> {
    anchors.sort();
    anchors.dedup();
    anchors
}

fn unknown_logs(logged: &Logged) -> Vec<String> {
    let note = |id| {
        format!("an entry of log {id}, which the trusted root does not name, counted for nothing")
    };
    logged.unknown.iter().map(note).collect()
}
