//! Reads values as expressions.

use crate::error::{Error, ErrorKind, Result};
use crate::suggest::did_you_mean;
use crate::value::{Document, Text, Value};

use super::ops::{self, Operator, Takes};
use super::reference::{Reference, validate_name};
use super::{MAX_DEPTH, Node, forms};

/// Reads a value as an expression.
pub(super) fn parse(value: &Value) -> Result<Node> {
    Parser::default().operand(value)
}

/// What is known at a place of the expression.
#[derive(Default)]
pub(super) struct Parser {
    /// The names of the variables in sight, the innermost last.
    variables: Vec<String>,
    depth: usize,
}

impl Parser {
    /// Reads a value as an expression.
    pub(super) fn operand(&mut self, value: &Value) -> Result<Node> {
        if self.depth == MAX_DEPTH {
            let message = format!("the expression nests deeper than {MAX_DEPTH} levels");
            return Err(Error::new(ErrorKind::Limit, message));
        }
        self.depth += 1;
        let node = match value {
            Value::String(text) if text.starts_with('$') => {
                Reference::parse(text, &self.variables).map(Node::Reference)
            }
            Value::Array(elements) => self.operands(elements).map(array),
            Value::Document(document) => self.document(document),
            literal => Ok(Node::Literal(literal.clone())),
        };
        self.depth -= 1;
        node
    }

    /// Reads each value as an expression.
    pub(super) fn operands(&mut self, values: &[Value]) -> Result<Vec<Node>> {
        values.iter().map(|value| self.operand(value)).collect()
    }

    /// Reads what stands behind an operator: an array is the list of its operands, all else its only one.
    pub(super) fn arguments(&mut self, argument: &Value) -> Result<Vec<Node>> {
        match argument {
            Value::Array(elements) => self.operands(elements),
            one => Ok(vec![self.operand(one)?]),
        }
    }

    /// Reads an expression that sees more variables.
    pub(super) fn with_variables(&mut self, names: &[&str], body: &Value) -> Result<Node> {
        let outer = self.variables.len();
        self.variables.extend(names.iter().map(|&name| name.to_owned()));
        let node = self.operand(body);
        self.variables.truncate(outer);
        node
    }

    fn document(&mut self, document: &Document) -> Result<Node> {
        match document.iter().next() {
            Some((name, argument)) if name.starts_with('$') => {
                if document.len() > 1 {
                    let message = "an operator stands alone in its document: put the other fields elsewhere";
                    return Err(Error::query(message).at_operator(name));
                }
                self.operator(name, argument)
                    .map_err(|error| error.at_operator(name))
            }
            _ => self.fields(document).map(document_of),
        }
    }

    fn fields(&mut self, document: &Document) -> Result<Vec<(Text, Node)>> {
        let field = |(name, value): &(Text, Value)| {
            validate_name(name).map_err(|error| error.at_path(name))?;
            if name.contains('.') {
                return Err(
                    Error::query("a field made by an expression has no dot in its name").at_path(name),
                );
            }
            Ok((name.clone(), self.operand(value)?))
        };
        document.fields().iter().map(field).collect()
    }

    fn operator(&mut self, name: &str, argument: &Value) -> Result<Node> {
        if let Some(form) = forms::parse(self, name, argument) {
            return form;
        }
        let operator = ops::find(name).ok_or_else(|| unknown(name))?;
        let operands = self.operands_of(operator, argument)?;
        constant_call(operator, &operands).unwrap_or(Ok(Node::Call(operator, operands)))
    }

    fn operands_of(&mut self, operator: &Operator, argument: &Value) -> Result<Vec<Node>> {
        match operator.takes {
            Takes::Named { required, names } => self.named_operands(argument, required, names),
            Takes::Date => match argument {
                Value::Document(inner) if inner.keys().next().is_some_and(|name| !name.starts_with('$')) => {
                    self.named_operands(argument, 1, &["date", "timezone"])
                }
                Value::Array(elements) if elements.len() != 1 => Err(Error::query("takes one date")),
                argument => self.arguments(argument),
            },
            Takes::Operands { least, most } => {
                let operands = self.arguments(argument)?;
                if (least..=most).contains(&operands.len()) {
                    return Ok(operands);
                }
                Err(Error::query(format!(
                    "takes {}, not {}",
                    count_of(least, most),
                    operands.len()
                )))
            }
        }
    }

