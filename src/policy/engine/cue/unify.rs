//! *Unification*: the policy and the document become one, and what does not fit is a failure.
//!
//! Each vertex gathers what the policy and the document say of it; a reference brings what is said
//! of another vertex, a definition closes the struct it is part of, a guard adds fields once its
//! condition is known. What stays incomplete is no failure, as for CUE's `Validate`: a policy says
//! what a field must be, not that it is there.
//!
//! Every step is counted and every level of nesting too, so that no policy and no document keeps
//! the evaluation from ending. A reference that leads back to itself has no answer and is refused.

use std::rc::Rc;

use super::error::{Endless, Failure};
use super::evaluate::Verdict;
use super::syntax::{Comparison, Declaration, Expression, Label, Node, Reference, Rest, Struct};
use super::value::{Kinds, Scalar};
use super::vertex::{
    Choice, Closing, Conjunct, Facts, Guard, Key, Limit, ListConjunct, ListSource, Scope, ScopeId,
    Source, State, Term, Vertex, VertexId,
};
use crate::limits::Limits;
use crate::policy::engine::document::Json;

/// Unifies `policy` with `document`, and returns what does not fit.
pub(super) fn unify<'a>(
    policy: &'a Struct,
    document: Option<&'a Json>,
    limits: &'a Limits,
) -> Result<Vec<Failure>, Endless> {
    let mut unifier =
        Unifier { vertices: Vec::new(), scopes: Vec::new(), steps: 0, depth: 0, limits };
    let within: Rc<[VertexId]> = Rc::from([]);
    let outside = unifier.scope(0, None);
    let terms = [Some(Term::Struct(policy)), document.map(Term::Json)];
    let conjuncts = terms
        .into_iter()
        .flatten()
        .map(|term| Conjunct { term, scope: outside, within: Rc::clone(&within) })
        .collect();
    let root = unifier.vertex(Key::Root, None, conjuncts)?;
    let mut failures = Vec::new();
    unifier.settle(root, &mut failures)?;
    Ok(failures)
}

pub(super) struct Unifier<'a> {
    pub(super) vertices: Vec<Vertex<'a>>,
    scopes: Vec<Scope>,
    steps: u64,
    depth: usize,
    pub(super) limits: &'a Limits,
}

/// Why an expression has no value.
pub(super) enum Stop {
    /// It may have one once more is known.
    Incomplete,
    /// It can have none.
    Failed(String),
    /// Its value failed where it stands, and is reported there.
    FailedElsewhere,
    Endless(Endless),
}

impl From<Endless> for Stop {
    fn from(endless: Endless) -> Self {
        Self::Endless(endless)
    }
}

/// The value of an expression.
pub(super) enum Value {
    Scalar(Scalar),
    /// A struct or a list, at its vertex.
    Compound(VertexId),
}

impl<'a> Unifier<'a> {
    /// Evaluates a vertex and all below it; a part that only the document speaks of needs none.
    pub(super) fn settle(
        &mut self,
        id: VertexId,
        failures: &mut Vec<Failure>,
    ) -> Result<(), Endless> {
        self.enter(id)?;
        self.gather(id)?;
        let facts = &self.at(id).facts;
        failures.extend(facts.failures.iter().cloned());
        if facts.alternatives.is_empty() && facts.failures.is_empty() {
            let fields: Vec<VertexId> = facts.fields.iter().map(|field| field.1).collect();
            for field in fields {
                if !self.is_document_only(field) {
                    self.settle(field, failures)?;
                }
            }
        }
        self.leave();
        Ok(())
    }

