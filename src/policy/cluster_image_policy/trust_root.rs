//! `TrustRoot`: whom to trust, as a trusted root in the document (`trustedRootJSON`), as keys and
//! certificates (`sigstoreKeys`) or as a TUF repository that holds a trusted root, packed into the
//! document (`repository`) or served elsewhere (`remote`) and given as a mirror.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::document::{
    CertificateAuthority, Object, RemoteRoot, Repository, SigstoreKeys, TransparencyLog,
    TrustRootSpec, elements, line, present, text,
};
use super::error::{Problem, at_line, read as read_document};
use super::field_error::{FieldErrors, below};
use crate::limits::Limits;
use crate::policy::document::{Beside, Error, NOWHERE, Place};
use crate::sigstore::{TrustRoot, sigstore_keys};
use crate::time::UnixTime;
use crate::tuf;

/// The target that holds the trusted root where the document names none.
const TRUSTED_ROOT: &str = "trusted_root.json";

/// The folder of the targets of a `remote` where the document names none.
const TARGETS: &str = "targets";

/// What a `TrustRoot` is read by.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    pub limits: &'a Limits,
    /// When the metadata of a repository must hold.
    pub now: UnixTime,
    pub beside: Beside<'a>,
}

pub(super) fn read(place: &Place<'_>, around: &Surroundings<'_>) -> Result<TrustRoot, Error> {
    let object: Object<Spanned<TrustRootSpec>> = read_document(place)?;
    let Some(spec) = object.spec else {
        let field = "spec".to_owned();
        return Err(place.error(NOWHERE, Problem::Missing { field }));
    };
    let TrustRootSpec { remote, repository, sigstore_keys, trusted_root_json } = &spec.value;
    let kinds = below("spec", &["repository", "remote", "sigstoreKeys", "trustedRootJSON"]);
    let mut errors = FieldErrors::default();
    match (remote, repository, sigstore_keys, present(trusted_root_json)) {
        (Some(remote), None, None, None) => {
            validate_remote(&remote.value, line(remote), &mut errors);
            if errors.text().is_none() {
                return of_remote(place, remote, around);
            }
        }
        (None, Some(repository), None, None) => {
            validate_repository(&repository.value, line(repository), &mut errors);
            if errors.text().is_none() {
                return of_repository(place, repository, around);
            }
        }
        (None, None, Some(keys), None) => {
            validate(&keys.value, line(keys), &mut errors);
            if errors.text().is_none() {
                return read_keys(place, keys, around.limits);
            }
        }
        (None, None, None, Some(text)) => {
            return TrustRoot::parse(text.value.as_bytes(), around.limits).map_err(|cause| {
                let field = "spec.trustedRootJSON";
                place.error(Some(text), Problem::TrustedRoot { field, cause })
            });
        }
        (None, None, None, None) => errors.neither(&kinds, line(&spec)),
        // Off-spec: policy-controller passes over a trustedRootJSON beside sigstoreKeys.
        _ => errors.both(&kinds, line(&spec)),
    }
    let text = errors.text().unwrap_or_default();
    Err(at_line(place, errors.line().unwrap_or(1), Problem::Invalid { text }))
}

fn validate_remote(remote: &RemoteRoot, at: u64, errors: &mut FieldErrors) {
    let fields = [(present(&remote.mirror), "mirror"), (present(&remote.root), "root")];
    require(fields.into_iter(), "spec.remote", at, errors);
}

/// policy-controller calls a missing `mirrorFS` by the name of the whole.
fn validate_repository(repository: &Repository, at: u64, errors: &mut FieldErrors) {
    let Repository { root, mirror_fs, targets, .. } = repository;
    let fields = [
        (present(targets), "targets"),
        (present(root), "root"),
        (present(mirror_fs), "repository"),
    ];
    require(fields.into_iter(), "spec.repository", at, errors);
}

/// The repository that stands in the document.
fn of_repository(
    place: &Place<'_>,
    repository: &Spanned<Repository>,
    around: &Surroundings<'_>,
) -> Result<TrustRoot, Error> {
    let Repository { root, mirror_fs, targets, trusted_root_target } = &repository.value;
    let root = root_json(place, root.as_ref(), "spec.repository.root")?;
    let packed = bytes(place, mirror_fs.as_ref(), "spec.repository.mirrorFS")?;
    let files = tuf::unpack(&packed, around.limits)
        .map_err(|cause| place.error(mirror_fs.as_ref(), Problem::Packed(cause)))?;
    let source = Source { files: Arc::new(files), root, folder: text(targets) };
    let wanted = present(trusted_root_target);
    source.trusted_root(place, "spec.repository", repository, wanted, around)
}

