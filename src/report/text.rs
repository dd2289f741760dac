//! The report for people: the verdict first, 80 columns, no colour, nothing but printable ASCII.

mod explanation;
mod image;
mod lines;

use std::fmt::Write as _;

pub use explanation::render as explain;
pub use image::write_proof;
pub use lines::Lines;

use crate::policy::{Format, Mode, Origin};
use crate::report::{Basis, PolicyEntry, Report, Scope, Trust, TrustedRoot, VERSION, Warning};
use crate::verify::{Anchor, Role};

/// The report as text.
pub fn render(report: &Report) -> String {
    let mut lines = Lines::default();
    lines.line("", &verdict(report));
    lines.blank();
    for image in &report.images {
        image::write(&mut lines, image);
        lines.blank();
    }
    write_warnings(&mut lines, report);
    write_basis(&mut lines, report);
    let hashed = count(report.blobs.count, "blob");
    let size = bytes(report.blobs.bytes);
    lines.line("", &format!("{}; {hashed} hashed ({size})", verdict(report)));
    lines.finish()
}

/// The verdict on the whole.
fn verdict(report: &Report) -> String {
    let images = count(report.images.len(), "image");
    match report.denied() {
        0 => format!("admitted: {images}"),
        denied => format!("denied: {denied} of {images}"),
    }
}

fn write_warnings(lines: &mut Lines, report: &Report) {
    for warning in &report.warnings {
        lines.hanging("", "warning: ", &warning_text(warning, &report.basis.policies));
    }
    if !report.warnings.is_empty() {
        lines.blank();
    }
}

fn warning_text(warning: &Warning, policies: &[PolicyEntry]) -> String {
    match warning {
        Warning::UnusedPolicy { policy } => {
            format!("policy `{policy}` covers no image judged here")
        }
        Warning::Decree { image, policy } => {
            let entry = policies.iter().find(|entry| entry.id == *policy);
            let word = match entry.map(|entry| entry.format) {
                Some(Format::ClusterImagePolicy) => " (static: pass)",
                Some(Format::ContainersPolicy) => " (insecureAcceptAnything)",
                _ => "",
            };
            format!(
                "policy `{policy}` admits by its own word{word}, nothing was verified for it: {image}"
            )
        }
        Warning::OnlyWarned { image } => {
            format!("only policies of mode warn cover this image, nothing could deny it: {image}")
        }
        Warning::Stray(stray) => {
            let subject =
                stray.subject.map_or("something unknown".to_owned(), |digest| digest.to_string());
            let mut text = format!(
                "evidence {} speaks of what the archive does not hold: {subject}",
                short(&stray.manifest)
            );
            for fault in &stray.faults {
                write!(text, "; {fault}").expect("writing to a string");
            }
            text
        }
        Warning::Oddity { note } => note.clone(),
        Warning::Excused { subject, note } => {
            format!("the export did not see all evidence of {subject}: {note}")
        }
        Warning::Unreferenced { digest, size } => {
            format!("nothing refers to this blob of {size} bytes: {digest}")
        }
        Warning::ForeignMember { name } => {
            format!("written by another tool and not read: `{name}`")
        }
    }
}

/// What it was judged by; at the margin, so that a digest fits its line and can be copied.
fn write_basis(lines: &mut Lines, report: &Report) {
    let Basis { judged_at, scope, trust, policies } = &report.basis;
    lines.line("", &format!("judged by sealift {VERSION} as of {judged_at}"));
    if *scope == Scope::EvidenceOnly {
        lines.line("", "evidence only: absent layers, configs and children were not demanded");
    }
    lines.hanging("", "index ", &report.archive.to_string());
    write_trust(lines, trust, &report.used);
    write_policies(lines, policies);
    lines.blank();
}

/// Whom was trusted, and what of that was used.
pub fn write_trust(lines: &mut Lines, trust: &Trust, used: &[Anchor]) {
    if let Some(TrustedRoot { name, digest }) = &trust.trusted_root {
        lines.hanging("", "root ", &digest.to_string());
        lines.line("     ", name);
    }
    for (what, digests) in [("pki ", &trust.private_pki), ("key ", &trust.keys)] {
        for digest in digests {
            lines.hanging("", what, &digest.to_string());
        }
    }
    for note in &trust.unusable {
        lines.hanging("", "root: ", &format!("not usable: {note}"));
    }
    write_used(lines, used);
}

/// What of the trust was used; keys of policies stand there already.
fn write_used(lines: &mut Lines, used: &[Anchor]) {
    for Anchor { role, name, id } in used.iter().filter(|anchor| anchor.role != Role::Key) {
        lines.hanging("", "used ", &format!("{} {name}", role.name()));
        lines.line("     ", &id.to_string());
    }
}

/// The policies below their files, each file once.
fn write_policies(lines: &mut Lines, policies: &[PolicyEntry]) {
    let mut last = None;
    for PolicyEntry { id, format, origin, mode, remarks } in policies {
        let Origin::File { name, digest, line, .. } = origin else {
            lines.line("", "policy: the command line's signer");
            continue;
        };
        if last != Some((name, digest)) {
            lines.hanging("", "file ", &digest.to_string());
            lines.line("     ", name);
            last = Some((name, digest));
        }
        let mode = match mode {
            Mode::Enforce => "",
            Mode::Warn => ", mode warn",
        };
        let format = match format {
            Format::ClusterImagePolicy => String::new(),
            other => format!(", {}", other.name()),
        };
        lines.hanging("     ", "policy ", &format!("`{id}`, line {line}{format}{mode}"));
        for remark in remarks {
            lines.hanging("       ", "note ", remark);
        }
    }
}

/// `1 image`, `2 images`, `2 pieces of evidence`: the first word of what is counted has a plural in s.
pub fn count(number: usize, what: &str) -> String {
    match (number, what.split_once(' ')) {
        (1, _) => format!("1 {what}"),
        (number, Some((noun, rest))) => format!("{number} {noun}s {rest}"),
        (number, None) => format!("{number} {what}s"),
    }
}

/// A size in binary units, rounded down to a tenth.
pub fn bytes(number: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let mut unit = "B";
    let (mut whole, mut tenth) = (number, 0);
    for next in UNITS {
        if whole < 1024 {
            break;
        }
        tenth = whole % 1024 * 10 / 1024;
        whole /= 1024;
        unit = next;
    }
    if unit == "B" { format!("{whole} B") } else { format!("{whole}.{tenth} {unit}") }
}

/// The first twelve digits of a digest: enough to tell blobs of one archive apart.
pub fn short(digest: &crate::digest::Digest) -> String {
    let hex = digest.hex();
    format!("{}:{}", digest.algorithm(), hex.get(..12).unwrap_or(&hex))
}

#[cfg(test)]
mod tests;
