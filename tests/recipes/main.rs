//! The documents that users begin with, each with its own policies as it prints them: what they admit,
//! and what they refuse when one thing is different.
//!
//! Every archive is minted in memory and judged by the binary. [`world`] makes it; the other modules
//! are a document each. `docs/recipes.md` tells the same to users.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test runs the binary and stops where that fails"
)]

#[path = "../support/mod.rs"]
mod support;

mod kwctl;
mod node_upgrades;
mod page;
mod pod_rewrite;
mod signed_by_ci;
mod tanzu;
mod world;
