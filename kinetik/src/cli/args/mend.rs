//! What the commands take that change jobs.

use std::time::Duration;

use clap::{ArgGroup, Args};
use kinetik_core::Status;

use super::Selection;
use crate::cli::duration;

/// Calls jobs off.
#[derive(Args, Debug)]
pub struct Cancel {
    /// The jobs that are meant.
    #[command(flatten)]
    pub chosen: Chosen,
}

/// Revives jobs.
#[derive(Args, Debug)]
pub struct Retry {
    /// The jobs that are meant.
    #[command(flatten)]
    pub chosen: Chosen,
}

/// Jobs by their ids, or by what they have in common.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("which").args(["ids", "task", "tag", "status", "query"]).required(true).multiple(true))]
pub struct Chosen {
    /// The ids of the jobs
    #[arg(value_name = "ID", conflicts_with_all = ["task", "tag", "status", "query"])]
    pub ids: Vec<String>,
    /// What they have in common.
    #[command(flatten)]
    pub selection: Selection,
}

/// Clears finished jobs away.
#[derive(Args, Debug)]
pub struct Clean {
    /// Only jobs under these tags [default: under any]
    #[arg(value_name = "TAG")]
    pub tags: Vec<String>,
    /// Only jobs of this task; may be repeated
    #[arg(short, long, value_name = "TASK")]
    pub task: Vec<String>,
    /// Jobs that ended so; may be repeated [default: completed]
    #[arg(short, long, value_name = "STATUS")]
    pub status: Vec<Status>,
    /// Only jobs that ended at least so long ago, such as 6d
    #[arg(long, value_name = "D", allow_hyphen_values = true, value_parser = duration::parse)]
    pub older: Option<Duration>,
}
