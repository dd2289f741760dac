//! Exports from registries that lie, lack or stumble: no archive appears.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use sealift::archive::{Archive, ArchiveWriter, Leftover, Shape};
use sealift::digest::Digest;
use sealift::inventory::ledger::{Ledger, Lookup, LookupKind, Outcome};
use sealift::inventory::{Inventory, Name};
use sealift::limits::Limits;
use sealift::oci::{Descriptor, MediaType, Reference};
use sealift::transfer::{
    Error, Exceptions, Moved, Plan, Platforms, Request, Search, Settings, Watch, Written,
    into_archive,
};

use crate::server::{Answer, Server};
use crate::{descriptor, index, manifest, registry, told};

/// What a registry holds: the answer to each `METHOD target`, else `404`.
type Held = BTreeMap<String, Answer>;

fn put_manifest(held: &mut Held, at: &str, media_type: &str, bytes: &[u8]) -> Descriptor {
    put_manifest_into("app", held, at, media_type, bytes)
}

fn put_manifest_into(
    repository: &str,
    held: &mut Held,
    at: &str,
    media_type: &str,
    bytes: &[u8],
) -> Descriptor {
    let answer = Answer::new(200).body(media_type, bytes);
    let descriptor = descriptor(media_type, bytes);
    for at in [at.to_owned(), descriptor.digest.to_string()] {
        held.insert(format!("GET /v2/{repository}/manifests/{at}"), answer.clone());
    }
    descriptor
}

fn put_blob(repository: &str, held: &mut Held, bytes: &[u8]) -> Descriptor {
    let descriptor = descriptor("application/octet-stream", bytes);
    let at = format!("GET /v2/{repository}/blobs/{}", descriptor.digest);
    held.insert(at, Answer::new(200).body("application/octet-stream", bytes));
    descriptor
}

/// An image of one layer under `tag`.
fn put_image(held: &mut Held, tag: &str, layer: &[u8], subject: Option<&Descriptor>) -> Descriptor {
    put_image_into("app", held, tag, layer, subject)
}

fn put_image_into(
    repository: &str,
    held: &mut Held,
    tag: &str,
    layer: &[u8],
    subject: Option<&Descriptor>,
) -> Descriptor {
    let config = put_blob(repository, held, b"{}");
    let layer = put_blob(repository, held, layer);
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
    put_manifest_into(repository, held, tag, MediaType::OCI_MANIFEST, &bytes)
}

/// The descriptor with a platform.
fn on(platform: &str, descriptor: &Descriptor) -> Descriptor {
    let (os, architecture) = platform.split_once('/').unwrap();
    let mut value = serde_json::to_value(descriptor).unwrap();
    value["platform"] = serde_json::json!({ "os": os, "architecture": architecture });
    serde_json::from_value(value).unwrap()
}

fn list(of: &Descriptor) -> Answer {
    Answer::new(200).body(MediaType::OCI_INDEX, index(std::slice::from_ref(of)))
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
    let told = export_by(server, output, &Wish { shape, ..Wish::default() })?;
    Ok((told.ledger.to_bytes(), told.written))
}

/// How an export differs from the plain one.
#[derive(Default)]
struct Wish<'a> {
    platforms: &'a [&'a str],
    locked: Option<Digest>,
    /// Whether evidence is looked for in `sigs` too.
    elsewhere: bool,
    /// A file of exceptions; `HOST` stands for the server's.
    exceptions: String,
    shape: Shape,
}

/// What an export tells.
#[derive(Debug)]
struct Told {
    ledger: Ledger,
    moved: Vec<Moved>,
    unused: Vec<String>,
    written: Written,
    /// Bytes that were promised, and those that passed.
    progress: (u64, u64),
}

#[derive(Default)]
struct Progress {
    promised: AtomicU64,
    passed: AtomicU64,
}

impl Watch for Progress {
    fn begins(&self, _: usize, bytes: u64) {
        self.promised.store(bytes, Ordering::SeqCst);
    }

