//! `Value` and `Document` as serde types.

use std::fmt;

use ecow::eco_format;
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Unexpected, Visitor,
};
use serde::ser::{Serialize, SerializeMap as _, Serializer};

use super::fault::too_deep;
use crate::value::distinct::DistinctFields;
use crate::value::json::extended;
use crate::value::limits::MAX_DEPTH;
use crate::value::{Array, Binary, Document, Text, Value};

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Int(int) => serializer.serialize_i64(*int),
            Self::Double(double) => serializer.serialize_f64(*double),
            Self::String(text) => serializer.serialize_str(text),
            Self::Binary(binary) => binary.serialize(serializer),
            Self::Date(date) => date.serialize(serializer),
            Self::ObjectId(id) => id.serialize(serializer),
            Self::Array(elements) => serializer.collect_seq(elements),
            Self::Document(document) => document.serialize(serializer),
        }
    }
}

impl Serialize for Document {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.len()))?;
        for (name, value) in self.iter() {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor::new())
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_map(ValueVisitor::new())? {
            Value::Document(document) => Ok(document),
            other => {
                let name = other.type_name();
                Err(D::Error::custom(format!(
                    "a document is expected here, not a value of the type {name}"
                )))
            }
        }
    }
}

/// Makes a value of whatever comes.
#[derive(Clone, Copy)]
pub(super) struct ValueVisitor {
    /// How many arrays and documents lie around it.
    depth: usize,
}

impl ValueVisitor {
    pub(super) fn new() -> Self {
        Self { depth: 0 }
    }

    fn deeper<E: Error>(self) -> Result<Self, E> {
        if self.depth < MAX_DEPTH {
            return Ok(Self {
                depth: self.depth + 1,
            });
        }
        Err(E::custom(too_deep()))
    }
}

impl<'de> DeserializeSeed<'de> for ValueVisitor {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

fn integer<E: Error>(integer: impl Copy + fmt::Display + TryInto<i64>) -> Result<Value, E> {
    let fits = integer.try_into().map(Value::Int);
    fits.map_err(|_| E::custom(format!("the number {integer} does not fit in 64 bits")))
}

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of any type")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Int(value))
    }

    fn visit_i128<E: Error>(self, value: i128) -> Result<Value, E> {
        integer(value)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        integer(value)
    }

    fn visit_u128<E: Error>(self, value: u128) -> Result<Value, E> {
        integer(value)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Double(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_bytes<E: Error>(self, value: &[u8]) -> Result<Value, E> {
        Ok(Value::Binary(Binary::generic(value)))
    }

    fn visit_none<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut elements = Array::new();
        while let Some(element) = access.next_element_seed(inner)? {
            elements.push(element);
        }
        Ok(Value::Array(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut fields = DistinctFields::default();
        // A marked value is no level of its own, so the depth is counted with the first field.
        while let Some(name) = access.next_key_seed(NameVisitor)? {
            let name = match name {
                Name::Field(name) => name,
                Name::Mark(mark) => return marked(mark, &mut access),
            };
            let value = access.next_value_seed(self.deeper()?)?;
            fields
                .push(name, value)
                .map_err(|name| A::Error::custom(format!("the key {name:?} stands twice in one map")))?;
        }
        Ok(Value::Document(fields.into_document()))
    }
}

/// Reads a value that [`Marked`](super::mark::Marked) gives.
fn marked<'de, A: MapAccess<'de>>(mark: Text, access: &mut A) -> Result<Value, A::Error> {
    let mut document = Document::with_capacity(1);
    document.push(mark, access.next_value::<Value>()?);
    extended::typed(document).map_err(A::Error::custom)
}

/// The key of a map.
enum Name {
    Field(Text),
    /// Says which of our own types the value is, as Extended JSON names it.
    Mark(Text),
}

struct NameVisitor;

impl<'de> DeserializeSeed<'de> for NameVisitor {
    type Value = Name;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Name, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for NameVisitor {
    type Value = Name;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name: a string, a number or a boolean")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Name, E> {
        Ok(Name::Field(name.into()))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Name, E> {
        Ok(Name::Field(eco_format!("{value}")))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Name, E> {
        Ok(Name::Field(eco_format!("{value}")))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Name, E> {
        Ok(Name::Field(eco_format!("{value}")))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Name, E> {
        Ok(Name::Field(eco_format!("{value:?}")))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Name, D::Error> {
        match deserializer.deserialize_any(ValueVisitor::new())? {
            Value::String(mark) if matches!(mark.as_str(), "$date" | "$oid" | "$binary") => {
                Ok(Name::Mark(mark))
            }
            Value::String(name) => Ok(Name::Field(name)),
            other => Err(D::Error::invalid_type(
                Unexpected::Other(other.type_name()),
                &self,
            )),
        }
    }
}
