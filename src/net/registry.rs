//! A *registry* and its *repositories*: reading and writing, one request of the spec at a time.

use std::io::Read;

use serde::Deserialize;
use ureq::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use ureq::http::{Method, Uri};

use super::auth::{Access, Keychain, Scope, Session, percent_encoded};
use super::download::Download;
use super::retry::Retries;
use super::transport::{Call, Payload, Reply, Transport, is_same_origin, shown};
use super::upload::Upload;
use super::{ChunkSize, Error};
use crate::digest::Digest;
use crate::limits::Limits;
use crate::oci::{Descriptor, Index, MediaType};
use crate::transfer::{Fetched, Standing, Stored};

/// Pages of one list.
const PAGES: usize = 1000;

/// A registry and what convinced it so far. Shared by threads.
pub struct Registry {
    /// As users write it: `docker.io`.
    name: String,
    transport: Transport,
    session: Session,
    limits: Limits,
}

impl Registry {
    /// The registry called `name` in references; nothing is sent yet.
    pub fn new(name: &str, transport: &Transport, keychain: &Keychain, limits: &Limits) -> Self {
        let session = Session::new(name, keychain.clone());
        Self { name: name.to_owned(), transport: transport.clone(), session, limits: *limits }
    }

    /// Its name in references.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The repository at `path`.
    pub fn repository(&self, path: &str) -> Repository<'_> {
        Repository { registry: self, path: path.to_owned() }
    }

    fn host(&self) -> &str {
        api_host(&self.name)
    }

    /// Sends a call, answering one challenge. A stream can be sent once: where its token ended, the
    /// next one is there for whoever begins again.
    fn send(&self, scope: &Scope, call: Call, payload: Payload<'_>) -> Result<Reply, Error> {
        let at_home = is_same_origin(&call.url, &self.transport.url(self.host(), "/")?);
        let known = if at_home { self.session.known(scope) } else { None };
        let first = match &known {
            Some(header) => call.clone().header(AUTHORIZATION, header.clone()),
            None => call.clone(),
        };
        let again = match &payload {
            Payload::None => Some(Payload::None),
            Payload::Bytes(bytes) => Some(Payload::Bytes(bytes)),
            Payload::Stream { .. } => None,
        };
        let reply = self.transport.send(&first, payload)?;
        // A challenge of another host is none that our credentials are an answer to.
        if reply.status() != 401 || reply.is_elsewhere() || !at_home {
            return Ok(reply);
        }
        let header = self.session.answer(&self.transport, &reply, scope)?;
        let Some(again) = again else {
            let (registry, repository) = (self.name.clone(), scope.repository.clone());
            return Err(Error::TokenEnded { registry, repository });
        };
        let reply = self.transport.send(&call.header(AUTHORIZATION, header), again)?;
        if reply.status() == 401 && !reply.is_elsewhere() {
            return Err(self.session.unauthorized(scope, "it does not accept the credentials"));
        }
        Ok(reply)
    }
}

/// The host of a registry's API: Docker Hub's is not the one of its references.
pub(super) fn api_host(name: &str) -> &str {
    if name == "docker.io" { "registry-1.docker.io" } else { name }
}

/// One repository of a registry.
#[derive(Clone)]
pub struct Repository<'a> {
    registry: &'a Registry,
    path: String,
}

/// What a registry says to a question for referrers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Referrers {
    /// It has no referrers API.
    NotSupported,
    /// All it lists, every page of it.
    Listed(Vec<Descriptor>),
}

/// What stands on a page of a list, and where the next page is.
type Page<T> = (Vec<T>, Option<Uri>);

