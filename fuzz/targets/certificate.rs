//! Certificates in DER: one spelling, a key that is read again the same, and extensions and paths
//! that are judged without a panic.
#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use libfuzzer_sys::fuzz_target;
use sealift::crypto::PublicKey;
use sealift::x509::{Certificate, Identity, PrivatePki, Purpose, SignedCertificateTimestamp};
use sealift_fuzz::{LIMITS, TRUST};

fuzz_target!(|der: &[u8]| {
    let Ok(certificate) = Certificate::from_der(der, &LIMITS) else { return };
    assert_eq!(certificate.der(), der);
    let pem = format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        STANDARD.encode(der)
    );
    assert_eq!(Certificate::from_pem(&pem, &LIMITS), Ok(certificate.clone()));
    let key = certificate.key();
    assert_eq!(PublicKey::from_spki(key.spki()).expect("it was read as a key").id(), key.id());
    let window = certificate.window();
    assert!(window.contains(window.start()));

    if let Ok(identity) = Identity::of(&certificate) {
        assert_eq!(Identity::of(&certificate), Ok(identity));
    }
    let _ = certificate.subject();
    let _ = certificate.key_usage();
    let _ = certificate.is_authority();
    let _ = certificate.extended_key_usage();
    let _ = SignedCertificateTimestamp::all_in(&certificate);
    for authority in TRUST.authorities() {
        let _ = authority.path(&certificate, window.start(), Purpose::CodeSigning);
    }
    let own = PrivatePki::from_pem(&pem, None, &LIMITS).expect("one certificate is a root");
    let _ = own.path(&certificate, window.start());
});
