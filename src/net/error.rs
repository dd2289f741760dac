//! Why a registry could not be asked, or what it answered.

use std::io::ErrorKind;
use std::time::Duration;

use crate::digest::Digest;

/// Why a transfer with a registry failed. URLs are shown without their query, which may be a signature.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No complete answer: name resolution, connection, TLS, protocol or a timeout.
    #[error("no answer to {method} {url}")]
    NoAnswer {
        /// What was asked.
        method: &'static str,
        /// Of whom.
        url: String,
        /// Whether that host has answered anything before.
        host: Host,
        /// What happened.
        #[source]
        cause: Box<ureq::Error>,
    },
    /// The answer broke off.
    #[error("the answer of {url} broke off")]
    BrokenOff {
        /// Of whom.
        url: String,
        /// What happened.
        #[source]
        cause: std::io::Error,
    },
    /// A status that is neither success nor, where that means something, `404`.
    #[error("{method} {url} was answered with {status}{detail}")]
    Status {
        /// What was asked.
        method: &'static str,
        /// Of whom.
        url: String,
        /// The status code.
        status: u16,
        /// The registry's own words, beginning with `: `, or nothing.
        detail: String,
        /// How long it asks us to wait (`Retry-After`).
        pause: Option<Duration>,
    },
    /// A token ended between the start of an upload and its bytes.
    #[error("{registry} wants another token in the middle of an upload to `{repository}`")]
    TokenEnded {
        /// The registry.
        registry: String,
        /// The repository.
        repository: String,
    },
    /// What is to be sent is not what was promised, or cannot be read.
    #[error("cannot send {digest}")]
    Unsent {
        /// Which blob.
        digest: Digest,
        /// Why not.
        #[source]
        cause: std::io::Error,
    },
    /// The registry asks for credentials it was not satisfied with.
    #[error("{registry} refuses access to `{repository}`: {why}")]
    Unauthorized {
        /// The registry.
        registry: String,
        /// The repository.
        repository: String,
        /// What it lacked.
        why: &'static str,
    },
    /// A token service gave no token.
    #[error("the token service {url} gave no usable token")]
    NoToken {
        /// The service.
        url: String,
    },
    /// A challenge that cannot be met.
    #[error("the challenge of {url} cannot be met: {why}")]
    BadChallenge {
        /// Who challenged.
        url: String,
        /// Why not.
        why: &'static str,
    },
    /// A redirect or an upload location that is no URL we go to.
    #[error("{url} sends us to a place we do not go: {why}")]
    BadLocation {
        /// Who sent us.
        url: String,
        /// Why not.
        why: &'static str,
    },
    /// More redirects than any registry needs.
    #[error("{url} redirects more than {limit} times")]
    TooManyRedirects {
        /// Where it began.
        url: String,
        /// The cap.
        limit: usize,
    },
    /// An answer larger than its kind may be.
    #[error("the answer of {url} is larger than {limit} bytes")]
    TooLarge {
        /// Of whom.
        url: String,
        /// The cap.
        limit: u64,
    },
    /// The bytes are not the ones that were asked for or promised.
    #[error("{url} promised {promised} and sent {found}")]
    WrongDigest {
        /// Of whom.
        url: String,
        /// What was promised.
        promised: Digest,
        /// What came.
        found: Digest,
    },
    /// The size is not the one promised.
    #[error("{url} holds {found} bytes where {promised} were promised")]
    WrongSize {
        /// Of whom.
        url: String,
        /// The descriptor's size.
        promised: u64,
        /// The registry's.
        found: u64,
    },
    /// An answer without a header it must have, or with a malformed one.
    #[error("the answer of {url} has no valid `{name}` header")]
    BadHeader {
        /// Of whom.
        url: String,
        /// The header.
        name: &'static str,
    },
    /// An answer that is no document.
    #[error("the answer of {url} is no document")]
    Document {
        /// Of whom.
        url: String,
        /// Why not.
        #[source]
        cause: crate::oci::Error,
    },
    /// An answer that is no list of tags.
    #[error("the answer of {url} is no list of tags")]
    TagList {
        /// Of whom.
        url: String,
        /// Why not.
        #[source]
        cause: serde_json::Error,
    },
    /// A list of referrers that leaves some out, though nobody asked for that.
    #[error("{url} lists only referrers that pass a filter (`{filters}`), and all were asked for")]
    Filtered {
        /// Of whom.
        url: String,
        /// What it filtered by.
        filters: String,
    },
    /// A list that does not end.
    #[error("the list at {url} exceeds {limit} {what}")]
    TooMany {
        /// Of whom.
        url: String,
        /// What there is too much of.
        what: &'static str,
        /// The cap.
        limit: usize,
    },
    /// A blob that a manifest refers to and the registry does not hold.
    #[error("{repository} holds no blob {digest}")]
    NoBlob {
        /// Where it was asked for.
        repository: String,
        /// Which.
        digest: Digest,
    },
    /// An auth file that cannot be read or used.
    #[error("the credentials for {registry} in {file} cannot be used")]
    AuthFile {
        /// The file.
        file: String,
        /// The registry.
        registry: String,
        /// Why not.
        #[source]
        cause: docker_credential::CredentialRetrievalError,
    },
    /// A credential helper that fails.
    #[error("`{helper}`, which {file} names for {registry}, failed: {said}")]
    CredentialHelper {
        /// The program.
        helper: String,
        /// The auth file.
        file: String,
        /// The registry.
        registry: String,
        /// What it said.
        said: String,
    },
    /// A file of certificates that holds none, or a malformed one.
    #[error("{file} holds no certificates we can read")]
    Roots {
        /// The file.
        file: String,
    },
    /// A client certificate or its key that cannot be used.
    #[error("{file} is no client certificate we can show: {why}")]
    ClientCertificate {
        /// The file.
        file: String,
        /// Why not.
        why: &'static str,
    },
    /// A proxy that cannot be used.
    #[error("`{variable}` cannot be used: {why}")]
    Proxy {
        /// The variable.
        variable: &'static str,
        /// Why not.
        why: &'static str,
    },
    /// No certificate authority is known, so no HTTPS registry can be trusted.
    #[error("no certificate authorities are known")]
    NoRoots,
}

