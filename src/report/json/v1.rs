//! Version 1 of the JSON report.

mod evidence;

use serde::Serialize;

use super::ascii;
use crate::digest::Digest;
use crate::policy::{Absent, Fault, Mode, Origin, PolicyFailure, Reason, Why};
use crate::report::{
    self, Approval, Child, Ground, Image, Outcome, Passed, PolicyEntry, Presence, Scope, VERSION,
    Warning,
};
use crate::time::UnixTime;
use crate::verify::Anchor;

pub use evidence::EvidenceV1;

/// The report as JSON, version 1.
pub fn render(report: &report::Report) -> String {
    ascii::to_string(&ReportV1::from(report))
}

/// The whole report.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReportV1<'a> {
    version: u32,
    tool: Tool,
    verdict: &'static str,
    judged_at: UnixTime,
    scope: &'static str,
    archive: Archive,
    trust: Trust<'a>,
    policies: Vec<PolicyV1<'a>>,
    summary: Summary,
    images: Vec<ImageV1<'a>>,
    warnings: Vec<WarningV1<'a>>,
}

impl<'a> From<&'a report::Report> for ReportV1<'a> {
    fn from(report: &'a report::Report) -> Self {
        let basis = &report.basis;
        Self {
            version: 1,
            tool: Tool { name: "sealift", version: VERSION },
            verdict: if report.denied() == 0 { "admitted" } else { "denied" },
            judged_at: basis.judged_at,
            scope: match basis.scope {
                Scope::Whole => "whole",
                Scope::EvidenceOnly => "evidence-only",
            },
            archive: Archive { index_digest: report.archive },
            trust: Trust {
                trusted_root: basis.trust.trusted_root.as_ref().map(|root| root.digest),
                trusted_root_file: basis.trust.trusted_root.as_ref().map(|root| root.name.as_str()),
                keys: &basis.trust.keys,
                private_pki: &basis.trust.private_pki,
                unusable: &basis.trust.unusable,
                used: report.used.iter().map(AnchorV1::from).collect(),
            },
            policies: basis.policies.iter().map(PolicyV1::from).collect(),
            summary: Summary {
                images: report.images.len(),
                admitted: report.admitted(),
                denied: report.denied(),
                blobs: report.blobs.count,
                bytes: report.blobs.bytes,
            },
            images: report.images.iter().map(ImageV1::from).collect(),
            warnings: report.warnings.iter().map(WarningV1::from).collect(),
        }
    }
}

#[derive(Serialize)]
struct Tool {
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Archive {
    index_digest: Digest,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Trust<'a> {
    trusted_root: Option<Digest>,
    trusted_root_file: Option<&'a str>,
    keys: &'a [Digest],
    private_pki: &'a [Digest],
    unusable: &'a [String],
    used: Vec<AnchorV1<'a>>,
}

#[derive(Serialize)]
struct AnchorV1<'a> {
    role: &'static str,
    name: &'a str,
    id: Digest,
}

impl<'a> From<&'a Anchor> for AnchorV1<'a> {
    fn from(anchor: &'a Anchor) -> Self {
        Self { role: anchor.role.name(), name: &anchor.name, id: anchor.id }
    }
}

#[derive(Serialize)]
struct PolicyV1<'a> {
    name: &'a str,
    format: &'static str,
    mode: &'static str,
    source: Source<'a>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    remarks: &'a [String],
}

impl<'a> From<&'a PolicyEntry> for PolicyV1<'a> {
    fn from(policy: &'a PolicyEntry) -> Self {
        let mode = match policy.mode {
            Mode::Enforce => "enforce",
            Mode::Warn => "warn",
        };
        let source = match &policy.origin {
            Origin::Flags => Source::CommandLine,
            Origin::File { name, digest, document, line } => {
                Source::File { name, digest: *digest, document: *document, line: *line }
            }
        };
        let (format, remarks) = (policy.format.name(), policy.remarks.as_slice());
        Self { name: &policy.id, format, mode, source, remarks }
    }
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Source<'a> {
    CommandLine,
    File { name: &'a str, digest: Digest, document: usize, line: usize },
}

#[derive(Serialize)]
struct Summary {
    images: usize,
    admitted: usize,
    denied: usize,
    blobs: usize,
    bytes: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ImageV1<'a> {
    verdict: &'static str,
    digest: Digest,
    media_type: &'a str,
    names: &'a [String],
    through: Option<Digest>,
    reasons: Vec<ReasonV1<'a>>,
    passed: Vec<PassedV1<'a>>,
    warned: Vec<FailureV1<'a>>,
    absent: Vec<PartV1>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    held: &'a [Digest],
    children: Vec<ChildV1<'a>>,
    evidence: Vec<EvidenceV1<'a>>,
}

impl<'a> From<&'a Image> for ImageV1<'a> {
    fn from(image: &'a Image) -> Self {
        let outcome = &image.outcome;
        let (through, reasons, absent, held) = match outcome {
            Outcome::Admitted { through, absent, held, .. } => {
                (*through, &[][..], absent.as_slice(), held.as_slice())
            }
            Outcome::Denied { reasons, .. } => (None, reasons.as_slice(), &[][..], &[][..]),
        };
        Self {
            verdict: if outcome.is_admitted() { "admitted" } else { "denied" },
            digest: image.digest,
            media_type: &image.media_type,
            names: &image.names,
            through,
            reasons: reasons.iter().map(ReasonV1::from).collect(),
            passed: outcome.passed().iter().map(PassedV1::from).collect(),
            warned: outcome.warnings().iter().map(FailureV1::from).collect(),
            absent: absent.iter().map(PartV1::from).collect(),
            held,
            children: image.children.iter().map(ChildV1::from).collect(),
            evidence: image.evidence.iter().map(EvidenceV1::from).collect(),
        }
    }
}

