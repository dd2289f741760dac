//! `ClusterImagePolicy` over whole archives: whose trust decides, which form of evidence counts, and
//! what a policy over the result is shown.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops where its archive or policy is not as it must be"
)]

mod support;

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Arc;

use sealift::archive::Archive;
use sealift::digest::{Algorithm, Digest};
use sealift::engine::{self, Options, Work};
use sealift::inventory::Inventory;
use sealift::limits::Limits;
use sealift::policy::document::{self, Beside};
use sealift::policy::{Policy, PolicyFile, PolicySet, Reason};
use sealift::report::Outcome;
use sealift::sigstore::TrustRoot;
use sealift::tuf as library;
use sealift::verify::{Trust, Verifier};
use serde_json::{Value, json};

use support::bench::{Bench, KeyKind, NOW, REPOSITORY};
use support::evidence::{self, LegacySignature, Signer};
use support::trusted_root::{self, ValidFor};
use support::tuf::{Part, Repository, packed};
use support::{AttestationLog, Log, VirtualSigstore, base64, compact, der, time, told};

/// What a repository serves.
type Files = BTreeMap<String, Vec<u8>>;

/// A policy of one authority.
fn policy(authority: &str, beside: &str) -> String {
    format!(
        "apiVersion: policy.sigstore.dev/v1alpha1\nkind: ClusterImagePolicy\n\
         metadata: {{name: release}}\nspec:\n  images: [{{glob: 'registry.sealift.example/**'}}]\n\
         \x20 authorities: [{{name: a, {authority}}}]\n{beside}"
    )
}

/// Signed by the person of the bench.
fn keyless(extra: &str) -> String {
    let person = Bench::person();
    format!(
        "keyless: {{identities: [{{issuer: '{}', subject: '{}'}}]{extra}}}",
        person.issuer,
        person.subject()
    )
}

/// Signed with the P-256 key of the bench.
fn keyed(extra: &str) -> String {
    let key = Bench::new().key(KeyKind::P256).public_pem();
    format!("key: {{data: \"{}\"{extra}}}", key.replace('\n', "\\n"))
}

fn trust_root(name: &str, spec: &Value) -> String {
    let document = json!({
        "apiVersion": "policy.sigstore.dev/v1alpha1",
        "kind": "TrustRoot",
        "metadata": { "name": name },
        "spec": spec,
    });
    format!("\n---\n{document}\n")
}

/// The `sigstoreKeys` of parts of a virtual Sigstore; there must be one kind of authority at least.
fn keys(sigstore: &VirtualSigstore, parts: &[&str]) -> Value {
    let authority = |organization: &str, pem: &str| {
        json!([{
            "subject": { "organization": organization, "commonName": "virtual" },
            "uri": "https://authority.example",
            "certChain": base64(pem.as_bytes()),
        }])
    };
    let log = |pem: &str| {
        json!([{
            "baseURL": "https://log.example",
            "hashAlgorithm": "sha-256",
            "publicKey": base64(pem.as_bytes()),
        }])
    };
    let tsa =
        der::pem("CERTIFICATE", &sigstore.tsa.leaf) + &der::pem("CERTIFICATE", &sigstore.tsa.root);
    let all = json!({
        "certificateAuthorities": authority("fulcio", &sigstore.fulcio.chain_pem()),
        "timestampAuthorities": authority("tsa", &tsa),
        "tLogs": log(&sigstore.rekor.key.public_pem()),
        "ctLogs": log(&sigstore.ct_log.key.public_pem()),
    });
    let fields: BTreeMap<&str, Value> =
        parts.iter().map(|part| (*part, all[*part].clone())).collect();
    json!({ "sigstoreKeys": fields })
}

fn load(policy: &str, mirror: Option<&Files>) -> Result<Vec<Policy>, String> {
    let file = PolicyFile { name: "policy.yaml", bytes: policy.as_bytes() };
    let at = |url: &str| -> Option<Arc<dyn library::Files>> {
        assert_eq!(url, "https://tuf.example");
        Some(Arc::new(mirror?.clone()))
    };
    let beside = Beside { mirror: &at, ..Beside::NOTHING };
    document::parse_with(&[file], &Limits::default(), time(NOW), beside)
        .map_err(|error| told(&error))
}

