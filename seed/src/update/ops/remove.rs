//! Elements taken out of an array: `$pop`, `$pull`, `$pullAll`.

use super::{Change, array};
use crate::error::{Error, Result};
use crate::filter::Filter;
use crate::update::array_filters::refuse_expressions;
use crate::value::{Document, Text, Value, order};

/// Which end of an array loses an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The first one, written `-1`.
    Front,
    /// The last one, written `1`.
    Back,
}

impl End {
    /// Reads `1` or `-1`.
    pub(super) fn parse(operand: &Value) -> Result<Self> {
        match operand.as_i64() {
            Some(1) => Ok(Self::Back),
            Some(-1) => Ok(Self::Front),
            _ => Err(Error::update(format!(
                "$pop takes 1 for the last element or -1 for the first, not {operand}"
            ))),
        }
    }

    /// Takes one element away, if there is one.
    pub(super) fn on_value(self, value: &Value) -> Result<Change> {
        let rest = match (self, array(value)?.as_slice()) {
            (_, []) => return Ok(Change::Keep),
            (Self::Front, [_, rest @ ..]) | (Self::Back, [rest @ .., _]) => rest,
        };
        Ok(Change::Set(Value::Array(rest.into())))
    }
}

/// Which elements are taken out.
#[derive(Clone, Debug)]
pub(crate) enum Unwanted {
    /// Those that equal one of these, which are in the order of comparison.
    Values(Vec<Value>),
    /// The documents that meet a filter.
    Documents(Filter),
    /// Those that pass a test, which is a filter on this field.
    Elements(Text, Filter),
}

impl Unwanted {
    /// Reads the operand of `$pull`: a test, a filter on documents, or a value.
    pub(super) fn parse_condition(path: &str, operand: &Value) -> Result<Self> {
        let Value::Document(condition) = operand else {
            return Ok(Self::Values(vec![operand.clone()]));
        };
        if condition.keys().next().is_some_and(is_test) {
            // The field is named like the array, so that an error in the test names the right place.
            let name: Text = path.split('.').next().unwrap_or_default().into();
            let mut wrapped = Document::with_capacity(1);
            wrapped.push(name.clone(), condition.clone());
            return Ok(Self::Elements(name, Filter::parse(&wrapped)?));
        }
        let filter = Filter::parse(condition)?;
        refuse_expressions(filter.root())?;
        Ok(Self::Documents(filter))
    }

    /// Reads the operand of `$pullAll`: values.
    pub(super) fn parse_list(operand: &Value) -> Result<Self> {
        let Value::Array(values) = operand else {
            let found = operand.type_name();
            return Err(Error::update(format!(
                "$pullAll takes an array of values, not a value of type {found}"
            )));
        };
        let mut values = values.to_vec();
        values.sort_by(order::compare);
        Ok(Self::Values(values))
    }

    /// Takes the elements out of an array.
    pub(super) fn on_value(&self, value: &Value) -> Result<Change> {
        let elements = array(value)?;
        let mut kept = Vec::with_capacity(elements.len());
        for element in elements {
            if !self.includes(element)? {
                kept.push(element.clone());
            }
        }
        Ok(if kept.len() == elements.len() {
            Change::Keep
        } else {
            Change::set(kept)
        })
    }

    fn includes(&self, element: &Value) -> Result<bool> {
        match (self, element) {
            (Self::Values(values), _) => Ok(values
                .binary_search_by(|value| order::compare(value, element))
                .is_ok()),
            (Self::Documents(filter), Value::Document(document)) => filter.matches(document),
            (Self::Documents(_), _) => Ok(false),
            (Self::Elements(name, filter), _) => {
                let mut wrapped = Document::with_capacity(1);
                wrapped.push(name.clone(), element.clone());
                filter.matches(&wrapped)
            }
        }
    }
}

/// Tells whether a name is an operator on the values of a field, so that the document that it begins is a test.
///
/// The others that begin with `$` join filters. `$not` is with them: the server does not take it here.
fn is_test(name: &str) -> bool {
    name.starts_with('$')
        && ![
            "$and",
            "$or",
            "$nor",
            "$not",
            "$expr",
            "$comment",
            "$alwaysTrue",
            "$alwaysFalse",
        ]
        .contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pull(condition: impl Into<Value>, elements: &Value) -> Change {
        Unwanted::parse_condition("a.b", &condition.into())
            .unwrap()
            .on_value(elements)
            .unwrap()
    }

    #[test]
    fn an_end_is_taken_away() {
        assert_eq!(End::Front.on_value(&[1, 2].into()).unwrap(), Change::set([2]));
        assert_eq!(End::Back.on_value(&[1, 2].into()).unwrap(), Change::set([1]));
        assert_eq!(
            End::Back.on_value(&Value::Array(Default::default())).unwrap(),
            Change::Keep
        );
        assert!(End::Back.on_value(&Value::Null).is_err());
        for operand in [Value::from(0), 2.into(), 1.5.into(), "1".into(), true.into()] {
            assert!(End::parse(&operand).is_err(), "{operand}");
        }
    }

    #[test]
    fn a_value_is_compared_whole() {
        let elements = doc! {"v": [1, 1.0, [1], "1"]}.get("v").unwrap().clone();
        assert_eq!(
            pull(1, &elements),
            Change::Set(doc! {"v": [[1], "1"]}.get("v").unwrap().clone())
        );
        assert_eq!(
            pull([1], &elements),
            Change::Set(doc! {"v": [1, 1.0, "1"]}.get("v").unwrap().clone())
        );
        assert_eq!(pull("x", &elements), Change::Keep);
    }

    #[test]
    fn a_document_is_a_filter_on_documents() {
        let elements = doc! {"v": [{"y": 2, "x": 1}, 1, null, {}]}
            .get("v")
            .unwrap()
            .clone();
        let expected = doc! {"v": [1, null, {}]}.get("v").unwrap().clone();
        assert_eq!(
            pull(doc! {"x": 1, "y": 2}, &elements),
            Change::Set(expected.clone())
        );
        assert_eq!(
            pull(doc! {"$or": [{"x": 1}, {"q": 1}]}, &elements),
            Change::Set(expected)
        );
        assert_eq!(
            pull(doc! {}, &elements),
            Change::Set(doc! {"v": [1, null]}.get("v").unwrap().clone())
        );
    }

    #[test]
    fn operators_are_a_test_on_elements() {
        let elements = doc! {"v": [1, 5, [7], {"x": 9}]}.get("v").unwrap().clone();
        let expected = doc! {"v": [1, {"x": 9}]}.get("v").unwrap().clone();
        assert_eq!(pull(doc! {"$gt": 2}, &elements), Change::Set(expected));
        for condition in [
            doc! {"$foo": 1},
            doc! {"$gt": 1, "x": 1},
            doc! {"$not": {"$gt": 1}},
            doc! {"$expr": true},
        ] {
            assert!(Unwanted::parse_condition("a", &condition.into()).is_err());
        }
    }
}
