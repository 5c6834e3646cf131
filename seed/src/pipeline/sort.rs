//! The stage `$sort`: keeps all documents, or only the first ones if a `$limit` follows.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::error::Result;
use crate::key::KeyBytes;
use crate::sort::Sort;
use crate::value::Document;

use super::memory::{Memory, document_weight};

const ADVICE: &str = "put a $match before the $sort or a $limit after it, or take out fields first";

/// The documents of a sort, as they come.
#[derive(Debug)]
pub(super) struct Sorter<'a> {
    sort: &'a Sort,
    /// How many documents are wanted; none is all.
    wanted: Option<u64>,
    /// The greatest first, so that it can make room.
    entries: BinaryHeap<Entry>,
    arrived: u64,
    memory: Memory,
}

/// A document with what it sorts by: its key, then when it arrived, so that ties keep their order.
#[derive(Debug)]
struct Entry {
    key: KeyBytes,
    arrived: u64,
    weight: usize,
    document: Document,
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key.cmp(&other.key).then(self.arrived.cmp(&other.arrived))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Entry {}

impl<'a> Sorter<'a> {
    pub(super) fn new(sort: &'a Sort, wanted: Option<u64>) -> Self {
        Self {
            sort,
            wanted,
            entries: BinaryHeap::new(),
            arrived: 0,
            memory: Memory::default(),
        }
    }

    pub(super) fn add(&mut self, document: Document) -> Result<()> {
        let key = self.sort.key(&document)?;
        let is_full = self
            .wanted
            .is_some_and(|wanted| self.entries.len() as u64 >= wanted);
        // One that ties with the greatest arrived later, so it is not wanted either.
        if is_full && self.entries.peek().is_none_or(|greatest| key >= greatest.key) {
            return Ok(());
        }
        if is_full && let Some(greatest) = self.entries.pop() {
            self.memory.give_back(greatest.weight);
        }
        let weight = size_of::<Entry>() + key.len() + document_weight(&document);
        self.memory
            .take(weight, ADVICE)
            .map_err(|error| error.at_operator("$sort"))?;
        self.entries.push(Entry {
            key,
            arrived: self.arrived,
            weight,
            document,
        });
        self.arrived += 1;
        Ok(())
    }

    /// Returns the documents in order.
    pub(super) fn give(&mut self) -> Vec<Document> {
        let sorted = std::mem::take(&mut self.entries).into_sorted_vec();
        sorted.into_iter().map(|entry| entry.document).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::value::Value;

    fn sorted(wanted: Option<u64>, keys: &[i64]) -> Vec<Value> {
        let sort = Sort::parse(&doc! {"k": 1}).unwrap();
        let mut sorter = Sorter::new(&sort, wanted);
        for (id, key) in keys.iter().enumerate() {
            sorter.add(doc! {"_id": (id as i64), "k": (*key)}).unwrap();
        }
        sorter
            .give()
            .iter()
            .filter_map(|document| document.id().cloned())
            .collect()
    }

    #[test]
    fn the_first_ones_are_those_of_the_whole_sort() {
        let keys = [5, 1, 3, 1, 5, 0, 3];
        let all = sorted(None, &keys);
        assert_eq!(all, [5, 1, 3, 2, 6, 0, 4].map(Value::Int));
        for wanted in 1..=8 {
            assert_eq!(sorted(Some(wanted), &keys), all[..all.len().min(wanted as usize)]);
        }
    }

    #[test]
    fn memory_is_bounded_and_a_limit_keeps_below_it() {
        let sort = Sort::parse(&doc! {"k": -1}).unwrap();
        let large = Value::from("x".repeat(1024 * 1024));
        let mut sorter = Sorter::new(&sort, None);
        let error = (0..100).find_map(|key| sorter.add(doc! {"k": key, "x": (large.clone())}).err());
        assert_eq!(error.map(|error| error.kind()), Some(ErrorKind::Limit));
        let mut sorter = Sorter::new(&sort, Some(10));
        assert!((0..100).all(|key| sorter.add(doc! {"k": key, "x": (large.clone())}).is_ok()));
    }
}
