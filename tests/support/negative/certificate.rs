//! What can be wrong with a signing certificate.

use serde_json::Value;

use super::Negative;
use crate::support::bench::{Bench, KeyKind, SIGNED};
use crate::support::ca::{
    CODE_SIGNING, CertificateAuthority, Over, SERVER_AUTH, San, Template, extension, fulcio,
    key_usage,
};
use crate::support::evidence::{CERTIFICATE, Signer};
use crate::support::key::Key;
use crate::support::{ORGANIZATION, VirtualSigstore, accepted, der, plus, time};

const KEYLESS: &str = "legacy-keyless";

/// Of its form, its chain, its usage, its name and its timestamps.
#[expect(clippy::too_many_lines, reason = "a table")]
pub fn certificates() -> Vec<Negative> {
    vec![
        Negative::new(
            "malformed-certificate",
            "two-blocks",
            KEYLESS,
            "a second certificate follows in the annotation",
            |bench| {
                let other = bench.signer().verifier();
                annotated(bench, |pem| format!("{pem}{other}"))
            },
        ),
        Negative::new(
            "malformed-certificate",
            "trusted-label",
            KEYLESS,
            "the block is labelled TRUSTED CERTIFICATE",
            |bench| annotated(bench, |pem| pem.replace("CERTIFICATE", "TRUSTED CERTIFICATE")),
        ),
        Negative::new(
            "malformed-certificate",
            "key-label",
            KEYLESS,
            "the block is labelled PRIVATE KEY",
            |bench| annotated(bench, |pem| pem.replace("CERTIFICATE", "PRIVATE KEY")),
        ),
        Negative::new(
            "malformed-certificate",
            "text-before",
            KEYLESS,
            "text stands before the block",
            |bench| annotated(bench, |pem| format!("subject=none\n{pem}")),
        ),
        Negative::new(
            "malformed-certificate",
            "headers",
            KEYLESS,
            "the block has a header",
            |bench| {
                annotated(bench, |pem| pem.replacen("-----\n", "-----\nProc-Type: 4,CLEAR\n\n", 1))
            },
        ),
        Negative::new("key-not-given", "empty", KEYLESS, "the annotation is empty", |bench| {
            annotated(bench, |_| String::new())
        }),
        Negative::new(
            "malformed-certificate",
            "not-der",
            KEYLESS,
            "the block holds no certificate",
            |bench| altered(bench, |_| b"no certificate".to_vec()),
        ),
        Negative::new(
            "malformed-certificate",
            "trailing-byte",
            KEYLESS,
            "a byte follows the certificate in its block",
            |bench| altered(bench, |certificate| [certificate, &[0]].concat()),
        ),
        Negative::new(
            "malformed-certificate",
            "indefinite-length",
            KEYLESS,
            "the certificate is in BER: its outer length is indefinite",
            |bench| {
                altered(bench, |certificate| [&[0x30, 0x80], &certificate[4..], &[0, 0]].concat())
            },
        ),
        Negative::new(
            "malformed-certificate",
            "issuer-not-utf8-string",
            KEYLESS,
            "the issuer extension 57264.1.8 is bare text",
            |bench| {
                bench.keyless_certificate(|template, _| {
                    let issuer = template.issuer_v2.take().expect("Fulcio names the issuer");
                    template.more = vec![fulcio(8, issuer.as_bytes())];
                })
            },
        ),
        Negative::new(
            "malformed-certificate",
            "issuers-disagree",
            KEYLESS,
            "the two issuer extensions name two issuers",
            |bench| {
                bench.keyless_certificate(|template, _| {
                    template.issuer = Some("https://accounts.elsewhere.example".to_owned());
                })
            },
        ),
        Negative::new(
            "malformed-certificate",
            "extension-twice",
            KEYLESS,
            "key usage stands twice",
            |bench| bench.keyless_certificate(|template, _| template.more = vec![key_usage(&[0])]),
        ),
        Negative::new(
            "certificate-untrusted",
            "other-authority",
            KEYLESS,
            "an authority of the same names but other keys issued the certificate",
            |bench| {
                bench.sigstore.fulcio = VirtualSigstore::new("elsewhere").fulcio;
                bench.keyless(|_, _| {})
            },
        ),
        Negative::new(
            "certificate-untrusted",
            "private-authority",
            KEYLESS,
            "an authority that the root does not name issued the certificate",
            |bench| {
                bench.sigstore.fulcio = bench.sigstore.private.clone();
                bench.keyless(|_, _| {})
            },
        ),
        Negative::new(
            "certificate-outside-validity",
            "retired-authority",
            KEYLESS,
            "the authority is believed until the end of 2025, the signature is of 2026",
            |bench| {
                bench.sigstore.fulcio = bench.sigstore.retired_fulcio.clone();
                bench.keyless(|_, _| {})
            },
        ),
        Negative::new(
            "certificate-untrusted",
            "signature-altered",
            KEYLESS,
            "one bit of the certificate's signature differs",
            |bench| {
                altered(bench, |certificate| {
                    let mut certificate = certificate.to_vec();
                    let last = certificate.len() - 1;
                    certificate[last] ^= 1;
                    certificate
                })
            },
        ),
        Negative::new(
            "certificate-untrusted",
            "unknown-critical-extension",
            KEYLESS,
            "an extension that nobody knows is critical",
            |bench| {
                bench.keyless_certificate(|template, _| {
                    template.more = vec![extension("1.3.6.1.4.1.99999.1", true, &der::null())];
                })
            },
        ),
        Negative::new(
            "certificate-outside-validity",
            "one-second-early",
            KEYLESS,
            "the log took the signature in a second before notBefore",
            |bench| accepted::logged_after(bench, -1),
        ),
        Negative::new(
            "certificate-outside-validity",
            "one-second-late",
            KEYLESS,
            "the log took the signature in a second after notAfter",
            |bench| accepted::logged_after(bench, 601),
        ),
        Negative::new(
            "certificate-outside-validity",
            "intermediate-expired",
            KEYLESS,
            "the intermediate had expired the day before the signature",
            |bench| {
                bench.sigstore.fulcio = expired_authority();
                bench.keyless(|_, _| {})
            },
        )
        .under("intermediate-expired.json", expired_root),
        Negative::new(
            "certificate-outside-validity",
            "one-of-two-times",
            "legacy-keyless-timestamp",
            "the promise is of the right time, the timestamp of an hour later",
            |bench| {
                bench.keyless(|signature, sigstore| {
                    let later = plus(time(SIGNED), 3600);
                    signature.timestamp = Some(sigstore.tsa.stamp(&signature.signature, later));
                })
            },
        ),
        Negative::new(
            "certificate-usage",
            "no-extended-key-usage",
            KEYLESS,
            "the certificate has no extended key usage",
            |bench| bench.keyless_certificate(|template, _| template.extended_key_usage = None),
        ),
        Negative::new(
            "certificate-usage",
            "server-auth",
            KEYLESS,
            "the certificate is for TLS servers",
            |bench| used_for(bench, SERVER_AUTH),
        ),
        Negative::new(
            "certificate-usage",
            "any-usage",
            KEYLESS,
            "the certificate is for any use, not for code signing",
            |bench| used_for(bench, "2.5.29.37.0"),
        ),
        Negative::new(
            "certificate-usage",
            "no-key-usage",
            KEYLESS,
            "the certificate has no key usage",
            |bench| bench.keyless_certificate(|template, _| template.key_usage = None),
        ),
        Negative::new(
            "certificate-usage",
            "key-agreement",
            KEYLESS,
            "the key is for key agreement, not for signatures",
            |bench| bench.keyless_certificate(|template, _| template.key_usage = Some(vec![4])),
        ),
        Negative::new(
            "certificate-usage",
            "authority",
            KEYLESS,
            "the certificate is an authority's",
            |bench| bench.keyless_certificate(|template, _| template.certificate_authority = true),
        ),
        Negative::new(
            "certificate-san",
            "none",
            KEYLESS,
            "the certificate names nobody",
            |bench| bench.keyless_certificate(|template, _| template.names.clear()),
        ),
        Negative::new(
            "certificate-san",
            "two",
            KEYLESS,
            "the certificate names the person and another",
            |bench| {
                bench.keyless_certificate(|template, _| {
                    template.names.push(San::Email("mallory@sealift.example".to_owned()));
                })
            },
        ),
        Negative::new(
            "certificate-san",
            "host-name",
            KEYLESS,
            "the certificate names a host",
            |bench| {
                bench.keyless_certificate(|template, _| {
                    template.names = vec![San::Dns("sealift.example".to_owned())];
                })
            },
        ),
        Negative::new(
            "no-sct",
            "none",
            KEYLESS,
            "the certificate has no list of timestamps",
            |bench| bench.keyless_certificate(|template, _| template.scts.clear()),
        ),
        Negative::new(
            "sct-invalid",
            "other-certificate",
            KEYLESS,
            "the timestamp is over another certificate",
            |bench| over(bench, Over::OtherCertificate),
        ),
        Negative::new(
            "sct-invalid",
            "other-issuer",
            KEYLESS,
            "the timestamp is over the same certificate of another issuer",
            |bench| over(bench, Over::OtherIssuer),
        ),
        Negative::new(
            "no-sct",
            "unknown-log",
            KEYLESS,
            "a log that the root does not name gave the timestamp",
            |bench| {
                bench.keyless_certificate(|template, _| {
                    template.scts[0].log = VirtualSigstore::new("elsewhere").ct_log;
                })
            },
        ),
        Negative::new(
            "sct-invalid",
            "retired-log",
            KEYLESS,
            "the log is believed until the end of 2025, its timestamp is of 2026",
            |bench| {
                bench.keyless_certificate(|template, sigstore| {
                    template.scts[0].log = sigstore.retired_ct_log.clone();
                })
            },
        ),
        Negative::new(
            "sct-invalid",
            "trailing-byte",
            KEYLESS,
            "a byte follows the list of timestamps",
            |bench| bench.keyless_certificate(|template, _| template.after_scts = vec![0]),
        ),
        Negative::new(
            "key-weak",
            "certificate-rsa-1024",
            KEYLESS,
            "the certified key is RSA of 1024 bits",
            |bench| {
                let key = bench.key(KeyKind::Rsa1024);
                let mut signer = bench.at().certify_with(&Bench::person(), |template, _| {
                    template.key = key.spki();
                });
                signer.key = key;
                bench.keyless_by(&signer)
            },
        ),
    ]
}

