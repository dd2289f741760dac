//! cosign's annotations, given as the JSON object of a descriptor.
#![no_main]

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use libfuzzer_sys::fuzz_target;
use sealift::sigstore::cosign::{Annotations, is_signed_by};
use sealift_fuzz::LIMITS;

fuzz_target!(|bytes: &[u8]| {
    let Ok(given) = serde_json::from_slice::<BTreeMap<String, String>>(bytes) else { return };
    let Ok(annotations) = Annotations::parse(&given, &LIMITS) else { return };
    assert!(is_signed_by(&given, &STANDARD.encode(&annotations.signature)));
    if let Some(entry) = &annotations.entry {
        assert_eq!(STANDARD.decode(&entry.body_base64).as_ref(), Ok(&entry.body));
        assert!(entry.promise.is_some() && entry.proof.is_none());
        assert!(entry.integrated_time.is_some_and(|time| time >= 0));
    }
});
