//! Exports that break off and go on: what fits is kept and nothing else, and the bytes are those of a
//! run that never broke.

#![expect(
    clippy::as_conversions,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "tests read files, run the binary and stop at what is wrong"
)]

mod layouts;

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use layouts::Layout;
use sealift::archive::{ArchiveWriter, Error, Kept, Leftover, Shape};
use sealift::digest::{Algorithm, Digest};

const INDEX: &[u8] = br#"{"schemaVersion":2,"manifests":[]}"#;

type Blobs = Vec<(Digest, Vec<u8>)>;

/// Blobs whose members end on a block and inside one, the last with a name too long for a header.
fn blobs() -> Blobs {
    let sizes = [0, 1, 511, 512, 5000, 700];
    let mut blobs: Blobs = sizes
        .iter()
        .zip(1_u8..)
        .map(|(size, n)| vec![n; *size])
        .map(|bytes| (Digest::sha256(&bytes), bytes))
        .collect();
    blobs.push((Digest::of(Algorithm::Sha512, b"long"), b"long".to_vec()));
    blobs
}

fn promised(blobs: &Blobs) -> Vec<(Digest, u64)> {
    blobs.iter().map(|(digest, bytes)| (*digest, bytes.len() as u64)).collect()
}

fn shape(volume: Option<&str>, leftover: Leftover) -> Shape {
    Shape { volume: volume.map(|size| size.parse().unwrap()), leftover }
}

/// Writes what was not kept.
fn write(path: &Path, shape: Shape, index: &[u8], blobs: &Blobs) -> Result<Kept, Error> {
    let mut writer = ArchiveWriter::create_as(path, shape)?;
    let mut passed = 0;
    let kept = writer.begin(index, &promised(blobs), &mut |bytes| passed += bytes)?;
    assert!(passed >= kept.bytes, "what is kept is hashed");
    for (digest, bytes) in &blobs[kept.blobs..] {
        writer.blob(digest, bytes.len() as u64, &mut bytes.as_slice())?;
    }
    writer.finish()?;
    Ok(kept)
}

fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The whole tar, and where in it each blob's member ends.
fn undisturbed(blobs: &Blobs) -> (Vec<u8>, Vec<usize>) {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("x.tar");
    write(&path, Shape::default(), INDEX, blobs).unwrap();
    assert_eq!(names(scratch.path()), ["x.tar"]);
    let mut end = 2048;
    let ends = blobs
        .iter()
        .map(|(digest, bytes)| {
            let headers = if digest.algorithm() == Algorithm::Sha512 { 1536 } else { 512 };
            end += headers + bytes.len().next_multiple_of(512);
            end
        })
        .collect();
    (std::fs::read(path).unwrap(), ends)
}

/// The first `count` blobs.
fn kept(blobs: &Blobs, count: usize) -> Kept {
    let bytes = blobs[..count].iter().map(|(_, bytes)| bytes.len() as u64).sum();
    Kept { blobs: count, bytes }
}

#[test]
fn a_partial_of_any_length() {
    let blobs = blobs();
    let (tar, ends) = undisturbed(&blobs);
    assert_eq!(ends.last().unwrap() + 1024, tar.len());
    let scratch = tempfile::tempdir().unwrap();
    let (path, partial) = (scratch.path().join("x.tar"), scratch.path().join(".x.tar.partial"));
    let lengths = (0..tar.len()).step_by(97).chain(ends.iter().flat_map(|end| [end - 1, *end]));
    for length in lengths.chain([tar.len()]) {
        std::fs::write(&partial, &tar[..length]).unwrap();
        let whole = ends.iter().filter(|end| **end <= length).count();
        let found = write(&path, shape(None, Leftover::Resumed), INDEX, &blobs);
        assert_eq!(found, Ok(kept(&blobs, whole)), "{length}");
        assert!(std::fs::read(&path).unwrap() == tar, "{length}");
        assert_eq!(names(scratch.path()), ["x.tar"]);
    }
    // Longer than the archive.
    std::fs::write(&partial, [&tar[..], &[7; 5000]].concat()).unwrap();
    let found = write(&path, shape(None, Leftover::Resumed), INDEX, &blobs);
    assert_eq!(found, Ok(kept(&blobs, blobs.len())));
    assert!(std::fs::read(&path).unwrap() == tar);
    // Nothing there.
    let found = write(&path, shape(None, Leftover::Resumed), INDEX, &blobs);
    assert_eq!(found, Ok(kept(&blobs, 0)));
    assert!(std::fs::read(&path).unwrap() == tar);
}