    fn passed(&self, bytes: u64) {
        self.passed.fetch_add(bytes, Ordering::SeqCst);
    }
}

impl Told {
    /// What was found of a manifest in `repository`.
    fn lookups(&self, repository: &str, digest: &Digest) -> Vec<Lookup> {
        let mut entries = self.ledger.subjects.iter();
        let is_it = |repository_: &str| repository_.ends_with(&format!("/{repository}"));
        entries.find(|it| it.digest == *digest && is_it(&it.repository)).unwrap().lookups.clone()
    }
}

fn export_by(server: &Server, output: &Path, wish: &Wish<'_>) -> Result<Told, Error> {
    let registry = registry(server, None);
    let [app, sigs] = ["app", "sigs"].map(|path| registry.repository(path));
    let reference: Reference = format!("{}/app:v1", server.host()).parse().unwrap();
    let name = Some(Name::Reference(reference));
    let platforms = Platforms::of(wish.platforms.iter().map(|text| text.parse().unwrap()));
    let requests = [Request { locked: wish.locked, platforms, ..Request::new(&app, name, None) }];
    let exceptions = wish.exceptions.replace("HOST", &server.host());
    let mut search =
        Search { exceptions: Exceptions::parse(&exceptions).unwrap(), ..Search::default() };
    if wish.elsewhere {
        search.elsewhere.push(&sigs);
    }
    let settings = Settings { concurrency: 4, limits: Limits::default(), time: None };
    let progress = Progress::default();
    let plan = Plan::search(&requests, &search, &settings, &progress)?;
    let writer = ArchiveWriter::create_as(output, wish.shape).unwrap();
    let written = into_archive(&plan, writer, 4, &progress)?;
    let unused = search.exceptions.unused().map(ToString::to_string).collect();
    let progress = (progress.promised.into_inner(), progress.passed.into_inner());
    let (ledger, moved) = (plan.ledger().clone(), plan.moved().to_vec());
    Ok(Told { ledger, moved, unused, written, progress })
}

/// The evidence that the archive at `path` ties to a manifest.
fn evidence(path: &Path, of: &Digest) -> Vec<Digest> {
    let limits = Limits::default();
    let archive = Archive::open(path, &limits).unwrap();
    let inventory = Inventory::of(&archive, &limits).unwrap();
    let subject = inventory.subject(of).unwrap();
    subject.evidence.iter().map(|evidence| evidence.manifest.digest).collect()
}

