//! A *key* of the virtual Sigstore: derived from a seed, signing without chance, so that the same
//! evidence comes out of every run.

use p256::ecdsa::signature::hazmat::PrehashSigner as _;
use p256::elliptic_curve::rand_core::{CryptoRng, Error, RngCore};
use p521::ecdsa::signature::hazmat::RandomizedPrehashSigner as _;
use rsa::traits::PublicKeyParts as _;
use rsa::{Pkcs1v15Sign, Pss};
use sealift::digest::{Algorithm, Digest};
use sha2::{Sha256, Sha384, Sha512};

use super::der;

/// A private key of any kind that signs images.
#[derive(Clone)]
pub enum Key {
    P256(p256::ecdsa::SigningKey),
    P384(p384::ecdsa::SigningKey),
    P521(p521::ecdsa::SigningKey),
    Ed25519(ed25519_dalek::SigningKey),
    Rsa(Box<rsa::RsaPrivateKey>),
    RsaPss(Box<rsa::RsaPrivateKey>, PssUse),
}

/// How an RSA key signs by RSASSA-PSS.
#[derive(Clone, Copy)]
pub struct PssUse {
    pub hash: Hash,
    /// Bytes of salt.
    pub salt: usize,
    /// Whether the key itself says so; else only a trusted root's `keyDetails` do.
    pub named: bool,
}

/// The hash that a signature is made over.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    /// Its length in bytes.
    pub fn length(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// Its object identifier in DER.
    pub fn oid(self) -> Vec<u8> {
        der::oid(match self {
            Self::Sha256 => "2.16.840.1.101.3.4.2.1",
            Self::Sha384 => "2.16.840.1.101.3.4.2.2",
            Self::Sha512 => "2.16.840.1.101.3.4.2.3",
        })
    }

    /// The hash value of `bytes`.
    pub fn of(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => sha256(bytes).to_vec(),
            Self::Sha384 => <Sha384 as sha2::Digest>::digest(bytes).to_vec(),
            Self::Sha512 => Digest::of(Algorithm::Sha512, bytes).bytes().to_vec(),
        }
    }
}

impl Key {
    /// The P-256 key of `seed`.
    pub fn p256(seed: &str) -> Self {
        let mut source = Source::new(seed);
        Self::P256(
            source.accepted(32, 0xff, |bytes| p256::ecdsa::SigningKey::from_slice(bytes).ok()),
        )
    }

    /// The P-384 key of `seed`.
    pub fn p384(seed: &str) -> Self {
        let mut source = Source::new(seed);
        Self::P384(
            source.accepted(48, 0xff, |bytes| p384::ecdsa::SigningKey::from_slice(bytes).ok()),
        )
    }

    /// The P-521 key of `seed`.
    pub fn p521(seed: &str) -> Self {
        let mut source = Source::new(seed);
        Self::P521(
            source.accepted(66, 0x01, |bytes| p521::ecdsa::SigningKey::from_slice(bytes).ok()),
        )
    }

    /// The Ed25519 key of `seed`.
    pub fn ed25519(seed: &str) -> Self {
        Self::Ed25519(ed25519_dalek::SigningKey::from_bytes(&sha256(seed.as_bytes())))
    }

    /// The RSA key of `seed` with exponent 65537; takes a second to find.
    pub fn rsa(seed: &str, bits: usize) -> Self {
        let key = rsa::RsaPrivateKey::new(&mut Source::new(seed), bits)
            .expect("primes of that size exist");
        Self::Rsa(Box::new(key))
    }

    /// The same by RSASSA-PSS, as the key itself says.
    pub fn rsa_pss(seed: &str, hash: Hash) -> Self {
        Self::rsa(seed, 2048).used_by_pss(PssUse { hash, salt: hash.length(), named: true })
    }

    /// An RSA key used by RSASSA-PSS.
    pub fn used_by_pss(self, pss: PssUse) -> Self {
        match self {
            Self::Rsa(key) | Self::RsaPss(key, _) => Self::RsaPss(key, pss),
            _ => unreachable!("RSASSA-PSS is for RSA keys"),
        }
    }

    /// The same key used by RSASSA-PKCS1-v1_5.
    pub fn used_by_pkcs1(self) -> Self {
        match self {
            Self::RsaPss(key, _) => Self::Rsa(key),
            other => other,
        }
    }

