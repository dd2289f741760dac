//! A *plan* of the system-upgrade-controller (`upgrade.cattle.io/v1`): its jobs run `spec.prepare` and
//! `spec.upgrade` on every node.
//!
//! An image with neither tag nor digest is completed by the controller with `spec.version`, `+`
//! replaced by `-`, and written in its familiar form. A plan with only a channel asks a server.

use crate::oci::Named;

use super::error::Problem;
use super::node::{Node, Value};
use super::object::Besides;
use super::pod_spec::named;

/// An image of a plan: where it stands, the node that says it, and what will be pulled.
pub(super) type Completed<'a> = (String, &'a Node, String);

/// The group of plans.
pub(super) const GROUP: &str = "upgrade.cattle.io";

/// The images of a plan, the upgrade's first, as the one that must be.
pub(super) fn images(plan: &Node) -> Result<Vec<Completed<'_>>, (&Node, Problem)> {
    let version = plan.descend(&["spec", "version"]);
    let version = match version.map(|node| (node, node.text())) {
        None => None,
        Some((_, Some(text))) => Some(text).filter(|text| !text.is_empty()),
        Some((node, None)) => {
            let path = "/spec/version".to_owned();
            return Err((node, Problem::Wrong { path, wanted: "text" }));
        }
    };
    let upgrade = plan.descend(&["spec", "upgrade"]);
    let upgrade =
        upgrade.ok_or_else(|| (plan, Problem::Missing { path: "/spec/upgrade".to_owned() }))?;
    let mut images = vec![completed(upgrade, "/spec/upgrade", version)?];
    if let Some(prepare) = plan.descend(&["spec", "prepare"]) {
        images.push(completed(prepare, "/spec/prepare", version)?);
    }
    Ok(images)
}

fn completed<'a>(
    container: &'a Node,
    pointer: &str,
    version: Option<&str>,
) -> Result<Completed<'a>, (&'a Node, Problem)> {
    let (path, node) = named(container, "image", pointer)?;
    let image = node.text().unwrap_or_default();
    let impossible =
        |cause| (node, Problem::PlanImage { path: path.clone(), image: image.to_owned(), cause });
    let name: Named = image.parse().map_err(impossible)?;
    let pulled = match version {
        _ if !name.is_name_only() => image.to_owned(),
        Some(version) => name.with_tag(&version.replace('+', "-")).map_err(impossible)?.familiar(),
        None => {
            let image = image.to_owned();
            return Err((node, Problem::PlanVersion { path, image }));
        }
    };
    Ok((path, node, pulled))
}

/// What a plan runs besides.
pub(super) fn besides(plan: &Node) -> Vec<Besides> {
    let is_asked_for = |key: &str| {
        plan.descend(&["spec", key]).is_some_and(|node| node.value != Value::Bool(false))
    };
    let runs_kubectl = ["drain", "cordon"].into_iter().any(is_asked_for);
    runs_kubectl.then_some(Besides::Kubectl).into_iter().collect()
}
