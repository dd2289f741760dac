//! Public keys and signatures: the only module that names a crypto crate (hashing apart, which is
//! [`digest`](crate::digest)'s).
//!
//! A key decides its algorithm, never the data (VERIFICATION 2a.3). Keys and signatures are parsed
//! here, once and strictly, so that both backends are asked only what both understand alike;
//! `aws-lc` answers where both are compiled in.

#[cfg(feature = "aws-lc")]
#[path = "aws_lc.rs"]
mod backend;
#[cfg(all(feature = "rustcrypto", not(feature = "aws-lc")))]
#[path = "rustcrypto.rs"]
mod backend;
mod hash;
mod key;
mod pem;
mod provider;
mod pss;
mod signature;

#[cfg(not(any(feature = "aws-lc", feature = "rustcrypto")))]
compile_error!("choose a crypto backend: feature `aws-lc` or feature `rustcrypto`");

pub use hash::{Hash, HashValue};
pub use key::{KeyError, KeyKind, PublicKey};
pub use pem::{FirstBlock, PemError, certificates_from_pem, first_pem_block, one_pem_block};
pub(crate) use provider::provide;
pub(crate) use signature::verify_raw;
pub use signature::{InvalidSignature, Message, Scheme};
