//! An *object* of Kubernetes: what a policy may ask of it, and the images it would run.

use std::collections::BTreeMap;
use std::ops::Range;

/// An object of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// The number of its document, from 1.
    pub document: usize,
    /// The line of the file it begins at, from 1.
    pub line: usize,
    /// Where it stands in its document, a JSON pointer: empty unless it is an item of a list or the
    /// object of an admission request.
    pub pointer: String,
    /// `kind`.
    pub kind: String,
    /// The group of `apiVersion`, empty for the core.
    pub group: String,
    /// The version of `apiVersion`.
    pub version: String,
    /// `metadata.namespace`, or that of the admission request.
    pub namespace: Option<String>,
    /// `metadata.name`, or that of the admission request; an object may be without one.
    pub name: Option<String>,
    /// `metadata.labels`.
    pub labels: BTreeMap<String, String>,
    /// What is known of its images.
    pub images: Images,
}

/// What is known of the images of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Images {
    /// Those it names, in the order Kubewarden judges them, and what it would run besides.
    Known {
        /// The images.
        named: Vec<Image>,
        /// Images that the object does not name.
        besides: Vec<Besides>,
    },
    /// No images are known in this kind: the object is not judged.
    UnknownKind,
}

impl Images {
    /// The images the object names.
    pub fn named(&self) -> &[Image] {
        match self {
            Self::Known { named, .. } => named,
            Self::UnknownKind => &[],
        }
    }
}

/// An image an object names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// What names it.
    pub field: Field,
    /// Where it stands in its object, a JSON pointer.
    pub pointer: String,
    /// The text as it is written: what Kubewarden matches.
    pub written: String,
    /// The reference that will be pulled: the text as it is written, but for the plans that complete
    /// it.
    pub pulled: String,
    /// The bytes of the file that say it.
    pub(super) token: Range<usize>,
}

/// What names an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// `containers[].image`.
    Container,
    /// `initContainers[].image`.
    InitContainer,
    /// `ephemeralContainers[].image`.
    EphemeralContainer,
    /// `volumes[].image.reference`.
    Volume,
    /// `spec.upgrade.image` or `spec.prepare.image` of a plan.
    Plan,
}

/// An image that would run and is not named by the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Besides {
    /// A plan with `drain` or `cordon` runs kubectl too, by the image that its controller's variable
    /// `SYSTEM_UPGRADE_JOB_KUBECTL_IMAGE` names.
    Kubectl,
}

/// A system whose policies sealift reads. What it does not judge by itself, sealift judges by the same
/// policies all the same, and says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// Kubewarden's verify-image-signatures.
    Kubewarden,
    /// Sigstore's policy-controller.
    PolicyController,
}

impl System {
    /// Whether the system judges objects of this kind. Kubewarden does not look at the group.
    pub fn judges_kind(self, object: &Object) -> bool {
        let Object { group, version, kind, .. } = object;
        match self {
            Self::Kubewarden => matches!(
                kind.as_str(),
                "Pod"
                    | "Deployment"
                    | "ReplicaSet"
                    | "StatefulSet"
                    | "DaemonSet"
                    | "ReplicationController"
                    | "Job"
                    | "CronJob"
            ),
            Self::PolicyController => matches!(
                (group.as_str(), version.as_str(), kind.as_str()),
                ("", "v1", "Pod")
                    | ("apps", "v1", "ReplicaSet" | "Deployment" | "StatefulSet" | "DaemonSet")
                    | ("batch", "v1", "Job")
                    | ("batch", "v1" | "v1beta1", "CronJob")
            ),
        }
    }

    /// Whether the system judges an image of an object.
    pub fn judges(self, object: &Object, image: &Image) -> bool {
        self.judges_kind(object)
            && match (self, image.field) {
                (_, Field::Plan) | (Self::Kubewarden, Field::Volume) => false,
                (Self::PolicyController, Field::Volume)
                | (_, Field::Container | Field::InitContainer | Field::EphemeralContainer) => true,
            }
    }
}
