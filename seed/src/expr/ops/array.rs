//! Arrays: their elements, parts and joins.

use crate::error::{Error, ErrorKind, Result};
use crate::expr::bound;
use crate::value::{Array, Value, order};

use super::{
    NULL, Operand, Operator, array_of, give, is_nullish, position_of, small_integer, unsigned_of, wants,
};

pub(super) const OPERATORS: &[Operator] = &[
    Operator::exactly("$isArray", 1, |operands| {
        give(matches!(operands[0], Some(Value::Array(_))))
    }),
    Operator::exactly("$size", 1, |operands| give(array_of(&operands[0])?.len() as i64)),
    Operator::exactly("$arrayElemAt", 2, element_at),
    Operator::exactly("$first", 1, |operands| end(&operands[0], 0)),
    Operator::exactly("$last", 1, |operands| end(&operands[0], -1)),
    Operator::exactly("$in", 2, contains),
    Operator::at_least("$concatArrays", 0, concat),
    Operator::between("$slice", 2, 3, slice),
    Operator::exactly("$reverseArray", 1, reverse),
    Operator::between("$indexOfArray", 2, 4, index_of),
    Operator::between("$range", 2, 3, range),
];

/// How many elements `$range` makes at most.
const MAX_RANGE: usize = 1_000_000;

fn element_at(operands: &[Operand]) -> Result<Operand> {
    if is_nullish(&operands[0]) || is_nullish(&operands[1]) {
        return NULL;
    }
    Ok(at(array_of(&operands[0])?, position_of(&operands[1])?))
}

fn end(operand: &Operand, position: i64) -> Result<Operand> {
    if is_nullish(operand) {
        return NULL;
    }
    Ok(at(array_of(operand)?, position))
}

/// Returns an element, counted from the end if the position is negative; missing if there is none.
fn at(elements: &Array, position: i64) -> Operand {
    let from_end = if position < 0 { elements.len() as i64 } else { 0 };
    elements.get(usize::try_from(position + from_end).ok()?).cloned()
}

fn contains(operands: &[Operand]) -> Result<Operand> {
    let elements = array_of(&operands[1])?;
    give(
        operands[0]
            .as_ref()
            .is_some_and(|value| elements.iter().any(|element| order::equal(element, value))),
    )
}

fn concat(operands: &[Operand]) -> Result<Operand> {
    let mut all = Vec::new();
    for operand in operands {
        if is_nullish(operand) {
            return NULL;
        }
        all.push(array_of(operand)?);
    }
    give(bound::array(all.into_iter().flatten().cloned().map(Ok))?)
}

fn slice(operands: &[Operand]) -> Result<Operand> {
    if operands.iter().any(is_nullish) {
        return NULL;
    }
    let elements = array_of(&operands[0])?;
    let first = position_of(&operands[1])?;
    let length = elements.len() as i64;
    let (start, count) = match operands.get(2) {
        Some(count) => match position_of(count)? {
            count if count > 0 => (first, count),
            _ => return Err(Error::query("takes a count above 0 beside a position")),
        },
        None if first < 0 => (first, length),
        None => (0, first),
    };
    let start = if start < 0 {
        (length + start).max(0)
    } else {
        start.min(length)
    };
    let end = (start + count).min(length);
    // Both lie between 0 and the length.
    give(Array::from(&elements[start as usize..end as usize]))
}

fn reverse(operands: &[Operand]) -> Result<Operand> {
    if is_nullish(&operands[0]) {
        return NULL;
    }
    give(array_of(&operands[0])?.iter().rev().cloned().collect::<Array>())
}

fn index_of(operands: &[Operand]) -> Result<Operand> {
    if is_nullish(&operands[0]) {
        return NULL;
    }
    let elements = array_of(&operands[0])?;
    let start = operands.get(2).map(unsigned_of).transpose()?.unwrap_or(0);
    let end = operands
        .get(3)
        .map(unsigned_of)
        .transpose()?
        .unwrap_or(usize::MAX)
        .min(elements.len());
    let Some(wanted) = &operands[1] else {
        return give(-1);
    };
    let found = (start..end).find(|&index| order::equal(&elements[index], wanted));
    give(found.map_or(-1, |index| index as i64))
}

