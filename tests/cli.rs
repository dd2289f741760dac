//! The command as a user meets it: exit status, what is said where, and the demo archive's verdicts.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test runs the binary and stops where that fails"
)]

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealift::digest::Digest;
use serde_json::Value;

const SERVER: &str = "registry.sealift.example/demo/server:2.1.0";
const AS_OF: [&str; 2] = ["--verification-time", "2027-01-01T00:00:00Z"];

fn demo(name: &str) -> String {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/demo");
    home.join(name).into_os_string().into_string().unwrap()
}

/// Trusted root and policy of the demo.
fn judged() -> Vec<String> {
    let mut arguments: Vec<String> = AS_OF.map(str::to_owned).to_vec();
    for (flag, file) in [("--trusted-root", "trusted_root.json"), ("--policy", "policy.yaml")] {
        arguments.extend([flag.to_owned(), demo(file)]);
    }
    arguments
}

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sealift"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("SEALIFT_")) {
        command.env_remove(name);
    }
    command
}

fn run<A: AsRef<str>>(arguments: &[A]) -> Output {
    command().args(arguments.iter().map(AsRef::as_ref)).output().unwrap()
}

fn verify(archive: &str, more: &[&str]) -> Output {
    let mut arguments = vec!["verify".to_owned(), archive.to_owned()];
    arguments.extend(judged());
    arguments.extend(more.iter().map(|&argument| argument.to_owned()));
    run(&arguments)
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

fn codes(report: &Value) -> Vec<String> {
    let images = report["images"].as_array().unwrap();
    let reasons = images.iter().flat_map(|image| image["reasons"].as_array().unwrap());
    reasons.map(|reason| reason["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_demo_is_admitted() {
    let output = verify(&demo("upgrade.tar"), &[]);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
    let told = text(&output.stdout);
    assert!(told.starts_with("admitted: 3 images\n\nADMITTED registry."), "{told}");
    assert!(told.lines().all(|line| line.len() <= 80), "{told}");
}

/// HOSTILE.md case 118: a name that is no text, where the locale has ASCII alone.
#[test]
fn a_name_that_is_no_text() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(OsStr::from_bytes(b"up\xffgrade.tar"));
    fs::copy(demo("upgrade.tar"), &path).unwrap();
    let mut verify = command();
    verify.env("LC_ALL", "C").arg("verify").arg(&path).args(judged());
    let output = verify.output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
    fs::remove_file(&path).unwrap();
    let output = verify.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).starts_with("error: "), "{output:?}");
}

/// `sealift verify - < archive` tells what `sealift verify archive` does, for any number of jobs.
#[test]
fn the_report_is_the_same_for_any_jobs_and_for_a_stream() {
    let archive = demo("upgrade.tar");
    for format in ["text", "json"] {
        let first = verify(&archive, &["--format", format, "--jobs", "1"]).stdout;
        for jobs in ["2", "3", "16"] {
            assert!(verify(&archive, &["--format", format, "--jobs", jobs]).stdout == first);
        }
        let mut streamed = command();
        streamed.args(["verify", "-", "--format", format]).args(judged());
        let streamed = streamed.stdin(fs::File::open(&archive).unwrap()).output().unwrap();
        assert!(streamed.stdout == first, "{}", text(&streamed.stderr));
    }
}

#[test]
fn one_image_can_be_judged_by_any_of_its_names() {
    let archive = demo("upgrade.tar");
    let report = json(&verify(&archive, &["--format", "json", "--image", SERVER]));
    assert_eq!(report["summary"]["images"], 1);
    let digest = report["images"][0]["digest"].as_str().unwrap().to_owned();
    let with_digest = format!("registry.sealift.example/demo/server@{digest}");
    for selector in [digest.as_str(), with_digest.as_str()] {
        let again = json(&verify(&archive, &["--format", "json", "--image", selector]));
        assert_eq!(again, report, "{selector}");
    }
    let other = format!("registry.sealift.example/demo/agent@{digest}");
    for selector in [other.as_str(), "registry.sealift.example/demo/server:2.1.1", "nothing"] {
        let output = verify(&archive, &["--image", selector]);
        assert_eq!(output.status.code(), Some(2), "{selector}");
        assert!(text(&output.stderr).starts_with("error: no image of the archive is `"));
    }
}

