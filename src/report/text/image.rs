//! One image: the verdict, what it is, and why.

use super::lines::Lines;
use super::{count, short};
use crate::digest::Digest;
use crate::policy::{Absent, Fault, Part, PolicyFailure, Reason, Shortfall, Why};
use crate::report::{
    Child, Evidence, Finding, Ground, Image, Kind, Outcome, Passed, Presence, Proof,
};
use crate::verify::{LogEntry, Signer, TimeSource};

/// Writes the paragraph of one image.
pub(super) fn write(lines: &mut Lines, image: &Image) {
    let verdict = if image.outcome.is_admitted() { "ADMITTED " } else { "DENIED " };
    let name = image.names.first().map_or("an image without a name", String::as_str);
    lines.hanging("", verdict, name);
    for name in image.names.iter().skip(1) {
        lines.hanging("  ", "also ", name);
    }
    lines.line("  ", &image.digest.to_string());
    write_children(lines, &image.children);
    match &image.outcome {
        Outcome::Admitted { through, passed, absent, held, .. } => {
            if let Some(index) = through {
                lines.hanging("  ", "by ", &format!("the index that lists it, {}", short(index)));
            }
            write_passed(lines, image, passed);
            write_absent(lines, absent);
            write_held(lines, held);
        }
        Outcome::Denied { reasons, .. } => write_reasons(lines, image, reasons),
    }
    for failure in image.outcome.warnings() {
        lines.hanging(
            "  ",
            "warning: ",
            &format!("policy `{}` (mode warn) is not met", failure.policy),
        );
        write_shortfalls(lines, image, failure);
    }
    write_rejected(lines, image);
}

fn write_children(lines: &mut Lines, children: &[Child]) {
    if children.is_empty() {
        return;
    }
    let told: Vec<_> = children
        .iter()
        .map(|child| {
            let platform = child.platform.as_deref().unwrap_or("no platform");
            match child.presence {
                Presence::Proven => platform.to_owned(),
                Presence::Absent => format!("{platform} (absent)"),
                Presence::Wrong => format!("{platform} (wrong)"),
            }
        })
        .collect();
    lines.hanging("  ", "index of ", &told.join(", "));
    // buildkit lists its attestations as manifests of an unknown platform.
    let known = |child: &&Child| {
        child.platform.as_deref().is_some_and(|platform| platform != "unknown/unknown")
    };
    let platforms = children.iter().filter(known);
    let held = platforms.clone().filter(|child| child.presence != Presence::Absent).count();
    let all = platforms.count();
    if held < all {
        lines.line("  ", &format!("{held} of {all} platforms"));
    }
}

fn write_passed(lines: &mut Lines, image: &Image, passed: &[Passed]) {
    for passed in passed {
        for approval in &passed.approvals {
            lines.hanging(
                "  ",
                "by ",
                &format!("policy `{}`, authority `{}`", passed.policy, approval.authority),
            );
            match approval.ground {
                Ground::Decree => lines.line("     ", "its own word; nothing was verified"),
                Ground::Evidence(place) => write_evidence(lines, image, place),
            }
        }
        write_deviations(lines, &passed.deviations);
    }
}

fn write_deviations(lines: &mut Lines, deviations: &[String]) {
    for deviation in deviations {
        lines.hanging("     ", "deviation ", deviation);
    }
}

fn write_evidence(lines: &mut Lines, image: &Image, place: usize) {
    if let Some(Evidence { finding: Finding::Verified(proof), manifest, .. }) =
        image.evidence.get(place)
    {
        lines.line("     ", &format!("from {}", short(manifest)));
        write_proof(lines, "     ", proof);
    }
}

/// Writes what a piece of evidence proves: what, by whom, known to which log, when.
pub fn write_proof(lines: &mut Lines, indent: &str, proof: &Proof) {
    match &proof.kind {
        Kind::Signature { annotations, .. } => {
            lines.line(indent, "signature");
            for (key, value) in annotations {
                lines.hanging(indent, "annotation ", &format!("{key}={value}"));
            }
        }
        Kind::Attestation { predicate_type, .. } => {
            lines.hanging(indent, "attestation of ", predicate_type);
        }
    }
    write_signer(lines, indent, &proof.signer);
    for entry in &proof.log_entries {
        lines.hanging(indent, "log ", &log_text(entry));
    }
    for time in &proof.times {
        let source = match &time.source {
            TimeSource::Log(_) => continue,
            TimeSource::TimestampAuthority(name) => format!("timestamp authority {name}"),
            TimeSource::Clock => "this machine's clock".to_owned(),
        };
        lines.hanging(indent, "time ", &format!("{}, {source}", time.at));
    }
    for note in &proof.notes {
        lines.hanging(indent, "note ", note);
    }
}

fn write_signer(lines: &mut Lines, indent: &str, signer: &Signer) {
    match signer {
        Signer::Key { id } => lines.hanging(indent, "key ", &id.to_string()),
        Signer::Certificate { identity, .. } => {
            for name in &identity.names {
                lines.hanging(indent, "signed by ", name.text());
            }
            let issuer = match identity.issuer.as_str() {
                "" => "none named",
                issuer => issuer,
            };
            lines.hanging(indent, "issuer ", issuer);
        }
    }
}

fn log_text(entry: &LogEntry) -> String {
    let mut text = format!("{} entry {}", entry.log, entry.index);
    if let Some(time) = entry.integrated {
        text = format!("{text}, {time}");
    }
    match (entry.promise, entry.inclusion) {
        (true, true) => text + ", promised and included",
        (true, false) => text + ", promised",
        (false, true) => text + ", included",
        (false, false) => text,
    }
}

