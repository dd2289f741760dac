//! The *form* of an archive file, told by its first bytes and never by its name, and the decoding
//! of the compressed forms.
//!
//! ```text
//! gzip = 1*member                              ; RFC 1952, each with its checksum and size
//! zstd = 1*frame                               ; RFC 8878, without dictionaries and skippable frames
//! ```
//!
//! Members and frames after the first go on with the same tar, as every decoder has it; anything
//! else after them is refused. Output is capped, alone and against the input it came from.

use std::error::Error as _;
use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::GzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use crate::archive::tar::{self, Input};
use crate::archive::volumes;
use crate::archive::{Error, IoError};
use crate::limits::Limits;

/// How the bytes of a tar are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    /// Not at all.
    Plain,
    /// As gzip.
    Gzip,
    /// As zstd.
    Zstd,
}

impl Packing {
    /// Bytes that tell.
    pub(super) const HEAD: usize = 512;

    /// Tells by the first [`HEAD`](Self::HEAD) bytes, fewer only where the file has no more.
    pub(super) fn of(head: &[u8]) -> Result<Self, Error> {
        let found = match head {
            [] => "it is empty",
            [0x1f, 0x8b, ..] => return Ok(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => return Ok(Self::Zstd),
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => {
                return Err(Error::UnsupportedZstd { uses: "begins with a skippable frame" });
            }
            [b'P', b'K', 3 | 5, ..] => "it is a zip",
            [0xfd, b'7', b'z', b'X', b'Z', ..] => "it is compressed with xz",
            [b'B', b'Z', b'h', ..] => "it is compressed with bzip2",
            [b'{' | b'[', ..] => "it is a JSON document",
            head if volumes::is_volume(head) => "it is a volume, and volumes are read as files",
            _ => match head.first_chunk::<{ Self::HEAD }>() {
                Some(block) if tar::is_header(block) => return Ok(Self::Plain),
                Some(_) => "its first block is no header of a tar",
                None => "it is shorter than the header of a tar",
            },
        };
        Err(Error::NotAnArchive { found })
    }
}

/// The bytes of a tar, out of what they are packed in.
pub(super) struct Unpacked<R> {
    state: State<R>,
    limits: Limits,
    output: u64,
}

/// Where a decoder stands.
enum State<R> {
    /// Nothing is packed.
    Plain(Source<R>),
    /// Inside a gzip member.
    Gzip(Box<GzDecoder<Source<R>>>),
    /// Inside a zstd frame; how many bytes it gave.
    Zstd { decoder: Box<FrameDecoder>, source: Source<R>, output: u64 },
    /// At the end, or past an error.
    Ended { consumed: u64 },
}

impl<R: Read> Unpacked<R> {
    pub(super) fn new(packing: Packing, input: R, limits: &Limits) -> Result<Self, Error> {
        let source = Source { inner: BufReader::with_capacity(64 << 10, input), consumed: 0 };
        let state = match packing {
            Packing::Plain => State::Plain(source),
            Packing::Gzip => State::Gzip(Box::new(GzDecoder::new(source))),
            Packing::Zstd => {
                let mut decoder = Box::new(FrameDecoder::new());
                decoder.set_max_window_size(limits.zstd_window_bytes);
                begin_frame(decoder, source, limits)?
            }
        };
        Ok(Self { state, limits: *limits, output: 0 })
    }

    /// Some bytes of the tar; none at its end.
    fn some(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        loop {
            let read = match &mut self.state {
                State::Ended { .. } => return Ok(0),
                State::Plain(source) => {
                    return retry(|| source.inner.read(buffer))
                        .map_err(|cause| tar::reading(cause.into()));
                }
                State::Gzip(decoder) => match retry(|| decoder.read(buffer)) {
                    Ok(read) => read,
                    Err(cause) => return Err(failed("gzip", cause, decoder.get_ref().consumed)),
                },
                State::Zstd { decoder, source, output } => {
                    let read = read_frame(decoder, source, buffer, &self.limits)?;
                    *output = output.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
                    read
                }
            };
            if read > 0 {
                self.output = self.output.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
                self.check_growth()?;
                return Ok(read);
            }
            let ended = State::Ended { consumed: self.consumed() };
            self.state = after_end(std::mem::replace(&mut self.state, ended), &self.limits)?;
        }
    }

    fn consumed(&self) -> u64 {
        match &self.state {
            State::Plain(source) | State::Zstd { source, .. } => source.consumed,
            State::Gzip(decoder) => decoder.get_ref().consumed,
            State::Ended { consumed } => *consumed,
        }
    }

    /// Meets a bomb while it is small: HOSTILE case 24.
    fn check_growth(&self) -> Result<(), Error> {
        /// Output that is free of the ratio; zeros and JSON compress far better than layers.
        const FREE: u64 = 64 << 20;
        let Limits { decompressed_bytes, decompression_ratio, .. } = self.limits;
        if self.output > decompressed_bytes {
            let what = "bytes once decompressed";
            return Err(Error::Limit { what, limit: decompressed_bytes });
        }
        let allowed = self.consumed().saturating_mul(decompression_ratio);
        if self.output.saturating_sub(FREE) > allowed {
            let what = "times its own size once decompressed";
            return Err(Error::Limit { what, limit: decompression_ratio });
        }
        Ok(())
    }
}

impl<R: Read> Input for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        let mut filled = 0_usize;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            let read = self.some(rest)?;
            if read == 0 {
                break;
            }
            filled = filled.saturating_add(read);
        }
        Ok(filled)
    }
}

