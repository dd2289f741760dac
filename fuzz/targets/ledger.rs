//! Ledgers: what is accepted has one spelling, which is accepted.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealift::inventory::ledger::Ledger;
use sealift_fuzz::LIMITS;

fuzz_target!(|bytes: &[u8]| {
    let Ok(ledger) = Ledger::parse(bytes, &LIMITS) else { return };
    let spelled = ledger.to_bytes();
    let again = Ledger::parse(&spelled, &LIMITS).expect("it writes what it reads");
    assert_eq!(again, ledger);
    assert_eq!(again.to_bytes(), spelled);
});
