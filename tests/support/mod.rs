//! The *virtual Sigstore*: every authority that signed images rest on, in memory, from one seed, at
//! any time.
//!
//! It shares no code with the verifier it judges: DER is written by hand, the Merkle tree follows
//! the definition of RFC 6962, and keys sign with the `RustCrypto` crates whichever backend verifies.
//! What it mints is a value with open fields, so a test takes right evidence, changes one thing and
//! seals it. Start at [`VirtualSigstore::at`]; the ready-made images and mistakes of `testdata` are in
//! [`demo`], [`accepted`] and [`negative`].

#![allow(dead_code, reason = "each test file uses its own part of the authority")]
#![allow(unreachable_pub, reason = "`pub` marks what test files may use")]
#![allow(missing_docs, reason = "a field named for the specification's word explains itself")]
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    reason = "the input is our own; a wrong index fails the test that made it"
)]

pub mod accepted;
pub mod bench;
pub mod ca;
pub mod ct_log;
pub mod demo;
pub mod der;
pub mod dsse;
pub mod evidence;
pub mod image;
pub mod key;
pub mod layout;
pub mod merkle;
pub mod negative;
pub mod note;
pub mod rekor;
pub mod rekor_v2;
pub mod trusted_root;
pub mod tsa;
pub mod tuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealift::digest::{Digest, hex};
use sealift::time::UnixTime;
use serde_json::Value;

use ca::{CertificateAuthority, Identity, Template};
use ct_log::CtLog;
use dsse::Envelope;
use evidence::{Bundle, Content, LegacyAttestation, LegacySignature, Material, Signer, Version};
use key::Key;
use rekor::Rekor;
use rekor_v2::RekorV2;
use trusted_root::ValidFor;
use tsa::TimestampAuthority;

/// The organisation that all of this belongs to.
pub const ORGANIZATION: &str = "virtual.sealift.example";

/// The error with its causes, as a user reads it.
pub fn told(error: &dyn std::error::Error) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        told = format!("{told}: {next}");
        cause = next.source();
    }
    told
}

/// All authorities, each with a predecessor that is no longer believed.
#[derive(Clone)]
pub struct VirtualSigstore {
    seed: String,
    signers: u32,
    pub fulcio: CertificateAuthority,
    pub retired_fulcio: CertificateAuthority,
    pub ct_log: CtLog,
    pub retired_ct_log: CtLog,
    pub rekor: Rekor,
    pub retired_rekor: Rekor,
    pub rekor_v2: RekorV2,
    pub rekor_v2_p256: RekorV2,
    pub tsa: TimestampAuthority,
    pub private: CertificateAuthority,
}

impl VirtualSigstore {
    /// The authorities of `seed`; another seed is another world that knows nothing of this one.
    pub fn new(seed: &str) -> Self {
        let start = time("2025-01-01T00:00:00Z");
        let end = time("2035-01-01T00:00:00Z");
        let named = |what: &str| format!("sealift virtual sigstore {seed} {what}");
        let authority = |what: &str, organization: &str| {
            CertificateAuthority::new(&named(what), organization, start, end)
        };
        Self {
            seed: seed.to_owned(),
            signers: 0,
            fulcio: authority("fulcio", ORGANIZATION),
            retired_fulcio: authority("retired fulcio", "retired.virtual.sealift.example"),
            ct_log: CtLog::new(&named("ct"), "https://ctfe.virtual.sealift.example/2026"),
            retired_ct_log: CtLog::new(
                &named("retired ct"),
                "https://ctfe.virtual.sealift.example/2025",
            ),
            rekor: Rekor::new(&named("rekor"), "rekor.virtual.sealift.example", 11),
            retired_rekor: Rekor::new(
                &named("retired rekor"),
                "rekor2025.virtual.sealift.example",
                5,
            ),
            rekor_v2: RekorV2::new(
                "log2026-1.rekor.virtual.sealift.example",
                Key::ed25519(&named("rekor v2")),
                13,
            ),
            rekor_v2_p256: RekorV2::new(
                "log2026-2.rekor.virtual.sealift.example",
                Key::p256(&named("rekor v2 p256")),
                6,
            ),
            tsa: TimestampAuthority::new(&named("tsa"), ORGANIZATION, start, end),
            private: authority("private", "private.example"),
        }
    }

