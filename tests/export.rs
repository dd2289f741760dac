//! `sealift export` from archives and lists, as a user meets it, and what `verify` says of the result.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test runs the binary and stops where that fails"
)]
#![expect(
    clippy::too_many_lines,
    clippy::items_after_statements,
    clippy::type_complexity,
    reason = "cases are tables of what is changed and what is said"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use sealift::archive::Archive;
use sealift::digest::Digest;
use sealift::limits::Limits;
use serde_json::{Value, json};

const SERVER: &str = "registry.sealift.example/demo/server:2.1.0";

fn demo(name: &str) -> String {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/demo");
    home.join(name).into_os_string().into_string().unwrap()
}

fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sealift"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("SEALIFT_")) {
        command.env_remove(name);
    }
    command.env_remove("COSIGN_REPOSITORY").args(arguments).output().unwrap()
}

/// Exports into `home/out.tar`.
fn export(home: &Path, arguments: &[&str]) -> Output {
    let output = home.join("out.tar");
    run(&[&["export", "-o", output.to_str().unwrap()], arguments].concat())
}

fn verify(archive: &Path, more: &[&str]) -> Output {
    let (root, policy) = (demo("trusted_root.json"), demo("policy.yaml"));
    let judged =
        ["verify", archive.to_str().unwrap(), "--verification-time", "2027-01-01T00:00:00Z"];
    let by = ["--trusted-root", &root, "--policy", &policy];
    run(&[&judged[..], &by, more].concat())
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn answer(output: &Output) -> Value {
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What a command says that ends in 2, on one line.
fn refusal(output: &Output) -> String {
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), ""));
    let mut said = text(&output.stderr).split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some(at) = said.find(" hint: ") {
        said.truncate(at);
    }
    said.strip_prefix("error: ").unwrap().to_owned()
}

/// Unpacks `out.tar`, changes it, and returns where it lies.
fn changed(home: &Path, change: impl FnOnce(&mut Layout)) -> PathBuf {
    let unpacked = home.join("changed");
    drop(fs::remove_dir_all(&unpacked));
    tar::Archive::new(fs::File::open(home.join("out.tar")).unwrap()).unpack(&unpacked).unwrap();
    let index = serde_json::from_slice(&fs::read(unpacked.join("index.json")).unwrap()).unwrap();
    let mut layout = Layout { home: unpacked, index };
    change(&mut layout);
    fs::write(layout.home.join("index.json"), layout.index.to_string()).unwrap();
    layout.home
}

/// A layout as a directory, open to change.
struct Layout {
    home: PathBuf,
    index: Value,
}

const LEDGER: &str = "application/vnd.sealift.ledger.v1+json";

impl Layout {
    fn entries(&mut self) -> &mut Vec<Value> {
        self.index["manifests"].as_array_mut().unwrap()
    }

    fn blob(&self, digest: &Value) -> PathBuf {
        self.home.join("blobs").join(digest.as_str().unwrap().replace(':', "/"))
    }

    fn read(&self, digest: &Value) -> Value {
        serde_json::from_slice(&fs::read(self.blob(digest)).unwrap()).unwrap()
    }

    fn put(&self, media_type: &str, bytes: &[u8]) -> Value {
        let digest = json!(Digest::sha256(bytes));
        fs::write(self.blob(&digest), bytes).unwrap();
        json!({ "mediaType": media_type, "digest": digest, "size": bytes.len() })
    }

    /// Takes out the entries that `is_it` is true of, and their blobs.
    fn drop_entries(&mut self, is_it: impl Fn(&Value) -> bool) {
        let gone: Vec<_> = self.entries().iter().filter(|entry| is_it(entry)).cloned().collect();
        assert!(!gone.is_empty());
        self.entries().retain(|entry| !is_it(entry));
        for entry in gone {
            fs::remove_file(self.blob(&entry["digest"])).unwrap();
        }
    }

