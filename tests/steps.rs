//! Single steps of verification at their edges, where an archive cannot show them: the very second,
//! an artifact known by its digest alone, a trusted root of one's own, what is told beside a verdict.
#![expect(clippy::unwrap_used, reason = "a test stops where its evidence is not as it must be")]

mod support;

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sealift::crypto::PublicKey;
use sealift::digest::{Algorithm, Digest};
use sealift::limits::Limits;
use sealift::sigstore::{ManagedKey, TrustRoot};
use sealift::time::{UnixTime, Window};
use sealift::verify::{
    self, Anchor, Artifact, Code, Facts, Form, Identity, Rejection, Role, SubjectAlternativeName,
    Testimony, TimeSource, Trust, TrustId, TrustedTime, Verifier,
};
use sealift::x509::{Certificate, InvalidPin, MalformedCertificate, PinnedCertificate, PrivatePki};
use serde_json::{Value, json};

use support::bench::{Bench, KeyKind, NOW, SIGNED};
use support::ca::{self, CertificateAuthority, Over, San, Sct, Template};
use support::evidence::{Bundle, Content, LegacySignature, Material, Signer, Version};
use support::key::{self, Hash, Key, PssUse};
use support::rekor::{self, Proof};
use support::tsa::{Stamp, TIME_STAMPING, TimestampAuthority};
use support::{
    Log, ORGANIZATION, VirtualSigstore, base64, compact, der, note, plus, time, trusted_root,
};

/// A verifier with the root of the bench, and every key.
fn verifier(bench: &Bench, root: &Value, now: &str) -> Verifier {
    let limits = Limits::default();
    let root = TrustRoot::parse(root.to_string().as_bytes(), &limits).unwrap();
    let keys = [KeyKind::P256, KeyKind::P384, KeyKind::P521, KeyKind::Ed25519]
        .map(|kind| PublicKey::from_pem(&bench.key(kind).public_pem()).unwrap());
    let trust = Trust { root: Some(root), keys: keys.to_vec(), ..Trust::default() };
    Verifier::new(trust, now.parse().unwrap(), limits)
}

/// What a bundle about the bench's image proves, the image known by its digest alone.
fn judge_under(bench: &Bench, bundle: &Bundle, root: &Value) -> Result<Facts, Rejection> {
    let subject = Artifact { digest: bench.image.digest().into(), bytes: None };
    let bytes = compact(&bundle.json());
    let verified = verifier(bench, root, NOW).verify(&subject, Testimony::Bundle(&bytes));
    verified.map(|verified| verified.facts().clone())
}

fn judge(bench: &Bench, bundle: &Bundle) -> Result<Facts, Rejection> {
    judge_under(bench, bundle, &bench.sigstore.trusted_root())
}

fn judge_legacy(bench: &Bench, signature: &LegacySignature, now: &str) -> Result<Facts, Rejection> {
    let subject = Artifact { digest: bench.image.digest().into(), bytes: None };
    let (payload, layer) = (&signature.payload, signature.layer());
    let testimony = Testimony::Signature { payload, annotations: &layer.annotations };
    let root = bench.sigstore.trusted_root();
    let verified = verifier(bench, &root, now).verify(&subject, testimony);
    verified.map(|verified| verified.facts().clone())
}

fn code<T: std::fmt::Debug>(result: Result<T, Rejection>) -> Code {
    result.unwrap_err().code()
}

fn message(bench: &mut Bench) -> Bundle {
    let signer = bench.signer();
    let message = bench.image.manifest.clone();
    bench.at().bundle_message(&signer, &message)
}

/// Over cosign's statement, in a Rekor v2 log, with a timestamp.
fn v2(bench: &mut Bench) -> Bundle {
    let signer = bench.signer();
    let content = bench.sign_content(&signer);
    bench.at().bundle_v2(&signer, content)
}

fn signature(bundle: &Bundle) -> &[u8] {
    match &bundle.content {
        Content::Message { signature, .. } => signature,
        Content::Envelope(envelope) => envelope.signatures.first().unwrap(),
    }
}

// Times.

#[test]
fn a_time_may_be_now_and_no_later() {
    let mut bench = Bench::new();
    let (signer, payload) = (bench.signer(), bench.payload());
    let signature = bench.at().sign(&signer, &payload, Log::Promise);
    let facts = judge_legacy(&bench, &signature, SIGNED).unwrap();
    let source = TimeSource::Log(format!("https://{}", bench.sigstore.rekor.host));
    assert_eq!(facts.times, [TrustedTime { at: time(SIGNED), source }]);
    let before = plus(time(SIGNED), -1).to_string();
    let refused = judge_legacy(&bench, &signature, &before).unwrap_err();
    assert_eq!(refused.code(), Code::TimeInFuture);
    assert_eq!(
        refused.detail(),
        "the log says 2026-03-01T12:00:00Z, this machine's clock says 2026-03-01T11:59:59Z"
    );
}

#[test]
fn a_timestamp_may_be_of_now_and_no_later() {
    let mut bench = Bench::new();
    let bundle = v2(&mut bench);
    let subject = Artifact { digest: bench.image.digest().into(), bytes: None };
    let bytes = compact(&bundle.json());
    let root = bench.sigstore.trusted_root();
    let at = |now: UnixTime| {
        verifier(&bench, &root, &now.to_string()).verify(&subject, Testimony::Bundle(&bytes))
    };
    let source = TimeSource::TimestampAuthority(format!(
        "https://timestamp.{ORGANIZATION}/api/v1/timestamp"
    ));
    let expected = TrustedTime { at: time(SIGNED), source };
    assert_eq!(at(time(SIGNED)).unwrap().facts().times, [expected]);
    assert_eq!(code(at(plus(time(SIGNED), -1))), Code::TimeInFuture);
}

/// The start of 1970 is a time like another, before every log; what lies before it is no time.
#[test]
fn an_integrated_time_is_not_negative() {
    let mut bench = Bench::new();
    let (signer, payload) = (Signer::key(bench.key(KeyKind::P256)), bench.payload());
    let mut signature = bench.at().sign(&signer, &payload, Log::None);
    let body = rekor::hashedrekord(&payload, &signature.signature, &signer.verifier());
    let start = UnixTime::from_parts(0, 0).unwrap();
    signature.entry = Some(bench.sigstore.rekor.log(&body, start));
    assert_eq!(code(judge_legacy(&bench, &signature, NOW)), Code::LogKeyWindow);
    let mut bundle = message(&mut bench);
    let entry = bundle.entries.first_mut().unwrap();
    entry.promise.clear();
    entry.integrated_time = -1;
    let refused = judge(&bench, &bundle).unwrap_err();
    assert_eq!(refused.code(), Code::MalformedBundle);
    let detail = "a log entry of the bundle has no well-formed `integratedTime`";
    assert_eq!(refused.detail(), detail);
}

/// An entry without a promise tells no time, so the authorities' must lie where the log's key was in
/// use; that of a Rekor v2 log is read long after it stopped.
#[test]
fn a_log_without_promise_was_in_use() {
    let mut bench = Bench::new();
    let of_v2 = v2(&mut bench);
    let mut of_v1 = message(&mut bench);
    of_v1.timestamps = vec![bench.sigstore.tsa.stamp(signature(&of_v1), time(SIGNED))];
    let entry = of_v1.entries.first_mut().unwrap();
    entry.promise.clear();
    entry.integrated_time = 0;
    let (before, at, after) = (plus(time(SIGNED), -1), time(SIGNED), plus(time(SIGNED), 1));
    let found = |bundle, start: UnixTime, end: UnixTime| {
        let mut root = bench.sigstore.trusted_root();
        for log in root["tlogs"].as_array_mut().unwrap() {
            log["publicKey"]["validFor"] = json!({ "start": start, "end": end });
        }
        judge_under(&bench, bundle, &root).map_err(|why| why.code()).map(|facts| facts.times.len())
    };
    assert_eq!(found(&of_v1, at, at), Ok(1));
    assert_eq!(found(&of_v1, after, after), Err(Code::LogKeyWindow));
    assert_eq!(found(&of_v1, before, before), Err(Code::LogKeyWindow));
    assert_eq!(found(&of_v2, at, at), Ok(1));
    assert_eq!(found(&of_v2, after, after), Err(Code::LogKeyWindow));
    assert_eq!(found(&of_v2, before, before), Ok(1));
}

// Keys.

/// The P-256 key, in use from `start` to `end`, and what it proves by `testimony`.
fn judge_in_use(
    bench: &Bench,
    testimony: Testimony<'_>,
    window: Window,
) -> Result<Facts, (Code, String)> {
    let limits = Limits::default();
    let root = TrustRoot::parse(bench.sigstore.trusted_root().to_string().as_bytes(), &limits);
    let key = PublicKey::from_pem(&bench.key(KeyKind::P256).public_pem()).unwrap();
    let key_windows = BTreeMap::from([(key.id(), window)]);
    let trust = Trust { root: root.ok(), keys: vec![key], key_windows, ..Trust::default() };
    let subject = Artifact { digest: bench.image.digest().into(), bytes: None };
    let verified = Verifier::new(trust, time(NOW), limits).verify(&subject, testimony);
    verified
        .map(|verified| verified.facts().clone())
        .map_err(|why| (why.code(), why.detail().to_owned()))
}