    /// Reads operands with names; those that may be left out come last.
    fn named_operands(&mut self, argument: &Value, required: usize, names: &[&str]) -> Result<Vec<Node>> {
        let values = forms::named(argument, names)?;
        if let Some(absent) = values.iter().take(required).position(Option::is_none) {
            return Err(Error::query(format!("{} is missing", names[absent])));
        }
        values
            .into_iter()
            .flatten()
            .map(|value| self.operand(value))
            .collect()
    }
}

/// Works a call out while it is parsed, if all its operands are constant.
///
/// MongoDB's server does so too, and so refuses a division by zero even if no document comes by.
fn constant_call(operator: &Operator, operands: &[Node]) -> Option<Result<Node>> {
    let values: Option<Vec<_>> = operands
        .iter()
        .map(|node| node.as_literal().cloned().map(Some))
        .collect();
    let result = (operator.apply)(&values?);
    Some(result.map(|value| value.map_or_else(|| Node::Reference(Reference::missing()), Node::Literal)))
}

fn array(elements: Vec<Node>) -> Node {
    match elements.iter().map(|node| node.as_literal().cloned()).collect() {
        Some(values) => Node::Literal(Value::Array(values)),
        None => Node::Array(elements),
    }
}

fn document_of(fields: Vec<(Text, Node)>) -> Node {
    let constant = |(name, node): &(Text, Node)| Some((name.clone(), node.as_literal()?.clone()));
    match fields.iter().map(constant).collect() {
        Some(document) => Node::Literal(Value::Document(document)),
        None => Node::Document(fields),
    }
}

fn count_of(least: usize, most: usize) -> String {
    match (least, most) {
        (1, 1) => "one operand".to_owned(),
        (least, most) if least == most => format!("{least} operands"),
        (least, usize::MAX) => format!("at least {least} operands"),
        (least, most) => format!("{least} to {most} operands"),
    }
}

fn unknown(name: &str) -> Error {
    if ops::NOT_OFFERED.contains(&name) {
        return Error::new(
            ErrorKind::Unsupported,
            format!("the operator {name} is not offered"),
        );
    }
    let known = ops::names().chain(forms::NAMES.iter().copied());
    Error::query(format!("unknown operator {name}{}", did_you_mean(name, known)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(value: impl Into<Value>) -> Error {
        parse(&value.into()).unwrap_err()
    }

    #[test]
    fn an_unknown_operator_is_named_with_its_neighbour() {
        let error = fault(doc! {"$ad": [1, {"$toUper": "$a"}]});
        assert_eq!(
            error.to_string(),
            "unknown operator $ad: did you mean $add? ($ad)"
        );
        let error = fault(doc! {"$add": [1, {"$toUper": "$a"}]});
        assert_eq!(
            error.message(),
            "unknown operator $toUper: did you mean $toUpper?"
        );
        assert_eq!(fault(doc! {"$regexMatch": 1}).kind(), ErrorKind::Unsupported);
    }

    #[test]
    fn the_number_of_operands_is_checked() {
        assert_eq!(fault(doc! {"$abs": [1, 2]}).message(), "takes one operand, not 2");
        assert_eq!(fault(doc! {"$divide": [1]}).message(), "takes 2 operands, not 1");
        assert_eq!(
            fault(doc! {"$ifNull": ["$a"]}).message(),
            "takes at least 2 operands, not 1"
        );
        assert_eq!(
            fault(doc! {"$slice": ["$a"]}).message(),
            "takes 2 to 3 operands, not 1"
        );
    }

    #[test]
    fn documents_have_plain_names_or_one_operator() {
        for document in [
            doc! {"$add": [1], "$abs": 1},
            doc! {"a.b": 1},
            doc! {"": 1},
            doc! {"a": 1, "$b": 1},
            doc! {"$trim": "x"},
            doc! {"$trim": {"chars": "x"}},
            doc! {"$trim": {"input": "x", "char": "x"}},
            doc! {"$year": {"dat": "$x"}},
        ] {
            assert!(parse(&document.clone().into()).is_err(), "{document}");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |levels| (1..levels).fold(Value::Int(1), |inner, _| doc! {"$not": inner}.into());
        assert!(parse(&nested(100)).is_ok());
        assert_eq!(fault(nested(101)).kind(), ErrorKind::Limit);
    }
}
