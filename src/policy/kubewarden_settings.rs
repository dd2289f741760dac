//! Settings of Kubewarden's `verify-image-signatures`: which signatures an image needs, by the name
//! that an object calls it (POLICY A).
//!
//! [`Settings::decode`] and [`Settings::validate`] read what the policy reads, in its words; each
//! entry then becomes a [`Policy`]. Settings stand alone in a file, or in what carries them
//! (`carrier`).

mod carrier;
mod entry;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::limits::Limits;
use crate::policy::document::{Error, NOWHERE, Place};
use crate::policy::verification_config;
use crate::policy::{
    Admission, Approval, Format, Images, Mode, Policy, Requirement, Rule, Shortfall, Signer, Why,
    Wildcard,
};
use crate::time::UnixTime;
use crate::verify::{Trust, TrustId};
use crate::x509::{InvalidPin, PinnedCertificate};
use carrier::Carried;
use entry::{Certificates, Demands};

pub(super) use carrier::is_policy_list;
pub use entry::Signature;

/// Settings as they are written; a field that is not known says nothing.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    /// What is asked for, by image.
    pub signatures: Vec<Signature>,
    /// Whether verified images are rewritten to their digests.
    #[serde(default = "yes")]
    pub modify_images_with_digest: bool,
}

fn yes() -> bool {
    true
}

impl Settings {
    /// Decodes settings as the policy does, with what it says of those that it cannot.
    pub fn decode(settings: &Value) -> Result<Self, String> {
        Self::deserialize(settings).map_err(|why| why.to_string())
    }

    /// What the policy says of settings that it decodes and does not accept. Certificates are judged
    /// where they are pinned.
    pub fn validate(&self) -> Result<(), String> {
        if self.signatures.is_empty() {
            return Err("Signatures must not be empty".to_owned());
        }
        let told = self.signatures.iter().filter_map(Signature::fault);
        let told: Vec<_> = told.collect();
        if told.is_empty() { Ok(()) } else { Err(told.join("; ")) }
    }
}

/// Reads the settings in the document at `place`, a policy for each of their entries.
pub(super) fn read(
    place: &Place<'_>,
    limits: &Limits,
    now: UnixTime,
) -> Result<Vec<Policy>, Error> {
    let mut policies = Vec::new();
    for carried in carrier::read(place)? {
        policies.extend(carried.policies(place, limits, now)?);
    }
    Ok(policies)
}

impl Carried {
    fn policies(
        &self,
        place: &Place<'_>,
        limits: &Limits,
        now: UnixTime,
    ) -> Result<Vec<Policy>, Error> {
        let settings = Settings::decode(&self.settings)
            .map_err(|message| place.error_in(self.line_of_fault(), self.undecoded(message)))?;
        settings.validate().map_err(|message| {
            place.error_in(self.line_of_fault(), Problem::Refused { message })
        })?;
        let lowering = Lowering { carried: self, place, limits, now, settings: &settings };
        let entries = settings.signatures.iter().enumerate();
        entries.map(|(index, entry)| lowering.policy(index, entry)).collect()
    }

    /// Why the settings are none, in the policy's words.
    fn undecoded(&self, message: String) -> Problem {
        let unread = |entry: &&Value| Signature::deserialize(*entry).is_err();
        let fields = |entry: &Map<String, Value>| entry.keys().cloned().collect();
        match self.entries().find(unread).map(|entry| entry.as_object().map(fields)) {
            Some(fields) => Problem::NoEntry { message, fields: fields.unwrap_or_default() },
            None => Problem::Refused { message },
        }
    }

    fn entries(&self) -> impl Iterator<Item = &Value> {
        self.settings.get("signatures").and_then(Value::as_array).into_iter().flatten()
    }

    /// The line of the first entry that is none, or not acceptable.
    fn line_of_fault(&self) -> usize {
        let entries = self.entries();
        let is_wrong = |entry: &Value| match Signature::deserialize(entry) {
            Ok(entry) => entry.fault().is_some(),
            Err(_) => true,
        };
        let mut lines = entries.zip(&self.lines);
        lines.find(|(entry, _)| is_wrong(entry)).map_or(self.line, |(_, line)| *line)
    }
}

