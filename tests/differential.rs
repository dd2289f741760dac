//! Our verdict against that of the Sigstore project's own Rust verifier, on every bundle that it
//! can judge: the conformance vectors, real bundles, and those minted into `testdata`, where logged
//! legacy signatures are rewritten to bundles for it.
//!
//! Both are asked the same: no identity, an SCT and a log entry unless the case waives them. Where
//! they disagree `tests/differential.exceptions.json` says so, what each says and why; an exception
//! that is no longer one fails. The oracle reads the machine's clock and lets nobody set it, so ours
//! is set to the same, and with a clock that cannot be right there is nothing to compare.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test stops where its vectors are not as they must be"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sealift::archive::Archive;
use sealift::crypto::{Hash, HashValue};
use sealift::digest::Digest;
use sealift::inventory::{Evidence, Inventory, Piece};
use sealift::limits::Limits;
use sealift::policy::{Authority, Demand, IdentityMatcher, Kind, Requirement, Signer, TextMatcher};
use sealift::sigstore::{ManagedKey, TrustRoot};
use sealift::time::UnixTime;
use sealift::verify::{Artifact, Testimony, Trust, Verifier};
use serde::Deserialize;
use serde_json::{Value, json};
use sigstore_verify::trust_root::TrustedRoot;
use sigstore_verify::types::{self, ArtifactDigest, DerPublicKey, HashAlgorithm};
use sigstore_verify::{PublicKeyVerificationPolicy, VerificationPolicy};

/// A bundle and everything that either verifier is told.
struct Case {
    vector: String,
    bundle: Vec<u8>,
    root: Vec<u8>,
    key: Option<String>,
    artifact: Named,
    log: Demand,
    sct: Demand,
}

/// What was signed.
enum Named {
    Bytes(Vec<u8>),
    Value(HashValue),
}

/// A disagreement that is known, and why it is one.
#[derive(Deserialize, Debug, PartialEq)]
#[serde(deny_unknown_fields)]
struct Exception {
    vector: String,
    /// `ok`, or the code of our refusal.
    ours: String,
    /// `ok`, or `refused`.
    theirs: String,
    reason: String,
}

#[test]
fn we_agree_but_for_the_exceptions() {
    let Some(now) = now() else { return };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let text = fs::read(folder.join("differential.exceptions.json")).unwrap();
    let exceptions: Vec<Exception> = serde_json::from_slice(&text).unwrap();
    let vectors: Vec<_> = exceptions.iter().map(|exception| &exception.vector).collect();
    assert!(vectors.is_sorted(), "exceptions are sorted by vector, each once");
    assert!(exceptions.iter().all(|exception| !exception.reason.is_empty()));
    let exceptions: BTreeMap<_, _> =
        exceptions.iter().map(|exception| (exception.vector.as_str(), exception)).collect();

    let cases: Vec<Case> = [conformance(), real(), minted()].into_iter().flatten().collect();
    let mut wrong = Vec::new();
    let (mut accepted, mut refused) = (0, 0);
    for case in &cases {
        let (ours, theirs) = (ours(case, now), theirs(case));
        let told = if theirs.is_ok() { "ok" } else { "refused" };
        let expected =
            exceptions.get(case.vector.as_str()).map(|known| (&*known.ours, &*known.theirs));
        if (ours == "ok") == theirs.is_ok() {
            let agreed = if theirs.is_ok() { &mut accepted } else { &mut refused };
            *agreed += 1;
            if expected.is_some() {
                wrong.push(format!("{}: both say {ours}: the exception is stale", case.vector));
            }
        } else if expected != Some((&*ours, told)) {
            let theirs = theirs.err().unwrap_or("ok".to_owned());
            wrong.push(format!("{}: ours {ours}, theirs {theirs}", case.vector));
        }
    }
    for vector in exceptions.keys().filter(|vector| is_here(vector)) {
        if !cases.iter().any(|case| case.vector == **vector) {
            wrong.push(format!("{vector}: there is no such vector: the exception is stale"));
        }
    }
    let told = format!(
        "{} bundles: both accept {accepted}, both refuse {refused}, {} known disagreements",
        cases.len(),
        cases.len() - accepted - refused
    );
    println!("{told}");
    assert!(wrong.is_empty(), "{told}\n{}", wrong.join("\n"));
}

