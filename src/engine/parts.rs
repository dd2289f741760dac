//! What an image consists of, and what became of it.

use std::collections::BTreeSet;

use super::blobs::{Blobs, State, causes};
use super::selection::Map;
use crate::inventory::{BlobFault, Subject};
use crate::oci::{Descriptor, Document, Manifest};
use crate::policy::{Absent, Fault, Part, Parts};
use crate::report::{Child, Presence, Scope};

/// The manifests an index lists; none for an image.
pub(super) fn children(subject: &Subject) -> &[Descriptor] {
    match subject.content.as_ref().map(|content| &content.document) {
        Ok(Document::Index(index)) => &index.manifests,
        Ok(Document::Manifest(_)) | Err(_) => &[],
    }
}

/// Walks down from one image.
pub(super) struct Walk<'a> {
    pub map: &'a Map<'a>,
    pub blobs: &'a Blobs,
    pub scope: Scope,
}

impl Walk<'_> {
    /// Everything that became of the image's bytes.
    pub(super) fn parts(&self, subject: &Subject) -> Parts {
        let mut parts = Parts::default();
        let mut seen = BTreeSet::from([subject.descriptor.digest]);
        match &subject.content {
            Ok(_) => self.add_content(subject, &mut parts, &mut seen),
            Err(fault) => parts.faults.push(Fault {
                digest: subject.descriptor.digest,
                part: Part::Manifest,
                detail: detail(fault),
            }),
        }
        parts
    }

    /// The children of an index, for the report.
    pub(super) fn children(&self, subject: &Subject) -> Vec<Child> {
        let listed = children(subject).iter();
        listed
            .map(|descriptor| {
                let mut parts = Parts::default();
                self.add_child(descriptor, &mut parts, &mut BTreeSet::new());
                let is_absent =
                    parts.absent.iter().any(|absent| absent.digest == descriptor.digest)
                        || parts.faults.iter().any(|fault| {
                            fault.digest == descriptor.digest && fault.detail == ABSENT
                        });
                let presence = match (is_absent, parts.faults.is_empty()) {
                    (true, _) => Presence::Absent,
                    (false, true) => Presence::Proven,
                    (false, false) => Presence::Wrong,
                };
                let platform = descriptor.platform.as_ref().map(ToString::to_string);
                Child { digest: descriptor.digest, platform, presence }
            })
            .collect()
    }

    fn add_content(
        &self,
        subject: &Subject,
        parts: &mut Parts,
        seen: &mut BTreeSet<crate::digest::Digest>,
    ) {
        match subject.content.as_ref().map(|content| &content.document) {
            Ok(Document::Manifest(manifest)) => self.add_manifest(manifest, parts),
            Ok(Document::Index(index)) => {
                for child in &index.manifests {
                    self.add_child(child, parts, seen);
                }
            }
            Err(_) => {}
        }
    }

    /// A manifest below an index. Each is walked once, however often it is listed.
    fn add_child(
        &self,
        descriptor: &Descriptor,
        parts: &mut Parts,
        seen: &mut BTreeSet<crate::digest::Digest>,
    ) {
        if !seen.insert(descriptor.digest) {
            return;
        }
        let Some((_, child)) = self.map.subject(&descriptor.digest) else {
            return self.absent_or_fault(descriptor, Part::Child, parts);
        };
        match &child.content {
            Ok(content) if content.blob.descriptor().size != descriptor.size => {
                let found = content.blob.descriptor().size;
                let detail = format!("{} bytes promised, {found} found", descriptor.size);
                parts.faults.push(Fault { digest: descriptor.digest, part: Part::Child, detail });
            }
            Ok(_) => {
                parts.children.push(descriptor.digest);
                self.add_content(child, parts, seen);
            }
            Err(fault) if is_absence(fault) => {
                self.absent_or_fault(descriptor, Part::Child, parts);
            }
            Err(fault) => parts.faults.push(Fault {
                digest: descriptor.digest,
                part: Part::Child,
                detail: detail(fault),
            }),
        }
    }

    fn add_manifest(&self, manifest: &Manifest, parts: &mut Parts) {
        let config = [(&manifest.config, Part::Config)];
        let layers = manifest.layers.iter().map(|layer| (layer, Part::Layer));
        for (descriptor, part) in config.into_iter().chain(layers) {
            match self.blobs.state(descriptor) {
                State::Proven => {}
                State::Absent => self.absent_or_fault(descriptor, part, parts),
                State::Wrong(detail) => {
                    parts.faults.push(Fault { digest: descriptor.digest, part, detail });
                }
            }
        }
    }

    fn absent_or_fault(&self, descriptor: &Descriptor, part: Part, parts: &mut Parts) {
        let digest = descriptor.digest;
        let lawful = part == Part::Layer && descriptor.media_type.is_non_distributable();
        if lawful || self.scope == Scope::EvidenceOnly {
            parts.absent.push(Absent { digest, part });
        } else {
            parts.faults.push(Fault { digest, part, detail: ABSENT.to_owned() });
        }
    }
}

/// What is said of a blob that the archive has no file for.
const ABSENT: &str = "the archive does not hold it";

/// Why a manifest could not be had, in one line.
pub(super) fn detail(fault: &BlobFault) -> String {
    match fault {
        BlobFault::Blob(error) => causes(error),
        BlobFault::Document(error) => causes(error),
    }
}
