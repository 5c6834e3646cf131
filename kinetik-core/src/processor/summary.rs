//! What a processor did.

use std::iter::Sum;

use crate::job::Status;

/// How many jobs a processor brought to which end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Jobs that completed.
    pub completed: u64,
    /// Jobs that failed for good.
    pub failed: u64,
    /// Jobs that took too long for good.
    pub timed_out: u64,
    /// Attempts that failed and will be made again.
    pub retried: u64,
    /// Jobs that were handed back.
    pub handed_back: u64,
}

impl Sum for Summary {
    fn sum<I: Iterator<Item = Self>>(summaries: I) -> Self {
        summaries.fold(Self::default(), |sum, next| Self {
            completed: sum.completed + next.completed,
            failed: sum.failed + next.failed,
            timed_out: sum.timed_out + next.timed_out,
            retried: sum.retried + next.retried,
            handed_back: sum.handed_back + next.handed_back,
        })
    }
}

impl Summary {
    pub(super) fn count(&mut self, status: Status) {
        match status {
            Status::Completed => self.completed += 1,
            Status::Failed => self.failed += 1,
            Status::Timeout => self.timed_out += 1,
            Status::Delayed => self.retried += 1,
            Status::Queued => self.handed_back += 1,
            Status::Processing | Status::Cancelled => {}
        }
    }
}
