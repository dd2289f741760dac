//! YAML, read strictly: what two readers could take for two different documents is refused, and no
//! document can ask for more work than it has bytes.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeOwned, DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::options::{DuplicateKeyPolicy, MergeKeyPolicy};
use serde_saphyr::{Options, Spanned, alias_limits, budget, options};

/// One document of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Document<'a> {
    /// Its number, from 1; documents without content are not counted.
    pub number: usize,
    /// The line of the file its text begins at, from 1.
    pub line: usize,
    /// The byte of the file its text begins at.
    pub start: usize,
    text: &'a str,
    /// The line of the file that the text begins at: an item of a list stands further down.
    first: usize,
    /// Whether the whole text stands in one line of the file, with its line ends spelled out.
    is_one_line: bool,
    /// Which item of a `List` it is, if it is one of those.
    item: Option<usize>,
}

impl<'a> Document<'a> {
    /// Reads the document as a `T` of a policy.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        self.read_within(Bounds::POLICY)
    }

    /// Reads the document as a `T`.
    pub(crate) fn read_within<T: DeserializeOwned>(&self, bounds: Bounds) -> Result<T, Refusal> {
        if let Some(inner) = lone_carriage_return(self.text) {
            let message = "a carriage return stands without its line feed".to_owned();
            return Err(Refusal { line: self.line_of(inner), message });
        }
        let read = match self.item {
            None => serde_saphyr::from_str_with_options(self.text, strict(bounds)),
            Some(number) => serde_saphyr::with_deserializer_from_str_with_options(
                self.text,
                strict(bounds),
                |document| ItemOf { number, item: PhantomData }.deserialize(document),
            ),
        };
        read.map_err(|cause| Refusal {
            line: self.line_of(cause.location().map_or(1, |location| location.line())),
            message: words(&cause, bounds),
        })
    }

    /// The documents that it is: itself, or the items of a `List`, as `kubectl get` writes several
    /// objects.
    pub(crate) fn opened(self) -> Vec<Document<'a>> {
        #[derive(Deserialize)]
        struct List {
            kind: Option<String>,
            items: Option<Vec<Spanned<IgnoredAny>>>,
        }
        match self.read::<List>() {
            Ok(List { kind: Some(kind), items: Some(items) })
                if kind == "List"
                    && !items.is_empty()
                    && items.len().saturating_mul(self.text.len()) <= MAX_LIST_BYTES =>
            {
                let line = |item: &Spanned<IgnoredAny>| self.line_of(item.referenced.line().max(1));
                let item =
                    |(number, item)| Document { line: line(item), item: Some(number), ..self };
                items.iter().enumerate().map(item).collect()
            }
            _ => vec![self],
        }
    }

    /// The line of the file that is line `inner` of the document.
    pub(crate) fn line_of(&self, inner: u64) -> usize {
        self.lines().line_of(inner)
    }

    /// Where its lines are.
    pub(crate) fn lines(&self) -> Lines {
        Lines { first: self.first, is_one_line: self.is_one_line }
    }

    /// The documents in a text that is a value of this one and stands in its line `at`. Behind a `|`
    /// its lines are lines of the file.
    pub(crate) fn within<'b>(&self, text: &'b str, at: u64) -> Vec<Document<'b>> {
        let literal = self.literal_at(at);
        let line = |inner: usize| match literal {
            Some(first) => first.saturating_add(inner).saturating_sub(1),
            None => self.line_of(at),
        };
        let inner = |inner: Document<'b>| Document {
            number: self.number,
            line: line(inner.line),
            first: line(inner.line),
            is_one_line: literal.is_none(),
            ..inner
        };
        documents(text).into_iter().map(inner).collect()
    }

    /// The line of the file in which the literal block begins whose text is in the line `at`.
    fn literal_at(&self, at: u64) -> Option<usize> {
        let lines: Vec<&str> = self.text.lines().zip(1..at).map(|(line, _)| line).collect();
        let blank = lines.iter().rev().take_while(|line| line.trim().is_empty()).count();
        let header = lines.len().checked_sub(blank)?;
        let is_literal = lines.get(header.checked_sub(1)?).is_some_and(|line| opens_literal(line));
        is_literal.then(|| self.first.saturating_add(header))
    }
}

/// The most that the items of a `List` may make to read, 16 MiB: each is read out of the whole text.
const MAX_LIST_BYTES: usize = 16 << 20;

/// Reads one of the `items` of a list.
struct ItemOf<T> {
    number: usize,
    item: PhantomData<T>,
}

