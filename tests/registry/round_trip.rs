//! A round trip of 200 signed images with 1,600 layers: from one registry through an archive into
//! another, every digest and every piece of evidence counted and equal on both sides.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use sealift::digest::Digest;

use crate::mirror::{Held, memory};
use crate::server::Server;
use crate::support::demo::{SEED, maintainer, pretty};
use crate::support::evidence::{self, attestation_tag, signature_tag};
use crate::support::image::{AMD64, ARM64, Artifact, Platform, image, index};
use crate::support::layout::Layout;
use crate::support::{AttestationLog, Log, VirtualSigstore, dsse};

const IMAGES: usize = 200;
const LAYERS: usize = 1600;

/// What was minted, counted.
#[derive(Default)]
struct Count {
    images: usize,
    layers: BTreeSet<Digest>,
    evidence: usize,
}

/// Images of eight layers, some for two platforms, signed by one person in four ways.
fn mint(layout: &mut Layout, sigstore: &mut VirtualSigstore) -> Count {
    let mut count = Count::default();
    for number in 0..IMAGES {
        let repository = format!("registry.sealift.example/trip/image{number}");
        let subject = if number % 4 == 3 {
            index(&[part(number, AMD64, 4), part(number, ARM64, 4)])
        } else {
            part(number, AMD64, 8)
        };
        count.images += 1;
        count.layers.extend(subject.layers.iter().map(|layer| Digest::sha256(layer)));
        layout.image(&subject, &repository, "v1");
        let digest = subject.digest();
        let mut at = sigstore.at("2026-03-02T08:30:00Z");
        let signer = at.certify(&maintainer());
        if number % 4 != 1 {
            let payload = evidence::simple_signing(&repository, &digest);
            let signature = at.sign(&signer, &payload, Log::Promise);
            layout.tagged(&evidence::manifest(&[signature.layer()]), &signature_tag(&digest));
            count.evidence += 1;
        }
        if number % 4 != 0 {
            let bundle = at.bundle_statement(&signer, &dsse::cosign_sign(&digest));
            layout.referrer(&bundle.referrer(&subject));
            count.evidence += 1;
        }
        if number % 4 == 2 {
            let bill = dsse::bill_of_materials("trip");
            let statement = dsse::statement(&repository, &digest, dsse::SPDX, &bill);
            let attestation = at.attest(&signer, &statement, AttestationLog::Dsse001);
            layout.tagged(&evidence::manifest(&[attestation.layer()]), &attestation_tag(&digest));
            count.evidence += 1;
        }
    }
    count
}

fn part(number: usize, platform: Platform, layers: usize) -> Artifact {
    let files: Vec<_> = (0..layers)
        .map(|layer| {
            let text = format!("layer {layer} of {number} for {}\n", platform.architecture);
            (format!("file{layer}"), text)
        })
        .collect();
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    image("trip", platform, &files)
}

fn sealift(directory: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sealift"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("SEALIFT_")) {
        command.env_remove(name);
    }
    let output = command.current_dir(directory).args(arguments).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

fn mirror(directory: &Path, archive: &str, to: &Server, more: &[&str]) -> String {
    let person = maintainer();
    let to = format!("{}/far", to.host());
    let subject = &person.subject();
    let judged = [
        "mirror",
        archive,
        "--trusted-root",
        "root.json",
        "--certificate-identity",
        subject,
        "--certificate-oidc-issuer",
        person.issuer.as_ref(),
        "--verification-time",
        "2026-06-01T00:00:00Z",
        "--plain-http",
        "--to",
        &to,
    ];
    sealift(directory, &[&judged, more].concat())
}

/// What a registry holds, without the path that stands before each repository.
fn contents(held: &Held, prefix: &str) -> BTreeMap<String, (String, Vec<u8>)> {
    let held = held.lock().unwrap();
    let contents = held.iter().map(|(path, content)| {
        (path.strip_prefix(prefix).unwrap_or_else(|| panic!("{path}")).to_owned(), content.clone())
    });
    contents.collect()
}

#[test]
fn two_hundred_signed_images() {
    let mut sigstore = VirtualSigstore::new(SEED);
    let mut layout = Layout::default();
    let minted = mint(&mut layout, &mut sigstore);
    assert_eq!((minted.images, minted.layers.len(), minted.evidence), (IMAGES, LAYERS, 350));
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path();
    std::fs::write(home.join("minted.tar"), layout.tar()).unwrap();
    std::fs::write(home.join("root.json"), pretty(&sigstore.trusted_root())).unwrap();

    let (held_near, held_far) = (Held::default(), Held::default());
    let (near, far) = (memory(&held_near, |_| None), memory(&held_far, |_| None));
    mirror(home, "minted.tar", &near, &[]);
    let list: Vec<_> =
        (0..IMAGES).map(|number| format!("{}/far/trip/image{number}:v1\n", near.host())).collect();
    std::fs::write(home.join("images.txt"), list.concat()).unwrap();
    sealift(home, &["export", "--plain-http", "-i", "images.txt", "-o", "carried.tar"]);
    let told = mirror(home, "carried.tar", &far, &["--prove"]);
    assert!(told.contains("\nread back: every consumer finds what it reads\n"), "{told}");

    let near_contents = contents(&held_near, "/v2/far/");
    assert_eq!(near_contents, contents(&held_far, "/v2/far/far/"));
    let digests: BTreeSet<Digest> =
        near_contents.values().map(|(_, bytes)| Digest::sha256(bytes)).collect();
    assert!(minted.layers.is_subset(&digests));
    for blob in layout.metadata.values().chain(layout.layers.values()) {
        assert!(digests.contains(&Digest::sha256(blob)));
    }
    let tags = |ending: &str| near_contents.keys().filter(|path| path.ends_with(ending)).count();
    assert_eq!((tags("/v1"), tags(".sig"), tags(".att")), (200, 150, 50));
    let lists = near_contents.keys().filter(|path| path.contains("/manifests/sha256-")).count();
    assert_eq!(lists - 200, 150, "an index of referrers for each image that has a bundle");

    let near_place = format!("docker://{}/far", far.host());
    let told = sealift(home, &["diff", "carried.tar", &near_place, "--plain-http"]);
    let first = told.lines().next().unwrap_or_default();
    assert!(first.starts_with("same: 200 images, 350 pieces of evidence, "), "{told}");
}
