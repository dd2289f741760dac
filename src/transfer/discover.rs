//! Asking: which manifests an export carries, and where evidence was found or not.
//!
//! The walk goes level by level (images, their children, evidence, evidence of evidence); within a
//! level it asks in parallel and keeps the order, so the outcome depends on no timing.

use std::collections::{BTreeMap, BTreeSet};

use super::workers::in_parallel;
use super::{Answer, Error, Fault, Fetched, Settings, Source, Watch};
use crate::digest::Digest;
use crate::inventory::Name;
use crate::inventory::ledger::{Lookup, LookupKind, Outcome};
use crate::oci::{Descriptor, Document};

/// Levels of evidence about evidence: 4. A proof about a signature about an image is the second.
const EVIDENCE_DEPTH: usize = 4;

/// Bytes of manifests kept between asking and writing; what exceeds them is asked for again.
const KEPT_BYTES: usize = 8 << 20;

/// An image to export.
pub struct Request<'a> {
    /// Where it is.
    pub source: &'a dyn Source,
    /// What it is called there and will be called in the archive.
    pub name: Option<Name>,
    /// Its digest; decides where it stands.
    pub digest: Option<Digest>,
}

impl Request<'_> {
    /// Its name, for people.
    pub fn shown(&self) -> String {
        match (&self.name, &self.digest) {
            (Some(Name::Reference(reference)), _) => reference.to_string(),
            (Some(Name::Tag(tag)), _) => format!("`{tag}` in {}", self.source.name()),
            (None, Some(digest)) => format!("{digest} in {}", self.source.name()),
            (None, None) => self.source.name(),
        }
    }

    fn fetch(&self) -> Result<Fetched, Error> {
        let tag = match &self.name {
            Some(Name::Reference(reference)) => reference.tag(),
            Some(Name::Tag(tag)) => Some(tag.as_str()),
            None => None,
        };
        let fetched = match (&self.digest, tag) {
            (Some(digest), _) => self.source.by_digest(digest),
            (None, Some(tag)) => self.source.by_tag(tag),
            (None, None) => Ok(None),
        };
        fetched
            .map_err(fault(|| format!("resolve {}", self.shown())))?
            .ok_or_else(|| Error::NoImage { name: self.shown() })
    }
}

/// A manifest the export carries.
pub(super) struct Node<'a> {
    pub(super) source: &'a dyn Source,
    pub(super) descriptor: Descriptor,
    pub(super) role: Role,
    /// Its bytes, where they were kept.
    pub(super) bytes: Option<Vec<u8>>,
    /// Children of an index.
    pub(super) children: Vec<Descriptor>,
    /// Configuration of a manifest.
    pub(super) config: Option<Descriptor>,
    /// Layers of a manifest.
    pub(super) layers: Vec<Descriptor>,
    /// What it refers to.
    pub(super) subject: Option<Digest>,
    /// What kind of artifact it is.
    pub(super) kind: Option<String>,
    /// What was looked up.
    pub(super) lookups: Vec<Lookup>,
    /// Evidence found under tags: the tag and the manifest.
    pub(super) tagged: Vec<(String, Descriptor)>,
    /// Evidence found as referrers.
    pub(super) referrers: Vec<Descriptor>,
}

/// Why a manifest is carried; where there are several reasons, the first in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    /// It was asked for.
    Image,
    /// An index lists it.
    Child,
    /// It is evidence of another.
    Evidence,
}

/// What an export carries.
pub(super) struct Discovery<'a> {
    /// In the order they were found.
    pub(super) nodes: Vec<Node<'a>>,
    /// The image of each request.
    pub(super) roots: Vec<Descriptor>,
}

