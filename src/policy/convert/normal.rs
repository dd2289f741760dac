//! What policies decide, without how they say it.

use super::Why;
use crate::policy::{
    Attested, Demand, GithubRepository, Glob, IdentityMatcher, Images, Mode, Names, Policy, Reads,
    Requirement, Rule, Signer, TextMatcher,
};

/// What a set of policies decides.
pub(super) enum Set<'a> {
    /// Every image is denied: a name that is covered by decree, one that is not for want of cover.
    DeniesAll,
    /// Policies in their order; those that enforce on every image are one.
    Judges(Vec<Judge<'a>>),
}

/// A policy, by the place of the first that it is made of.
pub(super) struct Judge<'a> {
    pub place: usize,
    pub images: Coverage,
    pub mode: Mode,
    pub rule: Normal<'a>,
    /// Something that no other format has, and what it is.
    pub beside: Option<&'static str>,
}

/// Which images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Coverage {
    /// Every image, named or not.
    Everything,
    Globs(Vec<String>),
    Written(String),
    /// Names by the scopes of one file, which are not compared.
    Scope(String),
}

/// A rule in its one form: groups have at least two members, of which fewer than all and more than
/// none are decided by decree.
#[derive(Debug)]
pub(super) enum Normal<'a> {
    Accept,
    Reject,
    Evidence(&'a Requirement),
    /// At least so many of these.
    AtLeast(usize, Vec<Normal<'a>>),
}

impl<'a> Set<'a> {
    pub(super) fn of(policies: &'a [Policy]) -> Self {
        let mut judges: Vec<Judge<'a>> = Vec::new();
        for (place, policy) in policies.iter().enumerate() {
            let judge = Judge {
                place,
                images: Coverage::of(&policy.images),
                mode: policy.mode,
                rule: Normal::of(&policy.rule),
                beside: beside(policy),
            };
            let is_whole = |judge: &Judge<'_>| {
                judge.images == Coverage::Everything
                    && judge.mode == Mode::Enforce
                    && judge.beside.is_none()
            };
            match judges.iter_mut().find(|first| is_whole(first)) {
                Some(first) if is_whole(&judge) => {
                    let rule = std::mem::replace(&mut first.rule, Normal::Accept);
                    first.rule = Normal::at_least(2, vec![rule, judge.rule]);
                }
                _ => judges.push(judge),
            }
        }
        let denies =
            |judge: &Judge<'_>| matches!(judge.rule, Normal::Reject) && judge.mode == Mode::Enforce;
        if !judges.is_empty() && judges.iter().all(denies) {
            return Self::DeniesAll;
        }
        Self::Judges(judges)
    }

    /// Where the two decide differently: at which policy of this set, and why.
    pub(super) fn difference(&self, other: &Set<'_>) -> Option<(Option<usize>, Why)> {
        let (ours, theirs) = match (self, other) {
            (Self::DeniesAll, Set::DeniesAll) => return None,
            (Self::Judges(ours), Set::Judges(theirs)) => (ours, theirs),
            _ => return Some((None, Why::Beside { what: "only one of both denies everything" })),
        };
        if ours.len() != theirs.len() {
            let what = "the target has no room for several policies of different images";
            return Some((None, Why::Beside { what }));
        }
        ours.iter()
            .zip(theirs)
            .find_map(|(ours, theirs)| ours.difference(theirs).map(|why| (Some(ours.place), why)))
    }
}

/// What a policy asks beside judging images by a rule. Every field is named, so that none is passed
/// over.
fn beside(policy: &Policy) -> Option<&'static str> {
    let Policy {
        id: _,
        format: _,
        origin: _,
        images: _,
        mode: _,
        rule: _,
        deviations: _,
        remarks: _,
        trusts,
        objects,
        result,
        admission,
    } = policy;
    let may_not_rewrite = admission
        .as_ref()
        .is_some_and(|admission| admission.rewrite && admission.mutating == Some(false));
    let asks = [
        (
            !trusts.is_empty(),
            "it brings a trust of its own, such as a TrustRoot, a certificate or a log's key, which \
             the target cannot carry",
        ),
        (!objects.is_empty(), "it is meant for some objects only (`match`)"),
        (result.is_some(), "it has a policy over its result (`spec.policy`)"),
        (may_not_rewrite, "it would rewrite images and may not, so its server refuses them"),
    ];
    asks.into_iter().find_map(|(is_asked, what)| is_asked.then_some(what))
}

