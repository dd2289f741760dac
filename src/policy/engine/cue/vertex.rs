//! A *vertex*: one place of the unified document, and everything that is said of it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;

use super::error::Failure;
use super::syntax::{Alternative, Bound, Label, List, Node, Struct, label_text};
use super::value::{Kinds, Scalar, printed};
use crate::policy::engine::document::Json;

/// A vertex by its number.
pub(super) type VertexId = usize;

/// A scope by its number: a struct of the policy, at the vertex it was unified into.
pub(super) type ScopeId = usize;

/// One thing that is said of a vertex.
#[derive(Clone)]
pub(super) struct Conjunct<'a> {
    pub(super) term: Term<'a>,
    pub(super) scope: ScopeId,
    /// The definitions it is part of: they close the vertex.
    pub(super) within: Rc<[VertexId]>,
}

#[derive(Clone, Copy)]
pub(super) enum Term<'a> {
    Node(&'a Node),
    /// The body of a guard that holds.
    Struct(&'a Struct),
    Json(&'a Json),
}

impl Term<'_> {
    /// How a message quotes it.
    pub(super) fn text(self) -> String {
        match self {
            Self::Node(node) => node.to_string(),
            Self::Struct(literal) => literal.to_string(),
            Self::Json(json) => printed(json),
        }
    }
}

/// What narrowed a value: text is made of it only where a message quotes it.
pub(super) enum Source<'a> {
    Term(Term<'a>),
    Text(String),
}

impl Source<'_> {
    pub(super) fn text(&self) -> String {
        match self {
            Self::Term(term) => term.text(),
            Self::Text(text) => text.clone(),
        }
    }
}

#[derive(Clone, Copy)]
pub(super) struct Scope {
    pub(super) vertex: VertexId,
    pub(super) up: Option<ScopeId>,
}

/// How a vertex is reached from its parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key<'a> {
    Root,
    Field(&'a str),
    Definition(&'a str),
    Item(usize),
}

impl<'a> Key<'a> {
    pub(super) fn of(label: &'a Label) -> Self {
        if label.is_definition { Self::Definition(&label.name) } else { Self::Field(&label.name) }
    }

    /// The key that a step of a reference means.
    pub(super) fn of_name(name: &'a str) -> Self {
        if name.starts_with('#') { Self::Definition(name) } else { Self::Field(name) }
    }

    pub(super) fn text(self) -> String {
        match self {
            Self::Root => String::new(),
            Self::Field(name) => label_text(name),
            Self::Definition(name) => name.to_owned(),
            Self::Item(at) => at.to_string(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing of it was read.
    Untouched,
    /// What is said of it is being gathered.
    Gathering,
    /// Its fields are known; guards may add some.
    Gathered,
}

/// One place of the unified document.
pub(super) struct Vertex<'a> {
    pub(super) key: Key<'a>,
    pub(super) parent: Option<VertexId>,
    pub(super) conjuncts: Vec<Conjunct<'a>>,
    /// Whether another vertex took its conjuncts over.
    pub(super) is_copied: bool,
    pub(super) state: State,
    pub(super) facts: Facts<'a>,
}

/// What the conjuncts of a vertex amount to.
pub(super) struct Facts<'a> {
    pub(super) kinds: Kinds,
    /// What last narrowed the kinds, for the message of a conflict.
    pub(super) narrowed_by: Option<Source<'a>>,
    pub(super) scalar: Option<Scalar>,
    pub(super) bounds: Vec<Limit<'a>>,
    pub(super) checks: Vec<Check>,
    pub(super) fields: Vec<(Key<'a>, VertexId)>,
    pub(super) index: HashMap<Key<'a>, VertexId>,
    pub(super) optional: Vec<(Key<'a>, Conjunct<'a>)>,
    pub(super) lists: Vec<ListConjunct<'a>>,
    pub(super) closings: BTreeMap<VertexId, Closing<'a>>,
    pub(super) guards: Vec<Guard<'a>>,
    pub(super) choices: Vec<Choice<'a>>,
    /// Everything but references and disjunctions: what each alternative is unified with.
    pub(super) plain: Vec<Conjunct<'a>>,
    /// Whether a struct, and whether the document's own, is among the conjuncts.
    pub(super) is_struct: bool,
    pub(super) is_input: bool,
    /// The alternatives that hold, and whether each is a default.
    pub(super) alternatives: Vec<(VertexId, bool)>,
    pub(super) failures: Vec<Failure>,
}

impl Default for Facts<'_> {
    fn default() -> Self {
        Self {
            kinds: Kinds::ANY,
            narrowed_by: None,
            scalar: None,
            bounds: Vec::new(),
            checks: Vec::new(),
            fields: Vec::new(),
            index: HashMap::new(),
            optional: Vec::new(),
            lists: Vec::new(),
            closings: BTreeMap::new(),
            guards: Vec::new(),
            choices: Vec::new(),
            plain: Vec::new(),
            is_struct: false,
            is_input: false,
            alternatives: Vec::new(),
            failures: Vec::new(),
        }
    }
}

/// A bound whose operand is known.
pub(super) struct Limit<'a> {
    pub(super) bound: &'a Bound,
    pub(super) operand: Scalar,
}

/// A list among the conjuncts: its own items, and what may follow them.
pub(super) struct ListConjunct<'a> {
    pub(super) length: usize,
    pub(super) source: ListSource<'a>,
    pub(super) conjunct: Conjunct<'a>,
}

