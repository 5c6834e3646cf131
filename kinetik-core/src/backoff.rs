//! How long a job waits after a failed attempt, and a worker after a failed call.

use std::time::Duration;

/// Doubles from `first` on, up to `longest`, and takes a random part of the last doubling off, so that many who failed
/// together do not come back together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The longest wait after the first failure.
    pub first: Duration,
    /// The longest wait at all.
    pub longest: Duration,
}

impl Backoff {
    /// Between the attempts of a job.
    pub const OF_JOBS: Self = Self {
        first: Duration::from_secs(1),
        longest: Duration::from_secs(3600),
    };

    /// Between the calls of a worker to a store that does not answer.
    pub const OF_CALLS: Self = Self {
        first: Duration::from_millis(100),
        longest: Duration::from_secs(5),
    };

    /// Returns the wait after so many failures, from 1 on.
    pub fn wait(&self, failures: u32, random: u64) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        let whole = self.first.saturating_mul(1 << doublings).min(self.longest);
        let half = whole / 2;
        half + half.mul_f64((random >> 11) as f64 / (1_u64 << 53) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let backoff = Backoff {
            first: Duration::from_secs(2),
            longest: Duration::from_secs(9),
        };
        assert_eq!(backoff.wait(1, 0), Duration::from_secs(1));
        assert_eq!(backoff.wait(2, 0), Duration::from_secs(2));
        assert_eq!(backoff.wait(3, 0), Duration::from_secs(4));
        assert_eq!(backoff.wait(40, 0), Duration::from_millis(4500));
        assert!(backoff.wait(1, u64::MAX) <= Duration::from_secs(2));
    }
}