/// What follows a gzip member or a zstd frame: another, or the end.
fn after_end<R: Read>(state: State<R>, limits: &Limits) -> Result<State<R>, Error> {
    match state {
        State::Gzip(decoder) => {
            let mut source = decoder.into_inner();
            match source.next()? {
                None => Ok(State::Ended { consumed: source.consumed }),
                Some(0x1f) => Ok(State::Gzip(Box::new(GzDecoder::new(source)))),
                Some(_) => Err(Error::TrailingData { offset: source.consumed }),
            }
        }
        State::Zstd { decoder, mut source, output } => {
            check_frame(&decoder, output)?;
            match source.next()? {
                None => Ok(State::Ended { consumed: source.consumed }),
                Some(_) => begin_frame(decoder, source, limits),
            }
        }
        other => Ok(other),
    }
}

fn begin_frame<R: Read>(
    mut decoder: Box<FrameDecoder>,
    mut source: Source<R>,
    limits: &Limits,
) -> Result<State<R>, Error> {
    let start = source.consumed;
    match decoder.reset(&mut source) {
        Ok(()) => Ok(State::Zstd { decoder, source, output: 0 }),
        Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::BadMagicNumber(_)))
            if start > 0 =>
        {
            Err(Error::TrailingData { offset: start })
        }
        Err(cause) => Err(bad_frame(&cause, source.consumed, limits)),
    }
}

fn read_frame<R: Read>(
    decoder: &mut FrameDecoder,
    source: &mut Source<R>,
    buffer: &mut [u8],
    limits: &Limits,
) -> Result<usize, Error> {
    while decoder.can_collect() == 0 && !decoder.is_finished() {
        let strategy = BlockDecodingStrategy::UptoBlocks(1);
        if let Err(cause) = decoder.decode_blocks(&mut *source, strategy) {
            return Err(bad_frame(&cause, source.consumed, limits));
        }
    }
    decoder.read(buffer).map_err(|cause| failed("zstd", cause, source.consumed))
}

/// A frame states its checksum and size, or not; what it states must hold.
fn check_frame(decoder: &FrameDecoder, output: u64) -> Result<(), Error> {
    let promised = decoder.get_checksum_from_data();
    let other_sum = promised.is_some() && promised != decoder.get_calculated_checksum();
    let other_size = decoder.content_size() != 0 && decoder.content_size() != output;
    if other_sum || other_size {
        let what = if other_sum { "checksum" } else { "size" };
        let cause = io::Error::new(
            io::ErrorKind::InvalidData,
            format!("the {what} of a frame does not hold"),
        );
        return Err(Error::BadCompression { form: "zstd", cause: cause.into() });
    }
    Ok(())
}

fn bad_frame(cause: &FrameDecoderError, consumed: u64, limits: &Limits) -> Error {
    match cause {
        FrameDecoderError::WindowSizeTooBig { .. } => {
            let what = "bytes of window in a zstd frame";
            return Error::Limit { what, limit: limits.zstd_window_bytes };
        }
        FrameDecoderError::DictNotProvided { .. } => {
            return Error::UnsupportedZstd { uses: "needs a dictionary" };
        }
        FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { .. }) => {
            return Error::UnsupportedZstd { uses: "has a skippable frame" };
        }
        _ => {}
    }
    let mut source = cause.source();
    while let Some(inner) = source {
        if let Some(inner) = inner.downcast_ref::<io::Error>() {
            let inner = io::Error::new(inner.kind(), inner.to_string());
            return failed("zstd", inner, consumed);
        }
        source = inner.source();
    }
    let cause = io::Error::new(io::ErrorKind::InvalidData, cause.to_string());
    failed("zstd", cause, consumed)
}

/// Tells broken data from a broken disk.
fn failed(form: &'static str, cause: io::Error, consumed: u64) -> Error {
    match cause.kind() {
        io::ErrorKind::UnexpectedEof => {
            Error::Truncated { offset: consumed, inside: "compressed data" }
        }
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::Other => {
            Error::BadCompression { form, cause: cause.into() }
        }
        _ => tar::reading(cause.into()),
    }
}

fn retry(mut read: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match read() {
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// Packed bytes, counted as they are used.
struct Source<R> {
    inner: BufReader<R>,
    consumed: u64,
}

impl<R: Read> Source<R> {
    /// The byte that comes, left in its place.
    fn next(&mut self) -> Result<Option<u8>, Error> {
        loop {
            match self.inner.fill_buf() {
                Ok(bytes) => return Ok(bytes.first().copied()),
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
                Err(cause) => return Err(tar::reading(IoError::from(cause))),
            }
        }
    }
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.consumed = self.consumed.saturating_add(u64::try_from(read).unwrap_or(0));
        Ok(read)
    }
}

impl<R: Read> BufRead for Source<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.inner.consume(amount);
        self.consumed = self.consumed.saturating_add(u64::try_from(amount).unwrap_or(0));
    }
}
