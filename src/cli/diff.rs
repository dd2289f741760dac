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
use sealift::transfer::{
    ArchiveSource, Comparison, Located, Namespace, Pair, Reading, Settings, compare, offered,
    repository_of,
};

use super::args::{DiffArgs, Format};
use super::exit::Exit;
use super::{output, verify};

/// One side: an archive, or `docker://HOST[/PREFIX]`.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    Archive(PathBuf),
    Registry(Namespace),
}

impl FromStr for Place {
    type Err = InvalidReference;

    fn from_str(text: &str) -> Result<Self, InvalidReference> {
        match text.strip_prefix("docker://") {
            Some(namespace) => namespace.parse().map(Self::Registry),
            None => Ok(Self::Archive(text.into())),
        }
    }
}

impl Place {
    fn shown(&self) -> String {
        match self {
            Self::Archive(path) => path.display().to_string(),
            Self::Registry(namespace) => format!("docker://{namespace}"),
        }
    }
}

pub(crate) fn run(args: &DiffArgs) -> Result<Exit> {
    let comparison = match (&args.a, &args.b) {
        (Place::Archive(a), Place::Archive(b)) => archives(a, b, args)?,
        (Place::Archive(archive), Place::Registry(registry)) => {
            with_registry(archive, registry, args)?
        }
        (Place::Registry(registry), Place::Archive(archive)) => {
            with_registry(archive, registry, args)?.turned()
        }
        (Place::Registry(_), Place::Registry(_)) => {
            bail!("one side must be an archive, for a registry does not say what it holds")
        }
    };
    let names = [args.a.shown(), args.b.shown()];
    output::answer(&match args.format.format {
        Format::Text => told::text(&comparison, &names),
        Format::Json => told::json(&comparison, &names)?,
    })?;
    Ok(if comparison.is_same() { Exit::Admitted } else { Exit::Denied })
}

fn archives(a: &Path, b: &Path, args: &DiffArgs) -> Result<Comparison> {
    let limits = Limits::default();
    let (a, b) = (Opened::of(a, &limits)?, Opened::of(b, &limits)?);
    let sources = [a.sources(&limits), b.sources(&limits)];
    let [a, b] = [a.images(&sources[0]), b.images(&sources[1])];
    Ok(compare(&pairs(&a, &b), &args.settings(&limits))?)
}

#[cfg(feature = "net")]
fn with_registry(archive: &Path, registry: &Namespace, args: &DiffArgs) -> Result<Comparison> {
    far::compare(archive, registry, args)
}

#[cfg(not(feature = "net"))]
fn with_registry(_: &Path, registry: &Namespace, _: &DiffArgs) -> Result<Comparison> {
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
    fn of(path: &Path, limits: &Limits) -> Result<Self> {
        if path == Path::new("-") {
            bail!("a stream can be read only once, and a comparison goes back and forth");
        }
        let archive = verify::open(path, limits)?;
        let inventory = verify::inventory(&archive, path, limits)?;
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
