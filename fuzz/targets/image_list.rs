//! What says which images to export and how: lists of every form, locks, exceptions.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealift::transfer::{Exceptions, List, Location, Lock};
use sealift_fuzz::LIMITS;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(lock) = Lock::parse(bytes, &LIMITS) {
        assert_eq!(Lock::parse(&lock.to_bytes(), &LIMITS).ok(), Some(lock));
    }
    let Ok(text) = str::from_utf8(bytes) else { return };
    let lines = text.split(['\n', '\r']).count();
    if let Ok(list) = List::parse(text, &LIMITS) {
        let at = list.entries.iter().map(|entry| entry.line);
        for line in at.chain(list.left_over.iter().map(|left| left.line)) {
            assert!((1..=lines).contains(&line), "line {line} of {lines}");
        }
        for entry in &list.entries {
            if let Location::Registry(reference) = &entry.location {
                assert_eq!(reference.to_string().parse(), Ok(entry.location.clone()));
            }
        }
    }
    if let Ok(exceptions) = Exceptions::parse(text) {
        assert!(exceptions.unused().count() <= lines, "each takes a line");
    }
});
