//! An *OCI image layout* in memory, wholly open to be altered before it is written.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use sealift::digest::Digest;
use serde_json::{Value, json};

use super::compact;
use super::image::{Artifact, INDEX, tar};

/// The members of a layout.
#[derive(Clone, Default)]
pub struct Layout {
    /// The entries of `index.json`, in order.
    pub manifests: Vec<Value>,
    /// Manifests, configs and evidence by path.
    pub metadata: BTreeMap<String, Vec<u8>>,
    /// Layers by path.
    pub layers: BTreeMap<String, Vec<u8>>,
    /// Members that stand for themselves, first; `index.json` here replaces the one that would be made.
    pub extra: BTreeMap<String, Vec<u8>>,
}

impl Layout {
    /// Adds an image as `registry/repository:tag`.
    pub fn image(&mut self, image: &Artifact, repository: &str, tag: &str) -> &mut Self {
        self.annotated(
            image,
            &[
                ("io.containerd.image.name", &format!("{repository}:{tag}")),
                ("org.opencontainers.image.ref.name", tag),
            ],
        )
    }

    /// Adds a manifest under a tag alone, as signatures and attestations of the older kind travel.
    pub fn tagged(&mut self, manifest: &Artifact, tag: &str) -> &mut Self {
        self.annotated(manifest, &[("org.opencontainers.image.ref.name", tag)])
    }

    /// Adds a manifest that its `subject` explains.
    pub fn referrer(&mut self, manifest: &Artifact) -> &mut Self {
        self.annotated(manifest, &[])
    }

    /// Adds the blobs of an artifact, naming it nowhere.
    pub fn blobs(&mut self, artifact: &Artifact) -> &mut Self {
        for bytes in std::iter::once(&artifact.manifest).chain(&artifact.metadata) {
            self.metadata.insert(blob_path(bytes), bytes.clone());
        }
        for bytes in &artifact.layers {
            self.layers.insert(blob_path(bytes), bytes.clone());
        }
        self
    }

    /// Every member in the order that an archive of ours has.
    pub fn members(&self) -> Vec<(&str, Vec<u8>)> {
        let mut members = vec![
            ("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec()),
            ("index.json", self.index()),
        ];
        members.retain(|(path, _)| !self.extra.contains_key(*path));
        members.extend(self.extra.iter().map(|(path, bytes)| (path.as_str(), bytes.clone())));
        for blobs in [&self.metadata, &self.layers] {
            members.extend(blobs.iter().map(|(path, bytes)| (path.as_str(), bytes.clone())));
        }
        members
    }

    /// The layout as a tar, the same bytes for the same layout.
    pub fn tar(&self) -> Vec<u8> {
        let members = self.members();
        tar(members.iter().map(|(path, bytes)| (*path, bytes.as_slice())))
    }

    /// Writes the layout as a directory.
    pub fn write(&self, directory: &Path) -> io::Result<()> {
        for (path, bytes) in self.members() {
            let file = directory.join(path);
            fs::create_dir_all(file.parent().expect("a member lies in a directory"))?;
            fs::write(file, bytes)?;
        }
        Ok(())
    }

    fn index(&self) -> Vec<u8> {
        compact(&json!({
            "schemaVersion": 2,
            "mediaType": INDEX,
            "manifests": self.manifests,
        }))
    }

    /// Adds a manifest with the annotations given, and no others.
    pub fn annotated(&mut self, artifact: &Artifact, annotations: &[(&str, &str)]) -> &mut Self {
        let mut descriptor = artifact.descriptor();
        if let Some(kind) = &artifact.kind {
            descriptor["artifactType"] = json!(kind);
        }
        for (key, value) in annotations {
            descriptor["annotations"][key] = json!(value);
        }
        self.manifests.push(descriptor);
        self.blobs(artifact)
    }
}

/// Where the layout keeps a blob.
pub fn blob_path(bytes: &[u8]) -> String {
    format!("blobs/sha256/{}", Digest::sha256(bytes).hex())
}
