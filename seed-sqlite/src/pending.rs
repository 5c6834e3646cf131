//! Changes of indexes that wait, so that a statement carries out several at once.
//!
//! A statement costs more than the change of one entry. What waits is carried out before the index is read, and before the
//! transaction ends.

use seed::engine::{Entry, IndexId};

/// How many changes of an index may wait.
const MOST: usize = 512;

/// What is to be done with entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Insert,
    Remove,
}

/// The changes of one index that wait, all of one kind.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) index: IndexId,
    pub(crate) change: Change,
    pub(crate) entries: Vec<Entry>,
}

/// The changes that wait, by index.
#[derive(Debug, Default)]
pub(crate) struct Pending(Vec<Waiting>);

impl Pending {
    /// Adds a change, and returns those that must be carried out first, or now.
    pub(crate) fn push(&mut self, index: IndexId, change: Change, entry: Entry) -> Option<Waiting> {
        let Some(waiting) = self.0.iter_mut().find(|waiting| waiting.index == index) else {
            self.0.push(Waiting {
                index,
                change,
                entries: vec![entry],
            });
            return None;
        };
        let is_full = waiting.entries.len() >= MOST;
        // An entry may go and come back: what is of different kinds keeps its order.
        let due = (is_full || waiting.change != change).then(|| {
            let room = Vec::with_capacity(waiting.entries.len());
            Waiting {
                index,
                change: std::mem::replace(&mut waiting.change, change),
                entries: std::mem::replace(&mut waiting.entries, room),
            }
        });
        waiting.entries.push(entry);
        due
    }

    /// Takes what waits for one index.
    pub(crate) fn take(&mut self, index: IndexId) -> Option<Waiting> {
        let at = self.0.iter().position(|waiting| waiting.index == index)?;
        Some(self.0.swap_remove(at))
    }

    /// Takes all that waits.
    pub(crate) fn take_all(&mut self) -> Vec<Waiting> {
        std::mem::take(&mut self.0)
    }
}
