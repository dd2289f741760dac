//! A *TUF repository*: signed metadata over targets, each role with its own keys. A test changes what
//! is signed, or the envelope around it, before the steps that rest on it are taken.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::LazyLock;

use flate2::Compression;
use flate2::write::GzEncoder;
use sealift::digest::{Digest, hex};
use serde_json::{Map, Value, json};

use super::compact;
use super::key::{Hash, Key, PssUse};

/// When nothing of it has expired.
pub const NOW: &str = "2026-06-01T00:00:00Z";

/// A repository before its metadata is written.
#[derive(Clone)]
pub struct Repository {
    /// The keys of the role `root`, by version from 1. All of them must sign.
    pub roots: Vec<Vec<Key>>,
    /// The keys of the other roles. All of them must sign.
    pub roles: BTreeMap<&'static str, Vec<Key>>,
    /// When each role expires.
    pub expires: BTreeMap<&'static str, &'static str>,
    /// Whether names of files carry versions and hashes.
    pub consistent: bool,
    /// Targets by name, each with its `custom`.
    pub targets: Targets,
    /// Whom `targets` delegates to.
    pub delegated: Vec<Delegated>,
}

/// Targets by name, each with its `custom`.
pub type Targets = BTreeMap<String, (Vec<u8>, Value)>;

/// A role below `targets`.
#[derive(Clone)]
pub struct Delegated {
    pub name: String,
    pub key: Key,
    /// Which targets it may list.
    pub paths: Vec<String>,
    pub targets: Targets,
}

/// A part of a metadata file, while it is made.
pub enum Part<'a> {
    /// What will be signed.
    Signed(&'a mut Value),
    /// What was signed, with its signatures.
    Sealed(&'a mut Value),
}

/// The versions of the other roles.
const VERSION: u64 = 7;

/// An RSA key takes a while to find.
static RSA: LazyLock<Key> = LazyLock::new(|| {
    let pss = PssUse { hash: Hash::Sha256, salt: 32, named: false };
    Key::rsa("tuf snapshot", 2048).used_by_pss(pss)
});

impl Repository {
    /// A repository with these targets: two versions of the root, with a threshold of two in the
    /// second; keys of every kind that repositories use.
    pub fn new(targets: &[(&str, &[u8])]) -> Self {
        let keys = |kind: fn(&str) -> Key, role| vec![kind(&format!("tuf {role}"))];
        let expires = "2027-01-01T00:00:00Z";
        Self {
            roots: vec![
                vec![Key::ed25519("tuf root 1")],
                vec![Key::ed25519("tuf root 1"), Key::p256("tuf root 2")],
            ],
            roles: BTreeMap::from([
                ("timestamp", keys(Key::p256, "timestamp")),
                ("snapshot", vec![RSA.clone()]),
                ("targets", keys(Key::ed25519, "targets")),
            ]),
            expires: ["root", "timestamp", "snapshot", "targets"]
                .map(|role| (role, expires))
                .into(),
            consistent: true,
            targets: targets
                .iter()
                .map(|(name, bytes)| ((*name).to_owned(), (bytes.to_vec(), Value::Null)))
                .collect(),
            delegated: Vec::new(),
        }
    }

    /// The root that is trusted to begin with.
    pub fn root(&self) -> Vec<u8> {
        self.root_of(1, &|_, _| {})
    }

    /// What is served.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        self.changed(&|_, _| {})
    }

    /// What is served, changed on the way; `change` is told the name of the file, without version.
    pub fn changed(&self, change: &dyn Fn(&str, Part<'_>)) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        for version in 1..=self.roots.len() {
            let bytes = self.root_of(version, change);
            files.insert(format!("{version}.root.json"), bytes);
        }
        let prefix = if self.consistent { format!("{VERSION}.") } else { String::new() };
        let mut fields = json!({ "targets": self.listed(&self.targets, &mut files) });
        let mut pins = Map::new();
        for role in &self.delegated {
            let listed = json!({ "targets": self.listed(&role.targets, &mut files) });
            let expires = self.expires["targets"];
            let signed = signed("targets", expires, listed);
            let bytes = sealed(&role.name, signed, &[&role.key], change);
            pins.insert(format!("{}.json", role.name), meta(&bytes));
            files.insert(format!("{prefix}{}.json", role.name.replace('/', "%2F")), bytes);
            fields["delegations"]["keys"][id(&role.key)] = described(&role.key);
        }
        if !self.delegated.is_empty() {
            let role = |role: &Delegated| {
                let keys = [id(&role.key)];
                json!({ "name": role.name, "keyids": keys, "threshold": 1, "paths": role.paths,
                    "terminating": false })
            };
            fields["delegations"]["roles"] = self.delegated.iter().map(role).collect();
        }
        let targets = self.seal("targets", fields, change);
        pins.insert("targets.json".to_owned(), meta(&targets));
        let snapshot = self.seal("snapshot", json!({ "meta": pins }), change);
        let timestamp =
            self.seal("timestamp", json!({ "meta": { "snapshot.json": meta(&snapshot) } }), change);
        files.insert(format!("{prefix}targets.json"), targets);
        files.insert(format!("{prefix}snapshot.json"), snapshot);
        files.insert("timestamp.json".to_owned(), timestamp);
        files
    }

    fn root_of(&self, version: usize, change: &dyn Fn(&str, Part<'_>)) -> Vec<u8> {
        let of_version =
            |version: usize| self.roots.get(version.wrapping_sub(1)).into_iter().flatten();
        let (mut keys, mut roles) = (Map::new(), Map::new());
        let own: Vec<Key> = of_version(version).cloned().collect();
        for (role, holders) in
            self.roles.iter().map(|(role, keys)| (*role, keys)).chain([("root", &own)])
        {
            let ids: Vec<String> = holders.iter().map(id).collect();
            roles.insert(role.to_owned(), json!({ "keyids": ids, "threshold": ids.len() }));
            keys.extend(holders.iter().map(|key| (id(key), described(key))));
        }
        let mut signers: Vec<&Key> = of_version(version - 1).chain(&own).collect();
        let mut seen = std::collections::BTreeSet::new();
        signers.retain(|key| seen.insert(id(key)));
        let signed = json!({
            "_type": "root", "spec_version": "1.0", "version": version,
            "expires": self.expires["root"], "consistent_snapshot": self.consistent,
            "keys": keys, "roles": roles,
        });
        sealed(&format!("{version}.root"), signed, &signers, change)
    }

    /// What a role says of targets, whose bytes join the files.
    fn listed(&self, targets: &Targets, files: &mut BTreeMap<String, Vec<u8>>) -> Value {
        let mut listed = Map::new();
        for (name, (bytes, custom)) in targets {
            let digest = Digest::sha256(bytes);
            let mut target = pin(bytes);
            if !custom.is_null() {
                target["custom"] = custom.clone();
            }
            listed.insert(name.clone(), target);
            let (folder, file) = name
                .rsplit_once('/')
                .map_or(("", &name[..]), |(folder, file)| (&name[..=folder.len()], file));
            let path = if self.consistent {
                format!("targets/{folder}{}.{file}", digest.hex())
            } else {
                format!("targets/{name}")
            };
            files.insert(path, bytes.clone());
        }
        listed.into()
    }

    fn seal(&self, role: &'static str, fields: Value, change: &dyn Fn(&str, Part<'_>)) -> Vec<u8> {
        let signed = signed(role, self.expires[role], fields);
        sealed(role, signed, &self.roles[role].iter().collect::<Vec<_>>(), change)
    }
}

