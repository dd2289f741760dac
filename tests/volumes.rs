//! Volumes: a set is read in place as the tar it holds, whatever is wrong with it is named, and what is
//! written is the tar, cut.

#![expect(
    clippy::as_conversions,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "tests read files and stop at what is wrong"
)]

mod layouts;

use std::collections::BTreeMap;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use layouts::{Layout, Tar, gzip};
use sealift::archive::{
    Archive, ArchiveWriter, BadVolumeSize, Blob, BlobError, Damage, Error, Leftover, Shape,
    VolumeFault, VolumeSize,
};
use sealift::digest::{Algorithm, Digest};
use sealift::limits::Limits;
use sealift::oci::Descriptor;
use sealift::size::InvalidSize;

/// Cuts the sample into five.
const CUT: usize = 5000;

/// A volume as docs/volumes.md describes it, open to be altered.
#[derive(Clone)]
struct Volume {
    set: String,
    number: String,
    bytes: String,
    digest: String,
    payload: Vec<u8>,
}

impl Volume {
    fn lines(&self) -> String {
        format!("number {}\nbytes {}\npayload {}\n", self.number, self.bytes, self.digest)
    }

    fn field(&mut self, field: Field) -> &mut String {
        match field {
            Field::Number => &mut self.number,
            Field::Bytes => &mut self.bytes,
            Field::Payload => &mut self.digest,
        }
    }

    fn file(&self) -> Vec<u8> {
        let mut file = format!("sealift volume 1\nset {}\n{}", self.set, self.lines()).into_bytes();
        file.resize(512, 0);
        file.extend(&self.payload);
        file
    }
}

/// A line of a header.
#[derive(Clone, Copy)]
enum Field {
    Number,
    Bytes,
    Payload,
}

/// A tar, cut every `size` bytes.
fn cut(tar: &[u8], size: usize) -> Vec<Volume> {
    let count = tar.len().div_ceil(size);
    let pieces = tar.chunks(size).enumerate();
    let mut volumes: Vec<_> = pieces
        .map(|(at, payload)| Volume {
            set: String::new(),
            number: format!("{} of {count}", at + 1),
            bytes: format!("{} from {}", payload.len(), at * size),
            digest: Digest::sha256(payload).to_string(),
            payload: payload.to_vec(),
        })
        .collect();
    name(&mut volumes);
    volumes
}

/// Gives a set the name that its headers make.
fn name(volumes: &mut [Volume]) {
    let lines: String = volumes.iter().map(Volume::lines).collect();
    let set = Digest::sha256(lines.as_bytes()).to_string();
    for volume in volumes {
        volume.set.clone_from(&set);
    }
}

/// Files named by letters, in the order they are given.
fn open(files: &[Vec<u8>]) -> Result<Archive, Error> {
    open_with(files, &Limits::default())
}

fn open_with(files: &[Vec<u8>], limits: &Limits) -> Result<Archive, Error> {
    let scratch = tempfile::tempdir().unwrap();
    let paths: Vec<_> = ('a'..='z')
        .zip(files)
        .map(|(letter, bytes)| {
            let path = scratch.path().join(letter.to_string());
            std::fs::write(&path, bytes).unwrap();
            path
        })
        .collect();
    assert_eq!(paths.len(), files.len());
    Archive::open_files(&paths, limits)
}

/// The error without the directory that the files lie in.
fn refused(files: &[Vec<u8>]) -> (String, &'static str) {
    told(&open(files).unwrap_err())
}

fn told(error: &Error) -> (String, &'static str) {
    let text = error.to_string();
    let parts: Vec<_> = text.split('`').enumerate().collect();
    let short = |(at, part): &(usize, &str)| match at % 2 {
        1 => part.rsplit('/').next().unwrap().to_owned(),
        _ => (*part).to_owned(),
    };
    (parts.iter().map(short).collect::<Vec<_>>().join("`"), error.code())
}

fn files(volumes: &[Volume]) -> Vec<Vec<u8>> {
    volumes.iter().map(Volume::file).collect()
}

fn sample() -> Layout {
    let mut layout = Layout::default();
    for n in 0_u8..6 {
        let bytes = vec![n; usize::from(n) * 999];
        layout.blobs.insert(Digest::sha256(&bytes), bytes);
    }
    let image = layout.image("layer");
    layout.root(&image, &[("org.opencontainers.image.ref.name", "v1")]);
    layout
}

