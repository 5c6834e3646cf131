//! Types: asked for, and turned into each other.

use jiff::civil;
use jiff::tz::TimeZone;

use crate::error::{Error, Result};
use crate::value::{DateTime, ObjectId, Value};

use super::{NULL, Operand, Operator, give, is_nullish, is_true, kind, wants};

pub(super) const OPERATORS: &[Operator] = &[
    Operator::exactly("$type", 1, |operands| give(kind(&operands[0]))),
    Operator::exactly("$isNumber", 1, |operands| {
        give(operands[0].as_ref().is_some_and(Value::is_number))
    }),
    Operator::exactly("$toString", 1, |operands| convert(&operands[0], to_string)),
    Operator::exactly("$toInt", 1, |operands| convert(&operands[0], to_int)),
    Operator::exactly("$toLong", 1, |operands| convert(&operands[0], to_long)),
    Operator::exactly("$toDouble", 1, |operands| convert(&operands[0], to_double)),
    Operator::exactly("$toBool", 1, |operands| {
        convert(&operands[0], |value| Some(is_true(&Some(value.clone())).into()))
    }),
    Operator::exactly("$toDate", 1, |operands| convert(&operands[0], to_date)),
    Operator::exactly("$toObjectId", 1, |operands| convert(&operands[0], to_object_id)),
];

/// Null and missing stay null, what cannot be converted is an error.
fn convert(operand: &Operand, work: fn(&Value) -> Option<Value>) -> Result<Operand> {
    match operand {
        None | Some(Value::Null) => NULL,
        Some(value) => match work(value) {
            Some(converted) => Ok(Some(converted)),
            None => {
                let text = value
                    .as_str()
                    .map_or_else(String::new, |text| format!(" {text:?}"));
                Err(Error::query(format!(
                    "cannot convert the {}{text}",
                    value.type_name()
                )))
            }
        },
    }
}

fn to_string(value: &Value) -> Option<Value> {
    Some(match value {
        Value::String(text) => text.into(),
        Value::Bool(bool) => bool.to_string().into(),
        Value::Int(int) => int.to_string().into(),
        Value::Double(double) => double_text(*double).into(),
        Value::Date(date) => date.to_string().into(),
        Value::ObjectId(id) => id.to_string().into(),
        Value::Null | Value::Binary(_) | Value::Array(_) | Value::Document(_) => return None,
    })
}

/// As a 32-bit integer is one in range, so is this; it is kept in 64 bits like all.
fn to_int(value: &Value) -> Option<Value> {
    match value {
        Value::Date(_) => None,
        value => to_long(value).filter(|value| value.as_i64().is_some_and(|int| i32::try_from(int).is_ok())),
    }
}

fn to_long(value: &Value) -> Option<Value> {
    match value {
        Value::Bool(bool) => Some(i64::from(*bool).into()),
        Value::Int(int) => Some((*int).into()),
        Value::Double(double) => Value::Double(double.trunc()).as_i64().map(Value::Int),
        Value::String(text) => text.parse().ok().map(Value::Int),
        Value::Date(date) => Some(date.as_millis().into()),
        _ => None,
    }
}

fn to_double(value: &Value) -> Option<Value> {
    match value {
        Value::Bool(bool) => Some(f64::from(u8::from(*bool)).into()),
        Value::Int(_) | Value::Double(_) => value.as_f64().map(Value::Double),
        Value::String(text) => text.parse().ok().map(Value::Double),
        Value::Date(date) => Some((date.as_millis() as f64).into()),
        _ => None,
    }
}

fn to_date(value: &Value) -> Option<Value> {
    let millis = match value {
        Value::Int(millis) => *millis,
        Value::Double(millis) => Value::Double(millis.trunc()).as_i64()?,
        Value::Date(date) => date.as_millis(),
        Value::String(text) => return text.parse().ok().or_else(|| local_date(text)).map(Value::Date),
        Value::ObjectId(id) => {
            let [a, b, c, d, ..] = *id.bytes();
            i64::from(u32::from_be_bytes([a, b, c, d])) * 1000
        }
        _ => return None,
    };
    Some(DateTime::from_millis(millis).into())
}

/// Reads a date without a time zone, which is then UTC, or without a time, which is then midnight.
fn local_date(text: &str) -> Option<DateTime> {
    let local: civil::DateTime = text.parse().ok()?;
    let moment = local.to_zoned(TimeZone::UTC).ok()?.timestamp();
    Some(DateTime::from_millis(moment.as_millisecond()))
}

