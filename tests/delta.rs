//! Deltas: what the base holds stays behind, what is left is judged as a whole, and whatever is not
//! there is said to be missing.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "tests run the binary and stop at what is wrong"
)]

mod layouts;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use layouts::{Layout, digest};
use sealift::archive::{Answers, Archive, Held, Omission, Omitted};
use sealift::digest::Digest;
use sealift::inventory::Version;
use sealift::inventory::delta::{Base, BaseKind, Delta, Listed, contents};
use sealift::inventory::{Error, Inventory};
use sealift::limits::Limits;
use sealift::oci::MediaType;
use serde_json::{Value, json};

const POLICY: &str = "\
apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: all}
spec:
  images: [{glob: \"**\"}]
  authorities: [{static: {action: pass}}]
";

const SHARED: &[u8] = b"a layer that both have";
const OLD: &[u8] = b"a layer of the old one";
const NEW: &[u8] = b"a layer of the new one";

fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sealift"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("SEALIFT_")) {
        command.env_remove(name);
    }
    let Output { status, stdout, stderr } = command.args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

/// An archive of `r.example/app:TAG` with these layers.
fn image(tag: &str, layers: &[&[u8]]) -> Layout {
    let mut layout = Layout::default();
    let layers: Vec<_> = layers
        .iter()
        .map(|layer| layout.blob("application/vnd.oci.image.layer.v1.tar", layer))
        .collect();
    let config = layout.blob("application/vnd.oci.image.config.v1+json", json!({}).to_string());
    let image = layout.manifest(&json!({ "config": config, "layers": layers }));
    let name = format!("r.example/app:{tag}");
    layout.root(&image, &[("io.containerd.image.name", &name)]);
    layout
}

/// A directory with the archives of both images and a policy that admits all.
struct Trip {
    scratch: tempfile::TempDir,
}

impl Trip {
    fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let trip = Self { scratch };
        trip.put("old.tar", &image("v1", &[SHARED, OLD]).tar());
        trip.put("new.tar", &image("v2", &[SHARED, NEW]).tar());
        trip.put("all.yaml", POLICY.as_bytes());
        trip
    }

    fn at(&self, name: &str) -> String {
        self.path(name).into_os_string().into_string().unwrap()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    fn put(&self, name: &str, bytes: &[u8]) -> String {
        std::fs::write(self.path(name), bytes).unwrap();
        self.at(name)
    }

    /// Exports the new image against bases.
    fn export(&self, output: &str, bases: &[&str]) -> (Option<i32>, String, String) {
        let source = format!("oci-archive:{}", self.at("new.tar"));
        let (output, bases) = (self.at(output), self.paths(bases));
        let mut arguments = vec!["export", &source, "-o", &output];
        for base in &bases {
            arguments.extend(["--base", base]);
        }
        run(&arguments)
    }

    fn paths(&self, names: &[&str]) -> Vec<String> {
        names.iter().map(|name| self.at(name)).collect()
    }

    /// The exit status and the report, or what was said instead.
    fn verify(&self, archive: &str, bases: &[&str]) -> (Option<i32>, Result<Value, String>) {
        let (archive, policy) = (self.at(archive), self.at("all.yaml"));
        let bases = self.paths(bases);
        let mut arguments = vec!["verify", &archive, "--policy", &policy, "--format", "json"];
        for base in &bases {
            arguments.extend(["--base", base]);
        }
        let (status, told, said) = run(&arguments);
        (status, serde_json::from_str(&told).map_err(|_| said.replace(&self.at(""), "")))
    }
}

/// The codes and details of the reasons, and the notes.
fn reasons(report: &Value) -> (Vec<String>, Vec<String>) {
    let reasons = report["images"][0]["reasons"].as_array().cloned().unwrap_or_default();
    let told = |reason: &Value| {
        format!(
            "{}: {}",
            reason["code"].as_str().unwrap(),
            reason["blob"]["detail"].as_str().unwrap()
        )
    };
    let warnings = report["warnings"].as_array().cloned().unwrap_or_default();
    let notes = warnings.iter().filter_map(|warning| Some(warning["note"].as_str()?.to_owned()));
    (reasons.iter().map(told).collect(), notes.collect())
}

fn inventory(path: &Path) -> (Archive, Inventory) {
    let archive = Archive::open(path, &Limits::default()).unwrap();
    let inventory = Inventory::of(&archive, &Limits::default()).unwrap();
    (archive, inventory)
}

fn listed(bytes: &[u8]) -> Listed {
    Listed { digest: Digest::sha256(bytes), size: bytes.len().try_into().unwrap() }
}

fn contents_of(path: &Path) -> Digest {
    let archive = Archive::open(path, &Limits::default()).unwrap();
    contents(&archive.store().blobs().into_iter().collect())
}

#[test]
fn a_delta_leaves_layers_to_its_base() {
    let trip = Trip::new();
    let (status, told, said) = trip.export("delta.tar", &["old.tar"]);
    assert_eq!((status, said.as_str()), (Some(0), ""));
    let bytes = SHARED.len();
    assert!(told.contains(&format!("left to the base: 1 blob, {bytes} B")), "{told}");
    let (archive, inventory) = inventory(&trip.path("delta.tar"));
    let base = Base { kind: BaseKind::Archive, contents: contents_of(&trip.path("old.tar")) };
    let expected = Delta { version: Version, bases: vec![base], omitted: vec![listed(SHARED)] };
    assert_eq!(inventory.delta, Some(expected));
    assert_eq!(inventory.unreferenced, []);
    assert_eq!(inventory.subjects.len(), 1);
    let held = |bytes: &[u8]| archive.store().size(&Digest::sha256(bytes)).is_some();
    // The configuration is in the base as well, and travels all the same.
    assert_eq!([SHARED, NEW, b"{}"].map(held), [false, true, true]);
    // The same input, the same bytes.
    trip.export("again.tar", &["old.tar"]);
    let read = |name| std::fs::read(trip.path(name)).unwrap();
    assert!(read("delta.tar") == read("again.tar"));
    // A base that holds nothing of it makes no delta.
    trip.put("other.tar", &image("v0", &[OLD]).tar());
    trip.export("whole.tar", &[]);
    let (_, told, _) = trip.export("plain.tar", &["other.tar"]);
    assert!(told.contains("left to the base: 0 blobs, 0 B"), "{told}");
    assert!(read("plain.tar") == read("whole.tar"));
    // A base that has the name in another size has another blob.
    let mut liar = image("v1", &[SHARED]);
    liar.blobs.insert(Digest::sha256(SHARED), b"short".to_vec());
    trip.put("liar.tar", &liar.tar());
    trip.export("plain.tar", &["liar.tar"]);
    assert!(read("plain.tar") == read("whole.tar"));
}

#[test]
fn a_delta_is_judged_with_its_base() {
    let trip = Trip::new();
    trip.export("delta.tar", &["old.tar"]);
    let (shared, size) = (Digest::sha256(SHARED), SHARED.len());
    let note = format!("the archive is a delta that leaves 1 blob to its base, {size} bytes");
    let (status, report) = trip.verify("delta.tar", &["old.tar"]);
    let report = report.unwrap();
    assert_eq!(status, Some(0), "{report}");
    assert_eq!(
        reasons(&report),
        (vec![], vec![format!("{note}; 1 is read from the base that was given")])
    );
    let (_, whole) = trip.verify("new.tar", &[]);
    // Manifest, configuration and two layers, whatever they were read from.
    assert_eq!(report["blobs"], whole.unwrap()["blobs"]);

    let named = contents_of(&trip.path("old.tar"));
    let nowhere = format!(
        "{note}; 1 is nowhere: give by `--base` what it was made against, the archive with the \
         contents {named}"
    );
    // Which archive that is can be seen.
    let (_, told, _) = run(&["inspect", &trip.at("old.tar")]);
    assert!(told.ends_with(&format!("\ncontents {named}\n")), "{told}");
    let (_, told, _) = run(&["inspect", &trip.at("delta.tar"), "--format", "json"]);
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["contents"], json!(contents_of(&trip.path("delta.tar"))));
    let left = format!(
        "a delta that leaves 1 blob ({size} B) to its base, the archive with the contents {named}"
    );
    assert_eq!(told["notes"], json!([left]));
    let left = "the archive leaves blob";
    let missing =
        format!("omitted-blob: {left} {shared} to its base, and no base that was given holds it");
    // No base, one without the blob, one that has the name in another size.
    trip.put("lacking.tar", &image("v1", &[OLD]).tar());
    let mut short = image("v1", &[SHARED]);
    short.blobs.insert(shared, b"short".to_vec());
    trip.put("short.tar", &short.tar());
    for bases in [&[][..], &["lacking.tar"], &["short.tar"]] {
        let (status, report) = trip.verify("delta.tar", bases);
        let expected = (vec![missing.clone()], vec![nowhere.clone()]);
        assert_eq!((status, reasons(&report.unwrap())), (Some(1), expected), "{bases:?}");
    }
    // A base with other bytes under the name: they are hashed, wherever they lie.
    let mut wrong = image("v1", &[SHARED]);
    let mut bytes = SHARED.to_vec();
    bytes[0] ^= 1;
    let found = Digest::sha256(&bytes);
    wrong.blobs.insert(shared, bytes);
    trip.put("wrong.tar", &wrong.tar());
    let (status, report) = trip.verify("delta.tar", &["wrong.tar"]);
    let mismatch =
        format!("digest-mismatch: blob {shared} holds other bytes, of the digest {found}");
    assert_eq!((status, reasons(&report.unwrap()).0), (Some(1), vec![mismatch]));
    // The first of several that has it.
    assert_eq!(trip.verify("delta.tar", &["lacking.tar", "old.tar"]).0, Some(0));
}

