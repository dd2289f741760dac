use std::error::Error as _;

use super::*;

const TEST: &str = "\
# What we expect.
apiVersion: sealift/v1
kind: PolicyTest
archive: a.tar
policies: [p.yaml, q.yaml]
trustedRoot: root.json
tufMirrors: {https://tuf.example: mirror, https://tuf.example/b: b}
verificationTime: 2027-01-01T00:00:00Z
cases:
- image: r.example/a:1
  expect: admitted
  by: p
- {image: r.example/b:1, expect: denied, by: q, reason: no-sct}
- image: latest
  expect: uncovered
";

fn parse(text: &str) -> Result<PolicyTest, Error> {
    let file = PolicyFile { name: "t.yaml", bytes: text.as_bytes() };
    PolicyTest::parse(file, &Limits::default())
}

#[test]
fn a_test_is_read_whole() {
    let case = |line, image: &str, end, by: Option<&str>, reason: Option<&str>| Expectation {
        line,
        image: image.to_owned(),
        end,
        by: by.map(str::to_owned),
        reason: reason.map(str::to_owned),
    };
    let wanted = PolicyTest {
        archive: vec!["a.tar".to_owned()],
        policies: vec!["p.yaml".to_owned(), "q.yaml".to_owned()],
        trusted_root: Some("root.json".to_owned()),
        tuf_mirrors: [("https://tuf.example", "mirror"), ("https://tuf.example/b", "b")]
            .map(|(url, folder)| (url.to_owned(), folder.to_owned()))
            .into(),
        verification_time: Some("2027-01-01T00:00:00Z".parse().unwrap()),
        cases: vec![
            case(10, "r.example/a:1", End::Admitted, Some("p"), None),
            case(13, "r.example/b:1", End::Denied, Some("q"), Some("no-sct")),
            case(14, "latest", End::Uncovered, None, None),
        ],
    };
    assert_eq!(parse(TEST).unwrap(), wanted);
    let volumes = TEST.replace("archive: a.tar", "archive: [a.tar.002, a.tar.001]");
    let archive = ["a.tar.002", "a.tar.001"].map(str::to_owned).to_vec();
    assert_eq!(parse(&volumes).unwrap(), PolicyTest { archive, ..wanted });
}

#[test]
fn its_mutants_are_refused() {
    let header = "the document is no policy test: it begins with `apiVersion: sealift/v1` and \
                  `kind: PolicyTest`";
    let cases = [
        ("sealift/v1", "sealift/v2", 1, header),
        ("kind: PolicyTest", "kind: Test", 1, header),
        ("archive: a.tar", "archive: []", 4, "`archive` is empty"),
        ("[p.yaml, q.yaml]", "[]", 5, "`policies` is empty"),
        (
            "2027-01-01T00:00:00Z",
            "tomorrow",
            8,
            "`verificationTime` is `tomorrow`, no RFC 3339 time",
        ),
        ("/b: b}", ": b}", 7, "duplicate mapping key: https://tuf.example"),
        (
            "  by: p\n",
            "  reason: p\n",
            10,
            "an admitted image has no `reason`; write `by` for the policy that admits it",
        ),
        (
            "expect: uncovered",
            "expect: uncovered\n  by: p",
            14,
            "what no policy covers has neither `by` nor `reason`",
        ),
        (
            "expect: uncovered\n",
            "expect: uncovered\n---\na: 1\n",
            16,
            "a file holds one policy test; this is a second document",
        ),
    ];
    for (from, to, line, why) in cases {
        let error = parse(&TEST.replace(from, to)).unwrap_err();
        let told = (error.line, error.source().unwrap().to_string());
        assert_eq!(told, (Some(line), why.to_owned()), "{to}");
    }
    let (head, _) = TEST.split_once("cases:").unwrap();
    let error = parse(&format!("{head}cases: []\n")).unwrap_err();
    let told = (error.line, error.source().unwrap().to_string());
    assert_eq!(told, (Some(9), "`cases` is empty: the test could not fail".to_owned()));
    // Unknown and missing fields.
    for (from, to) in [
        ("archive:", "archives:"),
        ("archive: a.tar", "archive: 7"),
        ("archive: a.tar", "archive: [a.tar, 7]"),
        ("archive: a.tar", "archive: {file: a.tar}"),
        ("by: p", "buy: p"),
        ("expect: admitted\n", "\n"),
    ] {
        let error = parse(&TEST.replacen(from, to, 1)).unwrap_err();
        assert!(matches!(*error.problem, crate::policy::document::Problem::Yaml { .. }), "{to}");
    }
}