impl<'a> Repository<'a> {
    /// `registry/path`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.registry.name, self.path)
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.registry.limits
    }

    pub(super) fn retries(&self) -> &Retries {
        self.registry.transport.retries()
    }

    pub(super) fn chunks(&self) -> Option<ChunkSize> {
        self.registry.transport.chunks()
    }

    /// The manifest under a tag, or `None` where the registry says that there is none.
    pub fn by_tag(&self, tag: &str) -> Result<Option<Fetched>, Error> {
        self.manifest(tag, None)
    }

    /// The manifest with this digest, proven to have it, or `None` where there is none.
    pub fn by_digest(&self, digest: &Digest) -> Result<Option<Fetched>, Error> {
        self.manifest(&digest.to_string(), Some(digest))
    }

    fn manifest(&self, at: &str, asked: Option<&Digest>) -> Result<Option<Fetched>, Error> {
        self.retries().run(|| self.manifest_once(at, asked))
    }

    fn manifest_once(&self, at: &str, asked: Option<&Digest>) -> Result<Option<Fetched>, Error> {
        let call = self
            .call(Method::GET, &format!("manifests/{at}"))?
            .header(ACCEPT, HeaderValue::from_static(MANIFEST_TYPES));
        let reply = self.send(Access::Pull, call, Payload::None)?;
        match reply.status() {
            200 => {}
            404 => return Ok(None),
            _ => return Err(reply.into_error()),
        }
        let url = reply.shown_url();
        let media_type =
            MediaType::from(reply.media_type().ok_or_else(|| reply.bad_header("content-type"))?);
        let promised = promised_digest(&reply)?;
        let bytes = reply.read(self.registry.limits.metadata_bytes)?;
        for promised in promised.iter().chain(asked) {
            check_digest(&url, promised, &bytes)?;
        }
        let digest = asked.copied().unwrap_or_else(|| Digest::sha256(&bytes));
        let descriptor = descriptor(media_type, digest, &bytes);
        Ok(Some(Fetched { descriptor, bytes }))
    }

    /// Every referrer the registry lists for `subject`.
    pub fn referrers(&self, subject: &Digest) -> Result<Referrers, Error> {
        let pages = self.pages(&format!("referrers/{subject}"), "referrers", |page, call| {
            self.referrers_page(page, call)
        })?;
        Ok(pages.map_or(Referrers::NotSupported, Referrers::Listed))
    }

    /// Every tag of the repository
    /// ([listing tags](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-tags)).
    pub fn tags(&self) -> Result<Vec<String>, Error> {
        let pages = self.pages("tags/list", "tags", |_, call| self.tags_page(call).map(Some))?;
        Ok(pages.unwrap_or_default())
    }

    /// What stands on all pages of a list, the first of which is at `path`; none where `read` says that
    /// there is no such list.
    fn pages<T>(
        &self,
        path: &str,
        what: &'static str,
        read: impl Fn(usize, Call) -> Result<Option<Page<T>>, Error>,
    ) -> Result<Option<Vec<T>>, Error> {
        let limit = self.registry.limits.descriptors;
        let mut call = self.call(Method::GET, path)?;
        let mut listed = Vec::new();
        for page in 0..PAGES {
            let url = shown(&call.url);
            let Some((found, next)) = self.retries().run(|| read(page, call.clone()))? else {
                return Ok(None);
            };
            listed.extend(found);
            if listed.len() > limit {
                return Err(Error::TooMany { url, what, limit });
            }
            match next {
                None => return Ok(Some(listed)),
                Some(next) => call = Call::new(Method::GET, next),
            }
        }
        let url = format!("{}/{path}", self.name());
        Err(Error::TooMany { url, what: "pages", limit: PAGES })
    }

    /// One page, and where the next one is; none where the first is not there.
    fn referrers_page(&self, page: usize, call: Call) -> Result<Option<Page<Descriptor>>, Error> {
        let limits = &self.registry.limits;
        let accept = HeaderValue::from_static(MediaType::OCI_INDEX);
        let reply = self.send(Access::Pull, call.header(ACCEPT, accept), Payload::None)?;
        match reply.status() {
            200 => {}
            404 if page == 0 => return Ok(None),
            _ => return Err(reply.into_error()),
        }
        let url = reply.shown_url();
        // A list that leaves something out would read as one without it.
        if let Some(filters) = reply.header("oci-filters-applied").filter(|it| !it.is_empty()) {
            return Err(Error::Filtered { url, filters: filters.escape_debug().to_string() });
        }
        let next = next_page(&reply)?;
        let bytes = reply.read(limits.metadata_bytes)?;
        let index = Index::parse(&bytes, &MediaType::from(MediaType::OCI_INDEX), limits)
            .map_err(|cause| Error::Document { url, cause })?;
        Ok(Some((index.manifests, next)))
    }

    /// One page, and where the next one is.
    fn tags_page(&self, call: Call) -> Result<Page<String>, Error> {
        /// What else stands there is the repository's name.
        #[derive(Deserialize)]
        struct TagList {
            tags: Option<Vec<String>>,
        }
        let accept = HeaderValue::from_static("application/json");
        let reply = self.send(Access::Pull, call.header(ACCEPT, accept), Payload::None)?;
        if reply.status() != 200 {
            return Err(reply.into_error());
        }
        let url = reply.shown_url();
        let next = next_page(&reply)?;
        let bytes = reply.read(self.registry.limits.metadata_bytes)?;
        // A repository that lost its last tag has null here.
        let TagList { tags } =
            serde_json::from_slice(&bytes).map_err(|cause| Error::TagList { url, cause })?;
        Ok((tags.unwrap_or_default(), next))
    }

    /// Whether the registry holds a blob of this digest, and of this size.
    pub fn has_blob(&self, descriptor: &Descriptor) -> Result<bool, Error> {
        self.retries().run(|| {
            let call = self.call(Method::HEAD, &format!("blobs/{}", descriptor.digest))?;
            let reply = self.send(Access::Pull, call, Payload::None)?;
            match reply.status() {
                200 => check_length(&reply, descriptor, descriptor.size).map(|()| true),
                404 => Ok(false),
                _ => Err(reply.into_error()),
            }
        })
    }

    /// What the repository says that stands under a tag, or under a digest.
    pub fn standing(&self, at: &str) -> Result<Standing, Error> {
        self.retries().run(|| {
            let call = self
                .call(Method::HEAD, &format!("manifests/{at}"))?
                .header(ACCEPT, HeaderValue::from_static(MANIFEST_TYPES));
            let reply = self.send(Access::Pull, call, Payload::None)?;
            match reply.status() {
                200 => Ok(promised_digest(&reply)?.map_or(Standing::Unnamed, Standing::Manifest)),
                404 => Ok(Standing::Nothing),
                _ => Err(reply.into_error()),
            }
        })
    }

    /// The bytes of a blob as they come: unproven, and never more than one byte past its size.
    pub fn blob(&self, descriptor: &Descriptor) -> Result<impl Read + Send + use<'a>, Error> {
        self.download(descriptor)
    }

    pub(super) fn download(&self, descriptor: &Descriptor) -> Result<Download<'a>, Error> {
        Download::begin(self.clone(), descriptor)
    }

    /// Begins to upload a blob, or has the registry take it over from `mount_from`: then there is
    /// nothing left to send.
    pub(super) fn begin_upload(
        &self,
        descriptor: &Descriptor,
        mount_from: Option<&str>,
    ) -> Result<Option<Upload<'a>>, Error> {
        if let Some(from) = mount_from {
            let scope = Scope { mount_from: Some(from.to_owned()), ..self.scope(Access::Push) };
            let digest = percent_encoded(&descriptor.digest.to_string());
            let query = format!("?mount={digest}&from={}", percent_encoded(from));
            match self.post_upload(&scope, &query) {
                Ok(reply) if reply.status() == 201 => return Ok(None),
                Ok(reply) if reply.status() == 202 => {
                    return Upload::begun(self.clone(), scope, descriptor, &reply).map(Some);
                }
                // A registry need not mount, and may not let us read there.
                Ok(reply) if matches!(reply.status(), 400..=499) => {}
                Err(Error::Unauthorized { .. }) => {}
                Ok(reply) => return Err(reply.into_error()),
                Err(error) => return Err(error),
            }
        }
        let scope = self.scope(Access::Push);
        let reply = self.post_upload(&scope, "")?;
        match reply.status() {
            202 => Upload::begun(self.clone(), scope, descriptor, &reply).map(Some),
            _ => Err(reply.into_error()),
        }
    }

    /// Asks for an upload. What is begun twice is not stored twice: nobody closes the first.
    pub(super) fn post_upload(&self, scope: &Scope, query: &str) -> Result<Reply, Error> {
        self.retries().run(|| {
            let call = self.call(Method::POST, &format!("blobs/uploads/{query}"))?;
            let reply = self.registry.send(scope, call, Payload::Bytes(&[]))?;
            if matches!(reply.status(), 201 | 202 | 400..=499) && reply.status() != 429 {
                Ok(reply)
            } else {
                Err(reply.into_error())
            }
        })
    }

    /// Where an upload goes on. Another host is fine, and gets no credentials.
    pub(super) fn upload_location(&self, reply: &Reply) -> Result<Uri, Error> {
        let location = reply.location()?;
        self.registry.transport.check_scheme(&location).map_err(|why| reply.bad_location(why))?;
        Ok(location)
    }

    /// Puts a manifest under its digest, or under a tag.
    pub(super) fn put_manifest(
        &self,
        at: &str,
        media_type: &MediaType,
        digest: &Digest,
        bytes: &[u8],
    ) -> Result<Stored, Error> {
        let url = self.name();
        let content_type = HeaderValue::from_str(media_type.as_str())
            .map_err(|_| Error::BadHeader { url, name: "content-type" })?;
        let call =
            self.call(Method::PUT, &format!("manifests/{at}"))?.header(CONTENT_TYPE, content_type);
        self.retries().run(|| {
            let reply = self.send(Access::Push, call.clone(), Payload::Bytes(bytes))?;
            if !matches!(reply.status(), 200..=202) {
                return Err(reply.into_error());
            }
            check_stored(&reply, digest)?;
            let is_listed = reply.header("oci-subject").is_some();
            Ok(if is_listed { Stored::Listed } else { Stored::Plain })
        })
    }

    pub(super) fn call(&self, method: Method, rest: &str) -> Result<Call, Error> {
        let path = format!("/v2/{}/{rest}", self.path);
        Ok(Call::new(method, self.registry.transport.url(self.registry.host(), &path)?))
    }

    pub(super) fn send(
        &self,
        access: Access,
        call: Call,
        payload: Payload<'_>,
    ) -> Result<Reply, Error> {
        self.send_as(&self.scope(access), call, payload)
    }

    pub(super) fn send_as(
        &self,
        scope: &Scope,
        call: Call,
        payload: Payload<'_>,
    ) -> Result<Reply, Error> {
        self.registry.send(scope, call, payload)
    }

    fn scope(&self, access: Access) -> Scope {
        Scope { repository: self.path.clone(), access, mount_from: None }
    }
}

