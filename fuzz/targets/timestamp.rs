//! RFC 3161 responses: two bytes of length, what is stamped, and the response. A time is given only
//! by the authority that is named, within its window, and for what is stamped alone.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealift::timestamp::{Token, TokenError};
use sealift_fuzz::TRUST;

fuzz_target!(|bytes: &[u8]| {
    let Some((length, rest)) = bytes.split_first_chunk() else { return };
    let Some((stamped, response)) = rest.split_at_checked(u16::from_be_bytes(*length).into())
    else {
        return;
    };
    let Ok(token) = Token::parse(response) else { return };
    for authority in TRUST.timestamp_authorities() {
        let Ok(time) = token.verify(stamped, authority) else { continue };
        assert!(authority.window().contains(time));
        assert!(authority.signer().window().contains(time));
        let other = [stamped, b"."].concat();
        assert_eq!(token.verify(&other, authority), Err(TokenError::Imprint));
    }
});
