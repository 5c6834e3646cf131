//! Groups entries as they come and combines each group, holding no more than the groups.

use std::fmt;
use std::marker::PhantomData;

use indexmap::IndexMap;

use super::Hash;
use crate::value::Text;

/// How many values of one group are held before they are combined into one.
const MAX_HELD: usize = 100;

/// A map-reduce over entries that are pushed one by one and not kept.
///
/// `map` is called once with each entry, and emits any number of values under keys of its choice. `reduce` makes one
/// value of several under one key. It is held to what MongoDB's `mapReduce` asks for:
/// - it may be called many times for one key, and be given results of its own among the values, so these must be of the
///   same form, and it must not matter which values were combined first (associative);
/// - the order of the values must not matter (commutative);
/// - it is not called for a key with a single value, so a value must be a result as it stands.
///
/// An average therefore emits and adds up sums with counts, and divides in the end. Of each group at most a hundred
/// values are held, however many were emitted.
///
/// # Example
/// ```
/// use seed::hash::MapReduce;
///
/// let mut lengths = MapReduce::new(
///     |_, line: &str, emit| line.split(' ').for_each(|word| emit(word, 1)),
///     |_, counts: &[u64]| counts.iter().sum(),
/// );
/// for line in ["to be or not", "to be"] {
///     lengths.push("", line);
/// }
/// assert_eq!(lengths.finish().get("be"), Some(&2));
/// ```
pub struct MapReduce<V: ?Sized, W, M, R> {
    map: M,
    reduce: R,
    groups: IndexMap<Text, Vec<W>>,
    mapped: PhantomData<fn(&V)>,
}

impl<V, W, M, R> MapReduce<V, W, M, R>
where
    V: ?Sized,
    M: FnMut(&str, &V, &mut dyn FnMut(&str, W)),
    R: FnMut(&str, &[W]) -> W,
{
    /// Begins without any groups.
    pub fn new(map: M, reduce: R) -> Self {
        Self {
            map,
            reduce,
            groups: IndexMap::new(),
            mapped: PhantomData,
        }
    }

    /// Maps an entry and adds what it emits to the groups.
    pub fn push(&mut self, key: &str, value: &V) {
        let Self {
            map, reduce, groups, ..
        } = self;
        map(key, value, &mut |group, emitted| {
            add(groups, reduce, group, emitted)
        });
    }

    /// Combines what is left in each group, and returns them in the order in which they were first emitted.
    pub fn finish(self) -> Hash<W> {
        let mut reduce = self.reduce;
        let combined = self.groups.into_iter().map(|(group, mut values)| {
            combine(&group, &mut values, &mut reduce);
            let value = values
                .pop()
                .expect("a group begins with a value and is combined into one");
            (group, value)
        });
        combined.collect()
    }
}

fn add<W>(
    groups: &mut IndexMap<Text, Vec<W>>,
    reduce: &mut impl FnMut(&str, &[W]) -> W,
    group: &str,
    emitted: W,
) {
    let Some(values) = groups.get_mut(group) else {
        groups.insert(group.into(), vec![emitted]);
        return;
    };
    values.push(emitted);
    if values.len() >= MAX_HELD {
        combine(group, values, reduce);
    }
}

/// Makes one value of several; a single one is left as it is.
fn combine<W>(group: &str, values: &mut Vec<W>, reduce: &mut impl FnMut(&str, &[W]) -> W) {
    if values.len() > 1 {
        let combined = reduce(group, values);
        values.clear();
        values.push(combined);
    }
}

impl<V: ?Sized, W, M, R> fmt::Debug for MapReduce<V, W, M, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MapReduce")
            .field("groups", &self.groups.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_holds_a_bounded_number_of_values() {
        let mut longest = 0;
        let mut sum = MapReduce::new(
            |_, value: &u64, emit| emit("sum", *value),
            |_, values| {
                longest = longest.max(values.len());
                values.iter().sum()
            },
        );
        (0..10_000_u64).for_each(|value| sum.push("", &value));
        assert!(sum.groups["sum"].len() <= MAX_HELD);
        assert_eq!(sum.finish().get("sum"), Some(&49_995_000));
        assert_eq!(longest, MAX_HELD);
    }

    #[test]
    fn a_single_value_is_a_result_as_it_stands() {
        let hash = Hash::from(doc! {"a": 1, "b": 2, "c": 3});
        let grouped = hash.map_reduce(
            |key, _, emit| {
                emit(if key == "b" { "one" } else { "two" }, format!("<{key}>"));
                if key == "c" {
                    emit("three", String::new());
                }
            },
            |_, values| values.concat().to_uppercase(),
        );
        let entries: Vec<_> = grouped.iter().map(|(key, value)| (key, value.as_str())).collect();
        assert_eq!(entries, [("two", "<A><C>"), ("one", "<b>"), ("three", "")]);
    }
}
