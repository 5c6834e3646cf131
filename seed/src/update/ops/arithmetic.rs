//! `$inc` and `$mul`.

use super::{Change, Operator};
use crate::error::{Error, Result};
use crate::value::Value;

/// How a number is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    /// `$inc`
    Add,
    /// `$mul`
    Multiply,
}

/// Reads the operand, a number.
pub(super) fn parse(arithmetic: Arithmetic, operand: &Value) -> Result<Operator> {
    if operand.is_number() {
        return Ok(Operator::Arithmetic(arithmetic, operand.clone()));
    }
    Err(Error::update(format!(
        "the operand is a number, not a value of type {}",
        operand.type_name()
    )))
}

impl Arithmetic {
    /// Computes the new number: an integer if both are, else a double.
    pub(super) fn on_value(self, value: &Value, operand: &Value) -> Result<Change> {
        if !value.is_number() {
            let found = value.type_name();
            return Err(Error::update(format!(
                "the operator changes a number, but there is a value of type {found}"
            )));
        }
        let result = self.compute(value, operand).ok_or_else(|| {
            Error::update(format!(
                "{value} and {operand} make a number beyond 64 bits: use doubles for large numbers"
            ))
        })?;
        Ok(if is_identical(value, &result) {
            Change::Keep
        } else {
            Change::Set(result)
        })
    }

    /// Computes the number where there was none: the operand itself, or a zero of its type.
    pub(super) fn on_missing(self, operand: &Value) -> Value {
        match (self, operand) {
            (Self::Add, _) => operand.clone(),
            (Self::Multiply, Value::Double(factor)) => Value::Double(0.0 * factor),
            (Self::Multiply, _) => Value::Int(0),
        }
    }

    /// None if two integers make one that has no 64 bits.
    fn compute(self, value: &Value, operand: &Value) -> Option<Value> {
        if let (Value::Int(a), Value::Int(b)) = (value, operand) {
            return match self {
                Self::Add => a.checked_add(*b),
                Self::Multiply => a.checked_mul(*b),
            }
            .map(Value::Int);
        }
        let (a, b) = (value.as_f64()?, operand.as_f64()?);
        Some(Value::Double(match self {
            Self::Add => a + b,
            Self::Multiply => a * b,
        }))
    }
}

/// Tells whether a result is the number that was there, in its type too.
///
/// Source: the server's `SafeNum::isIdentical`: the zeros are one number, and a NaN is always a change.
fn is_identical(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Double(a), Value::Double(b)) => a == b,
        (a, b) => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on_value(arithmetic: Arithmetic, value: impl Into<Value>, operand: impl Into<Value>) -> Change {
        arithmetic.on_value(&value.into(), &operand.into()).unwrap()
    }

    #[test]
    fn two_integers_make_an_integer_and_all_else_a_double() {
        assert_eq!(on_value(Arithmetic::Add, 1, 2), Change::set(3));
        assert_eq!(on_value(Arithmetic::Add, 1, 0.0), Change::set(1.0));
        assert_eq!(on_value(Arithmetic::Multiply, -0.5, 0), Change::set(-0.0));
        assert_eq!(
            on_value(Arithmetic::Multiply, i64::MAX, 2.0),
            Change::set(18_446_744_073_709_551_616.0)
        );
    }

    #[test]
    fn an_unchanged_number_is_no_change() {
        assert_eq!(on_value(Arithmetic::Add, 5, 0), Change::Keep);
        assert_eq!(on_value(Arithmetic::Multiply, 2.5, 1), Change::Keep);
        assert_eq!(on_value(Arithmetic::Add, -0.0, 0.0), Change::Keep);
    }

    #[test]
    fn overflow_and_other_types_are_errors() {
        for arithmetic in [Arithmetic::Add, Arithmetic::Multiply] {
            assert!(arithmetic.on_value(&i64::MAX.into(), &2.into()).is_err());
            assert!(arithmetic.on_value(&i64::MIN.into(), &(-1).into()).is_err());
            assert!(arithmetic.on_value(&Value::Null, &2.into()).is_err());
            assert!(parse(arithmetic, &"2".into()).is_err());
        }
    }

    #[test]
    fn a_missing_number_begins_at_zero() {
        assert_eq!(Arithmetic::Add.on_missing(&2.5.into()), 2.5.into());
        assert_eq!(Arithmetic::Multiply.on_missing(&2.5.into()), 0.0.into());
        assert_eq!(Arithmetic::Multiply.on_missing(&2.into()), 0.into());
    }
}
