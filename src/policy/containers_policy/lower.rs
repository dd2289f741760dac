//! From the document to the model: files are read, keys and certificates parsed, and each list
//! becomes a policy for the images whose scope it is.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use super::document::{
    Document, List, Located, RequirementKind, Signer as WrittenSigner, SigstoreSigned, Source,
    SourceContent,
};
use super::error::{Fault, Problem};
use super::scope::can_be_hit;
use super::{Scope, ScopeTable};
use crate::crypto::{KeyKind, PublicKey};
use crate::digest::Digest;
use crate::limits::Limits;
use crate::policy::{
    Authority, Demand, Format, IdentityMatcher, Images, Kind, Names, Origin, Policy, Reads,
    Requirement, Rule, Signer, TextMatcher,
};
use crate::sigstore::TrustRoot;
use crate::time::{UnixTime, Window};
use crate::tlog::Log;
use crate::verify::{Trust, TrustId};
use crate::x509::{Certificate, CertificateAuthority, PrivatePki};

/// The one transport whose scopes are names of images.
const DOCKER: &str = "docker";

/// What a document is lowered with.
pub(super) struct Lowering<'a> {
    pub file: &'a str,
    pub digest: Digest,
    pub limits: &'a Limits,
    pub files: &'a dyn Fn(&str) -> io::Result<Vec<u8>>,
    /// Trusts of the whole file by name: lists with the same keys share one.
    pub trusts: BTreeMap<String, Trust>,
}

