//! What a processor tells while it works.

use crate::error::Error;
use crate::job::Status;

/// What happened in a processor.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A job was claimed and its action started.
    Started {
        /// The job.
        id: String,
        /// Its task.
        task: String,
    },
    /// An attempt is over and recorded; the job is now here.
    Finished {
        /// The job.
        id: String,
        /// Its task.
        task: String,
        /// Where it stands now.
        status: Status,
        /// Why the attempt failed; none if it did not.
        error: Option<String>,
    },
    /// What an action gave back was refused, since the job is no longer its own.
    Refused {
        /// The job.
        id: String,
    },
    /// A job that ran here was called off; its action was told.
    Cancelled {
        /// The job.
        id: String,
    },
    /// A job was handed back for another worker to take.
    HandedBack {
        /// The job.
        id: String,
        /// Its task.
        task: String,
    },
    /// All tags are empty; the processor rests.
    Empty,
    /// A draining processor has nothing left but jobs of other workers that may have died. It waits until these have
    /// given a sign of life, or their leases are over and the jobs come back.
    Waiting {
        /// How many jobs they hold.
        jobs: u64,
    },
    /// A call to the store failed and will be made again.
    StoreFailed(Error),
    /// The store answers again.
    StoreBack,
    /// A stored document cannot be read. It is out of the way of all others, and kept as it is.
    Unreadable(Error),
}
