//! Takes files apart into seeds: `seeds OUT FOLDER...` writes `OUT/<target>/<digest>`.
//!
//! Every file below the folders, every blob of a tar among them, every object and text inside JSON
//! and every base64 in it is offered to the targets whose documents it looks like.

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use der::Decode as _;
use der::asn1::OctetStringRef;
use sealift::archive::Archive;
use sealift::digest::{Algorithm, Digest};
use sealift::sigstore::Bundle;
use sealift::sigstore::bundle::Content;
use sealift::timestamp::Token;
use sealift::x509::Certificate;
use sealift_fuzz::{LIMITS, small_archive};
use serde_json::{Map, Value};

/// A longer seed makes every mutation of it slow and no branch easier to reach.
const LONGEST: usize = 32 << 10;
/// A bundle in an annotation of a manifest holds a certificate in a body: five levels.
const DEEPEST: usize = 8;

/// Kinds of which `testdata` has none.
const OBJECTS: &str = "apiVersion: v1
kind: Pod
metadata: {name: app, labels: {tier: web}}
spec:
  initContainers: [{name: first, image: 'registry.example/init:1'}]
  containers:
    - name: app
      image: registry.example/team/app:v1 # comment
---
{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": []}
";
const LISTS: [&str; 8] = [
    "# k3s\r\ndocker.io/rancher/klipper-helm:v0.8.2\noci:layout:v1\nquay.io/a:1=mirror.example/a:1\n",
    "apiVersion: content.hauler.cattle.io/v1\nkind: Images\nmetadata: {annotations: {hauler.dev/platform: linux/amd64}}\nspec: {images: [{name: busybox, platform: linux/arm64, key: k.pub}]}\n",
    "quay.io:\n  images: {a: [1.10, latest], b: []}\n  images-by-tag-regex: {c: ^1}\n  images-by-semver: {d: '>=1.2 <2 || ~3.x'}\n  tls-verify: false\n",
    "apiVersion: mirror.openshift.io/v2alpha1\nkind: ImageSetConfiguration\nmirror: {additionalImages: [{name: 'quay.io/a/b:1'}], helm: {}}\n",
    "exceptions:\n- image: registry.example/app\n  lookup: sig-tag\n  reason: gone\n",
    r#"{"version":1,"images":{"registry.example/app:v1":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}}"#,
    r#"{"version":1,"registry":"far.example","archive":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","blobs":[{"digest":"sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4f72b9807785afee48bb","size":1,"repositories":["team/app","team/other"]},{"digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","size":0,"repositories":["team/app"]}]}"#,
    r#"{"version":1,"bases":[{"kind":"archive","contents":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},{"kind":"receipt","contents":"sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4f72b9807785afee48bb"}],"omitted":[{"digest":"sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4f72b9807785afee48bb","size":1},{"digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","size":0}]}"#,
];
const TUF: &str = r#"{"signatures":[{"keyid":"a","sig":"00"}],"signed":{"_type":"root","spec_version":"1.0","version":1,"expires":"2030-01-01T00:00:00Z","consistent_snapshot":true,"keys":{"a":{"keytype":"ed25519","scheme":"ed25519","keyval":{"public":"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"}}},"roles":{"root":{"keyids":["a"],"threshold":1}}}}"#;
const CUE: &str =
    "predicateType: =~\"^https://\"\0{\"predicateType\":\"https://slsa.dev/provenance/v1\"}";
const REGO: &str =
    "package sigstore\nisCompliant[response] { response := {\"result\": input.a == 1} }\0{\"a\":1}";

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let out = arguments.next().ok_or("usage: seeds OUT FOLDER...")?;
    let seeds = Seeds { out };
    for folder in arguments {
        seeds.folder(&folder)?;
    }
    seeds.ledger()?;
    seeds.keep("objects", OBJECTS.as_bytes())?;
    seeds.keep("tuf", TUF.as_bytes())?;
    for list in LISTS {
        seeds.keep("lists", list.as_bytes())?;
    }
    seeds.volumes()?;
    seeds.partials()?;
    seeds.keep("engine", CUE.as_bytes())?;
    seeds.keep("engine", REGO.as_bytes())?;
    seeds.extended_tars()
}

struct Seeds {
    out: PathBuf,
}

