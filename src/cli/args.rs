//! The arguments of every command, with their help.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use sealift::archive::VolumeSize;
#[cfg(feature = "net")]
use sealift::digest::Digest;
use sealift::oci::Reference;
#[cfg(feature = "net")]
use sealift::oci::{InvalidReference, Named};
use sealift::policy::Demand;
use sealift::time::UnixTime;
use sealift::transfer::{Location, WantedPlatform};

use super::diff;
use super::policy::{ConvertArgs, ExplainArgs, LintArgs, TestArgs};
#[cfg(feature = "net")]
use super::registry::RegistryArgs;
use super::signer::{DemandArgs, SignerArgs, TrustArgs};
#[cfg(feature = "net")]
use sealift::net::ChunkSize;
#[cfg(feature = "net")]
use sealift::transfer::{Namespace, Rule};

/// Carries signed container images over an air gap and proves offline that they are the ones signed.
#[derive(Debug, Parser)]
#[command(name = "sealift", version, propagate_version = true, max_term_width = 80)]
#[command(after_help = "\
Exit status: 0 everything is admitted, 1 something is denied, 2 nothing could be decided.
Every option can be given as an environment variable, shown beside it.")]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

/// One variant, one file of `cli`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Verify(VerifyArgs),
    Admit(AdmitArgs),
    VerifyBundle(VerifyBundleArgs),
    Inspect(InspectArgs),
    Policy(PolicyCommand),
    Trust(TrustCommand),
    Export(ExportArgs),
    Diff(DiffArgs),
    #[cfg(feature = "net")]
    Mirror(Box<MirrorArgs>),
}

/// Judges the images of an archive, without any network.
///
/// Every blob is compared with its descriptor, every signature and attestation is verified against
/// the trusted root, and every image is judged by the policies that cover any of its names. An
/// image that no policy covers is denied.
///
/// Say what is acceptable with --policy, or name one signer with --key or --certificate-identity.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// An OCI layout: a directory, a .tar, .tar.gz or .tar.zst, or `-` for standard input
    ///
    /// Or all volumes of a set, in any order; they are read where they lie. The form is told by
    /// content, not by name. Nothing is extracted and nothing is written.
    #[arg(value_name = "ARCHIVE", required = true)]
    pub archive: Vec<PathBuf>,

    /// What a delta leaves out lies in this archive (repeatable; volumes one by one)
    ///
    /// Its blobs are hashed as the archive's own are, and only those that the delta lists are taken
    /// from it. Without it, what is left out is missing.
    #[arg(long, value_name = "ARCHIVE", env = "SEALIFT_BASE", hide_env_values = true)]
    pub base: Vec<PathBuf>,

    /// Judge only this image (repeatable): a digest or a full reference
    ///
    /// Or the tag of an image that has no full name. An image is judged as a whole, under all its names.
    /// Without this every image that the archive's index lists is judged. A name that the archive does
    /// not hold is an error.
    #[arg(
        long = "image",
        value_name = "REF_OR_DIGEST",
        env = "SEALIFT_IMAGE",
        hide_env_values = true
    )]
    pub images: Vec<String>,

    #[command(flatten)]
    pub demands: DemandArgs,

    /// Judge manifests and evidence; list absent layers, configs and children instead of failing
    ///
    /// For archives that carry evidence without the images' content. What is there is still hashed,
    /// and the image's own manifest must be there.
    #[arg(long, env = "SEALIFT_EVIDENCE_ONLY", hide_env_values = true, value_parser = BoolishValueParser::new())]
    pub evidence_only: bool,

    #[command(flatten)]
    pub ledger: LedgerArgs,

    #[command(flatten)]
    pub format: FormatArgs,

    /// How many threads work [default: one per processor]
    ///
    /// The report is the same for any number.
    #[arg(long, value_name = "N", env = "SEALIFT_JOBS", hide_env_values = true)]
    pub jobs: Option<NonZeroUsize>,

    /// Show no progress bar; there is none anyway where standard error is no terminal
    #[arg(long, env = "SEALIFT_NO_PROGRESS", hide_env_values = true, value_parser = BoolishValueParser::new())]
    pub no_progress: bool,
}

