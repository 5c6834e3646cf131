//! Values and documents: what every store keeps and every query looks at.
//!
//! [`Value`] is the sum of all types, [`Document`] an ordered list of named values. Comparison in MongoDB's
//! order is in [`order`]; `==` is stricter and tells `1` from `1.0`. The readers and writers of JSON are in
//! [`json`], Rust structs go in and out by [`serde`](mod@serde), and [`limits`] says how large things may be.

mod date_time;
mod distinct;
#[macro_use]
mod doc;
mod document;
pub mod json;
pub mod limits;
mod object_id;
pub mod order;
pub mod serde;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use ecow::{EcoString, EcoVec};

pub(crate) use date_time::DateText;
pub use date_time::DateTime;
pub use document::Document;
pub use object_id::ObjectId;

/// A string of a value or a name: short ones are stored in place, long ones are shared between clones.
pub type Text = EcoString;

/// The elements of an array, shared between clones and copied when one of them is changed.
pub type Array = EcoVec<Value>;

/// One value of any type.
///
/// `==` compares type and content to the letter: `1` and `1.0` differ, a NaN equals itself, and documents
/// differ if their keys stand in another order. [`order::compare`] compares as queries do.
#[derive(Clone, Default)]
pub enum Value {
    /// Null, which queries often treat like a missing field.
    #[default]
    Null,
    /// True or false.
    Bool(bool),
    /// A 64-bit integer.
    Int(i64),
    /// A double; NaN and the infinities are values too.
    Double(f64),
    /// A string of Unicode characters.
    String(Text),
    /// Bytes with the subtype that says what they mean.
    Binary(Binary),
    /// A moment in whole milliseconds, UTC.
    Date(DateTime),
    /// A 12-byte object id.
    ObjectId(ObjectId),
    /// A list of values.
    Array(Array),
    /// A document inside a document.
    Document(Document),
}

/// Bytes with a subtype that says what they mean; clones share them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Binary(Arc<(u8, Box<[u8]>)>);

impl Binary {
    /// Makes binary data of a subtype, as BSON counts it; 0 is generic, 4 a UUID.
    pub fn new(subtype: u8, bytes: impl Into<Box<[u8]>>) -> Self {
        Self(Arc::new((subtype, bytes.into())))
    }

    /// Makes generic binary data, subtype 0.
    pub fn generic(bytes: &[u8]) -> Self {
        Self::new(0, bytes)
    }

    /// Returns the subtype.
    pub fn subtype(&self) -> u8 {
        self.0.0
    }

    /// Returns the bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0.1
    }
}