struct Lowering<'a> {
    carried: &'a Carried,
    place: &'a Place<'a>,
    limits: &'a Limits,
    now: UnixTime,
    settings: &'a Settings,
}

impl Lowering<'_> {
    fn policy(&self, index: usize, entry: &Signature) -> Result<Policy, Error> {
        let id = format!("{} signatures[{index}]", self.carried.id);
        let line = self.carried.lines.get(index).copied().unwrap_or(self.carried.line);
        let (rule, trusts) = match entry.demands() {
            Demands::Signatures(kind, signatures) => {
                let requirement =
                    |(number, signature): (usize, &verification_config::Signature)| {
                        let requirement = signature.requirement(&format!("{kind}[{number}]"));
                        Rule::Evidence(Box::new(requirement))
                    };
                (Rule::All(signatures.iter().enumerate().map(requirement).collect()), Vec::new())
            }
            Demands::Nothing(kind, message) => {
                (Rule::Reject(kind.to_owned(), message.to_owned()), Vec::new())
            }
            Demands::Certificates(certificates) => self.certificates(&id, line, certificates)?,
        };
        let images = Images::Written(Wildcard::new(entry.image()));
        let format = Format::KubewardenSettings;
        let mut remarks = entry.remarks(self.entry(index));
        remarks.extend(self.carried.remarks.iter().filter(|_| index == 0).cloned());
        let remark = |remark: String| format!("line {line}: `signatures[{index}]`: {remark}");
        Ok(Policy {
            mode: if self.carried.monitor { Mode::Warn } else { Mode::Enforce },
            trusts,
            deviations: entry.deviations(),
            remarks: remarks.into_iter().map(remark).collect(),
            admission: Some(Admission {
                object: self.carried.id.clone(),
                rewrite: self.settings.modify_images_with_digest,
                mutating: self.carried.mutating,
                monitor: self.carried.monitor,
                message: self.carried.message.clone(),
                group: self.carried.group.clone(),
                names_pods: self.carried.names_pods,
            }),
            ..Policy::new(&id, format, self.place.origin(), images, rule)
        })
    }

    fn entry(&self, index: usize) -> &Value {
        let entries = self.carried.settings.get("signatures");
        entries.and_then(|entries| entries.get(index)).unwrap_or(&Value::Null)
    }

    /// Every certificate has a trust of its own, in which nothing else counts.
    fn certificates(
        &self,
        id: &str,
        line: usize,
        entry: &Certificates,
    ) -> Result<(Rule, Vec<Trust>), Error> {
        let mut rules = Vec::new();
        let mut trusts = Vec::new();
        let chain = entry.chain.as_deref().unwrap_or_default();
        for (number, pem) in entry.pems.iter().enumerate() {
            let field = format!("certificates[{number}]");
            let pinned =
                PinnedCertificate::new(pem, chain, self.now, self.limits).map_err(|cause| {
                    let field = field.clone();
                    self.place.error_in(line, Problem::Certificate { field, cause })
                })?;
            let trust = TrustId::of_policy(&format!("{id}/{field}"));
            let signer = Signer::Keys(vec![pinned.certificate().key().clone()]);
            let requirement = entry.requirement(&field, signer);
            rules.push(Rule::Evidence(Box::new(Requirement {
                trust: trust.clone(),
                ..requirement
            })));
            trusts.push(Trust { id: trust, pinned: Some(pinned), ..Trust::default() });
        }
        Ok((Rule::All(rules), trusts))
    }
}

