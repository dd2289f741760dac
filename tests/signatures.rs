//! Keys and signatures that OpenSSL made, `testdata/signatures.json`: every kind of key that is
//! accepted verifies its own signature and no other's, and every other kind is refused by name.
//! Whichever backend is compiled in, the verdicts are these.
#![expect(clippy::unwrap_used, reason = "a test stops where its table is not as it must be")]
#![expect(clippy::disallowed_methods, reason = "a test reads files")]

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use const_oid::ObjectIdentifier;
use sealift::crypto::{Hash, InvalidSignature, KeyError, KeyKind, Message, PublicKey};
use serde_json::Value;

const RSA_PSS: [&str; 3] =
    ["PKIX_RSA_PSS_2048_SHA256", "PKIX_RSA_PSS_3072_SHA256", "PKIX_RSA_PSS_4096_SHA256"];

/// A row of the table.
struct Signed {
    name: String,
    key: PublicKey,
    signature: Vec<u8>,
}

impl Signed {
    fn all(table: &Value, list: &str) -> Vec<Self> {
        table[list].as_array().unwrap().iter().map(Self::read).collect()
    }

    fn read(row: &Value) -> Self {
        let key = PublicKey::from_spki(&bytes(&row["key"])).unwrap();
        Self {
            name: row["name"].as_str().unwrap().to_owned(),
            key: key.used_as(row["details"].as_str().unwrap()),
            signature: bytes(&row["signature"]),
        }
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        self.key.verify(Message::Bytes(message), signature, self.key.default_hash())
    }
}

fn table() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/signatures.json");
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn bytes(field: &Value) -> Vec<u8> {
    STANDARD.decode(field.as_str().unwrap()).unwrap()
}

#[test]
fn a_key_verifies_what_it_signed_and_nothing_else() {
    let table = table();
    let (message, rows) = (bytes(&table["message"]), Signed::all(&table, "good"));
    for (at, row) in rows.iter().enumerate() {
        for (other, signed) in rows.iter().enumerate() {
            let verdict = row.verify(&message, &signed.signature).is_ok();
            assert_eq!(verdict, at == other, "{} by {}", signed.name, row.name);
        }
        let mut flipped = row.signature.clone();
        *flipped.last_mut().unwrap() ^= 1;
        let does_not = Err(InvalidSignature::DoesNotVerify);
        assert_eq!(row.verify(&message, &flipped), does_not, "{}", row.name);
        assert_eq!(row.verify(b"signed by nobody", &row.signature), does_not, "{}", row.name);
    }
}

#[test]
fn kinds_and_their_names() {
    let table = table();
    let rsa_pss = |bits, hash| KeyKind::RsaPss { bits, hash };
    let expected = [
        (KeyKind::P256, "ECDSA P-256"),
        (KeyKind::P384, "ECDSA P-384"),
        (KeyKind::P521, "ECDSA P-521"),
        (KeyKind::Ed25519, "Ed25519"),
        (KeyKind::Rsa { bits: 2048 }, "RSA-2048"),
        (rsa_pss(2048, Hash::Sha256), "RSA-2048 PSS sha256"),
        (KeyKind::Rsa { bits: 3072 }, "RSA-3072"),
        (rsa_pss(3072, Hash::Sha256), "RSA-3072 PSS sha256"),
        (KeyKind::Rsa { bits: 4096 }, "RSA-4096"),
        (rsa_pss(4096, Hash::Sha256), "RSA-4096 PSS sha256"),
        (rsa_pss(2048, Hash::Sha256), "RSA-2048 PSS sha256"),
        (rsa_pss(3072, Hash::Sha384), "RSA-3072 PSS sha384"),
        (rsa_pss(4096, Hash::Sha512), "RSA-4096 PSS sha512"),
    ];
    let rows = Signed::all(&table, "good");
    assert_eq!(rows.len(), expected.len());
    for ((row, found), (kind, name)) in
        rows.iter().zip(table["good"].as_array().unwrap()).zip(expected)
    {
        assert_eq!((row.key.kind(), row.key.kind().to_string()), (kind, name.to_owned()));
        let details = found["details"].as_str().unwrap();
        assert_eq!(kind.details().first().copied().unwrap_or_default(), details, "{}", row.name);
    }
}

