//! From the documents to the model. What each kind of authority verifies is policy-controller's
//! `checkOptsFromAuthority` (`pkg/webhook/validator.go`); what cannot be decided offline is refused by
//! name.

use serde_saphyr::Spanned;

use super::companions::Companions;
use super::document::{
    self, Attestation, Authority, Identity, Key, Keyless, Log, Match, Spec, Static, elements, line,
    present, text,
};
use super::error::{Problem, at_line};
use super::message::{KEY_AND_BUNDLE, NO_URL};
use super::validate::hash_name;
use super::{Asked, ResultPolicy, SYSTEM_NAMESPACE, Version};
use crate::crypto::{Hash, KeyKind, PublicKey, first_pem_block};
use crate::limits::Limits;
use crate::policy::document::{Error, Place};
use crate::policy::engine::Engine;
use crate::policy::{
    self, Attested, Demand, Format, Glob, IdentityMatcher, Images, Kind, LabelSelector, Mode,
    Names, ObjectSelector, Policy, Reads, Requirement, Rule, Signer, TextMatcher, predicate_type,
};
use crate::sigstore::{TrustRoot, trust_root};
use crate::verify::{RootPart, Trust, TrustId};

/// The public Rekor: offline, the transparency logs of the trusted root.
const PUBLIC_REKOR: &str = "https://rekor.sigstore.dev";

/// What to do about a document that is named and not there.
const GIVE_IT: &str = "give its document behind `---` in the same file, or with another `--policy`";

/// Reads a specification that validation found nothing wrong with.
pub(super) fn policy(
    place: &Place<'_>,
    name: &str,
    version: Version,
    spec: &Spec,
    companions: &Companions,
    limits: &Limits,
) -> Result<Policy, Error> {
    let (deviations, remarks, trusts) = (Vec::new(), Vec::new(), Vec::new());
    let mut lowering =
        Lowering { place, name, version, companions, limits, deviations, remarks, trusts };
    let images = lowering.images(spec)?;
    let objects = lowering.objects(spec)?;
    let mode = if text(&spec.mode) == "warn" { Mode::Warn } else { Mode::Enforce };
    let (rule, authorities) = lowering.authorities(spec)?;
    let result = lowering.result(spec, authorities)?;
    let Lowering { deviations, remarks, trusts, .. } = lowering;
    let format = Format::ClusterImagePolicy;
    let policy = Policy::new(name, format, place.origin(), images, rule);
    Ok(Policy { objects, mode, result, trusts, deviations, remarks, ..policy })
}

struct Lowering<'a> {
    place: &'a Place<'a>,
    name: &'a str,
    version: Version,
    companions: &'a Companions,
    limits: &'a Limits,
    deviations: Vec<String>,
    remarks: Vec<String>,
    trusts: Vec<Trust>,
}

/// What an authority demands beside its signer, and what it is verified against.
struct Footing {
    trust: TrustId,
    log: Demand,
    timestamp: Demand,
}

impl<'a> Lowering<'a> {
    fn images(&self, spec: &Spec) -> Result<Images, Error> {
        let globs = elements(&spec.images).iter().enumerate().map(|(index, pattern)| {
            let field = format!("spec.images[{index}].glob");
            let glob = pattern.value.glob.as_ref();
            Glob::parse(text(&pattern.value.glob), self.limits)
                .map_err(|cause| self.place.error(glob, Problem::Glob { field, cause }))
        });
        Ok(Images::Globs(globs.collect::<Result<_, _>>()?))
    }

    fn objects(&mut self, spec: &Spec) -> Result<Vec<ObjectSelector>, Error> {
        let entries = elements(&spec.objects);
        if !entries.is_empty() {
            self.deviations.push(
                "`spec.match` selects Kubernetes objects: where an image is judged without one, the \
                 policy covers it all the same"
                    .to_owned(),
            );
        }
        entries.iter().enumerate().map(|(index, entry)| self.object(entry, index)).collect()
    }