impl Judge<'_> {
    fn difference(&self, other: &Judge<'_>) -> Option<Why> {
        if let Some(what) = self.beside.or(other.beside) {
            return Some(Why::Beside { what });
        }
        if self.images != other.images || matches!(self.images, Coverage::Scope(_)) {
            return Some(Why::Images { construct: self.images.construct() });
        }
        if self.mode != other.mode {
            return Some(Why::Warns);
        }
        self.rule.difference(&other.rule)
    }
}

impl Coverage {
    fn of(images: &Images) -> Self {
        match images {
            Images::Any => Self::Everything,
            Images::Globs(globs) if globs.iter().any(Glob::covers_everything) => Self::Everything,
            Images::Globs(globs) => {
                Self::Globs(globs.iter().map(|glob| glob.text().to_owned()).collect())
            }
            Images::Written(pattern) if pattern.matches_everything() => Self::Everything,
            Images::Written(pattern) => Self::Written(pattern.text().to_owned()),
            Images::Scope { scope, .. } => Self::Scope(format!("{scope:?}")),
        }
    }

    pub(super) fn construct(&self) -> String {
        match self {
            Self::Everything => "every image".to_owned(),
            Self::Globs(globs) => format!("the globs `{}`", globs.join("`, `").escape_debug()),
            Self::Written(pattern) => format!(
                "the pattern `{}`, which is compared with the name as it is written",
                pattern.escape_debug()
            ),
            Self::Scope(_) => "a scope, which no name with both tag and digest has".to_owned(),
        }
    }
}

impl<'a> Normal<'a> {
    pub(super) fn of(rule: &'a Rule) -> Self {
        let group = |wanted, rules: &'a [Rule]| {
            Self::at_least(wanted, rules.iter().map(Normal::of).collect())
        };
        match rule {
            Rule::All(rules) => group(rules.len(), rules),
            Rule::Any(rules) => group(1, rules),
            Rule::AtLeast(wanted, rules) => group(*wanted, rules),
            Rule::Evidence(requirement) => Self::Evidence(requirement),
            Rule::Accept(_) => Self::Accept,
            Rule::Reject(..) => Self::Reject,
        }
    }

    /// The one form of a group.
    fn at_least(wanted: usize, members: Vec<Self>) -> Self {
        let accepted = members.iter().filter(|member| matches!(member, Self::Accept)).count();
        let wanted = wanted.saturating_sub(accepted);
        let mut left: Vec<_> = members
            .into_iter()
            .filter(|member| !matches!(member, Self::Accept | Self::Reject))
            .collect();
        if wanted == 0 {
            return Self::Accept;
        }
        if wanted > left.len() {
            return Self::Reject;
        }
        if left.len() == 1
            && let Some(only) = left.pop()
        {
            return only;
        }
        // All of all, and any of any, are one list.
        let (all, any) = (wanted == left.len(), wanted == 1);
        let mut members = Vec::new();
        for member in left {
            match member {
                Self::AtLeast(inner, list) if all && inner == list.len() => members.extend(list),
                Self::AtLeast(1, list) if any => members.extend(list),
                other => members.push(other),
            }
        }
        Self::AtLeast(if all { members.len() } else { wanted }, members)
    }

    fn difference(&self, other: &Normal<'_>) -> Option<Why> {
        match (self, other) {
            (Self::Accept, Normal::Accept) | (Self::Reject, Normal::Reject) => None,
            (Self::Evidence(ours), Normal::Evidence(theirs)) => {
                let what = ours.difference(theirs)?;
                Some(Why::Part { part: ours.name.escape_debug().to_string(), what })
            }
            (Self::AtLeast(wanted, ours), Normal::AtLeast(others, theirs))
                if wanted == others && ours.len() == theirs.len() =>
            {
                ours.iter().zip(theirs).find_map(|(ours, theirs)| ours.difference(theirs))
            }
            _ => Some(Why::Shape { construct: self.construct() }),
        }
    }

    pub(super) fn construct(&self) -> String {
        match self {
            Self::Accept => "it admits by its own word".to_owned(),
            Self::Reject => "it refuses by its own word".to_owned(),
            Self::Evidence(requirement) => format!("`{}`", requirement.name.escape_debug()),
            Self::AtLeast(wanted, members) => {
                format!("at least {wanted} of {} parts", members.len())
            }
        }
    }
}

