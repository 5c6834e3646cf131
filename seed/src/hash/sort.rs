//! Puts the entries of a hash in order. Entries that compare equal keep the order in which they stood.

use std::cmp::Ordering;

use super::{Data, Hash};
use crate::sort::Direction;

impl<V: Data> Hash<V> {
    /// Sorts by the values, as a sort in a query compares them.
    pub fn sort(&mut self, direction: Direction) {
        self.sort_by(|(_, a), (_, b)| directed(a.compare(b), direction));
    }
}

impl<V> Hash<V> {
    /// Sorts by the keys, as strings compare: by their UTF-8 bytes.
    pub fn sort_keys(&mut self, direction: Direction) {
        self.sort_by(|(a, _), (b, _)| directed(a.cmp(b), direction));
    }

    /// Sorts by a comparison of one's own, which is given two keys with their values.
    ///
    /// # Panics
    /// It may panic if `compare` is no total order.
    pub fn sort_by(&mut self, mut compare: impl FnMut((&str, &V), (&str, &V)) -> Ordering) {
        self.entries
            .sort_by(|a_key, a, b_key, b| compare((a_key, a), (b_key, b)));
    }
}

/// Turns the order around for a descending sort, and not the list, so that equal entries keep theirs.
fn directed(order: Ordering, direction: Direction) -> Ordering {
    match direction {
        Direction::Ascending => order,
        Direction::Descending => order.reverse(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys<V>(hash: &Hash<V>) -> String {
        hash.keys().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn values_sort_across_types_both_ways_and_equal_ones_stay() {
        let mut hash =
            Hash::from(doc! {"text": "x", "one": 1, "same": 1.0, "null": null, "list": [0], "half": 0.5});
        hash.sort(Direction::Ascending);
        assert_eq!(keys(&hash), "null half one same text list");
        hash.sort(Direction::Descending);
        assert_eq!(keys(&hash), "list text one same half null");
    }

    #[test]
    fn keys_sort_by_their_bytes() {
        let mut hash = Hash::from(doc! {"b": 1, "é": 2, "B": 3, "a": 4});
        hash.sort_keys(Direction::Ascending);
        assert_eq!(keys(&hash), "B a b é");
        hash.sort_keys(Direction::Descending);
        assert_eq!(keys(&hash), "é b a B");
        assert_eq!(hash.get("a"), Some(&4.into()));
    }

    #[test]
    fn a_comparison_of_ones_own_sees_keys_and_values() {
        let mut hash: Hash<f64> = Hash::new();
        hash.set("a", 2.0);
        hash.set("b", 1.0);
        hash.set("c", 2.0);
        hash.sort_by(|(a_key, a), (b_key, b)| a.total_cmp(b).then_with(|| b_key.cmp(a_key)));
        assert_eq!(keys(&hash), "b c a");
    }
}
