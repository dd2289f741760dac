//! Manifests, indexes, configurations and `oci-layout`: no bytes are two kinds of document, and
//! descriptors, written again, are the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealift::oci::{Config, Descriptor, Document, ImageLayout, MediaType};
use sealift_fuzz::{LIMITS, respelled};

const KINDS: [&str; 4] = [
    MediaType::OCI_INDEX,
    MediaType::OCI_MANIFEST,
    MediaType::DOCKER_MANIFEST_LIST,
    MediaType::DOCKER_MANIFEST,
];

fuzz_target!(|bytes: &[u8]| {
    let (mut is_index, mut is_manifest) = (false, false);
    for kind in KINDS.map(MediaType::from) {
        let Ok(document) = Document::parse(bytes, &kind, &LIMITS) else { continue };
        is_index |= matches!(document, Document::Index(_));
        is_manifest |= matches!(document, Document::Manifest(_));
        for descriptor in document.descriptors().chain(document.subject()) {
            let json = serde_json::to_vec(descriptor).expect("a descriptor is JSON");
            let again: Descriptor = serde_json::from_slice(&json).expect("and read again");
            assert_eq!(again, *descriptor);
        }
        assert_eq!(Document::parse(&respelled(bytes), &kind, &LIMITS), Ok(document));
    }
    assert!(!(is_index && is_manifest), "an index and a manifest in one");
    if let Ok(config) = Config::parse(bytes, &LIMITS) {
        assert_eq!(Config::parse(&respelled(bytes), &LIMITS), Ok(config));
    }
    if let Ok(layout) = ImageLayout::parse(bytes, &LIMITS) {
        assert_eq!(ImageLayout::parse(&respelled(bytes), &LIMITS), Ok(layout));
    }
});
