//! A repository as a [`Source`].

use super::{Error, Referrers, Repository};
use crate::digest::Digest;
use crate::oci::{Descriptor, Index};
use crate::transfer::{Answer, ChunkSink, Fault, Fetched, LookupKind, Source, evidence_tag};

/// Bytes read from a connection at a time.
const CHUNK: usize = 128 << 10;

impl Source for Repository<'_> {
    fn name(&self) -> String {
        self.name()
    }

    fn repository(&self) -> Option<String> {
        Some(self.name())
    }

    fn by_tag(&self, tag: &str) -> Result<Option<Fetched>, Fault> {
        Ok(self.by_tag(tag)?)
    }

    fn by_digest(&self, digest: &Digest) -> Result<Option<Fetched>, Fault> {
        Ok(self.by_digest(digest)?)
    }

    fn look_up(&self, subject: &Digest, kind: LookupKind) -> Result<Answer, Fault> {
        if kind == LookupKind::ReferrersApi {
            return Ok(match self.referrers(subject)? {
                Referrers::NotSupported => Answer::NotSupported,
                Referrers::Listed(list) => Answer::Listed(list),
            });
        }
        let Some(tag) = evidence_tag(subject, kind) else { return Ok(Answer::NotSupported) };
        let Some(manifest) = self.by_tag(&tag)? else { return Ok(Answer::NotFound) };
        if kind == LookupKind::FallbackTag {
            return Ok(Answer::Listed(self.fallback_index(&tag, &manifest)?.manifests));
        }
        Ok(Answer::Tagged { tag, manifest: Box::new(manifest) })
    }

    fn has_blob(&self, descriptor: &Descriptor) -> Result<bool, Fault> {
        Ok(self.has_blob(descriptor)?)
    }

    fn read_blob(&self, descriptor: &Descriptor, sink: &mut ChunkSink<'_>) -> Result<(), Fault> {
        let mut bytes = self.download(descriptor)?;
        let mut buffer = vec![0; CHUNK];
        let mut held = 0_usize;
        loop {
            let free = buffer.get_mut(held..).unwrap_or_default();
            let count = bytes.next(free)?;
            held = held.saturating_add(count);
            if held == CHUNK || count == 0 {
                sink(buffer.get(..held).unwrap_or_default()).map_err(Fault::new)?;
                held = 0;
            }
            if count == 0 {
                return Ok(());
            }
        }
    }
}

impl Repository<'_> {
    /// Reads what stands under a fallback tag.
    pub(super) fn fallback_index(&self, tag: &str, found: &Fetched) -> Result<Index, Error> {
        Index::parse(&found.bytes, &found.descriptor.media_type, self.limits())
            .map_err(|cause| Error::Document { url: format!("{}:{tag}", self.name()), cause })
    }
}
