//! From the document to the model, refusing by name what is not decided by.

use serde_saphyr::Spanned;

use super::document::{Authority, ClusterImagePolicy, Identity, Key, Keyless, Log, Spec, Static};
use super::error::Problem;
use crate::crypto::PublicKey;
use crate::limits::Limits;
use crate::policy::document::{Error, Place};
use crate::policy::{
    self, Demand, Format, Glob, IdentityMatcher, Images, Kind, Mode, Names, Policy, Requirement,
    Rule, Signer, TextMatcher,
};

/// The public Rekor: offline, the transparency logs of the trusted root.
const PUBLIC_REKOR: &str = "https://rekor.sigstore.dev";

/// Reads the document at `place` as a policy.
pub(super) fn policy(place: &Place<'_>, limits: &Limits) -> Result<Policy, Error> {
    let document: ClusterImagePolicy = place.read()?;
    let lowering = Lowering { place, limits };
    let name = document.metadata.and_then(|metadata| metadata.name);
    let Some(name) = name.filter(|name| !name.value.is_empty()) else {
        return Err(lowering.missing("metadata.name"));
    };
    let Some(spec) = document.spec else {
        return Err(lowering.missing("spec"));
    };
    lowering.refuse_of_spec(&spec)?;
    let images = lowering.images(&spec)?;
    let mode = lowering.mode(&spec)?;
    let rule = lowering.authorities(&spec)?;
    let format = Format::ClusterImagePolicy;
    Ok(Policy { mode, ..Policy::new(&name.value, format, place.origin(), images, rule) })
}

struct Lowering<'a> {
    place: &'a Place<'a>,
    limits: &'a Limits,
}

