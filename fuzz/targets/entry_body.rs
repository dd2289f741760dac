//! Bodies of log entries, of every kind: another writer's spelling says the same, hashes have the
//! length of their function, and a key is a key.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealift::crypto::PublicKey;
use sealift::tlog::entry::{Body, Logged, Verifier};
use sealift_fuzz::{LIMITS, respelled};

fuzz_target!(|bytes: &[u8]| {
    let Ok(body) = Body::parse(bytes, &LIMITS) else { return };
    assert_eq!(Body::parse(&respelled(bytes), &LIMITS).expect("as accepted"), body);
    let value: serde_json::Value = serde_json::from_slice(bytes).expect("it was read as JSON");
    let (kind, version) = body.kind.name();
    assert_eq!((&value["kind"], &value["apiVersion"]), (&kind.into(), &version.into()));
    if let Logged::Message { hash, value, .. } = &body.content {
        assert_eq!(value.len(), hash.length());
    }
    if let Verifier::Key(spki) = &body.verifier {
        let key = PublicKey::from_spki(spki).expect("it was read as a key");
        assert_eq!(key.spki(), spki);
    }
});
