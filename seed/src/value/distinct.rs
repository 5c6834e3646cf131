//! A document in the making whose names must be distinct.

use std::collections::HashSet;

use super::{Document, Text, Value};

/// How many names are walked; beyond it they are looked up in a set.
///
/// A walk is the fastest for the documents that people write. Input from outside may have names by the hundred
/// thousand, and a walk for each of them would take minutes.
const WALKED: usize = 32;

/// Fields that are put one after the other, and refused if the name is there already.
#[derive(Debug, Default)]
pub(crate) struct DistinctFields {
    document: Document,
    /// All names, once there are more than [`WALKED`]; empty before.
    names: HashSet<Text>,
}

impl DistinctFields {
    /// Makes room for `capacity` fields.
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self {
            document: Document::with_capacity(capacity),
            names: HashSet::new(),
        }
    }

    /// Puts a field at the end, or gives its name back if it stands twice.
    pub(crate) fn push(&mut self, name: Text, value: Value) -> Result<(), Text> {
        if self.document.len() < WALKED {
            if self.document.has(&name) {
                return Err(name);
            }
        } else {
            if self.names.is_empty() {
                self.names = self
                    .document
                    .fields()
                    .iter()
                    .map(|(name, _)| name.clone())
                    .collect();
            }
            if !self.names.insert(name.clone()) {
                return Err(name);
            }
        }
        self.document.push(name, value);
        Ok(())
    }

    /// Returns the document.
    pub(crate) fn into_document(self) -> Document {
        self.document
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_taken_once_whether_few_or_many_are_there() {
        let mut fields = DistinctFields::default();
        for at in 0..100 {
            assert_eq!(fields.push(format!("n{at}").into(), at.into()), Ok(()));
            for earlier in [0, at / 2, at] {
                let name = Text::from(format!("n{earlier}"));
                assert_eq!(fields.push(name.clone(), Value::Null), Err(name));
            }
        }
        let document = fields.into_document();
        assert_eq!(document.len(), 100);
        assert_eq!(document.get("n64"), Some(&64.into()));
    }
}
