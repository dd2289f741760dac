//! The samples of Tanzu's Supply Chain Security Tools - Policy, a distribution of policy-controller:
//! its one whole policy decides, and the fragments are refused as its validator refuses them.

use crate::support::ca::Identity;
use crate::support::key::Key;
use crate::world::{By, Told, World, hint, indented, pod, verdicts, world_of};

/// The policy to verify a configuration by, as printed: the key is cosign's own.
const SAMPLE: &str = "\
apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata:
  name: image-policy
spec:
  images:
  - glob: \"gcr.io/projectsigstore/cosign*\"
  authorities:
  - name: official-cosign-key
    key:
      data: |
        -----BEGIN PUBLIC KEY-----
        MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEhyQCx0E9wQWSFI9ULGwy3BuRklnt
        IqozONbbdbqz11hlRJy9c7SG+hdcFl9jE9uE/dwtuwU2MqU9T/cN0YkWww==
        -----END PUBLIC KEY-----
";

const COSIGN: &str = "gcr.io/projectsigstore/cosign:v1.2.1";

fn key() -> Key {
    Key::p256("recipes official cosign")
}

/// The sample with only its key exchanged for one whose holder signs here.
fn ours() -> String {
    let (head, rest) = SAMPLE.split_once("        -----BEGIN").unwrap();
    let (_, tail) = rest.split_once("-----END PUBLIC KEY-----\n").unwrap();
    let key = indented(&key().public_pem(), 8);
    format!("{head}{key}{tail}")
}

fn cosign() -> (World, String) {
    world_of(|world| world.signed(COSIGN, By::Key(key())))
}

/// What the API server says of the pod `cosign`.
fn refused(code: &str, why: &str) -> Told {
    let told = format!(
        "denied: line 1: Pod `cosign` ({code})\n  admission webhook \"policy.sigstore.dev\" denied \
         the request: validation failed: {why}\n{}",
        hint(code)
    );
    (Some(1), String::new(), told)
}

const NOT_MET: &str = "failed policy: image-policy: spec.containers[0].image\n  \
                        gcr.io/projectsigstore/cosign:v1.2.1 signature key validation failed for \
                        authority official-cosign-key for gcr.io/projectsigstore/cosign:v1.2.1: ";

/// There is no signature.
fn unsigned() -> String {
    format!("{NOT_MET}no signatures found")
}

/// There are some, of others.
fn unverified() -> String {
    format!("{NOT_MET}no matching signatures: none of them verified")
}

#[test]
fn the_sample_is_read_and_refuses_what_its_key_did_not_sign() {
    let (world, _) = cosign();
    let told = world.admit(SAMPLE, &pod("cosign", COSIGN));
    assert_eq!(told, refused("policy-not-met", &unverified()));
}

#[test]
fn with_only_the_key_exchanged_it_admits_and_names_its_authority() {
    let (world, digest) = cosign();
    let pinned = pod("cosign", &format!("{COSIGN}@{digest}"));
    assert_eq!(world.admit(&ours(), &pod("cosign", COSIGN)), (Some(0), pinned, String::new()));
    let (status, out, err) = world.verify(&ours());
    let (from, rest) = out.split_once("     from sha256:").unwrap();
    let wanted = format!(
        "admitted: 1 image\n\nADMITTED {COSIGN}\n  {digest}\n  by policy `image-policy`, authority \
         `official-cosign-key`\n"
    );
    assert_eq!((status, from, err.as_str()), (Some(0), wanted.as_str(), ""));
    assert_eq!(rest.lines().nth(1), Some("     signature"));
}

