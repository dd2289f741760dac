//! What an attacker can put into certificates and log entries, beside what `testdata/negative` holds.
#![expect(clippy::unwrap_used, reason = "a test stops where its evidence is not as it must be")]

mod support;

use sealift::crypto::PublicKey;
use sealift::limits::Limits;
use sealift::sigstore::TrustRoot;
use sealift::verify::{
    Artifact, Code, Facts, Rejection, Signer, SubjectAlternativeName, Testimony, Trust, Verifier,
};
use sealift::x509::{Certificate, MalformedCertificate, PrivatePki};
use serde_json::{Value, json};

use support::bench::{Bench, KeyKind, NOW, SIGNED};
use support::ca::{self, CertificateAuthority, San, Template};
use support::evidence::{self, Bundle, Content, LegacySignature, simple_signing};
use support::tsa::Stamp;
use support::{AttestationLog, Log, ORGANIZATION, base64, compact, der, note, rekor, time};

fn judge_bytes(bench: &Bench, bundle: &[u8]) -> Result<Facts, Rejection> {
    judge_testimony(bench, Testimony::Bundle(bundle))
}

fn judge_testimony(bench: &Bench, testimony: Testimony<'_>) -> Result<Facts, Rejection> {
    let root = bench.sigstore.trusted_root().to_string();
    let root = TrustRoot::parse(root.as_bytes(), &Limits::default()).unwrap();
    let trust = Trust { root: Some(root), ..Trust::default() };
    let verifier = Verifier::new(trust, NOW.parse().unwrap(), Limits::default());
    let subject = Artifact { digest: bench.image.digest().into(), bytes: None };
    let verified = verifier.verify(&subject, testimony);
    verified.map(|verified| verified.facts().clone())
}

fn judge(bench: &Bench, bundle: &Bundle) -> Result<Facts, Rejection> {
    judge_bytes(bench, &compact(&bundle.json()))
}

/// Signed by a certificate that was changed before it was issued.
fn certified(change: impl FnOnce(&mut Template)) -> Result<Facts, Rejection> {
    let mut bench = Bench::new();
    let signer = bench.at().certify_with(&Bench::person(), |template, _| change(template));
    let message = bench.image.manifest.clone();
    let bundle = bench.at().bundle_message(&signer, &message);
    judge(&bench, &bundle)
}

/// Case 62: where an image was signed is told and compared with nothing; images are moved.
#[test]
fn a_payload_of_another_repository() {
    let mut bench = Bench::new();
    let payload = simple_signing("elsewhere.example/other", &bench.image.digest());
    let signer = bench.signer();
    let signature = bench.at().sign(&signer, &payload, Log::Promise);
    let annotations = signature.layer().annotations;
    let testimony = Testimony::Signature { payload: &payload, annotations: &annotations };
    let facts = judge_testimony(&bench, testimony).unwrap();
    assert_eq!(facts.times.len(), 1);
}

/// Case 70, beside the keys of `testdata/negative/key-weak`.
#[test]
fn rsa_keys_of_another_size() {
    let read = |bytes: usize, exponent: u64| {
        let mut modulus = vec![0xff; bytes];
        *modulus.first_mut().unwrap() = 0xc5;
        let key = der::sequence(&[der::integer(&modulus), der::number(exponent)]);
        let algorithm = der::sequence(&[der::oid("1.2.840.113549.1.1.1"), der::null()]);
        let spki = der::sequence(&[algorithm, der::bits(&key)]);
        PublicKey::from_spki(&spki).map(|_| ()).map_err(|error| error.to_string())
    };
    assert_eq!(read(256, 65537), Ok(()));
    let of_bits = |bits| Err(format!("the RSA key has {bits} bits, not 2048 to 4096"));
    assert_eq!(read(255, 65537), of_bits(2040));
    assert_eq!(read(513, 65537), of_bits(4104));
    assert_eq!(read(2048, 65537), of_bits(16384));
    let exponent = Err("the RSA key has another exponent than 65537".to_owned());
    assert_eq!(read(256, 3), exponent);
    assert_eq!(read(256, 1), exponent);
}

