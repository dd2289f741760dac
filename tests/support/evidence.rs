//! *Evidence* in the forms that travel with images: cosign's `.sig` and `.att` manifests, and
//! Sigstore bundles as referrers. Each is a value whose fields can be changed before it is sealed.

use std::collections::BTreeMap;

use sealift::digest::Digest;
use serde_json::{Value, json};

use super::dsse::Envelope;
use super::image::{Artifact, EMPTY, MANIFEST, descriptor};
use super::key::{Hash, Key};
use super::rekor::Entry;
use super::{base64, compact, der};

/// The media type of a payload that cosign signs.
pub const SIMPLE_SIGNING: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
/// The media type of a DSSE envelope.
pub const DSSE_ENVELOPE: &str = "application/vnd.dsse.envelope.v1+json";
/// The media type of a Sigstore bundle since version 0.3.
pub const BUNDLE_V03: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
/// The annotation that holds a signature.
pub const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
/// The annotation that holds a log entry and its promise.
pub const ENTRY: &str = "dev.sigstore.cosign/bundle";
/// The annotation that holds the signing certificate.
pub const CERTIFICATE: &str = "dev.sigstore.cosign/certificate";
/// The annotation that holds the certificates above it.
pub const CHAIN: &str = "dev.sigstore.cosign/chain";
/// The annotation that holds a signed timestamp.
pub const TIMESTAMP: &str = "dev.sigstore.cosign/rfc3161timestamp";

/// Who signs and what proves it.
#[derive(Clone)]
pub struct Signer {
    pub key: Key,
    pub certificate: Option<Vec<u8>>,
    pub chain: Vec<Vec<u8>>,
}

impl Signer {
    /// A signer known by the key alone.
    pub fn key(key: Key) -> Self {
        Self { key, certificate: None, chain: Vec::new() }
    }

    /// What the log keeps of the signer: certificate or public key, in PEM.
    pub fn verifier(&self) -> String {
        match &self.certificate {
            Some(certificate) => der::pem("CERTIFICATE", certificate),
            None => self.key.public_pem(),
        }
    }
}

/// The payload that cosign signs for an image.
pub fn simple_signing(repository: &str, digest: &Digest) -> Vec<u8> {
    format!(
        r#"{{"critical":{{"identity":{{"docker-reference":"{repository}"}},"image":{{"docker-manifest-digest":"{digest}"}},"type":"cosign container image signature"}},"optional":null}}"#
    )
    .into_bytes()
}

/// One signature of a `.sig` manifest.
#[derive(Clone)]
pub struct LegacySignature {
    pub payload: Vec<u8>,
    pub signature: Vec<u8>,
    pub certificate: Option<Vec<u8>>,
    pub chain: Vec<Vec<u8>>,
    pub entry: Option<Entry>,
    pub timestamp: Option<Vec<u8>>,
}

impl LegacySignature {
    /// The layer of the manifest.
    pub fn layer(&self) -> Layer {
        let mut layer = Layer {
            media_type: SIMPLE_SIGNING.to_owned(),
            bytes: self.payload.clone(),
            annotations: BTreeMap::new(),
        };
        layer.annotate(SIGNATURE, &base64(&self.signature));
        layer.annotate_proof(
            self.certificate.as_ref(),
            &self.chain,
            self.entry.as_ref(),
            self.timestamp.as_ref(),
        );
        layer
    }
}

/// One attestation of an `.att` manifest.
#[derive(Clone)]
pub struct LegacyAttestation {
    /// The layer: an envelope in JSON.
    pub bytes: Vec<u8>,
    pub predicate_type: String,
    pub certificate: Option<Vec<u8>>,
    pub chain: Vec<Vec<u8>>,
    pub entry: Option<Entry>,
    pub timestamp: Option<Vec<u8>>,
}

impl LegacyAttestation {
    /// The layer of the manifest; its signature annotation is empty.
    pub fn layer(&self) -> Layer {
        let mut layer = Layer {
            media_type: DSSE_ENVELOPE.to_owned(),
            bytes: self.bytes.clone(),
            annotations: BTreeMap::new(),
        };
        layer.annotate(SIGNATURE, "");
        layer.annotate("predicateType", &self.predicate_type);
        layer.annotate_proof(
            self.certificate.as_ref(),
            &self.chain,
            self.entry.as_ref(),
            self.timestamp.as_ref(),
        );
        layer
    }
}

