//! A *timestamp authority*: signs that bytes existed at a time (RFC 3161), in a chain of its own.

use sealift::time::UnixTime;

use super::ca::{
    Certificate, authority_key_id, basic_constraints, extension, key_usage, subject_key_id,
};
use super::der;
use super::key::{Hash, Key, sha256};

/// Time stamping, the one extended key usage of a timestamp authority.
pub const TIME_STAMPING: &str = "1.3.6.1.5.5.7.3.8";

/// A self-signed root and the leaf below it that signs.
#[derive(Clone)]
pub struct TimestampAuthority {
    pub key: Key,
    pub leaf: Vec<u8>,
    pub root: Vec<u8>,
    name: Vec<u8>,
    issuer: Vec<u8>,
    serial: Vec<u8>,
}

impl TimestampAuthority {
    /// An authority whose certificates are valid from `start` to `end`.
    pub fn new(seed: &str, organization: &str, start: UnixTime, end: UnixTime) -> Self {
        let usage = extension("2.5.29.37", true, &der::sequence(&[der::oid(TIME_STAMPING)]));
        Self::with_usage(seed, organization, (start, end), usage)
    }

    /// The same with any extension in the place of the leaf's extended key usage.
    pub fn with_usage(
        seed: &str,
        organization: &str,
        validity: (UnixTime, UnixTime),
        usage: Vec<u8>,
    ) -> Self {
        let key = Key::p384(&format!("{seed} leaf"));
        Self::with_key(seed, organization, validity, usage, key)
    }

    /// The same with any key of the leaf.
    pub fn with_key(
        seed: &str,
        organization: &str,
        validity: (UnixTime, UnixTime),
        usage: Vec<u8>,
        key: Key,
    ) -> Self {
        let root_key = Key::p384(&format!("{seed} root"));
        let issuer = der::name(organization, "virtual-tsa-root");
        let name = der::name(organization, "virtual-tsa");
        let root = Certificate {
            issuer: issuer.clone(),
            subject: issuer.clone(),
            validity,
            key: root_key.spki(),
            extensions: vec![
                key_usage(&[5, 6]),
                basic_constraints(true, Some(0)),
                subject_key_id(&root_key),
            ],
        };
        let leaf = Certificate {
            issuer: issuer.clone(),
            subject: name.clone(),
            validity,
            key: key.spki(),
            extensions: vec![
                key_usage(&[0]),
                subject_key_id(&key),
                authority_key_id(&root_key),
                usage,
            ],
        };
        let serial = leaf.serial();
        Self {
            leaf: leaf.signed_by(&root_key, Hash::Sha384),
            root: root.signed_by(&root_key, Hash::Sha384),
            key,
            name,
            issuer,
            serial,
        }
    }

    /// The response over `message` at `time`, without certificates, as cosign keeps it.
    pub fn stamp(&self, message: &[u8], time: UnixTime) -> Vec<u8> {
        self.respond(&Stamp::new(message, time))
    }

    /// What the authority signs: the timestamp proper.
    pub fn info(&self, stamp: &Stamp) -> Vec<u8> {
        let serial = sha256(&stamp.imprint);
        der::sequence(&[
            der::number(1),
            der::oid("1.3.6.1.4.1.57264.2"),
            der::sequence(&[
                der::sequence(&[stamp.imprint_function(), der::null()]),
                der::octets(&stamp.imprint),
            ]),
            der::integer(&serial[..20]),
            der::precise_time(stamp.time),
            der::sequence(&[der::number(1)]),
            der::explicit(0, &der::explicit(4, &self.name)),
        ])
    }

