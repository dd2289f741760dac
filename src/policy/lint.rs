//! What in a policy deserves a second look: *findings*, each with its line, why it matters and what
//! to write instead.
//!
//! Nothing here decides. A policy with findings is judged by all the same, and to load it is the
//! proof that it can be; [`lint`] tells where its author probably meant something else. [`unused`]
//! does so of a policy and an archive together.

mod cluster_image_policy;
mod containers_policy;
mod expression;
mod kind;
mod kubewarden;
mod node;
mod unused;

pub use kind::Lint;
pub(in crate::policy) use node::Node;
pub use unused::{Seen, unused};

use crate::limits::Limits;
use crate::policy::document::{Beside, Content, Error, Place};
use crate::policy::verification_config::Carried;
use crate::policy::{Mode, Origin, Policy, PolicyFile, document};
use crate::time::UnixTime;

/// Something that deserves a second look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file, as the user calls it.
    pub file: String,
    /// The line of the file, from 1.
    pub line: usize,
    /// Of which kind it is.
    pub lint: Lint,
    /// What was found.
    pub what: String,
}

/// Looks at the documents of all files; one that cannot be read at all is an error. `now` is the
/// time at which certificates that a policy pins must hold, `beside` what it may name.
pub fn lint(
    files: &[PolicyFile<'_>],
    limits: &Limits,
    now: UnixTime,
    beside: Beside<'_>,
) -> Result<Vec<Finding>, Error> {
    let mut found = Vec::new();
    for file in files {
        for place in file.documents(limits)? {
            let content = Content::of(&place.read()?)
                .map_err(|problem| place.error(document::NOWHERE, problem))?;
            if content == Content::CarriedConfig {
                let carried = Carried::read(&place)?;
                found.append(&mut notes_of(&carried.place(&place)?, content)?);
            } else {
                found.append(&mut notes_of(&place, content)?);
            }
        }
    }
    match document::parse_all(files, limits, now, beside) {
        Ok(policies) => found.extend(only_warns(&policies)),
        Err(refusals) => found.extend(refusals.iter().map(not_accepted)),
    }
    let order = |finding: &Finding| {
        let file = files.iter().position(|file| file.name == finding.file);
        (file, finding.line, finding.lint.code())
    };
    found.sort_by_key(order);
    Ok(found)
}

fn notes_of(place: &Place<'_>, content: Content) -> Result<Vec<Finding>, Error> {
    let root: Node = place.read()?;
    let mut notes = Notes { place, found: Vec::new() };
    notes.document(content, &root);
    Ok(notes.found)
}

fn not_accepted(refusal: &Error) -> Finding {
    let mut what = refusal.problem.to_string();
    let mut cause = std::error::Error::source(refusal.problem.as_ref());
    while let Some(next) = cause {
        let told = next.to_string();
        // Some say their cause themselves.
        if !what.ends_with(&told) {
            what = format!("{what}: {told}");
        }
        cause = next.source();
    }
    let what = what.replace('\n', "; ");
    Finding {
        file: refusal.file.clone(),
        line: refusal.line.unwrap_or(1),
        lint: Lint::NOT_ACCEPTED,
        what,
    }
}

/// That no policy could deny anything, at the first of them.
fn only_warns(policies: &[Policy]) -> Option<Finding> {
    let first = policies.first()?;
    let Origin::File { name, line, .. } = &first.origin else { return None };
    policies.iter().all(|policy| policy.mode == Mode::Warn).then(|| Finding {
        file: name.clone(),
        line: *line,
        lint: Lint::ONLY_WARNS,
        what: "every policy has the mode warn".to_owned(),
    })
}

/// What is found in one document.
struct Notes<'a> {
    place: &'a Place<'a>,
    found: Vec<Finding>,
}

impl Notes<'_> {
    fn document(&mut self, content: Content, root: &Node) {
        match content {
            Content::ClusterImagePolicy => cluster_image_policy::look(self, root),
            Content::KubewardenSettings => kubewarden::look_at_settings(self, root),
            Content::VerificationConfig | Content::CarriedConfig => {
                kubewarden::look_at_config(self, root);
            }
            Content::PolicyServer => {}
            Content::ContainersPolicy => containers_policy::look(self, root),
        }
    }

    fn add(&mut self, at: &Node, lint: Lint, what: String) {
        let (file, line) = (self.place.file.to_owned(), self.place.document.line_of(at.line()));
        self.found.push(Finding { file, line, lint, what });
    }

    /// A text that is compared as it is, and has a star that its author meant otherwise.
    fn literal(&mut self, text: Option<&Node>, field: &str) {
        if let Some((node, text)) = text.and_then(|node| Some((node, node.text()?)))
            && text.contains('*')
        {
            let what = format!("`{field}` is `{}`", text.escape_debug());
            self.add(node, Lint::LITERAL_STAR, what);
        }
    }

    /// Text that should hold one key.
    fn one_block(&mut self, text: Option<&Node>, field: &str) {
        let Some((node, text)) = text.and_then(|node| Some((node, node.text()?))) else { return };
        let blocks = text.matches("-----BEGIN ").count();
        if blocks > 1 {
            self.add(node, Lint::FURTHER_KEYS, format!("`{field}` holds {blocks} PEM blocks"));
        }
    }
}

#[cfg(test)]
mod tests;
