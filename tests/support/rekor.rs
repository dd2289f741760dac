//! A *Rekor v1 log*: entries in a Merkle tree, the promise of inclusion (SET), the proof of it and
//! the checkpoint that fixes the tree.

use sealift::digest::{Digest, hex};
use sealift::time::UnixTime;
use serde_json::{Value, json};

use super::dsse::Envelope;
use super::key::Key;
use super::merkle;
use super::note;
use super::{base64, compact};

/// A log of one shard; older shards hold `SHARD_OFFSET` entries.
#[derive(Clone)]
pub struct Rekor {
    pub host: String,
    pub key: Key,
    pub tree_id: u64,
    leaves: Vec<merkle::Hash>,
}

/// Entries of the log's earlier shards: an entry's own index is that much above its place in the tree.
pub const SHARD_OFFSET: usize = 4_163_431;

impl Rekor {
    /// A log that holds `filler` entries of others already.
    pub fn new(seed: &str, host: &str, filler: usize) -> Self {
        let leaves =
            (0..filler).map(|number| merkle::leaf(format!("{seed} {number}").as_bytes())).collect();
        Self {
            host: host.to_owned(),
            key: Key::p256(seed),
            tree_id: 1_193_050_959_916_656_506,
            leaves,
        }
    }

    /// Takes `body` in at `time`: promise, proof and checkpoint included.
    pub fn log(&mut self, body: &Value, time: UnixTime) -> Entry {
        self.log_bytes(canonical(body), time)
    }

    /// The same with a body of any bytes.
    pub fn log_bytes(&mut self, body: Vec<u8>, time: UnixTime) -> Entry {
        let (kind, version) = match serde_json::from_slice::<Value>(&body) {
            Ok(value) => (text(&value, "/kind"), text(&value, "/apiVersion")),
            Err(_) => (String::new(), String::new()),
        };
        let index = self.leaves.len();
        self.leaves.push(merkle::leaf(&body));
        let mut entry = Entry {
            kind,
            version,
            body,
            integrated_time: time.seconds(),
            log_id: self.key.id(),
            log_index: i64::try_from(index + SHARD_OFFSET).expect("the log is small"),
            promise: Vec::new(),
            proof: Some(self.prove(index)),
        };
        entry.promise = self.promise(&entry);
        entry
    }

    /// The signed entry timestamp over what `entry` says.
    pub fn promise(&self, entry: &Entry) -> Vec<u8> {
        self.key.sign(&canonical(&entry.promised()))
    }

    /// The proof that the entry at `index` is in the tree as it stands.
    pub fn prove(&self, index: usize) -> Proof {
        let root = merkle::root(&self.leaves);
        let size = self.leaves.len();
        Proof {
            log_index: index,
            tree_size: size,
            root,
            hashes: merkle::path(index, &self.leaves),
            checkpoint: Some(self.checkpoint(size, &root)),
        }
    }

    /// The name that the log's checkpoints begin with.
    pub fn origin(&self) -> String {
        format!("{} - {}", self.host, self.tree_id)
    }

    /// A checkpoint of this log over any size and root.
    pub fn checkpoint(&self, size: usize, root: &merkle::Hash) -> String {
        self.sign(&note::checkpoint(&self.origin(), size, root))
    }

    /// The signed note over any text.
    pub fn sign(&self, text: &str) -> String {
        note::signed(text, &[self.line(text)])
    }

    /// The log's signature line over any text.
    pub fn line(&self, text: &str) -> String {
        note::line(text, &self.host, &self.key.id(), &self.key)
    }
}

/// An entry as it travels with evidence, each field open to be set wrong.
#[derive(Clone)]
pub struct Entry {
    pub kind: String,
    pub version: String,
    pub body: Vec<u8>,
    pub integrated_time: i64,
    pub log_id: [u8; 32],
    pub log_index: i64,
    pub promise: Vec<u8>,
    pub proof: Option<Proof>,
}

/// An inclusion proof and the checkpoint of its root.
#[derive(Clone)]
pub struct Proof {
    pub log_index: usize,
    pub tree_size: usize,
    pub root: merkle::Hash,
    pub hashes: Vec<merkle::Hash>,
    pub checkpoint: Option<String>,
}

impl Entry {
    /// What the signed entry timestamp is signed over, and cosign's `Payload`.
    pub fn promised(&self) -> Value {
        json!({
            "body": base64(&self.body),
            "integratedTime": self.integrated_time,
            "logID": hex(&self.log_id),
            "logIndex": self.log_index,
        })
    }

    /// The value of cosign's annotation `dev.sigstore.cosign/bundle`.
    pub fn annotation(&self) -> Value {
        json!({ "SignedEntryTimestamp": base64(&self.promise), "Payload": self.promised() })
    }

