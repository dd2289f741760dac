//! A *pinned* certificate: one that a policy names itself, as whose holder somebody may sign.

use const_oid::db::rfc5280::ID_KP_CODE_SIGNING;

use super::{Certificate, Identity, MalformedCertificate, PathError, PrivatePki};
use crate::limits::Limits;
use crate::time::{UnixTime, Window};

/// A certificate that is for signing, is valid and, where a chain was given, is issued by it.
#[derive(Clone, Debug)]
pub struct PinnedCertificate(Certificate);

impl PinnedCertificate {
    /// Reads a certificate in PEM and proves it at `now`. Of `chain`, the certificates that signed
    /// themselves are roots, else the last is; with an empty one the certificate is its own warrant.
    pub fn new(
        pem: &str,
        chain: &[String],
        now: UnixTime,
        limits: &Limits,
    ) -> Result<Self, InvalidPin> {
        let certificate = Certificate::from_pem(pem, limits)?;
        let window = certificate.window();
        if !window.contains(now) {
            return Err(InvalidPin::Validity { window, now });
        }
        if !certificate.key_usage()?.is_some_and(|usage| usage.digital_signature()) {
            return Err(InvalidPin::Usage { wanted: "keyUsage is not digitalSignature" });
        }
        let purposes = certificate.extended_key_usage()?;
        if purposes.is_some_and(|(purposes, _)| !purposes.contains(&ID_KP_CODE_SIGNING)) {
            return Err(InvalidPin::Usage { wanted: "extKeyUsage is not codeSigning" });
        }
        if Identity::of(&certificate)?.names.is_empty() {
            return Err(InvalidPin::Nameless);
        }
        if !chain.is_empty() {
            Self::authority(chain, limits)?.path(&certificate, now).map_err(InvalidPin::Chain)?;
        }
        Ok(Self(certificate))
    }

    /// The certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.0
    }

    fn authority(chain: &[String], limits: &Limits) -> Result<PrivatePki, InvalidPin> {
        let read = |pem: &String| Certificate::from_pem(pem, limits);
        let certificates = chain.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let signs_itself = |one: &Certificate| {
            one.inner().tbs_certificate.issuer == one.inner().tbs_certificate.subject
        };
        let (mut roots, mut intermediates): (Vec<_>, Vec<_>) =
            certificates.into_iter().partition(signs_itself);
        if roots.is_empty() {
            roots.extend(intermediates.pop());
        }
        Ok(PrivatePki::new(roots, intermediates))
    }
}

/// Why a certificate cannot be pinned.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum InvalidPin {
    /// It, or one of the chain, is malformed.
    #[error("{0}")]
    Malformed(#[from] MalformedCertificate),
    /// It is not valid at the clock.
    #[error("the certificate is valid {window}, the clock says {now}")]
    Validity {
        /// Its window.
        window: Window,
        /// The clock.
        now: UnixTime,
    },
    /// It is not for signing.
    #[error("the certificate's {wanted}")]
    Usage {
        /// What it is not.
        wanted: &'static str,
    },
    /// It names nobody.
    #[error("the certificate names nobody")]
    Nameless,
    /// The chain does not lead to it.
    #[error("the certificate is not trusted by its chain: {0}")]
    Chain(PathError),
}
