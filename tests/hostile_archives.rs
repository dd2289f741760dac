//! What an attacker can put into an archive: every case ends in one exact error, in every form.

#![expect(
    clippy::as_conversions,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests count small things and stop at what is wrong"
)]

mod layouts;

use std::os::unix::fs::symlink;
use std::path::Path;

use layouts::{LAYOUT, Layout, Tar, blob_name, gzip, header, record, with, zstd};
use sealift::archive::{
    Archive, BadPath, BlobError, EntryType, Error, HeaderFault, Member, PaxFault,
};
use sealift::digest::{self, Algorithm, Digest};
use sealift::limits::Limits;
use sealift::oci::{self, MediaType};
use sealift::{inventory, json};

fn empty() -> String {
    blob_name(&Digest::sha256(b""))
}

fn at(name: impl AsRef<[u8]>, offset: u64) -> Member {
    Member::at(name.as_ref(), offset)
}

fn opened(bytes: &[u8], limits: &Limits) -> Result<Archive, Error> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    Archive::open(file.path(), limits)
}

/// Opens `bytes` as a file, as a stream, and packed; all must agree.
fn outcome(bytes: &[u8], limits: &Limits) -> Result<Archive, Error> {
    let file = opened(bytes, limits);
    for other in [
        Archive::from_stream(bytes, limits),
        Archive::from_stream(&*gzip(bytes), limits),
        opened(&gzip(bytes), limits),
        Archive::from_stream(&*zstd(bytes), limits),
    ] {
        match (&file, &other) {
            (Ok(file), Ok(other)) => {
                assert_eq!(file.index_digest(), other.index_digest());
                assert_eq!(file.store().blobs(), other.store().blobs());
            }
            (Err(file), Err(other)) => assert_eq!(file, other),
            _ => panic!("a file gives {file:?}, another form {other:?}"),
        }
    }
    file
}

fn refused(case: &str, bytes: &[u8], expected: &Error, code: &str) {
    let found = outcome(bytes, &Limits::default()).expect_err(case);
    assert_eq!(&found, expected, "{case}");
    assert_eq!(found.code(), code, "{case}");
}

#[test]
fn names() {
    let empty = empty();
    let dotted = format!("./{empty}");
    let cases: [(&str, Vec<u8>, Error, &str); 17] = [
        (
            "1: index.json twice",
            Tar::sound().member("index.json", b"{}").end(),
            Error::DuplicatePath { member: at("index.json", 2048), first: 1024 },
            "duplicate-path",
        ),
        (
            "2: a blob twice",
            Tar::sound().member(&empty, b"").member(&empty, b"").end(),
            Error::DuplicatePath { member: at(&empty, 2560), first: 2048 },
            "duplicate-path",
        ),
        (
            "3: one name in two spellings",
            Tar::sound().member("./index.json", b"{}").end(),
            Error::DuplicatePath { member: at("./index.json", 2048), first: 1024 },
            "duplicate-path",
        ),
        (
            "3: one blob in two spellings",
            Tar::sound().member(&empty, b"").member(&dotted, b"").end(),
            Error::DuplicatePath { member: at(&dotted, 2560), first: 2048 },
            "duplicate-path",
        ),
        bad_path("4: empty segments", b".//blobs//sha256/x", BadPath::EmptySegment),
        bad_path("4: a dot inside", b"blobs/./x", BadPath::Dot),
        bad_path("5: the parent", b"../index.json", BadPath::Parent),
        bad_path("5: the parent, inside", b"blobs/sha256/../../x", BadPath::Parent),
        bad_path("6: absolute", b"/index.json", BadPath::Absolute),
        bad_path("7: backslashes", b"blobs\\sha256\\x", BadPath::Backslash),
        bad_path("7: a drive", b"C:\\x", BadPath::Backslash),
        bad_path("17: not UTF-8", b"blobs/\xff", BadPath::NotUtf8),
        bad_path("31: another case", b"Index.json", BadPath::CaseVariant),
        bad_path("31: decomposed", "inde\u{301}x.json".as_bytes(), BadPath::Outside),
        bad_path("33: outside the layout", b"etc/passwd", BadPath::Outside),
        bad_path(
            "46: a blob of another algorithm",
            b"blobs/md5/d41d8cd98f00b204e9800998ecf8427e",
            BadPath::Outside,
        ),
        bad_path(
            "46: a blob by no digest",
            b"blobs/sha256/x",
            BadPath::Blob { cause: digest::Invalid::WrongLength { expected: 64, found: 1 } },
        ),
    ];
    for (case, bytes, expected, code) in cases {
        refused(case, &bytes, &expected, code);
    }
}

fn bad_path(
    title: &'static str,
    name: &[u8],
    cause: BadPath,
) -> (&'static str, Vec<u8>, Error, &'static str) {
    let code = if cause == BadPath::Outside { "unexpected-path" } else { "bad-path" };
    let member = at(name, 2048);
    (title, Tar::sound().member(name, b"x").end(), Error::BadPath { member, cause }, code)
}