/// Sizes, names and padding of a partial are worth nothing; only what proves itself is kept.
#[test]
fn a_partial_with_a_wrong_byte() {
    let blobs = blobs();
    let (tar, ends) = undisturbed(&blobs);
    let scratch = tempfile::tempdir().unwrap();
    let (path, partial) = (scratch.path().join("x.tar"), scratch.path().join(".x.tar.partial"));
    for at in (0..tar.len()).step_by(31) {
        let mut wrong = tar.clone();
        wrong[at] ^= 0x20;
        std::fs::write(&partial, &wrong).unwrap();
        let sound = if at < 2048 { 0 } else { ends.iter().filter(|end| **end <= at).count() };
        let found = write(&path, shape(None, Leftover::Resumed), INDEX, &blobs);
        assert_eq!(found, Ok(kept(&blobs, sound)), "{at}");
        assert!(std::fs::read(&path).unwrap() == tar, "{at}");
    }
}

#[test]
fn a_partial_of_another_archive() {
    let (blobs, scratch) = (blobs(), tempfile::tempdir().unwrap());
    let (tar, _) = undisturbed(&blobs);
    let (path, partial) = (scratch.path().join("x.tar"), scratch.path().join(".x.tar.partial"));
    let resumed = shape(None, Leftover::Resumed);
    let mut others = blobs.clone();
    others.remove(2);
    let cases: [(&[u8], &Blobs, usize); 3] =
        [(INDEX, &others, 2), (b"{}", &blobs, 0), (INDEX, &blobs, 7)];
    for (index, blobs, count) in cases {
        std::fs::write(&partial, &tar).unwrap();
        assert_eq!(write(&path, resumed, index, blobs), Ok(kept(blobs, count)));
        let written = std::fs::read(&path).unwrap();
        write(&path, Shape::default(), index, blobs).unwrap();
        assert!(std::fs::read(&path).unwrap() == written);
    }
    // Without being asked to, nothing is kept.
    std::fs::write(&partial, &tar).unwrap();
    let found = write(&path, shape(None, Leftover::Replaced), INDEX, &blobs);
    assert_eq!(found, Ok(kept(&blobs, 0)));
    // An archive that is written without saying beforehand what it will hold.
    std::fs::write(&partial, [&tar[..], &[7; 5000]].concat()).unwrap();
    let mut writer = ArchiveWriter::create_as(&path, resumed).unwrap();
    writer.index(INDEX).unwrap();
    for (digest, bytes) in &blobs {
        writer.blob(digest, bytes.len() as u64, &mut bytes.as_slice()).unwrap();
    }
    assert_eq!(writer.finish(), Ok(1));
    assert!(std::fs::read(&path).unwrap() == tar);
    assert_eq!(names(scratch.path()), ["x.tar"]);
}

/// Blobs that span volumes of 1 MiB, and blobs that end where one does.
fn large() -> Blobs {
    let sizes = [3, 1_044_992, 700_000, 2_500_000, 1];
    sizes
        .iter()
        .zip(1_u8..)
        .map(|(size, n)| vec![n; *size])
        .map(|bytes| (Digest::sha256(&bytes), bytes))
        .collect()
}

#[test]
fn volumes_go_on() {
    let blobs = large();
    let (tar, ends) = undisturbed(&blobs);
    let payload = (1 << 20) - 1024;
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("x.tar");
    let resumed = shape(Some("1MiB"), Leftover::Resumed);
    write(&path, shape(Some("1MiB"), Leftover::Replaced), INDEX, &blobs).unwrap();
    let volume = |number: usize| scratch.path().join(format!("x.tar.{number:03}"));
    let partial = |number: usize| scratch.path().join(format!(".x.tar.{number:03}.partial"));
    let expected: Vec<_> = (1..=5).map(|number| std::fs::read(volume(number)).unwrap()).collect();
    let lengths =
        [0, 1, 2048, payload - 1, payload, payload + 1, 2 * payload, 3_000_000, tar.len()];
    for length in lengths.into_iter().chain(ends.iter().flat_map(|end| [end - 1, *end])) {
        (1..=5).for_each(|number| std::fs::remove_file(volume(number)).unwrap());
        for (number, piece) in (1..).zip(tar[..length].chunks(payload)) {
            std::fs::write(partial(number), [&[0; 512], piece].concat()).unwrap();
        }
        let whole = ends.iter().filter(|end| **end <= length).count();
        assert_eq!(write(&path, resumed, INDEX, &blobs), Ok(kept(&blobs, whole)), "{length}");
        for (number, expected) in (1..).zip(&expected) {
            assert!(std::fs::read(volume(number)).unwrap() == *expected, "{length}, {number}");
        }
        assert_eq!(names(scratch.path()).len(), 5, "{length}");
    }
    // Volumes of another size, and a hole in their row: what fits at its place is kept.
    (1..=5).for_each(|number| std::fs::remove_file(volume(number)).unwrap());
    for (number, piece) in (1..).zip(tar.chunks(2 * payload)) {
        std::fs::write(partial(number), [&[0; 512], piece].concat()).unwrap();
    }
    std::fs::write(partial(7), b"out of the row").unwrap();
    assert_eq!(write(&path, resumed, INDEX, &blobs), Ok(kept(&blobs, 1)));
    for (number, expected) in (1..).zip(&expected) {
        assert!(std::fs::read(volume(number)).unwrap() == *expected, "{number}");
    }
    std::fs::remove_file(partial(7)).unwrap();
    // What was left in the other form is cleared away.
    std::fs::write(partial(1), "1").unwrap();
    std::fs::write(partial(2), "2").unwrap();
    std::fs::write(scratch.path().join(".x.tar.partial"), &tar).unwrap();
    assert_eq!(
        write(&path, shape(None, Leftover::Resumed), INDEX, &blobs),
        Ok(kept(&blobs, blobs.len()))
    );
    assert_eq!(names(scratch.path()).len(), 6);
}