/// VERIFICATION decision 15: a child without evidence of its own is admitted through its index.
#[test]
fn a_child_is_admitted_through_the_index_that_lists_it() {
    let archive = demo("upgrade.tar");
    let report = json(&verify(&archive, &["--format", "json", "--image", SERVER]));
    let (index, child) =
        (&report["images"][0]["digest"], &report["images"][0]["children"][0]["digest"]);
    let selected = ["--format", "json", "--image", child.as_str().unwrap()];
    let output = verify(&archive, &selected);
    assert_eq!(output.status.code(), Some(0));
    let report = json(&output);
    assert_eq!(report["images"][0]["digest"], *child);
    assert_eq!(report["images"][0]["through"], *index);
}

/// The demo as a directory, with `change` done to it.
fn changed(change: impl FnOnce(&Path)) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    tar::Archive::new(fs::File::open(demo("upgrade.tar")).unwrap()).unpack(home.path()).unwrap();
    change(home.path());
    home
}

fn blob(home: &Path, digest: &Value) -> PathBuf {
    home.join("blobs").join(digest.as_str().unwrap().replace(':', "/"))
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn flip_a_byte(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}

/// The places of the agent's image in the demo, a single-platform image signed by key.
fn agent(home: &Path) -> (Value, Value) {
    let index = read(&home.join("index.json"));
    let mut entries = index["manifests"].as_array().unwrap().iter();
    let named = |entry: &&Value| {
        entry["annotations"].as_object().is_some_and(|annotations| {
            annotations.values().any(|value| value.as_str().unwrap().contains("demo/agent:"))
        })
    };
    let digest = entries.find(named).unwrap()["digest"].clone();
    let manifest = read(&blob(home, &digest));
    (digest, manifest)
}

/// Issue 2, "done when" 2: each flipped byte is denied with a message that names what it hit.
#[test]
fn a_flipped_byte_is_denied_and_named() {
    type Choose = fn(&Path) -> Value;
    let cases: [(&str, &str, Choose); 3] = [
        ("manifest", "digest-mismatch", |home| agent(home).0),
        ("config", "digest-mismatch", |home| agent(home).1["config"]["digest"].clone()),
        ("layer", "digest-mismatch", |home| agent(home).1["layers"][0]["digest"].clone()),
    ];
    for (part, code, choose) in cases {
        let home = changed(|home| flip_a_byte(&blob(home, &choose(home))));
        let output = verify(home.path().to_str().unwrap(), &["--format", "json"]);
        assert_eq!(output.status.code(), Some(1), "{part}: {}", text(&output.stderr));
        let report = json(&output);
        assert_eq!(report["summary"]["denied"], 1, "{part}");
        let wrong: Vec<_> = report["images"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|image| image["reasons"].as_array().unwrap())
            .filter(|reason| reason["code"] == code)
            .collect();
        assert_eq!(wrong[0]["blob"]["part"], part, "{report}");
    }
}

#[test]
fn a_layer_that_is_not_there_is_denied_unless_only_evidence_is_judged() {
    let home = changed(|home| {
        fs::remove_file(blob(home, &agent(home).1["layers"][0]["digest"])).unwrap();
    });
    let archive = home.path().to_str().unwrap();
    let output = verify(archive, &["--format", "json"]);
    assert_eq!(
        (output.status.code(), codes(&json(&output))),
        (Some(1), vec!["missing-blob".into()])
    );
    let output = verify(archive, &["--format", "json", "--evidence-only"]);
    assert_eq!(output.status.code(), Some(0));
    let images = json(&output)["images"].as_array().unwrap().clone();
    let absent: Vec<_> = images.iter().flat_map(|i| i["absent"].as_array().unwrap()).collect();
    assert_eq!((absent.len(), &absent[0]["part"]), (1, &Value::from("layer")));
}

/// Evidence whose bytes are wrong proves nothing; the image's own bytes are as they were.
#[test]
fn wrong_evidence_is_a_rejection() {
    let home = changed(|home| {
        let (digest, _) = agent(home);
        let tag = format!("{}.sig", digest.as_str().unwrap().replace(':', "-"));
        let index = read(&home.join("index.json"));
        let mut entries = index["manifests"].as_array().unwrap().iter();
        let named = |entry: &&Value| entry["annotations"].to_string().contains(&tag);
        let signature = entries.find(named).unwrap()["digest"].clone();
        let manifest = read(&blob(home, &signature));
        flip_a_byte(&blob(home, &manifest["layers"][0]["digest"]));
    });
    let output = verify(home.path().to_str().unwrap(), &["--format", "json"]);
    let report = json(&output);
    assert_eq!((output.status.code(), codes(&report)), (Some(1), vec!["policy-not-met".into()]));
    let images = report["images"].as_array().unwrap();
    let denied = images.iter().find(|image| image["verdict"] == "denied").unwrap();
    assert_eq!(denied["evidence"][0]["finding"], "rejected");
    assert_eq!(denied["evidence"][0]["code"], "digest-mismatch");
}

#[test]
fn an_image_that_no_policy_covers_is_denied() {
    let home = tempfile::tempdir().unwrap();
    let policy = home.path().join("policy.yaml");
    let whole = fs::read_to_string(demo("policy.yaml")).unwrap();
    fs::write(&policy, whole.split("\n---\n").next().unwrap()).unwrap();
    let (root, archive) = (demo("trusted_root.json"), demo("upgrade.tar"));
    let policy = policy.to_str().unwrap();
    let common = ["verify", &archive, "--trusted-root", &root, "--policy", policy];
    let output = run(&[&common[..], &AS_OF, &["--format", "json"]].concat());
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(codes(&json(&output)), ["uncovered", "uncovered"]);
}

/// Name, verdict and the original system's words for each image that has a name, by name.
fn verdicts(report: &Value) -> Vec<[&str; 3]> {
    let mut told = Vec::new();
    for image in report["images"].as_array().unwrap() {
        if let Some(name) = image["names"][0].as_str() {
            let message = image["reasons"][0]["failure"]["message"].as_str().unwrap_or_default();
            told.push([name, image["verdict"].as_str().unwrap(), message]);
        }
    }
    told.sort_unstable();
    told
}

/// `policy.json`: one scope is signed for, everything else rejected, by the policy's own trust.
#[test]
fn a_policy_of_containers_image_judges_by_scope() {
    const AGENT: &str = "registry.sealift.example/demo/agent";
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("policy.json");
    let judged = |requirement: Value| {
        let policy = serde_json::json!({
            "default": [{"type": "reject"}],
            "transports": {"docker": {AGENT: [requirement]}},
        });
        fs::write(&file, policy.to_string()).unwrap();
        let (archive, policy) = (demo("upgrade.tar"), file.to_str().unwrap());
        run(&[&["verify", &archive, "--policy", policy][..], &AS_OF, &["--format", "json"]]
            .concat())
    };
    let signed = |identity: &str| {
        serde_json::json!({
            "type": "sigstoreSigned",
            "keyPath": demo("cosign.pub"),
            "signedIdentity": {"type": identity},
        })
    };
    let rejected = |name: &str| format!("Running image docker://{name} is rejected by policy.");
    let (agent, console) =
        (format!("{AGENT}:1.4.2"), "registry.sealift.example/demo/console:3.0.0");
    let (no_console, no_server) = (rejected(console), rejected(SERVER));
    let other = format!("Signature for identity \"{AGENT}\" is not accepted");
    for (identity, verdict, message) in
        [("matchRepository", "admitted", ""), ("matchExact", "denied", &other)]
    {
        let output = judged(signed(identity));
        let report = json(&output);
        let told = verdicts(&report);
        let wanted = [
            [agent.as_str(), verdict, message],
            [console, "denied", no_console.as_str()],
            [SERVER, "denied", no_server.as_str()],
        ];
        assert_eq!((output.status.code(), &told[..]), (Some(1), &wanted[..]), "{identity}");
    }
    fs::write(&file, r#"{"default": [{"type": "insecureAcceptAnything"}]}"#).unwrap();
    let policy = file.to_str().unwrap();
    let accepted = verify(&demo("upgrade.tar"), &["--policy", policy, "--image", SERVER]);
    let told = text(&accepted.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
    let word = "admits by its own word (insecureAcceptAnything), nothing was verified for it: ";
    assert!(accepted.status.success() && told.contains(word), "{told}");
    let gone = judged(serde_json::json!({"type": "sigstoreSigned", "keyPath": "/gone"}));
    assert_eq!(gone.status.code(), Some(2));
    let told = text(&gone.stderr);
    let field = format!("transports.docker[\"{AGENT}\"][0].keyPath");
    let wanted = format!("`{field}` names the file `/gone`, which cannot be read");
    assert!(told.contains(&wanted) && told.contains("policy.json`, line 1"), "{told}");
}

#[test]
fn usage_errors_end_in_2_and_say_what_to_do() {
    let (archive, key) = (demo("upgrade.tar"), demo("cosign.pub"));
    let no_root = format!(
        "error: trusted root `{key}` cannot be used: no trusted root: invalid number at line 1 column 2\n"
    );
    let cases: [(&[&str], &str); 6] = [
        (&["verify", &archive, "--key", &key, "--trusted-root", &key], &no_root),
        (
            &["verify", &archive],
            "error: nothing says what is acceptable\n\
             hint: give `--policy FILE`, or a signer: `--key FILE`, or `--certificate-identity` with \
             `--certificate-oidc-issuer`\n",
        ),
        (
            &["verify", &archive, "--certificate-identity", "a"],
            "error: an identity needs an issuer\n\
             hint: anybody can have any name of some issuer: give `--certificate-oidc-issuer`; only \
             with `--ca-roots` none is needed\n",
        ),
        (
            &["verify-bundle", "--bundle", "b.json", "sha256:00"],
            "error: no signer is named\n\
             hint: give `--key FILE`, or `--certificate-identity` with `--certificate-oidc-issuer`\n",
        ),
        (
            &["verify", &archive, "--policy", "/nowhere/p.yaml"],
            "error: policy file `/nowhere/p.yaml` cannot be read: No such file or directory (os error 2)\n",
        ),
        (&["inspect", "/nowhere/a.tar"], "error: archive `/nowhere/a.tar` cannot be read: "),
    ];
    for (arguments, said) in cases {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(text(&output.stdout), "", "{arguments:?}");
        let found = text(&output.stderr);
        assert!(found.starts_with(said), "{arguments:?}: {found}");
    }
    for arguments in [&["verify"][..], &["frobnicate"], &[]] {
        assert_eq!(run(arguments).status.code(), Some(2), "{arguments:?}");
    }
    for arguments in [&["--help"][..], &["verify", "--help"], &["--version"]] {
        assert_eq!(run(arguments).status.code(), Some(0), "{arguments:?}");
    }
}

#[test]
fn variables_stand_for_options() {
    let mut command = command();
    command.args(["verify", &demo("upgrade.tar"), "--format", "json"]);
    command.env("SEALIFT_TRUSTED_ROOT", demo("trusted_root.json"));
    command.env("SEALIFT_POLICY", demo("policy.yaml"));
    command.env("SEALIFT_VERIFICATION_TIME", AS_OF[1]);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(output.stdout, verify(&demo("upgrade.tar"), &["--format", "json"]).stdout);
}

/// A pinned root judges as an unpinned one does; any other is not even read.
#[test]
fn a_trusted_root_can_be_pinned() {
    let (archive, root) = (demo("upgrade.tar"), demo("trusted_root.json"));
    let shown = json(&run(&["trust", "show", &root, "--format", "json"]));
    let digest = shown["digest"].as_str().unwrap();
    let report = json(&verify(&archive, &["--trusted-root-digest", digest, "--format", "json"]));
    assert_eq!(report["verdict"], "admitted");
    let trust = &report["trust"];
    assert_eq!(
        (&trust["trustedRoot"], &trust["trustedRootFile"]),
        (&shown["digest"], &root.as_str().into())
    );
    let roles: Vec<_> = trust["used"]
        .as_array()
        .unwrap()
        .iter()
        .map(|anchor| anchor["role"].as_str().unwrap())
        .collect();
    assert_eq!(roles, ["certificate-authority", "ct-log", "log", "key"]);
    let log = &trust["used"][2];
    let logs = shown["logs"].as_array().unwrap();
    assert!(
        logs.iter().any(|known| known["url"] == log["name"] && known["key"]["id"] == log["id"])
    );

    let other = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let identity = ["--certificate-identity", "a", "--certificate-oidc-issuer", "b"];
    let pinned = ["--trusted-root", &root, "--trusted-root-digest", other];
    let bundle = [&["verify-bundle", "--bundle", "b.json", other][..], &pinned, &identity].concat();
    for arguments in [[&["verify", &archive][..], &pinned, &identity].concat(), bundle] {
        let output = run(&arguments);
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), ""), "{arguments:?}");
        let said = format!(
            "error: trusted root `{root}` is not the one pinned: {other} was asked for, the file has {digest}\n"
        );
        assert_eq!(text(&output.stderr), said);
    }
}

