//! `ImageDigestMirrorSet` and `ImageTagMirrorSet` of OpenShift, `config.openshift.io/v1`
//! ([types](https://github.com/openshift/api/blob/master/config/v1/types_image_digest_mirror_set.go)).

use std::fmt::Write as _;

use super::{Access, ClusterConfig, Move};
use crate::digest::Digest;

const DIGESTS: &str = "openshift/image-digest-mirror-set.yaml";
const TAGS: &str = "openshift/image-tag-mirror-set.yaml";

pub(super) fn write(moves: &[Move<'_>], access: Access, config: &mut ClusterConfig) {
    let expressible = |it: &&Move<'_>| {
        [it.source, it.target].iter().all(|name| !name.registry().starts_with('['))
    };
    for it in moves.iter().filter(|it| !expressible(it)) {
        let why = "OpenShift takes no IPv6 address as a registry";
        config.omit(DIGESTS, it.source.name(), why);
        if it.has_tag {
            config.omit(TAGS, it.source.name(), why);
        }
    }
    let digests: Vec<_> = moves.iter().filter(expressible).collect();
    let tags: Vec<_> = digests.iter().copied().filter(|it| it.has_tag).collect();
    if access == Access::PlainHttp {
        for target in
            digests.iter().map(|it| it.target.registry()).collect::<std::collections::BTreeSet<_>>()
        {
            let why = "a registry without TLS is named in image.config.openshift.io/cluster, \
                       registrySources.insecureRegistries";
            config.omit(DIGESTS, target.to_owned(), why);
        }
    }
    if !digests.is_empty() {
        config.file(DIGESTS, text("ImageDigestMirrorSet", "imageDigestMirrors", &digests));
    }
    if !tags.is_empty() {
        config.file(TAGS, text("ImageTagMirrorSet", "imageTagMirrors", &tags));
    }
}

fn text(kind: &str, field: &str, moves: &[&Move<'_>]) -> String {
    let mut mirrors = String::new();
    for it in moves {
        let (source, target) = (it.source.name(), it.target.name());
        let _ =
            write!(mirrors, "    - source: \"{source}\"\n      mirrors:\n        - \"{target}\"\n");
    }
    // Named for what it says, so that the set of the next run does not replace this one.
    let name: String = Digest::sha256(mirrors.as_bytes()).hex().chars().take(12).collect();
    format!(
        "apiVersion: config.openshift.io/v1\nkind: {kind}\nmetadata:\n  name: sealift-{name}\n\
         spec:\n  {field}:\n{mirrors}"
    )
}