    fn ledger(&mut self) -> Value {
        let entry = self.entries().iter().find(|it| it["artifactType"] == LEDGER).unwrap().clone();
        let manifest = self.read(&entry["digest"]);
        self.read(&manifest["layers"][0]["digest"])
    }

    /// Replaces the ledger, as whoever rewrites an archive can.
    fn set_ledger(&mut self, ledger: &str) {
        let entry = self.entries().iter().position(|it| it["artifactType"] == LEDGER).unwrap();
        let old = self.entries()[entry]["digest"].clone();
        let mut manifest = self.read(&old);
        fs::remove_file(self.blob(&manifest["layers"][0]["digest"])).unwrap();
        fs::remove_file(self.blob(&old)).unwrap();
        manifest["layers"][0] = self.put(LEDGER, ledger.as_bytes());
        let media_type = manifest["mediaType"].as_str().unwrap().to_owned();
        let mut new = self.put(&media_type, manifest.to_string().as_bytes());
        new["artifactType"] = json!(LEDGER);
        self.entries()[entry] = new;
    }
}

fn codes(output: &Output) -> Vec<String> {
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let images = report["images"].as_array().unwrap();
    let reasons = images.iter().flat_map(|image| image["reasons"].as_array().unwrap());
    reasons.map(|reason| reason["code"].as_str().unwrap().to_owned()).collect()
}

/// VERIFICATION decision 15 and HOSTILE.md case 52: a child that was left out is absent, a child that
/// was lost is missing, and the index is the one that was signed in both cases.
#[test]
fn one_platform_of_a_signed_index() {
    let home = tempfile::tempdir().unwrap();
    let place = format!("oci-archive:{}", demo("upgrade.tar"));
    let whole = answer(&export(home.path(), &[&place, "--format", "json"]));
    let some = &["--platform", "linux/arm64", "--format", "json"];
    let told = answer(&export(home.path(), &[&[place.as_str()][..], some].concat()));
    let (image, all) = (&told["images"][2], &whole["images"][2]);
    assert_eq!(image["names"], json!([SERVER]));
    let [amd64, arm64] = [&all["children"][0], &all["children"][1]];
    assert_eq!((&image["digest"], &image["leftOut"]), (&all["digest"], &json!([amd64])));
    assert!(image["bytes"].as_u64().unwrap() < all["bytes"].as_u64().unwrap(), "{told}");
    let ledger = told["ledger"]["subjects"].as_array().unwrap();
    let of_index = ledger.iter().find(|entry| entry["digest"] == image["digest"]).unwrap();
    assert_eq!(of_index["leftOut"], json!([amd64]));
    assert!(!ledger.iter().any(|entry| entry["digest"] == *amd64));

    let out = home.path().join("out.tar");
    let output = verify(&out, &["--format", "json", "--image", SERVER, "--require-ledger"]);
    let report = answer(&output);
    let found = |report: &Value, child: usize| report["images"][0]["children"][child].clone();
    assert_eq!(found(&report, 0)["presence"], "absent");
    assert_eq!(found(&report, 1)["presence"], "proven");
    assert_eq!(report["images"][0]["absent"], json!([{ "digest": amd64, "part": "child" }]));
    let said = verify(&out, &["--image", SERVER]);
    let said = text(&said.stdout);
    assert!(
        said.contains("  index of linux/amd64 (absent), linux/arm64\n  1 of 2 platforms\n"),
        "{said}"
    );
    // The child that is there is admitted through the index, which is whole by its digest.
    let child = verify(&out, &["--format", "json", "--image", arm64.as_str().unwrap()]);
    assert_eq!(answer(&child)["images"][0]["through"], image["digest"]);

    let denied: [(&str, &dyn Fn(&mut Layout)); 4] = [
        ("no ledger", &|layout| layout.drop_entries(|entry| entry["artifactType"] == LEDGER)),
        ("left out of another index", &|layout| {
            let ledger = layout.ledger().to_string();
            let index = image["digest"].as_str().unwrap();
            let other = Digest::sha256(b"another index").to_string();
            layout.set_ledger(&ledger.replace(index, &other));
        }),
        ("another child left out", &|layout| {
            let ledger = layout.ledger().to_string();
            let other = Digest::sha256(b"another child").to_string();
            layout.set_ledger(&ledger.replace(amd64.as_str().unwrap(), &other));
        }),
        ("a ledger of another version", &|layout| {
            let ledger = layout.ledger().to_string().replace("\"version\":1", "\"version\":2");
            layout.set_ledger(&ledger);
        }),
    ];
    for (what, change) in denied {
        let archive = changed(home.path(), change);
        let output = verify(&archive, &["--format", "json", "--image", SERVER]);
        assert_eq!(
            (output.status.code(), codes(&output)),
            (Some(1), vec!["missing-blob".into()]),
            "{what}"
        );
    }
    let archive = changed(home.path(), |layout| {
        fs::remove_file(layout.blob(arm64)).unwrap();
    });
    let output = verify(&archive, &["--format", "json", "--image", SERVER]);
    assert_eq!((output.status.code(), codes(&output)), (Some(1), vec!["missing-blob".into()]));
}

