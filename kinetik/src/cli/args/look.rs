//! What the commands take that look at the queue.

use clap::Args;
use kinetik_core::Status;

use super::number;

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
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true, value_parser = number::from(0))]
    pub skip: u64,
    /// How many jobs are shown at the most
    #[arg(long, value_name = "N", default_value_t = 20, allow_negative_numbers = true, value_parser = number::from(0))]
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

/// Shows tasks.
#[derive(Args, Debug)]
pub struct Tasks {
    /// Only this task; may be repeated
    #[arg(short, long, value_name = "NAME")]
    pub task: Vec<String>,
}
