//! What an archive holds, told in lines: subjects, what speaks of them, and what is left over.

#![expect(
    clippy::unwrap_used,
    clippy::format_push_string,
    reason = "tests tell in lines and stop at what is wrong"
)]

mod layouts;

use base64::Engine as _;
use layouts::{Layout, annotated, bare, digest, gzip, merge, tag, zstd};
use sealift::archive::{Archive, BlobError};
use sealift::digest::Digest;
use sealift::inventory::{
    BlobFault, Error, Evidence, FoundBy, Inventory, Name, Note, Piece, Subject,
};
use sealift::limits::Limits;
use sealift::oci::{self, Document, MediaType};
use serde_json::{Value, json};

const REF_NAME: &str = "org.opencontainers.image.ref.name";
const IMAGE_NAME: &str = "io.containerd.image.name";
const KIND: &str = "kind";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";

fn inventory(layout: &Layout) -> Inventory {
    Inventory::of(&layout.open(), &Limits::default()).unwrap()
}

fn refused(layout: &Layout, limits: &Limits) -> Option<Error> {
    Inventory::of(&layout.open(), limits).err()
}

/// Tells digests by the names a test gives them.
struct Teller<'a>(&'a [(&'a str, &'a Value)]);

impl Teller<'_> {
    fn name(&self, of: &Digest) -> String {
        let known = self.0.iter().find(|(_, descriptor)| digest(descriptor) == *of);
        known.map_or_else(|| of.to_string(), |(name, _)| (*name).to_owned())
    }

    fn tell(&self, layout: &Layout) -> Vec<String> {
        self.inventory(&inventory(layout))
    }

    fn inventory(&self, inventory: &Inventory) -> Vec<String> {
        let mut lines: Vec<_> = inventory.subjects.iter().map(|it| self.subject(it)).collect();
        lines.extend(inventory.orphans.iter().map(|orphan| {
            let subject = orphan.subject.map_or("nothing".to_owned(), |it| self.name(&it));
            format!("orphan of {subject}: {}", self.evidence(&orphan.evidence))
        }));
        lines.extend(
            inventory.unreferenced.iter().map(|(it, _)| format!("unreferenced: {}", self.name(it))),
        );
        lines.extend(
            inventory
                .ledger
                .iter()
                .map(|blob| format!("ledger: {}", String::from_utf8_lossy(blob.bytes()))),
        );
        lines.extend(inventory.notes.iter().map(|note| match note {
            Note::ListedTwice { digest } => format!("listed twice: {}", self.name(digest)),
            Note::UnreadableName { digest, name } => {
                format!("{} is no name: {name:?}", self.name(digest))
            }
        }));
        lines
    }

    fn subject(&self, subject: &Subject) -> String {
        let mut line = self.name(&subject.descriptor.digest);
        line += match &subject.content {
            Ok(content) => match content.document {
                Document::Index(_) => ", an index",
                Document::Manifest(_) => "",
            },
            Err(_) => ", unreadable",
        };
        for name in &subject.names {
            line += &format!(", {name}");
        }
        if subject.is_root {
            line += ", listed";
        }
        for parent in &subject.parents {
            line += &format!(", in {}", self.name(parent));
        }
        if let Some(platform) = &subject.platform {
            line += &format!(", for {platform}");
        }
        for evidence in &subject.evidence {
            line += &format!("; {}", self.evidence(evidence));
        }
        line
    }

    fn evidence(&self, evidence: &Evidence) -> String {
        let by = match &evidence.found_by {
            FoundBy::Tag(_) => "tag",
            FoundBy::CosignKind => "kind",
            FoundBy::Subject => "subject",
            FoundBy::FallbackTag => "fallback",
        };
        let mut line = format!("{} by {by}:", self.name(&evidence.manifest.digest));
        for piece in &evidence.pieces {
            line += &match piece {
                Piece::Signature(_) => " signature".to_owned(),
                Piece::Attestation(_) => " attestation".to_owned(),
                Piece::Bundle(_) => " bundle".to_owned(),
                Piece::Carried(kind) => format!(" {kind}"),
                Piece::Unreadable(_, cause) => format!(" {}", cause.code()),
            };
        }
        if let Err(fault) = &evidence.content {
            line += &format!(" unreadable, {fault}");
        }
        for referrer in &evidence.referrers {
            line += &format!(" ({})", self.evidence(referrer));
        }
        line
    }
}

