//! A *certificate authority*: a root and an intermediate that issue signing certificates, Fulcio's
//! kind or a private one's, right or wrong in any field.

use sealift::time::UnixTime;

use super::ct_log::CtLog;
use super::der;
use super::key::{Hash, Key, sha256};
use super::plus;

/// Code signing, the extended key usage of every signing certificate.
pub const CODE_SIGNING: &str = "1.3.6.1.5.5.7.3.3";
/// TLS server authentication, a usage that does not fit.
pub const SERVER_AUTH: &str = "1.3.6.1.5.5.7.3.1";
/// The embedded list of signed certificate timestamps.
pub const SCT_LIST: &str = "1.3.6.1.4.1.11129.2.4.2";

/// A root and its intermediate.
#[derive(Clone)]
pub struct CertificateAuthority {
    pub organization: String,
    pub root_key: Key,
    pub root: Vec<u8>,
    pub intermediate_key: Key,
    pub intermediate: Vec<u8>,
}

impl CertificateAuthority {
    /// An authority of P-384 keys whose certificates are valid from `start` to `end`.
    pub fn new(seed: &str, organization: &str, start: UnixTime, end: UnixTime) -> Self {
        Self::with_intermediate(seed, organization, (start, end), (start, end))
    }

    /// The same with another validity of the intermediate.
    pub fn with_intermediate(
        seed: &str,
        organization: &str,
        root_validity: (UnixTime, UnixTime),
        intermediate_validity: (UnixTime, UnixTime),
    ) -> Self {
        Self::changed(seed, organization, root_validity, |_, intermediate| {
            intermediate.validity = intermediate_validity;
        })
    }

    /// The same with root and intermediate changed before they are signed.
    pub fn changed(
        seed: &str,
        organization: &str,
        validity: (UnixTime, UnixTime),
        change: impl FnOnce(&mut Certificate, &mut Certificate),
    ) -> Self {
        let root_key = Key::p384(&format!("{seed} root"));
        let intermediate_key = Key::p384(&format!("{seed} intermediate"));
        let root_name = der::name(organization, "virtual-root");
        let mut root = Certificate {
            issuer: root_name.clone(),
            subject: root_name.clone(),
            validity,
            key: root_key.spki(),
            extensions: vec![
                key_usage(&[5, 6]),
                basic_constraints(true, None),
                subject_key_id(&root_key),
                authority_key_id(&root_key),
            ],
        };
        let mut intermediate = Certificate {
            issuer: root_name,
            subject: der::name(organization, "virtual-intermediate"),
            validity,
            key: intermediate_key.spki(),
            extensions: vec![
                key_usage(&[5, 6]),
                extended_key_usage(&[CODE_SIGNING]),
                basic_constraints(true, Some(0)),
                subject_key_id(&intermediate_key),
                authority_key_id(&root_key),
            ],
        };
        change(&mut root, &mut intermediate);
        let root = root.signed_by(&root_key, Hash::Sha384);
        let intermediate = intermediate.signed_by(&root_key, Hash::Sha384);
        Self {
            organization: organization.to_owned(),
            root_key,
            root,
            intermediate_key,
            intermediate,
        }
    }

    /// Issues what `template` asks for, entered into the logs it names.
    pub fn issue(&self, template: &Template) -> Vec<u8> {
        let mut certificate = Certificate {
            issuer: der::name(&self.organization, "virtual-intermediate"),
            subject: template.subject.clone(),
            validity: (template.not_before, template.not_after),
            key: template.key.clone(),
            extensions: template.extensions(&self.intermediate_key),
        };
        let issuer = self.intermediate_key.id();
        let scts: Vec<Vec<u8>> = template
            .scts
            .iter()
            .map(|sct| {
                let mut issuer = issuer;
                let mut bytes = certificate.tbs(&self.intermediate_key, Hash::Sha384);
                match sct.over {
                    Over::ThisCertificate => {}
                    Over::OtherCertificate => bytes.push(0),
                    Over::OtherIssuer => issuer = sha256(&self.root_key.spki()),
                }
                sct.log.timestamp(&bytes, &issuer, sct.time)
            })
            .collect();
        if !scts.is_empty() {
            let list = [CtLog::list(&scts), template.after_scts.clone()].concat();
            certificate.extensions.push(extension(SCT_LIST, false, &der::octets(&list)));
        }
        certificate.signed_by(&self.intermediate_key, Hash::Sha384)
    }

