//! The document as it is written, field by field (containers/image `signature/policy_config.go`,
//! `policy_config_sigstore.go`).
//!
//! Off-spec: `null` is refused everywhere. Go reads it as an absent text or list, so that a
//! `rekorPublicKeyPath` of `null` would waive the log.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::error::{Fault, Problem};
use super::located::{Content, Value};
use crate::oci::Reference;
use crate::policy::signed_identity::is_repository;
use crate::policy::{Remapping, SignedIdentity};

/// A whole `policy.json`.
pub(super) struct Document {
    pub default: List,
    /// Transports by name, each with its scopes by name.
    pub transports: Vec<(String, Vec<(String, List)>)>,
}

/// A list of requirements, of which all must hold; at least one.
pub(super) struct List {
    pub line: usize,
    pub requirements: Vec<Requirement>,
}

/// One requirement and where it stands.
pub(super) struct Requirement {
    pub path: String,
    pub line: usize,
    pub kind: RequirementKind,
}

pub(super) enum RequirementKind {
    InsecureAcceptAnything,
    Reject,
    SignedBy,
    SignedBaseLayer,
    SigstoreSigned(Box<SigstoreSigned>),
}

pub(super) struct SigstoreSigned {
    pub signer: Signer,
    /// Keys of Rekor; without any no log is asked for.
    pub logs: Vec<Source>,
    pub identity: SignedIdentity,
}

pub(super) enum Signer {
    /// Any one of these keys.
    Keys(Vec<Source>),
    Fulcio {
        ca: Source,
        issuer: String,
        email: String,
    },
    Pki {
        roots: Source,
        intermediates: Option<Source>,
        email: Option<String>,
        host: Option<Located>,
    },
}

/// A text and where it stands.
pub(super) struct Located {
    pub path: String,
    pub line: usize,
    pub text: String,
}

/// The content of a file in PEM, or its name.
pub(super) struct Source {
    pub path: String,
    pub line: usize,
    pub content: SourceContent,
}

pub(super) enum SourceContent {
    File(String),
    Data(Vec<u8>),
}

impl Document {
    pub(super) fn read(value: &Value) -> Result<Self, Fault> {
        let root = Node { value, path: String::new() };
        let fields = root.object(&["default", "transports"])?;
        let default = List::read(&fields.required("default")?)?;
        let transports = match fields.get("transports") {
            Some(transports) => transports.entries()?,
            None => Vec::new(),
        };
        let scopes = |(name, scopes): (String, Node<'_>)| {
            let lists = scopes.entries()?.into_iter();
            let lists = lists.map(|(scope, list)| Ok((scope, List::read(&list)?)));
            Ok((name, lists.collect::<Result<_, Fault>>()?))
        };
        let transports = transports.into_iter().map(scopes).collect::<Result<_, Fault>>()?;
        Ok(Self { default, transports })
    }
}

impl List {
    fn read(node: &Node<'_>) -> Result<Self, Fault> {
        let requirements = node.items()?.iter().map(Requirement::read).collect::<Result<_, _>>()?;
        Ok(Self { line: node.value.line, requirements })
    }
}

impl Requirement {
    fn read(node: &Node<'_>) -> Result<Self, Fault> {
        let kind = match node.kind()?.as_str() {
            "insecureAcceptAnything" => {
                node.object(&["type"])?;
                RequirementKind::InsecureAcceptAnything
            }
            "reject" => {
                node.object(&["type"])?;
                RequirementKind::Reject
            }
            "signedBy" => signed_by(node)?,
            "signedBaseLayer" => {
                let fields = node.object(&["type", "baseLayerIdentity"])?;
                identity(&fields.required("baseLayerIdentity")?)?;
                RequirementKind::SignedBaseLayer
            }
            "sigstoreSigned" => {
                RequirementKind::SigstoreSigned(Box::new(SigstoreSigned::read(node)?))
            }
            _ => {
                return Err(node.value_of_type(
                    "insecureAcceptAnything, reject, signedBy, signedBaseLayer or sigstoreSigned",
                ));
            }
        };
        Ok(Self { path: node.path.clone(), line: node.value.line, kind })
    }
}

