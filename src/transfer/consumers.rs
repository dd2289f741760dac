//! *Consumers*: programs that look for evidence beside an image, each in its own places. Reading a
//! target back as they do shows what they will find there.

use std::collections::{BTreeMap, BTreeSet};

use super::discover::fault;
use super::workers::in_parallel;
use super::{Answer, Error, Landed, LandedEvidence, LookupKind, Place, Settings, Source};
use crate::digest::Digest;
use crate::oci::{Descriptor, Document, MediaType, Reference};

/// A program that looks for evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Consumer {
    /// Reads the tags `.sig` and `.att`.
    Cosign2,
    /// Reads bundles among the referrers; the tags where there are no bundles.
    Cosign3,
    /// Reads the tag `.sig` (`use-sigstore-attachments`): podman, CRI-O, skopeo.
    ContainersImage,
    /// Reads the tags for rules of type `Cosign`, bundles among the referrers for `SigstoreBundle`.
    Kyverno,
}

impl Consumer {
    /// Every one, in the order they are told.
    pub const ALL: [Self; 4] = [Self::Cosign2, Self::Cosign3, Self::ContainersImage, Self::Kyverno];

    /// As people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cosign2 => "cosign 2",
            Self::Cosign3 => "cosign 3",
            Self::ContainersImage => "containers/image",
            Self::Kyverno => "Kyverno",
        }
    }
}

/// What consumers find of one image and its evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadBack {
    /// The image at the target.
    pub name: Reference,
    /// Its digest.
    pub digest: Digest,
    /// One for each consumer, in the order of [`Consumer::ALL`].
    pub views: Vec<View>,
}

/// What one consumer finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// Who.
    pub consumer: Consumer,
    /// Evidence it reads that it finds as it was pushed.
    pub found: usize,
    /// What it needs and does not find.
    pub lost: Vec<Lost>,
}

/// What a consumer needs and does not find.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// The evidence, or the image itself.
    pub digest: Digest,
    /// What the evidence speaks of.
    pub subject: Digest,
    /// Why it is not found.
    pub why: String,
}

/// Reads every image back. `repository` is asked for the repositories of the target.
pub fn read_back<'a>(
    landed: &[Landed],
    repository: &(dyn Fn(&str) -> Box<dyn Source + 'a> + Sync),
    settings: &Settings,
) -> Result<Vec<ReadBack>, Error> {
    in_parallel(landed, settings.concurrency, |landed| {
        let source = repository(landed.name.repository());
        Reader { source: source.as_ref(), settings }.image(landed)
    })
}

struct Reader<'a> {
    source: &'a dyn Source,
    settings: &'a Settings,
}

impl Reader<'_> {
    fn image(&self, landed: &Landed) -> Result<ReadBack, Error> {
        let mut views: Vec<View> = Consumer::ALL
            .into_iter()
            .map(|consumer| View { consumer, found: 0, lost: Vec::new() })
            .collect();
        if let Some(why) = self.lost_image(landed)? {
            let lost = Lost { digest: landed.digest, subject: landed.digest, why };
            for view in &mut views {
                view.lost.push(lost.clone());
            }
        }
        let mut subjects: BTreeMap<Digest, Vec<(&LandedEvidence, Pushed)>> = BTreeMap::new();
        for evidence in &landed.evidence {
            let pushed = self.pushed(evidence)?;
            subjects.entry(evidence.subject).or_default().push((evidence, pushed));
        }
        for (subject, evidence) in subjects {
            let places = self.places(&subject, &evidence)?;
            let has_bundle = evidence.iter().any(|(_, pushed)| pushed.dialect == Dialect::Bundle);
            for (evidence, pushed) in &evidence {
                for view in &mut views {
                    if !reads(view.consumer, pushed.dialect, has_bundle) {
                        continue;
                    }
                    match pushed
                        .why_lost
                        .clone()
                        .or_else(|| places.why_lost(view.consumer, evidence, pushed.dialect))
                    {
                        None => view.found = view.found.saturating_add(1),
                        Some(why) => {
                            view.lost.push(Lost { digest: evidence.digest, subject, why });
                        }
                    }
                }
            }
        }
        Ok(ReadBack { name: landed.name.clone(), digest: landed.digest, views })
    }

    /// Why a consumer does not get to the image by its name.
    fn lost_image(&self, landed: &Landed) -> Result<Option<String>, Error> {
        let name = &landed.name;
        let found = match name.tag() {
            Some(tag) => self.source.by_tag(tag),
            None => self.source.by_digest(&landed.digest),
        };
        let found = found.map_err(fault(|| format!("read {name} back")))?;
        Ok(match found {
            None => Some(format!("{name} is not there")),
            Some(found) if found.descriptor.digest != landed.digest => {
                Some(format!("{name} is {}", found.descriptor.digest))
            }
            Some(_) => None,
        })
    }

    /// Reads a piece of evidence by its digest, with all it refers to.
    fn pushed(&self, evidence: &LandedEvidence) -> Result<Pushed, Error> {
        let digest = &evidence.digest;
        let doing = || format!("read {digest} of {} back", self.source.name());
        let Some(found) = self.source.by_digest(digest).map_err(fault(doing))? else {
            let dialect = Dialect::of(&evidence.place, Dialect::Bundle);
            return Ok(Pushed { dialect, why_lost: Some("its manifest is not there".to_owned()) });
        };
        let limits = &self.settings.limits;
        let repository = self.source.name();
        let document = Document::parse(&found.bytes, &found.descriptor.media_type, limits)
            .map_err(|cause| Error::Document { repository, digest: *digest, cause })?;
        let is_bundle =
            matches!(&document, Document::Manifest(it) if it.kind().starts_with(BUNDLE));
        let referrer = if is_bundle { Dialect::Bundle } else { Dialect::Other };
        let mut why_lost = None;
        for blob in document.descriptors() {
            let is_document = blob.media_type.is_manifest() || blob.media_type.is_index();
            let is_there = if is_document {
                self.source.by_digest(&blob.digest).map(|found| found.is_some())
            } else {
                self.source.has_blob(blob)
            };
            if !is_there.map_err(fault(doing))? {
                why_lost.get_or_insert(format!("its blob {} is not there", blob.digest));
            }
        }
        Ok(Pushed { dialect: Dialect::of(&evidence.place, referrer), why_lost })
    }

    /// What stands in the places where consumers look for evidence of `subject`.
    fn places(
        &self,
        subject: &Digest,
        evidence: &[(&LandedEvidence, Pushed)],
    ) -> Result<Places, Error> {
        let dialects: BTreeSet<_> = evidence.iter().map(|(_, pushed)| pushed.dialect).collect();
        let look_up = |kind: LookupKind| {
            self.source.look_up(subject, kind).map_err(fault(|| {
                format!("look up evidence ({}) of {subject} at the target", kind.name())
            }))
        };
        let tagged = |dialect, kind| {
            if dialects.contains(&dialect) { look_up(kind).map(tagged) } else { Ok(None) }
        };
        let mut referrers = Vec::new();
        if dialects.contains(&Dialect::Bundle) {
            // As go-containerregistry: the tag is asked only where there is no API.
            let answer = match look_up(LookupKind::ReferrersApi)? {
                Answer::NotSupported => look_up(LookupKind::FallbackTag)?,
                answer => answer,
            };
            if let Answer::Listed(list) = answer {
                referrers = list;
            }
        }
        Ok(Places {
            signature: tagged(Dialect::Signature, LookupKind::SigTag)?,
            attestation: tagged(Dialect::Attestation, LookupKind::AttTag)?,
            referrers,
        })
    }
}