    /// Works at a time, given in RFC 3339.
    pub fn at(&mut self, text: &str) -> Moment<'_> {
        Moment { time: time(text), sigstore: self }
    }

    /// The root that names every authority; the retired ones to the end of 2025.
    pub fn trusted_root(&self) -> Value {
        let current = ValidFor { start: time("2025-01-01T00:00:00Z"), end: None };
        let retired = ValidFor {
            start: time("2025-01-01T00:00:00Z"),
            end: Some(time("2025-12-31T23:59:59.999Z")),
        };
        let mut root = trusted_root::empty();
        root["tlogs"] = Value::from(vec![
            trusted_root::rekor(&self.retired_rekor, retired),
            trusted_root::rekor(&self.rekor, current),
            trusted_root::rekor_v2(&self.rekor_v2, current),
            trusted_root::rekor_v2(&self.rekor_v2_p256, current),
        ]);
        root["certificateAuthorities"] = Value::from(vec![
            trusted_root::certificate_authority(&self.retired_fulcio, retired),
            trusted_root::certificate_authority(&self.fulcio, current),
        ]);
        root["ctlogs"] = Value::from(vec![
            trusted_root::ct_log(&self.retired_ct_log, retired),
            trusted_root::ct_log(&self.ct_log, current),
        ]);
        root["timestampAuthorities"] =
            Value::from(vec![trusted_root::timestamp_authority(ORGANIZATION, &self.tsa, current)]);
        root
    }

    /// A root that names the private authority and the log, and no CT log.
    pub fn private_root(&self) -> Value {
        let current = ValidFor { start: time("2025-01-01T00:00:00Z"), end: None };
        let mut root = trusted_root::empty();
        root["tlogs"] = Value::from(vec![trusted_root::rekor(&self.rekor, current)]);
        root["certificateAuthorities"] =
            Value::from(vec![trusted_root::certificate_authority(&self.private, current)]);
        root
    }

    /// A key of this world that nothing else uses.
    pub fn seed(&self, what: &str) -> String {
        format!("sealift virtual sigstore {} {what}", self.seed)
    }
}

/// The virtual Sigstore at one time.
pub struct Moment<'a> {
    pub time: UnixTime,
    pub sigstore: &'a mut VirtualSigstore,
}

/// Whether evidence of the older kind carries a log entry.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Log {
    None,
    /// The kind of entry that fits: `hashedrekord` for a signature.
    Promise,
}

/// The kind of entry that an attestation of the older kind carries.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum AttestationLog {
    None,
    Intoto001,
    Intoto002,
    Dsse001,
}