impl<'de, T: DeserializeOwned> DeserializeSeed<'de> for ItemOf<T> {
    type Value = T;

    fn deserialize<D: serde::Deserializer<'de>>(self, list: D) -> Result<T, D::Error> {
        list.deserialize_any(self)
    }
}

impl<'de, T: DeserializeOwned> Visitor<'de> for ItemOf<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<T, A::Error> {
        let mut found = None;
        while let Some(name) = fields.next_key::<String>()? {
            if name == "items" {
                let Self { number, item } = self;
                found = Some(fields.next_value_seed(Self { number, item })?);
            } else {
                fields.next_value::<IgnoredAny>()?;
            }
        }
        found.ok_or_else(|| serde::de::Error::missing_field("items"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<T, A::Error> {
        for _ in 0..self.number {
            items.next_element::<IgnoredAny>()?;
        }
        let found = items.next_element::<T>()?;
        while items.next_element::<IgnoredAny>()?.is_some() {}
        found.ok_or_else(|| serde::de::Error::custom("the list has no such item"))
    }
}

/// Where the lines of a document are in its file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lines {
    first: usize,
    is_one_line: bool,
}

impl Lines {
    /// The line of the file that is line `inner` of the document.
    pub(crate) fn line_of(self, inner: u64) -> usize {
        let inner = if self.is_one_line { 1 } else { inner };
        self.first.saturating_add(usize::try_from(inner).unwrap_or(usize::MAX)).saturating_sub(1)
    }
}

/// Why a document cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The line of the file.
    pub line: usize,
    /// What is wrong with it.
    pub message: String,
}

/// The documents of a file, split at `---` markers; those of comments and blank lines are left out.
///
/// A marker stands at the start of a line, where no scalar can continue, so the split is the
/// parser's own.
pub(crate) fn documents(text: &str) -> Vec<Document<'_>> {
    let mut found = Vec::new();
    let (mut start, mut line) = (0, 1);
    let mut at = 0;
    for (number, content) in text.split_inclusive('\n').enumerate() {
        if is_marker(content) {
            push(&mut found, text, start..at, line);
            (start, line) = (at, number.saturating_add(1));
        }
        at = at.saturating_add(content.len());
    }
    push(&mut found, text, start..at, line);
    found
}

fn push<'a>(
    found: &mut Vec<Document<'a>>,
    text: &'a str,
    range: std::ops::Range<usize>,
    line: usize,
) {
    let text = text.get(range.clone()).expect("documents begin and end at line breaks");
    let is_empty = lone_carriage_return(text).is_none()
        && text.lines().all(|line| {
            let line = line.strip_prefix("---").unwrap_or(line).trim();
            line.is_empty() || line.starts_with('#')
        });
    if !is_empty {
        let number = found.len().saturating_add(1);
        let (first, start) = (line, range.start);
        found.push(Document { number, line, start, text, first, is_one_line: false, item: None });
    }
}

/// The line of the first carriage return that ends a line for YAML and none for an editor, nor for
/// [`documents`]: what stands behind it would be looked for elsewhere, and a comment would end.
fn lone_carriage_return(text: &str) -> Option<u64> {
    let lines = text.split_inclusive('\n').map(|line| line.strip_suffix("\r\n").unwrap_or(line));
    lines.zip(1..).find_map(|(line, number)| line.contains('\r').then_some(number))
}

/// Whether a literal block begins behind a line: `|`, perhaps with its indentation and what becomes
/// of the last line end, perhaps with a comment.
fn opens_literal(line: &str) -> bool {
    let line = line.split_once(" #").map_or(line, |(line, _)| line).trim_end();
    line.trim_end_matches(|c: char| c.is_ascii_digit() || "+-".contains(c)).ends_with('|')
}

fn is_marker(line: &str) -> bool {
    line.strip_prefix("---")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

/// What one document may ask for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Levels of nesting.
    pub depth: usize,
    /// Scalars, lists and maps.
    pub nodes: usize,
    /// What a plain `no` or `1` is where a text belongs.
    pub unquoted: Unquoted,
}

/// A plain scalar that is a truth value, a number or null to some reader, where a text belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unquoted {
    /// An error: its author must say what is meant.
    Refused,
    /// The text as it is written.
    Text,
}

impl Bounds {
    /// Those of a policy: the deepest in the field has 10 levels.
    pub(crate) const POLICY: Self = Self { depth: 32, nodes: 50_000, unquoted: Unquoted::Refused };
}

