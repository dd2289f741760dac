//! *Mutants*: for every accepted form of evidence, and every accepted vector where the vectors are,
//! each part changed in every way that [`change`] knows. None may prove anything else than what it
//! was made from.
//!
//! What still verifies must stand in [`HARMLESS`], with the reason; a line there that nothing needs
//! fails the test.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test stops where its evidence is not as it must be, and says what it skipped"
)]

#[path = "mutations/change.rs"]
mod change;
#[path = "mutations/document.rs"]
mod document;
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use rayon::prelude::*;
use sealift::archive::Archive;
use sealift::crypto::PublicKey;
use sealift::digest::Digest;
use sealift::inventory::{Inventory, Piece};
use sealift::limits::Limits;
use sealift::policy::{self, IdentityMatcher, Kind, Mismatch, Requirement, TextMatcher};
use sealift::sigstore::{ManagedKey, TrustRoot};
use sealift::time::UnixTime;
use sealift::verify::{Artifact, Facts, LogEntry, Rejection, Testimony, Trust, Verifier};
use serde_json::Value;

use Left::{Less, Same};
use change::Change::{
    Count, Cut, Double, Drop, Empty, Extend, Flip, Graft, LineEnd, Null, Retype, Reverse, Swap,
    Unpad, UrlAlphabet,
};
use change::{Change, Effort, Mutant, place};
use document::{Step, Text, Tree};
use support::accepted::{self, Demand};
use support::bench::{Bench, NOW, SIGNED};
use support::evidence::{ENTRY, Signer};
use support::{Log, VirtualSigstore, time};

/// What a mutant may still prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Left {
    /// The same facts.
    Same,
    /// The same but for log entries and times, of which there are fewer.
    Less,
}

#[test]
fn no_mutant_of_a_minted_form_proves_anything_else() {
    let effort = Effort { flips: 16, pieces: 10, fields: 2 };
    check_needed(HARMLESS, &judge(&MINTED, effort, &[HARMLESS]));
}

/// Where the forms above have a bit turned over here and there, these have it in every byte.
#[test]
fn every_byte_counts() {
    const WHOLE: [&str; 2] = ["legacy-keyless-timestamp", "bundle-v0.3-rekor-v2-embedded"];
    let mut specimens = MINTED.clone();
    specimens.retain(|specimen| WHOLE.contains(&specimen.name.as_str()));
    judge(&specimens, Effort { flips: usize::MAX, pieces: 0, fields: 0 }, &[HARMLESS]);
}

#[test]
fn no_mutant_of_a_vector_proves_anything_else() {
    let Some(folder) = vectors() else { return };
    let specimens = [conformance(&folder), real(&folder)].concat();
    let effort = Effort { flips: 4, pieces: 4, fields: 1 };
    check_needed(OF_VECTORS, &judge(&specimens, effort, &[HARMLESS, OF_VECTORS]));
}

/// A log that takes in any body, and promises and proves it, vouches for nothing but that body.
#[test]
fn no_mutant_of_a_logged_body_binds_anything_else() {
    const LOGGED: [&str; 8] = [
        "legacy-keyless",
        "legacy-keyless-rekord",
        "legacy-attestation-intoto-001",
        "legacy-attestation-intoto-002",
        "legacy-attestation-dsse-001",
        "bundle-v0.3-sign",
        "bundle-v0.1-attestation-intoto-002",
        "bundle-v0.3-rekor-v2-sign",
    ];
    let mut specimens = MINTED.clone();
    specimens.retain(|specimen| LOGGED.contains(&specimen.name.as_str()));
    assert_eq!(specimens.len(), LOGGED.len());
    let bodies: Vec<Tree> = specimens.iter().map(|one| one.body().clone()).collect();
    let others: Vec<&Tree> = bodies.iter().collect();
    let sigstore = Bench::new().sigstore;
    let mut found = Found::default();
    for (specimen, body) in specimens.iter().zip(&bodies) {
        let effort = Effort { flips: 12, pieces: LOGGED.len(), fields: LOGGED.len() };
        change::each(body, effort, &others, |mutant| {
            let Some(bytes) = mutant.tree.json() else { return };
            let tree = specimen.logged_again(&sigstore, &bytes);
            let (path, change) = (mutant.path.clone(), mutant.change);
            found.judge(specimen, &Mutant { path, change, tree }, &[OF_BODIES]);
        });
    }
    let survivors = found.finish(specimens.len());
    check_needed(OF_BODIES, &survivors);
}