#[test]
fn types() {
    let cases = [
        ("8: a symbolic link", b'2', EntryType::SymbolicLink),
        ("10: a hard link", b'1', EntryType::HardLink),
        ("11: a character device", b'3', EntryType::CharacterDevice),
        ("11: a block device", b'4', EntryType::BlockDevice),
        ("11: a pipe", b'6', EntryType::Pipe),
        ("19: a sparse file", b'S', EntryType::Sparse),
        ("a contiguous file", b'7', EntryType::Other(b'7')),
        ("a volume label", b'V', EntryType::Other(b'V')),
    ];
    for (case, flag, found) in cases {
        let block = with(header(empty(), 0, flag), 157, b"/etc/passwd");
        let expected = Error::BadEntryType { member: at(empty(), 2048), found };
        refused(case, &Tar::sound().entry(&block, b"").end(), &expected, "bad-entry-type");
    }
    let link = with(header("blobs", 0, b'2'), 157, b"/");
    refused(
        "9: a directory that is a link",
        &Tar::sound().entry(&link, b"").member("blobs/x", b"").end(),
        &Error::BadEntryType { member: at("blobs", 2048), found: EntryType::SymbolicLink },
        "bad-entry-type",
    );
    refused(
        "a directory in a blob's place",
        &Tar::sound().entry(&header(empty(), 0, b'5'), b"").end(),
        &Error::BadEntryType { member: at(empty(), 2048), found: EntryType::Directory },
        "bad-entry-type",
    );
    refused(
        "a file in a directory's place",
        &Tar::sound().member("blobs/sha256", b"").end(),
        &Error::BadEntryType { member: at("blobs/sha256", 2048), found: EntryType::File },
        "bad-entry-type",
    );
    refused(
        "a directory with content",
        &Tar::sound().entry(&header("blobs/", 512, b'5'), &[0; 512]).end(),
        &Error::BadHeader { member: at("blobs/", 2048), fault: HeaderFault::DirectoryWithContent },
        "bad-header",
    );
}

#[test]
fn extensions() {
    let name = empty();
    let stray = Error::StrayExtension { offset: 2048 };
    let size = |size: &str| record("size", size.as_bytes());
    let conflict = |extended| Error::SizeConflict { member: at(&name, 3072), header: 3, extended };
    let unsupported = |key: &str| Error::UnsupportedPax { offset: 2048, key: key.to_owned() };
    let path = |cause, name: &[u8]| Error::BadPath { member: at(name, 3072), cause };
    let pax = |records: &[u8]| Tar::sound().pax(records).member(&name, b"abc").end();
    let cases = [
        ("12: a larger size", pax(&size("1024")), conflict(1024)),
        ("12: a smaller size", pax(&size("0")), conflict(0)),
        (
            "12: a size the header could hold",
            Tar::sound().pax(&size("512")).member(&name, b"").end(),
            Error::SizeConflict { member: at(&name, 3072), header: 0, extended: 512 },
        ),
        (
            "13: x, L, file",
            Tar::sound().pax(&size("3")).long_name(name.as_bytes()).member(&name, b"abc").end(),
            stray,
        ),
        (
            "13: L, x, file",
            Tar::sound().long_name(name.as_bytes()).pax(&size("3")).member(&name, b"abc").end(),
            Error::StrayExtension { offset: 2048 },
        ),
        (
            "14: x, x",
            Tar::sound().pax(&size("3")).pax(&size("3")).member(&name, b"abc").end(),
            Error::StrayExtension { offset: 2048 },
        ),
        (
            "14: L, L",
            Tar::sound().long_name(b"blobs").long_name(b"blobs").member(&name, b"").end(),
            Error::StrayExtension { offset: 2048 },
        ),
        (
            "14: x at the end",
            Tar::sound().pax(&size("3")).end(),
            Error::StrayExtension { offset: 2048 },
        ),
        (
            "14: x at the very end",
            Tar::sound().pax(&size("3")).0,
            Error::StrayExtension { offset: 2048 },
        ),
        (
            "16: a global extension",
            Tar::sound().entry(&header("g", 9, b'g'), b"9 path=x\n").end(),
            Error::GlobalPax { offset: 2048 },
        ),
        (
            "17: a path with a zero",
            pax(&record("path", b"index.json\0x")),
            path(BadPath::Nul, b"index.json\0x"),
        ),
        ("17: a path not UTF-8", pax(&record("path", b"\xff")), path(BadPath::NotUtf8, b"\xff")),
        ("17: a path that leaves", pax(&record("path", b"../x")), path(BadPath::Parent, b"../x")),
        ("19: sparse", pax(&record("GNU.sparse.major", b"1")), unsupported("GNU.sparse.major")),
        ("a link", pax(&record("linkpath", b"/etc/passwd")), unsupported("linkpath")),
        ("an escape", pax(&record("\u{1b}[2J", b"")), unsupported("\\u{1b}[2J")),
        (
            "18: a name of a GiB",
            Tar::sound().entry(&header("././@LongLink", 1 << 30, b'L'), b"").end(),
            Error::Limit { what: "bytes of an extension", limit: 8192 },
        ),
        (
            "30: a name of 64 KiB",
            Tar::sound().long_name(&vec![b'a'; 64 << 10]).member(&name, b"").end(),
            Error::Limit { what: "bytes of an extension", limit: 8192 },
        ),
        (
            "a long link",
            Tar::sound().entry(&header("././@LongLink", 2, b'K'), b"x\0").member(&name, b"").end(),
            Error::BadEntryType {
                member: at("././@LongLink", 2048),
                found: EntryType::Other(b'K'),
            },
        ),
    ];
    for (case, bytes, expected) in cases {
        refused(case, &bytes, &expected, expected.code());
    }
}