/// What the policy says of the archive's image: nothing where it is admitted.
fn judged(archive: &[u8], policies: Vec<Policy>, given: Option<&Value>) -> Vec<String> {
    let archive = Archive::from_stream(archive, &Limits::default()).unwrap();
    judged_in(&archive, policies, given)
}

fn judged_in(archive: &Archive, policies: Vec<Policy>, given: Option<&Value>) -> Vec<String> {
    let (limits, now) = (Limits::default(), time(NOW));
    let root = given.map(|root| TrustRoot::parse(&compact(root), &limits).unwrap());
    let policies = PolicySet::new(policies).unwrap();
    assert!(root.is_some() || policies.needs_trusted_root().is_none());
    let given = Trust { root, keys: policies.keys(&Trust::default().id), ..Trust::default() };
    let own = policies.own_trusts(&given);
    let verifiers: Vec<_> =
        std::iter::once(given).chain(own).map(|trust| Verifier::new(trust, now, limits)).collect();
    let inventory = Inventory::of(archive, &limits).unwrap();
    let work = Work {
        archive,
        inventory: &inventory,
        verifiers: &verifiers,
        policies: &policies,
        limits: &limits,
    };
    let report = engine::verify(&work, &Options::at(now), &()).unwrap().report;
    let [image] = report.images.as_slice() else { panic!("one image is listed") };
    let Outcome::Denied { reasons, .. } = &image.outcome else { return Vec::new() };
    let told = reasons.iter().map(|reason| match reason {
        Reason::Policy(failure) => failure.message.clone().unwrap(),
        other => panic!("denied by {}", other.code()),
    });
    told.collect()
}

fn admitted() -> Vec<String> {
    Vec::new()
}

/// What policy-controller says where no signature is met, whatever the kind of authority.
fn denied(found: &[String], kind: &str) -> bool {
    let [told] = found else { return false };
    told.starts_with(&format!(
        "signature {kind} validation failed for authority a for {REPOSITORY}:1.0: "
    ))
}

/// A repository that holds the trusted root of a virtual Sigstore.
fn repository(sigstore: &VirtualSigstore) -> Repository {
    Repository::new(&[("trusted_root.json", &compact(&sigstore.trusted_root()))])
}

/// The `repository` of a `TrustRoot`.
fn inside(repository: &Repository, files: &Files) -> Value {
    json!({ "repository": {
        "root": base64(&repository.root()),
        "mirrorFS": base64(&packed(files)),
        "targets": "targets",
    }})
}

/// The `remote` of a `TrustRoot`.
fn served(repository: &Repository) -> Value {
    let root = base64(&repository.root());
    json!({ "remote": { "root": root, "mirror": "https://tuf.example" } })
}

#[test]
fn a_repository_in_the_document_brings_its_trusted_root() {
    let mut bench = Bench::new();
    let archive = bench.keyless(|_, _| {});
    let wanted = policy(&keyless(", trustRootRef: t"), "");
    for (sigstore, is_its_own) in
        [(bench.sigstore.clone(), true), (VirtualSigstore::new("another world"), false)]
    {
        let repository = repository(&sigstore);
        let root = trust_root("t", &inside(&repository, &repository.files()));
        let policies = load(&format!("{wanted}{root}"), None).unwrap();
        let found = judged(&archive, policies, None);
        assert!(if is_its_own { found.is_empty() } else { denied(&found, "keyless") }, "{found:?}");
    }
}

/// `trustedRootJSON`: the file that clients read, as a text in the document.
#[test]
fn a_trusted_root_stands_in_the_document() {
    let mut bench = Bench::new();
    let archive = bench.keyless(|_, _| {});
    let wanted =
        policy(&format!("{}, ctlog: {{trustRootRef: t}}", keyless(", trustRootRef: t")), "");
    for (sigstore, is_its_own) in
        [(bench.sigstore.clone(), true), (VirtualSigstore::new("another world"), false)]
    {
        let spec = json!({ "trustedRootJSON": sigstore.trusted_root().to_string() });
        let policies = load(&format!("{wanted}{}", trust_root("t", &spec)), None).unwrap();
        let found = judged(&archive, policies, None);
        assert!(if is_its_own { found.is_empty() } else { denied(&found, "keyless") }, "{found:?}");
    }
}

