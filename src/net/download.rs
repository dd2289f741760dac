//! A *download*: the bytes of a blob as they come, over as many connections as it takes.

use std::io::{self, Read};

use ureq::http::Method;
use ureq::http::header::{HeaderValue, RANGE};

use super::Error;
use super::auth::Access;
use super::registry::{Repository, check_length};
use super::retry::Attempts;
use super::transport::Payload;
use crate::oci::Descriptor;

/// Bytes after which a connection that breaks off has been worth its while: the count of failed
/// attempts begins anew, so that size alone does not end the download of a large layer.
const PROGRESS: u64 = 1 << 20;

/// The bytes of a blob: unproven, and never more than one past its size. What comes after a break
/// is appended to what came before, so whoever hashes them proves that it is one blob.
pub(super) struct Download<'a> {
    repository: Repository<'a>,
    blob: Descriptor,
    attempts: Attempts,
    bytes: Box<dyn Read + Send>,
    position: u64,
    /// Where the last break was.
    broke_at: u64,
}

impl<'a> Download<'a> {
    pub(super) fn begin(repository: Repository<'a>, blob: &Descriptor) -> Result<Self, Error> {
        let mut attempts = repository.retries().attempts();
        let bytes = loop {
            match open(&repository, blob, 0) {
                Ok(bytes) => break bytes,
                Err(error) => attempts.after(error)?,
            }
        };
        let blob = blob.clone();
        Ok(Self { repository, blob, attempts, bytes, position: 0, broke_at: 0 })
    }

    /// The next bytes; none at the end.
    pub(super) fn next(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        loop {
            let left = self.blob.size.saturating_sub(self.position);
            let cause = match self.bytes.read(buffer) {
                Ok(0) if left > 0 && !buffer.is_empty() => io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    format!("{left} of {} bytes are missing", self.blob.size),
                ),
                Ok(count) => {
                    let passed = u64::try_from(count).unwrap_or(u64::MAX);
                    self.position = self.position.saturating_add(passed);
                    return Ok(count);
                }
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => continue,
                Err(cause) => cause,
            };
            let url = format!("{}@{}", self.repository.name(), self.blob.digest);
            self.go_on(Error::BrokenOff { url, cause })?;
        }
    }

    /// Opens the rest after a break.
    fn go_on(&mut self, broken: Error) -> Result<(), Error> {
        if self.position.saturating_sub(self.broke_at) >= PROGRESS {
            self.attempts.progressed();
        }
        self.broke_at = self.position;
        self.attempts.after(broken)?;
        loop {
            match open(&self.repository, &self.blob, self.position) {
                Ok(bytes) => {
                    self.bytes = bytes;
                    return Ok(());
                }
                Err(error) => self.attempts.after(error)?,
            }
        }
    }
}

impl Read for Download<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.next(buffer).map_err(io::Error::other)
    }
}

/// Asks for a blob from the byte `from`.
fn open(
    repository: &Repository<'_>,
    blob: &Descriptor,
    from: u64,
) -> Result<Box<dyn Read + Send>, Error> {
    let mut call = repository.call(Method::GET, &format!("blobs/{}", blob.digest))?;
    if from > 0 {
        let range = HeaderValue::try_from(format!("bytes={from}-"));
        call = call.header(RANGE, range.expect("a word and digits are a header value"));
    }
    let left = blob.size.saturating_sub(from);
    let reply = repository.send(Access::Pull, call, Payload::None)?;
    let skipped = match reply.status() {
        200 => {
            check_length(&reply, blob, blob.size)?;
            from
        }
        206 if from > 0 => {
            if reply.first_byte() != Some(from) {
                return Err(reply.bad_header("content-range"));
            }
            check_length(&reply, blob, left)?;
            0
        }
        404 => {
            return Err(Error::NoBlob { repository: repository.name(), digest: blob.digest });
        }
        _ => return Err(reply.into_error()),
    };
    let url = reply.shown_url();
    let mut bytes = reply.into_reader();
    // A registry that knows no ranges sends all of it again.
    let passed = io::copy(&mut (&mut bytes).take(skipped), &mut io::sink());
    match passed {
        Ok(passed) if passed == skipped => Ok(Box::new(bytes.take(left.saturating_add(1)))),
        Ok(_) => Err(Error::BrokenOff { url, cause: io::ErrorKind::UnexpectedEof.into() }),
        Err(cause) => Err(Error::BrokenOff { url, cause }),
    }
}