#[test]
fn the_mutants_of_the_sample_are_refused() {
    let identity = Identity::workflow("sigstore/cosign", "release.yml", "refs/tags/v1.2.1");
    let by_certificate = format!(
        "{NOT_MET}no matching signatures: a key is demanded, this was signed with a certificate"
    );
    let other = By::Key(Key::p256("recipes unofficial cosign"));
    let cases = vec![
        ("another key", world_of(|world| world.signed(COSIGN, other)).0, unverified()),
        ("nobody", world_of(|world| world.unsigned(COSIGN)).0, unsigned()),
        ("a moved tag", world_of(|world| world.moved(COSIGN, By::Key(key()))).0, unsigned()),
        ("other bytes", world_of(|world| world.borrowed(COSIGN, By::Key(key()))).0, unverified()),
        (
            "a certificate",
            world_of(|world| world.signed(COSIGN, By::Identity(identity))).0,
            by_certificate,
        ),
    ];
    for (what, world, why) in cases {
        let told = world.admit(&ours(), &pod("cosign", COSIGN));
        assert_eq!(told, refused("policy-not-met", &why), "{what}");
    }
}

#[test]
fn busybox_has_no_matching_policies() {
    let (world, _) = world_of(|world| world.unsigned("docker.io/library/busybox:latest"));
    let told = world.admit(&ours(), &pod("cosign", "busybox"));
    let why = "no matching policies: spec.containers[0].image\n  busybox";
    assert_eq!(told, refused("uncovered", why));
}

/// The sample of keys.
const KEYS: &str = "  authorities:
    - key:
        data: |
          -----BEGIN PUBLIC KEY-----
          ...
          -----END PUBLIC KEY-----
    - key:
        secretRef:
          name: secretName
    - key:
        kms: KMSPATH
";

/// The sample of places where signatures are.
const SOURCE: &str = "  authorities:
    - key:
        data: |
          -----BEGIN PUBLIC KEY-----
          ...
          -----END PUBLIC KEY-----
      source:
        - oci: registry.example.com/project/signature-location
          signaturePullSecrets:
            - name: MY-SECRET
    - keyless:
        url: https://fulcio.example.com
      source:
        - oci: registry.example.com/project/signature-location
          signaturePullSecrets:
            - name: MY-SECRET
";

/// The samples that are parts of a policy, as printed: none is one by itself.
#[test]
fn the_fragments_are_refused_with_what_they_lack() {
    let head =
        "apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata:\n  name: ";
    let keyless = "\
spec:
  authorities:
    - keyless:
        url: https://fulcio.example.com
        ca-cert:
          data: Certificate Data
        identities:
          - issuer: https://accounts.google.com
            subjectRegExp: .*@example.com
          - issuer: https://token.actions.githubusercontent.com
            subject: https://github.com/mycompany/*/.github/workflows/*@*
      ctlog:
        url: https://rekor.example.com
    - keyless:
        url: https://fulcio.example.com
        ca-cert:
          secretRef:
            name: secretName
        identities:
          - issuerRegExp: .*kubernetes.default.*
            subjectRegExp: .*kubernetes.io/namespaces/default/serviceaccounts/default
";
    let cases = [
        (
            format!("{head}image-policy\nspec:\n  images:\n  - glob: \"**\"\n"),
            "line 6 (document 1): policy-controller refuses it: missing field(s): spec.authorities",
        ),
        (
            format!("---\n{head}POLICY-NAME\nspec:\n  mode: warn\n"),
            "line 7 (document 1): policy-controller refuses it: missing field(s): spec.authorities, \
             spec.images",
        ),
        (
            format!("{head}POLICY-NAME\nspec:\n  authorities:\n  - static:\n      action: fail\n"),
            "line 6 (document 1): policy-controller refuses it: missing field(s): spec.images",
        ),
        (
            keyless.to_owned(),
            "line 1 (document 1): the document is of no policy format that sealift knows",
        ),
        (
            format!(
                "{head}whole\n{}",
                keyless.replace("spec:\n", "spec:\n  images: [{glob: '**'}]\n")
            ),
            "line 9 (document 1): policy-controller refuses it: expected exactly one, got both: \
             spec.authorities[0].keyless.ca-cert, spec.authorities[0].keyless.url, \
             spec.authorities[1].keyless.ca-cert, spec.authorities[1].keyless.url\n  invalid value: \
             Certificate Data: spec.authorities[0].keyless.ca-cert.data",
        ),
        (
            format!(
                "{head}whole\nspec:\n  images: [{{glob: '**'}}]\n  authorities:\n    - key:\n        kms: KMSPATH\n"
            ),
            "line 9 (document 1): policy-controller refuses it: invalid value: KMSPATH: \
             spec.authorities[0].key.kms\n  malformed KMS format, should be prefixed by any of the \
             supported providers: [awskms:// azurekms:// hashivault:// gcpkms://]",
        ),
        (
            format!("{head}whole\nspec:\n  images: [{{glob: '**'}}]\n{KEYS}"),
            "line 10 (document 1): policy-controller refuses it: invalid value: -----BEGIN PUBLIC \
             KEY-----\n  ...\n  -----END PUBLIC KEY-----\n  : spec.authorities[0].key.data\n  \
             invalid value: KMSPATH: spec.authorities[2].key.kms\n  malformed KMS format, should be \
             prefixed by any of the supported providers: [awskms:// azurekms:// hashivault:// \
             gcpkms://]",
        ),
        (
            format!("{head}whole\nspec:\n  images: [{{glob: '**'}}]\n{SOURCE}"),
            "line 10 (document 1): policy-controller refuses it: invalid value: -----BEGIN PUBLIC \
             KEY-----\n  ...\n  -----END PUBLIC KEY-----\n  : spec.authorities[0].key.data\n  \
             missing field(s): spec.authorities[1].keyless.identities",
        ),
    ];
    let (world, _) = cosign();
    for (text, why) in cases {
        let wanted = format!("error: policy file `policy.yaml`, {why}\n");
        assert_eq!(world.verify(&text), (Some(2), String::new(), wanted), "{text}");
    }
}

