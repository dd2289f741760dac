//! A *token*: the authority's signed answer (RFC 3161 section 2.4.2, CMS RFC 5652, RFC 5816).

use cms::content_info::{CmsVersion, ContentInfo};
use cms::signed_data::{SignedData, SignerIdentifier, SignerInfo};
use const_oid::ObjectIdentifier;
use const_oid::db::rfc5280::{ID_CE_SUBJECT_KEY_IDENTIFIER, ID_KP_TIME_STAMPING};
use const_oid::db::rfc5911::{ID_CONTENT_TYPE, ID_MESSAGE_DIGEST, ID_SIGNED_DATA};
use const_oid::db::rfc5912::{
    ECDSA_WITH_SHA_256, ECDSA_WITH_SHA_384, ECDSA_WITH_SHA_512, ID_SHA_256, ID_SHA_384, ID_SHA_512,
    RSA_ENCRYPTION, SHA_256_WITH_RSA_ENCRYPTION, SHA_384_WITH_RSA_ENCRYPTION,
    SHA_512_WITH_RSA_ENCRYPTION,
};
use der::asn1::{AnyRef, OctetString, OctetStringRef};
use der::{Any, Decode, DecodeValue, Encode, Header, Reader, SliceReader, Tag};
use spki::AlgorithmIdentifierOwned;
use x509_cert::ext::pkix::SubjectKeyIdentifier;

use super::TimestampAuthority;
use crate::crypto::{Hash, KeyKind, Message};
use crate::time::UnixTime;
use crate::x509::{Certificate, MalformedCertificate, PathError, Purpose};

/// A well-formed token whose signature is proven by nobody yet.
#[derive(Debug)]
pub struct Token {
    signer: SignerInfo,
    content: Vec<u8>,
    imprint_hash: Hash,
    imprint: Vec<u8>,
    time: UnixTime,
}

impl Token {
    /// Reads a `TimeStampResp` in DER that grants a token with exactly one signer.
    pub fn parse(response: &[u8]) -> Result<Self, TokenError> {
        let signed = signed_data(response)?;
        if signed.encap_content_info.econtent_type != ID_CT_TST_INFO {
            return Err(TokenError::ContentType);
        }
        let content = signed.encap_content_info.econtent.ok_or(TokenError::Malformed)?;
        let content: OctetString = content.decode_as().map_err(|_| TokenError::Malformed)?;
        let [signer] = signed.signer_infos.0.as_slice() else {
            return Err(TokenError::SignerCount { found: signed.signer_infos.0.len() });
        };
        if signed.version != CmsVersion::V3 {
            return Err(TokenError::Malformed);
        }
        let info = TstInfo::parse(content.as_bytes()).ok_or(TokenError::Malformed)?;
        let imprint_hash = hash_of(info.imprint_algorithm).ok_or(TokenError::Hash)?;
        Ok(Self {
            signer: signer.clone(),
            content: content.as_bytes().to_vec(),
            imprint_hash,
            imprint: info.imprint.to_vec(),
            time: info.time.ok_or(TokenError::Malformed)?,
        })
    }

    /// Whether the token names the pinned certificate of `authority` as its signer. Certificates
    /// inside the token are never looked at (CVE-2026-39984).
    pub fn names(&self, authority: &TimestampAuthority) -> bool {
        let certificate = authority.signer().inner();
        match &self.signer.sid {
            SignerIdentifier::IssuerAndSerialNumber(name) => {
                name.issuer == certificate.tbs_certificate.issuer
                    && name.serial_number == certificate.tbs_certificate.serial_number
            }
            SignerIdentifier::SubjectKeyIdentifier(id) => {
                let own: Option<SubjectKeyIdentifier> =
                    authority.signer().decoded(ID_CE_SUBJECT_KEY_IDENTIFIER).ok().flatten();
                own.is_some_and(|own| own == *id)
            }
        }
    }

