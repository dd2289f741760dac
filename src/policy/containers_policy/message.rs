//! What containers/image says of an image that it refuses, word for word
//! (`signature/policy_eval_sigstore.go`, `policy_eval_simple.go`).

use std::collections::BTreeSet;

use crate::oci::Reference;
use crate::policy::{Mismatch, Shortfall, Why};
use crate::verify::{Claim, Facts, Form};

/// What it says of the first requirement that fell short, where that is known: of a signature that
/// did not verify it repeats the words of its own libraries. `unproven` counts those.
pub(in crate::policy) fn message(
    name: Option<&Reference>,
    shortfalls: &[Shortfall],
    evidence: &[&Facts],
    unproven: usize,
) -> Option<String> {
    match &shortfalls.first()?.why {
        Why::Decree(_) => name
            .map(|name| format!("Running image docker://{} is rejected by policy.", short(name))),
        Why::Evidence(mismatches) if unproven == 0 => reasons(mismatches, evidence),
        Why::Evidence(_) | Why::Result(_) => None,
    }
}

fn reasons(mismatches: &[(usize, Mismatch)], evidence: &[&Facts]) -> Option<String> {
    // It sees neither bundles nor attestations.
    let is_seen = |facts: &Facts| {
        facts.form == Form::Legacy && matches!(facts.claim, Claim::Signature { .. })
    };
    let seen: BTreeSet<_> =
        evidence.iter().filter(|facts| is_seen(facts)).map(|facts| facts.id).collect();
    let reasons = mismatches
        .iter()
        .filter(|(piece, _)| evidence.get(*piece).is_some_and(|facts| is_seen(facts)))
        .map(|(_, mismatch)| reason(mismatch))
        .collect::<Option<Vec<_>>>()?;
    // What verified against another trust alone did not verify here.
    if reasons.len() != seen.len() {
        return None;
    }
    Some(match reasons.as_slice() {
        [] => "A signature was required, but no signature exists".to_owned(),
        [one] => one.clone(),
        many => format!("None of the signatures were accepted, reasons: {}", many.join("; ")),
    })
}

fn reason(mismatch: &Mismatch) -> Option<String> {
    match mismatch {
        Mismatch::SignedIdentity { found } => {
            let found = found.as_deref().unwrap_or_default();
            Some(format!("Signature for identity \"{}\" is not accepted", found.escape_debug()))
        }
        _ => None,
    }
}

/// The name without what a short name leaves out.
fn short(name: &Reference) -> String {
    let text = name.to_string();
    let rest = text.strip_prefix("docker.io/").unwrap_or(&text);
    rest.strip_prefix("library/").filter(|_| rest.len() < text.len()).unwrap_or(rest).to_owned()
}
