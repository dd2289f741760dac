//! A *Rekor v2 log*: tiles underneath, here only what reaches a bundle: an entry, its inclusion
//! proof and a checkpoint in the C2SP form. It promises nothing and tells no time.

use serde_json::{Value, json};

use super::base64;
use super::evidence::{Content, Signer};
use super::key::{Hash, Key};
use super::merkle;
use super::note;
use super::rekor::{Entry, Proof, canonical};

/// A log known by its host name.
#[derive(Clone)]
pub struct RekorV2 {
    pub host: String,
    pub key: Key,
    leaves: Vec<merkle::Hash>,
}

impl RekorV2 {
    /// A log that holds `filler` entries of others already.
    pub fn new(host: &str, key: Key, filler: usize) -> Self {
        let leaves =
            (0..filler).map(|number| merkle::leaf(format!("{host} {number}").as_bytes())).collect();
        Self { host: host.to_owned(), key, leaves }
    }

    /// The id by which checkpoints and trusted roots name the log's key.
    pub fn id(&self) -> [u8; 32] {
        note::key_id(&self.host, &self.key)
    }

    /// Takes in the signature of `signer`.
    pub fn log(&mut self, content: &Content, signer: &Signer) -> Entry {
        self.log_body(&hashedrekord_002(content, signer))
    }

    /// Takes in a body of any form.
    pub fn log_body(&mut self, body: &Value) -> Entry {
        self.log_bytes(canonical(body))
    }

    /// The same with a body of any bytes.
    pub fn log_bytes(&mut self, body: Vec<u8>) -> Entry {
        let index = self.leaves.len();
        self.leaves.push(merkle::leaf(&body));
        let root = merkle::root(&self.leaves);
        let size = self.leaves.len();
        let text = note::checkpoint(&self.host, size, &root);
        Entry {
            kind: "hashedrekord".to_owned(),
            version: "0.0.2".to_owned(),
            body,
            integrated_time: 0,
            log_id: self.id(),
            log_index: i64::try_from(index).expect("the log is small"),
            promise: Vec::new(),
            proof: Some(Proof {
                log_index: index,
                tree_size: size,
                root,
                hashes: merkle::path(index, &self.leaves),
                checkpoint: Some(note::signed(&text, &[self.line(&text)])),
            }),
        }
    }

    /// The log's signature line over any text.
    pub fn line(&self, text: &str) -> String {
        note::line(text, &self.host, &self.id(), &self.key)
    }
}

/// The body for a signature over a message, or over the encoding of an envelope.
pub fn hashedrekord_002(content: &Content, signer: &Signer) -> Value {
    let (digest, signature, algorithm) = match content {
        Content::Message { digest, signature, algorithm } => {
            (digest.clone(), signature.clone(), *algorithm)
        }
        Content::Envelope(envelope) => {
            let hash = signer.key.hash();
            let algorithm = match hash {
                Hash::Sha256 => "SHA2_256",
                Hash::Sha384 => "SHA2_384",
                Hash::Sha512 => "SHA2_512",
            };
            let signature = envelope.signatures.first().cloned().unwrap_or_default();
            (hash.of(&envelope.signed_bytes()), signature, algorithm)
        }
    };
    let mut verifier = json!({ "keyDetails": signer.key.details() });
    match &signer.certificate {
        Some(certificate) => {
            verifier["x509Certificate"] = json!({ "rawBytes": base64(certificate) });
        }
        None => verifier["publicKey"] = json!({ "rawBytes": base64(&signer.key.spki()) }),
    }
    json!({
        "apiVersion": "0.0.2",
        "kind": "hashedrekord",
        "spec": {
            "hashedRekordV002": {
                "data": { "algorithm": algorithm, "digest": base64(&digest) },
                "signature": { "content": base64(&signature), "verifier": verifier },
            },
        },
    })
}
