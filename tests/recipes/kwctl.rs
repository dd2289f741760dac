//! Kubewarden policies secured by signatures: kwctl's flags, and the verification config that kwctl
//! and the policy server share.

use crate::support::ca::Identity;
use crate::support::key::Key;
use crate::world::{By, GITHUB, Told, World, indented, verdicts, world_of};

const IMAGE: &str = "ghcr.io/kubewarden/policies/pod-privileged:v0.1.10";

/// What `kwctl scaffold verification-config` printed when the guide was written.
const KWCTL_SCAFFOLD: &str = "\
# Default Kubewarden verification config
#
# With this config, the only valid policies are those signed by Kubewarden
# infrastructure.
#
# This config can be saved to its default location (for this OS) with:
#   kwctl scaffold verification-config > /home/youruser/.config/kubewarden/verification-config.yml
#
# Providing a config in the default location enables Sigstore verification.
# See https://docs.kubewarden.io for more Sigstore verification options.
---
apiVersion: v1
allOf:
  - kind: githubAction
    owner: kubewarden
    repo: ~
    annotations: ~
anyOf: ~
";

/// The workflow that releases the policies of Kubewarden.
fn release() -> Identity {
    Identity::workflow("kubewarden/pod-privileged-policy", "release.yml", "refs/heads/main")
}

fn maintainer() -> Identity {
    Identity::email("alice@example.com", "https://github.com/login/oauth")
}

fn key() -> Key {
    Key::p256("recipes cosign.key")
}

fn signed_by(identity: Identity) -> World {
    world_of(|world| world.signed(IMAGE, By::Identity(identity))).0
}

fn verify(world: &World, flags: &[&str]) -> Told {
    let files = [("cosign.pub", key().public_pem())];
    let files = files.each_ref().map(|(name, text)| (*name, text.as_str()));
    let command = [&["verify", "archive.tar"], flags].concat();
    let (status, out, err) = world.run(&files, &command);
    (status, verdicts(&out), err)
}

/// The verdict alone.
fn admits(world: &World, flags: &[&str]) -> bool {
    let (status, out, err) = verify(world, flags);
    assert!(matches!(status, Some(0 | 1)) && err.is_empty(), "{flags:?}: {out}{err}");
    status == Some(0)
}

#[test]
fn the_guides_command_admits_what_the_owner_released() {
    let (world, digest) = world_of(|world| world.signed(IMAGE, By::Identity(release())));
    let (status, out, err) = verify(&world, &["--github-owner", "kubewarden"]);
    let (proof, rest) = out.split_once("     log ").unwrap();
    let wanted = format!(
        "admitted: 1 image

ADMITTED {IMAGE}
  {digest}
  by policy `command line`, authority `allOf[0]`
     from {}
     signature
     signed by https://github.com/kubewarden/pod-privileged-policy/.github/workf
               lows/release.yml@refs/heads/main
     issuer {GITHUB}
",
        evidence_of(&out)
    );
    assert_eq!((status, proof, err.as_str()), (Some(0), wanted.as_str(), ""));
    assert!(rest.starts_with("https://rekor.virtual.sealift.example entry "), "{rest}");
}

/// The short digest after `from`.
fn evidence_of(report: &str) -> &str {
    report.split("     from ").nth(1).and_then(|rest| rest.lines().next()).unwrap()
}

#[test]
fn what_others_signed_is_denied() {
    let owner = ["--github-owner", "kubewarden"];
    let repository = ["--github-owner", "kubewarden", "--github-repo", "pod-privileged-policy"];
    let workflow = |repository| Identity::workflow(repository, "release.yml", "refs/heads/main");
    let elsewhere = Identity { issuer: "https://gitlab.example".to_owned(), ..release() };
    let reusable = Identity { name: workflow("kubewarden/actions").name, ..release() };
    let cases = [
        ("the repository itself", release(), true, true),
        ("a sibling", workflow("kubewarden/other-policy"), true, false),
        ("a longer owner", workflow("kubewarden-hacker/pod-privileged-policy"), false, false),
        ("a shorter owner", workflow("kube/pod-privileged-policy"), false, false),
        ("another case", workflow("Kubewarden/pod-privileged-policy"), false, false),
        ("a longer name", workflow("kubewarden/pod-privileged-policy2"), true, false),
        ("another issuer", elsewhere, false, false),
        // The certificate names the reusable workflow; whose run it was is said beside that.
        ("a reusable workflow", reusable, true, true),
        ("a person", maintainer(), false, false),
    ];
    for (what, identity, by_owner, by_repository) in cases {
        let world = signed_by(identity);
        let found = (admits(&world, &owner), admits(&world, &repository));
        assert_eq!(found, (by_owner, by_repository), "{what}");
    }
    for world in [
        world_of(|world| world.unsigned(IMAGE)).0,
        world_of(|world| world.moved(IMAGE, By::Identity(release()))).0,
        world_of(|world| world.borrowed(IMAGE, By::Identity(release()))).0,
        world_of(|world| world.signed(IMAGE, By::LoggedKey(key()))).0,
    ] {
        assert!(!admits(&world, &owner));
    }
}

