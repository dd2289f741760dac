//! The document as it is written, field by field
//! (policy-controller `pkg/apis/policy/v1beta1/clusterimagepolicy_types.go`).
//!
//! A field that sealift knows and does not read is a [`Refused`], so that its presence can be told
//! with its line; one that nobody knows is an error of the parser.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_saphyr::Spanned;

/// The presence of a field whose content is not read.
pub(super) type Refused = Option<Spanned<IgnoredAny>>;

/// What tells one kind of Kubernetes object from another.
#[derive(Deserialize)]
pub(super) struct Header {
    #[serde(rename = "apiVersion")]
    pub api_version: Option<Spanned<String>>,
    pub kind: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ClusterImagePolicy {
    #[serde(rename = "apiVersion")]
    _api_version: IgnoredAny,
    #[serde(rename = "kind")]
    _kind: IgnoredAny,
    pub metadata: Option<Metadata>,
    pub spec: Option<Spec>,
    /// Written by the controller; says nothing about images.
    #[serde(rename = "status")]
    _status: Option<IgnoredAny>,
}

/// Of an object's metadata only the name counts; the rest is the cluster's bookkeeping.
#[derive(Deserialize)]
pub(super) struct Metadata {
    pub name: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Spec {
    #[serde(default)]
    pub images: Option<Vec<Spanned<ImagePattern>>>,
    #[serde(default)]
    pub authorities: Option<Vec<Spanned<Authority>>>,
    pub mode: Option<Spanned<String>>,
    #[serde(rename = "match")]
    pub objects: Option<Spanned<Vec<IgnoredAny>>>,
    pub policy: Refused,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ImagePattern {
    pub glob: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Authority {
    pub name: Option<String>,
    pub key: Option<Spanned<Key>>,
    pub keyless: Option<Spanned<Keyless>>,
    #[serde(rename = "static")]
    pub decree: Option<Spanned<Static>>,
    pub ctlog: Option<Spanned<Log>>,
    pub source: Option<Spanned<Vec<IgnoredAny>>>,
    pub rfc3161timestamp: Refused,
    pub attestations: Option<Spanned<Vec<IgnoredAny>>>,
    pub signature_format: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Key {
    pub data: Option<Spanned<String>>,
    pub secret_ref: Refused,
    pub kms: Refused,
    pub hash_algorithm: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Keyless {
    /// Where a signer would ask for a certificate. It decides nothing, here as in policy-controller.
    #[serde(rename = "url")]
    _url: Option<String>,
    #[serde(rename = "ca-cert")]
    pub ca_cert: Refused,
    #[serde(default)]
    pub identities: Option<Vec<Spanned<Identity>>>,
    pub trust_root_ref: Refused,
    #[serde(rename = "insecureIgnoreSCT")]
    pub insecure_ignore_sct: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Identity {
    pub issuer: Option<Spanned<String>>,
    #[serde(rename = "issuerRegExp")]
    pub issuer_expression: Option<Spanned<String>>,
    pub subject: Option<Spanned<String>>,
    #[serde(rename = "subjectRegExp")]
    pub subject_expression: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Static {
    pub action: Option<Spanned<String>>,
    pub message: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Log {
    pub url: Option<Spanned<String>>,
    pub trust_root_ref: Refused,
}
