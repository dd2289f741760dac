use std::collections::BTreeMap;

use base64::Engine as _;

use super::node::{Node, Value};
use super::*;
use crate::digest::Digest;
use crate::oci::InvalidReference;

fn parse(text: &str) -> Result<Objects, Error> {
    Objects::parse(text.as_bytes(), "objects.yaml", &Limits::default())
}

fn problem(text: &str) -> (Option<usize>, Problem) {
    let error = parse(text).unwrap_err();
    (error.line, *error.problem)
}

/// Place, field, text and what is pulled, of every image.
fn images(text: &str) -> Vec<(String, Field, String, String)> {
    let objects = parse(text).unwrap();
    let images = objects.objects().iter().flat_map(|object| {
        object.images.named().iter().map(|image| {
            let place = format!("{}{}", object.pointer, image.pointer);
            (place, image.field, image.written.clone(), image.pulled.clone())
        })
    });
    images.collect()
}

fn digest() -> Digest {
    Digest::sha256(b"")
}

/// Every image pinned to one digest.
fn pins(objects: &Objects) -> Vec<Pin> {
    let of = |object: &Object, image: &Image| Pin::new(object, image, &digest()).unwrap();
    let all = objects.objects().iter();
    all.flat_map(|object| object.images.named().iter().filter_map(move |image| of(object, image)))
        .collect()
}

/// Every image pinned, the digest short, so that the outcome can be read.
fn pinned(text: &str) -> Result<String, Unwritable> {
    let objects = parse(text).unwrap();
    let pinned = objects.pinned(&pins(&objects))?;
    Ok(pinned.replace(&digest().to_string(), "D"))
}

