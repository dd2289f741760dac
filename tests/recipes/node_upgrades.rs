//! Node upgrades gated by Kubewarden, as published for c3os clusters: the policy as printed matches no
//! image at all, so it refuses nothing.

use crate::support::ca::Identity;
use crate::world::{By, GITHUB, World, hint, pod, rules_for_pods, world_of};

/// The policy as the guide prints it.
const PUBLISHED: &str = concat!(
    "\
apiVersion: policies.kubewarden.io/v1alpha2
kind: AdmissionPolicy
metadata:
  name: gate-upgrades
  namespace: system-upgrade
spec:
  module: registry://ghcr.io/kubewarden/policies/verify-image-signatures:v0.1.3
",
    rules_for_pods!(),
    "  mutating: false
  settings:
    modifyImagesWithDigest: true
    signatures:
    - image: quay.io/c3os
      keyless:
      - issuer: https://token.actions.githubusercontent.com
        subject: https://github.com/c3os-io/c3os/.github/workflows/image.yaml@refs/heads/master

"
);

/// The settings that the guide's log shows, as the policy server has them.
const LOGGED: &str = r#"{"modifyImagesWithDigest": true, "signatures": [{"annotations": {"env": "prod"}, "image": "quay.io/c3os/*", "keyless": [{"issuer": "https://token.actions.githubusercontent.com", "subject": "c3os-io"}]}]}"#;

/// The upgrade plan of c3os' own page on upgrades.
const PLAN: &str = "\
---
apiVersion: upgrade.cattle.io/v1
kind: Plan
metadata:
  name: os-upgrade
  namespace: system-upgrade
  labels:
    k3s-upgrade: server
spec:
  concurrency: 1
  #version:  latest
  version: \"opensuse-v1.21.4-31\"
  nodeSelector:
    matchExpressions:
      - {key: kubernetes.io/hostname, operator: Exists}
  serviceAccountName: system-upgrade
  cordon: true
  drain:
    force: true
    disableEviction: true
  upgrade:
    image: quay.io/c3os/c3os
    command:
    - \"/usr/sbin/suc-upgrade\"
";

const IMAGE: &str = "quay.io/c3os/c3os:opensuse-v1.21.4-31";
const POD: &str = "apply-os-upgrade-on-rancher-with-512d25c1140afd37158df753-j9mch";

/// The policy with what it lacks: a pattern that matches, and leave to write digests.
fn corrected() -> String {
    PUBLISHED
        .replace("quay.io/c3os\n", "quay.io/c3os/*\n")
        .replace("mutating: false", "mutating: true")
}

/// The workflow of the default branch.
fn master() -> Identity {
    Identity::workflow("c3os-io/c3os", "image.yaml", "refs/heads/master")
}

fn signed_by(identity: Identity) -> (World, String) {
    world_of(|world| world.signed(IMAGE, By::Identity(identity)))
}

#[test]
fn the_published_pattern_matches_nothing_and_that_is_said_loudly() {
    let (world, _) = world_of(|world| world.unsigned(IMAGE));
    let pod = pod(POD, IMAGE);
    let told = format!(
        "warning: line 1: Pod `{POD}`: image `{IMAGE}` is uncovered: Kubewarden accepts it, and \
         nobody has verified it\n"
    );
    assert_eq!(world.admit(PUBLISHED, &pod), (Some(0), pod.clone(), told));

    let told = format!(
        "warning: line 2: Plan `os-upgrade`: it also runs kubectl, by the image that its controller \
         names: that is not judged\n\
         warning: line 2: Plan `os-upgrade`: image `{IMAGE}`: the system of kubewarden-settings \
         policies does not judge spec.upgrade.image of this kind; sealift does\n\
         warning: line 2: Plan `os-upgrade`: image `{IMAGE}` is uncovered: Kubewarden accepts it, \
         and nobody has verified it\n"
    );
    assert_eq!(world.admit(PUBLISHED, PLAN), (Some(0), PLAN.to_owned(), told));
}

/// `verify` does not repeat the default that lets everything through.
#[test]
fn an_archive_is_not_admitted_by_a_pattern_that_matches_nothing() {
    let (world, digest) = signed_by(master());
    let wanted = format!(
        "denied: 1 of 1 image

DENIED {IMAGE}
  {digest}
  why no policy covers `{IMAGE}` [uncovered]
  next give a policy whose images match the name

warning: policy `system-upgrade/gate-upgrades signatures[0]` covers no image
         judged here

"
    );
    assert_eq!(world.verify(PUBLISHED), (Some(1), wanted, String::new()));
}

#[test]
fn lint_finds_both_traps() {
    let world = World::new();
    let found = world.run(&[("policy.yaml", PUBLISHED)], &["policy", "lint", "policy.yaml"]);
    let wanted = "\
2 findings in 1 file

policy.yaml:15: the policy may not change objects and its settings rewrite
images [may-not-rewrite]
  why the policy server rejects what a policy would rewrite and may not: every
      image that is well signed and has no digest
  next set `mutating: true`, or `modifyImagesWithDigest: false`

policy.yaml:19: `image` is `quay.io/c3os` [image-without-wildcard]
  why it matches only an image written exactly so, without tag and digest; any
      other is accepted unverified by Kubewarden
  next write `/*` or `:*` behind it
";
    assert_eq!(found, (Some(1), wanted.to_owned(), String::new()));
}