    /// Intermediate, then root.
    pub fn chain(&self) -> Vec<Vec<u8>> {
        vec![self.intermediate.clone(), self.root.clone()]
    }

    /// The chain in PEM.
    pub fn chain_pem(&self) -> String {
        self.chain().iter().map(|der| der::pem("CERTIFICATE", der)).collect()
    }
}

/// Everything a signing certificate says, each field open to be set wrong.
#[derive(Clone)]
pub struct Template {
    pub subject: Vec<u8>,
    pub key: Vec<u8>,
    pub not_before: UnixTime,
    pub not_after: UnixTime,
    pub key_usage: Option<Vec<u8>>,
    pub extended_key_usage: Option<Vec<&'static str>>,
    pub certificate_authority: bool,
    pub names: Vec<San>,
    /// Issuer of the identity as bare text, extension 57264.1.1.
    pub issuer: Option<String>,
    /// The same as a `UTF8String`, extension 57264.1.8.
    pub issuer_v2: Option<String>,
    pub workflow: Option<Workflow>,
    /// Whole extensions in DER, before the list of timestamps.
    pub more: Vec<Vec<u8>>,
    pub scts: Vec<Sct>,
    /// Bytes behind the list of timestamps, inside its extension.
    pub after_scts: Vec<u8>,
}

/// A signed certificate timestamp to be embedded.
#[derive(Clone)]
pub struct Sct {
    pub log: CtLog,
    pub time: UnixTime,
    pub over: Over,
}

/// What a timestamp is signed over.
#[derive(Clone, Copy)]
pub enum Over {
    ThisCertificate,
    OtherCertificate,
    OtherIssuer,
}

/// A subject alternative name as Fulcio writes it.
#[derive(Clone)]
pub enum San {
    Email(String),
    Uri(String),
    /// otherName 1.3.6.1.4.1.57264.1.7, a user name.
    Username(String),
    Dns(String),
}

/// What GitHub Actions says of a workflow run, in Fulcio's extensions.
#[derive(Clone)]
pub struct Workflow {
    pub trigger: String,
    pub sha: String,
    pub name: String,
    pub repository: String,
    pub git_ref: String,
}

/// Who signs: the one name of the certificate and who vouches for it.
#[derive(Clone)]
pub struct Identity {
    pub name: San,
    pub issuer: String,
    pub workflow: Option<Workflow>,
}

impl Identity {
    /// A person, by e-mail address.
    pub fn email(address: &str, issuer: &str) -> Self {
        Self { name: San::Email(address.to_owned()), issuer: issuer.to_owned(), workflow: None }
    }

    /// A user of an issuer, by name.
    pub fn username(name: &str, issuer: &str) -> Self {
        Self { name: San::Username(name.to_owned()), issuer: issuer.to_owned(), workflow: None }
    }

    /// A workflow of a GitHub repository, run for `git_ref`.
    pub fn workflow(repository: &str, file: &str, git_ref: &str) -> Self {
        Self {
            name: San::Uri(format!(
                "https://github.com/{repository}/.github/workflows/{file}@{git_ref}"
            )),
            issuer: "https://token.actions.githubusercontent.com".to_owned(),
            workflow: Some(Workflow {
                trigger: "push".to_owned(),
                sha: "5d2f1c0b9a88776655443322110ffeeddccbbaa0".to_owned(),
                name: "release".to_owned(),
                repository: repository.to_owned(),
                git_ref: git_ref.to_owned(),
            }),
        }
    }

