//! Timestamps by an authority (RFC 3161): a signed word on when a signature existed.

mod authority;

pub use authority::TimestampAuthority;
