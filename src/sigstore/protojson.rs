//! Fields in [protojson](https://protobuf.dev/programming-guides/json/): bytes are base64 of either
//! alphabet, 64-bit integers are strings or numbers. What Go refuses is refused; so are numbers
//! with a fraction or an exponent, which nobody writes.

use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::{Deserialize, Deserializer};

const EITHER_PADDING: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD_ALPHABET: GeneralPurpose = GeneralPurpose::new(&STANDARD, EITHER_PADDING);
const URL_ALPHABET: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, EITHER_PADDING);

/// A `bytes` field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Bytes(pub(super) Vec<u8>);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let alphabet = if text.contains(['-', '_']) { &URL_ALPHABET } else { &STANDARD_ALPHABET };
        alphabet
            .decode(&text)
            .map(Self)
            .map_err(|_| serde::de::Error::custom("a field of bytes is no base64"))
    }
}

impl Bytes {
    /// The bytes of a hash or an id of 32 bytes.
    pub(super) fn array(&self) -> Option<[u8; 32]> {
        self.0.as_slice().try_into().ok()
    }
}

/// An `int64` field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Int64(pub(super) i64);

impl<'de> Deserialize<'de> for Int64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Spelling {
            Number(i64),
            Text(String),
        }
        let number = match Spelling::deserialize(deserializer)? {
            Spelling::Number(number) => Some(number),
            Spelling::Text(text) => {
                text.parse().ok().filter(|number: &i64| number.to_string() == text)
            }
        };
        number.map(Self).ok_or_else(|| serde::de::Error::custom("a field is no 64-bit integer"))
    }
}

impl Int64 {
    /// The value, where it is not negative.
    pub(super) fn unsigned(self) -> Option<u64> {
        u64::try_from(self.0).ok()
    }
}