/// `kind: outcome found; exception` of each lookup.
fn outcomes(lookups: &[Lookup]) -> Vec<String> {
    let one = |Lookup { kind, outcome, found, exception }: &Lookup| {
        let found: Vec<_> = found.iter().map(|digest| format!(" {digest}")).collect();
        let exception = exception.as_ref().map(|text| format!("; {text}")).unwrap_or_default();
        format!("{} {outcome:?}{}{exception}", kind.name(), found.concat())
    };
    lookups.iter().map(one).collect()
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
    assert_eq!(evidence(&path, &image.digest), [sig.digest, listed.digest]);
    assert_eq!(evidence(&path, &amd64.digest), [sbom.digest, fallen.digest]);
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
    // One wrong byte: that layer is hashed, read again, and told once.
    let mut wrong = resumed.clone();
    let first = layers.iter().find(|layer| Digest::sha256(layer) == sorted[0]).unwrap();
    let at = wrong.windows(70_000).position(|it| it == first).unwrap();
    wrong[at + 69_999] ^= 1;
    std::fs::write(directory.path().join(".out.tar.partial"), wrong).unwrap();
    let told = export_by(&server, &path, &Wish { shape, ..Wish::default() }).unwrap();
    assert_eq!((told.written.kept.blobs, told.progress.0), (9, told.progress.1));
    assert!(std::fs::read(&path).unwrap() == resumed);
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

/// A sparse index whose absent children are not wanted is no reason to stop.
#[test]
fn children_of_other_platforms_are_not_asked_for() {
    let mut held = Held::new();
    let amd64 = put_image(&mut held, "amd64", b"layer 1", None);
    let about = |of: &Descriptor| {
        serde_json::json!({
            "mediaType": MediaType::OCI_MANIFEST,
            "digest": put_image(&mut Held::new(), "", of.digest.hex().as_bytes(), None).digest,
            "size": 1,
            "platform": { "os": "unknown", "architecture": "unknown" },
            "annotations": {
                "vnd.docker.reference.type": "attestation-manifest",
                "vnd.docker.reference.digest": of.digest,
            },
        })
    };
    let absent = descriptor(MediaType::OCI_MANIFEST, &manifest("absent"));
    let attestation = put_image(&mut held, "att", amd64.digest.hex().as_bytes(), None);
    let attests = |value: serde_json::Value, size: u64| -> Descriptor {
        let mut value = value;
        value["size"] = serde_json::json!(size);
        serde_json::from_value(value).unwrap()
    };
    let children = [
        on("linux/amd64", &amd64),
        on("linux/arm64", &absent),
        attests(about(&amd64), attestation.size),
        attests(about(&absent), 1),
    ];
    assert_eq!(children[2].digest, attestation.digest);
    let image = put_manifest(&mut held, "v1", MediaType::OCI_INDEX, &index(&children));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out.tar");
    let server = serve(held.clone());
    let wish = Wish { platforms: &["linux/amd64"], ..Wish::default() };
    let carried = export_by(&server, &path, &wish).unwrap();
    let entries: Vec<_> = carried
        .ledger
        .subjects
        .iter()
        .map(|entry| (entry.digest, entry.left_out.clone()))
        .collect();
    let mut left_out = vec![absent.digest, children[3].digest];
    left_out.sort();
    let mut expected =
        vec![(image.digest, left_out), (amd64.digest, vec![]), (attestation.digest, vec![])];
    expected.sort();
    assert_eq!(entries, expected);
    let asked = server.lines();
    assert!(!asked.iter().any(|line| line.contains(&absent.digest.hex())), "{asked:?}");

    let refused = Wish { platforms: &["linux/s390x"], ..Wish::default() };
    let error = export_by(&server, &directory.path().join("none.tar"), &refused).unwrap_err();
    assert_eq!(
        told(error, &server),
        format!(
            "HOST/app@{} has no image for linux/s390x: it has linux/amd64, linux/arm64",
            image.digest
        )
    );
}

#[test]
fn evidence_of_another_repository() {
    let mut held = Held::new();
    let image = put_image(&mut held, "v1", b"layer", None);
    let att = put_image(&mut held, &tag(&image, ".att"), b"attestation", None);
    let sig = put_image_into("sigs", &mut held, &tag(&image, ".sig"), b"signature", None);
    let proof = put_image_into("sigs", &mut held, "p", b"proof", Some(&sig));
    let bundle = put_image_into("sigs", &mut held, "b", b"bundle", Some(&image));
    held.insert(format!("GET /v2/sigs/referrers/{}", image.digest), list(&bundle));
    held.insert(format!("GET /v2/sigs/referrers/{}", sig.digest), list(&proof));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out.tar");
    let server = serve(held.clone());
    let wish = Wish { elsewhere: true, ..Wish::default() };
    let carried = export_by(&server, &path, &wish).unwrap();
    assert_eq!(evidence(&path, &image.digest), [att.digest, sig.digest, bundle.digest]);
    let found = |kind: LookupKind, digest: &Digest| format!("{} Found {digest}", kind.name());
    assert_eq!(
        outcomes(&carried.lookups("app", &image.digest)),
        [
            "sig-tag NotFound".to_owned(),
            found(LookupKind::AttTag, &att.digest),
            "sbom-tag NotFound".to_owned(),
            "referrers-api NotSupported".to_owned(),
            "fallback-tag NotFound".to_owned(),
        ]
    );
    assert_eq!(
        outcomes(&carried.lookups("sigs", &image.digest)),
        [
            found(LookupKind::SigTag, &sig.digest),
            "att-tag NotFound".to_owned(),
            "sbom-tag NotFound".to_owned(),
            found(LookupKind::ReferrersApi, &bundle.digest),
            "fallback-tag NotFound".to_owned(),
        ]
    );
    assert_eq!(carried.lookups("sigs", &sig.digest)[3].found, [proof.digest]);
    // It is named beside its image, where a mirror puts it and consumers look.
    let archive = Archive::open(&path, &Limits::default()).unwrap();
    let mut entries = archive.index().manifests.iter();
    let entry = entries.find(|entry| entry.digest == sig.digest).unwrap();
    assert_eq!(
        entry.annotation("io.containerd.image.name"),
        Some(format!("{}/app:{}", server.host(), tag(&image, ".sig")).as_str())
    );
    // Nobody looks there unless asked to.
    export_by(&server, &path, &Wish::default()).unwrap();
    assert_eq!(evidence(&path, &image.digest), [att.digest]);

    // Two signatures under one tag, here and there, are two answers to one question.
    let own = put_image(&mut held, &tag(&image, ".sig"), b"own signature", None);
    let server = serve(held);
    let error = export_by(&server, &directory.path().join("none.tar"), &wish).unwrap_err();
    assert_eq!(
        told(error, &server),
        format!(
            "HOST/app:{} is {} in HOST/app and {} in HOST/sigs, and an archive has one of that name",
            tag(&image, ".sig"),
            own.digest,
            sig.digest
        )
    );
}

#[test]
fn lookups_that_may_fail() {
    let mut held = Held::new();
    let image = put_image(&mut held, "v1", b"layer", None);
    let bundle = put_image(&mut held, "b", b"bundle", Some(&image));
    let gone = descriptor(MediaType::OCI_MANIFEST, &manifest("gone"));
    let both = index(&[bundle.clone(), gone.clone()]);
    held.insert(referrers(&image), Answer::new(200).body(MediaType::OCI_INDEX, both));
    let at = tag(&image, ".sig");
    held.insert(format!("GET /v2/app/manifests/{at}"), Answer::new(403));
    let entry = |image: &str, lookup: &str, reason: &str| {
        format!("- image: {image}\n  lookup: {lookup}\n  reason: {reason}\n")
    };
    let of_image = format!("HOST/app@{}", image.digest);
    let exceptions = "exceptions:\n".to_owned()
        + &entry(&of_image, "sig-tag", "forbidden since May")
        + &entry("HOST/app", "referrers-api", "it was pruned")
        + &entry("HOST/app", "att-tag", "never needed");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out.tar");
    let server = serve(held.clone());
    let carried = export_by(&server, &path, &Wish { exceptions, ..Wish::default() }).unwrap();
    assert_eq!(
        outcomes(&carried.lookups("app", &image.digest)),
        [
            "sig-tag Failed; forbidden since May".to_owned(),
            "att-tag NotFound".to_owned(),
            "sbom-tag NotFound".to_owned(),
            format!("referrers-api Found {}; it was pruned", bundle.digest),
            "fallback-tag NotFound".to_owned(),
        ]
    );
    assert_eq!(carried.unused, [format!("line 8: att-tag of {}/app", server.host())]);
    assert_eq!(evidence(&path, &image.digest), [bundle.digest]);

    // An exception for one is none for the other.
    let other = format!("HOST/app@{}", bundle.digest);
    for (one, lookup) in
        [(of_image.as_str(), "att-tag"), (&other, "sig-tag"), ("HOST/sigs", "sig-tag")]
    {
        let exceptions = "exceptions:\n".to_owned() + &entry(one, lookup, "x");
        let error = export_by(&server, &path, &Wish { exceptions, ..Wish::default() }).unwrap_err();
        assert_eq!(
            told(error, &server),
            format!(
                "cannot look up evidence (sig-tag) of HOST/app@{}: GET \
                 http://HOST/v2/app/manifests/{at} was answered with 403",
                image.digest
            )
        );
    }
    // An exception for one place that lists it is none for another.
    held.remove(&format!("GET /v2/app/manifests/{at}"));
    held.insert(referrers(&image), list(&gone));
    let mut twice = held.clone();
    put_manifest(
        &mut twice,
        &tag(&image, ""),
        MediaType::OCI_INDEX,
        &index(std::slice::from_ref(&gone)),
    );
    let server = serve(twice);
    let by_api = "exceptions:\n".to_owned() + &entry("HOST/app", "referrers-api", "pruned");
    let wish = Wish { exceptions: by_api.clone(), ..Wish::default() };
    let error = export_by(&server, &path, &wish).unwrap_err();
    assert_eq!(
        told(error, &server),
        format!(
            "HOST/app lists {} as evidence of {} but does not hold it",
            gone.digest, image.digest
        )
    );
    let exceptions = by_api.clone() + &entry("HOST/app", "fallback-tag", "pruned too");
    let carried = export_by(&server, &path, &Wish { exceptions, ..Wish::default() }).unwrap();
    assert_eq!(
        outcomes(&carried.lookups("app", &image.digest)[3..]),
        ["referrers-api Failed; pruned", "fallback-tag Failed; pruned too"]
    );
    // All of what is listed is gone.
    let server = serve(held);
    let carried =
        export_by(&server, &path, &Wish { exceptions: by_api, ..Wish::default() }).unwrap();
    let lookup = &carried.lookups("app", &image.digest)[3];
    let exception = Some("pruned".to_owned());
    assert_eq!(
        *lookup,
        Lookup {
            kind: LookupKind::ReferrersApi,
            outcome: Outcome::Failed,
            found: vec![],
            exception
        }
    );
}

#[test]
fn a_locked_tag_that_moved() {
    let mut held = Held::new();
    let before = put_image(&mut held, "v1", b"before", None);
    let directory = tempfile::tempdir().unwrap();
    let [first, second] = ["first.tar", "second.tar"].map(|name| directory.path().join(name));
    let wish = Wish { locked: Some(before.digest), ..Wish::default() };
    // One server, or the names would differ by their port.
    let moving = Arc::new(std::sync::Mutex::new(held));
    let shared = Arc::clone(&moving);
    let server = Server::start(move |asked| {
        shared.lock().unwrap().get(&asked.line()).cloned().unwrap_or(Answer::new(404))
    });
    assert_eq!(export_by(&server, &first, &wish).unwrap().moved, []);
    let name = format!("{}/app:v1", server.host());
    let moved = |found| vec![Moved { name: name.clone(), locked: before.digest, found }];
    let after = put_image(&mut moving.lock().unwrap(), "v1", b"after", None);
    assert_eq!(export_by(&server, &second, &wish).unwrap().moved, moved(Some(after.digest)));
    assert_eq!(std::fs::read(&first).unwrap(), std::fs::read(&second).unwrap());
    moving.lock().unwrap().remove("GET /v2/app/manifests/v1");
    assert_eq!(export_by(&server, &second, &wish).unwrap().moved, moved(None));
    assert_eq!(std::fs::read(&first).unwrap(), std::fs::read(&second).unwrap());
    moving.lock().unwrap().remove(&format!("GET /v2/app/manifests/{}", before.digest));
    let error = export_by(&server, &directory.path().join("none.tar"), &wish).unwrap_err();
    assert_eq!(
        told(error, &server),
        format!("HOST/app:v1 is locked to {}, which is not there", before.digest)
    );
    moving.lock().unwrap().insert("GET /v2/app/manifests/v1".to_owned(), Answer::new(500));
    let error = export_by(&server, &directory.path().join("none.tar"), &wish).unwrap_err();
    assert_eq!(
        told(error, &server),
        "cannot resolve HOST/app:v1: GET http://HOST/v2/app/manifests/v1 was answered with 500"
    );
}

/// Through the command: a manifest of hauler, a lock, and cosign's other repository.
#[test]
fn the_command_exports_a_list() {
    let mut held = Held::new();
    let amd64 = put_image(&mut held, "amd64", b"layer 1", None);
    let arm64 = put_image(&mut held, "arm64", b"layer 2", None);
    let children = [on("linux/amd64", &amd64), on("linux/arm64", &arm64)];
    let image = put_manifest(&mut held, "v1", MediaType::OCI_INDEX, &index(&children));
    let sig = put_image_into("sigs", &mut held, &tag(&image, ".sig"), b"signature", None);
    let server = serve(held);
    let home = tempfile::tempdir().unwrap();
    let list = home.path().join("list.yaml");
    let host = server.host();
    let text = format!(
        "apiVersion: content.hauler.cattle.io/v1\nkind: Images\nspec:\n  images:\n  - name: {host}/app:v1\n    platform: linux/arm64\n    key: cosign.pub\n"
    );
    std::fs::write(&list, text).unwrap();
    let run = |more: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_sealift"));
        command.arg("export").args(["--plain-http", "--format", "json", "-f"]).arg(&list);
        command.arg("-o").arg(home.path().join("out.tar")).args(more);
        command.env("COSIGN_REPOSITORY", format!("{host}/sigs")).output().unwrap()
    };
    let output = run(&[]);
    let said = String::from_utf8(output.stderr).unwrap();
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    let shown = list.display();
    assert_eq!(
        said,
        format!(
            "error: list `{shown}` asks for what no export carries: line 5: `key` of `{host}/app:v1`; \
             with `--partial-lists` its images are exported without that"
        )
    );
    let output = run(&["--partial-lists"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        told["notes"],
        serde_json::json!([format!(
            "list `{shown}`: not carried: line 5: `key` of `{host}/app:v1`"
        )])
    );
    let of_image = &told["images"][0];
    assert_eq!(of_image["leftOut"], serde_json::json!([amd64.digest]));
    assert_eq!(evidence(&home.path().join("out.tar"), &image.digest), [sig.digest]);
}

/// What sealift does not judge is carried as it is: Notation's signatures, SBOMs, anything that refers.
#[test]
fn other_evidence_is_carried_as_it_is() {
    let mut held = Held::new();
    let image = put_image(&mut held, "v1", b"layer", None);
    let kinds = [
        ("application/vnd.cncf.notary.signature", "application/jose+json"),
        ("application/spdx+json", "application/spdx+json"),
        ("application/vnd.cyclonedx+json", "application/vnd.cyclonedx+json"),
    ];
    let referring: Vec<_> = kinds
        .iter()
        .map(|(kind, layer)| {
            let config = put_blob("app", &mut held, b"{}");
            let content = put_blob("app", &mut held, kind.as_bytes());
            // Blanks and an unknown field: the bytes are nobody's to tidy.
            let text = serde_json::to_string_pretty(&serde_json::json!({
                "schemaVersion": 2,
                "mediaType": MediaType::OCI_MANIFEST,
                "artifactType": kind,
                "config": Descriptor { media_type: MediaType::OCI_EMPTY.into(), ..config },
                "layers": [Descriptor { media_type: (*layer).into(), ..content }],
                "subject": image,
                "org.example.unknown": true,
            }))
            .unwrap();
            let at = kind.replace(['/', '+'], "-");
            put_manifest(&mut held, &at, MediaType::OCI_MANIFEST, text.as_bytes())
        })
        .collect();
    held.insert(referrers(&image), Answer::new(200).body(MediaType::OCI_INDEX, index(&referring)));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out.tar");
    let server = serve(held);
    export(&server, &path).unwrap();
    let archive = Archive::open(&path, &Limits::default()).unwrap();
    for (descriptor, (kind, _)) in referring.iter().zip(kinds) {
        let mut entries = archive.index().manifests.iter();
        let entry = entries.find(|entry| entry.digest == descriptor.digest).unwrap();
        assert_eq!(entry.artifact_type.as_deref(), Some(kind));
        assert_eq!(archive.store().size(&descriptor.digest), Some(descriptor.size));
    }
    let mut found = evidence(&path, &image.digest);
    found.sort();
    let mut expected: Vec<_> = referring.iter().map(|descriptor| descriptor.digest).collect();
    expected.sort();
    assert_eq!(found, expected);
}

/// What a list means by the tags of a repository is asked of the registry; evidence is no image.
#[test]
fn tags_that_a_list_does_not_name() {
    let mut held = Held::new();
    let one = put_image(&mut held, "v1", b"one", None);
    put_image(&mut held, "v2", b"two", None);
    put_image(&mut held, "next", b"next", None);
    let signature = put_image(&mut held, &tag(&one, ".sig"), b"signature", None);
    let tags = [&tag(&one, ".sig"), "next", "v2", "v1"];
    let tags = serde_json::json!({ "name": "app", "tags": tags }).to_string();
    let answer = Answer::new(200).body("application/json", tags.as_bytes());
    held.insert("GET /v2/app/tags/list".to_owned(), answer);
    let server = serve(held);
    let home = tempfile::tempdir().unwrap();
    let export = |list: &str| {
        let list = list.replace("HOST", &format!("'{}'", server.host()));
        std::fs::write(home.path().join("sync.yaml"), list).unwrap();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_sealift"));
        let command = command.current_dir(home.path()).args(["export", "--plain-http"]);
        let command = command.args(["-i", "sync.yaml", "-o", "out.tar", "--format", "json"]);
        let output = command.output().unwrap();
        let [stdout, stderr] = [output.stdout, output.stderr]
            .map(|it| String::from_utf8(it).unwrap().replace(&server.host(), "HOST"));
        let told: serde_json::Value = serde_json::from_str(&stdout).unwrap_or_default();
        let names = |image: &serde_json::Value| image["names"][0].as_str().unwrap().to_owned();
        // They are told by digest.
        let names: BTreeSet<_> =
            told["images"].as_array().into_iter().flatten().map(names).collect();
        (output.status.code(), names.into_iter().collect::<Vec<_>>(), stderr)
    };
    let carried =
        |tags: &[&str]| tags.iter().map(|tag| format!("HOST/app:{tag}")).collect::<Vec<_>>();
    let archive = home.path().join("out.tar");
    let by_expression = "HOST: {images-by-tag-regex: {app: '^v\\d$'}}";
    assert_eq!(export(by_expression), (Some(0), carried(&["v1", "v2"]), String::new()));
    assert_eq!(evidence(&archive, &one.digest), [signature.digest]);
    assert_eq!(
        export("HOST: {images-by-semver: {app: '>=1, <2'}}"),
        (Some(0), carried(&["v1"]), String::new())
    );
    assert_eq!(
        export("HOST: {images: {app: []}}"),
        (
            Some(0),
            carried(&["next", "v1", "v2"]),
            "warning: list `sync.yaml`: line 1: the tags of HOST/app: 1 is of evidence, which goes \
             with the image it speaks of and is not carried without it\n"
                .to_owned()
        )
    );
    assert_eq!(evidence(&archive, &one.digest), [signature.digest]);
    std::fs::remove_file(&archive).unwrap();
    let failed = |said: &str| (Some(2), vec![], format!("error: {said}\n"));
    assert_eq!(
        export("HOST: {images-by-tag-regex: {app: '^w'}}"),
        failed(
            "list `sync.yaml`: line 1: no image is meant by the tags of HOST/app that match `^w`"
        )
    );
    assert_eq!(
        export("HOST: {images: {gone: []}}"),
        failed(
            "cannot list the tags of HOST/gone: GET http://HOST/v2/gone/tags/list was answered with \
             404"
        )
    );
    assert!(!archive.exists());
}
