//! Keys and facts for tests, made from fixed seeds.

use std::collections::BTreeMap;

use p256::pkcs8::{EncodePublicKey, LineEnding};

use crate::crypto::PublicKey;
use crate::verify::{
    CertificateAuthority, Claim, Facts, Identity, LogEntry, Signer, SubjectAlternativeName,
};

pub(super) fn key_pem(seed: u8) -> String {
    let secret = p256::SecretKey::from_slice(&[seed; 32]).unwrap();
    secret.public_key().to_public_key_pem(LineEnding::LF).unwrap()
}

pub(super) fn key(seed: u8) -> PublicKey {
    PublicKey::from_pem(&key_pem(seed)).unwrap()
}

pub(super) fn signature() -> Claim {
    Claim::Signature { docker_reference: None, annotations: BTreeMap::new() }
}

pub(super) fn attestation(predicate_type: &str) -> Claim {
    Claim::Attestation { predicate_type: predicate_type.to_owned(), statement: Vec::new() }
}

/// A signature with a key, in no log.
pub(super) fn by_key(seed: u8) -> Facts {
    Facts {
        claim: signature(),
        signer: Signer::Key { id: key(seed).id() },
        log_entries: Vec::new(),
        times: Vec::new(),
        sct_logs: Vec::new(),
        notes: Vec::new(),
    }
}

/// A keyless signature, in a log, with an SCT.
pub(super) fn by_identity(subject: &str, issuer: &str) -> Facts {
    let identity = Identity {
        names: vec![SubjectAlternativeName::Uri(subject.to_owned())],
        issuer: issuer.to_owned(),
        extensions: BTreeMap::new(),
    };
    let authority = CertificateAuthority::TrustedRoot("https://fulcio.example".into());
    Facts {
        signer: Signer::Certificate { authority, identity },
        log_entries: vec![log_entry()],
        sct_logs: vec!["https://ctfe.example".into()],
        ..by_key(1)
    }
}

pub(super) fn log_entry() -> LogEntry {
    LogEntry {
        log: "https://rekor.example".into(),
        index: 7,
        integrated: None,
        promise: true,
        inclusion: false,
    }
}
