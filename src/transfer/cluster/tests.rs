use super::*;
use crate::digest::Digest;

fn landed(pairs: &[(&str, &str)]) -> Vec<Landed> {
    let landed = pairs.iter().map(|(source, name)| Landed {
        source: source.parse().unwrap(),
        name: name.parse().unwrap(),
        digest: Digest::sha256(b""),
        evidence: Vec::new(),
        replaced: Vec::new(),
        left_behind: Vec::new(),
        contents: BTreeMap::new(),
    });
    landed.collect()
}

fn files(config: &ClusterConfig) -> BTreeMap<&str, &str> {
    config.files.iter().map(|file| (file.path.as_str(), file.text.as_str())).collect()
}

fn omissions(config: &ClusterConfig) -> Vec<String> {
    config.omissions.iter().map(|it| format!("{}: {}: {}", it.path, it.source, it.why)).collect()
}

const HOSTS: &str = "\
[host.\"https://in.example/v2/far\"]
  capabilities = [\"pull\", \"resolve\"]
  override_path = true
";

/// What every format says of one prefix; the names of OpenShift are put in by [`with_names`].
const EVERY_FORMAT: [(&str, &str); 6] = [
    (
        "containers/registries.conf.d/50-sealift.conf",
        "\
# A drop-in for /etc/containers/registries.conf.d.

[[registry]]
prefix = \"docker.io/library/busybox\"
location = \"docker.io/library/busybox\"

[[registry.mirror]]
location = \"in.example/far/library/busybox\"

[[registry]]
prefix = \"docker.io/user/tool\"
location = \"docker.io/user/tool\"

[[registry.mirror]]
location = \"in.example/far/user/tool\"

[[registry]]
prefix = \"r.example:5000/team/app.web\"
location = \"r.example:5000/team/app.web\"

[[registry.mirror]]
location = \"in.example/far/team/app.web\"
",
    ),
    ("containerd/certs.d/docker.io/hosts.toml", HOSTS),
    ("containerd/certs.d/r.example_5000_/hosts.toml", HOSTS),
    (
        "rancher/registries.yaml",
        "\
# For /etc/rancher/k3s or /etc/rancher/rke2.
mirrors:
  \"docker.io\":
    endpoint:
      - \"https://in.example\"
    rewrite:
      '^library/busybox$': 'far/library/busybox'
      '^user/tool$': 'far/user/tool'
  \"r.example:5000\":
    endpoint:
      - \"https://in.example\"
    rewrite:
      '^team/app\\.web$': 'far/team/app.web'
",
    ),
    (
        "openshift/image-digest-mirror-set.yaml",
        "\
apiVersion: config.openshift.io/v1
kind: ImageDigestMirrorSet
metadata:
  name: sealift-DIGESTS
spec:
  imageDigestMirrors:
    - source: \"docker.io/library/busybox\"
      mirrors:
        - \"in.example/far/library/busybox\"
    - source: \"docker.io/user/tool\"
      mirrors:
        - \"in.example/far/user/tool\"
    - source: \"r.example:5000/team/app.web\"
      mirrors:
        - \"in.example/far/team/app.web\"
",
    ),
    (
        "openshift/image-tag-mirror-set.yaml",
        "\
apiVersion: config.openshift.io/v1
kind: ImageTagMirrorSet
metadata:
  name: sealift-TAGS
spec:
  imageTagMirrors:
    - source: \"docker.io/library/busybox\"
      mirrors:
        - \"in.example/far/library/busybox\"
    - source: \"r.example:5000/team/app.web\"
      mirrors:
        - \"in.example/far/team/app.web\"
",
    ),
];

#[test]
fn a_prefix_is_said_in_every_format() {
    let digest = Digest::sha256(b"");
    let config = ClusterConfig::of(
        &landed(&[
            ("r.example:5000/team/app.web:v1", "in.example/far/team/app.web:v1"),
            ("r.example:5000/team/app.web:v2", "in.example/far/team/app.web:v2"),
            ("busybox", "in.example/far/library/busybox:latest"),
            (
                &format!("docker.io/user/tool@{digest}"),
                &format!("in.example/far/user/tool@{digest}"),
            ),
            // Pulled by the name it has: nothing to say.
            ("in.example/own:v1", "in.example/own:v1"),
        ]),
        Access::Https,
    );
    assert_eq!(omissions(&config), Vec::<String>::new());
    let found = files(&config).into_iter().map(|(path, text)| (path, text.to_owned()));
    assert_eq!(found.collect::<BTreeMap<_, _>>(), with_names(BTreeMap::from(EVERY_FORMAT)));
}

/// Puts in the names, which are the digests of what stands below the field.
fn with_names<'a>(files: BTreeMap<&'a str, &str>) -> BTreeMap<&'a str, String> {
    let named = |text: &str, field: &str| {
        let entries = text.split_once(&format!("  {field}:\n")).map_or("", |(_, entries)| entries);
        Digest::sha256(entries.as_bytes()).hex()[..12].to_owned()
    };
    let named = |text: &str| {
        let digests = named(text, "imageDigestMirrors");
        text.replace("DIGESTS", &digests).replace("TAGS", &named(text, "imageTagMirrors"))
    };
    files.into_iter().map(|(path, text)| (path, named(text))).collect()
}

