//! A *tar*: members one after another, each behind a header of 512 bytes.
//!
//! ```text
//! tar       = *( [ extension ] member ) end
//! member    = header content padding           ; padded with anything to a block of 512 bytes
//! extension = header ( pax-records / long-name ) padding
//! end       = 2block-of-zeros *zero            ; at most 1 MiB of record padding
//! ```
//!
//! Two readers must never see two archives (`TARmageddon`, CVE-2025-62518; GHSA-3pv8-6f4r-ffg2), so
//! whatever is read differently by different readers is refused: any type but regular files and
//! directories, sizes that differ between header and extension, extensions that are not directly
//! followed by their member, unknown and global PAX keys, numbers with junk, and names that are not
//! exactly those of a layout. Modes, owners and times are never read.
//!
//! The end marker must stand: without it, an archive cut between two members would pass for a
//! smaller one, and what is lost may be the evidence.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;

use crate::archive::blob::check_by_reading;
use crate::archive::error::{EntryType, HeaderFault, Member, PaxFault};
use crate::archive::{BlobError, Error, MemberPath, Store};
use crate::digest::Digest;
use crate::limits::Limits;
use crate::oci::Descriptor;

/// A plain tar in an open file or the volumes of a set: indexed once by its headers, its blobs read
/// in place. Files are opened once and never again, so what is verified is what is copied
/// (CVE-2022-47633).
pub(super) struct TarStore<F> {
    file: F,
    blobs: BTreeMap<Digest, Span>,
}

/// Where a blob lies.
#[derive(Clone, Copy)]
pub(super) struct Span {
    /// Of its first byte.
    pub(super) offset: u64,
    /// In bytes.
    pub(super) size: u64,
}

/// Bytes that are read by position.
pub(super) trait ReadAt: Send + Sync {
    /// How many there are.
    fn length(&self) -> io::Result<u64>;

    /// Reads some into the front of `buffer`; none only past the end.
    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize>;

    /// Why the blob in `span` has the digest `found`.
    fn wrong_digest(&self, _span: Span, promised: Digest, found: Digest) -> BlobError {
        BlobError::WrongDigest { promised, found }
    }
}

impl ReadAt for File {
    fn length(&self) -> io::Result<u64> {
        self.metadata().map(|metadata| metadata.len())
    }

    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize> {
        FileExt::read_at(self, buffer, position)
    }
}

impl<F: ReadAt> TarStore<F> {
    /// Reads every header of `file`.
    pub(super) fn index(file: F, limits: &Limits) -> Result<(Self, Members), Error> {
        let length = file.length().map_err(|cause| reading(cause.into()))?;
        let mut blobs = Spans::default();
        let members = walk(FileInput { file: &file, position: 0, length }, limits, &mut blobs)?;
        Ok((Self { file, blobs: blobs.0 }, members))
    }
}

impl<F: ReadAt> Store for TarStore<F> {
    fn size(&self, digest: &Digest) -> Option<u64> {
        self.blobs.get(digest).map(|span| span.size)
    }

    fn blobs(&self) -> Vec<(Digest, u64)> {
        self.blobs.iter().map(|(digest, span)| (*digest, span.size)).collect()
    }

    fn read(
        &self,
        digest: &Digest,
        sink: &mut dyn FnMut(&[u8]) -> Result<(), BlobError>,
    ) -> Result<(), BlobError> {
        let span = self.blobs.get(digest).ok_or(BlobError::Missing { digest: *digest })?;
        read_span(&self.file, *span, digest, sink)
    }

    fn open(&self, digest: &Digest) -> Option<Box<dyn Read + '_>> {
        let span = *self.blobs.get(digest)?;
        Some(Box::new(SpanReader { file: &self.file, span }))
    }

    fn check(&self, descriptor: &Descriptor) -> Result<(), BlobError> {
        check_by_reading(self, descriptor)
    }

    fn wrong_digest(&self, promised: Digest, found: Digest) -> BlobError {
        match self.blobs.get(&promised) {
            Some(span) => self.file.wrong_digest(*span, promised, found),
            None => BlobError::WrongDigest { promised, found },
        }
    }
}

/// Reads a span by itself; it ends early where the file became shorter.
pub(super) struct SpanReader<F> {
    pub(super) file: F,
    /// What is left.
    pub(super) span: Span,
}

