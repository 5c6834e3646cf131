//! What can be typed.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use kinetik_core::Status;
use seed::DateTime;

use super::duration;
use crate::bench::Workload;

/// Background jobs on the store that you already have.
#[derive(Debug, Parser)]
#[command(name = "kinetik", version, max_term_width = 100)]
pub struct Arguments {
    /// What all commands take.
    #[command(flatten)]
    pub globals: Globals,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// What all commands take.
#[derive(Args, Debug)]
pub struct Globals {
    /// The store: sqlite:PATH [default: KINETIK_STORE, then the config file's, then sqlite:kinetik.db]
    #[arg(long, global = true, value_name = "URL")]
    pub store: Option<String>,
    /// The config file [default: kinetik.toml in the working directory, if there is one]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The queue, which keeps jobs apart in one store [default: the config file's, then kinetik]
    #[arg(long, global = true, value_name = "NAME")]
    pub queue: Option<String>,
    /// Writes one JSON value a line; messages for people go to standard error
    #[arg(long, global = true)]
    pub json: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Puts jobs into the queue: one from the command line, or many from a file
    Enqueue(Enqueue),
    /// Works jobs off
    Work(Work),
    /// Shows how many jobs stand where, and the newest of them
    Jobs(Jobs),
    /// Shows everything about a job, its log included
    Show(Show),
    /// Measures how fast jobs go in and out of the store, in a queue of its own that it removes afterwards
    Bench(Bench),
}

/// Puts jobs into the queue.
#[derive(Args, Debug)]
pub struct Enqueue {
    /// The task
    #[arg(required_unless_present = "from")]
    pub task: Option<String>,
    /// The job's data as JSON [default: null]
    #[arg(allow_negative_numbers = true)]
    pub data: Option<String>,
    /// The tag that the job waits under [default: its task's]
    #[arg(long)]
    pub tag: Option<String>,
    /// Higher goes first within a tag
    #[arg(long, value_name = "N", allow_negative_numbers = true, default_value_t = 0)]
    pub priority: i64,
    /// How long the job waits, such as 45m or 1h30m
    #[arg(long, value_name = "D", allow_negative_numbers = true, value_parser = duration::parse)]
    pub delay: Option<Duration>,
    /// When the job may start, as RFC 3339 writes it
    #[arg(long, value_name = "TIME", conflicts_with = "delay")]
    pub at: Option<DateTime>,
    /// How many attempts the job has [default: its task's]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub attempts: Option<u32>,
    /// A file of jobs, one JSON document a line; - is standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["task", "data", "tag", "priority", "delay", "at", "attempts"])]
    pub from: Option<PathBuf>,
}

/// Works jobs off.
#[derive(Args, Debug)]
pub struct Work {
    /// Tags in the order in which they are worked off; each --tags is a loop of its own
    /// [default: the QUEUE environment variable, then every tag of the config file's tasks]
    #[arg(long, value_name = "A,B")]
    pub tags: Vec<String>,
    /// How many jobs each loop runs at once [default: 8]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub concurrency: Option<u16>,
    /// How long an idle loop rests at the most before it looks again [default: 1s]
    #[arg(long, value_name = "D", value_parser = duration::parse_positive)]
    pub interval: Option<Duration>,
    /// Ends when nothing is queued, delayed jobs due later aside
    #[arg(long)]
    pub drain: bool,
    /// How long a worker is taken to live after its last sign of life; its jobs are run again after that [default: 30s]
    #[arg(long, value_name = "D", value_parser = duration::parse_positive)]
    pub lease: Option<Duration>,
    /// How many workers a job may take down before it fails [default: 3]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_crashes: Option<u32>,
    /// How long running jobs may go on after a stop [default: 30s]
    #[arg(long, value_name = "D", value_parser = duration::parse)]
    pub grace: Option<Duration>,
}

/// Which jobs are meant.
#[derive(Args, Debug)]
pub struct Selection {
    /// Only jobs of this task; may be repeated
    #[arg(short, long, value_name = "TASK")]
    pub task: Vec<String>,
    /// Only jobs under this tag; may be repeated
    #[arg(short = 'a', long, value_name = "TAG")]
    pub tag: Vec<String>,
    /// Only jobs with this status; may be repeated
    #[arg(short, long, value_name = "STATUS")]
    pub status: Vec<Status>,
    /// Only jobs that match this filter, in Extended JSON: {"data.to": {"$regex": "@example"}}
    #[arg(long, value_name = "FILTER")]
    pub query: Option<String>,
}

/// Shows jobs.
#[derive(Args, Debug)]
pub struct Jobs {
    /// Which jobs are meant.
    #[command(flatten)]
    pub selection: Selection,
    /// The order: {"priority": -1, "_id": 1}, or -priority,_id [default: the newest first]
    #[arg(long, allow_hyphen_values = true)]
    pub sort: Option<String>,
    /// Passes over the first jobs
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub skip: u64,
    /// How many jobs are shown at the most
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub limit: u64,
    /// Only these fields of the jobs
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    pub fields: Vec<String>,
    /// Only how many jobs stand where
    #[arg(long)]
    pub counts: bool,
}

/// Shows one job.
#[derive(Args, Debug)]
pub struct Show {
    /// The id of the job
    pub id: String,
}

/// Measures a queue on the store.
#[derive(Args, Debug)]
pub struct Bench {
    /// What is measured: enqueue, bulk, drain, latency or history; may be repeated [default: each of them]
    #[arg(short, long, value_name = "NAME")]
    pub workload: Vec<Workload>,
    /// How many jobs are measured [default: as many as the workload usually has]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub jobs: Option<u64>,
    /// How many bytes a job's data has as JSON
    #[arg(long, value_name = "BYTES", default_value_t = 100, value_parser = clap::value_parser!(u32).range(..=1_048_576))]
    pub payload: u32,
    /// How many jobs the worker runs at once
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..))]
    pub concurrency: u16,
    /// history: how many finished jobs the store keeps
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    pub finished: u64,
    /// history: so many jobs wait, in place of finished ones, and some of them are measured
    #[arg(long, value_name = "N", conflicts_with = "finished", value_parser = clap::value_parser!(u64).range(20..))]
    pub backlog: Option<u64>,
    /// latency: how long after one job the next is sent
    #[arg(long, value_name = "D", default_value = "5ms", value_parser = duration::parse_positive)]
    pub interval: Duration,
    /// latency: for how many seconds jobs are sent
    #[arg(long, value_name = "N", conflicts_with = "jobs", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    pub seconds: u64,
    /// How often all of it is done; with more than one round the table shows medians
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub rounds: u32,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_negative_priority_is_a_value() {
        let arguments =
            Arguments::try_parse_from(["kinetik", "enqueue", "t", "-1.5", "--priority", "-5"]).unwrap();
        let Command::Enqueue(enqueue) = arguments.command else {
            panic!("{arguments:?}")
        };
        assert_eq!((enqueue.priority, enqueue.data.as_deref()), (-5, Some("-1.5")));
    }
}
