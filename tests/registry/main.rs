//! The registry client and the transfers against registries that answer as each test wants.
#![cfg(feature = "net")]
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::disallowed_types, clippy::disallowed_methods, unreachable_pub)]
#![allow(clippy::as_conversions, clippy::format_push_string, clippy::needless_pass_by_value)]

mod auth;
mod commands;
mod delta;
mod diff;
mod export;
mod faults;
mod mirror;
mod reach;
mod read_back;
mod reading;
mod round_trip;
mod server;
mod store;
#[path = "../support/mod.rs"]
mod support;

use sealift::digest::Digest;
use sealift::limits::Limits;
use sealift::net::{AuthFile, Keychain, Registry, Retries, Scheme, Transport, TransportOptions};
use sealift::oci::{Descriptor, MediaType};

use crate::server::{Answer, Server};

/// A registry client for `server`, with the auth file `auth`.
fn registry(server: &Server, auth: Option<String>) -> Registry {
    registry_with(server, auth, &Limits::default())
}

fn registry_with(server: &Server, auth: Option<String>, limits: &Limits) -> Registry {
    patient(server, auth, limits, &Retries::default())
}

/// A registry client that tries again.
fn patient(server: &Server, auth: Option<String>, limits: &Limits, retries: &Retries) -> Registry {
    registry_by(server, auth, limits, &transport(retries))
}

fn transport(retries: &Retries) -> Transport {
    let retries = retries.clone();
    let options =
        TransportOptions { scheme: Scheme::PlainHttp, retries, ..TransportOptions::default() };
    Transport::new(&options).unwrap()
}

fn registry_by(
    server: &Server,
    auth: Option<String>,
    limits: &Limits,
    transport: &Transport,
) -> Registry {
    let file = |text: String| AuthFile { name: "auth.json".to_owned(), bytes: text.into_bytes() };
    let keychain = Keychain::new(auth.map(file).into_iter().collect());
    Registry::new(&server.host(), transport, &keychain, limits)
}

/// A manifest that refers to nothing that must exist.
fn manifest(name: &str) -> Vec<u8> {
    let empty = Digest::sha256(b"{}");
    format!(
        r#"{{"schemaVersion":2,"mediaType":"{}","config":{{"mediaType":"{}","digest":"{empty}","size":2}},"layers":[],"annotations":{{"name":"{name}"}}}}"#,
        MediaType::OCI_MANIFEST,
        MediaType::OCI_EMPTY,
    )
    .into_bytes()
}

fn descriptor(media_type: &str, bytes: &[u8]) -> Descriptor {
    serde_json::from_value(serde_json::json!({
        "mediaType": media_type,
        "digest": Digest::sha256(bytes),
        "size": bytes.len(),
    }))
    .unwrap()
}

fn index(manifests: &[Descriptor]) -> Vec<u8> {
    serde_json::to_vec(&serde_json::json!({
        "schemaVersion": 2,
        "mediaType": MediaType::OCI_INDEX,
        "manifests": manifests,
    }))
    .unwrap()
}

fn ok_manifest(bytes: &[u8]) -> Answer {
    Answer::new(200).body(MediaType::OCI_MANIFEST, bytes)
}

fn ok_index(bytes: &[u8]) -> Answer {
    Answer::new(200).body(MediaType::OCI_INDEX, bytes)
}

/// An error and its causes, with the port of the server left out.
fn told(error: impl std::error::Error, server: &Server) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // Some errors tell their cause themselves.
        if !text.ends_with(&error.to_string()) {
            text += &format!(": {error}");
        }
        cause = error.source();
    }
    text.replace(&server.host(), "HOST")
}
