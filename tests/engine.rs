//! The engine on archives whose images are what they are, or are not: faults of bytes deny an image
//! by name, and what cannot be read decides nothing.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops where its archive cannot be made"
)]

mod layouts;

use std::fs;

use layouts::Layout;
use sealift::archive::{Archive, BlobError};
use sealift::engine::{self, Options, Work};
use sealift::inventory::Inventory;
use sealift::limits::Limits;
use sealift::policy::{PolicyFile, PolicySet, Reason, document};
use sealift::report::Outcome;
use sealift::time::UnixTime;
use sealift::verify::{Trust, Verifier};
use serde_json::{Value, json};

const ADMIT_ALL: &[u8] = b"\
apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: all}
spec:
  images: [{glob: \"**\"}]
  authorities: [{static: {action: pass}}]
";

fn judge(archive: &Archive, inventory: &Inventory) -> Result<engine::Outcome, engine::Error> {
    let limits = Limits::default();
    let now = UnixTime::from_seconds(1_800_000_000).unwrap();
    let file = PolicyFile { name: "all.yaml", bytes: ADMIT_ALL };
    let policies = PolicySet::new(document::parse(&[file], &limits, now).unwrap()).unwrap();
    let verifiers = [Verifier::new(Trust::default(), now, limits)];
    let work =
        Work { archive, inventory, verifiers: &verifiers, policies: &policies, limits: &limits };
    engine::verify(&work, &Options::at(now), &())
}

/// The codes and details of the faults that deny the only image; none where it is admitted.
fn faults(layout: &Layout) -> Vec<(&'static str, String)> {
    let archive = layout.open();
    let inventory = Inventory::of(&archive, &Limits::default()).unwrap();
    let report = judge(&archive, &inventory).unwrap().report;
    let [image] = report.images.as_slice() else { panic!("one image is listed") };
    let Outcome::Denied { reasons, .. } = &image.outcome else { return Vec::new() };
    let faults = reasons.iter().map(|reason| match reason {
        Reason::Blob(fault) => (fault.code, fault.detail.clone()),
        other => panic!("denied by {}", other.code()),
    });
    faults.collect()
}

fn image_with_config(config: &Value, layers: &[&str]) -> Layout {
    let mut layout = Layout::default();
    let layers: Vec<_> = layers
        .iter()
        .map(|layer| layout.blob("application/vnd.oci.image.layer.v1.tar", layer))
        .collect();
    let config = layout.document("application/vnd.oci.image.config.v1+json", config);
    let image = layout.manifest(&json!({ "config": config, "layers": layers }));
    layout.root(&image, &[("io.containerd.image.name", "registry.example/app:1")]);
    layout
}

/// HOSTILE.md case 53.
#[test]
fn a_configuration_lists_the_layers_of_the_manifest() {
    let diff_id = format!("sha256:{}", "0".repeat(64));
    let sound = json!({ "rootfs": { "type": "layers", "diff_ids": [diff_id, diff_id] } });
    assert_eq!(faults(&image_with_config(&sound, &["a", "b"])), vec![]);
    assert_eq!(faults(&image_with_config(&json!({}), &["a", "b"])), vec![]);
    let told = |listed, kind, layers| {
        format!("the configuration lists {listed} layers of type `{kind}`, the manifest {layers}")
    };
    assert_eq!(
        faults(&image_with_config(&sound, &["a"])),
        vec![("config-mismatch", told(2, "layers", 1))]
    );
    assert_eq!(
        faults(&image_with_config(&sound, &["a", "b", "c"])),
        vec![("config-mismatch", told(2, "layers", 3))]
    );
    let other = json!({ "rootfs": { "type": "tree", "diff_ids": [diff_id] } });
    assert_eq!(
        faults(&image_with_config(&other, &["a"])),
        vec![("config-mismatch", told(1, "tree", 1))]
    );
    let short = json!({ "rootfs": { "type": "layers", "diff_ids": ["sha256:00"] } });
    let [(code, _)] = faults(&image_with_config(&short, &["a"])).try_into().unwrap();
    assert_eq!(code, "malformed-config");
}

/// A file that shrinks while it is read is no proof that its image is wrong.
#[test]
fn what_cannot_be_read_decides_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("archive.tar");
    let layout = image_with_config(&json!({}), &["a"]);
    fs::write(&path, layout.tar()).unwrap();
    let archive = Archive::open(&path, &Limits::default()).unwrap();
    let inventory = Inventory::of(&archive, &Limits::default()).unwrap();
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(1024).unwrap();
    let error = judge(&archive, &inventory).unwrap_err();
    assert!(matches!(error, engine::Error::Unreadable(BlobError::Io { .. })), "{error:?}");
}

/// Evidence alone is nothing to judge.
#[test]
fn evidence_without_its_image() {
    let image = Layout::default().image("elsewhere");
    for (pieces, told) in [
        (0, "the archive holds no image"),
        (1, "the archive holds 1 piece of evidence and none of the images it speaks of"),
        (2, "the archive holds 2 pieces of evidence and none of the images it speaks of"),
    ] {
        let mut layout = Layout::default();
        for piece in 0..pieces {
            let bundle = layout.bundle(&image, &json!({ "piece": piece }).to_string());
            layout.root(&bundle, &[]);
        }
        let archive = layout.open();
        let inventory = Inventory::of(&archive, &Limits::default()).unwrap();
        assert_eq!(judge(&archive, &inventory).unwrap_err().to_string(), told);
    }
}
