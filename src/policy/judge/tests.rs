//! The truth tables of judging, over facts.

use std::collections::BTreeMap;

use super::*;
use crate::limits::Limits;
use crate::policy::specimen::{attestation, by_identity, by_key, key, log_entry};
use crate::policy::{
    Authority, Demand, Format, Glob, Ground, IdentityMatcher, Images, Kind, Mismatch, Requirement,
    Rule, Signer, TextMatcher,
};
use crate::time::{UnixTime, Window};
use crate::verify::{TimeSource, TrustId, TrustedTime};

const SUBJECT: &str = "https://github.com/team/app/.github/workflows/release.yml@refs/tags/v1";
const ISSUER: &str = "https://token.actions.githubusercontent.com";

fn requirement(signer: Signer, log: Demand) -> Requirement {
    Requirement { log, ..Requirement::new("authority-0", Kind::Signature, signer) }
}

fn needs_key(seed: usize) -> Rule {
    Rule::Evidence(Box::new(requirement(Signer::Keys(vec![key(seed)]), Demand::Waived)))
}

fn keyless(sct: Demand) -> Signer {
    let exact = |text: &str| TextMatcher::Exact(text.to_owned());
    let identity = IdentityMatcher::new(exact(SUBJECT), Some(exact(ISSUER)));
    Signer::Certificate { authority: Authority::TrustedRoot, identities: vec![identity], sct }
}

fn policy(id: &str, glob: &str, mode: Mode, rule: Rule) -> Policy {
    let images = Images::Globs(vec![Glob::parse(glob, &Limits::default()).unwrap()]);
    let format = Format::ClusterImagePolicy;
    Policy { mode, ..Policy::new(id, format, Origin::Flags, images, rule) }
}

fn enforce(id: &str, glob: &str, rule: Rule) -> Policy {
    policy(id, glob, Mode::Enforce, rule)
}

/// Codes of the reasons, ids of the policies that hold, ids of those that only warn.
fn judge(
    policies: Vec<Policy>,
    names: &[&str],
    facts: &[&Facts],
) -> (Vec<&'static str>, Vec<String>, Vec<String>) {
    let names: Vec<Reference> = names.iter().map(|name| name.parse().unwrap()).collect();
    let parts = Parts::default();
    let subject = Digest::sha256(b"image");
    let case = Case {
        subject,
        names: &names,
        written: None,
        evidence: &[],
        unproven: 0,
        through: None,
        parts: &parts,
        configs: None,
        object: None,
    };
    let opinion = PolicySet::new(policies).unwrap().opinion(&case, facts);
    (
        opinion.reasons.iter().map(Reason::code).collect(),
        opinion.passed.into_iter().map(|passed| passed.policy).collect(),
        opinion.warnings.into_iter().map(|warning| warning.policy).collect(),
    )
}

fn trace(rule: &Rule, evidence: &[&Facts]) -> Trace {
    rule.evaluate(Witness { evidence, name: None })
}