/// Case 81: a name is the whole text, whatever somebody else would stop at.
#[test]
fn a_name_is_the_whole_text() {
    for uri in [
        "https://github.com@evil.example/",
        "https://github.com/sealift-demo\0.evil.example",
        "https://xn--githb-mva.com/",
        "maintainer@sealift.example",
    ] {
        let facts = certified(|template| template.names = vec![San::Uri(uri.to_owned())]);
        let Signer::Certificate { identity, .. } = facts.unwrap().signer else { unreachable!() };
        assert_eq!(identity.names, [SubjectAlternativeName::Uri(uri.to_owned())]);
    }
}

/// Case 83.
#[test]
fn certificates_of_another_shape() {
    let certificate = Bench::new().signer().certificate.unwrap();
    let read = |der: &[u8]| Certificate::from_der(der, &Limits::default()).map(|_| ());
    let replaced = |from: &[u8], to: &[u8], last: bool| {
        let found = |at: &usize| certificate.get(*at..*at + from.len()) == Some(from);
        let mut places = (0..certificate.len()).filter(found);
        let at = if last { places.next_back() } else { places.next() }.unwrap();
        let mut changed = certificate.clone();
        changed.splice(at..at + from.len(), to.iter().copied());
        changed
    };
    assert_eq!(read(&certificate), Ok(()));
    let v2 = replaced(&[0xa0, 3, 2, 1, 2], &[0xa0, 3, 2, 1, 1], false);
    assert_eq!(read(&v2), Err(MalformedCertificate::Version));
    // ecdsa-with-SHA384 outside becomes ecdsa-with-SHA256.
    let sha384 = der::oid("1.2.840.10045.4.3.3");
    let other = replaced(&sha384, &der::oid("1.2.840.10045.4.3.2"), true);
    assert_eq!(read(&other), Err(MalformedCertificate::SignatureAlgorithms));
    let v1 = replaced(&[0xa0, 3, 2, 1, 2], &[0xa0, 3, 2, 1, 0], false);
    assert_eq!(read(&v1), Err(MalformedCertificate::Der));
    // The serial number, 20 bytes that begin with a bit that is not set.
    let serial = certificate.get(13..35).unwrap();
    let (length, first) = (&serial[..2], serial[2]);
    assert_eq!((length, first & 0x80), (&[2, 20][..], 0));
    let with = |first: u8| replaced(&serial[..3], &[2, 20, first], false);
    assert_eq!(read(&with(0x7f)), Ok(()));
    assert_eq!(read(&with(first | 0x80)), Err(MalformedCertificate::Serial));
}

/// Case 87: a certificate for certificate transparency logs alone.
#[test]
fn a_poisoned_certificate_is_refused() {
    let poison = ca::extension("1.3.6.1.4.1.11129.2.4.3", true, &der::null());
    let found = certified(|template| template.more.push(poison)).map(|facts| facts.times.len());
    assert_eq!(found.map_err(|why| why.code()), Err(Code::CertificateUntrusted));
}

/// Case 88: what an authority may issue binds those below it.
#[test]
fn an_authority_keeps_to_its_constraints() {
    let validity = (time("2025-01-01T00:00:00Z"), time("2034-01-01T00:00:00Z"));
    let found = |change: &dyn Fn(&mut ca::Certificate, &mut ca::Certificate)| {
        let mut bench = Bench::new();
        bench.sigstore.fulcio =
            CertificateAuthority::changed("above", ORGANIZATION, validity, change);
        let signer = bench.signer();
        let message = bench.image.manifest.clone();
        let bundle = bench.at().bundle_message(&signer, &message);
        judge(&bench, &bundle).map_err(|why| why.code()).map(|facts| facts.times.len())
    };
    assert_eq!(found(&|root, _| root.extensions[1] = ca::basic_constraints(true, Some(1))), Ok(1));
    let untrusted = Err(Code::CertificateUntrusted);
    let none_below = |root: &mut ca::Certificate, _: &mut ca::Certificate| {
        root.extensions[1] = ca::basic_constraints(true, Some(0));
    };
    assert_eq!(found(&none_below), untrusted);
}

/// Subtrees of `NameConstraints`, and kinds of names, by their tags (RFC 5280 section 4.2.1.10).
const PERMITTED: u8 = 0;
const EXCLUDED: u8 = 1;
const EMAIL: u8 = 1;
const HOST: u8 = 2;
const URI: u8 = 6;

