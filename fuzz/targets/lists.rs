//! Lists of images, locks, exceptions, receipts and lists of deltas: read twice they say the same, a
//! line is one of the text, what an image is called leads to it again, and a digest stands once.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealift::inventory::delta::{self, Delta};
use sealift::transfer::{Exceptions, List, Location, Lock, Receipt};
use sealift_fuzz::LIMITS;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(lock) = Lock::parse(bytes, &LIMITS) {
        let spelled = lock.to_bytes();
        assert_eq!(Lock::parse(&spelled, &LIMITS).expect("it writes what it reads"), lock);
    }
    if let Ok(receipt) = Receipt::parse(bytes, &LIMITS) {
        let again = Receipt::parse(&receipt.to_bytes(), &LIMITS).expect("it writes what it reads");
        assert_eq!(again, receipt);
        assert_eq!(receipt.contents().len(), receipt.blobs.len());
    }
    if let Ok(list) = Delta::parse(bytes, &LIMITS) {
        let again = Delta::parse(&list.to_bytes(), &LIMITS).expect("it writes what it reads");
        assert_eq!(again, list);
        assert_eq!(list.blobs().len(), list.omitted.len());
        assert_eq!(delta::contents(&again.blobs()), delta::contents(&list.blobs()));
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let lines = text.split('\n').count();
    if let Ok(exceptions) = Exceptions::parse(text) {
        assert!(exceptions.unused().count() <= lines.max(text.len()));
    }
    let Ok(list) = List::parse(text, &LIMITS) else { return };
    assert_eq!(List::parse(text, &LIMITS).expect("as accepted"), list);
    for entry in &list.entries {
        assert!((1..=lines).contains(&entry.line), "{entry:?}");
        if let Location::Registry(reference) = &entry.location {
            let again: Location =
                format!("docker://{reference}").parse().expect("it is a location");
            assert_eq!(again, entry.location);
        }
    }
    for tags in &list.tags {
        assert!((1..=lines).contains(&tags.line), "{tags}");
        let found = tags.among(vec!["v1".to_owned(), "1.10".to_owned()]).expect("they are tags");
        for image in &found.images {
            assert_eq!(image.registry(), tags.repository.registry());
            assert_eq!(image.repository(), tags.repository.repository());
        }
        assert_eq!(found.evidence, 0);
    }
    for left in &list.left_over {
        assert!((1..=lines).contains(&left.line), "{left}");
    }
});