/// Every trusted time lies inside the window, ends included: the log's and the authority's.
#[test]
fn a_key_with_a_window_signed_inside_it() {
    let mut bench = Bench::new();
    let signer = Signer::key(bench.key(KeyKind::P256));
    let content = bench.sign_content(&signer);
    let mut of_both = bench.at().bundle(&signer, content.clone());
    let signed = time(SIGNED);
    let stamped = UnixTime::from_parts(signed.seconds() + 2, 500_000_000).unwrap();
    let stamp = Stamp::new(signature(&of_both), stamped);
    let token = bench.sigstore.tsa.respond(&stamp);
    let mut of_authority = of_both.clone();
    of_authority.entries.clear();
    of_authority.timestamps = vec![token.clone()];
    let of_log = of_both.clone();
    of_both.timestamps = vec![token];
    let found = |bundle: &Bundle, start: UnixTime, end: Option<UnixTime>| {
        let bytes = compact(&bundle.json());
        let window = Window::new(start, end).unwrap();
        let facts = judge_in_use(&bench, Testimony::Bundle(&bytes), window);
        facts.map(|facts| facts.times.len()).map_err(|(code, _)| code)
    };
    let refused = Err(Code::KeyWindow);
    let nano = |time: UnixTime, nanos| UnixTime::from_parts(time.seconds(), nanos).unwrap();
    let cases = [
        (&of_log, signed, Some(signed), Ok(1)),
        (&of_log, signed, None, Ok(1)),
        (&of_log, plus(signed, 1), None, refused),
        (&of_log, plus(signed, -9), Some(plus(signed, -1)), refused),
        (&of_authority, stamped, Some(stamped), Ok(1)),
        (&of_authority, nano(stamped, 500_000_001), None, refused),
        (&of_authority, signed, Some(nano(stamped, 499_999_999)), refused),
        (&of_both, signed, Some(stamped), Ok(2)),
        (&of_both, plus(signed, 1), Some(stamped), refused),
        (&of_both, signed, Some(plus(signed, 2)), refused),
    ];
    for (number, (bundle, start, end, expected)) in cases.into_iter().enumerate() {
        assert_eq!(found(bundle, start, end), expected, "case {number}");
    }
}

/// Nobody knows when: that is told, and a time that nobody promised may not contradict.
#[test]
fn a_key_with_a_window_needs_a_time() {
    let mut bench = Bench::new();
    let signer = Signer::key(bench.key(KeyKind::P256));
    let content = bench.sign_content(&signer);
    let mut bundle = bench.at().bundle(&signer, content);
    let stamp = bench.sigstore.tsa.stamp(signature(&bundle), time(SIGNED));
    let entry = bundle.entries.first_mut().unwrap();
    entry.promise.clear();
    let window = Window::new(time(SIGNED), Some(time(SIGNED))).unwrap();
    let found = |bundle: &Bundle| {
        let bytes = compact(&bundle.json());
        judge_in_use(&bench, Testimony::Bundle(&bytes), window).map(|facts| facts.times.len())
    };
    let why = "no log and no timestamp authority says when the key was used".to_owned();
    assert_eq!(found(&bundle), Err((Code::NoTrustedTime, why)));
    bundle.timestamps = vec![stamp];
    assert_eq!(found(&bundle), Ok(1));
    bundle.entries.first_mut().unwrap().integrated_time += 1;
    let why = "the signer's key was in use 2026-03-01T12:00:00Z to 2026-03-01T12:00:00Z, not at \
               2026-03-01T12:00:01Z";
    assert_eq!(found(&bundle), Err((Code::KeyWindow, why.to_owned())));

    let mut other = VirtualSigstore::new("elsewhere");
    let content = bench.sign_content(&signer);
    let elsewhere = other.at(SIGNED).bundle(&signer, content);
    let bytes = compact(&elsewhere.json());
    let refused = judge_in_use(&bench, Testimony::Bundle(&bytes), window).unwrap_err();
    assert_eq!(refused.0, Code::UnknownLog);
}

/// What Sigstore's `PublicKey` message may say of a key.
#[test]
fn a_managed_key_in_either_form() {
    let bench = Bench::new();
    let limits = Limits::default();
    let (key, rsa) = (bench.key(KeyKind::P256), bench.key(KeyKind::Rsa2048));
    let parse = |text: &str| {
        let key = ManagedKey::parse(text, &limits);
        key.map(|key| (key.key.kind().to_string(), key.window)).map_err(|why| why.to_string())
    };
    let p256 = |window| Ok(("ECDSA P-256".to_owned(), window));
    let right = json!({ "rawBytes": base64(&key.spki()), "keyDetails": key.details() });
    let with = |field: &str, value: Value| {
        let mut message = right.clone();
        message[field] = value;
        parse(&message.to_string())
    };
    assert_eq!(parse(&key.public_pem()), p256(None));
    assert_eq!(parse(&right.to_string()), p256(None));
    assert_eq!(with("keyDetails", Value::Null), p256(None));
    let since = Window::new(time(SIGNED), None);
    assert_eq!(with("validFor", json!({ "start": SIGNED })), p256(since));
    let refused = |why: &str| Err(why.to_owned());
    assert_eq!(with("validFor", json!({ "end": SIGNED })), refused("validFor has no start"));
    assert_eq!(
        with("validFor", json!({ "start": NOW, "end": SIGNED })),
        refused("validFor ends before it starts")
    );
    assert_eq!(
        with("keyDetails", json!("PKIX_ED25519")),
        refused("keyDetails says `PKIX_ED25519`, the key is ECDSA P-256")
    );
    assert_eq!(
        with("rawBytes", json!("AAAA")),
        refused("the key is no well-formed SubjectPublicKeyInfo")
    );
    assert_eq!(
        with("hint", json!("")),
        refused(
            "no PublicKey message: unknown field `hint`, expected one of `rawBytes`, `keyDetails`, `validFor` at line 1 column 7"
        )
    );
    let rsa_as = |details: &str| {
        let message = json!({ "rawBytes": base64(&rsa.spki()), "keyDetails": details });
        parse(&message.to_string())
    };
    for (details, found) in [
        ("PKIX_RSA_PKCS1V15_2048_SHA256", Ok("RSA-2048")),
        ("PKIX_RSA_PSS_2048_SHA256", Ok("RSA-2048 PSS sha256")),
        (
            "PKIX_RSA_PSS_3072_SHA256",
            Err("keyDetails says `PKIX_RSA_PSS_3072_SHA256`, the key is RSA-2048"),
        ),
        // Deprecated: of which hash it does not say.
        ("PKIX_RSA_PSS", Err("signatures by `PKIX_RSA_PSS` are not supported")),
    ] {
        let found = found.map(|kind| (kind.to_owned(), None)).map_err(str::to_owned);
        assert_eq!(rsa_as(details), found, "{details}");
    }
    let pss = bench.key(KeyKind::RsaPss2048);
    for details in ["PKIX_RSA_PKCS1V15_2048_SHA256", "PKIX_RSA_PKCS1V5"] {
        let message = json!({ "rawBytes": base64(&pss.spki()), "keyDetails": details });
        let why = format!("keyDetails says `{details}`, the key is RSA-2048 PSS sha256");
        assert_eq!(parse(&message.to_string()), Err(why));
    }
}

/// A trusted root says by `keyDetails` that a log signs by RSASSA-PSS: its promise and checkpoint are
/// then proven by that alone. A certificate transparency log has no such signatures.
#[test]
fn a_log_signs_as_the_root_says() {
    let mut bench = Bench::new();
    let plain = bench.key(KeyKind::Rsa2048);
    let pss = PssUse { hash: Hash::Sha256, salt: 32, named: false };
    let found = |signing: &Key, named: &Key| {
        let mut bench = bench.clone();
        bench.sigstore.rekor.key = signing.clone();
        let bundle = message(&mut bench);
        bench.sigstore.rekor.key = named.clone();
        judge(&bench, &bundle).map_err(|why| why.code()).map(|facts| facts.log_entries.len())
    };
    let by_pss = plain.clone().used_by_pss(pss);
    let long_salt = plain.clone().used_by_pss(PssUse { salt: 222, ..pss });
    assert_eq!(found(&plain, &plain), Ok(1));
    assert_eq!(found(&by_pss, &by_pss), Ok(1));
    assert_eq!(found(&by_pss, &plain), Err(Code::SetInvalid));
    assert_eq!(found(&plain, &by_pss), Err(Code::SetInvalid));
    assert_eq!(found(&long_salt, &by_pss), Err(Code::SetInvalid));

    bench.sigstore.ct_log.key = by_pss;
    let root = bench.sigstore.trusted_root().to_string();
    let root = TrustRoot::parse(root.as_bytes(), &Limits::default()).unwrap();
    let unusable: Vec<_> = root.unusable().iter().map(|part| part.reason.as_str()).collect();
    assert_eq!(unusable, ["a certificate transparency log does not sign by RSASSA-PSS"]);
}

