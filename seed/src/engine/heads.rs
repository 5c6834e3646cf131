//! The heads of several ranges of one index, read side by side: the next entry is the first of them.
//!
//! Each range has the entries that begin with one prefix, which holds some fields to single values. Behind their prefixes
//! the entries compare, whichever range they are of.

use std::collections::{BTreeMap, VecDeque};

use super::Towards;
use crate::key::{self, KeyBytes};
use crate::plan::KeyRange;

/// What is left of a range.
#[derive(Clone, Debug)]
pub struct Rest {
    /// The entries that are left.
    pub range: KeyRange,
    /// How long the prefix is that all of its entries share, if it is the range of a prefix.
    prefix: usize,
}

impl Rest {
    pub(super) fn of(range: KeyRange) -> Self {
        Self {
            prefix: range.start.len(),
            range,
        }
    }

    /// Moves behind an entry.
    pub(super) fn move_behind(&mut self, last: &[u8], towards: Towards) {
        match towards {
            // The least bytes above an entry are the entry and a zero.
            Towards::End => self.range.start = key::joined(last, &[0]),
            Towards::Start => self.range.end = Some(last.to_vec()),
        }
    }
}

/// The heads of several ranges, whose entries are known by their bytes.
#[derive(Debug)]
pub struct Heads<T> {
    ranges: Vec<Head<T>>,
    /// The first entry of each range that has one, by what is behind its prefix, and the position of the range. No two are
    /// equal, for the id is at their end.
    first: BTreeMap<(KeyBytes, usize), T>,
    towards: Towards,
    /// The ranges of which nothing is at hand, though there may be more.
    bare: Vec<usize>,
    taken: u64,
}

#[derive(Debug)]
struct Head<T> {
    /// What is behind the last entry that was taken.
    left: Rest,
    /// Where the next entries are to be read.
    unread: Rest,
    /// What was read and comes after the first entry.
    ready: VecDeque<T>,
    is_read: bool,
    is_used_up: bool,
}

impl<T: AsRef<[u8]>> Heads<T> {
    pub(super) fn new(ranges: Vec<Rest>, towards: Towards) -> Self {
        let head = |left: Rest| Head {
            unread: left.clone(),
            left,
            ready: VecDeque::new(),
            is_read: false,
            is_used_up: false,
        };
        Self {
            bare: (0..ranges.len()).collect(),
            ranges: ranges.into_iter().map(head).collect(),
            first: BTreeMap::new(),
            towards,
            taken: 0,
        }
    }

    /// Returns a range of which entries must be read before the next one is known, by its position.
    pub fn needed(&self) -> Option<(usize, &KeyRange, Towards)> {
        self.bare.last().map(|at| self.unread(*at))
    }

    /// Returns all ranges of which entries must be read before the next one is known.
    pub fn all_needed(&self) -> impl Iterator<Item = (usize, &KeyRange, Towards)> {
        self.bare.iter().map(|at| self.unread(*at))
    }

    fn unread(&self, at: usize) -> (usize, &KeyRange, Towards) {
        (at, &self.ranges[at].unread.range, self.towards)
    }

    /// Says how many entries of a range are best read at once, if so many are wanted in all.
    pub fn limit(&self, wanted: usize) -> usize {
        // At first nothing is known of how they are spread; a range that was used up is worth more.
        let is_first = self.taken == 0;
        match is_first {
            true => wanted / self.ranges.len().max(1) + 1,
            false => wanted.max(1),
        }
    }

    /// Takes in what was read of a range; `is_all` says that there is no more.
    pub fn fill(&mut self, at: usize, read: Vec<T>, is_all: bool) {
        if let Some(position) = self.bare.iter().rposition(|bare| *bare == at) {
            self.bare.swap_remove(position);
        }
        let head = &mut self.ranges[at];
        head.is_read |= is_all;
        if let Some(last) = read.last() {
            head.unread.move_behind(last.as_ref(), self.towards);
        }
        head.ready.extend(read);
        self.advance(at);
    }

