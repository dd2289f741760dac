//! What `admit` does: the images of Kubernetes objects, found in an archive and judged as the systems
//! of the policies would, each format by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;

use super::blobs::{Blobs, Plan};
use super::evidence::{self, Findings};
use super::judgement::{Asked, Judgement};
use super::parts::Bytes;
use super::pool::Pool;
use super::record::Record;
use super::selection::{self, Map};
use super::{Error, Work, check_readable};
use crate::admission::{Besides, Image, Images, Object, Objects, Pin, System};
use crate::oci::Reference;
use crate::policy::{
    self, Admission, AskingObject, Denial, Format, ObjectFacts, Policy, PolicyFailure, PolicySet,
    Reason, Verdict, kubewarden_settings,
};
use crate::report::Scope;

/// What is decided of a file of objects.
#[derive(Debug, Default)]
pub struct Decision {
    /// Why the objects are denied; none where they are allowed.
    pub refusals: Vec<Refusal>,
    /// The images to rewrite; of meaning only where nothing is refused.
    pub pins: Vec<Pin>,
    /// What deserves a look in either case.
    pub warnings: Vec<String>,
}

/// Why an object is denied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The object: its line, kind and name.
    pub object: String,
    /// The stable name of the reason.
    pub code: &'static str,
    /// The webhook whose words they are, where an API server would write its name before them.
    pub webhook: Option<&'static str>,
    /// What the policy's own system says, where that is known.
    pub text: String,
    /// What it would have said, had its policy no text of its own.
    pub cause: Option<String>,
}

/// Decides of objects.
pub fn admit(work: &Work<'_>, objects: &Objects, jobs: NonZeroUsize) -> Result<Decision, Error> {
    let Work { archive, inventory, verifiers, policies, limits } = *work;
    check_readable(inventory)?;
    selection::choose(inventory, &[])?;
    let map = Map::of(inventory);
    let pool = Pool::new(jobs)?;

    let images = objects.objects().iter().flat_map(|object| object.images.named());
    let wanted = images.filter_map(|image| image.pulled.parse::<Reference>().ok());
    let chosen: BTreeSet<_> =
        wanted.flat_map(|wanted| selection::meant(inventory, &wanted)).collect();
    let concerned = map.around(&chosen.into_iter().collect::<Vec<_>>());
    let tasks = evidence::tasks(inventory, &concerned);
    let plan = Plan::of(inventory, &concerned, false);
    let blobs = Blobs::check(&plan, archive.store(), &pool, &())?;
    let findings = Findings::verify(&tasks, &blobs, Scope::Whole, verifiers, &pool, &());

    let record = Record::of(inventory, limits);
    let scope = Scope::Whole;
    let bytes = Bytes { store: archive.store(), blobs: &blobs, limits, scope, record: &record };
    let gate = Gate { work, map: &map, bytes, findings: &findings, systems: &policies.by_format() };
    let mut decision = Decision::default();
    for object in objects.objects() {
        gate.decide(object, &objects.document(object), &mut decision)?;
    }
    Ok(decision)
}

struct Gate<'a> {
    work: &'a Work<'a>,
    map: &'a Map<'a>,
    bytes: Bytes<'a>,
    findings: &'a Findings,
    systems: &'a [(Format, PolicySet)],
}

