//! An ordered list of named values.

use std::fmt;
use std::hash::{Hash, Hasher};

use ecow::EcoVec;

use super::{Text, Value, json, same_text};

/// A document: named values that keep the order in which they were put.
///
/// Clones share their fields and copy them only when one of them is changed, so a clone costs a counter.
/// Look-up by name walks the fields, which is the fastest way for the few dozen that documents have.
///
/// # Example
/// ```
/// use seed::doc;
///
/// let mut job = doc! { "task": "send email", "data": { "to": "ada@example.org" } };
/// job.set("priority", 5);
/// assert_eq!(job.get("priority"), Some(&5.into()));
/// assert_eq!(job.keys().collect::<Vec<_>>(), ["task", "data", "priority"]);
/// ```
#[derive(Clone, Default, Eq)]
pub struct Document {
    fields: EcoVec<(Text, Value)>,
}

impl Document {
    /// Makes an empty document.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes an empty document with room for `capacity` fields.
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            fields: EcoVec::with_capacity(capacity),
        }
    }

    /// Returns the number of fields.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Tells whether there are no fields.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Returns the value of a field.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.fields
            .iter()
            .find(|(field, _)| same_text(field, name))
            .map(|(_, value)| value)
    }

    /// Returns the value of a field to be changed.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Value> {
        let at = self.position(name)?;
        Some(&mut self.fields.make_mut()[at].1)
    }

    /// Tells whether there is a field of this name.
    pub fn has(&self, name: &str) -> bool {
        self.position(name).is_some()
    }

    /// Sets a field: in its place if it is there, else at the end. Returns the value that it had.
    pub fn set(&mut self, name: impl Into<Text>, value: impl Into<Value>) -> Option<Value> {
        let (name, value) = (name.into(), value.into());
        match self.position(&name) {
            Some(at) => Some(std::mem::replace(&mut self.fields.make_mut()[at].1, value)),
            None => {
                self.fields.push((name, value));
                None
            }
        }
    }

    /// Adds a field at the end without looking for one of the same name.
    ///
    /// For readers that know their names to be distinct; [`set`](Self::set) is the one for all else.
    pub fn push(&mut self, name: impl Into<Text>, value: impl Into<Value>) {
        self.fields.push((name.into(), value.into()));
    }

    /// Puts a field first, moving one of the same name there.
    pub fn set_first(&mut self, name: impl Into<Text>, value: impl Into<Value>) {
        let name = name.into();
        self.remove(&name);
        self.fields.insert(0, (name, value.into()));
    }

    /// Removes a field and returns its value.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        self.position(name).map(|at| self.fields.remove(at).1)
    }

    /// Keeps only the fields that `keep` says yes to, which may change their values.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &mut Value) -> bool) {
        self.fields.retain(|(name, value)| keep(name, value));
    }

    /// Returns the fields in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> + DoubleEndedIterator {
        self.fields.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Returns the names and values in their order, as they are stored.
    pub fn fields(&self) -> &[(Text, Value)] {
        &self.fields
    }

    /// Returns the names in their order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &str> {
        self.fields.iter().map(|(name, _)| name.as_str())
    }

    /// Returns the values in their order.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &Value> {
        self.fields.iter().map(|(_, value)| value)
    }

    /// Returns the `_id`, if there is one.
    pub fn id(&self) -> Option<&Value> {
        self.get("_id")
    }

    /// Returns the position of a field.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|(field, _)| same_text(field, name))
    }
}

impl PartialEq for Document {
    fn eq(&self, other: &Self) -> bool {
        super::shares(&self.fields, &other.fields) || self.fields == other.fields
    }
}

impl Hash for Document {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.fields.hash(state);
    }
}

impl FromIterator<(Text, Value)> for Document {
    fn from_iter<I: IntoIterator<Item = (Text, Value)>>(fields: I) -> Self {
        let mut document = Self::new();
        document.extend(fields);
        document
    }
}

impl Extend<(Text, Value)> for Document {
    fn extend<I: IntoIterator<Item = (Text, Value)>>(&mut self, fields: I) {
        for (name, value) in fields {
            self.set(name, value);
        }
    }
}

impl IntoIterator for Document {
    type Item = (Text, Value);
    type IntoIter = <EcoVec<(Text, Value)> as IntoIterator>::IntoIter;

    fn into_iter(self) -> Self::IntoIter {
        self.fields.into_iter()
    }
}

/// Shows the document as relaxed Extended JSON.
impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&json::document_to_extended(self))
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use crate::value::Value;

    #[test]
    fn a_field_keeps_its_place_when_it_is_set_again() {
        let mut document = doc! {"a": 1, "b": 2};
        assert_eq!(document.set("a", 3), Some(Value::Int(1)));
        assert_eq!(document, doc! {"a": 3, "b": 2});
    }

    #[test]
    fn a_change_to_a_clone_leaves_the_other_alone() {
        let first = doc! {"a": {"b": 1}};
        let mut second = first.clone();
        second.set("a", 2);
        assert_eq!(first, doc! {"a": {"b": 1}});
    }
}
