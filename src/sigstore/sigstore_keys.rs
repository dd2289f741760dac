//! *`SigstoreKeys`*: a trusted root as policy-controller's `TrustRoot` spells it, chains and keys in
//! PEM and no windows.

use crate::crypto::{KeyError, KeyKind, PublicKey};
use crate::digest::Digest;
use crate::limits::Limits;
use crate::sigstore::TrustRoot;
use crate::time::{UnixTime, Window};
use crate::timestamp::TimestampAuthority;
use crate::tlog::Log;
use crate::x509::{Certificate, CertificateAuthority, MalformedCertificate};

/// Authorities and logs in PEM.
#[derive(Clone, Debug, Default)]
pub struct SigstoreKeys {
    /// Certificate authorities.
    pub authorities: Vec<Chain>,
    /// Transparency logs.
    pub logs: Vec<LogKey>,
    /// Certificate transparency logs.
    pub ct_logs: Vec<LogKey>,
    /// Timestamp authorities.
    pub timestamp_authorities: Vec<Chain>,
}

/// The certificates of an authority.
#[derive(Clone, Debug)]
pub struct Chain {
    /// Where it is served.
    pub uri: String,
    /// The certificates, the self-signed root last.
    pub pem: String,
}

/// The key of a log.
#[derive(Clone, Debug)]
pub struct LogKey {
    /// Where it is served.
    pub url: String,
    /// The key.
    pub pem: String,
}

/// Which element of which list is wrong, and how.
#[derive(Debug, thiserror::Error)]
#[error("{list}[{at}] cannot be used")]
pub struct InvalidKeys {
    /// The list.
    pub list: &'static str,
    /// The element's number, from 0.
    pub at: usize,
    /// How.
    #[source]
    pub cause: InvalidKey,
}

/// Why a key or a chain cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidKey {
    /// The key is none.
    #[error(transparent)]
    Key(KeyError),
    /// Rekor signs with ECDSA.
    #[error("a transparency log signs with ECDSA, this key is {found}")]
    NotEcdsa {
        /// What it is.
        found: KeyKind,
    },
    /// A certificate is none.
    #[error(transparent)]
    Certificate(MalformedCertificate),
    /// There are too few certificates.
    #[error("the chain must hold {wanted}")]
    Short {
        /// What.
        wanted: &'static str,
    },
    /// The last certificate is signed by another.
    #[error("the last certificate is no root: it does not name itself as its issuer")]
    NoRoot,
}

impl SigstoreKeys {
    /// The trusted root they are: all of it in use since 1970 and without an end.
    pub fn into_root(self, limits: &Limits) -> Result<TrustRoot, InvalidKeys> {
        let digest = Digest::sha256(self.spelled().as_bytes());
        Ok(TrustRoot {
            digest,
            authorities: each("certificateAuthorities", self.authorities, |chain| {
                let (uri, certificates) = chain.read(limits)?;
                let wanted = "a certificate";
                CertificateAuthority::new(uri, always(), certificates)
                    .ok_or(InvalidKey::Short { wanted })
            })?,
            logs: each("tLogs", self.logs, |log| {
                let log = log.read()?;
                let found = log.key.kind();
                match found {
                    KeyKind::P256 | KeyKind::P384 | KeyKind::P521 => Ok(log),
                    _ => Err(InvalidKey::NotEcdsa { found }),
                }
            })?,
            ct_logs: each("ctLogs", self.ct_logs, LogKey::read)?,
            timestamp_authorities: each(
                "timestampAuthorities",
                self.timestamp_authorities,
                |chain| {
                    let (uri, certificates) = chain.read(limits)?;
                    let wanted = "the certificate that signs and one above it";
                    TimestampAuthority::new(uri, always(), certificates)
                        .ok_or(InvalidKey::Short { wanted })
                },
            )?,
            unusable: Vec::new(),
        })
    }

    /// The same where a chain may lack its root, if a chain of one certificate is that root: so
    /// repositories hold them, certificate by certificate.
    pub fn sharing_roots(mut self, limits: &Limits) -> Result<Self, InvalidKeys> {
        let read = each("certificateAuthorities", self.authorities.clone(), |chain| {
            let certificates = Certificate::all_from_pem(&chain.pem, limits);
            Ok((chain.pem, certificates.map_err(InvalidKey::Certificate)?))
        })?;
        let roots: Vec<_> = read
            .iter()
            .filter_map(|(pem, certificates)| match certificates.as_slice() {
                [root] if root.names_issuer(root) => Some((pem, root)),
                _ => None,
            })
            .collect();
        for (chain, (_, certificates)) in self.authorities.iter_mut().zip(&read) {
            let Some(last) = certificates.last().filter(|last| !last.names_issuer(last)) else {
                continue;
            };
            if let Some((pem, _)) = roots.iter().find(|(_, root)| last.names_issuer(root)) {
                chain.pem = format!("{}\n{pem}", chain.pem.trim_end());
            }
        }
        Ok(self)
    }

    fn spelled(&self) -> String {
        format!("{self:?}")
    }
}

fn each<A, B>(
    list: &'static str,
    elements: Vec<A>,
    read: impl Fn(A) -> Result<B, InvalidKey>,
) -> Result<Vec<B>, InvalidKeys> {
    let read = |(at, element)| read(element).map_err(|cause| InvalidKeys { list, at, cause });
    elements.into_iter().enumerate().map(read).collect()
}

fn always() -> Window {
    let epoch = UnixTime::from_seconds(0).expect("the epoch is a time");
    Window::new(epoch, None).expect("a window without an end ends after its start")
}

impl Chain {
    fn read(self, limits: &Limits) -> Result<(String, Vec<Certificate>), InvalidKey> {
        let certificates =
            Certificate::all_from_pem(&self.pem, limits).map_err(InvalidKey::Certificate)?;
        if certificates.last().is_some_and(|root| !root.names_issuer(root)) {
            return Err(InvalidKey::NoRoot);
        }
        Ok((self.uri, certificates))
    }
}

impl LogKey {
    fn read(self) -> Result<Log, InvalidKey> {
        let key = PublicKey::from_pem(&self.pem).map_err(InvalidKey::Key)?;
        let id = Digest::sha256(key.spki()).bytes().try_into().expect("a SHA-256 has 32 bytes");
        Ok(Log { base_url: self.url, id, key, window: always() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two roots with one digest would be one trust, and what the one proved proof for the other.
    #[test]
    fn a_digest_is_of_all_that_is_trusted() {
        let pem = "-----BEGIN PUBLIC KEY-----\n\
                   MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEm+ZBnlFrB/MsA8JlNClvgJLv9UHu\n\
                   bXahRcS6RQJrKlMrbMwzbQpcS+mLWal+GlY1O0pebhSef63NzGjnDuYwiQ==\n\
                   -----END PUBLIC KEY-----\n";
        let log = |url: &str| vec![LogKey { url: url.to_owned(), pem: pem.to_owned() }];
        let digest = |logs, ct_logs| {
            let keys = SigstoreKeys { logs, ct_logs, ..SigstoreKeys::default() };
            keys.into_root(&Limits::default()).unwrap().digest
        };
        let one = digest(log("https://a.example"), vec![]);
        assert_eq!(digest(log("https://a.example"), vec![]), one);
        let others = [
            digest(log("https://b.example"), vec![]),
            digest(vec![], log("https://a.example")),
            digest(vec![], vec![]),
        ];
        assert!(!others.contains(&one));
        assert!(others[0] != others[1] && others[1] != others[2] && others[0] != others[2]);
    }
}
