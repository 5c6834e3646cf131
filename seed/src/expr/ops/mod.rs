//! The operators that are plain functions over values: a table for each theme.

mod arithmetic;
mod array;
mod compare;
mod convert;
mod date;
mod object;
mod rounding;
mod set;
mod statistics;
mod text;

use std::fmt;

use crate::error::{Error, Result};
use crate::value::{Array, Value};

use super::Operand;

pub(crate) use object::merge_into;

/// One operator.
pub(super) struct Operator {
    pub(super) name: &'static str,
    pub(super) takes: Takes,
    pub(super) apply: fn(&[Operand]) -> Result<Operand>,
}

/// What an operator takes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Takes {
    /// So many operands.
    Operands { least: usize, most: usize },
    /// A document with these names, of which so many must be there; at most the last one may be left out.
    Named {
        required: usize,
        names: &'static [&'static str],
    },
    /// A date, or a document with a date and a time zone.
    Date,
}

impl Operator {
    const fn exactly(name: &'static str, count: usize, apply: fn(&[Operand]) -> Result<Operand>) -> Self {
        Self::between(name, count, count, apply)
    }

    const fn at_least(name: &'static str, least: usize, apply: fn(&[Operand]) -> Result<Operand>) -> Self {
        Self::between(name, least, usize::MAX, apply)
    }

    const fn between(
        name: &'static str,
        least: usize,
        most: usize,
        apply: fn(&[Operand]) -> Result<Operand>,
    ) -> Self {
        Self {
            name,
            takes: Takes::Operands { least, most },
            apply,
        }
    }

    const fn named(
        name: &'static str,
        required: usize,
        names: &'static [&'static str],
        apply: fn(&[Operand]) -> Result<Operand>,
    ) -> Self {
        Self {
            name,
            takes: Takes::Named { required, names },
            apply,
        }
    }

    const fn of_date(name: &'static str, apply: fn(&[Operand]) -> Result<Operand>) -> Self {
        Self {
            name,
            takes: Takes::Date,
            apply,
        }
    }
}

impl fmt::Debug for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

const TABLES: [&[Operator]; 10] = [
    arithmetic::OPERATORS,
    rounding::OPERATORS,
    statistics::OPERATORS,
    compare::OPERATORS,
    array::OPERATORS,
    set::OPERATORS,
    object::OPERATORS,
    text::OPERATORS,
    convert::OPERATORS,
    date::OPERATORS,
];

/// MongoDB's operators that are refused by name.
pub(super) const NOT_OFFERED: &[&str] = &[
    "$accumulator",
    "$acos",
    "$acosh",
    "$asin",
    "$asinh",
    "$atan",
    "$atan2",
    "$atanh",
    "$binarySize",
    "$bitAnd",
    "$bitNot",
    "$bitOr",
    "$bitXor",
    "$bsonSize",
    "$convert",
    "$cos",
    "$cosh",
    "$dateAdd",
    "$dateDiff",
    "$dateFromParts",
    "$dateFromString",
    "$dateSubtract",
    "$dateToParts",
    "$dateToString",
    "$dateTrunc",
    "$degreesToRadians",
    "$firstN",
    "$function",
    "$getField",
    "$isoDayOfWeek",
    "$isoWeek",
    "$isoWeekYear",
    "$lastN",
    "$maxN",
    "$median",
    "$meta",
    "$minN",
    "$percentile",
    "$radiansToDegrees",
    "$rand",
    "$regexFind",
    "$regexFindAll",
    "$regexMatch",
    "$sampleRate",
    "$setField",
    "$sin",
    "$sinh",
    "$sortArray",
    "$stdDevPop",
    "$stdDevSamp",
    "$tan",
    "$tanh",
    "$toDecimal",
    "$toHashedIndexKey",
    "$toUUID",
    "$tsIncrement",
    "$tsSecond",
    "$unsetField",
    "$week",
    "$zip",
];

/// Finds an operator by its name.
pub(super) fn find(name: &str) -> Option<&'static Operator> {
    all().find(|operator| operator.name == name)
}

/// Returns the names of all operators.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    all().map(|operator| operator.name)
}

fn all() -> impl Iterator<Item = &'static Operator> {
    TABLES.into_iter().flatten()
}

/// Tells whether an operand counts as true: all but false, null, zero and missing does.
pub(crate) fn is_true(operand: &Operand) -> bool {
    match operand {
        None | Some(Value::Null | Value::Bool(false) | Value::Int(0)) => false,
        Some(Value::Double(double)) => *double != 0.0,
        Some(_) => true,
    }
}

