//! The *certificate* step: that a path led to a trusted authority at every trusted time, that a
//! certificate transparency log promised the certificate, and that it is for signing by one name.

use const_oid::db::rfc5280::ID_KP_CODE_SIGNING;

use super::log::Logged;
use super::{
    Anchor, CertificateAuthority, Code, Rejection, Role, Signer, TimeSource, TrustedTime, times,
};
use crate::digest::{Digest, hex};
use crate::sigstore::TrustRoot;
use crate::time::UnixTime;
use crate::x509::{
    Certificate, Identity, PathError, PrivatePki, Purpose, SignedCertificateTimestamp,
    SubjectAlternativeName,
};

pub(super) struct CertificateStep<'a> {
    pub(super) root: Option<&'a TrustRoot>,
    pub(super) pki: Option<&'a PrivatePki>,
    pub(super) now: UnixTime,
    pub(super) leaf: &'a Certificate,
}

/// What the certificate proved.
pub(super) struct Certified {
    pub(super) signer: Signer,
    pub(super) sct_logs: Vec<String>,
    pub(super) notes: Vec<String>,
    pub(super) anchors: Vec<Anchor>,
}

/// What the logs promised of a certificate.
#[derive(Default)]
struct Promised {
    logs: Vec<String>,
    notes: Vec<String>,
    anchors: Vec<Anchor>,
}

impl CertificateStep<'_> {
    /// Proves the certificate at every trusted time; a private PKI without any is judged by the
    /// clock, and the time is added so that the report says so.
    pub(super) fn verify(
        &self,
        logged: &Logged,
        times: &mut Vec<TrustedTime>,
    ) -> Result<Certified, Rejection> {
        if times.is_empty() {
            if self.pki.is_none() {
                return Err(times::none(logged, "certificate"));
            }
            times.push(TrustedTime { at: self.now, source: TimeSource::Clock });
        }
        let claimed = logged.claimed.iter().copied();
        let at: Vec<UnixTime> = times.iter().map(|time| time.at).chain(claimed).collect();
        let by_clock = times.iter().any(|time| time.source == TimeSource::Clock);
        let (issuer, authority) = self.issuer(&at, by_clock)?;
        let Promised { logs: sct_logs, notes, mut anchors } = self.promised(issuer)?;
        anchors.push(anchor(&authority, issuer));
        self.check_usage(&authority)?;
        let identity = Identity::of(self.leaf)?;
        check_names(&identity, &authority)?;
        let signer = Signer::Certificate { authority, identity };
        Ok(Certified { signer, sct_logs, notes, anchors })
    }

    /// The issuer by one authority whose path holds at all times. Where none does, the refusal of
    /// the authority that came closest is told: one that knows the issuer and refuses the time.
    fn issuer(
        &self,
        at: &[UnixTime],
        by_clock: bool,
    ) -> Result<(&Certificate, CertificateAuthority), Rejection> {
        let mut closest: Option<PathError> = None;
        // The clock is no time for a certificate of a trusted root (decision 10).
        let authorities =
            self.root.into_iter().flat_map(TrustRoot::authorities).filter(|_| !by_clock);
        for authority in authorities {
            match all(at, |time| authority.path(self.leaf, time, Purpose::CodeSigning)) {
                Ok(path) => {
                    let name = CertificateAuthority::TrustedRoot(authority.uri().to_owned());
                    return Ok((path.issuer(), name));
                }
                Err(why) => closest = Some(closer(closest, why)),
            }
        }
        if let Some(pki) = self.pki {
            match all(at, |time| pki.path(self.leaf, time)) {
                Ok(path) => return Ok((path.issuer(), CertificateAuthority::PrivatePki)),
                Err(why) => closest = Some(closer(closest, why)),
            }
        }
        Err(closest.map_or_else(
            || {
                Rejection::new(
                    Code::CertificateUntrusted,
                    "no certificate authority is trusted: give --trusted-root",
                )
            },
            Rejection::from,
        ))
    }

    /// Every promise of a known certificate transparency log must hold.
    fn promised(&self, issuer: &Certificate) -> Result<Promised, Rejection> {
        let mut promised = Promised::default();
        for sct in SignedCertificateTimestamp::all_in(self.leaf)? {
            let Some(log) = self.root.and_then(|root| root.ct_log(&sct.log_id)) else {
                promised.notes.push(format!(
                    "a certificate timestamp of a log that the trusted root does not name: {}",
                    hex(&sct.log_id)
                ));
                continue;
            };
            sct.verify(self.leaf, issuer, &log.key, log.window)?;
            let (name, id) = (log.base_url.clone(), log.key.id());
            if !promised.logs.contains(&name) {
                promised.logs.push(name.clone());
            }
            promised.anchors.push(Anchor { role: Role::CtLog, name, id });
        }
        Ok(promised)
    }

    /// For signing, and for signing code: where the certificate is of a private PKI and says
    /// nothing of purposes it is for any.
    fn check_usage(&self, authority: &CertificateAuthority) -> Result<(), Rejection> {
        if !self.leaf.key_usage()?.is_some_and(|usage| usage.digital_signature()) {
            return Err(Rejection::new(
                Code::CertificateUsage,
                "the certificate's keyUsage is not digitalSignature",
            ));
        }
        let for_code = match (self.leaf.extended_key_usage()?, authority) {
            (Some((purposes, _)), _) => purposes.contains(&ID_KP_CODE_SIGNING),
            (None, authority) => *authority == CertificateAuthority::PrivatePki,
        };
        if for_code {
            return Ok(());
        }
        Err(Rejection::new(
            Code::CertificateUsage,
            "the certificate's extKeyUsage is not codeSigning",
        ))
    }
}

fn anchor(authority: &CertificateAuthority, issuer: &Certificate) -> Anchor {
    let (role, name) = match authority {
        CertificateAuthority::TrustedRoot(uri) => (Role::CertificateAuthority, uri.clone()),
        CertificateAuthority::PrivatePki => (Role::PrivateAuthority, String::new()),
    };
    Anchor { role, name, id: Digest::sha256(issuer.der()) }
}

/// Fulcio certifies exactly one name, and never a host's; a private PKI at least one.
fn check_names(identity: &Identity, authority: &CertificateAuthority) -> Result<(), Rejection> {
    let detail = match (authority, identity.names.as_slice()) {
        (_, []) => "the certificate names nobody".to_owned(),
        (CertificateAuthority::TrustedRoot(_), [SubjectAlternativeName::Dns(host)]) => {
            format!("the certificate names the host `{}`, not a signer", host.escape_debug())
        }
        (CertificateAuthority::TrustedRoot(_), [_]) | (CertificateAuthority::PrivatePki, _) => {
            return Ok(());
        }
        (CertificateAuthority::TrustedRoot(_), names) => {
            format!("the certificate names {} subjects, not one", names.len())
        }
    };
    Err(Rejection::new(Code::CertificateSan, detail))
}

/// The last path, where one exists at every time.
fn all<T>(
    at: &[UnixTime],
    path: impl Fn(UnixTime) -> Result<T, PathError>,
) -> Result<T, PathError> {
    let mut paths = at.iter().map(|time| path(*time)).collect::<Result<Vec<_>, _>>()?;
    paths.pop().ok_or(PathError::NoIssuer)
}

/// An authority that could have issued the certificate says more than one that could not.
fn closer(known: Option<PathError>, new: PathError) -> PathError {
    match known {
        Some(known) if new == PathError::Path(webpki::Error::UnknownIssuer) => known,
        _ => new,
    }
}
