//! A *rejection*: why a piece of evidence proves nothing.

use std::fmt;

use crate::crypto::{InvalidSignature, KeyError};
use crate::sigstore::bundle::MalformedBundle;
use crate::sigstore::cosign::MalformedAnnotation;
use crate::sigstore::dsse::MalformedEnvelope;
use crate::sigstore::simple_signing::MalformedPayload;
use crate::sigstore::statement::MalformedStatement;
use crate::tlog::checkpoint::CheckpointError;
use crate::tlog::entry::BodyError;
use crate::tlog::merkle::InclusionError;
use crate::tlog::note::MalformedNote;
use crate::x509::{MalformedCertificate, PathError, SctError};

/// Why a piece of evidence proves nothing. The code is stable; the detail is for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    code: Code,
    detail: String,
}

impl Rejection {
    pub(super) fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }

    /// Its stable code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// What was expected and what was found.
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)
    }
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// A stable code of a rejection; `docs/rejections.md` has a section for each.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Code {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// Its name in reports.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

codes! {
    /// The simple-signing payload is not well formed.
    MalformedPayload = "malformed-payload",
    /// The signature has another encoding than its algorithm's.
    MalformedSignature = "malformed-signature",
    /// An annotation of a legacy signature is not well formed.
    MalformedAnnotation = "malformed-annotation",
    /// The certificate, or an extension that we know, is not well formed.
    MalformedCertificate = "malformed-certificate",
    /// The body of a log entry is not well formed or contradicts what stands beside it.
    MalformedLogEntry = "malformed-log-entry",
    /// The bundle is not well formed.
    MalformedBundle = "malformed-bundle",
    /// The DSSE envelope is not well formed.
    MalformedEnvelope = "malformed-envelope",
    /// The in-toto statement is not well formed.
    MalformedStatement = "malformed-statement",
    /// The bundle is of a version that we do not read.
    UnsupportedBundleVersion = "unsupported-bundle-version",
    /// More of something than the limits allow.
    LimitExceeded = "limit-exceeded",
    /// The envelope has no signature or several.
    DsseSignatureCount = "dsse-signature-count",
    /// The envelope holds something else than an in-toto statement.
    WrongPayloadType = "wrong-payload-type",
    /// The signed payload names another image.
    PayloadNamesOtherImage = "payload-names-other-image",
    /// The signed statement is about something else.
    StatementNamesOtherImage = "statement-names-other-image",
    /// The bundle's message digest is not the artifact's.
    DigestHintMismatch = "digest-hint-mismatch",
    /// The signature is by a key and no key was given.
    KeyNotGiven = "key-not-given",
    /// The bundle's hint names another key than those given.
    KeyHintMismatch = "key-hint-mismatch",
    /// The signer's key was not in use when the signature was made.
    KeyWindow = "key-window",
    /// The certified key is too weak or of a kind that we do not verify with.
    KeyWeak = "key-weak",
    /// The signature does not verify.
    SignatureInvalid = "signature-invalid",
    /// The log entry is of a kind or version that we do not read, or that cannot hold this evidence.
    EntryKindUnsupported = "entry-kind-unsupported",
    /// The log entry is of another signature, key or content.
    EntryNotBound = "entry-not-bound",
    /// The log entry is of a log that the trusted root does not name.
    UnknownLog = "unknown-log",
    /// The log's key was not in use when it signed.
    LogKeyWindow = "log-key-window",
    /// The signed entry timestamp does not verify.
    SetInvalid = "set-invalid",
    /// A signed entry timestamp must be there and is not.
    SetMissing = "set-missing",
    /// The checkpoint does not verify or vouches for another tree.
    CheckpointInvalid = "checkpoint-invalid",
    /// The inclusion proof does not lead to its root.
    InclusionProofInvalid = "inclusion-proof-invalid",
    /// An inclusion proof with a checkpoint must be there and is not.
    InclusionProofMissing = "inclusion-proof-missing",
    /// A timestamp of a known authority does not verify.
    TimestampInvalid = "timestamp-invalid",
    /// Nobody we trust says when the signature was made.
    NoTrustedTime = "no-trusted-time",
    /// A trusted time lies in the future of the clock.
    TimeInFuture = "time-in-future",
    /// The certificate, or one above it, was not valid when the signature was made.
    CertificateOutsideValidity = "certificate-outside-validity",
    /// No path leads from the certificate to a trusted authority.
    CertificateUntrusted = "certificate-untrusted",
    /// The certificate is not for signing.
    CertificateUsage = "certificate-usage",
    /// The certificate names nobody, or several.
    CertificateSan = "certificate-san",
    /// A signed certificate timestamp of a known log does not verify.
    SctInvalid = "sct-invalid",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl From<MalformedPayload> for Rejection {
    fn from(why: MalformedPayload) -> Self {
        let code = match &why {
            MalformedPayload::Json(why) if why.is_too_deep() => Code::LimitExceeded,
            _ => Code::MalformedPayload,
        };
        Self::new(code, why.to_string())
    }
}

impl From<MalformedAnnotation> for Rejection {
    fn from(why: MalformedAnnotation) -> Self {
        let code = match &why {
            MalformedAnnotation::Json(why) if why.is_too_deep() => Code::LimitExceeded,
            MalformedAnnotation::Signature => Code::MalformedSignature,
            _ => Code::MalformedAnnotation,
        };
        Self::new(code, why.to_string())
    }
}

impl From<MalformedBundle> for Rejection {
    fn from(why: MalformedBundle) -> Self {
        let code = match why {
            MalformedBundle::Envelope(why) => return why.into(),
            MalformedBundle::Json(ref why) if why.is_too_deep() => Code::LimitExceeded,
            MalformedBundle::Version { .. } => Code::UnsupportedBundleVersion,
            MalformedBundle::NoPromise => Code::SetMissing,
            MalformedBundle::NoProof | MalformedBundle::NoCheckpoint => Code::InclusionProofMissing,
            MalformedBundle::Limit { .. } => Code::LimitExceeded,
            _ => Code::MalformedBundle,
        };
        Self::new(code, why.to_string())
    }
}

impl From<MalformedEnvelope> for Rejection {
    fn from(why: MalformedEnvelope) -> Self {
        let code = match &why {
            MalformedEnvelope::SignatureCount { .. } => Code::DsseSignatureCount,
            MalformedEnvelope::Json(why) if why.is_too_deep() => Code::LimitExceeded,
            MalformedEnvelope::Json(_) => Code::MalformedEnvelope,
        };
        Self::new(code, why.to_string())
    }
}

impl From<MalformedStatement> for Rejection {
    fn from(why: MalformedStatement) -> Self {
        let code = match &why {
            MalformedStatement::Limit { .. } => Code::LimitExceeded,
            MalformedStatement::Json(why) if why.is_too_deep() => Code::LimitExceeded,
            _ => Code::MalformedStatement,
        };
        Self::new(code, why.to_string())
    }
}

impl From<MalformedCertificate> for Rejection {
    fn from(why: MalformedCertificate) -> Self {
        let code = match why {
            MalformedCertificate::Key(KeyError::Malformed | KeyError::Pem(_)) => {
                Code::MalformedCertificate
            }
            MalformedCertificate::Key(_) => Code::KeyWeak,
            MalformedCertificate::TooLarge { .. } => Code::LimitExceeded,
            _ => Code::MalformedCertificate,
        };
        Self::new(code, why.to_string())
    }
}

impl From<BodyError> for Rejection {
    fn from(why: BodyError) -> Self {
        let code = match &why {
            BodyError::Json(why) if why.is_too_deep() => Code::LimitExceeded,
            BodyError::Unsupported { .. } => Code::EntryKindUnsupported,
            BodyError::Json(_) | BodyError::Malformed { .. } => Code::MalformedLogEntry,
        };
        Self::new(code, why.to_string())
    }
}

impl From<InclusionError> for Rejection {
    fn from(why: InclusionError) -> Self {
        Self::new(Code::InclusionProofInvalid, why.to_string())
    }
}

impl From<CheckpointError> for Rejection {
    fn from(why: CheckpointError) -> Self {
        let code = match why {
            CheckpointError::Note(
                MalformedNote::TooLarge { .. } | MalformedNote::TooManySignatures { .. },
            ) => Code::LimitExceeded,
            _ => Code::CheckpointInvalid,
        };
        Self::new(code, why.to_string())
    }
}

impl From<SctError> for Rejection {
    fn from(why: SctError) -> Self {
        Self::new(Code::SctInvalid, why.to_string())
    }
}

impl From<PathError> for Rejection {
    fn from(why: PathError) -> Self {
        let code = match &why {
            PathError::AuthorityWindow { .. }
            | PathError::Validity { .. }
            | PathError::Path(
                webpki::Error::CertExpired { .. } | webpki::Error::CertNotValidYet { .. },
            ) => Code::CertificateOutsideValidity,
            PathError::Path(
                webpki::Error::CaUsedAsEndEntity | webpki::Error::RequiredEkuNotFoundContext(_),
            ) => Code::CertificateUsage,
            PathError::Malformed(_) => Code::MalformedCertificate,
            _ => Code::CertificateUntrusted,
        };
        Self::new(code, why.to_string())
    }
}

impl From<InvalidSignature> for Rejection {
    fn from(why: InvalidSignature) -> Self {
        let code = match why {
            InvalidSignature::NotDer => Code::MalformedSignature,
            _ => Code::SignatureInvalid,
        };
        Self::new(code, why.to_string())
    }
}

#[cfg(test)]
mod tests {
    use const_oid::db::rfc5280::ID_CE_BASIC_CONSTRAINTS;

    use super::*;
    use crate::crypto::PemError;
    use crate::json;

    /// Too deep is a limit wherever it is found, and not malformed.
    #[test]
    fn depth_is_a_limit_in_every_document() {
        let error = |text: &str| json::check(text.as_bytes(), 1).unwrap_err();
        let codes = |text: &str| {
            [
                Rejection::from(MalformedPayload::Json(error(text))),
                MalformedAnnotation::Json(error(text)).into(),
                MalformedBundle::Json(error(text)).into(),
                MalformedBundle::Envelope(MalformedEnvelope::Json(error(text))).into(),
                MalformedEnvelope::Json(error(text)).into(),
                MalformedStatement::Json(error(text)).into(),
                BodyError::Json(error(text)).into(),
            ]
            .map(|rejection| rejection.code())
        };
        assert_eq!(codes("[[]]"), [Code::LimitExceeded; 7]);
        assert_eq!(
            codes("["),
            [
                Code::MalformedPayload,
                Code::MalformedAnnotation,
                Code::MalformedBundle,
                Code::MalformedEnvelope,
                Code::MalformedEnvelope,
                Code::MalformedStatement,
                Code::MalformedLogEntry,
            ]
        );
    }

    #[test]
    fn codes_of_certificates() {
        let no_block = || PemError::NoBlock { label: "CERTIFICATE" };
        let oid = ID_CE_BASIC_CONSTRAINTS;
        for (why, code) in [
            (MalformedCertificate::Der, Code::MalformedCertificate),
            (MalformedCertificate::Extension { oid }, Code::MalformedCertificate),
            (MalformedCertificate::TooLarge { limit: 1 }, Code::LimitExceeded),
            (MalformedCertificate::Key(KeyError::Malformed), Code::MalformedCertificate),
            (MalformedCertificate::Key(KeyError::Pem(no_block())), Code::MalformedCertificate),
        ] {
            assert_eq!(Rejection::from(why).code(), code);
        }
        let above = PathError::Malformed(MalformedCertificate::Extension { oid });
        assert_eq!(Rejection::from(above).code(), Code::MalformedCertificate);
        assert_eq!(Rejection::from(PathError::NotAnAuthority).code(), Code::CertificateUntrusted);
    }
}
