//! *Transport*: one HTTP exchange, redirects and certificates included.

use std::collections::BTreeSet;
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use ureq::http::header::{
    AUTHORIZATION, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, LOCATION,
};
use ureq::http::uri::Authority;
use ureq::http::{Method, Request, Response, Uri};
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};
use ureq::{Agent, Body, SendBody};

use super::error::Host;
use super::proxy::Route;
use super::registry::api_host;
use super::retry::asked_pause;
use super::{ChunkSize, Error, Proxies, Retries};

/// Redirects followed for one request. Registries redirect once, to the store of their blobs.
const MAX_REDIRECTS: usize = 5;

/// Time to connect, and between two bytes, before a peer is given up.
const PATIENCE: Duration = Duration::from_mins(1);

/// Time for a registry to answer, which after an upload includes moving the blob to its place.
const ANSWER_PATIENCE: Duration = Duration::from_mins(5);

/// Connections kept for the next request: as many as the default number of transfers, and a few
/// for lookups. Each holds buffers of 256 KiB.
const IDLE_CONNECTIONS: usize = 8;

/// How registries are reached.
#[derive(Clone, Debug, Default)]
pub struct TransportOptions {
    /// The scheme.
    pub scheme: Scheme,
    /// Certificate authorities: the name of each PEM file and its bytes.
    pub roots: Vec<(String, Vec<u8>)>,
    /// Which requests go through a proxy.
    pub proxies: Proxies,
    /// How often what failed is tried again.
    pub retries: Retries,
}

/// What is different for one registry: it holds for its host alone, not for where it sends us.
#[derive(Clone, Debug, Default)]
pub struct HostOptions {
    /// Certificate authorities beside those of all hosts.
    pub roots: Vec<(String, Vec<u8>)>,
    /// What we show it where it asks who we are.
    pub certificate: Option<ClientCertificate>,
    /// Whether its certificate must hold.
    pub verification: Verification,
}

/// A client certificate with its chain, and its key: the names of the PEM files and their bytes.
#[derive(Clone, Debug)]
pub struct ClientCertificate {
    /// The certificate, then its chain.
    pub chain: (String, Vec<u8>),
    /// The key.
    pub key: (String, Vec<u8>),
}

/// Whether the certificate of a host must hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verification {
    /// It must.
    #[default]
    Verified,
    /// Anybody may be the host. What is asked for by digest is proven all the same.
    Insecure,
}

/// The scheme of every request to a registry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scheme {
    /// HTTPS, verified.
    #[default]
    Https,
    /// HTTP without TLS, for registries on loopback and in tests.
    PlainHttp,
}

impl Scheme {
    fn name(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::PlainHttp => "http",
        }
    }
}

/// Sends requests; clones share one pool of connections.
#[derive(Clone)]
pub struct Transport {
    scheme: Scheme,
    roots: Vec<Certificate<'static>>,
    proxies: Proxies,
    retries: Retries,
    /// What a blob is cut into on its way to a registry.
    chunks: Option<ChunkSize>,
    agents: Agents,
    /// A host with connections of its own.
    own: Option<(Uri, Agents)>,
    /// The authorities that answered before.
    heard: Arc<Mutex<BTreeSet<String>>>,
}

impl Transport {
    /// Prepares connections; nothing is sent.
    pub fn new(options: &TransportOptions) -> Result<Self, Error> {
        let roots = authorities(&options.roots)?;
        Ok(Self {
            scheme: options.scheme,
            agents: Agents::new(
                &options.proxies,
                &tls(roots.clone(), None, Verification::Verified),
            ),
            roots,
            proxies: options.proxies.clone(),
            retries: options.retries.clone(),
            chunks: None,
            own: None,
            heard: Arc::default(),
        })
    }

    /// The same, sending blobs in chunks.
    #[must_use]
    pub fn in_chunks(self, chunks: Option<ChunkSize>) -> Self {
        Self { chunks, ..self }
    }

    /// The same, with what is different for the registry called `name` in references.
    pub fn for_registry(&self, name: &str, options: &HostOptions) -> Result<Self, Error> {
        let mut roots = self.roots.clone();
        roots.extend(authorities(&options.roots)?);
        if options.verification == Verification::Verified {
            self.check_roots(&roots)?;
        }
        let certificate = options.certificate.as_ref().map(ClientCertificate::check).transpose()?;
        let tls = tls(roots, certificate, options.verification);
        let host = self.url(api_host(name), "/")?;
        let own = Some((host, Agents::new(&self.proxies, &tls)));
        Ok(Self { own, ..self.clone() })
    }

