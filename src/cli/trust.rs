//! `sealift trust`: what a trusted root says, told before anything is judged by it.

use anyhow::Result;
use sealift::crypto::PublicKey;
use sealift::digest::{Digest, hex};
use sealift::limits::Limits;
use sealift::report::json;
use sealift::report::text::Lines;
use sealift::sigstore::TrustRoot;
use sealift::sigstore::trust_root::Unusable;
use sealift::time::{UnixTime, Window};
use sealift::tlog::Log;
use sealift::x509::Certificate;
use serde::Serialize;

use super::args::{Format, TrustAction, TrustCommand, TrustShowArgs};
use super::exit::Exit;
use super::{output, signer};

pub(crate) fn run(command: &TrustCommand) -> Result<Exit> {
    match &command.action {
        TrustAction::Show(args) => show(args),
    }
}

fn show(args: &TrustShowArgs) -> Result<Exit> {
    let root = signer::read_root(&args.file, None, &Limits::default())?;
    let shown = Shown::from(&root);
    output::answer(&match args.format.format {
        Format::Text => shown.text(),
        Format::Json => json::to_string(&shown),
    })?;
    Ok(Exit::Admitted)
}

/// A trusted root as it is told. Its JSON is version 1 of the format of `trust show`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    version: u32,
    digest: Digest,
    certificate_authorities: Vec<ShownAuthority>,
    logs: Vec<ShownLog>,
    ct_logs: Vec<ShownLog>,
    timestamp_authorities: Vec<ShownAuthority>,
    unusable: Vec<ShownUnusable>,
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

impl From<&TrustRoot> for Shown {
    fn from(root: &TrustRoot) -> Self {
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
            version: 1,
            digest: *root.digest(),
            certificate_authorities: authorities.collect(),
            logs: root.logs().iter().map(ShownLog::from).collect(),
            ct_logs: root.ct_logs().iter().map(ShownLog::from).collect(),
            timestamp_authorities: timestamp_authorities.collect(),
            unusable: root.unusable().iter().map(ShownUnusable::from).collect(),
        }
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
        lines.hanging("", "root ", &self.digest.to_string());
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
        for ShownCertificate { subject, digest, key, window } in certificates {
            lines.hanging("  ", "certificate ", subject);
            lines.line("    ", &digest.to_string());
            lines.line("    ", &format!("{}, {}", key.kind, window.text()));
        }
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
