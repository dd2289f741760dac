//! `sealift mirror`.

use std::path::Path;

use anyhow::{Result, bail};
use sealift::digest::Digest;
use sealift::engine::{self, Options, Selector, Work};
use sealift::limits::Limits;
use sealift::report::text::Lines;
use sealift::report::{Scope, json, text};
use sealift::transfer::{
    Access, ClusterConfig, Flaw, Landed, LeftBehind, Listing, Mapping, Omission, Place, ReadBack,
    Receipt, Replaced, Settings, at_target, into_registry, read_back,
};
use serde::Serialize;
use serde_json::value::RawValue;

use super::args::{Format, MirrorArgs};
use super::base::{self, Bases};
use super::emit::Emission;
use super::exit::Exit;
use super::output::Beside;
use super::progress::{Bar, Wanted};
use super::signer::Demands;
use super::{clock, output, prove, verify};

pub(crate) fn run(args: &MirrorArgs) -> Result<Exit> {
    if args.archive.iter().any(|path| path == Path::new("-")) {
        bail!("a stream can be read only once, and a mirror judges before it pushes");
    }
    let limits = Limits::default();
    let now = clock::now(args.demands.trust.verification_time)?;
    let demands = Demands::of_archive(&args.demands, &limits, now)?;
    check_apart(args)?;
    let mut registries = args.registry.registries(&limits)?.in_chunks(args.upload_chunk_size);
    let mapping = Mapping::new(args.to.clone(), args.maps.clone(), args.max_nested_paths)?;
    let target = registries.add(mapping.registry())?;
    let emission = args.emit.as_deref().map(Emission::prepare).transpose()?;
    let receipt = args.receipt.as_deref().map(Beside::prepare).transpose()?;
    let options = Options {
        selection: args.images.iter().map(Selector::new).collect(),
        jobs: verify::jobs(args.jobs),
        ledger: args.ledger.demand(),
        basis: demands.basis(Scope::Whole),
    };
    let archive = verify::open_files(&args.archive, &limits)?;
    let inventory = verify::inventory_of_files(&archive, &args.archive, &limits)?;
    let settings = Settings { concurrency: args.registry.concurrency(), limits, time: None };
    let bases = Bases::open(&args.base, &limits)?;
    bases.check_registry(mapping.registry())?;
    let lacking = inventory.delta.as_ref().map(|delta| bases.lacking(delta)).unwrap_or_default();
    let chosen = engine::chosen(&inventory, &options.selection)?;
    let receipts = &bases.receipts;
    let answers = at_target(&chosen, &lacking, &inventory, &mapping, receipts, target, &settings)?;
    let archive = bases.under(archive, &inventory)?.with_answers(answers);
    let wanted = if args.no_progress { Wanted::No } else { Wanted::Yes };
    let outcome = engine::verify(
        &Work {
            archive: &archive,
            inventory: &inventory,
            verifiers: &demands.verifiers(&limits),
            policies: &demands.policies,
            limits: &limits,
        },
        &options,
        &Bar::new(wanted),
    )?;
    let landed = into_registry(
        &outcome.admitted,
        &archive,
        &inventory,
        &mapping,
        target,
        &settings,
        &Bar::new(wanted),
    )?;
    // Of nothing there is nothing to write, and what an earlier mirror wrote stays.
    let is_any = !landed.is_empty();
    if let Some(beside) = receipt.filter(|_| is_any) {
        let receipt = Receipt::of(mapping.registry(), archive.index_digest(), &landed);
        beside.write(&receipt.to_bytes())?;
    }
    if let Some(emission) = emission.filter(|_| is_any) {
        let access = if args.registry.plain_http { Access::PlainHttp } else { Access::Https };
        let config = ClusterConfig::of(&landed, access);
        emission.write(&config)?;
        output::warn(config.omissions.iter().map(|Omission { path, source, why }| {
            format!("{path} says nothing of {source}: {why}")
        }));
    }
    let proof = (args.prove && is_any)
        .then(|| read_back(&landed, &|path| Box::new(target.repository(path)), &settings))
        .transpose()?;
    let proof = proof.as_deref();
    output::answer(&match args.format.format {
        Format::Text => {
            text::render(&outcome.report)
                + &told(&landed)
                + &written([&args.receipt, &args.emit].map(|it| it.as_deref().filter(|_| is_any)))
                + &proof.map_or_else(String::new, prove::text)
        }
        Format::Json => told_json(&json::v1::render(&outcome.report), &landed, proof)?,
    })?;
    let is_lost = proof.is_some_and(|proof| prove::lost(proof) > 0);
    Ok(if outcome.report.denied() == 0 && !is_lost { Exit::Admitted } else { Exit::Denied })
}