    /// Gathers what the conjuncts of a vertex amount to.
    pub(super) fn gather(&mut self, id: VertexId) -> Result<(), Endless> {
        match self.at(id).state {
            State::Gathered => return Ok(()),
            State::Gathering => return Err(self.cycle(id)),
            State::Untouched => {}
        }
        self.enter(id)?;
        self.at_mut(id).state = State::Gathering;
        let conjuncts = self.at(id).conjuncts.clone();
        let mut trail = Vec::new();
        for conjunct in &conjuncts {
            self.add(id, conjunct, &mut trail)?;
        }
        if self.at(id).facts.choices.is_empty() {
            self.lay_out_lists(id)?;
            self.at_mut(id).state = State::Gathered;
            self.run_guards(id)?;
            self.check_closings(id);
            self.check_limits(id);
            self.run_checks(id)?;
        } else {
            self.choose(id)?;
            self.at_mut(id).state = State::Gathered;
        }
        self.leave();
        Ok(())
    }

    /// Adds one conjunct. `trail` holds the vertices whose conjuncts are being brought over.
    fn add(
        &mut self,
        id: VertexId,
        conjunct: &Conjunct<'a>,
        trail: &mut Vec<VertexId>,
    ) -> Result<(), Endless> {
        self.spend(1)?;
        let node = match conjunct.term {
            Term::Json(json) => return self.add_json(id, conjunct, json),
            Term::Struct(literal) => return self.add_struct(id, conjunct, literal),
            Term::Node(node) => node,
        };
        match &node.expression {
            Expression::And(parts) => {
                for part in parts {
                    let part = Conjunct { term: Term::Node(part), ..conjunct.clone() };
                    self.add(id, &part, trail)?;
                }
                Ok(())
            }
            Expression::Reference(reference) => self.add_reference(id, conjunct, reference, trail),
            Expression::Or(alternatives) => {
                self.at_mut(id).facts.choices.push(Choice {
                    alternatives,
                    scope: conjunct.scope,
                    within: Rc::clone(&conjunct.within),
                });
                Ok(())
            }
            Expression::Struct(literal) => self.add_struct(id, conjunct, literal),
            _ => {
                self.at_mut(id).facts.plain.push(conjunct.clone());
                self.add_plain(id, conjunct, node)
            }
        }
    }

    fn add_plain(
        &mut self,
        id: VertexId,
        conjunct: &Conjunct<'a>,
        node: &'a Node,
    ) -> Result<(), Endless> {
        match &node.expression {
            Expression::Type(kinds) => {
                if *kinds == Kinds::ANY {
                    self.open_closings(id, conjunct);
                } else {
                    self.narrow(id, *kinds, Source::Term(conjunct.term));
                }
                Ok(())
            }
            Expression::List(list) => {
                if self.narrow(id, Kinds::LIST, Source::Term(conjunct.term)) {
                    self.at_mut(id).facts.lists.push(ListConjunct {
                        length: list.items.len(),
                        source: ListSource::Policy(list),
                        conjunct: conjunct.clone(),
                    });
                }
                Ok(())
            }
            Expression::Bound(bound) => {
                let operand = self.scalar(&bound.operand, conjunct.scope);
                let Some(operand) = self.known(id, operand)? else { return Ok(()) };
                if let Some(kinds) = bound_kinds(bound.operator, &operand) {
                    self.narrow(
                        id,
                        kinds,
                        Source::Text(format!("{}{operand}", bound.operator.mark())),
                    );
                    self.at_mut(id).facts.bounds.push(Limit { bound, operand });
                } else {
                    let what = format!("cannot use {operand} for bound {}", bound.operator.mark());
                    self.fail(id, what);
                }
                Ok(())
            }
            Expression::Call(builtin, arguments) if arguments.len() < builtin.arity() => {
                let check = self.check_of(*builtin, arguments, conjunct.scope);
                let Some(check) = self.known(id, check)? else { return Ok(()) };
                self.narrow(id, check.kinds(), Source::Text(check.text()));
                self.at_mut(id).facts.checks.push(check);
                Ok(())
            }
            _ => {
                let scalar = self.scalar(node, conjunct.scope);
                if let Some(scalar) = self.known(id, scalar)? {
                    self.set(id, scalar);
                }
                Ok(())
            }
        }
    }

