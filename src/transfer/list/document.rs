//! Lists in YAML, each form by its own fields.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_saphyr::Spanned;

use super::{
    LeftOver, List, ListEntry, ListError, TagExpression, Tags, TagsOf, Versions, location,
};
use crate::digest::Digest;
use crate::limits::Limits;
use crate::oci::{InvalidReference, Named, Reference};
use crate::transfer::{InvalidLocation, Location, WantedPlatform};
use crate::yaml::{self, Bounds, Document, Unquoted};

/// A lock of a thousand images has 10 000 nodes. A tag such as `1.10` is the text it is.
const BOUNDS: Bounds = Bounds { depth: 16, nodes: 200_000, unquoted: Unquoted::Text };

/// Reads every document of a file.
pub(super) fn read(text: &str, limits: &Limits) -> Result<List, ListError> {
    let mut list = List::default();
    for document in yaml::documents(text) {
        let head: Head = document.read_within(BOUNDS)?;
        let (kind, version) = (head.kind.unwrap_or_default(), head.api_version.unwrap_or_default());
        match (version.as_str(), kind.as_str()) {
            ("content.hauler.cattle.io/v1", "Images") => hauler_images(&document, &mut list)?,
            ("content.hauler.cattle.io/v1" | "collection.hauler.cattle.io/v1", _) => {
                let what = format!("`{}` of `{version}`", kind.escape_debug());
                list.left_over.push(LeftOver { line: document.line, what });
            }
            ("imgpkg.carvel.dev/v1alpha1", "ImagesLock") => images_lock(&document, &mut list)?,
            ("mirror.openshift.io/v2alpha1", "ImageSetConfiguration") => {
                image_set_configuration(&document, &mut list)?;
            }
            ("", "") => skopeo_sync(&document, &mut list, limits)?,
            _ => {
                return Err(ListError::Kind { line: document.line, kind, api_version: version });
            }
        }
    }
    Ok(list)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    api_version: Option<String>,
    kind: Option<String>,
}

#[derive(Deserialize)]
struct HaulerImages {
    metadata: Option<Metadata>,
    spec: Option<HaulerSpec>,
}