fn list(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

#[test]
fn every_policy_that_covers_an_image_must_hold() {
    let both =
        || vec![enforce("one", "ghcr.io/**", needs_key(1)), enforce("two", "**", needs_key(2))];
    let (one, two) = (by_key(1), by_key(2));
    let name = ["ghcr.io/team/app:v1"];
    assert_eq!(judge(both(), &name, &[&one, &two]), (vec![], list(&["one", "two"]), vec![]));
    assert_eq!(judge(both(), &name, &[&one]), (vec!["policy-not-met"], list(&["one"]), vec![]));
    assert_eq!(judge(both(), &name, &[]), (vec!["policy-not-met"; 2], vec![], vec![]));
    let elsewhere = ["quay.io/team/app:v1"];
    assert_eq!(judge(both(), &elsewhere, &[&two]), (vec![], list(&["two"]), vec![]));
}

#[test]
fn one_authority_of_a_policy_is_enough() {
    let either = || vec![enforce("p", "**", Rule::Any(vec![needs_key(1), needs_key(2)]))];
    for seed in [1, 2] {
        assert_eq!(judge(either(), &[], &[&by_key(seed)]).0, Vec::<&str>::new());
    }
    assert_eq!(judge(either(), &[], &[&by_key(3)]).0, ["policy-not-met"]);
    let all = vec![enforce("p", "**", Rule::All(vec![needs_key(1), needs_key(2)]))];
    assert_eq!(judge(all, &[], &[&by_key(1)]).0, ["policy-not-met"]);
}

#[test]
fn an_image_that_no_policy_covers_is_not_admitted() {
    let policies = || vec![enforce("p", "ghcr.io/team/*", needs_key(1))];
    assert_eq!(judge(policies(), &["quay.io/x/y"], &[&by_key(1)]).0, ["uncovered"]);
    assert_eq!(judge(policies(), &[], &[&by_key(1)]).0, ["uncovered"]);
}

/// A second tag must not smuggle: each name is covered, and each name's policies hold.
#[test]
fn every_name_of_an_image_counts() {
    let policies = || {
        vec![
            enforce("ours", "ghcr.io/team/*", needs_key(1)),
            enforce("theirs", "quay.io/x/*", needs_key(2)),
        ]
    };
    let names = ["ghcr.io/team/app:v1", "quay.io/x/app:v1"];
    assert_eq!(judge(policies(), &names, &[&by_key(1)]).0, ["policy-not-met"]);
    let (one, two) = (by_key(1), by_key(2));
    assert_eq!(judge(policies(), &names, &[&one, &two]).0, Vec::<&str>::new());
    let third = ["ghcr.io/team/app:v1", "docker.io/evil/app:v1"];
    assert_eq!(judge(policies(), &third, &[&one, &two]).0, ["uncovered"]);
    let other = format!("ghcr.io/team/app@{}", Digest::sha256(b"another"));
    assert_eq!(judge(policies(), &[&other], &[&one]).0, ["name-of-other-digest"]);
}

/// POLICY C.4: a warn policy turns its own failure into a warning, and nobody else's.
#[test]
fn mode_warn() {
    let policies = |mode| {
        vec![
            policy("soft", "**", Mode::Warn, needs_key(1)),
            policy("hard", "ghcr.io/**", mode, needs_key(2)),
        ]
    };
    let name = ["ghcr.io/team/app:v1"];
    let judged = judge(policies(Mode::Enforce), &name, &[]);
    assert_eq!(judged, (vec!["policy-not-met"], vec![], list(&["soft"])));
    let judged = judge(policies(Mode::Enforce), &name, &[&by_key(2)]);
    assert_eq!(judged, (vec![], list(&["hard"]), list(&["soft"])));
    let judged = judge(policies(Mode::Warn), &name, &[]);
    assert_eq!(judged, (vec![], vec![], list(&["soft", "hard"])));
}

#[test]
fn decrees() {
    let policies = |rule| vec![enforce("p", "**", rule)];
    assert_eq!(judge(policies(Rule::Accept("a".into())), &[], &[]).0, Vec::<&str>::new());
    let reject = || Rule::Reject("r".into(), "no".into());
    assert_eq!(judge(policies(reject()), &[], &[&by_key(1)]).0, ["policy-not-met"]);
    let either = Rule::Any(vec![reject(), needs_key(1)]);
    assert_eq!(judge(policies(either), &[], &[&by_key(1)]).0, Vec::<&str>::new());
}

#[test]
fn wrong_bytes_deny_whatever_was_signed() {
    let fault = Fault {
        digest: Digest::sha256(b"layer"),
        part: Part::Layer,
        code: "missing-blob",
        detail: "gone".into(),
    };
    let parts = Parts { faults: vec![fault.clone()], ..Parts::default() };
    let subject = Digest::sha256(b"image");
    let case = Case {
        subject,
        names: &[],
        written: None,
        evidence: &[],
        unproven: 0,
        through: None,
        parts: &parts,
        configs: None,
        object: None,
    };
    let policies = PolicySet::new(vec![enforce("p", "**", needs_key(1))]).unwrap();
    let opinion = policies.opinion(&case, &[&by_key(1)]);
    assert_eq!(opinion.reasons, [Reason::Blob(fault)]);
}

#[test]
fn what_a_requirement_asks_of_one_piece_of_evidence() {
    let keyed = |log| requirement(Signer::Keys(vec![key(1)]), log);
    let certified = |sct| requirement(keyless(sct), Demand::Demanded);
    let logged = Facts { log_entries: vec![log_entry()], ..by_key(1) };
    let good = by_identity(SUBJECT, ISSUER);
    let without_log = Facts { log_entries: vec![], ..good.clone() };
    let without_sct = Facts { sct_logs: vec![], ..good.clone() };
    let private = Facts {
        signer: crate::verify::Signer::Certificate {
            authority: crate::verify::CertificateAuthority::PrivatePki,
            identity: crate::verify::Identity::default(),
        },
        ..good.clone()
    };
    let stated = Facts { claim: attestation("https://spdx.dev/Document"), ..good.clone() };
    let other = by_identity(SUBJECT, "https://accounts.google.com");
    let crate::verify::Signer::Certificate { identity, .. } = &other.signer else { panic!() };
    let found = Box::new(identity.clone());
    let predicate_type = "https://spdx.dev/Document".to_owned();
    let (demanded, waived) = (Demand::Demanded, Demand::Waived);
    let included = |log| Requirement { inclusion: demanded, ..keyed(log) };
    let entries = vec![log_entry(), crate::verify::LogEntry { inclusion: true, ..log_entry() }];
    let proven = Facts { log_entries: entries, ..by_key(1) };
    let cases = [
        (keyed(waived), by_key(1), Ok(())),
        (keyed(demanded), by_key(1), Err(Mismatch::NoLogEntry)),
        (keyed(demanded), logged.clone(), Ok(())),
        (included(waived), by_key(1), Err(Mismatch::NoInclusionProof)),
        (included(demanded), logged, Err(Mismatch::NoInclusionProof)),
        (included(demanded), proven, Ok(())),
        (keyed(waived), by_key(2), Err(Mismatch::OtherKey { found: key(2).id() })),
        (keyed(waived), good.clone(), Err(Mismatch::NotByKey)),
        (certified(demanded), good.clone(), Ok(())),
        (certified(demanded), without_log, Err(Mismatch::NoLogEntry)),
        (certified(demanded), without_sct.clone(), Err(Mismatch::NoSct)),
        (certified(waived), without_sct, Ok(())),
        (certified(demanded), other, Err(Mismatch::OtherIdentity { found })),
        (certified(demanded), private, Err(Mismatch::OtherAuthority)),
        (certified(demanded), by_key(1), Err(Mismatch::NotByCertificate)),
        (certified(demanded), stated, Err(Mismatch::NotASignature { predicate_type })),
    ];
    for (number, (requirement, facts, wanted)) in cases.into_iter().enumerate() {
        assert_eq!(requirement.check(&facts, None), wanted, "case {number}");
    }
}

/// A log's time is no timestamp; every time must lie in the window, ends included.
#[test]
fn times_are_demanded_of_one_piece_of_evidence() {
    let at = |text: &str| -> UnixTime { text.parse().unwrap() };
    let (start, end) = (at("2026-03-01T12:00:00Z"), at("2026-03-01T13:00:00Z"));
    let late = at("2026-03-01T13:00:00.5Z");
    let log = |at| TrustedTime { at, source: TimeSource::Log("log".to_owned()) };
    let authority =
        |at| TrustedTime { at, source: TimeSource::TimestampAuthority("tsa".to_owned()) };
    let keyed = || requirement(Signer::Keys(vec![key(1)]), Demand::Waived);
    let stamped = Requirement { timestamp: Demand::Demanded, ..keyed() };
    let timed = Requirement { window: Window::new(start, Some(end)), ..keyed() };
    let outside = Err(Mismatch::OutsideWindow { at: late });
    for (wanted, times, expected) in [
        (&stamped, vec![], Err(Mismatch::NoTimestamp)),
        (&stamped, vec![log(start)], Err(Mismatch::NoTimestamp)),
        (&stamped, vec![log(start), authority(start)], Ok(())),
        (&timed, vec![], Ok(())),
        (&timed, vec![log(start), authority(end)], Ok(())),
        (&timed, vec![log(late)], outside.clone()),
        (&timed, vec![log(start), authority(late)], outside),
    ] {
        let facts = Facts { times: times.clone(), ..by_key(1) };
        assert_eq!(wanted.check(&facts, None), expected, "{times:?}");
    }
}

/// CVE-2022-35929: another attestation, or a signature, never stands in for the one demanded.
#[test]
fn attestations_are_demanded_by_type() {
    let spdx = "https://spdx.dev/Document";
    let wanted = Requirement {
        kind: Kind::Attestation { predicate_type: spdx.to_owned() },
        ..requirement(Signer::Keys(vec![key(1)]), Demand::Waived)
    };
    let stated = |kind: &str| Facts { claim: attestation(kind), ..by_key(1) };
    assert_eq!(wanted.check(&stated(spdx), None), Ok(()));
    assert_eq!(wanted.check(&by_key(1), None), Err(Mismatch::NotAnAttestation));
    let found = "https://slsa.dev/provenance/v1".to_owned();
    assert_eq!(
        wanted.check(&stated(&found), None),
        Err(Mismatch::PredicateType { wanted: spdx.to_owned(), found: found.clone() })
    );
}

#[test]
fn annotations_come_from_the_same_signature_and_are_compared_as_texts() {
    let signed = |value: serde_json::Value| {
        let annotations = BTreeMap::from([("stage".to_owned(), value)]);
        Facts {
            claim: crate::verify::Claim::Signature { docker_reference: None, annotations },
            ..by_key(1)
        }
    };
    let wanted = Requirement {
        annotations: BTreeMap::from([("stage".to_owned(), "1".to_owned())]),
        ..requirement(Signer::Keys(vec![key(1)]), Demand::Waived)
    };
    assert_eq!(wanted.check(&signed("1".into()), None), Ok(()));
    for value in [serde_json::json!(1), serde_json::json!(["1"]), serde_json::json!("2")] {
        let found = Some(value.to_string());
        let (key, wanted_value) = ("stage".to_owned(), "1".to_owned());
        assert_eq!(
            wanted.check(&signed(value), None),
            Err(Mismatch::Annotation { key, wanted: wanted_value, found })
        );
    }
    // Another key's signature has the annotation, the right key's has not.
    let other = Facts { signer: by_key(2).signer, ..signed("1".into()) };
    let rule = Rule::Evidence(Box::new(wanted));
    let unmet = trace(&rule, &[&other, &by_key(1)]).shortfalls;
    let codes: Vec<_> = match &unmet[0].why {
        Why::Evidence(mismatches) => mismatches.iter().map(|(_, m)| m.code()).collect(),
        Why::Decree(_) | Why::Result(_) => panic!("no decree"),
    };
    assert_eq!(codes, ["other-key", "annotation-mismatch"]);
}

#[test]
fn an_approval_names_its_evidence() {
    let approvals = trace(&needs_key(2), &[&by_key(1), &by_key(2), &by_key(2)]).approvals;
    assert_eq!(approvals.len(), 1);
    assert_eq!(approvals[0].ground, Ground::Evidence { pieces: vec![1, 2] });
}

#[test]
fn a_set_needs_policies_of_distinct_names() {
    assert!(matches!(PolicySet::new(Vec::new()), Err(crate::policy::InvalidSet::Empty)));
    let twice = vec![enforce("p", "**", needs_key(1)), enforce("p", "**", needs_key(2))];
    assert!(matches!(PolicySet::new(twice), Err(crate::policy::InvalidSet::SameName { .. })));
    let set = PolicySet::new(vec![
        enforce("a", "**", Rule::Any(vec![needs_key(1), needs_key(2)])),
        enforce("b", "**", Rule::All(vec![needs_key(2), Rule::Accept("x".into())])),
    ]);
    assert_eq!(set.unwrap().keys(&TrustId::default()), [key(1), key(2)]);
}

impl PolicySet {
    /// Whether nothing speaks against the image, over facts that no verification made.
    pub(in crate::policy) fn admits(&self, case: &Case<'_>, facts: &[&Facts]) -> bool {
        self.opinion(case, facts).reasons.is_empty()
    }
}
