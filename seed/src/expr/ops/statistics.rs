//! `$sum`, `$avg`, `$min`, `$max` over operands, or over the elements of the only one.

use std::cmp::Ordering;

use crate::error::Result;
use crate::expr::{Average, Sum};
use crate::value::{Value, order};

use super::{Operand, Operator, give};

pub(super) const OPERATORS: &[Operator] = &[
    Operator::at_least("$sum", 0, sum),
    Operator::at_least("$avg", 0, average),
    Operator::at_least("$min", 0, |operands| extreme(operands, Ordering::Less)),
    Operator::at_least("$max", 0, |operands| extreme(operands, Ordering::Greater)),
];

/// Returns the values to work on: an array is entered only if it is the only operand.
fn values(operands: &[Operand]) -> Box<dyn Iterator<Item = &Value> + '_> {
    match operands {
        [Some(Value::Array(elements))] => Box::new(elements.iter()),
        operands => Box::new(operands.iter().flatten()),
    }
}

fn sum(operands: &[Operand]) -> Result<Operand> {
    let mut sum = Sum::default();
    for value in values(operands) {
        sum.add(value);
    }
    give(sum.value())
}

fn average(operands: &[Operand]) -> Result<Operand> {
    let mut average = Average::default();
    values(operands).for_each(|value| average.add(value));
    give(average.value())
}

/// Of equal values the first stays.
fn extreme(operands: &[Operand], wanted: Ordering) -> Result<Operand> {
    let better = |best: &'_ Value, value: &'_ Value| order::compare(value, best) == wanted;
    let found = values(operands)
        .filter(|value| !value.is_null())
        .reduce(|best, value| if better(best, value) { value } else { best });
    give(found.cloned().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::super::tests::value;
    use super::*;

    #[test]
    fn an_only_operand_is_entered_and_several_are_not() {
        let array = || Value::from([1, 2]);
        assert_eq!(value("$sum", vec![array()]), 3.into());
        assert_eq!(value("$sum", vec![array(), 5.into()]), 5.into());
        assert_eq!(value("$max", vec![array(), 5.into()]), array());
        assert_eq!(value("$avg", vec![array()]), 1.5.into());
        assert_eq!(value("$min", vec![array()]), 1.into());
    }

    #[test]
    fn what_is_no_number_or_null_is_passed_over() {
        assert_eq!(value("$sum", "x"), 0.into());
        assert_eq!(value("$avg", "x"), Value::Null);
        assert_eq!(
            value("$min", vec![Value::Null, "$none".into(), 3.into()]),
            3.into()
        );
        assert_eq!(value("$max", Value::Null), Value::Null);
        assert_eq!(value("$min", vec![1.into(), Value::Double(1.0)]), 1.into());
    }
}