#[derive(Deserialize)]
struct Metadata {
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HaulerSpec {
    images: Option<Vec<HaulerImage>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct HaulerImage {
    name: Spanned<String>,
    platform: Option<Spanned<String>>,
    rewrite: Option<String>,
    local: Option<bool>,
    exclude_extras: Option<bool>,
    use_tlog_verify: Option<bool>,
    key: Option<String>,
    certificate_identity: Option<String>,
    certificate_identity_regexp: Option<String>,
    certificate_oidc_issuer: Option<String>,
    certificate_oidc_issuer_regexp: Option<String>,
    certificate_github_workflow_repository: Option<String>,
}

impl HaulerImage {
    /// The fields that ask for something no export does.
    fn unheeded(&self) -> Vec<&'static str> {
        let is_asked = |flag: Option<bool>| flag == Some(true);
        let is_said = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
        [
            ("key", is_said(&self.key)),
            ("use-tlog-verify", is_asked(self.use_tlog_verify)),
            ("certificate-identity", is_said(&self.certificate_identity)),
            ("certificate-identity-regexp", is_said(&self.certificate_identity_regexp)),
            ("certificate-oidc-issuer", is_said(&self.certificate_oidc_issuer)),
            ("certificate-oidc-issuer-regexp", is_said(&self.certificate_oidc_issuer_regexp)),
            (
                "certificate-github-workflow-repository",
                is_said(&self.certificate_github_workflow_repository),
            ),
            ("exclude-extras", is_asked(self.exclude_extras)),
        ]
        .into_iter()
        .filter_map(|(field, is_there)| is_there.then_some(field))
        .collect()
    }
}

/// hauler's own annotations on a whole manifest.
const HAULER: &str = "hauler.dev/";

fn hauler_images(document: &Document<'_>, list: &mut List) -> Result<(), ListError> {
    let HaulerImages { metadata, spec } = document.read_within(BOUNDS)?;
    let line = document.line;
    let mut platform = None;
    let annotations = metadata.and_then(|metadata| metadata.annotations).unwrap_or_default();
    for (key, value) in annotations {
        match key.strip_prefix(HAULER) {
            None => {}
            Some("registry") if value.is_empty() => {}
            Some("registry") => return Err(ListError::OtherRegistry { line, registry: value }),
            Some("platform") => platform = wanted(line, &value)?,
            Some(_) => {
                let what = format!("the annotation `{}`", key.escape_debug());
                list.left_over.push(LeftOver { line, what });
            }
        }
    }
    for image in spec.and_then(|spec| spec.images).unwrap_or_default() {
        let line = line_of(document, &image.name);
        let unheeded = image.unheeded();
        let name = image.name.value;
        if image.local == Some(true) {
            return Err(ListError::Local { line, image: name });
        }
        for field in unheeded {
            let what = format!("`{field}` of `{}`", name.escape_debug());
            list.left_over.push(LeftOver { line, what });
        }
        let moves = image.rewrite.is_some_and(|target| !target.is_empty());
        list.destinations = list.destinations.saturating_add(usize::from(moves));
        let own = match &image.platform {
            Some(text) => wanted(line_of(document, text), &text.value)?,
            None => None,
        };
        let platform = own.or_else(|| platform.clone());
        list.entries.push(ListEntry { line, location: in_registry(line, &name)?, platform });
    }
    Ok(())
}

fn wanted(line: usize, text: &str) -> Result<Option<WantedPlatform>, ListError> {
    let wrong = |cause| ListError::Platform { line, text: text.to_owned(), cause };
    // hauler reads both as every platform.
    if matches!(text, "" | "all") { Ok(None) } else { text.parse().map(Some).map_err(wrong) }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ImagesLock {
    #[serde(rename = "apiVersion")]
    _api_version: IgnoredAny,
    #[serde(rename = "kind")]
    _kind: IgnoredAny,
    images: Option<Vec<LockedImage>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LockedImage {
    image: Spanned<String>,
    #[serde(rename = "annotations")]
    _annotations: Option<BTreeMap<String, String>>,
}

fn images_lock(document: &Document<'_>, list: &mut List) -> Result<(), ListError> {
    let ImagesLock { images, .. } = document.read_within(BOUNDS)?;
    for LockedImage { image, .. } in images.unwrap_or_default() {
        let line = line_of(document, &image);
        let location = in_registry(line, &image.value)?;
        if !matches!(&location, Location::Registry(image) if image.digest().is_some()) {
            return Err(ListError::Unpinned { line, image: image.value });
        }
        list.entries.push(ListEntry { line, location, platform: None });
    }
    Ok(())
}

#[derive(Deserialize)]
struct ImageSetConfiguration {
    mirror: Option<Mirror>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Mirror {
    additional_images: Option<Vec<AdditionalImage>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AdditionalImage {
    name: Spanned<String>,
    target_repo: Option<String>,
    target_tag: Option<String>,
}

fn image_set_configuration(document: &Document<'_>, list: &mut List) -> Result<(), ListError> {
    let ImageSetConfiguration { mirror } = document.read_within(BOUNDS)?;
    let whole: BTreeMap<String, Value> = document.read_within(BOUNDS)?;
    let of_mirror = whole.get("mirror").and_then(Value::as_object).into_iter().flatten();
    let left_over = whole
        .iter()
        .filter(|(key, _)| !matches!(key.as_str(), "apiVersion" | "kind" | "metadata" | "mirror"))
        .map(|(key, value)| (key.clone(), value))
        .chain(
            of_mirror
                .filter(|(key, _)| *key != "additionalImages")
                .map(|(key, value)| (format!("mirror.{key}"), value)),
        )
        .filter(|(_, value)| !is_empty(value));
    list.left_over.extend(left_over.map(|(key, _)| {
        let what = format!("`{}` of the ImageSetConfiguration", key.escape_debug());
        LeftOver { line: document.line, what }
    }));
    let images = mirror.and_then(|mirror| mirror.additional_images).unwrap_or_default();
    for AdditionalImage { name, target_repo, target_tag } in images {
        let line = line_of(document, &name);
        let moves = target_repo.is_some() || target_tag.is_some();
        list.destinations = list.destinations.saturating_add(usize::from(moves));
        list.entries.push(ListEntry {
            line,
            location: location(line, &name.value)?,
            platform: None,
        });
    }
    Ok(())
}

/// Whether a value asks for nothing.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct SyncedRegistry {
    images: Option<BTreeMap<String, Option<Vec<Spanned<String>>>>>,
    images_by_tag_regex: Option<BTreeMap<String, Spanned<String>>>,
    images_by_semver: Option<BTreeMap<String, Spanned<String>>>,
    credentials: Option<IgnoredAny>,
    tls_verify: Option<bool>,
    cert_dir: Option<String>,
}

fn skopeo_sync(document: &Document<'_>, list: &mut List, limits: &Limits) -> Result<(), ListError> {
    let registries: BTreeMap<String, Option<SyncedRegistry>> = document.read_within(BOUNDS)?;
    let line = document.line;
    for (registry, synced) in registries {
        let Some(synced) = synced else { continue };
        let unheeded = [
            ("credentials", synced.credentials.is_some(), "--authfile"),
            ("tls-verify: false", synced.tls_verify == Some(false), "--ca-file"),
            ("cert-dir", synced.cert_dir.is_some(), "--ca-file"),
        ];
        for (field, _, option) in unheeded.into_iter().filter(|(_, is_there, _)| *is_there) {
            let registry = registry.escape_debug();
            let what = format!("`{field}` of `{registry}`, for which there is `{option}`");
            list.left_over.push(LeftOver { line, what });
        }
        for (path, references) in synced.images.unwrap_or_default() {
            let repository = format!("{registry}/{path}");
            let references = references.unwrap_or_default();
            if references.is_empty() {
                let repository = repository_at(line, &repository)?;
                list.tags.push(TagsOf { line, repository, which: Tags::All });
            }
            for reference in references {
                let line = line_of(document, &reference);
                let location = synced_image(line, &repository, &reference.value)?;
                list.entries.push(ListEntry { line, location, platform: None });
            }
        }
        for (path, text) in synced.images_by_semver.unwrap_or_default() {
            let line = line_of(document, &text);
            let repository = repository_at(line, &format!("{registry}/{path}"))?;
            let text = text.value;
            let versions = Versions::parse(&text).ok_or(ListError::Versions { line, text })?;
            list.tags.push(TagsOf { line, repository, which: Tags::Versions(versions) });
        }
        for (path, text) in synced.images_by_tag_regex.unwrap_or_default() {
            let line = line_of(document, &text);
            let repository = repository_at(line, &format!("{registry}/{path}"))?;
            let text = text.value;
            let expression = TagExpression::parse(&text, limits)
                .map_err(|cause| ListError::Expression { line, text, cause })?;
            list.tags.push(TagsOf { line, repository, which: Tags::Matching(expression) });
        }
    }
    Ok(())
}

/// A repository, named without a tag or digest.
fn repository_at(line: usize, text: &str) -> Result<Named, ListError> {
    let wrong = |cause| ListError::Repository { line, text: text.to_owned(), cause };
    let named: Named = text.parse().map_err(wrong)?;
    if named.is_name_only() { Ok(named) } else { Err(wrong(InvalidReference::Repository)) }
}

/// What is a digest is one; all else is a tag.
fn synced_image(line: usize, repository: &str, reference: &str) -> Result<Location, ListError> {
    let separator = if reference.parse::<Digest>().is_ok() { '@' } else { ':' };
    // A colon or slash in a tag would name another image.
    if separator == ':' && reference.contains([':', '/', '@']) {
        let text = format!("{repository}:{reference}");
        let cause = InvalidLocation::Reference(InvalidReference::Tag);
        return Err(ListError::Location { line, text, cause });
    }
    in_registry(line, &format!("{repository}{separator}{reference}"))
}

/// An image by its reference alone: these lists know no transports.
fn in_registry(line: usize, text: &str) -> Result<Location, ListError> {
    let wrong = |cause: InvalidReference| ListError::Location {
        line,
        text: text.to_owned(),
        cause: cause.into(),
    };
    text.parse::<Reference>().map(Location::Registry).map_err(wrong)
}

fn line_of<T>(document: &Document<'_>, value: &Spanned<T>) -> usize {
    document.line_of(value.referenced.line().max(1))
}
