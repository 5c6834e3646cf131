//! An ordered map from keys to values, with the calls that one makes on a small collection in memory.
//!
//! [`Hash`] is here; how its values are compared and searched is in [`data`], sorting in `sort`, and [`MapReduce`],
//! which takes more than fits in memory, in `map_reduce`. What lies in a store is queried there.

mod array;
pub mod data;
mod map_reduce;
mod sort;

use std::fmt;

use indexmap::IndexMap;

pub use data::Data;
pub use map_reduce::MapReduce;

use crate::value::{Document, Text, Value};

/// A map from string keys to values that keeps the order in which the keys were put.
///
/// It looks a key up in constant time, and takes any type of value; [`find`](Self::find), [`sort`](Self::sort) and the
/// arrays are there for [`Value`] and [`Document`]. Two are equal if they hold the same in the same order.
///
/// # Example
/// ```
/// use seed::sort::Direction;
/// use seed::{Hash, Value, doc};
///
/// let mut jobs: Hash = Hash::new();
/// jobs.set("a", doc! { "tag": "mail", "priority": 1 });
/// jobs.set("b", doc! { "tag": "report", "priority": 9 });
/// jobs.set("c", doc! { "tag": "mail", "priority": 5 });
///
/// let urgent = jobs.find(&doc! { "priority": { "$gte": 5 } })?;
/// assert_eq!(urgent.keys().collect::<Vec<_>>(), ["b", "c"]);
///
/// let mut by_tag: Hash = jobs.map_reduce(
///     |_, job, emit| {
///         let tag = job.as_document().and_then(|job| job.get("tag")).and_then(Value::as_str);
///         emit(tag.unwrap_or("none"), 1.into());
///     },
///     |_, counts| counts.iter().filter_map(Value::as_i64).sum::<i64>().into(),
/// );
/// by_tag.sort(Direction::Descending);
/// assert_eq!(by_tag.at(0), Some(("mail", &2.into())));
/// # Ok::<(), seed::Error>(())
/// ```
#[derive(Clone)]
pub struct Hash<V = Value> {
    entries: IndexMap<Text, V>,
}

impl<V> Hash<V> {
    /// Makes an empty hash.
    pub fn new() -> Self {
        Self {
            entries: IndexMap::new(),
        }
    }

    /// Makes an empty hash with room for `capacity` keys.
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            entries: IndexMap::with_capacity(capacity),
        }
    }

    /// Returns the number of keys.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Tells whether there are no keys.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns the value of a key.
    pub fn get(&self, key: &str) -> Option<&V> {
        self.entries.get(key)
    }

    /// Returns the value of a key to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut V> {
        self.entries.get_mut(key)
    }

    /// Tells whether the key is there.
    pub fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// Sets the value of a key: in its place if it is there, else at the end. Returns the value that it had.
    pub fn set(&mut self, key: impl Into<Text>, value: impl Into<V>) -> Option<V> {
        self.entries.insert(key.into(), value.into())
    }

    /// Removes a key and returns its value; the others keep their order, so the later ones move up.
    pub fn del(&mut self, key: &str) -> Option<V> {
        self.entries.shift_remove(key)
    }

    /// Removes all keys.
    pub fn flush(&mut self) {
        self.entries.clear();
    }

    /// Returns the key and the value at a position, counted from 0.
    pub fn at(&self, position: usize) -> Option<(&str, &V)> {
        self.entries.get_index(position).map(borrowed)
    }

    /// Returns the position of a key, counted from 0.
    pub fn index(&self, key: &str) -> Option<usize> {
        self.entries.get_index_of(key)
    }

    /// Returns the keys and values in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &V)> + DoubleEndedIterator {
        self.entries.iter().map(borrowed)
    }

    /// Returns the keys in their order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &str> + DoubleEndedIterator {
        self.entries.keys().map(Text::as_str)
    }

    /// Returns the values in their order.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &V> + DoubleEndedIterator {
        self.entries.values()
    }

    /// Calls `visit` with each key and value in their order.
    pub fn each(&self, mut visit: impl FnMut(&str, &V)) {
        self.iter().for_each(|(key, value)| visit(key, value));
    }

    /// Returns the same keys with what `change` makes of their values.
    pub fn map<W>(&self, mut change: impl FnMut(&str, &V) -> W) -> Hash<W> {
        let changed = |(key, value)| (Text::clone(key), change(key, value));
        Hash {
            entries: self.entries.iter().map(changed).collect(),
        }
    }

    /// Works the entries into one result: `add` is given what came out so far, beginning with `start`.
    pub fn reduce<A>(&self, start: A, mut add: impl FnMut(A, &str, &V) -> A) -> A {
        self.iter()
            .fold(start, |result, (key, value)| add(result, key, value))
    }

    /// Sorts the entries into groups and works each group into one value, as MongoDB's `mapReduce` does.
    ///
    /// `map` is called with each entry and emits any number of values under keys of its choice; `reduce` makes one
    /// value of those under one key. [`MapReduce`] says what `reduce` must be like. The keys of the result stand in the
    /// order in which they were first emitted.
    pub fn map_reduce<W>(
        &self,
        map: impl FnMut(&str, &V, &mut dyn FnMut(&str, W)),
        reduce: impl FnMut(&str, &[W]) -> W,
    ) -> Hash<W> {
        let mut groups = MapReduce::new(map, reduce);
        self.each(|key, value| groups.push(key, value));
        groups.finish()
    }
}

