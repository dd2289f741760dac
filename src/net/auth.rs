//! How we convince a registry: anonymous, basic, or a bearer token from the service its challenge
//! names ([token flow](https://distribution.github.io/distribution/spec/auth/token/)).

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use docker_credential::{CredentialRetrievalError, DockerCredential};
use ureq::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use ureq::http::{Method, Uri};

use super::Error;
use super::challenge::Challenge;
use super::transport::{Call, Payload, Reply, Transport};

/// Bytes of a token service's answer: tokens have a few KiB.
const TOKEN_BYTES: u64 = 1 << 20;

/// A docker or podman auth file: where it lies, for messages, and what it holds.
#[derive(Clone)]
pub struct AuthFile {
    /// Its path.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// The credentials a user has, in the order in which files are asked.
#[derive(Clone, Default)]
pub struct Keychain {
    files: Vec<AuthFile>,
}

impl Keychain {
    /// The first file that knows a registry decides for it.
    pub fn new(files: Vec<AuthFile>) -> Self {
        Self { files }
    }

    /// What the user has for a repository: the entry of the longest path that holds it, as podman
    /// writes them, else the registry's own.
    fn credential(
        &self,
        registry: &str,
        repository: &str,
    ) -> Result<Option<DockerCredential>, Error> {
        for file in &self.files {
            let bad = |cause| unusable(file, registry, cause);
            let entries =
                file.entries().ok_or_else(|| bad(CredentialRetrievalError::ConfigReadError))?;
            for server in servers(registry, repository, &entries) {
                let found =
                    docker_credential::get_credential_from_reader(file.bytes.as_slice(), &server);
                match found {
                    Ok(credential) => return Ok(Some(credential)),
                    Err(CredentialRetrievalError::NoCredentialConfigured) => {}
                    Err(cause) if is_empty_keychain(&cause) => {}
                    Err(cause) => return Err(bad(cause)),
                }
            }
        }
        Ok(None)
    }
}

impl AuthFile {
    /// The names `auths` has entries for.
    fn entries(&self) -> Option<BTreeSet<String>> {
        let document: serde_json::Value = serde_json::from_slice(&self.bytes).ok()?;
        let entries = document.get("auths").and_then(serde_json::Value::as_object);
        Some(entries.into_iter().flat_map(|entries| entries.keys().cloned()).collect())
    }
}

/// Why an auth file cannot be used; a helper's own words are those that count.
fn unusable(file: &AuthFile, registry: &str, cause: CredentialRetrievalError) -> Error {
    let (file, registry) = (file.name.clone(), registry.to_owned());
    match cause {
        CredentialRetrievalError::HelperFailure { helper, stdout, stderr } => {
            let said = format!("{} {}", stderr.trim(), stdout.trim());
            let said: String = said.trim().chars().take(200).collect();
            Error::CredentialHelper { helper, file, registry, said }
        }
        cause => Error::AuthFile { file, registry, cause },
    }
}

/// The keys a repository's credential may lie under, most specific first.
fn servers(registry: &str, repository: &str, entries: &BTreeSet<String>) -> Vec<String> {
    let mut servers = Vec::new();
    let mut path = format!("{registry}/{repository}");
    while path.len() > registry.len() {
        if entries.contains(&path) {
            servers.push(path.clone());
        }
        path.truncate(path.rfind('/').unwrap_or(0));
    }
    if registry == "docker.io" {
        servers.push("https://index.docker.io/v1/".to_owned());
    }
    servers.push(registry.to_owned());
    servers
}

/// A credential helper says in these words that it has nothing; every other failure is one.
fn is_empty_keychain(cause: &CredentialRetrievalError) -> bool {
    let CredentialRetrievalError::HelperFailure { stdout, stderr, .. } = cause else {
        return false;
    };
    stdout.contains("credentials not found") || stderr.contains("credentials not found")
}

/// What we want to do, as a token's scope says it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Scope {
    pub(super) repository: String,
    pub(super) access: Access,
    /// A second repository blobs are mounted from.
    pub(super) mount_from: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Access {
    Pull,
    Push,
}

impl Scope {
    fn texts(&self) -> Vec<String> {
        let actions = match self.access {
            Access::Pull => "pull",
            Access::Push => "pull,push",
        };
        let own = format!("repository:{}:{actions}", self.repository);
        let other = self.mount_from.iter().map(|from| format!("repository:{from}:pull"));
        std::iter::once(own).chain(other).collect()
    }
}

/// What convinced one registry so far.
pub(super) struct Session {
    /// The registry's name as users write it.
    registry: String,
    keychain: Keychain,
    known: Mutex<HashMap<Scope, HeaderValue>>,
}

impl Session {
    pub(super) fn new(registry: &str, keychain: Keychain) -> Self {
        Self { registry: registry.to_owned(), keychain, known: Mutex::default() }
    }