#[test]
fn a_repository_that_is_served_is_given_as_a_mirror() {
    let mut bench = Bench::new();
    let archive = bench.keyless(|_, _| {});
    let repository = repository(&bench.sigstore);
    let root = trust_root("t", &served(&repository));
    let wanted = format!("{}{root}", policy(&keyless(", trustRootRef: t"), ""));
    let policies = load(&wanted, Some(&repository.files())).unwrap();
    assert_eq!(judged(&archive, policies, None), admitted());
    assert_eq!(
        load(&wanted, None).unwrap_err(),
        "policy file `policy.yaml`, line 9 (document 2): `spec.remote.mirror` names the mirror \
         `https://tuf.example`, which none of the policy files holds; nothing is fetched; give what \
         it serves as a folder with `--tuf-mirror URL=FOLDER`, in a policy test with `tufMirrors`"
    );
}

/// The same by the command line, where a folder is the mirror.
#[test]
fn a_folder_is_a_mirror() {
    let mut bench = Bench::new();
    let directory = tempfile::tempdir().unwrap();
    let place = |name: &str| directory.path().join(name).display().to_string();
    let repository = repository(&bench.sigstore);
    let root = trust_root("t", &served(&repository));
    let wanted = format!("{}{root}", policy(&keyless(", trustRootRef: t"), ""));
    std::fs::write(place("policy.yaml"), wanted).unwrap();
    std::fs::write(place("archive.tar"), bench.keyless(|_, _| {})).unwrap();
    for (name, bytes) in repository.files() {
        let path = directory.path().join("mirror").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    let run = |mirrors: &[String]| {
        let (archive, policy) = (place("archive.tar"), place("policy.yaml"));
        let output = Command::new(env!("CARGO_BIN_EXE_sealift"))
            .env_clear()
            .args(["verify", &archive, "--policy", &policy, "--verification-time", NOW])
            .args(mirrors.iter().flat_map(|mirror| ["--tuf-mirror", mirror]))
            .output()
            .unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        (output.status.code(), told.replace(directory.path().to_str().unwrap(), "HERE"))
    };
    let mirror = |url: &str, folder: &str| format!("{url}={}", place(folder));
    assert_eq!(run(&[mirror("https://tuf.example/", "mirror")]), (Some(0), String::new()));
    let found =
        run(&[mirror("https://other.example", "mirror"), mirror("https://tuf.example", "none")]);
    let refused = "error: policy file `HERE/policy.yaml`, line 9 (document 2): the TUF repository of \
                   `spec.remote` is refused: the repository holds no `timestamp.json`\n";
    assert_eq!(found, (Some(2), refused.to_owned()));
    let (status, told) = run(&["folder".to_owned()]);
    let why = "error: invalid value 'folder' for '--tuf-mirror <URL=FOLDER>': write the URL, `=` and \
               the folder";
    assert_eq!((status, told.lines().next()), (Some(2), Some(why)));

    // A policy test names it with its other files.
    let expected = |mirrors: &str| {
        let test = format!(
            "apiVersion: sealift/v1\nkind: PolicyTest\narchive: archive.tar\n\
             policies: [policy.yaml]\n{mirrors}verificationTime: {NOW}\n\
             cases: [{{image: '{REPOSITORY}:1.0', expect: admitted, by: release}}]\n"
        );
        std::fs::write(place("test.yaml"), test).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_sealift"))
            .env_clear()
            .args(["policy", "test", &place("test.yaml")])
            .output()
            .unwrap();
        let [out, err] =
            [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        (output.status.code(), out, err.replace(directory.path().to_str().unwrap(), "HERE"))
    };
    let passed = (Some(0), "1 passed, 0 failed\n".to_owned(), String::new());
    assert_eq!(expected("tufMirrors: {https://tuf.example/: mirror}\n"), passed);
    let not_given = "error: policy file `HERE/policy.yaml`, line 9 (document 2): `spec.remote.mirror` \
                     names the mirror `https://tuf.example`, which none of the policy files holds; \
                     nothing is fetched; give what it serves as a folder with `--tuf-mirror \
                     URL=FOLDER`, in a policy test with `tufMirrors`\n";
    assert_eq!(expected(""), (Some(2), String::new(), not_given.to_owned()));
}

/// A repository from before there were trusted roots: its owner marks keys and certificates with
/// their use, each in a target of its own.
#[test]
fn targets_that_are_marked_make_a_trusted_root() {
    let mut bench = Bench::new();
    let archive = bench.keyless(|_, _| {});
    let world = &bench.sigstore;
    let certificate = |der: &[u8]| der::pem("CERTIFICATE", der).into_bytes();
    let parts = [
        ("fulcio.crt.pem", certificate(&world.fulcio.root), "Fulcio"),
        ("fulcio_intermediate.crt.pem", certificate(&world.fulcio.intermediate), "Fulcio"),
        ("rekor.pub", world.rekor.key.public_pem().into_bytes(), "Rekor"),
        ("ctfe.pub", world.ct_log.key.public_pem().into_bytes(), "CTFE"),
        ("artifact.pub", b"not read".to_vec(), "Unknown"),
    ];
    let with = |left_out: &str| {
        let mut repository = Repository::new(&[("unmarked.txt", b"not read")]);
        for (name, bytes, usage) in parts.iter().filter(|(name, ..)| *name != left_out) {
            let custom = json!({ "sigstore": { "usage": usage, "status": "Active" } });
            repository.targets.insert((*name).to_owned(), (bytes.clone(), custom));
        }
        let root = trust_root("t", &inside(&repository, &repository.files()));
        load(&format!("{}{root}", policy(&keyless(", trustRootRef: t"), "")), None)
    };
    assert_eq!(judged(&archive, with("").unwrap(), None), admitted());
    for part in ["rekor.pub", "ctfe.pub", "fulcio_intermediate.crt.pem"] {
        let found = judged(&archive, with(part).unwrap(), None);
        assert!(denied(&found, "keyless"), "{part}: {found:?}");
    }
    let place = "policy file `policy.yaml`, line 9 (document 2): ";
    assert_eq!(
        with("fulcio.crt.pem").unwrap_err(),
        format!(
            "{place}`spec.repository` cannot be used: certificateAuthorities[0] cannot be used: the \
             last certificate is no root: it does not name itself as its issuer"
        )
    );
}

#[test]
fn a_repository_that_does_not_hold_is_refused_where_it_is_read() {
    let bench = Bench::new();
    let good = repository(&bench.sigstore);
    let wanted = policy(&keyless(", trustRootRef: t"), "");
    let refusal = |spec: &Value| {
        let error = load(&format!("{wanted}{}", trust_root("t", spec)), None).unwrap_err();
        let place = "policy file `policy.yaml`, line 9 (document 2): ";
        error.strip_prefix(place).unwrap_or_else(|| panic!("{error}")).to_owned()
    };
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut spec = inside(&good, &good.files());
        change(&mut spec["repository"]);
        refusal(&spec)
    };
    let mut expired = good.clone();
    expired.expires.insert("timestamp", "2026-05-31T00:00:00Z");
    assert_eq!(
        refusal(&inside(&expired, &expired.files())),
        "the TUF repository of `spec.repository` is refused: its metadata does not hold: timestamp \
         metadata expired at 2026-05-31T00:00:00Z"
    );
    let unsigned = good.changed(&|name, part| {
        if let ("targets", Part::Sealed(envelope)) = (name, part) {
            envelope["signatures"] = json!([]);
        }
    });
    assert_eq!(
        refusal(&inside(&good, &unsigned)),
        "the TUF repository of `spec.repository` is refused: its metadata does not hold: signature \
         threshold not met for role targets: 0/1 valid signatures"
    );
    let no_root = Repository::new(&[("trusted_root.json", br#"{"mediaType":"x"}"#)]);
    assert_eq!(
        refusal(&inside(&no_root, &no_root.files())),
        "the target `trusted_root.json` of `spec.repository` cannot be used: the mediaType is `x`, \
         not a trusted root's"
    );
    let empty = Repository::new(&[("other.txt", b"x")]);
    assert_eq!(
        refusal(&inside(&empty, &empty.files())),
        "the TUF repository of `spec.repository` lists no target `trusted_root.json`"
    );
    assert_eq!(
        changed(&|spec| spec["trustedRootTarget"] = json!("other.json")),
        "the TUF repository of `spec.repository` lists no target `other.json`"
    );
    assert_eq!(
        changed(&|spec| spec["targets"] = json!("elsewhere")),
        format!(
            "the TUF repository of `spec.repository` is refused: the repository holds no \
             `elsewhere/{}.trusted_root.json`",
            Digest::sha256(&compact(&bench.sigstore.trusted_root())).hex()
        )
    );
    assert_eq!(
        changed(&|spec| spec["mirrorFS"] = json!(base64(b"no gzip at all"))),
        "`spec.repository.mirrorFS` cannot be unpacked: it is no tar in gzip: invalid gzip header"
    );
    assert_eq!(
        changed(&|spec| spec["mirrorFS"] = json!("?")),
        "`spec.repository.mirrorFS` is no base64"
    );
    let refused = "policy-controller refuses it: ";
    assert_eq!(
        changed(&|spec| spec["root"] = json!("e30=")),
        format!(
            "{refused}invalid value: missing signatures in root.json: spec.repository.root\n\
             no signatures"
        )
    );
    assert_eq!(
        refusal(&json!({ "repository": {} })),
        format!(
            "{refused}missing field(s): spec.repository.repository, spec.repository.root, \
             spec.repository.targets"
        )
    );
    assert_eq!(
        refusal(&json!({ "remote": {} })),
        format!("{refused}missing field(s): spec.remote.mirror, spec.remote.root")
    );
}

/// What an authority names no `TrustRoot` for is of the root that is given.
#[test]
fn trust_is_mixed_as_it_is_named() {
    let current = ValidFor { start: time("2025-01-01T00:00:00Z"), end: None };
    let mut bench = Bench::new();
    let archive = bench.keyless(|_, _| {});
    let world = &bench.sigstore;
    let another = VirtualSigstore::new("another world");
    let authorities = |world: &VirtualSigstore| {
        let mut root = trusted_root::empty();
        root["certificateAuthorities"] =
            json!([trusted_root::certificate_authority(&world.fulcio, current)]);
        root["ctlogs"] = json!([trusted_root::ct_log(&world.ct_log, current)]);
        root
    };
    let logs = |world: &VirtualSigstore| {
        let mut root = trusted_root::empty();
        root["tlogs"] = json!([trusted_root::rekor(&world.rekor, current)]);
        root
    };
    let by_log = format!("{}, ctlog: {{trustRootRef: t}}", keyless(""));
    let by_authority =
        format!("{}, ctlog: {{url: 'https://rekor.example'}}", keyless(", trustRootRef: t"));
    let of_log = |world| keys(world, &["certificateAuthorities", "tLogs"]);
    let of_authority = |world| keys(world, &["certificateAuthorities", "ctLogs"]);
    let cases = [
        ("log of the TrustRoot", &by_log, of_log(world), authorities(world), true),
        ("log of another", &by_log, of_log(&another), authorities(world), false),
        ("authority of another", &by_log, of_log(world), authorities(&another), false),
        ("authority of the TrustRoot", &by_authority, of_authority(world), logs(world), true),
        ("authority of another", &by_authority, of_authority(&another), logs(world), false),
        ("log of another", &by_authority, of_authority(world), logs(&another), false),
    ];
    for (what, authority, spec, given, is_met) in cases {
        let wanted = format!("{}{}", policy(authority, ""), trust_root("t", &spec));
        let policies = load(&wanted, None).unwrap();
        let why = PolicySet::new(policies.clone()).unwrap().needs_trusted_root();
        let borrowed = if authority == &by_log {
            "certificates are judged by its authorities"
        } else {
            "an entry of a transparency log is demanded"
        };
        assert_eq!(why, Some(borrowed), "{what}");
        let found = judged(&archive, policies, Some(&given));
        assert!(
            if is_met { found.is_empty() } else { denied(&found, "keyless") },
            "{what}: {found:?}"
        );
    }
}

#[test]
fn a_timestamp_is_of_the_trust_root_that_is_named_for_it() {
    let mut bench = Bench::new();
    let stamp = |signature: &mut LegacySignature, by: &VirtualSigstore| {
        signature.entry = None;
        signature.timestamp =
            Some(by.tsa.stamp(&signature.signature, time(support::bench::SIGNED)));
    };
    let stamped = bench.keyless(stamp);
    let another = VirtualSigstore::new("another world");
    let by_another = bench.keyless(|signature, _| stamp(signature, &another));
    let logged = bench.keyless(|_, _| {});
    let given = bench.sigstore.trusted_root();
    let spec = keys(&bench.sigstore, &["timestampAuthorities"]);
    let authority = format!("{}, rfc3161timestamp: {{trustRootRef: t}}", keyless(""));
    let wanted = format!("{}{}", policy(&authority, ""), trust_root("t", &spec));
    let judged = |archive: &[u8]| judged(archive, load(&wanted, None).unwrap(), Some(&given));
    assert_eq!(judged(&stamped), admitted());
    for (what, archive) in [("stamped by another", by_another), ("logged alone", logged)] {
        let found = judged(&archive);
        assert!(denied(&found, "keyless"), "{what}: {found:?}");
    }
    // By key, too; no log and no authority has a say.
    let keyed_stamped = bench.keyed(|signature| {
        let tsa = VirtualSigstore::new(support::demo::SEED).tsa;
        signature.timestamp = Some(tsa.stamp(&signature.signature, time(support::bench::SIGNED)));
    });
    let keyed_alone = bench.keyed(|_| {});
    let authority = format!("{}, rfc3161timestamp: {{trustRootRef: t}}", keyed(""));
    let wanted = format!("{}{}", policy(&authority, ""), trust_root("t", &spec));
    let judged = |archive: &[u8]| self::judged(archive, load(&wanted, None).unwrap(), None);
    assert_eq!(judged(&keyed_stamped), admitted());
    let found = judged(&keyed_alone);
    assert!(denied(&found, "key"), "{found:?}");
}

#[test]
fn of_signature_format_bundle_bundles_count_alone() {
    let mut bench = Bench::new();
    let given = bench.sigstore.trusted_root();
    let bundle = bench.signed(|_, _| {});
    let legacy = bench.keyless(|_, _| {});
    let wanted = policy(&format!("{}, signatureFormat: bundle", keyless("")), "");
    let judged = |archive: &[u8]| judged(archive, load(&wanted, None).unwrap(), Some(&given));
    assert_eq!(judged(&bundle), admitted());
    let found = judged(&legacy);
    assert!(denied(&found, "keyless"), "{found:?}");
}

/// `spec.policy` in Rego, with what else it asks for.
fn result_policy(asked: &str, rego: &str) -> String {
    let rego = rego.replace('"', "\\\"");
    format!(
        "  policy: {{type: rego, {asked}data: \"package sigstore\\nisCompliant {{ {rego} }}\"}}\n"
    )
}

#[test]
fn a_policy_over_the_result_is_shown_the_configuration() {
    let mut bench = Bench::new();
    let archive = bench.keyed(|_| {});
    let entrypoint = r#"input.config["linux/amd64"].config.Entrypoint[0] == "/tiny""#;
    let refused = "failed evaluating rego policy for type ClusterImagePolicy: policy is not compliant \
                   for query 'isCompliant = data.sigstore.isCompliant'";
    let cases = [
        ("fetchConfigFile: true, ", entrypoint.to_owned(), admitted()),
        ("fetchConfigFile: true, ", entrypoint.replace("tiny", "other"), vec![refused.to_owned()]),
        ("", entrypoint.to_owned(), vec![refused.to_owned()]),
        ("fetchConfigFile: true, ", "count(input.config) == 1".to_owned(), admitted()),
    ];
    for (asked, rego, wanted) in cases {
        let policies = load(&policy(&keyed(""), &result_policy(asked, &rego)), None).unwrap();
        assert_eq!(judged(&archive, policies, None), wanted, "{asked}{rego}");
    }
}

#[test]
fn a_policy_over_the_result_is_shown_the_digest_of_an_attestation() {
    let mut bench = Bench::new();
    let statement = bench.provenance();
    let mut layer = Vec::new();
    let archive =
        bench.keyed_attestation(&statement, |attestation| attestation.bytes.clone_into(&mut layer));
    let wanted = "attestations: [{name: built, predicateType: 'https://slsa.dev/provenance/v1'}]";
    let authority = format!("{}, {wanted}", keyed(""));
    let shown = |digest: &str| {
        format!("input.authorityMatches.a.attestations.built[0].digest == \"{digest}\"")
    };
    let right = Digest::sha256(&layer).to_string();
    let wrong = Digest::sha256(b"another layer").to_string();
    for (digest, is_met) in [(right, true), (wrong, false)] {
        let policies =
            load(&policy(&authority, &result_policy("", &shown(&digest))), None).unwrap();
        assert_eq!(judged(&archive, policies, None).is_empty(), is_met);
    }
    // A signature has none, as in policy-controller.
    let archive = bench.keyed(|_| {});
    let none = "input.authorityMatches.a.signatures[0].id; not input.authorityMatches.a.signatures[0].digest";
    let policies = load(&policy(&keyed(""), &result_policy("", none)), None).unwrap();
    assert_eq!(judged(&archive, policies, None), admitted());
    // Of a bundle there is no layer that policy-controller would name.
    let given = bench.sigstore.trusted_root();
    let bundled = bench.stated(&statement, |_, _| {});
    let authority = format!("{}, {wanted}, signatureFormat: bundle", keyless(""));
    let none = "input.authorityMatches.a.attestations.built[0].id; not input.authorityMatches.a.attestations.built[0].digest";
    let policies = load(&policy(&authority, &result_policy("", none)), None).unwrap();
    assert_eq!(judged(&bundled, policies, Some(&given)), admitted());
}

/// policy-controller knows SHA-256 alone; an archive may name an image by its SHA-512.
#[test]
fn an_image_by_its_sha512_is_judged_by_what_is_signed_of_it() {
    let mut bench = Bench::new();
    let digest = Digest::of(Algorithm::Sha512, &bench.image.manifest);
    let signer = Signer::key(bench.key(KeyKind::P256));
    let mut with = |signed: &Digest| {
        let payload = evidence::simple_signing(REPOSITORY, signed);
        let signature = bench.at().sign(&signer, &payload, Log::None);
        let mut layout = bench.layout();
        let [manifest] = layout.manifests.as_mut_slice() else { panic!("one image") };
        manifest["digest"] = json!(digest.to_string());
        let path = format!("blobs/sha512/{}", digest.hex());
        layout.metadata.insert(path, bench.image.manifest.clone());
        let tag = evidence::signature_tag(&digest);
        let directory = tempfile::tempdir().unwrap();
        layout
            .tagged(&evidence::manifest(&[signature.layer()]), &tag)
            .write(directory.path())
            .unwrap();
        let archive = Archive::open(directory.path(), &Limits::default()).unwrap();
        judged_in(&archive, load(&policy(&keyed(""), ""), None).unwrap(), None)
    };
    assert_eq!(with(&digest), admitted());
    let found = with(&Digest::of(Algorithm::Sha512, b"another"));
    assert!(denied(&found, "key"), "{found:?}");
}

/// A log entry that is promised is enough for an attestation of either authority.
#[test]
fn attestations_are_judged_by_the_repository_too() {
    let mut bench = Bench::new();
    let archive = bench.keyless_attestation(AttestationLog::Dsse001);
    let repository = repository(&bench.sigstore);
    let root = trust_root("t", &inside(&repository, &repository.files()));
    let wanted = "attestations: [{name: built, predicateType: 'https://slsa.dev/provenance/v1'}]";
    let authority = format!("{}, {wanted}", keyless(", trustRootRef: t"));
    let policies = load(&format!("{}{root}", policy(&authority, "")), None).unwrap();
    assert_eq!(judged(&archive, policies, None), admitted());
}
