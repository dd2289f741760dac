//! A *DSSE envelope* and the in-toto *statement* it usually carries.

use sealift::digest::Digest;
use serde_json::{Value, json};

use super::{base64, compact};

/// The payload type of an in-toto statement.
pub const INTOTO: &str = "application/vnd.in-toto+json";
/// The predicate type by which cosign 3 says that a statement is a signature.
pub const COSIGN_SIGN: &str = "https://sigstore.dev/cosign/sign/v1";
/// SLSA provenance, version 1.
pub const SLSA_PROVENANCE: &str = "https://slsa.dev/provenance/v1";
/// A bill of materials in SPDX.
pub const SPDX: &str = "https://spdx.dev/Document";

/// A payload, its type and signatures over both.
#[derive(Clone)]
pub struct Envelope {
    pub payload_type: String,
    pub payload: Vec<u8>,
    pub signatures: Vec<Vec<u8>>,
}

impl Envelope {
    /// An in-toto statement, not signed.
    pub fn statement(statement: &Value) -> Self {
        Self {
            payload_type: INTOTO.to_owned(),
            payload: compact(statement),
            signatures: Vec::new(),
        }
    }

    /// What a signature covers: the pre-authentication encoding.
    pub fn signed_bytes(&self) -> Vec<u8> {
        let mut bytes = format!(
            "DSSEv1 {} {} {} ",
            self.payload_type.len(),
            self.payload_type,
            self.payload.len()
        )
        .into_bytes();
        bytes.extend(&self.payload);
        bytes
    }

    /// The bytes of a legacy attestation's layer, as cosign writes them.
    pub fn layer(&self) -> Vec<u8> {
        let signatures: Vec<String> = self
            .signatures
            .iter()
            .map(|signature| format!(r#"{{"keyid":"","sig":"{}"}}"#, base64(signature)))
            .collect();
        format!(
            r#"{{"payloadType":"{}","payload":"{}","signatures":[{}]}}"#,
            self.payload_type,
            base64(&self.payload),
            signatures.join(",")
        )
        .into_bytes()
    }

    /// The envelope as a Sigstore bundle holds it, and as cosign 3 uploads it to the log.
    pub fn in_bundle(&self) -> Value {
        let signatures: Vec<Value> =
            self.signatures.iter().map(|signature| json!({ "sig": base64(signature) })).collect();
        json!({
            "payload": base64(&self.payload),
            "payloadType": self.payload_type,
            "signatures": signatures,
        })
    }
}

/// The statement that cosign 3 signs an image with.
pub fn cosign_sign(digest: &Digest) -> Value {
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{ "digest": { "sha256": digest.hex() }, "annotations": {} }],
        "predicateType": COSIGN_SIGN,
        "predicate": {},
    })
}

/// A statement of any predicate about one named subject.
pub fn statement(name: &str, digest: &Digest, predicate_type: &str, predicate: &Value) -> Value {
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{ "name": name, "digest": { "sha256": digest.hex() } }],
        "predicateType": predicate_type,
        "predicate": predicate,
    })
}

/// A small SLSA provenance predicate.
pub fn provenance(repository: &str) -> Value {
    json!({
        "buildDefinition": {
            "buildType": "https://actions.github.io/buildtypes/workflow/v1",
            "externalParameters": {
                "workflow": {
                    "path": ".github/workflows/release.yml",
                    "ref": "refs/tags/v2.1.0",
                    "repository": repository,
                },
            },
            "internalParameters": {},
            "resolvedDependencies": [],
        },
        "runDetails": {
            "builder": { "id": "https://github.com/actions/runner/github-hosted" },
            "metadata": { "invocationId": format!("{repository}/actions/runs/1/attempts/1") },
        },
    })
}

/// A small bill of materials.
pub fn bill_of_materials(name: &str) -> Value {
    json!({
        "spdxVersion": "SPDX-2.3",
        "SPDXID": "SPDXRef-DOCUMENT",
        "dataLicense": "CC0-1.0",
        "name": name,
        "documentNamespace": format!("https://spdx.example/{name}"),
        "creationInfo": {
            "created": "2026-03-01T12:00:00Z",
            "creators": ["Tool: virtual-sigstore"],
        },
        "packages": [{
            "SPDXID": "SPDXRef-Package-hello",
            "name": "hello",
            "versionInfo": "1.0",
            "downloadLocation": "NOASSERTION",
        }],
    })
}