/// A run that fails leaves what it has, where it is to be resumed.
#[test]
fn what_fails_is_kept() {
    struct Failing(usize);
    impl Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.0.min(buffer.len());
            self.0 -= count;
            buffer[..count].fill(2);
            if count == 0 { Err(io::Error::other("the line is cut")) } else { Ok(count) }
        }
    }
    let scratch = tempfile::tempdir().unwrap();
    let blobs = large();
    let (tar, _) = undisturbed(&blobs);
    for (volume, left) in [
        (None, vec![".x.tar.partial"]),
        (Some("1MiB"), vec![".x.tar.001.partial", ".x.tar.002.partial"]),
    ] {
        let path = scratch.path().join("x.tar");
        let resumed = shape(volume, Leftover::Resumed);
        let mut writer = ArchiveWriter::create_as(&path, resumed).unwrap();
        let found = writer.begin(INDEX, &promised(&blobs), &mut |_| {}).unwrap();
        assert_eq!(found, kept(&blobs, 0));
        let (digest, bytes) = &blobs[0];
        writer.blob(digest, 3, &mut bytes.as_slice()).unwrap();
        let (digest, bytes) = &blobs[1];
        let cut = writer.blob(digest, bytes.len() as u64, &mut Failing(bytes.len() - 1));
        assert_eq!(
            cut,
            Err(Error::Io {
                doing: format!("write `{}`", path.display()),
                cause: io::Error::other("the line is cut").into(),
            })
        );
        drop(writer);
        assert_eq!(names(scratch.path()), left);
        assert_eq!(write(&path, resumed, INDEX, &blobs), Ok(kept(&blobs, 1)));
        if volume.is_none() {
            assert!(std::fs::read(&path).unwrap() == tar);
            std::fs::remove_file(&path).unwrap();
        }
    }
}

#[test]
fn what_stands_in_the_way_of_a_partial() {
    let scratch = tempfile::tempdir().unwrap();
    let (path, partial) = (scratch.path().join("x.tar"), scratch.path().join(".x.tar.partial"));
    let target = scratch.path().join("target");
    std::fs::write(&target, "target").unwrap();
    let in_the_way = |cause: String| Error::Io {
        doing: format!("write `{}`", path.display()),
        cause: io::Error::other(cause).into(),
    };
    let cause = format!("`{}` is in the way", partial.display());
    let put: [fn(&Path, &Path); 3] = [
        |target, partial| std::os::unix::fs::symlink(target, partial).unwrap(),
        |target, partial| std::fs::hard_link(target, partial).unwrap(),
        |_, partial| std::fs::create_dir(partial).unwrap(),
    ];
    for put in put {
        put(&target, &partial);
        for leftover in [Leftover::Replaced, Leftover::Resumed] {
            let refused = ArchiveWriter::create_as(&path, shape(None, leftover)).err().unwrap();
            assert_eq!(refused, in_the_way(cause.clone()));
        }
        assert_eq!(std::fs::read(&target).unwrap(), b"target");
        std::fs::remove_file(&partial).or_else(|_| std::fs::remove_dir(&partial)).unwrap();
    }
    // Two runs at once.
    let first = ArchiveWriter::create(&path).unwrap();
    for leftover in [Leftover::Replaced, Leftover::Resumed] {
        let refused = ArchiveWriter::create_as(&path, shape(None, leftover)).err().unwrap();
        assert_eq!(refused, Error::Busy { path: partial.display().to_string() });
    }
    drop(first);
    // Somebody took the partial away and put another there.
    let mut writer = ArchiveWriter::create(&path).unwrap();
    writer.index(INDEX).unwrap();
    std::fs::remove_file(&partial).unwrap();
    std::fs::write(&partial, "another").unwrap();
    assert_eq!(writer.finish(), Err(in_the_way("another run has taken its place".to_owned())));
    assert_eq!(std::fs::read(&partial).unwrap(), b"another");
    assert_eq!(names(scratch.path()), [".x.tar.partial", "target"]);
}

