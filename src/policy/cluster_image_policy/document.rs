//! The documents as they are written, field by field
//! (policy-controller `pkg/apis/policy/v1beta1/clusterimagepolicy_types.go`).
//!
//! Plain data with places: nothing here is judged. A field that nobody knows is an error of the
//! parser; `null` is absence, as in Go.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_saphyr::Spanned;

/// A text and its place.
pub(super) type Text = Option<Spanned<String>>;
/// A list of objects with their places.
pub(super) type List<T> = Option<Vec<Spanned<T>>>;
/// An object and its place.
pub(super) type Part<T> = Option<Spanned<T>>;

/// What tells one Kubernetes object from another.
#[derive(Deserialize)]
pub(super) struct Header {
    #[serde(rename = "apiVersion")]
    pub api_version: Text,
    pub kind: Text,
    pub metadata: Option<Metadata>,
}

/// Of an object's metadata only the names count; the rest is the cluster's bookkeeping.
#[derive(Deserialize)]
pub(super) struct Metadata {
    pub name: Text,
    pub namespace: Text,
}

/// An object with a `spec`, whose header is read apart.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Object<T> {
    #[serde(rename = "apiVersion")]
    _api_version: IgnoredAny,
    #[serde(rename = "kind")]
    _kind: IgnoredAny,
    #[serde(rename = "metadata")]
    _metadata: Option<IgnoredAny>,
    pub spec: Option<T>,
    /// Written by the controller; says nothing about images.
    #[serde(rename = "status")]
    _status: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Spec {
    pub images: List<ImagePattern>,
    pub authorities: List<Authority>,
    pub mode: Text,
    #[serde(rename = "match")]
    pub objects: List<Match>,
    pub policy: Part<Policy>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ImagePattern {
    pub glob: Text,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Match {
    pub group: Text,
    pub version: Text,
    pub resource: Text,
    pub selector: Part<Selector>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Selector {
    pub match_labels: Option<BTreeMap<String, String>>,
    pub match_expressions: Option<Vec<LabelExpression>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LabelExpression {
    pub key: Option<String>,
    pub operator: Option<String>,
    pub values: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Authority {
    pub name: Text,
    pub key: Part<Key>,
    pub keyless: Part<Keyless>,
    #[serde(rename = "static")]
    pub decree: Part<Static>,
    pub source: Option<Spanned<Vec<Spanned<Source>>>>,
    pub ctlog: Part<Log>,
    pub rfc3161timestamp: Part<Timestamp>,
    pub attestations: List<Attestation>,
    pub signature_format: Text,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Key {
    pub data: Text,
    pub secret_ref: Part<SecretRef>,
    pub kms: Text,
    pub hash_algorithm: Text,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SecretRef {
    pub name: Text,
    pub namespace: Text,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Keyless {
    /// Where a signer would ask for a certificate. It decides nothing, here as in policy-controller.
    pub url: Text,
    #[serde(rename = "ca-cert")]
    pub ca_cert: Part<Key>,
    pub identities: List<Identity>,
    pub trust_root_ref: Text,
    #[serde(rename = "insecureIgnoreSCT")]
    pub insecure_ignore_sct: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Identity {
    pub issuer: Text,
    #[serde(rename = "issuerRegExp")]
    pub issuer_expression: Text,
    pub subject: Text,
    #[serde(rename = "subjectRegExp")]
    pub subject_expression: Text,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Static {
    pub action: Text,
    pub message: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Source {
    pub oci: Text,
    pub signature_pull_secrets: List<LocalRef>,
    #[serde(rename = "tagPrefix")]
    _tag_prefix: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LocalRef {
    pub name: Text,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Log {
    pub url: Text,
    pub trust_root_ref: Text,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Timestamp {
    pub trust_root_ref: Text,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Attestation {
    pub name: Text,
    pub predicate_type: Text,
    pub policy: Part<Policy>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Policy {
    #[serde(rename = "type")]
    pub language: Text,
    pub data: Text,
    pub remote: Part<Remote>,
    pub config_map_ref: Part<ConfigMapRef>,
    pub fetch_config_file: Part<bool>,
    pub include_spec: Part<bool>,
    pub include_object_meta: Part<bool>,
    pub include_type_meta: Part<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Remote {
    pub url: Text,
    pub sha256sum: Text,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConfigMapRef {
    pub name: Text,
    pub namespace: Text,
    pub key: Text,
}

/// A `Secret` or a `ConfigMap`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Store {
    #[serde(rename = "apiVersion")]
    _api_version: IgnoredAny,
    #[serde(rename = "kind")]
    _kind: IgnoredAny,
    #[serde(rename = "metadata")]
    _metadata: IgnoredAny,
    #[serde(rename = "type")]
    _type: Option<IgnoredAny>,
    #[serde(rename = "immutable")]
    _immutable: Option<IgnoredAny>,
    pub data: Option<BTreeMap<String, Spanned<String>>>,
    pub string_data: Option<BTreeMap<String, Spanned<String>>>,
    #[serde(rename = "binaryData")]
    _binary_data: Option<IgnoredAny>,
}

/// The `spec` of a `TrustRoot` (`pkg/apis/policy/v1alpha1/trustroot_types.go`).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct TrustRootSpec {
    pub remote: Part<RemoteRoot>,
    pub repository: Part<Repository>,
    pub sigstore_keys: Part<SigstoreKeys>,
    #[serde(rename = "trustedRootJSON")]
    pub trusted_root_json: Text,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RemoteRoot {
    pub root: Text,
    pub mirror: Text,
    pub targets: Text,
    pub trusted_root_target: Text,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Repository {
    pub root: Text,
    #[serde(rename = "mirrorFS")]
    pub mirror_fs: Text,
    pub targets: Text,
    pub trusted_root_target: Text,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SigstoreKeys {
    pub certificate_authorities: List<CertificateAuthority>,
    pub t_logs: List<TransparencyLog>,
    pub ct_logs: List<TransparencyLog>,
    pub timestamp_authorities: List<CertificateAuthority>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct CertificateAuthority {
    pub subject: Option<Subject>,
    pub uri: Text,
    pub cert_chain: Text,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Subject {
    pub organization: Text,
    pub common_name: Text,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct TransparencyLog {
    #[serde(rename = "baseURL")]
    pub base_url: Text,
    pub hash_algorithm: Text,
    pub public_key: Text,
}

/// The text where it says something: an empty one is an absent one, as in Go.
pub(super) fn present(text: &Text) -> Option<&Spanned<String>> {
    text.as_ref().filter(|text| !text.value.is_empty())
}

/// The text, empty where it is absent.
pub(super) fn text(text: &Text) -> &str {
    text.as_ref().map_or("", |text| text.value.as_str())
}

/// The elements of a list; none where it is absent.
#[expect(clippy::ref_option, reason = "fields are read where they stand")]
pub(super) fn elements<T>(list: &List<T>) -> &[Spanned<T>] {
    list.as_deref().unwrap_or_default()
}

/// The line of a value within its document, from 1.
pub(super) fn line<T>(value: &Spanned<T>) -> u64 {
    value.referenced.line().max(1)
}