#[test]
fn what_a_format_cannot_say_is_left_out_by_name() {
    let config = ClusterConfig::of(
        &landed(&[
            ("r.example/team/app:v1", "in.example/far-team-app:v1"),
            ("s.example/a:v1", "in.example/one/a:v1"),
            ("s.example/b:v1", "in.example/two/b:v1"),
            ("in.example/old/c:v1", "in.example/new/c:v1"),
            ("[::1]:5000/d:v1", "in.example/d:v1"),
        ]),
        Access::Https,
    );
    assert_eq!(
        omissions(&config),
        [
            "containerd/certs.d/in.example/hosts.toml: in.example/old/c: containerd keeps the path of a repository, and this one went to in.example/new/c",
            "containerd/certs.d/r.example/hosts.toml: r.example/team/app: containerd keeps the path of a repository, and this one went to in.example/far-team-app",
            "containerd/certs.d/s.example/hosts.toml: s.example: its repositories went below several prefixes, and containerd has one place for a registry",
            "openshift/image-digest-mirror-set.yaml: [::1]:5000/d: OpenShift takes no IPv6 address as a registry",
            "openshift/image-tag-mirror-set.yaml: [::1]:5000/d: OpenShift takes no IPv6 address as a registry",
            "rancher/registries.yaml: in.example: k3s ignores a mirror at the registry's own address",
        ]
    );
    let files = files(&config);
    let written: Vec<_> = files.keys().copied().collect();
    assert_eq!(
        written,
        [
            "containerd/certs.d/[::1]_5000_/hosts.toml",
            "containers/registries.conf.d/50-sealift.conf",
            "openshift/image-digest-mirror-set.yaml",
            "openshift/image-tag-mirror-set.yaml",
            "rancher/registries.yaml",
        ]
    );
    assert_eq!(
        files["containerd/certs.d/[::1]_5000_/hosts.toml"],
        "[host.\"https://in.example\"]\n  capabilities = [\"pull\", \"resolve\"]\n"
    );
    assert!(!files["rancher/registries.yaml"].contains("old/c"));
    assert!(files["containers/registries.conf.d/50-sealift.conf"].contains("in.example/new/c"));
}

#[test]
fn without_tls_every_format_that_can_says_so() {
    let config =
        ClusterConfig::of(&landed(&[("r.example/a:v1", "in.example/a:v1")]), Access::PlainHttp);
    let files = files(&config);
    assert_eq!(
        files["containerd/certs.d/r.example/hosts.toml"],
        "[host.\"http://in.example\"]\n  capabilities = [\"pull\", \"resolve\"]\n"
    );
    assert!(
        files["containers/registries.conf.d/50-sealift.conf"]
            .ends_with("location = \"in.example/a\"\ninsecure = true\n")
    );
    assert_eq!(
        files["rancher/registries.yaml"].lines().skip(2).collect::<Vec<_>>(),
        ["  \"r.example\":", "    endpoint:", "      - \"http://in.example\""]
    );
    assert_eq!(
        omissions(&config),
        [
            "openshift/image-digest-mirror-set.yaml: in.example: a registry without TLS is named in image.config.openshift.io/cluster, registrySources.insecureRegistries"
        ]
    );
}

#[test]
fn nothing_moved_nothing_said() {
    assert_eq!(ClusterConfig::of(&[], Access::Https), ClusterConfig::default());
    let same = landed(&[("in.example/a:v1", "in.example/a:v1")]);
    assert_eq!(ClusterConfig::of(&same, Access::Https), ClusterConfig::default());
}

/// The YAML files say what they look like.
#[test]
fn the_yaml_is_yaml() {
    let config = ClusterConfig::of(
        &landed(&[("r.example:5000/team/a.b:v1", "in.example:443/far/team/a.b:v1")]),
        Access::Https,
    );
    let files = files(&config);
    let parsed = |path: &str| serde_saphyr::from_str::<serde_json::Value>(files[path]).unwrap();
    assert_eq!(
        parsed("rancher/registries.yaml"),
        serde_json::json!({"mirrors": {"r.example:5000": {
            "endpoint": ["https://in.example:443"],
            "rewrite": {"^team/a\\.b$": "far/team/a.b"},
        }}})
    );
    let mirrors = serde_json::json!([{"source": "r.example:5000/team/a.b", "mirrors": ["in.example:443/far/team/a.b"]}]);
    let set = parsed("openshift/image-tag-mirror-set.yaml");
    assert_eq!(set["spec"], serde_json::json!({ "imageTagMirrors": mirrors }));
    let set = parsed("openshift/image-digest-mirror-set.yaml");
    assert_eq!(set["spec"], serde_json::json!({ "imageDigestMirrors": mirrors }));
}