const EVERYTHING: &str = "\
apiVersion: v1
kind: Pod
metadata:
  name: app
  namespace: team
  labels: {app: web, tier: \"1\", zone: y}
spec:
  volumes:
  - name: data
    image: {reference: \"ghcr.io/team/data:v1\"}
  - name: scratch
    emptyDir: {}
  ephemeralContainers:
  - image: debug
  initContainers:
  - image: 'init:1'   # first
  containers:
  - image: ghcr.io/team/app:v1 # the app
  - image: y
";

#[test]
fn every_field_of_a_pod_is_read() {
    let place = |list: &str, index: usize| format!("/spec/{list}/{index}/image");
    let image = |place: String, field, text: &str| (place, field, text.to_owned(), text.to_owned());
    let wanted = [
        image(place("containers", 0), Field::Container, "ghcr.io/team/app:v1"),
        image(place("containers", 1), Field::Container, "y"),
        image(place("initContainers", 0), Field::InitContainer, "init:1"),
        image(place("ephemeralContainers", 0), Field::EphemeralContainer, "debug"),
        image("/spec/volumes/0/image/reference".into(), Field::Volume, "ghcr.io/team/data:v1"),
    ];
    assert_eq!(images(EVERYTHING), wanted);
    let objects = parse(EVERYTHING).unwrap();
    let [pod] = objects.objects() else { panic!("one pod") };
    assert_eq!((pod.name.as_deref(), pod.namespace.as_deref()), (Some("app"), Some("team")));
    let labels = [("app", "web"), ("tier", "1"), ("zone", "y")];
    assert_eq!(pod.labels, labels.map(|(k, v)| (k.to_owned(), v.to_owned())).into());
    let judged = |system: System| {
        pod.images.named().iter().filter(|image| system.judges(pod, image)).count()
    };
    assert_eq!((judged(System::Kubewarden), judged(System::PolicyController)), (4, 5));
}

#[test]
fn every_kind_has_its_path() {
    let cases = [
        ("v1", "Pod", "/spec", true, true),
        ("v1", "PodTemplate", "/template/spec", false, false),
        ("v1", "ReplicationController", "/spec/template/spec", true, false),
        ("apps/v1", "Deployment", "/spec/template/spec", true, true),
        ("apps/v1beta1", "Deployment", "/spec/template/spec", true, false),
        ("apps/v1", "ReplicaSet", "/spec/template/spec", true, true),
        ("apps/v1", "StatefulSet", "/spec/template/spec", true, true),
        ("apps/v1", "DaemonSet", "/spec/template/spec", true, true),
        ("batch/v1", "Job", "/spec/template/spec", true, true),
        ("batch/v1beta1", "CronJob", "/spec/jobTemplate/spec/template/spec", true, true),
        ("example.com/v1", "Job", "/spec/template/spec", true, false),
    ];
    for (api_version, kind, path, kubewarden, policy_controller) in cases {
        let spec = path.split('/').skip(1).collect::<Vec<_>>();
        let inner = "{containers: [{image: a}]}".to_owned();
        let spec = spec.iter().rev().fold(inner, |inner, key| format!("{{{key}: {inner}}}"));
        let body = spec.strip_prefix('{').and_then(|body| body.strip_suffix('}')).unwrap();
        let text = format!("apiVersion: {api_version}\nkind: {kind}\n{body}\n");
        let place = format!("{path}/containers/0/image");
        assert_eq!(images(&text), [(place, Field::Container, "a".into(), "a".into())], "{kind}");
        let objects = parse(&text).unwrap();
        let object = objects.objects().first().unwrap();
        let judged = [System::Kubewarden, System::PolicyController].map(|s| s.judges_kind(object));
        assert_eq!(judged, [kubewarden, policy_controller], "{api_version} {kind}");
        let without = format!("apiVersion: {api_version}\nkind: {kind}\n");
        match parse(&without) {
            Ok(objects) => {
                assert_eq!(api_version, "example.com/v1");
                assert_eq!(objects.objects().first().unwrap().images, Images::UnknownKind);
            }
            Err(error) => assert_eq!(*error.problem, Problem::Missing { path: path.into() }),
        }
    }
}

#[test]
fn lists_are_opened_and_unknown_kinds_kept() {
    let text = "\
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Service, metadata: {name: s}}
- apiVersion: v1
  kind: PodList
  items:
  - spec: {containers: [{image: a}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: c}
data: {on: '1', 8080: 'x'}
---
apiVersion: apps/v1
kind: DeploymentList
items: []
";
    let objects = parse(text).unwrap();
    let found: Vec<_> = objects
        .objects()
        .iter()
        .map(|object| {
            let named = object.images.named().len();
            (object.document, object.line, object.pointer.as_str(), object.kind.as_str(), named)
        })
        .collect();
    let wanted = [
        (1, 4, "/items/0", "Service", 0),
        (1, 8, "/items/1/items/0", "Pod", 1),
        (2, 10, "", "ConfigMap", 0),
    ];
    assert_eq!(found, wanted);
}

const PLAN: &str = "\
apiVersion: upgrade.cattle.io/v1
kind: Plan
metadata: {name: server}
spec:
  version: v1.30.4+k3s1
  cordon: true
  upgrade: {image: docker.io/rancher/k3s-upgrade}
  prepare: {image: 'rancher/k3s-upgrade:v1'}
";

#[test]
fn a_plan_completes_its_images() {
    let wanted = [
        (
            "/spec/upgrade/image".to_owned(),
            Field::Plan,
            "docker.io/rancher/k3s-upgrade".to_owned(),
            "rancher/k3s-upgrade:v1.30.4-k3s1".to_owned(),
        ),
        (
            "/spec/prepare/image".to_owned(),
            Field::Plan,
            "rancher/k3s-upgrade:v1".to_owned(),
            "rancher/k3s-upgrade:v1".to_owned(),
        ),
    ];
    assert_eq!(images(PLAN), wanted);
    let besides = |text: &str| match &parse(text).unwrap().objects().first().unwrap().images {
        Images::Known { besides, .. } => besides.clone(),
        Images::UnknownKind => panic!("a plan is known"),
    };
    assert_eq!(besides(PLAN), [Besides::Kubectl]);
    assert_eq!(besides(&PLAN.replace("cordon: true", "drain: {}")), [Besides::Kubectl]);
    assert_eq!(besides(&PLAN.replace("cordon: true", "cordon: false")), []);
    let other = PLAN.replace("upgrade.cattle.io", "example.com");
    assert_eq!(parse(&other).unwrap().objects().first().unwrap().images, Images::UnknownKind);
    let pinned = pinned(PLAN).unwrap();
    assert!(pinned.contains("upgrade: {image: rancher/k3s-upgrade:v1.30.4-k3s1@D}"), "{pinned}");
    assert!(pinned.contains("prepare: {image: 'rancher/k3s-upgrade:v1@D'}"), "{pinned}");
}

#[test]
fn a_plan_that_a_server_decides_is_refused() {
    let path = || "/spec/upgrade/image".to_owned();
    let image = || "docker.io/rancher/k3s-upgrade".to_owned();
    let cases = [
        (
            PLAN.replace("version: v1.30.4+k3s1", "channel: https://example.com/stable"),
            Problem::PlanVersion { path: path(), image: image() },
        ),
        (
            PLAN.replace("v1.30.4+k3s1", "'v1 30'"),
            Problem::PlanImage { path: path(), image: image(), cause: InvalidReference::Tag },
        ),
        (
            PLAN.replace("docker.io/rancher/k3s-upgrade", "Upper"),
            Problem::PlanImage {
                path: path(),
                image: "Upper".into(),
                cause: InvalidReference::Repository,
            },
        ),
        (
            PLAN.replace("v1.30.4+k3s1", "1.30"),
            Problem::Wrong { path: "/spec/version".into(), wanted: "text" },
        ),
        (
            PLAN.replace("upgrade: {", "update: {"),
            Problem::Missing { path: "/spec/upgrade".into() },
        ),
    ];
    for (text, wanted) in cases {
        assert_eq!(problem(&text).1, wanted, "{text}");
    }
    let channel = PLAN.replace("version: v1.30.4+k3s1", "channel: https://example.com/stable");
    let error = parse(&channel).unwrap_err();
    assert_eq!(error.to_string(), "file `objects.yaml`, line 7 (document 1)");
    assert_eq!(
        error.problem.to_string(),
        "`/spec/upgrade/image` is `docker.io/rancher/k3s-upgrade` without a tag, and the plan has no \
         `spec.version` to complete it with; what its channel names cannot be asked offline: set one \
         of the two"
    );
}

#[test]
fn what_is_no_object() {
    let pod = |spec: &str| format!("apiVersion: v1\nkind: Pod\nspec: {spec}\n");
    let no_image = |path: &str| Problem::NoImage { path: path.into() };
    let wrong = |path: &str, wanted| Problem::Wrong { path: path.into(), wanted };
    let missing = |path: &str| Problem::Missing { path: path.into() };
    let image = "/spec/containers/0/image";
    let cases = [
        (pod("{containers: [{name: a}]}"), 3, no_image(image)),
        (pod("{containers: [{image: ''}]}"), 3, no_image(image)),
        (pod("{containers: [{image: ~}]}"), 3, no_image(image)),
        (pod("{containers: [{image: no}]}"), 3, wrong(image, "text")),
        (pod("{containers: [{image: 1}]}"), 3, wrong(image, "text")),
        (pod("{containers: [{image: [a]}]}"), 3, wrong(image, "text")),
        (pod("{containers: {image: a}}"), 3, wrong("/spec/containers", "list")),
        (pod("{containers: [a]}"), 3, no_image(image)),
        (pod("[]"), 3, wrong("/spec/containers", "list in a map")),
        (pod("{volumes: [{image: {}}]}"), 3, no_image("/spec/volumes/0/image/reference")),
        ("kind: Pod\n".into(), 1, missing("/apiVersion")),
        ("apiVersion: v1\n".into(), 1, missing("/kind")),
        ("apiVersion: v1\nkind: 1\n".into(), 2, wrong("/kind", "text")),
        ("- a\n".into(), 1, Problem::NotAnObject { path: String::new() }),
        (
            "apiVersion: v1\nkind: List\nitems:\n- a\n".into(),
            4,
            Problem::NotAnObject { path: "/items/0".into() },
        ),
        ("apiVersion: v1\nkind: List\nitems: {}\n".into(), 1, wrong("/items", "list")),
        (
            "apiVersion: v1\nkind: List\nitems:\n- {kind: Pod}\n".into(),
            4,
            missing("/items/0/apiVersion"),
        ),
        (
            "apiVersion: v1\nkind: A\nmetadata: {labels: {'a/b': 1}}\n".into(),
            3,
            wrong("/metadata/labels/a~1b", "text"),
        ),
        (
            "apiVersion: v1\nkind: A\nmetadata: {labels: 1}\n".into(),
            3,
            wrong("/metadata/labels", "map"),
        ),
        ("apiVersion: v1\nkind: A\nmetadata: a\n".into(), 3, wrong("/metadata", "map")),
        (
            "apiVersion: v1\nkind: List\nitems:\n- {kind: AdmissionReview}\n".into(),
            4,
            Problem::ReviewNotAlone,
        ),
    ];
    for (text, line, wanted) in cases {
        assert_eq!(problem(&text), (Some(line), wanted), "{text}");
    }
    assert_eq!(problem("# nothing\n---\n"), (None, Problem::Empty));
}

/// HOSTILE.md case 105 and its like in JSON.
#[test]
fn what_could_be_read_two_ways_is_refused() {
    let pod = "apiVersion: v1\nkind: Pod\n";
    let deep = format!("{pod}spec: {}{}\n", "[".repeat(100_000), "]".repeat(100_000));
    let bomb = (0..9).fold(format!("{pod}l: [&l0 [x,x,x,x,x,x,x,x,x]"), |text, level| {
        format!("{text},\n &l{} [{}]", level + 1, vec![format!("*l{level}"); 9].join(","))
    });
    for (what, text, line) in [
        ("a duplicate key", format!("{pod}kind: Job\n"), 3),
        ("a merge key", format!("{pod}<<: {{a: b}}\n"), 3),
        ("a foreign tag", format!("{pod}spec: !!python/object x\n"), 3),
        ("a tab", format!("{pod}spec:\n\ta: b\n"), 4),
        ("deep nesting", deep, 3),
        ("a second root", format!("{pod}...\na: b\n"), 3),
    ] {
        match problem(&text) {
            (Some(found), Problem::Yaml { .. }) => assert_eq!(found, line, "{what}"),
            other => panic!("{what}: {other:?}"),
        }
    }
    assert!(matches!(problem(&format!("{bomb}]\n")).1, Problem::Yaml { .. }));
    let json = r#"{"apiVersion": "v1", "kind": "A"#;
    for (text, why) in [
        (format!("{json}\", \"kind\": \"B\"}}"), "the key `kind` stands twice at line 1 column 46"),
        (format!("{json}\"}}{{}}"), "trailing characters at line 1 column 34"),
        (format!("{json}\",}}"), "trailing comma at line 1 column 34"),
    ] {
        match problem(&text) {
            (Some(1), Problem::Json { cause }) => assert_eq!(cause.to_string(), why),
            other => panic!("{why}: {other:?}"),
        }
    }
    let limits = Limits { object_bytes: 7, ..Limits::default() };
    let error = Objects::parse(b"a: bcdef", "o", &limits).unwrap_err();
    assert_eq!(*error.problem, Problem::TooLarge { limit: 7 });
    let error = Objects::parse(b"a: \xff", "o", &limits).unwrap_err();
    assert_eq!(*error.problem, Problem::NotText);
    let limits = Limits { object_nodes: 7, ..Limits::default() };
    Objects::parse(b"apiVersion: v1\nkind: A\nb: c", "o", &limits).unwrap();
    let error = Objects::parse(b"apiVersion: v1\nkind: A\nb: [c]", "o", &limits).unwrap_err();
    assert!(matches!(*error.problem, Problem::Yaml { .. }), "{error:?}");
}

#[test]
fn a_json_reader_and_a_yaml_reader_agree() {
    let text = r#"{"apiVersion": "v1", "kind": "A",
        "data": {"\u00e9\ud83d\ude00": "a\/b\n\t\"", "x": [1, -2, 3.5e3, true, null, ""], "yes": "no"}}"#;
    assert_eq!(parse(text).unwrap().objects().len(), 1);
}

#[test]
fn pins_leave_everything_else_as_it_was() {
    let wanted = EVERYTHING
        .replace("ghcr.io/team/data:v1", "ghcr.io/team/data:v1@D")
        .replace("image: debug", "image: debug@D")
        .replace("init:1", "init:1@D")
        .replace("app:v1 #", "app:v1@D #")
        .replace("image: y", "image: y@D");
    assert_eq!(pinned(EVERYTHING).unwrap(), wanted);
}

#[test]
fn scalars_of_every_style_are_pinned() {
    let pod = |image: &str| {
        format!(
            "# é\n---\napiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - image: {image}\n    name: x\n"
        )
    };
    let cases = [
        ("a:1", "a:1@D"),
        ("'a:1'", "'a:1@D'"),
        (r#""a\u003a1""#, r#""a:1@D""#),
        (">-\n      a:1", ">-\n      a:1@D"),
        ("|-\n      a:1\n", "|-\n      a:1@D\n"),
        ("!!str a:1", "!!str a:1@D"),
        ("&i a:1", "&i a:1@D"),
        ("a:1 # b", "a:1@D # b"),
        ("a b", r#""a b@D""#),
    ];
    for (image, wanted) in cases {
        assert_eq!(pinned(&pod(image)).unwrap(), pod(wanted), "{image}");
    }
}

#[test]
fn documents_and_their_markers_stay() {
    let text = "# head\n---\napiVersion: v1\nkind: Pod\nspec: {containers: [{image: a}, {image: \"b\"}]}\n\
                --- # two\n{apiVersion: v1, kind: ConfigMap}\n---\napiVersion: v1\nkind: Pod\n\
                spec: {containers: [{image: a}]}\n";
    let wanted = text.replace("image: a}", "image: a@D}").replace("\"b\"", "\"b@D\"");
    assert_eq!(pinned(text).unwrap(), wanted);
}

#[test]
fn what_an_anchor_shares_is_pinned_once_or_not_at_all() {
    let shared =
        "apiVersion: v1\nkind: Pod\nspec:\n  containers: &c\n  - image: a\n  initContainers: *c\n";
    assert_eq!(pinned(shared).unwrap(), shared.replace("image: a", "image: a@D"));
    let foreign =
        "apiVersion: v1\nkind: Pod\nmetadata: {name: &i a}\nspec: {containers: [{image: *i}]}\n";
    let path = "/spec/containers/0/image".to_owned();
    assert_eq!(pinned(foreign), Err(Unwritable::Shared { path: path.clone() }));
    let objects = parse(shared).unwrap();
    let mut pins = pins(&objects);
    pins.first_mut().unwrap().text = "b".into();
    let path = "/spec/initContainers/0/image".to_owned();
    assert_eq!(objects.pinned(&pins), Err(Unwritable::Shared { path }));
}

#[test]
fn a_digest_that_stands_is_kept() {
    let digest = digest();
    let text =
        format!("apiVersion: v1\nkind: Pod\nspec: {{containers: [{{image: 'a@{digest}'}}]}}\n");
    let objects = parse(&text).unwrap();
    assert_eq!(pins(&objects), []);
    assert_eq!(objects.pinned(&[]).unwrap(), text);
    let object = objects.objects().first().unwrap();
    let image = object.images.named().first().unwrap();
    let other = Digest::sha256(b"other");
    let refused = OtherDigest { image: format!("a@{digest}"), digest: other };
    assert_eq!(Pin::new(object, image, &other), Err(refused));
}

fn review(version: &str, operation: &str, object: &str) -> String {
    format!(
        r#"{{"apiVersion": "admission.k8s.io/{version}", "kind": "AdmissionReview", "request": {{
            "uid": "u-1", "kind": {{"group": "apps", "version": "v1", "kind": "Deployment"}},
            "namespace": "team", "name": "app", "operation": "{operation}", "object": {object}}}}}"#
    )
}

