//! A document to the typed tree: every operand is checked here, so that matching cannot meet a malformed one.
//!
//! Equal filters of different shape become one tree where that is exact: conjunctions are flat, a choice of one is no
//! choice, a list of one value is an equality. This is what the server makes of them too before it seeds an upsert.

use super::ops::array::{self, Elements};
use super::ops::bits::{BitTest, Demand};
use super::ops::element::{self, TypeSet};
use super::ops::text::Pattern;
use super::ops::{compare, logic, modulo};
use super::{Comparison, Node, Test, names};
use crate::error::{Error, ErrorKind, Result};
use crate::expr::Expression;
use crate::path::Path;
use crate::value::limits::{self, MAX_DEPTH};
use crate::value::{Document, Value};

/// How many conditions a filter may have: operators, equalities, and the filters and values in the lists of `$and`,
/// `$or`, `$nor` and `$all`. The values of `$in` do not count.
pub const MAX_CLAUSES: usize = 5_000;

pub(super) fn parse(source: &Document) -> Result<Node> {
    // A filter is a document and keeps to the limits of one, which bounds how deep its operators nest.
    limits::check(source)?;
    Parser { clauses: 0 }.document(source, Scope::Document)
}

/// What a part of a filter is asked of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// The document as a whole.
    Document,
    /// An element of an array, where no expression can stand.
    Element,
}

/// A filter being read, with the conditions counted so far.
#[derive(Debug)]
pub(super) struct Parser {
    clauses: usize,
}

impl Parser {
    /// Begins to read an operand that stands outside a filter.
    pub(super) fn new(operand: &Value) -> Result<Self> {
        limits::check_depth(operand, MAX_DEPTH)?;
        Ok(Self { clauses: 0 })
    }

    /// Reads a filter, or a query on the elements of an array.
    pub(super) fn document(&mut self, document: &Document, scope: Scope) -> Result<Node> {
        let mut nodes = Vec::with_capacity(document.len());
        for (name, operand) in document.iter() {
            if name.starts_with('$') {
                let node = self
                    .top_level(name, operand, scope)
                    .map_err(|fault| fault.at_operator(name))?;
                nodes.extend(node);
            } else {
                self.field(name, operand, &mut nodes)
                    .map_err(|fault| fault.at_path(name))?;
            }
        }
        Ok(logic::conjunction(nodes))
    }

    fn top_level(&mut self, name: &str, operand: &Value, scope: Scope) -> Result<Option<Node>> {
        self.count_clause()?;
        Ok(Some(match name {
            "$and" => logic::conjunction(logic::parse_list(self, operand, scope)?),
            "$or" => logic::disjunction(logic::parse_list(self, operand, scope)?),
            "$nor" => Node::Nor(logic::parse_list(self, operand, scope)?),
            "$expr" if scope == Scope::Element => {
                return Err(Error::query(
                    "an expression is asked of the whole document, not of an element",
                ));
            }
            "$expr" => Node::Expr(Expression::parse(operand)?),
            "$alwaysTrue" | "$alwaysFalse" if operand.as_i64() != Some(1) => {
                return Err(Error::query("the number 1 is expected"));
            }
            "$alwaysTrue" => Node::Constant(true),
            "$alwaysFalse" => Node::Constant(false),
            "$comment" => return Ok(None),
            // The parts of a reference to a document are fields, whatever their names begin with.
            "$ref" | "$id" | "$db" => Node::Field(Path::new(name), equality(operand)),
            _ => return Err(names::unknown_top_level(name)),
        }))
    }

    fn field(&mut self, name: &str, operand: &Value, nodes: &mut Vec<Node>) -> Result<()> {
        let path = Path::new(name);
        let operators = match operand {
            Value::Document(operators) if is_operators(operand) => operators,
            _ => {
                self.count_clause()?;
                nodes.push(Node::Field(path, equality(operand)));
                return Ok(());
            }
        };
        for test in self.tests(operators)? {
            match test {
                Test::All(tests) => {
                    nodes.extend(tests.into_iter().map(|test| Node::Field(path.clone(), test)))
                }
                test => nodes.push(Node::Field(path.clone(), test)),
            }
        }
        Ok(())
    }

    /// Reads operators that stand in one document, all on the same value.
    pub(super) fn tests(&mut self, operators: &Document) -> Result<Vec<Test>> {
        let mut tests = Vec::with_capacity(operators.len());
        for (name, operand) in operators.iter() {
            self.count_clause()?;
            tests.extend(
                self.test(name, operand, operators)
                    .map_err(|fault| fault.at_operator(name))?,
            );
        }
        Ok(tests)
    }

