//! One image by the three parsers that policy systems use.

use sealift::oci::{Named, Reference, registry_name};
use serde::Deserialize;

use crate::{Tally, cases};

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

/// Exceptions are from oci-client alone, in which Kubewarden looks for signatures: no pattern of a
/// policy is matched against what it reads.
#[test]
fn image_references() {
    let file = "image-references.json";
    let Some(cases) = cases::<Case>(file) else { return };
    let mut tally = Tally::of(file);
    for case in &cases {
        let input = case.input.as_str();
        assert_eq!(registry_name(input).ok(), case.go_containerregistry.name, "{input}");
        assert_eq!(as_distribution(input), case.distribution_reference, "{input}");
        let read = input.parse::<Reference>().ok().map(|reference| reference.to_string());
        tally.note(input, read == case.oci_client.whole, read.as_deref().unwrap_or("none"));
    }
    tally.settle();
}