fn descriptor(digest: &Digest, size: usize) -> Descriptor {
    let text = format!(r#"{{"mediaType":"x","digest":"{digest}","size":{size}}}"#);
    serde_json::from_str(&text).unwrap()
}

#[test]
fn a_set_is_the_tar_it_holds() {
    let layout = sample();
    let tar = layout.tar();
    for size in [100, 511, 512, 513, CUT, tar.len() - 1, tar.len()] {
        let mut files = files(&cut(&tar, size));
        let rotate = files.len() / 3;
        files.reverse();
        files.rotate_left(rotate);
        let scratch = tempfile::tempdir().unwrap();
        let paths: Vec<_> = (0..files.len()).map(|n| scratch.path().join(n.to_string())).collect();
        for (path, bytes) in paths.iter().zip(&files) {
            std::fs::write(path, bytes).unwrap();
        }
        let archive = Archive::open_files(&paths, &Limits::default()).unwrap();
        assert_eq!(archive.index_digest(), &Digest::sha256(&layout.index_json()), "{size}");
        let sizes: Vec<_> =
            layout.blobs.iter().map(|(digest, bytes)| (*digest, bytes.len() as u64)).collect();
        assert_eq!(archive.store().blobs(), sizes, "{size}");
        for (digest, bytes) in &layout.blobs {
            let descriptor = descriptor(digest, bytes.len());
            assert_eq!(archive.store().check(&descriptor), Ok(()), "{size}");
            let blob = Blob::read(archive.store(), &descriptor, 1 << 20).unwrap();
            assert_eq!(blob.bytes(), bytes, "{size}");
        }
    }
}

#[test]
fn what_is_missing_doubled_or_foreign_is_named() {
    let tar = sample().tar();
    let set = cut(&tar, CUT);
    let other = cut(&Tar::sound().member("manifest.json", &[1; 4096]).end(), 4096);
    // The set, a volume of another, a tar, and nothing.
    let mut known = files(&set);
    known.extend([other[1].file(), tar.clone(), Vec::new()]);
    let (set, other) = (&set[0].set, &other[0].set);
    let take = |files: &[usize]| files.iter().map(|at| known[*at].clone()).collect::<Vec<_>>();
    let missing = |which: &str| {
        (format!("of the 5 volumes of the set {set}, {which} missing"), "missing-volumes")
    };
    let foreign = "foreign-volume";
    let no_volume = |file: &str| {
        let why = "several files are one archive only where all are volumes of one set";
        (format!("`{file}` is no volume, and {why}"), "not-a-volume")
    };
    let cases = [
        (take(&[0]), missing("2, 3, 4 and 5 are")),
        (take(&[1]), missing("1, 3, 4 and 5 are")),
        (take(&[4, 1, 3, 0]), missing("3 is")),
        (take(&[0, 1, 2]), missing("4 and 5 are")),
        (
            take(&[0, 1, 2, 3, 4, 1]),
            ("`b` and `f` are both volume 2 of their set".to_owned(), "doubled-volume"),
        ),
        (
            take(&[0, 0]),
            ("`a` and `b` are both volume 1 of their set".to_owned(), "doubled-volume"),
        ),
        (
            take(&[0, 5, 2, 3, 4]),
            (format!("the volume `b` is of the set {other}, and `a` of {set}"), foreign),
        ),
        (
            take(&[5, 0, 1, 2, 3, 4]),
            (format!("the volume `b` is of the set {set}, and `a` of {other}"), foreign),
        ),
        (take(&[0, 6]), no_volume("b")),
        (take(&[6, 0]), no_volume("a")),
        (take(&[6, 6]), no_volume("a")),
        (take(&[0, 7]), no_volume("b")),
    ];
    for (files, expected) in cases {
        assert_eq!(refused(&files), expected);
    }
    let hundreds = files_of(&tar, 100);
    let (text, _) = told(&open(&hundreds[..1]).unwrap_err());
    let more = hundreds.len() - 11;
    let shown = format!("2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and {more} more are missing");
    assert!(text.ends_with(&shown), "{text}");
}

fn files_of(tar: &[u8], size: usize) -> Vec<Vec<u8>> {
    files(&cut(tar, size))
}

#[test]
fn headers_that_lie() {
    let tar = sample().tar();
    let set = cut(&tar, tar.len().div_ceil(2));
    let half = set[0].payload.len();
    let rest = tar.len() - half;
    let broken =
        |why: &str| (format!("the header of the volume `a` is broken: {why}"), "bad-volume");
    let form = || broken("it is not of the form");
    let begins = |file: &str, found: usize, expected: usize| {
        let text = format!("the volume `{file}` begins at byte {found} of the archive");
        (format!("{text}, not at {expected}"), "volume-conflict")
    };
    let one = |volume: usize, field: Field, value: String| vec![(volume, field, value)];
    let number = |value: &str| one(0, Field::Number, value.to_owned());
    let bytes = |value: String| one(0, Field::Bytes, value);
    let payload = |value: String| one(0, Field::Payload, value);
    let count = |first: &str, second: &str| {
        vec![(0, Field::Number, first.to_owned()), (1, Field::Number, second.to_owned())]
    };
    let long = Digest::of(Algorithm::Sha512, &set[0].payload).to_string();
    let cases = [
        (
            "a count that is larger",
            number("1 of 3"),
            (
                "the volume `b` is one of 2, `a` of the same set is one of 3".to_owned(),
                "volume-conflict",
            ),
        ),
        (
            "a count that all agree on and nobody meets",
            count("1 of 3", "2 of 3"),
            ("of the 3 volumes of the set SET, 3 is missing".to_owned(), "missing-volumes"),
        ),
        (
            "a count that is too small",
            count("1 of 1", "2 of 1"),
            (
                "the header of the volume `b` is broken: it has the number 2 of 1".to_owned(),
                "bad-volume",
            ),
        ),
        ("a number of zero", number("0 of 2"), broken("it has the number 0 of 2")),
        (
            "the largest count there is",
            number("1 of 4294967295"),
            ("the archive has more than 500 volumes".to_owned(), "limit-exceeded"),
        ),
        ("a count that does not fit", number("1 of 4294967296"), form()),
        (
            "ranges that overlap",
            one(1, Field::Bytes, format!("{rest} from {}", half - 1)),
            begins("b", half - 1, half),
        ),
        (
            "ranges with a gap",
            one(1, Field::Bytes, format!("{rest} from {}", half + 512)),
            begins("b", half + 512, half),
        ),
        ("one range twice", one(1, Field::Bytes, format!("{rest} from 0")), begins("b", 0, half)),
        ("a first that does not begin", bytes(format!("{half} from 1")), begins("a", 1, 0)),
        (
            "more bytes than there are",
            bytes(format!("{} from 0", u64::MAX)),
            (
                format!("the volume `a` holds {half} bytes, its header says {}", u64::MAX),
                "bad-volume",
            ),
        ),
        ("no bytes", bytes("0 from 0".to_owned()), broken("it says that the volume holds nothing")),
        ("a negative number", bytes("-1 from 0".to_owned()), form()),
        ("a sign", bytes(format!("+{half} from 0")), form()),
        ("a leading zero", bytes(format!("0{half} from 0")), form()),
        ("a second blank", bytes(format!("{half}  from 0")), form()),
        ("a further line", payload(format!("{}\nmore 1", set[0].digest)), form()),
        ("a return", payload(format!("{}\r", set[0].digest)), form()),
        ("other letters", payload(format!("{}\u{e9}", set[0].digest)), form()),
        ("a digest in capitals", payload(set[0].digest.to_uppercase()), form()),
        ("a digest of another algorithm", payload(long), form()),
    ];
    for (title, changes, (text, code)) in cases {
        let mut volumes = set.clone();
        for (volume, field, value) in changes {
            *volumes[volume].field(field) = value;
        }
        // The lie is in the headers alone: they make the name of the set.
        name(&mut volumes);
        let text = text.replace("SET", &volumes[0].set);
        assert_eq!(refused(&files(&volumes)), (text, code), "{title}");
    }
}

#[test]
fn headers_that_do_not_fit() {
    let tar = sample().tar();
    let set = cut(&tar, tar.len().div_ceil(2));
    let rest = tar.len() - set[0].payload.len();
    let broken =
        |why: &str| (format!("the header of the volume `a` is broken: {why}"), "bad-volume");
    // A set whose name its headers do not make.
    let mut forged = set.clone();
    forged[1].digest = Digest::sha256(b"other").to_string();
    let lines: String = forged.iter().map(Volume::lines).collect();
    let found = Digest::sha256(lines.as_bytes());
    let promised = &set[0].set;
    let wrong =
        format!("the volumes are not those of the set {promised}: their headers make it {found}");
    assert_eq!(refused(&files(&forged)), (wrong, "foreign-volume"));

    let mut version = files(&set);
    version[0][15] = b'2';
    assert_eq!(refused(&version), broken("it is of another version than 1"));
    let mut cut_off = files(&set);
    cut_off[0].truncate(511);
    assert_eq!(refused(&cut_off), broken("it is cut off"));
    let mut short = files(&set);
    short[1].pop();
    let text = format!("the volume `b` holds {} bytes, its header says {rest}", rest - 1);
    assert_eq!(refused(&short), (text, "bad-volume"));
    let mut long = files(&set);
    long[1].push(0);
    let text = format!("the volume `b` holds {} bytes, its header says {rest}", rest + 1);
    assert_eq!(refused(&long), (text, "bad-volume"));
    assert_eq!(
        open_with(&files(&set), &Limits { volumes: 1, ..Limits::default() }).unwrap_err(),
        Error::Limit { what: "volumes", limit: 1 }
    );
}

/// No bit of a header can be another.
#[test]
fn every_bit_of_a_header() {
    let tar = Tar::sound().end();
    let sound = files_of(&tar, tar.len().div_ceil(2));
    let scratch = tempfile::tempdir().unwrap();
    let paths = [scratch.path().join("a"), scratch.path().join("b")];
    for (path, bytes) in paths.iter().zip(&sound) {
        std::fs::write(path, bytes).unwrap();
    }
    let file = std::fs::OpenOptions::new().write(true).open(&paths[1]).unwrap();
    let mut codes: BTreeMap<&str, usize> = BTreeMap::new();
    for bit in 0..512 * 8 {
        let sound = sound[1][bit / 8];
        file.write_all_at(&[sound ^ 1 << (bit % 8)], bit as u64 / 8).unwrap();
        let error = Archive::open_files(&paths, &Limits::default()).unwrap_err();
        file.write_all_at(&[sound], bit as u64 / 8).unwrap();
        *codes.entry(error.code()).or_default() += 1;
    }
    let total: usize = codes.values().sum();
    assert_eq!(total, 512 * 8);
    let names: Vec<_> = codes.keys().copied().collect();
    assert_eq!(names, ["bad-volume", "foreign-volume", "not-a-volume", "volume-conflict"]);
    // The 15 bytes that make it a volume.
    assert_eq!(codes["not-a-volume"], 15 * 8);
}

/// What was said of a damaged volume is of no use; which it is is told.
#[test]
fn a_damaged_volume_is_named() {
    let layout = sample();
    let tar = layout.tar();
    let set = cut(&tar, CUT);
    let (digest, bytes) = layout.blobs.iter().max_by_key(|(_, bytes)| bytes.len()).unwrap();
    let at = tar.windows(bytes.len()).position(|window| window == bytes).unwrap();
    let damaged = |at: usize| {
        let mut files = files(&set);
        files[at / CUT][512 + at % CUT] ^= 1;
        let found = Digest::sha256(&files[at / CUT][512..]);
        let promised = set[at / CUT].digest.parse().unwrap();
        (files, at / CUT, promised, found)
    };
    let check = |archive: &Archive| archive.store().check(&descriptor(digest, bytes.len()));
    // In the last byte of a blob that spans volumes, and in the first.
    for position in [at, at + bytes.len() - 1] {
        let (files, volume, promised, found) = damaged(position);
        let archive = open(&files).unwrap();
        let Err(BlobError::DamagedVolume { digest: named, damage }) = check(&archive) else {
            panic!("{:?}", check(&archive))
        };
        let file = damage.file.rsplit('/').next().unwrap().to_owned();
        assert_eq!((named, damage.promised, damage.found), (*digest, promised, found));
        assert_eq!(file, ["a", "b", "c", "d", "e"][volume]);
        let read = Blob::read(archive.store(), &descriptor(digest, bytes.len()), 1 << 20);
        assert_eq!(read, check(&archive).map(|()| panic!("it is damaged")));
    }
    // In a header of the tar.
    let (files, _, promised, found) = damaged(at - 512);
    let file = "FILE".to_owned();
    match open(&files).unwrap_err() {
        Error::DamagedVolume { damage } => {
            assert_eq!(Damage { file: file.clone(), ..*damage }, Damage { file, promised, found });
        }
        other => panic!("{other}"),
    }
    // A set that was made wrong is not damaged.
    let mut wrong = tar.clone();
    wrong[at] ^= 1;
    let archive = open(&files_of(&wrong, CUT)).unwrap();
    let mut other = bytes.clone();
    other[0] ^= 1;
    let found = Digest::sha256(&other);
    assert_eq!(check(&archive), Err(BlobError::WrongDigest { promised: *digest, found }));
    let mut headless = tar.clone();
    headless[at - 512] ^= 1;
    let (text, code) = refused(&files_of(&headless, CUT));
    assert_eq!(code, "bad-header", "{text}");
}

#[test]
fn what_volumes_do_not_hold() {
    let tar = sample().tar();
    // A set holds a plain tar.
    let (_, code) = refused(&files_of(&gzip(&tar), 1 << 20));
    assert_eq!(code, "bad-header");
    // A volume inside volumes.
    let inner = files_of(&tar, tar.len()).remove(0);
    assert_eq!(refused(&files_of(&inner, inner.len())).1, "bad-header");
    let expected = Error::NotAnArchive { found: "it is a volume, and volumes are read as files" };
    assert_eq!(Archive::from_stream(&*inner, &Limits::default()).unwrap_err(), expected);
    let missing = tempfile::tempdir().unwrap();
    let paths = [missing.path().join("a"), missing.path().join("b")];
    assert_eq!(Archive::open_files(&paths, &Limits::default()).unwrap_err().code(), "io");
    let directory = [missing.path().to_owned(), missing.path().to_owned()];
    let file = missing.path().display().to_string();
    assert_eq!(
        Archive::open_files(&directory, &Limits::default()).unwrap_err(),
        Error::NotAVolume { file }
    );
    assert_eq!(
        Error::BadVolume { file: "x\ny".into(), fault: VolumeFault::Form }.to_string(),
        "the header of the volume `x\\ny` is broken: it is not of the form"
    );
}

#[test]
fn sizes() {
    let cases = [
        ("1MiB", Ok(1 << 20)),
        ("1024KiB", Ok(1 << 20)),
        ("4GiB", Ok(4 << 30)),
        ("700MB", Ok(700_000_000)),
        ("2GB", Ok(2_000_000_000)),
        ("1100KB", Ok(1_100_000)),
        ("1023KiB", Err(BadVolumeSize::TooSmall)),
        ("1MB", Err(BadVolumeSize::TooSmall)),
        ("0GiB", Err(BadVolumeSize::TooSmall)),
        ("8589934592GiB", Err(InvalidSize::TooLarge.into())),
        ("18446744073709551615KB", Err(InvalidSize::TooLarge.into())),
        ("18446744073709551616KB", Err(InvalidSize::Form.into())),
        ("4", Err(InvalidSize::Form.into())),
        ("4G", Err(InvalidSize::Form.into())),
        ("4gib", Err(InvalidSize::Form.into())),
        ("GiB", Err(InvalidSize::Form.into())),
        ("4 GiB", Err(InvalidSize::Form.into())),
        ("-4GiB", Err(InvalidSize::Form.into())),
        ("4.5GiB", Err(InvalidSize::Form.into())),
        ("", Err(InvalidSize::Form.into())),
    ];
    for (text, expected) in cases {
        let found = text.parse::<VolumeSize>().map(VolumeSize::bytes);
        assert_eq!(found, expected, "{text}");
    }
}

/// Blobs that span volumes, and blobs that end where one does.
fn blobs() -> Vec<(Digest, Vec<u8>)> {
    let sizes = [0, 1, 511, 512, 700_000, 2_500_000, 1 << 20, 3, 1_047_040];
    let blobs = sizes.iter().zip(0_u8..).map(|(size, n)| vec![n; *size]);
    blobs.map(|bytes| (Digest::sha256(&bytes), bytes)).collect()
}

fn write(path: &Path, volume: Option<&str>) -> Result<usize, Error> {
    let volume = volume.map(|size| size.parse().unwrap());
    let shape = Shape { volume, leftover: Leftover::Replaced };
    let mut writer = ArchiveWriter::create_as(path, shape)?;
    let blobs = blobs();
    let sizes: Vec<_> = blobs.iter().map(|(digest, bytes)| (*digest, bytes.len() as u64)).collect();
    writer.begin(br#"{"schemaVersion":2,"manifests":[]}"#, &sizes, &mut |_| {})?;
    for (digest, bytes) in &blobs {
        writer.blob(digest, bytes.len() as u64, &mut bytes.as_slice())?;
    }
    writer.finish()
}

fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn what_is_written_is_the_tar_cut() {
    let scratch = tempfile::tempdir().unwrap();
    let whole = scratch.path().join("whole.tar");
    assert_eq!(write(&whole, None), Ok(1));
    let tar = std::fs::read(&whole).unwrap();
    let set = scratch.path().join("x.tar");
    // The size less a block that keeps a file below it and a header.
    assert_eq!(write(&set, Some("1MiB")), Ok(6));
    let expected = files_of(&tar, (1 << 20) - 1024);
    let paths: Vec<PathBuf> =
        (1..=6).map(|n| scratch.path().join(format!("x.tar.00{n}"))).collect();
    for (path, expected) in paths.iter().zip(&expected) {
        assert!(std::fs::read(path).unwrap() == *expected, "{}", path.display());
    }
    assert_eq!(expected.len(), 6);
    assert_eq!(expected[0].len(), (1 << 20) - 512);
    let all = ["whole.tar", "x.tar.001", "x.tar.002", "x.tar.003", "x.tar.004", "x.tar.005"];
    assert_eq!(names(scratch.path()), [&all[..], &["x.tar.006"]].concat());
    let archive = Archive::open_files(&paths, &Limits::default()).unwrap();
    for (digest, bytes) in blobs() {
        assert_eq!(archive.store().check(&descriptor(&digest, bytes.len())), Ok(()));
    }
    // Written again, the same files; a size that needs fewer would leave one that is taken for more.
    assert_eq!(write(&set, Some("1MiB")), Ok(6));
    assert!(std::fs::read(&paths[5]).unwrap() == expected[5]);
    let path = paths[3].display().to_string();
    let stray = Error::StrayVolume { path, count: 3 };
    assert_eq!(write(&set, Some("2MiB")), Err(stray));
    assert_eq!(names(scratch.path()), [&all[..], &["x.tar.006"]].concat());
    for path in &paths[3..] {
        std::fs::remove_file(path).unwrap();
    }
    assert_eq!(write(&set, Some("2MiB")), Ok(3));
    assert_eq!(names(scratch.path()), all[..4]);
}

#[test]
fn none_without_all() {
    let scratch = tempfile::tempdir().unwrap();
    // A directory stands where the second volume would.
    std::fs::create_dir(scratch.path().join("x.tar.002")).unwrap();
    let path = scratch.path().join("x.tar");
    let Err(Error::Io { doing, cause }) = write(&path, Some("1MiB")) else {
        panic!("a directory was replaced")
    };
    assert_eq!(doing, format!("write `{}`", path.display()));
    assert_eq!(cause.kind(), std::io::ErrorKind::IsADirectory);
    assert_eq!(names(scratch.path()), ["x.tar.002"]);

    let mut writer = ArchiveWriter::create_as(
        &path,
        Shape { volume: Some("1MiB".parse().unwrap()), leftover: Leftover::Replaced },
    )
    .unwrap();
    let blobs = [(Digest::sha256(b""), 500 << 20)];
    let refused = writer.begin(b"{}", &blobs, &mut |_| {}).unwrap_err();
    assert_eq!(refused, Error::TooManyVolumes { count: 501, limit: 500 });
    drop(writer);
    assert_eq!(names(scratch.path()), ["x.tar.002"]);
}

fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sealift"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("SEALIFT_")) {
        command.env_remove(name);
    }
    let Output { status, stdout, stderr } = command.args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

/// What users see: an export in volumes is judged and shown as the archive it is.
#[test]
fn the_command_line() {
    let (root, policy) = (demo("trusted_root.json"), demo("policy.yaml"));
    let scratch = tempfile::tempdir().unwrap();
    let at = |name: &str| scratch.path().join(name).into_os_string().into_string().unwrap();
    let images = format!("oci-archive:{}", demo("upgrade.tar"));
    let (whole, set) = (at("whole.tar"), at("set.tar"));
    assert_eq!(run(&["export", &images, "-o", &whole]).0, Some(0));
    let (status, told, _) = run(&["export", &images, "-o", &set, "--volume-size", "1MiB"]);
    assert_eq!(status, Some(0));
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    let expected = format!("{set}.001: 3 images, ");
    assert!(told.contains(&expected), "{told}");
    // Cut smaller than an export may: reading has no smallest size.
    let tar = std::fs::read(&whole).unwrap();
    let paths: Vec<_> = files_of(&tar, tar.len() / 3)
        .iter()
        .zip(["c", "a", "d", "b"])
        .map(|(bytes, name)| {
            std::fs::write(at(name), bytes).unwrap();
            at(name)
        })
        .collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let judged = ["--trusted-root", &root, "--policy", &policy];
    let as_of = ["--verification-time", "2027-01-01T00:00:00Z"];
    let verify = |files: &[&str]| run(&[&["verify"], files, &judged, &as_of].concat());
    let expected = verify(&[&whole]);
    assert_eq!(expected.0, Some(0), "{expected:?}");
    assert_eq!(verify(&paths), expected);
    assert_eq!(verify(&[&at("set.tar.001")]), expected);
    let inspect = |files: &[&str]| run(&[&["inspect"], files].concat());
    assert_eq!(inspect(&paths), inspect(&[&whole]));
    let (status, told, said) = verify(&paths[1..]);
    assert_eq!((status, told.as_str()), (Some(2), ""));
    assert!(said.contains("error: the archive of 3 files cannot be read: of the 4"), "{said}");
    assert!(said.contains("1 is missing"), "{said}");
    assert!(said.contains("hint: give every volume of the set, in any order"), "{said}");
    for (size, why) in [
        ("1KiB", "a volume has at least 1MiB"),
        ("4", "a size is a number with KB, MB, GB, KiB, MiB or GiB, such as `4GiB`"),
    ] {
        let (status, _, said) =
            run(&["export", &images, "-o", &at("no.tar"), "--volume-size", size]);
        let expected = format!("error: invalid value '{size}' for '--volume-size <SIZE>': {why}\n");
        assert_eq!(status, Some(2));
        assert!(said.starts_with(&expected), "{said}");
    }
}

/// A set, cut smaller than an export may, beside the one file it is cut from.
struct Cut {
    scratch: tempfile::TempDir,
    whole: String,
    volumes: Vec<String>,
}

impl Cut {
    fn of_demo() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let at = |name: &str| scratch.path().join(name).into_os_string().into_string().unwrap();
        let whole = at("whole.tar");
        let images = format!("oci-archive:{}", demo("upgrade.tar"));
        assert_eq!(run(&["export", &images, "-o", &whole]).0, Some(0));
        let volumes = Self::write(&std::fs::read(&whole).unwrap(), &["c", "a", "d", "b"].map(at));
        Self { scratch, whole, volumes }
    }

    /// Writes a set into these files.
    fn write(tar: &[u8], files: &[String; 4]) -> Vec<String> {
        let pieces = files_of(tar, tar.len() / 3);
        assert_eq!(pieces.len(), files.len());
        files.iter().zip(pieces).for_each(|(file, bytes)| std::fs::write(file, bytes).unwrap());
        files.to_vec()
    }

    fn at(&self, name: &str) -> String {
        self.scratch.path().join(name).into_os_string().into_string().unwrap()
    }

    /// The volumes, each behind `lead`.
    fn each(&self, lead: &str) -> Vec<String> {
        self.volumes.iter().map(|volume| format!("{lead}{volume}")).collect()
    }
}