    /// The name as a policy compares it.
    pub fn subject(&self) -> &str {
        match &self.name {
            San::Email(text) | San::Uri(text) | San::Username(text) | San::Dns(text) => text,
        }
    }
}

impl Template {
    /// What Fulcio issues for ten minutes: one name, the issuer twice, a timestamp of `log`.
    pub fn fulcio(identity: &Identity, key: &Key, time: UnixTime, log: &CtLog) -> Self {
        Self {
            subject: der::sequence::<Vec<u8>>(&[]),
            key: key.spki(),
            not_before: time,
            not_after: plus(time, 600),
            key_usage: Some(vec![0]),
            extended_key_usage: Some(vec![CODE_SIGNING]),
            certificate_authority: false,
            names: vec![identity.name.clone()],
            issuer: Some(identity.issuer.clone()),
            issuer_v2: Some(identity.issuer.clone()),
            workflow: identity.workflow.clone(),
            more: Vec::new(),
            scts: vec![Sct { log: log.clone(), time, over: Over::ThisCertificate }],
            after_scts: Vec::new(),
        }
    }

    /// What a private authority issues: a subject, a year, no Fulcio extension, no timestamp.
    pub fn private(common_name: &str, email: &str, key: &Key, time: UnixTime) -> Self {
        Self {
            subject: der::name("private.example", common_name),
            key: key.spki(),
            not_before: time,
            not_after: plus(time, 365 * 24 * 3600),
            key_usage: Some(vec![0]),
            extended_key_usage: Some(vec![CODE_SIGNING]),
            certificate_authority: false,
            names: vec![San::Email(email.to_owned())],
            issuer: None,
            issuer_v2: None,
            workflow: None,
            more: Vec::new(),
            scts: Vec::new(),
            after_scts: Vec::new(),
        }
    }

    fn extensions(&self, issuer: &Key) -> Vec<Vec<u8>> {
        let mut list = Vec::new();
        list.extend(self.key_usage.as_deref().map(key_usage));
        list.extend(self.extended_key_usage.as_deref().map(extended_key_usage));
        if self.certificate_authority {
            list.push(basic_constraints(true, None));
        }
        list.push(extension("2.5.29.14", false, &der::octets(&key_id(&self.key))));
        list.push(authority_key_id(issuer));
        if !self.names.is_empty() {
            let names: Vec<Vec<u8>> = self.names.iter().map(San::general_name).collect();
            let critical = self.subject == der::sequence::<Vec<u8>>(&[]);
            list.push(extension("2.5.29.17", critical, &der::sequence(&names)));
        }
        if let Some(issuer) = &self.issuer {
            list.push(fulcio(1, issuer.as_bytes()));
        }
        if let Some(workflow) = &self.workflow {
            let Workflow { trigger, sha, name, repository, git_ref } = workflow;
            for (number, text) in (2..).zip([trigger, sha, name, repository, git_ref]) {
                list.push(fulcio(number, text.as_bytes()));
            }
        }
        if let Some(issuer) = &self.issuer_v2 {
            list.push(fulcio(8, &der::utf8(issuer)));
        }
        if let Some(workflow) = &self.workflow {
            let source = format!("https://github.com/{}", workflow.repository);
            for (number, text) in [
                (11, "github-hosted"),
                (12, source.as_str()),
                (13, workflow.sha.as_str()),
                (14, workflow.git_ref.as_str()),
                (20, workflow.trigger.as_str()),
            ] {
                list.push(fulcio(number, &der::utf8(text)));
            }
        }
        list.extend(self.more.iter().cloned());
        list
    }
}

