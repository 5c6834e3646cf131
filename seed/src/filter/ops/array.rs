//! `$elemMatch $all $size`: arrays and their elements.

use crate::error::{Error, Result};
use crate::filter::matches::{meets, value_passes};
use crate::filter::names::{is_field_operator, is_top_level_operator};
use crate::filter::parse::{Parser, Scope, all_of};
use crate::filter::walk::Root;
use crate::filter::{Comparison, Node, Test};
use crate::value::{Document, Value};

/// What one element of an array must meet, all of it.
#[derive(Clone, Debug)]
pub enum Elements {
    /// Each test, asked of the element as it is: an array inside the array is not unwound.
    Values(Vec<Test>),
    /// A query, asked of documents, and of arrays as if they were documents with the keys `0`, `1`, ….
    Object(Box<Node>),
}

impl Elements {
    /// Reads the operand of `$elemMatch`, in a filter or in a projection.
    ///
    /// # Errors
    /// As [`Filter::parse`](crate::Filter::parse).
    pub fn parse(operand: &Value) -> Result<Self> {
        Self::read(&mut Parser::new(operand)?, operand)
    }

    /// Reads the operand as a part of a filter, whose clauses are counted as one.
    pub(in crate::filter) fn read(parser: &mut Parser, operand: &Value) -> Result<Self> {
        let Value::Document(operand) = operand else {
            return Err(Error::query(
                "a document is expected: operators, or a query on the elements",
            ));
        };
        if asks_values(operand) {
            parser.tests(operand).map(Self::Values)
        } else {
            parser
                .document(operand, Scope::Element)
                .map(|node| Self::Object(Box::new(node)))
        }
    }

    /// Finds the first element that meets all of it.
    ///
    /// # Errors
    /// As [`Filter::matches`](crate::Filter::matches).
    pub fn find(&self, elements: &[Value]) -> Result<Option<usize>> {
        for (at, element) in elements.iter().enumerate() {
            if self.is_met_by(element)? {
                return Ok(Some(at));
            }
        }
        Ok(None)
    }

