//! What can be wrong with a log entry and with time.

use sealift::digest::hex;
use serde_json::json;

use super::Negative;
use crate::support::accepted::Demand;
use crate::support::bench::{Bench, KeyKind, REPOSITORY};
use crate::support::evidence::{ENTRY, simple_signing};
use crate::support::rekor::hashedrekord;
use crate::support::{Log, VirtualSigstore, base64};

const KEYLESS: &str = "legacy-keyless";
const LOGGED: &str = "legacy-keyed-set";

/// Of the entry: its form, its promise, its log, what it is bound to.
#[expect(clippy::too_many_lines, reason = "a table")]
pub fn entries() -> Vec<Negative> {
    vec![
        Negative::new(
            "malformed-annotation",
            "not-json",
            KEYLESS,
            "the annotation is no JSON",
            |bench| bench.keyless_annotation(|text| text.trim_end_matches('}').to_owned()),
        ),
        Negative::new(
            "malformed-annotation",
            "time-fraction",
            KEYLESS,
            "integratedTime is a fraction",
            |bench| bench.keyless_annotation(|text| text.replace(":1772366400,", ":1772366400.0,")),
        ),
        Negative::new(
            "malformed-annotation",
            "time-text",
            KEYLESS,
            "integratedTime is a text",
            |bench| {
                bench.keyless_annotation(|text| text.replace(":1772366400,", ":\"1772366400\","))
            },
        ),
        Negative::new(
            "malformed-annotation",
            "time-too-great",
            KEYLESS,
            "integratedTime is 2^63",
            |bench| {
                bench.keyless_annotation(|text| {
                    text.replace(":1772366400,", ":9223372036854775808,")
                })
            },
        ),
        Negative::new(
            "malformed-annotation",
            "index-too-great",
            KEYLESS,
            "logIndex is 2^64",
            |bench| {
                bench.keyless_annotation(|text| {
                    text.replace(r#""logIndex":4163442"#, r#""logIndex":18446744073709551616"#)
                })
            },
        ),
        Negative::new(
            "malformed-annotation",
            "time-negative",
            KEYLESS,
            "integratedTime is negative, and promised so",
            |bench| bench.keyless_entry(|entry| entry.integrated_time = -1),
        ),
        Negative::new(
            "malformed-annotation",
            "index-negative",
            KEYLESS,
            "logIndex is negative, and promised so",
            |bench| bench.keyless_entry(|entry| entry.log_index = -1),
        ),
        Negative::new(
            "malformed-annotation",
            "log-id-short",
            KEYLESS,
            "logID has 63 digits",
            |bench| {
                let id = hex(&bench.sigstore.rekor.key.id());
                bench.keyless_annotation(|text| text.replace(&id, &id[1..]))
            },
        ),
        Negative::new(
            "malformed-annotation",
            "log-id-upper-case",
            KEYLESS,
            "logID is in upper case",
            |bench| {
                let id = hex(&bench.sigstore.rekor.key.id());
                bench.keyless_annotation(|text| text.replace(&id, &id.to_uppercase()))
            },
        ),
        Negative::new(
            "malformed-annotation",
            "two-payloads",
            KEYLESS,
            "`Payload` stands twice",
            |bench| bench.keyless_annotation(|text| text.replacen('{', r#"{"Payload":{},"#, 1)),
        ),
        Negative::new(
            "malformed-annotation",
            "promise-not-base64",
            KEYLESS,
            "the promise is no base64",
            |bench| {
                bench.keyless_annotation(|text| {
                    text.replace(r#""SignedEntryTimestamp":""#, r#""SignedEntryTimestamp":"!"#)
                })
            },
        ),
        Negative::new(
            "malformed-annotation",
            "body-not-base64",
            KEYLESS,
            "the body is no base64",
            |bench| bench.keyless_annotation(|text| text.replace(r#""body":""#, r#""body":"!"#)),
        ),
        Negative::new(
            "malformed-log-entry",
            "body-not-json",
            KEYLESS,
            "the body is no JSON, and promised so",
            |bench| {
                bench.keyless_entry(|entry| {
                    entry.body.pop();
                })
            },
        ),
        Negative::new(
            "malformed-log-entry",
            "body-two-specs",
            KEYLESS,
            "`spec` stands twice in the body, and is promised so",
            |bench| {
                bench.keyless_entry(|entry| {
                    let body = String::from_utf8_lossy(&entry.body);
                    entry.body = body.replacen('{', r#"{"spec":{},"#, 1).into_bytes();
                })
            },
        ),
        Negative::new(
            "malformed-log-entry",
            "two-verifiers",
            KEYLESS,
            "the body names two certificates in one PEM",
            |bench| {
                let other = bench.signer().verifier();
                let signer = bench.signer();
                let payload = bench.payload();
                let mut signature = bench.at().sign(&signer, &payload, Log::None);
                let verifiers = format!("{}{other}", signer.verifier());
                let body = hashedrekord(&payload, &signature.signature, &verifiers);
                let at = bench.at();
                signature.entry = Some(at.sigstore.rekor.log(&body, at.time));
                bench.with_signatures(&[signature.layer()])
            },
        ),
        Negative::new(
            "entry-kind-unsupported",
            "hashedrekord-0.0.3",
            KEYLESS,
            "the body's version does not exist",
            |bench| bench.keyless_body(|body| body["apiVersion"] = json!("0.0.3")),
        ),
        Negative::new(
            "entry-kind-unsupported",
            "rpm",
            KEYLESS,
            "the entry is of a package",
            |bench| bench.keyless_body(|body| body["kind"] = json!("rpm")),
        ),
        Negative::new(
            "malformed-log-entry",
            "dsse",
            KEYLESS,
            "the entry of a signature is of the kind for envelopes",
            |bench| bench.keyless_body(|body| body["kind"] = json!("dsse")),
        ),
        Negative::new(
            "set-invalid",
            "flipped-bit",
            KEYLESS,
            "one bit of the promise differs",
            |bench| {
                bench.keyless(|signature, _| {
                    let entry = signature.entry.as_mut().expect("the signature is logged");
                    if let Some(last) = entry.promise.last_mut() {
                        *last ^= 1;
                    }
                })
            },
        ),
        Negative::new(
            "set-invalid",
            "time-later",
            KEYLESS,
            "integratedTime is a second later than promised",
            |bench| {
                bench.keyless(|signature, _| {
                    let entry = signature.entry.as_mut().expect("the signature is logged");
                    entry.integrated_time += 1;
                })
            },
        ),
        Negative::new(
            "set-invalid",
            "other-index",
            KEYLESS,
            "logIndex is not the one promised",
            |bench| {
                bench.keyless(|signature, _| {
                    let entry = signature.entry.as_mut().expect("the signature is logged");
                    entry.log_index += 1;
                })
            },
        ),
        Negative::new(
            "set-invalid",
            "other-entry",
            KEYLESS,
            "the promise is of another entry of the same log",
            |bench| {
                let other = bench.keyless_entry_of_other();
                bench.keyless(|signature, _| {
                    let entry = signature.entry.as_mut().expect("the signature is logged");
                    entry.promise = other;
                })
            },
        ),
        Negative::new(
            "set-invalid",
            "other-log",
            KEYLESS,
            "another known log signed the promise",
            |bench| {
                bench.keyless(|signature, sigstore| {
                    let entry = signature.entry.as_mut().expect("the signature is logged");
                    entry.promise = sigstore.retired_rekor.promise(entry);
                })
            },
        ),
        Negative::new("set-invalid", "empty", KEYLESS, "the promise is empty", |bench| {
            bench.keyless(|signature, _| {
                let entry = signature.entry.as_mut().expect("the signature is logged");
                entry.promise.clear();
            })
        }),
        Negative::new(
            "unknown-log",
            "legacy",
            KEYLESS,
            "the root does not name the log that took the signature in",
            |bench| {
                bench.sigstore.rekor = VirtualSigstore::new("elsewhere").rekor;
                bench.keyless(|_, _| {})
            },
        ),
        Negative::new(
            "log-key-window",
            "legacy",
            KEYLESS,
            "the log's key is believed until the end of 2025, the entry is of 2026",
            |bench| {
                bench.sigstore.rekor = bench.sigstore.retired_rekor.clone();
                bench.keyless(|_, _| {})
            },
        ),
        Negative::new(
            "entry-not-bound",
            "other-hash",
            KEYLESS,
            "the entry is of another payload",
            |bench| {
                bench.keyless_body(|body| {
                    body["spec"]["data"]["hash"]["value"] = json!("00".repeat(32));
                })
            },
        ),
        Negative::new(
            "malformed-log-entry",
            "hash-upper-case",
            KEYLESS,
            "the entry writes the payload's hash in upper case",
            |bench| {
                bench.keyless_body(|body| {
                    let value = &mut body["spec"]["data"]["hash"]["value"];
                    *value = json!(value.as_str().expect("a hash is text").to_uppercase());
                })
            },
        ),
        Negative::new(
            "malformed-log-entry",
            "hash-sha512",
            KEYLESS,
            "the entry calls the payload's hash a sha512",
            |bench| {
                bench.keyless_body(|body| {
                    body["spec"]["data"]["hash"]["algorithm"] = json!("sha512");
                })
            },
        ),
        Negative::new(
            "entry-not-bound",
            "other-signature",
            KEYLESS,
            "the entry holds another signature",
            |bench| {
                bench.keyless_body(|body| {
                    body["spec"]["signature"]["content"] = json!(base64(b"another signature"));
                })
            },
        ),
        Negative::new(
            "entry-not-bound",
            "other-certificate",
            KEYLESS,
            "the entry names another certificate of the same person",
            |bench| {
                let other = bench.signer().verifier();
                bench.keyless_body(|body| {
                    body["spec"]["signature"]["publicKey"]["content"] =
                        json!(base64(other.as_bytes()));
                })
            },
        ),
        Negative::new(
            "entry-not-bound",
            "bare-key",
            KEYLESS,
            "the entry names the certificate's key, not the certificate",
            |bench| {
                let signer = bench.signer();
                let key = signer.key.public_pem();
                let payload = bench.payload();
                let mut signature = bench.at().sign(&signer, &payload, Log::None);
                let body = hashedrekord(&payload, &signature.signature, &key);
                let at = bench.at();
                signature.entry = Some(at.sigstore.rekor.log(&body, at.time));
                bench.with_signatures(&[signature.layer()])
            },
        ),
        Negative::new(
            "entry-not-bound",
            "keyed-other-hash",
            LOGGED,
            "the entry is of another payload",
            |bench| {
                bench.keyed_body(|body| {
                    body["spec"]["data"]["hash"]["value"] = json!("00".repeat(32));
                })
            },
        ),
        Negative::new(
            "entry-not-bound",
            "keyed-other-signature",
            LOGGED,
            "the entry holds another signature",
            |bench| {
                bench.keyed_body(|body| {
                    body["spec"]["signature"]["content"] = json!(base64(b"another signature"));
                })
            },
        ),
        Negative::new(
            "entry-not-bound",
            "keyed-other-key",
            LOGGED,
            "the entry names another key",
            |bench| {
                let other = bench.key(KeyKind::P384).public_pem();
                bench.keyed_body(|body| {
                    body["spec"]["signature"]["publicKey"]["content"] =
                        json!(base64(other.as_bytes()));
                })
            },
        ),
    ]
}

/// Of time: none, or one that cannot be.
pub fn times() -> Vec<Negative> {
    vec![
        Negative::new(
            "no-trusted-time",
            "legacy-no-entry",
            KEYLESS,
            "the signature by certificate has no log entry",
            |bench| {
                bench.keyless_layer(|layer| {
                    layer.annotations.remove(ENTRY);
                })
            },
        ),
        Negative::new(
            "no-log-entry",
            "legacy-keyed",
            LOGGED,
            "the signature by key has no log entry, and a log is asked for",
            |bench| bench.keyed(|_| {}),
        )
        .asked_of(Demand::LoggedKey(KeyKind::P256)),
        Negative::new(
            "time-in-future",
            "legacy",
            KEYLESS,
            "the log took the signature in a month after the time of judgement",
            |bench| {
                let mut at = bench.sigstore.at("2026-07-01T00:00:00Z");
                let signer = at.certify(&Bench::person());
                let payload = simple_signing(REPOSITORY, &bench.image.digest());
                let mut at = bench.sigstore.at("2026-07-01T00:00:00Z");
                let signature = at.sign(&signer, &payload, Log::Promise);
                bench.with_signatures(&[signature.layer()])
            },
        ),
        Negative::new(
            "time-in-future",
            "bundle",
            "bundle-v0.3-sign",
            "the log took the signature in a month after the time of judgement",
            |bench| {
                let statement = bench.sign_statement();
                let mut at = bench.sigstore.at("2026-07-01T00:00:00Z");
                let signer = at.certify(&Bench::person());
                let bundle = at.bundle_statement(&signer, &statement);
                bench.with_bundle(&bundle)
            },
        ),
    ]
}

impl Bench {
    /// The promise of an entry that is not the next one.
    fn keyless_entry_of_other(&mut self) -> Vec<u8> {
        let signer = self.signer();
        let signature = self.at().sign(&signer, b"something else", Log::Promise);
        signature.entry.expect("the signature is logged").promise
    }
}
