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
use support::evidence::{self, Bundle, LegacySignature, simple_signing};
use support::{Log, ORGANIZATION, compact, der, time};

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
