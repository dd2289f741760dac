//! The *negatives*: for each code of rejection, evidence that deviates from an accepted form in one
//! way alone, and for each code of what policies find lacking, an accepted form that lacks it.

mod bundle;
mod certificate;
mod key;
mod legacy;
mod limit;
mod log;
mod unmet;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::accepted::{Demand, TRUSTED_ROOT, form};
use super::bench::{Bench, NOW, REPOSITORY};
use super::demo::pretty;
use super::der;
use unmet::Unmet;

/// Evidence that is wrong.
pub struct Negative {
    /// The code of the rejection.
    pub code: &'static str,
    /// The archive's name without `.tar`.
    pub name: &'static str,
    /// The accepted form that it deviates from.
    pub form: &'static str,
    /// What is wrong, in one sentence.
    pub wrong: &'static str,
    /// Who is asked for, where it is not who the form asks for.
    pub demand: Option<Demand>,
    /// The trusted root, where the one of the demo does not do.
    pub root: Option<OtherRoot>,
    pub build: fn(&mut Bench) -> Vec<u8>,
}

impl Negative {
    /// Evidence that deviates from `form`.
    pub fn new(
        code: &'static str,
        name: &'static str,
        form: &'static str,
        wrong: &'static str,
        build: fn(&mut Bench) -> Vec<u8>,
    ) -> Self {
        Self { code, name, form, wrong, demand: None, root: None, build }
    }

    /// The same asked of somebody else.
    pub fn asked_of(self, demand: Demand) -> Self {
        Self { demand: Some(demand), ..self }
    }

    /// The same under another trusted root.
    pub fn under(self, name: &'static str, root: fn() -> Value) -> Self {
        Self { root: Some(OtherRoot { name, root }), ..self }
    }
}

/// A trusted root of a case's own.
pub struct OtherRoot {
    pub name: &'static str,
    pub root: fn() -> Value,
}

/// Every negative.
pub fn negatives() -> Vec<Negative> {
    [
        legacy::signatures(),
        legacy::attestations(),
        key::keys(),
        certificate::certificates(),
        log::entries(),
        log::times(),
        bundle::documents(),
        bundle::contents(),
        bundle::proofs(),
        bundle::timestamps(),
        limit::limits(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The files of `testdata/negative` by name.
pub fn files(bench: &Bench) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    let mut cases = Vec::new();
    let mut accepted = BTreeMap::new();
    for negative in negatives() {
        let form = form(negative.form);
        let file = format!("{}/{}.tar", negative.code, negative.name);
        let trusted_root = match negative.root {
            None => TRUSTED_ROOT.to_owned(),
            Some(OtherRoot { name, root }) => {
                files.push((format!("{}/{name}", negative.code), pretty(&root())));
                format!("negative/{}/{name}", negative.code)
            }
        };
        cases.push(json!({
            "file": format!("negative/{file}"),
            "wrong": negative.wrong,
            "accepted": format!("accepted/{}.tar", negative.form),
            "signer": negative.demand.unwrap_or(form.demand).json(),
            "predicate_type": form.predicate_type,
            "trusted_root": trusted_root,
            "expected_code": negative.code,
        }));
        let archive = (negative.build)(&mut bench.clone());
        let right = accepted.entry(form.name).or_insert_with(|| (form.build)(&mut bench.clone()));
        assert!(archive != *right, "{file} is the accepted form");
        files.push((file, archive));
    }
    for (name, key) in
        [("ed25519-identity", limit::identity_key()), ("rsa-exponent-1", limit::exponent_1())]
    {
        files.push((format!("key-weak/{name}.pub"), der::pem("PUBLIC KEY", &key).into_bytes()));
    }
    let unmet = unmet::unmet(bench);
    files.extend(unmet.iter().filter_map(Unmet::file));
    let unmet: Vec<_> = unmet.iter().map(Unmet::json).collect();
    let image = format!("{REPOSITORY}:1.0");
    files.push((
        "cases.json".to_owned(),
        pretty(&json!({ "now": NOW, "image": image, "cases": cases, "unmet": unmet })),
    ));
    files
}
