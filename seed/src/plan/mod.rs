//! Planning: which index to read, over which ranges of keys, and what is left to check.
//!
//! One planner serves every store whose indexes are ordered bytes. Its law is that a plan may only take too much, never
//! too little: the whole filter is checked again on each document, unless the ranges are provably exact. Start at
//! [`choose`](Plan::choose); `predicates` reads the filter, `ranges` turns tests into ranges of keys, `explain`
//! shows a plan as a document.

mod choose;
mod explain;
mod field_set;
pub mod groups;
pub mod index;
mod partial;
mod predicates;
mod ranges;

pub(crate) use field_set::FieldSet;
pub use index::{CollectionSpec, IndexSpec};
pub use ranges::PartTest;

use crate::filter::{Filter, Node};
use crate::key::KeyBytes;
use crate::path::Path;
use crate::sort::Direction;

/// The way a query is answered: one scan, or one for each branch of an `$or`.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    scans: Vec<Scan>,
    order: Order,
}

/// One scan: where it reads, over which ranges, and what its entries are worth.
#[derive(Clone, Debug, PartialEq)]
pub struct Scan {
    /// What is read.
    pub access: Access,
    /// The ranges of entries in ascending order; they do not touch.
    pub ranges: Vec<KeyRange>,
    /// Whether every entry in the ranges is a match, so that documents need not be looked at.
    pub is_exact: bool,
    /// Whether a document may have several entries in the ranges.
    pub is_multikey: bool,
    /// How many leading fields of the index are held to single values.
    equalities: usize,
    /// Whether a further field is limited.
    is_limited: bool,
}

/// What a scan reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// The documents themselves, by `_id`.
    Primary,
    /// The index at this position of the list that was planned with.
    Index(usize),
}

/// How the wanted order comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The scan gives it as it goes.
    Forwards,
    /// The scan gives it if it goes backwards.
    Backwards,
    /// Each range of the one scan gives it as it goes, so that the next document is at the head of one of them. The ranges
    /// are those of prefixes, behind which the entries compare.
    Merged,
    /// As before, going backwards.
    MergedBackwards,
    /// Matches must be collected and sorted.
    Sorted,
}

impl Order {
    /// Tells whether the scan is read from the end to the start.
    pub fn is_backwards(self) -> bool {
        matches!(self, Self::Backwards | Self::MergedBackwards)
    }

    /// Tells whether the ranges are read side by side.
    pub fn is_merged(self) -> bool {
        matches!(self, Self::Merged | Self::MergedBackwards)
    }
}

/// A half-open range of entries, an entry being the bytes of a key followed by those of the `_id`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyRange {
    /// The least bytes within.
    pub start: KeyBytes,
    /// The least bytes no longer within; none if there is no end.
    pub end: Option<KeyBytes>,
}

impl KeyRange {
    /// Returns the range of everything.
    pub fn all() -> Self {
        Self::default()
    }

    /// Returns the range of all entries that begin with these bytes.
    pub fn of_prefix(prefix: &[u8]) -> Self {
        Self {
            start: prefix.to_vec(),
            end: crate::key::after_prefix(prefix),
        }
    }

    /// Tells whether an entry lies within.
    pub fn contains(&self, entry: &[u8]) -> bool {
        entry >= self.start.as_slice() && self.end.as_deref().is_none_or(|end| entry < end)
    }

    /// Tells whether nothing can lie within.
    pub fn is_empty(&self) -> bool {
        self.end.as_ref().is_some_and(|end| *end <= self.start)
    }
}

/// What the planner knows of one index that is ready to be read.
#[derive(Clone, Copy, Debug)]
pub struct IndexView<'a> {
    /// How the index was declared.
    pub spec: &'a IndexSpec,
    /// Whether some document has, or had, several keys in it.
    pub is_multikey: bool,
}

impl Plan {
    /// Chooses a plan for a filter and a sort.
    ///
    /// Documents that tie in the sort come in the order of `_id`, and so do all where there is no sort.
    /// Indexes that cannot be read now, such as building ones, are left out by the caller as `None`.
    pub fn choose(filter: &Filter, sort: &[(Path, Direction)], indexes: &[Option<IndexView<'_>>]) -> Self {
        choose::choose(filter, sort, indexes)
    }

    /// Returns the plan that reads everything by `_id`, which is always right.
    pub fn full(sort: &[(Path, Direction)]) -> Self {
        choose::full(sort)
    }

    /// Returns the scans in the order in which they are made.
    pub fn scans(&self) -> &[Scan] {
        &self.scans
    }

    /// Returns how the wanted order comes about.
    pub fn order(&self) -> Order {
        self.order
    }

    /// Tells whether nothing can match.
    pub fn is_empty(&self) -> bool {
        self.scans.iter().all(|scan| scan.ranges.is_empty())
    }
}

/// Returns the branches of an `$or` that decides alone which documents a filter takes, beside other conditions.
pub(crate) fn or_branches(node: &Node) -> Option<&[Node]> {
    match node {
        Node::Or(branches) => Some(branches),
        Node::And(nodes) => nodes.iter().find_map(or_branches),
        _ => None,
    }
}
