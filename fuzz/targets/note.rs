//! Signed notes: text and signature lines, put together again, are the note to the byte.
#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use libfuzzer_sys::fuzz_target;
use sealift::tlog::note::Note;
use sealift_fuzz::LIMITS;

fuzz_target!(|text: &str| {
    let Ok(note) = Note::parse(text, &LIMITS) else { return };
    assert!(note.text.ends_with('\n'));
    let lines = note.signatures.iter().map(|line| {
        let bytes = [line.hint.as_slice(), &line.signature].concat();
        format!("\u{2014} {} {}\n", line.name, STANDARD.encode(bytes))
    });
    assert_eq!(format!("{}\n{}", note.text, lines.collect::<String>()), text);
});
