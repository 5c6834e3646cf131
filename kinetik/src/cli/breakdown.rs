//! How many jobs stand where: task by status.

use std::collections::BTreeMap;

use anyhow::Result;
use kinetik_core::{JobCount, Queue, Status};
use seed::{Document, doc};

use super::count::number;
use super::definitions::Definitions;
use super::output::Output;

/// Shows the breakdown, and says of which waiting jobs nobody defines the task.
pub(super) async fn show(queue: &Queue, counts: &[JobCount], output: &Output) -> Result<()> {
    if output.is_json() {
        counts.iter().try_for_each(|count| output.json(&line(count)))?;
    } else if counts.is_empty() {
        output.line("no jobs")?;
    } else {
        table(counts, output)?;
    }
    for task in undefined(queue, counts).await? {
        let text = format!("nobody defines {task:?}: its jobs wait for a worker that does");
        if output.is_json() {
            output.note(&text);
        } else {
            output.line(&text)?;
        }
    }
    Ok(())
}

fn line(JobCount { task, status, count }: &JobCount) -> Document {
    doc! { "task": (task.as_str()), "status": (status.name()), "count": (number(*count)) }
}

fn table(counts: &[JobCount], output: &Output) -> Result<()> {
    let statuses: Vec<Status> = Status::ALL
        .into_iter()
        .filter(|status| counts.iter().any(|count| count.status == *status))
        .collect();
    let mut tasks: BTreeMap<&str, BTreeMap<Status, u64>> = BTreeMap::new();
    let mut total: BTreeMap<Status, u64> = BTreeMap::new();
    for count in counts {
        tasks
            .entry(&count.task)
            .or_default()
            .insert(count.status, count.count);
        *total.entry(count.status).or_default() += count.count;
    }
    let mut rows: Vec<_> = tasks
        .iter()
        .map(|(task, counted)| row(task, counted, &statuses))
        .collect();
    if rows.len() > 1 {
        rows.push(row("", &total, &statuses));
    }
    let header: Vec<&str> = std::iter::once("task")
        .chain(statuses.iter().map(|status| status.name()))
        .collect();
    output.table(&header, rows)
}

fn row(task: &str, counted: &BTreeMap<Status, u64>, statuses: &[Status]) -> Vec<String> {
    let count = |status: &Status| {
        counted
            .get(status)
            .map(u64::to_string)
            .unwrap_or_else(|| "-".to_owned())
    };
    std::iter::once(task.to_owned())
        .chain(statuses.iter().map(count))
        .collect()
}

/// Returns the tasks that jobs wait for and nobody defines.
async fn undefined<'c>(queue: &Queue, counts: &'c [JobCount]) -> Result<Vec<&'c str>> {
    let waits = |count: &&JobCount| matches!(count.status, Status::Delayed | Status::Queued);
    let mut waiting: Vec<&str> = counts
        .iter()
        .filter(waits)
        .map(|count| count.task.as_str())
        .collect();
    waiting.dedup();
    if !waiting.is_empty() {
        let defined = Definitions::of(queue).await?;
        waiting.retain(|task| !defined.has(task));
    }
    Ok(waiting)
}
