//! A *volume*: one numbered file of an archive that is carried in several.
//!
//! The volumes of a set hold the bytes of one plain tar, cut wherever a volume is full, so a blob may
//! begin in one and end in another. In front of its bytes each has a header:
//!
//! ```text
//! volume = header payload
//! header = "sealift volume 1" LF
//!          "set " digest LF                          ; the name of the set
//!          "number " decimal " of " decimal LF       ; from 1
//!          "bytes " decimal " from " decimal LF      ; of the payload, and where in the tar it begins
//!          "payload " digest LF
//!          *NUL                                      ; to 512 bytes
//! digest = "sha256:" 64hex
//! ```
//!
//! The set is named by the SHA-256 of the lines `number`, `bytes` and `payload` of all its headers, in
//! their order: two sets have one name only where they hold the same. There is one spelling of a header.
//!
//! A set is read in place, its files as one. Whether a volume holds its payload is asked only where
//! something read from it is wrong: blobs prove themselves, and nothing is read twice for it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::str::FromStr;
use std::sync::{Arc, OnceLock};

use crate::archive::error::VolumeFault;
use crate::archive::tar::{ReadAt, Span, with_buffer};
use crate::archive::{BlobError, Damage, Error};
use crate::digest::{Algorithm, Digest, Hasher};
use crate::limits::Limits;
use crate::size::{InvalidSize, Size};

/// Bytes of a header.
pub(super) const HEADER: u64 = 512;

/// Begins every header, of whatever version.
const MAGIC: &[u8] = b"sealift volume ";

/// Whether a file that begins with `head` is a volume.
pub(super) fn is_volume(head: &[u8]) -> bool {
    head.starts_with(MAGIC)
}

/// The bytes that each file of a set may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VolumeSize(u64);

impl VolumeSize {
    /// One MiB: below it headers and file names would weigh more than what is saved by so small media.
    const SMALLEST: u64 = 1 << 20;

    /// In bytes.
    pub fn bytes(self) -> u64 {
        self.0
    }

    /// Bytes of payload in a full volume. The file stays below the size: on FAT32 one of 4 GiB ends a
    /// byte early.
    pub(super) fn payload(self) -> u64 {
        let blocks = self.0.saturating_sub(1) / HEADER;
        blocks.saturating_sub(1).saturating_mul(HEADER)
    }
}

impl FromStr for VolumeSize {
    type Err = BadVolumeSize;

    fn from_str(text: &str) -> Result<Self, BadVolumeSize> {
        let size = text.parse::<Size>()?.bytes();
        if size < Self::SMALLEST { Err(BadVolumeSize::TooSmall) } else { Ok(Self(size)) }
    }
}

/// Why a text is no size of volumes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadVolumeSize {
    /// It is none at all.
    #[error(transparent)]
    Size(#[from] InvalidSize),
    /// It is below the smallest.
    #[error("a volume has at least 1MiB")]
    TooSmall,
}

/// What a header says of its volume, beside the name of the set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// Which of the set, from 1.
    pub(super) number: u32,
    /// How many the set has.
    pub(super) count: u32,
    /// Bytes of the payload.
    pub(super) length: u64,
    /// Where in the tar it begins.
    pub(super) offset: u64,
    /// Its digest.
    pub(super) payload: Digest,
}

impl Part {
    /// The lines that the name of the set is made of.
    fn lines(&self) -> String {
        let Self { number, count, length, offset, payload } = self;
        format!("number {number} of {count}\nbytes {length} from {offset}\npayload {payload}\n")
    }

    /// The header, of the set that `set` names.
    pub(super) fn header(&self, set: &Digest) -> Vec<u8> {
        let mut header = format!("sealift volume 1\nset {set}\n{}", self.lines()).into_bytes();
        header.resize(blank().len(), 0);
        header
    }

