//! Whole transfers against registries that misbehave, fault by fault: the transfer completes, or
//! ends with the error of the table and leaves nothing that looks whole; run again against the
//! same registry in health, it gives the bytes of a run that nothing disturbed.
//!
//! Each fault meets the command without retries, for its words and its exit status, and the library
//! with five, for what survives and how long is waited.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sealift::archive::ArchiveWriter;
use sealift::digest::Digest;
use sealift::inventory::Name;
use sealift::limits::Limits;
use sealift::net::Retries;
use sealift::oci::MediaType;
use sealift::transfer::{Error, Plan, Platforms, Request, Settings, Unwatched, into_archive};
use serde_json::json;
use tempfile::TempDir;

use crate::mirror::{ADMIT_ALL, mirror_far};
use crate::server::{Answer, Asked, Handler, Manner, Server};
use crate::store::{Api, Store};
use crate::{descriptor, patient, registry_by, told, transport};

const LAYER_BYTES: usize = 300_000;

/// A misbehaviour.
struct Fault {
    name: &'static str,
    steps: &'static [Step],
    /// What comes of a run without retries.
    alone: Outcome,
    /// What comes of a run with five, and the pauses it makes.
    patient: (Outcome, &'static [u64]),
}

/// What befalls some requests.
struct Step {
    at: fn(&Asked, &Names) -> bool,
    times: usize,
    does: Does,
}

enum Does {
    /// Answers in the registry's place.
    Answers(fn(&Asked, &Store) -> Answer),
    /// Closes the connection after so many bytes of what is sent.
    Cuts(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Completes,
    /// With this error.
    Fails(&'static str),
    /// With this error and hint.
    FailsHinting(&'static str, &'static str),
    /// With the error of the run without retries.
    AsAlone,
}

use Outcome::{AsAlone, Completes, Fails, FailsHinting};

const fn once(at: fn(&Asked, &Names) -> bool, does: fn(&Asked, &Store) -> Answer) -> Step {
    times(1, at, does)
}

const fn always(at: fn(&Asked, &Names) -> bool, does: fn(&Asked, &Store) -> Answer) -> Step {
    times(usize::MAX, at, does)
}

const fn times(
    times: usize,
    at: fn(&Asked, &Names) -> bool,
    does: fn(&Asked, &Store) -> Answer,
) -> Step {
    Step { at, times, does: Does::Answers(does) }
}

const fn cut(at: fn(&Asked, &Names) -> bool, bytes: usize) -> Step {
    Step { at, times: 1, does: Does::Cuts(bytes) }
}

/// The digests of the image, for the table.
#[derive(Clone)]
struct Names(BTreeMap<&'static str, Digest>);

impl Names {
    fn is(&self, asked: &Asked, method: &str, name: &str) -> bool {
        asked.method == method && asked.target.contains(&self.0[name].hex())
    }

    /// A text with names in the place of digests and numbers that only this run has.
    fn short(&self, text: &str) -> String {
        let text = self.0.iter().fold(text.to_owned(), |text, (name, digest)| {
            text.replace(&digest.to_string(), name)
                .replace(&format!("sha256-{}", digest.hex()), name)
        });
        let text = marked(&text, "sha256:", "OTHER", |c| c.is_ascii_hexdigit());
        marked(&text, "/uploads/", "/uploads/UPLOAD", |c| c.is_ascii_digit())
    }
}

/// `text` with `by` for each `mark` and what of `kind` follows it, if anything does.
fn marked(text: &str, mark: &str, by: &str, kind: fn(char) -> bool) -> String {
    let mut parts = text.split(mark);
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |text, part| match part.trim_start_matches(kind) {
        rest if rest.len() == part.len() => format!("{text}{mark}{part}"),
        rest => format!("{text}{by}{rest}"),
    })
}

/// A registry that misbehaves while it is armed.
struct Faulty {
    store: Store,
    names: Names,
    /// The steps, and how many requests each may still befall.
    armed: Mutex<Vec<(&'static Step, usize)>>,
}

impl Faulty {
    /// The step that befalls a request.
    fn strike(&self, asked: &Asked, wanted: fn(&Does) -> bool) -> Option<&'static Does> {
        let mut armed = self.armed.lock().unwrap();
        let (step, left) = armed.iter_mut().find(|(step, left)| {
            *left > 0 && wanted(&step.does) && (step.at)(asked, &self.names)
        })?;
        *left -= 1;
        Some(&step.does)
    }

    fn arm(&self, steps: &'static [Step]) {
        *self.armed.lock().unwrap() = steps.iter().map(|step| (step, step.times)).collect();
    }
}

impl Handler for Faulty {
    fn intake(&self, asked: &Asked) -> Option<usize> {
        match self.strike(asked, |does| matches!(does, Does::Cuts(_)))? {
            Does::Cuts(bytes) => Some(*bytes),
            Does::Answers(_) => None,
        }
    }

    fn broke_off(&self, asked: &Asked) {
        self.store.broke_off(asked);
    }

    fn answer(&self, asked: &Asked) -> Answer {
        match self.strike(asked, |does| matches!(does, Does::Answers(_))) {
            Some(Does::Answers(answer)) => answer(asked, &self.store),
            Some(Does::Cuts(_)) | None => self.store.answer(asked),
        }
    }
}

/// An image with a large layer, a signature under its tag and two referrers.
fn fill(store: &Store) -> Names {
    // Bytes without a period, so that none can stand for another.
    let mut state = 1_u32;
    let layer: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    })
    .take(LAYER_BYTES)
    .collect();
    let put = |layer: &[u8], subject: Option<(&Digest, usize)>, tag: Option<String>| {
        store.put_blob("app", b"{}");
        store.put_blob("app", layer);
        let mut document = json!({
            "schemaVersion": 2,
            "mediaType": MediaType::OCI_MANIFEST,
            "artifactType": "application/vnd.example",
            "config": descriptor(MediaType::OCI_EMPTY, b"{}"),
            "layers": [descriptor("application/octet-stream", layer)],
        });
        if let Some((digest, size)) = subject {
            document["subject"] =
                json!({"mediaType": MediaType::OCI_MANIFEST, "digest": digest, "size": size});
        }
        let bytes = serde_json::to_vec(&document).unwrap();
        let digest = Digest::sha256(&bytes);
        let at = tag.unwrap_or_else(|| digest.to_string());
        store.put_manifest("app", &at, MediaType::OCI_MANIFEST, &bytes);
        (digest, bytes.len())
    };
    let (image, size) = put(&layer, None, Some("v1".to_owned()));
    let sig = put(b"signature", None, Some(format!("sha256-{}.sig", image.hex()))).0;
    let one = put(b"bundle", Some((&image, size)), None).0;
    let two = put(b"proof", Some((&image, size)), None).0;
    Names(BTreeMap::from([
        ("IMAGE", image),
        ("LAYER", Digest::sha256(&layer)),
        ("CONFIG", Digest::sha256(b"{}")),
        ("SIG", sig),
        ("PAYLOAD", Digest::sha256(b"signature")),
        ("BUNDLE", one),
        ("PROOF", two),
    ]))
}

/// A command as a user runs it.
struct Run {
    status: i32,
    said: String,
}

fn run(arguments: &[&str], server: &Server, names: &Names, home: &Path) -> Run {
    let output = Command::new(env!("CARGO_BIN_EXE_sealift"))
        .args(arguments)
        .args(["--plain-http", "--retries", "0", "--concurrency", "1", "--no-progress"])
        .env_clear()
        .env("HOME", home)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap().replace(&server.host(), "HOST");
    let said = names.short(&said.replace(&home.display().to_string(), "DIR"));
    Run { status: output.status.code().unwrap(), said: without_races(&said) }
}

/// How the system names a connection that is gone depends on who was faster.
fn without_races(said: &str) -> String {
    ["io: Connection reset by peer (os error 104)", "io: Broken pipe (os error 32)"]
        .iter()
        .chain(&["io: Peer disconnected", "Peer disconnected"])
        .fold(said.to_owned(), |said, gone| said.replace(gone, "GONE"))
}

impl Run {
    #[track_caller]
    fn check(&self, expected: Outcome, name: &str) {
        let (status, said) = match expected {
            Completes => (0, String::new()),
            Fails(said) if said.starts_with("cannot look up evidence ") => {
                (2, format!("error: {said}\nhint: {LOOKUP_HINT}"))
            }
            Fails(said) => (2, format!("error: {said}")),
            FailsHinting(said, hint) => (2, format!("error: {said}\nhint: {hint}")),
            AsAlone => panic!("{name}: only the other run can end like this one"),
        };
        assert_eq!((self.status, self.said.trim_end()), (status, said.as_str()), "{name}");
    }
}

/// Retries that wait for nothing and remember for how long they would have.
fn noted() -> (Retries, Arc<Mutex<Vec<u64>>>) {
    let waited: Arc<Mutex<Vec<u64>>> = Arc::default();
    let note = Arc::clone(&waited);
    let wait = move |pause: Duration, _: &sealift::net::Error| {
        note.lock().unwrap().push(pause.as_secs());
    };
    (Retries { count: 5, wait: Arc::new(wait) }, waited)
}

struct Place {
    directory: TempDir,
    server: Server,
    faulty: Arc<Faulty>,
}

impl Place {
    fn new() -> Self {
        let store = Store::new(Api::Paged(1));
        let names = fill(&store);
        let faulty = Arc::new(Faulty { store, names, armed: Mutex::default() });
        let server = Server::of(Arc::clone(&faulty) as Arc<dyn Handler>);
        Self { directory: tempfile::tempdir().unwrap(), server, faulty }
    }