/// A hint that is a key's hash is of that key alone; any other text is of none in particular.
#[test]
fn a_hint_names_a_key_by_its_hash() {
    let mut bench = Bench::new();
    let signer = Signer::key(bench.key(KeyKind::P256));
    let content = bench.sign_content(&signer);
    let mut bundle = bench.at().bundle(&signer, content);
    let mut found = |hint: &str| {
        bundle.material = Material::KeyHint(hint.to_owned());
        let facts = judge(&bench, &bundle).map(|facts| facts.signer);
        facts.map_err(|why| (why.code(), why.detail().to_owned()))
    };
    let id = PublicKey::from_pem(&signer.key.public_pem()).unwrap().id();
    let own = base64(&signer.key.id());
    let no_hashes = [&[7][..], &[7; 31], &[7; 33], &signer.key.spki()].map(base64);
    let texts = ["", "cosign.pub", &id.hex(), own.trim_end_matches('=')].map(str::to_owned);
    for hint in [own].into_iter().chain(no_hashes).chain(texts) {
        assert_eq!(found(&hint), Ok(verify::Signer::Key { id }), "{hint}");
    }
    let other = found(&base64(&bench.key(KeyKind::P384).id())).unwrap_err();
    assert_eq!(other.0, Code::SignatureInvalid);
    let why = "the bundle is signed by the key `BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=`";
    assert_eq!(found(&base64(&[7; 32])), Err((Code::KeyHintMismatch, why.to_owned())));
}

// Timestamps.

fn stamped(change: impl FnOnce(&mut Stamp, &TimestampAuthority)) -> Result<Facts, Rejection> {
    let mut bench = Bench::new();
    let mut bundle = v2(&mut bench);
    let mut stamp = Stamp::new(signature(&bundle), time(SIGNED));
    change(&mut stamp, &bench.sigstore.tsa);
    bundle.timestamps = vec![bench.sigstore.tsa.respond(&stamp)];
    judge(&bench, &bundle)
}

#[test]
fn timestamps_of_every_shape() {
    for hash in [Hash::Sha256, Hash::Sha384, Hash::Sha512] {
        let facts = stamped(|stamp, _| stamp.attributes_hash = hash).unwrap();
        assert_eq!(facts.times.len(), 1);
    }
    for status in [0, 1] {
        assert_eq!(stamped(|stamp, _| stamp.status = status).unwrap().times.len(), 1);
    }
    assert_eq!(code(stamped(|stamp, _| stamp.status = 2)), Code::TimestampInvalid);
    let by_key = |stamp: &mut Stamp, tsa: &TimestampAuthority| {
        stamp.signer_key_id = Some(ca::key_id(&tsa.key.spki()));
    };
    assert_eq!(stamped(by_key).unwrap().times.len(), 1);
    let by_other_key = |stamp: &mut Stamp, _: &TimestampAuthority| {
        stamp.signer_key_id = Some(vec![0; 20]);
    };
    assert_eq!(code(stamped(by_other_key)), Code::NoTrustedTime);
}

#[test]
fn a_timestamp_is_of_the_signature_by_any_hash() {
    for hash in [Hash::Sha256, Hash::Sha384, Hash::Sha512] {
        let mut bench = Bench::new();
        let mut bundle = v2(&mut bench);
        let mut stamp = Stamp::new(&[], time(SIGNED));
        stamp.imprint = hash.of(signature(&bundle));
        stamp.imprint_hash = hash;
        bundle.timestamps = vec![bench.sigstore.tsa.respond(&stamp)];
        assert_eq!(judge(&bench, &bundle).unwrap().times.len(), 1);
    }
}

#[test]
fn a_signed_attribute_has_one_value() {
    for attribute in ["1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4", "1.2.840.113549.1.9.16.2.47"]
    {
        let twice = stamped(|stamp, _| stamp.doubled_attribute = Some(attribute));
        assert_eq!(code(twice), Code::TimestampInvalid, "{attribute}");
    }
    // The right value first, and one that sorts behind it.
    let authority = format!("https://timestamp.{ORGANIZATION}/api/v1/timestamp");
    let refused = |why: &str| Err((Code::TimestampInvalid, format!("{why} ({authority})")));
    let malformed = "the timestamp's signed attributes are missing or malformed";
    let unnamed = "the timestamp's signed attributes do not name the authority's certificate";
    for (attribute, why) in [
        ("1.2.840.113549.1.9.3", malformed),
        ("1.2.840.113549.1.9.4", malformed),
        ("1.2.840.113549.1.9.16.2.47", unnamed),
    ] {
        let found = stamped(|stamp, _| stamp.second_value = Some((attribute, der::set_of(vec![]))));
        let found = found.map(|facts| facts.times.len());
        let found = found.map_err(|why| (why.code(), why.detail().to_owned()));
        assert_eq!(found, refused(why), "{attribute}");
    }
    let of_no_use = ("1.2.840.113549.1.9.5", der::set_of(vec![]));
    assert_eq!(stamped(|stamp, _| stamp.second_value = Some(of_no_use)).unwrap().times.len(), 1);
}

/// Authorities of every kind of key, each signing by every hash.
#[test]
fn authorities_of_every_key() {
    let seed = |what| format!("authority {what}");
    let rsa = Key::rsa(&seed("rsa"), 2048);
    let rsa_encryption = || Some(der::sequence(&[der::oid("1.2.840.113549.1.1.1"), der::null()]));
    let ecdsa = || Some(der::sequence(&[der::oid("1.2.840.10045.4.3.2")]));
    for (key, hash_apart, of_other_key) in [
        (Key::p256(&seed("p256")), None, rsa_encryption()),
        (Key::p384(&seed("p384")), None, rsa_encryption()),
        (Key::p521(&seed("p521")), None, rsa_encryption()),
        (rsa, rsa_encryption(), ecdsa()),
    ] {
        let mut bench = Bench::new();
        let validity = (time("2025-01-01T00:00:00Z"), time("2034-01-01T00:00:00Z"));
        let usage = ca::extension("2.5.29.37", true, &der::sequence(&[der::oid(TIME_STAMPING)]));
        bench.sigstore.tsa =
            TimestampAuthority::with_key("authority", ORGANIZATION, validity, usage, key);
        let bundle = v2(&mut bench);
        let found = |change: &dyn Fn(&mut Stamp)| {
            let mut stamp = Stamp::new(signature(&bundle), time(SIGNED));
            change(&mut stamp);
            let mut bundle = bundle.clone();
            bundle.timestamps = vec![bench.sigstore.tsa.respond(&stamp)];
            judge(&bench, &bundle)
                .map(|facts| facts.times.len())
                .map_err(|why| (why.code(), why.detail().to_owned()))
        };
        let refused = |why: &str| {
            let authority = format!("https://timestamp.{ORGANIZATION}/api/v1/timestamp");
            Err((Code::TimestampInvalid, format!("{why} ({authority})")))
        };
        for hash in [Hash::Sha256, Hash::Sha384, Hash::Sha512] {
            assert_eq!(found(&|stamp| stamp.attributes_hash = hash), Ok(1));
            // The algorithm names the key alone, the hash is the attributes'.
            if let Some(algorithm) = &hash_apart {
                let apart = found(&|stamp| {
                    stamp.attributes_hash = hash;
                    stamp.algorithm = Some(algorithm.clone());
                });
                assert_eq!(apart, Ok(1));
            }
        }
        assert_eq!(
            found(&|stamp| stamp.algorithm.clone_from(&of_other_key)),
            refused("the timestamp's signature algorithm is not supported")
        );
        // By RSASSA-PSS no authority is believed, whatever its key.
        let pss = key::pss_algorithm(Hash::Sha256, Hash::Sha256, 32);
        assert_eq!(
            found(&|stamp| stamp.algorithm = Some(pss.clone())),
            refused("the timestamp's signature algorithm is not supported")
        );
        let other = Key::p256("nobody");
        assert_eq!(
            found(&|stamp| stamp.signing_key = Some(other.clone())),
            refused("the timestamp is no signature of the authority")
        );
    }
}

/// RFC 5816: by SHA-2. What names it by SHA-1 (`ESSCertID`) counts for nothing, alone or beside.
#[test]
fn a_timestamp_names_its_certificate_by_sha2() {
    assert_eq!(stamped(|stamp, _| stamp.named_by_sha1 = Some(vec![7; 20])).unwrap().times.len(), 1);
    let by_sha1 = stamped(|stamp, _| {
        stamp.names_by_sha2 = false;
        stamp.named_by_sha1 = Some(vec![7; 20]);
    });
    let refused = by_sha1.unwrap_err();
    let authority = format!("https://timestamp.{ORGANIZATION}/api/v1/timestamp");
    assert_eq!(refused.code(), Code::TimestampInvalid);
    assert_eq!(
        refused.detail(),
        format!(
            "the timestamp's signed attributes do not name the authority's certificate ({authority})"
        )
    );
}

