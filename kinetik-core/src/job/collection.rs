//! How jobs are kept: the collection of a queue and its indexes.

use seed::value::Text;
use seed::{CollectionSpec, Document, IndexSpec, doc};

use super::Status;
use crate::error::Result;

/// The edition of the indexes, raised with each change of them.
const EDITION: u32 = 3;

/// Names the collection in which a queue keeps its jobs.
pub fn jobs_collection(queue: &str) -> Text {
    format!("{queue}.jobs").into()
}

/// Declares a queue's collection of jobs.
///
/// Partial indexes hold only what is live, so that finished jobs cost a claim nothing. Two more over queued jobs find
/// those that have crashed, and count a long backlog by task. Finished jobs have one, written once, over which counts
/// are ranges and along which old jobs are removed.
pub(crate) fn jobs_spec(collection: &Text) -> Result<CollectionSpec> {
    let live = |name: &str, fields: Document, status: Status| {
        IndexSpec::new(name, &fields)?.partial(&doc! { "status": (status.name()) })
    };
    let suspects = IndexSpec::new("suspects", &doc! { "tag": 1, "status": 1 })?
        .partial(&doc! { "status": (Status::Queued.name()), "crashes": { "$gte": 1 } })?;
    let finished = IndexSpec::new("finished", &doc! { "task": 1, "status": 1, "finished": 1 })?
        .partial(&doc! { "finished": { "$exists": true } })?;
    Ok(CollectionSpec::new(collection.clone())
        .version(EDITION)
        .index(live(
            "queued",
            doc! { "tag": 1, "priority": (-1) },
            Status::Queued,
        )?)
        .index(live("tasks", doc! { "task": 1 }, Status::Queued)?)
        .index(suspects)
        .index(live("delayed", doc! { "run_at": 1 }, Status::Delayed)?)
        .index(live("processing", doc! { "session": 1 }, Status::Processing)?)
        .index(finished))
}
