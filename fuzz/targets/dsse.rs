//! DSSE envelopes: written again they are the same, and what is signed gives back type and payload.
#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use libfuzzer_sys::fuzz_target;
use sealift::sigstore::Envelope;
use sealift_fuzz::{LIMITS, respelled};

fuzz_target!(|bytes: &[u8]| {
    let Ok(envelope) = Envelope::parse(bytes, &LIMITS) else { return };
    let json = serde_json::json!({
        "payloadType": envelope.payload_type,
        "payload": STANDARD.encode(&envelope.payload),
        "signatures": [{"sig": STANDARD.encode(&envelope.signature)}],
    });
    for again in [json.to_string().into_bytes(), respelled(bytes)] {
        assert_eq!(Envelope::parse(&again, &LIMITS).expect("as accepted"), envelope);
    }
    let (kind, payload) = split(&envelope.signed_bytes()).expect("lengths lead through it");
    assert_eq!((kind, payload), (envelope.payload_type.into_bytes(), envelope.payload));
});

/// `"DSSEv1" SP length SP type SP length SP payload`.
fn split(signed: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (kind, rest) = sized(signed.strip_prefix(b"DSSEv1 ")?)?;
    let (payload, rest) = sized(rest.strip_prefix(b" ")?)?;
    rest.is_empty().then(|| (kind.to_vec(), payload.to_vec()))
}

fn sized(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let blank = bytes.iter().position(|byte| *byte == b' ')?;
    let size: usize = str::from_utf8(&bytes[..blank]).ok()?.parse().ok()?;
    bytes[blank + 1..].split_at_checked(size)
}
