//! Arrays as sets: equal elements count once, order does not matter.

use crate::error::{Error, Result};
use crate::expr::bound;
use crate::value::{Array, Value, order};

use super::{NULL, Operand, Operator, array_of, give, is_nullish, is_true};

pub(super) const OPERATORS: &[Operator] = &[
    Operator::at_least("$setUnion", 0, union),
    Operator::at_least("$setIntersection", 0, intersection),
    Operator::exactly("$setDifference", 2, difference),
    Operator::exactly("$setIsSubset", 2, is_subset),
    Operator::at_least("$setEquals", 2, equals),
    Operator::exactly("$anyElementTrue", 1, any_true),
    Operator::exactly("$allElementsTrue", 1, all_true),
];

/// Elements in ascending order, each once.
struct Set(Vec<Value>);

impl Set {
    fn new<'a>(elements: impl IntoIterator<Item = &'a Value>) -> Self {
        let mut elements: Vec<_> = elements.into_iter().cloned().collect();
        elements.sort_by(order::compare);
        elements.dedup_by(|next, first| order::equal(next, first));
        Self(elements)
    }

    fn has(&self, value: &Value) -> bool {
        self.0
            .binary_search_by(|element| order::compare(element, value))
            .is_ok()
    }
}

/// Reads all operands as arrays; none if one is null or missing.
fn arrays(operands: &[Operand]) -> Result<Option<Vec<&Array>>> {
    if operands.iter().any(is_nullish) {
        return Ok(None);
    }
    operands.iter().map(array_of).collect::<Result<_>>().map(Some)
}

fn union(operands: &[Operand]) -> Result<Operand> {
    let Some(arrays) = arrays(operands)? else {
        return NULL;
    };
    give(bound::array(
        Set::new(arrays.into_iter().flatten()).0.into_iter().map(Ok),
    )?)
}

fn intersection(operands: &[Operand]) -> Result<Operand> {
    let Some(arrays) = arrays(operands)? else {
        return NULL;
    };
    let mut sets = arrays.into_iter().map(Set::new);
    let Some(mut common) = sets.next() else {
        return give(Array::new());
    };
    for set in sets {
        common.0.retain(|element| set.has(element));
    }
    give(common.0)
}

/// Keeps the order of the first array.
fn difference(operands: &[Operand]) -> Result<Operand> {
    let Some(arrays) = arrays(operands)? else {
        return NULL;
    };
    let [first, second] = arrays[..] else {
        return Err(Error::query("takes 2 operands"));
    };
    let (left, without) = (Set::new(first), Set::new(second));
    let mut is_taken: Vec<bool> = left.0.iter().map(|element| without.has(element)).collect();
    let is_new = |element: &&Value| {
        let at = left.0.binary_search_by(|other| order::compare(other, element));
        at.is_ok_and(|at| !std::mem::replace(&mut is_taken[at], true))
    };
    give(first.iter().filter(is_new).cloned().collect::<Array>())
}

fn is_subset(operands: &[Operand]) -> Result<Operand> {
    let whole = Set::new(array_of(&operands[1])?);
    give(array_of(&operands[0])?.iter().all(|element| whole.has(element)))
}

fn equals(operands: &[Operand]) -> Result<Operand> {
    let sets: Vec<_> = operands
        .iter()
        .map(|operand| array_of(operand).map(Set::new))
        .collect::<Result<_>>()?;
    let same = |a: &Set, b: &Set| a.0.len() == b.0.len() && a.0.iter().all(|element| b.has(element));
    give(sets.windows(2).all(|pair| same(&pair[0], &pair[1])))
}

fn any_true(operands: &[Operand]) -> Result<Operand> {
    give(
        array_of(&operands[0])?
            .iter()
            .any(|element| is_true(&Some(element.clone()))),
    )
}

fn all_true(operands: &[Operand]) -> Result<Operand> {
    give(
        array_of(&operands[0])?
            .iter()
            .all(|element| is_true(&Some(element.clone()))),
    )
}

#[cfg(test)]
mod tests {
    use super::super::tests::{apply, value};
    use super::*;

    fn two(a: &[i64], b: &[i64]) -> Vec<Value> {
        vec![a.to_vec().into(), b.to_vec().into()]
    }

    #[test]
    fn sets_are_joined_and_parted() {
        assert_eq!(value("$setUnion", two(&[3, 1, 1], &[2, 3])), [1, 2, 3].into());
        assert_eq!(
            value("$setIntersection", two(&[3, 1, 1], &[1, 3, 4])),
            [1, 3].into()
        );
        assert_eq!(value("$setDifference", two(&[3, 1, 3, 2], &[1])), [3, 2].into());
        assert_eq!(
            value("$setUnion", vec![Value::from([1]), Value::Null]),
            Value::Null
        );
        assert!(apply("$setUnion", [1, 2]).is_err());
    }

    #[test]
    fn sets_are_compared() {
        assert_eq!(value("$setEquals", two(&[1, 2, 1], &[2, 1])), true.into());
        assert_eq!(value("$setEquals", two(&[1], &[2, 1])), false.into());
        assert_eq!(value("$setIsSubset", two(&[1], &[2, 1])), true.into());
        assert!(apply("$setIsSubset", vec![Value::Null, Value::from([1])]).is_err());
    }

    #[test]
    fn elements_are_read_for_truth() {
        assert_eq!(value("$anyElementTrue", vec![Value::from([0, 1])]), true.into());
        assert_eq!(value("$allElementsTrue", vec![Value::from([0, 1])]), false.into());
        assert_eq!(
            value("$allElementsTrue", vec![Value::Array([].into())]),
            true.into()
        );
        assert!(apply("$anyElementTrue", Value::Null).is_err());
    }
}
