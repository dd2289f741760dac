//! kwctl's flags for a verification config: what they say in its words is one policy for every
//! image.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use sealift::crypto::PublicKey;
use sealift::limits::Limits;
use sealift::policy::verification_config::{Annotations, Signature, Subject, VerificationConfig};
use sealift::policy::{Format, Policy, PolicyFile, document};
use sealift::time::UnixTime;

use super::input;

/// One verification config, in kwctl's words.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "What is accepted, in kwctl's words")]
pub(crate) struct KwctlArgs {
    /// A verification config of Kubewarden
    ///
    /// The same as --policy with that file, which may hold nothing else.
    #[arg(
        long,
        value_name = "FILE",
        env = "SEALIFT_VERIFICATION_CONFIG_PATH",
        hide_env_values = true
    )]
    pub verification_config_path: Option<PathBuf>,

    /// A public key (PEM) that must have signed (repeatable: every one of them)
    ///
    /// Unlike --key no transparency log is asked for, as with kwctl.
    #[arg(
        short = 'k',
        long = "verification-key",
        value_name = "FILE",
        env = "SEALIFT_VERIFICATION_KEY",
        hide_env_values = true
    )]
    pub verification_keys: Vec<PathBuf>,

    /// Demand this annotation of every one of these signatures (repeatable; the last value counts)
    ///
    /// kwctl's short form, -a, says the same.
    #[arg(
        long = "verification-annotation",
        value_name = "KEY=VALUE",
        env = "SEALIFT_VERIFICATION_ANNOTATION",
        hide_env_values = true
    )]
    pub verification_annotations: Vec<String>,

    /// The e-mail address or URI that a certificate must name; goes with --cert-oidc-issuer
    #[arg(long, value_name = "SUBJECT", env = "SEALIFT_CERT_EMAIL", hide_env_values = true)]
    pub cert_email: Option<String>,

    /// The OIDC issuer that vouched for it
    #[arg(long, value_name = "URL", env = "SEALIFT_CERT_OIDC_ISSUER", hide_env_values = true)]
    pub cert_oidc_issuer: Option<String>,

    /// The GitHub user or organisation one of whose workflows must have signed
    #[arg(long, value_name = "OWNER", env = "SEALIFT_GITHUB_OWNER", hide_env_values = true)]
    pub github_owner: Option<String>,

    /// The repository of that owner
    #[arg(long, value_name = "REPO", env = "SEALIFT_GITHUB_REPO", hide_env_values = true)]
    pub github_repo: Option<String>,
}

impl KwctlArgs {
    /// The first of the flags that was given, by its name.
    pub(crate) fn first_given(&self) -> Option<&'static str> {
        let path = self.verification_config_path.is_some();
        path.then_some("--verification-config-path").or_else(|| self.first_signer())
    }

    fn first_signer(&self) -> Option<&'static str> {
        let given = [
            ("--verification-key", !self.verification_keys.is_empty()),
            ("--verification-annotation", !self.verification_annotations.is_empty()),
            ("--cert-email", self.cert_email.is_some()),
            ("--cert-oidc-issuer", self.cert_oidc_issuer.is_some()),
            ("--github-owner", self.github_owner.is_some()),
            ("--github-repo", self.github_repo.is_some()),
        ];
        given.into_iter().find_map(|(flag, is_given)| is_given.then_some(flag))
    }

    /// The policy that the flags amount to, with what was given as `-a`.
    pub(crate) fn policy(&self, also: &[String], limits: &Limits, now: UnixTime) -> Result<Policy> {
        let has_flags = self.first_signer().is_some() || !also.is_empty();
        match &self.verification_config_path {
            Some(_) if has_flags => Err(Usage::PathAndFlags.into()),
            Some(path) => read(path, limits, now),
            None => Ok(VerificationConfig::all_of(self.signatures(also, limits)?).into()),
        }
    }

    /// Every signature that is asked for, in kwctl's order.
    fn signatures(&self, also: &[String], limits: &Limits) -> Result<Vec<Signature>> {
        let annotations = self.annotations(also)?;
        let names_a_signer = !self.verification_keys.is_empty()
            || self.cert_oidc_issuer.is_some()
            || self.github_owner.is_some();
        if annotations.is_some() && !names_a_signer {
            return Err(Usage::AnnotationsAlone.into());
        }
        if self.github_repo.is_some() && self.github_owner.is_none() {
            return Err(Usage::RepositoryAlone.into());
        }
        let mut signatures = Vec::new();
        match (&self.cert_email, &self.cert_oidc_issuer) {
            (Some(email), Some(issuer)) => signatures.push(Signature::GenericIssuer {
                issuer: issuer.clone(),
                subject: Subject::Equal(email.clone()),
                annotations: annotations.clone(),
            }),
            (None, None) => {}
            _ => return Err(Usage::HalfAnIdentity.into()),
        }
        if let Some(owner) = &self.github_owner {
            signatures.push(Signature::GithubAction {
                owner: owner.clone(),
                repo: self.github_repo.clone(),
                annotations: annotations.clone(),
            });
        }
        for path in &self.verification_keys {
            let key = input::read_text(path, "key", limits.metadata_bytes)?;
            PublicKey::from_pem(&key)
                .with_context(|| format!("key `{}` cannot be used", path.display()))?;
            let annotations = annotations.clone();
            signatures.push(Signature::PubKey { owner: None, key, annotations });
        }
        Ok(signatures)
    }

    /// Off-spec: kwctl leaves out what has no `=`, and with it what was to be demanded.
    fn annotations(&self, also: &[String]) -> Result<Option<Annotations>> {
        let pair = |text: &String| {
            let pair = text.split_once('=').filter(|(key, _)| !key.is_empty());
            let owned = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
            pair.map(owned).ok_or_else(|| Usage::NoAnnotation { text: text.clone() })
        };
        let given = self.verification_annotations.iter().chain(also);
        let annotations: Annotations = given.map(pair).collect::<Result<_, _>>()?;
        Ok((!annotations.is_empty()).then_some(annotations))
    }
}

fn read(path: &Path, limits: &Limits, now: UnixTime) -> Result<Policy> {
    let bytes = input::read(path, "verification config", limits.policy_bytes)?;
    let name = path.display().to_string();
    let policies = document::parse(&[PolicyFile { name: &name, bytes: &bytes }], limits, now)?;
    let policy: Result<[Policy; 1], _> = policies.try_into();
    let policy = policy.ok().filter(|[policy]| policy.format == Format::VerificationConfig);
    policy.map(|[policy]| policy).ok_or_else(|| Usage::NoVerificationConfig { name }.into())
}

/// Arguments that contradict each other or leave too much open, in kwctl's words where it has some.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Usage {
    #[error("verification-config-path cannot be used in conjunction with other verification flags")]
    PathAndFlags,
    #[error(
        "Intending to verify annotations, but no verification keys, OIDC issuer or GitHub owner \
         were passed"
    )]
    AnnotationsAlone,
    #[error("Intending to verify GitHub actions signature, but the repository owner is missing.")]
    RepositoryAlone,
    #[error(
        "Intending to verify OIDC issuer, but no email or issuer were provided. You must pass the \
         email and OIDC issuer to be validated together "
    )]
    HalfAnIdentity,
    #[error("`--verification-annotation` is no KEY=VALUE: `{}`", .text.escape_debug())]
    NoAnnotation { text: String },
    #[error("`{name}` is no verification config; other policies go with `--policy`")]
    NoVerificationConfig { name: String },
}
