//! Sigstore bundles: another writer's spelling is the same bundle, and every version holds what it
//! demands.
#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use libfuzzer_sys::fuzz_target;
use sealift::sigstore::Bundle;
use sealift::sigstore::bundle::Version;
use sealift_fuzz::{LIMITS, respelled};

fuzz_target!(|bytes: &[u8]| {
    let Ok(bundle) = Bundle::parse(bytes, &LIMITS) else { return };
    assert_eq!(Bundle::parse(&respelled(bytes), &LIMITS).expect("as accepted"), bundle);
    assert!(bundle.entries.len() <= LIMITS.tlog_entries);
    assert!(bundle.timestamps.len() <= LIMITS.timestamps);
    for entry in &bundle.entries {
        assert_eq!(STANDARD.decode(&entry.body_base64).as_ref(), Ok(&entry.body));
        assert!(entry.integrated_time.is_none_or(|time| time > 0));
        match bundle.version {
            Version::V0_1 => assert!(entry.promise.is_some()),
            Version::V0_2 | Version::V0_3 => assert!(entry.proof.is_some()),
        }
    }
});