impl Seeds {
    fn folder(&self, folder: &Path) -> Result<(), Box<dyn Error>> {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                self.folder(&path)?;
            } else {
                self.bytes(&fs::read(&path)?, DEEPEST)?;
            }
        }
        Ok(())
    }

    /// Offers bytes of any kind.
    fn bytes(&self, bytes: &[u8], depth: usize) -> Result<(), Box<dyn Error>> {
        let Some(depth) = depth.checked_sub(1) else { return Ok(()) };
        if let Ok(value) = serde_json::from_slice(bytes) {
            return self.json(bytes, &value, depth);
        }
        if Archive::from_stream(bytes, &LIMITS).is_ok() {
            return self.tar(bytes, depth);
        }
        match str::from_utf8(bytes) {
            Ok(text) => self.text(text, depth),
            Err(_) => self.der(bytes),
        }
    }

    fn tar(&self, tar: &[u8], depth: usize) -> Result<(), Box<dyn Error>> {
        self.keep("tar_members", tar)?;
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(tar)?;
        let gzip = gzip.finish()?;
        self.keep("packed_tar", &gzip)?;
        self.keep("tuf", &gzip)?;
        for level in [
            ruzstd::encoding::CompressionLevel::Fastest,
            ruzstd::encoding::CompressionLevel::Uncompressed,
        ] {
            self.keep("packed_tar", &ruzstd::encoding::compress_to_vec(tar, level))?;
        }
        for entry in tar::Archive::new(tar).entries()? {
            let mut entry = entry?;
            self.keep("member_path", &entry.path_bytes())?;
            let mut content = Vec::new();
            entry.read_to_end(&mut content)?;
            self.bytes(&content, depth)?;
        }
        Ok(())
    }

    fn json(&self, bytes: &[u8], value: &Value, depth: usize) -> Result<(), Box<dyn Error>> {
        match value {
            Value::Object(object) => {
                for target in targets(object) {
                    self.keep(target, bytes)?;
                }
                self.timestamps(bytes)?;
                if let (Some(policy), Some(input)) = (object.get("policy"), object.get("input")) {
                    let (policy, input) = (policy.as_str(), input.as_str());
                    let seed =
                        format!("{}\0{}", policy.unwrap_or_default(), input.unwrap_or_default());
                    self.keep("engine", seed.as_bytes())?;
                }
                for value in object.values() {
                    self.json(&serde_json::to_vec(value)?, value, depth)?;
                }
            }
            Value::Array(items) => {
                for item in items {
                    self.json(&serde_json::to_vec(item)?, item, depth)?;
                }
            }
            Value::String(text) => self.inner(text, depth)?,
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
        Ok(())
    }

    /// Offers a text inside of JSON, and what it is the base64 of.
    fn inner(&self, text: &str, depth: usize) -> Result<(), Box<dyn Error>> {
        match STANDARD.decode(text) {
            Ok(bytes) if bytes.len() >= 16 => self.bytes(&bytes, depth),
            _ => self.bytes(text.as_bytes(), depth),
        }
    }

    fn text(&self, text: &str, depth: usize) -> Result<(), Box<dyn Error>> {
        if text.contains("\n\n\u{2014} ") {
            self.keep("note", text.as_bytes())?;
            self.keep("checkpoint", text.as_bytes())?;
        }
        // Of the formats there are, by what stands in each.
        if ["\nkind: ", "apiVersion: ", "\nallOf:", "signatures:"]
            .iter()
            .any(|key| text.contains(key))
        {
            self.keep("policy", text.as_bytes())?;
            self.keep("objects", text.as_bytes())?;
        }
        if text.contains("-----BEGIN PUBLIC KEY-----") {
            self.keep("managed_key", text.as_bytes())?;
        }
        if !text.contains(char::is_whitespace) && text.contains([':', '/']) {
            self.keep("reference", text.as_bytes())?;
        }
        for block in text.split("-----BEGIN CERTIFICATE-----").skip(1) {
            let encoded = block.split("-----END").next().unwrap_or_default();
            let encoded: String = encoded.split_whitespace().collect();
            self.inner(&encoded, depth)?;
        }
        Ok(())
    }

    fn der(&self, der: &[u8]) -> Result<(), Box<dyn Error>> {
        if Token::parse(der).is_ok() {
            self.keep("timestamp", &[&[0, 0], der].concat())?;
        }
        if Certificate::from_der(der, &LIMITS).is_ok() {
            self.keep("certificate", der)?;
            let certificate = x509_cert::Certificate::from_der(der)?;
            for extension in certificate.tbs_certificate.extensions.iter().flatten() {
                if extension.extn_id.to_string() == "1.3.6.1.4.1.11129.2.4.2" {
                    let list = OctetStringRef::from_der(extension.extn_value.as_bytes())?;
                    self.keep("sct_list", list.as_bytes())?;
                }
            }
        }
        Ok(())
    }

    /// Timestamps of a bundle behind the signature that they stamp.
    fn timestamps(&self, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
        let Ok(bundle) = Bundle::parse(bytes, &LIMITS) else { return Ok(()) };
        let signature = match bundle.content {
            Content::Message { signature, .. } => signature,
            Content::Envelope(envelope) => envelope.signature,
        };
        let length = u16::try_from(signature.len())?.to_be_bytes();
        bundle.timestamps.iter().try_for_each(|timestamp| {
            self.keep("timestamp", &[&length, signature.as_slice(), timestamp].concat())
        })
    }

    /// `testdata` has none: nothing of it was exported.
    fn ledger(&self) -> Result<(), Box<dyn Error>> {
        let digest = Digest::sha256(b"");
        let lookups = serde_json::json!([
            {"kind": "sig-tag", "outcome": "found", "found": [digest]},
            {"kind": "att-tag", "outcome": "not-found"},
            {"kind": "sbom-tag", "outcome": "not-found"},
            {"kind": "referrers-api", "outcome": "not-supported"},
            {"kind": "fallback-tag", "outcome": "not-found"},
        ]);
        let ledger = serde_json::json!({
            "version": 1,
            "time": "2026-03-01T12:00:00Z",
            "subjects": [{
                "repository": "registry.example/team/app",
                "digest": digest,
                "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "lookups": lookups,
            }],
        });
        self.keep("ledger", ledger.to_string().as_bytes())
    }

    /// The smallest archive, in two volumes.
    fn volumes(&self) -> Result<(), Box<dyn Error>> {
        let tar = sound()?.into_inner()?;
        let parts = tar.split_at(1024);
        let offsets = [0, 1024];
        let lines = [(1, parts.0), (2, parts.1)].map(|(number, payload)| {
            let (length, digest) = (payload.len(), Digest::sha256(payload));
            let offset = offsets[number - 1];
            format!("number {number} of 2\nbytes {length} from {offset}\npayload {digest}\n")
        });
        let set = Digest::sha256(lines.concat().as_bytes());
        let headers = lines.map(|lines| {
            let mut header = format!("sealift volume 1\nset {set}\n{lines}").into_bytes();
            header.resize(512, 0);
            header
        });
        let first = [&headers[0][..], parts.0].concat();
        let length = u16::try_from(first.len())?.to_be_bytes();
        self.keep("volumes", &[&length, first.as_slice(), &headers[1], parts.1].concat())
    }

    /// A whole archive that has not its name yet, its beginning, and one with a wrong byte.
    fn partials(&self) -> Result<(), Box<dyn Error>> {
        for in_volumes in [false, true] {
            let whole = small_archive(in_volumes);
            let mut wrong = whole.clone();
            if let Some(last) = wrong.iter_mut().rfind(|byte| **byte != 0) {
                *last ^= 1;
            }
            for left in [&whole[..], whole.get(..3000).unwrap_or_default(), &wrong] {
                self.keep("partial", &[&[u8::from(in_volumes)], left].concat())?;
            }
        }
        Ok(())
    }

    /// A member behind each kind of extension, which no tar of `testdata` needs.
    fn extended_tars(&self) -> Result<(), Box<dyn Error>> {
        let name = format!("blobs/sha256/{}", Digest::sha256(b"").hex());
        // Longer than the 100 bytes of a header.
        let long = format!("blobs/sha512/{}", Digest::of(Algorithm::Sha512, b"").hex());
        let mut gnu = sound()?;
        gnu.append_data(&mut header(0), &long, &b""[..])?;
        self.keep("tar_members", &gnu.into_inner()?)?;
        let mut pax = sound()?;
        pax.append_pax_extensions([("path", long.as_bytes()), ("size", b"0"), ("mtime", b"1.5")])?;
        pax.append_data(&mut header(0), &name, &b""[..])?;
        self.keep("tar_members", &pax.into_inner()?)
    }

    fn keep(&self, target: &str, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
        if bytes.len() <= LONGEST {
            let folder = self.out.join(target);
            fs::create_dir_all(&folder)?;
            fs::write(folder.join(Digest::sha256(bytes).hex()), bytes)?;
        }
        Ok(())
    }
}

