//! The *grammar* of the CUE subset.
//!
//! ```text
//! file        = [ "package" name "," ] { "import" imports "," } { declaration "," }
//! declaration = label { label } ":" expression | "if" expression { "if" expression } struct | "..."
//! label       = ( name | string ) [ "?" ] ":"
//! expression  = and { "|" and }                  and with "*" before it is the default
//! and         = or { "&" or }
//! or          = all { "||" all }                 all = comparison { "&&" comparison }
//! comparison  = sum { ( "==" | "<" | "=~" ... ) sum }
//! sum         = product { ( "+" | "-" ) product } product = unary { "*" unary }
//! unary       = ( "<" | "=~" | "!" | "-" ... ) unary | operand { "." label } [ "(" arguments ")" ]
//! ```

use super::builtin::PACKAGES;
use super::error::Flaw;
use super::syntax::{
    Alternative, BinaryOperator, Bound, Comparison, Declaration, Expression, Label, List, Node,
    Reference, Rest, Struct, UnaryOperator,
};
use super::token::{Position, Token, TokenKind, tokens};
use super::value::{Kinds, Scalar};
use crate::limits::Limits;

/// A policy as it is written, names not yet resolved.
pub(super) struct File {
    pub(super) imports: Vec<Import>,
    pub(super) root: Struct,
}

pub(super) struct Import {
    pub(super) package: String,
    pub(super) position: Position,
}

/// What a call or a member of a package is until names are resolved.
pub(super) struct Call {
    pub(super) callee: Reference,
    pub(super) arguments: Vec<Node>,
}

pub(super) fn parse(text: &str, limits: &Limits) -> Result<File, Flaw> {
    let tokens = tokens(text)?;
    let mut parser = Parser { tokens, at: 0, depth: 0, most: limits.cue_nesting };
    let file = parser.file()?;
    Ok(file)
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    most: usize,
}

type Parsed<T> = Result<T, Flaw>;

impl Parser {
    fn file(&mut self) -> Parsed<File> {
        if self.is_keyword("package") {
            self.step();
            self.name()?;
            self.end_of_clause()?;
        }
        let mut imports = Vec::new();
        while self.is_keyword("import") {
            self.step();
            if self.accept("(") {
                while !self.accept(")") {
                    imports.push(self.import()?);
                    self.end_of_clause()?;
                }
            } else {
                imports.push(self.import()?);
            }
            self.end_of_clause()?;
        }
        let mut root = Struct::default();
        while *self.peek() != TokenKind::End {
            self.declaration(&mut root)?;
            self.end_of_clause()?;
        }
        Ok(File { imports, root })
    }

    fn import(&mut self) -> Parsed<Import> {
        let position = self.position();
        match self.step() {
            TokenKind::String(package) if PACKAGES.contains(&package.as_str()) => {
                Ok(Import { package, position })
            }
            TokenKind::String(package) => Err(Flaw::subset(
                position,
                format!(
                    "the package `{}`; there are {}",
                    package.escape_debug(),
                    PACKAGES.join(", ")
                ),
            )),
            TokenKind::Name(_) => Err(Flaw::subset(position, "an import under another name")),
            other => Err(self.unexpected(position, &other)),
        }
    }

    /// What stands between braces, the opening one read.
    fn body(&mut self) -> Parsed<Struct> {
        let mut body = Struct::default();
        while !self.accept("}") {
            self.declaration(&mut body)?;
            if !self.is_mark("}") {
                self.end_of_clause()?;
            }
        }
        Ok(body)
    }