    fn test(&mut self, name: &str, operand: &Value, beside: &Document) -> Result<Option<Test>> {
        Ok(Some(match name {
            "$eq" => equality(operand),
            "$ne" => negation(equality(operand)),
            "$gt" => Test::Compare(Comparison::Gt, operand.clone()),
            "$gte" => Test::Compare(Comparison::Gte, operand.clone()),
            "$lt" => Test::Compare(Comparison::Lt, operand.clone()),
            "$lte" => Test::Compare(Comparison::Lte, operand.clone()),
            "$in" => compare::parse_in(operand)?,
            "$nin" => negation(compare::parse_in(operand)?),
            "$not" => logic::parse_not(self, operand)?,
            "$exists" => Test::Exists(element::truth(operand)),
            "$type" => Test::Type(TypeSet::parse(operand)?),
            "$size" => array::parse_size(operand)?,
            "$all" => array::parse_all(self, operand)?,
            "$elemMatch" => Test::ElemMatch(Elements::read(self, operand)?),
            "$mod" => modulo::parse(operand)?,
            "$regex" => Test::Regex(Pattern::read(operand, beside.get("$options"))?),
            "$options" if beside.has("$regex") => return Ok(None),
            "$options" => {
                return Err(Error::query(
                    "options belong to a $regex, and none stands beside them",
                ));
            }
            "$bitsAllSet" => Test::Bits(BitTest::parse(Demand::AllSet, operand)?),
            "$bitsAnySet" => Test::Bits(BitTest::parse(Demand::AnySet, operand)?),
            "$bitsAllClear" => Test::Bits(BitTest::parse(Demand::AllClear, operand)?),
            "$bitsAnyClear" => Test::Bits(BitTest::parse(Demand::AnyClear, operand)?),
            _ => return Err(names::unknown_on_field(name)),
        }))
    }

    /// Counts one more condition.
    pub(super) fn count_clause(&mut self) -> Result<()> {
        self.clauses += 1;
        if self.clauses > MAX_CLAUSES {
            let message =
                format!("the filter has more than {MAX_CLAUSES} conditions: use $in for a list of values");
            return Err(Error::new(ErrorKind::Limit, message));
        }
        Ok(())
    }
}

/// Joins tests that must all pass; one alone is itself.
pub(super) fn all_of(tests: Vec<Test>) -> Test {
    match <[Test; 1]>::try_from(tests) {
        Ok([only]) => only,
        Err(tests) => Test::All(tests),
    }
}

/// Tells whether the value is a document of operators and not a value to be equal to; references are values.
pub(super) fn is_operators(value: &Value) -> bool {
    value.as_document().is_some_and(|document| {
        let first = document.keys().next().unwrap_or_default();
        first.starts_with('$') && !(document.has("$ref") && document.has("$id"))
    })
}

fn equality(operand: &Value) -> Test {
    Test::Compare(Comparison::Eq, operand.clone())
}

fn negation(test: Test) -> Test {
    Test::Not(Box::new(test))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::Filter;
    use crate::value::Array;

    fn fault(filter: &Document) -> Error {
        Filter::parse(filter).expect_err(&filter.to_string())
    }

    #[test]
    fn a_document_whose_first_name_is_no_operator_is_a_value() {
        for value in [doc! {"b": 1, "$gt": 2}, doc! {}, doc! {"$ref": "c", "$id": 1}] {
            let filter = Filter::parse(&doc! {"a": value.clone()}).unwrap();
            assert!(filter.matches(&doc! {"a": value}).unwrap());
        }
    }

    #[test]
    fn too_many_clauses_are_refused_and_many_listed_values_are_not() {
        let equalities: Array = (0..10_000).map(|n| Value::from(doc! {"a": n})).collect();
        assert_eq!(fault(&doc! {"$or": equalities}).kind(), ErrorKind::Limit);
        let fields: Document = (0..10_000).map(|n| (n.to_string().into(), n.into())).collect();
        assert_eq!(fault(&fields).kind(), ErrorKind::Limit);
        let values: Array = (0..100_000_i64).map(Value::from).collect();
        assert_eq!(
            fault(&doc! {"a": {"$all": values.clone()}}).kind(),
            ErrorKind::Limit
        );
        assert!(Filter::parse(&doc! {"a": {"$in": values}}).is_ok());
    }

    #[test]
    fn a_filter_that_nests_too_deep_is_refused() {
        let nested = |levels| (0..levels).fold(doc! {"a": 1}, |inner, _| doc! {"$and": [inner]});
        assert!(Filter::parse(&nested(49)).is_ok());
        assert_eq!(fault(&nested(50)).kind(), ErrorKind::Limit);
        let negated = (0..200).fold(doc! {"$gt": 1}, |inner, _| doc! {"$not": inner});
        assert_eq!(fault(&doc! {"a": negated}).kind(), ErrorKind::Limit);
    }

    #[test]
    fn comments_and_constants_are_read() {
        assert!(
            Filter::parse(&doc! {"$comment": [1], "a": 1})
                .unwrap()
                .matches(&doc! {"a": 1})
                .unwrap()
        );
        assert!(Filter::parse(&doc! {"$alwaysTrue": 1.0}).is_ok());
        assert!(Filter::parse(&doc! {"$alwaysTrue": 2}).is_err());
        assert!(Filter::parse(&doc! {"a": {"$options": "i"}}).is_err());
    }
}