/// The pinned certificate alone: neither another of the same chain nor a chain that came along.
#[test]
fn certificates_in_a_token_are_never_anchors() {
    let mut bench = Bench::new();
    let pinned = bench.sigstore.tsa.clone();
    let validity = (time("2025-01-01T00:00:00Z"), time("2035-01-01T00:00:00Z"));
    let usage = ca::extension("2.5.29.37", true, &der::sequence(&[der::oid(TIME_STAMPING)]));
    let seed = bench.sigstore.seed("tsa");
    let sibling = TimestampAuthority::with_key(
        &seed,
        ORGANIZATION,
        validity,
        usage,
        Key::p256("of the same root"),
    );
    let stranger = VirtualSigstore::new("elsewhere").tsa;
    let bundle = v2(&mut bench);
    let found = |authority: &TimestampAuthority, certificates: Vec<Vec<u8>>| {
        let mut stamp = Stamp::new(signature(&bundle), time(SIGNED));
        stamp.certificates = certificates;
        let mut bundle = bundle.clone();
        bundle.timestamps = vec![authority.respond(&stamp)];
        judge(&bench, &bundle).map(|facts| facts.times.len()).map_err(|why| why.code())
    };
    let with_chain = |authority: &TimestampAuthority| {
        found(authority, vec![authority.leaf.clone(), authority.root.clone()])
    };
    assert_eq!(with_chain(&pinned), Ok(1));
    assert_eq!(found(&pinned, vec![stranger.leaf.clone(), stranger.root.clone()]), Ok(1));
    assert_eq!(with_chain(&sibling), Err(Code::NoTrustedTime));
    assert_eq!(with_chain(&stranger), Err(Code::NoTrustedTime));
}

/// Both ends of the window in the trusted root, to the fraction.
#[test]
fn an_authority_is_trusted_in_its_window() {
    let mut bench = Bench::new();
    let mut bundle = v2(&mut bench);
    let at = UnixTime::from_parts(time(SIGNED).seconds(), 500_000_000).unwrap();
    let stamp = Stamp::new(signature(&bundle), at);
    bundle.timestamps = vec![bench.sigstore.tsa.respond(&stamp)];
    let found = |start: UnixTime, end: UnixTime| {
        let mut root = bench.sigstore.trusted_root();
        root["timestampAuthorities"][0]["validFor"] = json!({ "start": start, "end": end });
        judge_under(&bench, &bundle, &root).map_err(|why| why.code()).map(|facts| facts.times.len())
    };
    let part = |nanos| UnixTime::from_parts(at.seconds(), nanos).unwrap();
    let refused = Err(Code::TimestampInvalid);
    assert_eq!(found(at, at), Ok(1));
    assert_eq!(found(part(500_000_001), plus(at, 9)), refused);
    assert_eq!(found(plus(at, -9), part(499_999_999)), refused);
}

/// RFC 3161 section 2.3: critical, and for nothing but timestamps.
#[test]
fn a_timestamp_authority_is_for_timestamps_alone() {
    let usages: [(bool, &[&str], bool); 4] = [
        (true, &[TIME_STAMPING], true),
        (false, &[TIME_STAMPING], false),
        (true, &[TIME_STAMPING, "1.3.6.1.5.5.7.3.3"], false),
        (true, &["1.3.6.1.5.5.7.3.3"], false),
    ];
    for (critical, purposes, expected) in usages {
        let mut bench = Bench::new();
        let purposes: Vec<_> = purposes.iter().map(|purpose| der::oid(purpose)).collect();
        let usage = ca::extension("2.5.29.37", critical, &der::sequence(&purposes));
        let validity = (time("2025-01-01T00:00:00Z"), time("2034-01-01T00:00:00Z"));
        bench.sigstore.tsa = TimestampAuthority::with_usage("tsa", ORGANIZATION, validity, usage);
        let bundle = v2(&mut bench);
        let found = judge(&bench, &bundle).map_err(|why| why.code()).map(|facts| facts.times.len());
        assert_eq!(found, if expected { Ok(1) } else { Err(Code::TimestampInvalid) });
    }
}

// Certificates.

/// Paths are built in whole seconds; a timestamp half a second after the end is after the end.
#[test]
fn a_certificate_ends_to_the_fraction() {
    let end = plus(time(SIGNED), 600);
    for (nanos, expected) in [(0, Ok(1)), (500_000_000, Err(Code::CertificateOutsideValidity))] {
        let at = UnixTime::from_parts(end.seconds(), nanos).unwrap();
        let found = stamped(|stamp, _| stamp.time = at);
        assert_eq!(found.map_err(|why| why.code()).map(|facts| facts.times.len()), expected);
    }
}

/// What stands above the certificate: valid at the time, an authority, and one that may issue. Path
/// building takes the root's word for all of it, and asks nobody for `keyUsage`.
#[test]
fn whoever_issues_is_an_authority_at_the_time() {
    let (start, end) = (time("2025-01-01T00:00:00Z"), time("2034-01-01T00:00:00Z"));
    let found = |change: fn(&mut ca::Certificate, &mut ca::Certificate)| {
        let mut bench = Bench::new();
        bench.sigstore.fulcio =
            CertificateAuthority::changed("above", ORGANIZATION, (start, end), change);
        let bundle = message(&mut bench);
        judge(&bench, &bundle).map_err(|why| why.code()).map(|facts| facts.times.len())
    };
    assert_eq!(found(|_, _| {}), Ok(1));
    let expired = Err(Code::CertificateOutsideValidity);
    assert_eq!(found(|root, _| root.validity.1 = plus(time(SIGNED), -1)), expired);
    assert_eq!(found(|_, issuer| issuer.validity.1 = plus(time(SIGNED), -1)), expired);
    let no_authority = Err(Code::CertificateUntrusted);
    assert_eq!(found(|_, issuer| issuer.extensions[0] = ca::key_usage(&[0])), no_authority);
    assert_eq!(found(|root, _| root.extensions[0] = ca::key_usage(&[0])), no_authority);
    assert_eq!(
        found(|root, _| root.extensions[1] = ca::basic_constraints(false, None)),
        no_authority
    );
}

/// A private PKI's certificate: no Fulcio extension, no promise, judged by the clock without a log.
#[test]
fn a_private_pki_is_judged_by_the_clock() {
    let mut bench = Bench::new();
    let payload = bench.payload();
    let signer = bench.at().certify_privately("builder", "builder@private.example");
    let signature = bench.at().sign(&signer, &payload, Log::None);
    let layer = signature.layer();
    let subject = Artifact { digest: bench.image.digest().into(), bytes: None };
    let testimony = Testimony::Signature { payload: &payload, annotations: &layer.annotations };
    let pem = |der: &[u8]| der::pem("CERTIFICATE", der);
    let private = &bench.sigstore.private;
    let limits = Limits::default();
    let found = |roots: &[u8], above: Option<&[u8]>, now: UnixTime| {
        let above = above.map(pem);
        let pki = PrivatePki::from_pem(&pem(roots), above.as_deref(), &limits).unwrap();
        let trust = Trust { pki: Some(pki), ..Trust::default() };
        let verified = Verifier::new(trust, now, limits).verify(&subject, testimony);
        verified.map(|verified| verified.facts().clone()).map_err(|why| why.code())
    };
    let now = time(NOW);
    let facts = found(&private.root, Some(&private.intermediate), now).unwrap();
    assert_eq!(facts.times, [TrustedTime { at: now, source: TimeSource::Clock }]);
    let identity = Identity {
        names: vec![SubjectAlternativeName::Email("builder@private.example".to_owned())],
        ..Identity::default()
    };
    let authority = verify::CertificateAuthority::PrivatePki;
    assert_eq!(facts.signer, verify::Signer::Certificate { authority, identity });
    // The chain that came with the signature is none of ours.
    assert_eq!(found(&private.root, None, now), Err(Code::CertificateUntrusted));
    let other = &bench.sigstore.fulcio;
    let untrusted = Err(Code::CertificateUntrusted);
    assert_eq!(found(&other.root, Some(&other.intermediate), now), untrusted);
    let expired = found(&private.root, Some(&private.intermediate), plus(now, 3 * 365 * 86400));
    assert_eq!(expired, Err(Code::CertificateOutsideValidity));
}