    /// With the archive to mirror and a policy that admits it; the registry is empty and has no
    /// referrers API.
    fn with_archive() -> Self {
        let place = Self::new();
        place.export("in.tar").check(Completes, "the archive");
        std::fs::write(place.path("policy.yaml"), ADMIT_ALL).unwrap();
        *place.faulty.store.api.lock().unwrap() = Api::Without;
        place.faulty.store.clear();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.directory.path()).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    fn export(&self, name: &str) -> Run {
        let (image, output) = (format!("{}/app:v1", self.server.host()), self.path(name));
        let arguments = ["export", &image, "-o", output.to_str().unwrap()];
        run(&arguments, &self.server, &self.faulty.names, self.directory.path())
    }

    fn export_patiently(&self, retries: &Retries) -> Result<(), Error> {
        let registry = patient(&self.server, None, &Limits::default(), retries);
        let repository = registry.repository("app");
        let name = format!("{}/app:v1", self.server.host()).parse().unwrap();
        let requests = [Request {
            source: &repository,
            name: Some(Name::Reference(name)),
            digest: None,
            locked: None,
            platforms: Platforms::default(),
        }];
        let settings = Settings { concurrency: 1, limits: Limits::default(), time: None };
        let plan = Plan::make(&requests, &settings, &Unwatched)?;
        let writer = ArchiveWriter::create(&self.path("out.tar")).unwrap();
        into_archive(&plan, writer, 1, &Unwatched).map(drop)
    }

    /// What a transfer that was tried again came to, and the pauses.
    #[track_caller]
    fn check_patient(&self, fault: &Fault, outcome: Result<(), Error>, waited: &Mutex<Vec<u64>>) {
        let (expected, pauses) = fault.patient;
        let expected = if expected == AsAlone { fault.alone } else { expected };
        let expected = match expected {
            Completes => Ok(()),
            Fails(said) | FailsHinting(said, _) => Err(said.to_owned()),
            AsAlone => panic!("{}: nothing is like itself", fault.name),
        };
        let said = outcome
            .map_err(|error| without_races(&self.faulty.names.short(&told(error, &self.server))));
        assert_eq!((said, waited.lock().unwrap().as_slice()), (expected, pauses), "{}", fault.name);
    }

    fn mirror(&self) -> Run {
        self.mirror_with(&[])
    }

    fn mirror_with(&self, more: &[&str]) -> Run {
        let to = format!("{}/far", self.server.host());
        let (archive, policy) = (self.path("in.tar"), self.path("policy.yaml"));
        let [archive, policy] = [&archive, &policy].map(|path| path.to_str().unwrap());
        let arguments = [&["mirror", archive, "--policy", policy, "--to", &to], more].concat();
        run(&arguments, &self.server, &self.faulty.names, self.directory.path())
    }

