//! The objects of Extended JSON that stand for one value, such as `{"$oid": "…"}`.
//!
//! Source: the MongoDB Extended JSON (v2) specification, and the older `{"$binary": "…", "$type": "…"}`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::{Error, ErrorKind, Result};
use crate::value::{Binary, DateTime, Document, Value};

/// Turns a document whose first key names a type into the value that it stands for; others stay as they are.
pub(in crate::value) fn typed(document: Document) -> Result<Value> {
    let Some((key, operand)) = document.iter().next() else {
        return Ok(Value::Document(document));
    };
    let value = match key {
        "$oid" => text(operand)
            .and_then(|text| text.parse().ok())
            .map(Value::ObjectId),
        "$date" => date(operand).map(Value::Date),
        "$numberInt" | "$numberLong" => text(operand).and_then(|text| text.parse().ok()).map(Value::Int),
        "$numberDouble" => text(operand).and_then(double).map(Value::Double),
        "$binary" => return binary(&document),
        "$uuid" => text(operand).and_then(uuid).map(Value::Binary),
        "$numberDecimal" | "$minKey" | "$maxKey" | "$timestamp" | "$symbol" | "$code" | "$undefined"
        | "$dbPointer" | "$regularExpression" => {
            let message = format!("values of the type {key} are not kept; {}", instead_of(key));
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
        _ => return Ok(Value::Document(document)),
    };
    match value {
        Some(value) if document.len() == 1 => Ok(value),
        Some(_) => Err(wrong(key, "stands alone in its object")),
        None => Err(wrong(key, expected_by(key))),
    }
}

fn text(operand: &Value) -> Option<&str> {
    operand.as_str()
}

fn date(operand: &Value) -> Option<DateTime> {
    match operand {
        Value::String(text) => text.parse().ok(),
        // The inner `{"$numberLong": …}` was read before.
        Value::Int(millis) => Some(DateTime::from_millis(*millis)),
        _ => None,
    }
}

fn double(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ => text.parse().ok().filter(|double: &f64| double.is_finite()),
    }
}

fn binary(document: &Document) -> Result<Value> {
    let (base64, subtype) = match (document.get("$binary"), document.get("$type")) {
        (Some(Value::String(base64)), None) if document.len() == 1 => (base64.as_str(), "00"),
        (Some(Value::String(base64)), Some(Value::String(subtype))) if document.len() == 2 => {
            (base64.as_str(), subtype.as_str())
        }
        (Some(Value::Document(inner)), None) if document.len() == 1 && inner.len() == 2 => {
            let part = |name| inner.get(name).and_then(Value::as_str);
            part("base64")
                .zip(part("subType"))
                .ok_or_else(|| wrong("$binary", expected_by("$binary")))?
        }
        _ => return Err(wrong("$binary", expected_by("$binary"))),
    };
    let bytes = STANDARD.decode(base64).ok();
    let subtype = u8::from_str_radix(subtype, 16).ok();
    bytes
        .zip(subtype)
        .map(|(bytes, subtype)| Value::Binary(Binary::new(subtype, bytes)))
        .ok_or_else(|| wrong("$binary", expected_by("$binary")))
}

fn uuid(text: &str) -> Option<Binary> {
    let dashes = [8, 13, 18, 23];
    let shaped = text.len() == 36 && dashes.iter().all(|&at| text.as_bytes()[at] == b'-');
    let digits: Vec<u32> = text
        .chars()
        .filter(|&digit| digit != '-')
        .map_while(|digit| digit.to_digit(16))
        .collect();
    let bytes: Vec<u8> = digits
        .as_chunks::<2>()
        .0
        .iter()
        .map(|[high, low]| (high << 4 | low) as u8)
        .collect();
    (shaped && digits.len() == 32).then(|| Binary::new(4, bytes))
}

fn wrong(key: &str, expected: &str) -> Error {
    Error::new(ErrorKind::Syntax, format!("{key} {expected}"))
}

fn expected_by(key: &str) -> &'static str {
    match key {
        "$oid" => "takes 24 hexadecimal digits in a string",
        "$date" => "takes a time as RFC 3339 writes it, or milliseconds",
        "$numberInt" | "$numberLong" => "takes a 64-bit integer in a string",
        "$numberDouble" => "takes a double in a string, \"NaN\", \"Infinity\" or \"-Infinity\"",
        "$uuid" => "takes a UUID in a string",
        _ => "takes base64 in a string, or {\"base64\": …, \"subType\": …} with two hexadecimal digits",
    }
}

fn instead_of(key: &str) -> &'static str {
    match key {
        "$numberDecimal" => "use a double or a string",
        "$regularExpression" => "write {\"$regex\": …, \"$options\": …} in a filter",
        "$timestamp" => "use $date",
        _ => "use another type",
    }
}
