//! References and digests: what is accepted, written again, is the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealift::digest::Digest;
use sealift::oci::Reference;

fuzz_target!(|text: &str| {
    if let Ok(digest) = text.parse::<Digest>() {
        assert_eq!(digest.to_string(), text, "a digest has one spelling");
    }
    let Ok(reference) = text.parse::<Reference>() else { return };
    assert_eq!(reference.to_string().parse(), Ok(reference.clone()));
    if let Some(digest) = reference.digest() {
        assert!(text.ends_with(&digest.to_string()), "{text:?} has another digest");
    }
    let moved = reference.at("mirror.example:5000", &format!("a/b/{}", reference.repository()));
    if let Ok(moved) = moved {
        assert_eq!(moved.to_string().parse(), Ok(moved.clone()));
        assert_eq!((moved.tag(), moved.digest()), (reference.tag(), reference.digest()));
    }
});
