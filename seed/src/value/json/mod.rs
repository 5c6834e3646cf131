//! JSON in its three forms, one parser below them.
//!
//! - *Extended JSON v2* is how people write filters and updates: `{"$date": …}` is a date, `{"$gt": 5}` stays a
//!   document. [`parse_extended`], [`to_extended`] (relaxed).
//! - *Plain JSON* is how job data comes and goes: every key is a key. [`parse_plain`], [`to_plain`].
//! - *Stored text* is how stores of text keep documents: extended, with one more `$` before a key that begins with
//!   `$`, so that each value comes back as it was. [`parse_stored`], [`document_to_stored`].
//!
//! A parser of our own, and not a general one: numbers are judged as they are written, before anything rounds them, and
//! `1` and `1.0` stay apart without a setting that would change the JSON library of the whole program.

pub(super) mod extended;
mod parser;
mod scan;
mod writer;

pub use writer::{document_to_extended, document_to_plain, document_to_stored, to_extended, to_plain};

use super::{Document, Value, limits};
use crate::error::{Error, ErrorKind, Result};
use parser::Form;

/// The length below which a text cannot hold more bytes of BSON than a document may have.
///
/// What grows the most is an array of digits: two bytes of text each, at most 17 of BSON.
const SMALL_TEXT: usize = limits::MAX_DOCUMENT_BYTES / 9;

/// How a date begins where it is written as text.
const DATE: &str = "{\"$date\":\"";

/// Reads Extended JSON v2, in its relaxed, canonical or older forms.
///
/// # Errors
/// [`ErrorKind::Syntax`] with the line and the column; [`ErrorKind::Limit`] if it nests too deep.
///
/// # Example
/// ```
/// use seed::value::json;
///
/// let value = json::parse_extended(r#"{"at": {"$date": "2026-01-02T03:04:05Z"}, "n": {"$gt": 1.0}}"#)?;
/// assert_eq!(value.to_string(), r#"{"at":{"$date":"2026-01-02T03:04:05.000Z"},"n":{"$gt":1.0}}"#);
/// # Ok::<(), seed::Error>(())
/// ```
pub fn parse_extended(text: &str) -> Result<Value> {
    parser::parse(text, Form::Extended)
}

/// Reads a document in Extended JSON v2.
///
/// # Errors
/// As [`parse_extended`], and [`ErrorKind::Syntax`] if the value is no document.
pub fn parse_extended_document(text: &str) -> Result<Document> {
    document(parse_extended(text)?)
}

/// Reads plain JSON: `{"$date": 1}` is a document with one field of that name.
///
/// # Errors
/// [`ErrorKind::Syntax`] with the line and the column; [`ErrorKind::Limit`] if it nests too deep.
pub fn parse_plain(text: &str) -> Result<Value> {
    parser::parse(text, Form::Plain)
}

/// Reads a document in plain JSON.
///
/// # Errors
/// As [`parse_plain`], and [`ErrorKind::Syntax`] if the value is no document.
pub fn parse_plain_document(text: &str) -> Result<Document> {
    document(parse_plain(text)?)
}

/// Reads what [`document_to_stored`] wrote.
///
/// # Errors
/// [`ErrorKind::Corrupt`] if it is anything else, or larger than [a document may be](super::limits): every change to it
/// would be refused.
pub fn parse_stored(text: &str) -> Result<Document> {
    parser::parse(text, Form::Stored)
        .and_then(document)
        .and_then(|document| match text.len() < SMALL_TEXT {
            true => Ok(document),
            false => limits::check(&document).map(|()| document),
        })
        .map_err(|cause| {
            Error::new(ErrorKind::Corrupt, "a stored document cannot be read").with_source(cause)
        })
}

fn document(value: Value) -> Result<Document> {
    match value {
        Value::Document(document) => Ok(document),
        other => Err(Error::new(
            ErrorKind::Syntax,
            format!(
                "a document is expected here, such as {{}}, not {} value",
                article(&other)
            ),
        )),
    }
}