/// The machine's clock, where it lies in the years in which the vectors can be judged.
fn now() -> Option<UnixTime> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    let now = UnixTime::from_seconds(i64::try_from(since.as_secs()).ok()?)?;
    let (first, last): (UnixTime, UnixTime) =
        ("2026-06-01T00:00:00Z".parse().unwrap(), "2035-01-01T00:00:00Z".parse().unwrap());
    let usable = first <= now && now < last;
    if !usable {
        println!("skipped: the oracle goes by this machine's clock, which says {now}");
    }
    usable.then_some(now)
}

/// `ok`, or why not: the code of a rejection or of what is lacking.
fn ours(case: &Case, now: UnixTime) -> String {
    let limits = Limits::default();
    let Ok(root) = TrustRoot::parse(&case.root, &limits) else {
        return "trusted-root".to_owned();
    };
    let read = |text: &str| ManagedKey::parse(text, &limits);
    let Ok(key) = case.key.as_deref().map(read).transpose() else {
        return "key".to_owned();
    };
    let windows = key.iter().filter_map(|key| Some((key.key.id(), key.window?)));
    let key_windows = windows.collect();
    let keys: Vec<_> = key.into_iter().map(|key| key.key).collect();
    let signer = if keys.is_empty() {
        let identities = vec![IdentityMatcher::new(TextMatcher::Any, None)];
        Signer::Certificate { authority: Authority::TrustedRoot, identities, sct: case.sct }
    } else {
        Signer::Keys(keys.clone())
    };
    let requirement = Requirement { log: case.log, ..Requirement::new("", Kind::Either, signer) };
    let artifact = match &case.artifact {
        Named::Bytes(bytes) => {
            Artifact { digest: Digest::sha256(bytes).into(), bytes: Some(bytes) }
        }
        Named::Value(value) => Artifact { digest: *value, bytes: None },
    };
    let trust = Trust { root: Some(root), keys, key_windows, ..Trust::default() };
    let verifier = Verifier::new(trust, now, limits);
    match verifier.verify(&artifact, Testimony::Bundle(&case.bundle)) {
        Ok(verified) => match requirement.check(verified.facts(), None) {
            Ok(()) => "ok".to_owned(),
            Err(mismatch) => mismatch.code().to_owned(),
        },
        Err(rejection) => rejection.code().to_string(),
    }
}

fn theirs(case: &Case) -> Result<(), String> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map_err(|why| why.to_string());
    let root = TrustedRoot::from_json(&text(&case.root)?).map_err(|why| why.to_string())?;
    let verifier = sigstore_verify::Verifier::new(&root).map_err(|why| why.to_string())?;
    let bundle = types::Bundle::from_json(&text(&case.bundle)?).map_err(|why| why.to_string())?;
    let artifact = match &case.artifact {
        Named::Bytes(bytes) => types::Artifact::from_blob(bytes),
        Named::Value(value) => {
            let algorithm = match value.hash() {
                Hash::Sha256 => HashAlgorithm::Sha2256,
                Hash::Sha384 => HashAlgorithm::Sha2384,
                Hash::Sha512 => HashAlgorithm::Sha2512,
            };
            let digest = ArtifactDigest::new(algorithm, value.bytes().to_vec());
            types::Artifact::from_digest(digest.map_err(|why| why.to_string())?)
        }
    };
    let verified = if let Some(pem) = &case.key {
        let key = DerPublicKey::from_pem(pem).map_err(|why| why.to_string())?;
        let mut policy = PublicKeyVerificationPolicy::new(key);
        if case.log == Demand::Waived {
            policy = policy.skip_tlog_unsafe();
        }
        verifier.verify(artifact, &bundle, &policy)
    } else {
        let mut policy = VerificationPolicy::any_identity();
        if case.log == Demand::Waived {
            policy = policy.skip_tlog_unsafe();
        }
        if case.sct == Demand::Waived {
            policy = policy.skip_sct();
        }
        verifier.verify(artifact, &bundle, &policy)
    };
    verified.map(|_| ()).map_err(|why| why.to_string())
}

