//! *Evaluation* of an expression to a value: what bounds, guards and calls are given.

use std::collections::HashSet;

use regex::{Regex, RegexBuilder};

use super::builtin::{Builtin, parse_time};
use super::syntax::{BinaryOperator, Comparison, Expression, Node, UnaryOperator};
use super::unify::{Stop, Unifier, Value};
use super::value::{Kinds, Scalar, canonical};
use super::vertex::{Check, Conjunct, Key, ListConjunct, ScopeId, Term, VertexId};
use crate::policy::engine::number::Number;

impl<'a> Unifier<'a> {
    /// The value of an expression that has to be a scalar.
    pub(super) fn scalar(&mut self, node: &'a Node, scope: ScopeId) -> Result<Scalar, Stop> {
        match self.value(node, scope)? {
            Value::Scalar(scalar) => Ok(scalar),
            Value::Compound(id) => {
                let text = self.text(id);
                Err(Stop::Failed(format!("cannot use {text} where a scalar is needed")))
            }
        }
    }

    fn value(&mut self, node: &'a Node, scope: ScopeId) -> Result<Value, Stop> {
        self.spend(1)?;
        match &node.expression {
            Expression::Scalar(scalar) => Ok(Value::Scalar(scalar.clone())),
            Expression::Reference(reference) => {
                let target = self.find(reference, scope)?;
                self.gather(target)?;
                self.concrete(target)
            }
            Expression::Unary(operator, operand) => {
                let operand = self.scalar(operand, scope)?;
                unary(*operator, &operand).map(Value::Scalar).map_err(Stop::Failed)
            }
            Expression::Binary(operator, sides) => {
                self.binary(*operator, &sides.0, &sides.1, scope).map(Value::Scalar)
            }
            Expression::Call(builtin, arguments) if arguments.len() == builtin.arity() => {
                self.call(*builtin, arguments, scope).map(Value::Scalar)
            }
            _ => self.anonymous(node, scope),
        }
    }

    /// The value of what would stand in a field of its own.
    fn anonymous(&mut self, node: &'a Node, scope: ScopeId) -> Result<Value, Stop> {
        let conjunct = Conjunct { term: Term::Node(node), scope, within: [].into() };
        let id = self.vertex(Key::Root, None, vec![conjunct])?;
        let mut failures = Vec::new();
        self.settle(id, &mut failures)?;
        match failures.into_iter().next() {
            Some(failure) => Err(Stop::Failed(failure.what)),
            None => self.concrete(id),
        }
    }

    fn concrete(&mut self, id: VertexId) -> Result<Value, Stop> {
        let id = self.decided(id).ok_or(Stop::Incomplete)?;
        let facts = &self.at(id).facts;
        if !facts.failures.is_empty() {
            return Err(Stop::FailedElsewhere);
        }
        match &facts.scalar {
            Some(scalar) => Ok(Value::Scalar(scalar.clone())),
            None if facts.is_struct || !facts.lists.is_empty() => Ok(Value::Compound(id)),
            None => Err(Stop::Incomplete),
        }
    }

