//! An *upload*: a blob on its way into a repository
//! ([pushing blobs](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-blobs)).
//!
//! A blob is sent in one piece. Where that breaks off, the registry is asked how much of it it has,
//! and the rest goes after it as one last chunk, which may be smaller than the least a registry
//! wants. A registry that does not know the upload any more, or does not take the rest, gets the
//! whole blob in an upload of its own.

use std::io::{self, Read};

use ureq::http::header::{CONTENT_RANGE, CONTENT_TYPE, HeaderValue, RANGE};
use ureq::http::{Method, Uri};

use super::Error;
use super::auth::{Scope, percent_encoded};
use super::registry::{Repository, check_stored};
use super::transport::{Call, Payload, Reply};
use crate::oci::Descriptor;
use crate::transfer::Content;

/// A blob the registry waits for.
pub(super) struct Upload<'a> {
    repository: Repository<'a>,
    scope: Scope,
    blob: Descriptor,
    location: Uri,
    /// Bytes of the blob that the registry has.
    taken: u64,
}

/// What became of an upload that broke off.
enum Standing {
    /// It goes on where it stopped, or from the beginning.
    Open,
    /// The registry has the blob.
    Stored,
}

impl<'a> Upload<'a> {
    /// Begins where `reply` accepts an upload.
    pub(super) fn begun(
        repository: Repository<'a>,
        scope: Scope,
        blob: &Descriptor,
        reply: &Reply,
    ) -> Result<Self, Error> {
        let location = repository.upload_location(reply)?;
        Ok(Self { repository, scope, blob: blob.clone(), location, taken: 0 })
    }

    /// Sends the blob, over as many requests as it takes.
    pub(super) fn send(mut self, content: &Content<'_>) -> Result<(), Error> {
        let mut attempts = self.repository.retries().attempts();
        loop {
            let before = self.taken;
            let Err(error) = self.send_rest(content) else { return Ok(()) };
            // What a registry refuses to append it may take as a whole.
            if before > 0 && error.is_refusal() {
                self.begin_anew()?;
                continue;
            }
            attempts.after(error)?;
            match self.ask()? {
                Standing::Stored => return Ok(()),
                Standing::Open if self.taken > before => attempts.progressed(),
                Standing::Open => {}
            }
        }
    }

    /// Sends what the registry does not have and says that this is all.
    fn send_rest(&mut self, content: &Content<'_>) -> Result<(), Error> {
        if self.taken == 0 {
            let octets = HeaderValue::from_static(OCTETS);
            let call = Call::new(Method::PUT, self.closing()?).header(CONTENT_TYPE, octets);
            let reply = self.stream(content, call)?;
            return self.check_closed(reply);
        }
        if let Some(last) = self.blob.size.checked_sub(1).filter(|last| self.taken <= *last) {
            let range = HeaderValue::try_from(format!("{}-{last}", self.taken));
            let call = Call::new(Method::PATCH, self.location.clone())
                .header(CONTENT_TYPE, HeaderValue::from_static(OCTETS))
                .header(CONTENT_RANGE, range.expect("digits and a hyphen are a header value"));
            let reply = self.stream(content, call)?;
            if !matches!(reply.status(), 201 | 202) {
                return Err(reply.into_error());
            }
            self.location = self.repository.upload_location(&reply)?;
            self.taken = self.blob.size;
        }
        let call = Call::new(Method::PUT, self.closing()?);
        let reply = self.repository.send_as(&self.scope, call, Payload::Bytes(&[]))?;
        self.check_closed(reply)
    }

    /// Streams the blob from the first byte that the registry does not have.
    fn stream(&self, content: &Content<'_>, call: Call) -> Result<Reply, Error> {
        let size = self.blob.size.saturating_sub(self.taken);
        content.read(|bytes| {
            let mut bytes = Heard { bytes, failure: None };
            // Every byte is hashed, those that are not sent again as well.
            let skipped = io::copy(&mut (&mut bytes).take(self.taken), &mut io::sink());
            let sent = skipped.map_err(|_| None).and_then(|_| {
                let payload = Payload::Stream { size, bytes: &mut bytes };
                self.repository.send_as(&self.scope, call, payload).map_err(Some)
            });
            let digest = self.blob.digest;
            match (bytes.failure, sent) {
                (Some(cause), _) => Err(Error::Unsent { digest, cause }),
                (None, Ok(reply)) => Ok(reply),
                (None, Err(Some(error))) => Err(error),
                (None, Err(None)) => {
                    Err(Error::Unsent { digest, cause: io::ErrorKind::UnexpectedEof.into() })
                }
            }
        })
    }

    fn check_closed(&self, reply: Reply) -> Result<(), Error> {
        match reply.status() {
            201 => check_stored(&reply, &self.blob.digest),
            _ => Err(reply.into_error()),
        }
    }

    /// The location with the digest that closes the upload.
    fn closing(&self) -> Result<Uri, Error> {
        let digest = percent_encoded(&self.blob.digest.to_string());
        let separator = if self.location.query().is_some() { '&' } else { '?' };
        let text = format!("{}{separator}digest={digest}", self.location);
        text.parse().map_err(|_| Error::BadLocation {
            url: self.repository.name(),
            why: "the place of an upload is no URL",
        })
    }

    /// Asks what the registry has after an upload broke off.
    fn ask(&mut self) -> Result<Standing, Error> {
        let call = Call::new(Method::GET, self.location.clone());
        // A registry that cannot say takes the whole blob again.
        if let Ok(reply) = self.repository.send_as(&self.scope, call, Payload::None)
            && matches!(reply.status(), 202 | 204)
            && let Some(taken) = taken(&reply)
            && taken > 0
            && taken <= self.blob.size
        {
            if reply.header("location").is_some() {
                self.location = self.repository.upload_location(&reply)?;
            }
            self.taken = taken;
            return Ok(Standing::Open);
        }
        // The upload may be unknown because it was closed and only the answer was lost.
        if self.repository.has_blob(&self.blob)? {
            return Ok(Standing::Stored);
        }
        self.begin_anew()?;
        Ok(Standing::Open)
    }

    fn begin_anew(&mut self) -> Result<(), Error> {
        let reply = self.repository.post_upload(&self.scope, "")?;
        if reply.status() != 202 {
            return Err(reply.into_error());
        }
        self.location = self.repository.upload_location(&reply)?;
        self.taken = 0;
        Ok(())
    }
}

const OCTETS: &str = "application/octet-stream";

/// `Range: 0-LAST` of an upload's status: the bytes it has. `0-0` is what registries say of none.
fn taken(reply: &Reply) -> Option<u64> {
    let range = reply.header(RANGE.as_str())?;
    let (first, last) = range.strip_prefix("bytes=").unwrap_or(range).split_once('-')?;
    let last: u64 = last.parse().ok()?;
    (first == "0" && last > 0).then(|| last.saturating_add(1))
}

/// Remembers why a reader failed, which a failed request does not tell from a broken connection.
struct Heard<'a> {
    bytes: &'a mut dyn Read,
    failure: Option<io::Error>,
}

impl Read for Heard<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.bytes.read(buffer).map_err(|cause| {
            let kind = cause.kind();
            if kind != io::ErrorKind::Interrupted {
                self.failure = Some(cause);
            }
            kind.into()
        })
    }
}
