//! The structure, held to its word: which module may use which, where the outside world may be
//! touched, and who may name a crypto or network crate.
//!
//! The tables are the architecture (`docs/architecture.md` draws them). A row that is not used is
//! stale and fails as well, so the tables stay the truth.
#![expect(clippy::unwrap_used, reason = "a test stops at the first file it cannot read")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A module and those of the crate it may use.
const DIRECTION: &[(&str, &[&str])] = &[
    ("digest", &[]),
    ("time", &[]),
    ("size", &[]),
    ("limits", &[]),
    ("json", &[]),
    ("yaml", &[]),
    ("crypto", &["digest"]),
    ("oci", &["digest", "json", "limits"]),
    ("archive", &["digest", "limits", "oci", "size"]),
    ("admission", &["digest", "json", "limits", "oci", "yaml"]),
    ("x509", &["crypto", "digest", "limits", "time"]),
    ("tlog", &["crypto", "digest", "json", "limits", "time"]),
    ("timestamp", &["crypto", "time", "x509"]),
    ("tuf", &["crypto", "json", "limits", "time"]),
    ("sigstore", &["crypto", "digest", "json", "limits", "time", "timestamp", "tlog", "x509"]),
    ("verify", &["crypto", "digest", "limits", "sigstore", "time", "timestamp", "tlog", "x509"]),
    ("inventory", &["archive", "digest", "json", "limits", "oci", "time"]),
    (
        "policy",
        &[
            "crypto", "digest", "json", "limits", "oci", "sigstore", "time", "tlog", "tuf",
            "verify", "x509", "yaml",
        ],
    ),
    ("report", &["digest", "oci", "policy", "time", "verify"]),
    (
        "engine",
        &[
            "admission",
            "archive",
            "digest",
            "inventory",
            "limits",
            "oci",
            "policy",
            "report",
            "time",
            "verify",
        ],
    ),
    (
        "transfer",
        &[
            "archive",
            "crypto",
            "digest",
            "inventory",
            "json",
            "limits",
            "oci",
            "policy",
            "sigstore",
            "time",
            "tlog",
            "verify",
            "yaml",
        ],
    ),
    ("net", &["archive", "digest", "limits", "oci", "size", "transfer"]),
];

/// A word for the outside world and the only modules that may say it.
const CAPABILITIES: &[(&str, &[&str])] = &[
    ("std::net", &["net"]),
    ("std::fs", &["archive", "cli"]),
    ("std::process", &["cli", "main"]),
    ("std::env", &["cli"]),
    ("SystemTime", &["cli"]),
    ("Instant", &["cli"]),
    ("Timestamp::now", &["cli"]),
    ("rayon", &["engine"]),
    ("ureq", &["net"]),
    ("rustls::", &["net"]),
    ("docker_credential", &["net"]),
    // In `net` it is rustls that is given a provider.
    ("aws_lc_rs", &["crypto", "net"]),
    ("p256::", &["crypto"]),
    ("rsa::", &["crypto"]),
    ("regorus::", &["policy"]),
    ("sigstore_crypto", &["crypto"]),
    ("sigstore_tuf", &["tuf"]),
    ("indicatif", &["cli"]),
    ("anyhow", &["cli"]),
    ("clap", &["cli"]),
];

#[test]
fn modules_use_only_what_lies_below_them() {
    let table: BTreeMap<_, _> = DIRECTION.iter().copied().collect();
    let known: BTreeSet<_> = table.keys().copied().collect();
    let mut used: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for file in sources() {
        let module = module_of(&file);
        if module == "cli" || module == "main" || module == "lib" {
            continue;
        }
        let Some(row) = known.get(module.as_str()) else {
            panic!("{}: the module `{module}` stands in no table", file.display());
        };
        for name in uses_of_crate(&code(&file)) {
            if name != *row && known.contains(name.as_str()) {
                used.entry(row).or_default().insert(name);
            }
        }
    }
    for (module, allowed) in table {
        let allowed: BTreeSet<_> = allowed.iter().map(|name| (*name).to_owned()).collect();
        let used = used.remove(module).unwrap_or_default();
        assert_eq!(used, allowed, "what `{module}` uses (left) and may use (right)");
    }
}

