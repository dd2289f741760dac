//! A *digest*: the name of bytes, an algorithm and its hash value.
//!
//! One spelling only, `sha256:<64 lower-case hex>` or `sha512:<128 lower-case hex>`, as the image
//! spec's [descriptor page](https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md#digests)
//! registers them. A value of this type is safe to put into a path or a URL (CVE-2024-3727).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::Digest as _;

/// The name of bytes: algorithm and right-sized hash value.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Digest {
    /// SHA-256, the algorithm of nearly every registry.
    Sha256([u8; 32]),
    /// SHA-512, the other registered algorithm.
    Sha512([u8; 64]),
}

impl Digest {
    /// The SHA-256 of `bytes`.
    pub fn sha256(bytes: &[u8]) -> Self {
        let mut hasher = Hasher::new(Algorithm::Sha256);
        hasher.update(bytes);
        hasher.finish()
    }

    /// The digest of `bytes` by `algorithm`.
    pub fn of(algorithm: Algorithm, bytes: &[u8]) -> Self {
        let mut hasher = Hasher::new(algorithm);
        hasher.update(bytes);
        hasher.finish()
    }

    /// The algorithm.
    pub fn algorithm(&self) -> Algorithm {
        match self {
            Self::Sha256(_) => Algorithm::Sha256,
            Self::Sha512(_) => Algorithm::Sha512,
        }
    }

    /// The hash value, 32 or 64 bytes.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Sha256(bytes) => bytes,
            Self::Sha512(bytes) => bytes,
        }
    }

    /// The hash value in lower-case hex.
    pub fn hex(&self) -> String {
        hex(self.bytes())
    }
}

impl FromStr for Digest {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let (algorithm, value) = text.split_once(':').ok_or(Invalid::NoAlgorithm)?;
        match algorithm {
            "sha256" => fixed_hex(value).map(Self::Sha256),
            "sha512" => fixed_hex(value).map(Self::Sha512),
            _ => Err(Invalid::UnknownAlgorithm),
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm(), self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A registered digest algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

impl Algorithm {
    /// The algorithm's registered name, as it stands before the colon.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a text is no digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// There is no `:`.
    #[error("a digest is written algorithm:hex")]
    NoAlgorithm,
    /// The algorithm is not one of the two registered ones.
    #[error("the digest algorithm is neither sha256 nor sha512")]
    UnknownAlgorithm,
    /// The value has another length than the algorithm's.
    #[error("the digest has {found} hex digits, not {expected}")]
    WrongLength {
        /// Digits the algorithm has.
        expected: usize,
        /// Digits that stand there.
        found: usize,
    },
    /// A character is not a lower-case hex digit.
    #[error("the digest holds a character that is not a lower-case hex digit")]
    NotHex,
}

/// Hashes bytes as they pass.
#[derive(Clone)]
pub struct Hasher(State);

#[derive(Clone)]
enum State {
    Sha256(sha2::Sha256),
    Sha512(sha2::Sha512),
}

impl Hasher {
    /// Begins with no bytes.
    pub fn new(algorithm: Algorithm) -> Self {
        Self(match algorithm {
            Algorithm::Sha256 => State::Sha256(sha2::Sha256::new()),
            Algorithm::Sha512 => State::Sha512(sha2::Sha512::new()),
        })
    }

    /// Appends bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::Sha256(state) => state.update(bytes),
            State::Sha512(state) => state.update(bytes),
        }
    }

    /// The digest of all bytes appended.
    pub fn finish(self) -> Digest {
        match self.0 {
            State::Sha256(state) => Digest::Sha256(state.finalize().into()),
            State::Sha512(state) => Digest::Sha512(state.finalize().into()),
        }
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hasher")
    }
}

/// Bytes in lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len().saturating_mul(2)), |mut text, byte| {
        text.extend([nibble(byte >> 4), nibble(byte & 15)]);
        text
    })
}

fn nibble(value: u8) -> char {
    char::from_digit(u32::from(value), 16).expect("a nibble is below 16")
}

/// Exactly `N` bytes from `2 N` lower-case hex digits.
pub fn fixed_hex<const N: usize>(text: &str) -> Result<[u8; N], Invalid> {
    let expected = N.saturating_mul(2);
    if text.len() != expected {
        return Err(Invalid::WrongLength { expected, found: text.len() });
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = pair
            .iter()
            .try_fold(0_u8, |value, digit| Some(value << 4 | digit_value(*digit)?))
            .ok_or(Invalid::NotHex)?;
    }
    Ok(bytes)
}

fn digit_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn one_spelling() {
        assert_eq!(Digest::sha256(b"").to_string(), EMPTY);
        assert_eq!(EMPTY.parse(), Ok(Digest::sha256(b"")));
        let long = Digest::of(Algorithm::Sha512, b"");
        assert_eq!(long.to_string().parse(), Ok(long));
    }

    /// HOSTILE.md case 46.
    #[test]
    fn other_spellings_are_refused() {
        let hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let cases = [
            (hex.to_owned(), Invalid::NoAlgorithm),
            (format!("md5:{hex}"), Invalid::UnknownAlgorithm),
            (format!("SHA256:{hex}"), Invalid::UnknownAlgorithm),
            ("sha256:".to_owned(), Invalid::WrongLength { expected: 64, found: 0 }),
            (format!("sha256:{}", &hex[1..]), Invalid::WrongLength { expected: 64, found: 63 }),
            (format!("sha256:{hex}0"), Invalid::WrongLength { expected: 64, found: 65 }),
            (format!("sha512:{hex}"), Invalid::WrongLength { expected: 128, found: 64 }),
            (format!("sha256:{}", hex.to_uppercase()), Invalid::NotHex),
            (format!("sha256::{}", &hex[1..]), Invalid::NotHex),
            (format!("sha256:../../etc/passwd{}", &hex[16..]), Invalid::NotHex),
            (format!("sha256:..%2f{}", &hex[5..]), Invalid::NotHex),
            (format!("sha256:\u{e9}{}", &hex[2..]), Invalid::NotHex),
        ];
        for (text, why) in cases {
            assert_eq!(text.parse::<Digest>(), Err(why), "{text}");
        }
    }
}