/// The `Accept` of every request for a manifest.
const MANIFEST_TYPES: &str = concat!(
    "application/vnd.oci.image.index.v1+json, ",
    "application/vnd.oci.image.manifest.v1+json, ",
    "application/vnd.docker.distribution.manifest.list.v2+json, ",
    "application/vnd.docker.distribution.manifest.v2+json"
);

fn descriptor(media_type: MediaType, digest: Digest, bytes: &[u8]) -> Descriptor {
    Descriptor {
        media_type,
        digest,
        size: u64::try_from(bytes.len()).expect("a slice is no longer than u64 counts"),
        annotations: std::collections::BTreeMap::new(),
        platform: None,
        artifact_type: None,
        data: None,
    }
}

/// `Docker-Content-Digest`, where it stands; one that is no digest is an error.
fn promised_digest(reply: &Reply) -> Result<Option<Digest>, Error> {
    let name = "docker-content-digest";
    reply.header(name).map(|text| text.parse().map_err(|_| reply.bad_header(name))).transpose()
}

fn check_digest(url: &str, promised: &Digest, bytes: &[u8]) -> Result<(), Error> {
    let found = Digest::of(promised.algorithm(), bytes);
    if found == *promised {
        Ok(())
    } else {
        Err(Error::WrongDigest { url: url.to_owned(), promised: *promised, found })
    }
}

