//! `sealift diff`: every kind of difference, told whole.

use std::path::Path;
use std::process::Command;

use sealift::digest::Digest;
use sealift::oci::{Descriptor, MediaType};
use serde_json::{Value, json};

use crate::mirror::{Held, Layout, memory, mirror_file};

fn diff(arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sealift"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("SEALIFT_")) {
        command.env_remove(name);
    }
    let output = command.arg("diff").args(arguments).output().unwrap();
    let [stdout, stderr] = [output.stdout, output.stderr].map(|it| String::from_utf8(it).unwrap());
    (output.status.code(), stdout, stderr)
}

fn between(a: &Layout, b: &Layout, more: &[&str]) -> (Option<i32>, String, String) {
    let directory = tempfile::tempdir().unwrap();
    let [path_a, path_b] = ["a.tar", "b.tar"].map(|name| directory.path().join(name));
    a.write(&path_a);
    b.write(&path_b);
    let [path_a, path_b] = [path_a, path_b].map(|path| path.to_str().unwrap().to_owned());
    let (code, stdout, stderr) = diff(&[&[path_a.as_str(), path_b.as_str()], more].concat());
    (code, stdout.replace(&path_a, "a.tar").replace(&path_b, "b.tar"), stderr)
}

/// An image with a signature under its tag and a bundle, and an image without evidence.
fn layout() -> (Layout, Descriptor) {
    let mut layout = Layout::default();
    let image = layout.artifact("application/vnd.example", b"layer", None);
    let signature = layout.artifact("application/vnd.example", b"signature", None);
    let bundle =
        layout.artifact("application/vnd.dev.sigstore.bundle.v0.3+json", b"{}", Some(&image));
    let plain = layout.artifact("application/vnd.example", b"plain", None);
    layout.list(image.clone(), Some("r.example/app:v1"));
    layout.list(plain, Some("r.example/plain:v1"));
    layout.list(signature, Some(&format!("r.example/app:sha256-{}.sig", image.digest.hex())));
    layout.list(bundle, None);
    (layout, image)
}

const SAME: &str = "\
same: 2 images, 2 pieces of evidence, 8 blobs (SIZE bytes)
  A is a.tar
  B is b.tar
";

fn size(layout: &Layout) -> String {
    layout.blobs.values().map(Vec::len).sum::<usize>().to_string()
}

#[test]
fn the_same() {
    let (a, _) = layout();
    let (mut b, _) = layout();
    // The order of the entries is nobody's business.
    b.entries.reverse();
    let same = SAME.replace("SIZE", &size(&a));
    assert_eq!(between(&a, &b, &[]), (Some(0), same, String::new()));
}

