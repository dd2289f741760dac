use std::error::Error as _;

use crate::limits::Limits;
use crate::policy::document;
use crate::policy::specimen::{by_identity, by_key, key_pem};
use crate::policy::{Format, Mode, Policy, PolicyFile, Rule};
use crate::time::UnixTime;

use super::*;

const WORKFLOW: &str = "https://github.com/team/app/.github/workflows/a.yml@refs/heads/main";

fn read(text: &str) -> Result<Vec<Policy>, Error> {
    let file = PolicyFile { name: "config.yml", bytes: text.as_bytes() };
    document::parse(&[file], &Limits::default(), UnixTime::from_seconds(1_800_000_000).unwrap())
}

fn refusal(text: &str) -> String {
    let error = read(text).unwrap_err();
    format!("{error}: {}", error.source().unwrap())
}

fn verdict(signature: &str, facts: &Facts) -> bool {
    let config = VerificationConfig::parse(&format!("apiVersion: v1\nallOf:\n- {signature}\n"));
    config.unwrap().judge(&[facts]).is_ok()
}

#[test]
fn a_config_is_a_policy_for_every_image() {
    let policies = read(
        "# head\n---\napiVersion: v1\nallOf:\n- {kind: githubAction, owner: team}\nanyOf: ~\n",
    );
    let [policy] = policies.unwrap().try_into().unwrap();
    assert_eq!((policy.id.as_str(), policy.format), ("config.yml", Format::VerificationConfig));
    assert_eq!((policy.mode, policy.remarks.len()), (Mode::Enforce, 0));
    assert_eq!(policy.origin.to_string(), "config.yml:2");
    let Rule::All(parts) = &policy.rule else { panic!("all lists must hold") };
    let names: Vec<_> = policy.rule.requirements().iter().map(|one| one.name.clone()).collect();
    assert_eq!((parts.len(), names), (1, vec!["allOf[0]".to_owned()]));
}

/// The key `verification-config` of a `ConfigMap` is where a policy server finds its config.
#[test]
fn a_config_map_carries_a_config() {
    let map = |text: &str| {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c}}\ndata:\n  verification-config: {text}\n"
        )
    };
    let config = "|\n    # head\n    ---\n    apiVersion: v1\n    allOf:\n    - {kind: githubAction, owner: team}";
    let [policy] = read(&map(config)).unwrap().try_into().unwrap();
    let names: Vec<_> = policy.rule.requirements().iter().map(|one| one.name.clone()).collect();
    assert_eq!((policy.format, names), (Format::VerificationConfig, vec!["allOf[0]".to_owned()]));
    let cases = [
        (
            config.replace("owner", "onwer"),
            10,
            "Not a valid configuration file: unknown field `onwer`, expected one of `owner`, `repo`, `annotations`",
        ),
        ("''".to_owned(), 5, "`verification-config` holds 0 documents; one is read"),
        (
            "\"allOf: []\\n---\\nallOf: []\"".to_owned(),
            5,
            "`verification-config` holds 2 documents; one is read",
        ),
    ];
    for (text, line, why) in cases {
        let wanted = format!("policy file `config.yml`, line {line} (document 1): {why}");
        assert_eq!(refusal(&map(&text)), wanted);
    }
}

/// VERIFICATION decision 5 and HOSTILE.md cases 106, 107 and 113.
#[test]
fn what_could_refuse_nothing_or_nothing_else_is_refused_with_its_line() {
    let any_of = |wanted: &str| {
        format!(
            "apiVersion: v1\nanyOf:\n  minimumMatches: {wanted}\n  signatures:\n  - {{kind: githubAction, owner: team}}\n"
        )
    };
    let invalid = "Not a valid configuration file: ";
    let cases = [
        ("allOf: ~\nanyOf: ~\n", 1, "neither `allOf` nor `anyOf` asks for a signature: nothing could be admitted".to_owned()),
        ("apiVersion: v1\nallOf: ~\n", 1, "config is missing signatures in both allOf and anyOff list".to_owned()),
        ("apiVersion: v1\nallOf: []\n", 2, "`allOf` is empty and there is no `anyOf`: nothing could be refused".to_owned()),
        (&any_of("0"), 3, "`anyOf.minimumMatches` is 0: nothing could be refused".to_owned()),
        (&any_of("2"), 3, "`anyOf.minimumMatches` is 2 of 1 signatures: nothing could be admitted".to_owned()),
        (&any_of("256"), 3, format!("{invalid}invalid value: integer `256`, expected u8")),
        (&any_of("-1"), 3, format!("{invalid}invalid value: integer `-1`, expected u8")),
        (&any_of("'1'"), 3, format!("{invalid}invalid type: string \\\"1\\\", expected u8")),
        ("apiVersion: v2\nallOf: []\n", 1, "Not a supported configuration version: Unsupported".to_owned()),
        ("apiVersion: v1\nallof: []\nanyOf: {signatures: []}\n", 1, "`allof` is no field of a verification config; there are `apiVersion`, `allOf` and `anyOf`".to_owned()),
        (
            "apiVersion: v1\nallOf:\n- {kind: githubAction, owner: a}\n- {kind: certificate}\n",
            4,
            format!("{invalid}unknown variant `certificate`, expected one of `pubKey`, `genericIssuer`, `githubAction`"),
        ),
    ];
    for (text, line, why) in cases {
        let place = format!("policy file `config.yml`, line {line} (document 1): ");
        assert_eq!(refusal(text), place + &why, "{text}");
    }
}