#[test]
fn a_denial_is_told_in_kubewardens_words() {
    let (world, digest) = world_of(|world| world.signed(IMAGE, By::Identity(maintainer())));
    let wanted = format!(
        "denied: 1 of 1 image

DENIED {IMAGE}
  {digest}
  why policy `command line` is not met [policy-not-met]
     in its own words
       Image verification failed: missing signatures
       The following constraints were not satisfied:
       kind: githubAction
       owner: kubewarden
       repo: null
       annotations: null
     authority `allOf[0]`: signed by `alice@example.com`, issuer
     `https://github.com/login/oauth` [identity-mismatch]
  next compare who signed with whom the policy demands

"
    );
    let told = verify(&world, &["--github-owner", "kubewarden"]);
    assert_eq!(told, (Some(1), wanted, String::new()));

    let (world, digest) = world_of(|world| world.unsigned(IMAGE));
    let wanted = format!(
        "denied: 1 of 1 image

DENIED {IMAGE}
  {digest}
  why policy `command line` is not met [policy-not-met]
     in its own words
       no signatures found for image:
       {IMAGE}
     authority `allOf[0]`: no evidence verified, of 0 pieces carried
  next the archive carries no evidence of it: export it together with its
       signatures

"
    );
    let told = verify(&world, &["--github-owner", "kubewarden"]);
    assert_eq!(told, (Some(1), wanted, String::new()));
}

#[test]
fn an_address_goes_with_its_issuer() {
    let flags = ["--cert-email", "alice@example.com", "--cert-oidc-issuer"];
    let right = [&flags[..], &["https://github.com/login/oauth"]].concat();
    let elsewhere = [&flags[..], &["https://accounts.google.com"]].concat();
    let world = signed_by(maintainer());
    assert!(admits(&world, &right));
    assert!(!admits(&world, &elsewhere));
    let others = ["bob@example.com", "alice@example.com.example", "Alice@example.com"];
    for other in others {
        let identity = Identity::email(other, "https://github.com/login/oauth");
        assert!(!admits(&signed_by(identity), &right), "{other}");
    }
    // What is given together is demanded together.
    let both = [&right[..], &["--github-owner", "kubewarden"]].concat();
    assert!(!admits(&world, &both) && !admits(&signed_by(release()), &both));
}

#[test]
fn half_an_identity_is_an_error_in_kwctls_words() {
    let world = signed_by(maintainer());
    let told = verify(&world, &["--cert-email", "alice@example.com"]);
    let wanted = "error: Intending to verify OIDC issuer, but no email or issuer were provided. You \
                  must pass the email and OIDC issuer to be validated together \n";
    assert_eq!(told, (Some(2), String::new(), wanted.to_owned()));
    let told = verify(&world, &["--github-repo", "pod-privileged-policy"]);
    let wanted = "error: Intending to verify GitHub actions signature, but the repository owner is \
                  missing.\n";
    assert_eq!(told, (Some(2), String::new(), wanted.to_owned()));
    let told = verify(&world, &["--verification-annotation", "blog=yes"]);
    let wanted = "error: Intending to verify annotations, but no verification keys, OIDC issuer or \
                  GitHub owner were passed\n";
    assert_eq!(told, (Some(2), String::new(), wanted.to_owned()));
}

