//! Values as the driver has them, and back.

use mongodb::bson::oid::ObjectId as BsonId;
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{self, Bson, RawBson, RawBsonRef, RawDocument};
use seed::value::{Binary, DateTime, Document, ObjectId, Value};
use seed::{Error, ErrorKind, Result, doc as document};

/// Returns a document as BSON: integers as Int64, dates and ids as types of their own.
pub(crate) fn to_bson(document: &Document) -> bson::Document {
    let fields = document.iter();
    fields
        .map(|(name, value)| (name.to_owned(), value_to_bson(value)))
        .collect()
}

/// Returns a value as BSON.
pub(crate) fn value_to_bson(value: &Value) -> Bson {
    match value {
        Value::Null => Bson::Null,
        Value::Bool(value) => Bson::Boolean(*value),
        Value::Int(value) => Bson::Int64(*value),
        Value::Double(value) => Bson::Double(*value),
        Value::String(text) => Bson::String(text.to_string()),
        Value::Binary(binary) => Bson::Binary(bson::Binary {
            subtype: BinarySubtype::from(binary.subtype()),
            bytes: binary.bytes().to_vec(),
        }),
        Value::Date(date) => Bson::DateTime(bson::DateTime::from_millis(date.as_millis())),
        Value::ObjectId(id) => Bson::ObjectId(id_to_bson(id)),
        Value::Array(elements) => Bson::Array(elements.iter().map(value_to_bson).collect()),
        Value::Document(document) => Bson::Document(to_bson(document)),
    }
}

pub(crate) fn id_to_bson(id: &ObjectId) -> BsonId {
    BsonId::from_bytes(*id.bytes())
}

/// Reads a document of the server's, as it came: the driver's own reader takes documents such as `{"$date": 1}` for
/// values.
///
/// A value of a type that seed does not have, which another program has put there, is read as its Extended JSON: one
/// such value must not keep others from being read.
///
/// # Errors
/// [`ErrorKind::Corrupt`] if it is no BSON.
pub(crate) fn from_raw(document: &RawDocument) -> Result<Document> {
    let mut read = Document::new();
    for field in document {
        let (name, value) = field.map_err(|cause| unreadable(&cause.to_string()))?;
        let value = value_from_raw(value).map_err(|fault| fault.at_path(name.as_str()))?;
        read.push(name.as_str(), value);
    }
    Ok(read)
}

fn value_from_raw(value: RawBsonRef<'_>) -> Result<Value> {
    Ok(match value {
        RawBsonRef::Null => Value::Null,
        RawBsonRef::Boolean(value) => Value::Bool(value),
        RawBsonRef::Int32(value) => Value::Int(value.into()),
        RawBsonRef::Int64(value) => Value::Int(value),
        RawBsonRef::Double(value) => Value::Double(value),
        RawBsonRef::String(text) => Value::String(text.into()),
        RawBsonRef::Binary(binary) => Value::Binary(Binary::new(binary.subtype.into(), binary.bytes)),
        RawBsonRef::DateTime(date) => Value::Date(DateTime::from_millis(date.timestamp_millis())),
        RawBsonRef::ObjectId(id) => Value::ObjectId(ObjectId::from_bytes(id.bytes())),
        RawBsonRef::Array(elements) => {
            let read = |element: Result<RawBsonRef<'_>, _>| {
                let element = element.map_err(|cause: bson::error::Error| unreadable(&cause.to_string()));
                value_from_raw(element?)
            };
            Value::Array(elements.into_iter().map(read).collect::<Result<_>>()?)
        }
        RawBsonRef::Document(document) => Value::Document(from_raw(document)?),
        foreign => Value::Document(extended(foreign)),
    })
}

/// Returns a value of a type that seed does not have as its canonical Extended JSON. Source: the specification
/// "MongoDB Extended JSON", version 2.
fn extended(value: RawBsonRef<'_>) -> Document {
    match value {
        RawBsonRef::Decimal128(number) => document! { "$numberDecimal": (number.to_string()) },
        RawBsonRef::Timestamp(at) => {
            document! { "$timestamp": { "t": (i64::from(at.time)), "i": (i64::from(at.increment)) } }
        }
        RawBsonRef::RegularExpression(regex) => {
            let (pattern, options) = (regex.pattern.as_str(), regex.options.as_str());
            document! { "$regularExpression": { "pattern": pattern, "options": options } }
        }
        RawBsonRef::JavaScriptCode(code) => document! { "$code": code },
        RawBsonRef::JavaScriptCodeWithScope(code) => document! { "$code": (code.code) },
        RawBsonRef::Symbol(name) => document! { "$symbol": name },
        RawBsonRef::MinKey => document! { "$minKey": 1 },
        RawBsonRef::MaxKey => document! { "$maxKey": 1 },
        RawBsonRef::Undefined => document! { "$undefined": true },
        other => document! { "$unknown": (format!("{:?}", other.element_type())) },
    }
}

fn unreadable(why: &str) -> Error {
    let message = format!("the server holds a value that cannot be read: {why}");
    Error::new(ErrorKind::Corrupt, message)
}

/// Reads a value of an answer.
///
/// # Errors
/// As [`from_raw`].
pub(crate) fn value_from_bson(value: Bson) -> Result<Value> {
    let raw = RawBson::try_from(value).map_err(|cause| unreadable(&cause.to_string()))?;
    value_from_raw(raw.as_raw_bson_ref())
}

#[cfg(test)]
mod tests {
    use mongodb::bson::RawDocumentBuf;
    use seed::doc;

    use super::*;

    #[test]
    fn values_go_out_and_in() {
        let binary = Value::Binary(Binary::new(0x80, vec![1, 2]));
        let document = doc! {
            "_id": (ObjectId::from_bytes([7; 12])), "int": i64::MAX, "double": -0.0, "text": "\u{0}ü", "binary": binary,
            "date": (DateTime::from_millis(-1)), "null": null, "list": [1, [true]],
            "$in": { "a.b": 1 }, "plain": { "$date": 1 }, "id": { "$oid": "x" },
        };
        let raw = RawDocumentBuf::try_from(&to_bson(&document)).unwrap();
        assert_eq!(from_raw(&raw).unwrap(), document);
        let value = value_from_bson(Bson::Document(to_bson(&document))).unwrap();
        assert_eq!(value, Value::Document(document));
    }

    #[test]
    fn what_seed_does_not_have_is_read_as_extended_json() {
        let decimal = Bson::Decimal128("1.50".parse().unwrap());
        let at = bson::Timestamp {
            time: 7,
            increment: 2,
        };
        let document = bson::doc! { "_id": 1_i64, "a": { "b": Bson::MaxKey }, "c": [decimal], "d": at };
        let read = from_raw(&RawDocumentBuf::try_from(&document).unwrap()).unwrap();
        assert_eq!(
            read,
            doc! {
                "_id": 1, "a": { "b": { "$maxKey": 1 } }, "c": [{ "$numberDecimal": "1.50" }],
                "d": { "$timestamp": { "t": 7, "i": 2 } }
            }
        );
    }
}
