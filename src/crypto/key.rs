//! A *public key* of an accepted kind.

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5912::{
    ID_EC_PUBLIC_KEY, ID_RSASSA_PSS, RSA_ENCRYPTION, SECP_256_R_1, SECP_384_R_1, SECP_521_R_1,
};
use const_oid::db::rfc8410::ID_ED_25519;
use der::asn1::UintRef;
use der::{Decode, Encode, Reader, SliceReader};
use spki::SubjectPublicKeyInfoRef;

use super::{
    Hash, InvalidSignature, Message, PemError, Scheme, first_pem_block, one_pem_block, pss,
    verify_raw,
};
use crate::digest::Digest;

/// A public key of an accepted kind, in its one DER spelling.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    spki: Vec<u8>,
    kind: KeyKind,
    bits: Vec<u8>,
    hash: Option<Hash>,
    id: Digest,
}

impl PublicKey {
    /// Reads one `PUBLIC KEY` block of PEM, strictly: nothing but white space around it.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        Self::from_spki(&one_pem_block(pem, "PUBLIC KEY")?)
    }

    /// Reads the first block of PEM as Go's readers do, whatever stands around it: a `PUBLIC KEY` or
    /// an `RSA PUBLIC KEY`. Whether more follows is for its caller to say.
    pub fn from_first_pem(text: &str) -> Result<Self, KeyError> {
        let block = first_pem_block(text, "PUBLIC KEY")?;
        match block.label {
            "PUBLIC KEY" => Self::from_spki(&block.der),
            "RSA PUBLIC KEY" => Self::from_pkcs1(&block.der),
            _ => Err(PemError::NotABlock { label: "PUBLIC KEY" }.into()),
        }
    }

    /// Reads an `RSAPublicKey` in DER (RFC 8017).
    fn from_pkcs1(der: &[u8]) -> Result<Self, KeyError> {
        let subject_public_key =
            der::asn1::BitStringRef::from_bytes(der).map_err(|_| KeyError::Malformed)?;
        let parameters = Some(der::asn1::AnyRef::NULL);
        let algorithm = spki::AlgorithmIdentifierRef { oid: RSA_ENCRYPTION, parameters };
        let info = SubjectPublicKeyInfoRef { algorithm, subject_public_key };
        Self::from_spki(&info.to_der().map_err(|_| KeyError::Malformed)?)
    }

    /// The same key, signatures of which are made over `hash` and no other.
    #[must_use]
    pub fn over(self, hash: Hash) -> Self {
        Self { hash: Some(hash), ..self }
    }

    /// The hash its signatures are made over, where only one may be.
    pub fn fixed_hash(&self) -> Option<Hash> {
        self.hash
    }

    /// Reads a `SubjectPublicKeyInfo` in DER.
    pub fn from_spki(spki: &[u8]) -> Result<Self, KeyError> {
        let info = SubjectPublicKeyInfoRef::from_der(spki).map_err(|_| KeyError::Malformed)?;
        if info.to_der().ok().as_deref() != Some(spki) {
            return Err(KeyError::Malformed);
        }
        let bits = info.subject_public_key.as_bytes().ok_or(KeyError::Malformed)?;
        let kind = match info.algorithm.oid {
            ID_EC_PUBLIC_KEY => elliptic_curve_kind(&info, bits)?,
            ID_ED_25519 => ed25519_kind(&info, bits)?,
            RSA_ENCRYPTION => rsa_kind(&info, bits)?,
            ID_RSASSA_PSS => rsa_pss_kind(&info, bits)?,
            oid => return Err(KeyError::UnsupportedAlgorithm { oid }),
        };
        let id = Digest::sha256(spki);
        Ok(Self { spki: spki.to_vec(), kind, bits: bits.to_vec(), hash: None, id })
    }

    /// The same key as `details`, a `PublicKeyDetails` of protobuf-specs, has it used: an RSA key does
    /// not say by itself by which scheme it signs. From then on it verifies by that one alone.
    #[must_use]
    pub fn used_as(self, details: &str) -> Self {
        let KeyKind::Rsa { bits } = self.kind else { return self };
        let pss = KeyKind::RsaPss { bits, hash: Hash::Sha256 };
        let kind = if pss.details().contains(&details) { pss } else { self.kind };
        Self { kind, ..self }
    }

    /// The `SubjectPublicKeyInfo` in DER.
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// The kind.
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The SHA-256 of the [`spki`](Self::spki): the log id of Rekor v1, the hint of cosign's bundles.
    pub fn id(&self) -> Digest {
        self.id
    }

    /// The raw public key, without the `SubjectPublicKeyInfo` around it.
    pub fn bits(&self) -> &[u8] {
        &self.bits
    }

    /// Proves a signature by the scheme of the key, with `hash` where the scheme has a choice.
    /// Ed25519 hashes in its own way and needs the message itself.
    pub fn verify(
        &self,
        message: Message<'_>,
        signature: &[u8],
        hash: Hash,
    ) -> Result<(), InvalidSignature> {
        let scheme = match self.kind {
            KeyKind::P256 => Scheme::EcdsaP256(hash),
            KeyKind::P384 => Scheme::EcdsaP384(hash),
            KeyKind::P521 => Scheme::EcdsaP521(hash),
            KeyKind::Ed25519 => Scheme::Ed25519,
            KeyKind::Rsa { .. } => Scheme::RsaPkcs1(hash),
            KeyKind::RsaPss { hash, .. } => Scheme::RsaPss(hash),
        };
        verify_raw(scheme, &self.bits, message, signature)
    }

    /// The hash that goes with the key where nothing else is said: as strong as the curve.
    pub fn default_hash(&self) -> Hash {
        match self.kind {
            KeyKind::P256 | KeyKind::Rsa { .. } => Hash::Sha256,
            KeyKind::P384 => Hash::Sha384,
            KeyKind::P521 | KeyKind::Ed25519 => Hash::Sha512,
            KeyKind::RsaPss { hash, .. } => hash,
        }
    }
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} {}", self.kind, self.id())
    }
}