/// What a reader could take two ways is an error: a key that stands twice, a merge key, a foreign
/// tag. Nesting and aliases are bounded: an anchor is used a handful of times.
fn strict(bounds: Bounds) -> Options {
    options! {
        budget: budget! {
            max_depth: bounds.depth,
            max_nodes: bounds.nodes,
            max_events: bounds.nodes.saturating_mul(4),
            max_anchors: 100,
            max_aliases: 100,
            max_documents: 1,
        },
        alias_limits: alias_limits! {
            max_total_replayed_events: 20_000,
            max_replay_stack_depth: 4,
        },
        duplicate_keys: DuplicateKeyPolicy::Error,
        merge_keys: MergeKeyPolicy::Error,
        reject_unsupported_tags: true,
        no_schema: bounds.unquoted == Unquoted::Refused,
        with_snippet: false,
    }
}

/// The parser's words, without its place: that is counted from the document, a user's from the file.
fn words(cause: &serde_saphyr::Error, bounds: Bounds) -> String {
    use serde_saphyr::Error;
    match cause {
        Error::AliasError { error, .. } => words(error, bounds),
        Error::Budget { breach: BudgetBreach::Nodes { .. }, .. } => {
            format!("more than {} scalars, lists and maps in one document", bounds.nodes)
        }
        Error::Budget { breach: BudgetBreach::Depth { .. }, .. } => {
            format!("nested more than {} levels deep", bounds.depth)
        }
        Error::Budget { breach: BudgetBreach::Documents { .. }, .. } => {
            UNMARKED_DOCUMENT.to_owned()
        }
        Error::MergeKeyNotAllowed { .. } => MERGE_KEY.to_owned(),
        Error::RecursiveReferencesRequireWeakTypes { .. } => WITHIN_ITSELF.to_owned(),
        Error::Budget {
            breach:
                BudgetBreach::Aliases { .. }
                | BudgetBreach::Anchors { .. }
                | BudgetBreach::AliasAnchorRatio { .. },
            ..
        }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => TOO_MANY_ALIASES.to_owned(),
        other => {
            let message = other.to_string();
            let line = message.lines().next().unwrap_or_default();
            let words = line.rsplit_once(" at line ").map_or(line, |(words, _)| words);
            // Advice for whoever calls the parser.
            let advice = words.split_once(", set DuplicateKeyPolicy");
            advice.map_or(words, |(words, _)| words).escape_debug().to_string()
        }
    }
}

const MERGE_KEY: &str = "a merge key (`<<`) stands for fields: write them out";

const UNMARKED_DOCUMENT: &str = "another document begins here: put a line of `---` before it";

const WITHIN_ITSELF: &str = "an alias stands within what it is an alias of";