    fn binary(
        &mut self,
        operator: BinaryOperator,
        left: &'a Node,
        right: &'a Node,
        scope: ScopeId,
    ) -> Result<Scalar, Stop> {
        if let BinaryOperator::Compare(comparison) = operator {
            let left = self.value(left, scope)?;
            let right = self.value(right, scope)?;
            return match (left, right) {
                (Value::Scalar(left), Value::Scalar(right)) => {
                    self.compare(&left, comparison, &right).map(Scalar::Bool).map_err(Stop::Failed)
                }
                // A struct or list is not null, and nothing else is asked of it.
                (Value::Compound(_), Value::Scalar(Scalar::Null))
                | (Value::Scalar(Scalar::Null), Value::Compound(_))
                    if matches!(comparison, Comparison::Equal | Comparison::NotEqual) =>
                {
                    Ok(Scalar::Bool(comparison == Comparison::NotEqual))
                }
                _ => Err(Stop::Failed(format!(
                    "structs and lists are not compared by '{}'",
                    comparison.mark()
                ))),
            };
        }
        let left = self.scalar(left, scope)?;
        match (operator, &left) {
            (BinaryOperator::And, Scalar::Bool(false)) => return Ok(Scalar::Bool(false)),
            (BinaryOperator::Or, Scalar::Bool(true)) => return Ok(Scalar::Bool(true)),
            _ => {}
        }
        let right = self.scalar(right, scope)?;
        let result = match (operator, &left, &right) {
            (BinaryOperator::And | BinaryOperator::Or, Scalar::Bool(_), Scalar::Bool(right)) => {
                Some(Scalar::Bool(*right))
            }
            (BinaryOperator::Add, Scalar::String(left), Scalar::String(right)) => {
                let length = left.len().saturating_add(right.len());
                self.spend(u64::try_from(length).unwrap_or(u64::MAX))?;
                Some(Scalar::String(format!("{left}{right}")))
            }
            (_, Scalar::Number(left), Scalar::Number(right)) => {
                arithmetic(operator, left, right)?.map(Scalar::Number)
            }
            _ => None,
        };
        result.ok_or_else(|| Stop::Failed(mismatch(&left, operator.mark(), &right)))
    }

    /// Whether `left OPERATOR right` holds.
    pub(super) fn compare(
        &self,
        left: &Scalar,
        operator: Comparison,
        right: &Scalar,
    ) -> Result<bool, String> {
        match (operator, right) {
            (Comparison::Matches | Comparison::MatchesNot, Scalar::String(pattern)) => {
                matches_regex(left, operator, &self.regex(pattern)?)
            }
            _ => left.holds(operator, right).ok_or_else(|| mismatch(left, operator.mark(), right)),
        }
    }

    fn regex(&self, pattern: &str) -> Result<Regex, String> {
        RegexBuilder::new(pattern)
            .size_limit(self.limits.regex_bytes)
            .build()
            .map_err(|_| format!("cannot use {} as a regular expression", text(pattern)))
    }

    fn call(
        &mut self,
        builtin: Builtin,
        arguments: &'a [Node],
        scope: ScopeId,
    ) -> Result<Scalar, Stop> {
        let Some((first, rest)) = arguments.split_first() else { return Err(Stop::Incomplete) };
        let value = self.value(first, scope)?;
        let name = builtin.name();
        match (builtin, &value) {
            (Builtin::Len, _) => {
                self.length(&value).map(|count| Scalar::Number(Number::of_count(count)))
            }
            (Builtin::TimeParse, Value::Scalar(Scalar::String(layout))) => {
                let time = self.string(rest, scope, name)?;
                parse_time(layout, &time).map(Scalar::String).ok_or_else(|| {
                    Stop::Failed(format!(
                        "error in call to {name}: {} is no such time",
                        text(&time)
                    ))
                })
            }
            (Builtin::RegexpMatch, Value::Scalar(Scalar::String(pattern))) => {
                let subject = Scalar::String(self.string(rest, scope, name)?);
                let regex = self.regex(pattern).map_err(Stop::Failed)?;
                matches_regex(&subject, Comparison::Matches, &regex)
                    .map(Scalar::Bool)
                    .map_err(Stop::Failed)
            }
            (Builtin::StringsToLower, Value::Scalar(Scalar::String(text))) if text.is_ascii() => {
                Ok(Scalar::String(text.to_ascii_lowercase()))
            }
            (Builtin::StringsToUpper, Value::Scalar(Scalar::String(text))) if text.is_ascii() => {
                Ok(Scalar::String(text.to_ascii_uppercase()))
            }
            (Builtin::StringsTrimSpace, Value::Scalar(Scalar::String(text))) => {
                Ok(Scalar::String(text.trim().to_owned()))
            }
            _ => {
                let Some(check) = self.check_if_any(builtin, rest, scope)? else {
                    return Err(Stop::Failed(cannot_use(&self.shown(&value), name)));
                };
                let verdict = match &value {
                    Value::Compound(id) => self.verdict(*id, &check)?,
                    Value::Scalar(scalar) => verdict_on(scalar, &check),
                };
                match (verdict, &check) {
                    (Verdict::Holds, _) => Ok(Scalar::Bool(true)),
                    // What a list does not hold yet it does not contain.
                    (Verdict::Refused(_), _) | (Verdict::Undecided, Check::Contains(_)) => {
                        Ok(Scalar::Bool(false))
                    }
                    (Verdict::Undecided, _) => Err(Stop::Incomplete),
                    (Verdict::NotApplicable, _) => {
                        Err(Stop::Failed(cannot_use(&self.shown(&value), name)))
                    }
                }
            }
        }
    }

