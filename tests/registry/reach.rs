//! How registries are reached: proxies, credential helpers, tokens that end, repositories that do not
//! lend their blobs.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealift::digest::Digest;
use sealift::limits::Limits;
use sealift::net::{Keychain, Proxies, Registry, Retries, Scheme, Transport, TransportOptions};

use crate::mirror::{Layout, mirror_far};
use crate::server::{Answer, Asked, Handler, Server};
use crate::store::{Api, Store};
use crate::{manifest, ok_manifest, patient, told};

/// A proxy that takes every connection to `server`, and what it was asked for.
fn proxy_to(server: &Server) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, target) = (listener.local_addr().unwrap().to_string(), server.host());
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = Arc::clone(&asked);
    thread::spawn(move || {
        for client in listener.incoming() {
            let client = client.unwrap();
            let mut reader = BufReader::new(client.try_clone().unwrap());
            let mut head = Vec::new();
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                match line.trim_end() {
                    "" => break,
                    line => head.push(line.to_owned()),
                }
            }
            log.lock().unwrap().extend(
                head.into_iter()
                    .filter(|it| it.starts_with("CONNECT") || it.starts_with("Proxy-Auth")),
            );
            let (mut there, mut here) = (TcpStream::connect(&target).unwrap(), client);
            here.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
            let (mut back, mut answers) = (here, there.try_clone().unwrap());
            thread::spawn(move || std::io::copy(&mut reader, &mut there));
            thread::spawn(move || std::io::copy(&mut answers, &mut back));
        }
    });
    (address, asked)
}

fn through(proxies: Proxies, name: &str) -> Registry {
    let options =
        TransportOptions { scheme: Scheme::PlainHttp, proxies, ..TransportOptions::default() };
    let transport = Transport::new(&options).unwrap();
    Registry::new(name, &transport, &Keychain::default(), &Limits::default())
}

#[test]
fn a_proxy_is_asked_for_hosts_that_are_not_exempt() {
    let server = Server::start(|_| ok_manifest(&manifest("a")));
    let (proxy, asked) = proxy_to(&server);
    let url = format!("http://alice:s%40cret@{proxy}");
    let registry = through(Proxies::parse(Some(&url), None, None).unwrap(), "r.example");
    assert!(registry.repository("app").by_tag("v1").unwrap().is_some());
    let basic = STANDARD.encode("alice:s@cret");
    assert_eq!(
        *asked.lock().unwrap(),
        ["CONNECT r.example:80 HTTP/1.1".to_owned(), format!("Proxy-Authorization: Basic {basic}")]
    );
    assert_eq!(server.lines(), ["GET /v2/app/manifests/v1"]);
    // What is exempt, and this machine, is asked without it.
    let proxies = Proxies::parse(Some(&url), None, Some("r.invalid")).unwrap();
    let registry = through(proxies.clone(), "r.invalid");
    let error = registry.repository("app").by_tag("v1").unwrap_err();
    assert_eq!(error.to_string(), "no answer to GET http://r.invalid/v2/app/manifests/v1");
    let registry = through(proxies, &server.host());
    assert!(registry.repository("app").by_tag("v1").unwrap().is_some());
    assert_eq!(asked.lock().unwrap().len(), 2);
}

/// A registry behind a token service, whose tokens end as the test wants.
struct Guarded {
    store: Store,
    /// The token of the moment.
    serial: Mutex<usize>,
    /// What ends the token, once each.
    ends: Mutex<Vec<End>>,
}

struct End(fn(&Asked) -> bool);

impl Guarded {
    fn start(ends: Vec<End>) -> (Arc<Self>, Server) {
        let store = Store::new(Api::Without);
        let guarded = Arc::new(Self { store, serial: Mutex::new(1), ends: Mutex::new(ends) });
        let server = Server::of(Arc::clone(&guarded) as Arc<dyn Handler>);
        (guarded, server)
    }
}