/// HOSTILE.md case 110, and what else a signature must be.
#[test]
fn each_part_of_a_signature_counts() {
    let generic = |subject: &str| {
        format!("{{kind: genericIssuer, issuer: {GITHUB_ACTIONS}, subject: {{{subject}}}}}")
    };
    let of = |owner: &str, repository: &str| {
        let facts = by_identity(WORKFLOW, GITHUB_ACTIONS);
        let crate::verify::Signer::Certificate { authority, mut identity } = facts.signer else {
            panic!("a keyless signature")
        };
        identity.extensions.insert(5, format!("{owner}/{repository}"));
        let signer = crate::verify::Signer::Certificate { authority, identity };
        Facts { signer, ..by_identity(WORKFLOW, GITHUB_ACTIONS) }
    };
    let team = of("team", "app");
    let unlogged = Facts { log_entries: Vec::new(), ..team.clone() };
    let without_sct = Facts { sct_logs: Vec::new(), ..team.clone() };
    let bundle = Facts { form: crate::verify::Form::Bundle, ..team.clone() };
    let elsewhere = by_identity(WORKFLOW, "https://issuer.example");
    let equal = generic(&format!("equal: '{WORKFLOW}'"));
    let prefix = |url: &str| generic(&format!("urlPrefix: '{url}'"));
    let cases = [
        (equal.clone(), &team, true),
        (equal.clone(), &elsewhere, false),
        (equal.clone(), &unlogged, false),
        (equal.clone(), &without_sct, false),
        (equal, &bundle, false),
        (generic(&format!("equal: '{WORKFLOW}x'")), &team, false),
        (prefix("https://github.com/team"), &team, true),
        (prefix("https://GITHUB.com:443/team/"), &team, true),
        (prefix("https://github.com/tea"), &team, false),
        (
            prefix("https://github.com/team/app/.github/workflows/a.yml@refs/heads/main"),
            &team,
            false,
        ),
        (prefix("https://github.com:8443/team"), &team, false),
        (prefix("https://me@github.com/team"), &team, false),
        ("{kind: githubAction, owner: team}".to_owned(), &team, true),
        ("{kind: githubAction, owner: team, repo: app}".to_owned(), &team, true),
        ("{kind: githubAction, owner: team, repo: apps}".to_owned(), &team, false),
        ("{kind: githubAction, owner: tea}".to_owned(), &team, false),
        ("{kind: githubAction, owner: team}".to_owned(), &of("other", "app"), false),
        (
            "{kind: githubAction, owner: team}".to_owned(),
            &by_identity(WORKFLOW, GITHUB_ACTIONS),
            false,
        ),
    ];
    for (signature, facts, wanted) in cases {
        assert_eq!(verdict(&signature, facts), wanted, "{signature}");
    }
}

#[test]
fn a_key_that_is_none_is_never_met_and_told() {
    let pem = |number| key_pem(number).replace('\n', "\\n");
    let text = format!(
        "apiVersion: v1\nanyOf:\n  signatures:\n  - {{kind: pubKey, key: no key}}\n  - {{kind: pubKey, key: \"{}\"}}\n",
        pem(1)
    );
    let [policy] = read(&text).unwrap().try_into().unwrap();
    assert_eq!(
        policy.remarks,
        ["line 4: `anyOf[0]`: its `key` is none that sealift verifies with, so nothing meets it"]
    );
    let config = VerificationConfig::parse(&text).unwrap();
    assert_eq!(config.judge(&[&by_key(1)]), Ok(()));
    let key = key_pem(1).replace('\n', "\n  ");
    assert_eq!(
        config.judge(&[&by_key(2)]),
        Err(format!(
            "Image verification failed: minimum number of signatures not reached: needed 1, got 0\n\
             The following constraints were not satisfied:\n\
             kind: pubKey\nowner: null\nkey: no key\nannotations: null\n\
             kind: pubKey\nowner: null\nkey: |\n  {}\nannotations: null\n",
            key.trim_end()
        ))
    );
}