/// An accepted kind of key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// ECDSA on NIST P-256.
    P256,
    /// ECDSA on NIST P-384.
    P384,
    /// ECDSA on NIST P-521.
    P521,
    /// Ed25519.
    Ed25519,
    /// RSA with a modulus of 2048 to 4096 bits, by RSASSA-PKCS1-v1_5.
    Rsa {
        /// Bits of the modulus.
        bits: usize,
    },
    /// The same by RSASSA-PSS, mask and salt by the same hash.
    RsaPss {
        /// Bits of the modulus.
        bits: usize,
        /// The hash.
        hash: Hash,
    },
}

impl KeyKind {
    /// Its names in protobuf-specs (`PublicKeyDetails`), with the hash that goes with it.
    pub fn details(self) -> &'static [&'static str] {
        match self {
            Self::P256 => &["PKIX_ECDSA_P256_SHA_256"],
            Self::P384 => &["PKIX_ECDSA_P384_SHA_384"],
            Self::P521 => &["PKIX_ECDSA_P521_SHA_512"],
            Self::Ed25519 => &["PKIX_ED25519"],
            Self::Rsa { bits: 2048 } => &["PKIX_RSA_PKCS1V15_2048_SHA256"],
            Self::Rsa { bits: 3072 } => &["PKIX_RSA_PKCS1V15_3072_SHA256"],
            Self::Rsa { bits: 4096 } => &["PKIX_RSA_PKCS1V15_4096_SHA256"],
            Self::RsaPss { bits: 2048, hash: Hash::Sha256 } => &["PKIX_RSA_PSS_2048_SHA256"],
            Self::RsaPss { bits: 3072, hash: Hash::Sha256 } => &["PKIX_RSA_PSS_3072_SHA256"],
            Self::RsaPss { bits: 4096, hash: Hash::Sha256 } => &["PKIX_RSA_PSS_4096_SHA256"],
            Self::Rsa { .. } | Self::RsaPss { .. } => &[],
        }
    }

    /// Whether `details` is the name of a kind that this is not. An RSA key that does not say its
    /// scheme may have the name of either.
    pub fn contradicts(self, details: &str) -> bool {
        match (self, Self::named(details)) {
            (Self::Rsa { bits }, Some(Self::RsaPss { bits: named, .. })) => bits != named,
            (_, Some(named)) => named != self,
            // Deprecated names, of RSA keys without their size.
            (_, None) => match details {
                "PKIX_ECDSA_P256_HMAC_SHA_256" => self != Self::P256,
                "PKIX_ECDSA_P384_SHA_256" => self != Self::P384,
                "PKIX_ECDSA_P521_SHA_256" => self != Self::P521,
                "PKIX_RSA_PKCS1V5" | "PKCS1_RSA_PKCS1V5" => !matches!(self, Self::Rsa { .. }),
                _ => false,
            },
        }
    }

    /// Whether `details` is the name of a kind at all, or one that protobuf-specs calls deprecated, of
    /// which no other is left to choose.
    pub fn knows(details: &str) -> bool {
        let deprecated = [
            "PKIX_ECDSA_P256_HMAC_SHA_256",
            "PKIX_ECDSA_P384_SHA_256",
            "PKIX_ECDSA_P521_SHA_256",
            "PKIX_RSA_PKCS1V5",
            "PKCS1_RSA_PKCS1V5",
        ];
        Self::named(details).is_some() || deprecated.contains(&details)
    }

    fn named(details: &str) -> Option<Self> {
        let sizes = [2048, 3072, 4096];
        let pkcs1 = sizes.map(|bits| Self::Rsa { bits });
        let pss = sizes.map(|bits| Self::RsaPss { bits, hash: Hash::Sha256 });
        let kinds = [Self::P256, Self::P384, Self::P521, Self::Ed25519];
        let mut kinds = kinds.into_iter().chain(pkcs1).chain(pss);
        kinds.find(|kind| kind.details().contains(&details))
    }
}

