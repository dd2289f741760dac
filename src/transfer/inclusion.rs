//! *Inclusion proofs* for legacy signatures, whose annotation has room for a log's promise only.
//!
//! The proof is asked of the log by the entry's index, proven as `verify` proves it, and attached to
//! the signature's manifest as a Sigstore bundle over the same payload: no invented annotation, and
//! any Sigstore client can check it.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::json;

use super::discover::{Node, fault};
use super::workers::in_parallel;
use super::{Error, Fault, Settings, Source};
use crate::crypto::PublicKey;
use crate::digest::{Digest, fixed_hex};
use crate::json;
use crate::oci::{Descriptor, MediaType};
use crate::sigstore::bundle::Content;
use crate::sigstore::cosign::Annotations;
use crate::sigstore::{Bundle, TrustRoot};
use crate::time::UnixTime;
use crate::tlog::Entry;
use crate::tlog::entry::{Body, Verifier as LoggedSigner};
use crate::verify::{LegacyLayer, Trust, Verifier};

/// A transparency log that can be asked for its entries.
pub trait LogSource: Sync {
    /// Its name in messages.
    fn name(&self) -> String;

    /// What it says of the entry with this index, as Rekor's API has it: believed by nobody yet.
    fn entry(&self, index: u64) -> Result<Vec<u8>, Fault>;
}

/// Where proofs are asked for, and what proves them.
#[derive(Clone, Copy)]
pub struct ProofSearch<'a> {
    /// The log.
    pub log: &'a dyn LogSource,
    /// The logs whose word counts.
    pub root: &'a TrustRoot,
    /// The clock.
    pub now: UnixTime,
}

/// A legacy signature beside which no inclusion proof is carried.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unproven {
    /// The manifest that carries the signature.
    pub manifest: Digest,
    /// Its layer, from 0.
    pub layer: usize,
    /// Why there is none.
    pub why: &'static str,
}

/// What is carried beside legacy signatures.
#[derive(Default)]
pub(super) struct Proofs {
    /// The proofs that were asked for: the manifest of the signature, and the bundle.
    pub(super) fetched: Vec<(Descriptor, Vec<u8>)>,
    pub(super) unproven: Vec<Unproven>,
}