fn demo(name: &str) -> String {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/demo");
    home.join(name).into_os_string().into_string().unwrap()
}

fn strs(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}

const SERVER: &str = "registry.sealift.example/demo/server:2.1.0";

#[test]
fn sets_are_compared() {
    let cut = Cut::of_demo();
    let whole = std::fs::read(&cut.whole).unwrap();
    let copy = Cut::write(&whole, &["e", "f", "g", "h"].map(|name| cut.at(name)));
    let (set, copy) = (strs(&cut.volumes), strs(&copy));
    let one = cut.whole.as_str();
    let diff = |files: &[&str]| {
        let (status, told, said) = run(&[&["diff"], files].concat());
        let short = |text: String| text.replace(cut.scratch.path().to_str().unwrap(), "DIR");
        (status, short(told), short(said))
    };
    let (a, b) = ("DIR/c and 3 volumes of its set", "DIR/whole.tar");
    let same = |a: &str, b: &str| {
        let (_, told, _) = diff(&[one, one]);
        let (first, _) = told.split_once('\n').unwrap();
        assert!(first.starts_with("same: 3 images, "), "{first}");
        (Some(0), format!("{first}\n  A is {a}\n  B is {b}\n"), String::new())
    };
    assert_eq!(diff(&[&set[..], &[one]].concat()), same(a, b));
    assert_eq!(diff(&[&[one], &set[..]].concat()), same(b, a));
    assert_eq!(
        diff(&[set.clone(), copy.clone()].concat()),
        same(a, "DIR/e and 3 volumes of its set")
    );
    // In any order, though volumes of two copies stand side by side.
    let mixed: Vec<_> = set.iter().zip(&copy).flat_map(|(one, other)| [*one, *other]).collect();
    assert_eq!(diff(&mixed), same(a, "DIR/e and 3 volumes of its set"));
    let refused = |said: &str| (Some(2), String::new(), format!("error: {said}\n"));
    let sides = "; the volumes of a set are one side";
    assert_eq!(
        diff(&set),
        refused(&format!("two sides are compared, and here is 1: `{a}`{sides}"))
    );
    assert_eq!(
        diff(&[&set[..], &[one, one]].concat()),
        refused(&format!("two sides are compared, and here are 3: `{a}`, `{b}`, `{b}`{sides}"))
    );
    let (status, told, said) = diff(&[&[one], &set[1..]].concat());
    assert_eq!((status, told.as_str()), (Some(2), ""));
    assert!(said.starts_with("error: the archive of 3 files cannot be read: of the 4"), "{said}");
}

