//! `sealift export`.

use std::collections::btree_map::Entry as Slot;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use indicatif::HumanBytes;
use sealift::archive::{self, Archive, ArchiveWriter, Kept, Leftover, Shape};
use sealift::digest::Digest;
use sealift::inventory::ledger::{Entry, Ledger, Lookup, Outcome};
use sealift::inventory::{Inventory, Name};
use sealift::limits::Limits;
#[cfg(feature = "net")]
use sealift::net::Rekor;
use sealift::oci::{Platform, Reference};
use sealift::report::text::{Lines, count};
#[cfg(feature = "net")]
use sealift::sigstore::TrustRoot;
#[cfg(feature = "net")]
use sealift::time::UnixTime;
use sealift::transfer::{
    ArchiveSource, Exceptions, Form, Image, List, ListEntry, Location, Lock, Moved, Plan,
    Platforms, ProofSearch, Request, Search, Settings, Source, Tagged, TagsOf, Unproven, Written,
    into_archive, offered, repository_of,
};
use serde::Serialize;

#[cfg(feature = "net")]
use super::args;
use super::args::{ExportArgs, Format};
use super::base::Bases;
use super::exit::Exit;
use super::output::Beside;
use super::progress::{Bar, Wanted};
#[cfg(feature = "net")]
use super::registry::{self, Registries};
#[cfg(feature = "net")]
use super::signer;
use super::{clock, input, output, verify};

pub(crate) fn run(args: &ExportArgs) -> Result<Exit> {
    let limits = Limits::default();
    args.check_apart()?;
    let mut order = args.order(&limits)?;
    let files = join_volumes(&mut order.wishes, &limits)?;
    let elsewhere = args.elsewhere()?;
    let origins = Origins::open(args, &order, &files, &elsewhere, &limits)?;
    origins.ask_for_tags(&mut order)?;
    let Order { wishes, mut notes, .. } = order;
    notes.extend(origins.notes());
    let sources = origins.sources(&wishes, &elsewhere, &limits)?;
    let mut requests = origins.requests(&wishes, &sources)?;
    if let Some(name) = &args.name {
        give_name(&mut requests, name)?;
    }
    if let Some(path) = &args.lock {
        lock(&mut requests, &read_lock(path, &limits)?)?;
    }
    let log = AskedLog::of(args, &limits)?;
    let elsewhere: Vec<String> = elsewhere.iter().map(Reference::name).collect();
    let search = Search {
        elsewhere: elsewhere
            .iter()
            .filter_map(|name| sources.get(&(None, Some(name.clone()))).map(AsRef::as_ref))
            .collect(),
        exceptions: args.exceptions(&limits)?,
        proofs: log.as_ref().map(AskedLog::search),
    };
    let time = clock::source_date()?;
    let settings = Settings { concurrency: args.concurrency(), limits, time };
    let beside = args.write_lock.as_deref().filter(|_| !args.dry_run);
    let beside = beside.map(Beside::prepare).transpose()?;
    let (plan, written) = export(args, &requests, &search, &settings)?;
    if let Some(beside) = beside {
        beside.write(&written_lock(&plan).to_bytes())?;
    }
    notes.extend(plan.moved().iter().map(moved));
    notes.extend(search.exceptions.unused().map(|exception| {
        format!("an exception was not needed: {exception}; take it out of the file")
    }));
    for note in &notes {
        output::warning(note);
    }
    let told = Telling { plan: &plan, args, written, elsewhere: &elsewhere, notes: &notes };
    output::answer(&match args.format.format {
        Format::Text => told.text(),
        Format::Json => told.json()?,
    })?;
    Ok(Exit::Admitted)
}

fn read_lock(path: &Path, limits: &Limits) -> Result<Lock> {
    let bytes = input::read(path, "lock", limits.metadata_bytes)?;
    Lock::parse(&bytes, limits).with_context(|| format!("lock `{}`", path.display()))
}

