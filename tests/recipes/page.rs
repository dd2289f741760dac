//! `docs/recipes.md` as a user follows it: its files are written, its commands run, and what they
//! print compared with what the page shows.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

#[test]
fn the_page_shows_what_its_commands_print() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/recipes.md")).unwrap();
    let home = tempfile::tempdir().unwrap();
    for file in fs::read_dir(root.join("testdata/demo")).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), home.path().join(file.file_name())).unwrap();
    }
    let mut commands = 0;
    for Block { kind, before, lines } in blocks(&page) {
        match kind {
            "yaml" | "json" => fs::write(home.path().join(file_of(before)), text(&lines)).unwrap(),
            "console" => commands += follow(&home, &lines),
            other => panic!("nothing is known of a block of `{other}`"),
        }
    }
    assert!(commands > 15, "{commands} commands were run");
}

/// A fenced block, and the text between it and the one before.
struct Block<'a> {
    kind: &'a str,
    before: &'a str,
    lines: Vec<&'a str>,
}

/// What stands outside of blocks and the blocks take turns.
fn blocks(page: &str) -> Vec<Block<'_>> {
    let parts: Vec<&str> = page.split("```").collect();
    let mut found = Vec::new();
    for pair in parts.chunks_exact(2) {
        if let [before, block] = pair {
            let (kind, content) = block.split_once('\n').unwrap();
            found.push(Block { kind, before, lines: content.lines().collect() });
        }
    }
    found
}

/// The file that the text before a block names last.
fn file_of(before: &str) -> &str {
    let named = before.split('`').skip(1).step_by(2);
    let is_file = |name: &&str| [".yaml", ".yml", ".json"].iter().any(|end| name.ends_with(end));
    named.filter(is_file).last().unwrap()
}

/// Runs the commands of a console, each behind its `$ `. How many there were.
fn follow(home: &TempDir, lines: &[&str]) -> usize {
    let mut status = None;
    let mut shown = lines.split(|line| line.starts_with("$ ")).skip(1);
    let commands = lines.iter().filter_map(|line| line.strip_prefix("$ "));
    let mut count = 0;
    for command in commands {
        let shown = shown.next().unwrap();
        if command == "echo $?" {
            assert_eq!(shown, [format!("{}", status.unwrap())]);
            continue;
        }
        let (code, told) = run(home, command.strip_prefix("sealift ").unwrap());
        let told: Vec<&str> = told.lines().collect();
        assert!(shows(shown, &told), "{command}\n{}", told.join("\n"));
        status = Some(code);
        count += 1;
    }
    count
}

/// Exit status, and what a terminal shows: `sealift` talks before it answers.
fn run(home: &TempDir, arguments: &str) -> (i32, String) {
    let mut sealift = Command::new(env!("CARGO_BIN_EXE_sealift"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("SEALIFT_")) {
        sealift.env_remove(name);
    }
    sealift.env("SEALIFT_TRUSTED_ROOT", "trusted_root.json");
    sealift.env("SEALIFT_VERIFICATION_TIME", "2027-01-01T00:00:00Z");
    let output = sealift.current_dir(home.path()).args(arguments.split(' ')).output().unwrap();
    let told = String::from_utf8([output.stderr, output.stdout].concat()).unwrap();
    (output.status.code().unwrap(), told)
}

/// Whether `told` is what the page shows, `...` being any number of lines.
fn shows(shown: &[&str], told: &[&str]) -> bool {
    match shown.split_first() {
        None => told.is_empty(),
        Some((&"...", rest)) => {
            (0..=told.len()).any(|skipped| shows(rest, told.get(skipped..).unwrap()))
        }
        Some((first, rest)) => {
            told.split_first().is_some_and(|(line, more)| line == first && shows(rest, more))
        }
    }
}

fn text(lines: &[&str]) -> String {
    lines.iter().flat_map(|line| [line, "\n"]).collect()
}
