//! *Companions*: the documents that a policy may name, given along with it: a `Secret` with a key, a
//! `ConfigMap` with a policy, a `TrustRoot`.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_saphyr::Spanned;

use super::SYSTEM_NAMESPACE;
use super::document::{
    CertificateAuthority, Header, Object, SigstoreKeys, Store, TransparencyLog, TrustRootSpec,
    elements, line, present, text,
};
use super::error::{Problem, at_line, read};
use super::field_error::{FieldErrors, below};
use crate::limits::Limits;
use crate::policy::document::{Error, NOWHERE, Place};
use crate::sigstore::{TrustRoot, sigstore_keys};

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
        limits: &Limits,
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
                let root = trust_root(place, limits)?;
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

fn trust_root(place: &Place<'_>, limits: &Limits) -> Result<TrustRoot, Error> {
    let object: Object<Spanned<TrustRootSpec>> = read(place)?;
    let Some(spec) = object.spec else {
        let field = "spec".to_owned();
        return Err(place.error(NOWHERE, Problem::Missing { field }));
    };
    let TrustRootSpec { remote, repository, sigstore_keys } = &spec.value;
    let kinds = below("spec", &["repository", "remote", "sigstoreKeys"]);
    let mut errors = FieldErrors::default();
    match (remote, repository, sigstore_keys) {
        (Some(remote), None, None) => {
            let mirror = present(&remote.value.mirror);
            let name = mirror.map(|mirror| mirror.value.clone()).unwrap_or_default();
            let remedy = "give the keys it serves as `sigstoreKeys`; nothing is fetched";
            let field = "spec.remote.mirror".to_owned();
            let problem = Problem::NotGiven { field, kind: "mirror", name, remedy };
            return Err(place.error(Some(remote), problem));
        }
        (None, Some(repository), None) => {
            let field = "spec.repository".to_owned();
            let remedy = "TUF repositories are not read; give the keys of its trusted root as \
                          `sigstoreKeys`";
            return Err(place.error(Some(repository), Problem::Unsupported { field, remedy }));
        }
        (None, None, Some(keys)) => {
            validate(&keys.value, line(keys), &mut errors);
            if errors.text().is_none() {
                return read_keys(place, keys, limits);
            }
        }
        (None, None, None) => errors.neither(&kinds, line(&spec)),
        _ => errors.both(&kinds, line(&spec)),
    }
    let text = errors.text().unwrap_or_default();
    Err(at_line(place, errors.line().unwrap_or(1), Problem::Invalid { text }))
}

/// policy-controller's validation of `sigstoreKeys`. Off-spec: there an error of a list hides those of
/// the lists before it.
fn validate(keys: &SigstoreKeys, at: u64, errors: &mut FieldErrors) {
    let authorities = elements(&keys.certificate_authorities);
    let timestamps = elements(&keys.timestamp_authorities);
    if authorities.is_empty() && timestamps.is_empty() {
        let fields = ["certificateAuthority", "timestampAuthorities"];
        errors.neither(&below("spec.sigstoreKeys", &fields), at);
    }
    for (list, authorities) in
        [("certificateAuthority", authorities), ("timestampAuthorities", timestamps)]
    {
        for (index, authority) in authorities.iter().enumerate() {
            let path = format!("spec.sigstoreKeys.{list}[{index}]");
            let CertificateAuthority { subject, uri, cert_chain } = &authority.value;
            let subject = subject.as_ref();
            let subject = [
                (
                    subject.and_then(|subject| present(&subject.organization)),
                    "subject.organization",
                ),
                (subject.and_then(|subject| present(&subject.common_name)), "subject.commonName"),
            ];
            let own = [(present(uri), "uri"), (present(cert_chain), "certchain")];
            require(subject.into_iter().chain(own), &path, line(authority), errors);
        }
    }
    for (list, logs) in [("tLogs", &keys.t_logs), ("ctLogs", &keys.ct_logs)] {
        for (index, log) in elements(logs).iter().enumerate() {
            let path = format!("spec.sigstoreKeys.{list}[{index}]");
            let TransparencyLog { base_url, hash_algorithm, public_key } = &log.value;
            let fields = [
                (present(base_url), "baseURL"),
                (present(hash_algorithm), "hashAlgorithm"),
                (present(public_key), "publicKey"),
            ];
            require(fields.into_iter(), &path, line(log), errors);
            if let Some(hash) = present(hash_algorithm)
                && !matches!(hash.value.as_str(), "sha-256" | "sha256")
            {
                errors.invalid(&hash.value, format!("{path}.hashAlgorithm"), "", line(hash));
            }
        }
    }
}

fn require<'a>(
    fields: impl Iterator<Item = (Option<&'a Spanned<String>>, &'a str)>,
    path: &str,
    at: u64,
    errors: &mut FieldErrors,
) {
    for (_, field) in fields.filter(|(found, _)| found.is_none()) {
        errors.missing(&below(path, &[field]), at);
    }
}

fn read_keys(
    place: &Place<'_>,
    keys: &Spanned<SigstoreKeys>,
    limits: &Limits,
) -> Result<TrustRoot, Error> {
    let SigstoreKeys { certificate_authorities, t_logs, ct_logs, timestamp_authorities } =
        &keys.value;
    let chains = |list| chains(place, list);
    let logs = |list| logs(place, list);
    let read = sigstore_keys::SigstoreKeys {
        authorities: chains(elements(certificate_authorities))?,
        logs: logs(elements(t_logs))?,
        ct_logs: logs(elements(ct_logs))?,
        timestamp_authorities: chains(elements(timestamp_authorities))?,
    };
    let problem = |cause| place.error(Some(keys), Problem::SigstoreKeys(cause));
    read.into_root(limits).map_err(problem)
}

fn chains(
    place: &Place<'_>,
    list: &[Spanned<CertificateAuthority>],
) -> Result<Vec<sigstore_keys::Chain>, Error> {
    let chain = |authority: &Spanned<CertificateAuthority>| {
        let uri = text(&authority.value.uri).to_owned();
        Ok(sigstore_keys::Chain { uri, pem: pem(place, authority.value.cert_chain.as_ref())? })
    };
    list.iter().map(chain).collect()
}

fn logs(
    place: &Place<'_>,
    list: &[Spanned<TransparencyLog>],
) -> Result<Vec<sigstore_keys::LogKey>, Error> {
    let log = |log: &Spanned<TransparencyLog>| {
        let url = text(&log.value.base_url).to_owned();
        Ok(sigstore_keys::LogKey { url, pem: pem(place, log.value.public_key.as_ref())? })
    };
    list.iter().map(log).collect()
}

/// PEM in base64, as Kubernetes writes bytes.
fn pem(place: &Place<'_>, encoded: Option<&Spanned<String>>) -> Result<String, Error> {
    let compact = encoded.map(|text| text.value.split_ascii_whitespace().collect::<String>());
    let bytes = STANDARD.decode(compact.unwrap_or_default()).ok();
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(|| {
        let text = "certChain and publicKey are PEM, encoded once more in base64".to_owned();
        place.error(encoded, Problem::Invalid { text })
    })
}
