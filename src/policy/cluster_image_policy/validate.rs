//! What policy-controller's own validation says of a policy, in its words
//! (`pkg/apis/policy/v1beta1/clusterimagepolicy_validation.go`, `pkg/apis/policy/common/validation.go`).
//!
//! Oddities are kept, for they are in the text: attestations are told without their number, and
//! `spec.policy` without `policy`.

use serde_saphyr::Spanned;

use super::SYSTEM_NAMESPACE;
use super::document::{
    Attestation, Authority, Identity, Key, Keyless, Match, Policy, Source, Spec, Static, elements,
    line, present, text,
};
use super::field_error::{FieldErrors, below};
use super::go;
use crate::crypto::{KeyError, PublicKey};
use crate::limits::Limits;
use crate::policy::{Glob, TextMatcher};

/// Where validation happens.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    /// Whether defaults were filled in before, as the webhook does.
    pub defaulted: bool,
    /// `fail-on-empty-authorities` of the controller's configuration.
    pub fail_on_empty_authorities: bool,
    /// The resources that `match` may name; any where none is listed.
    pub resources: &'a [&'a str],
}

impl Setting<'_> {
    /// That of policy-tester, which is also that of files here.
    pub const TESTER: Self =
        Self { defaulted: true, fail_on_empty_authorities: true, resources: &[] };
}

/// What is wrong with a specification, and what is merely worth a word.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub errors: FieldErrors,
    pub warnings: FieldErrors,
}

/// Validates a specification that begins in the line `at` of its document.
pub(super) fn validate(spec: &Spec, at: u64, setting: Setting<'_>, limits: &Limits) -> Findings {
    let mut check = Check { findings: Findings::default(), setting, limits };
    check.spec(spec, at);
    check.findings
}

struct Check<'a> {
    findings: Findings,
    setting: Setting<'a>,
    limits: &'a Limits,
}