/// What an archive lacks without saying so is not taken from a base.
#[test]
fn only_what_is_listed_is_taken_from_a_base() {
    let trip = Trip::new();
    let mut layout = image("v2", &[SHARED, NEW]);
    layout.blobs.remove(&Digest::sha256(SHARED));
    add_delta(&mut layout, &document(&[listed(OLD)]));
    trip.put("delta.tar", &layout.tar());
    let (status, report) = trip.verify("delta.tar", &["old.tar"]);
    let missing = format!("missing-blob: the archive has no blob {}", Digest::sha256(SHARED));
    assert_eq!((status, reasons(&report.unwrap()).0), (Some(1), vec![missing]));
    // Nor what the list gives another size than the manifest does.
    let mut layout = image("v2", &[SHARED, NEW]);
    layout.blobs.remove(&Digest::sha256(SHARED));
    add_delta(&mut layout, &document(&[Listed { size: 5, ..listed(SHARED) }]));
    trip.put("delta.tar", &layout.tar());
    let (status, report) = trip.verify("delta.tar", &["old.tar"]);
    let left = format!(
        "omitted-blob: the archive leaves blob {} to its base, and no base that was given holds it",
        Digest::sha256(SHARED)
    );
    assert_eq!((status, reasons(&report.unwrap()).0), (Some(1), vec![left]));
}

