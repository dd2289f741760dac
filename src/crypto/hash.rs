//! The hash functions signatures are made over, and their values.

use std::fmt;
use std::str::FromStr;

use sha2::Digest as _;

use crate::digest::{Digest, Invalid, fixed_hex, hex};

/// A hash function of the SHA-2 family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hash {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Hash {
    /// The hash value of `bytes`: 32, 48 or 64 bytes.
    pub fn of(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => sha2::Sha256::digest(bytes).to_vec(),
            Self::Sha384 => sha2::Sha384::digest(bytes).to_vec(),
            Self::Sha512 => sha2::Sha512::digest(bytes).to_vec(),
        }
    }

    /// Its name before the colon of a [`HashValue`].
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }

    /// The length of a hash value in bytes.
    pub fn length(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

/// The hash value of bytes by a function that signatures are made over: the name by which a
/// signature, a log entry or a statement knows what it is about.
///
/// Wider than an OCI [`Digest`], which can be no SHA-384. One spelling only: `sha256:`, `sha384:` or
/// `sha512:` and lower-case hex.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashValue {
    /// By SHA-256.
    Sha256([u8; 32]),
    /// By SHA-384.
    Sha384([u8; 48]),
    /// By SHA-512.
    Sha512([u8; 64]),
}

impl HashValue {
    /// The hash function.
    pub fn hash(&self) -> Hash {
        match self {
            Self::Sha256(_) => Hash::Sha256,
            Self::Sha384(_) => Hash::Sha384,
            Self::Sha512(_) => Hash::Sha512,
        }
    }

    /// The value, as long as the function's.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Sha256(bytes) => bytes,
            Self::Sha384(bytes) => bytes,
            Self::Sha512(bytes) => bytes,
        }
    }
}

impl From<Digest> for HashValue {
    fn from(digest: Digest) -> Self {
        match digest {
            Digest::Sha256(bytes) => Self::Sha256(bytes),
            Digest::Sha512(bytes) => Self::Sha512(bytes),
        }
    }
}

impl FromStr for HashValue {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text.strip_prefix("sha384:") {
            Some(value) => fixed_hex(value).map(Self::Sha384),
            None => text.parse::<Digest>().map(Self::from),
        }
    }
}

impl fmt::Display for HashValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.hash().name(), hex(self.bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling_by_each_function() {
        for hash in [Hash::Sha256, Hash::Sha384, Hash::Sha512] {
            let text = format!("{}:{}", hash.name(), hex(&hash.of(b"")));
            let value: HashValue = text.parse().unwrap();
            assert_eq!((value.hash(), value.bytes()), (hash, hash.of(b"").as_slice()));
            assert_eq!(value.to_string(), text);
        }
        let hex = hex(&Hash::Sha384.of(b""));
        let cases = [
            (hex.clone(), Invalid::NoAlgorithm),
            (format!("SHA384:{hex}"), Invalid::UnknownAlgorithm),
            (format!("sha384:{}", &hex[1..]), Invalid::WrongLength { expected: 96, found: 95 }),
            (format!("sha384:{}", hex.to_uppercase()), Invalid::NotHex),
            (format!("sha256:{hex}"), Invalid::WrongLength { expected: 64, found: 96 }),
        ];
        for (text, why) in cases {
            assert_eq!(text.parse::<HashValue>(), Err(why), "{text}");
        }
    }
}
