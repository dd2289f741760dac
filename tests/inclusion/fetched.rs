//! `sealift export --rekor`: proofs that are asked of the log, and logs that answer wrongly.

#[path = "../registry/server.rs"]
#[allow(dead_code, unreachable_pub, reason = "the registry's tests use more of it")]
#[allow(clippy::panic, clippy::as_conversions, clippy::format_push_string, reason = "as there")]
mod server;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use sealift::digest::{Digest, hex};
use serde_json::{Value, json};
use server::{Answer, Server};

use crate::support::bench::{Bench, KeyKind, NOW};
use crate::support::evidence::{LegacySignature, Signer, manifest, signature_tag};
use crate::support::rekor::Entry;
use crate::support::{Log, base64};
use crate::{judge, person, testdata};

/// An image, its signature, and what the log knows of it.
struct Signed {
    bench: Bench,
    signature: LegacySignature,
}

impl Signed {
    fn by(signer: impl FnOnce(&mut Bench) -> Signer, log: Log) -> Self {
        let mut bench = Bench::new();
        let payload = bench.payload();
        let signer = signer(&mut bench);
        let signature = bench.at().sign(&signer, &payload, log);
        Self { bench, signature }
    }

    fn keyless() -> Self {
        Self::by(Bench::signer, Log::Promise)
    }

    fn entry(&self) -> &Entry {
        self.signature.entry.as_ref().unwrap()
    }

    fn manifest(&self) -> Digest {
        manifest(&[self.signature.layer()]).digest()
    }

    fn write(&self, path: &Path) {
        let mut layout = self.bench.layout();
        let signatures = manifest(&[self.signature.layer()]);
        layout.tagged(&signatures, &signature_tag(&self.bench.image.digest()));
        fs::write(path, layout.tar()).unwrap();
    }
}

/// What Rekor's API says of an entry.
fn said(entry: &Entry) -> Value {
    let proof = entry.proof.as_ref().unwrap();
    let hashes: Vec<String> = proof.hashes.iter().map(|hash| hex(hash)).collect();
    json!({
        "24296fb24b8ad77a": {
            "attestation": {},
            "body": base64(&entry.body),
            "integratedTime": entry.integrated_time,
            "logID": hex(&entry.log_id),
            "logIndex": entry.log_index,
            "verification": {
                "inclusionProof": {
                    "checkpoint": proof.checkpoint,
                    "hashes": hashes,
                    "logIndex": proof.log_index,
                    "rootHash": hex(&proof.root),
                    "treeSize": proof.tree_size,
                },
                "signedEntryTimestamp": base64(&entry.promise),
            },
        },
    })
}

fn serve(answer: Answer) -> Server {
    Server::start(move |_| answer.clone())
}

fn ok(body: &str) -> Answer {
    Answer::new(200).body("application/json", body)
}

/// Exports `home/in.tar` into `home/out.tar`.
fn export(home: &Path, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sealift"))
        .arg("export")
        .arg(format!("oci-archive:{}", home.join("in.tar").display()))
        .args(["--plain-http", "--retries", "0", "-o"])
        .arg(home.join("out.tar"))
        .args(more)
        .output()
        .unwrap()
}

fn asking(server: &Server) -> Vec<String> {
    let url = format!("http://{}/", server.host());
    let root = testdata("demo/trusted_root.json");
    ["--rekor", &url, "--trusted-root", &root, "--verification-time", NOW]
        .map(str::to_owned)
        .to_vec()
}

fn export_from(home: &Path, server: &Server) -> Output {
    let asking = asking(server);
    let asking = asking.iter().map(String::as_str);
    export(home, &["--format", "json"].into_iter().chain(asking).collect::<Vec<_>>())
}

fn proofs(output: &Output) -> Value {
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    told["inclusionProofs"].clone()
}