impl Moment<'_> {
    /// A fresh key and Fulcio's certificate for it.
    pub fn certify(&mut self, identity: &Identity) -> Signer {
        self.certify_with(identity, |_, _| {})
    }

    /// The same, the certificate changed before it is issued.
    pub fn certify_with(
        &mut self,
        identity: &Identity,
        change: impl FnOnce(&mut Template, &VirtualSigstore),
    ) -> Signer {
        self.sigstore.signers += 1;
        let key = Key::p256(&self.sigstore.seed(&format!("signer {}", self.sigstore.signers)));
        let mut template = Template::fulcio(identity, &key, self.time, &self.sigstore.ct_log);
        change(&mut template, self.sigstore);
        let certificate = self.sigstore.fulcio.issue(&template);
        Signer { key, certificate: Some(certificate), chain: self.sigstore.fulcio.chain() }
    }

    /// A fresh key and the private authority's certificate for it.
    pub fn certify_privately(&mut self, common_name: &str, email: &str) -> Signer {
        self.sigstore.signers += 1;
        let key = Key::p256(&self.sigstore.seed(&format!("signer {}", self.sigstore.signers)));
        let template = Template::private(common_name, email, &key, self.time);
        let certificate = self.sigstore.private.issue(&template);
        Signer { key, certificate: Some(certificate), chain: self.sigstore.private.chain() }
    }

    /// Signs a payload the older way.
    pub fn sign(&mut self, signer: &Signer, payload: &[u8], log: Log) -> LegacySignature {
        let signature = signer.key.sign(payload);
        let entry = (log == Log::Promise).then(|| {
            let body = rekor::hashedrekord(payload, &signature, &signer.verifier());
            self.sigstore.rekor.log(&body, self.time)
        });
        LegacySignature {
            payload: payload.to_vec(),
            signature,
            certificate: signer.certificate.clone(),
            chain: signer.chain.clone(),
            entry,
            timestamp: None,
        }
    }

    /// Signs a statement the older way.
    pub fn attest(
        &mut self,
        signer: &Signer,
        statement: &Value,
        log: AttestationLog,
    ) -> LegacyAttestation {
        let mut envelope = Envelope::statement(statement);
        envelope.signatures = vec![signer.key.sign(&envelope.signed_bytes())];
        self.attest_envelope(signer, &envelope, log)
    }

    /// Carries a signed envelope the older way.
    pub fn attest_envelope(
        &mut self,
        signer: &Signer,
        envelope: &Envelope,
        log: AttestationLog,
    ) -> LegacyAttestation {
        let bytes = envelope.layer();
        let verifier = signer.verifier();
        let body = match log {
            AttestationLog::None => None,
            AttestationLog::Intoto001 => {
                Some(rekor::intoto_001(&bytes, &envelope.payload, &verifier))
            }
            AttestationLog::Intoto002 => {
                let hash = Digest::sha256(&bytes);
                Some(rekor::intoto_002(envelope, &hash, &verifier))
            }
            AttestationLog::Dsse001 => Some(rekor::dsse_001(&bytes, envelope, &verifier)),
        };
        let entry = body.map(|body| self.sigstore.rekor.log(&body, self.time));
        let statement: Value = serde_json::from_slice(&envelope.payload).unwrap_or_default();
        LegacyAttestation {
            bytes,
            predicate_type: statement["predicateType"].as_str().unwrap_or_default().to_owned(),
            certificate: signer.certificate.clone(),
            chain: signer.chain.clone(),
            entry,
            timestamp: None,
        }
    }

    /// A bundle of version 0.3 over a message, logged by Rekor v1.
    pub fn bundle_message(&mut self, signer: &Signer, message: &[u8]) -> Bundle {
        let content = Content::message(signer, message);
        self.bundle(signer, content)
    }

    /// A bundle of version 0.3 over a statement, logged by Rekor v1.
    pub fn bundle_statement(&mut self, signer: &Signer, statement: &Value) -> Bundle {
        let mut envelope = Envelope::statement(statement);
        envelope.signatures =
            vec![signer.key.sign_with(signer.key.hash(), &envelope.signed_bytes())];
        self.bundle(signer, Content::Envelope(envelope))
    }

    /// A bundle of version 0.3 over content that is signed already, logged by Rekor v1.
    pub fn bundle(&mut self, signer: &Signer, content: Content) -> Bundle {
        let body = bundle_body(signer, &content);
        let entry = self.sigstore.rekor.log(&body, self.time);
        Bundle {
            version: Version::V03,
            material: Material::of(signer),
            entries: vec![entry],
            timestamps: Vec::new(),
            content,
        }
    }

    /// The same bundle with the entry of a Rekor v2 log, and for a certificate a signed timestamp.
    pub fn bundle_v2(&mut self, signer: &Signer, content: Content) -> Bundle {
        let entry = self.sigstore.rekor_v2.log(&content, signer);
        let mut bundle = Bundle {
            version: Version::V03,
            material: Material::of(signer),
            entries: vec![entry],
            timestamps: Vec::new(),
            content,
        };
        if signer.certificate.is_some() {
            bundle.timestamps = vec![self.stamp(&bundle.content)];
        }
        bundle
    }

    /// The timestamp over the signature of `content`.
    pub fn stamp(&self, content: &Content) -> Vec<u8> {
        let signature = match content {
            Content::Message { signature, .. } => signature,
            Content::Envelope(envelope) => {
                envelope.signatures.first().expect("an envelope to be stamped is signed")
            }
        };
        self.sigstore.tsa.stamp(signature, self.time)
    }
}

/// What a client has Rekor v1 log for a bundle: `hashedrekord` or `dsse`.
pub fn bundle_body(signer: &Signer, content: &Content) -> Value {
    match content {
        Content::Message { algorithm, digest, signature } => {
            let algorithm = match *algorithm {
                "SHA2_384" => "sha384",
                "SHA2_512" => "sha512",
                _ => "sha256",
            };
            let value = hex(digest);
            rekor::hashedrekord_of(algorithm, &value, signature, &signer.verifier())
        }
        Content::Envelope(envelope) => {
            let uploaded = compact(&envelope.in_bundle());
            rekor::dsse_001(&uploaded, envelope, &signer.verifier())
        }
    }
}

/// A time in RFC 3339.
pub fn time(text: &str) -> UnixTime {
    text.parse().expect("the text is RFC 3339")
}

/// A time some seconds later, or earlier.
pub fn plus(time: UnixTime, seconds: i64) -> UnixTime {
    UnixTime::from_seconds(time.seconds() + seconds).expect("the time stays in our era")
}

/// Standard base64 with padding.
pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// JSON without white space, keys sorted.
pub fn compact(value: &Value) -> Vec<u8> {
    serde_json::to_vec(&sorted(value)).expect("a value is always JSON")
}

/// The same value with the keys of every object sorted, whatever order `serde_json` was built to keep.
pub fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: Vec<(&String, &Value)> = members.iter().collect();
            members.sort_by_key(|(key, _)| *key);
            members.into_iter().map(|(key, value)| (key.clone(), sorted(value))).collect()
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}