    /// Signs as cosign does with any key: SHA-256 first, except for Ed25519, which hashes itself.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.sign_with(Hash::Sha256, message)
    }

    /// Signs the `hash` of `message`; Ed25519 signs the message, a key for RSASSA-PSS its own hash.
    pub fn sign_with(&self, hash: Hash, message: &[u8]) -> Vec<u8> {
        let prehash = hash.of(message);
        match self {
            Self::P256(key) => {
                let signature: p256::ecdsa::Signature =
                    key.sign_prehash(&prehash).expect("a hash of 32 bytes or more is signed");
                signature.to_der().as_bytes().to_vec()
            }
            Self::P384(key) => {
                let signature: p384::ecdsa::Signature =
                    key.sign_prehash(&prehash).expect("a hash of 24 bytes or more is signed");
                signature.to_der().as_bytes().to_vec()
            }
            Self::P521(key) => {
                // The crate refuses hashes below half the field; zeros in front are the same number.
                let mut padded = vec![0; 66 - prehash.len()];
                padded.extend_from_slice(&prehash);
                let signature: p521::ecdsa::Signature = key
                    .sign_prehash_with_rng(&mut Source::new("nonce"), &padded)
                    .expect("a hash of the field's size is signed");
                signature.to_der().as_bytes().to_vec()
            }
            Self::Ed25519(key) => {
                use ed25519_dalek::Signer as _;
                key.sign(message).to_bytes().to_vec()
            }
            Self::Rsa(key) => {
                let padding = match hash {
                    Hash::Sha256 => Pkcs1v15Sign::new::<Sha256>(),
                    Hash::Sha384 => Pkcs1v15Sign::new::<Sha384>(),
                    Hash::Sha512 => Pkcs1v15Sign::new::<Sha512>(),
                };
                key.sign(padding, &prehash).expect("the modulus holds the padded hash")
            }
            Self::RsaPss(key, PssUse { hash, salt, .. }) => {
                let padding = match hash {
                    Hash::Sha256 => Pss::new_with_salt::<Sha256>(*salt),
                    Hash::Sha384 => Pss::new_with_salt::<Sha384>(*salt),
                    Hash::Sha512 => Pss::new_with_salt::<Sha512>(*salt),
                };
                key.sign_with_rng(&mut Source::new("salt"), padding, &hash.of(message))
                    .expect("the modulus holds hash and salt")
            }
        }
    }

    /// The hash a Sigstore bundle uses with this key.
    pub fn hash(&self) -> Hash {
        match self {
            Self::P384(_) => Hash::Sha384,
            Self::P521(_) => Hash::Sha512,
            Self::RsaPss(_, pss) => pss.hash,
            _ => Hash::Sha256,
        }
    }

    /// The name of this key's algorithm in a trusted root or a Rekor v2 entry.
    pub fn details(&self) -> &'static str {
        match self {
            Self::P256(_) => "PKIX_ECDSA_P256_SHA_256",
            Self::P384(_) => "PKIX_ECDSA_P384_SHA_384",
            Self::P521(_) => "PKIX_ECDSA_P521_SHA_512",
            Self::Ed25519(_) => "PKIX_ED25519",
            Self::Rsa(_) => "PKIX_RSA_PKCS1V15_2048_SHA256",
            Self::RsaPss(..) => "PKIX_RSA_PSS_2048_SHA256",
        }
    }

    /// The algorithm identifier of a signature over `hash` by this key.
    pub fn signature_algorithm(&self, hash: Hash) -> Vec<u8> {
        let dotted = match (self, hash) {
            (Self::Ed25519(_), _) => "1.3.101.112",
            (Self::Rsa(_), Hash::Sha256) => "1.2.840.113549.1.1.11",
            (Self::Rsa(_), Hash::Sha384) => "1.2.840.113549.1.1.12",
            (Self::Rsa(_), Hash::Sha512) => "1.2.840.113549.1.1.13",
            (Self::RsaPss(..), _) => unreachable!("nothing here is certified by such a key"),
            (_, Hash::Sha256) => "1.2.840.10045.4.3.2",
            (_, Hash::Sha384) => "1.2.840.10045.4.3.3",
            (_, Hash::Sha512) => "1.2.840.10045.4.3.4",
        };
        match self {
            Self::Rsa(_) => der::sequence(&[der::oid(dotted), der::null()]),
            _ => der::sequence(&[der::oid(dotted)]),
        }
    }

    /// The public key as it stands inside the subject public key info.
    pub fn public_bytes(&self) -> Vec<u8> {
        match self {
            Self::P256(key) => key.verifying_key().to_encoded_point(false).as_bytes().to_vec(),
            Self::P384(key) => key.verifying_key().to_encoded_point(false).as_bytes().to_vec(),
            Self::P521(key) => {
                p521::ecdsa::VerifyingKey::from(key).to_encoded_point(false).as_bytes().to_vec()
            }
            Self::Ed25519(key) => key.verifying_key().to_bytes().to_vec(),
            Self::Rsa(key) | Self::RsaPss(key, _) => der::sequence(&[
                der::integer(&key.n().to_bytes_be()),
                der::integer(&key.e().to_bytes_be()),
            ]),
        }
    }

    /// The subject public key info in DER.
    pub fn spki(&self) -> Vec<u8> {
        let elliptic = |curve| der::sequence(&[der::oid("1.2.840.10045.2.1"), der::oid(curve)]);
        let algorithm = match self {
            Self::P256(_) => elliptic("1.2.840.10045.3.1.7"),
            Self::P384(_) => elliptic("1.3.132.0.34"),
            Self::P521(_) => elliptic("1.3.132.0.35"),
            Self::Ed25519(_) => der::sequence(&[der::oid("1.3.101.112")]),
            Self::RsaPss(_, PssUse { hash, salt, named: true }) => {
                pss_algorithm(*hash, *hash, *salt)
            }
            Self::Rsa(_) | Self::RsaPss(..) => {
                der::sequence(&[der::oid("1.2.840.113549.1.1.1"), der::null()])
            }
        };
        der::sequence(&[algorithm, der::bits(&self.public_bytes())])
    }

    /// The public key in PEM, as `cosign.pub` holds it.
    pub fn public_pem(&self) -> String {
        der::pem("PUBLIC KEY", &self.spki())
    }

    /// SHA-256 of the subject public key info: the id of a Rekor v1 or CT log, and cosign's hint.
    pub fn id(&self) -> [u8; 32] {
        sha256(&self.spki())
    }
}