    /// Refuses what no certificate could convince: a host without authorities of its own.
    pub(super) fn check_own_roots(&self) -> Result<(), Error> {
        self.check_roots(&self.roots)
    }

    fn check_roots(&self, roots: &[Certificate<'static>]) -> Result<(), Error> {
        if roots.is_empty() && self.scheme == Scheme::Https { Err(Error::NoRoots) } else { Ok(()) }
    }

    pub(super) fn retries(&self) -> &Retries {
        &self.retries
    }

    pub(super) fn chunks(&self) -> Option<ChunkSize> {
        self.chunks
    }

    fn agent(&self, url: &Uri) -> &Agent {
        let agents = match &self.own {
            Some((host, agents)) if is_same_origin(host, url) => agents,
            _ => &self.agents,
        };
        agents.by(self.proxies.route(url))
    }

    /// The URL of `path` at `host`.
    pub(super) fn url(&self, host: &str, path: &str) -> Result<Uri, Error> {
        let text = format!("{}://{host}{path}", self.scheme.name());
        text.parse().map_err(|_| Error::BadLocation { url: text, why: "it is no URL" })
    }

    /// Whether `url` may be asked: HTTP without TLS only where it was chosen.
    pub(super) fn check_scheme(&self, url: &Uri) -> Result<(), &'static str> {
        match url.scheme_str() {
            Some("https") => Ok(()),
            Some("http") if self.scheme == Scheme::PlainHttp => Ok(()),
            Some("http") => Err("it is not HTTPS"),
            _ => Err("it is neither HTTP nor HTTPS"),
        }
    }

    /// Whether `from` may send us to `to`: never from HTTPS to HTTP, whatever was chosen.
    fn check_redirect(&self, from: &Uri, to: &Uri) -> Result<(), &'static str> {
        self.check_scheme(to)?;
        match (from.scheme_str(), to.scheme_str()) {
            (Some("https"), Some("http")) => Err("it is not HTTPS any more"),
            _ => Ok(()),
        }
    }

    /// Sends one request and follows the redirects of a `GET` or `HEAD`. What authorises us at one
    /// host is never sent to another.
    pub(super) fn send(&self, call: &Call, payload: Payload<'_>) -> Result<Reply, Error> {
        if !matches!(payload, Payload::None) {
            let reply = self.exchange(call, &call.url, &call.headers, payload)?;
            return if reply.is_redirect() {
                Err(reply.bad_location("an upload cannot be redirected"))
            } else {
                Ok(reply)
            };
        }
        let mut headers = call.headers.clone();
        let mut url = call.url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let mut reply = self.exchange(call, &url, &headers, Payload::None)?;
            reply.is_elsewhere = !is_same_origin(&call.url, &url);
            if !reply.is_redirect() {
                return Ok(reply);
            }
            let next = reply.location()?;
            self.check_redirect(&url, &next).map_err(|why| reply.bad_location(why))?;
            if !is_same_origin(&url, &next) {
                headers.remove(AUTHORIZATION);
            }
            url = next;
        }
        Err(Error::TooManyRedirects { url: shown(&call.url), limit: MAX_REDIRECTS })
    }

    fn exchange(
        &self,
        call: &Call,
        url: &Uri,
        headers: &HeaderMap,
        payload: Payload<'_>,
    ) -> Result<Reply, Error> {
        let mut request = Request::builder().method(call.method.clone()).uri(url.clone());
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let built = "method, URL and headers were parsed before";
        let agent = self.agent(url);
        let result = match payload {
            Payload::None => agent.run(request.body(()).expect(built)),
            Payload::Bytes(bytes) => agent.run(request.body(bytes).expect(built)),
            Payload::Stream { size, bytes } => {
                let request = request.header(CONTENT_LENGTH, size);
                agent.run(request.body(SendBody::from_reader(bytes)).expect(built))
            }
        };
        let method = call.method_name();
        let authority = url.authority().map(Authority::to_string).unwrap_or_default();
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let response = match result {
            Ok(response) => response,
            Err(cause) => {
                let is_heard = heard.contains(&authority);
                let host = if is_heard { Host::Heard } else { Host::Unheard };
                let (url, cause) = (shown(url), Box::new(cause));
                return Err(Error::NoAnswer { method, url, host, cause });
            }
        };
        heard.insert(authority);
        drop(heard);
        Ok(Reply { method, url: url.clone(), is_elsewhere: false, response })
    }
}