impl std::fmt::Display for KeyKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::P256 => f.write_str("ECDSA P-256"),
            Self::P384 => f.write_str("ECDSA P-384"),
            Self::P521 => f.write_str("ECDSA P-521"),
            Self::Ed25519 => f.write_str("Ed25519"),
            Self::Rsa { bits } => write!(f, "RSA-{bits}"),
            Self::RsaPss { bits, hash } => write!(f, "RSA-{bits} PSS {}", hash.name()),
        }
    }
}

/// An uncompressed point of a named curve; that it lies on the curve the backend says.
fn elliptic_curve_kind(
    info: &SubjectPublicKeyInfoRef<'_>,
    bits: &[u8],
) -> Result<KeyKind, KeyError> {
    let curve = info.algorithm.parameters_oid().map_err(|_| KeyError::Malformed)?;
    let (kind, coordinate) = match curve {
        SECP_256_R_1 => (KeyKind::P256, 32_usize),
        SECP_384_R_1 => (KeyKind::P384, 48),
        SECP_521_R_1 => (KeyKind::P521, 66),
        oid => return Err(KeyError::UnsupportedCurve { oid }),
    };
    let is_uncompressed =
        bits.first() == Some(&4) && bits.len() == coordinate.saturating_mul(2).saturating_add(1);
    if is_uncompressed { Ok(kind) } else { Err(KeyError::Malformed) }
}

fn ed25519_kind(info: &SubjectPublicKeyInfoRef<'_>, bits: &[u8]) -> Result<KeyKind, KeyError> {
    let point: [u8; 32] = bits.try_into().map_err(|_| KeyError::Malformed)?;
    if info.algorithm.parameters.is_some() {
        return Err(KeyError::Malformed);
    }
    if is_small_order(point) {
        return Err(KeyError::SmallOrder);
    }
    Ok(KeyKind::Ed25519)
}

/// `rsaEncryption`: the key says nothing of a scheme.
fn rsa_kind(info: &SubjectPublicKeyInfoRef<'_>, bits: &[u8]) -> Result<KeyKind, KeyError> {
    if !info.algorithm.parameters.is_some_and(der::asn1::AnyRef::is_null) {
        return Err(KeyError::Malformed);
    }
    Ok(KeyKind::Rsa { bits: modulus_bits(bits)? })
}

