//! The *provider*: what `sigstore-tuf` asks for cryptography, answered by this module. Metadata of TUF
//! is verified by the rules and the backend of everything else, so no feature changes a verdict.

use const_oid::db::rfc5912::{ID_EC_PUBLIC_KEY, RSA_ENCRYPTION, SECP_256_R_1, SECP_384_R_1};
use const_oid::db::rfc8410::ID_ED_25519;
use der::Encode;
use der::asn1::{AnyRef, BitStringRef};
use sigstore_crypto::{CryptoProvider, Error, HashContext, KeyAlgorithm, SigningScheme};
use sigstore_types::HashAlgorithm;
use spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};

use super::{Hash, Message, PublicKey, Scheme, verify_raw};

/// Makes this module the provider of the process, where it has none: a program that embeds the
/// library may have chosen another.
pub(crate) fn provide() {
    sigstore_crypto::install_default_provider(&Provider).ok();
}

#[derive(Debug)]
struct Provider;

impl CryptoProvider for Provider {
    fn hash(&self, algorithm: HashAlgorithm) -> Result<Box<dyn HashContext>, Error> {
        let hash = match algorithm {
            HashAlgorithm::Sha2256 => Hash::Sha256,
            HashAlgorithm::Sha2384 => Hash::Sha384,
            HashAlgorithm::Sha2512 => Hash::Sha512,
            _ => return Err(Error::UnsupportedAlgorithm(algorithm.to_string())),
        };
        Ok(Box::new(Input { hash, bytes: Vec::new() }))
    }

    fn verify_raw(
        &self,
        scheme: SigningScheme,
        bits: &[u8],
        data: &[u8],
        signature: &[u8],
    ) -> Result<(), Error> {
        verify(scheme, bits, Message::Bytes(data), signature)
    }

    fn verify_prehashed(
        &self,
        scheme: SigningScheme,
        bits: &[u8],
        digest: &[u8],
        signature: &[u8],
    ) -> Result<(), Error> {
        let (_, hash) = used(scheme)?;
        verify(scheme, bits, Message::Hashed(hash, digest), signature)
    }
}

/// What is to be hashed. Metadata is small and capped before it comes here.
struct Input {
    hash: Hash,
    bytes: Vec<u8>,
}

impl HashContext for Input {
    fn update(&mut self, data: &[u8]) {
        self.bytes.extend_from_slice(data);
    }

    fn finalize(self: Box<Self>) -> Vec<u8> {
        self.hash.of(&self.bytes)
    }
}

fn verify(
    scheme: SigningScheme,
    bits: &[u8],
    message: Message<'_>,
    signature: &[u8],
) -> Result<(), Error> {
    let (used, _) = used(scheme)?;
    let key = key(scheme, bits).ok_or_else(|| Error::InvalidKey(scheme.name().to_owned()))?;
    verify_raw(used, key.bits(), message, signature)
        .map_err(|cause| Error::Verification(cause.to_string()))
}

/// The scheme in the words of this module, and its hash.
fn used(scheme: SigningScheme) -> Result<(Scheme, Hash), Error> {
    use Hash::{Sha256, Sha384, Sha512};
    Ok(match scheme {
        SigningScheme::EcdsaP256Sha256 => (Scheme::EcdsaP256(Sha256), Sha256),
        SigningScheme::EcdsaP256Sha384 => (Scheme::EcdsaP256(Sha384), Sha384),
        SigningScheme::EcdsaP384Sha256 => (Scheme::EcdsaP384(Sha256), Sha256),
        SigningScheme::EcdsaP384Sha384 => (Scheme::EcdsaP384(Sha384), Sha384),
        SigningScheme::Ed25519 => (Scheme::Ed25519, Sha512),
        SigningScheme::RsaPssSha256 => (Scheme::RsaPss(Sha256), Sha256),
        SigningScheme::RsaPssSha384 => (Scheme::RsaPss(Sha384), Sha384),
        SigningScheme::RsaPssSha512 => (Scheme::RsaPss(Sha512), Sha512),
        SigningScheme::RsaPkcs1Sha256 => (Scheme::RsaPkcs1(Sha256), Sha256),
        SigningScheme::RsaPkcs1Sha384 => (Scheme::RsaPkcs1(Sha384), Sha384),
        SigningScheme::RsaPkcs1Sha512 => (Scheme::RsaPkcs1(Sha512), Sha512),
        _ => return Err(Error::UnsupportedAlgorithm(scheme.name().to_owned())),
    })
}

/// The key that these bits are, by the rules for keys: no small modulus, no point of small order.
fn key(scheme: SigningScheme, bits: &[u8]) -> Option<PublicKey> {
    let (oid, parameters) = match scheme.key_algorithm() {
        KeyAlgorithm::EcdsaP256 => (ID_EC_PUBLIC_KEY, Some(AnyRef::from(&SECP_256_R_1))),
        KeyAlgorithm::EcdsaP384 => (ID_EC_PUBLIC_KEY, Some(AnyRef::from(&SECP_384_R_1))),
        KeyAlgorithm::Ed25519 => (ID_ED_25519, None),
        KeyAlgorithm::Rsa => (RSA_ENCRYPTION, Some(AnyRef::NULL)),
        _ => return None,
    };
    let info = SubjectPublicKeyInfoRef {
        algorithm: AlgorithmIdentifierRef { oid, parameters },
        subject_public_key: BitStringRef::from_bytes(bits).ok()?,
    };
    PublicKey::from_spki(&info.to_der().ok()?).ok()
}
