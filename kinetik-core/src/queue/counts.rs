//! Counting jobs by task and status.

use std::collections::BTreeMap;

use seed::store::Aggregate;
use seed::{Document, Filter, Pipeline, Value, doc};

use super::Queue;
use crate::error::Result;
use crate::job::Status;

impl Queue {
    /// Counts the jobs that match, by task and status: tasks by name, statuses in the order of a job's life.
    ///
    /// Those that wait, that run and that are over are counted one after the other, in the order in which jobs go, so
    /// that one which moves meanwhile may be counted twice, and none is left out. Without a filter, or with one for a
    /// task, a million jobs that are queued or finished are counted in their indexes.
    ///
    /// # Errors
    /// [`ErrorKind::Store`](crate::ErrorKind::Store).
    pub async fn counts(&self, filter: &Filter) -> Result<Vec<JobCount>> {
        let live = [Status::Delayed, Status::Queued, Status::Processing].map(Some);
        let mut counts = BTreeMap::new();
        for status in live.into_iter().chain([None]) {
            for group in self.count_part(filter, status).await? {
                let count = JobCount::from_group(&group, status)?;
                *counts.entry((count.task, count.status)).or_default() += count.count;
            }
        }
        let counts = counts.into_iter();
        Ok(counts
            .map(|((task, status), count)| JobCount { task, status, count })
            .collect())
    }

    /// Counts what stands at one status by task, or what is over by task and status.
    async fn count_part(&self, filter: &Filter, status: Option<Status>) -> Result<Vec<Document>> {
        let (part, key) = match status {
            Some(status) => (doc! { "status": (status.name()) }, doc! { "task": "$task" }),
            None => (
                doc! { "finished": { "$exists": true } },
                doc! { "task": "$task", "status": "$status" },
            ),
        };
        let filter = match filter.source() {
            all if all.is_empty() => part,
            some => doc! { "$and": [(part), (some.clone())] },
        };
        let stages = [
            doc! { "$match": (filter) },
            doc! { "$group": { "_id": key, "count": { "$sum": 1 } } },
        ];
        let request = Aggregate::new(self.collection().clone(), Pipeline::parse(&stages)?);
        Ok(self.store().aggregate(request).await?)
    }
}

/// How many jobs of a task stand at a status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobCount {
    /// The task.
    pub task: String,
    /// The status.
    pub status: Status,
    /// How many, at least one.
    pub count: u64,
}

impl JobCount {
    /// Reads a group, whose key has the status if that was not given.
    fn from_group(group: &Document, status: Option<Status>) -> Result<Self> {
        let key = group.id().and_then(Value::as_document);
        let text = |name: &str| {
            key.and_then(|key| key.get(name))
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let count = group.get("count").and_then(Value::as_i64).unwrap_or_default();
        Ok(Self {
            task: text("task").to_owned(),
            status: status.map_or_else(|| text("status").parse(), Ok)?,
            count: u64::try_from(count).unwrap_or_default(),
        })
    }
}