/// Walks everything that the requests lead to.
pub(super) fn discover<'a>(
    requests: &[Request<'a>],
    settings: &Settings,
    watch: &dyn Watch,
) -> Result<Discovery<'a>, Error> {
    let fetched = in_parallel(requests, settings.concurrency, Request::fetch)?;
    let roots = fetched.iter().map(|fetched| fetched.descriptor.clone()).collect();
    let mut level: Vec<Task<'a>> = requests
        .iter()
        .zip(fetched)
        .map(|(request, fetched)| Task {
            source: request.source,
            promised: fetched.descriptor.clone(),
            fetched: Some(fetched),
            parent: None,
            role: Role::Image,
            depth: Depth::default(),
        })
        .collect();
    let mut nodes = Vec::new();
    let mut seen = BTreeSet::new();
    let mut kept = 0_usize;
    while !level.is_empty() {
        level.retain(|task| seen.insert((task.source.name(), task.promised.digest)));
        if seen.len() > settings.limits.descriptors {
            let (what, limit) = ("manifests", settings.limits.descriptors);
            return Err(Error::Limit { what, limit, at: "the whole export".to_owned() });
        }
        let visits = in_parallel(&level, settings.concurrency, |task| task.visit(settings, watch))?;
        level = Vec::new();
        for (mut node, next) in visits {
            kept = kept.saturating_add(node.bytes.as_ref().map_or(0, Vec::len));
            if kept > KEPT_BYTES {
                node.bytes = None;
            }
            nodes.push(node);
            level.extend(next);
        }
        // A manifest that is both a child and evidence is a child, whoever came first.
        level.sort_by_key(|task| task.role);
    }
    check_subjects(&nodes)?;
    Ok(Discovery { nodes, roots })
}

/// What is listed as a referrer must refer: a list is a claim of the registry, the manifest is not.
fn check_subjects(nodes: &[Node<'_>]) -> Result<(), Error> {
    let subjects: BTreeMap<Digest, Option<Digest>> =
        nodes.iter().map(|node| (node.descriptor.digest, node.subject)).collect();
    for node in nodes {
        for referrer in &node.referrers {
            if subjects.get(&referrer.digest) != Some(&Some(node.descriptor.digest)) {
                return Err(Error::NotAReferrer {
                    repository: node.source.name(),
                    subject: node.descriptor.digest,
                    referrer: referrer.digest,
                });
            }
        }
    }
    Ok(())
}

/// A manifest to visit.
struct Task<'a> {
    source: &'a dyn Source,
    promised: Descriptor,
    fetched: Option<Fetched>,
    /// Who led here.
    parent: Option<Digest>,
    role: Role,
    depth: Depth,
}

#[derive(Clone, Copy, Default)]
struct Depth {
    indexes: usize,
    evidence: usize,
}

impl<'a> Task<'a> {
    fn visit(
        &self,
        settings: &Settings,
        watch: &dyn Watch,
    ) -> Result<(Node<'a>, Vec<Task<'a>>), Error> {
        self.check_depth(settings)?;
        let Fetched { descriptor: found, bytes } = self.fetch()?;
        let Descriptor { digest, ref media_type, .. } = self.promised;
        let document = Document::parse(&bytes, media_type, &settings.limits)
            .map_err(|cause| Error::Document { repository: self.source.name(), digest, cause })?;
        let subject = document.subject().map(|subject| subject.digest);
        let (children, config, layers, kind) = match document {
            Document::Index(index) => (index.manifests, None, Vec::new(), index.artifact_type),
            Document::Manifest(manifest) => {
                let kind = Some(manifest.kind().to_owned());
                (Vec::new(), Some(manifest.config), manifest.layers, kind)
            }
        };
        let mut node = Node {
            source: self.source,
            descriptor: Descriptor { media_type: media_type.clone(), ..found },
            role: self.role,
            bytes: Some(bytes),
            children,
            config,
            layers,
            subject,
            kind,
            lookups: Vec::new(),
            tagged: Vec::new(),
            referrers: Vec::new(),
        };
        let mut next: Vec<_> = node.children.iter().map(|child| self.child(child)).collect();
        for kind in KINDS {
            next.extend(self.look_up(kind, &mut node)?);
        }
        watch.looked_up(&digest);
        Ok((node, next))
    }