/// An archive of some MiB to export from.
fn source(directory: &Path) -> PathBuf {
    let mut layout = Layout::default();
    let mut roots = Vec::new();
    for n in 0..24_u32 {
        let layer: Vec<u8> = (0..75_000_u32).flat_map(|at| (at * (n + 7)).to_le_bytes()).collect();
        let layer = layout.blob("application/vnd.oci.image.layer.v1.tar", layer);
        let config =
            layout.blob("application/vnd.oci.image.config.v1+json", format!("{{\"n\":{n}}}"));
        let image = serde_json::json!({ "config": config, "layers": [layer] });
        roots.push((layout.manifest(&image), format!("r.example/app:v{n}")));
    }
    for (image, name) in roots {
        layout.root(&image, &[("io.containerd.image.name", &name)]);
    }
    let path = directory.join("source.tar");
    std::fs::write(&path, layout.tar()).unwrap();
    path
}

fn export(source: &Path, output: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sealift"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("SEALIFT_")) {
        command.env_remove(name);
    }
    command.arg("export").arg(format!("oci-archive:{}", source.display()));
    command.arg("-o").arg(output).args(more).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// What nothing is kept of is told, for it has to be fetched again.
#[test]
fn what_was_left_of_another_archive_is_told() {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/demo/upgrade.tar");
    let scratch = tempfile::tempdir().unwrap();
    let (path, partial) = (scratch.path().join("x.tar"), scratch.path().join(".x.tar.partial"));
    let told = |more: &[&str]| {
        let output = export(&demo, &path, more).stdout(Stdio::piped()).output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        let told = String::from_utf8(output.stdout).unwrap();
        let (_, rest) = told.split_once("kept of what was there: ").unwrap_or_default();
        rest.to_owned()
    };
    assert_eq!(told(&["--platform", "linux/amd64"]), "");
    let other = std::fs::read(&path).unwrap();
    assert_eq!(told(&["--resume"]), "0 blobs, 0 B\n");
    let whole = std::fs::read(&path).unwrap();
    let differ = other.iter().zip(&whole).position(|(other, whole)| other != whole).unwrap();
    let is_other = "what was there was of other images, or of other evidence of them\n";
    for (left, expected) in [
        (&other[..], format!("0 blobs, 0 B\n{is_other}")),
        (&other[..=differ], format!("0 blobs, 0 B\n{is_other}")),
        (&other[..differ], "0 blobs, 0 B\n".to_owned()),
        (&whole[..1600], "0 blobs, 0 B\n".to_owned()),
        (&whole[..0], "0 blobs, 0 B\n".to_owned()),
    ] {
        std::fs::write(&partial, left).unwrap();
        assert_eq!(told(&["--resume"]), expected, "{}", left.len());
        assert!(std::fs::read(&path).unwrap() == whole);
    }
    // Nobody asked what became of it.
    std::fs::write(&partial, &other).unwrap();
    assert_eq!(told(&[]), "");
    std::fs::write(&partial, &whole).unwrap();
    let kept = told(&["--resume"]);
    assert!(!kept.starts_with("0 blobs") && !kept.contains(is_other), "{kept}");
}