impl Check<'_> {
    fn errors(&mut self) -> &mut FieldErrors {
        &mut self.findings.errors
    }

    fn spec(&mut self, spec: &Spec, at: u64) {
        let images = elements(&spec.images);
        if images.is_empty() {
            self.errors().missing(&below("spec", &["images"]), at);
        }
        for (index, image) in images.iter().enumerate() {
            let path = format!("spec.images[{index}].glob");
            match present(&image.value.glob) {
                None => self.errors().missing(&[path], line(image)),
                Some(glob) => self.glob(glob, path),
            }
        }
        let authorities = elements(&spec.authorities);
        if authorities.is_empty() && self.setting.fail_on_empty_authorities {
            self.errors().missing(&below("spec", &["authorities"]), at);
        }
        for (index, authority) in authorities.iter().enumerate() {
            self.authority(authority, &format!("spec.authorities[{index}]"));
        }
        if let Some(mode) = present(&spec.mode)
            && !matches!(mode.value.as_str(), "enforce" | "warn")
        {
            self.invalid(mode, "spec.mode".to_owned(), "unsupported mode");
        }
        for (index, object) in elements(&spec.objects).iter().enumerate() {
            self.object(object, &format!("spec.match[{index}]"));
        }
        if let Some(policy) = &spec.policy {
            self.policy(policy, "spec");
        }
    }

    fn glob(&mut self, glob: &Spanned<String>, path: String) {
        let details = match Glob::parse(&glob.value, self.limits) {
            _ if !go::is_file_pattern(&glob.value) => "syntax error in pattern".to_owned(),
            Ok(_) => return,
            Err(_) => format!("invalid glob {}", go::quoted(&glob.value)),
        };
        self.invalid(glob, path, &format!("glob is invalid: {details}"));
    }

    fn object(&mut self, object: &Spanned<Match>, path: &str) {
        let Match { group, version, resource, selector } = &object.value;
        let resources = self.setting.resources;
        if let Some(resource) = present(resource)
            && !resources.is_empty()
            && !resources.contains(&resource.value.as_str())
        {
            self.invalid(resource, format!("{path}.resource"), "unsupported resource name");
        }
        if let Some(selector) = selector
            && [group, version, resource].into_iter().all(|field| present(field).is_none())
        {
            let details = "selector requires a resource type to match the labels";
            let path = format!("{path}.selector");
            self.errors().invalid("", path, details, line(selector));
        }
    }

    fn authority(&mut self, authority: &Spanned<Authority>, path: &str) {
        let at = line(authority);
        let authority = &authority.value;
        let kinds = below(path, &["key", "keyless", "static"]);
        let Authority { key, keyless, decree, .. } = authority;
        match (key, keyless, decree) {
            (None, None, None) => return self.errors().neither(&kinds, at),
            (Some(key), None, None) => self.key(key, &format!("{path}.key")),
            (None, Some(keyless), None) => self.keyless(keyless, &format!("{path}.keyless")),
            (None, None, Some(decree)) => {
                self.decree(decree, &format!("{path}.static"));
                self.alone(authority, path, line(decree));
            }
            _ => return self.errors().both(&kinds, at),
        }
        if let Some(sources) = &authority.source {
            if sources.value.len() > 1 {
                let details = "only single source is supported";
                self.errors().invalid("source", format!("{path}.source"), details, line(sources));
            }
            for (index, source) in sources.value.iter().enumerate() {
                self.source(source, &format!("{path}.source[{index}]"));
            }
        }
        for attestation in elements(&authority.attestations) {
            self.attestation(attestation, &format!("{path}.attestations"));
        }
    }

    /// What decides by decree looks at no evidence, wherever it is.
    fn alone(&mut self, authority: &Authority, path: &str, at: u64) {
        let Authority { attestations, source, ctlog, rfc3161timestamp, .. } = authority;
        let others = [
            (!elements(attestations).is_empty(), "attestations"),
            (source.as_ref().is_some_and(|source| !source.value.is_empty()), "source"),
            (ctlog.is_some(), "ctlog"),
            (rfc3161timestamp.is_some(), "rfc3161timestamp"),
        ];
        for (_, field) in others.into_iter().filter(|(stands, _)| *stands) {
            self.errors().both(&below(path, &["static", field]), at);
        }
    }

    fn key(&mut self, key: &Spanned<Key>, path: &str) {
        let at = line(key);
        let Key { data, secret_ref, kms, hash_algorithm } = &key.value;
        let (data, kms) = (present(data), present(kms));
        let given = [data.is_some(), kms.is_some(), secret_ref.is_some()];
        let sources = below(path, &["data", "kms", "secretref"]);
        match given.into_iter().filter(|given| *given).count() {
            0 => self.errors().neither(&sources, at),
            1 => {}
            _ => self.errors().both(&sources, at),
        }
        if let Some(algorithm) = present(hash_algorithm)
            && hash_name(&algorithm.value).is_none()
        {
            self.invalid(algorithm, format!("{path}.hashAlgorithm"), "");
        }
        if let Some(data) = data
            && matches!(
                PublicKey::from_first_pem(&data.value),
                Err(KeyError::Pem(_) | KeyError::Malformed)
            )
        {
            self.invalid(data, format!("{path}.data"), "");
        }
        if let Some(namespace) = secret_ref.as_ref().and_then(|held| present(&held.value.namespace))
            && namespace.value != SYSTEM_NAMESPACE
        {
            let details = "secretref.namespace is invalid. If set, it should use the same \
                           namespace where the policy-controller was deployed";
            self.invalid(namespace, format!("{path}.secretref.namespace"), details);
        }
        if let Some(kms) = kms
            && let Some(details) = go::kms_error(&kms.value)
        {
            self.invalid(kms, format!("{path}.kms"), &details);
        }
    }

    fn keyless(&mut self, keyless: &Spanned<Keyless>, path: &str) {
        let at = line(keyless);
        let Keyless { url, ca_cert, identities, .. } = &keyless.value;
        match (url, ca_cert) {
            (None, None) if !self.setting.defaulted => {
                self.errors().neither(&below(path, &["url", "ca-cert"]), at);
            }
            (Some(_), Some(_)) => self.errors().both(&below(path, &["url", "ca-cert"]), at),
            _ => {}
        }
        if let Some(ca_cert) = ca_cert {
            self.key(ca_cert, &format!("{path}.ca-cert"));
        }
        if elements(identities).is_empty() {
            self.errors().missing(&below(path, &["identities"]), at);
        }
        for (index, identity) in elements(identities).iter().enumerate() {
            self.identity(identity, &format!("{path}.identities[{index}]"));
        }
    }

    fn identity(&mut self, identity: &Spanned<Identity>, path: &str) {
        let Identity { issuer, issuer_expression, subject, subject_expression } = &identity.value;
        let pairs = [
            (issuer, issuer_expression, ["issuer", "issuerRegExp"]),
            (subject, subject_expression, ["subject", "subjectRegExp"]),
        ];
        for (exact, expression, names) in pairs {
            match (present(exact), present(expression)) {
                (Some(_), Some(_)) => self.errors().both(&below(path, &names), line(identity)),
                (None, None) => self.errors().missing(&below(path, &names), line(identity)),
                _ => {}
            }
            let [_, name] = names;
            if let Some(expression) = present(expression)
                && let Err(why) = TextMatcher::expression(&expression.value, self.limits)
            {
                let details = go::expression_error(&expression.value, &why);
                let details = format!("regex is invalid: error parsing regexp: {details}");
                self.invalid(expression, format!("{path}.{name}"), &details);
            }
        }
    }

    fn decree(&mut self, decree: &Spanned<Static>, path: &str) {
        match present(&decree.value.action) {
            None => self.errors().missing(&below(path, &["action"]), line(decree)),
            Some(action) if matches!(action.value.as_str(), "pass" | "fail") => {}
            Some(action) => self.invalid(action, format!("{path}.action"), "unsupported action"),
        }
    }

    fn source(&mut self, source: &Spanned<Source>, path: &str) {
        if let Some(oci) = present(&source.value.oci)
            && let Some(details) = go::repository_error(&oci.value)
        {
            self.invalid(oci, format!("{path}.oci"), &details);
        }
        for (index, secret) in elements(&source.value.signature_pull_secrets).iter().enumerate() {
            if present(&secret.value.name).is_none() {
                let path = format!("{path}.signaturePullSecrets[{index}].name");
                self.errors().missing(&[path], line(secret));
            }
        }
    }

    fn attestation(&mut self, attestation: &Spanned<Attestation>, path: &str) {
        let at = line(attestation);
        let Attestation { name, predicate_type, policy } = &attestation.value;
        if present(name).is_none() {
            self.errors().missing(&below(path, &["name"]), at);
        }
        match present(predicate_type) {
            None => self.errors().missing(&below(path, &["predicateType"]), at),
            Some(kind) if go::is_uri(&kind.value) => {}
            Some(kind) => {
                let details = "deprecated value, please use RFC 3986 conformant values";
                let path = format!("{path}.predicateType");
                self.findings.warnings.invalid(&kind.value, path, details, line(kind));
            }
        }
        let Some(policy) = policy else { return };
        let path = format!("{path}.policy");
        self.policy(policy, &path);
        let Policy { fetch_config_file, include_spec, .. } = &policy.value;
        let Policy { include_object_meta, include_type_meta, .. } = &policy.value;
        let of_the_result = [
            (fetch_config_file, "fetchConfigFile"),
            (include_spec, "includeSpec"),
            (include_object_meta, "includeObjectMeta"),
            (include_type_meta, "includeTypeMeta"),
        ];
        for (field, name) in of_the_result {
            if let Some(field) = field {
                self.errors().disallowed(format!("{path}.{name}"), line(field));
            }
        }
    }

    fn policy(&mut self, policy: &Spanned<Policy>, path: &str) {
        let at = line(policy);
        let Policy { language, data, remote, config_map_ref, .. } = &policy.value;
        if !matches!(text(language), "cue" | "rego") {
            let details = "only [cue,rego] are supported at the moment";
            let at = language.as_ref().map_or(at, line);
            self.errors().invalid(text(language), format!("{path}.type"), details, at);
        }
        let sources = below(path, &["data", "remote", "configMapRef"]);
        let given = [present(data).is_some(), remote.is_some(), config_map_ref.is_some()];
        match given.into_iter().filter(|given| *given).count() {
            0 => self.errors().missing(&sources, at),
            1 => {}
            _ => self.errors().both(&sources, at),
        }
        if let Some(remote) = remote {
            let path = format!("{path}.remote");
            match present(&remote.value.url) {
                None => self.errors().missing(&below(&path, &["url"]), line(remote)),
                Some(url) if go::is_https(&url.value) => {}
                Some(url) => {
                    let details = "url valid is invalid. host and https scheme are expected";
                    self.invalid(url, format!("{path}.url"), details);
                }
            }
            if present(&remote.value.sha256sum).is_none() {
                self.errors().missing(&below(&path, &["sha256sum"]), line(remote));
            }
        }
        if let Some(config_map) = config_map_ref {
            let path = format!("{path}.configMapRef");
            for (field, name) in [(&config_map.value.name, "name"), (&config_map.value.key, "key")]
            {
                if present(field).is_none() {
                    self.errors().missing(&below(&path, &[name]), line(config_map));
                }
            }
        }
    }

    fn invalid(&mut self, value: &Spanned<String>, path: String, details: &str) {
        self.errors().invalid(&value.value, path, details, line(value));
    }
}

/// The hash function that a policy names; `None` where it is none.
pub(super) fn hash_name(text: &str) -> Option<&'static str> {
    let text = text.trim();
    ["sha224", "sha256", "sha384", "sha512"]
        .into_iter()
        .find(|name| text.eq_ignore_ascii_case(name))
}