fn document(omitted: &[Listed]) -> String {
    let mut omitted = omitted.to_vec();
    omitted.sort();
    let base = Base { kind: BaseKind::Archive, contents: Digest::sha256(b"") };
    let delta = Delta { version: Version, bases: vec![base], omitted };
    String::from_utf8(delta.to_bytes()).unwrap()
}

/// Lists a document as what the archive leaves out; its manifest.
fn add_delta(layout: &mut Layout, document: &str) -> Value {
    let layer = layout.blob(MediaType::DELTA, document);
    let config = layout.blob(MediaType::OCI_EMPTY, "{}");
    let fields = json!({ "artifactType": MediaType::DELTA, "config": config, "layers": [layer] });
    let manifest = layout.manifest(&fields);
    let mut entry = manifest.clone();
    entry["artifactType"] = json!(MediaType::DELTA);
    layout.root(&entry, &[]);
    manifest
}

fn told(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if !text.ends_with(&error.to_string()) {
            text = format!("{text}: {error}");
        }
        cause = error.source();
    }
    text
}

#[test]
fn lists_that_are_none() {
    let (first, second) = (listed(SHARED), listed(OLD));
    let (first, second) = (first.min(second), first.max(second));
    let sound = document(&[first, second]);
    let turned = sound
        .replace(&first.digest.to_string(), "X")
        .replace(&second.digest.to_string(), &first.digest.to_string())
        .replace('X', &second.digest.to_string());
    let order = format!("{} stands twice in its list, or not in order", first.digest);
    let cases = [
        (turned, order.clone()),
        (sound.replace(&second.digest.to_string(), &first.digest.to_string()), order),
        (
            sound.replace("\"version\":1", "\"version\":2"),
            "version 2 is not 1 at line 1 column 12".to_owned(),
        ),
        (
            sound.replace("\"omitted\"", "\"omits\""),
            "unknown field `omits`, expected one of `version`, `bases`, `omitted`".to_owned(),
        ),
        ("[]".to_owned(), "invalid type: sequence, expected an object".to_owned()),
    ];
    for (document, why) in cases {
        let mut layout = image("v1", &[SHARED]);
        let manifest = add_delta(&mut layout, &document);
        let error = Inventory::of(&layout.open(), &Limits::default()).err().unwrap();
        let of = format!("the list of what this delta leaves out, {}", digest(&manifest));
        let found = told(&error);
        assert!(found.starts_with(&format!("{of}, cannot be read: {why}")), "{found}");
        assert_eq!(error.code(), "bad-delta");
    }
    // Two lists, of which one must be wrong.
    let mut layout = image("v1", &[SHARED]);
    add_delta(&mut layout, &document(&[first]));
    let second = add_delta(&mut layout, &document(&[second]));
    let error = Inventory::of(&layout.open(), &Limits::default()).err().unwrap();
    let of = format!("the list of what this delta leaves out, {}", digest(&second));
    assert_eq!(told(&error), format!("{of}, cannot be read: the archive has two of them"));
    // A list that is not there.
    let mut layout = image("v1", &[SHARED]);
    let manifest = add_delta(&mut layout, &sound);
    let lost = Digest::sha256(sound.as_bytes());
    layout.blobs.remove(&lost);
    let error = Inventory::of(&layout.open(), &Limits::default()).err().unwrap();
    let of = format!("the list of what this delta leaves out, {}", digest(&manifest));
    assert_eq!(told(&error), format!("{of}, cannot be read: the archive has no blob {lost}"));
    // What a runtime could run is an image, whatever it calls itself.
    let mut layout = image("v1", &[SHARED]);
    let mut entry = layout.roots[0].clone();
    entry["artifactType"] = json!(MediaType::DELTA);
    layout.roots = vec![entry];
    let inventory = Inventory::of(&layout.open(), &Limits::default()).unwrap();
    assert_eq!((inventory.subjects.len(), inventory.delta), (1, None));
}

