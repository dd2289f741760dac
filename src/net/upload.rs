//! An *upload*: a blob on its way into a repository
//! ([pushing blobs](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-blobs)).
//!
//! A blob is sent in one piece, which every registry takes, or in chunks where that was chosen. Where
//! it breaks off, the registry is asked how much of it it has, and the rest goes after it. A registry
//! that does not know the upload any more, or does not take the rest, gets the whole blob in an upload
//! of its own.

use std::io::{self, Read};
use std::str::FromStr;

use ureq::http::header::{CONTENT_RANGE, CONTENT_TYPE, HeaderValue, RANGE};
use ureq::http::{Method, Uri};

use super::Error;
use super::auth::{Scope, percent_encoded};
use super::registry::{Repository, check_stored};
use super::transport::{Call, Payload, Reply};
use crate::oci::Descriptor;
use crate::size::{InvalidSize, Size};
use crate::transfer::Content;

/// The largest part of a blob that goes with one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkSize(u64);

impl ChunkSize {
    /// 64 KiB: below it a blob would be mostly requests.
    const SMALLEST: u64 = 64 << 10;
}

impl FromStr for ChunkSize {
    type Err = InvalidChunkSize;

    fn from_str(text: &str) -> Result<Self, InvalidChunkSize> {
        let size = text.parse::<Size>()?.bytes();
        if size < Self::SMALLEST { Err(InvalidChunkSize::TooSmall) } else { Ok(Self(size)) }
    }
}

/// Why a text is no size of chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidChunkSize {
    /// It is none at all.
    #[error(transparent)]
    Size(#[from] InvalidSize),
    /// It is below the smallest.
    #[error("a chunk has at least 64KiB")]
    TooSmall,
}

/// A blob the registry waits for.
pub(super) struct Upload<'a> {
    repository: Repository<'a>,
    scope: Scope,
    blob: Descriptor,
    location: Uri,
    /// Bytes that go with one request at most.
    chunk: u64,
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
        // The last chunk may be smaller than the least that a registry takes.
        let least = reply.header("oci-chunk-min-length").and_then(|text| text.parse().ok());
        let chunk = repository.chunks().map_or(u64::MAX, |size| size.0.max(least.unwrap_or(0)));
        Ok(Self { repository, scope, blob: blob.clone(), location, chunk, taken: 0 })
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
        if self.taken == 0 && self.blob.size <= self.chunk {
            let octets = HeaderValue::from_static(OCTETS);
            let call = Call::new(Method::PUT, self.closing()?).header(CONTENT_TYPE, octets);
            let reply =
                content.read(|bytes| self.pass(&mut Heard::new(bytes), self.blob.size, call))?;
            return self.check_closed(reply);
        }
        if self.taken < self.blob.size {
            content.read(|bytes| self.send_chunks(&mut Heard::new(bytes)))?;
        }
        let call = Call::new(Method::PUT, self.closing()?);
        let reply = self.repository.send_as(&self.scope, call, Payload::Bytes(&[]))?;
        self.check_closed(reply)
    }

    /// Sends the chunks that the registry does not have, one after another.
    fn send_chunks(&mut self, bytes: &mut Heard<'_>) -> Result<(), Error> {
        // Every byte is hashed, those that are not sent again as well.
        if io::copy(&mut (&mut *bytes).take(self.taken), &mut io::sink()).is_err() {
            let cause = bytes.failure.take().unwrap_or(io::ErrorKind::UnexpectedEof.into());
            return Err(Error::Unsent { digest: self.blob.digest, cause });
        }
        while self.taken < self.blob.size {
            let end = self.blob.size.min(self.taken.saturating_add(self.chunk));
            let range = HeaderValue::try_from(format!("{}-{}", self.taken, end.saturating_sub(1)));
            let call = Call::new(Method::PATCH, self.location.clone())
                .header(CONTENT_TYPE, HeaderValue::from_static(OCTETS))
                .header(CONTENT_RANGE, range.expect("digits and a hyphen are a header value"));
            let reply = self.pass(bytes, end.saturating_sub(self.taken), call)?;
            // By the spec 202; there are registries that say 204.
            if !matches!(reply.status(), 201 | 202 | 204) {
                return Err(reply.into_error());
            }
            self.location = self.repository.upload_location(&reply)?;
            self.taken = end;
        }
        Ok(())
    }

    /// Sends the next `size` bytes. Why they could not be read says more than that they did not come.
    fn pass(&self, bytes: &mut Heard<'_>, size: u64, call: Call) -> Result<Reply, Error> {
        let payload = Payload::Stream { size, bytes: &mut (&mut *bytes).take(size) };
        let sent = self.repository.send_as(&self.scope, call, payload);
        let digest = self.blob.digest;
        bytes.failure.take().map_or(sent, |cause| Err(Error::Unsent { digest, cause }))
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

impl<'a> Heard<'a> {
    fn new(bytes: &'a mut dyn Read) -> Self {
        Self { bytes, failure: None }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_of_chunks() {
        for (text, expected) in [
            ("64KiB", Ok(ChunkSize(65_536))),
            ("32MiB", Ok(ChunkSize(33_554_432))),
            ("65535KB", Ok(ChunkSize(65_535_000))),
            ("65KB", Err(InvalidChunkSize::TooSmall)),
            ("0GiB", Err(InvalidChunkSize::TooSmall)),
            ("64", Err(InvalidSize::Form.into())),
            ("9223372036854775808KB", Err(InvalidSize::TooLarge.into())),
        ] {
            assert_eq!(text.parse::<ChunkSize>(), expected, "{text}");
        }
    }
}