const DEPLOYMENT: &str = r#"{"metadata": {"labels": {"app": "web"}},
    "spec": {"template": {"spec": {"containers": [{"image": "a"}, {"image": "b"}]}}}}"#;

#[test]
fn a_review_is_answered_in_its_version() {
    for version in ["v1", "v1beta1"] {
        let objects = parse(&review(version, "CREATE", DEPLOYMENT)).unwrap();
        let request = objects.request().unwrap();
        let object = objects.objects().first().unwrap();
        assert_eq!(object.pointer, "/request/object");
        assert_eq!(
            (object.name.as_deref(), object.namespace.as_deref()),
            (Some("app"), Some("team"))
        );
        let allowed = Response {
            outcome: Outcome::Allowed { pins: pins(&objects) },
            warnings: vec!["w".into()],
            audit_annotations: BTreeMap::from([("k".into(), "v".into())]),
        };
        let patch = format!(
            r#"[{{"op":"replace","path":"/spec/template/spec/containers/0/image","value":"a@{0}"}},{{"op":"replace","path":"/spec/template/spec/containers/1/image","value":"b@{0}"}}]"#,
            digest()
        );
        let patch = base64::engine::general_purpose::STANDARD.encode(patch);
        let wanted = format!(
            r#"{{"apiVersion":"admission.k8s.io/{version}","kind":"AdmissionReview","response":{{"uid":"u-1","allowed":true,"patchType":"JSONPatch","patch":"{patch}","warnings":["w"],"auditAnnotations":{{"k":"v"}}}}}}"#
        );
        assert_eq!(allowed.to_json(request), wanted);
        let denied = |causes: Vec<String>| Response {
            outcome: Outcome::Denied { message: "no \"signature\"".into(), causes, code: 403 },
            warnings: Vec::new(),
            audit_annotations: BTreeMap::new(),
        };
        let wanted = |details: &str| {
            format!(
                r#"{{"apiVersion":"admission.k8s.io/{version}","kind":"AdmissionReview","response":{{"uid":"u-1","allowed":false,"status":{{"message":"no \"signature\"","code":403{details}}}}}}}"#
            )
        };
        assert_eq!(denied(Vec::new()).to_json(request), wanted(""));
        let details = r#","details":{"causes":[{"message":"a"},{"message":"b"}]}"#;
        let causes = vec!["a".to_owned(), "b".to_owned()];
        assert_eq!(denied(causes).to_json(request), wanted(details));
    }
}

