//! Policy files of every format: read twice they are the same policies, a refusal names a line of
//! the file, and what is accepted can be asked.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealift::digest::Digest;
use sealift::oci::Reference;
use sealift::policy::{PolicyFile, PolicySet, document};
use sealift::time::UnixTime;
use sealift_fuzz::LIMITS;

fuzz_target!(|bytes: &[u8]| {
    let files = [PolicyFile { name: "policy.yaml", bytes }];
    let now = UnixTime::from_seconds(1_772_366_400).expect("a day of 2026");
    let read = || document::parse(&files, &LIMITS, now);
    let policies = match read() {
        Ok(policies) => policies,
        Err(error) => {
            let lines = bytes.split(|byte| *byte == b'\n').count();
            assert!(error.line.is_none_or(|line| (1..=lines).contains(&line)), "{error}");
            assert_eq!(read().expect_err("as refused").to_string(), error.to_string());
            return;
        }
    };
    assert_eq!(format!("{policies:?}"), format!("{:?}", read().expect("as accepted")));
    let digest = Digest::sha256(b"");
    for policy in &policies {
        assert!(!policy.id.is_empty());
        for written in ["registry.example/team/app:1", "busybox", "[::1]:5000/a"] {
            let name: Reference = written.parse().expect("a reference");
            let _ = policy.images.cover(&name, written, &digest);
        }
    }
    let Ok(set) = PolicySet::new(policies) else { return };
    let _ = set.needs_trusted_root();
    let policies = set.policies().len();
    assert_eq!(set.demanding_inclusion().policies().len(), policies);
});
