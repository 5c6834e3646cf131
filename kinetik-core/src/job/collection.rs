//! How jobs are kept: the collection of a queue and its indexes.

use seed::value::Text;
use seed::{CollectionSpec, Document, IndexSpec, doc};

use super::Status;
use crate::error::Result;

/// The edition of the indexes, raised with each change of them.
const EDITION: u32 = 4;

/// Names the collection in which a queue keeps its jobs.
pub fn jobs_collection(queue: &str) -> Text {
    format!("{queue}.jobs").into()
}

/// Declares a queue's collection of jobs.
///
/// Partial indexes hold only what is live, so that finished jobs cost a claim nothing. Queued jobs are kept apart by task:
/// a claim reads those of its own tasks side by side, and never comes by jobs that it must leave to others, however many
/// wait; and a long backlog is counted by task. One more over queued jobs finds those that have crashed. Finished jobs have
/// one, written once, over which counts are ranges and along which old jobs are removed.
pub(crate) fn jobs_spec(collection: &Text) -> Result<CollectionSpec> {
    let live = |name: &str, fields: Document, status: Status| {
        IndexSpec::new(name, &fields)?.partial(&doc! { "status": (status.name()) })
    };
    let suspects = IndexSpec::new("suspects", &doc! { "task": 1, "tag": 1, "status": 1 })?
        .partial(&doc! { "status": (Status::Queued.name()), "crashes": { "$gte": 1 } })?;
    let finished = IndexSpec::new("finished", &doc! { "task": 1, "status": 1, "finished": 1 })?
        .partial(&doc! { "finished": { "$exists": true } })?;
    Ok(CollectionSpec::new(collection.clone())
        .version(EDITION)
        .index(live(
            "queued",
            doc! { "task": 1, "tag": 1, "priority": (-1) },
            Status::Queued,
        )?)
        .index(suspects)
        .index(live("delayed", doc! { "run_at": 1 }, Status::Delayed)?)
        .index(live("processing", doc! { "session": 1 }, Status::Processing)?)
        .index(finished))
}