/// The mask, the hash or the salt is another than the key's.
#[test]
fn a_pss_signature_of_another_form() {
    let table = table();
    let message = bytes(&table["message"]);
    let rows = Signed::all(&table, "bad_signatures");
    assert_eq!(rows.len(), 5);
    for row in rows {
        let found = row.verify(&message, &row.signature);
        assert_eq!(found, Err(InvalidSignature::DoesNotVerify), "{}", row.name);
    }
}

/// The hash is the key's whatever is asked for, and a message by another hash is none it signed.
#[test]
fn a_pss_key_has_its_own_hash() {
    let table = table();
    let message = bytes(&table["message"]);
    for (name, hash) in [("pss384", Hash::Sha384), ("rsa2048-pss", Hash::Sha256)] {
        let rows = Signed::all(&table, "good");
        let row = rows.iter().find(|row| row.name == name).unwrap();
        for asked in [Hash::Sha256, Hash::Sha384, Hash::Sha512] {
            let whole = row.key.verify(Message::Bytes(&message), &row.signature, asked);
            assert_eq!(whole, Ok(()), "{name}");
            let value = asked.of(&message);
            let hashed = row.key.verify(Message::Hashed(asked, &value), &row.signature, asked);
            let expected = if asked == hash { Ok(()) } else { Err(InvalidSignature::OtherHash) };
            assert_eq!(hashed, expected, "{name}");
        }
    }
}

/// `keyDetails` decide for an RSA key that does not say its scheme, and for no other.
#[test]
fn details_change_no_other_key() {
    for row in Signed::all(&table(), "good") {
        let changed: Vec<_> =
            RSA_PSS.into_iter().filter(|name| row.key.clone().used_as(name) != row.key).collect();
        let expected: &[&str] = match row.key.kind() {
            KeyKind::Rsa { bits: 2048 } => &RSA_PSS[..1],
            KeyKind::Rsa { bits: 3072 } => &RSA_PSS[1..2],
            KeyKind::Rsa { bits: 4096 } => &RSA_PSS[2..],
            _ => &[],
        };
        assert_eq!(changed, expected, "{}", row.name);
        let by_pkcs1 = row.key.kind().details().first().copied().unwrap_or_default();
        assert_eq!(row.key.clone().used_as(by_pkcs1), row.key, "{}", row.name);
    }
}

#[test]
fn every_other_key_is_refused_by_name() {
    let oid = |text: &str| ObjectIdentifier::new_unwrap(text);
    let expected = [
        ("p224", KeyError::UnsupportedCurve { oid: oid("1.3.132.0.33") }),
        ("k256", KeyError::UnsupportedCurve { oid: oid("1.3.132.0.10") }),
        ("explicit", KeyError::Malformed),
        ("ed448", KeyError::UnsupportedAlgorithm { oid: oid("1.3.101.113") }),
        ("rsa1024", KeyError::RsaModulus { bits: 1024 }),
        ("rsa2040", KeyError::RsaModulus { bits: 2040 }),
        ("rsa4104", KeyError::RsaModulus { bits: 4104 }),
        ("exponent3", KeyError::RsaExponent),
        ("unrestricted", KeyError::PssUnrestricted),
        ("pss-sha1", KeyError::PssHash { oid: oid("1.3.14.3.2.26") }),
        ("pss-sha224", KeyError::PssHash { oid: oid("2.16.840.1.101.3.4.2.4") }),
        ("pss-other-mask", KeyError::PssMask),
        ("pss-no-salt", KeyError::PssSalt { expected: 32, found: 0 }),
        ("pss-long-salt", KeyError::PssSalt { expected: 32, found: 64 }),
        ("pss-1024", KeyError::RsaModulus { bits: 1024 }),
    ];
    let table = table();
    let rows = table["bad_keys"].as_array().unwrap();
    assert_eq!(rows.len(), expected.len());
    for (row, (name, why)) in rows.iter().zip(expected) {
        assert_eq!(row["name"], name);
        assert_eq!(PublicKey::from_spki(&bytes(&row["key"])), Err(why), "{name}");
    }
}
