//! One image by the three parsers that policy systems use.

use sealift::oci::{Named, Reference, registry_name};
use serde::Deserialize;

use crate::cases;

#[derive(Deserialize)]
struct Case {
    input: String,
    go_containerregistry: GoContainerRegistry,
    distribution_reference: DistributionReference,
    oci_client: OciClient,
}

#[derive(Deserialize)]
struct GoContainerRegistry {
    name: Option<String>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct DistributionReference {
    domain: Option<String>,
    path: Option<String>,
    tag: Option<String>,
    digest: Option<String>,
    string: Option<String>,
    familiar: Option<String>,
}

#[derive(Deserialize)]
struct OciClient {
    whole: Option<String>,
}

fn as_distribution(text: &str) -> DistributionReference {
    let named: Option<Named> = text.parse().ok();
    let named = named.as_ref();
    DistributionReference {
        domain: named.map(|named| named.registry().to_owned()),
        path: named.map(|named| named.repository().to_owned()),
        tag: named.and_then(|named| named.tag().map(str::to_owned)),
        digest: named.and_then(|named| named.digest().map(ToString::to_string)),
        string: named.map(ToString::to_string),
        familiar: named.map(Named::familiar),
    }
}

/// Images that oci-client, in which Kubewarden looks for signatures, reads otherwise: image, what is
/// read here, why. No pattern of a policy is matched against what it reads.
const EXCEPTIONS: [(&str, Option<&str>, &str); 4] = [
    ("registry://ghcr.io/foo", None, "a scheme is Kubewarden's own and no part of a reference"),
    ("[::1]:5000/app", Some("[::1]:5000/app:latest"), "kubelets pull from IPv6 registries"),
    ("EXAMPLE/app", Some("EXAMPLE/app:latest"), "upper case is a host to every runtime"),
    (
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        None,
        "an identifier of an image to every runtime",
    ),
];

#[test]
fn image_references() {
    let Some(cases) = cases::<Case>("image-references.json") else { return };
    let mut exceptions = EXCEPTIONS.to_vec();
    for case in &cases {
        let input = case.input.as_str();
        assert_eq!(registry_name(input).ok(), case.go_containerregistry.name, "{input}");
        assert_eq!(as_distribution(input), case.distribution_reference, "{input}");
        let read = input.parse::<Reference>().ok().map(|reference| reference.to_string());
        if let Some(at) = exceptions.iter().position(|(image, ..)| *image == input) {
            let (_, wanted, why) = exceptions.swap_remove(at);
            assert_eq!(read.as_deref(), wanted, "{why}");
            assert_ne!(read, case.oci_client.whole, "stale exception: {why}");
        } else {
            assert_eq!(read, case.oci_client.whole, "{input}");
        }
    }
    assert!(exceptions.is_empty(), "stale exceptions: {exceptions:?}");
    println!(
        "image-references.json: {} passed, 0 failed ({} read otherwise than by oci-client, with reasons)",
        cases.len(),
        EXCEPTIONS.len()
    );
}
