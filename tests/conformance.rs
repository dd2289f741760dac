//! The Sigstore conformance vectors, at the level of the library: every bundle is verified, and
//! where it is refused the code of the refusal is compared with the table below. The same vectors
//! run through the command line in CI (`.ci/run`).
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test stops where its vectors are not as they must be"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use sealift::crypto::PublicKey;
use sealift::digest::Digest;
use sealift::limits::Limits;
use sealift::sigstore::TrustRoot;
use sealift::time::Window;
use sealift::verify::{Artifact, Code, Signer, Testimony, Trust, Verifier};

/// Where the vectors are; `None`, said aloud, where they are not.
fn vectors() -> Option<PathBuf> {
    let folder = std::env::var_os("SEALIFT_VECTORS")
        .map_or_else(|| PathBuf::from("../shared/vectors"), PathBuf::from);
    let found = folder.join("conformance/bundle-verify").is_dir();
    if !found {
        println!("skipped: no vectors in {}; set SEALIFT_VECTORS", folder.display());
    }
    found.then(|| folder.join("conformance"))
}

/// `ok`, the code of the rejection, or `root: why` where the trusted root does not load.
fn outcome(vector: &Path, default_root: &Path, by_digest: bool) -> String {
    let limits = Limits::default();
    let own_root = vector.join("trusted_root.json");
    let root = if own_root.exists() { own_root } else { default_root.to_owned() };
    let root = match TrustRoot::parse(&fs::read(root).unwrap(), &limits) {
        Ok(root) => root,
        Err(why) => return format!("root: {why}"),
    };
    let key = fs::read_to_string(vector.join("key.pub")).ok();
    let keys = key.iter().map(|pem| PublicKey::from_pem(pem).unwrap()).collect();
    let artifact =
        fs::read(vector.join("artifact")).or_else(|_| fs::read(vector.join("../a.txt"))).unwrap();
    let bytes = (!by_digest).then_some(artifact.as_slice());
    let subject = Artifact { digest: Digest::sha256(&artifact).into(), bytes };
    let now = "2026-11-21T00:00:00Z".parse().unwrap();
    let verifier = Verifier::new(Trust { root: Some(root), keys, ..Trust::default() }, now, limits);
    let bundle = fs::read(vector.join("bundle.sigstore.json")).unwrap();
    match verifier.verify(&subject, Testimony::Bundle(&bundle)) {
        Ok(verified) => match &verified.facts().signer {
            // That a certificate must have a timestamp is for policies to say; every policy says so by default.
            Signer::Certificate { .. } if verified.facts().sct_logs.is_empty() => {
                "no sct".to_owned()
            }
            _ => "ok".to_owned(),
        },
        Err(why) => why.code().to_string(),
    }
}

#[test]
fn every_vector() {
    let Some(folder) = vectors() else { return };
    let default_root = folder.join("prod_trusted_root.json");
    let refusals: BTreeMap<_, _> = REFUSALS.iter().copied().collect();
    let mut seen = 0;
    for vector in fs::read_dir(folder.join("bundle-verify")).unwrap() {
        let vector = vector.unwrap().path();
        if !vector.is_dir() {
            continue;
        }
        seen += 1;
        let name = vector.file_name().unwrap().to_str().unwrap().to_owned();
        let found = outcome(&vector, &default_root, false);
        assert_eq!(outcome(&vector, &default_root, true), found, "{name}: by digest");
        assert_eq!(found == "ok", !name.ends_with("fail"), "{name}: {found}");
        // Vectors that are not in the table are judged by their name alone.
        assert_eq!(found, *refusals.get(name.as_str()).unwrap_or(&found.as_str()), "{name}");
    }
    assert!(seen >= refusals.len(), "{seen} vectors");
}

