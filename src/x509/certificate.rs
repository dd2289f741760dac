//! A *certificate* (RFC 5280), read strictly.

use std::collections::BTreeSet;

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5280::{ID_CE_BASIC_CONSTRAINTS, ID_CE_EXT_KEY_USAGE, ID_CE_KEY_USAGE};
use der::{Decode, Encode};
use x509_cert::Version;
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage};
use x509_cert::time::Time;

use crate::crypto::{KeyError, PemError, PublicKey, certificates_from_pem, one_pem_block};
use crate::limits::Limits;
use crate::time::{UnixTime, Window};

/// A version 3 certificate in its one DER spelling.
#[derive(Clone, Debug)]
pub struct Certificate {
    der: Vec<u8>,
    inner: x509_cert::Certificate,
    key: PublicKey,
    window: Window,
}

impl Certificate {
    /// Reads one certificate in DER.
    pub fn from_der(der: &[u8], limits: &Limits) -> Result<Self, MalformedCertificate> {
        if der.len() > limits.certificate_bytes {
            return Err(MalformedCertificate::TooLarge { limit: limits.certificate_bytes });
        }
        let inner = x509_cert::Certificate::from_der(der).map_err(|_| MalformedCertificate::Der)?;
        // What does not encode to the same bytes would be read otherwise by somebody else.
        if inner.to_der().ok().as_deref() != Some(der) {
            return Err(MalformedCertificate::Der);
        }
        let tbs = &inner.tbs_certificate;
        if tbs.version != Version::V3 {
            return Err(MalformedCertificate::Version);
        }
        if tbs.signature != inner.signature_algorithm {
            return Err(MalformedCertificate::SignatureAlgorithms);
        }
        if tbs.serial_number.as_bytes().first().is_none_or(|first| *first > 0x7f) {
            return Err(MalformedCertificate::Serial);
        }
        let mut seen = BTreeSet::new();
        let mut extensions = tbs.extensions.iter().flatten();
        if let Some(twice) = extensions.find(|extension| !seen.insert(extension.extn_id)) {
            return Err(MalformedCertificate::ExtensionTwice { oid: twice.extn_id });
        }
        let spki = tbs.subject_public_key_info.to_der().map_err(|_| MalformedCertificate::Der)?;
        let key = PublicKey::from_spki(&spki)?;
        let window = window(&tbs.validity.not_before, &tbs.validity.not_after)?;
        Ok(Self { der: der.to_vec(), inner, key, window })
    }

    /// Reads the only `CERTIFICATE` block of a PEM text.
    pub fn from_pem(pem: &str, limits: &Limits) -> Result<Self, MalformedCertificate> {
        Self::from_der(&one_pem_block(pem, "CERTIFICATE")?, limits)
    }

    /// Reads every `CERTIFICATE` block of a PEM text.
    pub fn all_from_pem(pem: &str, limits: &Limits) -> Result<Vec<Self>, MalformedCertificate> {
        let blocks = certificates_from_pem(pem, limits.chain_certificates)?;
        blocks.iter().map(|der| Self::from_der(der, limits)).collect()
    }

    /// The bytes.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The same in PEM, in lines of 64 characters that end in line feeds.
    pub fn to_pem(&self) -> String {
        let encoded = der::pem::encode_string("CERTIFICATE", der::pem::LineEnding::LF, self.der());
        encoded.expect("a certificate is capped far below what PEM can hold")
    }

    /// The certified key.
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// Whom it names, as RFC 4514 writes it.
    pub fn subject(&self) -> String {
        self.inner.tbs_certificate.subject.to_string()
    }

    /// Whether it names `above` as its issuer. The signature is for a path to prove.
    pub(crate) fn names_issuer(&self, above: &Self) -> bool {
        self.inner.tbs_certificate.issuer == above.inner.tbs_certificate.subject
    }

    /// From `notBefore` to `notAfter`.
    pub fn window(&self) -> Window {
        self.window
    }

    /// Its `keyUsage`; `None` where the extension is absent.
    pub fn key_usage(&self) -> Result<Option<KeyUsage>, MalformedCertificate> {
        self.decoded(ID_CE_KEY_USAGE)
    }

