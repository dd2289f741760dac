//! The *accepted forms*: every way in which an image can be rightly signed, one small archive each.

use serde_json::{Value, json};

use super::bench::{Bench, KeyKind, NOW, REPOSITORY, SIGNED};
use super::ca::Identity;
use super::demo::{pretty, release_workflow};
use super::dsse;
use super::evidence::{self, Content, Signer, Version};
use super::image::{AMD64, ARM64, Artifact, image, index, wasm_policy};
use super::key::Key;
use super::layout::Layout;
use super::rekor;
use super::rekor_v2::RekorV2;
use super::tsa::Stamp;
use super::{AttestationLog, Log, VirtualSigstore, base64, bundle_body, note, plus, time};

/// A form of evidence.
pub struct Form {
    /// The archive's name without `.tar`.
    pub name: &'static str,
    /// What is peculiar about it.
    pub what: &'static str,
    /// Whose evidence is asked for.
    pub demand: Demand,
    /// The predicate type of the attestation asked for; nothing asks for a signature.
    pub predicate_type: Option<&'static str>,
    pub build: fn(&mut Bench) -> Vec<u8>,
}

/// Who has to have signed.
#[derive(Clone, Copy)]
pub enum Demand {
    /// The person of the bench, by certificate.
    Person,
    /// The workflow of the demo, by certificate.
    Workflow,
    /// A user by name, by certificate.
    Username,
    /// A key; no log is asked for.
    Key(KeyKind),
    /// A key, and a log that has seen the signature.
    LoggedKey(KeyKind),
    /// A key in a file below `testdata`; no log is asked for.
    KeyFile(&'static str),
    /// The P-256 key, in use for the second of the bench alone; no log is asked for.
    TimedKey,
    /// A person whom a private authority knows, without any log of certificates.
    Private,
}

impl Demand {
    /// The demand as the tables write it.
    pub fn json(self) -> Value {
        let keyless = |identity: &Identity| {
            json!({
                "certificate_identity": identity.subject(),
                "certificate_oidc_issuer": identity.issuer,
            })
        };
        match self {
            Self::Person => keyless(&Bench::person()),
            Self::Workflow => keyless(&release_workflow()),
            Self::Username => keyless(&username()),
            Self::Key(kind) => json!({ "key": key_path(kind), "log": "none" }),
            Self::LoggedKey(kind) => json!({ "key": key_path(kind), "log": "required" }),
            Self::KeyFile(path) => json!({ "key": path, "log": "none" }),
            Self::TimedKey => json!({ "key": TIMED_KEY, "log": "none" }),
            Self::Private => {
                json!({ "certificate_identity": PRIVATE_EMAIL, "certificate_oidc_issuer": "", "sct": "none" })
            }
        }
    }
}

/// Where the tables look for the trusted root, below `testdata`.
pub const TRUSTED_ROOT: &str = "demo/trusted_root.json";
const TIMED_KEY: &str = "accepted/keys/p256-in-use.json";
const PRIVATE_ROOT: &str = "accepted/private_root.json";
const PRIVATE_EMAIL: &str = "builder@private.example";

/// The path of a key's file below `testdata`.
pub fn key_path(kind: KeyKind) -> String {
    format!("accepted/keys/{}", kind.name())
}

/// The P-256 key as Sigstore's `PublicKey` message, in use for one second.
pub fn timed_key(bench: &Bench) -> Value {
    let key = bench.key(KeyKind::P256);
    json!({
        "rawBytes": base64(&key.spki()),
        "keyDetails": key.details(),
        "validFor": { "start": SIGNED, "end": SIGNED },
    })
}

fn username() -> Identity {
    Identity::username("deployer", "https://accounts.sealift.example")
}

/// The files of `testdata/accepted` by name.
pub fn files(bench: &Bench) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    let mut cases = Vec::new();
    for form in forms() {
        let file = format!("{}.tar", form.name);
        let trusted_root = match form.demand {
            Demand::Private => PRIVATE_ROOT,
            _ => TRUSTED_ROOT,
        };
        cases.push(json!({
            "file": format!("accepted/{file}"),
            "what": form.what,
            "signer": form.demand.json(),
            "predicate_type": form.predicate_type,
            "trusted_root": trusted_root,
        }));
        files.push((file, (form.build)(&mut bench.clone())));
    }
    for kind in [
        KeyKind::P256,
        KeyKind::P384,
        KeyKind::P521,
        KeyKind::Ed25519,
        KeyKind::Rsa2048,
        KeyKind::RsaPss2048,
        KeyKind::Rsa1024,
    ] {
        files.push((format!("keys/{}", kind.name()), bench.key(kind).public_pem().into_bytes()));
    }
    files.push(("keys/p256-in-use.json".to_owned(), pretty(&timed_key(bench))));
    files.push(("private_root.json".to_owned(), pretty(&bench.sigstore.private_root())));
    files.push((
        "cases.json".to_owned(),
        pretty(&json!({ "now": NOW, "image": format!("{REPOSITORY}:1.0"), "cases": cases })),
    ));
    files
}