    /// Reads a header: the name of the set, and the rest. What would be written otherwise is refused.
    fn parse(header: &[u8], limits: &Limits) -> Result<(Digest, Self), Fault> {
        let text = header.split(|byte| *byte == 0).next().unwrap_or_default();
        let text = str::from_utf8(text).map_err(|_| VolumeFault::Form)?;
        let text = text.strip_prefix("sealift volume 1\n").ok_or(VolumeFault::Version)?;
        let mut lines = text.lines();
        let mut line = |key: &str| lines.next()?.strip_prefix(key)?.strip_prefix(' ');
        let read = || {
            let set = line("set")?.parse().ok()?;
            let (number, count) = line("number")?.split_once(" of ")?;
            let (length, offset) = line("bytes")?.split_once(" from ")?;
            let part = Self {
                number: number.parse().ok()?,
                count: count.parse().ok()?,
                length: length.parse().ok()?,
                offset: offset.parse().ok()?,
                payload: line("payload")?.parse().ok()?,
            };
            let sha256 = [&set, &part.payload]
                .into_iter()
                .all(|digest: &Digest| digest.algorithm() == Algorithm::Sha256);
            (sha256 && part.header(&set) == header).then_some((set, part))
        };
        let (set, part): (Digest, Self) = { read }().ok_or(VolumeFault::Form)?;
        let Self { number, count, length, .. } = part;
        if usize::try_from(count).map_or(true, |count| count > limits.volumes) {
            return Err(Fault::Limit);
        }
        if number == 0 || number > count {
            return Err(VolumeFault::Number { number, count }.into());
        }
        if length == 0 {
            return Err(VolumeFault::Empty.into());
        }
        Ok((set, part))
    }
}

enum Fault {
    Form(VolumeFault),
    Limit,
}

impl From<VolumeFault> for Fault {
    fn from(fault: VolumeFault) -> Self {
        Self::Form(fault)
    }
}

/// What stands where the header will.
pub(super) fn blank() -> Vec<u8> {
    vec![0; usize::try_from(HEADER).unwrap_or_default()]
}

/// The name of a set.
pub(super) fn name(parts: &[Part]) -> Digest {
    let lines = parts.iter().fold(String::new(), |mut lines, part| {
        // A string takes whatever is written into it.
        let _ = lines.write_str(&part.lines());
        lines
    });
    Digest::sha256(lines.as_bytes())
}

/// More volumes than a set may have.
pub(super) fn too_many(limits: &Limits) -> Error {
    let limit = u64::try_from(limits.volumes).unwrap_or(u64::MAX);
    Error::Limit { what: "volumes", limit }
}

/// One opened volume.
pub(super) struct Volume {
    name: String,
    file: File,
    set: Digest,
    part: Part,
    /// The digest of the payload, once it was asked for; `None` where it cannot be read.
    found: OnceLock<Option<Digest>>,
}

impl Volume {
    /// Reads the header of an opened file; `head` are its first 512 bytes, or all it has.
    pub(super) fn open(
        path: &Path,
        file: File,
        head: &[u8],
        limits: &Limits,
    ) -> Result<Self, Error> {
        let name = path.display().to_string();
        if !is_volume(head) {
            return Err(Error::NotAVolume { file: name });
        }
        let bad = |fault| Error::BadVolume { file: name.clone(), fault };
        if u64::try_from(head.len()).is_ok_and(|length| length < HEADER) {
            return Err(bad(VolumeFault::CutOff));
        }
        let (set, part) = Part::parse(head, limits).map_err(|fault| match fault {
            Fault::Form(fault) => bad(fault),
            Fault::Limit => too_many(limits),
        })?;
        let found = file.metadata().map_err(|cause| unreadable(path, cause))?.len();
        let (promised, found) = (part.length, found.saturating_sub(HEADER));
        if promised != found {
            return Err(Error::VolumeLength { file: name, promised, found });
        }
        Ok(Self { name, file, set, part, found: OnceLock::new() })
    }

    /// The name of its set.
    pub(super) fn set(&self) -> &Digest {
        &self.set
    }

    /// Which of its set it is, from 1.
    pub(super) fn number(&self) -> u32 {
        self.part.number
    }

    /// What happened to it, where it does not hold what its header says.
    fn damage(&self) -> Option<Box<Damage>> {
        let promised = self.part.payload;
        let found = self.found.get_or_init(|| self.hash().ok()).filter(|it| *it != promised)?;
        Some(Box::new(Damage { file: self.name.clone(), promised, found }))
    }

    fn hash(&self) -> io::Result<Digest> {
        let mut hasher = Hasher::new(Algorithm::Sha256);
        let mut position = HEADER;
        let mut left = self.part.length;
        with_buffer(|buffer| {
            while left > 0 {
                let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
                let part = buffer.get_mut(..wanted).unwrap_or_default();
                self.file.read_exact_at(part, position)?;
                hasher.update(part);
                let read = u64::try_from(wanted).unwrap_or(u64::MAX);
                (position, left) = (position.saturating_add(read), left.saturating_sub(read));
            }
            Ok(hasher.finish())
        })
    }
}