/// Holds every image that has a tag to the digest its tag had.
fn lock(requests: &mut [Request<'_>], lock: &Lock) -> Result<()> {
    for request in requests {
        let Some(Name::Reference(reference)) = &request.name else { continue };
        if reference.tag().is_none() || reference.digest().is_some() {
            continue;
        }
        let Some(locked) = lock.digest(reference).copied() else {
            bail!(
                "{reference} is not in the lock; leave the lock out and write a new one to take it in"
            );
        };
        match request.digest {
            // An archive is what it is, and offers nothing under that name but this.
            Some(held) if held != locked => {
                let source = request.source.name();
                bail!(
                    "{reference} is locked to {locked}, and {source} holds {held} under that name"
                );
            }
            _ => request.locked = Some(locked),
        }
    }
    Ok(())
}

fn written_lock(plan: &Plan<'_>) -> Lock {
    let mut lock = Lock::default();
    for image in plan.images() {
        for name in &image.names {
            if let Name::Reference(reference) = name {
                lock.pin(reference, image.digest);
            }
        }
    }
    lock
}

fn moved(moved: &Moved) -> String {
    let Moved { name, locked, found } = moved;
    match found {
        Some(found) => format!("{name} has moved to {found}: exported as locked, {locked}"),
        None => format!("{name} is not there any more: exported as locked, {locked}"),
    }
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
    search: &Search<'a>,
    settings: &Settings,
) -> Result<(Plan<'a>, Option<Written>)> {
    let bar = Bar::new(if args.no_progress { Wanted::No } else { Wanted::Yes });
    let bases = Bases::open(&args.base, &settings.limits)?;
    let plan = || bases.leave(Plan::search(requests, search, settings, &bar)?);
    let Some(output) = args.output.as_ref().filter(|_| !args.dry_run) else {
        return Ok((plan()?, None));
    };
    // First, so that a place that cannot be written is known before anything is fetched.
    let leftover = if args.resume { Leftover::Resumed } else { Leftover::Replaced };
    let shape = Shape { volume: args.volume_size, leftover };
    let writer = ArchiveWriter::create_as(output, shape)?;
    let plan = plan()?;
    let written = into_archive(&plan, writer, settings.concurrency, &bar)?;
    Ok((plan, Some(written)))
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

    /// Nothing that is read may be written over, but a lock by the next one.
    fn check_apart(&self) -> Result<()> {
        let output = self.output.as_deref().map(|path| ("--output", path));
        if output.is_some_and(|(_, path)| path == Path::new("-")) {
            bail!("an archive appears when it is whole, so it is no stream: name a file");
        }
        let write_lock = self.write_lock.as_deref().map(|path| ("--write-lock", path));
        let bases = self.base.iter().map(|path| ("--base", path.as_path()));
        let lists = self.image_txt.iter().map(|path| ("--image-txt", path.as_path()));
        let exceptions = self.evidence_exceptions.as_deref();
        let exceptions = exceptions.map(|path| ("--evidence-exceptions", path));
        let inputs: Vec<_> = bases.chain(lists).chain(exceptions).collect();
        output::check_apart(&output.into_iter().chain(write_lock).collect::<Vec<_>>(), &inputs)?;
        let lock: Vec<_> = self.lock.as_deref().map(|path| ("--lock", path)).into_iter().collect();
        output::check_apart(&output.into_iter().collect::<Vec<_>>(), &lock)
    }

    /// Everything to export, arguments first, each once.
    fn order(&self, limits: &Limits) -> Result<Order> {
        let own = Platforms::of(self.platforms.iter().cloned());
        let locations = self.images.iter().cloned();
        let wish = |location| Wish { location, platforms: own.clone() };
        let wishes = locations.map(wish).collect();
        let mut found = Order { wishes, by_tags: Vec::new(), notes: Vec::new() };
        for path in &self.image_txt {
            self.read_list(path, &own, limits, &mut found)?;
        }
        keep_first(&mut found.wishes);
        if found.wishes.is_empty() && found.by_tags.is_empty() {
            bail!("the list names no image");
        }
        Ok(found)
    }

    fn read_list(
        &self,
        path: &Path,
        own: &Platforms,
        limits: &Limits,
        found: &mut Order,
    ) -> Result<()> {
        let shown = path.display();
        let text = input::read_text(path, "list", limits.metadata_bytes)?;
        let List { entries, tags, left_over, destinations } =
            List::parse(&text, limits).with_context(|| format!("list `{shown}`"))?;
        if !left_over.is_empty() && !self.partial_lists {
            let rest: Vec<_> = left_over.iter().map(ToString::to_string).collect();
            bail!(
                "list `{shown}` asks for what no export carries: {}; \
                 with `--partial-lists` its images are exported without that",
                rest.join("; ")
            );
        }
        let not_carried =
            left_over.iter().map(|rest| format!("list `{shown}`: not carried: {rest}"));
        found.notes.extend(not_carried);
        if destinations > 0 {
            found.notes.push(format!(
                "list `{shown}` says of {} where to put it: that is told to `mirror`, not to the \
                 archive",
                count(destinations, "image")
            ));
        }
        for ListEntry { location, platform, .. } in entries {
            let platforms = platform.map_or_else(|| own.clone(), |it| Platforms::of([it]));
            found.wishes.push(Wish { location, platforms });
        }
        found.by_tags.extend(tags.into_iter().map(|tags| (path.to_owned(), tags, own.clone())));
        Ok(())
    }

    /// Other repositories to look for evidence in: as asked for, and cosign's own.
    #[cfg(feature = "net")]
    fn elsewhere(&self) -> Result<Vec<Reference>> {
        let cosign = registry::text_variable("COSIGN_REPOSITORY")
            .map(|text| args::repository(&text).context("`COSIGN_REPOSITORY` is no repository"))
            .transpose()?;
        let mut names = BTreeSet::new();
        let asked = self.referrers_src.iter().cloned().chain(cosign);
        Ok(asked.filter(|repository| names.insert(repository.name())).collect())
    }

    #[cfg(not(feature = "net"))]
    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "with `net` it is an argument"
    )]
    fn elsewhere(&self) -> Result<Vec<Reference>> {
        Ok(Vec::new())
    }

    fn exceptions(&self, limits: &Limits) -> Result<Exceptions> {
        let Some(path) = &self.evidence_exceptions else { return Ok(Exceptions::default()) };
        let text = input::read_text(path, "exceptions", limits.policy_bytes)?;
        Exceptions::parse(&text).with_context(|| format!("exceptions `{}`", path.display()))
    }
}