/// With the pattern that was meant, a good signature is refused for want of leave to rewrite.
#[test]
fn a_pattern_that_matches_meets_the_second_trap() {
    let (world, _) = signed_by(master());
    let policy = PUBLISHED.replace("quay.io/c3os\n", "quay.io/c3os/*\n");
    let told = format!(
        "denied: line 1: Pod `{POD}` (would-mutate-but-may-not)\n  Request rejected by policy \
         system-upgrade/gate-upgrades. The policy attempted to mutate the request, but it is \
         currently configured to not allow mutations.\n{}",
        hint("would-mutate-but-may-not")
    );
    assert_eq!(world.admit(&policy, &pod(POD, IMAGE)), (Some(1), String::new(), told));
}

#[test]
fn a_signed_upgrade_is_let_through_and_pinned() {
    let (world, digest) = signed_by(master());
    let pinned = pod(POD, &format!("{IMAGE}@{digest}"));
    assert_eq!(
        world.admit(&corrected(), &pod(POD, IMAGE)),
        (Some(0), pinned.clone(), String::new())
    );
    assert_eq!(world.admit(&corrected(), &pinned), (Some(0), pinned.clone(), String::new()));

    let told = format!(
        "warning: line 2: Plan `os-upgrade`: it also runs kubectl, by the image that its controller \
         names: that is not judged\n\
         warning: line 2: Plan `os-upgrade`: image `{IMAGE}`: the system of kubewarden-settings \
         policies does not judge spec.upgrade.image of this kind; sealift does\n"
    );
    let plan = PLAN.replace("quay.io/c3os/c3os\n", &format!("{IMAGE}@{digest}\n"));
    assert_eq!(world.admit(&corrected(), PLAN), (Some(0), plan, told));
}

/// What Kubewarden says of the pod.
fn refused(why: &str) -> (Option<i32>, String, String) {
    let told = format!(
        "denied: line 1: Pod `{POD}` (policy-not-met)\n  Pod {POD} is not accepted: \
         verification of image {IMAGE} failed: Host error: Callback evaluation failure: {why}{}",
        hint("policy-not-met")
    );
    (Some(1), String::new(), told)
}

fn unmet(subject: &str, annotations: &str) -> String {
    format!(
        "Image verification failed: missing signatures\n  The following constraints were not \
         satisfied:\n  kind: genericIssuer\n  issuer: {GITHUB}\n  subject: !equal {subject}\n  \
         annotations:{annotations}\n"
    )
}

#[test]
fn an_upgrade_that_anybody_else_signed_is_refused() {
    let subject = "https://github.com/c3os-io/c3os/.github/workflows/image.yaml@refs/heads/master";
    let pod = pod(POD, IMAGE);
    let other_issuer = Identity { issuer: "https://gitlab.example".to_owned(), ..master() };
    for identity in [
        Identity::workflow("c3os-io/c3os", "image.yaml", "refs/heads/maste"),
        Identity::workflow("c3os-io/c3os", "image.yaml", "refs/heads/master2"),
        Identity::workflow("c3os-io/c3os", "other.yaml", "refs/heads/master"),
        Identity::workflow("c3os-io/other", "image.yaml", "refs/heads/master"),
        Identity::workflow("c3os-IO/c3os", "image.yaml", "refs/heads/master"),
        other_issuer,
    ] {
        let named = format!("{} by {}", identity.subject(), identity.issuer);
        let (world, _) = signed_by(identity);
        let wanted = refused(&unmet(subject, " null"));
        assert_eq!(world.admit(&corrected(), &pod), wanted, "{named}");
    }
    let none = format!("no signatures found for image: {IMAGE} \n");
    let (world, _) = world_of(|world| world.unsigned(IMAGE));
    assert_eq!(world.admit(&corrected(), &pod), refused(&none));
    let (world, _) = world_of(|world| world.moved(IMAGE, By::Identity(master())));
    assert_eq!(world.admit(&corrected(), &pod), refused(&none));
}

/// A signature of other bytes is evidence that does not verify, and there is some.
#[test]
fn the_signature_of_another_image_is_refused() {
    let subject = "https://github.com/c3os-io/c3os/.github/workflows/image.yaml@refs/heads/master";
    let (world, _) = world_of(|world| world.borrowed(IMAGE, By::Identity(master())));
    let wanted = refused(&unmet(subject, " null"));
    assert_eq!(world.admit(&corrected(), &pod(POD, IMAGE)), wanted);
}

/// The guide says that subject and issuer have to be equal; its log shows settings whose are not.
#[test]
fn the_logged_settings_refuse_in_the_words_of_the_log() {
    let pod = pod(POD, IMAGE);
    let (world, _) = world_of(|world| world.unsigned(IMAGE));
    let none = format!("no signatures found for image: {IMAGE} \n");
    // Of settings alone it is not known which version of the policy reads them.
    let refused = |why: &str| {
        let (status, out, told) = refused(why);
        (status, out, told.replace("\n  Pod ", "\n  Resource "))
    };
    assert_eq!(world.admit(LOGGED, &pod), refused(&none));
    let (world, _) = signed_by(master());
    assert_eq!(world.admit(LOGGED, &pod), refused(&unmet("c3os-io", "\n    env: prod")));
}
