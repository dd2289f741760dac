//! `sealift admit` as a user meets it.

#![expect(clippy::unwrap_used, reason = "a test runs the binary and stops where that fails")]

use std::fs;
use std::path::Path;
use std::process::Command;

const IMAGE: &str = "registry.sealift.example/demo/server:2.1.0";
const DIGEST: &str = "sha256:ed6e687854d08e3a00bb9cfa3d7c70529bdc70414b14bed40eead7b146e23b1d";

fn pod(image: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: web}}\nspec:\n  containers:\n  - image: {image} # it\n"
    )
}

/// Exit status, standard output and standard error.
fn admit(objects: &str) -> (Option<i32>, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("objects.yaml");
    fs::write(&file, objects).unwrap();
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/demo");
    let mut command = Command::new(env!("CARGO_BIN_EXE_sealift"));
    command.current_dir(demo).arg("admit").arg("-f").arg(&file);
    command.args(["--archive", "upgrade.tar", "--policy", "policy.yaml"]);
    command.args(["--trusted-root", "trusted_root.json"]);
    let output = command.args(["--verification-time", "2027-01-01T00:00:00Z"]).output().unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    (output.status.code(), out, err)
}

#[test]
fn an_allowed_image_is_pinned_in_place() {
    let pinned = pod(&format!("{IMAGE}@{DIGEST}"));
    assert_eq!(admit(&pod(IMAGE)), (Some(0), pinned.clone(), String::new()));
    assert_eq!(admit(&pinned), (Some(0), pinned.clone(), String::new()));
}

#[test]
fn what_the_archive_does_not_hold_is_refused() {
    let other = format!("{IMAGE}@sha256:{}", "0".repeat(64));
    for image in ["registry.sealift.example/demo/server:9", &other] {
        let told = format!(
            "denied: line 1: Pod `web` (not-in-archive)\n  image `{image}` is not in the archive, \
             which holds {IMAGE}, registry.sealift.example/demo/agent:1.4.2, \
             registry.sealift.example/demo/console:3.0.0\n"
        );
        assert_eq!(admit(&pod(image)), (Some(1), String::new(), told));
    }
}