    fn object(&self, entry: &Spanned<Match>, index: usize) -> Result<ObjectSelector, Error> {
        let Match { group, version, resource, selector } = &entry.value;
        let labels = match selector {
            None => None,
            Some(selector) => {
                let read = labels(&selector.value).map_err(|cause| {
                    let field = format!("spec.match[{index}].selector");
                    self.place.error(Some(selector), Problem::Selector { field, cause })
                });
                Some(read?)
            }
        };
        Ok(ObjectSelector::new(text(group), text(version), text(resource), labels))
    }

    /// Any authority will do.
    fn authorities(&mut self, spec: &Spec) -> Result<(Rule, Vec<String>), Error> {
        let (mut rules, mut names) = (Vec::new(), Vec::new());
        for (index, authority) in elements(&spec.authorities).iter().enumerate() {
            let given = present(&authority.value.name).map(|name| name.value.clone());
            let name = given.unwrap_or_else(|| format!("authority-{index}"));
            rules.push(self.authority(authority, index, &name)?);
            names.push(name);
        }
        Ok((Rule::Any(rules), names))
    }

    fn authority(
        &mut self,
        authority: &Spanned<Authority>,
        index: usize,
        name: &str,
    ) -> Result<Rule, Error> {
        let path = format!("spec.authorities[{index}]");
        let Authority { key, keyless, decree, source, signature_format, .. } = &authority.value;
        if source.as_ref().is_some_and(|source| !source.value.is_empty()) {
            self.remark(
                source.as_ref(),
                &format!("`{path}.source`: evidence is read from where the archive carries it"),
            );
        }
        if let Some(decree) = decree {
            return Ok(self::decree(&decree.value, name));
        }
        let of_bundles = text(signature_format) == "bundle";
        let (signer, footing) = match (key, keyless) {
            (Some(key), _) => {
                let key = self.key(&key.value, &format!("{path}.key"))?;
                let footing = self.footing(&authority.value, None, key.fixed_hash(), index)?;
                if of_bundles {
                    return Ok(Rule::Reject(name.to_owned(), KEY_AND_BUNDLE.to_owned()));
                }
                (Signer::Keys(vec![key]), footing)
            }
            (None, Some(keyless)) => {
                if keyless.value.ca_cert.is_some() {
                    self.remark(
                        keyless.value.ca_cert.as_ref(),
                        &format!(
                            "`{path}.keyless.ca-cert` can be met by nothing, in policy-controller as \
                             here; put the certificate into a TrustRoot and name that"
                        ),
                    );
                    return Ok(Rule::Reject(name.to_owned(), NO_URL.to_owned()));
                }
                let footing = self.footing(&authority.value, Some(&keyless.value), None, index)?;
                if of_bundles {
                    self.check_one_root(&authority.value, &keyless.value, &path)?;
                }
                (self.keyless(&keyless.value, &path)?, footing)
            }
            (None, None) => {
                return Err(self.place.error(Some(authority), Problem::Missing { field: path }));
            }
        };
        let attestations = elements(&authority.value.attestations);
        let base = Requirement {
            trust: footing.trust,
            log: footing.log,
            timestamp: footing.timestamp,
            reads: if of_bundles { Reads::Bundles } else { Reads::LegacyByOrigin },
            ..Requirement::new(name, Kind::Signature, signer)
        };
        if attestations.is_empty() {
            if of_bundles {
                self.deviations.push(format!(
                    "authority {name}: policy-controller cannot verify a signature of an image in a \
                     bundle and refuses; here it is verified"
                ));
            }
            return Ok(Rule::Evidence(Box::new(base)));
        }
        let rules = attestations
            .iter()
            .enumerate()
            .map(|(at, wanted)| {
                self.attestation(wanted, &base, &format!("{path}.attestations[{at}]"))
            })
            .collect::<Result<_, _>>()?;
        Ok(Rule::All(rules))
    }

