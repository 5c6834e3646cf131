//! The order that `$push` puts an array into.
//!
//! It is not that of a sorted find: a field that is an array compares as a whole, and what is no document counts as null.

use std::cmp::Ordering;

use crate::error::{Error, Result};
use crate::sort::Direction;
use crate::value::{Document, Text, Value, order};

/// How the elements of an array are ordered.
#[derive(Clone, Debug)]
pub(crate) enum ElementOrder {
    /// By the elements themselves.
    Whole(Direction),
    /// By fields of theirs, the first one first.
    Fields(Vec<(Text, Direction)>),
}

impl ElementOrder {
    /// Reads `1`, `-1` or a document of fields and directions.
    pub(super) fn parse(operand: &Value) -> Result<Self> {
        match operand {
            Value::Document(fields) if !fields.is_empty() => fields
                .iter()
                .map(|(path, value)| field(path, value))
                .collect::<Result<_>>()
                .map(Self::Fields),
            Value::Document(_) => Err(Error::update(
                "$sort names no field: write {field: 1}, or 1 for whole elements",
            )),
            other => direction(other).map(Self::Whole),
        }
    }

    /// Compares two elements.
    pub(super) fn compare(&self, a: &Value, b: &Value) -> Ordering {
        match self {
            Self::Whole(direction) => directed(order::compare(a, b), *direction),
            Self::Fields(fields) => fields
                .iter()
                .map(|(path, direction)| directed(order::compare(key(a, path), key(b, path)), *direction))
                .find(|order| order.is_ne())
                .unwrap_or(Ordering::Equal),
        }
    }
}

fn field(path: &str, value: &Value) -> Result<(Text, Direction)> {
    if path.split('.').any(str::is_empty) {
        return Err(
            Error::update("a path in $sort has no empty part: take out the dot too many").at_path(path),
        );
    }
    Ok((path.into(), direction(value)?))
}

fn direction(value: &Value) -> Result<Direction> {
    match value.as_i64() {
        Some(1) => Ok(Direction::Ascending),
        Some(-1) => Ok(Direction::Descending),
        _ => Err(Error::update(format!(
            "a direction in $sort is 1 or -1, not {value}"
        ))),
    }
}

fn directed(order: Ordering, direction: Direction) -> Ordering {
    match direction {
        Direction::Ascending => order,
        Direction::Descending => order.reverse(),
    }
}

fn key<'v>(element: &'v Value, path: &str) -> &'v Value {
    element
        .as_document()
        .and_then(|document| in_document(document, path))
        .unwrap_or(&Value::Null)
}

/// Looks up a path as the server does here: a field whose name has the dots goes first.
fn in_document<'v>(document: &'v Document, path: &str) -> Option<&'v Value> {
    document.get(path).or_else(|| {
        let (first, rest) = path.split_once('.')?;
        below(document.get(first)?, rest)
    })
}

fn below<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    match value {
        Value::Document(document) => in_document(document, path),
        Value::Array(elements) => {
            let (first, rest) = path
                .split_once('.')
                .map_or((path, None), |(first, rest)| (first, Some(rest)));
            let element = crate::path::Path::new(first).parts()[0]
                .index()
                .and_then(|at| elements.get(at))?;
            rest.map_or(Some(element), |rest| below(element, rest))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(operand: impl Into<Value>, values: impl Into<Value>) -> Value {
        let order = ElementOrder::parse(&operand.into()).unwrap();
        let mut values: Vec<Value> = values.into().as_array().unwrap().to_vec();
        values.sort_by(|a, b| order.compare(a, b));
        values.into()
    }

    #[test]
    fn whole_elements_compare_across_types() {
        assert_eq!(
            sorted(-1, doc! {"v": [1, "a", null, {"x": 1}]}.get("v").unwrap()),
            { doc! {"v": [{"x": 1}, "a", 1, null]}.get("v").unwrap().clone() }
        );
    }

    #[test]
    fn fields_compare_one_after_the_other_and_others_count_as_null() {
        let values = doc! {"v": [{"x": 2, "y": 1}, {"x": 1}, 9, {"x": 2, "y": 3}, [0]]};
        let expected = doc! {"v": [9, [0], {"x": 1}, {"x": 2, "y": 3}, {"x": 2, "y": 1}]};
        assert_eq!(
            sorted(doc! {"x": 1, "y": -1.0}, values.get("v").unwrap()),
            *expected.get("v").unwrap()
        );
    }

    #[test]
    fn an_array_in_a_field_compares_as_a_whole_and_has_positions() {
        let element = Value::from(doc! {"a": [5, {"b": 1}], "c.d": 7});
        assert_eq!(key(&element, "a.1.b"), &1.into());
        assert_eq!(key(&element, "a.b"), &Value::Null);
        assert_eq!(key(&element, "c.d"), &7.into());
    }

    #[test]
    fn other_directions_are_refused() {
        for operand in [
            2.into(),
            "x".into(),
            0.5.into(),
            doc! {}.into(),
            doc! {"x": 5}.into(),
            doc! {"x.": 1}.into(),
            doc! {"": 1}.into(),
        ] {
            assert!(ElementOrder::parse(&operand).is_err(), "{operand}");
        }
    }
}
