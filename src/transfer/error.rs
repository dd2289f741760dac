//! Why a transfer ended early.

use std::fmt;

use crate::digest::Digest;
use crate::oci::MediaType;

/// Why a source or a sink could not do what it was asked; says so in its own words.
#[derive(Debug)]
pub struct Fault {
    error: Box<dyn std::error::Error + Send + Sync>,
    kind: FaultKind,
}

/// What a fault means, where that changes what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FaultKind {
    Other,
    AbsentContent,
}

impl Fault {
    /// Takes over an error of a source or sink.
    pub fn new(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { error: error.into(), kind: FaultKind::Other }
    }

    /// The same where a manifest is refused because what it refers to is not there.
    pub fn absent_content(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { error: error.into(), kind: FaultKind::AbsentContent }
    }

    /// Whether a manifest was refused because what it refers to is not there.
    pub fn is_absent_content(&self) -> bool {
        self.kind == FaultKind::AbsentContent
    }

    /// The error of the source or sink.
    pub fn error(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
        self.error.as_ref()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for Fault {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}

/// Why a transfer ended early.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Source or sink.
    #[error("cannot {doing}")]
    Fault {
        /// What was being done.
        doing: String,
        /// What it said.
        #[source]
        cause: Fault,
    },
    /// An image that is not there.
    #[error("there is no image {name}")]
    NoImage {
        /// As it was asked for.
        name: String,
    },
    /// What a lock pins is not there any more.
    #[error("{name} is locked to {locked}, which is not there")]
    NotLocked {
        /// As it was asked for.
        name: String,
        /// What it is locked to.
        locked: Digest,
    },
    /// An index has no image for any of the platforms that are wanted.
    #[error("{name} has no image for {wanted}: it has {offered}")]
    NoPlatform {
        /// The index.
        name: String,
        /// What is wanted.
        wanted: String,
        /// What there is.
        offered: String,
    },
    /// An index lists a manifest that its repository does not hold (a sparse index).
    #[error("{repository} lists {child} in the index {parent} but does not hold it")]
    NoChild {
        /// Where.
        repository: String,
        /// The index.
        parent: Digest,
        /// What it lists.
        child: Digest,
    },
    /// Evidence is listed but not held.
    #[error("{repository} lists {referrer} as evidence of {subject} but does not hold it")]
    NoReferrer {
        /// Where.
        repository: String,
        /// Of what.
        subject: Digest,
        /// What is listed.
        referrer: Digest,
    },
    /// A manifest is listed as a referrer of something it does not refer to.
    #[error("{repository} lists {referrer} as evidence of {subject}, to which it does not refer")]
    NotAReferrer {
        /// Where.
        repository: String,
        /// Of what.
        subject: Digest,
        /// What is listed.
        referrer: Digest,
    },
    /// A manifest that cannot be read.
    #[error("{digest} in {repository} is no manifest we can carry")]
    Document {
        /// Where.
        repository: String,
        /// Which.
        digest: Digest,
        /// Why not.
        #[source]
        cause: crate::oci::Error,
    },
    /// A manifest that is not what the descriptor that led to it says.
    #[error(
        "{digest} is promised with {promised} bytes of `{promised_type}` and is {found} bytes of `{found_type}`"
    )]
    OtherThanPromised {
        /// Which.
        digest: Digest,
        /// The descriptor's size.
        promised: u64,
        /// The descriptor's media type.
        promised_type: MediaType,
        /// The manifest's size.
        found: u64,
        /// What the source calls it.
        found_type: MediaType,
    },
    /// Two descriptors promise one blob with two sizes.
    #[error("{digest} is promised with {first} and with {second} bytes")]
    TwoSizes {
        /// Which.
        digest: Digest,
        /// One size.
        first: u64,
        /// The other.
        second: u64,
    },
    /// Nested or numerous beyond the caps.
    #[error("{what} exceed {limit} at {at}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// The cap.
        limit: usize,
        /// Where it was met.
        at: String,
    },
    /// One name, of an image or of evidence, for two manifests of an export.
    #[error(
        "{name} is {first} in {first_at} and {second} in {second_at}, and an archive has one of that name"
    )]
    TwoOfOneName {
        /// The name.
        name: String,
        /// One.
        first: Digest,
        /// Where it was found.
        first_at: String,
        /// The other.
        second: Digest,
        /// Where that was found.
        second_at: String,
    },
    /// One name for two images at the target.
    #[error("{name} would name both {first} and {second}")]
    TwoImages {
        /// The name.
        name: String,
        /// One.
        first: Digest,
        /// The other.
        second: Digest,
    },
    /// An admitted image without a full name, so that no repository is its own.
    #[error(
        "{digest} has no full name (registry/repository:tag), so it has no place in a registry"
    )]
    Nameless {
        /// The image.
        digest: Digest,
    },
    /// Two repositories that would become one.
    #[error("{first} and {second} would both be {place}")]
    TwoRepositories {
        /// The repository at the target.
        place: String,
        /// One.
        first: String,
        /// The other.
        second: String,
    },
    /// A name without a valid place at the target.
    #[error("{name} has no valid name at `{place}`")]
    NoName {
        /// The name.
        name: String,
        /// Where it would go.
        place: String,
        /// Why not.
        #[source]
        cause: crate::oci::InvalidReference,
    },
    /// An image that no rule of the mapping places.
    #[error("no rule places {name}, and nothing is said of the rest")]
    Unmapped {
        /// The image.
        name: String,
    },
    /// A rule of the mapping that places no image.
    #[error("`{rule}` places no image of the archive")]
    IdleRule {
        /// The rule.
        rule: String,
    },
    /// An admitted image of which the archive lacks parts.
    #[error("{digest} is not whole in this archive")]
    Incomplete {
        /// The image.
        digest: Digest,
    },
    /// A registry that takes no index without all its children.
    #[error("{name} takes no index of which children are absent: {index} lists {child}")]
    SparseIndex {
        /// The repository.
        name: String,
        /// The index.
        index: Digest,
        /// The first child that is absent.
        child: Digest,
        /// What the registry said.
        #[source]
        cause: Fault,
    },
    /// A log does not prove what it promised.
    #[error("{log} does not prove entry {index}, which signature {signature} was promised: {why}")]
    NoProof {
        /// The log.
        log: String,
        /// The entry.
        index: u64,
        /// The manifest of the signature.
        signature: Digest,
        /// What is wrong.
        why: String,
    },
    /// The archive cannot be written.
    #[error("cannot write the archive")]
    Archive {
        /// Why not.
        #[from]
        cause: crate::archive::Error,
    },
}
