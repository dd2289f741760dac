//! Who we are, and who is told.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::server::{Answer, Asked, Server};
use crate::{descriptor, manifest, ok_manifest, registry, told};

fn auth_file(server: &Server, user: &str) -> String {
    let auth = STANDARD.encode(format!("{user}:secret"));
    format!(r#"{{"auths":{{"{}":{{"auth":"{auth}"}}}}}}"#, server.host())
}

fn basic(user: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:secret")))
}

fn authorizations(server: &Server) -> Vec<Option<String>> {
    let asked = server.asked();
    asked.iter().map(|asked| asked.header("authorization").map(str::to_owned)).collect()
}

fn wants_basic(user: &'static str) -> impl Fn(&Asked) -> Answer {
    move |asked| {
        if asked.header("authorization") == Some(&basic(user)) {
            ok_manifest(&manifest("a"))
        } else {
            Answer::new(401).header("WWW-Authenticate", "Basic realm=\"r\"")
        }
    }
}

#[test]
fn basic_credentials_are_sent_when_asked_for_and_kept() {
    let server = Server::start(wants_basic("alice"));
    let registry = registry(&server, Some(auth_file(&server, "alice")));
    let repository = registry.repository("team/app");
    assert!(repository.by_tag("v1").unwrap().is_some());
    assert!(repository.by_tag("v2").unwrap().is_some());
    let sent = Some(basic("alice"));
    assert_eq!(authorizations(&server), [None, sent.clone(), sent]);
}

#[test]
fn refused_credentials_are_an_error() {
    let server = Server::start(wants_basic("alice"));
    let asked = |auth: Option<String>| {
        let registry = registry(&server, auth);
        let error = registry.repository("team/app").by_tag("v1").unwrap_err();
        told(error, &server)
    };
    assert_eq!(
        asked(Some(auth_file(&server, "mallory"))),
        "HOST refuses access to `team/app`: it does not accept the credentials"
    );
    assert_eq!(
        asked(None),
        "HOST refuses access to `team/app`: no auth file has credentials for it"
    );
}

/// A registry with its token service: `/token` gives `T` to whoever `may` have it.
fn with_tokens(may: impl Fn(&Asked) -> bool + Send + Sync + 'static) -> Server {
    Server::start(move |asked| {
        let host = asked.header("host").unwrap_or_default();
        if asked.target.starts_with("/token") {
            return if may(asked) {
                Answer::new(200).body("application/json", r#"{"token":"T"}"#)
            } else {
                Answer::new(401)
            };
        }
        if asked.header("authorization") == Some("Bearer T") {
            return ok_manifest(&manifest("a"));
        }
        let challenge = format!(
            r#"Bearer realm="http://{host}/token",service="s",scope="repository:team/app:pull""#
        );
        Answer::new(401).header("WWW-Authenticate", challenge)
    })
}

#[test]
fn a_bearer_token_is_fetched_once_for_each_repository() {
    let server = with_tokens(|_| true);
    let registry = registry(&server, None);
    assert!(registry.repository("team/app").by_tag("v1").unwrap().is_some());
    assert!(registry.repository("team/app").by_tag("v2").unwrap().is_some());
    assert!(registry.repository("team/other").by_tag("v1").unwrap().is_some());
    assert_eq!(
        server.lines(),
        [
            "GET /v2/team/app/manifests/v1",
            "GET /token?service=s&scope=repository%3Ateam%2Fapp%3Apull",
            "GET /v2/team/app/manifests/v1",
            "GET /v2/team/app/manifests/v2",
            "GET /v2/team/other/manifests/v1",
            // What the registry asks for is added to what we ask for.
            "GET /token?service=s&scope=repository%3Ateam%2Fother%3Apull&scope=repository%3Ateam%2Fapp%3Apull",
            "GET /v2/team/other/manifests/v1",
        ]
    );
    let bearer = Some("Bearer T".to_owned());
    assert_eq!(
        authorizations(&server),
        [None, None, bearer.clone(), bearer.clone(), None, None, bearer]
    );
}

#[test]
fn the_password_goes_to_the_token_service_alone() {
    let server = with_tokens(|asked| asked.header("authorization") == Some(&basic("alice")));
    let registry = registry(&server, Some(auth_file(&server, "alice")));
    assert!(registry.repository("team/app").by_tag("v1").unwrap().is_some());
    let bearer = Some("Bearer T".to_owned());
    assert_eq!(authorizations(&server), [None, Some(basic("alice")), bearer]);
}

#[test]
fn an_identity_token_is_exchanged_by_form() {
    let server = with_tokens(|asked| {
        asked.method == "POST"
            && asked.body
                == b"grant_type=refresh_token&client_id=sealift&refresh_token=i%2Ft&scope=repository%3Ateam%2Fapp%3Apull&service=s"
    });
    let auth = format!(r#"{{"auths":{{"{}":{{"identitytoken":"i/t"}}}}}}"#, server.host());
    let registry = registry(&server, Some(auth));
    assert!(registry.repository("team/app").by_tag("v1").unwrap().is_some());
}

#[test]
fn no_token_is_an_error() {
    let server = with_tokens(|_| false);
    let registry = registry(&server, None);
    let error = registry.repository("team/app").by_tag("v1").unwrap_err();
    assert_eq!(told(error, &server), "GET http://HOST/token was answered with 401");
}

/// A registry that wants credentials and keeps its blobs with `store`.
fn redirecting(store: &Server) -> Server {
    let to = format!("http://{}/signed?key=secret", store.host());
    Server::start(move |asked| {
        if asked.header("authorization").is_some() {
            Answer::new(307).header("Location", to.clone())
        } else {
            Answer::new(401).header("WWW-Authenticate", "Basic")
        }
    })
}

#[test]
fn a_redirect_to_another_host_carries_no_credentials() {
    let blob = b"layer".to_vec();
    let layer = descriptor("application/octet-stream", &blob);
    let store = Server::start(move |_| Answer::new(200).body("x/y", blob.clone()));
    let server = redirecting(&store);
    let registry = registry(&server, Some(auth_file(&server, "alice")));
    let mut bytes = Vec::new();
    let mut reader = registry.repository("team/app").blob(&layer).unwrap();
    std::io::Read::read_to_end(&mut reader, &mut bytes).unwrap();
    assert_eq!(bytes, b"layer");
    assert_eq!(authorizations(&server), [None, Some(basic("alice"))]);
    assert_eq!(authorizations(&store), [None]);
    assert_eq!(store.lines(), ["GET /signed?key=secret"]);
}

#[test]
fn a_challenge_of_another_host_is_not_answered() {
    let store = Server::start(|_| Answer::new(401).header("WWW-Authenticate", "Basic"));
    let server = redirecting(&store);
    let registry = registry(&server, Some(auth_file(&server, "alice")));
    let layer = descriptor("application/octet-stream", b"layer");
    let Err(error) = registry.repository("team/app").blob(&layer) else { panic!("it was read") };
    // The query of a signed URL stays out of messages.
    let said = told(error, &store);
    assert_eq!(said, "GET http://HOST/signed was answered with 401");
    assert_eq!(authorizations(&store), [None]);
}

#[test]
fn redirects_end() {
    let server =
        Server::start(|asked| Answer::new(302).header("Location", format!("{}x", asked.target)));
    let registry = registry(&server, None);
    let error = registry.repository("team/app").by_tag("v1").unwrap_err();
    assert_eq!(
        told(error, &server),
        "http://HOST/v2/team/app/manifests/v1 redirects more than 5 times"
    );
    assert_eq!(server.asked().len(), 6);
}

#[test]
fn places_we_do_not_go() {
    for (location, why) in [
        ("ftp://other.example/x", "it is neither HTTP nor HTTPS"),
        ("http://alice:secret@other.example/x", "it is no URL"),
        ("http://", "it is no URL"),
    ] {
        let location = Arc::new(location.to_owned());
        let server = Server::start(move |_| Answer::new(302).header("Location", location.as_str()));
        let registry = registry(&server, None);
        let error = registry.repository("team/app").by_tag("v1").unwrap_err();
        assert_eq!(
            told(error, &server),
            format!("http://HOST/v2/team/app/manifests/v1 sends us to a place we do not go: {why}")
        );
    }
}
