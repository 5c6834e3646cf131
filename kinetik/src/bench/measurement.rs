//! What was measured, and how it is written down.

use seed::{Document, Value};

use super::{Bench, LIST, Workload, payload};

/// What one workload gave.
///
/// What does not belong to a workload is none: percentiles to [`Drain`](Workload::Drain), for example.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Measurement {
    /// What was done.
    pub workload: Workload,
    /// The store, as it was called.
    pub store: String,
    /// How many jobs were measured.
    pub jobs: u64,
    /// How many bytes the data of a job had as JSON.
    pub payload_bytes: u64,
    /// How many jobs ran or were enqueued at once.
    pub concurrency: u64,
    /// The time, in seconds.
    pub seconds: f64,
    /// How many jobs that makes in a second.
    pub jobs_per_s: u64,
    /// The time that half of the calls or jobs took at the most, in milliseconds.
    pub p50_ms: Option<f64>,
    /// The same for 90 % of them.
    pub p90_ms: Option<f64>,
    /// The same for 99 % of them.
    pub p99_ms: Option<f64>,
    /// The same for all of them.
    pub max_ms: Option<f64>,
    /// The time from the call that starts the worker to the first handler, in milliseconds. It is not in `seconds`.
    pub start_ms: Option<f64>,
    /// How many finished jobs the store kept meanwhile.
    pub retained: Option<u64>,
    /// How many jobs waited in the beginning.
    pub backlog: Option<u64>,
    /// The call that enqueued in bulk.
    pub bulk_api: Option<String>,
    /// How many jobs were sent more than 5 ms after their time; none if all were in time.
    pub late_sends: Option<u64>,
    /// How many jobs did not start or complete; none if all did.
    pub lost: Option<u64>,
    /// What a write that returned outlives.
    pub durability: String,
    /// What the store has of a job that is done.
    pub completion: String,
    /// What else one must know to compare it.
    pub notes: Option<String>,
}

impl Measurement {
    pub(super) fn new(bench: &Bench, workload: Workload, jobs: u64) -> Self {
        let concurrency = match workload {
            Workload::Enqueue | Workload::Bulk => 1,
            Workload::Drain | Workload::Latency | Workload::History => bench.slots as u64,
        };
        let durability = bench.durability.clone().unwrap_or_else(|| {
            let is_durable = bench.store.capabilities().durable;
            let said = if is_durable {
                "durable, as the store is set up"
            } else {
                "none: gone with the process"
            };
            said.to_owned()
        });
        Self {
            workload,
            store: bench.store_name.clone(),
            jobs,
            payload_bytes: payload::size(bench.payload) as u64,
            concurrency,
            seconds: 0.0,
            jobs_per_s: 0,
            p50_ms: None,
            p90_ms: None,
            p99_ms: None,
            max_ms: None,
            start_ms: None,
            retained: None,
            backlog: None,
            bulk_api: (workload == Workload::Bulk).then(|| format!("create_many, {LIST} a call")),
            late_sends: None,
            lost: None,
            durability,
            completion: "status completed; the job is kept with its log".to_owned(),
            notes: None,
        }
    }

    /// Notes that so many jobs took so many microseconds.
    pub(super) fn took(&mut self, micros: u64, jobs: u64) {
        self.jobs = jobs;
        self.seconds = micros as f64 / 1e6;
        // A simulated clock may stand still.
        self.jobs_per_s = (jobs as f64 / (micros.max(1) as f64 / 1e6)).round() as u64;
    }

    /// Returns it as one document, the fields of a line of results; `name` tells the workload in words.
    pub fn to_document(&self) -> Document {
        let count = |count: u64| Value::from(i64::try_from(count).unwrap_or(i64::MAX));
        let fields: [(&str, Option<Value>); 23] = [
            ("peer", Some("kinetik".into())),
            ("version", Some(env!("CARGO_PKG_VERSION").into())),
            ("store", Some(self.store.as_str().into())),
            ("workload", Some(self.workload.code().into())),
            ("name", Some(self.workload.name().into())),
            ("jobs", Some(count(self.jobs))),
            ("payload_bytes", Some(count(self.payload_bytes))),
            ("concurrency", Some(count(self.concurrency))),
            ("seconds", Some(self.seconds.into())),
            ("jobs_per_s", Some(count(self.jobs_per_s))),
            ("p50_ms", self.p50_ms.map(Value::from)),
            ("p90_ms", self.p90_ms.map(Value::from)),
            ("p99_ms", self.p99_ms.map(Value::from)),
            ("max_ms", self.max_ms.map(Value::from)),
            ("start_ms", self.start_ms.map(Value::from)),
            ("retained", self.retained.map(count)),
            ("backlog", self.backlog.map(count)),
            ("bulk_api", self.bulk_api.as_deref().map(Value::from)),
            ("late_sends", self.late_sends.map(count)),
            ("lost", self.lost.map(count)),
            ("durability", Some(self.durability.as_str().into())),
            ("completion", Some(self.completion.as_str().into())),
            ("notes", self.notes.as_deref().map(Value::from)),
        ];
        let given = fields
            .into_iter()
            .filter_map(|(name, value)| Some((name.into(), value?)));
        given.collect()
    }
}

/// Returns the time that this part of them took at the most, to the microsecond; none if there are none.
pub(super) fn percentile(sorted_ms: &[f64], part: f64) -> Option<f64> {
    let at = (part * sorted_ms.len() as f64) as usize;
    let time = sorted_ms.get(at.min(sorted_ms.len().saturating_sub(1)))?;
    Some((time * 1_000.0).round() / 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_times_that_were_measured() {
        let times: Vec<f64> = (1..=200).map(f64::from).collect();
        let percentiles = [0.0, 0.5, 0.9, 0.99, 1.0].map(|part| percentile(&times, part));
        assert_eq!(percentiles, [1.0, 101.0, 181.0, 199.0, 200.0].map(Some));
        assert_eq!(percentile(&[0.123_456], 0.5), Some(0.123));
        assert_eq!(percentile(&[], 0.5), None);
    }
}
