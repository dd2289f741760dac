//! gzip and zstd around a tar: a file and a stream give one verdict, and every blob that is not
//! kept is what a second pass decodes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealift_fuzz::opened;

fuzz_target!(|bytes: &[u8]| {
    let Ok(archive) = opened(bytes) else { return };
    for (digest, size) in archive.store().blobs() {
        let mut read = 0;
        let outcome = archive.store().read(&digest, &mut |chunk| {
            read += chunk.len();
            Ok(())
        });
        assert_eq!(outcome, Ok(()), "{digest}");
        assert_eq!(u64::try_from(read), Ok(size), "{digest}");
    }
});