/// The certificate is bound to its entry by its bytes, so that a change of the certificate alone
/// shows nothing: here the log takes in the changed one.
#[test]
fn no_mutant_of_a_certificate_is_trusted() {
    let limits = Limits::default();
    let mut bench = Bench::new();
    let root = bench.sigstore.trusted_root().to_string();
    let root = TrustRoot::parse(root.as_bytes(), &limits).unwrap();
    let trust = Trust { root: Some(root), ..Trust::default() };
    let verifier = Verifier::new(trust, NOW.parse().unwrap(), limits);
    let subject = Artifact { digest: bench.image.digest().into(), bytes: None };
    let payload = bench.payload();
    let signer = bench.signer();
    let certificate = signer.certificate.clone().unwrap();
    for at in 0..certificate.len() {
        let mut turned = certificate.clone();
        turned[at] ^= 1 << (at % 8);
        let signer = Signer { certificate: Some(turned), ..signer.clone() };
        let layer = bench.clone().at().sign(&signer, &payload, Log::Promise).layer();
        let testimony = Testimony::Signature { payload: &payload, annotations: &layer.annotations };
        let result = verifier.verify(&subject, testimony);
        assert!(result.is_err(), "byte {at} of the certificate does not count");
    }
}

/// A table may not list what does not happen.
fn check_needed(table: &[Line], survivors: &BTreeSet<Survivor>) {
    for (place, changes, left, reason) in table {
        for change in *changes {
            let mut survivors = survivors.iter();
            let needed = survivors
                .any(|(at, done, found)| (done, found) == (change, left) && fits(place, at));
            assert!(needed, "no {change} of {place} leaves {left:?} any more: {reason}");
        }
    }
}

/// Accepted evidence, opened.
#[derive(Clone)]
struct Specimen {
    name: String,
    verifier: Arc<Verifier>,
    subject: Digest,
    bytes: Option<Vec<u8>>,
    form: Form,
    document: Tree,
    facts: Facts,
}

/// In what it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Signature,
    Attestation,
    Bundle,
}

impl Specimen {
    /// What the evidence proves of the specimen's subject; `None` where no layer can be of that form.
    fn verify(&self, document: &Tree) -> Option<Result<Facts, Rejection>> {
        let subject = Artifact { digest: self.subject.into(), bytes: self.bytes.as_deref() };
        let (bytes, annotations);
        let testimony = match self.form {
            Form::Bundle => {
                bytes = document.json()?;
                Testimony::Bundle(&bytes)
            }
            Form::Signature | Form::Attestation => {
                let Tree::Object(fields) = document else { return None };
                let [(_, Tree::Text(layer)), (_, Tree::Object(notes))] = fields.as_slice() else {
                    return None;
                };
                bytes = layer.spelled()?;
                annotations = annotations_of(notes)?;
                match self.form {
                    Form::Signature => {
                        Testimony::Signature { payload: &bytes, annotations: &annotations }
                    }
                    _ => Testimony::Attestation { envelope: &bytes, annotations: &annotations },
                }
            }
        };
        let verified = self.verifier.verify(&subject, testimony);
        Some(verified.map(|verified| verified.facts().clone()))
    }

    /// What the specimen meets: its signer, and a log where it has an entry.
    fn requirement(&self) -> Requirement {
        let logged = !self.facts.log_entries.is_empty();
        let log = if logged { policy::Demand::Demanded } else { policy::Demand::Waived };
        let signer = match self.verifier.trust().keys.as_slice() {
            [] => policy::Signer::Certificate {
                authority: policy::Authority::TrustedRoot,
                identities: vec![IdentityMatcher::new(TextMatcher::Any, None)],
                sct: policy::Demand::Waived,
            },
            keys => policy::Signer::Keys(keys.to_vec()),
        };
        Requirement { log, ..Requirement::new("original", Kind::Either, signer) }
    }