#[test]
fn evidence_by_every_convention() {
    for name in ["", "ghcr.io/x/y:", "localhost:5000/y:"] {
        let mut layout = Layout::default();
        let image = layout.image("a");
        let (sig, att) = (layout.signature("sig"), attestation(&mut layout, "att"));
        let sbom = sbom(&mut layout);
        layout
            .root(&image, &[])
            .root(&sig, &[(REF_NAME, &format!("{name}{}", tag(&image, ".sig")))])
            .root(&att, &[(REF_NAME, &format!("{name}{}", tag(&image, ".att")))])
            .root(&sbom, &[(IMAGE_NAME, &format!("{name}{}", tag(&image, ".sbom")))]);
        let known = [("image", &image), ("sig", &sig), ("att", &att), ("sbom", &sbom)];
        assert_eq!(
            Teller(&known).tell(&layout),
            [
                "image, listed; sig by tag: signature; att by tag: attestation; sbom by tag: text/spdx"
            ]
        );
    }
}

fn attestation(layout: &mut Layout, envelope: &str) -> Value {
    let config = layout.blob(CONFIG, "{}");
    let layer =
        layout.blob("application/vnd.dsse.envelope.v1+json", format!("{{\"e\":\"{envelope}\"}}"));
    layout.manifest(&json!({ "config": config, "layers": [layer] }))
}

fn sbom(layout: &mut Layout) -> Value {
    let config = layout.blob(CONFIG, "{}");
    let layer = layout.blob("text/spdx", "SPDXVersion: SPDX-2.3");
    layout.manifest(&json!({ "config": config, "layers": [layer] }))
}

/// An artifact with a subject, of the kind that is only carried.
fn artifact(layout: &mut Layout, subject: &Value, kind: &str) -> Value {
    let config = layout.blob("application/vnd.oci.empty.v1+json", "{}");
    let layer = layout.blob("application/octet-stream", kind);
    let fields = json!({
        "artifactType": kind, "config": config, "layers": [layer], "subject": bare(subject),
    });
    layout.manifest(&fields)
}

#[test]
fn evidence_by_kind() {
    for prefix in ["dev.cosignproject.cosign", "dev.hauler"] {
        let kind = |word: &str| format!("{prefix}/{word}");
        let mut layout = Layout::default();
        let (child, other) = (layout.image("a"), layout.image("b"));
        let index = layout.index(&[child.clone(), other.clone()]);
        let (sig, att) = (layout.signature("sig"), attestation(&mut layout, "att"));
        let of_child = layout.signature("child");
        let known = [
            ("index", &index),
            ("child", &child),
            ("other", &other),
            ("sig", &sig),
            ("att", &att),
            ("of-child", &of_child),
        ];
        layout
            .root(&sig, &[(KIND, &kind("sigs"))])
            .root(&index, &[(KIND, &kind("imageIndex"))])
            .root(&att, &[(KIND, &kind("atts"))])
            .root(&of_child, &[(KIND, &kind(&format!("sigs/{}", digest(&child).hex())))]);
        assert_eq!(
            Teller(&known).tell(&layout),
            [
                "index, an index, listed; sig by kind: signature; att by kind: attestation",
                "child, in index; of-child by kind: signature",
                "other, in index",
            ]
        );

        // Of two images, the one of the same name; without a name nobody can tell.
        let mut layout = Layout::default();
        let (a, b) = (layout.image("a"), layout.image("b"));
        let (sig, lost) = (layout.signature("sig"), layout.signature("lost"));
        layout
            .root(&a, &[(KIND, &kind("image")), (REF_NAME, "r/a:1")])
            .root(&b, &[(KIND, &kind("image")), (REF_NAME, "r/b:1")])
            .root(&sig, &[(KIND, &kind("sigs")), (REF_NAME, "r/b:1")])
            .root(&lost, &[(KIND, &kind("sigs"))]);
        let known = [("a", &a), ("b", &b), ("sig", &sig), ("lost", &lost)];
        assert_eq!(
            Teller(&known).tell(&layout),
            [
                "a, docker.io/r/a:1, listed",
                "b, docker.io/r/b:1, listed; sig by kind: signature",
                "orphan of nothing: lost by kind: signature",
            ]
        );
    }
}