/// A certificate that a policy pins: its holder alone, whether the certificate stands beside the
/// signature or not, and only while it is valid.
#[test]
fn a_pinned_certificate_is_the_only_signer() {
    let mut bench = Bench::new();
    let payload = bench.payload();
    let signer = bench.at().certify_privately("builder", "builder@private.example");
    let other = bench.at().certify_privately("other", "other@private.example");
    let pem = |der: &[u8]| der::pem("CERTIFICATE", der);
    let (limits, now) = (Limits::default(), time(NOW));
    let pin = |signer: &Signer, chain: &[&[u8]], now| {
        let chain: Vec<_> = chain.iter().map(|der| pem(der)).collect();
        PinnedCertificate::new(&pem(signer.certificate.as_deref().unwrap()), &chain, now, &limits)
    };
    let private = bench.sigstore.private.clone();
    let chain = [private.intermediate.as_slice(), private.root.as_slice()];
    let pinned = pin(&signer, &chain, now).unwrap();
    let root = bench.sigstore.trusted_root().to_string();
    let root = TrustRoot::parse(root.as_bytes(), &limits).unwrap();
    let subject = Artifact { digest: bench.image.digest().into(), bytes: None };
    let judge = |signature: &LegacySignature, root: Option<&TrustRoot>| {
        let layer = signature.layer();
        let testimony = Testimony::Signature { payload: &payload, annotations: &layer.annotations };
        let trust = Trust { root: root.cloned(), pinned: Some(pinned.clone()), ..Trust::default() };
        let verified = Verifier::new(trust, now, limits).verify(&subject, testimony);
        verified.map(|verified| verified.facts().clone()).map_err(|why| why.code())
    };
    let plain = bench.at().sign(&signer, &payload, Log::None);
    let bare = LegacySignature { certificate: None, chain: Vec::new(), ..plain.clone() };
    for signature in [&plain, &bare] {
        let facts = judge(signature, None).unwrap();
        let id = pinned.certificate().key().id();
        assert_eq!((facts.signer, facts.log_entries.len()), (verify::Signer::Key { id }, 0));
    }
    let logged = bench.at().sign(&signer, &payload, Log::Promise);
    let facts = judge(&logged, Some(&root)).unwrap();
    assert_eq!((facts.log_entries.len(), facts.times.len()), (1, 1));
    assert_eq!(judge(&logged, None), Err(Code::UnknownLog));
    let foreign = bench.at().sign(&other, &payload, Log::None);
    assert_eq!(judge(&foreign, None), Err(Code::CertificateUntrusted));
    let disguised = LegacySignature { certificate: None, chain: Vec::new(), ..foreign };
    assert_eq!(judge(&disguised, None), Err(Code::SignatureInvalid));

    let fulcio = bench.sigstore.fulcio.clone();
    let invalid = |found: Result<PinnedCertificate, InvalidPin>| found.map(|_| ()).unwrap_err();
    assert!(matches!(invalid(pin(&signer, &[&fulcio.root], now)), InvalidPin::Chain(_)));
    assert!(matches!(invalid(pin(&signer, &[&private.root], now)), InvalidPin::Chain(_)));
    let later = plus(now, 3 * 365 * 86400);
    assert!(matches!(invalid(pin(&signer, &chain, later)), InvalidPin::Validity { .. }));
    assert!(matches!(invalid(pin(&signer, &[], later)), InvalidPin::Validity { .. }));
    let authority = Signer { certificate: Some(private.root.clone()), ..signer };
    let usage = InvalidPin::Usage { wanted: "keyUsage is not digitalSignature" };
    assert_eq!(invalid(pin(&authority, &[], now)), usage);
}

/// Whenever a log or an authority says that it signed, a pinned certificate was valid, promised or
/// only claimed; where nobody says when, that it was valid when it was pinned is enough.
#[test]
fn a_pinned_certificate_signed_inside_its_validity() {
    let mut bench = Bench::new();
    let payload = bench.payload();
    let signer = bench.at().certify_privately("builder", "builder@private.example");
    let limits = Limits::default();
    let pem = der::pem("CERTIFICATE", signer.certificate.as_deref().unwrap());
    let pinned = PinnedCertificate::new(&pem, &[], time(NOW), &limits).unwrap();
    let root = bench.sigstore.trusted_root().to_string();
    let root = TrustRoot::parse(root.as_bytes(), &limits).unwrap();
    let subject = Artifact { digest: bench.image.digest().into(), bytes: None };
    let plain = bench.at().sign(&signer, &payload, Log::None);
    let tsa = bench.sigstore.tsa.clone();
    let judge = |testimony: Testimony<'_>| {
        let pinned = Some(pinned.clone());
        let trust = Trust { root: Some(root.clone()), pinned, ..Trust::default() };
        let verifier = Verifier::new(trust, time("2030-01-01T00:00:00Z"), limits);
        let verified = verifier.verify(&subject, testimony);
        verified
            .map(|verified| verified.facts().times.len())
            .map_err(|why| (why.code(), why.detail().to_owned()))
    };
    let judge_layer = |signature: &LegacySignature| {
        let annotations = &signature.layer().annotations;
        judge(Testimony::Signature { payload: &payload, annotations })
    };
    assert_eq!(judge_layer(&plain), Ok(0));
    let outside = |at: UnixTime| {
        let detail = format!(
            "the pinned certificate is valid 2026-03-01T12:00:00Z to 2027-03-01T12:00:00Z, not at {at}"
        );
        Err((Code::CertificateOutsideValidity, detail))
    };
    let (start, end) = (time(SIGNED), time("2027-03-01T12:00:00Z"));
    let message = bench.image.manifest.clone();
    for (at, inside) in
        [(plus(start, -1), false), (start, true), (end, true), (plus(end, 1), false)]
    {
        let expected = |times| if inside { Ok(times) } else { outside(at) };
        let mut moment = bench.sigstore.at(&at.to_string());
        let logged = moment.sign(&signer, &payload, Log::Promise);
        assert_eq!(judge_layer(&logged), expected(1), "logged at {at}");
        let timestamp = Some(tsa.stamp(&plain.signature, at));
        let stamped = LegacySignature { timestamp, ..plain.clone() };
        assert_eq!(judge_layer(&stamped), expected(1), "stamped at {at}");
        let mut claimed = moment.bundle_message(&signer, &message);
        claimed.entries.first_mut().unwrap().promise.clear();
        let bytes = compact(&claimed.json());
        assert_eq!(judge(Testimony::Bundle(&bytes)), expected(0), "claimed for {at}");
    }
    // One of two times is not enough, nor is the second without its fraction.
    let logged = bench.at().sign(&signer, &payload, Log::Promise);
    let late = UnixTime::from_parts(end.seconds(), 500_000_000).unwrap();
    for (at, expected) in [(end, Ok(2)), (late, outside(late))] {
        let timestamp = Some(tsa.respond(&Stamp::new(&logged.signature, at)));
        assert_eq!(judge_layer(&LegacySignature { timestamp, ..logged.clone() }), expected);
    }
}

#[test]
fn a_certificate_names_its_authority() {
    let mut bench = Bench::new();
    let bundle = message(&mut bench);
    let facts = judge(&bench, &bundle).unwrap();
    let verify::Signer::Certificate { authority, .. } = facts.signer else { unreachable!() };
    let uri = format!("https://fulcio.{ORGANIZATION}");
    assert_eq!(authority, verify::CertificateAuthority::TrustedRoot(uri));
}

/// An `otherName` of a kind that is not Fulcio's names nobody that a policy can name.
#[test]
fn a_name_of_an_unknown_kind_is_refused() {
    let found = |kind: &str| {
        let mut bench = Bench::new();
        let name = [der::oid(kind), der::explicit(0, &der::utf8("deployer"))].concat();
        let names = der::sequence(&[der::explicit(0, &name)]);
        let signer = bench.at().certify_with(&Bench::person(), |template, _| {
            template.names.clear();
            template.more.push(ca::extension("2.5.29.17", true, &names));
        });
        let message = bench.image.manifest.clone();
        let bundle = bench.at().bundle_message(&signer, &message);
        judge(&bench, &bundle).map_err(|why| why.code()).map(|facts| facts.times.len())
    };
    assert_eq!(found("1.3.6.1.4.1.57264.1.7"), Ok(1));
    assert_eq!(found("1.3.6.1.4.1.57264.1.9"), Err(Code::MalformedCertificate));
}

/// Names of every kind, as facts. Fulcio certifies one and no host's, a private PKI any number.
#[test]
fn names_of_every_kind() {
    use SubjectAlternativeName as Name;
    let text = |text: &str| text.to_owned();
    let cases = [
        (San::Email(text("a@example.com")), Name::Email(text("a@example.com"))),
        (San::Uri(text("https://example.com/x")), Name::Uri(text("https://example.com/x"))),
        (San::Dns(text("example.com")), Name::Dns(text("example.com"))),
        (San::Username(text("a")), Name::Other(text("a"))),
    ];
    for (san, name) in &cases {
        let mut bench = Bench::new();
        let signer = bench.at().certify_with(&Bench::person(), |template, _| {
            template.names = vec![san.clone()];
        });
        let message = bench.image.manifest.clone();
        let bundle = bench.at().bundle_message(&signer, &message);
        let found = judge(&bench, &bundle).map_err(|why| why.code()).map(identity);
        let expected = match name {
            Name::Dns(_) => Err(Code::CertificateSan),
            name => Ok(vec![name.clone()]),
        };
        assert_eq!(found.map(|identity| identity.names), expected);
    }
    let mut bench = Bench::new();
    let mut template =
        Template::private("builder", "a@example.com", &bench.key(KeyKind::P256), time(SIGNED));
    template.names = cases.iter().map(|(san, _)| san.clone()).collect();
    let certificate = bench.sigstore.private.issue(&template);
    let certificate = Certificate::from_der(&certificate, &Limits::default()).unwrap();
    let names = cases.map(|(_, name)| name).to_vec();
    assert_eq!(Identity::of(&certificate), Ok(Identity { names, ..Identity::default() }));
    // An address and a directory's name are no names that a policy can name.
    for odd in [der::implicit(7, &[127, 0, 0, 1]), der::explicit(4, &der::name("a", "b"))] {
        let signer = bench.at().certify_with(&Bench::person(), |template, _| {
            template.names.clear();
            template.more.push(ca::extension("2.5.29.17", true, &der::sequence(&[odd])));
        });
        let message = bench.image.manifest.clone();
        let bundle = bench.at().bundle_message(&signer, &message);
        assert_eq!(code(judge(&bench, &bundle)), Code::MalformedCertificate);
    }
}

