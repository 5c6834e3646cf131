//! A hash as an array of `{"key": …, "value": …}`, the form in which JSON keeps an order of keys.

use super::{Data, Hash};
use crate::error::{Error, ErrorKind, Result};
use crate::value::{Array, Value};

impl<V: Data> Hash<V> {
    /// Returns the entries as an array of documents `{"key": …, "value": …}`.
    pub fn to_array(&self) -> Array {
        let entry = |(key, value): (&str, &V)| doc! { "key": key, "value": value.to_value() }.into();
        self.iter().map(entry).collect()
    }

    /// Makes a hash of what [`to_array`](Self::to_array) gives; a key that comes again gets the later value.
    ///
    /// # Errors
    /// [`ErrorKind::Mismatch`] with the position of an element that is no such document.
    pub fn from_array(entries: &[Value]) -> Result<Self> {
        let mut hash = Self::with_capacity(entries.len());
        for (at, entry) in entries.iter().enumerate() {
            let entry = entry.as_document();
            let key = entry.and_then(|entry| entry.get("key")).and_then(Value::as_str);
            let value = entry
                .and_then(|entry| entry.get("value"))
                .cloned()
                .and_then(V::from_value);
            let (key, value) = key.zip(value).ok_or_else(|| {
                let message = "an entry is a document with a string as its key, and a value";
                Error::new(ErrorKind::Mismatch, message).at_path(&at.to_string())
            })?;
            hash.set(key, value);
        }
        Ok(hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Document;

    #[test]
    fn an_array_of_entries_goes_in_and_out() {
        let hash = Hash::from(doc! {"b": 1, "a": {"c": 2}});
        let array = hash.to_array();
        let expected = vec![
            doc! {"key": "b", "value": 1},
            doc! {"key": "a", "value": {"c": 2}},
        ];
        assert_eq!(Value::Array(array.clone()), expected.into());
        assert_eq!(Hash::from_array(&array).unwrap(), hash);
    }

    #[test]
    fn an_element_that_is_no_entry_is_refused_with_its_position() {
        let entries = [
            doc! {"key": "a", "value": {}}.into(),
            doc! {"key": "b", "value": 1}.into(),
        ];
        assert!(Hash::<Value>::from_array(&entries).is_ok());
        let error = Hash::<Document>::from_array(&entries).unwrap_err();
        assert_eq!(error.place().path.as_deref(), Some("1"));
        assert!(Hash::<Value>::from_array(&[doc! {"key": 1, "value": 1}.into()]).is_err());
        assert!(Hash::<Value>::from_array(&[5.into()]).is_err());
    }
}