impl<V: Clone> Hash<V> {
    /// Returns the entries that `keep` says yes to.
    #[must_use]
    pub fn filter(&self, mut keep: impl FnMut(&str, &V) -> bool) -> Self {
        let kept = self.entries.iter().filter(|(key, value)| keep(key, value));
        kept.map(|(key, value)| (key.clone(), value.clone())).collect()
    }
}

fn borrowed<'a, V>((key, value): (&'a Text, &'a V)) -> (&'a str, &'a V) {
    (key.as_str(), value)
}

impl<V> Default for Hash<V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<V: PartialEq> PartialEq for Hash<V> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<V: Eq> Eq for Hash<V> {}

impl<V: fmt::Debug> fmt::Debug for Hash<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// Takes pairs in their order; a key that comes again keeps its place and gets the later value.
impl<V> FromIterator<(Text, V)> for Hash<V> {
    fn from_iter<I: IntoIterator<Item = (Text, V)>>(entries: I) -> Self {
        Self {
            entries: entries.into_iter().collect(),
        }
    }
}

impl<V> Extend<(Text, V)> for Hash<V> {
    fn extend<I: IntoIterator<Item = (Text, V)>>(&mut self, entries: I) {
        self.entries.extend(entries);
    }
}

impl<V> IntoIterator for Hash<V> {
    type Item = (Text, V);
    type IntoIter = <IndexMap<Text, V> as IntoIterator>::IntoIter;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

impl From<Document> for Hash {
    fn from(document: Document) -> Self {
        document.into_iter().collect()
    }
}

impl From<Hash> for Document {
    fn from(hash: Hash) -> Self {
        let mut document = Self::with_capacity(hash.len());
        for (key, value) in hash {
            document.push(key, value);
        }
        document
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers() -> Hash<i64> {
        [("a", 3), ("b", 1), ("c", 2)]
            .map(|(key, value)| (key.into(), value))
            .into_iter()
            .collect()
    }

    #[test]
    fn keys_keep_the_order_in_which_they_were_put() {
        let mut hash = numbers();
        assert_eq!(hash.set("b", 7), Some(1));
        assert_eq!(hash.set("d", 4), None);
        assert_eq!(hash.del("a"), Some(3));
        assert_eq!(hash.del("a"), None);
        assert_eq!(hash.iter().collect::<Vec<_>>(), [("b", &7), ("c", &2), ("d", &4)]);
        assert_eq!(hash.at(2), Some(("d", &4)));
        assert_eq!(hash.at(3), None);
        assert_eq!(hash.index("c"), Some(1));
        assert_eq!(hash.index("a"), None);
        assert!(hash.has("c") && !hash.has("a"));
    }

    #[test]
    fn a_flushed_hash_is_empty_and_a_clone_of_it_is_not() {
        let mut hash = numbers();
        let before = hash.clone();
        hash.flush();
        assert!(hash.is_empty());
        assert_eq!(before.len(), 3);
    }

    #[test]
    fn entries_can_be_mapped_filtered_and_reduced() {
        let hash = numbers();
        let texts = hash.map(|key, value| format!("{key}{value}"));
        assert_eq!(texts.values().collect::<Vec<_>>(), ["a3", "b1", "c2"]);
        assert_eq!(
            hash.filter(|_, value| *value > 1).keys().collect::<Vec<_>>(),
            ["a", "c"]
        );
        assert_eq!(hash.reduce(10, |sum, _, value| sum + value), 16);
        let mut seen = String::new();
        hash.each(|key, _| seen.push_str(key));
        assert_eq!(seen, "abc");
    }

    #[test]
    fn equality_minds_the_order() {
        let mut other = numbers();
        let a = other.del("a").unwrap();
        other.set("a", a);
        assert_ne!(other, numbers());
    }

    #[test]
    fn a_document_becomes_a_hash_and_back() {
        let document = doc! {"b": 1, "a": {"c": [2]}};
        let hash = Hash::from(document.clone());
        assert_eq!(hash.get("b"), Some(&1.into()));
        assert_eq!(Document::from(hash), document);
    }
}
