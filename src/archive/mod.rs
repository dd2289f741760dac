//! Where bytes lie: an *archive* is an OCI image layout as a directory, a tar (plain, gzip, zstd), a
//! set of volumes or a stream. Nothing is ever extracted.
//!
//! [`Archive::open`] finds the form and reads what a layout must hold; a [`Store`] gives bytes by
//! digest, still unproven; [`Blob::read`] turns them into a [`Blob`], which is proof that they are
//! what a descriptor promised. [`ArchiveWriter`] writes the one form sealift makes.

mod blob;
mod compression;
mod delta;
mod error;
mod held;
mod layout;
mod output;
mod partial;
mod path;
mod places;
mod stream;
mod tar;
mod volumes;
mod write;

pub use blob::{Blob, BlobError};
pub use delta::{Omission, Omitted};
pub use error::{Damage, EntryType, Error, HeaderFault, IoError, Member, PaxFault, VolumeFault};
pub use held::{Answers, Held};
pub use partial::Leftover;
pub use path::{BadPath, MemberPath};
pub use places::{Filling, Places};
pub use volumes::{BadVolumeSize, VolumeSize};
pub use write::{ArchiveWriter, Kept, Shape};

use std::collections::BTreeSet;
use std::fmt;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;

use compression::Packing;
use delta::DeltaStore;
use held::HeldStore;
use layout::LayoutStore;
use stream::StreamStore;
use tar::{Members, TarStore};
use volumes::{Set, Volume};

use crate::digest::Digest;
use crate::limits::Limits;
use crate::oci::{Descriptor, ImageLayout, Index, MediaType};

/// Gives the bytes of blobs by the name of the file they lie in; whether they are those bytes is
/// for [`Blob`] to say.
pub trait Store: Send + Sync {
    /// Size of the blob file named `digest`; `None` where the archive has no such file.
    fn size(&self, digest: &Digest) -> Option<u64>;

    /// Every blob file and its size, in the order of their digests.
    fn blobs(&self) -> Vec<(Digest, u64)>;

    /// Passes the bytes of a blob file to `sink` in chunks, until it is at its end or `sink` fails.
    fn read(
        &self,
        digest: &Digest,
        sink: &mut dyn FnMut(&[u8]) -> Result<(), BlobError>,
    ) -> Result<(), BlobError>;

    /// The bytes of a blob file as a reader, where they lie in one piece and are not in memory; others
    /// have [`read`](Self::read) alone.
    fn open(&self, _digest: &Digest) -> Option<Box<dyn Read + '_>> {
        None
    }

    /// The first byte of a blob file; `None` where it is empty or cannot be read. Tells JSON from
    /// layers without reading them.
    fn first_byte(&self, digest: &Digest) -> Option<u8> {
        let mut first = None;
        // The sink stops the reading after its first chunk; what it says is not of interest.
        let _ = self.read(digest, &mut |chunk| {
            first = chunk.first().copied();
            Err(BlobError::ReadOnce { digest: *digest })
        });
        first
    }

    /// The error for a blob file whose bytes have the digest `found`; a store that knows what
    /// happened to them says so.
    fn wrong_digest(&self, promised: Digest, found: Digest) -> BlobError {
        BlobError::WrongDigest { promised, found }
    }

    /// The error for a blob file that is not there.
    fn missing(&self, digest: &Digest) -> BlobError {
        BlobError::Missing { digest: *digest }
    }

    /// The repository of a mirror's target that says it holds the blob, so that it is neither read
    /// nor missed here.
    fn at_target(&self, _descriptor: &Descriptor) -> Option<&str> {
        None
    }

    /// Whether a repository of a mirror's target said that it lacks the blob.
    fn lacks(&self, _repository: &str, _digest: &Digest) -> bool {
        false
    }

    /// Proves that the blob file holds what `descriptor` promises (size, then digest) and keeps
    /// nothing of it. A store that is read once has hashed it on the way and answers from that.
    fn check(&self, descriptor: &Descriptor) -> Result<(), BlobError>;
}

/// An opened archive: its layout is sound, none of its blobs is proven.
pub struct Archive {
    store: Box<dyn Store>,
    /// Of a delta.
    omission: Option<Omission>,
    index: Index,
    index_digest: Digest,
    ignored: Vec<String>,
}

