//! Reads a filter as a list of conditions that all hold, and tells what they imply.

use crate::filter::ops::array::Elements;
use crate::filter::{Comparison, Node, Test};
use crate::path::Path;
use crate::value::{Document, Value};

/// One test on one path that every matching document passes.
#[derive(Debug)]
pub(super) struct Predicate<'a> {
    pub(super) path: Path,
    pub(super) test: &'a Test,
    /// Predicates of one `$elemMatch` are met by one and the same element.
    pub(super) element: Option<usize>,
}

/// The conditions that were read off a filter.
#[derive(Debug, Default)]
pub(super) struct Predicates<'a> {
    pub(super) list: Vec<Predicate<'a>>,
    /// Whether the list says all that the filter does.
    pub(super) is_complete: bool,
    /// Whether nothing can match.
    pub(super) is_never: bool,
    elements: usize,
}

impl<'a> Predicates<'a> {
    pub(super) fn of(nodes: &[&'a Node]) -> Self {
        let mut predicates = Self {
            is_complete: true,
            ..Self::default()
        };
        nodes.iter().for_each(|node| predicates.read(node));
        predicates
    }

    fn read(&mut self, node: &'a Node) {
        match node {
            Node::And(nodes) => nodes.iter().for_each(|node| self.read(node)),
            Node::Or(nodes) if nodes.len() == 1 => self.read(&nodes[0]),
            Node::Field(path, test) => self.read_test(path, test, None),
            Node::Constant(true) => {}
            Node::Constant(false) => self.is_never = true,
            Node::Or(_) | Node::Nor(_) | Node::Expr(_) => self.is_complete = false,
        }
    }

    fn read_test(&mut self, path: &Path, test: &'a Test, element: Option<usize>) {
        match test {
            Test::All(tests) => tests.iter().for_each(|test| self.read_test(path, test, element)),
            Test::ElemMatch(Elements::Object(node)) if element.is_none() => {
                self.is_complete = false;
                self.elements += 1;
                self.read_element(path, node, self.elements);
            }
            _ => self.list.push(Predicate {
                path: path.clone(),
                test,
                element,
            }),
        }
    }

    /// Reads the conditions on one element of the array at `path`.
    fn read_element(&mut self, path: &Path, node: &'a Node, element: usize) {
        match node {
            Node::And(nodes) => nodes
                .iter()
                .for_each(|node| self.read_element(path, node, element)),
            Node::Field(inner, test) => {
                let joined = Path::new(format!("{path}.{inner}"));
                self.read_test(&joined, test, Some(element));
            }
            _ => {}
        }
    }

    /// Tells whether every document that passes these conditions meets the filter of a partial index.
    pub(super) fn imply(&self, partial: &Node) -> bool {
        match partial {
            Node::And(nodes) => nodes.iter().all(|node| self.imply(node)),
            Node::Field(path, test) => self.imply_test(path, test),
            _ => false,
        }
    }

    fn imply_test(&self, path: &Path, wanted: &Test) -> bool {
        if let Test::All(tests) = wanted {
            return tests.iter().all(|test| self.imply_test(path, test));
        }
        self.list
            .iter()
            .any(|known| known.path == *path && implies(known.test, wanted))
    }

    /// Tells whether all conditions are part of this filter's too, so that nothing of them is left to check.
    pub(super) fn is_in(&self, partial: &Node, predicate: &Predicate<'_>) -> bool {
        match partial {
            Node::And(nodes) => nodes.iter().any(|node| self.is_in(node, predicate)),
            Node::Field(path, test) => *path == predicate.path && says_the_same(test, predicate.test),
            _ => false,
        }
    }
}

/// Tells whether whoever passes `known` passes `wanted`, which is one of the tests that a partial index may have.
///
/// Each of those tests is met by one value on its own, so a value that meets both suffices, in arrays too.
fn implies(known: &Test, wanted: &Test) -> bool {
    match (known, wanted) {
        (Test::In(values), _) => values.iter().all(|value| equality_implies(value, wanted)),
        (Test::Compare(Comparison::Eq, value), _) => equality_implies(value, wanted),
        (Test::Exists(true), Test::Exists(true)) => true,
        (Test::Compare(_, value), Test::Exists(true)) => !value.is_null(),
        (Test::Compare(known, inner), Test::Compare(wanted, outer)) => {
            range_implies(*known, inner, *wanted, outer)
        }
        _ => false,
    }
}

fn equality_implies(value: &Value, wanted: &Test) -> bool {
    // A null also stands for a missing field; an array is equal as a whole and not by an element.
    if matches!(value, Value::Null | Value::Array(_)) {
        return false;
    }
    let document: Document = [("v".into(), value.clone())].into_iter().collect();
    let wanted = Node::Field(Path::new("v"), wanted.clone());
    crate::filter::node_matches(&wanted, &document).unwrap_or(false)
}

fn range_implies(known: Comparison, inner: &Value, wanted: Comparison, outer: &Value) -> bool {
    use Comparison::{Eq, Gt, Gte, Lt, Lte};
    let order = crate::value::order::compare(inner, outer);
    let same_type = crate::value::order::rank(inner) == crate::value::order::rank(outer);
    let is_nan = |value: &Value| value.as_f64().is_some_and(f64::is_nan);
    same_type
        && !matches!(inner, Value::Null | Value::Array(_))
        && !is_nan(inner)
        && !is_nan(outer)
        && match (known, wanted) {
            (Gt | Gte, Gte) | (Gt, Gt) => order.is_ge(),
            (Gte, Gt) => order.is_gt(),
            (Lt | Lte, Lte) | (Lt, Lt) => order.is_le(),
            (Lte, Lt) => order.is_lt(),
            (Eq | Gt | Gte | Lt | Lte, Eq) | (Eq | Lt | Lte, Gt | Gte) | (Eq | Gt | Gte, Lt | Lte) => false,
        }
}

fn says_the_same(a: &Test, b: &Test) -> bool {
    match (a, b) {
        (Test::Exists(a), Test::Exists(b)) => a == b,
        (Test::Compare(a_op, a), Test::Compare(b_op, b)) => a_op == b_op && crate::value::order::equal(a, b),
        (Test::All(tests), _) => tests.iter().any(|test| says_the_same(test, b)),
        _ => false,
    }
}
