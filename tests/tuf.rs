//! TUF repositories: what is signed, in time and whole is believed, and whatever is changed is told.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops where its repository is not as it must be"
)]

mod support;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Arc;

use sealift::digest::Digest;
use sealift::limits::Limits;
use sealift::tuf;
use serde_json::{Value, json};

use support::key::Key;
use support::tuf::{Delegated, NOW, Part, Repository, gzip, id, packed};
use support::{time, told};

const TARGET: &[u8] = b"whom to trust\n";

type Files = BTreeMap<String, Vec<u8>>;

fn repository() -> Repository {
    Repository::new(&[("trusted_root.json", TARGET), ("folder/other.txt", b"other\n")])
}

/// The target of `files`, judged at a time.
fn target_at(files: Files, root: &[u8], now: &str, name: &str) -> Result<Option<Vec<u8>>, String> {
    let limits = Limits::default();
    tuf::Repository::verify(Arc::new(files), "targets", root, time(now), &limits)
        .and_then(|mut repository| repository.target(name))
        .map_err(|error| told(&error))
}

fn target(files: Files, name: &str) -> Result<Option<Vec<u8>>, String> {
    target_at(files, &repository().root(), NOW, name)
}

#[test]
fn what_is_signed_is_believed() {
    let repository = repository();
    for consistent in [true, false] {
        let repository = Repository { consistent, ..repository.clone() };
        for (name, bytes) in [
            ("trusted_root.json", Some(TARGET)),
            ("folder/other.txt", Some(b"other\n")),
            ("none", None),
        ] {
            let found = target_at(repository.files(), &repository.root(), NOW, name);
            assert_eq!(found, Ok(bytes.map(<[u8]>::to_vec)), "{name}, consistent: {consistent}");
        }
    }
}

#[test]
fn keys_have_two_spellings_and_names_of_any_kind() {
    // `tuf-on-ci` writes the scheme as the type, and gives keys fields of its own.
    let respelled = |name: &str, part: Part<'_>| {
        if let (true, Part::Signed(signed)) = (name.ends_with("root"), part) {
            for key in signed["keys"].as_object_mut().unwrap().values_mut() {
                key["x-tuf-on-ci-keyowner"] = json!("@somebody");
                if key["keytype"] == "ecdsa" {
                    key["keytype"] = key["scheme"].clone();
                }
            }
        }
    };
    let files = repository().changed(&respelled);
    let root = files["1.root.json"].clone();
    assert_eq!(target_at(files, &root, NOW, "trusted_root.json"), Ok(Some(TARGET.to_vec())));
}

/// Placeholders and signatures of strangers say nothing, for or against.
#[test]
fn further_signatures_do_not_count() {
    let stranger = Key::p256("stranger");
    for further in [
        json!({ "keyid": id(&stranger), "sig": "30" }),
        json!({ "keyid": id(&repository().roles["targets"][0]), "sig": "" }),
        json!({ "keyid": "", "sig": "no hex" }),
    ] {
        let files = repository().changed(&|name, part| {
            if let ("timestamp", Part::Sealed(envelope)) = (name, part) {
                envelope["signatures"].as_array_mut().unwrap().push(further.clone());
            }
        });
        assert_eq!(target(files, "trusted_root.json"), Ok(Some(TARGET.to_vec())), "{further}");
    }
}

#[test]
fn what_expires_is_believed_until_then() {
    let roles = ["root", "timestamp", "snapshot", "targets"];
    for role in roles {
        let mut repository = repository();
        repository.expires.insert(role, "2026-06-01T00:00:00Z");
        let at = |now| target_at(repository.files(), &repository.root(), now, "trusted_root.json");
        assert_eq!(at("2026-05-31T23:59:59Z"), Ok(Some(TARGET.to_vec())), "{role}");
        let expired =
            format!("its metadata does not hold: {role} metadata expired at 2026-06-01T00:00:00Z");
        assert_eq!(at("2026-06-01T00:00:00Z"), Err(expired), "{role}");
    }
}

/// Signs nothing anew: a change of what was signed.
fn sealed(wanted: &'static str, change: fn(&mut Value)) -> impl Fn(&str, Part<'_>) {
    move |name, part| {
        if let (true, Part::Sealed(envelope)) = (name == wanted, part) {
            change(envelope);
        }
    }
}

/// A change before it is signed.
fn signed(wanted: &'static str, change: fn(&mut Value)) -> impl Fn(&str, Part<'_>) {
    move |name, part| {
        if let (true, Part::Signed(signed)) = (name == wanted, part) {
            change(signed);
        }
    }
}

fn drop_last(envelope: &mut Value) {
    envelope["signatures"].as_array_mut().unwrap().pop();
}

fn repeat_first(envelope: &mut Value) {
    let first = envelope["signatures"][0].clone();
    envelope["signatures"].as_array_mut().unwrap().push(first);
}

