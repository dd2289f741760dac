//! *Field errors* in the words of Kubernetes' knative types: what is wrong, with which fields, and how.

use std::collections::{BTreeMap, BTreeSet};

/// What is wrong with the fields of a document.
#[derive(Debug, Default)]
pub(super) struct FieldErrors {
    /// Fields by what is wrong with them and how.
    groups: BTreeMap<(String, String), BTreeSet<String>>,
    line: Option<u64>,
}

impl FieldErrors {
    pub(super) fn missing(&mut self, paths: &[String], line: u64) {
        self.add("missing field(s)".to_owned(), String::new(), paths, line);
    }

    pub(super) fn neither(&mut self, paths: &[String], line: u64) {
        self.add("expected exactly one, got neither".to_owned(), String::new(), paths, line);
    }

    pub(super) fn both(&mut self, paths: &[String], line: u64) {
        self.add("expected exactly one, got both".to_owned(), String::new(), paths, line);
    }

    pub(super) fn disallowed(&mut self, path: String, line: u64) {
        self.add("must not set the field(s)".to_owned(), String::new(), &[path], line);
    }

    pub(super) fn invalid(&mut self, value: &str, path: String, details: &str, line: u64) {
        self.add(format!("invalid value: {value}"), details.to_owned(), &[path], line);
    }

    /// Errors of one kind are told together.
    fn add(&mut self, message: String, details: String, paths: &[String], line: u64) {
        self.groups.entry((message, details)).or_default().extend(paths.iter().cloned());
        self.line = Some(self.line.map_or(line, |first| first.min(line)));
    }

    /// The line of the document that the first of them stands in.
    pub(super) fn line(&self) -> Option<u64> {
        self.line
    }

    /// All of them as one text; `None` where nothing is wrong.
    pub(super) fn text(&self) -> Option<String> {
        let told = self.groups.iter().map(|((message, details), paths)| {
            let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
            let told = format!("{message}: {}", paths.join(", "));
            if details.is_empty() { told } else { format!("{told}\n{details}") }
        });
        let told: Vec<String> = told.collect();
        (!told.is_empty()).then(|| told.join("\n"))
    }
}

/// The paths of fields below a path.
pub(super) fn below(path: &str, fields: &[&str]) -> Vec<String> {
    fields.iter().map(|field| format!("{path}.{field}")).collect()
}