impl<F: ReadAt> Read for SpanReader<&F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Span { offset, size } = &mut self.span;
        let wanted = usize::try_from(*size).unwrap_or(usize::MAX).min(buffer.len());
        let read = self.file.read_at(buffer.get_mut(..wanted).unwrap_or_default(), *offset)?;
        let passed = u64::try_from(read).unwrap_or(u64::MAX);
        (*offset, *size) = (offset.saturating_add(passed), size.saturating_sub(passed));
        Ok(read)
    }
}

/// Passes `span` of `file` to `sink` through the thread's buffer.
pub(super) fn read_span(
    file: &dyn ReadAt,
    span: Span,
    digest: &Digest,
    sink: &mut dyn FnMut(&[u8]) -> Result<(), BlobError>,
) -> Result<(), BlobError> {
    let failed = |cause: io::Error| BlobError::Io { digest: *digest, cause: cause.into() };
    with_buffer(|buffer| {
        let mut input = FileInput {
            file,
            position: span.offset,
            length: span.offset.saturating_add(span.size),
        };
        let mut left = span.size;
        while left > 0 {
            let read = input.fill(buffer).map_err(failed)?;
            if read.is_empty() {
                return Err(failed(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "the file became shorter while it was read",
                )));
            }
            left = left.saturating_sub(length(read));
            sink(read)?;
        }
        Ok(())
    })
}

/// Lends the thread's buffer: 128 KiB, which stays in the second-level cache while it is hashed.
pub(super) fn with_buffer<T>(work: impl FnOnce(&mut [u8]) -> T) -> T {
    use std::cell::RefCell;
    thread_local!(static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) });
    let mut buffer = BUFFER.take();
    buffer.resize(128 << 10, 0);
    let result = work(&mut buffer);
    BUFFER.set(buffer);
    result
}

/// The length of a slice, as files count.
pub(super) fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).expect("a slice is shorter than 2^64 bytes")
}

/// Where the bytes of a tar come from, front to back.
pub(super) trait Input {
    /// Reads into the front of `buffer`; fewer bytes than it has only at the end of the input.
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Error>;

    /// Passes over `bytes`; fewer only at the end of the input.
    fn skip(&mut self, bytes: u64) -> Result<u64, Error> {
        with_buffer(|buffer| {
            let mut left = bytes;
            while left > 0 {
                let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
                let Some(part) = buffer.get_mut(..wanted) else { break };
                let read = self.read(part)?;
                left = left.saturating_sub(u64::try_from(read).unwrap_or(left));
                if read < wanted {
                    break;
                }
            }
            Ok(bytes.saturating_sub(left))
        })
    }
}

/// A part of an open file, read by position.
struct FileInput<'a> {
    file: &'a dyn ReadAt,
    position: u64,
    length: u64,
}

impl FileInput<'_> {
    fn fill<'b>(&mut self, buffer: &'b mut [u8]) -> io::Result<&'b [u8]> {
        let left = self.length.saturating_sub(self.position);
        let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let mut filled = 0;
        while filled < wanted {
            let Some(rest) = buffer.get_mut(filled..wanted) else { break };
            match self.file.read_at(rest, self.position) {
                Ok(0) => break,
                Ok(read) => {
                    filled = filled.saturating_add(read);
                    self.position = self.position.saturating_add(u64::try_from(read).unwrap_or(0));
                }
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
                Err(cause) => return Err(cause),
            }
        }
        Ok(buffer.get(..filled).unwrap_or_default())
    }
}

impl Input for FileInput<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        self.fill(buffer).map(<[u8]>::len).map_err(|cause| reading(cause.into()))
    }

    fn skip(&mut self, bytes: u64) -> Result<u64, Error> {
        let skipped = bytes.min(self.length.saturating_sub(self.position));
        self.position = self.position.saturating_add(skipped);
        Ok(skipped)
    }
}

/// The archive cannot be read.
pub(super) fn reading(cause: crate::archive::IoError) -> Error {
    Error::Io { doing: "read the archive".to_owned(), cause }
}

/// What a walk found beside blobs.
#[derive(Default)]
pub(super) struct Members {
    /// The bytes of `oci-layout`.
    pub(super) layout: Option<Vec<u8>>,
    /// The bytes of `index.json`.
    pub(super) index: Option<Vec<u8>>,
    /// Members of other tools.
    pub(super) foreign: Vec<String>,
}

/// Takes the blobs that a walk meets.
pub(super) trait Blobs {
    /// Where the content of a blob that was taken begins.
    fn offset(&self, digest: &Digest) -> Option<u64>;