#[test]
fn trust_show_tells_what_is_trusted_and_what_cannot_be() {
    let root = demo("trusted_root.json");
    let output = run(&["trust", "show", &root]);
    assert_eq!(output.status.code(), Some(0));
    let told = text(&output.stdout);
    assert!(told.starts_with("root sha256:"), "{told}");
    assert!(told.contains(
        "\ncertificate authority https://fulcio.retired.virtual.sealift.example\n\
         \x20 since 2025-01-01T00:00:00Z until 2025-12-31T23:59:59.999Z\n\
         \x20 certificate CN=virtual-intermediate,O=retired.virtual.sealift.example\n"
    ));

    let home = tempfile::tempdir().unwrap();
    let mut document = read(Path::new(&root));
    let key = fs::read_to_string(demo("../accepted/keys/rsa2048.pub")).unwrap();
    let key: String = key.lines().filter(|line| !line.starts_with("-----")).collect();
    document["tlogs"][0]["publicKey"]["rawBytes"] = key.into();
    document["tlogs"][0]["publicKey"]["keyDetails"] = "PKIX_RSA_PSS".into();
    document["tlogs"][1]["hashAlgorithm"] = "SHA2_512".into();
    document["tlogs"][1]["baseUrl"] = "https://\u{1b}[2J\u{202e}".into();
    let odd = home.path().join("odd.json");
    fs::write(&odd, document.to_string()).unwrap();
    let output = run(&["trust", "show", odd.to_str().unwrap()]);
    let told = text(&output.stdout);
    assert!(told.is_ascii() && told.lines().all(|line| line.len() <= 80), "{told}");
    assert!(
        told.ends_with(
            "\nnot usable tlogs[0] https://rekor2025.virtual.sealift.example\n\
         \x20 why signatures by `PKIX_RSA_PSS` are not supported\n\n\
             not usable tlogs[1] https://\\u{1b}[2J\\u{202e}\n\
         \x20 why its tree is not hashed by SHA2_256\n"
        ),
        "{told}"
    );
    assert_eq!(run(&["trust", "show", "/nowhere"]).status.code(), Some(2));
}

