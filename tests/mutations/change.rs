//! A *change*: one way to make a document wrong in one place.

use std::fmt;

use serde_json::Value;

use crate::document::{Content, Spelling, Step, Text, Tree};

/// What is done to one part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Change {
    /// A bit of its bytes is turned over.
    Flip,
    /// Its bytes lose the last.
    Cut,
    /// Its bytes gain one.
    Extend,
    /// Nothing is left of it but its kind.
    Empty,
    /// It is null.
    Null,
    /// It is not there.
    Drop,
    /// It stands there twice.
    Double,
    /// The parts of a list stand in reverse.
    Reverse,
    /// A number is another.
    Count,
    /// A number is spelled as a text, or a text as a number.
    Retype,
    /// The same bytes in base64 without padding.
    Unpad,
    /// The same bytes in the base64 of URLs.
    UrlAlphabet,
    /// The same bytes in base64 with a line end after it.
    LineEnd,
    /// A hash in capitals.
    Capitals,
    /// An object gains a field that nobody knows.
    Unknown,
    /// It is the other vector's.
    Swap,
    /// It gains what only the other vector has.
    Graft,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// A document changed in one place.
pub(crate) struct Mutant {
    pub(crate) path: Vec<Step>,
    pub(crate) change: Change,
    pub(crate) tree: Tree,
}

/// A path as the tables write it: fields after dots, any item of a list as `[]`, what lies inside a
/// text after a slash.
pub(crate) fn place(path: &[Step]) -> String {
    let mut place = String::new();
    for step in path {
        match step {
            Step::Field(name) => {
                if !place.is_empty() && !place.ends_with('/') {
                    place.push('.');
                }
                place.push_str(name);
            }
            Step::Item(_) => place.push_str("[]"),
            Step::Inside => place.push('/'),
        }
    }
    place
}

/// How much is tried.
#[derive(Clone, Copy)]
pub(crate) struct Effort {
    /// How many bytes of a longer text are turned over, evenly spread.
    pub(crate) flips: usize,
    /// With how many other documents a whole piece is swapped.
    pub(crate) pieces: usize,
    /// With how many other documents a field deep inside is swapped.
    pub(crate) fields: usize,
}

/// Visits every document that differs from `tree` by one change.
pub(crate) fn each(tree: &Tree, effort: Effort, others: &[&Tree], mut visit: impl FnMut(&Mutant)) {
    for path in tree.paths() {
        let part = tree.at(&path).expect("the path was found in the document");
        let changed = |place: &[Step], change, part: Tree| {
            let mut whole = tree.clone();
            *whole.at_mut(&path).expect("the copy has the same paths") = part;
            Mutant { path: place.to_vec(), change, tree: whole }
        };
        let mut add = |change, part| visit(&changed(&path, change, part));
        of_part(part, effort.flips, &mut add);
        let near = if path.len() <= PIECES { effort.pieces } else { effort.fields };
        for other in others.iter().take(near) {
            let Some(theirs) = other.at(&path) else { continue };
            if !path.is_empty() && theirs != part {
                visit(&changed(&path, Change::Swap, theirs.clone()));
            }
            if let (Tree::Object(ours), Tree::Object(theirs)) = (part, theirs) {
                for field in theirs.iter().filter(|(name, _)| !has(ours, name)) {
                    let grafted = [ours.as_slice(), std::slice::from_ref(field)].concat();
                    let place = [path.as_slice(), &[Step::Field(field.0.clone())]].concat();
                    visit(&changed(&place, Change::Graft, Tree::Object(grafted)));
                }
            }
        }
        around(tree, &path).iter().for_each(&mut visit);
    }
}

/// Whole pieces lie at most that many steps deep: `verificationMaterial.tlogEntries[]`.
const PIECES: usize = 3;

fn has(fields: &[(String, Tree)], name: &str) -> bool {
    fields.iter().any(|(known, _)| known == name)
}