fn identity(facts: Facts) -> Identity {
    match facts.signer {
        verify::Signer::Certificate { identity, .. } => identity,
        verify::Signer::Key { .. } => unreachable!("a certificate was asked for"),
    }
}

/// Fulcio's extensions 1 to 22: each is a fact, and each that is malformed refuses the certificate.
/// 7 is no extension but the kind of a name.
#[test]
fn every_extension_of_fulcio() {
    let found = |number: u8, value: &[u8]| {
        let mut bench = Bench::new();
        let signer = bench.at().certify_with(&Bench::person(), |template, _| {
            (template.issuer, template.issuer_v2, template.workflow) = (None, None, None);
            template.more.push(ca::fulcio(number, value));
        });
        let message = bench.image.manifest.clone();
        let bundle = bench.at().bundle_message(&signer, &message);
        judge(&bench, &bundle).map(identity).map_err(|why| (why.code(), why.detail().to_owned()))
    };
    let names = vec![SubjectAlternativeName::Email(Bench::person().subject().to_owned())];
    for number in 1..=22 {
        let text = format!("value of {number}");
        let (right, wrong) = match number {
            1..=6 => (text.clone().into_bytes(), vec![0xff]),
            _ => (der::utf8(&text), text.clone().into_bytes()),
        };
        let mut expected = Identity { names: names.clone(), ..Identity::default() };
        match number {
            1 | 8 => expected.issuer = text,
            7 => {}
            _ => expected.extensions = BTreeMap::from([(u32::from(number), text)]),
        }
        assert_eq!(found(number, &right), Ok(expected.clone()), "{number}");
        let malformed = match number {
            7 => Ok(expected),
            _ => Err((
                Code::MalformedCertificate,
                format!("the extension 1.3.6.1.4.1.57264.1.{number} is malformed"),
            )),
        };
        assert_eq!(found(number, &wrong), malformed, "{number}");
        // A byte after the text, and a text of another type.
        if number >= 8 {
            for odd in [[&right[..], &[0]].concat(), der::value(0x13, b"printable")] {
                assert_eq!(found(number, &odd), malformed, "{number}");
            }
        }
    }
}

/// Every promise of a known log must hold; those of two logs are two.
#[test]
fn promises_of_several_logs() {
    let found = |change: fn(&mut Vec<Sct>, &VirtualSigstore)| {
        let mut bench = Bench::new();
        let signer = bench.at().certify_with(&Bench::person(), |template, sigstore| {
            change(&mut template.scts, sigstore);
        });
        let message = bench.image.manifest.clone();
        let bundle = bench.at().bundle_message(&signer, &message);
        let mut root = bench.sigstore.trusted_root();
        for log in root["ctlogs"].as_array_mut().unwrap() {
            log["publicKey"]["validFor"] = json!({ "start": SIGNED, "end": SIGNED });
        }
        let facts = judge_under(&bench, &bundle, &root);
        facts.map_err(|why| why.code()).map(|facts| facts.sct_logs)
    };
    let of_2026 = "https://ctfe.virtual.sealift.example/2026".to_owned();
    let of_2025 = "https://ctfe.virtual.sealift.example/2025".to_owned();
    assert_eq!(found(|_, _| {}), Ok(vec![of_2026.clone()]));
    assert_eq!(found(|scts, _| scts.extend(scts.clone())), Ok(vec![of_2026.clone()]));
    let both = found(|scts, sigstore| {
        let log = sigstore.retired_ct_log.clone();
        scts.push(Sct { log, time: time(SIGNED), over: Over::ThisCertificate });
    });
    assert_eq!(both, Ok(vec![of_2026, of_2025]));
    let one_wrong = found(|scts, sigstore| {
        let log = sigstore.retired_ct_log.clone();
        scts.push(Sct { log, time: time(SIGNED), over: Over::OtherCertificate });
    });
    assert_eq!(one_wrong, Err(Code::SctInvalid));
    let one_late = found(|scts, sigstore| {
        let log = sigstore.retired_ct_log.clone();
        scts.push(Sct { log, time: plus(time(SIGNED), 1), over: Over::ThisCertificate });
    });
    assert_eq!(one_late, Err(Code::SctInvalid));
    let one_early = found(|scts, _| scts.first_mut().unwrap().time = plus(time(SIGNED), -1));
    assert_eq!(one_early, Err(Code::SctInvalid));
}

/// RFC 6962 section 2.1.4: P-256, or RSA by RSASSA-PKCS1-v1_5.
#[test]
fn a_certificate_transparency_log_of_rsa() {
    let mut bench = Bench::new();
    bench.sigstore.ct_log.key = bench.key(KeyKind::Rsa2048);
    let bundle = message(&mut bench);
    assert_eq!(judge(&bench, &bundle).unwrap().sct_logs.len(), 1);
    // Of another key it is a promise of another log, which counts for nothing.
    bench.sigstore.ct_log.key = bench.key(KeyKind::P256);
    assert_eq!(judge(&bench, &bundle).unwrap().sct_logs.len(), 0);
}

/// A certificate transparency log tells milliseconds.
#[test]
fn a_promise_of_a_certificate_is_timed_to_the_millisecond() {
    let at = |nanos| UnixTime::from_parts(time(SIGNED).seconds(), nanos).unwrap();
    let found = |promised: UnixTime, start: UnixTime, end: UnixTime| {
        let mut bench = Bench::new();
        let signer = bench.at().certify_with(&Bench::person(), |template, _| {
            template.scts.first_mut().unwrap().time = promised;
        });
        let message = bench.image.manifest.clone();
        let bundle = bench.at().bundle_message(&signer, &message);
        let mut root = bench.sigstore.trusted_root();
        let log = root["ctlogs"].as_array_mut().unwrap().last_mut().unwrap();
        log["publicKey"]["validFor"] = json!({ "start": start, "end": end });
        let facts = judge_under(&bench, &bundle, &root);
        facts.map_err(|why| why.code()).map(|facts| facts.sct_logs.len())
    };
    let (whole, half) = (at(0), at(500_000_000));
    assert_eq!(found(half, half, half), Ok(1));
    assert_eq!(found(half, whole, whole), Err(Code::SctInvalid));
    assert_eq!(found(whole, half, half), Err(Code::SctInvalid));
}

#[test]
fn the_size_of_a_certificate_is_limited() {
    let mut bench = Bench::new();
    let certificate = bench.signer().certificate.unwrap();
    let limit = certificate.len();
    let exact = Limits { certificate_bytes: limit, ..Limits::default() };
    assert!(Certificate::from_der(&certificate, &exact).is_ok());
    let less = Limits { certificate_bytes: limit - 1, ..Limits::default() };
    let refused = Certificate::from_der(&certificate, &less).unwrap_err();
    assert_eq!(refused, MalformedCertificate::TooLarge { limit: limit - 1 });
}

// Log entries.

/// Rekor v1 has kinds of its own for envelopes: `hashedrekord` 0.0.1 over the encoding is none.
#[test]
fn an_envelope_is_logged_as_one() {
    let mut bench = Bench::new();
    let signer = bench.signer();
    let content = bench.sign_content(&signer);
    let Content::Envelope(envelope) = &content else { unreachable!() };
    let signed = envelope.signatures.first().unwrap();
    let body = rekor::hashedrekord(&envelope.signed_bytes(), signed, &signer.verifier());
    let at = bench.at();
    let entry = at.sigstore.rekor.log(&body, at.time);
    let bundle = Bundle {
        version: Version::V03,
        material: Material::of(&signer),
        entries: vec![entry],
        timestamps: Vec::new(),
        content,
    };
    assert_eq!(code(judge(&bench, &bundle)), Code::EntryKindUnsupported);
}

#[test]
fn a_rekor_v2_log_takes_every_hash() {
    for kind in [KeyKind::P256, KeyKind::P384, KeyKind::P521, KeyKind::Ed25519] {
        let mut bench = Bench::new();
        let signer = Signer::key(bench.key(kind));
        let content = bench.sign_content(&signer);
        let bundle = bench.at().bundle_v2(&signer, content);
        assert_eq!(judge(&bench, &bundle).unwrap().log_entries.len(), 1, "{}", kind.name());
    }
}