/// What the ledger is good for.
#[derive(Debug, Args)]
pub(crate) struct LedgerArgs {
    /// Deny where the archive holds less than its ledger says that the export carried
    ///
    /// An archive without a ledger, and an image that the ledger does not name, are denied as well.
    /// The ledger is not signed: it shows what was lost, not what somebody took out who rewrote it.
    #[arg(long, env = "SEALIFT_REQUIRE_LEDGER", hide_env_values = true, value_parser = BoolishValueParser::new())]
    pub require_ledger: bool,
}

impl LedgerArgs {
    pub(crate) fn demand(&self) -> Demand {
        if self.require_ledger { Demand::Demanded } else { Demand::Waived }
    }
}

/// Where the images are, for commands whose arguments are something else.
#[derive(Debug, Args)]
pub(crate) struct ArchiveArgs {
    /// An OCI layout: a directory, a .tar, .tar.gz or .tar.zst, or `-` for standard input
    ///
    /// Or all volumes of a set, in any order: `--archive images.tar.*`.
    #[arg(
        long,
        value_name = "ARCHIVE",
        env = "SEALIFT_ARCHIVE",
        hide_env_values = true,
        required = true,
        num_args = 1..
    )]
    pub archive: Vec<PathBuf>,
}

/// Judges the images that Kubernetes objects name, and pins them to what was judged.
///
/// The archive is the only source of images and evidence: what it does not hold is refused. Each
/// policy decides as its own system would, also of images that no policy covers. If all is allowed
/// the objects are written to standard output, their images with digests where a policy rewrites
/// them; of an admission review the response is written, whatever it is.
#[derive(Debug, Args)]
pub(crate) struct AdmitArgs {
    /// Kubernetes objects in YAML or JSON, or an admission review; `-` for standard input
    #[arg(
        short = 'f',
        long = "filename",
        value_name = "FILE",
        env = "SEALIFT_FILENAME",
        hide_env_values = true
    )]
    pub filename: PathBuf,

    #[command(flatten)]
    pub held: ArchiveArgs,

    #[command(flatten)]
    pub demands: DemandArgs,

    /// How many threads work [default: one per processor]
    #[arg(long, value_name = "N", env = "SEALIFT_JOBS", hide_env_values = true)]
    pub jobs: Option<NonZeroUsize>,
}

/// Verifies one Sigstore bundle of one file or digest, without any network.
///
/// Message signatures and attestations (DSSE envelopes with an in-toto statement about the artifact)
/// are accepted alike; demand an attestation of one type with --type.
#[derive(Debug, Args)]
pub(crate) struct VerifyBundleArgs {
    /// The Sigstore bundle, JSON of version 0.1 to 0.3
    #[arg(long, value_name = "FILE", env = "SEALIFT_BUNDLE", hide_env_values = true)]
    pub bundle: PathBuf,

    #[command(flatten)]
    pub trust: TrustArgs,

    #[command(flatten)]
    pub signer: SignerArgs,

    /// What was signed: `sha256:`, `sha384:` or `sha512:` and hex digits, else a file
    #[arg(value_name = "FILE_OR_DIGEST")]
    pub artifact: String,
}

/// Shows what an archive holds; verifies nothing.
///
/// The tree of images, their children and their evidence, with the identities and log entries that
/// the evidence claims. Nobody has checked these claims: that is what `verify` is for.
#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// An OCI layout: a directory, a .tar, .tar.gz or .tar.zst, or `-` for standard input
    ///
    /// Or all volumes of a set, in any order.
    #[arg(value_name = "ARCHIVE", required = true)]
    pub archive: Vec<PathBuf>,

    #[command(flatten)]
    pub format: FormatArgs,
}

/// Policies, before anything is judged by them.
#[derive(Debug, Args)]
pub(crate) struct PolicyCommand {
    #[command(subcommand)]
    pub action: PolicyAction,
}

