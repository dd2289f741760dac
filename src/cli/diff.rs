//! `sealift diff`: what two archives, or an archive and a registry, do not both hold.

#[cfg(feature = "net")]
mod far;
mod told;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Result, bail};
use sealift::archive::Archive;
use sealift::inventory::{Inventory, Name};
use sealift::limits::Limits;
use sealift::oci::InvalidReference;
use sealift::report::text::count;
use sealift::transfer::{
    ArchiveSource, Comparison, Located, Namespace, Pair, Reading, Settings, compare, offered,
    repository_of,
};

use super::args::{DiffArgs, Format};
use super::exit::Exit;
use super::{output, verify};

/// What is given: a file of an archive, or `docker://HOST[/PREFIX]`.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    File(PathBuf),
    Registry(Namespace),
}

impl Place {
    fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Registry(_) => None,
        }
    }
}

impl FromStr for Place {
    type Err = InvalidReference;

    fn from_str(text: &str) -> Result<Self, InvalidReference> {
        match text.strip_prefix("docker://") {
            Some(namespace) => namespace.parse().map(Self::Registry),
            None => Ok(Self::File(text.into())),
        }
    }
}

/// One side: an archive by its files, or a registry.
#[derive(Clone, Copy)]
enum Side<'a> {
    Archive(&'a [&'a Path]),
    Registry(&'a Namespace),
}

impl Side<'_> {
    fn shown(&self) -> String {
        match self {
            Self::Archive([path]) => path.display().to_string(),
            Self::Archive([first, rest @ ..]) => {
                format!("{} and {}", first.display(), count(rest.len(), "volume of its set"))
            }
            Self::Archive([]) => String::new(),
            Self::Registry(namespace) => format!("docker://{namespace}"),
        }
    }
}

pub(crate) fn run(args: &DiffArgs) -> Result<Exit> {
    let files: Vec<&Path> = args.sides.iter().filter_map(Place::file).collect();
    if files.contains(&Path::new("-")) {
        bail!("a stream can be read only once, and a comparison goes back and forth");
    }
    let archives = archives_of(&files)?;
    let (a, b) = match sides(&args.sides, &archives).as_slice() {
        [a, b] => (*a, *b),
        sides => {
            let shown: Vec<_> = sides.iter().map(|side| format!("`{}`", side.shown())).collect();
            let is = if sides.len() == 1 { "is" } else { "are" };
            bail!(
                "two sides are compared, and here {is} {}: {}; the volumes of a set are one side",
                sides.len(),
                shown.join(", ")
            )
        }
    };
    let comparison = match (a, b) {
        (Side::Archive(a), Side::Archive(b)) => of_archives(a, b, args)?,
        (Side::Archive(archive), Side::Registry(registry)) => {
            with_registry(archive, registry, args)?
        }
        (Side::Registry(registry), Side::Archive(archive)) => {
            with_registry(archive, registry, args)?.turned()
        }
        (Side::Registry(_), Side::Registry(_)) => {
            bail!("one side must be an archive, for a registry does not say what it holds")
        }
    };
    let names = [a.shown(), b.shown()];
    output::answer(&match args.format.format {
        Format::Text => told::text(&comparison, &names),
        Format::Json => told::json(&comparison, &names)?,
    })?;
    Ok(if comparison.is_same() { Exit::Admitted } else { Exit::Denied })
}

/// The files of each archive; the volumes of a set are one.
fn archives_of<'a>(files: &[&'a Path]) -> Result<Vec<Vec<&'a Path>>> {
    let sets = Archive::sets(files, &Limits::default())?;
    let of = |set: Vec<usize>| set.into_iter().filter_map(|place| files.get(place).copied());
    Ok(sets.into_iter().map(|set| of(set).collect()).collect())
}

/// In the order they were given in, an archive by its first file.
fn sides<'a>(places: &'a [Place], archives: &'a [Vec<&'a Path>]) -> Vec<Side<'a>> {
    let mut archives = archives.iter().peekable();
    let side = |place: &'a Place| match place {
        Place::Registry(namespace) => Some(Side::Registry(namespace)),
        Place::File(path) => archives
            .next_if(|files| files.first() == Some(&path.as_path()))
            .map(|files| Side::Archive(files)),
    };
    places.iter().filter_map(side).collect()
}

fn of_archives(a: &[&Path], b: &[&Path], args: &DiffArgs) -> Result<Comparison> {
    let limits = Limits::default();
    let (a, b) = (Opened::of(a, &limits)?, Opened::of(b, &limits)?);
    let sources = [a.sources(&limits), b.sources(&limits)];
    let [a, b] = [a.images(&sources[0]), b.images(&sources[1])];
    Ok(compare(&pairs(&a, &b), &args.settings(&limits))?)
}

#[cfg(feature = "net")]
fn with_registry(archive: &[&Path], registry: &Namespace, args: &DiffArgs) -> Result<Comparison> {
    far::compare(archive, registry, args)
}

#[cfg(not(feature = "net"))]
fn with_registry(_: &[&Path], registry: &Namespace, _: &DiffArgs) -> Result<Comparison> {
    bail!("{registry} is a registry, and this build of sealift cannot reach any")
}

impl DiffArgs {
    #[cfg(feature = "net")]
    fn settings(&self, limits: &Limits) -> Settings {
        Settings { concurrency: self.registry.concurrency(), limits: *limits, time: None }
    }

    #[cfg(not(feature = "net"))]
    #[expect(clippy::unused_self, reason = "with `net` it holds the concurrency")]
    fn settings(&self, limits: &Limits) -> Settings {
        Settings { concurrency: 4, limits: *limits, time: None }
    }
}

/// An archive that is compared.
struct Opened {
    archive: Archive,
    inventory: Inventory,
}

/// The sources of an archive by repository.
type Sources<'a> = BTreeMap<Option<String>, ArchiveSource<'a>>;

/// Where each image is, by its name.
type Images<'a> = BTreeMap<String, Located<'a>>;

impl Opened {
    fn of(files: &[&Path], limits: &Limits) -> Result<Self> {
        let archive = verify::open_files(files, limits)?;
        let inventory = verify::inventory_of_files(&archive, files, limits)?;
        Ok(Self { archive, inventory })
    }

    fn sources(&self, limits: &Limits) -> Sources<'_> {
        let offered = offered(&self.inventory, None);
        let repositories: BTreeSet<_> =
            offered.iter().map(|(name, _)| repository_of(name.as_ref())).collect();
        let source = |repository: Option<String>| {
            let (archive, inventory) = (&self.archive, &self.inventory);
            let limit = limits.metadata_bytes;
            (repository.clone(), ArchiveSource::new(archive, inventory, repository, limit))
        };
        repositories.into_iter().map(source).collect()
    }

    fn images<'a>(&self, sources: &'a Sources<'_>) -> Images<'a> {
        let mut images = Images::new();
        for (name, digest) in offered(&self.inventory, None) {
            let Some(source) = sources.get(&repository_of(name.as_ref())) else { continue };
            let shown = name.as_ref().map_or_else(|| digest.to_string(), Name::to_string);
            images.insert(shown, Located { source, digest, reading: Reading::Whole });
        }
        images
    }
}

/// Every name of either side.
fn pairs<'a>(a: &Images<'a>, b: &Images<'a>) -> Vec<Pair<'a>> {
    let names: BTreeSet<_> = a.keys().chain(b.keys()).collect();
    let pair = |name: &String| Pair {
        name: name.clone(),
        a: a.get(name).copied(),
        b: b.get(name).copied(),
    };
    names.into_iter().map(pair).collect()
}
