//! Arithmetic: `$add` and its kin. Integers stay integers until they overflow, then they become doubles.

use crate::error::{Error, Result};
use crate::value::{DateTime, Value};

use super::{NULL, Operand, Operator, give, is_nullish, wants};

pub(super) const OPERATORS: &[Operator] = &[
    Operator::at_least("$add", 0, add),
    Operator::exactly("$subtract", 2, subtract),
    Operator::at_least("$multiply", 0, multiply),
    Operator::exactly("$divide", 2, divide),
    Operator::exactly("$mod", 2, modulo),
    Operator::exactly("$abs", 1, abs),
    Operator::exactly("$sqrt", 1, sqrt),
    Operator::exactly("$exp", 1, |operands| {
        of_double(operands, |number| Ok(number.exp()))
    }),
    Operator::exactly("$ln", 1, |operands| {
        of_double(operands, |number| Ok(positive(number)?.ln()))
    }),
    Operator::exactly("$log10", 1, |operands| {
        of_double(operands, |number| Ok(positive(number)?.log10()))
    }),
    Operator::exactly("$log", 2, log),
    Operator::exactly("$pow", 2, pow),
];

/// Two numbers as the kind of arithmetic that they need.
enum Pair {
    Ints(i64, i64),
    Doubles(f64, f64),
}

/// Reads two numbers; none if one is null or missing.
fn pair(operands: &[Operand]) -> Result<Option<Pair>> {
    let [left, right] = operands else {
        return Err(Error::query("takes 2 operands"));
    };
    match (left, right) {
        (Some(Value::Int(left)), Some(Value::Int(right))) => Ok(Some(Pair::Ints(*left, *right))),
        (Some(a), Some(b)) if a.is_number() && b.is_number() => {
            Ok(a.as_f64().zip(b.as_f64()).map(|(a, b)| Pair::Doubles(a, b)))
        }
        _ if is_nullish(left) || is_nullish(right) => Ok(None),
        (Some(a), _) if a.is_number() => Err(wants("numbers", right)),
        _ => Err(wants("numbers", left)),
    }
}

fn doubles(operands: &[Operand]) -> Result<Option<(f64, f64)>> {
    Ok(pair(operands)?.map(|pair| match pair {
        Pair::Ints(left, right) => (left as f64, right as f64),
        Pair::Doubles(left, right) => (left, right),
    }))
}

/// A running sum or product: exact while it is an integer, a double from then on.
#[derive(Clone, Copy)]
enum Running {
    Int(i64),
    Double(f64),
}

impl Running {
    fn with(self, number: &Value, ints: fn(i64, i64) -> Option<i64>, doubles: fn(f64, f64) -> f64) -> Self {
        if let (Self::Int(left), Value::Int(right)) = (self, number)
            && let Some(result) = ints(left, *right)
        {
            return Self::Int(result);
        }
        let left = match self {
            Self::Int(left) => left as f64,
            Self::Double(left) => left,
        };
        Self::Double(doubles(left, number.as_f64().unwrap_or(f64::NAN)))
    }
}

fn add(operands: &[Operand]) -> Result<Operand> {
    let mut sum = Running::Int(0);
    let mut has_date = false;
    for operand in operands {
        let number = match operand {
            None | Some(Value::Null) => return NULL,
            Some(Value::Date(_)) if has_date => {
                return Err(Error::query(
                    "takes one date at most: subtract dates with $subtract",
                ));
            }
            Some(Value::Date(date)) => {
                has_date = true;
                &Value::Int(date.as_millis())
            }
            Some(number) if number.is_number() => number,
            other => return Err(wants("numbers and one date", other)),
        };
        sum = sum.with(number, i64::checked_add, |a, b| a + b);
    }
    match sum {
        Running::Int(millis) if has_date => give(DateTime::from_millis(millis)),
        Running::Double(millis) if has_date => date(millis.round()),
        Running::Int(sum) => give(sum),
        Running::Double(sum) => give(sum),
    }
}

fn date(millis: f64) -> Result<Operand> {
    let millis = Value::Double(millis).as_i64();
    give(DateTime::from_millis(
        millis.ok_or_else(|| Error::query("the date is out of range"))?,
    ))
}