/// An authority that may certify some names only, by its own certificate or by its root's.
fn constrained(
    organization: &str,
    subtrees: u8,
    (kind, base): (u8, &str),
    by_root: bool,
) -> CertificateAuthority {
    let subtree = der::sequence(&[der::implicit(kind, base.as_bytes())]);
    let constraints = der::sequence(&[der::explicit(subtrees, &subtree)]);
    let extension = ca::extension("2.5.29.30", true, &constraints);
    let validity = (time("2025-01-01T00:00:00Z"), time("2034-01-01T00:00:00Z"));
    CertificateAuthority::changed("above", organization, validity, |root, issuer| {
        let above = if by_root { root } else { issuer };
        above.extensions.push(extension);
    })
}

fn expected_times(accepted: bool) -> Result<usize, (Code, String)> {
    let detail = "an authority above the certificate does not permit its name";
    if accepted { Ok(1) } else { Err((Code::CertificateUntrusted, detail.to_owned())) }
}

fn times(found: Result<Facts, Rejection>) -> Result<usize, (Code, String)> {
    found.map(|facts| facts.times.len()).map_err(|why| (why.code(), why.detail().to_owned()))
}

/// Case 88: hosts are compared with the constraint.
#[test]
fn an_authority_certifies_hosts_that_it_may() {
    for (subtrees, base, accepted) in [
        (PERMITTED, "sealift.example", true),
        (PERMITTED, "build.sealift.example", true),
        (PERMITTED, "lift.example", false),
        (PERMITTED, "elsewhere.example", false),
        (EXCLUDED, "elsewhere.example", true),
        (EXCLUDED, "lift.example", true),
        (EXCLUDED, "sealift.example", false),
    ] {
        for by_root in [false, true] {
            let mut bench = Bench::new();
            let private = constrained("private.example", subtrees, (HOST, base), by_root);
            let key = bench.key(KeyKind::P256);
            let mut template = Template::private("builder", "", &key, time(SIGNED));
            template.names = vec![San::Dns("build.sealift.example".to_owned())];
            let certificate = Some(private.issue(&template));
            let signer = evidence::Signer { key, certificate, chain: Vec::new() };
            let payload = bench.payload();
            let annotations = bench.at().sign(&signer, &payload, Log::None).layer().annotations;
            let pem = |der: &[u8]| der::pem("CERTIFICATE", der);
            let (root, above) = (pem(&private.root), pem(&private.intermediate));
            let pki = PrivatePki::from_pem(&root, Some(&above), &Limits::default()).unwrap();
            let trust = Trust { pki: Some(pki), ..Trust::default() };
            let verifier = Verifier::new(trust, time(NOW), Limits::default());
            let subject = Artifact { digest: bench.image.digest().into(), bytes: None };
            let testimony = Testimony::Signature { payload: &payload, annotations: &annotations };
            let verified = verifier.verify(&subject, testimony);
            let found = times(verified.map(|verified| verified.facts().clone()));
            assert_eq!(found, expected_times(accepted), "{subtrees} {base} {by_root}");
        }
    }
}

