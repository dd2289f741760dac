//! `sealift trust`: what a trusted root, a key or certificates say, told before anything is judged by
//! them.

use std::path::Path;

use anyhow::{Context, Result};
use sealift::crypto::PublicKey;
use sealift::digest::{Digest, hex};
use sealift::limits::Limits;
use sealift::report::json;
use sealift::report::text::Lines;
use sealift::sigstore::trust_root::Unusable;
use sealift::sigstore::{ManagedKey, TrustRoot};
use sealift::time::{UnixTime, Window};
use sealift::tlog::Log;
use sealift::x509::Certificate;
use serde::Serialize;

use super::args::{Format, TrustAction, TrustCommand, TrustShowArgs};
use super::exit::Exit;
use super::{input, output};

pub(crate) fn run(command: &TrustCommand) -> Result<Exit> {
    match &command.action {
        TrustAction::Show(args) => show(args),
    }
}

fn show(args: &TrustShowArgs) -> Result<Exit> {
    let shown = Shown::read(&args.file, &Limits::default())?;
    output::answer(&match args.format.format {
        Format::Text => shown.text(),
        Format::Json => json::to_string(&shown),
    })?;
    Ok(Exit::Admitted)
}

/// A file of trust as it is told. Its JSON is version 1 of the format of `trust show`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    version: u32,
    #[serde(skip)]
    what: &'static str,
    digest: Digest,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<ShownManagedKey>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    certificates: Vec<ShownCertificate>,
    certificate_authorities: Vec<ShownAuthority>,
    logs: Vec<ShownLog>,
    ct_logs: Vec<ShownLog>,
    timestamp_authorities: Vec<ShownAuthority>,
    unusable: Vec<ShownUnusable>,
}

/// A signer's key, and when it may have signed where that is said.
#[derive(Debug, Serialize)]
struct ShownManagedKey {
    #[serde(flatten)]
    key: ShownKey,
    #[serde(flatten)]
    window: Option<ShownWindow>,
}

/// A certificate or timestamp authority: its certificates, what signs first, the root last.
#[derive(Debug, Serialize)]
struct ShownAuthority {
    url: String,
    #[serde(flatten)]
    window: ShownWindow,
    certificates: Vec<ShownCertificate>,
}

#[derive(Debug, Serialize)]
struct ShownCertificate {
    subject: String,
    digest: Digest,
    key: ShownKey,
    #[serde(flatten)]
    window: ShownWindow,
}

#[derive(Debug, Serialize)]
struct ShownLog {
    url: String,
    id: String,
    key: ShownKey,
    #[serde(flatten)]
    window: ShownWindow,
}

#[derive(Debug, Serialize)]
struct ShownKey {
    kind: String,
    id: Digest,
}

#[derive(Debug, Serialize)]
struct ShownWindow {
    since: UnixTime,
    until: Option<UnixTime>,
}

#[derive(Debug, Serialize)]
struct ShownUnusable {
    place: String,
    url: String,
    reason: String,
}

impl Shown {
    /// Reads a file of any of the kinds that trust is given by, told by its first words.
    fn read(path: &Path, limits: &Limits) -> Result<Self> {
        let bytes = input::read(path, "file of trust", limits.metadata_bytes)?;
        let digest = Digest::sha256(&bytes);
        let text = str::from_utf8(&bytes).unwrap_or_default();
        let cannot = |what: &str| format!("{what} `{}` cannot be used", path.display());
        let begins = |with: &str| text.trim_start().starts_with(with);
        if begins("-----BEGIN CERTIFICATE-----") {
            let certificates = Certificate::all_from_pem(text, limits);
            let certificates = certificates.with_context(|| cannot("file of certificates"))?;
            let certificates = certificates.iter().map(ShownCertificate::from).collect();
            return Ok(Self { certificates, ..Self::of("file", digest) });
        }
        // A trusted root has keys as well, and says what it is.
        let is_message = text.contains("\"rawBytes\"") && !text.contains("\"mediaType\"");
        if begins("-----BEGIN ") || is_message {
            let key = ManagedKey::parse(text, limits).with_context(|| cannot("key"))?;
            return Ok(Self { key: Some((&key).into()), ..Self::of("file", digest) });
        }
        let root = TrustRoot::parse(&bytes, limits).with_context(|| cannot("trusted root"))?;
        Ok(Self::of_root(&root))
    }

    fn of(what: &'static str, digest: Digest) -> Self {
        Self {
            version: 1,
            what,
            digest,
            key: None,
            certificates: Vec::new(),
            certificate_authorities: Vec::new(),
            logs: Vec::new(),
            ct_logs: Vec::new(),
            timestamp_authorities: Vec::new(),
            unusable: Vec::new(),
        }
    }

