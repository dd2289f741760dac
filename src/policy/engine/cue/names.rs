//! *Names*: what each one in a policy refers to, found before anything is evaluated.
//!
//! A name means the field of the innermost struct around it that declares it; a package only where
//! no struct does. One that is declared nowhere is an error here, not a check that never runs.

use std::collections::{HashMap, HashSet};

use regex::RegexBuilder;

use super::builtin::{Builtin, LAYOUTS, Use};
use super::error::Flaw;
use super::parser::{Call, File};
use super::syntax::{
    Bound, Comparison, Declaration, Expression, List, Node, Reference, Rest, Struct,
};
use super::token::Position;
use super::value::Scalar;
use crate::limits::Limits;

/// A call of a builtin; there are no functions that a policy defines.
pub(super) fn call(call: Call, position: Position) -> Result<Expression, Flaw> {
    let name = call.callee.to_string();
    let Some(builtin) = Builtin::of_name(&name) else {
        return Err(Flaw::subset(position, format!("the function `{}`", name.escape_debug())));
    };
    let given = call.arguments.len();
    let wanted = builtin.arity();
    let complete = given == wanted && builtin.usage() != Use::Validator;
    let validates = given.checked_add(1) == Some(wanted) && builtin.usage() != Use::Function;
    if complete || validates {
        return Ok(Expression::Call(builtin, call.arguments));
    }
    let wanted = match builtin.usage() {
        Use::Function => wanted.to_string(),
        Use::Validator => wanted.saturating_sub(1).to_string(),
        Use::Either => format!("{} or {wanted}", wanted.saturating_sub(1)),
    };
    Err(Flaw::subset(position, format!("`{name}` with {given} arguments; it has {wanted}")))
}

/// Resolves every name of a file.
pub(super) fn resolve(file: &mut File, limits: &Limits) -> Result<(), Flaw> {
    let imported = file.imports.iter().map(|import| (import.package.clone(), false)).collect();
    let mut resolver = Resolver { scopes: Vec::new(), imported, limits };
    resolver.in_struct(&mut file.root)?;
    match file.imports.iter().find(|import| !resolver.is_used(&import.package)) {
        Some(import) => Err(Flaw::syntax(
            import.position,
            format!("imported and not used: \"{}\"", import.package),
        )),
        None => Ok(()),
    }
}

struct Resolver<'l> {
    /// The names each struct around declares, the innermost last.
    scopes: Vec<HashSet<String>>,
    /// The packages, and whether something of them was used.
    imported: HashMap<String, bool>,
    limits: &'l Limits,
}

