//! What consumers find at a target, right after a mirror and after somebody changed it.

use sealift::digest::Digest;
use sealift::limits::Limits;
use sealift::oci::{Descriptor, MediaType};
use sealift::transfer::{Settings, read_back};
use serde_json::Value;

use crate::mirror::{Held, Layout, memory, mirror_file};
use crate::server::Answer;
use crate::{descriptor, index, ok_index, registry};

const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

/// An image with a `.sig` tag, a bundle and an SBOM, and another image with nothing.
struct Fixture {
    image: Descriptor,
    signature: Descriptor,
    bundle: Descriptor,
    path: std::path::PathBuf,
    _directory: tempfile::TempDir,
}

fn fixture() -> Fixture {
    let mut layout = Layout::default();
    let image = layout.artifact("application/vnd.example", b"layer", None);
    let signature = layout.artifact("application/vnd.example", b"signature", None);
    let bundle = layout.artifact(BUNDLE, b"bundle", Some(&image));
    let sbom = layout.artifact("application/spdx+json", b"sbom", Some(&image));
    layout.list(image.clone(), Some("r.example/app:v1"));
    let tag = format!("r.example/app:sha256-{}.sig", image.digest.hex());
    layout.list(signature.clone(), Some(&tag));
    layout.list(bundle.clone(), None);
    layout.list(sbom, None);
    let plain = layout.artifact("application/vnd.example", b"plain", None);
    layout.list(plain, Some("r.example/plain:v1"));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("in.tar");
    layout.write(&path);
    Fixture { image, signature, bundle, path, _directory: directory }
}

/// Mirrors, changes what the registry holds, and reads back: a line for each consumer of `app`.
fn matrix(fixture: &Fixture, change: impl FnOnce(&Held), api: Option<Vec<u8>>) -> Vec<String> {
    let held = Held::default();
    let server = memory(&held, |_| None);
    let landed = mirror_file(&fixture.path, &server).unwrap();
    change(&held);
    let later = memory(&held, move |asked| {
        let list = api.as_ref().filter(|_| asked.target.contains("/referrers/"));
        list.map(|list| if list.is_empty() { Answer::new(404) } else { ok_index(list) })
    });
    let target = registry(&later, None);
    let settings = Settings { concurrency: 2, limits: Limits::default(), time: None };
    let images = read_back(&landed, &|path| Box::new(target.repository(path)), &settings).unwrap();
    let names: Vec<_> = images.iter().map(|image| image.name.repository().to_owned()).collect();
    assert_eq!(names, ["far/app", "far/plain"]);
    for view in &images[1].views {
        assert_eq!((view.found, view.lost.as_slice()), (0, [].as_slice()));
    }
    let views = images[0].views.iter().map(|view| {
        let lost = view.lost.iter().map(|lost| {
            assert_eq!(lost.subject, fixture.image.digest);
            format!("; {}: {}", lost.digest, lost.why)
        });
        let lost: String = lost.collect();
        let text = format!("{}: {}{lost}", view.consumer.name(), view.found);
        let named = text
            .replace(&fixture.image.digest.hex(), "IMAGE")
            .replace(&fixture.signature.digest.to_string(), "SIGNATURE")
            .replace(&fixture.bundle.digest.to_string(), "BUNDLE");
        named.replace(&server.host(), "HOST")
    });
    views.collect()
}

fn manifest(at: impl std::fmt::Display) -> String {
    format!("/v2/far/app/manifests/{at}")
}

#[test]
fn every_consumer_finds_what_it_reads() {
    let fixture = fixture();
    let whole = ["cosign 2: 1", "cosign 3: 1", "containers/image: 1", "Kyverno: 2"];
    assert_eq!(matrix(&fixture, |_| {}, None), whole);
    // By the API as well; the tag is not asked then.
    let mut listed = fixture.bundle.clone();
    listed.artifact_type = Some(BUNDLE.to_owned());
    let fallback = manifest(format!("sha256-{}", fixture.image.digest.hex()));
    let unlist = |held: &Held| drop(held.lock().unwrap().remove(&fallback));
    assert_eq!(matrix(&fixture, unlist, Some(index(&[listed]))), whole);
}