/// HOSTILE.md case 116: killed at any moment, there is no archive or a whole one.
#[test]
fn killed_at_any_moment() {
    const MOMENTS: u64 = 25;
    let scratch = tempfile::tempdir().unwrap();
    let source = source(scratch.path());
    for (name, more) in [("one", &[][..]), ("many", &["--volume-size", "1MiB"][..])] {
        let directory = scratch.path().join(name);
        std::fs::create_dir(&directory).unwrap();
        let expected = directory.join("expected");
        std::fs::create_dir(&expected).unwrap();
        assert!(export(&source, &expected.join("x.tar"), more).status().unwrap().success());
        let files = names(&expected);
        let is_whole = |at: &Path| {
            let found: Vec<_> = names(at).into_iter().filter(|it| !it.starts_with('.')).collect();
            for file in &found {
                let same = std::fs::read(at.join(file)).unwrap()
                    == std::fs::read(expected.join(file)).unwrap();
                assert!(same, "{file}");
            }
            found == files
        };
        for moment in 0..MOMENTS {
            let at = directory.join(moment.to_string());
            std::fs::create_dir(&at).unwrap();
            let output = at.join("x.tar");
            let resume = if moment % 2 == 0 { &["--resume"][..] } else { &[] };
            let arguments = [more, resume].concat();
            for delay in [moment * 5, 60 - moment * 2] {
                let mut child = export(&source, &output, &arguments).spawn().unwrap();
                thread::sleep(Duration::from_millis(delay));
                child.kill().unwrap();
                child.wait().unwrap();
                is_whole(&at);
            }
            assert!(export(&source, &output, &arguments).status().unwrap().success());
            assert!(is_whole(&at), "{moment}");
            assert_eq!(names(&at), files, "{moment}");
            std::fs::remove_dir_all(&at).unwrap();
        }
    }
}

/// Fills the places of all blobs but the first `left`, the last first, unless what stands there is
/// kept; how many were.
fn fill(path: &Path, blobs: &Blobs, left: usize) -> Result<usize, Error> {
    let mut writer = ArchiveWriter::create_as(path, shape(None, Leftover::Resumed))?;
    assert!(writer.has_places());
    let first = writer.begin(INDEX, &promised(blobs), &mut |_| {})?;
    let rest = blobs[first.blobs..].to_vec();
    let (mut kept, mut hashed) = (first.blobs, 0);
    writer.fill(&promised(&rest), |places| {
        for (number, (_, bytes)) in rest.iter().enumerate().skip(left).rev() {
            if places.keep(number, &mut |bytes| hashed += bytes)? {
                kept += 1;
                assert_eq!(std::mem::take(&mut hashed), bytes.len() as u64);
                continue;
            }
            let mut filling = places.fill(number)?;
            bytes.chunks(300).try_for_each(|chunk| filling.write(chunk))?;
            filling.end()?;
        }
        Ok::<_, Error>(())
    })?;
    assert_eq!(writer.finish(), Ok(1));
    Ok(kept)
}

#[test]
fn places_are_filled_in_any_order() {
    let blobs = blobs();
    let (tar, ends) = undisturbed(&blobs);
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("x.tar");
    let is_whole = || {
        let is_whole = std::fs::read(&path).unwrap() == tar;
        std::fs::remove_file(&path).unwrap();
        is_whole
    };
    let incomplete = || {
        let cause = io::Error::other("a blob is not written").into();
        Err(Error::Io { doing: format!("write `{}`", path.display()), cause })
    };
    assert_eq!((fill(&path, &blobs, 0), is_whole()), (Ok(0), true));
    for left in 1..=blobs.len() {
        assert_eq!(fill(&path, &blobs, left), incomplete());
        assert_eq!((fill(&path, &blobs, 0), is_whole()), (Ok(blobs.len() - left), true), "{left}");
        // Whoever writes front to back keeps nothing behind a hole.
        assert_eq!(fill(&path, &blobs, left), incomplete());
        let resumed = shape(None, Leftover::Resumed);
        assert_eq!(write(&path, resumed, INDEX, &blobs), Ok(kept(&blobs, 0)));
        assert!(is_whole(), "{left}");
    }
    // Whatever else stands there is not kept, and neither is what lies behind the end.
    let partial = scratch.path().join(".x.tar.partial");
    for member in ends.windows(2) {
        for at in [member[0], member[1] - 512, member[1] - 1] {
            let mut other = [&tar[..], &[7; 5000]].concat();
            other[at] ^= 1;
            std::fs::write(&partial, other).unwrap();
            assert_eq!(fill(&path, &blobs, 0), Ok(blobs.len() - 1), "{at}");
            assert!(is_whole(), "{at}");
        }
    }
    let volumes = shape(Some("1MiB"), Leftover::Replaced);
    let mut writer = ArchiveWriter::create_as(&path, volumes).unwrap();
    assert!(!writer.has_places());
    writer.begin(INDEX, &promised(&blobs), &mut |_| {}).unwrap();
    let cause = io::Error::other("volumes are written front to back").into();
    assert_eq!(
        writer.fill(&promised(&blobs), |_| Ok::<_, Error>(())),
        Err(Error::Io { doing: format!("write `{}`", path.display()), cause })
    );
}