impl Archive {
    /// Opens a layout directory, `.tar`, `.tar.gz` or `.tar.zst`, told apart by content. What is
    /// neither a directory nor a regular file, such as a pipe, is read as a stream.
    pub fn open(path: &Path, limits: &Limits) -> Result<Self, Error> {
        let failed = |cause| opening(path, cause);
        if fs::metadata(path).map_err(failed)?.is_dir() {
            let (store, members) = LayoutStore::list(path, limits)?;
            return Self::new(Box::new(store), members, limits);
        }
        let file = File::open(path).map_err(failed)?;
        if !file.metadata().map_err(failed)?.is_file() {
            return Self::from_stream(file, limits);
        }
        let mut head = [0; Packing::HEAD];
        let read = read_head(&file, &mut head).map_err(failed)?;
        if volumes::is_volume(read) {
            return Self::of_set(vec![Volume::open(path, file, read, limits)?], limits);
        }
        match Packing::of(read)? {
            Packing::Plain => {
                let (store, members) = TarStore::index(file, limits)?;
                Self::new(Box::new(store), members, limits)
            }
            packing => {
                let (store, members) = StreamStore::of_file(file, packing, limits)?;
                Self::new(Box::new(store), members, limits)
            }
        }
    }

    /// Opens an archive by all its files: the volumes of one set, in any order, or the one file or
    /// directory that it is. Volumes are read where they lie; nothing is joined.
    pub fn open_files<P: AsRef<Path>>(paths: &[P], limits: &Limits) -> Result<Self, Error> {
        if let [path] = paths {
            return Self::open(path.as_ref(), limits);
        }
        if paths.len() > limits.volumes {
            return Err(volumes::too_many(limits));
        }
        let volumes = paths.iter().map(|path| open_volume(path.as_ref(), limits));
        Self::of_set(volumes.collect::<Result<_, _>>()?, limits)
    }

    /// Opens several archives in their order, the volumes of each set as one.
    pub fn open_each<P: AsRef<Path>>(paths: &[P], limits: &Limits) -> Result<Vec<Self>, Error> {
        let files = |set: Vec<usize>| -> Vec<&P> {
            set.into_iter().filter_map(|place| paths.get(place)).collect()
        };
        Self::sets(paths, limits)?
            .into_iter()
            .map(|set| Self::open_files(&files(set), limits))
            .collect()
    }

    /// Which files are one archive, by their places in `paths`: the volumes of a set together, every
    /// other file alone, in the order of the first of each. A volume that its set has already begins
    /// another copy of the set. What cannot be opened is told when its archive is.
    pub fn sets<P: AsRef<Path>>(paths: &[P], limits: &Limits) -> Result<Vec<Vec<usize>>, Error> {
        let mut sets: Vec<Together> = Vec::new();
        for (place, path) in paths.iter().enumerate() {
            let volume = match open_volume(path.as_ref(), limits) {
                Ok(volume) => Some((*volume.set(), volume.number())),
                Err(Error::NotAVolume { .. } | Error::Io { .. }) => None,
                Err(error) => return Err(error),
            };
            let known = volume.and_then(|volume| sets.iter_mut().find(|set| set.lacks(volume)));
            match known {
                Some(set) => set.take(place, volume),
                None => sets.push(Together::from(place, volume)),
            }
        }
        Ok(sets.into_iter().map(|set| set.places).collect())
    }

    fn of_set(volumes: Vec<Volume>, limits: &Limits) -> Result<Self, Error> {
        let set = Set::of(volumes)?;
        TarStore::index(Arc::clone(&set), limits)
            .and_then(|(store, members)| Self::new(Box::new(store), members, limits))
            .map_err(|error| set.diagnose(error))
    }

    /// Reads a tar (plain, gzip or zstd) that can be read only once, such as standard input.
    /// Blobs are hashed as they pass; metadata is kept in memory, layers are not.
    pub fn from_stream(stream: impl Read, limits: &Limits) -> Result<Self, Error> {
        let (store, members) = StreamStore::once(stream, limits)?;
        Self::new(Box::new(store), members, limits)
    }

    fn new(store: Box<dyn Store>, members: Members, limits: &Limits) -> Result<Self, Error> {
        check_layout(&members.layout.ok_or(Error::NoLayout)?, limits)?;
        let bytes = members.index.ok_or(Error::NoIndex)?;
        let index = Index::parse(&bytes, &MediaType::from(MediaType::OCI_INDEX), limits)
            .map_err(|cause| Error::BadIndex { cause })?;
        let (index_digest, ignored) = (Digest::sha256(&bytes), members.foreign);
        Ok(Self { store, omission: None, index, index_digest, ignored })
    }