fn refusal(output: &Output, server: &Server) -> String {
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(2), &b""[..]));
    let said = String::from_utf8(output.stderr.clone()).unwrap().replace(&server.host(), "HOST");
    said.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn what_the_log_proves_is_carried() {
    let person = person();
    let keyless: Vec<&str> = person.iter().map(String::as_str).collect();
    let p256 = testdata("accepted/keys/p256.pub");
    let p384 = testdata("accepted/keys/p384.pub");
    let keyed = |kind| move |bench: &mut Bench| Signer::key(bench.key(kind));
    let cases = [
        (Signed::keyless(), keyless),
        (Signed::by(keyed(KeyKind::P256), Log::Promise), vec!["--key", p256.as_str()]),
        (Signed::by(keyed(KeyKind::P384), Log::Promise), vec!["--key", p384.as_str()]),
    ];
    for (signed, demand) in cases {
        let home = tempfile::tempdir().unwrap();
        signed.write(&home.path().join("in.tar"));
        let server = serve(ok(&said(signed.entry()).to_string()));
        let output = export_from(home.path(), &server);
        assert_eq!(proofs(&output), json!({ "fetched": 1, "lacking": [] }));
        let index = signed.entry().log_index;
        assert_eq!(server.lines(), [format!("GET /api/v1/log/entries?logIndex={index}")]);
        let out = fs::read(home.path().join("out.tar")).unwrap();
        let told = judge(&out, &demand);
        assert_eq!((told.status, told.codes, told.included), ([0, 0], vec![], true));

        // What stands beside the signature is not asked for again, and is carried as it is.
        fs::rename(home.path().join("out.tar"), home.path().join("in.tar")).unwrap();
        let output = export_from(home.path(), &server);
        assert_eq!(proofs(&output), json!({ "fetched": 0, "lacking": [] }));
        assert_eq!(server.lines().len(), 1);
        let again = fs::read(home.path().join("out.tar")).unwrap();
        assert_eq!(judge(&again, &demand).status, [0, 0]);
    }
}

#[test]
fn signatures_without_a_proof_are_told() {
    let home = tempfile::tempdir().unwrap();
    let lacking = |signed: &Signed, why: &str| json!({ "fetched": 0, "lacking": [{ "manifest": signed.manifest(), "layer": 0, "why": why }] });
    let signed = Signed::keyless();
    signed.write(&home.path().join("in.tar"));
    assert_eq!(
        proofs(&export(home.path(), &["--format", "json"])),
        lacking(&signed, "no log was asked")
    );
    let output = export(home.path(), &[]);
    let text = String::from_utf8(output.stdout).unwrap();
    let told = format!(
        "signatures without an inclusion proof: 1\n  {}\n    layer 0: no log was asked\n",
        signed.manifest()
    );
    assert!(text.contains(&told), "{text}");

    let server = serve(Answer::new(500));
    let keyed = |bench: &mut Bench| Signer::key(bench.key(KeyKind::P256));
    let unlogged = Signed::by(keyed, Log::None);
    unlogged.write(&home.path().join("in.tar"));
    let output = export_from(home.path(), &server);
    assert_eq!(proofs(&output), lacking(&unlogged, "it has no log entry"));

    let mut unknown = Signed::keyless();
    unknown.signature.entry.as_mut().unwrap().log_id[0] ^= 1;
    unknown.write(&home.path().join("in.tar"));
    let output = export_from(home.path(), &server);
    assert_eq!(proofs(&output), lacking(&unknown, "the trusted root does not name its log"));
    assert_eq!(server.lines(), Vec::<String>::new());
}

