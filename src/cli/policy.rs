//! `sealift policy`: policies before anything is judged by them.

mod convert;
mod explain;
mod lint;
mod test;

use anyhow::Result;

pub(crate) use convert::ConvertArgs;
pub(crate) use explain::ExplainArgs;
pub(crate) use lint::LintArgs;
pub(crate) use test::TestArgs;

use super::args::{PolicyAction, PolicyCommand, Scaffold, ScaffoldArgs};
use super::exit::Exit;
use super::output;

pub(crate) fn run(command: &PolicyCommand) -> Result<Exit> {
    match &command.action {
        PolicyAction::Scaffold(args) => scaffold(args),
        PolicyAction::Lint(args) => lint::run(args),
        PolicyAction::Explain(args) => explain::run(args),
        PolicyAction::Test(args) => test::run(args),
        PolicyAction::Convert(args) => convert::run(args),
    }
}

fn scaffold(args: &ScaffoldArgs) -> Result<Exit> {
    output::answer(match args.format {
        Scaffold::VerificationConfig => VERIFICATION_CONFIG,
        Scaffold::ClusterImagePolicy => CLUSTER_IMAGE_POLICY,
    })?;
    Ok(Exit::Admitted)
}

const VERIFICATION_CONFIG: &str = "\
# A verification config of Kubewarden: it covers every image.
# Give it with --policy or --verification-config-path.
apiVersion: v1
# Every one of these must have signed.
allOf:
# A GitHub workflow, of any repository of the owner where `repo` is null.
- kind: githubAction
  owner: kubewarden
  repo: null
  # Annotations that must stand in the same signature.
  annotations: null
# Others that can stand here:
# - kind: genericIssuer
#   issuer: https://accounts.example.com
#   subject:
#     equal: release@example.com
#     # or: urlPrefix: https://github.com/example/
# - kind: pubKey
#   key: |
#     -----BEGIN PUBLIC KEY-----
#     ...
#     -----END PUBLIC KEY-----
# So many of these must have signed: {minimumMatches: 1, signatures: [...]}
anyOf: null
";

const CLUSTER_IMAGE_POLICY: &str = "\
# A ClusterImagePolicy of sigstore's policy-controller. Give it with --policy.
apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata:
  name: release
spec:
  # The images it covers. `*` stays inside a part of the name, `**` crosses
  # slashes.
  images:
  - glob: \"registry.example.com/team/**\"
  # Any one of these is enough.
  authorities:
  - name: workflow
    keyless:
      url: https://fulcio.sigstore.dev
      identities:
      # Issuer and subject must both fit. An expression (issuerRegExp,
      # subjectRegExp) is not anchored: write ^ and $ where you mean them.
      - issuer: https://token.actions.githubusercontent.com
        subject: https://github.com/example/app/.github/workflows/release.yml@refs/tags/v1.0.0
    ctlog:
      url: https://rekor.sigstore.dev
  # - name: key
  #   key:
  #     data: |
  #       -----BEGIN PUBLIC KEY-----
  #       ...
  #       -----END PUBLIC KEY-----
";

#[cfg(test)]
mod tests {
    use sealift::limits::Limits;
    use sealift::policy::{Format, PolicyFile, document};
    use sealift::time::UnixTime;

    use super::*;

    #[test]
    fn what_is_printed_is_a_policy() {
        let cases = [
            (VERIFICATION_CONFIG, Format::VerificationConfig),
            (CLUSTER_IMAGE_POLICY, Format::ClusterImagePolicy),
        ];
        for (text, format) in cases {
            let file = PolicyFile { name: "policy.yaml", bytes: text.as_bytes() };
            let now = UnixTime::from_seconds(1_800_000_000).unwrap();
            let policies = document::parse(&[file], &Limits::default(), now).unwrap();
            let found: Vec<_> = policies.iter().map(|policy| policy.format).collect();
            assert_eq!(found, [format]);
            assert_eq!(policies[0].remarks, Vec::<String>::new());
            // An identity is as long as it is.
            let is_wide = |line: &&str| line.len() > 80 && !line.contains(" subject: ");
            assert_eq!(text.lines().find(is_wide), None);
        }
    }
}