/// Read as strictly as what is decided by, though nothing is.
fn signed_by(node: &Node<'_>) -> Result<RequirementKind, Fault> {
    let fields =
        node.object(&["type", "keyType", "keyPath", "keyPaths", "keyData", "signedIdentity"])?;
    let kind = fields.required("keyType")?;
    let kinds = ["GPGKeys", "signedByGPGKeys", "X509Certificates", "signedByX509CAs"];
    if !kinds.contains(&kind.text()?) {
        let expected = "GPGKeys, signedByGPGKeys, X509Certificates or signedByX509CAs";
        return Err(kind.value(expected));
    }
    let one = "`keyPath`, `keyPaths` and `keyData`";
    if fields.sources(["keyPath", "keyPaths", "keyData"], one)?.is_none() {
        return Err(node.not_exactly_one(one));
    }
    signed_identity(&fields)?;
    Ok(RequirementKind::SignedBy)
}

impl SigstoreSigned {
    fn read(node: &Node<'_>) -> Result<Self, Fault> {
        let fields = node.object(&[
            "type",
            "keyPath",
            "keyPaths",
            "keyData",
            "keyDatas",
            "fulcio",
            "pki",
            "rekorPublicKeyPath",
            "rekorPublicKeyPaths",
            "rekorPublicKeyData",
            "rekorPublicKeyDatas",
            "signedIdentity",
        ])?;
        let one = "`keyPath`, `keyPaths`, `keyData`, `keyDatas`, `fulcio` and `pki`";
        let keys = fields.sources(["keyPath", "keyPaths", "keyData", "keyDatas"], one)?;
        let rekor = "`rekorPublicKeyPath`, `rekorPublicKeyPaths`, `rekorPublicKeyData` and \
                     `rekorPublicKeyDatas`";
        let names = [
            "rekorPublicKeyPath",
            "rekorPublicKeyPaths",
            "rekorPublicKeyData",
            "rekorPublicKeyDatas",
        ];
        let logs = fields.sources(names, rekor)?;
        let signer = match (keys, fields.get("fulcio"), fields.get("pki")) {
            (Some(keys), None, None) => Signer::Keys(keys),
            (None, Some(fulcio), None) => {
                let signer = fulcio_signer(&fulcio)?;
                if logs.is_none() {
                    return Err(node.not_exactly_one(rekor));
                }
                signer
            }
            (None, None, Some(pki)) => {
                let signer = pki_signer(&pki)?;
                if logs.is_some() {
                    return Err(node.several_of("`pki` and a key of Rekor"));
                }
                signer
            }
            _ => return Err(node.not_exactly_one(one)),
        };
        let identity = signed_identity(&fields)?;
        Ok(Self { signer, logs: logs.unwrap_or_default(), identity })
    }
}

fn fulcio_signer(node: &Node<'_>) -> Result<Signer, Fault> {
    let fields = node.object(&["caPath", "caData", "oidcIssuer", "subjectEmail"])?;
    let one = "`caPath` and `caData`";
    let Some(ca) = fields.source(["caPath", "caData"], one)? else {
        return Err(node.not_exactly_one(one));
    };
    let issuer = fields.required("oidcIssuer")?.text()?.to_owned();
    let email = fields.required("subjectEmail")?.text()?.to_owned();
    Ok(Signer::Fulcio { ca, issuer, email })
}

fn pki_signer(node: &Node<'_>) -> Result<Signer, Fault> {
    let fields = node.object(&[
        "caRootsPath",
        "caRootsData",
        "caIntermediatesPath",
        "caIntermediatesData",
        "subjectEmail",
        "subjectHostname",
    ])?;
    let one = "`caRootsPath` and `caRootsData`";
    let Some(roots) = fields.source(["caRootsPath", "caRootsData"], one)? else {
        return Err(node.not_exactly_one(one));
    };
    let one = "`caIntermediatesPath` and `caIntermediatesData`";
    let intermediates = fields.source(["caIntermediatesPath", "caIntermediatesData"], one)?;
    let email = fields.get("subjectEmail").map(|node| node.text().map(str::to_owned));
    let host = fields.get("subjectHostname").map(|node| node.located());
    let (email, host) = (email.transpose()?, host.transpose()?);
    if email.is_none() && host.is_none() {
        let field = format!("{}.subjectEmail", node.path);
        return Err(node.fault(Problem::Missing { field }));
    }
    Ok(Signer::Pki { roots, intermediates, email, host })
}