    /// Whether `basicConstraints` make it a certificate authority.
    pub fn is_authority(&self) -> Result<bool, MalformedCertificate> {
        let constraints: Option<BasicConstraints> = self.decoded(ID_CE_BASIC_CONSTRAINTS)?;
        Ok(constraints.is_some_and(|constraints| constraints.ca))
    }

    /// How many authorities may stand between it and a signer, where it says so.
    pub fn path_length(&self) -> Result<Option<u8>, MalformedCertificate> {
        let constraints: Option<BasicConstraints> = self.decoded(ID_CE_BASIC_CONSTRAINTS)?;
        Ok(constraints.and_then(|constraints| constraints.path_len_constraint))
    }

    /// Its `extKeyUsage` purposes and whether the extension is critical.
    pub fn extended_key_usage(
        &self,
    ) -> Result<Option<(Vec<ObjectIdentifier>, bool)>, MalformedCertificate> {
        let usage: Option<ExtendedKeyUsage> = self.decoded(ID_CE_EXT_KEY_USAGE)?;
        let critical = self
            .extensions()
            .any(|extension| extension.extn_id == ID_CE_EXT_KEY_USAGE && extension.critical);
        Ok(usage.map(|usage| (usage.0, critical)))
    }

    /// The content of the extension `oid`.
    pub(super) fn extension(&self, oid: ObjectIdentifier) -> Option<&[u8]> {
        self.extensions()
            .find(|extension| extension.extn_id == oid)
            .map(|extension| extension.extn_value.as_bytes())
    }

    pub(crate) fn decoded<'a, T: Decode<'a>>(
        &'a self,
        oid: ObjectIdentifier,
    ) -> Result<Option<T>, MalformedCertificate> {
        let decode =
            |bytes| T::from_der(bytes).map_err(|_| MalformedCertificate::Extension { oid });
        self.extension(oid).map(decode).transpose()
    }

    pub(crate) fn inner(&self) -> &x509_cert::Certificate {
        &self.inner
    }

    fn extensions(&self) -> impl Iterator<Item = &x509_cert::ext::Extension> {
        self.inner.tbs_certificate.extensions.iter().flatten()
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for Certificate {}

fn window(not_before: &Time, not_after: &Time) -> Result<Window, MalformedCertificate> {
    let at = |time: &Time| {
        i64::try_from(time.to_unix_duration().as_secs()).ok().and_then(UnixTime::from_seconds)
    };
    let start = at(not_before).ok_or(MalformedCertificate::Validity)?;
    let end = at(not_after).ok_or(MalformedCertificate::Validity)?;
    Window::new(start, Some(end)).ok_or(MalformedCertificate::Validity)
}

/// Why bytes are no certificate we read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedCertificate {
    /// The text is not the PEM that was asked for.
    #[error("{0}")]
    Pem(#[from] PemError),
    /// The bytes are no certificate in DER.
    #[error("the bytes are no X.509 certificate in DER")]
    Der,
    /// It has more bytes than [`Limits`] allows.
    #[error("the certificate has more than {limit} bytes")]
    TooLarge {
        /// The cap.
        limit: usize,
    },
    /// It is not of version 3.
    #[error("the certificate is not of version 3")]
    Version,
    /// The signature algorithm inside and outside differ.
    #[error("the certificate names two different signature algorithms")]
    SignatureAlgorithms,
    /// The serial number is negative (RFC 5280 section 4.1.2.2).
    #[error("the certificate's serial number is negative")]
    Serial,
    /// An extension stands twice.
    #[error("the extension {oid} stands twice")]
    ExtensionTwice {
        /// Which.
        oid: ObjectIdentifier,
    },
    /// An extension that we know is not well formed.
    #[error("the extension {oid} is malformed")]
    Extension {
        /// Which.
        oid: ObjectIdentifier,
    },
    /// Two extensions that say the same thing disagree.
    #[error("the issuer extensions 1.3.6.1.4.1.57264.1.1 and .1.8 disagree")]
    IssuersDisagree,
    /// The validity ends before it begins.
    #[error("the validity of the certificate is no span of time")]
    Validity,
    /// The key is not acceptable.
    #[error("the certified key is not usable: {0}")]
    Key(#[from] KeyError),
}