#[test]
fn referrers() {
    let mut layout = Layout::default();
    let child = layout.image("a");
    let index = layout.index(std::slice::from_ref(&child));
    let listed = layout.bundle(&index, "listed");
    let unlisted = layout.bundle(&index, "unlisted");
    let of_child = layout.bundle(&child, "child");
    let sbom = artifact(&mut layout, &index, "application/spdx+json");
    let of_sbom = layout.bundle(&sbom, "sbom");
    let fallback = layout.bundle(&index, "fallback");
    let bare_signature = layout.signature("fallback");
    let tagged = layout.index(&[fallback.clone(), bare_signature.clone()]);
    layout
        .root(&index, &[])
        .root(&listed, &[])
        .root(&sbom, &[])
        .root(&tagged, &[(REF_NAME, &tag(&index, ""))]);
    let known = [
        ("index", &index),
        ("child", &child),
        ("listed", &listed),
        ("unlisted", &unlisted),
        ("of-child", &of_child),
        ("sbom", &sbom),
        ("of-sbom", &of_sbom),
        ("fallback", &fallback),
        ("bare", &bare_signature),
    ];
    assert_eq!(
        Teller(&known).tell(&layout),
        [
            "index, an index, listed; listed by subject: bundle; \
             sbom by subject: application/spdx+json (of-sbom by subject: bundle); \
             fallback by subject: bundle; unlisted by subject: bundle; bare by fallback: signature",
            "child, in index; of-child by subject: bundle",
        ]
    );
}

/// What the fallback tag lists is lost when its index is; that must show.
#[test]
fn a_fallback_index_that_cannot_be_read() {
    let mut layout = Layout::default();
    let image = layout.image("a");
    let tagged = layout.index(&[]);
    layout.blobs.remove(&digest(&tagged));
    layout.root(&image, &[]).root(&tagged, &[(REF_NAME, &tag(&image, ""))]);
    let expected = format!(
        "image, listed; tagged by fallback: unreadable, the archive has no blob {}",
        digest(&tagged)
    );
    assert_eq!(Teller(&[("image", &image), ("tagged", &tagged)]).tell(&layout)[0], expected);
}