/// A log that says anything else than what it promised ends the export; no archive appears.
#[test]
#[expect(clippy::too_many_lines, reason = "cases are a table")]
fn a_log_that_answers_wrongly_ends_the_export() {
    type Change = fn(&mut Value, &Signed);
    fn entry(said: &mut Value) -> &mut Value {
        said.as_object_mut().unwrap().values_mut().next().unwrap()
    }
    fn proof(said: &mut Value) -> &mut Value {
        &mut entry(said)["verification"]["inclusionProof"]
    }
    let other = |field: &str| format!("its entry has another {field} than the promised one");
    let cases: [(&str, Change, String); 12] = [
        (
            "the index",
            |said, signed| {
                entry(said)["logIndex"] = json!(signed.entry().log_index + 1);
            },
            other("index"),
        ),
        ("the log", |said, _| entry(said)["logID"] = json!("00".repeat(32)), other("log")),
        ("the log's id", |said, _| entry(said)["logID"] = json!("xy"), other("log")),
        ("the time", |said, _| entry(said)["integratedTime"] = json!(1), other("time")),
        ("the body", |said, _| entry(said)["body"] = json!("e30="), other("body")),
        (
            "a hash",
            |said, _| proof(said)["hashes"][0] = json!("00".repeat(32)),
            "the inclusion proof leads to another root".to_owned(),
        ),
        (
            "a hash that is none",
            |said, _| proof(said)["hashes"][0] = json!("00"),
            "its proof has a hash that is none".to_owned(),
        ),
        (
            "the place",
            |said, _| proof(said)["logIndex"] = json!(0),
            "the inclusion proof has too many or too few hashes".to_owned(),
        ),
        (
            "the size",
            |said, _| proof(said)["treeSize"] = json!(1_000_000),
            "the inclusion proof has too many or too few hashes".to_owned(),
        ),
        (
            "the checkpoint of another log",
            |said, signed| {
                let proven = signed.entry().proof.as_ref().unwrap();
                let other = &signed.bench.sigstore.retired_rekor;
                let checkpoint = other.checkpoint(proven.tree_size, &proven.root);
                proof(said)["checkpoint"] = json!(checkpoint);
            },
            "no signature on the checkpoint is by the log's key".to_owned(),
        ),
        (
            "no checkpoint",
            |said, _| proof(said)["checkpoint"] = json!(""),
            "its answer makes no bundle of the signature".to_owned(),
        ),
        (
            "two entries",
            |said, _| {
                let second = entry(said).clone();
                said["second"] = second;
            },
            "it answers with 2 entries".to_owned(),
        ),
    ];
    let signed = Signed::keyless();
    let index = signed.entry().log_index;
    let home = tempfile::tempdir().unwrap();
    signed.write(&home.path().join("in.tar"));
    let refused = |answer: Answer| {
        let server = serve(answer);
        let output = export_from(home.path(), &server);
        let left = fs::read_dir(home.path()).unwrap().count();
        assert_eq!(left, 1, "something was left");
        refusal(&output, &server)
    };
    let proves_nothing = format!(
        "error: http://HOST does not prove entry {index}, which signature {} was promised: ",
        signed.manifest()
    );
    for (what, change, why) in cases {
        let mut answer = said(signed.entry());
        change(&mut answer, &signed);
        let told = refused(ok(&answer.to_string()));
        assert_eq!(told, format!("{proves_nothing}{why}"), "{what}");
    }
    assert_eq!(refused(ok("{}")), format!("{proves_nothing}it answers with 0 entries"));
    let twice = r#"{"a":{"body":"","body":""}}"#;
    assert_eq!(
        refused(ok(twice)),
        format!(
            "{proves_nothing}its answer is no entry: the key `body` stands twice at line 1 column 26"
        )
    );
    let asked = format!("error: cannot ask http://HOST for entry {index}: ");
    assert_eq!(
        refused(Answer::new(404)),
        format!("{asked}GET http://HOST/api/v1/log/entries was answered with 404")
    );
    assert_eq!(
        refused(Answer::new(500)),
        format!("{asked}GET http://HOST/api/v1/log/entries was answered with 500")
    );
}

#[test]
fn a_log_needs_a_trusted_root() {
    let home = tempfile::tempdir().unwrap();
    Signed::keyless().write(&home.path().join("in.tar"));
    let output = export(home.path(), &["--rekor", "http://127.0.0.1:1"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(said.contains("--trusted-root <FILE>"), "{said}");
    let root = testdata("demo/trusted_root.json");
    for (url, why) in [
        ("ftp://rekor.example", "it is neither HTTP nor HTTPS"),
        ("https://user@rekor.example", "it is more than a host and a path"),
        ("https://rekor.example/?x=y", "it is more than a host and a path"),
    ] {
        let output = export(home.path(), &["--rekor", url, "--trusted-root", &root]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{url}");
        assert!(said.split_whitespace().collect::<Vec<_>>().join(" ").contains(why), "{said}");
    }
}