/// Connections by each route.
#[derive(Clone)]
struct Agents {
    direct: Agent,
    http: Agent,
    https: Agent,
}

impl Agents {
    fn new(proxies: &Proxies, tls: &TlsConfig) -> Self {
        let by = |route| {
            let config = Agent::config_builder()
                .tls_config(tls.clone())
                .proxy(proxies.of(route).cloned())
                .http_status_as_error(false)
                .max_redirects(0)
                .max_redirects_will_error(false)
                .user_agent(concat!("sealift/", env!("CARGO_PKG_VERSION")))
                .accept_encoding("identity")
                .max_idle_connections_per_host(IDLE_CONNECTIONS)
                .timeout_connect(Some(PATIENCE))
                .timeout_per_read(Some(PATIENCE))
                .timeout_per_write(Some(PATIENCE))
                .timeout_recv_response(Some(ANSWER_PATIENCE))
                .build();
            config.new_agent()
        };
        Self { direct: by(Route::Direct), http: by(Route::Http), https: by(Route::Https) }
    }

    fn by(&self, route: Route) -> &Agent {
        match route {
            Route::Direct => &self.direct,
            Route::Http => &self.http,
            Route::Https => &self.https,
        }
    }
}

fn tls(
    roots: Vec<Certificate<'static>>,
    certificate: Option<ClientCert>,
    verification: Verification,
) -> TlsConfig {
    TlsConfig::builder()
        .root_certs(RootCerts::Specific(Arc::new(roots)))
        .client_cert(certificate)
        .disable_verification(verification == Verification::Insecure)
        .unversioned_rustls_crypto_provider(Arc::new(provider()))
        .build()
}

fn provider() -> CryptoProvider {
    aws_lc_rs::default_provider()
}

impl ClientCertificate {
    /// Both files, of one key pair: rustls would find a mismatch only when it connects.
    fn check(&self) -> Result<ClientCert, Error> {
        let bad = |file: &str, why| Error::ClientCertificate { file: file.to_owned(), why };
        let ((chain_file, chain), (key_file, key)) = (&self.chain, &self.key);
        let chain = certificates(chain_file, chain)?;
        let no_key = |_| bad(key_file, "it holds no private key without a passphrase");
        let parsed = PrivateKeyDer::from_pem_slice(key).map_err(no_key)?;
        let ders = chain.iter().map(|it| CertificateDer::from(it.der()).into_owned()).collect();
        CertifiedKey::from_der(ders, parsed, &provider()).map_err(|cause| match cause {
            rustls::Error::InconsistentKeys(_) => {
                bad(chain_file, "the key beside it is not its own")
            }
            rustls::Error::InvalidCertificate(_) => {
                bad(chain_file, "TLS shows X.509 certificates of version 3 only")
            }
            _ => bad(key_file, "it is no key that TLS can use"),
        })?;
        let key = PrivateKey::from_pem(key)
            .map_err(|_| bad(key_file, "it holds no private key without a passphrase"))?;
        Ok(ClientCert::new_with_certs(&chain, key))
    }
}

fn authorities(files: &[(String, Vec<u8>)]) -> Result<Vec<Certificate<'static>>, Error> {
    let mut found = Vec::new();
    for (file, pem) in files {
        found.extend(certificates(file, pem)?);
    }
    Ok(found)
}

/// The certificates of a PEM file; a file that was named and holds none is a mistake.
fn certificates(file: &str, pem: &[u8]) -> Result<Vec<Certificate<'static>>, Error> {
    let bad = || Error::Roots { file: file.to_owned() };
    let found: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .map(|certificate| {
            certificate.map(|der| Certificate::from_der(der.as_ref()).to_owned()).map_err(|_| bad())
        })
        .collect::<Result<_, _>>()?;
    if found.is_empty() { Err(bad()) } else { Ok(found) }
}

/// What is asked, without its payload.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) url: Uri,
    pub(super) headers: HeaderMap,
}

impl Call {
    pub(super) fn new(method: Method, url: Uri) -> Self {
        Self { method, url, headers: HeaderMap::new() }
    }

    pub(super) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    fn method_name(&self) -> &'static str {
        match self.method {
            Method::HEAD => "HEAD",
            Method::POST => "POST",
            Method::PUT => "PUT",
            Method::PATCH => "PATCH",
            _ => "GET",
        }
    }
}

