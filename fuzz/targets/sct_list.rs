//! The list of signed certificate timestamps, inside a certificate of the demo: as many come out as
//! lengths lead to, and no log is found to have signed one.
#![no_main]

use std::sync::LazyLock;

use der::asn1::OctetString;
use der::oid::ObjectIdentifier;
use der::{Decode as _, Encode as _};
use libfuzzer_sys::fuzz_target;
use sealift::x509::{Certificate, SctError, SignedCertificateTimestamp};
use sealift_fuzz::{LIMITS, TRUST};
use x509_cert::ext::Extension;

fuzz_target!(|list: &[u8]| {
    let Some(certificate) = with_list(list) else { return };
    let Ok(timestamps) = SignedCertificateTimestamp::all_in(&certificate) else { return };
    assert_eq!(Some(timestamps.len()), count(list));
    for timestamp in &timestamps {
        assert!(list.windows(32).any(|bytes| bytes == timestamp.log_id));
        for log in TRUST.ct_logs() {
            let verdict = timestamp.verify(&certificate, &ISSUER, &log.key, log.window);
            assert!(matches!(
                verdict,
                Err(SctError::BadSignature | SctError::OutsideLogWindow { .. })
            ));
        }
    }
});

static ISSUER: LazyLock<Certificate> = LazyLock::new(|| {
    let authority = TRUST.authorities().first().expect("the demo has an authority");
    authority.certificates().next().expect("which has a certificate").clone()
});

fn with_list(list: &[u8]) -> Option<Certificate> {
    let mut certificate = x509_cert::Certificate::from_der(ISSUER.der()).ok()?;
    let list = OctetString::new(list).and_then(|list| list.to_der()).ok()?;
    certificate.tbs_certificate.extensions.get_or_insert_default().push(Extension {
        extn_id: ObjectIdentifier::new_unwrap("1.3.6.1.4.1.11129.2.4.2"),
        critical: false,
        extn_value: OctetString::new(list).ok()?,
    });
    Certificate::from_der(&certificate.to_der().ok()?, &LIMITS).ok()
}

/// Items of a list of two bytes of length each, behind the length of the whole.
fn count(list: &[u8]) -> Option<usize> {
    let (mut rest, mut items) = (list.get(2..)?, 0);
    while let Some((length, more)) = rest.split_first_chunk() {
        rest = more.get(usize::from(u16::from_be_bytes(*length))..)?;
        items += 1;
    }
    Some(items)
}