impl Handler for Guarded {
    fn answer(&self, asked: &Asked) -> Answer {
        let mut serial = self.serial.lock().unwrap();
        if asked.target.starts_with("/token") {
            let token = format!(r#"{{"token":"T{serial}"}}"#);
            return Answer::new(200).body("application/json", token);
        }
        let mut ends = self.ends.lock().unwrap();
        if let Some(at) = ends.iter().position(|end| end.0(asked)) {
            ends.remove(at);
            *serial += 1;
        }
        if asked.header("authorization") == Some(&format!("Bearer T{serial}")) {
            return self.store.answer(asked);
        }
        let host = asked.header("host").unwrap();
        let challenge = format!(r#"Bearer realm="http://{host}/token",service="s""#);
        Answer::new(401).header("WWW-Authenticate", challenge)
    }
}

/// Of the blobs of an image whose layer is `layer`, the one that is sent first.
fn first_blob() -> Digest {
    Digest::sha256(b"{}").min(Digest::sha256(b"layer"))
}

fn once_more() -> Retries {
    Retries { count: 1, ..Retries::default() }
}

#[test]
fn tokens_that_end_are_fetched_anew() {
    let mut layout = Layout::default();
    let image = layout.manifest(b"layer", None);
    layout.list(image, Some("r.example/app:v1"));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("in.tar");
    layout.write(&path);
    let (guarded, server) = Guarded::start(vec![
        End(|asked| asked.method == "POST"),
        End(|asked| asked.method == "PUT" && asked.target.contains("/uploads/")),
        End(|asked| asked.target.ends_with("/manifests/v1")),
    ]);
    let registry = patient(&server, None, &Limits::default(), &once_more());
    mirror_far(&registry, &path).unwrap();
    guarded.store.check_tags();
    assert_eq!(guarded.store.tags(), ["v1"]);
    // Each is asked for once it is missed: two to read with, three to write with.
    let tokens = server.lines().into_iter().filter(|line| line.starts_with("GET /token"));
    let pull = "GET /token?service=s&scope=repository%3Afar%2Fapp%3Apull";
    let push = format!("{pull}%2Cpush");
    let mut expected = BTreeMap::new();
    for token in tokens {
        *expected.entry(token).or_insert(0) += 1;
    }
    assert_eq!(expected, BTreeMap::from([(pull.to_owned(), 2), (push, 3)]));
    // Without retries the blob that was on its way is lost.
    let ends = End(|asked| asked.method == "PUT" && asked.target.contains("/uploads/"));
    let (guarded, server) = Guarded::start(vec![ends]);
    let registry = patient(&server, None, &Limits::default(), &Retries::default());
    let error = mirror_far(&registry, &path).unwrap_err();
    assert_eq!(
        told(error, &server),
        format!(
            "cannot push {} to far/app: HOST wants another token in the middle of an upload to `far/app`",
            first_blob()
        )
    );
    assert_eq!(guarded.store.tags(), [""; 0]);
}

/// A repository that lends nothing, in the ways registries say so.
#[test]
fn a_mount_that_is_refused_becomes_an_upload() {
    let mut layout = Layout::default();
    let image = layout.manifest(b"layer", None);
    layout.list(image.clone(), Some("r.example/a:v1"));
    layout.list(image, Some("r.example/b:v1"));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("in.tar");
    layout.write(&path);
    for status in [202, 400, 401, 403, 404, 405] {
        let store = Arc::new(Store::new(Api::Without));
        let held = Arc::clone(&store);
        let server = Server::start(move |asked| {
            if !asked.target.contains("mount=") {
                return held.answer(asked);
            }
            match status {
                202 => {
                    let target = asked.target.split('?').next().unwrap().to_owned();
                    held.answer(&Asked { target, ..asked.clone() })
                }
                401 => Answer::new(401).header("WWW-Authenticate", "Basic"),
                _ => Answer::new(status),
            }
        });
        let registry = patient(&server, None, &Limits::default(), &Retries::default());
        mirror_far(&registry, &path).unwrap();
        store.check_tags();
        let sent = server.lines().into_iter().filter(|line| line.contains("digest="));
        assert_eq!((sent.count(), store.tags().len()), (4, 2), "{status}");
    }
    // A registry that stumbles over one is not one that refuses it.
    let store = Store::new(Api::Without);
    let server = Server::start(move |asked| {
        if asked.target.contains("mount=") { Answer::new(500) } else { store.answer(asked) }
    });
    let registry = patient(&server, None, &Limits::default(), &Retries::default());
    let error = mirror_far(&registry, &path).unwrap_err();
    assert_eq!(
        told(error, &server),
        format!(
            "cannot push {} to far/b: POST http://HOST/v2/far/b/blobs/uploads/ was answered with 500",
            first_blob()
        )
    );
}

/// A program on the path of the command, as docker looks for its helpers.
fn helper(directory: &Path, name: &str, script: &str) {
    let text = directory.join(name);
    std::fs::write(&text, format!("#!/bin/sh\nread -r server\n{script}\n")).unwrap();
    // A process forked by another test holds open what is being written here, and what is open for
    // writing cannot be run ("text file busy").
    let path = directory.join(format!("docker-credential-{name}"));
    let status = Command::new("install").args(["-m", "755"]).args([&text, &path]).status();
    assert!(status.unwrap().success());
}

#[test]
fn credential_helpers_are_asked() {
    let basic = format!("Basic {}", STANDARD.encode("alice:secret"));
    let server = Server::start(move |asked| {
        if asked.header("authorization") == Some(&basic) {
            // There is none, which ends the export in other words than a refusal.
            Answer::new(404)
        } else {
            Answer::new(401).header("WWW-Authenticate", "Basic")
        }
    });
    let directory = tempfile::tempdir().unwrap();
    let host = server.host();
    let gives = format!(
        r#"[ "$1 $server" = "get {host}" ] && echo '{{"ServerURL":"x","Username":"alice","Secret":"secret"}}'"#
    );
    helper(directory.path(), "gives", &gives);
    helper(directory.path(), "empty", "echo 'credentials not found in native keychain'; exit 1");
    helper(directory.path(), "locked", "echo 'the keychain is locked' >&2; exit 1");
    helper(directory.path(), "odd", "echo nonsense");
    let none = "error: cannot resolve HOST/app:v1: HOST refuses access to `app`: no auth file has \
                credentials for it\nhint: log in with docker or podman, or give the file of \
                credentials by `--authfile`\n";
    let unusable =
        "error: cannot resolve HOST/app:v1: the credentials for HOST in AUTH cannot be used";
    for (auth, said) in [
        (
            r#"{"credHelpers":{"HOST":"gives"}}"#,
            "error: there is no image HOST/app:v1\n".to_owned(),
        ),
        (r#"{"credsStore":"gives"}"#, "error: there is no image HOST/app:v1\n".to_owned()),
        (
            r#"{"auths":{"HOST":{}},"credsStore":"gives"}"#,
            "error: there is no image HOST/app:v1\n".to_owned(),
        ),
        (r#"{"credHelpers":{"HOST":"empty"},"credsStore":"gives"}"#, none.to_owned()),
        (r#"{"credHelpers":{"other.example":"gives"}}"#, none.to_owned()),
        (
            r#"{"credHelpers":{"HOST":"locked"}}"#,
            "error: cannot resolve HOST/app:v1: `docker-credential-locked`, which AUTH names for HOST, \
             failed: the keychain is locked\n"
                .to_owned(),
        ),
        (
            r#"{"credHelpers":{"HOST":"odd"}}"#,
            format!("{unusable}: Credential helper response malformed\n"),
        ),
        (
            r#"{"credHelpers":{"HOST":"absent"}}"#,
            format!("{unusable}: Unable to communicate with credential helper\n"),
        ),
    ] {
        let file = directory.path().join("auth.json");
        std::fs::write(&file, auth.replace("HOST", &host)).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_sealift"))
            .args(["export", &format!("{host}/app:v1"), "--plain-http", "--retries", "0"])
            .args(["--authfile", file.to_str().unwrap()])
            .args(["-o", directory.path().join("out.tar").to_str().unwrap()])
            .env_clear()
            .env("PATH", directory.path())
            .output()
            .unwrap();
        let found = String::from_utf8(output.stderr).unwrap().replace(&host, "HOST");
        let found = found.replace(file.to_str().unwrap(), "AUTH");
        assert_eq!((output.status.code(), found), (Some(2), said), "{auth}");
    }
}

/// Who the command says it is, with these variables and arguments: nobody where it knows no name.
fn user(server: &Server, variables: &[(&str, &Path)], more: &[&str]) -> Option<String> {
    let before = server.asked().len();
    let output = Command::new(env!("CARGO_BIN_EXE_sealift"))
        .args(["export", &format!("{}/app:v1", server.host()), "--dry-run", "--plain-http"])
        .args(["--retries", "0"])
        .args(more)
        .env_clear()
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let asked = server.asked().split_off(before);
    let sent = asked.iter().find_map(|asked| asked.header("authorization"))?;
    let decoded = STANDARD.decode(sent.strip_prefix("Basic ").unwrap()).unwrap();
    Some(String::from_utf8(decoded).unwrap().strip_suffix(":secret").unwrap().to_owned())
}

/// The first place decides, and each is reached once those before it are gone.
#[test]
fn auth_files_have_an_order() {
    let server = Server::start(|asked| match asked.header("authorization") {
        Some(_) => Answer::new(404),
        None => Answer::new(401).header("WWW-Authenticate", "Basic"),
    });
    let home = tempfile::tempdir().unwrap();
    let at = |path: &str| home.path().join(path);
    // By file: what names it, the directory or file it names, and the file itself.
    let places = [
        ("--authfile", "flag.json", "flag.json"),
        ("REGISTRY_AUTH_FILE", "variable.json", "variable.json"),
        ("DOCKER_CONFIG", "docker", "docker/config.json"),
        ("HOME", "", ".docker/config.json"),
        ("XDG_RUNTIME_DIR", "runtime", "runtime/containers/auth.json"),
        ("XDG_CONFIG_HOME", "config", "config/containers/auth.json"),
        ("HOME", "", ".config/containers/auth.json"),
    ];
    for (_, _, file) in places {
        std::fs::create_dir_all(at(file).parent().unwrap()).unwrap();
        let auth = STANDARD.encode(format!("{file}:secret"));
        let text = format!(r#"{{"auths":{{"{}":{{"auth":"{auth}"}}}}}}"#, server.host());
        std::fs::write(at(file), text).unwrap();
    }
    for first in 0..=places.len() {
        let left = &places[first..];
        let named: Vec<_> = left.iter().map(|(name, at_, _)| (*name, at(at_))).collect();
        let variables: Vec<_> = named
            .iter()
            .filter(|(name, _)| !name.starts_with("--"))
            .map(|(name, path)| (*name, path.as_path()))
            .collect();
        let flag: Vec<_> = named
            .iter()
            .filter(|(name, _)| name.starts_with("--"))
            .flat_map(|(name, path)| [*name, path.to_str().unwrap()])
            .collect();
        let expected = left.first().map(|(_, _, file)| (*file).to_owned());
        assert_eq!(user(&server, &variables, &flag), expected, "{first}");
        // What is gone is gone: `HOME` names two of them.
        if let Some((_, _, file)) = left.first() {
            std::fs::remove_file(at(file)).unwrap();
        }
    }
    // A file that knows other registries leaves the word to the next.
    std::fs::write(at("docker/config.json"), r#"{"auths":{"other.example":{}}}"#).unwrap();
    let auth = STANDARD.encode("next:secret");
    let text = format!(r#"{{"auths":{{"{}":{{"auth":"{auth}"}}}}}}"#, server.host());
    std::fs::write(at("runtime/containers/auth.json"), text).unwrap();
    let (docker, runtime) = (at("docker"), at("runtime"));
    let variables = [("DOCKER_CONFIG", docker.as_path()), ("XDG_RUNTIME_DIR", runtime.as_path())];
    assert_eq!(user(&server, &variables, &[]), Some("next".to_owned()));
    // One that is named is the only one.
    std::fs::write(at("flag.json"), "{}").unwrap();
    let flag = at("flag.json");
    assert_eq!(user(&server, &variables, &["--authfile", flag.to_str().unwrap()]), None);
}

/// The variables that programs written in Go read.
#[test]
fn proxies_are_named_by_variables() {
    let server = Server::start(|_| Answer::new(404));
    let (proxy, asked) = proxy_to(&server);
    let url = format!("http://{proxy}");
    let run = |variables: &[(&str, &str)]| {
        let output = Command::new(env!("CARGO_BIN_EXE_sealift"))
            .args(["export", "r.invalid/app:v1", "--dry-run", "--plain-http", "--retries", "0"])
            .env_clear()
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    for name in ["HTTP_PROXY", "http_proxy"] {
        let said = "error: there is no image r.invalid/app:v1\n".to_owned();
        assert_eq!(run(&[(name, &url)]), (Some(2), said), "{name}");
        assert_eq!(
            asked.lock().unwrap().drain(..).collect::<Vec<_>>(),
            ["CONNECT r.invalid:80 HTTP/1.1"]
        );
        for exempt in ["NO_PROXY", "no_proxy"] {
            let (status, said) = run(&[(name, &url), (exempt, "invalid")]);
            let begins = "error: cannot resolve r.invalid/app:v1: no answer to GET \
                          http://r.invalid/v2/app/manifests/v1: ";
            assert_eq!(status, Some(2));
            assert!(said.starts_with(begins), "{exempt}: {said}");
        }
    }
    // The other scheme's proxy is not asked.
    let (_, said) = run(&[("HTTPS_PROXY", &url)]);
    assert!(said.contains("no answer to GET"), "{said}");
    assert_eq!(*asked.lock().unwrap(), [""; 0]);
}