    fn declaration(&mut self, into: &mut Struct) -> Parsed<()> {
        let position = self.position();
        if self.accept("...") {
            if !matches!(self.peek(), TokenKind::Comma | TokenKind::End) && !self.is_mark("}") {
                return Err(Flaw::subset(position, "a struct whose `...` has a type"));
            }
            into.open = true;
            return Ok(());
        }
        let declaration = match self.peek().clone() {
            TokenKind::Name(_) | TokenKind::String(_) if self.is_label() => self.field()?,
            TokenKind::Name(name) if name == "if" => self.guard()?,
            TokenKind::Name(name) if name == "for" => {
                return Err(Flaw::subset(position, "a comprehension with `for`"));
            }
            TokenKind::Name(name) if name == "let" => return Err(Flaw::subset(position, "`let`")),
            TokenKind::Name(_) | TokenKind::String(_) if self.is_followed_by("=") => {
                return Err(Flaw::subset(position, "an alias, `x=`"));
            }
            TokenKind::Name(_) | TokenKind::String(_) if self.is_followed_by("!") => {
                return Err(Flaw::subset(position, "a required field, `a!:`"));
            }
            TokenKind::Mark("[") => {
                return Err(Flaw::subset(
                    position,
                    "a pattern for fields, `[...]:`, or an embedded list",
                ));
            }
            TokenKind::Mark("(") => {
                return Err(Flaw::subset(
                    position,
                    "a computed field, `(...):`, or an embedded value",
                ));
            }
            TokenKind::Mark("@") => return Err(Flaw::subset(position, "an attribute, `@...`")),
            TokenKind::Name(_)
            | TokenKind::String(_)
            | TokenKind::Number(_)
            | TokenKind::Mark("{" | "*" | "<" | ">" | "<=" | ">=" | "!=" | "=~" | "!~") => {
                return Err(Flaw::subset(
                    position,
                    "a value embedded in a struct; fields are `name: value`",
                ));
            }
            other => return Err(self.unexpected(position, &other)),
        };
        into.declarations.push(declaration);
        Ok(())
    }

    /// Whether the name or string here is the label of a field.
    fn is_label(&self) -> bool {
        self.is_followed_by(":")
            || self.is_followed_by("?")
                && self
                    .tokens
                    .get(self.at.saturating_add(2))
                    .is_some_and(|t| t.kind == TokenKind::Mark(":"))
    }

    fn field(&mut self) -> Parsed<Declaration> {
        let label = self.label()?;
        let mark = self.position();
        let optional = self.accept("?");
        if optional && label.is_definition {
            return Err(Flaw::subset(mark, "an optional definition, `#A?:`"));
        }
        self.expect(":")?;
        let position = self.position();
        let value = self.nested(|parser| {
            let another = matches!(parser.peek(), TokenKind::Name(_) | TokenKind::String(_))
                && parser.is_label();
            if !another {
                return parser.expression();
            }
            // `a: b: 1` is short for `a: {b: 1}`.
            let declarations = vec![parser.field()?];
            Ok(Node {
                position,
                expression: Expression::Struct(Struct { declarations, open: false }),
            })
        })?;
        if self.is_mark("@") {
            return Err(Flaw::subset(self.position(), "an attribute, `@...`"));
        }
        Ok(Declaration::Field { label, optional, value })
    }

    fn label(&mut self) -> Parsed<Label> {
        let position = self.position();
        match self.step() {
            TokenKind::String(name) => Ok(Label { name, is_definition: false, is_quoted: true }),
            TokenKind::Name(name) if name.starts_with('_') => Err(Flaw::subset(
                position,
                format!(
                    "the hidden field `{name}`, which no document has; a field of that name is `\"{name}\"`"
                ),
            )),
            TokenKind::Name(name) => {
                Ok(Label { is_definition: name.starts_with('#'), name, is_quoted: false })
            }
            other => Err(self.unexpected(position, &other)),
        }
    }

    fn guard(&mut self) -> Parsed<Declaration> {
        let mut conditions = Vec::new();
        while self.is_keyword("if") {
            self.step();
            conditions.push(self.expression()?);
            // A clause may end its line.
            if *self.peek() == TokenKind::Comma && self.is_next_keyword("if") {
                self.step();
            }
        }
        let position = self.position();
        if self.is_keyword("for") || self.is_keyword("let") {
            return Err(Flaw::subset(position, "a comprehension with `for` or `let`"));
        }
        self.expect("{")?;
        let body = self.nested(Self::body)?;
        Ok(Declaration::Guard { conditions, body })
    }