/// Case 15.
#[test]
fn pax_records() {
    use PaxFault::{Key, Length, NoEquals, NoLineFeed, Path, Size, Twice};
    let twice = [record("size", b"3"), record("size", b"3")].concat();
    let cases: [(&[u8], PaxFault); 21] = [
        (b"0 path=x\n", Length),
        (b"3 path=x\n", NoLineFeed),
        (b"2 path=x\n", NoLineFeed),
        (b"99 path=x\n", Length),
        (b"-9 path=x\n", Length),
        (b"+10 path=x\n", Length),
        (b"010 path=x\n", Length),
        (b" 9 path=x\n", Length),
        (b"99999999999999999999 path=x\n", Length),
        (b"path=x\n", Length),
        (b"\n", Length),
        (b"7 path\n", NoEquals),
        (b"9 path=xy", NoLineFeed),
        (b"8 path=\n", Path),
        (b"6 \xff=x\n", Key),
        (b"9 size=x\n", Size),
        (b"11 size=-1\n", Size),
        (b"11 size=03\n", Size),
        (b"8 size=\n", Size),
        (b"28 size=9223372036854775808\n", Size),
        (&twice, Twice),
    ];
    for (records, fault) in cases {
        let bytes = Tar::sound().pax(records).member(empty(), b"").end();
        let case = records.escape_ascii().to_string();
        refused(&case, &bytes, &Error::MalformedPax { offset: 2048, fault }, "malformed-pax");
    }
}

#[test]
fn headers() {
    use HeaderFault::{Checksum, Magic, NotANumber, OutOfRange};
    let block = header(empty(), 0, b'0');
    let mut summed_wrong = block;
    summed_wrong[0] = b'c';
    let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
    let blanks: u64 = block[148..156].iter().map(|byte| u64::from(*byte)).sum();
    let promised = sum - blanks + 8 * 32;
    let field = "size";
    let cases = [
        ("20: a wrong checksum", summed_wrong, Checksum { promised, found: promised + 1 }),
        ("21: negative", with(block, 124, &[0xff; 12]), OutOfRange { field }),
        ("21: 2^63", with(block, 124, b"\x80\0\0\0\x80\0\0\0\0\0\0\0"), OutOfRange { field }),
        ("21: 2^64", with(block, 124, b"\x80\0\0\x01\0\0\0\0\0\0\0\0"), OutOfRange { field }),
        ("21: junk", with(block, 124, b"0000000000x\0"), NotANumber { field }),
        ("21: junk behind the end", with(block, 124, b"000\0 7\0\0\0\0\0\0"), NotANumber { field }),
        ("21: a sign", with(block, 124, b"-0000000001\0"), NotANumber { field }),
        ("21: decimal", with(block, 124, b"00000000008\0"), NotANumber { field }),
        ("21: nothing", with(block, 124, &[0; 12]), NotANumber { field }),
        ("21: blanks", with(block, 124, b"            "), NotANumber { field }),
        ("another magic", with(block, 257, b"ustar\0\0\0"), Magic),
    ];
    for (case, block, fault) in cases {
        let name = if block[0] == b'c' { empty().replacen('b', "c", 1) } else { empty() };
        let bytes = Tar::sound().entry(&block, b"").end();
        let expected = Error::BadHeader { member: at(name, 2048), fault };
        refused(case, &bytes, &expected, "bad-header");
    }
}