/// The log that is asked for inclusion proofs, and what proves them.
#[cfg(feature = "net")]
struct AskedLog {
    rekor: Rekor,
    root: TrustRoot,
    now: UnixTime,
}

#[cfg(feature = "net")]
impl AskedLog {
    fn of(args: &ExportArgs, limits: &Limits) -> Result<Option<Self>> {
        let (Some(url), Some(root)) = (&args.rekor, &args.trusted_root) else { return Ok(None) };
        let root = signer::read_root(root, args.trusted_root_digest, limits)?;
        let rekor = args.registry.rekor(url, limits)?;
        Ok(Some(Self { rekor, root, now: clock::now(args.verification_time)? }))
    }

    fn search(&self) -> ProofSearch<'_> {
        ProofSearch { log: &self.rekor, root: &self.root, now: self.now }
    }
}

/// Without `net` no log can be asked.
#[cfg(not(feature = "net"))]
enum AskedLog {}

#[cfg(not(feature = "net"))]
impl AskedLog {
    #[expect(clippy::unnecessary_wraps, reason = "with `net` it reads and can fail")]
    fn of(_: &ExportArgs, _: &Limits) -> Result<Option<Self>> {
        Ok(None)
    }

    fn search(&self) -> ProofSearch<'_> {
        match *self {}
    }
}

/// What is to be exported.
struct Order {
    wishes: Vec<Wish>,
    /// Images that are named by whatever tags their repository has, and the list that does.
    by_tags: Vec<(PathBuf, TagsOf, Platforms)>,
    /// What deserves a look in what was asked for.
    notes: Vec<String>,
}

/// An image, or all of an archive.
#[derive(Clone, PartialEq)]
struct Wish {
    location: Location,
    platforms: Platforms,
}

/// Keeps each wish once.
fn keep_first(wishes: &mut Vec<Wish>) {
    let mut seen: Vec<Wish> = Vec::new();
    wishes.retain(|wish| {
        let is_new = !seen.contains(wish);
        if is_new {
            seen.push(wish.clone());
        }
        is_new
    });
}

/// All files of each archive, by the first.
type Files = BTreeMap<PathBuf, Vec<PathBuf>>;