/// Where nothing is said, the name must be the one that was signed.
fn signed_identity(fields: &Object<'_>) -> Result<SignedIdentity, Fault> {
    let given = fields.get("signedIdentity").map(|node| identity(&node));
    Ok(given.transpose()?.unwrap_or(SignedIdentity::SameOrDigest))
}

fn identity(node: &Node<'_>) -> Result<SignedIdentity, Fault> {
    let plain = |identity| node.object(&["type"]).map(|_| identity);
    match node.kind()?.as_str() {
        "matchExact" => plain(SignedIdentity::Same),
        "matchRepoDigestOrExact" => plain(SignedIdentity::SameOrDigest),
        "matchRepository" => plain(SignedIdentity::SameRepository),
        "exactReference" => {
            let fields = node.object(&["type", "dockerReference"])?;
            let field = fields.required("dockerReference")?;
            let reference = field.reference()?;
            if is_repository(field.text()?) {
                let (field_path, found) = (field.path.clone(), field.text()?.to_owned());
                return Err(field.fault(Problem::NameOnly { field: field_path, found }));
            }
            Ok(SignedIdentity::Reference(reference))
        }
        "exactRepository" => {
            let fields = node.object(&["type", "dockerRepository"])?;
            Ok(SignedIdentity::Repository(fields.required("dockerRepository")?.reference()?))
        }
        "remapIdentity" => {
            let fields = node.object(&["type", "prefix", "signedPrefix"])?;
            let (from, to) = (fields.required("prefix")?, fields.required("signedPrefix")?);
            let remapping = Remapping::new(from.text()?, to.text()?)
                .map_err(|cause| node.fault(Problem::Prefix { field: node.path.clone(), cause }))?;
            Ok(SignedIdentity::Remapped(remapping))
        }
        _ => Err(node.value_of_type(
            "matchExact, matchRepoDigestOrExact, matchRepository, exactReference, \
             exactRepository or remapIdentity",
        )),
    }
}

/// A value and its path.
struct Node<'a> {
    value: &'a Value,
    path: String,
}

impl<'a> Node<'a> {
    /// The fields of an object that may have these and no others.
    fn object(&self, known: &[&str]) -> Result<Object<'a>, Fault> {
        let Content::Object(fields) = &self.value.content else {
            return Err(self.not("an object"));
        };
        for (name, value) in fields {
            if !known.contains(&name.as_str()) {
                let field = self.below(name);
                return Err(Fault { line: Some(value.line), problem: Problem::Unknown { field } });
            }
        }
        Ok(Object { path: self.path.clone(), line: self.value.line, fields })
    }

    /// The values of an object whose keys are the user's.
    fn entries(&self) -> Result<Vec<(String, Self)>, Fault> {
        let Content::Object(fields) = &self.value.content else {
            return Err(self.not("an object"));
        };
        let entry = |(name, value): &'a (String, Value)| {
            let path = match self.path.as_str() {
                "transports" => self.below(name),
                path => format!("{path}[\"{}\"]", name.escape_debug()),
            };
            (name.clone(), Self { value, path })
        };
        Ok(fields.iter().map(entry).collect())
    }

    /// The values of a list, at least one.
    fn items(&self) -> Result<Vec<Self>, Fault> {
        let Content::Array(items) = &self.value.content else {
            return Err(self.not("a list"));
        };
        if items.is_empty() {
            return Err(self.fault(Problem::Empty { field: self.path.clone() }));
        }
        let item = |(at, value)| Self { value, path: format!("{}[{at}]", self.path) };
        Ok(items.iter().enumerate().map(item).collect())
    }

    /// A text, not the empty one.
    fn text(&self) -> Result<&'a str, Fault> {
        match &self.value.content {
            Content::Text(text) if text.is_empty() => {
                Err(self.fault(Problem::Empty { field: self.path.clone() }))
            }
            Content::Text(text) => Ok(text),
            _ => Err(self.not("a text")),
        }
    }

    fn located(&self) -> Result<Located, Fault> {
        let text = self.text()?.to_owned();
        Ok(Located { path: self.path.clone(), line: self.value.line, text })
    }

    /// The `type` of an object, whatever else stands in it.
    fn kind(&self) -> Result<String, Fault> {
        Ok(self.type_field()?.text()?.to_owned())
    }

    fn type_field(&self) -> Result<Self, Fault> {
        let Content::Object(fields) = &self.value.content else {
            return Err(self.not("an object"));
        };
        Object { path: self.path.clone(), line: self.value.line, fields }.required("type")
    }

    fn reference(&self) -> Result<Reference, Fault> {
        let found = self.text()?.to_owned();
        found.parse().map_err(|cause| {
            self.fault(Problem::Reference { field: self.path.clone(), found, cause })
        })
    }

    fn file(&self) -> Result<Source, Fault> {
        Ok(self.source(SourceContent::File(self.text()?.to_owned())))
    }

    fn data(&self) -> Result<Source, Fault> {
        let bytes = STANDARD
            .decode(self.text()?)
            .map_err(|_| self.fault(Problem::Base64 { field: self.path.clone() }))?;
        Ok(self.source(SourceContent::Data(bytes)))
    }

    fn source(&self, content: SourceContent) -> Source {
        Source { path: self.path.clone(), line: self.value.line, content }
    }

    fn below(&self, name: &str) -> String {
        let name = name.escape_debug();
        if self.path.is_empty() { name.to_string() } else { format!("{}.{name}", self.path) }
    }

    fn fault(&self, problem: Problem) -> Fault {
        Fault { line: Some(self.value.line), problem }
    }

    fn not(&self, expected: &'static str) -> Fault {
        let field =
            if self.path.is_empty() { "the document".to_owned() } else { self.path.clone() };
        self.fault(Problem::Kind { field, expected })
    }

    fn value(&self, expected: &'static str) -> Fault {
        let found = match &self.value.content {
            Content::Text(text) => text.clone(),
            _ => String::new(),
        };
        self.fault(Problem::Value { field: self.path.clone(), found, expected })
    }

    fn value_of_type(&self, expected: &'static str) -> Fault {
        self.type_field().map_or_else(|fault| fault, |field| field.value(expected))
    }

    fn not_exactly_one(&self, fields: &'static str) -> Fault {
        self.fault(Problem::NotExactlyOne { within: self.path.clone(), fields })
    }

    fn several_of(&self, fields: &'static str) -> Fault {
        self.fault(Problem::SeveralOf { within: self.path.clone(), fields })
    }
}