#[test]
fn what_can_be_a_base() {
    let trip = Trip::new();
    trip.export("delta.tar", &["old.tar"]);
    let base = "`--base` is for deltas, and this archive leaves nothing to a base";
    assert_eq!(trip.verify("new.tar", &["old.tar"]), (Some(2), Err(format!("error: {base}\n"))));
    let receipt = json!({
        "version": 1, "registry": "far.example", "archive": Digest::sha256(b""),
        "blobs": [{ "digest": Digest::sha256(SHARED), "size": SHARED.len(), "repositories": ["app"] }],
    });
    trip.put("receipt.json", receipt.to_string().as_bytes());
    let (status, said) = trip.verify("delta.tar", &["receipt.json"]);
    let said = said.unwrap_err().split_whitespace().collect::<Vec<_>>().join(" ");
    let expected = "error: `receipt.json` is a receipt: it says what a registry holds and has no \
                    bytes to verify; give the base archive, or let `mirror` ask the registry";
    assert_eq!((status, said.as_str()), (Some(2), expected));
    // An export believes it.
    assert_eq!(trip.export("by-receipt.tar", &["receipt.json"]).0, Some(0));
    let (archive, inventory) = inventory(&trip.path("by-receipt.tar"));
    let of_receipt = contents(&[(Digest::sha256(SHARED), listed(SHARED).size)].into());
    let base = Base { kind: BaseKind::Receipt, contents: of_receipt };
    let expected = Delta { version: Version, bases: vec![base], omitted: vec![listed(SHARED)] };
    assert_eq!(inventory.delta, Some(expected));
    assert_eq!(trip.verify("by-receipt.tar", &["old.tar"]).0, Some(0));
    // As a library: where what is left out lies.
    let omitted = |bases| Omitted {
        blobs: [(Digest::sha256(SHARED), listed(SHARED).size)].into(),
        named: vec![base.to_string()],
        bases,
    };
    let named = vec![format!("the receipt with the contents {of_receipt}")];
    let omission = Omission { blobs: 1, bytes: 22, named, ..Omission::default() };
    let missing = Omission { missing: vec![Digest::sha256(SHARED)], ..omission.clone() };
    let archive = archive.with_omitted(omitted(vec![]));
    assert_eq!(archive.omission(), Some(&missing));
    let held = Held { size: 22, repository: "app".to_owned() };
    let held = [(Digest::sha256(SHARED), held)].into();
    let answers = Answers { held, ..Answers::default() };
    let archive = archive.with_answers(answers.clone());
    assert_eq!(archive.omission(), Some(&Omission { at_target: 1, ..omission.clone() }));
    let (archive, _) = self::inventory(&trip.path("by-receipt.tar"));
    let (old, _) = self::inventory(&trip.path("old.tar"));
    let archive = archive.with_omitted(omitted(vec![old]));
    let archive = archive.with_answers(answers);
    assert_eq!(archive.omission(), Some(&Omission { in_base: 1, ..omission }));
    // Receipts that are none.
    for (change, why) in [
        (json!({ "version": 2 }), "version 2 is not 1"),
        (json!({ "more": 1 }), "unknown field `more`"),
        (json!({ "blobs": [receipt["blobs"][0], receipt["blobs"][0]] }), "stands twice"),
    ] {
        let mut document = receipt.clone();
        layouts::merge(&mut document, &change);
        trip.put("bad.json", document.to_string().as_bytes());
        let (status, _, said) = trip.export("none.tar", &["bad.json"]);
        assert_eq!(status, Some(2));
        assert!(said.contains("bad.json` cannot be read: "), "{said}");
        assert!(said.contains(why), "{said}");
        assert!(!trip.path("none.tar").exists());
    }
}