/// A `ConfigMap` whose config begins in line 6.
fn config_map(name: &str, config: &str) -> String {
    let config = config.trim_end().replace('\n', "\n    ");
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: kubewarden}}\n\
         data:\n  verification-config: |\n    {config}\n"
    )
}

const SERVER: &str = "apiVersion: policies.kubewarden.io/v1\nkind: PolicyServer\n\
                      metadata: {name: default}\nspec:\n  replicas: 1\n  \
                      verificationConfig: signers\n";

#[test]
fn a_carried_config_is_a_policy_by_the_name_of_its_map() {
    let config = "apiVersion: v1\nallOf:\n- {kind: githubAction, owner: team}\n";
    let carried = config_map("signers", config);
    let quoted = serde_json::json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": { "name": "signers" },
        "data": { "verification-config": config, "other": "a" },
    });
    let [alone] = read(config).unwrap().try_into().unwrap();
    for (text, id, origin) in [
        (carried.clone(), "kubewarden/signers", "config.yml:6"),
        (format!("{SERVER}---\n{carried}"), "kubewarden/signers", "config.yml:13"),
        (format!("{carried}---\n{SERVER}"), "kubewarden/signers", "config.yml:6"),
        (quoted.to_string(), "signers", "config.yml:1"),
    ] {
        let [policy] = read(&text).unwrap().try_into().unwrap();
        assert_eq!((policy.id.as_str(), policy.format), (id, alone.format), "{text}");
        assert_eq!(policy.origin.to_string(), origin);
        assert_eq!(format!("{:?}", policy.rule), format!("{:?}", alone.rule));
        assert_eq!(policy.remarks, Vec::<String>::new());
    }
    let trusting = format!("{SERVER}  sigstoreTrustConfig: own\n---\n{carried}");
    let [policy] = read(&trusting).unwrap().try_into().unwrap();
    assert_eq!(
        policy.remarks,
        [
            "the policy server has a trust of its own, the ConfigMap `own`: give its trusted root by \
          `--trusted-root`"
        ]
    );
    // A server that verifies nothing says nothing of images.
    let silent = SERVER.replace("  verificationConfig: signers\n", "");
    let [policy] = read(&format!("{silent}---\n{config}")).unwrap().try_into().unwrap();
    assert_eq!(
        policy.remarks,
        [
            "the PolicyServer at config.yml:1 has no `spec.verificationConfig`: by it nothing is decided"
        ]
    );
}

#[test]
fn what_carries_no_config_is_refused_with_its_line() {
    let documents = |found| format!("`verification-config` holds {found} documents; one is read");
    let empty = "`allOf` is empty and there is no `anyOf`: nothing could be refused".to_owned();
    let not_given =
        "`spec.verificationConfig` is `signers`: give that ConfigMap too, with the key \
                     `verification-config`"
            .to_owned();
    let json = |config: &str| {
        let map =
            serde_json::json!({ "kind": "ConfigMap", "data": { "verification-config": config } });
        map.to_string()
    };
    let without = SERVER.replace("  verificationConfig: signers\n", "");
    let other =
        config_map("others", "apiVersion: v1\nallOf:\n- {kind: githubAction, owner: team}\n");
    let cases = [
        (config_map("a", "apiVersion: v1\nallOf: []\n"), 7, 1, empty.clone()),
        (config_map("a", "# head\n---\napiVersion: v1\nallOf: []\n"), 9, 1, empty.clone()),
        (config_map("a", "allOf: []\n").replace(": |", ": |2+ # it"), 6, 1, empty.clone()),
        (config_map("a", "allOf: []\n").replace(": |", ": |-\n\n"), 8, 1, empty.clone()),
        (json("apiVersion: v1\nallOf: []\n"), 1, 1, empty),
        (json(""), 1, 1, documents(0)),
        (config_map("a", "# nothing\n"), 6, 1, documents(0)),
        (
            config_map("a", "allOf: []\n---\nallOf: []\n"),
            6,
            1,
            documents(2),
        ),
        (
            config_map("a", "allOf: []\nallOf: []\n"),
            7,
            1,
            "duplicate mapping key: allOf".to_owned(),
        ),
        (SERVER.to_owned(), 6, 1, not_given.clone()),
        (format!("{other}---\n{SERVER}"), 15, 2, not_given),
        (
            without,
            1,
            1,
            "the PolicyServer has no `spec.verificationConfig`: there is nothing to decide by"
                .to_owned(),
        ),
        (
            SERVER.replace("io/v1", "io/v2"),
            1,
            1,
            "apiVersion is `policies.kubewarden.io/v2`; sealift reads policies.kubewarden.io/v1 and \
             v1alpha2"
                .to_owned(),
        ),
    ];
    for (text, line, document, why) in cases {
        let place = format!("policy file `config.yml`, line {line} (document {document}): ");
        assert_eq!(refusal(&text), place + &why, "{text}");
    }
}
