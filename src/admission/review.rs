//! An *admission review* (`admission.k8s.io/v1` and `v1beta1`): the question an API server asks before
//! it stores an object, and the answer.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::error::Problem;
use super::node::{Node, Value};
use super::pin::Pin;

/// What an API server asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The version of the review; v1 for a bare request.
    pub review: ReviewVersion,
    /// The identifier that the answer repeats.
    pub uid: String,
    /// What is to be done.
    pub operation: Operation,
    /// `kind.kind`.
    pub kind: String,
    /// `kind.group`.
    pub group: String,
    /// `kind.version`.
    pub version: String,
    /// `subResource`, such as `status` or `ephemeralcontainers`.
    pub subresource: Option<String>,
    /// `name`.
    pub name: Option<String>,
    /// `namespace`.
    pub namespace: Option<String>,
}

/// The version of an admission review.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReviewVersion {
    /// `admission.k8s.io/v1`.
    V1,
    /// `admission.k8s.io/v1beta1`.
    V1Beta1,
}

impl ReviewVersion {
    fn api_version(self) -> &'static str {
        match self {
            Self::V1 => "admission.k8s.io/v1",
            Self::V1Beta1 => "admission.k8s.io/v1beta1",
        }
    }
}

/// What is to be done with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// It is created.
    Create,
    /// It is changed.
    Update,
    /// It is deleted; nothing of it will run.
    Delete,
    /// Something is connected to it, such as a terminal.
    Connect,
}

type Wrong<'a> = (&'a Node, Problem);

/// The object that would be stored, and where it stands.
type Carried<'a> = Option<(String, &'a Node)>;

/// Whether a document is a review, or a bare request: its kind is a map.
pub(super) fn is_review(root: &Node) -> bool {
    root.get("kind").is_some_and(|kind| match &kind.value {
        Value::Text(kind) => kind == "AdmissionReview",
        Value::Map(_) => true,
        _ => false,
    })
}

/// Reads the request of a review and what it carries.
pub(super) fn request(root: &Node) -> Result<(Request, Carried<'_>), Wrong<'_>> {
    let is_bare = root.get("kind").and_then(Node::text).is_none();
    let (review, request, at) = if is_bare {
        (ReviewVersion::V1, root, "")
    } else {
        let missing = || (root, Problem::Missing { path: "/request".to_owned() });
        (review_version(root)?, root.get("request").ok_or_else(missing)?, "/request")
    };
    let required = |node, key: &str, at: &str| {
        let path = format!("{at}/{key}");
        text(node, key, at)?.ok_or((node, Problem::Missing { path }))
    };
    let kind_at = format!("{at}/kind");
    let kind =
        request.get("kind").ok_or_else(|| (request, Problem::Missing { path: kind_at.clone() }))?;
    let operation = operation(request, &required(request, "operation", at)?, at)?;
    let found = Request {
        review,
        uid: required(request, "uid", at)?,
        operation,
        kind: required(kind, "kind", &kind_at)?,
        group: text(kind, "group", &kind_at)?.unwrap_or_default(),
        version: required(kind, "version", &kind_at)?,
        subresource: text(request, "subResource", at)?,
        name: text(request, "name", at)?,
        namespace: text(request, "namespace", at)?,
    };
    Ok((found, carried(request, operation, &format!("{at}/object"))?))
}

fn carried<'a>(
    request: &'a Node,
    operation: Operation,
    path: &str,
) -> Result<Carried<'a>, Wrong<'a>> {
    match (request.get("object"), operation) {
        (Some(object @ Node { value: Value::Map(_), .. }), _) => {
            Ok(Some((path.to_owned(), object)))
        }
        (Some(other), _) => Err((other, Problem::NotAnObject { path: path.to_owned() })),
        (None, Operation::Delete | Operation::Connect) => Ok(None),
        (None, Operation::Create | Operation::Update) => {
            Err((request, Problem::Missing { path: path.to_owned() }))
        }
    }
}

