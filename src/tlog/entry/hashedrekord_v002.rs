//! `hashedrekord` 0.0.2: the one kind of Rekor v2, for messages and for envelopes alike, whose
//! logged hash is then that of the pre-authentication encoding.

use serde::Deserialize;

use super::{Body, BodyError, Kind, Logged, Verifier, base64, spec};
use crate::crypto::{Hash, PublicKey};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spec {
    #[serde(rename = "hashedRekordV002")]
    record: Record,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    data: Data,
    signature: Signature,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Data {
    algorithm: String,
    digest: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Signature {
    content: String,
    verifier: RawVerifier,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawVerifier {
    key_details: String,
    x509_certificate: Option<RawBytes>,
    public_key: Option<RawBytes>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawBytes {
    raw_bytes: String,
}

pub(super) fn parse(text: &str) -> Result<Body, BodyError> {
    let Spec { record: Record { data, signature } } = spec(text)?;
    let hash = match data.algorithm.as_str() {
        "SHA2_256" => Hash::Sha256,
        "SHA2_384" => Hash::Sha384,
        "SHA2_512" => Hash::Sha512,
        _ => return Err(BodyError::Malformed { field: "data.algorithm" }),
    };
    let value = base64(&data.digest, "data.digest")?;
    if value.len() != hash.length() {
        return Err(BodyError::Malformed { field: "data.digest" });
    }
    Ok(Body {
        kind: Kind::HashedRekordV002,
        content: Logged::Message {
            hash,
            value,
            signature: base64(&signature.content, "signature.content")?,
        },
        verifier: verifier(&signature.verifier)?,
        key_details: Some(signature.verifier.key_details),
    })
}

/// As in the other kinds, a key is read as one; a certificate is where it stands as evidence.
fn verifier(raw: &RawVerifier) -> Result<Verifier, BodyError> {
    let malformed = BodyError::Malformed { field: "signature.verifier" };
    let bytes = |raw: &RawBytes| base64(&raw.raw_bytes, "signature.verifier");
    match (&raw.x509_certificate, &raw.public_key) {
        (Some(certificate), None) => Ok(Verifier::Certificate(bytes(certificate)?)),
        (None, Some(key)) => match PublicKey::from_spki(&bytes(key)?) {
            Ok(key) => Ok(Verifier::Key(key.spki().to_vec())),
            Err(_) => Err(malformed),
        },
        _ => Err(malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: &str = r#"{"hashedRekordV002":{"data":{"algorithm":"SHA2_256","digest":"VEdfJHoirKrkqaHDUbmXzRzDEELh43Q846GicSHPTRo="},"signature":{"content":"AA==","verifier":{"keyDetails":"PKIX_ECDSA_P256_SHA_256","publicKey":{"rawBytes":"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEm+ZBnlFrB/MsA8JlNClvgJLv9UHubXahRcS6RQJrKlMrbMwzbQpcS+mLWal+GlY1O0pebhSef63NzGjnDuYwiQ=="}}}}}"#;

    fn refused(what: &str, by: &str) -> Option<&'static str> {
        assert!(SPEC.contains(what), "{what}");
        match parse(&SPEC.replace(what, by)) {
            Err(BodyError::Malformed { field }) => Some(field),
            _ => None,
        }
    }

    /// Found by fuzzing: either was kept as bare bytes.
    #[test]
    fn hashes_and_keys_are_read_as_what_they_are() {
        assert_eq!(refused("", ""), None);
        let key = Some("signature.verifier");
        // Another curve, and no key at all.
        assert_eq!(refused("IKoZIzj0DAQcD", "IKoZIzj0ADQcD"), key);
        assert_eq!(refused("MFkwEwYHKoZIzj0CAQYI", ""), key);
        let digest = Some("data.digest");
        assert_eq!(refused("SHA2_256", "SHA2_384"), digest);
        assert_eq!(refused("SHA2_256", "SHA2_512"), digest);
        assert_eq!(refused("TRo=", "TQ=="), digest);
    }
}