#[test]
fn platforms_that_are_not_there() {
    let home = tempfile::tempdir().unwrap();
    let place = format!("oci-archive:{}:{SERVER}", demo("upgrade.tar"));
    let output = export(home.path(), &[&place, "--platform", "linux/s390x"]);
    let said = refusal(&output);
    assert!(
        said.ends_with(" has no image for linux/s390x: it has linux/amd64, linux/arm64"),
        "{said}"
    );
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
    let both = &["--platform", "linux/s390x,linux/amd64", "--format", "json"];
    let told = answer(&export(home.path(), &[&[place.as_str()][..], both].concat()));
    assert_eq!(told["images"][0]["lacking"], json!(["linux/s390x"]));
    let output = export(home.path(), &[&place, "--platform", "linux"]);
    assert_eq!(output.status.code(), Some(2));
}

/// Whatever is taken out of an archive is named where its ledger is demanded, and only there.
#[test]
fn an_archive_that_holds_less_than_its_ledger() {
    let home = tempfile::tempdir().unwrap();
    let place = format!("oci-archive:{}", demo("upgrade.tar"));
    let told = answer(&export(home.path(), &[&place, "--format", "json"]));
    let out = home.path().join("out.tar");
    assert_eq!(verify(&out, &["--require-ledger"]).status.code(), Some(0));
    assert_eq!(
        codes(&verify(&out, &["--require-ledger", "--format", "json"])),
        Vec::<String>::new()
    );

    let subject = told["images"][2]["digest"].as_str().unwrap();
    let entries = told["ledger"]["subjects"].as_array().unwrap();
    let of_server = entries.iter().find(|entry| entry["digest"] == subject).unwrap();
    let repository = of_server["repository"].as_str().unwrap();
    let sig = of_server["lookups"][0]["found"][0].as_str().unwrap();
    let att = of_server["lookups"][1]["found"][0].as_str().unwrap();
    let console = told["images"][1]["digest"].as_str().unwrap();
    let console_name = told["images"][1]["names"][0].as_str().unwrap();

    type Case<'a> =
        (&'a str, Box<dyn Fn(&mut Layout) + 'a>, &'a [&'a str], Vec<(&'a str, &'a str, String)>);
    let lost = |found: &str, kind: &str| {
        format!(
            "the export found {found} ({kind}) for {subject} in {repository}, and the archive does \
             not hold it"
        )
    };
    let gone_repository = entries.iter().find(|entry| entry["digest"] == console).unwrap();
    let gone_repository = gone_repository["repository"].as_str().unwrap();
    let only_server: &[&str] = &["--image", SERVER];
    let cases: Vec<Case<'_>> = vec![
        (
            "an attestation",
            Box::new(|layout: &mut Layout| layout.drop_entries(|entry| entry["digest"] == att)),
            only_server,
            vec![("less-than-ledger", att, lost(att, "att-tag"))],
        ),
        (
            "the name of a signature",
            Box::new(|layout: &mut Layout| layout.entries().retain(|entry| entry["digest"] != sig)),
            only_server,
            vec![("less-than-ledger", sig, lost(sig, "sig-tag"))],
        ),
        (
            "the payload of an attestation",
            Box::new(|layout: &mut Layout| {
                let manifest = layout.read(&json!(att));
                fs::remove_file(layout.blob(&manifest["layers"][0]["digest"])).unwrap();
            }),
            only_server,
            vec![("less-than-ledger", att, lost(att, "att-tag"))],
        ),
        (
            "an image",
            Box::new(|layout: &mut Layout| layout.drop_entries(|entry| entry["digest"] == console)),
            &[],
            vec![
                (
                    "less-than-ledger",
                    console,
                    format!(
                        "the export carried {console} of {gone_repository}, and the archive does \
                         not hold it"
                    ),
                );
                2
            ],
        ),
        (
            "the ledger",
            Box::new(|layout: &mut Layout| {
                layout.drop_entries(|entry| entry["artifactType"] == LEDGER);
            }),
            only_server,
            vec![("no-ledger", subject, "the archive carries no ledger".to_owned())],
        ),
        (
            "the ledger's meaning",
            Box::new(|layout: &mut Layout| layout.set_ledger("{}")),
            only_server,
            vec![(
                "bad-ledger",
                subject,
                "the ledger cannot be read: missing field `version` at line 1 column 2".to_owned(),
            )],
        ),
        (
            "an image that the ledger does not name",
            Box::new(|layout: &mut Layout| {
                let mut ledger = layout.ledger();
                let entries = ledger["subjects"].as_array_mut().unwrap();
                entries.retain(|entry| entry["digest"] != subject);
                layout.set_ledger(&ledger.to_string());
            }),
            only_server,
            vec![("not-in-ledger", subject, format!("the ledger says nothing of {subject}"))],
        ),
    ];
    for (what, change, selection, expected) in cases {
        let archive = changed(home.path(), change);
        let output =
            verify(&archive, &[&["--format", "json", "--require-ledger"][..], selection].concat());
        assert_eq!(output.status.code(), Some(1), "{what}: {}", text(&output.stderr));
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let reasons = report["images"].as_array().unwrap().iter();
        let reasons: Vec<_> = reasons
            .flat_map(|image| image["reasons"].as_array().unwrap())
            .filter(|reason| {
                reason["blob"]["part"] == "evidence" || reason["blob"]["part"] == "ledger"
            })
            .map(|reason| {
                let blob = &reason["blob"];
                let of = |value: &Value| value.as_str().unwrap().to_owned();
                (of(&reason["code"]), of(&blob["digest"]), of(&blob["detail"]))
            })
            .collect();
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(code, digest, detail)| (code.to_owned(), digest.to_owned(), detail))
            .collect();
        assert_eq!(reasons, expected, "{what}");
    }
    // What could not be looked up is told, and is nothing that the archive lacks.
    let archive = changed(home.path(), |layout| {
        let mut ledger = layout.ledger();
        let entries = ledger["subjects"].as_array_mut().unwrap();
        let entry = entries.iter_mut().find(|entry| entry["digest"] == subject).unwrap();
        entry["lookups"][2] =
            json!({ "kind": "sbom-tag", "outcome": "failed", "exception": "pruned" });
        layout.set_ledger(&ledger.to_string());
    });
    let output = verify(&archive, &["--format", "json", "--require-ledger", "--image", SERVER]);
    let note = format!("sbom-tag in {repository}: pruned");
    let warning = json!({ "code": "lookup-excused", "subject": subject, "note": note });
    assert_eq!(answer(&output)["warnings"].as_array().unwrap().last(), Some(&warning));
    // Without the demand, what is lost is not missed.
    let archive = changed(home.path(), |layout| {
        layout.drop_entries(|entry| entry["digest"] == console);
    });
    assert_eq!(verify(&archive, &[]).status.code(), Some(0), "{console_name}");
}