#[test]
fn the_table_has_no_cycle() {
    let mut settled: BTreeSet<&str> = BTreeSet::new();
    for _ in DIRECTION {
        for (module, uses) in DIRECTION {
            if uses.iter().all(|name| settled.contains(name)) {
                settled.insert(module);
            }
        }
    }
    assert_eq!(settled.len(), DIRECTION.len(), "settled: {settled:?}");
}

#[test]
fn the_world_is_touched_only_where_it_may_be() {
    for (word, allowed) in CAPABILITIES {
        let mut sayers: BTreeSet<String> = BTreeSet::new();
        for file in sources() {
            if says(&code(&file), word) {
                sayers.insert(module_of(&file));
            }
        }
        let allowed: BTreeSet<_> = allowed.iter().map(|name| (*name).to_owned()).collect();
        let foreign: Vec<_> = sayers.difference(&allowed).collect();
        assert!(foreign.is_empty(), "`{word}` stands in {foreign:?}, allowed in {allowed:?}");
    }
}

/// Each proof is proven at one place, which a piece of evidence passes once: a promise (SET) that is
/// verified twice costs twice, and two places are two that can differ.
#[test]
fn every_proof_has_one_place() {
    for (call, place) in [
        ("promise::verify(", "verify/log.rs"),
        ("checkpoint::verify(", "verify/log.rs"),
        ("merkle::verify_inclusion(", "verify/log.rs"),
        ("token.verify(", "verify/times.rs"),
        ("sct.verify(", "verify/certificate.rs"),
    ] {
        let mut places = Vec::new();
        for file in sources() {
            let times = code(&file).matches(call).count();
            places.extend(std::iter::repeat_n(file.clone(), times));
        }
        let [only] = places.as_slice() else { panic!("`{call}` stands at {places:?}") };
        assert!(only.ends_with(place), "`{call}` stands in {}", only.display());
    }
}

#[test]
fn the_command_line_reaches_the_library_by_its_public_name() {
    for file in sources().into_iter().filter(|file| module_of(file) == "cli") {
        let foreign: Vec<_> =
            uses_of_crate(&code(&file)).into_iter().filter(|name| name != "cli").collect();
        assert_eq!(foreign, Vec::<String>::new(), "{}", file.display());
    }
}

/// A name with a boundary before it, so that `p256::` is not found in `ecdsa_p256::`.
fn says(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| {
        !code.get(..at).unwrap().ends_with(|before: char| before.is_alphanumeric() || before == '_')
    })
}

/// Every `NAME` of `crate::NAME`, braces opened.
fn uses_of_crate(code: &str) -> BTreeSet<String> {
    code.split("crate::")
        .skip(1)
        .flat_map(|rest| match rest.strip_prefix('{') {
            Some(list) => top_level_names(list),
            None => vec![leading_name(rest)],
        })
        .filter(|name| !name.is_empty())
        .collect()
}

fn top_level_names(list: &str) -> Vec<String> {
    let mut depth = 0_usize;
    let mut names = vec![String::new()];
    for c in list.chars() {
        match c {
            '}' if depth == 0 => break,
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(String::new()),
            c if depth == 0 => names.last_mut().unwrap().push(c),
            _ => {}
        }
    }
    names.iter().map(|name| leading_name(name.trim())).collect()
}

fn leading_name(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// The code of a file without comments and without its tests.
fn code(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let text = text.split("#[cfg(test)]").next().unwrap().to_owned();
    text.lines().map(|line| line.split("//").next().unwrap()).collect::<Vec<_>>().join("\n")
}

/// The first folder or file below `src`.
fn module_of(file: &Path) -> String {
    let below = file.strip_prefix(src()).unwrap();
    let first = below.components().next().unwrap().as_os_str().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn sources() -> Vec<PathBuf> {
    let mut folders = vec![src()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                files.push(path);
            }
        }
    }
    files
}