/// A whole set, read as the one tar it holds.
pub(super) struct Set {
    volumes: Vec<Volume>,
    length: u64,
}

impl Set {
    /// Puts volumes in order. Every one of the set must be there, once, and no other.
    pub(super) fn of(volumes: Vec<Volume>) -> Result<Arc<Self>, Error> {
        let mut known: BTreeMap<u32, Volume> = BTreeMap::new();
        let mut named: Option<(Digest, u32, String)> = None;
        for volume in volumes {
            let Volume { set, part: Part { number, count, .. }, .. } = volume;
            let file = volume.name.clone();
            let (first_set, first_count, first) =
                named.get_or_insert_with(|| (set, count, file.clone()));
            if *first_set != set {
                let (other, other_set) = (first.clone(), *first_set);
                return Err(Error::ForeignVolume { file, set, other, other_set });
            }
            if *first_count != count {
                let (other, other_count) = (first.clone(), *first_count);
                return Err(Error::VolumeCount { file, count, other, other_count });
            }
            if let Some(first) = known.insert(number, volume) {
                return Err(Error::DoubledVolume { number, first: first.name, second: file });
            }
        }
        let (set, count, _) = named.ok_or(Error::NoIndex)?;
        let missing: Vec<_> = (1..=count).filter(|number| !known.contains_key(number)).collect();
        if !missing.is_empty() {
            return Err(Error::MissingVolumes { set, count, missing });
        }
        let volumes: Vec<_> = known.into_values().collect();
        let length = check_offsets(&volumes)?;
        let parts: Vec<_> = volumes.iter().map(|volume| volume.part).collect();
        let found = name(&parts);
        if found != set {
            return Err(Error::WrongSet { promised: set, found });
        }
        Ok(Arc::new(Self { volumes, length }))
    }

    /// Says which volume is damaged, where one is, instead of `error`: what a broken volume looks
    /// like when it is read is of no use to anybody.
    pub(super) fn diagnose(&self, error: Error) -> Error {
        match self.volumes.iter().find_map(Volume::damage) {
            Some(damage) => Error::DamagedVolume { damage },
            None => error,
        }
    }

    /// The volume that holds the byte at `position`, and those behind it.
    fn from(&self, position: u64) -> &[Volume] {
        let behind = self.volumes.partition_point(|volume| volume.part.offset <= position);
        self.volumes.get(behind.saturating_sub(1)..).unwrap_or_default()
    }
}

/// Each begins where the one before it ends; the length of all.
fn check_offsets(volumes: &[Volume]) -> Result<u64, Error> {
    let mut expected = 0_u64;
    for Volume { name, part, .. } in volumes {
        let found = part.offset;
        if found != expected {
            return Err(Error::VolumeOffset { file: name.clone(), expected, found });
        }
        // The files have these lengths, so that their sum is far from overflow.
        expected = expected.saturating_add(part.length);
    }
    Ok(expected)
}

impl ReadAt for Arc<Set> {
    fn length(&self) -> io::Result<u64> {
        Ok(self.length)
    }

    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize> {
        let Some(Volume { file, part, .. }) = self.from(position).first() else { return Ok(0) };
        let inside = position.saturating_sub(part.offset);
        let left = part.length.saturating_sub(inside);
        let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let buffer = buffer.get_mut(..wanted).unwrap_or_default();
        ReadAt::read_at(file, buffer, HEADER.saturating_add(inside))
    }

    fn wrong_digest(&self, span: Span, promised: Digest, found: Digest) -> BlobError {
        let end = span.offset.saturating_add(span.size);
        let concerned = self.from(span.offset).iter();
        let mut concerned = concerned.take_while(|volume| volume.part.offset < end);
        match concerned.find_map(Volume::damage) {
            Some(damage) => BlobError::DamagedVolume { digest: promised, damage },
            None => BlobError::WrongDigest { promised, found },
        }
    }
}

fn unreadable(path: &Path, cause: io::Error) -> Error {
    let doing = format!("read `{}`", path.display().to_string().escape_debug());
    Error::Io { doing, cause: cause.into() }
}
