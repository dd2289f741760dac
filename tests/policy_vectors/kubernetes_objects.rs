//! The images Kubewarden finds in an object, and how it rewrites them.

use sealift::admission::{Objects, Pin, System};
use sealift::limits::Limits;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::cases;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ObjectCase {
    name: String,
    kind: String,
    api_group: String,
    object: Value,
    images: Vec<ImageCase>,
}

#[derive(Deserialize)]
struct ImageCase {
    path: String,
    image: String,
}

/// `spec.containers[0].image` as a JSON pointer.
fn pointer(path: &str) -> String {
    format!("/{}", path.replace('[', ".").replace(']', "").replace('.', "/"))
}

fn parse(value: &Value) -> Objects {
    Objects::parse(value.to_string().as_bytes(), "object.json", &Limits::default()).unwrap()
}

#[test]
fn kubernetes_images() {
    let Some(cases) = cases::<ObjectCase>("kubernetes-images.json") else { return };
    for case in &cases {
        let request = json!({
            "uid": "1",
            "operation": "CREATE",
            "kind": {"group": case.api_group, "version": "v1", "kind": case.kind},
            "object": case.object,
        });
        let objects = parse(&request);
        let [object] = objects.objects() else { panic!("{}: one object", case.name) };
        let judged: Vec<_> = object
            .images
            .named()
            .iter()
            .filter(|image| System::Kubewarden.judges(object, image))
            .map(|image| (image.pointer.clone(), image.written.clone()))
            .collect();
        let wanted: Vec<_> =
            case.images.iter().map(|case| (pointer(&case.path), case.image.clone())).collect();
        assert_eq!(judged, wanted, "{}", case.name);
    }
    println!("kubernetes-images.json: {} passed, 0 failed", cases.len());
}

#[derive(Deserialize)]
struct RewriteCase {
    image: String,
    digest: String,
    rewritten: Option<String>,
}

#[test]
fn kubewarden_rewrite() {
    let Some(cases) = cases::<RewriteCase>("kubewarden-rewrite.json") else { return };
    for case in &cases {
        let pod = |image: &str| {
            json!({
                "apiVersion": "v1",
                "kind": "Pod",
                "spec": {"containers": [{"name": "c", "image": image}]},
            })
        };
        let objects = parse(&pod(&case.image));
        let object = objects.objects().first().unwrap();
        let image = object.images.named().first().unwrap();
        let pin = Pin::new(object, image, &case.digest.parse().unwrap()).unwrap();
        assert_eq!(pin.as_ref().map(|pin| &pin.text), case.rewritten.as_ref(), "{}", case.image);
        let pins: Vec<_> = pin.into_iter().collect();
        let wanted = case.rewritten.as_ref().unwrap_or(&case.image);
        assert_eq!(objects.pinned(&pins).unwrap(), pod(wanted).to_string());
    }
    println!("kubewarden-rewrite.json: {} passed, 0 failed", cases.len());
}
