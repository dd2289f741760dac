//! Keys and facts for tests.

use std::collections::BTreeMap;

use crate::crypto::PublicKey;
use crate::digest::Digest;
use crate::verify::{
    CertificateAuthority, Claim, Facts, Form, Identity, LogEntry, Signer, SubjectAlternativeName,
    TrustId,
};

/// The public keys of the P-256 secrets 0x0101.., 0x0202.. and 0x0303..
const KEYS: [&str; 3] = [
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEb/A7lJJBzh2t1DUZ5pYOCoW0Gmmg\n\
     XDKBA6orzhWUyhY8T3U6Vb8B3FP2wLDH7ueLQMb/fSWpbiKCuYnO9xwUSg==",
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEVQ9HEAPz35fD31Bqx5f2ch+xoft7\n\
     j2+D0iRJimXIjiQTYJPXAS5QmnNxXL0LAKPMD/S1wBs/+hlqsfsycDa45g==",
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEWRq3ceu8/W2cuQlNEGUordGmnUTC\n\
     wfYn8InsWLnGGt+fTmq/DQRcDGk6PGitfJfKcr5k3vSib+zSY92YqSeA8A==",
];

/// The key number 1, 2 or 3 in PEM.
pub(super) fn key_pem(number: usize) -> String {
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", KEYS[number - 1])
}

pub(super) fn key(number: usize) -> PublicKey {
    PublicKey::from_pem(&key_pem(number)).unwrap()
}

pub(super) fn signature() -> Claim {
    Claim::Signature { docker_reference: None, annotations: BTreeMap::new() }
}

pub(super) fn attestation(predicate_type: &str) -> Claim {
    Claim::Attestation { predicate_type: predicate_type.to_owned(), statement: Vec::new() }
}

/// A signature with a key, in no log.
pub(super) fn by_key(number: usize) -> Facts {
    Facts {
        trust: TrustId::default(),
        form: Form::Legacy,
        id: Digest::sha256(b"signature"),
        layer: None,
        claim: signature(),
        signer: Signer::Key { id: key(number).id() },
        log_entries: Vec::new(),
        times: Vec::new(),
        sct_logs: Vec::new(),
        anchors: Vec::new(),
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