/// Lets the volumes of a set be one archive, which is called by the first of them that was given. Of
/// it that is meant which any of them is given with.
fn join_volumes(wishes: &mut Vec<Wish>, limits: &Limits) -> Result<Files> {
    let mut paths: Vec<PathBuf> = Vec::new();
    for path in wishes.iter().filter_map(|wish| wish.location.path()) {
        if !paths.iter().any(|known| known == path) {
            paths.push(path.to_owned());
        }
    }
    let mut archives = Files::new();
    for set in Archive::sets(&paths, limits)? {
        let files: Vec<_> = set.into_iter().filter_map(|place| paths.get(place)).cloned().collect();
        let Some(first) = files.first().cloned() else { continue };
        let is_of_set = |wish: &Wish| wish.location.path().is_some_and(|it| files.contains(it));
        let is_named = wishes.iter().any(|wish| is_of_set(wish) && wish.location.name().is_some());
        if files.len() > 1 {
            wishes.retain(|wish| !is_of_set(wish) || !is_named || wish.location.name().is_some());
        }
        for wish in wishes.iter_mut().filter(|wish| is_of_set(wish)) {
            if let Location::Archive { path, .. } = &mut wish.location {
                path.clone_from(&first);
            }
        }
        archives.insert(first, files);
    }
    keep_first(wishes);
    Ok(archives)
}

/// What the images come from, opened.
struct Origins {
    #[cfg(feature = "net")]
    registries: Option<Registries>,
    archives: BTreeMap<PathBuf, (Archive, Inventory)>,
    /// Those that docker wrote.
    docker: BTreeSet<PathBuf>,
}

impl Origins {
    fn open(
        args: &ExportArgs,
        order: &Order,
        files: &Files,
        elsewhere: &[Reference],
        limits: &Limits,
    ) -> Result<Self> {
        let mut archives = BTreeMap::new();
        let mut docker = BTreeSet::new();
        for Wish { location, .. } in &order.wishes {
            let Location::Archive { form, path, .. } = location else { continue };
            if *form == Form::DockerSave {
                docker.insert(path.clone());
            }
            let Some(files) = files.get(path).filter(|_| !archives.contains_key(path)) else {
                continue;
            };
            let archive = open(*form, path, files, limits)?;
            let inventory = verify::inventory_of_files(&archive, files, limits)?;
            archives.insert(path.clone(), (archive, inventory));
        }
        #[cfg(not(feature = "net"))]
        let _ = (args, elsewhere);
        Ok(Self {
            #[cfg(feature = "net")]
            registries: Self::registries(args, order, elsewhere, limits)?,
            archives,
            docker,
        })
    }

    /// What deserves a look in where the images come from.
    fn notes(&self) -> impl Iterator<Item = String> {
        self.docker.iter().map(|path| {
            format!(
                "`{}` was written by docker: unless docker keeps images as they were pulled (its \
                 containerd image store), their digests are new, and no signature made in a \
                 registry is of them",
                path.display()
            )
        })
    }

    #[cfg(feature = "net")]
    fn registries(
        args: &ExportArgs,
        order: &Order,
        elsewhere: &[Reference],
        limits: &Limits,
    ) -> Result<Option<Registries>> {
        let of_wishes = order.wishes.iter().filter_map(|wish| match &wish.location {
            Location::Registry(reference) => Some(reference.registry()),
            Location::Archive { .. } => None,
        });
        let of_tags = order.by_tags.iter().map(|(_, tags, _)| tags.repository.registry());
        let mut hosts = of_wishes.chain(of_tags).chain(elsewhere.iter().map(Reference::registry));
        let Some(first) = hosts.next() else { return Ok(None) };
        let mut registries = args.registry.registries(limits)?;
        registries.add(first)?;
        for host in hosts {
            registries.add(host)?;
        }
        Ok(Some(registries))
    }

    /// Puts the images in the place of the tags that they are meant by.
    fn ask_for_tags(&self, order: &mut Order) -> Result<()> {
        for (list, tags, platforms) in std::mem::take(&mut order.by_tags) {
            let place = format!("list `{}`: line {}", list.display(), tags.line);
            let Tagged { images, evidence } = tags
                .among(self.tags(&tags)?)
                .with_context(|| format!("{place}: {tags} cannot be read"))?;
            if images.is_empty() {
                bail!("{place}: no image is meant by {tags}");
            }
            if evidence > 0 {
                order.notes.push(format!(
                    "{place}: {tags}: {} evidence, which goes with the image it speaks of and is \
                     not carried without it",
                    if evidence == 1 { "1 is of".to_owned() } else { format!("{evidence} are of") }
                ));
            }
            order.wishes.extend(images.into_iter().map(|image| Wish {
                location: Location::Registry(image),
                platforms: platforms.clone(),
            }));
        }
        keep_first(&mut order.wishes);
        Ok(())
    }

