//! *Inclusion* beside a legacy signature, whose annotation has room for a promise only.
//!
//! The proof travels as a Sigstore bundle over the payload, attached to the signature's manifest.
//! It is verified as a piece of evidence of its own, log and signature, and then joined to the
//! signature that has the same entry: log, index and body. It gives no time: that is the promise's.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::binding::SignedBy;
use super::evidence::{Evidence, Signed};
use super::{Artifact, Code, Rejection, Testimony, Verifier, signature};
use crate::digest::{Digest, hex};
use crate::sigstore::bundle::Material;
use crate::sigstore::cosign::{Annotations, is_signed_by};
use crate::tlog::Entry;
use crate::x509::Certificate;

/// A legacy signature as its manifest holds it: the payload and the annotations of its layer.
#[derive(Clone, Copy, Debug)]
pub struct LegacyLayer<'a> {
    /// The bytes of the layer.
    pub payload: &'a [u8],
    /// Its annotations.
    pub annotations: &'a BTreeMap<String, String>,
}

/// The proof that a known log includes an entry; [`Verifier::verify_inclusion`] is the only origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inclusion {
    log_id: [u8; 32],
    log_index: u64,
    body: Vec<u8>,
}

impl Inclusion {
    fn of(entry: &Entry) -> Self {
        Self { log_id: entry.log_id, log_index: entry.log_index, body: entry.body.clone() }
    }

    /// Whether it is of this entry.
    pub(super) fn is_of(&self, entry: &Entry) -> bool {
        self.log_index == entry.log_index && self.log_id == entry.log_id && self.body == entry.body
    }
}

impl Verifier {
    /// Proves what `bundle`, attached to the manifest of legacy signatures, says of the entry of one
    /// of them. `None` where it is a bundle of something else, to be judged as any other evidence.
    pub fn verify_inclusion<'a>(
        &self,
        layers: impl IntoIterator<Item = LegacyLayer<'a>>,
        bundle: &[u8],
    ) -> Option<Result<Inclusion, Rejection>> {
        let evidence = Evidence::read(Testimony::Bundle(bundle), &self.limits).ok()?;
        let Signed::Artifact { signature, .. } = &evidence.signed else { return None };
        // A layer is found by its signature, the first that has it: who attached the bundle knew
        // the whole manifest, and nobody can make a reader try every bundle with every layer.
        let encoded = STANDARD.encode(signature);
        let layer = layers.into_iter().find(|layer| is_signed_by(layer.annotations, &encoded))?;
        Some(Annotations::parse(layer.annotations, &self.limits).map_err(Rejection::from).and_then(
            |annotations| self.inclusion(&evidence, layer.payload, annotations.entry.as_ref()),
        ))
    }

    fn inclusion(
        &self,
        evidence: &Evidence,
        payload: &[u8],
        promised: Option<&Entry>,
    ) -> Result<Inclusion, Rejection> {
        let artifact = Artifact { digest: Digest::sha256(payload).into(), bytes: Some(payload) };
        let leaf;
        let by = match &evidence.signer {
            Material::Certificate { der, .. } => {
                leaf = Certificate::from_der(der, &self.limits)?;
                SignedBy { certificate: Some(leaf.der()), key: leaf.key() }
            }
            Material::PublicKey { hint } => {
                let key = self.signing_key(evidence, hint.as_deref(), &artifact)?;
                SignedBy { certificate: None, key }
            }
        };
        self.logged(evidence, by, &artifact)?;
        signature::verify(&evidence.signed, by.key, &artifact)?;
        self.joined(evidence, promised)
    }

    /// The entry that is included by the word of a known log, and that the signature has too.
    fn joined(
        &self,
        evidence: &Evidence,
        promised: Option<&Entry>,
    ) -> Result<Inclusion, Rejection> {
        let is_known = |entry: &&Entry| {
            self.trust.root.as_ref().is_some_and(|root| root.log(&entry.log_id).is_some())
        };
        let mut known = evidence.entries.iter().filter(is_known).peekable();
        if known.peek().is_none() {
            let named = evidence.entries.first().map_or_else(
                || "no log entry".to_owned(),
                |entry| format!("an entry of log {} alone", hex(&entry.log_id)),
            );
            let detail = format!("the bundle beside the signature has {named}");
            return Err(Rejection::new(Code::UnknownLog, detail));
        }
        let included = known.filter(|entry| entry.proof.is_some()).map(Inclusion::of);
        let mut included = included.peekable();
        if included.peek().is_none() {
            return Err(Rejection::new(
                Code::InclusionProofMissing,
                "the bundle beside the signature has no inclusion proof",
            ));
        }
        let same = |inclusion: &Inclusion| promised.is_some_and(|entry| inclusion.is_of(entry));
        included.find(same).ok_or_else(|| {
            Rejection::new(
                Code::EntryNotBound,
                "the bundle beside the signature proves another log entry than the signature's own",
            )
        })
    }
}
