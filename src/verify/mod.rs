//! Is it authentic?
mod facts;
mod rejection;
mod verified;

pub use crate::x509::{Identity, SubjectAlternativeName};
pub use facts::{CertificateAuthority, Claim, Facts, LogEntry, Signer, TimeSource, TrustedTime};
pub use rejection::{Code, Rejection};
pub use verified::Verified;