/// Asks for the proof of every legacy signature that has none beside it.
pub(super) fn proofs(
    nodes: &[Node<'_>],
    search: Option<&ProofSearch<'_>>,
    settings: &Settings,
) -> Result<Proofs, Error> {
    let mut proofs = Proofs::default();
    let mut wanted = Vec::new();
    let beside = Beside::of(nodes, settings)?;
    for node in nodes {
        let layers = node.layers.iter().enumerate();
        for (layer, descriptor) in
            layers.filter(|(_, layer)| layer.media_type == MediaType::SIMPLE_SIGNING)
        {
            let manifest = node.descriptor.digest;
            let entry = match Annotations::parse(&descriptor.annotations, &settings.limits) {
                Ok(Annotations { entry: Some(entry), signature, .. }) => {
                    if beside.has(&manifest, &signature) {
                        continue;
                    }
                    Ok((entry, signature))
                }
                Ok(_) => Err("it has no log entry"),
                Err(_) => Err("its annotations cannot be read"),
            };
            let asked = entry.and_then(|(entry, signature)| match search {
                None => Err("no log was asked"),
                Some(search) if search.root.log(&entry.log_id).is_none() => {
                    Err("the trusted root does not name its log")
                }
                Some(search) => Ok(Wanted { search, node, descriptor, entry, signature }),
            });
            match asked {
                Ok(one) => wanted.push(one),
                Err(why) => proofs.unproven.push(Unproven { manifest, layer, why }),
            }
        }
    }
    let bundles = in_parallel(&wanted, settings.concurrency, |wanted| wanted.fetch(settings))?;
    let of = wanted.iter().map(|wanted| wanted.node.descriptor.clone());
    proofs.fetched = of.zip(bundles).collect();
    // One signature manifest may be met in two repositories.
    proofs.fetched.sort_by(|one, other| (one.0.digest, &one.1).cmp(&(other.0.digest, &other.1)));
    proofs.fetched.dedup();
    proofs.unproven.sort();
    proofs.unproven.dedup();
    Ok(proofs)
}

/// The signatures that stand, with a proof of their entry, in a bundle beside a manifest.
struct Beside {
    signatures: BTreeMap<Digest, Vec<Vec<u8>>>,
}

impl Beside {
    fn of(nodes: &[Node<'_>], settings: &Settings) -> Result<Self, Error> {
        let limits = &settings.limits;
        let mut signatures: BTreeMap<Digest, Vec<Vec<u8>>> = BTreeMap::new();
        let holds_signatures = |node: &&Node<'_>| {
            node.layers.iter().any(|layer| layer.media_type == MediaType::SIMPLE_SIGNING)
        };
        let signed: BTreeSet<_> =
            nodes.iter().filter(holds_signatures).map(|node| node.descriptor.digest).collect();
        for node in nodes {
            let subject = node.subject.filter(|subject| signed.contains(subject));
            let Some(subject) = subject else { continue };
            let bundles = node.layers.iter().filter(|layer| layer.media_type.is_sigstore_bundle());
            for layer in bundles.filter(|layer| layer.size <= limits.envelope_bytes) {
                let bytes = read(node.source, layer)?;
                let Ok(bundle) = Bundle::parse(&bytes, limits) else { continue };
                let is_proven = bundle.entries.iter().any(|entry| entry.proof.is_some());
                if let (Content::Message { signature, .. }, true) = (bundle.content, is_proven) {
                    signatures.entry(subject).or_default().push(signature);
                }
            }
        }
        Ok(Self { signatures })
    }

    fn has(&self, manifest: &Digest, signature: &[u8]) -> bool {
        let beside = self.signatures.get(manifest).map(Vec::as_slice).unwrap_or_default();
        beside.iter().any(|one| one == signature)
    }
}

/// A signature whose proof is asked for.
struct Wanted<'n, 'a> {
    search: &'n ProofSearch<'n>,
    node: &'n Node<'a>,
    descriptor: &'n Descriptor,
    entry: Entry,
    signature: Vec<u8>,
}

impl Wanted<'_, '_> {
    /// The bundle, proven.
    fn fetch(&self, settings: &Settings) -> Result<Vec<u8>, Error> {
        let limits = &settings.limits;
        if self.descriptor.size > limits.metadata_bytes {
            return Err(self.refused("its payload is larger than any payload is".to_owned()));
        }
        let payload = read(self.node.source, self.descriptor)?;
        let log = self.search.log;
        let index = self.entry.log_index;
        let doing = || format!("ask {} for entry {index}", log.name());
        let answer = log.entry(index).map_err(fault(doing))?;
        let said = self.said(&answer, limits.json_depth)?;
        let body = Body::parse(&self.entry.body, limits)
            .map_err(|cause| self.refused(cause.to_string()))?;
        let (kind, version) = body.kind.name();
        let mut keys = Vec::new();
        let material = match &body.verifier {
            LoggedSigner::Certificate(der) => json!({
                "certificate": { "rawBytes": STANDARD.encode(der) },
            }),
            LoggedSigner::Key(spki) => {
                let key =
                    PublicKey::from_spki(spki).map_err(|cause| self.refused(cause.to_string()))?;
                let hint = STANDARD.encode(key.id().bytes());
                keys.push(key);
                json!({ "publicKey": { "hint": hint } })
            }
        };
        let bundle = self.bundle(&payload, &said, material, (kind, version))?;
        // By the steps of `verify`: the log's word, the binding to this signature by whoever made it,
        // and that the entry is the one that was promised.
        let root = Some(self.search.root.clone());
        let trust = Trust { root, keys, ..Trust::default() };
        let layer = LegacyLayer { payload: &payload, annotations: &self.descriptor.annotations };
        match Verifier::new(trust, self.search.now, *limits).verify_inclusion([layer], &bundle) {
            Some(Ok(_)) => Ok(bundle),
            Some(Err(rejection)) => Err(self.refused(rejection.detail().to_owned())),
            None => Err(self.refused("its answer makes no bundle of the signature".to_owned())),
        }
    }

    /// The one entry of the answer, which must be the one that was promised.
    fn said(&self, answer: &[u8], depth: usize) -> Result<SaidEntry, Error> {
        let said: BTreeMap<String, SaidEntry> = json::parse(answer, depth)
            .map_err(|cause| self.refused(format!("its answer is no entry: {cause}")))?;
        let count = said.len();
        let mut said = said.into_values();
        let (Some(said), None) = (said.next(), said.next()) else {
            return Err(self.refused(format!("it answers with {count} entries")));
        };
        let promised = &self.entry;
        let differs = if said.log_index != promised.log_index {
            Some("index")
        } else if fixed_hex(&said.log_id) != Ok(promised.log_id) {
            Some("log")
        } else if Some(said.integrated_time) != promised.integrated_time {
            Some("time")
        } else if said.body != promised.body_base64 {
            Some("body")
        } else {
            None
        };
        match differs {
            Some(field) => {
                Err(self.refused(format!("its entry has another {field} than the promised one")))
            }
            None => Ok(said),
        }
    }

    fn bundle(
        &self,
        payload: &[u8],
        said: &SaidEntry,
        mut material: serde_json::Value,
        (kind, version): (&str, &str),
    ) -> Result<Vec<u8>, Error> {
        let SaidProof { checkpoint, hashes, log_index, root_hash, tree_size } =
            &said.verification.inclusion_proof;
        let hash = |text: &String| {
            let no_hash = |_| self.refused("its proof has a hash that is none".to_owned());
            fixed_hex::<32>(text).map(|hash| STANDARD.encode(hash)).map_err(no_hash)
        };
        let hashes = hashes.iter().map(hash).collect::<Result<Vec<_>, _>>()?;
        let entry = json!({
            "logIndex": self.entry.log_index.to_string(),
            "logId": { "keyId": STANDARD.encode(self.entry.log_id) },
            "kindVersion": { "kind": kind, "version": version },
            "integratedTime": said.integrated_time.to_string(),
            "inclusionPromise": {
                "signedEntryTimestamp": STANDARD.encode(self.entry.promise.as_deref().unwrap_or_default()),
            },
            "inclusionProof": {
                "logIndex": log_index.to_string(),
                "rootHash": hash(root_hash)?,
                "treeSize": tree_size.to_string(),
                "hashes": hashes,
                "checkpoint": { "envelope": checkpoint },
            },
            "canonicalizedBody": self.entry.body_base64,
        });
        if let Some(material) = material.as_object_mut() {
            material.insert("tlogEntries".to_owned(), json!([entry]));
        }
        let bundle = json!({
            "mediaType": MediaType::SIGSTORE_BUNDLE_V0_3,
            "verificationMaterial": material,
            "messageSignature": {
                "messageDigest": {
                    "algorithm": "SHA2_256",
                    "digest": STANDARD.encode(Digest::sha256(payload).bytes()),
                },
                "signature": STANDARD.encode(&self.signature),
            },
        });
        Ok(serde_json::to_vec(&bundle).expect("a bundle has only texts as keys"))
    }

    fn refused(&self, why: String) -> Error {
        Error::NoProof {
            log: self.search.log.name(),
            index: self.entry.log_index,
            signature: self.node.descriptor.digest,
            why,
        }
    }
}

/// An entry as Rekor's API gives it; what else stands there is not read.
#[derive(Deserialize)]
struct SaidEntry {
    body: String,
    #[serde(rename = "integratedTime")]
    integrated_time: i64,
    #[serde(rename = "logID")]
    log_id: String,
    #[serde(rename = "logIndex")]
    log_index: u64,
    verification: SaidVerification,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SaidVerification {
    inclusion_proof: SaidProof,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SaidProof {
    checkpoint: String,
    hashes: Vec<String>,
    log_index: u64,
    root_hash: String,
    tree_size: u64,
}

/// The bytes of a small blob, proven; whoever asks has looked at its size.
fn read(source: &dyn Source, descriptor: &Descriptor) -> Result<Vec<u8>, Error> {
    let Descriptor { digest, size, .. } = *descriptor;
    let mut bytes = Vec::new();
    let take = &mut |chunk: &[u8]| {
        bytes.extend_from_slice(chunk);
        Ok(())
    };
    let doing = || format!("read {digest} of {}", source.name());
    source.read_blob(descriptor, take).map_err(fault(doing))?;
    let has_size = u64::try_from(bytes.len()).is_ok_and(|length| length == size);
    if has_size && Digest::of(digest.algorithm(), &bytes) == digest {
        return Ok(bytes);
    }
    let cause = Fault::new("its bytes are not the ones that are promised");
    Err(Error::Fault { doing: doing(), cause })
}
