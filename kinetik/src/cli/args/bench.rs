//! What `bench` takes.

use std::time::Duration;

use clap::Args;

use super::number;
use crate::bench::Workload;
use crate::cli::duration;

/// Measures a queue on the store.
#[derive(Args, Debug)]
pub struct Bench {
    /// What is measured: enqueue, bulk, drain, latency or history; may be repeated [default: each of them]
    #[arg(short, long, value_name = "NAME")]
    pub workload: Vec<Workload>,
    /// How many jobs are measured [default: as many as the workload usually has]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = number::from(1))]
    pub jobs: Option<u64>,
    /// How many bytes a job's data has as JSON
    #[arg(long, value_name = "BYTES", default_value_t = 100, allow_negative_numbers = true, value_parser = number::between(0, 1_048_576_u32))]
    pub payload: u32,
    /// How many jobs the worker runs at once
    #[arg(long, value_name = "N", default_value_t = 10, allow_negative_numbers = true, value_parser = number::between(1, u16::MAX))]
    pub concurrency: u16,
    /// history: how many finished jobs the store keeps
    #[arg(long, value_name = "N", default_value_t = 100_000, allow_negative_numbers = true, value_parser = number::from(0))]
    pub finished: u64,
    /// history: so many jobs wait, in place of finished ones, and some of them are measured
    #[arg(long, value_name = "N", conflicts_with = "finished", allow_negative_numbers = true, value_parser = number::from(20))]
    pub backlog: Option<u64>,
    /// latency: how long after one job the next is sent
    #[arg(long, value_name = "D", allow_hyphen_values = true, default_value = "5ms", value_parser = duration::parse_positive)]
    pub interval: Duration,
    /// latency: for how many seconds jobs are sent
    #[arg(long, value_name = "N", conflicts_with = "jobs", default_value_t = 10, allow_negative_numbers = true, value_parser = number::from(1))]
    pub seconds: u64,
    /// How often all of it is done; with more than one round the table shows medians
    #[arg(long, value_name = "N", default_value_t = 1, allow_negative_numbers = true, value_parser = number::between(1, u32::MAX))]
    pub rounds: u32,
}
