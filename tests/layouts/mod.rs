//! Archives for tests: tars built header by header, and layouts in every form.

#![allow(
    dead_code,
    clippy::as_conversions,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub,
    reason = "support of tests, of which each uses its part"
)]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use sealift::archive::Archive;
use sealift::digest::Digest;
use sealift::limits::Limits;
use serde_json::{Value, json};

/// What `oci-layout` holds.
pub const LAYOUT: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;

/// A tar, written as its author wants it.
#[derive(Clone, Default)]
pub struct Tar(pub Vec<u8>);

impl Tar {
    /// `oci-layout` at byte 0 and an empty `index.json` at byte 1024; the next member is at 2048.
    pub fn sound() -> Self {
        Self::default()
            .member("oci-layout", LAYOUT)
            .member("index.json", br#"{"schemaVersion":2,"manifests":[]}"#)
    }

    pub fn member(self, name: impl AsRef<[u8]>, content: &[u8]) -> Self {
        self.entry(&header(name, content.len() as u64, b'0'), content)
    }

    pub fn entry(mut self, header: &[u8; 512], content: &[u8]) -> Self {
        self.0.extend_from_slice(header);
        self.bytes(content).padded()
    }

    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub fn padded(mut self) -> Self {
        let length = self.0.len().next_multiple_of(512);
        self.0.resize(length, 0);
        self
    }

    pub fn pax(self, records: &[u8]) -> Self {
        self.entry(&header("PaxHeaders/x", records.len() as u64, b'x'), records)
    }

    pub fn long_name(self, name: &[u8]) -> Self {
        self.entry(&header("././@LongLink", name.len() as u64, b'L'), name)
    }

    pub fn end(self) -> Vec<u8> {
        self.bytes(&[0; 1024]).0
    }
}

/// A GNU header.
pub fn header(name: impl AsRef<[u8]>, size: u64, flag: u8) -> [u8; 512] {
    let mut block = [0; 512];
    put(&mut block, 0, name.as_ref());
    put(&mut block, 100, b"0000644\0");
    put(&mut block, 124, format!("{size:011o}\0").as_bytes());
    put(&mut block, 136, b"00000000000\0");
    put(&mut block, 156, &[flag]);
    put(&mut block, 257, b"ustar  \0");
    summed(block)
}

/// A header with bytes replaced and its checksum made right again.
pub fn with(mut block: [u8; 512], at: usize, bytes: &[u8]) -> [u8; 512] {
    put(&mut block, at, bytes);
    summed(block)
}

fn put(block: &mut [u8; 512], at: usize, bytes: &[u8]) {
    block[at..at + bytes.len()].copy_from_slice(bytes);
}

fn summed(mut block: [u8; 512]) -> [u8; 512] {
    put(&mut block, 148, b"        ");
    let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
    put(&mut block, 148, format!("{sum:06o}\0 ").as_bytes());
    block
}

/// A PAX record.
pub fn record(key: &str, value: &[u8]) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    [format!("{length} {key}=").as_bytes(), value, b"\n"].concat()
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

/// A layout: blobs by digest, and what its index lists.
#[derive(Clone, Default)]
pub struct Layout {
    pub roots: Vec<Value>,
    pub blobs: BTreeMap<Digest, Vec<u8>>,
}

impl Layout {
    /// Adds a blob; its descriptor.
    pub fn blob(&mut self, media_type: &str, bytes: impl AsRef<[u8]>) -> Value {
        let bytes = bytes.as_ref().to_vec();
        let digest = Digest::sha256(&bytes);
        let size = bytes.len();
        self.blobs.insert(digest, bytes);
        json!({ "mediaType": media_type, "digest": digest.to_string(), "size": size })
    }

    /// Adds a document; its descriptor.
    pub fn document(&mut self, media_type: &str, document: &Value) -> Value {
        self.blob(media_type, document.to_string())
    }

    /// Adds an image whose only layer is `content`.
    pub fn image(&mut self, content: &str) -> Value {
        let config = self
            .blob("application/vnd.oci.image.config.v1+json", format!("{{\"of\":\"{content}\"}}"));
        let layer = self.blob("application/vnd.oci.image.layer.v1.tar", content);
        self.manifest(&json!({ "config": config, "layers": [layer] }))
    }