    /// What was sent of the layer since so many requests: method, range and bytes.
    fn sent(&self, before: usize) -> Vec<(String, String, usize)> {
        let asked = self.server.asked().split_off(before);
        let of_layer = asked.iter().filter(|asked| {
            let names = &self.faulty.names;
            is_upload(asked, names) || is_rest(asked, names) || is_status(asked, names)
        });
        of_layer
            .map(|asked| {
                let range = asked.header("content-range").unwrap_or("-").to_owned();
                (asked.method.clone(), range, asked.body.len())
            })
            .collect()
    }
}

fn is_tag(asked: &Asked, _: &Names) -> bool {
    asked.line() == "GET /v2/app/manifests/v1"
}
fn is_layer(asked: &Asked, names: &Names) -> bool {
    names.is(asked, "GET", "LAYER")
}
fn is_sig(asked: &Asked, names: &Names) -> bool {
    names.is(asked, "GET", "IMAGE") && asked.target.contains(".sig")
}
fn is_referrers(asked: &Asked, names: &Names) -> bool {
    names.is(asked, "GET", "IMAGE") && asked.target.contains("/referrers/")
}
fn is_second_page(asked: &Asked, names: &Names) -> bool {
    is_referrers(asked, names) && asked.target.contains("?page=")
}

fn is_payload(asked: &Asked, names: &Names) -> bool {
    names.is(asked, "GET", "PAYLOAD")
}

/// A refusal in the spec's words.
fn refusal(status: u16, code: &str, message: &str) -> Answer {
    let body = json!({"errors": [{"code": code, "message": message}]});
    Answer::new(status).body("application/json", body.to_string())
}

fn busy(_: &Asked, _: &Store) -> Answer {
    refusal(429, "TOOMANYREQUESTS", "slow down")
}

fn unavailable(_: &Asked, _: &Store) -> Answer {
    Answer::new(503)
}

fn silent(asked: &Asked, store: &Store) -> Answer {
    store.answer(asked).manner(Manner::Silent)
}

fn slow(asked: &Asked, store: &Store) -> Answer {
    store.answer(asked).manner(Manner::Slow)
}

fn endless(asked: &Asked, store: &Store) -> Answer {
    store.answer(asked).manner(Manner::Endless)
}

fn broken_at_70000(asked: &Asked, store: &Store) -> Answer {
    store.answer(asked).manner(Manner::BrokenAfter(70_000))
}

fn with_a_flipped_bit(asked: &Asked, store: &Store) -> Answer {
    let mut answer = store.answer(asked);
    *answer.body.last_mut().unwrap() ^= 1;
    answer
}

fn without_ranges(asked: &Asked, store: &Store) -> Answer {
    let mut asked = asked.clone();
    asked.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("range"));
    store.answer(&asked)
}

fn length_told(length: usize) -> impl Fn(&Asked, &Store) -> Answer {
    move |asked, store| store.answer(asked).header("Content-Length", length.to_string())
}

const LIMITED: &str = "it limits requests: log in, lower `--concurrency`, or come back later";
/// What helps where a lookup failed and nothing better is known.
const LOOKUP_HINT: &str = "come back when the registry answers; what may be lost is named, with the reason, in a file for `--evidence-exceptions`";
const LAYER_BROKE_OFF: Outcome =
    Fails("cannot read LAYER of HOST/app: the answer of HOST/app@LAYER broke off: GONE");
const SIG_UNANSWERED: Outcome = Fails(
    "cannot look up evidence (sig-tag) of HOST/app@IMAGE: no answer to GET http://HOST/v2/app/manifests/IMAGE.sig: GONE",
);

