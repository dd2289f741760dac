//! *Paths*: from a certificate to a trusted root, valid at a given time. Path building and name
//! constraints are rustls-webpki's; what it leaves to its caller is checked here.

use rustls_pki_types::{
    AlgorithmIdentifier, CertificateDer, InvalidSignature, SignatureVerificationAlgorithm,
    TrustAnchor, UnixTime as PkiTime, alg_id,
};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use super::{Certificate, MalformedCertificate};
use crate::crypto::{Hash, Message, Scheme, verify_raw};
use crate::limits::Limits;
use crate::time::{UnixTime, Window};

/// A certificate authority of a trusted root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateAuthority {
    uri: String,
    window: Window,
    root: Certificate,
    intermediates: Vec<Certificate>,
}

impl CertificateAuthority {
    /// From a chain in the order of a trusted root: the issuer of leaves first, the root last.
    /// `None` for an empty chain.
    pub fn new(uri: String, window: Window, mut chain: Vec<Certificate>) -> Option<Self> {
        let root = chain.pop()?;
        Some(Self { uri, window, root, intermediates: chain })
    }

    /// Where it is served; its name in reports.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// When its certificates are trusted.
    pub fn window(&self) -> Window {
        self.window
    }

    /// The path from `leaf` to this authority's root at `time`, for `purpose`.
    pub fn path<'a>(
        &'a self,
        leaf: &'a Certificate,
        time: UnixTime,
        purpose: Purpose,
    ) -> Result<Path<'a>, PathError> {
        let roots = std::slice::from_ref(&self.root);
        let path = verify_path(leaf, roots, &self.intermediates, time, purpose)?;
        // Last, so that the refusal for the window is by an authority that did issue the leaf.
        if self.window.contains(time) {
            Ok(path)
        } else {
            Err(PathError::AuthorityWindow { window: self.window, time })
        }
    }

    /// The certificates, issuer of leaves first.
    pub fn certificates(&self) -> impl Iterator<Item = &Certificate> {
        self.intermediates.iter().chain(std::iter::once(&self.root))
    }
}

/// Roots and intermediates of a PKI that no trusted root describes (`--ca-roots`).
#[derive(Clone, Debug)]
pub struct PrivatePki {
    roots: Vec<Certificate>,
    intermediates: Vec<Certificate>,
}

impl PrivatePki {
    /// Reads PEM texts of roots and intermediates.
    pub fn from_pem(
        roots: &str,
        intermediates: Option<&str>,
        limits: &Limits,
    ) -> Result<Self, MalformedCertificate> {
        let roots = Certificate::all_from_pem(roots, limits)?;
        if roots.is_empty() {
            return Err(MalformedCertificate::Pem(crate::crypto::PemError::NoBlock {
                label: "CERTIFICATE",
            }));
        }
        let intermediates =
            intermediates.map(|pem| Certificate::all_from_pem(pem, limits)).transpose()?;
        Ok(Self { roots, intermediates: intermediates.unwrap_or_default() })
    }

    pub(super) fn new(roots: Vec<Certificate>, intermediates: Vec<Certificate>) -> Self {
        Self { roots, intermediates }
    }

    /// The path from `leaf` to one of the roots at `time`, for signing code.
    pub fn path<'a>(
        &'a self,
        leaf: &'a Certificate,
        time: UnixTime,
    ) -> Result<Path<'a>, PathError> {
        verify_path(leaf, &self.roots, &self.intermediates, time, Purpose::CodeSigning)
    }
}

/// What a path is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// `id-kp-codeSigning`.
    CodeSigning,
    /// `id-kp-timeStamping`.
    TimeStamping,
}

impl Purpose {
    /// Every certificate with an `extKeyUsage` must have the purpose; without one it is for any
    /// (RFC 5280 section 4.2.1.12). Where a leaf must have it, the step that asks says so.
    fn usage(self) -> KeyUsage {
        match self {
            Self::CodeSigning => KeyUsage::required_if_present(&[0x2b, 6, 1, 5, 5, 7, 3, 3]),
            Self::TimeStamping => KeyUsage::required_if_present(&[0x2b, 6, 1, 5, 5, 7, 3, 8]),
        }
    }
}