    /// Where the log's entry stands.
    fn entry(&self) -> Vec<Step> {
        let field = |name: &str| Step::Field(name.to_owned());
        match self.form {
            Form::Bundle => {
                vec![field("verificationMaterial"), field("tlogEntries"), Step::Item(0)]
            }
            _ => vec![field("annotations"), field(ENTRY), Step::Inside],
        }
    }

    fn body(&self) -> &Tree {
        let field = |name: &str| Step::Field(name.to_owned());
        let body = match self.form {
            Form::Bundle => vec![field("canonicalizedBody"), Step::Inside],
            _ => vec![field("Payload"), field("body"), Step::Inside],
        };
        self.document.at(&[self.entry(), body].concat()).unwrap()
    }

    /// The evidence with another body, taken in by the same log in the same place.
    fn logged_again(&self, sigstore: &VirtualSigstore, body: &[u8]) -> Tree {
        let mut sigstore = sigstore.clone();
        let mut log = || {
            if self.name.contains("rekor-v2") {
                sigstore.rekor_v2.log_bytes(body.to_vec())
            } else {
                sigstore.rekor.log_bytes(body.to_vec(), time(SIGNED))
            }
        };
        let index = i64::try_from(self.facts.log_entries[0].index).unwrap();
        let mut entry = log();
        while entry.log_index < index {
            entry = log();
        }
        let mut document = self.document.clone();
        let place = document.at_mut(&self.entry()).unwrap();
        let Tree::Object(fields) = &*place else { unreachable!("an entry is an object") };
        if !fields.iter().any(|(name, _)| name == "inclusionProof") {
            entry.proof = None;
        }
        let json = match self.form {
            Form::Bundle => entry.in_bundle(),
            _ => entry.annotation(),
        };
        *place = Tree::parse(json.to_string().as_bytes()).unwrap();
        document
    }
}

fn annotations_of(notes: &[(String, Tree)]) -> Option<BTreeMap<String, String>> {
    let annotations: BTreeMap<String, String> = notes
        .iter()
        .map(|(name, value)| match value {
            Tree::Text(text) => Some((name.clone(), String::from_utf8(text.spelled()?).ok()?)),
            _ => None,
        })
        .collect::<Option<_>>()?;
    (annotations.len() == notes.len()).then_some(annotations)
}

/// What a mutant that verified was: where, what was done, what was left.
type Survivor = (String, Change, Left);

/// Judges every mutant of every specimen.
fn judge(specimens: &[Specimen], effort: Effort, tables: &[&[Line]]) -> BTreeSet<Survivor> {
    let genuine: Vec<&Tree> = specimens.iter().map(|specimen| &specimen.document).collect();
    let judged: Vec<_> = specimens
        .par_iter()
        .enumerate()
        .map(|(at, specimen)| {
            let others: Vec<&Tree> = (1..specimens.len())
                .map(|step| &specimens[(at + step * 7) % specimens.len()])
                .filter(|other| other.form == specimen.form && other.document != specimen.document)
                .map(|other| &other.document)
                .collect();
            // A long document is long because the same stands in it many times.
            let long = specimen.document.json().unwrap().len() > 1 << 16;
            let effort = if long { Effort { flips: 2, pieces: 0, fields: 0 } } else { effort };
            let mut found = Found::default();
            change::each(&specimen.document, effort, &others, |mutant| {
                if !genuine.contains(&&mutant.tree) {
                    found.judge(specimen, mutant, tables);
                }
            });
            found
        })
        .collect();
    let mut all = Found::default();
    for found in judged {
        all.tried += found.tried;
        all.survivors.extend(found.survivors);
        all.wrong.extend(found.wrong);
    }
    println!(
        "{} specimens, {} mutants, {} survivors",
        specimens.len(),
        all.tried,
        all.survivors.len()
    );
    assert!(all.wrong.is_empty(), "{}", all.wrong.join("\n"));
    all.survivors
}

