//! `$eq $gt $gte $lt $lte` and `$in`: a value against an operand.

use crate::error::{Error, Result};
use crate::filter::parse::is_operators;
use crate::filter::{Comparison, Test};
use crate::value::{Value, order};

impl Comparison {
    /// Tells whether a value that equals the operand passes.
    pub fn takes_equal(self) -> bool {
        matches!(self, Self::Eq | Self::Gte | Self::Lte)
    }
}

/// Reads the operand of `$in`.
///
/// The values are kept sorted and each once, so that a long list is searched by halves. A list of one value is an
/// equality, which planners and upserts understand.
pub(in crate::filter) fn parse_in(operand: &Value) -> Result<Test> {
    let Value::Array(listed) = operand else {
        return Err(Error::query("an array of values is expected"));
    };
    if listed.iter().any(is_operators) {
        return Err(Error::query(
            "the values of a list are compared as they are: no operator can stand in it",
        ));
    }
    let mut values = listed.to_vec();
    values.sort_by(order::compare);
    values.dedup_by(|a, b| order::equal(a, b));
    Ok(match values.as_slice() {
        [value] => Test::Compare(Comparison::Eq, value.clone()),
        _ => Test::In(values),
    })
}

/// Tells whether a value, or its absence, compares so to the operand.
///
/// Values of different types never compare; numbers are one type. A missing value is as null, and NaN equals itself
/// but is neither above nor below anything.
pub(in crate::filter) fn passes(comparison: Comparison, operand: &Value, value: Option<&Value>) -> bool {
    let Some(value) = value else {
        return operand.is_null() && comparison.takes_equal();
    };
    if comparison == Comparison::Eq {
        return order::equal(value, operand);
    }
    if order::rank(value) != order::rank(operand) {
        return false;
    }
    if is_nan(value) || is_nan(operand) {
        return comparison.takes_equal() && is_nan(value) && is_nan(operand);
    }
    let order = order::compare(value, operand);
    match comparison {
        Comparison::Eq => order.is_eq(),
        Comparison::Gt => order.is_gt(),
        Comparison::Gte => order.is_ge(),
        Comparison::Lt => order.is_lt(),
        Comparison::Lte => order.is_le(),
    }
}

/// Tells whether a value, or null for its absence, equals one of the sorted operands.
pub(in crate::filter) fn is_in(operands: &[Value], value: Option<&Value>) -> bool {
    let value = value.unwrap_or(&Value::Null);
    operands
        .binary_search_by(|operand| order::compare(operand, value))
        .is_ok()
}

fn is_nan(value: &Value) -> bool {
    matches!(value, Value::Double(double) if double.is_nan())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compares(value: impl Into<Value>, comparison: Comparison, operand: impl Into<Value>) -> bool {
        passes(comparison, &operand.into(), Some(&value.into()))
    }

    #[test]
    fn only_values_of_one_type_compare() {
        assert!(compares(1.5, Comparison::Gt, 1));
        assert!(!compares("a", Comparison::Gt, 1));
        assert!(compares(true, Comparison::Gt, false));
        assert!(!compares(true, Comparison::Eq, 1));
    }

    #[test]
    fn missing_is_null_where_equality_is_taken() {
        for (comparison, taken) in [
            (Comparison::Eq, true),
            (Comparison::Gte, true),
            (Comparison::Lte, true),
            (Comparison::Gt, false),
            (Comparison::Lt, false),
        ] {
            assert_eq!(passes(comparison, &Value::Null, None), taken);
            assert_eq!(passes(comparison, &Value::Null, Some(&Value::Null)), taken);
            assert!(!passes(comparison, &Value::Int(1), None));
        }
    }

    #[test]
    fn nan_equals_itself_and_is_in_no_range() {
        assert!(compares(f64::NAN, Comparison::Eq, f64::NAN));
        assert!(compares(f64::NAN, Comparison::Gte, f64::NAN));
        assert!(!compares(f64::NAN, Comparison::Lt, 5));
        assert!(!compares(5, Comparison::Gt, f64::NAN));
    }

    #[test]
    fn a_list_is_sorted_and_each_value_stands_once() {
        let Test::In(values) =
            parse_in(&["b".into(), Value::Int(1), 1.0.into(), Value::Null].into()).unwrap()
        else {
            panic!("three values are a list");
        };
        assert_eq!(values, [Value::Null, Value::Int(1), "b".into()]);
        assert!(is_in(&values, None) && is_in(&values, Some(&Value::Double(1.0))));
        assert!(!is_in(&values, Some(&"a".into())));
        assert!(matches!(
            parse_in(&[7, 7].into()).unwrap(),
            Test::Compare(Comparison::Eq, Value::Int(7))
        ));
    }

    #[test]
    fn a_list_holds_values_and_no_operators() {
        assert!(parse_in(&Value::Int(1)).is_err());
        assert!(parse_in(&[doc! {"$gt": 1}].into()).is_err());
        assert!(parse_in(&[doc! {"$ref": "c", "$id": 1}].into()).is_ok());
    }
}
