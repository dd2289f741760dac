//! Rego: a *module* `package sigstore` whose rule `isCompliant` decides, as cosign reads it.
//!
//! Evaluation is by `regorus`. It is given no clock: the time source it asks for counts how often it
//! is asked, so that its deadline is a number of steps and the same policy and document always meet
//! the same end. Functions are allowed by name; one that asks the world, or that makes much out of
//! little, is refused where the module is read.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::time::Duration;

use regorus::utils::limits::{ExecutionTimerConfig, TimeSource, set_time_source};
use regorus::{LimitError, Value};

use super::document::{Document, Json};
use super::number::Number;
use super::{InvalidEngine, Outcome};
use crate::limits::Limits;

const RULE: &str = "data.sigstore.isCompliant";
const NOT_COMPLIANT: &str =
    "policy is not compliant for query 'isCompliant = data.sigstore.isCompliant'";

/// A module, compiled.
#[derive(Clone)]
pub(super) struct Policy {
    engine: regorus::Engine,
    steps: u64,
}

impl Policy {
    pub(super) fn compile(text: &str, limits: &Limits) -> Result<Self, InvalidEngine> {
        let tokens = tokens(text);
        check_calls(&tokens)?;
        check_nesting(&tokens, limits)?;
        check_chains(&tokens, limits)?;
        if !steps_are_counted() {
            return Err(rego("its steps cannot be counted in this program"));
        }
        guarded(|| load(text, limits)).unwrap_or_else(|| Err(rego("it is not understood")))
    }

    pub(super) fn evaluate(&self, document: &Document) -> Outcome {
        let input = match value(&document.root) {
            Ok(input) => input,
            Err(number) => return refused(&format!("the number {number} cannot be read exactly")),
        };
        let mut engine = self.engine.clone();
        let answer = guarded(move || {
            engine.set_input(input);
            engine.eval_rule(RULE.to_owned())
        });
        match answer {
            Some(Ok(answer)) => outcome(&answer),
            Some(Err(cause)) => match cause.downcast_ref::<LimitError>() {
                Some(_) => refused(&format!("it takes more than {} steps", self.steps)),
                None => refused(cause.to_string().trim()),
            },
            None => refused("the evaluation failed"),
        }
    }
}

impl std::fmt::Debug for Policy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Policy").finish_non_exhaustive()
    }
}

fn load(text: &str, limits: &Limits) -> Result<Policy, InvalidEngine> {
    let mut engine = regorus::Engine::new();
    engine.set_rego_v0(true);
    // As cosign has it: a function that fails is undefined, it does not end the evaluation.
    engine.set_strict_builtin_errors(false);
    engine.set_execution_timer_config(ExecutionTimerConfig {
        limit: Duration::from_nanos(limits.rego_steps),
        check_interval: NonZeroU32::MIN,
    });
    let package = engine
        .add_policy("sigstore.rego".to_owned(), text.to_owned())
        .map_err(|cause| rego(&cause.to_string()))?;
    if package != "data.sigstore" {
        let package = package.strip_prefix("data.").unwrap_or(&package);
        return Err(rego(&format!(
            "its package is `{}`, only `sigstore` is asked",
            package.escape_debug()
        )));
    }
    // A module without the rule would refuse every document; that is better said where it is read.
    engine.clone().eval_rule(RULE.to_owned()).map_err(|cause| rego(&cause.to_string()))?;
    Ok(Policy { engine, steps: limits.rego_steps })
}

/// cosign's reading of the answer.
fn outcome(answer: &Value) -> Outcome {
    let results: Vec<&Value> = match answer {
        Value::Bool(true) => return Outcome::Compliant,
        Value::Array(results) => results.iter().collect(),
        Value::Set(results) => results.iter().collect(),
        _ => return Outcome::Refused(NOT_COMPLIANT.to_owned()),
    };
    let mut last = Outcome::Refused(NOT_COMPLIANT.replace('\'', "\""));
    for result in results {
        last = match element(result) {
            Ok(Element { holds: true, warning: "", .. }) => return Outcome::Compliant,
            Ok(Element { holds: true, warning, .. }) => {
                return Outcome::Warning(format!("warning: {warning}"));
            }
            Ok(Element { error, .. }) => {
                Outcome::Refused(format!("{NOT_COMPLIANT} with errors: {error}"))
            }
            Err(what) => {
                return Outcome::Refused(format!("{NOT_COMPLIANT} due to parsing errors: {what}"));
            }
        };
    }
    last
}