/// What is sent along.
pub(super) enum Payload<'a> {
    /// Nothing; such a request may be redirected and repeated.
    None,
    /// Bytes in memory.
    Bytes(&'a [u8]),
    /// A stream of known size, which can be sent once.
    Stream { size: u64, bytes: &'a mut dyn Read },
}

/// An answer whose body has not been read.
pub(super) struct Reply {
    method: &'static str,
    url: Uri,
    is_elsewhere: bool,
    response: Response<Body>,
}

impl Reply {
    pub(super) fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// Where the answer came from, for people.
    pub(super) fn shown_url(&self) -> String {
        shown(&self.url)
    }

    /// Whether it came from another host than the one first asked.
    pub(super) fn is_elsewhere(&self) -> bool {
        self.is_elsewhere
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.response.headers().get(name).and_then(|value| value.to_str().ok())
    }

    pub(super) fn headers(&self, name: &str) -> impl Iterator<Item = &str> {
        self.response.headers().get_all(name).iter().filter_map(|value| value.to_str().ok())
    }

    /// The media type of `Content-Type`, without parameters.
    pub(super) fn media_type(&self) -> Option<&str> {
        let value = self.header("content-type")?;
        value.split(';').next().map(str::trim).filter(|text| !text.is_empty())
    }

    /// `Content-Length`, where it stands.
    pub(super) fn length(&self) -> Option<u64> {
        self.header("content-length")?.parse().ok()
    }

    /// `Location`, resolved against the URL that answered.
    pub(super) fn location(&self) -> Result<Uri, Error> {
        let text = self.header(LOCATION.as_str()).ok_or_else(|| self.bad_header("location"))?;
        resolve(&self.url, text).ok_or_else(|| self.bad_location("it is no URL"))
    }

    /// A URL from a header such as `Link`, resolved in the same way.
    pub(super) fn resolve(&self, text: &str) -> Result<Uri, Error> {
        resolve(&self.url, text).ok_or_else(|| self.bad_location("it is no URL"))
    }

    /// The whole body, at most `limit` bytes.
    pub(super) fn read(self, limit: u64) -> Result<Vec<u8>, Error> {
        let url = self.shown_url();
        if self.length().is_some_and(|length| length > limit) {
            return Err(Error::TooLarge { url, limit });
        }
        let mut bytes = Vec::new();
        let mut reader = self.into_reader().take(limit.saturating_add(1));
        reader
            .read_to_end(&mut bytes)
            .map_err(|cause| Error::BrokenOff { url: url.clone(), cause })?;
        if u64::try_from(bytes.len()).is_ok_and(|length| length <= limit) {
            Ok(bytes)
        } else {
            Err(Error::TooLarge { url, limit })
        }
    }

    /// The body as a stream.
    pub(super) fn into_reader(self) -> impl Read + Send + use<> {
        self.response.into_body().into_reader()
    }

    /// `bytes FIRST-LAST/SIZE` of a part of a blob: where it begins.
    pub(super) fn first_byte(&self) -> Option<u64> {
        let range = self.header("content-range")?.strip_prefix("bytes ")?;
        range.split_once('-')?.0.parse().ok()
    }

    /// The error this answer is, with what the registry says of it.
    pub(super) fn into_error(self) -> Error {
        let (method, url, status) = (self.method, self.shown_url(), self.status());
        let pause = self.header("retry-after").and_then(|it| asked_pause(it, self.header("date")));
        let mut detail = self.read(ERROR_BYTES).map(|body| detail(&body)).unwrap_or_default();
        if let Some(pause) = pause {
            detail = format!("{detail}, to be asked again in {} s", pause.as_secs());
        }
        Error::Status { method, url, status, detail, pause }
    }

    pub(super) fn bad_header(&self, name: &'static str) -> Error {
        Error::BadHeader { url: self.shown_url(), name }
    }

    pub(super) fn bad_location(&self, why: &'static str) -> Error {
        Error::BadLocation { url: self.shown_url(), why }
    }

    fn is_redirect(&self) -> bool {
        matches!(self.status(), 301 | 302 | 303 | 307 | 308)
    }
}

/// Bytes read of an answer that is an error: a registry's message has a few hundred.
const ERROR_BYTES: u64 = 64 << 10;

/// What the registry says, on one line: `errors[0]` of the spec's error document.
fn detail(body: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct Errors {
        errors: Vec<Entry>,
    }
    #[derive(serde::Deserialize)]
    struct Entry {
        #[serde(default)]
        code: String,
        #[serde(default)]
        message: String,
    }
    let Ok(Errors { errors }) = serde_json::from_slice(body) else { return String::new() };
    let Some(Entry { code, message }) = errors.into_iter().next() else { return String::new() };
    let text: String = format!("{code}: {message}").chars().take(200).collect();
    format!(": {}", text.escape_debug())
}

/// A URL without its query, which may hold a signature that opens a blob store.
pub(super) fn shown(url: &Uri) -> String {
    format!(
        "{}://{}{}",
        url.scheme_str().unwrap_or_default(),
        url.authority().map(Authority::as_str).unwrap_or_default(),
        url.path()
    )
}

/// Same scheme, host and port.
pub(super) fn is_same_origin(one: &Uri, other: &Uri) -> bool {
    let origin = |url: &Uri| {
        let default = if url.scheme_str() == Some("https") { 443 } else { 80 };
        let host = url.host().map(str::to_ascii_lowercase);
        (url.scheme_str().map(str::to_owned), host, url.port_u16().unwrap_or(default))
    };
    origin(one) == origin(other)
}

/// RFC 3986, section 5, as far as servers use it: absolute, `//host/path`, `/path` and `path`.
fn resolve(base: &Uri, text: &str) -> Option<Uri> {
    let scheme = base.scheme_str()?;
    let authority = base.authority()?;
    let absolute = if text.contains("://") && !text.starts_with('/') {
        text.to_owned()
    } else if let Some(rest) = text.strip_prefix("//") {
        format!("{scheme}://{rest}")
    } else if text.starts_with('/') {
        format!("{scheme}://{authority}{text}")
    } else if let Some(query) = text.strip_prefix('?') {
        format!("{scheme}://{authority}{}?{query}", base.path())
    } else {
        let directory = base.path().rsplit_once('/').map_or("", |(directory, _)| directory);
        format!("{scheme}://{authority}{directory}/{text}")
    };
    // User information in a URL is a credential from a stranger.
    let url: Uri = absolute.parse().ok()?;
    let authority = url.authority()?;
    (!authority.as_str().contains('@')).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_resolved() {
        let base: Uri = "https://r.example:5000/v2/a/blobs/uploads/".parse().unwrap();
        let cases = [
            ("https://cdn.example/x?y=z", Some("https://cdn.example/x?y=z")),
            ("//cdn.example/x", Some("https://cdn.example/x")),
            ("/v2/a/blobs/uploads/1?s=2", Some("https://r.example:5000/v2/a/blobs/uploads/1?s=2")),
            ("1?s=2", Some("https://r.example:5000/v2/a/blobs/uploads/1?s=2")),
            ("?s=2", Some("https://r.example:5000/v2/a/blobs/uploads/?s=2")),
            ("https://user:secret@cdn.example/x", None),
            ("https://", None),
            ("/a b", None),
        ];
        for (text, expected) in cases {
            let resolved = resolve(&base, text).map(|url| url.to_string());
            assert_eq!(resolved.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let same =
            |one: &str, other: &str| is_same_origin(&one.parse().unwrap(), &other.parse().unwrap());
        assert!(same("https://a.example/x", "https://A.example:443/y"));
        assert!(!same("https://a.example/", "http://a.example/"));
        assert!(!same("https://a.example/", "https://a.example:444/"));
        assert!(!same("https://a.example/", "https://b.a.example/"));
    }

    #[test]
    fn from_https_nothing_leads_to_http() {
        let options = TransportOptions { scheme: Scheme::PlainHttp, ..TransportOptions::default() };
        let plain = Transport::new(&options).unwrap();
        for (from, to, outcome) in [
            ("http://a.example/", "http://b.example/", Ok(())),
            ("http://a.example/", "https://b.example/", Ok(())),
            ("https://a.example/", "https://b.example/", Ok(())),
            ("https://a.example/", "http://a.example/", Err("it is not HTTPS any more")),
            ("http://a.example/", "ftp://a.example/", Err("it is neither HTTP nor HTTPS")),
        ] {
            let found = plain.check_redirect(&from.parse().unwrap(), &to.parse().unwrap());
            assert_eq!(found, outcome, "{from} {to}");
        }
    }

    #[test]
    fn a_registrys_words_stay_on_one_line() {
        let body = br#"{"errors":[{"code":"DENIED","message":"no\n\u001b[31m"}]}"#;
        assert_eq!(detail(body), r": DENIED: no\n\u{1b}[31m");
        assert_eq!(detail(b"<html>"), "");
    }
}