#[derive(Default)]
struct Found {
    tried: usize,
    survivors: BTreeSet<Survivor>,
    wrong: Vec<String>,
}

impl Found {
    /// The survivors, once nothing is wrong.
    fn finish(self, specimens: usize) -> BTreeSet<Survivor> {
        println!("{specimens} specimens, {} mutants", self.tried);
        assert!(self.wrong.is_empty(), "{}", self.wrong.join("\n"));
        self.survivors
    }

    fn judge(&mut self, specimen: &Specimen, mutant: &Mutant, tables: &[&[Line]]) {
        let Some(result) = specimen.verify(&mutant.tree) else { return };
        self.tried += 1;
        let Ok(facts) = result else { return };
        let place = place(&mutant.path);
        let left = if same(&facts, &specimen.facts) {
            Same
        } else if less(&facts, &specimen.facts) {
            // Where nothing is left of the log, a policy that demands one refuses.
            let unlogged = facts.log_entries.is_empty() && !specimen.facts.log_entries.is_empty();
            let met = specimen.requirement().check(&facts, None);
            assert_eq!(met, if unlogged { Err(Mismatch::NoLogEntry) } else { Ok(()) });
            Less
        } else {
            let (name, change) = (&specimen.name, mutant.change);
            self.wrong.push(format!(
                "{name}: {change} of {place} proves something else:\n{facts:?}\nnot\n{:?}",
                specimen.facts
            ));
            return;
        };
        let mut lines = tables.iter().copied().flatten();
        let harmless = lines.any(|(known, changes, leaves, _)| {
            fits(known, &place) && changes.contains(&mutant.change) && *leaves == left
        });
        if !harmless {
            self.wrong
                .push(format!("{}: {} of {place} leaves {left:?}", specimen.name, mutant.change));
        }
        self.survivors.insert((place, mutant.change, left));
    }
}

/// Whether two facts prove the same. Notes tell what counted for nothing, and a layer is called by the
/// digest of its bytes, whatever proof lies in them.
fn same(found: &Facts, original: &Facts) -> bool {
    let (notes, layer) = (original.notes.clone(), original.layer);
    found.layer.is_some() == layer.is_some() && Facts { notes, layer, ..found.clone() } == *original
}

/// Whether the facts prove the same by fewer log entries or times, and nothing more; then they may
/// rest on less of the trust.
fn less(found: &Facts, original: &Facts) -> bool {
    let (log_entries, times) = (original.log_entries.clone(), original.times.clone());
    let anchors = original.anchors.clone();
    let covered = |entry: &LogEntry| {
        original.log_entries.iter().any(|known| {
            (&known.log, known.index) == (&entry.log, entry.index)
                && known.promise >= entry.promise
                && known.inclusion >= entry.inclusion
                && entry.integrated.is_none_or(|at| known.integrated == Some(at))
        })
    };
    found.log_entries.len() <= log_entries.len()
        && found.log_entries.iter().all(covered)
        && found.times.len() <= times.len()
        && found.times.iter().all(|time| times.contains(time))
        && found.anchors.iter().all(|anchor| original.anchors.contains(anchor))
        && same(&Facts { log_entries, times, anchors, ..found.clone() }, original)
}

/// A star stands for any fields below, though not for what lies inside a text.
fn fits(known: &str, place: &str) -> bool {
    match known.strip_suffix('*') {
        Some(start) => place.strip_prefix(start).is_some_and(|below| !below.contains('/')),
        None => known == place,
    }
}

