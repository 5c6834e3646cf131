//! Delayed jobs whose time has come.

use seed::store::{Find, FindAndUpdate, StoreExt, WriteBatch, WriteItem, WriteOutcome};
use seed::{DateTime, ErrorKind, Filter, Projection, Sort, Update, Value, doc};

use crate::error::Result;
use crate::job::{Failure, Status};
use crate::queue::Queue;

/// How many jobs are promoted in one step: few enough that whoever does it is soon back at what else it has to do.
const STEP: usize = 250;

/// Queues delayed jobs that are due, the oldest first; says whether there were any.
pub(crate) async fn promote_due(queue: &Queue, now: DateTime) -> Result<bool> {
    let due = Filter::parse(&doc! { "status": (Status::Delayed.name()), "run_at": { "$lte": now } })?;
    let update = Update::parse(&doc! { "$set": { "status": (Status::Queued.name()) } }, &[])?;
    let request = FindAndUpdate::new(queue.collection().clone(), due.clone(), update.clone())
        .sort(by_run_at()?)
        .limit(STEP);
    match queue.store().find_and_update(request).await {
        Ok(promoted) => Ok(!promoted.is_empty()),
        // One of them can never be queued. The others are, and that one fails.
        Err(fault) if matches!(fault.kind(), ErrorKind::Index | ErrorKind::Limit) => {
            one_by_one(queue, &due, &update).await
        }
        Err(fault) => Err(fault.into()),
    }
}

/// Queues jobs that are due each on its own, and fails those that the store does not queue; says whether there were any.
async fn one_by_one(queue: &Queue, due: &Filter, update: &Update) -> Result<bool> {
    let request = Find::new(queue.collection().clone(), due.clone())
        .sort(by_run_at()?)
        .limit(STEP as u64)
        .projection(Projection::parse(&doc! { "_id": 1 })?);
    let ids: Vec<Value> = queue
        .store()
        .find_readable(request)
        .await?
        .0
        .iter()
        .filter_map(|job| job.id().cloned())
        .collect();
    let delayed =
        |id: &Value| Filter::parse(&doc! { "_id": { "$eq": id }, "status": (Status::Delayed.name()) });
    let items = ids
        .iter()
        .map(|id| Ok(WriteItem::update(delayed(id)?, update.clone())));
    let batch = WriteBatch::new(queue.collection().clone(), items.collect::<Result<_>>()?);
    let outcomes = queue.store().write(batch).await?;
    let mut refused = Vec::new();
    for (id, outcome) in ids.iter().zip(outcomes) {
        if let WriteOutcome::Failed(fault) = outcome {
            let failure = Failure::new(format!(
                "the job is due, and the store refused to queue it: {fault}"
            ));
            let set = failure.ending(Status::Failed, queue.now());
            refused.push(WriteItem::update(
                delayed(id)?,
                Update::parse(&doc! { "$set": set }, &[])?,
            ));
        }
    }
    if !refused.is_empty() {
        let batch = WriteBatch::new(queue.collection().clone(), refused);
        queue.store().write(batch).await?;
    }
    Ok(!ids.is_empty())
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