#[test]
fn images_and_evidence_and_bytes() {
    let (a, image) = layout();
    let (mut b, _) = layout();
    // Another image under the second name, a third name, and no signature.
    let other = b.artifact("application/vnd.example", b"other", None);
    let plain = b.entries[1].digest;
    let signature = b.entries[2].clone();
    b.entries.retain(|entry| entry.digest != plain && entry.digest != signature.digest);
    b.list(other.clone(), Some("r.example/plain:v1"));
    b.list(image.clone(), Some("r.example/plain:v2"));
    for lost in [plain, signature.digest, Digest::sha256(b"plain"), Digest::sha256(b"signature")] {
        b.blobs.remove(&lost);
    }
    let (code, text, errors) = between(&a, &b, &[]);
    let mut blobs: Vec<(Digest, usize, &str)> = Vec::new();
    for (digest, side) in [
        (plain, "A"),
        (signature.digest, "A"),
        (Digest::sha256(b"plain"), "A"),
        (Digest::sha256(b"signature"), "A"),
        (other.digest, "B"),
        (Digest::sha256(b"other"), "B"),
    ] {
        let bytes = if side == "A" { &a.blobs[&digest] } else { &b.blobs[&digest] };
        blobs.push((digest, bytes.len(), side));
    }
    blobs.sort();
    let listed: Vec<_> = blobs
        .iter()
        .map(|(digest, size, side)| format!("\nblob only in {side}: {size} bytes\n  {digest}\n"))
        .collect();
    let expected = format!(
        "\
different: 2 of 3 images, 1 of 2 pieces of evidence, 6 of 10 blobs
  A is a.tar
  B is b.tar

another image: r.example/plain:v1
  A {plain}
  B {}

image only in B: r.example/plain:v2
  {}

evidence only in A: r.example/app:v1
  {}
  of {}
  signatures, under their tag
{}",
        other.digest,
        image.digest,
        signature.digest,
        image.digest,
        listed.concat()
    );
    assert_eq!((code, text, errors), (Some(1), expected, String::new()));

    let (code, text, _) = between(&a, &b, &["--format", "json"]);
    let found: Value = serde_json::from_str(&text).unwrap();
    let bytes: usize = a.blobs.values().map(Vec::len).sum::<usize>()
        + [other.digest, Digest::sha256(b"other")]
            .map(|it| b.blobs[&it].len())
            .iter()
            .sum::<usize>();
    let told_blobs: Vec<_> = blobs
        .iter()
        .map(|(digest, size, side)| {
            json!({"digest": digest, "size": size, "kind": "only-in", "side": side.to_lowercase()})
        })
        .collect();
    assert_eq!(
        (code, found),
        (
            Some(1),
            json!({
                "version": 1,
                "verdict": "different",
                "a": "a.tar",
                "b": "b.tar",
                "compared": {"images": 3, "evidence": 2, "blobs": 10, "bytes": bytes},
                "images": [
                    {"name": "r.example/plain:v1", "a": plain, "b": other.digest},
                    {"name": "r.example/plain:v2", "a": null, "b": image.digest},
                ],
                "evidence": [{
                    "image": "r.example/app:v1", "subject": image.digest,
                    "digest": signature.digest, "place": "sig-tag", "onlyIn": "a",
                }],
                "blobs": told_blobs,
            })
        )
    );
}

/// The digest is the same and the bytes are not.
#[test]
fn broken_bytes() {
    let (layout, _) = layout();
    let directory = tempfile::tempdir().unwrap();
    let [whole, broken] = ["whole.tar", "broken.tar"].map(|name| directory.path().join(name));
    layout.write(&whole);
    let mut bytes = std::fs::read(&whole).unwrap();
    let at = bytes.windows(5).position(|window| window == b"layer").unwrap();
    let content = bytes.windows(512).position(|window| window.starts_with(b"layer\0")).unwrap();
    assert!(at <= content);
    bytes[content] ^= 1;
    std::fs::write(&broken, bytes).unwrap();
    let [whole, broken] = [&whole, &broken].map(|path| path.to_str().unwrap());
    let expected = |side: &str| {
        format!(
            "different: 0 of 2 images, 0 of 2 pieces of evidence, 1 of 8 blobs\n  A is A\n  B is B\n\n\
             blob broken in {side}: 5 bytes\n  {}\n",
            Digest::sha256(b"layer")
        )
    };
    let told = |a: &str, b: &str| {
        let (code, text, errors) = diff(&[a, b]);
        let text = text.replace(&format!("A is {a}\n"), "A is A\n");
        (code, text.replace(&format!("B is {b}\n"), "B is B\n"), errors)
    };
    assert_eq!(told(whole, broken), (Some(1), expected("B"), String::new()));
    assert_eq!(told(broken, whole), (Some(1), expected("A"), String::new()));
}

