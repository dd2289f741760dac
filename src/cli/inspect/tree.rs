//! The tree of an archive: roots, children, evidence.

use sealift::archive::Archive;
use sealift::digest::Digest;
use sealift::inventory::delta::{Delta, contents};
use sealift::inventory::{Evidence, FoundBy, Inventory, Subject};
use sealift::limits::Limits;
use sealift::oci::Document;
use sealift::report::json;
use sealift::report::text::{Lines, bytes, count, short};
use serde::Serialize;

use super::claims::{Claims, LogClaim};

const NOTHING_VERIFIED: &str =
    "nothing here was verified: these are the archive's own claims; see `sealift verify`";

/// What an archive holds. Its JSON is version 1 of the format of `inspect`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tree {
    version: u32,
    verified: bool,
    note: &'static str,
    index_digest: Digest,
    /// As deltas name what they were made against.
    contents: Digest,
    images: Vec<Node>,
    orphans: Vec<Orphan>,
    unreferenced: Vec<Loose>,
    notes: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Node {
    digest: Digest,
    media_type: String,
    names: Vec<String>,
    platform: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unreadable: Option<String>,
    blobs: usize,
    bytes: u64,
    evidence: Vec<Carrier>,
    children: Vec<Node>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Carrier {
    manifest: Digest,
    found_by: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unreadable: Option<String>,
    claims: Vec<Claims>,
    evidence: Vec<Carrier>,
}

#[derive(Debug, Serialize)]
struct Orphan {
    subject: Option<Digest>,
    evidence: Carrier,
}

#[derive(Debug, Serialize)]
struct Loose {
    digest: Digest,
    size: u64,
}

impl Tree {
    pub(super) fn of(archive: &Archive, inventory: &Inventory, limits: &Limits) -> Self {
        let reader = Reader { inventory, limits };
        let roots = inventory.subjects.iter().filter(|subject| subject.is_root);
        let orphans = inventory.orphans.iter().map(|orphan| Orphan {
            subject: orphan.subject,
            evidence: reader.carrier(&orphan.evidence),
        });
        let loose = inventory.unreferenced.iter();
        let foreign = archive.ignored().iter();
        let delta = inventory.delta.iter().map(left_to_base);
        let notes = delta.chain(inventory.notes.iter().map(ToString::to_string));
        Self {
            version: 1,
            verified: false,
            note: NOTHING_VERIFIED,
            index_digest: *archive.index_digest(),
            contents: contents(&archive.store().blobs().into_iter().collect()),
            images: roots.map(|root| reader.node(root)).collect(),
            orphans: orphans.collect(),
            unreferenced: loose.map(|&(digest, size)| Loose { digest, size }).collect(),
            notes: notes.chain(foreign.map(|name| format!("foreign member `{name}`"))).collect(),
        }
    }

    pub(super) fn json(&self) -> String {
        json::to_string(self)
    }

    pub(super) fn text(&self) -> String {
        let mut lines = Lines::default();
        lines.line("", NOTHING_VERIFIED);
        lines.blank();
        for image in &self.images {
            image.write(&mut lines, 0);
            lines.blank();
        }
        for orphan in &self.orphans {
            let subject =
                orphan.subject.map_or("something unknown".to_owned(), |digest| digest.to_string());
            lines.hanging("", "evidence of what is not here: ", &subject);
            orphan.evidence.write(&mut lines, 1);
        }
        for loose in &self.unreferenced {
            let told = format!("{} ({})", loose.digest, bytes(loose.size));
            lines.hanging("", "unreferenced ", &told);
        }
        for note in &self.notes {
            lines.hanging("", "note ", note);
        }
        lines.line("", &format!("index.json {}", self.index_digest));
        lines.line("", &format!("contents {}", self.contents));
        lines.finish()
    }
}

fn left_to_base(delta: &Delta) -> String {
    let size = delta.omitted.iter().fold(0_u64, |sum, blob| sum.saturating_add(blob.size));
    let (left, size) = (count(delta.omitted.len(), "blob"), bytes(size));
    let bases: Vec<_> = delta.bases.iter().map(ToString::to_string).collect();
    format!("a delta that leaves {left} ({size}) to its base, {}", bases.join(" and "))
}

struct Reader<'a> {
    inventory: &'a Inventory,
    limits: &'a Limits,
}

