//! *RSASSA-PSS parameters* (RFC 4055 section 3.1): by which hash, and with how long a salt, a key signs.
//!
//! ```text
//! RSASSA-PSS-params ::= SEQUENCE {
//!     hashAlgorithm    [0] HashAlgorithm    DEFAULT sha1,
//!     maskGenAlgorithm [1] MaskGenAlgorithm DEFAULT mgf1SHA1,
//!     saltLength       [2] INTEGER          DEFAULT 20,
//!     trailerField     [3] INTEGER          DEFAULT 1 }
//! ```

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5912::{ID_MGF_1, ID_SHA_1, ID_SHA_256, ID_SHA_384, ID_SHA_512};
use der::asn1::AnyRef;
use der::{Encode, Sequence};
use spki::AlgorithmIdentifierRef;

use super::{Hash, KeyError};

/// The hash of a key whose parameters leave no choice: one of SHA-2, the mask by the same, the salt
/// as long as it. A key without parameters could be used by any hash, and is none we can hold
/// anybody to.
pub(super) fn hash(parameters: Option<AnyRef<'_>>) -> Result<Hash, KeyError> {
    let any = parameters.ok_or(KeyError::PssUnrestricted)?;
    let parameters: Parameters<'_> = any.decode_as().map_err(|_| KeyError::Malformed)?;
    // DER leaves out what is the default; the one trailer there is, is.
    if parameters.to_der().ok() != any.to_der().ok() || parameters.trailer.is_some() {
        return Err(KeyError::Malformed);
    }
    let oid = parameters.hash.map_or(Ok(ID_SHA_1), hash_identifier)?;
    let hash = match oid {
        ID_SHA_256 => Hash::Sha256,
        ID_SHA_384 => Hash::Sha384,
        ID_SHA_512 => Hash::Sha512,
        oid => return Err(KeyError::PssHash { oid }),
    };
    if parameters.mask.map(mask_hash).transpose()? != Some(oid) {
        return Err(KeyError::PssMask);
    }
    let salt = usize::from(parameters.salt.unwrap_or(20));
    if salt != hash.length() {
        return Err(KeyError::PssSalt { expected: hash.length(), found: salt });
    }
    Ok(hash)
}

#[derive(Sequence)]
struct Parameters<'a> {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    hash: Option<AlgorithmIdentifierRef<'a>>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    mask: Option<AlgorithmIdentifierRef<'a>>,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", optional = "true")]
    salt: Option<u16>,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", optional = "true")]
    trailer: Option<u16>,
}

/// The name of a hash. RFC 4055 section 2.1 has NULL beside it, or nothing.
fn hash_identifier(algorithm: AlgorithmIdentifierRef<'_>) -> Result<ObjectIdentifier, KeyError> {
    if algorithm.parameters.is_none_or(AnyRef::is_null) {
        Ok(algorithm.oid)
    } else {
        Err(KeyError::Malformed)
    }
}

/// The name of the hash that MGF1 masks by.
fn mask_hash(mask: AlgorithmIdentifierRef<'_>) -> Result<ObjectIdentifier, KeyError> {
    if mask.oid != ID_MGF_1 {
        return Err(KeyError::PssMask);
    }
    let hash = mask.parameters.ok_or(KeyError::Malformed)?;
    hash_identifier(hash.decode_as().map_err(|_| KeyError::Malformed)?)
}
