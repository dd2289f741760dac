//! *Evidence* in one form, whatever document it came in: the first step, reading strictly.

use std::collections::BTreeMap;

use super::{Form, Inclusion, Rejection};
use crate::crypto::Hash;
use crate::digest::Digest;
use crate::limits::Limits;
use crate::sigstore::bundle::{Content, Material};
use crate::sigstore::cosign::Annotations;
use crate::sigstore::{Bundle, Envelope};
use crate::tlog::Entry;
use crate::x509::Certificate;

/// A piece of evidence as an archive holds it.
#[derive(Clone, Copy, Debug)]
pub enum Testimony<'a> {
    /// cosign's legacy signature: a layer of a `.sig` manifest.
    Signature {
        /// The bytes of the layer, the payload that was signed.
        payload: &'a [u8],
        /// The annotations of the layer.
        annotations: &'a BTreeMap<String, String>,
    },
    /// cosign's legacy attestation: a layer of an `.att` manifest.
    Attestation {
        /// The bytes of the layer, a DSSE envelope.
        envelope: &'a [u8],
        /// The annotations of the layer.
        annotations: &'a BTreeMap<String, String>,
    },
    /// The bytes of a Sigstore bundle.
    Bundle(&'a [u8]),
}

/// What every form of evidence consists of.
pub(super) struct Evidence {
    pub(super) form: Form,
    pub(super) signer: Material,
    pub(super) entries: Vec<Entry>,
    /// Inclusions of its entries that were proven beside it.
    pub(super) inclusions: Vec<Inclusion>,
    pub(super) timestamps: Vec<Vec<u8>>,
    /// What timestamps are of: the signature, or the whole envelope of a legacy attestation.
    pub(super) stamped: Vec<u8>,
    pub(super) signed: Signed,
    pub(super) notes: Vec<String>,
}

/// What the signature is over, and the signature.
pub(super) enum Signed {
    /// A simple-signing payload.
    Payload { bytes: Vec<u8>, signature: Vec<u8> },
    /// An envelope; where it stands alone, the hash of its bytes as it stands.
    Envelope { envelope: Envelope, stored: Option<Digest> },
    /// The artifact itself, with the bundle's hint of its hash.
    Artifact { hint: Option<(Hash, Vec<u8>)>, signature: Vec<u8> },
}

impl Signed {
    pub(super) fn signature(&self) -> &[u8] {
        match self {
            Self::Payload { signature, .. } | Self::Artifact { signature, .. } => signature,
            Self::Envelope { envelope, .. } => &envelope.signature,
        }
    }

    /// What an envelope that stands alone is called by.
    pub(super) fn layer(&self) -> Option<Digest> {
        match self {
            Self::Envelope { stored, .. } => *stored,
            Self::Payload { .. } | Self::Artifact { .. } => None,
        }
    }
}

impl Evidence {
    pub(super) fn read(testimony: Testimony<'_>, limits: &Limits) -> Result<Self, Rejection> {
        match testimony {
            Testimony::Signature { payload, annotations } => {
                let annotations = Annotations::parse(annotations, limits)?;
                let signature = annotations.signature.clone();
                Self::legacy(
                    annotations,
                    Signed::Payload { bytes: payload.to_vec(), signature: signature.clone() },
                    signature,
                    limits,
                )
            }
            Testimony::Attestation { envelope, annotations } => {
                let annotations = Annotations::parse(annotations, limits)?;
                let stored = Some(Digest::sha256(envelope));
                let stamped = envelope.to_vec();
                let envelope = Envelope::parse(envelope, limits)?;
                Self::legacy(annotations, Signed::Envelope { envelope, stored }, stamped, limits)
            }
            Testimony::Bundle(bytes) => Ok(Self::of_bundle(Bundle::parse(bytes, limits)?)),
        }
    }

    fn legacy(
        annotations: Annotations,
        signed: Signed,
        stamped: Vec<u8>,
        limits: &Limits,
    ) -> Result<Self, Rejection> {
        let certificate =
            annotations.certificate.map(|pem| Certificate::from_pem(&pem, limits)).transpose()?;
        let has_chain = annotations.has_chain;
        let signer = match certificate {
            Some(certificate) => {
                Material::Certificate { der: certificate.der().to_vec(), has_chain }
            }
            None => Material::PublicKey { hint: None },
        };
        Ok(Self {
            form: Form::Legacy,
            signer,
            entries: annotations.entry.into_iter().collect(),
            inclusions: Vec::new(),
            timestamps: annotations.timestamp.into_iter().collect(),
            stamped,
            signed,
            notes: notes(has_chain),
        })
    }

    fn of_bundle(bundle: Bundle) -> Self {
        let has_chain = matches!(bundle.material, Material::Certificate { has_chain: true, .. });
        let signed = match bundle.content {
            Content::Message { digest, signature } => Signed::Artifact { hint: digest, signature },
            Content::Envelope(envelope) => Signed::Envelope { envelope, stored: None },
        };
        Self {
            form: Form::Bundle,
            signer: bundle.material,
            entries: bundle.entries,
            inclusions: Vec::new(),
            timestamps: bundle.timestamps,
            stamped: signed.signature().to_vec(),
            signed,
            notes: notes(has_chain),
        }
    }
}

fn notes(has_chain: bool) -> Vec<String> {
    let chain = "the certificates that came with the signature are no trust root and were ignored";
    has_chain.then(|| chain.to_owned()).into_iter().collect()
}