    fn attestation(
        &mut self,
        wanted: &Spanned<Attestation>,
        base: &Requirement,
        path: &str,
    ) -> Result<Rule, Error> {
        let Attestation { name, predicate_type: written, policy } = &wanted.value;
        if !super::go::is_uri(text(written)) {
            self.remark(
                written.as_ref(),
                &format!(
                    "`{path}.predicateType` is deprecated by policy-controller, which asks for a \
                     URI: `{}`",
                    predicate_type(text(written)).escape_debug()
                ),
            );
        }
        let engine = policy.as_ref().map(|policy| self.engine(policy, &format!("{path}.policy")));
        let attested = Attested {
            authority: base.name.clone(),
            name: text(name).to_owned(),
            predicate_type: text(written).to_owned(),
            language: policy.as_ref().map(|policy| language(&policy.value)).unwrap_or_default(),
            engine: engine.transpose()?,
            limits: *self.limits,
        };
        Ok(Rule::Evidence(Box::new(Requirement {
            name: format!("{}/{}", base.name, attested.name),
            kind: Kind::Attestation { predicate_type: predicate_type(text(written)).to_owned() },
            attested: Some(Box::new(attested)),
            ..base.clone()
        })))
    }

    /// What the authority's evidence is verified against: the trust that is given for all or, where
    /// it names `TrustRoot`s or a hash of its own, one of its own.
    fn footing(
        &mut self,
        authority: &Authority,
        keyless: Option<&Keyless>,
        hash: Option<Hash>,
        index: usize,
    ) -> Result<Footing, Error> {
        let path = format!("spec.authorities[{index}]");
        let Authority { ctlog, rfc3161timestamp, .. } = authority;
        let keyless_root = match keyless {
            Some(keyless) => {
                self.trust_root(&keyless.trust_root_ref, &format!("{path}.keyless.trustRootRef"))?
            }
            None => None,
        };
        let log_root = match ctlog {
            Some(log) => {
                self.trust_root(&log.value.trust_root_ref, &format!("{path}.ctlog.trustRootRef"))?
            }
            None => None,
        };
        let timestamp_root = match rfc3161timestamp {
            Some(timestamp) => self.trust_root(
                &timestamp.value.trust_root_ref,
                &format!("{path}.rfc3161timestamp.trustRootRef"),
            )?,
            None => None,
        };
        // Without a TrustRoot nothing says that a log is not looked at; and of a v1beta1 document a
        // cluster does not even store the field.
        let is_kept = self.version == Version::V1alpha1 || timestamp_root.is_some();
        let timestamp = demanded(rfc3161timestamp.is_some() && is_kept);
        if rfc3161timestamp.is_some() && !is_kept {
            self.remark(
                rfc3161timestamp.as_ref(),
                &format!(
                    "`{path}.rfc3161timestamp` names no TrustRoot and demands nothing: a cluster does \
                     not store it of a v1beta1 document"
                ),
            );
        }
        let is_logged_by_default =
            keyless.is_some() && keyless_root.is_none() && timestamp_root.is_none();
        let log = match ctlog {
            None => demanded(is_logged_by_default),
            Some(log) => self.log(log, log_root.is_some(), timestamp_root.is_some(), index),
        };
        let has_own = [keyless_root, log_root, timestamp_root].iter().any(Option::is_some);
        if !has_own && hash.is_none() {
            return Ok(Footing { trust: TrustId::default(), log, timestamp });
        }
        if keyless_root.is_some() && ctlog.is_none() && rfc3161timestamp.is_none() {
            self.deviations.push(format!(
                "authority {index}: policy-controller looks at no transparency log and judges the \
                 certificate by the clock; here a log of its TrustRoot says when it was used"
            ));
        }
        let trust = TrustId::of_policy(&format!("{}/{index}", self.name));
        // A log by its URL alone is the public one, whoever issued the certificate.
        let names_log = ctlog.as_ref().is_some_and(|log| present(&log.value.url).is_some());
        let logs = log_root.or(if names_log { None } else { keyless_root });
        let parts = trust_root::Parts {
            authorities: keyless_root,
            ct_logs: keyless_root,
            logs,
            timestamp_authorities: timestamp_root.or(keyless_root),
        };
        let borrowed = [
            (RootPart::Authorities, keyless.is_some() && parts.authorities.is_none()),
            (RootPart::Logs, log == Demand::Demanded && logs.is_none()),
            (
                RootPart::TimestampAuthorities,
                timestamp == Demand::Demanded && parts.timestamp_authorities.is_none(),
            ),
        ];
        let borrowed = borrowed.into_iter().filter_map(|(part, is_it)| is_it.then_some(part));
        let borrowed = borrowed.collect();
        let root = has_own.then(|| TrustRoot::of_parts(&parts));
        self.trusts.push(Trust { id: trust.clone(), root, borrowed, ..Trust::default() });
        Ok(Footing { trust, log, timestamp })
    }

