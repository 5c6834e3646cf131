//! `kinetik show`: everything about one job.

use anyhow::{Result, anyhow};
use futures::TryStreamExt;
use kinetik_core::job::log::LogLine;
use kinetik_core::{Job, Queue, Status};
use seed::value::json;
use seed::{Document, Filter, Value, doc};

use super::Opened;
use super::args::Show;
use super::output::{Output, shown};

pub(super) async fn run(opened: &Opened, command: &Show, output: &Output) -> Result<()> {
    let filter = Filter::parse(&doc! { "_id": { "$eq": (command.id.as_str()) } })?;
    let document = opened
        .queue
        .find(filter, |find| find.limit(1))
        .await?
        .try_next()
        .await?;
    let document = document.ok_or_else(|| {
        anyhow!(
            "there is no job {:?} in the queue {:?}: kinetik jobs lists them",
            command.id,
            opened.queue.name()
        )
    })?;
    if output.is_json() {
        return output.json(&document);
    }
    let job = match Job::from_document(&document) {
        Ok(job) => job,
        Err(fault) => {
            output.note(&format!("{fault}; this is its document:"));
            return output.json(&document);
        }
    };
    let holder = holder(&opened.queue, &document).await?;
    for (name, value) in facts(&job, holder) {
        output.line(&format!("{name:<10}{value}"))?;
    }
    if !job.log.is_empty() {
        output.line("")?;
        job.log.iter().try_for_each(|line| output.line(&log_line(line)))?;
    }
    Ok(())
}

/// Says which worker has a job; none if nobody has it.
async fn holder(queue: &Queue, job: &Document) -> Result<Option<String>> {
    let Some(session) = job.get("session").and_then(Value::as_str) else {
        return Ok(None);
    };
    let workers = queue.workers().await?;
    let holder = workers.iter().find(|worker| worker.id == session);
    Ok(Some(match holder {
        Some(worker) => format!("process {} on {}", worker.process, worker.host),
        None => "a worker that is gone".to_owned(),
    }))
}

/// Returns what is known about a job, in the order in which one asks.
fn facts(job: &Job, holder: Option<String>) -> Vec<(&'static str, String)> {
    let time = |time: Option<seed::DateTime>| time.map(|time| time.to_string());
    let facts = [
        ("id", Some(job.id.clone())),
        ("task", Some(job.task.clone())),
        ("tag", Some(job.tag.clone())),
        ("status", Some(job.status.to_string())),
        ("priority", Some(job.priority.to_string())),
        (
            "attempts",
            Some(format!("{} of {}", attempts(job), job.max_attempts)),
        ),
        ("crashes", (job.crashes > 0).then(|| job.crashes.to_string())),
        ("created", Some(job.created.to_string())),
        ("due", time(job.run_at)),
        ("started", time(job.started)),
        ("worker", holder),
        ("finished", time(job.finished)),
        ("ran for", job.ran_for().map(|time| format!("{time:?}"))),
        (
            "progress",
            job.progress
                .map(|progress| format!("{} of {}", progress.current, progress.total)),
        ),
        ("data", (!job.data.is_null()).then(|| json::to_plain(&job.data))),
        (
            "result",
            (!job.result.is_null()).then(|| json::to_plain(&job.result)),
        ),
        ("error", job.error.as_ref().map(|error| error.message.clone())),
        ("code", job.error.as_ref().and_then(|error| error.code.clone())),
        (
            "kind",
            job.error.as_ref().map(|error| error.kind.name().to_owned()),
        ),
    ];
    facts
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

/// Counts the attempts with the one that runs.
fn attempts(job: &Job) -> i64 {
    job.attempt + i64::from(job.status == Status::Processing)
}

fn log_line(line: &LogLine) -> String {
    let LogLine { at, message, data } = line;
    match data {
        Value::Null => format!("{at}  {message}"),
        data => format!("{at}  {message}  {}", shown(data)),
    }
}
