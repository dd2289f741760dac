//! A registry in memory that follows the distribution spec, so that a test sees what is left in it.

use std::collections::BTreeMap;
use std::sync::Mutex;

use sealift::digest::Digest;
use sealift::oci::MediaType;
use serde_json::{Value, json};

use crate::server::{Answer, Asked, Handler};

/// What is in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// By repository and digest.
    pub blobs: BTreeMap<(String, String), Vec<u8>>,
    /// By repository and tag or digest: media type and bytes.
    pub manifests: BTreeMap<(String, String), (String, Vec<u8>)>,
}

/// Whether it has the referrers API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    Without,
    /// With so many referrers to a page.
    Paged(usize),
}

pub struct Store {
    pub held: Mutex<Held>,
    uploads: Mutex<BTreeMap<usize, Vec<u8>>>,
    pub api: Mutex<Api>,
}

impl Store {
    pub fn new(api: Api) -> Self {
        Self { held: Mutex::default(), uploads: Mutex::default(), api: Mutex::new(api) }
    }

    pub fn put_blob(&self, repository: &str, bytes: &[u8]) {
        let key = (repository.to_owned(), Digest::sha256(bytes).to_string());
        self.held.lock().unwrap().blobs.insert(key, bytes.to_vec());
    }

    pub fn put_manifest(&self, repository: &str, at: &str, media_type: &str, bytes: &[u8]) {
        let stored = (media_type.to_owned(), bytes.to_vec());
        let manifests = &mut self.held.lock().unwrap().manifests;
        manifests
            .insert((repository.to_owned(), Digest::sha256(bytes).to_string()), stored.clone());
        manifests.insert((repository.to_owned(), at.to_owned()), stored);
    }

    /// Everything that a tag leads to must be here, and be what its digest says.
    pub fn check_tags(&self) {
        let held = self.held.lock().unwrap();
        for ((repository, tag), (_, bytes)) in &held.manifests {
            if !tag.contains(':') {
                held.check(repository, bytes, tag);
            }
        }
    }

    pub fn tags(&self) -> Vec<String> {
        let held = self.held.lock().unwrap();
        let names = held.manifests.keys().map(|(_, name)| name.clone());
        names.filter(|name| !name.contains(':')).collect()
    }

    /// Empties it.
    pub fn clear(&self) {
        *self.held.lock().unwrap() = Held::default();
        self.uploads.lock().unwrap().clear();
    }

    fn upload(&self, asked: &Asked, repository: &str, id: &str, query: &str) -> Answer {
        let Ok(id) = id.parse::<usize>() else { return self.begin(repository, query) };
        let mut uploads = self.uploads.lock().unwrap();
        let Some(bytes) = uploads.get_mut(&id) else { return Answer::new(404) };
        let location = format!("/v2/{repository}/blobs/uploads/{id}?state={}", bytes.len());
        match asked.method.as_str() {
            "GET" => standing(204, bytes.len(), location),
            "PATCH" => {
                let range = asked.header("content-range").unwrap_or("0-");
                if range.split('-').next() != Some(&bytes.len().to_string()) {
                    return Answer::new(416);
                }
                bytes.extend_from_slice(&asked.body);
                standing(202, bytes.len(), location)
            }
            "PUT" => {
                let promised = query.split("digest=").nth(1).unwrap().replace("%3A", ":");
                bytes.extend_from_slice(&asked.body);
                let bytes = uploads.remove(&id).unwrap();
                if Digest::sha256(&bytes).to_string() != promised {
                    let body = r#"{"errors":[{"code":"DIGEST_INVALID","message":"other bytes"}]}"#;
                    return Answer::new(400).body("application/json", body);
                }
                self.put_blob(repository, &bytes);
                Answer::new(201).header("Docker-Content-Digest", promised)
            }
            _ => Answer::new(405),
        }
    }

    fn begin(&self, repository: &str, query: &str) -> Answer {
        if let Some((digest, from)) =
            query.strip_prefix("mount=").and_then(|it| it.split_once("&from="))
        {
            let mut held = self.held.lock().unwrap();
            let from = (from.replace("%2F", "/"), digest.replace("%3A", ":"));
            if let Some(bytes) = held.blobs.get(&from).cloned() {
                held.blobs.insert((repository.to_owned(), from.1), bytes);
                return Answer::new(201);
            }
        }
        let mut uploads = self.uploads.lock().unwrap();
        let id = uploads.keys().next_back().map_or(1, |last| last + 1);
        uploads.insert(id, Vec::new());
        standing(202, 0, format!("/v2/{repository}/blobs/uploads/{id}?state=0"))
    }

    fn referrers(&self, repository: &str, subject: &str, query: &str) -> Answer {
        let Api::Paged(size) = *self.api.lock().unwrap() else { return Answer::new(404) };
        let page: usize = query.strip_prefix("page=").map_or(0, |page| page.parse().unwrap());
        let held = self.held.lock().unwrap();
        let all = held.referrers(repository, subject);
        let pages: Vec<_> = all.chunks(size).collect();
        let listed = pages.get(page).copied().unwrap_or_default();
        let index = json!({
            "schemaVersion": 2, "mediaType": MediaType::OCI_INDEX, "manifests": listed,
        });
        let answer = Answer::new(200).body(MediaType::OCI_INDEX, index.to_string());
        if page + 1 < pages.len() {
            let next =
                format!("</v2/{repository}/referrers/{subject}?page={}>; rel=\"next\"", page + 1);
            return answer.header("Link", next);
        }
        answer
    }

