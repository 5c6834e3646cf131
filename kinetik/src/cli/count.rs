//! How many there are, for programs and for people.

/// Returns a count as a number of a document.
pub(super) fn number(count: impl TryInto<i64>) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}

/// Returns a count of jobs in words: `1 job`, `2 jobs`.
pub(super) fn jobs(count: u64) -> String {
    format!("{count} {}", if count == 1 { "job" } else { "jobs" })
}
