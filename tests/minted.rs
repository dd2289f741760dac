//! The committed `testdata` is what the virtual Sigstore mints, byte for byte.

#![allow(clippy::disallowed_methods, reason = "a test reads files and its environment")]
#![allow(clippy::indexing_slicing, reason = "the names were compared before")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use support::bench::Bench;
use support::{accepted, demo, negative};

/// With `SEALIFT_MINT=write` the files are written first; see `scripts/mint-testdata`.
#[test]
fn testdata_is_minted() {
    let minted = minted();
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    if std::env::var("SEALIFT_MINT").is_ok_and(|mode| mode == "write") {
        write(&home, &minted);
    }
    let committed = read(&home);
    let names = |files: &Files| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&committed), names(&minted), "run scripts/mint-testdata");
    for (name, bytes) in &minted {
        assert!(committed[name] == *bytes, "testdata/{name} differs: run scripts/mint-testdata");
    }
}

/// A layout reads the same from a directory and from a tar.
#[test]
fn layout_is_written_both_ways() {
    let bench = Bench::new();
    let layout = bench.layout();
    let home = tempfile::tempdir().expect("a temporary directory can be made");
    layout.write(home.path()).expect("the directory is writable");
    let mut archive = tar::Archive::new(std::io::Cursor::new(layout.tar()));
    let mut members = 0;
    for member in archive.entries().expect("the archive is a tar") {
        let mut member = member.expect("the member is whole");
        let path = member.path().expect("the name is UTF-8").into_owned();
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut member, &mut bytes).expect("the member is whole");
        assert_eq!(fs::read(home.path().join(&path)).expect("the file is there"), bytes);
        members += 1;
    }
    assert_eq!(members, layout.members().len());
}

/// Files by their path below `testdata`.
type Files = BTreeMap<String, Vec<u8>>;

/// The directories that are ours alone; what else lies in `testdata` is not minted.
const MINTED: [&str; 3] = ["accepted", "demo", "negative"];

fn minted() -> Files {
    let bench = Bench::new();
    let mut files = Files::new();
    for (directory, contents) in [
        ("accepted", accepted::files(&bench)),
        ("demo", demo::files()),
        ("negative", negative::files(&bench)),
    ] {
        for (name, bytes) in contents {
            let name = format!("{directory}/{name}");
            assert!(files.insert(name.clone(), bytes).is_none(), "{name} is minted twice");
        }
    }
    files
}

fn read(home: &Path) -> Files {
    let mut files = Files::new();
    let mut pending: Vec<PathBuf> = MINTED.iter().map(|name| home.join(name)).collect();
    while let Some(directory) = pending.pop() {
        let Ok(entries) = fs::read_dir(&directory) else { continue };
        for entry in entries {
            let path = entry.expect("the directory is readable").path();
            if path.is_dir() {
                pending.push(path);
            } else {
                let name = path.strip_prefix(home).expect("the file lies in testdata");
                let bytes = fs::read(&path).expect("the file is readable");
                files.insert(name.to_string_lossy().into_owned(), bytes);
            }
        }
    }
    files
}

fn write(home: &Path, files: &Files) {
    for name in MINTED {
        let directory = home.join(name);
        if directory.exists() {
            fs::remove_dir_all(directory).expect("the old files can be removed");
        }
    }
    for (name, bytes) in files {
        let path = home.join(name);
        fs::create_dir_all(path.parent().expect("a file lies in a directory"))
            .expect("testdata is writable");
        fs::write(path, bytes).expect("testdata is writable");
    }
}
