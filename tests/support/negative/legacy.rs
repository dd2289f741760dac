//! What can be wrong with cosign's `.sig` and `.att`.

use sealift::digest::{Algorithm, Digest};
use serde_json::{Value, json};

use super::Negative;
use crate::support::bench::{Bench, KeyKind, REPOSITORY};
use crate::support::dsse;
use crate::support::evidence::{self, LegacySignature, SIGNATURE, Signer};
use crate::support::image::{AMD64, ARM64, image, index};
use crate::support::key::{Hash, Key};
use crate::support::{AttestationLog, Log, base64, der};

const KEYED: &str = "legacy-keyed";
const KEYLESS: &str = "legacy-keyless";
const ATTESTED: &str = "legacy-attestation-keyed";

/// Of `.sig`: payload and signature.
#[expect(clippy::too_many_lines, reason = "a table")]
pub fn signatures() -> Vec<Negative> {
    vec![
        Negative::new(
            "malformed-payload",
            "not-json",
            KEYED,
            "the signed payload is no JSON",
            |bench| keyed_text(bench, |_| "signed, but not JSON".to_owned()),
        ),
        Negative::new(
            "malformed-payload",
            "trailing-data",
            KEYED,
            "a second document follows the payload",
            |bench| keyed_text(bench, |text| format!("{text}{{}}")),
        ),
        Negative::new(
            "malformed-payload",
            "byte-order-mark",
            KEYED,
            "the payload begins with a byte-order mark",
            |bench| keyed_text(bench, |text| format!("\u{feff}{text}")),
        ),
        Negative::new(
            "malformed-payload",
            "two-digests-right-first",
            KEYED,
            "docker-manifest-digest stands twice, the right one first",
            |bench| two_digests(bench, Order::RightFirst),
        ),
        Negative::new(
            "malformed-payload",
            "two-digests-right-last",
            KEYED,
            "docker-manifest-digest stands twice, the right one last",
            |bench| two_digests(bench, Order::RightLast),
        ),
        Negative::new(
            "malformed-payload",
            "two-criticals",
            KEYED,
            "`critical` stands twice",
            |bench| {
                keyed_text(bench, |text| {
                    text.replacen('{', r#"{"critical":{"type":"something else"},"#, 1)
                })
            },
        ),
        Negative::new(
            "malformed-payload",
            "type-other",
            KEYED,
            "critical.type is not cosign's",
            |bench| {
                keyed_text(bench, |text| {
                    text.replace("cosign container image signature", "cosign container image")
                })
            },
        ),
        Negative::new(
            "malformed-payload",
            "type-absent",
            KEYED,
            "critical.type is absent",
            |bench| {
                keyed_text(bench, |text| {
                    text.replace(r#","type":"cosign container image signature""#, "")
                })
            },
        ),
        Negative::new(
            "malformed-payload",
            "digest-absent",
            KEYED,
            "critical.image names no digest",
            |bench| {
                let digest = bench.image.digest();
                keyed_text(bench, |text| {
                    text.replace(&format!(r#""docker-manifest-digest":"{digest}""#), "")
                })
            },
        ),
        Negative::new(
            "malformed-payload",
            "digest-upper-case",
            KEYED,
            "the digest is written in upper case",
            |bench| {
                let hex = bench.image.digest().hex();
                keyed_text(bench, |text| text.replace(&hex, &hex.to_uppercase()))
            },
        ),
        Negative::new(
            "malformed-payload",
            "optional-list",
            KEYED,
            "`optional` is a list, not an object",
            |bench| {
                keyed_text(bench, |text| text.replace(r#""optional":null"#, r#""optional":[]"#))
            },
        ),
        Negative::new(
            "payload-names-other-image",
            "other-image",
            KEYED,
            "the payload names another image",
            |bench| {
                let payload = evidence::simple_signing(REPOSITORY, &bench.other.digest());
                bench.keyed_payload(KeyKind::P256, &payload, |_| {})
            },
        ),
        Negative::new(
            "payload-names-other-image",
            "other-image-keyless",
            KEYLESS,
            "the payload names another image, and so does the log",
            |bench| {
                let payload = evidence::simple_signing(REPOSITORY, &bench.other.digest());
                bench.keyless_payload(&payload, |_, _| {})
            },
        ),
        Negative::new(
            "payload-names-other-image",
            "child-of-index",
            KEYED,
            "the signature on an index names its first child",
            |bench| {
                let child = image("tiny", AMD64, &[("tiny", "tiny\n")]);
                let payload = evidence::simple_signing(REPOSITORY, &child.digest());
                bench.image = index(&[child, image("tiny", ARM64, &[("tiny", "small\n")])]);
                bench.keyed_payload(KeyKind::P256, &payload, |_| {})
            },
        ),
        Negative::new(
            "payload-names-other-image",
            "index-of-child",
            KEYED,
            "the signature on an image names an index that lists it",
            |bench| {
                let index = index(std::slice::from_ref(&bench.image));
                let payload = evidence::simple_signing(REPOSITORY, &index.digest());
                bench.keyed_payload(KeyKind::P256, &payload, |_| {})
            },
        ),
        Negative::new(
            "payload-names-other-image",
            "sha512",
            KEYED,
            "the payload names the right image by its sha512",
            |bench| {
                let manifest = &bench.image.manifest;
                let digest = Digest::of(Algorithm::Sha512, manifest);
                let payload = evidence::simple_signing(REPOSITORY, &digest);
                bench.keyed_payload(KeyKind::P256, &payload, |_| {})
            },
        ),
        Negative::new(
            "malformed-signature",
            "url-alphabet",
            KEYED,
            "the signature is in the URL alphabet of base64",
            |bench| {
                keyed_signature_text(bench, Some(['+', '/']), |text| {
                    text.replace('+', "-").replace('/', "_")
                })
            },
        ),
        Negative::new(
            "malformed-signature",
            "no-padding",
            KEYED,
            "the padding is left off",
            |bench| {
                keyed_signature_text(bench, Some(['=', '=']), |text| {
                    text.trim_end_matches('=').to_owned()
                })
            },
        ),
        Negative::new(
            "malformed-signature",
            "white-space",
            KEYED,
            "a blank follows the signature",
            |bench| keyed_signature_text(bench, None, |text| format!("{text} ")),
        ),
        Negative::new(
            "malformed-signature",
            "loose-bits",
            KEYED,
            "bits that no byte needs are set before the padding",
            |bench| keyed_signature_text(bench, Some(['=', '=']), loose_bits),
        ),
        Negative::new("malformed-signature", "empty", KEYED, "the signature is empty", |bench| {
            keyed_signature_text(bench, None, |_| String::new())
        }),
        Negative::new(
            "malformed-signature",
            "data-url",
            KEYED,
            "the signature is a data URL",
            |bench| {
                keyed_signature_text(bench, None, |text| {
                    format!("data:application/octet-stream;base64,{text}")
                })
            },
        ),
        Negative::new(
            "signature-invalid",
            "other-key",
            KEYED,
            "another key signed the payload",
            |bench| {
                let payload = bench.payload();
                let key = Key::p256("a key nobody asked for");
                bench.keyed(|signature| signature.signature = key.sign(&payload))
            },
        ),
        Negative::new(
            "signature-invalid",
            "other-payload",
            KEYED,
            "the signature is of another payload",
            |bench| {
                let key = bench.key(KeyKind::P256);
                let other = evidence::simple_signing(REPOSITORY, &bench.other.digest());
                bench.keyed(|signature| signature.signature = key.sign(&other))
            },
        ),
        Negative::new(
            "signature-invalid",
            "flipped-bit",
            KEYED,
            "one bit of the signature differs",
            |bench| {
                bench.keyed(|signature| {
                    if let Some(last) = signature.signature.last_mut() {
                        *last ^= 1;
                    }
                })
            },
        ),
        Negative::new(
            "malformed-signature",
            "raw-numbers",
            KEYED,
            "r and s stand side by side instead of in DER",
            |bench| bench.keyed(|signature| signature.signature = raw(&signature.signature)),
        ),
        Negative::new(
            "malformed-signature",
            "trailing-byte",
            KEYED,
            "a byte follows the DER",
            |bench| bench.keyed(|signature| signature.signature.push(0)),
        ),
        Negative::new(
            "malformed-signature",
            "long-length",
            KEYED,
            "the length of the DER is not the shortest form",
            |bench| {
                bench.keyed(|signature| signature.signature.splice(1..1, [0x81]).for_each(drop))
            },
        ),
        Negative::new(
            "malformed-signature",
            "negative-r",
            KEYED,
            "r is negative: the zero before its highest bit is left off",
            |bench| {
                bench.keyed(|signature| {
                    signature.signature = der::value(0x30, &[2, 1, 0x81, 2, 1, 1]);
                })
            },
        ),
        Negative::new("malformed-signature", "zero-r", KEYED, "r is zero", |bench| {
            bench.keyed(|signature| signature.signature = numbers(&[0], &[1]))
        }),
        Negative::new("malformed-signature", "zero-s", KEYED, "s is zero", |bench| {
            bench.keyed(|signature| signature.signature = numbers(&[1], &[0]))
        }),
        Negative::new(
            "signature-invalid",
            "great-r",
            KEYED,
            "r is not below the order of the group",
            |bench| bench.keyed(|signature| signature.signature = numbers(&[0xff; 32], &[1])),
        ),
        Negative::new(
            "signature-invalid",
            "key-of-other-curve",
            KEYED,
            "a P-384 key signed, and the P-256 key is asked for",
            |bench| {
                let payload = bench.payload();
                bench.keyed_payload(KeyKind::P384, &payload, |_| {})
            },
        ),
        Negative::new(
            "signature-invalid",
            "ed25519-great-s",
            "legacy-keyed-ed25519",
            "s of an Ed25519 signature is not reduced",
            |bench| {
                let payload = bench.payload();
                bench.keyed_payload(KeyKind::Ed25519, &payload, |signature| {
                    signature.signature = great_s(&signature.signature);
                })
            },
        ),
        Negative::new(
            "signature-invalid",
            "rsa-sha512",
            "legacy-keyed-rsa",
            "an RSA key signed over SHA-512",
            |bench| {
                let payload = bench.payload();
                let key = bench.key(KeyKind::Rsa2048);
                bench.keyed_payload(KeyKind::Rsa2048, &payload, |signature| {
                    signature.signature = key.sign_with(Hash::Sha512, &payload);
                })
            },
        ),
        Negative::new(
            "signature-invalid",
            "keyless-other-key",
            KEYLESS,
            "the log holds what the annotation says, but the certificate's key did not sign",
            |bench| {
                let mut signer = bench.signer();
                signer.key = Key::p256("a key without a certificate");
                bench.keyless_by(&signer)
            },
        ),
    ]
}

/// Of `.att`: envelope and statement.
#[expect(clippy::too_many_lines, reason = "a table")]
pub fn attestations() -> Vec<Negative> {
    vec![
        Negative::new(
            "wrong-payload-type",
            "legacy",
            ATTESTED,
            "the envelope's payload type is text",
            |bench| {
                bench.keyed_envelope(|envelope| "text/plain".clone_into(&mut envelope.payload_type))
            },
        ),
        Negative::new(
            "malformed-statement",
            "statement-not-json",
            ATTESTED,
            "the signed statement is no JSON",
            |bench| bench.keyed_envelope(|envelope| envelope.payload = b"not json".to_vec()),
        ),
        Negative::new(
            "malformed-statement",
            "statement-two-subjects",
            ATTESTED,
            "`subject` stands twice in the statement",
            |bench| {
                bench.keyed_envelope(|envelope| {
                    let text = String::from_utf8_lossy(&envelope.payload).replacen(
                        '{',
                        r#"{"subject":[],"#,
                        1,
                    );
                    envelope.payload = text.into_bytes();
                })
            },
        ),
        Negative::new(
            "malformed-statement",
            "statement-type-unknown",
            ATTESTED,
            "the statement's `_type` is unknown",
            |bench| {
                attested(bench, |statement| {
                    statement["_type"] = json!("https://in-toto.io/Statement/v9");
                })
            },
        ),
        Negative::new(
            "malformed-envelope",
            "envelope-not-json",
            ATTESTED,
            "the envelope is no JSON",
            |bench| {
                let statement = bench.provenance();
                bench.keyed_attestation(&statement, |attestation| {
                    attestation.bytes.pop();
                })
            },
        ),
        Negative::new(
            "dsse-signature-count",
            "legacy-none",
            ATTESTED,
            "the envelope has no signature",
            |bench| {
                let statement = bench.provenance();
                bench.keyed_attestation(&statement, |attestation| {
                    let text = String::from_utf8_lossy(&attestation.bytes).into_owned();
                    let (head, _) = text.split_once(r#""signatures":"#).expect("a member");
                    attestation.bytes = format!(r#"{head}"signatures":[]}}"#).into_bytes();
                })
            },
        ),
        Negative::new(
            "dsse-signature-count",
            "legacy-two",
            ATTESTED,
            "the envelope has two valid signatures",
            |bench| {
                let key = bench.key(KeyKind::P256);
                bench.keyed_envelope(|envelope| {
                    let signature = key.sign(&envelope.signed_bytes());
                    envelope.signatures = vec![signature.clone(), signature];
                })
            },
        ),
        Negative::new(
            "signature-invalid",
            "legacy-envelope-bare-payload",
            ATTESTED,
            "the signature covers the payload, not its pre-authentication encoding",
            |bench| {
                let key = bench.key(KeyKind::P256);
                bench.keyed_envelope(|envelope| {
                    envelope.signatures = vec![key.sign(&envelope.payload)];
                })
            },
        ),
        Negative::new(
            "signature-invalid",
            "legacy-envelope-payload-edited",
            ATTESTED,
            "the payload was edited after it was signed",
            |bench| {
                let key = bench.key(KeyKind::P256);
                bench.keyed_envelope(|envelope| {
                    envelope.signatures = vec![key.sign(&envelope.signed_bytes())];
                    let text = String::from_utf8_lossy(&envelope.payload)
                        .replace("github-hosted", "self-hosted");
                    envelope.payload = text.into_bytes();
                })
            },
        ),
        Negative::new(
            "statement-names-other-image",
            "legacy-other-image",
            ATTESTED,
            "the statement is about another image",
            |bench| {
                let statement = Bench::provenance_of(&bench.other.digest());
                bench.keyed_attestation(&statement, |_| {})
            },
        ),
        Negative::new(
            "malformed-statement",
            "legacy-no-subject",
            ATTESTED,
            "the statement is about nothing",
            |bench| attested(bench, |statement| statement["subject"] = json!([])),
        ),
        Negative::new(
            "statement-names-other-image",
            "legacy-sha512",
            ATTESTED,
            "the statement names the right image by its sha512 alone",
            |bench| {
                let manifest = bench.image.manifest.clone();
                attested(bench, |statement| {
                    let digest = Digest::of(Algorithm::Sha512, &manifest);
                    statement["subject"][0]["digest"] = json!({ "sha512": digest.hex() });
                })
            },
        ),
        Negative::new(
            "statement-names-other-image",
            "legacy-git-commit",
            ATTESTED,
            "the statement names a commit, not the image",
            |bench| {
                attested(bench, |statement| {
                    let commit = json!("5d2f1c0b9a88776655443322110ffeeddccbbaa0");
                    statement["subject"][0]["digest"] = json!({ "gitCommit": commit });
                })
            },
        ),
        Negative::new(
            "statement-names-other-image",
            "legacy-upper-case",
            ATTESTED,
            "the statement writes the digest in upper case",
            |bench| {
                let hex = bench.image.digest().hex().to_uppercase();
                attested(bench, |statement| {
                    statement["subject"][0]["digest"]["sha256"] = json!(hex);
                })
            },
        ),
        Negative::new(
            "entry-not-bound",
            "intoto-001-other-envelope",
            "legacy-attestation-intoto-001",
            "the log entry is of another envelope",
            |bench| {
                bench.keyless_attestation_body(AttestationLog::Intoto001, |body| {
                    body["spec"]["content"]["hash"]["value"] = json!("00".repeat(32));
                })
            },
        ),
        Negative::new(
            "entry-not-bound",
            "intoto-001-other-payload",
            "legacy-attestation-intoto-001",
            "the log entry is of another payload",
            |bench| {
                bench.keyless_attestation_body(AttestationLog::Intoto001, |body| {
                    body["spec"]["content"]["payloadHash"]["value"] = json!("00".repeat(32));
                })
            },
        ),
        Negative::new(
            "entry-not-bound",
            "intoto-001-other-key",
            "legacy-attestation-intoto-001",
            "the log entry names another signer",
            |bench| {
                let other = bench.signer().verifier();
                bench.keyless_attestation_body(AttestationLog::Intoto001, |body| {
                    body["spec"]["publicKey"] = json!(base64(other.as_bytes()));
                })
            },
        ),
        Negative::new(
            "entry-not-bound",
            "intoto-002-other-signature",
            "legacy-attestation-intoto-002",
            "the log entry holds another signature",
            |bench| {
                bench.keyless_attestation_body(AttestationLog::Intoto002, |body| {
                    let other = base64(b"another signature");
                    body["spec"]["content"]["envelope"]["signatures"][0]["sig"] =
                        json!(base64(other.as_bytes()));
                })
            },
        ),
        Negative::new(
            "entry-not-bound",
            "intoto-002-other-payload",
            "legacy-attestation-intoto-002",
            "the log entry is of another payload",
            |bench| {
                bench.keyless_attestation_body(AttestationLog::Intoto002, |body| {
                    body["spec"]["content"]["payloadHash"]["value"] = json!("00".repeat(32));
                })
            },
        ),
        Negative::new(
            "entry-not-bound",
            "intoto-002-other-key",
            "legacy-attestation-intoto-002",
            "the log entry names another signer",
            |bench| {
                let other = bench.signer().verifier();
                bench.keyless_attestation_body(AttestationLog::Intoto002, |body| {
                    body["spec"]["content"]["envelope"]["signatures"][0]["publicKey"] =
                        json!(base64(other.as_bytes()));
                })
            },
        ),
        Negative::new(
            "entry-not-bound",
            "dsse-001-other-envelope",
            "legacy-attestation-dsse-001",
            "the log entry is of another envelope",
            |bench| {
                bench.keyless_attestation_body(AttestationLog::Dsse001, |body| {
                    body["spec"]["envelopeHash"]["value"] = json!("00".repeat(32));
                })
            },
        ),
        Negative::new(
            "entry-not-bound",
            "dsse-001-other-payload",
            "legacy-attestation-dsse-001",
            "the log entry is of another payload",
            |bench| {
                bench.keyless_attestation_body(AttestationLog::Dsse001, |body| {
                    body["spec"]["payloadHash"]["value"] = json!("00".repeat(32));
                })
            },
        ),
        Negative::new(
            "entry-not-bound",
            "dsse-001-other-signature",
            "legacy-attestation-dsse-001",
            "the log entry holds another signature",
            |bench| {
                bench.keyless_attestation_body(AttestationLog::Dsse001, |body| {
                    body["spec"]["signatures"][0]["signature"] =
                        json!(base64(b"another signature"));
                })
            },
        ),
        Negative::new(
            "entry-not-bound",
            "dsse-001-other-key",
            "legacy-attestation-dsse-001",
            "the log entry names another signer",
            |bench| {
                let other = bench.signer().verifier();
                bench.keyless_attestation_body(AttestationLog::Dsse001, |body| {
                    body["spec"]["signatures"][0]["verifier"] = json!(base64(other.as_bytes()));
                })
            },
        ),
        Negative::new(
            "wrong-payload-type",
            "legacy-keyless",
            "legacy-attestation-dsse-001",
            "the payload type is another in-toto's, signed and logged as such",
            |bench| {
                let signer = bench.signer();
                let mut envelope = dsse::Envelope::statement(&bench.provenance());
                "application/vnd.in-toto.v9+json".clone_into(&mut envelope.payload_type);
                envelope.signatures = vec![signer.key.sign(&envelope.signed_bytes())];
                let attestation =
                    bench.at().attest_envelope(&signer, &envelope, AttestationLog::Dsse001);
                bench.with_attestations(&[attestation.layer()])
            },
        ),
    ]
}

fn keyed_text(bench: &mut Bench, change: impl FnOnce(&str) -> String) -> Vec<u8> {
    let text = String::from_utf8(bench.payload()).expect("our own payload is text");
    let payload = change(&text).into_bytes();
    assert_ne!(payload, text.as_bytes(), "the change changes something");
    bench.keyed_payload(KeyKind::P256, &payload, |_| {})
}

#[derive(Clone, Copy)]
enum Order {
    RightFirst,
    RightLast,
}

fn two_digests(bench: &mut Bench, order: Order) -> Vec<u8> {
    let member = |digest| format!(r#""docker-manifest-digest":"{digest}""#);
    let right = member(bench.image.digest());
    let other = member(bench.other.digest());
    let both = match order {
        Order::RightFirst => format!("{right},{other}"),
        Order::RightLast => format!("{other},{right}"),
    };
    keyed_text(bench, |text| text.replace(&right, &both))
}

/// Changes the base64 of a valid signature that contains one of `needed`; the payload's optional part
/// is varied until a signature does.
fn keyed_signature_text(
    bench: &mut Bench,
    needed: Option<[char; 2]>,
    change: impl FnOnce(&str) -> String,
) -> Vec<u8> {
    let signer = Signer::key(bench.key(KeyKind::P256));
    let plain = String::from_utf8(bench.payload()).expect("our own payload is text");
    for attempt in 0_u32.. {
        let optional = format!(r#""optional":{{"attempt":"{attempt}"}}"#);
        let payload = plain.replace(r#""optional":null"#, &optional).into_bytes();
        let signature: LegacySignature = bench.at().sign(&signer, &payload, Log::None);
        let mut layer = signature.layer();
        let text = layer.annotations[SIGNATURE].clone();
        if needed.is_none_or(|needed| text.contains(needed)) {
            layer.annotate(SIGNATURE, &change(&text));
            return bench.with_signatures(&[layer]);
        }
    }
    unreachable!("some signature has such a character")
}

const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The same base64 with the unused bits before its padding set.
fn loose_bits(text: &str) -> String {
    let end = text.trim_end_matches('=').len();
    let (head, tail) = text.split_at(end - 1);
    let (last, padding) = tail.split_at(1);
    let place = ALPHABET.find(last).expect("a character of the alphabet");
    let loose = ALPHABET.chars().nth(place + 1).expect("the unused bits were zero");
    format!("{head}{loose}{padding}")
}

fn raw(der: &[u8]) -> Vec<u8> {
    let signature = p256::ecdsa::Signature::from_der(der).expect("our own signature is DER");
    signature.to_bytes().to_vec()
}

fn numbers(r: &[u8], s: &[u8]) -> Vec<u8> {
    der::sequence(&[der::integer(r), der::integer(s)])
}

/// The same Ed25519 signature with the order of the group added to s.
fn great_s(signature: &[u8]) -> Vec<u8> {
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut great = signature.to_vec();
    let mut carry = 0_u16;
    for (byte, addend) in great[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(addend) + carry;
        let [low, high] = sum.to_le_bytes();
        *byte = low;
        carry = u16::from(high);
    }
    great
}

fn attested(bench: &mut Bench, change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut statement = bench.provenance();
    change(&mut statement);
    bench.keyed_attestation(&statement, |attestation| {
        dsse::SLSA_PROVENANCE.clone_into(&mut attestation.predicate_type);
    })
}
