use super::*;

fn parse(text: &str) -> Result<List, String> {
    List::parse(text, &Limits::default()).map_err(|error| match std::error::Error::source(&error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    })
}

/// Line, image and platform of each entry, then what is left over, then the destinations.
fn told(text: &str) -> Vec<String> {
    let List { entries, tags, left_over, destinations } = parse(text).unwrap();
    let entries = entries.iter().map(|ListEntry { line, location, platform }| {
        let place = match location {
            Location::Registry(reference) => reference.to_string(),
            archive @ Location::Archive { .. } => format!("{archive:?}"),
        };
        let platform = platform.as_ref().map(|it| format!(" for {it}")).unwrap_or_default();
        format!("{line} {place}{platform}")
    });
    let mut told: Vec<_> = entries.collect();
    told.extend(tags.iter().map(|tags| format!("{} {tags}", tags.line)));
    told.extend(left_over.iter().map(|left| format!("left over: {left}")));
    if destinations > 0 {
        told.push(format!("{destinations} destinations"));
    }
    told
}

const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

#[test]
fn lines_of_images() {
    let text = "\u{feff}# Rancher 2.9\r\nrancher/rancher:v2.9.0\r\n\r\n  docker.io/rancher/klipper-helm:v0.8.2  # k3s\r\n\tdocker://ghcr.io/a/b@DIGEST\r\nbusybox".replace("DIGEST", DIGEST);
    assert_eq!(
        told(&text),
        [
            "2 docker.io/rancher/rancher:v2.9.0".to_owned(),
            "4 docker.io/rancher/klipper-helm:v0.8.2".to_owned(),
            format!("5 ghcr.io/a/b@{DIGEST}"),
            "6 docker.io/library/busybox:latest".to_owned(),
        ]
    );
    // A comment is no key of YAML.
    assert_eq!(told("# images: all\nbusybox:1 # kind: x\n"), ["2 docker.io/library/busybox:1"]);
    assert_eq!(told(""), Vec::<String>::new());
    assert_eq!(told("# nothing\n\n"), Vec::<String>::new());
}

#[test]
fn a_mapping() {
    let text = format!(
        "docker://quay.io/a/b@{DIGEST}=docker://mirror.example:5000/a/b\nquay.io/c:1 = mirror.example/c:1\nquay.io/d:1\n"
    );
    assert_eq!(
        told(&text),
        [
            format!("1 quay.io/a/b@{DIGEST}"),
            "2 quay.io/c:1".to_owned(),
            "3 quay.io/d:1".to_owned(),
            "2 destinations".to_owned(),
        ]
    );
}

