//! How large and how deep a document may be, the same on every store.

use super::{Document, Value};
use crate::error::{Error, ErrorKind, Result};

/// How many levels documents and arrays may nest, the document itself being the first.
pub const MAX_DEPTH: usize = 100;

/// How many bytes a document may have, counted as BSON counts them.
pub const MAX_DOCUMENT_BYTES: usize = 16 * 1024 * 1024;

/// Checks a document that is about to be stored: depth, size and names.
///
/// # Errors
/// [`ErrorKind::Limit`] if it nests deeper than [`MAX_DEPTH`] or is larger than [`MAX_DOCUMENT_BYTES`], and
/// [`ErrorKind::Unsupported`] if a name holds U+0000, which BSON cannot store.
pub fn check(document: &Document) -> Result<()> {
    // Counting ends where it is too large: an update can put one large value into a document a million times.
    document_bytes(document, 1, MAX_DOCUMENT_BYTES)
        .map(|_| ())
        .map_err(|fault| fault.into_error())
}

/// Returns the bytes that the document takes as BSON.
///
/// # Errors
/// As [`check`], the size aside.
pub fn bson_size(document: &Document) -> Result<usize> {
    document_bytes(document, 1, usize::MAX).map_err(|fault| fault.into_error())
}

/// Checks that a value nests no deeper than `depth` levels; a scalar has none.
///
/// # Errors
/// [`ErrorKind::Limit`] if it does.
pub fn check_depth(value: &Value, depth: usize) -> Result<()> {
    match nests_within(value, depth) {
        true => Ok(()),
        false => Err(nests_deeper(depth)),
    }
}

/// Checks that a document, the first level, nests no deeper than `depth` levels.
pub(crate) fn check_document_depth(document: &Document, depth: usize) -> Result<()> {
    match depth > 0 && document.values().all(|value| nests_within(value, depth - 1)) {
        true => Ok(()),
        false => Err(nests_deeper(depth)),
    }
}

fn nests_deeper(depth: usize) -> Error {
    Error::new(
        ErrorKind::Limit,
        format!("the value nests deeper than {depth} levels"),
    )
}

fn nests_within(value: &Value, depth: usize) -> bool {
    match value {
        Value::Array(elements) => {
            depth > 0 && elements.iter().all(|element| nests_within(element, depth - 1))
        }
        Value::Document(document) => {
            depth > 0 && document.values().all(|value| nests_within(value, depth - 1))
        }
        _ => true,
    }
}

enum Fault<'a> {
    Deep,
    Large,
    Nul(&'a str),
}

impl Fault<'_> {
    fn into_error(self) -> Error {
        match self {
            Self::Deep => Error::new(
                ErrorKind::Limit,
                format!("the document nests deeper than {MAX_DEPTH} levels"),
            ),
            Self::Large => Error::new(
                ErrorKind::Limit,
                format!("the document has more than {MAX_DOCUMENT_BYTES} bytes"),
            ),
            Self::Nul(name) => Error::new(
                ErrorKind::Unsupported,
                format!("the name {name:?} holds the character U+0000"),
            ),
        }
    }
}

fn document_bytes(document: &Document, depth: usize, most: usize) -> Result<usize, Fault<'_>> {
    if depth > MAX_DEPTH {
        return Err(Fault::Deep);
    }
    let mut bytes = 5;
    for (name, value) in document.iter() {
        if name.as_bytes().contains(&0) {
            return Err(Fault::Nul(name));
        }
        bytes += 2 + name.len() + value_bytes(value, depth, most)?;
        if bytes > most {
            return Err(Fault::Large);
        }
    }
    Ok(bytes)
}

fn value_bytes(value: &Value, depth: usize, most: usize) -> Result<usize, Fault<'_>> {
    Ok(match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Int(_) | Value::Double(_) | Value::Date(_) => 8,
        Value::ObjectId(_) => 12,
        Value::String(text) => 5 + text.len(),
        Value::Binary(binary) => 5 + binary.bytes().len(),
        Value::Document(document) => document_bytes(document, depth + 1, most)?,
        Value::Array(elements) => {
            if depth >= MAX_DEPTH {
                return Err(Fault::Deep);
            }
            let mut bytes = 5;
            for (at, element) in elements.iter().enumerate() {
                // An element is stored under its position written in decimal.
                let digits = at.checked_ilog10().unwrap_or(0) as usize + 1;
                bytes += 2 + digits + value_bytes(element, depth + 1, most)?;
                if bytes > most {
                    return Err(Fault::Large);
                }
            }
            bytes
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(levels: usize) -> Document {
        (1..levels).fold(doc! {}, |inner, _| doc! {"a": inner})
    }

    #[test]
    fn a_hundred_levels_are_allowed_and_no_more() {
        assert!(check(&nested(100)).is_ok());
        assert_eq!(check(&nested(101)).unwrap_err().kind(), ErrorKind::Limit);
        let arrays = (0..100).fold(Value::Null, |inner, _| Value::from(vec![inner]));
        assert_eq!(check(&doc! {"a": arrays}).unwrap_err().kind(), ErrorKind::Limit);
    }

    #[test]
    fn the_size_is_that_of_bson() {
        // int32 length, type, "a\0", int64, end.
        assert_eq!(bson_size(&doc! {"a": 1}).unwrap(), 4 + 1 + 2 + 8 + 1);
        assert_eq!(
            bson_size(&doc! {"a": ["x"]}).unwrap(),
            4 + 1 + 2 + (4 + 1 + 2 + (4 + 2) + 1) + 1
        );
        let fits = MAX_DOCUMENT_BYTES - (4 + 1 + 2 + 5 + 1);
        assert!(check(&doc! {"a": "x".repeat(fits)}).is_ok());
        assert_eq!(
            check(&doc! {"a": "x".repeat(fits + 1)}).unwrap_err().kind(),
            ErrorKind::Limit
        );
    }

    #[test]
    fn counting_ends_where_it_is_too_large() {
        // Clones are shared, so this is small in memory, and there are 2^60 strings in it.
        let large = Value::from("x".repeat(1_000_000));
        let doubled = (0..60).fold(large, |inner, _| Value::from([inner.clone(), inner]));
        assert_eq!(check(&doc! {"a": doubled}).unwrap_err().kind(), ErrorKind::Limit);
    }

    #[test]
    fn a_name_with_nul_is_refused() {
        assert_eq!(
            check(&doc! {"a": {"b\0": 1}}).unwrap_err().kind(),
            ErrorKind::Unsupported
        );
        assert!(check(&doc! {"a": "b\0"}).is_ok());
    }
}
