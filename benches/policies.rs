//! A thousand rules over a thousand images: what judging costs beside the cryptography, which is done
//! before it, once for each piece of evidence. Counted is the time on the processor.
//!
//!     cargo bench --bench policies
#![expect(clippy::unwrap_used, reason = "policies of our own are right, or the run is void")]
#![expect(clippy::print_stdout, reason = "the figures are the output")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::fmt::Write;
use std::time::{Duration, Instant};

use sealift::crypto::PublicKey;
use sealift::digest::Digest;
use sealift::limits::Limits;
use sealift::oci::Reference;
use sealift::policy::{Case, Parts, PolicyFile, PolicySet, Verdict, document};
use sealift::time::UnixTime;
use sealift::verify::{Artifact, Testimony, Trust, Verified, Verifier};

use support::Log;
use support::bench::{Bench, KeyKind, NOW};
use support::evidence::Signer;

const RULES: usize = 1000;
const IMAGES: usize = 1000;

fn main() {
    let mut bench = Bench::new();
    let right = bench.key(KeyKind::P256).public_pem();
    let wrong = bench.key(KeyKind::P384).public_pem();
    let verified = evidence(&mut bench, &right);
    println!("{RULES} rules over {IMAGES} images, one thread, seconds");
    for (name, text) in [
        ("policies, a team each", policies(&right)),
        ("authorities, the last is met", authorities(&wrong, &right)),
        ("globs of one policy, the last covers", globs(&right)),
        ("Kubewarden entries, a team each", entries(&right)),
    ] {
        let spent = judged(&text, &verified);
        println!("{name:40} {:.3}", spent.as_secs_f64());
    }
}

/// One signature by `key`, verified.
fn evidence(bench: &mut Bench, key: &str) -> Verified {
    let payload = bench.payload();
    let signer = Signer::key(bench.key(KeyKind::P256));
    let layer = bench.at().sign(&signer, &payload, Log::None).layer();
    let keys = vec![PublicKey::from_pem(key).unwrap()];
    let verifier = Verifier::new(Trust { keys, ..Trust::default() }, now(), Limits::default());
    let artifact = Artifact { digest: bench.image.digest().into(), bytes: None };
    let testimony = Testimony::Signature { payload: &layer.bytes, annotations: &layer.annotations };
    verifier.verify(&artifact, testimony).unwrap()
}

/// How long it takes to judge every image; each is admitted.
fn judged(text: &str, verified: &Verified) -> Duration {
    let files = [PolicyFile { name: "policy.yaml", bytes: text.as_bytes() }];
    let policies = document::parse(&files, &Limits::default(), now()).unwrap();
    let policies = PolicySet::new(policies).unwrap();
    let parts = Parts::default();
    let subject = Digest::sha256(b"image");
    let images: Vec<[Reference; 1]> = (0..IMAGES)
        .map(|number| [format!("registry.example/team-{number}/app:v1").parse().unwrap()])
        .collect();
    let evidence = [verified];
    let start = spent();
    for names in &images {
        let case = Case {
            subject,
            names,
            written: None,
            evidence: &evidence,
            unproven: 0,
            through: None,
            parts: &parts,
            configs: None,
            object: None,
        };
        assert!(matches!(policies.judge(&case), Verdict::Admit(_)), "{names:?}");
    }
    spent().saturating_sub(start)
}

fn policies(key: &str) -> String {
    let policy = |number: usize| {
        document_of(
            &format!("team-{number}"),
            &[format!("registry.example/team-{number}/**")],
            &[key],
        )
    };
    (0..RULES).map(policy).collect()
}

fn authorities(wrong: &str, right: &str) -> String {
    let mut keys = vec![wrong; RULES - 1];
    keys.push(right);
    document_of("authorities", &["**".to_owned()], &keys)
}

fn globs(key: &str) -> String {
    let mut globs: Vec<_> = (1..RULES).map(|n| format!("registry.example/other-{n}/*")).collect();
    globs.push("registry.example/team-*/**".to_owned());
    document_of("globs", &globs, &[key])
}

fn document_of(name: &str, globs: &[String], keys: &[&str]) -> String {
    let mut text = format!(
        "---\napiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\n\
         metadata: {{name: {name}}}\nspec:\n  images:\n"
    );
    for glob in globs {
        writeln!(text, "  - glob: \"{glob}\"").unwrap();
    }
    text.push_str("  authorities:\n");
    for key in keys {
        writeln!(text, "  - key: {{data: {}}}", serde_json::to_string(key).unwrap()).unwrap();
    }
    text
}

fn entries(key: &str) -> String {
    let mut text = "signatures:\n".to_owned();
    let key = serde_json::to_string(key).unwrap();
    for number in 0..RULES {
        writeln!(text, "- image: registry.example/team-{number}/*\n  pubKeys: [{key}]").unwrap();
    }
    text
}

fn now() -> UnixTime {
    NOW.parse().unwrap()
}

/// The processor's time where Linux tells it, else the wall's.
fn spent() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = told.and_then(|text| text.split(' ').next()?.parse().ok());
    nanoseconds.map_or_else(since_start, Duration::from_nanos)
}

fn since_start() -> Duration {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}