    /// Adds a manifest with these fields.
    pub fn manifest(&mut self, fields: &Value) -> Value {
        let media_type = "application/vnd.oci.image.manifest.v1+json";
        let mut document = json!({ "schemaVersion": 2, "mediaType": media_type });
        merge(&mut document, fields);
        self.document(media_type, &document)
    }

    /// Adds an index of `manifests`.
    pub fn index(&mut self, manifests: &[Value]) -> Value {
        let media_type = "application/vnd.oci.image.index.v1+json";
        let document =
            json!({ "schemaVersion": 2, "mediaType": media_type, "manifests": manifests });
        self.document(media_type, &document)
    }

    /// Adds what cosign puts behind a `.sig` tag.
    pub fn signature(&mut self, payload: &str) -> Value {
        let config = self.blob("application/vnd.oci.image.config.v1+json", "{}");
        let mut layer = self.blob(
            "application/vnd.dev.cosign.simplesigning.v1+json",
            format!("{{\"p\":\"{payload}\"}}"),
        );
        merge(&mut layer, &annotated(&[("dev.cosignproject.cosign/signature", "MEUC")]));
        self.manifest(&json!({ "config": config, "layers": [layer] }))
    }

    /// Adds a referrer of `subject` that carries a bundle.
    pub fn bundle(&mut self, subject: &Value, bundle: &str) -> Value {
        let kind = "application/vnd.dev.sigstore.bundle.v0.3+json";
        let config = self.blob("application/vnd.oci.empty.v1+json", "{}");
        let layer = self.blob(kind, format!("{{\"b\":\"{bundle}\"}}"));
        let fields = json!({
            "artifactType": kind, "config": config, "layers": [layer], "subject": bare(subject),
        });
        self.manifest(&fields)
    }

    /// Lists a descriptor in `index.json`.
    pub fn root(&mut self, descriptor: &Value, annotations: &[(&str, &str)]) -> &mut Self {
        let mut descriptor = descriptor.clone();
        if !annotations.is_empty() {
            merge(&mut descriptor, &annotated(annotations));
        }
        self.roots.push(descriptor);
        self
    }

    pub fn index_json(&self) -> Vec<u8> {
        json!({ "schemaVersion": 2, "manifests": self.roots }).to_string().into_bytes()
    }

    pub fn tar(&self) -> Vec<u8> {
        let mut tar =
            Tar::default().member("oci-layout", LAYOUT).member("index.json", &self.index_json());
        for (digest, bytes) in &self.blobs {
            tar = tar.member(blob_name(digest), bytes);
        }
        tar.end()
    }

    pub fn write(&self, directory: &Path) {
        std::fs::create_dir_all(directory.join("blobs/sha256")).unwrap();
        std::fs::write(directory.join("oci-layout"), LAYOUT).unwrap();
        std::fs::write(directory.join("index.json"), self.index_json()).unwrap();
        for (digest, bytes) in &self.blobs {
            std::fs::write(directory.join(blob_name(digest)), bytes).unwrap();
        }
    }

    pub fn open(&self) -> Archive {
        Archive::from_stream(&*self.tar(), &Limits::default()).unwrap()
    }
}

pub fn blob_name(digest: &Digest) -> String {
    format!("blobs/{}/{}", digest.algorithm(), digest.hex())
}

/// The digest of a descriptor.
pub fn digest(descriptor: &Value) -> Digest {
    descriptor["digest"].as_str().unwrap().parse().unwrap()
}

/// `sha256-<hex>` and a suffix.
pub fn tag(descriptor: &Value, suffix: &str) -> String {
    format!("{}{suffix}", digest(descriptor).to_string().replace(':', "-"))
}

/// Media type, digest and size alone.
pub fn bare(descriptor: &Value) -> Value {
    json!({
        "mediaType": descriptor["mediaType"],
        "digest": descriptor["digest"],
        "size": descriptor["size"],
    })
}

pub fn annotated(annotations: &[(&str, &str)]) -> Value {
    let annotations: BTreeMap<_, _> = annotations.iter().copied().collect();
    json!({ "annotations": annotations })
}

pub fn merge(into: &mut Value, fields: &Value) {
    for (key, value) in fields.as_object().unwrap() {
        into[key] = value.clone();
    }
}
