//! What every command that talks to a registry is told: how to reach it and who we are.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{env, fs, thread};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use clap::builder::BoolishValueParser;
use sealift::limits::Limits;
use sealift::net::{
    AuthFile, ChunkSize, ClientCertificate, HostOptions, Keychain, Proxies, Registry, Rekor,
    Retries, Scheme, Transport, TransportOptions, Verification,
};

use super::{input, output};

/// Bytes of an auth file or of a file of certificates. Bundles of distributions have some 250 KiB.
const FILE_BYTES: u64 = 16 << 20;

/// How registries are reached.
#[derive(Debug, Args)]
#[command(next_help_heading = "Registries")]
pub(crate) struct RegistryArgs {
    /// Use HTTP without TLS, for registries on this machine
    #[arg(long, env = "SEALIFT_PLAIN_HTTP", value_parser = BoolishValueParser::new())]
    pub plain_http: bool,

    /// Do not verify the certificates of the registries that are named here
    ///
    /// Whoever answers is believed to be the registry, and sees its credentials. What is asked for
    /// by digest is proven all the same; what a tag means is not. Hosts that a registry sends us to
    /// are verified.
    #[arg(long, env = "SEALIFT_INSECURE", conflicts_with = "plain_http", value_parser = BoolishValueParser::new())]
    pub insecure: bool,

    /// Trust these certificate authorities (PEM) as well (repeatable)
    ///
    /// Beside those of `SSL_CERT_FILE`, else of this machine, and beside the `*.crt` in the directory
    /// `HOST[:PORT]` of `~/.config/containers/certs.d`, `/etc/containers/certs.d` or
    /// `/etc/docker/certs.d`, the first that there is.
    #[arg(long = "ca-file", value_name = "FILE", env = "SEALIFT_CA_FILE")]
    pub ca_files: Vec<PathBuf>,

    /// Show this certificate (PEM) to registries that ask who we are
    ///
    /// Without it the first `*.cert` of the directory that `--ca-file` tells of, with the `*.key` of
    /// the same name. No other host sees it.
    #[arg(long, value_name = "FILE", env = "SEALIFT_CERT_FILE", requires = "key_file")]
    pub cert_file: Option<PathBuf>,

    /// The key (PEM, without a passphrase) of the certificate
    #[arg(long, value_name = "FILE", env = "SEALIFT_KEY_FILE", requires = "cert_file")]
    pub key_file: Option<PathBuf>,

    /// Take credentials from this file and no other
    ///
    /// Without it: `$REGISTRY_AUTH_FILE`, else the files of docker and podman, of which the first that
    /// knows a registry decides: `$DOCKER_CONFIG/config.json` or `~/.docker/config.json`,
    /// `$XDG_RUNTIME_DIR/containers/auth.json`, `$XDG_CONFIG_HOME/containers/auth.json` or
    /// `~/.config/containers/auth.json`, `/etc/ostree/auth.json`.
    #[arg(long, value_name = "FILE", env = "SEALIFT_AUTHFILE")]
    pub authfile: Option<PathBuf>,

    /// Requests and blobs on their way at a time
    #[arg(long, value_name = "N", env = "SEALIFT_CONCURRENCY", default_value_t = 6,
          value_parser = clap::value_parser!(u16).range(1..=64))]
    pub concurrency: u16,

    /// How often to try again after a broken connection, a 429 or a 5xx
    ///
    /// After 1, 2, 4 and at most 30 seconds, or after as long as `Retry-After` says; a registry that
    /// asks for more than five minutes is not asked again. Blobs go on where they broke off.
    #[arg(long, value_name = "N", env = "SEALIFT_RETRIES", default_value_t = 5,
          value_parser = clap::value_parser!(u32).range(0..=100))]
    pub retries: u32,
}

impl RegistryArgs {
    /// Requests and blobs on their way at a time.
    pub(crate) fn concurrency(&self) -> usize {
        usize::from(self.concurrency)
    }

    /// Prepares to talk to registries; nothing is sent.
    pub(crate) fn registries(&self, limits: &Limits) -> Result<Registries> {
        let scheme = if self.plain_http { Scheme::PlainHttp } else { Scheme::Https };
        let transport = self.transport(scheme)?;
        Ok(Registries {
            transport,
            keychain: Keychain::new(self.auth_files()?),
            limits: *limits,
            certificate: self.client_certificate()?,
            verification: if self.insecure {
                Verification::Insecure
            } else {
                Verification::Verified
            },
            known: BTreeMap::new(),
        })
    }

    fn client_certificate(&self) -> Result<Option<ClientCertificate>> {
        let files = self.cert_file.as_ref().zip(self.key_file.as_ref());
        files.map(|(chain, key)| client_certificate(chain, key)).transpose()
    }

    /// Prepares to ask a log; nothing is sent. HTTP without TLS only where it was chosen.
    pub(crate) fn rekor(&self, url: &str, limits: &Limits) -> Result<Rekor> {
        let is_plain = self.plain_http && url.starts_with("http://");
        let scheme = if is_plain { Scheme::PlainHttp } else { Scheme::Https };
        let transport = self.transport(scheme)?;
        Ok(Rekor::new(url, &transport, limits)?)
    }

    fn transport(&self, scheme: Scheme) -> Result<Transport> {
        let mut roots = Vec::new();
        if scheme == Scheme::Https {
            roots.extend(system_roots()?);
        }
        for path in &self.ca_files {
            roots.push(certificates(path)?);
        }
        let retries = Retries { count: self.retries, wait: Arc::new(wait) };
        let options = TransportOptions { scheme, roots, proxies: proxies()?, retries };
        Ok(Transport::new(&options)?)
    }