#[test]
fn a_dry_run_writes_nothing() {
    let home = tempfile::tempdir().unwrap();
    let place = format!("oci-archive:{}", demo("upgrade.tar"));
    let told = answer(&export(home.path(), &[&place, "--dry-run", "--format", "json"]));
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
    let said = run(&["export", &place, "--dry-run"]);
    assert_eq!(said.status.code(), Some(0), "{said:?}");
    let said = text(&said.stdout).to_owned();
    let done = answer(&export(home.path(), &[&place, "--format", "json"]));
    let mut same = done.clone();
    same["archive"] = Value::Null;
    assert_eq!(same.as_object_mut().unwrap().remove("files"), Some(json!(1)));
    assert_eq!(told, same);
    let blobs = fs::read(home.path().join("out.tar")).unwrap();
    assert!(u64::try_from(blobs.len()).unwrap() > done["bytes"].as_u64().unwrap());
    let last = said.lines().last().unwrap();
    assert!(last.starts_with("nothing was written; it would be: 3 images, "), "{last}");
    let output = run(&["export", &place]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("--output <FILE>"), "{}", text(&output.stderr));
}

/// The archive tells a time where it is told one, and is the same every time.
#[test]
fn the_time_of_an_export_is_given() {
    let home = tempfile::tempdir().unwrap();
    let place = format!("oci-archive:{}", demo("upgrade.tar"));
    let out = home.path().join("out.tar");
    let export = |epoch: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sealift"));
        let output = command
            .args(["export", &place, "-o", out.to_str().unwrap(), "--format", "json"])
            .env_clear()
            .env("SOURCE_DATE_EPOCH", epoch)
            .output();
        output.unwrap()
    };
    assert_eq!(answer(&export("1700000000"))["ledger"]["time"], "2023-11-14T22:13:20Z");
    let first = fs::read(&out).unwrap();
    answer(&export("1700000000"));
    assert!(fs::read(&out).unwrap() == first);
    for epoch in ["", "soon", "1700000000.5"] {
        let why = if epoch.is_empty() {
            "cannot parse integer from empty string"
        } else {
            "invalid digit found in string"
        };
        assert_eq!(
            refusal(&export(epoch)),
            format!("SOURCE_DATE_EPOCH is no number of seconds: `{epoch}`: {why}")
        );
    }
}

