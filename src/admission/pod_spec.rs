//! A *pod spec*: where the kinds that lead to pods keep it, and the images it names.

use super::error::Problem;
use super::node::{Node, Value, pointer_step};
use super::object::Field;

/// A kind, the groups it is Kubernetes' own in, and where its pod spec stands.
const KINDS: &[(&str, &[&str], &[&str])] = &[
    ("Pod", &[""], &["spec"]),
    ("PodTemplate", &[""], &["template", "spec"]),
    ("ReplicationController", &[""], TEMPLATE),
    ("Deployment", &["apps", "extensions"], TEMPLATE),
    ("ReplicaSet", &["apps", "extensions"], TEMPLATE),
    ("StatefulSet", &["apps"], TEMPLATE),
    ("DaemonSet", &["apps", "extensions"], TEMPLATE),
    ("Job", &["batch"], TEMPLATE),
    ("CronJob", &["batch"], &["spec", "jobTemplate", "spec", "template", "spec"]),
];

const TEMPLATE: &[&str] = &["spec", "template", "spec"];

/// Lists of containers, in the order Kubewarden judges them.
const CONTAINERS: [(&str, Field); 3] = [
    ("containers", Field::Container),
    ("initContainers", Field::InitContainer),
    ("ephemeralContainers", Field::EphemeralContainer),
];

/// An image that an object names: in which field, where, and the node that says it.
pub(super) type Found<'a> = (Field, String, &'a Node);

/// The images of an object of a kind that leads to pods, `None` if it is of another.
///
/// A kind of the same name in another group is read by the same path where it has a pod spec there,
/// as Kubewarden reads it.
pub(super) fn images<'a>(
    object: &'a Node,
    kind: &str,
    group: &str,
) -> Option<Result<Vec<Found<'a>>, (&'a Node, Problem)>> {
    let (_, groups, path) = KINDS.iter().find(|(name, ..)| *name == kind)?;
    let pointer: String = path.iter().map(|key| pointer_step(key)).collect();
    match object.descend(path) {
        Some(spec) => Some(images_of(spec, &pointer)),
        None if groups.contains(&group) => Some(Err((object, Problem::Missing { path: pointer }))),
        None => None,
    }
}

fn images_of<'a>(spec: &'a Node, pointer: &str) -> Result<Vec<Found<'a>>, (&'a Node, Problem)> {
    let mut found = Vec::new();
    for (key, field) in CONTAINERS {
        for (pointer, container) in items(spec, key, pointer)? {
            let (pointer, image) = named(container, "image", &pointer)?;
            found.push((field, pointer, image));
        }
    }
    for (pointer, volume) in items(spec, "volumes", pointer)? {
        if let Some(image) = volume.get("image") {
            let (pointer, image) = named(image, "reference", &format!("{pointer}/image"))?;
            found.push((Field::Volume, pointer, image));
        }
    }
    Ok(found)
}

/// The items of a list that may be absent, with their pointers.
fn items<'a>(
    spec: &'a Node,
    key: &str,
    pointer: &str,
) -> Result<Vec<(String, &'a Node)>, (&'a Node, Problem)> {
    let pointer = format!("{pointer}/{key}");
    if !matches!(spec.value, Value::Map(_)) {
        return Err((spec, Problem::Wrong { path: pointer, wanted: "list in a map" }));
    }
    match spec.get(key) {
        None => Ok(Vec::new()),
        Some(Node { value: Value::List(items), .. }) => Ok(items
            .iter()
            .enumerate()
            .map(|(index, item)| (format!("{pointer}/{index}"), item))
            .collect()),
        Some(other) => Err((other, Problem::Wrong { path: pointer, wanted: "list" })),
    }
}

/// The image that a key of a map names.
pub(super) fn named<'a>(
    map: &'a Node,
    key: &str,
    pointer: &str,
) -> Result<(String, &'a Node), (&'a Node, Problem)> {
    let path = format!("{pointer}/{key}");
    match map.get(key) {
        None => Err((map, Problem::NoImage { path })),
        Some(image) => match image.text() {
            None => Err((image, Problem::Wrong { path, wanted: "text" })),
            Some("") => Err((image, Problem::NoImage { path })),
            Some(_) => Ok((path, image)),
        },
    }
}