    /// Proves that `authority` stamped `stamped`, and gives the time.
    pub fn verify(
        &self,
        stamped: &[u8],
        authority: &TimestampAuthority,
    ) -> Result<UnixTime, TokenError> {
        if self.imprint_hash.of(stamped) != self.imprint {
            return Err(TokenError::Imprint);
        }
        self.check_signature(authority.signer())?;
        check_usage(authority.signer())?;
        authority.chain().path(authority.signer(), self.time, Purpose::TimeStamping)?;
        Ok(self.time)
    }

    /// RFC 5652 section 5.4: the signature is over the signed attributes, which hold the content's
    /// hash; without them the content itself could pose as attributes.
    fn check_signature(&self, signer: &Certificate) -> Result<(), TokenError> {
        let attributes = self.signer.signed_attrs.as_ref().ok_or(TokenError::Attributes)?;
        let single = |oid| {
            let mut found = attributes.iter().filter(|attribute| attribute.oid == oid);
            match (found.next(), found.next()) {
                (Some(one), None) if one.values.len() == 1 => one.values.get(0),
                _ => None,
            }
        };
        let content_type: ObjectIdentifier = decode(single(ID_CONTENT_TYPE))?;
        if content_type != ID_CT_TST_INFO {
            return Err(TokenError::ContentType);
        }
        let hash = hash_of(self.signer.digest_alg.oid).ok_or(TokenError::Hash)?;
        let digest: OctetString = decode(single(ID_MESSAGE_DIGEST))?;
        if digest.as_bytes() != hash.of(&self.content) {
            return Err(TokenError::MessageDigest);
        }
        check_signing_certificate(single(ID_AA_SIGNING_CERTIFICATE_V2), signer)?;
        let signed = attributes.to_der().map_err(|_| TokenError::Attributes)?;
        let algorithm = self.signer.signature_algorithm.oid;
        let hash = signature_hash(algorithm, signer.key().kind(), hash)
            .ok_or(TokenError::SignatureAlgorithm)?;
        signer
            .key()
            .verify(Message::Bytes(&signed), self.signer.signature.as_bytes(), hash)
            .map_err(|_| TokenError::BadSignature)
    }
}

fn decode<'a, T: DecodeValue<'a> + der::Choice<'a>>(
    value: Option<&'a Any>,
) -> Result<T, TokenError> {
    value.and_then(|value| value.decode_as().ok()).ok_or(TokenError::Attributes)
}

/// RFC 3161 section 2.3: `extKeyUsage` is critical and timeStamping is its only purpose.
fn check_usage(signer: &Certificate) -> Result<(), TokenError> {
    match signer.extended_key_usage()? {
        Some((purposes, true)) if purposes == [ID_KP_TIME_STAMPING] => Ok(()),
        _ => Err(TokenError::Usage),
    }
}

/// RFC 5816: the signed attribute names the signer's certificate by its hash, the first one.
/// `SigningCertificateV2 ::= SEQUENCE { certs SEQUENCE OF ESSCertIDv2, ... }`,
/// `ESSCertIDv2 ::= SEQUENCE { hashAlgorithm DEFAULT sha256, certHash OCTET STRING, ... }`.
fn check_signing_certificate(value: Option<&Any>, signer: &Certificate) -> Result<(), TokenError> {
    let der = value.and_then(|value| value.to_der().ok()).ok_or(TokenError::SigningCertificate)?;
    let named = SliceReader::new(&der).and_then(|mut reader| {
        reader.sequence(|outer| {
            let certificates = AnyRef::decode(outer)?;
            let mut certificates = SliceReader::new(certificates.value())?;
            let first = AnyRef::decode(&mut certificates)?;
            outer.read_slice(outer.remaining_len())?;
            let mut first = SliceReader::new(first.value())?;
            let algorithm = match first.peek_tag()? {
                Tag::Sequence => AlgorithmIdentifierOwned::decode(&mut first)?.oid,
                _ => ID_SHA_256,
            };
            Ok((algorithm, OctetStringRef::decode(&mut first)?.as_bytes().to_vec()))
        })
    });
    let (algorithm, value) = named.map_err(|_| TokenError::SigningCertificate)?;
    let hash = hash_of(algorithm).ok_or(TokenError::Hash)?;
    if hash.of(signer.der()) == value { Ok(()) } else { Err(TokenError::SigningCertificate) }
}