    fn fetch(&self) -> Result<Fetched, Error> {
        let promised = &self.promised;
        let fetched = match &self.fetched {
            Some(fetched) => fetched.clone(),
            None => self
                .source
                .by_digest(&promised.digest)
                .map_err(fault(|| format!("read {} of {}", promised.digest, self.source.name())))?
                .ok_or_else(|| self.absent())?,
        };
        let found = &fetched.descriptor;
        if found.size != promised.size || found.digest != promised.digest {
            return Err(Error::OtherThanPromised {
                digest: promised.digest,
                promised: promised.size,
                promised_type: promised.media_type.clone(),
                found: found.size,
                found_type: found.media_type.clone(),
            });
        }
        Ok(fetched)
    }

    /// What it means that the manifest is not there.
    fn absent(&self) -> Error {
        let (repository, digest) = (self.source.name(), self.promised.digest);
        match (self.parent, self.role) {
            (Some(parent), Role::Child) => Error::NoChild { repository, parent, child: digest },
            (Some(subject), _) => Error::NoReferrer { repository, subject, referrer: digest },
            (None, _) => Error::NoImage { name: format!("{repository}@{digest}") },
        }
    }

    fn check_depth(&self, settings: &Settings) -> Result<(), Error> {
        let at = || format!("{}@{}", self.source.name(), self.promised.digest);
        let limit = settings.limits.index_depth;
        if self.depth.indexes > limit {
            return Err(Error::Limit { what: "indexes inside indexes", limit, at: at() });
        }
        if self.depth.evidence > EVIDENCE_DEPTH {
            let (what, limit) = ("levels of evidence about evidence", EVIDENCE_DEPTH);
            return Err(Error::Limit { what, limit, at: at() });
        }
        Ok(())
    }

    fn child(&self, child: &Descriptor) -> Self {
        Self {
            source: self.source,
            promised: child.clone(),
            fetched: None,
            parent: Some(self.promised.digest),
            role: if self.role == Role::Evidence { Role::Evidence } else { Role::Child },
            depth: Depth { indexes: self.depth.indexes.saturating_add(1), ..self.depth },
        }
    }

    fn evidence(&self, promised: Descriptor, fetched: Option<Fetched>) -> Self {
        Self {
            source: self.source,
            promised,
            fetched,
            parent: Some(self.promised.digest),
            role: Role::Evidence,
            depth: Depth { indexes: 0, evidence: self.depth.evidence.saturating_add(1) },
        }
    }

    /// Looks in one place, writes down what stood there, and leads on to it.
    fn look_up(&self, kind: LookupKind, node: &mut Node<'a>) -> Result<Vec<Self>, Error> {
        let subject = self.promised.digest;
        let answer = self.source.look_up(&subject, kind).map_err(fault(|| {
            format!("look up evidence ({}) of {}@{subject}", kind.name(), self.source.name())
        }))?;
        let (outcome, next) = match answer {
            Answer::NotSupported => (Outcome::NotSupported, Vec::new()),
            Answer::NotFound => (Outcome::NotFound, Vec::new()),
            Answer::Tagged { tag, manifest } => {
                node.tagged.push((tag, manifest.descriptor.clone()));
                let next = self.evidence(manifest.descriptor.clone(), Some(*manifest));
                (Outcome::Found, vec![next])
            }
            Answer::Listed(list) if list.is_empty() => (Outcome::NotFound, Vec::new()),
            Answer::Listed(list) => {
                node.referrers.extend(list.iter().cloned());
                let next = list.into_iter().map(|listed| self.evidence(listed, None)).collect();
                (Outcome::Found, next)
            }
        };
        let found: BTreeSet<_> = next.iter().map(|task| task.promised.digest).collect();
        node.lookups.push(Lookup { kind, outcome, found: found.into_iter().collect() });
        Ok(next)
    }
}

/// Every place that is looked at, in order.
const KINDS: [LookupKind; 5] = [
    LookupKind::SigTag,
    LookupKind::AttTag,
    LookupKind::SbomTag,
    LookupKind::ReferrersApi,
    LookupKind::FallbackTag,
];

/// Says what was being done when a source failed.
pub(super) fn fault(doing: impl FnOnce() -> String) -> impl FnOnce(Fault) -> Error {
    |cause| Error::Fault { doing: doing(), cause }
}
