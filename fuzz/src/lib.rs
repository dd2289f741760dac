//! What the targets share: the caps they read by, whom they trust, and two readings of one input
//! that must agree.

use std::fs::File;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use sealift::archive::{Archive, ArchiveWriter, Error, Kept, Leftover, Shape};
use sealift::digest::Digest;
use sealift::limits::Limits;
use sealift::sigstore::TrustRoot;
use serde_json::Value;
use tempfile::TempDir;

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

/// What a small archive holds: blobs that end on a block and inside one.
pub const BLOBS: [&[u8]; 4] = [b"", b"a", &[7; 512], &[8; 700]];
const INDEX: &[u8] = br#"{"schemaVersion":2,"manifests":[]}"#;

/// A folder for one input, in memory where there is such a place.
pub fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("there is room")
}

/// Writes a small archive, over what a run before left, and says what was kept of that.
pub fn write_small_archive(path: &Path, shape: Shape) -> Kept {
    let blobs = BLOBS.map(|blob| (Digest::sha256(blob), blob));
    let promised =
        blobs.map(|(digest, blob)| (digest, u64::try_from(blob.len()).expect("it is small")));
    let mut writer = ArchiveWriter::create_as(path, shape).expect("the folder is ours");
    let kept = writer.begin(INDEX, &promised, &mut |_| {}).expect("there is room");
    for ((digest, mut blob), (_, size)) in blobs.into_iter().zip(promised).skip(kept.blobs) {
        writer.blob(&digest, size, &mut blob).expect("the blob is the one promised");
    }
    writer.finish().expect("there is room");
    kept
}

/// The same undisturbed: the file, or the one volume.
pub fn small_archive(in_volumes: bool) -> Vec<u8> {
    let folder = folder();
    let volume = in_volumes.then(|| "1MiB".parse().expect("it is a size"));
    write_small_archive(&folder.path().join("a"), Shape { volume, leftover: Leftover::Replaced });
    let name = if in_volumes { "a.001" } else { "a" };
    std::fs::read(folder.path().join(name)).expect("it has its name")
}
