//! Public keys, in PEM or as Sigstore's message: a key is read again the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealift::crypto::PublicKey;
use sealift::sigstore::ManagedKey;
use sealift_fuzz::LIMITS;

fuzz_target!(|text: &str| {
    let Ok(key) = ManagedKey::parse(text, &LIMITS) else { return };
    assert_eq!(ManagedKey::parse(text, &LIMITS).expect("as accepted"), key);
    let again = PublicKey::from_spki(key.key.spki()).expect("it was read as a key");
    assert_eq!(again.id(), key.key.id());
    if let Some(window) = key.window {
        assert!(window.contains(window.start()));
    }
});
