//! *Cluster configuration*: files that point container runtimes at a mirror.
//!
//! An entry stands for one repository that was pushed, so it is right for any mapping and says
//! nothing of what was not mirrored. Where a format cannot say it, the entry is an [`Omission`].

mod hosts_toml;
mod mirror_sets;
mod registries_conf;
mod registries_yaml;

use std::collections::BTreeMap;

use super::Landed;
use crate::oci::Reference;

/// The files, and what they do not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterConfig {
    /// By their paths.
    pub files: Vec<ClusterFile>,
    /// Entries that a format cannot express.
    pub omissions: Vec<Omission>,
}

/// A file for nodes or for a cluster's API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterFile {
    /// Where it stands, relative and with slashes.
    pub path: String,
    /// What it says.
    pub text: String,
}

/// What a file does not say.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Omission {
    /// The file.
    pub path: String,
    /// The repository or registry whose entry is left out.
    pub source: String,
    /// Why.
    pub why: String,
}

/// How nodes reach the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// By HTTPS.
    Https,
    /// By HTTP without TLS.
    PlainHttp,
}

impl Access {
    fn scheme(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::PlainHttp => "http",
        }
    }
}

impl ClusterConfig {
    /// What makes a cluster pull `landed` from where it landed.
    pub fn of(landed: &[Landed], access: Access) -> Self {
        let moves = moves(landed);
        let mut config = Self::default();
        if moves.is_empty() {
            return config;
        }
        registries_conf::write(&moves, access, &mut config);
        hosts_toml::write(&moves, access, &mut config);
        registries_yaml::write(&moves, access, &mut config);
        mirror_sets::write(&moves, access, &mut config);
        config.omissions.sort();
        config
    }

    fn file(&mut self, path: impl Into<String>, text: String) {
        self.files.push(ClusterFile { path: path.into(), text });
    }

    fn omit(&mut self, path: &str, source: String, why: impl Into<String>) {
        self.omissions.push(Omission { path: path.to_owned(), source, why: why.into() });
    }
}

/// A repository and where it went.
struct Move<'a> {
    source: &'a Reference,
    target: &'a Reference,
    has_tag: bool,
}

/// Every repository that changed its name, by its name.
fn moves(landed: &[Landed]) -> Vec<Move<'_>> {
    let mut moves: BTreeMap<String, Move<'_>> = BTreeMap::new();
    for Landed { source, name: target, .. } in landed {
        if source.name() == target.name() {
            continue;
        }
        let has_tag = target.tag().is_some();
        moves.entry(source.name()).and_modify(|it| it.has_tag |= has_tag).or_insert(Move {
            source,
            target,
            has_tag,
        });
    }
    moves.into_values().collect()
}

/// Moves by the registry they come from.
fn by_registry<'m, 'a>(moves: &'m [Move<'a>]) -> BTreeMap<&'a str, Vec<&'m Move<'a>>> {
    let mut registries: BTreeMap<&str, Vec<&Move<'_>>> = BTreeMap::new();
    for it in moves {
        registries.entry(it.source.registry()).or_default().push(it);
    }
    registries
}

#[cfg(test)]
mod tests;
