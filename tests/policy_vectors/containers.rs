//! `policy.json` as containers/image decides.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sealift::digest::Digest;
use sealift::limits::Limits;
use sealift::oci::Reference;
use sealift::policy::containers_policy::{Problem, parse, scopes_of};
use sealift::policy::{
    Case, Parts, Policy, PolicyFile, PolicySet, Remapping, SignedIdentity, Verdict, document,
};
use sealift::time::UnixTime;
use sealift::verify::{Artifact, Testimony, Trust, Verified, Verifier};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{cases, list};

/// Cases decided otherwise: which, what is answered here, why.
type Exceptions = &'static [(&'static str, bool, &'static str)];

/// Compares answers with what containers/image decides, each exception once; the last line says how
/// many passed.
struct Score {
    file: &'static str,
    exceptions: BTreeMap<&'static str, (bool, &'static str)>,
    passed: usize,
    failed: Vec<String>,
}

impl Score {
    fn new(file: &'static str, exceptions: Exceptions) -> Self {
        let exceptions = exceptions.iter().map(|(case, answer, why)| (*case, (*answer, *why)));
        Self { file, exceptions: exceptions.collect(), passed: 0, failed: Vec::new() }
    }

    fn answer(&mut self, case: &str, answer: bool, theirs: bool) {
        let wanted = match self.exceptions.remove(case) {
            Some((ours, why)) => {
                assert_ne!(ours, theirs, "stale exception: {case}: {why}");
                ours
            }
            None => theirs,
        };
        if answer == wanted {
            self.passed += 1;
        } else {
            self.failed.push(format!("{case}: answered {answer}, wanted {wanted}"));
        }
    }

    fn end(self) {
        println!("{}: {} passed, {} failed", self.file, self.passed, self.failed.len());
        assert_eq!(self.failed, Vec::<String>::new(), "{}", self.file);
        assert!(self.exceptions.is_empty(), "stale exceptions: {:?}", self.exceptions);
    }
}

fn parsed(
    json: &str,
    files: &dyn Fn(&str) -> io::Result<Vec<u8>>,
) -> Result<Vec<Policy>, document::Error> {
    let file = PolicyFile { name: "policy.json", bytes: json.as_bytes() };
    parse(file, &Limits::default(), files)
}

#[derive(Deserialize)]
struct PolicyCase {
    name: String,
    policy_json: String,
    accepted: bool,
}

const POLICY_EXCEPTIONS: Exceptions = &[(
    "repository fixture",
    false,
    "it demands `signedBy`, which sealift refuses by name where it is read",
)];

const KEY: &str = "-----BEGIN PUBLIC KEY-----\n\
    MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEb/A7lJJBzh2t1DUZ5pYOCoW0Gmmg\n\
    XDKBA6orzhWUyhY8T3U6Vb8B3FP2wLDH7ueLQMb/fSWpbiKCuYnO9xwUSg==\n\
    -----END PUBLIC KEY-----\n";

/// A certificate that stands in another file of the vectors.
fn some_certificate() -> Option<String> {
    let cases = cases::<SignedCase>("containers-sigstore-signed.json")?;
    cases.iter().find_map(|case| {
        let data = case.requirement.pointer("/pki/caRootsData")?.as_str()?;
        String::from_utf8(STANDARD.decode(data).unwrap()).ok()
    })
}

#[test]
fn whole_policies() {
    const FILE: &str = "containers-policy-parse.json";
    let Some(cases) = cases::<PolicyCase>(FILE) else { return };
    let certificate = some_certificate().unwrap();
    let mut score = Score::new(FILE, POLICY_EXCEPTIONS);
    for case in &cases {
        // "abc" and "def" stand for keys, which containers/image reads when it judges.
        let mut json = case.policy_json.clone();
        for placeholder in ["YWJj", "ZGVm"] {
            json = json.replace(placeholder, &STANDARD.encode(KEY));
        }
        // The files are not there: a path is that of a key, in a PKI that of certificates.
        let text = if json.contains("\"pki\"") { certificate.as_str() } else { KEY };
        let read = |_: &str| Ok(text.as_bytes().to_vec());
        let answer = parsed(&json, &read);
        // What is refused is refused for its form, not for what the files hold.
        if let Err(error) = &answer {
            let document::Problem::ContainersPolicy(problem) = &*error.problem else {
                panic!("{}: {error:?}", case.name)
            };
            let is_content = matches!(
                problem,
                Problem::Key { .. } | Problem::File { .. } | Problem::Certificates { .. }
            );
            assert!(!is_content, "{}: {problem:?}", case.name);
        }
        score.answer(&case.name, answer.is_ok(), case.accepted);
    }
    score.end();
}

