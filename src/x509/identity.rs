//! Whom a certificate names, and by whose word: Fulcio's
//! [certificate profile](https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md).

use std::collections::BTreeMap;

use const_oid::ObjectIdentifier;
use der::asn1::Utf8StringRef;
use der::{Decode, Encode};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use super::{Certificate, MalformedCertificate};

/// Whom a certificate names.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Identity {
    /// Subject alternative names in the certificate's order.
    pub names: Vec<SubjectAlternativeName>,
    /// The OIDC issuer: extension 1.3.6.1.4.1.57264.1.8, else .1.1; empty where neither stands.
    pub issuer: String,
    /// The other Fulcio extensions by the last number of their object identifier
    /// (`5` is the GitHub workflow repository), as text.
    pub extensions: BTreeMap<u32, String>,
}

impl Identity {
    /// Reads the names and extensions of a certificate. One that we know and that is malformed is
    /// an error: skipping it would let a policy miss what it restricts.
    pub fn of(certificate: &Certificate) -> Result<Self, MalformedCertificate> {
        let mut extensions = BTreeMap::new();
        for arc in RAW_EXTENSIONS.chain(DER_EXTENSIONS) {
            if let Some(text) = fulcio_extension(certificate, arc)? {
                extensions.insert(arc, text);
            }
        }
        let (old, new) = (extensions.remove(&1), extensions.remove(&8));
        if old.is_some() && new.is_some() && old != new {
            return Err(MalformedCertificate::IssuersDisagree);
        }
        Ok(Self { names: names(certificate)?, issuer: new.or(old).unwrap_or_default(), extensions })
    }
}

/// A subject alternative name, by kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubjectAlternativeName {
    /// An e-mail address.
    Email(String),
    /// A URI.
    Uri(String),
    /// A host name.
    Dns(String),
    /// Fulcio's `otherName` 1.3.6.1.4.1.57264.1.7.
    Other(String),
}

impl SubjectAlternativeName {
    /// The name without its kind.
    pub fn text(&self) -> &str {
        match self {
            Self::Email(text) | Self::Uri(text) | Self::Dns(text) | Self::Other(text) => text,
        }
    }
}

/// Extensions 1 to 6, deprecated, hold bare bytes of text.
const RAW_EXTENSIONS: std::ops::RangeInclusive<u32> = 1..=6;
/// Extensions 8 to 22 hold a DER `UTF8String`. 7 is no extension but the kind of an `otherName`.
const DER_EXTENSIONS: std::ops::RangeInclusive<u32> = 8..=22;

const FULCIO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1");
const OTHER_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1.7");
const SUBJECT_ALT_NAME: ObjectIdentifier = const_oid::db::rfc5280::ID_CE_SUBJECT_ALT_NAME;

fn fulcio_extension(
    certificate: &Certificate,
    arc: u32,
) -> Result<Option<String>, MalformedCertificate> {
    let oid = FULCIO.push_arc(arc).expect("an object identifier of ten arcs can be made longer");
    let Some(bytes) = certificate.extension(oid) else { return Ok(None) };
    let text = if RAW_EXTENSIONS.contains(&arc) {
        std::str::from_utf8(bytes).ok().map(str::to_owned)
    } else {
        Utf8StringRef::from_der(bytes).ok().map(|text| text.as_str().to_owned())
    };
    text.map(Some).ok_or(MalformedCertificate::Extension { oid })
}

fn names(certificate: &Certificate) -> Result<Vec<SubjectAlternativeName>, MalformedCertificate> {
    let malformed = MalformedCertificate::Extension { oid: SUBJECT_ALT_NAME };
    let names: Option<SubjectAltName> = certificate.decoded(SUBJECT_ALT_NAME)?;
    names
        .iter()
        .flat_map(|names| &names.0)
        .map(|name| match name {
            GeneralName::Rfc822Name(text) => Ok(SubjectAlternativeName::Email(text.to_string())),
            GeneralName::UniformResourceIdentifier(text) => {
                Ok(SubjectAlternativeName::Uri(text.to_string()))
            }
            GeneralName::DnsName(text) => Ok(SubjectAlternativeName::Dns(text.to_string())),
            GeneralName::OtherName(other) if other.type_id == OTHER_NAME => {
                let bytes = other.value.to_der().map_err(|_| malformed.clone())?;
                let text = Utf8StringRef::from_der(&bytes).map_err(|_| malformed.clone())?;
                Ok(SubjectAlternativeName::Other(text.as_str().to_owned()))
            }
            // A kind of name that no policy can name: a certificate with it is not ours to judge.
            _ => Err(malformed.clone()),
        })
        .collect()
}
