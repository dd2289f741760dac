//! An archive of minted images, the trust they were signed under, and the binary that judges them.

use std::fs;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use tempfile::TempDir;

use crate::support::ca::Identity;
use crate::support::evidence::{self, Layer, Signer, signature_tag};
use crate::support::image::{AMD64, Artifact, image};
use crate::support::key::Key;
use crate::support::layout::Layout;
use crate::support::{Log, VirtualSigstore};

/// The rules of a Kubewarden policy that is asked about every pod, as both guides print them.
macro_rules! rules_for_pods {
    () => {
        "  rules:
  - apiGroups: [\"\"]
    apiVersions: [\"v1\"]
    resources: [\"pods\"]
    operations:
    - CREATE
    - UPDATE
"
    };
}
pub(crate) use rules_for_pods;

/// The issuer of every workflow of GitHub.
pub(crate) const GITHUB: &str = "https://token.actions.githubusercontent.com";

/// By whom an image is signed.
pub(crate) enum By {
    /// A certificate of this identity, logged.
    Identity(Identity),
    /// This key, logged.
    LoggedKey(Key),
    /// This key, known to no log.
    Key(Key),
}

/// Images and who signed them.
pub(crate) struct World {
    sigstore: VirtualSigstore,
    layout: Layout,
}

/// Exit status, standard output, standard error.
pub(crate) type Told = (Option<i32>, String, String);

impl World {
    pub(crate) fn new() -> Self {
        Self { sigstore: VirtualSigstore::new("recipes"), layout: Layout::default() }
    }

    /// Adds an image that nobody signed. Its digest.
    pub(crate) fn unsigned(&mut self, name: &str) -> String {
        self.named(&program(name), name)
    }

    /// Adds an image signed as cosign signs. Its digest.
    pub(crate) fn signed(&mut self, name: &str, by: By) -> String {
        self.signed_with(name, by, &[])
    }

    /// The same with annotations in the payload.
    pub(crate) fn signed_with(
        &mut self,
        name: &str,
        by: By,
        annotations: &[(&str, &str)],
    ) -> String {
        let image = program(name);
        let layer = self.layer(name, &image, by, annotations);
        let tag = signature_tag(&image.digest());
        self.layout.tagged(&evidence::manifest(&[layer]), &tag);
        self.named(&image, name)
    }

    /// Adds an image whose tag was taken from the one that was signed: that one stays, without a name.
    pub(crate) fn moved(&mut self, name: &str, by: By) -> String {
        let first = program("the image that was signed");
        let layer = self.layer(name, &first, by, &[]);
        let tag = signature_tag(&first.digest());
        self.layout.annotated(&first, &[]).tagged(&evidence::manifest(&[layer]), &tag);
        self.unsigned(name)
    }

    /// Adds an image beside which the signature of another is put.
    pub(crate) fn borrowed(&mut self, name: &str, by: By) -> String {
        let layer = self.layer(name, &program("the image that was signed"), by, &[]);
        let image = program(name);
        let tag = signature_tag(&image.digest());
        self.layout.tagged(&evidence::manifest(&[layer]), &tag);
        self.named(&image, name)
    }

    fn named(&mut self, image: &Artifact, name: &str) -> String {
        let (repository, tag) = name.rsplit_once(':').unwrap();
        self.layout.image(image, repository, tag);
        image.digest().to_string()
    }

    fn layer(&mut self, name: &str, image: &Artifact, by: By, notes: &[(&str, &str)]) -> Layer {
        let (repository, _) = name.rsplit_once(':').unwrap();
        let payload = evidence::simple_signing(repository, &image.digest());
        let notes: serde_json::Map<_, _> =
            notes.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
        let optional = if notes.is_empty() { json!(null) } else { json!(notes) };
        let payload = String::from_utf8(payload).unwrap();
        let payload = payload.replace("\"optional\":null", &format!("\"optional\":{optional}"));
        let mut at = self.sigstore.at("2026-03-01T12:00:00Z");
        let (signer, log) = match by {
            By::Identity(identity) => (at.certify(&identity), Log::Promise),
            By::LoggedKey(key) => (Signer::key(key), Log::Promise),
            By::Key(key) => (Signer::key(key), Log::None),
        };
        at.sign(&signer, payload.as_bytes(), log).layer()
    }

    /// Runs the binary where these files are, `archive.tar` and `trusted_root.json` among them, as of
    /// 2027.
    pub(crate) fn run(&self, files: &[(&str, &str)], command: &[&str]) -> Told {
        let home = self.home(files);
        let mut sealift = Command::new(env!("CARGO_BIN_EXE_sealift"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("SEALIFT_")) {
            sealift.env_remove(name);
        }
        sealift.current_dir(home.path()).args(command);
        let judges = !matches!(command, ["policy", "scaffold" | "convert", ..]);
        if judges {
            sealift.env("SEALIFT_TRUSTED_ROOT", "trusted_root.json");
            sealift.env("SEALIFT_VERIFICATION_TIME", "2027-01-01T00:00:00Z");
        }
        let output = sealift.output().unwrap();
        let [out, err] =
            [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        (output.status.code(), out, err)
    }

    /// `sealift admit` of one file of objects by one of policies.
    pub(crate) fn admit(&self, policy: &str, objects: &str) -> Told {
        let files = [("policy.yaml", policy), ("objects.yaml", objects)];
        let archive = ["--archive", "archive.tar"];
        let command = ["admit", "-f", "objects.yaml", "--policy", "policy.yaml"];
        self.run(&files, &[&command[..], &archive[..]].concat())
    }

    /// `sealift verify` by one file of policies, without what the archive and the root are called.
    pub(crate) fn verify(&self, policy: &str) -> Told {
        let files = [("policy.yaml", policy)];
        let (status, out, err) =
            self.run(&files, &["verify", "archive.tar", "--policy", "policy.yaml"]);
        (status, verdicts(&out), err)
    }

    fn home(&self, files: &[(&str, &str)]) -> TempDir {
        let home = tempfile::tempdir().unwrap();
        let root = serde_json::to_vec(&self.sigstore.trusted_root()).unwrap();
        fs::write(home.path().join("archive.tar"), self.layout.tar()).unwrap();
        fs::write(home.path().join("trusted_root.json"), root).unwrap();
        for (name, text) in files {
            fs::write(home.path().join(name), text).unwrap();
        }
        home
    }
}

/// What a report says before it says what it was judged by.
pub(crate) fn verdicts(report: &str) -> String {
    let end = report.find("judged by sealift").unwrap_or(report.len());
    report.get(..end).unwrap().to_owned()
}

/// The world of one image, and the image's digest.
pub(crate) fn world_of(make: impl FnOnce(&mut World) -> String) -> (World, String) {
    let mut world = World::new();
    let digest = make(&mut world);
    (world, digest)
}

/// A pod of one container.
pub(crate) fn pod(name: &str, image: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}\nspec:\n  containers:\n  - name: one\n    \
         image: {image}\n"
    )
}

/// An admission review that asks for such a pod.
pub(crate) fn review(name: &str, image: &str) -> String {
    let pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "name": name },
        "spec": { "containers": [{ "name": "one", "image": image }] },
    });
    let request = json!({
        "uid": "705a",
        "kind": { "group": "", "version": "v1", "kind": "Pod" },
        "operation": "CREATE",
        "object": pod,
    });
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": request,
    })
    .to_string()
}

