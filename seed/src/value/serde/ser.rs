//! Writes what serde knows as values.

use serde::ser::{self, Serialize};

use super::fault::{Fault, deeper};
use super::parts::{Elements, Fields, Variant, variant_of};
use super::types;
use crate::error::ErrorKind;
use crate::value::{Binary, Text, Value};

/// Writes one value.
#[derive(Clone, Copy)]
pub(super) struct Writer {
    /// How many arrays and documents lie around it.
    depth: usize,
    role: Role,
}

/// What the written value is for.
#[derive(Clone, Copy, PartialEq)]
enum Role {
    Value,
    /// The key of a map, where an integer of any size is text.
    Key,
    /// The content of one of our own types, asked for in its compact form.
    Compact,
}

impl Writer {
    pub(super) fn new() -> Self {
        Self::at(0)
    }

    /// Makes a writer of what lies inside `depth` arrays and documents.
    pub(super) fn at(depth: usize) -> Self {
        Self {
            depth,
            role: Role::Value,
        }
    }

    /// Makes a writer of the keys of a map.
    pub(super) fn of_keys(depth: usize) -> Self {
        Self {
            depth,
            role: Role::Key,
        }
    }

    fn integer<T: Copy + ToString>(self, value: T) -> Result<Value, Fault>
    where
        i64: TryFrom<T>,
    {
        match i64::try_from(value) {
            Ok(int) => Ok(Value::Int(int)),
            Err(_) if self.role == Role::Key => Ok(value.to_string().into()),
            Err(_) => Err(Fault::new(
                ErrorKind::Unsupported,
                format!("the number {} does not fit in 64 bits", value.to_string()),
            )),
        }
    }

    /// Makes the writer of what a variant holds, one level down.
    fn content(self) -> Result<Self, Fault> {
        deeper(self.depth).map(Self::at)
    }
}

impl ser::Serializer for Writer {
    type Ok = Value;
    type Error = Fault;
    type SerializeSeq = Elements;
    type SerializeTuple = Elements;
    type SerializeTupleStruct = Elements;
    type SerializeTupleVariant = Variant<Elements>;
    type SerializeMap = Fields;
    type SerializeStruct = Fields;
    type SerializeStructVariant = Variant<Fields>;

    fn is_human_readable(&self) -> bool {
        self.role != Role::Compact
    }

    fn serialize_bool(self, value: bool) -> Result<Value, Fault> {
        Ok(Value::Bool(value))
    }

    fn serialize_i8(self, value: i8) -> Result<Value, Fault> {
        Ok(Value::Int(value.into()))
    }

    fn serialize_i16(self, value: i16) -> Result<Value, Fault> {
        Ok(Value::Int(value.into()))
    }

    fn serialize_i32(self, value: i32) -> Result<Value, Fault> {
        Ok(Value::Int(value.into()))
    }

    fn serialize_i64(self, value: i64) -> Result<Value, Fault> {
        Ok(Value::Int(value))
    }

    fn serialize_i128(self, value: i128) -> Result<Value, Fault> {
        self.integer(value)
    }

    fn serialize_u8(self, value: u8) -> Result<Value, Fault> {
        Ok(Value::Int(value.into()))
    }

    fn serialize_u16(self, value: u16) -> Result<Value, Fault> {
        Ok(Value::Int(value.into()))
    }

    fn serialize_u32(self, value: u32) -> Result<Value, Fault> {
        Ok(Value::Int(value.into()))
    }

    fn serialize_u64(self, value: u64) -> Result<Value, Fault> {
        self.integer(value)
    }

    fn serialize_u128(self, value: u128) -> Result<Value, Fault> {
        self.integer(value)
    }

    /// Every `f32` is a double too, and rounds back to itself.
    fn serialize_f32(self, value: f32) -> Result<Value, Fault> {
        Ok(Value::Double(value.into()))
    }

    fn serialize_f64(self, value: f64) -> Result<Value, Fault> {
        Ok(Value::Double(value))
    }

    fn serialize_char(self, value: char) -> Result<Value, Fault> {
        Ok(Value::String(Text::from(value)))
    }

    fn serialize_str(self, value: &str) -> Result<Value, Fault> {
        Ok(value.into())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<Value, Fault> {
        Ok(Value::Binary(Binary::generic(value)))
    }

    fn serialize_none(self) -> Result<Value, Fault> {
        Ok(Value::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, Fault> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Value, Fault> {
        Ok(Value::Null)
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<Value, Fault> {
        Ok(Value::Null)
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<Value, Fault> {
        Ok(variant.into())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<Value, Fault> {
        if !types::is_own(name) {
            return value.serialize(self);
        }
        let content = value.serialize(Self {
            role: Role::Compact,
            ..self
        })?;
        types::from_content(name, &content)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Value, Fault> {
        let content = value
            .serialize(self.content()?)
            .map_err(|fault| fault.under(variant))?;
        Ok(variant_of(variant, content))
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Elements, Fault> {
        Elements::inside(self.depth, len)
    }

    fn serialize_tuple(self, len: usize) -> Result<Elements, Fault> {
        Elements::inside(self.depth, Some(len))
    }

    fn serialize_tuple_struct(self, _name: &'static str, len: usize) -> Result<Elements, Fault> {
        Elements::inside(self.depth, Some(len))
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Variant<Elements>, Fault> {
        Elements::inside(deeper(self.depth)?, Some(len)).map(|content| Variant::new(variant, content))
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Fields, Fault> {
        Fields::inside(self.depth, len)
    }

    fn serialize_struct(self, _name: &'static str, len: usize) -> Result<Fields, Fault> {
        Fields::inside(self.depth, Some(len))
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Variant<Fields>, Fault> {
        Fields::inside(deeper(self.depth)?, Some(len)).map(|content| Variant::new(variant, content))
    }
}
