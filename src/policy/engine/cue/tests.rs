//! The subset construct by construct: what is accepted with its mutants, and what is refused, by
//! its exact message.

use super::*;

fn outcome_within(policy: &str, input: &str, limits: &Limits) -> Outcome {
    let policy = Policy::compile(policy, limits).unwrap_or_else(|why| panic!("{why}: {policy}"));
    policy.evaluate(&Document::parse(input.as_bytes(), limits).unwrap())
}

/// What is said of a document; nothing where it complies.
fn said(policy: &str, input: &str) -> String {
    match outcome_within(policy, input, &Limits::default()) {
        Outcome::Compliant => String::new(),
        Outcome::Warning(text) => panic!("CUE has no warnings: {text}"),
        Outcome::Refused(text) => text
            .strip_prefix("failed to evaluate the policy with error: ")
            .unwrap_or_else(|| panic!("{text}"))
            .to_owned(),
    }
}

fn refusal(policy: &str) -> String {
    Policy::compile(policy, &Limits::default()).unwrap_err().to_string()
}

/// A policy, documents that comply, and documents that do not with what is said of them.
type Case<'a> = (&'a str, &'a [&'a str], &'a [(&'a str, &'a str)]);

fn check(cases: &[Case<'_>]) {
    for (policy, compliant, refused) in cases {
        for input in *compliant {
            assert_eq!(said(policy, input), "", "{policy}\n{input}");
        }
        for (input, wanted) in *refused {
            assert_eq!(said(policy, input), *wanted, "{policy}\n{input}");
        }
    }
}

#[test]
fn fields_and_scalars() {
    check(&[
        (
            r#"a: b: "x""#,
            &[r#"{"a":{"b":"x"}}"#, r#"{"a":{"b":"x","c":1},"d":2}"#, r#"{"a":{}}"#, "{}"],
            &[
                (r#"{"a":{"b":"y"}}"#, r#"a.b: conflicting values "y" and "x""#),
                (
                    r#"{"a":{"b":1}}"#,
                    r#"a.b: conflicting values 1 and "x" (mismatched types int and string)"#,
                ),
                (
                    r#"{"a":[]}"#,
                    r#"a: conflicting values [] and {b:"x"} (mismatched types list and struct)"#,
                ),
                (
                    "null",
                    r#"conflicting values null and {a:{b:"x"}} (mismatched types null and struct)"#,
                ),
            ],
        ),
        (
            "a: {b: 1, c: true\n}, d: null // a comment\n\"e f\": \"/\": 2",
            &[r#"{"a":{"b":1,"c":true},"d":null,"e f":{"/":2}}"#],
            &[
                (
                    r#"{"a":{"b":2,"c":false},"d":0,"e f":{"/":3}}"#,
                    "a.b: conflicting values 2 and 1 (and 3 more errors)",
                ),
                (r#"{"a":{"c":false}}"#, "a.c: conflicting values false and true"),
                (r#"{"d":0}"#, "d: conflicting values 0 and null (mismatched types int and null)"),
                (r#"{"e f":{"/":3}}"#, r#""e f"."/": conflicting values 3 and 2"#),
            ],
        ),
        ("a: 1\na: <5", &[r#"{"a":1}"#], &[(r#"{"a":2}"#, "a: conflicting values 2 and 1")]),
        (
            "package p\n\nif: 1\nfor: 2",
            &[r#"{"if":1}"#],
            &[(r#"{"for":1}"#, "for: conflicting values 1 and 2")],
        ),
        (
            r#""_type": "t""#,
            &[r#"{"_type":"t"}"#],
            &[(r#"{"_type":"u"}"#, r#""_type": conflicting values "u" and "t""#)],
        ),
        ("", &["{}", r#"{"a":1}"#], &[]),
    ]);
}

#[test]
fn strings() {
    check(&[
        (r#"a: "q\"\\\/\n\t\u00e9\U0001F600""#, &[r#"{"a":"q\"\\/\n\té😀"}"#], &[]),
        (
            "a: \"\"\"\n  one\n    two\n\n  three\n  \"\"\"",
            &[r#"{"a":"one\n  two\n\nthree"}"#],
            &[(r#"{"a":"one"}"#, r#"a: conflicting values "one" and "one\n  two\n\nthree""#)],
        ),
        ("a: \"\"\"\n\"\"\"", &[r#"{"a":""}"#], &[]),
        (r##"a: #"\d "x" \#n"#"##, &[r#"{"a":"\\d \"x\" \n"}"#], &[]),
    ]);
}

#[test]
fn numbers_are_exact() {
    check(&[
        (
            "a: 9007199254740993",
            &[r#"{"a":9007199254740993}"#],
            &[(
                r#"{"a":9007199254740992}"#,
                "a: conflicting values 9007199254740992 and 9007199254740993",
            )],
        ),
        (
            "a: >=170141183460469231731687303715884105728 & <1e60",
            &[r#"{"a":170141183460469231731687303715884105728}"#],
            &[
                (
                    r#"{"a":170141183460469231731687303715884105727}"#,
                    "a: invalid value 170141183460469231731687303715884105727 (out of bound >=170141183460469231731687303715884105728)",
                ),
                (r#"{"a":1e60}"#, "a: invalid value 1e60 (out of bound <1e60)"),
            ],
        ),
        (
            "a: 0.1, b: 1_000",
            &[r#"{"a":0.10,"b":1000}"#],
            &[
                (
                    r#"{"a":0.1000000000000000000001}"#,
                    "a: conflicting values 0.1000000000000000000001 and 0.1",
                ),
                (
                    r#"{"b":1000.0}"#,
                    "b: conflicting values 1000.0 and 1000 (mismatched types float and int)",
                ),
            ],
        ),
        (
            "a: -1, b: +2",
            &[r#"{"a":-1,"b":2}"#],
            &[(r#"{"a":1}"#, "a: conflicting values 1 and -1")],
        ),
        (
            "a: 0.1 + 0.2, b: 3 * 4 - 2",
            &[r#"{"a":0.3,"b":10}"#],
            &[(
                r#"{"a":0.30000000000000004}"#,
                "a: conflicting values 0.30000000000000004 and 0.3",
            )],
        ),
        (
            "a: 1e38 * 10 + b, b: number",
            &[],
            &[("{}", "a: 1e38 * 10 cannot be calculated exactly")],
        ),
    ]);
}

#[test]
fn types() {
    let cases = [
        ("int", "1", "1.0", "float"),
        ("float", "1.0", "1", "int"),
        ("number", "1.5", "\"1\"", "string"),
        ("string", "\"x\"", "null", "null"),
        ("bool", "true", "\"true\"", "string"),
        ("null", "null", "false", "bool"),
        ("bytes", "", "\"x\"", "string"),
        ("{...}", "{}", "[]", "list"),
        ("[...]", "[]", "{}", "struct"),
    ];
    for (kind, holds, refused, found) in cases {
        let policy = format!("a: {kind}");
        if !holds.is_empty() {
            assert_eq!(said(&policy, &format!("{{\"a\":{holds}}}")), "", "{kind}");
        }
        let name = match kind {
            "{...}" => "struct",
            "[...]" => "list",
            kind => kind,
        };
        assert_eq!(
            said(&policy, &format!("{{\"a\":{refused}}}")),
            format!(
                "a: conflicting values {refused} and {kind} (mismatched types {found} and {name})"
            )
        );
    }
    check(&[("a: _", &[r#"{"a":1}"#, r#"{"a":null}"#, r#"{"a":{"b":[]}}"#], &[])]);
}

#[test]
fn bounds() {
    check(&[
        (
            "a: >1 & <=3.5",
            &[r#"{"a":1.0001}"#, r#"{"a":3.5}"#],
            &[
                (r#"{"a":1}"#, "a: invalid value 1 (out of bound >1)"),
                (r#"{"a":3.6}"#, "a: invalid value 3.6 (out of bound <=3.5)"),
                (
                    r#"{"a":"2"}"#,
                    r#"a: conflicting values "2" and >1 (mismatched types string and number)"#,
                ),
            ],
        ),
        (
            r#"a: >="b" & <"c""#,
            &[r#"{"a":"b"}"#, r#"{"a":"bzz"}"#],
            &[
                (r#"{"a":"B"}"#, r#"a: invalid value "B" (out of bound >="b")"#),
                (r#"{"a":"c"}"#, r#"a: invalid value "c" (out of bound <"c")"#),
            ],
        ),
        (
            r#"a: !="x", b: !=null, c: !=1, d: !=true"#,
            &[r#"{"a":"y","b":{},"c":2,"d":false}"#],
            &[
                (r#"{"a":"x"}"#, r#"a: invalid value "x" (out of bound !="x")"#),
                (
                    r#"{"b":null}"#,
                    "b: conflicting values null and !=null (mismatched types null and (bool|number|string|bytes|struct|list))",
                ),
                (r#"{"c":1.0}"#, "c: invalid value 1.0 (out of bound !=1)"),
                (r#"{"d":true}"#, "d: invalid value true (out of bound !=true)"),
            ],
        ),
        (
            r#"a: =~"^v[0-9]+$" & !~"9""#,
            &[r#"{"a":"v12"}"#],
            &[
                (r#"{"a":"xv12"}"#, r#"a: invalid value "xv12" (out of bound =~"^v[0-9]+$")"#),
                (r#"{"a":"v9"}"#, r#"a: invalid value "v9" (out of bound !~"9")"#),
                (
                    r#"{"a":"vé"}"#,
                    r#"a: cannot match "vé", which is not ASCII (and 1 more errors)"#,
                ),
                (
                    r#"{"a":1}"#,
                    r#"a: conflicting values 1 and =~"^v[0-9]+$" (mismatched types int and string)"#,
                ),
            ],
        ),
        (
            "low: 3\na: >low",
            &[r#"{"a":4}"#],
            &[(r#"{"a":3}"#, "a: invalid value 3 (out of bound >3)")],
        ),
        (
            "a: =~p, p: string",
            &[r#"{"a":"xyz","p":"y"}"#, r#"{"a":"xyz"}"#],
            &[
                (r#"{"a":"xyz","p":"^y"}"#, r#"a: invalid value "xyz" (out of bound =~"^y")"#),
                (r#"{"a":"xyz","p":"("}"#, r#"a: cannot use "(" as a regular expression"#),
            ],
        ),
        ("a: <null", &[], &[("{}", "a: cannot use null for bound <")]),
    ]);
}

#[test]
fn disjunctions_and_defaults() {
    check(&[
        (
            r#"a: "x" | "y" | int"#,
            &[r#"{"a":"x"}"#, r#"{"a":"y"}"#, r#"{"a":7}"#, "{}"],
            &[
                (r#"{"a":"z"}"#, "a: 3 errors in empty disjunction: (and 3 more errors)"),
                (r#"{"a":null}"#, "a: 3 errors in empty disjunction: (and 3 more errors)"),
            ],
        ),
        (
            "a: *1 | int\nb: >a",
            &[r#"{"b":2}"#, r#"{"a":5,"b":6}"#, r#"{"a":1,"b":2}"#],
            &[
                (r#"{"b":1}"#, "b: invalid value 1 (out of bound >1)"),
                (r#"{"a":5,"b":5}"#, "b: invalid value 5 (out of bound >5)"),
            ],
        ),
        (
            r#"a: {kind: "k", v: int} | {kind: "s", v: string}"#,
            &[r#"{"a":{"kind":"k","v":1}}"#, r#"{"a":{"kind":"s","v":"x"}}"#, r#"{"a":{}}"#],
            &[(
                r#"{"a":{"kind":"k","v":"x"}}"#,
                "a: 2 errors in empty disjunction: (and 2 more errors)",
            )],
        ),
        (
            "a: (1 | 2) & (2 | 3)\nb: <=a",
            &[r#"{"a":2}"#, r#"{"b":2}"#],
            &[
                (r#"{"a":1}"#, "a: 3 errors in empty disjunction: (and 3 more errors)"),
                (r#"{"b":3}"#, "b: invalid value 3 (out of bound <=2)"),
            ],
        ),
        (
            r#"a: string | *"none"
if a == "none" {b: 1}"#,
            &[r#"{"b":1}"#, r#"{"a":"x","b":2}"#],
            &[(r#"{"b":2}"#, "b: conflicting values 1 and 2")],
        ),
    ]);
}

#[test]
fn lists() {
    check(&[
        (
            r#"a: [1, "x"]"#,
            &[r#"{"a":[1,"x"]}"#],
            &[
                (r#"{"a":[1]}"#, "a: incompatible list lengths (1 and 2)"),
                (r#"{"a":[1,"x",2]}"#, "a: incompatible list lengths (2 and 3)"),
                (
                    r#"{"a":["x",1]}"#,
                    r#"a.0: conflicting values "x" and 1 (mismatched types string and int) (and 1 more errors)"#,
                ),
            ],
        ),
        (
            "a: [int, ...string]",
            &[r#"{"a":[1]}"#, r#"{"a":[1,"x","y"]}"#],
            &[
                (r#"{"a":[]}"#, "a: incompatible list lengths (0 and 1)"),
                (
                    r#"{"a":[1,"x",2]}"#,
                    "a.2: conflicting values 2 and string (mismatched types int and string)",
                ),
            ],
        ),
        (
            "a: [...{n: >0}]",
            &[r#"{"a":[]}"#, r#"{"a":[{"n":1},{"n":2,"m":0},{}]}"#],
            &[(r#"{"a":[{"n":1},{"n":0}]}"#, "a.1.n: invalid value 0 (out of bound >0)")],
        ),
        (
            "a: [_, ...], b: []",
            &[r#"{"a":[null,2],"b":[]}"#],
            &[
                (r#"{"a":[]}"#, "a: incompatible list lengths (0 and 1)"),
                (r#"{"b":[1]}"#, "b: incompatible list lengths (0 and 1)"),
            ],
        ),
    ]);
}

#[test]
fn optional_fields_and_definitions() {
    check(&[
        (
            "a?: b?: int",
            &["{}", r#"{"a":{}}"#, r#"{"a":{"b":1}}"#],
            &[(
                r#"{"a":{"b":"x"}}"#,
                r#"a.b: conflicting values int and "x" (mismatched types int and string)"#,
            )],
        ),
        (
            "#Scan: {by: string, at?: =~\"Z$\"}\nscan: #Scan",
            &[
                r#"{"scan":{"by":"x"}}"#,
                r#"{"scan":{"by":"x","at":"1Z"}}"#,
                r##"{"scan":{},"#Scan":1}"##,
            ],
            &[
                (r#"{"scan":{"by":"x","on":1}}"#, "scan.on: field not allowed"),
                (
                    r#"{"scan":{"by":1}}"#,
                    "scan.by: conflicting values 1 and string (mismatched types int and string)",
                ),
                (r#"{"scan":{"at":"1"}}"#, r#"scan.at: invalid value "1" (out of bound =~"Z$")"#),
            ],
        ),
        (
            "#A: {b: {c: 1}, ...}\na: #A",
            &[r#"{"a":{"b":{"c":1},"d":2}}"#],
            &[(r#"{"a":{"b":{"c":1,"x":1}}}"#, "a.b.x: field not allowed")],
        ),
        (
            "#A: {n: int}\n#B: {m: #A, l: [...#A]}\nb: #B",
            &[r#"{"b":{"m":{"n":1},"l":[{"n":2}]}}"#],
            &[
                (r#"{"b":{"m":{"n":1,"o":1}}}"#, "b.m.o: field not allowed"),
                (r#"{"b":{"l":[{"n":2},{"o":1}]}}"#, "b.l.1.o: field not allowed"),
            ],
        ),
        (
            "#A: a: int\n#A: b: int\nx: #A\ny: #A & {c: 1}",
            &[],
            &[(r#"{"x":{"a":1,"b":2}}"#, "y.c: field not allowed")],
        ),
        (
            "#A: b: c: 5\nd: #A.b.c",
            &[r#"{"d":5}"#],
            &[(r#"{"d":6}"#, "d: conflicting values 6 and 5")],
        ),
        (
            "#T: {name: string, more?: #T}\nt: #T",
            &[r#"{"t":{"name":"a","more":{"name":"b","more":{"name":"c"}}}}"#],
            &[(
                r#"{"t":{"name":"a","more":{"name":"b","more":{"name":3}}}}"#,
                "t.more.more.name: conflicting values string and 3 (mismatched types string and int)",
            )],
        ),
    ]);
}

#[test]
fn references_mean_the_innermost_field() {
    check(&[
        (
            "x: 1\na: {x: 2, b: x}\nc: x",
            &[r#"{"a":{"b":2},"c":1}"#],
            &[
                (r#"{"a":{"b":1}}"#, "a.b: conflicting values 1 and 2"),
                (r#"{"c":2}"#, "c: conflicting values 2 and 1"),
            ],
        ),
        (
            "predicate: {builder: string, signer: builder}",
            &[r#"{"predicate":{"builder":"b","signer":"b"}}"#],
            &[(
                r#"{"predicate":{"builder":"b","signer":"c"}}"#,
                r#"predicate.signer: conflicting values "c" and "b""#,
            )],
        ),
        (
            "a: b: _\nc: a.b.d",
            &["{}"],
            &[(r#"{"a":{"b":1}}"#, "c: a.b.d: invalid operand 1 (found int, want list or struct)")],
        ),
    ]);
}

#[test]
fn guards() {
    check(&[
        (
            "a: int, b: bool, c: int\nif a > 1 if b {c: 1}",
            &[r#"{"a":2,"b":true,"c":1}"#, r#"{"a":1,"b":true,"c":2}"#, r#"{"c":2}"#],
            &[
                (r#"{"a":2,"b":true,"c":2}"#, "c: conflicting values 1 and 2"),
                (
                    r#"{"a":"2"}"#,
                    r#"a: conflicting values "2" and int (mismatched types string and int)"#,
                ),
            ],
        ),
        (
            "p: {t: string, v: int}\nif p.t == \"x\" && p.v >= 2 || p.v == 9 {p: w: true}",
            &[r#"{"p":{"t":"x","v":2,"w":true}}"#, r#"{"p":{"t":"y","v":2,"w":false}}"#],
            &[
                (r#"{"p":{"t":"x","v":2,"w":false}}"#, "p.w: conflicting values true and false"),
                (r#"{"p":{"t":"y","v":9,"w":false}}"#, "p.w: conflicting values true and false"),
            ],
        ),
        (
            "a: _\nif a == null {b: 1}\nif !(a != null) {c: 1}",
            &[r#"{"a":null,"b":1,"c":1}"#, r#"{"a":{},"b":2}"#, r#"{"a":[],"c":2}"#],
            &[
                (r#"{"a":null,"b":2}"#, "b: conflicting values 1 and 2"),
                (r#"{"a":null,"c":2}"#, "c: conflicting values 1 and 2"),
            ],
        ),
        ("a: _\nif a {b: 1}", &["{}"], &[(r#"{"a":1}"#, "cannot use 1 (type int) as type bool")]),
        (
            "s: string\nif s =~ \"^v\" {a: 1}\nif s !~ \"^v\" {a: 2}",
            &[r#"{"s":"v","a":1}"#, r#"{"s":"w","a":2}"#],
            &[
                (r#"{"s":"v","a":2}"#, "a: conflicting values 1 and 2"),
                (r#"{"s":"é"}"#, r#"cannot match "é", which is not ASCII (and 1 more errors)"#),
            ],
        ),
        (
            "m: {\n  if (len(m.l) < 2) {\n    e: 2\n    e: \"few\"\n  },\n}",
            &[r#"{"m":{"l":[1,2]}}"#, r#"{"m":{}}"#],
            &[(
                r#"{"m":{"l":[1]}}"#,
                r#"m.e: conflicting values "few" and 2 (mismatched types string and int)"#,
            )],
        ),
    ]);
}

#[test]
fn validators() {
    check(&[
        (
            "import \"struct\"\na: struct.MinFields(1) & struct.MaxFields(2)",
            &[r#"{"a":{"x":1}}"#, r#"{"a":{"x":1,"y":2}}"#, "{}"],
            &[
                (
                    r#"{"a":{}}"#,
                    "a: invalid value {} (does not satisfy struct.MinFields(1)): len(fields) < MinFields(1) (0 < 1)",
                ),
                (
                    r#"{"a":{"x":1,"y":2,"z":3}}"#,
                    "a: invalid value {x:1,y:2,z:3} (does not satisfy struct.MaxFields(2)): len(fields) > MaxFields(2) (3 > 2)",
                ),
                (
                    r#"{"a":[]}"#,
                    "a: conflicting values [] and struct.MinFields(1) (mismatched types list and struct)",
                ),
            ],
        ),
        (
            "import \"list\"\na: list.MinItems(1) & list.MaxItems(2)",
            &[r#"{"a":[1]}"#, r#"{"a":[1,2]}"#],
            &[
                (
                    r#"{"a":[]}"#,
                    "a: invalid value [] (does not satisfy list.MinItems(1)): len(list) < MinItems(1) (0 < 1)",
                ),
                (
                    r#"{"a":[1,2,3]}"#,
                    "a: invalid value [1,2,3] (does not satisfy list.MaxItems(2)): len(list) > MaxItems(2) (3 > 2)",
                ),
            ],
        ),
        (
            "import \"list\"\na: list.Contains(\"x\"), b: list.UniqueItems(), c: list.UniqueItems",
            &[r#"{"a":["y","x"],"b":[1,"1",{"a":1,"b":2},{"a":1}],"c":[]}"#],
            &[
                (
                    r#"{"a":["y"]}"#,
                    r#"a: invalid value ["y"] (does not satisfy list.Contains("x"))"#,
                ),
                (
                    r#"{"b":[{"a":1,"b":2},{"b":2,"a":1}]}"#,
                    "b: invalid value [{a:1,b:2},{b:2,a:1}] (does not satisfy list.UniqueItems)",
                ),
            ],
        ),
        (
            "import \"strings\"\na: strings.HasPrefix(\"v\") & strings.HasSuffix(\"z\") & strings.Contains(\"-\") & strings.MinRunes(3) & strings.MaxRunes(4)",
            &[r#"{"a":"v-z"}"#, r#"{"a":"v-éz"}"#],
            &[
                (
                    r#"{"a":"w-z"}"#,
                    r#"a: invalid value "w-z" (does not satisfy strings.HasPrefix("v"))"#,
                ),
                (
                    r#"{"a":"v-y"}"#,
                    r#"a: invalid value "v-y" (does not satisfy strings.HasSuffix("z"))"#,
                ),
                (
                    r#"{"a":"v+z"}"#,
                    r#"a: invalid value "v+z" (does not satisfy strings.Contains("-"))"#,
                ),
                (
                    r#"{"a":"v-aaz"}"#,
                    r#"a: invalid value "v-aaz" (does not satisfy strings.MaxRunes(4))"#,
                ),
                (
                    r#"{"a":5}"#,
                    r#"a: conflicting values 5 and strings.HasPrefix("v") (mismatched types int and string)"#,
                ),
            ],
        ),
    ]);
}

#[test]
fn functions() {
    check(&[
        (
            "import \"strings\"\na: string\nb: strings.ToLower(a), c: strings.ToUpper(a), d: strings.TrimSpace(a)",
            &[r#"{"a":" Ab","b":" ab","c":" AB","d":"Ab"}"#],
            &[
                (r#"{"a":"Ab","b":"Ab"}"#, r#"b: conflicting values "Ab" and "ab""#),
                (
                    r#"{"a":"É"}"#,
                    r#"b: cannot use "É" in call to strings.ToLower (and 1 more errors)"#,
                ),
            ],
        ),
        (
            "import \"strings\"\nimport \"list\"\na: string, l: [...]\nif strings.Contains(a, \"x\") {b: 1}\nif list.Contains(l, 2) {c: 1}\nif len(a) > 3 {d: 1}\nif len({p: 1, q: 2}) == 2 {e: 1}",
            &[r#"{"a":"x","b":1,"c":2,"d":2,"e":1}"#, r#"{"a":"yyyy","b":2,"l":[2],"c":1,"d":1}"#],
            &[
                (r#"{"a":"x","b":2}"#, "b: conflicting values 1 and 2"),
                (r#"{"l":[1,2],"c":2}"#, "c: conflicting values 1 and 2"),
                (r#"{"a":"yyyy","d":2}"#, "d: conflicting values 1 and 2"),
                (r#"{"e":2}"#, "e: conflicting values 1 and 2"),
            ],
        ),
        (
            "import \"regexp\"\na: string\nok: regexp.Match(\"^v\", a)\nok: true",
            &[r#"{"a":"v1"}"#],
            &[(r#"{"a":"w1"}"#, "ok: conflicting values true and false")],
        ),
        (
            "a: _, n: len(a)",
            &[r#"{"a":"é","n":2}"#, r#"{"a":[1,2],"n":2}"#],
            &[
                (r#"{"a":1}"#, "n: cannot use 1 in call to len"),
                (r#"{"a":null}"#, "n: cannot use null in call to len"),
            ],
        ),
    ]);
}

#[test]
fn times() {
    check(&[
        (
            "import \"time\"\nbefore: time.Parse(time.RFC3339, \"2049-10-09T19:10:27+02:00\")\nat: <before",
            &[r#"{"at":"2049-10-09T17:10:26Z"}"#, r#"{"before":"2049-10-09T17:10:27Z"}"#],
            &[
                (
                    r#"{"at":"2049-10-09T17:10:27Z"}"#,
                    r#"at: invalid value "2049-10-09T17:10:27Z" (out of bound <"2049-10-09T17:10:27Z")"#,
                ),
                (
                    r#"{"at":1}"#,
                    r#"at: conflicting values 1 and <"2049-10-09T17:10:27Z" (mismatched types int and string)"#,
                ),
            ],
        ),
        (
            "import \"time\"\na: string\nb: time.Parse(time.RFC3339Date, a), c: time.Time & =~\"Z$\"",
            &[r#"{"a":"2024-02-29","b":"2024-02-29T00:00:00Z","c":"2024-02-29T00:00:00.25Z"}"#],
            &[
                (
                    r#"{"a":"2023-02-29"}"#,
                    r#"b: error in call to time.Parse: "2023-02-29" is no such time"#,
                ),
                (
                    r#"{"c":"2024-02-29T23:59:60Z"}"#,
                    r#"c: invalid value "2024-02-29T23:59:60Z" (does not satisfy time.Time): error in call to time.Time: invalid time "2024-02-29T23:59:60Z""#,
                ),
                (
                    r#"{"c":"2024-02-29 00:00:00Z"}"#,
                    r#"c: invalid value "2024-02-29 00:00:00Z" (does not satisfy time.Time): error in call to time.Time: invalid time "2024-02-29 00:00:00Z""#,
                ),
            ],
        ),
    ]);
}

/// What is outside the subset is refused by name and place, before any document is looked at.
#[test]
fn the_rest_of_cue_is_refused() {
    let cases = [
        ("a: 1\nfor k, v in b {c: 1}", "line 2, column 1: CUE subset: a comprehension with `for`"),
        ("a: [for x in b {x}]", "line 1, column 5: CUE subset: a comprehension in a list"),
        ("let a = 1", "line 1, column 1: CUE subset: `let`"),
        ("a: {\n  X=b: 1\n}", "line 2, column 3: CUE subset: an alias, `x=`"),
        ("a!: int", "line 1, column 1: CUE subset: a required field, `a!:`"),
        ("#A?: int", "line 1, column 3: CUE subset: an optional definition, `#A?:`"),
        ("a: [string]: int", "line 1, column 12: `:` is not expected here"),
        (
            "[string]: int",
            "line 1, column 1: CUE subset: a pattern for fields, `[...]:`, or an embedded list",
        ),
        (
            "(x): int",
            "line 1, column 1: CUE subset: a computed field, `(...):`, or an embedded value",
        ),
        ("a: 1 @tag(x)", "line 1, column 6: CUE subset: an attribute, `@...`"),
        ("@tag(x)", "line 1, column 1: CUE subset: an attribute, `@...`"),
        (
            "#A: {a: 1}\nb: {#A, c: 1}",
            "line 2, column 5: CUE subset: a value embedded in a struct; fields are `name: value`",
        ),
        ("a: {...int}", "line 1, column 5: CUE subset: a struct whose `...` has a type"),
        (
            "_type: 1",
            "line 1, column 1: CUE subset: the hidden field `_type`, which no document has; a field of that name is `\"_type\"`",
        ),
        ("a: _b", "line 1, column 4: CUE subset: the hidden field `_b`"),
        ("a: _|_", "line 1, column 4: CUE subset: bottom, `_|_`"),
        ("a: 'x'", "line 1, column 4: CUE subset: bytes, `'...'`"),
        (r#"a: "x\(b)""#, r"line 1, column 4: CUE subset: interpolation, `\(...)`"),
        (
            "a: 0x1F",
            "line 1, column 4: CUE subset: the number `0x1F`; numbers are decimal, with exponents up to 100000",
        ),
        (
            "a: 5Ki",
            "line 1, column 4: CUE subset: the number `5Ki`; numbers are decimal, with exponents up to 100000",
        ),
        (
            "a: 1e999999",
            "line 1, column 4: CUE subset: the number `1e999999`; numbers are decimal, with exponents up to 100000",
        ),
        (
            "a: 01",
            "line 1, column 4: CUE subset: the number `01`; numbers are decimal, with exponents up to 100000",
        ),
        ("a: uint8", "line 1, column 4: CUE subset: the type `uint8`"),
        ("a: 6 / 2", "line 1, column 6: CUE subset: division, `/`"),
        ("a: [1]\nb: a[0]", "line 2, column 5: CUE subset: an index or a slice, `a[...]`"),
        ("a: close({})", "line 1, column 4: CUE subset: the function `close`"),
        ("a: or([1])", "line 1, column 4: CUE subset: the function `or`"),
        (
            "import \"list\"\na: list.Sort([1])",
            "line 2, column 4: CUE subset: the function `list.Sort`",
        ),
        ("import \"list\"\na: list.Ascending", "line 2, column 4: CUE subset: `list.Ascending`"),
        (
            "import \"list\"\na: list.MinItems(1, 2, 3)",
            "line 2, column 4: CUE subset: `list.MinItems` with 3 arguments; it has 1 or 2",
        ),
        (
            "import \"list\"\na: list.MinItems()",
            "line 2, column 4: CUE subset: `list.MinItems` with 0 arguments; it has 1 or 2",
        ),
        (
            "import \"struct\"\na: struct.MinFields({}, 2)",
            "line 2, column 4: CUE subset: `struct.MinFields` with 2 arguments; it has 1",
        ),
        (
            "import \"regexp\"\na: regexp.Match(\"x\")",
            "line 2, column 4: CUE subset: `regexp.Match` with 1 arguments; it has 2",
        ),
        (
            "import \"time\"\na: time.Parse(\"2006\", \"2024\")",
            "line 2, column 15: CUE subset: a layout of `time.Parse` other than `time.RFC3339`, `time.RFC3339Nano` and `time.RFC3339Date`",
        ),
        (
            "import \"tool/http\"",
            "line 1, column 8: CUE subset: the package `tool/http`; there are list, regexp, strings, struct, time",
        ),
        ("import t \"time\"", "line 1, column 8: CUE subset: an import under another name"),
        (
            "import \"list\"\nlist: 1\na: list.MinItems(1)",
            "line 3, column 4: CUE subset: a call of the field `list`",
        ),
        (
            "a: =~\"(?=x)\"",
            "line 1, column 4: CUE subset: the regular expression `(?=x)` cannot be used",
        ),
        (
            "a: =~\"a{1000000}\"",
            "line 1, column 4: CUE subset: the regular expression `a{1000000}` cannot be used",
        ),
    ];
    for (policy, wanted) in cases {
        assert_eq!(refusal(policy), wanted, "{policy}");
    }
}

#[test]
fn what_is_no_cue_is_refused() {
    let cases = [
        ("a: b", "line 1, column 4: reference \"b\" not found"),
        ("a: {x: 1}\nb: x", "line 2, column 4: reference \"x\" not found"),
        ("\"a b\": 1\n\"c\": 2\nd: c", "line 3, column 4: reference \"c\" not found"),
        ("a: time.RFC3339", "line 1, column 4: reference \"time\" not found"),
        ("a: list.MinItems(1)", "line 1, column 4: reference \"list\" not found"),
        ("import \"time\"\na: 1", "line 1, column 8: imported and not used: \"time\""),
        ("a: *1", "line 1, column 4: a default, `*`, without another alternative"),
        ("a: 1 & *2 | 3", "line 1, column 8: a default, `*`, without another alternative"),
        ("a: \"x", "line 1, column 4: the string does not end"),
        ("a: \"x\ny\"", "line 1, column 4: the string does not end"),
        (
            "a: \"\"\"x\"\"\"",
            "line 1, column 4: a string over several lines begins behind a line end",
        ),
        (
            "a: \"\"\"\n  x\n   \"\"\"",
            "line 1, column 4: a line is indented less than its closing quotes",
        ),
        ("a: \"\\x\"", "line 1, column 4: the escape `\\x` in a string"),
        ("a: \"\\ud800\"", "line 1, column 4: the escape `\\u` in a string"),
        ("a: 1 2", "line 1, column 6: `2` is not expected here"),
        ("a: {b: 1", "line 1, column 9: the end of the text is not expected here"),
        ("a: [1 2]", "line 1, column 7: `2` is not expected here"),
        ("a: ", "line 1, column 4: the end of the text is not expected here"),
        ("a: §", "line 1, column 4: the character `§` means nothing here"),
        ("package", "line 1, column 8: a comma or the end of the line is not expected here"),
        ("}", "line 1, column 1: `}` is not expected here"),
    ];
    for (policy, wanted) in cases {
        assert_eq!(refusal(policy), wanted, "{policy}");
    }
}

/// A line for each number.
fn chain(length: usize, line: impl Fn(usize) -> String) -> String {
    (0..length).map(|at| line(at) + "\n").collect()
}

/// What would never end, or hold too much, ends in an error that says so.
#[test]
fn hostile_policies() {
    let cases = [
        ("a: a".to_owned(), "the CUE policy cannot be evaluated: `a` refers to itself"),
        ("a: b\nb: a".to_owned(), "the CUE policy cannot be evaluated: `a` refers to itself"),
        (
            "a: b + 1\nb: a + 1".to_owned(),
            "the CUE policy cannot be evaluated: `a` refers to itself",
        ),
        ("a: >a".to_owned(), "the CUE policy cannot be evaluated: `a` refers to itself"),
        ("b: c\nc: d\nd: c".to_owned(), "the CUE policy cannot be evaluated: `c` refers to itself"),
        (
            "#A: {n: #A}".to_owned(),
            "the CUE policy cannot be evaluated: `#A.n.n.n.n.n.n.n.n.n.n.n.n.n.n.n.n.n.n.n.n.n.n.n.n.n.n.n.n.n` is more than 200 levels deep",
        ),
        (
            format!("x: {}", ["({a: 1} | {b: 1} | {c: 1} | {d: 1})"; 12].join(" & ")),
            "the CUE policy cannot be evaluated: `x` has more than 256 alternatives",
        ),
        (
            chain(300, |at| format!("f{at}: f{}", at + 1)) + "f300: 1",
            "the CUE policy cannot be evaluated: `f0` is more than 200 levels deep",
        ),
        (
            chain(40, |at| format!("f{at}: {{a: f{0}, b: f{0}}}", at + 1)) + "f40: 1",
            "the CUE policy cannot be evaluated: it takes more than 250000 steps",
        ),
        (
            format!("a: {}1", "(".repeat(100_000)),
            "line 1, column 99: CUE subset: more than 96 levels of nesting",
        ),
        (
            format!("a: {}", "{b: ".repeat(100_000)),
            "line 1, column 132: CUE subset: more than 96 levels of nesting",
        ),
        (
            format!("a: {}1", "-".repeat(100_000)),
            "line 1, column 99: CUE subset: more than 96 levels of nesting",
        ),
        (
            format!("a: 1{}", " + 1".repeat(100_000)),
            "line 1, column 392: CUE subset: more than 96 levels of nesting",
        ),
        ("a: ".repeat(100_000), "line 1, column 292: CUE subset: more than 96 levels of nesting"),
    ];
    let found: Vec<String> = cases.iter().map(|(policy, _)| refusal(policy)).collect();
    let wanted: Vec<&str> = cases.iter().map(|(_, wanted)| *wanted).collect();
    assert_eq!(found, wanted);
    let limits = Limits { policy_bytes: 3, ..Limits::default() };
    assert_eq!(
        crate::policy::engine::Engine::cue("a: 1", &limits).unwrap_err(),
        InvalidEngine::TooLarge { limit: 3, found: 4 }
    );
}

#[test]
fn hostile_documents() {
    // A string of a megabyte is compared and matched, and cut where it is quoted.
    let long = format!(r#"{{"a":"{}"}}"#, "a".repeat(1 << 20));
    assert_eq!(said("a: =~\"^(a+)+$\"", &long), "");
    assert_eq!(
        said("a: =~\"^(a+)+b$\"", &long),
        format!("a: invalid value \"{}…\" (out of bound =~\"^(a+)+b$\")", "a".repeat(300))
    );
    // What a terminal would act on is escaped.
    assert_eq!(
        said("a: \"x\"", "{\"a\":\"\\u001b[31m\\u202e\"}"),
        r#"a: conflicting values "\u{1b}[31m\u{202e}" and "x""#
    );
    // Depth is that of the document where no policy looks, and bounded where one does.
    let deep = format!("{}{{}}{}", r#"{"more":"#.repeat(98), "}".repeat(98));
    assert_eq!(said("a: 1", &deep), "");
    assert_eq!(said("#T: more?: #T\nmore: #T", &deep), "");
    let path = "more.".repeat(12);
    assert_eq!(
        said("#T: more?: #T | 1\nmore: #T | 1", &deep),
        format!("`{path}` is more than 200 levels deep")
    );
    // Ten steps for each item of a list: twenty thousand are read, a hundred thousand are not.
    let items = |count: usize| format!(r#"{{"a":[{}1]}}"#, "1,".repeat(count - 1));
    assert_eq!(said("a: [...<2]", &items(20_000)), "");
    assert_eq!(said("a: [...<2]", &items(100_000)), "it takes more than 250000 steps");
    // A document cannot choose how often a choice is made.
    let limits = Limits { cue_steps: 1000, ..Limits::default() };
    let few = outcome_within("a: [...1|2|3]", &items(20), &limits);
    assert_eq!(few, Outcome::Compliant);
    let many = outcome_within("a: [...1|2|3]", &items(200), &limits);
    assert_eq!(
        many,
        Outcome::Refused(
            "failed to evaluate the policy with error: it takes more than 1000 steps".to_owned()
        )
    );
}

/// A reference that only a document makes lead back to itself is refused with it.
#[test]
fn a_guard_on_what_was_referred_to_is_refused() {
    let policy = "a: {b: int}\nc: a\nif c.b > 1 {a: d: 1}";
    assert_eq!(said(policy, r#"{"a":{"b":1}}"#), "");
    assert_eq!(
        said(policy, r#"{"a":{"b":2}}"#),
        "a guard constrains `a`, which has been referred to before"
    );
}