/// What the policy says of an image that an entry refuses, `written` as an object writes it. `signed`
/// says whether the image has any signature.
pub fn failure(
    rule: &Rule,
    written: &str,
    approvals: &[Approval],
    shortfalls: &[Shortfall],
    signed: bool,
) -> String {
    let decreed = shortfalls.iter().find_map(|shortfall| match &shortfall.why {
        Why::Decree(message) => Some(message.clone()),
        Why::Evidence(_) | Why::Result(_) => None,
    });
    let is_spelled = rule.requirements().iter().all(|requirement| requirement.spelled.is_some());
    let why = match decreed {
        Some(message) => message,
        None if !signed => verification_config::no_signatures(written),
        None if is_spelled => verification_config::failure(rule, approvals, shortfalls),
        None => BY_NO_CERTIFICATE.to_owned(),
    };
    // The host is asked for each certificate by itself, and for everything else at once.
    let answers = if is_spelled { 1 } else { shortfalls.len() };
    let told = format!(
        "verification of image {written} failed: Host error: Callback evaluation failure: {why}"
    );
    vec![told; answers].join(", ")
}

/// What is said where a certificate, or the annotations beside it, are not met.
const BY_NO_CERTIFICATE: &str = "verification failed: Several Signature Layers failed verification";

/// What the policy answers for an object of a kind, called `name`, empty where it has no name, of
/// which images failed.
pub fn not_accepted(admission: &Admission, kind: &str, name: &str, failures: &[&str]) -> String {
    let called = if admission.names_pods && kind == "Pod" { kind } else { "Resource" };
    format!("{called} {name} is not accepted: {}", failures.join(", "))
}

/// What the policy server answers where a policy would rewrite an object and may not.
pub fn may_not_mutate(admission: &Admission) -> String {
    match admission.group {
        Some(_) => "mutation is not allowed inside of policy group".to_owned(),
        None => format!(
            "Request rejected by policy {}. The policy attempted to mutate the request, but it is \
             currently configured to not allow mutations.",
            admission.object
        ),
    }
}

/// What is wrong with settings.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The policy refuses them too.
    #[error("{}", printable(.message))]
    Refused {
        /// The policy's words.
        message: String,
    },
    /// An entry is of none of the five kinds, which the policy does not explain.
    #[error(
        "{}; an entry has `image` and, of its kind, `pubKeys`, `keyless`, `githubActions`, \
         `keylessPrefix` or `certificates` with `requireRekorBundle`; this one has {}",
        printable(.message),
        listed(.fields)
    )]
    NoEntry {
        /// The policy's words.
        message: String,
        /// The fields that it has.
        fields: Vec<String>,
    },
    /// The object is of a version that is not read.
    #[error("apiVersion is `{}`; sealift reads policies.kubewarden.io/v1 and v1alpha2", .found.escape_debug())]
    OtherVersion {
        /// Its `apiVersion`.
        found: String,
    },
    /// The object is about another policy.
    #[error(
        "there is no policy `verify-image-signatures` in it, the only one that sealift decides by"
    )]
    OtherModule,
    /// A field is not what it must be.
    #[error("`{field}` is not {expected}")]
    Field {
        /// Its path.
        field: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// A group is decided by more than all of its members together.
    #[error(
        "`expression` is `{}`; sealift decides only by a group all of whose members must hold, \
         such as `one() && other()`",
        .found.escape_debug()
    )]
    Expression {
        /// The expression.
        found: String,
    },
    /// A certificate cannot be pinned.
    #[error("`{field}` cannot be used")]
    Certificate {
        /// Its path in the entry.
        field: String,
        /// Why.
        #[source]
        cause: InvalidPin,
    },
}

/// The policy's words: the values in them are quoted, and escaped there.
fn printable(message: &str) -> String {
    let escape =
        |c: char| if c.is_control() { c.escape_debug().to_string() } else { c.to_string() };
    message.chars().map(escape).collect()
}

fn listed(fields: &[String]) -> String {
    let fields: Vec<_> = fields.iter().map(|field| format!("`{}`", field.escape_debug())).collect();
    if fields.is_empty() { "none".to_owned() } else { fields.join(", ") }
}

impl Problem {
    fn at<T>(self, place: &Place<'_>) -> Result<T, Error> {
        Err(place.error(NOWHERE, self))
    }
}

#[cfg(test)]
mod tests;
