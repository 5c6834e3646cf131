//! `$bit`: the bits of an integer, changed one step after the other.

use super::Change;
use crate::error::{Error, Result};
use crate::value::Value;

/// One step with its integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BitStep {
    /// `and`
    And(i64),
    /// `or`
    Or(i64),
    /// `xor`
    Xor(i64),
}

/// Reads the steps in their order; there is one at least.
pub(super) fn parse(operand: &Value) -> Result<Vec<BitStep>> {
    match operand {
        Value::Document(steps) if !steps.is_empty() => {
            steps.iter().map(|(name, value)| step(name, value)).collect()
        }
        _ => Err(Error::update(
            r#"the operand is a document such as {"and": 5}, with and, or, xor"#,
        )),
    }
}

fn step(name: &str, value: &Value) -> Result<BitStep> {
    let Value::Int(bits) = value else {
        let found = value.type_name();
        return Err(Error::update(format!(
            "the bits of {name} are an integer, not a value of type {found}"
        )));
    };
    match name {
        "and" => Ok(BitStep::And(*bits)),
        "or" => Ok(BitStep::Or(*bits)),
        "xor" => Ok(BitStep::Xor(*bits)),
        _ => Err(Error::update(format!(
            "unknown operation {name} on bits: use and, or, xor"
        ))),
    }
}

/// Changes the bits of an integer.
pub(super) fn on_value(steps: &[BitStep], value: &Value) -> Result<Change> {
    let Value::Int(bits) = value else {
        let found = value.type_name();
        return Err(Error::update(format!(
            "the operator changes an integer, but there is a value of type {found}"
        )));
    };
    let result = compute(steps, *bits);
    Ok(if result == *bits {
        Change::Keep
    } else {
        Change::set(result)
    })
}

/// Changes the bits of zero, where there is no integer yet.
pub(super) fn on_missing(steps: &[BitStep]) -> Value {
    compute(steps, 0).into()
}

fn compute(steps: &[BitStep], bits: i64) -> i64 {
    steps.iter().fold(bits, |bits, step| match step {
        BitStep::And(other) => bits & other,
        BitStep::Or(other) => bits | other,
        BitStep::Xor(other) => bits ^ other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_done_in_their_order() {
        let steps = parse(&doc! {"and": 12, "or": 1}.into()).unwrap();
        assert_eq!(on_value(&steps, &6.into()).unwrap(), Change::set(5));
        assert_eq!(on_value(&steps, &5.into()).unwrap(), Change::Keep);
        assert_eq!(on_missing(&steps), 1.into());
    }

    #[test]
    fn only_integers_have_bits() {
        for operand in [
            1.into(),
            doc! {}.into(),
            doc! {"and": 1.0}.into(),
            doc! {"nand": 1}.into(),
            doc! {"or": "1"}.into(),
        ] {
            assert!(parse(&operand).is_err(), "{operand}");
        }
        assert!(on_value(&[BitStep::Or(1)], &1.0.into()).is_err());
    }
}
