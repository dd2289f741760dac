//! Policies in CUE and Rego, a zero byte, and the document they decide over: what compiles decides,
//! and decides alike twice.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealift::policy::engine::{Document, Engine};
use sealift_fuzz::LIMITS;

fuzz_target!(|text: &str| {
    let (policy, document) = text.split_once('\0').unwrap_or((text, "{}"));
    let document = Document::parse(document.as_bytes(), &LIMITS);
    for compile in [Engine::cue, Engine::rego] {
        let (Ok(engine), Ok(document)) = (compile(policy, &LIMITS), &document) else { continue };
        let again = compile(policy, &LIMITS).expect("as compiled");
        assert_eq!(again.evaluate(document), engine.evaluate(document));
    }
});