fn flip(envelope: &mut Value) {
    let signature = envelope["signatures"][0]["sig"].as_str().unwrap();
    let last = if signature.ends_with('0') { "1" } else { "0" };
    let flipped = format!("{}{last}", &signature[..signature.len() - 1]);
    envelope["signatures"][0]["sig"] = flipped.into();
}

fn by_a_stranger(envelope: &mut Value) {
    // A right signature under the id of a key that is not the role's.
    envelope["signatures"][0]["keyid"] = id(&Key::p256("stranger")).into();
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn what_is_changed_is_told() {
    type Change = Box<dyn Fn(&str, Part<'_>)>;
    let root_2 = "signature threshold not met for role root: 1/2 valid signatures";
    let of =
        |role: &str| format!("signature threshold not met for role {role}: 0/1 valid signatures");
    let duplicate = |role: &str| {
        let key = id(&repository().roles[role][0]);
        format!("duplicate signature key id {key} for role {role}")
    };
    let mut cases: Vec<(Change, String)> = vec![
        (Box::new(sealed("2.root", drop_last)), root_2.to_owned()),
        (Box::new(sealed("2.root", flip)), of("root")),
        (
            Box::new(signed("2.root", |root| root["version"] = json!(3))),
            "root version must increment by one: trusted 1, got 3".to_owned(),
        ),
        (
            Box::new(signed("2.root", |root| root["version"] = json!(1))),
            "root version must increment by one: trusted 1, got 1".to_owned(),
        ),
        (
            Box::new(signed("2.root", |root| root["roles"]["timestamp"]["threshold"] = json!(0))),
            "malformed metadata: role timestamp declares signature threshold 0; at least 1 is \
             required"
                .to_owned(),
        ),
        (
            Box::new(signed("2.root", |root| root["roles"]["snapshot"]["threshold"] = json!(2))),
            "signature threshold not met for role snapshot: 1/2 valid signatures".to_owned(),
        ),
        (
            Box::new(signed("timestamp", |role| role["_type"] = json!("snapshot"))),
            r#"malformed metadata: expected _type "timestamp", found "snapshot""#.to_owned(),
        ),
        (
            Box::new(signed("timestamp", |role| role["spec_version"] = json!("2.0"))),
            r#"malformed metadata: unsupported TUF spec_version "2.0" (this client implements 1.x)"#
                .to_owned(),
        ),
        (
            Box::new(signed("timestamp", |role| role["version"] = json!(1.5))),
            "canonical JSON only supports integers, found a non-integer number".to_owned(),
        ),
        (
            Box::new(signed("timestamp", |role| {
                role["meta"]["snapshot.json"]["length"] = json!(1);
            })),
            "integrity check failed: snapshot.json: length LENGTH != pinned 1".to_owned(),
        ),
        (
            Box::new(signed("timestamp", |role| {
                role["meta"]["snapshot.json"]["hashes"] = json!({ "sha256": "00" });
            })),
            "integrity check failed: snapshot.json: sha256 mismatch".to_owned(),
        ),
        (
            Box::new(signed("timestamp", |role| {
                role["meta"]["snapshot.json"]["hashes"] = json!({ "md5": "00" });
            })),
            r#"integrity check failed: snapshot.json: no supported hash algorithm to verify (["md5"])"#
                .to_owned(),
        ),
        (
            Box::new(signed("snapshot", |role| {
                role["meta"]["targets.json"]["version"] = json!(8);
            })),
            "`8.targets.json`".to_owned(),
        ),
        (
            Box::new(signed("snapshot", |role| role["meta"] = json!({}))),
            "malformed metadata: snapshot does not pin targets.json".to_owned(),
        ),
        (
            Box::new(signed("targets", |role| {
                role["targets"]["trusted_root.json"]["length"] = json!(13);
            })),
            "`targets/HASH.trusted_root.json` cannot be read: it has more than 13 bytes".to_owned(),
        ),
        (
            Box::new(signed("targets", |role| {
                role["targets"]["trusted_root.json"]["length"] = json!(15);
            })),
            "integrity check failed: trusted_root.json: length 14 != pinned 15".to_owned(),
        ),
        (
            Box::new(signed("targets", |role| {
                role["targets"]["trusted_root.json"]["length"] = json!(1_u64 << 40);
            })),
            "integrity check failed: trusted_root.json: pinned length 1099511627776 exceeds \
             configured max 4194304"
                .to_owned(),
        ),
    ];
    for role in ["timestamp", "snapshot", "targets"] {
        cases.push((Box::new(sealed(role, drop_last)), of(role)));
        cases.push((Box::new(sealed(role, flip)), of(role)));
        cases.push((Box::new(sealed(role, by_a_stranger)), of(role)));
        cases.push((Box::new(sealed(role, repeat_first)), duplicate(role)));
        let grow = |envelope: &mut Value| envelope["signed"]["version"] = json!(8);
        // The version is in what was signed, and in the pin above it.
        let told = if role == "timestamp" { of(role) } else { format!("`8.{role}.json`") };
        cases.push((Box::new(sealed(role, grow)), told));
    }
    for (number, (change, why)) in cases.into_iter().enumerate() {
        let files = repository().changed(&*change);
        let length = files["7.snapshot.json"].len().to_string();
        let hash = Digest::sha256(TARGET).hex();
        let why = why.replace("LENGTH", &length).replace("HASH", &hash);
        let why = match why.strip_prefix('`') {
            Some(rest) if why.ends_with('`') => format!("the repository holds no `{rest}"),
            Some(_) => why,
            None => format!("its metadata does not hold: {why}"),
        };
        assert_eq!(target(files, "trusted_root.json"), Err(why), "case {number}");
    }
}

/// A file that is pinned at another version than it has, by whoever may sign the pin.
#[test]
fn a_file_of_another_version_than_its_pin_is_refused() {
    for (role, above) in [("snapshot", "timestamp"), ("targets", "snapshot")] {
        let pinned = format!("{role}.json");
        let mut files = repository().changed(&|name, part| {
            if let (true, Part::Signed(signed)) = (name == above, part) {
                signed["meta"][&pinned]["version"] = json!(9);
            }
        });
        let moved = files.remove(&format!("7.{role}.json")).unwrap();
        files.insert(format!("9.{role}.json"), moved);
        let pin = if role == "snapshot" { "timestamp pin" } else { "snapshot pin" };
        let name = if role == "snapshot" { "snapshot" } else { "targets.json" };
        let why = format!(
            "its metadata does not hold: integrity check failed: {name} version 7 does not match {pin} 9"
        );
        assert_eq!(target(files, "trusted_root.json"), Err(why));
    }
}

#[test]
fn what_is_missing_or_changed_in_its_place_is_told() {
    let hash = Digest::sha256(TARGET).hex();
    let path = format!("targets/{hash}.trusted_root.json");
    for name in ["timestamp.json", "7.snapshot.json", "7.targets.json", path.as_str()] {
        let mut files = repository().files();
        files.remove(name).unwrap();
        let why = format!("the repository holds no `{name}`");
        assert_eq!(target(files, "trusted_root.json"), Err(why));
    }
    let changes: [(&str, &[u8], &str); 4] = [
        (
            path.as_str(),
            b"Whom to trust\n",
            "its metadata does not hold: integrity check failed: trusted_root.json: sha256 mismatch",
        ),
        (
            "timestamp.json",
            br#"{"signed":{},"signed":{}}"#,
            "`timestamp.json` cannot be read: the key `signed` stands twice at line 1 column 25",
        ),
        (
            "timestamp.json",
            b"[]",
            "its metadata does not hold: malformed metadata: top level is not a JSON object",
        ),
        (
            "2.root.json",
            b"",
            "`2.root.json` cannot be read: EOF while parsing a value at line 1 column 0",
        ),
    ];
    for (name, bytes, why) in changes {
        let mut files = repository().files();
        *files.get_mut(name).unwrap() = bytes.to_vec();
        assert_eq!(target(files, "trusted_root.json"), Err(why.to_owned()), "{name}");
    }
    let deep = format!("{}{}", "[".repeat(40), "]".repeat(40));
    let mut files = repository().files();
    files.insert("timestamp.json".to_owned(), deep.into_bytes());
    let why = "`timestamp.json` cannot be read: nested too deeply at line 1 column 33";
    assert_eq!(target(files, "trusted_root.json"), Err(why.to_owned()));
    let mut files = repository().files();
    files.insert("timestamp.json".to_owned(), vec![b' '; 16_385]);
    let why = "`timestamp.json` cannot be read: it has more than 16384 bytes";
    assert_eq!(target(files, "trusted_root.json"), Err(why.to_owned()));
}

/// A role below `targets` speaks for its paths alone, and with its own key.
#[test]
fn a_delegated_role_speaks_for_its_paths() {
    let targets = |names: &[&str]| {
        let target = |name: &&str| ((*name).to_owned(), (b"delegated\n".to_vec(), Value::Null));
        names.iter().map(target).collect()
    };
    let delegated = |name: &str| Delegated {
        name: name.to_owned(),
        key: Key::p256("tuf delegated"),
        paths: vec!["keys/*".to_owned()],
        targets: targets(&["keys/a", "keys/deep/b", "other"]),
    };
    for consistent in [true, false] {
        for name in ["registry", "a/b"] {
            let delegated = vec![delegated(name)];
            let repository = Repository { consistent, delegated, ..repository() };
            let found = |files: Files, target| target_at(files, &repository.root(), NOW, target);
            let files = || repository.files();
            assert_eq!(found(files(), "keys/a"), Ok(Some(b"delegated\n".to_vec())));
            assert_eq!(found(files(), "keys/deep/b"), Ok(None), "`*` does not cross a slash");
            assert_eq!(found(files(), "other"), Ok(None));
            assert_eq!(found(files(), "trusted_root.json"), Ok(Some(TARGET.to_vec())));
            let by_another = repository.changed(&|role, part| {
                if let (true, Part::Sealed(envelope)) = (role == name, part) {
                    by_a_stranger(envelope);
                }
            });
            let why = format!(
                "its metadata does not hold: signature threshold not met for role {name}: 0/1 valid \
                 signatures"
            );
            assert_eq!(found(by_another, "keys/a"), Err(why));
            let unpinned = repository.changed(&|role, part| {
                if let ("snapshot", Part::Signed(signed)) = (role, part) {
                    signed["meta"].as_object_mut().unwrap().remove(&format!("{name}.json"));
                }
            });
            assert_eq!(found(unpinned, "keys/a"), Ok(None));
        }
    }
    let named_like_a_role = Repository { delegated: vec![delegated("timestamp")], ..repository() };
    assert_eq!(target(named_like_a_role.files(), "keys/a"), Ok(None));
}

/// The root that is trusted to begin with decides which chain there is.
#[test]
fn another_root_leads_to_nothing() {
    let stranger = Repository { roots: vec![vec![Key::p256("stranger")]], ..repository() };
    let why = "its metadata does not hold: signature threshold not met for role root: 0/1 valid signatures";
    let found = target_at(repository().files(), &stranger.root(), NOW, "trusted_root.json");
    assert_eq!(found, Err(why.to_owned()));
    // From the second version on there is nothing of the first to believe.
    let files = repository().files();
    let second = files["2.root.json"].clone();
    let found = target_at(files, &second, NOW, "trusted_root.json");
    assert_eq!(found, Ok(Some(TARGET.to_vec())));
    let why = "`root` cannot be read: EOF while parsing an object at line 1 column 1";
    let found = target_at(repository().files(), b"{", NOW, "trusted_root.json");
    assert_eq!(found, Err(why.to_owned()));
}

#[test]
fn names_do_not_lead_out() {
    let mut repository = Repository { consistent: false, ..repository() };
    for name in ["../secret", "/etc/passwd", "a//b", "./a", r"a\b"] {
        repository.targets.insert(name.to_owned(), (b"x".to_vec(), Value::Null));
        let found = target_at(repository.files(), &repository.root(), NOW, name);
        let path = format!("targets/{name}").escape_debug().to_string();
        let why = format!("`{path}` is no name of a file inside the repository");
        assert_eq!(found, Err(why));
    }
}

#[test]
fn a_repository_is_unpacked_within_bounds() {
    let limits = Limits::default();
    let files = repository().files();
    assert_eq!(tuf::unpack(&packed(&files), &limits).unwrap(), files);

    let small = Limits { tuf_repository_bytes: 1024, ..limits };
    let link = |kind: tar::EntryType| {
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(kind);
        header.set_size(0);
        tar.append_data(&mut header, "repository/root.json", &b""[..]).unwrap();
        gzip(&tar.into_inner().unwrap())
    };
    let member = |name: &str| {
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_ustar();
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(1);
        header.set_cksum();
        tar.append(&header, &b"x"[..]).unwrap();
        tar.into_inner().unwrap()
    };
    let twice = [&member("root.json")[..1024], &member("repository/./root.json")].concat();
    let cut = &member("root.json")[..512];
    let cases: [(Vec<u8>, &str); 7] = [
        (b"PK".to_vec(), "it is no tar in gzip: unexpected end of file"),
        (b"no gzip at all".to_vec(), "it is no tar in gzip: invalid gzip header"),
        (packed(&files), "it unpacks to more than 1024 bytes"),
        (link(tar::EntryType::Symlink), "`root.json` is neither a file nor a folder"),
        (gzip(&member("../root.json")), "`../root.json` leads out of the repository"),
        (gzip(&twice), "`root.json` stands in it twice"),
        (gzip(cut), "`root.json` is cut short"),
    ];
    for (bytes, why) in cases {
        let caps = if why.contains("1024") { &small } else { &limits };
        let refusal = tuf::unpack(&bytes, caps).unwrap_err();
        assert_eq!(told(&refusal), why);
    }
    // A bomb is not unpacked further than the cap.
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..64 {
        bomb.write_all(&vec![0; 1 << 20]).unwrap();
    }
    let refusal = tuf::unpack(&bomb.finish().unwrap(), &limits).unwrap_err();
    assert_eq!(told(&refusal), "it unpacks to more than 16777216 bytes");
}
