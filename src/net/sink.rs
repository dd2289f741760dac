//! A registry as a [`Sink`].

use serde_json::{Map, Value, json};

use super::upload::Upload as OpenUpload;
use super::{Error, Referrers, Registry, Repository};
use crate::archive::Blob;
use crate::digest::Digest;
use crate::oci::{Descriptor, Document, MediaType};
use crate::transfer::{
    Clearance, Content, Fault, Listing, Sink, Standing, Stored, Upload, fallback_tag,
};

impl Sink for Registry {
    fn begin_blob<'a>(
        &'a self,
        repository: &str,
        blob: &Descriptor,
        mount_from: Option<&str>,
        _: &Clearance<'_>,
    ) -> Result<Option<Box<dyn Upload + 'a>>, Fault> {
        let repository = self.repository(repository);
        let upload = repository.begin_upload(blob, mount_from)?;
        let Some(upload) = upload else { return Ok(None) };
        Ok(Some(Box::new(upload)))
    }

    fn holds(&self, repository: &str, blob: &Descriptor) -> Result<bool, Fault> {
        Ok(self.repository(repository).has_blob(blob)?)
    }

    fn standing(&self, repository: &str, at: &str) -> Result<Standing, Fault> {
        Ok(self.repository(repository).standing(at)?)
    }

    fn put_manifest(
        &self,
        repository: &str,
        tag: Option<&str>,
        manifest: &Blob,
        _: &Clearance<'_>,
    ) -> Result<Stored, Fault> {
        let Descriptor { media_type, digest, .. } = manifest.descriptor();
        let at = tag.map_or_else(|| digest.to_string(), str::to_owned);
        let repository = self.repository(repository);
        repository.put_manifest(&at, media_type, digest, manifest.bytes()).map_err(|error| {
            if error.names_absent_content() { Fault::absent_content(error) } else { error.into() }
        })
    }

    fn list_referrers(
        &self,
        repository: &str,
        subject: &Digest,
        referrers: &[&Blob],
        _: &Clearance<'_>,
    ) -> Result<Listing, Fault> {
        let repository = self.repository(repository);
        // What the API says counts, not whether there is one: some registries have one that does
        // not list what was pushed before they had it.
        if let Referrers::Listed(list) = repository.referrers(subject)? {
            let is_listed =
                |blob: &&Blob| list.iter().any(|listed| listed.digest == blob.descriptor().digest);
            if referrers.iter().all(is_listed) {
                return Ok(Listing::Api);
            }
        }
        list_under_fallback_tag(&repository, subject, referrers)?;
        Ok(Listing::FallbackTag)
    }
}

impl Upload for OpenUpload<'_> {
    fn send(self: Box<Self>, content: &Content<'_>) -> Result<(), Fault> {
        Ok(OpenUpload::send(*self, content)?)
    }
}

/// Adds referrers to the index under the fallback tag, which the distribution spec asks of clients
/// where the registry has no API. What stands there stays with all its fields; an
/// entry of the same digest is written anew, for other tools forget the artifact type.
fn list_under_fallback_tag(
    repository: &Repository<'_>,
    subject: &Digest,
    referrers: &[&Blob],
) -> Result<(), Error> {
    let tag = fallback_tag(subject);
    let found = repository.by_tag(&tag)?;
    let mut index = match &found {
        None => json!({
            "schemaVersion": 2,
            "mediaType": MediaType::OCI_INDEX,
            "manifests": [],
        }),
        Some(found) => {
            repository.fallback_index(&tag, found)?;
            serde_json::from_slice(&found.bytes).unwrap_or_default()
        }
    };
    let list = index.get_mut("manifests").expect("an index was read or made, and has the field");
    // Go writes `null` for an empty list.
    let mut entries = list.as_array().cloned().unwrap_or_default();
    for blob in referrers {
        let entry = entry(repository, blob)?;
        let digest = entry.get("digest").cloned();
        match entries.iter_mut().find(|listed| listed.get("digest") == digest.as_ref()) {
            Some(listed) => *listed = entry,
            None => entries.push(entry),
        }
    }
    *list = Value::Array(entries);
    let bytes = serde_json::to_vec(&index).expect("a JSON value has only texts as keys");
    if found.is_some_and(|found| found.bytes == bytes) {
        return Ok(());
    }
    let digest = Digest::sha256(&bytes);
    repository.put_manifest(&tag, &MediaType::from(MediaType::OCI_INDEX), &digest, &bytes)?;
    Ok(())
}

/// How the spec has a referrer listed: with its artifact type and annotations.
fn entry(repository: &Repository<'_>, blob: &Blob) -> Result<Value, Error> {
    let Descriptor { media_type, digest, size, .. } = blob.descriptor();
    let document = Document::parse(blob.bytes(), media_type, repository.limits())
        .map_err(|cause| Error::Document { url: digest.to_string(), cause })?;
    let (artifact_type, annotations) = match document {
        Document::Index(index) => (index.artifact_type, index.annotations),
        Document::Manifest(manifest) => (Some(manifest.kind().to_owned()), manifest.annotations),
    };
    let mut entry = Map::new();
    entry.insert("mediaType".to_owned(), json!(media_type));
    entry.insert("digest".to_owned(), json!(digest));
    entry.insert("size".to_owned(), json!(size));
    if let Some(artifact_type) = artifact_type {
        entry.insert("artifactType".to_owned(), json!(artifact_type));
    }
    if !annotations.is_empty() {
        entry.insert("annotations".to_owned(), json!(annotations));
    }
    Ok(Value::Object(entry))
}