#[test]
fn a_lock_holds_what_was_exported() {
    let home = tempfile::tempdir().unwrap();
    let place = format!("oci-archive:{}", demo("upgrade.tar"));
    let lock = home.path().join("images.lock");
    let lock = lock.to_str().unwrap();
    let told = answer(&export(home.path(), &[&place, "--write-lock", lock, "--format", "json"]));
    let mut images = serde_json::Map::new();
    for image in told["images"].as_array().unwrap() {
        let name = image["names"][0].as_str().unwrap().to_owned();
        images.insert(name, image["digest"].clone());
    }
    let written: Value = serde_json::from_slice(&fs::read(lock).unwrap()).unwrap();
    assert_eq!(written, json!({ "version": 1, "images": images }));
    let first = fs::read(home.path().join("out.tar")).unwrap();
    answer(&export(home.path(), &[&place, "--lock", lock, "--format", "json"]));
    assert_eq!(fs::read(home.path().join("out.tar")).unwrap(), first);

    let other = Digest::sha256(b"other").to_string();
    let held = images[SERVER].as_str().unwrap().to_owned();
    fs::write(lock, written.to_string().replace(&held, &other)).unwrap();
    let said = refusal(&export(home.path(), &[&place, "--lock", lock]));
    assert!(said.starts_with(&format!("{SERVER} is locked to {other}, and ")), "{said}");
    assert!(said.ends_with(&format!(" holds {held} under that name")), "{said}");
    images.remove(SERVER);
    fs::write(lock, json!({ "version": 1, "images": images }).to_string()).unwrap();
    assert_eq!(
        refusal(&export(home.path(), &[&place, "--lock", lock])),
        format!(
            "{SERVER} is not in the lock; leave the lock out and write a new one to take it in"
        )
    );
    fs::write(lock, "{}").unwrap();
    assert_eq!(
        refusal(&export(home.path(), &[&place, "--lock", lock])),
        format!("lock `{lock}`: no lock: missing field `version` at line 1 column 2")
    );
}

