//! Counting jobs by task and status.

use seed::store::Aggregate;
use seed::{Document, Filter, Pipeline, Value, doc};

use super::Queue;
use crate::error::Result;
use crate::job::Status;

impl Queue {
    /// Counts the jobs that match, by task and status: tasks by name, statuses in the order of a job's life.
    ///
    /// # Errors
    /// [`ErrorKind::Store`](crate::ErrorKind::Store).
    pub async fn counts(&self, filter: &Filter) -> Result<Vec<JobCount>> {
        let key = doc! { "task": "$task", "status": "$status" };
        let stages = [
            doc! { "$match": (filter.source().clone()) },
            doc! { "$group": { "_id": key, "count": { "$sum": 1 } } },
        ];
        let request = Aggregate::new(self.collection().clone(), Pipeline::parse(&stages)?);
        let groups = self.store().aggregate(request).await?;
        let mut counts = groups
            .iter()
            .map(JobCount::from_group)
            .collect::<Result<Vec<_>>>()?;
        counts.sort_by(|a, b| (&a.task, a.status).cmp(&(&b.task, b.status)));
        Ok(counts)
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
    fn from_group(group: &Document) -> Result<Self> {
        let key = group.id().and_then(Value::as_document);
        let text = |name: &str| {
            key.and_then(|key| key.get(name))
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let count = group.get("count").and_then(Value::as_i64).unwrap_or_default();
        Ok(Self {
            task: text("task").to_owned(),
            status: text("status").parse()?,
            count: u64::try_from(count).unwrap_or_default(),
        })
    }
}
