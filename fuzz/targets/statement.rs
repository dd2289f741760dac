//! in-toto statements: another writer's spelling is about the same subjects.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealift::sigstore::Statement;
use sealift_fuzz::{LIMITS, respelled};

fuzz_target!(|bytes: &[u8]| {
    let Ok(statement) = Statement::parse(bytes, &LIMITS) else { return };
    let again = Statement::parse(&respelled(bytes), &LIMITS).expect("as accepted");
    assert_eq!(again.predicate_type, statement.predicate_type);
    assert_eq!(again.subjects.len(), statement.subjects.len());
    for (subject, again) in statement.subjects.iter().zip(&again.subjects) {
        assert!(subject.digests.len() <= LIMITS.subject_digests);
        assert_eq!(subject.digests, again.digests);
        // Numbers with a fraction may differ in their last bit; nothing is decided by them.
        assert!(subject.annotations.keys().eq(again.annotations.keys()));
        for digest in &subject.digests {
            assert_eq!(digest.bytes().len(), digest.hash().length());
            let first = statement.about(digest).expect("it stands there");
            assert!(first.digests.contains(digest));
        }
    }
});
