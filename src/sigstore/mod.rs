//! Sigstore's documents: what evidence looks like before anybody believes it, and the trusted root
//! that says whom to believe.

pub mod bundle;
pub mod cosign;
pub mod dsse;
pub mod managed_key;
mod protojson;
pub mod sigstore_keys;
pub mod simple_signing;
pub mod statement;
pub mod trust_root;

pub use bundle::Bundle;
pub use dsse::Envelope;
pub use managed_key::ManagedKey;
pub use sigstore_keys::SigstoreKeys;
pub use simple_signing::SimpleSigning;
pub use statement::Statement;
pub use trust_root::TrustRoot;