/// What can be done to a part where it stands.
fn of_part(part: &Tree, flips: usize, add: &mut impl FnMut(Change, Tree)) {
    match part {
        Tree::Object(fields) => {
            add(Change::Empty, Tree::Object(Vec::new()));
            let unknown = ("unknown".to_owned(), Tree::Plain(Value::Null));
            add(Change::Unknown, Tree::Object([fields.as_slice(), &[unknown]].concat()));
        }
        Tree::List(items) => {
            add(Change::Empty, Tree::List(Vec::new()));
            if items.len() > 1 {
                add(Change::Reverse, Tree::List(items.iter().rev().cloned().collect()));
            }
        }
        Tree::Text(text) => of_text(text, flips, add),
        Tree::Plain(Value::Number(number)) => {
            let value = number.as_i64().unwrap_or_default();
            for other in [value.wrapping_add(1), value.wrapping_sub(1), value.wrapping_neg(), 0] {
                if other != value {
                    add(Change::Count, Tree::Plain(other.into()));
                }
            }
            add(Change::Retype, Tree::Text(Text::plain(number.to_string().into_bytes())));
        }
        Tree::Plain(Value::Bool(value)) => add(Change::Flip, Tree::Plain((!value).into())),
        Tree::Plain(_) => {}
    }
    if *part != Tree::Plain(Value::Null) {
        add(Change::Null, Tree::Plain(Value::Null));
    }
}

fn of_text(text: &Text, flips: usize, add: &mut impl FnMut(Change, Tree)) {
    let with = |content: Vec<u8>| {
        Tree::Text(Text { spellings: text.spellings.clone(), content: Content::Bytes(content) })
    };
    let bytes = match &text.content {
        Content::Bytes(bytes) => bytes.clone(),
        Content::Document(inner) => inner.json().expect("what was read can be written"),
    };
    if !bytes.is_empty() {
        add(Change::Empty, Tree::Text(Text::plain(Vec::new())));
        add(
            Change::Cut,
            with(bytes.split_last().map(|(_, rest)| rest.to_vec()).unwrap_or_default()),
        );
    }
    add(Change::Extend, with([bytes.as_slice(), b"0"].concat()));
    // What lies inside a document is turned over there.
    let flips = if matches!(text.content, Content::Document(_)) { flips.min(8) } else { flips };
    for at in spread(bytes.len(), flips) {
        // A text stays a text: the lowest bit keeps ASCII and the later bytes of UTF-8 what they are.
        let bit = if text.spellings.is_empty() { 0 } else { at % 8 };
        let mut turned = bytes.clone();
        turned[at] ^= 1 << bit;
        add(Change::Flip, with(turned));
    }
    let spelled = text.spelled().and_then(|spelled| String::from_utf8(spelled).ok());
    let Some(spelled) = spelled else { return };
    let mut respell = |change, other: String| {
        if other != spelled {
            add(change, Tree::Text(Text::plain(other.into_bytes())));
        }
    };
    if text.spellings.first() == Some(&Spelling::Base64) {
        respell(Change::Unpad, spelled.trim_end_matches('=').to_owned());
        respell(Change::UrlAlphabet, spelled.replace('+', "-").replace('/', "_"));
        respell(Change::LineEnd, format!("{spelled}\n"));
    }
    if spelled.len() >= 40 && spelled.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        respell(Change::Capitals, spelled.to_uppercase());
    }
    if let Ok(number) = spelled.parse::<i64>() {
        for other in [number.wrapping_add(1), number.wrapping_sub(1), number.wrapping_neg()] {
            respell(Change::Count, other.to_string());
        }
        add(Change::Retype, Tree::Plain(number.into()));
    }
}

/// What can be done to a part in what holds it.
fn around(tree: &Tree, path: &[Step]) -> Vec<Mutant> {
    let Some((last, above)) = path.split_last() else { return Vec::new() };
    let Some(holder) = tree.at(above) else { return Vec::new() };
    let changed: Vec<(Change, Tree)> = match (holder, last) {
        (Tree::Object(fields), Step::Field(name)) => {
            let mut without = fields.clone();
            without.retain(|(known, _)| known != name);
            let own = fields.iter().filter(|(known, _)| known == name).cloned();
            let twice = own.chain(fields.iter().cloned()).collect();
            vec![(Change::Drop, Tree::Object(without)), (Change::Double, Tree::Object(twice))]
        }
        (Tree::List(items), Step::Item(at)) => {
            let (mut without, mut twice) = (items.clone(), items.clone());
            twice.insert(*at, without.remove(*at));
            vec![(Change::Drop, Tree::List(without)), (Change::Double, Tree::List(twice))]
        }
        _ => Vec::new(),
    };
    changed
        .into_iter()
        .map(|(change, part)| {
            let mut whole = tree.clone();
            *whole.at_mut(above).expect("the copy has the same paths") = part;
            Mutant { path: path.to_vec(), change, tree: whole }
        })
        .collect()
}

/// That many places below `length`, the first and the last among them.
fn spread(length: usize, count: usize) -> Vec<usize> {
    if length <= count {
        return (0..length).collect();
    }
    (0..count).map(|at| at * (length - 1) / (count - 1)).collect()
}
