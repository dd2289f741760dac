//! *Comparison*: which images, evidence and bytes two places hold that are not the same.

use std::collections::{BTreeMap, BTreeSet};

use super::discover::fault;
use super::workers::in_parallel;
use super::{Answer, Error, LookupKind, Settings, Source};
use crate::digest::{Digest, Hasher};
use crate::oci::{Descriptor, Document};

/// Levels of indexes and of evidence about evidence that are followed; an export has 4 of each.
const DEPTH: usize = 8;

/// One of the two places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// The first.
    A,
    /// The second.
    B,
}

impl Side {
    fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

/// One image in one place.
#[derive(Clone, Copy)]
pub struct Located<'a> {
    /// The place.
    pub source: &'a dyn Source,
    /// What the image's name stands for there.
    pub digest: Digest,
    /// How its blobs are compared.
    pub reading: Reading,
}

/// How the blobs of a place are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Every byte is hashed.
    Whole,
    /// The place is asked whether it holds the blob.
    Presence,
}

/// One name in both places.
pub struct Pair<'a> {
    /// The name.
    pub name: String,
    /// In the first place, if it is there.
    pub a: Option<Located<'a>>,
    /// In the second.
    pub b: Option<Located<'a>>,
}

/// All that differs, and how much was compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// Names that stand for an image in one place only, or for two.
    pub images: Vec<ImageDifference>,
    /// Evidence that an image has in one place only.
    pub evidence: Vec<EvidenceDifference>,
    /// Blobs that one place lacks, or holds with other bytes.
    pub blobs: Vec<BlobDifference>,
    /// How much was compared.
    pub compared: Compared,
}

impl Comparison {
    /// Whether nothing differs.
    pub fn is_same(&self) -> bool {
        self.images.is_empty() && self.evidence.is_empty() && self.blobs.is_empty()
    }

    /// The same seen from the other side.
    #[must_use]
    pub fn turned(mut self) -> Self {
        for image in &mut self.images {
            std::mem::swap(&mut image.a, &mut image.b);
        }
        for evidence in &mut self.evidence {
            evidence.only_in = evidence.only_in.other();
        }
        for blob in &mut self.blobs {
            blob.kind = match blob.kind {
                BlobDifferenceKind::OnlyIn(side) => BlobDifferenceKind::OnlyIn(side.other()),
                BlobDifferenceKind::BrokenIn(side) => BlobDifferenceKind::BrokenIn(side.other()),
            };
        }
        self
    }
}

/// How much was compared, over both places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compared {
    /// Names.
    pub images: usize,
    /// Pieces of evidence.
    pub evidence: usize,
    /// Blobs, manifests included.
    pub blobs: usize,
    /// Their bytes.
    pub bytes: u64,
}

/// A name that does not stand for the same image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageDifference {
    /// The name.
    pub name: String,
    /// What it stands for in the first place.
    pub a: Option<Digest>,
    /// What it stands for in the second.
    pub b: Option<Digest>,
}

/// Evidence that one place lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceDifference {
    /// The name of the image.
    pub image: String,
    /// The evidence.
    pub evidence: Attached,
    /// Where it is.
    pub only_in: Side,
}

/// A piece of evidence and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Attached {
    /// What it speaks of.
    pub subject: Digest,
    /// Its manifest.
    pub digest: Digest,
    /// Where consumers find it.
    pub place: AttachedBy,
}

/// Where consumers find evidence. By which list they find a referrer is the registry's affair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AttachedBy {
    /// The tag `.sig`.
    SigTag,
    /// The tag `.att`.
    AttTag,
    /// The tag `.sbom`.
    SbomTag,
    /// A list of referrers.
    Referrers,
}

/// A blob that is not the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobDifference {
    /// Which.
    pub digest: Digest,
    /// The size that its descriptor promises.
    pub size: u64,
    /// In what.
    pub kind: BlobDifferenceKind,
}

/// In what a blob is not the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlobDifferenceKind {
    /// One place does not hold it.
    OnlyIn(Side),
    /// One place holds other bytes under its digest.
    BrokenIn(Side),
}

