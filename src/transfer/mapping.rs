//! *Mapping*: which name at the target each image gets.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;

use super::Error;
use crate::oci::{InvalidReference, Reference};

/// A registry, or a path in it: `host[:port][/path]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Namespace {
    registry: String,
    /// Empty for the whole registry.
    path: String,
}

impl Namespace {
    /// The registry's host and port.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// What is left of a name below this namespace: its repository without the path.
    fn rest<'a>(&self, name: &'a Reference) -> Option<&'a str> {
        if name.registry() != self.registry {
            return None;
        }
        let rest = name.repository().strip_prefix(&self.path)?;
        match rest.strip_prefix('/') {
            Some(below) => Some(below),
            None if rest.is_empty() || self.path.is_empty() => Some(rest),
            // `team/app` does not hold `team/apple`.
            None => None,
        }
    }

    fn join(&self, rest: &str) -> String {
        let parts = [self.path.as_str(), rest];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
    }
}

impl FromStr for Namespace {
    type Err = InvalidReference;

    fn from_str(text: &str) -> Result<Self, InvalidReference> {
        let text = text.strip_suffix('/').unwrap_or(text);
        let (registry, path) = match text.split_once('/') {
            Some((_, "")) => return Err(InvalidReference::Repository),
            Some(parts) => parts,
            None => (text, ""),
        };
        let registry = if registry == "index.docker.io" { "docker.io" } else { registry };
        // Any image can lie there, or none.
        let below = if path.is_empty() { "image".to_owned() } else { format!("{path}/image") };
        let any: Reference = "registry.example/image:tag".parse()?;
        any.at(registry, &below)?;
        Ok(Self { registry: registry.to_owned(), path: path.to_owned() })
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.registry)?;
        if self.path.is_empty() { Ok(()) } else { write!(f, "/{}", self.path) }
    }
}

/// `SRC=DST`: what lies below one namespace goes below another. The source may be a whole repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    source: Namespace,
    target: Namespace,
}

impl FromStr for Rule {
    type Err = InvalidMapping;

    fn from_str(text: &str) -> Result<Self, InvalidMapping> {
        let shown = || text.escape_debug().to_string();
        let (source, target) =
            text.split_once('=').ok_or_else(|| InvalidMapping::NoRule { text: shown() })?;
        let namespace = |side: &str| {
            side.parse().map_err(|cause| InvalidMapping::NoNamespace {
                text: side.escape_debug().to_string(),
                cause,
            })
        };
        Ok(Self { source: namespace(source)?, target: namespace(target)? })
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.source, self.target)
    }
}

/// Where every image goes: by the rule with the longest source, else below `to` with its path kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    registry: String,
    to: Option<Namespace>,
    rules: Vec<Rule>,
    /// Components a repository at the target may have.
    max_nested_paths: Option<NonZeroUsize>,
}

impl Mapping {
    /// A mapping into one registry.
    pub fn new(
        to: Option<Namespace>,
        rules: Vec<Rule>,
        max_nested_paths: Option<NonZeroUsize>,
    ) -> Result<Self, InvalidMapping> {
        let targets = to.iter().chain(rules.iter().map(|rule| &rule.target));
        let mut registries = targets.map(|target| target.registry.clone());
        let registry = registries.next().ok_or(InvalidMapping::Nowhere)?;
        if let Some(second) = registries.find(|other| *other != registry) {
            return Err(InvalidMapping::TwoRegistries { first: registry, second });
        }
        let mut sources = BTreeMap::new();
        for rule in &rules {
            if let Some(first) = sources.insert(&rule.source, rule) {
                let (first, second) = (first.to_string(), rule.to_string());
                return Err(InvalidMapping::Twice { first, second });
            }
        }
        Ok(Self { registry, to, rules, max_nested_paths })
    }

    /// The registry that everything goes to.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The name of an image at the target.
    pub fn place(&self, name: &Reference) -> Result<Reference, Error> {
        let repository = match (self.deciding(name), &self.to) {
            (Some((rule, rest)), _) => rule.target.join(rest),
            (None, Some(to)) => to.join(name.repository()),
            (None, None) => return Err(Error::Unmapped { name: name.to_string() }),
        };
        let repository = self.flattened(repository);
        name.at(&self.registry, &repository).map_err(|cause| {
            let place = format!("{}/{repository}", self.registry);
            Error::NoName { name: name.to_string(), place, cause }
        })
    }