/// A proven path; only the `path` functions of an authority or a PKI give one.
#[derive(Clone, Copy, Debug)]
pub struct Path<'a> {
    issuer: &'a Certificate,
}

impl<'a> Path<'a> {
    /// The certificate that signed the leaf.
    pub fn issuer(&self) -> &'a Certificate {
        self.issuer
    }
}

/// Proves a path from `leaf` over `intermediates` to one of `roots`, at `time`.
fn verify_path<'a>(
    leaf: &'a Certificate,
    roots: &'a [Certificate],
    intermediates: &'a [Certificate],
    time: UnixTime,
    purpose: Purpose,
) -> Result<Path<'a>, PathError> {
    check_window(leaf, time)?;
    let leaf_der = CertificateDer::from(leaf.der());
    let end_entity = EndEntityCert::try_from(&leaf_der).map_err(PathError::Path)?;
    let root_ders: Vec<_> = roots.iter().map(|root| CertificateDer::from(root.der())).collect();
    let anchors = root_ders
        .iter()
        .map(anchor_from_trusted_cert)
        .collect::<Result<Vec<TrustAnchor<'_>>, _>>()
        .map_err(PathError::Path)?;
    let intermediate_ders: Vec<_> =
        intermediates.iter().map(|one| CertificateDer::from(one.der())).collect();
    let pki_time = u64::try_from(time.seconds()).map_err(|_| PathError::BeforeEpoch)?;
    let path = end_entity
        .verify_for_usage(
            ALGORITHMS,
            &anchors,
            &intermediate_ders,
            PkiTime::since_unix_epoch(std::time::Duration::from_secs(pki_time)),
            purpose.usage(),
            None,
            None,
        )
        .map_err(PathError::Path)?;
    // webpki takes an anchor for granted, its path length too, and reads neither keyUsage nor
    // fractions of a second:
    // every certificate of the path is looked at again.
    let anchor = root_ders.iter().zip(roots).find(|(der, _)| {
        anchor_from_trusted_cert(der).is_ok_and(|anchor| anchor == *path.anchor())
    });
    let (_, root) = anchor.ok_or(PathError::NoIssuer)?;
    let over = path.intermediate_certificates().map(|used| {
        intermediates.iter().find(|one| one.der() == used.der().as_ref()).ok_or(PathError::NoIssuer)
    });
    let authorities = over.chain([Ok(root)]).collect::<Result<Vec<_>, _>>()?;
    authorities
        .iter()
        .enumerate()
        .try_for_each(|(below, authority)| check_authority(authority, below, time))?;
    let issuer = authorities.first().ok_or(PathError::NoIssuer)?;
    Ok(Path { issuer })
}

fn check_window(certificate: &Certificate, time: UnixTime) -> Result<(), PathError> {
    if certificate.window().contains(time) {
        return Ok(());
    }
    Err(PathError::Validity { window: certificate.window(), time })
}

/// `below` is the number of authorities under this one.
fn check_authority(authority: &Certificate, below: usize, time: UnixTime) -> Result<(), PathError> {
    check_window(authority, time)?;
    if !authority.is_authority()? {
        return Err(PathError::NotAnAuthority);
    }
    if authority.path_length()?.is_some_and(|most| below > usize::from(most)) {
        return Err(PathError::TooManyAuthorities { below });
    }
    match authority.key_usage()? {
        Some(usage) if !usage.key_cert_sign() => Err(PathError::NotAnAuthority),
        _ => Ok(()),
    }
}

/// Why no path leads to a trusted root.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// The authority's window in the trusted root does not hold the time.
    #[error("the authority is trusted {window}, not at {time}")]
    AuthorityWindow {
        /// Its window.
        window: Window,
        /// The time.
        time: UnixTime,
    },
    /// A certificate of the path was not valid at the time.
    #[error("a certificate is valid {window}, not at {time}")]
    Validity {
        /// Its window.
        window: Window,
        /// The time.
        time: UnixTime,
    },
    /// The time lies before 1970.
    #[error("the time lies before 1970")]
    BeforeEpoch,
    /// A certificate of the path may not issue certificates.
    #[error("a certificate on the path is no certificate authority")]
    NotAnAuthority,
    /// A certificate of the path may not have that many authorities below it.
    #[error("a certificate on the path does not allow {below} authorities below it")]
    TooManyAuthorities {
        /// How many there are.
        below: usize,
    },
    /// The issuer is none of the certificates given.
    #[error("the issuer is none of the trusted certificates")]
    NoIssuer,
    /// A certificate of the path is malformed.
    #[error("{0}")]
    Malformed(#[from] MalformedCertificate),
    /// No path could be built.
    #[error("{}", told(.0))]
    Path(webpki::Error),
}

