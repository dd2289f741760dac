//! The *bench*: one small image, its signers, and evidence about it that is changed at one step of
//! the way, before the steps after it are taken.

use sealift::digest::Digest;
use serde_json::Value;

use super::ca::{Identity, Template};
use super::demo::SEED;
use super::dsse::{self, Envelope};
use super::evidence::{
    self, Bundle, Content, Layer, LegacyAttestation, LegacySignature, Material, Signer, Version,
};
use super::image::{AMD64, Artifact, image};
use super::key::{Hash, Key};
use super::layout::Layout;
use super::rekor::{self, Entry};
use super::{AttestationLog, Log, Moment, VirtualSigstore, bundle_body, compact, demo};

/// Where the bench's image comes from.
pub const REPOSITORY: &str = "registry.sealift.example/tests/tiny";
/// When its evidence is made.
pub const SIGNED: &str = "2026-03-01T12:00:00Z";
/// When it is judged.
pub const NOW: &str = "2026-06-01T00:00:00Z";

/// An image, another one, and a virtual Sigstore of its own.
#[derive(Clone)]
pub struct Bench {
    pub sigstore: VirtualSigstore,
    pub image: Artifact,
    pub other: Artifact,
}

impl Bench {
    /// The bench of `testdata`.
    pub fn new() -> Self {
        Self {
            sigstore: VirtualSigstore::new(SEED),
            image: image("tiny", AMD64, &[("tiny", "tiny\n")]),
            other: image("other", AMD64, &[("other", "other\n")]),
        }
    }

