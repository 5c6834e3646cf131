//! The operators that decide themselves what is worked out, and for which variables.

use crate::error::{Error, Result};
use crate::suggest::did_you_mean;
use crate::value::Value;

use super::parse::Parser;
use super::{Branch, Node};

/// The names of these operators.
pub(super) const NAMES: &[&str] = &[
    "$literal", "$const", "$and", "$or", "$ifNull", "$cond", "$switch", "$let", "$map", "$filter", "$reduce",
];

/// Reads one of these operators; none if it is another.
pub(super) fn parse(parser: &mut Parser, name: &str, argument: &Value) -> Option<Result<Node>> {
    Some(match name {
        "$literal" | "$const" => Ok(Node::Literal(argument.clone())),
        "$and" => parser.arguments(argument).map(Node::All),
        "$or" => parser.arguments(argument).map(Node::Any),
        "$ifNull" => if_null(parser, argument),
        "$cond" => cond(parser, argument),
        "$switch" => switch(parser, argument),
        "$let" => bind(parser, argument),
        "$map" => map(parser, argument),
        "$filter" => filter(parser, argument),
        "$reduce" => reduce(parser, argument),
        _ => return None,
    })
}

/// Returns the values of a document that may have only these names.
pub(super) fn named<'a>(argument: &'a Value, names: &[&str]) -> Result<Vec<Option<&'a Value>>> {
    let Value::Document(document) = argument else {
        return Err(Error::query(format!(
            "takes a document with {}",
            names.join(", ")
        )));
    };
    if let Some(stray) = document.keys().find(|key| !names.contains(key)) {
        let hint = did_you_mean(stray, names.iter().copied());
        return Err(Error::query(format!("knows no argument {stray:?}{hint}")));
    }
    Ok(names.iter().map(|name| document.get(name)).collect())
}

/// Returns the values of a document that must have exactly these names.
fn all_named<'a, const N: usize>(argument: &'a Value, names: [&str; N]) -> Result<[&'a Value; N]> {
    let values = named(argument, &names)?;
    let mut found = [argument; N];
    for ((slot, value), name) in found.iter_mut().zip(values).zip(names) {
        *slot = required(value, name)?;
    }
    Ok(found)
}

fn required<'a>(value: Option<&'a Value>, name: &str) -> Result<&'a Value> {
    value.ok_or_else(|| Error::query(format!("{name} is missing")))
}

fn if_null(parser: &mut Parser, argument: &Value) -> Result<Node> {
    let operands = parser.arguments(argument)?;
    if operands.len() < 2 {
        return Err(Error::query(format!(
            "takes at least 2 operands, not {}",
            operands.len()
        )));
    }
    Ok(Node::FirstNonNull(operands))
}

fn cond(parser: &mut Parser, argument: &Value) -> Result<Node> {
    let [condition, then, otherwise] = match argument {
        Value::Document(_) => all_named(argument, ["if", "then", "else"])?,
        Value::Array(operands) => match operands.as_slice() {
            [condition, then, otherwise] => [condition, then, otherwise],
            other => return Err(Error::query(format!("takes 3 operands, not {}", other.len()))),
        },
        _ => {
            return Err(Error::query(
                "takes 3 operands, or a document with if, then, else",
            ));
        }
    };
    let branch = Branch {
        condition: parser.operand(condition)?,
        then: parser.operand(then)?,
    };
    let default = Some(Box::new(parser.operand(otherwise)?));
    Ok(Node::Branches {
        branches: vec![branch],
        default,
    })
}

fn switch(parser: &mut Parser, argument: &Value) -> Result<Node> {
    let values = named(argument, &["branches", "default"])?;
    let Value::Array(branches) = required(values[0], "branches")? else {
        return Err(Error::query("branches is an array of {case, then}"));
    };
    let mut branch = |value| {
        let [case, then] = all_named(value, ["case", "then"])?;
        Ok(Branch {
            condition: parser.operand(case)?,
            then: parser.operand(then)?,
        })
    };
    let branches: Vec<_> = branches.iter().map(&mut branch).collect::<Result<_>>()?;
    if branches.is_empty() {
        return Err(Error::query("needs at least one branch"));
    }
    let default = values[1]
        .map(|value| parser.operand(value).map(Box::new))
        .transpose()?;
    Ok(Node::Branches { branches, default })
}

fn bind(parser: &mut Parser, argument: &Value) -> Result<Node> {
    let [variables, body] = all_named(argument, ["vars", "in"])?;
    let Value::Document(variables) = variables else {
        return Err(Error::query("vars is a document of names and values"));
    };
    variables.keys().try_for_each(validate_variable)?;
    // The values see only the variables outside.
    let values = variables
        .values()
        .map(|value| parser.operand(value))
        .collect::<Result<_>>()?;
    let names: Vec<&str> = variables.keys().collect();
    Ok(Node::Let {
        values,
        body: Box::new(parser.with_variables(&names, body)?),
    })
}

fn map(parser: &mut Parser, argument: &Value) -> Result<Node> {
    let values = named(argument, &["input", "as", "in"])?;
    let input = Box::new(parser.operand(required(values[0], "input")?)?);
    let body = required(values[2], "in")?;
    let body = Box::new(parser.with_variables(&[element_name(values[1])?], body)?);
    Ok(Node::Map { input, body })
}

fn filter(parser: &mut Parser, argument: &Value) -> Result<Node> {
    let values = named(argument, &["input", "as", "cond", "limit"])?;
    let input = Box::new(parser.operand(required(values[0], "input")?)?);
    let condition = required(values[2], "cond")?;
    let condition = Box::new(parser.with_variables(&[element_name(values[1])?], condition)?);
    let limit = values[3]
        .map(|value| parser.operand(value).map(Box::new))
        .transpose()?;
    Ok(Node::Filter {
        input,
        condition,
        limit,
    })
}

fn reduce(parser: &mut Parser, argument: &Value) -> Result<Node> {
    let [input, initial, body] = all_named(argument, ["input", "initialValue", "in"])?;
    Ok(Node::Reduce {
        input: Box::new(parser.operand(input)?),
        initial: Box::new(parser.operand(initial)?),
        body: Box::new(parser.with_variables(&["value", "this"], body)?),
    })
}

fn element_name(name: Option<&Value>) -> Result<&str> {
    let name = match name {
        None => return Ok("this"),
        Some(Value::String(name)) => name,
        Some(_) => return Err(Error::query("as is the name of a variable")),
    };
    validate_variable(name)?;
    Ok(name)
}

fn validate_variable(name: &str) -> Result<()> {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || !letter.is_ascii();
    let begins_well = name.starts_with(|first: char| first.is_ascii_lowercase() || !first.is_ascii());
    if name == "CURRENT" || begins_well && name.chars().all(plain) {
        return Ok(());
    }
    let message =
        format!("{name:?} is no name of a variable: begin with a small letter, then letters and digits");
    Err(Error::query(message))
}
