//! The *record*: what the ledger of an export says that the archive holds.
//!
//! It is nobody's signed word, so it admits nothing. It tells a child that was left out from one that
//! was lost, and on demand it denies an archive that holds less than was put into it.

use std::collections::{BTreeMap, BTreeSet};

use super::blobs::Blobs;
use super::evidence;
use crate::digest::Digest;
use crate::inventory::ledger::{Entry, Ledger};
use crate::inventory::{Evidence, Inventory, Piece};
use crate::limits::Limits;
use crate::policy::{Fault, Part};
use crate::report::Scope;

/// The ledger of an archive.
pub(super) enum Record {
    /// There is none.
    None,
    /// It cannot be read.
    Broken(String),
    /// What it says.
    Read(Ledger),
}

impl Record {
    /// The ledger that the archive carries.
    pub(super) fn of(inventory: &Inventory, limits: &Limits) -> Self {
        let Some(blob) = &inventory.ledger else { return Self::None };
        match Ledger::parse(blob.bytes(), limits) {
            Ok(ledger) => Self::Read(ledger),
            Err(error) => Self::Broken(error.to_string()),
        }
    }

    /// Whether an export left the child of an index out, on purpose and by its platform.
    pub(super) fn left_out(&self, index: &Digest, child: &Digest) -> bool {
        // Sorted by repository first, and an index may be in several: few, so each is looked at.
        self.entries().iter().any(|entry| entry.digest == *index && entry.left_out.contains(child))
    }

    /// What the export was excused from looking up: of what, and why.
    pub(super) fn excused(&self) -> impl Iterator<Item = (Digest, String)> {
        self.entries().iter().flat_map(|entry| {
            entry.lookups.iter().filter_map(|lookup| {
                let reason = lookup.exception.as_ref()?;
                let (kind, repository) = (lookup.kind.name(), &entry.repository);
                Some((entry.digest, format!("{kind} in {repository}: {reason}")))
            })
        })
    }

    fn entries(&self) -> &[Entry] {
        match self {
            Self::Read(ledger) => &ledger.subjects,
            Self::None | Self::Broken(_) => &[],
        }
    }
}

/// The archive beside its record.
pub(super) struct Comparison<'a> {
    record: &'a Record,
    inventory: &'a Inventory,
    blobs: &'a Blobs,
    /// Evidence by what it speaks of.
    held: BTreeMap<Digest, BTreeMap<Digest, &'a Evidence>>,
    by_subject: BTreeMap<Digest, Vec<&'a Entry>>,
    /// What belongs to no image of the archive, where the whole archive is judged.
    lost: Option<Fault>,
}

impl<'a> Comparison<'a> {
    /// `whole` where every image of the archive is judged: then all of the record must be there.
    pub(super) fn new(
        record: &'a Record,
        inventory: &'a Inventory,
        blobs: &'a Blobs,
        whole: bool,
    ) -> Self {
        let mut held = BTreeMap::new();
        for subject in &inventory.subjects {
            hold(subject.descriptor.digest, &subject.evidence, &mut held);
        }
        let mut by_subject: BTreeMap<Digest, Vec<&Entry>> = BTreeMap::new();
        for entry in record.entries() {
            by_subject.entry(entry.digest).or_default().push(entry);
        }
        let mut comparison = Self { record, inventory, blobs, held, by_subject, lost: None };
        comparison.lost = comparison.lost().filter(|_| whole);
        comparison
    }

    /// What an image lacks of what the record says: of itself, of the children that are there, and
    /// of all that speaks of them.
    pub(super) fn faults(&self, image: &Digest, children: &[Digest]) -> Vec<Fault> {
        let of_ledger =
            |code, detail| vec![Fault { digest: *image, part: Part::Ledger, code, detail }];
        match self.record {
            Record::None => {
                return of_ledger("no-ledger", "the archive carries no ledger".to_owned());
            }
            Record::Broken(why) => {
                return of_ledger("bad-ledger", format!("the ledger cannot be read: {why}"));
            }
            Record::Read(_) => {}
        }
        let mut faults: Vec<_> = self.lost.clone().into_iter().collect();
        let mut waiting: Vec<Digest> = std::iter::once(image).chain(children).copied().collect();
        let mut seen: BTreeSet<Digest> = waiting.iter().copied().collect();
        for digest in &waiting {
            if !self.by_subject.contains_key(digest) {
                let detail = format!("the ledger says nothing of {digest}");
                let (digest, part) = (*digest, Part::Ledger);
                faults.push(Fault { digest, part, code: "not-in-ledger", detail });
            }
        }
        while let Some(subject) = waiting.pop() {
            for entry in self.by_subject.get(&subject).into_iter().flatten() {
                for (kind, found) in entry
                    .lookups
                    .iter()
                    .flat_map(|lookup| lookup.found.iter().map(|found| (lookup.kind, *found)))
                {
                    if !seen.insert(found) {
                        continue;
                    }
                    waiting.push(found);
                    if !self.holds(&subject, &found) {
                        let detail = format!(
                            "the export found {found} ({}) for {subject} in {}, and the archive \
                             does not hold it",
                            kind.name(),
                            entry.repository.escape_debug()
                        );
                        faults.push(less(found, detail));
                    }
                }
            }
        }
        faults
    }

    /// What the record says was carried and belongs to no image of the archive any more.
    fn lost(&self) -> Option<Fault> {
        let evidence = self.record.entries().iter().flat_map(|entry| &entry.lookups);
        let evidence: BTreeSet<_> = evidence.flat_map(|lookup| &lookup.found).collect();
        let lost: Vec<_> = self
            .by_subject
            .iter()
            .filter(|(digest, _)| !evidence.contains(digest))
            .filter(|(digest, _)| self.inventory.subject(digest).is_none())
            .collect();
        let (first, entries) = lost.first()?;
        let repository = entries.first().map(|entry| entry.repository.escape_debug().to_string());
        let others = match lost.len().saturating_sub(1) {
            0 => String::new(),
            others => format!(" and {others} others"),
        };
        let repository = repository.unwrap_or_default();
        let detail = format!(
            "the export carried {first} of {repository}{others}, and the archive does not hold it"
        );
        Some(less(**first, detail))
    }

    /// Whether evidence is there, whole, and tied to what it speaks of. An image that is evidence is
    /// judged by itself.
    fn holds(&self, subject: &Digest, found: &Digest) -> bool {
        let is_whole = |evidence: &&Evidence| {
            let is_readable = |piece: &Piece| !matches!(piece, Piece::Unreadable(..));
            evidence::faults(evidence, self.blobs, Scope::Whole).is_empty()
                && evidence.pieces.iter().all(is_readable)
        };
        self.held.get(subject).and_then(|held| held.get(found)).is_some_and(is_whole)
    }
}

fn hold<'a>(
    subject: Digest,
    evidence: &'a [Evidence],
    held: &mut BTreeMap<Digest, BTreeMap<Digest, &'a Evidence>>,
) {
    for evidence in evidence {
        let digest = evidence.manifest.digest;
        held.entry(subject).or_default().insert(digest, evidence);
        // The inventory bounds the depth.
        hold(digest, &evidence.referrers, held);
    }
}

fn less(digest: Digest, detail: String) -> Fault {
    Fault { digest, part: Part::Evidence, code: "less-than-ledger", detail }
}