    /// The virtual Sigstore when evidence is made.
    pub fn at(&mut self) -> Moment<'_> {
        self.sigstore.at(SIGNED)
    }

    /// The person whose signature is asked for.
    pub fn person() -> Identity {
        demo::maintainer()
    }

    /// That person with a fresh certificate.
    pub fn signer(&mut self) -> Signer {
        self.at().certify(&Self::person())
    }

    /// A key of the kind named.
    pub fn key(&self, kind: KeyKind) -> Key {
        let seed = self.sigstore.seed(kind.name());
        match kind {
            KeyKind::P256 => Key::p256(&seed),
            KeyKind::P384 => Key::p384(&seed),
            KeyKind::P521 => Key::p521(&seed),
            KeyKind::Ed25519 => Key::ed25519(&seed),
            KeyKind::Rsa2048 => Key::rsa(&seed, 2048),
            KeyKind::RsaPss2048 => Key::rsa_pss(&seed, Hash::Sha256),
            KeyKind::Rsa1024 => Key::rsa(&seed, 1024),
        }
    }

    /// The payload that cosign signs for the image.
    pub fn payload(&self) -> Vec<u8> {
        evidence::simple_signing(REPOSITORY, &self.image.digest())
    }

    /// The statement that cosign 3 signs for the image.
    pub fn sign_statement(&self) -> Value {
        dsse::cosign_sign(&self.image.digest())
    }

    /// A statement of provenance about the image.
    pub fn provenance(&self) -> Value {
        Self::provenance_of(&self.image.digest())
    }

    /// A statement of provenance about anything.
    pub fn provenance_of(digest: &Digest) -> Value {
        let predicate = dsse::provenance("https://github.com/sealift-demo/tiny");
        dsse::statement(REPOSITORY, digest, dsse::SLSA_PROVENANCE, &predicate)
    }

    /// The image with the layers of a `.sig` manifest.
    pub fn with_signatures(&self, layers: &[Layer]) -> Vec<u8> {
        let tag = evidence::signature_tag(&self.image.digest());
        self.layout().tagged(&evidence::manifest(layers), &tag).tar()
    }

    /// The image with the layers of an `.att` manifest.
    pub fn with_attestations(&self, layers: &[Layer]) -> Vec<u8> {
        let tag = evidence::attestation_tag(&self.image.digest());
        self.layout().tagged(&evidence::manifest(layers), &tag).tar()
    }

    /// The image with a bundle as its referrer.
    pub fn with_bundle(&self, bundle: &Bundle) -> Vec<u8> {
        self.layout().referrer(&bundle.referrer(&self.image)).tar()
    }

    /// The image with any bytes in the place of a bundle.
    pub fn with_bundle_bytes(&self, bundle: &[u8], predicate_type: Option<&str>) -> Vec<u8> {
        self.layout().referrer(&evidence::referrer(bundle, predicate_type, &self.image)).tar()
    }

    /// The image alone.
    pub fn layout(&self) -> Layout {
        let mut layout = Layout::default();
        layout.image(&self.image, REPOSITORY, "1.0");
        layout
    }

    // Signatures of the older kind.

    /// Signed by key, without a log; changed last.
    pub fn keyed(&mut self, change: impl FnOnce(&mut LegacySignature)) -> Vec<u8> {
        let payload = self.payload();
        self.keyed_payload(KeyKind::P256, &payload, change)
    }

    /// The same over any payload with any key.
    pub fn keyed_payload(
        &mut self,
        kind: KeyKind,
        payload: &[u8],
        change: impl FnOnce(&mut LegacySignature),
    ) -> Vec<u8> {
        let signer = Signer::key(self.key(kind));
        let mut signature = self.at().sign(&signer, payload, Log::None);
        change(&mut signature);
        self.with_signatures(&[signature.layer()])
    }

    /// The same, changed where it lies in the manifest.
    pub fn keyed_layer(&mut self, change: impl FnOnce(&mut Layer)) -> Vec<u8> {
        let payload = self.payload();
        let signer = Signer::key(self.key(KeyKind::P256));
        let mut layer = self.at().sign(&signer, &payload, Log::None).layer();
        change(&mut layer);
        self.with_signatures(&[layer])
    }

    /// Signed by key and logged; the log's body changed before it is taken in.
    pub fn keyed_body(&mut self, change: impl FnOnce(&mut Value)) -> Vec<u8> {
        let signer = Signer::key(self.key(KeyKind::P256));
        self.signature_body(&signer, change)
    }

    /// Signed by certificate and logged; changed last.
    pub fn keyless(
        &mut self,
        change: impl FnOnce(&mut LegacySignature, &VirtualSigstore),
    ) -> Vec<u8> {
        let payload = self.payload();
        self.keyless_payload(&payload, change)
    }

    /// The same over any payload.
    pub fn keyless_payload(
        &mut self,
        payload: &[u8],
        change: impl FnOnce(&mut LegacySignature, &VirtualSigstore),
    ) -> Vec<u8> {
        let signer = self.signer();
        let mut signature = self.at().sign(&signer, payload, Log::Promise);
        change(&mut signature, &self.sigstore);
        self.with_signatures(&[signature.layer()])
    }

    /// The same, changed where it lies in the manifest.
    pub fn keyless_layer(&mut self, change: impl FnOnce(&mut Layer)) -> Vec<u8> {
        let payload = self.payload();
        let signer = self.signer();
        let mut layer = self.at().sign(&signer, &payload, Log::Promise).layer();
        change(&mut layer);
        self.with_signatures(&[layer])
    }

    /// The same with a certificate changed before it is issued.
    pub fn keyless_certificate(
        &mut self,
        change: impl FnOnce(&mut Template, &VirtualSigstore),
    ) -> Vec<u8> {
        let signer = self.at().certify_with(&Self::person(), change);
        self.keyless_by(&signer)
    }

    /// The same by any signer.
    pub fn keyless_by(&mut self, signer: &Signer) -> Vec<u8> {
        let payload = self.payload();
        let signature = self.at().sign(signer, &payload, Log::Promise);
        self.with_signatures(&[signature.layer()])
    }

    /// The same with a log body changed before it is taken in.
    pub fn keyless_body(&mut self, change: impl FnOnce(&mut Value)) -> Vec<u8> {
        let signer = self.signer();
        self.signature_body(&signer, change)
    }

    /// The same with a log entry changed, and promised again as it then is.
    pub fn keyless_entry(&mut self, change: impl FnOnce(&mut Entry)) -> Vec<u8> {
        self.keyless(|signature, sigstore| {
            let entry = signature.entry.as_mut().expect("the signature is logged");
            change(entry);
            entry.promise = sigstore.rekor.promise(entry);
        })
    }

    /// The same with the text of the log annotation changed.
    pub fn keyless_annotation(&mut self, change: impl FnOnce(&str) -> String) -> Vec<u8> {
        self.keyless_layer(|layer| {
            let text = change(&layer.annotations[evidence::ENTRY]);
            assert_ne!(text, layer.annotations[evidence::ENTRY], "the change changes something");
            layer.annotate(evidence::ENTRY, &text);
        })
    }

    fn signature_body(&mut self, signer: &Signer, change: impl FnOnce(&mut Value)) -> Vec<u8> {
        let payload = self.payload();
        let mut signature = self.at().sign(signer, &payload, Log::None);
        let mut body = rekor::hashedrekord(&payload, &signature.signature, &signer.verifier());
        change(&mut body);
        let at = self.at();
        signature.entry = Some(at.sigstore.rekor.log(&body, at.time));
        self.with_signatures(&[signature.layer()])
    }

    // Attestations of the older kind.

    /// A statement signed by key, without a log; changed last.
    pub fn keyed_attestation(
        &mut self,
        statement: &Value,
        change: impl FnOnce(&mut LegacyAttestation),
    ) -> Vec<u8> {
        let signer = Signer::key(self.key(KeyKind::P256));
        let mut attestation = self.at().attest(&signer, statement, AttestationLog::None);
        change(&mut attestation);
        self.with_attestations(&[attestation.layer()])
    }

    /// An envelope of any content, signed by key.
    pub fn keyed_envelope(&mut self, change: impl FnOnce(&mut Envelope)) -> Vec<u8> {
        let signer = Signer::key(self.key(KeyKind::P256));
        let mut envelope = Envelope::statement(&self.provenance());
        change(&mut envelope);
        if envelope.signatures.is_empty() {
            envelope.signatures = vec![signer.key.sign(&envelope.signed_bytes())];
        }
        let mut attestation = self.at().attest_envelope(&signer, &envelope, AttestationLog::None);
        dsse::SLSA_PROVENANCE.clone_into(&mut attestation.predicate_type);
        self.with_attestations(&[attestation.layer()])
    }

    /// A statement signed by certificate and logged.
    pub fn keyless_attestation(&mut self, log: AttestationLog) -> Vec<u8> {
        self.keyless_attestation_body(log, |_| {})
    }

    /// The same with a log body changed before it is taken in.
    pub fn keyless_attestation_body(
        &mut self,
        log: AttestationLog,
        change: impl FnOnce(&mut Value),
    ) -> Vec<u8> {
        let signer = self.signer();
        let statement = self.provenance();
        let before = self.sigstore.rekor.clone();
        let mut attestation = self.at().attest(&signer, &statement, log);
        let entry = attestation.entry.as_ref().expect("the attestation is logged");
        let mut body = serde_json::from_slice(&entry.body).expect("our own body is JSON");
        change(&mut body);
        self.sigstore.rekor = before;
        let at = self.at();
        attestation.entry = Some(at.sigstore.rekor.log(&body, at.time));
        self.with_attestations(&[attestation.layer()])
    }

    // Bundles.

    /// Version 0.3 over the manifest's bytes, by certificate; changed last.
    pub fn message(&mut self, change: impl FnOnce(&mut Bundle, &VirtualSigstore)) -> Vec<u8> {
        let signer = self.signer();
        let message = self.image.manifest.clone();
        let mut bundle = self.at().bundle_message(&signer, &message);
        change(&mut bundle, &self.sigstore);
        self.with_bundle(&bundle)
    }

    /// Version 0.3 over cosign's statement, by certificate; changed last.
    pub fn signed(&mut self, change: impl FnOnce(&mut Bundle, &VirtualSigstore)) -> Vec<u8> {
        let statement = self.sign_statement();
        self.stated(&statement, change)
    }

    /// Version 0.3 over any statement, by certificate; changed last.
    pub fn stated(
        &mut self,
        statement: &Value,
        change: impl FnOnce(&mut Bundle, &VirtualSigstore),
    ) -> Vec<u8> {
        let signer = self.signer();
        let mut bundle = self.at().bundle_statement(&signer, statement);
        change(&mut bundle, &self.sigstore);
        self.with_bundle(&bundle)
    }

    /// Version 0.3 over an envelope of any content, by certificate.
    pub fn enveloped(&mut self, change: impl FnOnce(&mut Envelope)) -> Vec<u8> {
        let signer = self.signer();
        let mut envelope = Envelope::statement(&self.sign_statement());
        change(&mut envelope);
        if envelope.signatures.is_empty() {
            envelope.signatures = vec![signer.key.sign(&envelope.signed_bytes())];
        }
        let bundle = self.at().bundle(&signer, Content::Envelope(envelope));
        let bytes = compact(&bundle.json());
        self.with_bundle_bytes(&bytes, Some(dsse::COSIGN_SIGN))
    }

    /// Version 0.3 over cosign's statement, its document changed.
    pub fn signed_json(&mut self, change: impl FnOnce(&mut Value)) -> Vec<u8> {
        let signer = self.signer();
        let statement = self.sign_statement();
        let mut bundle = self.at().bundle_statement(&signer, &statement).json();
        change(&mut bundle);
        self.with_bundle_bytes(&compact(&bundle), Some(dsse::COSIGN_SIGN))
    }

    /// Version 0.3 over the manifest's bytes, its document changed.
    pub fn message_json(&mut self, change: impl FnOnce(&mut Value)) -> Vec<u8> {
        let signer = self.signer();
        let message = self.image.manifest.clone();
        let mut bundle = self.at().bundle_message(&signer, &message).json();
        change(&mut bundle);
        self.with_bundle_bytes(&compact(&bundle), None)
    }

    /// Version 0.3 over any content, with a log body changed before it is taken in.
    pub fn bundle_with_body(
        &mut self,
        content: impl FnOnce(&Self, &Signer) -> Content,
        change: impl FnOnce(&mut Value),
    ) -> Vec<u8> {
        let signer = self.signer();
        let content = content(self, &signer);
        let mut body = bundle_body(&signer, &content);
        change(&mut body);
        let at = self.at();
        let entry = at.sigstore.rekor.log(&body, at.time);
        self.with_bundle(&Bundle {
            version: Version::V03,
            material: Material::of(&signer),
            entries: vec![entry],
            timestamps: Vec::new(),
            content,
        })
    }

    /// Cosign's statement in an envelope, signed.
    pub fn sign_content(&self, signer: &Signer) -> Content {
        let mut envelope = Envelope::statement(&self.sign_statement());
        envelope.signatures =
            vec![signer.key.sign_with(signer.key.hash(), &envelope.signed_bytes())];
        Content::Envelope(envelope)
    }

    /// The manifest's bytes, signed.
    pub fn message_content(&self, signer: &Signer) -> Content {
        Content::message(signer, &self.image.manifest)
    }

    /// Version 0.3 by key, without a log; changed last.
    pub fn keyed_bundle(&mut self, kind: KeyKind, change: impl FnOnce(&mut Bundle)) -> Vec<u8> {
        let signer = Signer::key(self.key(kind));
        let content = self.sign_content(&signer);
        let mut bundle = Bundle {
            version: Version::V03,
            material: Material::of(&signer),
            entries: Vec::new(),
            timestamps: Vec::new(),
            content,
        };
        change(&mut bundle);
        self.with_bundle(&bundle)
    }

    /// Version 0.3 with the entry of a Rekor v2 log and a timestamp, by certificate; changed last.
    pub fn rekor_v2(
        &mut self,
        content: impl FnOnce(&Self, &Signer) -> Content,
        change: impl FnOnce(&mut Bundle, &VirtualSigstore),
    ) -> Vec<u8> {
        let signer = self.signer();
        let content = content(self, &signer);
        let mut bundle = self.at().bundle_v2(&signer, content);
        change(&mut bundle, &self.sigstore);
        self.with_bundle(&bundle)
    }
}

/// The kinds of keys that images are signed with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    P256,
    P384,
    P521,
    Ed25519,
    Rsa2048,
    RsaPss2048,
    Rsa1024,
}

impl KeyKind {
    /// The name of the key's file.
    pub fn name(self) -> &'static str {
        match self {
            Self::P256 => "p256.pub",
            Self::P384 => "p384.pub",
            Self::P521 => "p521.pub",
            Self::Ed25519 => "ed25519.pub",
            Self::Rsa2048 => "rsa2048.pub",
            Self::RsaPss2048 => "rsa2048-pss.pub",
            Self::Rsa1024 => "rsa1024.pub",
        }
    }
}
