//! Whether a document meets a filter, and by which array element.
//!
//! A test on a path is asked of the values that the path yields (`walk.rs`). Negations and conjunctions are asked of the
//! path as a whole, each part on its own, never of one value. Nothing here allocates.

use std::slice;

use super::ops::array::{self, Elements};
use super::ops::{compare, modulo};
use super::walk::{self, Leaf, Root};
use super::{Comparison, Node, Test};
use crate::error::{Error, Result};
use crate::path::Path;
use crate::value::{Document, Value};

/// How a document met a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Matched {
    element: Option<usize>,
}

impl Matched {
    /// Returns the position of the array element that met the filter, which the positional operator `$` stands for.
    ///
    /// None if no array was looked into. Only conditions that all documents must meet count, so nothing inside `$or`,
    /// `$nor` and `$not`. Where several conditions met an element of different arrays, the server's order of conditions
    /// decides: the last of equality, ranges, patterns, `$in` and bits, then the last path.
    pub fn element(self) -> Option<usize> {
        self.element
    }
}

pub(crate) fn node_matches(node: &Node, document: &Document) -> Result<bool> {
    meets(node, Root::Document(document))
}

pub(super) fn find_match(node: &Node, document: &Document) -> Result<Option<Matched>> {
    let root = Root::Document(document);
    if !meets(node, root)? {
        return Ok(None);
    }
    let conditions = match node {
        Node::And(nodes) => nodes.as_slice(),
        other => slice::from_ref(other),
    };
    let mut deciding = None;
    for condition in conditions {
        if let Node::Field(path, test) = condition
            && let Some(rank) = server_rank(test)
            && let Some(at) = element_that_met(path, test, root)?
            && deciding.is_none_or(|(order, _)| (rank, path.as_str()) >= order)
        {
            deciding = Some(((rank, path.as_str()), at));
        }
    }
    Ok(Some(Matched {
        element: deciding.map(|(_, at)| at),
    }))
}

pub(super) fn meets(node: &Node, root: Root<'_>) -> Result<bool> {
    match node {
        Node::And(nodes) => all(nodes, |node| meets(node, root)),
        Node::Or(nodes) => some(nodes, |node| meets(node, root)),
        Node::Nor(nodes) => Ok(!some(nodes, |node| meets(node, root))?),
        Node::Field(path, test) => path_passes(path, test, root),
        Node::Constant(constant) => Ok(*constant),
        Node::Expr(expression) => match root {
            Root::Document(document) => expression.is_true(document),
            Root::Array(_) => Err(Error::query(
                "an expression is asked of a document, not of an array",
            )),
        },
    }
}

pub(super) fn path_passes(path: &Path, test: &Test, root: Root<'_>) -> Result<bool> {
    match test {
        Test::Not(test) => Ok(!path_passes(path, test, root)?),
        Test::All(tests) => all(tests, |test| path_passes(path, test, root)),
        Test::Exists(false) => Ok(!path_passes(path, &Test::Exists(true), root)?),
        _ => walk::any(root, path.parts(), leaf(test), &mut |value, _| {
            value_passes(test, value)
        }),
    }
}

/// Asks a test of one value, or of its absence, without unwinding it.
pub(super) fn value_passes(test: &Test, value: Option<&Value>) -> Result<bool> {
    Ok(match test {
        Test::Compare(comparison, operand) => compare::passes(*comparison, operand, value),
        Test::In(operands) => compare::is_in(operands, value),
        Test::Not(test) => !value_passes(test, value)?,
        Test::All(tests) => all(tests, |test| value_passes(test, value))?,
        Test::Exists(wanted) => value.is_some() == *wanted,
        Test::Type(types) => value.is_some_and(|value| types.contains(value)),
        Test::Size(size) => array::has_size(*size, value),
        Test::ElemMatch(elements) => element_of(elements, value)?.is_some(),
        Test::Mod { divisor, remainder } => modulo::leaves(*divisor, *remainder, value),
        Test::Regex(pattern) => value
            .and_then(Value::as_str)
            .is_some_and(|text| pattern.is_match(text)),
        Test::Bits(test) => value.is_some_and(|value| test.passes(value)),
    })
}

fn element_of(elements: &Elements, value: Option<&Value>) -> Result<Option<usize>> {
    value
        .and_then(Value::as_array)
        .map_or(Ok(None), |array| elements.find(array))
}

fn leaf(test: &Test) -> Leaf {
    match test {
        Test::Size(_) | Test::ElemMatch(_) => Leaf::Whole,
        _ => Leaf::Unwound,
    }
}

/// Finds the element under which the first value that passes lies; the outermost array goes before an inner one.
fn element_that_met(path: &Path, test: &Test, root: Root<'_>) -> Result<Option<usize>> {
    let mut element = None;
    walk::any(root, path.parts(), leaf(test), &mut |value, outer| {
        let inner = match test {
            Test::ElemMatch(elements) => element_of(elements, value)?.map(Some),
            _ => value_passes(test, value)?.then_some(None),
        };
        if let Some(inner) = inner {
            element = outer.or(inner);
        }
        Ok(inner.is_some())
    })?;
    Ok(element)
}

