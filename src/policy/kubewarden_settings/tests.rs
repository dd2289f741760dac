use std::error::Error as _;

use crate::limits::Limits;
use crate::policy::document;
use crate::policy::specimen::key_pem;
use crate::policy::{Kind, Policy, PolicyFile};
use crate::time::UnixTime;

use super::*;

const KEYLESS: &str = "{image: 'ghcr.io/team/*', keyless: [{issuer: i, subject: s}]}";

fn read(text: &str) -> Result<Vec<Policy>, Error> {
    let file = PolicyFile { name: "settings.yml", bytes: text.as_bytes() };
    document::parse(&[file], &Limits::default(), UnixTime::from_seconds(1_800_000_000).unwrap())
}

fn refusal(text: &str) -> String {
    let error = read(text).unwrap_err();
    format!("{error}: {}", error.source().unwrap())
}

fn object(kind: &str, spec: &str) -> String {
    format!(
        "apiVersion: policies.kubewarden.io/v1\nkind: {kind}\nmetadata: {{name: images}}\nspec:\n{spec}"
    )
}

const MODULE: &str = "  module: ghcr.io/kubewarden/policies/verify-image-signatures:v0.3.0\n";

fn settings() -> String {
    format!("  settings:\n    signatures:\n    - {KEYLESS}\n")
}

fn admissions(text: &str) -> Vec<(String, Admission, Mode)> {
    let policies = read(text).unwrap().into_iter();
    policies.map(|policy| (policy.id, policy.admission.unwrap(), policy.mode)).collect()
}

fn admission(object: &str) -> Admission {
    let object = object.to_owned();
    Admission {
        object,
        rewrite: true,
        mutating: None,
        monitor: false,
        message: None,
        group: None,
        names_pods: false,
    }
}

#[test]
fn settings_are_found_in_whatever_carries_them() {
    let alone = format!("signatures:\n- {KEYLESS}\nmodifyImagesWithDigest: false\nrule: Keyless\n");
    let of_object = admission("images");
    let cases = [
        (
            alone,
            "settings.yml signatures[0]",
            Admission { rewrite: false, ..admission("settings.yml") },
            Mode::Enforce,
        ),
        (
            object("ClusterAdmissionPolicy", &format!("{MODULE}  mutating: true\n{}", settings())),
            "images signatures[0]",
            Admission { mutating: Some(true), ..of_object.clone() },
            Mode::Enforce,
        ),
        (
            object(
                "AdmissionPolicy",
                &format!(
                    "{MODULE}  mutating: false\n  mode: monitor\n  message: no\u{a0}way\n{}",
                    settings()
                ),
            )
            .replace("name: images", "name: images, namespace: team"),
            "team/images signatures[0]",
            Admission {
                mutating: Some(false),
                monitor: true,
                message: Some("no\u{a0}way".to_owned()),
                ..admission("team/images")
            },
            Mode::Warn,
        ),
        (
            object(
                "ClusterAdmissionPolicyGroup",
                &format!(
                    "  expression: signed() && other()\n  policies:\n    other: {{module: other}}\n    signed:\n    {}    {}",
                    MODULE,
                    settings().replace('\n', "\n    ").trim_end_matches(' ')
                ),
            ),
            "images/signed signatures[0]",
            Admission {
                mutating: Some(false),
                group: Some("images".to_owned()),
                ..admission("images/signed")
            },
            Mode::Enforce,
        ),
        (
            format!(
                "images:\n{MODULE}  allowedToMutate: true\n  policyMode: monitor\n{}other: {{module: x}}\n",
                settings()
            ),
            "images signatures[0]",
            Admission { mutating: Some(true), monitor: true, ..of_object },
            Mode::Warn,
        ),
    ];
    for (text, id, admission, mode) in cases {
        assert_eq!(admissions(&text), [(id.to_owned(), admission, mode)], "{text}");
    }
}

