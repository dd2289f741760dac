//! `sealift mirror` as a user meets it: maps, what is emitted, and the matrix of consumers.

use std::fs;
use std::path::Path;
use std::process::Command;

use sealift::oci::Descriptor;
use serde_json::{Value, json};

use crate::mirror::{ADMIT_ALL, Held, Layout, memory};
use crate::server::{Answer, Server};

/// Exit status, standard output and standard error, the registry's port left out.
type Said = (Option<i32>, String, String);

fn mirror(home: &Path, server: &Server, more: &[&str]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sealift"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("SEALIFT_")) {
        command.env_remove(name);
    }
    let to = format!("{}/far", server.host());
    let more: Vec<_> = more.iter().map(|it| it.replace("HOST", &server.host())).collect();
    let output = command
        .current_dir(home)
        .args(["mirror", "in.tar", "--policy", "all.yaml", "--plain-http", "--to", &to])
        .args(more)
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr]
        .map(|bytes| String::from_utf8(bytes).unwrap().replace(&server.host(), "HOST"));
    let [stdout, stderr] = said;
    (output.status.code(), stdout, stderr)
}

/// `app` with a signature under its tag, `lib` with nothing.
fn home() -> (tempfile::TempDir, Descriptor, Descriptor) {
    let mut layout = Layout::default();
    let app = layout.artifact("application/vnd.example", b"layer", None);
    let signature = layout.artifact("application/vnd.example", b"signature", None);
    let lib = layout.artifact("application/vnd.example", b"lib", None);
    layout.list(app.clone(), Some("r.example/team/app:v1"));
    layout.list(lib, Some("s.example/lib:v2"));
    let tag = format!("r.example/team/app:sha256-{}.sig", app.digest.hex());
    layout.list(signature.clone(), Some(&tag));
    let home = tempfile::tempdir().unwrap();
    layout.write(&home.path().join("in.tar"));
    fs::write(home.path().join("all.yaml"), ADMIT_ALL).unwrap();
    (home, app, signature)
}

fn after<'a>(text: &'a str, begin: &str) -> &'a str {
    text.find(begin).map_or("", |at| &text[at..])
}

#[test]
fn the_matrix_is_told() {
    let (home, _, _) = home();
    let server = memory(&Held::default(), |_| None);
    let (code, stdout, stderr) = mirror(home.path(), &server, &["--prove"]);
    let matrix = "\
read back: every consumer finds what it reads
  cosign 2            cosign 3            containers/image    Kyverno
HOST/far/team/app:v1
  1 found             1 found             1 found             1 found
HOST/far/lib:v2
  -                   -                   -                   -
";
    assert_eq!((code, after(&stdout, "read back"), stderr.as_str()), (Some(0), matrix, ""));
}

/// What stands in the way of a mirror's files is found before anything is asked or pushed.
#[test]
fn what_is_written_beside_is_known_first() {
    let (home, _, _) = home();
    let server = memory(&Held::default(), |_| None);
    let before = fs::read(home.path().join("in.tar")).unwrap();
    for (receipt, said) in [
        ("in.tar", "error: `in.tar` is given as `--receipt` and as `ARCHIVE`\n"),
        ("./in.tar", "error: `./in.tar` is given as `--receipt` and as `ARCHIVE`\n"),
        ("no/r.json", "error: `no/r.json` cannot be written: entity not found\n"),
        ("/dev/null", "error: `/dev/null` cannot be written: it is there and no file\n"),
    ] {
        let found = mirror(home.path(), &server, &["--receipt", receipt]);
        assert_eq!(found, (Some(2), String::new(), said.to_owned()), "{receipt}");
    }
    assert_eq!((server.lines().len(), fs::read(home.path().join("in.tar")).unwrap()), (0, before));
    // Where nothing is admitted there is nothing to write and nothing to read back.
    let more = ["--require-ledger", "--receipt", "r.json", "--emit", "e", "--prove"];
    let (code, stdout, stderr) = mirror(home.path(), &server, &more);
    assert_eq!((code, stderr.as_str()), (Some(1), ""), "{stdout}");
    assert!(stdout.contains("the archive carries no ledger [no-ledger]"), "{stdout}");
    assert_eq!((after(&stdout, "read back"), after(&stdout, "wrote")), ("", ""));
    let mut names: Vec<_> =
        fs::read_dir(home.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["all.yaml", "in.tar"]);
    assert!(server.lines().iter().all(|line| line.starts_with("HEAD ")), "{:?}", server.lines());
}

