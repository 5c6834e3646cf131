//! Which tasks are defined, and by whom.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use kinetik_core::Queue;

/// The tasks that this process or any living worker defines, by name.
#[derive(Debug)]
pub(super) struct Definitions(BTreeMap<String, Definition>);

/// What is known of a task.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Definition {
    /// The tag that its jobs wait under; none if nobody defines it.
    pub(super) tag: Option<String>,
    /// What it does, for people.
    pub(super) description: String,
    /// For how long an attempt may run; none if for ever.
    pub(super) timeout: Option<Duration>,
    /// Whether the config file has it, or the program that these commands are part of.
    pub(super) is_here: bool,
    /// How many living workers define it.
    pub(super) workers: usize,
}

impl Definitions {
    /// Asks this process and the living workers. Where they differ this process is believed, then the latest worker.
    pub(super) async fn of(queue: &Queue) -> Result<Self> {
        let mut all = BTreeMap::new();
        for task in queue.tasks() {
            let definition = Definition {
                tag: Some(task.tag().to_owned()),
                description: task.description().to_owned(),
                timeout: task.timeout(),
                is_here: true,
                workers: 0,
            };
            all.insert(task.name().to_owned(), definition);
        }
        let workers = queue.workers().await?;
        for worker in workers.into_iter().rev().filter(|worker| worker.is_live) {
            for task in worker.tasks {
                let definition = all.entry(task.name).or_insert_with(|| Definition {
                    tag: Some(task.tag),
                    description: task.description,
                    timeout: task.timeout,
                    ..Definition::default()
                });
                definition.workers += 1;
            }
        }
        Ok(Self(all))
    }

    /// Tells whether anybody defines a task.
    pub(super) fn has(&self, task: &str) -> bool {
        self.0.contains_key(task)
    }

    /// Returns the tag that the jobs of a task wait under; none if nobody defines it.
    pub(super) fn tag_of(&self, task: &str) -> Option<&str> {
        self.0.get(task)?.tag.as_deref()
    }

    /// Returns the tasks by name.
    pub(super) fn into_tasks(self) -> BTreeMap<String, Definition> {
        self.0
    }
}

impl Definition {
    /// Says who defines the task.
    pub(super) fn defined_by(&self) -> String {
        let workers = match self.workers {
            0 => None,
            1 => Some("1 worker".to_owned()),
            workers => Some(format!("{workers} workers")),
        };
        match (self.is_here, workers) {
            (true, Some(workers)) => format!("here, {workers}"),
            (true, None) => "here".to_owned(),
            (false, Some(workers)) => workers,
            (false, None) => "nobody".to_owned(),
        }
    }
}