#[test]
fn what_a_request_is_for() {
    let deleted = parse(&review("v1", "DELETE", "null")).unwrap();
    assert_eq!(deleted.request().unwrap().operation, Operation::Delete);
    assert_eq!(deleted.objects(), []);
    let bare = review("v1", "UPDATE", DEPLOYMENT);
    let bare = bare.split_once("\"request\": ").unwrap().1.strip_suffix('}').unwrap();
    let objects = parse(bare).unwrap();
    assert_eq!(objects.objects().first().unwrap().pointer, "/object");
    let good = review("v1", "CREATE", DEPLOYMENT);
    parse(&good).unwrap();
    let missing = |path: &str| Problem::Missing { path: path.into() };
    let wrong = |path: &str, wanted| Problem::Wrong { path: path.into(), wanted };
    let other = |path: &str, found: &str, wanted: &str| Problem::OtherKind {
        path: path.into(),
        found: found.into(),
        wanted: wanted.into(),
    };
    let cases = [
        (
            review("v2", "CREATE", DEPLOYMENT),
            Problem::ReviewVersion { found: "admission.k8s.io/v2".into() },
        ),
        (
            review("v1", "create", DEPLOYMENT),
            wrong("/request/operation", "CREATE, UPDATE, DELETE or CONNECT"),
        ),
        (review("v1", "CREATE", "null"), missing("/request/object")),
        (review("v1", "CREATE", "[]"), Problem::NotAnObject { path: "/request/object".into() }),
        (good.replace("\"u-1\"", "\"\""), missing("/request/uid")),
        (good.replace("\"u-1\"", "1"), wrong("/request/uid", "text")),
        (good.replace("\"request\"", "\"response\""), missing("/request")),
        (good.replace("\"kind\": \"Deployment\"", "\"k\": 1"), missing("/request/kind/kind")),
        (
            good.replace("{\"metadata\"", "{\"kind\": \"Pod\", \"metadata\""),
            other("/request/object/kind", "Pod", "Deployment"),
        ),
        (
            good.replace("{\"metadata\"", "{\"apiVersion\": \"v1\", \"metadata\""),
            other("/request/object/apiVersion", "v1", "apps/v1"),
        ),
        (
            good.replace("{\"image\": \"b\"}", "{}"),
            Problem::NoImage {
                path: "/request/object/spec/template/spec/containers/1/image".into(),
            },
        ),
    ];
    for (text, wanted) in cases {
        assert_eq!(problem(&text).1, wanted, "{text}");
    }
    let beside = format!("apiVersion: v1\nkind: A\n---\n{good}\n");
    assert_eq!(problem(&beside), (Some(4), Problem::ReviewNotAlone));
}

