//! `kinetik cancel` and `kinetik retry`: changes of jobs that are named by their ids, or by what they have in common.
//!
//! All ids are looked at before the first job is changed, so that a wrong one among them changes nothing.

use std::collections::HashMap;
use std::fmt::Display;

use anyhow::{Result, anyhow, bail};
use futures::{StreamExt, TryStreamExt};
use kinetik_core::{ErrorKind, Queue, Status};
use seed::value::Array;
use seed::{Filter, Projection, Value, doc};

use super::Opened;
use super::args::{Chosen, Selection};
use super::count;
use super::output::{Output, shown};
use super::unreadable::Unreadable;

/// How many jobs are changed at the same time, so that the store can commit them together.
const AT_ONCE: usize = 64;

/// How many ids are looked for in one trip.
const IDS_A_TRIP: usize = 500;

/// What is done to the jobs.
#[derive(Clone, Copy, Debug)]
pub(super) enum Change {
    /// They are called off.
    Cancel,
    /// They are revived.
    Retry,
}

impl Change {
    /// Returns where a job must stand for it.
    fn open_to(self) -> &'static [Status] {
        match self {
            Self::Cancel => &[Status::Delayed, Status::Queued, Status::Processing],
            Self::Retry => &[Status::Failed, Status::Timeout],
        }
    }

    /// Returns where a job stands afterwards.
    fn leads_to(self) -> Status {
        match self {
            Self::Cancel => Status::Cancelled,
            Self::Retry => Status::Queued,
        }
    }

    fn allows(self, status: Status) -> bool {
        let is_done_already = matches!(self, Self::Cancel) && status == Status::Cancelled;
        is_done_already || self.open_to().contains(&status)
    }

    fn rule(self) -> &'static str {
        match self {
            Self::Cancel => "only what is not over can be cancelled",
            Self::Retry => "only what failed or timed out can be retried",
        }
    }

    fn done(self) -> &'static str {
        match self {
            Self::Cancel => "cancelled",
            Self::Retry => "queued again",
        }
    }

    async fn apply(self, queue: &Queue, id: &str) -> kinetik_core::Result<()> {
        match self {
            Self::Cancel => queue.cancel(id).await,
            Self::Retry => queue.retry(id).await,
        }
    }
}

pub(super) async fn run(opened: &Opened, change: Change, chosen: &Chosen, output: &Output) -> Result<()> {
    let queue = &opened.queue;
    let mut report = Report {
        change,
        output,
        fault: None,
        unreadable: Unreadable::default(),
    };
    let changed = if chosen.ids.is_empty() {
        by_selection(queue, change, &chosen.selection, &mut report).await?
    } else {
        by_ids(queue, change, &chosen.ids, &mut report).await?
    };
    if output.is_json() {
        report.fault.map_or(Ok(()), Err)?;
    } else {
        output.line(&format!("{} {}", count::jobs(changed), change.done()))?;
    }
    report.unreadable.finish()
}

/// Tells of each job that was changed. If that cannot be told any more, the rest is changed all the same: it was asked for.
struct Report<'a> {
    change: Change,
    output: &'a Output,
    /// Why nothing is told any more.
    fault: Option<anyhow::Error>,
    unreadable: Unreadable,
}

impl Report<'_> {
    fn tell(&mut self, id: &str) {
        if self.output.is_json() && self.fault.is_none() {
            let line = doc! { "_id": id, "status": (self.change.leads_to().name()) };
            self.fault = self.output.json(&line).err();
        }
    }
}

async fn by_ids(queue: &Queue, change: Change, named: &[String], report: &mut Report<'_>) -> Result<u64> {
    let mut ids: Vec<&str> = Vec::with_capacity(named.len());
    for id in named {
        if !ids.contains(&id.as_str()) {
            ids.push(id);
        }
    }
    check(queue, change, &ids).await?;
    let mut changed = 0;
    let mut outcomes = futures::stream::iter(ids)
        .map(async |id| (id, change.apply(queue, id).await))
        .buffered(AT_ONCE);
    while let Some((id, outcome)) = outcomes.next().await {
        outcome.map_err(|fault| stopped(&format_args!("{id}: {fault}"), change, changed))?;
        changed += 1;
        report.tell(id);
    }
    Ok(changed)
}

/// Makes sure that all of the jobs are there and can be changed.
async fn check(queue: &Queue, change: Change, ids: &[&str]) -> Result<()> {
    let mut statuses: HashMap<String, String> = HashMap::with_capacity(ids.len());
    for step in ids.chunks(IDS_A_TRIP) {
        let step: Array = step.iter().map(|id| Value::from(*id)).collect();
        let filter = Filter::parse(&doc! { "_id": { "$in": step } })?;
        let status = Projection::parse(&doc! { "status": 1 })?;
        let mut jobs = queue.find(filter, |find| find.projection(status)).await?;
        while let Some(job) = jobs.try_next().await? {
            let text = |name: &str| job.get(name).map(shown).unwrap_or_default();
            statuses.insert(text("_id"), text("status"));
        }
    }
    for id in ids {
        match statuses.get(*id) {
            None => bail!(
                "there is no job {id:?} in the queue {:?}: kinetik jobs lists them; nothing was changed",
                queue.name()
            ),
            Some(status) if !change.allows(status.parse()?) => {
                bail!(
                    "the job {id} is {status}, and {}; nothing was changed",
                    change.rule()
                )
            }
            Some(_) => {}
        }
    }
    Ok(())
}

async fn by_selection(
    queue: &Queue,
    change: Change,
    chosen: &Selection,
    report: &mut Report<'_>,
) -> Result<u64> {
    if let Some(status) = chosen
        .status
        .iter()
        .find(|status| !change.open_to().contains(status))
    {
        bail!("-s {status}: {}; nothing was changed", change.rule());
    }
    let filter = chosen.filter_among(change.open_to())?;
    let id = Projection::parse(&doc! { "_id": 1 })?;
    let jobs = queue.find(filter, |find| find.projection(id)).await?;
    let mut outcomes = jobs
        .map(async |job| {
            let id = job?.id().map(shown).unwrap_or_default();
            let outcome = change.apply(queue, &id).await;
            Ok((id, outcome))
        })
        .buffered(AT_ONCE);
    let mut changed = 0;
    while let Some(outcome) = outcomes.next().await {
        let outcome = report.unreadable.pass_over(outcome);
        let outcome = outcome.map_err(|fault| stopped(&fault, change, changed))?;
        let Some(outcome) = outcome else { continue };
        match outcome {
            (id, Ok(())) => {
                changed += 1;
                report.tell(&id);
            }
            // It went on since it was found, and is not meant any more.
            (_, Err(fault)) if matches!(fault.kind(), ErrorKind::Invalid | ErrorKind::NotFound) => {}
            (id, Err(fault)) => return Err(stopped(&format_args!("{id}: {fault}"), change, changed)),
        }
    }
    Ok(changed)
}

fn stopped(fault: &impl Display, change: Change, changed: u64) -> anyhow::Error {
    anyhow!("{fault}; {changed} of the jobs were {} before it", change.done())
}