/// HOSTILE.md cases 106, 107 and 112.
#[test]
fn what_is_refused_is_told_with_its_line() {
    let with = |spec: &str| object("ClusterAdmissionPolicy", spec);
    let group = |expression: &str| {
        object(
            "AdmissionPolicyGroup",
            &format!(
                "  expression: {expression}\n  policies: {{a: {{module: verify-image-signatures}}}}\n"
            ),
        )
    };
    let no_entry = |fields: &str| {
        format!(
            "data did not match any variant of untagged enum Signature; an entry has `image` and, of \
             its kind, `pubKeys`, `keyless`, `githubActions`, `keylessPrefix` or `certificates` with \
             `requireRekorBundle`; this one has {fields}"
        )
    };
    let expression = |found: &str| {
        format!(
            "`expression` is `{found}`; sealift decides only by a group all of whose members must hold, such as `one() && other()`"
        )
    };
    let cases = [
        ("signatures: []\n".to_owned(), 1, "Signatures must not be empty".to_owned()),
        (format!("signatures:\n- {KEYLESS}\n- {{image: x}}\n"), 3, no_entry("`image`")),
        (format!("signatures:\n- {KEYLESS}\n- all\n"), 3, no_entry("none")),
        (format!("signatures:\n- {KEYLESS}\n- {{image: x, keyles: []}}\n"), 3, no_entry("`image`, `keyles`")),
        (
            "signatures:\n- {image: x, keylessPrefix: [{issuer: i, url_prefix: team}]}\n".to_owned(),
            2,
            "Keyless signature for image x: \"keyless_prefix: Validation error: relative URL without a base: \\\"team\\\"\"".to_owned(),
        ),
        (
            "signatures:\n- {image: x, certificates: [no pem], requireRekorBundle: true}\n".to_owned(),
            2,
            "`certificates[0]` cannot be used".to_owned(),
        ),
        (with(&settings()), 1, "there is no policy `verify-image-signatures` in it, the only one that sealift decides by".to_owned()),
        (with(MODULE), 1, "invalid type: null, expected struct Settings".to_owned()),
        (with(&format!("{MODULE}  mode: Protect\n{}", settings())), 1, "`mode` is not protect or monitor".to_owned()),
        (with(&format!("{MODULE}  mutating: 1\n{}", settings())), 1, "`mutating` is not true or false".to_owned()),
        (
            with(&format!("{MODULE}{}", settings())).replace("io/v1", "io/v1beta1"),
            1,
            "apiVersion is `policies.kubewarden.io/v1beta1`; sealift reads policies.kubewarden.io/v1 and v1alpha2".to_owned(),
        ),
        (group("a() || true"), 1, expression("a() || true")),
        (group("'!a()'"), 1, expression("!a()")),
    ];
    for (text, line, why) in cases {
        let place = format!("policy file `settings.yml`, line {line} (document 1): ");
        assert_eq!(refusal(&text), place + &why, "{text}");
    }
}

#[test]
fn what_deserves_a_look_is_remarked() {
    let remarks = |entry: &str| {
        let policies = read(&format!("signatures:\n- {entry}\n")).unwrap();
        policies.into_iter().flat_map(|policy| policy.remarks).collect::<Vec<_>>()
    };
    let at = "line 2: `signatures[0]`: ";
    let key = key_pem(1).replace('\n', "\\n");
    let cases = [
        (KEYLESS.to_owned(), vec![]),
        (
            "{image: 'x*', keyless: [{issuer: i, subject: s}], githubActions: {owner: o}}"
                .to_owned(),
            vec!["only `keyless` is read, `githubActions` says nothing"],
        ),
        (
            "{image: 'x*', keylessPrefix: [{issuer: i, urlPrefix: 'https://a.example'}]}"
                .to_owned(),
            vec!["`urlPrefix` is read as `url_prefix`; Kubewarden refuses it"],
        ),
        (
            format!("{{image: quay.io/c3os, pubKeys: [\"{key}\"]}}"),
            vec![
                "`quay.io/c3os` has no wildcard: it matches an image only where it is written exactly so",
            ],
        ),
        (
            "{image: '*', keyless: []}".to_owned(),
            vec!["`keyless` refuses every image: Must provide keyless info"],
        ),
        (
            "{image: '*', githubActions: {owner: ''}}".to_owned(),
            vec!["`githubActions` refuses every image: Must provide owner info"],
        ),
    ];
    for (entry, wanted) in cases {
        let wanted: Vec<_> = wanted.into_iter().map(|remark| format!("{at}{remark}")).collect();
        assert_eq!(remarks(&entry), wanted, "{entry}");
    }
}