/// Returns the place of a test in the order in which the server asks the conditions of a filter.
///
/// None for those that never name an element. Source: the server sorts conjunctions by the kind of match expression,
/// then by path, and each condition that looked into an array overwrites the position.
fn server_rank(test: &Test) -> Option<u8> {
    Some(match test {
        Test::Not(_) | Test::All(_) | Test::Exists(false) => return None,
        Test::ElemMatch(Elements::Object(_)) => 0,
        Test::ElemMatch(Elements::Values(_)) => 1,
        Test::Size(_) => 2,
        Test::Compare(Comparison::Eq, _) => 3,
        Test::Compare(Comparison::Lte, _) => 4,
        Test::Compare(Comparison::Lt, _) => 5,
        Test::Compare(Comparison::Gt, _) => 6,
        Test::Compare(Comparison::Gte, _) => 7,
        Test::Regex(_) => 8,
        Test::Mod { .. } => 9,
        Test::Exists(true) => 10,
        Test::In(_) => 11,
        Test::Bits(_) => 12,
        Test::Type(_) => 13,
    })
}

fn all<T>(items: &[T], mut holds: impl FnMut(&T) -> Result<bool>) -> Result<bool> {
    Ok(!some(items, |item| holds(item).map(|holds| !holds))?)
}

fn some<T>(items: &[T], mut holds: impl FnMut(&T) -> Result<bool>) -> Result<bool> {
    for item in items {
        if holds(item)? {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use crate::filter::Filter;
    use crate::value::Document;

    fn takes(filter: &Document, document: &Document) -> bool {
        Filter::parse(filter).unwrap().matches(document).unwrap()
    }

    fn element(filter: &Document, document: &Document) -> Option<usize> {
        Filter::parse(filter)
            .unwrap()
            .find_match(document)
            .unwrap()
            .expect("it matches")
            .element()
    }

    #[test]
    fn a_negation_is_of_the_path_as_a_whole() {
        assert!(!takes(&doc! {"a": {"$ne": 1}}, &doc! {"a": [1, 2]}));
        assert!(takes(&doc! {"a": {"$ne": 1}}, &doc! {}));
        assert!(takes(&doc! {"a.b": {"$ne": null}}, &doc! {"a": []}));
        assert!(takes(&doc! {"a.b": {"$exists": false}}, &doc! {"a": [1]}));
        assert!(takes(&doc! {"a": {"$not": {"$gt": 1, "$lt": 3}}}, &doc! {"a": 3}));
    }

    #[test]
    fn two_bounds_may_be_met_by_two_elements() {
        let document = doc! {"a": [0, 9]};
        assert!(takes(&doc! {"a": {"$gt": 3, "$lt": 6}}, &document));
        assert!(!takes(
            &doc! {"a": {"$elemMatch": {"$gt": 3, "$lt": 6}}},
            &document
        ));
    }

    #[test]
    fn the_element_that_met_is_told() {
        assert_eq!(element(&doc! {"a": {"$gt": 3}}, &doc! {"a": [1, 5, 9]}), Some(1));
        assert_eq!(
            element(&doc! {"a.b": 2}, &doc! {"a": [{"b": 1}, {"b": [0, 2]}]}),
            Some(1)
        );
        assert_eq!(
            element(
                &doc! {"a": {"$elemMatch": {"b": 2}}},
                &doc! {"a": [{"b": 1}, {"b": 2}]}
            ),
            Some(1)
        );
        assert_eq!(element(&doc! {"a.1": 5}, &doc! {"a": [1, 5, 9]}), None);
        assert_eq!(element(&doc! {"a": 5}, &doc! {"a": 5}), None);
        assert_eq!(element(&doc! {"a": {"$ne": 5}}, &doc! {"a": [1, 2]}), None);
        assert_eq!(
            element(&doc! {"$or": [{"a": 2}, {"b": 1}]}, &doc! {"a": [1, 2]}),
            None
        );
    }

    #[test]
    fn of_two_arrays_the_servers_last_condition_decides() {
        let document = doc! {"a": [1, 2], "b": [2, 1]};
        assert_eq!(element(&doc! {"b": 1, "a": 1}, &document), Some(1));
        assert_eq!(element(&doc! {"b": 1, "a": {"$lt": 2}}, &document), Some(0));
    }

    #[test]
    fn constants_hold_always_or_never() {
        assert!(takes(&doc! {"$or": [{"a": 1}, {"$alwaysTrue": 1}]}, &doc! {}));
        assert!(!takes(&doc! {"$alwaysFalse": 1}, &doc! {}));
    }
}