fn tagged(answer: Answer) -> Option<Descriptor> {
    match answer {
        Answer::Tagged { manifest, .. } => Some(manifest.descriptor),
        Answer::NotSupported | Answer::NotFound | Answer::Listed(_) => None,
    }
}

/// A piece of evidence as it is at the target.
struct Pushed {
    dialect: Dialect,
    /// Why nobody can read it.
    why_lost: Option<String>,
}

/// What evidence looks like to consumers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Dialect {
    /// Under the tag `.sig`.
    Signature,
    /// Under the tag `.att`.
    Attestation,
    /// A Sigstore bundle among the referrers.
    Bundle,
    /// Nothing that these consumers read: SBOMs, signatures of other systems.
    Other,
}

impl Dialect {
    fn of(place: &Place, referrer: Self) -> Self {
        match place {
            Place::Tag(tag) => match tag.rsplit_once('.') {
                Some((_, "sig")) => Self::Signature,
                Some((_, "att")) => Self::Attestation,
                _ => Self::Other,
            },
            Place::Referrers(_) => referrer,
        }
    }
}

/// Whether a consumer reads what is written so.
fn reads(consumer: Consumer, dialect: Dialect, has_bundle: bool) -> bool {
    match dialect {
        Dialect::Bundle => matches!(consumer, Consumer::Cosign3 | Consumer::Kyverno),
        // cosign 3 takes no look at the tags where it finds a bundle.
        Dialect::Signature => consumer != Consumer::Cosign3 || !has_bundle,
        Dialect::Attestation => match consumer {
            Consumer::Cosign2 | Consumer::Kyverno => true,
            Consumer::Cosign3 => !has_bundle,
            Consumer::ContainersImage => false,
        },
        Dialect::Other => false,
    }
}

/// What stands where consumers look.
struct Places {
    signature: Option<Descriptor>,
    attestation: Option<Descriptor>,
    referrers: Vec<Descriptor>,
}

impl Places {
    /// Why a consumer does not find evidence that is there.
    fn why_lost(
        &self,
        consumer: Consumer,
        evidence: &LandedEvidence,
        dialect: Dialect,
    ) -> Option<String> {
        let standing = match dialect {
            Dialect::Signature => &self.signature,
            Dialect::Attestation => &self.attestation,
            Dialect::Bundle => return self.why_unlisted(&evidence.digest),
            Dialect::Other => return None,
        };
        let Place::Tag(tag) = &evidence.place else { return None };
        match standing {
            None => Some(format!("there is no tag {tag}")),
            Some(other) if other.digest != evidence.digest => {
                Some(format!("the tag {tag} is {}", other.digest))
            }
            Some(found)
                if consumer == Consumer::ContainersImage
                    && found.media_type.as_str() != MediaType::OCI_MANIFEST =>
            {
                let found = found.media_type.as_str().escape_debug();
                Some(format!("it is `{found}`, and only an OCI manifest is read"))
            }
            Some(_) => None,
        }
    }

    fn why_unlisted(&self, digest: &Digest) -> Option<String> {
        let mut entries = self.referrers.iter().filter(|entry| entry.digest == *digest).peekable();
        if entries.peek().is_none() {
            return Some("no list of referrers names it".to_owned());
        }
        let types: Vec<_> =
            entries.map(|entry| entry.artifact_type.as_deref().unwrap_or_default()).collect();
        if types.iter().any(|kind| kind.starts_with(BUNDLE)) {
            return None;
        }
        let listed = types.first().copied().unwrap_or_default().escape_debug();
        Some(format!("it is listed as `{listed}`, and only what begins with `{BUNDLE}` is read"))
    }
}

/// How the artifact type of a Sigstore bundle begins, whatever its version.
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle";