/// `id-RSASSA-PSS` and its parameters (RFC 4055 section 3.1).
pub fn pss_algorithm(hash: Hash, mask: Hash, salt: usize) -> Vec<u8> {
    let named = |hash: Hash| der::sequence(&[hash.oid(), der::null()]);
    let mgf1 = der::sequence(&[der::oid("1.2.840.113549.1.1.8"), named(mask)]);
    let salt = der::number(u64::try_from(salt).expect("a salt is short"));
    let parameters = der::sequence(&[
        der::explicit(0, &named(hash)),
        der::explicit(1, &mgf1),
        der::explicit(2, &salt),
    ]);
    der::sequence(&[der::oid("1.2.840.113549.1.1.10"), parameters])
}

/// SHA-256 of `bytes`.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Digest::sha256(bytes).bytes().try_into().expect("SHA-256 has 32 bytes")
}

/// Bytes that follow from a seed: SHA-256 over the seed and a counter.
struct Source {
    seed: [u8; 32],
    counter: u64,
    rest: Vec<u8>,
}

impl Source {
    fn new(seed: &str) -> Self {
        Self { seed: sha256(seed.as_bytes()), counter: 0, rest: Vec::new() }
    }

    /// The first `length` bytes that `accept` takes, the leading one masked.
    fn accepted<T>(&mut self, length: usize, mask: u8, accept: impl Fn(&[u8]) -> Option<T>) -> T {
        loop {
            let mut bytes = vec![0; length];
            self.fill_bytes(&mut bytes);
            bytes[0] &= mask;
            if let Some(found) = accept(&bytes) {
                return found;
            }
        }
    }
}

impl RngCore for Source {
    fn next_u32(&mut self) -> u32 {
        let mut bytes = [0; 4];
        self.fill_bytes(&mut bytes);
        u32::from_le_bytes(bytes)
    }

    fn next_u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.fill_bytes(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn fill_bytes(&mut self, dest: &mut [u8]) {
        for byte in dest {
            if self.rest.is_empty() {
                self.rest =
                    sha256(&[&self.seed[..], &self.counter.to_be_bytes()].concat()).to_vec();
                self.counter += 1;
            }
            *byte = self.rest.pop().expect("a block was just made");
        }
    }

    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), Error> {
        self.fill_bytes(dest);
        Ok(())
    }
}

/// Not random at all, which is the point; the crates ask for the promise.
impl CryptoRng for Source {}
