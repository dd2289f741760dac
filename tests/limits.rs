//! Every cap of `Limits` at its number and at one more: for each an input that has exactly N of what
//! is capped, which passes where N is allowed and is refused by name where N - 1 is. A field without
//! a row does not compile.
#![expect(
    clippy::unwrap_used,
    clippy::as_conversions,
    clippy::format_push_string,
    clippy::indexing_slicing,
    clippy::type_complexity,
    reason = "a test counts small things and stops where its input is not as it must be"
)]

mod layouts;
mod support;

use layouts::{Layout, Tar, annotated, blob_name, digest, gzip, merge, tag};
use sealift::admission::Objects;
use sealift::archive::Archive;
use sealift::crypto::PublicKey;
use sealift::digest::{Algorithm, Digest};
use sealift::inventory::{BlobFault, Inventory, Piece};
use sealift::limits::Limits;
use sealift::oci::MediaType;
use sealift::policy::engine::{Document, Engine, Outcome};
use sealift::policy::{Glob, PolicyFile, TextMatcher, document};
use sealift::sigstore::TrustRoot;
use sealift::time::UnixTime;
use sealift::verify::{Artifact, Testimony, Trust, Verifier};
use sealift::x509::{Certificate, PrivatePki};
use serde_json::{Value, json};

use support::bench::{Bench, KeyKind, NOW, SIGNED};
use support::evidence::{
    Bundle, Content, LegacyAttestation, LegacySignature, Material, Signer, Version,
};
use support::{AttestationLog, Log, compact, der, plus, time};

/// An input that has N of what is capped, and what is told where less is allowed.
struct Input {
    n: u64,
    found: Box<dyn Fn(&Limits) -> Result<(), String>>,
    /// `LIMIT` stands for the cap.
    refused: String,
}

impl Input {
    fn new(
        n: usize,
        refused: impl Into<String>,
        found: impl Fn(&Limits) -> Result<(), String> + 'static,
    ) -> Self {
        Self { n: n as u64, found: Box::new(found), refused: refused.into() }
    }
}

/// A field of `Limits`.
struct Row {
    field: &'static str,
    default: u64,
    expected: u64,
    source: &'static str,
    set: fn(&mut Limits, u64),
    inputs: fn() -> Vec<Input>,
}

/// The inputs of a field are made by the function of its name.
macro_rules! rows {
    ($($field:ident = $expected:expr, $source:literal;)+) => {
        fn rows() -> Vec<Row> {
            let Limits { $($field),+ } = Limits::default();
            vec![$(Row {
                field: stringify!($field),
                default: $field as u64,
                expected: $expected,
                source: $source,
                set: |limits, n| limits.$field = n.try_into().unwrap(),
                inputs: self::$field,
            }),+]
        }
    };
}

rows! {
    metadata_bytes = 4 << 20, "the manifest size the distribution spec asks registries to accept";
    envelope_bytes = 16 << 20, "cosign reads up to 128 MiB";
    json_depth = 32, "the deepest field format, in-toto SLSA provenance, has 12";
    predicate_depth = 100, "below the 128 that `serde_json` can read";
    index_depth = 4, "images in the field have 2";
    descriptors = 100_000, "the 200 images of 40 layers measured";
    annotations = 100, "Annotations on one descriptor or manifest";
    annotation_bytes = 64 << 10, "a cosign certificate chain has about 10 KiB";
    signature_layers = 1000, "cosign's own bound (CVE-2024-29903)";
    tar_members = 200_000, "a blob and a directory for each descriptor";
    volumes = 500, "a process may open 1024 files";
    tar_extension_bytes = 8 << 10, "a sha512 path has 141 bytes";
    decompressed_bytes = 1 << 40, "a gzip bomb meets the ratio below first";
    decompression_ratio = 200, "Layers are compressed already; JSON reaches about 30";
    zstd_window_bytes = 128 << 20, "ZSTD_WINDOWLOG_LIMIT_DEFAULT";
    stream_metadata_bytes = 64 << 20, "an archive that can only be read once";
    inventory_bytes = 128 << 20, "75 images with the largest attestations measured";
    evidence_pieces = 10_000, "fifty times the 200 signed images measured";
    tlog_entries = 32, "as sigstore-go has it";
    timestamps = 32, "as sigstore-go has it";
    statement_subjects = 1024, "as sigstore-go has it";
    subject_digests = 32, "as sigstore-go has it";
    chain_certificates = 8, "RUSTSEC-2023-0052";
    certificate_bytes = 64 << 10, "Fulcio's have about 1 KiB";
    proof_hashes = 64, "a log of 2^64 entries";
    checkpoint_bytes = 16 << 10, "Bytes of one checkpoint";
    checkpoint_signatures = 32, "the largest witness networks have about 15";
    regex_bytes = 1 << 20, "Bytes a regular expression may compile to";
    policy_bytes = 1 << 20, "Bytes of a policy file";
    tuf_repository_bytes = 16 << 20, "the public one of Sigstore";
    object_bytes = 16 << 20, "a list of a thousand pods has about 10 MB";
    object_nodes = 1_000_000, "a pod has about 200";
    object_depth = 40, "spells out the affinity of a";
    cue_nesting = 96, "policies in the field have 15";
    cue_depth = 200, "twice `predicate_depth`";
    cue_alternatives = 256, "in the field 4";
    cue_steps = 250_000, "ten for each item of a list that they look into";
    rego_steps = 1_000_000, "about a second";
    rego_nesting = 8, "in the field 5";
    rego_chain = 16, "in the field 4";
}

