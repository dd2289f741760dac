//! The *syntax* of the CUE subset: expressions as a tree, names resolved to the scope they mean.

use std::fmt;

use regex::Regex;

use super::builtin::Builtin;
use super::token::Position;
use super::value::{Kinds, Scalar, quoted};

/// An expression and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) position: Position,
    pub(super) expression: Expression,
}

#[derive(Clone, Debug)]
pub(super) enum Expression {
    /// `{a: 1, b?: int, if c {...}}`
    Struct(Struct),
    /// `[1, 2]`, `[...]`, `[1, ...int]`
    List(List),
    /// `1`, `"x"`, `true`, `null`
    Scalar(Scalar),
    /// `int`, `string`, `_`
    Type(Kinds),
    /// `before`, `#Scan`, `predicate.scanner`
    Reference(Reference),
    /// `a & b & c`
    And(Vec<Node>),
    /// `a | b | *c`
    Or(Vec<Alternative>),
    /// `<5`, `=~"^v"`
    Bound(Box<Bound>),
    /// `!a`, `-a`, `+a`
    Unary(UnaryOperator, Box<Node>),
    /// `a == b`, `a + b`, `a && b`
    Binary(BinaryOperator, Box<(Node, Node)>),
    /// `len(a)`, `list.MinItems(2)`
    Call(Builtin, Vec<Node>),
}

#[derive(Clone, Debug, Default)]
pub(super) struct Struct {
    pub(super) declarations: Vec<Declaration>,
    /// Whether `...` stands in it.
    pub(super) open: bool,
}

#[derive(Clone, Debug)]
pub(super) enum Declaration {
    /// `a: b`, `a?: b`
    Field { label: Label, optional: bool, value: Node },
    /// `if a {...}`
    Guard { conditions: Vec<Node>, body: Struct },
}

/// The name of a field.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Label {
    pub(super) name: String,
    /// `#A`, which no document has.
    pub(super) is_definition: bool,
    /// Whether it is quoted; then no name refers to it.
    pub(super) is_quoted: bool,
}

#[derive(Clone, Debug)]
pub(super) struct List {
    pub(super) items: Vec<Node>,
    pub(super) rest: Rest,
}

/// What may follow the items of a list.
#[derive(Clone, Debug)]
pub(super) enum Rest {
    Nothing,
    Anything,
    Each(Box<Node>),
}

/// `a.b.c`: `a` is declared `up` scopes further out.
#[derive(Clone, Debug)]
pub(super) struct Reference {
    pub(super) name: String,
    pub(super) path: Vec<String>,
    pub(super) up: usize,
}

#[derive(Clone, Debug)]
pub(super) struct Alternative {
    /// Marked with `*`.
    pub(super) is_default: bool,
    pub(super) value: Node,
}

#[derive(Clone, Debug)]
pub(super) struct Bound {
    pub(super) operator: Comparison,
    pub(super) operand: Node,
    /// The operand, compiled, where it is a regular expression written out.
    pub(super) regex: Option<Regex>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    NotEqual,
    Equal,
    Matches,
    MatchesNot,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UnaryOperator {
    Not,
    Minus,
    Plus,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BinaryOperator {
    Compare(Comparison),
    And,
    Or,
    Add,
    Subtract,
    Multiply,
}

impl Comparison {
    pub(super) fn mark(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::NotEqual => "!=",
            Self::Equal => "==",
            Self::Matches => "=~",
            Self::MatchesNot => "!~",
        }
    }

    pub(super) fn of_mark(mark: &str) -> Option<Self> {
        const ALL: [Comparison; 8] = [
            Comparison::Less,
            Comparison::LessOrEqual,
            Comparison::Greater,
            Comparison::GreaterOrEqual,
            Comparison::NotEqual,
            Comparison::Equal,
            Comparison::Matches,
            Comparison::MatchesNot,
        ];
        ALL.into_iter().find(|comparison| comparison.mark() == mark)
    }
}

impl BinaryOperator {
    pub(super) fn mark(self) -> &'static str {
        match self {
            Self::Compare(comparison) => comparison.mark(),
            Self::And => "&&",
            Self::Or => "||",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
        }
    }
}

impl UnaryOperator {
    pub(super) fn mark(self) -> &'static str {
        match self {
            Self::Not => "!",
            Self::Minus => "-",
            Self::Plus => "+",
        }
    }
}

/// As messages quote it: on one line, without spaces inside braces.
impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.expression {
            Expression::Struct(literal) => write!(f, "{literal}"),
            Expression::List(list) => write!(f, "{list}"),
            Expression::Scalar(scalar) => write!(f, "{scalar}"),
            Expression::Type(kinds) => write!(f, "{kinds}"),
            Expression::Reference(reference) => write!(f, "{reference}"),
            Expression::And(parts) => join(f, parts, " & "),
            Expression::Or(alternatives) => {
                for (at, alternative) in alternatives.iter().enumerate() {
                    let before = if at == 0 { "" } else { " | " };
                    let star = if alternative.is_default { "*" } else { "" };
                    write!(f, "{before}{star}{}", alternative.value)?;
                }
                Ok(())
            }
            Expression::Bound(bound) => write!(f, "{}{}", bound.operator.mark(), bound.operand),
            Expression::Unary(operator, operand) => write!(f, "{}{operand}", operator.mark()),
            Expression::Binary(operator, sides) => {
                write!(f, "{} {} {}", sides.0, operator.mark(), sides.1)
            }
            Expression::Call(builtin, arguments) => {
                write!(f, "{}", builtin.name())?;
                if arguments.is_empty() {
                    return Ok(());
                }
                f.write_str("(")?;
                join(f, arguments, ",")?;
                f.write_str(")")
            }
        }
    }
}

fn join(f: &mut fmt::Formatter<'_>, nodes: &[Node], between: &str) -> fmt::Result {
    for (at, node) in nodes.iter().enumerate() {
        if at > 0 {
            f.write_str(between)?;
        }
        write!(f, "{node}")?;
    }
    Ok(())
}

impl fmt::Display for Struct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (at, declaration) in self.declarations.iter().enumerate() {
            if at > 0 {
                f.write_str(",")?;
            }
            match declaration {
                Declaration::Field { label, optional, value } => {
                    write!(f, "{label}{}:{value}", if *optional { "?" } else { "" })?;
                }
                Declaration::Guard { conditions, body } => {
                    for condition in conditions {
                        write!(f, "if {condition} ")?;
                    }
                    write!(f, "{body}")?;
                }
            }
        }
        if self.open {
            f.write_str(if self.declarations.is_empty() { "..." } else { ",..." })?;
        }
        f.write_str("}")
    }
}

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        join(f, &self.items, ",")?;
        let comma = if self.items.is_empty() { "" } else { "," };
        match &self.rest {
            Rest::Nothing => {}
            Rest::Anything => write!(f, "{comma}...")?,
            Rest::Each(node) => write!(f, "{comma}...{node}")?,
        }
        f.write_str("]")
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name)?;
        self.path.iter().try_for_each(|step| write!(f, ".{step}"))
    }
}

/// Quoted where it has to be.
impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_definition {
            f.write_str(&self.name)
        } else {
            f.write_str(&label_text(&self.name))
        }
    }
}

/// The name of a regular field in a path: quoted unless it is an identifier.
pub(super) fn label_text(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '$')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '$'));
    if plain { name.to_owned() } else { quoted(name) }
}