/// Every form of one content is one inventory.
#[test]
fn every_form_is_the_same() {
    let mut layout = Layout::default();
    let image = layout.image("a");
    let sig = layout.signature("sig");
    let _ = layout.bundle(&image, "unlisted");
    layout.blob("x", "{\"unreferenced\":1}");
    layout.root(&image, &[(REF_NAME, "v1")]).root(&sig, &[(REF_NAME, &tag(&image, ".sig"))]);
    let teller = Teller(&[]);
    let told = teller.tell(&layout);
    assert_eq!(told.len(), 2);
    let (tar, limits) = (layout.tar(), Limits::default());
    let scratch = tempfile::tempdir().unwrap();
    let directory = scratch.path().join("layout");
    layout.write(&directory);
    let write = |name: &str, bytes: &[u8]| {
        let path = scratch.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        Archive::open(&path, &limits).unwrap()
    };
    // Names that lie about the form.
    let archives = [
        Archive::open(&directory, &limits).unwrap(),
        write("a.tar.gz", &tar),
        write("b.tar.zst", &gzip(&tar)),
        write("c.tar", &zstd(&tar)),
        Archive::from_stream(&*gzip(&tar), &limits).unwrap(),
        Archive::from_stream(&*zstd(&tar), &limits).unwrap(),
    ];
    for archive in &archives {
        assert_eq!(teller.inventory(&Inventory::of(archive, &limits).unwrap()), told);
        for (digest, size) in archive.store().blobs() {
            let text = format!(r#"{{"mediaType":"x","digest":"{digest}","size":{size}}}"#);
            assert_eq!(archive.store().check(&serde_json::from_str(&text).unwrap()), Ok(()));
        }
    }
}

/// A runtime must not be able to run what nobody judged: an image that calls itself evidence is a
/// subject as well.
#[test]
fn images_that_call_themselves_evidence() {
    let mut layout = Layout::default();
    let good = layout.image("good");
    let by_tag = layout.image("by tag");
    let config = layout.blob(CONFIG, "{\"evil\":1}");
    let layer = layout.blob("application/vnd.oci.image.layer.v1.tar", "evil");
    let fields = |kind: Option<&str>| {
        let mut fields = json!({ "config": config, "layers": [layer], "subject": bare(&good) });
        if let Some(kind) = kind {
            fields["artifactType"] = json!(kind);
        }
        fields
    };
    let by_subject = layout.manifest(&fields(None));
    let as_bundle = layout.manifest(&fields(Some("application/vnd.dev.sigstore.bundle.v0.3+json")));
    let as_ledger = layout.manifest(&fields(Some(MediaType::LEDGER)));
    let by_kind = layout.image("by kind");
    let in_fallback = layout.image("in fallback");
    let tagged = layout.index(std::slice::from_ref(&in_fallback));
    layout
        .root(&good, &[(KIND, "dev.cosignproject.cosign/image")])
        .root(&by_tag, &[(REF_NAME, &tag(&good, ".sig"))])
        .root(&by_subject, &[(REF_NAME, "evil")])
        .root(&as_ledger, &[])
        .root(&by_kind, &[(KIND, "dev.cosignproject.cosign/sigs")])
        .root(&tagged, &[(REF_NAME, &tag(&good, ""))]);
    let names: Vec<_> =
        inventory(&layout).subjects.iter().map(|subject| subject.descriptor.digest).collect();
    let expected = [&good, &by_tag, &by_subject, &as_ledger, &in_fallback, &by_kind, &as_bundle];
    assert_eq!(names, expected.map(digest));
    let listed: Vec<_> =
        inventory(&layout).subjects.iter().map(|subject| subject.is_root).collect();
    assert_eq!(listed, [true, true, true, true, false, true, false]);
    assert!(inventory(&layout).ledger.is_none());
}

#[test]
fn children() {
    let mut layout = Layout::default();
    let (a, b) = (layout.image("a"), layout.image("b"));
    let mut for_arm = a.clone();
    merge(&mut for_arm, &json!({ "platform": { "architecture": "arm64", "os": "linux" } }));
    let mut provenance = b.clone();
    merge(&mut provenance, &json!({ "platform": { "architecture": "unknown", "os": "unknown" } }));
    merge(&mut provenance, &annotated(&[("vnd.docker.reference.type", "attestation-manifest")]));
    let inner = layout.index(&[for_arm.clone(), provenance]);
    let mut absent = layout.image("absent");
    layout.blobs.remove(&digest(&absent));
    let sig_of_absent = layout.signature("absent");
    let outer = layout.index(&[inner.clone(), a.clone(), absent.clone()]);
    let docker = "application/vnd.docker.distribution.manifest.list.v2+json";
    let list = layout
        .document(docker, &json!({ "schemaVersion": 2, "mediaType": docker, "manifests": [a] }));
    layout
        .root(&outer, &[])
        .root(&list, &[])
        .root(&b, &[(REF_NAME, "b")])
        .root(&sig_of_absent, &[(REF_NAME, &tag(&absent, ".sig"))]);
    let known = [
        ("outer", &outer),
        ("inner", &inner),
        ("a", &a),
        ("b", &b),
        ("absent", &absent),
        ("list", &list),
        ("sig", &sig_of_absent),
    ];
    let unreferenced = layout.blobs.len();
    assert_eq!(
        Teller(&known).tell(&layout)[..6],
        [
            "outer, an index, listed",
            "inner, an index, in outer",
            "a, in inner, in outer, in list, for linux/arm64",
            "b, b, listed, in inner, for unknown/unknown",
            "absent, unreadable, in outer; sig by tag: signature",
            "list, an index, listed",
        ]
    );
    let inventory = inventory(&layout);
    assert_eq!(
        inventory.unreferenced.len(),
        2,
        "the content of the absent image, of {unreferenced}"
    );
    let subject = inventory.subject(&digest(&absent)).unwrap();
    let missing = BlobError::Missing { digest: digest(&absent) };
    assert_eq!(subject.content.as_ref().err(), Some(&BlobFault::Blob(missing)));
    absent["size"] = json!(1);

    let reached: Vec<_> = inventory
        .reachable(inventory.subject(&digest(&inner)).unwrap())
        .into_iter()
        .map(|descriptor| descriptor.digest)
        .collect();
    let of = |image: &Value| {
        let Ok(content) = &inventory.subject(&digest(image)).unwrap().content else { panic!() };
        let Document::Manifest(manifest) = &content.document else { panic!() };
        [manifest.config.digest, manifest.layers[0].digest, digest(image)]
    };
    assert_eq!(reached, [&of(&a)[..], &of(&b)[..], &[digest(&inner)]].concat());
}

#[test]
fn orphans() {
    let mut layout = Layout::default();
    let absent = layout.image("absent");
    layout.blobs.clear();
    let sig = layout.signature("sig");
    let bundle = layout.bundle(&absent, "bundle");
    let of_bundle = layout.bundle(&bundle, "of bundle");
    layout.root(&sig, &[(REF_NAME, &tag(&absent, ".sig"))]).root(&of_bundle, &[]);
    let known =
        [("absent", &absent), ("sig", &sig), ("bundle", &bundle), ("of-bundle", &of_bundle)];
    assert_eq!(
        Teller(&known).tell(&layout),
        [
            "orphan of absent: sig by tag: signature",
            "orphan of absent: bundle by subject: bundle (of-bundle by subject: bundle)",
        ]
    );
}

/// Case 55: tags can speak of each other in a circle, as digests cannot.
#[test]
fn circles() {
    let mut layout = Layout::default();
    let (a, b) = (layout.signature("a"), layout.signature("b"));
    let own = layout.signature("own");
    layout
        .root(&a, &[(REF_NAME, &tag(&b, ".sig"))])
        .root(&b, &[(REF_NAME, &tag(&a, ".sig"))])
        .root(&own, &[(REF_NAME, &tag(&own, ".sig"))]);
    let told = Teller(&[("a", &a), ("b", &b), ("own", &own)]).tell(&layout);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told.iter().any(|line| line == "orphan of own: own by tag: signature"), "{told:?}");
}