const EXPORT: &[Fault] = &[
    Fault {
        name: "the image's manifest breaks off",
        steps: &[once(is_tag, |asked, store| store.answer(asked).manner(Manner::BrokenAfter(9)))],
        alone: Fails(
            "cannot resolve HOST/app:v1: the answer of http://HOST/v2/app/manifests/v1 broke off: GONE",
        ),
        patient: (Completes, &[1]),
    },
    Fault {
        name: "a lookup is not answered",
        steps: &[once(is_sig, silent)],
        alone: SIG_UNANSWERED,
        patient: (Completes, &[1]),
    },
    Fault {
        name: "a lookup is never answered",
        steps: &[always(is_sig, silent)],
        alone: SIG_UNANSWERED,
        patient: (AsAlone, &[1, 2, 4, 8, 16]),
    },
    Fault {
        name: "a layer breaks off before its first byte",
        steps: &[once(is_layer, |asked, store| store.answer(asked).manner(Manner::BrokenAfter(0)))],
        alone: LAYER_BROKE_OFF,
        patient: (Completes, &[1]),
    },
    Fault {
        name: "a layer breaks off before its last byte",
        steps: &[once(is_layer, |asked, store| {
            store.answer(asked).manner(Manner::BrokenAfter(LAYER_BYTES - 1))
        })],
        alone: LAYER_BROKE_OFF,
        patient: (Completes, &[1]),
    },
    Fault {
        name: "a layer breaks off again and again",
        steps: &[times(4, is_layer, broken_at_70000)],
        alone: LAYER_BROKE_OFF,
        patient: (Completes, &[1, 2, 4, 8]),
    },
    Fault {
        name: "a layer breaks off where ranges are not known",
        steps: &[once(is_layer, broken_at_70000), once(is_layer, without_ranges)],
        alone: LAYER_BROKE_OFF,
        patient: (Completes, &[1]),
    },
    Fault {
        name: "a layer goes on with other bytes",
        steps: &[once(is_layer, broken_at_70000), once(is_layer, with_a_flipped_bit)],
        alone: LAYER_BROKE_OFF,
        patient: (
            Fails(
                "cannot write the archive: a blob cannot be written: blob LAYER holds other bytes, of the digest OTHER",
            ),
            &[1],
        ),
    },
    Fault {
        name: "a layer goes on at another place",
        steps: &[
            once(is_layer, broken_at_70000),
            once(is_layer, |asked, store| {
                let mut answer = store.answer(asked);
                answer.headers.retain(|(name, _)| name != "Content-Range");
                answer.header("Content-Range", "bytes 69999-299999/300000")
            }),
        ],
        alone: LAYER_BROKE_OFF,
        patient: (
            Fails(
                "cannot read LAYER of HOST/app: the answer of http://HOST/v2/app/blobs/LAYER has no valid `content-range` header",
            ),
            &[1],
        ),
    },
    Fault {
        name: "a layer cannot go on",
        steps: &[once(is_layer, broken_at_70000), once(is_layer, |_, _| Answer::new(416))],
        alone: LAYER_BROKE_OFF,
        patient: (
            Fails(
                "cannot read LAYER of HOST/app: GET http://HOST/v2/app/blobs/LAYER was answered with 416",
            ),
            &[1],
        ),
    },
    Fault {
        name: "a layer comes slowly",
        steps: &[always(is_layer, slow)],
        alone: Completes,
        patient: (Completes, &[]),
    },
    Fault {
        name: "a layer is another",
        steps: &[once(is_layer, with_a_flipped_bit)],
        alone: Fails(
            "cannot write the archive: a blob cannot be written: blob LAYER holds other bytes, of the digest OTHER",
        ),
        patient: (AsAlone, &[]),
    },
    Fault {
        name: "a layer is told to be shorter",
        steps: &[once(is_layer, |asked, store| length_told(1000)(asked, store))],
        alone: Fails(
            "cannot read LAYER of HOST/app: http://HOST/v2/app/blobs/LAYER holds 1000 bytes where 300000 were promised",
        ),
        patient: (AsAlone, &[]),
    },
    Fault {
        name: "a layer never ends",
        steps: &[once(is_layer, endless)],
        alone: Fails(
            "cannot write the archive: a blob cannot be written: blob LAYER has 300001 bytes, its descriptor says 300000",
        ),
        patient: (AsAlone, &[]),
    },
    Fault {
        name: "a part that was not asked for",
        steps: &[once(is_layer, |asked, store| Answer { status: 206, ..store.answer(asked) })],
        alone: Fails(
            "cannot read LAYER of HOST/app: GET http://HOST/v2/app/blobs/LAYER was answered with 206",
        ),
        patient: (AsAlone, &[]),
    },
    Fault {
        name: "a manifest never ends",
        steps: &[once(is_sig, endless)],
        alone: Fails(
            "cannot look up evidence (sig-tag) of HOST/app@IMAGE: the answer of http://HOST/v2/app/manifests/IMAGE.sig is larger than 4194304 bytes",
        ),
        patient: (AsAlone, &[]),
    },
    Fault {
        name: "a manifest is told to be shorter",
        steps: &[once(is_tag, |asked, store| length_told(1)(asked, store))],
        alone: Fails(
            "cannot resolve HOST/app:v1: http://HOST/v2/app/manifests/v1 promised IMAGE and sent OTHER",
        ),
        patient: (AsAlone, &[]),
    },
    Fault {
        name: "a manifest is not its digest header's",
        steps: &[once(is_tag, with_a_flipped_bit)],
        alone: Fails(
            "cannot resolve HOST/app:v1: http://HOST/v2/app/manifests/v1 promised IMAGE and sent OTHER",
        ),
        patient: (AsAlone, &[]),
    },
    Fault {
        name: "429",
        steps: &[once(is_tag, busy)],
        alone: FailsHinting(
            "cannot resolve HOST/app:v1: GET http://HOST/v2/app/manifests/v1 was answered with 429: TOOMANYREQUESTS: slow down",
            LIMITED,
        ),
        patient: (Completes, &[1]),
    },
    Fault {
        name: "429, and again in so many seconds",
        steps: &[always(is_tag, |asked, store| busy(asked, store).header("Retry-After", "7"))],
        alone: FailsHinting(
            "cannot resolve HOST/app:v1: GET http://HOST/v2/app/manifests/v1 was answered with 429: TOOMANYREQUESTS: slow down, to be asked again in 7 s",
            LIMITED,
        ),
        patient: (AsAlone, &[7, 7, 7, 7, 7]),
    },
    Fault {
        name: "429, and again at a time",
        steps: &[once(is_tag, |_, _| {
            Answer::new(429)
                .header("Date", "Sun, 06 Nov 1994 08:49:37 GMT")
                .header("Retry-After", "Sun, 06 Nov 1994 08:50:07 GMT")
        })],
        alone: FailsHinting(
            "cannot resolve HOST/app:v1: GET http://HOST/v2/app/manifests/v1 was answered with 429, to be asked again in 30 s",
            LIMITED,
        ),
        patient: (Completes, &[30]),
    },
    Fault {
        name: "429, and again in an hour",
        steps: &[always(is_tag, |_, _| Answer::new(429).header("Retry-After", "3600"))],
        alone: FailsHinting(
            "cannot resolve HOST/app:v1: GET http://HOST/v2/app/manifests/v1 was answered with 429, to be asked again in 3600 s",
            LIMITED,
        ),
        patient: (AsAlone, &[]),
    },
    Fault {
        name: "500 to a list of referrers",
        steps: &[once(is_referrers, |_, _| Answer::new(500))],
        alone: Fails(
            "cannot look up evidence (referrers-api) of HOST/app@IMAGE: GET http://HOST/v2/app/referrers/IMAGE was answered with 500",
        ),
        patient: (Completes, &[1]),
    },
    Fault {
        name: "502 to its second page, twice",
        steps: &[times(2, is_second_page, |_, _| Answer::new(502))],
        alone: Fails(
            "cannot look up evidence (referrers-api) of HOST/app@IMAGE: GET http://HOST/v2/app/referrers/IMAGE was answered with 502",
        ),
        patient: (Completes, &[1, 2]),
    },
    Fault {
        name: "404 to its second page",
        steps: &[once(is_second_page, |_, _| Answer::new(404))],
        alone: Fails(
            "cannot look up evidence (referrers-api) of HOST/app@IMAGE: GET http://HOST/v2/app/referrers/IMAGE was answered with 404",
        ),
        patient: (AsAlone, &[]),
    },
    Fault {
        name: "its second page is the first, for ever",
        steps: &[always(is_second_page, |asked, store| {
            let first = Asked { target: asked.target.replace("?page=1", ""), ..asked.clone() };
            store.answer(&first)
        })],
        alone: Fails(
            "cannot look up evidence (referrers-api) of HOST/app@IMAGE: the list at HOST/app/referrers/IMAGE exceeds 1000 pages",
        ),
        patient: (AsAlone, &[]),
    },
    Fault {
        name: "it leaves some out",
        steps: &[once(is_referrers, |asked, store| {
            store.answer(asked).header("OCI-Filters-Applied", "artifactType")
        })],
        alone: Fails(
            "cannot look up evidence (referrers-api) of HOST/app@IMAGE: http://HOST/v2/app/referrers/IMAGE lists only referrers that pass a filter (`artifactType`), and all were asked for",
        ),
        patient: (AsAlone, &[]),
    },
    Fault {
        name: "its next page is elsewhere",
        steps: &[once(is_referrers, |_, _| {
            let index =
                json!({"schemaVersion": 2, "mediaType": MediaType::OCI_INDEX, "manifests": []});
            let answer = Answer::new(200).body(MediaType::OCI_INDEX, index.to_string());
            answer.header("Link", "<http://elsewhere.example/>; rel=\"next\"")
        })],
        alone: Fails(
            "cannot look up evidence (referrers-api) of HOST/app@IMAGE: http://HOST/v2/app/referrers/IMAGE sends us to a place we do not go: the next page is at another host",
        ),
        patient: (AsAlone, &[]),
    },
    Fault {
        name: "503 to a layer",
        steps: &[once(is_layer, unavailable)],
        alone: Fails(
            "cannot read LAYER of HOST/app: GET http://HOST/v2/app/blobs/LAYER was answered with 503",
        ),
        patient: (Completes, &[1]),
    },
    Fault {
        name: "504 to what a signature signs",
        steps: &[once(is_payload, |_, _| Answer::new(504))],
        alone: Fails(
            "cannot read PAYLOAD of HOST/app: GET http://HOST/v2/app/blobs/PAYLOAD was answered with 504",
        ),
        patient: (Completes, &[1]),
    },
    Fault {
        name: "403 to a lookup",
        steps: &[once(is_sig, |_, _| refusal(403, "DENIED", "not you"))],
        alone: Fails(
            "cannot look up evidence (sig-tag) of HOST/app@IMAGE: GET http://HOST/v2/app/manifests/IMAGE.sig was answered with 403: DENIED: not you",
        ),
        patient: (AsAlone, &[]),
    },
    Fault {
        name: "401",
        steps: &[once(is_layer, |_, _| Answer::new(401).header("WWW-Authenticate", "Basic"))],
        alone: FailsHinting(
            "cannot read LAYER of HOST/app: HOST refuses access to `app`: no auth file has credentials for it",
            "log in with docker or podman, or give the file of credentials by `--authfile`",
        ),
        patient: (AsAlone, &[]),
    },
    Fault {
        name: "a redirect in circles",
        steps: &[always(is_layer, |asked, _| {
            Answer::new(307).header("Location", asked.target.clone())
        })],
        alone: Fails(
            "cannot read LAYER of HOST/app: http://HOST/v2/app/blobs/LAYER redirects more than 5 times",
        ),
        patient: (AsAlone, &[]),
    },
    Fault {
        name: "a redirect to a host that is not there",
        steps: &[always(is_layer, |_, _| {
            Answer::new(307).header("Location", "http://127.0.0.1:1/layer?signature=secret")
        })],
        alone: Fails(
            "cannot read LAYER of HOST/app: no answer to GET http://127.0.0.1:1/layer: io: Connection refused (os error 111)",
        ),
        patient: (AsAlone, &[]),
    },
    Fault {
        name: "a redirect to something else",
        steps: &[always(is_layer, |_, _| {
            Answer::new(307).header("Location", "file:///etc/passwd")
        })],
        alone: Fails(
            "cannot read LAYER of HOST/app: http://HOST/v2/app/blobs/LAYER sends us to a place we do not go: it is no URL",
        ),
        patient: (AsAlone, &[]),
    },
];

