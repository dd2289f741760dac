//! Signatures verified per second by one core: each kind of key by itself, and each form of evidence
//! by every step from its bytes to its facts, with the backend that is compiled in. Counted is the
//! time on the processor, where Linux tells it, so that other work beside does not count.
//!
//!     cargo bench --bench signatures
//!     cargo bench --bench signatures --no-default-features --features rustcrypto
#![expect(clippy::unwrap_used, reason = "evidence of our own is right, or the run is void")]
#![expect(clippy::indexing_slicing, reason = "a table without its columns ends the run")]
#![expect(clippy::print_stdout, reason = "the figures are the output")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sealift::crypto::{Message, PublicKey};
use sealift::limits::Limits;
use sealift::sigstore::TrustRoot;
use sealift::verify::{Artifact, Testimony, Trust, Verifier};
use serde_json::Value;

use support::bench::{Bench, KeyKind, NOW};
use support::evidence::{Bundle, Layer, Material, Signer, Version};
use support::{AttestationLog, Log, compact};

/// The figures are the median of so many runs.
const RUNS: usize = 5;
const RUN: Duration = Duration::from_millis(200);

fn main() {
    let backend = if cfg!(feature = "aws-lc") { "aws-lc" } else { "rustcrypto" };
    println!("{backend}, one thread, median of {RUNS} runs of {} ms", RUN.as_millis());
    println!("{:36} {:>10} {:>12}", "", "per second", "microseconds");
    keys();
    forms();
}

/// One signature over 18 bytes by each kind of key.
fn keys() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/signatures.json");
    let table: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let bytes = |field: &Value| STANDARD.decode(field.as_str().unwrap()).unwrap();
    let message = bytes(&table["message"]);
    for row in table["good"].as_array().unwrap() {
        let details = row["details"].as_str().unwrap();
        let key = PublicKey::from_spki(&bytes(&row["key"])).unwrap().used_as(details);
        let signature = bytes(&row["signature"]);
        measure(&format!("key {}", key.kind()), || {
            key.verify(Message::Bytes(&message), &signature, key.default_hash()).unwrap();
        });
    }
}

/// What an archive holds of one piece of evidence.
enum Form {
    Signature(Layer),
    Attestation(Layer),
    Bundle(Vec<u8>),
}

impl Form {
    fn testimony(&self) -> Testimony<'_> {
        match self {
            Self::Signature(Layer { bytes: payload, annotations, .. }) => {
                Testimony::Signature { payload, annotations }
            }
            Self::Attestation(Layer { bytes: envelope, annotations, .. }) => {
                Testimony::Attestation { envelope, annotations }
            }
            Self::Bundle(bytes) => Testimony::Bundle(bytes),
        }
    }
}

fn forms() {
    let mut bench = Bench::new();
    let limits = Limits::default();
    let root = bench.sigstore.trusted_root().to_string();
    let root = TrustRoot::parse(root.as_bytes(), &limits).unwrap();
    let manifest = bench.image.manifest.clone();
    let artifact = Artifact { digest: bench.image.digest().into(), bytes: Some(&manifest) };
    for (name, kind, form) in evidence(&mut bench) {
        let key = kind.map(|kind| PublicKey::from_pem(&bench.key(kind).public_pem()).unwrap());
        let keys = key.into_iter().collect();
        let trust = Trust { root: Some(root.clone()), keys, ..Trust::default() };
        let verifier = Verifier::new(trust, NOW.parse().unwrap(), limits);
        measure(name, || {
            let verified = verifier.verify(&artifact, form.testimony());
            assert!(verified.is_ok(), "{name}");
        });
    }
}

/// Each form by its name, and the key it is by, where it is by one.
fn evidence(bench: &mut Bench) -> Vec<(&'static str, Option<KeyKind>, Form)> {
    let mut forms = Vec::new();
    let payload = bench.payload();
    for (name, kind) in [
        (".sig by key, P-256", KeyKind::P256),
        (".sig by key, P-384", KeyKind::P384),
        (".sig by key, P-521", KeyKind::P521),
        (".sig by key, Ed25519", KeyKind::Ed25519),
        (".sig by key, RSA-2048", KeyKind::Rsa2048),
        (".sig by key, RSA-2048 PSS", KeyKind::RsaPss2048),
    ] {
        let signer = Signer::key(bench.key(kind));
        let layer = bench.at().sign(&signer, &payload, Log::None).layer();
        forms.push((name, Some(kind), Form::Signature(layer)));
    }
    let signer = Signer::key(bench.key(KeyKind::P256));
    let layer = bench.at().sign(&signer, &payload, Log::Promise).layer();
    forms.push((".sig by key, SET", Some(KeyKind::P256), Form::Signature(layer)));

    let signer = bench.signer();
    let layer = bench.at().sign(&signer, &payload, Log::Promise).layer();
    forms.push((".sig keyless, SET", None, Form::Signature(layer)));
    let statement = bench.provenance();
    let layer = bench.at().attest(&signer, &statement, AttestationLog::Dsse001).layer();
    forms.push((".att keyless, SET", None, Form::Attestation(layer)));

    let message = bench.image.manifest.clone();
    let bundle = bench.at().bundle_message(&signer, &message);
    forms.push(("bundle v0.1, SET", None, bytes(&bundle.clone().downgraded(Version::V01))));
    forms.push(("bundle v0.2, SET, proof", None, bytes(&bundle.clone().downgraded(Version::V02))));
    forms.push(("bundle v0.3, SET, proof", None, bytes(&bundle)));
    let statement = bench.sign_statement();
    let bundle = bench.at().bundle_statement(&signer, &statement);
    forms.push(("bundle v0.3 DSSE, SET, proof", None, bytes(&bundle)));
    let content = bench.sign_content(&signer);
    let bundle = bench.at().bundle_v2(&signer, content);
    forms.push(("bundle v0.3 DSSE, Rekor v2, TSA", None, bytes(&bundle)));
    for (name, kind) in [
        ("bundle v0.3 DSSE by key, P-256", KeyKind::P256),
        ("bundle v0.3 DSSE by key, P-384", KeyKind::P384),
        ("bundle v0.3 DSSE by key, Ed25519", KeyKind::Ed25519),
    ] {
        let signer = Signer::key(bench.key(kind));
        let bundle = Bundle {
            version: Version::V03,
            material: Material::of(&signer),
            entries: Vec::new(),
            timestamps: Vec::new(),
            content: bench.sign_content(&signer),
        };
        forms.push((name, Some(kind), bytes(&bundle)));
    }
    forms
}

fn bytes(bundle: &Bundle) -> Form {
    Form::Bundle(compact(&bundle.json()))
}

/// Says how often `work` is done in a second.
fn measure(name: &str, work: impl Fn()) {
    let mut runs: Vec<f64> = (0..RUNS).map(|_| seconds_each(&work)).collect();
    runs.sort_by(f64::total_cmp);
    let each = runs[RUNS / 2];
    println!("{name:36} {:>10.0} {:>12.1}", each.recip(), each * 1e6);
}

fn seconds_each(work: &impl Fn()) -> f64 {
    let (start, busy) = (Instant::now(), on_processor());
    let mut times = 0_u32;
    while start.elapsed() < RUN {
        work();
        times += 1;
    }
    let spent = busy.zip(on_processor()).map(|(before, after)| after.saturating_sub(before));
    spent.unwrap_or(start.elapsed()).as_secs_f64() / f64::from(times)
}

/// How long this thread has run: the first of the numbers in `schedstat`, in nanoseconds.
fn on_processor() -> Option<Duration> {
    let numbers = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    numbers.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}