/// Two archives that call two images the same.
#[test]
fn one_name_is_one_image() {
    let home = tempfile::tempdir().unwrap();
    let upgrade = demo("upgrade.tar");
    let place = format!("oci-archive:{upgrade}");
    let told = answer(&export(home.path(), &[&place, "--format", "json"]));
    let of = |name: &str| {
        let images = told["images"].as_array().unwrap();
        let image = images.iter().find(|image| image["names"] == json!([name])).unwrap();
        image["digest"].as_str().unwrap().to_owned()
    };
    let console = told["images"][1]["names"][0].as_str().unwrap();
    let other = changed(home.path(), |layout| {
        for entry in layout.entries() {
            if entry["annotations"]["io.containerd.image.name"] == SERVER {
                entry["annotations"]["io.containerd.image.name"] = json!("r.example/old:1");
            } else if entry["annotations"]["io.containerd.image.name"] == console {
                entry["annotations"]["io.containerd.image.name"] = json!(SERVER);
            }
        }
    });
    let index = Digest::sha256(&fs::read(other.join("index.json")).unwrap());
    let own = Archive::open(Path::new(&upgrade), &Limits::default()).unwrap();
    let other = format!("oci:{}:{SERVER}", other.to_str().unwrap());
    let output = export(home.path(), &[&format!("{place}:{SERVER}"), &other]);
    let repository = SERVER.strip_suffix(":2.1.0").unwrap();
    let (server, console) = (of(SERVER), of(console));
    assert_eq!(
        text(&output.stderr),
        format!(
            "error: {SERVER} is {server} in {repository} in archive {} and {console} in \
             {repository} in archive {index}, and an archive has one of that name\n\
             hint: carry one of them: leave one of the two places out (`--referrers-src` and \
             `COSIGN_REPOSITORY` name places for evidence), or remove the tag that is outdated \
             there\n",
            own.index_digest(),
        )
    );
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), ""));
}

#[test]
fn lists_name_images() {
    let home = tempfile::tempdir().unwrap();
    let list = home.path().join("list.txt");
    let named = list.to_str().unwrap();
    let archive = demo("upgrade.tar");
    fs::write(&list, format!("\u{feff}# demo\r\n oci-archive:{archive}:{SERVER} \r\n")).unwrap();
    let told = answer(&export(home.path(), &["-i", named, "--format", "json"]));
    assert_eq!(told["images"].as_array().unwrap().len(), 1);
    assert_eq!(told["images"][0]["names"], json!([SERVER]));
    assert_eq!(told["notes"], json!([]));
    for (text, expected) in [
        ("# nothing\n".to_owned(), "the list names no image".to_owned()),
        (
            "a:1\nb c\n".to_owned(),
            format!(
                "list `{named}`: line 2: `b c`: the repository is no lower-case path such as team/app"
            ),
        ),
        (
            "apiVersion: content.hauler.cattle.io/v1\nkind: Charts\nspec: {}\n".to_owned(),
            format!(
                "list `{named}` asks for what no export carries: line 1: `Charts` of \
                 `content.hauler.cattle.io/v1`; with `--partial-lists` its images are exported \
                 without that"
            ),
        ),
    ] {
        fs::write(&list, text).unwrap();
        assert_eq!(refusal(&export(home.path(), &["-f", named])), expected);
    }
    fs::write(&list, "\u{ff}\u{fe}").unwrap();
    fs::write(&list, b"\xff\xfea\0").unwrap();
    let said = refusal(&export(home.path(), &["-i", named]));
    assert!(said.starts_with(&format!("list `{named}` is no UTF-8 text: ")), "{said}");
}