    /// Takes a blob; what it leaves of `content` is skipped.
    fn take<I: Input>(&mut self, digest: Digest, content: &mut Content<'_, I>)
    -> Result<(), Error>;
}

/// Takes note of where blobs lie.
#[derive(Default)]
struct Spans(BTreeMap<Digest, Span>);

impl Blobs for Spans {
    fn offset(&self, digest: &Digest) -> Option<u64> {
        self.0.get(digest).map(|span| span.offset)
    }

    fn take<I: Input>(
        &mut self,
        digest: Digest,
        content: &mut Content<'_, I>,
    ) -> Result<(), Error> {
        self.0.insert(digest, Span { offset: content.offset(), size: content.size() });
        Ok(())
    }
}

/// Reads a tar to its end.
pub(super) fn walk<I: Input>(
    input: I,
    limits: &Limits,
    blobs: &mut impl Blobs,
) -> Result<Members, Error> {
    let mut reader = Reader { input, position: 0 };
    let mut members = Members::default();
    let mut seen = BTreeMap::new();
    let mut count = 0_usize;
    while let Some(entry) = Entry::next(&mut reader, limits)? {
        count = count.saturating_add(1);
        if count > limits.tar_members {
            return Err(limit("members", limits.tar_members));
        }
        let first = match &entry.path {
            MemberPath::Blob(digest) => blobs.offset(digest).map(|at| at.saturating_sub(BLOCK)),
            path => seen.insert(path.clone(), entry.member.1),
        };
        if let Some(first) = first {
            return Err(Error::DuplicatePath { member: entry.member(), first });
        }
        let mut content = Content {
            offset: reader.position,
            size: entry.size,
            left: entry.size,
            reader: &mut reader,
        };
        match entry.path {
            MemberPath::Layout => {
                members.layout = Some(content.all("bytes of `oci-layout`", limits)?);
            }
            MemberPath::Index => {
                members.index = Some(content.all("bytes of `index.json`", limits)?);
            }
            MemberPath::Blob(digest) => blobs.take(digest, &mut content)?,
            MemberPath::Foreign(name) => members.foreign.push(name),
            MemberPath::Directory(_) => {}
        }
        content.finish()?;
    }
    check_end(&mut reader)?;
    Ok(members)
}

/// A cap that the archive exceeds.
fn limit(what: &'static str, limit: usize) -> Error {
    Error::Limit { what, limit: u64::try_from(limit).unwrap_or(u64::MAX) }
}

/// The content of a member, read front to back.
pub(super) struct Content<'a, I> {
    reader: &'a mut Reader<I>,
    offset: u64,
    size: u64,
    left: u64,
}

impl<I: Input> Content<'_, I> {
    /// Where its first byte lies.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Its size in bytes.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Reads the next bytes into the front of `buffer`; none at the end.
    pub(super) fn read<'b>(&mut self, buffer: &'b mut [u8]) -> Result<&'b [u8], Error> {
        let wanted = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let part = buffer.get_mut(..wanted).unwrap_or_default();
        self.reader.fill(part, CONTENT)?;
        self.left = self.left.saturating_sub(length(part));
        Ok(part)
    }

    /// Everything, where it is metadata.
    fn all(&mut self, what: &'static str, limits: &Limits) -> Result<Vec<u8>, Error> {
        if self.size > limits.metadata_bytes {
            return Err(Error::Limit { what, limit: limits.metadata_bytes });
        }
        let size = usize::try_from(self.size)
            .map_err(|_| Error::Limit { what, limit: limits.metadata_bytes })?;
        let mut bytes = vec![0; size];
        self.read(&mut bytes)?;
        Ok(bytes)
    }

    fn finish(self) -> Result<(), Error> {
        self.reader.skip(self.left, CONTENT)?;
        self.reader.skip(padding(self.size), CONTENT)
    }
}

const BLOCK: u64 = 512;
const CONTENT: &str = "the content of a member";
const EXTENSION: &str = "an extension";

fn padding(size: u64) -> u64 {
    size.next_multiple_of(BLOCK).saturating_sub(size)
}

/// An input and how far it is read.
pub(super) struct Reader<I> {
    input: I,
    position: u64,
}

impl<I: Input> Reader<I> {
    /// The next block; `None` where the input has ended before it.
    fn block(&mut self) -> Result<Option<[u8; 512]>, Error> {
        let mut block = [0; 512];
        let read = self.input.read(&mut block)?;
        self.advance(read);
        match read {
            0 => Ok(None),
            512 => Ok(Some(block)),
            _ => Err(Error::Truncated { offset: self.position, inside: "a header" }),
        }
    }

