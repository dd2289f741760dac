//! Why an image was judged as it was: policy by policy, part by part, piece by piece.

use super::image::{write_proof, write_rejected};
use super::lines::Lines;
use super::short;
use crate::oci::Reference;
use crate::policy::containers_policy::Scope;
use crate::policy::{
    self, Images, Mode, Origin, Policy, PolicyFailure, PolicySet, Reason, Rule, Shortfall, Why,
};
use crate::report::{Finding, Ground, Image, Outcome, Passed, Report, VERSION};

/// The judgement of each image of a report as a tree, the verdict first.
pub fn render(report: &Report, policies: &PolicySet) -> String {
    let mut lines = Lines::default();
    for image in &report.images {
        write_image(&mut lines, image, policies);
    }
    let at = report.basis.judged_at;
    lines.line("", &format!("judged by sealift {VERSION} as of {at}"));
    lines.finish()
}

fn write_image(lines: &mut Lines, image: &Image, policies: &PolicySet) {
    let verdict = if image.outcome.is_admitted() { "ADMITTED " } else { "DENIED " };
    let name = image.names.first().map_or("an image without a name", String::as_str);
    lines.hanging("", verdict, name);
    for name in image.names.iter().skip(1) {
        lines.hanging("  ", "also ", name);
    }
    lines.line("  ", &image.digest.to_string());
    if let Outcome::Admitted { through: Some(index), .. } = &image.outcome {
        lines.hanging("  ", "through ", &format!("the index that lists it, {}", short(index)));
    }
    for reason in reasons(image) {
        let why = match reason {
            Reason::Blob(fault) => format!("{}: {}", fault.part.name(), fault.detail),
            Reason::Uncovered { name: Some(name) } => format!("no policy covers `{name}`"),
            Reason::Uncovered { name: None } => {
                "no policy covers an image without a full name".to_owned()
            }
            Reason::OtherDigest { name } => format!("the name holds another digest: `{name}`"),
            Reason::Policy(_) => continue,
        };
        lines.hanging("  ", "why ", &format!("{why} [{}]", reason.code()));
    }
    for policy in policies.policies() {
        lines.blank();
        write_policy(lines, image, policy);
    }
    lines.blank();
    write_rejected(lines, image);
    if image.evidence.iter().any(|piece| matches!(piece.finding, Finding::Rejected(_))) {
        lines.blank();
    }
}

fn reasons(image: &Image) -> &[Reason] {
    match &image.outcome {
        Outcome::Denied { reasons, .. } => reasons,
        Outcome::Admitted { .. } => &[],
    }
}

fn write_policy(lines: &mut Lines, image: &Image, policy: &Policy) {
    let heard = Heard::of(image, policy);
    let verdict = match (&heard, policy.mode) {
        (Heard::Nothing, _) => "does not apply",
        (Heard::Holds(_), _) => "holds",
        (Heard::Fails(_), Mode::Enforce) => "does not hold",
        (Heard::Fails(_), Mode::Warn) => "does not hold; of mode warn, it denies nothing",
    };
    lines.hanging("", "policy ", &format!("`{}` {verdict}", policy.id));
    let place = match &policy.origin {
        Origin::Flags => policy.origin.to_string(),
        Origin::File { .. } => format!("{}, {}", policy.origin, policy.format.name()),
    };
    lines.hanging("  ", "at ", &place);
    write_coverage(lines, image, policy);
    if let Some(mut leaves) = heard.leaves() {
        write_part(lines, image, &leaves.part(&policy.rule), 1);
        // What is asked beside the rule, of what met it.
        for shortfall in leaves.unmet {
            write_part(lines, image, &Part { holds: false, told: Told::Unmet(shortfall) }, 1);
        }
    }
    if let Heard::Fails(PolicyFailure { message: Some(message), .. }) = &heard {
        lines.quoted("  ", "in its own words", message);
    }
    for deviation in heard.deviations() {
        lines.hanging("  ", "deviation ", deviation);
    }
    for remark in &policy.remarks {
        lines.hanging("  ", "note ", remark);
    }
}

/// By which of the image's names the policy covers it, or what it covers instead.
fn write_coverage(lines: &mut Lines, image: &Image, policy: &Policy) {
    let names = image.names.iter().filter(|name| name.contains('/'));
    let names: Vec<(&String, Reference)> =
        names.filter_map(|name| Some((name, name.parse().ok()?))).collect();
    let covered = |(name, reference): &&(&String, Reference)| {
        policy.images.cover(reference, name, &image.digest)
    };
    let told: Vec<_> = names.iter().filter(covered).collect();
    for (name, _) in &told {
        lines.hanging("  ", "covers ", name);
    }
    if !told.is_empty() {
        return;
    }
    match &policy.images {
        Images::Any => lines.line("  ", "covers every image"),
        Images::Globs(globs) => {
            for glob in globs {
                lines.hanging("  ", "its images are ", glob.text());
            }
        }
        Images::Written(pattern) => lines.hanging("  ", "its images are ", pattern.text()),
        Images::Scope { scope, .. } => {
            let scope = match scope {
                Scope::Default => "what no scope names",
                Scope::Docker(scope) => scope,
            };
            lines.hanging("  ", "its images are ", scope);
        }
    }
}

