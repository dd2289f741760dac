//! `registries.conf` of containers/image (podman, CRI-O, skopeo), version 2, as a drop-in for
//! `/etc/containers/registries.conf.d`
//! ([containers-registries.conf(5)](https://github.com/containers/image/blob/main/docs/containers-registries.conf.5.md)).

use std::fmt::Write as _;

use super::{Access, ClusterConfig, Move};

pub(super) fn write(moves: &[Move<'_>], access: Access, config: &mut ClusterConfig) {
    let mut text = String::from("# A drop-in for /etc/containers/registries.conf.d.\n");
    for Move { source, target, .. } in moves {
        let (source, target) = (source.name(), target.name());
        // `location` may not be left out, though it repeats `prefix`.
        let _ = write!(
            text,
            "\n[[registry]]\nprefix = \"{source}\"\nlocation = \"{source}\"\n\n\
             [[registry.mirror]]\nlocation = \"{target}\"\n"
        );
        if access == Access::PlainHttp {
            text.push_str("insecure = true\n");
        }
    }
    config.file("containers/registries.conf.d/50-sealift.conf", text);
}
