//! Where a job stands, and where it can go from there.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, ErrorKind};

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// It waits for its time.
    Delayed,
    /// It waits for a worker.
    Queued,
    /// A worker has it.
    Processing,
    /// Its action succeeded.
    Completed,
    /// Its action failed, and no attempt is left.
    Failed,
    /// Its action took too long, and no attempt is left.
    Timeout,
    /// It was called off.
    Cancelled,
}

impl Status {
    /// All of them, in the order of a job's life.
    pub const ALL: [Self; 7] = [
        Self::Delayed,
        Self::Queued,
        Self::Processing,
        Self::Completed,
        Self::Failed,
        Self::Timeout,
        Self::Cancelled,
    ];

    /// Returns the name as it is stored and shown.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Delayed => "delayed",
            Self::Queued => "queued",
            Self::Processing => "processing",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Timeout => "timeout",
            Self::Cancelled => "cancelled",
        }
    }

    /// Tells whether the job is over, so that only a retry can revive it.
    pub const fn is_final(self) -> bool {
        matches!(
            self,
            Self::Completed | Self::Failed | Self::Timeout | Self::Cancelled
        )
    }

    /// Tells whether a job may go from here to there. This is the table of transitions; there is no other.
    ///
    /// | from | to | when |
    /// |---|---|---|
    /// | delayed | queued | its time has come |
    /// | queued | processing | a worker claims it |
    /// | processing | completed, failed, timeout | its last attempt is over |
    /// | processing | queued | it is handed back or rescued |
    /// | processing | delayed | it waits for its next attempt |
    /// | delayed, queued, processing | cancelled | someone calls it off |
    /// | failed, timeout | queued, delayed | someone retries it |
    pub const fn can_become(self, next: Self) -> bool {
        match self {
            Self::Delayed => matches!(next, Self::Queued | Self::Cancelled),
            Self::Queued => matches!(next, Self::Processing | Self::Cancelled),
            Self::Processing => !matches!(next, Self::Processing),
            Self::Failed | Self::Timeout => matches!(next, Self::Queued | Self::Delayed),
            Self::Completed | Self::Cancelled => false,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Status {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|status| status.name() == text)
            .ok_or_else(|| {
                let names = Self::ALL.map(Self::name).join(", ");
                Error::new(
                    ErrorKind::Invalid,
                    format!("there is no status {text:?}: a job is one of {names}"),
                )
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_is_allowed_or_not() {
        use Status::{Cancelled, Completed, Delayed, Failed, Processing, Queued, Timeout};
        let allowed = [
            (Delayed, Queued),
            (Delayed, Cancelled),
            (Queued, Processing),
            (Queued, Cancelled),
            (Processing, Completed),
            (Processing, Failed),
            (Processing, Timeout),
            (Processing, Queued),
            (Processing, Delayed),
            (Processing, Cancelled),
            (Failed, Queued),
            (Failed, Delayed),
            (Timeout, Queued),
            (Timeout, Delayed),
        ];
        for from in Status::ALL {
            for to in Status::ALL {
                assert_eq!(
                    from.can_become(to),
                    allowed.contains(&(from, to)),
                    "{from} to {to}"
                );
            }
        }
    }

    #[test]
    fn names_go_in_and_out() {
        for status in Status::ALL {
            assert_eq!(status.name().parse::<Status>().unwrap(), status);
        }
        assert!(
            "done"
                .parse::<Status>()
                .unwrap_err()
                .to_string()
                .contains("completed")
        );
    }
}