/// `id-RSASSA-PSS`: the key says by what it signs.
fn rsa_pss_kind(info: &SubjectPublicKeyInfoRef<'_>, bits: &[u8]) -> Result<KeyKind, KeyError> {
    let hash = pss::hash(info.algorithm.parameters)?;
    Ok(KeyKind::RsaPss { bits: modulus_bits(bits)?, hash })
}

/// `RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER }`, neither too small.
fn modulus_bits(bits: &[u8]) -> Result<usize, KeyError> {
    let mut reader = SliceReader::new(bits).map_err(|_| KeyError::Malformed)?;
    let (modulus, exponent) = reader
        .sequence(|fields| Ok((UintRef::decode(fields)?, UintRef::decode(fields)?)))
        .map_err(|_| KeyError::Malformed)?;
    reader.finish(()).map_err(|_| KeyError::Malformed)?;
    let Some(first) = modulus.as_bytes().first() else { return Err(KeyError::Malformed) };
    let leading = usize::try_from(first.leading_zeros()).map_err(|_| KeyError::Malformed)?;
    let size = modulus.as_bytes().len().saturating_mul(8).saturating_sub(leading);
    if !(2048..=4096).contains(&size) {
        return Err(KeyError::RsaModulus { bits: size });
    }
    // 65537 is what every generator writes; 1 and 3 make forging easy, large ones make verifying slow.
    if exponent.as_bytes() != [1, 0, 1] {
        return Err(KeyError::RsaExponent);
    }
    Ok(size)
}

/// Whether an Ed25519 point has small order, in any encoding: such a key verifies signatures that
/// nobody made. The seven y-coordinates are those of order 1, 2, 4 and 8 and their non-canonical
/// spellings; the sign bit does not matter.
fn is_small_order(mut point: [u8; 32]) -> bool {
    point[31] &= 0x7f;
    SMALL_ORDER.iter().any(|hex| crate::digest::fixed_hex(hex) == Ok(point))
}

const SMALL_ORDER: [&str; 7] = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

/// Why bytes are no key we verify with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The text is not one block of PEM.
    #[error("no public key: {0}")]
    Pem(#[from] PemError),
    /// The bytes are no `SubjectPublicKeyInfo` in DER, or the key inside has another shape than its algorithm's.
    #[error("the key is no well-formed SubjectPublicKeyInfo")]
    Malformed,
    /// The algorithm is none of ECDSA, Ed25519 and RSA.
    #[error("keys of algorithm {} are not supported, only ECDSA, Ed25519 and RSA", called(oid))]
    UnsupportedAlgorithm {
        /// Its object identifier.
        oid: ObjectIdentifier,
    },
    /// The curve is none of P-256, P-384 and P-521.
    #[error("keys on curve {} are not supported, only P-256, P-384 and P-521", called(oid))]
    UnsupportedCurve {
        /// Its object identifier.
        oid: ObjectIdentifier,
    },
    /// The RSA modulus is too small to trust or larger than 4096 bits.
    #[error("the RSA key has {bits} bits, not 2048 to 4096")]
    RsaModulus {
        /// Its size.
        bits: usize,
    },
    /// The RSA exponent is not 65537.
    #[error("the RSA key has another exponent than 65537")]
    RsaExponent,
    /// An RSASSA-PSS key has no parameters, and could sign by any hash.
    #[error("the RSASSA-PSS key does not say by which hash it signs")]
    PssUnrestricted,
    /// An RSASSA-PSS key signs by another hash than SHA-256, SHA-384 or SHA-512.
    #[error("RSASSA-PSS keys of hash {oid} are not supported")]
    PssHash {
        /// The hash's object identifier.
        oid: ObjectIdentifier,
    },
    /// The mask of an RSASSA-PSS key is not MGF1 by the key's hash.
    #[error("the RSASSA-PSS key masks by something else than MGF1 of its hash")]
    PssMask,
    /// The salt of an RSASSA-PSS key is not as long as its hash.
    #[error("the RSASSA-PSS key has a salt of {found} bytes, not the {expected} of its hash")]
    PssSalt {
        /// The length of the hash.
        expected: usize,
        /// The length of the salt.
        found: usize,
    },
    /// The Ed25519 point has small order.
    #[error("the Ed25519 key is a point of small order, for which anybody can sign")]
    SmallOrder,
}

