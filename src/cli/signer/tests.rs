//! Which combinations of flags make a policy, and what is said of the others.

use clap::Parser;

use super::*;
use crate::cli::args::{Cli, Command};

/// The error that the arguments of `verify` end in; `None` where they make demands.
fn refusal(arguments: &[&str]) -> Option<Usage> {
    refused(arguments).map(|error| error.downcast().unwrap())
}

fn refused(arguments: &[&str]) -> Option<anyhow::Error> {
    let line = ["sealift", "verify", "a.tar"].iter().chain(arguments);
    let Command::Verify(args) = Cli::try_parse_from(line).unwrap().command else {
        panic!("`verify` was asked for")
    };
    let limits = Limits::default();
    let now = UnixTime::from_seconds(1_800_000_000).unwrap();
    Demands::of_archive(&args.demands, &limits, now).err()
}

#[test]
fn what_makes_no_policy() {
    const IDENTITY: [&str; 2] = ["--certificate-identity", "a@example.com"];
    const ISSUER: [&str; 2] = ["--certificate-oidc-issuer", "https://issuer.example"];
    let with = |more: &[&'static str]| [&IDENTITY[..], more].concat();
    let why = "certificates are judged by its authorities";
    let cases: Vec<(Vec<&str>, Usage)> = vec![
        (vec![], Usage::NothingDemanded),
        (vec!["--trusted-root", "r.json"], Usage::NothingDemanded),
        (
            [&["--policy", "p.yaml"], &["--key", "k.pub"][..]].concat(),
            Usage::Several { one: "--policy", other: "--key" },
        ),
        (
            vec!["--policy", "p.yaml", "--insecure-ignore-tlog"],
            Usage::Several { one: "--policy", other: "--insecure-ignore-tlog" },
        ),
        (
            vec!["--policy", "p.yaml", "--github-owner", "o"],
            Usage::Several { one: "--policy", other: "--github-owner" },
        ),
        (
            vec!["--key", "k.pub", "-k", "l.pub"],
            Usage::Several { one: "--key", other: "--verification-key" },
        ),
        (vec!["--github-owner", "o"], Usage::NoTrustedRoot { why }),
        (with(&[]), Usage::NoIssuer),
        (ISSUER.to_vec(), Usage::NoSigner),
        (vec!["--type", "vuln"], Usage::NoSigner),
        (vec!["--insecure-ignore-tlog"], Usage::NoSigner),
        (with(&["--key", "k.pub"]), Usage::KeyAndIdentity),
        (vec!["--key", "k.pub", "--ca-roots", "r.pem"], Usage::KeyAndIdentity),
        (
            with(&["--certificate-identity-regexp", "a"]),
            Usage::ExactAndRegexp { flag: "--certificate-identity" },
        ),
        (
            [&["--certificate-identity", ""], &ISSUER[..]].concat(),
            Usage::Empty { flag: "--certificate-identity" },
        ),
        (
            with(&["--certificate-oidc-issuer-regexp", ""]),
            Usage::Empty { flag: "--certificate-oidc-issuer-regexp" },
        ),
        (with(&["--ca-intermediates", "i.pem"]), Usage::IntermediatesAlone),
        (with(&ISSUER), Usage::NoTrustedRoot { why }),
        (
            with(&[&ISSUER[..], &["--insecure-ignore-tlog", "--require-inclusion-proof"]].concat()),
            Usage::InclusionWithoutLog,
        ),
        (
            [with(&ISSUER), vec!["-a", "novalue"]].concat(),
            Usage::NoAnnotation { text: "novalue".to_owned() },
        ),
        (
            [with(&ISSUER), vec!["-a", "k=1", "-a", "k=2"]].concat(),
            Usage::AnnotationTwice { key: "k".to_owned() },
        ),
        (
            [with(&ISSUER), vec!["-a", "k=1", "--type", "vuln"]].concat(),
            Usage::AnnotationOfAttestation,
        ),
    ];
    for (arguments, wanted) in cases {
        assert_eq!(refusal(&arguments), Some(wanted), "{arguments:?}");
    }
}

/// kwctl's own words.
#[test]
fn what_makes_no_verification_config() {
    use crate::cli::kwctl;
    let identity = ["--cert-email", "a@example.com"];
    let cases: [(&[&str], kwctl::Usage); 9] = [
        (
            &["--verification-config-path", "c.yml", "--github-owner", "o"],
            kwctl::Usage::PathAndFlags,
        ),
        (&["--verification-config-path", "c.yml", "-a", "a=b"], kwctl::Usage::PathAndFlags),
        (&["--verification-annotation", "a=b"], kwctl::Usage::AnnotationsAlone),
        (
            &["--github-owner", "o", "-a", "ab"],
            kwctl::Usage::NoAnnotation { text: "ab".to_owned() },
        ),
        (&["--github-repo", "r"], kwctl::Usage::RepositoryAlone),
        (&identity, kwctl::Usage::HalfAnIdentity),
        (&["--cert-oidc-issuer", "i"], kwctl::Usage::HalfAnIdentity),
        (
            &["--github-owner", "o", "--verification-annotation", "ab"],
            kwctl::Usage::NoAnnotation { text: "ab".to_owned() },
        ),
        (
            &["--github-owner", "o", "--verification-annotation", "=b"],
            kwctl::Usage::NoAnnotation { text: "=b".to_owned() },
        ),
    ];
    for (arguments, wanted) in cases {
        let found = refused(arguments).map(|error| error.downcast::<kwctl::Usage>().unwrap());
        assert_eq!(found, Some(wanted), "{arguments:?}");
    }
}

#[test]
fn kwctl_asks_for_all_in_its_order() {
    let line = ["sealift", "verify", "a.tar", "--github-owner", "o", "--github-repo", "r"];
    let more = ["--cert-oidc-issuer", "i", "--cert-email", "s", "--verification-annotation", "a=1"];
    let last = ["-a", "a=2"];
    let line = line.iter().chain(&more).chain(&last);
    let Command::Verify(args) = Cli::try_parse_from(line).unwrap().command else {
        panic!("`verify` was asked for")
    };
    let now = UnixTime::from_seconds(1_800_000_000).unwrap();
    let policy = args
        .demands
        .kwctl
        .policy(&args.demands.signer.annotations, &Limits::default(), now)
        .unwrap();
    let policies = PolicySet::new(vec![policy]).unwrap();
    let told = format!("{:?}", policies.policies()[0].rule);
    let places: Vec<_> =
        ["!equal s", "owner: o", "repo: r"].iter().map(|text| told.find(text).unwrap()).collect();
    assert!(places.is_sorted(), "{told}");
    assert!(told.contains("a: '2'") && !told.contains("a: '1'"), "{told}");
}

#[test]
fn clap_finds_nothing_wrong_with_the_arguments() {
    use clap::CommandFactory;
    Cli::command().debug_assert();
}

/// Every option has a variable of its own, named for it.
#[test]
fn every_option_has_a_variable() {
    use clap::CommandFactory;
    let command = Cli::command();
    let mut seen = 0;
    for subcommand in command.get_subcommands() {
        for argument in subcommand.get_arguments().filter(|argument| argument.get_long().is_some())
        {
            let long = argument.get_long().unwrap();
            if matches!(long, "help" | "version") {
                continue;
            }
            let variable = format!("SEALIFT_{}", long.to_uppercase().replace('-', "_"));
            let found = argument.get_env().and_then(|name| name.to_str());
            assert_eq!(found, Some(variable.as_str()), "{}", subcommand.get_name());
            seen += 1;
        }
    }
    assert!(seen > 20, "{seen} options were looked at");
}