/// A sample completed by what it lacks, with this authority and mode.
fn completed(mode: &str, authority: &str) -> String {
    format!(
        "apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata:\n  name: \
         POLICY-NAME\nspec:\n  mode: {mode}\n  images:\n  - glob: \"**\"\n  authorities:\n{authority}"
    )
}

fn authority_of(sample: &str) -> String {
    let (_, authority) = sample.split_once("  authorities:\n").unwrap();
    authority.to_owned()
}

#[test]
fn a_policy_of_mode_warn_warns_and_lets_through() {
    let (world, digest) = world_of(|world| world.unsigned(COSIGN));
    let policy = completed("warn", &authority_of(SAMPLE));
    let why = unsigned().replace("image-policy", "POLICY-NAME");
    let pinned = pod("cosign", &format!("{COSIGN}@{digest}"));
    let told = format!("warning: line 1: Pod `cosign`: not enforced: {why}\n");
    assert_eq!(world.admit(&policy, &pod("cosign", COSIGN)), (Some(0), pinned, told));
    let enforced = completed("enforce", &authority_of(SAMPLE));
    let told = world.admit(&enforced, &pod("cosign", COSIGN));
    assert_eq!(told, refused("policy-not-met", &why));

    let wanted = format!(
        "admitted: 1 image

ADMITTED {COSIGN}
  {digest}
  warning: policy `POLICY-NAME` (mode warn) is not met
     in its own words
       signature key validation failed for authority official-cosign-key for
       {COSIGN}: no signatures found
     authority `official-cosign-key`: no evidence verified, of 0 pieces carried

warning: only policies of mode warn cover this image, nothing could deny it:
         {digest}

"
    );
    assert_eq!(world.verify(&policy), (Some(0), wanted, String::new()));
}

