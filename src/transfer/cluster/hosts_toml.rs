//! `hosts.toml` of containerd, one for each registry, below `/etc/containerd/certs.d`
//! ([hosts.md](https://github.com/containerd/containerd/blob/main/docs/hosts.md)).
//!
//! It moves a whole registry: the path of a repository stays, and a prefix may stand before it.

use std::collections::BTreeSet;

use super::{Access, ClusterConfig, Move, by_registry};

pub(super) fn write(moves: &[Move<'_>], access: Access, config: &mut ClusterConfig) {
    for (registry, moves) in by_registry(moves) {
        let path = format!("containerd/certs.d/{}/hosts.toml", directory(registry));
        let mut places = BTreeSet::new();
        for it in &moves {
            if let Some(prefix) = prefix(it) {
                places.insert((it.target.registry(), prefix));
            } else {
                let why = format!(
                    "containerd keeps the path of a repository, and this one went to {}",
                    it.target.name()
                );
                config.omit(&path, it.source.name(), why);
            }
        }
        let mut places = places.into_iter();
        match (places.next(), places.next()) {
            (Some((target, prefix)), None) => config.file(path, text(target, prefix, access)),
            (Some(_), Some(_)) => {
                let why = "its repositories went below several prefixes, \
                           and containerd has one place for a registry";
                config.omit(&path, registry.to_owned(), why);
            }
            (None, _) => {}
        }
    }
}

/// What stands before the repository's own path at the target.
fn prefix<'a>(it: &Move<'a>) -> Option<&'a str> {
    let before = it.target.repository().strip_suffix(it.source.repository())?;
    if before.is_empty() { Some("") } else { before.strip_suffix('/') }
}

fn text(target: &str, prefix: &str, access: Access) -> String {
    let scheme = access.scheme();
    if prefix.is_empty() {
        return format!(
            "[host.\"{scheme}://{target}\"]\n  capabilities = [\"pull\", \"resolve\"]\n"
        );
    }
    format!(
        "[host.\"{scheme}://{target}/v2/{prefix}\"]\n  capabilities = [\"pull\", \"resolve\"]\n  \
         override_path = true\n"
    )
}

/// With a port, the spelling that containerd looks for first, and that every file system can hold.
fn directory(registry: &str) -> String {
    match registry.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => format!("{host}_{port}_"),
        _ => registry.to_owned(),
    }
}
