//! Is it authentic?
mod facts;
mod rejection;
mod verified;

pub use facts::{
    CertificateAuthority, Claim, Facts, Identity, LogEntry, Signer, SubjectAlternativeName,
    TimeSource, TrustedTime,
};
pub use rejection::{Code, Rejection};
pub use verified::Verified;
