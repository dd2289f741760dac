//! Names of archive members: what is accepted stays inside, means what it says, and has one spelling.
#![no_main]

use std::path::{Component, Path};

use libfuzzer_sys::fuzz_target;
use sealift::archive::MemberPath;

fuzz_target!(|name: &[u8]| {
    let Ok(path) = MemberPath::parse(name) else { return };
    let spelled = match &path {
        MemberPath::Layout => "oci-layout".to_owned(),
        MemberPath::Index => "index.json".to_owned(),
        MemberPath::Blob(digest) => format!("blobs/{}/{}", digest.algorithm(), digest.hex()),
        MemberPath::Directory(name) | MemberPath::Foreign(name) => name.clone(),
    };
    assert_eq!(MemberPath::parse(spelled.as_bytes()), Ok(path));
    let name = str::from_utf8(name).expect("an accepted name is text");
    assert!(steps(name).all(|step| matches!(step, Component::Normal(_))), "{name:?} leads outside");
    assert!(steps(name).eq(steps(&spelled)), "{name:?} is not {spelled:?}");
});

fn steps(name: &str) -> impl Iterator<Item = Component<'_>> {
    Path::new(name).components().filter(|step| *step != Component::CurDir)
}