/// One of the results that a rule may give instead of a boolean; what is absent is false or empty.
struct Element<'a> {
    holds: bool,
    warning: &'a str,
    error: &'a str,
}

fn element(result: &Value) -> Result<Element<'_>, String> {
    let Value::Object(members) = result else {
        // cosign ends here with a panic.
        return Err("a result is no object".to_owned());
    };
    let mut element = Element { holds: false, warning: "", error: "" };
    for (name, value) in members.iter() {
        let Value::String(name) = name else {
            return Err("a result has a key that is no string".to_owned());
        };
        match (name.as_ref(), value) {
            ("result", Value::Bool(holds)) => element.holds = *holds,
            ("warning", Value::String(text)) => element.warning = text,
            ("error", Value::String(text)) => element.error = text,
            ("result" | "warning" | "error", Value::Null) => {}
            ("result", _) => return Err("`result` is no boolean".to_owned()),
            ("warning" | "error", _) => return Err(format!("`{name}` is no string")),
            _ => {}
        }
    }
    Ok(element)
}

/// A document as regorus reads it, or the first number that it would not keep exactly.
fn value(json: &Json) -> Result<Value, String> {
    Ok(match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::from(*value),
        Json::Number(number) => numeric(number)?,
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => {
            Value::from(items.iter().map(value).collect::<Result<Vec<_>, String>>()?)
        }
        Json::Object(members) => {
            let mut object = Value::new_object();
            let map = object.as_object_mut().map_err(|cause| cause.to_string())?;
            for (name, member) in members {
                map.insert(Value::from(name.as_str()), value(member)?);
            }
            object
        }
    })
}

fn numeric(number: &Number) -> Result<Value, String> {
    let inexact = || number.text().to_owned();
    let value = Value::from_numeric_string(number.text()).map_err(|_| inexact())?;
    let kept = value.to_json_str().ok().and_then(|text| Number::parse(&text));
    if kept.as_ref() == Some(number) { Ok(value) } else { Err(inexact()) }
}

/// Runs foreign code on hostile input: a panic of it is no answer.
fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}

fn refused(what: &str) -> Outcome {
    Outcome::Refused(format!("{NOT_COMPLIANT}: {what}"))
}

fn rego(what: &str) -> InvalidEngine {
    InvalidEngine::Rego { what: what.trim().to_owned() }
}

/// Counts instead of telling the time.
struct Steps;

thread_local! {
    static STEPS: Cell<u64> = const { Cell::new(0) };
}

impl TimeSource for Steps {
    fn now(&self) -> Option<Duration> {
        let next = STEPS.get().saturating_add(1);
        STEPS.set(next);
        Some(Duration::from_nanos(next))
    }
}

fn steps_are_counted() -> bool {
    static COUNTED: OnceLock<bool> = OnceLock::new();
    *COUNTED.get_or_init(|| set_time_source(&Steps).is_ok())
}

