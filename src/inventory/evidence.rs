//! *Evidence*: reading a manifest that claims to prove something, piece by piece.

use std::collections::HashSet;

use crate::archive::Blob;
use crate::inventory::budget::Budget;
use crate::inventory::{
    BlobFault, Error, Evidence, FoundBy, LegacyAttestation, LegacySignature, Piece,
};
use crate::oci::{self, Descriptor, Document, Manifest, MediaType};

impl Evidence {
    /// Reads the manifest and its pieces. What cannot be read is part of what is returned; an error
    /// is only what stops the whole inventory.
    pub(super) fn read(
        manifest: Descriptor,
        found_by: FoundBy,
        budget: &mut Budget<'_>,
    ) -> Result<Self, Error> {
        let (blob, document) = match budget.read_document(&manifest)? {
            Ok(content) => content,
            Err(fault) => return Ok(Self::without_pieces(manifest, found_by, Err(fault))),
        };
        budget.hold_document(&blob)?;
        let blobs = blobs(&document);
        let layers = budget.limits.signature_layers;
        let (content, pieces) = match document {
            Document::Manifest(manifest) if manifest.layers.len() > layers => {
                let what = "layers of evidence";
                let cause = oci::Error::Limit { what, limit: layers };
                (Err(BlobFault::Document(cause)), Vec::new())
            }
            Document::Manifest(manifest) => (Ok(blob), pieces(&manifest, budget)?),
            Document::Index(index) => {
                let kind = index.artifact_type.as_deref().unwrap_or(manifest.media_type.as_str());
                (Ok(blob), vec![Piece::Carried(kind.to_owned())])
            }
        };
        Ok(Self { pieces, blobs, ..Self::without_pieces(manifest, found_by, content) })
    }

    /// Evidence that says nothing.
    pub(super) fn without_pieces(
        manifest: Descriptor,
        found_by: FoundBy,
        content: Result<Blob, BlobFault>,
    ) -> Self {
        let (pieces, blobs, referrers) = (Vec::new(), Vec::new(), Vec::new());
        Self { manifest, found_by, pieces, blobs, content, referrers }
    }
}

/// What a document refers to, each once.
fn blobs(document: &Document) -> Vec<Descriptor> {
    let mut seen = HashSet::new();
    document.descriptors().filter(|descriptor| seen.insert(descriptor.digest)).cloned().collect()
}

/// One piece for each layer, in order; an artifact of another kind is one piece.
fn pieces(manifest: &Manifest, budget: &mut Budget<'_>) -> Result<Vec<Piece>, Error> {
    let judged = manifest.layers.iter().filter(|layer| is_judged(&layer.media_type)).count();
    budget.count_pieces(judged)?;
    if judged == 0 {
        let config = &manifest.config.media_type;
        let says_its_kind = manifest.artifact_type.is_some()
            || !(config.is_image_config() || *config == MediaType::OCI_EMPTY);
        if says_its_kind || manifest.layers.is_empty() {
            return Ok(vec![Piece::Carried(manifest.kind().to_owned())]);
        }
    }
    manifest.layers.iter().map(|layer| piece(layer, budget)).collect()
}

fn is_judged(media_type: &MediaType) -> bool {
    *media_type == MediaType::SIMPLE_SIGNING
        || *media_type == MediaType::DSSE_ENVELOPE
        || media_type.is_sigstore_bundle()
}

fn piece(layer: &Descriptor, budget: &mut Budget<'_>) -> Result<Piece, Error> {
    if !is_judged(&layer.media_type) {
        budget.hold_piece(0)?;
        return Ok(Piece::Carried(layer.media_type.as_str().to_owned()));
    }
    let is_payload = layer.media_type == MediaType::SIMPLE_SIGNING;
    let limits = budget.limits;
    let cap = if is_payload { limits.metadata_bytes } else { limits.envelope_bytes };
    let blob = match budget.read(layer, cap)? {
        Ok(blob) => blob,
        Err(cause) => {
            budget.hold_piece(0)?;
            return Ok(Piece::Unreadable(layer.clone(), cause));
        }
    };
    budget.hold_piece(layer.size)?;
    let annotations = layer.annotations.clone();
    Ok(if is_payload {
        Piece::Signature(LegacySignature { payload: blob, annotations })
    } else if layer.media_type.is_sigstore_bundle() {
        Piece::Bundle(blob)
    } else {
        Piece::Attestation(LegacyAttestation { envelope: blob, annotations })
    })
}