#[test]
fn trust_show_tells_of_keys_and_certificates() {
    const KEY: &str = "sha256:71a2889e791f0ed80ce4ab533ea56cd04c678caf608f4717c16cb4b45ab7ef86";
    let told = |file: &str| {
        let output = run(&["trust", "show", &demo(file)]);
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""), "{file}");
        let told = text(&output.stdout).to_owned();
        let digest = Digest::sha256(&fs::read(demo(file)).unwrap());
        told.strip_prefix(&format!("file {digest}\n\n")).expect("the file's digest").to_owned()
    };
    assert_eq!(
        told("../accepted/keys/p256.pub"),
        format!("key ECDSA P-256\n  {KEY}\n  at any time\n")
    );
    assert_eq!(
        told("../accepted/keys/p256-in-use.json"),
        format!(
            "key ECDSA P-256\n  {KEY}\n  since 2026-03-01T12:00:00Z until 2026-03-01T12:00:00Z\n"
        )
    );
    assert_eq!(
        told("../negative/other-authority/roots.pem"),
        "certificate CN=virtual-root,O=private.example\n\
         \x20 sha256:0ac84da2d8876205ba98d7d8c092274a6afa92fae30c6b80191b530165ab2227\n\
         \x20 ECDSA P-384, since 2025-01-01T00:00:00Z until 2035-01-01T00:00:00Z\n"
    );
    let home = tempfile::tempdir().unwrap();
    let refused = |name: &str, bytes: &str, why: &str| {
        let file = home.path().join(name);
        fs::write(&file, bytes).unwrap();
        let output = run(&["trust", "show", file.to_str().unwrap()]);
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), ""), "{name}");
        let told = why.replace("FILE", &format!("`{}`", file.display()));
        assert_eq!(text(&output.stderr), format!("error: {told}\n"));
    };
    let weak = fs::read_to_string(demo("../accepted/keys/rsa1024.pub")).unwrap();
    let bits = "key FILE cannot be used: the RSA key has 1024 bits, not 2048 to 4096";
    refused("weak.pub", &weak, bits);
    refused(
        "secret.key",
        &weak.replace("PUBLIC", "PRIVATE"),
        "key FILE cannot be used: no public key: something other than a `PUBLIC KEY` block of PEM stands there",
    );
    let in_use = fs::read_to_string(demo("../accepted/keys/p256-in-use.json")).unwrap();
    refused(
        "prehashed.json",
        &in_use.replace("PKIX_ECDSA_P256_SHA_256", "PKIX_ED25519_PH"),
        "key FILE cannot be used: signatures by `PKIX_ED25519_PH` are not supported",
    );
}

