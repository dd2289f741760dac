//! What `diff` tells: the verdict first, then every difference; or JSON, version 1.

use anyhow::Result;
use sealift::digest::Digest;
use sealift::report::text::{Lines, count};
use sealift::transfer::{
    Attached, AttachedBy, BlobDifference, BlobDifferenceKind, Compared, Comparison,
    EvidenceDifference, ImageDifference, Side,
};
use serde::Serialize;

pub(super) fn text(comparison: &Comparison, names: &[String; 2]) -> String {
    let mut lines = Lines::default();
    let Compared { images, evidence, blobs, bytes } = comparison.compared;
    let compared = format!(
        "{}, {}, {} ({bytes} bytes)",
        count(images, "image"),
        count(evidence, "piece of evidence"),
        count(blobs, "blob")
    );
    if comparison.is_same() {
        lines.line("", &format!("same: {compared}"));
    } else {
        lines.line(
            "",
            &format!(
                "different: {} of {images} images, {} of {evidence} pieces of evidence, {} of {blobs} blobs",
                comparison.images.len(),
                comparison.evidence.len(),
                comparison.blobs.len()
            ),
        );
    }
    for (side, name) in [Side::A, Side::B].into_iter().zip(names) {
        lines.hanging("  ", &format!("{} is ", letter(side)), name);
    }
    for ImageDifference { name, a, b } in &comparison.images {
        lines.blank();
        match (a, b) {
            (Some(a), Some(b)) => {
                lines.hanging("", "another image: ", name);
                lines.line("  ", &format!("A {a}"));
                lines.line("  ", &format!("B {b}"));
            }
            (a, b) => {
                let only_in = if a.is_some() { Side::A } else { Side::B };
                lines.hanging("", &format!("image only in {}: ", letter(only_in)), name);
                for digest in a.iter().chain(b) {
                    lines.line("  ", &digest.to_string());
                }
            }
        }
    }
    for EvidenceDifference { image, evidence, only_in } in &comparison.evidence {
        let Attached { subject, digest, place } = evidence;
        lines.blank();
        lines.hanging("", &format!("evidence only in {}: ", letter(*only_in)), image);
        lines.line("  ", &format!("{digest}"));
        lines.hanging("  ", "of ", &subject.to_string());
        lines.line("  ", shown(*place));
    }
    for BlobDifference { digest, size, kind } in &comparison.blobs {
        let (what, side) = told(*kind);
        lines.blank();
        lines.line("", &format!("blob {what} in {}: {size} bytes", letter(side)));
        lines.line("  ", &digest.to_string());
    }
    lines.finish()
}

fn letter(side: Side) -> &'static str {
    match side {
        Side::A => "A",
        Side::B => "B",
    }
}

fn shown(place: AttachedBy) -> &'static str {
    match place {
        AttachedBy::SigTag => "signatures, under their tag",
        AttachedBy::AttTag => "attestations, under their tag",
        AttachedBy::SbomTag => "an SBOM, under its tag",
        AttachedBy::Referrers => "a referrer",
    }
}

fn told(kind: BlobDifferenceKind) -> (&'static str, Side) {
    match kind {
        BlobDifferenceKind::OnlyIn(side) => ("only", side),
        BlobDifferenceKind::BrokenIn(side) => ("broken", side),
    }
}

pub(super) fn json(comparison: &Comparison, names: &[String; 2]) -> Result<String> {
    let Compared { images, evidence, blobs, bytes } = comparison.compared;
    let [a, b] = names;
    let told = Told {
        version: 1,
        verdict: if comparison.is_same() { "same" } else { "different" },
        a,
        b,
        compared: ToldCompared { images, evidence, blobs, bytes },
        images: comparison.images.iter().map(ToldImage::of).collect(),
        evidence: comparison.evidence.iter().map(ToldEvidence::of).collect(),
        blobs: comparison.blobs.iter().map(ToldBlob::of).collect(),
    };
    Ok(serde_json::to_string_pretty(&told)? + "\n")
}

#[derive(Serialize)]
struct Told<'a> {
    version: u8,
    verdict: &'static str,
    a: &'a str,
    b: &'a str,
    compared: ToldCompared,
    images: Vec<ToldImage<'a>>,
    evidence: Vec<ToldEvidence<'a>>,
    blobs: Vec<ToldBlob>,
}

#[derive(Serialize)]
struct ToldCompared {
    images: usize,
    evidence: usize,
    blobs: usize,
    bytes: u64,
}

#[derive(Serialize)]
struct ToldImage<'a> {
    name: &'a str,
    a: Option<Digest>,
    b: Option<Digest>,
}

impl<'a> ToldImage<'a> {
    fn of(difference: &'a ImageDifference) -> Self {
        Self { name: &difference.name, a: difference.a, b: difference.b }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToldEvidence<'a> {
    image: &'a str,
    subject: Digest,
    digest: Digest,
    place: &'static str,
    only_in: &'static str,
}

impl<'a> ToldEvidence<'a> {
    fn of(difference: &'a EvidenceDifference) -> Self {
        let Attached { subject, digest, place } = difference.evidence;
        let place = match place {
            AttachedBy::SigTag => "sig-tag",
            AttachedBy::AttTag => "att-tag",
            AttachedBy::SbomTag => "sbom-tag",
            AttachedBy::Referrers => "referrers",
        };
        let only_in = side(difference.only_in);
        Self { image: &difference.image, subject, digest, place, only_in }
    }
}

#[derive(Serialize)]
struct ToldBlob {
    digest: Digest,
    size: u64,
    kind: &'static str,
    side: &'static str,
}

impl ToldBlob {
    fn of(difference: &BlobDifference) -> Self {
        let BlobDifference { digest, size, kind } = *difference;
        let (kind, at) = match kind {
            BlobDifferenceKind::OnlyIn(at) => ("only-in", at),
            BlobDifferenceKind::BrokenIn(at) => ("broken-in", at),
        };
        Self { digest, size, kind, side: side(at) }
    }
}

fn side(side: Side) -> &'static str {
    match side {
        Side::A => "a",
        Side::B => "b",
    }
}
