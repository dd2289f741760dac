//! Policy files: read twice they are the same policies, a refusal names a line of the file, and
//! what is accepted can be asked.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealift::digest::Digest;
use sealift::policy::{PolicySet, cluster_image_policy};
use sealift_fuzz::LIMITS;

fuzz_target!(|bytes: &[u8]| {
    let read = || cluster_image_policy::parse(bytes, "policy.yaml", &LIMITS);
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
        for name in ["registry.example/team/app:1", "busybox", "[::1]:5000/a@sha256"] {
            if let Ok(name) = name.parse() {
                let _ = policy.images.cover(&name, &digest);
            }
        }
    }
    let Ok(set) = PolicySet::new(policies) else { return };
    let _ = set.needs_trusted_root();
    assert_eq!(set.keys(), set.clone().demanding_inclusion().keys());
});
