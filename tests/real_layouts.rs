//! Real signed images: every layout opens in every form, and its evidence is found.
//!
//! The layouts lie outside the project, where `SEALIFT_VECTORS` says (default `../shared/vectors`).

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "tests read the world and say so"
)]

use std::path::{Path, PathBuf};

use sealift::archive::{Archive, ArchiveWriter};
use sealift::inventory::{FoundBy, Inventory, Piece};
use sealift::limits::Limits;

/// Folder, then what is told of each subject and orphan.
const LAYOUTS: [(&str, &[&str]); 4] = [
    ("ci-valid", &["image: signature by tag"]),
    ("ci-manifest-digest-error", &["unreadable: signature by tag"]),
    ("gcb-31760b44", &["orphan of 5ce2d8cd"]),
    ("slsa-generic-container-v1.6.0", &["index: attestation by kind", "image: ", "image: "]),
];

fn vectors() -> Option<PathBuf> {
    let root = std::env::var_os("SEALIFT_VECTORS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/vectors"),
        PathBuf::from,
    );
    let layouts = root.join("real/oci-layouts");
    if layouts.is_dir() {
        return Some(layouts);
    }
    println!("skipped: no real layouts at {}", layouts.display());
    None
}

fn tell(inventory: &Inventory) -> Vec<String> {
    let tell_one = |subject: &sealift::inventory::Subject| {
        let kind = match &subject.content {
            Ok(content) => match content.document {
                sealift::oci::Document::Index(_) => "index",
                sealift::oci::Document::Manifest(_) => "image",
            },
            Err(_) => "unreadable",
        };
        let evidence: Vec<_> = subject
            .evidence
            .iter()
            .map(|evidence| {
                let by = match evidence.found_by {
                    FoundBy::Tag(_) => "tag",
                    FoundBy::CosignKind => "kind",
                    FoundBy::Subject => "subject",
                    FoundBy::FallbackTag => "fallback",
                };
                let mut pieces: Vec<_> = evidence
                    .pieces
                    .iter()
                    .map(|piece| match piece {
                        Piece::Signature(_) => "signature",
                        Piece::Attestation(_) => "attestation",
                        Piece::Bundle(_) => "bundle",
                        Piece::Carried(_) => "carried",
                        Piece::Unreadable(..) => "unreadable",
                    })
                    .collect();
                pieces.dedup();
                format!("{} by {by}", pieces.join(", "))
            })
            .collect();
        format!("{kind}: {}", evidence.join("; "))
    };
    let orphans = inventory.orphans.iter().map(|orphan| {
        let subject = orphan.subject.map(|subject| subject.hex()[..8].to_owned());
        format!("orphan of {}", subject.unwrap_or_default())
    });
    inventory.subjects.iter().map(tell_one).chain(orphans).collect()
}

#[test]
fn evidence_is_found() {
    let Some(layouts) = vectors() else { return };
    let limits = Limits::default();
    for (name, expected) in LAYOUTS {
        let archive = Archive::open(&layouts.join(name), &limits).unwrap();
        let inventory = Inventory::of(&archive, &limits).unwrap();
        assert_eq!(tell(&inventory), expected, "{name}");
        assert_eq!(inventory.notes, [], "{name}");
    }
}

#[test]
fn every_layout_reads_the_same_as_a_tar() {
    let Some(layouts) = vectors() else { return };
    let limits = Limits::default();
    let scratch = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(&layouts).unwrap() {
        let path = entry.unwrap().path();
        let archive = Archive::open(&path, &limits).unwrap();
        let told = tell(&Inventory::of(&archive, &limits).unwrap());
        assert!(
            told.iter().any(|line| line.contains(" by ") || line.starts_with("orphan of ")),
            "{}: {told:?}",
            path.display()
        );

        let target = scratch.path().join("x.tar");
        let mut writer = ArchiveWriter::create(&target).unwrap();
        writer.index(&std::fs::read(path.join("index.json")).unwrap()).unwrap();
        for (digest, size) in archive.store().blobs() {
            let file = path.join(format!("blobs/{}/{}", digest.algorithm(), digest.hex()));
            writer.blob(&digest, size, &mut std::fs::File::open(file).unwrap()).unwrap();
        }
        writer.finish().unwrap();
        let tar = Archive::open(&target, &limits).unwrap();
        assert_eq!(tell(&Inventory::of(&tar, &limits).unwrap()), told, "{}", path.display());
        assert_eq!(tar.index_digest(), archive.index_digest());
        let stream = Archive::from_stream(std::fs::File::open(&target).unwrap(), &limits).unwrap();
        assert_eq!(tell(&Inventory::of(&stream, &limits).unwrap()), told, "{}", path.display());
    }
}
