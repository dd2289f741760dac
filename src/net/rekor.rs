//! *Rekor*: the transparency log of Sigstore, version 1, asked for single entries.
//!
//! What it says is proven by whoever asked; here it is only fetched.

use ureq::http::header::{ACCEPT, HeaderValue};
use ureq::http::{Method, Uri};

use super::transport::{Call, Payload};
use super::{Error, Transport};
use crate::limits::Limits;
use crate::transfer::{Fault, LogSource};

/// A log that answers over HTTP.
pub struct Rekor {
    /// Where its API is, without a slash at its end.
    url: String,
    transport: Transport,
    limits: Limits,
}

impl Rekor {
    /// The log at `url`; nothing is sent yet.
    pub fn new(url: &str, transport: &Transport, limits: &Limits) -> Result<Self, Error> {
        let url = url.trim_end_matches('/').to_owned();
        let bad = |why| Error::BadLocation { url: url.clone(), why };
        let parsed: Uri = url.parse().map_err(|_| bad("it is no URL"))?;
        transport.check_scheme(&parsed).map_err(bad)?;
        transport.check_own_roots()?;
        if parsed.query().is_some() || parsed.authority().is_none_or(|it| it.as_str().contains('@'))
        {
            return Err(bad("it is more than a host and a path"));
        }
        Ok(Self { url, transport: transport.clone(), limits: *limits })
    }

    fn fetch(&self, index: u64) -> Result<Vec<u8>, Error> {
        let url = format!("{}/api/v1/log/entries?logIndex={index}", self.url);
        let parsed = url.parse().map_err(|_| Error::BadLocation { url, why: "it is no URL" })?;
        let accept = HeaderValue::from_static("application/json");
        let call = Call::new(Method::GET, parsed).header(ACCEPT, accept);
        self.transport.retries().run(|| {
            let reply = self.transport.send(&call, Payload::None)?;
            match reply.status() {
                200 => reply.read(self.limits.metadata_bytes),
                _ => Err(reply.into_error()),
            }
        })
    }
}

impl LogSource for Rekor {
    fn name(&self) -> String {
        self.url.clone()
    }

    fn entry(&self, index: u64) -> Result<Vec<u8>, Fault> {
        Ok(self.fetch(index)?)
    }
}
