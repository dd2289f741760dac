//! Exports from registries that lie, lack or stumble: no archive appears.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sealift::archive::{Archive, ArchiveWriter, Leftover, Shape};
use sealift::digest::Digest;
use sealift::inventory::{Inventory, Name};
use sealift::limits::Limits;
use sealift::oci::{Descriptor, MediaType, Reference};
use sealift::transfer::{Error, Plan, Request, Settings, Unwatched, Written, into_archive};

use crate::server::{Answer, Server};
use crate::{descriptor, index, manifest, registry, told};

/// What a registry holds: the answer to each `METHOD target`, else `404`.
type Held = BTreeMap<String, Answer>;

fn put_manifest(held: &mut Held, at: &str, media_type: &str, bytes: &[u8]) -> Descriptor {
    let answer = Answer::new(200).body(media_type, bytes);
    let descriptor = descriptor(media_type, bytes);
    for at in [at.to_owned(), descriptor.digest.to_string()] {
        held.insert(format!("GET /v2/app/manifests/{at}"), answer.clone());
    }
    descriptor
}

fn put_blob(held: &mut Held, bytes: &[u8]) -> Descriptor {
    let descriptor = descriptor("application/octet-stream", bytes);
    let at = format!("GET /v2/app/blobs/{}", descriptor.digest);
    held.insert(at, Answer::new(200).body("application/octet-stream", bytes));
    descriptor
}

/// An image of one layer under `tag`.
fn put_image(held: &mut Held, tag: &str, layer: &[u8], subject: Option<&Descriptor>) -> Descriptor {
    let config = put_blob(held, b"{}");
    let layer = put_blob(held, layer);
    let mut document = serde_json::json!({
        "schemaVersion": 2,
        "mediaType": MediaType::OCI_MANIFEST,
        "artifactType": "application/vnd.example",
        "config": Descriptor { media_type: MediaType::OCI_EMPTY.into(), ..config },
        "layers": [layer],
    });
    if let Some(subject) = subject {
        document["subject"] = serde_json::to_value(subject).unwrap();
    }
    let bytes = serde_json::to_vec(&document).unwrap();
    put_manifest(held, tag, MediaType::OCI_MANIFEST, &bytes)
}

fn referrers(subject: &Descriptor) -> String {
    format!("GET /v2/app/referrers/{}", subject.digest)
}

fn tag(subject: &Descriptor, suffix: &str) -> String {
    format!("sha256-{}{suffix}", subject.digest.hex())
}

fn serve(held: Held) -> Server {
    Server::start(move |asked| held.get(&asked.line()).cloned().unwrap_or(Answer::new(404)))
}

fn export(server: &Server, output: &Path) -> Result<Vec<u8>, Error> {
    export_as(server, output, Shape::default()).map(|(ledger, _)| ledger)
}

fn export_as(server: &Server, output: &Path, shape: Shape) -> Result<(Vec<u8>, Written), Error> {
    let registry = registry(server, None);
    let repository = registry.repository("app");
    let reference: Reference = format!("{}/app:v1", server.host()).parse().unwrap();
    let name = Some(Name::Reference(reference));
    let requests = [Request { source: &repository, name, digest: None }];
    let settings = Settings { concurrency: 4, limits: Limits::default(), time: None };
    let plan = Plan::make(&requests, &settings, &Unwatched)?;
    let writer = ArchiveWriter::create_as(output, shape).unwrap();
    let written = into_archive(&plan, writer, 4, &Unwatched)?;
    Ok((plan.ledger().to_bytes(), written))
}

/// What an export that fails says, and that it left nothing behind.
fn refusal(held: Held) -> String {
    let directory = tempfile::tempdir().unwrap();
    let server = serve(held);
    let error = export(&server, &directory.path().join("out.tar")).unwrap_err();
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0, "something was left");
    told(error, &server)
}