impl Gate<'_> {
    fn decide(
        &self,
        object: &Object,
        document: &serde_json::Value,
        decision: &mut Decision,
    ) -> Result<(), Error> {
        let mut hearing = Hearing::of(object, decision);
        match &object.images {
            Images::UnknownKind => {
                hearing.warn("no images are known in this kind: it is not judged");
            }
            Images::Known { named, besides } => {
                for Besides::Kubectl in besides {
                    hearing.warn(
                        "it also runs kubectl, by the image that its controller names: that is \
                         not judged",
                    );
                }
                for image in named {
                    hearing.enforced = self.is_enforced(image);
                    self.decide_image(object, image, document, &mut hearing)?;
                }
            }
        }
        hearing.close(object);
        Ok(())
    }

    /// Whether any of the policies that cover the image, as it is written, may refuse; where none
    /// covers it, any policy. Kubewarden alone has policies that only monitor.
    fn is_enforced(&self, image: &Image) -> bool {
        let covers = |policy: &&Policy| match &policy.images {
            policy::Images::Written(pattern) => pattern.matches(&image.pulled),
            _ => true,
        };
        let monitors =
            |policy: &Policy| policy.admission.as_ref().is_some_and(|admission| admission.monitor);
        let policies = self.work.policies.policies();
        let mut covering = policies.iter().filter(covers).peekable();
        covering.peek().is_none() || !covering.all(monitors)
    }

    fn decide_image(
        &self,
        object: &Object,
        image: &Image,
        document: &serde_json::Value,
        hearing: &mut Hearing<'_>,
    ) -> Result<(), Error> {
        let shown = image.pulled.escape_debug();
        let reference = match image.pulled.parse::<Reference>() {
            Ok(reference) => reference,
            Err(cause) => {
                hearing.refuse("no-reference", format!("image `{shown}` cannot be read: {cause}"));
                return Ok(());
            }
        };
        let place = match selection::meant(self.work.inventory, &reference)[..] {
            [place] => place,
            [] => {
                let text =
                    format!("image `{shown}` is not in the archive, {}", self.there(&reference));
                hearing.refuse("not-in-archive", text);
                return Ok(());
            }
            _ => {
                let text = format!("image `{shown}` is the name of several images of the archive");
                hearing.refuse("ambiguous", text);
                return Ok(());
            }
        };
        let names = [reference];
        let field = field(&image.pointer);
        let asking = AskingObject {
            facts: ObjectFacts {
                kind: &object.kind,
                group: &object.group,
                version: &object.version,
                labels: &object.labels,
            },
            document,
            field: &field,
        };
        let asked = Asked { names: &names, written: Some(&image.pulled), object: Some(&asking) };
        let digest = self.map.digest(place).expect("places come from this inventory");
        let pin = Pin::new(object, image, &digest)?;
        let mut is_rewritten = false;
        for (format, policies) in self.systems {
            if !is_judged(*format, object, image) {
                hearing.warn(&format!(
                    "image `{shown}`: the system of {} policies does not judge {field} of this \
                     kind; sealift does",
                    format.name()
                ));
            }
            let judgement = Judgement {
                inventory: self.work.inventory,
                map: self.map,
                bytes: self.bytes,
                findings: self.findings,
                policies,
                comparison: None,
            };
            match judgement.verdict(place, &asked) {
                Verdict::Deny(denial) => {
                    hearing.deny(*format, policies, &denial, &image.pulled, &field);
                }
                Verdict::Admit(admitted) => {
                    hearing.warn_of(admitted.warnings());
                    is_rewritten |= *format == Format::ClusterImagePolicy;
                    let passed = |id: &str| admitted.passed().iter().any(|one| one.policy == id);
                    let of_passed = policies.policies().iter().filter(|policy| passed(&policy.id));
                    for admission in of_passed.filter_map(|policy| policy.admission.as_ref()) {
                        let rewrites = admission.rewrite && !admission.monitor;
                        if rewrites && pin.is_some() && admission.mutating == Some(false) {
                            hearing.refuse_by(
                                "would-mutate-but-may-not",
                                kubewarden_settings::may_not_mutate(admission),
                                admission.message.clone(),
                            );
                        }
                        is_rewritten |= rewrites;
                    }
                }
            }
        }
        hearing.decision.pins.extend(pin.filter(|_| is_rewritten));
        Ok(())
    }

    /// What there is instead of an image that is not: another by the same tag, else all names.
    fn there(&self, wanted: &Reference) -> String {
        let by_tag = wanted.tag().and_then(|tag| wanted.with_tag(tag).ok());
        let places = by_tag.map(|name| selection::meant(self.work.inventory, &name));
        match places.iter().flatten().find_map(|&place| self.map.digest(place)) {
            Some(digest) => format!("where its tag is of {digest}"),
            None => format!("which holds {}", held(&selection::names(self.work.inventory))),
        }
    }
}

/// Whether the system of the format would judge the image too.
fn is_judged(format: Format, object: &Object, image: &Image) -> bool {
    match format {
        Format::KubewardenSettings => System::Kubewarden.judges(object, image),
        Format::ClusterImagePolicy => System::PolicyController.judges(object, image),
        Format::Flags | Format::VerificationConfig | Format::ContainersPolicy => true,
    }
}

/// What is heard of one object.
struct Hearing<'a> {
    object: String,
    /// Whether what is amiss with the image at hand refuses the object, or is only told.
    enforced: bool,
    /// What each of Kubewarden's policies says of images.
    kubewarden: BTreeMap<String, (Admission, Vec<String>)>,
    policy_controller: Vec<String>,
    decision: &'a mut Decision,
}

impl<'a> Hearing<'a> {
    fn of(object: &Object, decision: &'a mut Decision) -> Self {
        let name = object.name.as_deref().unwrap_or_default();
        let told = format!("line {}: {} `{name}`", object.line, object.kind);
        Self {
            object: told,
            enforced: true,
            kubewarden: BTreeMap::new(),
            policy_controller: Vec::new(),
            decision,
        }
    }

    fn warn(&mut self, text: &str) {
        let warning = format!("{}: {text}", self.object);
        if !self.decision.warnings.contains(&warning) {
            self.decision.warnings.push(warning);
        }
    }

    fn warn_of(&mut self, failures: &[PolicyFailure]) {
        for failure in failures {
            self.warn(&format!("not enforced: {}", said(failure)));
        }
    }

