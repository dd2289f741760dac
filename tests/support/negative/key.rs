//! What can be wrong between a signature and the key that is asked for.

use serde_json::json;

use super::Negative;
use crate::support::accepted::keyed_after;
use crate::support::bench::{Bench, KeyKind};
use crate::support::evidence::{Bundle, Material, Signer, Version};
use crate::support::key::{Hash, Key, PssUse};
use crate::support::rekor_v2::hashedrekord_002;

const IN_USE: &str = "legacy-keyed-in-use";
const RSA_PSS: &str = "legacy-keyed-rsa-pss";

/// Of the key's window and of the scheme it is for.
pub fn keys() -> Vec<Negative> {
    vec![
        Negative::new(
            "key-window",
            "one-second-early",
            IN_USE,
            "the log took the signature in a second before the key was in use",
            |bench| keyed_after(bench, -1),
        ),
        Negative::new(
            "key-window",
            "one-second-late",
            IN_USE,
            "the log took the signature in a second after the key was in use",
            |bench| keyed_after(bench, 1),
        ),
        Negative::new(
            "no-trusted-time",
            "key-in-use-no-entry",
            IN_USE,
            "nobody says that the signature was made while the key was in use",
            |bench| bench.keyed(|_| {}),
        ),
        Negative::new(
            "signature-invalid",
            "rsa-pkcs1-by-pss-key",
            RSA_PSS,
            "the key says RSASSA-PSS, the signature is by RSASSA-PKCS1-v1_5",
            |bench| signed_by(bench, KeyKind::RsaPss2048, Key::used_by_pkcs1),
        ),
        Negative::new(
            "signature-invalid",
            "rsa-pss-by-pkcs1-key",
            "legacy-keyed-rsa",
            "the key says nothing of RSASSA-PSS, by which the signature is",
            |bench| {
                signed_by(bench, KeyKind::Rsa2048, |key| {
                    key.used_by_pss(PssUse { hash: Hash::Sha256, salt: 32, named: false })
                })
            },
        ),
        Negative::new(
            "signature-invalid",
            "rsa-pss-longest-salt",
            RSA_PSS,
            "the salt is as long as the modulus allows, the key says as long as the hash",
            |bench| {
                signed_by(bench, KeyKind::RsaPss2048, |key| {
                    key.used_by_pss(PssUse { hash: Hash::Sha256, salt: 222, named: true })
                })
            },
        ),
        Negative::new(
            "entry-not-bound",
            "rekor-v2-other-rsa-scheme",
            "bundle-v0.3-rekor-v2-keyed-rsa-pss",
            "the entry names RSASSA-PKCS1-v1_5, the key RSASSA-PSS",
            |bench| {
                let signer = Signer::key(bench.key(KeyKind::RsaPss2048));
                let content = bench.sign_content(&signer);
                let mut body = hashedrekord_002(&content, &signer);
                body["spec"]["hashedRekordV002"]["signature"]["verifier"]["keyDetails"] =
                    json!("PKIX_RSA_PKCS1V15_2048_SHA256");
                let entry = bench.sigstore.rekor_v2.log_body(&body);
                bench.with_bundle(&Bundle {
                    version: Version::V03,
                    material: Material::of(&signer),
                    entries: vec![entry],
                    timestamps: Vec::new(),
                    content,
                })
            },
        ),
    ]
}

/// The image's payload, signed by the key of that kind, used otherwise.
fn signed_by(bench: &mut Bench, kind: KeyKind, change: fn(Key) -> Key) -> Vec<u8> {
    let payload = bench.payload();
    let key = change(bench.key(kind));
    bench.keyed(|signature| signature.signature = key.sign(&payload))
}
