//! The report for programs. Each version has structs of its own, so that a change inside never
//! changes what a program reads; `docs/report-v1.md` says what each field means.

mod ascii;
pub mod v1;

pub use ascii::to_string;
