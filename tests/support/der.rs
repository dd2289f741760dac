//! *DER* written by hand, so that a test can also write what no encoder would: a value here is the
//! bytes of one complete tag, length and content.

use sealift::time::UnixTime;

/// One value of any tag.
pub fn value(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    let length = content.len().to_be_bytes();
    let significant: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
    match significant.as_slice() {
        [] => bytes.push(0),
        [short] if *short < 0x80 => bytes.push(*short),
        long => {
            bytes.push(0x80 | u8::try_from(long.len()).expect("a length has at most eight bytes"));
            bytes.extend_from_slice(long);
        }
    }
    bytes.extend_from_slice(content);
    bytes
}

/// SEQUENCE.
pub fn sequence<T: AsRef<[u8]>>(parts: &[T]) -> Vec<u8> {
    value(0x30, &concatenated(parts))
}

/// SET OF, sorted as DER wants it.
pub fn set_of(mut parts: Vec<Vec<u8>>) -> Vec<u8> {
    parts.sort();
    value(0x31, &concatenated(&parts))
}

/// `[number] EXPLICIT`, or an implicit constructed type given its content.
pub fn explicit(number: u8, content: &[u8]) -> Vec<u8> {
    value(0xa0 | number, content)
}

/// `[number] IMPLICIT` of a primitive type.
pub fn implicit(number: u8, content: &[u8]) -> Vec<u8> {
    value(0x80 | number, content)
}

/// INTEGER, not negative, from big-endian bytes.
pub fn integer(magnitude: &[u8]) -> Vec<u8> {
    let mut content: Vec<u8> = magnitude.iter().copied().skip_while(|byte| *byte == 0).collect();
    if content.first().is_none_or(|byte| *byte >= 0x80) {
        content.insert(0, 0);
    }
    value(0x02, &content)
}

/// INTEGER from a number.
pub fn number(number: u64) -> Vec<u8> {
    integer(&number.to_be_bytes())
}

/// OBJECT IDENTIFIER from its dotted form.
pub fn oid(dotted: &str) -> Vec<u8> {
    let mut arcs =
        dotted.split('.').map(|arc| arc.parse::<u64>().expect("an arc is a decimal number"));
    let first = arcs.next().expect("an identifier has a first arc");
    let second = arcs.next().expect("an identifier has a second arc");
    let mut content = Vec::new();
    for arc in std::iter::once(first * 40 + second).chain(arcs) {
        let mut groups = vec![arc & 0x7f];
        let mut rest = arc >> 7;
        while rest > 0 {
            groups.push(rest & 0x7f | 0x80);
            rest >>= 7;
        }
        content.extend(
            groups.into_iter().rev().map(|group| u8::try_from(group).expect("seven bits and one")),
        );
    }
    value(0x06, &content)
}

/// OCTET STRING.
pub fn octets(content: &[u8]) -> Vec<u8> {
    value(0x04, content)
}

/// BIT STRING without unused bits.
pub fn bits(content: &[u8]) -> Vec<u8> {
    value(0x03, &concatenated(&[&[0][..], content]))
}

/// BIT STRING of named bits, as key usage is written: trailing zero bits are left off.
pub fn named_bits(numbers: &[u8]) -> Vec<u8> {
    let highest = numbers.iter().copied().max().unwrap_or(0);
    let mut content = vec![0; usize::from(highest / 8) + 2];
    for number in numbers {
        content[usize::from(number / 8) + 1] |= 0x80 >> (number % 8);
    }
    content[0] = 7 - highest % 8;
    value(0x03, &content)
}

/// BOOLEAN TRUE.
pub fn yes() -> Vec<u8> {
    value(0x01, &[0xff])
}

/// NULL.
pub fn null() -> Vec<u8> {
    value(0x05, &[])
}

/// `UTF8String`.
pub fn utf8(text: &str) -> Vec<u8> {
    value(0x0c, text.as_bytes())
}

/// `UTCTime` to the end of 2049, `GeneralizedTime` after it, as RFC 5280 asks.
pub fn time(time: UnixTime) -> Vec<u8> {
    let digits = digits(time);
    match digits.strip_prefix("20") {
        Some(short) if short < "50" => value(0x17, format!("{short}Z").as_bytes()),
        _ => generalized_time(time),
    }
}

/// `GeneralizedTime` to the second.
pub fn generalized_time(time: UnixTime) -> Vec<u8> {
    value(0x18, format!("{}Z", digits(time)).as_bytes())
}

/// `GeneralizedTime` with the fraction of the second, where there is one.
pub fn precise_time(time: UnixTime) -> Vec<u8> {
    let fraction = format!(".{:09}", time.nanos());
    let fraction = fraction.trim_end_matches('0').trim_end_matches('.');
    value(0x18, format!("{}{fraction}Z", digits(time)).as_bytes())
}

/// A distinguished name of an organisation and a common name.
pub fn name(organization: &str, common_name: &str) -> Vec<u8> {
    let part =
        |kind: &str, text: &str| value(0x31, &sequence(&[oid(kind), value(0x13, text.as_bytes())]));
    sequence(&[part("2.5.4.10", organization), part("2.5.4.3", common_name)])
}

/// A PEM block of that label, 64 columns and a final line feed.
pub fn pem(label: &str, der: &[u8]) -> String {
    let text = super::base64(der);
    let mut pem = format!("-----BEGIN {label}-----\n");
    for line in text.as_bytes().chunks(64) {
        pem.push_str(std::str::from_utf8(line).expect("base64 is ASCII"));
        pem.push('\n');
    }
    pem + &format!("-----END {label}-----\n")
}

fn digits(time: UnixTime) -> String {
    let text = time.to_string();
    let whole = text.split('.').next().expect("splitting yields at least one part");
    whole.chars().filter(char::is_ascii_digit).collect()
}

fn concatenated<T: AsRef<[u8]>>(parts: &[T]) -> Vec<u8> {
    parts.iter().flat_map(|part| part.as_ref().iter().copied()).collect()
}
