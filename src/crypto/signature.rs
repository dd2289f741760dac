//! *Signatures* and the schemes they are made by.

use der::asn1::UintRef;
use der::{Decode, Reader, SliceReader};

use super::{Hash, backend};

/// What was signed: the bytes, or only their hash value where the bytes are elsewhere.
#[derive(Clone, Copy, Debug)]
pub enum Message<'a> {
    /// The bytes.
    Bytes(&'a [u8]),
    /// The hash value of the bytes.
    Hashed(Hash, &'a [u8]),
}

/// A signature scheme with every choice made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// ECDSA on P-256.
    EcdsaP256(Hash),
    /// ECDSA on P-384.
    EcdsaP384(Hash),
    /// ECDSA on P-521.
    EcdsaP521(Hash),
    /// Ed25519 (RFC 8032, pure).
    Ed25519,
    /// RSASSA-PKCS1-v1_5.
    RsaPkcs1(Hash),
    /// RSASSA-PSS, salt as long as the hash.
    RsaPss(Hash),
}

impl Scheme {
    fn hash(self) -> Option<Hash> {
        match self {
            Self::EcdsaP256(hash)
            | Self::EcdsaP384(hash)
            | Self::EcdsaP521(hash)
            | Self::RsaPkcs1(hash)
            | Self::RsaPss(hash) => Some(hash),
            Self::Ed25519 => None,
        }
    }

    fn is_ecdsa(self) -> bool {
        matches!(self, Self::EcdsaP256(_) | Self::EcdsaP384(_) | Self::EcdsaP521(_))
    }
}

/// Proves `signature` over `message` with the raw key `bits`: a point, or an `RSAPublicKey`.
pub(crate) fn verify_raw(
    scheme: Scheme,
    bits: &[u8],
    message: Message<'_>,
    signature: &[u8],
) -> Result<(), InvalidSignature> {
    if scheme.is_ecdsa() {
        check_ecdsa_encoding(signature)?;
    }
    let proven = match (scheme.hash(), message) {
        (None, Message::Bytes(bytes)) => backend::verify_ed25519(bits, bytes, signature),
        (None, Message::Hashed(..)) => return Err(InvalidSignature::NeedsMessage),
        (Some(hash), Message::Bytes(bytes)) => {
            backend::verify_hashed(scheme, bits, &hash.of(bytes), signature)
        }
        (Some(hash), Message::Hashed(by, value)) if by == hash && value.len() == hash.length() => {
            backend::verify_hashed(scheme, bits, value, signature)
        }
        (Some(_), Message::Hashed(..)) => return Err(InvalidSignature::OtherHash),
    };
    if proven { Ok(()) } else { Err(InvalidSignature::DoesNotVerify) }
}

/// `ECDSA-Sig-Value ::= SEQUENCE { r INTEGER, s INTEGER }` in DER, both positive, nothing after.
/// Whether they are in range the backend says. A large `s` is legal.
fn check_ecdsa_encoding(signature: &[u8]) -> Result<(), InvalidSignature> {
    let positive = |number: UintRef<'_>| number.as_bytes() != [0];
    SliceReader::new(signature)
        .and_then(|mut reader| {
            let both = reader
                .sequence(|fields| Ok((UintRef::decode(fields)?, UintRef::decode(fields)?)))?;
            reader.finish(both)
        })
        .ok()
        .filter(|(r, s)| positive(*r) && positive(*s))
        .map(|_| ())
        .ok_or(InvalidSignature::NotDer)
}

/// Why a signature proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSignature {
    /// It is no signature by this key over these bytes.
    #[error("it is no signature by this key over these bytes")]
    DoesNotVerify,
    /// An ECDSA signature is not `SEQUENCE { r, s }` in DER.
    #[error("it is no ECDSA signature in DER")]
    NotDer,
    /// The scheme needs the message, and only its hash value is known.
    #[error("an Ed25519 signature can be checked only with the signed file, not with its digest")]
    NeedsMessage,
    /// The hash value at hand was made by another hash function than the scheme's.
    #[error("the digest at hand was made by another hash function than the signature's")]
    OtherHash,
}