#[test]
fn a_signature_that_is_not_where_it_is_looked_for() {
    let fixture = fixture();
    let tag = manifest(format!("sha256-{}.sig", fixture.image.digest.hex()));
    let lost = |why: &str| {
        [
            format!("cosign 2: 0; SIGNATURE: {why}"),
            "cosign 3: 1".to_owned(),
            format!("containers/image: 0; SIGNATURE: {why}"),
            format!("Kyverno: 1; SIGNATURE: {why}"),
        ]
    };
    let remove = |held: &Held| drop(held.lock().unwrap().remove(&tag));
    assert_eq!(matrix(&fixture, remove, None), lost("there is no tag sha256-IMAGE.sig"));
    let replace = |held: &Held| {
        let mut held = held.lock().unwrap();
        let other = held[&manifest(fixture.bundle.digest)].clone();
        held.insert(tag.clone(), other);
    };
    assert_eq!(matrix(&fixture, replace, None), lost("the tag sha256-IMAGE.sig is BUNDLE"));
    let blob = Digest::sha256(b"signature");
    let lose =
        |held: &Held| drop(held.lock().unwrap().remove(&format!("/v2/far/app/blobs/{blob}")));
    assert_eq!(matrix(&fixture, lose, None), lost(&format!("its blob {blob} is not there")));
    let lose = |held: &Held| drop(held.lock().unwrap().remove(&manifest(fixture.signature.digest)));
    assert_eq!(matrix(&fixture, lose, None), lost("its manifest is not there"));
    let retype = |held: &Held| {
        held.lock().unwrap().get_mut(&tag).unwrap().0 = MediaType::DOCKER_MANIFEST.to_owned();
    };
    assert_eq!(
        matrix(&fixture, retype, None),
        [
            "cosign 2: 1".to_owned(),
            "cosign 3: 1".to_owned(),
            format!(
                "containers/image: 0; SIGNATURE: it is `{}`, and only an OCI manifest is read",
                MediaType::DOCKER_MANIFEST
            ),
            "Kyverno: 2".to_owned(),
        ]
    );
}

#[test]
fn a_bundle_that_is_not_where_it_is_looked_for() {
    let fixture = fixture();
    let fallback = manifest(format!("sha256-{}", fixture.image.digest.hex()));
    let lost = |why: &str| {
        [
            "cosign 2: 1".to_owned(),
            format!("cosign 3: 0; BUNDLE: {why}"),
            "containers/image: 1".to_owned(),
            format!("Kyverno: 1; BUNDLE: {why}"),
        ]
    };
    let unlist = |held: &Held| drop(held.lock().unwrap().remove(&fallback));
    assert_eq!(matrix(&fixture, unlist, None), lost("no list of referrers names it"));
    // An API that lists nothing is believed, whatever the tag says.
    assert_eq!(matrix(&fixture, |_| {}, Some(index(&[]))), lost("no list of referrers names it"));
    let untype = |held: &Held| {
        let mut held = held.lock().unwrap();
        let mut list: Value = serde_json::from_slice(&held[&fallback].1).unwrap();
        for entry in list["manifests"].as_array_mut().unwrap() {
            entry.as_object_mut().unwrap().remove("artifactType");
        }
        held.get_mut(&fallback).unwrap().1 = serde_json::to_vec(&list).unwrap();
    };
    let typed = "only what begins with `application/vnd.dev.sigstore.bundle` is read";
    assert_eq!(matrix(&fixture, untype, None), lost(&format!("it is listed as ``, and {typed}")));
    let lose = |held: &Held| drop(held.lock().unwrap().remove(&manifest(fixture.bundle.digest)));
    assert_eq!(matrix(&fixture, lose, None), lost("its manifest is not there"));
}

#[test]
fn an_image_that_its_tag_does_not_name() {
    let fixture = fixture();
    let lost = |why: &str| {
        ["cosign 2: 1", "cosign 3: 1", "containers/image: 1", "Kyverno: 2"]
            .map(|found| format!("{found}; sha256:IMAGE: {why}"))
    };
    let remove = |held: &Held| drop(held.lock().unwrap().remove(&manifest("v1")));
    assert_eq!(matrix(&fixture, remove, None), lost("HOST/far/app:v1 is not there"));
    let replace = |held: &Held| {
        let mut held = held.lock().unwrap();
        let other = held[&manifest(fixture.bundle.digest)].clone();
        held.insert(manifest("v1"), other);
    };
    assert_eq!(matrix(&fixture, replace, None), lost("HOST/far/app:v1 is BUNDLE"));
}

/// cosign 3 takes the tags where there are no bundles.
#[test]
fn without_bundles() {
    let mut layout = Layout::default();
    let image = layout.artifact("application/vnd.example", b"layer", None);
    layout.list(image.clone(), Some("r.example/app:v1"));
    let [signature, _attestation] = ["sig", "att"].map(|kind| {
        let evidence = layout.artifact("application/vnd.example", kind.as_bytes(), None);
        let tag = format!("r.example/app:sha256-{}.{kind}", image.digest.hex());
        layout.list(evidence.clone(), Some(&tag));
        evidence
    });
    let bundle = descriptor(MediaType::OCI_MANIFEST, b"none");
    let plain = layout.artifact("application/vnd.example", b"plain", None);
    layout.list(plain, Some("r.example/plain:v1"));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("in.tar");
    layout.write(&path);
    let fixture = Fixture { image, signature, bundle, path, _directory: directory };
    let found = ["cosign 2: 2", "cosign 3: 2", "containers/image: 1", "Kyverno: 2"];
    assert_eq!(matrix(&fixture, |_| {}, Some(Vec::new())), found);
}
