//! TUF repositories: what is unpacked stays inside and below the cap, and nothing is believed that
//! nobody signed.
#![no_main]

use std::collections::BTreeMap;
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use sealift::time::UnixTime;
use sealift::tuf::{Repository, unpack};
use sealift_fuzz::LIMITS;

fuzz_target!(|bytes: &[u8]| {
    let now = UnixTime::from_seconds(1_800_000_000).expect("a time");
    if let Ok(files) = unpack(bytes, &LIMITS) {
        let size: usize = files.values().map(Vec::len).sum();
        assert!(u64::try_from(size).is_ok_and(|size| size <= LIMITS.tuf_repository_bytes));
        assert!(files.keys().all(|name| name.split('/').all(|part| part != "..")));
        if let Some(root) = files.get("root.json").cloned() {
            let _ = Repository::verify(Arc::new(files), "targets", &root, now, &LIMITS);
        }
    }
    let names = ["2.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json"];
    let files: BTreeMap<_, _> = names.map(|name| (name.to_owned(), bytes.to_vec())).into();
    let believed = Repository::verify(Arc::new(files), "targets", bytes, now, &LIMITS);
    assert!(believed.is_err(), "one file is root and timestamp");
});