/// Where the vectors are.
fn vectors() -> PathBuf {
    std::env::var_os("SEALIFT_VECTORS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/vectors"),
        PathBuf::from,
    )
}

/// Whether the set that an exception is of lies here.
fn is_here(vector: &str) -> bool {
    let set = vector.split('/').next().unwrap();
    match set {
        "conformance" => vectors().join("conformance/bundle-verify").is_dir(),
        "real" => vectors().join("real/bundles").is_dir(),
        _ => true,
    }
}

fn conformance() -> Vec<Case> {
    let folder = vectors().join("conformance");
    if !is_here("conformance") {
        println!("skipped: no conformance vectors in {}; set SEALIFT_VECTORS", folder.display());
        return Vec::new();
    }
    let mut cases = Vec::new();
    for vector in sorted(&folder.join("bundle-verify")) {
        if !vector.is_dir() {
            continue;
        }
        let read = |name: &str| fs::read(vector.join(name));
        let artifact = read("artifact").or_else(|_| read("../a.txt")).unwrap();
        let digest = Digest::sha256(&artifact).into();
        let name = vector.file_name().unwrap().to_str().unwrap();
        for (how, artifact) in [("file", Named::Bytes(artifact)), ("digest", Named::Value(digest))]
        {
            let root = read("trusted_root.json")
                .or_else(|_| fs::read(folder.join("prod_trusted_root.json")));
            cases.push(Case {
                vector: format!("conformance/{name} ({how})"),
                bundle: read("bundle.sigstore.json").unwrap(),
                root: root.unwrap(),
                key: fs::read_to_string(vector.join("key.pub")).ok(),
                artifact,
                log: Demand::Demanded,
                sct: Demand::Demanded,
            });
        }
    }
    cases
}

fn real() -> Vec<Case> {
    let folder = vectors().join("real");
    if !is_here("real") {
        println!("skipped: no real bundles in {}; set SEALIFT_VECTORS", folder.display());
        return Vec::new();
    }
    let entries: Value =
        serde_json::from_slice(&fs::read(folder.join("MANIFEST.json")).unwrap()).unwrap();
    let mut cases = Vec::new();
    for entry in entries.as_array().unwrap() {
        let file = entry["file"].as_str().unwrap();
        let Some(digest) = entry["artifact_digest"].as_str() else { continue };
        let Some(name) = file.strip_prefix("bundles/") else { continue };
        // Bundles without an entry were made without a log, and by authorities without SCTs.
        let logged = entry["tlog"].as_array().is_some_and(|entries| !entries.is_empty());
        let demand = if logged { Demand::Demanded } else { Demand::Waived };
        let root = entry["trusted_root"].as_str().unwrap_or("trusted-roots/prod.json");
        cases.push(Case {
            vector: format!("real/{name}"),
            bundle: fs::read(folder.join(file)).unwrap(),
            root: fs::read(folder.join(root)).unwrap(),
            key: entry["key"].as_str().map(|key| fs::read_to_string(folder.join(key)).unwrap()),
            artifact: Named::Value(digest.parse().unwrap()),
            log: demand,
            sct: demand,
        });
    }
    cases
}