fn signed(kind: &str, expires: &str, fields: Value) -> Value {
    let mut signed = json!({
        "_type": kind, "spec_version": "1.0", "version": VERSION, "expires": expires,
    });
    let Value::Object(fields) = fields else { unreachable!("fields are an object") };
    signed.as_object_mut().expect("an object").extend(fields);
    signed
}

fn sealed(
    name: &str,
    mut signed: Value,
    keys: &[&Key],
    change: &dyn Fn(&str, Part<'_>),
) -> Vec<u8> {
    change(name, Part::Signed(&mut signed));
    let message = canonical(&signed);
    let sign = |key: &&Key| json!({ "keyid": id(key), "sig": hex(&key.sign(message.as_bytes())) });
    let mut envelope =
        json!({ "signed": signed, "signatures": keys.iter().map(sign).collect::<Vec<_>>() });
    change(name, Part::Sealed(&mut envelope));
    serde_json::to_vec_pretty(&envelope).expect("a document can be written")
}

fn pin(bytes: &[u8]) -> Value {
    json!({ "length": bytes.len(), "hashes": { "sha256": Digest::sha256(bytes).hex() } })
}

fn meta(bytes: &[u8]) -> Value {
    let mut pin = pin(bytes);
    let written: Value = serde_json::from_slice(bytes).expect("metadata is JSON");
    pin["version"] = written["signed"]["version"].clone();
    pin
}

/// A key as metadata describes it.
pub fn described(key: &Key) -> Value {
    let (kind, scheme, public) = match key {
        Key::Ed25519(_) => ("ed25519", "ed25519", hex(&key.public_bytes())),
        Key::P256(_) => ("ecdsa", "ecdsa-sha2-nistp256", key.public_pem()),
        _ => ("rsa", "rsassa-pss-sha256", key.public_pem()),
    };
    json!({ "keytype": kind, "scheme": scheme, "keyval": { "public": public } })
}

/// The id of a key: the hash of its description.
pub fn id(key: &Key) -> String {
    Digest::sha256(canonical(&described(key)).as_bytes()).hex()
}

/// Canonical JSON as TUF has it (OLPC): keys sorted, no blanks, only `"` and `\` escaped.
fn canonical(value: &Value) -> String {
    let text = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    match value {
        Value::String(value) => text(value),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(","))
        }
        Value::Object(fields) => {
            let sorted: BTreeMap<_, _> = fields.iter().collect();
            let field =
                |(key, value): (&String, &Value)| format!("{}:{}", text(key), canonical(value));
            format!("{{{}}}", sorted.into_iter().map(field).collect::<Vec<_>>().join(","))
        }
        scalar => String::from_utf8(compact(scalar)).expect("JSON is text"),
    }
}

/// Files as policy-controller packs them.
pub fn packed(files: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len().try_into().expect("small"));
        header.set_mode(0o644);
        tar.append_data(&mut header, format!("repository/{name}"), bytes.as_slice())
            .expect("memory is written to");
    }
    gzip(&tar.into_inner().expect("memory is written to"))
}

/// Bytes in gzip.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(bytes).expect("memory is written to");
    gzip.finish().expect("memory is written to")
}
