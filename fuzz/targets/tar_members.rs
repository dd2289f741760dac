//! Headers and extensions of a tar: a file and a stream give one verdict, and what is accepted
//! holds for another reader of tars the same members, each once and inside the file.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use sealift::archive::MemberPath;
use sealift_fuzz::opened;

fuzz_target!(|bytes: &[u8]| {
    let mut tars = vec![bytes.to_vec(), with_checksums(bytes)];
    tars.dedup();
    for tar in tars {
        let Ok(archive) = opened(&tar) else { continue };
        if tar.starts_with(&[0x1f, 0x8b]) || tar.starts_with(&[0x28, 0xb5]) {
            continue;
        }
        let blobs: BTreeMap<_, _> = archive.store().blobs().into_iter().collect();
        let seen = members(&tar).into_iter().filter_map(|(path, size)| match path {
            MemberPath::Blob(digest) => Some((digest, size)),
            _ => None,
        });
        assert_eq!(seen.collect::<BTreeMap<_, _>>(), blobs);
    }
});

/// The members as the `tar` crate reads them.
fn members(tar: &[u8]) -> BTreeMap<MemberPath, u64> {
    let mut members = BTreeMap::new();
    for entry in tar::Archive::new(tar).entries().expect("the tar is read from its front") {
        let entry = entry.expect("every member can be read");
        let end = entry.raw_file_position() + entry.size();
        assert!(usize::try_from(end).is_ok_and(|end| end <= tar.len()), "a member ends at {end}");
        let path = MemberPath::parse(&entry.path_bytes()).expect("every name is a layout's");
        let twice = members.insert(path, entry.size());
        assert_eq!(twice, None, "a member stands twice");
    }
    members
}

/// Sets the checksum of whatever looks like a header, which a mutation would hardly ever hit.
fn with_checksums(bytes: &[u8]) -> Vec<u8> {
    let mut tar = bytes.to_vec();
    for block in tar.as_chunks_mut::<512>().0 {
        if block[257..262] == *b"ustar" {
            block[148..156].fill(b' ');
            let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
            block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        }
    }
    tar
}
