//! What is read, and what is refused: nothing but a `404` is ever "there is none".

use sealift::digest::Digest;
use sealift::inventory::ledger::LookupKind;
use sealift::limits::Limits;
use sealift::net::Referrers;
use sealift::oci::MediaType;
use sealift::transfer::{Answer as Found, Source};

use crate::server::{Answer, Server};
use crate::{descriptor, index, manifest, ok_index, ok_manifest, registry, registry_with, told};

const LOOKUPS: [LookupKind; 5] = [
    LookupKind::SigTag,
    LookupKind::AttTag,
    LookupKind::SbomTag,
    LookupKind::ReferrersApi,
    LookupKind::FallbackTag,
];

#[test]
fn a_404_is_none() {
    let server = Server::start(|_| Answer::new(404));
    let registry = registry(&server, None);
    let repository = registry.repository("team/app");
    let subject = Digest::sha256(b"");
    assert_eq!(repository.by_tag("v1").unwrap(), None);
    assert_eq!(repository.by_digest(&subject).unwrap(), None);
    assert!(!repository.has_blob(&descriptor("x/y", b"")).unwrap());
    for kind in LOOKUPS {
        let expected =
            if kind == LookupKind::ReferrersApi { Found::NotSupported } else { Found::NotFound };
        assert_eq!(repository.look_up(&subject, kind).unwrap(), expected, "{kind:?}");
    }
}

#[test]
fn no_other_answer_is_none() {
    for status in [204, 301, 400, 403, 405, 410, 429, 500, 502, 503] {
        let server = Server::start(move |_| Answer::new(status));
        let registry = registry(&server, None);
        let repository = registry.repository("team/app");
        let subject = Digest::sha256(b"");
        assert!(repository.by_tag("v1").is_err(), "{status}");
        assert!(repository.has_blob(&descriptor("x/y", b"")).is_err(), "{status}");
        for kind in LOOKUPS {
            assert!(repository.look_up(&subject, kind).is_err(), "{status} {kind:?}");
        }
    }
}

#[test]
fn the_registrys_words_are_passed_on() {
    let server = Server::start(|_| {
        let body = r#"{"errors":[{"code":"DENIED","message":"not you"}]}"#;
        Answer::new(403).body("application/json", body)
    });
    let registry = registry(&server, None);
    let error = registry.repository("team/app").by_tag("v1").unwrap_err();
    assert_eq!(
        told(error, &server),
        "GET http://HOST/v2/team/app/manifests/v1 was answered with 403: DENIED: not you"
    );
}

#[test]
fn a_page_that_says_200_to_everything_is_no_registry() {
    let server = Server::start(|_| Answer::new(200).body("text/html; charset=utf-8", "<html>"));
    let registry = registry(&server, None);
    let repository = registry.repository("team/app");
    let subject = Digest::sha256(b"");
    let error = repository.referrers(&subject).unwrap_err();
    assert_eq!(
        told(error, &server),
        format!(
            "the answer of http://HOST/v2/team/app/referrers/{subject} is no document: \
             no valid document: expected value at line 1 column 1"
        )
    );
    let error = repository.look_up(&subject, LookupKind::FallbackTag).unwrap_err();
    let tag = subject.to_string().replace(':', "-");
    assert_eq!(
        told(error, &server),
        format!(
            "the answer of HOST/team/app:{tag} is no document: \
             no valid document: expected value at line 1 column 1"
        )
    );
}