/// What can be done with policies.
#[derive(Debug, Subcommand)]
pub(crate) enum PolicyAction {
    Scaffold(ScaffoldArgs),
    Lint(LintArgs),
    Explain(Box<ExplainArgs>),
    Test(TestArgs),
    Convert(ConvertArgs),
}

/// Prints a policy to begin with, with comments. What it prints can be given with --policy.
#[derive(Debug, Args)]
pub(crate) struct ScaffoldArgs {
    /// The format of the policy
    #[arg(value_name = "FORMAT", value_enum)]
    pub format: Scaffold,
}

/// The formats that can be begun with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scaffold {
    /// Kubewarden's verification config.
    VerificationConfig,
    /// policy-controller's `ClusterImagePolicy`.
    ClusterImagePolicy,
}

/// Shows whom a trusted root trusts.
#[derive(Debug, Args)]
pub(crate) struct TrustCommand {
    #[command(subcommand)]
    pub action: TrustAction,
}

/// What can be done with trust.
#[derive(Debug, Subcommand)]
pub(crate) enum TrustAction {
    Show(TrustShowArgs),
}

/// Shows what a file of trust trusts, since when and until when, and its digest.
///
/// What stands in a trusted root and cannot be used is listed with the reason. Compare the digest
/// with the one you were given by another way, and pin it with --trusted-root-digest. A key is shown
/// by its id, which reports name, and certificates each by their own digest.
#[derive(Debug, Args)]
pub(crate) struct TrustShowArgs {
    /// A Sigstore trusted root (`trusted_root.json`), a public key as --key takes it, or
    /// certificates (PEM) as --ca-roots does
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    #[command(flatten)]
    pub format: FormatArgs,
}