    /// Refuses a rule that places none of `names`: it is misspelt, or others take everything from it.
    pub fn check_used<'a>(&self, names: impl Iterator<Item = &'a Reference>) -> Result<(), Error> {
        let mut idle: Vec<&Rule> = self.rules.iter().collect();
        for name in names {
            let deciding = self.deciding(name).map(|(rule, _)| rule);
            idle.retain(|rule| Some(*rule) != deciding);
        }
        match idle.first() {
            None => Ok(()),
            Some(rule) => Err(Error::IdleRule { rule: rule.to_string() }),
        }
    }

    /// Refuses a place that images of two repositories would share.
    pub fn check_apart<'a>(&self, names: impl Iterator<Item = &'a Reference>) -> Result<(), Error> {
        let mut sources = BTreeMap::new();
        for name in names {
            let (place, second) = (self.place(name)?.name(), name.name());
            if let Some(first) = sources.insert(place.clone(), second.clone())
                && first != second
            {
                return Err(Error::TwoRepositories { place, first, second });
            }
        }
        Ok(())
    }

    /// The rule with the longest source that holds the image, and what is left of the path.
    fn deciding<'a>(&self, name: &'a Reference) -> Option<(&Rule, &'a str)> {
        let holding = self.rules.iter().filter_map(|rule| Some((rule, rule.source.rest(name)?)));
        holding.max_by_key(|(rule, _)| rule.source.path.len())
    }

    /// Joins what is nested too deeply into the last component, with hyphens, as oc-mirror does.
    fn flattened(&self, repository: String) -> String {
        let Some(limit) = self.max_nested_paths else { return repository };
        let components: Vec<_> = repository.split('/').collect();
        let Some((kept, joined)) = components.split_at_checked(limit.get().saturating_sub(1))
        else {
            return repository;
        };
        let joined = joined.join("-");
        kept.iter()
            .copied()
            .chain((!joined.is_empty()).then_some(joined.as_str()))
            .collect::<Vec<_>>()
            .join("/")
    }
}