/// The form of that name.
pub fn form(name: &str) -> Form {
    forms()
        .into_iter()
        .find(|form| form.name == name)
        .unwrap_or_else(|| panic!("there is no form `{name}`"))
}

/// Every form.
pub fn forms() -> Vec<Form> {
    [legacy_signatures(), legacy_attestations(), bundles(), rekor_v2_bundles(), layouts()]
        .into_iter()
        .flatten()
        .collect()
}

fn signature(
    name: &'static str,
    what: &'static str,
    demand: Demand,
    build: fn(&mut Bench) -> Vec<u8>,
) -> Form {
    Form { name, what, demand, predicate_type: None, build }
}

fn provenance(
    name: &'static str,
    what: &'static str,
    demand: Demand,
    build: fn(&mut Bench) -> Vec<u8>,
) -> Form {
    Form { name, what, demand, predicate_type: Some(dsse::SLSA_PROVENANCE), build }
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn legacy_signatures() -> Vec<Form> {
    vec![
        signature(
            "legacy-keyed",
            "`.sig` by a P-256 key, no log",
            Demand::Key(KeyKind::P256),
            |bench| bench.keyed(|_| {}),
        ),
        signature(
            "legacy-keyed-high-s",
            "the same with the greater of the two values of s, which is as valid",
            Demand::Key(KeyKind::P256),
            |bench| bench.keyed(|signature| signature.signature = high_s(&signature.signature)),
        ),
        signature(
            "legacy-keyed-p384",
            "`.sig` by a P-384 key over SHA-256, as cosign signs",
            Demand::Key(KeyKind::P384),
            |bench| keyed_by(bench, KeyKind::P384),
        ),
        signature(
            "legacy-keyed-p521",
            "`.sig` by a P-521 key over SHA-256, as cosign signs",
            Demand::Key(KeyKind::P521),
            |bench| keyed_by(bench, KeyKind::P521),
        ),
        signature(
            "legacy-keyed-ed25519",
            "`.sig` by an Ed25519 key",
            Demand::Key(KeyKind::Ed25519),
            |bench| keyed_by(bench, KeyKind::Ed25519),
        ),
        signature(
            "legacy-keyed-rsa",
            "`.sig` by an RSA key of 2048 bits",
            Demand::Key(KeyKind::Rsa2048),
            |bench| keyed_by(bench, KeyKind::Rsa2048),
        ),
        signature(
            "legacy-keyed-rsa-pss",
            "`.sig` by an RSA key that says it signs by RSASSA-PSS",
            Demand::Key(KeyKind::RsaPss2048),
            |bench| keyed_by(bench, KeyKind::RsaPss2048),
        ),
        signature(
            "legacy-keyed-in-use",
            "`.sig` by a key with a window, logged in the only second of it",
            Demand::TimedKey,
            |bench| keyed_after(bench, 0),
        ),
        signature(
            "legacy-keyed-set",
            "`.sig` by a key, with a log entry and its promise",
            Demand::LoggedKey(KeyKind::P256),
            |bench| bench.keyed_body(|_| {}),
        ),
        signature(
            "legacy-keyed-artifact",
            "`.sig` on an artifact that is no image",
            Demand::Key(KeyKind::P256),
            |bench| {
                bench.image = wasm_policy();
                bench.keyed(|_| {})
            },
        ),
        signature(
            "legacy-keyed-beside-other",
            "two signatures in one `.sig`, the first by another key",
            Demand::Key(KeyKind::P256),
            |bench| {
                let payload = bench.payload();
                let layers = [KeyKind::P384, KeyKind::P256].map(|kind| {
                    let signer = Signer::key(bench.key(kind));
                    bench.at().sign(&signer, &payload, Log::None).layer()
                });
                bench.with_signatures(&layers)
            },
        ),
        signature(
            "legacy-keyless",
            "`.sig` by a person's certificate, with a promise of inclusion",
            Demand::Person,
            |bench| bench.keyless(|_, _| {}),
        ),
        signature(
            "legacy-keyless-workflow",
            "`.sig` by a workflow's certificate, its name a URI",
            Demand::Workflow,
            |bench| {
                let signer = bench.at().certify(&release_workflow());
                bench.keyless_by(&signer)
            },
        ),
        signature(
            "legacy-keyless-username",
            "`.sig` by the certificate of a user name, an otherName",
            Demand::Username,
            |bench| {
                let signer = bench.at().certify(&username());
                bench.keyless_by(&signer)
            },
        ),
        signature(
            "legacy-keyless-first-second",
            "the log took the signature in at the certificate's notBefore",
            Demand::Person,
            |bench| logged_after(bench, 0),
        ),
        signature(
            "legacy-keyless-last-second",
            "the log took the signature in at the certificate's notAfter",
            Demand::Person,
            |bench| logged_after(bench, 600),
        ),
        signature(
            "legacy-keyless-2025",
            "of 2025, by authorities and logs that are believed until the end of that year",
            Demand::Person,
            |bench| {
                let sigstore = &mut bench.sigstore;
                sigstore.fulcio = sigstore.retired_fulcio.clone();
                sigstore.ct_log = sigstore.retired_ct_log.clone();
                sigstore.rekor = sigstore.retired_rekor.clone();
                let payload = bench.payload();
                let signer = bench.sigstore.at("2025-06-01T12:00:00Z").certify(&Bench::person());
                let mut at = bench.sigstore.at("2025-06-01T12:00:05Z");
                let signature = at.sign(&signer, &payload, Log::Promise);
                bench.with_signatures(&[signature.layer()])
            },
        ),
        signature(
            "legacy-keyless-issuer-v1",
            "the certificate names the issuer in 57264.1.1 alone, as before 2023",
            Demand::Person,
            |bench| bench.keyless_certificate(|template, _| template.issuer_v2 = None),
        ),
        signature(
            "legacy-keyless-two-scts",
            "a log that the root does not name timestamped the certificate too",
            Demand::Person,
            |bench| {
                bench.keyless_certificate(|template, _| {
                    let mut other = template.scts[0].clone();
                    other.log = VirtualSigstore::new("elsewhere").ct_log;
                    template.scts.insert(0, other);
                })
            },
        ),
        signature(
            "legacy-keyless-index",
            "`.sig` on an index of two platforms",
            Demand::Person,
            |bench| {
                bench.image = two_platforms();
                bench.keyless(|_, _| {})
            },
        ),
        signature(
            "legacy-keyless-rekord",
            "the log entry is of the kind of 2021, `rekord` 0.0.1",
            Demand::Person,
            |bench| {
                let signer = bench.signer();
                let payload = bench.payload();
                let mut signature = bench.at().sign(&signer, &payload, Log::None);
                let body = rekor::rekord(&payload, &signature.signature, &signer.verifier());
                let at = bench.at();
                signature.entry = Some(at.sigstore.rekor.log(&body, at.time));
                bench.with_signatures(&[signature.layer()])
            },
        ),
        signature(
            "legacy-keyless-timestamp",
            "a signed timestamp stands beside the promise",
            Demand::Person,
            |bench| {
                bench.keyless(|signature, sigstore| {
                    let stamp = sigstore.tsa.stamp(&signature.signature, time(SIGNED));
                    signature.timestamp = Some(stamp);
                })
            },
        ),
        signature(
            "legacy-private",
            "`.sig` by a private authority's certificate: no Fulcio extension, no CT log",
            Demand::Private,
            |bench| {
                let signer = bench.at().certify_privately("builder", PRIVATE_EMAIL);
                bench.keyless_by(&signer)
            },
        ),
    ]
}

fn legacy_attestations() -> Vec<Form> {
    vec![
        provenance(
            "legacy-attestation-keyed",
            "`.att` by a key, no log",
            Demand::Key(KeyKind::P256),
            |bench| {
                let statement = bench.provenance();
                bench.keyed_attestation(&statement, |_| {})
            },
        ),
        provenance(
            "legacy-attestation-intoto-001",
            "`.att` with an `intoto` 0.0.1 entry",
            Demand::Person,
            |bench| bench.keyless_attestation(AttestationLog::Intoto001),
        ),
        provenance(
            "legacy-attestation-intoto-002",
            "`.att` with an `intoto` 0.0.2 entry",
            Demand::Person,
            |bench| bench.keyless_attestation(AttestationLog::Intoto002),
        ),
        provenance(
            "legacy-attestation-dsse-001",
            "`.att` with a `dsse` 0.0.1 entry",
            Demand::Person,
            |bench| bench.keyless_attestation(AttestationLog::Dsse001),
        ),
        provenance(
            "legacy-attestation-timestamp",
            "a signed timestamp over the whole envelope stands beside the promise",
            Demand::Person,
            |bench| {
                let signer = bench.signer();
                let statement = bench.provenance();
                let mut at = bench.at();
                let mut attestation = at.attest(&signer, &statement, AttestationLog::Dsse001);
                let stamp = at.sigstore.tsa.stamp(&attestation.bytes, at.time);
                attestation.timestamp = Some(stamp);
                bench.with_attestations(&[attestation.layer()])
            },
        ),
    ]
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn bundles() -> Vec<Form> {
    vec![
        signature(
            "bundle-v0.1-message",
            "version 0.1 over the manifest, promise only",
            Demand::Person,
            |bench| bench.message(|bundle, _| *bundle = bundle.clone().downgraded(Version::V01)),
        ),
        signature(
            "bundle-v0.1-message-proof",
            "version 0.1 over the manifest, promise and proof",
            Demand::Person,
            |bench| {
                bench.message(|bundle, _| {
                    let entries = bundle.entries.clone();
                    *bundle = bundle.clone().downgraded(Version::V01);
                    bundle.entries = entries;
                })
            },
        ),
        signature(
            "bundle-v0.2-message",
            "version 0.2 over the manifest",
            Demand::Person,
            |bench| bench.message(|bundle, _| *bundle = bundle.clone().downgraded(Version::V02)),
        ),
        signature(
            "bundle-v0.3-message",
            "version 0.3 over the manifest",
            Demand::Person,
            |bench| bench.message(|_, _| {}),
        ),
        signature(
            "bundle-v0.3-parameter",
            "version 0.3 in the older spelling of its media type",
            Demand::Person,
            |bench| bench.message(|bundle, _| bundle.version = Version::V03Parameter),
        ),
        signature(
            "bundle-v0.1-sign",
            "version 0.1 over cosign's statement",
            Demand::Person,
            |bench| bench.signed(|bundle, _| *bundle = bundle.clone().downgraded(Version::V01)),
        ),
        signature(
            "bundle-v0.2-sign",
            "version 0.2 over cosign's statement",
            Demand::Person,
            |bench| bench.signed(|bundle, _| *bundle = bundle.clone().downgraded(Version::V02)),
        ),
        signature(
            "bundle-v0.3-sign",
            "version 0.3 over cosign's statement, as cosign 3 signs images",
            Demand::Person,
            |bench| bench.signed(|_, _| {}),
        ),
        signature(
            "bundle-v0.3-sign-index",
            "the same on an index of two platforms",
            Demand::Person,
            |bench| {
                bench.image = two_platforms();
                bench.signed(|_, _| {})
            },
        ),
        signature(
            "bundle-v0.3-sign-timestamp",
            "the same with a signed timestamp beside the promise",
            Demand::Person,
            |bench| {
                bench.signed(|bundle, sigstore| {
                    let Content::Envelope(envelope) = &bundle.content else { return };
                    let stamp = sigstore.tsa.stamp(&envelope.signatures[0], time(SIGNED));
                    bundle.timestamps.push(stamp);
                })
            },
        ),
        signature(
            "bundle-v0.3-sign-entries-32",
            "the signature was taken in by the log 32 times, as often as is read",
            Demand::Person,
            |bench| entries(bench, 32),
        ),
        provenance(
            "bundle-v0.3-attestation",
            "version 0.3 over a statement of provenance",
            Demand::Person,
            |bench| {
                let statement = bench.provenance();
                bench.stated(&statement, |_, _| {})
            },
        ),
        provenance(
            "bundle-v0.1-attestation-intoto-002",
            "version 0.1 with an `intoto` 0.0.2 entry, as sigstore-js wrote it",
            Demand::Person,
            |bench| {
                let statement = bench.provenance();
                let signer = bench.signer();
                let mut bundle = bench.at().bundle_statement(&signer, &statement);
                let Content::Envelope(envelope) = bundle.content.clone() else {
                    unreachable!("a statement travels in an envelope")
                };
                let verifier = signer.verifier();
                let hash = rekor::intoto_002_hash(&envelope, &verifier);
                let body = rekor::intoto_002(&envelope, &hash, &verifier);
                let at = bench.at();
                bundle.entries = vec![at.sigstore.rekor.log(&body, at.time)];
                bench.with_bundle(&bundle.downgraded(Version::V01))
            },
        ),
        signature(
            "bundle-v0.3-keyed",
            "version 0.3 by a key, no log",
            Demand::Key(KeyKind::P256),
            |bench| bench.keyed_bundle(KeyKind::P256, |_| {}),
        ),
        signature(
            "bundle-v0.3-keyed-p384",
            "version 0.3 by a P-384 key over SHA-384",
            Demand::Key(KeyKind::P384),
            |bench| bench.keyed_bundle(KeyKind::P384, |_| {}),
        ),
        signature(
            "bundle-v0.3-keyed-p384-sha256",
            "version 0.3 by a P-384 key over SHA-256, as it was before the hash followed the key",
            Demand::Key(KeyKind::P384),
            |bench| {
                let key = bench.key(KeyKind::P384);
                bench.keyed_bundle(KeyKind::P384, |bundle| {
                    let Content::Envelope(envelope) = &mut bundle.content else { return };
                    envelope.signatures = vec![key.sign(&envelope.signed_bytes())];
                })
            },
        ),
        signature(
            "bundle-v0.3-keyed-ed25519",
            "version 0.3 by an Ed25519 key",
            Demand::Key(KeyKind::Ed25519),
            |bench| bench.keyed_bundle(KeyKind::Ed25519, |_| {}),
        ),
        signature(
            "bundle-v0.3-keyed-log",
            "version 0.3 by a key, with a log entry",
            Demand::LoggedKey(KeyKind::P256),
            |bench| {
                let signer = Signer::key(bench.key(KeyKind::P256));
                let statement = bench.sign_statement();
                let bundle = bench.at().bundle_statement(&signer, &statement);
                bench.with_bundle(&bundle)
            },
        ),
        signature(
            "bundle-v0.3-keyed-message-log",
            "version 0.3 by a key over the manifest, with a log entry",
            Demand::LoggedKey(KeyKind::P256),
            |bench| {
                let signer = Signer::key(bench.key(KeyKind::P256));
                let message = bench.image.manifest.clone();
                let bundle = bench.at().bundle_message(&signer, &message);
                bench.with_bundle(&bundle)
            },
        ),
    ]
}

fn rekor_v2_bundles() -> Vec<Form> {
    vec![
        signature(
            "bundle-v0.3-rekor-v2-message",
            "an entry of a Rekor v2 log over the manifest, time from a timestamp authority",
            Demand::Person,
            |bench| bench.rekor_v2(Bench::message_content, |_, _| {}),
        ),
        signature(
            "bundle-v0.3-rekor-v2-sign",
            "the same over cosign's statement",
            Demand::Person,
            |bench| bench.rekor_v2(Bench::sign_content, |_, _| {}),
        ),
        signature(
            "bundle-v0.3-rekor-v2-p256",
            "the same by a log with a P-256 key",
            Demand::Person,
            |bench| {
                let signer = bench.signer();
                let content = bench.sign_content(&signer);
                let mut bundle = bench.at().bundle_v2(&signer, content);
                let log: &mut RekorV2 = &mut bench.sigstore.rekor_v2_p256;
                bundle.entries = vec![log.log(&bundle.content, &signer)];
                bench.with_bundle(&bundle)
            },
        ),
        signature(
            "bundle-v0.3-rekor-v2-embedded",
            "the timestamp carries its certificate",
            Demand::Person,
            |bench| {
                bench.rekor_v2(Bench::sign_content, |bundle, sigstore| {
                    let Content::Envelope(envelope) = &bundle.content else { return };
                    let mut stamp = Stamp::new(&envelope.signatures[0], time(SIGNED));
                    stamp.certificates = vec![sigstore.tsa.leaf.clone()];
                    bundle.timestamps = vec![sigstore.tsa.respond(&stamp)];
                })
            },
        ),
        signature(
            "bundle-v0.3-rekor-v2-witnessed",
            "a witness signed the checkpoint too, its line before the log's",
            Demand::Person,
            |bench| {
                bench.rekor_v2(Bench::sign_content, |bundle, _| {
                    let proof = bundle.entries[0].proof.as_mut().expect("the log gave a proof");
                    let signed = proof.checkpoint.as_mut().expect("the proof has a checkpoint");
                    let witness = Key::ed25519("witness");
                    let name = "witness.example";
                    let (text, line) = signed.split_once("\n\n").expect("a blank line divides");
                    let text = format!("{text}\n");
                    let id = note::key_id(name, &witness);
                    let witnessed = note::line(&text, name, &id, &witness);
                    *signed = note::signed(&text, &[witnessed, line.to_owned()]);
                })
            },
        ),
        signature(
            "bundle-v0.3-rekor-v2-keyed-rsa-pss",
            "by an RSA key that says it signs by RSASSA-PSS, which the entry names",
            Demand::LoggedKey(KeyKind::RsaPss2048),
            |bench| {
                let signer = Signer::key(bench.key(KeyKind::RsaPss2048));
                let content = bench.sign_content(&signer);
                let bundle = bench.at().bundle_v2(&signer, content);
                bench.with_bundle(&bundle)
            },
        ),
        signature(
            "bundle-v0.3-rekor-v2-keyed",
            "by a key, in a Rekor v2 log; a key needs no time",
            Demand::LoggedKey(KeyKind::P256),
            |bench| {
                let signer = Signer::key(bench.key(KeyKind::P256));
                let content = bench.sign_content(&signer);
                let bundle = bench.at().bundle_v2(&signer, content);
                bench.with_bundle(&bundle)
            },
        ),
    ]
}

/// The same evidence where other tools put it.
fn layouts() -> Vec<Form> {
    vec![
        signature(
            "layout-cosign-save",
            "as `cosign save` writes it: no tags, the kind of each manifest in an annotation",
            Demand::Person,
            |bench| {
                let signature = legacy_manifest(bench);
                let mut layout = Layout::default();
                layout
                    .annotated(&bench.image, &[("kind", "dev.cosignproject.cosign/image")])
                    .annotated(&signature, &[("kind", "dev.cosignproject.cosign/sigs")])
                    .tar()
            },
        ),
        signature(
            "layout-cosign-save-bundle",
            "as `cosign save` 3 writes it: the bundle's manifest is a blob that no list names",
            Demand::Person,
            |bench| {
                let bundle = bundle_manifest(bench);
                let mut layout = Layout::default();
                layout
                    .annotated(&bench.image, &[("kind", "dev.cosignproject.cosign/image")])
                    .blobs(&bundle)
                    .tar()
            },
        ),
        signature(
            "layout-oras",
            "as `oras cp -r` writes it: the image by its tag alone, the bundle listed",
            Demand::Person,
            |bench| {
                let bundle = bundle_manifest(bench);
                let mut layout = Layout::default();
                layout.tagged(&bench.image, "1.0").referrer(&bundle).tar()
            },
        ),
        signature(
            "layout-fallback-tag",
            "the bundle is listed by the index under the subject's fallback tag",
            Demand::Person,
            |bench| {
                let bundle = bundle_manifest(bench);
                let list = index(&[bundle]);
                let tag = bench.image.digest().to_string().replace(':', "-");
                bench.layout().tagged(&list, &tag).tar()
            },
        ),
        signature(
            "layout-repository-tag",
            "the tag of the `.sig` stands behind its repository",
            Demand::Person,
            |bench| {
                let signature = legacy_manifest(bench);
                let tag = evidence::signature_tag(&bench.image.digest());
                bench.layout().tagged(&signature, &format!("{REPOSITORY}:{tag}")).tar()
            },
        ),
    ]
}

fn legacy_manifest(bench: &mut Bench) -> Artifact {
    let signer = bench.signer();
    let payload = bench.payload();
    let signature = bench.at().sign(&signer, &payload, Log::Promise);
    evidence::manifest(&[signature.layer()])
}

fn bundle_manifest(bench: &mut Bench) -> Artifact {
    let signer = bench.signer();
    let statement = bench.sign_statement();
    let bundle = bench.at().bundle_statement(&signer, &statement);
    bundle.referrer(&bench.image)
}

fn two_platforms() -> Artifact {
    index(&[
        image("tiny", AMD64, &[("tiny", "tiny\n")]),
        image("tiny", ARM64, &[("tiny", "small\n")]),
    ])
}

fn keyed_by(bench: &mut Bench, kind: KeyKind) -> Vec<u8> {
    let payload = bench.payload();
    bench.keyed_payload(kind, &payload, |_| {})
}

/// A signature by key that the log takes in some seconds after the bench's time.
pub fn keyed_after(bench: &mut Bench, seconds: i64) -> Vec<u8> {
    let signer = Signer::key(bench.key(KeyKind::P256));
    logged(bench, &signer, seconds)
}

/// A keyless signature that the log takes in some seconds after the certificate was issued.
pub fn logged_after(bench: &mut Bench, seconds: i64) -> Vec<u8> {
    let signer = bench.signer();
    logged(bench, &signer, seconds)
}

fn logged(bench: &mut Bench, signer: &Signer, seconds: i64) -> Vec<u8> {
    let payload = bench.payload();
    let mut signature = bench.at().sign(signer, &payload, Log::None);
    let body = rekor::hashedrekord(&payload, &signature.signature, &signer.verifier());
    let at = bench.at();
    let later = plus(at.time, seconds);
    signature.entry = Some(at.sigstore.rekor.log(&body, later));
    bench.with_signatures(&[signature.layer()])
}

/// A bundle whose signature the log took in that many times.
pub fn entries(bench: &mut Bench, count: usize) -> Vec<u8> {
    let signer = bench.signer();
    let statement = bench.sign_statement();
    let mut bundle = bench.at().bundle_statement(&signer, &statement);
    let body = bundle_body(&signer, &bundle.content);
    while bundle.entries.len() < count {
        let at = bench.at();
        bundle.entries.push(at.sigstore.rekor.log(&body, at.time));
    }
    bench.with_bundle(&bundle)
}

/// The same P-256 signature with s replaced by its negative.
fn high_s(der: &[u8]) -> Vec<u8> {
    let signature = p256::ecdsa::Signature::from_der(der).expect("our own signature is DER");
    let (r, s) = (*signature.r(), *signature.s());
    let low = signature.normalize_s().map_or(s, |low| *low.s());
    let high = p256::ecdsa::Signature::from_scalars(r, -low).expect("both are in range");
    high.to_der().as_bytes().to_vec()
}
