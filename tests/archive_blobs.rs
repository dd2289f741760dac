//! Blobs: proven or refused, whatever the form of the archive they lie in; and archives as written.

#![expect(
    clippy::as_conversions,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests count small things, read files and stop at what is wrong"
)]

mod layouts;

use std::io::{self, Read};
use std::path::Path;

use layouts::{Layout, blob_name, gzip, zstd};
use sealift::archive::{Archive, ArchiveWriter, Blob, BlobError, Error, Member};
use sealift::digest::{Algorithm, Digest};
use sealift::limits::Limits;
use sealift::oci::Descriptor;

fn descriptor(digest: Digest, size: usize) -> Descriptor {
    let text = format!(r#"{{"mediaType":"x","digest":"{digest}","size":{size}}}"#);
    serde_json::from_str(&text).unwrap()
}

/// A layout with metadata, layers that take several reads, and a blob that lies about its name.
struct Sample {
    layout: Layout,
    layers: Vec<(Digest, Vec<u8>)>,
    liar: Digest,
}

impl Sample {
    fn new() -> Self {
        let mut layout = Layout::default();
        let layers: Vec<_> = (0_u8..5)
            .map(|n| vec![n; 300_000 + usize::from(n)])
            .map(|bytes| (Digest::sha256(&bytes), bytes))
            .collect();
        layout.blobs.extend(layers.iter().cloned());
        layout.blob("x", "{}");
        let liar = Digest::sha256(b"liar");
        layout.blobs.insert(liar, b"truth".to_vec());
        Self { layout, layers, liar }
    }

    fn each(&self, check: impl Fn(&str, &Archive)) {
        let limits = Limits::default();
        let scratch = tempfile::tempdir().unwrap();
        let tar = self.layout.tar();
        let write = |name: &str, bytes: &[u8]| {
            let path = scratch.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            Archive::open(&path, &limits).unwrap()
        };
        self.layout.write(&scratch.path().join("layout"));
        check("directory", &Archive::open(&scratch.path().join("layout"), &limits).unwrap());
        check("tar", &write("a", &tar));
        check("gzip", &write("b", &gzip(&tar)));
        check("zstd", &write("c", &zstd(&tar)));
        check("stream", &Archive::from_stream(&*tar, &limits).unwrap());
        check("gzip stream", &Archive::from_stream(&*gzip(&tar), &limits).unwrap());
    }
}

#[test]
fn checks() {
    let sample = Sample::new();
    sample.each(|form, archive| {
        let check = |digest: Digest, size| archive.store().check(&descriptor(digest, size));
        for (digest, bytes) in &sample.layers {
            assert_eq!(check(*digest, bytes.len()), Ok(()), "{form}");
        }
        let (digest, found) = (sample.layers[0].0, 300_000);
        assert_eq!(
            check(digest, 1),
            Err(BlobError::WrongSize { digest, promised: 1, found }),
            "{form}"
        );
        let digest = Digest::sha256(b"absent");
        assert_eq!(check(digest, 1), Err(BlobError::Missing { digest }), "{form}");
        let (promised, found) = (sample.liar, Digest::sha256(b"truth"));
        assert_eq!(check(promised, 5), Err(BlobError::WrongDigest { promised, found }), "{form}");
        let mut embedded = descriptor(Digest::sha256(b"{}"), 2);
        for (data, expected) in [
            ("e30=", Ok(())),
            ("e30", Err(BlobError::EmbeddedDataDiffers { digest: embedded.digest })),
            ("W10=", Err(BlobError::EmbeddedDataDiffers { digest: embedded.digest })),
        ] {
            embedded.data = Some(data.to_owned());
            assert_eq!(archive.store().check(&embedded), expected, "{form}");
        }
    });
}

#[test]
fn reads() {
    let sample = Sample::new();
    sample.each(|form, archive| {
        let read = |digest: Digest, size: usize, limit| {
            Blob::read(archive.store(), &descriptor(digest, size), limit)
                .map(|blob| blob.bytes().to_vec())
        };
        assert_eq!(read(Digest::sha256(b"{}"), 2, 2), Ok(b"{}".to_vec()), "{form}");
        let digest = Digest::sha256(b"{}");
        assert_eq!(
            read(digest, 2, 1),
            Err(BlobError::TooLarge { digest, size: 2, limit: 1 }),
            "{form}"
        );
        // Forward, backward and again, as a compressed file is decoded.
        for at in [0, 2, 4, 4, 1, 3] {
            let (digest, bytes) = &sample.layers[at];
            let expected = if form.contains("stream") {
                Err(BlobError::ReadOnce { digest: *digest })
            } else {
                Ok(bytes.clone())
            };
            assert_eq!(read(*digest, bytes.len(), 1 << 20), expected, "{form}");
        }
        let (promised, found) = (sample.liar, Digest::sha256(b"truth"));
        let expected = if form.contains("stream") {
            BlobError::ReadOnce { digest: promised }
        } else {
            BlobError::WrongDigest { promised, found }
        };
        assert_eq!(read(promised, 5, 9), Err(expected), "{form}");
        // A sink that stops is heard, and the store goes on.
        let (digest, bytes) = &sample.layers[2];
        let stop = BlobError::Missing { digest: *digest };
        if !form.contains("stream") {
            let outcome = archive.store().read(digest, &mut |_| Err(stop.clone()));
            assert_eq!(outcome, Err(stop), "{form}");
            assert_eq!(read(*digest, bytes.len(), 1 << 20).as_ref(), Ok(bytes), "{form}");
        }
        assert_eq!(archive.store().first_byte(digest), Some(2), "{form}");
    });
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn what_is_written_is_what_is_read() {
    let scratch = tempfile::tempdir().unwrap();
    let long = Digest::of(Algorithm::Sha512, b"abc");
    let index = br#"{"schemaVersion":2,"manifests":[]}"#;
    let write = |name: &str| {
        let path = scratch.path().join(name);
        let mut writer = ArchiveWriter::create(&path).unwrap();
        writer.index(index).unwrap();
        for (digest, bytes) in
            [(Digest::sha256(b"abc"), &b"abc"[..]), (long, b"abc"), (Digest::sha256(b""), b"")]
        {
            assert!(!writer.contains(&digest));
            writer.blob(&digest, bytes.len() as u64, &mut &*bytes).unwrap();
            assert!(writer.contains(&digest));
        }
        assert!(!path.exists());
        writer.finish().unwrap();
        std::fs::read(path).unwrap()
    };
    let (first, second) = (write("a.tar"), write("b.tar"));
    assert!(first == second, "the same input gives the same bytes");
    assert_eq!(names(scratch.path()), ["a.tar", "b.tar"]);
    let archive = Archive::open(&scratch.path().join("a.tar"), &Limits::default()).unwrap();
    assert_eq!(archive.index_digest(), &Digest::sha256(index));
    assert_eq!(
        archive.store().blobs(),
        [(Digest::sha256(b"abc"), 3), (Digest::sha256(b""), 0), (long, 3)]
    );
    for (digest, size) in archive.store().blobs() {
        let size = usize::try_from(size).unwrap();
        assert_eq!(archive.store().check(&descriptor(digest, size)), Ok(()));
    }
}

/// Case 114: a link is replaced, not followed; a directory is left alone.
#[test]
fn what_stands_in_the_way_of_an_archive() {
    let scratch = tempfile::tempdir().unwrap();
    let (target, link) = (scratch.path().join("target"), scratch.path().join("x.tar"));
    std::fs::write(&target, "target").unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    let write = |path: &Path| {
        let mut writer = ArchiveWriter::create(path).unwrap();
        writer.index(b"{}").unwrap();
        writer.finish()
    };
    write(&link).unwrap();
    assert_eq!(std::fs::read(&target).unwrap(), b"target");
    assert!(std::fs::symlink_metadata(&link).unwrap().is_file());
    // As root a device would be gone, and with it what others write there.
    let there = |path: &Path, cause: io::Error| {
        let doing = format!("write `{}`", path.display());
        Some(Error::Io { doing, cause: cause.into() })
    };
    let no_file = || io::Error::other("it is there and no file");
    let device = Path::new("/dev/null");
    assert_eq!(ArchiveWriter::create(device).err(), there(device, no_file()));
    let pipe = scratch.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    assert_eq!(ArchiveWriter::create(&pipe).err(), there(&pipe, no_file()));
    std::fs::remove_file(&pipe).unwrap();
    let directory = scratch.path().join("layout");
    std::fs::create_dir(&directory).unwrap();
    std::fs::write(directory.join("kept"), "").unwrap();
    assert_eq!(write(&directory).unwrap_err().code(), "io");
    assert_eq!(names(&directory), ["kept"]);
    assert_eq!(names(scratch.path()), ["layout", "target", "x.tar"]);
}

/// Cases 116 and 117: what fails leaves nothing.
#[test]
fn what_fails_leaves_nothing() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the line is cut"))
        }
    }
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("x.tar");
    let abc = Digest::sha256(b"abc");
    let wrong_size = |promised, found| BlobError::WrongSize { digest: abc, promised, found };
    let cut = Error::Io {
        doing: format!("write `{}`", path.display()),
        cause: io::Error::other("the line is cut").into(),
    };
    let broken = Error::Io {
        doing: format!("write `{}`", path.display()),
        cause: io::Error::other("a blob could not be written").into(),
    };
    let cases: [(u64, Box<dyn Read>, Error); 4] = [
        (
            3,
            Box::new(&b"abd"[..]),
            Error::BadBlob {
                cause: BlobError::WrongDigest { promised: abc, found: Digest::sha256(b"abd") },
            },
        ),
        (3, Box::new(&b"ab"[..]), Error::BadBlob { cause: wrong_size(3, 2) }),
        (3, Box::new(&b"abcd"[..]), Error::BadBlob { cause: wrong_size(3, 4) }),
        (3, Box::new(Failing), cut),
    ];
    for (size, mut bytes, expected) in cases {
        let mut writer = ArchiveWriter::create(&path).unwrap();
        writer.index(b"{}").unwrap();
        assert_eq!(writer.blob(&abc, size, &mut bytes), Err(expected));
        assert_eq!(writer.finish().as_ref(), Err(&broken));
        assert_eq!(names(scratch.path()), [""; 0]);
    }
    // The same of places.
    let places: [(u64, &[&[u8]], BlobError); 4] = [
        (3, &[b"ab"], wrong_size(3, 2)),
        (3, &[b"ab", b"cd"], wrong_size(3, 4)),
        (4, &[b"abc"], wrong_size(4, 3)),
        (
            3,
            &[b"ab", b"d"],
            BlobError::WrongDigest { promised: abc, found: Digest::sha256(b"abd") },
        ),
    ];
    for (size, chunks, cause) in places {
        let mut writer = ArchiveWriter::create(&path).unwrap();
        writer.index(b"{}").unwrap();
        let filled = writer.fill(&[(abc, size)], |places| {
            let mut filling = places.fill(0)?;
            chunks.iter().try_for_each(|chunk| filling.write(chunk))?;
            filling.end()
        });
        assert_eq!(filled, Err(Error::BadBlob { cause }));
        assert_eq!(writer.finish().as_ref(), Err(&broken));
        assert_eq!(names(scratch.path()), [""; 0]);
    }
    // Each place is filled once.
    let mut writer = ArchiveWriter::create(&path).unwrap();
    writer.index(b"{}").unwrap();
    let error = |what: &str| {
        let doing = format!("write `{}`", path.display());
        Some(Error::Io { doing, cause: io::Error::other(what.to_owned()).into() })
    };
    let undue = || error("a blob is written that is not due");
    let filled = writer.fill(&[(abc, 3), (Digest::sha256(b""), 0)], |places| {
        let mut filling = places.fill(0)?;
        assert_eq!(places.fill(0).err(), undue());
        filling.write(b"abc")?;
        filling.end()?;
        assert_eq!((places.fill(0).err(), places.fill(2).err()), (undue(), undue()));
        assert_eq!(places.keep(0, &mut |_| {}).err(), undue());
        Ok(())
    });
    assert_eq!(filled.err(), error("a blob is not written"));
    drop(writer);
    assert_eq!(names(scratch.path()), [""; 0]);
    let mut writer = ArchiveWriter::create(&path).unwrap();
    assert_eq!(writer.blob(&abc, 3, &mut &b"abc"[..]), Err(Error::NoIndex));
    assert_eq!(writer.fill(&[(abc, 3)], |_| Ok(())), Err(Error::NoIndex));
    writer.index(b"{}").unwrap();
    let twice =
        |name: &str| Error::DuplicatePath { member: Member::file(name.as_bytes()), first: 0 };
    assert_eq!(writer.index(b"{}"), Err(twice("index.json")));
    writer.blob(&abc, 3, &mut &b"abc"[..]).unwrap();
    assert_eq!(writer.blob(&abc, 3, &mut &b"abc"[..]), Err(twice(&blob_name(&abc))));
    assert_eq!(writer.fill(&[(abc, 3)], |_| Ok(())), Err(twice(&blob_name(&abc))));
    drop(writer);
    assert_eq!(names(scratch.path()), [""; 0]);
    assert_eq!(ArchiveWriter::create(&path).unwrap().finish(), Err(Error::NoIndex));
    assert_eq!(names(scratch.path()), [""; 0]);
    let nowhere = scratch.path().join("absent/x.tar");
    assert_eq!(ArchiveWriter::create(&nowhere).err().unwrap().code(), "io");
}