#[test]
fn a_failure_is_told_as_the_policy_tells_it() {
    let [policy] = read(&format!("signatures:\n- {KEYLESS}\n")).unwrap().try_into().unwrap();
    let told = |signed| {
        let shortfall =
            Shortfall { authority: "keyless[0]".to_owned(), why: Why::Evidence(Vec::new()) };
        failure(&policy.rule, "ghcr.io/team/a", &[], &[shortfall], signed)
    };
    let head =
        "verification of image ghcr.io/team/a failed: Host error: Callback evaluation failure: ";
    let unsigned = format!("{head}no signatures found for image: ghcr.io/team/a ");
    assert_eq!(told(false), unsigned);
    // The host is asked for every certificate by itself.
    let by_certificate = |signed| {
        let signer = Signer::Keys(Vec::new());
        let requirement = Requirement::new("certificates[0]", Kind::Signature, signer);
        let rule = Rule::Evidence(Box::new(requirement));
        let shortfall = |number| Shortfall {
            authority: format!("certificates[{number}]"),
            why: Why::Evidence(Vec::new()),
        };
        let shortfalls = [shortfall(0), shortfall(1)];
        failure(&Rule::All(vec![rule.clone(), rule]), "ghcr.io/team/a", &[], &shortfalls, signed)
    };
    assert_eq!(by_certificate(false), format!("{unsigned}, {unsigned}"));
    let unmet = format!("{head}verification failed: Several Signature Layers failed verification");
    assert_eq!(by_certificate(true), format!("{unmet}, {unmet}"));
    assert_eq!(
        told(true),
        format!(
            "{head}Image verification failed: missing signatures\n\
             The following constraints were not satisfied:\n\
             kind: genericIssuer\nissuer: i\nsubject: !equal s\nannotations: null\n"
        )
    );
    let told = |kind: &str, names_pods: bool| {
        let admission = Admission { names_pods, ..admission("images") };
        not_accepted(&admission, kind, "web", &[&unsigned, "b"])
    };
    let text = |called: &str| format!("{called} web is not accepted: {unsigned}, b");
    assert_eq!(told("Pod", false), text("Resource"));
    assert_eq!(told("Pod", true), text("Pod"));
    assert_eq!(told("Deployment", true), text("Resource"));
}

#[test]
fn the_version_of_the_policy_is_known_by_its_tag() {
    let of = |module: &str| {
        let spec = format!("  module: {module}\n{}", settings());
        let [(_, admission, _)] = admissions(&object("AdmissionPolicy", &spec)).try_into().unwrap();
        admission.names_pods
    };
    for (module, names_pods) in [
        ("registry://ghcr.io/kubewarden/policies/verify-image-signatures:v0.1.3", true),
        ("registry.example:5000/verify-image-signatures:v0.2.9", true),
        ("ghcr.io/kubewarden/policies/verify-image-signatures:v0.3.0", false),
        ("ghcr.io/kubewarden/policies/verify-image-signatures:v0.10.0", false),
        ("ghcr.io/kubewarden/policies/verify-image-signatures:v1.0.6", false),
        ("ghcr.io/kubewarden/policies/verify-image-signatures:latest", false),
        ("file:///verify-image-signatures.wasm", false),
    ] {
        assert_eq!(of(module), names_pods, "{module}");
    }
}
