//! An *object selector*: `spec.match` of a `ClusterImagePolicy`, for which Kubernetes objects a policy
//! is considered before its globs are.

use std::collections::BTreeMap;

/// What a selector looks at of an object.
#[derive(Clone, Copy, Debug)]
pub struct ObjectFacts<'a> {
    /// `kind`.
    pub kind: &'a str,
    /// The group of `apiVersion`, empty for the core.
    pub group: &'a str,
    /// The version of `apiVersion`.
    pub version: &'a str,
    /// `metadata.labels`.
    pub labels: &'a BTreeMap<String, String>,
}

impl ObjectFacts<'_> {
    /// The resource of the kind by the guess of Kubernetes' `UnsafeGuessKindToResource`, which
    /// policy-controller takes for the truth.
    pub fn resource(&self) -> String {
        let singular = self.kind.to_lowercase();
        if singular.is_empty() || singular.ends_with("endpoints") {
            singular
        } else if let Some(stem) = singular.strip_suffix('y') {
            format!("{stem}ies")
        } else if singular.ends_with('s') {
            format!("{singular}es")
        } else {
            format!("{singular}s")
        }
    }
}

/// One entry of `match`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectSelector {
    group: String,
    version: String,
    resource: String,
    labels: Option<LabelSelector>,
}

impl ObjectSelector {
    /// An entry as it is written.
    pub fn new(group: &str, version: &str, resource: &str, labels: Option<LabelSelector>) -> Self {
        let [group, version, resource] = [group, version, resource].map(str::to_owned);
        Self { group, version, resource, labels }
    }

    /// Whether a policy with these entries is considered for an object: by any entry, and for every
    /// object where there is none.
    pub fn any_considers(entries: &[Self], object: &ObjectFacts<'_>) -> bool {
        entries.is_empty() || entries.iter().any(|entry| entry.considers(object))
    }

    /// Whether a policy with this entry is considered for an object. Only the version has a wildcard;
    /// an empty resource or version is met by nothing.
    pub fn considers(&self, object: &ObjectFacts<'_>) -> bool {
        let version_is_met =
            self.version == "*" || (!self.version.is_empty() && self.version == object.version);
        !self.resource.is_empty()
            && self.resource == object.resource()
            && version_is_met
            && self.group == object.group
            && self.labels.as_ref().is_none_or(|labels| labels.matches(object.labels))
    }
}

/// A Kubernetes label selector: every requirement must be met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelSelector {
    requirements: Vec<Requirement>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    key: String,
    operator: Operator,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Operator {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    DoesNotExist,
}

impl LabelSelector {
    /// Adds an entry of `matchLabels`.
    pub fn with_label(self, key: &str, value: &str) -> Result<Self, InvalidSelector> {
        self.with_expression(key, "In", &[value.to_owned()])
    }

    /// Adds an entry of `matchExpressions`.
    pub fn with_expression(
        mut self,
        key: &str,
        operator: &str,
        values: &[String],
    ) -> Result<Self, InvalidSelector> {
        if !is_label_key(key) {
            return Err(InvalidSelector::Key { key: key.to_owned() });
        }
        if let Some(value) = values.iter().find(|value| !value.is_empty() && !is_label_word(value))
        {
            return Err(InvalidSelector::Value { key: key.to_owned(), value: value.clone() });
        }
        let operator = match (operator, values) {
            ("In", [_, ..]) => Operator::In(values.to_vec()),
            ("NotIn", [_, ..]) => Operator::NotIn(values.to_vec()),
            ("Exists", []) => Operator::Exists,
            ("DoesNotExist", []) => Operator::DoesNotExist,
            ("In" | "NotIn", []) => {
                return Err(InvalidSelector::NoValues { key: key.to_owned() });
            }
            ("Exists" | "DoesNotExist", _) => {
                return Err(InvalidSelector::Values { key: key.to_owned() });
            }
            (other, _) => return Err(InvalidSelector::Operator { operator: other.to_owned() }),
        };
        self.requirements.push(Requirement { key: key.to_owned(), operator });
        Ok(self)
    }

    fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.requirements.iter().all(|Requirement { key, operator }| {
            let value = labels.get(key);
            match operator {
                Operator::In(values) => value.is_some_and(|value| values.contains(value)),
                Operator::NotIn(values) => value.is_none_or(|value| !values.contains(value)),
                Operator::Exists => value.is_some(),
                Operator::DoesNotExist => value.is_none(),
            }
        })
    }
}

/// `[prefix/]name`, the prefix a DNS subdomain.
fn is_label_key(key: &str) -> bool {
    let is_subdomain = |prefix: &str| {
        prefix.len() <= 253
            && prefix.split('.').all(|label| {
                let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
                is_label_word(label) && label.chars().all(allowed)
            })
    };
    match key.split_once('/') {
        Some((prefix, name)) => is_subdomain(prefix) && is_label_word(name),
        None => is_label_word(key),
    }
}