/// Refuses every call of a function that is neither the module's own nor on the list.
fn check_calls(tokens: &[Token<'_>]) -> Result<(), InvalidEngine> {
    let own = own(tokens);
    for pair in tokens.windows(2) {
        let (text, line) = match pair {
            [Token::Name { text, line }, Token::Open] => (*text, *line),
            [Token::Bracket { line }, Token::Open] => ("]", *line),
            _ => continue,
        };
        if KEYWORDS.contains(&text) || FUNCTIONS.contains(&text) || own.contains(&local(text)) {
            continue;
        }
        let why = FORBIDDEN
            .iter()
            .find(|(prefix, _)| text.starts_with(prefix))
            .map_or("which is none of the functions that are evaluated here", |(_, why)| *why);
        return Err(InvalidEngine::RegoCall { line, function: text.to_owned(), why });
    }
    Ok(())
}

/// Refuses rules that refer to themselves, directly or by others, as OPA does, and rows of rules
/// that refer to one another past the limit: regorus evaluates each on the stack of the last.
fn check_chains(tokens: &[Token<'_>], limits: &Limits) -> Result<(), InvalidEngine> {
    let own = own(tokens);
    let mut uses: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut rule = "";
    for (at, token) in tokens.iter().enumerate() {
        let Token::Name { text, line } = token else { continue };
        let begins = matches!(at.checked_sub(1).and_then(|at| tokens.get(at)), Some(Token::Line));
        // An `else` on a line of its own is part of the rule before it.
        if begins && *text != "else" {
            rule = text;
            continue;
        }
        let is_data = *text == "data" || text.starts_with("data.");
        if is_data && !own.contains(&local(text)) {
            return Err(rego(&format!(
                "line {line}: `{text}`, there is no data but the rules of the module"
            )));
        }
        if own.contains(&local(text)) {
            uses.entry(rule).or_default().insert(local(text));
        }
    }
    // The rules that use none left are taken out, row by row; what remains uses itself.
    let mut left: BTreeSet<&str> = uses.keys().copied().collect();
    let mut rows = 0_usize;
    while !left.is_empty() {
        let row: Vec<&str> = left
            .iter()
            .filter(|rule| uses.get(**rule).is_none_or(|used| used.is_disjoint(&left)))
            .copied()
            .collect();
        rows = rows.saturating_add(1);
        if row.is_empty() {
            let names: Vec<&str> = left.into_iter().collect();
            return Err(rego(&format!("rules refer to themselves: {}", names.join(", "))));
        }
        left.retain(|rule| !row.contains(rule));
    }
    if rows > limits.rego_chain {
        let most = limits.rego_chain;
        return Err(rego(&format!("more than {most} rules refer to one another in a row")));
    }
    Ok(())
}

/// Refuses braces in braces past the limit: regorus reads each of them several times over, so that
/// its time doubles with every level.
fn check_nesting(tokens: &[Token<'_>], limits: &Limits) -> Result<(), InvalidEngine> {
    let most = limits.rego_nesting;
    let too_deep = tokens.iter().find_map(|token| match token {
        Token::Nesting { depth, line } if *depth > most => Some(line),
        _ => None,
    });
    match too_deep {
        Some(line) => Err(rego(&format!("line {line}: more than {most} brackets in one another"))),
        None => Ok(()),
    }
}

/// The names of the rules and functions of a module: what stands first on a line outside a body.
fn own<'a>(tokens: &[Token<'a>]) -> BTreeSet<&'a str> {
    let first = tokens.windows(2).filter_map(|pair| match pair {
        [Token::Line, Token::Name { text, .. }] => Some(*text),
        _ => None,
    });
    let default = tokens.windows(3).filter_map(|words| match words {
        [Token::Name { text: "default", .. }, Token::Other, Token::Name { text, .. }] => {
            Some(*text)
        }
        _ => None,
    });
    first.chain(default).filter(|name| !KEYWORDS.contains(name)).collect()
}

/// The name of a rule of this module, without its package and without what is asked of its value.
fn local(name: &str) -> &str {
    let name = name.strip_prefix("data.sigstore.").unwrap_or(name);
    name.split('.').next().unwrap_or(name)
}

enum Token<'a> {
    /// The start of a line that is not indented into a rule body, where rules begin.
    Line,
    /// A name with its dots.
    Name { text: &'a str, line: usize },
    /// `(` right behind what stands before it.
    Open,
    /// `]`
    Bracket { line: usize },
    /// `[` or `{`, and how many of them are open with it.
    Nesting { depth: usize, line: usize },
    /// Anything else.
    Other,
}

