//! Whole reports, as they are told.

use std::collections::BTreeMap;

use super::*;
use crate::digest::Digest;
use crate::policy::{Fault, Format, Mismatch, Part, PolicyFailure, Reason, Shortfall, Why};
use crate::report::{
    Approval, Blobs, Child, Evidence, Finding, Ground, Image, Kind, Outcome, Passed, Presence,
    Proof, Rejected, StrayEvidence, Trust, json,
};
use crate::verify::{
    CertificateAuthority, Identity, LogEntry, Signer, SubjectAlternativeName, TimeSource,
    TrustedTime,
};

fn digest(text: &str) -> Digest {
    Digest::sha256(text.as_bytes())
}

fn proof() -> Finding {
    let at = "2026-03-01T12:00:00Z".parse().unwrap();
    let log = "https://rekor.example".to_owned();
    let identity = Identity {
        names: vec![SubjectAlternativeName::Uri("https://ci.example/release@v1".into())],
        issuer: "https://issuer.example".into(),
        extensions: BTreeMap::from([(5, "team/app".into())]),
    };
    Finding::Verified(Box::new(Proof {
        kind: Kind::Signature {
            docker_reference: Some("ghcr.io/team/app".into()),
            annotations: BTreeMap::from([("stage".into(), "\u{1b}[31mprod".into())]),
        },
        signer: Signer::Certificate {
            authority: CertificateAuthority::TrustedRoot("https://fulcio.example".into()),
            identity,
        },
        log_entries: vec![LogEntry {
            log: log.clone(),
            index: 7,
            integrated: Some(at),
            promise: true,
            inclusion: false,
        }],
        times: vec![TrustedTime { at, source: TimeSource::Log(log) }],
        sct_logs: vec!["https://ctfe.example".into()],
        notes: Vec::new(),
    }))
}

fn evidence(subject: Digest, manifest: &str, finding: Finding) -> Evidence {
    Evidence { subject, manifest: digest(manifest), found_by: "its subject".into(), finding }
}

fn admitted() -> Image {
    let subject = digest("app");
    let ground = Ground::Evidence(0);
    let approvals = vec![Approval { authority: "ci".into(), ground }];
    let child = |name, platform: &str, presence| Child {
        digest: digest(name),
        platform: Some(platform.into()),
        presence,
    };
    Image {
        digest: subject,
        media_type: "application/vnd.oci.image.index.v1+json".into(),
        names: vec!["ghcr.io/team/app:v1".into(), "ghcr.io/team/app:latest".into()],
        outcome: Outcome::Admitted {
            through: None,
            passed: vec![Passed {
                policy: "release".into(),
                approvals,
                shortfalls: Vec::new(),
                deviations: Vec::new(),
            }],
            warnings: vec![failure("soft", Why::Evidence(vec![(0, Mismatch::NotByKey)]))],
            absent: Vec::new(),
            held: Vec::new(),
        },
        children: vec![
            child("amd64", "linux/amd64", Presence::Proven),
            child("arm64", "linux/arm64", Presence::Absent),
        ],
        evidence: vec![evidence(subject, "signature", proof())],
    }
}

fn denied() -> Image {
    let subject = digest("tool");
    let fault = Fault {
        digest: digest("layer"),
        part: Part::Layer,
        code: "size-mismatch",
        detail: format!("blob {} has 9 bytes, its descriptor says 10", digest("layer")),
    };
    let rejected =
        Rejected { code: "signature-invalid", detail: "the signature is another's".into() };
    let reasons = vec![
        Reason::Blob(fault),
        Reason::Uncovered { name: Some("quay.io/x/tool:v2".parse().unwrap()) },
        Reason::Policy(failure("release", Why::Evidence(Vec::new()))),
    ];
    Image {
        digest: subject,
        media_type: "application/vnd.oci.image.manifest.v1+json".into(),
        names: vec!["quay.io/x/tool:v2\n\u{202e}".into()],
        outcome: Outcome::Denied { reasons, passed: Vec::new(), warnings: Vec::new() },
        children: Vec::new(),
        evidence: vec![evidence(subject, "bad signature", Finding::Rejected(rejected))],
    }
}

fn failure(policy: &str, why: Why) -> PolicyFailure {
    let shortfalls = vec![Shortfall { authority: "ci".into(), why }];
    PolicyFailure {
        policy: policy.into(),
        origin: Origin::Flags,
        shortfalls,
        approvals: Vec::new(),
        message: None,
        deviations: Vec::new(),
    }
}

