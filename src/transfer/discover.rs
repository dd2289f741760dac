//! Asking: which manifests an export carries, and where evidence was found or not.
//!
//! The walk goes level by level (images, their children, evidence, evidence of evidence); within a
//! level it asks in parallel and keeps the order, so the outcome depends on no timing.

use std::collections::{BTreeMap, BTreeSet};

use super::platforms::offered;
use super::workers::in_parallel;
use super::{
    Answer, Error, Exceptions, Fault, Fetched, Platforms, ProofSearch, Settings, Source,
    WantedPlatform, Watch,
};
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
    /// The digest its tag had when it was locked; decides whatever the tag says.
    pub locked: Option<Digest>,
    /// What is carried of an index.
    pub platforms: Platforms,
}

/// Where evidence is looked for beside each image's own repository, and what of it may fail.
#[derive(Default)]
pub struct Search<'a> {
    /// Other repositories that hold evidence of any of the images.
    pub elsewhere: Vec<&'a dyn Source>,
    /// Lookups that may fail.
    pub exceptions: Exceptions,
    /// The log that is asked for inclusion proofs of legacy signatures, where one is.
    pub proofs: Option<ProofSearch<'a>>,
}

/// A tag that stands for another image than the one it was locked to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moved {
    /// The image as it was asked for.
    pub name: String,
    /// What is exported.
    pub locked: Digest,
    /// What the tag stands for; nothing where there is no such tag any more.
    pub found: Option<Digest>,
}

impl<'a> Request<'a> {
    /// All of an image, locked to nothing.
    pub fn new(source: &'a dyn Source, name: Option<Name>, digest: Option<Digest>) -> Self {
        Self { source, name, digest, locked: None, platforms: Platforms::All }
    }
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

    fn fetch(&self) -> Result<(Fetched, Option<Moved>), Error> {
        let tag = match &self.name {
            Some(Name::Reference(reference)) => reference.tag(),
            Some(Name::Tag(tag)) => Some(tag.as_str()),
            None => None,
        };
        let resolving = || format!("resolve {}", self.shown());
        let by_digest = |digest| self.source.by_digest(digest).map_err(fault(resolving));
        let found = match (&self.digest, tag) {
            (Some(digest), _) => by_digest(digest)?,
            (None, Some(tag)) => self.source.by_tag(tag).map_err(fault(resolving))?,
            (None, None) => None,
        };
        let found_digest = found.as_ref().map(|found| found.descriptor.digest);
        match self.locked.filter(|locked| Some(*locked) != found_digest) {
            None => {
                let found = found.ok_or_else(|| Error::NoImage { name: self.shown() })?;
                Ok((found, None))
            }
            Some(locked) => {
                let name = self.shown();
                let absent = || Error::NotLocked { name: name.clone(), locked };
                let fetched = by_digest(&locked)?.ok_or_else(absent)?;
                Ok((fetched, Some(Moved { name, locked, found: found_digest })))
            }
        }
    }
}

/// A manifest the export carries.
pub(super) struct Node<'a> {
    pub(super) source: &'a dyn Source,
    pub(super) descriptor: Descriptor,
    pub(super) role: Role,
    /// Its bytes, where they were kept.
    pub(super) bytes: Option<Vec<u8>>,
    /// The repository whose images this belongs to, wherever it was found.
    pub(super) home: Option<String>,
    /// Children of an index.
    pub(super) children: Vec<Descriptor>,
    /// Those of them that are not carried.
    pub(super) left_out: BTreeSet<Digest>,
    /// Platforms that were wanted and that the index has no image for.
    pub(super) lacking: Vec<WantedPlatform>,
    /// Configuration of a manifest.
    pub(super) config: Option<Descriptor>,
    /// Layers of a manifest.
    pub(super) layers: Vec<Descriptor>,
    /// What it refers to.
    pub(super) subject: Option<Digest>,
    /// What kind of artifact it is.
    pub(super) kind: Option<String>,
    /// What was looked up, by the name of the source that was asked.
    pub(super) lookups: Vec<(String, Vec<Lookup>)>,
    /// Evidence found under tags.
    pub(super) tagged: Vec<Tagged>,
    /// Evidence found as referrers.
    pub(super) referrers: Vec<Descriptor>,
}

/// Evidence found under a tag.
pub(super) struct Tagged {
    pub(super) tag: String,
    pub(super) manifest: Descriptor,
    /// The source that was asked.
    pub(super) at: String,
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
    /// Tags that moved since they were locked.
    pub(super) moved: Vec<Moved>,
}