/// Writes images, all their platforms and all their evidence into one archive.
///
/// Signatures, attestations, SBOMs and other referrers are carried by default and recursively, byte
/// for byte: cosign's tags, the referrers API and the fallback tag are looked up for every image
/// and every child of an index. A lookup that fails ends the export. What was looked for and not
/// found is told, and written into the archive's ledger.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(crate) struct ExportArgs {
    /// What to export: host/repo:tag, host/repo@digest, oci:DIR[:tag], oci-archive:FILE[:tag] or
    /// docker-archive:FILE[:name]
    ///
    /// Without a tag, everything that the layout or archive lists. Layouts of `cosign save` and of
    /// hauler's store are read by their annotations.
    #[arg(value_name = "REF", required_unless_present = "image_txt")]
    pub images: Vec<Location>,

    /// A list of what to export (repeatable), in a form that is told by its content
    ///
    /// One to a line with # comments, as Rancher, k3s and rke2 publish it; `mapping.txt` of oc-mirror;
    /// a manifest of hauler (`kind: Images`); an `ImagesLock` of imgpkg; what `skopeo sync` reads; the
    /// `additionalImages` of an `ImageSetConfiguration`.
    #[arg(
        short = 'i',
        long,
        visible_short_alias = 'f',
        visible_alias = "filename",
        value_name = "FILE",
        env = "SEALIFT_IMAGE_TXT"
    )]
    pub image_txt: Vec<PathBuf>,

    /// Export the images of a list that asks for more than images, and tell what is left
    ///
    /// Without it a list with charts, operators, releases or keys is an error, for its author expects
    /// them.
    #[arg(long, env = "SEALIFT_PARTIAL_LISTS", value_parser = BoolishValueParser::new())]
    pub partial_lists: bool,

    /// The archive to write; it appears when it is whole, or not at all
    #[arg(
        short,
        long,
        value_name = "FILE",
        env = "SEALIFT_OUTPUT",
        required_unless_present = "dry_run"
    )]
    pub output: Option<PathBuf>,

    /// Tell what would be carried and its size; layers are not read and nothing is written
    #[arg(long, env = "SEALIFT_DRY_RUN", value_parser = BoolishValueParser::new())]
    pub dry_run: bool,

    /// Carry only these children of an index (repeatable): os/arch or os/arch/variant
    ///
    /// The index stays byte for byte, so its signature stays good, and the ledger names what was left
    /// out. An image that is no index is carried whatever its platform. A platform that a list gives
    /// to one image counts for that image.
    #[arg(
        long = "platform",
        value_name = "PLATFORM",
        env = "SEALIFT_PLATFORM",
        value_delimiter = ','
    )]
    pub platforms: Vec<WantedPlatform>,

    /// Export every tag by the digest that this lock has for it
    ///
    /// A tag that stands for something else by now is told. One that is not in the lock is an error.
    #[arg(long, value_name = "FILE", env = "SEALIFT_LOCK")]
    pub lock: Option<PathBuf>,

    /// Write the digest that each tag was exported by, for `--lock`
    #[arg(long, value_name = "FILE", env = "SEALIFT_WRITE_LOCK")]
    pub write_lock: Option<PathBuf>,

    /// Look for evidence in this repository as well (repeatable): host/path
    ///
    /// So does `COSIGN_REPOSITORY`. What is found there is carried beside the image it speaks of.
    #[cfg(feature = "net")]
    #[arg(long, value_name = "REPOSITORY", env = "SEALIFT_REFERRERS_SRC", value_parser = repository)]
    pub referrers_src: Vec<Reference>,

    /// Fetch the inclusion proofs of cosign's older signatures from this Rekor log, and carry them
    ///
    /// Such a signature holds the log's promise only. The proof is asked for by the entry's index, proven
    /// against the trusted root, compared with the promise, and attached to the signature as a
    /// Sigstore bundle, which `verify --require-inclusion-proof` reads.
    #[cfg(feature = "net")]
    #[arg(long, value_name = "URL", env = "SEALIFT_REKOR", requires = "trusted_root")]
    pub rekor: Option<String>,

    /// The Sigstore trusted root that names the log of --rekor
    #[cfg(feature = "net")]
    #[arg(long, value_name = "FILE", env = "SEALIFT_TRUSTED_ROOT", hide_env_values = true)]
    pub trusted_root: Option<PathBuf>,

    /// The digest that the trusted root's file must have: `sha256:` and hex digits
    #[cfg(feature = "net")]
    #[arg(
        long,
        value_name = "DIGEST",
        env = "SEALIFT_TRUSTED_ROOT_DIGEST",
        hide_env_values = true,
        requires = "trusted_root"
    )]
    pub trusted_root_digest: Option<Digest>,

    /// Prove inclusion as of this time (RFC 3339) instead of this machine's clock
    ///
    /// A log's promise must not be of a later time.
    #[cfg(feature = "net")]
    #[arg(
        long,
        value_name = "TIME",
        env = "SEALIFT_VERIFICATION_TIME",
        hide_env_values = true,
        value_parser = time,
        requires = "rekor"
    )]
    pub verification_time: Option<UnixTime>,

    /// Lookups of evidence that may fail, each with a reason; the ledger repeats them
    ///
    /// A YAML list `exceptions` of `image` (host/path@digest, or host/path), `lookup` (such as
    /// referrers-api) and `reason`. Every other lookup that fails ends the export.
    #[arg(long, value_name = "FILE", env = "SEALIFT_EVIDENCE_EXCEPTIONS")]
    pub evidence_exceptions: Option<PathBuf>,

    /// Leave out the layers that this archive or receipt holds (repeatable; volumes one by one)
    ///
    /// What the far side has from an earlier trip need not travel again. Everything else does, and
    /// `verify --base` or `mirror` look for the layers there.
    #[arg(long, value_name = "ARCHIVE_OR_RECEIPT", env = "SEALIFT_BASE")]
    pub base: Vec<PathBuf>,

    /// Write volumes of at most this size instead of one file: FILE.001, FILE.002 and so on
    ///
    /// A number with KB, MB, GB, KiB, MiB or GiB, at least 1MiB. A file always stays below it, so that
    /// 4GiB suits FAT32. All volumes appear when all are whole; give all of them to `verify` or
    /// `mirror`, in any order.
    #[arg(long, value_name = "SIZE", env = "SEALIFT_VOLUME_SIZE")]
    pub volume_size: Option<VolumeSize>,

    /// Go on from what a run that was killed or failed has left, and leave it where this one fails
    ///
    /// What is there (.FILE.partial) is hashed again and kept as far as it is what would be written;
    /// the archive is the same as without a break. Without this, what was left is replaced.
    #[arg(long, env = "SEALIFT_RESUME", value_parser = BoolishValueParser::new())]
    pub resume: bool,

    /// The full name of the one image that is exported from a layout where it has only a tag
    ///
    /// Policies are chosen by full names, and a mirror needs them.
    #[arg(long, value_name = "REF", env = "SEALIFT_NAME")]
    pub name: Option<Reference>,

    #[cfg(feature = "net")]
    #[command(flatten)]
    pub registry: RegistryArgs,

    #[command(flatten)]
    pub format: FormatArgs,

    /// Show no progress bar; there is none anyway where standard error is no terminal
    #[arg(long, env = "SEALIFT_NO_PROGRESS", value_parser = BoolishValueParser::new())]
    pub no_progress: bool,
}