    #[cfg(feature = "net")]
    fn tags(&self, tags: &TagsOf) -> Result<Vec<String>> {
        let repository = &tags.repository;
        let registries = self.registries.as_ref();
        let registry = registries
            .and_then(|registries| registries.get(repository.registry()))
            .with_context(|| format!("no registry for {repository}"))?;
        let found = registry.repository(repository.repository()).tags();
        found.with_context(|| format!("cannot list {tags}"))
    }

    #[cfg(not(feature = "net"))]
    #[expect(clippy::unused_self, reason = "with `net` it holds the registries")]
    fn tags(&self, tags: &TagsOf) -> Result<Vec<String>> {
        bail!("a registry has {tags}, and this build of sealift cannot reach any")
    }

    /// One source for each repository.
    fn sources(
        &self,
        wishes: &[Wish],
        elsewhere: &[Reference],
        limits: &Limits,
    ) -> Result<Sources<'_>> {
        let mut sources: Sources<'_> = BTreeMap::new();
        for reference in elsewhere {
            self.add_registry_source(reference, &mut sources)?;
        }
        for Wish { location, .. } in wishes {
            match location {
                Location::Registry(reference) => {
                    self.add_registry_source(reference, &mut sources)?;
                }
                Location::Archive { path, name, .. } => {
                    let Some((archive, inventory)) = self.archives.get(path) else { continue };
                    for (name, _) in offered(inventory, name.as_deref()) {
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

    fn add_registry_source<'a>(
        &'a self,
        reference: &Reference,
        sources: &mut Sources<'a>,
    ) -> Result<()> {
        if let Slot::Vacant(slot) = sources.entry((None, Some(reference.name()))) {
            slot.insert(self.registry_source(reference)?);
        }
        Ok(())
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

    fn requests<'a>(&self, wishes: &[Wish], sources: &'a Sources<'_>) -> Result<Vec<Request<'a>>> {
        let mut requests = Vec::new();
        for Wish { location, platforms } in wishes {
            let mut request = |key, name, digest| {
                let source = sources.get(&key).map(AsRef::as_ref);
                requests.extend(source.map(|source| Request {
                    platforms: platforms.clone(),
                    ..Request::new(source, name, digest)
                }));
            };
            match location {
                Location::Registry(reference) => {
                    let name = Some(Name::Reference(reference.clone()));
                    request((None, Some(reference.name())), name, reference.digest().copied());
                }
                Location::Archive { path, name, .. } => {
                    let Some((_, inventory)) = self.archives.get(path) else { continue };
                    let offered = offered(inventory, name.as_deref());
                    if offered.is_empty() {
                        let name = name.as_deref().unwrap_or_default().escape_debug();
                        bail!("`{}` holds no image `{name}`", path.display());
                    }
                    for (name, digest) in offered {
                        let key = (Some(path.clone()), repository_of(name.as_ref()));
                        request(key, name, Some(digest));
                    }
                }
            }
        }
        Ok(requests)
    }
}

/// Opens an archive; what `docker save` wrote before it wrote layouts has no manifest to carry.
fn open(form: Form, path: &Path, files: &[PathBuf], limits: &Limits) -> Result<Archive> {
    let opened = verify::open_files(files, limits);
    let no_layout = |error: &anyhow::Error| {
        let cause = error.downcast_ref::<archive::Error>();
        cause.is_some_and(|cause| {
            ["no-layout", "no-index", "unexpected-path"].contains(&cause.code())
        })
    };
    match opened {
        // What a layout should hold is no advice here.
        Err(error) if form == Form::DockerSave && no_layout(&error) => bail!(
            "`{}` holds no manifest, only what docker unpacked, so nothing signed can come of it: \
             export the image from its registry, or copy it with \
             `skopeo copy --all --preserve-digests docker://REF oci:DIR`",
            path.display()
        ),
        opened => opened,
    }
}

/// Sources by archive, where they are one, and repository.
type Sources<'a> = BTreeMap<(Option<PathBuf>, Option<String>), Box<dyn Source + 'a>>;

/// What is told of an export.
struct Telling<'a> {
    plan: &'a Plan<'a>,
    args: &'a ExportArgs,
    /// What was written; nothing in a dry run.
    written: Option<Written>,
    /// Other repositories that were asked for evidence.
    elsewhere: &'a [String],
    notes: &'a [String],
}

impl Telling<'_> {
    /// What was found and what was not, image by image.
    fn text(&self) -> String {
        let mut lines = Lines::default();
        for image in self.plan.images() {
            self.put_image(&mut lines, image);
            lines.blank();
        }
        self.put_proofs(&mut lines);
        let images = count(self.plan.images().len(), "image");
        let (blobs, bytes) = self.plan.size();
        let place = self.place().unwrap_or_else(|| "nothing was written; it would be".to_owned());
        lines.line("", &format!("{place}: {images}, {}", amount(blobs, bytes)));
        if let Some(ToldKept { blobs, bytes }) = self.left() {
            lines.line("", &format!("left to the base: {}", amount(blobs, bytes)));
        }
        if let Some(Kept { blobs, bytes }) = self.kept() {
            lines.line("", &format!("kept of what was there: {}", amount(blobs, bytes)));
        }
        if self.written.is_some_and(|written| self.args.resume && written.replaced) {
            let why = "what was there was of other images, or of other evidence of them";
            lines.line("", why);
        }
        lines.finish()
    }

    /// The files that were written, the first and the last of several.
    fn place(&self) -> Option<String> {
        let (path, files) = (self.output()?, self.written?.files);
        Some(match (self.args.volume_size, files) {
            (None, _) => path,
            (Some(_), 1) => format!("{path}.001"),
            (Some(_), last) => format!("{path}.001 to {path}.{last:03}"),
        })
    }

    /// Where it was written.
    fn output(&self) -> Option<String> {
        let path = self.args.output.as_ref().filter(|_| self.written.is_some());
        path.map(|path| path.display().to_string())
    }

    /// What a broken run had left, where it was to be kept.
    fn kept(&self) -> Option<Kept> {
        self.written.filter(|_| self.args.resume).map(|written| written.kept)
    }

    /// What is left to a base, where one was given.
    fn left(&self) -> Option<ToldKept> {
        let left = self.plan.left();
        let bytes = left.iter().fold(0_u64, |sum, blob| sum.saturating_add(blob.size));
        (!self.args.base.is_empty()).then_some(ToldKept { blobs: left.len(), bytes })
    }

    fn put_image(&self, lines: &mut Lines, image: &Image) {
        image.names.iter().for_each(|name| lines.line("", &name.to_string()));
        lines.line("  ", &image.digest.to_string());
        lines.hanging("  ", "size: ", &HumanBytes(image.bytes).to_string());
        if !image.left_out.is_empty() {
            let known = image.children.iter().filter(|(_, platform)| {
                platform.as_ref().is_some_and(|it| it.to_string() != "unknown/unknown")
            });
            let all = known.clone().count();
            let carried = known.filter(|(child, _)| !image.left_out.contains(child)).count();
            lines.line("  ", &format!("{carried} of {all} platforms"));
        }
        for lacking in &image.lacking {
            lines.hanging("  ", "no image for ", &lacking.to_string());
        }
        self.put_lookups(lines, "  ", image, &image.digest);
        for (digest, platform) in &image.children {
            let platform =
                platform.as_ref().map_or_else(|| "child".to_owned(), Platform::to_string);
            let is_left_out = image.left_out.contains(digest);
            let word = if is_left_out { " (left out)" } else { "" };
            lines.line("  ", &format!("{platform}{word}"));
            lines.line("    ", &digest.to_string());
            self.put_lookups(lines, "    ", image, digest);
        }
        if !image.absent.is_empty() {
            lines.line("  ", "not held by the source, as layers of this kind may be:");
            image.absent.iter().for_each(|digest| lines.line("    ", &digest.to_string()));
        }
    }

    /// Which signatures of cosign's older kind have a proof that their log holds them.
    fn put_proofs(&self, lines: &mut Lines) {
        let (fetched, unproven) = (self.plan.fetched_proofs(), self.plan.unproven());
        if fetched > 0 {
            lines.line("", &format!("inclusion proofs fetched: {fetched}"));
        }
        if !unproven.is_empty() {
            lines.line("", &format!("signatures without an inclusion proof: {}", unproven.len()));
        }
        for Unproven { manifest, layer, why } in unproven {
            lines.line("  ", &manifest.to_string());
            lines.hanging("    ", "layer ", &format!("{layer}: {why}"));
        }
        if fetched > 0 || !unproven.is_empty() {
            lines.blank();
        }
    }

    /// One line for each outcome that some lookup had, and each place that was asked.
    fn put_lookups(&self, lines: &mut Lines, indent: &str, image: &Image, digest: &Digest) {
        let own = std::iter::once(&image.repository);
        for repository in own.chain(self.elsewhere.iter().filter(|it| **it != image.repository)) {
            let entries = self.plan.ledger().subjects.iter();
            let mut entries =
                entries.filter(|it| it.digest == *digest && it.repository == *repository);
            let Some(Entry { lookups, .. }) = entries.next() else { continue };
            let is_own = *repository == image.repository;
            let place = if is_own { String::new() } else { format!("in {repository} ") };
            put_outcomes(lines, indent, &place, lookups);
        }
    }

    fn json(&self) -> Result<String> {
        let (blobs, bytes) = self.plan.size();
        let told = Told {
            archive: self.output(),
            images: self.plan.images().iter().map(ToldImage::of).collect(),
            blobs,
            bytes,
            files: self.written.map(|written| written.files),
            left_to_base: self.left(),
            kept: self.kept().map(|Kept { blobs, bytes }| ToldKept { blobs, bytes }),
            inclusion_proofs: ToldProofs {
                fetched: self.plan.fetched_proofs(),
                lacking: self.plan.unproven().iter().map(ToldUnproven::of).collect(),
            },
            notes: self.notes,
            ledger: self.plan.ledger(),
        };
        Ok(serde_json::to_string_pretty(&told)? + "\n")
    }
}

fn amount(blobs: usize, bytes: u64) -> String {
    format!("{}, {}", count(blobs, "blob"), HumanBytes(bytes))
}

fn put_outcomes(lines: &mut Lines, indent: &str, place: &str, lookups: &[Lookup]) {
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
            lines.hanging(indent, &format!("{place}{label}"), &names.join(", "));
        }
    }
    for Lookup { kind, exception, .. } in lookups {
        if let Some(reason) = exception {
            let text = format!("{}, excepted: {reason}", kind.name());
            lines.hanging(indent, &format!("{place}failed: "), &text);
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Told<'a> {
    /// Null where nothing was written.
    archive: Option<String>,
    images: Vec<ToldImage<'a>>,
    blobs: usize,
    bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    files: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kept: Option<ToldKept>,
    #[serde(skip_serializing_if = "Option::is_none")]
    left_to_base: Option<ToldKept>,
    inclusion_proofs: ToldProofs,
    notes: &'a [String],
    ledger: &'a Ledger,
}

/// Inclusion proofs of cosign's older signatures.
#[derive(Serialize)]
struct ToldProofs {
    fetched: usize,
    lacking: Vec<ToldUnproven>,
}

#[derive(Serialize)]
struct ToldUnproven {
    manifest: Digest,
    layer: usize,
    why: &'static str,
}

impl ToldUnproven {
    fn of(&Unproven { manifest, layer, why }: &Unproven) -> Self {
        Self { manifest, layer, why }
    }
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
    bytes: u64,
    children: Vec<Digest>,
    left_out: &'a BTreeSet<Digest>,
    lacking: Vec<String>,
    absent: &'a [Digest],
}

impl<'a> ToldImage<'a> {
    fn of(image: &'a Image) -> Self {
        Self {
            names: image.names.iter().map(Name::to_string).collect(),
            repository: &image.repository,
            digest: image.digest,
            bytes: image.bytes,
            children: image.children.iter().map(|(digest, _)| *digest).collect(),
            left_out: &image.left_out,
            lacking: image.lacking.iter().map(ToString::to_string).collect(),
            absent: &image.absent,
        }
    }
}
