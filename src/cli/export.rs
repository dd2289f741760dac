//! `sealift export`.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context as _, Result, bail};
use indicatif::HumanBytes;
use sealift::archive::{Archive, ArchiveWriter, Kept, Leftover, Shape};
use sealift::digest::Digest;
use sealift::inventory::ledger::{Entry, Ledger, Lookup, Outcome};
use sealift::inventory::{Inventory, Name};
use sealift::limits::Limits;
use sealift::oci::{InvalidReference, Platform, Reference};
use sealift::report::text::Lines;
use sealift::transfer::{
    ArchiveSource, Image, Plan, Request, Settings, Source, Written, into_archive, offered,
    repository_of,
};
use serde::Serialize;

use super::args::{ExportArgs, Format};
use super::exit::Exit;
use super::progress::{Bar, Wanted};
#[cfg(feature = "net")]
use super::registry::Registries;
use super::{clock, input, output, verify};

/// Where an image is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Registry(Reference),
    Archive { path: PathBuf, tag: Option<String> },
}

/// `[ "docker://" ] reference`, or `( "oci:" / "oci-archive:" ) path [ ":" tag ]`; as in skopeo, a
/// path holds no colon.
impl FromStr for Place {
    type Err = InvalidReference;

    fn from_str(text: &str) -> Result<Self, InvalidReference> {
        let archive = text.strip_prefix("oci:").or_else(|| text.strip_prefix("oci-archive:"));
        let Some(place) = archive else {
            let reference = text.strip_prefix("docker://").unwrap_or(text);
            return reference.parse().map(Self::Registry);
        };
        let (path, tag) = match place.split_once(':') {
            Some((path, tag)) => (path, Some(tag.to_owned())),
            None => (place, None),
        };
        Ok(Self::Archive { path: path.into(), tag })
    }
}

pub(crate) fn run(args: &ExportArgs) -> Result<Exit> {
    let limits = Limits::default();
    let places = args.places(&limits)?;
    let origins = Origins::open(args, &places, &limits)?;
    let sources = origins.sources(&places, &limits)?;
    let mut requests = origins.requests(&places, &sources)?;
    if let Some(name) = &args.name {
        give_name(&mut requests, name)?;
    }
    let time = clock::source_date()?;
    let settings = Settings { concurrency: args.concurrency(), limits, time };
    let (plan, written) = export(args, &requests, &settings)?;
    output::answer(&match args.format.format {
        Format::Text => text(&plan, args, written),
        Format::Json => json(&plan, args, written)?,
    })?;
    Ok(Exit::Admitted)
}