/// The words of a module, without its strings and comments.
fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = vec![Token::Line];
    let mut line = 1_usize;
    let mut depth = 0_usize;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '\n' => {
                line = line.saturating_add(1);
                if depth == 0 {
                    tokens.push(Token::Line);
                }
                1
            }
            '#' => rest.find('\n').unwrap_or(rest.len()),
            '"' | '`' => {
                tokens.push(Token::Other);
                let length = string_length(rest, c);
                let lines = rest.get(..length).map_or(0, |text| text.matches('\n').count());
                line = line.saturating_add(lines);
                length
            }
            ' ' | '\t' | '\r' => {
                // What stands apart from a name is not its argument list.
                if matches!(tokens.last(), Some(Token::Name { .. })) {
                    tokens.push(Token::Other);
                }
                1
            }
            '(' => {
                tokens.push(Token::Open);
                1
            }
            c if c.is_alphabetic() || c == '_' => {
                let end = rest
                    .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.'))
                    .unwrap_or(rest.len());
                tokens.push(Token::Name { text: rest.get(..end).unwrap_or(rest), line });
                end
            }
            other => {
                tokens.push(match other {
                    '{' | '[' => {
                        depth = depth.saturating_add(1);
                        Token::Nesting { depth, line }
                    }
                    '}' | ']' => {
                        depth = depth.saturating_sub(1);
                        if other == ']' { Token::Bracket { line } } else { Token::Other }
                    }
                    _ => Token::Other,
                });
                other.len_utf8()
            }
        };
        rest = rest.get(length..).unwrap_or_default();
    }
    tokens
}

fn string_length(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' if quote == '"' => escaped = true,
            c if c == quote => return at.saturating_add(1),
            _ => {}
        }
    }
    rest.len()
}

const KEYWORDS: &[&str] =
    &["not", "in", "if", "else", "some", "every", "with", "as", "default", "import", "package"];

/// Functions of what they are given, that are no larger than what they are given.
const FUNCTIONS: &[&str] = &[
    "abs",
    "array.concat",
    "array.reverse",
    "array.slice",
    "ceil",
    "concat",
    "contains",
    "count",
    "endswith",
    "floor",
    "format_int",
    "indexof",
    "intersection",
    "is_array",
    "is_boolean",
    "is_null",
    "is_number",
    "is_object",
    "is_set",
    "is_string",
    "json.filter",
    "json.is_valid",
    "json.marshal",
    "json.remove",
    "json.unmarshal",
    "lower",
    "max",
    "min",
    "object.filter",
    "object.get",
    "object.keys",
    "object.remove",
    "object.union",
    "product",
    "regex.is_valid",
    "regex.match",
    "regex.split",
    "replace",
    "round",
    "set",
    "sort",
    "split",
    "sprintf",
    "startswith",
    "strings.any_prefix_match",
    "strings.any_suffix_match",
    "substring",
    "sum",
    "to_number",
    "trim",
    "trim_left",
    "trim_prefix",
    "trim_right",
    "trim_space",
    "trim_suffix",
    "type_name",
    "union",
    "upper",
    "walk",
];

