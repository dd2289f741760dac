//! Headers of volumes: two files that are a set are so in any order, and hold what one tar of their
//! payloads holds.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealift::archive::Archive;
use sealift::digest::Digest;
use sealift_fuzz::{LIMITS, in_file, opened};

/// The bytes of a header.
const HEADER: usize = 512;

fuzz_target!(|bytes: &[u8]| {
    let Some((length, rest)) = bytes.split_first_chunk() else { return };
    let first = usize::from(u16::from_be_bytes(*length));
    let Some((first, second)) = rest.split_at_checked(first) else { return };
    let mut sets =
        vec![[first.to_vec(), second.to_vec()], named([first.to_vec(), second.to_vec()])];
    sets.dedup();
    for [first, second] in sets {
        let paths = [in_file(1, &first), in_file(2, &second)];
        let forth = Archive::open_files(&paths, &LIMITS);
        let back = Archive::open_files(&[&paths[1], &paths[0]], &LIMITS);
        assert_eq!(forth.is_ok(), back.is_ok(), "{forth:?} {back:?}");
        let (Ok(forth), Ok(back)) = (forth, back) else { continue };
        assert_eq!(forth.store().blobs(), back.store().blobs());
        let starts_at_zero =
            |volume: &[u8]| volume[..HEADER].windows(8).any(|it| it == b" from 0\n");
        let (one, two) = if starts_at_zero(&first) { (&first, &second) } else { (&second, &first) };
        let joined = opened(&[&one[HEADER..], &two[HEADER..]].concat()).expect("the set is a tar");
        assert_eq!(forth.store().blobs(), joined.store().blobs());
        assert_eq!(forth.index_digest(), joined.index_digest());
    }
});

/// Gives both headers the name of the set that their other lines make, which a mutation never hits.
fn named(volumes: [Vec<u8>; 2]) -> [Vec<u8>; 2] {
    const BEGIN: &[u8] = b"sealift volume 1\nset ";
    /// `sha256:`, 64 digits, a line feed.
    const NAME: usize = 72;
    let lines = volumes.each_ref().map(|volume| {
        let said = volume.get(BEGIN.len() + NAME..HEADER).unwrap_or_default();
        said.split(|byte| *byte == 0).next().unwrap_or_default().to_vec()
    });
    let name = Digest::sha256(&lines.concat()).to_string();
    volumes.map(|mut volume| {
        if let Some(said) = volume.get_mut(BEGIN.len()..BEGIN.len() + NAME - 1) {
            said.copy_from_slice(name.as_bytes());
        }
        volume
    })
}
