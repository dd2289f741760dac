//! Mirrors into a registry in memory: what is pushed, in which order, and what is not.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Arc, Mutex};

use sealift::archive::{Archive, ArchiveWriter};
use sealift::digest::Digest;
use sealift::engine::{self, Options, Work};
use sealift::inventory::Inventory;
use sealift::limits::Limits;
use sealift::net::Registry;
use sealift::oci::{Descriptor, MediaType};
use sealift::policy::{Admitted, PolicyFile, PolicySet, document};
use sealift::report::Scope;
use sealift::time::UnixTime;
use sealift::transfer::{
    Error, Flaw, Landed, LeftBehind, Listing, Mapping, Place, Replaced, Settings, Unwatched,
    into_registry,
};
use sealift::verify::{Trust, Verifier};
use serde_json::{Value, json};

use crate::server::{Answer, Asked, Server};
use crate::{descriptor, registry, told};

pub(crate) const ADMIT_ALL: &[u8] = b"\
apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: all}
spec:
  images: [{glob: \"**\"}]
  authorities: [{static: {action: pass}}]
";

/// An archive as it is put together.
#[derive(Default)]
pub(crate) struct Layout {
    pub(crate) blobs: BTreeMap<Digest, Vec<u8>>,
    pub(crate) entries: Vec<Descriptor>,
}

impl Layout {
    pub(crate) fn blob(&mut self, media_type: &str, bytes: &[u8]) -> Descriptor {
        self.blobs.insert(Digest::sha256(bytes), bytes.to_vec());
        descriptor(media_type, bytes)
    }

    pub(crate) fn manifest(&mut self, layer: &[u8], subject: Option<&Descriptor>) -> Descriptor {
        self.artifact("application/vnd.example", layer, subject)
    }

    pub(crate) fn artifact(
        &mut self,
        kind: &str,
        layer: &[u8],
        subject: Option<&Descriptor>,
    ) -> Descriptor {
        let config = self.blob(MediaType::OCI_EMPTY, b"{}");
        let layer = self.blob("application/octet-stream", layer);
        let mut document = json!({
            "schemaVersion": 2,
            "mediaType": MediaType::OCI_MANIFEST,
            "artifactType": kind,
            "config": config,
            "layers": [layer],
        });
        if let Some(subject) = subject {
            document["subject"] = serde_json::to_value(subject).unwrap();
            document["annotations"] = json!({"made": "by a test"});
        }
        self.blob(MediaType::OCI_MANIFEST, &serde_json::to_vec(&document).unwrap())
    }

    pub(crate) fn list(&mut self, mut entry: Descriptor, name: Option<&str>) {
        if let Some(name) = name {
            entry.annotations.insert("io.containerd.image.name".to_owned(), name.to_owned());
        }
        self.entries.push(entry);
    }

    pub(crate) fn write(&self, path: &Path) {
        let index = json!({
            "schemaVersion": 2,
            "mediaType": MediaType::OCI_INDEX,
            "manifests": self.entries,
        });
        let mut writer = ArchiveWriter::create(path).unwrap();
        writer.index(&serde_json::to_vec(&index).unwrap()).unwrap();
        for (digest, bytes) in &self.blobs {
            writer.blob(digest, bytes.len() as u64, &mut bytes.as_slice()).unwrap();
        }
        writer.finish().unwrap();
    }
}

fn admitted(
    scope: Scope,
    policy: &[u8],
    archive: &Archive,
    inventory: &Inventory,
) -> Vec<Admitted> {
    let limits = Limits::default();
    let now = UnixTime::from_seconds(1_800_000_000).unwrap();
    let file = PolicyFile { name: "all.yaml", bytes: policy };
    let policies = PolicySet::new(document::parse(&[file], &limits, now).unwrap()).unwrap();
    let trust = Trust::default();
    let mut options = Options::at(now);
    options.basis.scope = scope;
    let verifiers = [Verifier::new(trust, now, limits)];
    let limits = Limits::default();
    let work =
        Work { archive, inventory, verifiers: &verifiers, policies: &policies, limits: &limits };
    engine::verify(&work, &options, &()).unwrap().admitted
}

fn mirror(layout: &Layout, server: &Server) -> Result<Vec<Landed>, Error> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("in.tar");
    layout.write(&path);
    mirror_file(&path, server)
}

pub(crate) fn mirror_file(path: &Path, server: &Server) -> Result<Vec<Landed>, Error> {
    mirror_under(ADMIT_ALL, path, server)
}

/// Below `far`.
pub(crate) fn far(server: &Server) -> Mapping {
    let to = format!("{}/far", server.host()).parse().unwrap();
    Mapping::new(Some(to), Vec::new(), None).unwrap()
}

fn mirror_under(policy: &[u8], path: &Path, server: &Server) -> Result<Vec<Landed>, Error> {
    mirror_by(&far(server), policy, path, server)
}

fn mirror_by(
    mapping: &Mapping,
    policy: &[u8],
    path: &Path,
    server: &Server,
) -> Result<Vec<Landed>, Error> {
    mirror_within(Scope::Whole, mapping, policy, path, server)
}

fn mirror_within(
    scope: Scope,
    mapping: &Mapping,
    policy: &[u8],
    path: &Path,
    server: &Server,
) -> Result<Vec<Landed>, Error> {
    mirror_into(&registry(server, None), scope, mapping, policy, path)
}

/// Mirrors below `far` in a registry.
pub(crate) fn mirror_far(registry: &Registry, path: &Path) -> Result<Vec<Landed>, Error> {
    let to = format!("{}/far", registry.name()).parse().unwrap();
    let mapping = Mapping::new(Some(to), Vec::new(), None).unwrap();
    mirror_into(registry, Scope::Whole, &mapping, ADMIT_ALL, path)
}

fn mirror_into(
    registry: &Registry,
    scope: Scope,
    mapping: &Mapping,
    policy: &[u8],
    path: &Path,
) -> Result<Vec<Landed>, Error> {
    let archive = Archive::open(path, &Limits::default()).unwrap();
    let inventory = Inventory::of(&archive, &Limits::default()).unwrap();
    let admitted = admitted(scope, policy, &archive, &inventory);
    let settings = Settings { concurrency: 1, limits: Limits::default(), time: None };
    into_registry(&admitted, &archive, &inventory, mapping, registry, &settings, &Unwatched)
}

/// What a registry in memory holds, by path.
pub(crate) type Held = Arc<Mutex<BTreeMap<String, (String, Vec<u8>)>>>;

/// A registry without the referrers API that stores what it is sent and lets itself be asked for it.
pub(crate) fn memory(
    held: &Held,
    special: impl Fn(&Asked) -> Option<Answer> + Send + Sync + 'static,
) -> Server {
    let held = Arc::clone(held);
    Server::start(move |asked| {
        if let Some(answer) = special(asked) {
            return answer;
        }
        let (path, query) = asked.target.split_once('?').unwrap_or((&asked.target, ""));
        match asked.method.as_str() {
            "POST" => Answer::new(202).header("Location", format!("{path}1?state=x")),
            "PUT" if path.contains("/blobs/uploads/") => {
                let digest = query.split("digest=").nth(1).unwrap().replace("%3A", ":");
                assert_eq!(digest, Digest::sha256(&asked.body).to_string());
                let at = format!("{}{digest}", path.split("uploads/").next().unwrap());
                held.lock().unwrap().insert(at, (String::new(), asked.body.clone()));
                Answer::new(201)
            }
            "PUT" => {
                let media_type = asked.header("content-type").unwrap().to_owned();
                let stored = (media_type, asked.body.clone());
                let mut held = held.lock().unwrap();
                let repository = path.rsplit_once('/').unwrap().0;
                let digest = Digest::sha256(&asked.body);
                held.insert(format!("{repository}/{digest}"), stored.clone());
                held.insert(path.to_owned(), stored);
                Answer::new(201).header("Docker-Content-Digest", digest.to_string())
            }
            _ => match held.lock().unwrap().get(path) {
                Some((media_type, bytes)) => Answer::new(200)
                    .header("Docker-Content-Digest", Digest::sha256(bytes).to_string())
                    .body(media_type, bytes.clone()),
                None => Answer::new(404),
            },
        }
    })
}

fn short(line: &str) -> String {
    let line = line.replace("sha256%3A", "sha256:").replace("sha256-", "sha256:");
    line.split("sha256:").enumerate().fold(String::new(), |text, (part, piece)| match part {
        0 => piece.to_owned(),
        _ => format!("{text}<{}>{}", &piece[..6], &piece[64..]),
    })
}

pub(crate) fn lines(server: &Server) -> Vec<String> {
    let writes = server.asked().into_iter().filter(|asked| asked.method != "GET");
    writes.map(|asked| short(&asked.line())).collect()
}

#[test]
fn blobs_first_tags_last() {
    let mut layout = Layout::default();
    let image = layout.manifest(b"layer", None);
    let referrer = layout.manifest(b"bundle", Some(&image));
    layout.list(image.clone(), Some("r.example/team/app:v1"));
    layout.list(referrer.clone(), None);
    let held = Held::default();
    let server = memory(&held, |_| None);
    let landed = mirror(&layout, &server).unwrap();
    let source = "r.example/team/app:v1".parse().unwrap();
    let name = format!("{}/far/team/app:v1", server.host()).parse().unwrap();
    let place = Place::Referrers(Listing::FallbackTag);
    let evidence =
        sealift::transfer::LandedEvidence { digest: referrer.digest, subject: image.digest, place };
    assert_eq!(
        landed,
        [Landed {
            source,
            name,
            digest: image.digest,
            evidence: vec![evidence],
            replaced: vec![],
            left_behind: vec![],
            contents: layout.blobs.iter().map(|(it, bytes)| (*it, bytes.len() as u64)).collect(),
        }]
    );
    let mut blobs = [Digest::sha256(b"{}"), Digest::sha256(b"layer"), Digest::sha256(b"bundle")];
    blobs.sort();
    let base = "/v2/far/team/app";
    let mut expected = Vec::new();
    for blob in blobs {
        let blob = short(&blob.to_string());
        expected.push(format!("HEAD {base}/blobs/{blob}"));
        expected.push(format!("POST {base}/blobs/uploads/"));
        expected.push(format!("PUT {base}/blobs/uploads/1?state=x&digest={blob}"));
    }
    let [image, referrer] = [image, referrer].map(|it| short(&it.digest.to_string()));
    expected.push(format!("PUT {base}/manifests/{image}"));
    expected.push(format!("PUT {base}/manifests/{referrer}"));
    expected.push(format!("PUT {base}/manifests/{image}"));
    expected.push(format!("PUT {base}/manifests/v1"));
    assert_eq!(lines(&server), expected);
}

#[test]
fn a_fallback_tag_is_mended_not_replaced() {
    let mut layout = Layout::default();
    let image = layout.manifest(b"layer", None);
    let referrer = layout.manifest(b"bundle", Some(&image));
    layout.list(image.clone(), Some("r.example/app:v1"));
    layout.list(referrer.clone(), None);
    let held = Held::default();
    // Another tool listed the same referrer without its type, and one that is not ours.
    let other = json!({"mediaType": MediaType::OCI_MANIFEST, "digest": Digest::sha256(b"other"), "size": 5, "urls": ["https://r.example"]});
    let untyped = json!({"mediaType": MediaType::OCI_MANIFEST, "digest": referrer.digest, "size": referrer.size});
    let before = json!({"schemaVersion": 2, "mediaType": MediaType::OCI_INDEX, "manifests": [other.clone(), untyped]});
    let at = format!("/v2/far/app/manifests/sha256-{}", image.digest.hex());
    held.lock().unwrap().insert(
        at.clone(),
        (MediaType::OCI_INDEX.to_owned(), serde_json::to_vec(&before).unwrap()),
    );
    let server = memory(&held, |_| None);
    mirror(&layout, &server).unwrap();
    let after: Value = serde_json::from_slice(&held.lock().unwrap()[&at].1).unwrap();
    let typed = json!({
        "mediaType": MediaType::OCI_MANIFEST,
        "digest": referrer.digest,
        "size": referrer.size,
        "artifactType": "application/vnd.example",
        "annotations": {"made": "by a test"},
    });
    assert_eq!(after["manifests"], json!([other, typed]));
    // A second time there is nothing to mend.
    let before = server.asked().len();
    mirror(&layout, &server).unwrap();
    let again: Vec<_> = server.asked().split_off(before);
    assert!(!again.iter().any(|asked| asked.line() == format!("PUT {at}")));
    assert!(!again.iter().any(|asked| asked.method == "POST"), "a blob was sent again");
}

#[test]
fn no_fallback_tag_where_the_registry_lists_referrers() {
    let mut layout = Layout::default();
    let image = layout.manifest(b"layer", None);
    let referrer = layout.manifest(b"bundle", Some(&image));
    layout.list(image.clone(), Some("r.example/app:v1"));
    layout.list(referrer.clone(), None);
    let held = Held::default();
    // By its word when the manifest is put.
    let subject = image.digest.to_string();
    let server = memory(&held, move |asked| {
        (asked.method == "PUT" && String::from_utf8_lossy(&asked.body).contains("\"subject\""))
            .then(|| Answer::new(201).header("OCI-Subject", subject.clone()))
    });
    let landed = mirror(&layout, &server).unwrap();
    assert_eq!(landed[0].evidence[0].place, Place::Referrers(Listing::Api));
    assert!(!server.lines().iter().any(|line| line.contains("manifests/sha256-")));
    // By what it lists.
    let list = crate::index(std::slice::from_ref(&referrer));
    let server = memory(&Held::default(), move |asked| {
        asked.target.contains("/referrers/").then(|| crate::ok_index(&list))
    });
    let landed = mirror(&layout, &server).unwrap();
    assert_eq!(landed[0].evidence[0].place, Place::Referrers(Listing::Api));
    // An API that does not list what was put is none.
    let server = memory(&Held::default(), |asked| {
        asked.target.contains("/referrers/").then(|| crate::ok_index(&crate::index(&[])))
    });
    let landed = mirror(&layout, &server).unwrap();
    assert_eq!(landed[0].evidence[0].place, Place::Referrers(Listing::FallbackTag));
}

#[test]
fn a_blob_of_two_repositories_is_sent_once() {
    let mut layout = Layout::default();
    let image = layout.manifest(b"layer", None);
    layout.list(image.clone(), Some("r.example/a:v1"));
    layout.list(image, Some("r.example/b:v1"));
    let server = memory(&Held::default(), |asked| {
        let mounts = asked.method == "POST" && asked.target.contains("?mount=");
        mounts.then(|| Answer::new(201))
    });
    mirror(&layout, &server).unwrap();
    let lines = lines(&server);
    let sent = lines.iter().filter(|line| line.contains("state=x"));
    assert_eq!(sent.count(), 2, "{lines:?}");
    let layer = short(&Digest::sha256(b"layer").to_string());
    let mount = format!("POST /v2/far/b/blobs/uploads/?mount={layer}&from=far%2Fa");
    assert!(lines.contains(&mount), "{lines:?}");
}

#[test]
fn nothing_is_pushed_where_names_collide_or_lack() {
    let server = memory(&Held::default(), |_| None);
    let mut layout = Layout::default();
    let (one, two) = (layout.manifest(b"1", None), layout.manifest(b"2", None));
    layout.list(one, Some("r.example/app:v1"));
    layout.list(two, Some("s.example/app:v2"));
    assert_eq!(
        told(mirror(&layout, &server).unwrap_err(), &server),
        "r.example/app and s.example/app would both be HOST/far/app"
    );
    let mut layout = Layout::default();
    let nameless = layout.manifest(b"1", None);
    layout.list(nameless.clone(), None);
    assert_eq!(
        told(mirror(&layout, &server).unwrap_err(), &server),
        format!(
            "{} has no full name (registry/repository:tag), so it has no place in a registry",
            nameless.digest
        )
    );
    assert_eq!(server.lines(), [] as [String; 0]);
}

#[test]
fn images_go_where_the_mapping_says() {
    let mut layout = Layout::default();
    let image = layout.manifest(b"layer", None);
    let referrer = layout.manifest(b"bundle", Some(&image));
    for name in ["r.example/team/sub/app:v1", "r.example/lib:v2", "s.example/lib:v2"] {
        layout.list(image.clone(), Some(name));
    }
    layout.list(referrer, None);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("in.tar");
    layout.write(&path);
    let held = Held::default();
    let server = memory(&held, |_| None);
    let host = server.host();
    let mapping = |rules: &[&str], nested| {
        let to = format!("{host}/far").parse().unwrap();
        let rules = rules.iter().map(|rule| rule.replace("HOST", &host).parse().unwrap());
        Mapping::new(Some(to), rules.collect(), NonZeroUsize::new(nested)).unwrap()
    };
    let mirrored = |mapping: &Mapping| mirror_by(mapping, ADMIT_ALL, &path, &server);
    for (rules, nested, said) in [
        (&[][..], 0, "r.example/lib and s.example/lib would both be HOST/far/lib"),
        (
            &["s.example/lib=HOST/far/team", "r.example/team/sub/app=HOST/far/team"],
            0,
            "r.example/team/sub/app and s.example/lib would both be HOST/far/team",
        ),
        (
            &["s.example/lib=HOST/far/team/sub-app"],
            3,
            "r.example/team/sub/app and s.example/lib would both be HOST/far/team/sub-app",
        ),
        (
            &["t.example=HOST/t", "s.example=HOST/s"],
            0,
            "`t.example=HOST/t` places no image of the archive",
        ),
    ] {
        assert_eq!(told(mirrored(&mapping(rules, nested)).unwrap_err(), &server), said);
    }
    assert_eq!(server.lines(), [] as [String; 0]);
    let landed = mirrored(&mapping(&["s.example=HOST/other"], 2)).unwrap();
    let names: Vec<_> = landed
        .iter()
        .map(|it| format!("{} {}", it.source, it.name).replace(&host, "HOST"))
        .collect();
    assert_eq!(
        names,
        [
            "r.example/lib:v2 HOST/far/lib:v2",
            "r.example/team/sub/app:v1 HOST/far/team-sub-app:v1",
            "s.example/lib:v2 HOST/other/lib:v2",
        ]
    );
    for path in ["far/lib", "far/team-sub-app", "other/lib"] {
        let fallback = format!("/v2/{path}/manifests/sha256-{}", image.digest.hex());
        assert!(held.lock().unwrap().contains_key(&fallback), "{fallback}");
    }
}

#[test]
fn a_push_that_fails_tags_nothing() {
    let mut layout = Layout::default();
    let image = layout.manifest(b"layer", None);
    let referrer = layout.manifest(b"bundle", Some(&image));
    layout.list(image, Some("r.example/app:v1"));
    layout.list(referrer.clone(), None);
    let at = referrer.digest.to_string();
    let server = memory(&Held::default(), move |asked| {
        (asked.method == "PUT" && asked.target.ends_with(&at)).then(|| Answer::new(500))
    });
    assert_eq!(
        told(mirror(&layout, &server).unwrap_err(), &server),
        format!(
            "cannot push HOST/far/app@{0}: PUT http://HOST/v2/far/app/manifests/{0} was answered with 500",
            referrer.digest
        )
    );
    assert!(!server.lines().iter().any(|line| line.ends_with("/v1")));
}

/// The manifest of a referrer no longer says what it speaks of; the index does.
#[test]
fn evidence_whose_bytes_are_broken_stays_behind() {
    let mut layout = Layout::default();
    let image = layout.manifest(b"layer", None);
    let mut referrer = layout.manifest(b"bundle", Some(&image));
    let key = "org.opencontainers.image.referrer.subject".to_owned();
    referrer.annotations.insert(key, image.digest.to_string());
    layout.list(image.clone(), Some("r.example/app:v1"));
    layout.list(referrer.clone(), None);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("in.tar");
    layout.write(&path);
    let mut bytes = std::fs::read(&path).unwrap();
    let manifest = &layout.blobs[&referrer.digest];
    let at = bytes.windows(manifest.len()).position(|window| window == manifest).unwrap();
    bytes[at + 20] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let held = Held::default();
    let server = memory(&held, |_| None);
    let landed = mirror_file(&path, &server).unwrap();
    assert_eq!(landed.len(), 1);
    assert_eq!((landed[0].digest, &landed[0].evidence), (image.digest, &vec![]));
    assert_eq!(landed[0].left_behind, [LeftBehind { digest: referrer.digest, why: Flaw::Broken }]);
    assert!(held.lock().unwrap().contains_key("/v2/far/app/manifests/v1"));
}

/// A manifest that a runtime could run, dressed as a referrer of an admitted image.
#[test]
fn an_image_in_the_dress_of_evidence_stays_behind() {
    let mut layout = Layout::default();
    let image = layout.manifest(b"layer", None);
    layout.list(image.clone(), Some("r.example/app:v1"));
    let layer = layout.blob("application/vnd.oci.image.layer.v1.tar", b"of the stranger");
    let config = layout.blob(MediaType::OCI_CONFIG, b"{}");
    let stranger = json!({
        "schemaVersion": 2, "mediaType": MediaType::OCI_MANIFEST,
        "config": config, "layers": [layer], "subject": image,
    });
    let stranger = layout.blob(MediaType::OCI_MANIFEST, &serde_json::to_vec(&stranger).unwrap());
    layout.list(stranger.clone(), None);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("in.tar");
    layout.write(&path);
    let only_the_image =
        String::from_utf8(ADMIT_ALL.to_vec()).unwrap().replace("**", "r.example/app**");
    let held = Held::default();
    let landed = mirror_under(only_the_image.as_bytes(), &path, &memory(&held, |_| None)).unwrap();
    let behind = LeftBehind { digest: stranger.digest, why: Flaw::ImageNotAdmitted };
    assert_eq!(
        (landed[0].digest, landed[0].left_behind.as_slice()),
        (image.digest, [behind].as_slice())
    );
    let held = held.lock().unwrap();
    assert_eq!(held.keys().find(|path| path.contains(&stranger.digest.hex())), None);
    assert_eq!(held.keys().find(|path| path.contains(&layer.digest.hex())), None);
}

/// What admits an image in the archive, by its digest, is found wherever the image lands, whatever
/// repository the archive names for it. What has the tag of the repository's own stays behind.
#[test]
fn evidence_named_in_another_repository_goes_along() {
    let mut layout = Layout::default();
    let image = layout.artifact("application/vnd.example", b"layer", None);
    let own = layout.artifact("application/vnd.example", b"own", None);
    let foreign = layout.artifact("application/vnd.example", b"foreign", None);
    let tag = format!("sha256-{}.sig", image.digest.hex());
    layout.list(image.clone(), Some("r.example/app:v1"));
    layout.list(image.clone(), Some("s.example/lib:v2"));
    layout.list(own.clone(), Some(&format!("r.example/app:{tag}")));
    let landed = |layout: &Layout| {
        let held = Held::default();
        let mut landed = mirror(layout, &memory(&held, |_| None)).unwrap();
        landed.sort_by_key(|it| it.name.to_string());
        let held = held.lock().unwrap();
        landed
            .into_iter()
            .filter(|it| it.digest == image.digest)
            .map(|it| {
                let repository = it.name.repository().to_owned();
                let tags = held.contains_key(&format!("/v2/{repository}/manifests/{tag}"));
                let evidence: Vec<_> = it.evidence.iter().map(|it| it.digest).collect();
                (repository, evidence, it.left_behind, tags)
            })
            .collect::<Vec<_>>()
    };
    let at = |path: &str, evidence: &Descriptor, left: Vec<LeftBehind>| {
        (path.to_owned(), vec![evidence.digest], left, true)
    };
    assert_eq!(landed(&layout), [at("far/app", &own, vec![]), at("far/lib", &own, vec![])]);
    // Signed in both, each has its own.
    layout.list(foreign.clone(), Some(&format!("s.example/lib:{tag}")));
    assert_eq!(landed(&layout), [at("far/app", &own, vec![]), at("far/lib", &foreign, vec![])]);
    // Of a repository that goes nowhere.
    let stray = layout.artifact("application/vnd.example", b"stray", None);
    layout.list(stray.clone(), Some(&format!("t.example/else:{tag}")));
    // Another image of that repository takes it nowhere.
    let other = layout.artifact("application/vnd.example", b"another layer", None);
    layout.list(other, Some("t.example/else:v3"));
    let behind = || vec![LeftBehind { digest: stray.digest, why: Flaw::TagTaken }];
    assert_eq!(landed(&layout), [at("far/app", &own, behind()), at("far/lib", &foreign, behind())]);
}

/// A signature that somebody added behind the gap is gone with the next mirror, which says so.
#[test]
fn what_a_tag_of_evidence_named_is_told() {
    let mut layout = Layout::default();
    let image = layout.artifact("application/vnd.example", b"layer", None);
    let ours = layout.artifact("application/vnd.example", b"ours", None);
    let tag = format!("sha256-{}.sig", image.digest.hex());
    layout.list(image, Some("r.example/app:v1"));
    layout.list(ours.clone(), Some(&format!("r.example/app:{tag}")));
    let held = Held::default();
    let server = memory(&held, |_| None);
    let replaced = || mirror(&layout, &server).unwrap().remove(0).replaced;
    assert_eq!((replaced(), replaced()), (vec![], vec![]));
    let at = format!("/v2/far/app/manifests/{tag}");
    let theirs = (MediaType::OCI_MANIFEST.to_owned(), b"{}".to_vec());
    held.lock().unwrap().insert(at.clone(), theirs);
    assert_eq!(replaced(), [Replaced { tag: tag.clone(), digest: Digest::sha256(b"{}") }]);
    assert_eq!(Digest::sha256(&held.lock().unwrap()[&at].1), ours.digest);
    assert_eq!(replaced(), []);
}

#[test]
fn a_registry_that_stores_something_else_is_found_out() {
    let mut layout = Layout::default();
    let image = layout.manifest(b"layer", None);
    layout.list(image.clone(), Some("r.example/app:v1"));
    let other = Digest::sha256(b"other");
    let server = memory(&Held::default(), move |asked| {
        (asked.method == "PUT" && asked.target.contains("/manifests/"))
            .then(|| Answer::new(201).header("Docker-Content-Digest", other.to_string()))
    });
    assert_eq!(
        told(mirror(&layout, &server).unwrap_err(), &server),
        format!(
            "cannot push HOST/far/app@{0}: http://HOST/v2/far/app/manifests/{0} promised {0} and sent {other}",
            image.digest
        )
    );
}

#[test]
fn an_upload_goes_where_it_is_sent_but_no_further() {
    let mut layout = Layout::default();
    let image = layout.manifest(b"layer", None);
    layout.list(image, Some("r.example/app:v1"));
    let server = memory(&Held::default(), |asked| {
        let redirects = asked.method == "PUT" && asked.target.contains("/uploads/");
        redirects.then(|| Answer::new(307).header("Location", "http://other.example/"))
    });
    let said = told(mirror(&layout, &server).unwrap_err(), &server);
    assert!(
        said.ends_with("sends us to a place we do not go: an upload cannot be redirected"),
        "{said}"
    );
}

/// Refused for its children, or for anything else: the two are told apart.
#[test]
fn a_registry_that_wants_every_child_of_an_index() {
    let mut layout = Layout::default();
    let (held, absent) = (layout.manifest(b"held", None), layout.manifest(b"absent", None));
    let index = layout.blob(MediaType::OCI_INDEX, &crate::index(&[held, absent.clone()]));
    layout.blobs.remove(&absent.digest);
    layout.list(index.clone(), Some("r.example/app:v1"));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("in.tar");
    layout.write(&path);
    let told_of = |status, code: &'static str| {
        let at = index.digest.to_string();
        let server = memory(&Held::default(), move |asked| {
            let body = json!({"errors": [{"code": code, "message": "no"}]}).to_string();
            let refuses = asked.method == "PUT" && asked.target.ends_with(&at);
            refuses.then(|| Answer::new(status).body("application/json", body))
        });
        let mapping = far(&server);
        let result = mirror_within(Scope::EvidenceOnly, &mapping, ADMIT_ALL, &path, &server);
        assert!(!server.lines().iter().any(|line| line.ends_with("/v1")));
        told(result.unwrap_err(), &server)
    };
    let put = format!("PUT http://HOST/v2/far/app/manifests/{}", index.digest);
    for (status, code) in [(404, "MANIFEST_UNKNOWN"), (400, "MANIFEST_BLOB_UNKNOWN")] {
        assert_eq!(
            told_of(status, code),
            format!(
                "HOST/far/app takes no index of which children are absent: {} lists {}: \
                 {put} was answered with {status}: {code}: no",
                index.digest, absent.digest
            )
        );
    }
    for (status, code) in [(400, "MANIFEST_INVALID"), (403, "MANIFEST_UNKNOWN")] {
        assert_eq!(
            told_of(status, code),
            format!(
                "cannot push HOST/far/app@{}: {put} was answered with {status}: {code}: no",
                index.digest
            )
        );
    }
}