    fn expression(&mut self) -> Parsed<Node> {
        self.nested(|parser| {
            let position = parser.position();
            let mut alternatives = vec![parser.alternative()?];
            while parser.accept("|") {
                alternatives.push(parser.alternative()?);
            }
            match alternatives.pop() {
                Some(only) if alternatives.is_empty() => {
                    if only.is_default {
                        return Err(Flaw::syntax(
                            position,
                            "a default, `*`, without another alternative".to_owned(),
                        ));
                    }
                    Ok(only.value)
                }
                last => {
                    alternatives.extend(last);
                    Ok(Node { position, expression: Expression::Or(alternatives) })
                }
            }
        })
    }

    fn alternative(&mut self) -> Parsed<Alternative> {
        let is_default = self.accept("*");
        let position = self.position();
        let mut parts = vec![self.operation(0)?];
        while self.accept("&") {
            if self.is_mark("*") {
                return Err(Flaw::syntax(
                    self.position(),
                    "a default, `*`, without another alternative".to_owned(),
                ));
            }
            parts.push(self.operation(0)?);
        }
        let value = match parts.pop() {
            Some(only) if parts.is_empty() => only,
            last => {
                parts.extend(last);
                Node { position, expression: Expression::And(parts) }
            }
        };
        Ok(Alternative { is_default, value })
    }

    /// Operators of two sides, those that bind loosest first.
    fn operation(&mut self, level: usize) -> Parsed<Node> {
        let Some(operators) = LEVELS.get(level) else { return self.unary() };
        let position = self.position();
        let next = level.saturating_add(1);
        let mut left = self.operation(next)?;
        let mut length = 0_usize;
        while let TokenKind::Mark(mark) = *self.peek() {
            if mark == "/" {
                return Err(Flaw::subset(self.position(), "division, `/`"));
            }
            let Some((_, operator)) = operators.iter().find(|(known, _)| *known == mark) else {
                break;
            };
            self.step();
            length = length.saturating_add(1);
            if length > self.most {
                return Err(self.too_deep());
            }
            let right = self.operation(next)?;
            let expression = Expression::Binary(*operator, Box::new((left, right)));
            left = Node { position, expression };
        }
        Ok(left)
    }

    fn unary(&mut self) -> Parsed<Node> {
        let position = self.position();
        if let TokenKind::Mark(mark) = *self.peek() {
            let bound =
                Comparison::of_mark(mark).filter(|comparison| *comparison != Comparison::Equal);
            if let Some(operator) = bound {
                self.step();
                let operand = self.nested(Self::unary)?;
                let bound = Bound { operator, operand, regex: None };
                return Ok(Node { position, expression: Expression::Bound(Box::new(bound)) });
            }
            let unary = match mark {
                "!" => Some(UnaryOperator::Not),
                "-" => Some(UnaryOperator::Minus),
                "+" => Some(UnaryOperator::Plus),
                _ => None,
            };
            if let Some(operator) = unary {
                self.step();
                let operand = Box::new(self.nested(Self::unary)?);
                return Ok(Node { position, expression: Expression::Unary(operator, operand) });
            }
        }
        self.operand()
    }

    fn operand(&mut self) -> Parsed<Node> {
        let position = self.position();
        let expression = match self.step() {
            TokenKind::String(text) => Expression::Scalar(Scalar::String(text)),
            TokenKind::Number(number) => Expression::Scalar(Scalar::Number(number)),
            TokenKind::Mark("{") => Expression::Struct(self.nested(Self::body)?),
            TokenKind::Mark("[") => Expression::List(self.nested(Self::list)?),
            TokenKind::Mark("(") => {
                let inner = self.expression()?;
                self.expect(")")?;
                inner.expression
            }
            TokenKind::Name(name) => match word(&name) {
                Some(word) => word,
                None => self.reference(name, position)?,
            },
            other => return Err(self.unexpected(position, &other)),
        };
        match self.peek() {
            TokenKind::Mark("[") => {
                Err(Flaw::subset(self.position(), "an index or a slice, `a[...]`"))
            }
            TokenKind::Mark("." | "(") => {
                Err(Flaw::subset(self.position(), "a part or a call of a value that is no name"))
            }
            _ => Ok(Node { position, expression }),
        }
    }