/// Tells whether an operand is null or missing.
pub(super) fn is_nullish(operand: &Operand) -> bool {
    matches!(operand, None | Some(Value::Null))
}

/// Returns the name of an operand's type, for messages.
pub(super) fn kind(operand: &Operand) -> &'static str {
    operand.as_ref().map_or("missing", Value::type_name)
}

/// Returns a whole number of 32 bits, which is what positions and counts are.
pub(super) fn small_integer(operand: &Operand) -> Option<i64> {
    let number = operand.as_ref()?.as_i64()?;
    i32::try_from(number).ok().map(i64::from)
}

const NULL: Result<Operand> = Ok(Some(Value::Null));

/// Returns an operand as an answer.
fn give(value: impl Into<Value>) -> Result<Operand> {
    Ok(Some(value.into()))
}

fn wants(expected: &str, operand: &Operand) -> Error {
    Error::query(format!("takes {expected}, not {}", kind(operand)))
}

fn array_of(operand: &Operand) -> Result<&Array> {
    match operand {
        Some(Value::Array(elements)) => Ok(elements),
        other => Err(wants("an array", other)),
    }
}

fn text_of(operand: &Operand) -> Result<&str> {
    match operand {
        Some(Value::String(text)) => Ok(text),
        other => Err(wants("a string", other)),
    }
}

fn position_of(operand: &Operand) -> Result<i64> {
    small_integer(operand).ok_or_else(|| wants("a whole number of 32 bits as position or count", operand))
}

/// Returns a position or count that must not be negative.
fn unsigned_of(operand: &Operand) -> Result<usize> {
    usize::try_from(position_of(operand)?)
        .map_err(|_| Error::query("takes no negative number as position or count"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::Expression;
    use crate::value::{DateTime, ObjectId};

    /// Works out an operator over operands that are written as literals.
    pub(super) fn apply(name: &str, operands: impl Into<Value>) -> Result<Operand> {
        let operands: Value = operands.into();
        Expression::parse(&doc! {name: operands}.into())?.evaluate(&doc! {"s": "$x"})
    }

    /// As [`apply`], for what gives a value.
    pub(super) fn value(name: &str, operands: impl Into<Value>) -> Value {
        apply(name, operands).unwrap().expect("a value")
    }

    #[test]
    fn each_operator_has_one_name() {
        let mut names: Vec<_> = names().chain(NOT_OFFERED.iter().copied()).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn truth_is_all_but_zero_and_nothing() {
        for value in [Value::Null, false.into(), 0.into(), 0.0.into(), (-0.0).into()] {
            assert!(!is_true(&Some(value.clone())), "{value}");
        }
        for value in [
            true.into(),
            1.into(),
            f64::NAN.into(),
            "".into(),
            Value::Array([].into()),
        ] {
            assert!(is_true(&Some(value.clone())), "{value}");
        }
        assert!(!is_true(&None));
    }

    /// Values at the ends of what there is, of each type.
    fn odd_operands() -> Vec<Operand> {
        let dates = [i64::MIN, -1, i64::MAX].map(|millis| Value::Date(DateTime::from_millis(millis)));
        let ints = [i64::MIN, -1, 0, 1, 64, i64::MAX].map(Value::Int);
        let doubles = [f64::NAN, f64::INFINITY, -0.0, 0.5, 5e-324, 1e19, -1e300].map(Value::Double);
        let texts = ["", "é\u{1F600}", "+05:30", "-é", "9223372036854775808"].map(Value::from);
        let others = [
            Value::Null,
            true.into(),
            Value::Array([].into()),
            vec![Value::from(["k", "v"]), Value::Null].into(),
            doc! {"k": "a", "v": 1}.into(),
            vec![doc! {"k": "a", "v": 1}].into(),
            ObjectId::from_bytes([255; 12]).into(),
        ];
        let values = dates
            .into_iter()
            .chain(ints)
            .chain(doubles)
            .chain(texts)
            .chain(others);
        values.map(Some).chain([None]).collect()
    }

    #[test]
    fn no_operand_makes_an_operator_panic() {
        let odd = odd_operands();
        for operator in all() {
            let (least, most) = match operator.takes {
                Takes::Operands { least, most } => (least, most),
                Takes::Named { required, names } => (required, names.len()),
                Takes::Date => (1, 2),
            };
            for count in least..=most.min(3) {
                for combination in 0..odd.len().pow(count as u32) {
                    let place = |at: usize| combination / odd.len().pow(at as u32) % odd.len();
                    let operands: Vec<_> = (0..count).map(|at| odd[place(at)].clone()).collect();
                    drop((operator.apply)(&operands));
                }
            }
        }
    }
}