/// Compares every pair.
pub fn compare(pairs: &[Pair<'_>], settings: &Settings) -> Result<Comparison, Error> {
    let a = Holdings::of(pairs.iter().map(|pair| pair.a), settings)?;
    let b = Holdings::of(pairs.iter().map(|pair| pair.b), settings)?;
    let mut images = Vec::new();
    let mut evidence = Vec::new();
    let mut pieces: BTreeSet<Attached> = BTreeSet::new();
    for ((pair, of_a), of_b) in pairs.iter().zip(&a.evidence).zip(&b.evidence) {
        let [digest_a, digest_b] = [pair.a, pair.b].map(|it| it.map(|located| located.digest));
        if digest_a == digest_b {
            let sides = [(Side::A, of_a.difference(of_b)), (Side::B, of_b.difference(of_a))];
            for (only_in, missing) in sides {
                evidence.extend(missing.map(|evidence| {
                    let image = pair.name.clone();
                    EvidenceDifference { image, evidence: *evidence, only_in }
                }));
            }
        } else {
            // Its evidence differs because it does.
            images.push(ImageDifference { name: pair.name.clone(), a: digest_a, b: digest_b });
        }
        pieces.extend(of_a.union(of_b).copied());
    }
    let digests: BTreeSet<_> = a.blobs.keys().chain(b.blobs.keys()).copied().collect();
    let mut blobs = Vec::new();
    let mut bytes = 0_u64;
    for digest in &digests {
        let (in_a, in_b) = (a.blobs.get(digest), b.blobs.get(digest));
        let size = in_a.or(in_b).map_or(0, |held| held.size);
        bytes = bytes.saturating_add(size);
        let kinds = differences(in_a.map(|it| it.state), in_b.map(|it| it.state));
        blobs.extend(kinds.map(|kind| BlobDifference { digest: *digest, size, kind }));
    }
    let compared =
        Compared { images: pairs.len(), evidence: pieces.len(), blobs: digests.len(), bytes };
    Ok(Comparison { images, evidence, blobs, compared })
}

fn differences(a: Option<State>, b: Option<State>) -> impl Iterator<Item = BlobDifferenceKind> {
    let [a, b] = [a, b].map(|state| state.unwrap_or(State::Absent));
    let broken =
        |state, side| (state == State::Broken).then_some(BlobDifferenceKind::BrokenIn(side));
    let only = match (a, b) {
        (State::Present | State::Broken, State::Absent) => {
            Some(BlobDifferenceKind::OnlyIn(Side::A))
        }
        (State::Absent, State::Present | State::Broken) => {
            Some(BlobDifferenceKind::OnlyIn(Side::B))
        }
        _ => None,
    };
    [broken(a, Side::A), broken(b, Side::B), only].into_iter().flatten()
}

/// What one place holds of every pair.
struct Holdings {
    /// In the order of the pairs.
    evidence: Vec<BTreeSet<Attached>>,
    blobs: BTreeMap<Digest, Held>,
}

#[derive(Clone, Copy)]
struct Held {
    size: u64,
    state: State,
}

/// What became of a blob in one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Present,
    Absent,
    Broken,
}

impl Holdings {
    fn of<'a>(
        located: impl Iterator<Item = Option<Located<'a>>>,
        settings: &Settings,
    ) -> Result<Self, Error> {
        let located: Vec<_> = located.collect();
        let walked = in_parallel(&located, settings.concurrency, |located| match located {
            Some(located) => Walk::of(located, settings),
            None => Ok(Walk::default()),
        })?;
        let mut evidence = Vec::new();
        let mut blobs = BTreeMap::new();
        let mut unread: BTreeMap<Digest, (Descriptor, Located<'_>)> = BTreeMap::new();
        for (walk, located) in walked.into_iter().zip(located) {
            evidence.push(walk.evidence);
            blobs.extend(walk.manifests);
            for blob in walk.blobs {
                if let Some(located) = located {
                    unread.entry(blob.digest).or_insert((blob, located));
                }
            }
        }
        let unread: Vec<_> = unread.into_values().collect();
        let states = in_parallel(&unread, settings.concurrency, |(blob, located)| {
            let doing = || format!("read {} of {}", blob.digest, located.source.name());
            state(blob, located).map_err(fault(doing))
        })?;
        for ((blob, _), state) in unread.iter().zip(states) {
            blobs.entry(blob.digest).or_insert(Held { size: blob.size, state });
        }
        Ok(Self { evidence, blobs })
    }
}