    fn add_json(
        &mut self,
        id: VertexId,
        conjunct: &Conjunct<'a>,
        json: &'a Json,
    ) -> Result<(), Endless> {
        self.at_mut(id).facts.plain.push(conjunct.clone());
        self.at_mut(id).facts.is_input = true;
        match json {
            Json::Object(members) => {
                if !self.narrow(id, Kinds::STRUCT, Source::Term(conjunct.term)) {
                    return Ok(());
                }
                self.at_mut(id).facts.is_struct = true;
                for (name, member) in members {
                    let value = Conjunct { term: Term::Json(member), ..conjunct.clone() };
                    self.add_field(id, Key::Field(name), value)?;
                }
            }
            Json::Array(items) => {
                if self.narrow(id, Kinds::LIST, Source::Term(conjunct.term)) {
                    self.at_mut(id).facts.lists.push(ListConjunct {
                        length: items.len(),
                        source: ListSource::Document(items),
                        conjunct: conjunct.clone(),
                    });
                }
            }
            _ => {
                if let Some(scalar) = Scalar::of(json) {
                    self.set(id, scalar);
                }
            }
        }
        Ok(())
    }

    fn add_struct(
        &mut self,
        id: VertexId,
        conjunct: &Conjunct<'a>,
        literal: &'a Struct,
    ) -> Result<(), Endless> {
        self.at_mut(id).facts.plain.push(conjunct.clone());
        if !self.narrow(id, Kinds::STRUCT, Source::Term(conjunct.term)) {
            return Ok(());
        }
        self.at_mut(id).facts.is_struct = true;
        self.close(id, conjunct, literal);
        let scope = self.scope(id, Some(conjunct.scope));
        for declaration in &literal.declarations {
            self.spend(1)?;
            match declaration {
                Declaration::Field { label, optional, value } => {
                    let within = self.within(id, label, &conjunct.within);
                    let value = Conjunct { term: Term::Node(value), scope, within };
                    if *optional {
                        self.add_optional(id, Key::of(label), value)?;
                    } else {
                        self.add_field(id, Key::of(label), value)?;
                    }
                }
                Declaration::Guard { conditions, body } => {
                    let within = Rc::clone(&conjunct.within);
                    let guard = Guard { conditions, body, scope, within };
                    self.at_mut(id).facts.guards.push(guard);
                }
            }
        }
        Ok(())
    }

    /// The definitions that the value of a field is part of.
    fn within(&mut self, id: VertexId, label: &'a Label, outer: &Rc<[VertexId]>) -> Rc<[VertexId]> {
        if !label.is_definition {
            return Rc::clone(outer);
        }
        // A definition is named by the place it stands in, so that its parts close it together.
        let name = self.definition(id, label);
        outer.iter().copied().chain([name]).collect()
    }

    fn definition(&mut self, id: VertexId, label: &'a Label) -> VertexId {
        let key = Key::of(label);
        if let Some(known) = self.at(id).facts.index.get(&key) {
            return *known;
        }
        let vertex = self.push_vertex(key, Some(id), Vec::new());
        let facts = &mut self.at_mut(id).facts;
        facts.fields.push((key, vertex));
        facts.index.insert(key, vertex);
        vertex
    }

    fn add_field(
        &mut self,
        id: VertexId,
        key: Key<'a>,
        value: Conjunct<'a>,
    ) -> Result<(), Endless> {
        self.spend(1)?;
        if let Some(field) = self.at(id).facts.index.get(&key).copied() {
            return self.say_more(field, value);
        }
        let optional = self.at(id).facts.optional.iter().filter(|(name, _)| *name == key);
        let conjuncts =
            [value].into_iter().chain(optional.map(|(_, value)| value.clone())).collect();
        let vertex = self.vertex(key, Some(id), conjuncts)?;
        let facts = &mut self.at_mut(id).facts;
        facts.fields.push((key, vertex));
        facts.index.insert(key, vertex);
        Ok(())
    }