    /// A name with its path; a call keeps its arguments as a list behind the name.
    fn reference(&mut self, name: String, position: Position) -> Parsed<Expression> {
        if name.starts_with('_') {
            return Err(Flaw::subset(position, format!("the hidden field `{name}`")));
        }
        if SIZED.contains(&name.as_str()) {
            return Err(Flaw::subset(position, format!("the type `{name}`")));
        }
        let mut path = Vec::new();
        while self.accept(".") {
            let position = self.position();
            match self.step() {
                TokenKind::Name(step) | TokenKind::String(step) => path.push(step),
                other => return Err(self.unexpected(position, &other)),
            }
        }
        let callee = Reference { name, path, up: 0 };
        if !self.accept("(") {
            return Ok(Expression::Reference(callee));
        }
        let mut arguments = Vec::new();
        while !self.accept(")") {
            arguments.push(self.expression()?);
            if !self.is_mark(")") && self.step() != TokenKind::Comma {
                return Err(Flaw::syntax(self.position(), "a comma is missing".to_owned()));
            }
        }
        super::names::call(Call { callee, arguments }, position)
    }

    fn list(&mut self) -> Parsed<List> {
        let mut list = List { items: Vec::new(), rest: Rest::Nothing };
        while !self.accept("]") {
            if self.is_keyword("for") || self.is_keyword("if") {
                return Err(Flaw::subset(self.position(), "a comprehension in a list"));
            }
            if self.accept("...") {
                list.rest = if matches!(self.peek(), TokenKind::Comma) || self.is_mark("]") {
                    Rest::Anything
                } else {
                    Rest::Each(Box::new(self.expression()?))
                };
                self.accept_comma();
                self.expect("]")?;
                return Ok(list);
            }
            list.items.push(self.expression()?);
            if !self.is_mark("]") {
                let position = self.position();
                if !self.accept_comma() {
                    let found = self.peek().clone();
                    return Err(self.unexpected(position, &found));
                }
            }
        }
        Ok(list)
    }

    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        self.depth = self.depth.saturating_add(1);
        if self.depth > self.most {
            return Err(self.too_deep());
        }
        let parsed = parse(self)?;
        self.depth = self.depth.saturating_sub(1);
        Ok(parsed)
    }

    fn too_deep(&self) -> Flaw {
        Flaw::subset(self.position(), format!("more than {} levels of nesting", self.most))
    }

    fn end_of_clause(&mut self) -> Parsed<()> {
        let position = self.position();
        if self.accept_comma() || *self.peek() == TokenKind::End {
            return Ok(());
        }
        let found = self.peek().clone();
        Err(self.unexpected(position, &found))
    }

    fn accept_comma(&mut self) -> bool {
        let is_comma = *self.peek() == TokenKind::Comma;
        if is_comma {
            self.step();
        }
        is_comma
    }

    fn accept(&mut self, mark: &str) -> bool {
        let is_mark = self.is_mark(mark);
        if is_mark {
            self.step();
        }
        is_mark
    }

    fn expect(&mut self, mark: &str) -> Parsed<()> {
        let position = self.position();
        if self.accept(mark) {
            return Ok(());
        }
        let found = self.peek().clone();
        Err(self.unexpected(position, &found))
    }

    fn name(&mut self) -> Parsed<String> {
        let position = self.position();
        match self.step() {
            TokenKind::Name(name) => Ok(name),
            other => Err(self.unexpected(position, &other)),
        }
    }

    fn is_keyword(&self, word: &str) -> bool {
        matches!(self.peek(), TokenKind::Name(name) if name == word)
    }

    fn is_next_keyword(&self, word: &str) -> bool {
        let next = self.tokens.get(self.at.saturating_add(1)).map(|token| &token.kind);
        matches!(next, Some(TokenKind::Name(name)) if name == word)
    }

    fn is_mark(&self, mark: &str) -> bool {
        matches!(self.peek(), TokenKind::Mark(found) if *found == mark)
    }

    fn is_followed_by(&self, mark: &str) -> bool {
        let next = self.tokens.get(self.at.saturating_add(1)).map(|token| &token.kind);
        matches!(next, Some(TokenKind::Mark(found)) if *found == mark)
    }

    fn peek(&self) -> &TokenKind {
        self.tokens.get(self.at).map_or(&TokenKind::End, |token| &token.kind)
    }

    fn position(&self) -> Position {
        let token = self.tokens.get(self.at).or(self.tokens.last());
        token.map(|token| token.position).unwrap_or_default()
    }

    fn step(&mut self) -> TokenKind {
        let kind = self.peek().clone();
        self.at = self.at.saturating_add(1);
        kind
    }

    #[expect(clippy::unused_self, reason = "reads as the parser's word at every call")]
    fn unexpected(&self, position: Position, found: &TokenKind) -> Flaw {
        let found = match found {
            TokenKind::Name(name) => format!("`{name}`"),
            TokenKind::String(_) => "a string".to_owned(),
            TokenKind::Number(number) => format!("`{number}`"),
            TokenKind::Mark(mark) => format!("`{mark}`"),
            TokenKind::Comma => "a comma or the end of the line".to_owned(),
            TokenKind::End => "the end of the text".to_owned(),
        };
        Flaw::syntax(position, format!("{found} is not expected here"))
    }
}

