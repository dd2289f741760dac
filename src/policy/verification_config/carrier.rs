//! What *carries* a config in a cluster: a `ConfigMap`, under the key `verification-config`, which a
//! `PolicyServer` names.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serde_saphyr::Spanned;

use super::Problem;
use crate::policy::document::{Error, NOWHERE, Place};
use crate::policy::{Policy, verification_config};

/// The key under which a policy server looks for its config.
const KEY: &str = "verification-config";

/// Whether a document carries a config.
pub(in crate::policy) fn is_carrier(document: &Value) -> bool {
    let kind = document.get("kind").and_then(Value::as_str);
    kind == Some("ConfigMap") && document.get("data").is_some_and(|data| data.get(KEY).is_some())
}

/// A config that a `ConfigMap` carries.
pub(in crate::policy) struct Carried {
    /// The name of the `ConfigMap`; empty where it has none.
    pub name: String,
    namespace: Option<String>,
    config: Spanned<String>,
}

impl Carried {
    pub(in crate::policy) fn read(place: &Place<'_>) -> Result<Self, Error> {
        let ConfigMap { metadata, mut data } = place.read()?;
        let Metadata { name, namespace } = metadata.unwrap_or_default();
        let Some(config) = data.remove(KEY) else {
            return Err(place.error(NOWHERE, Problem::NothingDemanded));
        };
        Ok(Self { name: name.unwrap_or_default(), namespace, config })
    }

    /// Where the config stands, as a document of the file that `place` is in.
    pub(in crate::policy) fn place<'a>(&'a self, place: &Place<'a>) -> Result<Place<'a>, Error> {
        let at = self.config.referenced.line().max(1);
        let documents = place.document.within(&self.config.value, at);
        let [document] = documents.as_slice() else {
            let problem = Problem::NotOneDocument { found: documents.len() };
            return Err(place.error(Some(&self.config), problem));
        };
        Ok(Place { document: *document, ..*place })
    }

    /// The policy, called as the `ConfigMap` is.
    pub(in crate::policy) fn policy(&self, place: &Place<'_>) -> Result<Policy, Error> {
        let policy = verification_config::read(&self.place(place)?)?;
        let id = match (self.namespace.as_deref(), self.name.as_str()) {
            (_, "") => policy.id,
            (Some(namespace), name) => format!("{namespace}/{name}"),
            (None, name) => name.to_owned(),
        };
        Ok(Policy { id, ..policy })
    }
}

/// What a `PolicyServer` names.
pub(in crate::policy) struct PolicyServer<'a> {
    place: Place<'a>,
    config: Option<Spanned<String>>,
    trust: Option<String>,
}

impl<'a> PolicyServer<'a> {
    pub(in crate::policy) fn read(place: Place<'a>) -> Result<Self, Error> {
        let Server { api_version, spec } = place.read()?;
        if !["policies.kubewarden.io/v1", "policies.kubewarden.io/v1alpha2"]
            .contains(&api_version.value.as_str())
        {
            let found = api_version.value.clone();
            return Err(place.error(Some(&api_version), Problem::OtherVersion { found }));
        }
        let ServerSpec { verification_config, sigstore_trust_config } = spec.unwrap_or_default();
        let config = verification_config.filter(|name| !name.value.is_empty());
        let trust = sigstore_trust_config.filter(|name| !name.is_empty());
        Ok(Self { place, config, trust })
    }

    /// A server that names no config decides nothing: that is remarked on the first policy, and an
    /// error where there is none.
    pub(in crate::policy) fn remark(&self, first: Option<&mut Policy>) -> Result<(), Error> {
        match (&self.config, first) {
            (Some(_), _) => Ok(()),
            (None, None) => Err(self.place.error(NOWHERE, Problem::NoConfig)),
            (None, Some(policy)) => {
                policy.remarks.push(format!(
                    "the PolicyServer at {} has no `spec.verificationConfig`: by it nothing is decided",
                    self.place.origin()
                ));
                Ok(())
            }
        }
    }

    /// Finds the config among those that are carried, by the names of their `ConfigMap`s, and remarks
    /// on it what the server says besides.
    pub(in crate::policy) fn find<'p>(
        &self,
        carried: impl Iterator<Item = (&'p str, &'p mut Policy)>,
    ) -> Result<(), Error> {
        let Some(config) = &self.config else { return Ok(()) };
        let mut is_given = false;
        for (_, policy) in carried.filter(|(name, _)| *name == config.value) {
            is_given = true;
            policy.remarks.extend(self.trust.iter().map(|trust| {
                format!(
                    "the policy server has a trust of its own, the ConfigMap `{}`: give its trusted \
                     root by `--trusted-root`",
                    trust.escape_debug()
                )
            }));
        }
        let name = config.value.clone();
        if is_given {
            Ok(())
        } else {
            Err(self.place.error(Some(config), Problem::ConfigNotGiven { name }))
        }
    }
}

#[derive(Deserialize)]
struct ConfigMap {
    metadata: Option<Metadata>,
    data: BTreeMap<String, Spanned<String>>,
}

#[derive(Default, Deserialize)]
struct Metadata {
    name: Option<String>,
    namespace: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Server {
    api_version: Spanned<String>,
    spec: Option<ServerSpec>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ServerSpec {
    verification_config: Option<Spanned<String>>,
    sigstore_trust_config: Option<String>,
}
