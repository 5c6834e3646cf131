//! The workloads, and what is timed in each.

use std::fmt;
use std::str::FromStr;

use kinetik_core::{Error, ErrorKind};

/// What is done with a queue while it is timed.
///
/// A job counts as done when the store has it recorded. Times are from one clock that never steps back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Workload {
    /// `w1`: 10,000 jobs, each enqueued by a call of its own that waits for the store's answer; the percentiles are
    /// those of one call.
    Enqueue,
    /// `w2`: 50,000 jobs, enqueued in lists of 1,000 by one call a list.
    Bulk,
    /// `w3`: 20,000 jobs that wait when a worker is started: from the start of the first handler to the moment when the
    /// store says that no job waits or runs. `start_ms` is before that, from the call that starts the worker.
    Drain,
    /// `w4`: an idle worker, then a job each 5 ms for 10 s on a fixed timetable; the percentiles are of the time from
    /// just before a job is enqueued to the start of its handler.
    Latency,
    /// `w5`: 2,000 jobs as in [`Drain`](Self::Drain), in a store that keeps many finished jobs. Or, with a backlog, the
    /// time in which 2,000 of many waiting jobs start, from that of the hundredth.
    History,
}

impl Workload {
    /// All of them, in the order in which they are usually run.
    pub const ALL: [Self; 5] = [
        Self::Enqueue,
        Self::Bulk,
        Self::Drain,
        Self::Latency,
        Self::History,
    ];

    /// Returns the name: `drain`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Enqueue => "enqueue",
            Self::Bulk => "bulk",
            Self::Drain => "drain",
            Self::Latency => "latency",
            Self::History => "history",
        }
    }

    /// Returns the short name under which results of other queues stand beside ours: `w3`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Enqueue => "w1",
            Self::Bulk => "w2",
            Self::Drain => "w3",
            Self::Latency => "w4",
            Self::History => "w5",
        }
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Workload {
    type Err = Error;

    /// Reads a name or a short name.
    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|workload| workload.name() == text || workload.code() == text)
            .ok_or_else(|| {
                let names = Self::ALL.map(Self::name).join(", ");
                let message = format!("there is no workload {text:?}: it is one of {names}");
                Error::new(ErrorKind::Invalid, message)
            })
    }
}