/// A layer of a `.sig` or `.att` manifest, the last place to change it.
#[derive(Clone)]
pub struct Layer {
    pub media_type: String,
    pub bytes: Vec<u8>,
    pub annotations: BTreeMap<String, String>,
}

impl Layer {
    /// Sets one annotation.
    pub fn annotate(&mut self, key: &str, value: &str) {
        self.annotations.insert(key.to_owned(), value.to_owned());
    }

    fn annotate_proof(
        &mut self,
        certificate: Option<&Vec<u8>>,
        chain: &[Vec<u8>],
        entry: Option<&Entry>,
        timestamp: Option<&Vec<u8>>,
    ) {
        if let Some(certificate) = certificate {
            self.annotate(CERTIFICATE, &der::pem("CERTIFICATE", certificate));
        }
        if !chain.is_empty() {
            let pem: String = chain.iter().map(|der| der::pem("CERTIFICATE", der)).collect();
            self.annotate(CHAIN, &pem);
        }
        if let Some(entry) = entry {
            let json = compact(&entry.annotation());
            self.annotate(ENTRY, std::str::from_utf8(&json).expect("JSON is text"));
        }
        if let Some(timestamp) = timestamp {
            let json = json!({ "SignedRFC3161Timestamp": base64(timestamp) });
            self.annotate(TIMESTAMP, &json.to_string());
        }
    }
}

/// The manifest that cosign tags with `.sig` or `.att`.
pub fn manifest(layers: &[Layer]) -> Artifact {
    let diff_ids: Vec<String> =
        layers.iter().map(|layer| Digest::sha256(&layer.bytes).to_string()).collect();
    let config = compact(&json!({
        "architecture": "",
        "created": "0001-01-01T00:00:00Z",
        "history": vec![json!({ "created": "0001-01-01T00:00:00Z" }); layers.len()],
        "os": "",
        "rootfs": { "type": "layers", "diff_ids": diff_ids },
        "config": {},
    }));
    let descriptors: Vec<Value> = layers
        .iter()
        .map(|layer| {
            let mut descriptor = descriptor(&layer.media_type, &layer.bytes);
            descriptor["annotations"] = json!(layer.annotations);
            descriptor
        })
        .collect();
    let manifest = compact(&json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": descriptor("application/vnd.oci.image.config.v1+json", &config),
        "layers": descriptors,
    }));
    Artifact {
        media_type: MANIFEST.to_owned(),
        kind: None,
        platform: None,
        manifest,
        metadata: std::iter::once(config)
            .chain(layers.iter().map(|layer| layer.bytes.clone()))
            .collect(),
        layers: Vec::new(),
    }
}

/// The tag of a subject's signatures.
pub fn signature_tag(subject: &Digest) -> String {
    format!("{}-{}.sig", subject.algorithm().name(), subject.hex())
}

/// The tag of a subject's attestations.
pub fn attestation_tag(subject: &Digest) -> String {
    format!("{}-{}.att", subject.algorithm().name(), subject.hex())
}

/// A Sigstore bundle.
#[derive(Clone)]
pub struct Bundle {
    pub version: Version,
    pub material: Material,
    pub entries: Vec<Entry>,
    pub timestamps: Vec<Vec<u8>>,
    pub content: Content,
}

/// The version of a bundle's format.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Version {
    V01,
    V02,
    V03,
    /// 0.3 in the older spelling of its media type.
    V03Parameter,
}

impl Version {
    /// The media type that says so.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::V01 => "application/vnd.dev.sigstore.bundle+json;version=0.1",
            Self::V02 => "application/vnd.dev.sigstore.bundle+json;version=0.2",
            Self::V03 => BUNDLE_V03,
            Self::V03Parameter => "application/vnd.dev.sigstore.bundle+json;version=0.3",
        }
    }
}

/// By what a bundle's signature is to be verified.
#[derive(Clone)]
pub enum Material {
    Certificate(Vec<u8>),
    /// The form before 0.3: the leaf, perhaps more.
    Chain(Vec<Vec<u8>>),
    /// A key known to the verifier, and how it may recognise it.
    KeyHint(String),
}

impl Material {
    /// What names `signer`: the certificate, or cosign's hint to the key.
    pub fn of(signer: &Signer) -> Self {
        match &signer.certificate {
            Some(certificate) => Self::Certificate(certificate.clone()),
            None => Self::KeyHint(base64(&signer.key.id())),
        }
    }
}