/// HOSTILE.md case 115: a reader that goes away is no error.
/// What is scaffolded is a policy; with the demo's owner in it, it admits what that owner signed.
#[test]
fn a_verification_config_goes_from_scaffold_to_verdict() {
    let scaffold = run(&["policy", "scaffold", "verification-config"]);
    assert_eq!((scaffold.status.code(), text(&scaffold.stderr)), (Some(0), ""));
    let home = tempfile::tempdir().unwrap();
    let (archive, root) = (demo("upgrade.tar"), demo("trusted_root.json"));
    let verdict = |more: &[&str]| {
        let judged = ["verify", &archive, "--trusted-root", &root, "--image", SERVER];
        run(&[&judged[..], &AS_OF[..], more].concat()).status.code()
    };
    for (owner, wanted) in [("kubewarden", Some(1)), ("sealift-demo", Some(0))] {
        let config = home.path().join(owner);
        fs::write(&config, text(&scaffold.stdout).replace("kubewarden\n", &format!("{owner}\n")))
            .unwrap();
        let config = config.to_str().unwrap();
        assert_eq!(verdict(&["--policy", config]), wanted);
        assert_eq!(verdict(&["--verification-config-path", config]), wanted);
        assert_eq!(verdict(&["--github-owner", owner]), wanted);
    }
    assert_eq!(verdict(&["--github-owner", "sealift-demo", "--github-repo", "other"]), Some(1));
}