impl San {
    fn general_name(&self) -> Vec<u8> {
        match self {
            Self::Email(text) => der::implicit(1, text.as_bytes()),
            Self::Dns(text) => der::implicit(2, text.as_bytes()),
            Self::Uri(text) => der::implicit(6, text.as_bytes()),
            Self::Username(text) => {
                let value = der::explicit(0, &der::utf8(text));
                der::explicit(0, &[der::oid("1.3.6.1.4.1.57264.1.7"), value].concat())
            }
        }
    }
}

/// A certificate before its signature.
pub struct Certificate {
    pub issuer: Vec<u8>,
    pub subject: Vec<u8>,
    pub validity: (UnixTime, UnixTime),
    pub key: Vec<u8>,
    pub extensions: Vec<Vec<u8>>,
}

impl Certificate {
    /// The part that is signed; without a list of timestamps it is also what a CT log signs.
    pub fn tbs(&self, signer: &Key, hash: Hash) -> Vec<u8> {
        let (start, end) = self.validity;
        der::sequence(&[
            der::explicit(0, &der::number(2)),
            self.serial(),
            signer.signature_algorithm(hash),
            self.issuer.clone(),
            der::sequence(&[der::time(start), der::time(end)]),
            self.subject.clone(),
            self.key.clone(),
            der::explicit(3, &der::sequence(&self.extensions)),
        ])
    }

    /// The certificate in DER.
    pub fn signed_by(&self, signer: &Key, hash: Hash) -> Vec<u8> {
        let tbs = self.tbs(signer, hash);
        let signature = signer.sign_with(hash, &tbs);
        der::sequence(&[tbs, signer.signature_algorithm(hash), der::bits(&signature)])
    }

    /// The serial number as it stands in the certificate, an INTEGER in DER.
    pub fn serial(&self) -> Vec<u8> {
        let (start, _) = self.validity;
        let mut serial =
            sha256(&[&self.key[..], &self.subject, start.to_string().as_bytes()].concat());
        serial[0] = serial[0] & 0x7f | 0x40;
        der::integer(&serial[..20])
    }
}

/// One extension in DER.
pub fn extension(dotted: &str, critical: bool, value: &[u8]) -> Vec<u8> {
    let mut parts = vec![der::oid(dotted)];
    if critical {
        parts.push(der::yes());
    }
    parts.push(der::octets(value));
    der::sequence(&parts)
}

/// Extended key usage.
pub fn extended_key_usage(usages: &[&str]) -> Vec<u8> {
    let usages: Vec<Vec<u8>> = usages.iter().map(|usage| der::oid(usage)).collect();
    extension("2.5.29.37", false, &der::sequence(&usages))
}

/// Key usage of those bits; 0 is digitalSignature, 5 keyCertSign, 6 cRLSign.
pub fn key_usage(bits: &[u8]) -> Vec<u8> {
    extension("2.5.29.15", true, &der::named_bits(bits))
}

/// Basic constraints.
pub fn basic_constraints(authority: bool, path_length: Option<u64>) -> Vec<u8> {
    let mut parts = Vec::new();
    if authority {
        parts.push(der::yes());
    }
    parts.extend(path_length.map(der::number));
    extension("2.5.29.19", true, &der::sequence(&parts))
}

/// The subject's key identifier.
pub fn subject_key_id(key: &Key) -> Vec<u8> {
    extension("2.5.29.14", false, &der::octets(&key_id(&key.spki())))
}

/// The issuer's key identifier.
pub fn authority_key_id(key: &Key) -> Vec<u8> {
    let id = der::implicit(0, &key_id(&key.spki()));
    extension("2.5.29.35", false, &der::sequence(&[id]))
}

/// An extension of Fulcio's arc.
pub fn fulcio(number: u8, value: &[u8]) -> Vec<u8> {
    extension(&format!("1.3.6.1.4.1.57264.1.{number}"), false, value)
}

/// A key identifier as RFC 7093 derives it, method 4.
/// The key identifier of a public key.
pub fn key_id(spki: &[u8]) -> Vec<u8> {
    sha256(spki)[..20].to_vec()
}
