//! What every command that talks to a registry is told: how to reach it and who we are.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use clap::builder::BoolishValueParser;
use sealift::limits::Limits;
use sealift::net::{AuthFile, Keychain, Registry, Rekor, Scheme, Transport, TransportOptions};

use super::input;

/// Bytes of an auth file or of a file of certificates. Bundles of distributions have some 250 KiB.
const FILE_BYTES: u64 = 16 << 20;

/// How registries are reached.
#[derive(Debug, Args)]
#[command(next_help_heading = "Registries")]
pub(crate) struct RegistryArgs {
    /// Use HTTP without TLS, for registries on this machine
    #[arg(long, env = "SEALIFT_PLAIN_HTTP", value_parser = BoolishValueParser::new())]
    pub plain_http: bool,

    /// Trust these certificate authorities (PEM) as well (repeatable)
    ///
    /// Beside those of `SSL_CERT_FILE`, else of this machine.
    #[arg(long = "ca-file", value_name = "FILE", env = "SEALIFT_CA_FILE")]
    pub ca_files: Vec<PathBuf>,

    /// Take credentials from this file and no other
    ///
    /// Without it: `$REGISTRY_AUTH_FILE`, else the files of docker and podman, of which the first that
    /// knows a registry decides: `$DOCKER_CONFIG/config.json` or `~/.docker/config.json`,
    /// `$XDG_RUNTIME_DIR/containers/auth.json`, `$XDG_CONFIG_HOME/containers/auth.json` or
    /// `~/.config/containers/auth.json`, `/etc/ostree/auth.json`.
    #[arg(long, value_name = "FILE", env = "SEALIFT_AUTHFILE")]
    pub authfile: Option<PathBuf>,

    /// Requests and blobs on their way at a time
    #[arg(long, value_name = "N", env = "SEALIFT_CONCURRENCY", default_value_t = 4,
          value_parser = clap::value_parser!(u16).range(1..=64))]
    pub concurrency: u16,
}

impl RegistryArgs {
    /// Requests and blobs on their way at a time.
    pub(crate) fn concurrency(&self) -> usize {
        usize::from(self.concurrency)
    }

    /// Prepares to talk to registries; nothing is sent.
    pub(crate) fn registries(&self, limits: &Limits) -> Result<Registries> {
        let scheme = if self.plain_http { Scheme::PlainHttp } else { Scheme::Https };
        let mut roots = Vec::new();
        if scheme == Scheme::Https {
            roots.extend(system_roots()?);
        }
        for path in &self.ca_files {
            roots.push(certificates(path)?);
        }
        let transport = Transport::new(&TransportOptions { scheme, roots })?;
        let keychain = Keychain::new(self.auth_files()?);
        Ok(Registries { transport, keychain, limits: *limits, known: BTreeMap::new() })
    }

    /// Prepares to ask a log; nothing is sent. HTTP without TLS only where it was chosen.
    pub(crate) fn rekor(&self, url: &str, limits: &Limits) -> Result<Rekor> {
        let is_plain = self.plain_http && url.starts_with("http://");
        let scheme = if is_plain { Scheme::PlainHttp } else { Scheme::Https };
        let mut roots = Vec::new();
        if scheme == Scheme::Https {
            roots.extend(system_roots()?);
        }
        for path in &self.ca_files {
            roots.push(certificates(path)?);
        }
        let transport = Transport::new(&TransportOptions { scheme, roots })?;
        Ok(Rekor::new(url, &transport, limits)?)
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
    known: BTreeMap<String, Registry>,
}

impl Registries {
    /// A registry, made known where it is not.
    pub(crate) fn add(&mut self, name: &str) -> &Registry {
        self.known
            .entry(name.to_owned())
            .or_insert_with(|| Registry::new(name, &self.transport, &self.keychain, &self.limits))
    }

    /// A registry that was made known.
    pub(crate) fn get(&self, name: &str) -> Option<&Registry> {
        self.known.get(name)
    }
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