    /// `ctlog` demands an entry of a log; which URL it has changes no key.
    fn log(
        &mut self,
        log: &Spanned<Log>,
        has_root: bool,
        is_stamped: bool,
        index: usize,
    ) -> Demand {
        let url = present(&log.value.url);
        if let Some(url) = url
            && !has_root
            && url.value.trim_end_matches('/') != PUBLIC_REKOR
        {
            self.remark(
                Some(url),
                &format!(
                    "`spec.authorities[{index}].ctlog.url` changes no key, in policy-controller as \
                     here: the logs are those of `--trusted-root`"
                ),
            );
        }
        if has_root && url.is_none() && self.version == Version::V1beta1 {
            self.deviations.push(format!(
                "authority {index}: policy-controller drops `ctlog.trustRootRef` of a v1beta1 \
                 document and looks at no log; here an entry of that log is demanded"
            ));
        }
        if url.is_none() && !has_root {
            self.deviations.push(format!(
                "authority {index}: policy-controller looks at no log where `ctlog` names none; \
                 here an entry of a log is demanded"
            ));
        }
        if is_stamped && url.is_some() && !has_root {
            // policy-controller looks at no log where timestamps are demanded.
            return Demand::Waived;
        }
        Demand::Demanded
    }

    fn trust_root(
        &self,
        name: &document::Text,
        field: &str,
    ) -> Result<Option<&'a TrustRoot>, Error> {
        let Some(name) = present(name) else { return Ok(None) };
        match self.companions.trust_root(&name.value) {
            Some(root) => Ok(Some(root)),
            None => Err(self.not_given(name, field, "TrustRoot", GIVE_IT)),
        }
    }

    /// A bundle is judged by one root.
    fn check_one_root(
        &self,
        authority: &Authority,
        keyless: &Keyless,
        path: &str,
    ) -> Result<(), Error> {
        let one = text(&keyless.trust_root_ref);
        let log = authority.ctlog.as_ref().and_then(|log| present(&log.value.trust_root_ref));
        let timestamp = authority.rfc3161timestamp.as_ref();
        let timestamp = timestamp.and_then(|timestamp| present(&timestamp.value.trust_root_ref));
        match [log, timestamp].into_iter().flatten().find(|other| other.value != one) {
            None => Ok(()),
            Some(other) => {
                let field = format!("{path}.signatureFormat");
                let remedy = "a bundle is judged by one TrustRoot; name the one of \
                              `keyless.trustRootRef` wherever the authority names one";
                Err(self.place.error(Some(other), Problem::Unsupported { field, remedy }))
            }
        }
    }

    fn key(&self, key: &Key, path: &str) -> Result<PublicKey, Error> {
        if let Some(kms) = present(&key.kms) {
            let (field, name) = (format!("{path}.kms"), kms.value.clone());
            let remedy = "nothing is fetched; write the public key itself into `key.data`";
            let problem = Problem::NotGiven { field, kind: "KMS key", name, remedy };
            return Err(self.place.error(Some(kms), problem));
        }
        let (at, field, pem) = match (&key.secret_ref, &key.data) {
            (Some(secret), _) => {
                let name = text(&secret.value.name);
                let field = format!("{path}.secretRef");
                let Some(found) = self.companions.secret(name) else {
                    let name = name.to_owned();
                    let remedy = GIVE_IT;
                    let problem = Problem::NotGiven { field, kind: "Secret", name, remedy };
                    return Err(self.place.error(Some(secret), problem));
                };
                let found = found.map_err(|problem| self.place.error(Some(secret), problem))?;
                let pem = String::from_utf8_lossy(found).into_owned();
                (line(secret), format!("{path}.secretRef"), pem)
            }
            (None, data) => {
                let at = data.as_ref().map_or(1, line);
                (at, format!("{path}.data"), text(data).to_owned())
            }
        };
        let read = PublicKey::from_first_pem(&pem).map_err(|cause| {
            let field = field.clone();
            at_line(self.place, at, Problem::Key { field, cause })
        })?;
        let rest = first_pem_block(&pem, "PUBLIC KEY").map(|block| block.rest);
        if rest.is_ok_and(|rest| rest.contains("-----BEGIN ")) {
            return Err(at_line(self.place, at, Problem::SeveralKeys { field }));
        }
        self.hashed(read, key, path)
    }

    /// The key with the hash the policy names for it. Where nothing else is verified anyway, no trust
    /// of its own is needed for it.
    fn hashed(&self, read: PublicKey, key: &Key, path: &str) -> Result<PublicKey, Error> {
        let hash = match hash_name(text(&key.hash_algorithm)).unwrap_or("sha256") {
            "sha224" => {
                let field = format!("{path}.hashAlgorithm");
                let remedy = "SHA-224 is weaker than what signatures are verified with; sign anew, \
                              over sha256, sha384 or sha512";
                let at = key.hash_algorithm.as_ref();
                return Err(self.place.error(at, Problem::Unsupported { field, remedy }));
            }
            "sha384" => Hash::Sha384,
            "sha512" => Hash::Sha512,
            _ => Hash::Sha256,
        };
        let is_tried = hash == Hash::Sha256 || hash == read.default_hash();
        let has_choice = read.kind() != KeyKind::Ed25519;
        Ok(if has_choice && !is_tried { read.over(hash) } else { read })
    }

    fn keyless(&self, keyless: &Keyless, path: &str) -> Result<Signer, Error> {
        let identities = elements(&keyless.identities).iter().enumerate();
        let identities = identities.map(|(index, identity)| {
            self.identity(&identity.value, &format!("{path}.keyless.identities[{index}]"))
        });
        Ok(Signer::Certificate {
            authority: policy::Authority::TrustedRoot,
            identities: identities.collect::<Result<_, _>>()?,
            sct: demanded(keyless.insecure_ignore_sct != Some(true)),
        })
    }

    fn identity(&self, identity: &Identity, path: &str) -> Result<IdentityMatcher, Error> {
        let Identity { issuer, issuer_expression, subject, subject_expression } = identity;
        Ok(IdentityMatcher {
            among: Names::Any,
            repository: None,
            issuer: self.matcher(issuer, issuer_expression, &format!("{path}.issuerRegExp"))?,
            subject: self.matcher(subject, subject_expression, &format!("{path}.subjectRegExp"))?,
        })
    }

    fn matcher(
        &self,
        exact: &document::Text,
        expression: &document::Text,
        field: &str,
    ) -> Result<TextMatcher, Error> {
        let Some(expression) = present(expression) else {
            return Ok(TextMatcher::Exact(text(exact).to_owned()));
        };
        TextMatcher::expression(&expression.value, self.limits).map_err(|cause| {
            let field = field.to_owned();
            self.place.error(Some(expression), Problem::Expression { field, cause })
        })
    }

    /// The policy over what the authorities found.
    fn result(
        &mut self,
        spec: &Spec,
        authorities: Vec<String>,
    ) -> Result<Option<ResultPolicy>, Error> {
        let Some(policy) = &spec.policy else { return Ok(None) };
        let engine = self.engine(policy, "spec.policy")?;
        let is_set = |field: &document::Part<bool>| field.as_ref().is_some_and(|set| set.value);
        let document::Policy { fetch_config_file, include_spec, .. } = &policy.value;
        let document::Policy { include_object_meta, include_type_meta, .. } = &policy.value;
        Ok(Some(ResultPolicy {
            language: language(&policy.value),
            engine,
            authorities,
            asked: Asked {
                configs: is_set(fetch_config_file),
                spec: is_set(include_spec),
                metadata: is_set(include_object_meta),
                type_meta: is_set(include_type_meta),
            },
            limits: *self.limits,
        }))
    }

    fn engine(&self, policy: &Spanned<document::Policy>, path: &str) -> Result<Engine, Error> {
        let document::Policy { language, data, remote, config_map_ref, .. } = &policy.value;
        if let Some(remote) = remote {
            let (field, name) = (format!("{path}.remote"), text(&remote.value.url).to_owned());
            let remedy = "nothing is fetched; write the policy itself into `data` or give it as a \
                          ConfigMap";
            let problem = Problem::NotGiven { field, kind: "URL", name, remedy };
            return Err(self.place.error(Some(remote), problem));
        }
        let (at, field, source) = match config_map_ref {
            Some(wanted) => {
                let field = format!("{path}.configMapRef");
                let namespace = present(&wanted.value.namespace);
                let namespace = namespace.map_or(SYSTEM_NAMESPACE, |found| found.value.as_str());
                let (name, key) = (text(&wanted.value.name), text(&wanted.value.key));
                let Some(found) = self.companions.config_map(namespace, name, key) else {
                    let name = name.to_owned();
                    let remedy = GIVE_IT;
                    let problem = Problem::NotGiven { field, kind: "ConfigMap", name, remedy };
                    return Err(self.place.error(Some(wanted), problem));
                };
                let found = found.map_err(|problem| self.place.error(Some(wanted), problem))?;
                (line(wanted), field, String::from_utf8_lossy(found).into_owned())
            }
            None => (data.as_ref().map_or(1, line), format!("{path}.data"), text(data).to_owned()),
        };
        let read = match text(language) {
            "rego" => Engine::rego(&source, self.limits),
            _ => Engine::cue(&source, self.limits),
        };
        read.map_err(|cause| at_line(self.place, at, Problem::Engine { field, cause }))
    }

    fn not_given(
        &self,
        at: &Spanned<String>,
        field: &str,
        kind: &'static str,
        remedy: &'static str,
    ) -> Error {
        let (field, name) = (field.to_owned(), at.value.clone());
        self.place.error(Some(at), Problem::NotGiven { field, kind, name, remedy })
    }

    fn remark<T>(&mut self, at: Option<&Spanned<T>>, what: &str) {
        let line = at.map_or(self.place.document.line, |at| self.place.line_of(at));
        self.remarks.push(format!("line {line}: {what}"));
    }
}

fn demanded(is_demanded: bool) -> Demand {
    if is_demanded { Demand::Demanded } else { Demand::Waived }
}

fn decree(decree: &Static, name: &str) -> Rule {
    if text(&decree.action) == "pass" {
        return Rule::Accept(name.to_owned());
    }
    let message = decree.message.as_deref().unwrap_or_default();
    Rule::Reject(name.to_owned(), message.to_owned())
}

fn language(policy: &document::Policy) -> &'static str {
    if text(&policy.language) == "rego" { "rego" } else { "cue" }
}

fn labels(selector: &document::Selector) -> Result<LabelSelector, policy::InvalidSelector> {
    let mut labels = LabelSelector::default();
    for (key, value) in selector.match_labels.iter().flatten() {
        labels = labels.with_label(key, value)?;
    }
    for expression in selector.match_expressions.iter().flatten() {
        labels = labels.with_expression(
            expression.key.as_deref().unwrap_or_default(),
            expression.operator.as_deref().unwrap_or_default(),
            expression.values.as_deref().unwrap_or_default(),
        )?;
    }
    Ok(labels)
}