impl Reader<'_> {
    fn node(&self, subject: &Subject) -> Node {
        let document = subject.content.as_ref().map(|content| &content.document);
        let children = match document {
            Ok(Document::Index(index)) => index.manifests.as_slice(),
            Ok(Document::Manifest(_)) | Err(_) => &[],
        };
        let blobs = match document {
            Ok(Document::Manifest(_)) => subject.blobs(),
            Ok(Document::Index(_)) | Err(_) => Vec::new(),
        };
        Node {
            digest: subject.descriptor.digest,
            media_type: subject.descriptor.media_type.as_str().to_owned(),
            names: subject.names.iter().map(ToString::to_string).collect(),
            platform: subject.platform.as_ref().map(ToString::to_string),
            unreadable: subject.content.as_ref().err().map(ToString::to_string),
            blobs: blobs.len(),
            bytes: blobs.iter().map(|blob| blob.size).fold(0, u64::saturating_add),
            evidence: subject.evidence.iter().map(|evidence| self.carrier(evidence)).collect(),
            // Depth is bounded: an inventory has no deeper indexes than its limits allowed.
            children: children
                .iter()
                .filter_map(|child| self.inventory.subject(&child.digest))
                .map(|child| self.node(child))
                .collect(),
        }
    }

    fn carrier(&self, evidence: &Evidence) -> Carrier {
        let (found_by, tag) = match &evidence.found_by {
            FoundBy::Tag(tag) => ("tag", Some(tag.clone())),
            FoundBy::CosignKind => ("kind annotation", None),
            FoundBy::Subject => ("subject", None),
            FoundBy::FallbackTag => ("fallback tag", None),
        };
        Carrier {
            manifest: evidence.manifest.digest,
            found_by,
            tag,
            unreadable: evidence.content.as_ref().err().map(ToString::to_string),
            claims: evidence.pieces.iter().map(|piece| Claims::of(piece, self.limits)).collect(),
            evidence: evidence.referrers.iter().map(|referrer| self.carrier(referrer)).collect(),
        }
    }
}

impl Node {
    fn write(&self, lines: &mut Lines, depth: usize) {
        let indent = "  ".repeat(depth);
        let name = match (self.names.first(), &self.platform) {
            (Some(name), _) => name.clone(),
            (None, Some(platform)) => platform.clone(),
            (None, None) => "without a name".to_owned(),
        };
        lines.hanging(&indent, "image ", &name);
        for name in self.names.iter().skip(1) {
            lines.hanging(&indent, "also ", name);
        }
        let indent = format!("{indent}  ");
        lines.line(&indent, &self.digest.to_string());
        match (&self.unreadable, self.blobs) {
            (Some(why), _) => lines.hanging(&indent, "unreadable: ", why),
            (None, 0) => {}
            (None, blobs) => {
                lines.line(&indent, &format!("{blobs} blobs of {}", bytes(self.bytes)));
            }
        }
        let below = depth.saturating_add(1);
        self.evidence.iter().for_each(|carrier| carrier.write(lines, below));
        self.children.iter().for_each(|child| child.write(lines, below));
    }
}

impl Carrier {
    fn write(&self, lines: &mut Lines, depth: usize) {
        let indent = "  ".repeat(depth);
        let told = format!("{} by {}", short(&self.manifest), self.found_by);
        lines.hanging(&indent, "evidence ", &told);
        if let Some(why) = &self.unreadable {
            lines.hanging(&indent, "  unreadable: ", why);
        }
        for claims in &self.claims {
            claims.write(lines, &format!("{indent}  "));
        }
        let below = depth.saturating_add(1);
        self.evidence.iter().for_each(|carrier| carrier.write(lines, below));
    }
}

impl Claims {
    fn write(&self, lines: &mut Lines, indent: &str) {
        let what = match &self.predicate_type {
            Some(predicate_type) => format!("{} of `{predicate_type}`", self.kind),
            None => self.kind.clone(),
        };
        lines.hanging(indent, "claims ", &what);
        if let Some(reference) = &self.docker_reference {
            lines.hanging(indent, "  for ", reference);
        }
        for identity in &self.identities {
            lines.hanging(indent, "  by ", identity);
        }
        match self.issuer.as_deref() {
            None => {}
            Some("") => lines.hanging(indent, "  issuer ", "none named"),
            Some(issuer) => lines.hanging(indent, "  issuer ", issuer),
        }
        if let Some(hint) = &self.key_hint {
            lines.hanging(indent, "  by the key ", hint);
        }
        for entry in &self.log_entries {
            lines.hanging(indent, "  log ", &entry.text());
        }
        if self.timestamps > 0 {
            lines.line(indent, &format!("  signed timestamps: {}", self.timestamps));
        }
        if let Some(why) = &self.unreadable {
            lines.hanging(indent, "  unreadable: ", why);
        }
    }
}

impl LogClaim {
    fn text(&self) -> String {
        let mut text = format!("entry {}", self.index);
        if let Some(time) = self.integrated {
            text = format!("{text}, {time}");
        }
        match (self.promise, self.inclusion) {
            (true, true) => text + ", promise and inclusion proof",
            (true, false) => text + ", promise",
            (false, true) => text + ", inclusion proof",
            (false, false) => text,
        }
    }
}