/// What was logged in 2021 names a certificate or a plain key, in the one format that is Sigstore's.
#[test]
fn an_entry_of_2021_names_a_plain_key_too() {
    let mut bench = Bench::new();
    let (signer, payload) = (Signer::key(bench.key(KeyKind::P256)), bench.payload());
    let plain = bench.at().sign(&signer, &payload, Log::None);
    let mut found = |signature: &[u8], verifier: &str, format: &str| {
        let mut body = rekor::rekord(&payload, signature, verifier);
        body["spec"]["signature"]["format"] = json!(format);
        let entry = Some(bench.sigstore.rekor.log(&body, time(SIGNED)));
        let facts = judge_legacy(&bench, &LegacySignature { entry, ..plain.clone() }, NOW);
        facts.map(|facts| facts.times.len()).map_err(|why| (why.code(), why.detail().to_owned()))
    };
    let key = signer.verifier();
    assert_eq!(found(&plain.signature, &key, "x509"), Ok(1));
    let malformed = "the entry's body has no well-formed `signature.format`".to_owned();
    for format in ["tuf", ""] {
        let refused = Err((Code::MalformedLogEntry, malformed.clone()));
        assert_eq!(found(&plain.signature, &key, format), refused, "{format}");
    }
    for format in ["pgp", "minisign", "ssh"] {
        let why = format!("entries of kind `rekord ({format})` version `0.0.1` are not supported");
        let refused = Err((Code::EntryKindUnsupported, why));
        assert_eq!(found(&plain.signature, &key, format), refused, "{format}");
    }
    let not_bound = |how: &str| Err((Code::EntryNotBound, format!("the log entry {how}")));
    let other_key = not_bound("was made by another key or certificate than the signature");
    let other = Signer::key(Key::p256("somebody else")).verifier();
    assert_eq!(found(&plain.signature, &other, "x509"), other_key);
    let again = Signer::key(Key::p256("somebody else")).key.sign(&payload);
    assert_eq!(found(&again, &key, "x509"), not_bound("is of another signature"));
}

/// The origin of Rekor v1 is its name, a hyphen and the number of its tree.
#[test]
fn a_checkpoint_has_the_origin_of_its_log() {
    let mut bench = Bench::new();
    let bundle = message(&mut bench);
    let log = bench.sigstore.rekor.clone();
    let found = |origin: &str, name: &str| {
        let mut bundle = bundle.clone();
        let proof: &mut Proof = bundle.entries.first_mut().unwrap().proof.as_mut().unwrap();
        let text = note::checkpoint(origin, proof.tree_size, &proof.root);
        let line = note::line(&text, name, &log.key.id(), &log.key);
        proof.checkpoint = Some(note::signed(&text, &[line]));
        judge(&bench, &bundle).map_err(|why| why.code()).map(|facts| facts.log_entries.len())
    };
    assert_eq!(found(&log.origin(), &log.host), Ok(1));
    let refused = Err(Code::CheckpointInvalid);
    assert_eq!(found(&log.host, &log.host), refused);
    assert_eq!(found(&format!("{} - ", log.host), &log.host), refused);
    assert_eq!(found(&format!("{} - 07", log.host), &log.host), refused);
    assert_eq!(found(&format!("{} - tree", log.host), &log.host), refused);
    for name in ["", "a b", "a+b", "a\u{a0}b"] {
        assert_eq!(found(&format!("{name} - 7"), name), refused, "{name:?}");
    }
}

/// Logs of both generations and every kind of key, by every hash that such a key signs by; a note
/// names the key as its generation does.
#[test]
fn logs_of_every_key() {
    use Hash::{Sha256, Sha384, Sha512};
    let cases: [(KeyKind, &[Hash], &[Hash]); 5] = [
        (KeyKind::P256, &[Sha256], &[Sha384, Sha512]),
        (KeyKind::P384, &[Sha384, Sha256], &[Sha512]),
        (KeyKind::P521, &[Sha512, Sha256], &[Sha384]),
        (KeyKind::Rsa2048, &[Sha256], &[Sha384, Sha512]),
        (KeyKind::Ed25519, &[Sha256], &[]),
    ];
    for (kind, right, wrong) in cases {
        // A root names no two logs by one id, so each log is of a bench of its own.
        let (mut older, mut newer) = (Bench::new(), Bench::new());
        let key = older.key(kind);
        older.sigstore.rekor.key = key.clone();
        newer.sigstore.rekor_v2.key = key.clone();
        let (of_v1, of_v2) = (message(&mut older), v2(&mut newer));
        let found = |bench: &Bench, bundle: &Bundle| {
            let facts = judge(bench, bundle).map_err(|why| why.code());
            facts.map(|facts| facts.log_entries.len())
        };
        let promised = |hash| {
            let mut bundle = of_v1.clone();
            let entry = bundle.entries.first_mut().unwrap();
            entry.promise = key.sign_with(hash, &rekor::canonical(&entry.promised()));
            found(&older, &bundle)
        };
        let noted = |mut bundle: Bundle, origin: &str, name: &str, id: &[u8; 32], hash| {
            let proof = bundle.entries.first_mut().unwrap().proof.as_mut().unwrap();
            let text = note::checkpoint(origin, proof.tree_size, &proof.root);
            let hint = id.first_chunk::<4>().unwrap();
            let line = [&hint[..], &key.sign_with(hash, text.as_bytes())].concat();
            let line = format!("\u{2014} {name} {}\n", base64(&line));
            proof.checkpoint = Some(note::signed(&text, &[line]));
            bundle
        };
        let (v1, v2) = (&older.sigstore.rekor, &newer.sigstore.rekor_v2);
        let noted_v1 = |id: &[u8; 32], hash| {
            found(&older, &noted(of_v1.clone(), &v1.origin(), &v1.host, id, hash))
        };
        let noted_v2 = |id: &[u8; 32], hash| {
            found(&newer, &noted(of_v2.clone(), &v2.host, &v2.host, id, hash))
        };
        let of = |is_right, code| if is_right { Ok(1) } else { Err(code) };
        for (hash, is_right) in
            right.iter().map(|hash| (*hash, true)).chain(wrong.iter().map(|hash| (*hash, false)))
        {
            assert_eq!(promised(hash), of(is_right, Code::SetInvalid), "{}", kind.name());
            let expected = of(is_right, Code::CheckpointInvalid);
            assert_eq!(noted_v1(&key.id(), hash), expected, "{}", kind.name());
            assert_eq!(noted_v2(&v2.id(), hash), expected, "{}", kind.name());
        }
        let same = key.id() == v2.id();
        assert_eq!(same, !matches!(kind, KeyKind::Rsa2048 | KeyKind::Ed25519), "{}", kind.name());
        let expected = of(same, Code::CheckpointInvalid);
        let named_v1 = note::key_id(&v1.host, &key);
        assert_eq!(noted_v1(&named_v1, Sha256), expected, "{}", kind.name());
        assert_eq!(noted_v2(&key.id(), Sha256), expected, "{}", kind.name());
    }
}

/// A Rekor v2 log of one's own may be at a port, which is no part of its name.
#[test]
fn a_log_at_a_port() {
    let mut bench = Bench::new();
    let bundle = v2(&mut bench);
    let host = bench.sigstore.rekor_v2.host.clone();
    let mut by_key = bundle.clone();
    by_key.entries.first_mut().unwrap().log_id = bench.sigstore.rekor_v2.key.id();
    let found = |bundle: &Bundle, url: &str, id: Option<[u8; 32]>| {
        let mut root = bench.sigstore.trusted_root();
        let logs = root["tlogs"].as_array_mut().unwrap();
        let named = json!(format!("https://{host}"));
        let log = logs.iter_mut().find(|log| log["baseUrl"] == named).unwrap();
        log["baseUrl"] = json!(url);
        if let Some(id) = id {
            log["logId"]["keyId"] = json!(base64(&id));
        }
        let facts = judge_under(&bench, bundle, &root).map_err(|why| why.code());
        facts.map(|facts| facts.log_entries.len())
    };
    assert_eq!(found(&bundle, &format!("http://{host}:3003/"), None), Ok(1));
    let id = Some(bench.sigstore.rekor_v2.key.id());
    assert_eq!(found(&by_key, &format!("http://{host}:3003/"), id), Ok(1));
    let other = Err(Code::CheckpointInvalid);
    assert_eq!(found(&by_key, &format!("http://other.{host}:3003/"), id), other);
    assert_eq!(found(&by_key, &format!("http://other.example/{host}"), id), other);
    assert_eq!(found(&by_key, "", id), other);
}

#[test]
fn a_log_has_the_id_of_its_key() {
    let bench = Bench::new();
    let limits = Limits::default();
    let current = trusted_root::ValidFor { start: time("2025-01-01T00:00:00Z"), end: None };
    let parse = |log: Value| {
        let mut root = trusted_root::empty();
        root["tlogs"] = json!([log]);
        let root = TrustRoot::parse(root.to_string().as_bytes(), &limits);
        root.map(|root| root.logs().len()).map_err(|why| why.to_string())
    };
    let refused = Err("tlogs[0]: the log id contradicts the key".to_owned());
    let v1 = trusted_root::rekor(&bench.sigstore.rekor, current);
    let v2 = trusted_root::rekor_v2(&bench.sigstore.rekor_v2, current);
    for log in [v1, v2] {
        assert_eq!(parse(log.clone()), Ok(1));
        let mut other = log.clone();
        other["logId"]["keyId"] = json!(base64(&[7; 32]));
        assert_eq!(parse(other), refused);
        // By the key's own hash a log of any generation may be named.
        let mut by_key = log;
        let spki = by_key["publicKey"]["rawBytes"].as_str().unwrap().to_owned();
        let spki = STANDARD.decode(spki).unwrap();
        by_key["logId"]["keyId"] = json!(base64(Digest::sha256(&spki).bytes()));
        assert_eq!(parse(by_key), Ok(1));
    }
}

// The artifact, by its digest alone.