/// Case 43: an index cannot hold its own digest, so a circle is a wrong digest.
#[test]
fn an_index_that_lists_itself() {
    let mut layout = Layout::default();
    let image = layout.image("a");
    let index = layout.index(&[image]);
    let own = json!({ "schemaVersion": 2, "manifests": [index] }).to_string();
    layout.blobs.insert(digest(&index), own.into_bytes());
    layout.root(&index, &[]);
    let told = Teller(&[("index", &index)]).tell(&layout);
    assert_eq!(told[0], "index, unreadable, listed");
}

/// Annotations of a root.
type Annotations = &'static [(&'static str, &'static str)];

#[test]
fn names() {
    let name = |reference: &str| Name::Reference(reference.parse().unwrap());
    let cases: [(Annotations, Vec<Name>); 9] = [
        (&[], vec![]),
        (&[(REF_NAME, "v1")], vec![Name::Tag("v1".to_owned())]),
        (&[(REF_NAME, "ghcr.io/x/y:v1")], vec![name("ghcr.io/x/y:v1")]),
        (&[(REF_NAME, "busybox:1")], vec![name("docker.io/library/busybox:1")]),
        (&[(IMAGE_NAME, "ghcr.io/x/y:v1"), (REF_NAME, "v1")], vec![name("ghcr.io/x/y:v1")]),
        (&[(IMAGE_NAME, "ghcr.io/x/y:v1"), (REF_NAME, "x/y:v1")], vec![name("ghcr.io/x/y:v1")]),
        (
            &[(IMAGE_NAME, "ghcr.io/x/y:v1"), (REF_NAME, "v2")],
            vec![name("ghcr.io/x/y:v1"), Name::Tag("v2".to_owned())],
        ),
        (
            &[(IMAGE_NAME, "ghcr.io/x/y:v1"), (REF_NAME, "quay.io/x/y:v1")],
            vec![name("ghcr.io/x/y:v1"), name("quay.io/x/y:v1")],
        ),
        (&[(REF_NAME, "a\u{1b}[2J\n")], vec![]),
    ];
    for (annotations, names) in cases {
        let mut layout = Layout::default();
        let image = layout.image("a");
        layout.root(&image, annotations);
        assert_eq!(inventory(&layout).subjects[0].names, names, "{annotations:?}");
    }
    // Case 57: a name that no terminal should see is noted, escaped.
    let mut layout = Layout::default();
    let image = layout.image("a");
    layout.root(&image, &[(REF_NAME, "a\u{1b}[2J\n")]);
    let expected = format!("`a\\u{{1b}}[2J\\n`, the name of {}, is no name", digest(&image));
    assert_eq!(inventory(&layout).notes[0].to_string(), expected);
}

