//! Carries signed container images over an air gap and proves on the far side that they are the
//! ones that were signed.
//!
//! # What is promised
//!
//! - An image is admitted only when every byte it consists of is the byte its digest names, and
//!   evidence that verified by every step meets every policy that covers it.
//! - Verification asks nothing of the world: no network, no clock, no environment. Its inputs are
//!   the archive, a trusted root, policies and a time, and the same inputs give the same report.
//! - What was carried is what was found: an export that cannot look for evidence fails, and its
//!   ledger says what it looked for in vain.
//! - Nothing is written on refusal, and every output appears whole or not at all.
//!
//! # What is not
//!
//! - That a signer was right to sign, or an image free of faults. Evidence proves who vouched.
//! - That a trusted root is current. It is a file; whoever supplies it is believed.
//! - Secrecy: archives are plain.
//!
//! # Layers
//!
//! ```text
//! cli        the binary: arguments, clock, terminal
//! net        registries (feature `net`)
//! transfer   export and mirror: plans and copies
//! engine     what `verify` does, image by image; the only threads
//! report     what is told
//! policy     is it acceptable?        facts in, verdict out
//! verify     is it authentic?         evidence in, facts or a rejection out
//! sigstore   bundles, envelopes, statements, the trusted root
//! timestamp  tlog  x509  tuf          one proof system each
//! inventory  subjects and the evidence that speaks of them
//! admission  Kubernetes objects: the images they name, and those pinned
//! archive    tars, directories and streams, never extracted
//! oci        manifests, indexes, descriptors, references
//! crypto  digest  time  size  limits  json  yaml  the ground
//! ```
//!
//! A module uses only what lies below it; `tests/architecture.rs` holds the table.
//!
//! # Types that carry the proof
//!
//! [`archive::Blob`] is bytes that match a descriptor, [`verify::Verified`] facts that every step
//! proved, [`policy::Admitted`] a yes that a mirror will act on. Each has one origin, and nothing
//! else can make it. Start reading at [`verify::Verifier::verify`] and at [`engine::verify`].

pub mod admission;
pub mod archive;
pub mod crypto;
pub mod digest;
pub mod engine;
pub mod inventory;
pub mod json;
pub mod limits;
#[cfg(feature = "net")]
pub mod net;
pub mod oci;
pub mod policy;
pub mod report;
pub mod sigstore;
pub mod size;
pub mod time;
pub mod timestamp;
pub mod tlog;
pub mod transfer;
pub mod tuf;
pub mod verify;
pub mod x509;
mod yaml;