#[test]
fn static_actions_pass_and_fail_by_their_own_word() {
    let (world, digest) = world_of(|world| world.unsigned(COSIGN));
    let fail = completed("enforce", "  - static:\n      action: fail\n");
    let why = format!(
        "failed policy: POLICY-NAME: spec.containers[0].image\n  {COSIGN} disallowed by static policy: "
    );
    let told = world.admit(&fail, &pod("cosign", COSIGN));
    assert_eq!(told, refused("policy-not-met", &why));

    let pass = completed("enforce", "  - static:\n      action: pass\n");
    let pinned = pod("cosign", &format!("{COSIGN}@{digest}"));
    assert_eq!(world.admit(&pass, &pod("cosign", COSIGN)), (Some(0), pinned, String::new()));
    let wanted = format!(
        "admitted: 1 image

ADMITTED {COSIGN}
  {digest}
  by policy `POLICY-NAME`, authority `authority-0`
     its own word; nothing was verified

warning: policy `POLICY-NAME` admits by its own word (static: pass), nothing was
         verified for it:
         {digest}

"
    );
    assert_eq!(world.verify(&pass), (Some(0), wanted, String::new()));
}

/// The sample of `match`, completed: the policy is of cron jobs with that label, and of nothing else.
#[test]
fn a_policy_is_of_the_objects_it_matches() {
    const MATCH: &str = "  match:
  - group: batch
    resource: cronjobs
    version: v1
    selector:
      matchLabels:
        app: tap
";
    let pass = completed("enforce", "  - static:\n      action: pass\n");
    let policy = pass.replace("spec:\n", &format!("spec:\n{MATCH}"));
    let job = |label: &str, image: &str| {
        format!(
            "apiVersion: batch/v1\nkind: CronJob\nmetadata:\n  name: cosign\n  labels:\n    app: \
             {label}\nspec:\n  jobTemplate:\n    spec:\n      template:\n        spec:\n          \
             containers:\n          - name: one\n            image: {image}\n"
        )
    };
    let (world, digest) = world_of(|world| world.unsigned(COSIGN));
    let pinned = job("tap", &format!("{COSIGN}@{digest}"));
    assert_eq!(world.admit(&policy, &job("tap", COSIGN)), (Some(0), pinned, String::new()));
    let field = "spec.jobTemplate.spec.template.spec.containers[0].image";
    let uncovered = |kind: &str, field: &str| {
        let why = format!("no matching policies: {field}\n  {COSIGN}");
        let (status, out, told) = refused("uncovered", &why);
        (status, out, told.replace("Pod", kind))
    };
    assert_eq!(world.admit(&policy, &job("other", COSIGN)), uncovered("CronJob", field));
    let pod = pod("cosign", COSIGN);
    assert_eq!(world.admit(&policy, &pod), uncovered("Pod", "spec.containers[0].image"));
}

/// An expression that is not anchored is held by longer texts too, as in policy-controller.
#[test]
fn the_samples_expression_admits_strangers() {
    let expression = |text: &str| {
        completed(
            "enforce",
            &format!(
                "    - keyless:\n        url: https://fulcio.example.com\n        identities:\n          \
                 - issuer: https://accounts.google.com\n            subjectRegExp: {text}\n"
            ),
        )
    };
    let by = |address: &str| {
        let identity = Identity::email(address, "https://accounts.google.com");
        world_of(|world| world.signed(COSIGN, By::Identity(identity))).0
    };
    let admitted = |policy: &str, address: &str| by(address).verify(policy).0 == Some(0);
    let (sample, anchored) = (expression(".*@example.com"), expression("'^[^@]*@example\\.com$'"));
    let cases = [
        ("me@example.com", true, true),
        ("me@example.com.attacker.example", true, false),
        ("me@example-com.example", true, false),
        ("me@other.example", false, false),
    ];
    for (address, by_sample, by_anchored) in cases {
        let found = (admitted(&sample, address), admitted(&anchored, address));
        assert_eq!(found, (by_sample, by_anchored), "{address}");
    }
    let (status, told, _) =
        by("me@example.com").run(&[("policy.yaml", &sample)], &["policy", "lint", "policy.yaml"]);
    assert_eq!(status, Some(1));
    assert_eq!(verdicts(&told), told);
    assert!(told.contains("[unanchored-expression]"), "{told}");
}