#[derive(Serialize)]
struct ReasonV1<'a> {
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    blob: Option<BlobV1<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<FailureV1<'a>>,
}

impl<'a> From<&'a Reason> for ReasonV1<'a> {
    fn from(reason: &'a Reason) -> Self {
        let bare = Self { code: reason.code(), blob: None, name: None, failure: None };
        match reason {
            Reason::Blob(fault) => Self { blob: Some(fault.into()), ..bare },
            Reason::Uncovered { name } => {
                Self { name: name.as_ref().map(ToString::to_string), ..bare }
            }
            Reason::OtherDigest { name } => Self { name: Some(name.to_string()), ..bare },
            Reason::Policy(failure) => Self { failure: Some(failure.into()), ..bare },
        }
    }
}

#[derive(Serialize)]
struct BlobV1<'a> {
    digest: Digest,
    part: &'static str,
    detail: &'a str,
}

impl<'a> From<&'a Fault> for BlobV1<'a> {
    fn from(fault: &'a Fault) -> Self {
        Self { digest: fault.digest, part: fault.part.name(), detail: &fault.detail }
    }
}

#[derive(Serialize)]
struct PassedV1<'a> {
    policy: &'a str,
    approvals: Vec<ApprovalV1<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    deviations: &'a [String],
}

impl<'a> From<&'a Passed> for PassedV1<'a> {
    fn from(passed: &'a Passed) -> Self {
        let approvals = passed.approvals.iter().map(ApprovalV1::from).collect();
        Self { policy: &passed.policy, approvals, deviations: &passed.deviations }
    }
}

#[derive(Serialize)]
struct ApprovalV1<'a> {
    authority: &'a str,
    /// The place in the image's `evidence`; `null` where the policy admits by its own word.
    evidence: Option<usize>,
}

impl<'a> From<&'a Approval> for ApprovalV1<'a> {
    fn from(approval: &'a Approval) -> Self {
        let evidence = match approval.ground {
            Ground::Evidence(place) => Some(place),
            Ground::Decree => None,
        };
        Self { authority: &approval.authority, evidence }
    }
}

#[derive(Serialize)]
struct FailureV1<'a> {
    policy: &'a str,
    /// What the policy's own system says, word for word.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    shortfalls: Vec<ShortfallV1<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    deviations: &'a [String],
}

impl<'a> From<&'a PolicyFailure> for FailureV1<'a> {
    fn from(failure: &'a PolicyFailure) -> Self {
        let shortfalls = failure
            .shortfalls
            .iter()
            .map(|shortfall| {
                let (refusal, mismatches) = match &shortfall.why {
                    Why::Decree(message) | Why::Result(message) => {
                        (Some(message.as_str()), Vec::new())
                    }
                    Why::Evidence(mismatches) => (
                        None,
                        mismatches
                            .iter()
                            .map(|(place, mismatch)| MismatchV1 {
                                evidence: *place,
                                code: mismatch.code(),
                                detail: mismatch.to_string(),
                            })
                            .collect(),
                    ),
                };
                ShortfallV1 { authority: &shortfall.authority, refusal, mismatches }
            })
            .collect();
        let (message, deviations) = (failure.message.as_deref(), failure.deviations.as_slice());
        Self { policy: &failure.policy, message, shortfalls, deviations }
    }
}

#[derive(Serialize)]
struct ShortfallV1<'a> {
    authority: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<&'a str>,
    mismatches: Vec<MismatchV1>,
}

#[derive(Serialize)]
struct MismatchV1 {
    /// The place in the image's `evidence`.
    evidence: usize,
    code: &'static str,
    detail: String,
}

#[derive(Serialize)]
struct PartV1 {
    digest: Digest,
    part: &'static str,
}

impl From<&Absent> for PartV1 {
    fn from(absent: &Absent) -> Self {
        Self { digest: absent.digest, part: absent.part.name() }
    }
}

#[derive(Serialize)]
struct ChildV1<'a> {
    digest: Digest,
    platform: Option<&'a str>,
    presence: &'static str,
}

impl<'a> From<&'a Child> for ChildV1<'a> {
    fn from(child: &'a Child) -> Self {
        let presence = match child.presence {
            Presence::Proven => "proven",
            Presence::Absent => "absent",
            Presence::Wrong => "wrong",
        };
        Self { digest: child.digest, platform: child.platform.as_deref(), presence }
    }
}

#[derive(Default, Serialize)]
struct WarningV1<'a> {
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    member: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    faults: &'a [String],
}

impl<'a> From<&'a Warning> for WarningV1<'a> {
    fn from(warning: &'a Warning) -> Self {
        let bare = Self { code: warning.code(), ..Self::default() };
        match warning {
            Warning::UnusedPolicy { policy } => Self { policy: Some(policy), ..bare },
            Warning::Decree { image, policy } => {
                Self { policy: Some(policy), image: Some(*image), ..bare }
            }
            Warning::OnlyWarned { image } => Self { image: Some(*image), ..bare },
            Warning::Stray(stray) => Self {
                subject: stray.subject,
                digest: Some(stray.manifest),
                faults: &stray.faults,
                ..bare
            },
            Warning::Oddity { note } => Self { note: Some(note), ..bare },
            Warning::Excused { subject, note } => {
                Self { subject: Some(*subject), note: Some(note), ..bare }
            }
            Warning::Unreferenced { digest, size } => {
                Self { digest: Some(*digest), size: Some(*size), ..bare }
            }
            Warning::ForeignMember { name } => Self { member: Some(name), ..bare },
        }
    }
}
