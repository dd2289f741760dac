//! What a piece of evidence claims of itself: read, not believed.

use sealift::digest::hex;
use sealift::inventory::Piece;
use sealift::limits::Limits;
use sealift::sigstore::bundle::{Content, Material};
use sealift::sigstore::cosign::Annotations;
use sealift::sigstore::{Bundle, Envelope, SimpleSigning, Statement};
use sealift::time::UnixTime;
use sealift::tlog::Entry;
use sealift::x509::{Certificate, Identity};
use serde::Serialize;

/// What a piece claims.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Claims {
    /// What it is.
    pub kind: String,
    /// What an attestation states.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub predicate_type: Option<String>,
    /// The reference a signature was made for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub docker_reference: Option<String>,
    /// Names of the certificate.
    pub identities: Vec<String>,
    /// The certificate's issuer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// The hint at a key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_hint: Option<String>,
    /// Entries of transparency logs.
    pub log_entries: Vec<LogClaim>,
    /// How many signed timestamps come with it.
    pub timestamps: usize,
    /// Why it cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unreadable: Option<String>,
}

/// A log entry as it is claimed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LogClaim {
    /// The id of the log.
    pub log_id: String,
    /// The entry's index.
    pub index: u64,
    /// When the log is said to have taken it.
    pub integrated: Option<UnixTime>,
    /// Whether a signed promise comes with it.
    pub promise: bool,
    /// Whether an inclusion proof comes with it.
    pub inclusion: bool,
}

impl Claims {
    /// What `piece` claims.
    pub(super) fn of(piece: &Piece, limits: &Limits) -> Self {
        match piece {
            Piece::Signature(signature) => {
                let mut claims = Self::named("signature");
                claims.read_annotations(&signature.annotations, limits);
                match SimpleSigning::parse(signature.payload.bytes(), limits) {
                    Ok(payload) => claims.docker_reference = payload.docker_reference,
                    Err(error) => claims.unreadable = Some(error.to_string()),
                }
                claims
            }
            Piece::Attestation(attestation) => {
                let mut claims = Self::named("attestation");
                claims.read_annotations(&attestation.annotations, limits);
                match Envelope::parse(attestation.envelope.bytes(), limits) {
                    Ok(envelope) => claims.read_statement(&envelope, limits),
                    Err(error) => claims.unreadable = Some(error.to_string()),
                }
                claims
            }
            Piece::Bundle(blob) => match Bundle::parse(blob.bytes(), limits) {
                Ok(bundle) => Self::of_bundle(&bundle, limits),
                Err(error) => {
                    Self { unreadable: Some(error.to_string()), ..Self::named("Sigstore bundle") }
                }
            },
            Piece::Carried(what) => Self::named(what),
            Piece::Unreadable(descriptor, error) => Self {
                unreadable: Some(error.to_string()),
                ..Self::named(descriptor.media_type.as_str())
            },
        }
    }

    fn named(kind: &str) -> Self {
        Self { kind: kind.to_owned(), ..Self::default() }
    }

    fn of_bundle(bundle: &Bundle, limits: &Limits) -> Self {
        let mut claims = Self::named("Sigstore bundle");
        match &bundle.material {
            Material::Certificate { der, .. } => {
                claims.read_certificate(Certificate::from_der(der, limits));
            }
            Material::PublicKey { hint } => claims.key_hint.clone_from(hint),
        }
        if let Content::Envelope(envelope) = &bundle.content {
            claims.read_statement(envelope, limits);
        }
        claims.log_entries = bundle.entries.iter().map(LogClaim::from).collect();
        claims.timestamps = bundle.timestamps.len();
        claims
    }

    fn read_annotations(
        &mut self,
        annotations: &std::collections::BTreeMap<String, String>,
        limits: &Limits,
    ) {
        let annotations = match Annotations::parse(annotations, limits) {
            Ok(annotations) => annotations,
            Err(error) => {
                self.unreadable = Some(error.to_string());
                return;
            }
        };
        if let Some(pem) = &annotations.certificate {
            self.read_certificate(Certificate::from_pem(pem, limits));
        }
        self.log_entries = annotations.entry.iter().map(LogClaim::from).collect();
        self.timestamps = usize::from(annotations.timestamp.is_some());
    }

    fn read_certificate<E: std::fmt::Display>(&mut self, certificate: Result<Certificate, E>) {
        let identity = certificate
            .map_err(|error| error.to_string())
            .and_then(|certificate| Identity::of(&certificate).map_err(|error| error.to_string()));
        match identity {
            Ok(identity) => {
                self.identities =
                    identity.names.iter().map(|name| name.text().to_owned()).collect();
                self.issuer = Some(identity.issuer);
            }
            Err(error) => self.unreadable = Some(error),
        }
    }

    fn read_statement(&mut self, envelope: &Envelope, limits: &Limits) {
        match Statement::parse(&envelope.payload, limits) {
            Ok(statement) => self.predicate_type = Some(statement.predicate_type),
            Err(error) => self.unreadable = Some(error.to_string()),
        }
    }
}

impl From<&Entry> for LogClaim {
    fn from(entry: &Entry) -> Self {
        Self {
            log_id: hex(&entry.log_id),
            index: entry.log_index,
            integrated: entry.integrated_time.and_then(UnixTime::from_seconds),
            promise: entry.promise.is_some(),
            inclusion: entry.proof.is_some(),
        }
    }
}
