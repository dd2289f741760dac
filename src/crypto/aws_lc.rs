//! The backend on aws-lc-rs.

use aws_lc_rs::digest::{self, Digest};
use aws_lc_rs::signature::{self, UnparsedPublicKey, VerificationAlgorithm};

use super::{Hash, Scheme};

pub(super) fn verify_ed25519(bits: &[u8], message: &[u8], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&signature::ED25519, bits).verify(message, signature).is_ok()
}

pub(super) fn verify_hashed(scheme: Scheme, bits: &[u8], value: &[u8], signature: &[u8]) -> bool {
    let Some((algorithm, hash)) = algorithm(scheme) else { return false };
    let Ok(value) = Digest::import_less_safe(value, hash_algorithm(hash)) else { return false };
    UnparsedPublicKey::new(algorithm, bits).verify_digest(&value, signature).is_ok()
}

fn algorithm(scheme: Scheme) -> Option<(&'static dyn VerificationAlgorithm, Hash)> {
    use Hash::{Sha256, Sha384, Sha512};
    Some(match scheme {
        Scheme::EcdsaP256(Sha256) => (&signature::ECDSA_P256_SHA256_ASN1, Sha256),
        Scheme::EcdsaP256(Sha384) => (&signature::ECDSA_P256_SHA384_ASN1, Sha384),
        Scheme::EcdsaP256(Sha512) => (&signature::ECDSA_P256_SHA512_ASN1, Sha512),
        Scheme::EcdsaP384(Sha256) => (&signature::ECDSA_P384_SHA256_ASN1, Sha256),
        Scheme::EcdsaP384(Sha384) => (&signature::ECDSA_P384_SHA384_ASN1, Sha384),
        Scheme::EcdsaP384(Sha512) => (&signature::ECDSA_P384_SHA512_ASN1, Sha512),
        Scheme::EcdsaP521(Sha256) => (&signature::ECDSA_P521_SHA256_ASN1, Sha256),
        Scheme::EcdsaP521(Sha384) => (&signature::ECDSA_P521_SHA384_ASN1, Sha384),
        Scheme::EcdsaP521(Sha512) => (&signature::ECDSA_P521_SHA512_ASN1, Sha512),
        Scheme::RsaPkcs1(Sha256) => (&signature::RSA_PKCS1_2048_8192_SHA256, Sha256),
        Scheme::RsaPkcs1(Sha384) => (&signature::RSA_PKCS1_2048_8192_SHA384, Sha384),
        Scheme::RsaPkcs1(Sha512) => (&signature::RSA_PKCS1_2048_8192_SHA512, Sha512),
        Scheme::RsaPss(Sha256) => (&signature::RSA_PSS_2048_8192_SHA256, Sha256),
        Scheme::RsaPss(Sha384) => (&signature::RSA_PSS_2048_8192_SHA384, Sha384),
        Scheme::RsaPss(Sha512) => (&signature::RSA_PSS_2048_8192_SHA512, Sha512),
        Scheme::Ed25519 => return None,
    })
}

fn hash_algorithm(hash: Hash) -> &'static digest::Algorithm {
    match hash {
        Hash::Sha256 => &digest::SHA256,
        Hash::Sha384 => &digest::SHA384,
        Hash::Sha512 => &digest::SHA512,
    }
}