#[test]
fn a_set_is_a_source() {
    let cut = Cut::of_demo();
    let export = |sources: &[&str], name: &str| {
        let path = cut.at(name);
        let (status, told, said) = run(&[&["export", "-o", &path], sources].concat());
        assert_eq!((status, said.as_str()), (Some(0), ""), "{sources:?}");
        (told.replace(&path, "OUT"), std::fs::read(&path).unwrap())
    };
    let of_whole = |name: &str| export(&[&format!("oci-archive:{}{name}", cut.whole)], "one.tar");
    let volumes = cut.each("oci-archive:");
    assert!(export(&strs(&volumes), "set.tar") == of_whole(""));
    // A name that is given with one volume is meant of the set.
    for at in 0..volumes.len() {
        let mut named = volumes.clone();
        named[at] = format!("{}:{SERVER}", named[at]);
        assert!(export(&strs(&named), "set.tar") == of_whole(&format!(":{SERVER}")), "{at}");
    }
    // Beside another archive, and in a list.
    let list = cut.at("list.txt");
    std::fs::write(&list, volumes.join("\n")).unwrap();
    let other = format!("oci-archive:{}:{SERVER}", cut.whole);
    let both = export(&["-i", &list, &other], "set.tar");
    assert!(both.1 == of_whole("").1);
    let (status, told, said) =
        run(&[&["export", "-o", &cut.at("none.tar")], &strs(&volumes)[1..]].concat());
    assert_eq!((status, told.as_str()), (Some(2), ""));
    assert!(said.contains("error: the archive of 3 files cannot be read: of the 4"), "{said}");
    assert!(!Path::new(&cut.at("none.tar")).exists());
}