/// A base on several sticks.
#[test]
fn a_base_in_volumes() {
    let trip = Trip::new();
    let large: Vec<u8> = (0..400_000_u32).flat_map(u32::to_le_bytes).collect();
    trip.put("old.tar", &image("v1", &[&large, OLD]).tar());
    trip.put("new.tar", &image("v2", &[&large, NEW]).tar());
    let source = format!("oci-archive:{}", trip.at("old.tar"));
    let set = trip.at("set.tar");
    assert_eq!(run(&["export", &source, "-o", &set, "--volume-size", "1MiB"]).0, Some(0));
    let volumes = ["set.tar.002", "set.tar.001"];
    assert_eq!(trip.export("delta.tar", &volumes).0, Some(0));
    assert!(std::fs::metadata(trip.path("delta.tar")).unwrap().len() < 20_000);
    assert_eq!(trip.verify("delta.tar", &volumes).0, Some(0));
    assert_eq!(trip.verify("delta.tar", &["old.tar"]).0, Some(0));
    let (status, said) = trip.verify("delta.tar", &volumes[..1]);
    let said = said.unwrap_err();
    assert_eq!(status, Some(2));
    assert!(
        said.starts_with("error: a base cannot be read: of the 2 volumes of the set"),
        "{said}"
    );
}