#[test]
fn a_digest_stands_for_its_artifact() {
    let mut bench = Bench::new();
    let bundle = message(&mut bench);
    assert_eq!(judge(&bench, &bundle).unwrap().log_entries.len(), 1);
    let root = bench.sigstore.trusted_root();
    let bytes = compact(&bundle.json());
    let judge_digest = |digest: Digest| {
        let subject = Artifact { digest: digest.into(), bytes: None };
        verifier(&bench, &root, NOW).verify(&subject, Testimony::Bundle(&bytes))
    };
    let not_bound = |digest: Digest| {
        let refused = judge_digest(digest).unwrap_err();
        assert_eq!(refused.code(), Code::EntryNotBound);
        refused.detail().to_owned()
    };
    // The hint is looked at last, after the entry's hash.
    assert_eq!(not_bound(bench.other.digest()), "the log entry is of another payload");
    let sha512 = Digest::of(Algorithm::Sha512, &bench.image.manifest);
    assert_eq!(
        not_bound(sha512),
        "the log entry names the artifact by another hash function than the digest at hand"
    );
}

#[test]
fn a_hint_agrees_with_the_digest() {
    let bench = Bench::new();
    let signer = Signer::key(bench.key(KeyKind::P256));
    let content = bench.message_content(&signer);
    let Content::Message { signature, .. } = content else { unreachable!() };
    let manifest = bench.image.manifest.clone();
    let found = |subject: Digest, algorithm: &'static str, hash: Hash, hinted: &[u8]| {
        let signature = signature.clone();
        let content = Content::Message { algorithm, digest: hash.of(hinted), signature };
        let bundle = Bundle {
            version: Version::V03,
            material: Material::of(&signer),
            entries: Vec::new(),
            timestamps: Vec::new(),
            content,
        };
        let subject = Artifact { digest: subject.into(), bytes: None };
        let bytes = compact(&bundle.json());
        let root = bench.sigstore.trusted_root();
        let verified = verifier(&bench, &root, NOW).verify(&subject, Testimony::Bundle(&bytes));
        verified.map(|_| ()).map_err(|why| why.code())
    };
    let sha256 = bench.image.digest();
    let sha512 = Digest::of(Algorithm::Sha512, &manifest);
    let mismatch = Err(Code::DigestHintMismatch);
    assert_eq!(found(sha256, "SHA2_256", Hash::Sha256, &manifest), Ok(()));
    assert_eq!(found(sha256, "SHA2_256", Hash::Sha256, b"other"), mismatch);
    assert_eq!(found(sha512, "SHA2_512", Hash::Sha512, b"other"), mismatch);
    // By another function there is nothing to compare, and the signature decides.
    assert_eq!(found(sha256, "SHA2_512", Hash::Sha512, b"other"), Ok(()));
    assert_eq!(found(sha256, "SHA2_384", Hash::Sha384, b"other"), Ok(()));
    assert_eq!(found(sha256, "SHA1", Hash::Sha256, b"other"), Err(Code::MalformedBundle));
    // P-256 signs SHA-256, which a SHA-512 digest cannot stand for.
    let right = found(sha512, "SHA2_512", Hash::Sha512, &manifest);
    assert_eq!(right, Err(Code::SignatureInvalid));
}

// What it rests on is told.

/// Each part of the trust once, whatever it proved twice.
#[test]
fn facts_name_what_they_rest_on() {
    let mut bench = Bench::new();
    let signer = bench.at().certify_with(&Bench::person(), |template, _| {
        template.scts.extend(template.scts.clone());
    });
    let content = bench.sign_content(&signer);
    let mut bundle = bench.at().bundle_v2(&signer, content);
    bundle.timestamps.push(bench.sigstore.tsa.stamp(signature(&bundle), plus(time(SIGNED), 1)));
    let facts = judge(&bench, &bundle).unwrap();
    assert_eq!((facts.form, facts.form.name(), facts.times.len()), (Form::Bundle, "bundle", 2));
    let sigstore = &bench.sigstore;
    let anchor = |role, name: &str, named: &[u8]| Anchor {
        role,
        name: format!("https://{name}"),
        id: Digest::sha256(named),
    };
    let expected = [
        anchor(
            Role::CertificateAuthority,
            &format!("fulcio.{ORGANIZATION}"),
            &sigstore.fulcio.intermediate,
        ),
        anchor(Role::CtLog, &format!("ctfe.{ORGANIZATION}/2026"), &sigstore.ct_log.key.spki()),
        anchor(Role::Log, &sigstore.rekor_v2.host, &sigstore.rekor_v2.key.spki()),
        anchor(
            Role::TimestampAuthority,
            &format!("timestamp.{ORGANIZATION}/api/v1/timestamp"),
            &sigstore.tsa.leaf,
        ),
    ];
    assert_eq!(facts.anchors, expected);
    let pem = der::pem("CERTIFICATE", signer.certificate.as_deref().unwrap());
    assert_eq!(facts.id, Digest::sha256(&[signature(&bundle), pem.as_bytes()].concat()));

    let payload = bench.payload();
    let signer = Signer::key(bench.key(KeyKind::P256));
    let signature = bench.at().sign(&signer, &payload, Log::None);
    let facts = judge_legacy(&bench, &signature, NOW).unwrap();
    assert_eq!((facts.form, facts.form.name()), (Form::Legacy, "legacy"));
    let id = Digest::sha256(&signer.key.spki());
    assert_eq!(facts.anchors, [Anchor { role: Role::Key, name: String::new(), id }]);
    assert_eq!(facts.id, Digest::sha256(&signature.signature));
}

/// Facts under one trust say nothing under another, so they say whose they are.
#[test]
fn facts_are_of_the_trust_that_proved_them() {
    let mut bench = Bench::new();
    let bundle = compact(&message(&mut bench).json());
    let root = bench.sigstore.trusted_root();
    let subject = Artifact { digest: bench.image.digest().into(), bytes: None };
    let given = TrustId::default();
    let own = TrustId::of_policy("mine/root");
    for (id, is_given, name) in [(&given, true, ""), (&own, false, "mine/root")] {
        let trust = Trust { id: id.clone(), ..verifier(&bench, &root, NOW).trust().clone() };
        let verifier = Verifier::new(trust, time(NOW), Limits::default());
        let verified = verifier.verify(&subject, Testimony::Bundle(&bundle)).unwrap();
        let of = &verified.facts().trust;
        assert_eq!((of, of.is_given(), of.name()), (id, is_given, name));
        assert_eq!((&verifier.trust().id, verifier.now()), (id, time(NOW)));
    }
}

/// What a root trusts, issuer of leaves first; certificates are the same by every byte.
#[test]
fn an_authority_shows_its_certificates() {
    let bench = Bench::new();
    let limits = Limits::default();
    let root = bench.sigstore.trusted_root().to_string();
    let root = TrustRoot::parse(root.as_bytes(), &limits).unwrap();
    let current = root.authorities().last().unwrap();
    let shown: Vec<_> = current.certificates().cloned().collect();
    let read = |der: &[u8]| Certificate::from_der(der, &limits).unwrap();
    let fulcio = &bench.sigstore.fulcio;
    assert_eq!(shown, [read(&fulcio.intermediate), read(&fulcio.root)]);
    assert_ne!(shown, [read(&fulcio.root), read(&fulcio.intermediate)]);
    let pems: Vec<_> = shown.iter().map(Certificate::to_pem).collect();
    let expected: Vec<_> = fulcio.chain().iter().map(|der| der::pem("CERTIFICATE", der)).collect();
    assert_eq!(pems, expected);
    let subjects: Vec<_> = shown.iter().map(Certificate::subject).collect();
    let named = |name: &str| format!("CN=virtual-{name},O={ORGANIZATION}");
    assert_eq!(subjects, ["intermediate", "root"].map(named));
}

// What counts for nothing is told.

#[test]
fn what_counts_for_nothing_is_told() {
    let mut bench = Bench::new();
    let signer = Signer::key(bench.key(KeyKind::P256));
    let mut other = VirtualSigstore::new("elsewhere");
    let payload = bench.payload();
    let mut signature = bench.at().sign(&signer, &payload, Log::None);
    let body = rekor::hashedrekord(&payload, &signature.signature, &signer.verifier());
    signature.entry = Some(other.rekor.log(&body, time(SIGNED)));
    let id = sealift::digest::hex(&other.rekor.key.id());
    let facts = judge_legacy(&bench, &signature, NOW).unwrap();
    assert_eq!(
        facts.notes,
        [format!(
            "an entry of log {id}, which the trusted root does not name, counted for nothing"
        )]
    );
    let signer = bench.signer();
    let signature = bench.at().sign(&signer, &payload, Log::Promise);
    let facts = judge_legacy(&bench, &signature, NOW).unwrap();
    let chain = "the certificates that came with the signature are no trust root and were ignored";
    assert_eq!(facts.notes, [chain]);
    let mut bundle = message(&mut bench).downgraded(Version::V02);
    let Material::Chain(certificates) = &mut bundle.material else { unreachable!() };
    certificates.truncate(1);
    certificates.push(bench.sigstore.fulcio.intermediate.clone());
    assert_eq!(judge(&bench, &bundle).unwrap().notes, [chain]);
    let Material::Chain(certificates) = &mut bundle.material else { unreachable!() };
    certificates.truncate(1);
    assert_eq!(judge(&bench, &bundle).unwrap().notes, Vec::<String>::new());
}