    fn add_optional(
        &mut self,
        id: VertexId,
        key: Key<'a>,
        value: Conjunct<'a>,
    ) -> Result<(), Endless> {
        if let Some(field) = self.at(id).facts.index.get(&key).copied() {
            self.say_more(field, value.clone())?;
        }
        self.at_mut(id).facts.optional.push((key, value));
        Ok(())
    }

    /// Adds a conjunct to a vertex that may have been evaluated by a guard; then it is again.
    fn say_more(&mut self, id: VertexId, conjunct: Conjunct<'a>) -> Result<(), Endless> {
        if self.at(id).state != State::Untouched || self.at(id).is_copied {
            if self.at(id).state == State::Gathering || self.is_copied_within(id)? {
                let path = self.path(id);
                return Err(Endless(format!(
                    "a guard constrains `{path}`, which has been referred to before"
                )));
            }
            let vertex = self.at_mut(id);
            vertex.state = State::Untouched;
            vertex.facts = Facts::default();
        }
        self.at_mut(id).conjuncts.push(conjunct);
        Ok(())
    }

    fn is_copied_within(&mut self, id: VertexId) -> Result<bool, Endless> {
        let mut left = vec![id];
        while let Some(id) = left.pop() {
            self.spend(1)?;
            if self.at(id).is_copied {
                return Ok(true);
            }
            left.extend(self.at(id).facts.fields.iter().map(|field| field.1));
            left.extend(self.at(id).facts.alternatives.iter().map(|alternative| alternative.0));
        }
        Ok(false)
    }

    fn add_reference(
        &mut self,
        id: VertexId,
        conjunct: &Conjunct<'a>,
        reference: &'a Reference,
        trail: &mut Vec<VertexId>,
    ) -> Result<(), Endless> {
        let target = match self.find(reference, conjunct.scope) {
            Ok(target) => target,
            Err(Stop::Endless(endless)) => return Err(endless),
            Err(Stop::Failed(what)) => {
                self.fail(id, what);
                return Ok(());
            }
            Err(Stop::Incomplete | Stop::FailedElsewhere) => return Ok(()),
        };
        if target == id || trail.contains(&target) {
            return Err(self.cycle(target));
        }
        self.at_mut(target).is_copied = true;
        trail.push(target);
        self.enter(id)?;
        for brought in self.at(target).conjuncts.clone() {
            let within = conjunct.within.iter().chain(brought.within.iter()).copied().collect();
            self.add(id, &Conjunct { within, ..brought }, trail)?;
        }
        self.leave();
        trail.pop();
        Ok(())
    }

    /// The vertex that a reference leads to.
    pub(super) fn find(
        &mut self,
        reference: &'a Reference,
        scope: ScopeId,
    ) -> Result<VertexId, Stop> {
        let mut at = scope;
        for _ in 0..reference.up {
            at = self.scopes.get(at).and_then(|scope| scope.up).ok_or(Stop::Incomplete)?;
        }
        let start = self.scopes.get(at).map(|scope| scope.vertex).ok_or(Stop::Incomplete)?;
        let mut found = self.field(start, Key::of_name(&reference.name))?;
        for step in &reference.path {
            self.gather(found)?;
            found = self.decided(found).ok_or(Stop::Incomplete)?;
            let facts = &self.at(found).facts;
            if !facts.failures.is_empty() {
                return Err(Stop::FailedElsewhere);
            }
            if facts.kinds.and(Kinds::STRUCT).is_none() {
                let text = self.text(found);
                let kinds = self.at(found).facts.kinds;
                return Err(Stop::Failed(format!(
                    "{reference}: invalid operand {text} (found {kinds}, want list or struct)"
                )));
            }
            found = self.field(found, Key::of_name(step))?;
        }
        Ok(found)
    }