/// What a bundle's signature is made over.
#[derive(Clone)]
pub enum Content {
    Message { algorithm: &'static str, digest: Vec<u8>, signature: Vec<u8> },
    Envelope(Envelope),
}

impl Content {
    /// The signature of `signer` over `message`, in the hash that goes with the key.
    pub fn message(signer: &Signer, message: &[u8]) -> Self {
        let (algorithm, hash) = match signer.key.hash() {
            Hash::Sha256 => ("SHA2_256", Hash::Sha256),
            Hash::Sha384 => ("SHA2_384", Hash::Sha384),
            Hash::Sha512 => ("SHA2_512", Hash::Sha512),
        };
        let signature = signer.key.sign_with(hash, message);
        Self::Message { algorithm, digest: hash.of(message), signature }
    }
}

impl Bundle {
    /// Rewrites the bundle to an older version, in the form of its time: a chain of one, and for
    /// 0.1 no proof.
    pub fn downgraded(mut self, version: Version) -> Self {
        self.version = version;
        if let Material::Certificate(certificate) = &self.material
            && matches!(version, Version::V01 | Version::V02)
        {
            self.material = Material::Chain(vec![certificate.clone()]);
        }
        if version == Version::V01 {
            for entry in &mut self.entries {
                entry.proof = None;
            }
        }
        self
    }

    /// The bundle as a document, the last place to change it.
    pub fn json(&self) -> Value {
        let mut material = match &self.material {
            Material::Certificate(certificate) => {
                json!({ "certificate": { "rawBytes": base64(certificate) } })
            }
            Material::Chain(chain) => {
                let certificates: Vec<Value> =
                    chain.iter().map(|der| json!({ "rawBytes": base64(der) })).collect();
                json!({ "x509CertificateChain": { "certificates": certificates } })
            }
            Material::KeyHint(hint) => json!({ "publicKey": { "hint": hint } }),
        };
        if !self.entries.is_empty() {
            material["tlogEntries"] =
                self.entries.iter().map(Entry::in_bundle).collect::<Vec<_>>().into();
        }
        if !self.timestamps.is_empty() {
            let timestamps: Vec<Value> = self
                .timestamps
                .iter()
                .map(|token| json!({ "signedTimestamp": base64(token) }))
                .collect();
            material["timestampVerificationData"] = json!({ "rfc3161Timestamps": timestamps });
        }
        let mut bundle =
            json!({ "mediaType": self.version.media_type(), "verificationMaterial": material });
        match &self.content {
            Content::Message { algorithm, digest, signature } => {
                bundle["messageSignature"] = json!({
                    "messageDigest": { "algorithm": algorithm, "digest": base64(digest) },
                    "signature": base64(signature),
                });
            }
            Content::Envelope(envelope) => bundle["dsseEnvelope"] = envelope.in_bundle(),
        }
        bundle
    }

    /// The manifest that carries the bundle to `subject`.
    pub fn referrer(&self, subject: &Artifact) -> Artifact {
        referrer(&compact(&self.json()), self.predicate_type().as_deref(), subject)
    }

    fn predicate_type(&self) -> Option<String> {
        let Content::Envelope(envelope) = &self.content else {
            return None;
        };
        let statement: Value = serde_json::from_slice(&envelope.payload).ok()?;
        Some(statement.get("predicateType")?.as_str()?.to_owned())
    }
}

/// The manifest by which cosign 3 attaches the bytes of a bundle to `subject`.
pub fn referrer(bundle: &[u8], predicate_type: Option<&str>, subject: &Artifact) -> Artifact {
    let config = b"{}".to_vec();
    let mut annotations = json!({
        "dev.sigstore.bundle.content": "message-signature",
        "org.opencontainers.image.created": "2026-03-01T12:00:00Z",
    });
    if let Some(predicate_type) = predicate_type {
        annotations["dev.sigstore.bundle.content"] = json!("dsse-envelope");
        annotations["dev.sigstore.bundle.predicateType"] = json!(predicate_type);
    }
    let manifest = compact(&json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": BUNDLE_V03,
        "config": descriptor(EMPTY, &config),
        "layers": [descriptor(BUNDLE_V03, bundle)],
        "annotations": annotations,
        "subject": subject.descriptor(),
    }));
    Artifact {
        media_type: MANIFEST.to_owned(),
        kind: Some(BUNDLE_V03.to_owned()),
        platform: None,
        manifest,
        metadata: vec![config, bundle.to_vec()],
        layers: Vec::new(),
    }
}
