//! How our own types pass through readers that know only serde's.
//!
//! A date is given as in Extended JSON, `{"$date": 0}`, but the key is a newtype struct around the string. No text
//! gives such a key, so what a user writes as `{"$date": 0}` stays a document of that field. Serde keeps the mark in
//! the buffers that it makes for `flatten` and for untagged enums, and a reader that is no wiser sees the string.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::value::{BorrowedStrDeserializer, MapDeserializer};
use serde::de::{DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::fault::Fault;
use crate::value::{Binary, DateTime, ObjectId};

/// A map of one marked field.
pub(super) struct Marked<'de> {
    key: Option<&'static str>,
    content: Content<'de>,
}

enum Content<'de> {
    Date(DateTime),
    ObjectId(ObjectId),
    Binary(&'de Binary),
}

impl<'de> Marked<'de> {
    pub(super) fn date(date: DateTime) -> Self {
        Self {
            key: Some("$date"),
            content: Content::Date(date),
        }
    }

    pub(super) fn object_id(id: ObjectId) -> Self {
        Self {
            key: Some("$oid"),
            content: Content::ObjectId(id),
        }
    }

    pub(super) fn binary(binary: &'de Binary) -> Self {
        Self {
            key: Some("$binary"),
            content: Content::Binary(binary),
        }
    }
}

impl<'de> MapAccess<'de> for Marked<'de> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        self.key
            .take()
            .map(|key| seed.deserialize(MarkedKey(key)))
            .transpose()
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Fault> {
        match &self.content {
            Content::Date(date) => seed.deserialize(date.as_millis().into_deserializer()),
            Content::ObjectId(id) => seed.deserialize(id.to_string().into_deserializer()),
            Content::Binary(binary) => {
                let base64 = STANDARD.encode(binary.bytes());
                let subtype = format!("{:02x}", binary.subtype());
                let parts = [("base64", base64), ("subType", subtype)];
                seed.deserialize(MapDeserializer::new(parts.into_iter()))
            }
        }
    }

    fn size_hint(&self) -> Option<usize> {
        Some(usize::from(self.key.is_some()))
    }
}

struct MarkedKey(&'static str);

impl<'de> Deserializer<'de> for MarkedKey {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(BorrowedStrDeserializer::new(self.0))
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_borrowed_str(self.0)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_borrowed_str(self.0)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_borrowed_str(self.0)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum ignored_any
    }
}
