//! Comparison across all types, with a missing value below null, and `$not`.

use std::cmp::Ordering;

use crate::error::Result;
use crate::value::order;

use super::{Operand, Operator, give, is_true};

pub(super) const OPERATORS: &[Operator] = &[
    Operator::exactly("$eq", 2, |operands| give(compare(operands).is_eq())),
    Operator::exactly("$ne", 2, |operands| give(compare(operands).is_ne())),
    Operator::exactly("$gt", 2, |operands| give(compare(operands).is_gt())),
    Operator::exactly("$gte", 2, |operands| give(compare(operands).is_ge())),
    Operator::exactly("$lt", 2, |operands| give(compare(operands).is_lt())),
    Operator::exactly("$lte", 2, |operands| give(compare(operands).is_le())),
    Operator::exactly("$cmp", 2, cmp),
    Operator::exactly("$not", 1, |operands| give(!is_true(&operands[0]))),
];

fn compare(operands: &[Operand]) -> Ordering {
    match (&operands[0], &operands[1]) {
        (Some(left), Some(right)) => order::compare(left, right),
        (left, right) => left.is_some().cmp(&right.is_some()),
    }
}

fn cmp(operands: &[Operand]) -> Result<Operand> {
    give(compare(operands) as i32)
}

#[cfg(test)]
mod tests {
    use super::super::tests::value;
    use crate::value::Value;

    #[test]
    fn missing_is_below_null_and_not_equal_to_it() {
        assert_eq!(value("$eq", [Value::from("$none"), Value::Null]), false.into());
        assert_eq!(value("$lt", [Value::from("$none"), Value::Null]), true.into());
        assert_eq!(value("$eq", ["$none", "$nil"]), true.into());
        assert_eq!(value("$cmp", [Value::Null, "$none".into()]), 1.into());
    }

    #[test]
    fn types_compare_across() {
        assert_eq!(value("$cmp", [Value::Int(1), "a".into()]), (-1).into());
        assert_eq!(value("$eq", [Value::Int(1), 1.0.into()]), true.into());
        assert_eq!(value("$gte", [Value::from([1]), 5.into()]), true.into());
        assert_eq!(value("$not", 0), true.into());
        assert_eq!(value("$not", [Value::from([false])]), false.into());
    }
}
