//! `docs/threats.md` names what stops each attack: every file, and every name in it, must be there. So
//! must be the steps of `docs/verification.md`, in the order of the code.
#![expect(clippy::disallowed_methods, reason = "a test reads files")]

use std::fs;
use std::path::Path;

#[test]
fn what_stops_an_attack_exists() {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(home.join("docs/threats.md")).unwrap();
    let mut named = 0;
    for reference in page.split('`').skip(1).step_by(2) {
        let (file, name) = match reference.split_once("::") {
            Some((file, name)) => (file, Some(name)),
            None => (reference, None),
        };
        let folders = ["src/", "tests/", "testdata/", "docs/"];
        if !folders.iter().any(|folder| file.starts_with(folder)) {
            continue;
        }
        named += 1;
        let path = home.join(file);
        assert!(path.exists(), "{reference}: no such file");
        let Some(name) = name else { continue };
        let text = fs::read_to_string(path).unwrap();
        let defined = ["fn", "struct", "enum", "trait"].iter().any(|kind| {
            let definition = format!("{kind} {name}");
            text.match_indices(&definition).any(|(at, _)| {
                let rest = text.get(at.saturating_add(definition.len())..).unwrap_or_default();
                !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_')
            })
        });
        assert!(defined, "{reference}: the file defines no such name");
    }
    assert!(named > 100, "{named} references were found");
}

/// HOSTILE.md cases 60 to 104 and 114 to 120; 105 to 113 are of policies.
#[test]
fn every_case_of_hostile_evidence_has_a_row() {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(home.join("docs/threats.md")).unwrap();
    let numbers = page.lines().filter_map(|line| {
        let cell = line.strip_prefix("| ")?.split(" | ").next()?;
        cell.parse::<u32>().ok()
    });
    assert_eq!(numbers.collect::<Vec<_>>(), (60..=104).chain(114..=120).collect::<Vec<_>>());
}

/// Each row says what stops the attack by at least one path that the test above looks for.
#[test]
fn every_attack_has_something_that_stops_it() {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(home.join("docs/threats.md")).unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| ") && !line.contains("| --- |"));
    for row in rows.filter(|row| !row.starts_with("| attack |")) {
        let cells: Vec<_> = row.split(" | ").collect();
        let [_, _, stops] = cells.as_slice() else {
            assert_eq!(cells.len(), 3, "{row}");
            continue;
        };
        assert!(
            ["`src/", "`tests/", "`testdata/"].iter().any(|path| stops.contains(path)),
            "{row}"
        );
    }
}

#[test]
fn the_steps_are_those_of_the_code() {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |file: &str| fs::read_to_string(home.join(file)).unwrap();
    let (page, code) = (read("docs/verification.md"), read("src/verify/mod.rs"));
    let steps = page.lines().filter_map(|line| {
        let cells: Vec<_> = line.strip_prefix("| ")?.split(" | ").collect();
        let [step, files, _, specified] = cells.as_slice() else { return None };
        let number: u8 = step.split(' ').next()?.parse().ok()?;
        assert!(specified.chars().any(char::is_alphanumeric), "{step}");
        for file in files.split('`').skip(1).step_by(2) {
            let text = read(&format!("src/verify/{file}"));
            let named = text.lines().next().unwrap_or_default();
            let name = file.trim_end_matches(".rs");
            assert!(named.to_lowercase().contains(&format!("*{name}*")), "{file}: {named}");
        }
        Some(number)
    });
    // The fourth is a certificate or a key.
    assert_eq!(steps.collect::<Vec<_>>(), [1, 2, 3, 4, 4, 5, 6]);
    let comment = |line: &str| line.trim().strip_prefix("// ")?.split_once(". ")?.0.parse().ok();
    let (first, rest) = code.split_once("fn by_certificate").unwrap();
    let (by_certificate, _) = rest.split_once("fn by_pinned").unwrap();
    let numbers = |text: &str| text.lines().filter_map(comment).collect::<Vec<u8>>();
    // With a key the signature is proven first: it tells whose it is.
    assert_eq!((numbers(first), numbers(by_certificate)), (vec![1, 5], vec![2, 3, 4, 5, 6]));
}