/// The targets whose documents an object looks like.
fn targets(object: &Map<String, Value>) -> BTreeSet<&'static str> {
    let text = |key| object.get(key).and_then(Value::as_str).unwrap_or_default();
    let has = |key| object.contains_key(key);
    let media_type = text("mediaType");
    let looks = [
        ("manifest", has("schemaVersion") || has("rootfs") || has("imageLayoutVersion")),
        ("bundle", media_type.starts_with("application/vnd.dev.sigstore.bundle")),
        ("trust_root", media_type.starts_with("application/vnd.dev.sigstore.trustedroot")),
        ("dsse", has("payloadType")),
        ("statement", has("_type")),
        ("entry_body", has("spec") && !text("apiVersion").contains('/')),
        ("policy", has("spec") && text("kind") == "ClusterImagePolicy"),
        ("policy", has("default") && has("transports") || has("allOf") || has("anyOf")),
        ("policy", has("signatures") && !has("payloadType")),
        (
            "objects",
            has("kind") && has("apiVersion") && (has("spec") || has("items") || has("request")),
        ),
        ("managed_key", has("rawBytes")),
        ("payload", has("critical")),
        ("ledger", has("version") && has("subjects")),
        ("annotations", object.keys().any(|key| key.contains(".cosign"))),
    ];
    looks.into_iter().filter(|(_, looks)| *looks).map(|(target, _)| target).collect()
}

fn sound() -> Result<tar::Builder<Vec<u8>>, Box<dyn Error>> {
    let mut tar = tar::Builder::new(Vec::new());
    let layout: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;
    let index: &[u8] = br#"{"schemaVersion":2,"manifests":[]}"#;
    for (name, content) in [("oci-layout", layout), ("index.json", index)] {
        tar.append_data(&mut header(content.len()), name, content)?;
    }
    Ok(tar)
}

fn header(size: usize) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_size(u64::try_from(size).unwrap_or_default());
    header.set_mode(0o644);
    header
}