impl Lowering<'_> {
    /// A policy for each list that names of images can be judged by, the default's first. It holds
    /// the trusts of the whole file.
    pub(super) fn policies(mut self, document: &Document) -> Result<Vec<Policy>, Fault> {
        let docker = document.transports.iter().find(|(name, _)| name == DOCKER);
        let scopes = docker.map(|(_, scopes)| scopes.as_slice()).unwrap_or_default();
        let table = Arc::new(ScopeTable::new(scopes.iter().map(|(scope, _)| scope.clone())));
        let mut default = self.policy(&table, Scope::Default, &document.default)?;
        default.remarks.extend(remarks(document));
        let mut policies = vec![default];
        for (scope, list) in scopes {
            let mut policy = self.policy(&table, Scope::Docker(scope.clone()), list)?;
            policy.remarks.extend((!can_be_hit(scope)).then(|| NEVER_HIT.to_owned()));
            policies.push(policy);
        }
        if let Some(default) = policies.first_mut() {
            default.trusts = self.trusts.into_values().collect();
        }
        Ok(policies)
    }

    fn policy(
        &mut self,
        table: &Arc<ScopeTable>,
        scope: Scope,
        list: &List,
    ) -> Result<Policy, Fault> {
        let id = match &scope {
            Scope::Default => format!("{} default", self.file),
            Scope::Docker(scope) => format!("{} {DOCKER}:{scope}", self.file),
        };
        let origin = Origin::File {
            name: self.file.to_owned(),
            digest: self.digest,
            document: 1,
            line: list.line,
        };
        let mut deviations = Vec::new();
        let mut rules = Vec::new();
        for (at, requirement) in list.requirements.iter().enumerate() {
            let number = at.saturating_add(1);
            let (path, line) = (&requirement.path, requirement.line);
            let unsupported = |kind, remedy| {
                let problem = Problem::Unsupported { field: path.clone(), kind, remedy };
                Err(Fault { line: Some(line), problem })
            };
            rules.push(match &requirement.kind {
                RequirementKind::InsecureAcceptAnything => {
                    Rule::Accept(format!("insecureAcceptAnything {number}"))
                }
                RequirementKind::Reject => {
                    let message = "the list refuses every image".to_owned();
                    Rule::Reject(format!("reject {number}"), message)
                }
                RequirementKind::SigstoreSigned(signed) => {
                    let name = format!("sigstoreSigned {number}");
                    let requirement = self.requirement(&name, signed, &mut deviations)?;
                    Rule::Evidence(Box::new(requirement))
                }
                RequirementKind::SignedBy => {
                    let remedy = "sealift reads no signatures of GnuPG; demand a `sigstoreSigned` \
                                  or `reject`";
                    return unsupported("signedBy", remedy);
                }
                RequirementKind::SignedBaseLayer => {
                    let remedy = "nothing decides by it; demand a `sigstoreSigned` or `reject`";
                    return unsupported("signedBaseLayer", remedy);
                }
            });
        }
        let images = Images::Scope { table: Arc::clone(table), scope };
        let policy = Policy::new(&id, Format::ContainersPolicy, origin, images, Rule::All(rules));
        Ok(Policy { deviations, ..policy })
    }

    fn requirement(
        &mut self,
        name: &str,
        signed: &SigstoreSigned,
        deviations: &mut Vec<String>,
    ) -> Result<Requirement, Fault> {
        let logs = self.logs(&signed.logs)?;
        let (signer, also, trust) = match &signed.signer {
            WrittenSigner::Keys(keys) => {
                let keys: Vec<_> =
                    keys.iter().map(|source| self.key(source)).collect::<Result<_, _>>()?;
                (Signer::Keys(keys), None, self.trust_of_logs(&logs))
            }
            WrittenSigner::Fulcio { ca, issuer, email } => {
                let authorities = self.certificates(ca)?;
                deviations.extend(chain_is_not_read(&authorities));
                let identity = IdentityMatcher {
                    among: Names::Emails,
                    ..IdentityMatcher::new(exact(email), Some(exact(issuer)))
                };
                let signer = certificate(Authority::TrustedRoot, identity);
                (signer, None, self.trust_of_fulcio(authorities, &logs))
            }
            WrittenSigner::Pki { roots, intermediates, email, host } => {
                let trust = self.trust_of_pki(roots, intermediates.as_ref(), deviations)?;
                let host = host.as_ref().map(|host| self.host(host)).transpose()?;
                let email = email.as_deref().map(|email| IdentityMatcher {
                    among: Names::Emails,
                    ..IdentityMatcher::new(exact(email), None)
                });
                let mut names = email.into_iter().chain(host);
                let first = names.next().expect("a pki has at least one of both");
                (certificate(Authority::PrivatePki, first), names.next(), trust)
            }
        };
        let log = if signed.logs.is_empty() { Demand::Waived } else { Demand::Demanded };
        Ok(Requirement {
            trust,
            reads: Reads::Legacy,
            log,
            also,
            reference: signed.identity.clone(),
            ..Requirement::new(name, Kind::Signature, signer)
        })
    }

    /// Keys alone, or keys of logs beside them: what else is known of a log is in no `policy.json`.
    fn trust_of_logs(&mut self, logs: &[Log]) -> TrustId {
        let root = (!logs.is_empty()).then(|| root(Vec::new(), logs));
        let name = match &root {
            Some(root) => format!("{} rekor {}", self.file, root.digest()),
            None => format!("{} keys", self.file),
        };
        self.trust(name, |id| Trust { id, root, ..Trust::default() })
    }

    /// Each certificate is an anchor, as in containers/image: the issuer of leaves may stand alone.
    fn trust_of_fulcio(&mut self, certificates: Vec<Certificate>, logs: &[Log]) -> TrustId {
        let root = root(certificates, logs);
        let name = format!("{} fulcio {}", self.file, root.digest());
        self.trust(name, |id| Trust { id, root: Some(root), ..Trust::default() })
    }

    fn trust_of_pki(
        &mut self,
        roots: &Source,
        intermediates: Option<&Source>,
        deviations: &mut Vec<String>,
    ) -> Result<TrustId, Fault> {
        let mut certificates = self.certificates(roots)?;
        let roots_pem = self.text(roots)?;
        let mut intermediates_pem = None;
        if let Some(source) = intermediates {
            certificates.extend(self.certificates(source)?);
            intermediates_pem = Some(self.text(source)?);
        }
        deviations.extend(chain_is_not_read(&certificates));
        let pki = PrivatePki::from_pem(&roots_pem, intermediates_pem.as_deref(), self.limits);
        let pki = pki.map_err(|cause| {
            roots.fault(Problem::Certificates { field: roots.path.clone(), cause })
        })?;
        let both = [roots_pem.as_str(), "\0", intermediates_pem.as_deref().unwrap_or_default()];
        let name = format!("{} pki {}", self.file, Digest::sha256(both.concat().as_bytes()));
        Ok(self.trust(name, |id| Trust { id, pki: Some(pki), ..Trust::default() }))
    }

    fn trust(&mut self, name: String, make: impl FnOnce(TrustId) -> Trust) -> TrustId {
        let id = TrustId::of_policy(&name);
        self.trusts.entry(name).or_insert_with(|| make(id.clone()));
        id
    }

    fn logs(&self, sources: &[Source]) -> Result<Vec<Log>, Fault> {
        let mut logs: Vec<Log> = Vec::new();
        for source in sources {
            let key = self.key(source)?;
            if !matches!(key.kind(), KeyKind::P256 | KeyKind::P384 | KeyKind::P521) {
                let (field, found) = (source.path.clone(), key.kind());
                return Err(source.fault(Problem::LogKey { field, found }));
            }
            let id = key.id();
            let log = Log {
                base_url: format!("rekor {id}"),
                id: id.bytes().try_into().expect("a SHA-256 has 32 bytes"),
                key,
                window: always(),
            };
            if !logs.contains(&log) {
                logs.push(log);
            }
        }
        Ok(logs)
    }

    fn key(&self, source: &Source) -> Result<PublicKey, Fault> {
        PublicKey::from_pem(&self.text(source)?)
            .map_err(|cause| source.fault(Problem::Key { field: source.path.clone(), cause }))
    }

    fn certificates(&self, source: &Source) -> Result<Vec<Certificate>, Fault> {
        let malformed =
            |cause| source.fault(Problem::Certificates { field: source.path.clone(), cause });
        let text = self.text(source)?;
        let certificates = Certificate::all_from_pem(&text, self.limits).map_err(malformed)?;
        if certificates.is_empty() {
            return Err(source.fault(Problem::Empty { field: source.path.clone() }));
        }
        Ok(certificates)
    }

    /// The content of the file that a field holds or names.
    fn text(&self, source: &Source) -> Result<String, Fault> {
        let field = || source.path.clone();
        let bytes = match &source.content {
            SourceContent::Data(bytes) => bytes.clone(),
            SourceContent::File(path) => (self.files)(path).map_err(|cause| {
                source.fault(Problem::File { field: field(), path: path.clone(), cause })
            })?,
        };
        String::from_utf8(bytes).map_err(|_| source.fault(Problem::NotText { field: field() }))
    }

    /// Who has a certificate for the host, or for every host of its domain, in any case of letters
    /// (Go `x509.Certificate.VerifyHostname`).
    fn host(&self, host: &Located) -> Result<IdentityMatcher, Fault> {
        let Located { path, line, text } = host;
        let fault = |problem| Fault { line: Some(*line), problem };
        let label = |label: &str| {
            !label.is_empty()
                && label.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
        };
        // The last label of an address is a number.
        let is_address = text.rsplit('.').next().is_some_and(|last| last.parse::<u64>().is_ok());
        if is_address || !text.split('.').all(label) {
            return Err(fault(Problem::Host { field: path.clone(), found: text.clone() }));
        }
        let expression = match text.split_once('.') {
            Some((first, domain)) => {
                format!("(?i)^(?:{}|\\*)\\.{}$", regex::escape(first), regex::escape(domain))
            }
            None => format!("(?i)^{}$", regex::escape(text)),
        };
        let subject = TextMatcher::expression(&expression, self.limits)
            .map_err(|cause| fault(Problem::LongHost { field: path.clone(), cause }))?;
        Ok(IdentityMatcher { among: Names::Hosts, ..IdentityMatcher::new(subject, None) })
    }
}

