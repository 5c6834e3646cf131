//! Dates, object ids and binary data as serde types.
//!
//! Each is written as a newtype struct by a name that [`Writer`](super::ser::Writer) knows, which then asks for the
//! compact form of the content. Each is read from any of its forms: as itself, as text, or compact.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

use super::any::ValueVisitor;
use super::fault::Fault;
use crate::error::ErrorKind;
use crate::value::{Binary, DateTime, ObjectId, Value};

const DATE: &str = "seed::DateTime";
const OBJECT_ID: &str = "seed::ObjectId";
const BINARY: &str = "seed::Binary";

/// Tells whether a newtype struct of this name is one of our own types.
pub(super) fn is_own(name: &str) -> bool {
    matches!(name, DATE | OBJECT_ID | BINARY)
}

/// Makes the own type of this name of its content, as a value of the types that serde has.
pub(super) fn from_content(name: &str, content: &Value) -> Result<Value, Fault> {
    let own = match name {
        DATE => date_from(content).map(Value::Date),
        OBJECT_ID => object_id_from(content).map(Value::ObjectId),
        _ => binary_from(content).map(Value::Binary),
    };
    own.ok_or_else(|| {
        Fault::new(
            ErrorKind::Mismatch,
            format!("this is no content of a {name}: {content}"),
        )
    })
}

fn date_from(content: &Value) -> Option<DateTime> {
    match content {
        Value::Date(date) => Some(*date),
        Value::Int(millis) => Some(DateTime::from_millis(*millis)),
        // A moment that RFC 3339 cannot write is shown as the text of its milliseconds.
        Value::String(text) => text
            .parse()
            .or_else(|_| text.parse().map(DateTime::from_millis))
            .ok(),
        _ => None,
    }
}

fn object_id_from(content: &Value) -> Option<ObjectId> {
    match content {
        Value::ObjectId(id) => Some(*id),
        Value::String(digits) => digits.parse().ok(),
        Value::Binary(binary) => binary.bytes().try_into().ok().map(ObjectId::from_bytes),
        _ => None,
    }
}

fn binary_from(content: &Value) -> Option<Binary> {
    match content {
        Value::Binary(binary) => Some(binary.clone()),
        Value::String(base64) => Some(Binary::new(0, STANDARD.decode(base64).ok()?)),
        Value::Array(parts) => match parts.as_slice() {
            [Value::Int(subtype), Value::Binary(generic)] => {
                Some(Binary::new(u8::try_from(*subtype).ok()?, generic.bytes()))
            }
            _ => None,
        },
        _ => None,
    }
}

/// The content of an own type: text for people, else as compact as can be.
struct Content<'a, T>(&'a T);

impl Serialize for Content<'_, DateTime> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self.0)
        } else {
            serializer.serialize_i64(self.0.as_millis())
        }
    }
}

impl Serialize for Content<'_, ObjectId> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self.0)
        } else {
            serializer.serialize_bytes(self.0.bytes())
        }
    }
}

impl Serialize for Content<'_, Binary> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(&STANDARD.encode(self.0.bytes()))
        } else {
            (self.0.subtype(), Bytes(self.0.bytes())).serialize(serializer)
        }
    }
}

impl Serialize for DateTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(DATE, &Content(self))
    }
}

impl Serialize for ObjectId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(OBJECT_ID, &Content(self))
    }
}

impl Serialize for Binary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(BINARY, &Content(self))
    }
}

impl<'de> Deserialize<'de> for DateTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return i64::deserialize(deserializer).map(Self::from_millis);
        }
        let content = Value::deserialize(deserializer)?;
        date_from(&content).ok_or_else(|| unfit(&content, "a date, in RFC 3339 or in milliseconds"))
    }
}

impl<'de> Deserialize<'de> for ObjectId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let content = if deserializer.is_human_readable() {
            Value::deserialize(deserializer)?
        } else {
            deserializer.deserialize_bytes(ValueVisitor::new())?
        };
        object_id_from(&content).ok_or_else(|| unfit(&content, "an object id of 24 hexadecimal digits"))
    }
}

impl<'de> Deserialize<'de> for Binary {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            let (subtype, Bytes(generic)) = <(u8, Bytes<Self>)>::deserialize(deserializer)?;
            return Ok(Self::new(subtype, generic.bytes()));
        }
        let content = Value::deserialize(deserializer)?;
        binary_from(&content).ok_or_else(|| unfit(&content, "binary data, or its base64"))
    }
}

/// Bytes that serde takes as bytes, and not as a sequence of numbers.
struct Bytes<B>(B);

impl Serialize for Bytes<&[u8]> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes<Binary> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_bytes(ValueVisitor::new())? {
            Value::Binary(binary) => Ok(Self(binary)),
            other => Err(unfit(&other, "binary data")),
        }
    }
}

fn unfit<E: serde::de::Error>(content: &Value, expected: &str) -> E {
    E::custom(format!(
        "{expected} is expected here, not a value of the type {}",
        content.type_name()
    ))
}