/// Judges the images of an archive and pushes what is admitted into a registry.
///
/// The judgement is that of `verify`, but that layers are not read which the target says it holds:
/// they are not pushed either. An image that is denied is not pushed, nor is anything that belongs
/// to it alone, and the exit status is 1; what is admitted goes with all its evidence. Blobs come
/// first, tags last.
#[cfg(feature = "net")]
#[derive(Debug, Args)]
pub(crate) struct MirrorArgs {
    /// An OCI layout: a directory, a .tar, .tar.gz or .tar.zst
    ///
    /// Or all volumes of a set, in any order.
    #[arg(value_name = "ARCHIVE", required = true)]
    pub archive: Vec<PathBuf>,

    /// Where to: the registry, and a path before every repository
    ///
    /// registry.example/team/app:v1 goes to HOST/PREFIX/team/app:v1.
    #[arg(
        long,
        value_name = "HOST[/PREFIX]",
        env = "SEALIFT_TO",
        required_unless_present = "maps"
    )]
    pub to: Option<Namespace>,

    /// Put what lies below SRC below DST instead (repeatable)
    ///
    /// SRC is a registry, a path in it or one repository (registry.example/team); DST is
    /// HOST[/PATH] in the registry of --to. Whole components of paths are compared and the longest
    /// SRC decides. Without --to every image needs a SRC that holds it. A map that places no image
    /// of the archive is an error.
    #[arg(long = "map", value_name = "SRC=DST", env = "SEALIFT_MAP")]
    pub maps: Vec<Rule>,

    /// Join what is nested more than N deep with hyphens: a/b/c/d is a/b-c-d for 2
    ///
    /// For registries that limit the components of a path, PREFIX included; as oc-mirror does.
    #[arg(long, value_name = "N", env = "SEALIFT_MAX_NESTED_PATHS")]
    pub max_nested_paths: Option<NonZeroUsize>,

    /// Write what points clusters at the mirror into this directory, which must not be there
    ///
    /// registries.conf for podman and CRI-O, hosts.toml for containerd, registries.yaml for k3s and
    /// rke2, `ImageDigestMirrorSet` and `ImageTagMirrorSet` for OpenShift, for the repositories that
    /// were pushed. What a format cannot say is left out with a warning.
    #[arg(long, value_name = "DIR", env = "SEALIFT_EMIT")]
    pub emit: Option<PathBuf>,

    /// Read the target back as cosign 2, cosign 3, containers/image and Kyverno do
    ///
    /// And say what each of them finds of every image's evidence. The exit status is 1 where one of
    /// them does not find what it reads; evidence that it never reads is no loss.
    #[arg(long, env = "SEALIFT_PROVE", value_parser = BoolishValueParser::new())]
    pub prove: bool,

    /// What a delta leaves out lies in this archive, or is named in this receipt (repeatable)
    ///
    /// From an archive it is hashed, and pushed where the target lacks it. For what no archive holds
    /// the target is asked: where the images go, and in the repositories of the receipt. What it says
    /// it holds is not hashed.
    #[arg(long, value_name = "ARCHIVE_OR_RECEIPT", env = "SEALIFT_BASE")]
    pub base: Vec<PathBuf>,

    /// Write what the registry holds now, for `export --base` to leave out of the next delta
    #[arg(long, value_name = "FILE", env = "SEALIFT_RECEIPT")]
    pub receipt: Option<PathBuf>,

    /// Judge and push only this image (repeatable): a digest or a full reference
    ///
    /// Or the tag of an image that has no full name. An image goes under all its names.
    #[arg(long = "image", value_name = "REF_OR_DIGEST", env = "SEALIFT_IMAGE")]
    pub images: Vec<String>,

    #[command(flatten)]
    pub ledger: LedgerArgs,

    #[command(flatten)]
    pub demands: DemandArgs,

    #[command(flatten)]
    pub registry: RegistryArgs,

    /// Send blobs larger than this in chunks, where a proxy limits requests or lines break
    ///
    /// A number with KB, MB, GB, KiB, MiB or GiB, at least 64KiB; a registry that wants larger chunks
    /// gets them. Without it a blob is one request, which every registry takes.
    #[arg(long, value_name = "SIZE", env = "SEALIFT_UPLOAD_CHUNK_SIZE")]
    pub upload_chunk_size: Option<ChunkSize>,

    #[command(flatten)]
    pub format: FormatArgs,

    /// How many threads judge [default: one per processor]
    #[arg(long, value_name = "N", env = "SEALIFT_JOBS")]
    pub jobs: Option<NonZeroUsize>,

    /// Show no progress bar; there is none anyway where standard error is no terminal
    #[arg(long, env = "SEALIFT_NO_PROGRESS", value_parser = BoolishValueParser::new())]
    pub no_progress: bool,
}