    fn of_root(root: &TrustRoot) -> Self {
        let authorities = root.authorities().iter().map(|authority| ShownAuthority {
            url: authority.uri().to_owned(),
            window: authority.window().into(),
            certificates: authority.certificates().map(ShownCertificate::from).collect(),
        });
        let timestamp_authorities = root.timestamp_authorities().iter().map(|authority| {
            let chain = std::iter::once(authority.signer()).chain(authority.chain().certificates());
            ShownAuthority {
                url: authority.uri().to_owned(),
                window: authority.window().into(),
                certificates: chain.map(ShownCertificate::from).collect(),
            }
        });
        Self {
            certificate_authorities: authorities.collect(),
            logs: root.logs().iter().map(ShownLog::from).collect(),
            ct_logs: root.ct_logs().iter().map(ShownLog::from).collect(),
            timestamp_authorities: timestamp_authorities.collect(),
            unusable: root.unusable().iter().map(ShownUnusable::from).collect(),
            ..Self::of("root", *root.digest())
        }
    }
}

impl From<&ManagedKey> for ShownManagedKey {
    fn from(key: &ManagedKey) -> Self {
        Self { key: (&key.key).into(), window: key.window.map(ShownWindow::from) }
    }
}

impl From<&Certificate> for ShownCertificate {
    fn from(certificate: &Certificate) -> Self {
        Self {
            subject: certificate.subject(),
            digest: Digest::sha256(certificate.der()),
            key: certificate.key().into(),
            window: certificate.window().into(),
        }
    }
}

impl From<&Log> for ShownLog {
    fn from(log: &Log) -> Self {
        Self {
            url: log.base_url.clone(),
            id: hex(&log.id),
            key: (&log.key).into(),
            window: log.window.into(),
        }
    }
}

impl From<&PublicKey> for ShownKey {
    fn from(key: &PublicKey) -> Self {
        Self { kind: key.kind().to_string(), id: key.id() }
    }
}

impl From<Window> for ShownWindow {
    fn from(window: Window) -> Self {
        Self { since: window.start(), until: window.end() }
    }
}

impl From<&Unusable> for ShownUnusable {
    fn from(part: &Unusable) -> Self {
        Self { place: part.place.to_string(), url: part.url.clone(), reason: part.reason.clone() }
    }
}

impl Shown {
    fn text(&self) -> String {
        let mut lines = Lines::default();
        lines.hanging("", &format!("{} ", self.what), &self.digest.to_string());
        if let Some(ShownManagedKey { key, window }) = &self.key {
            lines.blank();
            lines.hanging("", "key ", &key.kind);
            lines.line("  ", &key.id.to_string());
            lines.line("  ", &window.as_ref().map_or("at any time".to_owned(), ShownWindow::text));
        }
        if !self.certificates.is_empty() {
            lines.blank();
            write_certificates(&mut lines, "", &self.certificates);
        }
        write_authorities(&mut lines, "certificate authority ", &self.certificate_authorities);
        write_logs(&mut lines, "log ", &self.logs);
        write_logs(&mut lines, "certificate transparency log ", &self.ct_logs);
        write_authorities(&mut lines, "timestamp authority ", &self.timestamp_authorities);
        for ShownUnusable { place, url, reason } in &self.unusable {
            lines.blank();
            lines.hanging("", "not usable ", &format!("{place} {url}"));
            lines.hanging("  ", "why ", reason);
        }
        lines.finish()
    }
}

fn write_authorities(lines: &mut Lines, what: &str, authorities: &[ShownAuthority]) {
    for ShownAuthority { url, window, certificates } in authorities {
        lines.blank();
        lines.hanging("", what, url);
        lines.line("  ", &window.text());
        write_certificates(lines, "  ", certificates);
    }
}

fn write_certificates(lines: &mut Lines, indent: &str, certificates: &[ShownCertificate]) {
    let below = format!("{indent}  ");
    for ShownCertificate { subject, digest, key, window } in certificates {
        lines.hanging(indent, "certificate ", subject);
        lines.line(&below, &digest.to_string());
        lines.line(&below, &format!("{}, {}", key.kind, window.text()));
    }
}

fn write_logs(lines: &mut Lines, what: &str, logs: &[ShownLog]) {
    for ShownLog { url, id, key, window } in logs {
        lines.blank();
        lines.hanging("", what, url);
        lines.line("  ", &window.text());
        lines.hanging("  ", "key ", &key.kind);
        lines.line("    ", &key.id.to_string());
        // The id of most logs is the SHA-256 of their key.
        if *id != key.id.hex() {
            lines.hanging("  ", "id ", id);
        }
    }
}

impl ShownWindow {
    fn text(&self) -> String {
        match self.until {
            Some(until) => format!("since {} until {until}", self.since),
            None => format!("since {}", self.since),
        }
    }
}