/// The answer that puts `image` into the first container.
pub(crate) fn patched(image: &str) -> String {
    let patch =
        format!(r#"[{{"op":"replace","path":"/spec/containers/0/image","value":"{image}"}}]"#);
    let patch = STANDARD.encode(patch);
    answer(&format!(r#""allowed":true,"patchType":"JSONPatch","patch":"{patch}""#))
}

/// The answer that says no with these words.
pub(crate) fn denied(message: &str) -> String {
    let message = json!(message);
    answer(&format!(r#""allowed":false,"status":{{"message":{message},"code":403}}"#))
}

/// The last line of the talk about an object that is refused for this.
pub(crate) fn hint(code: &str) -> &'static str {
    match code {
        "policy-not-met" => {
            "hint: `sealift policy explain --image IMAGE` tells what each policy lacks\n"
        }
        "uncovered" => "hint: give a policy whose images match the name\n",
        _ => {
            "hint: set `modifyImagesWithDigest: false`, or `mutating: true`, which a group cannot have\n"
        }
    }
}

/// An answer to such a review.
pub(crate) fn answer(response: &str) -> String {
    format!(
        r#"{{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{{"uid":"705a",{response}}}}}"#
    ) + "\n"
}

/// The text with so many blanks before every line.
pub(crate) fn indented(text: &str, blanks: usize) -> String {
    text.lines().flat_map(|line| [" ".repeat(blanks), line.to_owned(), "\n".to_owned()]).collect()
}

fn program(name: &str) -> Artifact {
    image("program", AMD64, &[("program", name)])
}