    fn fill(&mut self, buffer: &mut [u8], inside: &'static str) -> Result<(), Error> {
        let read = self.input.read(buffer)?;
        self.advance(read);
        if read == buffer.len() {
            Ok(())
        } else {
            Err(Error::Truncated { offset: self.position, inside })
        }
    }

    fn skip(&mut self, bytes: u64, inside: &'static str) -> Result<(), Error> {
        let skipped = self.input.skip(bytes)?;
        self.position = self.position.saturating_add(skipped);
        if skipped == bytes {
            Ok(())
        } else {
            Err(Error::Truncated { offset: self.position, inside })
        }
    }

    fn advance(&mut self, read: usize) {
        self.position = self.position.saturating_add(u64::try_from(read).unwrap_or(0));
    }
}

/// The first block of zeros is read; what follows must be another, and zeros.
fn check_end<I: Input>(reader: &mut Reader<I>) -> Result<(), Error> {
    /// Record padding of the largest blocking factor in use; a terabyte of zeros is no archive.
    const PADDING: u64 = 1 << 20;
    let marker = reader.position;
    let second = reader.block()?;
    let second = second.ok_or(Error::Truncated { offset: marker, inside: "the end marker" })?;
    check_zeros(&second, marker)?;
    let end = reader.position;
    with_buffer(|buffer| {
        loop {
            let start = reader.position;
            let read = reader.input.read(buffer)?;
            reader.advance(read);
            check_zeros(buffer.get(..read).unwrap_or_default(), start)?;
            if read == 0 {
                return Ok(());
            }
            if reader.position.saturating_sub(end) > PADDING {
                return Err(Error::TrailingData { offset: end.saturating_add(PADDING) });
            }
        }
    })
}

fn check_zeros(bytes: &[u8], start: u64) -> Result<(), Error> {
    let Some(at) = bytes.iter().position(|byte| *byte != 0) else { return Ok(()) };
    let offset = start.saturating_add(u64::try_from(at).unwrap_or(0));
    Err(Error::TrailingData { offset })
}

/// A regular file or a directory, with what an extension says of it.
struct Entry {
    path: MemberPath,
    member: (Vec<u8>, u64),
    size: u64,
}

impl Entry {
    /// The next member; `None` at the first block of zeros.
    fn next<I: Input>(reader: &mut Reader<I>, limits: &Limits) -> Result<Option<Self>, Error> {
        let mut extension: Option<(Extension, u64)> = None;
        loop {
            let offset = reader.position;
            let block = reader.block()?;
            let header = match block.filter(|block| *block != [0; 512]) {
                Some(block) => Some(Header::parse(&block, offset)?),
                None => None,
            };
            if let Some((_, at)) = &extension
                && !header.as_ref().is_some_and(Header::is_member)
            {
                return Err(Error::StrayExtension { offset: *at });
            }
            let Some(header) = header else {
                return match block {
                    Some(_) => Ok(None),
                    None => Err(Error::Truncated { offset, inside: "the end marker" }),
                };
            };
            match header.flag {
                b'x' => {
                    let records = header.extension(reader, limits)?;
                    extension = Some((Extension::pax(&records, offset)?, offset));
                }
                b'L' => {
                    let name = header.extension(reader, limits)?;
                    extension = Some((Extension::long_name(name), offset));
                }
                b'g' => return Err(Error::GlobalPax { offset }),
                _ => {
                    let extension = extension.map(|(extension, _)| extension).unwrap_or_default();
                    return Self::new(header, extension).map(Some);
                }
            }
        }
    }