fn annotated(bench: &mut Bench, change: impl FnOnce(&str) -> String) -> Vec<u8> {
    bench.keyless_layer(|layer| {
        let pem = change(&layer.annotations[CERTIFICATE]);
        assert_ne!(pem, layer.annotations[CERTIFICATE], "the change changes something");
        layer.annotate(CERTIFICATE, &pem);
    })
}

/// Changes the issued certificate; the log holds it as changed.
fn altered(bench: &mut Bench, change: impl FnOnce(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let signer = bench.signer();
    let certificate = signer.certificate.as_deref().map(change);
    bench.keyless_by(&Signer { certificate, ..signer })
}

fn used_for(bench: &mut Bench, usage: &'static str) -> Vec<u8> {
    bench.keyless_certificate(|template: &mut Template, _| {
        assert_eq!(template.extended_key_usage, Some(vec![CODE_SIGNING]), "as Fulcio issues");
        template.extended_key_usage = Some(vec![usage]);
    })
}

fn over(bench: &mut Bench, what: Over) -> Vec<u8> {
    bench.keyless_certificate(|template, _| template.scts[0].over = what)
}

fn expired_authority() -> CertificateAuthority {
    let start = time("2025-01-01T00:00:00Z");
    CertificateAuthority::with_intermediate(
        "sealift virtual sigstore expired fulcio",
        ORGANIZATION,
        (start, time("2035-01-01T00:00:00Z")),
        (start, time("2026-02-28T12:00:00Z")),
    )
}

fn expired_root() -> Value {
    let mut bench = Bench::new();
    bench.sigstore.fulcio = expired_authority();
    bench.sigstore.trusted_root()
}

/// A key that is certified by nobody.
pub fn uncertified() -> Key {
    Key::p256("a key without a certificate")
}