#[test]
fn a_closed_pipe_is_quiet() {
    let mut child = command()
        .args(["verify", &demo("upgrade.tar")])
        .args(judged())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
}

#[test]
fn inspect_says_that_nothing_was_verified() {
    let output = run(&["inspect", &demo("upgrade.tar")]);
    assert_eq!(output.status.code(), Some(0));
    let told = text(&output.stdout);
    assert!(told.starts_with("nothing here was verified: "), "{told}");
    assert!(told.contains(SERVER), "{told}");
    assert!(told.lines().all(|line| line.len() <= 80), "{told}");
    let report = json(&run(&["inspect", &demo("upgrade.tar"), "--format", "json"]));
    assert_eq!((&report["version"], &report["verified"]), (&1.into(), &false.into()));
    assert_eq!(report["images"].as_array().unwrap().len(), 3);
    let claims = &report["images"][0]["evidence"][0]["claims"][0];
    assert_eq!(claims["issuer"], "https://token.actions.githubusercontent.com");
    assert_eq!(claims["logEntries"][0]["promise"], true);
}

/// The words of every option are in the long help, once; both fit a terminal.
#[test]
fn long_help_teaches_and_short_help_is_short() {
    let help = |command: &[String], form| {
        let arguments: Vec<_> = command.iter().map(String::as_str).chain([form]).collect();
        text(&run(&arguments).stdout).to_owned()
    };
    let mut commands = vec![Vec::new()];
    let mut seen = Vec::new();
    while let Some(command) = commands.pop() {
        let (short, long) = (help(&command, "-h"), help(&command, "--help"));
        let lines = short.lines().chain(long.lines());
        let wide: Vec<_> = lines.filter(|line| line.chars().count() > 80).collect();
        assert_eq!(wide, [""; 0], "{command:?}");
        let (_, after) = long.split_once("\nCommands:\n").unwrap_or_default();
        let (further, _) = after.split_once("\n\n").unwrap_or_default();
        if further.is_empty() {
            assert!(long.len() > short.len(), "{command:?}");
        }
        // A name stands at the third column, the words beside it further right.
        let names = further.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
        let names = names.filter(|name| !name.is_empty() && *name != "help");
        commands.extend(names.map(|name| [&command[..], &[name.to_owned()]].concat()));
        seen.push(command.join(" "));
    }
    assert!(seen.contains(&"policy explain".to_owned()), "{seen:?}");
}

