//! Why something is no archive that sealift reads, or cannot be written as one.

use std::fmt;
use std::io;
use std::sync::Arc;

use crate::archive::{BadPath, BlobError};
use crate::digest::Digest;
use crate::oci;

/// Why something is no archive that sealift reads, or cannot be written as one.
///
/// [`code`](Self::code) is stable; [`hint`](Self::hint) says what may help.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// The operating system refused.
    #[error("cannot {doing}")]
    Io {
        /// What was being done.
        doing: String,
        /// What it said.
        #[source]
        cause: IoError,
    },
    /// Neither a directory nor a tar.
    #[error("neither an image layout nor a tar, plain or compressed: {found}")]
    NotAnArchive {
        /// What stands there.
        found: &'static str,
    },
    /// The archive ends inside something.
    #[error("the archive is cut off at byte {offset}, inside {inside}")]
    Truncated {
        /// Where it ends.
        offset: u64,
        /// What it ends inside.
        inside: &'static str,
    },
    /// A tar header breaks the format.
    #[error("the header of {member} is broken: {fault}")]
    BadHeader {
        /// Whose header.
        member: Member,
        /// What is wrong.
        fault: HeaderFault,
    },
    /// A member is neither a file nor a directory.
    #[error("{member} is {found}, not a regular file")]
    BadEntryType {
        /// Which.
        member: Member,
        /// What it is.
        found: EntryType,
    },
    /// A member's name leads out of the layout or has several readings.
    #[error("{member} is refused")]
    BadPath {
        /// Which.
        member: Member,
        /// Why.
        #[source]
        cause: BadPath,
    },
    /// Two members have one name.
    #[error("{member} stands in the archive twice, first at byte {first}")]
    DuplicatePath {
        /// The second.
        member: Member,
        /// Where the first one's header stands.
        first: u64,
    },
    /// Header and extension give different sizes, so two readers see two archives (`TARmageddon`).
    #[error("{member} has {header} bytes by its header and {extended} by its extension")]
    SizeConflict {
        /// Which.
        member: Member,
        /// The size in the header.
        header: u64,
        /// The size in the PAX extension.
        extended: u64,
    },
    /// A PAX extension says something that changes how a member is read.
    #[error("the extension at byte {offset} sets `{key}`, which sealift does not read")]
    UnsupportedPax {
        /// Where its header stands.
        offset: u64,
        /// The key, escaped.
        key: String,
    },
    /// A PAX extension that speaks of all members that follow.
    #[error("the extension at byte {offset} is a global one")]
    GlobalPax {
        /// Where its header stands.
        offset: u64,
    },
    /// The records of a PAX extension break the format.
    #[error("the extension at byte {offset} is malformed: {fault}")]
    MalformedPax {
        /// Where its header stands.
        offset: u64,
        /// What is wrong.
        fault: PaxFault,
    },
    /// An extension is not directly followed by its file (GHSA-3pv8-6f4r-ffg2).
    #[error("the extension at byte {offset} is not directly followed by its file")]
    StrayExtension {
        /// Where its header stands.
        offset: u64,
    },
    /// Something follows the end of the archive.
    #[error("something follows the end of the archive at byte {offset}")]
    TrailingData {
        /// The first byte that is not zero, or of what follows the compressed data.
        offset: u64,
    },
    /// More of something than [`Limits`](crate::limits::Limits) allows.
    #[error("the archive has more than {limit} {what}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// The cap.
        limit: u64,
    },
    /// The compressed data is broken.
    #[error("the {form} data is broken")]
    BadCompression {
        /// `gzip` or `zstd`.
        form: &'static str,
        /// What the decoder says.
        #[source]
        cause: IoError,
    },
    /// The compressed data uses what a plain archive never needs.
    #[error("the zstd data {uses}")]
    UnsupportedZstd {
        /// What it uses.
        uses: &'static str,
    },
    /// `oci-layout` is absent.
    #[error("there is no `oci-layout`")]
    NoLayout,
    /// `oci-layout` is no document.
    #[error("`oci-layout` cannot be read")]
    BadLayout {
        /// Why.
        #[source]
        cause: oci::Error,
    },
    /// The layout is of another version.
    #[error("`oci-layout` names version `{}`, not `1.0.0`", found.escape_debug())]
    BadLayoutVersion {
        /// What stands there.
        found: String,
    },
    /// `index.json` is absent.
    #[error("there is no `index.json`")]
    NoIndex,
    /// `index.json` is no index.
    #[error("`index.json` cannot be read")]
    BadIndex {
        /// Why.
        #[source]
        cause: oci::Error,
    },
    /// A file among several that is no volume.
    #[error("`{}` is no volume, and several files are one archive only where all are volumes of one set", file.escape_debug())]
    NotAVolume {
        /// Which.
        file: String,
    },
    /// The header of a volume breaks the format.
    #[error("the header of the volume `{}` is broken: {fault}", file.escape_debug())]
    BadVolume {
        /// The file.
        file: String,
        /// What is wrong.
        fault: VolumeFault,
    },
    /// A volume is shorter or longer than its header says.
    #[error("the volume `{}` holds {found} bytes, its header says {promised}", file.escape_debug())]
    VolumeLength {
        /// The file.
        file: String,
        /// What the header says.
        promised: u64,
        /// What the file holds behind its header.
        found: u64,
    },
    /// A volume of another set.
    #[error(
        "the volume `{}` is of the set {set}, and `{}` of {other_set}",
        file.escape_debug(), other.escape_debug()
    )]
    ForeignVolume {
        /// The file.
        file: String,
        /// Its set.
        set: Digest,
        /// The file that was named first.
        other: String,
        /// Its set.
        other_set: Digest,
    },
    /// Two volumes of a set count it differently.
    #[error(
        "the volume `{}` is one of {count}, `{}` of the same set is one of {other_count}",
        file.escape_debug(), other.escape_debug()
    )]
    VolumeCount {
        /// The file.
        file: String,
        /// How many it says there are.
        count: u32,
        /// The file that was named first.
        other: String,
        /// How many that says there are.
        other_count: u32,
    },
    /// One volume twice.
    #[error("`{}` and `{}` are both volume {number} of their set", first.escape_debug(), second.escape_debug())]
    DoubledVolume {
        /// Which.
        number: u32,
        /// The file that was named first.
        first: String,
        /// The file that was named later.
        second: String,
    },
    /// Volumes of the set are not there.
    #[error("of the {count} volumes of the set {set}, {} missing", list(missing))]
    MissingVolumes {
        /// The set.
        set: Digest,
        /// How many it has.
        count: u32,
        /// The numbers of those that are missing.
        missing: Vec<u32>,
    },
    /// A volume does not begin where the one before it ends.
    #[error("the volume `{}` begins at byte {found} of the archive, not at {expected}", file.escape_debug())]
    VolumeOffset {
        /// The file.
        file: String,
        /// Where the volume before it ends.
        expected: u64,
        /// Where its header says that it begins.
        found: u64,
    },
    /// The headers are not those that the name of the set is the digest of.
    #[error("the volumes are not those of the set {promised}: their headers make it {found}")]
    WrongSet {
        /// The set that they name.
        promised: Digest,
        /// The digest of their headers.
        found: Digest,
    },
    /// The archive cannot be read, for a volume is damaged.
    #[error("{damage}")]
    DamagedVolume {
        /// What happened to it.
        damage: Box<Damage>,
    },
    /// The archive would take more volumes than can be read.
    #[error("the archive would take {count} volumes, and a set has at most {limit}")]
    TooManyVolumes {
        /// How many it would take.
        count: u64,
        /// The cap.
        limit: u64,
    },
    /// A file stands where a further volume of the archive would.
    #[error("`{}` would be taken for a volume of this archive, which has {count}", path.escape_debug())]
    StrayVolume {
        /// Which.
        path: String,
        /// How many volumes the archive will have.
        count: u64,
    },
    /// Another process writes the same archive.
    #[error("another run writes `{}`", path.escape_debug())]
    Busy {
        /// The file it writes into.
        path: String,
    },
    /// What was to be written as a blob is not what its descriptor promises.
    #[error("a blob cannot be written")]
    BadBlob {
        /// Why.
        #[source]
        cause: BlobError,
    },
}