    fn field(&self, id: VertexId, key: Key<'a>) -> Result<VertexId, Stop> {
        self.at(id).facts.index.get(&key).copied().ok_or(Stop::Incomplete)
    }

    /// The vertex that stands for one with alternatives: the only one, or the only default.
    pub(super) fn decided(&self, id: VertexId) -> Option<VertexId> {
        let alternatives = &self.at(id).facts.alternatives;
        match alternatives.as_slice() {
            [] => Some(id),
            [(only, _)] => self.decided(*only),
            several => {
                let mut defaults = several.iter().filter(|(_, is_default)| *is_default);
                match (defaults.next(), defaults.next()) {
                    (Some((default, _)), None) => self.decided(*default),
                    _ => None,
                }
            }
        }
    }

    /// Tries every combination of alternatives with the rest, and keeps those that hold.
    fn choose(&mut self, id: VertexId) -> Result<(), Endless> {
        let choices = std::mem::take(&mut self.at_mut(id).facts.choices);
        let plain = self.at(id).facts.plain.clone();
        let (key, parent) = (self.at(id).key, self.at(id).parent);
        let most = self.limits.cue_alternatives;
        let mut survivors = vec![(plain, true, None)];
        let mut refused = Vec::new();
        for choice in &choices {
            let has_default = choice.alternatives.iter().any(|alternative| alternative.is_default);
            let mut next = Vec::new();
            for (conjuncts, was_default, _) in &survivors {
                for alternative in choice.alternatives {
                    self.spend(u64::try_from(conjuncts.len()).unwrap_or(u64::MAX))?;
                    let mut conjuncts = conjuncts.clone();
                    conjuncts.push(Conjunct {
                        term: Term::Node(&alternative.value),
                        scope: choice.scope,
                        within: Rc::clone(&choice.within),
                    });
                    let vertex = self.vertex(key, parent, conjuncts.clone())?;
                    let mut failures = Vec::new();
                    self.settle(vertex, &mut failures)?;
                    if failures.is_empty() && next.len() >= most {
                        let path = self.path(id);
                        return Err(Endless(format!("`{path}` has more than {most} alternatives")));
                    }
                    if failures.is_empty() {
                        let is_default = *was_default && (alternative.is_default || !has_default);
                        next.push((conjuncts, is_default, Some(vertex)));
                    } else {
                        refused.extend(failures);
                    }
                }
            }
            survivors = next;
        }
        if survivors.is_empty() {
            self.fail(id, format!("{} errors in empty disjunction:", refused.len()));
            self.at_mut(id).facts.failures.extend(refused);
            return Ok(());
        }
        let mut alternatives: Vec<(VertexId, bool)> = Vec::new();
        for (vertex, is_default) in
            survivors.into_iter().filter_map(|(_, default, vertex)| Some((vertex?, default)))
        {
            let same = alternatives.iter_mut().find(|(known, _)| {
                match (&self.at(*known).facts.scalar, &self.at(vertex).facts.scalar) {
                    (Some(one), Some(other)) => one.is(other),
                    _ => false,
                }
            });
            match same {
                Some((_, known)) => *known |= is_default,
                None => alternatives.push((vertex, is_default)),
            }
        }
        self.at_mut(id).facts.alternatives = alternatives;
        Ok(())
    }

    /// Gives every item of the lists its vertex.
    fn lay_out_lists(&mut self, id: VertexId) -> Result<(), Endless> {
        let lists = std::mem::take(&mut self.at_mut(id).facts.lists);
        let longest = lists.iter().map(|list| list.length).max().unwrap_or_default();
        let short = lists.iter().find(|list| list.is_closed() && list.length < longest);
        if let Some(short) = short {
            let what = format!("incompatible list lengths ({} and {longest})", short.length);
            self.fail(id, what);
        } else {
            for list in &lists {
                self.spend(u64::try_from(longest).unwrap_or(u64::MAX))?;
                for at in 0..longest {
                    let Some(term) = list.item(at) else { continue };
                    let value = Conjunct { term, ..list.conjunct.clone() };
                    self.add_field(id, Key::Item(at), value)?;
                }
            }
        }
        self.at_mut(id).facts.lists = lists;
        Ok(())
    }

