//! An *image* and its kin: manifests with what they name, made of small uncompressed layers.

use std::collections::BTreeMap;

use sealift::digest::Digest;
use serde_json::{Value, json};

use super::compact;

/// The media type of a manifest.
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// The media type of an index.
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// The media type of a layer that is a plain tar.
pub const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
/// The media type of the config that says nothing, `{}`.
pub const EMPTY: &str = "application/vnd.oci.empty.v1+json";

/// A manifest or index and every blob below it.
#[derive(Clone)]
pub struct Artifact {
    pub media_type: String,
    pub kind: Option<String>,
    pub platform: Option<Platform>,
    pub manifest: Vec<u8>,
    /// Configs, child manifests, payloads: what is read to judge.
    pub metadata: Vec<Vec<u8>>,
    /// What is only hashed.
    pub layers: Vec<Vec<u8>>,
}

/// What a child manifest runs on.
#[derive(Clone, Copy)]
pub struct Platform {
    pub os: &'static str,
    pub architecture: &'static str,
}

/// The platform of most servers.
pub const AMD64: Platform = Platform { os: "linux", architecture: "amd64" };
/// The platform of the others.
pub const ARM64: Platform = Platform { os: "linux", architecture: "arm64" };

impl Artifact {
    /// The digest of the manifest.
    pub fn digest(&self) -> Digest {
        Digest::sha256(&self.manifest)
    }

    /// The descriptor of the manifest: media type, size, digest.
    pub fn descriptor(&self) -> Value {
        descriptor(&self.media_type, &self.manifest)
    }
}

/// A descriptor without annotations.
pub fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    json!({
        "mediaType": media_type,
        "size": bytes.len(),
        "digest": Digest::sha256(bytes).to_string(),
    })
}

/// An image of one platform with layers that hold one file each.
pub fn image(name: &str, platform: Platform, files: &[(&str, &str)]) -> Artifact {
    let layers: Vec<Vec<u8>> = files.iter().map(|file| layer(&[*file])).collect();
    let diff_ids: Vec<String> = layers.iter().map(|tar| Digest::sha256(tar).to_string()).collect();
    let history: Vec<Value> = files
        .iter()
        .map(|(path, _)| json!({ "created": CREATED, "created_by": format!("COPY {path} /") }))
        .collect();
    let config = compact(&json!({
        "created": CREATED,
        "architecture": platform.architecture,
        "os": platform.os,
        "config": { "Entrypoint": [format!("/{name}")] },
        "rootfs": { "type": "layers", "diff_ids": diff_ids },
        "history": history,
    }));
    let manifest = compact(&json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": descriptor("application/vnd.oci.image.config.v1+json", &config),
        "layers": layers.iter().map(|tar| descriptor(LAYER, tar)).collect::<Vec<_>>(),
    }));
    Artifact {
        media_type: MANIFEST.to_owned(),
        kind: None,
        platform: Some(platform),
        manifest,
        metadata: vec![config],
        layers,
    }
}

/// An index over images of several platforms.
pub fn index(children: &[Artifact]) -> Artifact {
    let manifests: Vec<Value> = children
        .iter()
        .map(|child| {
            let mut descriptor = child.descriptor();
            if let Some(kind) = &child.kind {
                descriptor["artifactType"] = json!(kind);
            }
            if let Some(Platform { os, architecture }) = child.platform {
                descriptor["platform"] = json!({ "architecture": architecture, "os": os });
            }
            descriptor
        })
        .collect();
    let manifest = compact(&json!({
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": manifests,
    }));
    let mut metadata: Vec<Vec<u8>> = Vec::new();
    for child in children {
        metadata.push(child.manifest.clone());
        metadata.extend(child.metadata.iter().cloned());
    }
    Artifact {
        media_type: INDEX.to_owned(),
        kind: None,
        platform: None,
        manifest,
        metadata,
        layers: children.iter().flat_map(|child| child.layers.iter().cloned()).collect(),
    }
}

/// An artifact that is no image: one blob of its own media type and an empty config.
pub fn artifact(kind: &str, media_type: &str, content: &[u8], title: &str) -> Artifact {
    let config = b"{}".to_vec();
    let mut layer = descriptor(media_type, content);
    layer["annotations"] = json!({ "org.opencontainers.image.title": title });
    let manifest = compact(&json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": kind,
        "config": descriptor(EMPTY, &config),
        "layers": [layer],
    }));
    Artifact {
        media_type: MANIFEST.to_owned(),
        kind: Some(kind.to_owned()),
        platform: None,
        manifest,
        metadata: vec![config],
        layers: vec![content.to_vec()],
    }
}

/// A policy module in WebAssembly, the smallest there is.
pub fn wasm_policy() -> Artifact {
    artifact(
        "application/vnd.wasm.config.v0+json",
        "application/wasm",
        b"\0asm\x01\0\0\0",
        "policy.wasm",
    )
}

/// A tar of files, without times and owners.
pub fn layer(files: &[(&str, &str)]) -> Vec<u8> {
    let members: BTreeMap<&str, &[u8]> =
        files.iter().map(|(path, text)| (*path, text.as_bytes())).collect();
    tar(members.into_iter())
}

/// A tar of members in the order given: regular files of mode 0644, no times, no owners.
pub fn tar<'a>(members: impl Iterator<Item = (&'a str, &'a [u8])>) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, bytes) in members {
        let mut header = tar::Header::new_ustar();
        header.set_path(path).expect("the path fits a header");
        header.set_size(u64::try_from(bytes.len()).expect("a length is no more than 64 bits"));
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_entry_type(tar::EntryType::Regular);
        header.set_cksum();
        builder.append(&header, bytes).expect("writing to memory succeeds");
    }
    builder.into_inner().expect("writing to memory succeeds")
}

const CREATED: &str = "2026-03-01T00:00:00Z";