fn is_put(asked: &Asked, names: &Names, name: &str) -> bool {
    names.is(asked, "PUT", name) && asked.target.contains("/manifests/")
}
fn is_upload(asked: &Asked, names: &Names) -> bool {
    names.is(asked, "PUT", "LAYER") && asked.target.contains("/uploads/")
}
fn is_rest(asked: &Asked, _: &Names) -> bool {
    asked.method == "PATCH"
}
fn is_status(asked: &Asked, _: &Names) -> bool {
    asked.method == "GET" && asked.target.contains("/uploads/")
}
fn is_begin(asked: &Asked, _: &Names) -> bool {
    asked.method == "POST"
}
fn is_question(asked: &Asked, names: &Names) -> bool {
    names.is(asked, "HEAD", "LAYER")
}
fn is_far_tag(asked: &Asked, _: &Names) -> bool {
    asked.line() == "PUT /v2/far/app/manifests/v1"
}
fn is_fallback(asked: &Asked, names: &Names) -> bool {
    asked.target.ends_with(&format!("/sha256-{}", names.0["IMAGE"].hex()))
}

const UPLOAD_UNANSWERED: Outcome = Fails(
    "cannot push LAYER to far/app: no answer to PUT http://HOST/v2/far/app/blobs/uploads/UPLOAD: GONE",
);