const FORBIDDEN: &[(&str, &str)] = &[
    ("time.", "which reads a clock or its zones: the time is no input of a policy"),
    ("opa.runtime", "which reads the environment"),
    ("http.", "which asks the network"),
    ("net.lookup_ip_addr", "which asks the network"),
    ("rand.", "which is random"),
    ("uuid.", "which is random"),
    ("numbers.range", "which makes a list as long as a number is large"),
    ("bits.lsh", "which makes a number as long as another is large"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn compile(text: &str) -> Result<Policy, String> {
        Policy::compile(text, &Limits::default()).map_err(|cause| cause.to_string())
    }

    fn said(text: &str, input: &str) -> Outcome {
        let document = Document::parse(input.as_bytes(), &Limits::default()).unwrap();
        compile(text).unwrap().evaluate(&document)
    }

    fn not_compliant(tail: &str) -> Outcome {
        Outcome::Refused(format!("{NOT_COMPLIANT}{tail}"))
    }

    #[test]
    fn answers_are_read_as_cosign_reads_them() {
        let cases = [
            ("isCompliant = true", Outcome::Compliant),
            ("isCompliant = false", not_compliant("")),
            ("isCompliant = \"true\"", not_compliant("")),
            ("isCompliant = 1", not_compliant("")),
            ("isCompliant { input.none }", not_compliant("")),
            ("isCompliant = {\"result\": true}", not_compliant("")),
            ("isCompliant = []", Outcome::Refused(NOT_COMPLIANT.replace('\'', "\""))),
            ("isCompliant = [{\"result\": true}]", Outcome::Compliant),
            (
                "isCompliant = [{\"result\": true, \"warning\": \"old\"}]",
                Outcome::Warning("warning: old".to_owned()),
            ),
            (
                "isCompliant = [{\"error\": \"a\"}, {\"error\": \"b\", \"result\": false}]",
                not_compliant(" with errors: b"),
            ),
            ("isCompliant = [{\"error\": \"a\"}, {\"result\": true}, 5]", Outcome::Compliant),
            ("isCompliant[x] { x := {\"error\": \"e\"} }", not_compliant(" with errors: e")),
            (
                "isCompliant = [true]",
                not_compliant(" due to parsing errors: a result is no object"),
            ),
            (
                "isCompliant = [{\"result\": \"true\"}]",
                not_compliant(" due to parsing errors: `result` is no boolean"),
            ),
            (
                "isCompliant = [{\"result\": true, \"warning\": 1}]",
                not_compliant(" due to parsing errors: `warning` is no string"),
            ),
        ];
        for (rule, wanted) in cases {
            assert_eq!(said(&format!("package sigstore\n{rule}"), "{}"), wanted, "{rule}");
        }
    }

    #[test]
    fn functions_of_the_input_are_evaluated() {
        let policy = "package sigstore\n\nallowed(x) {\n  startswith(x, \"ghcr.io/\")\n}\n\n\
            isCompliant {\n  count(input.subject) == 1\n  allowed(input.subject[_].name) # as(it)\n  \
            regex.match(`^\\d+(\\.\\d+)*$`, input.version)\n  not endswith(input.version, \"-rc(1)\")\n}";
        let input = |name: &str, version: &str| {
            format!(r#"{{"subject":[{{"name":"{name}"}}],"version":"{version}"}}"#)
        };
        assert_eq!(said(policy, &input("ghcr.io/a", "1.2")), Outcome::Compliant);
        assert_eq!(said(policy, &input("quay.io/a", "1.2")), not_compliant(""));
        assert_eq!(said(policy, &input("ghcr.io/a", "v1.2")), not_compliant(""));
    }

    #[test]
    fn numbers_are_exact_or_refused() {
        let policy = "package sigstore\nisCompliant { input.n == 9007199254740993 }";
        assert_eq!(said(policy, r#"{"n":9007199254740993}"#), Outcome::Compliant);
        assert_eq!(said(policy, r#"{"n":9007199254740992}"#), not_compliant(""));
        let tail = ": the number 0.1000000000000000000001 cannot be read exactly";
        assert_eq!(said(policy, r#"{"n":0.1000000000000000000001}"#), not_compliant(tail));
        let policy = "package sigstore\nisCompliant { input.n == 0.1 }";
        assert_eq!(said(policy, r#"{"n":1e-1}"#), Outcome::Compliant);
    }

    /// HOSTILE.md case 111: what a policy may not ask is refused where it is read, with its line.
    #[test]
    fn calls_that_ask_the_world_are_refused() {
        let clock = "which reads a clock or its zones: the time is no input of a policy";
        let unknown = "which is none of the functions that are evaluated here";
        let cases = [
            ("time.now_ns()", "time.now_ns", clock),
            ("time.parse_rfc3339_ns(input.at)", "time.parse_rfc3339_ns", clock),
            ("opa.runtime()", "opa.runtime", "which reads the environment"),
            ("http.send({})", "http.send", "which asks the network"),
            ("net.lookup_ip_addr(\"a\")", "net.lookup_ip_addr", "which asks the network"),
            ("rand.intn(\"a\", 5)", "rand.intn", "which is random"),
            ("uuid.rfc4122(\"a\")", "uuid.rfc4122", "which is random"),
            (
                "numbers.range(1, input.n)",
                "numbers.range",
                "which makes a list as long as a number is large",
            ),
            ("bits.lsh(1, 9)", "bits.lsh", "which makes a number as long as another is large"),
            ("crypto.sha256(\"a\")", "crypto.sha256", unknown),
            ("trace(\"a\")", "trace", unknown),
            ("data.other.f(1)", "data.other.f", unknown),
        ];
        for (call, function, why) in cases {
            let text = format!("package sigstore\n\nisCompliant {{\n  x := {call}\n}}");
            assert_eq!(
                compile(&text).unwrap_err(),
                format!("line 4: the Rego module calls `{function}`, {why}"),
            );
        }
    }

    #[test]
    fn other_modules_are_refused() {
        let cases = [
            (
                "package other\nisCompliant = true",
                "its package is `other`, only `sigstore` is asked",
            ),
            ("package sigstore\nallow = true", "not a valid rule path"),
        ];
        for (text, wanted) in cases {
            assert_eq!(
                compile(text).unwrap_err(),
                format!("the Rego module cannot be used: {wanted}"),
                "{text}"
            );
        }
        // The message is regorus' own; that it names the line is what counts.
        for text in ["", "package sigstore\nisCompliant {", "package sigstore\nisCompliant = (("] {
            let message = compile(text).unwrap_err();
            assert!(message.starts_with("the Rego module cannot be used: "), "{message}");
            assert!(message.contains("sigstore.rego:"), "{message}");
        }
    }

    /// Steps are counted, so that the end is the same on every machine.
    #[test]
    fn evaluation_is_bounded() {
        let policy = "package sigstore\nisCompliant {\n  some a, b, c, d\n  input.l[a] + input.l[b] + \
            input.l[c] + input.l[d] == -1\n}";
        let input = format!("{{\"l\":[{}1]}}", "1,".repeat(99));
        let Outcome::Refused(text) = said(policy, &input) else { panic!("it is bounded") };
        assert_eq!(text, format!("{NOT_COMPLIANT}: it takes more than 1000000 steps"));
        let deep = format!("package sigstore\nisCompliant = {}1", "[".repeat(100_000));
        assert_eq!(
            compile(&deep).unwrap_err(),
            "the Rego module cannot be used: line 2: more than 8 brackets in one another"
        );
        let deep = format!(
            "package sigstore\nisCompliant = {}true{}",
            "(".repeat(100_000),
            ")".repeat(100_000)
        );
        assert!(compile(&deep).unwrap_err().starts_with("the Rego module cannot be used: "));
    }

    /// regorus would end the program: it evaluates each call on the stack of the last.
    #[test]
    fn rules_that_refer_to_themselves_are_refused() {
        let chain = |length: usize| {
            let rules = (0..length).map(|at| format!("f{at}(x) = f{}(x)\n", at + 1));
            format!(
                "package sigstore\n{}f{length}(x) = x\nisCompliant {{ f0(true) }}",
                rules.collect::<String>()
            )
        };
        let cases = [
            (
                "f(x) = f(x)\nisCompliant { f(1) }".to_owned(),
                "rules refer to themselves: f, isCompliant",
            ),
            (
                "f(x) = g(x)\ng(x) = y {\n  y := data.sigstore.f(x)\n}\nisCompliant = true"
                    .to_owned(),
                "rules refer to themselves: f, g",
            ),
            (
                "f(x) { false }\nelse = f(x) { true }\nisCompliant = true".to_owned(),
                "rules refer to themselves: f",
            ),
            (
                "isCompliant { data.sigstore }".to_owned(),
                "line 2: `data.sigstore`, there is no data but the rules of the module",
            ),
        ];
        for (rules, wanted) in cases {
            assert_eq!(
                compile(&format!("package sigstore\n{rules}")).unwrap_err(),
                format!("the Rego module cannot be used: {wanted}"),
                "{rules}"
            );
        }
        assert_eq!(
            compile(&chain(100)).unwrap_err(),
            "the Rego module cannot be used: more than 16 rules refer to one another in a row"
        );
        assert_eq!(said(&chain(15), "{}"), Outcome::Compliant);
        assert_eq!(
            compile("package sigstore\nisCompliant {\n  data[\"sigstore\"][\"f\"](1)\n}")
                .unwrap_err(),
            "line 3: the Rego module calls `]`, which is none of the functions that are evaluated here"
        );
    }
}
