//! `$mod`: the remainder of a division of whole numbers.

use crate::error::{Error, Result};
use crate::filter::Test;
use crate::value::Value;

/// Reads `[divisor, remainder]`, both cut to whole numbers.
pub(in crate::filter) fn parse(operand: &Value) -> Result<Test> {
    let Some([divisor, remainder]) = operand.as_array().map(|elements| elements.as_slice()) else {
        return Err(Error::query(
            "[divisor, remainder] is expected, an array of two numbers",
        ));
    };
    let (Some(divisor), Some(remainder)) = (whole(divisor), whole(remainder)) else {
        return Err(Error::query("divisor and remainder are numbers within 64 bits"));
    };
    if divisor == 0 {
        return Err(Error::query(
            "the divisor is zero once it is cut to a whole number",
        ));
    }
    Ok(Test::Mod { divisor, remainder })
}

/// Tells whether the value is a number that, cut to a whole one, leaves the remainder with the sign of the dividend.
pub(in crate::filter) fn leaves(divisor: i64, remainder: i64, value: Option<&Value>) -> bool {
    // The one overflow, the least number by -1, leaves zero.
    value
        .and_then(whole)
        .is_some_and(|dividend| dividend.wrapping_rem(divisor) == remainder)
}

/// Cuts a number toward zero; none if it is no number, or none within 64 bits.
fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Double(double) => Value::Double(double.trunc()).as_i64(),
        other => other.as_i64(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(operand: impl Into<Value>, value: impl Into<Value>) -> bool {
        let Test::Mod { divisor, remainder } = parse(&operand.into()).unwrap() else {
            unreachable!()
        };
        leaves(divisor, remainder, Some(&value.into()))
    }

    #[test]
    fn doubles_are_cut_toward_zero_and_the_sign_is_the_dividends() {
        assert!(passes([2.9, 1.5], 5.9));
        assert!(passes([2, -1], -5));
        assert!(!passes([2, 1], -5));
        assert!(passes([-1, 0], i64::MIN));
        assert!(!passes([2, 0], 1e300) && !passes([2, 0], f64::NAN) && !passes([2, 0], "4"));
    }

    #[test]
    fn an_operand_that_divides_nothing_is_refused() {
        let operands: [Value; 6] = [
            Value::Int(2),
            [2].into(),
            [2, 1, 0].into(),
            [0.5, 1.0].into(),
            [f64::NAN, 1.0].into(),
            [Value::Int(2), "x".into()].into(),
        ];
        for operand in operands {
            assert!(parse(&operand).is_err(), "{operand}");
        }
    }
}
