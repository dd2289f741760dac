//! Trusted roots: another writer's spelling trusts the same, and every log is found by its id.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealift::digest::Digest;
use sealift::sigstore::TrustRoot;
use sealift_fuzz::{LIMITS, respelled};

fuzz_target!(|bytes: &[u8]| {
    let Ok(root) = TrustRoot::parse(bytes, &LIMITS) else { return };
    assert_eq!(*root.digest(), Digest::sha256(bytes));
    let again = TrustRoot::parse(&respelled(bytes), &LIMITS).expect("as accepted");
    assert_eq!(again.authorities(), root.authorities());
    assert_eq!(again.logs(), root.logs());
    assert_eq!(again.ct_logs(), root.ct_logs());
    assert_eq!(again.timestamp_authorities(), root.timestamp_authorities());
    assert_eq!(again.unusable(), root.unusable());
    for log in root.logs() {
        assert!(log.id_fits());
        assert_eq!(root.log(&log.id), Some(log));
    }
    for log in root.ct_logs() {
        assert!(log.id_fits());
        assert_eq!(root.ct_log(&log.id), Some(log));
    }
});
