//! `kinetik clean`: removes finished jobs.

use anyhow::{Result, bail};
use kinetik_core::Status;
use seed::doc;

use super::Opened;
use super::args::Clean;
use super::count::{self, number};
use super::output::Output;
use super::selection::check_names;

pub(super) async fn run(opened: &Opened, command: &Clean, output: &Output) -> Result<()> {
    check_names("tag", &command.tags)?;
    check_names("task", &command.task)?;
    let statuses = match &command.status[..] {
        [] => &[Status::Completed],
        statuses => statuses,
    };
    if let Some(live) = statuses.iter().find(|status| !status.is_final()) {
        bail!("jobs that are {live} are live, and never removed: kinetik cancel calls them off");
    }
    let mut removed = 0;
    for status in statuses {
        removed += of_status(opened, command, *status).await?;
    }
    if output.is_json() {
        return output.json(&doc! { "removed": (number(removed)) });
    }
    output.line(&format!("{} removed", count::jobs(removed)))
}

async fn of_status(opened: &Opened, command: &Clean, status: Status) -> Result<u64> {
    let tasks: Vec<Option<&String>> = match &command.task[..] {
        [] => vec![None],
        tasks => tasks.iter().map(Some).collect(),
    };
    let mut removed = 0;
    for task in tasks {
        let mut clean = opened.queue.clean().status(status);
        clean = command.tags.iter().fold(clean, |clean, tag| clean.tag(tag));
        if let Some(task) = task {
            clean = clean.task(task);
        }
        if let Some(age) = command.older {
            clean = clean.older(age);
        }
        removed += clean.run().await?;
    }
    Ok(removed)
}