#[test]
fn every_limit_holds_at_n_and_one_more() {
    for row in rows() {
        let inputs = (row.inputs)();
        assert!(!inputs.is_empty(), "{}", row.field);
        for Input { n, found, refused } in inputs {
            let limited = |limit: u64| {
                let mut limits = Limits::default();
                (row.set)(&mut limits, limit);
                found(&limits)
            };
            assert_eq!(limited(n), Ok(()), "{}: {n} allowed, {refused}", row.field);
            let less = n.checked_sub(1).unwrap();
            let told = refused.replace("LIMIT", &less.to_string());
            assert_eq!(
                limited(less).map_err(|text| without_place(&text)),
                Err(told),
                "{}",
                row.field
            );
        }
    }
}

/// What is told, but for the line and column, which depend on keys and certificates.
fn without_place(text: &str) -> String {
    text.split(" at line ").next().unwrap().to_owned()
}

/// The numbers, and the words that say where each is from.
#[test]
fn every_number_stands_with_its_source() {
    let page = include_str!("../src/limits.rs");
    for Row { field, default, expected, source, .. } in rows() {
        assert_eq!(default, expected, "{field}");
        let before = page.split(&format!("pub {field}: ")).next().unwrap();
        let doc: Vec<_> = before
            .lines()
            .rev()
            .skip(1)
            .map_while(|line| line.trim().strip_prefix("/// "))
            .collect();
        let doc = doc.into_iter().rev().collect::<Vec<_>>().join(" ");
        assert!(doc.contains(source), "{field}: {doc}");
    }
}

// Archives.

const REF_NAME: &str = "org.opencontainers.image.ref.name";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";

/// An error and its causes, after its code.
fn told(code: &str, error: &dyn std::error::Error) -> String {
    let mut text = format!("{code}: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        // Some errors tell their cause themselves.
        if !text.ends_with(&error.to_string()) {
            text += &format!(": {error}");
        }
        cause = error.source();
    }
    text
}

fn streamed(tar: Vec<u8>) -> impl Fn(&Limits) -> Result<(), String> {
    move |limits| {
        let archive = Archive::from_stream(&*tar, limits);
        archive.map(|_| ()).map_err(|error| told(error.code(), &error))
    }
}

fn written(layout: &Layout) -> impl Fn(&Limits) -> Result<(), String> + 'static {
    let folder = tempfile::tempdir().unwrap();
    layout.write(folder.path());
    move |limits| {
        let archive = Archive::open(folder.path(), limits);
        archive.map(|_| ()).map_err(|error| told(error.code(), &error))
    }
}

/// What is wrong with the whole, with the first subject, or with its first evidence.
fn listed(layout: Layout) -> impl Fn(&Limits) -> Result<(), String> {
    move |limits| {
        let inventory = Inventory::of(&layout.open(), limits);
        let inventory = inventory.map_err(|error| told(error.code(), &error))?;
        let subject = inventory.subjects.first().unwrap();
        let evidence = subject.evidence.first();
        let contents = [
            Some(&subject.content).map(|content| content.as_ref().err()),
            evidence.map(|evidence| evidence.content.as_ref().err()),
        ];
        if let Some(fault) = contents.into_iter().flatten().flatten().next() {
            let code = match fault {
                BlobFault::Blob(error) => error.code(),
                BlobFault::Document(error) if error.exceeds_a_limit() => "limit-exceeded",
                BlobFault::Document(_) => "malformed-manifest",
            };
            return Err(told(code, fault));
        }
        match evidence.and_then(|evidence| evidence.pieces.first()) {
            Some(Piece::Unreadable(_, error)) => Err(told(error.code(), error)),
            _ => Ok(()),
        }
    }
}

