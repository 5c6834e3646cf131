//! How large a value may grow while an expression is worked out.

use crate::error::{Error, ErrorKind, Result};
use crate::value::limits::{MAX_DEPTH, MAX_DOCUMENT_BYTES};
use crate::value::{Array, Document, Value};

/// The bytes that a growing value may still take, and the levels below it.
///
/// Values share their parts, so a small expression could make one that is endless only when it is walked; whoever
/// puts values together counts them here first.
#[derive(Debug)]
pub(crate) struct Bound {
    bytes: usize,
    depth: usize,
}

impl Bound {
    /// Makes the bound of an array or document whose parts are then counted.
    pub(crate) fn new() -> Self {
        Self {
            bytes: MAX_DOCUMENT_BYTES,
            depth: MAX_DEPTH - 1,
        }
    }

    /// Counts one more part.
    ///
    /// # Errors
    /// [`ErrorKind::Limit`] if it is too much.
    pub(crate) fn add(&mut self, value: &Value) -> Result<()> {
        let depth = self.depth;
        self.count(value, depth)
    }

    /// Counts bytes that belong to no value.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub(crate) fn take(&mut self, bytes: usize) -> Result<()> {
        match self.bytes.checked_sub(bytes) {
            Some(left) => {
                self.bytes = left;
                Ok(())
            }
            None => Err(Error::new(
                ErrorKind::Limit,
                format!(
                    "the value grows beyond {MAX_DOCUMENT_BYTES} bytes, the most that a document may have"
                ),
            )),
        }
    }

    fn count(&mut self, value: &Value, depth: usize) -> Result<()> {
        // About what BSON takes; what matters is that nothing is free.
        self.take(8)?;
        match value {
            Value::String(text) => self.take(text.len()),
            Value::Binary(binary) => self.take(binary.bytes().len()),
            Value::Array(elements) => {
                let depth = inner(depth)?;
                elements.iter().try_for_each(|element| self.count(element, depth))
            }
            Value::Document(document) => {
                let depth = inner(depth)?;
                document.iter().try_for_each(|(name, value)| {
                    self.take(name.len())?;
                    self.count(value, depth)
                })
            }
            _ => Ok(()),
        }
    }
}

fn inner(depth: usize) -> Result<usize> {
    depth.checked_sub(1).ok_or_else(|| {
        Error::new(
            ErrorKind::Limit,
            format!("the value nests deeper than {MAX_DEPTH} levels"),
        )
    })
}

/// Checks a document that was put together of parts.
///
/// # Errors
/// [`ErrorKind::Limit`] if it is larger or deeper than a document may be.
pub(crate) fn check(document: &Document) -> Result<()> {
    let mut bound = Bound::new();
    document.iter().try_for_each(|(name, value)| {
        bound.take(name.len())?;
        bound.add(value)
    })
}

/// Collects values into an array, as far as it may grow.
pub(super) fn array(values: impl IntoIterator<Item = Result<Value>>) -> Result<Array> {
    let mut bound = Bound::new();
    let mut array = Array::new();
    for value in values {
        let value = value?;
        bound.add(&value)?;
        array.push(value);
    }
    Ok(array)
}

/// Returns the value if it has not grown too large.
pub(super) fn checked(value: Value) -> Result<Value> {
    Bound {
        bytes: MAX_DOCUMENT_BYTES,
        depth: MAX_DEPTH,
    }
    .add(&value)?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_parts_count_each_time() {
        let mut value = Value::from("x".repeat(1000));
        for _ in 0..13 {
            value = Value::from(vec![value.clone(), value]);
        }
        assert!(checked(value.clone()).is_ok());
        let error = array([Ok(value.clone()), Ok(value.clone()), Ok(value)]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Limit);
    }

    #[test]
    fn depth_counts_too() {
        let nested = |levels| (0..levels).fold(Value::Null, |inner, _| Value::from(vec![inner]));
        assert!(checked(nested(100)).is_ok());
        assert!(checked(nested(101)).is_err());
        assert!(array([Ok(nested(99))]).is_ok());
        assert!(array([Ok(nested(100))]).is_err());
    }
}