    /// The same archive, a delta whose omitted blobs lie where `omitted` says.
    #[must_use]
    pub fn with_omitted(self, omitted: Omitted) -> Self {
        let store = DeltaStore { own: self.store, omitted };
        let omission = Some(store.omission());
        Self { store: Box::new(store), omission, ..self }
    }

    /// Leaves to the target of a mirror what it says it holds, and remembers what it lacks.
    #[must_use]
    pub fn with_answers(mut self, answers: Answers) -> Self {
        if let Some(omission) = &mut self.omission {
            let missing = omission.missing.len();
            omission.missing.retain(|digest| !answers.held.contains_key(digest));
            omission.at_target = missing.saturating_sub(omission.missing.len());
        }
        Self { store: Box::new(HeldStore { own: self.store, answers }), ..self }
    }

    /// What became of what it omits, where it is a delta and was told.
    pub fn omission(&self) -> Option<&Omission> {
        self.omission.as_ref()
    }

    /// Its blobs.
    pub fn store(&self) -> &dyn Store {
        self.store.as_ref()
    }

    /// What `index.json` lists.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// The digest of the bytes of `index.json`: the identity of what the archive holds, whatever its form.
    pub fn index_digest(&self) -> &Digest {
        &self.index_digest
    }

    /// Members beside the layout that other tools write (`manifest.json`, `repositories`) and that
    /// nothing is decided by.
    pub fn ignored(&self) -> &[String] {
        &self.ignored
    }
}

impl fmt::Debug for Archive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Archive").field("index_digest", &self.index_digest).finish_non_exhaustive()
    }
}

/// Files that are one archive.
struct Together {
    /// The name of the set, where they are volumes.
    set: Option<Digest>,
    numbers: BTreeSet<u32>,
    places: Vec<usize>,
}

impl Together {
    fn from(place: usize, volume: Option<(Digest, u32)>) -> Self {
        let set = volume.map(|(set, _)| set);
        let mut together = Self { set, numbers: BTreeSet::new(), places: Vec::new() };
        together.take(place, volume);
        together
    }

    /// Whether this volume of the set is not among them.
    fn lacks(&self, (set, number): (Digest, u32)) -> bool {
        self.set == Some(set) && !self.numbers.contains(&number)
    }

    fn take(&mut self, place: usize, volume: Option<(Digest, u32)>) {
        self.numbers.extend(volume.map(|(_, number)| number));
        self.places.push(place);
    }
}

/// A file that must be a volume. Opening what is no file could wait for ever.
fn open_volume(path: &Path, limits: &Limits) -> Result<Volume, Error> {
    let failed = |cause| opening(path, cause);
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(Error::NotAVolume { file: path.display().to_string() });
    }
    let file = File::open(path).map_err(failed)?;
    let mut head = [0; Packing::HEAD];
    let head = read_head(&file, &mut head).map_err(failed)?;
    Volume::open(path, file, head, limits)
}

fn opening(path: &Path, cause: std::io::Error) -> Error {
    let doing = format!("open `{}`", path.display().to_string().escape_debug());
    Error::Io { doing, cause: IoError::from(cause) }
}

/// There is one version of the image layout.
fn check_layout(bytes: &[u8], limits: &Limits) -> Result<(), Error> {
    let layout = ImageLayout::parse(bytes, limits).map_err(|cause| Error::BadLayout { cause })?;
    if layout.version == "1.0.0" {
        Ok(())
    } else {
        Err(Error::BadLayoutVersion { found: layout.version })
    }
}

/// As much of the front of a file as `head` holds, or the file has.
fn read_head<'h>(file: &File, head: &'h mut [u8]) -> std::io::Result<&'h [u8]> {
    let mut filled = 0;
    while let Some(rest) = head.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        let offset = u64::try_from(filled).unwrap_or(u64::MAX);
        match file.read_at(rest, offset) {
            Ok(0) => break,
            Ok(read) => filled = filled.saturating_add(read),
            Err(cause) if cause.kind() == std::io::ErrorKind::Interrupted => {}
            Err(cause) => return Err(cause),
        }
    }
    Ok(head.get(..filled).unwrap_or_default())
}