/// Says what two archives, or an archive and a registry, do not both hold.
///
/// Images by their names, evidence, and bytes: every blob of an archive is hashed, a registry is
/// asked for each. A registry is looked at where a mirror would have put what the archive holds; what
/// else it holds is not asked. Nothing is verified.
///
/// The exit status is 0 where both are the same, 1 where they differ, 2 where that is unknown.
#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// Two archives, or an archive and `docker://HOST[/PREFIX]`
    ///
    /// All volumes of a set are one archive: `sealift diff one.tar.* two.tar.*`.
    #[arg(value_names = ["A", "B"], num_args = 2.., required = true)]
    pub sides: Vec<diff::Place>,

    /// The maps that the mirror was given (repeatable)
    #[cfg(feature = "net")]
    #[arg(long = "map", value_name = "SRC=DST", env = "SEALIFT_MAP")]
    pub maps: Vec<Rule>,

    /// The depth that the mirror was given
    #[cfg(feature = "net")]
    #[arg(long, value_name = "N", env = "SEALIFT_MAX_NESTED_PATHS")]
    pub max_nested_paths: Option<NonZeroUsize>,

    #[cfg(feature = "net")]
    #[command(flatten)]
    pub registry: RegistryArgs,

    #[command(flatten)]
    pub format: FormatArgs,
}

/// The form of the answer.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct FormatArgs {
    /// The form of the answer on standard output
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Text, env = "SEALIFT_FORMAT", hide_env_values = true)]
    pub format: Format,
}

/// The forms there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people, 80 columns.
    Text,
    /// For programs, versioned.
    Json,
}

/// Reads a repository for clap: a reference without tag and digest.
#[cfg(feature = "net")]
pub(crate) fn repository(text: &str) -> Result<Reference, NotARepository> {
    let named: Named = text.parse().map_err(NotARepository::Reference)?;
    if named.is_name_only() { Ok(named.into()) } else { Err(NotARepository::Image) }
}

/// Why a text is no repository.
#[cfg(feature = "net")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotARepository {
    /// It is no reference.
    #[error(transparent)]
    Reference(InvalidReference),
    /// It names an image.
    #[error("it has a tag or a digest, and a repository has none")]
    Image,
}

/// Reads a time for clap.
pub(crate) fn time(text: &str) -> Result<UnixTime, sealift::time::NotATime> {
    text.parse()
}