/// Names the one image that has no full name. One that has keeps it, for its evidence is tied to it.
fn give_name(requests: &mut [Request<'_>], name: &Reference) -> Result<()> {
    let [request] = requests else {
        bail!("`--name` gives a name to one image, and {} were found", requests.len());
    };
    if let Some(Name::Reference(known)) = &request.name {
        bail!("`--name` names what has no full name, and this image is {known}");
    }
    request.name = Some(Name::Reference(name.clone()));
    Ok(())
}

fn export<'a>(
    args: &ExportArgs,
    requests: &[Request<'a>],
    settings: &Settings,
) -> Result<(Plan<'a>, Written)> {
    let bar = Bar::new(if args.no_progress { Wanted::No } else { Wanted::Yes });
    // First, so that a place that cannot be written is known before anything is fetched.
    let leftover = if args.resume { Leftover::Resumed } else { Leftover::Replaced };
    let shape = Shape { volume: args.volume_size, leftover };
    let writer = ArchiveWriter::create_as(&args.output, shape)?;
    let plan = Plan::make(requests, settings, &bar)?;
    let written = into_archive(&plan, writer, settings.concurrency, &bar)?;
    Ok((plan, written))
}

impl ExportArgs {
    #[cfg(feature = "net")]
    fn concurrency(&self) -> usize {
        self.registry.concurrency()
    }

    /// From disk to disk: one reads, one hashes and writes.
    #[cfg(not(feature = "net"))]
    #[expect(clippy::unused_self, reason = "with `net` it is an argument")]
    fn concurrency(&self) -> usize {
        2
    }

    /// Everything to export, arguments first, each once.
    fn places(&self, limits: &Limits) -> Result<Vec<Place>> {
        let mut places = self.images.clone();
        for path in &self.image_txt {
            let text = input::read_text(path, "list", limits.metadata_bytes)?;
            for (number, line) in (1_usize..).zip(text.lines()) {
                let line = line.split_once('#').map_or(line, |(line, _)| line).trim();
                if line.is_empty() {
                    continue;
                }
                let place = line.parse().with_context(|| {
                    format!("`{}`, line {number}: `{}`", path.display(), line.escape_debug())
                })?;
                places.push(place);
            }
        }
        let mut seen: Vec<Place> = Vec::new();
        places.retain(|place| {
            let is_new = !seen.contains(place);
            if is_new {
                seen.push(place.clone());
            }
            is_new
        });
        if places.is_empty() {
            bail!("the list names no image");
        }
        Ok(places)
    }
}

/// What the images come from, opened.
struct Origins {
    #[cfg(feature = "net")]
    registries: Option<Registries>,
    archives: BTreeMap<PathBuf, (Archive, Inventory)>,
}

impl Origins {
    fn open(args: &ExportArgs, places: &[Place], limits: &Limits) -> Result<Self> {
        let mut archives = BTreeMap::new();
        for place in places {
            let Place::Archive { path, .. } = place else { continue };
            if archives.contains_key(path) {
                continue;
            }
            let archive = verify::open(path, limits)?;
            let inventory = verify::inventory(&archive, path, limits)?;
            archives.insert(path.clone(), (archive, inventory));
        }
        #[cfg(not(feature = "net"))]
        let _ = args;
        Ok(Self {
            #[cfg(feature = "net")]
            registries: Self::registries(args, places, limits)?,
            archives,
        })
    }

    #[cfg(feature = "net")]
    fn registries(
        args: &ExportArgs,
        places: &[Place],
        limits: &Limits,
    ) -> Result<Option<Registries>> {
        let mut hosts = places.iter().filter_map(|place| match place {
            Place::Registry(reference) => Some(reference.registry()),
            Place::Archive { .. } => None,
        });
        let Some(first) = hosts.next() else { return Ok(None) };
        let mut registries = args.registry.registries(limits)?;
        registries.add(first)?;
        for host in hosts {
            registries.add(host)?;
        }
        Ok(Some(registries))
    }

    /// One source for each repository.
    fn sources(&self, places: &[Place], limits: &Limits) -> Result<Sources<'_>> {
        let mut sources: Sources<'_> = BTreeMap::new();
        for place in places {
            match place {
                Place::Registry(reference) => {
                    let key = (None, Some(reference.name()));
                    if let Slot::Vacant(slot) = sources.entry(key) {
                        slot.insert(self.registry_source(reference)?);
                    }
                }
                Place::Archive { path, tag } => {
                    let Some((archive, inventory)) = self.archives.get(path) else { continue };
                    for (name, _) in offered(inventory, tag.as_deref()) {
                        let repository = repository_of(name.as_ref());
                        let key = (Some(path.clone()), repository.clone());
                        sources.entry(key).or_insert_with(|| {
                            let cap = limits.metadata_bytes;
                            Box::new(ArchiveSource::new(archive, inventory, repository, cap))
                        });
                    }
                }
            }
        }
        Ok(sources)
    }

    #[cfg(feature = "net")]
    fn registry_source(&self, reference: &Reference) -> Result<Box<dyn Source + '_>> {
        let registries = self.registries.as_ref();
        let registry = registries
            .and_then(|registries| registries.get(reference.registry()))
            .with_context(|| format!("no registry for {reference}"))?;
        Ok(Box::new(registry.repository(reference.repository())))
    }

    #[cfg(not(feature = "net"))]
    #[expect(clippy::unused_self, reason = "with `net` it holds the registries")]
    fn registry_source(&self, reference: &Reference) -> Result<Box<dyn Source + '_>> {
        bail!("{reference} is in a registry, and this build of sealift cannot reach any")
    }

    fn requests<'a>(&self, places: &[Place], sources: &'a Sources<'_>) -> Result<Vec<Request<'a>>> {
        let mut requests = Vec::new();
        for place in places {
            match place {
                Place::Registry(reference) => {
                    let key = (None, Some(reference.name()));
                    let name = Some(Name::Reference(reference.clone()));
                    let digest = reference.digest().copied();
                    let source = sources.get(&key).map(AsRef::as_ref);
                    requests.extend(source.map(|source| Request { source, name, digest }));
                }
                Place::Archive { path, tag } => {
                    let Some((_, inventory)) = self.archives.get(path) else { continue };
                    let offered = offered(inventory, tag.as_deref());
                    if offered.is_empty() {
                        let tag = tag.as_deref().unwrap_or_default();
                        bail!("`{}` holds no image `{tag}`", path.display());
                    }
                    for (name, digest) in offered {
                        let key = (Some(path.clone()), repository_of(name.as_ref()));
                        let source = sources.get(&key).map(AsRef::as_ref);
                        let digest = Some(digest);
                        requests.extend(source.map(|source| Request { source, name, digest }));
                    }
                }
            }
        }
        Ok(requests)
    }
}