/// Case 56.
#[test]
fn one_name_for_two_things() {
    for (annotation, text, name) in [
        (REF_NAME, "v1", Name::Tag("v1".to_owned())),
        (REF_NAME, "x/y:v1", Name::Reference("x/y:v1".parse().unwrap())),
        (IMAGE_NAME, "ghcr.io/x/y:v1", Name::Reference("ghcr.io/x/y:v1".parse().unwrap())),
    ] {
        let mut layout = Layout::default();
        let (a, b) = (layout.image("a"), layout.image("b"));
        layout.root(&a, &[(annotation, text)]).root(&b, &[(annotation, text)]);
        let name = Box::new(name);
        let error = Error::AmbiguousRef { name, first: digest(&a), second: digest(&b) };
        assert_eq!(error.code(), "ambiguous-ref");
        assert_eq!(refused(&layout, &Limits::default()), Some(error));
    }
    let mut layout = Layout::default();
    let image = layout.image("a");
    layout
        .root(&image, &[(REF_NAME, "v1")])
        .root(&image, &[(REF_NAME, "v2")])
        .root(&image, &[(REF_NAME, "v1")]);
    assert_eq!(
        Teller(&[("image", &image)]).tell(&layout),
        ["image, v1, v2, listed", "listed twice: image"]
    );
}

#[test]
fn a_digest_that_is_promised_in_two_ways() {
    let mut layout = Layout::default();
    let image = layout.image("a");
    let mut larger = image.clone();
    larger["size"] = json!(9999);
    let index = layout.index(&[larger]);
    layout.root(&image, &[]).root(&index, &[]);
    let fault = |layout: &Layout| {
        let subject = inventory(layout).subjects.into_iter().next().unwrap();
        subject.content.err()
    };
    let found = image["size"].as_u64().unwrap();
    let wrong = BlobError::WrongSize { digest: digest(&image), promised: 9999, found };
    assert_eq!(fault(&layout), Some(BlobFault::Blob(wrong)));

    let mut layout = Layout::default();
    let image = layout.image("a");
    let mut docker = image.clone();
    docker["mediaType"] = json!(MediaType::DOCKER_MANIFEST);
    layout.root(&image, &[]).root(&docker, &[]);
    let other = oci::Error::OtherMediaType {
        promised: MediaType::from(MediaType::DOCKER_MANIFEST),
        found: MediaType::from(MANIFEST),
    };
    assert_eq!(fault(&layout), Some(BlobFault::Document(other)));
}

/// Cases 45, 47, 48, 50, 51, 52, 58.
#[test]
fn documents_that_cannot_be_read() {
    let content =
        |layout: &Layout| inventory(layout).subjects.into_iter().next().unwrap().content.err();
    let mut layout = Layout::default();
    let image = layout.image("a");
    let digest = digest(&image);
    let size = image["size"].as_u64().unwrap();
    for wrong in [size - 1, size + 1, 0, 1 << 63] {
        let mut layout = layout.clone();
        let mut root = image.clone();
        root["size"] = json!(wrong);
        layout.root(&root, &[]);
        let error = BlobError::WrongSize { digest, promised: wrong, found: size };
        assert_eq!(content(&layout), Some(BlobFault::Blob(error)));
    }
    let mut other = layout.clone();
    let mut bytes = other.blobs[&digest].clone();
    bytes[5] ^= 1;
    let found = Digest::sha256(&bytes);
    other.blobs.insert(digest, bytes);
    other.root(&image, &[]);
    assert_eq!(
        content(&other),
        Some(BlobFault::Blob(BlobError::WrongDigest { promised: digest, found }))
    );

    let data = base64::engine::general_purpose::STANDARD.encode(&layout.blobs[&digest]);
    for (data, expected) in [
        (data.as_str(), None),
        ("e30=", Some(BlobFault::Blob(BlobError::EmbeddedDataDiffers { digest }))),
        ("%", Some(BlobFault::Blob(BlobError::EmbeddedDataDiffers { digest }))),
        ("", Some(BlobFault::Blob(BlobError::EmbeddedDataDiffers { digest }))),
    ] {
        let mut layout = layout.clone();
        let mut root = image.clone();
        root["data"] = json!(data);
        layout.root(&root, &[]);
        assert_eq!(content(&layout), expected, "{data}");
    }
    let documents = [
        (
            MANIFEST,
            json!({ "schemaVersion": 2, "mediaType": INDEX, "config": image, "layers": [] }),
            oci::Error::OtherMediaType {
                promised: MediaType::from(MANIFEST),
                found: MediaType::from(INDEX),
            },
        ),
        (
            INDEX,
            json!({ "schemaVersion": 2, "manifests": [], "config": image }),
            oci::Error::Hybrid,
        ),
        (
            MANIFEST,
            json!({ "schemaVersion": 2, "config": image, "layers": [], "manifests": null }),
            oci::Error::Hybrid,
        ),
        (
            "application/vnd.docker.distribution.manifest.v1+prettyjws",
            json!({}),
            oci::Error::DockerSchema1,
        ),
        (
            "text/plain",
            json!({}),
            oci::Error::UnknownMediaType { found: MediaType::from("text/plain") },
        ),
    ];
    for (media_type, document, expected) in documents {
        let mut layout = Layout::default();
        let root = layout.document(media_type, &document);
        layout.root(&root, &[]);
        assert_eq!(content(&layout), Some(BlobFault::Document(expected)));
    }
}