    fn refuse(&mut self, code: &'static str, text: String) {
        if self.enforced {
            self.refuse_by(code, text, None);
        } else {
            self.warn(&format!("not enforced: {text}"));
        }
    }

    /// Refuses in the words of a policy, where it has some of its own `instead`.
    fn refuse_by(&mut self, code: &'static str, own: String, instead: Option<String>) {
        let (text, cause) = match instead {
            Some(instead) => (instead, Some(own)),
            None => (own, None),
        };
        let object = self.object.clone();
        self.push(Refusal { object, code, webhook: None, text, cause });
    }

    fn push(&mut self, refusal: Refusal) {
        if !self.decision.refusals.contains(&refusal) {
            self.decision.refusals.push(refusal);
        }
    }

    fn deny(
        &mut self,
        format: Format,
        policies: &PolicySet,
        denial: &Denial,
        image: &str,
        field: &str,
    ) {
        self.warn_of(&denial.warnings);
        for reason in &denial.reasons {
            match (reason, format) {
                (Reason::Uncovered { .. }, Format::KubewardenSettings) => self.warn(&format!(
                    "image `{image}` is uncovered: Kubewarden accepts it, and nobody has verified it"
                )),
                (Reason::Uncovered { .. }, Format::ClusterImagePolicy) => {
                    self.policy_controller.push(format!("no matching policies: {field}\n{image}"));
                }
                (Reason::Uncovered { .. }, _) => {
                    self.refuse(reason.code(), format!("no policy covers image `{image}`"));
                }
                (Reason::Blob(fault), _) => self.refuse(
                    fault.code,
                    format!("image `{image}`: {} {}: {}", fault.part.name(), fault.digest, fault.detail),
                ),
                (Reason::OtherDigest { name }, _) => self.refuse(
                    reason.code(),
                    format!("image `{image}`: `{name}` names another digest than {}", denial.subject),
                ),
                (Reason::Policy(failure), Format::KubewardenSettings) => {
                    self.deny_by_kubewarden(policies, failure);
                }
                (Reason::Policy(failure), Format::ClusterImagePolicy) => {
                    self.policy_controller.push(said(failure));
                }
                (Reason::Policy(failure), _) => {
                    self.refuse(reason.code(), format!("image `{image}`: {}", said(failure)));
                }
            }
        }
    }

    fn deny_by_kubewarden(&mut self, policies: &PolicySet, failure: &PolicyFailure) {
        let policy = policies.policies().iter().find(|policy| policy.id == failure.policy);
        let Some(admission) = policy.and_then(|policy| policy.admission.as_ref()) else {
            return self.refuse_by("policy-not-met", said(failure), None);
        };
        let told = self.kubewarden.entry(admission.object.clone());
        let (_, failures) = told.or_insert_with(|| (admission.clone(), Vec::new()));
        failures.push(said(failure));
    }

    /// What the systems say of the object as a whole.
    fn close(mut self, object: &Object) {
        let name = object.name.as_deref().unwrap_or_default();
        for (admission, failures) in std::mem::take(&mut self.kubewarden).into_values() {
            let failures: Vec<&str> = failures.iter().map(String::as_str).collect();
            let own = kubewarden_settings::not_accepted(&admission, &object.kind, name, &failures);
            self.refuse_by("policy-not-met", own, admission.message);
        }
        if self.policy_controller.is_empty() {
            return;
        }
        let is_uncovered = |text: &String| text.starts_with("no matching policies: ");
        let code = if self.policy_controller.iter().all(is_uncovered) {
            "uncovered"
        } else {
            "policy-not-met"
        };
        let text = format!("validation failed: {}", self.policy_controller.join("\n"));
        let object = self.object.clone();
        self.push(Refusal { object, code, webhook: Some(WEBHOOK), text, cause: None });
    }
}

/// The name of policy-controller's webhook.
const WEBHOOK: &str = "policy.sigstore.dev";

fn said(failure: &PolicyFailure) -> String {
    let otherwise = || format!("policy `{}` does not hold", failure.policy.escape_debug());
    failure.message.clone().unwrap_or_else(otherwise)
}

/// The names an archive has, as far as they are told.
fn held(names: &[String]) -> String {
    const SHOWN: usize = 10;
    let more = if names.len() > SHOWN { " and others" } else { "" };
    format!("{}{more}", names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", "))
}

/// A JSON pointer as Kubernetes writes the path of a field.
fn field(pointer: &str) -> String {
    let mut path = String::new();
    for step in pointer.split('/').skip(1) {
        if step.bytes().all(|b| b.is_ascii_digit()) {
            path.extend(["[", step, "]"]);
        } else {
            path.push_str(if path.is_empty() { "" } else { "." });
            path.push_str(step);
        }
    }
    path
}
