//! Certificates: whom they name, whether a path leads to a trusted root at a given time, and
//! whether a certificate transparency log vouches for them.

mod certificate;
mod chain;
mod identity;
mod pinned;
mod sct;

pub use certificate::{Certificate, MalformedCertificate};
pub use chain::{CertificateAuthority, Path, PathError, PrivatePki, Purpose};
pub use identity::{Identity, SubjectAlternativeName};
pub use pinned::{InvalidPin, PinnedCertificate};
pub use sct::{SctError, SignedCertificateTimestamp};