#[test]
fn pieces_that_cannot_be_read() {
    let mut layout = Layout::default();
    let image = layout.image("a");
    let config = layout.blob(CONFIG, "{}");
    let payload = layout.blob(MediaType::SIMPLE_SIGNING, "{}");
    let missing = layout.blob(MediaType::SIMPLE_SIGNING, "{\"missing\":1}");
    layout.blobs.remove(&digest(&missing));
    let large = layout.blob(MediaType::SIMPLE_SIGNING, format!("[\"{}\"]", "x".repeat(4 << 20)));
    let envelope = layout.blob(MediaType::DSSE_ENVELOPE, format!("[\"{}\"]", "x".repeat(4 << 20)));
    let junk = layout.blob("text/junk", "junk");
    let sig = layout.manifest(&json!({
        "config": config, "layers": [payload, missing, large, envelope, junk],
    }));
    let gone = layout.signature("gone");
    layout.blobs.remove(&digest(&gone));
    layout
        .root(&image, &[])
        .root(&sig, &[(REF_NAME, &tag(&image, ".sig"))])
        .root(&gone, &[(REF_NAME, &tag(&image, ".att"))]);
    let inventory = inventory(&layout);
    let told =
        Teller(&[("sig", &sig), ("gone", &gone)]).evidence(&inventory.subjects[0].evidence[0]);
    assert_eq!(told, "sig by tag: signature missing-blob limit-exceeded attestation text/junk");
    let fault = inventory.subjects[0].evidence[1].content.as_ref().err();
    let missing = BlobError::Missing { digest: digest(&gone) };
    assert_eq!(fault, Some(&BlobFault::Blob(missing)));
}

/// Case 55: a referrer that gives its subject another size contradicts itself.
#[test]
fn a_subject_of_another_size() {
    let mut layout = Layout::default();
    let image = layout.image("a");
    let mut wrong = image.clone();
    wrong["size"] = json!(1);
    let bundle = layout.bundle(&wrong, "b");
    layout.root(&image, &[]).root(&bundle, &[]);
    let inventory = inventory(&layout);
    let evidence = &inventory.subjects[0].evidence[0];
    let found = image["size"].as_u64().unwrap();
    let expected = BlobError::WrongSize { digest: digest(&image), promised: 1, found };
    assert_eq!(evidence.content.as_ref().err(), Some(&BlobFault::Blob(expected)));
    assert!(evidence.pieces.is_empty());
}

#[test]
fn the_ledger() {
    let ledger = |layout: &mut Layout, text: &str| {
        let config = layout.blob("application/vnd.oci.empty.v1+json", "{}");
        let layer = layout.blob(MediaType::LEDGER, text);
        layout.manifest(
            &json!({ "artifactType": MediaType::LEDGER, "config": config, "layers": [layer] }),
        )
    };
    let mut layout = Layout::default();
    let image = layout.image("a");
    let first = ledger(&mut layout, "{\"l\":1}");
    layout.root(&image, &[]).root(&first, &[]);
    assert_eq!(Teller(&[("image", &image)]).tell(&layout), ["image, listed", "ledger: {\"l\":1}"]);

    let mut two = layout.clone();
    let second = ledger(&mut two, "{\"l\":2}");
    two.root(&second, &[]);
    let error = Error::TwoLedgers { first: digest(&first), second: digest(&second) };
    assert_eq!(refused(&two, &Limits::default()), Some(error));

    let missing = Digest::sha256(b"{\"l\":1}");
    layout.blobs.remove(&missing);
    let fault = BlobFault::Blob(BlobError::Missing { digest: missing });
    let error = Error::Ledger { digest: digest(&first), fault };
    assert_eq!(refused(&layout, &Limits::default()), Some(error));
}

