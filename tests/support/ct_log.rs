//! A *certificate transparency log*: signs that it has seen a certificate (RFC 6962, section 3.2).

use sealift::time::UnixTime;

use super::key::Key;

/// A log with a P-256 key.
#[derive(Clone)]
pub struct CtLog {
    pub url: String,
    pub key: Key,
}

impl CtLog {
    /// The log of `seed` at `url`.
    pub fn new(seed: &str, url: &str) -> Self {
        Self { url: url.to_owned(), key: Key::p256(seed) }
    }

    /// The signed timestamp over a certificate without its list of timestamps.
    pub fn timestamp(&self, tbs: &[u8], issuer_key_hash: &[u8; 32], time: UnixTime) -> Vec<u8> {
        let millis = u64::try_from(time.seconds()).expect("a log lives after 1970") * 1000
            + u64::from(time.nanos()) / 1_000_000;
        let length = u32::try_from(tbs.len()).expect("a certificate is small").to_be_bytes();
        // version v1, signature type certificate_timestamp
        let mut signed = vec![0, 0];
        signed.extend(millis.to_be_bytes());
        // entry type precert_entry
        signed.extend([0, 1]);
        signed.extend(issuer_key_hash);
        signed.extend(&length[1..]);
        signed.extend(tbs);
        // no extensions
        signed.extend([0, 0]);
        let signature = self.key.sign(&signed);

        let mut sct = vec![0];
        sct.extend(self.key.id());
        sct.extend(millis.to_be_bytes());
        sct.extend([0, 0]);
        // sha256, and rsa or ecdsa
        sct.extend([4, if matches!(self.key, Key::Rsa(_) | Key::RsaPss(..)) { 1 } else { 3 }]);
        sct.extend(two_bytes(signature.len()));
        sct.extend(signature);
        sct
    }

    /// The list of timestamps as a certificate embeds it.
    pub fn list(scts: &[Vec<u8>]) -> Vec<u8> {
        let items: Vec<u8> = scts
            .iter()
            .flat_map(|sct| two_bytes(sct.len()).into_iter().chain(sct.iter().copied()))
            .collect();
        [&two_bytes(items.len())[..], &items].concat()
    }
}

fn two_bytes(length: usize) -> [u8; 2] {
    u16::try_from(length).expect("a timestamp is small").to_be_bytes()
}
