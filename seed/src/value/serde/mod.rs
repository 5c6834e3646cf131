//! Rust types become documents and back, by serde.
//!
//! [`to_document`] and [`from_document`] for whole documents, [`to_value`] and [`from_value`] for any value. They take
//! what serde takes, in the form that people know from JSON: an enum is the name of its variant, or a document with
//! that name and the content; a missing option is null; bytes are generic binary data; the keys of a map are strings,
//! and numbers, booleans and characters are written as such. An integer that does not fit in 64 bits is refused, and
//! so is a key that a map holds twice.
//!
//! [`Value`], [`Document`], [`DateTime`](super::DateTime), [`ObjectId`](super::ObjectId) and [`Binary`](super::Binary)
//! are serde types themselves, and in a struct of yours they stay what they are: a date becomes a date, also inside
//! `#[serde(flatten)]`. In any other format for people they become what plain JSON shows: a date is RFC 3339 text, an
//! object id its digits, binary data base64; a compact format is given milliseconds, bytes, and the subtype with the
//! bytes. What a format gives for a `Value` is taken as it comes: text stays text.
//!
//! A type that reads whatever there is, such as `serde_json::Value`, gets dates and object ids, which serde has no
//! word for, as Extended JSON writes them: `{"$date": 0}`. One that asks for a string gets the text.

mod any;
mod de;
mod fault;
mod key;
mod mark;
mod parts;
mod ser;
mod types;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Document, Value};
use crate::error::Result;
use de::Reader;
use fault::Fault;
use ser::Writer;

/// Turns anything that serde can write into a value.
///
/// # Errors
/// Each names the path of the field. [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) for an integer beyond
/// 64 bits, [`ErrorKind::Limit`](crate::ErrorKind::Limit) beyond 100 levels, and
/// [`ErrorKind::Mismatch`](crate::ErrorKind::Mismatch) for a key that cannot be a name or stands twice.
pub fn to_value<T: Serialize + ?Sized>(from: &T) -> Result<Value> {
    from.serialize(Writer::new()).map_err(Fault::into_error)
}

/// Turns a struct or a map into a document.
///
/// # Errors
/// As [`to_value`], and [`ErrorKind::Mismatch`](crate::ErrorKind::Mismatch) if it is another kind of value.
///
/// # Example
/// ```
/// use seed::DateTime;
/// use seed::value::serde::{from_document, to_document};
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Mail {
///     to: String,
///     at: DateTime,
/// }
///
/// let mail = Mail { to: "ada@example.org".into(), at: DateTime::from_millis(0) };
/// let document = to_document(&mail)?;
/// assert_eq!(document.to_string(), r#"{"to":"ada@example.org","at":{"$date":"1970-01-01T00:00:00.000Z"}}"#);
/// assert_eq!(from_document::<Mail>(&document)?.to, mail.to);
/// # Ok::<(), seed::Error>(())
/// ```
pub fn to_document<T: Serialize + ?Sized>(from: &T) -> Result<Document> {
    match to_value(from)? {
        Value::Document(document) => Ok(document),
        other => Err(fault::not_a_document(&other).into_error()),
    }
}

/// Reads a value as a Rust type, which may borrow its strings from it.
///
/// A whole double is taken where an integer is asked for.
///
/// # Errors
/// [`ErrorKind::Mismatch`](crate::ErrorKind::Mismatch) with the path of the field that is missing or of another type,
/// [`ErrorKind::Limit`](crate::ErrorKind::Limit) beyond 100 levels.
pub fn from_value<'de, T: Deserialize<'de>>(value: &'de Value) -> Result<T> {
    T::deserialize(Reader::new(value)).map_err(Fault::into_error)
}

/// Reads a document as a Rust type.
///
/// # Errors
/// As [`from_value`].
pub fn from_document<T: DeserializeOwned>(document: &Document) -> Result<T> {
    from_value(&Value::Document(document.clone()))
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
