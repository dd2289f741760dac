//! *Signed certificate timestamps* (RFC 6962, section 3): the promises of certificate transparency
//! logs that are embedded in a certificate.

use const_oid::ObjectIdentifier;
use der::asn1::OctetStringRef;
use der::{Decode, Encode};

use super::Certificate;
use crate::crypto::{Hash, Message, PublicKey};
use crate::digest::Digest;
use crate::time::{UnixTime, Window};

/// One promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCertificateTimestamp {
    /// Which log made it: the SHA-256 of the log's key.
    pub log_id: [u8; 32],
    /// When.
    pub timestamp: UnixTime,
    milliseconds: u64,
    extensions: Vec<u8>,
    signature: Vec<u8>,
}

impl SignedCertificateTimestamp {
    /// The promises embedded in `certificate`; none where the extension is absent.
    pub fn all_in(certificate: &Certificate) -> Result<Vec<Self>, SctError> {
        let Some(extension) = certificate.extension(SCT_LIST) else { return Ok(Vec::new()) };
        let list = OctetStringRef::from_der(extension).map_err(|_| SctError::Malformed)?;
        parse_list(list.as_bytes()).ok_or(SctError::Malformed)
    }

    /// Proves the promise by the log's key: that the key's window holds the timestamp, and that the
    /// log signed this certificate without its promises, as issued by `issuer`.
    pub fn verify(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        key: &PublicKey,
        window: Window,
    ) -> Result<(), SctError> {
        if !window.contains(self.timestamp) {
            return Err(SctError::OutsideLogWindow { timestamp: self.timestamp });
        }
        let signed = self.signed_bytes(certificate, issuer).ok_or(SctError::Malformed)?;
        key.verify(Message::Bytes(&signed), &self.signature, Hash::Sha256)
            .map_err(|_| SctError::BadSignature)
    }

    /// `digitally-signed struct` of RFC 6962, section 3.2, for an entry of type `precert_entry`.
    fn signed_bytes(&self, certificate: &Certificate, issuer: &Certificate) -> Option<Vec<u8>> {
        let mut tbs = certificate.inner().tbs_certificate.clone();
        if let Some(extensions) = &mut tbs.extensions {
            extensions.retain(|extension| extension.extn_id != SCT_LIST);
        }
        let tbs = tbs.to_der().ok()?;
        let length = u32::try_from(tbs.len()).ok().filter(|length| *length < 1 << 24)?;
        let extensions_length = u16::try_from(self.extensions.len()).ok()?;
        let mut bytes = vec![0, 0];
        bytes.extend(self.milliseconds.to_be_bytes());
        bytes.extend([0, 1]);
        bytes.extend(Digest::sha256(issuer.key().spki()).bytes());
        bytes.extend(length.to_be_bytes().into_iter().skip(1));
        bytes.extend(tbs);
        bytes.extend(extensions_length.to_be_bytes());
        bytes.extend(&self.extensions);
        Some(bytes)
    }
}

const SCT_LIST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.11129.2.4.2");

/// `SignedCertificateTimestampList`: a length and that many bytes of `SerializedSCT`, each with a length.
fn parse_list(bytes: &[u8]) -> Option<Vec<SignedCertificateTimestamp>> {
    let (mut list, rest) = take_sized(bytes)?;
    let mut timestamps = Vec::new();
    while !list.is_empty() {
        let (one, others) = take_sized(list)?;
        timestamps.push(parse_one(one)?);
        list = others;
    }
    (rest.is_empty() && !timestamps.is_empty()).then_some(timestamps)
}

/// Version (v1 is 0), log id, milliseconds, extensions, hash (SHA-256 is 4) and signature algorithm
/// (ECDSA is 3, RSA is 1), signature.
fn parse_one(bytes: &[u8]) -> Option<SignedCertificateTimestamp> {
    let ([0], bytes) = bytes.split_first_chunk::<1>()? else { return None };
    let (log_id, bytes) = bytes.split_first_chunk::<32>()?;
    let (milliseconds, bytes) = bytes.split_first_chunk::<8>()?;
    let (extensions, bytes) = take_sized(bytes)?;
    let ([4, 1 | 3], bytes) = bytes.split_first_chunk::<2>()? else { return None };
    let (signature, rest) = take_sized(bytes)?;
    let milliseconds = u64::from_be_bytes(*milliseconds);
    let seconds = i64::try_from(milliseconds / 1000).ok()?;
    let nanos = u32::try_from(milliseconds % 1000 * 1_000_000).ok()?;
    rest.is_empty().then_some(SignedCertificateTimestamp {
        log_id: *log_id,
        timestamp: UnixTime::from_parts(seconds, nanos)?,
        milliseconds,
        extensions: extensions.to_vec(),
        signature: signature.to_vec(),
    })
}

/// Two bytes of length and that many bytes; and the rest.
fn take_sized(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, bytes) = bytes.split_first_chunk::<2>()?;
    bytes.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

/// Why a signed certificate timestamp proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SctError {
    /// The list is not well formed.
    #[error("the list of signed certificate timestamps is malformed")]
    Malformed,
    /// The log's key was not valid then.
    #[error("the log's key was not valid at {timestamp}")]
    OutsideLogWindow {
        /// The time of the promise.
        timestamp: UnixTime,
    },
    /// The log did not sign it.
    #[error("it is no signature of the log over this certificate and issuer")]
    BadSignature,
}