fn review_version(root: &Node) -> Result<ReviewVersion, Wrong<'_>> {
    let found = text(root, "apiVersion", "")?.unwrap_or_default();
    [ReviewVersion::V1, ReviewVersion::V1Beta1]
        .into_iter()
        .find(|version| version.api_version() == found)
        .ok_or((root, Problem::ReviewVersion { found }))
}

fn operation<'a>(node: &'a Node, operation: &str, at: &str) -> Result<Operation, Wrong<'a>> {
    match operation {
        "CREATE" => Ok(Operation::Create),
        "UPDATE" => Ok(Operation::Update),
        "DELETE" => Ok(Operation::Delete),
        "CONNECT" => Ok(Operation::Connect),
        _ => {
            let wanted = "CREATE, UPDATE, DELETE or CONNECT";
            Err((node, Problem::Wrong { path: format!("{at}/operation"), wanted }))
        }
    }
}

fn text<'a>(node: &'a Node, key: &str, at: &str) -> Result<Option<String>, Wrong<'a>> {
    match node.get(key).map(|node| (node, node.text())) {
        None => Ok(None),
        Some((_, Some(text))) => Ok(Some(text.to_owned()).filter(|text| !text.is_empty())),
        Some((node, None)) => {
            Err((node, Problem::Wrong { path: format!("{at}/{key}"), wanted: "text" }))
        }
    }
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The object may be stored, with these pins.
    Allowed {
        /// What is to be changed.
        pins: Vec<Pin>,
    },
    /// It may not.
    Denied {
        /// What the user of the API server is told. The server writes before it which webhook
        /// denied the request.
        message: String,
        /// What was found, where the message is a policy's own instead.
        causes: Vec<String>,
        /// The HTTP status of the refusal: 403 for what no policy admits, 500 for what could not be
        /// decided.
        code: u16,
    },
}

/// The review that answers a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The answer.
    pub outcome: Outcome,
    /// What the user is told in either case; servers cut texts of more than 256 characters.
    pub warnings: Vec<String>,
    /// What the server writes into its audit log.
    pub audit_annotations: BTreeMap<String, String>,
}

impl Response {
    /// The answer to a request as JSON.
    pub fn to_json(&self, request: &Request) -> String {
        let (status, patch) = match &self.outcome {
            Outcome::Allowed { pins } => (None, patch(pins)),
            Outcome::Denied { message, causes, code } => {
                (Some(Status { message, code: *code, details: details(causes) }), None)
            }
        };
        let review = Review {
            api_version: request.review.api_version(),
            kind: "AdmissionReview",
            response: Answer {
                uid: &request.uid,
                allowed: matches!(self.outcome, Outcome::Allowed { .. }),
                status,
                patch_type: patch.as_ref().map(|_| "JSONPatch"),
                patch,
                warnings: &self.warnings,
                audit_annotations: &self.audit_annotations,
            },
        };
        serde_json::to_string(&review).expect("texts, numbers and maps with texts as keys")
    }
}

fn details(causes: &[String]) -> Option<Details<'_>> {
    let causes: Vec<_> = causes.iter().map(|message| Cause { message }).collect();
    (!causes.is_empty()).then_some(Details { causes })
}

/// A JSON patch (RFC 6902) of the object, in base64; `None` where nothing changes.
fn patch(pins: &[Pin]) -> Option<String> {
    let operations: Vec<_> = pins
        .iter()
        .map(|pin| Replace { op: "replace", path: &pin.pointer, value: &pin.text })
        .collect();
    let patch = serde_json::to_string(&operations).expect("texts in a list");
    (!pins.is_empty()).then(|| STANDARD.encode(patch))
}

#[derive(Serialize)]
struct Replace<'a> {
    op: &'static str,
    path: &'a str,
    value: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Review<'a> {
    api_version: &'static str,
    kind: &'static str,
    response: Answer<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    uid: &'a str,
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch: Option<String>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    warnings: &'a [String],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    audit_annotations: &'a BTreeMap<String, String>,
}

#[derive(Serialize)]
struct Status<'a> {
    message: &'a str,
    code: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Details<'a>>,
}

#[derive(Serialize)]
struct Details<'a> {
    causes: Vec<Cause<'a>>,
}

#[derive(Serialize)]
struct Cause<'a> {
    message: &'a str,
}