impl Resolver<'_> {
    fn is_used(&self, package: &str) -> bool {
        self.imported.get(package).copied().unwrap_or_default()
    }

    fn in_struct(&mut self, literal: &mut Struct) -> Result<(), Flaw> {
        let declared = literal.declarations.iter().filter_map(|declaration| match declaration {
            Declaration::Field { label, .. } if !label.is_quoted => Some(label.name.clone()),
            _ => None,
        });
        self.scopes.push(declared.collect());
        for declaration in &mut literal.declarations {
            match declaration {
                Declaration::Field { value, .. } => self.in_node(value)?,
                Declaration::Guard { conditions, body } => {
                    conditions.iter_mut().try_for_each(|condition| self.in_node(condition))?;
                    self.in_struct(body)?;
                }
            }
        }
        self.scopes.pop();
        Ok(())
    }

    fn in_node(&mut self, node: &mut Node) -> Result<(), Flaw> {
        let position = node.position;
        match &mut node.expression {
            Expression::Scalar(_) | Expression::Type(_) => Ok(()),
            Expression::Struct(literal) => self.in_struct(literal),
            Expression::List(list) => self.in_list(list),
            Expression::And(parts) => parts.iter_mut().try_for_each(|part| self.in_node(part)),
            Expression::Or(alternatives) => alternatives
                .iter_mut()
                .try_for_each(|alternative| self.in_node(&mut alternative.value)),
            Expression::Bound(bound) => self.in_bound(bound, position),
            Expression::Unary(_, operand) => self.in_node(operand),
            Expression::Binary(_, sides) => {
                self.in_node(&mut sides.0)?;
                self.in_node(&mut sides.1)
            }
            Expression::Call(builtin, arguments) => {
                self.check_call(*builtin, position)?;
                arguments.iter_mut().try_for_each(|argument| self.in_node(argument))?;
                check_layout(*builtin, arguments)
            }
            Expression::Reference(reference) => {
                if let Some(constant) = self.in_reference(reference, position)? {
                    node.expression = constant;
                }
                Ok(())
            }
        }
    }

    fn in_list(&mut self, list: &mut List) -> Result<(), Flaw> {
        list.items.iter_mut().try_for_each(|item| self.in_node(item))?;
        match &mut list.rest {
            Rest::Each(node) => self.in_node(node),
            Rest::Nothing | Rest::Anything => Ok(()),
        }
    }

    fn in_bound(&mut self, bound: &mut Bound, position: Position) -> Result<(), Flaw> {
        self.in_node(&mut bound.operand)?;
        let is_regex = matches!(bound.operator, Comparison::Matches | Comparison::MatchesNot);
        if let (true, Expression::Scalar(Scalar::String(text))) =
            (is_regex, &bound.operand.expression)
        {
            let regex = RegexBuilder::new(text).size_limit(self.limits.regex_bytes).build();
            bound.regex = Some(regex.map_err(|_| {
                Flaw::subset(
                    position,
                    format!("the regular expression `{}` cannot be used", text.escape_debug()),
                )
            })?);
        }
        Ok(())
    }

    /// Sets how far out the name is declared; a member of a package is what it stands for.
    fn in_reference(
        &mut self,
        reference: &mut Reference,
        position: Position,
    ) -> Result<Option<Expression>, Flaw> {
        let declared = self.scopes.iter().rev().position(|names| names.contains(&reference.name));
        if let Some(up) = declared {
            reference.up = up;
            return Ok(None);
        }
        let name = reference.to_string();
        let Some(used) = self.imported.get_mut(&reference.name) else {
            return Err(Flaw::syntax(
                position,
                format!("reference \"{}\" not found", reference.name.escape_debug()),
            ));
        };
        *used = true;
        if let Some((_, layout)) = LAYOUTS.iter().find(|(known, _)| *known == name) {
            return Ok(Some(Expression::Scalar(Scalar::String((*layout).to_owned()))));
        }
        // A validator without arguments may leave out the parentheses.
        match Builtin::of_name(&name) {
            Some(builtin) if builtin.arity() == 1 && builtin.usage() != Use::Function => {
                Ok(Some(Expression::Call(builtin, Vec::new())))
            }
            _ => Err(Flaw::subset(position, format!("`{}`", name.escape_debug()))),
        }
    }

    fn check_call(&mut self, builtin: Builtin, position: Position) -> Result<(), Flaw> {
        let name = builtin.name();
        let head = name.split('.').next().unwrap_or(name);
        if self.scopes.iter().any(|names| names.contains(head)) {
            return Err(Flaw::subset(position, format!("a call of the field `{head}`")));
        }
        if head == name {
            return Ok(());
        }
        match self.imported.get_mut(head) {
            Some(used) => {
                *used = true;
                Ok(())
            }
            None => Err(Flaw::syntax(position, format!("reference \"{head}\" not found"))),
        }
    }
}

fn check_layout(builtin: Builtin, arguments: &[Node]) -> Result<(), Flaw> {
    if builtin != Builtin::TimeParse {
        return Ok(());
    }
    let Some(layout) = arguments.first() else { return Ok(()) };
    match &layout.expression {
        Expression::Scalar(Scalar::String(text))
            if LAYOUTS.iter().any(|(_, known)| known == text) =>
        {
            Ok(())
        }
        _ => Err(Flaw::subset(
            layout.position,
            "a layout of `time.Parse` other than `time.RFC3339`, `time.RFC3339Nano` and `time.RFC3339Date`",
        )),
    }
}