/// What people call an algorithm or a curve that we refuse, where it is known, and its object identifier.
fn called(oid: &ObjectIdentifier) -> String {
    let oid = oid.to_string();
    let name = match oid.as_str() {
        "1.2.840.10040.4.1" => "DSA",
        "1.3.101.110" => "X25519",
        "1.3.101.111" => "X448",
        "1.3.101.113" => "Ed448",
        "1.3.132.0.10" => "secp256k1",
        "1.3.132.0.33" => "P-224",
        "1.3.36.3.3.2.8.1.1.7" => "brainpoolP256r1",
        "1.3.36.3.3.2.8.1.1.11" => "brainpoolP384r1",
        "1.3.36.3.3.2.8.1.1.13" => "brainpoolP512r1",
        "2.16.840.1.101.3.4.3.17" => "ML-DSA-44",
        "2.16.840.1.101.3.4.3.18" => "ML-DSA-65",
        "2.16.840.1.101.3.4.3.19" => "ML-DSA-87",
        _ => return oid,
    };
    format!("{name} ({oid})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_has_a_name() {
        let oid = |text: &str| ObjectIdentifier::new(text).unwrap();
        let told = |error: KeyError| error.to_string();
        assert_eq!(
            told(KeyError::UnsupportedAlgorithm { oid: oid("1.3.101.113") }),
            "keys of algorithm Ed448 (1.3.101.113) are not supported, only ECDSA, Ed25519 and RSA"
        );
        assert_eq!(
            told(KeyError::UnsupportedCurve { oid: oid("1.3.132.0.10") }),
            "keys on curve secp256k1 (1.3.132.0.10) are not supported, only P-256, P-384 and P-521"
        );
        assert_eq!(
            told(KeyError::UnsupportedCurve { oid: oid("1.2.3") }),
            "keys on curve 1.2.3 are not supported, only P-256, P-384 and P-521"
        );
    }

    #[test]
    fn names_that_a_key_cannot_have() {
        let rsa = KeyKind::Rsa { bits: 2048 };
        for (kind, details, contradicts) in [
            (KeyKind::P256, "PKIX_ECDSA_P256_SHA_256", false),
            (KeyKind::P256, "PKIX_ECDSA_P384_SHA_384", true),
            (KeyKind::P256, "PKIX_RSA_PSS_2048_SHA256", true),
            (KeyKind::P256, "PKIX_ECDSA_P256_HMAC_SHA_256", false),
            (KeyKind::P256, "PKIX_ECDSA_P384_SHA_256", true),
            (KeyKind::P256, "PKIX_RSA_PKCS1V5", true),
            (rsa, "PKCS1_RSA_PKCS1V5", false),
            (rsa, "PKIX_RSA_PKCS1V15_2048_SHA256", false),
            (rsa, "PKIX_RSA_PSS_2048_SHA256", false),
            (rsa, "PKIX_RSA_PSS_3072_SHA256", true),
        ] {
            assert_eq!(kind.contradicts(details), contradicts, "{kind} {details}");
            assert!(KeyKind::knows(details), "{details}");
        }
        for details in ["OF_TOMORROW", "ML_DSA_65", "PKIX_ED25519_PH", "PKIX_RSA_PSS", ""] {
            assert!(!KeyKind::knows(details), "{details}");
        }
    }

    /// Each of the seven spellings is weak by another library's word, and they are all there are:
    /// the torsion subgroup has 8 points, which have 5 y-coordinates, two of which have a second spelling.
    #[test]
    fn the_small_order_points_are_small() {
        for hex in SMALL_ORDER {
            let point: [u8; 32] = crate::digest::fixed_hex(hex).unwrap();
            let weak =
                ed25519_dalek::VerifyingKey::from_bytes(&point).is_ok_and(|key| key.is_weak());
            assert!(weak, "{hex}");
            assert!(is_small_order(point), "{hex}");
        }
    }
}