/// The guide signs by a key, with `blog=yes`; kwctl asks for no log.
#[test]
fn a_key_and_its_annotations() {
    let blog = [("blog", "yes")];
    let (world, _) = world_of(|world| world.signed_with(IMAGE, By::Key(key()), &blog));
    let key_alone = ["-k", "cosign.pub"];
    let short = ["-k", "cosign.pub", "-a", "blog=yes"];
    let long = ["--verification-key", "cosign.pub", "--verification-annotation", "blog=yes"];
    for flags in [&key_alone[..], &short, &long] {
        assert!(admits(&world, flags), "{flags:?}");
    }
    for wrong in ["blog=no", "Blog=yes", "blog=", "blog=yes "] {
        assert!(!admits(&world, &["-k", "cosign.pub", "-a", wrong]), "{wrong}");
    }
    let (bare, _) = world_of(|world| world.signed(IMAGE, By::Key(key())));
    assert!(admits(&bare, &key_alone) && !admits(&bare, &short));
    let other = Key::p256("recipes another cosign.key");
    let (other, _) = world_of(|world| world.signed_with(IMAGE, By::Key(other), &blog));
    assert!(!admits(&other, &key_alone) && !admits(&other, &short));
    let (moved, _) = world_of(|world| world.moved(IMAGE, By::Key(key())));
    assert!(!admits(&moved, &key_alone));
    let (unsigned, _) = world_of(|world| world.unsigned(IMAGE));
    assert!(!admits(&unsigned, &key_alone));
}

/// What is printed to begin with is a policy that decides: ours, and the one that kwctl prints.
#[test]
fn a_scaffold_is_a_policy() {
    let (status, ours, err) = World::new().run(&[], &["policy", "scaffold", "verification-config"]);
    assert_eq!((status, err.as_str()), (Some(0), ""));
    for scaffold in [ours.as_str(), KWCTL_SCAFFOLD] {
        for flag in ["--policy", "--verification-config-path"] {
            let judged = |world: World| {
                let command = ["verify", "archive.tar", flag, "verification-config.yml"];
                world.run(&[("verification-config.yml", scaffold)], &command).0
            };
            assert_eq!(judged(signed_by(release())), Some(0), "{flag} {scaffold}");
            let others = Identity::workflow("viccuad/policies", "release.yml", "refs/heads/main");
            assert_eq!(judged(signed_by(others)), Some(1), "{flag} {scaffold}");
            let (unsigned, _) = world_of(|world| world.unsigned(IMAGE));
            assert_eq!(judged(unsigned), Some(1), "{flag} {scaffold}");
        }
    }
}

/// The guide's prose has a field that Kubewarden never had.
#[test]
fn at_least_is_no_field() {
    let config = "apiVersion: v1\nanyOf:\n  atLeast: 1\n  signatures:\n  - kind: githubAction\n    \
                  owner: kubewarden\n";
    let told = signed_by(release()).verify(config);
    let wanted = "error: policy file `policy.yaml`, line 3 (document 1): Not a valid configuration \
                  file: unknown field `atLeast`, expected `minimumMatches` or `signatures`\n";
    assert_eq!(told, (Some(2), String::new(), wanted.to_owned()));
    let meant = config.replace("atLeast", "minimumMatches");
    assert_eq!(signed_by(release()).verify(&meant).0, Some(0));
    assert_eq!(signed_by(maintainer()).verify(&meant).0, Some(1));
}

/// `kubectl create configmap --from-file=verification-config=...`, as a cluster holds it.
#[test]
fn a_config_map_carries_a_config() {
    let indented = indented(KWCTL_SCAFFOLD, 4);
    let map = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: my-verification-config\n  namespace: \
         kubewarden\ndata:\n  verification-config: |\n{indented}"
    );
    assert_eq!(signed_by(release()).verify(&map).0, Some(0));
    assert_eq!(signed_by(maintainer()).verify(&map).0, Some(1));
    let told = signed_by(release()).verify(&map.replace("anyOf: ~", "anyOf: {atLeast: 1}"));
    let wanted = "error: policy file `policy.yaml`, line 25 (document 1): Not a valid configuration \
                  file: unknown field `atLeast`, expected `minimumMatches` or `signatures`\n";
    assert_eq!(told, (Some(2), String::new(), wanted.to_owned()));
}
