//! The *unmet*: an accepted form each, of which something is asked that it is not.

use serde_json::{Value, json};

use crate::support::accepted::{TRUSTED_ROOT, key_path};
use crate::support::bench::{Bench, KeyKind, REPOSITORY};
use crate::support::demo::pretty;
use crate::support::{base64, der, dsse};

/// An accepted form and what is asked of it.
pub struct Unmet {
    code: &'static str,
    form: &'static str,
    wrong: &'static str,
    asked: Vec<String>,
    /// A file that the arguments name, beside the code.
    file: Option<(&'static str, Vec<u8>)>,
}

impl Unmet {
    /// As the table writes it.
    pub fn json(&self) -> Value {
        let trust = ["--trusted-root", TRUSTED_ROOT].map(str::to_owned);
        let arguments = [&trust[..], &self.asked].concat();
        json!({
            "file": format!("accepted/{}.tar", self.form),
            "wrong": self.wrong,
            "arguments": arguments,
            "expected_code": self.code,
        })
    }

    /// The file and its name below `testdata/negative`.
    pub fn file(&self) -> Option<(String, Vec<u8>)> {
        let (name, bytes) = self.file.as_ref()?;
        Some((format!("{}/{name}", self.code), bytes.clone()))
    }

    fn by_flags(
        code: &'static str,
        form: &'static str,
        wrong: &'static str,
        asked: &[&[&str]],
    ) -> Self {
        let asked = asked.concat().into_iter().map(str::to_owned).collect();
        Self { code, form, wrong, asked, file: None }
    }

    fn by_policy(
        code: &'static str,
        form: &'static str,
        wrong: &'static str,
        policy: (&'static str, Vec<u8>),
    ) -> Self {
        let asked = vec!["--policy".to_owned(), format!("negative/{code}/{}", policy.0)];
        Self { code, form, wrong, asked, file: Some(policy) }
    }
}

/// Every unmet one.
pub fn unmet(bench: &Bench) -> Vec<Unmet> {
    let person = Bench::person();
    let person = [
        "--certificate-identity",
        person.subject(),
        "--certificate-oidc-issuer",
        person.issuer.as_str(),
    ];
    let p256 = key_path(KeyKind::P256);
    let roots = der::pem("CERTIFICATE", &bench.sigstore.private.root);
    let by_flags = [
        Unmet::by_flags(
            "not-a-signature",
            "bundle-v0.3-attestation",
            "an attestation, where a signature is asked for",
            &[&person],
        ),
        Unmet::by_flags(
            "not-an-attestation",
            "legacy-keyless",
            "a signature, where an attestation is asked for",
            &[&person, &["--type", dsse::SLSA_PROVENANCE]],
        ),
        Unmet::by_flags(
            "other-predicate-type",
            "bundle-v0.3-attestation",
            "an attestation of provenance, where one of vulnerabilities is asked for",
            &[&person, &["--type", "vuln"]],
        ),
        Unmet::by_flags(
            "not-by-key",
            "legacy-keyless",
            "by a certificate, where a key is asked for",
            &[&["--key", &p256]],
        ),
        Unmet::by_flags(
            "identity-mismatch",
            "legacy-keyless",
            "by the person's certificate, where another person is asked for",
            &[&["--certificate-identity", "other@sealift.example"], &person[2..]],
        ),
        Unmet::by_flags(
            "identity-mismatch",
            "legacy-keyless-workflow",
            "by a workflow of another issuer than the one asked for",
            &[&["--certificate-identity-regexp", "^https://github.com/"], &person[2..]],
        ),
        Unmet {
            file: Some(("roots.pem", roots.into_bytes())),
            ..Unmet::by_flags(
                "other-authority",
                "legacy-keyless",
                "by an authority of the trusted root, where a private one is asked for",
                &[&person, &["--ca-roots", "negative/other-authority/roots.pem"]],
            )
        },
        Unmet::by_flags(
            "no-inclusion-proof",
            "legacy-keyless",
            "with a promise of inclusion, where a proof is asked for",
            &[&person, &["--require-inclusion-proof"]],
        ),
        Unmet::by_flags(
            "annotation-mismatch",
            "legacy-keyless",
            "without an annotation that is asked for",
            &[&person, &["--annotation", "team=red"]],
        ),
    ];
    by_flags.into_iter().chain(by_policy(bench)).collect()
}

fn by_policy(bench: &Bench) -> Vec<Unmet> {
    let key = |kind| {
        let pem = bench.key(kind).public_pem().replace('\n', "\\n");
        format!("key: {{data: \"{pem}\"}}")
    };
    let person = Bench::person();
    let keyless = format!(
        "keyless: {{identities: [{{issuer: {}, subject: {}}}]}}",
        person.issuer,
        person.subject()
    );
    let yaml = |documents: &[String]| ("policy.yaml", documents.concat().into_bytes());
    let of_containers = |identity: &Value| {
        let key = base64(bench.key(KeyKind::P256).public_pem().as_bytes());
        let signed =
            json!({ "type": "sigstoreSigned", "keyData": key, "signedIdentity": identity });
        ("policy.json", pretty(&json!({ "default": [signed] })))
    };
    let provenance = format!(
        "{keyless}, attestations: [{{name: built, predicateType: {}, \
         policy: {{type: cue, data: 'predicate: buildDefinition: buildType: \"by hand\"'}}}}]",
        dsse::SLSA_PROVENANCE
    );
    vec![
        Unmet::by_policy(
            "not-by-certificate",
            "legacy-keyed",
            "by a key, where one policy asks for it and another for a certificate",
            yaml(&[
                covering("first", "**", &key(KeyKind::P256)),
                covering("second", "**", &keyless),
            ]),
        ),
        Unmet::by_policy(
            "other-key",
            "legacy-keyed",
            "by a key, where one policy asks for it and another for another key",
            yaml(&[
                covering("first", "**", &key(KeyKind::P256)),
                covering("second", "**", &key(KeyKind::P384)),
            ]),
        ),
        Unmet::by_policy(
            "not-a-bundle",
            "legacy-keyless",
            "a signature of the older kind, where a bundle is asked for",
            yaml(&[covering("bundles", "**", &format!("{keyless}, signatureFormat: bundle"))]),
        ),
        Unmet::by_policy(
            "not-compliant",
            "bundle-v0.3-attestation",
            "an attestation of another build than the one asked for",
            yaml(&[covering("build", "**", &provenance)]),
        ),
        Unmet::by_policy(
            "uncovered",
            "legacy-keyless",
            "right, and no policy is of such an image",
            yaml(&[covering("elsewhere", "registry.example/elsewhere/**", &keyless)]),
        ),
        Unmet::by_policy(
            "not-read",
            "bundle-v0.3-keyed",
            "a bundle, under a policy whose own system reads none",
            of_containers(&json!({ "type": "matchRepository" })),
        ),
        Unmet::by_policy(
            "signed-identity-mismatch",
            "legacy-keyed",
            "signed under another name than the one asked for",
            of_containers(&json!({
                "type": "exactRepository",
                "dockerRepository": format!("{REPOSITORY}/other"),
            })),
        ),
    ]
}

/// A policy of one authority.
fn covering(name: &str, glob: &str, authority: &str) -> String {
    format!(
        "---\napiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata: {{name: {name}}}\n\
         spec:\n  images: [{{glob: \"{glob}\"}}]\n  authorities: [{{{authority}}}]\n"
    )
}