#[test]
fn an_archive_and_a_registry() {
    let (layout, image) = layout();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("in.tar");
    layout.write(&path);
    let held = Held::default();
    let server = memory(&held, |_| None);
    mirror_file(&path, &server).unwrap();
    let to = format!("docker://{}/far", server.host());
    let path = path.to_str().unwrap();
    let told = |a: &str, b: &str, more: &[&str]| {
        let arguments = [&[a, b, "--plain-http"], more].concat();
        let (code, text, errors) = diff(&arguments);
        let plain = |text: String| text.replace(&server.host(), "HOST").replace(path, "a.tar");
        (code, plain(text), plain(errors))
    };
    let same = SAME.replace("SIZE", &size(&layout));
    let far = same.replace("b.tar", "docker://HOST/far");
    assert_eq!(told(path, &to, &[]), (Some(0), far.clone(), String::new()));
    let turned = same.replace("A is a.tar\n  B is b.tar", "A is docker://HOST/far\n  B is a.tar");
    assert_eq!(told(&to, path, &[]), (Some(0), turned, String::new()));
    // Elsewhere there is nothing.
    let map = format!("r.example/plain={}/else", server.host());
    let (code, text, _) = told(path, &to, &["--map", &map]);
    assert_eq!(
        (code, text.lines().next()),
        (Some(1), Some("different: 1 of 2 images, 0 of 2 pieces of evidence, 2 of 8 blobs"))
    );
    // Evidence and a blob go.
    let fallback = format!("/v2/far/app/manifests/sha256-{}", image.digest.hex());
    let blob = format!("/v2/far/plain/blobs/{}", Digest::sha256(b"plain"));
    for at in [fallback, blob] {
        assert!(held.lock().unwrap().remove(&at).is_some(), "{at}");
    }
    let bundle = &layout.entries[3];
    let (b, a) = ("docker://HOST/far", "a.tar");
    let mut blobs = [(bundle.digest, bundle.size), (Digest::sha256(b"plain"), 5)];
    blobs.sort();
    let blobs: Vec<_> = blobs
        .iter()
        .map(|(digest, size)| format!("\nblob only in B: {size} bytes\n  {digest}\n"))
        .collect();
    let expected = format!(
        "different: 0 of 2 images, 1 of 2 pieces of evidence, 2 of 8 blobs\n  A is {b}\n  B is {a}\n\n\
         evidence only in B: r.example/app:v1\n  {}\n  of {}\n  a referrer\n{}",
        bundle.digest,
        image.digest,
        blobs.concat()
    );
    assert_eq!(told(&to, path, &[]), (Some(1), expected, String::new()));
}

#[test]
fn what_cannot_be_decided() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing.tar");
    let (a, _) = layout();
    let path = directory.path().join("a.tar");
    a.write(&path);
    let mut nameless = Layout::default();
    let image = nameless.blob(MediaType::OCI_MANIFEST, &crate::manifest("x"));
    nameless.list(image.clone(), None);
    let unnamed = directory.path().join("unnamed.tar");
    nameless.write(&unnamed);
    let shown = |path: &Path| path.to_str().unwrap().to_owned();
    let (path, missing, unnamed) = (shown(&path), shown(&missing), shown(&unnamed));
    for (arguments, said) in [
        (
            vec![path.as_str(), missing.as_str()],
            format!("error: archive `{missing}` cannot be read: "),
        ),
        (
            vec!["docker://r.example", "docker://s.example"],
            "error: one side must be an archive, for a registry does not say what it holds\n"
                .into(),
        ),
        (
            vec!["-", path.as_str()],
            "error: a stream can be read only once, and a comparison goes back and forth\n".into(),
        ),
        (
            vec![unnamed.as_str(), "docker://127.0.0.1:1", "--plain-http"],
            format!(
                "error: {} has no full name (registry/repository:tag), so it has no place in a registry\n",
                image.digest
            ),
        ),
        (
            vec![path.as_str(), "docker://127.0.0.1:1", "--plain-http"],
            "error: no answer to GET http://127.0.0.1:1/v2/app/manifests/v1: ".into(),
        ),
    ] {
        let (code, stdout, stderr) = diff(&arguments);
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{arguments:?}: {stderr}");
        assert!(stderr.starts_with(&said), "{arguments:?}: {stderr}");
    }
}
