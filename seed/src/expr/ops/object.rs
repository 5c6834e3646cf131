//! Documents: joined, and turned into arrays and back.

use crate::error::{Error, Result};
use crate::expr::bound;
use crate::value::{Document, Value};

use super::{NULL, Operand, Operator, array_of, give, is_nullish, text_of, wants};

pub(super) const OPERATORS: &[Operator] = &[
    Operator::at_least("$mergeObjects", 0, merge),
    Operator::exactly("$objectToArray", 1, to_array),
    Operator::exactly("$arrayToObject", 1, from_array),
];

/// Later fields replace earlier ones in their place; an array is entered only if it is the only operand.
fn merge(operands: &[Operand]) -> Result<Operand> {
    let mut merged = Document::new();
    match operands {
        [Some(Value::Array(elements))] => elements
            .iter()
            .try_for_each(|value| merge_into(&mut merged, value))?,
        operands => operands
            .iter()
            .flatten()
            .try_for_each(|value| merge_into(&mut merged, value))?,
    }
    give(bound::checked(merged.into())?)
}

/// Sets all fields of `value`, which must be a document or null.
pub(crate) fn merge_into(merged: &mut Document, value: &Value) -> Result<()> {
    match value {
        Value::Null => {}
        Value::Document(document) => merged.extend(document.fields().iter().cloned()),
        other => {
            return Err(Error::query(format!(
                "takes documents, not {}",
                other.type_name()
            )));
        }
    }
    Ok(())
}

fn to_array(operands: &[Operand]) -> Result<Operand> {
    match &operands[0] {
        None | Some(Value::Null) => NULL,
        Some(Value::Document(document)) => {
            let pair = |(name, value)| doc! {"k": name, "v": value};
            give(bound::array(document.iter().map(|field| Ok(pair(field).into())))?)
        }
        other => Err(wants("a document", other)),
    }
}

fn from_array(operands: &[Operand]) -> Result<Operand> {
    if is_nullish(&operands[0]) {
        return NULL;
    }
    let elements = array_of(&operands[0])?;
    let as_pairs = matches!(elements.first(), Some(Value::Array(_)));
    let mut document = Document::new();
    for element in elements {
        let (name, value) = match element {
            Value::Array(pair) if as_pairs && pair.len() == 2 => (pair[0].clone(), pair[1].clone()),
            Value::Document(pair) if !as_pairs && pair.len() == 2 => match (pair.get("k"), pair.get("v")) {
                (Some(name), Some(value)) => (name.clone(), value.clone()),
                _ => return Err(uneven()),
            },
            _ => return Err(uneven()),
        };
        let name = Some(name);
        let name = text_of(&name)?;
        if name.contains('\0') {
            return Err(Error::query(
                "makes no field whose name holds the character U+0000",
            ));
        }
        document.set(name, value);
    }
    give(document)
}

fn uneven() -> Error {
    Error::query("takes an array of [name, value], or of {k: name, v: value}, all alike")
}

#[cfg(test)]
mod tests {
    use super::super::tests::{apply, value};
    use super::*;

    #[test]
    fn documents_are_merged_in_order() {
        let operands = || {
            vec![
                Value::from(doc! {"a": 1, "b": 2}),
                Value::Null,
                doc! {"c": 3, "a": 4}.into(),
            ]
        };
        assert_eq!(
            value("$mergeObjects", operands()),
            doc! {"a": 4, "b": 2, "c": 3}.into()
        );
        assert_eq!(
            value("$mergeObjects", vec![Value::from(operands())]),
            doc! {"a": 4, "b": 2, "c": 3}.into()
        );
        assert_eq!(value("$mergeObjects", Value::Null), doc! {}.into());
        assert!(apply("$mergeObjects", 1).is_err());
    }

    #[test]
    fn documents_become_arrays_and_back() {
        let pairs = || Value::from(vec![doc! {"k": "a", "v": 1}, doc! {"k": "b", "v": 2}]);
        assert_eq!(value("$objectToArray", doc! {"a": 1, "b": 2}), pairs());
        assert_eq!(
            value("$arrayToObject", vec![pairs()]),
            doc! {"a": 1, "b": 2}.into()
        );
        let lists = Value::from(vec![Value::from(["a", "x"]), Value::from(["a", "y"])]);
        assert_eq!(value("$arrayToObject", vec![lists]), doc! {"a": "y"}.into());
        for bad in [
            Value::from(vec![doc! {"k": "a"}]),
            Value::from([1]),
            Value::from(vec![Value::from(["a"])]),
        ] {
            assert!(apply("$arrayToObject", vec![bad]).is_err());
        }
    }
}