    /// Adds the bodies of the guards that hold, until no further one is decided.
    fn run_guards(&mut self, id: VertexId) -> Result<(), Endless> {
        loop {
            let guards = std::mem::take(&mut self.at_mut(id).facts.guards);
            let open = guards.len();
            let mut undecided = Vec::new();
            for guard in guards {
                match self.holds(&guard) {
                    Ok(true) => {
                        let term = Term::Struct(guard.body);
                        let conjunct = Conjunct { term, scope: guard.scope, within: guard.within };
                        self.add(id, &conjunct, &mut Vec::new())?;
                    }
                    Ok(false) | Err(Stop::FailedElsewhere) => {}
                    Err(Stop::Incomplete) => undecided.push(guard),
                    Err(Stop::Failed(what)) => self.fail(id, what),
                    Err(Stop::Endless(endless)) => return Err(endless),
                }
            }
            let facts = &mut self.at_mut(id).facts;
            facts.guards.extend(undecided);
            if facts.guards.is_empty() || facts.guards.len() == open {
                return Ok(());
            }
        }
    }

    fn holds(&mut self, guard: &Guard<'a>) -> Result<bool, Stop> {
        for condition in guard.conditions {
            match self.scalar(condition, guard.scope)? {
                Scalar::Bool(true) => {}
                Scalar::Bool(false) => return Ok(false),
                other => {
                    return Err(Stop::Failed(format!(
                        "cannot use {other} (type {}) as type bool",
                        other.kind()
                    )));
                }
            }
        }
        Ok(true)
    }

    fn close(&mut self, id: VertexId, conjunct: &Conjunct<'a>, literal: &'a Struct) {
        for definition in conjunct.within.iter() {
            let closing: &mut Closing<'a> =
                self.at_mut(id).facts.closings.entry(*definition).or_default();
            closing.is_struct = true;
            closing.is_open |= literal.open;
            closing.names.extend(literal.declarations.iter().filter_map(|declaration| {
                match declaration {
                    Declaration::Field { label, .. } if !label.is_definition => {
                        Some(label.name.as_str())
                    }
                    _ => None,
                }
            }));
        }
    }

    fn open_closings(&mut self, id: VertexId, conjunct: &Conjunct<'a>) {
        for definition in conjunct.within.iter() {
            self.at_mut(id).facts.closings.entry(*definition).or_default().is_open = true;
        }
    }

    /// Refuses the fields that a definition does not have.
    fn check_closings(&mut self, id: VertexId) {
        let facts = &self.at(id).facts;
        let closed: Vec<&Closing<'a>> = facts
            .closings
            .values()
            .filter(|closing| closing.is_struct && !closing.is_open)
            .collect();
        let foreign: Vec<Key<'a>> = facts
            .fields
            .iter()
            .map(|field| field.0)
            .filter(|key| match key {
                Key::Field(name) => closed.iter().any(|closing| !closing.names.contains(name)),
                _ => false,
            })
            .collect();
        let path = self.path(id);
        let dot = if path.is_empty() { "" } else { "." };
        for key in foreign {
            let path = format!("{path}{dot}{}", key.text());
            let what = "field not allowed".to_owned();
            self.at_mut(id).facts.failures.push(Failure { path, what });
        }
    }