/// Case 88: a constraint on addresses or URIs, which are not compared, refuses every name of its
/// kind, the permitted ones too; one on another kind says nothing.
#[test]
fn an_authority_certifies_no_name_of_a_kind_that_is_constrained() {
    let person = San::Email("maintainer@sealift.example".to_owned());
    let workflow = San::Uri("https://sealift.example/build".to_owned());
    let user = San::Username("maintainer".to_owned());
    for (subtrees, constraint, name, accepted) in [
        (PERMITTED, (HOST, "elsewhere.example"), &person, true),
        (PERMITTED, (HOST, "elsewhere.example"), &workflow, true),
        (EXCLUDED, (HOST, "sealift.example"), &person, true),
        (EXCLUDED, (HOST, "sealift.example"), &workflow, true),
        (EXCLUDED, (EMAIL, "sealift.example"), &workflow, true),
        (EXCLUDED, (URI, "sealift.example"), &person, true),
        (PERMITTED, (EMAIL, "elsewhere.example"), &user, true),
        (EXCLUDED, (EMAIL, "sealift.example"), &person, false),
        (EXCLUDED, (EMAIL, "elsewhere.example"), &person, false),
        (PERMITTED, (EMAIL, "elsewhere.example"), &person, false),
        (PERMITTED, (EMAIL, "sealift.example"), &person, false),
        (EXCLUDED, (URI, "sealift.example"), &workflow, false),
        (EXCLUDED, (URI, "elsewhere.example"), &workflow, false),
        (PERMITTED, (URI, "elsewhere.example"), &workflow, false),
        (PERMITTED, (URI, "sealift.example"), &workflow, false),
    ] {
        for by_root in [false, true] {
            let mut bench = Bench::new();
            bench.sigstore.fulcio = constrained(ORGANIZATION, subtrees, constraint, by_root);
            let signer = bench.at().certify_with(&Bench::person(), |template, _| {
                template.names = vec![name.clone()];
            });
            let message = bench.image.manifest.clone();
            let bundle = bench.at().bundle_message(&signer, &message);
            let found = times(judge(&bench, &bundle));
            assert_eq!(found, expected_times(accepted), "{subtrees} {constraint:?} {by_root}");
        }
    }
}