#[test]
fn pointers_name_nodes() {
    let text = |text: &str| Node { value: Value::Text(text.into()), span: 0..0, line: 1 };
    let inner = Value::Map(vec![("a/b~c".into(), text("x"))]);
    let list = Value::List(vec![Node { value: inner, span: 0..0, line: 1 }]);
    let mut root = Node { value: list, span: 0..0, line: 1 };
    assert_eq!(root.find_mut("/0/a~1b~0c"), Some(&mut text("x")));
    for nowhere in ["/1", "/x", "/0/a", "/0/a~1b~0c/0"] {
        assert_eq!(root.find_mut(nowhere), None, "{nowhere}");
    }
}

/// Whatever a byte becomes: what is read can be pinned or is refused, and what was pinned says so.
#[test]
fn mutants_are_refused_or_pinned() {
    let mut random = 1_u64;
    let mut next = |below: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(random >> 33).unwrap() % below
    };
    let mut pinned = 0;
    for text in [EVERYTHING, PLAN, &review("v1", "CREATE", DEPLOYMENT)] {
        for _ in 0..500 {
            let mut mutant = text.as_bytes().to_vec();
            let at = next(mutant.len());
            let bytes = b"'\"\\:#-,{}[]&*!|> \n\tya0~";
            *mutant.get_mut(at).unwrap() = *bytes.get(next(bytes.len())).unwrap();
            let Ok(objects) = Objects::parse(&mutant, "o", &Limits::default()) else { continue };
            let of = |object: &Object, image: &Image| Pin::new(object, image, &digest()).ok()?;
            let all = objects.objects().iter();
            let pins: Vec<_> = all
                .flat_map(|object| {
                    object.images.named().iter().filter_map(move |image| of(object, image))
                })
                .collect();
            match objects.pinned(&pins) {
                Ok(text) => {
                    let again = parse(&text).unwrap();
                    let mut images =
                        again.objects().iter().flat_map(|object| object.images.named());
                    assert!(images.all(|image| image.written.contains('@')), "{text}");
                    pinned += 1;
                }
                Err(Unwritable::Shared { .. }) => {}
                Err(other) => panic!("{other:?}: {}", String::from_utf8_lossy(&mutant)),
            }
        }
    }
    assert!(pinned > 500, "{pinned} of 1500 could be read");
}

#[test]
fn the_deepest_object_is_read() {
    let lists = Limits::default().object_depth - 1;
    let nested = |lists: usize| {
        let (open, close) = ("[".repeat(lists), "]".repeat(lists));
        [
            format!("apiVersion: v1\nkind: A\nx: {open}{close}\n"),
            format!(r#"{{"apiVersion": "v1", "kind": "A", "x": {open}{close}}}"#),
        ]
    };
    for text in nested(lists) {
        assert_eq!(parse(&text).unwrap().objects().len(), 1);
    }
    let [yaml, json] = nested(lists + 1);
    let message = "nested more than 40 levels deep".to_owned();
    assert_eq!(problem(&yaml), (Some(3), Problem::Yaml { message }));
    assert!(matches!(problem(&json), (Some(1), Problem::Json { cause }) if cause.is_too_deep()));
}