impl Requirement {
    /// What facts could tell the two apart. Every field is named, so that none is passed over.
    fn difference(&self, other: &Self) -> Option<&'static str> {
        let Self {
            name: _,
            spelled: _,
            trust,
            reads,
            kind,
            signer,
            log,
            inclusion,
            timestamp,
            window,
            annotations,
            comparison,
            reference,
            also,
            attested,
        } = self;
        let is_bound_elsewhere = *trust != other.trust || !trust.is_given();
        let checks = [
            (is_bound_elsewhere, "its evidence is verified against another trust"),
            (
                reads.kinds() != other.reads.kinds(),
                "one of the two formats counts Sigstore bundles and the other does not",
            ),
            (*kind != other.kind, "it demands an attestation, the target a signature"),
            (*log != other.log, "the two formats differ on whether a transparency log is demanded"),
            (*inclusion != other.inclusion, "only one of both demands an inclusion proof"),
            (*timestamp != other.timestamp, "only one of both demands a timestamp"),
            (*window != other.window, "the time of the signature is judged by one of both alone"),
            (*annotations != other.annotations, "its annotations have no equal"),
            (
                !annotations.is_empty() && *comparison != other.comparison,
                "numbers and truth values in annotations are equal to their text in one of both \
                 alone",
            ),
            (
                *reference != other.reference,
                "the name of the image inside the signature is compared in another way",
            ),
        ];
        if also.is_some() || other.also.is_some() {
            return Some("the certificate must name two subjects");
        }
        let has_engine = |attested: &Option<Box<Attested>>| {
            attested.as_ref().is_some_and(|attested| attested.engine.is_some())
        };
        if has_engine(attested) || has_engine(&other.attested) {
            return Some("it demands what an attestation must state, in Rego or CUE");
        }
        let found = checks.into_iter().find_map(|(differs, what)| differs.then_some(what));
        found.or_else(|| signer.difference(&other.signer))
    }
}

impl Reads {
    /// Which forms count: cosign's layers, bundles.
    fn kinds(self) -> (bool, bool) {
        match self {
            Self::Both | Self::LegacyByOrigin => (true, true),
            Self::Legacy => (true, false),
            Self::Bundles => (false, true),
        }
    }
}

impl Signer {
    fn difference(&self, other: &Self) -> Option<&'static str> {
        match (self, other) {
            (Self::Keys(ours), Self::Keys(theirs)) => {
                (ours != theirs).then_some("its keys have no equal")
            }
            (
                Self::Certificate { authority, identities, sct },
                Self::Certificate { authority: others, identities: theirs, sct: other_sct },
            ) => {
                if authority != others {
                    return Some("its certificates are of another kind of authority");
                }
                if sct != other_sct {
                    return Some(match sct {
                        Demand::Waived => {
                            "it waives the certificate's SCT, which the target demands"
                        }
                        Demand::Demanded => {
                            "it demands the certificate's SCT, which the target waives"
                        }
                    });
                }
                if identities.len() != theirs.len() {
                    return Some("any one of several identities will do for it");
                }
                identities.iter().zip(theirs).find_map(|(ours, theirs)| ours.difference(theirs))
            }
            _ => Some("one of both demands a key and the other a certificate"),
        }
    }
}

impl IdentityMatcher {
    fn difference(&self, other: &Self) -> Option<&'static str> {
        let Self { issuer, subject, among, repository } = self;
        if *among != other.among {
            return Some(match among {
                Names::Any => {
                    "any name of the certificate counts, the target looks at some of them only"
                }
                Names::FirstEmailOrUri => {
                    "only the first e-mail address or URI of the certificate counts"
                }
                Names::Emails => "only e-mail addresses of the certificate count",
                Names::Hosts => "only host names of the certificate count",
            });
        }
        if !is_same(issuer, &other.issuer) || !is_same(subject, &other.subject) {
            return Some("its issuer and subject have no equal");
        }
        let pair = |repository: &Option<GithubRepository>| {
            repository.as_ref().map(|one| (one.owner.clone(), one.name.clone()))
        };
        (pair(repository) != pair(&other.repository))
            .then_some("the workflow's repository has no equal")
    }
}

/// Two expressions are the same where their text is.
fn is_same(one: &TextMatcher, other: &TextMatcher) -> bool {
    match (one, other) {
        (TextMatcher::Any, TextMatcher::Any) => true,
        (TextMatcher::Exact(one), TextMatcher::Exact(other))
        | (TextMatcher::Prefix(one), TextMatcher::Prefix(other)) => one == other,
        (TextMatcher::Expression(one), TextMatcher::Expression(other)) => {
            one.as_str() == other.as_str()
        }
        _ => false,
    }
}
