//! Rounding: `$ceil`, `$floor`, `$round`, `$trunc`.

use crate::error::{Error, Result};
use crate::value::Value;

use super::{NULL, Operand, Operator, give, is_nullish, wants};

pub(super) const OPERATORS: &[Operator] = &[
    Operator::exactly("$ceil", 1, |operands| whole(&operands[0], f64::ceil)),
    Operator::exactly("$floor", 1, |operands| whole(&operands[0], f64::floor)),
    Operator::between("$round", 1, 2, |operands| to_place(operands, Mode::HalfToEven)),
    Operator::between("$trunc", 1, 2, |operands| to_place(operands, Mode::TowardZero)),
];

#[derive(Clone, Copy, PartialEq)]
enum Mode {
    HalfToEven,
    TowardZero,
}

fn whole(operand: &Operand, round: fn(f64) -> f64) -> Result<Operand> {
    match operand {
        None | Some(Value::Null) => NULL,
        Some(Value::Int(int)) => give(*int),
        Some(Value::Double(double)) => give(round(*double)),
        other => Err(wants("a number", other)),
    }
}

/// Rounds to a decimal place after the point, or before it where the place is negative.
fn to_place(operands: &[Operand], mode: Mode) -> Result<Operand> {
    let [number, place @ ..] = operands else {
        return Err(Error::query("takes a number"));
    };
    if is_nullish(number) || place.iter().any(is_nullish) {
        return NULL;
    }
    let place = match place {
        [] => 0,
        [place, ..] => match place.as_ref().and_then(Value::as_i64) {
            Some(place) if (-20..=100).contains(&place) => place as i32,
            _ => {
                return Err(Error::query(
                    "takes a place that is a whole number from -20 to 100",
                ));
            }
        },
    };
    match number {
        Some(Value::Int(int)) => give(int_to_place(*int, place, mode)?),
        Some(Value::Double(double)) => give(double_to_place(*double, place, mode)),
        other => Err(wants("a number", other)),
    }
}

fn int_to_place(int: i64, place: i32, mode: Mode) -> Result<i64> {
    if place >= 0 {
        return Ok(int);
    }
    let rounded = i128::from(int.signum())
        * cut(
            u128::from(int.unsigned_abs()),
            place.unsigned_abs(),
            mode,
            Put::Back,
        ) as i128;
    i64::try_from(rounded).map_err(|_| Error::query("the rounded number is no integer of 64 bits"))
}

/// Rounds by the decimal digits of the double, 34 of them, as MongoDB's server does.
fn double_to_place(double: f64, place: i32, mode: Mode) -> f64 {
    if !double.is_finite() || double == 0.0 {
        return double;
    }
    let Some((digits, exponent)) = decimal(double.abs()) else {
        return double;
    };
    let superfluous = -place - exponent;
    if superfluous <= 0 {
        return double;
    }
    let kept = cut(digits, superfluous.unsigned_abs(), mode, Put::Away);
    let rounded: f64 = format!("{kept}e{}", -place).parse().unwrap_or(double);
    rounded.copysign(double)
}

/// Returns the digits of a double as an integer, and the power of ten that it is to be multiplied by.
fn decimal(double: f64) -> Option<(u128, i32)> {
    let text = format!("{double:.33e}");
    let (mantissa, exponent) = text.split_once('e')?;
    let digits = mantissa.replace('.', "").parse().ok()?;
    Some((digits, exponent.parse::<i32>().ok()? - 33))
}

/// Whether the digits that were cut off come back as zeros.
#[derive(Clone, Copy, PartialEq)]
enum Put {
    Back,
    Away,
}

/// Cuts off decimal digits.
fn cut(number: u128, digits: u32, mode: Mode, put: Put) -> u128 {
    // Beyond all digits that a number here has.
    let Some(unit) = 10_u128.checked_pow(digits) else {
        return 0;
    };
    let (kept, rest) = (number / unit, number % unit);
    let up = mode == Mode::HalfToEven && (rest > unit / 2 || rest == unit / 2 && kept % 2 == 1);
    let kept = kept + u128::from(up);
    if put == Put::Back { kept * unit } else { kept }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{apply, value};
    use super::*;

    fn round(number: impl Into<Value>, place: i64) -> Value {
        value("$round", [number.into(), place.into()])
    }

    #[test]
    fn halves_go_to_the_even_neighbour() {
        assert_eq!(value("$round", 2.5), 2.0.into());
        assert_eq!(value("$round", 3.5), 4.0.into());
        assert_eq!(value("$round", -2.5), (-2.0).into());
        assert_eq!(round(19.25, 1), 19.2.into());
        assert_eq!(round(2.345, 2), 2.35.into());
        assert_eq!(round(25, -1), 20.into());
        assert_eq!(round(35, -1), 40.into());
        assert_eq!(round(-35, -1), (-40).into());
        assert_eq!(round(1_234_567.0, -3), 1_235_000.0.into());
    }

    #[test]
    fn a_place_beyond_all_digits_changes_nothing_or_leaves_zero() {
        assert_eq!(round(0.1, 100), 0.1.into());
        assert_eq!(round(1e300, 20), 1e300.into());
        assert_eq!(round(5, -20), 0.into());
        assert_eq!(round(1e-300, 5), 0.0.into());
        assert_eq!(round(f64::INFINITY, 1), f64::INFINITY.into());
        assert!(apply("$round", [i64::MAX, -19]).is_err());
        assert!(apply("$round", [1, 101]).is_err());
        assert!(apply("$round", [Value::Int(1), 1.5.into()]).is_err());
    }

    #[test]
    fn the_others_keep_the_type() {
        assert_eq!(value("$trunc", -2.7), (-2.0).into());
        assert_eq!(value("$trunc", [Value::Double(2.789), 1.into()]), 2.7.into());
        assert_eq!(value("$ceil", 2.1), 3.0.into());
        assert_eq!(value("$floor", -2.1), (-3.0).into());
        assert_eq!(value("$floor", 7), 7.into());
        assert_eq!(value("$ceil", Value::Null), Value::Null);
        assert_eq!(value("$round", "$none"), Value::Null);
        assert!(apply("$ceil", "x").is_err());
    }
}