    /// Takes the next entry; none if there is no more. Nothing may be [needed](Self::needed).
    pub fn take(&mut self) -> Option<T> {
        let next = match self.towards {
            Towards::End => self.first.pop_first(),
            Towards::Start => self.first.pop_last(),
        };
        let ((_, at), entry) = next?;
        self.taken += 1;
        self.ranges[at].left.move_behind(entry.as_ref(), self.towards);
        self.advance(at);
        Some(entry)
    }

    /// Puts the next entry of a range among the first.
    fn advance(&mut self, at: usize) {
        let head = &mut self.ranges[at];
        match head.ready.pop_front() {
            Some(entry) => {
                let behind = entry.as_ref()[head.left.prefix..].to_vec();
                self.first.insert((behind, at), entry);
            }
            None if head.is_read => head.is_used_up = true,
            None => self.bare.push(at),
        }
    }

    pub(super) fn taken(&self) -> u64 {
        self.taken
    }

    /// Returns what was not taken of the ranges.
    pub(super) fn into_rest(self) -> Vec<Rest> {
        let heads = self.ranges.into_iter();
        heads
            .filter(|head| !head.is_used_up)
            .map(|head| head.left)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Entry;

    fn entry(prefix: u8, behind: u8) -> Entry {
        Entry::new(&[prefix, behind], &[7])
    }

    fn ranges(prefixes: &[u8]) -> Vec<Rest> {
        prefixes
            .iter()
            .map(|prefix| Rest::of(KeyRange::of_prefix(&[*prefix])))
            .collect()
    }

    /// Takes up to `count` entries out of lists that stand for an index.
    fn take(heads: &mut Heads<Entry>, index: &[Entry], count: usize) -> Vec<(u8, u8)> {
        let mut taken = Vec::new();
        while taken.len() < count {
            while let Some((at, range, towards)) = heads.needed() {
                let mut within: Vec<_> = index
                    .iter()
                    .filter(|entry| range.contains(&entry.bytes))
                    .cloned()
                    .collect();
                if towards == Towards::Start {
                    within.reverse();
                }
                let limit = heads.limit(count - taken.len());
                let is_all = within.len() < limit;
                within.truncate(limit);
                heads.fill(at, within, is_all);
            }
            let Some(entry) = heads.take() else { break };
            taken.push((entry.bytes[0], entry.bytes[1]));
        }
        taken
    }

    fn index() -> Vec<Entry> {
        [(1, 3), (1, 5), (1, 6), (2, 1), (2, 4), (4, 2)]
            .map(|(prefix, behind)| entry(prefix, behind))
            .to_vec()
    }

    #[test]
    fn entries_come_in_the_order_behind_their_prefixes() {
        for count in 1..=7 {
            let mut left = ranges(&[1, 2, 3, 4]);
            let mut seen = Vec::new();
            loop {
                let mut heads = Heads::new(left, Towards::End);
                let taken = take(&mut heads, &index(), count);
                left = heads.into_rest();
                if taken.is_empty() {
                    break;
                }
                seen.extend(taken);
            }
            assert_eq!(
                seen,
                [(2, 1), (4, 2), (1, 3), (2, 4), (1, 5), (1, 6)],
                "{count} at once"
            );
            assert!(left.is_empty());
        }
    }

    #[test]
    fn they_come_backwards_as_well() {
        let mut heads = Heads::new(ranges(&[1, 2, 4]), Towards::Start);
        assert_eq!(take(&mut heads, &index(), 3), [(1, 6), (1, 5), (2, 4)]);
        let mut heads = Heads::new(heads.into_rest(), Towards::Start);
        assert_eq!(take(&mut heads, &index(), 9), [(1, 3), (4, 2), (2, 1)]);
        assert_eq!(heads.taken(), 3);
    }
}
