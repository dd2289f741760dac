//! What of policies has no part in an archive: images that are not there, signers that did not sign.

use super::{Finding, Lint, Node};
use crate::crypto::PublicKey;
use crate::digest::Digest;
use crate::limits::Limits;
use crate::oci::Reference;
use crate::policy::containers_policy::Scope;
use crate::policy::document::{Error, Place};
use crate::policy::verification_config::{Carried, is_carrier};
use crate::policy::{
    IdentityMatcher, Images, Origin, Policy, PolicyFile, PolicySet, Signer, TextMatcher,
};
use crate::{verify, yaml};

/// An image of an archive and who verifiably signed it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The image.
    pub digest: Digest,
    /// Its full names.
    pub names: Vec<Reference>,
    /// Whose evidence verified.
    pub signers: Vec<verify::Signer>,
}

/// What of the policies, which were read from `files`, none of the images makes use of.
pub fn unused(
    policies: &PolicySet,
    files: &[PolicyFile<'_>],
    images: &[Seen],
    limits: &Limits,
) -> Result<Vec<Finding>, Error> {
    let lines = Lines::of(files, limits)?;
    let mut found = Vec::new();
    for policy in policies.policies() {
        let covered: Vec<_> = images.iter().filter(|seen| policy.images.has(seen)).collect();
        let mut add = |lint, line, what| {
            found.extend(finding(policy, lint, line, what));
        };
        for (pattern, is_idle) in patterns(&policy.images, images) {
            if is_idle {
                let what = format!(
                    "policy `{}`: no image is called as `{}` says",
                    policy.id.escape_debug(),
                    pattern.escape_debug()
                );
                add(Lint::COVERS_NO_IMAGE, lines.line_of(policy, &|text| text == pattern), what);
            }
        }
        if covered.is_empty() {
            continue;
        }
        for requirement in policy.rule.requirements() {
            let part = format!(
                "policy `{}`, part `{}`",
                policy.id.escape_debug(),
                requirement.name.escape_debug()
            );
            let signed = |is_one: &dyn Fn(&verify::Signer) -> bool| {
                covered.iter().flat_map(|seen| &seen.signers).any(is_one)
            };
            match &requirement.signer {
                Signer::Keys(keys) => {
                    let idle = |key: &&PublicKey| {
                        !signed(
                            &|signer| matches!(signer, verify::Signer::Key { id } if *id == key.id()),
                        )
                    };
                    for key in keys.iter().filter(idle) {
                        let is_key = |text: &str| {
                            PublicKey::from_pem(text).is_ok_and(|found| found.id() == key.id())
                        };
                        let what = format!("{part}: nobody signed with the key {}", key.id());
                        add(Lint::DEAD_KEY, lines.line_of(policy, &is_key), what);
                    }
                }
                Signer::Certificate { identities, .. } => {
                    let idle = |identity: &&IdentityMatcher| {
                        !signed(&|signer| {
                            matches!(signer, verify::Signer::Certificate { identity: found, .. }
                                if identity.matches(found))
                        })
                    };
                    for identity in identities.iter().filter(idle) {
                        let what = format!("{part}: nobody signed as {}", identity.describe());
                        let line = lines.line_of(policy, &|text| identity.is_spelled(text));
                        add(Lint::DEAD_IDENTITY, line, what);
                    }
                }
            }
        }
    }
    Ok(found)
}

impl Images {
    fn has(&self, seen: &Seen) -> bool {
        let covers = |name: &Reference| self.cover(name, &name.to_string(), &seen.digest);
        seen.names.iter().any(covers) || (seen.names.is_empty() && self.cover_nameless())
    }
}

/// Each pattern as it is written, and whether it covers no image.
fn patterns(images: &Images, seen: &[Seen]) -> Vec<(String, bool)> {
    let is_idle = |images: &Images| !seen.iter().any(|seen| images.has(seen));
    match images {
        Images::Any | Images::Scope { scope: Scope::Default, .. } => Vec::new(),
        Images::Globs(globs) => {
            let one = |glob: &crate::policy::Glob| {
                (glob.text().to_owned(), is_idle(&Images::Globs(vec![glob.clone()])))
            };
            globs.iter().map(one).collect()
        }
        Images::Written(pattern) => vec![(pattern.text().to_owned(), is_idle(images))],
        Images::Scope { scope: Scope::Docker(scope), .. } => {
            vec![(scope.clone(), is_idle(images))]
        }
    }
}

impl IdentityMatcher {
    fn describe(&self) -> String {
        let repository = self.repository.as_ref().map(|repository| {
            let name = repository.name.as_deref().unwrap_or("*");
            format!("a workflow of `{}/{}`", repository.owner.escape_debug(), name.escape_debug())
        });
        let subject = || format!("`{}`", self.subject.describe().escape_debug());
        let issuer = self.issuer.describe();
        format!("{}, issuer `{}`", repository.unwrap_or_else(subject), issuer.escape_debug())
    }

    /// Whether the text is how the document names whom it is about.
    fn is_spelled(&self, text: &str) -> bool {
        match (&self.repository, &self.subject) {
            (Some(repository), _) => text == repository.owner,
            (None, TextMatcher::Exact(subject)) => text == subject,
            (None, TextMatcher::Expression(subject)) => text == subject.as_str(),
            (None, TextMatcher::Prefix(prefix)) => {
                !text.is_empty() && prefix.trim_end_matches('/') == text.trim_end_matches('/')
            }
            (None, TextMatcher::Any) => false,
        }
    }
}

/// The documents of the files, to find lines in.
struct Lines<'a> {
    documents: Vec<Document<'a>>,
}

struct Document<'a> {
    file: &'a str,
    number: usize,
    line: usize,
    lines: yaml::Lines,
    root: Node,
}

impl<'a> Lines<'a> {
    fn of(files: &[PolicyFile<'a>], limits: &Limits) -> Result<Self, Error> {
        let mut documents = Vec::new();
        for file in files {
            let read = |place: &Place<'_>| {
                let yaml::Document { number, line, .. } = place.document;
                let (lines, root) = (place.document.lines(), place.read()?);
                Ok::<_, Error>(Document { file: file.name, number, line, lines, root })
            };
            for place in file.documents(limits)? {
                documents.push(if is_carrier(&place.read()?) {
                    read(&Carried::read(&place)?.place(&place)?)?
                } else {
                    read(&place)?
                });
            }
        }
        Ok(Self { documents })
    }

    /// The line of the first text of the policy's document that is the one looked for.
    fn line_of(&self, policy: &Policy, is_one: &dyn Fn(&str) -> bool) -> Option<usize> {
        let Origin::File { name, document, line, .. } = &policy.origin else { return None };
        let mut found = self
            .documents
            .iter()
            .filter(|found| found.file == name && found.number == *document && found.line <= *line);
        let Document { lines, root, .. } = found.next_back()?;
        Some(lines.line_of(root.find(is_one)?.line()))
    }
}

/// A finding in the policy's document, at the line if one is known.
fn finding(policy: &Policy, lint: Lint, line: Option<usize>, what: String) -> Option<Finding> {
    let Origin::File { name, line: of_document, .. } = &policy.origin else { return None };
    Some(Finding { file: name.clone(), line: line.unwrap_or(*of_document), lint, what })
}