    fn shown(&self, value: &Value) -> String {
        match value {
            Value::Scalar(scalar) => scalar.to_string(),
            Value::Compound(id) => self.text(*id),
        }
    }

    fn length(&self, value: &Value) -> Result<usize, Stop> {
        match value {
            Value::Scalar(Scalar::String(text)) => Ok(text.len()),
            Value::Scalar(scalar) => Err(Stop::Failed(cannot_use(&scalar.to_string(), "len"))),
            Value::Compound(id) => Ok(self.count(*id)),
        }
    }

    /// How many fields or items there are.
    fn count(&self, id: VertexId) -> usize {
        let fields = self.at(id).facts.fields.iter();
        fields.filter(|(key, _)| !matches!(key, Key::Definition(_))).count()
    }

    fn string(&mut self, rest: &'a [Node], scope: ScopeId, name: &str) -> Result<String, Stop> {
        let Some(node) = rest.first() else { return Err(Stop::Incomplete) };
        match self.scalar(node, scope)? {
            Scalar::String(text) => Ok(text),
            other => Err(Stop::Failed(cannot_use(&other.to_string(), name))),
        }
    }

    /// The validator that a call with all arguments but the first is.
    pub(super) fn check_of(
        &mut self,
        builtin: Builtin,
        arguments: &'a [Node],
        scope: ScopeId,
    ) -> Result<Check, Stop> {
        self.check_if_any(builtin, arguments, scope)?
            .ok_or_else(|| Stop::Failed(format!("{} is no validator", builtin.name())))
    }

    fn check_if_any(
        &mut self,
        builtin: Builtin,
        arguments: &'a [Node],
        scope: ScopeId,
    ) -> Result<Option<Check>, Stop> {
        let simple = match builtin {
            Builtin::ListUniqueItems => Some(Check::UniqueItems),
            Builtin::TimeTime => Some(Check::Time),
            _ => None,
        };
        if simple.is_some() {
            return Ok(simple);
        }
        let Some(argument) = arguments.first() else { return Ok(None) };
        let argument = self.scalar(argument, scope)?;
        let wrong = || Stop::Failed(cannot_use(&argument.to_string(), builtin.name()));
        let count = || match &argument {
            Scalar::Number(number) if number.is_integer() => number.as_count().ok_or_else(wrong),
            _ => Err(wrong()),
        };
        let string = || match &argument {
            Scalar::String(text) => Ok(text.clone()),
            _ => Err(wrong()),
        };
        Ok(Some(match builtin {
            Builtin::StructMinFields => Check::MinFields(count()?),
            Builtin::StructMaxFields => Check::MaxFields(count()?),
            Builtin::ListMinItems => Check::MinItems(count()?),
            Builtin::ListMaxItems => Check::MaxItems(count()?),
            Builtin::ListContains => Check::Contains(argument.clone()),
            Builtin::StringsMinRunes => Check::MinRunes(count()?),
            Builtin::StringsMaxRunes => Check::MaxRunes(count()?),
            Builtin::StringsContains => Check::HasText(string()?),
            Builtin::StringsHasPrefix => Check::HasPrefix(string()?),
            Builtin::StringsHasSuffix => Check::HasSuffix(string()?),
            _ => return Ok(None),
        }))
    }

