//! Simple-signing payloads: another writer's spelling names the same image.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealift::sigstore::SimpleSigning;
use sealift_fuzz::{LIMITS, respelled};

fuzz_target!(|bytes: &[u8]| {
    let Ok(payload) = SimpleSigning::parse(bytes, &LIMITS) else { return };
    let again = SimpleSigning::parse(&respelled(bytes), &LIMITS).expect("as accepted");
    assert_eq!(again.digest, payload.digest);
    assert_eq!(again.docker_reference, payload.docker_reference);
    assert!(again.optional.keys().eq(payload.optional.keys()));
    let text = String::from_utf8_lossy(bytes);
    // The digest may be spelled with escapes; its own characters need none.
    assert!(text.contains(&payload.digest.hex()) || text.contains("\\u"));
});
