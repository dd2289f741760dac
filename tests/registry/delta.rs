//! Deltas into registries: what the target holds is not sent again, what nobody holds is not pushed.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};

use sealift::archive::ArchiveWriter;
use sealift::digest::Digest;
use sealift::oci::{Descriptor, MediaType};
use serde_json::{Value, json};

use crate::mirror::{ADMIT_ALL, Held, lines, memory};
use crate::server::{Answer, Asked, Server};
use crate::{descriptor, index};

const SHARED: &[u8] = b"a layer that both have";
const OLD: &[u8] = b"a layer of the old one";
const NEW: &[u8] = b"a layer of the new one";

/// A directory with archives and a policy that admits all.
struct Trip {
    scratch: tempfile::TempDir,
}

impl Trip {
    fn new() -> Self {
        let trip = Self { scratch: tempfile::tempdir().unwrap() };
        std::fs::write(trip.path("all.yaml"), ADMIT_ALL).unwrap();
        trip.archive("old.tar", "r.example/app:v1", &[SHARED, OLD]);
        trip.archive("new.tar", "r.example/app:v2", &[SHARED, NEW]);
        trip.archive("web.tar", "r.example/web:v1", &[SHARED, NEW]);
        for name in ["new", "web"] {
            let source = format!("oci-archive:{}", trip.at(&format!("{name}.tar")));
            let (output, base) = (trip.at(&format!("{name}.delta")), trip.at("old.tar"));
            let arguments = ["export", &source, "-o", &output, "--base", &base];
            assert_eq!(run(&arguments).0, Some(0));
        }
        trip
    }

    fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    fn at(&self, name: &str) -> String {
        self.path(name).into_os_string().into_string().unwrap()
    }

    fn archive(&self, file: &str, name: &str, layers: &[&[u8]]) {
        let config = descriptor(MediaType::OCI_CONFIG, b"{}");
        let layers: Vec<_> = layers
            .iter()
            .map(|bytes| (descriptor("application/vnd.oci.image.layer.v1.tar", bytes), *bytes))
            .collect();
        let manifest = serde_json::to_vec(&json!({
            "schemaVersion": 2, "mediaType": MediaType::OCI_MANIFEST, "config": config,
            "layers": layers.iter().map(|(layer, _)| layer).collect::<Vec<_>>(),
        }))
        .unwrap();
        let mut entry = descriptor(MediaType::OCI_MANIFEST, &manifest);
        let image = Descriptor { annotations: [].into(), ..entry.clone() };
        entry.annotations.insert("io.containerd.image.name".to_owned(), name.to_owned());
        let mut writer = ArchiveWriter::create(&self.path(file)).unwrap();
        writer.index(&index(&[entry])).unwrap();
        let metadata = [(image, manifest.as_slice()), (config, b"{}")];
        for (descriptor, mut bytes) in metadata.into_iter().chain(layers) {
            writer.blob(&descriptor.digest, descriptor.size, &mut bytes).unwrap();
        }
        writer.finish().unwrap();
    }

    fn mirror(&self, archive: &str, server: &Server, more: &[&str]) -> (Option<i32>, Told) {
        let (archive, policy) = (self.at(archive), self.at("all.yaml"));
        let to = format!("{}/far", server.host());
        let fixed = ["mirror", &archive, "--to", &to, "--policy", &policy, "--plain-http"];
        let (status, told, said) = run(&[&fixed[..], &["--format", "json"], more].concat());
        let told = match serde_json::from_str(&told) {
            Ok(report) => Told::Report(report),
            Err(_) => Told::Error(said.split_whitespace().collect::<Vec<_>>().join(" ")),
        };
        (status, told)
    }
}

#[derive(Debug)]
enum Told {
    Report(Value),
    Error(String),
}

impl Told {
    fn report(self) -> Value {
        match self {
            Self::Report(report) => report["report"].clone(),
            Self::Error(said) => panic!("{said}"),
        }
    }