#[test]
fn everything_that_speaks_of_an_image_is_carried() {
    let mut held = Held::new();
    let amd64 = put_image(&mut held, "amd64", b"layer 1", None);
    let arm64 = put_image(&mut held, "arm64", b"layer 2", None);
    let image =
        put_manifest(&mut held, "v1", MediaType::OCI_INDEX, &index(&[amd64.clone(), arm64]));
    let sig = put_image(&mut held, &tag(&image, ".sig"), b"signature", None);
    let sbom = put_image(&mut held, &tag(&amd64, ".sbom"), b"sbom", None);
    let listed = put_image(&mut held, "x1", b"bundle", Some(&image));
    let fallen = put_image(&mut held, "x2", b"notation", Some(&amd64));
    let deeper = put_image(&mut held, "x3", b"signature of the bundle", Some(&listed));
    let list = |of: &Descriptor| {
        Answer::new(200).body(MediaType::OCI_INDEX, index(std::slice::from_ref(of)))
    };
    held.insert(referrers(&image), list(&listed));
    held.insert(referrers(&listed), list(&deeper));
    put_manifest(
        &mut held,
        &tag(&amd64, ""),
        MediaType::OCI_INDEX,
        &index(std::slice::from_ref(&fallen)),
    );

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out.tar");
    let server = serve(held);
    let ledger = export(&server, &path).unwrap();
    let limits = Limits::default();
    let archive = Archive::open(&path, &limits).unwrap();
    let inventory = Inventory::of(&archive, &limits).unwrap();
    let evidence = |of: &Descriptor| -> Vec<Digest> {
        let subject = inventory.subject(&of.digest).unwrap();
        subject.evidence.iter().map(|evidence| evidence.manifest.digest).collect()
    };
    assert_eq!(evidence(&image), [sig.digest, listed.digest]);
    assert_eq!(evidence(&amd64), [sbom.digest, fallen.digest]);
    let bundle = &inventory.subject(&image.digest).unwrap().evidence[1];
    let speaking: Vec<_> = bundle.referrers.iter().map(|it| it.manifest.digest).collect();
    assert_eq!(speaking, [deeper.digest]);
    assert_eq!(inventory.ledger.unwrap().bytes(), ledger);
    assert_eq!(inventory.unreferenced, []);

    let again = directory.path().join("again.tar");
    export(&server, &again).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), std::fs::read(&again).unwrap());
}