/// The bundles in the archives of `testdata`; those always lie here.
fn minted() -> Vec<Case> {
    let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    let mut cases = Vec::new();
    for table in ["accepted", "negative"] {
        let table = fs::read(testdata.join(table).join("cases.json")).unwrap();
        let table: Value = serde_json::from_slice(&table).unwrap();
        for case in table["cases"].as_array().unwrap() {
            for (number, (bundle, artifact)) in
                bundles(&testdata.join(case["file"].as_str().unwrap())).into_iter().enumerate()
            {
                let signer = &case["signer"];
                let demand = |name: &str| match signer[name].as_str() {
                    Some("none") => Demand::Waived,
                    _ => Demand::Demanded,
                };
                let read = |name: &Value| fs::read(testdata.join(name.as_str().unwrap())).unwrap();
                let key = signer["key"].is_string().then(|| read(&signer["key"]));
                let file = case["file"].as_str().unwrap();
                let nth = if number == 0 { String::new() } else { format!(" ({})", number + 1) };
                cases.push(Case {
                    vector: format!("{file}{nth}"),
                    bundle,
                    root: read(&case["trusted_root"]),
                    key: key.map(|pem| String::from_utf8(pem).unwrap()),
                    artifact: Named::Bytes(artifact),
                    log: demand("log"),
                    sct: demand("sct"),
                });
            }
        }
    }
    assert!(!cases.is_empty());
    cases
}

/// The bundles that an archive holds, each with the bytes of the manifest that it speaks of, and
/// its logged legacy signatures as bundles, each with its payload.
fn bundles(archive: &Path) -> Vec<(Vec<u8>, Vec<u8>)> {
    fn collect(evidence: &[Evidence], subject: &[u8], found: &mut Vec<(Vec<u8>, Vec<u8>)>) {
        for evidence in evidence {
            for piece in &evidence.pieces {
                match piece {
                    Piece::Bundle(bundle) => {
                        found.push((bundle.bytes().to_vec(), subject.to_vec()));
                    }
                    Piece::Signature(signature) => {
                        let payload = signature.payload.bytes();
                        let bundle = as_bundle(&signature.annotations);
                        found.extend(bundle.map(|bundle| (bundle, payload.to_vec())));
                    }
                    _ => {}
                }
            }
            if let Ok(content) = &evidence.content {
                collect(&evidence.referrers, content.bytes(), found);
            }
        }
    }
    let limits = Limits::default();
    let archive = Archive::open(archive, &limits).unwrap();
    let inventory = Inventory::of(&archive, &limits).unwrap();
    let mut found = Vec::new();
    for subject in &inventory.subjects {
        if let Ok(content) = &subject.content {
            collect(&subject.evidence, content.blob.bytes(), &mut found);
        }
    }
    found
}

/// A logged legacy signature, which the oracle does not know, as a bundle of version 0.1 over its
/// payload. What the payload says is then left out of the comparison.
fn as_bundle(annotations: &BTreeMap<String, String>) -> Option<Vec<u8>> {
    let entry: Value = serde_json::from_str(annotations.get("dev.sigstore.cosign/bundle")?).ok()?;
    let body = STANDARD.decode(entry["Payload"]["body"].as_str()?).ok()?;
    let body: Value = serde_json::from_slice(&body).ok()?;
    let id: HashValue = format!("sha256:{}", entry["Payload"]["logID"].as_str()?).parse().ok()?;
    let mut material = match annotations.get("dev.sigstore.cosign/certificate") {
        Some(pem) => {
            let der: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
            json!({ "x509CertificateChain": { "certificates": [{ "rawBytes": der }] } })
        }
        None => json!({ "publicKey": { "hint": "" } }),
    };
    material["tlogEntries"] = json!([{
        "logIndex": entry["Payload"]["logIndex"].to_string(),
        "logId": { "keyId": STANDARD.encode(id.bytes()) },
        "kindVersion": { "kind": body["kind"], "version": body["apiVersion"] },
        "integratedTime": entry["Payload"]["integratedTime"].to_string(),
        "inclusionPromise": { "signedEntryTimestamp": entry["SignedEntryTimestamp"] },
        "canonicalizedBody": entry["Payload"]["body"],
    }]);
    let bundle = json!({
        "mediaType": "application/vnd.dev.sigstore.bundle+json;version=0.1",
        "verificationMaterial": material,
        "messageSignature": { "signature": annotations.get("dev.cosignproject.cosign/signature")? },
    });
    Some(serde_json::to_vec(&bundle).unwrap())
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}