    /// The entry as a Sigstore bundle holds it. A log without promises leaves out the time too.
    pub fn in_bundle(&self) -> Value {
        let mut entry = json!({
            "logIndex": self.log_index.to_string(),
            "logId": { "keyId": base64(&self.log_id) },
            "kindVersion": { "kind": self.kind, "version": self.version },
            "canonicalizedBody": base64(&self.body),
        });
        if self.integrated_time != 0 {
            entry["integratedTime"] = json!(self.integrated_time.to_string());
        }
        if !self.promise.is_empty() {
            entry["inclusionPromise"] = json!({ "signedEntryTimestamp": base64(&self.promise) });
        }
        if let Some(proof) = &self.proof {
            let hashes: Vec<String> = proof.hashes.iter().map(|hash| base64(hash)).collect();
            entry["inclusionProof"] = json!({
                "logIndex": proof.log_index.to_string(),
                "rootHash": base64(&proof.root),
                "treeSize": proof.tree_size.to_string(),
                "hashes": hashes,
            });
            if let Some(checkpoint) = &proof.checkpoint {
                entry["inclusionProof"]["checkpoint"] = json!({ "envelope": checkpoint });
            }
        }
        entry
    }
}

/// The body for a signature over `message`; `verifier` is the certificate or public key in PEM.
pub fn hashedrekord(message: &[u8], signature: &[u8], verifier: &str) -> Value {
    hashedrekord_of("sha256", &Digest::sha256(message).hex(), signature, verifier)
}

/// The same for a hash of any name.
pub fn hashedrekord_of(algorithm: &str, value: &str, signature: &[u8], verifier: &str) -> Value {
    json!({
        "apiVersion": "0.0.1",
        "kind": "hashedrekord",
        "spec": {
            "data": { "hash": { "algorithm": algorithm, "value": value } },
            "signature": {
                "content": base64(signature),
                "publicKey": { "content": base64(verifier.as_bytes()) },
            },
        },
    })
}

/// The body of the first generation of signatures, which names the payload's hash and format.
pub fn rekord(message: &[u8], signature: &[u8], verifier: &str) -> Value {
    json!({
        "apiVersion": "0.0.1",
        "kind": "rekord",
        "spec": {
            "data": { "hash": { "algorithm": "sha256", "value": Digest::sha256(message).hex() } },
            "signature": {
                "content": base64(signature),
                "format": "x509",
                "publicKey": { "content": base64(verifier.as_bytes()) },
            },
        },
    })
}

/// The body that cosign wrote for attestations: the hash of the envelope's bytes and the key, no signature.
pub fn intoto_001(envelope: &[u8], payload: &[u8], verifier: &str) -> Value {
    json!({
        "apiVersion": "0.0.1",
        "kind": "intoto",
        "spec": {
            "content": {
                "hash": { "algorithm": "sha256", "value": Digest::sha256(envelope).hex() },
                "payloadHash": { "algorithm": "sha256", "value": Digest::sha256(payload).hex() },
            },
            "publicKey": base64(verifier.as_bytes()),
        },
    })
}

/// The second version: the envelope without its payload, signatures in base64 twice.
///
/// `hash` is the uploaded envelope's; its form is the client's choice.
pub fn intoto_002(envelope: &Envelope, hash: &Digest, verifier: &str) -> Value {
    let signatures: Vec<Value> = envelope
        .signatures
        .iter()
        .map(|signature| {
            json!({
                "publicKey": base64(verifier.as_bytes()),
                "sig": base64(base64(signature).as_bytes()),
            })
        })
        .collect();
    json!({
        "apiVersion": "0.0.2",
        "kind": "intoto",
        "spec": {
            "content": {
                "envelope": { "payloadType": envelope.payload_type, "signatures": signatures },
                "hash": { "algorithm": "sha256", "value": hash.hex() },
                "payloadHash": {
                    "algorithm": "sha256",
                    "value": Digest::sha256(&envelope.payload).hex(),
                },
            },
        },
    })
}

/// The hash that sigstore-js puts into an `intoto` 0.0.2 entry: over the envelope with the key in it.
pub fn intoto_002_hash(envelope: &Envelope, verifier: &str) -> Digest {
    let signatures: Vec<Value> = envelope
        .signatures
        .iter()
        .map(|signature| json!({ "publicKey": verifier, "sig": base64(signature) }))
        .collect();
    Digest::sha256(&canonical(&json!({
        "payload": base64(&envelope.payload),
        "payloadType": envelope.payload_type,
        "signatures": signatures,
    })))
}

/// The body for a DSSE envelope, given the bytes that were uploaded.
pub fn dsse_001(uploaded: &[u8], envelope: &Envelope, verifier: &str) -> Value {
    let signatures: Vec<Value> = envelope
        .signatures
        .iter()
        .map(|signature| {
            json!({
                "signature": base64(signature),
                "verifier": base64(verifier.as_bytes()),
            })
        })
        .collect();
    json!({
        "apiVersion": "0.0.1",
        "kind": "dsse",
        "spec": {
            "envelopeHash": { "algorithm": "sha256", "value": Digest::sha256(uploaded).hex() },
            "payloadHash": {
                "algorithm": "sha256",
                "value": Digest::sha256(&envelope.payload).hex(),
            },
            "signatures": signatures,
        },
    })
}

/// Canonical JSON: keys sorted, no white space; every text here is ASCII, so RFC 8785 asks no more.
pub fn canonical(value: &Value) -> Vec<u8> {
    compact(value)
}

fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}
