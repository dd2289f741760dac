//! `sealift verify-bundle`: the client protocol of the Sigstore conformance suite, and the other
//! signer flags.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use anyhow::{Context, Result};
use sealift::crypto::HashValue;
use sealift::digest::{Algorithm, Hasher};
use sealift::limits::Limits;
use sealift::report::text::{Lines, write_proof, write_trust};
use sealift::report::{Basis, Proof, Scope};
use sealift::verify::{Anchor, Artifact, Rejection, Testimony};

use super::args::VerifyBundleArgs;
use super::exit::Exit;
use super::signer::Demands;
use super::{clock, input, output};

pub(crate) fn run(args: &VerifyBundleArgs) -> Result<Exit> {
    let limits = Limits::default();
    let now = clock::now(args.trust.verification_time)?;
    let (requirement, demands) = Demands::of_bundle(&args.signer, &args.trust, &limits, now)?;
    let bundle = input::read(&args.bundle, "bundle", limits.envelope_bytes)?;
    let named = Named::read(&args.artifact, &limits)?;
    let artifact = Artifact { digest: named.digest, bytes: named.bytes.as_deref() };

    let verifiers = demands.verifiers(&limits);
    let verifier = verifiers.first().context("no trust is given")?;
    let verified = match verifier.verify(&artifact, Testimony::Bundle(&bundle)) {
        Ok(verified) => verified,
        Err(rejection) => {
            let mut lines = rejected(&named.digest, &rejection);
            write_basis(&mut lines, &demands, &[]);
            output::answer(&lines.finish())?;
            return Ok(Exit::Denied);
        }
    };
    let mut lines = Lines::default();
    let exit = match requirement.check(verified.facts(), None) {
        Ok(()) => {
            lines.hanging("", "VERIFIED ", &named.digest.to_string());
            Exit::Admitted
        }
        Err(mismatch) => {
            lines.hanging("", "DENIED ", &named.digest.to_string());
            lines.hanging("  ", "why ", &format!("{mismatch} [{}]", mismatch.code()));
            Exit::Denied
        }
    };
    write_proof(&mut lines, "  ", &Proof::from(verified.facts()));
    let used = verified.facts().anchors.clone();
    write_basis(&mut lines, &demands, &used);
    output::answer(&lines.finish())?;
    Ok(exit)
}

/// As of when it was judged, and by whom.
fn write_basis(lines: &mut Lines, demands: &Demands, used: &[Anchor]) {
    let Basis { judged_at, trust, .. } = demands.basis(Scope::Whole);
    lines.blank();
    lines.line("", &format!("judged by sealift {} as of {judged_at}", env!("CARGO_PKG_VERSION")));
    write_trust(lines, &trust, used);
}

fn rejected(digest: &HashValue, rejection: &Rejection) -> Lines {
    let mut lines = Lines::default();
    lines.hanging("", "DENIED ", &digest.to_string());
    let why = format!("{} [{}]", rejection.detail(), rejection.code().name());
    lines.hanging("  ", "why ", &why);
    lines
}

/// What was signed, as the user names it.
struct Named {
    digest: HashValue,
    /// The bytes of a file small enough to keep: only Ed25519 signatures need them.
    bytes: Option<Vec<u8>>,
}

impl Named {
    fn read(text: &str, limits: &Limits) -> Result<Self> {
        if let Ok(digest) = text.parse() {
            return Ok(Self { digest, bytes: None });
        }
        Self::read_file(Path::new(text), limits).with_context(|| match text.split_once(':') {
            Some((algorithm, _)) if algorithm.starts_with("sha") => {
                format!("`{text}` is neither a sha256, sha384 or sha512 digest nor a file that can be read")
            }
            _ => format!("file `{text}` cannot be read"),
        })
    }

    fn read_file(path: &Path, limits: &Limits) -> Result<Self> {
        let keep = usize::try_from(limits.envelope_bytes)?;
        let mut file = File::open(path)?;
        let mut hasher = Hasher::new(Algorithm::Sha256);
        let mut kept = Some(Vec::new());
        let mut buffer = vec![0; 64 << 10];
        loop {
            let read = match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            let chunk = buffer.get(..read).expect("a read fills no more than its buffer");
            hasher.update(chunk);
            kept = kept.filter(|bytes| bytes.len().saturating_add(read) <= keep);
            if let Some(bytes) = &mut kept {
                bytes.extend_from_slice(chunk);
            }
        }
        Ok(Self { digest: hasher.finish().into(), bytes: kept })
    }
}