fn article(value: &Value) -> String {
    let name = value.type_name();
    format!(
        "{} {name}",
        if name.starts_with(['a', 'o', 'i']) {
            "an"
        } else {
            "a"
        }
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Binary;

    #[test]
    fn numbers_are_typed_as_they_are_written() {
        let value = parse_plain("[1, 1.0, 1e2, -0, -0.0, 9223372036854775807]").unwrap();
        let expected: Vec<Value> = vec![
            1.into(),
            1.0.into(),
            100.0.into(),
            0.into(),
            (-0.0).into(),
            i64::MAX.into(),
        ];
        assert_eq!(value, Value::from(expected));
        assert_eq!(to_plain(&value), "[1,1.0,100.0,0,-0.0,9223372036854775807]");
    }

    #[test]
    fn a_number_that_cannot_be_kept_is_refused_by_name() {
        for text in [
            "9223372036854775808",
            "-9223372036854775809",
            "1e400",
            "123456789012345678901234567890",
        ] {
            let error = parse_plain(&format!("\n [{text}]")).unwrap_err();
            assert!(error.message().contains(text), "{error}");
            assert_eq!(error.place().position, Some((2, 3)));
        }
    }

    #[test]
    fn malformed_text_is_refused_with_its_position() {
        for text in [
            "",
            "{",
            "[1,]",
            "{\"a\":1,}",
            "{a:1}",
            "'a'",
            "01",
            "1.",
            ".5",
            "1e",
            "+1",
            "nul",
            "\"\u{1}\"",
            "\"\\x\"",
            "\"\\ud800\"",
            "\"\\udc00\"",
            "\"\\ud800\\u0041\"",
            "1 2",
            "{\"a\" 1}",
            "\"abc",
            "NaN",
            "{\"a\":1,\"a\":2}",
            "\u{feff}1",
        ] {
            let error = parse_plain(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Syntax, "{text}");
            assert!(error.place().position.is_some(), "{text}");
        }
    }

    #[test]
    fn escapes_and_surrogate_pairs_are_read() {
        let value = parse_plain(r#""\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00\u0000""#).unwrap();
        assert_eq!(value, Value::from("\"\\/\u{8}\u{c}\n\r\té😀\0"));
        assert_eq!(parse_plain(&to_plain(&value)).unwrap(), value);
    }

    #[test]
    fn extended_types_are_read_in_each_spelling() {
        let cases = [
            (r#"{"$numberLong":"5"}"#, Value::Int(5)),
            (r#"{"$numberInt":"5"}"#, Value::Int(5)),
            (r#"{"$numberDouble":"NaN"}"#, Value::Double(f64::NAN)),
            (
                r#"{"$numberDouble":"-Infinity"}"#,
                Value::Double(f64::NEG_INFINITY),
            ),
            (
                r#"{"$date":{"$numberLong":"-1"}}"#,
                Value::Date(crate::DateTime::from_millis(-1)),
            ),
            (r#"{"$binary":"AQI="}"#, Value::from(Binary::generic(&[1, 2]))),
            (
                r#"{"$binary":{"base64":"AQI=","subType":"00"}}"#,
                Value::from(Binary::generic(&[1, 2])),
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_extended(text).unwrap(), expected, "{text}");
        }
        for text in [
            r#"{"$date":"now"}"#,
            r#"{"$oid":"12"}"#,
            r#"{"$numberLong":"x"}"#,
            r#"{"$binary":"?"}"#,
            r#"{"$date":"2026-01-02T03:04:05Z","a":1}"#,
            r#"{"$numberDecimal":"1"}"#,
            r#"{"$minKey":1}"#,
        ] {
            assert!(parse_extended(text).is_err(), "{text}");
        }
    }

    #[test]
    fn each_value_comes_back_from_stored_text() {
        let document = doc! {
            "$date": 1, "$$x": {"$oid": "no"}, "nan": f64::NAN, "inf": f64::INFINITY,
            "date": crate::DateTime::from_millis(5), "far": crate::DateTime::from_millis(i64::MIN),
            "id": crate::ObjectId::from_bytes([7; 12]), "bytes": Binary::new(4, [1, 2]),
            "a.b": ["x", null, true, -0.0, 1e300], "empty": {}, "": []
        };
        assert_eq!(parse_stored(&document_to_stored(&document)).unwrap(), document);
    }

    #[test]
    fn plain_json_keeps_every_key_and_has_no_nan() {
        let text = r#"{"$date":1,"$oid":{"$numberLong":"5"}}"#;
        assert_eq!(to_plain(&parse_plain(text).unwrap()), text);
        assert_eq!(to_plain(&Value::Double(f64::NAN)), "null");
    }

    #[test]
    fn a_hundred_levels_are_read_and_no_more() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(parse_plain(&nested(100)).is_ok());
        assert_eq!(parse_plain(&nested(101)).unwrap_err().kind(), ErrorKind::Limit);
        assert_eq!(
            parse_plain(&"[".repeat(1_000_000)).unwrap_err().kind(),
            ErrorKind::Limit
        );
    }
}