/// Cases 42, 44, 55, 72.
#[test]
fn caps_at_n_and_one_more() {
    let limits = Limits::default();
    let cap = |what, limit| Some(Error::Limit { what, limit });

    let mut nested = Layout::default();
    let mut index = nested.image("a");
    for _ in 0..4 {
        index = nested.index(&[index]);
    }
    nested.root(&index, &[]);
    assert_eq!(refused(&nested, &limits), None);
    let fifth = nested.index(&[index]);
    nested.root(&fifth, &[]);
    nested.roots.remove(0);
    assert_eq!(refused(&nested, &limits), cap("indexes inside each other", 4));

    let mut chain = Layout::default();
    let image = chain.image("a");
    chain.root(&image, &[]);
    let mut last = image;
    for n in 0..4 {
        last = chain.bundle(&last, &n.to_string());
    }
    assert_eq!(refused(&chain, &limits), None);
    chain.bundle(&last, "one more");
    assert_eq!(refused(&chain, &limits), cap("levels of evidence of evidence", 4));

    let mut layout = Layout::default();
    let image = layout.image("a");
    let sig = layout.signature("s");
    layout.root(&image, &[]).root(&sig, &[(REF_NAME, &tag(&image, ".sig"))]);
    // Two entries, and two manifests with a configuration and a layer; two annotations.
    assert_eq!(refused(&layout, &Limits { descriptors: 8, ..limits }), None);
    let what = "descriptors and annotations";
    assert_eq!(refused(&layout, &Limits { descriptors: 7, ..limits }), cap(what, 7));
    let documents = layout.blobs[&digest(&image)].len() + layout.blobs[&digest(&sig)].len();
    let held = 2 * documents + "{\"p\":\"s\"}".len() + 512;
    let held = u64::try_from(held).unwrap();
    assert_eq!(refused(&layout, &Limits { inventory_bytes: held, ..limits }), None);
    assert_eq!(
        refused(&layout, &Limits { inventory_bytes: held - 1, ..limits }),
        cap("bytes of manifests and evidence", held - 1)
    );

    let mut layers = Layout::default();
    let image = layers.image("a");
    let config = layers.blob(CONFIG, "{}");
    let layer = layers.blob(MediaType::SIMPLE_SIGNING, "{}");
    for (count, expected) in [(1000, None), (1001, Some(1000))] {
        let mut layers = layers.clone();
        let sig = layers.manifest(&json!({ "config": config, "layers": vec![&layer; count] }));
        layers.root(&image, &[]).root(&sig, &[(REF_NAME, &tag(&image, ".sig"))]);
        let inventory = inventory(&layers);
        let evidence = &inventory.subjects[0].evidence[0];
        let fault = expected.map(|limit| {
            BlobFault::Document(oci::Error::Limit { what: "layers of evidence", limit })
        });
        assert_eq!(evidence.content.as_ref().err(), fault.as_ref());
        assert_eq!(evidence.pieces.len(), if fault.is_some() { 0 } else { count });
    }
}

/// One manifest under many tags is read as often, and what is read is counted.
#[test]
fn one_signature_for_many_subjects() {
    let mut layout = Layout::default();
    let config = layout.blob(CONFIG, "{}");
    let layer = layout.blob(MediaType::SIMPLE_SIGNING, "{}");
    let sig = layout.manifest(&json!({ "config": config, "layers": vec![&layer; 100] }));
    for n in 0..100 {
        layout.root(&sig, &[(REF_NAME, &format!("sha256-{n:064x}.sig"))]);
    }
    let size = sig["size"].as_u64().unwrap();
    let limits = Limits::default();
    // Each holds the manifest twice, and a hundred pieces of two bytes.
    let inventory_bytes = 100 * (2 * size + 100 * (2 + 512));
    assert_eq!(refused(&layout, &Limits { inventory_bytes, ..limits }), None);
    let limit = inventory_bytes - 1;
    assert_eq!(
        refused(&layout, &Limits { inventory_bytes: limit, ..limits }),
        Some(Error::Limit { what: "bytes of manifests and evidence", limit })
    );
}

/// Cases 44 and 55: many of everything ends soon.
#[test]
fn many() {
    let mut layout = Layout::default();
    let image = layout.image("a");
    layout.root(&image, &[]);
    for n in 0..5000 {
        layout.bundle(&image, &n.to_string());
    }
    for n in 0..10_000 {
        layout.root(&image, &[(REF_NAME, &format!("t{n}"))]);
    }
    let inventory = inventory(&layout);
    assert_eq!(inventory.subjects[0].evidence.len(), 5000);
    assert_eq!(inventory.subjects[0].names.len(), 10_000);
}