/// An archive on standard input that is cut short is an error, not a verdict.
#[test]
fn a_stream_that_ends_early_decides_nothing() {
    let bytes = fs::read(demo("upgrade.tar")).unwrap();
    let mut child = command()
        .args(["verify", "-"])
        .args(judged())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    // The command may stop reading first; what it then says is what counts.
    let _ = input.write_all(&bytes[..bytes.len() / 2]);
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), ""));
    assert!(text(&output.stderr).starts_with("error: archive `-` cannot be read: "));
}

/// The demo's trusted root as policy-controller's `TrustRoot`, with the certificate authority at `at`.
fn trust_root(at: usize) -> String {
    let root: Value =
        serde_json::from_slice(&fs::read(demo("trusted_root.json")).unwrap()).unwrap();
    let pem =
        |label: &str, der: &str| format!("-----BEGIN {label}-----\n{der}\n-----END {label}-----\n");
    let log = |log: &Value| {
        let key = pem("PUBLIC KEY", log["publicKey"]["rawBytes"].as_str().unwrap());
        serde_json::json!({
            "baseURL": log["baseUrl"],
            "hashAlgorithm": "sha-256",
            "publicKey": STANDARD.encode(key),
        })
    };
    let is_ecdsa =
        |log: &&Value| log["publicKey"]["keyDetails"].as_str().unwrap().starts_with("PKIX_ECDSA");
    let logs = |list: &str| -> Vec<Value> {
        root[list].as_array().unwrap().iter().filter(is_ecdsa).map(log).collect()
    };
    let authority = &root["certificateAuthorities"][at];
    let chain = authority["certChain"]["certificates"].as_array().unwrap().iter();
    let chain: String =
        chain.map(|one| pem("CERTIFICATE", one["rawBytes"].as_str().unwrap())).collect();
    serde_json::json!({
        "apiVersion": "policy.sigstore.dev/v1alpha1",
        "kind": "TrustRoot",
        "metadata": {"name": "demo"},
        "spec": {"sigstoreKeys": {
            "certificateAuthorities": [{
                "subject": {"organization": "demo", "commonName": "demo"},
                "uri": authority["uri"],
                "certChain": STANDARD.encode(chain),
            }],
            "tLogs": logs("tlogs"),
            "ctLogs": logs("ctlogs"),
        }},
    })
    .to_string()
}

