//! What the targets share: the caps they read by, whom they trust, and two readings of one input
//! that must agree.

use std::fs::File;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::LazyLock;

use sealift::archive::{Archive, Error};
use sealift::limits::Limits;
use sealift::sigstore::TrustRoot;
use serde_json::Value;

/// The caps of the command line; those on work are lower, so that an input that meets one does not
/// take the time of a thousand others.
pub static LIMITS: LazyLock<Limits> = LazyLock::new(|| Limits {
    decompressed_bytes: 4 << 20,
    zstd_window_bytes: 8 << 20,
    ..Limits::default()
});

/// The root that the seeds of `testdata` are signed under.
pub static TRUST: LazyLock<TrustRoot> = LazyLock::new(|| {
    TrustRoot::parse(include_bytes!("../../testdata/demo/trusted_root.json"), &LIMITS)
        .expect("the root of the demo is sound")
});

/// The same JSON in the spelling of another writer: keys sorted, escapes undone, no blanks.
pub fn respelled(json: &[u8]) -> Vec<u8> {
    let value: Value = serde_json::from_slice(json).expect("what is accepted is JSON");
    serde_json::to_vec(&value).expect("a value has texts as keys")
}

/// Files for one input after the other, in memory where there is such a place.
static FILES: LazyLock<[File; 3]> = LazyLock::new(|| {
    let file = || tempfile::tempfile_in("/dev/shm").or_else(|_| tempfile::tempfile());
    [(); 3].map(|()| file().expect("there is room"))
});

/// A path to the bytes, until others are put into the same file; there are three.
pub fn in_file(number: usize, bytes: &[u8]) -> PathBuf {
    let file = &FILES[number];
    file.set_len(0)
        .and_then(|()| file.write_all_at(bytes, 0))
        .expect("there is room for the input");
    format!("/proc/self/fd/{}", file.as_raw_fd()).into()
}

fn is_packed(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b]) || bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd])
}

/// Opens an archive as a file and as a stream. Two readers must never see two archives, so both
/// accept the same members or refuse for the same reason.
pub fn opened(bytes: &[u8]) -> Result<Archive, Error> {
    let file = Archive::open(&in_file(0, bytes), &LIMITS);
    let stream = Archive::from_stream(bytes, &LIMITS);
    // Volumes are read as files alone.
    if bytes.starts_with(b"sealift volume ") {
        assert!(stream.is_err(), "a volume is a stream");
        return file;
    }
    match (&file, &stream) {
        (Ok(file), Ok(stream)) => {
            assert_eq!(file.index_digest(), stream.index_digest());
            assert_eq!(file.store().blobs(), stream.store().blobs());
            assert_eq!(file.ignored(), stream.ignored());
        }
        // How far a broken compression is read before it is told depends on the reader's buffers.
        (Err(_), Err(_)) if is_packed(bytes) => {}
        (Err(file), Err(stream)) => assert_eq!(file, stream),
        _ => panic!("the file is {file:?}, the stream {stream:?}"),
    }
    file
}