    fn check_limits(&mut self, id: VertexId) {
        let facts = &self.at(id).facts;
        let is_known = facts.scalar.is_some();
        if !is_known || !facts.failures.is_empty() {
            return;
        }
        let Some(scalar) = facts.scalar.clone() else { return };
        let bounds = std::mem::take(&mut self.at_mut(id).facts.bounds);
        for Limit { bound, operand } in &bounds {
            let holds = match &bound.regex {
                Some(regex) => super::evaluate::matches_regex(&scalar, bound.operator, regex),
                None => self.compare(&scalar, bound.operator, operand),
            };
            match holds {
                Ok(true) => {}
                Ok(false) => {
                    let mark = bound.operator.mark();
                    self.fail(id, format!("invalid value {scalar} (out of bound {mark}{operand})"));
                }
                Err(what) => self.fail(id, what),
            }
        }
        self.at_mut(id).facts.bounds = bounds;
    }

    fn run_checks(&mut self, id: VertexId) -> Result<(), Endless> {
        if !self.at(id).facts.failures.is_empty() {
            return Ok(());
        }
        let checks = self.at(id).facts.checks.clone();
        for check in &checks {
            let verdict = self.verdict(id, check);
            let Some(Verdict::Refused(why)) = self.known(id, verdict)? else { continue };
            let value = self.text(id);
            let why = if why.is_empty() { why } else { format!(": {why}") };
            self.fail(
                id,
                format!("invalid value {value} (does not satisfy {}){why}", check.text()),
            );
        }
        Ok(())
    }

    /// Narrows the kinds of a vertex; whether anything is left.
    fn narrow(&mut self, id: VertexId, kinds: Kinds, by: Source<'a>) -> bool {
        let facts = &self.at(id).facts;
        let before = facts.kinds;
        let Some(both) = before.and(kinds) else {
            let earlier = facts.narrowed_by.as_ref().map(Source::text).unwrap_or_default();
            let later = by.text();
            self.fail(
                id,
                format!(
                    "conflicting values {later} and {earlier} (mismatched types {kinds} and {before})"
                ),
            );
            return false;
        };
        if both != before {
            let facts = &mut self.at_mut(id).facts;
            facts.kinds = both;
            facts.narrowed_by = Some(by);
        }
        true
    }

    fn set(&mut self, id: VertexId, scalar: Scalar) {
        if !self.narrow(id, scalar.kind(), Source::Text(scalar.to_string())) {
            return;
        }
        match &self.at(id).facts.scalar {
            Some(known) if !known.is(&scalar) => {
                let what = format!("conflicting values {scalar} and {known}");
                self.fail(id, what);
            }
            Some(_) => {}
            None => {
                let text = scalar.to_string();
                let facts = &mut self.at_mut(id).facts;
                facts.narrowed_by = Some(Source::Text(text));
                facts.scalar = Some(scalar);
            }
        }
    }

    /// The value, if it is known; a failure is the vertex's.
    fn known<T>(&mut self, id: VertexId, value: Result<T, Stop>) -> Result<Option<T>, Endless> {
        match value {
            Ok(value) => Ok(Some(value)),
            Err(Stop::Incomplete | Stop::FailedElsewhere) => Ok(None),
            Err(Stop::Failed(what)) => {
                self.fail(id, what);
                Ok(None)
            }
            Err(Stop::Endless(endless)) => Err(endless),
        }
    }

    fn fail(&mut self, id: VertexId, what: String) {
        let path = self.path(id);
        self.at_mut(id).facts.failures.push(Failure { path, what });
    }

    /// The value of a vertex, as a message quotes it.
    pub(super) fn text(&self, id: VertexId) -> String {
        let vertex = self.at(id);
        if let Some(scalar) = &vertex.facts.scalar {
            return scalar.to_string();
        }
        let document = vertex.conjuncts.iter().find(|part| matches!(part.term, Term::Json(_)));
        let part = document.or_else(|| vertex.conjuncts.first());
        part.map_or_else(|| "_".to_owned(), |part| part.term.text())
    }

    pub(super) fn path(&self, id: VertexId) -> String {
        let mut steps = Vec::new();
        let mut at = Some(id);
        while let Some(id) = at {
            let vertex = self.at(id);
            if vertex.key != Key::Root {
                steps.push(vertex.key.text());
            }
            at = vertex.parent;
        }
        steps.reverse();
        steps.join(".")
    }

