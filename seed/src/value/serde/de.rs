//! Reads values as what serde knows.

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error as _, MapAccess, SeqAccess, Unexpected};
use serde::de::{VariantAccess, Visitor};
use serde::{Deserialize, forward_to_deserialize_any};

use super::fault::{Fault, deeper};
use super::key::KeyReader;
use super::mark::Marked;
use crate::value::{Document, Text, Value};

/// Reads one value.
#[derive(Clone, Copy)]
pub(super) struct Reader<'de> {
    value: &'de Value,
    /// How many arrays and documents lie around it.
    depth: usize,
}

impl<'de> Reader<'de> {
    pub(super) fn new(value: &'de Value) -> Self {
        Self { value, depth: 0 }
    }

    fn elements<V: Visitor<'de>>(self, elements: &'de [Value], visitor: V) -> Result<V::Value, Fault> {
        let mut access = Elements {
            left: elements.iter(),
            at: 0,
            depth: deeper(self.depth)?,
        };
        let read = visitor.visit_seq(&mut access)?;
        if access.left.len() == 0 {
            return Ok(read);
        }
        let message = format!("{} elements are expected here, not {}", access.at, elements.len());
        Err(Fault::custom(message))
    }

    /// Gives a whole double as the integer that it is equal to.
    fn integer<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match (self.value, self.value.as_i64()) {
            (Value::Double(_), Some(int)) => visitor.visit_i64(int),
            _ => self.deserialize_any(visitor),
        }
    }

    /// Gives the text of what serde has no type for but people read.
    fn text<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.value {
            Value::Date(date) => visitor.visit_string(date.to_string()),
            Value::ObjectId(id) => visitor.visit_string(id.to_string()),
            _ => self.deserialize_any(visitor),
        }
    }

    /// Gives a document; an object that only stands for a date is none.
    fn fields<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.value {
            Value::Document(document) => read_fields(document, self.depth, visitor),
            Value::Date(_) | Value::ObjectId(_) | Value::Binary(_) => {
                Err(Fault::invalid_type(unexpected(self.value), &visitor))
            }
            _ => self.deserialize_any(visitor),
        }
    }
}

fn read_fields<'de, V: Visitor<'de>>(
    document: &'de Document,
    depth: usize,
    visitor: V,
) -> Result<V::Value, Fault> {
    let mut access = Fields {
        left: document.fields().iter(),
        value: None,
        depth: deeper(depth)?,
    };
    let read = visitor.visit_map(&mut access)?;
    if access.left.len() == 0 {
        return Ok(read);
    }
    let taken = document.len() - access.left.len();
    Err(Fault::custom(format!(
        "{taken} fields are expected here, not {}",
        document.len()
    )))
}

fn unexpected(value: &Value) -> Unexpected<'_> {
    match value {
        Value::Null => Unexpected::Unit,
        Value::Bool(value) => Unexpected::Bool(*value),
        Value::Int(int) => Unexpected::Signed(*int),
        Value::Double(double) => Unexpected::Float(*double),
        Value::String(text) => Unexpected::Str(text),
        Value::Binary(_) => Unexpected::Other("binary data"),
        Value::Date(_) => Unexpected::Other("date"),
        Value::ObjectId(_) => Unexpected::Other("object id"),
        Value::Array(_) => Unexpected::Seq,
        Value::Document(_) => Unexpected::Map,
    }
}

macro_rules! read_by {
    ($by:ident: $($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            self.$by(visitor)
        })*
    };
}

impl<'de> Deserializer<'de> for Reader<'de> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Int(int) => visitor.visit_i64(*int),
            Value::Double(double) => visitor.visit_f64(*double),
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Binary(binary) if binary.subtype() == 0 => visitor.visit_borrowed_bytes(binary.bytes()),
            Value::Binary(binary) => visitor.visit_map(Marked::binary(binary)),
            Value::Date(date) => visitor.visit_map(Marked::date(*date)),
            Value::ObjectId(id) => visitor.visit_map(Marked::object_id(*id)),
            Value::Array(elements) => self.elements(elements, visitor),
            Value::Document(document) => read_fields(document, self.depth, visitor),
        }
    }

    read_by! { integer: deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128 }
    read_by! { integer: deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 }
    read_by! { text: deserialize_str deserialize_string deserialize_identifier }
    read_by! { fields: deserialize_map }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.value {
            Value::Binary(binary) => visitor.visit_borrowed_bytes(binary.bytes()),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.fields(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.value {
            Value::String(name) => visitor.visit_enum(BorrowedStrDeserializer::new(name)),
            Value::Document(document) if document.len() == 1 => {
                let (name, content) = &document.fields()[0];
                let content = Self {
                    value: content,
                    depth: deeper(self.depth)?,
                };
                visitor.visit_enum(Variant { name, content })
            }
            other => Err(Fault::invalid_type(
                unexpected(other),
                &"the name of a variant, or a document with its name and content",
            )),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool f32 f64 char unit unit_struct seq tuple tuple_struct
    }
}

struct Elements<'de> {
    left: std::slice::Iter<'de, Value>,
    at: usize,
    depth: usize,
}

impl<'de> SeqAccess<'de> for Elements<'de> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        let Some(value) = self.left.next() else {
            return Ok(None);
        };
        let at = self.at;
        self.at += 1;
        let element = seed.deserialize(Reader {
            value,
            depth: self.depth,
        });
        element.map(Some).map_err(|fault| fault.under(at))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left.len())
    }
}

struct Fields<'de> {
    left: std::slice::Iter<'de, (Text, Value)>,
    /// The field whose name was read and whose value was not.
    value: Option<&'de (Text, Value)>,
    depth: usize,
}

impl<'de> MapAccess<'de> for Fields<'de> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        self.value = self.left.next();
        let Some((name, _)) = self.value else {
            return Ok(None);
        };
        let key = seed.deserialize(KeyReader(name));
        key.map(Some).map_err(|fault| fault.at_least_under(name))
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Fault> {
        let field = self.value.take();
        let (name, value) = field.ok_or_else(|| Fault::custom("a map reads each value after its key"))?;
        let value = seed.deserialize(Reader {
            value,
            depth: self.depth,
        });
        value.map_err(|fault| fault.under(name))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left.len())
    }
}

/// A variant and what it holds.
struct Variant<'de> {
    name: &'de str,
    content: Reader<'de>,
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self), Fault> {
        Ok((
            seed.deserialize(BorrowedStrDeserializer::<Fault>::new(self.name))?,
            self,
        ))
    }
}

impl<'de> VariantAccess<'de> for Variant<'de> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        <()>::deserialize(self.content).map_err(|fault| fault.under(self.name))
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        seed.deserialize(self.content)
            .map_err(|fault| fault.under(self.name))
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Fault> {
        let read = self.content.deserialize_tuple(len, visitor);
        read.map_err(|fault| fault.under(self.name))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let read = self.content.deserialize_struct("", fields, visitor);
        read.map_err(|fault| fault.under(self.name))
    }
}