const MIRROR: &[Fault] = &[
    Fault {
        name: "an upload breaks off at once",
        steps: &[cut(is_upload, 0)],
        alone: UPLOAD_UNANSWERED,
        patient: (Completes, &[1]),
    },
    Fault {
        name: "an upload breaks off",
        steps: &[cut(is_upload, 200_000)],
        alone: UPLOAD_UNANSWERED,
        patient: (Completes, &[1]),
    },
    Fault {
        name: "an upload breaks off before its last byte",
        steps: &[cut(is_upload, LAYER_BYTES - 1)],
        alone: UPLOAD_UNANSWERED,
        patient: (Completes, &[1]),
    },
    Fault {
        name: "the rest of an upload breaks off as well",
        steps: &[cut(is_upload, 100_000), cut(is_rest, 50_000), cut(is_rest, 50_000)],
        alone: UPLOAD_UNANSWERED,
        // Each part that arrives is progress, and begins the count anew.
        patient: (Completes, &[1, 1, 1]),
    },
    Fault {
        name: "an upload that breaks off is forgotten",
        steps: &[cut(is_upload, 200_000), once(is_status, |_, _| Answer::new(404))],
        alone: UPLOAD_UNANSWERED,
        patient: (Completes, &[1]),
    },
    Fault {
        name: "nobody says how far an upload came",
        steps: &[cut(is_upload, 200_000), once(is_status, unavailable)],
        alone: UPLOAD_UNANSWERED,
        patient: (Completes, &[1]),
    },
    Fault {
        name: "an upload came further than its end",
        steps: &[
            cut(is_upload, 200_000),
            once(is_status, |_, _| Answer::new(204).header("Range", "0-300000")),
        ],
        alone: UPLOAD_UNANSWERED,
        patient: (Completes, &[1]),
    },
    Fault {
        name: "an upload came less far than is told",
        steps: &[
            cut(is_upload, 200_000),
            once(is_status, |_, _| Answer::new(204).header("Range", "0-299999")),
        ],
        alone: UPLOAD_UNANSWERED,
        patient: (Completes, &[1]),
    },
    Fault {
        name: "the rest of an upload is refused",
        steps: &[cut(is_upload, 200_000), once(is_rest, |_, _| Answer::new(416))],
        alone: UPLOAD_UNANSWERED,
        patient: (Completes, &[1]),
    },
    Fault {
        name: "chunks have a least length",
        steps: &[
            once(is_begin, |asked, store| {
                store.answer(asked).header("OCI-Chunk-Min-Length", "1000000")
            }),
            cut(is_upload, 200_000),
        ],
        alone: UPLOAD_UNANSWERED,
        patient: (Completes, &[1]),
    },
    Fault {
        name: "the answer to an upload is lost",
        steps: &[once(is_upload, silent)],
        alone: UPLOAD_UNANSWERED,
        patient: (Completes, &[1]),
    },
    Fault {
        name: "503 to an upload",
        steps: &[once(is_upload, unavailable)],
        alone: Fails(
            "cannot push LAYER to far/app: PUT http://HOST/v2/far/app/blobs/uploads/UPLOAD was answered with 503",
        ),
        patient: (Completes, &[1]),
    },
    Fault {
        name: "an upload is too large",
        steps: &[always(is_upload, |_, _| Answer::new(413))],
        alone: FailsHinting(
            "cannot push LAYER to far/app: PUT http://HOST/v2/far/app/blobs/uploads/UPLOAD was answered with 413",
            "it, or a proxy before it, takes no request of this size: send blobs in chunks with `--upload-chunk-size 32MiB`, or change its settings",
        ),
        patient: (AsAlone, &[]),
    },
    Fault {
        name: "an upload arrives as something else",
        steps: &[once(is_upload, |asked, store| {
            let mut asked = asked.clone();
            asked.body[0] ^= 1;
            store.answer(&asked)
        })],
        alone: Fails(
            "cannot push LAYER to far/app: PUT http://HOST/v2/far/app/blobs/uploads/UPLOAD was answered with 400: DIGEST_INVALID: other bytes",
        ),
        patient: (AsAlone, &[]),
    },
    Fault {
        name: "an upload is stored as something else",
        steps: &[once(is_upload, |_, _| {
            let other = Digest::sha256(b"{}").to_string();
            Answer::new(201).header("Docker-Content-Digest", other)
        })],
        alone: Fails(
            "cannot push LAYER to far/app: http://HOST/v2/far/app/blobs/uploads/UPLOAD promised LAYER and sent CONFIG",
        ),
        patient: (AsAlone, &[]),
    },
    Fault {
        name: "an upload is sent elsewhere",
        steps: &[once(is_upload, |_, _| {
            Answer::new(307).header("Location", "http://elsewhere.example/")
        })],
        alone: Fails(
            "cannot push LAYER to far/app: http://HOST/v2/far/app/blobs/uploads/UPLOAD sends us to a place we do not go: an upload cannot be redirected",
        ),
        patient: (AsAlone, &[]),
    },
    Fault {
        name: "401 in the middle of an upload",
        steps: &[once(is_upload, |_, _| Answer::new(401).header("WWW-Authenticate", "Basic"))],
        alone: FailsHinting(
            "cannot push LAYER to far/app: HOST refuses access to `far/app`: no auth file has credentials for it",
            "log in with docker or podman, or give the file of credentials by `--authfile`",
        ),
        patient: (AsAlone, &[]),
    },
    Fault {
        name: "500 to the question for a blob",
        steps: &[once(is_question, |_, _| Answer::new(500))],
        alone: Fails(
            "cannot ask for LAYER in far/app: HEAD http://HOST/v2/far/app/blobs/LAYER was answered with 500",
        ),
        patient: (Completes, &[1]),
    },
    Fault {
        name: "a blob of that digest has another size",
        steps: &[once(is_question, |_, _| Answer::new(200).header("Content-Length", "7"))],
        alone: Fails(
            "cannot ask for LAYER in far/app: http://HOST/v2/far/app/blobs/LAYER holds 7 bytes where 300000 were promised",
        ),
        // Asked when it is pushed, for the library asked nothing before.
        patient: (
            Fails(
                "cannot push LAYER to far/app: http://HOST/v2/far/app/blobs/LAYER holds 7 bytes where 300000 were promised",
            ),
            &[],
        ),
    },
    Fault {
        name: "an upload cannot begin for now",
        steps: &[times(2, is_begin, |asked, store| busy(asked, store).header("Retry-After", "0"))],
        alone: FailsHinting(
            "cannot push PAYLOAD to far/app: POST http://HOST/v2/far/app/blobs/uploads/ was answered with 429: TOOMANYREQUESTS: slow down, to be asked again in 0 s",
            LIMITED,
        ),
        patient: (Completes, &[0, 0]),
    },
    Fault {
        name: "an upload has no place",
        steps: &[once(is_begin, |_, _| Answer::new(202))],
        alone: Fails(
            "cannot push PAYLOAD to far/app: the answer of http://HOST/v2/far/app/blobs/uploads/ has no valid `location` header",
        ),
        patient: (AsAlone, &[]),
    },
    Fault {
        name: "an upload has a place we do not go",
        steps: &[once(is_begin, |_, _| Answer::new(202).header("Location", "ftp://x.example/"))],
        alone: Fails(
            "cannot push PAYLOAD to far/app: http://HOST/v2/far/app/blobs/uploads/ sends us to a place we do not go: it is neither HTTP nor HTTPS",
        ),
        patient: (AsAlone, &[]),
    },
    Fault {
        name: "500 to the image's manifest",
        steps: &[once(|asked, names| is_put(asked, names, "IMAGE"), |_, _| Answer::new(500))],
        alone: Fails(
            "cannot push HOST/far/app@IMAGE: PUT http://HOST/v2/far/app/manifests/IMAGE was answered with 500",
        ),
        patient: (Completes, &[1]),
    },
    Fault {
        name: "the image's manifest is not allowed",
        steps: &[once(
            |asked, names| is_put(asked, names, "IMAGE"),
            |_, _| refusal(400, "MANIFEST_INVALID", "no"),
        )],
        alone: Fails(
            "cannot push HOST/far/app@IMAGE: PUT http://HOST/v2/far/app/manifests/IMAGE was answered with 400: MANIFEST_INVALID: no",
        ),
        patient: (AsAlone, &[]),
    },
    Fault {
        name: "the answer to a signature is lost",
        steps: &[once(
            |asked, names| is_put(asked, names, "IMAGE") && asked.target.contains(".sig"),
            silent,
        )],
        alone: Fails(
            "cannot push HOST/far/app:IMAGE.sig: no answer to PUT http://HOST/v2/far/app/manifests/IMAGE.sig: GONE",
        ),
        patient: (Completes, &[1]),
    },
    Fault {
        name: "503 to a referrer",
        steps: &[once(|asked, names| is_put(asked, names, "BUNDLE"), unavailable)],
        alone: Fails(
            "cannot push HOST/far/app@BUNDLE: PUT http://HOST/v2/far/app/manifests/BUNDLE was answered with 503",
        ),
        patient: (Completes, &[1]),
    },
    Fault {
        name: "500 to the question for referrers",
        steps: &[once(is_referrers, |_, _| Answer::new(500))],
        alone: Fails(
            "cannot list the referrers of HOST/far/app@IMAGE: GET http://HOST/v2/far/app/referrers/IMAGE was answered with 500",
        ),
        patient: (Completes, &[1]),
    },
    Fault {
        name: "the fallback tag is not answered for",
        steps: &[once(is_fallback, silent)],
        alone: Fails(
            "cannot list the referrers of HOST/far/app@IMAGE: no answer to GET http://HOST/v2/far/app/manifests/IMAGE: GONE",
        ),
        patient: (Completes, &[1]),
    },
    Fault {
        name: "the fallback tag cannot be written",
        steps: &[always(
            |asked, names| is_fallback(asked, names) && asked.method == "PUT",
            |_, _| refusal(405, "UNSUPPORTED", "tags are immutable"),
        )],
        alone: Fails(
            "cannot list the referrers of HOST/far/app@IMAGE: PUT http://HOST/v2/far/app/manifests/IMAGE was answered with 405: UNSUPPORTED: tags are immutable",
        ),
        patient: (AsAlone, &[]),
    },
    Fault {
        name: "429 to the tag",
        steps: &[once(is_far_tag, busy)],
        alone: FailsHinting(
            "cannot push HOST/far/app:v1: PUT http://HOST/v2/far/app/manifests/v1 was answered with 429: TOOMANYREQUESTS: slow down",
            LIMITED,
        ),
        patient: (Completes, &[1]),
    },
    Fault {
        name: "everything comes slowly",
        steps: &[always(|_, _| true, slow)],
        alone: Completes,
        patient: (Completes, &[]),
    },
];

