//! A *size*: a number of bytes, as people write it.
//!
//! ```text
//! size = 1*DIGIT ( "KB" / "MB" / "GB" / "KiB" / "MiB" / "GiB" )
//! ```

use std::str::FromStr;

/// A size, no larger than a file may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(u64);

impl Size {
    /// In bytes.
    pub fn bytes(self) -> u64 {
        self.0
    }
}

impl FromStr for Size {
    type Err = InvalidSize;

    fn from_str(text: &str) -> Result<Self, InvalidSize> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at_checked(digits).unwrap_or_default();
        let unit: u64 = match unit {
            "KB" => 1000,
            "MB" => 1_000_000,
            "GB" => 1_000_000_000,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => return Err(InvalidSize::Form),
        };
        let number: u64 = number.parse().map_err(|_| InvalidSize::Form)?;
        let size = number.checked_mul(unit).filter(|size| i64::try_from(*size).is_ok());
        size.map(Self).ok_or(InvalidSize::TooLarge)
    }
}

/// Why a text is no size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSize {
    /// It is no number with a unit.
    #[error("a size is a number with KB, MB, GB, KiB, MiB or GiB, such as `4GiB`")]
    Form,
    /// No file is so large.
    #[error("no file is so large")]
    TooLarge,
}