fn write_absent(lines: &mut Lines, absent: &[Absent]) {
    for Absent { digest, part } in absent {
        lines.hanging("  ", "absent ", &format!("{} {digest}", part.name()));
    }
}

fn write_held(lines: &mut Lines, held: &[Digest]) {
    if !held.is_empty() {
        let count = count(held.len(), "layer");
        lines.hanging("  ", "held ", &format!("{count} by the target's own word, not hashed"));
    }
}

fn write_reasons(lines: &mut Lines, image: &Image, reasons: &[Reason]) {
    for reason in reasons {
        let why = match reason {
            Reason::Blob(fault) => format!("{}: {}", fault.part.name(), fault.detail),
            Reason::Uncovered { name: Some(name) } => format!("no policy covers `{name}`"),
            Reason::Uncovered { name: None } => {
                "no policy covers an image without a full name".to_owned()
            }
            Reason::OtherDigest { name } => format!("the name holds another digest: `{name}`"),
            Reason::Policy(failure) => format!("policy `{}` is not met", failure.policy),
        };
        lines.hanging("  ", "why ", &format!("{why} [{}]", reason.code()));
        if let Reason::Policy(failure) = reason {
            write_shortfalls(lines, image, failure);
        }
        lines.hanging("  ", "next ", next_step(image, reason));
    }
}

fn write_shortfalls(lines: &mut Lines, image: &Image, failure: &PolicyFailure) {
    if let Some(message) = &failure.message {
        lines.quoted("     ", "in its own words", message);
    }
    write_deviations(lines, &failure.deviations);
    for Shortfall { authority, why } in &failure.shortfalls {
        match why {
            Why::Decree(message) => {
                lines.line("     ", &format!("authority `{authority}` refuses: {message}"));
            }
            Why::Result(message) => {
                lines.line("     ", &format!("`{authority}` refuses what met the rest: {message}"));
            }
            Why::Evidence(mismatches) if mismatches.is_empty() => {
                let carried = count(evidence_of(image).count(), "piece");
                lines.line(
                    "     ",
                    &format!("authority `{authority}`: no evidence verified, of {carried} carried"),
                );
            }
            Why::Evidence(mismatches) => {
                for (_, mismatch) in mismatches {
                    lines.line(
                        "     ",
                        &format!("authority `{authority}`: {mismatch} [{}]", mismatch.code()),
                    );
                }
            }
        }
    }
}

fn evidence_of(image: &Image) -> impl Iterator<Item = &Evidence> {
    image.evidence.iter().filter(|evidence| {
        evidence.subject == image.digest && !matches!(evidence.finding, Finding::Carried(_))
    })
}

fn next_step(image: &Image, reason: &Reason) -> &'static str {
    match reason {
        Reason::Blob(Fault { part: Part::Child, code: "missing-blob", .. }) => {
            "ask the sender for all platforms; `--evidence-only` lists absent ones"
        }
        Reason::Blob(Fault { code: "omitted-blob", .. }) => {
            "give by `--base` what the delta was made against: the warning below names it"
        }
        Reason::Blob(Fault { part: Part::Ledger, .. }) => {
            "ask the sender for an archive that `sealift export` has written"
        }
        Reason::Blob(Fault { part: Part::Evidence, .. }) => {
            "something was lost on the way: ask the sender for the archive as it was exported"
        }
        Reason::Blob(_) => "fetch the archive again and compare its digest with the sender's",
        Reason::Uncovered { name: Some(_) } => "give a policy whose images match the name",
        Reason::Uncovered { name: None } => {
            "name it where the archive is made, or give a policy with the glob `**`"
        }
        Reason::OtherDigest { .. } => "ask whoever made the archive which image is meant",
        Reason::Policy(failure) if failure.is_by_decree() => {
            "nothing: the policy itself refuses it, whoever signed"
        }
        Reason::Policy(_) if evidence_of(image).next().is_none() => {
            "the archive carries no evidence of it: export it together with its signatures"
        }
        Reason::Policy(_) if !evidence_of(image).any(is_verified) => {
            "see why its evidence was rejected, below; docs/rejections.md has a section each"
        }
        Reason::Policy(failure) if failure.is_by_result() => {
            "see what `spec.policy` asks for besides the signers; `sealift admit` shows it an object"
        }
        Reason::Policy(failure) if failure.is_by_statement() => {
            "compare what the attestation states with what the policy over it asks for"
        }
        Reason::Policy(failure) if failure.is_by_witness() => {
            "the signer is right: docs/rejections.md says what can bring the proof that is lacking"
        }
        Reason::Policy(_) => "compare who signed with whom the policy demands",
    }
}

fn is_verified(evidence: &Evidence) -> bool {
    matches!(evidence.finding, Finding::Verified(_))
}

pub(super) fn write_rejected(lines: &mut Lines, image: &Image) {
    for evidence in &image.evidence {
        if let Finding::Rejected(rejected) = &evidence.finding {
            let whose = if evidence.subject == image.digest {
                String::new()
            } else {
                format!(" of {}", short(&evidence.subject))
            };
            lines.hanging(
                "  ",
                "rejected ",
                &format!("evidence {}{whose} [{}]", short(&evidence.manifest), rejected.code),
            );
            lines.line("     ", &rejected.detail);
        }
    }
}