fn state(blob: &Descriptor, located: &Located<'_>) -> Result<State, super::Fault> {
    if !located.source.has_blob(blob)? {
        return Ok(State::Absent);
    }
    if located.reading == Reading::Presence {
        return Ok(State::Present);
    }
    let mut hasher = Hasher::new(blob.digest.algorithm());
    let mut size = 0_u64;
    located.source.read_blob(blob, &mut |chunk| {
        hasher.update(chunk);
        size = size.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
        Ok(())
    })?;
    let is_whole = size == blob.size && hasher.finish() == blob.digest;
    Ok(if is_whole { State::Present } else { State::Broken })
}

/// One image with all that belongs to it.
#[derive(Default)]
struct Walk {
    evidence: BTreeSet<Attached>,
    manifests: BTreeMap<Digest, Held>,
    blobs: Vec<Descriptor>,
}

impl Walk {
    fn of(located: &Located<'_>, settings: &Settings) -> Result<Self, Error> {
        let mut walk = Self::default();
        let mut level = vec![located.digest];
        for _ in 0..=DEPTH {
            let mut next = Vec::new();
            for digest in level {
                if !walk.manifests.contains_key(&digest) {
                    next.extend(walk.visit(located.source, digest, settings)?);
                }
            }
            if next.is_empty() {
                return Ok(walk);
            }
            level = next;
        }
        let at = format!("{}@{}", located.source.name(), located.digest);
        Err(Error::Limit { what: "levels of indexes and evidence", limit: DEPTH, at })
    }

    /// Takes one manifest and returns those it leads to.
    fn visit(
        &mut self,
        source: &dyn Source,
        digest: Digest,
        settings: &Settings,
    ) -> Result<Vec<Digest>, Error> {
        let limit = settings.limits.descriptors;
        if self.manifests.len() >= limit {
            let at = source.name();
            return Err(Error::Limit { what: "manifests", limit, at });
        }
        let doing = || format!("read {digest} of {}", source.name());
        let Some(found) = source.by_digest(&digest).map_err(fault(doing))? else {
            self.manifests.insert(digest, Held { size: 0, state: State::Absent });
            return Ok(Vec::new());
        };
        let size = found.descriptor.size;
        self.manifests.insert(digest, Held { size, state: State::Present });
        let media_type = &found.descriptor.media_type;
        let document = Document::parse(&found.bytes, media_type, &settings.limits)
            .map_err(|cause| Error::Document { repository: source.name(), digest, cause })?;
        let mut next = Vec::new();
        for blob in document.descriptors() {
            if blob.media_type.is_manifest() || blob.media_type.is_index() {
                next.push(blob.digest);
            } else {
                self.blobs.push(blob.clone());
            }
        }
        for kind in LookupKind::ALL {
            let answer = source
                .look_up(&digest, kind)
                .map_err(fault(|| format!("look up evidence of {digest} of {}", source.name())))?;
            let (place, found) = match (kind, answer) {
                (_, Answer::NotSupported | Answer::NotFound) => continue,
                (LookupKind::SigTag, Answer::Tagged { manifest, .. }) => {
                    (AttachedBy::SigTag, vec![manifest.descriptor.digest])
                }
                (LookupKind::AttTag, Answer::Tagged { manifest, .. }) => {
                    (AttachedBy::AttTag, vec![manifest.descriptor.digest])
                }
                (_, Answer::Tagged { manifest, .. }) => {
                    (AttachedBy::SbomTag, vec![manifest.descriptor.digest])
                }
                (_, Answer::Listed(list)) => {
                    (AttachedBy::Referrers, list.iter().map(|it| it.digest).collect())
                }
            };
            let attached = found.iter().map(|it| Attached { subject: digest, digest: *it, place });
            self.evidence.extend(attached);
            next.extend(found);
        }
        Ok(next)
    }
}