/// A bundle by a key whose time is limited, with a timestamp and no log entry (CVE-2026-54787).
#[test]
fn a_real_signature_inside_the_window_of_its_key() {
    let Some(folder) = vectors() else { return };
    let real = folder.join("../real");
    let limits = Limits::default();
    let root = fs::read(real.join("trusted-roots/public-key-validity.json")).unwrap();
    let root = TrustRoot::parse(&root, &limits).unwrap();
    let file = "bundles/sigstore_sigstore-go__public-key-validity.sigstore.json";
    let bundle = fs::read(real.join(file)).unwrap();
    let digest =
        "sha256:6ae8a75555209fd6c44157c0aed8016e763ff435a19cf186f76863140143ff72".parse().unwrap();
    // The key is no file of the vectors; it follows from the signature, and the hint is its hash.
    let key = "-----BEGIN PUBLIC KEY-----\n\
        MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE4M25NDTMbDCpLsh9zJtoZOeD5l38\n\
        fUpzTdK3JWjJGf1Gb75J0xooxS+n/gdN3ch6dUU9ZyRy75JQPvMBl/uEdA==\n\
        -----END PUBLIC KEY-----\n";
    let key = PublicKey::from_pem(key).unwrap();
    let found = |start: &str, end: &str| {
        let (start, end) = (start.parse().unwrap(), end.parse().unwrap());
        let key_windows =
            [(key.id(), Window::new(start, Some(end)).unwrap())].into_iter().collect();
        let (keys, root) = (vec![key.clone()], Some(root.clone()));
        let trust = Trust { root, keys, key_windows, ..Trust::default() };
        let verifier = Verifier::new(trust, "2026-11-21T00:00:00Z".parse().unwrap(), limits);
        let verdict =
            verifier.verify(&Artifact { digest, bytes: None }, Testimony::Bundle(&bundle));
        verdict.map(|verified| verified.facts().times.len()).map_err(|why| why.code())
    };
    let signed = "2026-06-04T17:43:29Z";
    assert_eq!(found(signed, signed), Ok(1));
    assert_eq!(found("2026-06-04T17:43:30Z", "2026-06-05T00:00:00Z"), Err(Code::KeyWindow));
    assert_eq!(found("2026-06-04T00:00:00Z", "2026-06-04T17:43:28Z"), Err(Code::KeyWindow));
}

/// Why each negative is refused. Two are refused earlier than their name suggests, as sigstore-go
/// does: line ends inside base64, a proof without a checkpoint.
const REFUSALS: &[(&str, &str)] = &[
    ("bundle-from-wrong-instance_fail", "unknown-log"),
    ("bundle-invalid-base64-signature_fail", "malformed-bundle"),
    ("bundle-malformed-json_fail", "malformed-bundle"),
    ("bundle-unknown-version_fail", "unsupported-bundle-version"),
    ("checkpoint-bad-keyhint_fail", "checkpoint-invalid"),
    ("dsse-invalid-sig_fail", "entry-not-bound"),
    ("dsse-mismatch-envelope_fail", "entry-not-bound"),
    ("integrated-time-in-future_fail", "certificate-outside-validity"),
    ("intoto-missing-inclusion-proof_fail", "inclusion-proof-missing"),
    ("intoto-tsa-timestamp-outside-cert-validity_fail", "certificate-outside-validity"),
    ("invalid-checkpoint-signature_fail", "checkpoint-invalid"),
    ("invalid-ct-key_fail", "no sct"),
    ("invalid-inclusion-proof_fail", "inclusion-proof-missing"),
    ("managed-key-no-key_fail", "key-not-given"),
    ("message-digest-mismatch_fail", "digest-hint-mismatch"),
    ("rekor2-checkpoint-missing-log-signature_fail", "checkpoint-invalid"),
    ("rekor2-checkpoint-missing-origin_fail", "checkpoint-invalid"),
    ("rekor2-checkpoint-missing-root-hash_fail", "checkpoint-invalid"),
    ("rekor2-dsse-invalid-sig_fail", "entry-not-bound"),
    ("rekor2-dsse-mismatch-envelope_fail", "entry-not-bound"),
    ("rekor2-no-inclusion-proof_fail", "inclusion-proof-missing"),
    ("rekor2-timestamp-outside-tsa-cert-validity_fail", "timestamp-invalid"),
    ("rekor2-timestamp-untrusted-tsa-without-embedded-cert_fail", "no-trusted-time"),
    ("rekor2-timestamp-with-incorrect-time_fail", "malformed-bundle"),
    ("set-invalid-signature_fail", "set-invalid"),
    ("signature-mismatch_fail", "entry-not-bound"),
    ("trust-root-tlog-missing-validity-start_fail", "root: tlogs[1]: validFor has no start"),
    ("wrong-hashedrekord-artifact_fail", "entry-not-bound"),
    ("wrong-material_fail", "entry-not-bound"),
];