#[derive(Clone, Copy)]
pub(super) enum ListSource<'a> {
    Policy(&'a List),
    Document(&'a [Json]),
}

/// What a definition lets a struct have.
#[derive(Default)]
pub(super) struct Closing<'a> {
    pub(super) names: HashSet<&'a str>,
    pub(super) is_struct: bool,
    pub(super) is_open: bool,
}

#[derive(Clone)]
pub(super) struct Guard<'a> {
    pub(super) conditions: &'a [Node],
    pub(super) body: &'a Struct,
    pub(super) scope: ScopeId,
    pub(super) within: Rc<[VertexId]>,
}

pub(super) struct Choice<'a> {
    pub(super) alternatives: &'a [Alternative],
    pub(super) scope: ScopeId,
    pub(super) within: Rc<[VertexId]>,
}

/// A validator whose arguments are known.
#[derive(Clone, Debug)]
pub(super) enum Check {
    MinFields(usize),
    MaxFields(usize),
    MinItems(usize),
    MaxItems(usize),
    Contains(Scalar),
    UniqueItems,
    MinRunes(usize),
    MaxRunes(usize),
    HasText(String),
    HasPrefix(String),
    HasSuffix(String),
    Time,
}

impl Check {
    pub(super) fn kinds(&self) -> Kinds {
        match self {
            Self::MinFields(_) | Self::MaxFields(_) => Kinds::STRUCT,
            Self::MinItems(_) | Self::MaxItems(_) | Self::Contains(_) | Self::UniqueItems => {
                Kinds::LIST
            }
            _ => Kinds::STRING,
        }
    }

    /// The call, as a message names it.
    pub(super) fn text(&self) -> String {
        match self {
            Self::MinFields(n) => format!("struct.MinFields({n})"),
            Self::MaxFields(n) => format!("struct.MaxFields({n})"),
            Self::MinItems(n) => format!("list.MinItems({n})"),
            Self::MaxItems(n) => format!("list.MaxItems({n})"),
            Self::Contains(item) => format!("list.Contains({item})"),
            Self::UniqueItems => "list.UniqueItems".to_owned(),
            Self::MinRunes(n) => format!("strings.MinRunes({n})"),
            Self::MaxRunes(n) => format!("strings.MaxRunes({n})"),
            Self::HasText(text) => format!("strings.Contains({})", Scalar::String(text.clone())),
            Self::HasPrefix(text) => format!("strings.HasPrefix({})", Scalar::String(text.clone())),
            Self::HasSuffix(text) => format!("strings.HasSuffix({})", Scalar::String(text.clone())),
            Self::Time => "time.Time".to_owned(),
        }
    }
}