fn multiply(operands: &[Operand]) -> Result<Operand> {
    let mut product = Running::Int(1);
    for operand in operands {
        match operand {
            None | Some(Value::Null) => return NULL,
            Some(number) if number.is_number() => {
                product = product.with(number, i64::checked_mul, |a, b| a * b);
            }
            other => return Err(wants("numbers", other)),
        }
    }
    match product {
        Running::Int(product) => give(product),
        Running::Double(product) => give(product),
    }
}

fn subtract(operands: &[Operand]) -> Result<Operand> {
    let out_of_range = || Error::query("the difference of the dates is out of range");
    match operands {
        [Some(Value::Date(left)), Some(Value::Date(right))] => {
            let millis = left.as_millis().checked_sub(right.as_millis());
            give(millis.ok_or_else(out_of_range)?)
        }
        [Some(Value::Date(left)), Some(right)] if right.is_number() => {
            let right = match right {
                Value::Double(double) => Value::Double(double.trunc()).as_i64(),
                other => other.as_i64(),
            };
            let millis = right.and_then(|right| left.as_millis().checked_sub(right));
            give(DateTime::from_millis(millis.ok_or_else(out_of_range)?))
        }
        operands => match pair(operands)? {
            None => NULL,
            Some(Pair::Ints(left, right)) => match left.checked_sub(right) {
                Some(difference) => give(difference),
                None => give(left as f64 - right as f64),
            },
            Some(Pair::Doubles(left, right)) => give(left - right),
        },
    }
}

fn divide(operands: &[Operand]) -> Result<Operand> {
    match doubles(operands)? {
        None => NULL,
        Some((_, 0.0)) => Err(Error::query("cannot divide by zero")),
        Some((left, right)) => give(left / right),
    }
}

/// The remainder has the sign of the dividend. A whole double of 32 bits divides an integer as an integer would.
fn modulo(operands: &[Operand]) -> Result<Operand> {
    let Some((left, right)) = doubles(operands)? else {
        return NULL;
    };
    if right == 0.0 {
        return Err(Error::query("cannot divide by zero"));
    }
    let small = super::small_integer(&operands[1]);
    match (&operands[0], &operands[1], small) {
        (Some(Value::Int(left)), Some(Value::Int(right)), _) => give(left.wrapping_rem(*right)),
        (Some(Value::Int(left)), _, Some(right)) => give(left.wrapping_rem(right)),
        _ => give(left % right),
    }
}

fn abs(operands: &[Operand]) -> Result<Operand> {
    match &operands[0] {
        None | Some(Value::Null) => NULL,
        Some(Value::Double(number)) => give(number.abs()),
        Some(Value::Int(number)) => match number.checked_abs() {
            Some(number) => give(number),
            None => Err(Error::query("the least integer has no absolute value of 64 bits")),
        },
        other => Err(wants("a number", other)),
    }
}

fn of_double(operands: &[Operand], work: fn(f64) -> Result<f64>) -> Result<Operand> {
    match &operands[0] {
        None | Some(Value::Null) => NULL,
        Some(number) => match number.as_f64() {
            Some(number) => give(work(number)?),
            None => Err(wants("a number", &operands[0])),
        },
    }
}

fn sqrt(operands: &[Operand]) -> Result<Operand> {
    of_double(operands, |number| {
        if number < 0.0 {
            return Err(Error::query("takes no negative number"));
        }
        Ok(number.sqrt())
    })
}

fn positive(number: f64) -> Result<f64> {
    if number <= 0.0 {
        return Err(Error::query("takes a number above 0"));
    }
    Ok(number)
}

fn log(operands: &[Operand]) -> Result<Operand> {
    match doubles(operands)? {
        None => NULL,
        Some((_, 1.0)) => Err(Error::query("takes a base other than 1")),
        Some((number, base)) => give(positive(number)?.ln() / positive(base)?.ln()),
    }
}

fn pow(operands: &[Operand]) -> Result<Operand> {
    let Some((base, exponent)) = doubles(operands)? else {
        return NULL;
    };
    if base == 0.0 && exponent < 0.0 {
        return Err(Error::query("cannot raise 0 to a negative exponent"));
    }
    let exact = match (&operands[0], &operands[1]) {
        (Some(Value::Int(base)), Some(Value::Int(exponent))) => integer_pow(*base, *exponent),
        _ => None,
    };
    exact.map_or_else(|| give(base.powf(exponent)), give)
}