/// Walks everything that the requests lead to.
pub(super) fn discover<'a>(
    requests: &[Request<'a>],
    search: &Search<'a>,
    settings: &Settings,
    watch: &dyn Watch,
) -> Result<Discovery<'a>, Error> {
    let fetched = in_parallel(requests, settings.concurrency, Request::fetch)?;
    let roots = fetched.iter().map(|(fetched, _)| fetched.descriptor.clone()).collect();
    let mut moved: Vec<_> = fetched.iter().filter_map(|(_, moved)| moved.clone()).collect();
    moved.sort();
    moved.dedup();
    let mut level: Vec<Task<'a>> = requests
        .iter()
        .zip(fetched)
        .map(|(request, (fetched, _))| Task {
            source: request.source,
            home: request.source.repository(),
            promised: fetched.descriptor.clone(),
            fetched: Some(fetched),
            parent: None,
            via: None,
            role: Role::Image,
            platforms: request.platforms.clone(),
            depth: Depth::default(),
        })
        .collect();
    let mut found = Found::default();
    let walk = Walk { search, settings, watch };
    while !level.is_empty() {
        let tasks = found.unseen(level);
        found.check_count(settings)?;
        let visits = in_parallel(&tasks, settings.concurrency, |task| walk.visit(task))?;
        level =
            tasks.iter().zip(visits).flat_map(|(task, visit)| found.take(task, visit)).collect();
        // A manifest that is both a child and evidence is a child, whoever came first.
        level.sort_by_key(|task| task.role);
    }
    let nodes = found.finish(&search.exceptions)?;
    check_subjects(&nodes)?;
    Ok(Discovery { nodes, roots, moved })
}

/// Where a manifest was met, and for whose images.
type Met = (String, Digest, Option<String>);

/// What was found so far.
#[derive(Default)]
struct Found<'a> {
    nodes: Vec<Node<'a>>,
    /// What of each manifest was asked for, and where its node stands.
    met: BTreeMap<Met, (Platforms, Option<usize>)>,
    /// Evidence that is listed and cannot be had, by a person's word, and where it is not.
    gone: BTreeSet<(String, Digest)>,
    /// Bytes of manifests kept.
    kept: usize,
}

impl<'a> Found<'a> {
    /// The tasks that lead to something: each manifest once, unless more of it is asked for.
    fn unseen(&mut self, tasks: Vec<Task<'a>>) -> Vec<Task<'a>> {
        let mut unseen = Vec::new();
        for mut task in tasks {
            match self.met.get_mut(&task.met()) {
                None => {
                    self.met.insert(task.met(), (task.platforms.clone(), None));
                }
                Some((platforms, _)) if platforms.cover(&task.platforms) => continue,
                Some((platforms, _)) => {
                    *platforms = platforms.or(&task.platforms);
                    task.platforms = platforms.clone();
                }
            }
            unseen.push(task);
        }
        unseen
    }

    fn check_count(&self, settings: &Settings) -> Result<(), Error> {
        let (what, limit) = ("manifests", settings.limits.descriptors);
        if self.met.len() > limit {
            return Err(Error::Limit { what, limit, at: "the whole export".to_owned() });
        }
        Ok(())
    }

    /// Takes what came of a task; returns where it leads.
    fn take(&mut self, task: &Task<'a>, visit: Visit<'a>) -> Vec<Task<'a>> {
        let (mut node, next) = match visit {
            Visit::Node(node, next) => (*node, next),
            Visit::Excused => {
                self.gone.insert((task.source.name(), task.promised.digest));
                return Vec::new();
            }
        };
        self.kept = self.kept.saturating_add(node.bytes.as_ref().map_or(0, Vec::len));
        if self.kept > KEPT_BYTES {
            node.bytes = None;
        }
        let place = self.met.get_mut(&task.met()).map(|(_, place)| place);
        match place {
            Some(Some(place)) => {
                if let Some(known) = self.nodes.get_mut(*place) {
                    node.role = node.role.min(known.role);
                    *known = node;
                }
            }
            place => {
                if let Some(place) = place {
                    *place = Some(self.nodes.len());
                }
                self.nodes.push(node);
            }
        }
        next
    }