/// What became of a policy.
enum Heard<'a> {
    Nothing,
    Holds(&'a Passed),
    Fails(&'a PolicyFailure),
}

impl<'a> Heard<'a> {
    fn of(image: &'a Image, policy: &Policy) -> Self {
        let passed = image.outcome.passed().iter().find(|passed| passed.policy == policy.id);
        if let Some(passed) = passed {
            return Self::Holds(passed);
        }
        let denied = reasons(image).iter().filter_map(|reason| match reason {
            Reason::Policy(failure) => Some(failure),
            _ => None,
        });
        let mut failures = denied.chain(image.outcome.warnings());
        failures.find(|failure| failure.policy == policy.id).map_or(Self::Nothing, Self::Fails)
    }

    fn deviations(&self) -> &'a [String] {
        match self {
            Self::Nothing => &[],
            Self::Holds(passed) => &passed.deviations,
            Self::Fails(failure) => &failure.deviations,
        }
    }

    /// What was met and what was not, each in the order of the rule.
    fn leaves(&self) -> Option<Leaves<'a>> {
        let mut leaves = match self {
            Self::Nothing => return None,
            Self::Holds(passed) => {
                let met = passed.approvals.iter();
                let met = met.map(|part| (part.authority.as_str(), part.ground)).collect();
                Leaves { met, unmet: passed.shortfalls.iter().collect() }
            }
            Self::Fails(failure) => {
                let met = failure.approvals.iter().map(|part| {
                    let ground = match &part.ground {
                        policy::Ground::Decree => Ground::Decree,
                        policy::Ground::Evidence { pieces } => {
                            let first = pieces.first().expect("an approval rests on a piece");
                            Ground::Evidence(*first)
                        }
                    };
                    (part.authority.as_str(), ground)
                });
                Leaves { met: met.collect(), unmet: failure.shortfalls.iter().collect() }
            }
        };
        leaves.met.reverse();
        leaves.unmet.reverse();
        Some(leaves)
    }
}

/// How the leaves of a rule came out: those that were met and those that were not, the next one last.
struct Leaves<'a> {
    met: Vec<(&'a str, Ground)>,
    unmet: Vec<&'a Shortfall>,
}

/// A part of a rule and how it came out.
struct Part<'a> {
    holds: bool,
    told: Told<'a>,
}

enum Told<'a> {
    Met(&'a str, Ground),
    Unmet(&'a Shortfall),
    Group(String, Vec<Part<'a>>),
}

impl<'a> Leaves<'a> {
    /// The rule with its outcome; each of its leaves takes the next that has its name.
    fn part(&mut self, rule: &Rule) -> Part<'a> {
        let (wanted, words, rules) = match rule {
            Rule::All(rules) => (rules.len(), "all of these".to_owned(), rules),
            Rule::Any(rules) => (1, "any one of these".to_owned(), rules),
            Rule::AtLeast(wanted, rules) => {
                (*wanted, format!("at least {wanted} of these {}", rules.len()), rules)
            }
            Rule::Evidence(requirement) => return self.leaf(&requirement.name),
            Rule::Accept(name) | Rule::Reject(name, _) => return self.leaf(name),
        };
        if let ([only], 1) = (rules.as_slice(), wanted) {
            return self.part(only);
        }
        let parts: Vec<_> = rules.iter().map(|rule| self.part(rule)).collect();
        let holds = parts.iter().filter(|part| part.holds).count() >= wanted;
        Part { holds, told: Told::Group(words, parts) }
    }

    fn leaf(&mut self, name: &str) -> Part<'a> {
        if let Some((name, ground)) = self.met.pop_if(|(met, _)| *met == name) {
            return Part { holds: true, told: Told::Met(name, ground) };
        }
        let shortfall = self.unmet.pop().expect("each leaf of a rule was met or was not");
        Part { holds: false, told: Told::Unmet(shortfall) }
    }
}

fn write_part(lines: &mut Lines, image: &Image, part: &Part<'_>, depth: usize) {
    let indent = "  ".repeat(depth);
    let deeper = "  ".repeat(depth.saturating_add(1));
    match &part.told {
        Told::Group(words, parts) => {
            let holds = if part.holds { "met" } else { "not met" };
            lines.line(&indent, &format!("{words}: {holds}"));
            for part in parts {
                write_part(lines, image, part, depth.saturating_add(1));
            }
        }
        Told::Met(name, Ground::Decree) => {
            lines.line(&indent, &format!("`{name}`: met by its own word; nothing was verified"));
        }
        Told::Met(name, Ground::Evidence(place)) => {
            lines.line(&indent, &format!("`{name}`: met"));
            write_piece(lines, image, *place, &deeper);
        }
        Told::Unmet(Shortfall { authority, why }) => {
            lines.line(&indent, &format!("`{authority}`: not met"));
            write_why(lines, image, why, &deeper);
        }
    }
}

fn write_piece(lines: &mut Lines, image: &Image, place: usize, indent: &str) {
    let Some(piece) = image.evidence.get(place) else { return };
    lines.hanging(indent, "evidence ", &short(&piece.manifest));
    if let Finding::Verified(proof) = &piece.finding {
        write_proof(lines, &format!("{indent}  "), proof);
    }
}

fn write_why(lines: &mut Lines, image: &Image, why: &Why, indent: &str) {
    match why {
        Why::Decree(message) => {
            lines.line(indent, &format!("it refuses by its own word: {message}"));
        }
        Why::Result(message) => {
            lines.line(indent, &format!("it refuses what met the rest: {message}"));
        }
        Why::Evidence(pieces) if pieces.is_empty() => {
            lines.line(indent, "no evidence verified that it could be met by");
        }
        Why::Evidence(pieces) => {
            for (place, lacks) in pieces {
                let manifest = image.evidence.get(*place).map(|piece| short(&piece.manifest));
                lines.hanging(indent, "evidence ", &manifest.unwrap_or_default());
                let lacks = format!("{lacks} [{}]", lacks.code());
                lines.hanging(&format!("{indent}  "), "but ", &lacks);
            }
        }
    }
}
