//! `sealift admit` as a user meets it.

#![expect(clippy::unwrap_used, reason = "a test runs the binary and stops where that fails")]

use std::fs;
use std::path::Path;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const IMAGE: &str = "registry.sealift.example/demo/server:2.1.0";
const DIGEST: &str = "sha256:ed6e687854d08e3a00bb9cfa3d7c70529bdc70414b14bed40eead7b146e23b1d";

fn pod(image: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: web}}\nspec:\n  containers:\n  - image: {image} # it\n"
    )
}

/// Exit status, standard output and standard error, by the policies of the demo.
fn admit(objects: &str) -> (Option<i32>, String, String) {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/demo/policy.yaml");
    admit_by(&fs::read_to_string(demo).unwrap(), objects)
}

fn admit_by(policy: &str, objects: &str) -> (Option<i32>, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let [file, by] = ["objects.yaml", "policy.yaml"].map(|name| folder.path().join(name));
    fs::write(&file, objects).unwrap();
    fs::write(&by, policy).unwrap();
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/demo");
    let mut command = Command::new(env!("CARGO_BIN_EXE_sealift"));
    command.current_dir(demo).arg("admit").arg("-f").arg(&file);
    command.args(["--archive", "upgrade.tar", "--policy"]).arg(&by);
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

const WORKFLOW: &str =
    "https://github.com/sealift-demo/upgrade/.github/workflows/release.yml@refs/tags/v2.1.0";

/// A policy of Kubewarden over `images`, signed by the workflow `subject`.
fn kubewarden(spec: &str, images: &str, subject: &str) -> String {
    format!(
        "apiVersion: policies.kubewarden.io/v1\nkind: ClusterAdmissionPolicy\n\
         metadata: {{name: pinned}}\nspec:\n  \
         module: ghcr.io/kubewarden/policies/verify-image-signatures:v0.3.0\n{spec}  \
         settings:\n    signatures:\n    - image: \"{images}\"\n      keyless:\n      \
         - issuer: https://token.actions.githubusercontent.com\n        subject: {subject}\n"
    )
}

fn review(image: &str) -> String {
    format!(
        r#"{{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{{"uid":"705a","kind":{{"group":"","version":"v1","kind":"Pod"}},"operation":"CREATE","object":{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"web"}},"spec":{{"containers":[{{"name":"a","image":"{image}"}}]}}}}}}}}"#
    )
}

fn answer(response: &str) -> String {
    format!(
        r#"{{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{{"uid":"705a",{response}}}}}"#
    ) + "\n"
}

fn pinning_patch() -> String {
    let patch = format!(
        r#"[{{"op":"replace","path":"/spec/containers/0/image","value":"{IMAGE}@{DIGEST}"}}]"#
    );
    let patch = STANDARD.encode(patch);
    answer(&format!(r#""allowed":true,"patchType":"JSONPatch","patch":"{patch}""#))
}

#[test]
fn a_review_is_answered_with_a_patch() {
    let mutating = kubewarden("  mutating: true\n", "registry.sealift.example/*", WORKFLOW);
    assert_eq!(admit(&review(IMAGE)), (Some(0), pinning_patch(), String::new()));
    assert_eq!(admit_by(&mutating, &review(IMAGE)), (Some(0), pinning_patch(), String::new()));
    let pinned = review(&format!("{IMAGE}@{DIGEST}"));
    assert_eq!(admit_by(&mutating, &pinned), (Some(0), answer(r#""allowed":true"#), String::new()));
}

/// POLICY A.5: a good signature does not help where the policy may not write the digest.
#[test]
fn a_policy_that_may_not_mutate_refuses_what_it_would() {
    let policy = kubewarden("  mutating: false\n", "registry.sealift.example/*", WORKFLOW);
    let message = "Request rejected by policy pinned. The policy attempted to mutate the request, \
                   but it is currently configured to not allow mutations.";
    let told = format!("denied: line 1: Pod `web` (would-mutate-but-may-not)\n  {message}\n");
    let response = format!(r#""allowed":false,"status":{{"message":"{message}","code":403}}"#);
    assert_eq!(admit_by(&policy, &review(IMAGE)), (Some(1), answer(&response), told.clone()));
    assert_eq!(admit_by(&policy, &pod(IMAGE)), (Some(1), String::new(), told));
    let pinned = pod(&format!("{IMAGE}@{DIGEST}"));
    assert_eq!(admit_by(&policy, &pinned), (Some(0), pinned, String::new()));
}

const UNMET: &str = "verification of image registry.sealift.example/demo/server:2.1.0 failed: Host \
                     error: Callback evaluation failure: Image verification failed: missing \
                     signatures\nThe following constraints were not satisfied:\nkind: \
                     genericIssuer\nissuer: https://token.actions.githubusercontent.com\nsubject: \
                     !equal https://github.com/other/repo\nannotations: null\n";

#[test]
fn kubewarden_denies_in_its_own_words() {
    let other = "https://github.com/other/repo";
    let policy = kubewarden("  mutating: true\n", "registry.sealift.example/*", other);
    let message = format!("Resource web is not accepted: {UNMET}");
    let response = format!(
        r#""allowed":false,"status":{{"message":{},"code":403}}"#,
        serde_json::to_string(&message).unwrap()
    );
    let (status, out, _) = admit_by(&policy, &review(IMAGE));
    assert_eq!((status, out), (Some(1), answer(&response)));
}

/// POLICY A.5: a policy that monitors allows everything and changes nothing.
#[test]
fn a_policy_that_monitors_only_tells() {
    let other = "https://github.com/other/repo";
    let images = "registry.sealift.example/*";
    let policy = kubewarden("  mutating: true\n  mode: monitor\n", images, other);
    let warning = format!("line 1: Pod `web`: not enforced: {UNMET}");
    let response =
        format!(r#""allowed":true,"warnings":[{}]"#, serde_json::to_string(&warning).unwrap());
    let (status, out, _) = admit_by(&policy, &review(IMAGE));
    assert_eq!((status, out), (Some(0), answer(&response)));
    let met = kubewarden("  mutating: true\n  mode: monitor\n", images, WORKFLOW);
    let allowed = (Some(0), answer(r#""allowed":true"#), String::new());
    assert_eq!(admit_by(&met, &review(IMAGE)), allowed);
}

/// The published settings of a well-known guide: the pattern matches nothing, so nobody verifies.
#[test]
fn an_image_that_no_entry_of_kubewarden_matches_is_accepted_loudly() {
    let policy = kubewarden("  mutating: false\n", "quay.io/c3os", WORKFLOW);
    let warning = format!(
        "line 1: Pod `web`: image `{IMAGE}` is uncovered: Kubewarden accepts it, and nobody has \
         verified it"
    );
    let told = format!("warning: {warning}\n");
    assert_eq!(admit_by(&policy, &pod(IMAGE)), (Some(0), pod(IMAGE), told));
}

/// POLICY C.3: policy-controller denies what no policy of its own covers.
#[test]
fn an_image_that_no_cluster_image_policy_covers_is_denied() {
    let policy = "apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\n\
                  metadata: {name: p}\nspec:\n  images: [{glob: \"ghcr.io/**\"}]\n  \
                  authorities: [{static: {action: pass}}]\n";
    let (status, out, told) = admit_by(policy, &pod(IMAGE));
    assert_eq!((status, out), (Some(1), String::new()));
    let wanted = format!("no matching policies: spec.containers[0].image\n  {IMAGE}");
    assert!(told.contains(&wanted), "{told}");
}

#[test]
fn objects_without_known_images_and_plans() {
    let config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: b}\n";
    let told =
        "warning: line 1: ConfigMap `c`: no images are known in this kind: it is not judged\n";
    assert_eq!(admit(config), (Some(0), config.to_owned(), told.to_owned()));
    let plan = |image: &str| {
        format!(
            "apiVersion: upgrade.cattle.io/v1\nkind: Plan\nmetadata: {{name: up}}\nspec:\n  \
             version: 2.1.0\n  upgrade: {{image: {image}}}\n"
        )
    };
    let told = format!(
        "warning: line 1: Plan `up`: image `{IMAGE}`: the system of cluster-image-policy policies \
         does not judge spec.upgrade.image of this kind; sealift does\n"
    );
    let pinned = plan(&format!("{IMAGE}@{DIGEST}"));
    let written = plan("registry.sealift.example/demo/server");
    assert_eq!(admit(&written), (Some(0), pinned, told));
}

/// Every kind with pods in it, and a list of them: the image is pinned where it stands.
#[test]
fn every_kind_is_pinned() {
    let spec = |image: &str| format!("{{containers: [{{name: a, image: {image}}}]}}");
    let kinds = [
        ("v1", "PodTemplate", "template: {spec: POD}"),
        ("apps/v1", "Deployment", "spec: {template: {spec: POD}}"),
        ("apps/v1", "ReplicaSet", "spec: {template: {spec: POD}}"),
        ("apps/v1", "StatefulSet", "spec: {template: {spec: POD}}"),
        ("apps/v1", "DaemonSet", "spec: {template: {spec: POD}}"),
        ("v1", "ReplicationController", "spec: {template: {spec: POD}}"),
        ("batch/v1", "Job", "spec: {template: {spec: POD}}"),
        ("batch/v1", "CronJob", "spec: {jobTemplate: {spec: {template: {spec: POD}}}}"),
        ("v1", "List", "items: [{apiVersion: v1, kind: Pod, metadata: {name: i}, spec: POD}]"),
    ];
    for (version, kind, body) in kinds {
        let object = |image: &str| {
            let body = body.replace("POD", &spec(image));
            format!("apiVersion: {version}\nkind: {kind}\nmetadata: {{name: n}}\n{body}\n")
        };
        let (status, out, _) = admit(&object(IMAGE));
        assert_eq!((status, out), (Some(0), object(&format!("{IMAGE}@{DIGEST}"))), "{kind}");
    }
}