impl Error {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "io",
            Self::NotAnArchive { .. } => "not-an-archive",
            Self::Truncated { .. } => "truncated",
            Self::BadHeader { .. } => "bad-header",
            Self::BadEntryType { .. } => "bad-entry-type",
            Self::BadPath { cause: BadPath::Outside, .. } => "unexpected-path",
            Self::BadPath { .. } => "bad-path",
            Self::DuplicatePath { .. } => "duplicate-path",
            Self::SizeConflict { .. } => "size-conflict",
            Self::UnsupportedPax { .. } | Self::GlobalPax { .. } => "unsupported-pax",
            Self::MalformedPax { .. } => "malformed-pax",
            Self::StrayExtension { .. } => "stray-extension",
            Self::TrailingData { .. } => "trailing-data",
            Self::Limit { .. } => "limit-exceeded",
            Self::BadLayout { cause } | Self::BadIndex { cause } if cause.exceeds_a_limit() => {
                "limit-exceeded"
            }
            Self::BadCompression { .. } => "bad-compression",
            Self::UnsupportedZstd { .. } => "unsupported-zstd",
            Self::NoLayout => "no-layout",
            Self::BadLayout { .. } => "bad-layout",
            Self::BadLayoutVersion { .. } => "bad-layout-version",
            Self::NoIndex => "no-index",
            Self::BadIndex { .. } => "bad-index",
            Self::BadBlob { .. } => "bad-blob",
            Self::NotAVolume { .. } => "not-a-volume",
            Self::BadVolume { .. } | Self::VolumeLength { .. } => "bad-volume",
            Self::ForeignVolume { .. } | Self::WrongSet { .. } => "foreign-volume",
            Self::VolumeCount { .. } | Self::VolumeOffset { .. } => "volume-conflict",
            Self::DoubledVolume { .. } => "doubled-volume",
            Self::MissingVolumes { .. } => "missing-volumes",
            Self::DamagedVolume { .. } => "damaged-volume",
            Self::TooManyVolumes { .. } => "too-many-volumes",
            Self::StrayVolume { .. } => "stray-volume",
            Self::Busy { .. } => "busy",
        }
    }

    /// What may help, where something may.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotAnArchive { .. } | Self::NoLayout | Self::NoIndex => Some(
                "sealift reads OCI image layouts; convert others with `skopeo copy <from> oci-archive:<file>`",
            ),
            Self::Truncated { .. } => Some(
                "copy the archive again and compare sizes; an archive without its end marker counts as cut off",
            ),
            Self::BadHeader { .. }
            | Self::UnsupportedPax { .. }
            | Self::GlobalPax { .. }
            | Self::MalformedPax { .. }
            | Self::SizeConflict { .. }
            | Self::StrayExtension { .. } => {
                Some("write the archive with `tar --format=ustar` or `sealift export`")
            }
            Self::BadEntryType { .. } => {
                Some("an image layout holds files and directories only, never links or devices")
            }
            Self::BadPath { .. } => Some(
                "an image layout holds `oci-layout`, `index.json` and `blobs` only; pack those alone",
            ),
            Self::DuplicatePath { .. } => {
                Some("two readers could see two different archives; write it again from one layout")
            }
            Self::TrailingData { .. } => {
                Some("carry one archive per file; joined archives are not read past the first")
            }
            Self::Limit { .. } => {
                Some("sound archives stay far below this; one that is truly so large can be split")
            }
            Self::BadCompression { .. } => {
                Some("copy the archive again and compare its checksum with the sender's")
            }
            Self::UnsupportedZstd { .. } => {
                Some("unpack it with `zstd -d --long=31` and give sealift the plain tar")
            }
            Self::MissingVolumes { .. } | Self::NotAVolume { .. } => {
                Some("give every volume of the set, in any order: `ARCHIVE.*`")
            }
            Self::ForeignVolume { .. } | Self::DoubledVolume { .. } => {
                Some("give the volumes of one set, each once")
            }
            Self::BadVolume { .. } | Self::VolumeLength { .. } | Self::DamagedVolume { .. } => {
                Some("copy this volume again; the others can stay")
            }
            Self::VolumeCount { .. } | Self::VolumeOffset { .. } | Self::WrongSet { .. } => {
                Some("the volumes were changed on the way, or never belonged together")
            }
            Self::TooManyVolumes { .. } => Some("give a larger `--volume-size`"),
            Self::StrayVolume { .. } => Some("remove it, or write the archive elsewhere"),
            Self::Busy { .. } => Some("wait for it, or write the archive elsewhere"),
            Self::Io { .. }
            | Self::BadLayout { .. }
            | Self::BadLayoutVersion { .. }
            | Self::BadIndex { .. }
            | Self::BadBlob { .. } => None,
        }
    }
}