    fn error(self, server: &Server) -> String {
        match self {
            Self::Report(report) => panic!("{report}"),
            Self::Error(said) => said.replace(&server.host(), "HOST"),
        }
    }
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

/// A registry in memory that mounts what another of its repositories holds.
fn registry(held: &Held) -> Server {
    let known = Held::clone(held);
    memory(held, move |asked| mounted(asked, &known))
}

fn mounted(asked: &Asked, held: &Held) -> Option<Answer> {
    let (path, query) = asked.target.split_once("?mount=")?;
    let (digest, from) = query.split_once("&from=").unwrap();
    let (digest, from) = (digest.replace("%3A", ":"), from.replace("%2F", "/"));
    let mut held = held.lock().unwrap();
    let blob = held.get(&format!("/v2/{from}/blobs/{digest}"))?.clone();
    held.insert(format!("{}{digest}", path.strip_suffix("uploads/").unwrap()), blob);
    Some(Answer::new(201))
}

fn holds(held: &Held, repository: &str, bytes: &[u8]) -> bool {
    let at = format!("/v2/{repository}/blobs/{}", Digest::sha256(bytes));
    held.lock().unwrap().contains_key(&at)
}

fn is_tagged(held: &Held, name: &str, tag: &str) -> bool {
    held.lock().unwrap().contains_key(&format!("/v2/{name}/manifests/{tag}"))
}

fn notes(report: &Value) -> Vec<String> {
    let warnings = report["warnings"].as_array().unwrap();
    warnings.iter().filter_map(|it| Some(it["note"].as_str()?.to_owned())).collect()
}

const DELTA: &str = "the archive is a delta that leaves 1 blob to its base, 22 bytes";

#[test]
fn what_the_target_holds_is_not_sent_again() {
    let (trip, held) = (Trip::new(), Held::default());
    let server = registry(&held);
    let receipt = trip.at("receipt.json");
    assert_eq!(trip.mirror("old.tar", &server, &["--receipt", &receipt]).0, Some(0));
    let written: Value = serde_json::from_slice(&std::fs::read(&receipt).unwrap()).unwrap();
    let (_, old) = sealift_archive(&trip.path("old.tar"));
    let mut blobs: Vec<_> = old
        .into_iter()
        .map(|(digest, size)| {
            (digest, json!({ "digest": digest, "size": size, "repositories": ["far/app"] }))
        })
        .collect();
    blobs.sort_by_key(|(digest, _)| *digest);
    let blobs: Vec<_> = blobs.into_iter().map(|(_, blob)| blob).collect();
    let archive = sealift_archive(&trip.path("old.tar")).0;
    let registry = server.host();
    let expected =
        json!({ "version": 1, "registry": registry, "archive": archive, "blobs": blobs });
    assert_eq!(written, expected);

    let before = lines(&server).len();
    let (status, told) = trip.mirror("new.delta", &server, &[]);
    let report = told.report();
    assert_eq!(status, Some(0), "{report}");
    let why = "held by the target, by its own word, and not hashed";
    assert_eq!(notes(&report), [format!("{DELTA}; 1 is {why}")]);
    assert_eq!(report["images"][0]["absent"], json!([]));
    assert_eq!(report["images"][0]["held"], json!([Digest::sha256(SHARED)]));
    assert!(is_tagged(&held, "far/app", "v2"));
    let sent: Vec<_> = lines(&server).split_off(before);
    let uploads = sent.iter().filter(|line| line.starts_with("PUT") && line.contains("uploads"));
    assert_eq!(uploads.count(), 1, "{sent:?}");
    assert!(holds(&held, "far/app", NEW));

    // In another repository it is mounted, once somebody says where it lies.
    let (status, told) = trip.mirror("web.delta", &server, &[]);
    assert_eq!(status, Some(1), "{told:?}");
    assert!(!is_tagged(&held, "far/web", "v1") && !holds(&held, "far/web", NEW));
    let before = lines(&server).len();
    let (status, told) = trip.mirror("web.delta", &server, &["--base", &receipt]);
    assert_eq!(status, Some(0), "{told:?}");
    assert!(is_tagged(&held, "far/web", "v1") && holds(&held, "far/web", SHARED));
    let sent: Vec<_> = lines(&server).split_off(before);
    let mounts = sent.iter().filter(|line| line.contains("mount="));
    assert_eq!(mounts.count(), 1, "{sent:?}");
}

fn sealift_archive(path: &Path) -> (Digest, Vec<(Digest, u64)>) {
    let limits = sealift::limits::Limits::default();
    let archive = sealift::archive::Archive::open(path, &limits).unwrap();
    (*archive.index_digest(), archive.store().blobs())
}

#[test]
fn what_nobody_holds_is_missing() {
    let (trip, held) = (Trip::new(), Held::default());
    let server = registry(&held);
    let (status, told) = trip.mirror("new.delta", &server, &[]);
    let report = told.report();
    assert_eq!(status, Some(1));
    let reason = &report["images"][0]["reasons"][0];
    let left = format!(
        "the archive leaves blob {} to its base, and no base that was given holds it",
        Digest::sha256(SHARED)
    );
    assert_eq!(
        (&reason["code"], &reason["blob"]["detail"]),
        (&json!("omitted-blob"), &json!(left))
    );
    assert!(notes(&report)[0].starts_with(&format!("{DELTA}; 1 is nowhere: give by `--base`")));
    assert_eq!(held.lock().unwrap().len(), 0);
    // With its base it is hashed, and pushed from there.
    let base = trip.at("old.tar");
    let (status, told) = trip.mirror("new.delta", &server, &["--base", &base]);
    let report = told.report();
    assert_eq!(status, Some(0));
    assert_eq!(notes(&report), [format!("{DELTA}; 1 is read from the base that was given")]);
    assert_eq!(report["images"][0]["absent"], json!([]));
    assert!(is_tagged(&held, "far/app", "v2") && holds(&held, "far/app", SHARED));
}

#[test]
fn a_target_that_changes_its_mind() {
    let trip = Trip::new();
    let shared = Digest::sha256(SHARED);
    let head = format!("HEAD /v2/far/app/blobs/{shared}");
    let held = Held::default();
    let (line, once) = (head.clone(), AtomicBool::new(false));
    let server = memory(&held, move |asked| {
        let is_first = asked.line() == line && !once.swap(true, Ordering::SeqCst);
        is_first.then(|| Answer::new(200).header("Content-Length", "22"))
    });
    let (status, told) = trip.mirror("new.delta", &server, &[]);
    let said = told.error(&server);
    assert_eq!(status, Some(2), "{said}");
    let left = format!("the archive leaves blob {shared} to its base, and no base");
    assert!(said.starts_with(&format!("error: cannot push {shared} to far/app: ")), "{said}");
    assert!(said.contains(&left), "{said}");
    assert!(!is_tagged(&held, "far/app", "v2"));

    // What has another size is another blob.
    let held = Held::default();
    let server = memory(&held, move |asked| {
        (asked.line() == head).then(|| Answer::new(200).header("Content-Length", "23"))
    });
    let (status, told) = trip.mirror("new.delta", &server, &[]);
    assert_eq!(status, Some(2));
    let said = told.error(&server);
    assert!(said.starts_with(&format!("error: cannot ask for {shared} in far/app: ")), "{said}");
    assert_eq!(held.lock().unwrap().len(), 0);
}

#[test]
fn a_receipt_of_another_registry() {
    let (trip, held) = (Trip::new(), Held::default());
    let server = registry(&held);
    let receipt = json!({
        "version": 1, "registry": "other.example", "archive": Digest::sha256(b""), "blobs": [],
    });
    let path = trip.at("receipt.json");
    std::fs::write(&path, receipt.to_string()).unwrap();
    let (status, told) = trip.mirror("new.delta", &server, &["--base", &path]);
    let why = "a receipt says what other.example holds, and this mirror goes to HOST";
    assert_eq!((status, told.error(&server)), (Some(2), format!("error: {why}")));
    let base = trip.at("old.tar");
    let (status, told) = trip.mirror("old.tar", &server, &["--base", &base]);
    let why = "`--base` is for deltas, and this archive leaves nothing to a base";
    assert_eq!((status, told.error(&server)), (Some(2), format!("error: {why}")));
}

#[test]
fn what_the_target_holds_is_not_read() {
    let (trip, held) = (Trip::new(), Held::default());
    let server = registry(&held);
    let mut bytes = std::fs::read(trip.path("old.tar")).unwrap();
    let at = bytes.windows(SHARED.len()).position(|window| window == SHARED).unwrap();
    bytes[at] ^= 1;
    std::fs::write(trip.path("broken.tar"), bytes).unwrap();
    // Where nothing is held, a broken layer denies the image, and nothing is pushed.
    let (status, told) = trip.mirror("broken.tar", &server, &[]);
    let report = told.report();
    assert_eq!((status, &report["images"][0]["held"]), (Some(1), &Value::Null));
    assert_eq!(report["images"][0]["reasons"][0]["code"], "digest-mismatch");
    assert_eq!(*held.lock().unwrap(), [].into());
    // Where its layers are held, none of them is read or sent.
    assert_eq!(trip.mirror("old.tar", &server, &[]).0, Some(0));
    let before = held.lock().unwrap().clone();
    let sent = lines(&server).len();
    let (status, told) = trip.mirror("broken.tar", &server, &[]);
    let report = told.report();
    assert_eq!(status, Some(0), "{report}");
    let layers = json!([Digest::sha256(SHARED), Digest::sha256(OLD)]);
    assert_eq!(report["images"][0]["held"], layers);
    assert_eq!(report["images"][0]["absent"], json!([]));
    assert!(!lines(&server).split_off(sent).iter().any(|line| line.contains("uploads")));
    assert_eq!(*held.lock().unwrap(), before);
}

#[test]
fn an_unchanged_mirror_sends_nothing() {
    let (trip, held) = (Trip::new(), Held::default());
    let server = registry(&held);
    assert_eq!(trip.mirror("old.tar", &server, &[]).0, Some(0));
    for blob in [b"{}", SHARED, OLD].map(Digest::sha256) {
        let question = format!("HEAD /v2/far/app/blobs/{blob}");
        let asked = server.lines().into_iter().filter(|line| *line == question);
        assert_eq!(asked.count(), 1, "what is lacking is asked for once");
    }
    let before = held.lock().unwrap().clone();
    let again = |trip: &Trip| {
        let asked = server.asked().len();
        assert_eq!(trip.mirror("old.tar", &server, &[]).0, Some(0));
        assert_eq!(*held.lock().unwrap(), before);
        let mut lines: Vec<_> = server.lines().split_off(asked);
        lines.sort();
        lines
    };
    let image = before.keys().find_map(|path| path.strip_prefix("/v2/far/app/manifests/sha256:"));
    let blobs = [b"{}", SHARED, OLD].map(Digest::sha256).into_iter();
    let blobs = blobs.map(|digest| format!("HEAD /v2/far/app/blobs/{digest}"));
    let manifest = |at: &str| format!("HEAD /v2/far/app/manifests/{at}");
    let mut expected: Vec<_> = blobs.chain([manifest("v1")]).collect();
    expected.sort();
    assert_eq!(again(&trip), expected);
    // A tag that leads elsewhere is put right.
    let tag = "/v2/far/app/manifests/v1".to_owned();
    held.lock().unwrap().insert(tag.clone(), (MediaType::OCI_MANIFEST.to_owned(), b"{}".to_vec()));
    let stored = manifest(&format!("sha256:{}", image.unwrap()));
    expected.extend([stored, format!("PUT {tag}")]);
    expected.sort();
    assert_eq!(again(&trip), expected);
}