/// Whoever judges by an archive, judges by a set.
#[test]
fn a_set_is_an_archive_everywhere() {
    let cut = Cut::of_demo();
    let (root, policy) = (demo("trusted_root.json"), demo("policy.yaml"));
    let pod = cut.at("pod.yaml");
    let text = format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec:\n  containers:\n  - name: a\n    \
         image: {SERVER}\n"
    );
    std::fs::write(&pod, text).unwrap();
    let judged = ["--trusted-root", &root, "--verification-time", "2027-01-01T00:00:00Z"];
    let by = ["--policy", &policy];
    let each: Vec<String> =
        cut.volumes.iter().flat_map(|volume| ["--archive".to_owned(), volume.clone()]).collect();
    // As a shell gives them.
    let listed = [&["--archive"][..], &strs(&cut.volumes)].concat();
    let commands: [&[&str]; 3] = [
        &[&["admit", "-f", &pod][..], &judged, &by].concat(),
        &[&["policy", "explain", "--image", SERVER][..], &judged, &by].concat(),
        &[&["policy", "lint", &policy][..], &judged].concat(),
    ];
    for command in commands {
        let (status, told, said) = run(&[command, &["--archive", &cut.whole]].concat());
        assert_ne!(status, Some(2), "{command:?}: {said}");
        let of_set = run(&[command, &strs(&each)].concat());
        assert_eq!(of_set, (status, told.clone(), said.clone()), "{command:?}");
        if command[1] != "lint" {
            assert_eq!(run(&[command, &listed].concat()), (status, told, said), "{command:?}");
        }
        let (status, told, said) = run(&[command, &strs(&each)[2..]].concat());
        assert_eq!((status, told.as_str()), (Some(2), ""), "{command:?}");
        assert!(
            said.starts_with("error: the archive of 3 files cannot be read: of the 4"),
            "{command:?}: {said}"
        );
    }
    let test = |archive: &str| {
        let file = cut.at("test.yaml");
        let text = format!(
            "apiVersion: sealift/v1\nkind: PolicyTest\narchive: {archive}\npolicies: [{policy}]\n\
             trustedRoot: {root}\nverificationTime: 2027-01-01T00:00:00Z\ncases:\n\
             - {{image: \"{SERVER}\", expect: admitted}}\n"
        );
        std::fs::write(&file, text).unwrap();
        run(&["policy", "test", &file])
    };
    let passed = (Some(0), "1 passed, 0 failed\n".to_owned(), String::new());
    assert_eq!(test("whole.tar"), passed);
    assert_eq!(test("[a, b, c, d]"), passed);
    let (status, _, said) = test("[a, b, c]");
    assert_eq!(status, Some(2));
    assert!(said.starts_with("error: the archive of 3 files cannot be read: of the 4"), "{said}");
}