/// `TimeStampResp ::= SEQUENCE { status PKIStatusInfo, timeStampToken ContentInfo OPTIONAL }`, with
/// status granted (0) or granted with changes (1).
fn signed_data(response: &[u8]) -> Result<SignedData, TokenError> {
    let mut reader = SliceReader::new(response).map_err(|_| TokenError::Malformed)?;
    let (status, token) = reader
        .sequence(|fields| {
            let status = fields.sequence(|status| {
                let code = u8::decode(status)?;
                status.read_slice(status.remaining_len())?;
                Ok(code)
            })?;
            Ok((status, Option::<ContentInfo>::decode(fields)?))
        })
        .and_then(|both| reader.finish(both))
        .map_err(|_| TokenError::Malformed)?;
    if status > 1 {
        return Err(TokenError::NotGranted { status });
    }
    let token =
        token.filter(|token| token.content_type == ID_SIGNED_DATA).ok_or(TokenError::Malformed)?;
    token.content.decode_as().map_err(|_| TokenError::Malformed)
}

/// The part of `TSTInfo` that decides: version, message imprint and time. Accuracy, ordering and
/// nonce decide nothing here.
struct TstInfo<'a> {
    imprint_algorithm: ObjectIdentifier,
    imprint: &'a [u8],
    time: Option<UnixTime>,
}

impl<'a> TstInfo<'a> {
    fn parse(der: &'a [u8]) -> Option<Self> {
        let mut reader = SliceReader::new(der).ok()?;
        let info = reader
            .sequence(|fields| {
                let version = u8::decode(fields)?;
                ObjectIdentifier::decode(fields)?;
                let (imprint_algorithm, imprint) = fields.sequence(|imprint| {
                    let algorithm = AlgorithmIdentifierOwned::decode(imprint)?.oid;
                    Ok((algorithm, OctetStringRef::decode(imprint)?.as_bytes()))
                })?;
                AnyRef::decode(fields)?; // serialNumber
                let header = Header::decode(fields)?;
                header.tag.assert_eq(Tag::GeneralizedTime)?;
                let time = fields.read_slice(header.length)?;
                fields.read_slice(fields.remaining_len())?;
                let time = if version == 1 { generalized_time(time) } else { None };
                Ok(Self { imprint_algorithm, imprint, time })
            })
            .ok()?;
        reader.finish(info).ok()
    }
}

/// `YYYYMMDDhhmmss[.f*]Z`, the fraction without trailing zeros (RFC 3161 section 2.4.2).
fn generalized_time(text: &[u8]) -> Option<UnixTime> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (whole, fraction) =
        text.split_once('.').map_or((text, None), |(whole, fraction)| (whole, Some(fraction)));
    let well_formed = |digits: &str| digits.bytes().all(|digit| digit.is_ascii_digit());
    if whole.len() != 14 || !well_formed(whole) {
        return None;
    }
    if fraction
        .is_some_and(|digits| digits.is_empty() || digits.ends_with('0') || !well_formed(digits))
    {
        return None;
    }
    let part = |range| whole.get(range).unwrap_or_default();
    let fraction = fraction.map(|digits| format!(".{digits}")).unwrap_or_default();
    let (date, time) = (
        format!("{}-{}-{}", part(0..4), part(4..6), part(6..8)),
        format!("{}:{}:{}{fraction}Z", part(8..10), part(10..12), part(12..14)),
    );
    // jiff takes a leap second for the second before; a timestamp authority's clock has none.
    if part(12..14) == "60" { None } else { format!("{date}T{time}").parse().ok() }
}

fn hash_of(oid: ObjectIdentifier) -> Option<Hash> {
    match oid {
        ID_SHA_256 => Some(Hash::Sha256),
        ID_SHA_384 => Some(Hash::Sha384),
        ID_SHA_512 => Some(Hash::Sha512),
        _ => None,
    }
}

