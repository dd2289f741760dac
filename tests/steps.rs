//! Single steps of verification at their edges, where an archive cannot show them: the very second,
//! an artifact known by its digest alone, a trusted root of one's own, what is told beside a verdict.
#![expect(clippy::unwrap_used, reason = "a test stops where its evidence is not as it must be")]

mod support;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sealift::crypto::PublicKey;
use sealift::digest::{Algorithm, Digest};
use sealift::limits::Limits;
use sealift::sigstore::TrustRoot;
use sealift::time::UnixTime;
use sealift::verify::{
    self, Artifact, Code, Facts, Identity, Rejection, SubjectAlternativeName, Testimony,
    TimeSource, Trust, TrustedTime, Verifier,
};
use sealift::x509::{Certificate, MalformedCertificate, PrivatePki};
use serde_json::{Value, json};

use support::bench::{Bench, KeyKind, NOW, SIGNED};
use support::ca::{self, CertificateAuthority};
use support::evidence::{Bundle, Content, LegacySignature, Material, Signer, Version};
use support::key::Hash;
use support::rekor::{self, Proof};
use support::tsa::{Stamp, TIME_STAMPING, TimestampAuthority};
use support::{
    Log, ORGANIZATION, VirtualSigstore, base64, compact, der, note, plus, time, trusted_root,
};

/// A verifier with the root of the bench, and every key.
fn verifier(bench: &Bench, root: &Value, now: &str) -> Verifier {
    let limits = Limits::default();
    let root = TrustRoot::parse(root.to_string().as_bytes(), &limits).unwrap();
    let keys = [KeyKind::P256, KeyKind::P384, KeyKind::Ed25519]
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
    for kind in [KeyKind::P256, KeyKind::P384, KeyKind::Ed25519] {
        let mut bench = Bench::new();
        let signer = Signer::key(bench.key(kind));
        let content = bench.sign_content(&signer);
        let bundle = bench.at().bundle_v2(&signer, content);
        assert_eq!(judge(&bench, &bundle).unwrap().log_entries.len(), 1, "{}", kind.name());
    }
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
    // The hint is looked at last, after the entry's hash.
    assert_eq!(code(judge_digest(bench.other.digest())), Code::EntryNotBound);
    let sha512 = Digest::of(Algorithm::Sha512, &bench.image.manifest);
    assert_eq!(code(judge_digest(sha512)), Code::EntryNotBound);
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
