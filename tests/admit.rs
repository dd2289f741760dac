//! `sealift admit` as a user meets it.

#![expect(clippy::unwrap_used, reason = "a test runs the binary and stops where that fails")]

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use support::bench::{Bench, NOW, REPOSITORY};
use support::evidence::{LegacySignature, Signer, simple_signing};
use support::layout::Layout;
use support::{Log, der};

const IMAGE: &str = "registry.sealift.example/demo/server:2.1.0";
const HELD: &str = "registry.sealift.example/demo/server:2.1.0, \
                    registry.sealift.example/demo/agent:1.4.2, \
                    registry.sealift.example/demo/console:3.0.0";
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
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/demo");
    let [archive, root] = ["upgrade.tar", "trusted_root.json"].map(|name| demo.join(name));
    let (archive, root) = (fs::read(archive).unwrap(), fs::read(root).unwrap());
    admit_of(&archive, &root, "2027-01-01T00:00:00Z", policy, objects)
}

/// The same of any archive, by any trusted root, at any time.
fn admit_of(
    archive: &[u8],
    root: &[u8],
    at: &str,
    policy: &str,
    objects: &str,
) -> (Option<i32>, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_sealift"));
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/demo");
    command.current_dir(demo).arg("admit");
    for (flag, name, bytes) in [
        ("--filename", "objects.yaml", objects.as_bytes()),
        ("--policy", "policy.yaml", policy.as_bytes()),
        ("--archive", "archive.tar", archive),
        ("--trusted-root", "root.json", root),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        command.arg(flag).arg(path);
    }
    let output = command.args(["--verification-time", at]).output().unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    let folder = folder.path().to_string_lossy().into_owned();
    (output.status.code(), out, err.replace(&folder, "FOLDER"))
}

#[test]
fn an_allowed_image_is_pinned_in_place() {
    let pinned = pod(&format!("{IMAGE}@{DIGEST}"));
    assert_eq!(admit(&pod(IMAGE)), (Some(0), pinned.clone(), String::new()));
    assert_eq!(admit(&pinned), (Some(0), pinned.clone(), String::new()));
}

#[test]
fn what_the_archive_does_not_hold_is_refused() {
    let zeros = "0".repeat(64);
    let holds = format!("which holds {HELD}");
    for (image, there) in [
        ("registry.sealift.example/demo/server:9".to_owned(), holds.clone()),
        (format!("registry.sealift.example/demo/server@sha256:{zeros}"), holds.clone()),
        (format!("registry.sealift.example/demo/agent:2.1.0@{DIGEST}"), holds),
        // Tag and digest are each of an image, and not of the same.
        (format!("{IMAGE}@sha256:{zeros}"), format!("where its tag is of {DIGEST}")),
        (format!("{IMAGE}@{AGENT_DIGEST}"), format!("where its tag is of {DIGEST}")),
    ] {
        let told = format!("image `{image}` is not in the archive, {there}");
        let refused = refusal_of("not-in-archive", &told);
        assert_eq!(admit(&pod(&image)), (Some(1), String::new(), refused.clone()));
        assert_eq!(admit(&review(&image)), (Some(1), denied(&told, None), refused));
    }
}

const AGENT: &str = "registry.sealift.example/demo/agent:1.4.2";
const AGENT_DIGEST: &str =
    "sha256:f2d38422269898aea5a4e0101d0b7f8a76dba66151978ac2a3f989efbc5dd326";

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

