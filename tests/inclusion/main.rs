//! Inclusion proofs: demanded of every form of evidence, and for legacy signatures carried beside
//! them, as a bundle over the payload that is attached to the signature's manifest.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a test runs the binary")]
#![allow(clippy::unwrap_used, reason = "a test stops where its own data is not as it must be")]
#![allow(clippy::indexing_slicing, reason = "a report is JSON; what is absent reads as null")]

#[cfg(feature = "net")]
mod fetched;
#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::process::{Command, Output};

use sealift::crypto::Hash;
use serde_json::Value;
use support::bench::{Bench, KeyKind, NOW};
use support::evidence::{
    self, Bundle, Content, LegacySignature, Material, Signer, Version, signature_tag,
};
use support::image::Artifact;
use support::{Log, compact, time};

/// A signature with its promise, and the bundle beside it.
struct Pair {
    signer: Signer,
    signature: LegacySignature,
    bundle: Bundle,
    /// What the bundle's referrer calls its subject: the signature's manifest, unless it is moved.
    attached_to: fn(&Artifact, &Bench) -> Artifact,
}

impl Pair {
    fn by(bench: &mut Bench, signer: Signer) -> Self {
        let payload = bench.payload();
        let signature = bench.at().sign(&signer, &payload, Log::Promise);
        let bundle = Bundle {
            version: Version::V03,
            material: Material::of(&signer),
            entries: signature.entry.clone().into_iter().collect(),
            timestamps: Vec::new(),
            content: Content::Message {
                algorithm: "SHA2_256",
                digest: Hash::Sha256.of(&payload),
                signature: signature.signature.clone(),
            },
        };
        Self { signer, signature, bundle, attached_to: |manifest, _| manifest.clone() }
    }

    fn keyless(bench: &mut Bench) -> Self {
        let signer = bench.signer();
        Self::by(bench, signer)
    }

    fn archive(&self, bench: &Bench) -> Vec<u8> {
        let manifest = evidence::manifest(&[self.signature.layer()]);
        let subject = (self.attached_to)(&manifest, bench);
        let mut layout = bench.layout();
        layout.tagged(&manifest, &signature_tag(&bench.image.digest()));
        layout.referrer(&self.bundle.referrer(&subject)).tar()
    }
}

/// What the report says of an archive, judged with and without the demand.
struct Told {
    status: [i32; 2],
    /// Codes of rejected evidence and of what is lacking, under the demand.
    codes: Vec<String>,
    /// Whether the signature's own entry is told as included.
    included: bool,
}

fn judge(archive: &[u8], signer: &[&str]) -> Told {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("archive.tar");
    fs::write(&file, archive).unwrap();
    let run = |more: &[&str]| -> (i32, Value) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sealift"));
        command.arg("verify").arg(&file).args(["--format", "json", "--verification-time", NOW]);
        command.args(["--trusted-root", &testdata("demo/trusted_root.json")]);
        let output = command.args(signer).args(more).output().unwrap();
        (output.status.code().unwrap(), serde_json::from_slice(&output.stdout).unwrap())
    };
    let (without, _) = run(&[]);
    let (with, report) = run(&["--require-inclusion-proof"]);
    let evidence = report["images"][0]["evidence"].as_array().unwrap();
    let mut codes: Vec<String> =
        evidence.iter().filter_map(|piece| piece["code"].as_str()).map(str::to_owned).collect();
    let shortfalls = &report["images"][0]["reasons"][0]["failure"]["shortfalls"][0]["mismatches"];
    let lacking = shortfalls.as_array().into_iter().flatten();
    codes.extend(lacking.map(|mismatch| mismatch["code"].as_str().unwrap().to_owned()));
    let included = evidence.iter().any(|piece| {
        piece["finding"] == "verified" && piece["proof"]["logEntries"][0]["inclusion"] == true
    });
    Told { status: [without, with], codes, included }
}