/// A member as errors tell it: its name, escaped, and the byte where its header stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    name: Box<[u8]>,
    offset: Option<u64>,
}

impl Member {
    /// Bytes of a name that are shown.
    const SHOWN: usize = 256;

    /// A member of a tar, by the offset of its header.
    pub fn at(name: &[u8], offset: u64) -> Self {
        Self { name: name.into(), offset: Some(offset) }
    }

    /// A file of a layout directory.
    pub fn file(name: &[u8]) -> Self {
        Self { name: name.into(), offset: None }
    }
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.name.get(..Self::SHOWN).unwrap_or(&self.name);
        match str::from_utf8(shown) {
            Ok(text) => write!(f, "`{}", text.escape_debug())?,
            Err(_) => write!(f, "`{}", shown.escape_ascii())?,
        }
        f.write_str(if shown.len() < self.name.len() { "...`" } else { "`" })?;
        self.offset.iter().try_for_each(|offset| write!(f, " at byte {offset}"))
    }
}

/// What is wrong with a tar header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderFault {
    /// The sum of its bytes is another.
    #[error("its checksum is {found}, the header says {promised}")]
    Checksum {
        /// The sum the header states.
        promised: u64,
        /// The sum of its bytes.
        found: u64,
    },
    /// A field is no number.
    #[error("its {field} is no number")]
    NotANumber {
        /// Which.
        field: &'static str,
    },
    /// A number is negative or does not fit.
    #[error("its {field} is out of range")]
    OutOfRange {
        /// Which.
        field: &'static str,
    },
    /// It is of no format that sealift reads.
    #[error("it is neither ustar nor GNU tar")]
    Magic,
    /// A directory has content.
    #[error("it is a directory with content")]
    DirectoryWithContent,
}