/// Sources by archive, where they are one, and repository.
type Sources<'a> = BTreeMap<(Option<PathBuf>, Option<String>), Box<dyn Source + 'a>>;

/// What was found and what was not, image by image.
fn text(plan: &Plan<'_>, args: &ExportArgs, written: Written) -> String {
    let mut lines = Lines::default();
    for image in plan.images() {
        image.names.iter().for_each(|name| lines.line("", &name.to_string()));
        lines.line("  ", &image.digest.to_string());
        put_lookups(&mut lines, "  ", entry(plan, image, &image.digest));
        for (digest, platform) in &image.children {
            let platform =
                platform.as_ref().map_or_else(|| "child".to_owned(), Platform::to_string);
            lines.line("  ", &platform);
            lines.line("    ", &digest.to_string());
            put_lookups(&mut lines, "    ", entry(plan, image, digest));
        }
        if !image.absent.is_empty() {
            lines.line("  ", "not held by the source, as layers of this kind may be:");
            image.absent.iter().for_each(|digest| lines.line("    ", &digest.to_string()));
        }
        lines.blank();
    }
    let (blobs, bytes) = plan.size();
    let (path, images, bytes) = (args.output.display(), plan.images().len(), HumanBytes(bytes));
    let path = match args.volume_size {
        None => path.to_string(),
        Some(_) => format!("{path}.001 to {path}.{:03}", written.files),
    };
    lines.line("", &format!("{path}: {images} image(s), {blobs} blobs, {bytes}"));
    if args.resume {
        let Kept { blobs, bytes } = written.kept;
        lines.line("", &format!("kept {blobs} blobs, {bytes} bytes"));
    }
    lines.finish()
}

fn entry<'a>(plan: &'a Plan<'_>, image: &Image, digest: &Digest) -> Option<&'a Entry> {
    let mut entries = plan.ledger().subjects.iter();
    entries.find(|entry| entry.repository == image.repository && entry.digest == *digest)
}

/// One line for each outcome that some lookup had.
fn put_lookups(lines: &mut Lines, indent: &str, entry: Option<&Entry>) {
    let lookups = entry.map(|entry| entry.lookups.as_slice()).unwrap_or_default();
    for (outcome, label) in [
        (Outcome::Found, "found: "),
        (Outcome::NotFound, "not found: "),
        (Outcome::NotSupported, "no such place: "),
    ] {
        let names: Vec<_> = lookups
            .iter()
            .filter(|lookup| lookup.outcome == outcome)
            .map(|Lookup { kind, found, .. }| match found.len() {
                0 | 1 => kind.name().to_owned(),
                count => format!("{} ({count})", kind.name()),
            })
            .collect();
        if !names.is_empty() {
            lines.hanging(indent, label, &names.join(", "));
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Told<'a> {
    archive: String,
    images: Vec<ToldImage<'a>>,
    blobs: usize,
    bytes: u64,
    files: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    kept: Option<ToldKept>,
    ledger: &'a Ledger,
}

#[derive(Serialize)]
struct ToldKept {
    blobs: usize,
    bytes: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToldImage<'a> {
    names: Vec<String>,
    repository: &'a str,
    digest: Digest,
    children: Vec<Digest>,
    absent: &'a [Digest],
}

fn json(plan: &Plan<'_>, args: &ExportArgs, written: Written) -> Result<String> {
    let (blobs, bytes) = plan.size();
    let images = plan.images().iter().map(ToldImage::of).collect();
    let archive = args.output.display().to_string();
    let Written { kept: Kept { blobs: kept, bytes: kept_bytes }, files } = written;
    let kept = args.resume.then_some(ToldKept { blobs: kept, bytes: kept_bytes });
    let told = Told { archive, images, blobs, bytes, files, kept, ledger: plan.ledger() };
    Ok(serde_json::to_string_pretty(&told)? + "\n")
}

impl<'a> ToldImage<'a> {
    fn of(image: &'a Image) -> Self {
        Self {
            names: image.names.iter().map(Name::to_string).collect(),
            repository: &image.repository,
            digest: image.digest,
            children: image.children.iter().map(|(digest, _)| *digest).collect(),
            absent: &image.absent,
        }
    }
}