/// Up to 63 letters, digits, `-`, `_` and `.`, the first and the last a letter or digit.
fn is_label_word(text: &str) -> bool {
    let alphanumeric = |c: char| c.is_ascii_alphanumeric();
    text.len() <= 63
        && text.starts_with(alphanumeric)
        && text.ends_with(alphanumeric)
        && text.chars().all(|c| alphanumeric(c) || matches!(c, '-' | '_' | '.'))
}

/// Why a label selector is none: Kubernetes would refuse it, and policy-controller every image.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSelector {
    /// The key could be no label's.
    #[error("`{}` is no key of a label", .key.escape_debug())]
    Key {
        /// The key.
        key: String,
    },
    /// A value could be no label's.
    #[error("`{}` for `{}` is no value of a label", .value.escape_debug(), .key.escape_debug())]
    Value {
        /// The key.
        key: String,
        /// The value.
        value: String,
    },
    /// The operator is unknown.
    #[error("the operator `{}` is none of In, NotIn, Exists and DoesNotExist", .operator.escape_debug())]
    Operator {
        /// The operator.
        operator: String,
    },
    /// `In` or `NotIn` without values.
    #[error("`values` for `{}` is empty; In and NotIn need one", .key.escape_debug())]
    NoValues {
        /// The key.
        key: String,
    },
    /// `Exists` or `DoesNotExist` with values.
    #[error("`values` for `{}` is not empty; Exists and DoesNotExist take none", .key.escape_debug())]
    Values {
        /// The key.
        key: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn kinds_become_resources() {
        let none = BTreeMap::new();
        for (kind, resource) in [
            ("Pod", "pods"),
            ("NetworkPolicy", "networkpolicies"),
            ("Ingress", "ingresses"),
            ("Endpoints", "endpoints"),
            ("", ""),
        ] {
            let facts = ObjectFacts { kind, group: "", version: "v1", labels: &none };
            assert_eq!(facts.resource(), resource);
        }
    }

    #[test]
    fn nothing_meets_what_is_empty() {
        let none = BTreeMap::new();
        let facts = |kind, version| ObjectFacts { kind, group: "", version, labels: &none };
        for (version, resource, object, considered) in [
            ("v1", "pods", facts("Pod", "v1"), true),
            ("*", "pods", facts("Pod", ""), true),
            ("", "pods", facts("Pod", ""), false),
            ("*", "", facts("", "v1"), false),
            ("v1", "pods", facts("pod", "v1"), true),
            ("v1", "Pods", facts("Pod", "v1"), false),
        ] {
            let selector = ObjectSelector::new("", version, resource, None);
            assert_eq!(selector.considers(&object), considered, "{version} {resource} {object:?}");
        }
    }

    #[test]
    fn labels_meet_every_requirement() {
        let values = ["a".to_owned(), "b".to_owned()];
        let selector = LabelSelector::default()
            .with_label("app", "tap")
            .and_then(|all| all.with_expression("tier", "In", &values))
            .and_then(|all| all.with_expression("zone", "NotIn", &values))
            .and_then(|all| all.with_expression("example.com/x", "Exists", &[]))
            .and_then(|all| all.with_expression("y", "DoesNotExist", &[]))
            .unwrap();
        let good = [("app", "tap"), ("tier", "b"), ("example.com/x", "")];
        assert!(selector.matches(&labels(&good)));
        for (key, value) in [("app", "top"), ("tier", "c"), ("zone", "a"), ("y", "")] {
            let mut mutant = labels(&good);
            mutant.insert(key.to_owned(), value.to_owned());
            assert!(!selector.matches(&mutant), "{key}={value}");
        }
        for (key, _) in good {
            let mut mutant = labels(&good);
            mutant.remove(key);
            assert!(!selector.matches(&mutant), "without {key}");
        }
        assert!(LabelSelector::default().matches(&BTreeMap::new()));
    }

    #[test]
    fn what_kubernetes_refuses() {
        let cases = [
            ("a b", "Exists", vec![], InvalidSelector::Key { key: "a b".into() }),
            ("Ex.com/a", "Exists", vec![], InvalidSelector::Key { key: "Ex.com/a".into() }),
            ("a/b/c", "Exists", vec![], InvalidSelector::Key { key: "a/b/c".into() }),
            (
                "a",
                "In",
                vec!["-x".to_owned()],
                InvalidSelector::Value { key: "a".into(), value: "-x".into() },
            ),
            ("a", "in", vec!["x".into()], InvalidSelector::Operator { operator: "in".into() }),
            ("a", "NotIn", vec![], InvalidSelector::NoValues { key: "a".into() }),
            ("a", "Exists", vec!["x".into()], InvalidSelector::Values { key: "a".into() }),
        ];
        for (key, operator, values, why) in cases {
            let read = LabelSelector::default().with_expression(key, operator, &values);
            assert_eq!(read, Err(why));
        }
    }
}