/// The same JSON in the spelling of other writers.
fn spellings(body: &[u8]) -> [Vec<u8>; 3] {
    let value: Value = serde_json::from_slice(body).unwrap();
    let text = std::str::from_utf8(body).unwrap();
    [
        serde_json::to_vec_pretty(&value).unwrap(),
        format!("{text}\n").into_bytes(),
        text.replacen("\"kind\"", r#""\u006bind""#, 1).into_bytes(),
    ]
}

/// Case 93: a body counts as its log took it in. Spelled otherwise on the way it is another, which
/// neither promise nor proof is of; taken in like that, it says the same.
#[test]
fn a_body_counts_as_its_log_took_it_in() {
    for number in 0..3 {
        let spelled = |body: &[u8]| spellings(body).into_iter().nth(number).unwrap();
        let mut bench = Bench::new();
        let (signer, payload) = (bench.signer(), bench.payload());
        let before = bench.sigstore.rekor.clone();
        let canonical = bench.at().sign(&signer, &payload, Log::Promise);
        let judge_signature = |bench: &Bench, signature: &LegacySignature| {
            let annotations = &signature.layer().annotations;
            judge_testimony(bench, Testimony::Signature { payload: &payload, annotations })
        };
        let facts = judge_signature(&bench, &canonical).unwrap();
        let mut respelled = canonical.clone();
        let entry = respelled.entry.as_mut().unwrap();
        let body = spelled(&entry.body);
        assert_ne!(body, entry.body);
        entry.body.clone_from(&body);
        assert_eq!(judge_signature(&bench, &respelled).unwrap_err().code(), Code::SetInvalid);
        bench.sigstore.rekor = before;
        respelled.entry = Some(bench.sigstore.rekor.log_bytes(body, time(SIGNED)));
        assert_eq!(judge_signature(&bench, &respelled).unwrap(), facts);

        let content = bench.sign_content(&signer);
        let before = bench.sigstore.rekor_v2.clone();
        let canonical = bench.at().bundle_v2(&signer, content);
        let facts = judge(&bench, &canonical).unwrap();
        let mut respelled = canonical.clone();
        let entry = respelled.entries.first_mut().unwrap();
        let body = spelled(&entry.body);
        entry.body.clone_from(&body);
        let refused = judge(&bench, &respelled).unwrap_err();
        assert_eq!(refused.code(), Code::InclusionProofInvalid);
        bench.sigstore.rekor_v2 = before;
        respelled.entries = vec![bench.sigstore.rekor_v2.log_bytes(body)];
        assert_eq!(judge(&bench, &respelled).unwrap(), facts);
    }
}

/// Case 93: kinds and versions that are not read, the withdrawn `dsse` 0.0.2 among them, have a code of
/// their own; a hash by another function than a signature's is none.
#[test]
fn a_body_of_another_kind() {
    let found = |change: &dyn Fn(&mut Value)| {
        let mut bench = Bench::new();
        let (signer, payload) = (bench.signer(), bench.payload());
        let mut signature = bench.at().sign(&signer, &payload, Log::None);
        let mut body = rekor::hashedrekord(&payload, &signature.signature, &signer.verifier());
        change(&mut body);
        signature.entry = Some(bench.sigstore.rekor.log(&body, time(SIGNED)));
        let annotations = &signature.layer().annotations;
        times(judge_testimony(&bench, Testimony::Signature { payload: &payload, annotations }))
    };
    assert_eq!(found(&|_| {}), Ok(1));
    for (kind, version) in [
        ("dsse", "0.0.2"),
        ("intoto", "0.0.3"),
        ("hashedrekord", "0.0.3"),
        ("hashedrekord", "0.0.1 "),
        ("Hashedrekord", "0.0.1"),
        ("rekord", "0.0.2"),
        ("alpine", "0.0.1"),
        ("cose", "0.0.1"),
        ("helm", "0.0.1"),
        ("jar", "0.0.1"),
        ("rfc3161", "0.0.1"),
        ("rpm", "0.0.1"),
        ("tuf", "0.0.1"),
        ("", ""),
    ] {
        let detail = format!("entries of kind `{kind}` version `{version}` are not supported");
        let refused = Err((Code::EntryKindUnsupported, detail));
        let named = found(&|body| {
            body["kind"] = json!(kind);
            body["apiVersion"] = json!(version);
        });
        assert_eq!(named, refused);
    }
    let malformed = |field: &str| {
        Err((Code::MalformedLogEntry, format!("the entry's body has no well-formed `{field}`")))
    };
    for (algorithm, digits) in [("sha1", 40), ("sha224", 56), ("md5", 32), ("", 64)] {
        let hashed = found(&|body| {
            let value = "0".repeat(digits);
            body["spec"]["data"]["hash"] = json!({ "algorithm": algorithm, "value": value });
        });
        assert_eq!(hashed, malformed("data.hash"), "{algorithm}");
    }
    assert_eq!(found(&|body| body["spec"] = json!({})), malformed("spec"));
    assert_eq!(found(&|body| body["kind"] = json!(1)), malformed("kind"));
}

/// Case 96: what a checkpoint may be, and what is nearly one.
#[test]
fn checkpoints_of_every_shape() {
    let mut bench = Bench::new();
    let signer = bench.signer();
    let message = bench.image.manifest.clone();
    let bundle = bench.at().bundle_message(&signer, &message);
    let log = bench.sigstore.rekor.clone();
    let other = bench.sigstore.retired_rekor.clone();
    let found = |note: &dyn Fn(&str) -> String| {
        let mut bundle = bundle.clone();
        let proof = bundle.entries.first_mut().unwrap().proof.as_mut().unwrap();
        let text = note::checkpoint(&log.origin(), proof.tree_size, &proof.root);
        proof.checkpoint = Some(note(&text));
        times(judge(&bench, &bundle))
    };
    let signed_by = |text: &str, lines: &[String]| note::signed(text, lines);
    let refused = |detail: &str| Err((Code::CheckpointInvalid, detail.to_owned()));
    let malformed = refused("the checkpoint is not origin, size and root");
    let unsigned = refused("no signature on the checkpoint is by the log's key");
    let wrong = refused("the log's signature on the checkpoint does not verify");
    assert_eq!(found(&|text| log.sign(text)), Ok(1));
    // Lines of extensions follow the root, and other signers' lines the log's.
    assert_eq!(found(&|text| log.sign(&format!("{text}Timestamp: 1\n"))), Ok(1));
    let of_other = |text: &str| note::line(text, &log.host, &other.key.id(), &other.key);
    assert_eq!(found(&|text| signed_by(text, &[of_other(text), log.line(text)])), Ok(1));
    assert_eq!(found(&|text| signed_by(text, &[of_other(text)])), unsigned);
    // Several lines of the log, of which one holds.
    let of_nothing = || log.line("");
    assert_eq!(found(&|text| signed_by(text, &[of_nothing(), log.line(text)])), Ok(1));
    assert_eq!(found(&|text| signed_by(text, &[log.line(text), of_nothing()])), Ok(1));
    assert_eq!(
        found(&|_| signed_by("", &[of_nothing()])),
        refused("the checkpoint is no signed note: no blank line parts text and signatures")
    );
    assert_eq!(found(&|text| signed_by(text, &[of_nothing(), of_nothing()])), wrong);
    for size in ["18446744073709551616", "-1", "0x8", "", " 8", "8 ", "8.0"] {
        let sized = found(&|text| {
            let mut lines: Vec<_> = text.split('\n').collect();
            *lines.get_mut(1).unwrap() = size;
            log.sign(&lines.join("\n"))
        });
        assert_eq!(sized, malformed, "{size:?}");
    }
    for root in ["", "AAAA", &base64(&[7; 31]), &base64(&[7; 33]), &"=".repeat(44)] {
        let rooted = found(&|text| {
            let mut lines: Vec<_> = text.split('\n').collect();
            *lines.get_mut(2).unwrap() = root;
            log.sign(&lines.join("\n"))
        });
        assert_eq!(rooted, malformed, "{root:?}");
    }
}

/// Case 100, beside `testdata/negative/timestamp-invalid`.
#[test]
fn timestamps_that_are_nearly_one() {
    let authority = format!("https://timestamp.{ORGANIZATION}/api/v1/timestamp");
    let mut bench = Bench::new();
    let signer = bench.signer();
    let content = bench.sign_content(&signer);
    let bundle = bench.at().bundle_v2(&signer, content);
    let Content::Envelope(envelope) = &bundle.content else { unreachable!() };
    let signature = envelope.signatures.first().unwrap();
    let found = |response: Vec<u8>| {
        let mut bundle = bundle.clone();
        bundle.timestamps = vec![response];
        times(judge(&bench, &bundle))
    };
    let stamped = |change: &dyn Fn(&mut Stamp)| {
        let mut stamp = Stamp::new(signature, time(SIGNED));
        change(&mut stamp);
        bench.sigstore.tsa.respond(&stamp)
    };
    let refused = |detail: &str| Err((Code::TimestampInvalid, detail.to_owned()));
    let malformed = refused("the timestamp is no well-formed RFC 3161 response");
    let right = stamped(&|_| {});
    assert_eq!(found(right.clone()), Ok(1));
    let by_sha1 = stamped(&|stamp| {
        stamp.imprint = vec![7; 20];
        stamp.imprint_oid = Some("1.3.14.3.2.26");
    });
    let hash = "the timestamp is made with a hash function other than SHA-256, SHA-384 or SHA-512";
    assert_eq!(found(by_sha1), refused(hash));
    let bare = stamped(&|stamp| stamp.has_attributes = false);
    let attributes = "the timestamp's signed attributes are missing or malformed";
    assert_eq!(found(bare), refused(&format!("{attributes} ({authority})")));
    // A status and no token, the token without its status, and nothing.
    let status = der::sequence(&[der::number(0)]);
    assert_eq!(found(der::sequence(std::slice::from_ref(&status))), malformed);
    let token = right.get(4 + status.len()..).unwrap().to_vec();
    assert_eq!(found(token), malformed);
    assert_eq!(found(vec![0x30, 0]), malformed);
    // The outer length is indefinite, as BER allows.
    let content = right.get(4..).unwrap();
    assert_eq!(found([&[0x30, 0x80], content, &[0, 0]].concat()), malformed);

    let payload = bench.payload();
    let legacy = bench.clone().at().sign(&signer, &payload, Log::Promise);
    let annotated = |text: &str| {
        let mut annotations = legacy.layer().annotations;
        annotations.insert("dev.sigstore.cosign/rfc3161timestamp".to_owned(), text.to_owned());
        let annotations = &annotations;
        let found =
            judge_testimony(&bench, Testimony::Signature { payload: &payload, annotations });
        found.map(|facts| facts.times.len()).map_err(|why| why.code())
    };
    let annotation = |bytes: &[u8]| format!(r#"{{"SignedRFC3161Timestamp":"{}"}}"#, base64(bytes));
    let stamp = bench.sigstore.tsa.stamp(&legacy.signature, time(SIGNED));
    assert_eq!(annotated(&annotation(&stamp)), Ok(2));
    assert_eq!(annotated(&annotation(&right)), Err(Code::TimestampInvalid));
    assert_eq!(annotated(&annotation(b"")), Err(Code::TimestampInvalid));
    for text in ["{}", "null", "[]", r#"{"SignedRFC3161Timestamp":null}"#, &base64(&stamp)] {
        assert_eq!(annotated(text), Err(Code::MalformedAnnotation), "{text}");
    }
    for text in ["{}", "null", r#"{"SignedEntryTimestamp":"","Payload":null}"#] {
        let mut annotations = legacy.layer().annotations;
        annotations.insert(evidence::ENTRY.to_owned(), text.to_owned());
        let annotations = &annotations;
        let found =
            judge_testimony(&bench, Testimony::Signature { payload: &payload, annotations });
        assert_eq!(found.unwrap_err().code(), Code::MalformedAnnotation, "{text}");
    }
}

/// Case 102: what a statement has to say.
#[test]
fn statements_that_say_less() {
    let found = |change: &dyn Fn(&mut Value)| {
        let mut bench = Bench::new();
        let mut statement = bench.provenance();
        change(&mut statement);
        let signer = bench.signer();
        let attestation = bench.at().attest(&signer, &statement, AttestationLog::Dsse001);
        let annotations = &attestation.layer().annotations;
        let envelope = &attestation.bytes;
        let found = judge_testimony(&bench, Testimony::Attestation { envelope, annotations });
        found.map(|facts| facts.times.len()).map_err(|why| why.code())
    };
    let remove = |field: &'static str| {
        move |statement: &mut Value| drop(statement.as_object_mut().unwrap().remove(field).unwrap())
    };
    assert_eq!(found(&|_| {}), Ok(1));
    assert_eq!(found(&remove("predicate")), Ok(1));
    let malformed = Err(Code::MalformedStatement);
    for field in ["_type", "predicateType", "subject"] {
        assert_eq!(found(&remove(field)), malformed, "{field}");
        for value in [Value::Null, json!(1), json!({}), json!([1])] {
            assert_eq!(found(&|statement| statement[field] = value.clone()), malformed, "{field}");
        }
    }
    assert_eq!(found(&|statement| statement["subject"] = json!([])), malformed);
    let other = Err(Code::StatementNamesOtherImage);
    assert_eq!(found(&|statement| statement["subject"] = json!([{}])), other);
    for digest in [Value::Null, json!({}), json!({ "gitCommit": "00" })] {
        let about = found(&|statement| statement["subject"][0]["digest"] = digest.clone());
        assert_eq!(about, other, "{digest}");
    }
    // Among several things the image may be the last.
    let among = found(&|statement| {
        let image = statement["subject"][0].clone();
        statement["subject"] = json!([{ "name": "other", "digest": { "sha256": "00" } }, image]);
    });
    assert_eq!(among, Ok(1));
}

/// Case 98: what a Rekor v2 log does not give is not read as if it had.
#[test]
fn an_entry_is_of_its_log() {
    let v2 = |bench: &mut Bench| {
        let signer = bench.signer();
        let content = bench.sign_content(&signer);
        bench.at().bundle_v2(&signer, content)
    };
    let mut bench = Bench::new();
    let mut promised = v2(&mut bench);
    let entry = promised.entries.first_mut().unwrap();
    entry.integrated_time = time(SIGNED).seconds();
    entry.promise = vec![1; 70];
    assert_eq!(judge(&bench, &promised).unwrap_err().code(), Code::SetInvalid);
    let mut moved = v2(&mut bench);
    moved.entries.first_mut().unwrap().log_id = bench.sigstore.rekor.key.id();
    assert_eq!(judge(&bench, &moved).unwrap_err().code(), Code::CheckpointInvalid);
}

/// Case 101: nothing is decided by what an envelope calls its key.
#[test]
fn the_key_id_of_an_envelope_is_nobodys_word() {
    let mut bench = Bench::new();
    let (signer, statement) = (bench.signer(), bench.sign_statement());
    let bundle = bench.at().bundle_statement(&signer, &statement);
    let mut named = bundle.json();
    named["dsseEnvelope"]["signatures"][0]["keyid"] = json!("somebody else");
    let facts = judge(&bench, &bundle).unwrap();
    assert_eq!(judge_bytes(&bench, &compact(&named)).unwrap(), facts);
}
