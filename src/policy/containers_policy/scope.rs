//! *Scopes*: which list of a `policy.json` an image is judged by. The most specific scope that
//! stands in the file decides alone; nothing of a wider one is added.

use std::collections::BTreeSet;

use crate::oci::Reference;

/// The scopes of a file's `docker` transport.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopeTable {
    docker: BTreeSet<String>,
}

impl ScopeTable {
    /// A table with these scopes, beside the default.
    pub fn new(docker: impl IntoIterator<Item = String>) -> Self {
        Self { docker: docker.into_iter().collect() }
    }

    /// The scope whose list the name is judged by; `None` for a name that has no identity.
    pub fn scope_of(&self, name: &Reference) -> Option<Scope> {
        let scopes = scopes_of(name)?;
        let hit = scopes.into_iter().find(|scope| self.docker.contains(scope));
        Some(hit.map_or(Scope::Default, Scope::Docker))
    }
}

/// A place of a file where a list of requirements stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// `transports.docker` by the scope's name, which may be empty.
    Docker(String),
    /// `default`.
    Default,
}

/// Every scope of the `docker` transport that a name may be looked up by, most specific first: the
/// name in full, its repository and each path above it, the host, domains as `*.example.com`
/// without the port, and the empty scope. `None` for a name with both tag and digest, which has no
/// identity.
pub fn scopes_of(name: &Reference) -> Option<Vec<String>> {
    if name.tag().is_some() && name.digest().is_some() {
        return None;
    }
    let repository = name.name();
    let mut scopes = vec![name.to_string(), repository.clone()];
    let slashes = repository.rmatch_indices('/').map(|(at, _)| at);
    scopes.extend(slashes.filter_map(|at| repository.get(..at)).map(str::to_owned));
    let host = name.registry();
    let host = host.split_once(':').map_or(host, |(host, _)| host);
    let dots = host.match_indices('.').map(|(at, _)| at);
    scopes.extend(dots.filter_map(|at| host.get(at..)).map(|domain| format!("*{domain}")));
    scopes.push(String::new());
    Some(scopes)
}

/// Whether some name could be looked up by the scope: its first part is a host or `*.` and a domain.
pub(in crate::policy) fn can_be_hit(scope: &str) -> bool {
    let domain = scope.strip_prefix("*.");
    let host = domain.unwrap_or(scope).split('/').next().unwrap_or_default();
    let is_host = host.contains(['.', ':']) || host == "localhost";
    match domain {
        _ if scope.is_empty() => true,
        Some(domain) => !domain.is_empty() && !domain.contains(['*', ':', '/']),
        None => is_host && !scope.contains('*'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_specific_scope_decides_alone() {
        let all = [
            "h.example.com:5000/team/app:1",
            "h.example.com:5000/team/app",
            "h.example.com:5000/team",
            "h.example.com:5000",
            "*.example.com",
            "*.com",
            "",
        ];
        let name: Reference = all[0].parse().unwrap();
        for at in 0..all.len() {
            let table = ScopeTable::new(all[at..].iter().map(|&scope| scope.to_owned()));
            assert_eq!(table.scope_of(&name), Some(Scope::Docker(all[at].to_owned())));
        }
        let beside = [
            "h.example.com",
            "*.h.example.com",
            "*.example.com:5000",
            "h.example.com:5000/te",
            "h.example.com:5000/team/app:2",
        ];
        let beside = ScopeTable::new(beside.map(str::to_owned));
        assert_eq!(beside.scope_of(&name), Some(Scope::Default));
    }

    #[test]
    fn a_name_with_tag_and_digest_has_no_scope_not_even_the_default() {
        let digest = crate::digest::Digest::sha256(b"");
        let name: Reference = format!("h.example/app:1@{digest}").parse().unwrap();
        assert_eq!(ScopeTable::new([String::new()]).scope_of(&name), None);
    }

    #[test]
    fn scopes_that_no_name_has() {
        let never = ["busybox", "library/busybox", "*", "*.", "*.a.example/b", "a*.example"];
        assert_eq!(never.map(can_be_hit), [false; 6]);
        let ever = ["", "docker.io", "localhost/a", "h:5000", "*.com", "h.example/a:1"];
        assert_eq!(ever.map(can_be_hit), [true; 6]);
    }
}