/// The fields of an object, each known.
struct Object<'a> {
    path: String,
    line: usize,
    fields: &'a [(String, Value)],
}

impl<'a> Object<'a> {
    fn get(&self, name: &str) -> Option<Node<'a>> {
        let (_, value) = self.fields.iter().find(|(found, _)| found == name)?;
        let path =
            if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) };
        Some(Node { value, path })
    }

    fn required(&self, name: &str) -> Result<Node<'a>, Fault> {
        self.get(name).ok_or_else(|| {
            let field = if self.path.is_empty() {
                name.to_owned()
            } else {
                format!("{}.{name}", self.path)
            };
            Fault { line: Some(self.line), problem: Problem::Missing { field } }
        })
    }

    /// The files that the only one of these fields gives; `None` where none stands. The end of a
    /// field's name says what it holds; `fields` is how they are told together.
    fn sources<const N: usize>(
        &self,
        names: [&str; N],
        fields: &'static str,
    ) -> Result<Option<Vec<Source>>, Fault> {
        let mut found = names.iter().filter_map(|name| Some((*name, self.get(name)?)));
        let (first, second) = (found.next(), found.next());
        let Some((name, node)) = first else { return Ok(None) };
        if let Some((_, second)) = second {
            let within = self.path.clone();
            return Err(second.fault(Problem::SeveralOf { within, fields }));
        }
        let list = |node: &Node<'a>, read: fn(&Node<'a>) -> Result<Source, Fault>| {
            node.items()?.iter().map(read).collect::<Result<Vec<_>, _>>()
        };
        let sources = match name {
            name if name.ends_with("Paths") => list(&node, Node::file)?,
            name if name.ends_with("Datas") => list(&node, Node::data)?,
            name if name.ends_with("Path") => vec![node.file()?],
            _ => vec![node.data()?],
        };
        Ok(Some(sources))
    }

    fn source(&self, names: [&str; 2], fields: &'static str) -> Result<Option<Source>, Fault> {
        Ok(self.sources(names, fields)?.and_then(|sources| sources.into_iter().next()))
    }
}