/// The repository that a mirror holds.
fn of_remote(
    place: &Place<'_>,
    remote: &Spanned<RemoteRoot>,
    around: &Surroundings<'_>,
) -> Result<TrustRoot, Error> {
    let RemoteRoot { root, mirror, targets, trusted_root_target } = &remote.value;
    let root = root_json(place, root.as_ref(), "spec.remote.root")?;
    let url = text(mirror);
    let Some(files) = (around.beside.mirror)(url) else {
        let remedy = "nothing is fetched; give what it serves as a folder with \
                      `--tuf-mirror URL=FOLDER`, in a policy test with `tufMirrors`";
        let (field, name) = ("spec.remote.mirror".to_owned(), url.to_owned());
        let problem = Problem::NotGiven { field, kind: "mirror", name, remedy };
        return Err(place.error(mirror.as_ref(), problem));
    };
    let folder = present(targets).map_or(TARGETS, |targets| targets.value.as_str());
    let source = Source { files, root, folder };
    source.trusted_root(place, "spec.remote", remote, present(trusted_root_target), around)
}

/// A repository before anything of it is believed.
struct Source<'a> {
    files: Arc<dyn tuf::Files>,
    root: Vec<u8>,
    folder: &'a str,
}

impl Source<'_> {
    /// The trusted root that the repository holds. Off-spec: policy-controller passes over a missing
    /// target that the document names.
    fn trusted_root<T>(
        self,
        place: &Place<'_>,
        field: &'static str,
        at: &Spanned<T>,
        wanted: Option<&Spanned<String>>,
        around: &Surroundings<'_>,
    ) -> Result<TrustRoot, Error> {
        let limits = around.limits;
        let Self { files, root, folder } = self;
        let unproven = |cause| place.error(Some(at), Problem::Repository { field, cause });
        let folder = folder.trim_end_matches('/');
        let mut repository =
            tuf::Repository::verify(files, folder, &root, around.now, limits).map_err(unproven)?;
        let target = wanted.map_or(TRUSTED_ROOT, |wanted| wanted.value.as_str());
        if let Some(found) = repository.target(target).map_err(unproven)? {
            return TrustRoot::parse(&found, limits).map_err(|cause| {
                let target = target.to_owned();
                place.error(Some(at), Problem::Target { field, target, cause })
            });
        }
        if wanted.is_some() {
            let target = target.to_owned();
            return Err(place.error(wanted, Problem::NoTarget { field, target }));
        }
        let keys = marked(&mut repository).map_err(unproven)?;
        if keys.authorities.is_empty() {
            let target = target.to_owned();
            return Err(place.error(Some(at), Problem::NoTarget { field, target }));
        }
        let problem = |cause| place.error(Some(at), Problem::SigstoreKeys { field, cause });
        keys.sharing_roots(limits).and_then(|keys| keys.into_root(limits)).map_err(problem)
    }
}

/// What a target says of itself in `custom`.
#[derive(Deserialize)]
struct Custom {
    sigstore: Marked,
}

#[derive(Deserialize)]
struct Marked {
    usage: String,
}

/// The keys and certificates of a repository that holds them one by one, each marked with its use.
fn marked(repository: &mut tuf::Repository) -> Result<sigstore_keys::SigstoreKeys, tuf::Error> {
    let mut keys = sigstore_keys::SigstoreKeys::default();
    for (name, custom) in repository.listed() {
        let custom = custom.and_then(|custom| serde_json::from_value::<Custom>(custom).ok());
        let Some(Custom { sigstore: Marked { usage } }) = custom else { continue };
        let logs = match usage.as_str() {
            "Fulcio" => None,
            "Rekor" => Some(&mut keys.logs),
            "CTFE" => Some(&mut keys.ct_logs),
            _ => continue,
        };
        let Some(bytes) = repository.target(&name)? else { continue };
        let pem = String::from_utf8_lossy(&bytes).into_owned();
        match logs {
            None => keys.authorities.push(sigstore_keys::Chain { uri: name, pem }),
            Some(logs) => logs.push(sigstore_keys::LogKey { url: name, pem }),
        }
    }
    Ok(keys)
}

/// The root that is trusted to begin with: an object with signatures.
fn root_json(
    place: &Place<'_>,
    encoded: Option<&Spanned<String>>,
    field: &'static str,
) -> Result<Vec<u8>, Error> {
    let root = bytes(place, encoded, field)?;
    let invalid = |value: &str, details: &str| {
        let mut errors = FieldErrors::default();
        errors.invalid(value, field.to_owned(), details, 1);
        let text = errors.text().unwrap_or_default();
        place.error(encoded, Problem::Invalid { text })
    };
    match serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&root) {
        Err(cause) => Err(invalid("failed to unmarshal", &cause.to_string())),
        Ok(fields) if fields.get("signatures").is_none_or(serde_json::Value::is_null) => {
            Err(invalid("missing signatures in root.json", "no signatures"))
        }
        Ok(_) => Ok(root),
    }
}

/// Bytes in base64, as Kubernetes writes them.
fn bytes(
    place: &Place<'_>,
    encoded: Option<&Spanned<String>>,
    field: &'static str,
) -> Result<Vec<u8>, Error> {
    let compact = encoded.map(|text| text.value.split_ascii_whitespace().collect::<String>());
    STANDARD
        .decode(compact.unwrap_or_default())
        .map_err(|_| place.error(encoded, Problem::NotBase64 { field: field.to_owned() }))
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
    let field = "spec.sigstoreKeys";
    let problem = |cause| place.error(Some(keys), Problem::SigstoreKeys { field, cause });
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
