//! Delayed jobs whose time has come.

use seed::store::{Find, FindAndUpdate, StoreExt};
use seed::{DateTime, Filter, Sort, Update, Value, doc};

use crate::error::Result;
use crate::job::Status;
use crate::queue::Queue;

/// How many jobs are promoted in one step.
const STEP: usize = 1_000;

/// Queues the delayed jobs that are due, oldest first, a step at a time; says whether there were any.
pub(crate) async fn promote_due(queue: &Queue, now: DateTime) -> Result<bool> {
    let due = Filter::parse(&doc! { "status": (Status::Delayed.name()), "run_at": { "$lte": now } })?;
    let update = Update::parse(&doc! { "$set": { "status": (Status::Queued.name()) } }, &[])?;
    let request = FindAndUpdate::new(queue.collection().clone(), due, update)
        .sort(by_run_at()?)
        .limit(STEP);
    let mut promoted = false;
    loop {
        let step = queue.store().find_and_update(request.clone()).await?.len();
        promoted |= step > 0;
        if step < STEP {
            return Ok(promoted);
        }
    }
}

/// Returns when the next delayed job is due; none if there is none.
pub(crate) async fn next_due(queue: &Queue) -> Result<Option<DateTime>> {
    // One whose time is no date is never due, and must not hide those behind it.
    let any_time = DateTime::from_millis(i64::MIN);
    let delayed =
        Filter::parse(&doc! { "status": (Status::Delayed.name()), "run_at": { "$gte": any_time } })?;
    let request = Find::new(queue.collection().clone(), delayed).sort(by_run_at()?);
    let first = queue.store().find_one(request).await?;
    Ok(first.and_then(|job| job.get("run_at").and_then(Value::as_date)))
}

fn by_run_at() -> Result<Sort> {
    Ok(Sort::parse(&doc! { "run_at": 1 })?)
}
