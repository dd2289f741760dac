//! Timestamps by an authority (RFC 3161): a signed word on when a signature existed.
//!
//! A [`Token`] is read first; which [`TimestampAuthority`] of the trusted root made it is found by
//! the signer's name in it, and only that authority's pinned certificate, chain and window count.

mod authority;
mod token;

pub use authority::TimestampAuthority;
pub use token::{Token, TokenError};