fn to_object_id(value: &Value) -> Option<Value> {
    match value {
        Value::ObjectId(id) => Some((*id).into()),
        Value::String(text) => text.parse::<ObjectId>().ok().map(Value::ObjectId),
        _ => None,
    }
}

/// Returns an operand as the operators over strings read it: nothing is an empty string.
pub(super) fn plain_text(operand: &Operand) -> Result<String> {
    if is_nullish(operand) {
        return Ok(String::new());
    }
    match operand {
        Some(Value::String(text)) => Ok(text.to_string()),
        Some(Value::Int(int)) => Ok(int.to_string()),
        Some(Value::Double(double)) => Ok(double_text(*double)),
        Some(Value::Date(date)) => Ok(date.to_string()),
        other => Err(wants("a string, a number or a date", other)),
    }
}

/// Writes a double with 16 digits as C's `%.16g` does, which is what MongoDB shows.
fn double_text(double: f64) -> String {
    if double.is_nan() {
        return "NaN".to_owned();
    }
    if double.is_infinite() {
        return if double > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let scientific = format!("{double:.15e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        let decimals = (15 - exponent).unsigned_abs() as usize;
        return without_zeros(&format!("{double:.decimals$}")).to_owned();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", without_zeros(mantissa), exponent.unsigned_abs())
}

fn without_zeros(text: &str) -> &str {
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{apply, value};
    use super::*;

    #[test]
    fn doubles_are_written_with_16_digits() {
        for (double, text) in [
            (1.0, "1"),
            (2.5, "2.5"),
            (-0.1, "-0.1"),
            (1.0 / 3.0, "0.3333333333333333"),
            (1e15, "1000000000000000"),
            (1e16, "1e+16"),
            (1.5e-7, "1.5e-07"),
            (0.0001, "0.0001"),
            (0.0, "0"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            assert_eq!(value("$toString", double), text.into());
        }
    }

    #[test]
    fn strings_become_numbers_only_as_a_whole() {
        assert_eq!(value("$toInt", "-12"), (-12).into());
        assert_eq!(value("$toLong", "9223372036854775807"), i64::MAX.into());
        assert_eq!(value("$toDouble", "2.5"), 2.5.into());
        assert_eq!(value("$toLong", 2.9), 2.into());
        for (name, operand) in [
            ("$toInt", Value::from("1.5")),
            ("$toInt", " 1".into()),
            ("$toInt", (1_i64 << 31).into()),
            ("$toLong", 1e19.into()),
            ("$toLong", f64::NAN.into()),
            ("$toDouble", "x".into()),
            ("$toInt", DateTime::from_millis(1).into()),
            ("$toString", Value::from(doc! {})),
            ("$toDate", true.into()),
        ] {
            assert!(apply(name, operand.clone()).is_err(), "{name} {operand}");
        }
    }

    #[test]
    fn null_stays_null_and_all_else_has_a_truth() {
        for name in [
            "$toString",
            "$toInt",
            "$toLong",
            "$toDouble",
            "$toBool",
            "$toDate",
            "$toObjectId",
        ] {
            assert_eq!(value(name, Value::Null), Value::Null, "{name}");
        }
        assert_eq!(value("$toBool", ""), true.into());
        assert_eq!(value("$toBool", 0.0), false.into());
        assert_eq!(value("$type", "$none"), "missing".into());
        assert_eq!(value("$type", 1), "long".into());
        assert_eq!(value("$isNumber", "1"), false.into());
    }

    #[test]
    fn dates_come_from_text_numbers_and_ids() {
        let expected = Value::Date("2026-01-02T03:04:05Z".parse().unwrap());
        assert_eq!(value("$toDate", "2026-01-02T04:04:05+01:00"), expected);
        assert_eq!(value("$toDate", "2026-01-02T03:04:05"), expected);
        assert_eq!(
            value("$toDate", "1970-01-02"),
            Value::Date(DateTime::from_millis(86_400_000))
        );
        assert_eq!(value("$toDate", 5.7), Value::Date(DateTime::from_millis(5)));
        let id: ObjectId = "0000000a0000000000000000".parse().unwrap();
        assert_eq!(value("$toDate", id), Value::Date(DateTime::from_millis(10_000)));
        assert_eq!(value("$toObjectId", "0000000a0000000000000000"), id.into());
        assert!(apply("$toDate", "yesterday").is_err());
        assert_eq!(value("$toString", expected), "2026-01-02T03:04:05.000Z".into());
    }
}
