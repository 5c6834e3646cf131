//! `$exists` and `$type`: whether something is there, and what.

use crate::error::{Error, Result};
use crate::suggest::did_you_mean;
use crate::value::Value;

/// The types that `$type` asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TypeSet {
    /// A bit for each code of a BSON type.
    codes: u32,
}

/// All names of types with their codes. Values of the types marked 0 do not exist here, so no value has them.
const NAMES: [(&str, u32); 22] = [
    ("double", 1),
    ("string", 2),
    ("object", 3),
    ("array", 4),
    ("binData", 5),
    ("undefined", 6),
    ("objectId", 7),
    ("bool", 8),
    ("date", 9),
    ("null", 10),
    ("regex", 11),
    ("dbPointer", 12),
    ("javascript", 13),
    ("symbol", 14),
    ("javascriptWithScope", 15),
    ("int", 16),
    ("timestamp", 17),
    ("long", 18),
    ("decimal", 19),
    ("minKey", 20),
    ("maxKey", 21),
    ("number", 22),
];

impl TypeSet {
    /// Reads a type by name or code, or an array of them.
    ///
    /// # Errors
    /// [`ErrorKind::Query`](crate::ErrorKind::Query) if one is no type, or there is none.
    pub fn parse(operand: &Value) -> Result<Self> {
        let Value::Array(operands) = operand else {
            return Ok(Self {
                codes: codes_of(operand)?,
            });
        };
        if operands.is_empty() {
            return Err(Error::query("at least one type is expected"));
        }
        let codes = operands
            .iter()
            .try_fold(0, |codes, operand| Ok::<_, Error>(codes | codes_of(operand)?))?;
        Ok(Self { codes })
    }

    /// Tells whether the value is of one of the types.
    pub fn contains(self, value: &Value) -> bool {
        let code = match value {
            Value::Double(_) => 1,
            Value::String(_) => 2,
            Value::Document(_) => 3,
            Value::Array(_) => 4,
            Value::Binary(_) => 5,
            Value::ObjectId(_) => 7,
            Value::Bool(_) => 8,
            Value::Date(_) => 9,
            Value::Null => 10,
            Value::Int(_) => 18,
        };
        self.codes & 1 << code != 0
    }
}

/// Reads an operand for truth, as `$exists` does: null, false and zero are false, all else is true.
pub(in crate::filter) fn truth(operand: &Value) -> bool {
    match operand {
        Value::Null | Value::Bool(false) | Value::Int(0) => false,
        Value::Double(double) => *double != 0.0,
        _ => true,
    }
}

fn codes_of(operand: &Value) -> Result<u32> {
    match operand {
        Value::String(name) => codes_by_name(name),
        Value::Int(_) | Value::Double(_) => match operand.as_i64() {
            Some(code @ 1..=19) => Ok(1 << code),
            // The least and the greatest key, which no value is.
            Some(-1 | 127) => Ok(0),
            Some(0) => Err(Error::query(
                "0 is no type: {\"$exists\": false} asks for missing values",
            )),
            _ => Err(Error::query(format!(
                "{operand} is no code of a type: the codes are 1 to 19, -1 and 127"
            ))),
        },
        _ => Err(Error::query("a type is given by its name or its code")),
    }
}

fn codes_by_name(name: &str) -> Result<u32> {
    match NAMES.iter().find(|(known, _)| *known == name) {
        Some((_, 20 | 21)) => Ok(0),
        Some((_, 22)) => Ok(1 << 1 | 1 << 16 | 1 << 18 | 1 << 19),
        Some((_, code)) => Ok(1 << code),
        None => {
            let near = did_you_mean(name, NAMES.iter().map(|(known, _)| *known));
            Err(Error::query(format!("unknown type {name:?}{near}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn types(operand: impl Into<Value>) -> TypeSet {
        TypeSet::parse(&operand.into()).unwrap()
    }

    #[test]
    fn types_are_known_by_name_and_by_code() {
        assert!(types("string").contains(&"x".into()) && types(2.0).contains(&"x".into()));
        assert!(types("number").contains(&1.into()) && types("number").contains(&1.0.into()));
        assert!(types("long").contains(&1.into()) && !types("int").contains(&1.into()));
        assert!(types(["date", "bool"]).contains(&true.into()));
        assert!(!types(-1).contains(&Value::Null) && types("null").contains(&Value::Null));
    }

    #[test]
    fn an_unknown_type_is_refused_with_a_near_name() {
        assert!(
            TypeSet::parse(&"strin".into())
                .unwrap_err()
                .message()
                .contains("string?")
        );
        let operands: [Value; 6] = [
            0.into(),
            20.into(),
            1.5.into(),
            Value::Null,
            Value::Array(Default::default()),
            doc! {"x": 1}.into(),
        ];
        for operand in operands {
            assert!(TypeSet::parse(&operand).is_err(), "{operand}");
        }
    }

    #[test]
    fn the_operand_of_exists_is_read_for_truth() {
        assert!(truth(&"".into()) && truth(&f64::NAN.into()) && truth(&doc! {}.into()));
        assert!(!truth(&Value::Null) && !truth(&(-0.0).into()) && !truth(&0.into()) && !truth(&false.into()));
    }
}