#[test]
fn headers_that_are_read() {
    let long = Digest::of(Algorithm::Sha512, b"abc");
    let short = Digest::sha256(b"abc");
    let block = header(blob_name(&short), 3, b'0');
    let posix = with(block, 257, b"ustar\x0000");
    let prefixed =
        with(with(header(short.hex(), 3, b'0'), 257, b"ustar\x0000"), 345, b"blobs/sha256");
    let cases = [
        ("GNU", Tar::sound().entry(&block, b"abc"), short),
        ("ustar", Tar::sound().entry(&posix, b"abc"), short),
        ("ustar with a prefix", Tar::sound().entry(&prefixed, b"abc"), short),
        ("before ustar", Tar::sound().entry(&with(block, 257, &[0; 8]), b"abc"), short),
        ("the old type", Tar::sound().entry(&with(block, 156, &[0]), b"abc"), short),
        (
            "blanks before digits",
            Tar::sound().entry(&with(block, 124, b"          3 "), b"abc"),
            short,
        ),
        ("twelve digits", Tar::sound().entry(&with(block, 124, b"000000000003"), b"abc"), short),
        (
            "base 256",
            Tar::sound().entry(&with(block, 124, b"\x80\0\0\0\0\0\0\0\0\0\0\x03"), b"abc"),
            short,
        ),
        (
            "32: rights and times",
            Tar::sound()
                .entry(&with(with(block, 100, b"0006777\0"), 136, b"77777777777\0"), b"abc"),
            short,
        ),
        (
            "a GNU name",
            Tar::sound().long_name(blob_name(&long).as_bytes()).member("x", b"abc"),
            long,
        ),
        (
            "a GNU name with its zero",
            Tar::sound()
                .long_name(format!("{}\0", blob_name(&long)).as_bytes())
                .member("x", b"abc"),
            long,
        ),
        (
            "a PAX name and size",
            Tar::sound()
                .pax(
                    &[
                        record("mtime", b"1.5"),
                        record("path", blob_name(&long).as_bytes()),
                        record("size", b"3"),
                    ]
                    .concat(),
                )
                .member("x", b"abc"),
            long,
        ),
        (
            "directories, dots and other tools",
            Tar::sound()
                .entry(&header("./", 0, b'5'), b"")
                .entry(&header("./blobs/", 0, b'5'), b"")
                .entry(&header("./blobs/sha256/", 0, b'5'), b"")
                .member("manifest.json", b"[]")
                .entry(&block, b"abc"),
            short,
        ),
    ];
    for (case, tar, digest) in cases {
        let archive = outcome(&tar.end(), &Limits::default()).expect(case);
        assert_eq!(archive.store().blobs(), [(digest, 3)], "{case}");
        let descriptor = descriptor(digest, 3);
        assert_eq!(archive.store().check(&descriptor), Ok(()), "{case}");
    }
}

