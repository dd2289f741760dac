//! *Companions*: the documents that a policy may name, given along with it: a `Secret` with a key, a
//! `ConfigMap` with a policy, a `TrustRoot`.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::SYSTEM_NAMESPACE;
use super::document::{Header, Store, present, text};
use super::error::{Problem, read};
use super::trust_root::{self, Surroundings};
use crate::policy::document::{Error, Place};
use crate::sigstore::TrustRoot;

/// What policies may name, by kind and name.
#[derive(Debug, Default)]
pub(super) struct Companions {
    secrets: BTreeMap<String, Entries>,
    /// By namespace, too.
    config_maps: BTreeMap<(String, String), Entries>,
    trust_roots: BTreeMap<String, TrustRoot>,
}

/// What a secret or a config map holds.
type Entries = BTreeMap<String, Vec<u8>>;

impl Companions {
    /// Takes in the document at `place`, whose header is `header`; `false` where it is no companion.
    pub(super) fn read(
        &mut self,
        place: &Place<'_>,
        header: &Header,
        around: &Surroundings<'_>,
    ) -> Result<bool, Error> {
        let metadata = header.metadata.as_ref();
        let name = metadata.and_then(|metadata| present(&metadata.name));
        let name = name.map(|name| name.value.clone()).unwrap_or_default();
        let namespace = metadata.and_then(|metadata| present(&metadata.namespace));
        let kind = match (text(&header.api_version), text(&header.kind)) {
            ("v1", "Secret") => "Secret",
            ("v1", "ConfigMap") => "ConfigMap",
            ("policy.sigstore.dev/v1alpha1", "TrustRoot") => "TrustRoot",
            _ => return Ok(false),
        };
        if name.is_empty() {
            let field = "metadata.name".to_owned();
            return Err(place.error(header.kind.as_ref(), Problem::Missing { field }));
        }
        let is_new = match kind {
            "Secret" => {
                if let Some(namespace) = namespace
                    && namespace.value != SYSTEM_NAMESPACE
                {
                    let why = format!(
                        "is in the namespace `{}`; policy-controller reads secrets of {SYSTEM_NAMESPACE} alone",
                        namespace.value.escape_debug()
                    );
                    return Err(place.error(Some(namespace), Problem::Content { kind, name, why }));
                }
                let entries = secret(place, &name)?;
                self.secrets.insert(name.clone(), entries).is_none()
            }
            "ConfigMap" => {
                let namespace = namespace.map_or(SYSTEM_NAMESPACE, |found| found.value.as_str());
                let key = (namespace.to_owned(), name.clone());
                self.config_maps.insert(key, config_map(place)?).is_none()
            }
            _ => {
                let root = trust_root::read(place, around)?;
                self.trust_roots.insert(name.clone(), root).is_none()
            }
        };
        if is_new {
            Ok(true)
        } else {
            Err(place.error(header.kind.as_ref(), Problem::Twice { kind, name }))
        }
    }

    /// The one entry of a secret, or what is wrong with it; `None` where there is no such secret.
    pub(super) fn secret(&self, name: &str) -> Option<Result<&[u8], Problem>> {
        let entries = self.secrets.get(name)?;
        let mut values = entries.values();
        let wrong = |why: &str| {
            let (name, why) = (name.to_owned(), why.to_owned());
            Err(Problem::Content { kind: "Secret", name, why })
        };
        Some(match (values.next(), values.next()) {
            (None, _) => wrong("contains no data"),
            (Some(_), Some(_)) => wrong("contains multiple data entries, only one is supported"),
            (Some(value), None) => Ok(value),
        })
    }

    /// An entry of a config map, or that it has none; `None` where there is no such config map.
    pub(super) fn config_map(
        &self,
        namespace: &str,
        name: &str,
        key: &str,
    ) -> Option<Result<&[u8], Problem>> {
        let entries = self.config_maps.get(&(namespace.to_owned(), name.to_owned()))?;
        let missing = || Problem::Content {
            kind: "ConfigMap",
            name: name.to_owned(),
            why: format!("has no entry `{}`", key.escape_debug()),
        };
        Some(entries.get(key).map(Vec::as_slice).ok_or_else(missing))
    }

    pub(super) fn trust_root(&self, name: &str) -> Option<&TrustRoot> {
        self.trust_roots.get(name)
    }
}

fn secret(place: &Place<'_>, name: &str) -> Result<Entries, Error> {
    let Store { data, string_data, .. } = read(place)?;
    let mut entries = Entries::new();
    for (key, encoded) in data.unwrap_or_default() {
        let compact: String = encoded.value.split_ascii_whitespace().collect();
        let value = STANDARD.decode(compact).map_err(|_| {
            let why = format!("has in `data.{}` no base64", key.escape_debug());
            let problem = Problem::Content { kind: "Secret", name: name.to_owned(), why };
            place.error(Some(&encoded), problem)
        })?;
        entries.insert(key, value);
    }
    let written = string_data.unwrap_or_default().into_iter();
    entries.extend(written.map(|(key, value)| (key, value.value.into_bytes())));
    Ok(entries)
}

fn config_map(place: &Place<'_>) -> Result<Entries, Error> {
    let store: Store = read(place)?;
    let entries = store.data.unwrap_or_default().into_iter();
    Ok(entries.map(|(key, value)| (key, value.value.into_bytes())).collect())
}
