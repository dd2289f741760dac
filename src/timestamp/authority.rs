//! A *timestamp authority* of a trusted root.

use crate::time::Window;
use crate::x509::Certificate;

/// An authority: its chain, leaf pinned where one is given, and when it is trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimestampAuthority {
    uri: String,
    window: Window,
    chain: Vec<Certificate>,
}

impl TimestampAuthority {
    /// From a chain in the order of a trusted root: the signing certificate first, the root last.
    /// `None` for an empty chain.
    pub fn new(uri: String, window: Window, chain: Vec<Certificate>) -> Option<Self> {
        (!chain.is_empty()).then_some(Self { uri, window, chain })
    }

    /// Where it is served; its name in reports.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// When its word is trusted.
    pub fn window(&self) -> Window {
        self.window
    }

    /// The certificates, the signing one first.
    pub fn certificates(&self) -> &[Certificate] {
        &self.chain
    }
}
