//! Jobs that took down their workers, or ran beside one that did.
//!
//! From a crash alone it cannot be told which of the jobs that ran was its cause. So a job that has one more crash left
//! has its last chance alone: the loop lets all else end, runs it, and claims nothing meanwhile. What then takes its
//! worker down is the cause, and its innocent neighbours complete.

use seed::store::{Find, StoreExt, WriteItem};
use seed::{Document, Filter, Value, doc};

use super::Loop;
use crate::error::Result;
use crate::job::Status;

/// How far a loop is with running a suspect alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Isolation {
    /// There is none.
    None,
    /// One waits until nothing else runs here.
    Wanted,
    /// One runs.
    Running,
}

impl Loop {
    /// Returns from how many crashes on a job is a suspect; none if the first crash is the last one.
    pub(super) fn suspect_from(&self) -> Option<i64> {
        let crashes = i64::from(self.queue.max_crashes()) - 1;
        (crashes > 0).then_some(crashes)
    }

    /// Looks whether a suspect waits under one of the tags, and says so.
    pub(super) async fn look_for_suspects(&mut self) -> Result<bool> {
        if self.isolation != Isolation::None {
            return Ok(true);
        }
        let Some(crashes) = self.suspect_from() else {
            return Ok(false);
        };
        for filter in self.suspects(crashes)? {
            let request = Find::new(self.queue.collection().clone(), filter);
            if self.queue.store().find_one(request).await?.is_some() {
                self.isolation = Isolation::Wanted;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Claims one suspect, once nothing else runs.
    pub(super) fn suspect_item(&self) -> Result<Option<WriteItem>> {
        match self.suspect_from() {
            Some(crashes) if self.running.is_empty() => self.claim_item(self.suspects(crashes)?, 1),
            _ => Ok(None),
        }
    }

    /// Notes how many suspects a trip that asked for one has brought.
    pub(super) fn note_suspects(&mut self, claimed: usize) {
        self.isolation = match claimed {
            0 => Isolation::None,
            _ => Isolation::Running,
        };
    }

    /// Ends the isolation when the suspect has ended.
    pub(super) fn end_isolation(&mut self) {
        if self.isolation == Isolation::Running && self.running.is_empty() {
            self.isolation = Isolation::None;
            self.may_have_work = true;
        }
    }

    fn suspects(&self, crashes: i64) -> Result<Vec<Filter>> {
        let tasks = self.task_names();
        let of_tag = |tag: &String| -> Result<Filter> {
            let filter: Document = doc! {
                "status": (Status::Queued.name()), "tag": (tag.as_str()), "task": { "$in": (tasks.clone()) },
                "crashes": { "$gte": crashes }
            };
            Ok(Filter::parse(&filter)?)
        };
        self.tags.iter().map(of_tag).collect()
    }

    /// Returns the names of the tasks that are defined here.
    pub(super) fn task_names(&self) -> Vec<Value> {
        self.queue.tasks().iter().map(|task| task.name().into()).collect()
    }
}