/// Whether an answer of `expected` bytes of a blob has as many, as far as it says.
pub(super) fn check_length(reply: &Reply, blob: &Descriptor, expected: u64) -> Result<(), Error> {
    match reply.length().filter(|length| *length != expected) {
        None => Ok(()),
        Some(found) => {
            let found = found.saturating_add(blob.size.saturating_sub(expected));
            Err(Error::WrongSize { url: reply.shown_url(), promised: blob.size, found })
        }
    }
}

/// A registry that says under which digest it stored bytes must say the one they have.
pub(super) fn check_stored(reply: &Reply, digest: &Digest) -> Result<(), Error> {
    match promised_digest(reply)? {
        Some(found) if found != *digest && found.algorithm() == digest.algorithm() => {
            Err(Error::WrongDigest { url: reply.shown_url(), promised: *digest, found })
        }
        _ => Ok(()),
    }
}

/// The `rel="next"` of `Link` (RFC 8288), which must stay at the registry.
fn next_page(reply: &Reply) -> Result<Option<Uri>, Error> {
    for link in reply.headers("link") {
        let target = link.trim().strip_prefix('<').and_then(|rest| rest.split_once('>'));
        let Some((target, parameters)) = target else { return Err(reply.bad_header("link")) };
        let mut parameters = parameters.split(';').map(str::trim);
        if !parameters.any(|text| matches!(text, "rel=\"next\"" | "rel=next")) {
            continue;
        }
        let next = reply.resolve(target)?;
        if !is_same_origin(&next, &reply.resolve("/")?) {
            return Err(reply.bad_location("the next page is at another host"));
        }
        return Ok(Some(next));
    }
    Ok(None)
}
