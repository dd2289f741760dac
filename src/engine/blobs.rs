//! Every blob that is reached, hashed once.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::{Pool, Progress};
use crate::archive::{BlobError, Store};
use crate::digest::Digest;
use crate::inventory::{BlobFault, Evidence, Inventory, Subject};
use crate::oci::{Descriptor, Document};
use crate::report;

/// The blobs to hash: each promise once, and the manifests that were proven when they were read.
#[derive(Default)]
pub(super) struct Plan<'a> {
    promises: BTreeMap<Promise, &'a Descriptor>,
    /// Those that something is read from: everything but layers.
    read: BTreeSet<Promise>,
    proven: BTreeSet<Promise>,
}

/// What identifies a promise. Two descriptors of one digest and different sizes are two promises, of
/// which at most one holds; so are two that embed different bytes, here by their digest.
type Promise = (Digest, u64, Option<Digest>);

impl<'a> Plan<'a> {
    /// The blobs of the subjects at `concerned`, and of everything else where `all` is judged.
    pub(super) fn of(inventory: &'a Inventory, concerned: &BTreeSet<usize>, all: bool) -> Self {
        let mut plan = Self::default();
        for subject in concerned.iter().filter_map(|place| inventory.subjects.get(*place)) {
            plan.add_subject(subject);
        }
        if all {
            for orphan in &inventory.orphans {
                plan.add_evidence(&orphan.evidence);
            }
        }
        plan
    }

    fn add_subject(&mut self, subject: &'a Subject) {
        if let Ok(content) = &subject.content {
            self.proven.insert(promise(&subject.descriptor));
            // Manifests below an index are subjects themselves.
            if let Document::Manifest(manifest) = &content.document {
                for descriptor in &manifest.layers {
                    self.promises.insert(promise(descriptor), descriptor);
                }
                self.add(&manifest.config);
            }
        }
        for evidence in &subject.evidence {
            self.add_evidence(evidence);
        }
    }

    fn add_evidence(&mut self, evidence: &'a Evidence) {
        if evidence.content.is_ok() {
            self.proven.insert(promise(&evidence.manifest));
        }
        for descriptor in &evidence.blobs {
            self.add(descriptor);
        }
        for referrer in &evidence.referrers {
            self.add_evidence(referrer);
        }
    }

    fn add(&mut self, descriptor: &'a Descriptor) {
        self.promises.insert(promise(descriptor), descriptor);
        self.read.insert(promise(descriptor));
    }

    /// Whether the target of a mirror has the blob, and nothing is read from it here.
    fn is_held(&self, descriptor: &Descriptor, store: &dyn Store) -> bool {
        !self.read.contains(&promise(descriptor)) && store.at_target(descriptor).is_some()
    }

    /// How many bytes the archive holds of what is to be hashed.
    pub(super) fn bytes(&self, store: &dyn Store) -> u64 {
        let hashed = self.promises.values().filter(|descriptor| !self.is_held(descriptor, store));
        let sizes = hashed.filter_map(|descriptor| store.size(&descriptor.digest));
        sizes.fold(0, u64::saturating_add)
    }
}

/// What became of every blob.
pub(super) struct Blobs {
    states: BTreeMap<Promise, State>,
    proven: BTreeSet<Promise>,
}

/// What became of a blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Its bytes are the ones promised.
    Proven,
    /// The archive has no such file.
    Absent,
    /// The target of a mirror says it holds it, so nobody looked.
    Held,
    /// The file holds something else.
    Wrong(Wrong),
}

/// What a blob file holds instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    /// The stable code.
    pub code: &'static str,
    /// What was promised and what was found.
    pub detail: String,
}

impl Wrong {
    /// Nobody looked.
    pub(super) fn not_hashed(descriptor: &Descriptor) -> Self {
        Self { code: "not-hashed", detail: format!("blob {} was not hashed", descriptor.digest) }
    }
}

impl From<&BlobError> for Wrong {
    fn from(error: &BlobError) -> Self {
        Self { code: error.code(), detail: causes(error) }
    }
}

impl From<&BlobFault> for Wrong {
    fn from(fault: &BlobFault) -> Self {
        match fault {
            BlobFault::Blob(error) => error.into(),
            BlobFault::Document(error) if error.exceeds_a_limit() => {
                Self { code: "limit-exceeded", detail: causes(error) }
            }
            BlobFault::Document(error) => {
                Self { code: "malformed-manifest", detail: causes(error) }
            }
        }
    }
}

impl Blobs {
    /// Hashes what is planned, the longest first. A file that cannot be read decides nothing of its
    /// image: that is an error.
    pub(super) fn check(
        plan: &Plan<'_>,
        store: &dyn Store,
        pool: &Pool,
        progress: &dyn Progress,
    ) -> Result<Self, BlobError> {
        let mut order: Vec<&Descriptor> = plan.promises.values().copied().collect();
        order.sort_by_key(|descriptor| Reverse(descriptor.size));
        let states = pool.map(&order, |descriptor| {
            if plan.is_held(descriptor, store) {
                return Ok(State::Held);
            }
            check(store, descriptor, progress)
        });
        let states = order
            .iter()
            .zip(states)
            .map(|(descriptor, state)| Ok((promise(descriptor), state?)))
            .collect::<Result<_, _>>()?;
        Ok(Self { states, proven: plan.proven.clone() })
    }

    /// What became of the blob that `descriptor` promises.
    pub(super) fn state(&self, descriptor: &Descriptor) -> State {
        let unplanned = || State::Wrong(Wrong::not_hashed(descriptor));
        self.states.get(&promise(descriptor)).cloned().unwrap_or_else(unplanned)
    }

    /// How much was hashed and found to be what was promised.
    pub(super) fn counted(&self) -> report::Blobs {
        let hashed = self.states.iter().filter(|(_, state)| **state == State::Proven);
        let all = hashed.map(|(promise, _)| promise).chain(&self.proven);
        let sizes: BTreeMap<Digest, u64> = all.map(|(digest, size, _)| (*digest, *size)).collect();
        report::Blobs {
            count: sizes.len(),
            bytes: sizes.into_values().fold(0, u64::saturating_add),
        }
    }
}

fn check(
    store: &dyn Store,
    descriptor: &Descriptor,
    progress: &dyn Progress,
) -> Result<State, BlobError> {
    let Some(size) = store.size(&descriptor.digest) else {
        return Ok(State::Absent);
    };
    let state = match store.check(descriptor) {
        Ok(()) => State::Proven,
        Err(error @ BlobError::Io { .. }) => return Err(error),
        Err(error) => State::Wrong(Wrong::from(&error)),
    };
    progress.hashed(size);
    Ok(state)
}

fn promise(descriptor: &Descriptor) -> Promise {
    let embedded = descriptor.data.as_ref().map(|data| Digest::sha256(data.as_bytes()));
    (descriptor.digest, descriptor.size, embedded)
}

/// An error and its causes in one line.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    text
}
