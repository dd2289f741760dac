//! A *timestamp authority* of a trusted root.

use crate::time::Window;
use crate::x509::{Certificate, CertificateAuthority};

/// An authority: the pinned signing certificate, the chain above it, and when it is trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimestampAuthority {
    signer: Certificate,
    chain: CertificateAuthority,
}

impl TimestampAuthority {
    /// From a chain in the order of a trusted root: the signing certificate first, the root last.
    /// `None` where one of the two is missing: a root alone would let any certificate below it speak.
    pub fn new(uri: String, window: Window, mut chain: Vec<Certificate>) -> Option<Self> {
        if chain.is_empty() {
            return None;
        }
        let signer = chain.remove(0);
        Some(Self { signer, chain: CertificateAuthority::new(uri, window, chain)? })
    }

    /// Where it is served; its name in reports.
    pub fn uri(&self) -> &str {
        self.chain.uri()
    }

    /// When its word is trusted.
    pub fn window(&self) -> Window {
        self.chain.window()
    }

    /// The pinned certificate that signs timestamps.
    pub fn signer(&self) -> &Certificate {
        &self.signer
    }

    /// The certificates above, up to the root.
    pub fn chain(&self) -> &CertificateAuthority {
        &self.chain
    }
}