    fn new(header: Header, extension: Extension) -> Result<Self, Error> {
        let name = extension.path.unwrap_or(header.name);
        let member = || Member::at(&name, header.offset);
        let found = match header.flag {
            b'0' | 0 => None,
            b'5' => Some(EntryType::Directory),
            flag => {
                let found = EntryType::of_flag(flag);
                return Err(Error::BadEntryType { member: member(), found });
            }
        };
        let path =
            MemberPath::parse(&name).map_err(|cause| Error::BadPath { member: member(), cause })?;
        match (found, path.is_directory()) {
            (Some(found), false) => return Err(Error::BadEntryType { member: member(), found }),
            (None, true) => {
                let found = EntryType::File;
                return Err(Error::BadEntryType { member: member(), found });
            }
            _ => {}
        }
        let size = match extension.size {
            None => header.size,
            Some(extended) if extended == header.size => extended,
            // A size that octal cannot hold leaves the header's at zero.
            Some(extended) if header.size == 0 && extended > LARGEST_OCTAL => extended,
            Some(extended) => {
                let header = header.size;
                return Err(Error::SizeConflict { member: member(), header, extended });
            }
        };
        if path.is_directory() && size != 0 {
            let fault = HeaderFault::DirectoryWithContent;
            return Err(Error::BadHeader { member: member(), fault });
        }
        Ok(Self { path, member: (name, header.offset), size })
    }

    fn member(&self) -> Member {
        Member::at(&self.member.0, self.member.1)
    }
}

/// Eleven octal digits.
const LARGEST_OCTAL: u64 = 0o777_7777_7777;

impl EntryType {
    fn of_flag(flag: u8) -> Self {
        match flag {
            b'1' => Self::HardLink,
            b'2' => Self::SymbolicLink,
            b'3' => Self::CharacterDevice,
            b'4' => Self::BlockDevice,
            b'6' => Self::Pipe,
            b'S' => Self::Sparse,
            other => Self::Other(other),
        }
    }
}

/// The fields of a header that are read.
struct Header {
    offset: u64,
    name: Vec<u8>,
    size: u64,
    flag: u8,
}

impl Header {
    fn parse(block: &[u8; 512], offset: u64) -> Result<Self, Error> {
        let name = until_zero(field(block, 0, 100));
        let bad = |fault| Error::BadHeader { member: Member::at(name, offset), fault };
        check_checksum(block).map_err(bad)?;
        let prefix = match field(block, 257, 8) {
            b"ustar\x0000" => until_zero(field(block, 345, 155)),
            // GNU tar keeps times where the prefix would be; before ustar there was nothing.
            b"ustar  \0" | [0, 0, 0, 0, 0, 0, 0, 0] => &[],
            _ => return Err(bad(HeaderFault::Magic)),
        };
        let size = number(field(block, 124, 12), "size").map_err(bad)?;
        let flag = field(block, 156, 1).first().copied().unwrap_or_default();
        let name = if prefix.is_empty() { name.to_vec() } else { [prefix, b"/", name].concat() };
        Ok(Self { offset, name, size, flag })
    }

    /// Whether it is not an extension's.
    fn is_member(&self) -> bool {
        !matches!(self.flag, b'x' | b'g' | b'L' | b'K')
    }

    /// Reads the body of an extension.
    fn extension<I: Input>(
        &self,
        reader: &mut Reader<I>,
        limits: &Limits,
    ) -> Result<Vec<u8>, Error> {
        let cap = Error::Limit { what: "bytes of an extension", limit: limits.tar_extension_bytes };
        if self.size > limits.tar_extension_bytes {
            return Err(cap);
        }
        let mut body = vec![0; usize::try_from(self.size).map_err(|_| cap)?];
        reader.fill(&mut body, EXTENSION)?;
        reader.skip(padding(self.size), EXTENSION)?;
        Ok(body)
    }
}

fn field(block: &[u8; 512], start: usize, size: usize) -> &[u8] {
    block.get(start..start.saturating_add(size)).expect("fields lie inside a header")
}