#[test]
fn exports_complete_or_leave_nothing() {
    let place = Place::new();
    let output = place.path("out.tar");
    place.export("out.tar").check(Completes, "undisturbed");
    let undisturbed = std::fs::read(&output).unwrap();
    let check_whole = |name: &str| {
        assert!(std::fs::read(&output).unwrap() == undisturbed, "{name}: other bytes");
        std::fs::remove_file(&output).unwrap();
    };
    check_whole("undisturbed");
    let check_left = |outcome: bool, name: &str| {
        if outcome {
            check_whole(name);
        }
        assert_eq!(place.files(), [""; 0], "{name}");
        place.faulty.arm(&[]);
        place.export("out.tar").check(Completes, name);
        check_whole(name);
    };
    for fault in EXPORT {
        place.faulty.arm(fault.steps);
        let run = place.export("out.tar");
        run.check(fault.alone, fault.name);
        check_left(run.status == 0, fault.name);
        place.faulty.arm(fault.steps);
        let (retries, waited) = noted();
        let outcome = place.export_patiently(&retries);
        let is_complete = outcome.is_ok();
        place.check_patient(fault, outcome, &waited);
        check_left(is_complete, fault.name);
    }
}

#[test]
fn mirrors_complete_or_tag_nothing() {
    let place = Place::with_archive();
    let store = &place.faulty.store;
    place.mirror().check(Completes, "undisturbed");
    let undisturbed = store.held.lock().unwrap().clone();
    assert!(undisturbed.manifests.contains_key(&("far/app".to_owned(), "v1".to_owned())));
    let check_left = |is_complete: bool, name: &str| {
        store.check_tags();
        if is_complete {
            assert!(*store.held.lock().unwrap() == undisturbed, "{name}: not the same");
        }
        assert_eq!(store.tags().contains(&"v1".to_owned()), is_complete, "{name}");
        place.faulty.arm(&[]);
        place.mirror().check(Completes, name);
        assert!(*store.held.lock().unwrap() == undisturbed, "{name}: not the same when run again");
        store.clear();
    };
    store.clear();
    for fault in MIRROR {
        place.faulty.arm(fault.steps);
        let run = place.mirror();
        run.check(fault.alone, fault.name);
        check_left(run.status == 0, fault.name);
        place.faulty.arm(fault.steps);
        let (retries, waited) = noted();
        let registry = patient(&place.server, None, &Limits::default(), &retries);
        let outcome = mirror_far(&registry, &place.path("in.tar")).map(drop);
        let is_complete = outcome.is_ok();
        place.check_patient(fault, outcome, &waited);
        check_left(is_complete, fault.name);
    }
}

