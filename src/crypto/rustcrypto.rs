//! The backend on the `RustCrypto` crates: no C, for static builds.

use p256::ecdsa::signature::hazmat::PrehashVerifier;
use rsa::pkcs1::DecodeRsaPublicKey;
use rsa::{Pkcs1v15Sign, Pss, RsaPublicKey};
use sha2::{Sha256, Sha384, Sha512};

use super::{Hash, Scheme};

pub(super) fn verify_ed25519(bits: &[u8], message: &[u8], signature: &[u8]) -> bool {
    use ed25519_dalek::{Signature, Verifier, VerifyingKey};
    let key = bits.try_into().ok().and_then(|bytes| VerifyingKey::from_bytes(bytes).ok());
    let signature = Signature::from_slice(signature).ok();
    key.zip(signature).is_some_and(|(key, signature)| key.verify(message, &signature).is_ok())
}

pub(super) fn verify_hashed(scheme: Scheme, bits: &[u8], value: &[u8], signature: &[u8]) -> bool {
    match scheme {
        Scheme::EcdsaP256(_) => {
            use p256::ecdsa::{DerSignature, VerifyingKey};
            let key = VerifyingKey::from_sec1_bytes(bits).ok();
            let signature = DerSignature::from_bytes(signature).ok();
            key.zip(signature)
                .is_some_and(|(key, signature)| key.verify_prehash(value, &signature).is_ok())
        }
        Scheme::EcdsaP384(_) => {
            use p384::ecdsa::{DerSignature, VerifyingKey};
            let key = VerifyingKey::from_sec1_bytes(bits).ok();
            let signature = DerSignature::from_bytes(signature).ok();
            key.zip(signature)
                .is_some_and(|(key, signature)| key.verify_prehash(value, &signature).is_ok())
        }
        Scheme::EcdsaP521(_) => {
            use p521::ecdsa::{Signature, VerifyingKey};
            let key = VerifyingKey::from_sec1_bytes(bits).ok();
            let signature = Signature::from_der(signature).ok();
            // The crate refuses hashes shorter than half the field; leading zeros are the same number.
            let value = [vec![0; 66_usize.saturating_sub(value.len())], value.to_vec()].concat();
            key.zip(signature)
                .is_some_and(|(key, signature)| key.verify_prehash(&value, &signature).is_ok())
        }
        Scheme::RsaPkcs1(hash) => {
            let padding = match hash {
                Hash::Sha256 => Pkcs1v15Sign::new::<Sha256>(),
                Hash::Sha384 => Pkcs1v15Sign::new::<Sha384>(),
                Hash::Sha512 => Pkcs1v15Sign::new::<Sha512>(),
            };
            RsaPublicKey::from_pkcs1_der(bits)
                .is_ok_and(|key| key.verify(padding, value, signature).is_ok())
        }
        Scheme::RsaPss(hash) => {
            let padding = match hash {
                Hash::Sha256 => Pss::new_with_salt::<Sha256>(hash.length()),
                Hash::Sha384 => Pss::new_with_salt::<Sha384>(hash.length()),
                Hash::Sha512 => Pss::new_with_salt::<Sha512>(hash.length()),
            };
            RsaPublicKey::from_pkcs1_der(bits)
                .is_ok_and(|key| key.verify(padding, value, signature).is_ok())
        }
        Scheme::Ed25519 => false,
    }
}