    /// Whether a vertex satisfies a validator.
    pub(super) fn verdict(&mut self, id: VertexId, check: &Check) -> Result<Verdict, Stop> {
        let facts = &self.at(id).facts;
        if let Some(scalar) = &facts.scalar {
            return Ok(verdict_on(scalar, check));
        }
        let (is_struct, is_list) = (facts.is_struct, !facts.lists.is_empty());
        let is_applicable = match check.kinds() {
            Kinds::STRUCT => is_struct,
            Kinds::LIST => is_list,
            _ => false,
        };
        if !is_applicable {
            let is_known = is_struct || is_list;
            return Ok(if is_known { Verdict::NotApplicable } else { Verdict::Undecided });
        }
        // Off-spec: CUE takes an open struct that is too small for incomplete. The document's own is
        // all there will ever be, so here it is refused.
        let is_final = if is_struct {
            facts.is_input || facts.closings.values().any(|closing| !closing.is_open)
        } else {
            facts.lists.iter().any(ListConjunct::is_closed)
        };
        let count = self.count(id);
        let (holds, why) = match check {
            Check::MinFields(n) => {
                (count >= *n, format!("len(fields) < MinFields({n}) ({count} < {n})"))
            }
            Check::MaxFields(n) => {
                (count <= *n, format!("len(fields) > MaxFields({n}) ({count} > {n})"))
            }
            Check::MinItems(n) => {
                (count >= *n, format!("len(list) < MinItems({n}) ({count} < {n})"))
            }
            Check::MaxItems(n) => {
                (count <= *n, format!("len(list) > MaxItems({n}) ({count} > {n})"))
            }
            Check::Contains(wanted) => (self.contains(id, wanted)?, String::new()),
            _ => (self.is_unique(id)?, String::new()),
        };
        let may_grow =
            matches!(check, Check::MinFields(_) | Check::MinItems(_) | Check::Contains(_));
        Ok(match holds {
            true => Verdict::Holds,
            false if may_grow && !is_final => Verdict::Undecided,
            false => Verdict::Refused(why),
        })
    }

    fn items(&self, id: VertexId) -> Vec<VertexId> {
        let fields = self.at(id).facts.fields.iter();
        fields.filter(|(key, _)| matches!(key, Key::Item(_))).map(|(_, item)| *item).collect()
    }

    fn contains(&mut self, id: VertexId, wanted: &Scalar) -> Result<bool, Stop> {
        for item in self.items(id) {
            self.gather(item)?;
            match self.concrete(item) {
                Ok(Value::Scalar(found)) if found.is(wanted) => return Ok(true),
                Err(stop @ Stop::Endless(_)) => return Err(stop),
                // An item of another value, or of none yet, is not the one.
                _ => {}
            }
        }
        Ok(false)
    }