#[test]
fn lines_that_are_none() {
    let cases = [
        ("a:1\nb c", "line 2: `b c`: the repository is no lower-case path such as team/app"),
        (
            "a:1\rb:2",
            "line 1: `a:1\\rb:2`: the tag is not up to 128 letters, digits, `.`, `_` or `-`",
        ),
        ("a\0b", "line 1: `a\\0b`: the repository is no lower-case path such as team/app"),
        ("=b:1", "line 1: ``: the repository is no lower-case path such as team/app"),
        ("a:1=", "line 1: `a:1=` names no destination after `=`"),
        (
            "dir:x",
            "line 1: `dir:x`: sealift does not read `dir:`; copy it with `skopeo copy --all --preserve-digests` to `oci:DIR`",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(parse(text), Err(expected.to_owned()), "{text:?}");
    }
}

#[test]
fn hauler_manifests() {
    let text = "\
apiVersion: content.hauler.cattle.io/v1
kind: Images
metadata:
  name: images
  annotations:
    hauler.dev/platform: linux/amd64
    other.example/x: y
spec:
  images:
  - name: busybox
  - name: ghcr.io/a/b:1.10
    platform: linux/arm64
    rewrite: other/b:1
  - name: ghcr.io/c/d:2
    platform: all
";
    assert_eq!(
        told(text),
        [
            "10 docker.io/library/busybox:latest for linux/amd64",
            "11 ghcr.io/a/b:1.10 for linux/arm64",
            "14 ghcr.io/c/d:2 for linux/amd64",
            "1 destinations",
        ]
    );
    let rest = "\
apiVersion: content.hauler.cattle.io/v1
kind: Images
metadata:
  annotations: {hauler.dev/key: k.pub, hauler.dev/registry: ''}
spec:
  images:
  - {name: a, key: k.pub, use-tlog-verify: true, certificate-identity: '', exclude-extras: true}
---
apiVersion: content.hauler.cattle.io/v1
kind: Charts
spec: {charts: [{name: x}]}
";
    assert_eq!(
        told(rest),
        [
            "7 docker.io/library/a:latest",
            "left over: line 1: the annotation `hauler.dev/key`",
            "left over: line 7: `key` of `a`",
            "left over: line 7: `use-tlog-verify` of `a`",
            "left over: line 7: `exclude-extras` of `a`",
            "left over: line 8: `Charts` of `content.hauler.cattle.io/v1`",
        ]
    );
}

#[test]
fn an_images_lock() {
    let text = format!(
        "---\napiVersion: imgpkg.carvel.dev/v1alpha1\nkind: ImagesLock\nimages:\n- image: ghcr.io/a/b@{DIGEST}\n  annotations: {{kbld.carvel.dev/id: ghcr.io/a/b:1}}\n"
    );
    assert_eq!(told(&text), [format!("5 ghcr.io/a/b@{DIGEST}")]);
    assert_eq!(
        parse(&text.replace(&format!("@{DIGEST}"), ":1")),
        Err(
            "line 5: `ghcr.io/a/b:1` has no digest, and an ImagesLock names images by digest alone"
                .to_owned()
        )
    );
}

#[test]
fn an_image_set_configuration() {
    let text = "\
apiVersion: mirror.openshift.io/v2alpha1
kind: ImageSetConfiguration
archiveSize: 4
mirror:
  platform: {channels: [{name: stable-4.18}]}
  operators: []
  helm: {}
  additionalImages:
  - name: registry.redhat.io/ubi9/ubi:latest
  - name: docker://quay.io/a/b:1
    targetRepo: c/d
  blockedImages: [{name: x}]
";
    assert_eq!(
        told(text),
        [
            "9 registry.redhat.io/ubi9/ubi:latest",
            "10 quay.io/a/b:1",
            "left over: line 1: `archiveSize` of the ImageSetConfiguration",
            "left over: line 1: `mirror.blockedImages` of the ImageSetConfiguration",
            "left over: line 1: `mirror.platform` of the ImageSetConfiguration",
            "1 destinations",
        ]
    );
}

#[test]
fn what_skopeo_synchronises() {
    let text = format!(
        "registry.example.com:5000:\n  images:\n    busybox: [1.10, '{DIGEST}']\n    a/b:\n    - latest\n  tls-verify: true\nquay.io:\n  tls-verify: false\n  credentials: {{username: a, password: b}}\n  cert-dir: /x\n  images: {{c/d: [\"1\"]}}\n"
    );
    assert_eq!(
        told(&text),
        [
            "11 quay.io/c/d:1".to_owned(),
            "5 registry.example.com:5000/a/b:latest".to_owned(),
            "3 registry.example.com:5000/busybox:1.10".to_owned(),
            format!("3 registry.example.com:5000/busybox@{DIGEST}"),
            "left over: line 1: `credentials` of `quay.io`, for which there is `--authfile`"
                .to_owned(),
            "left over: line 1: `tls-verify: false` of `quay.io`, for which there is `--ca-file`"
                .to_owned(),
            "left over: line 1: `cert-dir` of `quay.io`, for which there is `--ca-file`".to_owned(),
        ]
    );
}

#[test]
fn tags_that_are_not_named() {
    let text = "quay.io:\n  images: {a/b: [], c: }\n  images-by-tag-regex:\n    d: ^1\\.\n    a/b: 'rc'\n  images-by-semver: {e: 'v1.9.x'}\ndocker.io: {images: {busybox: []}}\n";
    assert_eq!(
        told(text),
        [
            "1 the tags of busybox",
            "1 the tags of quay.io/a/b",
            "1 the tags of quay.io/c",
            "6 the tags of quay.io/e that are `v1.9.x`",
            "5 the tags of quay.io/a/b that match `rc`",
            r"4 the tags of quay.io/d that match `^1\\.`",
        ]
    );
    let list = parse(text).unwrap();
    let among = |place: usize, tags: &[&str]| {
        let tags = tags.iter().map(|&tag| tag.to_owned()).collect();
        let found = list.tags.get(place).unwrap().among(tags);
        let text = |it: Tagged| {
            (it.images.iter().map(ToString::to_string).collect::<Vec<_>>(), it.evidence)
        };
        found.map(text)
    };
    let hex = &DIGEST[7..];
    let sig = &format!("sha256-{hex}.sig");
    let fallback = &format!("sha256-{hex}");
    let all = ["v2", "1.10", "1.9-rc1", sig, "v2", fallback, "sha256-x.sig"];
    let images = |repository: &str, tags: &[&str]| {
        tags.iter().map(|tag| format!("{repository}:{tag}")).collect::<Vec<_>>()
    };
    assert_eq!(
        [0, 1, 4, 5].map(|place| among(place, &all)),
        [
            Ok((
                images("docker.io/library/busybox", &["1.10", "1.9-rc1", "sha256-x.sig", "v2"]),
                2
            )),
            Ok((images("quay.io/a/b", &["1.10", "1.9-rc1", "sha256-x.sig", "v2"]), 2)),
            Ok((images("quay.io/a/b", &["1.9-rc1"]), 0)),
            Ok((images("quay.io/d", &["1.10", "1.9-rc1"]), 0)),
        ]
    );
    assert_eq!(among(1, &[]), Ok((vec![], 0)));
    let patches = images("quay.io/e", &["1.9.1"]);
    assert_eq!(among(3, &["1.9.1", "1.10.0", "1.9.2-rc1", "latest"]), Ok((patches, 0)));
    assert_eq!(among(1, &["a/b"]), Err(InvalidReference::Tag));
    // One list is another where its expression is.
    assert_ne!(list, parse(&text.replace("rc", "rd")).unwrap());
}

#[test]
fn documents_that_are_refused() {
    let hauler = "apiVersion: content.hauler.cattle.io/v1\nkind: Images\n";
    let path = "the repository is no lower-case path such as team/app";
    let cases = [
        (
            "quay.io:\n  images-by-semver: {a: 'newest'}\n".to_owned(),
            "line 2: `newest` is no constraint of versions, such as `>=1.2, <2`".to_owned(),
        ),
        (
            "quay.io:\n  images-by-tag-regex: {a: '('}\n".to_owned(),
            "line 2: `(` cannot be used as a regular expression: regex parse error:\n    (\n    \
             ^\nerror: unclosed group"
                .to_owned(),
        ),
        (
            "quay.io:\n  images-by-tag-regex: {a: '(a{1000}){1000}'}\n".to_owned(),
            "line 2: `(a{1000}){1000}` cannot be used as a regular expression: Compiled regex \
             exceeds size limit of 1048576 bytes."
                .to_owned(),
        ),
        (
            "quay.io:\n  images-by-tag-regex: {'a:1': ^1}\n".to_owned(),
            format!("line 2: `quay.io/a:1`: {path}"),
        ),
        ("quay.io:\n  images: {A: []}\n".to_owned(), format!("line 1: `quay.io/A`: {path}")),
        (
            "quay.io:\n  images: {a: ['1/b:2']}\n".to_owned(),
            "line 2: `quay.io/a:1/b:2`: the tag is not up to 128 letters, digits, `.`, `_` or `-`"
                .to_owned(),
        ),
        (
            format!("{hauler}metadata: {{annotations: {{hauler.dev/registry: r.example}}}}\n"),
            "line 1: the annotation `hauler.dev/registry` (`r.example`) moves images without a \
             registry there; write their full names"
                .to_owned(),
        ),
        (
            format!("{hauler}spec: {{images: [{{name: a, local: true}}]}}\n"),
            "line 3: `a` is `local`: an engine keeps no manifest that anybody signed; push it, and \
             name it where it is"
                .to_owned(),
        ),
        (
            format!("{hauler}spec: {{images: [{{name: a, platform: amd64}}]}}\n"),
            "line 3: `amd64`: a platform is `os/architecture` or `os/architecture/variant`, such as \
             `linux/arm64`"
                .to_owned(),
        ),
        (
            "apiVersion: mirror.openshift.io/v1alpha2\nkind: ImageSetConfiguration\n".to_owned(),
            "line 1: `ImageSetConfiguration` of `mirror.openshift.io/v1alpha2` is no list of \
             images that sealift reads"
                .to_owned(),
        ),
        (
            "# x\nkind: Pod\napiVersion: v1\n".to_owned(),
            "line 1: `Pod` of `v1` is no list of images that sealift reads".to_owned(),
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(parse(&text), Err(expected), "{text}");
    }
}

/// What two readers could take for two lists is refused with its line, and work is bounded.
#[test]
fn hostile_documents() {
    let images = "apiVersion: content.hauler.cattle.io/v1\nkind: Images\nspec:\n  images:\n";
    let bomb = (0..9).fold("a: &l0 [x,x,x,x,x,x,x,x,x]\n".to_owned(), |text, level| {
        let aliases = vec![format!("*l{level}"); 9].join(",");
        format!("{text}b{level}: &l{} [{aliases}]\n", level + 1)
    });
    let cases = [
        ("a duplicate key", format!("{images}  - name: a\n    name: b\n"), 6),
        ("an unknown field", format!("{images}  - name: a\n    nmae: b\n"), 6),
        ("a merge key", format!("{images}  - <<: {{name: a}}\n"), 5),
        ("a foreign tag", format!("{images}  - name: !!python/object a\n"), 5),
        ("a lone carriage return", "a.example:\n  images:\r    b: [c]\n".to_owned(), 2),
        ("a list", "- a: 1\n".to_owned(), 1),
        ("deep nesting", format!("a: {}{}\n", "[".repeat(10_000), "]".repeat(10_000)), 1),
    ];
    for (what, text, line) in cases {
        match List::parse(&text, &Limits::default()) {
            Err(ListError::Yaml { line: found, .. }) => assert_eq!(found, line, "{what}"),
            other => panic!("{what}: {other:?}"),
        }
    }
    let error = List::parse(&bomb, &Limits::default()).unwrap_err();
    assert!(matches!(error, ListError::Yaml { .. }), "{error}");
    let limits = Limits { descriptors: 2, ..Limits::default() };
    assert_eq!(List::parse("a\nb\nc\n", &limits), Err(ListError::Limit { limit: 2 }));
}