    /// The header that worked for `scope` before.
    pub(super) fn known(&self, scope: &Scope) -> Option<HeaderValue> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(scope).cloned()
    }

    /// Answers the challenge of a `401`.
    pub(super) fn answer(
        &self,
        transport: &Transport,
        refusal: &Reply,
        scope: &Scope,
    ) -> Result<HeaderValue, Error> {
        let challenges: Vec<_> =
            refusal.headers("www-authenticate").flat_map(Challenge::parse).collect();
        let credential = self.keychain.credential(&self.registry, &scope.repository)?;
        let has = |scheme: &str| challenges.iter().find(|challenge| challenge.scheme == scheme);
        let header = if let Some(bearer) = has("bearer") {
            token(transport, refusal, bearer, scope, credential.as_ref())?
        } else if has("basic").is_some() {
            match &credential {
                Some(DockerCredential::UsernamePassword(user, password)) => basic(user, password),
                Some(DockerCredential::IdentityToken(_)) => {
                    return Err(
                        self.unauthorized(scope, "it wants a password, the auth file has a token")
                    );
                }
                None => {
                    return Err(self.unauthorized(scope, "no auth file has credentials for it"));
                }
            }
        } else {
            let url = refusal.shown_url();
            return Err(Error::BadChallenge { url, why: "it is neither basic nor bearer" });
        };
        self.known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(scope.clone(), header.clone());
        Ok(header)
    }

    pub(super) fn unauthorized(&self, scope: &Scope, why: &'static str) -> Error {
        let (registry, repository) = (self.registry.clone(), scope.repository.clone());
        Error::Unauthorized { registry, repository, why }
    }
}

/// Fetches a token: with an identity token by `OAuth2`, else with the password, else anonymously.
fn token(
    transport: &Transport,
    refusal: &Reply,
    challenge: &Challenge,
    scope: &Scope,
    credential: Option<&DockerCredential>,
) -> Result<HeaderValue, Error> {
    let bad = |why| Error::BadChallenge { url: refusal.shown_url(), why };
    let realm = challenge.parameter("realm").ok_or_else(|| bad("it names no token service"))?;
    let service = challenge.parameter("service");
    let mut scopes = scope.texts();
    // A registry that counts more to the request than we do gets its own scope as well.
    if let Some(asked) = challenge.parameter("scope").filter(|asked| !asked.is_empty())
        && !scopes.iter().any(|own| own == asked)
    {
        scopes.push(asked.to_owned());
    }
    let url: Uri = realm.parse().map_err(|_| bad("its token service is no URL"))?;
    transport.check_scheme(&url).map_err(bad)?;
    let reply = match credential {
        Some(DockerCredential::IdentityToken(secret)) => {
            let mut form = vec![
                ("grant_type", "refresh_token".to_owned()),
                ("client_id", "sealift".to_owned()),
                ("refresh_token", secret.clone()),
                ("scope", scopes.join(" ")),
            ];
            form.extend(service.map(|service| ("service", service.to_owned())));
            let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
            let call = Call::new(Method::POST, url).header(CONTENT_TYPE, form_type);
            transport.send(&call, Payload::Bytes(encoded(&form).as_bytes()))?
        }
        password => {
            let mut query: Vec<_> =
                service.map(|service| ("service", service.to_owned())).into_iter().collect();
            query.extend(scopes.into_iter().map(|scope| ("scope", scope)));
            let separator = if realm.contains('?') { '&' } else { '?' };
            let url = format!("{realm}{separator}{}", encoded(&query));
            let url = url.parse().map_err(|_| bad("its token service is no URL"))?;
            let mut call = Call::new(Method::GET, url);
            if let Some(DockerCredential::UsernamePassword(user, password)) = password {
                call = call.header(AUTHORIZATION, basic(user, password));
            }
            transport.send(&call, Payload::None)?
        }
    };
    if reply.status() != 200 {
        return Err(reply.into_error());
    }
    let url = reply.shown_url();
    let body = reply.read(TOKEN_BYTES)?;
    parse_token(&body).ok_or(Error::NoToken { url })
}