impl Source {
    fn fault(&self, problem: Problem) -> Fault {
        Fault { line: Some(self.line), problem }
    }
}

fn exact(text: &str) -> TextMatcher {
    TextMatcher::Exact(text.to_owned())
}

/// containers/image asks for no certificate transparency.
fn certificate(authority: Authority, identity: IdentityMatcher) -> Signer {
    Signer::Certificate { authority, identities: vec![identity], sct: Demand::Waived }
}

/// Since ever: a `policy.json` says nothing of when a key was in use.
fn always() -> Window {
    let epoch = UnixTime::from_seconds(0);
    epoch.and_then(|epoch| Window::new(epoch, None)).expect("the epoch is a time without an end")
}

fn root(certificates: Vec<Certificate>, logs: &[Log]) -> TrustRoot {
    let keys = logs.iter().map(|log| log.key.spki());
    let parts: Vec<&[u8]> = certificates.iter().map(Certificate::der).chain(keys).collect();
    let digest = Digest::sha256(&parts.concat());
    let authorities = certificates.into_iter().filter_map(|certificate| {
        let (uri, window) = (certificate.subject(), certificate.window());
        CertificateAuthority::new(uri, window, vec![certificate])
    });
    TrustRoot::new(digest, authorities.collect(), logs.to_vec())
}

/// containers/image takes intermediate certificates from beside the signature, sealift only from
/// the policy. It matters where the policy has none.
fn chain_is_not_read(certificates: &[Certificate]) -> Option<String> {
    let are_roots = certificates.iter().all(|one| one.names_issuer(one));
    are_roots.then(|| {
        "certificates beside a signature are not read: an issuer that the policy itself does not \
         hold is not known, put it beside the root"
            .to_owned()
    })
}

const NEVER_HIT: &str = "no image has this scope: names are looked up in full, such as \
                         `docker.io/library/busybox`, and domains as `*.example.com`";

fn remarks(document: &Document) -> Vec<String> {
    let accepts = |list: &List| {
        let accepts = |kind: &_| matches!(kind, RequirementKind::InsecureAcceptAnything);
        list.requirements.iter().all(|requirement| accepts(&requirement.kind))
    };
    let mut remarks = Vec::new();
    if accepts(&document.default) {
        remarks.push(
            "accepts without a signature what no scope names, images without a name among it"
                .to_owned(),
        );
    }
    for (transport, _) in document.transports.iter().filter(|(name, _)| name != DOCKER) {
        remarks.push(format!(
            "the scopes of `{}` decide nothing: images are judged by their names, as those of \
             `{DOCKER}`",
            transport.escape_debug()
        ));
    }
    remarks
}