    fn is_unique(&mut self, id: VertexId) -> Result<bool, Stop> {
        let mut seen = HashSet::new();
        for item in self.items(id) {
            let Some(text) = self.item_text(item)? else { continue };
            self.spend(u64::try_from(text.len()).unwrap_or(u64::MAX))?;
            if !seen.insert(text) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The same text for the same item; none where it is not known yet.
    fn item_text(&mut self, item: VertexId) -> Result<Option<String>, Stop> {
        if let [Conjunct { term: Term::Json(json), .. }] = self.at(item).conjuncts.as_slice() {
            return Ok(Some(canonical(json)));
        }
        self.gather(item)?;
        match self.concrete(item) {
            Ok(Value::Scalar(scalar)) => Ok(Some(scalar_key(&scalar))),
            Ok(Value::Compound(_)) => Err(Stop::Failed(
                "list.UniqueItems is evaluated for scalars and for what only the document says"
                    .to_owned(),
            )),
            Err(Stop::Incomplete) => Ok(None),
            Err(stop) => Err(stop),
        }
    }
}

/// What a validator says of a value.
pub(super) enum Verdict {
    Holds,
    /// With the reason, where the validator gives one.
    Refused(String),
    /// More has to be known.
    Undecided,
    /// It is no validator for such a value.
    NotApplicable,
}

fn verdict_on(scalar: &Scalar, check: &Check) -> Verdict {
    let Scalar::String(subject) = scalar else { return Verdict::NotApplicable };
    let runes = || subject.chars().count();
    let (holds, why) = match check {
        Check::MinRunes(least) => (runes() >= *least, String::new()),
        Check::MaxRunes(most) => (runes() <= *most, String::new()),
        Check::HasText(part) => (subject.contains(part.as_str()), String::new()),
        Check::HasPrefix(part) => (subject.starts_with(part.as_str()), String::new()),
        Check::HasSuffix(part) => (subject.ends_with(part.as_str()), String::new()),
        Check::Time => (
            parse_time("2006-01-02T15:04:05Z07:00", subject).is_some(),
            format!("error in call to time.Time: invalid time {scalar}"),
        ),
        _ => return Verdict::NotApplicable,
    };
    if holds { Verdict::Holds } else { Verdict::Refused(why) }
}

/// Whether a text matches, or does not where that is asked. Classes such as `\d` are Unicode's here
/// and ASCII's in CUE; on ASCII they agree, so another text is not judged.
pub(super) fn matches_regex(
    subject: &Scalar,
    operator: Comparison,
    regex: &Regex,
) -> Result<bool, String> {
    let Scalar::String(subject) = subject else {
        return Err(mismatch(subject, operator.mark(), &Scalar::String(regex.as_str().to_owned())));
    };
    if !subject.is_ascii() {
        return Err(format!("cannot match {}, which is not ASCII", text(subject)));
    }
    Ok(regex.is_match(subject) == (operator == Comparison::Matches))
}

fn unary(operator: UnaryOperator, operand: &Scalar) -> Result<Scalar, String> {
    match (operator, operand) {
        (UnaryOperator::Not, Scalar::Bool(value)) => Ok(Scalar::Bool(!value)),
        (UnaryOperator::Plus, Scalar::Number(number)) => Ok(Scalar::Number(number.clone())),
        (UnaryOperator::Minus, Scalar::Number(number)) => Ok(Scalar::Number(number.negated())),
        _ => Err(format!(
            "invalid operation {}{operand} ({} {})",
            operator.mark(),
            operator.mark(),
            operand.kind()
        )),
    }
}

/// The result of a calculation; `None` for an operator that is no calculation.
fn arithmetic(
    operator: BinaryOperator,
    left: &Number,
    right: &Number,
) -> Result<Option<Number>, Stop> {
    let result = match operator {
        BinaryOperator::Add => left.plus(right),
        BinaryOperator::Subtract => left.minus(right),
        BinaryOperator::Multiply => left.times(right),
        BinaryOperator::And | BinaryOperator::Or | BinaryOperator::Compare(_) => return Ok(None),
    };
    let mark = operator.mark();
    result
        .map(Some)
        .ok_or_else(|| Stop::Failed(format!("{left} {mark} {right} cannot be calculated exactly")))
}

fn mismatch(left: &Scalar, mark: &str, right: &Scalar) -> String {
    format!(
        "invalid operands {left} and {right} to '{mark}' (type {} and {})",
        left.kind(),
        right.kind()
    )
}

fn cannot_use(value: &str, name: &str) -> String {
    format!("cannot use {value} in call to {name}")
}

fn text(subject: &str) -> String {
    Scalar::String(subject.to_owned()).to_string()
}

/// A scalar as [`canonical`] writes it.
fn scalar_key(scalar: &Scalar) -> String {
    match scalar {
        Scalar::String(text) => format!("{text:?}"),
        other => other.to_string(),
    }
}