/// `token`, or `access_token` as `OAuth2` calls it.
fn parse_token(body: &[u8]) -> Option<HeaderValue> {
    #[derive(serde::Deserialize)]
    struct Answer {
        token: Option<String>,
        access_token: Option<String>,
    }
    let answer: Answer = serde_json::from_slice(body).ok()?;
    let filled = |text: &String| !text.is_empty();
    let token = answer.token.filter(filled).or(answer.access_token.filter(filled))?;
    secret(&format!("Bearer {token}"))
}

fn basic(user: &str, password: &str) -> HeaderValue {
    secret(&format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))
        .expect("base64 is a header value")
}

/// A header value that debug output does not show.
fn secret(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// `application/x-www-form-urlencoded`.
fn encoded(pairs: &[(&str, String)]) -> String {
    let pairs = pairs.iter().map(|(key, value)| format!("{key}={}", percent_encoded(value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// Everything but RFC 3986's unreserved characters as `%XX`.
pub(super) fn percent_encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.push_str(&crate::digest::hex(&[byte]).to_ascii_uppercase());
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keychain(files: &[&str]) -> Keychain {
        let file =
            |text: &&str| AuthFile { name: "auth.json".into(), bytes: text.as_bytes().into() };
        Keychain::new(files.iter().map(file).collect())
    }

    fn entry(user: &str) -> String {
        format!(r#"{{"auth":"{}"}}"#, STANDARD.encode(format!("{user}:secret")))
    }

    fn user(keychain: &Keychain, registry: &str, repository: &str) -> Option<String> {
        match keychain.credential(registry, repository).unwrap()? {
            DockerCredential::UsernamePassword(user, password) => {
                assert_eq!(password, "secret");
                Some(user)
            }
            DockerCredential::IdentityToken(token) => Some(token),
        }
    }

    #[test]
    fn the_longest_path_of_the_first_file_decides() {
        let podman = format!(
            r#"{{"auths":{{"r.example":{},"r.example/team":{},"r.example/team/app":{}}}}}"#,
            entry("host"),
            entry("team"),
            entry("app")
        );
        let docker = format!(
            r#"{{"auths":{{"https://index.docker.io/v1/":{},"r.example":{},"t.example":{{"identitytoken":"tok"}}}}}}"#,
            entry("hub"),
            entry("other")
        );
        let both = keychain(&[&podman, &docker]);
        for (registry, repository, expected) in [
            ("r.example", "team/app", Some("app")),
            ("r.example", "team/app/sub", Some("app")),
            ("r.example", "team/apple", Some("team")),
            ("r.example", "other", Some("host")),
            ("docker.io", "library/busybox", Some("hub")),
            ("t.example", "x", Some("tok")),
            ("unknown.example", "x", None),
            ("r.example:5000", "team/app", None),
        ] {
            assert_eq!(
                user(&both, registry, repository).as_deref(),
                expected,
                "{registry}/{repository}"
            );
        }
    }

    #[test]
    fn a_broken_file_is_an_error_not_anonymous() {
        for text in ["{", r#"{"auths":{"r.example":{"auth":"!"}}}"#] {
            let error = keychain(&[text]).credential("r.example", "x").unwrap_err();
            assert_eq!(
                error.to_string(),
                "the credentials for r.example in auth.json cannot be used"
            );
        }
    }

    #[test]
    fn forms_are_encoded() {
        let pairs = [("scope", "repository:a/b:pull,push".to_owned())];
        assert_eq!(encoded(&pairs), "scope=repository%3Aa%2Fb%3Apull%2Cpush");
    }

    #[test]
    fn tokens_by_either_name() {
        let header = |body: &str| {
            parse_token(body.as_bytes()).map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(header(r#"{"token":"a","access_token":"b"}"#).as_deref(), Some("Bearer a"));
        assert_eq!(header(r#"{"token":"","access_token":"b"}"#).as_deref(), Some("Bearer b"));
        assert_eq!(header("{}"), None);
        assert_eq!(header(r#"{"token":"a\nb"}"#), None);
    }
}