/// Why there is no mapping.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMapping {
    /// A rule without `=`.
    #[error("`{text}` is not SRC=DST")]
    NoRule {
        /// What stands there.
        text: String,
    },
    /// A side of a rule that is no namespace.
    #[error("`{text}` is no registry with an optional path")]
    NoNamespace {
        /// What stands there.
        text: String,
        /// Why not.
        #[source]
        cause: InvalidReference,
    },
    /// Neither a target for everything nor a rule.
    #[error("nothing says where images go")]
    Nowhere,
    /// Targets in two registries.
    #[error("one run pushes into one registry, and {first} and {second} are two")]
    TwoRegistries {
        /// One.
        first: String,
        /// The other.
        second: String,
    },
    /// Two rules for one source.
    #[error("`{first}` and `{second}` map the same")]
    Twice {
        /// One.
        first: String,
        /// The other.
        second: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(to: &str, rules: &[&str], max: usize) -> Result<Mapping, InvalidMapping> {
        let to = (!to.is_empty()).then(|| to.parse().unwrap());
        let rules = rules.iter().map(|rule| rule.parse()).collect::<Result<_, _>>()?;
        Mapping::new(to, rules, NonZeroUsize::new(max))
    }

    /// The name at the target, or the error with its cause.
    fn placed(mapping: &Mapping, name: &str) -> String {
        match mapping.place(&name.parse().unwrap()) {
            Ok(place) => place.to_string(),
            Err(error) => match std::error::Error::source(&error) {
                Some(cause) => format!("{error}: {cause}"),
                None => error.to_string(),
            },
        }
    }

    #[test]
    fn the_longest_source_decides_by_whole_components() {
        let rules = [
            "r.example/team=in.example/t",
            "r.example/team/app=in.example/apps/main",
            "docker.io/library=in.example",
            "s.example=in.example/all/of/s",
        ];
        let mapping = mapping("in.example/far", &rules, 0).unwrap();
        let digest = crate::digest::Digest::sha256(b"");
        for (name, place) in [
            ("r.example/team/app:v1".to_owned(), "in.example/apps/main:v1".to_owned()),
            ("r.example/team/app/sub:v1".into(), "in.example/apps/main/sub:v1".into()),
            ("r.example/team/apple:v1".into(), "in.example/t/apple:v1".into()),
            ("r.example/team:v1".into(), "in.example/t:v1".into()),
            ("r.example/teams/app:v1".into(), "in.example/far/teams/app:v1".into()),
            ("r.example:5000/team/app:v1".into(), "in.example/far/team/app:v1".into()),
            ("busybox".into(), "in.example/busybox:latest".into()),
            ("user/tool:1".into(), "in.example/far/user/tool:1".into()),
            (format!("s.example/x@{digest}"), format!("in.example/all/of/s/x@{digest}")),
        ] {
            assert_eq!(placed(&mapping, &name), place, "{name}");
        }
    }

    /// As oc-mirror's `WithMaxNestedPaths`: the components that exceed are joined by hyphens.
    #[test]
    fn what_is_nested_too_deeply_is_flattened() {
        for (max, place) in [
            (1, "in.example/far-a-b-c:v1"),
            (2, "in.example/far/a-b-c:v1"),
            (3, "in.example/far/a/b-c:v1"),
            (4, "in.example/far/a/b/c:v1"),
            (5, "in.example/far/a/b/c:v1"),
            (0, "in.example/far/a/b/c:v1"),
        ] {
            let mapping = mapping("in.example/far", &[], max).unwrap();
            assert_eq!(placed(&mapping, "r.example/a/b/c:v1"), place, "{max}");
        }
        let short = mapping("in.example", &[], 4).unwrap();
        assert_eq!(placed(&short, "r.example/a:v1"), "in.example/a:v1");
    }

    #[test]
    fn images_without_a_place() {
        let only_rules = mapping("", &["r.example/team=in.example/t"], 0).unwrap();
        assert_eq!(
            placed(&only_rules, "r.example/other:v1"),
            "no rule places r.example/other:v1, and nothing is said of the rest"
        );
        let nowhere = mapping("", &["r.example/team=in.example"], 0).unwrap();
        assert_eq!(
            placed(&nowhere, "r.example/team:v1"),
            "r.example/team:v1 has no valid name at `in.example/`: \
             the repository is no lower-case path such as team/app"
        );
        let long = mapping(&format!("in.example/{}", "a".repeat(245)), &[], 0).unwrap();
        assert_eq!(placed(&long, "r.example/1234567:v1").len(), "in.example/:v1".len() + 253);
        assert_eq!(
            placed(&long, "r.example/1234567890:v1").split(": ").last(),
            Some("the repository is no lower-case path such as team/app")
        );
    }

    #[test]
    fn a_rule_that_places_nothing_is_refused() {
        let rules = ["r.example/team=in.example/t", "r.example/team/app=in.example/app"];
        let mapping = mapping("in.example", &rules, 0).unwrap();
        let used = |names: &[&str]| {
            let names: Vec<Reference> = names.iter().map(|name| name.parse().unwrap()).collect();
            mapping.check_used(names.iter()).map_err(|error| error.to_string())
        };
        assert_eq!(used(&["r.example/team/app:v1", "r.example/team/db:v1"]), Ok(()));
        assert_eq!(
            used(&["r.example/team/app:v1", "r.example/teams/db:v1"]),
            Err("`r.example/team=in.example/t` places no image of the archive".to_owned())
        );
        assert_eq!(
            used(&["r.example/team/db:v1"]),
            Err("`r.example/team/app=in.example/app` places no image of the archive".to_owned())
        );
    }

    #[test]
    fn what_is_no_mapping() {
        let (registry, repository) = (InvalidReference::Registry, InvalidReference::Repository);
        let no = |text: &str, cause| InvalidMapping::NoNamespace { text: text.to_owned(), cause };
        let cases: [(&str, &[&str], InvalidMapping); 9] = [
            ("", &[], InvalidMapping::Nowhere),
            ("", &["r.example"], InvalidMapping::NoRule { text: "r.example".to_owned() }),
            ("", &["=in.example"], no("", registry)),
            ("", &["r.example="], no("", registry)),
            ("", &["r.example/Team=in.example"], no("r.example/Team", repository)),
            ("", &["r.example/team:v1=in.example"], no("r.example/team:v1", repository)),
            ("", &["r.example//=in.example"], no("r.example//", repository)),
            (
                "in.example",
                &["r.example=other.example/x"],
                InvalidMapping::TwoRegistries {
                    first: "in.example".to_owned(),
                    second: "other.example".to_owned(),
                },
            ),
            (
                "",
                &["r.example/a=in.example/x", "r.example/a/=in.example/y"],
                InvalidMapping::Twice {
                    first: "r.example/a=in.example/x".to_owned(),
                    second: "r.example/a=in.example/y".to_owned(),
                },
            ),
        ];
        for (to, rules, why) in cases {
            assert_eq!(mapping(to, rules, 0), Err(why), "{to} {rules:?}");
        }
    }
}