/// What is wrong with the header of a volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VolumeFault {
    /// The file ends inside it.
    #[error("it is cut off")]
    CutOff,
    /// It is of another version.
    #[error("it is of another version than 1")]
    Version,
    /// It is not spelled as headers are.
    #[error("it is not of the form")]
    Form,
    /// Its number is not one of the set's.
    #[error("it has the number {number} of {count}")]
    Number {
        /// Its number.
        number: u32,
        /// How many it says there are.
        count: u32,
    },
    /// It says that the volume holds nothing.
    #[error("it says that the volume holds nothing")]
    Empty,
}

/// A volume that does not hold what its header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The file.
    pub file: String,
    /// The digest in its header.
    pub promised: Digest,
    /// The digest of its bytes.
    pub found: Digest,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, promised, found } = self;
        let file = file.escape_debug();
        write!(f, "the volume `{file}` is damaged: it holds {found}, its header says {promised}")
    }
}

/// `2 is`, `2 and 3 are`, `2, 3 and 5 are`; what follows the tenth is counted.
fn list(numbers: &[u32]) -> String {
    const SHOWN: usize = 10;
    let mut shown: Vec<_> = numbers.iter().take(SHOWN).map(u32::to_string).collect();
    let more = numbers.len().saturating_sub(SHOWN);
    if more > 0 {
        shown.push(format!("{more} more"));
    }
    match shown.split_last() {
        Some((last, [])) => format!("{last} is"),
        Some((last, rest)) => format!("{} and {last} are", rest.join(", ")),
        None => "none is".to_owned(),
    }
}

/// What is wrong with the records of a PAX extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PaxFault {
    /// A record's length is no number, or leads out of the extension.
    #[error("a record has a wrong length")]
    Length,
    /// A record has no `=`.
    #[error("a record has no `=`")]
    NoEquals,
    /// A record does not end with a line feed.
    #[error("a record does not end with a line feed")]
    NoLineFeed,
    /// A key stands twice.
    #[error("a key stands twice")]
    Twice,
    /// The size is no number in range.
    #[error("the size is no number in range")]
    Size,
    /// The path is empty.
    #[error("the path is empty")]
    Path,
    /// A key is not UTF-8.
    #[error("a key is not UTF-8")]
    Key,
}

/// What a member is that is neither a file nor a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryType {
    /// A hard link.
    HardLink,
    /// A symbolic link.
    SymbolicLink,
    /// A character device.
    CharacterDevice,
    /// A block device.
    BlockDevice,
    /// A named pipe.
    Pipe,
    /// A socket.
    Socket,
    /// A sparse file.
    Sparse,
    /// A directory where a file belongs.
    Directory,
    /// A file where a directory belongs.
    File,
    /// Another type of tar member, by its flag.
    Other(u8),
}

impl fmt::Display for EntryType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HardLink => "a hard link",
            Self::SymbolicLink => "a symbolic link",
            Self::CharacterDevice => "a character device",
            Self::BlockDevice => "a block device",
            Self::Pipe => "a named pipe",
            Self::Socket => "a socket",
            Self::Sparse => "a sparse file",
            Self::Directory => "a directory",
            Self::File => "a file where a directory belongs",
            Self::Other(flag) => {
                return write!(f, "of the type `{}`", char::from(*flag).escape_debug());
            }
        })
    }
}

/// What the operating system said; two are equal when they are of one kind and say the same.
#[derive(Clone, Debug)]
pub struct IoError(Arc<io::Error>);

impl IoError {
    /// The kind of error.
    pub fn kind(&self) -> io::ErrorKind {
        self.0.kind()
    }
}

impl From<io::Error> for IoError {
    fn from(cause: io::Error) -> Self {
        Self(Arc::new(cause))
    }
}

impl PartialEq for IoError {
    fn eq(&self, other: &Self) -> bool {
        self.kind() == other.kind() && self.0.to_string() == other.0.to_string()
    }
}

impl Eq for IoError {}

impl fmt::Display for IoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for IoError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}
