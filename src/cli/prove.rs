//! What `mirror --prove` tells: a matrix of images and the consumers of their evidence.

use sealift::digest::Digest;
use sealift::report::text::Lines;
use sealift::transfer::{Consumer, Lost, ReadBack, View};
use serde::Serialize;

/// How much of what consumers need is not found.
pub(crate) fn lost(images: &[ReadBack]) -> usize {
    images.iter().flat_map(|image| &image.views).map(|view| view.lost.len()).sum()
}

/// Verdict, matrix, then everything that is lost.
pub(crate) fn text(images: &[ReadBack]) -> String {
    let mut lines = Lines::default();
    lines.blank();
    lines.line(
        "",
        &match lost(images) {
            0 => "read back: every consumer finds what it reads".to_owned(),
            lost => format!("read back: {lost} not found"),
        },
    );
    lines.unbroken("", &row(Consumer::ALL.map(|consumer| consumer.name().to_owned())));
    for image in images {
        lines.hanging("", "", &image.name.to_string());
        lines.unbroken("", &row(image.views.iter().map(cell)));
    }
    for image in images {
        for View { consumer, lost, .. } in &image.views {
            for Lost { digest, subject, why } in lost {
                lines.blank();
                lines.hanging(
                    "",
                    &format!("not found by {}: ", consumer.name()),
                    &image.name.to_string(),
                );
                lines.line("  ", &digest.to_string());
                if subject != digest {
                    lines.hanging("  ", "of ", &subject.to_string());
                }
                lines.hanging("  ", "", why);
            }
        }
    }
    lines.finish()
}

fn row(cells: impl IntoIterator<Item = String>) -> String {
    let cells: Vec<_> = cells.into_iter().map(|cell| format!("{cell:<18}")).collect();
    format!("  {}", cells.join("  ").trim_end())
}

fn cell(view: &View) -> String {
    match (view.found, view.lost.len()) {
        (0, 0) => "-".to_owned(),
        (found, 0) => format!("{found} found"),
        (found, lost) => format!("{found}, {lost} NOT FOUND"),
    }
}

/// The matrix for programs.
#[derive(Serialize)]
pub(crate) struct Proof {
    version: u8,
    lost: usize,
    images: Vec<ProvenImage>,
}

#[derive(Serialize)]
struct ProvenImage {
    name: String,
    digest: Digest,
    consumers: Vec<ProvenView>,
}

#[derive(Serialize)]
struct ProvenView {
    consumer: &'static str,
    found: usize,
    lost: Vec<ProvenLoss>,
}

#[derive(Serialize)]
struct ProvenLoss {
    digest: Digest,
    subject: Digest,
    why: String,
}

impl Proof {
    /// Version 1.
    pub(crate) fn of(images: &[ReadBack]) -> Self {
        let told = images.iter().map(|image| ProvenImage {
            name: image.name.to_string(),
            digest: image.digest,
            consumers: image.views.iter().map(ProvenView::of).collect(),
        });
        Self { version: 1, lost: lost(images), images: told.collect() }
    }
}

impl ProvenView {
    fn of(view: &View) -> Self {
        let lost = view.lost.iter().map(|lost| ProvenLoss {
            digest: lost.digest,
            subject: lost.subject,
            why: lost.why.clone(),
        });
        let consumer = match view.consumer {
            Consumer::Cosign2 => "cosign-2",
            Consumer::Cosign3 => "cosign-3",
            Consumer::ContainersImage => "containers-image",
            Consumer::Kyverno => "kyverno",
        };
        Self { consumer, found: view.found, lost: lost.collect() }
    }
}
