//! What `enqueue` takes.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use seed::DateTime;

use super::number;
use crate::cli::duration;

/// Puts jobs into the queue.
#[derive(Args, Debug)]
pub struct Enqueue {
    /// The task
    #[arg(required_unless_present = "from")]
    pub task: Option<String>,
    /// The job's data as JSON; - is standard input [default: null]
    #[arg(allow_negative_numbers = true)]
    pub data: Option<String>,
    /// The tag that the job waits under [default: its task's]
    #[arg(long)]
    pub tag: Option<String>,
    /// Higher goes first within a tag
    #[arg(long, value_name = "N", allow_negative_numbers = true, default_value_t = 0, value_parser = number::priority)]
    pub priority: i64,
    /// How long the job waits, such as 45m or 1h30m
    #[arg(long, value_name = "D", allow_hyphen_values = true, value_parser = duration::parse)]
    pub delay: Option<Duration>,
    /// When the job may start, as RFC 3339 writes it
    #[arg(long, value_name = "TIME", conflicts_with = "delay")]
    pub at: Option<DateTime>,
    /// How many attempts the job has [default: its task's]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = number::between(1, u32::MAX))]
    pub attempts: Option<u32>,
    /// A file of jobs, one JSON document a line; - is standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["task", "data", "tag", "priority", "delay", "at", "attempts"])]
    pub from: Option<PathBuf>,
}
