//! Checkpoints: one that a trusted log signed vouches for the size and root that stand in it, and
//! for no other.
#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use libfuzzer_sys::fuzz_target;
use sealift::tlog::InclusionProof;
use sealift::tlog::checkpoint::{CheckpointError, Generation, verify};
use sealift_fuzz::{LIMITS, TRUST};

fuzz_target!(|text: &str| {
    let proof = claimed(text);
    let larger = InclusionProof { tree_size: proof.tree_size.wrapping_add(1), ..proof.clone() };
    let elsewhere = InclusionProof { root_hash: proof.root_hash.map(|b| !b), ..proof.clone() };
    for log in TRUST.logs() {
        for generation in [Generation::RekorV1, Generation::RekorV2] {
            let Ok(()) = verify(&proof, log, generation, &LIMITS) else { continue };
            let origin = text.lines().next().expect("an accepted note has text");
            let host = log.host().expect("logs of the demo have one");
            match generation {
                Generation::RekorV1 => assert!(origin.contains(" - ")),
                Generation::RekorV2 => assert_eq!(origin, host),
            }
            for other in [&larger, &elsewhere] {
                let verdict = verify(other, log, generation, &LIMITS);
                assert_eq!(verdict, Err(CheckpointError::OtherTree));
            }
        }
    }
});

/// A proof for the tree that the text names, read loosely.
fn claimed(text: &str) -> InclusionProof {
    let mut lines = text.lines().skip(1);
    let tree_size = lines.next().and_then(|size| size.parse().ok()).unwrap_or_default();
    let root = lines.next().and_then(|root| STANDARD.decode(root).ok());
    let root_hash = root.and_then(|root| root.try_into().ok()).unwrap_or_default();
    InclusionProof {
        log_index: 0,
        tree_size,
        root_hash,
        hashes: Vec::new(),
        checkpoint: text.to_owned(),
    }
}
