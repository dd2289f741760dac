//! `registries.yaml` of k3s and rke2, for `/etc/rancher/k3s` or `/etc/rancher/rke2`
//! ([private registry configuration](https://docs.k3s.io/installation/private-registry)).

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::{Access, ClusterConfig, Move, by_registry};
use crate::oci::Reference;

const PATH: &str = "rancher/registries.yaml";

pub(super) fn write(moves: &[Move<'_>], access: Access, config: &mut ClusterConfig) {
    let mut mirrors = String::new();
    for (registry, moves) in by_registry(moves) {
        let targets: BTreeSet<_> = moves.iter().map(|it| it.target.registry()).collect();
        if targets.contains(registry) {
            let why = "k3s ignores a mirror at the registry's own address";
            config.omit(PATH, registry.to_owned(), why);
            continue;
        }
        let _ = write!(mirrors, "  \"{registry}\":\n    endpoint:\n");
        for target in targets {
            let _ = writeln!(mirrors, "      - \"{}://{target}\"", access.scheme());
        }
        let rewritten = moves.iter().filter(|it| it.source.repository() != it.target.repository());
        let rewrites: Vec<_> = rewritten.map(|it| rewrite(it.source, it.target)).collect();
        if !rewrites.is_empty() {
            mirrors.push_str("    rewrite:\n");
            mirrors.extend(rewrites);
        }
    }
    if !mirrors.is_empty() {
        config.file(
            PATH,
            format!("# For /etc/rancher/k3s or /etc/rancher/rke2.\nmirrors:\n{mirrors}"),
        );
    }
}

/// One repository, from its first character to its last: k3s tries rewrites in any order. A dot is
/// the only character of a repository that means something in a regular expression.
fn rewrite(source: &Reference, target: &Reference) -> String {
    let pattern = source.repository().replace('.', "\\.");
    format!("      '^{pattern}$': '{}'\n", target.repository())
}