/// A policy with a `TrustRoot` in another file needs no trusted root, and believes nobody else.
#[test]
fn a_policy_brings_its_own_trust() {
    let policy = fs::read_to_string(demo("policy.yaml")).unwrap();
    let policy = policy
        .split("---")
        .next()
        .unwrap()
        .replace("        identities:", "        trustRootRef: demo\n        identities:");
    let policy = policy + "      ctlog: {trustRootRef: demo}\n";
    let scratch = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = scratch.path().join(name);
        fs::write(&path, text).unwrap();
        path.into_os_string().into_string().unwrap()
    };
    let own = write("policy.yaml", &policy);
    let archive = demo("upgrade.tar");
    let outcomes = [0, 1].map(|at| {
        let root = write("root.yaml", &trust_root(at));
        let mut arguments = vec!["verify", &archive, "--image", SERVER, "--format", "json"];
        arguments.extend(AS_OF);
        arguments.extend(["--policy", &own, "--policy", &root]);
        let output = run(&arguments);
        (output.status.code(), text(&output.stderr).to_owned())
    });
    let codes: Vec<_> = outcomes.iter().map(|(code, _)| *code).collect();
    assert!(codes.contains(&Some(0)) && codes.contains(&Some(1)), "{outcomes:?}");
}

/// The remedy is about what refuses: the signer, what an attestation states, a policy over what
/// passed, or the policy's own word.
#[test]
fn what_to_do_next_is_about_what_refuses() {
    const SIGNER: &str = "{url: 'https://f.example', identities: [{issuer: \
                          'https://token.actions.githubusercontent.com', subjectRegExp: '^https'}]}";
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("policy.yaml");
    let next = |spec: &str| {
        let policy = format!(
            "apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\n\
             metadata: {{name: p}}\nspec: {{images: [{{glob: '**'}}], {spec}}}\n"
        );
        fs::write(&path, policy).unwrap();
        let policy = ["--policy", path.to_str().unwrap(), "--image", SERVER];
        let output = verify(&demo("upgrade.tar"), &policy);
        assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
        let (_, next) = text(&output.stdout).split_once("  next ").unwrap();
        let (next, _) = next.split_once("\n\n").unwrap();
        next.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let attested = |policy: &str| {
        format!(
            "authorities: [{{keyless: {SIGNER}, attestations: [{{name: built, predicateType: \
             'https://slsa.dev/provenance/v1', policy: {policy}}}]}}]"
        )
    };
    let signed = format!("authorities: [{{keyless: {SIGNER}}}]");
    let cases = [
        (signed.replace("'^https'", "'^http:'"), "compare who signed with whom the policy demands"),
        (
            attested("{type: cue, data: 'predicateType: \"another\"'}"),
            "compare what the attestation states with what the policy over it asks for",
        ),
        (
            format!(
                "{signed}, policy: {{type: cue, data: 'authorityMatches: none: {{}}, a: 1 & 2'}}"
            ),
            "see what `spec.policy` asks for besides the signers; `sealift admit` shows it an object",
        ),
        (
            "authorities: [{static: {action: fail}}]".to_owned(),
            "nothing: the policy itself refuses it, whoever signed",
        ),
    ];
    for (spec, wanted) in cases {
        assert_eq!(next(&spec), wanted, "{spec}");
    }
    let signer = [
        "--certificate-identity=maintainer@sealift.example",
        "--certificate-oidc-issuer=https://accounts.sealift.example",
        "--require-inclusion-proof",
    ];
    let (archive, root) = (demo("../accepted/legacy-keyless.tar"), demo("trusted_root.json"));
    let judged = ["verify", &archive, "--trusted-root", &root];
    let output = run(&[&judged[..], &AS_OF, &signer].concat());
    let told = text(&output.stdout);
    assert!(
        told.contains(
            "\n  next the signer is right: docs/rejections.md says what can bring the proof\n\
             \x20      that is lacking\n"
        ),
        "{told}"
    );
}