/// The answer that denies, and what was found where the message is a policy's own.
fn denied(message: &str, found: Option<&str>) -> String {
    let quoted = |text: &str| serde_json::to_string(text).unwrap();
    let details = |found| format!(r#","details":{{"causes":[{{"message":{}}}]}}"#, quoted(found));
    let (message, details) = (quoted(message), found.map(details).unwrap_or_default());
    answer(&format!(r#""allowed":false,"status":{{"message":{message},"code":403{details}}}"#))
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
    let told = refusal_of("would-mutate-but-may-not", message);
    let response = denied(message, None);
    assert_eq!(admit_by(&policy, &review(IMAGE)), (Some(1), response, told.clone()));
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
    let told = refusal_of("policy-not-met", &message);
    let expected = (Some(1), denied(&message, None), told.clone());
    assert_eq!(admit_by(&policy, &review(IMAGE)), expected);
    assert_eq!(admit_by(&policy, &pod(IMAGE)), (Some(1), String::new(), told));
}

/// The talk about a refusal, each of its lines set in, and what may help.
fn refusal_of(code: &str, text: &str) -> String {
    let hint = match code {
        "policy-not-met" => "`sealift policy explain --image IMAGE` tells what each policy lacks",
        "uncovered" => "give a policy whose images match the name",
        "not-in-archive" => "export it into the archive, or write a name that it holds",
        _ => "set `modifyImagesWithDigest: false`, or `mutating: true`, which a group cannot have",
    };
    format!("denied: line 1: Pod `web` ({code})\n{}hint: {hint}\n", set_in(text, "  "))
}

/// A text with something before each of its lines.
fn set_in(text: &str, by: &str) -> String {
    format!("{by}{}\n", text.trim_end_matches('\n').replace('\n', &format!("\n{by}")))
}

/// POLICY A.5: what the policy's author wrote is the message, what was found the cause.
#[test]
fn a_policy_of_kubewarden_may_have_a_message_of_its_own() {
    let images = "registry.sealift.example/*";
    let spec = "  mutating: true\n  message: Ask the release team for a signature.\n";
    let policy = kubewarden(spec, images, "https://github.com/other/repo");
    let (message, found) =
        ("Ask the release team for a signature.", format!("Resource web is not accepted: {UNMET}"));
    let told = refusal_of("policy-not-met", &format!("{message}\n{found}"));
    let answered = (Some(1), denied(message, Some(&found)), told.clone());
    assert_eq!(admit_by(&policy, &review(IMAGE)), answered);
    assert_eq!(admit_by(&policy, &pod(IMAGE)), (Some(1), String::new(), told));
    // It says nothing of what is allowed, and stands for every refusal of the policy.
    let met = kubewarden(spec, images, WORKFLOW);
    assert_eq!(admit_by(&met, &review(IMAGE)), (Some(0), pinning_patch(), String::new()));
    let met = met.replace("mutating: true", "mutating: false");
    let found = "Request rejected by policy pinned. The policy attempted to mutate the request, but \
                 it is currently configured to not allow mutations.";
    let told = refusal_of("would-mutate-but-may-not", &format!("{message}\n{found}"));
    let answered = (Some(1), denied(message, Some(found)), told);
    assert_eq!(admit_by(&met, &review(IMAGE)), answered);
}

/// A group answers once, with what its members found; none of them may rewrite anything.
#[test]
fn a_group_of_kubewarden_answers_as_one() {
    let group = |subjects: [&str; 2], rewrite: bool| {
        let member = |(name, subject): (&str, &str)| {
            format!(
                "    {name}:\n      \
                 module: ghcr.io/kubewarden/policies/verify-image-signatures:v0.3.0\n      \
                 settings:\n        modifyImagesWithDigest: {rewrite}\n        signatures:\n        \
                 - image: \"registry.sealift.example/*\"\n          keyless:\n          \
                 - issuer: https://token.actions.githubusercontent.com\n            \
                 subject: {subject}\n"
            )
        };
        let [a, b] = subjects;
        format!(
            "apiVersion: policies.kubewarden.io/v1\nkind: ClusterAdmissionPolicyGroup\n\
             metadata: {{name: pinned}}\nspec:\n  message: Ask the release team.\n  \
             expression: a() && b()\n  policies:\n{}{}",
            member(("a", a)),
            member(("b", b))
        )
    };
    let denied = |found: &[&str]| {
        let causes: Vec<_> = found.iter().map(|text| json!({ "message": text })).collect();
        let (message, causes) = (json!("Ask the release team."), json!(causes));
        answer(&format!(
            r#""allowed":false,"status":{{"message":{message},"code":403,"details":{{"causes":{causes}}}}}"#
        ))
    };
    let judge = |subjects: [&str; 2], rewrite: bool, image: &str| {
        let (status, out, _) = admit_by(&group(subjects, rewrite), &review(image));
        (status, out)
    };
    let other = "https://github.com/other/repo";
    let unmet = format!("Resource web is not accepted: {UNMET}");
    let of_third = unmet.replace(other, "https://github.com/third/repo");
    let refused = judge([other, WORKFLOW], false, IMAGE);
    assert_eq!(refused, (Some(1), denied(&[&unmet])));
    let refused = judge([other, "https://github.com/third/repo"], false, IMAGE);
    assert_eq!(refused, (Some(1), denied(&[&unmet, &of_third])));
    let allowed = (Some(0), answer(r#""allowed":true"#));
    assert_eq!(judge([WORKFLOW; 2], false, IMAGE), allowed);
    assert_eq!(judge([WORKFLOW; 2], true, &format!("{IMAGE}@{DIGEST}")), allowed);
    let rewritten = denied(&["mutation is not allowed inside of policy group"]);
    assert_eq!(judge([WORKFLOW; 2], true, IMAGE), (Some(1), rewritten));
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

/// POLICY A.5, of an image that cannot be judged at all: told, and refused only where a policy that
/// covers it protects, or none covers it.
#[test]
fn what_the_archive_lacks_is_no_matter_to_a_policy_that_monitors() {
    let absent = "registry.sealift.example/demo/server:9";
    let monitoring = kubewarden("  mode: monitor\n", "registry.sealift.example/demo/*", WORKFLOW);
    let protecting = |images: &str| {
        let policy = kubewarden("  mode: protect\n", images, WORKFLOW);
        policy.replace("name: pinned", "name: protecting")
    };
    let why = format!("image `{absent}` is not in the archive, which holds {HELD}");
    let warning = format!("line 1: Pod `web`: not enforced: {why}");
    let elsewhere = format!("{monitoring}---\n{}", protecting("elsewhere.example/*"));
    for policy in [&monitoring, &elsewhere] {
        let told = format!("warning: {warning}\n");
        assert_eq!(admit_by(policy, &pod(absent)), (Some(0), pod(absent), told.clone()));
        let warned = serde_json::to_string(&warning).unwrap();
        let response = answer(&format!(r#""allowed":true,"warnings":[{warned}]"#));
        assert_eq!(admit_by(policy, &review(absent)), (Some(0), response, told));
    }
    let refused = (Some(1), String::new(), refusal_of("not-in-archive", &why));
    let both = format!("{monitoring}---\n{}", protecting("registry.sealift.example/*"));
    let demo =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/demo/policy.yaml"));
    let beside_another_format = format!("{monitoring}---\n{}", demo.unwrap());
    let of_others = kubewarden("  mode: monitor\n", "elsewhere.example/*", WORKFLOW);
    for policy in [both, beside_another_format, of_others] {
        assert_eq!(admit_by(&policy, &pod(absent)), refused);
    }
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
    let found =
        format!("validation failed: no matching policies: spec.containers[0].image\n{IMAGE}");
    // An API server writes the name of the webhook before the answer by itself.
    let prefix = "admission webhook \"policy.sigstore.dev\" denied the request: ";
    let told = refusal_of("uncovered", &format!("{prefix}{found}"));
    assert_eq!(admit_by(policy, &pod(IMAGE)), (Some(1), String::new(), told.clone()));
    assert_eq!(admit_by(policy, &review(IMAGE)), (Some(1), denied(&found, None), told));
}

/// A verification config, alone or as a cluster keeps it, judges every image and rewrites none.
#[test]
fn a_verification_config_is_a_policy() {
    let config = |subject: &str| {
        format!(
            "apiVersion: v1\nallOf:\n- kind: genericIssuer\n  issuer: \
             https://token.actions.githubusercontent.com\n  subject: {{equal: '{subject}'}}\n"
        )
    };
    let carried = |config: &str| {
        let config = set_in(config, "    ");
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: signers}}\ndata:\n  \
             verification-config: |\n{config}---\napiVersion: policies.kubewarden.io/v1\n\
             kind: PolicyServer\nmetadata: {{name: default}}\nspec: {{verificationConfig: signers}}\n"
        )
    };
    let (met, unmet) = (config(WORKFLOW), config("https://github.com/other/repo"));
    let found = UNMET.split_once("failure: ").unwrap().1;
    let told = refusal_of("policy-not-met", &format!("image `{IMAGE}`: {found}"));
    for (met, unmet) in [(met.clone(), unmet.clone()), (carried(&met), carried(&unmet))] {
        assert_eq!(admit_by(&met, &pod(IMAGE)), (Some(0), pod(IMAGE), String::new()));
        assert_eq!(admit_by(&unmet, &pod(IMAGE)), (Some(1), String::new(), told.clone()));
        let allowed = answer(r#""allowed":true"#);
        assert_eq!(admit_by(&met, &review(IMAGE)), (Some(0), allowed, String::new()));
    }
}

#[test]
fn a_policy_json_is_a_policy() {
    let policy = r#"{"default": [{"type": "reject"}], "transports": {"docker": {
        "registry.sealift.example/demo/agent": [{
            "type": "sigstoreSigned",
            "keyPath": "cosign.pub",
            "signedIdentity": {"type": "matchRepository"}
        }]
    }}}"#;
    assert_eq!(admit_by(policy, &pod(AGENT)), (Some(0), pod(AGENT), String::new()));
    let rejected =
        format!("image `{IMAGE}`: Running image docker://{IMAGE} is rejected by policy.");
    let told = refusal_of("policy-not-met", &rejected);
    assert_eq!(admit_by(policy, &pod(IMAGE)), (Some(1), String::new(), told));
    // A name with tag and digest has no scope.
    let both = format!("{AGENT}@{AGENT_DIGEST}");
    let told = refusal_of("uncovered", &format!("no policy covers image `{both}`"));
    assert_eq!(admit_by(policy, &pod(&both)), (Some(1), String::new(), told));
}

/// A policy of Kubewarden that pins `certificates`.
fn by_certificates(certificates: &[&[u8]], chain: &[&[u8]], more: &str) -> String {
    let pem = |der: &[u8]| der::pem("CERTIFICATE", der);
    let chain: Vec<_> = chain.iter().map(|der| pem(der)).collect();
    let chain = if chain.is_empty() {
        String::new()
    } else {
        format!("      certificateChain: {}\n", json!(chain))
    };
    format!(
        "apiVersion: policies.kubewarden.io/v1\nkind: ClusterAdmissionPolicy\n\
         metadata: {{name: pinned}}\nspec:\n  \
         module: ghcr.io/kubewarden/policies/verify-image-signatures:v0.3.0\n  mutating: true\n  \
         settings:\n    signatures:\n    - image: \"registry.sealift.example/*\"\n      \
         certificates: {}\n{chain}{more}",
        json!(certificates.iter().map(|der| pem(der)).collect::<Vec<_>>())
    )
}

/// An image by whose signature a policy of Kubewarden's fifth kind decides.
#[test]
fn a_certificate_of_kubewarden_is_the_only_signer() {
    let mut bench = Bench::new();
    let payload = bench.payload();
    let signer = bench.at().certify_privately("builder", "builder@private.example");
    let stranger = bench.at().certify_privately("stranger", "stranger@private.example");
    let certificate = signer.certificate.clone().unwrap();
    let private = bench.sigstore.private.clone();
    let chain = [private.intermediate.as_slice(), private.root.as_slice()];
    let root = bench.sigstore.trusted_root().to_string();
    let image = format!("{REPOSITORY}:1.0");
    let pinned = pod(&format!("{image}@{}", bench.image.digest()));
    let judge = |archive: &[u8], policy: &str| {
        admit_of(archive, root.as_bytes(), NOW, policy, &pod(&image))
    };
    let strict = by_certificates(&[&certificate], &chain, "      requireRekorBundle: true\n");
    let loose = by_certificates(&[&certificate], &[], "      requireRekorBundle: false\n");

    let sign = |bench: &mut Bench, signer: &Signer, payload: &[u8], log: Log| {
        let signature = bench.at().sign(signer, payload, log);
        bench.with_signatures(&[signature.layer()])
    };
    let logged = sign(&mut bench, &signer, &payload, Log::Promise);
    let unlogged = sign(&mut bench, &signer, &payload, Log::None);
    let accepted = (Some(0), pinned, String::new());
    for (archive, policy) in [(&logged, &strict), (&logged, &loose), (&unlogged, &loose)] {
        assert_eq!(judge(archive, policy), accepted);
    }

    let refused = |why: &str| {
        let text = format!(
            "Resource web is not accepted: verification of image {image} failed: Host error: \
             Callback evaluation failure: {why}"
        );
        (Some(1), String::new(), refusal_of("policy-not-met", &text))
    };
    let unmet = || refused("verification failed: Several Signature Layers failed verification");
    let none = || refused(&format!("no signatures found for image: {image} "));
    let annotated = format!("{loose}      annotations: {{env: prod}}\n");
    let of_stranger = sign(&mut bench, &stranger, &payload, Log::Promise);
    let other = simple_signing(REPOSITORY, &bench.other.digest());
    let of_other = sign(&mut bench, &signer, &other, Log::Promise);
    let mut signature: LegacySignature = bench.at().sign(&signer, &payload, Log::None);
    *signature.signature.last_mut().unwrap() ^= 1;
    let altered = bench.with_signatures(&[signature.layer()]);
    let mut early = bench.sigstore.at("2026-03-01T11:59:59Z").sign(&signer, &payload, Log::Promise);
    let before = bench.with_signatures(&[early.layer()]);
    early.certificate = None;
    let before_and_bare = bench.with_signatures(&[early.layer()]);
    for (what, archive, policy, expected) in [
        ("no log entry", &unlogged, &strict, unmet()),
        ("another certificate of the chain", &of_stranger, &strict, unmet()),
        ("another image", &of_other, &strict, unmet()),
        ("an altered signature", &altered, &loose, unmet()),
        ("a second before the certificate", &before, &loose, unmet()),
        ("a second before, without it", &before_and_bare, &loose, unmet()),
        ("annotations that nobody signed", &logged, &annotated, unmet()),
        ("no signature", &bench.layout().tar(), &strict, none()),
    ] {
        assert_eq!(judge(archive, policy), expected, "{what}");
    }

    // Every certificate must have signed, and each that has not is answered for by itself.
    let other = stranger.certificate.clone().unwrap();
    let both = by_certificates(&[&certificate, &other], &[], "      requireRekorBundle: false\n");
    assert_eq!(judge(&logged, &both), unmet());
    let twice = |why: &str| {
        let failed = format!(
            "verification of image {image} failed: Host error: Callback evaluation failure: {why}"
        );
        let text = format!("Resource web is not accepted: {failed}, {failed}");
        (Some(1), String::new(), refusal_of("policy-not-met", &text))
    };
    let several = "verification failed: Several Signature Layers failed verification";
    assert_eq!(judge(&altered, &both), twice(several));
    let nobody = format!("no signatures found for image: {image} ");
    assert_eq!(judge(&bench.layout().tar(), &both), twice(&nobody));

    let undecided = |why: &str| {
        let told = format!(
            "error: policy file `FOLDER/policy.yaml`, line 9 (document 1): `certificates[0]` cannot \
             be used: {why}\n"
        );
        (Some(2), String::new(), told)
    };
    let of_others = by_certificates(
        &[&certificate],
        &[bench.sigstore.fulcio.root.as_slice()],
        "      requireRekorBundle: true\n",
    );
    assert_eq!(
        judge(&logged, &of_others),
        undecided(
            "the certificate is not trusted by its chain: no trusted authority issued the certificate"
        )
    );
    let late = admit_of(&logged, root.as_bytes(), "2027-03-01T12:00:01Z", &strict, &pod(&image));
    assert_eq!(
        late,
        undecided(
            "the certificate is valid 2026-03-01T12:00:00Z to 2027-03-01T12:00:00Z, the clock says \
             2027-03-01T12:00:01Z"
        )
    );
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

/// POLICY F: an image with neither tag nor digest is completed with the plan's version and written in
/// its familiar form; every other stays as it is written.
#[test]
fn the_image_of_a_plan_is_found_by_its_completed_name() {
    let bench = Bench::new();
    let mut layout = Layout::default();
    layout.image(&bench.image, "docker.io/rancher/k3s-upgrade", "v1.30.4-k3s1");
    layout.image(&bench.other, "docker.io/library/busybox", "1.36.1");
    let port = support::image::image("port", support::image::AMD64, &[("port", "port\n")]);
    layout.image(&port, "registry.sealift.example:5000/tools/up", "v2");
    let archive = layout.tar();
    let policy = "apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\n\
                  metadata: {name: p}\nspec:\n  images: [{glob: \"**\"}]\n  \
                  authorities: [{static: {action: pass}}]\n";
    let plan = |image: &str, version: &str| {
        format!(
            "apiVersion: upgrade.cattle.io/v1\nkind: Plan\nmetadata: {{name: up}}\nspec:\n  \
             version: {version}\n  upgrade: {{image: '{image}'}}\n"
        )
    };
    let root = bench.sigstore.trusted_root().to_string();
    let judge = |objects: &str| {
        let (status, out, _) = admit_of(&archive, root.as_bytes(), NOW, policy, objects);
        (status, out)
    };
    let [k3s, busybox, up] =
        [&bench.image, &bench.other, &port].map(support::image::Artifact::digest);
    let version = "v1.30.4+k3s1";
    let completed = format!("rancher/k3s-upgrade:v1.30.4-k3s1@{k3s}");
    let in_full = format!("docker.io/rancher/k3s-upgrade:v1.30.4-k3s1@{k3s}");
    for (image, version, expected) in [
        ("rancher/k3s-upgrade", version, completed.clone()),
        ("docker.io/rancher/k3s-upgrade", version, completed.clone()),
        ("index.docker.io/rancher/k3s-upgrade", version, completed.clone()),
        ("rancher/k3s-upgrade", "v1.30.4-k3s1", completed.clone()),
        ("rancher/k3s-upgrade:v1.30.4-k3s1", "v9", completed.clone()),
        ("docker.io/rancher/k3s-upgrade:v1.30.4-k3s1", "v9", in_full.clone()),
        (&completed, "v9", completed.clone()),
        (&in_full, version, in_full.clone()),
        (&format!("rancher/k3s-upgrade@{k3s}"), "v9", format!("rancher/k3s-upgrade@{k3s}")),
        ("busybox", "1.36.1", format!("busybox:1.36.1@{busybox}")),
        ("docker.io/busybox", "1.36.1", format!("busybox:1.36.1@{busybox}")),
        ("docker.io/library/busybox", "1.36.1", format!("busybox:1.36.1@{busybox}")),
        (
            "registry.sealift.example:5000/tools/up",
            "v2",
            format!("registry.sealift.example:5000/tools/up:v2@{up}"),
        ),
    ] {
        let found = judge(&plan(image, version));
        assert_eq!(found, (Some(0), plan(&expected, version)), "{image} {version}");
    }
    // Another version, another tag, and a tag that a version does not touch.
    for (image, version) in [
        ("rancher/k3s-upgrade", "v1.30.4"),
        ("rancher/k3s-upgrade", "V1.30.4+k3s1"),
        ("rancher/k3s-upgrade:latest", version),
        ("registry.sealift.example/rancher/k3s-upgrade", version),
        ("library/k3s-upgrade", version),
    ] {
        assert_eq!(judge(&plan(image, version)), (Some(1), String::new()), "{image} {version}");
    }
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