impl Error {
    /// Whether a registry refuses a manifest for what it refers to and does not hold: distribution
    /// says `MANIFEST_BLOB_UNKNOWN`, others `MANIFEST_UNKNOWN`, of the child.
    pub(super) fn names_absent_content(&self) -> bool {
        let Self::Status { method: "PUT", status: 400 | 404, detail, .. } = self else {
            return false;
        };
        let code = detail.strip_prefix(": ").and_then(|rest| rest.split(':').next());
        matches!(code, Some("MANIFEST_BLOB_UNKNOWN" | "MANIFEST_UNKNOWN" | "BLOB_UNKNOWN"))
    }
}

impl From<Error> for crate::transfer::Fault {
    fn from(error: Error) -> Self {
        Self::new(error)
    }
}

/// Whether a host is known to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// It has not answered yet: its name may be wrong.
    Unheard,
    /// It has answered before.
    Heard,
}

/// Whether to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    /// It would fail again.
    Never,
    /// It may pass.
    Later,
    /// It may pass after so long.
    After(Duration),
}

impl Error {
    /// Whether the same may succeed later. What a registry refuses for a reason is not repeated, nor
    /// is a host asked again that was never heard of: a wrong name is told at once.
    pub(super) fn repeat(&self) -> Repeat {
        match self {
            Self::Status { status: 408 | 429 | 500 | 502 | 503 | 504, pause, .. } => {
                pause.map_or(Repeat::Later, Repeat::After)
            }
            Self::NoAnswer { host, cause, .. } if is_passing(*host, cause) => Repeat::Later,
            Self::BrokenOff { .. } => Repeat::Later,
            Self::TokenEnded { .. } => Repeat::After(Duration::ZERO),
            _ => Repeat::Never,
        }
    }

    /// Whether a registry understood the request and said no.
    pub(super) fn is_refusal(&self) -> bool {
        matches!(self, Self::Status { status: 400..=499, .. })
    }
}

fn is_passing(host: Host, cause: &ureq::Error) -> bool {
    match cause {
        ureq::Error::Io(cause) => match cause.kind() {
            // The words of TLS: certificates that do not hold.
            ErrorKind::InvalidData | ErrorKind::InvalidInput => false,
            ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::UnexpectedEof => true,
            _ => host == Host::Heard,
        },
        ureq::Error::Timeout(ureq::Timeout::Resolve | ureq::Timeout::Connect)
        | ureq::Error::HostNotFound
        | ureq::Error::ConnectionFailed => host == Host::Heard,
        ureq::Error::Timeout(_) => true,
        _ => false,
    }
}
