//! Operators on any value: `$set`, `$min`, `$max`, `$currentDate`.

use super::{Change, Operator};
use crate::error::{Error, ErrorKind, Result};
use crate::value::{Value, order};

/// Which of two values stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extreme {
    /// `$min`
    Least,
    /// `$max`
    Greatest,
}

impl Extreme {
    /// Sets the other value if it is less or greater in the order across types; an equal one is no change.
    pub(super) fn choose(self, value: &Value, other: &Value) -> Change {
        let order = order::compare(other, value);
        let better = match self {
            Self::Least => order.is_lt(),
            Self::Greatest => order.is_gt(),
        };
        if better { Change::set(other) } else { Change::Keep }
    }
}

/// Sets a value unless it is the same to the letter: 1.0 in place of 1 is a change.
pub(super) fn set(value: &Value, new: &Value) -> Change {
    if value == new {
        Change::Keep
    } else {
        Change::set(new)
    }
}

/// Reads the operand of `$currentDate`: a boolean of either sort, or the type.
pub(super) fn parse_current_date(operand: &Value) -> Result<Operator> {
    let options = match operand {
        Value::Bool(_) => return Ok(Operator::CurrentDate),
        Value::Document(options) => options,
        other => {
            let found = other.type_name();
            return Err(Error::update(format!(
                r#"write true or {{"$type": "date"}}, not a value of type {found}"#
            )));
        }
    };
    if let Some(name) = options.keys().find(|name| *name != "$type") {
        return Err(Error::update(format!(
            "unknown option {name}: $type is the only one"
        )));
    }
    match options.get("$type").and_then(Value::as_str) {
        Some("date") => Ok(Operator::CurrentDate),
        Some("timestamp") => Err(Error::new(
            ErrorKind::Unsupported,
            r#"there are no timestamps here: write {"$type": "date"}"#,
        )),
        _ => Err(Error::update(r#"the type of a current date is "date""#)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_value_is_no_change_and_another_type_is() {
        assert_eq!(set(&1.into(), &1.into()), Change::Keep);
        assert_eq!(set(&1.into(), &1.0.into()), Change::set(1.0));
        assert_eq!(set(&0.0.into(), &(-0.0).into()), Change::set(-0.0));
    }

    #[test]
    fn the_extreme_is_found_across_types_and_an_equal_one_is_no_change() {
        assert_eq!(Extreme::Least.choose(&"a".into(), &5.into()), Change::set(5));
        assert_eq!(Extreme::Greatest.choose(&"a".into(), &5.into()), Change::Keep);
        assert_eq!(Extreme::Greatest.choose(&1.into(), &1.0.into()), Change::Keep);
        assert_eq!(Extreme::Least.choose(&Value::Null, &1.into()), Change::Keep);
    }

    #[test]
    fn the_current_date_is_asked_for_with_a_boolean_or_a_type() {
        for operand in [true.into(), false.into(), doc! {"$type": "date"}.into()] {
            assert!(parse_current_date(&operand).is_ok(), "{operand}");
        }
        for operand in [
            1.into(),
            doc! {}.into(),
            doc! {"$type": 9}.into(),
            doc! {"type": "date"}.into(),
        ] {
            assert!(parse_current_date(&operand).is_err(), "{operand}");
        }
        let timestamp = parse_current_date(&doc! {"$type": "timestamp"}.into());
        assert_eq!(timestamp.unwrap_err().kind(), ErrorKind::Unsupported);
    }
}
