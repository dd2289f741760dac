//! JSON of nothing but ASCII, so that a terminal shows what was written (HOSTILE.md case 57).

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};

/// `value` as indented JSON, other characters than ASCII escaped, with a final line break.
pub fn to_string(value: &impl Serialize) -> String {
    let mut bytes = Vec::new();
    let formatter = Ascii { pretty: PrettyFormatter::new() };
    value
        .serialize(&mut Serializer::with_formatter(&mut bytes, formatter))
        .expect("plain data with text keys is serialised into memory");
    bytes.push(b'\n');
    String::from_utf8(bytes).expect("JSON of ASCII is text")
}

struct Ascii {
    pretty: PrettyFormatter<'static>,
}

impl Formatter for Ascii {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut units = [0; 2];
        for c in fragment.chars() {
            if c.is_ascii() && !c.is_ascii_control() {
                writer.write_all(&[u8::try_from(c).expect("ASCII has one byte")])?;
                continue;
            }
            for unit in c.encode_utf16(&mut units) {
                write!(writer, "\\u{unit:04x}")?;
            }
        }
        Ok(())
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.begin_array(writer)
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.pretty.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.pretty.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.end_object_value(writer)
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn only_ascii_and_the_same_value() {
        let value = serde_json::json!({ "k\u{9b}": ["\u{202e}\u{1f600}\n\"\\", 1] });
        let text = super::to_string(&value);
        assert!(text.is_ascii());
        assert!(!text.trim_end().contains(|c: char| c.is_control() && c != '\n'));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }
}
