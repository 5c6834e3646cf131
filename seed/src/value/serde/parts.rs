//! Arrays, documents and variants in the making: what serde gives piece by piece.

use serde::ser::{self, Serialize};

use super::fault::{Fault, deeper};
use super::ser::Writer;
use crate::error::ErrorKind;
use crate::value::distinct::DistinctFields;
use crate::value::{Array, Document, Text, Value};

/// The most room made for a length that is only told, and not to be trusted with memory.
const MAX_ROOM: usize = 1024;

/// An array in the making.
pub(super) struct Elements {
    elements: Array,
    depth: usize,
}

impl Elements {
    /// Begins an array inside `depth` others, of about `len` elements.
    pub(super) fn inside(depth: usize, len: Option<usize>) -> Result<Self, Fault> {
        let depth = deeper(depth)?;
        let elements = Array::with_capacity(len.unwrap_or(0).min(MAX_ROOM));
        Ok(Self { elements, depth })
    }

    fn push<T: Serialize + ?Sized>(&mut self, element: &T) -> Result<(), Fault> {
        let at = self.elements.len();
        let element = element
            .serialize(Writer::at(self.depth))
            .map_err(|fault| fault.under(at))?;
        self.elements.push(element);
        Ok(())
    }
}

/// A document in the making.
pub(super) struct Fields {
    fields: DistinctFields,
    /// The key whose value comes next.
    key: Option<Text>,
    depth: usize,
}

impl Fields {
    /// Begins a document inside `depth` others, of about `len` fields.
    pub(super) fn inside(depth: usize, len: Option<usize>) -> Result<Self, Fault> {
        let depth = deeper(depth)?;
        let fields = DistinctFields::with_capacity(len.unwrap_or(0).min(MAX_ROOM));
        Ok(Self {
            fields,
            key: None,
            depth,
        })
    }

    fn push<T: Serialize + ?Sized>(&mut self, name: Text, value: &T) -> Result<(), Fault> {
        let value = value
            .serialize(Writer::at(self.depth))
            .map_err(|fault| fault.under(&name))?;
        self.fields
            .push(name, value)
            .map_err(|name| Fault::new(ErrorKind::Mismatch, "the key stands twice in one map").under(name))
    }

    fn end(self) -> Value {
        Value::Document(self.fields.into_document())
    }
}

fn name_from(key: Value) -> Result<Text, Fault> {
    Ok(match key {
        Value::String(text) => text,
        Value::Bool(value) => ecow::eco_format!("{value}"),
        Value::Int(int) => ecow::eco_format!("{int}"),
        Value::Double(double) => ecow::eco_format!("{double:?}"),
        Value::Date(date) => ecow::eco_format!("{date}"),
        Value::ObjectId(id) => ecow::eco_format!("{id}"),
        Value::Null | Value::Binary(_) | Value::Array(_) | Value::Document(_) => {
            let message = format!(
                "a key is a string, a number or a boolean, not of the type {}",
                key.type_name()
            );
            return Err(Fault::new(ErrorKind::Mismatch, message));
        }
    })
}

/// Makes what stands for a variant with content.
pub(super) fn variant_of(name: &'static str, content: Value) -> Value {
    let mut document = Document::with_capacity(1);
    document.push(name, content);
    Value::Document(document)
}

/// A variant whose content is in the making.
pub(super) struct Variant<C> {
    name: &'static str,
    content: C,
}

impl<C> Variant<C> {
    pub(super) fn new(name: &'static str, content: C) -> Self {
        Self { name, content }
    }
}

impl ser::SerializeSeq for Elements {
    type Ok = Value;
    type Error = Fault;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, element: &T) -> Result<(), Fault> {
        self.push(element)
    }

    fn end(self) -> Result<Value, Fault> {
        Ok(Value::Array(self.elements))
    }
}

impl ser::SerializeTuple for Elements {
    type Ok = Value;
    type Error = Fault;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, element: &T) -> Result<(), Fault> {
        self.push(element)
    }

    fn end(self) -> Result<Value, Fault> {
        Ok(Value::Array(self.elements))
    }
}

impl ser::SerializeTupleStruct for Elements {
    type Ok = Value;
    type Error = Fault;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, element: &T) -> Result<(), Fault> {
        self.push(element)
    }

    fn end(self) -> Result<Value, Fault> {
        Ok(Value::Array(self.elements))
    }
}

impl ser::SerializeTupleVariant for Variant<Elements> {
    type Ok = Value;
    type Error = Fault;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, element: &T) -> Result<(), Fault> {
        self.content.push(element).map_err(|fault| fault.under(self.name))
    }

    fn end(self) -> Result<Value, Fault> {
        Ok(variant_of(self.name, Value::Array(self.content.elements)))
    }
}

impl ser::SerializeMap for Fields {
    type Ok = Value;
    type Error = Fault;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Fault> {
        let key = key.serialize(Writer::of_keys(self.depth))?;
        self.key = Some(name_from(key)?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        let key = self.key.take();
        let key =
            key.ok_or_else(|| Fault::new(ErrorKind::Mismatch, "a map gives each value after its key"))?;
        self.push(key, value)
    }

    fn end(self) -> Result<Value, Fault> {
        Ok(self.end())
    }
}

impl ser::SerializeStruct for Fields {
    type Ok = Value;
    type Error = Fault;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Fault> {
        self.push(name.into(), value)
    }

    fn end(self) -> Result<Value, Fault> {
        Ok(self.end())
    }
}

impl ser::SerializeStructVariant for Variant<Fields> {
    type Ok = Value;
    type Error = Fault;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Fault> {
        self.content
            .push(name.into(), value)
            .map_err(|fault| fault.under(self.name))
    }

    fn end(self) -> Result<Value, Fault> {
        Ok(variant_of(self.name, self.content.end()))
    }
}