/// Returns the power if it is an integer of 64 bits.
fn integer_pow(base: i64, exponent: i64) -> Option<i64> {
    match base {
        1 => Some(1),
        0 => Some(i64::from(exponent == 0)),
        -1 => Some(if exponent % 2 == 0 { 1 } else { -1 }),
        base => base.checked_pow(u32::try_from(exponent).ok()?),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{apply, value};
    use super::*;

    #[test]
    fn integers_overflow_into_doubles() {
        assert_eq!(value("$add", [1, 2]), 3.into());
        assert_eq!(value("$add", [i64::MAX, 1]), 9_223_372_036_854_775_808.0.into());
        assert_eq!(
            value("$multiply", [i64::MAX, 2]),
            18_446_744_073_709_551_616.0.into()
        );
        assert_eq!(
            value("$subtract", [i64::MIN, 1]),
            (-9_223_372_036_854_775_808.0).into()
        );
        assert_eq!(value("$add", Value::Array([].into())), 0.into());
        assert_eq!(value("$multiply", Value::Array([].into())), 1.into());
        assert_eq!(value("$add", [Value::Int(1), 0.5.into()]), 1.5.into());
        assert_eq!(value("$pow", [2, 62]), (1_i64 << 62).into());
        assert_eq!(value("$pow", [2, 64]), 18_446_744_073_709_551_616.0.into());
        assert_eq!(value("$pow", [2, -1]), 0.5.into());
        assert_eq!(value("$pow", [-1, -3]), (-1).into());
        assert!(apply("$abs", i64::MIN).is_err());
    }

    #[test]
    fn null_and_missing_give_null() {
        for name in [
            "$add",
            "$subtract",
            "$multiply",
            "$divide",
            "$mod",
            "$pow",
            "$log",
        ] {
            assert_eq!(value(name, [Value::Int(1), Value::Null]), Value::Null, "{name}");
            assert_eq!(value(name, ["$none", "$none"]), Value::Null, "{name}");
            assert!(apply(name, [Value::Int(1), "x".into()]).is_err(), "{name}");
        }
        for name in ["$abs", "$sqrt", "$exp", "$ln", "$log10"] {
            assert_eq!(value(name, Value::Null), Value::Null, "{name}");
            assert!(apply(name, true).is_err(), "{name}");
        }
    }

    #[test]
    fn remainders_take_the_sign_of_the_dividend() {
        assert_eq!(value("$mod", [-7, 3]), (-1).into());
        assert_eq!(value("$mod", [Value::Int(7), 2.0.into()]), 1.into());
        assert_eq!(value("$mod", [Value::Int(7), 2.5.into()]), 2.0.into());
        assert_eq!(value("$mod", [Value::Double(7.0), 2.into()]), 1.0.into());
        assert_eq!(value("$mod", [i64::MIN, -1]), 0.into());
        assert!(apply("$mod", [1, 0]).is_err());
        assert!(apply("$divide", [Value::Int(1), (-0.0).into()]).is_err());
        assert_eq!(value("$divide", [4, 2]), 2.0.into());
    }

    #[test]
    fn dates_move_by_milliseconds() {
        let date = |millis| Value::Date(DateTime::from_millis(millis));
        assert_eq!(value("$add", [date(5), 2.into()]), date(7));
        assert_eq!(value("$add", [date(5), 1.5.into()]), date(7));
        assert_eq!(value("$subtract", [date(5), 2.into()]), date(3));
        assert_eq!(value("$subtract", [date(5), date(7)]), (-2).into());
        assert!(apply("$add", [date(5), date(7)]).is_err());
        assert!(apply("$subtract", [Value::Int(5), date(7)]).is_err());
        assert!(apply("$add", [date(i64::MAX), i64::MAX.into()]).is_err());
        assert!(apply("$subtract", [date(i64::MIN), 1.into()]).is_err());
    }

    #[test]
    fn functions_refuse_what_they_have_no_value_for() {
        assert!(apply("$sqrt", -1).is_err());
        assert!(apply("$ln", 0).is_err());
        assert!(apply("$log10", -1).is_err());
        assert!(apply("$log", [2, 1]).is_err());
        assert!(apply("$pow", [0, -1]).is_err());
        assert_eq!(value("$sqrt", 25), 5.0.into());
        assert_eq!(value("$log10", 1000), 3.0.into());
    }
}