    /// Everything, with what was listed and could not be had written down wherever it was listed:
    /// what excuses one lookup excuses no other.
    fn finish(mut self, exceptions: &Exceptions) -> Result<Vec<Node<'a>>, Error> {
        if self.gone.is_empty() {
            return Ok(self.nodes);
        }
        for node in &mut self.nodes {
            let subject = node.descriptor.digest;
            for (source, lookups) in &mut node.lookups {
                for lookup in lookups {
                    let is_gone = |found: &Digest| self.gone.contains(&(source.clone(), *found));
                    let Some(referrer) = lookup.found.iter().copied().find(is_gone) else {
                        continue;
                    };
                    let unexcused =
                        || Error::NoReferrer { repository: source.clone(), subject, referrer };
                    let reason = exceptions.excuse(source, &subject, lookup.kind);
                    lookup.exception = Some(reason.ok_or_else(unexcused)?.to_owned());
                    lookup.found.retain(|found| !is_gone(found));
                    if lookup.found.is_empty() {
                        lookup.outcome = Outcome::Failed;
                    }
                }
            }
            // The same may be had elsewhere.
            let lookups = node.lookups.iter().flat_map(|(_, lookups)| lookups);
            let found: BTreeSet<_> = lookups.flat_map(|lookup| &lookup.found).copied().collect();
            node.referrers.retain(|listed| found.contains(&listed.digest));
        }
        Ok(self.nodes)
    }
}

/// What came of a task.
enum Visit<'a> {
    Node(Box<Node<'a>>, Vec<Task<'a>>),
    /// It cannot be had, and need not be.
    Excused,
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
    home: Option<String>,
    promised: Descriptor,
    fetched: Option<Fetched>,
    /// Who led here.
    parent: Option<Digest>,
    /// How, where it is evidence of `parent`.
    via: Option<LookupKind>,
    role: Role,
    platforms: Platforms,
    depth: Depth,
}

#[derive(Clone, Copy, Default)]
struct Depth {
    indexes: usize,
    evidence: usize,
}

/// How the walk is done.
struct Walk<'w, 'a> {
    search: &'w Search<'a>,
    settings: &'w Settings,
    watch: &'w dyn Watch,
}

