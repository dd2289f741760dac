//! A *note*: a text and signatures over it ([C2SP signed-note](https://c2sp.org/signed-note)).
//!
//! ```text
//! note = text "\n" 1*signature       text ends in "\n" and may hold empty lines
//! signature = "— " name " " base64(4-byte key hint, signature) "\n"
//! ```

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::limits::Limits;

/// A note whose signatures are proven by nobody yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note<'a> {
    /// The signed text, with its last line end.
    pub text: &'a str,
    /// The signatures, in order.
    pub signatures: Vec<NoteSignature<'a>>,
}

/// A signature line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteSignature<'a> {
    /// Who signed, by their own word.
    pub name: &'a str,
    /// The first bytes of the key's id.
    pub hint: [u8; 4],
    /// The signature.
    pub signature: Vec<u8>,
}

impl<'a> Note<'a> {
    /// Reads a note. The blank line is the last one, so text cannot pose as signatures.
    pub fn parse(note: &'a str, limits: &Limits) -> Result<Self, MalformedNote> {
        if note.len() > limits.checkpoint_bytes {
            return Err(MalformedNote::TooLarge { limit: limits.checkpoint_bytes });
        }
        if note.chars().any(|c| c.is_control() && c != '\n') {
            return Err(MalformedNote::ControlCharacter);
        }
        let at = note.rfind("\n\n").ok_or(MalformedNote::NoBlankLine)?;
        let (text, rest) = note.split_at(at.saturating_add(1));
        let lines = rest.strip_prefix('\n').ok_or(MalformedNote::NoBlankLine)?;
        let lines = lines.strip_suffix('\n').ok_or(MalformedNote::SignatureLine)?;
        let lines: Vec<_> = lines.split('\n').collect();
        if lines.len() > limits.checkpoint_signatures {
            return Err(MalformedNote::TooManySignatures { limit: limits.checkpoint_signatures });
        }
        let signatures = lines
            .into_iter()
            .map(|line| signature(line).ok_or(MalformedNote::SignatureLine))
            .collect::<Result<_, _>>()?;
        Ok(Self { text, signatures })
    }
}

fn signature(line: &str) -> Option<NoteSignature<'_>> {
    let (name, encoded) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
    if name.is_empty() || name.contains('+') || name.chars().any(char::is_whitespace) {
        return None;
    }
    let bytes = STANDARD.decode(encoded).ok()?;
    let (hint, signature) = bytes.split_first_chunk::<4>()?;
    (!signature.is_empty()).then(|| NoteSignature {
        name,
        hint: *hint,
        signature: signature.to_vec(),
    })
}

/// Why a text is no note.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedNote {
    /// It is longer than [`Limits`] allows.
    #[error("it has more than {limit} bytes")]
    TooLarge {
        /// The cap.
        limit: usize,
    },
    /// It has more signatures than [`Limits`] allows.
    #[error("it has more than {limit} signature lines")]
    TooManySignatures {
        /// The cap.
        limit: usize,
    },
    /// It holds a control character other than the line end.
    #[error("it holds a control character")]
    ControlCharacter,
    /// No blank line parts the text from the signatures.
    #[error("no blank line parts text and signatures")]
    NoBlankLine,
    /// A line after the blank one is no signature.
    #[error("a line after the blank line is no signature")]
    SignatureLine,
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "\u{2014} log AAAAAAA=\n";

    #[test]
    fn limits_are_inclusive() {
        let note = format!("text\n\n{LINE}{LINE}");
        let limits =
            Limits { checkpoint_bytes: note.len(), checkpoint_signatures: 2, ..Limits::default() };
        assert_eq!(Note::parse(&note, &limits).map(|note| note.signatures.len()), Ok(2));
        let fewer = Limits { checkpoint_bytes: note.len() - 1, ..limits };
        let too_large = MalformedNote::TooLarge { limit: note.len() - 1 };
        assert_eq!(Note::parse(&note, &fewer), Err(too_large));
        let fewer = Limits { checkpoint_signatures: 1, ..limits };
        let too_many = MalformedNote::TooManySignatures { limit: 1 };
        assert_eq!(Note::parse(&note, &fewer), Err(too_many));
    }

    #[test]
    fn what_is_no_signature_line() {
        let limits = Limits::default();
        for name in ["", "a+b", "a\u{a0}b"] {
            let note = format!("text\n\n\u{2014} {name} AAAAAAA=\n");
            assert_eq!(Note::parse(&note, &limits), Err(MalformedNote::SignatureLine), "{name:?}");
        }
        // Four bytes of hint and nothing signed.
        let note = "text\n\n\u{2014} log AAAAAA==\n";
        assert_eq!(Note::parse(note, &limits), Err(MalformedNote::SignatureLine));
    }
}