fn testdata(name: &str) -> String {
    format!("{}/testdata/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn person() -> [String; 4] {
    let person = Bench::person();
    [
        "--certificate-identity".to_owned(),
        person.subject().to_owned(),
        "--certificate-oidc-issuer".to_owned(),
        person.issuer,
    ]
}

#[test]
fn a_proof_beside_the_signature_is_joined_to_it() {
    let mut bench = Bench::new();
    let person = person();
    let keyless: Vec<&str> = person.iter().map(String::as_str).collect();
    let p256 = testdata("accepted/keys/p256.pub");
    let p384 = testdata("accepted/keys/p384.pub");
    let keyed = |kind| Signer::key(bench.key(kind));
    let signers = [
        (keyed(KeyKind::P256), vec!["--key", &p256]),
        (keyed(KeyKind::P384), vec!["--key", &p384]),
        (bench.signer(), keyless),
    ];
    for (signer, demand) in signers {
        let mut pair = Pair::by(&mut bench, signer);
        let told = judge(&pair.archive(&bench), &demand);
        assert_eq!((told.status, told.codes, told.included), ([0, 0], vec![], true));
        // The promise may be left out where the signature has it already.
        pair.bundle.entries[0].promise.clear();
        let told = judge(&pair.archive(&bench), &demand);
        assert_eq!((told.status, told.codes, told.included), ([0, 0], vec![], true));
    }
}

/// Whatever is wrong beside a signature takes nothing from it and adds nothing to it.
#[test]
fn a_wrong_proof_is_refused_for_what_is_wrong() {
    type Change = fn(&mut Pair, &mut Bench);
    const LACKING: &str = "no-inclusion-proof";
    let cases: [(&str, &[&str], Change); 12] = [
        ("the proof's hash", &["inclusion-proof-invalid", LACKING], |pair, _| {
            pair.bundle.entries[0].proof.as_mut().unwrap().hashes[0][0] ^= 1;
        }),
        ("the proof's place", &["inclusion-proof-invalid", LACKING], |pair, _| {
            pair.bundle.entries[0].proof.as_mut().unwrap().log_index -= 1;
        }),
        ("the checkpoint of another log", &["checkpoint-invalid", LACKING], |pair, bench| {
            let rekor = &bench.sigstore.retired_rekor;
            let proof = pair.bundle.entries[0].proof.as_mut().unwrap();
            proof.checkpoint = Some(rekor.checkpoint(proof.tree_size, &proof.root));
        }),
        ("the index in the log", &["entry-not-bound", LACKING], |pair, _| {
            pair.bundle.entries[0].promise.clear();
            pair.bundle.entries[0].log_index += 1;
        }),
        ("another entry of the same body", &["entry-not-bound", LACKING], |pair, bench| {
            let body = serde_json::from_slice(&pair.bundle.entries[0].body).unwrap();
            let at = bench.at();
            pair.bundle.entries[0] = at.sigstore.rekor.log(&body, at.time);
        }),
        ("another log", &["entry-not-bound", LACKING], |pair, bench| {
            let body = serde_json::from_slice(&pair.bundle.entries[0].body).unwrap();
            let rekor = &mut bench.sigstore.retired_rekor;
            pair.bundle.entries[0] = rekor.log(&body, time("2025-06-01T00:00:00Z"));
        }),
        ("an unknown log", &["unknown-log", LACKING], |pair, _| {
            pair.bundle.entries[0].log_id[0] ^= 1;
        }),
        ("the body of another signature", &["entry-not-bound", LACKING], |pair, bench| {
            let other = bench.at().sign(&pair.signer, b"other", Log::Promise);
            pair.bundle.entries = other.entry.into_iter().collect();
        }),
        ("another certificate", &["entry-not-bound", LACKING], |pair, bench| {
            pair.bundle.material = Material::of(&bench.signer());
        }),
        ("the digest hint", &["digest-hint-mismatch", LACKING], |pair, _| {
            let Content::Message { digest, .. } = &mut pair.bundle.content else { return };
            digest[0] ^= 1;
        }),
        // A bundle of another signature is evidence of the manifest like any other, and refused as such.
        ("another signature", &["entry-not-bound", LACKING], |pair, bench| {
            let payload = bench.payload();
            pair.bundle = bench.at().bundle_message(&pair.signer, &payload);
            let Content::Message { signature, .. } = &mut pair.bundle.content else { return };
            *signature = pair.signer.key.sign(b"another");
        }),
        ("attached to the image", &["entry-not-bound", LACKING], |pair, _| {
            pair.attached_to = |_, bench| bench.image.clone();
        }),
    ];
    let person = person();
    let person: Vec<&str> = person.iter().map(String::as_str).collect();
    for (what, codes, change) in cases {
        let mut bench = Bench::new();
        let mut pair = Pair::keyless(&mut bench);
        change(&mut pair, &mut bench);
        let told = judge(&pair.archive(&bench), &person);
        assert_eq!((told.status, told.included), ([0, 1], false), "{what}");
        let mut found = told.codes;
        found.sort();
        let mut expected = codes.to_vec();
        expected.sort_unstable();
        assert_eq!(found, expected, "{what}");
    }
}

/// The proof gives no time: without the promise the signature is as worthless as before.
#[test]
fn the_promise_is_needed_all_the_same() {
    let mut bench = Bench::new();
    let mut pair = Pair::keyless(&mut bench);
    pair.signature.entry = None;
    let person = person();
    let person: Vec<&str> = person.iter().map(String::as_str).collect();
    let told = judge(&pair.archive(&bench), &person);
    assert_eq!((told.status, told.included), ([1, 1], false));
    assert_eq!(told.codes, ["no-trusted-time", "entry-not-bound"]);
}

/// One bundle proves one signature: its neighbour in the same manifest gains nothing.
#[test]
fn a_neighbour_gains_nothing() {
    let mut bench = Bench::new();
    let pair = Pair::keyless(&mut bench);
    let payload = bench.payload();
    let other = Signer::key(bench.key(KeyKind::P256));
    let neighbour = bench.at().sign(&other, &payload, Log::Promise);
    let manifest = evidence::manifest(&[neighbour.layer(), pair.signature.layer()]);
    let mut layout = bench.layout();
    layout.tagged(&manifest, &signature_tag(&bench.image.digest()));
    let archive = layout.referrer(&pair.bundle.referrer(&manifest)).tar();
    let key = testdata("accepted/keys/p256.pub");
    let told = judge(&archive, &["--key", &key]);
    assert_eq!(told.status, [0, 1]);
    assert_eq!(told.codes, ["no-inclusion-proof", "not-by-key"]);
}

/// A signature with a promise alone, and bundles with and without a proof.
#[test]
fn every_form_can_be_asked_for_a_proof() {
    let mut bench = Bench::new();
    let person = person();
    let demand: Vec<&str> = person.iter().map(String::as_str).collect();
    let cases = [
        (bench.keyless(|_, _| {}), [0, 1]),
        (bench.message(|_, _| {}), [0, 0]),
        (bench.message(|bundle, _| *bundle = bundle.clone().downgraded(Version::V01)), [0, 1]),
        (bench.rekor_v2(Bench::message_content, |_, _| {}), [0, 0]),
    ];
    for (archive, status) in cases {
        assert_eq!(judge(&archive, &demand).status, status);
    }
}

#[test]
fn a_bundle_by_itself_can_be_asked_for_a_proof() {
    let mut bench = Bench::new();
    let signer = bench.signer();
    let bundle = bench.at().bundle_message(&signer, b"artifact");
    let home = tempfile::tempdir().unwrap();
    let (file, artifact) = (home.path().join("bundle.json"), home.path().join("artifact"));
    fs::write(&artifact, b"artifact").unwrap();
    for (bundle, status, said) in [
        (bundle.clone(), 0, "VERIFIED sha256:"),
        (bundle.downgraded(Version::V01), 1, "DENIED sha256:"),
    ] {
        fs::write(&file, compact(&bundle.json())).unwrap();
        let Output { status: found, stdout, .. } = Command::new(env!("CARGO_BIN_EXE_sealift"))
            .args(["verify-bundle", "--require-inclusion-proof", "--verification-time", NOW])
            .args(["--trusted-root", &testdata("demo/trusted_root.json")])
            .args(person())
            .arg("--bundle")
            .args([&file, &artifact])
            .output()
            .unwrap();
        let told = String::from_utf8(stdout).unwrap();
        assert_eq!(found.code(), Some(status), "{told}");
        assert!(told.starts_with(said), "{told}");
        assert_eq!(status == 1, told.contains("[no-inclusion-proof]"), "{told}");
    }
}