impl Lowering<'_> {
    fn refuse_of_spec(&self, spec: &Spec) -> Result<(), Error> {
        if spec.objects.as_ref().is_some_and(|objects| !objects.value.is_empty()) {
            let remedy = "an archive holds images, not the Kubernetes objects it selects; \
                          give sealift a policy without it";
            return Err(self.unsupported(spec.objects.as_ref(), "spec.match", remedy));
        }
        let remedy = "CUE and Rego are not evaluated; give sealift a policy without it";
        self.refuse(spec.policy.as_ref(), "spec.policy", remedy)
    }

    fn images(&self, spec: &Spec) -> Result<Images, Error> {
        let patterns = spec.images.as_deref().unwrap_or_default();
        if patterns.is_empty() {
            return Err(self.missing("spec.images"));
        }
        let globs = patterns.iter().enumerate().map(|(index, pattern)| {
            let field = format!("spec.images[{index}].glob");
            let Some(glob) = present(pattern.value.glob.as_ref()) else {
                return Err(self.place.error(Some(pattern), Problem::Missing { field }));
            };
            Glob::parse(&glob.value, self.limits)
                .map_err(|cause| self.place.error(Some(glob), Problem::Glob { field, cause }))
        });
        Ok(Images::Globs(globs.collect::<Result<_, _>>()?))
    }

    fn mode(&self, spec: &Spec) -> Result<Mode, Error> {
        match spec.mode.as_ref().map(|mode| mode.value.as_str()) {
            None | Some("" | "enforce") => Ok(Mode::Enforce),
            Some("warn") => Ok(Mode::Warn),
            Some(_) => Err(self.value(spec.mode.as_ref(), "spec.mode", "enforce or warn")),
        }
    }

    /// Any authority will do; with none, nothing could ever be refused or everything would be.
    fn authorities(&self, spec: &Spec) -> Result<Rule, Error> {
        let authorities = spec.authorities.as_deref().unwrap_or_default();
        if authorities.is_empty() {
            return Err(self.missing("spec.authorities"));
        }
        let rules = authorities.iter().enumerate().map(|(index, authority)| {
            let path = format!("spec.authorities[{index}]");
            let given = authority.value.name.as_deref().filter(|name| !name.is_empty());
            let name = given.map_or_else(|| format!("authority-{index}"), str::to_owned);
            self.authority(authority, &path, name)
        });
        Ok(Rule::Any(rules.collect::<Result<_, _>>()?))
    }

    fn authority(
        &self,
        authority: &Spanned<Authority>,
        path: &str,
        name: String,
    ) -> Result<Rule, Error> {
        self.refuse_of_authority(&authority.value, path)?;
        let Authority { key, keyless, decree, ctlog, .. } = &authority.value;
        let (signer, log) = match (key, keyless, decree) {
            (Some(key), None, None) => {
                let signer = self.key(&key.value, &format!("{path}.key"))?;
                (signer, self.log(ctlog.as_ref(), path, Demand::Waived)?)
            }
            (None, Some(keyless), None) => {
                let signer = self.keyless(keyless, &format!("{path}.keyless"))?;
                (signer, self.log(ctlog.as_ref(), path, Demand::Demanded)?)
            }
            (None, None, Some(_)) if ctlog.is_some() => {
                let (within, fields) = (path.to_owned(), "`static` and `ctlog`");
                return Err(self
                    .place
                    .error(ctlog.as_ref(), Problem::NotExactlyOne { within, fields }));
            }
            (None, None, Some(decree)) => {
                return self.decree(decree, &format!("{path}.static"), name);
            }
            _ => {
                let problem = Problem::NotExactlyOne {
                    within: path.to_owned(),
                    fields: "`key`, `keyless` and `static`",
                };
                return Err(self.place.error(Some(authority), problem));
            }
        };
        let requirement = Requirement { log, ..Requirement::new(&name, Kind::Signature, signer) };
        Ok(Rule::Evidence(Box::new(requirement)))
    }

    fn refuse_of_authority(&self, authority: &Authority, path: &str) -> Result<(), Error> {
        let lists = [
            (
                &authority.attestations,
                "attestations",
                "demand an attestation with `--type` on the command line instead",
            ),
            (
                &authority.source,
                "source",
                "evidence is read from where the archive carries it; give sealift a policy without it",
            ),
        ];
        for (list, field, remedy) in lists {
            if list.as_ref().is_some_and(|list| !list.value.is_empty()) {
                return Err(self.unsupported(list.as_ref(), &format!("{path}.{field}"), remedy));
            }
        }
        let format = present(authority.signature_format.as_ref());
        self.refuse(
            format,
            &format!("{path}.signatureFormat"),
            "both formats are always read; give sealift a policy without it",
        )?;
        self.refuse(
            authority.rfc3161timestamp.as_ref(),
            &format!("{path}.rfc3161timestamp"),
            "the trusted root's timestamp authorities are used; give sealift a policy without it",
        )
    }

    fn key(&self, key: &Key, path: &str) -> Result<Signer, Error> {
        let remedy = "write the public key itself into `key.data`";
        self.refuse(key.secret_ref.as_ref(), &format!("{path}.secretRef"), remedy)?;
        self.refuse(key.kms.as_ref(), &format!("{path}.kms"), remedy)?;
        if let Some(algorithm) = present(key.hash_algorithm.as_ref())
            && !algorithm.value.trim().eq_ignore_ascii_case("sha256")
        {
            let remedy = "only sha256 is; the kind of key decides the rest";
            let field = format!("{path}.hashAlgorithm");
            return Err(self.unsupported(Some(algorithm), &field, remedy));
        }
        let field = format!("{path}.data");
        let Some(data) = present(key.data.as_ref()) else {
            return Err(self.missing(&field));
        };
        let key = PublicKey::from_pem(&data.value)
            .map_err(|cause| self.place.error(Some(data), Problem::Key { field, cause }))?;
        Ok(Signer::Keys(vec![key]))
    }

    fn keyless(&self, keyless: &Spanned<Keyless>, path: &str) -> Result<Signer, Error> {
        let Keyless { ca_cert, identities, trust_root_ref, insecure_ignore_sct, .. } =
            &keyless.value;
        let remedy = "the authorities are those of `--trusted-root`; give sealift a policy \
                      without it and a trusted root that holds them";
        self.refuse(ca_cert.as_ref(), &format!("{path}.ca-cert"), remedy)?;
        self.refuse(trust_root_ref.as_ref(), &format!("{path}.trustRootRef"), remedy)?;
        let identities = identities.as_deref().unwrap_or_default();
        if identities.is_empty() {
            let field = format!("{path}.identities");
            return Err(self.place.error(Some(keyless), Problem::Missing { field }));
        }
        let identities = identities.iter().enumerate().map(|(index, identity)| {
            self.identity(identity, &format!("{path}.identities[{index}]"))
        });
        Ok(Signer::Certificate {
            authority: policy::Authority::TrustedRoot,
            identities: identities.collect::<Result<_, _>>()?,
            sct: match insecure_ignore_sct {
                Some(true) => Demand::Waived,
                Some(false) | None => Demand::Demanded,
            },
        })
    }

    fn identity(&self, identity: &Spanned<Identity>, path: &str) -> Result<IdentityMatcher, Error> {
        let Identity { issuer, issuer_expression, subject, subject_expression } = &identity.value;
        Ok(IdentityMatcher {
            among: Names::Any,
            repository: None,
            issuer: self.text(
                identity,
                path,
                "issuer",
                issuer.as_ref(),
                issuer_expression.as_ref(),
            )?,
            subject: self.text(
                identity,
                path,
                "subject",
                subject.as_ref(),
                subject_expression.as_ref(),
            )?,
        })
    }

    fn text(
        &self,
        identity: &Spanned<Identity>,
        path: &str,
        name: &str,
        exact: Option<&Spanned<String>>,
        expression: Option<&Spanned<String>>,
    ) -> Result<TextMatcher, Error> {
        match (present(exact), present(expression)) {
            (Some(exact), None) => Ok(TextMatcher::Exact(exact.value.clone())),
            (None, Some(expression)) => TextMatcher::expression(&expression.value, self.limits)
                .map_err(|cause| {
                    let field = format!("{path}.{name}RegExp");
                    self.place.error(Some(expression), Problem::Expression { field, cause })
                }),
            _ => {
                let fields = match name {
                    "issuer" => "`issuer` and `issuerRegExp`",
                    _ => "`subject` and `subjectRegExp`",
                };
                let problem = Problem::NotExactlyOne { within: path.to_owned(), fields };
                Err(self.place.error(Some(identity), problem))
            }
        }
    }

    fn decree(&self, decree: &Spanned<Static>, path: &str, name: String) -> Result<Rule, Error> {
        let Static { action, message } = &decree.value;
        match action.as_ref().map(|action| action.value.as_str()) {
            Some("pass") => Ok(Rule::Accept(name)),
            Some("fail") => Ok(Rule::Reject(name, message.clone().unwrap_or_default())),
            Some(_) => Err(self.value(action.as_ref(), &format!("{path}.action"), "pass or fail")),
            None => {
                let field = format!("{path}.action");
                Err(self.place.error(Some(decree), Problem::Missing { field }))
            }
        }
    }

    /// `ctlog` demands a log entry; without it the kind of authority decides.
    fn log(
        &self,
        log: Option<&Spanned<Log>>,
        path: &str,
        otherwise: Demand,
    ) -> Result<Demand, Error> {
        let Some(log) = log else {
            return Ok(otherwise);
        };
        let remedy = "the logs are those of `--trusted-root`; give sealift a policy without it \
                      and a trusted root that holds them";
        let field = format!("{path}.ctlog.trustRootRef");
        self.refuse(log.value.trust_root_ref.as_ref(), &field, remedy)?;
        if let Some(url) = present(log.value.url.as_ref())
            && url.value.trim_end_matches('/') != PUBLIC_REKOR
        {
            let field = format!("{path}.ctlog.url");
            return Err(self.unsupported(Some(url), &field, remedy));
        }
        Ok(Demand::Demanded)
    }

    fn refuse<T>(
        &self,
        value: Option<&Spanned<T>>,
        field: &str,
        remedy: &'static str,
    ) -> Result<(), Error> {
        match value {
            Some(_) => Err(self.unsupported(value, field, remedy)),
            None => Ok(()),
        }
    }

    fn unsupported<T>(
        &self,
        value: Option<&Spanned<T>>,
        field: &str,
        remedy: &'static str,
    ) -> Error {
        self.place.error(value, Problem::Unsupported { field: field.to_owned(), remedy })
    }

    fn value(&self, value: Option<&Spanned<String>>, field: &str, expected: &'static str) -> Error {
        let found = value.map(|value| value.value.clone()).unwrap_or_default();
        self.place.error(value, Problem::Value { field: field.to_owned(), found, expected })
    }

    fn missing(&self, field: &str) -> Error {
        let nowhere: Option<&Spanned<()>> = None;
        self.place.error(nowhere, Problem::Missing { field: field.to_owned() })
    }
}

/// An empty text is an absent one, as in Go.
fn present(value: Option<&Spanned<String>>) -> Option<&Spanned<String>> {
    value.filter(|value| !value.value.is_empty())
}