/// The hash of the signature: the one its algorithm names, else that of the attributes. The
/// algorithm must be one of the key's.
fn signature_hash(algorithm: ObjectIdentifier, key: KeyKind, attributes: Hash) -> Option<Hash> {
    use KeyKind::{P256, P384, P521, Rsa};
    match (algorithm, key) {
        (ECDSA_WITH_SHA_256, P256 | P384 | P521) | (SHA_256_WITH_RSA_ENCRYPTION, Rsa { .. }) => {
            Some(Hash::Sha256)
        }
        (ECDSA_WITH_SHA_384, P256 | P384 | P521) | (SHA_384_WITH_RSA_ENCRYPTION, Rsa { .. }) => {
            Some(Hash::Sha384)
        }
        (ECDSA_WITH_SHA_512, P256 | P384 | P521) | (SHA_512_WITH_RSA_ENCRYPTION, Rsa { .. }) => {
            Some(Hash::Sha512)
        }
        (RSA_ENCRYPTION, Rsa { .. }) => Some(attributes),
        _ => None,
    }
}

const ID_CT_TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
const ID_AA_SIGNING_CERTIFICATE_V2: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");

/// Why a timestamp proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It is no `TimeStampResp` in DER with a token.
    #[error("the timestamp is no well-formed RFC 3161 response")]
    Malformed,
    /// The authority refused.
    #[error("the timestamp response has status {status}, not granted")]
    NotGranted {
        /// Its status.
        status: u8,
    },
    /// There is not exactly one signer.
    #[error("the timestamp has {found} signers, not one")]
    SignerCount {
        /// How many.
        found: usize,
    },
    /// The content is no `TSTInfo`.
    #[error("the timestamp's content is no TSTInfo")]
    ContentType,
    /// A hash function is none of SHA-256, SHA-384 and SHA-512.
    #[error("the timestamp is made with a hash function other than SHA-256, SHA-384 or SHA-512")]
    Hash,
    /// The stamped hash is of something else.
    #[error("the timestamp is of another signature")]
    Imprint,
    /// The signed attributes are missing or malformed.
    #[error("the timestamp's signed attributes are missing or malformed")]
    Attributes,
    /// The signed hash is of another content.
    #[error("the timestamp's signed attributes are of another content")]
    MessageDigest,
    /// The signed attributes do not name the authority's certificate.
    #[error("the timestamp's signed attributes do not name the authority's certificate")]
    SigningCertificate,
    /// The signature algorithm is none we know.
    #[error("the timestamp's signature algorithm is not supported")]
    SignatureAlgorithm,
    /// The signature does not verify.
    #[error("the timestamp is no signature of the authority")]
    BadSignature,
    /// The authority's certificate is not for timestamps, or not only.
    #[error("the authority's certificate is not for timestamps alone")]
    Usage,
    /// The authority's certificate is malformed.
    #[error("{0}")]
    Certificate(#[from] MalformedCertificate),
    /// No path leads to the authority's root at the time of the timestamp.
    #[error("{0}")]
    Path(#[from] PathError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generalized_times() {
        let read = |text: &str| generalized_time(text.as_bytes()).map(|time| time.to_string());
        assert_eq!(read("20260301120000Z"), Some("2026-03-01T12:00:00Z".to_owned()));
        assert_eq!(read("20260301120000.25Z"), Some("2026-03-01T12:00:00.25Z".to_owned()));
        for wrong in [
            "20260301120000",
            "20260301120000+0100",
            "202603011200Z",
            "202603011200001Z",
            "20260301120060Z",
            "20260230120000Z",
            "2026030112000xZ",
            "+2026030112000Z",
            "20260301120000.Z",
            "20260301120000.0Z",
            "20260301120000.250Z",
            "20260301120000.2xZ",
            "20260301120000,25Z",
            "20260301120000.25.25Z",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