#[test]
fn manifests_are_the_ones_asked_for() {
    let body = manifest("a");
    let (digest, other) = (Digest::sha256(&body), Digest::sha256(b"other"));
    let sent = body.clone();
    let server = Server::start(move |asked| {
        let answer = ok_manifest(&sent);
        match asked.target.as_str() {
            "/v2/team/app/manifests/lies" => {
                answer.header("Docker-Content-Digest", other.to_string())
            }
            "/v2/team/app/manifests/odd" => answer.header("Docker-Content-Digest", "md5:x"),
            "/v2/team/app/manifests/typeless" => Answer { headers: Vec::new(), ..answer },
            _ => answer.header("Docker-Content-Digest", digest.to_string()),
        }
    });
    let registry = registry(&server, None);
    let repository = registry.repository("team/app");
    let fetched = repository.by_tag("v1").unwrap().unwrap();
    assert_eq!(fetched.descriptor, descriptor(MediaType::OCI_MANIFEST, &body));
    assert_eq!(fetched.bytes, body);
    assert_eq!(repository.by_digest(&digest).unwrap().unwrap().bytes, body);
    let refused = |tag: &str| told(repository.by_tag(tag).unwrap_err(), &server);
    assert_eq!(
        refused("lies"),
        format!("http://HOST/v2/team/app/manifests/lies promised {other} and sent {digest}")
    );
    assert_eq!(
        refused("odd"),
        "the answer of http://HOST/v2/team/app/manifests/odd has no valid `docker-content-digest` header"
    );
    assert_eq!(
        refused("typeless"),
        "the answer of http://HOST/v2/team/app/manifests/typeless has no valid `content-type` header"
    );
    let error = repository.by_digest(&other).unwrap_err();
    assert_eq!(
        told(error, &server),
        format!("http://HOST/v2/team/app/manifests/{other} promised {other} and sent {digest}")
    );
}

#[test]
fn nothing_is_read_past_its_cap() {
    let server = Server::start(|asked| {
        let answer = Answer::new(200).body(MediaType::OCI_INDEX, vec![b' '; 1001]);
        // Without a length the reader has to count for itself.
        if asked.target.ends_with("endless") {
            answer.header("Content-Length", "18446744073709551615")
        } else {
            answer
        }
    });
    let limits = Limits { metadata_bytes: 1000, ..Limits::default() };
    let registry = registry_with(&server, None, &limits);
    let repository = registry.repository("team/app");
    for tag in ["v1", "endless"] {
        assert_eq!(
            told(repository.by_tag(tag).unwrap_err(), &server),
            format!(
                "the answer of http://HOST/v2/team/app/manifests/{tag} is larger than 1000 bytes"
            )
        );
    }
    let subject = Digest::sha256(b"");
    assert_eq!(
        told(repository.referrers(&subject).unwrap_err(), &server),
        format!(
            "the answer of http://HOST/v2/team/app/referrers/{subject} is larger than 1000 bytes"
        )
    );
}

#[test]
fn an_answer_that_breaks_off_is_an_error() {
    let server = Server::start(|_| {
        Answer::new(200).body(MediaType::OCI_MANIFEST, "{").header("Content-Length", "100")
    });
    let registry = registry(&server, None);
    let error = registry.repository("team/app").by_tag("v1").unwrap_err();
    let said = told(error, &server);
    assert!(
        said.starts_with("the answer of http://HOST/v2/team/app/manifests/v1 broke off: "),
        "{said}"
    );
}

#[test]
fn a_blob_has_the_promised_size() {
    let server = Server::start(|_| Answer::new(200).body("x/y", "layers"));
    let registry = registry(&server, None);
    let repository = registry.repository("team/app");
    let layer = descriptor("x/y", b"layer");
    let said = format!(
        "http://HOST/v2/team/app/blobs/{} holds 6 bytes where 5 were promised",
        layer.digest
    );
    let Err(error) = repository.blob(&layer) else { panic!("it was read") };
    assert_eq!(told(error, &server), said);
    assert_eq!(told(repository.has_blob(&layer).unwrap_err(), &server), said);
}

/// A registry whose referrers come in `pages` pages of one each.
fn paginated(pages: usize) -> Server {
    Server::start(move |asked| {
        let page: usize =
            asked.target.split_once("?n=").map_or(0, |(_, page)| page.parse().unwrap());
        let listed = descriptor(MediaType::OCI_MANIFEST, &manifest(&page.to_string()));
        let answer = ok_index(&index(&[listed]));
        if page + 1 == pages {
            return answer.header("Link", "</first>; rel=\"prev\"");
        }
        let path = asked.target.split('?').next().unwrap();
        answer.header("Link", format!("<{path}?n={}>; rel=\"next\"", page + 1))
    })
}