fn report() -> Report {
    let origin = |document, line| Origin::File {
        name: "policy.yaml".into(),
        digest: digest("policy"),
        document,
        line,
    };
    let entry = |id: &str, mode, origin| PolicyEntry {
        id: id.into(),
        format: Format::ClusterImagePolicy,
        origin,
        mode,
        remarks: Vec::new(),
    };
    Report {
        basis: Basis {
            judged_at: "2026-04-01T00:00:00Z".parse().unwrap(),
            scope: Scope::Whole,
            trust: Trust {
                trusted_root: Some(TrustedRoot {
                    name: "root.json".into(),
                    digest: digest("root"),
                }),
                keys: vec![digest("key")],
                private_pki: Vec::new(),
                unusable: vec!["tlogs[1] (`https://rekor.example`): unknown key".into()],
            },
            policies: vec![
                entry("release", Mode::Enforce, origin(1, 1)),
                entry("soft", Mode::Warn, origin(2, 12)),
            ],
        },
        archive: digest("index.json"),
        blobs: Blobs { count: 12, bytes: 3_000_000 },
        used: vec![
            Anchor {
                role: Role::CertificateAuthority,
                name: "https://fulcio.example".into(),
                id: digest("fulcio"),
            },
            Anchor { role: Role::Key, name: String::new(), id: digest("key") },
        ],
        images: vec![admitted(), denied()],
        warnings: vec![
            Warning::UnusedPolicy { policy: "nothing".into() },
            Warning::Stray(StrayEvidence {
                subject: Some(digest("gone")),
                manifest: digest("stray"),
                faults: Vec::new(),
            }),
            Warning::Unreferenced { digest: digest("loose"), size: 5 },
            Warning::ForeignMember { name: "manifest.json".into() },
        ],
    }
}

#[test]
fn as_text() {
    let text = render(&report());
    assert!(text.is_ascii() && text.lines().all(|line| line.len() <= 80), "{text}");
    assert_eq!(text, include_str!("golden.txt").replace("{version}", VERSION));
}

/// What the policy's own system says stands below one lead and keeps its lines.
#[test]
fn a_message_is_led_once() {
    let message = "Image verification failed: missing signatures\nThe following constraints were \
                   not satisfied:\nkind: genericIssuer\nsubject: !equal \
                   https://github.com/team/app/.github/workflows/release.yml@refs/tags/v1\n\
                   annotations:\n  env: prod\n";
    let failure = PolicyFailure {
        message: Some(message.to_owned()),
        ..failure("release", Why::Evidence(Vec::new()))
    };
    let reasons = vec![Reason::Policy(failure)];
    let image = Image {
        names: vec!["ghcr.io/team/app:v1".into()],
        outcome: Outcome::Denied { reasons, passed: Vec::new(), warnings: Vec::new() },
        evidence: Vec::new(),
        ..denied()
    };
    let wanted = "\
DENIED ghcr.io/team/app:v1
  sha256:7c9bbe5ec9b3fb774e8fa0f54247e93c34ddf8e5d16fe3073420de0ae81a262d
  why policy `release` is not met [policy-not-met]
     in its own words
       Image verification failed: missing signatures
       The following constraints were not satisfied:
       kind: genericIssuer
       subject: !equal
       https://github.com/team/app/.github/workflows/release.yml@refs/tags/v1
       annotations:
         env: prod
     authority `ci`: no evidence verified, of 0 pieces carried
  next the archive carries no evidence of it: export it together with its
       signatures
";
    let mut lines = Lines::default();
    image::write(&mut lines, &image);
    assert_eq!(lines.finish(), wanted);
}

/// The same report as JSON: also the example of `docs/report-v1.md`, which must stay true.
#[test]
fn as_json() {
    let text = json::v1::render(&report());
    assert!(text.is_ascii());
    let docs = include_str!("../../../docs/report-v1.md").replace("{version}", VERSION);
    let example = docs.split("```json\n").nth(1).and_then(|rest| rest.split("```").next());
    assert_eq!(example, Some(text.as_str()));
}

#[test]
fn sizes_are_rounded_down() {
    let cases = [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1_610_612_735, "1.4 GiB")];
    for (number, text) in cases {
        assert_eq!(bytes(number), text);
    }
    assert_eq!(bytes(u64::MAX), "16777215.9 TiB");
}