/// No archive may become its own receipt. The receipt of one mirror may replace that of another.
fn check_apart(args: &MirrorArgs) -> Result<()> {
    let outputs: Vec<_> = args.receipt.iter().map(|path| ("--receipt", path.as_path())).collect();
    let archives = args.archive.iter().map(|path| ("ARCHIVE", path.as_path()));
    let bases = args.base.iter().filter(|path| !base::is_document(path));
    let bases = bases.map(|path| ("--base", path.as_path()));
    output::check_apart(&outputs, &archives.chain(bases).collect::<Vec<_>>())
}

/// What was pushed, with its evidence.
fn told(landed: &[Landed]) -> String {
    let mut lines = Lines::default();
    for Landed { source, name, digest, evidence, replaced, left_behind, .. } in landed {
        lines.blank();
        lines.hanging("", "pushed ", &name.to_string());
        lines.hanging("  ", "from ", &source.to_string());
        lines.line("  ", &digest.to_string());
        for evidence in evidence {
            lines.hanging("  ", "with ", place(&evidence.place));
            lines.line("    ", &evidence.digest.to_string());
        }
        for Replaced { tag, digest } in replaced {
            lines.hanging("  ", "replaced ", &format!("what stood under {tag}"));
            lines.line("    ", &digest.to_string());
        }
        for LeftBehind { digest, why } in left_behind {
            let why = match why {
                Flaw::Broken => "its own bytes are broken",
                Flaw::ImageNotAdmitted => "it is an image itself, and not admitted",
                Flaw::TagTaken => "it is of another repository, and its tag is taken here",
            };
            lines.hanging("  ", "left behind ", why);
            lines.line("    ", &digest.to_string());
        }
    }
    lines.finish()
}

/// What lies beside the mirror for whoever works with it.
fn written(paths: [Option<&Path>; 2]) -> String {
    let mut lines = Lines::default();
    for path in paths.into_iter().flatten() {
        lines.blank();
        lines.hanging("", "wrote ", &path.display().to_string());
    }
    lines.finish()
}

fn place(place: &Place) -> &str {
    match place {
        Place::Tag(tag) => match tag.rsplit_once('.') {
            Some((_, "sig")) => "signatures, under their tag",
            Some((_, "att")) => "attestations, under their tag",
            _ => "an SBOM, under its tag",
        },
        Place::Referrers(Listing::Api) => "a referrer, by the API",
        Place::Referrers(Listing::FallbackTag) => "a referrer, by the fallback tag",
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    report: Box<RawValue>,
    pushed: Vec<Pushed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<prove::Proof>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Pushed {
    name: String,
    source: String,
    digest: Digest,
    evidence: Vec<PushedEvidence>,
    left_behind: Vec<Digest>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    replaced: Vec<PushedOver>,
}

/// What a tag of evidence named before.
#[derive(Serialize)]
struct PushedOver {
    tag: String,
    digest: Digest,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PushedEvidence {
    digest: Digest,
    subject: Digest,
    place: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<String>,
}

fn told_json(report: &str, landed: &[Landed], proof: Option<&[ReadBack]>) -> Result<String> {
    let report = RawValue::from_string(report.trim_end().to_owned())?;
    let pushed = landed.iter().map(Pushed::of).collect();
    let proof = proof.map(prove::Proof::of);
    Ok(serde_json::to_string_pretty(&Told { report, pushed, proof })? + "\n")
}

impl Pushed {
    fn of(landed: &Landed) -> Self {
        let evidence = landed.evidence.iter().map(|evidence| {
            let (place, tag) = match &evidence.place {
                Place::Tag(tag) => ("tag", Some(tag.clone())),
                Place::Referrers(Listing::Api) => ("referrers-api", None),
                Place::Referrers(Listing::FallbackTag) => ("fallback-tag", None),
            };
            PushedEvidence { digest: evidence.digest, subject: evidence.subject, place, tag }
        });
        Self {
            name: landed.name.to_string(),
            source: landed.source.to_string(),
            digest: landed.digest,
            evidence: evidence.collect(),
            left_behind: landed.left_behind.iter().map(|left| left.digest).collect(),
            replaced: landed
                .replaced
                .iter()
                .map(|Replaced { tag, digest }| PushedOver { tag: tag.clone(), digest: *digest })
                .collect(),
        }
    }
}
