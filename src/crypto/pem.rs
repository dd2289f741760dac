//! PEM, strictly (RFC 7468, decision 8): the blocks that are asked for, and nothing but white
//! space around them. A reader that skips what it does not know can be shown another block than
//! the next reader sees.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The DER inside the only block of `text`, which must be of type `label`.
pub fn one_pem_block(text: &str, label: &'static str) -> Result<Vec<u8>, PemError> {
    let mut blocks = blocks(text, label)?;
    match (blocks.pop(), blocks.len()) {
        (Some(block), 0) => Ok(block),
        (None, _) => Err(PemError::NoBlock { label }),
        (Some(_), others) => Err(PemError::SeveralBlocks { found: others.saturating_add(1) }),
    }
}

/// The DER of every `CERTIFICATE` block, at most `limit` of them.
pub fn certificates_from_pem(text: &str, limit: usize) -> Result<Vec<Vec<u8>>, PemError> {
    let blocks = blocks(text, "CERTIFICATE")?;
    if blocks.len() > limit {
        return Err(PemError::TooManyBlocks { limit });
    }
    Ok(blocks)
}

/// Cuts `text` at its end lines; whatever stands before a begin line makes that block malformed.
fn blocks(text: &str, label: &'static str) -> Result<Vec<Vec<u8>>, PemError> {
    let end = format!("-----END {label}-----");
    let begin = format!("-----BEGIN {label}-----");
    text.split_inclusive(&end)
        .map(str::trim)
        .filter(|block| !block.is_empty())
        .map(|block| {
            let inside = block.strip_prefix(&begin).ok_or(PemError::NotABlock { label })?;
            let inside = inside.strip_suffix(&end).ok_or(PemError::NotABlock { label })?;
            lines(inside).ok_or(PemError::Malformed { label })
        })
        .collect()
}

/// Base64 in lines of any width, as writers differ in it: Rekor's entries have certificates in one
/// line. Between the lines nothing but the line end.
fn lines(inside: &str) -> Option<Vec<u8>> {
    let (before, after) =
        (inside.strip_prefix("\r\n").or(inside.strip_prefix('\n'))?, inside.ends_with('\n'));
    let encoded: String = before.lines().collect();
    STANDARD.decode(encoded).ok().filter(|der| after && !der.is_empty())
}

/// A block of PEM amid other text.
pub struct FirstBlock<'a> {
    /// Its type.
    pub label: &'a str,
    /// What it holds.
    pub der: Vec<u8>,
    /// What follows it.
    pub rest: &'a str,
}

/// The first block of `text`, of whatever type, as Go's `pem.Decode` finds it. `wanted` is for the
/// error.
pub fn first_pem_block<'a>(
    text: &'a str,
    wanted: &'static str,
) -> Result<FirstBlock<'a>, PemError> {
    let none = PemError::NoBlock { label: wanted };
    let malformed = PemError::Malformed { label: wanted };
    let (before, begun) = text.split_once("-----BEGIN ").ok_or(none)?;
    if !before.is_empty() && !before.ends_with('\n') {
        return Err(none);
    }
    let (label, inside) = begun.split_once("-----").ok_or(none)?;
    let (encoded, rest) = inside.split_once(&format!("-----END {label}-----")).ok_or(malformed)?;
    let encoded: String = encoded.split_ascii_whitespace().collect();
    let der = STANDARD.decode(encoded).map_err(|_| malformed)?;
    if der.is_empty() {
        return Err(malformed);
    }
    Ok(FirstBlock { label, der, rest })
}

/// Why a text is not the PEM that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PemError {
    /// There is no block.
    #[error("there is no `{label}` block of PEM")]
    NoBlock {
        /// The type that was asked for.
        label: &'static str,
    },
    /// There are more blocks than may be.
    #[error("there are {found} blocks of PEM")]
    SeveralBlocks {
        /// How many.
        found: usize,
    },
    /// There are more blocks than [`Limits`](crate::limits::Limits) allow.
    #[error("there are more than {limit} blocks of PEM")]
    TooManyBlocks {
        /// The cap.
        limit: usize,
    },
    /// Something else than a block of the wanted type stands there.
    #[error("something other than a `{label}` block of PEM stands there")]
    NotABlock {
        /// The type that was asked for.
        label: &'static str,
    },
    /// The block is not well formed.
    #[error("the `{label}` block is not well-formed PEM")]
    Malformed {
        /// The type that was asked for.
        label: &'static str,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

    fn one(text: &str) -> Result<Vec<u8>, PemError> {
        one_pem_block(text, "CERTIFICATE")
    }

    /// HOSTILE.md case 71.
    #[test]
    fn exactly_one_block() {
        let label = "CERTIFICATE";
        assert_eq!(one(ONE), Ok(vec![0, 0, 0]));
        assert_eq!(one(ONE.trim()), Ok(vec![0, 0, 0]), "no final newline");
        assert_eq!(one(&ONE.replace('\n', "\r\n")), Ok(vec![0, 0, 0]), "line ends of Windows");
        assert_eq!(one(&format!("\n {ONE} \n")), Ok(vec![0, 0, 0]), "white space around");
        assert_eq!(one(""), Err(PemError::NoBlock { label }));
        assert_eq!(one(&ONE.repeat(2)), Err(PemError::SeveralBlocks { found: 2 }));
        assert_eq!(one(&format!("junk\n{ONE}")), Err(PemError::NotABlock { label }));
        assert_eq!(one(&format!("{ONE}junk")), Err(PemError::NotABlock { label }));
        assert_eq!(
            one(&ONE.replace("CERTIFICATE", "TRUSTED CERTIFICATE")),
            Err(PemError::NotABlock { label })
        );
        assert_eq!(
            one(&ONE.replace("CERTIFICATE", "PRIVATE KEY")),
            Err(PemError::NotABlock { label })
        );
        assert_eq!(
            one(&ONE.replace("AAAA", "Proc-Type: 4\n\nAAAA")),
            Err(PemError::Malformed { label })
        );
        assert_eq!(one(&ONE.replace("AAAA\n", "AAAA")), Err(PemError::Malformed { label }));
        assert_eq!(one(&ONE.replace("AAAA", "")), Err(PemError::Malformed { label }));
        assert_eq!(one(&ONE.replace("AAAA", "AAA")), Err(PemError::Malformed { label }));
        assert_eq!(one(&ONE.replace("AAAA", "AA AA")), Err(PemError::Malformed { label }));
        assert_eq!(one(&ONE.replace("AAAA", "AA-_")), Err(PemError::Malformed { label }));
    }

    #[test]
    fn as_many_as_allowed() {
        assert_eq!(certificates_from_pem(&ONE.repeat(2), 2).map(|blocks| blocks.len()), Ok(2));
        assert_eq!(
            certificates_from_pem(&ONE.repeat(3), 2),
            Err(PemError::TooManyBlocks { limit: 2 })
        );
    }
}