/// What stands in the way of a path, in words.
fn told(why: &webpki::Error) -> String {
    use webpki::Error;
    let words = match why {
        Error::UnknownIssuer => "no trusted authority issued the certificate",
        Error::NameConstraintViolation => {
            "an authority above the certificate does not permit its name"
        }
        Error::RequiredEkuNotFoundContext(_) => {
            "the certificate, or an authority above it, is not for this purpose"
        }
        Error::CaUsedAsEndEntity => "the certificate is an authority's, not a signer's",
        Error::UnsupportedCriticalExtension => {
            "the certificate, or an authority above it, has a critical extension that is not known"
        }
        other => return format!("no path leads to a trusted authority: {other}"),
    };
    words.to_owned()
}

/// A signature algorithm of certificates, asked of our own backend.
#[derive(Debug)]
struct Algorithm {
    key: AlgorithmIdentifier,
    signature: AlgorithmIdentifier,
    scheme: Scheme,
}

impl SignatureVerificationAlgorithm for Algorithm {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        verify_raw(self.scheme, public_key, Message::Bytes(message), signature)
            .map_err(|_| InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.key
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.signature
    }
}

macro_rules! algorithm {
    ($key:ident, $signature:ident, $scheme:expr) => {
        &Algorithm { key: alg_id::$key, signature: alg_id::$signature, scheme: $scheme }
    };
}

const ALGORITHMS: &[&dyn SignatureVerificationAlgorithm] = &[
    algorithm!(ECDSA_P256, ECDSA_SHA256, Scheme::EcdsaP256(Hash::Sha256)),
    algorithm!(ECDSA_P256, ECDSA_SHA384, Scheme::EcdsaP256(Hash::Sha384)),
    algorithm!(ECDSA_P256, ECDSA_SHA512, Scheme::EcdsaP256(Hash::Sha512)),
    algorithm!(ECDSA_P384, ECDSA_SHA256, Scheme::EcdsaP384(Hash::Sha256)),
    algorithm!(ECDSA_P384, ECDSA_SHA384, Scheme::EcdsaP384(Hash::Sha384)),
    algorithm!(ECDSA_P384, ECDSA_SHA512, Scheme::EcdsaP384(Hash::Sha512)),
    algorithm!(ECDSA_P521, ECDSA_SHA256, Scheme::EcdsaP521(Hash::Sha256)),
    algorithm!(ECDSA_P521, ECDSA_SHA384, Scheme::EcdsaP521(Hash::Sha384)),
    algorithm!(ECDSA_P521, ECDSA_SHA512, Scheme::EcdsaP521(Hash::Sha512)),
    algorithm!(ED25519, ED25519, Scheme::Ed25519),
    algorithm!(RSA_ENCRYPTION, RSA_PKCS1_SHA256, Scheme::RsaPkcs1(Hash::Sha256)),
    algorithm!(RSA_ENCRYPTION, RSA_PKCS1_SHA384, Scheme::RsaPkcs1(Hash::Sha384)),
    algorithm!(RSA_ENCRYPTION, RSA_PKCS1_SHA512, Scheme::RsaPkcs1(Hash::Sha512)),
    algorithm!(RSA_ENCRYPTION, RSA_PSS_SHA256, Scheme::RsaPss(Hash::Sha256)),
    algorithm!(RSA_ENCRYPTION, RSA_PSS_SHA384, Scheme::RsaPss(Hash::Sha384)),
    algorithm!(RSA_ENCRYPTION, RSA_PSS_SHA512, Scheme::RsaPss(Hash::Sha512)),
];