fn range(operands: &[Operand]) -> Result<Operand> {
    let number =
        |operand: &Operand| small_integer(operand).ok_or_else(|| wants("whole numbers of 32 bits", operand));
    let (start, end) = (number(&operands[0])?, number(&operands[1])?);
    let step = operands.get(2).map(number).transpose()?.unwrap_or(1);
    if step == 0 {
        return Err(Error::query("takes a step other than 0"));
    }
    let count = (end - start + step - step.signum()) / step;
    let count = usize::try_from(count).unwrap_or(0);
    if count > MAX_RANGE {
        let message = format!("would make {count} elements, the most is {MAX_RANGE}");
        return Err(Error::new(ErrorKind::Limit, message));
    }
    give(
        (0..count as i64)
            .map(|at| Value::Int(start + at * step))
            .collect::<Array>(),
    )
}

#[cfg(test)]
mod tests {
    use super::super::tests::{apply, value};
    use super::*;

    fn numbers(values: &[i64]) -> Value {
        Value::Array(values.iter().copied().map(Value::Int).collect())
    }

    fn with(operands: &[i64]) -> Vec<Value> {
        let first = [numbers(&[1, 2, 3])];
        first
            .into_iter()
            .chain(operands.iter().copied().map(Value::Int))
            .collect()
    }

    #[test]
    fn elements_are_found_from_both_ends() {
        assert_eq!(value("$arrayElemAt", with(&[0])), 1.into());
        assert_eq!(value("$arrayElemAt", with(&[-1])), 3.into());
        assert_eq!(apply("$arrayElemAt", with(&[3])).unwrap(), None);
        assert_eq!(apply("$arrayElemAt", with(&[-4])).unwrap(), None);
        assert_eq!(value("$last", with(&[])), 3.into());
        assert_eq!(apply("$first", vec![numbers(&[])]).unwrap(), None);
        assert_eq!(value("$first", Value::Null), Value::Null);
        assert!(apply("$arrayElemAt", [5, 0]).is_err());
        assert!(apply("$arrayElemAt", vec![numbers(&[1]), 0.5.into()]).is_err());
    }

    #[test]
    fn size_and_in_want_an_array() {
        assert_eq!(value("$size", with(&[])), 3.into());
        assert!(apply("$size", Value::Null).is_err());
        assert_eq!(value("$in", vec![2.0.into(), numbers(&[1, 2])]), true.into());
        assert_eq!(
            value("$in", vec!["$none".into(), Value::from(vec![Value::Null])]),
            false.into()
        );
        assert!(apply("$in", [1, 1]).is_err());
    }

    #[test]
    fn slices_stay_within_the_array() {
        for (operands, expected) in [
            (&[2][..], &[1, 2][..]),
            (&[-2], &[2, 3]),
            (&[9], &[1, 2, 3]),
            (&[-9], &[1, 2, 3]),
            (&[0], &[]),
            (&[1, 1], &[2]),
            (&[-2, 1], &[2]),
            (&[-9, 2], &[1, 2]),
            (&[5, 2], &[]),
        ] {
            assert_eq!(value("$slice", with(operands)), numbers(expected), "{operands:?}");
        }
        assert!(apply("$slice", with(&[1, 0])).is_err());
        assert!(apply("$slice", with(&[1, -1])).is_err());
    }

    #[test]
    fn ranges_end_before_their_end() {
        assert_eq!(value("$range", [0, 5, 2]), numbers(&[0, 2, 4]));
        assert_eq!(value("$range", [0, 4, 2]), numbers(&[0, 2]));
        assert_eq!(value("$range", [5, 0, -2]), numbers(&[5, 3, 1]));
        assert_eq!(value("$range", [5, 0]), numbers(&[]));
        assert!(apply("$range", [0, 5, 0]).is_err());
        assert!(apply("$range", [Value::Int(0), Value::Null]).is_err());
        assert_eq!(
            apply("$range", [0, 2_000_000_000]).unwrap_err().kind(),
            ErrorKind::Limit
        );
    }

    #[test]
    fn arrays_are_joined_reversed_and_searched() {
        assert_eq!(
            value("$concatArrays", vec![numbers(&[1]), numbers(&[2])]),
            numbers(&[1, 2])
        );
        assert_eq!(
            value("$concatArrays", vec![numbers(&[1]), Value::Null]),
            Value::Null
        );
        assert!(apply("$concatArrays", vec![numbers(&[1]), 1.into()]).is_err());
        assert_eq!(value("$reverseArray", with(&[])), numbers(&[3, 2, 1]));
        assert_eq!(value("$indexOfArray", with(&[2])), 1.into());
        assert_eq!(value("$indexOfArray", with(&[2, 2])), (-1).into());
        assert_eq!(value("$indexOfArray", with(&[2, 5, 1])), (-1).into());
        assert!(apply("$indexOfArray", with(&[2, -1])).is_err());
    }
}