const TOO_MANY_ALIASES: &str = "aliases repeat too much: write out what they stand for";

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Small {
        a: String,
        #[serde(default)]
        b: Vec<String>,
    }

    fn read(text: &str) -> Result<Small, Refusal> {
        let [document] = documents(text).try_into().expect("one document");
        document.read()
    }

    #[test]
    fn documents_know_their_lines() {
        let text = "# head\n---\na: one\n---\n# only a comment\n--- # y\na: two\n";
        let found = documents(text);
        let places: Vec<_> =
            found.iter().map(|found| (found.number, found.line, found.start)).collect();
        assert_eq!(places, [(1, 2, 7), (2, 6, 39)]);
        for (document, a) in found.iter().zip(["one", "two"]) {
            assert_eq!(document.read(), Ok(Small { a: a.to_owned(), b: Vec::new() }));
        }
        assert_eq!(documents("---\n---\n# nothing\n"), []);
    }

    /// HOSTILE.md cases 105 and 106.
    #[test]
    fn ambiguous_and_hostile_documents_are_refused() {
        let deep = format!("a: x\nb: {}{}", "[".repeat(100_000), "]".repeat(100_000));
        let cases = [
            ("a: x\na: y\n", 2, "duplicate mapping key: a"),
            ("a: x\nc: y\n", 2, "unknown field `c`, expected one of a, b"),
            ("a: 1\n", 1, "The string value [1] must be quoted"),
            ("a: no\n", 1, "The string value [no] must be quoted"),
            ("a: !!python/object x\n", 1, "unsupported tag `!!python/object`"),
            ("a: x\n<<: {b: [y]}\n", 2, MERGE_KEY),
            ("a: x\nb:\n\t- y\n", 3, "tabs disallowed within this context (block indentation)"),
            ("a: x\nb: &b [*b]\n", 2, WITHIN_ITSELF),
            ("a: *x\n", 1, "alias references unknown anchor"),
            (deep.as_str(), 2, "recursion limit exceeded"),
            ("a: x\n...\na: y\n", 2, UNMARKED_DOCUMENT),
        ];
        for (text, line, message) in cases {
            let message = message.to_owned();
            assert_eq!(read(text), Err(Refusal { line, message }));
        }
    }

    /// HOSTILE.md case 105, the billion laughs, where any value may stand.
    #[test]
    fn an_alias_bomb_is_refused() {
        let bomb = (0..9).fold("- &l0 [x,x,x,x,x,x,x,x,x]\n".to_owned(), |text, level| {
            let aliases = vec![format!("*l{level}"); 9].join(",");
            format!("{text}- &l{} [{aliases}]\n", level + 1)
        });
        let [document] = documents(&bomb).try_into().unwrap();
        let refused = Refusal { line: 5, message: TOO_MANY_ALIASES.to_owned() };
        assert_eq!(document.read::<serde_json::Value>(), Err(refused.clone()));
        assert_eq!(document.read::<IgnoredAny>().unwrap_err(), refused);
    }

    #[test]
    fn the_items_of_a_list_are_documents() {
        let list = "# head\nkind: List\nitems:\n- a: one\n\n- {a: two, b: [\n  x]}\n-\n  a: 3\n\
                    metadata: {}\n";
        let [document] = documents(list).try_into().unwrap();
        let [one, two, three] = document.opened().try_into().unwrap();
        assert_eq!([one, two, three].map(|item| item.line), [4, 6, 9]);
        assert_eq!(one.read(), Ok(Small { a: "one".to_owned(), b: Vec::new() }));
        assert_eq!(two.read(), Ok(Small { a: "two".to_owned(), b: vec!["x".to_owned()] }));
        let message = "The string value [3] must be quoted".to_owned();
        assert_eq!(three.read::<Small>(), Err(Refusal { line: 9, message }));
        // The same on one line, as JSON.
        let json = r#"{"items": [{"a": "one"}, {"a": 2}], "kind": "List"}"#;
        let [document] = documents(json).try_into().unwrap();
        let [one, two] = document.opened().try_into().unwrap();
        assert_eq!(one.read(), Ok(Small { a: "one".to_owned(), b: Vec::new() }));
        let message = "The string value [2] must be quoted".to_owned();
        assert_eq!(two.read::<Small>(), Err(Refusal { line: 1, message }));
        // What is no list, of nothing, or of too much is one document.
        let head = format!("kind: List\n# {}\nitems:\n", "x".repeat(100_000));
        for (items, opened) in [(165, 165), (166, 1)] {
            let text = format!("{head}{}", "- a: x\n".repeat(items));
            let [document] = documents(&text).try_into().unwrap();
            assert_eq!(document.opened().len(), opened);
        }
        for text in ["kind: Lists\nitems: [{}]\n", "kind: List\nitems: []\n", "items: [{}]\n"] {
            let [document] = documents(text).try_into().unwrap();
            assert_eq!(document.opened(), [document]);
        }
    }

    #[test]
    fn a_carriage_return_ends_no_line_alone() {
        let message = "a carriage return stands without its line feed".to_owned();
        assert_eq!(read("a: x\n# b\rb: [y]\n"), Err(Refusal { line: 2, message: message.clone() }));
        assert_eq!(read("a: x\rb: [y]"), Err(Refusal { line: 1, message: message.clone() }));
        assert_eq!(read("a: x\r\r\n"), Err(Refusal { line: 1, message: message.clone() }));
        assert_eq!(read("a: x\r"), Err(Refusal { line: 1, message }));
        assert_eq!(read("a: x\r\nb: [z]\r\n").unwrap().b, ["z"]);
        // A document that YAML finds behind a comment is not passed over as empty.
        let [_, second] = documents("a: x\n---\n# b\ra: y\n").try_into().unwrap();
        let message = "a carriage return stands without its line feed".to_owned();
        assert_eq!(second.read::<Small>(), Err(Refusal { line: 3, message }));
    }

    #[test]
    fn a_few_aliases_are_fine() {
        let anchored = "a: &x one\nb: [*x, *x]\n";
        assert_eq!(read(anchored).unwrap().b, ["one", "one"]);
    }

    #[test]
    fn maps_refuse_duplicate_keys_too() {
        let [document] = documents("one: a\ntwo: b\none: c\n").try_into().unwrap();
        assert_eq!(document.read::<BTreeMap<String, String>>().unwrap_err().line, 3);
    }
}