impl<'a> Walk<'_, 'a> {
    fn visit(&self, task: &Task<'a>) -> Result<Visit<'a>, Error> {
        task.check_depth(self.settings)?;
        let Fetched { descriptor: found, bytes } = match task.fetch() {
            Ok(fetched) => fetched,
            Err(error) => return self.excused(task, error),
        };
        let Descriptor { digest, ref media_type, .. } = task.promised;
        let document = Document::parse(&bytes, media_type, &self.settings.limits)
            .map_err(|cause| Error::Document { repository: task.source.name(), digest, cause })?;
        let subject = document.subject().map(|subject| subject.digest);
        let (children, config, layers, kind) = match document {
            Document::Index(index) => (index.manifests, None, Vec::new(), index.artifact_type),
            Document::Manifest(manifest) => {
                let kind = Some(manifest.kind().to_owned());
                (Vec::new(), Some(manifest.config), manifest.layers, kind)
            }
        };
        let left_out = task.leave_out(&children)?;
        let mut node = Node {
            source: task.source,
            descriptor: Descriptor { media_type: media_type.clone(), ..found },
            role: task.role,
            bytes: Some(bytes),
            home: task.home.clone(),
            lacking: task.platforms.lacking(&children),
            children,
            left_out,
            config,
            layers,
            subject,
            kind,
            lookups: Vec::new(),
            tagged: Vec::new(),
            referrers: Vec::new(),
        };
        let carried = node.children.iter().filter(|child| !node.left_out.contains(&child.digest));
        let mut next: Vec<_> = carried.map(|child| task.child(child)).collect();
        for source in self.sources(task) {
            let mut lookups = Vec::new();
            for kind in LookupKind::ALL {
                next.extend(self.look_up(task, source, kind, &mut node, &mut lookups)?);
            }
            node.lookups.push((source.name(), lookups));
        }
        self.watch.looked_up(&digest);
        Ok(Visit::Node(Box::new(node), next))
    }

    /// The task's own source first, then the others, each once.
    fn sources(&self, task: &Task<'a>) -> Vec<&'a dyn Source> {
        let mut names = BTreeSet::new();
        std::iter::once(task.source)
            .chain(self.search.elsewhere.iter().copied())
            .filter(|source| names.insert(source.name()))
            .collect()
    }

    /// What a failure to fetch evidence comes to, where a person said that it may fail.
    fn excused(&self, task: &Task<'_>, error: Error) -> Result<Visit<'a>, Error> {
        let excusable = matches!(error, Error::NoReferrer { .. } | Error::Fault { .. });
        let (Some(kind), Some(subject), true) = (task.via, task.parent, excusable) else {
            return Err(error);
        };
        let reason = self.search.exceptions.excuse(&task.source.name(), &subject, kind);
        if reason.is_some() { Ok(Visit::Excused) } else { Err(error) }
    }

    /// Looks in one place, writes down what stood there, and leads on to it.
    fn look_up(
        &self,
        task: &Task<'a>,
        source: &'a dyn Source,
        kind: LookupKind,
        node: &mut Node<'a>,
        lookups: &mut Vec<Lookup>,
    ) -> Result<Vec<Task<'a>>, Error> {
        let subject = task.promised.digest;
        let answer = match source.look_up(&subject, kind) {
            Ok(answer) => answer,
            Err(cause) => {
                let doing =
                    || format!("look up evidence ({}) of {}@{subject}", kind.name(), source.name());
                let reason = self.search.exceptions.excuse(&source.name(), &subject, kind);
                let reason = reason.ok_or_else(|| fault(doing)(cause))?;
                let exception = Some(reason.to_owned());
                let (outcome, found) = (Outcome::Failed, Vec::new());
                lookups.push(Lookup { kind, outcome, found, exception });
                return Ok(Vec::new());
            }
        };
        let (outcome, next) = match answer {
            Answer::NotSupported => (Outcome::NotSupported, Vec::new()),
            Answer::NotFound => (Outcome::NotFound, Vec::new()),
            Answer::Tagged { tag, manifest } => {
                let promised = manifest.descriptor.clone();
                node.tagged.push(Tagged { tag, manifest: promised.clone(), at: source.name() });
                (Outcome::Found, vec![task.evidence(source, kind, promised, Some(*manifest))])
            }
            Answer::Listed(list) if list.is_empty() => (Outcome::NotFound, Vec::new()),
            Answer::Listed(list) => {
                node.referrers.extend(list.iter().cloned());
                let led = |listed| task.evidence(source, kind, listed, None);
                (Outcome::Found, list.into_iter().map(led).collect())
            }
        };
        let found: BTreeSet<_> = next.iter().map(|task| task.promised.digest).collect();
        let found = found.into_iter().collect();
        lookups.push(Lookup { kind, outcome, found, exception: None });
        Ok(next)
    }
}

impl<'a> Task<'a> {
    fn met(&self) -> Met {
        (self.source.name(), self.promised.digest, self.home.clone())
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

    /// The children of an index that are not carried. Evidence is carried whole.
    fn leave_out(&self, children: &[Descriptor]) -> Result<BTreeSet<Digest>, Error> {
        if self.role == Role::Evidence {
            return Ok(BTreeSet::new());
        }
        let nothing_fits = self.role == Role::Image
            && offered(children).next().is_some()
            && matches!(&self.platforms, Platforms::Only(wanted)
                if self.platforms.lacking(children).len() == wanted.len());
        if nothing_fits {
            let offered: BTreeSet<_> = offered(children).map(ToString::to_string).collect();
            return Err(Error::NoPlatform {
                name: format!("{}@{}", self.source.name(), self.promised.digest),
                wanted: self.platforms.to_string(),
                offered: offered.into_iter().collect::<Vec<_>>().join(", "),
            });
        }
        Ok(self.platforms.leave_out(children))
    }

    fn child(&self, child: &Descriptor) -> Self {
        Self {
            source: self.source,
            home: self.home.clone(),
            promised: child.clone(),
            fetched: None,
            parent: Some(self.promised.digest),
            via: None,
            role: if self.role == Role::Evidence { Role::Evidence } else { Role::Child },
            platforms: self.platforms.clone(),
            depth: Depth { indexes: self.depth.indexes.saturating_add(1), ..self.depth },
        }
    }

    fn evidence(
        &self,
        source: &'a dyn Source,
        kind: LookupKind,
        promised: Descriptor,
        fetched: Option<Fetched>,
    ) -> Self {
        Self {
            source,
            home: self.home.clone(),
            promised,
            fetched,
            parent: Some(self.promised.digest),
            via: Some(kind),
            role: Role::Evidence,
            platforms: Platforms::All,
            depth: Depth { indexes: 0, evidence: self.depth.evidence.saturating_add(1) },
        }
    }
}

/// Says what was being done when a source failed.
pub(super) fn fault(doing: impl FnOnce() -> String) -> impl FnOnce(Fault) -> Error {
    |cause| Error::Fault { doing: doing(), cause }
}
