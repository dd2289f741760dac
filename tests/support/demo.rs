//! The *demo*: an upgrade of a small product that crosses the gap.

use serde_json::Value;

use super::ca::Identity;
use super::dsse;
use super::evidence::{self, Signer, signature_tag};
use super::image::{AMD64, ARM64, image, index};
use super::key::Key;
use super::layout::Layout;
use super::{AttestationLog, Log, VirtualSigstore, sorted};

/// The seed of everything under `testdata`.
pub const SEED: &str = "testdata";
/// Where the demo's images come from.
pub const REPOSITORY: &str = "registry.sealift.example/demo";
/// The day of the release.
pub const RELEASE: &str = "2026-03-01T12:00:00Z";

/// The workflow that releases the demo.
pub fn release_workflow() -> Identity {
    Identity::workflow("sealift-demo/upgrade", "release.yml", "refs/tags/v2.1.0")
}

/// The person who signs by hand.
pub fn maintainer() -> Identity {
    Identity::email("maintainer@sealift.example", "https://accounts.sealift.example")
}

/// The key behind `cosign.pub`.
pub fn cosign_key(sigstore: &VirtualSigstore) -> Key {
    Key::p256(&sigstore.seed("cosign.pub"))
}

/// The files of the demo by name.
pub fn files() -> Vec<(String, Vec<u8>)> {
    let mut sigstore = VirtualSigstore::new(SEED);
    let root = sigstore.trusted_root();
    let key = cosign_key(&sigstore);
    vec![
        ("cosign.pub".to_owned(), key.public_pem().into_bytes()),
        ("policy.yaml".to_owned(), policy(&key).into_bytes()),
        ("trusted_root.json".to_owned(), pretty(&root)),
        ("upgrade.tar".to_owned(), upgrade(&mut sigstore).tar()),
    ]
}

/// The archive: three images, an index among them, and what was signed about each.
pub fn upgrade(sigstore: &mut VirtualSigstore) -> Layout {
    let mut layout = Layout::default();
    server(sigstore, &mut layout);
    agent(sigstore, &mut layout);
    console(sigstore, &mut layout);
    layout
}

/// For two platforms, signed by the workflow the older way, with provenance.
fn server(sigstore: &mut VirtualSigstore, layout: &mut Layout) {
    let repository = format!("{REPOSITORY}/server");
    let platforms = [AMD64, ARM64].map(|platform| {
        image(
            "server",
            platform,
            &[
                ("etc/os-release", "NAME=demo\nVERSION=2.1\n"),
                ("usr/lib/libdemo.so", &filler("libdemo", platform.architecture, 9000)),
                ("server", &filler("server", platform.architecture, 14000)),
            ],
        )
    });
    let server = index(&platforms);
    let digest = server.digest();
    let mut at = sigstore.at(RELEASE);

    let signer = at.certify(&release_workflow());
    let payload = evidence::simple_signing(&repository, &digest);
    let signature = at.sign(&signer, &payload, Log::Promise);

    let signer = at.certify(&release_workflow());
    let statement = dsse::statement(
        &repository,
        &digest,
        dsse::SLSA_PROVENANCE,
        &dsse::provenance("https://github.com/sealift-demo/upgrade"),
    );
    let attestation = at.attest(&signer, &statement, AttestationLog::Dsse001);

    layout
        .image(&server, &repository, "2.1.0")
        .tagged(&evidence::manifest(&[signature.layer()]), &signature_tag(&digest))
        .tagged(&evidence::manifest(&[attestation.layer()]), &evidence::attestation_tag(&digest));
}

/// Signed with a key, known to no log.
fn agent(sigstore: &mut VirtualSigstore, layout: &mut Layout) {
    let repository = format!("{REPOSITORY}/agent");
    let agent = image(
        "agent",
        AMD64,
        &[("etc/agent.conf", "interval = 30\n"), ("agent", &filler("agent", "amd64", 7000))],
    );
    let digest = agent.digest();
    let signer = Signer::key(cosign_key(sigstore));
    let payload = evidence::simple_signing(&repository, &digest);
    let signature = sigstore.at(RELEASE).sign(&signer, &payload, Log::None);
    layout
        .image(&agent, &repository, "1.4.2")
        .tagged(&evidence::manifest(&[signature.layer()]), &signature_tag(&digest));
}

/// Signed by a person with cosign 3: a bundle, and another with the bill of materials.
fn console(sigstore: &mut VirtualSigstore, layout: &mut Layout) {
    let repository = format!("{REPOSITORY}/console");
    let console = image(
        "console",
        AMD64,
        &[
            ("usr/share/console/index.html", "<!doctype html><title>demo</title>\n"),
            ("usr/share/console/app.js", &filler("app.js", "any", 5000)),
            ("console", &filler("console", "amd64", 8000)),
        ],
    );
    let digest = console.digest();
    let mut at = sigstore.at("2026-03-02T08:30:00Z");

    let signer = at.certify(&maintainer());
    let signature = at.bundle_statement(&signer, &dsse::cosign_sign(&digest));

    let signer = at.certify(&maintainer());
    let statement =
        dsse::statement(&repository, &digest, dsse::SPDX, &dsse::bill_of_materials("console"));
    let attestation = at.bundle_statement(&signer, &statement);

    layout
        .image(&console, &repository, "3.0.0")
        .referrer(&signature.referrer(&console))
        .referrer(&attestation.referrer(&console));
}

/// The policy that admits all three.
fn policy(key: &Key) -> String {
    let pem = key.public_pem().replace('\n', "\n          ");
    let workflow = release_workflow();
    let maintainer = maintainer();
    format!(
        "\
# What the far side asks of the demo upgrade: every image has its own signer.
apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata:
  name: demo-server
spec:
  images:
    - glob: {REPOSITORY}/server*
  authorities:
    - name: release-workflow
      keyless:
        url: https://fulcio.virtual.sealift.example
        identities:
          - issuer: {}
            subject: {}
---
apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata:
  name: demo-agent
spec:
  images:
    - glob: {REPOSITORY}/agent*
  authorities:
    - name: demo-key
      key:
        data: |
          {}
---
apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata:
  name: demo-console
spec:
  images:
    - glob: {REPOSITORY}/console*
  authorities:
    - name: maintainer
      keyless:
        url: https://fulcio.virtual.sealift.example
        identities:
          - issuer: {}
            subject: {}
",
        workflow.issuer,
        workflow.subject(),
        pem.trim_end(),
        maintainer.issuer,
        maintainer.subject(),
    )
}

/// JSON for readers: indented, a line feed at the end.
pub fn pretty(value: &Value) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(&sorted(value)).expect("a value is always JSON");
    bytes.push(b'\n');
    bytes
}

/// Text of some length that no two programs share.
fn filler(program: &str, platform: &str, length: usize) -> String {
    let line = format!("{program} for {platform}");
    let mut text = String::with_capacity(length);
    while text.len() < length {
        text.push_str(&line);
        text.push('\n');
    }
    text
}