/// What `docker save` wrote before it wrote layouts, and what it writes since.
#[test]
fn docker_archives() {
    let home = tempfile::tempdir().unwrap();
    let write = |name: &str, members: &[(&str, &[u8])]| {
        let path = home.path().join(name);
        let mut builder = tar::Builder::new(fs::File::create(&path).unwrap());
        for (name, bytes) in members {
            let mut header = tar::Header::new_ustar();
            header.set_size(bytes.len().try_into().unwrap());
            header.set_mode(0o644);
            builder.append_data(&mut header, name, *bytes).unwrap();
        }
        builder.finish().unwrap();
        path.to_str().unwrap().to_owned()
    };
    let old = write("old.tar", &[("0a.json", b"{}"), ("manifest.json", b"[]")]);
    let output = export(home.path(), &[&format!("docker-archive:{old}")]);
    let expected = format!(
        "error: `{old}` holds no manifest, only what docker unpacked, so nothing signed can come of it: \
         export the image from its registry, or copy it with `skopeo copy --all \
         --preserve-digests docker://REF oci:DIR`\n"
    );
    assert_eq!(output.status.code(), Some(2));
    assert_eq!((text(&output.stdout), text(&output.stderr)), ("", expected.as_str()));
    let saved = home.path().join("saved");
    tar::Archive::new(fs::File::open(demo("upgrade.tar")).unwrap()).unpack(&saved).unwrap();
    fs::write(saved.join("manifest.json"), "[]").unwrap();
    let place = format!("docker-archive:{}:{SERVER}", saved.to_str().unwrap());
    let output = export(home.path(), &[&place, "--format", "json"]);
    let note = format!(
        "`{}` was written by docker: unless docker keeps images as they were pulled (its \
         containerd image store), their digests are new, and no signature made in a registry is \
         of them",
        saved.to_str().unwrap()
    );
    assert_eq!(answer(&output)["notes"], json!([note]));
    let said = text(&output.stderr).split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(said, format!("warning: {note}"));
}

/// The layouts of `cosign save` and of hauler's store: evidence by its kind, bundles that no index
/// lists. What is exported of them is found again by tags and subjects.
#[test]
fn layouts_of_cosign_and_hauler() {
    let source = tempfile::tempdir().unwrap();
    tar::Archive::new(fs::File::open(demo("upgrade.tar")).unwrap()).unpack(source.path()).unwrap();
    let index = source.path().join("index.json");
    let original: Value = serde_json::from_slice(&fs::read(&index).unwrap()).unwrap();
    let entries = original["manifests"].as_array().unwrap();
    let name = |entry: &Value| {
        let name = entry["annotations"]["io.containerd.image.name"].as_str();
        name.map(str::to_owned)
    };
    let image = entries.iter().find(|it| name(it).as_deref() == Some(SERVER)).unwrap();
    let hex = image["digest"].as_str().unwrap().strip_prefix("sha256:").unwrap();
    let tagged = |suffix: &str| {
        let tag = format!("sha256-{hex}{suffix}");
        let is_it = |it: &&Value| it["annotations"]["org.opencontainers.image.ref.name"] == tag;
        entries.iter().find(is_it).unwrap()["digest"].clone()
    };
    let (sig, att) = (tagged(".sig"), tagged(".att"));
    for prefix in ["dev.cosignproject.cosign", "dev.hauler"] {
        let media_type = "application/vnd.oci.image.manifest.v1+json";
        let entry = |digest: &Value, kind: &str, media_type: &str| {
            let file = digest.as_str().unwrap().replace(':', "/");
            let size = fs::metadata(source.path().join("blobs").join(file)).unwrap().len();
            json!({ "mediaType": media_type, "digest": digest, "size": size, "annotations": {
                "kind": format!("{prefix}/{kind}"), "io.containerd.image.name": SERVER,
            }})
        };
        let listed = json!([
            entry(&image["digest"], "imageIndex", image["mediaType"].as_str().unwrap()),
            entry(&sig, "sigs", media_type),
            entry(&att, "atts", media_type),
        ]);
        let written = json!({ "schemaVersion": 2, "manifests": listed }).to_string();
        fs::write(&index, written).unwrap();
        let home = tempfile::tempdir().unwrap();
        let place = format!("oci:{}", source.path().to_str().unwrap());
        let told = answer(&export(home.path(), &[&place, "--format", "json"]));
        let entries = told["ledger"]["subjects"].as_array().unwrap();
        let of_image = entries.iter().find(|it| it["digest"] == image["digest"]).unwrap();
        let found: Vec<_> = of_image["lookups"].as_array().unwrap()[..2]
            .iter()
            .map(|lookup| lookup["found"].clone())
            .collect();
        assert_eq!(found, [json!([sig]), json!([att])], "{prefix}");
        let out = home.path().join("out.tar");
        let output = verify(&out, &["--require-ledger"]);
        assert_eq!(output.status.code(), Some(0), "{prefix}: {}", text(&output.stdout));
    }
}