fn descriptor(digest: Digest, size: u64) -> oci::Descriptor {
    let text = format!(r#"{{"mediaType":"x","digest":"{digest}","size":{size}}}"#);
    serde_json::from_str(&text).unwrap()
}

#[test]
fn ends() {
    let sound = Tar::sound().0;
    let full = Tar::sound().end();
    let inside = |inside| move |offset| Error::Truncated { offset, inside };
    let cases = [
        ("22: in a header", full[..1500].to_vec(), inside("a header")(1500)),
        ("22: in content", full[..1540].to_vec(), inside("the content of a member")(1540)),
        ("22: in padding", full[..2000].to_vec(), inside("the content of a member")(2000)),
        ("22: no end marker", sound.clone(), inside("the end marker")(2048)),
        ("22: half an end marker", full[..2560].to_vec(), inside("the end marker")(2560)),
        ("23: garbage", [&*full, b"x"].concat(), Error::TrailingData { offset: 3072 }),
        (
            "23: garbage behind padding",
            [&*full, &[0; 5000], b"x"].concat(),
            Error::TrailingData { offset: 8072 },
        ),
        ("23: a second archive", [&*full, &*full].concat(), Error::TrailingData { offset: 3072 }),
        (
            "23: a member behind one block of zeros",
            Tar::sound().bytes(&[0; 512]).member(empty(), b"").end(),
            Error::TrailingData { offset: 2560 },
        ),
        (
            "two MiB of padding",
            [&*full, &vec![0; 2 << 20]].concat(),
            Error::TrailingData { offset: 3072 + (1 << 20) },
        ),
        ("35: only zeros", vec![0; 1024], Error::NoLayout),
    ];
    for (case, bytes, expected) in cases {
        refused(case, &bytes, &expected, expected.code());
    }
    outcome(&[&*full, &[0; 7168]].concat(), &Limits::default()).expect("record padding");
    for (case, bytes, found) in [
        ("35: empty", &b""[..], "it is empty"),
        ("35: a byte", b"x", "it is shorter than the header of a tar"),
        ("a zip", b"PK\x03\x04", "it is a zip"),
        ("text", &[b'a'; 600], "its first block is no header of a tar"),
        ("JSON", b"{}", "it is a JSON document"),
    ] {
        for found_by in
            [opened(bytes, &Limits::default()), Archive::from_stream(bytes, &Limits::default())]
        {
            assert_eq!(found_by.expect_err(case), Error::NotAnArchive { found }, "{case}");
        }
    }
}

#[test]
fn compressed() {
    let tar = Tar::sound().member(empty(), b"").end();
    let (front, back) = tar.split_at(1000);
    let limits = Limits::default();
    let open = |bytes: &[u8]| {
        let stream = Archive::from_stream(bytes, &limits);
        let file = opened(bytes, &limits);
        match (file, stream) {
            (Ok(file), Ok(_)) => Ok(file),
            (Err(file), Err(stream)) => {
                assert_eq!(file, stream);
                Err(file)
            }
            other => panic!("{other:?}"),
        }
    };
    open(&[gzip(front), gzip(back)].concat()).expect("gzip in two members");
    open(&[zstd(front), zstd(back)].concat()).expect("zstd in two frames");
    let packed = gzip(&tar);
    let length = packed.len() as u64;
    let mut bad_sum = packed.clone();
    bad_sum[packed.len() - 8] ^= 1;
    let mut bad_size = packed.clone();
    bad_size[packed.len() - 4] ^= 1;
    let broken = |form, kind, text: &str| Error::BadCompression {
        form,
        cause: std::io::Error::new(kind, text.to_owned()).into(),
    };
    let corrupt = || {
        broken(
            "gzip",
            std::io::ErrorKind::InvalidInput,
            "corrupt gzip stream does not have a matching checksum",
        )
    };
    let frame = zstd(&tar);
    let mut bad_frame = frame.clone();
    *bad_frame.last_mut().unwrap() ^= 1;
    let window = Error::Limit { what: "bytes of window in a zstd frame", limit: 128 << 20 };
    let skippable = b"\x50\x2a\x4d\x18\x01\0\0\0x";
    let cases = [
        (
            "25: a second archive in a second member",
            [gzip(&tar), gzip(&tar)].concat(),
            Error::TrailingData { offset: tar.len() as u64 },
        ),
        (
            "26: garbage behind gzip",
            [&*packed, b"x"].concat(),
            Error::TrailingData { offset: length },
        ),
        (
            "26: zeros behind gzip",
            [&*packed, b"\0\0"].concat(),
            Error::TrailingData { offset: length },
        ),
        ("26: a wrong checksum", bad_sum, corrupt()),
        ("26: a wrong size", bad_size, corrupt()),
        (
            "gzip cut off",
            packed[..packed.len() - 1].to_vec(),
            Error::Truncated { offset: length - 1, inside: "compressed data" },
        ),
        ("27: a window of 2 GiB", b"\x28\xb5\x2f\xfd\x00\xa8\x01\0\0".to_vec(), window),
        (
            "27: a dictionary",
            b"\x28\xb5\x2f\xfd\x01\x00\x05\x01\0\0".to_vec(),
            Error::UnsupportedZstd { uses: "needs a dictionary" },
        ),
        (
            "27: a skippable frame first",
            [&skippable[..], &*frame].concat(),
            Error::UnsupportedZstd { uses: "begins with a skippable frame" },
        ),
        (
            "27: a skippable frame behind",
            [&*frame, &skippable[..]].concat(),
            Error::UnsupportedZstd { uses: "has a skippable frame" },
        ),
        (
            "garbage behind zstd",
            [&*frame, b"garbage"].concat(),
            Error::TrailingData { offset: frame.len() as u64 },
        ),
        (
            "zstd with a wrong checksum",
            bad_frame,
            broken(
                "zstd",
                std::io::ErrorKind::InvalidData,
                "the checksum of a frame does not hold",
            ),
        ),
    ];
    for (case, bytes, expected) in cases {
        let found = open(&bytes).expect_err(case);
        assert_eq!(found, expected, "{case}");
    }
}

/// Case 24, and the caps of a compressed archive at N and N + 1.
#[test]
fn bombs() {
    let bomb = vec![0; 80 << 20];
    let name = blob_name(&Digest::sha256(&bomb));
    let tar = Tar::sound().member(name, &bomb).end();
    let size = tar.len() as u64;
    let (gzip, zstd) = (gzip(&tar), zstd(&tar));
    for packed in [&gzip, &zstd] {
        let of = |limits: Limits| Archive::from_stream(&**packed, &limits).map(|_| ());
        let sound =
            Limits { decompression_ratio: u64::MAX, decompressed_bytes: size, ..Limits::default() };
        assert_eq!(of(sound), Ok(()));
        let limit = size - 1;
        let what = "bytes once decompressed";
        assert_eq!(
            of(Limits { decompressed_bytes: limit, ..sound }),
            Err(Error::Limit { what, limit })
        );
        let what = "times its own size once decompressed";
        assert_eq!(
            of(Limits { decompression_ratio: 1, ..sound }),
            Err(Error::Limit { what, limit: 1 })
        );
    }
}

#[test]
fn caps_at_n_and_one_more() {
    let sound = Tar::sound().member(empty(), b"").end();
    let layout = LAYOUT.len() as u64;
    let index = br#"{"schemaVersion":2,"manifests":[]}"#.len() as u64;
    let long = blob_name(&Digest::of(Algorithm::Sha512, b""));
    let named = Tar::sound().long_name(long.as_bytes()).member("x", b"").end();
    let extension = long.len() as u64;
    let json = Tar::sound().member(blob_name(&Digest::sha256(b"{}")), b"{}").end();
    let limits = Limits::default();
    let cases = [
        (
            "29: members",
            &sound,
            Limits { tar_members: 3, ..limits },
            Limits { tar_members: 2, ..limits },
            "members",
            2,
        ),
        (
            "36: the layout's and the index's size",
            &sound,
            Limits { metadata_bytes: index, ..limits },
            Limits { metadata_bytes: index - 1, ..limits },
            "bytes of `index.json`",
            index - 1,
        ),
        (
            "36: the layout's size",
            &sound,
            limits,
            Limits { metadata_bytes: layout - 1, ..limits },
            "bytes of `oci-layout`",
            layout - 1,
        ),
        (
            "an extension's size",
            &named,
            Limits { tar_extension_bytes: extension, ..limits },
            Limits { tar_extension_bytes: extension - 1, ..limits },
            "bytes of an extension",
            extension - 1,
        ),
    ];
    for (case, bytes, n, one_less, what, limit) in cases {
        outcome(bytes, &n).expect(case);
        assert_eq!(
            outcome(bytes, &one_less).expect_err(case),
            Error::Limit { what, limit },
            "{case}"
        );
    }
    let enough = Limits { stream_metadata_bytes: 2, ..limits };
    assert_eq!(Archive::from_stream(&*json, &enough).map(|_| ()), Ok(()));
    let what = "bytes of metadata for a stream; give the archive as a file";
    let one_less = Limits { stream_metadata_bytes: 1, ..limits };
    assert_eq!(
        Archive::from_stream(&*json, &one_less).unwrap_err(),
        Error::Limit { what, limit: 1 }
    );
    // A file can be decoded again.
    let file = opened(&gzip(&json), &one_less).unwrap();
    let mut read = Vec::new();
    let sink = &mut |chunk: &[u8]| {
        read.extend_from_slice(chunk);
        Ok(())
    };
    file.store().read(&Digest::sha256(b"{}"), sink).unwrap();
    assert_eq!(read, b"{}");
}

/// Cases 36 and 37.
#[test]
fn layouts_without_their_files() {
    let layout =
        |bytes: &[u8]| Tar::default().member("oci-layout", bytes).member("index.json", b"{}").end();
    refused(
        "36: no oci-layout",
        &Tar::default().member("index.json", b"{}").end(),
        &Error::NoLayout,
        "no-layout",
    );
    refused(
        "36: another version",
        &layout(br#"{"imageLayoutVersion":"2.0.0"}"#),
        &Error::BadLayoutVersion { found: "2.0.0".to_owned() },
        "bad-layout-version",
    );
    refused(
        "36: no document",
        &layout(b"x"),
        &Error::BadLayout { cause: oci::Error::Json(json::check(b"x", 32).unwrap_err()) },
        "bad-layout",
    );
    refused(
        "36: a GiB",
        &Tar::default().entry(&header("oci-layout", 1 << 30, b'0'), b"").end(),
        &Error::Limit { what: "bytes of `oci-layout`", limit: 4 << 20 },
        "limit-exceeded",
    );
    refused(
        "37: no index.json",
        &Tar::default().member("oci-layout", LAYOUT).end(),
        &Error::NoIndex,
        "no-index",
    );
}

fn refused_index(title: &str, index: &[u8], cause: oci::Error) {
    let tar = Tar::default().member("oci-layout", LAYOUT).member("index.json", index).end();
    let code = if cause.exceeds_a_limit() { "limit-exceeded" } else { "bad-index" };
    refused(title, &tar, &Error::BadIndex { cause }, code);
}

/// Cases 38 to 44, 50 and 51.
#[test]
fn indexes() {
    let deep = format!(r#"{{"manifests":{}}}"#, "[".repeat(100_000));
    let no_json: [(&str, &[u8]); 9] = [
        ("38: a key twice", br#"{"schemaVersion":2,"manifests":[],"manifests":[]}"#),
        ("39: a mark", b"\xef\xbb\xbf{}"),
        ("39: UTF-16", b"\xff\xfe{\0}\0"),
        ("39: not UTF-8", b"{\"\xff\":1}"),
        ("39: a comma", br#"{"schemaVersion":2,}"#),
        ("39: NaN", br#"{"schemaVersion":NaN}"#),
        ("39: a comment", b"{} // x"),
        ("39: half a surrogate", br#"{"a":"\ud800"}"#),
        ("40: deep", deep.as_bytes()),
    ];
    for (case, index) in no_json {
        refused_index(case, index, oci::Error::Json(json::check(index, 32).unwrap_err()));
    }
    let other = MediaType::from("application/vnd.oci.image.manifest.v1+json");
    let empty = r#""digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","size":0,"mediaType":"x""#;
    let cases = [
        (
            "41: version 1",
            r#"{"schemaVersion":1,"manifests":[]}"#.to_owned(),
            oci::Error::SchemaVersion { found: Some(1) },
        ),
        (
            "41: no version",
            r#"{"manifests":[]}"#.to_owned(),
            oci::Error::SchemaVersion { found: None },
        ),
        (
            "no manifests",
            r#"{"schemaVersion":2}"#.to_owned(),
            oci::Error::Missing { field: "manifests" },
        ),
        (
            "51: another media type",
            format!(r#"{{"schemaVersion":2,"mediaType":"{other}","manifests":[]}}"#),
            oci::Error::OtherMediaType {
                promised: MediaType::from(MediaType::OCI_INDEX),
                found: other,
            },
        ),
        (
            "50: a hybrid",
            r#"{"schemaVersion":2,"manifests":[],"layers":[]}"#.to_owned(),
            oci::Error::Hybrid,
        ),
        (
            "44: a long annotation",
            format!(
                r#"{{"schemaVersion":2,"manifests":[],"annotations":{{"a":"{}"}}}}"#,
                "x".repeat(65537)
            ),
            oci::Error::Limit { what: "bytes of an annotation", limit: 65536 },
        ),
        (
            "44: many annotations",
            format!(
                r#"{{"schemaVersion":2,"manifests":[{{{empty},"annotations":{{{}}}}}]}}"#,
                (0..101).map(|n| format!(r#""{n}":"""#)).collect::<Vec<_>>().join(",")
            ),
            oci::Error::Limit { what: "annotations", limit: 100 },
        ),
    ];
    for (case, index, cause) in cases {
        refused_index(case, index.as_bytes(), cause);
    }
}

/// Cases 45 and 46.
#[test]
fn descriptors_of_an_index() {
    let hex = Digest::sha256(b"").hex();
    let cut = &hex[1..];
    let upper = hex.to_uppercase();
    let fields = [
        ("41: a version in quotes", r#"{"schemaVersion":"2","manifests":[]}"#.to_owned()),
        ("45: negative", manifest(&format!("sha256:{hex}"), "-1")),
        ("45: a fraction", manifest(&format!("sha256:{hex}"), "1e3")),
        ("45: text", manifest(&format!("sha256:{hex}"), "\"1\"")),
        ("46: upper case", manifest(&format!("sha256:{upper}"), "0")),
        ("46: short", manifest(&format!("sha256:{cut}"), "0")),
        ("46: nothing", manifest("sha256:", "0")),
        ("46: md5", manifest("md5:d41d8cd98f00b204e9800998ecf8427e", "0")),
        ("46: sha512 with half", manifest(&format!("sha512:{hex}"), "0")),
        ("46: SHA256", manifest(&format!("SHA256:{hex}"), "0")),
        ("46: two colons", manifest(&format!("sha256::{cut}"), "0")),
        ("46: a path", manifest("sha256:..%2f", "0")),
    ];
    for (case, index) in fields {
        let tar = Tar::default()
            .member("oci-layout", LAYOUT)
            .member("index.json", index.as_bytes())
            .end();
        let found = outcome(&tar, &Limits::default()).expect_err(case);
        assert!(
            matches!(found, Error::BadIndex { cause: oci::Error::Json(_) }),
            "{case}: {found:?}"
        );
    }
}

fn manifest(digest: &str, size: &str) -> String {
    format!(
        r#"{{"schemaVersion":2,"manifests":[{{"mediaType":"x","digest":"{digest}","size":{size}}}]}}"#
    )
}

/// Case 34, and what else a directory can hold.
#[test]
fn directories() {
    let scratch = tempfile::tempdir().unwrap();
    // What oras leaves behind, while there is nothing in it.
    let root = scratch.path().join("of oras");
    Layout::default().write(&root);
    std::fs::create_dir(root.join("ingest")).unwrap();
    assert!(Archive::open(&root, &Limits::default()).is_ok());
    std::fs::write(root.join("ingest/x"), "").unwrap();
    assert_eq!(Archive::open(&root, &Limits::default()).unwrap_err().code(), "unexpected-path");
    let mut count = 0;
    let mut refused = |prepare: &dyn Fn(&Path), expected: Error| {
        count += 1;
        let root = scratch.path().join(count.to_string());
        Layout::default().write(&root);
        prepare(&root);
        assert_eq!(Archive::open(&root, &Limits::default()).unwrap_err(), expected, "{count}");
    };
    let name = empty();
    let file = |name: &str| Member::file(name.as_bytes());
    let wrong = |name: &str, found| Error::BadEntryType { member: file(name), found };
    refused(
        &|root| symlink("/etc/passwd", root.join(empty())).unwrap(),
        wrong(&name, EntryType::SymbolicLink),
    );
    refused(
        &|root| {
            std::fs::remove_file(root.join("index.json")).unwrap();
            symlink("oci-layout", root.join("index.json")).unwrap();
        },
        wrong("index.json", EntryType::SymbolicLink),
    );
    refused(
        &|root| {
            std::fs::remove_dir_all(root.join("blobs")).unwrap();
            symlink("/", root.join("blobs")).unwrap();
        },
        wrong("blobs", EntryType::SymbolicLink),
    );
    refused(
        &|root| {
            std::os::unix::net::UnixListener::bind(root.join("repositories")).unwrap();
        },
        wrong("repositories", EntryType::Socket),
    );
    refused(
        &|root| std::fs::create_dir(root.join(empty())).unwrap(),
        wrong(&name, EntryType::Directory),
    );
    refused(
        &|root| std::fs::write(root.join("blobs/sha512"), "").unwrap(),
        wrong("blobs/sha512", EntryType::File),
    );
    refused(
        &|root| std::fs::write(root.join("etc"), "").unwrap(),
        Error::BadPath { member: file("etc"), cause: BadPath::Outside },
    );
    refused(
        &|root| std::fs::write(root.join("Index.json"), "").unwrap(),
        Error::BadPath { member: file("Index.json"), cause: BadPath::CaseVariant },
    );
    refused(&|root| std::fs::remove_file(root.join("oci-layout")).unwrap(), Error::NoLayout);
    refused(&|root| std::fs::remove_file(root.join("index.json")).unwrap(), Error::NoIndex);
    refused(
        &|root| std::fs::File::create(root.join("index.json")).unwrap().set_len(5 << 20).unwrap(),
        Error::Limit { what: "bytes of `index.json`", limit: 4 << 20 },
    );
}

#[test]
#[expect(clippy::disallowed_types, reason = "std makes no pipes")]
fn a_pipe_in_a_directory() {
    let scratch = tempfile::tempdir().unwrap();
    Layout::default().write(scratch.path());
    let made = std::process::Command::new("mkfifo").arg(scratch.path().join(empty())).status();
    if !made.is_ok_and(|status| status.success()) {
        println!("skipped: no mkfifo");
        return;
    }
    assert_eq!(
        Archive::open(scratch.path(), &Limits::default()).unwrap_err(),
        Error::BadEntryType { member: Member::file(empty().as_bytes()), found: EntryType::Pipe }
    );
}

/// Case 34: what is opened is what was listed.
#[test]
fn a_directory_that_changes() {
    let scratch = tempfile::tempdir().unwrap();
    let mut layout = Layout::default();
    layout.blob("x", "abc");
    layout.write(scratch.path());
    let archive = Archive::open(scratch.path(), &Limits::default()).unwrap();
    let digest = Digest::sha256(b"abc");
    let path = scratch.path().join(blob_name(&digest));
    let other = scratch.path().join("other");
    std::fs::write(&other, "abc").unwrap();
    let cause =
        std::io::Error::new(std::io::ErrorKind::InvalidData, "the file changed while it was read");
    let changed = Err(BlobError::Io { digest, cause: cause.into() });
    let check = || archive.store().check(&descriptor(digest, 3));
    assert_eq!(check(), Ok(()));
    std::fs::rename(&other, &path).unwrap();
    assert_eq!(check(), changed);
    std::fs::remove_file(&path).unwrap();
    symlink("/etc/passwd", &path).unwrap();
    assert_eq!(check(), changed);
}

/// Case 28: what lies inside a blob is inert.
#[test]
fn an_archive_inside_a_blob() {
    let inner = gzip(&Tar::sound().member("../x", b"").end());
    let tar = Tar::sound().member(blob_name(&Digest::sha256(&inner)), &inner).end();
    outcome(&tar, &Limits::default()).unwrap();
}

fn signed() -> Layout {
    let mut layout = Layout::default();
    let image = layout.image("layer");
    let signature = layout.signature("payload");
    layout.bundle(&image, "unlisted");
    let tag = layouts::tag(&image, ".sig");
    let name = "org.opencontainers.image.ref.name";
    layout.root(&image, &[(name, "v1")]).root(&signature, &[(name, &tag)]);
    layout
}

/// What an inventory says, for comparison.
fn told(archive: &Archive) -> Result<Vec<String>, inventory::Error> {
    let inventory = inventory::Inventory::of(archive, &Limits::default())?;
    let subjects = inventory.subjects.iter().map(|subject| {
        let readable = subject.content.as_ref().map(|content| content.blob.bytes().to_vec());
        let evidence: Vec<_> = subject
            .evidence
            .iter()
            .map(|evidence| {
                format!("{:?} {:?} {}", evidence.manifest, evidence.found_by, evidence.pieces.len())
            })
            .collect();
        format!("{:?} {readable:?} {:?} {evidence:?}", subject.descriptor, subject.names)
    });
    Ok(subjects.collect())
}

#[test]
fn cut_anywhere() {
    let tar = signed().tar();
    let whole = told(&Archive::from_stream(&*tar, &Limits::default()).unwrap()).unwrap();
    for packed in [tar.clone(), gzip(&tar), zstd(&tar)] {
        for length in 0..packed.len() {
            let Ok(archive) = Archive::from_stream(&packed[..length], &Limits::default()) else {
                continue;
            };
            assert_eq!(told(&archive), Ok(whole.clone()), "cut to {length} bytes");
        }
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &tar).unwrap();
    for length in (0..tar.len()).rev() {
        file.as_file().set_len(length as u64).unwrap();
        assert_eq!(
            Archive::open(file.path(), &Limits::default()).map(|archive| told(&archive)).ok(),
            Archive::from_stream(&tar[..length], &Limits::default())
                .map(|archive| told(&archive))
                .ok(),
            "cut to {length} bytes"
        );
    }
}

#[test]
fn flipped_anywhere() {
    let tar = signed().tar();
    let sound = Archive::from_stream(&*tar, &Limits::default()).unwrap();
    let blobs = sound.store().blobs();
    let whole = told(&sound).unwrap();
    let mut accepted = 0;
    for form in [tar.clone(), gzip(&tar), zstd(&tar)] {
        // Every bit of the packed forms; of the tar, which is mostly zeros, one of each byte.
        let bits = if form == tar { 9 } else { 1 };
        for at in (0..form.len() * 8).step_by(bits) {
            let mut flipped = form.clone();
            flipped[at / 8] ^= 1 << (at % 8);
            let Ok(archive) = Archive::from_stream(&*flipped, &Limits::default()) else { continue };
            let all_hold = archive.index_digest() == sound.index_digest()
                && blobs.iter().all(|(digest, size)| {
                    archive.store().check(&descriptor(*digest, *size)).is_ok()
                });
            let now = told(&archive);
            if all_hold {
                assert_eq!(now, Ok(whole.clone()), "bit {at}");
                accepted += 1;
            }
        }
    }
    // Padding is read by nobody.
    assert!(accepted > 0);
}
