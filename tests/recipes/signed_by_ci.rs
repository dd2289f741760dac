//! policy-controller's first pair of policies: images that are let in by name, and images that the CI
//! signed. What neither covers is refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::support::ca::Identity;
use crate::support::key::Key;
use crate::world::{By, Told, World, hint, pod, world_of};

/// What the guide lets in unsigned, and what must be signed by its key.
const POLICIES: &str = "\
apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata:
  name: allow-list
spec:
  images:
  - glob: \"registry.k8s.io/**\"
  authorities:
  - static:
      action: pass
---
apiVersion: policy.sigstore.dev/v1alpha1
kind: ClusterImagePolicy
metadata:
  name: signed-by-cicd
spec:
  images:
  - glob: ttl.sh/policy-controller-demo**
  authorities:
  - key:
      secretRef:
        name: cicd-secret
    ctlog:
      url: https://rekor.sigstore.dev
";

const IMAGE: &str = "ttl.sh/policy-controller-demo:1h";
const PAUSE: &str = "registry.k8s.io/pause:3.9";
const BUSYBOX: &str = "docker.io/library/busybox:latest";

fn key() -> Key {
    Key::p256("recipes cicd")
}

/// The secret that `cosign generate-key-pair k8s://cosign-system/cicd-secret` leaves, its public part.
fn secret(key: &Key) -> String {
    let pem = STANDARD.encode(key.public_pem());
    format!(
        "---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: cicd-secret\n  namespace: \
         cosign-system\ndata:\n  cosign.pub: {pem}\n"
    )
}

fn policies() -> String {
    format!("{POLICIES}{}", secret(&key()))
}

fn world() -> World {
    let mut world = World::new();
    world.signed(IMAGE, By::LoggedKey(key()));
    world.unsigned(PAUSE);
    world.unsigned(BUSYBOX);
    world
}

/// What the API server says of the pod `web`.
fn refused(code: &str, why: &str) -> Told {
    let told = format!(
        "denied: line 1: Pod `web` ({code})\n  admission webhook \"policy.sigstore.dev\" denied the \
         request: validation failed: {why}\n{}",
        hint(code)
    );
    (Some(1), String::new(), told)
}

#[test]
fn what_is_listed_or_signed_is_let_through_and_pinned() {
    let (world, digest) = world_of(|world| world.signed(IMAGE, By::LoggedKey(key())));
    let pinned = pod("web", &format!("{IMAGE}@{digest}"));
    assert_eq!(world.admit(&policies(), &pod("web", IMAGE)), (Some(0), pinned, String::new()));
    let (world, digest) = world_of(|world| world.unsigned(PAUSE));
    let pinned = pod("web", &format!("{PAUSE}@{digest}"));
    assert_eq!(world.admit(&policies(), &pod("web", PAUSE)), (Some(0), pinned, String::new()));
}

#[test]
fn busybox_has_no_matching_policies() {
    for written in ["busybox", "busybox:latest", BUSYBOX] {
        let why = format!("no matching policies: spec.containers[0].image\n  {written}");
        let told = world().admit(&policies(), &pod("web", written));
        assert_eq!(told, refused("uncovered", &why), "{written}");
    }
}

#[test]
fn what_the_ci_did_not_sign_is_refused() {
    let lead = format!(
        "failed policy: signed-by-cicd: spec.containers[0].image\n  {IMAGE} signature key validation \
         failed for authority authority-0 for {IMAGE}: "
    );
    let (none, unproven) = ("no signatures found", "no matching signatures: none of them verified");
    let certificate = Identity::workflow("team/app", "release.yml", "refs/heads/main");
    let by_another = By::LoggedKey(Key::p256("recipes another ci"));
    let cases: Vec<(&str, World, &str)> = vec![
        ("another key", world_of(|world| world.signed(IMAGE, by_another)).0, unproven),
        (
            "a certificate",
            world_of(|world| world.signed(IMAGE, By::Identity(certificate))).0,
            "no matching signatures: a key is demanded, this was signed with a certificate",
        ),
        (
            "no log",
            world_of(|world| world.signed(IMAGE, By::Key(key()))).0,
            "no matching signatures: no entry of a known transparency log",
        ),
        ("nobody", world_of(|world| world.unsigned(IMAGE)).0, none),
        ("the tag was moved", world_of(|world| world.moved(IMAGE, By::LoggedKey(key()))).0, none),
        ("other bytes", world_of(|world| world.borrowed(IMAGE, By::LoggedKey(key()))).0, unproven),
    ];
    for (what, world, why) in cases {
        let told = world.admit(&policies(), &pod("web", IMAGE));
        assert_eq!(told, refused("policy-not-met", &format!("{lead}{why}")), "{what}");
    }
    // The same image by the policy whose secret holds another key.
    let other = format!("{POLICIES}{}", secret(&Key::p256("recipes another ci")));
    let told = world().admit(&other, &pod("web", IMAGE));
    assert_eq!(told, refused("policy-not-met", &format!("{lead}{unproven}")));
}

/// Every policy that covers an image must hold.
#[test]
fn an_image_of_two_policies_needs_both() {
    let wide = POLICIES.replace("registry.k8s.io/**", "**");
    let by_both = format!("{wide}{}", secret(&key()));
    let world = world();
    assert_eq!(world.admit(&by_both, &pod("web", IMAGE)).0, Some(0));
    assert_eq!(world.admit(&by_both, &pod("web", "busybox")).0, Some(0));
    let fails = by_both.replace("action: pass", "action: fail");
    let why = format!(
        "failed policy: allow-list: spec.containers[0].image\n  {IMAGE} disallowed by static policy: "
    );
    let told = world.admit(&fails, &pod("web", IMAGE));
    assert_eq!(told, refused("policy-not-met", &why));
}

#[test]
fn a_secret_that_is_not_given_stops_the_run() {
    let told = world().admit(POLICIES, &pod("web", IMAGE));
    let wanted = "error: policy file `policy.yaml`, line 22 (document 2): `spec.authorities[0].key.\
                  secretRef` names the Secret `cicd-secret`, which none of the policy files holds; give its document \
                  behind `---` in the same file, or with another `--policy`\n";
    assert_eq!(told, (Some(2), String::new(), wanted.to_owned()));
}

/// `verify` says of each image by what it is let in, and what nobody verified.
#[test]
fn verify_tells_apart_what_was_verified() {
    let (status, out, _) = world().verify(&policies());
    let heads: Vec<_> = out.lines().filter(|line| line.contains("ED ")).collect();
    let wanted =
        [format!("ADMITTED {IMAGE}"), format!("ADMITTED {PAUSE}"), format!("DENIED {BUSYBOX}")];
    assert_eq!((status, heads), (Some(1), wanted.iter().map(String::as_str).collect()));
    assert!(out.contains(
        "  by policy `allow-list`, authority `authority-0`\n     its own word; nothing was verified\n"
    ), "{out}");
}