    /// Tells whether one element meets all of it.
    pub(in crate::filter) fn is_met_by(&self, element: &Value) -> Result<bool> {
        match (self, element) {
            (Self::Values(tests), element) => {
                for test in tests {
                    if !value_passes(test, Some(element))? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            (Self::Object(node), Value::Document(document)) => meets(node, Root::Document(document)),
            (Self::Object(node), Value::Array(elements)) => meets(node, Root::Array(elements)),
            (Self::Object(_), _) => Ok(false),
        }
    }
}

/// Tells a document of operators from a query, which may begin with an operator that joins whole queries.
fn asks_values(operand: &Document) -> bool {
    let first = operand.keys().next().unwrap_or_default();
    let is_reference = operand.keys().any(|name| matches!(name, "$ref" | "$id" | "$db"));
    first.starts_with('$') && !is_top_level_operator(first) && !is_reference
}

/// Reads the operand of `$all`: an equality for each value, or an `$elemMatch` for each.
pub(in crate::filter) fn parse_all(parser: &mut Parser, operand: &Value) -> Result<Test> {
    let Value::Array(values) = operand else {
        return Err(Error::query("an array of values is expected"));
    };
    // Of no values none is there: the server takes nothing, although all of nothing would be met.
    let Some(first) = values.first() else {
        return Ok(Test::In(Vec::new()));
    };
    let elements = first_operator(first) == Some("$elemMatch");
    let tests = values.iter().map(|value| {
        parser.count_clause()?;
        match (elements, value) {
            (true, Value::Document(document)) if first_operator(value) == Some("$elemMatch") => {
                if document.len() > 1 {
                    return Err(Error::query("an $elemMatch stands alone in its document here"));
                }
                let operand = document
                    .values()
                    .next()
                    .expect("its first operator was just read");
                Elements::read(parser, operand)
                    .map(Test::ElemMatch)
                    .map_err(|e| e.at_operator("$elemMatch"))
            }
            (true, _) => Err(Error::query("if one is an $elemMatch, each must be")),
            (false, value) if first_operator(value).is_some_and(is_field_operator) => Err(Error::query(
                "only values or $elemMatch can stand in it, no other operator",
            )),
            (false, value) => Ok(Test::Compare(Comparison::Eq, value.clone())),
        }
    });
    tests.collect::<Result<Vec<Test>>>().map(all_of)
}

/// Reads the operand of `$size`.
pub(in crate::filter) fn parse_size(operand: &Value) -> Result<Test> {
    // The server keeps it in 32 bits.
    let size = operand
        .as_i64()
        .filter(|size| (0..=i64::from(i32::MAX)).contains(size));
    size.map(Test::Size)
        .ok_or_else(|| Error::query("a whole number of elements is expected, from 0 to 2147483647"))
}

/// Tells whether the value is an array of exactly so many elements.
pub(in crate::filter) fn has_size(size: i64, value: Option<&Value>) -> bool {
    value
        .and_then(Value::as_array)
        .is_some_and(|elements| i64::try_from(elements.len()) == Ok(size))
}

fn first_operator(value: &Value) -> Option<&str> {
    value
        .as_document()?
        .keys()
        .next()
        .filter(|name| name.starts_with('$'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::Filter;

    fn takes(filter: &Document, document: &Document) -> bool {
        Filter::parse(filter).unwrap().matches(document).unwrap()
    }

    #[test]
    fn values_are_not_unwound_and_one_element_meets_all() {
        let filter = doc! {"a": {"$elemMatch": {"$gt": 1, "$lt": 4}}};
        assert!(takes(&filter, &doc! {"a": [9, 3]}));
        assert!(!takes(&filter, &doc! {"a": [0, 9]}));
        assert!(!takes(&filter, &doc! {"a": [[2]]}));
        assert!(!takes(&filter, &doc! {"a": 2}));
        assert!(takes(
            &doc! {"a": {"$elemMatch": {"$elemMatch": {"$gt": 1}}}},
            &doc! {"a": [[2]]}
        ));
    }

    #[test]
    fn a_query_takes_an_inner_array_for_a_document() {
        let filter = doc! {"a": {"$elemMatch": {"0": 7, "b": null}}};
        assert!(takes(&filter, &doc! {"a": [[7]]}));
        assert!(!takes(&filter, &doc! {"a": [7]}));
        assert!(takes(&doc! {"a": {"$elemMatch": {}}}, &doc! {"a": [[]]}));
        assert!(takes(
            &doc! {"a": {"$elemMatch": {"$or": [{"b": 1}, {"c": 1}]}}},
            &doc! {"a": [{"c": 1}]}
        ));
    }

    #[test]
    fn all_is_a_row_of_equalities() {
        assert!(takes(&doc! {"a": {"$all": [1, 2]}}, &doc! {"a": [2, 3, 1]}));
        assert!(takes(&doc! {"a": {"$all": [1]}}, &doc! {"a": 1}));
        assert!(takes(&doc! {"a": {"$all": [null]}}, &doc! {}));
        assert!(!takes(&doc! {"a": {"$all": []}}, &doc! {"a": []}));
        let both = doc! {"a": {"$all": [{"$elemMatch": {"b": 1}}, {"$elemMatch": {"b": 2}}]}};
        assert!(takes(&both, &doc! {"a": [{"b": 2}, {"b": 1}]}));
        assert!(!takes(&both, &doc! {"a": [{"b": 2}]}));
    }

    #[test]
    fn the_size_is_of_the_array_itself() {
        assert!(takes(&doc! {"a": {"$size": 1}}, &doc! {"a": [[1, 2]]}));
        assert!(takes(&doc! {"a.0": {"$size": 2.0}}, &doc! {"a": [[1, 2]]}));
        assert!(!takes(&doc! {"a": {"$size": 2}}, &doc! {"a": [[1, 2]]}));
    }

    #[test]
    fn operands_that_say_nothing_are_refused() {
        for filter in [
            doc! {"$elemMatch": null},
            doc! {"$elemMatch": {"$foo": 1}},
            doc! {"$elemMatch": {"$expr": true}},
            doc! {"$all": {"x": 1}},
            doc! {"$all": [{"$elemMatch": {}}, 1]},
            doc! {"$all": [1, {"$elemMatch": {}}]},
            doc! {"$all": [{"$gt": 1}]},
            doc! {"$size": -1},
            doc! {"$size": 1.5},
            doc! {"$size": "1"},
            doc! {"$size": 2_147_483_648_i64},
        ] {
            assert!(Filter::parse(&doc! {"a": filter.clone()}).is_err(), "{filter}");
        }
    }
}
