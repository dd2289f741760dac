//! What policy-controller says of an image that a policy refuses (`pkg/webhook/validator.go`).

use crate::oci::Reference;
use crate::policy::requirement::Witness;
use crate::policy::{Case, Kind, Mismatch, Policy, Requirement, Rule, Signer, Why};
use crate::verify::{Claim, Facts, SubjectAlternativeName};

/// What is said of the image under `name`; `refusal` is what the policy over the result said.
pub(in crate::policy) fn message(
    policy: &Policy,
    case: &Case<'_>,
    name: Option<&Reference>,
    evidence: &[&Facts],
    refusal: Option<&str>,
) -> String {
    let image = image(case, name);
    let errors = match (refusal, &policy.rule) {
        (Some(refusal), _) => vec![refusal.to_owned()],
        (None, Rule::Any(rules)) => {
            let witness = Witness { evidence, name };
            rules.iter().filter_map(|rule| error(rule, witness, &image, case.unproven)).collect()
        }
        (None, _) => Vec::new(),
    };
    match case.object {
        // As the admission webhook: by the field of the object.
        Some(object) => {
            let errors = errors.join(" ");
            format!("failed policy: {}: {}\n{image} {errors}", policy.id, object.field)
        }
        // As policy-tester.
        None => errors.join("\n"),
    }
}

fn image(case: &Case<'_>, name: Option<&Reference>) -> String {
    match (case.written, name) {
        (Some(written), _) => written.to_owned(),
        (None, Some(name)) => name.to_string(),
        (None, None) => case.subject.to_string(),
    }
}

/// What an authority says that is not met; `unproven` pieces of evidence did not verify.
fn error(rule: &Rule, witness: Witness<'_>, image: &str, unproven: usize) -> Option<String> {
    if rule.evaluate(witness).holds {
        return None;
    }
    Some(match rule {
        Rule::Reject(name, message) if REFUSALS.contains(&message.as_str()) => {
            format!(
                "signature keyless validation failed for authority {name} for {image}: {message}"
            )
        }
        Rule::Reject(_, message) => format!("disallowed by static policy: {message}"),
        Rule::Evidence(requirement) => signature(requirement, witness, image, unproven),
        Rule::All(rules) => {
            let unmet = rules.iter().find_map(|rule| match rule {
                Rule::Evidence(requirement) => {
                    requirement.evaluate(witness).err().map(|why| (requirement, why))
                }
                _ => None,
            })?;
            attestation(unmet.0, &unmet.1.why, witness, image)
        }
        _ => return None,
    })
}

/// An authority that a bundle cannot be of.
pub(super) const KEY_AND_BUNDLE: &str =
    "when using the new bundle format, the authority must be keyless";
/// An authority by a certificate of its own.
pub(super) const NO_URL: &str = "no Keyless URL specified";
const REFUSALS: [&str; 2] = [KEY_AND_BUNDLE, NO_URL];

fn kind(requirement: &Requirement) -> &'static str {
    match requirement.signer {
        Signer::Keys(_) => "key",
        Signer::Certificate { .. } => "keyless",
    }
}

fn signature(
    requirement: &Requirement,
    witness: Witness<'_>,
    image: &str,
    unproven: usize,
) -> String {
    let why = requirement.evaluate(witness).err().map(|shortfall| shortfall.why);
    let cause = match why {
        Some(Why::Evidence(mismatches)) if !mismatches.is_empty() => {
            let told = mismatches.iter().map(|(_, mismatch)| cosign(mismatch));
            format!("no matching signatures: {}", told.collect::<Vec<_>>().join("\n"))
        }
        _ if unproven > 0 => "no matching signatures: none of them verified".to_owned(),
        _ => "no signatures found".to_owned(),
    };
    let (kind, name) = (kind(requirement), &requirement.name);
    format!("signature {kind} validation failed for authority {name} for {image}: {cause}")
}

/// cosign's words for what evidence lacks, where it has some.
fn cosign(mismatch: &Mismatch) -> String {
    match mismatch {
        Mismatch::OtherIdentity { found } => {
            let names: Vec<&str> = found.names.iter().map(SubjectAlternativeName::text).collect();
            format!(
                "none of the expected identities matched what was in the certificate, got subjects [{}] with issuer {}",
                names.join(" "),
                found.issuer
            )
        }
        other => other.to_string(),
    }
}

fn attestation(requirement: &Requirement, why: &Why, witness: Witness<'_>, image: &str) -> String {
    let authority =
        requirement.attested.as_ref().map_or("", |attested| attested.authority.as_str());
    let Why::Evidence(mismatches) = why else { return String::new() };
    let refused = mismatches.iter().find_map(|(_, mismatch)| match mismatch {
        Mismatch::NotCompliant { message } => Some(message.clone()),
        _ => None,
    });
    if let Some(refused) = refused {
        return refused;
    }
    let heard = witness.evidence.iter().filter(|facts| facts.trust == requirement.trust);
    let found: Vec<&str> = heard
        .filter_map(|facts| match &facts.claim {
            Claim::Attestation { predicate_type, .. } => Some(predicate_type.as_str()),
            Claim::Signature { .. } => None,
        })
        .collect();
    match &requirement.kind {
        Kind::Attestation { predicate_type }
            if !found.is_empty() && !found.contains(&predicate_type.as_str()) =>
        {
            format!(
                "no matching attestations with type {predicate_type}, checked the following predicateTypes: \"{}\"",
                found.join(",")
            )
        }
        _ => {
            let kind = kind(requirement);
            let told = mismatches
                .iter()
                .map(|(_, mismatch)| cosign(mismatch))
                .collect::<Vec<_>>()
                .join("\n");
            let cause = if told.is_empty() {
                "no matching attestations".to_owned()
            } else {
                format!("no matching attestations: {told}")
            };
            format!(
                "attestation {kind} validation failed for authority {authority} for {image}: {cause}"
            )
        }
    }
}
