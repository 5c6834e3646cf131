//! Accumulators: what a `$group` works out of the values of a group.

use std::cmp::Ordering;
use std::collections::HashSet;

use crate::error::{Error, ErrorKind, Result};
use crate::expr::{self, Average, Expression, Sum};
use crate::key::{self, KeyBytes};
use crate::suggest::did_you_mean;
use crate::value::{Array, Document, Value, order};

use super::memory::{document_weight, weight};

/// The accumulators by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Sum,
    Average,
    Min,
    Max,
    First,
    Last,
    Push,
    AddToSet,
    Count,
    MergeObjects,
}

const OPERATORS: [(&str, Operator); 10] = [
    ("$sum", Operator::Sum),
    ("$avg", Operator::Average),
    ("$min", Operator::Min),
    ("$max", Operator::Max),
    ("$first", Operator::First),
    ("$last", Operator::Last),
    ("$push", Operator::Push),
    ("$addToSet", Operator::AddToSet),
    ("$count", Operator::Count),
    ("$mergeObjects", Operator::MergeObjects),
];

/// MongoDB's accumulators that are refused by name.
const NOT_OFFERED: &[&str] = &[
    "$accumulator",
    "$bottom",
    "$bottomN",
    "$concatArrays",
    "$firstN",
    "$lastN",
    "$maxN",
    "$median",
    "$minN",
    "$percentile",
    "$setUnion",
    "$stdDevPop",
    "$stdDevSamp",
    "$top",
    "$topN",
];

impl Operator {
    /// Reads an accumulator and its operand.
    pub(super) fn parse(name: &str, operand: &Value) -> Result<(Self, Expression)> {
        let known = OPERATORS.iter().find(|(known, _)| *known == name);
        let (_, operator) = known.ok_or_else(|| unknown(name))?;
        let operand = match (operator, operand) {
            (Self::Count, Value::Document(document)) if document.is_empty() => operand,
            (Self::Count, _) => return Err(Error::query("takes an empty document")),
            (_, Value::Array(_)) => return Err(Error::query("takes one operand, not an array of them")),
            _ => operand,
        };
        Ok((*operator, Expression::parse(operand)?))
    }

    /// Returns the name.
    pub(super) fn name(self) -> &'static str {
        OPERATORS
            .iter()
            .find(|(_, operator)| *operator == self)
            .map_or("", |(name, _)| name)
    }

    /// Starts an empty group.
    pub(super) fn start(self) -> Accumulator {
        match self {
            Self::Sum => Accumulator::Sum(Box::default()),
            Self::Average => Accumulator::Average(Box::default()),
            Self::Min => Accumulator::Extreme(None, Ordering::Less),
            Self::Max => Accumulator::Extreme(None, Ordering::Greater),
            Self::First => Accumulator::First(None),
            Self::Last => Accumulator::Last(Value::Null),
            Self::Push => Accumulator::Push(Array::new()),
            Self::AddToSet => Accumulator::AddToSet(Box::default()),
            Self::Count => Accumulator::Count(0),
            Self::MergeObjects => Accumulator::Merge(Document::new()),
        }
    }
}

fn unknown(name: &str) -> Error {
    if NOT_OFFERED.contains(&name) {
        return Error::new(
            ErrorKind::Unsupported,
            format!("the accumulator {name} is not offered"),
        );
    }
    let hint = did_you_mean(name, OPERATORS.map(|(known, _)| known));
    Error::query(format!("unknown accumulator {name}{hint}"))
}

/// What an accumulator has of one group.
#[derive(Debug)]
pub(super) enum Accumulator {
    Sum(Box<Sum>),
    Average(Box<Average>),
    /// The value that compares so to all others; none if there was only null.
    Extreme(Option<Value>, Ordering),
    First(Option<Value>),
    Last(Value),
    Push(Array),
    AddToSet(Box<Distinct>),
    Count(i64),
    Merge(Document),
}

/// Values of which no two are equal, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Distinct {
    keys: HashSet<KeyBytes>,
    values: Array,
}