    fn manifest(&self, asked: &Asked, repository: &str, at: &str) -> Answer {
        let key = (repository.to_owned(), at.to_owned());
        if asked.method != "PUT" {
            let held = self.held.lock().unwrap();
            return match held.manifests.get(&key) {
                None => Answer::new(404),
                Some((media_type, bytes)) => Answer::new(200)
                    .body(media_type, bytes.clone())
                    .header("Docker-Content-Digest", Digest::sha256(bytes).to_string()),
            };
        }
        let media_type = asked.header("content-type").unwrap();
        self.put_manifest(repository, at, media_type, &asked.body);
        let digest = Digest::sha256(&asked.body).to_string();
        let answer = Answer::new(201).header("Docker-Content-Digest", digest);
        let document: Value = serde_json::from_slice(&asked.body).unwrap();
        match (*self.api.lock().unwrap(), document["subject"]["digest"].as_str()) {
            (Api::Paged(_), Some(subject)) => answer.header("OCI-Subject", subject),
            _ => answer,
        }
    }

    fn blob(&self, asked: &Asked, repository: &str, digest: &str) -> Answer {
        let key = (repository.to_owned(), digest.to_owned());
        let held = self.held.lock().unwrap();
        let Some(bytes) = held.blobs.get(&key) else { return Answer::new(404) };
        let octets = "application/octet-stream";
        let Some(range) = asked.header("range") else {
            return Answer::new(200).body(octets, bytes.clone());
        };
        let from: usize =
            range.strip_prefix("bytes=").unwrap().trim_end_matches('-').parse().unwrap();
        if from >= bytes.len() {
            return Answer::new(416);
        }
        let told = format!("bytes {from}-{}/{}", bytes.len() - 1, bytes.len());
        Answer::new(206).body(octets, &bytes[from..]).header("Content-Range", told)
    }
}

/// What a registry says of an upload.
fn standing(status: u16, bytes: usize, location: String) -> Answer {
    let range = format!("0-{}", bytes.saturating_sub(1));
    Answer::new(status).header("Location", location).header("Range", range)
}

impl Held {
    fn referrers(&self, repository: &str, subject: &str) -> Vec<Value> {
        let mut found = Vec::new();
        for ((of, name), (media_type, bytes)) in &self.manifests {
            let document: Value = serde_json::from_slice(bytes).unwrap();
            let refers = document["subject"]["digest"].as_str() == Some(subject);
            if of == repository && name.contains(':') && refers {
                found.push(json!({"mediaType": media_type, "digest": name, "size": bytes.len()}));
            }
        }
        found
    }

    fn check(&self, repository: &str, manifest: &[u8], tag: &str) {
        let document: Value = serde_json::from_slice(manifest).unwrap();
        let empty = Vec::new();
        for child in document["manifests"].as_array().unwrap_or(&empty) {
            let digest = child["digest"].as_str().unwrap().to_owned();
            let (_, bytes) = &self.manifests[&(repository.to_owned(), digest.clone())];
            assert_eq!(Digest::sha256(bytes).to_string(), digest, "below {tag}");
            self.check(repository, bytes, tag);
        }
        let layers = document["layers"].as_array().unwrap_or(&empty);
        for blob in layers.iter().chain(document.get("config")) {
            let digest = blob["digest"].as_str().unwrap().to_owned();
            let bytes = &self.blobs[&(repository.to_owned(), digest.clone())];
            assert_eq!(Digest::sha256(bytes).to_string(), digest, "below {tag}");
        }
    }
}

impl Handler for Store {
    fn answer(&self, asked: &Asked) -> Answer {
        let (path, query) = asked.target.split_once('?').unwrap_or((&asked.target, ""));
        let rest = path.strip_prefix("/v2/").unwrap();
        if let Some((repository, id)) = rest.split_once("/blobs/uploads/") {
            return self.upload(asked, repository, id, query);
        }
        if let Some((repository, digest)) = rest.split_once("/blobs/") {
            return self.blob(asked, repository, digest);
        }
        if let Some((repository, at)) = rest.split_once("/manifests/") {
            return self.manifest(asked, repository, at);
        }
        let (repository, subject) = rest.split_once("/referrers/").unwrap();
        self.referrers(repository, subject, query)
    }

    /// Keeps what came of an upload.
    fn broke_off(&self, asked: &Asked) {
        let path = asked.target.split('?').next().unwrap();
        let Some(id) = path.rsplit_once("/blobs/uploads/").and_then(|(_, id)| id.parse().ok())
        else {
            return;
        };
        if let Some(bytes) = self.uploads.lock().unwrap().get_mut(&id) {
            bytes.extend_from_slice(&asked.body);
        }
    }
}