#[derive(Deserialize)]
struct ScopesCase {
    reference: String,
    scopes_in_order: Option<Vec<String>>,
}

#[test]
fn scopes() {
    const FILE: &str = "containers-scopes.json";
    let Some(cases) = cases::<ScopesCase>(FILE) else { return };
    let mut score = Score::new(FILE, &[]);
    for case in &cases {
        let scopes = scopes_of(&case.reference.parse().unwrap());
        score.answer(&case.reference, scopes == case.scopes_in_order, true);
    }
    score.end();
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct IdentityCase {
    signed_identity: String,
    image: String,
    signature: String,
    #[serde(rename = "match")]
    matches: bool,
}

const IDENTITY_EXCEPTIONS: Exceptions = &[(
    "matchExact busybox busybox:latest",
    true,
    "an image is never asked for without a tag: `latest` is understood, as by `docker pull`",
)];

#[test]
fn signed_identities() {
    const FILE: &str = "containers-signed-identity.json";
    let Some(cases) = cases::<IdentityCase>(FILE) else { return };
    let mut score = Score::new(FILE, IDENTITY_EXCEPTIONS);
    for case in &cases {
        let IdentityCase { signed_identity, image, signature, matches } = case;
        let asked: Option<Reference> = image.parse().ok();
        let answer = match signed_identity.as_str() {
            "exactReference" | "exactRepository" => exact_identity(signed_identity, image)
                .is_some_and(|it| it.accepts(Some(signature), None)),
            "matchExact" => SignedIdentity::Same.accepts(Some(signature), asked.as_ref()),
            "matchRepository" => {
                SignedIdentity::SameRepository.accepts(Some(signature), asked.as_ref())
            }
            "matchRepoDigestOrExact" => {
                SignedIdentity::SameOrDigest.accepts(Some(signature), asked.as_ref())
            }
            other => panic!("a form that is not known: {other}"),
        };
        score.answer(&format!("{signed_identity} {image} {signature}"), answer, *matches);
    }
    score.end();
}

/// As it stands in a policy, which may refuse it.
fn exact_identity(form: &str, value: &str) -> Option<SignedIdentity> {
    let field = if form == "exactReference" { "dockerReference" } else { "dockerRepository" };
    let requirement = json!({
        "type": "sigstoreSigned",
        "keyPath": "/key",
        "signedIdentity": {"type": form, field: value},
    });
    let policy = json!({"default": [requirement]}).to_string();
    let read = |_: &str| Ok(KEY.as_bytes().to_vec());
    parsed(&policy, &read).ok()?;
    let reference = value.parse().ok()?;
    Some(match form {
        "exactReference" => SignedIdentity::Reference(reference),
        _ => SignedIdentity::Repository(reference),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RemapCase {
    prefix: String,
    signed_prefix: Option<String>,
    reference: Option<String>,
    image: Option<String>,
    signature: Option<String>,
    #[serde(rename = "match")]
    matches: Option<bool>,
    result: Option<String>,
}

impl RemapCase {
    fn remapping(&self) -> Remapping {
        let signed = self.signed_prefix.as_deref().unwrap_or("signed.example");
        Remapping::new(&self.prefix, signed).unwrap()
    }
}

#[test]
fn remapped_identities() {
    const FILE: &str = "containers-signed-identity.json";
    let Some(prefixes) = list::<RemapCase>(FILE, "remap_prefix_matches") else { return };
    let mut score = Score::new("containers-signed-identity.json remapIdentity", &[]);
    for case in &prefixes {
        let reference = case.reference.as_deref().unwrap();
        let covers = case.remapping().covers(&reference.parse().unwrap());
        score.answer(&format!("{} {reference}", case.prefix), covers, case.matches.unwrap());
    }
    for case in list::<RemapCase>(FILE, "remap_result").unwrap() {
        let reference: Reference = case.reference.as_deref().unwrap().parse().unwrap();
        // Where neither tag nor digest stands, `latest` is understood on both sides.
        let wanted: Option<Reference> = case.result.as_deref().unwrap().parse().ok();
        let answer = case.remapping().apply(&reference) == wanted;
        score.answer(&format!("{} {reference}", case.prefix), answer, true);
    }
    for case in list::<RemapCase>(FILE, "remap_match").unwrap() {
        let image: Reference = case.image.as_deref().unwrap().parse().unwrap();
        let identity = SignedIdentity::Remapped(case.remapping());
        let answer = identity.accepts(case.signature.as_deref(), Some(&image));
        score.answer(&format!("{} {image}", case.prefix), answer, case.matches.unwrap());
    }
    score.end();
}

#[derive(Deserialize)]
struct SignedCase {
    name: String,
    requirement: Value,
    image: SignedImage,
    allowed: bool,
}

#[derive(Deserialize)]
struct SignedImage {
    reference: String,
    manifest_b64: Option<String>,
    signatures: Vec<Attachment>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Attachment {
    mime_type: Option<String>,
    #[serde(default)]
    payload: String,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

const SIGNED_EXCEPTIONS: Exceptions = &[(
    "Fulcio+Rekor",
    false,
    "the intermediate certificate stands beside the signature alone, which sealift never reads; \
     with it in the policy the same signature is accepted by the case that follows",
)];

/// All of it was valid: the certificates of Fulcio when they were used, those of the PKI until 2052.
const NOW: &str = "2026-01-01T00:00:00Z";

#[test]
fn signatures() {
    const FILE: &str = "containers-sigstore-signed.json";
    let Some(cases) = cases::<SignedCase>(FILE) else { return };
    let mut score = Score::new(FILE, SIGNED_EXCEPTIONS);
    let names: BTreeSet<_> = cases.iter().map(|case| &case.name).collect();
    assert_eq!(names.len(), cases.len());
    for case in &cases {
        score.answer(&case.name, case.is_allowed(), case.allowed);
    }
    score.end();
}

impl SignedCase {
    /// By the whole way: the policy is read, its own trusts verify, its rule judges.
    fn is_allowed(&self) -> bool {
        let policy = json!({
            "default": [{"type": "reject"}],
            "transports": {"docker": {"": [self.requirement]}},
        });
        let none = |_: &str| Err(io::Error::from(io::ErrorKind::NotFound));
        let policy = policy.to_string();
        let policies = parsed(&policy, &none).unwrap();
        let policies = PolicySet::new(policies).unwrap();
        // An image whose manifest is not there is not judged.
        let Some(manifest) = &self.image.manifest_b64 else { return false };
        let manifest = STANDARD.decode(manifest).unwrap();
        let evidence = self.image.verified(&policies, &manifest);
        let names = [self.image.reference.parse().unwrap()];
        let verdict = policies.judge(&Case {
            subject: Digest::sha256(&manifest),
            names: &names,
            written: None,
            evidence: &evidence.iter().collect::<Vec<_>>(),
            unproven: 0,
            through: None,
            parts: &Parts::default(),
            configs: None,
            object: None,
        });
        matches!(verdict, Verdict::Admit(_))
    }
}

impl SignedImage {
    fn verified(&self, policies: &PolicySet, manifest: &[u8]) -> Vec<Verified> {
        let now: UnixTime = NOW.parse().unwrap();
        let artifact = Artifact { digest: Digest::sha256(manifest).into(), bytes: Some(manifest) };
        let is_signature = |one: &&Attachment| {
            one.mime_type.as_deref() == Some("application/vnd.dev.cosign.simplesigning.v1+json")
        };
        let mut verified = Vec::new();
        for trust in policies.own_trusts(&Trust::default()) {
            let verifier = Verifier::new(trust, now, Limits::default());
            for one in self.signatures.iter().filter(is_signature) {
                let payload = STANDARD.decode(&one.payload).unwrap();
                let annotations = &one.annotations;
                let testimony = Testimony::Signature { payload: &payload, annotations };
                verified.extend(verifier.verify(&artifact, testimony).ok());
            }
        }
        verified
    }
}