/// Whoever asks by the tag finds all of it, though the mirror does not know.
#[test]
fn a_tag_whose_answer_is_lost_names_what_is_whole() {
    let place = Place::with_archive();
    place.faulty.arm(const { &[once(is_far_tag, silent)] });
    let said =
        "cannot push HOST/far/app:v1: no answer to PUT http://HOST/v2/far/app/manifests/v1: GONE";
    place.mirror().check(Fails(said), "the tag");
    place.faulty.store.check_tags();
    let before = place.faulty.store.held.lock().unwrap().clone();
    place.mirror().check(Completes, "again");
    assert!(*place.faulty.store.held.lock().unwrap() == before);
}

/// What arrived is not sent again.
#[test]
fn an_upload_goes_on_where_it_broke_off() {
    let place = Place::with_archive();
    place.faulty.arm(const { &[cut(is_upload, 200_000), cut(is_rest, 50_000)] });
    let (retries, _) = noted();
    let registry = patient(&place.server, None, &Limits::default(), &retries);
    let before = place.server.asked().len();
    mirror_far(&registry, &place.path("in.tar")).unwrap();
    assert_eq!(
        place.sent(before),
        [
            part("PUT", "-", 200_000),
            part("GET", "-", 0),
            part("PATCH", "200000-299999", 50_000),
            part("GET", "-", 0),
            part("PATCH", "250000-299999", 50_000),
            part("PUT", "-", 0),
        ]
    );
}

fn part(method: &str, range: &str, bytes: usize) -> (String, String, usize) {
    (method.to_owned(), range.to_owned(), bytes)
}

fn is_large(asked: &Asked, _: &Names) -> bool {
    asked.body.len() > 131_072
}
fn is_second_chunk(asked: &Asked, _: &Names) -> bool {
    asked.header("content-range") == Some("131072-262143")
}

/// A blob larger than a chunk goes in several, a smaller one at once.
#[test]
fn uploads_in_chunks() {
    let place = Place::with_archive();
    let store = &place.faulty.store;
    place.mirror().check(Completes, "at once");
    let undisturbed = store.held.lock().unwrap().clone();
    let check_sent = |name: &str, before: usize, expected: &[(String, String, usize)]| {
        assert_eq!(place.sent(before), expected, "{name}");
        assert!(*store.held.lock().unwrap() == undisturbed, "{name}");
        store.clear();
    };
    let in_chunks = |size: &str, expected: &[(String, String, usize)]| {
        store.clear();
        let before = place.server.asked().len();
        place.mirror_with(&["--upload-chunk-size", size]).check(Completes, size);
        check_sent(size, before, expected);
    };
    let first = part("PATCH", "0-131071", 131_072);
    let end = part("PUT", "-", 0);
    let thirds = [
        first.clone(),
        part("PATCH", "131072-262143", 131_072),
        part("PATCH", "262144-299999", 37_856),
        end.clone(),
    ];
    in_chunks("128KiB", &thirds);
    in_chunks("300KB", &[part("PUT", "-", LAYER_BYTES)]);
    // A registry that wants larger ones.
    place.faulty.arm(
        const {
            &[always(is_begin, |asked, store| {
                store.answer(asked).header("OCI-Chunk-Min-Length", "200000")
            })]
        },
    );
    let halves =
        [part("PATCH", "0-199999", 200_000), part("PATCH", "200000-299999", 100_000), end.clone()];
    in_chunks("64KiB", &halves);
    // A proxy that takes no larger request.
    place.faulty.arm(const { &[always(is_large, |_, _| Answer::new(413))] });
    let refused = "cannot push LAYER to far/app: PUT http://HOST/v2/far/app/blobs/uploads/UPLOAD was answered with 413";
    let hint = "it, or a proxy before it, takes no request of this size: send blobs in chunks with `--upload-chunk-size 32MiB`, or change its settings";
    place.mirror().check(FailsHinting(refused, hint), "at once");
    in_chunks("128KiB", &thirds);
    // A line that breaks in the second.
    place.faulty.arm(const { &[cut(is_second_chunk, 50_000)] });
    let (retries, waited) = noted();
    let transport = transport(&retries).in_chunks(Some("128KiB".parse().unwrap()));
    let registry = registry_by(&place.server, None, &Limits::default(), &transport);
    let before = place.server.asked().len();
    mirror_far(&registry, &place.path("in.tar")).unwrap();
    let broken = [
        first,
        part("PATCH", "131072-262143", 50_000),
        part("GET", "-", 0),
        part("PATCH", "181072-299999", 118_928),
        end,
    ];
    check_sent("a line that breaks", before, &broken);
    assert_eq!(*waited.lock().unwrap(), [1]);
    // A registry that says of a chunk that there is nothing to say, as crane's does.
    place.faulty.arm(
        const { &[always(is_rest, |asked, store| Answer { status: 204, ..store.answer(asked) })] },
    );
    in_chunks("128KiB", &thirds);
    // A registry that takes none.
    place.faulty.arm(const { &[always(is_rest, |_, _| Answer::new(405))] });
    let refused = "cannot push LAYER to far/app: PATCH http://HOST/v2/far/app/blobs/uploads/UPLOAD was answered with 405";
    place.mirror_with(&["--upload-chunk-size", "128KiB"]).check(Fails(refused), "no chunks");
    assert_eq!(store.tags(), [""; 0]);
}
