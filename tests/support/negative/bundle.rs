//! What can be wrong with a Sigstore bundle.

use serde_json::{Value, json};

use super::Negative;
use super::certificate::uncertified;
use crate::support::bench::{Bench, KeyKind, SIGNED};
use crate::support::dsse::{COSIGN_SIGN, cosign_sign};
use crate::support::evidence::{Bundle, Content, Material, Signer, Version};
use crate::support::rekor::{Proof, Rekor};
use crate::support::rekor_v2::hashedrekord_002;
use crate::support::tsa::Stamp;
use crate::support::{VirtualSigstore, base64, compact, key, note, plus, time};

const SIGN: &str = "bundle-v0.3-sign";
const MESSAGE: &str = "bundle-v0.3-message";
const REKOR_V2: &str = "bundle-v0.3-rekor-v2-sign";

/// Of the document.
#[expect(clippy::too_many_lines, reason = "a table")]
pub fn documents() -> Vec<Negative> {
    vec![
        Negative::new("malformed-bundle", "not-json", SIGN, "the bundle is no JSON", |bench| {
            text(bench, |text| text.trim_end_matches('}').to_owned())
        }),
        Negative::new(
            "malformed-bundle",
            "trailing-data",
            SIGN,
            "a second document follows the bundle",
            |bench| text(bench, |text| format!("{text}{{}}")),
        ),
        Negative::new(
            "malformed-bundle",
            "two-envelopes",
            SIGN,
            "`dsseEnvelope` stands twice",
            |bench| text(bench, |text| text.replacen('{', r#"{"dsseEnvelope":null,"#, 1)),
        ),
        Negative::new(
            "malformed-bundle",
            "unknown-member",
            SIGN,
            "the bundle has a member that no version knows",
            |bench| bench.signed_json(|bundle| bundle["verified"] = json!(true)),
        ),
        Negative::new(
            "malformed-bundle",
            "no-media-type",
            SIGN,
            "the bundle does not say its media type",
            |bench| {
                bench.signed_json(|bundle| {
                    remove(bundle, "", "mediaType");
                })
            },
        ),
        Negative::new(
            "malformed-bundle",
            "no-material",
            SIGN,
            "the bundle has no verification material",
            |bench| {
                bench.signed_json(|bundle| {
                    remove(bundle, "", "verificationMaterial");
                })
            },
        ),
        Negative::new(
            "malformed-bundle",
            "no-content",
            SIGN,
            "the bundle has neither a message signature nor an envelope",
            |bench| {
                bench.signed_json(|bundle| {
                    remove(bundle, "", "dsseEnvelope");
                })
            },
        ),
        Negative::new(
            "malformed-bundle",
            "two-contents",
            SIGN,
            "the bundle has a message signature and an envelope",
            |bench| {
                let manifest = bench.image.manifest.clone();
                bench.signed_json(|bundle| {
                    bundle["messageSignature"] = json!({
                        "messageDigest": {
                            "algorithm": "SHA2_256",
                            "digest": base64(&key::sha256(&manifest)),
                        },
                        "signature": bundle["dsseEnvelope"]["signatures"][0]["sig"],
                    });
                })
            },
        ),
        Negative::new(
            "malformed-bundle",
            "two-materials",
            SIGN,
            "the bundle has a certificate and a key's hint",
            |bench| {
                bench.signed_json(|bundle| {
                    bundle["verificationMaterial"]["publicKey"] = json!({ "hint": "other" });
                })
            },
        ),
        Negative::new(
            "malformed-bundle",
            "v0.3-chain",
            SIGN,
            "version 0.3 holds a chain instead of a certificate",
            |bench| {
                bench.signed_json(|bundle| {
                    let certificate = remove(bundle, "/verificationMaterial", "certificate");
                    bundle["verificationMaterial"]["x509CertificateChain"] =
                        json!({ "certificates": [certificate] });
                })
            },
        ),
        Negative::new(
            "malformed-bundle",
            "v0.2-empty-chain",
            "bundle-v0.2-sign",
            "the chain is empty",
            |bench| {
                bench.signed(|bundle, _| {
                    *bundle = bundle.clone().downgraded(Version::V02);
                    bundle.material = Material::Chain(Vec::new());
                })
            },
        ),
        Negative::new(
            "malformed-bundle",
            "entry-twice",
            SIGN,
            "the same log entry stands twice",
            |bench| {
                bench.signed(|bundle, _| {
                    let entry = bundle.entries[0].clone();
                    bundle.entries.push(entry);
                })
            },
        ),
        Negative::new(
            "malformed-bundle",
            "timestamp-twice",
            "bundle-v0.3-sign-timestamp",
            "the same timestamp stands twice",
            |bench| {
                bench.signed(|bundle, sigstore| {
                    let Content::Envelope(envelope) = &bundle.content else { return };
                    let stamp = sigstore.tsa.stamp(&envelope.signatures[0], time(SIGNED));
                    bundle.timestamps = vec![stamp.clone(), stamp];
                })
            },
        ),
        Negative::new(
            "malformed-log-entry",
            "index-not-the-proofs",
            REKOR_V2,
            "the entry of a Rekor v2 log has another index than its proof",
            |bench| {
                bench.rekor_v2(Bench::sign_content, |bundle, _| bundle.entries[0].log_index += 1)
            },
        ),
        Negative::new(
            "malformed-bundle",
            "index-not-number",
            SIGN,
            "logIndex is no number",
            |bench| {
                bench.signed_json(|bundle| {
                    bundle["verificationMaterial"]["tlogEntries"][0]["logIndex"] = json!("first");
                })
            },
        ),
        Negative::new(
            "malformed-bundle",
            "signature-not-base64",
            MESSAGE,
            "the signature is no base64",
            |bench| {
                bench.message_json(|bundle| {
                    bundle["messageSignature"]["signature"] = json!("!");
                })
            },
        ),
        Negative::new(
            "malformed-certificate",
            "bundle-not-der",
            SIGN,
            "the certificate is none, and the log holds it so",
            |bench| {
                let signer = bench.signer();
                let signer = Signer { certificate: Some(b"no certificate".to_vec()), ..signer };
                let statement = bench.sign_statement();
                let bundle = bench.at().bundle_statement(&signer, &statement);
                bench.with_bundle(&bundle)
            },
        ),
        Negative::new(
            "malformed-log-entry",
            "kind-contradicts-body",
            MESSAGE,
            "kindVersion names another version than the body",
            |bench| bench.message(|bundle, _| "0.0.2".clone_into(&mut bundle.entries[0].version)),
        ),
        Negative::new(
            "malformed-log-entry",
            "bundle-body-not-json",
            MESSAGE,
            "the body is no JSON, but rightly logged",
            |bench| {
                let signer = bench.signer();
                let content = bench.message_content(&signer);
                let mut bundle = bench.at().bundle(&signer, content);
                let at = bench.at();
                let mut entry = at.sigstore.rekor.log_bytes(b"not json".to_vec(), at.time);
                "hashedrekord".clone_into(&mut entry.kind);
                "0.0.1".clone_into(&mut entry.version);
                bundle.entries = vec![entry];
                bench.with_bundle(&bundle)
            },
        ),
        Negative::new(
            "unsupported-bundle-version",
            "v0.4",
            SIGN,
            "the media type is of version 0.4",
            |bench| {
                bench.signed_json(|bundle| {
                    bundle["mediaType"] = json!("application/vnd.dev.sigstore.bundle.v0.4+json");
                })
            },
        ),
        Negative::new(
            "unsupported-bundle-version",
            "v9-parameter",
            SIGN,
            "the media type is of version 9, in the older spelling",
            |bench| {
                bench.signed_json(|bundle| {
                    bundle["mediaType"] =
                        json!("application/vnd.dev.sigstore.bundle+json;version=9");
                })
            },
        ),
        Negative::new(
            "unsupported-bundle-version",
            "other-media-type",
            SIGN,
            "the media type is no bundle's",
            |bench| bench.signed_json(|bundle| bundle["mediaType"] = json!("application/json")),
        ),
    ]
}

/// Of what is signed, and of its binding to log and key.
#[expect(clippy::too_many_lines, reason = "a table")]
pub fn contents() -> Vec<Negative> {
    vec![
        Negative::new(
            "signature-invalid",
            "bundle-envelope",
            SIGN,
            "the log holds what the envelope says, but the certificate's key did not sign",
            |bench| {
                bench.enveloped(|envelope| {
                    let key = uncertified();
                    envelope.signatures = vec![key.sign(&envelope.signed_bytes())];
                })
            },
        ),
        Negative::new(
            "signature-invalid",
            "bundle-message",
            MESSAGE,
            "the log holds what the bundle says, but the certificate's key did not sign",
            |bench| {
                bench.bundle_with_body(
                    |bench, _| bench.message_content(&Signer::key(uncertified())),
                    |_| {},
                )
            },
        ),
        Negative::new(
            "signature-invalid",
            "bundle-keyed",
            "bundle-v0.3-keyed",
            "another key signed, under the hint of the one asked for",
            |bench| {
                let content = bench.sign_content(&Signer::key(uncertified()));
                bench.keyed_bundle(KeyKind::P256, |bundle| bundle.content = content)
            },
        ),
        Negative::new(
            "digest-hint-mismatch",
            "message",
            MESSAGE,
            "messageDigest is of another image, the signature of this one",
            |bench| {
                let other = key::sha256(&bench.other.manifest);
                bench.message_json(|bundle| {
                    bundle["messageSignature"]["messageDigest"]["digest"] = json!(base64(&other));
                })
            },
        ),
        Negative::new(
            "key-hint-mismatch",
            "other-key",
            "bundle-v0.3-keyed",
            "the hint is of another key than the one that signed and is asked for",
            |bench| {
                let hint = base64(&uncertified().id());
                bench.keyed_bundle(KeyKind::P256, |bundle| {
                    bundle.material = Material::KeyHint(hint);
                })
            },
        ),
        Negative::new(
            "wrong-payload-type",
            "bundle",
            SIGN,
            "the envelope's payload type is text",
            |bench| bench.enveloped(|envelope| "text/plain".clone_into(&mut envelope.payload_type)),
        ),
        Negative::new(
            "malformed-statement",
            "bundle-statement-not-json",
            SIGN,
            "the signed statement is no JSON",
            |bench| bench.enveloped(|envelope| envelope.payload = b"not json".to_vec()),
        ),
        Negative::new(
            "malformed-statement",
            "bundle-two-predicate-types",
            SIGN,
            "`predicateType` stands twice in the statement",
            |bench| {
                bench.enveloped(|envelope| {
                    let payload = String::from_utf8_lossy(&envelope.payload).replacen(
                        '{',
                        r#"{"predicateType":"https://slsa.dev/provenance/v1","#,
                        1,
                    );
                    envelope.payload = payload.into_bytes();
                })
            },
        ),
        Negative::new(
            "dsse-signature-count",
            "bundle-none",
            SIGN,
            "the envelope has no signature",
            |bench| bench.signed_json(|bundle| bundle["dsseEnvelope"]["signatures"] = json!([])),
        ),
        Negative::new(
            "dsse-signature-count",
            "bundle-two",
            SIGN,
            "the envelope has its signature twice",
            |bench| {
                bench.signed_json(|bundle| {
                    let signature = bundle["dsseEnvelope"]["signatures"][0].clone();
                    bundle["dsseEnvelope"]["signatures"] = json!([signature, signature]);
                })
            },
        ),
        Negative::new(
            "statement-names-other-image",
            "bundle-sign",
            SIGN,
            "cosign's statement is about another image",
            |bench| {
                let statement = cosign_sign(&bench.other.digest());
                bench.stated(&statement, |_, _| {})
            },
        ),
        Negative::new(
            "statement-names-other-image",
            "bundle-attestation",
            "bundle-v0.3-attestation",
            "the statement of provenance is about another image",
            |bench| {
                let statement = Bench::provenance_of(&bench.other.digest());
                bench.stated(&statement, |_, _| {})
            },
        ),
        Negative::new(
            "malformed-statement",
            "bundle-no-subject",
            SIGN,
            "cosign's statement is about nothing",
            |bench| {
                let mut statement = bench.sign_statement();
                statement["subject"] = json!([]);
                bench.stated(&statement, |_, _| {})
            },
        ),
        Negative::new(
            "entry-not-bound",
            "bundle-message-other-digest",
            MESSAGE,
            "the entry is of another message",
            |bench| {
                bench.bundle_with_body(Bench::message_content, |body| {
                    body["spec"]["data"]["hash"]["value"] = json!("00".repeat(32));
                })
            },
        ),
        Negative::new(
            "entry-not-bound",
            "bundle-message-other-signature",
            MESSAGE,
            "the entry holds another signature",
            |bench| {
                bench.bundle_with_body(Bench::message_content, |body| {
                    body["spec"]["signature"]["content"] = json!(base64(b"another signature"));
                })
            },
        ),
        Negative::new(
            "entry-not-bound",
            "bundle-message-other-certificate",
            MESSAGE,
            "the entry names another certificate of the same person",
            |bench| {
                let other = bench.signer().verifier();
                bench.bundle_with_body(Bench::message_content, |body| {
                    body["spec"]["signature"]["publicKey"]["content"] =
                        json!(base64(other.as_bytes()));
                })
            },
        ),
        Negative::new(
            "entry-not-bound",
            "bundle-envelope-other-payload",
            SIGN,
            "the entry is of another payload",
            |bench| {
                bench.bundle_with_body(Bench::sign_content, |body| {
                    body["spec"]["payloadHash"]["value"] = json!("00".repeat(32));
                })
            },
        ),
        Negative::new(
            "entry-not-bound",
            "bundle-envelope-other-signature",
            SIGN,
            "the entry holds another signature",
            |bench| {
                bench.bundle_with_body(Bench::sign_content, |body| {
                    body["spec"]["signatures"][0]["signature"] =
                        json!(base64(b"another signature"));
                })
            },
        ),
        Negative::new(
            "entry-not-bound",
            "bundle-envelope-other-certificate",
            SIGN,
            "the entry names another certificate of the same person",
            |bench| {
                let other = bench.signer().verifier();
                bench.bundle_with_body(Bench::sign_content, |body| {
                    body["spec"]["signatures"][0]["verifier"] = json!(base64(other.as_bytes()));
                })
            },
        ),
        Negative::new(
            "entry-not-bound",
            "bundle-of-other-bundle",
            SIGN,
            "the entry is a right one, of another bundle by the same person",
            |bench| {
                let signer = bench.signer();
                let statement = cosign_sign(&bench.other.digest());
                let other = bench.at().bundle_statement(&signer, &statement);
                bench.signed(|bundle, _| bundle.entries = other.entries)
            },
        ),
        Negative::new(
            "entry-not-bound",
            "rekor-v2-other-digest",
            REKOR_V2,
            "the Rekor v2 entry is of another envelope",
            |bench| {
                let signer = bench.signer();
                let content = bench.sign_content(&signer);
                let mut bundle = bench.at().bundle_v2(&signer, content);
                let mut body = hashedrekord_002(&bundle.content, &signer);
                body["spec"]["hashedRekordV002"]["data"]["digest"] = json!(base64(&[0; 32]));
                bundle.entries = vec![bench.sigstore.rekor_v2.log_body(&body)];
                bench.with_bundle(&bundle)
            },
        ),
        Negative::new(
            "entry-kind-unsupported",
            "bundle-hashedrekord-0.0.3",
            MESSAGE,
            "the entry's version does not exist",
            |bench| {
                bench.bundle_with_body(Bench::message_content, |body| {
                    body["apiVersion"] = json!("0.0.3");
                })
            },
        ),
        Negative::new(
            "entry-kind-unsupported",
            "bundle-dsse-0.0.2",
            SIGN,
            "the entry is of the version of `dsse` that was withdrawn",
            |bench| {
                bench.bundle_with_body(Bench::sign_content, |body| {
                    body["apiVersion"] = json!("0.0.2");
                })
            },
        ),
    ]
}

/// Of promise, proof and checkpoint.
#[expect(clippy::too_many_lines, reason = "a table")]
pub fn proofs() -> Vec<Negative> {
    vec![
        Negative::new(
            "set-missing",
            "v0.1",
            "bundle-v0.1-message",
            "version 0.1 without a promise",
            |bench| {
                bench.message(|bundle, _| {
                    let proof = bundle.entries[0].proof.clone();
                    *bundle = bundle.clone().downgraded(Version::V01);
                    bundle.entries[0].proof = proof;
                    bundle.entries[0].promise.clear();
                })
            },
        ),
        Negative::new("set-invalid", "bundle", SIGN, "one bit of the promise differs", |bench| {
            bench.signed(|bundle, _| {
                if let Some(last) = bundle.entries[0].promise.last_mut() {
                    *last ^= 1;
                }
            })
        }),
        Negative::new(
            "set-invalid",
            "bundle-time-later",
            SIGN,
            "integratedTime is a second later than promised",
            |bench| bench.signed(|bundle, _| bundle.entries[0].integrated_time += 1),
        ),
        Negative::new(
            "unknown-log",
            "bundle",
            SIGN,
            "the root does not name the log that took the signature in",
            |bench| {
                bench.sigstore.rekor = VirtualSigstore::new("elsewhere").rekor;
                bench.signed(|_, _| {})
            },
        ),
        Negative::new(
            "log-key-window",
            "bundle",
            SIGN,
            "the log's key is believed until the end of 2025, the entry is of 2026",
            |bench| {
                bench.sigstore.rekor = bench.sigstore.retired_rekor.clone();
                bench.signed(|_, _| {})
            },
        ),
        Negative::new(
            "no-trusted-time",
            "bundle-no-promise",
            SIGN,
            "integratedTime stands there, but neither promise nor timestamp vouches for it",
            |bench| bench.signed(|bundle, _| bundle.entries[0].promise.clear()),
        ),
        Negative::new(
            "no-trusted-time",
            "rekor-v2-no-timestamp",
            REKOR_V2,
            "a Rekor v2 entry tells no time, and there is no timestamp",
            |bench| bench.rekor_v2(Bench::sign_content, |bundle, _| bundle.timestamps.clear()),
        ),
        Negative::new(
            "certificate-outside-validity",
            "bundle-unpromised-time",
            "bundle-v0.3-sign-timestamp",
            "the timestamp is right, and integratedTime, promised by nobody, is an hour later",
            |bench| {
                bench.signed(|bundle, sigstore| {
                    let Content::Envelope(envelope) = &bundle.content else { return };
                    let stamp = sigstore.tsa.stamp(&envelope.signatures[0], time(SIGNED));
                    bundle.timestamps = vec![stamp];
                    bundle.entries[0].promise.clear();
                    bundle.entries[0].integrated_time += 3600;
                })
            },
        ),
        Negative::new(
            "inclusion-proof-missing",
            "v0.3",
            SIGN,
            "version 0.3 without a proof",
            |bench| bench.signed(|bundle, _| bundle.entries[0].proof = None),
        ),
        Negative::new(
            "inclusion-proof-missing",
            "v0.2",
            "bundle-v0.2-sign",
            "version 0.2 without a proof",
            |bench| {
                bench.signed(|bundle, _| {
                    *bundle = bundle.clone().downgraded(Version::V02);
                    bundle.entries[0].proof = None;
                })
            },
        ),
        Negative::new(
            "inclusion-proof-missing",
            "rekor-v2",
            REKOR_V2,
            "a Rekor v2 entry without a proof",
            |bench| bench.rekor_v2(Bench::sign_content, |bundle, _| bundle.entries[0].proof = None),
        ),
        Negative::new(
            "inclusion-proof-invalid",
            "other-hash",
            SIGN,
            "one hash of the path differs",
            |bench| proven(bench, |proof, _| proof.hashes[0][0] ^= 1),
        ),
        Negative::new(
            "inclusion-proof-invalid",
            "too-few-hashes",
            SIGN,
            "the last hash of the path is left off",
            |bench| {
                proven(bench, |proof, _| {
                    proof.hashes.pop();
                })
            },
        ),
        Negative::new(
            "inclusion-proof-invalid",
            "too-many-hashes",
            SIGN,
            "a hash follows the path",
            |bench| proven(bench, |proof, _| proof.hashes.push([0; 32])),
        ),
        Negative::new(
            "malformed-bundle",
            "short-hash",
            SIGN,
            "a hash of the path has 31 bytes",
            |bench| {
                bench.signed_json(|bundle| {
                    bundle["verificationMaterial"]["tlogEntries"][0]["inclusionProof"]["hashes"]
                        [0] = json!(base64(&[0; 31]));
                })
            },
        ),
        Negative::new(
            "inclusion-proof-invalid",
            "other-index",
            SIGN,
            "the proof is for the entry before",
            |bench| proven(bench, |proof, _| proof.log_index -= 1),
        ),
        Negative::new(
            "inclusion-proof-invalid",
            "index-is-size",
            SIGN,
            "the index is not below the size of the tree",
            |bench| proven(bench, |proof, _| proof.log_index = proof.tree_size),
        ),
        Negative::new(
            "inclusion-proof-invalid",
            "empty-tree",
            SIGN,
            "the tree has no entry, and the checkpoint says so too",
            |bench| {
                proven(bench, |proof, rekor| {
                    proof.tree_size = 0;
                    proof.checkpoint = Some(rekor.checkpoint(0, &proof.root));
                })
            },
        ),
        Negative::new(
            "inclusion-proof-invalid",
            "other-root",
            SIGN,
            "the root is another, and the checkpoint says so too",
            |bench| {
                proven(bench, |proof, rekor| {
                    proof.root[0] ^= 1;
                    proof.checkpoint = Some(rekor.checkpoint(proof.tree_size, &proof.root));
                })
            },
        ),
        Negative::new(
            "inclusion-proof-invalid",
            "rekor-v2-other-hash",
            REKOR_V2,
            "one hash of the path differs",
            |bench| {
                bench.rekor_v2(Bench::sign_content, |bundle, _| {
                    let proof = bundle.entries[0].proof.as_mut().expect("the log gave a proof");
                    proof.hashes[0][0] ^= 1;
                })
            },
        ),
        Negative::new(
            "inclusion-proof-missing",
            "missing",
            SIGN,
            "the proof has no checkpoint",
            |bench| proven(bench, |proof, _| proof.checkpoint = None),
        ),
        Negative::new(
            "inclusion-proof-missing",
            "missing-v0.1",
            "bundle-v0.1-message-proof",
            "the proof has no checkpoint, in version 0.1 too",
            |bench| {
                bench.message(|bundle, _| {
                    let entries = bundle.entries.clone();
                    *bundle = bundle.clone().downgraded(Version::V01);
                    bundle.entries = entries;
                    if let Some(proof) = &mut bundle.entries[0].proof {
                        proof.checkpoint = None;
                    }
                })
            },
        ),
        Negative::new(
            "inclusion-proof-missing",
            "empty",
            SIGN,
            "the checkpoint is empty",
            |bench| proven(bench, |proof, _| proof.checkpoint = Some(String::new())),
        ),
        Negative::new(
            "checkpoint-invalid",
            "signature",
            SIGN,
            "the log's signature is of another text",
            |bench| {
                proven(bench, |proof, rekor| {
                    let (text, _) = parts(proof);
                    let line = rekor.line("another text\n");
                    proof.checkpoint = Some(note::signed(&text, &[line]));
                })
            },
        ),
        Negative::new(
            "checkpoint-invalid",
            "other-size",
            SIGN,
            "the checkpoint is of a larger tree with the same root",
            |bench| {
                proven(bench, |proof, rekor| {
                    proof.checkpoint = Some(rekor.checkpoint(proof.tree_size + 1, &proof.root));
                })
            },
        ),
        Negative::new(
            "checkpoint-invalid",
            "other-root",
            SIGN,
            "the checkpoint is of another root",
            |bench| {
                proven(bench, |proof, rekor| {
                    proof.checkpoint = Some(rekor.checkpoint(proof.tree_size, &[0; 32]));
                })
            },
        ),
        Negative::new("checkpoint-invalid", "no-origin", SIGN, "the origin is left off", |bench| {
            noted(bench, |text| text.split_once('\n').expect("an origin").1.to_owned())
        }),
        Negative::new("checkpoint-invalid", "no-size", SIGN, "the size is left off", |bench| {
            without_line(bench, 1)
        }),
        Negative::new("checkpoint-invalid", "no-root", SIGN, "the root is left off", |bench| {
            without_line(bench, 2)
        }),
        Negative::new(
            "checkpoint-invalid",
            "size-with-zero",
            SIGN,
            "the size begins with a zero",
            |bench| noted(bench, |text| text.replacen('\n', "\n0", 1)),
        ),
        Negative::new(
            "checkpoint-invalid",
            "size-with-sign",
            SIGN,
            "the size begins with a plus",
            |bench| noted(bench, |text| text.replacen('\n', "\n+", 1)),
        ),
        Negative::new(
            "checkpoint-invalid",
            "carriage-returns",
            SIGN,
            "the lines end in CR LF",
            |bench| noted(bench, |text| text.replace('\n', "\r\n")),
        ),
        Negative::new(
            "checkpoint-invalid",
            "no-blank-line",
            SIGN,
            "no blank line stands before the signatures",
            |bench| enclosed(bench, |note| note.replace("\n\n", "\n")),
        ),
        Negative::new(
            "checkpoint-invalid",
            "hyphen",
            SIGN,
            "the signature line begins with a hyphen",
            |bench| enclosed(bench, |note| note.replace('\u{2014}', "-")),
        ),
        Negative::new(
            "checkpoint-invalid",
            "text-after",
            SIGN,
            "text follows the signatures",
            |bench| enclosed(bench, |note| format!("{note}and more\n")),
        ),
        Negative::new(
            "checkpoint-invalid",
            "other-name",
            SIGN,
            "the signature line is under another name than the origin",
            |bench| {
                proven(bench, |proof, rekor| {
                    let (text, _) = parts(proof);
                    let line = note::line(&text, "rekor.example", &rekor.key.id(), &rekor.key);
                    proof.checkpoint = Some(note::signed(&text, &[line]));
                })
            },
        ),
        Negative::new(
            "checkpoint-invalid",
            "other-hint",
            SIGN,
            "the signature line hints at another key",
            |bench| {
                proven(bench, |proof, rekor| {
                    let (text, _) = parts(proof);
                    let line = note::line(&text, &rekor.host, &[0; 32], &rekor.key);
                    proof.checkpoint = Some(note::signed(&text, &[line]));
                })
            },
        ),
        Negative::new(
            "checkpoint-invalid",
            "witness-alone",
            SIGN,
            "a witness signed the checkpoint, the log did not",
            |bench| {
                proven(bench, |proof, _| {
                    let (text, _) = parts(proof);
                    proof.checkpoint = Some(note::signed(&text, &[witness(&text)]));
                })
            },
        ),
        Negative::new(
            "checkpoint-invalid",
            "rekor-v2-no-log-line",
            REKOR_V2,
            "a witness signed the checkpoint, the log did not",
            |bench| {
                bench.rekor_v2(Bench::sign_content, |bundle, _| {
                    let proof = bundle.entries[0].proof.as_mut().expect("the log gave a proof");
                    let (text, _) = parts(proof);
                    proof.checkpoint = Some(note::signed(&text, &[witness(&text)]));
                })
            },
        ),
        Negative::new(
            "checkpoint-invalid",
            "rekor-v2-other-origin",
            REKOR_V2,
            "the checkpoint's origin is not the log's host",
            |bench| {
                bench.rekor_v2(Bench::sign_content, |bundle, sigstore| {
                    let proof = bundle.entries[0].proof.as_mut().expect("the log gave a proof");
                    let text = note::checkpoint("log.example", proof.tree_size, &proof.root);
                    let line = sigstore.rekor_v2.line(&text);
                    proof.checkpoint = Some(note::signed(&text, &[line]));
                })
            },
        ),
        Negative::new(
            "checkpoint-invalid",
            "rekor-v2-bare-key-id",
            REKOR_V2,
            "the signature line's hint is the hash of the bare key, as Rekor v1 has it",
            |bench| {
                bench.rekor_v2(Bench::sign_content, |bundle, sigstore| {
                    let log = &sigstore.rekor_v2;
                    let proof = bundle.entries[0].proof.as_mut().expect("the log gave a proof");
                    let (text, _) = parts(proof);
                    let line = note::line(&text, &log.host, &log.key.id(), &log.key);
                    proof.checkpoint = Some(note::signed(&text, &[line]));
                })
            },
        ),
    ]
}

/// Of signed timestamps.
#[expect(clippy::too_many_lines, reason = "a table")]
pub fn timestamps() -> Vec<Negative> {
    vec![
        Negative::new(
            "timestamp-invalid",
            "over-payload",
            REKOR_V2,
            "the timestamp is over the payload, not over the signature",
            |bench| {
                stamped(bench, |bundle, sigstore| {
                    let Content::Envelope(envelope) = &bundle.content else { return Vec::new() };
                    sigstore.tsa.stamp(&envelope.payload, time(SIGNED))
                })
            },
        ),
        Negative::new(
            "timestamp-invalid",
            "content-altered",
            REKOR_V2,
            "the timestamp's content is not what its authority signed",
            |bench| {
                stamped(bench, |bundle, sigstore| {
                    let Content::Envelope(envelope) = &bundle.content else { return Vec::new() };
                    let stamp = Stamp::new(&envelope.signatures[0], time(SIGNED));
                    let altered_info =
                        sigstore.tsa.info(&Stamp { time: plus(stamp.time, -60), ..stamp.clone() });
                    sigstore.tsa.respond(&Stamp { altered_info: Some(altered_info), ..stamp })
                })
            },
        ),
        Negative::new(
            "timestamp-invalid",
            "rejected",
            REKOR_V2,
            "the response says that the request was rejected",
            |bench| restamped(bench, |stamp, _| stamp.status = 2),
        ),
        Negative::new(
            "timestamp-invalid",
            "no-signer",
            REKOR_V2,
            "nobody signed the timestamp",
            |bench| restamped(bench, |stamp, _| stamp.signers = 0),
        ),
        Negative::new(
            "timestamp-invalid",
            "two-signers",
            REKOR_V2,
            "the timestamp has two signers",
            |bench| restamped(bench, |stamp, _| stamp.signers = 2),
        ),
        Negative::new(
            "timestamp-invalid",
            "content-type",
            REKOR_V2,
            "the signed content is not of the type of timestamps",
            |bench| restamped(bench, |stamp, _| stamp.content_type = "1.2.840.113549.1.7.1"),
        ),
        Negative::new(
            "timestamp-invalid",
            "other-certificate-named",
            REKOR_V2,
            "the signed attributes name another certificate than the signer's",
            |bench| {
                restamped(bench, |stamp, sigstore| {
                    stamp.named_certificate = Some(sigstore.tsa.root.clone());
                })
            },
        ),
        Negative::new(
            "timestamp-invalid",
            "other-key",
            REKOR_V2,
            "another key signed, and the authority's certificate is embedded",
            |bench| {
                restamped(bench, |stamp, sigstore| {
                    stamp.certificates = vec![sigstore.tsa.leaf.clone()];
                    stamp.signing_key = Some(key::Key::p384("a key without a certificate"));
                })
            },
        ),
        Negative::new(
            "timestamp-invalid",
            "trailing-byte",
            REKOR_V2,
            "a byte follows the response",
            |bench| {
                stamped(bench, |bundle, sigstore| {
                    let Content::Envelope(envelope) = &bundle.content else { return Vec::new() };
                    let mut stamp = sigstore.tsa.stamp(&envelope.signatures[0], time(SIGNED));
                    stamp.push(0);
                    stamp
                })
            },
        ),
        Negative::new(
            "certificate-outside-validity",
            "rekor-v2-timestamp-late",
            REKOR_V2,
            "the timestamp is of a second after notAfter",
            |bench| {
                stamped(bench, |bundle, sigstore| {
                    let Content::Envelope(envelope) = &bundle.content else { return Vec::new() };
                    sigstore.tsa.stamp(&envelope.signatures[0], plus(time(SIGNED), 601))
                })
            },
        ),
        Negative::new(
            "no-trusted-time",
            "rekor-v2-unknown-authority",
            REKOR_V2,
            "the root does not name the authority that gave the timestamp",
            |bench| {
                stamped(bench, |bundle, _| {
                    let Content::Envelope(envelope) = &bundle.content else { return Vec::new() };
                    let elsewhere = VirtualSigstore::new("elsewhere");
                    elsewhere.tsa.stamp(&envelope.signatures[0], time(SIGNED))
                })
            },
        ),
    ]
}

/// Changes the text of a whole bundle.
fn text(bench: &mut Bench, change: impl FnOnce(&str) -> String) -> Vec<u8> {
    let signer = bench.signer();
    let statement = bench.sign_statement();
    let bundle = bench.at().bundle_statement(&signer, &statement);
    let text = String::from_utf8(compact(&bundle.json())).expect("JSON is text");
    let changed = change(&text);
    assert_ne!(changed, text, "the change changes something");
    bench.with_bundle_bytes(changed.as_bytes(), Some(COSIGN_SIGN))
}

fn remove(document: &mut Value, pointer: &str, member: &str) -> Value {
    document
        .pointer_mut(pointer)
        .and_then(Value::as_object_mut)
        .and_then(|object| object.remove(member))
        .unwrap_or_else(|| panic!("the bundle has `{member}`"))
}

/// Changes the proof of the one entry, with the log at hand.
pub fn proven(bench: &mut Bench, change: impl FnOnce(&mut Proof, &Rekor)) -> Vec<u8> {
    bench.signed(|bundle, sigstore| {
        let proof = bundle.entries[0].proof.as_mut().expect("the log gave a proof");
        change(proof, &sigstore.rekor);
    })
}

/// Changes the text of the checkpoint; the log signs it as changed.
pub fn noted(bench: &mut Bench, change: impl FnOnce(&str) -> String) -> Vec<u8> {
    proven(bench, |proof, rekor| {
        let (text, _) = parts(proof);
        let changed = change(&text);
        assert_ne!(changed, text, "the change changes something");
        proof.checkpoint = Some(rekor.sign(&changed));
    })
}

/// Changes the checkpoint as it is enclosed, signature and all.
pub fn enclosed(bench: &mut Bench, change: impl FnOnce(&str) -> String) -> Vec<u8> {
    proven(bench, |proof, _| {
        let note = proof.checkpoint.take().expect("the proof has a checkpoint");
        let changed = change(&note);
        assert_ne!(changed, note, "the change changes something");
        proof.checkpoint = Some(changed);
    })
}

fn without_line(bench: &mut Bench, number: usize) -> Vec<u8> {
    noted(bench, |text| {
        let mut lines: Vec<&str> = text.lines().collect();
        lines.remove(number);
        format!("{}\n", lines.join("\n"))
    })
}

/// The text of a proof's checkpoint and the lines that sign it.
pub fn parts(proof: &Proof) -> (String, String) {
    let note = proof.checkpoint.as_ref().expect("the proof has a checkpoint");
    let (text, lines) = note.split_once("\n\n").expect("a blank line divides");
    (format!("{text}\n"), lines.to_owned())
}

/// The line of a witness.
pub fn witness(text: &str) -> String {
    let key = key::Key::ed25519("witness");
    let name = "witness.example";
    note::line(text, name, &note::key_id(name, &key), &key)
}

/// Replaces the timestamp of a Rekor v2 bundle.
fn stamped(bench: &mut Bench, stamp: impl FnOnce(&Bundle, &VirtualSigstore) -> Vec<u8>) -> Vec<u8> {
    bench.rekor_v2(Bench::sign_content, |bundle, sigstore| {
        bundle.timestamps = vec![stamp(bundle, sigstore)];
    })
}

/// The same with the right timestamp changed before it is signed.
fn restamped(bench: &mut Bench, change: impl FnOnce(&mut Stamp, &VirtualSigstore)) -> Vec<u8> {
    stamped(bench, |bundle, sigstore| {
        let Content::Envelope(envelope) = &bundle.content else { return Vec::new() };
        let mut stamp = Stamp::new(&envelope.signatures[0], time(SIGNED));
        change(&mut stamp, sigstore);
        sigstore.tsa.respond(&stamp)
    })
}