/// A line that is cut: what was written is kept, and not asked for again.
#[test]
fn an_export_goes_on() {
    let mut held = Held::new();
    let layers: Vec<_> = (1..4_u8).map(|n| vec![n; 70_000]).collect();
    let images: Vec<_> =
        layers.iter().map(|layer| put_image(&mut held, "v1", layer, None)).collect();
    let image = put_manifest(&mut held, "v1", MediaType::OCI_INDEX, &index(&images));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out.tar");
    export(&serve(held.clone()), &path).unwrap();
    // Another server, another name in the archive: all is written by one.
    let mut sorted: Vec<_> = layers.iter().map(|layer| Digest::sha256(layer)).collect();
    sorted.sort();
    let last = format!("GET /v2/app/blobs/{}", sorted[2]);
    let cut = Arc::new(AtomicBool::new(true));
    let (is_cut, line) = (Arc::clone(&cut), last.clone());
    let server = Server::start(move |asked| {
        let answer = held.get(&asked.line()).cloned().unwrap_or(Answer::new(404));
        if asked.line() != line || !is_cut.load(Ordering::SeqCst) {
            return answer;
        }
        let body = answer.body[..60_000].to_vec();
        Answer { body, ..answer }.header("Content-Length", "70000")
    });
    let shape = Shape { volume: None, leftover: Leftover::Resumed };
    let error = export_as(&server, &path, shape).unwrap_err();
    let said = told(error, &server);
    assert!(said.starts_with(&format!("cannot read {} of HOST/app: ", sorted[2])), "{said}");
    let before = server.lines().len();
    cut.store(false, Ordering::SeqCst);
    let (_, written) = export_as(&server, &path, shape).unwrap();
    let small: u64 = [image.size, 2].into_iter().chain(images.iter().map(|it| it.size)).sum();
    assert_eq!(written.files, 1);
    assert_eq!((written.kept.blobs, written.kept.bytes > small + 140_000), (9, true));
    let asked = server.lines().split_off(before);
    let blobs: Vec<_> = asked.iter().filter(|line| line.contains("/blobs/")).collect();
    assert_eq!(blobs, [&last]);
    let resumed = std::fs::read(&path).unwrap();
    export(&server, &path).unwrap();
    assert!(std::fs::read(&path).unwrap() == resumed);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn an_image_that_is_not_there() {
    assert_eq!(refusal(Held::new()), "there is no image HOST/app:v1");
}

#[test]
fn a_lookup_that_fails_ends_the_export() {
    let mut held = Held::new();
    let image = put_image(&mut held, "v1", b"layer", None);
    held.insert(referrers(&image), Answer::new(500));
    assert_eq!(
        refusal(held),
        format!(
            "cannot look up evidence (referrers-api) of HOST/app@{0}: \
             GET http://HOST/v2/app/referrers/{0} was answered with 500",
            image.digest
        )
    );
    let mut held = Held::new();
    let image = put_image(&mut held, "v1", b"layer", None);
    let at = tag(&image, ".sig");
    held.insert(format!("GET /v2/app/manifests/{at}"), Answer::new(403));
    assert_eq!(
        refusal(held),
        format!(
            "cannot look up evidence (sig-tag) of HOST/app@{}: \
             GET http://HOST/v2/app/manifests/{at} was answered with 403",
            image.digest
        )
    );
}

#[test]
fn a_sparse_index_names_its_child() {
    let mut held = Held::new();
    let child = descriptor(MediaType::OCI_MANIFEST, &manifest("absent"));
    let image =
        put_manifest(&mut held, "v1", MediaType::OCI_INDEX, &index(std::slice::from_ref(&child)));
    assert_eq!(
        refusal(held),
        format!(
            "HOST/app lists {} in the index {} but does not hold it",
            child.digest, image.digest
        )
    );
}

#[test]
fn a_list_of_referrers_is_only_a_claim() {
    let mut held = Held::new();
    let image = put_image(&mut held, "v1", b"layer", None);
    let other = put_image(&mut held, "other", b"other", None);
    let stranger = put_image(&mut held, "x", b"bundle", Some(&other));
    let list = index(std::slice::from_ref(&stranger));
    held.insert(referrers(&image), Answer::new(200).body(MediaType::OCI_INDEX, list));
    assert_eq!(
        refusal(held),
        format!(
            "HOST/app lists {} as evidence of {}, to which it does not refer",
            stranger.digest, image.digest
        )
    );
    let mut held = Held::new();
    let image = put_image(&mut held, "v1", b"layer", None);
    let absent = descriptor(MediaType::OCI_MANIFEST, &manifest("absent"));
    let list = index(std::slice::from_ref(&absent));
    held.insert(referrers(&image), Answer::new(200).body(MediaType::OCI_INDEX, list));
    assert_eq!(
        refusal(held),
        format!(
            "HOST/app lists {} as evidence of {} but does not hold it",
            absent.digest, image.digest
        )
    );
}

#[test]
fn a_layer_that_is_not_its_digest() {
    let mut held = Held::new();
    put_image(&mut held, "v1", b"layer", None);
    let layer = descriptor("application/octet-stream", b"layer");
    let at = format!("GET /v2/app/blobs/{}", layer.digest);
    held.insert(at.clone(), Answer::new(200).body("x/y", "Layer"));
    let said = refusal(held.clone());
    assert!(said.starts_with("cannot write the archive: "), "{said}");
    assert!(said.contains(&layer.digest.to_string()), "{said}");
    held.insert(at, Answer::new(404));
    assert_eq!(
        refusal(held),
        format!("cannot read {0} of HOST/app: HOST/app holds no blob {0}", layer.digest)
    );
}

#[test]
fn circles_of_evidence_end() {
    let mut held = Held::new();
    let image = put_image(&mut held, "v1", b"layer", None);
    // A registry may list anything, even the image as evidence of itself.
    let list = index(std::slice::from_ref(&image));
    held.insert(referrers(&image), Answer::new(200).body(MediaType::OCI_INDEX, list));
    assert_eq!(
        refusal(held),
        format!("HOST/app lists {0} as evidence of {0}, to which it does not refer", image.digest)
    );
}

#[test]
fn evidence_about_evidence_is_bounded() {
    let mut held = Held::new();
    let mut last = put_image(&mut held, "v1", b"layer", None);
    for level in 0..5 {
        let next = put_image(&mut held, &level.to_string(), b"bundle", Some(&last));
        let referrer = index(std::slice::from_ref(&next));
        held.insert(referrers(&last), Answer::new(200).body(MediaType::OCI_INDEX, referrer));
        last = next;
    }
    assert_eq!(
        refusal(held),
        format!("levels of evidence about evidence exceed 4 at HOST/app@{}", last.digest)
    );
}