#[test]
fn every_page_of_referrers_is_read() {
    let server = paginated(3);
    let registry = registry(&server, None);
    let subject = Digest::sha256(b"");
    let listed: Vec<_> = (0..3)
        .map(|page| descriptor(MediaType::OCI_MANIFEST, &manifest(&page.to_string())))
        .collect();
    let found = registry.repository("team/app").referrers(&subject).unwrap();
    assert_eq!(found, Referrers::Listed(listed));
}

#[test]
fn referrers_end() {
    let server = paginated(usize::MAX);
    let limits = Limits { descriptors: 10, ..Limits::default() };
    let registry = registry_with(&server, None, &limits);
    let subject = Digest::sha256(b"");
    let error = registry.repository("team/app").referrers(&subject).unwrap_err();
    assert_eq!(
        told(error, &server),
        format!("the list at http://HOST/v2/team/app/referrers/{subject} exceeds 10 referrers")
    );
    assert_eq!(server.asked().len(), 11);
}

#[test]
fn a_page_that_fails_fails_the_list() {
    for status in [404, 500] {
        let server = Server::start(move |asked| {
            if asked.target.contains('?') {
                return Answer::new(status);
            }
            ok_index(&index(&[])).header("Link", "<?n=1>; rel=next")
        });
        let registry = registry(&server, None);
        let subject = Digest::sha256(b"");
        let error = registry.repository("team/app").referrers(&subject).unwrap_err();
        assert_eq!(
            told(error, &server),
            format!("GET http://HOST/v2/team/app/referrers/{subject} was answered with {status}")
        );
    }
}

#[test]
fn the_next_page_is_at_the_same_host() {
    let url = "http://HOST/v2/team/app/referrers/SUBJECT";
    for (link, said) in [
        (
            "<http://other.example/x>; rel=\"next\"",
            format!("{url} sends us to a place we do not go: the next page is at another host"),
        ),
        ("nonsense", format!("the answer of {url} has no valid `link` header")),
    ] {
        let server = Server::start(move |_| ok_index(&index(&[])).header("Link", link));
        let registry = registry(&server, None);
        let subject = Digest::sha256(b"");
        let error = registry.repository("team/app").referrers(&subject).unwrap_err();
        assert_eq!(told(error, &server).replace(&subject.to_string(), "SUBJECT"), said);
    }
}

#[test]
fn every_page_of_tags_is_read() {
    let path = "/v2/team/app/tags/list";
    let server = Server::start(move |asked| {
        let answer = |text: &str| Answer::new(200).body("application/json", text);
        match asked.target.strip_prefix(path) {
            Some("") => answer(r#"{"name":"team/app","tags":["v2","v1"]}"#)
                .header("Link", format!("<{path}?last=v1>; rel=\"next\"")),
            Some("?last=v1") => answer(r#"{"name":"team/app","tags":["v3"]}"#),
            // A repository that lost its last tag.
            _ if asked.target.contains("/empty/") => answer(r#"{"name":"empty","tags":null}"#),
            _ if asked.target.contains("/odd/") => answer("[]"),
            _ if asked.target.contains("/long/") => {
                answer(r#"{"tags":["a","b","c","d"]}"#).header("Link", "<?again>; rel=next")
            }
            _ => Answer::new(404),
        }
    });
    let limits = Limits { descriptors: 10, ..Limits::default() };
    let registry = registry_with(&server, None, &limits);
    let tags = |path: &str| registry.repository(path).tags().map_err(|error| told(error, &server));
    let named = |tags: &[&str]| Ok(tags.iter().map(|&tag| tag.to_owned()).collect::<Vec<_>>());
    assert_eq!(tags("team/app"), named(&["v2", "v1", "v3"]));
    assert_eq!(tags("empty"), named(&[]));
    assert_eq!(
        tags("odd").unwrap_err(),
        "the answer of http://HOST/v2/odd/tags/list is no list of tags: invalid length 0, expected \
         struct TagList with 1 element at line 1 column 2"
    );
    assert_eq!(
        tags("long").unwrap_err(),
        "the list at http://HOST/v2/long/tags/list exceeds 10 tags"
    );
    assert_eq!(
        tags("gone").unwrap_err(),
        "GET http://HOST/v2/gone/tags/list was answered with 404"
    );
}
