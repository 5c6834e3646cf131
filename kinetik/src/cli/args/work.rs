//! What `work` takes.

use std::time::Duration;

use clap::Args;

use super::number;
use crate::cli::duration;

/// Works jobs off.
#[derive(Args, Debug)]
pub struct Work {
    /// Tags in the order in which they are worked off; each --tags is a loop of its own
    /// [default: the QUEUE environment variable, then every tag of the config file's tasks]
    #[arg(long, value_name = "A,B")]
    pub tags: Vec<String>,
    /// How many jobs each loop runs at once [default: 8]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = number::between(1, u16::MAX))]
    pub concurrency: Option<u16>,
    /// How long an idle loop rests at the most before it looks again [default: 1s]
    #[arg(long, value_name = "D", allow_hyphen_values = true, value_parser = duration::parse_positive)]
    pub interval: Option<Duration>,
    /// Ends when nothing is queued, delayed jobs due later aside
    #[arg(long)]
    pub drain: bool,
    /// How long a worker is taken to live after its last sign of life; its jobs are run again after that [default: 30s]
    #[arg(long, value_name = "D", allow_hyphen_values = true, value_parser = duration::parse_positive)]
    pub lease: Option<Duration>,
    /// How many workers a job may take down before it fails [default: 3]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = number::between(1, u32::MAX))]
    pub max_crashes: Option<u32>,
    /// How long running jobs may go on after a stop [default: 30s]
    #[arg(long, value_name = "D", allow_hyphen_values = true, value_parser = duration::parse)]
    pub grace: Option<Duration>,
}