    fn auth_files(&self) -> Result<Vec<AuthFile>> {
        if let Some(path) = self.authfile.clone().or_else(|| variable("REGISTRY_AUTH_FILE")) {
            return Ok(vec![auth_file(&path)?]);
        }
        let home = variable("HOME");
        let below_home = |rest: &str| home.as_ref().map(|home| home.join(rest));
        let places = [
            variable("DOCKER_CONFIG")
                .or_else(|| below_home(".docker"))
                .map(|directory| directory.join("config.json")),
            variable("XDG_RUNTIME_DIR").map(|directory| directory.join("containers/auth.json")),
            variable("XDG_CONFIG_HOME")
                .or_else(|| below_home(".config"))
                .map(|directory| directory.join("containers/auth.json")),
            Some(PathBuf::from("/etc/ostree/auth.json")),
        ];
        let present = places.into_iter().flatten().filter(|path| path.is_file());
        present.map(|path| auth_file(&path)).collect()
    }
}

/// The registries of one run, each met once.
pub(crate) struct Registries {
    transport: Transport,
    keychain: Keychain,
    limits: Limits,
    /// What every registry that is named is shown.
    certificate: Option<ClientCertificate>,
    verification: Verification,
    known: BTreeMap<String, Registry>,
}

impl Registries {
    /// A registry, made known where it is not.
    pub(crate) fn add(&mut self, name: &str) -> Result<&Registry> {
        match self.known.entry(name.to_owned()) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(slot) => {
                let mut options = host_options(name)?;
                options.certificate = self.certificate.clone().or(options.certificate);
                options.verification = self.verification;
                let transport = self.transport.for_registry(name, &options)?;
                let registry = Registry::new(name, &transport, &self.keychain, &self.limits);
                Ok(slot.insert(registry))
            }
        }
    }

    /// The same, sending blobs in chunks of this size.
    pub(crate) fn in_chunks(self, size: Option<ChunkSize>) -> Self {
        Self { transport: self.transport.in_chunks(size), ..self }
    }

    /// A registry that was made known.
    pub(crate) fn get(&self, name: &str) -> Option<&Registry> {
        self.known.get(name)
    }
}

/// What lies in the `certs.d` of containers or docker for a registry: the first directory decides.
fn host_options(name: &str) -> Result<HostOptions> {
    let own = variable("HOME").map(|home| home.join(".config/containers/certs.d"));
    let shared = ["/etc/containers/certs.d", "/etc/docker/certs.d"].map(PathBuf::from);
    let mut places = own.into_iter().chain(shared).map(|place| place.join(name));
    let Some(directory) = places.find(|place| place.is_dir()) else {
        return Ok(HostOptions::default());
    };
    let unread = || format!("cannot read `{}`", directory.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(&directory).with_context(unread)? {
        files.push(entry.with_context(unread)?.path());
    }
    files.sort();
    let mut options = HostOptions::default();
    for file in &files {
        match file.extension().and_then(|it| it.to_str()) {
            Some("crt") => options.roots.push(certificates(file)?),
            Some("cert") => {
                let key = file.with_extension("key");
                if !files.contains(&key) {
                    bail!(
                        "`{}` has no `{}` beside it; a certificate authority ends in `.crt`",
                        file.display(),
                        key.display()
                    );
                }
                if options.certificate.is_none() {
                    options.certificate = Some(client_certificate(file, &key)?);
                }
            }
            Some("key") if !files.contains(&file.with_extension("cert")) => {
                let certificate = file.with_extension("cert");
                bail!("`{}` has no `{}` beside it", file.display(), certificate.display());
            }
            _ => {}
        }
    }
    Ok(options)
}

fn client_certificate(chain: &Path, key: &Path) -> Result<ClientCertificate> {
    let name = key.display().to_string();
    let key = (name, input::read(key, "key", FILE_BYTES)?);
    Ok(ClientCertificate { chain: certificates(chain)?, key })
}

/// The proxies of the environment, by the names Go looks for.
fn proxies() -> Result<Proxies> {
    let text = |names: [&str; 2]| {
        let value = names.into_iter().find_map(variable);
        value.map(|value| value.to_string_lossy().into_owned())
    };
    let http = text(["HTTP_PROXY", "http_proxy"]);
    let https = text(["HTTPS_PROXY", "https_proxy"]);
    let exempt = text(["NO_PROXY", "no_proxy"]);
    Ok(Proxies::parse(http.as_deref(), https.as_deref(), exempt.as_deref())?)
}

/// Waits before something is tried again, and says so.
fn wait(pause: std::time::Duration, why: &sealift::net::Error) {
    output::waiting(pause, why);
    thread::sleep(pause);
}

/// The authorities this machine trusts: `SSL_CERT_FILE`, else where distributions keep them, as Go
/// looks for them.
fn system_roots() -> Result<Option<(String, Vec<u8>)>> {
    const BUNDLES: [&str; 4] = [
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/ca-bundle.pem",
        "/etc/ssl/cert.pem",
    ];
    let path = variable("SSL_CERT_FILE")
        .or_else(|| BUNDLES.iter().map(PathBuf::from).find(|path| path.is_file()));
    path.map(|path| certificates(&path)).transpose()
}

fn certificates(path: &Path) -> Result<(String, Vec<u8>)> {
    Ok((path.display().to_string(), input::read(path, "certificates", FILE_BYTES)?))
}

fn auth_file(path: &Path) -> Result<AuthFile> {
    let bytes = input::read(path, "auth file", FILE_BYTES)?;
    Ok(AuthFile { name: path.display().to_string(), bytes })
}

#[expect(clippy::disallowed_methods, reason = "the environment is read in cli only")]
fn variable(name: &str) -> Option<PathBuf> {
    env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// A variable that holds a text.
#[expect(clippy::disallowed_methods, reason = "the environment is read in cli only")]
pub(crate) fn text_variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