    /// The response that `stamp` describes.
    pub fn respond(&self, stamp: &Stamp) -> Vec<u8> {
        let hash = stamp.attributes_hash;
        let hash_id = hash.oid();
        let info_type = der::oid(stamp.content_type);
        let info = self.info(stamp);
        let attribute = |dotted: &str, value: Vec<u8>| {
            let times = if stamp.doubled_attribute == Some(dotted) { 2 } else { 1 };
            let mut values = vec![value; times];
            let second = stamp.second_value.iter().filter(|(of, _)| *of == dotted);
            values.extend(second.map(|(_, value)| value.clone()));
            der::sequence(&[der::oid(dotted), der::set_of(values)])
        };
        // SHA-256 is the default, and DER leaves out defaults.
        let algorithm = match hash {
            Hash::Sha256 => Vec::new(),
            _ => der::sequence(std::slice::from_ref(&hash_id)),
        };
        let certificate_id = der::sequence(&[
            algorithm,
            der::octets(&hash.of(stamp.named_certificate.as_ref().unwrap_or(&self.leaf))),
            der::sequence(&[der::sequence(&[der::explicit(4, &self.issuer)]), self.serial.clone()]),
        ]);
        let mut attributes = vec![
            attribute("1.2.840.113549.1.9.3", info_type.clone()),
            attribute("1.2.840.113549.1.9.5", der::time(stamp.time)),
            attribute("1.2.840.113549.1.9.4", der::octets(&hash.of(&info))),
        ];
        if stamp.names_by_sha2 {
            let named = der::sequence(&[der::sequence(&[certificate_id])]);
            attributes.push(attribute("1.2.840.113549.1.9.16.2.47", named));
        }
        if let Some(sha1) = &stamp.named_by_sha1 {
            let named = der::sequence(&[der::sequence(&[der::sequence(&[der::octets(sha1)])])]);
            attributes.push(attribute("1.2.840.113549.1.9.16.2.12", named));
        }
        let attributes = der::set_of(attributes);
        let signing_key = stamp.signing_key.as_ref().unwrap_or(&self.key);
        // Inside the signer info the same set is tagged [0]; without it the content itself is signed.
        let (signed, tagged) = if stamp.has_attributes {
            (&attributes, [&[0xa0], &attributes[1..]].concat())
        } else {
            (&info, Vec::new())
        };
        let signature = signing_key.sign_with(hash, signed);
        let (version, named) = match &stamp.signer_key_id {
            None => (1, der::sequence(&[self.issuer.clone(), self.serial.clone()])),
            Some(id) => (3, der::implicit(0, id)),
        };
        let signer = der::sequence(&[
            der::number(version),
            named,
            der::sequence(std::slice::from_ref(&hash_id)),
            tagged,
            stamp.algorithm.clone().unwrap_or_else(|| self.key.signature_algorithm(hash)),
            der::octets(&signature),
        ]);
        let info = stamp.altered_info.clone().unwrap_or(info);
        let signed_data = der::sequence(&[
            der::number(3),
            der::set_of(vec![der::sequence(&[hash_id])]),
            der::sequence(&[info_type, der::explicit(0, &der::octets(&info))]),
            der::explicit(0, &stamp.certificates.concat()),
            der::set_of(vec![signer; stamp.signers]),
        ]);
        let content =
            der::sequence(&[der::oid("1.2.840.113549.1.7.2"), der::explicit(0, &signed_data)]);
        der::sequence(&[der::sequence(&[der::number(stamp.status)]), content])
    }
}

/// What a response says, open to be set wrong.
#[derive(Clone)]
pub struct Stamp {
    /// The hash of what is stamped.
    pub imprint: Vec<u8>,
    /// The function by which it is called.
    pub imprint_hash: Hash,
    /// The same by its object identifier, where it is no function that signs.
    pub imprint_oid: Option<&'static str>,
    /// The function of everything else.
    pub attributes_hash: Hash,
    /// Whether there are signed attributes.
    pub has_attributes: bool,
    /// The key id that names the signer, where serial number and issuer do not.
    pub signer_key_id: Option<Vec<u8>>,
    /// The signed attribute whose value stands twice.
    pub doubled_attribute: Option<&'static str>,
    /// A signed attribute and the value that it has beside its own.
    pub second_value: Option<(&'static str, Vec<u8>)>,
    pub time: UnixTime,
    /// Certificates to embed.
    pub certificates: Vec<Vec<u8>>,
    /// Content to carry instead of what was signed.
    pub altered_info: Option<Vec<u8>>,
    /// The type of the content.
    pub content_type: &'static str,
    /// The certificate that the signed attributes name, where it is not the authority's.
    pub named_certificate: Option<Vec<u8>>,
    /// The key that signs, where it is not the authority's.
    pub signing_key: Option<Key>,
    /// The algorithm of the signature, where it is not the key's usual one.
    pub algorithm: Option<Vec<u8>>,
    /// Whether the signed attributes name the certificate by SHA-2 (`ESSCertIDv2`).
    pub names_by_sha2: bool,
    /// Its SHA-1, where they name it by that (`ESSCertID`).
    pub named_by_sha1: Option<Vec<u8>>,
    pub status: u64,
    pub signers: usize,
}

/// The content type of a timestamp.
pub const TIMESTAMP_INFO: &str = "1.2.840.113549.1.9.16.1.4";

impl Stamp {
    /// What is right for `message` at `time`.
    pub fn new(message: &[u8], time: UnixTime) -> Self {
        Self {
            imprint: sha256(message).to_vec(),
            imprint_hash: Hash::Sha256,
            imprint_oid: None,
            attributes_hash: Hash::Sha256,
            has_attributes: true,
            signer_key_id: None,
            doubled_attribute: None,
            second_value: None,
            time,
            certificates: Vec::new(),
            altered_info: None,
            content_type: TIMESTAMP_INFO,
            named_certificate: None,
            signing_key: None,
            algorithm: None,
            names_by_sha2: true,
            named_by_sha1: None,
            status: 0,
            signers: 1,
        }
    }
    fn imprint_function(&self) -> Vec<u8> {
        self.imprint_oid.map_or_else(|| self.imprint_hash.oid(), der::oid)
    }
}