    pub(super) fn is_document_only(&self, id: VertexId) -> bool {
        self.at(id).conjuncts.iter().all(|part| matches!(part.term, Term::Json(_)))
            && self.at(id).conjuncts.len() == 1
    }

    fn scope(&mut self, vertex: VertexId, up: Option<ScopeId>) -> ScopeId {
        self.scopes.push(Scope { vertex, up });
        self.scopes.len().saturating_sub(1)
    }

    pub(super) fn vertex(
        &mut self,
        key: Key<'a>,
        parent: Option<VertexId>,
        conjuncts: Vec<Conjunct<'a>>,
    ) -> Result<VertexId, Endless> {
        self.spend(1)?;
        Ok(self.push_vertex(key, parent, conjuncts))
    }

    fn push_vertex(
        &mut self,
        key: Key<'a>,
        parent: Option<VertexId>,
        conjuncts: Vec<Conjunct<'a>>,
    ) -> VertexId {
        self.vertices.push(Vertex {
            key,
            parent,
            conjuncts,
            is_copied: false,
            state: State::Untouched,
            facts: Facts::default(),
        });
        self.vertices.len().saturating_sub(1)
    }

    pub(super) fn at(&self, id: VertexId) -> &Vertex<'a> {
        self.vertices.get(id).expect("vertices are never removed")
    }

    fn at_mut(&mut self, id: VertexId) -> &mut Vertex<'a> {
        self.vertices.get_mut(id).expect("vertices are never removed")
    }

    pub(super) fn spend(&mut self, steps: u64) -> Result<(), Endless> {
        self.steps = self.steps.saturating_add(steps);
        if self.steps <= self.limits.cue_steps {
            return Ok(());
        }
        Err(Endless(format!("it takes more than {} steps", self.limits.cue_steps)))
    }

    pub(super) fn enter(&mut self, id: VertexId) -> Result<(), Endless> {
        self.depth = self.depth.saturating_add(1);
        if self.depth <= self.limits.cue_depth {
            return Ok(());
        }
        let most = self.limits.cue_depth;
        let path: String = self.path(id).chars().take(60).collect();
        Err(Endless(format!("`{path}` is more than {most} levels deep")))
    }

    pub(super) fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    fn cycle(&self, id: VertexId) -> Endless {
        Endless(format!("`{}` refers to itself", self.path(id)))
    }
}

impl<'a> ListConjunct<'a> {
    pub(super) fn is_closed(&self) -> bool {
        match self.source {
            ListSource::Document(_) => true,
            ListSource::Policy(list) => matches!(list.rest, Rest::Nothing),
        }
    }

    /// What it says of the item at a place.
    fn item(&self, at: usize) -> Option<Term<'a>> {
        match self.source {
            ListSource::Document(items) => items.get(at).map(Term::Json),
            ListSource::Policy(list) => {
                let rest = match &list.rest {
                    Rest::Each(node) => Some(&**node),
                    Rest::Nothing | Rest::Anything => None,
                };
                list.items.get(at).or(rest).map(Term::Node)
            }
        }
    }
}

/// The kinds that a bound leaves; `None` where there is no such bound.
fn bound_kinds(operator: Comparison, operand: &Scalar) -> Option<Kinds> {
    match (operator, operand) {
        (Comparison::Matches | Comparison::MatchesNot, Scalar::String(_)) => Some(Kinds::STRING),
        (Comparison::Matches | Comparison::MatchesNot, _) => None,
        (Comparison::NotEqual, Scalar::Null) => Some(Kinds::NOT_NULL),
        (_, Scalar::Number(_)) => Some(Kinds::NUMBER),
        (_, Scalar::String(_)) => Some(Kinds::STRING),
        (Comparison::NotEqual, Scalar::Bool(_)) => Some(Kinds::BOOL),
        (_, Scalar::Null | Scalar::Bool(_)) => None,
    }
}
