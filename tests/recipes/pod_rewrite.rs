//! Pods rewritten to digests, as Kubewarden tells of `verify-image-signatures`.

use crate::support::ca::Identity;
use crate::support::key::Key;
use crate::world::{
    By, GITHUB, World, answer, denied, hint, patched, review, rules_for_pods, world_of,
};

/// The policy as the guide prints it.
const POLICY: &str = concat!(
    "\
apiVersion: policies.kubewarden.io/v1alpha2
kind: ClusterAdmissionPolicy
metadata:
  name: verify-image-signatures
spec:
  module: ghcr.io/kubewarden/policies/verify-image-signatures:v0.1.4
",
    rules_for_pods!(),
    "  mutating: true
  settings:
    signatures:
      - image: \"*\"
        keyless:
          - issuer: \"https://token.actions.githubusercontent.com\"
            subject: \"https://github.com/viccuad/app-example/.github/workflows/ci.yml@refs/tags/v0.1.0\"
"
);

const VALID: &str = "\
apiVersion: v1
kind: Pod
metadata:
  name: verify-image-valid
spec:
  containers:
  - name: test-verify-image
    image: ghcr.io/viccuad/app-example:v0.1.0
";

const INVALID: &str = "\
apiVersion: v1
kind: Pod
metadata:
  name: verify-image-invalid
spec:
  containers:
  - name: test-verify-image
    image: ghcr.io/kubewarden/test-verify-image-signatures:unsigned
";

const IMAGE: &str = "ghcr.io/viccuad/app-example:v0.1.0";
const UNSIGNED: &str = "ghcr.io/kubewarden/test-verify-image-signatures:unsigned";
const SUBJECT: &str =
    "https://github.com/viccuad/app-example/.github/workflows/ci.yml@refs/tags/v0.1.0";

fn release() -> Identity {
    Identity::workflow("viccuad/app-example", "ci.yml", "refs/tags/v0.1.0")
}

#[test]
fn a_pod_is_rewritten_and_keeps_the_tag() {
    let (world, digest) = world_of(|world| world.signed(IMAGE, By::Identity(release())));
    let by_digest = format!("{IMAGE}@{digest}");
    let pinned = VALID.replace(IMAGE, &by_digest);
    assert_eq!(world.admit(POLICY, VALID), (Some(0), pinned.clone(), String::new()));
    assert_eq!(world.admit(POLICY, &pinned), (Some(0), pinned.clone(), String::new()));

    let name = "verify-image-valid";
    let answered = (Some(0), patched(&by_digest), String::new());
    assert_eq!(world.admit(POLICY, &review(name, IMAGE)), answered);
    let untouched = (Some(0), answer(r#""allowed":true"#), String::new());
    assert_eq!(world.admit(POLICY, &review(name, &by_digest)), untouched);
}

#[test]
fn without_leave_to_write_digests_nothing_is_rewritten() {
    let (world, _) = world_of(|world| world.signed(IMAGE, By::Identity(release())));
    let policy =
        POLICY.replace("    signatures:\n", "    modifyImagesWithDigest: false\n    signatures:\n");
    assert_eq!(world.admit(&policy, VALID), (Some(0), VALID.to_owned(), String::new()));
}

/// The guide's own refusal, whose first word is `Resource` since v0.3.0 of the policy.
#[test]
fn an_unsigned_image_is_refused_in_the_words_of_the_guide() {
    let (world, _) = world_of(|world| world.unsigned(UNSIGNED));
    let name = "verify-image-invalid";
    let message = format!(
        "Pod {name} is not accepted: verification of image {UNSIGNED} failed: Host error: \
         Callback evaluation failure: no signatures found for image: {UNSIGNED} "
    );
    let hint = hint("policy-not-met");
    let told = format!("denied: line 1: Pod `{name}` (policy-not-met)\n  {message}\n{hint}");
    assert_eq!(world.admit(POLICY, INVALID), (Some(1), String::new(), told.clone()));
    let answered = (Some(1), denied(&message), told);
    assert_eq!(world.admit(POLICY, &review(name, UNSIGNED)), answered);
}

#[test]
fn what_another_signed_is_refused() {
    let other_issuer = Identity { issuer: "https://gitlab.example".to_owned(), ..release() };
    let key = Key::p256("recipes some key");
    let worlds: Vec<(&str, World)> = vec![
        (
            "another tag",
            by(Identity::workflow("viccuad/app-example", "ci.yml", "refs/tags/v0.1.1")),
        ),
        (
            "another repository",
            by(Identity::workflow("viccuad/other", "ci.yml", "refs/tags/v0.1.0")),
        ),
        ("another issuer", by(other_issuer)),
        ("a key", world_of(|world| world.signed(IMAGE, By::LoggedKey(key))).0),
        ("other bytes", world_of(|world| world.borrowed(IMAGE, By::Identity(release()))).0),
    ];
    let message = format!(
        "Pod verify-image-valid is not accepted: verification of image {IMAGE} failed: Host \
         error: Callback evaluation failure: Image verification failed: missing signatures\nThe \
         following constraints were not satisfied:\nkind: genericIssuer\nissuer: {GITHUB}\nsubject: \
         !equal {SUBJECT}\nannotations: null\n"
    );
    for (what, world) in worlds {
        let (status, out, _) = world.admit(POLICY, &review("verify-image-valid", IMAGE));
        assert_eq!((status, out), (Some(1), denied(&message)), "{what}");
    }
}

/// A tag that was moved after the signature is another image; the digest that was signed still is not.
#[test]
fn a_tag_that_was_moved_is_refused() {
    let (world, moved) = world_of(|world| world.moved(IMAGE, By::Identity(release())));
    for image in [IMAGE.to_owned(), format!("{IMAGE}@{moved}")] {
        let message = format!(
            "Pod verify-image-valid is not accepted: verification of image {image} failed: \
             Host error: Callback evaluation failure: no signatures found for image: {image} "
        );
        let (status, out, _) = world.admit(POLICY, &review("verify-image-valid", &image));
        assert_eq!((status, out), (Some(1), denied(&message)), "{image}");
    }
}

fn by(identity: Identity) -> World {
    world_of(|world| world.signed(IMAGE, By::Identity(identity))).0
}