fn until_zero(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// The sum of all bytes, those of the sum itself taken for blanks.
fn check_checksum(block: &[u8; 512]) -> Result<(), HeaderFault> {
    let promised = number(field(block, 148, 8), "checksum")?;
    let found = checksum(block);
    if promised == found { Ok(()) } else { Err(HeaderFault::Checksum { promised, found }) }
}

fn checksum(block: &[u8; 512]) -> u64 {
    let bytes = field(block, 0, 148).iter().chain(field(block, 156, 356));
    bytes.fold(8 * u64::from(b' '), |sum, byte| sum.saturating_add(u64::from(*byte)))
}

/// Whether a block is the header of a tar, ended or not; what is asked before a file is called one.
pub(super) fn is_header(block: &[u8; 512]) -> bool {
    field(block, 257, 5) == b"ustar" || *block == [0; 512] || check_checksum(block).is_ok()
}

/// `*SP 1*octal *( SP / NUL )`, or base-256 behind a byte of 0x80, as GNU tar writes what is larger.
fn number(field: &[u8], name: &'static str) -> Result<u64, HeaderFault> {
    let out_of_range = HeaderFault::OutOfRange { field: name };
    if let Some((0x80.., _)) = field.split_first() {
        return base_256(field).ok_or(out_of_range);
    }
    let blanks = field.iter().take_while(|byte| **byte == b' ').count();
    let (_, text) = field.split_at_checked(blanks).unwrap_or_default();
    let digits = text.iter().take_while(|byte| (b'0'..=b'7').contains(byte)).count();
    let (digits, rest) = text.split_at_checked(digits).unwrap_or_default();
    if digits.is_empty() || !rest.iter().all(|byte| matches!(byte, b' ' | 0)) {
        return Err(HeaderFault::NotANumber { field: name });
    }
    digits
        .iter()
        .try_fold(0_u64, |value, digit| {
            value.checked_mul(8)?.checked_add(u64::from(digit.checked_sub(b'0')?))
        })
        .ok_or(out_of_range)
}

/// Not negative and below 2^63, the largest file.
fn base_256(field: &[u8]) -> Option<u64> {
    let (high, low) = field.split_at_checked(field.len().checked_sub(8)?)?;
    let (0x80, padding) = high.split_first().map(|(first, rest)| (*first, rest))? else {
        return None;
    };
    let value = u64::from_be_bytes(low.try_into().ok()?);
    (padding.iter().all(|byte| *byte == 0) && i64::try_from(value).is_ok()).then_some(value)
}

/// What an extension says of the member behind it.
#[derive(Default)]
struct Extension {
    path: Option<Vec<u8>>,
    size: Option<u64>,
}

impl Extension {
    /// GNU tar ends the name with a zero.
    fn long_name(mut name: Vec<u8>) -> Self {
        if name.last() == Some(&0) {
            name.pop();
        }
        Self { path: Some(name), size: None }
    }

    /// `*( length SP key "=" value LF )`, the length counting all of its record.
    fn pax(mut records: &[u8], offset: u64) -> Result<Self, Error> {
        let malformed = |fault| Error::MalformedPax { offset, fault };
        let mut extension = Self::default();
        let mut keys = Vec::new();
        while !records.is_empty() {
            let (record, rest) = split_record(records).map_err(malformed)?;
            records = rest;
            let at = record.iter().position(|byte| *byte == b'=');
            let at = at.ok_or(malformed(PaxFault::NoEquals))?;
            let (key, value) = record.split_at_checked(at).unwrap_or_default();
            let value = value.get(1..).unwrap_or_default();
            let key = str::from_utf8(key).map_err(|_| malformed(PaxFault::Key))?;
            if keys.contains(&key) {
                return Err(malformed(PaxFault::Twice));
            }
            keys.push(key);
            match key {
                "path" if value.is_empty() => return Err(malformed(PaxFault::Path)),
                "path" => extension.path = Some(value.to_vec()),
                "size" => {
                    extension.size = Some(decimal(value).ok_or(malformed(PaxFault::Size))?);
                }
                "mtime" | "atime" | "ctime" | "uid" | "gid" | "uname" | "gname" => {}
                other => {
                    let key = other.escape_debug().to_string();
                    return Err(Error::UnsupportedPax { offset, key });
                }
            }
        }
        Ok(extension)
    }
}

/// The first record's `key=value`, and the records behind it.
fn split_record(records: &[u8]) -> Result<(&[u8], &[u8]), PaxFault> {
    let blank = records.iter().position(|byte| *byte == b' ').ok_or(PaxFault::Length)?;
    let (digits, _) = records.split_at_checked(blank).ok_or(PaxFault::Length)?;
    let size = decimal(digits).and_then(|size| usize::try_from(size).ok());
    let size = size.filter(|size| *size > blank).ok_or(PaxFault::Length)?;
    let (record, rest) = records.split_at_checked(size).ok_or(PaxFault::Length)?;
    let record = record.get(blank.saturating_add(1)..).unwrap_or_default();
    record.strip_suffix(b"\n").map(|record| (record, rest)).ok_or(PaxFault::NoLineFeed)
}

/// Decimal digits without sign or leading zeros, below 2^63.
fn decimal(digits: &[u8]) -> Option<u64> {
    let plain = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let canonical = digits.len() == 1 || !digits.starts_with(b"0");
    let value: u64 = str::from_utf8(digits).ok().filter(|_| plain && canonical)?.parse().ok()?;
    i64::try_from(value).is_ok().then_some(value)
}