impl Accumulator {
    /// Adds a value; none is a missing one. Returns how many bytes it kept before and keeps now because of that.
    pub(super) fn add(&mut self, value: Option<Value>) -> Result<(usize, usize)> {
        match (self, value) {
            (Self::Count(count), _) => *count += 1,
            (Self::First(first @ None), value) => {
                let first = first.insert(value.unwrap_or_default());
                return Ok((0, weight(first)));
            }
            (Self::First(Some(_)), _) => {}
            (Self::Last(last), value) => {
                let before = std::mem::replace(last, value.unwrap_or_default());
                return Ok((weight(&before), weight(last)));
            }
            (Self::Sum(sum), Some(value)) => drop(sum.add(&value)),
            (Self::Average(average), Some(value)) => average.add(&value),
            (Self::Extreme(best, wanted), Some(value)) if !value.is_null() => {
                if best
                    .as_ref()
                    .is_none_or(|best| order::compare(&value, best) == *wanted)
                {
                    let before = best.as_ref().map_or(0, weight);
                    return Ok((before, weight(best.insert(value))));
                }
            }
            (Self::Push(values), Some(value)) => {
                let size = weight(&value);
                values.push(value);
                return Ok((0, size));
            }
            (Self::AddToSet(set), Some(value)) => return Ok((0, set.add(value))),
            (Self::Merge(merged), Some(value)) => {
                let before = document_weight(merged);
                expr::merge_into(merged, &value)?;
                return Ok((before, document_weight(merged)));
            }
            (_, None) | (Self::Extreme(..), Some(_)) => {}
        }
        Ok((0, 0))
    }

    /// Adds so many ones to a count or sum, which is what counting means for it.
    pub(super) fn add_ones(&mut self, ones: i64) {
        match self {
            Self::Count(count) => *count += ones,
            Self::Sum(sum) => drop(sum.add(&Value::Int(ones))),
            _ => {}
        }
    }

    /// Returns what was worked out.
    pub(super) fn value(self) -> Value {
        match self {
            Self::Sum(sum) => sum.value(),
            Self::Average(average) => average.value(),
            Self::Extreme(value, _) | Self::First(value) => value.unwrap_or_default(),
            Self::Last(value) => value,
            Self::Push(values) => Value::Array(values),
            Self::AddToSet(set) => Value::Array(set.values),
            Self::Count(count) => Value::Int(count),
            Self::Merge(document) => Value::Document(document),
        }
    }
}

impl Distinct {
    fn add(&mut self, value: Value) -> usize {
        let bytes = key::encode(&value);
        let size = bytes.len() + weight(&value);
        if !self.keys.insert(bytes) {
            return 0;
        }
        self.values.push(value);
        size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accumulate(name: &str, values: &[Option<Value>]) -> Value {
        let operand = if name == "$count" {
            Value::from(doc! {})
        } else {
            "$x".into()
        };
        let mut accumulator = Operator::parse(name, &operand).unwrap().0.start();
        for value in values {
            accumulator.add(value.clone()).unwrap();
        }
        accumulator.value()
    }

    #[test]
    fn null_and_missing_are_passed_over_where_they_mean_nothing() {
        let values = [
            None,
            Some(Value::Null),
            Some(2.into()),
            Some(1.0.into()),
            Some("x".into()),
            None,
        ];
        for (name, expected) in [
            ("$sum", Value::from(3.0)),
            ("$avg", 1.5.into()),
            ("$min", 1.0.into()),
            ("$max", "x".into()),
            ("$first", Value::Null),
            ("$last", Value::Null),
            (
                "$push",
                vec![Value::Null, 2.into(), 1.0.into(), "x".into()].into(),
            ),
            ("$count", 6.into()),
        ] {
            assert_eq!(accumulate(name, &values), expected, "{name}");
        }
    }

    #[test]
    fn nothing_gives_null_zero_or_an_empty_array() {
        for (name, expected) in [
            ("$sum", Value::Int(0)),
            ("$avg", Value::Null),
            ("$min", Value::Null),
            ("$push", Value::Array(Array::new())),
            ("$addToSet", Value::Array(Array::new())),
            ("$mergeObjects", doc! {}.into()),
        ] {
            assert_eq!(accumulate(name, &[None]), expected, "{name}");
        }
    }

    #[test]
    fn a_set_has_equal_values_once() {
        let values = [1.into(), Value::Double(1.0), [1].into(), Value::Null, [1].into()].map(Some);
        assert_eq!(
            accumulate("$addToSet", &values),
            vec![1.into(), [1].into(), Value::Null].into()
        );
    }

    #[test]
    fn documents_are_merged() {
        let values = [
            Some(doc! {"a": 1, "b": 1}.into()),
            None,
            Some(Value::Null),
            Some(doc! {"a": 2}.into()),
        ];
        assert_eq!(accumulate("$mergeObjects", &values), doc! {"a": 2, "b": 1}.into());
        let mut accumulator = Operator::MergeObjects.start();
        assert!(accumulator.add(Some(1.into())).is_err());
    }

    #[test]
    fn an_unknown_name_is_refused() {
        assert_eq!(
            Operator::parse("$summ", &1.into()).unwrap_err().message(),
            "unknown accumulator $summ: did you mean $sum?"
        );
        assert_eq!(
            Operator::parse("$stdDevPop", &1.into()).unwrap_err().kind(),
            ErrorKind::Unsupported
        );
    }
}