impl Value {
    /// Returns the name of the type as `$type` knows it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Int(_) => "long",
            Self::Double(_) => "double",
            Self::String(_) => "string",
            Self::Binary(_) => "binData",
            Self::Date(_) => "date",
            Self::ObjectId(_) => "objectId",
            Self::Array(_) => "array",
            Self::Document(_) => "object",
        }
    }

    /// Tells whether this is an integer or a double.
    pub fn is_number(&self) -> bool {
        matches!(self, Self::Int(_) | Self::Double(_))
    }

    /// Reads the far end of the value as it lies in memory, and of a longer one what it has beside its elements.
    ///
    /// The number means nothing; that it was read brings the value near.
    #[inline]
    pub(crate) fn glance(&self) -> usize {
        match self {
            Self::Null => 0,
            Self::Bool(value) => usize::from(*value),
            Self::Int(value) => *value as usize,
            Self::Double(value) => value.to_bits() as usize,
            Self::Date(value) => value.as_millis() as usize,
            Self::String(text) => text.len(),
            Self::Array(elements) => elements.len(),
            Self::Document(document) => document.len(),
            Self::Binary(_) | Self::ObjectId(_) => 1,
        }
    }

    /// Tells whether this is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Returns the string, if this is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the boolean, if this is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// Returns the number as an integer, if it is a whole one within 64 bits.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(*value),
            // The bounds are exact: -2^63 is a double, 2^63 is the first one too large.
            Self::Double(value)
                if value.fract() == 0.0
                    && *value >= -9_223_372_036_854_775_808.0
                    && *value < 9_223_372_036_854_775_808.0 =>
            {
                Some(*value as i64)
            }
            _ => None,
        }
    }

    /// Returns the number as a double, rounded if it is an integer beyond 2^53.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Int(value) => Some(*value as f64),
            Self::Double(value) => Some(*value),
            _ => None,
        }
    }

    /// Returns the date, if this is one.
    pub fn as_date(&self) -> Option<DateTime> {
        match self {
            Self::Date(value) => Some(*value),
            _ => None,
        }
    }

    /// Returns the elements, if this is an array.
    pub fn as_array(&self) -> Option<&Array> {
        match self {
            Self::Array(elements) => Some(elements),
            _ => None,
        }
    }

    /// Returns the document, if this is one.
    pub fn as_document(&self) -> Option<&Document> {
        match self {
            Self::Document(document) => Some(document),
            _ => None,
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Double(a), Self::Double(b)) => a.to_bits() == b.to_bits(),
            (Self::String(a), Self::String(b)) => a == b,
            (Self::Binary(a), Self::Binary(b)) => a == b,
            (Self::Date(a), Self::Date(b)) => a == b,
            (Self::ObjectId(a), Self::ObjectId(b)) => a == b,
            (Self::Array(a), Self::Array(b)) => shares(a, b) || a == b,
            (Self::Document(a), Self::Document(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Value {}

/// Compares two texts, which are mostly short: for those a call of the machine's comparison takes longer than comparing.
#[inline]
pub(crate) fn same_text(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    if a.len() > 16 {
        return a == b;
    }
    // Compared as numbers, which overlap in the middle.
    if let (Some(a), Some(b)) = (ends::<8>(a), ends::<8>(b)) {
        return a == b;
    }
    if let (Some(a), Some(b)) = (ends::<4>(a), ends::<4>(b)) {
        return a == b;
    }
    a.iter().eq(b)
}

/// Returns the first and the last `N` bytes.
#[inline]
fn ends<const N: usize>(bytes: &[u8]) -> Option<([u8; N], [u8; N])> {
    Some((*bytes.first_chunk()?, *bytes.last_chunk()?))
}

/// Tells whether two lists are clones that share their elements, which need not be compared then.
fn shares<T>(a: &EcoVec<T>, b: &EcoVec<T>) -> bool {
    std::ptr::eq(a.as_slice(), b.as_slice())
}

impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::mem::discriminant(self).hash(state);
        match self {
            Self::Null => {}
            Self::Bool(value) => value.hash(state),
            Self::Int(value) => value.hash(state),
            Self::Double(value) => value.to_bits().hash(state),
            Self::String(value) => value.hash(state),
            Self::Binary(value) => value.hash(state),
            Self::Date(value) => value.hash(state),
            Self::ObjectId(value) => value.hash(state),
            Self::Array(value) => value.hash(state),
            Self::Document(value) => value.hash(state),
        }
    }
}

/// Shows the value as relaxed Extended JSON.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&json::to_extended(self))
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

macro_rules! value_from {
    ($($from:ty => |$value:ident| $to:expr;)*) => {
        $(impl From<$from> for Value {
            fn from($value: $from) -> Self {
                $to
            }
        })*
    };
}

value_from! {
    bool => |value| Self::Bool(value);
    i32 => |value| Self::Int(i64::from(value));
    u32 => |value| Self::Int(i64::from(value));
    i64 => |value| Self::Int(value);
    f64 => |value| Self::Double(value);
    &str => |value| Self::String(value.into());
    String => |value| Self::String(value.into());
    Text => |value| Self::String(value);
    &Text => |value| Self::String(value.clone());
    Binary => |value| Self::Binary(value);
    DateTime => |value| Self::Date(value);
    ObjectId => |value| Self::ObjectId(value);
    Array => |value| Self::Array(value);
    Document => |value| Self::Document(value);
    &Value => |value| value.clone();
}

impl<T: Into<Self>> From<Vec<T>> for Value {
    fn from(values: Vec<T>) -> Self {
        Self::Array(values.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Self>, const N: usize> From<[T; N]> for Value {
    fn from(values: [T; N]) -> Self {
        Self::Array(values.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_stays_small() {
        assert_eq!(size_of::<Value>(), 24);
    }

    #[test]
    fn texts_of_every_length_are_compared_to_the_last_byte() {
        for length in 0..40 {
            let text = "x".repeat(length);
            assert!(same_text(&text, &text.clone()));
            assert!(!same_text(&text, &"x".repeat(length + 1)));
            for at in 0..length {
                let mut other = text.clone();
                other.replace_range(at..=at, "y");
                assert!(!same_text(&text, &other), "{length} {at}");
            }
        }
    }

    #[test]
    fn equality_tells_types_apart_and_knows_nan() {
        assert_ne!(Value::Int(1), Value::Double(1.0));
        assert_eq!(Value::Double(f64::NAN), Value::Double(f64::NAN));
        assert_ne!(
            Value::from(doc! {"a": 1, "b": 2}),
            Value::from(doc! {"b": 2, "a": 1})
        );
    }

    #[test]
    fn whole_doubles_within_64_bits_are_integers() {
        assert_eq!(
            Value::Double(-9_223_372_036_854_775_808.0).as_i64(),
            Some(i64::MIN)
        );
        assert_eq!(Value::Double(9_223_372_036_854_775_808.0).as_i64(), None);
        assert_eq!(Value::Double(0.5).as_i64(), None);
        assert_eq!(Value::Double(f64::NAN).as_i64(), None);
    }
}
