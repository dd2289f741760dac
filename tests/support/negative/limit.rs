//! What is one more than is read, and keys that are too weak to be believed.

use serde_json::{Value, json};

use super::Negative;
use super::bundle::{noted, parts, proven};
use crate::support::accepted::{self, Demand};
use crate::support::bench::{KeyKind, SIGNED};
use crate::support::evidence::{Content, Material, Signer, Version};
use crate::support::key::sha256;
use crate::support::{Log, der, note, time};

const SIGN: &str = "bundle-v0.3-sign";

/// Of number, length and depth; the limits are those of `sealift::limits`.
#[expect(clippy::too_many_lines, reason = "a table")]
pub fn limits() -> Vec<Negative> {
    vec![
        Negative::new(
            "limit-exceeded",
            "entries-33",
            "bundle-v0.3-sign-entries-32",
            "the signature was taken in by the log 33 times",
            |bench| accepted::entries(bench, 33),
        ),
        Negative::new(
            "limit-exceeded",
            "timestamps-33",
            "bundle-v0.3-sign-timestamp",
            "the bundle has 33 timestamps",
            |bench| {
                bench.signed(|bundle, sigstore| {
                    let Content::Envelope(envelope) = &bundle.content else { return };
                    let stamp = sigstore.tsa.stamp(&envelope.signatures[0], time(SIGNED));
                    bundle.timestamps = vec![stamp; 33];
                })
            },
        ),
        Negative::new(
            "limit-exceeded",
            "proof-hashes-65",
            SIGN,
            "the path of the proof has 65 hashes",
            |bench| proven(bench, |proof, _| proof.hashes.resize(65, [0; 32])),
        ),
        Negative::new(
            "limit-exceeded",
            "checkpoint-lines-33",
            SIGN,
            "33 lines sign the checkpoint",
            |bench| {
                proven(bench, |proof, _| {
                    let (text, line) = parts(proof);
                    let lines = vec![line; 33];
                    proof.checkpoint = Some(note::signed(&text, &lines));
                })
            },
        ),
        Negative::new(
            "limit-exceeded",
            "checkpoint-bytes",
            SIGN,
            "the checkpoint has more than 16 KiB",
            |bench| noted(bench, |text| format!("{text}{}\n", "x".repeat(16 << 10))),
        ),
        Negative::new(
            "limit-exceeded",
            "subjects-1025",
            "legacy-attestation-keyed",
            "the statement has 1025 subjects, the image among them",
            |bench| {
                let mut statement = bench.provenance();
                let subject = json!({ "digest": statement["subject"][0]["digest"] });
                statement["subject"] = Value::from(vec![subject; 1025]);
                bench.keyed_attestation(&statement, |_| {})
            },
        ),
        Negative::new(
            "limit-exceeded",
            "subject-digests-33",
            "legacy-attestation-keyed",
            "the subject has 33 digests, the image's among them",
            |bench| {
                let mut statement = bench.provenance();
                for number in 1..=32 {
                    statement["subject"][0]["digest"][format!("other{number}")] = json!("00");
                }
                bench.keyed_attestation(&statement, |_| {})
            },
        ),
        Negative::new(
            "limit-exceeded",
            "payload-depth",
            "legacy-keyed",
            "the payload's optional part nests 40 lists",
            |bench| {
                let text = String::from_utf8(bench.payload()).expect("our own payload is text");
                let nested = format!(r#""optional":{{"x":{}{}}}"#, "[".repeat(40), "]".repeat(40));
                let payload = text.replace(r#""optional":null"#, &nested).into_bytes();
                bench.keyed_payload(KeyKind::P256, &payload, |_| {})
            },
        ),
        Negative::new(
            "limit-exceeded",
            "predicate-depth",
            "legacy-attestation-keyed",
            "the predicate nests 200 lists",
            |bench| {
                bench.keyed_envelope(|envelope| {
                    let text = String::from_utf8_lossy(&envelope.payload).replace(
                        r#""internalParameters":{}"#,
                        &format!(
                            r#""internalParameters":{{"x":{}{}}}"#,
                            "[".repeat(200),
                            "]".repeat(200)
                        ),
                    );
                    envelope.payload = text.into_bytes();
                })
            },
        ),
        Negative::new(
            "limit-exceeded",
            "signatures-1001",
            "legacy-keyed",
            "the `.sig` manifest has 1001 layers",
            |bench| {
                let payload = bench.payload();
                let signer = Signer::key(bench.key(KeyKind::P256));
                let layer = bench.at().sign(&signer, &payload, Log::None).layer();
                bench.with_signatures(&vec![layer; 1001])
            },
        ),
        Negative::new(
            "limit-exceeded",
            "chain-9",
            "bundle-v0.2-sign",
            "the chain has nine certificates",
            |bench| {
                bench.signed(|bundle, sigstore| {
                    *bundle = bundle.clone().downgraded(Version::V02);
                    if let Material::Chain(chain) = &mut bundle.material {
                        chain.resize(9, sigstore.fulcio.intermediate.clone());
                    }
                })
            },
        ),
        Negative::new(
            "key-weak",
            "rsa-1024",
            "legacy-keyed-rsa",
            "the key asked for is RSA of 1024 bits",
            |bench| {
                let payload = bench.payload();
                bench.keyed_payload(KeyKind::Rsa1024, &payload, |_| {})
            },
        )
        .asked_of(Demand::Key(KeyKind::Rsa1024)),
        Negative::new(
            "key-weak",
            "ed25519-identity",
            "legacy-keyed-ed25519",
            "the key asked for is the neutral point, under which one signature fits all",
            |bench| {
                bench.keyed(|signature| {
                    let mut universal = vec![0; 64];
                    universal[0] = 1;
                    signature.signature = universal;
                })
            },
        )
        .asked_of(Demand::KeyFile("negative/key-weak/ed25519-identity.pub")),
        Negative::new(
            "key-weak",
            "rsa-exponent-1",
            "legacy-keyed-rsa",
            "the exponent of the key asked for is 1, so the padded hash is its own signature",
            |bench| {
                let padded = padded_hash(&bench.payload());
                bench.keyed(|signature| signature.signature = padded)
            },
        )
        .asked_of(Demand::KeyFile("negative/key-weak/rsa-exponent-1.pub")),
    ]
}

/// An RSA key of 2048 bits whose exponent is 1.
pub fn exponent_1() -> Vec<u8> {
    let mut modulus = vec![0xff; 256];
    modulus[0] = 0xc5;
    let key = der::sequence(&[der::integer(&modulus), der::number(1)]);
    let algorithm = der::sequence(&[der::oid("1.2.840.113549.1.1.1"), der::null()]);
    der::sequence(&[algorithm, der::bits(&key)])
}

/// The SHA-256 of `message` as PKCS #1 v1.5 pads it for 2048 bits.
fn padded_hash(message: &[u8]) -> Vec<u8> {
    let algorithm = der::sequence(&[der::oid("2.16.840.1.101.3.4.2.1"), der::null()]);
    let info = der::sequence(&[algorithm, der::octets(&sha256(message))]);
    let mut padded = vec![0, 1];
    padded.resize(256 - info.len() - 1, 0xff);
    padded.push(0);
    padded.extend(info);
    padded
}

/// The Ed25519 key that is the neutral point.
pub fn identity_key() -> Vec<u8> {
    let mut point = [0; 32];
    point[0] = 1;
    der::sequence(&[der::sequence(&[der::oid("1.3.101.112")]), der::bits(&point)])
}
