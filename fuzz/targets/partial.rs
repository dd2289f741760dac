//! What a broken run left of an archive: whatever it is, the archive is what an undisturbed run writes,
//! and as much is kept as begins alike.
#![no_main]

use std::fs;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sealift::archive::{Leftover, Shape};
use sealift_fuzz::{BLOBS, folder, small_archive, write_small_archive};

/// The bytes before the tar in a volume.
const HEADER: usize = 512;
static WHOLE: LazyLock<[Vec<u8>; 2]> = LazyLock::new(|| [false, true].map(small_archive));

fuzz_target!(|bytes: &[u8]| {
    let Some((first, left)) = bytes.split_first() else { return };
    let in_volumes = first % 2 == 1;
    let whole = &WHOLE[usize::from(in_volumes)];
    let (name, begins) = if in_volumes { ("a.001", HEADER) } else { ("a", 0) };
    let folder = folder();
    fs::write(folder.path().join(format!(".{name}.partial")), left).expect("there is room");
    let volume = in_volumes.then(|| "1MiB".parse().expect("it is a size"));
    let shape = Shape { volume, leftover: Leftover::Resumed };
    let kept = write_small_archive(&folder.path().join("a"), shape);
    let written = fs::read(folder.path().join(name)).expect("it has its name");
    assert!(written == *whole, "another archive was written");
    let names = fs::read_dir(folder.path()).expect("the folder is there").count();
    assert_eq!(names, 1, "something else is left");

    let (left, whole) = (left.get(begins..).unwrap_or_default(), &whole[begins..]);
    let alike = left.iter().zip(whole).take_while(|(left, right)| left == right).count();
    // `oci-layout` and `index.json`, each a header and a block; then a header and blocks for a blob.
    let mut end = 4 * 512;
    let ends = BLOBS.iter().map(|blob| {
        end += 512 + blob.len().next_multiple_of(512);
        end
    });
    let expected = ends.take_while(|end| *end <= alike).count();
    assert_eq!(kept.blobs, expected);
});