/// A place, what may be done there, what is left, and why that is right.
type Line = (&'static str, &'static [Change], Left, &'static str);

#[rustfmt::skip]
const HARMLESS: &[Line] = &[
    // Of the older kind.
    ("annotations", &[Empty], Same, "an attestation by a key needs none"),
    ("annotations.predicateType", &[Flip, Cut, Extend, Empty, Drop], Same,
        "nobody signed it; the statement's own counts"),
    ("annotations.dev.cosignproject.cosign/signature", &[LineEnd], Same,
        "openssl leaves a line end, and the bytes are the same"),
    ("annotations.dev.cosignproject.cosign/signature", &[Drop], Same,
        "an attestation's is empty"),
    ("annotations.dev.sigstore.cosign/chain", &[Flip, Cut, Extend, Empty, Drop, Swap, Graft], Same,
        "it is never read"),
    ("annotations.dev.sigstore.cosign/bundle", &[Empty, Drop, Flip], Less,
        "without an entry nothing was logged"),
    ("annotations.dev.sigstore.cosign/bundle/Payload.logID", &[Flip], Less,
        "the entry of an unknown log counts for nothing"),
    ("annotations.dev.sigstore.cosign/rfc3161timestamp", &[Empty, Drop], Less,
        "without a timestamp there is no time of an authority"),
    ("annotations.dev.sigstore.cosign/rfc3161timestamp/SignedRFC3161Timestamp", &[Flip], Less,
        "the timestamp of an unknown authority counts for nothing"),
    ("annotations.dev.sigstore.cosign/rfc3161timestamp/SignedRFC3161Timestamp", &[Flip], Same,
        "granted with changes is granted; what a token lists beside its signer is never read"),
    ("layer/signatures[].keyid", &[Null, Drop, Extend], Same, "nothing is decided by it"),
    ("layer/*", &[UrlAlphabet, Unpad], Same, "protojson spells bytes either way"),
    // Bundles.
    ("mediaType", &[Flip, Swap], Same, "the bundle meets the demands of that version too"),
    ("verificationMaterial.publicKey", &[Empty], Same, "a hint is not demanded"),
    ("verificationMaterial.publicKey.hint", &[Null, Drop, Empty, Cut, Extend, LineEnd], Same,
        "a hint that is no key's hash names no key in particular"),
    ("verificationMaterial.x509CertificateChain.certificates[]", &[Double], Same,
        "what stands above the certificate is never read"),
    ("verificationMaterial.*", &[Retype], Same, "protojson spells integers either way"),
    ("verificationMaterial.*", &[UrlAlphabet, Unpad], Same, "protojson spells bytes either way"),
    ("dsseEnvelope.*", &[UrlAlphabet, Unpad], Same, "protojson spells bytes either way"),
    ("messageSignature.*", &[UrlAlphabet, Unpad], Same, "protojson spells bytes either way"),
    ("messageSignature.messageDigest", &[Null, Drop], Same, "it is a hint"),
    ("verificationMaterial.tlogEntries", &[Null, Drop, Empty], Less,
        "without an entry nothing was logged"),
    ("verificationMaterial.tlogEntries", &[Reverse], Less, "entries have no order"),
    ("verificationMaterial.tlogEntries[]", &[Drop], Less, "without an entry nothing was logged"),
    ("verificationMaterial.tlogEntries[].logId.keyId", &[Flip], Less,
        "the entry of an unknown log counts for nothing"),
    ("verificationMaterial.tlogEntries[].integratedTime", &[Graft], Same,
        "without a promise it gives no time, and the certificate was valid then"),
    ("verificationMaterial.tlogEntries[].inclusionPromise", &[Null, Drop], Less,
        "a key, or a signed timestamp beside it, does not need the promise"),
    ("verificationMaterial.tlogEntries[].inclusionProof", &[Null, Drop], Less,
        "version 0.1 demands the promise alone"),
    ("verificationMaterial.tlogEntries[].inclusionProof.logIndex", &[Flip, Count], Same,
        "the leaf beside it is the same entry, taken in twice"),
    ("verificationMaterial.tlogEntries[].inclusionProof.checkpoint.envelope", &[Flip], Same,
        "the line of a witness, whom nobody asks"),
    ("verificationMaterial.timestampVerificationData", &[Null, Drop, Empty], Less,
        "without a timestamp there is no time of an authority"),
    ("verificationMaterial.timestampVerificationData.rfc3161Timestamps", &[Null, Drop, Empty], Less,
        "without a timestamp there is no time of an authority"),
    ("verificationMaterial.timestampVerificationData.rfc3161Timestamps[]", &[Drop], Less,
        "without a timestamp there is no time of an authority"),
    ("verificationMaterial.timestampVerificationData.rfc3161Timestamps[].signedTimestamp", &[Flip],
        Less, "the timestamp of an unknown authority counts for nothing"),
    ("verificationMaterial.timestampVerificationData.rfc3161Timestamps[].signedTimestamp", &[Flip],
        Same, "granted with changes is granted; what a token lists beside its signer is never read"),
];

/// The same of the vectors alone.
#[rustfmt::skip]
const OF_VECTORS: &[Line] = &[
    ("dsseEnvelope.signatures[].keyid", &[Null, Drop, Extend, Graft], Same, "nothing is decided by it"),
    ("verificationMaterial.x509CertificateChain.certificates[]", &[Drop], Same,
        "what stands above the certificate is never read"),
    ("verificationMaterial.x509CertificateChain.certificates[].rawBytes",
        &[Flip, Cut, Extend, Empty], Same, "what stands above the certificate is never read"),
    ("verificationMaterial.tlogEntries", &[Swap], Less,
        "the entry of an unknown log counts for nothing"),
    ("verificationMaterial.tlogEntries", &[Graft], Same,
        "the entry of an unknown log counts for nothing"),
    ("verificationMaterial.tlogEntries[]", &[Swap], Less,
        "the entry of an unknown log counts for nothing"),
    ("verificationMaterial.tlogEntries[].logId", &[Swap], Less,
        "the entry of an unknown log counts for nothing"),
    ("verificationMaterial.tlogEntries[].logId.keyId", &[Swap], Less,
        "the entry of an unknown log counts for nothing"),
    ("verificationMaterial.tlogEntries[].integratedTime", &[Null, Drop], Same,
        "without a promise it gives no time"),
    ("verificationMaterial.tlogEntries[].inclusionProof.hashes", &[Null, Drop], Same,
        "a tree of one leaf has none"),
    ("verificationMaterial.tlogEntries[].inclusionProof.logIndex", &[Drop], Same,
        "protojson leaves out a zero"),
    ("verificationMaterial.timestampVerificationData", &[Graft, Swap], Same,
        "the timestamp of an unknown authority counts for nothing"),
    ("verificationMaterial.timestampVerificationData", &[Null, Drop, Empty], Same,
        "there is no timestamp in it"),
    ("verificationMaterial.timestampVerificationData", &[Swap], Less,
        "the timestamp of an unknown authority counts for nothing"),
    ("verificationMaterial.timestampVerificationData.rfc3161Timestamps", &[Graft, Swap], Same,
        "the timestamp of an unknown authority counts for nothing"),
    ("verificationMaterial.timestampVerificationData.rfc3161Timestamps", &[Null, Drop], Same,
        "there is no timestamp in it"),
    ("verificationMaterial.timestampVerificationData.rfc3161Timestamps", &[Swap], Less,
        "the timestamp of an unknown authority counts for nothing"),
    ("verificationMaterial.timestampVerificationData.rfc3161Timestamps[]", &[Swap], Less,
        "the timestamp of an unknown authority counts for nothing"),
    ("verificationMaterial.timestampVerificationData.rfc3161Timestamps[].signedTimestamp", &[Swap],
        Less, "the timestamp of an unknown authority counts for nothing"),
];

/// The same of what a log takes in.
#[rustfmt::skip]
const OF_BODIES: &[Line] = &[
    ("spec.content.payloadHash", &[Null, Drop], Same,
        "old entries have none; the hash of the whole envelope binds it"),
    ("spec.content.hash.value", &[Flip, Swap], Same,
        "of an envelope in the uploader's spelling, which nobody carries; the signature binds it"),
    ("spec.content.hash", &[Swap], Same, "the same"),
    ("spec.envelopeHash.value", &[Flip, Swap], Same, "the same, where a bundle carries the envelope"),
    ("spec.envelopeHash", &[Swap], Same, "the same, where a bundle carries the envelope"),
];

static MINTED: LazyLock<Vec<Specimen>> = LazyLock::new(minted);

/// Every accepted form, each by a certificate of its own.
fn minted() -> Vec<Specimen> {
    let limits = Limits::default();
    let fresh = Bench::new();
    let root = |value: &Value| TrustRoot::parse(value.to_string().as_bytes(), &limits).unwrap();
    let public = root(&fresh.sigstore.trusted_root());
    let private = root(&fresh.sigstore.private_root());
    let now: UnixTime = NOW.parse().unwrap();
    let mut bench = fresh.clone();
    let mut specimens: Vec<Specimen> = Vec::new();
    for form in accepted::forms() {
        bench.signer();
        let keys = match form.demand {
            Demand::Key(kind) | Demand::LoggedKey(kind) => {
                vec![PublicKey::from_pem(&fresh.key(kind).public_pem()).unwrap()]
            }
            _ => Vec::new(),
        };
        let timed = matches!(form.demand, Demand::TimedKey).then(|| {
            let message = accepted::timed_key(&fresh).to_string();
            ManagedKey::parse(&message, &limits).unwrap()
        });
        let root = match form.demand {
            Demand::Private => private.clone(),
            _ => public.clone(),
        };
        let mut trust = Trust { root: Some(root), keys, ..Trust::default() };
        if let Some(ManagedKey { key, window }) = timed {
            trust.key_windows.extend(window.map(|window| (key.id(), window)));
            trust.keys.push(key);
        }
        let verifier = Arc::new(Verifier::new(trust, now, limits));
        let archive = (form.build)(&mut bench.clone());
        let found = in_archive(form.name, &archive, &verifier, &limits);
        assert!(!found.is_empty(), "nothing verifies in {}", form.name);
        specimens.extend(found);
    }
    specimens
}

/// Where the vectors are; `None`, said aloud, where they are not.
fn vectors() -> Option<PathBuf> {
    let folder = std::env::var_os("SEALIFT_VECTORS")
        .map_or_else(|| PathBuf::from("../shared/vectors"), PathBuf::from);
    let found = folder.join("conformance/bundle-verify").is_dir();
    if !found {
        println!("skipped: no vectors in {}; set SEALIFT_VECTORS", folder.display());
    }
    found.then_some(folder)
}

/// The conformance vectors that are accepted.
fn conformance(folder: &Path) -> Vec<Specimen> {
    let folder = folder.join("conformance");
    let mut names: Vec<_> = fs::read_dir(folder.join("bundle-verify"))
        .unwrap()
        .map(|vector| vector.unwrap().path())
        .filter(|vector| vector.is_dir() && !vector.to_string_lossy().ends_with("_fail"))
        .collect();
    names.sort();
    names
        .iter()
        .map(|vector| {
            let own_root = vector.join("trusted_root.json");
            let common = folder.join("prod_trusted_root.json");
            let root = if own_root.exists() { own_root } else { common };
            let verifier =
                verifier(&root, fs::read_to_string(vector.join("key.pub")).ok().as_deref());
            let artifact = fs::read(vector.join("artifact"))
                .or_else(|_| fs::read(vector.join("../a.txt")))
                .unwrap();
            let document = Tree::parse(&fs::read(vector.join("bundle.sigstore.json")).unwrap());
            let name = vector.file_name().unwrap().to_string_lossy();
            let (subject, bytes) = (Digest::sha256(&artifact), Some(artifact));
            specimen(&name, &verifier, subject, bytes, Form::Bundle, document.unwrap())
                .expect("what does not end in `_fail` is accepted")
        })
        .collect()
}

/// The real bundles that are accepted.
fn real(folder: &Path) -> Vec<Specimen> {
    let folder = folder.join("real");
    let list: Value =
        serde_json::from_slice(&fs::read(folder.join("MANIFEST.json")).unwrap()).unwrap();
    let text = |entry: &Value, field: &str| entry[field].as_str().map(str::to_owned);
    let mut specimens = Vec::new();
    for entry in list.as_array().unwrap() {
        let file = text(entry, "file").unwrap();
        let expected = text(entry, "expected").unwrap_or_default();
        if !file.starts_with("bundles/") || !expected.starts_with("accept") {
            continue;
        }
        let Some(subject) = text(entry, "artifact_digest") else { continue };
        let root = text(entry, "trusted_root");
        let root = root.unwrap_or_else(|| "trusted-roots/prod.json".to_owned());
        let key = text(entry, "key").map(|key| fs::read_to_string(folder.join(key)).unwrap());
        let verifier = verifier(&folder.join(root), key.as_deref());
        let document = Tree::parse(&fs::read(folder.join(&file)).unwrap()).unwrap();
        // What no image is named by, such as SHA-384, is no digest here.
        let Ok(subject) = subject.parse() else { continue };
        specimens.extend(specimen(&file, &verifier, subject, None, Form::Bundle, document));
    }
    assert!(!specimens.is_empty(), "real bundles are accepted");
    specimens
}

fn verifier(root: &Path, key: Option<&str>) -> Arc<Verifier> {
    let limits = Limits::default();
    let root = TrustRoot::parse(&fs::read(root).unwrap(), &limits).unwrap();
    let keys = key.iter().map(|pem| PublicKey::from_pem(pem).unwrap()).collect();
    let now = "2026-11-21T00:00:00Z".parse().unwrap();
    Arc::new(Verifier::new(Trust { root: Some(root), keys, ..Trust::default() }, now, limits))
}

/// The evidence in an archive that verifies.
fn in_archive(
    name: &str,
    archive: &[u8],
    verifier: &Arc<Verifier>,
    limits: &Limits,
) -> Vec<Specimen> {
    let archive = Archive::from_stream(archive, limits).unwrap();
    let inventory = Inventory::of(&archive, limits).unwrap();
    let mut specimens = Vec::new();
    for subject in &inventory.subjects {
        let bytes = subject.content.as_ref().ok().map(|content| content.blob.bytes());
        for piece in subject.evidence.iter().flat_map(|evidence| &evidence.pieces) {
            let (form, document) = match piece {
                Piece::Signature(one) => {
                    (Form::Signature, layer(one.payload.bytes(), &one.annotations))
                }
                Piece::Attestation(one) => {
                    (Form::Attestation, layer(one.envelope.bytes(), &one.annotations))
                }
                Piece::Bundle(bundle) => (Form::Bundle, Tree::parse(bundle.bytes()).unwrap()),
                Piece::Carried(_) | Piece::Unreadable(..) => continue,
            };
            let (subject, bytes) = (subject.descriptor.digest, bytes.map(<[u8]>::to_vec));
            specimens.extend(specimen(name, verifier, subject, bytes, form, document));
        }
    }
    specimens
}

/// A specimen, where the evidence verifies.
fn specimen(
    name: &str,
    verifier: &Arc<Verifier>,
    subject: Digest,
    bytes: Option<Vec<u8>>,
    form: Form,
    document: Tree,
) -> Option<Specimen> {
    let facts = Facts {
        trust: sealift::verify::TrustId::default(),
        form: sealift::verify::Form::Bundle,
        id: subject,
        layer: None,
        claim: sealift::verify::Claim::Attestation {
            predicate_type: String::new(),
            statement: Vec::new(),
        },
        signer: sealift::verify::Signer::Key { id: subject },
        log_entries: Vec::new(),
        times: Vec::new(),
        sct_logs: Vec::new(),
        anchors: Vec::new(),
        notes: Vec::new(),
    };
    let (name, verifier) = (name.to_owned(), Arc::clone(verifier));
    let mut specimen = Specimen { name, verifier, subject, bytes, form, document, facts };
    specimen.facts = specimen.verify(&specimen.document)?.ok()?;
    Some(specimen)
}

/// A layer and its annotations as one document.
fn layer(bytes: &[u8], annotations: &BTreeMap<String, String>) -> Tree {
    let text = |bytes: &[u8]| Tree::Text(Text::open(std::str::from_utf8(bytes).unwrap()));
    let notes = annotations.iter().map(|(name, value)| (name.clone(), text(value.as_bytes())));
    Tree::Object(vec![
        ("layer".to_owned(), text(bytes)),
        ("annotations".to_owned(), Tree::Object(notes.collect())),
    ])
}