/// What is read is not written over, and nothing but a file is replaced; a lock may follow a lock.
#[test]
fn what_an_export_writes_is_no_input() {
    let home = tempfile::tempdir().unwrap();
    let at = |name: &str| home.path().join(name).to_str().unwrap().to_owned();
    let (source, out) = (format!("oci-archive:{}", demo("upgrade.tar")), at("out.tar"));
    fs::write(home.path().join("list.txt"), &source).unwrap();
    let said = |arguments: &[&str]| {
        let output = run(&[&["export"], arguments].concat());
        assert_eq!(text(&output.stdout), "");
        (output.status.code(), text(&output.stderr).replace(home.path().to_str().unwrap(), "HOME"))
    };
    let twice = |path: &str, one: &str, other: &str| {
        (Some(2), format!("error: `{path}` is given as `{one}` and as `{other}`\n"))
    };
    let (list, dot) = (at("list.txt"), at("./out.tar"));
    assert_eq!(
        said(&[&source, "-o", &out, "--write-lock", &dot]),
        twice("HOME/out.tar", "--output", "--write-lock")
    );
    assert_eq!(
        said(&["-i", &list, "-o", &list]),
        twice("HOME/list.txt", "--output", "--image-txt")
    );
    assert_eq!(
        said(&[&source, "-o", &out, "--base", &dot]),
        twice("HOME/out.tar", "--output", "--base")
    );
    assert_eq!(
        said(&[&source, "-o", &list, "--lock", &list]),
        twice("HOME/list.txt", "--output", "--lock")
    );
    let stream = "error: an archive appears when it is whole, so it is no stream: name a file\n";
    assert_eq!(said(&[&source, "-o", "-"]), (Some(2), stream.to_owned()));
    let cannot =
        |path: &str, why: &str| (Some(2), format!("error: `{path}` cannot be written: {why}\n"));
    let no_file = "it is there and no file";
    assert_eq!(
        said(&[&source, "-o", &out, "--write-lock", "/dev/null"]),
        cannot("/dev/null", no_file)
    );
    assert_eq!(
        said(&[&source, "-o", &out, "--write-lock", &at("no/l.json")]),
        cannot("HOME/no/l.json", "entity not found")
    );
    assert_eq!(
        said(&[&source, "-o", "/dev/stdout"]),
        (Some(2), format!("error: cannot write `/dev/stdout`: {no_file}\n"))
    );
    assert_eq!(fs::read_to_string(home.path().join("list.txt")).unwrap(), source);
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
    let lock = at("lock.json");
    assert_eq!(run(&["export", &source, "-o", &out, "--write-lock", &lock]).status.code(), Some(0));
    let first = fs::read(&lock).unwrap();
    let again = run(&["export", &source, "-o", &out, "--lock", &lock, "--write-lock", &lock]);
    assert_eq!((again.status.code(), fs::read(&lock).unwrap()), (Some(0), first));
}