/// A registry that forgets the tag of the signature.
#[test]
fn what_a_consumer_does_not_find_is_told() {
    let (home, app, signature) = home();
    let tag = format!("sha256-{}.sig", app.digest.hex());
    let lost = format!("/manifests/{tag}");
    let server = memory(&Held::default(), move |asked| {
        (asked.method == "GET" && asked.target.ends_with(&lost)).then(|| Answer::new(404))
    });
    let (code, stdout, _) = mirror(home.path(), &server, &["--prove"]);
    let losses = ["cosign 2", "cosign 3", "containers/image", "Kyverno"].map(|consumer| {
        let lead = format!("\nnot found by {consumer}: HOST/far/team/app:v1\n");
        let why = format!("  there is no tag\n  {tag}\n");
        format!("{lead}  {}\n  of {}\n{why}", signature.digest, app.digest)
    });
    let matrix = format!(
        "\
read back: 4 not found
  cosign 2            cosign 3            containers/image    Kyverno
HOST/far/team/app:v1
  0, 1 NOT FOUND      0, 1 NOT FOUND      0, 1 NOT FOUND      0, 1 NOT FOUND
HOST/far/lib:v2
  -                   -                   -                   -
{}",
        losses.concat()
    );
    assert_eq!((code, after(&stdout, "read back")), (Some(1), matrix.as_str()));

    let (code, stdout, _) = mirror(home.path(), &server, &["--prove", "--format", "json"]);
    let found: Value = serde_json::from_str(&stdout).unwrap();
    let views = |found: usize, lost: &Value| {
        let consumers = ["cosign-2", "cosign-3", "containers-image", "kyverno"];
        let view = |consumer| json!({"consumer": consumer, "found": found, "lost": lost});
        consumers.map(view)
    };
    let why = format!("there is no tag {tag}");
    let loss = json!([{"digest": signature.digest, "subject": app.digest, "why": why}]);
    let lib = &found["pushed"][1]["digest"];
    let proof = json!({"version": 1, "lost": 4, "images": [
        {"name": "HOST/far/team/app:v1", "digest": app.digest, "consumers": views(0, &loss)},
        {"name": "HOST/far/lib:v2", "digest": lib, "consumers": views(0, &json!([]))},
    ]});
    assert_eq!((code, &found["proof"]), (Some(1), &proof));
}

#[test]
fn what_is_emitted_is_whole_or_not_there() {
    let (home, _, _) = home();
    let server = memory(&Held::default(), |_| None);
    let receipt = home.path().join("receipt.json");
    let receipt_at = receipt.to_str().unwrap();
    let arguments = ["--map", "r.example/team=HOST/blue", "--emit", "out", "--receipt", receipt_at];
    let (code, stdout, stderr) = mirror(home.path(), &server, &arguments);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(
        stdout.contains("\npushed HOST/blue/app:v1\n  from r.example/team/app:v1\n"),
        "{stdout}"
    );
    let told: String = stdout[stdout.find("\nwrote ").unwrap()..].split_whitespace().collect();
    assert_eq!(told, format!("wrote{receipt_at}wroteout"));
    fs::remove_file(&receipt).unwrap();
    assert_eq!(
        stderr,
        "warning: containerd/certs.d/r.example/hosts.toml says nothing of r.example/team/app: \
         containerd keeps the path of a repository, and this one went to HOST/blue/app\n\
         warning: openshift/image-digest-mirror-set.yaml says nothing of HOST: a registry without \
         TLS is named in image.config.openshift.io/cluster, registrySources.insecureRegistries\n"
    );
    let text = |path: &str| {
        let text = fs::read_to_string(home.path().join("out").join(path)).unwrap();
        text.replace(&server.host(), "HOST")
    };
    assert_eq!(
        text("containerd/certs.d/s.example/hosts.toml"),
        "[host.\"http://HOST/v2/far\"]\n  capabilities = [\"pull\", \"resolve\"]\n  override_path = true\n"
    );
    assert!(text("rancher/registries.yaml").contains("      '^team/app$': 'blue/app'\n"));
    let names = |path: &Path| {
        let entries = fs::read_dir(path).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(
        names(&home.path().join("out")),
        ["containerd", "containers", "openshift", "rancher"]
    );

    // Nothing is replaced, and nothing is pushed for nothing.
    let asked = server.asked().len();
    let (code, stdout, stderr) = mirror(home.path(), &server, &arguments);
    assert_eq!((code, stdout.as_str()), (Some(2), ""));
    assert_eq!(stderr, "error: `out` is there already, and what is emitted replaces nothing\n");
    let (code, _, stderr) = mirror(home.path(), &server, &["--emit", "missing/out"]);
    assert_eq!(code, Some(2));
    assert!(stderr.starts_with("error: `missing/out` cannot be written: "), "{stderr}");
    assert_eq!(server.asked().len(), asked);

    // A push that fails leaves nothing.
    let failing = memory(&Held::default(), |asked| {
        (asked.method == "PUT" && asked.target.ends_with("/v1")).then(|| Answer::new(403))
    });
    let (code, _, _) = mirror(home.path(), &failing, &["--emit", "later"]);
    assert_eq!(
        (code, names(home.path())),
        (Some(2), ["all.yaml", "in.tar", "out"].map(str::to_owned).into())
    );
}

#[test]
fn maps_that_are_no_maps() {
    let (home, _, _) = home();
    let server = memory(&Held::default(), |_| None);
    for (map, said) in [
        (
            "r.example",
            "error: invalid value 'r.example' for '--map <SRC=DST>': `r.example` is not SRC=DST\n",
        ),
        (
            "r.example=other.example",
            "error: one run pushes into one registry, and HOST and other.example are two\n",
        ),
        ("t.example=HOST/x", "error: `t.example=HOST/x` places no image of the archive\n"),
        (
            "s.example/lib=HOST/far/team/app",
            "error: r.example/team/app and s.example/lib would both be HOST/far/team/app\n\
             hint: give one of them a place of its own: `--map registry.example/path=HOST/PATH`\n",
        ),
    ] {
        let (code, stdout, stderr) = mirror(home.path(), &server, &["--map", map]);
        assert_eq!((code, stdout.as_str()), (Some(2), ""));
        assert!(stderr.starts_with(said), "{map}: {stderr}");
    }
    assert_eq!(server.lines(), [] as [String; 0]);
}