/// An image with a signature.
fn signed(payload: &str) -> (Layout, Value) {
    let mut layout = Layout::default();
    let image = layout.image("a");
    let sig = layout.signature(payload);
    layout.root(&image, &[]).root(&sig, &[(REF_NAME, &tag(&image, ".sig"))]);
    (layout, sig)
}

/// An image whose manifest has these annotations.
fn annotated_image(annotations: &[(&str, &str)]) -> (Layout, Value) {
    let mut layout = Layout::default();
    let config = layout.blob(CONFIG, "{}");
    let mut fields = json!({ "config": config, "layers": [] });
    merge(&mut fields, &annotated(annotations));
    let image = layout.manifest(&fields);
    layout.root(&image, &[]);
    (layout, image)
}

/// What is told of a blob that is larger than `LIMIT`.
fn too_large(digest: &Digest, size: usize) -> String {
    format!("limit-exceeded: blob {digest} has {size} bytes; of its kind at most LIMIT are read")
}

fn size(descriptor: &Value) -> usize {
    descriptor["size"].as_u64().unwrap().try_into().unwrap()
}

fn metadata_bytes() -> Vec<Input> {
    let (layout, _) = signed(&"p".repeat(1000));
    let index = layout.index_json().len();
    let of_index = "limit-exceeded: the archive has more than LIMIT bytes of `index.json`";
    let (large, image) = annotated_image(&[("a", &"a".repeat(1000))]);
    let payload = format!(r#"{{"p":"{}"}}"#, "p".repeat(1000));
    let of_payload = too_large(&Digest::sha256(payload.as_bytes()), payload.len());
    vec![
        Input::new(index, of_index, streamed(layout.tar())),
        Input::new(index, of_index, written(&layout)),
        Input::new(size(&image), too_large(&digest(&image), size(&image)), listed(large)),
        Input::new(payload.len(), of_payload, listed(layout)),
    ]
}

fn envelope_bytes() -> Vec<Input> {
    let mut layout = Layout::default();
    let image = layout.image("a");
    layout.root(&image, &[]);
    let bundle = "b".repeat(1000);
    layout.bundle(&image, &bundle);
    let bundle = format!(r#"{{"b":"{bundle}"}}"#);
    let refused = too_large(&Digest::sha256(bundle.as_bytes()), bundle.len());
    vec![Input::new(bundle.len(), refused, listed(layout))]
}

fn index_depth() -> Vec<Input> {
    let mut nested = Layout::default();
    let mut index = nested.image("a");
    for _ in 0..2 {
        index = nested.index(&[index]);
    }
    nested.root(&index, &[]);
    let mut chain = Layout::default();
    let mut last = chain.image("a");
    chain.root(&last, &[]);
    for n in 0..2 {
        last = chain.bundle(&last, &n.to_string());
    }
    let refused = |what: &str| format!("limit-exceeded: the archive has more than LIMIT {what}");
    vec![
        Input::new(2, refused("indexes inside each other"), listed(nested)),
        Input::new(2, refused("levels of evidence of evidence"), listed(chain)),
    ]
}

fn descriptors() -> Vec<Input> {
    // Two entries, and two manifests with a configuration and a layer; two annotations.
    let refused = "limit-exceeded: the archive has more than LIMIT descriptors and annotations";
    vec![Input::new(8, refused, listed(signed("p").0))]
}

fn annotations() -> Vec<Input> {
    let three = [("a", "1"), ("b", "2"), ("c", "3")];
    let (manifest, image) = annotated_image(&three);
    let mut index = Layout::default();
    index.root(&image, &three);
    vec![
        Input::new(3, "limit-exceeded: more than LIMIT annotations", listed(manifest)),
        Input::new(
            3,
            "limit-exceeded: `index.json` cannot be read: more than LIMIT annotations",
            streamed(index.tar()),
        ),
    ]
}

fn annotation_bytes() -> Vec<Input> {
    let refused = "limit-exceeded: more than LIMIT bytes of an annotation";
    vec![
        Input::new(9, refused, listed(annotated_image(&[("key", "the value")]).0)),
        Input::new(7, refused, listed(annotated_image(&[("the key", "value")]).0)),
    ]
}

/// An image with that many signatures in one manifest.
fn with_signatures(count: usize) -> Layout {
    let mut layout = Layout::default();
    let image = layout.image("a");
    let config = layout.blob(CONFIG, "{}");
    let layer = layout.blob(MediaType::SIMPLE_SIGNING, "{}");
    let sig = layout.manifest(&json!({ "config": config, "layers": vec![layer; count] }));
    layout.root(&image, &[]).root(&sig, &[(REF_NAME, &tag(&image, ".sig"))]);
    layout
}

fn signature_layers() -> Vec<Input> {
    let refused = "limit-exceeded: more than LIMIT layers of evidence";
    vec![Input::new(3, refused, listed(with_signatures(3)))]
}

fn evidence_pieces() -> Vec<Input> {
    let mut layout = with_signatures(3);
    let image = layout.roots.first().unwrap().clone();
    layout.bundle(&image, "b");
    // What is not judged does not count.
    let sbom = layout.blob("application/spdx+json", "{}");
    let config = layout.blob(CONFIG, "{}");
    let sbom = layout.manifest(&json!({ "config": config, "layers": vec![sbom; 5] }));
    layout.root(&sbom, &[(REF_NAME, &tag(&image, ".sbom"))]);
    let refused = "limit-exceeded: the archive has more than LIMIT signatures and attestations";
    vec![Input::new(4, refused, listed(layout))]
}

fn inventory_bytes() -> Vec<Input> {
    let (layout, sig) = signed("p");
    let image = layout.roots.first().unwrap();
    // Manifests count twice, and a piece has something beside it.
    let held = 2 * (size(image) + size(&sig)) + r#"{"p":"p"}"#.len() + 512;
    let refused = "limit-exceeded: the archive has more than LIMIT bytes of manifests and evidence";
    vec![Input::new(held, refused, listed(layout))]
}

fn empty_blob() -> Tar {
    Tar::sound().member(blob_name(&Digest::sha256(b"")), b"")
}

fn tar_members() -> Vec<Input> {
    let refused = "limit-exceeded: the archive has more than LIMIT members";
    let mut layout = Layout::default();
    layout.blob("text/plain", "a");
    // As a directory: two files, two folders and a blob.
    vec![
        Input::new(3, refused, streamed(empty_blob().end())),
        Input::new(5, refused, written(&layout)),
    ]
}

/// A set of two, given whole and counted by its header.
fn volumes() -> Vec<Input> {
    let tar = Tar::sound().end();
    let halves: Vec<_> = tar.chunks(tar.len() / 2).map(<[u8]>::to_vec).collect();
    let lines: Vec<_> = halves
        .iter()
        .enumerate()
        .map(|(at, half)| {
            let (digest, length) = (Digest::sha256(half), half.len());
            let offset = at * length;
            format!("number {} of 2\nbytes {length} from {offset}\npayload {digest}\n", at + 1)
        })
        .collect();
    let set = Digest::sha256(lines.concat().as_bytes());
    let files: Vec<_> = lines
        .iter()
        .zip(halves)
        .map(|(lines, half)| {
            let mut file = format!("sealift volume 1\nset {set}\n{lines}").into_bytes();
            file.resize(512, 0);
            [file, half].concat()
        })
        .collect();
    let open = move |limits: &Limits| {
        let folder = tempfile::tempdir().unwrap();
        let paths = [folder.path().join("1"), folder.path().join("2")];
        for (path, bytes) in paths.iter().zip(&files) {
            std::fs::write(path, bytes).unwrap();
        }
        let opened = Archive::open_files(&paths, limits);
        opened.map(drop).map_err(|error| told(error.code(), &error))
    };
    vec![Input::new(2, "limit-exceeded: the archive has more than LIMIT volumes", open)]
}

fn tar_extension_bytes() -> Vec<Input> {
    let long = blob_name(&Digest::of(Algorithm::Sha512, b""));
    let tar = Tar::sound().long_name(long.as_bytes()).member("x", b"").end();
    let refused = "limit-exceeded: the archive has more than LIMIT bytes of an extension";
    vec![Input::new(long.len(), refused, streamed(tar))]
}

fn decompressed_bytes() -> Vec<Input> {
    let tar = empty_blob().end();
    let refused = "limit-exceeded: the archive has more than LIMIT bytes once decompressed";
    [gzip(&tar), layouts::zstd(&tar)]
        .map(|packed| Input::new(tar.len(), refused, streamed(packed)))
        .into()
}

/// What exceeds 64 MiB is compared with what it was unpacked from.
fn decompression_ratio() -> Vec<Input> {
    let zeros = vec![0; 80 << 20];
    let tar = Tar::sound().member(blob_name(&Digest::sha256(&zeros)), &zeros).end();
    let packed = gzip(&tar);
    let ratio = (tar.len() - (64 << 20)).div_ceil(packed.len());
    let refused =
        "limit-exceeded: the archive has more than LIMIT times its own size once decompressed";
    vec![Input::new(ratio, refused, streamed(packed))]
}

/// A frame with a window of 1 KiB and a block for each KiB, stored as it is (RFC 8878 section 3.1.1).
fn zstd_window_bytes() -> Vec<Input> {
    let tar = empty_blob().end();
    let mut frame = b"\x28\xb5\x2f\xfd\0\0".to_vec();
    let blocks = tar.chunks(1024).count();
    for (at, block) in tar.chunks(1024).enumerate() {
        let header = (block.len() << 3) | usize::from(at + 1 == blocks);
        frame.extend_from_slice(header.to_le_bytes().get(..3).unwrap());
        frame.extend_from_slice(block);
    }
    let refused = "limit-exceeded: the archive has more than LIMIT bytes of window in a zstd frame";
    vec![Input::new(1024, refused, streamed(frame))]
}

fn stream_metadata_bytes() -> Vec<Input> {
    let json = Tar::sound().member(blob_name(&Digest::sha256(b"{}")), b"{}").end();
    let refused = "limit-exceeded: the archive has more than LIMIT bytes of metadata for a stream; \
        give the archive as a file";
    vec![Input::new(2, refused, streamed(json))]
}

// Evidence.

/// A piece of evidence about the image of the bench.
enum Evidence {
    Signature(LegacySignature),
    Attestation(LegacyAttestation),
    Bundle(Vec<u8>),
}

fn judged(bench: &Bench, evidence: Evidence) -> impl Fn(&Limits) -> Result<(), String> + 'static {
    let digest = bench.image.digest();
    let root = bench.sigstore.trusted_root().to_string();
    let key = PublicKey::from_pem(&bench.key(KeyKind::P256).public_pem()).unwrap();
    move |limits| {
        let root = TrustRoot::parse(root.as_bytes(), &Limits::default()).unwrap();
        let trust = Trust { root: Some(root), keys: vec![key.clone()], ..Trust::default() };
        let verifier = Verifier::new(trust, NOW.parse().unwrap(), *limits);
        let subject = Artifact { digest: digest.into(), bytes: None };
        let verified = match &evidence {
            Evidence::Bundle(bytes) => verifier.verify(&subject, Testimony::Bundle(bytes)),
            Evidence::Signature(signature) => {
                let (payload, annotations) = (&signature.payload, signature.layer().annotations);
                let annotations = &annotations;
                verifier.verify(&subject, Testimony::Signature { payload, annotations })
            }
            Evidence::Attestation(attestation) => {
                let (envelope, annotations) = (&attestation.bytes, attestation.layer().annotations);
                let annotations = &annotations;
                verifier.verify(&subject, Testimony::Attestation { envelope, annotations })
            }
        };
        verified.map(|_| ()).map_err(|rejection| rejection.to_string())
    }
}

/// A bundle over cosign's statement, logged, changed last.
fn bundled(change: impl FnOnce(&mut Bundle, &mut Bench)) -> (Bench, Bundle) {
    let mut bench = Bench::new();
    let (signer, statement) = (bench.signer(), bench.sign_statement());
    let mut bundle = bench.at().bundle_statement(&signer, &statement);
    change(&mut bundle, &mut bench);
    (bench, bundle)
}

fn of_bundle(n: usize, refused: &str, (bench, bundle): (Bench, Bundle)) -> Vec<Input> {
    let evidence = Evidence::Bundle(compact(&bundle.json()));
    vec![Input::new(n, refused, judged(&bench, evidence))]
}

/// An attestation by key of a statement about the image.
fn attested(change: impl FnOnce(&mut Value)) -> (Bench, LegacyAttestation) {
    let mut bench = Bench::new();
    let mut statement = bench.provenance();
    change(&mut statement);
    let signer = Signer::key(bench.key(KeyKind::P256));
    let attestation = bench.at().attest(&signer, &statement, AttestationLog::None);
    (bench, attestation)
}

/// What is told of a document, and that it is nested too deeply.
fn deep(what: &str) -> String {
    format!("{what}: nested too deeply")
}

/// How deep a document is nested.
fn depth(document: &[u8]) -> usize {
    fn of(value: &Value) -> usize {
        match value {
            Value::Array(items) => 1 + items.iter().map(of).max().unwrap_or(0),
            Value::Object(fields) => 1 + fields.values().map(of).max().unwrap_or(0),
            _ => 0,
        }
    }
    of(&serde_json::from_slice(document).unwrap())
}

fn json_depth() -> Vec<Input> {
    let (layout, _) = signed("p");
    let index = layout.index_json();
    let (manifest, image) = annotated_image(&[]);
    let (bench, bundle) = bundled(|_, _| {});
    let bundle = compact(&bundle.json());
    let (attesting, attestation) = attested(|_| {});
    let root = bench.sigstore.trusted_root().to_string();
    let mut signing = Bench::new();
    let (signer, payload) = (signing.signer(), signing.payload());
    let signature = signing.at().sign(&signer, &payload, Log::Promise);
    // The deepest of a signature is what its log keeps.
    let body = depth(&signature.entry.as_ref().unwrap().body);
    vec![
        Input::new(
            depth(&index),
            deep("limit-exceeded: `index.json` cannot be read: no valid document"),
            streamed(layout.tar()),
        ),
        Input::new(
            depth(&manifest.blobs[&digest(&image)]),
            deep("limit-exceeded: no valid document"),
            listed(manifest),
        ),
        Input::new(
            depth(&bundle),
            deep("limit-exceeded: no Sigstore bundle"),
            judged(&bench, Evidence::Bundle(bundle)),
        ),
        Input::new(
            depth(&attestation.bytes),
            deep("limit-exceeded: no DSSE envelope"),
            judged(&attesting, Evidence::Attestation(attestation)),
        ),
        Input::new(
            body,
            deep("limit-exceeded: the entry's body is no valid document"),
            judged(&signing, Evidence::Signature(signature)),
        ),
        Input::new(depth(root.as_bytes()), deep("no trusted root"), parsed_root(root)),
    ]
}

fn parsed_root(root: String) -> impl Fn(&Limits) -> Result<(), String> {
    move |limits| {
        let root = TrustRoot::parse(root.as_bytes(), limits);
        root.map(|_| ()).map_err(|error| error.to_string())
    }
}

fn predicate_depth() -> Vec<Input> {
    let (bench, attestation) = attested(|statement| statement["predicate"] = json!([[[[[[[]]]]]]]));
    vec![Input::new(
        8,
        deep("limit-exceeded: the payload is no in-toto statement"),
        judged(&bench, Evidence::Attestation(attestation)),
    )]
}

fn tlog_entries() -> Vec<Input> {
    let logged = bundled(|bundle, bench| {
        let body: Value = serde_json::from_slice(&bundle.entries[0].body).unwrap();
        let at = bench.at();
        bundle.entries.push(at.sigstore.rekor.log(&body, at.time));
    });
    of_bundle(2, "limit-exceeded: the bundle has more than LIMIT log entries", logged)
}

fn timestamps() -> Vec<Input> {
    let stamped = bundled(|bundle, bench| {
        let Content::Envelope(envelope) = &bundle.content else { unreachable!() };
        let tsa = &bench.sigstore.tsa;
        let stamp = |seconds| tsa.stamp(&envelope.signatures[0], plus(time(SIGNED), seconds));
        bundle.timestamps = vec![stamp(0), stamp(1)];
    });
    of_bundle(2, "limit-exceeded: the bundle has more than LIMIT timestamps", stamped)
}

fn statement_subjects() -> Vec<Input> {
    let (bench, attestation) = attested(|statement| {
        let other = json!({ "digest": { "sha256": "00".repeat(32) } });
        statement["subject"].as_array_mut().unwrap().extend([other.clone(), other]);
    });
    let refused = "limit-exceeded: the statement has more than LIMIT subjects";
    vec![Input::new(3, refused, judged(&bench, Evidence::Attestation(attestation)))]
}

fn subject_digests() -> Vec<Input> {
    let (bench, attestation) = attested(|statement| {
        statement["subject"][0]["digest"]["gitCommit"] = json!("00");
        statement["subject"][0]["digest"]["sha1"] = json!("00");
    });
    let refused = "limit-exceeded: the statement has more than LIMIT digests of a subject";
    vec![Input::new(3, refused, judged(&bench, Evidence::Attestation(attestation)))]
}

fn chain_certificates() -> Vec<Input> {
    let chained = bundled(|bundle, bench| {
        *bundle = bundle.clone().downgraded(Version::V02);
        let Material::Chain(chain) = &mut bundle.material else { unreachable!() };
        chain.resize(3, bench.sigstore.fulcio.intermediate.clone());
    });
    let private = chained.0.sigstore.private.clone();
    let pem = der::pem("CERTIFICATE", &private.root).repeat(3);
    let root = chained.0.sigstore.trusted_root();
    let longest = ["certificateAuthorities", "timestampAuthorities"]
        .iter()
        .flat_map(|kind| root[kind].as_array().unwrap())
        .map(|authority| authority["certChain"]["certificates"].as_array().unwrap().len())
        .max();
    let of_chain = "limit-exceeded: the bundle has more than LIMIT certificates";
    let mut inputs = of_bundle(3, of_chain, chained);
    let of_authority =
        "certificateAuthorities[0]: the certificate chain has more than LIMIT certificates";
    inputs.push(Input::new(longest.unwrap(), of_authority, parsed_root(root.to_string())));
    inputs.push(Input::new(
        3,
        "there are more than LIMIT blocks of PEM",
        move |limits: &Limits| {
            let pki = PrivatePki::from_pem(&pem, None, limits);
            pki.map(|_| ()).map_err(|error| error.to_string())
        },
    ));
    inputs
}

fn certificate_bytes() -> Vec<Input> {
    let certificate = Bench::new().signer().certificate.unwrap();
    vec![Input::new(
        certificate.len(),
        "the certificate has more than LIMIT bytes",
        move |limits: &Limits| {
            let certificate = Certificate::from_der(&certificate, limits);
            certificate.map(|_| ()).map_err(|error| error.to_string())
        },
    )]
}

fn proof_hashes() -> Vec<Input> {
    let proven = bundled(|_, _| {});
    let hashes = proven.1.entries[0].proof.as_ref().unwrap().hashes.len();
    of_bundle(
        hashes,
        "limit-exceeded: the bundle has more than LIMIT hashes of an inclusion proof",
        proven,
    )
}

fn checkpoint_bytes() -> Vec<Input> {
    let noted = bundled(|_, _| {});
    let checkpoint = noted.1.entries[0].proof.as_ref().unwrap().checkpoint.as_ref().unwrap().len();
    of_bundle(
        checkpoint,
        "limit-exceeded: the checkpoint is no signed note: it has more than LIMIT bytes",
        noted,
    )
}

fn checkpoint_signatures() -> Vec<Input> {
    let noted = bundled(|bundle, _| {
        let checkpoint = bundle.entries[0].proof.as_mut().unwrap().checkpoint.as_mut().unwrap();
        let line = checkpoint.lines().last().unwrap().to_owned();
        *checkpoint += &format!("{line}\n{line}\n");
    });
    of_bundle(
        3,
        "limit-exceeded: the checkpoint is no signed note: it has more than LIMIT signature lines",
        noted,
    )
}

// Policies.

/// The least size at which an expression compiles, which only its compiler knows.
fn least(compiles: impl Fn(usize) -> bool) -> usize {
    let (mut refused, mut compiled) = (0, 1 << 20);
    assert!(!compiles(refused) && compiles(compiled));
    while compiled - refused > 1 {
        let middle = usize::midpoint(refused, compiled);
        if compiles(middle) { compiled = middle } else { refused = middle }
    }
    compiled
}

fn regex_bytes() -> Vec<Input> {
    let expression = |limits: &Limits| {
        let matcher = TextMatcher::expression("^https://(a|b)+/.*$", limits);
        matcher.map(|_| ()).map_err(|error| told("expression", &error))
    };
    let glob = |limits: &Limits| {
        let glob = Glob::parse("registry.example/*/**", limits);
        glob.map(|_| ()).map_err(|error| told("glob", &error))
    };
    let with = |regex_bytes| Limits { regex_bytes, ..Limits::default() };
    vec![
        Input::new(
            least(|bytes| expression(&with(bytes)).is_ok()),
            "expression: the regular expression cannot be used: Compiled regex exceeds size limit of LIMIT bytes.",
            expression,
        ),
        Input::new(
            least(|bytes| glob(&with(bytes)).is_ok()),
            "glob: the glob compiles to more than LIMIT bytes",
            glob,
        ),
    ]
}

fn policy_bytes() -> Vec<Input> {
    let policy = b"\
apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: all}
spec:
  images: [{glob: \"**\"}]
  authorities: [{static: {action: pass}}]
";
    vec![Input::new(
        policy.len(),
        "policy: policy file `all.yaml`: the file has more than LIMIT bytes",
        |limits: &Limits| {
            let file = PolicyFile { name: "all.yaml", bytes: policy };
            let policies =
                document::parse(&[file], limits, UnixTime::from_seconds(1_800_000_000).unwrap());
            policies.map(|_| ()).map_err(|error| told("policy", &error))
        },
    )]
}

fn tuf_repository_bytes() -> Vec<Input> {
    let packed = gzip(&[0; 2048]);
    let refused = "it unpacks to more than LIMIT bytes";
    vec![Input::new(2048, refused, move |limits| {
        let unpacked = sealift::tuf::unpack(&packed, limits);
        unpacked.map(drop).map_err(|error| error.to_string())
    })]
}

/// Eleven scalars, lists and maps, keys included, three levels deep.
const OBJECT: &str = "{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"x\": {\"y\": [1, 2]}}";

fn object(text: &'static str) -> impl Fn(&Limits) -> Result<(), String> {
    move |limits| {
        let objects = Objects::parse(text.as_bytes(), "o", limits);
        objects.map(|_| ()).map_err(|error| told("objects", &error))
    }
}

fn object_bytes() -> Vec<Input> {
    let refused =
        "objects: file `o`: larger than LIMIT bytes, too large for a file of Kubernetes objects";
    vec![Input::new(OBJECT.len(), refused, object(OBJECT))]
}

fn object_nodes() -> Vec<Input> {
    let refused = "objects: file `o`, line 4 (document 1): more than LIMIT scalars, lists and maps in one document";
    vec![Input::new(11, refused, object("apiVersion: v1\nkind: ConfigMap\nx:\n  y: [1, 2]\n"))]
}

fn object_depth() -> Vec<Input> {
    vec![
        Input::new(
            3,
            "objects: file `o`, line 1: no JSON that can be read one way only: nested too deeply",
            object(OBJECT),
        ),
        Input::new(
            3,
            "objects: file `o`, line 4 (document 1): nested more than LIMIT levels deep",
            object("apiVersion: v1\nkind: ConfigMap\nx:\n  y: [1, 2]\n"),
        ),
    ]
}

/// What an engine tells of an empty document, or of itself.
fn decided(engine: Result<Engine, impl std::error::Error>) -> Result<(), String> {
    let engine = engine.map_err(|error| told("engine", &error))?;
    let nothing = Document::parse(b"{}", &Limits::default()).unwrap();
    match engine.evaluate(&nothing) {
        Outcome::Compliant => Ok(()),
        Outcome::Warning(text) | Outcome::Refused(text) => Err(text),
    }
}

fn cue_nesting() -> Vec<Input> {
    let nested = |limits: &Limits| decided(Engine::cue("a: {b: [((1))]}", limits));
    let with = |cue_nesting| Limits { cue_nesting, ..Limits::default() };
    vec![Input::new(
        least(|n| nested(&with(n)).is_ok()),
        "engine: line 1, column 11: CUE subset: more than LIMIT levels of nesting",
        nested,
    )]
}

fn cue_depth() -> Vec<Input> {
    let nested = |limits: &Limits| decided(Engine::cue("a: b: c: d: 1", limits));
    let with = |cue_depth| Limits { cue_depth, ..Limits::default() };
    vec![Input::new(
        least(|n| nested(&with(n)).is_ok()),
        "engine: the CUE policy cannot be evaluated: `a.b.c.d` is more than LIMIT levels deep",
        nested,
    )]
}

fn cue_alternatives() -> Vec<Input> {
    vec![Input::new(
        6,
        "engine: the CUE policy cannot be evaluated: `a` has more than LIMIT alternatives",
        |limits: &Limits| {
            decided(Engine::cue("a: ({b: 1} | {b: 2} | {b: 3}) & ({c: 1} | {c: 2})", limits))
        },
    )]
}

fn cue_steps() -> Vec<Input> {
    let steps = |limits: &Limits| decided(Engine::cue("a: 1, b: a + 1, c: <b", limits));
    let with = |cue_steps: usize| Limits { cue_steps: cue_steps as u64, ..Limits::default() };
    // The document takes a step more than the policy alone.
    vec![Input::new(
        least(|n| steps(&with(n)).is_ok()),
        "failed to evaluate the policy with error: it takes more than LIMIT steps",
        steps,
    )]
}

fn rego_steps() -> Vec<Input> {
    let module = "package sigstore\nisCompliant { count(input) == 0 }";
    let steps = |limits: &Limits| decided(Engine::rego(module, limits));
    let with = |rego_steps: usize| Limits { rego_steps: rego_steps as u64, ..Limits::default() };
    vec![Input::new(
        least(|n| steps(&with(n)).is_ok()),
        "policy is not compliant for query 'isCompliant = data.sigstore.isCompliant': it takes more than LIMIT steps",
        steps,
    )]
}

fn rego_nesting() -> Vec<Input> {
    vec![Input::new(
        3,
        "engine: the Rego module cannot be used: line 2: more than LIMIT brackets in one another",
        |limits: &Limits| {
            decided(Engine::rego("package sigstore\nisCompliant { [{1}] != [] }", limits))
        },
    )]
}

fn rego_chain() -> Vec<Input> {
    let module = "package sigstore\na = true\nb { a }\nc { b }\nisCompliant { c }";
    vec![Input::new(
        3,
        "engine: the Rego module cannot be used: more than LIMIT rules refer to one another in a row",
        |limits: &Limits| decided(Engine::rego(module, limits)),
    )]
}