/// The operators of two sides by how tightly they bind, loosest first.
const LEVELS: &[&[(&str, BinaryOperator)]] = &[
    &[("||", BinaryOperator::Or)],
    &[("&&", BinaryOperator::And)],
    &[
        ("==", BinaryOperator::Compare(Comparison::Equal)),
        ("!=", BinaryOperator::Compare(Comparison::NotEqual)),
        ("<", BinaryOperator::Compare(Comparison::Less)),
        ("<=", BinaryOperator::Compare(Comparison::LessOrEqual)),
        (">", BinaryOperator::Compare(Comparison::Greater)),
        (">=", BinaryOperator::Compare(Comparison::GreaterOrEqual)),
        ("=~", BinaryOperator::Compare(Comparison::Matches)),
        ("!~", BinaryOperator::Compare(Comparison::MatchesNot)),
    ],
    &[("+", BinaryOperator::Add), ("-", BinaryOperator::Subtract)],
    &[("*", BinaryOperator::Multiply)],
];

/// Types with a width, which are bounds under another name.
const SIZED: &[&str] = &[
    "uint", "uint8", "uint16", "uint32", "uint64", "uint128", "int8", "int16", "int32", "int64",
    "int128", "rune", "float32", "float64",
];

/// The words that mean a value.
fn word(name: &str) -> Option<Expression> {
    Some(match name {
        "null" => Expression::Scalar(Scalar::Null),
        "true" => Expression::Scalar(Scalar::Bool(true)),
        "false" => Expression::Scalar(Scalar::Bool(false)),
        "_" => Expression::Type(Kinds::ANY),
        "bool" => Expression::Type(Kinds::BOOL),
        "int" => Expression::Type(Kinds::INT),
        "float" => Expression::Type(Kinds::FLOAT),
        "number" => Expression::Type(Kinds::NUMBER),
        "string" => Expression::Type(Kinds::STRING),
        "bytes" => Expression::Type(Kinds::BYTES),
        _ => return None,
    })
}
